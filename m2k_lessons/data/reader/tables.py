"""A price file as batches of columns, each record with its line."""

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons.data.reader import files, layout
from m2k_lessons.data.reader.report import Cells, PriceFileError, counted, shown

HEAD = 1 << 16  # characters in which the column names must be found
_EDGES = "\"' \t,;"
_BLANK = " \t\r\n\f\v\x1a"

Batch = tuple[Cells, np.ndarray]  # and the line of each record


class TextTable:
    """Delimited text, read in blocks.

    `labels` are the columns as the file names them, `roles` the position of each role, `comments`
    the lines above the names, `symbol` what one of them names, `place` the word for a record's
    number, `times_aware` whether the column's type makes its times instants.
    """

    place, times_aware = "line", False

    def __init__(self, file: files.PriceFile, columns: layout.Columns):
        self.name, self._file = file.name, file
        head = next(file.blocks(), "")
        if len(head) > HEAD:
            head = head[: max(head.rfind("\n", 0, HEAD), HEAD)]
        if not head.strip():
            raise PriceFileError("is empty; download it again", self.name)
        try:
            self._layout = layout.find_layout(head.split("\n"), columns)
        except layout.LayoutFault as fault:
            place = f"line {fault.line}" if fault.line else None
            raise PriceFileError(fault.problem, self.name, place) from None
        self.roles, self.labels = self._layout.roles, self._layout.names
        self.comments, self.symbol = self._layout.comments, self._layout.symbol
        named = self._layout.data_line > 0 and not self._layout.nameless
        self.names_place = f"line {self._layout.data_line}" if named else None
        self.delimiter = layout.DELIMITERS[self._layout.delimiter]

    def _texts(self) -> Iterator[str]:
        """Yield the lines of data in blocks, without a remark and blank lines at the end."""
        held, above, begun = "", self._layout.data_line, False
        for block in self._file.blocks():
            text = block.split("\n", above)[-1] if above else block
            above = 0
            if held.strip(_BLANK) and text.strip(_BLANK):
                yield held
                held, begun = "", True
            held += text
        held = held.rstrip(_BLANK)
        last = held[held.rfind("\n") + 1 :]
        if (begun or last != held) and layout.is_footer(last, self._layout):
            remark = shown(last.strip(_EDGES))
            self.repairs.append(f"left out the last line, which is text: {remark}")
            held = held[: -len(last)].rstrip(_BLANK)
        if held:
            yield held + "\n"

    def batches(self, decimal: str | None = None, strict: bool = True) -> Iterator[Batch]:
        """Yield the columns that have a role, block by block.

        Columns of plain numbers come as float64 where the decimal mark is given, others as text.
        A line with more or fewer fields than there are names is an error if `strict`, and left
        out otherwise.
        """
        self.repairs, blank, line = [*self._layout.repairs], 0, self._layout.data_line + 1
        for text in self._texts():
            raw, fault = text.encode(), None
            if '"' not in text and self._is_regular(raw):
                columns = self._split_regular(raw, decimal)
                size = len(columns["time"])
                numbers = np.arange(line, line + size)
            else:
                lines = text.removesuffix("\n").split("\n")
                size = len(lines)
                blank += sum(not each.strip() for each in lines)
                rows, numbers, fault = self._split(lines, line, strict)
                cells = list(zip(*rows, strict=True)) or [()] * len(self.labels)
                columns = {
                    role: np.array(cells[position], dtype=object)
                    for role, position in self.roles.items()
                }
            if len(numbers):
                yield columns, numbers
            if fault is not None:
                raise fault
            line += size
        if blank:
            self.repairs.append(f"skipped {counted(blank, 'blank line')}")

    def _is_regular(self, raw: bytes) -> bool:
        """Tell whether each line has as many delimiters as the column names."""
        text = np.frombuffer(raw, dtype=np.uint8)
        ends = np.flatnonzero(text == ord("\n"))
        marks = np.flatnonzero(text == ord(self._layout.delimiter))
        width = len(self.labels) - 1
        return len(marks) == width * len(ends) and bool(
            (marks[width - 1 :: width] < ends).all() and (marks[width::width] > ends[:-1]).all()
        )

    def _split_regular(self, raw: bytes, decimal: str | None) -> dict[str, np.ndarray]:
        options: dict[str, Any] = {"header": None, "index_col": False, "na_filter": False}
        options |= {"quoting": csv.QUOTE_NONE, "skip_blank_lines": False}
        options["sep"] = self._layout.delimiter
        options |= {"names": range(len(self.labels)), "usecols": sorted(self.roles.values())}
        kinds = text = dict.fromkeys(self.roles.values(), object)
        if decimal in (".", ","):
            options["decimal"] = decimal
            kinds = text | {self.roles[role]: float for role in {*layout.NUMBERS} & {*self.roles}}
        try:
            table = pd.read_csv(io.BytesIO(raw), dtype=kinds, **options)
        except ValueError:  # a cell that is no plain number
            table = pd.read_csv(io.BytesIO(raw), dtype=text, **options)
        return {role: table[position].to_numpy() for role, position in self.roles.items()}

    def _split(
        self, lines: list[str], first: int, strict: bool
    ) -> tuple[list[list[str]], np.ndarray, PriceFileError | None]:
        """Return the fields of lines with quotes, blank lines or wrong fields among them."""
        # "end" is eaten only by a quotation mark that a line above leaves open.
        *rows, last = csv.reader([*lines, "end"], delimiter=self._layout.delimiter)
        width = len(self.labels)
        if last == ["end"] and len(rows) == len(lines) and set(map(len, rows)) == {width}:
            return rows, np.arange(first, first + len(lines)), None
        rows, numbers = [], []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            fields, *after = csv.reader([line, "end"], delimiter=self._layout.delimiter)
            if after and len(fields) == width:
                rows.append(fields)
                numbers.append(number)
            elif strict:
                problem = f"{counted(len(fields), 'field')} where the column names have {width}"
                problem = problem if after else "a quotation mark is opened and not closed"
                problem += f": {shown(line)}; correct or delete the line"
                fault = PriceFileError(problem, self.name, f"line {number}")
                return rows, np.array(numbers), fault
        return rows, np.array(numbers), None


