"""Which delimiter a text has, which line names its columns, and which column is which."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from m2k_lessons.data.reader.report import shown
from m2k_lessons.data.reader.times import looks_like_clock, looks_like_time

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
PRICES = ("open", "high", "low", "close")
ROLES = ("time", "date", *PRICES, "adj_close", "volume", "symbol")
HEADER_LINES = 50  # how far down the line with the column names may be

# Names as `plain_name` writes them, in English, German, French and Spanish.
NAMES = {
    role: frozenset(names.split())
    for role, names in {
        "open": "open openprice first opening o eröffnung eröffnungskurs eröffn erster ouverture "
        "ouv apertura",
        "high": "high highprice h max hoch tageshoch höchstkurs plushaut máximo",
        "low": "low lowprice l min tief tagestief tiefstkurs plusbas mínimo",
        "close": "close closeprice closingprice c",
        "adj_close": "adjclose adjustedclose closeadj closeadjusted",
        "volume": "volume vol totalvolume v volumen",
        "symbol": "symbol ticker",
        # The close of a file that has no column of the names above.
        "last": "last latest lastprice closelast price settle settlement settlementprice schluss "
        "schlusskurs zuletzt letzter dernier clôture cierre último",
        "moment": "datetime dateandtime timestamp tsevent ts t unix unixtime unixtimestamp epoch "
        "opentime windowstart gmttime utctime localtime timeutc timegmt dateutc dategmt "
        "datetimeutc",
        "day": "date day tradedate tradingdate tradingday dtyyyymmdd datum fecha observationdate",
        "clock": "time timeofday zeit uhrzeit hora heure",
        "unnamed": "index unnamed0 indexlevel0",
    }.items()
}
NAMES["unnamed"] |= {""}


class LayoutFault(Exception):
    """The columns cannot be told; `line` is the line that was taken for their names, if any."""

    def __init__(self, problem: str, line: int | None = None):
        super().__init__(problem)
        self.problem = problem
        self.line = line


@dataclass
class Layout:
    """Where the data of a text begin and what stands in each field."""

    delimiter: str
    names: list[str]  # as the file writes them
    roles: dict[str, int]  # role -> position
    data_line: int = 0  # index of the first line after the column names
    repairs: list[str] = field(default_factory=list)
    nameless: bool = False  # no line names the columns


def split_line(line: str, delimiter: str) -> list[str]:
    """Return a line's fields; each line on its own, so that one bad quote hides no other line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def plain_name(name: str) -> str:
    """Return a column name reduced to its letters and digits: `<Adj. Close*>` -> `adjclose`."""
    return re.sub(r"[\W_]+", "", re.sub(r"^\s*\d+\. ", "", name)).lower()


def is_named(name: str, role: str) -> bool:
    """Tell whether a column has one of the names of a role."""
    return plain_name(name) in NAMES[role]


def names_utc(name: str) -> bool:
    """Tell whether a time column says in its name that it is in UTC."""
    return bool(re.search(r"(^|[\W_])(utc|gmt)([\W_]|$)", name, re.IGNORECASE))


def find_roles(
    names: Sequence[str], columns: Mapping[str, str] | None = None
) -> tuple[dict[str, int], str | None]:
    """Return the position of each role among the names, and what is ambiguous, if anything."""
    plain = [plain_name(name) for name in names]
    roles = {
        role: list(names).index(name)
        for name, role in (columns or {}).items()
        if list(names).count(name) == 1
    }
    problem = None

    def free(group: str) -> list[int]:
        taken = roles.values()
        return [i for i, name in enumerate(plain) if name in NAMES[group] and i not in taken]

    for role in (*PRICES, "adj_close", "volume", "symbol"):
        if role in roles:
            continue
        found = free(role) or (free("last") if role == "close" else [])
        if len(found) > 1 and problem is None:
            several = " and ".join(repr(names[i]) for i in found)
            problem = f"{several} could each be the {role}; choose with columns="
        if found:
            roles[role] = found[0]
    if "time" not in roles and "date" not in roles:
        moment, day, clock = free("moment"), free("day"), free("clock")
        if day and clock and not moment:
            roles |= {"date": day[0], "time": clock[0]}
        elif found := moment + day + clock + free("unnamed"):
            roles["time"] = found[0]
    elif "time" not in roles:
        roles["time"] = roles.pop("date")
    return roles, problem


