"""Which days the exchange trades, from when to when, and every minute of them."""

import datetime as dt
import functools
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util.checks import described
from m2k_lessons.facts import fact

NEW_YORK = "America/New_York"
FIRST_DAY = pd.Timestamp("1980-01-01")
LAST_DAY = pd.Timestamp("2068-12-31")  # contract codes have two digits for the year, to 2069
LABELS = ("closed", "ETH", "RTH")

# New York times of day. They are constants, not `fact(...)` look-ups, because hours hold from a
# date on: reading the newest entry would rewrite history. A test compares them with facts.toml.
_OPEN = pd.Timedelta(hours=18)
_CLOSE = pd.Timedelta(hours=17)
_RTH_OPEN = pd.Timedelta(hours=9, minutes=30)
_RTH_CLOSE = pd.Timedelta(hours=16)
_RTH_SHORT_CLOSE = pd.Timedelta(hours=13)
_HOLIDAY_HALT = pd.Timedelta(hours=13)
_AFTERNOON_CLOSE = pd.Timedelta(hours=13, minutes=15)
_GOOD_FRIDAY_CLOSE = pd.Timedelta(hours=9, minutes=15)

# pandas_market_calendars lists the halts of 2014 and before at 11:30, their hour at the time.
_FORMER_HOLIDAY_HALT = pd.Timedelta(hours=11, minutes=30)

# Until 25 June 2021 trading paused for a quarter of an hour after the stock market's close.
_HALT_START = pd.Timedelta(hours=16, minutes=15)
_HALT_END = pd.Timedelta(hours=16, minutes=30)
_FIRST_DAY_WITHOUT_HALT = pd.Timestamp("2021-06-28")

# Closes by special notice that the library does not know: session day -> close, reason.
_NOTICES = {
    pd.Timestamp("2025-01-09"): (_RTH_OPEN, "national day of mourning for President Carter"),
}
_PROJECTED_FROM = pd.Timestamp("2027-01-01")
_HALF_SESSION = "holiday half-session"
_HOLIDAYS = {
    (None, 1): "New Year's Day",
    (None, 3): "Good Friday",
    (None, 4): "Good Friday",
    (None, 12): "Christmas Day",
    (_GOOD_FRIDAY_CLOSE, 3): "Good Friday with the payroll report",
    (_GOOD_FRIDAY_CLOSE, 4): "Good Friday with the payroll report",
    (_HOLIDAY_HALT, 1): "Martin Luther King Jr. Day",
    (_HOLIDAY_HALT, 2): "Presidents' Day",
    (_HOLIDAY_HALT, 5): "Memorial Day",
    (_HOLIDAY_HALT, 6): "Juneteenth",
    (_HOLIDAY_HALT, 7): "Independence Day",
    (_HOLIDAY_HALT, 9): "Labor Day",
    (_HOLIDAY_HALT, 11): "Thanksgiving Day",
    (_AFTERNOON_CLOSE, 7): "day before Independence Day",
    (_AFTERNOON_CLOSE, 11): "day after Thanksgiving",
    (_AFTERNOON_CLOSE, 12): "Christmas Eve",
}
_FIXED_DAYS = {"New Year's Day": 1, "Juneteenth": 19, "Independence Day": 4, "Christmas Day": 25}


def schedule(start, end) -> pd.DataFrame:
    """Give the opening hours of every weekday: one row per session day.

    Parameters
    ----------
    start, end : str, date or Timestamp
        First and last session day, both included, from 1980-01-01 to 2068-12-31. A tz-aware
        instant stands for the session day it falls in: from 18:00 New York time on, the next.

    Returns
    -------
    DataFrame
        Index `session` (Monday to Friday, without time zone), times in America/New_York:

        - `trade_date`: the exchange's trade date of this session; NaT when closed.
        - `kind`: "normal", "holiday half-session" (halt at 13:00, the trade date goes on),
          "early close 13:15" (or 09:15, 09:30), or "closed".
        - `open`, `close`: first open minute and first closed instant; NaT when closed.
        - `halt_start`, `halt_end`: the 16:15 to 16:30 pause up to 2021-06-25, else NaT.
        - `rth_open`, `rth_close`: regular trading hours; NaT when the stock market is shut.
        - `hypothetical`: True before M2K's launch; today's hours, which nobody traded.
        - `note`: the holiday, and "projected by rule" from 2027 on; empty on normal days.

    Notes
    -----
    Source: pandas_market_calendars, `CME Globex Equity`, corrected for Good Fridays, 2025-01-09
    and the afternoon halt. That calendar counts each holiday half-session as a day of its own;
    here it keeps its row, while `trade_date` names the day to which the exchange counts it.

    Examples
    --------
    >>> week = schedule("2026-11-25", "2026-11-27")
    >>> week["kind"].tolist()
    ['normal', 'holiday half-session', 'early close 13:15']
    >>> week["trade_date"].dt.strftime("%a %d").tolist()
    ['Wed 25', 'Fri 27', 'Fri 27']
    """
    first, last = _day_range(start, end)
    # No copy: pandas copies on write, so the cached table cannot be changed through this view.
    return exchange_calendar().table.loc[first:last]


