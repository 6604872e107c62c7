"""Files that survive a crash: the saved account, the log, the journal."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd

FORMAT = "m2k paper account"
VERSION = 2
JOURNAL_COLUMNS = {
    "time": "time",
    "event": "str",
    "order": "Int64",
    "text": "str",
    "contracts": "Int64",
    "price": "float64",
    "fee_usd": "float64",
    "realised_usd": "float64",
    "cash_usd": "float64",
    "position": "int64",
}


def to_bytes(data: Any) -> bytes:
    """JSON with one way to write each value: equal data, equal bytes."""
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("ascii") + b"\n"


def from_bytes(data: bytes, where: str) -> dict[str, Any]:
    if not isinstance(data, bytes):
        raise TypeError(f"{where} must be bytes, got {type(data).__name__}")
    try:
        found = json.loads(data.decode("ascii"))
    except ValueError as error:
        raise ValueError(f"{where} must be what an account has saved: {error}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise ValueError(f"{where} must be what an account has saved, got other JSON")
    if found.get("version") != VERSION:
        raise ValueError(
            f"{where} must be of version {VERSION} of the format, got {found.get('version')!r}"
        )
    return found


def replace(path: str | os.PathLike, data: bytes) -> None:
    """Put a file in place as a whole: after a crash the old one or the new one is there."""
    path = Path(path)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    if os.name == "posix":  # elsewhere a folder can't be opened, and needs no flush
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


class Log:
    """Append-only file: the account as it was, then one line for each command and its fills."""

    def __init__(self, path: str | os.PathLike) -> None:
        self.path = Path(path)
        self._broken = False

    def check(self) -> None:
        if self._broken:
            raise RuntimeError(
                f"log {self.path.name} could not be written: the account stands still; "
                "PaperAccount.recover continues from what was reported"
            )

    def append(self, line: dict[str, Any], *, durable: bool) -> None:
        """Write a line; a durable one is on the disk before this returns."""
        try:
            # Opened anew each time: nothing to close, and on Windows nothing in the way.
            with self.path.open("ab") as file:
                file.write(to_bytes(line))
                file.flush()
                if durable:
                    os.fsync(file.fileno())
        except BaseException:
            self._broken = True
            raise


def read_log(path: str | os.PathLike) -> tuple[dict[str, Any], list[dict[str, Any]], int]:
    """The account as it was, the commands since, and the length of what is whole.

    The last line may have been torn by a crash: it was never reported, and is left out.
    """
    data = Path(path).read_bytes()
    whole = data.rfind(b"\n") + 1
    lines = data[:whole].splitlines(keepends=True)
    if not lines:
        raise ValueError(f"log {Path(path).name} must begin with an account, got an empty file")
    header = from_bytes(lines[0], f"line 1 of log {Path(path).name}")
    commands = []
    for number, line in enumerate(lines[1:], start=2):
        try:
            command = json.loads(line)
            known = {"do", "fills", "cash"} <= set(command)
        except (ValueError, TypeError):
            known = False
        if not known:
            raise ValueError(f"log {Path(path).name} is damaged in line {number}: {line[:60]!r}")
        commands.append(command)
    return header, commands, whole


def truncate(path: str | os.PathLike, length: int) -> None:
    with Path(path).open("r+b") as file:
        file.truncate(length)
        file.flush()
        os.fsync(file.fileno())


def write_journal(journal: pd.DataFrame, path: str | os.PathLike) -> None:
    missing = [name for name in JOURNAL_COLUMNS if name not in journal.columns]
    if missing:
        raise ValueError(f"journal must have the columns of an account's journal, not {missing}")
    table = journal[list(JOURNAL_COLUMNS)].copy()
    table["time"] = [moment.isoformat() for moment in table["time"]]
    replace(path, table.to_csv(index=False, lineterminator="\n").encode("utf-8"))


def read_journal(path: str | os.PathLike, tz: Any) -> pd.DataFrame:
    types = {name: kind for name, kind in JOURNAL_COLUMNS.items() if name != "time"}
    texts = pd.read_csv(path, dtype="str", keep_default_na=False, encoding="utf-8")
    if list(texts.columns) != list(JOURNAL_COLUMNS):
        raise ValueError(
            f"{Path(path).name} must have the columns {', '.join(JOURNAL_COLUMNS)}, "
            f"got {', '.join(texts.columns)}"
        )
    table = pd.DataFrame({"time": times(texts["time"], tz)}, index=texts.index)
    for name, kind in types.items():
        column = texts[name]
        if kind != "str":
            try:
                column = pd.to_numeric(column.mask(column == ""))
            except (ValueError, TypeError) as error:
                raise ValueError(
                    f"{Path(path).name} must hold numbers in {name}: {error}"
                ) from None
        table[name] = column.astype(kind)
    return table


def times(texts, tz: Any) -> pd.DatetimeIndex:
    index = pd.DatetimeIndex(pd.to_datetime(list(texts), utc=True, format="ISO8601"))
    return index.as_unit("s").tz_convert(tz)
