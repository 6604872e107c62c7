"""Economic releases and other events: when they come, and what the price does around them.

**Bars and windows.** A bar is labelled by its start. The bar in which an event falls is bar 0 of
its window; the return of bar 0 runs from the last close before the event to the close of bar 0.
A window counts bars on the clock, so it is *complete* only where no bar is missing in it: one
that reaches across a break of trading, or the end of the data, is refused or left out by name.

**What belongs together.** Two events of one New York day, and events whose windows overlap,
are not two independent observations. They form one *cluster*, and every standard error here is
clustered: what is summed within a cluster counts as one.

**Units.** Returns go in as log returns of one bar (`bar_returns`) and come out in %.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import _check, _series, sessions
from m2k_lessons.sessions import NEW_YORK
from m2k_lessons.simulate import _releases

__all__ = [
    "EventStudy",
    "Placebo",
    "Response",
    "bar_returns",
    "calendar",
    "event_study",
    "jumps",
    "placebo",
    "read_calendar",
    "reduce_around",
    "response",
]

_MINUTE_US = 60_000_000
INCOMPLETE = ("refuse", "leave_out")
STATISTICS = ("mean", "t", "volatility", "response")

# ------------------------------------------------------------------------------- calendar


class _Rule(NamedTuple):
    release: str
    agency: str
    clock: str
    cadence: str
    rule: str


_RULES = {
    one.release: one
    for one in (
        _Rule("employment", "BLS", "08:30", "monthly", "first Friday"),
        _Rule("CPI", "BLS", "08:30", "monthly", "first Wednesday from the 10th on"),
        _Rule("PPI", "BLS", "08:30", "monthly", "first working day after the CPI"),
        _Rule("retail sales", "Census", "08:30", "monthly", "first working day from the 15th on"),
        _Rule("GDP", "BEA", "08:30", "monthly", "last Thursday"),
        _Rule("personal income and PCE", "BEA", "08:30", "monthly", "working day after the GDP"),
        _Rule("jobless claims", "DOL", "08:30", "weekly", "Thursday"),
        _Rule("industrial production", "Fed", "09:15", "monthly", "working day from the 16th on"),
        _Rule("JOLTS", "BLS", "10:00", "monthly", "first Tuesday"),
        _Rule("factory orders", "Census", "10:00", "monthly", "fourth working day"),
        _Rule("consumer sentiment", "Michigan", "10:00", "monthly", "second Friday"),
        _Rule("ISM manufacturing", "ISM", "10:00", "monthly", "first working day"),
        _Rule("ISM services", "ISM", "10:00", "monthly", "third working day"),
        _Rule("rate decision", "FOMC", "14:00", "eight a year", "fixed Wednesdays"),
        _Rule(
            "press conference", "FOMC", "14:30", "eight a year", "half an hour after the decision"
        ),
        _Rule("FOMC minutes", "FOMC", "14:00", "eight a year", "three weeks after the decision"),
    )
}

# Government shutdowns during which these agencies published nothing, or next to nothing. First
# day, last day, agencies. In 2018 and 2019 the Department of Labor had its money.
SHUTDOWNS = (
    ("2013-10-01", "2013-10-16", ("BLS", "Census", "BEA")),
    ("2018-12-22", "2019-01-25", ("Census", "BEA")),
    ("2025-10-01", "2025-11-12", ("BLS", "Census", "BEA", "DOL")),
)


def calendar(start, end) -> pd.DataFrame:
    """List the scheduled US releases of some days, by rule.

    **A rule is not a calendar.** The agencies set the dates and publish them months before; these
    rules are right for most months and wrong for some. Trade by the agency's own list, with
    `read_calendar`.

    Parameters
    ----------
    start, end : str, date or Timestamp
        First and last New York day, both included, from 1980 to 2040.

    Returns
    -------
    DataFrame
        Index `time`, America/New_York, right on either side of a change of the clocks. Columns:

        - `agency`, `release`, `cadence`: who publishes what, and how often.
        - `rule`: how the date was found.
        - `session`: "RTH", "ETH" or "closed", what M2K's market does at that moment.
        - `dated_by`: "rule" in every row.
        - `note`: where a holiday moved the date, and where a government shutdown of the past
          (`SHUTDOWNS`) makes it wrong. Empty otherwise, which is no promise.

    Raises
    ------
    TypeError, ValueError
        Not a day, out of range, or `start` after `end`.

    Notes
    -----
    Employment, CPI, retail sales and rate decisions fall as in `simulate.macro`. The ISM's figures
    are its own property: only their time is here. Each decision has had a press conference since
    2019; before that some had one, and before April 2011 none. Known
    exceptions: shutdowns move or cancel releases; the employment report goes by the week of its
    survey and so comes a week later in some months (March 2024, January 2025); the rate
    decisions' Wednesdays vary from year to year, and days of mourning close offices.

    Examples
    --------
    >>> week = calendar("2026-07-01", "2026-07-03")
    >>> week[week["release"] == "employment"][["agency", "note"]].values.tolist()
    [['BLS', 'a day earlier: Independence Day']]
    """
    first, last = _check.date("start", start), _check.date("end", end)
    low, high = sessions.FIRST_DAY.date(), sessions.LAST_DAY.date()
    for name, day in (("start", first), ("end", last)):
        if not low <= day <= high:
            raise ValueError(f"{name} must be from {low} to {high}, got {day}")
    if first > last:
        raise ValueError(f"start must not be after end, got {first} and {last}")
    # More months than asked for: a rule may lead across the end of a month, the minutes of a
    # December meeting come in January.
    months = pd.period_range(first - dt.timedelta(days=31), last + dt.timedelta(days=10), freq="M")
    work = _working_days(first.year, last.year)
    rows = []
    for month in months:
        for release, day, note in _dated(month, work):
            if first <= day <= last:
                rows.append((day, _RULES[release], note))
    rows.sort(key=lambda row: (row[0], row[1].clock, row[1].release))
    wall = [f"{day} {rule.clock}" for day, rule, _ in rows]
    index = pd.DatetimeIndex(pd.to_datetime(wall), name="time").as_unit("us").tz_localize(NEW_YORK)
    columns = {
        "agency": [rule.agency for _, rule, _ in rows],
        "release": [rule.release for _, rule, _ in rows],
        "cadence": [rule.cadence for _, rule, _ in rows],
        "rule": [rule.rule for _, rule, _ in rows],
        "session": sessions.label_sessions(index).to_numpy(),
        "dated_by": "rule",
        "note": [_shut(day, rule) or note for day, rule, note in rows],
    }
    return pd.DataFrame(columns, index=index).astype("str")


def _working_days(first_year: int, last_year: int) -> np.busdaycalendar:
    from pandas.tseries.holiday import USFederalHolidayCalendar

    holidays = USFederalHolidayCalendar().holidays(f"{first_year - 1}-12-01", f"{last_year + 1}-02")
    return np.busdaycalendar(holidays=holidays.to_numpy().astype("datetime64[D]"))


def _dated(month: pd.Period, work: np.busdaycalendar) -> Iterator[tuple[str, dt.date, str]]:
    """Every release of a month: its name, its day, and why the day is not the rule's."""

    def working(day, offset: int = 0) -> dt.date:
        moved = np.busday_offset(day, offset, roll="forward", busdaycal=work)
        return moved.astype(object)

    year, number = month.year, month.month
    for scheduled in _releases.release_times(month, 1):
        day = scheduled.time.date()
        name = scheduled.release.name
        note = _moved_employment(year, number, day) if name == "employment" else ""
        if name == "CPI":
            note = "a day later: Veterans Day" if (number, day.day) == (11, 12) else ""
            yield "PPI", working(day + dt.timedelta(days=1)), ""
        yield name, day, note
        if name == "rate decision":
            yield "press conference", day, _before_conferences(year)
            minutes = day + dt.timedelta(days=21)
            published = working(minutes)
            yield "FOMC minutes", published, "" if published == minutes else "a day later: holiday"
    gdp = _releases._nth_weekday(year, number, 3, -1)
    in_time = working(gdp - dt.timedelta(days=1)) if working(gdp) != gdp else gdp
    yield "GDP", in_time, "" if in_time == gdp else "a day earlier: holiday"
    yield "personal income and PCE", working(in_time + dt.timedelta(days=1)), ""
    thursday = _releases._nth_weekday(year, number, 3, 1)
    while thursday.month == number:
        is_work = working(thursday) == thursday
        day = thursday if is_work else thursday - dt.timedelta(days=1)
        yield "jobless claims", day, "" if is_work else "a day earlier: holiday"
        thursday += dt.timedelta(days=7)
    yield "industrial production", working(dt.date(year, number, 16)), ""
    tuesday = _releases._nth_weekday(year, number, 1, 1)
    moved = working(tuesday)
    yield "JOLTS", moved, "" if moved == tuesday else "a day later: holiday"
    yield "factory orders", working(dt.date(year, number, 1), 3), ""
    yield "ISM manufacturing", working(dt.date(year, number, 1)), ""
    yield "ISM services", working(dt.date(year, number, 1), 2), ""
    yield "consumer sentiment", _releases._nth_weekday(year, number, 4, 2), ""


