"""Moving averages, RSI, Bollinger bands, average true range, crossovers.

Each takes prices and gives one value per bar, from this bar and earlier ones only.

Rules for all
    *Warm-up.* Where the bars so far are too few, the value is NaN.

    *NaN* ends the series: what follows is computed as a series of its own, with its own warm-up.
    So no value is ever computed across a gap, and a missing price costs a full warm-up. Fill a
    gap beforehand if that is what you mean.

    *Infinity*, times out of order and times given twice are refused.

    *Arrays* of one dimension are taken too, and give arrays.

Where libraries differ, these are the definitions used here: sums are kept free of the rounding
errors of the bars before; Wilder's averages and the exponential average begin with a simple mean;
Bollinger's deviation is the population's; the RSI of a price that has never moved is 50.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from m2k_lessons import _check, _series

if TYPE_CHECKING:
    from types import ModuleType

# Whole numbers of 64 bits hold the sums of a crossover up to here.
_LARGEST_WHOLE = 2**63 - 1


def sma(close, window: int):
    """Simple moving average: the mean of the last `window` values.

    Parameters
    ----------
    close : Series of float
        Prices in points, or any other numbers.
    window : int
        Bars, at least 1.

    Returns
    -------
    Series of float
        In the unit of `close`; NaN on the first `window - 1` bars.

    Raises
    ------
    TypeError, ValueError
        `window` not a whole number of at least 1; `close` not numbers, infinite, or with times
        out of order or twice.

    Notes
    -----
    To compare two averages of prices use `sma_crossover`: these are floats, and two averages
    that are equal may differ in the last digit.

    Examples
    --------
    >>> sma(pd.Series([2400.0, 2401.0, 2403.0]), window=2).tolist()
    [nan, 2400.5, 2402.0]
    """
    window = _check.whole("window", window, at_least=1)
    (average,) = _computed(_kernels().moving_average, close, window)
    return _series.like(close, average, f"sma_{window}")


def ema(close, span: int):
    """Exponential moving average: each bar moves it by 2 / (span + 1) of the distance.

    Parameters
    ----------
    close : Series of float
        Prices in points, or any other numbers.
    span : int
        Bars, at least 1; the weights' centre of mass lies (span - 1) / 2 bars back, as that of
        a simple average over `span` bars.

    Returns
    -------
    Series of float
        In the unit of `close`; NaN on the first `span - 1` bars.

    Raises
    ------
    TypeError, ValueError
        As in `sma`.

    Notes
    -----
    It begins with the simple mean of the first `span` bars, as TA-Lib does by default. pandas'
    `ewm(span=..., adjust=False)` begins with the first bar instead; the difference fades.

    Examples
    --------
    >>> ema(pd.Series([2400.0, 2401.0, 2402.0, 2406.0]), span=3).tolist()
    [nan, nan, 2401.0, 2403.5]
    """
    span = _check.whole("span", span, at_least=1)
    (average,) = _computed(_kernels().exponential_average, close, span)
    return _series.like(close, average, f"ema_{span}")


def rsi(close, window: int = 14):
    """Relative strength index: the share of rises in all recent movement, from 0 to 100.

    `100 * gain / (gain + loss)`, where gain and loss are Wilder's averages of the rises and of
    the falls: first the simple mean of `window` changes, then
    `((window - 1) * previous + new) / window` (Wilder 1978, *New Concepts in Technical Trading
    Systems*).

    Parameters
    ----------
    close : Series of float
        Prices in points, or any other numbers.
    window : int
        Bars, at least 1.

    Returns
    -------
    Series of float
        0 to 100; NaN on the first `window` bars, since `window` changes need one price more.

    Raises
    ------
    TypeError, ValueError
        As in `sma`.

    Notes
    -----
    A price that has not moved since the series began has neither strength nor weakness: 50.
    TA-Lib says 0 there and the package ta 100, which sets off rules at 30 or 70; the usual lines
    of pandas give NaN. Later bars without a change shrink gain and loss alike, so that the value
    stays where it was, however long they last.

    Examples
    --------
    >>> rsi(pd.Series([2400.0, 2402.0, 2401.0, 2401.0]), window=2).round(2).tolist()
    [nan, nan, 66.67, 66.67]
    """
    window = _check.whole("window", window, at_least=1)
    (strength,) = _computed(_kernels().relative_strength, close, window)
    return _series.like(close, strength, f"rsi_{window}")


def bollinger(close, window: int = 20, width: float = 2.0):
    """Bollinger bands: a moving average, and `width` standard deviations to both sides of it.

    Parameters
    ----------
    close : Series of float
        Prices in points, or any other numbers.
    window : int
        Bars, at least 1.
    width : float
        Standard deviations, above 0.

    Returns
    -------
    DataFrame of float
        Columns `lower`, `middle`, `upper` in the unit of `close`; NaN on the first `window - 1`
        bars. For an array, an array with these three columns.

    Raises
    ------
    TypeError, ValueError
        As in `sma`; `width` not above 0.

    Notes
    -----
    The deviation is that of the population, divided by `window` and not by `window - 1`
    (Bollinger 2001, *Bollinger on Bollinger Bands*). pandas' `rolling(20).std()` is 2.6 % wider.
    Where all prices of a window are equal, the three are equal.

    Examples
    --------
    >>> bollinger(pd.Series([2400.0, 2402.0, 2402.0]), window=2).iloc[-2:]
        lower  middle   upper
    1  2399.0  2401.0  2403.0
    2  2402.0  2402.0  2402.0
    """
    window = _check.whole("window", window, at_least=1)
    width = _check.number("width", width, above=0)
    three = _computed(_kernels().bands, close, window, width, outputs=3)
    if not isinstance(close, pd.Series):
        return three.T
    frame = pd.DataFrame(
        three.T, index=close.index, columns=["lower", "middle", "upper"], copy=False
    )
    frame.attrs = dict(close.attrs)
    return frame


def atr(high, low, close, window: int = 14):
    """Average true range: Wilder's average of how far the price went in a bar, gap included.

    The true range reaches from the bar's low or the previous close, whichever is lower, to its
    high or the previous close, whichever is higher. Averaged as in `rsi` (Wilder 1978).

    Parameters
    ----------
    high, low, close : Series of float
        Prices in points, on one index.
    window : int
        Bars, at least 1.

    Returns
    -------
    Series of float
        In points; NaN on the first `window` bars, since the first bar has no previous close and
        so no true range.

    Raises
    ------
    TypeError, ValueError
        As in `sma`; the three not on one index; a low above its high.

    Notes
    -----
    Equal to TA-Lib. Some tables count the first bar's high less low as a true range, and so have
    their first value one bar earlier. A bar with NaN in one of the three has no price.

    Examples
    --------
    >>> high, low, close = pd.Series([12.0, 13.0]), pd.Series([11.0, 12.5]), pd.Series([11.5, 13.0])
    >>> atr(high, low, close, window=1).tolist()
    [nan, 1.5]
    """
    window = _check.whole("window", window, at_least=1)
    columns = {"high": high, "low": low, "close": close}
    prices = {name: _series.values(name, given) for name, given in columns.items()}
    _series.check_same_index(**columns)
    for name, given in columns.items():
        _series.finite_or_nan(name, given, prices[name])
    crossed = prices["low"] > prices["high"]
    if crossed.any():
        row = int(np.flatnonzero(crossed)[0])
        raise ValueError(
            f"low must not be above high, got {prices['low'][row]} above {prices['high'][row]} "
            f"in row {row}"
        )
    kernels = _kernels()
    runs, _ = kernels.runs_of_known(_first_nan_of(*prices.values()))
    average = np.full(len(crossed), np.nan)
    kernels.average_range(*prices.values(), runs, window, average)
    return _series.like(close, average, f"atr_{window}")


def crossover(fast, slow):
    """Say where one series crosses another: +1 upward, -1 downward, else 0.

    Parameters
    ----------
    fast : Series of float
    slow : Series of float on the same index, or a number
        A number is a level, such as 70 for an RSI.

    Returns
    -------
    Series of int
        +1 on the first bar on which `fast` is above `slow` after it was below; -1 the other way
        round. Where both are equal nothing has crossed yet: above, equal, above is no crossing,
        and above, equal, below is one, on the last of these bars. 0 during the warm-up of either
        and on the first bar after it, whichever is higher then; a NaN begins anew.

    Raises
    ------
    TypeError, ValueError
        Not numbers, infinite, not on one index, or times out of order or twice.

    Notes
    -----
    Two averages that would be equal in exact arithmetic may differ here by rounding. For
    averages of prices on ticks, `sma_crossover` decides exactly.

    Examples
    --------
    >>> crossover(pd.Series([1.0, 2.0, 3.0, 2.0, 1.0]), 2).tolist()
    [0, 0, 1, 0, -1]
    """
    faster = _series.values("fast", fast)
    _series.finite_or_nan("fast", fast, faster)
    if isinstance(slow, (pd.Series, np.ndarray, pd.DataFrame)):
        slower = _series.values("slow", slow)
        _series.check_same_index(fast=fast, slow=slow)
        _series.finite_or_nan("slow", slow, slower)
    else:
        level = _check.number("slow", slow)
        slower = np.broadcast_to(level, len(faster))
    side = np.empty(len(faster), np.int64)
    # Contiguous, so that a level does not make numba compile the loop a second time.
    _kernels().order(faster, _series.values("slow", np.ascontiguousarray(slower)), side)
    return _series.like(fast, _changes(side), "crossover")


def sma_crossover(close, fast: int, slow: int):
    """Say where the fast moving average crosses the slow one, decided in exact arithmetic.

    On prices that move in ticks the two averages are often equal, to the last digit, and floats
    then differ by rounding: `crossover(sma(close, fast), sma(close, slow))` sees crossings that
    did not happen, and not the same ones as another library. Here each price is counted in whole
    millionths of a point, of which every tick is a whole number, and the sums are compared as
    `fast_sum * slow > slow_sum * fast`. Nothing is rounded, so equal is equal.

    Parameters
    ----------
    close : Series of float
        Prices in points. What is not a whole number of millionths is taken to the nearest.
    fast, slow : int
        Bars, at least 1; `fast` below `slow`.

    Returns
    -------
    Series of int
        +1, -1 or 0 as in `crossover`; 0 on the first `slow` bars.

    Raises
    ------
    TypeError, ValueError
        As in `sma`; `fast` not below `slow`; windows so long that a sum would leave 64 bits.

    Examples
    --------
    >>> close = pd.Series([2400.3, 2400.2, 2400.1, 2400.3, 2400.2, 2400.4])
    >>> sma_crossover(close, fast=1, slow=3).tolist()
    [0, 0, 0, 1, 0, 0]
    >>> crossover(close, sma(close, 3)).tolist()  # the fifth price equals its average
    [0, 0, 0, 1, -1, 1]
    """
    return _series.like(close, _changes(_order_of_averages(close, fast, slow)), "crossover")


def _order_of_averages(close, fast: int, slow: int) -> np.ndarray:
    """Which average is higher: 1 the fast one, -1 the slow one; the last one when equal, else 0."""
    fast = _check.whole("fast", fast, at_least=1)
    slow = _check.whole("slow", slow, at_least=1)
    if fast >= slow:
        raise ValueError(f"fast must be below slow, got fast={fast} and slow={slow}")
    prices = _series.values("close", close)
    kernels = _kernels()
    runs, infinite = kernels.runs_of_known(prices)
    if infinite >= 0:
        _series.refuse_infinity("close", close, infinite)
    largest = float(np.nanmax(np.abs(prices), initial=0.0))
    if largest * kernels.PER_POINT * fast * slow > _LARGEST_WHOLE:
        raise ValueError(
            f"fast * slow must be at most {_LARGEST_WHOLE / kernels.PER_POINT / largest:,.0f} at a "
            f"price of {largest:g}, so that the sums stay exact, got {fast} * {slow}"
        )
    side = np.zeros(len(prices), np.int64)
    kernels.order_of_averages(prices, runs, fast, slow, side)
    return side


def _changes(side: np.ndarray) -> np.ndarray:
    """Where the side changes, the new side; a side after none (0) is no change."""
    crossed = np.zeros_like(side)
    crossed[1:] = np.where(side[1:] * side[:-1] < 0, side[1:], 0)
    return crossed


def _kernels() -> ModuleType:
    # Here, not above: numba takes 0.4 s to import.
    from m2k_lessons import _indicator_kernels

    return _indicator_kernels


def _computed(kernel: Callable, close, *settings, outputs: int = 1) -> np.ndarray:
    """What a kernel makes of `close`: in one go where every price is known, else run by run."""
    prices = _series.values("close", close)
    results = np.empty((outputs, len(prices)))
    if kernel(prices, np.array([[0, len(prices)]]), *settings, *results):
        return results
    runs, infinite = _kernels().runs_of_known(prices)
    if infinite >= 0:
        _series.refuse_infinity("close", close, infinite)
    results.fill(np.nan)
    kernel(prices, runs, *settings, *results)
    return results


def _first_nan_of(*columns: np.ndarray) -> np.ndarray:
    """NaN wherever one of the columns has one."""
    known = np.ones(len(columns[0]))
    for column in columns:
        known[np.isnan(column)] = np.nan
    return known
