"""Pyodide's own files: found in a folder or an archive, checked, and only those that are needed.

`pyodide.sha256` beside this module has the hash of every file that may be taken, as they stand in
the lock of Pyodide's release on npm; a distribution with other bytes is refused, whatever its own
lock says. Which release that is stands in the file's first line.
"""

from __future__ import annotations

import hashlib
import json
import re
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

LOCK = "pyodide-lock.json"
CORE = ("pyodide.js", "pyodide.asm.js", "pyodide.asm.wasm", "python_stdlib.zip")
HASHES = Path(__file__).with_name("pyodide.sha256")


class DistributionError(Exception):
    """The distribution can't be used; the message says why, and what is needed."""


@dataclass(frozen=True)
class Distribution:
    """A Pyodide distribution: the packages of its lock by normalised name, and its files."""

    where: Path
    packages: dict[str, dict]
    read: Callable[[Iterable[str]], dict[str, bytes]]

    def closure(self, roots: Iterable[str]) -> list[str]:
        """The packages among `roots` and all that they depend on, in alphabetical order."""
        found, open_ends = set(), list(roots)
        while open_ends:
            name = open_ends.pop()
            if name not in found:
                found.add(name)
                open_ends += map(normalised, self.packages[name]["depends"])
        return sorted(found)


def normalised(name: str) -> str:
    """A package's name as Pyodide's lock has it: pandas_market_calendars has dashes there."""
    return re.sub(r"[-_.]+", "-", name).lower()


def release() -> str:
    """The release of Pyodide that the hashes belong to, such as "0.27.7"."""
    return HASHES.read_text(encoding="utf-8").splitlines()[0].split()[-1]


def known_hashes() -> dict[str, str]:
    """SHA-256 of each file by its name."""
    lines = HASHES.read_text(encoding="utf-8").splitlines()
    pairs = [line.split("  ", 1) for line in lines if line and not line.startswith("#")]
    return {name: digest for digest, name in pairs}


def opened(path: Path) -> Distribution:
    """The distribution in a folder, a tar archive, a zip archive or a wheel.

    Raises
    ------
    DistributionError
        There is none there, or it is another release than the one that the hashes belong to.
    """
    path = Path(path)
    if not path.exists():
        raise DistributionError(f"--pyodide must name a folder or an archive; {path} is not there")
    try:
        read = _reader(path)
        lock = json.loads(read([LOCK])[LOCK])
        version = lock["info"]["version"]
        packages = {normalised(name): entry for name, entry in lock["packages"].items()}
    except (KeyError, ValueError, tarfile.TarError, zipfile.BadZipFile) as error:
        raise DistributionError(
            f"--pyodide must hold a Pyodide distribution ({LOCK} and the files beside it); "
            f"{path} does not: {error}"
        ) from error
    if version != release():
        raise DistributionError(
            f"--pyodide must hold Pyodide {release()}, which the lessons were tried with; "
            f"{path} holds {version}"
        )
    return Distribution(path, packages, read)


def checked(distribution: Distribution, names: Iterable[str]) -> dict[str, bytes]:
    """Read files, each held against its hash.

    Raises
    ------
    DistributionError
        A file is missing, differs, or is one whose hash nobody wrote down.
    """
    known = known_hashes()
    files = distribution.read(names)
    wrong = [
        f"{name} has no line in {HASHES.name}"
        if name not in known
        else f"{name} is {hashlib.sha256(content).hexdigest()}, not {known[name]}"
        for name, content in files.items()
        if hashlib.sha256(content).hexdigest() != known.get(name)
    ]
    if wrong:
        raise DistributionError(
            f"{distribution.where} holds files that are not those of Pyodide {release()}:\n  "
            + "\n  ".join(wrong)
        )
    return files


def _reader(path: Path) -> Callable[[Iterable[str]], dict[str, bytes]]:
    """A function that reads files by their names beside the lock."""
    if path.is_dir():
        locks = sorted(path.rglob(LOCK))
        if not locks:
            raise KeyError(f"no {LOCK} in it")

        def from_folder(names: Iterable[str]) -> dict[str, bytes]:
            files = {name: locks[0].parent / name for name in names}
            _complete(path, {name for name, file in files.items() if not file.is_file()})
            return {name: file.read_bytes() for name, file in files.items()}

        return from_folder
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            folder = _folder(archive.namelist())

        def from_zip(names: Iterable[str]) -> dict[str, bytes]:
            with zipfile.ZipFile(path) as archive:
                _complete(path, {folder + name for name in names} - set(archive.namelist()))
                return {name: archive.read(folder + name) for name in names}

        return from_zip

    def from_tar(names: Iterable[str]) -> dict[str, bytes]:
        # One pass: a compressed tar of hundreds of megabytes can't be read at random.
        wanted, found, order = set(names), {}, []
        with tarfile.open(path) as archive:
            for member in archive:
                order.append(member.name)
                name = member.name.rsplit("/", 1)[-1]
                if name in wanted and member.isfile():
                    found[name] = archive.extractfile(member).read()
        _folder(order)
        _complete(path, wanted - set(found))
        return found

    return from_tar


def _folder(names: Iterable[str]) -> str:
    """The folder of the lock inside an archive, with its slash."""
    locks = sorted((name for name in names if name.rsplit("/", 1)[-1] == LOCK), key=len)
    if not locks:
        raise KeyError(f"no {LOCK} in it")
    return locks[0].removesuffix(LOCK)


def _complete(path: Path, missing: set[str]) -> None:
    if missing:
        raise DistributionError(f"{path} lacks {', '.join(sorted(missing))}")
