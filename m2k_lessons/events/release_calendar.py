"""When reports come out: by rule, or from a table of one's own."""

import csv
import datetime as dt
import io
import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.sessions import NEW_YORK
from m2k_lessons.simulate import release_days


class _Rule(NamedTuple):
    release: str
    agency: str
    clock: str
    cadence: str
    rule: str


_RULES = {
    rule.release: rule
    for rule in (
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
        First and last New York day, both included, from 1980 to 2068.

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
    first, last = checks.date("start", start), checks.date("end", end)
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
    names = ("agency", "release", "cadence", "rule")
    columns = {name: [getattr(rule, name) for _, rule, _ in rows] for name in names} | {
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
    for scheduled in release_days.release_times(month, 1):
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
    gdp = release_days._nth_weekday(year, number, 3, -1)
    in_time = working(gdp - dt.timedelta(days=1)) if working(gdp) != gdp else gdp
    yield "GDP", in_time, "" if in_time == gdp else "a day earlier: holiday"
    yield "personal income and PCE", working(in_time + dt.timedelta(days=1)), ""
    thursday = release_days._nth_weekday(year, number, 3, 1)
    while thursday.month == number:
        is_work = working(thursday) == thursday
        day = thursday if is_work else thursday - dt.timedelta(days=1)
        yield "jobless claims", day, "" if is_work else "a day earlier: holiday"
        thursday += dt.timedelta(days=7)
    yield "industrial production", working(dt.date(year, number, 16)), ""
    tuesday = release_days._nth_weekday(year, number, 1, 1)
    moved = working(tuesday)
    yield "JOLTS", moved, "" if moved == tuesday else "a day later: holiday"
    yield "factory orders", working(dt.date(year, number, 1), 3), ""
    yield "ISM manufacturing", working(dt.date(year, number, 1)), ""
    yield "ISM services", working(dt.date(year, number, 1), 2), ""
    yield "consumer sentiment", release_days._nth_weekday(year, number, 4, 2), ""


def _moved_employment(year: int, month: int, day: dt.date) -> str:
    friday = release_days._nth_weekday(year, month, 4, 1)
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
    rows, times = [], []
    seen: dict[tuple, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        line = f"{name}, line {reader.line_num}"
        if len(cells) != len(header):
            raise ValueError(f"{line}: {len(cells)} cells, the header has {len(header)}")
        row: dict[str, Any] = {
            column: cell.strip() for column, cell in zip(header, cells, strict=True)
        }
        time = _calendar_time(row, zone, line)
        if not row["release"]:
            raise ValueError(f"{line}, column release: must not be empty")
        for column in (name for name in _FIGURES if name in row):
            row[column] = _calendar_number(row[column], f"{line}, column {column}")
        first = seen.setdefault((time, row["release"]), reader.line_num)
        if first != reader.line_num:
            raise ValueError(f"{line}: {row['release']} at {time} is in line {first} already")
        times.append(time)
        rows.append(row)
    if not rows:
        raise ValueError(f"{name}: must have at least one event below the header")
    index = pd.DatetimeIndex(times).as_unit("us").tz_convert(NEW_YORK).rename("time")
    table = pd.DataFrame(rows).drop(columns=["date", "time"]).set_axis(index, axis=0)
    table["dated_by"] = "file"
    return table.sort_index(kind="stable")


def _calendar_time(row: dict[str, str], zone, line: str) -> pd.Timestamp:
    try:
        day = dt.date.fromisoformat(row["date"])
    except ValueError:
        accepted = "must be a date such as 2026-12-04"
        raise ValueError(f"{line}, column date: {accepted}, got {row['date']!r}") from None
    try:
        clock = dt.time.fromisoformat(row["time"])
    except ValueError:
        clock = None
    if clock is None or clock.tzinfo is not None or ":" not in row["time"]:
        accepted = "must be a time such as 08:30"
        raise ValueError(f"{line}, column time: {accepted}, got {row['time']!r}")
    wall = pd.Timestamp(dt.datetime.combine(day, clock)).as_unit("us")
    try:
        # pandas raises a ValueError for a time that is skipped and for one that comes twice.
        return wall.tz_localize(zone)
    except ValueError:
        raise ValueError(
            f"{line}, column time: {wall:%Y-%m-%d %H:%M} comes twice or not at all in {zone}, "
            "because the clocks are changed in that hour"
        ) from None


def _calendar_number(cell: str, where: str) -> float:
    try:
        number = float(cell or "nan")
    except ValueError:
        number = math.inf
    if math.isinf(number) or (cell and math.isnan(number)):
        raise ValueError(f"{where}: must be a number such as 0.3, or empty, got {cell!r}")
    return number