class ParquetTable:
    """A Parquet file; the same attributes and methods as `TextTable`."""

    delimiter, place = "none (Parquet)", "row"
    names_place, symbol, comments = None, "", ()

    def __init__(self, file: files.PriceFile, columns: layout.Columns):
        self.name = file.name
        self.repairs: list[str] = []
        try:
            import pyarrow

            with file.open_stored() as stored:
                frame = pd.read_parquet(stored, engine="pyarrow")
        except ImportError:
            problem = "is a Parquet file, which needs the package pyarrow: run "
            problem += "%pip install pyarrow  or save the prices as CSV"
            raise PriceFileError(problem, file.name) from None
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            problem = f"is a damaged Parquet file: {error}; download it again"
            raise PriceFileError(problem, file.name) from error
        if not isinstance(frame.index, pd.RangeIndex):
            frame = frame.reset_index()
        self.labels = list(map(str, frame.columns))
        try:
            self.roles = layout.find_parquet_roles(self.labels, columns)
        except layout.LayoutFault as fault:
            raise PriceFileError(fault.problem, self.name) from None
        if frame.empty:
            problem = "has no rows: it has column names and no rows; download it again"
            raise PriceFileError(problem, self.name)
        self._cells = {}
        for role, position in self.roles.items():
            cells = frame.iloc[:, position]
            if cells.dtype.kind in "bmc" or (cells.dtype.kind == "M" and role in layout.NUMBERS):
                wanted = "dates or text" if role in ("time", "date") else "numbers or text"
                problem = f"holds {cells.dtype}, not {wanted}; name another column with columns="
                raise PriceFileError(problem, self.name, column=self.labels[position])
            self._cells[role] = cells
        self.times_aware = isinstance(self._cells["time"].dtype, pd.DatetimeTZDtype)

    def batches(self, decimal: str | None = None, strict: bool = True) -> Iterator[Batch]:
        columns = {role: _plain(cells, role) for role, cells in self._cells.items()}
        yield columns, np.arange(1, len(columns["time"]) + 1)


def open_table(file: files.PriceFile, columns: layout.Columns) -> TextTable | ParquetTable:
    """Return the table in a file, by what the file's first bytes say."""
    return (ParquetTable if file.is_parquet else TextTable)(file, columns)


def _plain(cells: pd.Series, role: str) -> np.ndarray:
    """Return a Parquet column as text, as float64, or as datetime64 (UTC where it has a zone)."""
    if cells.dtype.kind == "M":
        zoned = isinstance(cells.dtype, pd.DatetimeTZDtype)
        return (cells.dt.tz_convert(None) if zoned else cells).to_numpy()
    if role in layout.NUMBERS and cells.dtype.kind in "iuf":
        return cells.to_numpy(dtype=float)
    return np.array([str(cell) if pd.notna(cell) else "" for cell in cells], dtype=object)
