"""What was known when: publication lags, surprises, scores from the past alone."""

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons._util.series import check_order, check_same_index, refuse_rows, values
from m2k_lessons.fundamentals.data import check_complete, check_periods


def known_at(series: pd.Series, lag, at=None) -> pd.Series:
    """Carry figures from the period they are about to the day from which they were known.

    Parameters
    ----------
    series : Series
        One figure for each period, on a PeriodIndex without gaps.
    lag : int or Series
        Days from the last day of the period to the publication, at least 0; or the dates of
        publication, on the same index (in order; two figures may share a day).
    at : PeriodIndex or DatetimeIndex, optional
        When you want to know. For a date: what was published on that day or before it. For a
        period: what was published *before its first day*, so that it could be used in it.

    Returns
    -------
    Series
        Without `at`: the same values, index `known` the dates of publication. With `at`: for
        each of them the newest figure known; NaN before the first, and from the day on which a
        figure newer than the last one in `series` would have been out (as late as the last).

    Raises
    ------
    TypeError, ValueError
        No periods in the index, a negative lag, a figure published before its period was over,
        later figures published before earlier ones, an `at` that is not sorted or has a time
        zone (publication dates are calendar dates).

    Notes
    -----
    This dates the figure, it does not undo revisions: the value is the one in `series`.

    Examples
    --------
    >>> rate = pd.Series([5.8, 5.1, 5.3], index=pd.period_range("1959Q1", periods=3, freq="Q"))
    >>> known_at(rate, 8).index[0].date().isoformat()  # first quarter, known on 8 April
    '1959-04-08'
    >>> quarters = pd.period_range("1959Q2", periods=3, freq="Q")
    >>> known_at(rate, 8, at=quarters).tolist()  # on 1 July, the first quarter's is the newest
    [nan, 5.8, 5.1]
    """
    if not len(check_periods("series", series)):
        raise ValueError("series must have at least one figure, got none")
    published = _published(series.index, lag)
    if at is None:
        return series.set_axis(published, axis=0)
    accepted = "a PeriodIndex or a DatetimeIndex"
    checks.instance("at", at, (pd.PeriodIndex, pd.DatetimeIndex), accepted)
    check_order("at", at)
    if isinstance(at, pd.PeriodIndex):
        last_day = pd.DatetimeIndex(at.start_time) - pd.Timedelta(days=1)
    elif at.tz is None:
        last_day = at
    else:
        raise ValueError(
            f"at must be calendar dates without a time zone, got {at.tz}; "
            "at.tz_localize(None) takes the dates as they stand"
        )
    row = published.searchsorted(last_day, side="right") - 1
    # A series that ends does not stay the newest figure for ever.
    newer = published[-1] + ((series.index[-1:] + 1).end_time - series.index[-1:].end_time)[0]
    row[last_day >= newer] = -1
    values = np.append(series.to_numpy(dtype=float, na_value=np.nan), np.nan)  # row -1: nothing
    return pd.Series(values[row], index=at, name=series.name)


def _published(index: pd.PeriodIndex, lag) -> pd.DatetimeIndex:
    """Return the dates of publication, none before the end of its period."""
    ends = pd.DatetimeIndex(index.end_time).normalize()
    if not isinstance(lag, pd.Series):
        days = checks.whole("lag", lag, at_least=0)
        return (ends + pd.Timedelta(days=days)).rename("known")
    if not lag.index.equals(index):
        raise ValueError("lag must have the same index as series where it gives the dates")
    if not pd.api.types.is_datetime64_dtype(lag):
        raise TypeError(f"lag must be days or a Series of dates without zone, got {lag.dtype}")
    dates = pd.DatetimeIndex(lag).rename("known")
    if dates.hasnans:
        raise ValueError(
            f"lag must have a date for each period, got none for {index[dates.isna()][0]}"
        )
    early = dates < ends
    if early.any():
        raise ValueError(
            f"lag must hold dates after the period they are about, got {dates[early][0].date()} "
            f"for {index[early][0]}"
        )
    if not dates.is_monotonic_increasing:
        back = int(np.flatnonzero(np.diff(dates) < np.timedelta64(0))[0]) + 1
        raise ValueError(
            f"lag must publish the periods in their order, got {dates[back].date()} for "
            f"{index[back]} after {dates[back - 1].date()} for {index[back - 1]}"
        )
    return dates


