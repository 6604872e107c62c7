"""What a moment is: regular hours or not, open or closed, and of which trade date."""

import datetime as dt
import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util.checks import described, instance
from m2k_lessons.sessions.calendar import (
    FIRST_DAY,
    LABELS,
    LAST_DAY,
    NEW_YORK,
    exchange_calendar,
    seconds_of,
    times_of,
)


def label_sessions(index):
    """Label each moment "RTH", "ETH" or "closed".

    Parameters
    ----------
    index : DatetimeIndex, Series of timestamps, or one Timestamp
        Any time zone, in any order; a bar is labelled by its start.

    Returns
    -------
    Series of str, or str for one Timestamp
        On the same index (a Series of timestamps keeps its own index).

    Raises
    ------
    TypeError, ValueError
        Not timestamps, without time zone, NaT, or outside 1980 to 2068.

    Examples
    --------
    >>> bars = pd.date_range("2026-11-23 09:29", periods=2, freq="min", tz="America/New_York")
    >>> label_sessions(bars).tolist()
    ['ETH', 'RTH']
    """
    moments = _moments("index", index)
    calendar = exchange_calendar()
    position = np.searchsorted(calendar.edges, moments.seconds, side="right") - 1
    # A take from a three-word array: far faster than building half a million strings.
    words = pd.array(LABELS, dtype="str")
    return moments.answer(words.take(calendar.states[position]), name="session")


def is_open(ts):
    """Tell whether the market is open: from the opening minute up to, not at, the close.

    Arguments and errors are those of `label_sessions`; a bool, or a Series of them.

    Examples
    --------
    >>> friday = pd.Timestamp("2026-11-20 16:59", tz="America/New_York")
    >>> is_open(friday), is_open(friday + pd.Timedelta(minutes=1))
    (True, False)
    """
    moments = _moments("ts", ts)
    return moments.answer(_interval(moments.seconds) >= 0, name="is_open")


def next_open(ts):
    """Give the next instant, strictly later, at which trading opens or resumes.

    Arguments and errors are those of `label_sessions`. A Timestamp in the time zone of `ts`, or
    a Series of them. While the market is open the answer is the opening that comes after.

    Examples
    --------
    >>> next_open(pd.Timestamp("2026-11-21 12:00", tz="Asia/Tokyo"))
    Timestamp('2026-11-23 08:00:00+0900', tz='Asia/Tokyo')
    """
    return _next("next_open", ts, exchange_calendar().opens)


def next_close(ts):
    """Give the next instant, strictly later, at which trading closes or halts.

    As `next_open`. While the market is open this is the end of the time left to trade.

    Examples
    --------
    >>> next_close(pd.Timestamp("2026-11-26 10:00", tz="America/New_York"))
    Timestamp('2026-11-26 13:00:00-0500', tz='America/New_York')
    """
    return _next("next_close", ts, exchange_calendar().closes)


def trade_date(index):
    """Give the exchange's trade date of each moment.

    Arguments and errors are those of `label_sessions`. A Timestamp at midnight without time zone,
    or a Series of them; NaT while the market is closed. Grouping minute bars by it gives the
    exchange's daily bars.

    Examples
    --------
    >>> sunday = pd.Timestamp("2025-01-19 20:00", tz="America/New_York")
    >>> print(trade_date(sunday).date())
    2025-01-21
    """
    moments = _moments("index", index)
    # The last element, reached as position -1, stands for "closed".
    dates = np.append(exchange_calendar().trade_dates, np.datetime64("NaT"))
    return moments.answer(pd.DatetimeIndex(dates[_interval(moments.seconds)]), name="trade_date")


