"""Time sweeps beside numpy, vectorbt and backtesting.py: `python benchmarks/sweep.py`.

Targets, as ratios in one run, for an ordinary account of 10,000 USD that meets its margin: 1,000
crossings on 2,520 bars at least 100 times as fast as vectorbt and within 10 times the floor; with
a stop at least 60 times as fast as vectorbt with the same stop; 100 crossings on 100,000 bars with
a stop at least 60 times. The floor is what nobody can go below who adds up an equity bar by bar:
one float addition after the other for each combination, on two threads.

Ours is the whole call with checks and table, on one thread and on two; prepared bars leave the
checks out, as an explorer does. vectorbt computes averages, crossings, account, and four metrics.
numpy computes all combinations of one slow average at once, in floats, with the same metrics.
backtesting.py is timed on a few combinations and multiplied. With `--processor` the processor's
time is taken, for a machine that has other work, and the floor is half of its two threads' sum.
"""

import itertools
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings

from timing import milliseconds

CAPITAL = 1_000_000  # of the peers that know no margin
MONEY = {"commission_usd": 0.85, "slippage_ticks": 1}  # and the default: 10,000 USD, a margin
STOP_POINTS = 30
DAILY_STEP, MINUTE_STEP = 540, 60  # ticks: accounts meet their margin
CLOCK = time.process_time if "--processor" in sys.argv else time.perf_counter
BARS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
COMBINATIONS = (10, 100, 1_000, 10_000, 100_000)

FIRST_CALL = """if True:
    import time
    begin = time.perf_counter()
    import pandas as pd
    pandas_time = time.perf_counter() - begin
    from m2k_lessons import strategies
    from m2k_lessons.sweep import sweep
    index = pd.date_range("2030-01-07", periods=300, freq="B")
    bars = pd.DataFrame({name: 2400.0 for name in ("open", "high", "low", "close")}, index)
    bars.attrs["opens"] = None
    imported = time.perf_counter() - begin
    sweep(bars, strategies.trend_following, {"fast": [2, 3], "slow": [5, 9]})
    print(pandas_time, imported, time.perf_counter() - begin)
"""


def drawn(count: int, freq: str, step: int = 30):
    """Bars of a random walk on M2K's tick, turned back far from zero.

    `step` is the widest move of a bar, in ticks. One of 540 is an ordinary year's day, and takes
    some accounts of 10,000 USD down to their margin.
    """
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-step, step + 1, count))
    closes = 14_000 + np.abs((walk + 10_000) % 40_000 - 20_000)
    opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-4, 5, count - 1)])
    columns = {
        "open": opens,
        "high": np.maximum(opens, closes) + step // 6,
        "low": np.minimum(opens, closes) - step // 6,
        "close": closes,
    }
    index = pd.date_range("2000-01-03", periods=count, freq=freq)
    bars = pd.DataFrame(columns, index) / 10
    bars.attrs["opens"] = None  # a random walk's opens are near the close before, as an index's are
    return bars


