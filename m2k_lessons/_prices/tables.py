"""A price file as batches of columns, each record with its line."""

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from m2k_lessons._prices import files, layout
from m2k_lessons._prices.report import PriceFileError, counted, shown

HEAD = 1 << 16  # characters in which the column names must be found
_EDGES = "\"' \t,;"
_BLANK = " \t\r\n\f\v\x1a"

Batch = tuple[dict[str, np.ndarray], np.ndarray]  # role -> cells, and the line of each record


class TextTable:
    """Delimited text, read in blocks.

    Attributes
    ----------
    name : str
        Name of the file.
    delimiter : str
        In words.
    labels : list of str
        The columns as the file names them.
    place : str
        What a record's number counts: `line`.
    names_place : str or None
        Where the columns are named.
    roles : dict
        Role of a column -> its position.
    comments : list of str
        Lines above the column names.
    symbol : str
        As a line above the data has it, else empty.
    times_aware : bool
        True where the column type itself says that times are instants.
    repairs : list of str
        What was changed on the way here.
    """

    place = "line"
    times_aware = False

    def __init__(
        self,
        file: files.PriceFile,
        columns: Mapping[str, str | None] | Sequence[str | None] | None,
    ):
        self.name = file.name
        self._file = file
        head = next(file.blocks(), "")
        if len(head) > HEAD:
            head = head[: max(head.rfind("\n", 0, HEAD), HEAD)]
        lines = head.split("\n")
        if not any(line.strip() for line in lines):
            raise PriceFileError("is empty; download it again", self.name)
        try:
            self._layout = layout.find_layout(lines, columns)
        except layout.LayoutFault as fault:
            place = f"line {fault.line}" if fault.line else None
            raise PriceFileError(fault.problem, self.name, place) from None
        self.roles = self._layout.roles
        self.labels = self._layout.names
        named = self._layout.data_line > 0 and not self._layout.nameless
        self.names_place = f"line {self._layout.data_line}" if named else None
        self.delimiter = layout.DELIMITERS[self._layout.delimiter]
        self.comments, self.symbol = self._layout.comments, self._layout.symbol
        self._found: list[str] = []

    @property
    def repairs(self) -> list[str]:
        return [*self._layout.repairs, *self._found]

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
            self._found.append(f"left out the last line, which is text: {remark}")
            held = held[: -len(last)].rstrip(_BLANK)
        if held:
            yield held + "\n"

    def batches(self, decimal: str | None = None, strict: bool = True) -> Iterator[Batch]:
        """Yield the columns that have a role, block by block.

        Columns of plain numbers come as float64 where the decimal mark is given, others as text.
        A line with more or fewer fields than there are names is an error if `strict`, and left
        out otherwise.
        """
        self._found, blank, line = [], 0, self._layout.data_line + 1
        for text in self._texts():
            raw = text.encode()
            if '"' not in text and self._is_regular(raw):
                columns = self._split_regular(raw, decimal)
                size = len(columns["time"])
                yield columns, np.arange(line, line + size)
            else:
                lines = text.removesuffix("\n").split("\n")
                rows, numbers, fault = self._split(lines, line, strict)
                blank += sum(not each.strip() for each in lines)
                if rows:
                    cells = list(zip(*rows, strict=True))
                    columns = {
                        role: np.array(cells[position], dtype=object)
                        for role, position in self.roles.items()
                    }
                    yield columns, numbers
                if fault is not None:
                    raise fault
                size = len(lines)
            line += size
        if blank:
            self._found.append(f"skipped {counted(blank, 'blank line')}")

    def _is_regular(self, raw: bytes) -> bool:
        """Tell whether each line has as many delimiters as the column names."""
        text = np.frombuffer(raw, dtype=np.uint8)
        ends = np.flatnonzero(text == ord("\n"))
        marks = np.flatnonzero(text == ord(self._layout.delimiter))
        width = len(self.labels) - 1
        if len(marks) != width * len(ends):
            return False
        return bool((marks[width - 1 :: width] < ends).all()) and bool(
            (marks[width::width] > ends[:-1]).all()
        )

    def _split_regular(self, raw: bytes, decimal: str | None) -> dict[str, np.ndarray]:
        options = {
            "sep": self._layout.delimiter,
            "header": None,
            "names": range(len(self.labels)),
            "usecols": sorted(self.roles.values()),
            "index_col": False,
            "na_filter": False,
            "quoting": csv.QUOTE_NONE,
            "skip_blank_lines": False,
        }
        kinds = dict.fromkeys(self.roles.values(), object)
        if decimal in (".", ","):
            kinds |= {self.roles[role]: float for role in layout.NUMBERS if role in self.roles}
            options["decimal"] = decimal
        try:
            table = pd.read_csv(io.BytesIO(raw), dtype=kinds, **options)
        except ValueError:  # a cell that is no plain number
            table = pd.read_csv(io.BytesIO(raw), dtype=dict.fromkeys(kinds, object), **options)
        return {role: table[position].to_numpy() for role, position in self.roles.items()}

    def _split(
        self, lines: list[str], first: int, strict: bool
    ) -> tuple[list[list[str]], np.ndarray, PriceFileError | None]:
        """Return the fields of lines with quotes, blank lines or wrong fields among them."""
        # The last line is eaten only by a quotation mark that a line above leaves open.
        *rows, last = csv.reader([*lines, "end"], delimiter=self._layout.delimiter)
        if last == ["end"] and len(rows) == len(lines) and set(map(len, rows)) == {len(self.labels)}:
            return rows, np.arange(first, first + len(lines)), None
        rows, numbers = [], []
        for number, line in enumerate(lines, first):
            if not line.strip():
                continue
            fields, *after = csv.reader([line, "end"], delimiter=self._layout.delimiter)
            problem = None
            if not after:
                problem = f"a quotation mark is opened and not closed: {shown(line)}"
            elif len(fields) != len(self.labels):
                problem = (
                    f"{counted(len(fields), 'field')} where the column names have "
                    f"{len(self.labels)}: {shown(line)}"
                )
            if problem is None:
                rows.append(fields)
                numbers.append(number)
            elif strict:
                problem += "; correct or delete the line"
                fault = PriceFileError(problem, self.name, f"line {number}")
                return rows, np.array(numbers), fault
        return rows, np.array(numbers), None


