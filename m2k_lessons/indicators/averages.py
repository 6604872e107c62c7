"""Moving averages, and the bars on which one crosses another."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series

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

    Notes
    -----
    To compare two averages of prices use `sma_crossover`: these are floats, and two averages
    that are equal may differ in the last digit.

    Examples
    --------
    >>> sma(pd.Series([2400.0, 2401.0, 2403.0]), window=2).tolist()
    [nan, 2400.5, 2402.0]
    """
    window = checks.whole("window", window, at_least=1)
    (average,) = computed(compiled_kernels().moving_average, close, window)
    return series.like(close, average, f"sma_{window}")


def ema(close, span: int):
    """Exponential moving average: each bar moves it by 2 / (span + 1) of the distance.

    Parameters
    ----------
    close : Series of float
        As in `sma`.
    span : int
        Bars, at least 1; the weights' centre of mass lies (span - 1) / 2 bars back, as that of
        a simple average over `span` bars.

    Returns
    -------
    Series of float
        In the unit of `close`; NaN on the first `span - 1` bars.

    Notes
    -----
    It begins with the simple mean of the first `span` bars, as TA-Lib does by default. pandas'
    `ewm(span=..., adjust=False)` begins with the first bar instead; the difference fades.

    Examples
    --------
    >>> ema(pd.Series([2400.0, 2401.0, 2402.0, 2406.0]), span=3).tolist()
    [nan, nan, 2401.0, 2403.5]
    """
    span = checks.whole("span", span, at_least=1)
    (average,) = computed(compiled_kernels().exponential_average, close, span)
    return series.like(close, average, f"ema_{span}")


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

    Notes
    -----
    Two averages that would be equal in exact arithmetic may differ here by rounding. For
    averages of prices on ticks, `sma_crossover` decides exactly.

    Examples
    --------
    >>> crossover(pd.Series([1.0, 2.0, 3.0, 2.0, 1.0]), 2).tolist()
    [0, 0, 1, 0, -1]
    """
    faster = series.values("fast", fast)
    series.finite_or_nan("fast", fast, faster)
    if isinstance(slow, (pd.Series, np.ndarray, pd.DataFrame)):
        slower = series.values("slow", slow)
        series.check_same_index(fast=fast, slow=slow)
        series.finite_or_nan("slow", slow, slower)
    else:  # through `values`, so that a level does not make numba compile the loop a second time
        level = checks.number("slow", slow)
        slower = series.values("slow", np.full(len(faster), level))
    side = np.empty(len(faster), np.int64)
    compiled_kernels().order(faster, slower, side)
    return series.like(fast, _changes(side), "crossover")


def sma_crossover(close, fast: int, slow: int):
    """Say where the fast moving average crosses the slow one, decided in exact arithmetic.

    On prices that move in ticks the two averages are often equal, to the last digit, and floats
    then differ by rounding: `crossover(sma(close, fast), sma(close, slow))` sees crossings that
    did not happen, and not the same ones as another library. Here each price is counted in whole
    millionths of a point, or in such decimals of a millionth as its tick needs, and the sums are
    compared as `fast_sum * slow > slow_sum * fast`. Nothing is rounded, so equal is equal.

    Parameters
    ----------
    close : Series of float
        Prices in points, on ticks of any size. Prices on no decimal tick are taken to the finest
        decimal for which the sums have room, or refused where that moves one by a billionth.
    fast, slow : int
        Bars, at least 1; `fast` below `slow`.

    Returns
    -------
    Series of int
        +1, -1 or 0 as in `crossover`; 0 on the first `slow` bars.

    Raises
    ------
    TypeError, ValueError
        As in `sma`; `fast` not below `slow`; prices so large, or windows so long, that a sum
        would leave 64 bits.

    Examples
    --------
    >>> close = pd.Series([2400.3, 2400.2, 2400.1, 2400.3, 2400.2, 2400.4])
    >>> sma_crossover(close, fast=1, slow=3).tolist()
    [0, 0, 0, 1, 0, 0]
    >>> crossover(close, sma(close, 3)).tolist()  # the fifth price equals its average
    [0, 0, 0, 1, -1, 1]
    """
    return series.like(close, _changes(order_of_averages(close, fast, slow)), "crossover")


def order_of_averages(close, fast: int, slow: int) -> np.ndarray:
    """Which average is higher: 1 the fast one, -1 the slow one; the last one when equal, else 0."""
    fast = checks.whole("fast", fast, at_least=1)
    slow = checks.whole("slow", slow, at_least=1)
    if fast >= slow:
        raise ValueError(f"fast must be below slow, got fast={fast} and slow={slow}")
    prices = series.values("close", close)
    kernels = compiled_kernels()
    runs, infinite = kernels.runs_of_known(prices)
    if infinite >= 0:
        series.refuse_infinity("close", close, infinite)
    largest = float(np.nanmax(np.abs(prices), initial=0.0))
    per_point, moved = _parts_of_a_point(prices, largest, fast * slow)
    most = _LARGEST_WHOLE / per_point
    if largest * 2 > most:
        raise ValueError(
            f"close must be at most {most / 2:g} in size, so that the sums stay exact, got "
            f"{largest:g}"
        )
    if largest * fast * slow > most or moved > 1e-9 * largest:
        raise ValueError(
            f"fast * slow must be at most {most / largest:,.0f} at a price of {largest:g} counted "
            f"in parts of {1 / per_point:g}, so that the sums stay exact, got {fast} * {slow}"
        )
    side = np.zeros(len(prices), np.int64)
    kernels.order_of_averages(prices, runs, fast, slow, per_point, side)
    return side


def _parts_of_a_point(prices, largest: float, windows: int) -> tuple[float, float]:
    """Millionths, or the first finer decimal in which no price moves by more than float noise, as
    long as the sums have room; and by how much a price moves at most."""
    per_point = 1e6
    with np.errstate(over="ignore", invalid="ignore"):
        while True:
            moved = np.nanmax(np.abs(np.rint(prices * per_point) / per_point - prices), initial=0.0)
            finer = 10 * per_point
            if not moved > 1e-14 * largest or not finer * largest * windows <= _LARGEST_WHOLE:
                return per_point, float(moved)
            per_point = finer


def _changes(side: np.ndarray) -> np.ndarray:
    """Where the side changes, the new side; a side after none (0) is no change."""
    return np.where(side * np.r_[0, side[:-1]] < 0, side, 0)


def compiled_kernels() -> ModuleType:
    # Here, not above: numba takes 0.4 s to import.
    from m2k_lessons.indicators import kernels

    return kernels


def computed(kernel: Callable, close, *settings, outputs: int = 1) -> np.ndarray:
    """What a kernel makes of `close`: in one go where every price is known, else run by run."""
    prices = series.values("close", close)
    results = np.empty((outputs, len(prices)))
    if kernel(prices, np.array([[0, len(prices)]]), *settings, *results):
        return results
    runs, infinite = compiled_kernels().runs_of_known(prices)
    if infinite >= 0:
        series.refuse_infinity("close", close, infinite)
    results.fill(np.nan)
    kernel(prices, runs, *settings, *results)
    return results