def find_layout(
    lines: list[str], columns: Mapping[str, str] | Sequence[str | None] | None
) -> Layout:
    """Tell the layout from a text's first lines.

    Raises
    ------
    LayoutFault
        If no line names the columns and the first line of data does not tell them either.
    """
    if columns is not None and not isinstance(columns, Mapping):
        return _without_names(lines, list(columns))
    best = None
    for delimiter in DELIMITERS:
        for number, line in enumerate(lines[:HEADER_LINES]):
            names = [name.strip() for name in split_line(line, delimiter)]
            if not names or any(map(looks_like_time, names)):
                continue
            comment = names[0].startswith("#")
            names[0] = names[0].lstrip("#").lstrip()
            roles, problem = find_roles(names, columns)
            prices = sum(role in roles for role in (*PRICES, "adj_close"))
            # A comment may name the columns, but a line that is no comment does it better.
            rank = (not comment, len(roles))
            if "time" in roles and prices and (best is None or rank > best[0]):
                best = (rank, Layout(delimiter, names, roles, number + 1), problem)
    stacked = _three_lines(lines)
    if stacked is None and best is None:
        return _without_names(lines, None)
    if stacked is not None:
        layout, problem = stacked
    else:
        _, layout, problem = best
    if problem:
        raise LayoutFault(problem, layout.data_line)
    _refuse_unknown(columns, layout.names)
    _allow_trailing_delimiter(layout, lines)
    first = layout.data_line - (3 if stacked is not None else 1)
    _report_skipped(layout, [line for line in lines[: max(first, 0)] if line.strip()])
    return layout


def find_parquet_roles(
    names: list[str], columns: Mapping[str, str] | Sequence[str | None] | None
) -> dict[str, int]:
    """Return the position of each role among the columns of a Parquet file."""
    if columns is not None and not isinstance(columns, Mapping):
        if len(columns) != len(names):
            raise LayoutFault(f"has {len(names)} columns, columns= names {len(columns)}")
        roles, problem = _listed_roles(columns), None
    else:
        _refuse_unknown(columns, names)
        roles, problem = find_roles(names, columns)
    if problem or "time" not in roles or len(set(names)) < len(names):
        raise LayoutFault(problem or _no_columns(names))
    return roles


def _refuse_unknown(columns: Mapping[str, str] | None, names: list[str]) -> None:
    unknown = [name for name in columns or () if names.count(name) != 1]
    if unknown:
        raise LayoutFault(f"columns= names {unknown[0]!r}, the columns are {', '.join(names)}")


def _listed_roles(columns: Sequence[str | None]) -> dict[str, int]:
    roles = {role: position for position, role in enumerate(columns) if role is not None}
    if "time" not in roles and "date" in roles:
        roles["time"] = roles.pop("date")
    return roles


def _three_lines(lines: list[str]) -> tuple[Layout, str | None] | None:
    """Recognise the header of yfinance: prices, tickers, then `Date` alone, in three lines."""
    for number, line in enumerate(lines[:HEADER_LINES]):
        date, *rest = split_line(line, ",") or [""]
        if number < 2 or not rest or any(rest):
            continue
        if not any(plain_name(date) in NAMES[group] for group in ("moment", "day", "clock")):
            continue
        above = [split_line(lines[number - back], ",") for back in (2, 1)]
        above.sort(key=lambda names: -len(find_roles(["", *names[1:]])[0]))
        names, tickers = [date, *above[0][1:]], sorted(set(above[1][1:]) - {""})
        roles, problem = find_roles(names)
        if not any(role in roles for role in PRICES) or len(names) != len(rest) + 1:
            continue
        if len(tickers) > 1:
            problem = f"holds {len(tickers)} symbols ({', '.join(tickers[:5])}); save one per file"
        layout = Layout(",", names, roles, number + 1)
        return layout, problem
    return None


