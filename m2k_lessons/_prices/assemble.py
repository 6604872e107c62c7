"""From batches of cells to one sorted frame of prices, with the report of what was repaired."""

import datetime
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from m2k_lessons._opens import measure_opens
from m2k_lessons._prices import bars, files, layout, numbers, tables, times, zones
from m2k_lessons._prices.report import CellFault, PriceFileError, ReadReport, counted

ROUNDING = 1e-6  # of the price: what a price stored with seven digits may be off
SETTLED = 0.1  # of the price: how far outside the day's range a settlement may lie
MOST_LISTED = 20  # dates in one line of the report
LARGE = 1e9  # a price above this may be in another unit


def read(
    path: str | Path | BinaryIO,
    *,
    zone: datetime.tzinfo,
    prices: tuple[str, ...],
    columns: Mapping[str, str | None] | Sequence[str | None] | None,
    dayfirst: bool | None,
    decimal: str | None,
    label: str,
    settlement: bool,
) -> pd.DataFrame:
    """Read a price file whose arguments have been checked; see `m2k_lessons.data.read_prices`."""
    file = files.PriceFile(path)
    while True:
        try:
            table = tables.open_table(file, columns)
            reading = _Reading(table, zone, prices, columns, dayfirst, decimal, settlement)
            return reading.finish(label)
        except UnicodeDecodeError:
            # Not UTF-8 and no mark of UTF-16: the Western encoding that Windows writes, which
            # agrees with Latin-1 on every letter. It decodes any byte, so there is no third try.
            file.encoding = "cp1252"
        except CellFault as fault:
            place = f"{table.place} {fault.record}" if fault.record >= 0 else None
            column = _label(table, fault.column)
            raise PriceFileError(fault.problem, table.name, place, column) from None


def _label(table: tables.TextTable | tables.ParquetTable, role: str) -> str:
    """Return a column as the file names it."""
    position = table.roles.get(role)
    label = table.labels[position] if position is not None else role
    return label or f"{position + 1} (without a name)"