def surprise(actual, consensus, scale, *, reference_period=None):
    """How far a published figure lies from what was expected, in its usual size of surprise.

    Parameters
    ----------
    actual, consensus : Series or float
        The figure as first published and what was expected of it, in the figure's unit. Series
        have the instant of each release, with its time zone, as index.
    scale : float or Series
        What counts as a surprise of 1, in the figure's unit, above zero.
    reference_period : Series, optional
        The period that each figure is about, such as "2029-12": a release before that period
        began is refused.

    Returns
    -------
    Series or float
        ``(actual - consensus) / scale``.

    Examples
    --------
    >>> surprise(actual=225, consensus=150, scale=75)  # thousand jobs
    1.0
    """
    if not isinstance(actual, pd.Series):
        given = [checks.number("actual", actual), checks.number("consensus", consensus)]
        return (given[0] - given[1]) / checks.number("scale", scale, above=0)
    checks.instance("consensus", consensus, pd.Series, "a Series as actual is")
    if not isinstance(actual.index, pd.DatetimeIndex) or actual.index.tz is None:
        raise ValueError(
            "actual must have instants with a time zone as index, such as 08:30 in "
            "America/New_York; index.tz_localize('America/New_York') gives it one"
        )
    if not actual.index.is_monotonic_increasing:  # two releases may share an instant
        raise ValueError("actual must be sorted by time, earliest first; sort_index() sorts it")
    known = {"actual": actual, "consensus": consensus}
    if isinstance(scale, pd.Series):
        known["scale"] = scale
    else:
        scale = checks.number("scale", scale, above=0)
    check_same_index(**known)
    for name, figures in known.items():
        check_complete(name, figures)
    if isinstance(scale, pd.Series):
        refuse_rows("scale", scale, scale <= 0, "be above zero")
    if reference_period is not None:
        _check_reference(actual.index, reference_period)
    return ((actual - consensus) / scale).rename("surprise")


def _check_reference(released: pd.DatetimeIndex, reference_period: pd.Series) -> None:
    checks.instance("reference_period", reference_period, pd.Series, "a Series")
    if not reference_period.index.equals(released):
        raise ValueError("reference_period must have the same index as actual")
    for instant, about in reference_period.items():
        try:
            period = pd.Period(about)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"reference_period must hold periods such as '2029-12', got {about!r}"
            ) from error
        if instant.tz_localize(None) < period.start_time:
            raise ValueError(
                f"reference_period must have begun when its figure came out, got {period} for "
                f"the release of {instant}"
            )


def expanding_zscore(series: pd.Series, minimum: int = 20) -> pd.Series:
    """How unusual each value is among those up to it, in standard deviations.

    Parameters
    ----------
    series : Series
        Sorted by time; NaN only before the first known value.
    minimum : int
        From how many values on (at least 3); NaN before.

    Returns
    -------
    Series
        ``(value - mean) / standard deviation`` (n - 1) of all values up to and including this
        one, none after it.

    Examples
    --------
    >>> days = pd.period_range("2000Q1", periods=4, freq="Q")
    >>> expanding_zscore(pd.Series([1.0, 2.0, 3.0, 2.0], index=days), minimum=3).tolist()
    [nan, nan, 1.0, 0.0]
    """
    minimum = checks.whole("minimum", minimum, at_least=3)
    known = _from_first("series", series)
    spread = known.expanding(minimum).std()
    flat = (spread.dropna() == 0).to_numpy()
    if flat.any():
        raise ValueError(f"series must vary before {spread.dropna().index[flat][0]}, it does not")
    return ((known - known.expanding(minimum).mean()) / spread).reindex(series.index)


def composite(
    unemployment_change: pd.Series,
    rate_change: pd.Series,
    spending_growth: pd.Series,
    minimum: int = 20,
) -> pd.Series:
    """One number for employment, rates and spending: above zero is kinder than usual to business.

    Parameters
    ----------
    unemployment_change : Series
        Percentage points; counts with a minus: a rise is unkind.
    rate_change : Series
        Percentage points; counts with a minus: a rise is unkind.
    spending_growth : Series
        %; counts with a plus.
    minimum : int
        Values before the first result, see `expanding_zscore`.

    Returns
    -------
    Series
        Mean of the three expanding z-scores with these signs; NaN until each of them is known.

    Notes
    -----
    The signs are the textbook's story, not a finding, and the weights are equal because nothing
    better is known. Figures are used as they are given: pass them through `known_at` first.

    Examples
    --------
    >>> quarters = pd.period_range("2000Q1", periods=3, freq="Q")
    >>> up = pd.Series([0.0, 1.0, 2.0], index=quarters)
    >>> float(composite(-up, -up, up, minimum=3).iloc[-1])
    1.0
    """
    parts = {
        "unemployment_change": unemployment_change,
        "rate_change": rate_change,
        "spending_growth": spending_growth,
    }
    for name, part in parts.items():
        checks.instance(name, part, pd.Series, "a Series")
    check_same_index(**parts)
    unemployment, rate, spending = (expanding_zscore(part, minimum) for part in parts.values())
    return ((-unemployment - rate + spending) / 3).rename("composite")


def _from_first(name: str, given: pd.Series) -> pd.Series:
    """Return a Series from its first known value on; nothing may be unknown after it."""
    checks.instance(name, given, pd.Series, "a Series")
    numbers = values(name, given)
    first = int(np.argmax(np.isfinite(numbers))) if len(numbers) else 0
    known = given.iloc[first:].astype(float)
    check_complete(name, known)
    return known
