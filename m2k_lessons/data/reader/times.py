"""Dates and times as people's files write them, to nanoseconds since 1970."""

import datetime
import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from m2k_lessons.data.reader.report import CellFault, Cells, shown

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EARLIEST, LATEST = 1700, 2200  # years; int64 nanoseconds reach from 1678 to 2262
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
FIRST, END = (int(np.datetime64(str(year), "ns").astype(np.int64)) for year in (EARLIEST, LATEST))
OUTSIDE = f"is outside the years {EARLIEST} to {LATEST}"
EPOCH_UNITS = (  # the unit is told by the usual size: 2026 is 1.8e9 seconds
    ("seconds", 1e11, SECOND),
    ("milliseconds", 1e14, SECOND // 10**3),
    ("microseconds", 1e17, SECOND // 10**6),
    ("nanoseconds", 9.3e18, 1),
)
SMALLEST_EPOCH = 1e7  # April 1970; smaller numbers are rows or a spreadsheet's days
_MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES.split(), start=1)}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9}

# Each way of writing a date; a file keeps to one, since a program that converts dates cell by
# cell (a spreadsheet) leaves two in a column just where it has swapped day and month.
_TWO_NUMBERS = r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{"
_FORMS = {
    "year-month-day": r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
    "YYYYMMDD": r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})",
    "numbers, year last": _TWO_NUMBERS + "4})",
    "numbers, two-digit year last": _TWO_NUMBERS + "2})",
    "month name first": r"(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})",
    "month name second": r"(?P<day>\d{1,2})[- ](?P<name>[A-Za-z]{3,9})\.?[- ](?P<year>\d{4}|\d{2})",
}
WAYS: dict[str, re.Pattern] = {way: re.compile(form, re.ASCII) for way, form in _FORMS.items()}
DATE = (
    r"\d{8}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}\.?[- ]\d{2,4}"
)
CLOCK = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\b\.?)?|\d{6}(?:\.\d{1,9})?|\d{4}"
)
# Abbreviations that are an offset from UTC in hours, and the places whose clocks they stand for.
OFFSETS = {"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}
OFFSETS |= {"CET": 1, "CEST": 2, "EET": 2, "EEST": 3, "BST": 1}
CLOCKS = dict.fromkeys(("ET", "EST", "EDT"), "America/New_York")
CLOCKS |= dict.fromkeys(("CT", "CST", "CDT"), "America/Chicago")
CLOCKS |= {"MST": "America/Denver", "MDT": "America/Denver", "BST": "Europe/London"}
CLOCKS |= dict.fromkeys(("PT", "PST", "PDT"), "America/Los_Angeles")
CLOCKS |= {"CET": "Europe/Berlin", "CEST": "Europe/Berlin"}
CLOCKS |= {"EET": "Europe/Athens", "EEST": "Europe/Athens"}
OFFSET = r"(?:UTC|GMT)?[+-]\d{1,2}(?::?\d{2})?"
ZONE = rf"Z|{'|'.join(CLOCKS)}|UTC|GMT|{OFFSET}|[A-Za-z]+(?:/[A-Za-z_]+)+"
_REST = rf"(?:(?:[T ] ?|, )?(?P<clock>{CLOCK}))?(?: ?(?P<zone>{ZONE}))?"
PARTS, REST = re.compile(rf"(?P<date>{DATE}){_REST}", re.ASCII), re.compile(_REST, re.ASCII)
CALENDAR = re.compile(  # YYYYMMDD, perhaps with hhmm or hhmmss; an epoch could look so
    r"(1[7-9]|2[01])\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(([01]\d|2[0-3])[0-5]\d([0-5]\d)?)?",
    re.ASCII,
)
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?", re.ASCII)
ISO = {10: "0000-00-00", 16: "0000-00-00 00:00", 19: "0000-00-00 00:00:00"}


def looks_like_time(text: str) -> bool:
    """Tell whether a field can only be a date or an epoch and no column name."""
    text = text.strip()
    return bool(PARTS.fullmatch(text) or re.fullmatch(r"\d{9,19}(\.\d*)?", text))


class Times:
    """Reads the time column, or the date and time columns, of one file.

    `dayfirst` is the user's word on 03/08/2024, None to decide by the evidence. Once it has read,
    `epoch` is the unit of times counted from 1970, `aware` tells whether the file says which
    instants it means (an offset, `Z`, an epoch), `zone` is the one named beside the times
    (`US/Eastern`), `abbreviations` are those read as an offset (EST, EDT), and `ambiguous` is a
    date that `dayfirst` decides.
    """

    def __init__(self, dayfirst: bool | None):
        self.dayfirst = dayfirst
        self._way: str | None = None
        self.ambiguous: str | None = None
        self._scale = self._clock_width = 0
        self._zones_apart: bool | None = None  # the column of zones is needed
        self._parsed: dict[tuple, tuple[int, str | None]] = {}
        self.aware: bool | None = None
        self.epoch: str | None = None
        self.zone: datetime.tzinfo | None = None
        self.abbreviations: set[str] = set()

    def look(self, columns: Cells) -> bool:
        """Look for the way dates are written; return True when there is no need for more."""
        if columns["time"].dtype != object:
            return True
        if "date" in columns and not self._clock_width:
            self._look_for_clock_without_colons(columns["time"])
        text = self._text(columns)
        if self._way is None:
            self._look_for_epoch(text)
        if self.epoch is not None:
            return True
        for date in dict.fromkeys(found["date"] for found in map(PARTS.fullmatch, text) if found):
            if self._way is None:
                self._way = _way_of(date)
            found = WAYS[self._way].fullmatch(date) if self._way else None
            if found is None:
                continue
            if "first" not in found.groupdict():
                return True
            self.ambiguous = self.ambiguous or date
            if self.dayfirst is not None:
                return True
            first, second = int(found["first"]), int(found["second"])
            if found["mark"] == "." or (first > 12 and len(found["year"]) == 4):
                self.dayfirst = True  # with full stops the day is first wherever it is written
            elif second > 12:
                self.dayfirst = False
        return False

    def settle(self) -> None:
        """Refuse to guess which of two numbers is the day."""
        if self.dayfirst is None and self.ambiguous is not None:
            problem = f"{shown(self.ambiguous)} can be day/month/year or month/day/year"
            remedy = "pass dayfirst=True if the day is first, dayfirst=False if the month is"
            raise CellFault(-1, "time", problem, remedy)

    def read(self, columns: Cells, faults: list[CellFault]) -> np.ndarray:
        """Return int64 nanoseconds: since 1970 UTC if `aware`, on the file's own clock if not."""
        if columns["time"].dtype != object:
            return self._read_moments(columns["time"], faults)
        iso = self._way == "year-month-day" and columns.keys().isdisjoint(("date", "zone"))
        if iso and (times := self._read_iso(columns["time"])) is not None:
            return times
        read = self._read_parts if self.epoch is None else self._read_epoch
        return read(self._text(columns), faults)

    def is_empty(self, columns: Cells) -> np.ndarray:
        """Return where a batch has no time at all."""
        cells = columns["time"]
        return self._text(columns) == "" if cells.dtype == object else np.isnat(cells)

    def _text(self, columns: Cells) -> np.ndarray:
        """Return the times as trimmed text: date, time of day and zone joined."""
        text = [cell.strip() for cell in columns["time"]]
        if "date" in columns:
            text = [clock.zfill(self._clock_width) if clock else "" for clock in text]
            # A spreadsheet or pandas writes the date column with a midnight of its own.
            midnight = re.compile(r"[T ]0?0:00(:00(\.0+)?)?$")
            dates = (midnight.sub("", date.strip()) for date in columns["date"])
            text = [f"{date} {clock}".strip() for date, clock in zip(dates, text, strict=True)]
        if "zone" in columns and self.epoch is None:
            if self._zones_apart is None:
                found = next(filter(None, map(PARTS.fullmatch, text)), None)
                self._zones_apart = bool(found and found["clock"]) and not found["zone"]
            if self._zones_apart:
                zones = (zone.strip() for zone in columns["zone"])
                text = [f"{time} {zone}".strip() for time, zone in zip(text, zones, strict=True)]
        return np.array(text, dtype=object)

    def _look_for_clock_without_colons(self, cells: np.ndarray) -> None:
        """Tell hhmm from hhmmss, also where a program took them for numbers: 930, 93000, 0."""
        text = [cell.strip() for cell in cells]
        longest = max(map(len, text), default=0)
        if longest and all(re.fullmatch(r"\d{0,6}", cell) for cell in text):
            self._clock_width = 4 if longest <= 4 else 6

    def _look_for_epoch(self, text: np.ndarray) -> None:
        numbers = [cell for cell in text if NUMBER.fullmatch(cell)]
        calendar = sum(map(bool, map(CALENDAR.fullmatch, numbers)))
        if len(numbers) <= len(text) / 2 or calendar >= len(numbers) / 2:
            return
        # The median: one mistyped number must not change the meaning of the others.
        usual = np.median(np.abs(np.array(numbers, dtype=float)))
        if SMALLEST_EPOCH <= usual < EPOCH_UNITS[-1][1]:
            self.epoch, _, self._scale = next(unit for unit in EPOCH_UNITS if usual < unit[1])
            self.aware = True

    def _read_epoch(self, text: np.ndarray, faults: list[CellFault]) -> np.ndarray:
        try:
            counts = text.astype(np.int64)
        except (ValueError, OverflowError):
            good = np.array([bool(NUMBER.fullmatch(cell)) for cell in text])
            self._refuse(text, good, faults)
            counts = np.where(good, text, "0").astype(float)
        inside = (counts >= FIRST // self._scale) & (counts < END // self._scale)
        self._refuse(text, inside, faults, OUTSIDE)
        counts = np.where(inside, counts, 0)
        if counts.dtype == np.int64:
            return counts * self._scale
        # Decimals of a float are good for microseconds, not for nanoseconds.
        return np.rint(counts * (self._scale / 1000)).astype(np.int64) * 1000

    def _read_iso(self, text: np.ndarray) -> np.ndarray | None:
        """Return plain ISO times by numpy's parser, None if there are others among them."""
        form = ISO.get(len(text[0]))
        if form is None or self.aware or self.zone or set(map(len, text)) != {len(form)}:
            return None
        try:
            letters = text.astype(f"S{len(form)}").view(np.uint8).reshape(-1, len(form))
            for position, mark in enumerate(form):
                column = letters[:, position]
                good = column - np.uint8(48) < 10 if mark == "0" else column == ord(mark)
                if not (good | (column == ord("T")) if mark == " " else good).all():
                    return None
            seconds = letters.reshape(-1).view(f"S{len(form)}").astype("M8[s]").astype(np.int64)
        except ValueError:  # no ASCII, or no date; it is named where the parts are read
            return None
        inside = (seconds >= FIRST // SECOND) & (seconds < END // SECOND)
        self.aware = False
        return seconds * SECOND if inside.all() else None

    def _read_parts(self, text: np.ndarray, faults: list[CellFault]) -> np.ndarray:
        """Return times by date and rest; both repeat, so few of them are parsed."""
        found, way = PARTS.fullmatch(text[0]), WAYS.get(self._way)
        width = found.end("date") if found else 0
        dates, rests = [cell[:width] for cell in text], [cell[width:] for cell in text]
        whole = way and all(map(way.fullmatch, set(dates))) and all(map(REST.fullmatch, set(rests)))
        if not whole:  # dates of several widths, or a cell that is none
            found = [PARTS.fullmatch(cell) for cell in text]
            dates = [each["date"] if each else cell for each, cell in zip(found, text, strict=True)]
            rests = [each[0][each.end("date") :] if each else "" for each in found]
        days = self._look_up(self._parse_date, dates, text, faults)
        return days + self._look_up(self._parse_rest, rests, text, faults)

    def _look_up(
        self, parse: Callable, pieces: list[str], text: np.ndarray, faults: list[CellFault]
    ) -> np.ndarray:
        codes, pieces = pd.factorize(np.array(pieces, dtype=object))
        values = np.zeros(len(pieces), dtype=np.int64)
        problems: list[str | None] = [None] * len(pieces)
        for place, piece in enumerate(pieces):
            if (key := (parse.__name__, piece)) not in self._parsed:
                try:
                    self._parsed[key] = (parse(piece), None)
                except ValueError as error:
                    self._parsed[key] = (0, str(error))
            values[place], problems[place] = self._parsed[key]
        bad = np.array([problem is not None for problem in problems], dtype=bool)[codes]
        if bad.any():
            self._refuse(text, ~bad, faults, problems[codes[bad.argmax()]])
        return values[codes]

    def _parse_date(self, text: str) -> int:
        """Return nanoseconds since 1970."""
        found = WAYS[self._way].fullmatch(text) if self._way else None
        if found is None:
            way = _way_of(text)
            if way is None or self._way is None:
                raise ValueError("is not understood as a date")
            raise ValueError(f"is a date written as {way}, those above as {self._way}")
        piece, year = found.groupdict(), int(found["year"])
        if len(piece["year"]) == 2:
            year += 2000 if year < 69 else 1900  # as POSIX has it
        if "name" in piece:
            if piece["name"].lower() not in MONTHS:
                raise ValueError(f"{piece['name']!r} is no month")
            month, day = MONTHS[piece["name"].lower()], int(piece["day"])
        elif "first" in piece:
            pair = int(piece["first"]), int(piece["second"])
            day, month = pair if self.dayfirst else pair[::-1]
        else:
            month, day = int(piece["month"]), int(piece["day"])
        if not EARLIEST <= year < LATEST:
            raise ValueError(OUTSIDE)
        try:
            return (datetime.date(year, month, day).toordinal() - EPOCH_DAY) * DAY
        except ValueError:
            raise ValueError(f"no such date: month {month}, day {day} of {year}") from None

    def _parse_rest(self, text: str) -> int:
        """Return nanoseconds to add to midnight, UTC's if there is an offset."""
        found = REST.fullmatch(text)
        return _parse_clock(found["clock"] or "") - self._parse_zone(found["zone"] or "") * SECOND

    def _parse_zone(self, text: str) -> int:
        """Return the offset from UTC in seconds; all rows must say as much as the first."""
        zone = None
        if "/" in text or (text in CLOCKS and text not in OFFSETS):
            try:
                zone = ZoneInfo(CLOCKS.get(text, text))
            except (KeyError, ValueError, OSError):
                raise ValueError("names no known time zone") from None
        aware = bool(text) and zone is None
        if self.aware is None:
            self.aware, self.zone = aware, zone
        if aware != self.aware:
            one, other = ("a", "none") if aware else ("no", "one")
            raise ValueError(f"has {one} UTC offset, the rows above have {other}")
        if zone != self.zone:
            raise ValueError("names another time zone than the rows above")
        if text in OFFSETS:
            self.abbreviations.add(text)
            return OFFSETS[text] * 3600
        digits = re.sub(r"\D", "", text) if aware else ""
        hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits or 0, 0)
        return (-1 if "-" in text else 1) * (int(hours) * 3600 + int(minutes) * 60)

    def _refuse(
        self, cells: np.ndarray, good: np.ndarray, faults: list[CellFault], problem: str = ""
    ) -> None:
        if good.all():
            return
        bad = int((~good).argmax())
        cell = str(cells[bad])
        problem = f"{shown(cell)} {problem or 'is not understood as a date or time'}"
        problem = "the time is missing" if cell in ("", "NaT") else problem
        remedy = "correct or delete the line, or name columns with columns= (None: leave it out)"
        faults.append(CellFault(bad, "time", problem, remedy))

    def _read_moments(self, cells: np.ndarray, faults: list[CellFault]) -> np.ndarray:
        """Return the times of a Parquet column that are stored as times."""
        none, seconds = np.isnat(cells), cells.astype("M8[s]").astype(np.int64)
        self._refuse(cells, ~none, faults)
        inside = (seconds >= FIRST // SECOND) & (seconds < END // SECOND)
        self._refuse(cells, inside | none, faults, OUTSIDE)
        return np.where(inside, cells, np.datetime64(0, "s")).astype("M8[ns]").astype(np.int64)


def _way_of(date: str) -> str | None:
    return next((way for way, form in WAYS.items() if form.fullmatch(date)), None)


def _parse_clock(text: str) -> int:
    """Return nanoseconds since midnight."""
    if not text:
        return 0
    if digits := re.fullmatch(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)?", text):
        hour, minute, second = digits.groups(default="0")
    else:
        hour, minute, second = (*re.sub(r"[^\d:.,]|\.$", "", text).split(":"), "0")[:3]
    whole, _, decimals = second.replace(",", ".").rstrip(".").partition(".")
    hour, minute, whole = int(hour), int(minute), int(whole)
    half = re.search(r"([AaPp])\.?[Mm]\.?$", text)
    if hour > 23 or minute > 59 or whole > 59 or (half and not 1 <= hour <= 12):
        raise ValueError("no such time of day")
    if half:
        hour = hour % 12 + (12 if half[1] in "pP" else 0)
    return ((hour * 60 + minute) * 60 + whole) * SECOND + int(decimals.ljust(9, "0") or 0)
