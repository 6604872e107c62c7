"""The bytes of a price file as one UTF-8 stream, whatever compression and encoding it has."""

import codecs
import gzip
import io
import os
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from m2k_lessons.data.reader.report import PriceFileError

GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"
CHUNK = 1 << 20
EDGE = 1 << 16  # bytes kept of the beginning and of the end; a header and a last line fit easily
CONTROL = bytes(set(range(32)) - set(b"\t\n\r\f\v\x1a"))
LINE = re.compile(rb"[^\r\n]*(?:\r\n|\r|\n|\Z)")
FOREIGN = {
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"%pdf": "a PDF",
    b"<!do": "a web page",
    b"<htm": "a web page",
}


class Survey(NamedTuple):
    """What one pass over the bytes tells: enough to allocate exactly and to find both ends."""

    head: bytes  # the first lines
    tail: bytes  # the last lines
    size: int  # bytes, counted in UTF-8
    line_ends: int  # counted as editors do: "\r\n", "\n" or "\r"


class PriceFile:
    """A file on disk, or an open file object, that can be opened again and again."""

    def __init__(self, path: str | os.PathLike | BinaryIO):
        if hasattr(path, "read"):
            self.name = Path(str(getattr(path, "name", "<file>"))).name
            content = path.read()
            self._content = content.encode("utf-8") if isinstance(content, str) else content
        else:
            self._content = None
            self._path = Path(path)
            self.name = self._path.name or str(self._path)
            if self._path.is_dir():
                raise PriceFileError("is a folder; name one file in it", self.name)
        self.encoding = "utf-8"
        with self.open_stored() as stored:
            self.magic = stored.read(4)

    @property
    def is_parquet(self) -> bool:
        return self.magic == b"PAR1"

    def open_stored(self) -> BinaryIO:
        """Return the bytes as they are stored; the caller closes them."""
        return io.BytesIO(self._content) if self._content is not None else self._path.open("rb")

    def _open_unpacked(self) -> BinaryIO:
        """Return the bytes with gzip or zip undone."""
        if self.magic.lower() in FOREIGN:
            raise self._foreign(FOREIGN[self.magic.lower()])
        stored = self._path if self._content is None else io.BytesIO(self._content)
        if self.magic.startswith(GZIP):
            return gzip.open(stored)
        if self.magic != ZIP:
            return self.open_stored()
        with zipfile.ZipFile(stored) as archive:
            members = [m for m in archive.namelist() if not re.search(r"/$|^__MACOSX/", m)]
            if "[Content_Types].xml" in members:
                raise self._foreign("an Excel workbook")
            if len(members) != 1:
                problem = f"must hold one file, this zip archive holds {len(members)}"
                raise PriceFileError(f"{problem}: {', '.join(members[:5])}", self.name)
            return archive.open(members[0])  # keeps the archive's file open until it is closed

    def _foreign(self, kind: str) -> PriceFileError:
        return PriceFileError(
            f"is {kind}, not a text file; save it as CSV (comma-separated text)", self.name
        )

    def open_text(self, start: int = 0, end: int | None = None) -> io.BufferedReader:
        """Return the text as UTF-8 bytes from `start` up to `end`; the caller closes it."""
        stream = _Utf8Stream(self._open_unpacked(), self.encoding, start, end)
        return io.BufferedReader(stream, CHUNK)

    def lines(self, start: int, end: int) -> Iterator[str]:
        """Yield the text's lines as an editor shows them, without their ends."""
        with io.TextIOWrapper(self.open_text(start, end), encoding="utf-8") as text:
            for line in text:
                yield line.removesuffix("\n")

    def survey(self) -> Survey:
        """Find the encoding and read everything once, keeping only counts and both edges."""
        try:
            with self._open_unpacked() as stream:
                self.encoding = self._encoding_by_first_bytes(stream.read(1 << 12))
            try:
                return self._survey()
            except UnicodeDecodeError:
                if self.encoding != "utf-8":
                    raise
                # Not UTF-8 and no mark of UTF-16: the Western encoding that Windows writes,
                # which agrees with Latin-1 on every letter.
                self.encoding = "cp1252"
                return self._survey()
        except PriceFileError:
            raise
        except UnicodeError:
            raise PriceFileError("is not a text file: its UTF-16 is broken", self.name) from None
        except Exception as error:
            # What zipfile and the unpackers raise for a damaged file has no common kind.
            if not self.magic.startswith((GZIP, ZIP)):
                raise
            raise PriceFileError(f"cannot be unpacked: {error}", self.name) from error

    def _encoding_by_first_bytes(self, first: bytes) -> str:
        if not first:
            raise PriceFileError("is empty", self.name)
        if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if len(first) >= 16 and first[1::2].count(0) > 0.8 * len(first) / 2:
            return "utf-16-le"
        if len(first) >= 16 and first[0::2].count(0) > 0.8 * len(first) / 2:
            return "utf-16-be"
        return "utf-8"

    def _survey(self) -> Survey:
        head = tail = b""
        size = line_ends = 0
        after_return = False  # the chunk before ended in "\r", whose "\n" may follow
        decoder = codecs.getincrementaldecoder("utf-8")()
        plain = True  # ASCII so far, nothing half-decoded
        with self.open_text() as stream:
            while chunk := stream.read(CHUNK):
                if not (plain and chunk.isascii()):
                    plain = False
                    decoder.decode(chunk)
                self._refuse_binary(chunk, line_ends, first=not size)
                if len(head) < EDGE:
                    head += chunk[: EDGE - len(head)]
                tail = (tail + chunk)[-EDGE:]
                size += len(chunk)
                line_ends += count_line_ends(chunk) - (after_return and chunk[:1] == b"\n")
                after_return = chunk.endswith(b"\r")
        decoder.decode(b"", final=True)
        return Survey(head, tail, size, line_ends)

    def _refuse_binary(self, chunk: bytes, line_ends: int, first: bool) -> None:
        if b"\0" in chunk:
            line = line_ends + chunk.count(b"\n", 0, chunk.index(b"\0")) + 1
            raise PriceFileError("is not a text file: zero bytes", self.name, f"line {line}")
        if first and len(chunk.translate(None, CONTROL)) < len(chunk):
            raise PriceFileError("is not a text file: control characters", self.name)


