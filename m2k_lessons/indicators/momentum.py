"""The relative strength index."""

from __future__ import annotations

from m2k_lessons._util import checks, series
from m2k_lessons.indicators.averages import compiled_kernels, computed


def rsi(close, window: int = 14):
    """Relative strength index: the share of rises in all recent movement, from 0 to 100.

    `100 * gain / (gain + loss)`, where gain and loss are Wilder's averages of the rises and of
    the falls: first the simple mean of `window` changes, then
    `((window - 1) * previous + new) / window` (Wilder 1978, *New Concepts in Technical Trading
    Systems*).

    Parameters
    ----------
    close, window
        As in `sma`.

    Returns
    -------
    Series of float
        0 to 100; NaN on the first `window` bars, since `window` changes need one price more.

    Notes
    -----
    A price that has not moved since the series began has neither strength nor weakness: 50.
    TA-Lib says 0 there and the package ta 100, which sets off rules at 30 or 70; the usual lines
    of pandas give NaN. Later bars without a change shrink gain and loss alike, so that the value
    stays where it was, however long they last.

    Examples
    --------
    >>> import pandas as pd
    >>> rsi(pd.Series([2400.0, 2402.0, 2401.0, 2401.0]), window=2).round(2).tolist()
    [nan, nan, 66.67, 66.67]
    """
    window = checks.whole("window", window, at_least=1)
    (strength,) = computed(compiled_kernels().relative_strength, close, window)
    return series.like(close, strength, f"rsi_{window}")
