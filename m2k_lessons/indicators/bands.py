"""How far prices range: Bollinger bands and the average true range."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.indicators.averages import compiled_kernels, computed


def bollinger(close, window: int = 20, width: float = 2.0):
    """Bollinger bands: a moving average, and `width` standard deviations to both sides of it.

    Parameters
    ----------
    close, window
        As in `sma`.
    width : float
        Standard deviations, above 0.

    Returns
    -------
    DataFrame of float
        Columns `lower`, `middle`, `upper` in the unit of `close`; NaN on the first `window - 1`
        bars. For an array, an array with these three columns.

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
    window = checks.whole("window", window, at_least=1)
    width = checks.number("width", width, above=0)
    three = computed(compiled_kernels().bands, close, window, width, outputs=3)
    if not isinstance(close, pd.Series):
        return three.T
    frame = pd.DataFrame(
        three.T, index=close.index, columns=["lower", "middle", "upper"], copy=False
    )
    frame.attrs = dict(close.attrs)
    return frame


def standard_score(close, window: int) -> np.ndarray:
    """Distance from the moving average in population deviations; 0 where the window is level."""
    values = series.values("close", close)
    lower, middle, _ = np.asarray(bollinger(close, window, 1.0)).T
    deviation = middle - lower
    flat = deviation == 0
    return np.where(flat, 0.0, (values - middle) / np.where(flat, 1.0, deviation))


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
    window = checks.whole("window", window, at_least=1)
    columns = {"high": high, "low": low, "close": close}
    prices = {name: series.values(name, given) for name, given in columns.items()}
    series.check_same_index(**columns)
    for name, given in columns.items():
        series.finite_or_nan(name, given, prices[name])
    crossed = prices["low"] > prices["high"]
    if crossed.any():
        row = int(np.flatnonzero(crossed)[0])
        raise ValueError(
            f"low must not be above high, got {prices['low'][row]} above {prices['high'][row]} "
            f"in row {row}"
        )
    kernels = compiled_kernels()
    unknown = np.isnan([*prices.values()]).any(axis=0)
    runs, _ = kernels.runs_of_known(np.where(unknown, np.nan, 0.0))
    average = np.full(len(crossed), np.nan)
    kernels.average_range(*prices.values(), runs, window, average)
    return series.like(close, average, f"atr_{window}")
