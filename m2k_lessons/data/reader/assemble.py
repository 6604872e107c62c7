"""From batches of cells to one sorted frame of prices, with the report of what was repaired."""

import datetime
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from m2k_lessons.data.reader import files, layout, numbers, tables, times, zones
from m2k_lessons.data.reader.report import CellFault, PriceFileError, ReadReport, counted

ROUNDING = 1e-6  # of the price: what a price stored with seven digits may be off
MOST_LISTED = 20  # dates in one line of the report


def read(
    path: str | Path | BinaryIO,
    *,
    zone: datetime.tzinfo,
    prices: tuple[str, ...],
    columns: Mapping[str, str] | Sequence[str | None] | None,
    dayfirst: bool | None,
    decimal: str | None,
) -> pd.DataFrame:
    """Read a price file whose arguments have been checked; see `m2k_lessons.data.read_prices`."""
    table = tables.open_table(files.PriceFile(path), columns)
    reading = _Reading(table, zone, prices, dayfirst, decimal)
    try:
        reading.decide()
        reading.fill()
        return reading.finish()
    except CellFault as fault:
        place = table.place_of(fault.record) if fault.record >= 0 else None
        column = reading.label(fault.column)
        raise PriceFileError(fault.problem, table.name, place, column) from None


class _Reading:
    """One file being read: the columns grow batch by batch, then rows are put in order."""

    def __init__(
        self,
        table: tables.TextTable | tables.ParquetTable,
        zone: datetime.tzinfo,
        prices: tuple[str, ...],
        dayfirst: bool | None,
        decimal: str | None,
    ):
        self._table = table
        self._zone = zone
        self._prices = list(prices)
        absent = [name for name in prices if name not in table.roles]
        if absent:
            raise PriceFileError(
                f"no column for {' and '.join(absent)}; the columns are "
                f"{', '.join(table.labels)}; name it with columns=, or ask only for what the "
                "file has, for example prices=('close',)",
                table.name,
                table.names_place,
            )
        self._others = [name for name in ("volume", "adj_close") if name in table.roles]
        self._names = self._prices + self._others
        for role in set(table.roles) - {*self._names, "date", "time", "symbol"}:
            del table.roles[role]
        self._numbers = numbers.Numbers(
            self._prices, self._others, decimal, comma_likely=table.delimiter == "semicolon"
        )
        self._times = times.Times(dayfirst)
        in_utc = layout.names_utc(self.label("time")) or layout.names_utc(self.label("date"))
        self._zone_of_column = datetime.UTC if in_utc else None
        # Pages of memory are taken only as rows arrive.
        self._block = np.empty((len(self._names), table.most_rows))
        self._stamps = np.empty(table.most_rows, dtype=np.int64)
        self._rows = 0
        self._records = 0
        self._left_out = [np.array([], dtype=np.int64)]  # records that became no row
        self._without_numbers = [np.array([], dtype=np.int64)]  # their times, if they have one
        self._rounded = 0
        self._symbol: str | None = None
        self._repairs: list[str] = []
        self._notes: list[str] = []

    def label(self, role: str) -> str:
        """Return a column as the file names it."""
        position = self._table.roles.get(role)
        label = self._table.labels[position] if position is not None else role
        return label or f"{position + 1} (without a name)"

    def decide(self) -> None:
        """Settle what one cell alone does not tell: decimal mark, order of day and month."""
        with closing(self._table.batches()) as batches:
            numbers.look_through(batches, self._numbers, self._times)

    def fill(self) -> None:
        """Read all batches; the first fault in the file's order is raised."""
        with closing(self._table.batches()) as batches:
            for columns in batches:
                self._add(columns)
        pa.default_memory_pool().release_unused()  # sorting may need it
        self._table.check_complete(self._records)
        if self._table.most_rows and not self._rows:
            raise PriceFileError("has no row with a price", self._table.name)

    def _add(self, columns: dict[str, pa.Array]) -> None:
        """Append the rows of one batch."""
        faults: list[CellFault] = []
        size = len(columns["time"])
        values = np.empty((len(self._names), size))
        for row, name in enumerate(self._names):
            values[row] = self._numbers.read(name, columns[name], faults)
        nothing = np.isnan(values).all(axis=0)
        positions = np.arange(size)
        if nothing.any():
            positions = np.flatnonzero(~(nothing & self._times.is_empty(columns)))
            columns = {role: cells.take(pa.array(positions)) for role, cells in columns.items()}
        found: list[CellFault] = []
        stamps = self._times.read(columns, found)
        self._check_symbol(columns, found)
        faults += [CellFault(int(positions[f.record]), f.column, f.problem) for f in found]
        self._check_values(values, nothing, faults)
        if faults:
            first = min(faults, key=lambda fault: fault.record)
            raise CellFault(self._records + first.record, first.column, first.problem)

        if nothing.any():
            self._left_out.append(self._records + np.flatnonzero(nothing))
            self._without_numbers.append(stamps[nothing[positions]])
            stamps, values = stamps[~nothing[positions]], values[:, ~nothing]
        end = self._rows + len(stamps)
        self._stamps[self._rows : end] = stamps
        self._block[:, self._rows : end] = values
        self._rows = end
        self._records += size

    def _check_symbol(self, columns: dict[str, pa.Array], faults: list[CellFault]) -> None:
        if "symbol" not in columns:
            return
        for symbol in columns["symbol"].unique().to_pylist():
            self._symbol = self._symbol or symbol
            if symbol and symbol != self._symbol:
                record = pc.index(columns["symbol"], symbol).as_py()
                problem = f"{symbol!r} after {self._symbol!r}: a file must hold one symbol"
                faults.append(CellFault(record, "symbol", problem))
                return

    def _check_values(
        self, values: np.ndarray, nothing: np.ndarray, faults: list[CellFault]
    ) -> None:
        """Refuse what no market prints; the first bad row of each kind joins `faults`."""
        of = dict(zip(self._names, values, strict=True))

        def refuse(bad: np.ndarray, name: str, problem: str) -> None:
            if bad.any():
                row = int(bad.argmax())
                numbers = {key: f"{of[key][row]:.12g}" for key in self._names}
                faults.append(CellFault(row, name, problem.format(**numbers)))

        for name in self._prices:
            price = of[name]
            refuse(np.isnan(price) & ~nothing, name, f"the {name} is missing")
            problem = f"the {name} is {{{name}}}, and a price must be above 0"
            if name != "close":
                problem += "; prices= can leave the column out"
            refuse(price <= 0, name, problem)
        if "volume" in of:
            refuse(of["volume"] < 0, "volume", "the volume is {volume}, below 0")
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
                    problem = f"the {upper} {{{upper}}} is below the {lower} {{{lower}}}"
                    refuse(of[upper] < of[lower] * (1 - ROUNDING), name, problem)
                    rounded |= crossed
        self._rounded += int(rounded.sum())

    def _record_of(self, row: int) -> int:
        """Return the record from which a row came."""
        left_out = np.concatenate(self._left_out)
        before = left_out - np.arange(left_out.size)
        return int(row + np.searchsorted(before, row, side="right"))

    def finish(self) -> pd.DataFrame:
        """Return the frame: instants, sorted, without repeated rows."""
        self._to_utc()
        self._sort()
        stamps, block = self._stamps[: self._rows], self._block[:, : self._rows]
        unit = "us" if _all_multiples(stamps, 1000) else "ns"
        midnight_utc = self._times.aware and _all_multiples(stamps, times.DAY)
        if unit == "us":
            stamps //= 1000
        kind = pd.DatetimeTZDtype(unit, self._zone)
        index = pd.DatetimeIndex(stamps, dtype=kind, name="time", copy=False)
        frame = pd.DataFrame(block.T, index=index, columns=self._names, copy=False)
        frame.attrs["report"] = self._report(frame, midnight_utc)
        return frame

    def _to_utc(self) -> None:
        if self._times.aware:
            return
        stamps, block = self._stamps[: self._rows], self._block
        zone = self._times.zone or self._zone_of_column or self._zone

        def repeated(one: int, other: int) -> bool:
            return np.array_equal(block[:, one], block[:, other], equal_nan=True)

        try:
            zones.to_utc_in_place(stamps, zone, _all_multiples(stamps, times.DAY), repeated)
        except CellFault as fault:
            raise CellFault(self._record_of(fault.record), fault.column, fault.problem) from None

    def _sort(self) -> None:
        stamps, block = self._stamps[: self._rows], self._block[:, : self._rows]
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
            return
        for name, column in zip(self._names, block, strict=True):
            here, there = column[repeats], column[repeats - 1]
            differ = (here != there) & ~(np.isnan(here) & np.isnan(there))
            if differ.any():
                self._refuse_disagreement(name, column, int(repeats[differ.argmax()]), order)
        keep = np.ones(self._rows, dtype=bool)
        keep[repeats] = False
        self._rows -= repeats.size
        for column in (stamps, *block):
            column[: self._rows] = column[keep]
        self._repairs.append(f"removed {counted(repeats.size, 'repeated row')}")

    def _refuse_disagreement(
        self, name: str, column: np.ndarray, row: int, order: np.ndarray | slice
    ) -> None:
        original = np.arange(self._rows)[order]
        (first, one), (second, other) = sorted(
            (self._record_of(original[at]), column[at]) for at in (row - 1, row)
        )
        time = pd.Timestamp(self._stamps[row], tz="UTC").tz_convert(self._zone)
        raise CellFault(
            second,
            name,
            f"{name} {other:.12g} and {one:.12g} in {self._table.place_of(first)} disagree: "
            f"both rows are of {_moment(time)}",
        )

    def _report(self, frame: pd.DataFrame, midnight_utc: bool) -> ReadReport:
        table, numbers_, times_ = self._table, self._numbers, self._times
        repairs, notes = [*table.repairs, *self._repairs], []
        without = np.concatenate(self._without_numbers)
        empty = sum(map(len, self._left_out)) - without.size
        if empty:
            repairs.append(f"skipped {counted(empty, 'empty row')}")
        if without.size:
            zone = self._zone if times_.aware else None
            dates = pd.DatetimeIndex(without.view("M8[ns]"), tz="UTC").tz_convert(zone)
            listed = ", ".join(map(_moment, dates[:MOST_LISTED]))
            more = f" and {without.size - MOST_LISTED} more" if without.size > MOST_LISTED else ""
            repairs.append(
                f"left out {counted(without.size, 'row')} without any number: {listed}{more}"
            )
        if numbers_.decimal == ",":
            repairs.append("read the decimal comma as a decimal point")
        if numbers_.grouped:
            grouped = [self.label(name) for name in self._names if name in numbers_.grouped]
            repairs.append(f"took out the thousands separators of {', '.join(grouped)}")

        zone = str(self._zone)
        if times_.epoch:
            notes.append(f"times are counted in {times_.epoch} since 1970, shown in {zone}")
        elif times_.aware:
            notes.append(f"times have a UTC offset, shown in {zone}")
        elif named := times_.zone or self._zone_of_column:
            notes.append(f"times are in {named}, shown in {zone}")
        else:
            notes.append(f"times have no zone, taken as {zone}")
        if midnight_utc and frame.index[0].hour:
            notes.append("every time is midnight UTC; pass tz='UTC' to keep the dates")
        if times_.day_order:
            notes.append(f"dates are {times_.day_order}")
        if "close" in self._names and not layout.is_named(self.label("close"), "close"):
            notes.append(f"the close is the column {self.label('close')}")
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
        used = {table.roles[role] for role in {*self._names, "date", "time"} & set(table.roles)}
        return ReadReport(
            file=table.name,
            rows=len(frame),
            first=_moment(frame.index[0]),
            last=_moment(frame.index[-1]),
            delimiter=table.delimiter,
            timezone=zone,
            unused_columns=tuple(
                label or f"{position} (without a name)"
                for position, label in enumerate(table.labels, start=1)
                if position - 1 not in used
            ),
            repairs=tuple(repairs),
            notes=tuple(notes),
        )


def _all_multiples(stamps: np.ndarray, divisor: int) -> bool:
    """Tell whether a divisor divides all, without an array of remainders beside the result."""
    slices = range(0, len(stamps), zones.SLICE)
    return not any((stamps[start : start + zones.SLICE] % divisor).any() for start in slices)


def _moment(time: pd.Timestamp) -> str:
    """Return a time as text, a date alone at midnight."""
    at_midnight = (time.hour, time.minute, time.second, time.nanosecond) == (0, 0, 0, 0)
    return str(time.date()) if at_midnight and not time.microsecond else str(time)