def trading_days(start, end) -> pd.DatetimeIndex:
    """List the trade dates: the days that have one daily bar each.

    Parameters as in `schedule`.

    Returns
    -------
    DatetimeIndex
        Named `trade_date`, without time zone. Closed days and holiday half-sessions are not in
        it; a Good Friday with the payroll report is, though the stock market is shut. Days with
        a stock market are those with an `rth_open` in `schedule`.

    Examples
    --------
    >>> trading_days("2026-11-23", "2026-11-30").strftime("%a %d").tolist()
    ['Mon 23', 'Tue 24', 'Wed 25', 'Fri 27', 'Mon 30']
    """
    sessions = schedule(start, end)
    ends_its_trade_date = sessions["trade_date"] == sessions.index
    return pd.DatetimeIndex(sessions.index[ends_its_trade_date], name="trade_date")


def session_minutes(start, end) -> pd.DatetimeIndex:
    """List every minute at whose start the market is open.

    Parameters as in `schedule`; the sessions of both days are included whole, so that of a Monday
    begins with Sunday 18:00.

    Returns
    -------
    DatetimeIndex
        Minute starts in America/New_York, increasing, without breaks, halts and holidays. A
        normal session has 1380 of them.

    Examples
    --------
    >>> minutes = session_minutes("2026-11-23", "2026-11-23")
    >>> len(minutes), str(minutes[0]), str(minutes[-1])
    (1380, '2026-11-22 18:00:00-05:00', '2026-11-23 16:59:00-05:00')
    """
    first, last = _day_range(start, end)
    calendar = exchange_calendar()
    chosen = (calendar.session_days >= first.to_datetime64()) & (
        calendar.session_days <= last.to_datetime64()
    )
    opens = calendar.opens[chosen]
    lengths = (calendar.closes[chosen] - opens) // 60
    # Position of each minute within its own interval, without a loop over the intervals.
    before = np.cumsum(lengths) - lengths
    counts = lengths.astype(np.intp)  # 32 bits in a browser, and numpy repeats by no other type
    within = np.arange(lengths.sum()) - np.repeat(before, counts)
    return times_of(np.repeat(opens, counts) + 60 * within, NEW_YORK, "us")


class _Calendar(NamedTuple):
    """The whole span, computed once. Times are int64 seconds since 1970 UTC.

    Seconds, because no boundary is finer and every resolution of pandas (s, ms, us, ns) divides
    into them exactly, with no overflow.
    """

    table: pd.DataFrame
    edges: np.ndarray  # every instant at which the label changes
    states: np.ndarray  # position in LABELS from edges[i] to edges[i + 1]
    opens: np.ndarray  # stretches of uninterrupted trading
    closes: np.ndarray
    session_days: np.ndarray  # datetime64, one for each stretch
    trade_dates: np.ndarray


@functools.cache
def exchange_calendar() -> _Calendar:
    table = _table()
    calendar = _Calendar(table, *_label_edges(table), *_stretches(table))
    for array in calendar[1:]:
        array.setflags(write=False)
    return calendar


def _table() -> pd.DataFrame:
    # Some days beyond the range, so that `next_open` has an answer on its last evening.
    days = pd.bdate_range(FIRST_DAY, LAST_DAY + pd.Timedelta(days=10), name="session", unit="us")
    days = pd.DatetimeIndex(days, freq=None)
    launch = pd.Timestamp(fact("launch.M2K").value)
    close = _closes(days)

    is_closed = close.isna()
    is_half_session = close == _HOLIDAY_HALT
    is_normal = close == _CLOSE
    has_halt = is_normal & (days >= launch) & (days < _FIRST_DAY_WITHOUT_HALT)
    # The stock market opens unless the futures stop before it could, or halt for its holiday.
    has_rth = (close > _RTH_OPEN) & ~is_half_session

    trade_dates = pd.Series(days, index=days).mask(is_closed | is_half_session)
    kind = pd.Series("early close " + (days + close).dt.strftime("%H:%M"), index=days)
    kind = kind.mask(is_normal, "normal").mask(is_half_session, _HALF_SESSION)

    def at(clock, where) -> pd.Series:
        wall = pd.Series(days, index=days) + clock
        return wall.where(where).dt.as_unit("us").dt.tz_localize(NEW_YORK)

    rth_close = pd.Series(_RTH_CLOSE, index=days).where(is_normal, _RTH_SHORT_CLOSE)
    return pd.DataFrame(
        {
            "trade_date": trade_dates.bfill().mask(is_closed).dt.as_unit("us"),
            "kind": kind.mask(is_closed, "closed").astype("str"),
            "open": at(_OPEN - pd.Timedelta(days=1), ~is_closed),
            "close": at(close, ~is_closed),
            "halt_start": at(_HALT_START, has_halt),
            "halt_end": at(_HALT_END, has_halt),
            "rth_open": at(_RTH_OPEN, has_rth),
            "rth_close": at(rth_close, has_rth),
            "hypothetical": days < launch,
            "note": _notes(close),
        },
        index=days,
    )


