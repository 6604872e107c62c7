"""Time one backtest beside vectorbt and backtesting.py: `python benchmarks/engine.py`.

Targets on 2,520 daily bars with a stop, in the same run: the compiled engine alone at least 20
times as fast as vectorbt, all of `backtest.run` at least 15 times; the first backtest of a machine
that has kept no machine code, and of one without numba, in less than 2 s.
Three times are told for ours: the whole call of `backtest.run` with every check, the same with
all statistics, and the compiled engine alone. vectorbt's is `Portfolio.from_signals` without
statistics. backtesting.py computes its statistics in any case. Processor time,
since all run on one thread.
"""

import os
import subprocess
import sys
import tempfile
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
    return lambda: engine.simulate(result._instruments, result._settings)


FIRST_RUN = """if True:
    import pandas as pd
    index = pd.date_range("2020-01-06", periods=2_520, freq="B")
    bars = pd.DataFrame({name: 2400.0 for name in ("open", "high", "low", "close")}, index)
    bars.attrs["opens"] = None
    target = pd.Series([1.0, 1.0, 0.0, -1.0, -1.0] * 504, index)
    import time
    begin = time.perf_counter(), time.process_time()
    from m2k_lessons import backtest
    backtest.run(bars, target, stop_points=30).stats
    print(time.perf_counter() - begin[0], time.process_time() - begin[1], flush=True)
    from m2k_lessons.backtest import engine
    engine.wait_until_compiled()
    print(time.perf_counter() - begin[0])
"""


def first_runs() -> None:
    """Imports, run and statistics in a fresh process, pandas imported already."""
    print("first backtest with 1,008 trades             s   processor   until compiled")
    with tempfile.TemporaryDirectory() as folder:
        for name, change in (
            ("no machine code kept", {"NUMBA_CACHE_DIR": folder}),
            ("machine code kept", {"NUMBA_CACHE_DIR": folder}),
            ("without numba", {"M2K_NO_NUMBA": "1"}),
        ):
            command, environ = [sys.executable, "-c", FIRST_RUN], os.environ | change
            done = subprocess.run(command, env=environ, check=True, capture_output=True, text=True)
            taken, processor, compiled = map(float, done.stdout.split())
            print(f"  {name:<36}{taken:9.2f}{processor:12.2f}{compiled:17.2f}", flush=True)


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
    first_runs()
    from m2k_lessons import strategies
    from m2k_lessons.backtest import engine, run

    bars = drawn(2_520)
    target = strategies.trend_following(bars["close"], long_only=True)
    run(bars, target, stop_points=20)
    engine.wait_until_compiled()

    work = {
        "ours, compiled engine alone": kernel_run(bars, target, 20),
        "ours, backtest.run": lambda: run(bars, target, stop_points=20),
        "ours, with all statistics": lambda: run(bars, target, stop_points=20).stats,
        "vectorbt": vectorbt_run(bars, target, 20),
        "backtesting.py": backtesting_run(bars, target, 20),
    }
    taken = milliseconds(work, 9, time.process_time)
    print("\n2,520 bars, one run with a stop, median of 9, CPU   ms   vectorbt / it")
    for name, one in taken.items():
        print(f"  {name:<44}{one:9.2f}{taken['vectorbt'] / one:12.1f}")
    sys.stdout.flush()
    growth()


if __name__ == "__main__":
    main()
