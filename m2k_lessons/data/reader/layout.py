"""Which delimiter a text has, which line names its columns, and which column is which."""

import csv
import datetime
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from zoneinfo import ZoneInfo

from m2k_lessons.data.reader.report import counted, shown
from m2k_lessons.data.reader.times import CLOCKS, looks_like_time

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume", "tick_volume", "adj_close")
ROLES = ("time", "date", *PRICES, "adj_close", "volume", "symbol")
HEADER_LINES = 50  # how far down the line with the column names may be

# Names as `plain_name` writes them, in English, and behind a bar in German, French and Spanish.
_NAMES = {
    "open": "open openprice first opening o | eröffnung eröffnungskurs eröffn erster ouverture ouv "
    "apertura",
    "high": "high highprice h max | hoch tageshoch höchstkurs plushaut máximo",
    "low": "low lowprice l min | tief tagestief tiefstkurs plusbas mínimo",
    "close": "close closeprice closingprice c",
    "adj_close": "adjclose adjustedclose closeadj closeadjusted",
    "volume": "volume vol totalvolume v | volumen",
    "tick_volume": "tickvol tickvolume",
    "symbol": "symbol ticker",
    "zone": "timezone tz zone utcoffset gmtoffset timezonename",
    # The close of a file that has no column of the names above.
    "last": "last latest lastprice closelast price settle settlement settlementprice | schluss "
    "schlusskurs zuletzt letzter dernier clôture cierre último",
    "moment": "datetime dateandtime timestamp tsevent ts t unix unixtime unixtimestamp epoch "
    "opentime windowstart gmttime utctime localtime",
    "day": "date day tradedate tradingdate tradingday dtyyyymmdd observationdate | datum fecha",
    "clock": "time timeofday | zeit uhrzeit hora heure",
    "unnamed": "index unnamed0 indexlevel0",
}
NAMES = {role: frozenset(names.replace("|", "").split()) for role, names in _NAMES.items()}
FOREIGN = frozenset(" ".join(names.partition("|")[2] for names in _NAMES.values()).split())
NAMES["unnamed"] |= {""}
DATABENTO = {"tsevent", "instrumentid"}  # a file of these has whole prices in billionths
NO_PRICE = re.compile(
    r"vol|chang|chg|%|var|diff|interest|oi$|count|trades|spread|divid|stock split|date|time", re.I
)
LIKELY_CLOSE = re.compile(r"^adj|clos|last|settle|price|px|value|kurs|nav", re.IGNORECASE)
_ZONES = "|".join(["UTC", "GMT", *CLOCKS])
ZONE_IN_NAME = re.compile(rf"(?:^|[\W_]+)({_ZONES})(?:[\W_]+|$)", re.IGNORECASE)
ZONE_IN_COMMENT = re.compile(
    r"(?:time ?zone|\btz\b|\b(?:time ?stamps?|times?|dates?|bars?|data)\b.*?\b(?:in|are)\b)"
    rf"\W*(?:is|are|in)?\W*([A-Za-z]+(?:/[A-Za-z_]+)+|(?:{_ZONES})\b)",
    re.IGNORECASE,
)


Columns = Mapping[str, str | None] | Sequence[str | None] | None  # the argument `columns`


class LayoutFault(Exception):
    """The columns cannot be told; `line` is the line that was taken for their names, if any."""

    def __init__(self, problem: str, line: int | None = None):
        super().__init__(problem)
        self.problem, self.line = problem, line


@dataclass
class Layout:
    """Where the data of a text begin and what stands in each field."""

    delimiter: str
    names: list[str]  # as the file writes them
    roles: dict[str, int]  # role -> position
    data_line: int = 0  # index of the first line after the column names
    repairs: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)  # lines above the column names
    nameless: bool = False  # no line names the columns
    symbol: str = ""  # where a line above the data names it


def split_line(line: str, delimiter: str) -> list[str]:
    """Return a line's fields; each line on its own, so that one bad quote hides no other line."""
    return next(csv.reader([line], delimiter=delimiter), [])


def plain_name(name: str) -> str:
    """Return a column name reduced to its letters and digits: `<Adj. Close*>` -> `adjclose`."""
    return re.sub(r"[\W_]+", "", re.sub(r"^\s*\d+\. ", "", name)).lower()


def zones_in_comments(lines: Sequence[str]) -> tuple[list[str], datetime.tzinfo | None]:
    """Return the zones that lines above the names speak of, and the only one if it is certain."""
    found = [each[1] for each in map(ZONE_IN_COMMENT.search, lines) if each]
    certain = found if len(set(found)) == 1 else [""]
    if certain[0].upper() in ("UTC", "GMT"):
        return found, datetime.UTC
    try:
        return found, ZoneInfo(certain[0]) if "/" in certain[0] else None
    except (KeyError, ValueError, OSError):
        return found, None