def _moved_employment(year: int, month: int, day: dt.date) -> str:
    friday = _releases._nth_weekday(year, month, 4, 1)
    if day == friday:
        return ""
    return "a week later: New Year" if day > friday else "a day earlier: Independence Day"


def _before_conferences(year: int) -> str:
    if year >= 2019:
        return ""
    return "before 2019 after some decisions only" if year >= 2011 else "none before April 2011"


def _shut(day: dt.date, rule: _Rule) -> str:
    for first, last, agencies in SHUTDOWNS:
        if rule.agency in agencies and first <= str(day) <= last:
            return f"not published on this day: government shutdown of {first[:4]}"
    return ""


_FIGURES = ("previous", "consensus", "actual", "surprise")
_NEEDED = ("date", "time", "release")


def read_calendar(path: str | os.PathLike | io.TextIOBase, *, tz: str = NEW_YORK) -> pd.DataFrame:
    """Read the learner's own list of events from a CSV file.

    Parameters
    ----------
    path : str, path or open text file
        One header line; comma or semicolon; UTF-8. Columns `date` (2026-12-04), `time` (08:30)
        and `release` are needed, `agency` and the numbers `previous`, `consensus`, `actual` and
        `surprise` are known; every other column is kept as text.
    tz : str
        Time zone of `date` and `time`.

    Returns
    -------
    DataFrame
        Index `time` in America/New_York, ascending; the file's columns, numbers as float64 (NaN
        where a cell is empty), and `dated_by`, "file" in every row.

    Raises
    ------
    ValueError
        A column that is missing or there twice, a cell that is no date, time or number, a time
        that the clocks skip or show twice, an event that is listed twice, a file without rows.
        The message names file, line and column.
    FileNotFoundError
        If there is no such file.

    Examples
    --------
    >>> text = io.StringIO("date,time,release\\n2026-12-04,08:30,employment\\n")
    >>> str(read_calendar(text).index[0])
    '2026-12-04 08:30:00-05:00'
    """
    if hasattr(path, "read"):
        name, text = getattr(path, "name", "<file>"), path.read()
    elif isinstance(path, (str, os.PathLike)):
        name, text = Path(path).name, Path(path).read_text(encoding="utf-8-sig")
    else:
        raise TypeError(f"path must be a path or an open text file, got {path!r}")
    try:
        zone = pd.DatetimeTZDtype("us", tz).tz
    except (TypeError, KeyError, ValueError, OSError):
        raise ValueError(f"tz must be a time zone such as {NEW_YORK!r}, got {tz!r}") from None
    first_line = text.split("\n", 1)[0]
    mark = ";" if first_line.count(";") > first_line.count(",") else ","
    reader = csv.reader(io.StringIO(text), delimiter=mark)
    header = [cell.strip() for cell in next(reader, [])]
    for column in _NEEDED:
        if column not in header:
            got = ", ".join(header) or "nothing"
            raise ValueError(f"{name}, line 1: the column {column} is missing, got {got}")
    for column in header:
        if header.count(column) > 1:
            raise ValueError(f"{name}, line 1: the column {column!r} is there twice")
    rows, times, seen = [], [], {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = reader.line_num
        if len(cells) != len(header):
            raise ValueError(
                f"{name}, line {line}: {len(cells)} cells, the header has {len(header)}"
            )
        row = {column: cell.strip() for column, cell in zip(header, cells, strict=True)}
        time = _calendar_time(row, zone, f"{name}, line {line}, column ")
        if not row["release"]:
            raise ValueError(f"{name}, line {line}, column release: must not be empty")
        for column in _FIGURES:
            if column in row:
                row[column] = _calendar_number(row[column], f"{name}, line {line}, column {column}")
        key = (time, row["release"])
        if key in seen:
            raise ValueError(
                f"{name}, line {line}: {row['release']} at {time} is in line {seen[key]} already"
            )
        seen[key] = line
        times.append(time)
        rows.append(row)
    if not rows:
        raise ValueError(f"{name}: must have at least one event below the header")
    index = pd.DatetimeIndex(times).as_unit("us").tz_convert(NEW_YORK).rename("time")
    table = pd.DataFrame(rows).drop(columns=["date", "time"]).set_axis(index, axis=0)
    table["dated_by"] = "file"
    return table.sort_index(kind="stable")


def _calendar_time(row: dict[str, str], zone, place: str) -> pd.Timestamp:
    try:
        day = dt.date.fromisoformat(row["date"])
    except ValueError:
        raise ValueError(
            f"{place}date: must be a date such as 2026-12-04, got {row['date']!r}"
        ) from None
    try:
        clock = dt.time.fromisoformat(row["time"])
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None or ":" not in row["time"]:
        raise ValueError(f"{place}time: must be a time such as 08:30, got {row['time']!r}")
    wall = pd.Timestamp(dt.datetime.combine(day, clock)).as_unit("us")
    try:
        # pandas raises a ValueError for a time that is skipped and for one that comes twice.
        return wall.tz_localize(zone)
    except ValueError:
        raise ValueError(
            f"{place}time: {wall:%Y-%m-%d %H:%M} comes twice or not at all in {zone}, because the "
            "clocks are changed in that hour"
        ) from None


def _calendar_number(cell: str, place: str) -> float:
    if not cell:
        return float("nan")
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not np.isfinite(number):
        raise ValueError(f"{place}: must be a number such as 0.3, or empty, got {cell!r}")
    return number


# ------------------------------------------------------------------------------- windows


def bar_returns(close: pd.Series) -> pd.Series:
    """Give the log return of each bar; NaN for the first one after a pause.

    Parameters
    ----------
    close : Series
        Prices above 0 on an ascending index with a time zone. The bar's length is the smallest
        step of the index.

    Returns
    -------
    Series
        log(close / close of the bar before), as a decimal. NaN where the bar before is missing,
        because what happened in a pause did not happen in the bar after it.

    Raises
    ------
    TypeError, ValueError
        Not such a Series, or prices of 0 and below.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07 08:29", periods=3, freq="min", tz="America/New_York")
    >>> bar_returns(pd.Series([2400.0, 2412.0, 2412.0], index)).round(5).tolist()
    [nan, 0.00499, 0.0]
    """
    numbers = _series.values("close", close)
    instants, bar = _instants("close", close)
    _series.finite_or_nan("close", close, numbers)
    if np.any(numbers <= 0):
        where = int(np.flatnonzero(numbers <= 0)[0])
        raise ValueError(f"close must be above 0, got {numbers[where]} at {close.index[where]}")
    moves = np.full(len(numbers), np.nan)
    moves[1:] = np.where(np.diff(instants) == bar, np.diff(np.log(numbers)), np.nan)
    return _series.like(close, moves, "return")


def _instants(name: str, series) -> tuple[np.ndarray, int]:
    """Bar starts in microseconds UTC, and the length of a bar."""
    if not isinstance(series, pd.Series) or not isinstance(series.index, pd.DatetimeIndex):
        raise TypeError(
            f"{name} must be a Series with a DatetimeIndex, got {type(series).__name__}"
        )
    if series.index.tz is None:
        raise ValueError(
            f"{name} must have an index with a time zone, got naive times; "
            f"{name}.tz_localize('America/New_York') says which clock is meant"
        )
    if len(series) < 2:
        raise ValueError(f"{name} must have at least 2 bars, got {len(series)}")
    _series.check_order(name, series.index)
    instants = series.index.as_unit("us").asi8
    return instants, int(np.diff(instants).min())


def _event_times(name: str, events) -> pd.DatetimeIndex:
    """The instants of events given as an index, or as a table or Series with such an index."""
    given = events
    if isinstance(events, (pd.DataFrame, pd.Series)):
        given = events.index
    elif isinstance(events, (pd.Timestamp, dt.datetime)):
        given = [events]
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise TypeError(
            f"{name} must be a DatetimeIndex, a table with one, or a list of Timestamps, "
            f"got {events!r}"
        )
    if not isinstance(given, pd.DatetimeIndex):
        moments = list(given)
        for one in moments:
            if not isinstance(one, dt.datetime):
                raise TypeError(f"{name} must hold Timestamps with a time zone, got {one!r}")
            if one.tzinfo is None and not pd.isna(one):
                raise ValueError(_naive(name, one))
        given = pd.DatetimeIndex(pd.to_datetime(moments, utc=True))
    if len(given) == 0:
        raise ValueError(f"{name} must hold at least one event, got none")
    if given.hasnans:
        raise ValueError(f"{name} must have a time for each event, got none in row "
                         f"{int(np.flatnonzero(given.isna())[0])}")  # fmt: skip
    if given.tz is None:
        raise ValueError(_naive(name, given[0]))
    return given.as_unit("us").tz_convert(NEW_YORK)


def _naive(name: str, moment) -> str:
    return (
        f"{name} must have a time zone, got the naive time {moment}; "
        "tz_localize('America/New_York') says which clock is meant"
    )


def _bounds(name: str, window) -> tuple[int, int]:
    if isinstance(window, (str, bytes)) or not hasattr(window, "__len__") or len(window) != 2:
        raise TypeError(f"{name} must be two whole numbers such as (-30, 60), got {window!r}")
    first, last = (_check.whole(f"{name}[{i}]", one) for i, one in enumerate(window))
    if first > last:
        raise ValueError(f"{name} must not end before it begins, got ({first}, {last})")
    return first, last


class _Windows(NamedTuple):
    times: pd.DatetimeIndex  # of the events that are complete
    kept: np.ndarray  # their places among the given events
    returns: np.ndarray  # one row each, one column per bar of the window
    left_out: pd.DataFrame


def _cut(
    returns: pd.Series, name: str, events, window: tuple[int, int], incomplete: str
) -> _Windows:
    """Cut the window around each event out of the returns."""
    numbers = _series.values("returns", returns)
    instants, bar = _instants("returns", returns)
    _series.finite_or_nan("returns", returns, numbers)
    times = _event_times(name, events)
    first, last = window
    span = last - first
    # The bar that contains the event.
    place = np.searchsorted(instants, times.asi8, side="right") - 1
    start = place + first
    inside = (place >= 0) & (start >= 0) & (start + span < len(instants))
    safe = np.where(inside, start, 0)
    zero = instants[np.where(place >= 0, place, 0)]
    last_row = np.minimum(safe + span, len(instants) - 1)
    whole = (
        inside
        & (times.asi8 - zero < bar)
        & (instants[safe] == zero + first * bar)
        & (instants[last_row] == zero + last * bar)
    )
    cut = numbers[np.minimum(safe[:, None] + np.arange(span + 1), len(numbers) - 1)]
    known = whole & np.isfinite(cut).all(axis=1)
    if not known.all():
        outside = (times.asi8 < instants[0]) | (times.asi8 >= instants[-1] + bar)
        reason = np.where(outside, "outside the data", "a bar of the window is missing")
        where = int(np.flatnonzero(~known)[0])
        if incomplete == "refuse":
            raise ValueError(
                f"{name} must lie inside returns with a complete window of bars {first} to {last}, "
                f"got {int((~known).sum())} of {len(known)} that do not, the first at "
                f"{times[where]}: {reason[where]}; incomplete='leave_out' leaves them out by name"
            )
        left_out = pd.DataFrame({"reason": reason[~known]}, index=times[~known])
    else:
        left_out = pd.DataFrame({"reason": np.array([], dtype=str)}, index=times[:0])
    if not known.any():
        raise ValueError(f"{name} must have at least one complete window inside returns, got none")
    return _Windows(times[known], np.flatnonzero(known), cut[known], left_out.rename_axis("time"))


def _clusters(times: pd.DatetimeIndex, window: tuple[int, int], bar: int) -> np.ndarray:
    """Number of the cluster of each event: same New York day, or windows that overlap."""
    order = np.argsort(times.asi8, kind="stable")
    moments = times.asi8[order]
    day = times.tz_localize(None).normalize().asi8[order]
    reach = (window[1] - window[0] + 1) * bar
    new = np.ones(len(moments), dtype=bool)
    new[1:] = (np.diff(day) > 0) & (np.diff(moments) >= reach)
    numbers = np.empty(len(moments), dtype=np.int64)
    numbers[order] = np.cumsum(new) - 1
    return numbers


def _cluster_sums(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    sums = np.zeros((clusters.max() + 1, *values.shape[1:]))
    np.add.at(sums, clusters, values)
    return sums


def _mean_and_error(values: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over events, and its standard error clustered (Liang and Zeger 1986)."""
    mean = values.mean(axis=0)
    groups = int(clusters.max()) + 1
    if groups < 2:
        return mean, np.full_like(mean, np.nan)
    sums = _cluster_sums(values - mean, clusters)
    variance = groups / (groups - 1) * np.square(sums).sum(axis=0) / len(values) ** 2
    return mean, np.sqrt(variance)


def _quantile(confidence: float, degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2))


# ------------------------------------------------------------------------------- event study


@dataclass(frozen=True)
class EventStudy:
    """What the price did around events.

    Attributes
    ----------
    path : DataFrame
        One row for each bar of the window, index `bar` (0 holds the event):

        - `return_pct`: mean abnormal log return of the bar, in %.
        - `cumulative_pct`, `low_pct`, `high_pct`: mean abnormal move since the last close before
          the event (to the left of it: up to that close, with its sign), and its band.
        - `volatility`, `volatility_low`, `volatility_high`: mean absolute return as a multiple of
          the ordinary one, and its band. NaN where nothing ordinary is known.
    abnormal_pct : DataFrame
        One row for each event: abnormal log returns in %, a column for each bar.
    clusters : Series of int
        Which events count as one observation.
    left_out : DataFrame
        Events without a complete window, with the reason.
    confidence : float
    """

    path: pd.DataFrame
    abnormal_pct: pd.DataFrame
    clusters: pd.Series
    left_out: pd.DataFrame
    confidence: float
    kept: np.ndarray = field(repr=False)
    given: int = field(repr=False)

    @property
    def n(self) -> int:
        """Events with a complete window."""
        return len(self.abnormal_pct)

    def move_pct(self, first: int = 0, last: int | None = None) -> pd.Series:
        """Abnormal move of each event from bar `first` to bar `last`, in %."""
        bars = self.abnormal_pct.columns
        first = _check.whole("first", first, at_least=int(bars[0]), at_most=int(bars[-1]))
        last = int(bars[-1]) if last is None else last
        last = _check.whole("last", last, at_least=first, at_most=int(bars[-1]))
        return self.abnormal_pct.loc[:, first:last].sum(axis=1).rename("move_pct")

    def response(self, surprise, first: int = 0, last: int | None = None) -> Response:
        """Regress the moves from bar `first` to `last` on the surprise of each event.

        `surprise` is in the order of the events that were given to `event_study`, those that were
        left out included; a Series with times must have those of the events.
        """
        numbers = _surprises(surprise, self.abnormal_pct.index, self.kept, self.given)
        moves = self.move_pct(first, last)
        return response(moves, numbers, self.clusters, confidence=self.confidence)


def event_study(
    returns: pd.Series,
    events,
    window: tuple[int, int] = (-30, 60),
    *,
    controls=None,
    confidence: float = 0.95,
    incomplete: str = "refuse",
) -> EventStudy:
    """Average what the price did around events, with bands that know about clusters.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`), on an index with a time zone.
    events : DatetimeIndex, table or Series with one, or list of Timestamps
        With a time zone. An event in the middle of a bar belongs to that bar.
    window : (int, int)
        First and last bar; bar 0 holds the event.
    controls : as events, optional
        Times at which nothing happened. The *normal* return of a bar is then their mean at the
        same time of day, and volatility is compared with theirs. Without them the normal return
        is 0, and volatility is compared with that of the window's own bars before 0.
    confidence : float
        Of the bands, between 0 and 1.
    incomplete : {"refuse", "leave_out"}
        What to do with windows that lack a bar. Left out, they are listed in `left_out`.

    Returns
    -------
    EventStudy

    Raises
    ------
    TypeError, ValueError
        Naive times, events outside the data, controls without the time of day of an event, fewer
        than two clusters, and so on.

    Notes
    -----
    Abnormal return: MacKinlay, "Event Studies in Economics and Finance", *Journal of Economic
    Literature* 35 (1997), with the normal return of the same time of day. Bands: mean ± Student
    t with (clusters − 1) degrees of freedom × clustered standard error; that of the controls'
    mean is added. The band of the volatility is that of its logarithm, by the delta method.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07 08:00", "2030-01-10 12:00", freq="min", tz="UTC")
    >>> moves = pd.Series(0.0, index)
    >>> times = pd.DatetimeIndex(["2030-01-07 09:00", "2030-01-08 09:00", "2030-01-09 09:00"])
    >>> moves[times.tz_localize("UTC")] = [0.01, 0.02, 0.03]
    >>> study = event_study(moves, times.tz_localize("UTC"), (-1, 1))
    >>> study.path["cumulative_pct"].round(6).tolist()
    [0.0, 2.0, 2.0]
    """
    window = _bounds("window", window)
    confidence = _check.number("confidence", confidence, above=0, below=1)
    incomplete = _check.choice("incomplete", incomplete, INCOMPLETE)
    own = _cut(returns, "events", events, window, incomplete)
    bar = _instants("returns", returns)[1]
    clusters = _clusters(own.times, window, bar)
    groups = int(clusters.max()) + 1
    if groups < 2:
        raise ValueError(
            f"events must form at least 2 clusters, for a band to be known; got {len(own.times)} "
            "events that are all of one day, or overlap"
        )
    bars = np.arange(window[0], window[1] + 1)
    moves = 100 * own.returns
    abnormal, normal_error = moves, 0.0
    normal_size = normal_size_error = None
    if controls is not None:
        quiet = _cut(returns, "controls", controls, window, incomplete)
        normal, normal_error, normal_size, normal_size_error = _normal(
            own.times, quiet, bars, _clusters(quiet.times, window, bar)
        )
        abnormal = moves - normal
    elif window[0] < 0:
        before = np.abs(moves[:, bars < 0]).mean(axis=1)
        normal_size, normal_size_error = _mean_and_error(before, clusters)

    # Backwards from the event on its left, forwards on its right: 0 at the last close before it.
    summed = np.cumsum(abnormal, axis=1)
    base = summed[:, bars == -1] if window[0] < 0 <= window[1] + 1 else 0.0
    mean, error = _mean_and_error(summed - base, clusters)
    degrees = groups - 1
    reach = _quantile(confidence, degrees) * np.hypot(error, normal_error)
    path = pd.DataFrame(
        {
            "return_pct": abnormal.mean(axis=0),
            "cumulative_pct": mean,
            "low_pct": mean - reach,
            "high_pct": mean + reach,
        },
        index=pd.Index(bars, name="bar"),
    )
    size, size_error = _mean_and_error(np.abs(moves), clusters)
    multiple = low = high = np.full(len(bars), np.nan)
    if normal_size is not None and np.all(normal_size > 0) and np.all(size > 0):
        multiple = size / normal_size
        relative = np.hypot(size_error / size, normal_size_error / normal_size)
        factor = np.exp(_quantile(confidence, degrees) * relative)
        low, high = multiple / factor, multiple * factor
    path["volatility"], path["volatility_low"], path["volatility_high"] = multiple, low, high
    return EventStudy(
        path=path,
        abnormal_pct=pd.DataFrame(abnormal, index=own.times.rename("time"), columns=path.index),
        clusters=pd.Series(clusters, index=own.times.rename("time"), name="cluster"),
        left_out=own.left_out,
        confidence=confidence,
        kept=own.kept,
        given=len(_event_times("events", events)),
    )


def _clock(times: pd.DatetimeIndex) -> np.ndarray:
    """Microseconds since midnight, New York time."""
    wall = times.tz_localize(None)
    return wall.asi8 - wall.normalize().asi8


def _normal(times, quiet: _Windows, bars: np.ndarray, clusters: np.ndarray):
    """Normal returns for each event, and what is uncertain about their mean and their size."""
    own_clock, quiet_clock = _clock(times), _clock(quiet.times)
    zero = np.flatnonzero(bars == -1) if bars[0] < 0 <= bars[-1] + 1 else None
    normal = np.empty((len(times), len(bars)))
    variance, size, size_variance = np.zeros((3, len(bars)))
    for clock in np.unique(own_clock):
        mine, theirs = own_clock == clock, quiet_clock == clock
        kind = _hour(clock)
        _, number = np.unique(clusters[theirs], return_inverse=True)
        if theirs.sum() < 2 or number.max() < 1:
            raise ValueError(
                f"controls must have at least 2 days at {kind}, the time of day of an event, "
                f"got {int(theirs.sum())} times"
            )
        moves = 100 * quiet.returns[theirs]
        normal[mine] = moves.mean(axis=0)
        weight = mine.mean()
        summed = np.cumsum(moves, axis=1)
        summed = summed - summed[:, zero] if zero is not None else summed
        variance += (weight * _mean_and_error(summed, number)[1]) ** 2
        mean_size, its_error = _mean_and_error(np.abs(moves), number)
        size += weight * mean_size
        size_variance += (weight * its_error) ** 2
    return normal, np.sqrt(variance), size, np.sqrt(size_variance)


def _hour(clock: int) -> str:
    minutes = int(clock) // _MINUTE_US
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


# ------------------------------------------------------------------------------- response


@dataclass(frozen=True)
class Response:
    """A straight line through moves and surprises: move = intercept + coefficient × surprise.

    Attributes
    ----------
    coefficient, intercept : float
        In % of price for a surprise of 1, and in %.
    standard_error : float
        Of the coefficient, clustered.
    low, high : float
        Confidence interval of the coefficient.
    p_value : float
        Two-sided, of a coefficient of 0.
    r_squared : float
        Share of the moves' variance that the surprises explain.
    n, clusters : int
        Events, and independent groups of them.
    """

    coefficient: float
    intercept: float
    standard_error: float
    low: float
    high: float
    p_value: float
    r_squared: float
    n: int
    clusters: int

    def __str__(self) -> str:
        return (
            f"{self.coefficient:+.3f} % for a surprise of 1 (standard error "
            f"{self.standard_error:.3f}, from {self.low:+.3f} to {self.high:+.3f}; "
            f"{self.n} events in {self.clusters} clusters, R² {self.r_squared:.2f})"
        )


def response(move_pct, surprise, clusters=None, *, confidence: float = 0.95) -> Response:
    """Regress moves on surprises, with clustered standard errors.

    Parameters
    ----------
    move_pct : Series or array, shape (n,)
        Moves after each event, in %.
    surprise : Series or array, shape (n,)
        Standardised surprise of each event.
    clusters : Series or array of int, shape (n,), optional
        Events with the same number count as one observation. Each event by itself when omitted;
        a Series of moves with a time index is then clustered by New York day.
    confidence : float
        Between 0 and 1.

    Returns
    -------
    Response

    Raises
    ------
    TypeError, ValueError
        Lengths or indices that differ, missing numbers, surprises that are all the same, fewer
        than three clusters.

    Notes
    -----
    Ordinary least squares. Standard error: the cluster jackknife, (G − 1)/G times the sum of
    squared changes of the coefficient when one of the G clusters is left out: MacKinnon, Nielsen
    and Webb, "Cluster-robust inference", *Journal of Econometrics* 232 (2023), section 3.
    Without repeated clusters it is HC3 · (n − 1)/n, so moves may be wilder after some releases
    than after others; unlike White's it holds its level with twenty events, too
    (benchmarks/README.md). Student t with G − 1 degrees of freedom.

    Examples
    --------
    >>> line = response([0.1, 0.3, 0.5, 0.9], [-1.0, 0.0, 1.0, 2.0])
    >>> round(line.coefficient, 3), round(line.intercept, 3), line.n
    (0.26, 0.32, 4)
    """
    confidence = _check.number("confidence", confidence, above=0, below=1)
    y = _numbers("move_pct", move_pct)
    x = _numbers("surprise", surprise, len(y))
    for name, one in (("surprise", surprise), ("clusters", clusters)):
        both = isinstance(move_pct, pd.Series) and isinstance(one, pd.Series)
        if both and len(one) == len(y) and not one.index.equals(move_pct.index):
            raise ValueError(f"{name} must have the index of move_pct, got another one")
    for name, values in (("move_pct", y), ("surprise", x)):
        if not np.isfinite(values).all():
            where = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(f"{name} must hold finite numbers, got {values[where]} in row {where}")
    if clusters is None:
        if isinstance(move_pct, pd.Series) and isinstance(move_pct.index, pd.DatetimeIndex):
            number = _clusters(_event_times("move_pct", move_pct), (0, 0), 0)
        else:
            number = np.arange(len(y))
    else:
        given = np.asarray(clusters)
        if given.shape != y.shape:
            raise ValueError(f"clusters must have shape {y.shape}, got {given.shape}")
        _, number = np.unique(given, return_inverse=True)
    groups, n = len(np.unique(number)), len(y)
    if groups < 3:
        raise ValueError(f"move_pct must come from at least 3 clusters, got {groups}")
    deviation = x - x.mean()
    squares = float(deviation @ deviation)
    # Sums of each cluster, and of all the others.
    parts = np.column_stack([np.ones(n), deviation, y, deviation**2, deviation * y])
    rest = parts.sum(axis=0) - _cluster_sums(parts, number)
    count, sum_x, sum_y, sum_xx, sum_xy = rest.T
    spread = sum_xx - sum_x**2 / count
    if np.any(spread <= 1e-9 * max(squares, 1e-12)):
        raise ValueError(
            f"surprise must not be the same everywhere, nor in all clusters but one, got {x[:5]}"
        )
    coefficient = float(deviation @ y / squares)
    intercept = float(y.mean() - coefficient * x.mean())
    residual = y - intercept - coefficient * x
    without = (sum_xy - sum_x * sum_y / count) / spread
    error = float(np.sqrt((groups - 1) / groups * np.square(without - coefficient).sum()))
    reach = _quantile(confidence, groups - 1) * error
    total = float(np.square(y - y.mean()).sum())
    return Response(
        coefficient=coefficient,
        intercept=intercept,
        standard_error=error,
        low=coefficient - reach,
        high=coefficient + reach,
        p_value=_two_sided(coefficient / error, groups - 1) if error else 0.0,
        r_squared=1 - float(residual @ residual) / total if total else float("nan"),
        n=n,
        clusters=groups,
    )


def _surprises(given, times: pd.DatetimeIndex, kept: np.ndarray, size: int) -> np.ndarray:
    """The surprise of each event that was kept."""
    numbers = _numbers("surprise", given, size)[kept]
    if isinstance(given, pd.Series) and isinstance(given.index, pd.DatetimeIndex):
        own = _event_times("surprise", given)[kept]
        other = np.flatnonzero(own.asi8 != times.asi8)
        if len(other):
            raise ValueError(
                f"surprise must be in the order of the events, got {own[other[0]]} for the event "
                f"of {times[other[0]]}"
            )
    return numbers


def _two_sided(t: float, degrees: float) -> float:
    from scipy.special import stdtr

    return float(2 * stdtr(degrees, -abs(t)))


def _numbers(name: str, given, size: int | None = None) -> np.ndarray:
    try:
        numbers = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold numbers, got {given!r}") from None
    if numbers.ndim != 1 or (size is not None and len(numbers) != size):
        wanted = "one dimension" if size is None else f"{size} numbers, one for each event"
        raise ValueError(f"{name} must have {wanted}, got shape {numbers.shape}")
    return numbers


# ------------------------------------------------------------------------------- placebo


@dataclass(frozen=True)
class Placebo:
    """A statistic of real events beside the same statistic of drawn pseudo-events.

    Attributes
    ----------
    statistic : str
    value : float
        Of the real events.
    draws : array of float
        Of the pseudo-events, one for each draw.
    p_value : float
        Share of draws at least as far from 0 (for "volatility": from 1, up or down on a
        logarithmic scale), the real one counted in.
    low, high : float
        Middle 95 % of the draws.
    n, candidates : int
        Real events, and times that could be drawn.
    """

    statistic: str
    value: float
    draws: np.ndarray = field(repr=False)
    p_value: float
    low: float
    high: float
    n: int
    candidates: int


def placebo(
    returns: pd.Series,
    events,
    window: tuple[int, int] = (0, 29),
    *,
    seed: int,
    draws: int = 1_000,
    statistic: str = "t",
    surprise=None,
    avoid=None,
    apart: int = 120,
    incomplete: str = "refuse",
) -> Placebo:
    """Compare events with pseudo-events, drawn at the same time of day when nothing happened.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`).
    events : as in `event_study`
    window : (int, int)
        First and last bar of the move that is looked at.
    seed : int
        Of the random generator, at least 0.
    draws : int
        Sets of pseudo-events, at least 99.
    statistic : {"t", "mean", "volatility", "response"}
        The mean move over its standard error; the mean move in %; the mean absolute move over
        that of the candidates; the slope on `surprise`, over its standard error.
    surprise : Series or array, optional
        For "response" only: the real surprises, which each draw gives to its pseudo-events.
    avoid : as events, optional
        Other times to stay away from, such as all other releases.
    apart : int
        Bars between a candidate's window and those of `events` and of `avoid`, at least 0.
    incomplete : {"refuse", "leave_out"}
        For windows of events that lack a bar. Candidates that lack one are never drawn.

    Returns
    -------
    Placebo

    Raises
    ------
    TypeError, ValueError
        As in `event_study`; no, or only one, free day at the time of day of an event.

    Notes
    -----
    Candidates: every day on which the data have a complete window at the time of day of an
    event, less those near events. From them each draw takes, with replacement and for each time
    of day, as many as there are events, and as many again as there are candidates, against which
    they are compared: the candidates are a sample themselves, and a draw that forgot this would
    reject too often. The p-value is (1 + hits) / (1 + draws): Davison and Hinkley, *Bootstrap
    Methods and their Application* (1997), section 4.2. benchmarks/README.md has its size.

    "mean" asks whether the events are like any other time, and louder times are not: it
    rejects too often where they only move more without a direction. "t" and "response" compare
    each set with its own spread, so they are about direction alone.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07", periods=60 * 1440, freq="min", tz="UTC")
    >>> noise = np.random.default_rng(1).normal(0, 1e-4, len(index))
    >>> moves = pd.Series(noise, index)
    >>> times = index[index.hour * 60 + index.minute == 900][::4]
    >>> placebo(moves, times, seed=1).p_value > 0.05
    True
    """
    window = _bounds("window", window)
    seed = _check.whole("seed", seed, at_least=0)
    draws = _check.whole("draws", draws, at_least=99)
    apart = _check.whole("apart", apart, at_least=0)
    statistic = _check.choice("statistic", statistic, STATISTICS)
    incomplete = _check.choice("incomplete", incomplete, INCOMPLETE)
    own = _cut(returns, "events", events, window, incomplete)
    moves = 100 * own.returns.sum(axis=1)
    if (surprise is None) == (statistic == "response"):
        raise ValueError(
            "surprise must be given for statistic 'response' and for no other, "
            f"got statistic {statistic!r} and surprise {surprise if surprise is None else 'given'}"
        )
    if surprise is not None:
        given = len(_event_times("events", events))
        x = _surprises(surprise, own.times, own.kept, given)
        response(moves, x)  # refuses what no line can be drawn through
    shun = _event_times("events", events)
    if avoid is not None:
        shun = shun.append(_event_times("avoid", avoid))
    pools = _pools(returns, own.times, shun, window, apart)

    rng = np.random.default_rng(seed)
    clocks, kind = np.unique(_clock(own.times), return_inverse=True)
    order = np.argsort(kind, kind="stable")
    counts = np.bincount(kind)
    pool = [pools[int(clock)] for clock in clocks]
    drawn = np.hstack([
        one[rng.integers(len(one), size=(draws, count))]
        for one, count in zip(pool, counts, strict=True)
    ])  # fmt: skip
    if statistic == "response":
        value = float(_slope(moves[order][None, :], x[order])[0])
        found = _slope(drawn, x[order])
        far = np.abs(found) >= abs(value)
    else:
        # The candidates of a draw: a sample of the sample, for each time of day.
        again = [one[rng.integers(len(one), size=(draws, len(one)))] for one in pool]
        value = float(_compared(moves[order][None, :], [one[None, :] for one in pool], counts,
                                statistic)[0])  # fmt: skip
        found = _compared(drawn, again, counts, statistic)
        scale = np.log if statistic == "volatility" else np.asarray
        far = np.abs(scale(found)) >= abs(scale(value))
    low, high = np.quantile(found, [0.025, 0.975])
    return Placebo(
        statistic=statistic,
        value=value,
        draws=found,
        p_value=float((1 + far.sum()) / (1 + draws)),
        low=float(low),
        high=float(high),
        n=len(moves),
        candidates=sum(map(len, pool)),
    )


def _pools(returns, times, shun, window, apart) -> dict[int, np.ndarray]:
    """Moves in % at each free time that has the time of day of an event, by time of day."""
    numbers = _series.values("returns", returns)
    instants, bar = _instants("returns", returns)
    first, last = window
    zone_index = returns.index.tz_convert(NEW_YORK)
    # Offsets change twice a year; one of them holds for all bars of a New York day's hour.
    wall = zone_index.tz_localize(None).as_unit("us").asi8
    since_midnight = wall % (1440 * _MINUTE_US)
    reach = (last - first + 1 + apart) * bar
    near = np.sort(shun.asi8)
    summed = np.concatenate([[0.0], np.cumsum(np.nan_to_num(numbers))])
    missing = np.concatenate([[0], np.cumsum(~np.isfinite(numbers))])
    pools = {}
    for clock in np.unique(_clock(times)):
        offset = since_midnight - clock
        place = np.flatnonzero((offset <= 0) & (offset > -bar))
        place = place[(place + first >= 0) & (place + last < len(numbers))]
        start, stop = place + first, place + last + 1
        whole = (
            (instants[start] == instants[place] + first * bar)
            & (instants[stop - 1] == instants[place] + last * bar)
            & (missing[stop] == missing[start])
        )
        after = np.searchsorted(near, instants[place])
        beyond = np.concatenate(
            [[np.iinfo(np.int64).min // 2], near, [np.iinfo(np.int64).max // 2]]
        )
        free = (instants[place] - beyond[after] >= reach) & (
            beyond[after + 1] - instants[place] >= reach
        )
        good = whole & free
        if good.sum() < 2:
            raise ValueError(
                f"returns must have at least 2 days at {_hour(clock)} that are not near an event, "
                f"got {int(good.sum())}; a smaller apart leaves more"
            )
        pools[int(clock)] = 100 * (summed[stop[good]] - summed[start[good]])
    return pools


def _compared(
    drawn: np.ndarray, pools: list[np.ndarray], counts: np.ndarray, statistic: str
) -> np.ndarray:
    """Statistic of each row of moves against its row of candidates, by time of day."""
    n = drawn.shape[1]
    ends = np.cumsum(counts)
    total, variance = np.zeros((2, len(drawn)))
    size = np.zeros(len(drawn))
    for end, count, pool in zip(ends, counts, pools, strict=True):
        mine = drawn[:, end - count : end]
        center = pool.mean(axis=1)
        total += mine.sum(axis=1) - count * center
        size += count * np.abs(pool).mean(axis=1)
        if statistic == "t":
            # The spread around a common mean, so that one event at a time of day will do.
            variance += np.square(mine - center[:, None]).sum(axis=1)
            variance += count**2 * pool.var(axis=1) / pool.shape[1]
    if statistic == "volatility":
        return np.abs(drawn).sum(axis=1) / size
    if statistic == "t":
        return total / np.sqrt(np.where(variance > 0, variance, np.inf))
    return total / n


def _slope(moves: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Slope of each row of moves on x, over White's standard error."""
    deviation = x - x.mean()
    squares = deviation @ deviation
    slope = moves @ deviation / squares
    residual = moves - moves.mean(axis=1, keepdims=True) - slope[:, None] * deviation
    error = np.sqrt(np.square(residual * deviation).sum(axis=1)) / squares
    return slope / np.where(error > 0, error, np.inf)


# ------------------------------------------------------------------------------- jumps


def jumps(
    returns: pd.Series,
    *,
    window: int = 600,
    alpha: float = 0.01,
    bucket_minutes: int = 30,
) -> pd.DataFrame:
    """Find bars whose move is too large for the volatility of the hours before.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`); NaN after a pause, so that the pause's gap is no
        jump.
    window : int
        Bars before each one from which its volatility is estimated, at least 30. For minutes 600,
        close to the square root of a year's bars that the source asks for at least.
    alpha : float
        Chance of one false jump or more among all bars, where prices diffuse with normal steps.
    bucket_minutes : int
        Length of the pieces of the day whose usual volatility is taken out first, 1 to 1440.

    Returns
    -------
    DataFrame
        One row for each jump: `return_pct`, `statistic` (return over volatility), `threshold`.

    Raises
    ------
    TypeError, ValueError
        Arguments out of range, or fewer known returns than `window` + 2.

    Notes
    -----
    Lee and Mykland, "Jumps in Financial Markets", *Review of Financial Studies* 21 (2008):
    return over the square root of the mean bipower |r(j)||r(j−1)| of the bars before, held
    against the Gumbel distribution of a maximum. Before that each return is divided by the usual
    size at its time of day, as Boudt, Croux and Laurent, "Robust estimation of intraweek
    periodicity", *Journal of Empirical Finance* 18 (2011) propose; here the size is the mean
    absolute return without each bucket's largest twentieth.

    The usual sizes come from the whole sample, so a jump found here could not have been known at
    the time: describe with it, don't trade on it. Fat-tailed minutes that no news explains are
    called jumps as well.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07", periods=5000, freq="min", tz="UTC")
    >>> moves = pd.Series(np.random.default_rng(2).normal(0, 1e-4, 5000), index)
    >>> moves.iloc[3000] = 0.002
    >>> [str(time) for time in jumps(moves).index]
    ['2030-01-09 02:00:00+00:00']
    """
    numbers = _series.values("returns", returns)
    _instants("returns", returns)
    _series.finite_or_nan("returns", returns, numbers)
    window = _check.whole("window", window, at_least=30)
    alpha = _check.number("alpha", alpha, above=0, below=1)
    bucket = _check.whole("bucket_minutes", bucket_minutes, at_least=1, at_most=1440)
    known = np.flatnonzero(np.isfinite(numbers))
    if len(known) < window + 2:
        raise ValueError(
            f"returns must have at least window + 2 = {window + 2} known returns, got {len(known)}"
        )
    moves = numbers[known]
    wall = returns.index.tz_convert(NEW_YORK)
    part = ((wall.hour * 60 + wall.minute).to_numpy() // bucket)[known]
    scaled = moves / _usual_size(moves, part)
    size = np.abs(scaled)
    pairs = size[1:] * size[:-1]
    total = np.concatenate([[0.0], np.cumsum(pairs)])
    # The window's window - 1 returns before bar i make window - 2 products.
    bars = np.arange(window, len(scaled))
    variance = (total[bars - 1] - total[bars - window + 1]) / (window - 2)
    statistic = np.zeros(len(scaled))
    quiet = variance > 1e-12 * np.square(scaled).mean()
    statistic[bars[quiet]] = scaled[bars[quiet]] / np.sqrt(variance[quiet])
    threshold = _largest(len(bars), alpha)
    found = np.abs(statistic) > threshold
    return pd.DataFrame(
        {
            "return_pct": 100 * moves[found],
            "statistic": statistic[found],
            "threshold": np.full(int(found.sum()), threshold),
        },
        index=returns.index[known[found]].rename("time"),
    )


def _usual_size(moves: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Mean absolute return at each bar's time of day, without the largest twentieth."""
    size = np.abs(moves)
    usual = np.ones(part.max() + 1)
    for one in np.unique(part):
        mine = np.sort(size[part == one])
        usual[one] = mine[: max(1, int(0.95 * len(mine)))].mean()
    # Where nothing ever moves there is nothing to divide by.
    floor = size.mean() / 100
    return np.maximum(usual, floor if floor > 0 else 1.0)[part]


def _largest(bars: int, alpha: float) -> float:
    """What the largest of so many statistics exceeds with chance alpha, without jumps."""
    c = np.sqrt(2 / np.pi)
    root = np.sqrt(2 * np.log(max(bars, 3)))
    center = root / c - (np.log(np.pi) + np.log(np.log(max(bars, 3)))) / (2 * c * root)
    return float(center - np.log(-np.log(1 - alpha)) / (c * root))


# ------------------------------------------------------------------------------- exposure


def reduce_around(
    target: pd.Series,
    events,
    before: int | str | pd.Timedelta,
    after: int | str | pd.Timedelta,
    *,
    to: float = 0.0,
) -> pd.Series:
    """Make a target position smaller around scheduled events.

    Parameters
    ----------
    target : Series
        Position known at the close of each bar, from -1 to 1, for `backtest.run` with
        `fill="next_open"`. Index with a time zone; a bar is labelled by its start, a daily bar by
        its trade date at midnight (it opens at 09:30).
    events : as in `event_study`
        Scheduled times: those that were known before the first of these bars. Events that could
        not be known in advance make this a look ahead. Times before or after all bars change
        nothing, so that a whole year's calendar may be given.
    before, after : int (minutes), str or Timedelta
        From how long before to how long after each event, at least 0.
    to : float
        Share of the position that stays: 0 stands aside, 0.5 halves, 1 holds.

    Returns
    -------
    Series
        `target` times `to` where the position that it leads to would be held at some moment
        from `before` to `after`; unchanged elsewhere.

    Raises
    ------
    TypeError, ValueError
        Naive times, targets outside -1 to 1, negative times, `to` outside 0 to 1.

    Notes
    -----
    What is decided at the close of a bar is bought at the next bar's open and held to the open
    after that. With daily bars one has to be out from the open of the day before. Half of one
    contract is none, since `backtest.run` cuts to whole contracts: hold at least two.

    Examples
    --------
    >>> index = pd.date_range("2030-02-01 08:26", periods=8, freq="min", tz="America/New_York")
    >>> flat = reduce_around(pd.Series(1.0, index), index[[4]], before=1, after=1)
    >>> flat.tolist()
    [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """
    numbers = _series.values("target", target)
    instants, bar = _instants("target", target)
    beyond = np.flatnonzero(~(np.abs(numbers) <= 1))
    if len(beyond):
        where = int(beyond[0])
        raise ValueError(
            f"target must be from -1 to 1, got {numbers[where]} at {target.index[where]}"
        )
    to = _check.number("to", to, at_least=0, at_most=1)
    margins = [_duration(name, one) for name, one in (("before", before), ("after", after))]
    times = _event_times("events", events)
    opens = instants
    wall = target.index.tz_convert(NEW_YORK)
    whole_days = (wall == wall.normalize()).all()
    if whole_days:
        opens = _series_open(wall)
    # Position of row i is held from the open of bar i + 1 to the open of bar i + 2.
    following = _two_opens_after(wall[-1], pd.Timedelta(bar, unit="us"), whole_days)
    later = np.concatenate([opens, following])
    start, stop = later[1:-1], later[2:]
    reduced = np.zeros(len(numbers) + 1, dtype=np.int64)
    # Rows whose span [start, stop) meets [event - before, event + after), or holds the event.
    low = np.searchsorted(stop, times.asi8 - margins[0], side="right")
    high = np.maximum(
        np.searchsorted(start, times.asi8 + margins[1], side="left"),
        np.searchsorted(start, times.asi8, side="right"),
    )
    np.add.at(reduced, low, 1)
    np.add.at(reduced, np.maximum(high, low), -1)
    inside = np.cumsum(reduced[:-1]) > 0
    return _series.like(target, np.where(inside, to * numbers, numbers), target.name or "target")


def _two_opens_after(last: pd.Timestamp, bar: pd.Timedelta, whole_days: bool) -> np.ndarray:
    """When the two bars after the last one open, by the exchange's calendar."""
    if whole_days and bar <= pd.Timedelta(days=1):
        tomorrow = last.tz_localize(None) + pd.Timedelta(days=1)
        return _series_open(sessions.trading_days(tomorrow, tomorrow + pd.Timedelta(days=14))[:2])
    following = [last]
    for _ in range(2):
        begins = following[-1] + bar
        following.append(begins if sessions.is_open(begins) else sessions.next_open(begins))
    return pd.DatetimeIndex(following[1:]).as_unit("us").asi8


def _series_open(days: pd.DatetimeIndex) -> np.ndarray:
    """Instants at which the stock market's day opens."""
    opens = days.tz_localize(None) + pd.Timedelta(hours=9, minutes=30)
    return opens.tz_localize(NEW_YORK).as_unit("us").asi8


def _duration(name: str, value) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        value = pd.Timedelta(minutes=int(value))
    try:
        length = pd.Timedelta(value) if not isinstance(value, (bool, float)) else None
    except (TypeError, ValueError):
        length = None
    if length is None or pd.isna(length):
        raise TypeError(f"{name} must be minutes or a Timedelta such as '30min', got {value!r}")
    if length < pd.Timedelta(0):
        raise ValueError(f"{name} must be at least 0, got {value}")
    return length // pd.Timedelta(microseconds=1)
