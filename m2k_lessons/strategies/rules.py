"""Strategies on closing prices: thresholds, averages, bands, and a vote of indicators."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import pandas as pd

from m2k_lessons import indicators
from m2k_lessons._util import checks, series
from m2k_lessons.indicators.averages import order_of_averages
from m2k_lessons.indicators.bands import standard_score

# 2400.3 + 9.8 is 2410.1000000000004, and still on a level of 2410.1.
_NOISE = 1e-9
_MIDDLE_OF_RSI = 50.0


def threshold(close, buy_above: float, sell_below: float, *, long_only: bool = True):
    """Buy when the price rises above one level, sell when it falls below another.

    Parameters
    ----------
    close : Series of float
        Prices in points, or whatever the levels are measured in.
    buy_above, sell_below : float
        Levels; `sell_below` at most `buy_above`. A close on a level does nothing yet.
    long_only : bool
        True: to sell is to close what was bought. False: to sell is to go short.

    Returns
    -------
    Series of float
        1 from the first close above `buy_above` to the last before one below `sell_below`; then
        0, or -1 with `long_only=False`. 0 before the first signal.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2411.0, 2405.0, 2399.0])
    >>> threshold(close, buy_above=2410, sell_below=2400).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    buy_above = checks.number("buy_above", buy_above)
    sell_below = checks.number("sell_below", sell_below)
    if sell_below > buy_above:
        raise ValueError(
            f"sell_below must be at most buy_above, got sell_below={sell_below:g} and "
            f"buy_above={buy_above:g}"
        )
    floor = lowest(long_only)
    prices = series.values("close", close)
    series.finite_or_nan("close", close, prices)
    above, below = prices > buy_above + _NOISE, prices < sell_below - _NOISE
    signal = np.where(above, 1.0, np.where(below, floor, np.nan))
    signal[np.isnan(prices)] = 0.0
    return as_target(close, pd.Series(signal).ffill().fillna(0.0).to_numpy())


def trend_following(close, fast: int = 20, slow: int = 50, *, long_only: bool = False):
    """Go with the trend: long while the fast moving average is above the slow one.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    fast, slow : int
        Bars, at least 1; `fast` below `slow`.
    long_only : bool
        As in `threshold`.

    Returns
    -------
    Series of float
        1 while the average of `fast` bars is above that of `slow` bars, -1 while it is below;
        where they are equal, what it was before. 0 on the first `slow - 1` bars.

    Raises
    ------
    TypeError, ValueError
        As in `indicators.sma_crossover`, which marks the bars on which this target turns from
        long to short or back; both decide in exact arithmetic.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2401.0, 2402.0, 2401.0, 2399.0])
    >>> trend_following(close, fast=1, slow=2).tolist()
    [0.0, 1.0, 1.0, -1.0, -1.0]
    """
    floor = lowest(long_only)
    side = order_of_averages(close, fast, slow)
    return as_target(close, np.maximum(side, floor))


def mean_reversion(
    close, window: int = 20, entry: float = 2.0, exit: float = 0.0, *, long_only: bool = False
):
    """Bet on the way back: buy far below the average, sell far above it.

    Distances are in standard deviations of the last `window` bars (population), so that `entry`
    is the width of a Bollinger band.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    window : int
        Bars, at least 2.
    entry : float
        Distance at which to enter, above 0.
    exit : float
        Distance at which to leave, from 0 (the average itself) to less than `entry`.
    long_only : bool

    Returns
    -------
    Series of float
        1 from a close at `entry` or more below the average until one that is less than `exit`
        below it; -1 likewise above; else 0. A distance of exactly `exit` leaves. 0 on the first
        `window - 1` bars.

    Notes
    -----
    Where all prices of a window are equal, the distance is 0. A distance within 1e-9 of a limit
    counts as on it, which makes up for rounding on prices that lie on ticks.

    The close belongs to its own average, so no distance exceeds sqrt(window - 1): with `window=5`
    an `entry` above 2 never happens.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2400.0, 2400.0, 2396.0, 2398.0, 2400.0])
    >>> mean_reversion(close, window=4, entry=1.5).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    """
    window = checks.whole("window", window, at_least=2)
    entry = checks.number("entry", entry, above=0)
    exit = checks.number("exit", exit, at_least=0, below=entry)
    floor = lowest(long_only)
    score = standard_score(close, window)
    return as_target(close, np.maximum(_faded(score, -entry, entry, -exit, exit), floor))