def find_roles(
    names: list[str], columns: Mapping[str, str | None] | None = None
) -> tuple[dict[str, int], str | None]:
    """Return the position of each role among the names, and what is ambiguous, if anything."""
    plain = [plain_name(name) for name in names]
    given = {names.index(name): role for name, role in (columns or {}).items()
             if names.count(name) == 1}  # fmt: skip
    roles = {role: position for position, role in given.items() if role is not None}
    problem = None

    def free(group: str, cells: list[str] = plain) -> list[int]:
        taken = {*roles.values(), *given}
        return [i for i, name in enumerate(cells) if name in NAMES[group] and i not in taken]

    for role in (*PRICES, "adj_close", "volume", "tick_volume", "symbol", "zone"):
        if role in roles:
            continue
        found = free(role) or (free("last") if role == "close" else [])
        if len(found) > 1 and problem is None:
            several = " and ".join(repr(names[i]) for i in found)
            example = f"columns={ {names[found[0]]: role} }"
            if len({names[i] for i in found}) == 1:
                listed = [{i: r for r, i in roles.items()}.get(i) for i in range(len(names))]
                listed[0], listed[found[0]] = listed[0] or "time", role
                example = f"columns={listed}"
            problem = f"{several} could each be the {role}; choose with columns=, such as {example}"
        if found:
            roles[role] = found[0]
    if "symbol" not in roles and set(plain) >= DATABENTO:
        roles["symbol"] = plain.index("instrumentid")
    # "Time (UTC)" is a time, and is the zone of one.
    bare = [plain_name(ZONE_IN_NAME.sub(" ", name)) for name in names]
    if "time" not in roles and "date" not in roles:
        moment = free("moment") or free("moment", bare)
        day, clock = free("day") or free("day", bare), free("clock") or free("clock", bare)
        if day and clock and not moment:
            roles |= {"date": day[0], "time": clock[0]}
        elif found := moment + day + clock + free("unnamed"):
            roles["time"] = found[0]
    elif "time" not in roles:
        roles["time"] = roles.pop("date")
    elif "date" not in roles and bare[roles["time"]] in NAMES["clock"] and (day := free("day")):
        roles["date"] = day[0]
    return roles, problem


def find_layout(lines: list[str], columns: Columns) -> Layout:
    """Tell the layout from a text's first lines, or raise LayoutFault."""
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
    layout, problem = stacked or best[1:]
    if problem:
        raise LayoutFault(problem, layout.data_line)
    _refuse_unknown(columns, layout.names)
    _allow_trailing_delimiter(layout, lines)
    first = layout.data_line - (3 if stacked is not None else 1)
    _report_skipped(layout, [line for line in lines[: max(first, 0)] if line.strip()])
    return layout


def find_parquet_roles(names: list[str], columns: Columns) -> dict[str, int]:
    """Return the position of each role among the columns of a Parquet file."""
    if columns is not None and not isinstance(columns, Mapping):
        if len(columns) != len(names):
            raise LayoutFault(_wrong_count(f"{len(names)} columns", columns))
        roles, problem = _listed_roles(columns), None
    else:
        _refuse_unknown(columns, names)
        roles, problem = find_roles(names, columns)
    if problem or "time" not in roles:
        raise LayoutFault(problem or _no_columns(names))
    return roles


def _refuse_unknown(columns: Mapping[str, str] | None, names: list[str]) -> None:
    unknown = [name for name in columns or () if names.count(name) != 1]
    if unknown:
        listed = ", ".join(names)
        raise LayoutFault(f"columns= names {unknown[0]!r}, the columns are {listed}; use these")


def _wrong_count(found: str, columns: Sequence[str | None]) -> str:
    return f"has {found}, columns= names {len(columns)}; name all, None for those to leave out"


def _listed_roles(columns: Sequence[str | None]) -> dict[str, int]:
    roles = {role: position for position, role in enumerate(columns) if role is not None}
    if "time" not in roles and "date" not in roles:
        raise LayoutFault("columns= names no time; put 'time' where it stands")
    return roles if "time" in roles else roles | {"time": roles.pop("date")}


def _three_lines(lines: list[str]) -> tuple[Layout, str | None] | None:
    """Recognise the header of yfinance: prices, tickers, then `Date` alone, in three lines."""
    for number, line in enumerate(lines[:HEADER_LINES]):
        date, *rest = split_line(line, ",") or [""]
        known = any(plain_name(date) in NAMES[group] for group in ("moment", "day", "clock"))
        if number < 2 or not rest or any(rest) or not known:
            continue
        above = [split_line(lines[number - back], ",") for back in (2, 1)]
        above.sort(key=lambda names: -len(find_roles(["", *names[1:]])[0]))
        names, tickers = [date, *above[0][1:]], sorted(set(above[1][1:]) - {""})
        roles, problem = find_roles(names)
        if not any(role in roles for role in PRICES) or len(names) != len(rest) + 1:
            continue
        if len(tickers) > 1:
            problem = f"holds {len(tickers)} symbols ({', '.join(tickers[:5])}); save one per file"
        layout = Layout(",", names, roles, number + 1, symbol="".join(tickers[:1]))
        return layout, problem
    return None


