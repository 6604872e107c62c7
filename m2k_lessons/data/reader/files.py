"""The text of a price file in blocks of whole lines, whatever compression and encoding it has."""

import codecs
import importlib
import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from m2k_lessons.data.reader.report import PriceFileError

# What unpacks a file that begins so: Python's own modules, of which a browser may lack one.
PACKED = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ": "lzma"}
ZIP, ZSTANDARD = b"PK\x03\x04", b"\x28\xb5\x2f\xfd"
HEAD, BLOCK = 1 << 16, 1 << 20  # bytes at a time: the first that tell most, and the others
CONTROL = re.compile(r"[\x00-\x08\x0e-\x19\x1b-\x1f]")
SAVE_AS_CSV = "open it in a spreadsheet and save it as CSV (comma-separated text)"
FOREIGN = {  # what a file begins with, in small letters and without blanks: its kind, what to do
    b"\xd0\xcf\x11\xe0": ("an old Excel workbook", SAVE_AS_CSV),
    b"%pdf": ("a PDF", "download the prices as CSV"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it and pass the file in it"),
    b"rar!": ("a RAR archive", "unpack it and pass the file in it"),
    b"<?xml": ("XML", SAVE_AS_CSV),
    b"<": ("a web page (HTML)", "download the prices as CSV, or " + SAVE_AS_CSV),
    b"{": ("JSON", "ask its source for CSV, or make a table of it with pandas.DataFrame(...) and "
           "save that: frame.to_csv('prices.csv')"),
}  # fmt: skip
FOREIGN[b"["] = FOREIGN[b"{"]


class PriceFile:
    """A file on disk, or an open file object, that can be read again and again.

    `name` is without the folder; `encoding` is `utf-8-sig` until a byte says otherwise.
    """

    def __init__(self, path: str | os.PathLike | BinaryIO):
        opened = hasattr(path, "read")
        self._path = Path(str(getattr(path, "name", "<file>")) if opened else path)  # type: ignore[arg-type]
        self.name, self.encoding = self._path.name or str(self._path), "utf-8-sig"
        content = path.read() if opened else None  # type: ignore[union-attr]
        self._content = content.encode("utf-8") if isinstance(content, str) else content
        if not opened and self._path.is_dir():
            raise PriceFileError("is a folder; name one file in it", self.name)
        with self.open_stored() as stored:
            self._magic = stored.read(6)

    @property
    def is_parquet(self) -> bool:
        return self._magic.startswith(b"PAR1")

    def open_stored(self) -> BinaryIO:
        """Return the bytes as they are stored; the caller closes them."""
        return io.BytesIO(self._content) if self._content is not None else self._path.open("rb")

    def blocks(self) -> Iterator[str]:
        """Yield the text in blocks of whole lines, each ended by a line feed but perhaps the last.

        Raises UnicodeDecodeError if the text is not UTF-8 and has no mark of UTF-16: set `encoding`
        and begin again.
        """
        rest = ""
        try:
            with self._open_unpacked() as stream:
                raw = stream.read(HEAD)
                decoder, first = self._decoder(raw), raw
                while raw:
                    text = rest + decoder.decode(raw)
                    if "\0" in text or (raw is first and CONTROL.search(text)):
                        problem = f"is not a text file: control characters; {SAVE_AS_CSV}"
                        raise PriceFileError(problem, self.name)
                    cut = text.rfind("\n") + 1
                    if cut:
                        yield text[:cut]
                    rest, raw = text[cut:], stream.read(BLOCK)
            rest += decoder.decode(b"", final=True)
        except PriceFileError:
            raise
        except UnicodeError as error:
            if isinstance(error, UnicodeDecodeError) and self.encoding == "utf-8-sig":
                raise
            problem = "is not a text file: its UTF-16 is broken; download it again"
            raise PriceFileError(problem, self.name) from None
        except Exception as error:
            # What the unpackers raise for a damaged file has no common kind.
            if not self._magic.startswith((*PACKED, ZIP, ZSTANDARD)):
                raise
            problem = f"cannot be unpacked: {error}; download it again, or unpack it yourself"
            raise PriceFileError(problem, self.name) from error
        if rest:
            yield rest

    def _open_unpacked(self) -> BinaryIO:
        stored = self._path if self._content is None else io.BytesIO(self._content)
        for magic, module in PACKED.items():
            if self._magic.startswith(magic):
                return importlib.import_module(module).open(stored)
        if self._magic.startswith(ZSTANDARD):
            try:
                import pyarrow
            except ModuleNotFoundError:
                problem = "is packed with Zstandard, which needs the package pyarrow: run "
                problem += "%pip install pyarrow  or unpack it with the program  zstd -d"
                raise PriceFileError(problem, self.name) from None
            return pyarrow.CompressedInputStream(self.open_stored(), "zstd")
        if not self._magic.startswith(ZIP):
            return self.open_stored()
        with zipfile.ZipFile(stored) as archive:
            members = [m for m in archive.namelist() if not re.search(r"/$|^__MACOSX/", m)]
            if "[Content_Types].xml" in members:
                raise self._foreign("an Excel workbook", SAVE_AS_CSV)
            if len(members) != 1:
                problem = f"must hold one file, this zip archive holds {len(members)}: "
                problem += f"{', '.join(members[:5])}; unpack it and pass one of them"
                raise PriceFileError(problem, self.name)
            return archive.open(members[0])  # type: ignore[return-value] # the archive stays open with it

    def _foreign(self, kind: str, remedy: str) -> PriceFileError:
        return PriceFileError(f"is {kind}, not a text of prices; {remedy}", self.name)

    def _decoder(self, first: bytes) -> io.IncrementalNewlineDecoder:
        """Tell the encoding by the first bytes, and refuse what is no text of prices."""
        if not first:
            raise PriceFileError("is empty; download it again", self.name)
        begins = first[:200].removeprefix(codecs.BOM_UTF8).lstrip().lower()
        for magic, kind in FOREIGN.items():
            column = magic == b"<" and re.match(rb"<[a-z_]+>[,;\t]", begins)  # <DATE>,<OPEN>
            if begins.startswith(magic) and not column:
                raise self._foreign(*kind)
        if self.encoding == "utf-8-sig":
            zeros = [first[start::2].count(0) > 0.4 * len(first) for start in (0, 1)]
            if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                self.encoding = "utf-16"
            elif len(first) >= 16 and any(zeros):
                self.encoding = "utf-16-le" if zeros[1] else "utf-16-be"
        errors = "replace" if self.encoding == "cp1252" else "strict"
        decoder = codecs.getincrementaldecoder(self.encoding)(errors)
        return io.IncrementalNewlineDecoder(decoder, translate=True)