def trade_dates(index: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """Give every bar of a series a trade date: the one rule that backtest, account and risk share.

    Where `trade_date` answers NaT, this answers with the trade date that ended last, so that a
    bar in a pause never begins a day of its own and dates never run backwards.

    Parameters
    ----------
    index : DatetimeIndex
        Ascending. Times without a zone are New York's. Bars that all stand at midnight of their
        own clock are daily bars (or longer ones): each is the trade date that it is dated by.

    Returns
    -------
    DatetimeIndex
        Midnight without time zone, as long as `index`. Outside the calendar's years (before
        `FIRST_DAY` or after `LAST_DAY`) a trade date begins at 18:00 New York time.

    Examples
    --------
    >>> monday = pd.DatetimeIndex(["2025-01-20 12:00", "2025-01-20 14:00"], tz="America/New_York")
    >>> print(*trade_dates(monday).date)  # Martin Luther King Day: a half-session, then a pause
    2025-01-21 2025-01-21
    >>> print(*trade_dates(pd.DatetimeIndex(["2025-01-20"])).date)
    2025-01-20
    """
    instance("index", index, pd.DatetimeIndex, "a DatetimeIndex")
    wall = index if index.tz is None else index.tz_localize(None)
    per_day = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[wall.unit] * 86_400
    if not (wall.asi8 % per_day).any():
        return wall.rename("trade_date")
    # Two instants of the hour that is repeated in autumn have the same trade date.
    shift = {"ambiguous": np.ones(len(index), bool), "nonexistent": "shift_forward"}
    aware = index.tz_localize(NEW_YORK, **shift) if index.tz is None else index
    seconds = seconds_of(aware)
    local = aware.tz_convert(NEW_YORK).tz_localize(None)
    by_clock = (local + pd.Timedelta(hours=6)).normalize()
    calendar = exchange_calendar()
    begin, end = _range_seconds()
    last = np.searchsorted(calendar.opens, seconds, side="right") - 1
    known = (seconds >= max(begin, calendar.opens[0])) & (seconds < end)
    dates = pd.DatetimeIndex(calendar.trade_dates[np.maximum(last, 0)]).as_unit(by_clock.unit)
    return by_clock.where(~known, dates).rename("trade_date")


class _Moments(NamedTuple):
    """Instants as whole seconds, and what is needed to answer in kind."""

    seconds: np.ndarray
    index: pd.Index | None  # None: a single timestamp came in
    tz: dt.tzinfo
    unit: str

    def answer(self, values, name: str):
        if self.index is not None:
            return pd.Series(values, index=self.index, name=name)
        return bool(values[0]) if isinstance(values[0], np.bool_) else values[0]


def _moments(name: str, value) -> _Moments:
    if isinstance(value, dt.datetime):
        if pd.isna(value):
            raise ValueError(f"{name} must be an instant, got NaT")
        value = pd.Timestamp(value)
        if value.tzinfo is None:
            raise ValueError(
                f"{name} must be tz-aware, got {value!r}; say where its clock stands, "
                f"for example {name}.tz_localize({NEW_YORK!r})"
            )
        times, index = pd.DatetimeIndex([value]), None
    elif isinstance(value, (pd.Index, pd.Series)):
        times = _as_datetime_index(name, value)
        index = value.index if isinstance(value, pd.Series) else value
    else:
        raise TypeError(
            f"{name} must be a tz-aware Timestamp, DatetimeIndex or Series of timestamps, "
            f"got {described(value)}"
        )
    moments = _Moments(seconds_of(times), index, times.tz, times.unit)
    _require_range(name, times, moments.seconds)
    return moments


def _as_datetime_index(name: str, value: pd.Index | pd.Series) -> pd.DatetimeIndex:
    if isinstance(value.dtype, pd.ArrowDtype) and value.dtype.kind == "M":
        value = pd.DatetimeIndex(value)
    if getattr(value.dtype, "kind", "") != "M":
        textual = value.dtype == object or isinstance(value.dtype, pd.StringDtype)
        hint = "; mixed or textual times become tz-aware with pd.to_datetime(..., utc=True)"
        raise TypeError(
            f"{name} must hold tz-aware timestamps, got {type(value).__name__} "
            f"of {value.dtype}{hint if textual else ''}"
        )
    times = pd.DatetimeIndex(value)
    if times.tz is None:
        localize = "dt.tz_localize" if isinstance(value, pd.Series) else "tz_localize"
        example = f" (first {times[0]})" if len(times) else ""
        raise ValueError(
            f"{name} must be tz-aware, got naive times{example}; say where their clock stands, "
            f"for example {name}.{localize}({NEW_YORK!r})"
        )
    if times.hasnans:
        where = int(np.flatnonzero(times.isna())[0])
        raise ValueError(f"{name} must hold no NaT, got one at position {where}")
    return times


def _require_range(name: str, times: pd.DatetimeIndex, seconds: np.ndarray) -> None:
    begin, end = _range_seconds()
    outside = (seconds < begin) | (seconds >= end)
    if outside.any():
        raise ValueError(
            f"{name} must lie between {FIRST_DAY:%Y-%m-%d} and {LAST_DAY:%Y-%m-%d} "
            f"(New York time), got {times[int(np.argmax(outside))]}"
        )


@functools.cache
def _range_seconds() -> tuple[int, int]:
    ends = pd.DatetimeIndex([FIRST_DAY, LAST_DAY + pd.Timedelta(days=1)]).tz_localize(NEW_YORK)
    begin, end = seconds_of(ends)
    return int(begin), int(end)


def _interval(seconds: np.ndarray) -> np.ndarray:
    """Number of the stretch of trading in which each instant lies, or -1."""
    calendar = exchange_calendar()
    before = np.searchsorted(calendar.opens, seconds, side="right") - 1
    return np.where(seconds < calendar.closes[before], before, -1)


def _next(name: str, ts, boundaries: np.ndarray):
    moments = _moments("ts", ts)
    later = boundaries[np.searchsorted(boundaries, moments.seconds, side="right")]
    return moments.answer(times_of(later, moments.tz, moments.unit), name=name)
