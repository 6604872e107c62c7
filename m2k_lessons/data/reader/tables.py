"""A price file as batches of columns, and the line of a record when something is wrong in it."""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from m2k_lessons.data.reader import files, layout
from m2k_lessons.data.reader.report import PriceFileError, counted, shown

_EDGES = "\"' \t,;"
BLOCK = 1 << 18  # bytes of text at a time; the parser holds several of them


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
    names_place : str or None
        Where it names them.
    roles : dict
        Role of a column -> its position.
    most_rows : int
        No fewer than there are records.
    repairs : list of str
        What was changed on the way here.
    """

    def __init__(
        self,
        file: files.PriceFile,
        columns: Mapping[str, str] | Sequence[str | None] | None,
    ):
        self.name = file.name
        self._file = file
        survey = file.survey()
        ends = [found.end() for found in files.LINE.finditer(survey.head)]
        if survey.size > len(survey.head):
            ends = ends[: max(len(ends) - 2, 1)]  # the last line of the head may be cut
        starts = [0, *ends]
        lines = [
            survey.head[a:b].decode("utf-8", errors="replace").rstrip("\r\n").lstrip("\ufeff")
            for a, b in zip(starts, ends, strict=False)
        ]
        if not any(line.strip() for line in lines):
            raise PriceFileError("is empty", self.name)
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
        self.repairs = self._layout.repairs
        self._start = starts[self._layout.data_line]
        if not self._start and survey.head.startswith(b"\xef\xbb\xbf"):
            self._start = 3
        self._end, line_ends = self._find_end(survey)
        self.most_rows = line_ends + 1 - self._layout.data_line
        if self._end <= self._start or self.most_rows <= 0:
            raise PriceFileError("has column names and no rows", self.name)
        self._ragged = 0

    def _find_end(self, survey: files.Survey) -> tuple[int, int]:
        """Return where the last row of data ends, and how many line ends stand before it."""
        before = survey.size - len(survey.tail)
        tail = _without_blank_lines_at_end(survey.tail)
        last = max(tail.rfind(b"\n"), tail.rfind(b"\r")) + 1
        line = tail[last:].decode("utf-8", errors="replace")
        if before + last > self._start and layout.is_footer(line, self._layout):
            self.repairs.append(
                f"left out the last line, which is text: {shown(line.strip(_EDGES))}"
            )
            tail = _without_blank_lines_at_end(tail[:last])
        line_ends = survey.line_ends - files.count_line_ends(survey.tail[len(tail) :])
        return before + len(tail), line_ends

    def batches(self) -> Iterator[dict[str, pa.Array]]:
        """Yield the columns that have a role, as text, block by block."""
        names = [str(position) for position in range(len(self.labels))]
        wanted = {role: str(position) for role, position in self.roles.items()}
        self._ragged = 0
        with self._file.open_text(self._start, self._end) as text:
            try:
                reader = pyarrow.csv.open_csv(
                    text,
                    pyarrow.csv.ReadOptions(column_names=names, block_size=BLOCK),
                    pyarrow.csv.ParseOptions(
                        delimiter=self._layout.delimiter, invalid_row_handler=self._note_ragged
                    ),
                    pyarrow.csv.ConvertOptions(
                        column_types=dict.fromkeys(names, pa.string()),
                        include_columns=list(wanted.values()),
                        strings_can_be_null=False,
                    ),
                )
                with closing(reader):
                    for batch in reader:
                        yield {role: batch.column(name) for role, name in wanted.items()}
            except pa.ArrowInvalid as error:
                problem = f"cannot be split into rows and columns: {error}"
                raise PriceFileError(problem, self.name) from error

    def _note_ragged(self, row: pyarrow.csv.InvalidRow) -> str:
        self._ragged += bool(row.text.strip())
        return "skip"

    def place_of(self, record: int) -> str:
        """Return the line of a record, or raise what is wrong with a line above it."""
        for index, line in enumerate(self._records()):
            if index == record:
                return f"line {line}"
        raise PriceFileError("changed while it was read", self.name)

    def check_complete(self, records: int) -> None:
        """Make sure that every line that is not blank became one record."""
        if records == self.most_rows and not self._ragged:
            return
        lines = sum(1 for _ in self._records())
        if lines != records:
            raise PriceFileError("changed while it was read", self.name)
        self.repairs.append(f"skipped {counted(self.most_rows - lines, 'blank line')}")

    def _records(self) -> Iterator[int]:
        """Yield the line of each record; slow, and needed only where something is wrong."""
        first = self._layout.data_line + 1
        for number, line in enumerate(self._file.lines(self._start, self._end), first):
            if not line.strip():
                continue
            # The second line is eaten only by a quotation mark that the first leaves open.
            rows = list(csv.reader([line, "end"], delimiter=self._layout.delimiter))
            if len(rows) != 2:
                problem = f"a quotation mark is opened and not closed: {shown(line)}"
                raise PriceFileError(problem, self.name, f"line {number}")
            if len(rows[0]) != len(self.labels):
                problem = (
                    f"{counted(len(rows[0]), 'field')} where the column names have "
                    f"{len(self.labels)}: {shown(line)}"
                )
                raise PriceFileError(problem, self.name, f"line {number}")
            yield number


class ParquetTable:
    """A Parquet file; the same attributes and methods as `TextTable`."""

    delimiter = "none (Parquet)"
    names_place = None

    def __init__(
        self,
        file: files.PriceFile,
        columns: Mapping[str, str] | Sequence[str | None] | None,
    ):
        self.name = file.name
        self._file = file
        self.repairs: list[str] = []
        try:
            with file.open_stored() as stored:
                parquet = pyarrow.parquet.ParquetFile(stored)
                schema, self.most_rows = parquet.schema_arrow, parquet.metadata.num_rows
        except (pa.ArrowException, OSError) as error:
            raise PriceFileError(f"is a damaged Parquet file: {error}", self.name) from error
        self.labels = schema.names
        try:
            self.roles = layout.find_parquet_roles(self.labels, columns)
        except layout.LayoutFault as fault:
            raise PriceFileError(fault.problem, self.name) from None
        if not self.most_rows:
            raise PriceFileError("has column names and no rows", self.name)
        for position in self.roles.values():
            kind = schema.types[position]
            if pa.types.is_nested(kind) or pa.types.is_boolean(kind) or pa.types.is_binary(kind):
                problem = f"holds {kind}, not numbers, text or times"
                raise PriceFileError(problem, self.name, column=self.labels[position])

    def batches(self) -> Iterator[dict[str, pa.Array]]:
        names = {role: self.labels[position] for role, position in self.roles.items()}
        with self._file.open_stored() as stored:
            try:
                parquet = pyarrow.parquet.ParquetFile(stored)
                for batch in parquet.iter_batches(1 << 16, columns=list(names.values())):
                    yield {role: _simplified(batch.column(name)) for role, name in names.items()}
            except (pa.ArrowException, OSError) as error:
                raise PriceFileError(f"is a damaged Parquet file: {error}", self.name) from error

    def place_of(self, record: int) -> str:
        return f"row {record + 1}"

    def check_complete(self, records: int) -> None:
        if records != self.most_rows:
            raise PriceFileError("changed while it was read", self.name)


def open_table(
    file: files.PriceFile, columns: Mapping[str, str] | Sequence[str | None] | None
) -> TextTable | ParquetTable:
    """Return the table in a file, by what the file's first bytes say."""
    return (ParquetTable if file.is_parquet else TextTable)(file, columns)


def _without_blank_lines_at_end(text: bytes) -> bytes:
    body = len(text.rstrip(b" \t\r\n\f\v\x1a"))
    line_end = re.compile(rb"[\r\n]").search(text, body) if body else None
    return text[: line_end.start()] if line_end else text


def _simplified(cells: pa.Array) -> pa.Array:
    """Return a Parquet column as text, numbers or times."""
    if pa.types.is_floating(cells.type) or pa.types.is_integer(cells.type):
        return cells
    if pa.types.is_decimal(cells.type):
        return cells.cast(pa.float64(), safe=False)
    if pa.types.is_temporal(cells.type):
        return cells
    return cells.cast(pa.string()).fill_null("")
