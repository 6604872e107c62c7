"""From batches of cells to one sorted frame of prices, with the report of what was repaired."""

import datetime
import os
from contextlib import closing
from typing import BinaryIO, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons.data.opens import measure_opens
from m2k_lessons.data.reader import bars, files, layout, numbers, tables, times, zones
from m2k_lessons.data.reader.report import CellFault, Cells, PriceFileError, ReadReport, counted

ROUNDING = 1e-6  # of the price: what a price stored with seven digits may be off
SETTLED = 0.1  # of the price: how far outside the day's range a settlement may lie
MOST_LISTED = 20  # dates in one line of the report


class Options(NamedTuple):
    """The checked arguments of `m2k_lessons.data.read_prices`."""

    zone: datetime.tzinfo
    prices: tuple[str, ...]
    columns: layout.Columns
    dayfirst: bool | None
    decimal: str | None
    label: str
    settlement: bool


def read(path: str | os.PathLike | BinaryIO, options: Options) -> pd.DataFrame:
    """Read a price file; see `m2k_lessons.data.read_prices`."""
    file = files.PriceFile(path)
    while True:
        try:
            table = tables.open_table(file, options.columns)
            return _Reading(table, options).finish()
        except UnicodeDecodeError:
            # Not UTF-8 and no mark of UTF-16: the Western encoding that Windows writes, which
            # agrees with Latin-1 on every letter. It decodes any byte, so there is no third try.
            file.encoding = "cp1252"
        except CellFault as fault:
            place = f"{table.place} {fault.record}" if fault.record >= 0 else None
            where = table.name, place, _label(table, fault.column)
            raise PriceFileError(fault.problem, *where) from None


def _label(table: tables.TextTable | tables.ParquetTable, role: str) -> str:
    """Return a column as the file names it."""
    position = table.roles.get(role)
    label = table.labels[position] if position is not None else role
    return label or f"{position + 1} (without a name)"


