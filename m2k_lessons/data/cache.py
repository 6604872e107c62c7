"""What was fetched once, kept on the learner's computer: whole, or not at all."""

import hashlib
import json
import os
import threading
from pathlib import Path

import platformdirs


class DownloadError(OSError):
    """Prices that could not be fetched or kept; the message says why and what to do instead."""


def folder(kind: str) -> Path:
    """Folder of the files kept: `kind` in `M2K_HOME`, else in the user's cache folder."""
    chosen = os.environ.get("M2K_HOME")
    root = Path(chosen) if chosen else platformdirs.user_cache_path("m2k-lessons", appauthor=False)
    return root / kind


def make_folder(path: Path) -> None:
    """Make the folder before anything is fetched that it could not hold."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _cannot_keep(error) from error


def read(path: Path, instead: str) -> tuple[dict, bytes] | None:
    """Return what a file holds; None if there is no file, or not all that was written.

    `instead` says, in the error for a file that cannot be read, what works without it.
    """
    try:
        head, _, csv = path.read_bytes().partition(b"\n")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise DownloadError(
            f"what was kept from an earlier answer cannot be read: {error}. Otherwise {instead}"
        ) from error
    try:
        about = json.loads(head.removeprefix(b"# "))
    except ValueError:
        return None
    whole = isinstance(about, dict) and about.get("sha256") == hashlib.sha256(csv).hexdigest()
    return (about, csv) if whole else None


def keep(path: Path, about: dict, csv: bytes) -> None:
    """Write a CSV under a line that describes it, and replace an older one at once."""
    about = about | {"sha256": hashlib.sha256(csv).hexdigest()}
    unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        try:
            with unfinished.open("wb") as part:
                part.write(f"# {json.dumps(about)}\n".encode() + csv)
                part.flush()
                os.fsync(part.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except OSError as error:
        raise _cannot_keep(error) from error


def _cannot_keep(error: OSError) -> DownloadError:
    return DownloadError(
        f"what was fetched cannot be kept: {error}. Another folder can be named in the environment "
        "variable M2K_HOME"
    )
