"""Dates and times as people's files write them, to nanoseconds since 1970."""

import datetime
import re
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from m2k_lessons.data.reader.report import CellFault, shown

SECOND = 1_000_000_000
DAY = 86_400 * SECOND
EARLIEST, LATEST = 1700, 2200  # years; int64 nanoseconds reach from 1678 to 2262
EPOCH_DAY = datetime.date(1970, 1, 1).toordinal()
EPOCH_UNITS = (  # the unit is told by the usual size: 2026 is 1.8e9 seconds
    ("seconds", 1e11, SECOND),
    ("milliseconds", 1e14, SECOND // 10**3),
    ("microseconds", 1e17, SECOND // 10**6),
    ("nanoseconds", 9.3e18, 1),
)
SMALLEST_EPOCH = 1e7  # April 1970; smaller numbers are rows or a spreadsheet's days
MONTH_NAMES = (
    "january february march april may june july august september october november december"
)
MONTHS = {name: number for number, name in enumerate(MONTH_NAMES.split(), start=1)}
MONTHS |= {name[:3]: number for name, number in MONTHS.items()} | {"sept": 9}

# Each way of writing a date; a file keeps to one, since a program that converts dates cell by
# cell (a spreadsheet) leaves two in a column just where it has swapped day and month.
WAYS = {
    "year-month-day": re.compile(r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})"),
    "YYYYMMDD": re.compile(r"(?P<year>\d{4})(?P<month>\d{2})(?P<day>\d{2})"),
    "numbers, year last": re.compile(
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{4})"
    ),
    "numbers, two-digit year last": re.compile(
        r"(?P<first>\d{1,2})(?P<mark>[-/.])(?P<second>\d{1,2})(?P=mark)(?P<year>\d{2})"
    ),
    "month name first": re.compile(
        r"(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d{1,2}),? (?P<year>\d{4})"
    ),
    "month name second": re.compile(
        r"(?P<day>\d{1,2})[- ](?P<name>[A-Za-z]{3,9})\.?[- ](?P<year>\d{4}|\d{2})"
    ),
}
DATE = (
    r"\d{8}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}|[A-Za-z]{3,9}\.? \d{1,2},? \d{4}"
    r"|\d{1,2}[- ][A-Za-z]{3,9}\.?[- ]\d{2,4}"
)
CLOCK = (
    r"\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?(?: ?[AaPp]\.?[Mm]\b\.?)?|\d{6}(?:\.\d{1,9})?|\d{4}"
)
ZONE = r"Z|UTC|GMT|(?:UTC|GMT)?[+-]\d{2}(?::?\d{2})?|[A-Za-z]+(?:/[A-Za-z_]+)+"
PARTS = rf"^(?P<date>{DATE})(?:(?:[T ] ?|, )?(?P<clock>{CLOCK}))?(?: ?(?P<zone>{ZONE}))?$"
CALENDAR = (  # YYYYMMDD, perhaps with hhmm or hhmmss, among numbers that could be an epoch
    r"^(1[7-9]|2[01])\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    r"(([01]\d|2[0-3])[0-5]\d([0-5]\d)?)?$"
)
NUMBER = r"^[+-]?\d+(\.\d*)?$"


def looks_like_time(text: str) -> bool:
    """Tell whether a field can only be a date or an epoch and no column name."""
    text = text.strip()
    return bool(re.match(PARTS, text) or re.fullmatch(r"\d{9,19}(\.\d*)?", text))