class _Reading:
    """One file being read: the columns grow batch by batch, then rows are put in order."""

    def __init__(self, table: tables.TextTable | tables.ParquetTable, options: Options):
        self._table, self._options, self._zone = table, options, options.zone
        self._prices = list(options.prices)
        absent = [name for name in self._prices if name not in table.roles]
        if absent:
            problem = layout.no_price(absent, table.labels, table.roles)
            raise PriceFileError(problem, table.name, table.names_place)
        others = [name for name in layout.NUMBERS[len(layout.PRICES) :] if name in table.roles]
        self._others, self._names = others, self._prices + others
        for role in set(table.roles) - {*self._names, "date", "time", "symbol", "zone"}:
            del table.roles[role]
        plain = set(map(layout.plain_name, table.labels))
        may_group = table.delimiter == "semicolon" or not plain.isdisjoint(layout.FOREIGN)
        decimal, billionths = options.decimal, plain >= layout.DATABENTO
        self._numbers = numbers.Numbers(self._prices, others, decimal, may_group, billionths)
        self._times = times.Times(options.dayfirst)
        self._times.aware = table.times_aware or None
        # What each batch adds: its times, lines and columns of numbers.
        self._stamps, self._lines = bytearray(), bytearray()
        self._values = {name: bytearray() for name in self._names}
        self._empty = self._records = self._rounded = self._widened = 0
        self._without_numbers = [np.array([], dtype=np.int64)]  # times of rows without numbers
        self._below_zero: tuple[int, float] | None = None  # line and volume
        self._named_zone: datetime.tzinfo | None = None
        self._symbol = ""
        self._repairs: list[str] = []
        self._notes: list[str] = []

    def _label(self, role: str) -> str:
        return _label(self._table, role)

    def finish(self) -> pd.DataFrame:
        """Return the frame: instants, sorted, without repeated rows."""
        with closing(self._table.batches(strict=False)) as batches:  # type: ignore[type-var]
            for columns, _ in batches:
                if all([self._numbers.look(columns), self._times.look(columns)]):
                    break
        self._numbers.settle()
        self._times.settle()
        with closing(self._table.batches(self._numbers.decimal)) as batches:  # type: ignore[type-var]
            for columns, lines in batches:
                self._add(columns, lines)
        stamps = np.frombuffer(self._stamps, dtype=np.int64)
        if not stamps.size:
            found = "row with a price" if self._records else "rows: it has column names and no rows"
            raise PriceFileError(f"has no {found}; download it again", self._table.name)
        block = np.empty((len(self._names), len(stamps)))
        for row, name in enumerate(self._names):
            block[row] = np.frombuffer(self._values.pop(name))
        self._to_utc(stamps, block)
        stamps, block = self._sort(stamps, block)
        block = self._decide_volume(block)
        if self._options.label == "end":
            stamps = bars.labelled_by_start(stamps, self._table.name)
            self._repairs.append("moved every time back by one bar, from its end to its start")
        midnight_utc = self._times.aware and _all_multiples(stamps, times.DAY)
        unit, scale = ("us", 1000) if _all_multiples(stamps, 1000) else ("ns", 1)
        stamps //= scale
        kind = pd.DatetimeTZDtype(unit, self._zone)
        index = pd.DatetimeIndex(stamps, dtype=kind, name="time", copy=False)
        frame = pd.DataFrame(block.T, index=index, columns=self._names, copy=False)
        notes = self._understood(frame, midnight_utc)
        if {"open", "close"} <= set(self._prices):
            frame.attrs["opens"] = opens = measure_opens(frame, self._symbol or self._table.symbol)
            notes += [str(opens)] if opens.tradable is False else []
        frame.attrs["report"] = self._report(frame.index, notes + self._notes)
        return frame

    def _add(self, columns: Cells, lines: np.ndarray) -> None:
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
            faults.append(fault)
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

    def _check_symbol(self, columns: Cells, faults: list[CellFault]) -> None:
        for symbol in dict.fromkeys(columns.get("symbol", ())):
            self._symbol = self._symbol or symbol
            if symbol and symbol != self._symbol:
                label = self._label("symbol")
                remedy = "pick one with pandas: table = pandas.read_csv(path, dtype=str); "
                remedy += f"table[table[{label!r}] == {self._symbol!r}]"
                remedy += ".to_csv('one.csv', index=False)"
                problem = f"{symbol!r} after {self._symbol!r}: a file must hold one symbol"
                record = int((columns["symbol"] == symbol).argmax())
                faults.append(CellFault(record, "symbol", problem, remedy))
                return

    def _check_values(
        self, of: Cells, nothing: np.ndarray, faults: list[CellFault], lines: np.ndarray
    ) -> None:
        """Refuse what no market prints; the first bad row of each kind joins `faults`."""

        def refuse(bad: np.ndarray, name: str, problem: str, *drop: str) -> None:
            if bad.any():
                row = int(bad.argmax())
                remedy, kept = "correct or delete the line", set(self._prices) - set(drop)
                if kept and drop:
                    kept = tuple(price for price in layout.PRICES if price in kept)
                    remedy += f", or pass prices={kept!r}: prices= can leave the column out"
                shown = {key: f"{of[key][row]:.12g}" for key in self._names}
                faults.append(CellFault(row, name, problem.format(**shown), remedy))

        for name in self._prices:
            drop = () if name == "close" else (name,)
            refuse(np.isnan(of[name]) & ~nothing, name, f"the {name} is missing", *drop)
            problem = f"the {name} is {{{name}}}, and a price must be above 0"
            refuse(of[name] <= 0, name, problem, *drop)
        if "volume" in of and self._below_zero is None and (below := of["volume"] < 0).any():
            self._below_zero = int(lines[below.argmax()]), of["volume"][below.argmax()]
            if self._below_zero[1] != -1:
                self._refuse_volume()
        if self._options.settlement and "close" in of:
            self._widen(of)
        rounded = np.zeros(len(nothing), dtype=bool)
        pairs = ("high low high", "high open open", "high close close", "open low open",
                 "close low close")  # fmt: skip
        for upper, lower, name in map(str.split, pairs):
            if upper in of and lower in of and (crossed := of[upper] < of[lower]).any():
                problem = f"the {upper} {{{upper}}} is below the {lower} {{{lower}}}"
                if name == "close":
                    problem += "; if closes are settlements, which may lie outside the day's trades"
                    problem += ", pass settlement=True"
                drop = ("high", "low") if name == "close" else (name,)
                refuse(of[upper] < of[lower] * (1 - ROUNDING), name, problem, *drop)
                rounded |= crossed
        self._rounded += int(rounded.sum())

    def _refuse_volume(self) -> None:
        line, volume = self._below_zero
        remedy = f"correct it, or leave it out: columns={{{self._label('volume')!r}: None}}"
        raise CellFault(line, "volume", f"the volume is {volume:.12g}, below 0", remedy)

    def _widen(self, of: Cells) -> None:
        """Widen the day's range to a settlement just outside it."""
        for name, outermost in (("high", np.maximum), ("low", np.minimum)):
            if name in of:
                wider = outermost(of[name], of["close"])
                near = (wider != of[name]) & (np.abs(wider / of[name] - 1) < SETTLED)
                of[name] = np.where(near, wider, of[name])
                self._widened += int(near.sum())

    def _to_utc(self, stamps: np.ndarray, block: np.ndarray) -> None:
        if self._times.aware:
            return
        daily = _all_multiples(stamps, times.DAY)
        self._named_zone = self._times.zone or self._zone_beside(daily)
        zone = self._named_zone or self._zone
        try:
            zones.to_utc_in_place(stamps, zone, daily, block)
        except CellFault as fault:
            fault.record = int(np.frombuffer(self._lines, dtype=np.int32)[fault.record])
            raise

    def _zone_beside(self, daily: bool) -> datetime.tzinfo | None:
        """Return the zone that a column name or a line above the names gives."""
        for role in {"time", "date"} & set(self._table.roles):
            label = self._label(role)
            found = layout.ZONE_IN_NAME.search(label)
            word = found and found[1].upper()
            if word in ("UTC", "GMT"):
                return datetime.UTC
            if word and not daily and label not in (self._options.columns or ()):
                remedy = f"pass columns={{{label!r}: {role!r}}} and tz={times.CLOCKS[word]!r}"
                if word in times.OFFSETS:
                    never = f"Etc/GMT{-times.OFFSETS[word]:+d}"
                    remedy += f" if its clock changes in summer, tz={never!r} if never"
                raise CellFault(-1, role, f"the name says {word}, which is no one clock", remedy)
        named, zone = layout.zones_in_comments(self._table.comments)
        if named and zone is None and not daily:
            said = " and ".join(dict.fromkeys(named))
            note = f"a line above the names says {said}: not used, tz= places the times"
            self._notes.append(note)
        return None if daily else zone  # dates are dates

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
                lines = np.frombuffer(self._lines, dtype=np.int32)[order]
                pair = sorted((int(lines[at]), column[at]) for at in (row - 1, row))
                (first, one), (second, other) = pair
                time = _moment(pd.Timestamp(stamps[row], tz="UTC").tz_convert(self._zone))
                problem = f"{name} {other:.12g} and {one:.12g} in {self._table.place} {first} "
                problem += f"disagree: both rows are of {time}"
                raise CellFault(second, name, problem, "delete the wrong line")
        self._repairs.append(f"removed {counted(repeats.size, 'repeated row')}")
        return np.delete(stamps, repeats), np.delete(block, repeats, axis=1)

    def _decide_volume(self, block: np.ndarray) -> np.ndarray:
        """Say where a volume is none, -1 or 0 in every row: MetaTrader's ticks stand for it."""
        roles, label, notes = self._table.roles, self._label("volume"), self._notes
        column = dict(zip(self._names, block, strict=True))
        volume = column.get("volume")
        if self._below_zero:
            if (volume > 0).any():
                self._refuse_volume()
            notes.append(f"{label} is -1 in rows and never above 0: left out, it is none")
            del column["volume"]
        elif volume is not None and not np.nan_to_num(volume).any():
            if "tick_volume" not in column:
                notes.append(f"volume is 0 in every row ({label}): none was recorded")
            else:
                del column["volume"]
        if "tick_volume" in column:
            ticks = column.pop("tick_volume")
            if "volume" not in column:
                roles["volume"] = roles["tick_volume"]
                column["volume"] = ticks
                label = self._label("volume")
                notes.append(f"volume is {label}: price changes counted, not contracts")
        if list(column) == self._names:
            return block
        self._names = [name for name in (*layout.PRICES, "volume", "adj_close") if name in column]
        self._others = [name for name in self._names if name not in self._prices]
        return np.array([column[name] for name in self._names])

    def _understood(self, frame: pd.DataFrame, midnight_utc: bool) -> list[str]:
        """Note what was understood in a way worth knowing."""
        found, zone = self._times, str(self._zone)
        if found.epoch:
            notes = [f"times are counted in {found.epoch} since 1970, shown in {zone}"]
        elif found.aware:
            notes = [f"times have a UTC offset, shown in {zone}"]
        elif self._named_zone:
            notes = [f"times are in {self._named_zone}, shown in {zone}"]
        else:
            notes = [f"times have no zone, taken as {zone}"]
        if midnight_utc and frame.index[0].hour:
            notes.append("every time is midnight UTC; pass tz='UTC' to keep the dates")
        if found.ambiguous:
            notes.append(f"dates are {'day/month' if found.dayfirst else 'month/day'}/year")
        notes += bars.notes(frame.index, found.abbreviations, self._options.label, midnight_utc)
        close = self._label("close")
        if "close" in self._names and layout.plain_name(close) not in layout.NAMES["close"]:
            notes.append(f"the close is the column {close}")
        if self._numbers.three_decimals:
            note = "every number with a point has three digits behind it, read as decimals; pass "
            notes.append(note + "decimal=',' if the point separates thousands")
        if (largest := frame[self._prices].max(axis=None)) > 1e9:
            notes.append(f"prices reach {largest:.4g}: are they in another unit?")
        if "volume" not in self._names:
            notes.append("the file has no volume")
        for name in self._others:
            if missing := int(np.isnan(frame[name].to_numpy()).sum()):
                notes.append(f"{name} is missing in {counted(missing, 'row')}, left as NaN")
        if self._rounded:
            rows = counted(self._rounded, "row")
            notes.append(f"open, close, high or low cross by a rounding in {rows}")
        return notes

    def _report(self, index: pd.DatetimeIndex, notes: list[str]) -> ReadReport:
        table, found = self._table, self._numbers
        repairs, without = [*table.repairs, *self._repairs], np.concatenate(self._without_numbers)
        if self._empty:
            repairs.append(f"skipped {counted(self._empty, 'empty row')}")
        if without.size:
            zone = self._zone if self._times.aware else None
            dates = pd.DatetimeIndex(without.view("M8[ns]"), tz="UTC").tz_convert(zone)
            listed = ", ".join(map(_moment, dates[:MOST_LISTED]))
            listed += f" and {without.size - MOST_LISTED} more" * (without.size > MOST_LISTED)
            repairs.append(f"left out {counted(without.size, 'row')} without any number: {listed}")
        if self._widened:
            rows = counted(self._widened, "row")
            repairs.append(f"widened the range of {rows} to a settlement outside it")
        if found.decimal == ",":
            repairs.append("read the decimal comma as a decimal point")
        if found.decimal == numbers.THIRTY_SECONDS:
            repairs.append("read prices such as 110-16 as points and thirty-seconds")
        if found.billionths:
            repairs.append("divided the prices by 1,000,000,000, the unit of Databento's files")
        if found.grouped:
            grouped = [self._label(name) for name in self._names if name in found.grouped]
            repairs.append(f"took out the thousands separators of {', '.join(grouped)}")
        used = {*self._names, "date", "time", "zone"} & set(table.roles)
        used = {table.roles[role] for role in used}
        unused = [place for place in range(len(table.labels)) if place not in used]
        unused = [table.labels[place] or f"{place + 1} (without a name)" for place in unused]
        span, zone = (_moment(index[0]), _moment(index[-1])), str(self._zone)
        lists = tuple(unused), tuple(repairs), tuple(notes)
        return ReadReport(table.name, len(index), *span, table.delimiter, zone, *lists)


def _all_multiples(stamps: np.ndarray, divisor: int) -> bool:
    """Tell whether a divisor divides all, without an array of remainders beside the result."""
    slices = range(0, len(stamps), 1 << 18)
    return not any((stamps[start : start + (1 << 18)] % divisor).any() for start in slices)


def _moment(time: pd.Timestamp) -> str:
    """Return a time as text, a date alone at midnight."""
    clock = (time.hour, time.minute, time.second, time.microsecond, time.nanosecond)
    return str(time) if any(clock) else str(time.date())