def count_line_ends(text: bytes) -> int:
    """Count line ends as editors do, all three kinds of them."""
    ends = text.count(b"\n")
    return ends + text.count(b"\r") - text.count(b"\r\n") if b"\r" in text else ends


class _Utf8Stream(io.RawIOBase):
    """A window of a text, decoded from its own encoding and given as UTF-8."""

    def __init__(self, stored: BinaryIO, encoding: str, start: int, end: int | None):
        self._stored = stored
        self._decoder = (
            None
            if encoding == "utf-8"
            else codecs.getincrementaldecoder(encoding)(
                "replace" if encoding == "cp1252" else "strict"
            )
        )
        self._pending = b""
        self._left = float("inf") if end is None else end - start
        if self._decoder is None:
            self._stored.seek(start)
        else:
            while start > 0 and (skipped := self._next(start)):
                start -= len(skipped)

    def readable(self) -> bool:
        return True

    def _next(self, limit: int) -> bytes:
        if self._decoder is None:
            return self._stored.read(limit)
        ended = False
        while not self._pending and not ended:
            raw = self._stored.read(CHUNK // 4)
            ended = not raw
            self._pending = self._decoder.decode(raw, final=ended).encode("utf-8")
        given, self._pending = self._pending[:limit], self._pending[limit:]
        return given

    def readinto(self, buffer) -> int:
        given = self._next(int(min(len(buffer), self._left)))
        self._left -= len(given)
        buffer[: len(given)] = given
        return len(given)

    def close(self) -> None:
        self._stored.close()
        super().close()