def looks_like_clock(text: str) -> bool:
    """Tell whether a field is a time of day with colons."""
    return bool(re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?", text.strip()))


class Times:
    """Reads the time column, or the date and time columns, of one file.

    Parameters
    ----------
    dayfirst : bool or None
        The user's word on 03/08/2024; None to decide by the evidence.

    Attributes
    ----------
    epoch : str or None
        Unit, if the times are counted from 1970.
    aware : bool or None
        Whether the file says which instants it means: an offset, `Z` or an epoch.
    zone : ZoneInfo or None
        Zone that the file names beside its times (`US/Eastern`).
    """

    def __init__(self, dayfirst: bool | None):
        self._dayfirst = dayfirst
        self._way: str | None = None
        self._ambiguous: str | None = None
        self._scale = 0
        self._counts_something_else = False
        self._clock_width = 0
        self._parsed: dict[str, dict] = {"date": {}, "clock": {}, "zone": {}}
        self.epoch: str | None = None
        self.aware: bool | None = None
        self.zone: ZoneInfo | None = None

    def look(self, columns: dict[str, pa.Array]) -> bool:
        """Look for the way dates are written; return True when there is no need for more."""
        if pa.types.is_temporal(columns["time"].type):
            return True
        if "date" in columns and not self._clock_width:
            self._look_for_clock_without_colons(columns["time"])
        text = self._text(columns)
        if self._way is None:
            self._look_for_epoch(text)
        if self.epoch is not None:
            return True
        dates = pc.struct_field(pc.extract_regex(text, PARTS), "date").drop_null().unique()
        for date in dates.to_pylist():
            if self._way is None:
                self._way = _way_of(date)
            found = WAYS[self._way].fullmatch(date) if self._way else None
            if found is None:
                continue
            if "first" not in found.groupdict():
                return True
            self._ambiguous = self._ambiguous or date
            if self._dayfirst is not None:
                return True
            first, second = int(found["first"]), int(found["second"])
            if found["mark"] == "." or (first > 12 and len(found["year"]) == 4):
                self._dayfirst = True  # with full stops the day is first wherever it is written
            elif second > 12:
                self._dayfirst = False
        return False

    def settle(self) -> None:
        """Refuse to guess which of two numbers is the day."""
        if self._dayfirst is None and self._ambiguous is not None:
            raise CellFault(
                -1,
                "time",
                f"day and month cannot be told apart in dates such as {self._ambiguous}: pass "
                "dayfirst=True if the day stands first, dayfirst=False if the month does",
            )

    def read(self, columns: dict[str, pa.Array], faults: list[CellFault]) -> np.ndarray:
        """Return the times in nanoseconds, the first bad cell joins `faults`.

        They are counted from 1970 in UTC if `aware`, else on the wall clock. An empty cell is a
        fault too.
        """
        cells = columns["time"]
        if pa.types.is_temporal(cells.type):
            return self._read_temporal(cells, faults)
        text = self._text(columns)
        if not len(text):
            return np.array([], dtype=np.int64)
        if self.epoch is not None:
            times = self._read_epoch(text, faults)
        elif self._way != "year-month-day" or (times := self._read_iso(text)) is None:
            times = self._read_parts(text, faults)
        if not faults:
            self._check_range(times, text, faults)
        return times

    @property
    def day_order(self) -> str | None:
        """How 03/08/2024 was understood, None where dates are not written so."""
        if self._ambiguous is None:
            return None
        return "day/month/year" if self._dayfirst else "month/day/year"

    def is_empty(self, columns: dict[str, pa.Array]) -> np.ndarray:
        """Return where a batch has no time at all."""
        cells = columns["time"]
        if pa.types.is_temporal(cells.type):
            return cells.is_null().to_numpy(zero_copy_only=False)
        return pc.equal(self._text(columns), "").to_numpy(zero_copy_only=False)

    def _text(self, columns: dict[str, pa.Array]) -> pa.Array:
        """Return the times as trimmed text, date and time of day joined where they are two."""
        text = _as_text(columns["time"])
        if "date" not in columns:
            return text
        if self._clock_width:
            padded = pc.utf8_lpad(text, self._clock_width, "0")
            text = pc.if_else(pc.equal(text, ""), text, padded)
        date = _as_text(columns["date"])
        # A spreadsheet or pandas writes the date column with a midnight of its own.
        date = pc.replace_substring_regex(date, r"[T ]0?0:00(:00(\.0+)?)?$", "")
        return pc.utf8_trim(pc.binary_join_element_wise(date, text, " "), " ")

    def _look_for_clock_without_colons(self, cells: pa.Array) -> None:
        """Tell hhmm from hhmmss, also where a program took them for numbers: 930, 93000, 0."""
        text = _as_text(cells)
        longest = pc.max(pc.utf8_length(text)).as_py()
        if longest and pc.all(pc.match_substring_regex(text, r"^\d{0,6}$")).as_py():
            self._clock_width = 4 if longest <= 4 else 6

    def _look_for_epoch(self, text: pa.Array) -> None:
        numbers = text.filter(pc.match_substring_regex(text, NUMBER))
        calendar = pc.sum(pc.match_substring_regex(numbers, CALENDAR)).as_py() or 0
        if len(numbers) <= len(text) / 2 or calendar >= len(numbers) / 2:
            return
        # The median: one mistyped number must not change the meaning of the others.
        usual = np.median(np.abs(pc.cast(numbers, pa.float64()).to_numpy()))
        if not SMALLEST_EPOCH <= usual < EPOCH_UNITS[-1][1]:
            self._counts_something_else = True
            return
        self.epoch, _, self._scale = next(unit for unit in EPOCH_UNITS if usual < unit[1])
        self.aware = True

    def _read_epoch(self, text: pa.Array, faults: list[CellFault]) -> np.ndarray:
        first, end = (_midnight(year) // self._scale for year in (EARLIEST, LATEST))
        try:
            counts = pc.cast(text, pa.int64()).to_numpy()
        except pa.ArrowInvalid:
            good = pc.match_substring_regex(text, NUMBER)
            self._refuse(text, good, faults)
            text = pc.if_else(good, text, "0")
            counts = pc.cast(text, pa.float64()).to_numpy()
        inside = (counts >= first) & (counts < end)
        self._refuse(text, pa.array(inside), faults, _outside())
        counts = np.where(inside, counts, 0)
        if counts.dtype == np.int64:
            return counts * self._scale
        # Decimals of a float are good for microseconds, not for nanoseconds.
        return np.rint(counts * (self._scale / 1000)).astype(np.int64) * 1000

    def _read_iso(self, text: pa.Array) -> np.ndarray | None:
        """Return times by the fast parser, None if it does not know all of them."""
        for aware in (False, True) if self.aware is None else (self.aware,):
            kind = pa.timestamp("ns", tz="UTC" if aware else None)
            try:
                pc.cast(text[:2], kind)  # cheap where all cells fail
                stamps = pc.cast(text, kind)
            except pa.ArrowInvalid:
                continue
            if self.zone is None:
                self.aware = aware
                return pc.cast(stamps, pa.int64()).to_numpy()
        return None

    def _read_parts(self, text: pa.Array, faults: list[CellFault]) -> np.ndarray:
        """Return times piece by piece; the pieces repeat, so few of them are parsed."""
        parts = pc.extract_regex(text, PARTS)
        self._refuse(text, parts.is_valid(), faults)
        days = self._look_up("date", parts, text, faults)
        clock = self._look_up("clock", parts, text, faults)
        offset = self._look_up("zone", parts, text, faults)
        return days * DAY + clock - offset * SECOND

    def _look_up(
        self, part: str, parts: pa.Array, text: pa.Array, faults: list[CellFault]
    ) -> np.ndarray:
        encoded = pc.struct_field(parts, part).dictionary_encode()
        parsed = self._parsed[part]
        parse = {"date": self._parse_date, "clock": _parse_clock, "zone": self._parse_zone}[part]
        values, problems = [0], [None]  # the first for cells that match no pattern
        for piece in encoded.dictionary.to_pylist():
            if piece not in parsed:
                try:
                    parsed[piece] = (parse(piece), None)
                except ValueError as error:
                    parsed[piece] = (0, str(error))
            values.append(parsed[piece][0])
            problems.append(parsed[piece][1])
        codes = encoded.indices.fill_null(-1).to_numpy() + 1
        bad = np.array([problem is not None for problem in problems])[codes]
        if bad.any():
            problem = problems[codes[bad.argmax()]]
            self._refuse(text, pa.array(~bad), faults, problem)
        return np.array(values, dtype=np.int64)[codes]

    def _parse_date(self, text: str) -> int:
        """Return days since 1970."""
        found = WAYS[self._way].fullmatch(text) if self._way else None
        if found is None:
            way = _way_of(text)
            if way is None or self._way is None:
                raise ValueError("is not understood as a date")
            raise ValueError(f"is a date written as {way}, those above as {self._way}")
        piece = found.groupdict()
        year = int(piece["year"])
        if len(piece["year"]) == 2:
            year += 2000 if year < 69 else 1900  # as POSIX has it
        if "name" in piece:
            name = piece["name"].lower()
            if name not in MONTHS:
                raise ValueError(f"{piece['name']!r} is no month")
            month, day = MONTHS[name], int(piece["day"])
        elif "first" in piece:
            day, month = int(piece["first"]), int(piece["second"])
            day, month = (day, month) if self._dayfirst else (month, day)
        else:
            month, day = int(piece["month"]), int(piece["day"])
        if not EARLIEST <= year < LATEST:
            raise ValueError(_outside())
        try:
            return datetime.date(year, month, day).toordinal() - EPOCH_DAY
        except ValueError:
            raise ValueError(f"no such date: month {month}, day {day} of {year}") from None

    def _parse_zone(self, text: str) -> int:
        """Return the offset from UTC in seconds; all rows must say as much as the first."""
        zone = None
        if "/" in text:
            try:
                zone = ZoneInfo(text)
            except (KeyError, ValueError, OSError):
                raise ValueError("names no known time zone") from None
        aware = bool(text) and zone is None
        if self.aware is None:
            self.aware, self.zone = aware, zone
        if aware and not self.aware:
            raise ValueError("has a UTC offset, the rows above have none")
        if not aware and self.aware:
            raise ValueError("has no UTC offset, the rows above have one")
        if zone != self.zone:
            raise ValueError("names another time zone than the rows above")
        digits = re.sub(r"[^\d]", "", text) if aware else ""
        seconds = int(digits[:2] or 0) * 3600 + int(digits[2:] or 0) * 60
        return -seconds if "-" in text and aware else seconds

    def _check_range(self, times: np.ndarray, text: pa.Array, faults: list[CellFault]) -> None:
        inside = (times >= _midnight(EARLIEST)) & (times < _midnight(LATEST))
        self._refuse(text, pa.array(inside), faults, _outside())

    def _refuse(
        self, cells: pa.Array, good: pa.Array, faults: list[CellFault], problem: str | None = None
    ) -> None:
        bad = pc.index(good, False).as_py()
        if bad < 0:
            return
        cell = pc.cast(cells[bad : bad + 1], pa.string())[0].as_py()
        if problem is None and self._counts_something_else:
            problem = "is neither a date nor a count of seconds since 1970"
        problem = f"{shown(cell or '')} {problem or 'is not understood as a date or time'}"
        faults.append(CellFault(bad, "time", problem if cell else "the time is missing"))

    def _read_temporal(self, cells: pa.Array, faults: list[CellFault]) -> np.ndarray:
        """Return the times of a Parquet column that are stored as times."""
        if not (pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type)):
            faults.append(CellFault(0, "time", f"holds {cells.type}, not dates or timestamps"))
            return np.zeros(len(cells), dtype=np.int64)
        self.aware = getattr(cells.type, "tz", None) is not None
        self._refuse(cells, cells.is_valid(), faults)
        cells = pc.cast(cells, pa.timestamp(getattr(cells.type, "unit", "ms")))
        seconds = pc.cast(cells, pa.timestamp("s"), safe=False)
        seconds = pc.fill_null(pc.cast(seconds, pa.int64()), 0).to_numpy()
        first, end = (_midnight(year) // SECOND for year in (EARLIEST, LATEST))
        inside = pa.array((seconds >= first) & (seconds < end))
        self._refuse(cells, inside, faults, _outside())
        cells = pc.if_else(inside, cells, pa.scalar(None, cells.type))
        stamps = pc.cast(pc.cast(cells, pa.timestamp("ns")), pa.int64())
        return pc.fill_null(stamps, 0).to_numpy()


def _way_of(date: str) -> str | None:
    return next((way for way, form in WAYS.items() if form.fullmatch(date)), None)


def _as_text(cells: pa.Array) -> pa.Array:
    if not pa.types.is_string(cells.type):
        cells = pc.cast(cells, pa.string())
    return pc.ascii_trim_whitespace(pc.fill_null(cells, ""))


def _parse_clock(text: str) -> int:
    """Return nanoseconds since midnight."""
    if not text:
        return 0
    digits = re.fullmatch(r"(\d\d)(\d\d)(\d\d(?:\.\d+)?)?", text)
    half = re.search(r"([AaPp])\.?[Mm]\.?$", text)
    if digits:
        hour, minute, second = digits.groups(default="0")
    else:
        hour, minute, second = (*re.sub(r"[^\d:.,]|\.$", "", text).split(":"), "0")[:3]
    whole, _, decimals = second.replace(",", ".").rstrip(".").partition(".")
    hour, minute, whole = int(hour), int(minute), int(whole)
    if half:
        if not 1 <= hour <= 12:
            raise ValueError("no such time of day")
        hour = hour % 12 + (12 if half[1] in "pP" else 0)
    if hour > 23 or minute > 59 or whole > 59:
        raise ValueError("no such time of day")
    return ((hour * 60 + minute) * 60 + whole) * SECOND + int(decimals.ljust(9, "0") or 0)


def _midnight(year: int) -> int:
    return (datetime.date(year, 1, 1).toordinal() - EPOCH_DAY) * DAY


def _outside() -> str:
    return f"is outside the years {EARLIEST} to {LATEST}"