def _without_names(lines: list[str], columns: list[str | None] | None) -> Layout:
    """Read the columns from `columns`, or from a first line that can only be time and prices."""
    filled = [(i, each) for i, each in enumerate(lines) if each.strip() and each.strip()[0] != "#"]
    start, first = filled[0] if filled else (0, "")
    if columns is not None and len(filled) > 1 and not re.search(r"\d", first):
        start, first = filled[1]  # behind the names that columns= replaces
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
        clock = ["time"] if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?", fields[1]) else []
        columns = (["date"] if clock else []) + ["time", *PRICES, "volume"]
        if len(fields) not in (len(columns), len(columns) - 1):
            problem = f"no line names the columns and {len(fields)} fields cannot be told apart; "
            problem += "name all with columns=, for example columns=['time', 'open', 'high', 'low',"
            raise LayoutFault(problem + " 'close'], None for those to leave out", start + 1)
        columns = columns[: len(fields)]
        repairs = ["no line names the columns: taken as " + ", ".join(columns)]
    else:
        repairs = []
        if len(fields) != len(columns):
            raise LayoutFault(_wrong_count(f"{len(fields)} fields", columns), start + 1)
    roles = _listed_roles(columns)
    names = [f"{i} ({role})" if role else f"{i}" for i, role in enumerate(columns, start=1)]
    layout = Layout(delimiter, names, roles, start, repairs, nameless=True)
    _report_skipped(layout, [line for line in lines[:start] if line.strip()])
    return layout


def _unknown_delimiter(line: str) -> str:
    other = next((mark for mark in "|^~:" if line.count(mark) >= 2), None)
    found = f"found {other!r}" if other else f"the line is {shown(line)}"
    sep = repr(other) if other else r"r'\s+'"
    text = f"unknown delimiter: {found}, accepted are comma, semicolon and tab; if it is a table, "
    return text + f"pandas.read_csv(path, sep={sep}).to_csv('prices.csv', index=False) converts it"


def _no_columns(names: list[str]) -> str:
    """Say which column is missing, with an example that works when it is followed."""
    listed = ", ".join(shown(name, 20) for name in names[:12])
    roles, _ = find_roles(names)
    rest = [name for i, name in enumerate(names) if i not in roles.values() and name]
    example: dict[str, str] = {}
    missing: list[str] = []
    if "time" not in roles:
        missing.append("time")
        likely = [name for name in rest if re.search(r"date|time|day", name, re.IGNORECASE)]
        example |= {name: "time" for name in (likely or rest)[:1]}
    if not any(role in roles for role in PRICES):
        missing.append("price")
        possible = [name for name in rest if not NO_PRICE.search(name) and name not in example]
        likely = [name for name in possible if LIKELY_CLOSE.search(name)]
        example |= {name: "close" for name in (likely or possible)[:1]}
    text = f"no column is recognised as {' and '.join(missing)} among {listed}; "
    text += "say which is which with columns="
    if len(example) < len(missing):
        return text + " (the text may also lack its column names, or be no prices at all)"
    only = ", prices=('close',)" if "close" in example.values() else ""
    return f"{text}, for example columns={example}{only}"


def no_price(missing: Sequence[str], names: list[str], roles: Mapping[str, int]) -> str:
    """Say what to do about prices that no column is recognised as."""
    there = tuple(name for name in PRICES if name in roles)
    text = f"no column for {' and '.join(missing)}; the columns are {', '.join(names)}"
    taken = {names[roles[role]] for role in roles if role in ("time", "date", *PRICES)}
    likely = [name for name in names if LIKELY_CLOSE.search(name) and not NO_PRICE.search(name)]
    likely = [name for name in likely if name not in taken]
    if "close" in missing and likely:
        text += f"; if {likely[0]} is the close, columns={{{likely[0]!r}: 'close'}}"
        there = (*there, "close")
    if there and set(missing) - set(there):
        text += f"; to ask only for what the file has, prices={there!r}"
    return text + ("" if there else "; name them with columns=")


def _report_skipped(layout: Layout, skipped: list[str]) -> None:
    for line in skipped:
        fields = split_line(line, layout.delimiter)
        if len(fields) == len(layout.names) and looks_like_time(fields[0].strip()):
            problem = f"data stand above the column names: {shown(line)}; move the names to the "
            raise LayoutFault(problem + "first line, or delete the lines above them")
    layout.comments = skipped
    if skipped:
        lines, first = counted(len(skipped), "line"), shown(skipped[0])
        layout.repairs.append(f"skipped {lines} above the data, the first {first}")


def _allow_trailing_delimiter(layout: Layout, lines: list[str]) -> None:
    """Add a nameless last column if every line of data ends in a delimiter and the names do not."""
    rows = [split_line(line, layout.delimiter) for line in lines[layout.data_line :]]
    width = len(layout.names) + 1
    if any(map(any, rows)) and all(len(row) == width and row[-1] == "" for row in rows if any(row)):
        layout.names.append("")


def is_footer(line: str, layout: Layout) -> bool:
    """Tell whether a last line is a remark such as `Downloaded from …` and no row of data."""
    fields = [part.strip() for part in split_line(line, layout.delimiter)]
    text = re.match(r"[#/*(\s]*[^\W\d]", fields[0]) and not looks_like_time(fields[0])
    return bool(text) and (not any(fields[1:]) or len(fields) != len(layout.names))