def pairs(count: int):
    """A grid of about square shape with as many combinations."""
    wide = next(width for width in range(int(count**0.5), 0, -1) if count % width == 0)
    return {"fast": list(range(2, 2 + wide)), "slow": list(range(340, 340 + count // wide))}


def daily_pairs():
    """1,000 usual pairs: 25 fast averages, 40 slow ones."""
    return {"fast": list(range(5, 30)), "slow": list(range(30, 190, 4))}


def floor(bars: int, combinations: int):
    """One addition after the other, on two threads."""
    import numpy as np

    from m2k_lessons._util.jit import kernel

    @kernel
    def add_up(gains, held, finals):
        for combination in range(len(finals)):
            equity = held[combination]
            for bar in range(len(gains)):
                equity += gains[bar]
            finals[combination] = equity

    gains = np.random.default_rng(1).normal(size=bars)
    held = np.arange(combinations, dtype=float)
    finals = np.zeros(combinations)
    half = combinations // 2
    parts = (slice(0, half), slice(half, None))

    def work():
        threads = [
            threading.Thread(target=add_up, args=(gains, held[part], finals[part]))
            for part in parts
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return work


def numpy_sweep(bars, grid):
    import numpy as np

    opens, closes = bars["open"].to_numpy(), bars["close"].to_numpy()
    sums = np.concatenate([[0.0], np.cumsum(closes)])
    fast = np.array(grid["fast"])[:, np.newaxis]
    cost = 0.85 + 0.5

    def average(window):
        ends = np.arange(1, len(sums))[np.newaxis]
        begins = np.maximum(ends - window, 0)
        return np.where(ends >= window, (sums[ends] - sums[begins]) / window, np.nan)

    def work():
        quick = average(fast)
        for slow in grid["slow"]:
            target = np.nan_to_num(np.sign(quick - average(np.array([[slow]]))))
            held = np.pad(target[:, :-1], ((0, 0), (1, 0)))
            before = np.pad(held[:, :-1], ((0, 0), (1, 0)))
            overnight = np.diff(closes, prepend=closes[0]) - (closes - opens)
            gained = 5 * (before * overnight + held * (closes - opens))
            equity = CAPITAL + np.cumsum(gained - cost * np.abs(held - before), axis=1)
            change = np.diff(equity, axis=1) / equity[:, :-1]
            change.mean(axis=1) / change.std(axis=1, ddof=1)
            (1 - equity / np.maximum.accumulate(equity, axis=1)).max(axis=1)
            np.count_nonzero(held != before, axis=1)

    return work


def vectorbt_sweep(bars, grid, freq: str, stop_points: float | None):
    import vectorbt

    fast, slow = zip(*itertools.product(grid["fast"], grid["slow"]), strict=True)
    stop = {}
    if stop_points is not None:
        prices = {name: bars[name] for name in ("open", "high", "low")}
        stop = {"sl_stop": stop_points / bars["close"].to_numpy()[:, None], **prices}

    def work():
        quick = vectorbt.MA.run(bars["close"], fast)
        calm = vectorbt.MA.run(bars["close"], slow)
        above, below = quick.ma_crossed_above(calm), quick.ma_crossed_below(calm)
        portfolio = vectorbt.Portfolio.from_signals(
            bars["close"],
            entries=above,
            short_entries=below,
            size=5,
            fixed_fees=1.35,
            init_cash=CAPITAL,
            freq=freq,
            **stop,
        )
        portfolio.total_return()
        portfolio.sharpe_ratio()
        portfolio.max_drawdown()
        portfolio.trades.count()

    return work


def backtesting_once(bars, fast: int, slow: int):
    from backtesting import Backtest, Strategy

    def average(prices, window):
        import pandas as pd

        return pd.Series(prices).rolling(window).mean()

    class Cross(Strategy):
        def init(self):
            self.quick = self.I(average, self.data.Close, fast)
            self.calm = self.I(average, self.data.Close, slow)

        def next(self):
            if self.quick[-1] > self.calm[-1] and not self.position.is_long:
                self.position.close()
                self.buy(size=5)
            elif self.quick[-1] < self.calm[-1] and not self.position.is_short:
                self.position.close()
                self.sell(size=5)

    frame = bars.rename(columns=str.capitalize)
    return Backtest(frame, Cross, cash=CAPITAL, commission=lambda size, _: 1.35).run


def compare(title: str, bars, grid, freq: str, rounds: int, *, stop: bool, sample: int = 0) -> None:
    """Ours beside vectorbt; with `sample`, also beside numpy and backtesting.py."""
    from m2k_lessons import strategies
    from m2k_lessons.sweep import prepare, sweep

    strategy = strategies.trend_following
    money = MONEY | ({"stop_points": STOP_POINTS} if stop else {})
    ready = prepare(bars, **money)
    count = len(grid["fast"]) * len(grid["slow"])
    taken = milliseconds(
        {
            "floor": floor(len(bars), count),
            "ours, one thread": lambda: sweep(bars, strategy, grid, **money),
            "ours, two threads": lambda: sweep(bars, strategy, grid, n_jobs=2, **money),
            "ours, prepared bars, one thread": lambda: ready.sweep(strategy, grid),
        },
        rounds,
        CLOCK,
    )
    if CLOCK is time.process_time:
        taken["floor"] /= 2
    points = STOP_POINTS if stop else None
    taken |= milliseconds({"vectorbt": vectorbt_sweep(bars, grid, freq, points)}, 3, CLOCK)
    if sample:
        taken |= milliseconds({"numpy": numpy_sweep(bars, grid)}, 1, CLOCK)
        once = backtesting_once(bars, grid["fast"][0], grid["slow"][-1])
        begin = time.perf_counter()
        for _ in range(sample):
            once()
        each = 1e3 * (time.perf_counter() - begin) / sample
        taken[f"backtesting.py, {sample} runs times {count // sample}"] = each * count
    table = sweep(bars, strategy, grid, **money)
    cut = (table["# Margin Calls"] + table["# Orders Refused"] > 0).mean()
    print(f"\n{title:<44}{'ms':>10}{'/ floor':>9}{'vectorbt / it':>15}")
    for name, duration in taken.items():
        ratio, faster = duration / taken["floor"], taken["vectorbt"] / duration
        print(f"  {name:<42}{duration:10.1f}{ratio:9.1f}{faster:15.1f}")
    print(
        f"  {cut:.0%} of the accounts met their margin, {table['# Trades'].mean():.0f} trades each"
    )
    print(f"  floor: {1e6 * taken['floor'] / len(bars) / count:.2f} ns per bar and combination")
    sys.stdout.flush()


def growth(title: str, cases) -> None:
    """Time and the highest memory, the bars themselves not counted."""
    from m2k_lessons import strategies
    from m2k_lessons.sweep import sweep

    print(f"\n{title}")
    print(f"{'bars':>12}{'combinations':>14}{'ms':>11}{'ns each':>9}{'MB':>9}")
    for bars, grid in cases:
        count = len(grid["fast"]) * len(grid["slow"])

        def work(bars=bars, grid=grid):
            sweep(bars, strategies.trend_following, grid, **MONEY)

        begin = time.perf_counter()
        work()
        taken = time.perf_counter() - begin
        tracemalloc.start()
        work()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        each = 1e9 * taken / len(bars) / count
        print(f"{len(bars):12,}{count:14,}{1e3 * taken:11.1f}{each:9.2f}{peak / 1e6:9.1f}")
        sys.stdout.flush()


def main() -> None:
    warnings.simplefilter("ignore")  # the peers' own
    command = [sys.executable, "-c", FIRST_CALL]
    for _ in range(2):  # the first may have to compile
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    pandas_time, imported, done = map(float, printed.split())
    print(
        f"fresh process, kept machine code: pandas {pandas_time:.2f} s, our imports "
        f"{imported - pandas_time:.2f} s, first sweep {done - imported:.2f} s"
    )
    daily = drawn(2_520, "B", DAILY_STEP)
    days, minutes = "1,000 combinations x 2,520 bars", "100 combinations x 100,000 bars"
    compare(days, daily, daily_pairs(), "D", 9, stop=False, sample=5)
    compare(f"{days}, with a stop", daily, daily_pairs(), "D", 9, stop=True)
    by_minute = drawn(100_000, "min", MINUTE_STEP)
    grid = {"fast": list(range(10, 60, 5)), "slow": list(range(100, 600, 50))}
    compare(minutes, by_minute, grid, "min", 5, stop=False)
    compare(f"{minutes}, with a stop", by_minute, grid, "min", 5, stop=True)

    from m2k_lessons import strategies
    from m2k_lessons.sweep import prepare

    ready = prepare(daily, **MONEY)
    slider = {"fast": list(range(5, 35)), "slow": list(range(40, 190, 5))}
    taken = milliseconds({"prepared": lambda: ready.sweep(strategies.trend_following, slider)}, 15)
    print(f"\nexplorer: 30 x 30 pairs x 2,520 bars, table included {taken['prepared']:8.1f} ms")
    growth("growth with bars", ((drawn(count, "min"), pairs(16)) for count in BARS))
    growth("growth with combinations", ((daily, pairs(count)) for count in COMBINATIONS))


if __name__ == "__main__":
    main()