def _closes(days: pd.DatetimeIndex) -> pd.Series:
    """Closing time of each weekday since its midnight; NaT when the market stays closed."""
    # Here, not above: 0.4 s that only those pay who ask for the calendar.
    import pandas_market_calendars
    from pandas.tseries.holiday import GoodFriday

    listed = pandas_market_calendars.get_calendar("CME Globex Equity").schedule(days[0], days[-1])
    closing = listed["market_close"].dt.tz_convert(NEW_YORK).dt.tz_localize(None)
    close = (closing - closing.index).reindex(days)

    close = close.mask(close == _FORMER_HOLIDAY_HALT, _HOLIDAY_HALT)
    good_fridays = days.isin(GoodFriday.dates(days[0], days[-1]))
    close[good_fridays] = pd.NaT
    close[good_fridays & (days.day <= 7)] = _GOOD_FRIDAY_CLOSE
    for day, (clock, _) in _NOTICES.items():
        close[day] = clock
    return close


def _notes(close: pd.Series) -> pd.Series:
    notes = pd.Series("", index=close.index, dtype="str")
    special = close[close != _CLOSE]
    reasons = []
    for day, clock in special.items():
        if day in _NOTICES:
            reason = _NOTICES[day][1]
        else:
            key = (None if pd.isna(clock) else clock, day.month)
            reason = _HOLIDAYS.get(key, "listed by pandas_market_calendars")
        if _FIXED_DAYS.get(reason, day.day) != day.day:
            reason += " (observed)"
        if day >= _PROJECTED_FROM:
            reason += "; projected by rule"
        reasons.append(reason)
    notes[special.index] = reasons
    return notes


def _label_edges(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    closed, eth, rth = range(len(LABELS))
    starts = {"open": eth, "rth_open": rth, "rth_close": eth}
    starts |= {"halt_start": closed, "halt_end": eth, "close": closed}
    times = [_column_seconds(table[column]) for column in starts]
    states = [np.full(len(part), state) for part, state in zip(times, starts.values(), strict=True)]
    # Before the first edge the market is closed (New Year's Day 1980).
    edges = np.concatenate([[np.iinfo(np.int64).min], *times])
    order = np.argsort(edges)
    return edges[order], np.concatenate([[closed], *states])[order]


def _stretches(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    opens = np.concatenate([_column_seconds(table[name]) for name in ("open", "halt_end")])
    closes = np.concatenate([_column_seconds(table[name]) for name in ("close", "halt_start")])
    whole, halted = table[table["open"].notna()], table[table["halt_end"].notna()]
    rows = pd.concat([whole, halted])
    # Stretches do not overlap, so the n-th opening goes with the n-th closing.
    order = np.argsort(opens)
    return (
        opens[order],
        np.sort(closes),
        rows.index.to_numpy()[order],
        rows["trade_date"].to_numpy()[order],
    )


def _column_seconds(column: pd.Series) -> np.ndarray:
    return seconds_of(pd.DatetimeIndex(column.dropna()))


def _day_range(start, end) -> tuple[pd.Timestamp, pd.Timestamp]:
    first, last = _session_day("start", start), _session_day("end", end)
    if first > last:
        raise ValueError(f"start must not be after end, got {first:%Y-%m-%d} and {last:%Y-%m-%d}")
    return first, last


def _session_day(name: str, value) -> pd.Timestamp:
    accepted = f"{name} must be a day such as '2026-11-23'"
    if isinstance(value, np.datetime64):
        value = pd.Timestamp(value)
    if isinstance(value, str):
        try:
            value = dt.date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{accepted}, got {value!r}") from None
    if not isinstance(value, dt.date):
        raise TypeError(f"{accepted}, got {described(value)}")
    if pd.isna(value):
        raise ValueError(f"{accepted}, got {value!r}")
    day = pd.Timestamp(value)
    if day.tzinfo is not None:
        clock = day.tz_convert(NEW_YORK).tz_localize(None)
        day = clock.normalize() + pd.Timedelta(days=int(clock - clock.normalize() >= _OPEN))
    elif day != day.normalize():
        raise ValueError(
            f"{accepted} or a tz-aware instant, got {value!r}, a time of day without its "
            f"zone; for example {name}.tz_localize({NEW_YORK!r})"
        )
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ValueError(
            f"{name} must lie between {FIRST_DAY:%Y-%m-%d} and {LAST_DAY:%Y-%m-%d}, "
            f"got {day:%Y-%m-%d}"
        )
    return day


def seconds_of(times: pd.DatetimeIndex) -> np.ndarray:
    # Floor division: a fraction of a second belongs to the second it began in.
    per_second = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[times.unit]
    return times.asi8 // per_second


def times_of(seconds: np.ndarray, tz, unit: str) -> pd.DatetimeIndex:
    utc = pd.DatetimeIndex(seconds.astype("datetime64[s]")).as_unit(unit).tz_localize("UTC")
    return utc.tz_convert(tz)
