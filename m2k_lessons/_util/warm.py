"""Compile every loop of the package once: `python -m m2k_lessons._util.warm`.

The first call of a compiled loop takes seconds, ten of them for the engine; later sessions read
the machine code that was kept. Called when the course is set up, this leaves a learner's first
cell as quick as the second.
"""

import time


def warm() -> float:
    """Call each function that has a compiled loop, on a few bars; return the seconds it took.

    Returns
    -------
    float
        Seconds: about half a minute the first time, a few when everything is kept already.

    Examples
    --------
    >>> warm() > 0
    True
    """
    begin = time.perf_counter()
    import numpy as np
    import pandas as pd

    from m2k_lessons import backtest, evidence, indicators, pairs, risk, strategies, sweep
    from m2k_lessons.backtest import engine

    index = pd.date_range("2030-01-07 10:00", periods=120, freq="min", tz="America/New_York")
    close = pd.Series(2400 + 0.1 * (np.arange(120) * 7 % 31), index)
    bars = pd.DataFrame({name: close for name in ("open", "high", "low", "close")})
    gap = close.copy()
    gap.iloc[50] = np.nan  # a series with a gap goes through loops of its own
    for prices in (close, gap):
        indicators.sma(prices, 5)
        indicators.ema(prices, 5)
        indicators.rsi(prices, 5)
        indicators.bollinger(prices, 5)
        indicators.atr(prices, prices, prices, 5)
        indicators.sma_crossover(prices, 2, 5)
        indicators.crossover(prices, indicators.sma(prices, 5))
        strategies.mean_reversion(prices, 5)
        strategies.combination(prices)
    strategies.scalping(bars)
    target = strategies.trend_following(close, 2, 5)
    backtest.run(bars, target, commission_usd=1, stop_points=1).stats.to_dict()
    backtest.run(bars, target, contracts=lambda *_: 1)
    sweep.sweep(bars, strategies.trend_following, {"fast": [2], "slow": [5]})
    risk.bootstrap_equity(np.array([1.0, -1.0]), n_paths=2, n_trades=2)
    other = close + 0.1 * (np.arange(120) * 5 % 17)
    for method in ("rolling", "kalman"):
        pairs.hedge_ratio(other, close, method=method)
    pairs.pair_target(pairs.zscore(other - close, 20).fillna(0.0))
    changes = close.diff().dropna()
    held = target.shift().loc[changes.index]
    evidence.permutation_test(held, changes, trials=1, permutations=99)
    evidence.bootstrap_sharpe(changes, trials=1, resamples=99)
    evidence.triple_barrier(close, 1.0, 1.0, horizon=5)
    engine.wait_until_compiled()
    return time.perf_counter() - begin


if __name__ == "__main__":
    print(f"Compiled loops are ready ({warm():.1f} s).")