def _without_names(lines: list[str], columns: list[str | None] | None) -> Layout:
    """Read the columns from `columns`, or from a first line that can only be time and prices."""
    start, first = next(
        ((i, line) for i, line in enumerate(lines) if line.strip() and line.strip()[0] != "#"),
        (0, ""),
    )
    # Comma last: where a file has semicolons or tabs too, its commas are decimal.
    wanted = len(PRICES) + 1 if columns is None else len(columns)
    splits = {delimiter: split_line(first, delimiter) for delimiter in "\t;,"}
    delimiter, fields = max(splits.items(), key=lambda split: min(len(split[1]), wanted))
    fields = [name.strip() for name in fields]
    if len(fields) < 2:
        raise LayoutFault(_unknown_delimiter(first), start + 1)
    if columns is None:
        if not looks_like_time(fields[0]):
            raise LayoutFault(_no_columns(fields), start + 1)
        clock = ["time"] if looks_like_clock(fields[1]) else []
        columns = (["date"] if clock else []) + ["time", *PRICES, "volume"]
        if len(fields) not in (len(columns), len(columns) - 1):
            raise LayoutFault(
                f"no line names the columns and {len(fields)} fields cannot be told apart; name "
                "them with columns=, for example columns=['time', 'open', 'high', 'low', 'close']",
                start + 1,
            )
        columns = columns[: len(fields)]
        repair = "no line names the columns: taken as " + ", ".join(columns)
    else:
        repair = None
        if len(fields) != len(columns):
            raise LayoutFault(f"has {len(fields)} fields, columns= names {len(columns)}", start + 1)
    roles = _listed_roles(columns)
    names = [f"{i} ({role})" if role else f"{i}" for i, role in enumerate(columns, start=1)]
    layout = Layout(delimiter, names, roles, start, [repair] if repair else [], nameless=True)
    _report_skipped(layout, [line for line in lines[:start] if line.strip()])
    return layout


def _unknown_delimiter(line: str) -> str:
    other = next((mark for mark in "|^~:" if line.count(mark) >= 2), None)
    found = f"found {other!r}" if other else f"the line is {shown(line)}"
    return f"unknown delimiter: {found}, accepted are comma, semicolon and tab"


def _no_columns(names: list[str]) -> str:
    listed = ", ".join(shown(name, 20) for name in names[:12])
    example = {names[0]: "time", names[-1]: "close"}
    return (
        f"no column is recognised as time and price among {listed}; say which is which with "
        f"columns=, for example columns={example}"
    )


def _report_skipped(layout: Layout, skipped: list[str]) -> None:
    for line in skipped:
        fields = split_line(line, layout.delimiter)
        if len(fields) == len(layout.names) and looks_like_time(fields[0].strip()):
            raise LayoutFault(f"data stand above the column names: {shown(line)}")
    if skipped:
        lines = f"{len(skipped)} line" + ("" if len(skipped) == 1 else "s")
        layout.repairs.append(f"skipped {lines} above the data, the first {shown(skipped[0])}")


def _allow_trailing_delimiter(layout: Layout, lines: list[str]) -> None:
    """Add a nameless last column if every line of data ends in a delimiter and the names do not."""
    rows = [split_line(line, layout.delimiter) for line in lines[layout.data_line :]]
    rows = [row for row in rows if any(row)]
    if rows and all(len(row) == len(layout.names) + 1 and row[-1] == "" for row in rows):
        layout.names.append("")


def is_footer(line: str, layout: Layout) -> bool:
    """Tell whether a last line is a remark such as `Downloaded from …` and no row of data."""
    fields = [part.strip() for part in split_line(line, layout.delimiter)]
    if not re.match(r"[#/*(\s]*[^\W\d]", fields[0]) or looks_like_time(fields[0]):
        return False
    return not any(fields[1:]) or len(fields) != len(layout.names)