def combination(
    close,
    *,
    fast: int = 20,
    slow: int = 50,
    rsi_window: int = 14,
    oversold: float = 30.0,
    overbought: float = 70.0,
    band_window: int = 20,
    band_width: float = 2.0,
    agree: int = 2,
    long_only: bool = False,
):
    """Use averages, RSI and Bollinger bands together: a vote of three.

    Each votes 1 (buy), -1 (sell) or 0:

    - averages: as in `trend_following(close, fast, slow)`;
    - RSI: 1 from `oversold` or below until it is back at 50, -1 from `overbought` or above;
    - bands: as in `mean_reversion(close, band_window, band_width)`, until the middle is back.

    A vote against cancels one for. Averages go with a move, RSI and bands against it; so two for
    and one against are the rule, and they make 1. `agree=2` takes part in a trend only after a
    setback within it that RSI or bands call extreme.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    fast, slow : int
        Bars of the averages.
    rsi_window : int
        Bars of the RSI.
    oversold, overbought : float
        RSI levels, 0 to 100: below 50 and above 50.
    band_window : int
        Bars of the bands.
    band_width : float
        Standard deviations, above 0.
    agree : int
        Votes needed, those against subtracted: 1, 2 or 3.
    long_only : bool

    Returns
    -------
    Series of float
        1 or -1 while the votes add up to `agree` or more, or to `-agree` or less; else 0. 0 until
        all three have a value.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2401, 2402, 2403, 2404, 2405, 2402, 2404])
    >>> settings = {"fast": 2, "slow": 6, "rsi_window": 2, "band_window": 3, "band_width": 1.2}
    >>> combination(close, **settings).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    oversold = checks.number("oversold", oversold, at_least=0, below=_MIDDLE_OF_RSI)
    overbought = checks.number("overbought", overbought, above=_MIDDLE_OF_RSI, at_most=100)
    agree = checks.whole("agree", agree, at_least=1, at_most=3)
    floor = lowest(long_only)
    strength = np.asarray(indicators.rsi(close, rsi_window))
    middle = np.asarray(indicators.sma(close, slow))
    bands = np.asarray(indicators.sma(close, band_window))
    ready = ~np.isnan(strength + middle + bands)
    votes = (
        np.asarray(trend_following(close, fast, slow))
        + _faded(strength, oversold, overbought, _MIDDLE_OF_RSI, _MIDDLE_OF_RSI)
        + np.asarray(mean_reversion(close, band_window, band_width))
    )
    target = np.where(ready & (np.abs(votes) >= agree), np.sign(votes), 0.0)
    return as_target(close, np.maximum(target, floor))


def _faded(score, low: float, high: float, leave_long: float, leave_short: float) -> np.ndarray:
    """Against an extreme score until it is ordinary again; see the kernel."""
    target = np.empty(len(score))
    compiled_kernels().fade(np.ascontiguousarray(score), low, high, leave_long, leave_short, target)
    return target


def lowest(long_only: bool) -> float:
    """The lowest target that is allowed."""
    if not isinstance(long_only, (bool, np.bool_)):
        raise TypeError(f"long_only must be True or False, got {long_only!r}")
    return 0.0 if long_only else -1.0


def as_target(like, target: np.ndarray):
    # Adding 0.0 turns -0.0 into 0.0.
    return series.like(like, target.astype(np.float64) + 0.0, "target")


def compiled_kernels() -> ModuleType:
    # Here, not above: numba takes 0.4 s to import.
    from m2k_lessons.strategies import kernels

    return kernels
