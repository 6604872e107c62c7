"""Labels from three barriers, and how much each of them has for itself."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series

# In the order of `kernels`: lower, time, upper, unfinished.
BARRIERS = ("lower", "time", "upper", "unfinished")
# Prices are compared in millionths of a point: every tick is a whole number of them.
_PER_POINT = 1_000_000
_HIGHEST_PRICE = 1e9


def triple_barrier(
    prices, upper, lower, horizon: int, *, entries=None, at_time: str = "sign"
) -> pd.DataFrame:
    """Label entries by what comes first: a profit, a loss, or the end of a holding period.

    Each entry is at the close of its bar; the barriers are watched from the next bar on. With
    closing prices they are touched by closes, with bars by highs and lows. **A bar that reaches
    both barriers is labelled with the lower one**, as nobody knows which came first.

    Parameters
    ----------
    prices : Series, or DataFrame with high, low and close
        In points, without missing values.
    upper, lower : float or Series
        Distance of the barriers from the entry's close, in points, above 0; a Series on the
        index of `prices` has one for each entry, known at its close (2 ATR, say).
    horizon : int
        Bars until the time barrier, 1 or more.
    entries : Index, optional
        The times to label, in order; every bar when omitted.
    at_time : {"sign", "zero"}
        Label at the time barrier: the sign of the change since the entry, or 0.

    Returns
    -------
    DataFrame
        Index: `entries`. Columns ``label`` (1, 0, -1), ``barrier`` ("upper", "lower", "time",
        "unfinished"), ``end`` (time of the bar that decided) and ``points`` (distance to the
        barrier that was touched, else the change in the close). Where the data end before any
        barrier, `barrier` is "unfinished" and the other three are missing: `.dropna()` leaves
        those entries out.

    Raises
    ------
    ValueError, TypeError
        Prices missing, not ordered, or with a high below its low; distances not above 0; entries
        that are no times of `prices`.

    Notes
    -----
    López de Prado, "Advances in Financial Machine Learning" (2018), chapter 3. No price after
    `end` has a part in a label.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2404.0, 2411.0, 2399.0, 2398.0])
    >>> triple_barrier(close, upper=10, lower=10, horizon=2)["label"].tolist()
    [1.0, -1.0, -1.0, nan, nan]
    """
    from m2k_lessons.evidence import kernels

    high, low, close, index = _bars(prices)
    horizon = checks.whole("horizon", horizon, at_least=1)
    checks.choice("at_time", at_time, ("sign", "zero"))
    rows = _rows(entries, index)
    above = _distance("upper", upper, prices, rows)
    below = _distance("lower", lower, prices, rows)
    barrier, end = np.empty(len(rows), np.int64), np.empty(len(rows), np.int64)
    level = close[rows]
    kernels.first_barrier(high, low, level + above, level - below, rows, horizon, barrier, end)
    known = barrier != kernels.UNFINISHED
    points = (close[end] - level) / _PER_POINT
    points = np.where(barrier == kernels.UPPER, above / _PER_POINT, points)
    points = np.where(barrier == kernels.LOWER, -below / _PER_POINT, points)
    label = np.sign(points)
    if at_time == "zero":
        label[barrier == kernels.TIME] = 0.0
    return pd.DataFrame(
        {
            "label": np.where(known, label, math.nan),
            "barrier": pd.Series(np.array(BARRIERS, object)[barrier], index[rows], dtype="str"),
            "end": pd.Series(index[end], index[rows]).where(known),
            "points": np.where(known, points, math.nan),
        },
        index=index[rows],
    )


def _bars(prices) -> tuple[np.ndarray, np.ndarray, np.ndarray, pd.Index]:
    if isinstance(prices, pd.Series):
        close = _millionths("prices", prices)
        return close, close, close, prices.index
    if not isinstance(prices, pd.DataFrame):
        raise TypeError(
            "prices must be a Series of closes or a DataFrame with high, low and close, got "
            f"a {type(prices).__name__}"
        )
    missing = [name for name in ("high", "low", "close") if name not in prices.columns]
    if missing:
        raise ValueError(
            "prices must have the columns high, low and close, got none called "
            + " or ".join(missing)
        )
    high, low, close = (
        _millionths(f"prices[{name!r}]", prices[name]) for name in ("high", "low", "close")
    )
    wrong = (high < low) | (close > high) | (close < low)
    if wrong.any():
        raise ValueError(
            f"prices must have its closes from low to high, got another at {prices.index[wrong][0]}"
        )
    return high, low, close, prices.index


def _millionths(name: str, given: pd.Series) -> np.ndarray:
    numbers = series.values(name, given)
    wrong = ~(np.abs(numbers) <= _HIGHEST_PRICE)
    if wrong.any():
        raise ValueError(
            f"{name} must have a price of at most {_HIGHEST_PRICE:,.0f} in every row, got "
            f"{float(numbers[wrong][0])} at {given.index[wrong][0]}"
        )
    return np.rint(numbers * _PER_POINT).astype(np.int64)


def _rows(entries, index: pd.Index) -> np.ndarray:
    if entries is None:
        return np.arange(len(index))
    if not isinstance(entries, pd.Index):
        raise TypeError(f"entries must be an Index of times, got a {type(entries).__name__}")
    series.check_order("entries", entries)
    rows = index.get_indexer(entries)
    if (rows < 0).any():
        raise ValueError(f"entries must be times of prices, got {entries[rows < 0][0]}")
    return rows.astype(np.int64)


def _distance(name: str, given, prices, rows: np.ndarray) -> np.ndarray:
    if not isinstance(given, pd.Series):
        number = checks.number(name, given, above=0, at_most=_HIGHEST_PRICE)
        return np.full(len(rows), max(1, round(number * _PER_POINT)), np.int64)
    close = prices if isinstance(prices, pd.Series) else prices["close"]
    series.check_same_index(**{name: given, "prices": close})
    numbers = series.values(name, given)[rows]
    wrong = ~((numbers > 0) & (numbers <= _HIGHEST_PRICE))
    if wrong.any():
        raise ValueError(
            f"{name} must be above 0 at every entry, got {float(numbers[wrong][0])} at "
            f"{given.index[rows[wrong][0]]}; leave such entries out with entries="
        )
    return np.maximum(np.rint(numbers * _PER_POINT), 1).astype(np.int64)


def label_uniqueness(ends: pd.Series, times: pd.Index) -> pd.Series:
    """How much of its time each label has for itself, from above 0 to 1.

    A label that looks 20 days ahead shares its days with the labels of its neighbours. Each bar
    is divided among the labels that look at it; a label's uniqueness is its mean share over its
    bars. **Their sum is about how many separate facts the labels hold.**

    Parameters
    ----------
    ends : Series
        When each label is known, on the times it begins at: `labels["end"]` from
        `triple_barrier`, without missing ones. Its first bar is the one after its beginning.
    times : Index
        The times of all bars, in order: the index of the prices.

    Returns
    -------
    Series
        On the index of `ends`; to be given to a model as `sample_weight`.

    Raises
    ------
    ValueError, TypeError
        Ends missing, not after their beginning, or not in order of time; a beginning or an end
        that is no time of `times`.

    Notes
    -----
    López de Prado, "Advances in Financial Machine Learning" (2018), chapter 4. The sum is exact
    for labels of one length, and a guide for others: it takes the bars for independent.

    Examples
    --------
    >>> ends = pd.Series([2, 3, 9], index=[0, 1, 8])
    >>> label_uniqueness(ends, pd.RangeIndex(10)).tolist()
    [0.75, 0.75, 1.0]
    """
    check_ends(ends)
    if not isinstance(times, pd.Index):
        raise TypeError(f"times must be an Index of times, got a {type(times).__name__}")
    series.check_order("times", times)
    places = {}
    for name, given in (("the index of ends", ends.index), ("ends", pd.Index(ends))):
        places[name] = times.get_indexer(given)
        if (places[name] < 0).any():
            raise ValueError(f"{name} must be times of `times`, got {given[places[name] < 0][0]}")
    first, last = (place + 1 for place in places.values())
    if (last <= first).any():
        raise ValueError(
            f"ends must come after their beginning, got {ends[last <= first].iloc[0]} at "
            f"{ends.index[last <= first][0]}"
        )
    sharers = np.zeros(len(times) + 1)
    np.add.at(sharers, first, 1)
    np.add.at(sharers, last, -1)
    sharers = np.cumsum(sharers)[:-1]
    share = np.divide(1, sharers, out=np.zeros(len(times)), where=sharers > 0)
    sums = np.concatenate([[0.0], np.cumsum(share)])
    return pd.Series((sums[last] - sums[first]) / (last - first), ends.index, name="uniqueness")


def check_ends(ends) -> None:
    """Refuse ends that `triple_barrier` would not give, without its unfinished labels."""
    if not isinstance(ends, pd.Series):
        raise TypeError(f"ends must be a Series such as labels['end'], got a {type(ends).__name__}")
    series.check_order("ends", ends.index)
    if ends.isna().any():
        raise ValueError(
            f"ends must have an end in every row, got none at {ends.index[ends.isna()][0]}; "
            "leave unfinished labels out with labels.dropna()"
        )
    try:
        early = np.flatnonzero(np.asarray(ends.array < ends.index.array))
    except TypeError:
        raise TypeError(
            f"ends must hold the same kind of times as its index, got {ends.dtype} on "
            f"{ends.index.dtype}"
        ) from None
    if len(early):
        raise ValueError(
            f"ends must not come before their beginning, got {ends.iloc[early[0]]} at "
            f"{ends.index[early[0]]}"
        )