class ParquetTable:
    """A Parquet file; the same attributes and methods as `TextTable`."""

    delimiter = "none (Parquet)"
    place = "row"
    names_place = None
    symbol = ""

    def __init__(
        self,
        file: files.PriceFile,
        columns: Mapping[str, str | None] | Sequence[str | None] | None,
    ):
        self.name = file.name
        self._file = file
        self.repairs: list[str] = []
        self.comments: list[str] = []
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ModuleNotFoundError:
            raise PriceFileError(
                "is a Parquet file, which needs the package pyarrow: run  %pip install pyarrow  "
                "or save the prices as CSV",
                file.name,
            ) from None
        self._open, self._arrow_errors = pq.ParquetFile, (pa.ArrowException, OSError)
        try:
            with file.open_stored() as stored:
                parquet = self._open(stored)
                schema, rows = parquet.schema_arrow, parquet.metadata.num_rows
        except self._arrow_errors as error:
            raise self._damaged(error) from error
        self.labels = schema.names
        try:
            self.roles = layout.find_parquet_roles(self.labels, columns)
        except layout.LayoutFault as fault:
            raise PriceFileError(fault.problem, self.name) from None
        if not rows:
            raise PriceFileError("has column names and no rows; download it again", self.name)
        for role, position in self.roles.items():
            kind, moment = str(schema.types[position]), role in ("time", "date")
            if re.match("bool|binary|large_b|struct|list|map|large_l|fixed|duration|time[36]", kind) or (
                not moment and re.match("timestamp|date", kind)
            ):
                wanted = "dates, timestamps or text" if moment else "numbers or text"
                problem = f"holds {kind}, not {wanted}; name another column with columns="
                raise PriceFileError(problem, self.name, column=self.labels[position])
        self.times_aware = "tz=" in str(schema.types[self.roles["time"]])

    def _damaged(self, error: Exception) -> PriceFileError:
        problem = f"is a damaged Parquet file: {error}; download it again"
        return PriceFileError(problem, self.name)

    def batches(self, decimal: str | None = None, strict: bool = True) -> Iterator[Batch]:
        names = {role: self.labels[position] for role, position in self.roles.items()}
        row = 1
        with self._file.open_stored() as stored:
            try:
                for batch in self._open(stored).iter_batches(1 << 16, columns=list(names.values())):
                    columns = {role: _cells(batch.column(name), role) for role, name in names.items()}
                    yield columns, np.arange(row, row + batch.num_rows)
                    row += batch.num_rows
            except self._arrow_errors as error:
                raise self._damaged(error) from error


def open_table(
    file: files.PriceFile, columns: Mapping[str, str | None] | Sequence[str | None] | None
) -> TextTable | ParquetTable:
    """Return the table in a file, by what the file's first bytes say."""
    return (ParquetTable if file.is_parquet else TextTable)(file, columns)


def _cells(column, role: str) -> np.ndarray:
    """Return a Parquet column as text, as float64 or as datetime64 (UTC where it has a zone)."""
    kind = str(column.type)
    if re.match("timestamp|date", kind):
        return column.to_numpy(zero_copy_only=False)
    if role in layout.NUMBERS and re.match("float|double|halffloat|decimal|u?int", kind):
        return column.cast("float64", safe=False).to_numpy(zero_copy_only=False)
    return np.array(column.cast("string").fill_null("").to_pylist(), dtype=object)
