"""Time one backtest beside vectorbt and backtesting.py: `python benchmarks/engine.py`.

Target on 2,520 daily bars with a stop: at least 20 times as fast as vectorbt in the same run.
Three times are told for ours: the whole call of `backtest.run` with every check, the same with
all statistics, and the compiled engine alone. vectorbt's is `Portfolio.from_signals` without
statistics. backtesting.py computes its statistics in any case.
"""

import sys
import time
import tracemalloc
import warnings

from timing import milliseconds

BARS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)  # the last takes 3 GB


def drawn(count: int, freq: str = "B"):
    """Bars of a random walk on M2K's tick."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    walk = np.cumsum(rng.integers(-30, 31, count))
    closes = 14_000 + np.abs((walk + 10_000) % 40_000 - 20_000)  # turned back far from zero
    opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-4, 5, count - 1)])
    highs = np.maximum(opens, closes) + rng.integers(0, 20, count)
    lows = np.minimum(opens, closes) - rng.integers(0, 20, count)
    index = pd.date_range("2000-01-03", periods=count, freq=freq)
    columns = {"open": opens, "high": highs, "low": lows, "close": closes}
    return pd.DataFrame(columns, index) / 10


def backtesting_run(bars, target, stop_points: float):
    import numpy as np
    from backtesting import Backtest, Strategy

    wanted, opens = target.to_numpy(), bars["open"].to_numpy()

    class Follow(Strategy):
        def init(self):
            pass

        def next(self):
            bar = len(self.data) - 1
            if wanted[bar] != wanted[bar - 1]:
                if wanted[bar] and bar + 1 < len(wanted):
                    self.buy(size=1, sl=opens[bar + 1] - stop_points)
                elif not wanted[bar]:
                    self.position.close()

    frame = bars.rename(columns=str.capitalize)
    test = Backtest(frame, Follow, cash=1e7, commission=lambda size, _: 0.85 * np.abs(size))
    return test.run


def vectorbt_run(bars, target, stop_points: float):
    import vectorbt

    # Orders a bar later, at its open, as ours are; a stop is a fraction of the price there.
    before = target.shift(1, fill_value=0.0)
    entries = (before > 0) & (before.shift(1, fill_value=0.0) == 0)
    exits = (before == 0) & (before.shift(1, fill_value=0.0) > 0)
    return lambda: vectorbt.Portfolio.from_signals(
        bars["close"],
        entries,
        exits,
        price=bars["open"],
        open=bars["open"],
        high=bars["high"],
        low=bars["low"],
        sl_stop=stop_points / bars["open"],
        size=1,
        fixed_fees=0.85,
        init_cash=1e7,
        freq="D",
    ).total_return()


def kernel_run(bars, target, stop_points: float):
    """The compiled engine and the books it fills, without checks before or tables after."""
    from m2k_lessons.backtest import engine, run

    result = run(bars, target, stop_points=stop_points)
    account = {"capital": 10**9, "at_close": False, "roll_costs": True, "resize": False}
    return lambda: engine.simulate(result._legs, **account)


def growth() -> None:
    from m2k_lessons import strategies
    from m2k_lessons.backtest import run

    print("\none run without a stop       " + "".join(f"{count:>12,}" for count in BARS) + " bars")
    times, memory = [], []
    for count in BARS:
        bars = drawn(count, freq="min")
        target = strategies.trend_following(bars["close"])

        def work(bars=bars, target=target):
            run(bars, target, margin=0, commission_usd=0.1, slippage_ticks=0, capital=1e7)

        times.append(1e6 * milliseconds({"run": work}, 3)["run"] / count)
        tracemalloc.start()
        work()
        memory.append(tracemalloc.get_traced_memory()[1] / count)
        tracemalloc.stop()
    print("  ns per bar                 " + "".join(f"{one:12.1f}" for one in times))
    print("  bytes per bar at the peak  " + "".join(f"{one:12.0f}" for one in memory))


def main() -> None:
    warnings.simplefilter("ignore")  # the peers' own
    begin = time.perf_counter()
    from m2k_lessons import strategies
    from m2k_lessons.backtest import run

    bars = drawn(2_520)
    target = strategies.trend_following(bars["close"], long_only=True)
    run(bars, target, stop_points=20)
    taken = time.perf_counter() - begin
    print(f"imports and first call, machine code kept already  {taken:6.2f} s")

    work = {
        "ours, compiled engine alone": kernel_run(bars, target, 20),
        "ours, backtest.run": lambda: run(bars, target, stop_points=20),
        "ours, with all statistics": lambda: run(bars, target, stop_points=20).stats,
        "vectorbt": vectorbt_run(bars, target, 20),
        "backtesting.py": backtesting_run(bars, target, 20),
    }
    taken = milliseconds(work, 9)
    print("\n2,520 bars, one run with a stop, median of 9        ms   vectorbt / it")
    for name, one in taken.items():
        print(f"  {name:<44}{one:9.2f}{taken['vectorbt'] / one:12.1f}")
    sys.stdout.flush()
    growth()


if __name__ == "__main__":
    main()