class _Reading:
    """One file being read: the columns grow batch by batch, then rows are put in order."""

    def __init__(
        self,
        table: tables.TextTable | tables.ParquetTable,
        zone: datetime.tzinfo,
        prices: tuple[str, ...],
        columns: Mapping[str, str | None] | Sequence[str | None] | None,
        dayfirst: bool | None,
        decimal: str | None,
        settlement: bool,
    ):
        self._table = table
        self._zone = zone
        self._prices = list(prices)
        self._columns = columns or ()
        self._settlement = settlement
        absent = [name for name in prices if name not in table.roles]
        if absent:
            problem = layout.no_price(absent, table.labels, table.roles)
            raise PriceFileError(problem, table.name, table.names_place)
        self._others = [
            name for name in ("volume", "tick_volume", "adj_close") if name in table.roles
        ]
        self._names = self._prices + self._others
        for role in set(table.roles) - {*self._names, "date", "time", "symbol", "zone"}:
            del table.roles[role]
        may_group = table.delimiter == "semicolon" or layout.looks_foreign(table.labels)
        self._numbers = numbers.Numbers(
            self._prices, self._others, decimal, may_group, layout.in_billionths(table.labels)
        )
        self._times = times.Times(dayfirst)
        self._times.aware = table.times_aware or None
        # What each batch adds: its times, lines and columns of numbers.
        self._stamps, self._lines = bytearray(), bytearray()
        self._values = {name: bytearray() for name in self._names}
        self._empty = self._records = self._rounded = 0
        self._without_numbers = [np.array([], dtype=np.int64)]  # times of rows without numbers
        self._widened: list[np.ndarray] = [np.array([], dtype=np.int64)]
        self._below_zero: list[tuple[int, float]] = []  # line and volume
        self._symbol: str | None = None
        self._repairs: list[str] = []
        self._notes: list[str] = []

    def _label(self, role: str) -> str:
        return _label(self._table, role)

    def finish(self, label: str) -> pd.DataFrame:
        """Return the frame: instants, sorted, without repeated rows."""
        with closing(self._table.batches(strict=False)) as batches:
            numbers.look_through(batches, self._numbers, self._times)
        with closing(self._table.batches(self._numbers.decimal)) as batches:
            for columns, lines in batches:
                self._add(columns, lines)
        if not self._records:
            problem = "has column names and no rows; download it again"
            raise PriceFileError(problem, self._table.name)
        stamps = np.frombuffer(self._stamps, dtype=np.int64)
        if not stamps.size:
            problem = "has no row with a price; download it again, or name other columns"
            raise PriceFileError(problem, self._table.name)
        block = np.empty((len(self._names), len(stamps)))
        for row, name in enumerate(self._names):
            block[row] = np.frombuffer(self._values.pop(name))
        stamps, block = self._sort(*self._to_utc(stamps, block))
        block = self._decide_volume(block)
        if label == "end":
            stamps = bars.labelled_by_start(stamps, self._zone, self._table.name)
            self._repairs.append("moved every time back by one bar, from its end to its start")
        unit = "us" if _all_multiples(stamps, 1000) else "ns"
        midnight_utc = self._times.aware and _all_multiples(stamps, times.DAY)
        if unit == "us":
            stamps //= 1000
        kind = pd.DatetimeTZDtype(unit, self._zone)
        index = pd.DatetimeIndex(stamps, dtype=kind, name="time", copy=False)
        frame = pd.DataFrame(block.T, index=index, columns=self._names, copy=False)
        self._note(frame, midnight_utc, label)
        frame.attrs["report"] = self._report(frame)
        return frame

    def _add(self, columns: dict[str, np.ndarray], lines: np.ndarray) -> None:
        """Append the rows of one batch."""
        faults: list[CellFault] = []
        values = {name: self._numbers.read(name, columns[name], faults) for name in self._names}
        nothing = np.all([np.isnan(each) for each in values.values()], axis=0)
        positions = np.arange(len(lines))
        if nothing.any():
            positions = np.flatnonzero(~(nothing & self._times.is_empty(columns)))
            columns = {role: cells[positions] for role, cells in columns.items()}
        found: list[CellFault] = []
        stamps = self._times.read(columns, found) if len(positions) else positions
        self._check_symbol(columns, found)
        for fault in found:
            fault.record = int(positions[fault.record])
        faults += found
        self._check_values(values, nothing, faults, lines)
        if faults:
            first = min(faults, key=lambda fault: fault.record)
            first.record = int(lines[first.record])
            raise first

        self._records += len(lines)
        if nothing.any():
            self._empty += len(lines) - len(positions)
            self._without_numbers.append(stamps[nothing[positions]])
            stamps, lines = stamps[~nothing[positions]], lines[~nothing]
            values = {name: each[~nothing] for name, each in values.items()}
        self._stamps += stamps.tobytes()
        self._lines += lines.astype(np.int32).tobytes()
        for name, each in values.items():
            self._values[name] += each.tobytes()

    def _check_symbol(self, columns: dict[str, np.ndarray], faults: list[CellFault]) -> None:
        for symbol in dict.fromkeys(columns.get("symbol", ())):
            self._symbol = self._symbol or symbol
            if symbol and symbol != self._symbol:
                record = int((columns["symbol"] == symbol).argmax())
                problem = f"{symbol!r} after {self._symbol!r}: a file must hold one symbol"
                label = self._label("symbol")
                remedy = (
                    "pick one with pandas: table = pandas.read_csv(path, dtype=str); "
                    f"table[table[{label!r}] == {self._symbol!r}].to_csv('one.csv', index=False)"
                )
                faults.append(CellFault(record, "symbol", problem, remedy))
                return

    def _check_values(
        self,
        of: dict[str, np.ndarray],
        nothing: np.ndarray,
        faults: list[CellFault],
        lines: np.ndarray,
    ) -> None:
        """Refuse what no market prints; the first bad row of each kind joins `faults`."""
        without = [name for name in PRICES_IN_ORDER if name in self._prices]

        def refuse(bad: np.ndarray, name: str, problem: str, *drop: str) -> None:
            if bad.any():
                row = int(bad.argmax())
                numbers = {key: f"{of[key][row]:.12g}" for key in self._names}
                kept = tuple(price for price in without if price not in drop)
                remedy = "correct or delete the line"
                if kept and drop:
                    remedy += f", or pass prices={kept!r}: prices= can leave the column out"
                faults.append(CellFault(row, name, problem.format(**numbers), remedy))

        for name in self._prices:
            price, drop = of[name], () if name == "close" else (name,)
            refuse(np.isnan(price) & ~nothing, name, f"the {name} is missing", *drop)
            problem = f"the {name} is {{{name}}}, and a price must be above 0"
            refuse(price <= 0, name, problem, *drop)
        if "volume" in of:
            below = np.flatnonzero(of["volume"] < 0)
            self._below_zero += [(int(lines[row]), of["volume"][row]) for row in below[:1]]
            if below.size and self._below_zero[0][1] != -1:
                self._refuse_volume()
        if self._settlement and "close" in of:
            self._widen(of)
        rounded = np.zeros(len(nothing), dtype=bool)
        for upper, lower, name in (
            ("high", "low", "high"),
            ("high", "open", "open"),
            ("high", "close", "close"),
            ("open", "low", "open"),
            ("close", "low", "close"),
        ):
            if upper in of and lower in of:
                crossed = of[upper] < of[lower]
                if crossed.any():
                    bad = of[upper] < of[lower] * (1 - ROUNDING)
                    problem = f"the {upper} {{{upper}}} is below the {lower} {{{lower}}}"
                    drop = ("high", "low") if name == "close" else (name,)
                    if name == "close":
                        problem += (
                            "; if closes are settlements, which may lie outside the day's trades, "
                            "pass settlement=True"
                        )
                    refuse(bad, name, problem, *drop)
                    rounded |= crossed
        self._rounded += int(rounded.sum())

    def _refuse_volume(self) -> None:
        line, volume = self._below_zero[0]
        remedy = f"correct the line, or leave the column out: columns={{{self._label('volume')!r}: None}}"
        raise CellFault(line, "volume", f"the volume is {volume:.12g}, below 0", remedy)

    def _widen(self, of: dict[str, np.ndarray]) -> None:
        """Widen the day's range to a settlement just outside it."""
        close = of["close"]
        outside = np.zeros(len(close), dtype=bool)
        for name, beyond in (("high", close > of.get("high", close)), ("low", close < of.get("low", close))):
            near = beyond & (np.abs(close / of.get(name, close) - 1) < SETTLED)
            if near.any():
                of[name] = np.where(near, close, of[name])
                outside |= near
        self._widened.append(np.flatnonzero(outside) + self._records)

    def _to_utc(self, stamps: np.ndarray, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self._times.aware:
            return stamps, block
        daily = _all_multiples(stamps, times.DAY)
        self._named_zone = self._times.zone or self._zone_beside(daily)

        def repeated(one: int, other: int) -> bool:
            return np.array_equal(block[:, one], block[:, other], equal_nan=True)

        try:
            zones.to_utc_in_place(stamps, self._named_zone or self._zone, daily, repeated)
        except CellFault as fault:
            fault.record = int(np.frombuffer(self._lines, dtype=np.int32)[fault.record])
            raise
        return stamps, block

    def _zone_beside(self, daily: bool) -> datetime.tzinfo | None:
        """Return the zone that a column name or a line above the names gives."""
        for role in ("time", "date"):
            label = self._label(role)
            word = layout.zone_in_name(label) if role in self._table.roles else None
            if word in ("UTC", "GMT"):
                return datetime.UTC
            if word and not daily and label not in self._columns:
                hours, clock = times.ABBREVIATIONS.get(word, (None, times.CLOCKS.get(word)))
                fixed = f", tz='Etc/GMT{-hours:+d}' if never" if hours is not None else ""
                remedy = f"pass columns={{{label!r}: {role!r}}} and tz={clock!r}"
                if fixed:
                    remedy += f" if its clock changes in summer{fixed}"
                raise CellFault(-1, role, f"the name says {word}, which is no one clock", remedy)
        if daily:
            return None  # dates are dates
        found = [layout.ZONE_IN_COMMENT.search(line) for line in self._table.comments]
        named = list(dict.fromkeys(each[1] for each in found if each))
        zone = None
        for word in named[:1] if len(named) == 1 else []:
            zone = datetime.UTC if word.upper() in ("UTC", "GMT") else _zone_called(word)
        if named and zone is None:
            self._notes.append(
                f"a line above the names says {' and '.join(named)}: not used, tz= places the times"
            )
        return zone

    def _sort(self, stamps: np.ndarray, block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        order: np.ndarray | slice = slice(None)
        if not (rising := stamps[1:] >= stamps[:-1]).all():
            if (stamps[1:] <= stamps[:-1]).all():
                order = slice(None, None, -1)
                self._repairs.append("rows were newest first: turned round")
            else:
                order = np.argsort(stamps, kind="stable").astype(np.uint32)
                places = counted(int((~rising).sum()), "place")
                self._repairs.append(f"rows were out of order in {places}: sorted by time")
            for column in (stamps, *block):
                column[:] = column[order]  # numpy sees the overlap and copies
        repeats = 1 + np.flatnonzero(stamps[1:] == stamps[:-1])
        if not repeats.size:
            return stamps, block
        for name, column in zip(self._names, block, strict=True):
            here, there = column[repeats], column[repeats - 1]
            differ = (here != there) & ~(np.isnan(here) & np.isnan(there))
            if differ.any():
                row = int(repeats[differ.argmax()])
                self._refuse_disagreement(name, column, row, order, stamps[row])
        keep = np.ones(len(stamps), dtype=bool)
        keep[repeats] = False
        self._repairs.append(f"removed {counted(repeats.size, 'repeated row')}")
        return stamps[keep], block[:, keep]

    def _refuse_disagreement(
        self,
        name: str,
        column: np.ndarray,
        row: int,
        order: np.ndarray | slice,
        stamp: np.int64,
    ) -> None:
        lines = np.frombuffer(self._lines, dtype=np.int32)[order]
        (first, one), (second, other) = sorted((int(lines[at]), column[at]) for at in (row - 1, row))
        time = pd.Timestamp(stamp, tz="UTC").tz_convert(self._zone)
        raise CellFault(
            second,
            name,
            f"{name} {other:.12g} and {one:.12g} in {self._table.place} {first} disagree: "
            f"both rows are of {_moment(time)}",
            "delete the wrong line",
        )

    def _decide_volume(self, block: np.ndarray) -> np.ndarray:
        """Say where a volume is none: -1 in every row, 0 in every row, price changes counted."""
        names, drop = self._names, []
        where = {name: names.index(name) for name in ("volume", "tick_volume") if name in names}
        if "volume" in where:
            volume, label = block[where["volume"]], self._label("volume")
            if self._below_zero:
                if not (volume[~np.isnan(volume)] <= 0).all():
                    self._refuse_volume()
                self._notes.append(f"{label} is -1 in rows and never above 0: left out, it is none")
                drop.append("volume")
            elif not np.nan_to_num(volume).any():
                if "tick_volume" not in where:
                    self._notes.append(f"volume is 0 in every row ({label}): none was recorded")
                else:
                    drop.append("volume")
        if "tick_volume" in where:
            if "volume" in where and "volume" not in drop:
                drop.append("tick_volume")
            else:
                self._notes.append(
                    f"volume is {self._label('tick_volume')}: price changes counted, not contracts"
                )
        if not drop and "tick_volume" not in where:
            return block
        keep = [row for row, name in enumerate(names) if name not in drop]
        self._names = [names[row].replace("tick_volume", "volume") for row in keep]
        self._others = [name for name in self._names if name not in self._prices]
        if "tick_volume" in where and "tick_volume" not in drop:
            self._table.roles["volume"] = self._table.roles["tick_volume"]
        return block[keep]

    def _note(self, frame: pd.DataFrame, midnight_utc: bool, label: str) -> None:
        """Note what was understood in a way worth knowing."""
        numbers_, times_, zone = self._numbers, self._times, str(self._zone)
        notes, beside = [], getattr(self, "_named_zone", None)
        if times_.epoch:
            notes.append(f"times are counted in {times_.epoch} since 1970, shown in {zone}")
        elif times_.aware:
            notes.append(f"times have a UTC offset, shown in {zone}")
        elif beside:
            notes.append(f"times are in {beside}, shown in {zone}")
        else:
            notes.append(f"times have no zone, taken as {zone}")
        if midnight_utc and frame.index[0].hour:
            notes.append("every time is midnight UTC; pass tz='UTC' to keep the dates")
        if times_.day_order:
            notes.append(f"dates are {times_.day_order}")
        notes += bars.notes(frame, times_.abbreviations, label)
        if "close" in self._names and not layout.is_named(self._label("close"), "close"):
            notes.append(f"the close is the column {self._label('close')}")
        if numbers_.three_decimals:
            notes.append(
                "every number with a point has three digits behind it, read as decimals; pass "
                "decimal=',' if the point separates thousands"
            )
        largest = frame[self._prices].max(axis=None)
        if largest > LARGE:
            notes.append(f"prices reach {largest:.4g}: are they in another unit?")
        if "volume" not in self._names:
            notes.append("the file has no volume")
        for name in self._others:
            missing = int(np.isnan(frame[name].to_numpy()).sum())
            if missing:
                notes.append(f"{name} is missing in {counted(missing, 'row')}, left as NaN")
        if self._rounded:
            notes.append(
                f"open, close, high or low cross by a rounding in {counted(self._rounded, 'row')}"
            )
        if {"open", "close"} <= set(self._prices):
            frame.attrs["opens"] = measure_opens(frame, self._symbol or self._table.symbol)
            if frame.attrs["opens"].tradable is False:
                notes.append(str(frame.attrs["opens"]))
        self._notes = notes + self._notes

    def _report(self, frame: pd.DataFrame) -> ReadReport:
        table, numbers_ = self._table, self._numbers
        repairs = [*table.repairs, *self._repairs]
        without = np.concatenate(self._without_numbers)
        if self._empty:
            repairs.append(f"skipped {counted(self._empty, 'empty row')}")
        if without.size:
            zone = self._zone if self._times.aware else None
            dates = pd.DatetimeIndex(without.view("M8[ns]"), tz="UTC").tz_convert(zone)
            listed = _listed(dates)
            repairs.append(f"left out {counted(without.size, 'row')} without any number: {listed}")
        widened = sum(map(len, self._widened))
        if widened:
            repairs.append(
                f"widened the range of {counted(widened, 'row')} to a settlement outside it"
            )
        if numbers_.decimal == ",":
            repairs.append("read the decimal comma as a decimal point")
        if numbers_.decimal == numbers.THIRTY_SECONDS:
            repairs.append("read prices such as 110-16 as points and thirty-seconds")
        if numbers_.billionths:
            repairs.append("divided the prices by 1,000,000,000, the unit of Databento's files")
        if numbers_.grouped:
            grouped = [self._label(name) for name in self._names if name in numbers_.grouped]
            repairs.append(f"took out the thousands separators of {', '.join(grouped)}")
        used = {*self._names, "date", "time", "zone"} & set(table.roles)
        used = {table.roles[role] for role in used}
        return ReadReport(
            file=table.name,
            rows=len(frame),
            first=_moment(frame.index[0]),
            last=_moment(frame.index[-1]),
            delimiter=table.delimiter,
            timezone=str(self._zone),
            unused_columns=tuple(
                label or f"{position} (without a name)"
                for position, label in enumerate(table.labels, start=1)
                if position - 1 not in used
            ),
            repairs=tuple(repairs),
            notes=tuple(self._notes),
        )


PRICES_IN_ORDER = layout.PRICES


def _zone_called(name: str) -> datetime.tzinfo | None:
    """Return a zone such as America/Chicago; None if the text is none."""
    try:
        return pd.DatetimeTZDtype("us", name).tz if "/" in name else None
    except (KeyError, ValueError, OSError, TypeError):
        return None


def _all_multiples(stamps: np.ndarray, divisor: int) -> bool:
    """Tell whether a divisor divides all, without an array of remainders beside the result."""
    slices = range(0, len(stamps), zones.SLICE)
    return not any((stamps[start : start + zones.SLICE] % divisor).any() for start in slices)


def _listed(dates: pd.DatetimeIndex) -> str:
    more = f" and {len(dates) - MOST_LISTED} more" if len(dates) > MOST_LISTED else ""
    return ", ".join(map(_moment, dates[:MOST_LISTED])) + more


def _moment(time: pd.Timestamp) -> str:
    """Return a time as text, a date alone at midnight."""
    at_midnight = (time.hour, time.minute, time.second, time.nanosecond) == (0, 0, 0, 0)
    return str(time.date()) if at_midnight and not time.microsecond else str(time)
