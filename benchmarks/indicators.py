"""Time the indicators beside TA-Lib and pandas: `python benchmarks/indicators.py`.

Targets on a million bars, as ratios to TA-Lib in the same run: SMA and RSI at most 1.5,
Bollinger at most 3. Peers take turns within each round, so that a slow moment hits all alike.
TA-Lib gets arrays, we get Series, checks and index included.
"""

import time

from timing import milliseconds

BARS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)


def prices(bars: int):
    """High, low and close of a random walk on M2K's tick, as Series of minutes."""
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(1)
    index = pd.date_range("2031-01-01", periods=bars, freq="min", tz="America/New_York")
    ticks = np.rint(24_000 + np.cumsum(rng.normal(scale=3, size=bars)))
    up, down = rng.integers(0, 10, size=(2, bars))
    return [pd.Series(column * 0.1, index) for column in (ticks + up, ticks - down, ticks)]


def main() -> None:
    begin = time.perf_counter()
    import pandas as pd

    pandas_time = time.perf_counter() - begin
    begin = time.perf_counter()
    from m2k_lessons import indicators, strategies

    print(f"import pandas                       {1e3 * pandas_time:8.0f} ms")
    print(f"import indicators and strategies    {1e3 * (time.perf_counter() - begin):8.0f} ms more")
    close = pd.Series(range(100), dtype=float)
    begin = time.perf_counter()
    indicators.sma(close, 20)
    print(f"first call, numba's import included {1e3 * (time.perf_counter() - begin):8.0f} ms")

    import talib

    high, low, close = prices(1_000_000)
    arrays = [column.to_numpy() for column in (high, low, close)]
    change = close.diff()
    wilder = {"alpha": 1 / 14, "adjust": False}
    work = {
        "SMA 20": (
            lambda: indicators.sma(close, 20),
            lambda: talib.SMA(arrays[2], 20),
            lambda: close.rolling(20).mean(),
        ),
        "EMA 20": (
            lambda: indicators.ema(close, 20),
            lambda: talib.EMA(arrays[2], 20),
            lambda: close.ewm(span=20).mean(),
        ),
        "RSI 14": (
            lambda: indicators.rsi(close, 14),
            lambda: talib.RSI(arrays[2], 14),
            lambda: change.clip(lower=0).ewm(**wilder).mean() / change.abs().ewm(**wilder).mean(),
        ),
        "Bollinger 20": (
            lambda: indicators.bollinger(close, 20),
            lambda: talib.BBANDS(arrays[2], 20, 2.0, 2.0),
            lambda: (close.rolling(20).mean(), 2 * close.rolling(20).std(ddof=0)),
        ),
        "Bollinger 200": (
            lambda: indicators.bollinger(close, 200),
            lambda: talib.BBANDS(arrays[2], 200, 2.0, 2.0),
            lambda: (close.rolling(200).mean(), 2 * close.rolling(200).std(ddof=0)),
        ),
        "ATR 14": (
            lambda: indicators.atr(high, low, close, 14),
            lambda: talib.ATR(*arrays, 14),
            None,
        ),
    }
    print(f"\n1,000,000 bars, median of 30  {'ours':>9}{'TA-Lib':>9}{'ratio':>7}{'pandas':>9}")
    for name, (ours, theirs, rolling) in work.items():
        taken = milliseconds({"ours": ours, "TA-Lib": theirs}, 30)
        taken |= milliseconds({"pandas": rolling}, 3) if rolling else {}
        row = f"  {name:<28}{taken['ours']:9.2f}{taken['TA-Lib']:9.2f}"
        row += f"{taken['ours'] / taken['TA-Lib']:7.2f}"
        print(row + (f"{taken['pandas']:9.1f}" if rolling else ""))

    rules = {
        "crossover of two Series": lambda: indicators.crossover(close, low),
        "sma_crossover 20, 50": lambda: indicators.sma_crossover(close, 20, 50),
        "threshold": lambda: strategies.threshold(close, 2410, 2390),
        "trend_following": lambda: strategies.trend_following(close),
        "mean_reversion": lambda: strategies.mean_reversion(close),
        "combination": lambda: strategies.combination(close),
    }
    print()
    for name, taken in milliseconds(rules, 7).items():
        print(f"  {name:<28}{taken:9.2f}")

    print("\nns per bar by length" + "".join(f"{bars:>12,}" for bars in BARS))
    series = [prices(bars)[2] for bars in BARS]
    for name in ("sma", "rsi", "bollinger"):
        row = f"  {name:<18}"
        for one in series:
            kind = getattr(indicators, name)
            taken = milliseconds({name: lambda one=one, kind=kind: kind(one, 20)}, 7)[name]
            row += f"{1e6 * taken / len(one):12.1f}"
        print(row)


if __name__ == "__main__":
    main()
