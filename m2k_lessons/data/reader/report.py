"""What a reading tells its caller: the report of a success and the two errors."""

from typing import NamedTuple

import numpy as np

Cells = dict[str, np.ndarray]  # the columns of a batch by their role


class PriceFileError(ValueError):
    """A price file that cannot be read; the message names the file, the line and the column.

    Its attributes are `problem` (what is wrong and what to do, without the place), `file` (without
    the folder), `place` (`line 7` as an editor counts, `row 7` of a Parquet file, or None) and
    `column` (as the file names it, or None).
    """

    def __init__(
        self, problem: str, file: str, place: str | None = None, column: str | None = None
    ):
        super().__init__(problem, file, place, column)
        self.problem, self.file, self.place, self.column = problem, file, place, column

    def __str__(self) -> str:
        column = f"column {self.column}" if self.column is not None else None
        where = ", ".join(part for part in (self.file, self.place, column) if part)
        return f"{where}: {self.problem}"


class CellFault(Exception):
    """A bad cell; `record` counts within a batch, and is a line in the end (-1: none)."""

    def __init__(
        self, record: int, column: str, problem: str, remedy: str = "correct or delete the line"
    ):
        super().__init__(record, column, problem, remedy)
        self.record, self.column, self.problem = record, column, f"{problem}; {remedy}"


class ReadReport(NamedTuple):
    """What `read_prices` found in a file and what it repaired.

    It is a named tuple of plain text and numbers because pandas copies, compares and (in
    `to_parquet`) writes as JSON whatever hangs in a frame's `attrs`.

    """

    file: str  # without its folder
    rows: int  # of the frame
    first: str  # and last time, a date alone where it is midnight
    last: str
    delimiter: str  # comma, semicolon, tab or "none (Parquet)"
    timezone: str  # of the index
    unused_columns: tuple[str, ...] = ()  # of the file that are not in the frame
    repairs: tuple[str, ...] = ()  # what was changed, with counts
    notes: tuple[str, ...] = ()  # what was understood in a way worth knowing

    def __str__(self) -> str:
        lines = [
            f"{self.file}: {counted(self.rows, 'row')} from {self.first} to {self.last}",
            f"  time zone {self.timezone}; delimiter {self.delimiter}",
        ]
        if self.unused_columns:
            lines.append(f"  columns not used: {', '.join(self.unused_columns)}")
        lines += [f"  repaired: {repair}" for repair in self.repairs] or ["  nothing to repair"]
        lines += [f"  note: {note}" for note in self.notes]
        return "\n".join(lines)

    def __deepcopy__(self, memo: dict) -> "ReadReport":
        # pandas deep-copies attrs in nearly every operation; this never changes.
        return self


def counted(number: int, noun: str) -> str:
    """Return `1 row`, `2 rows`."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def shown(text: str, limit: int = 40) -> str:
    """Return a cell's text quoted, and cut where it is long."""
    return repr(text if len(text) <= limit else text[:limit] + "…")
