"""Strategies that were handed in: one file for each learner, read and never run here."""

from __future__ import annotations

import json
import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.classroom.submissions import Learner, _code_cells, who

LARGEST_BYTES = 30_000_000


@dataclass(frozen=True)
class Entry:
    """A learner's cells, or the reason why there are none."""

    learner: Learner
    cells: tuple = ()
    reason: str = ""


def collect(folder: Path, known: Sequence[Learner]) -> list[Entry]:
    """The entry of each learner's folder, in the order of their names."""
    if not folder.is_dir():
        sys.exit(f"FOLDER must be a folder with what was handed in, got {folder}")
    found: dict[str, list[Path]] = {}
    learners: dict[str, Learner] = {}
    for place in sorted(folder.iterdir()):
        if not stat.S_ISDIR(place.lstat().st_mode):
            continue
        learner = who(place.name, known)
        learners.setdefault(learner.folder.casefold(), learner)
        files = found.setdefault(learner.folder.casefold(), [])
        for inside, folders, names in os.walk(place, followlinks=False):
            folders[:] = [name for name in folders if not name.startswith((".", "__"))]
            files += [Path(inside, name) for name in sorted(names)
                      if name.endswith((".py", ".ipynb"))]  # fmt: skip
    if not found:
        sys.exit(f"FOLDER must have a folder for each learner, and {folder} has none")
    return [_entry(learners[key], found[key]) for key in sorted(found)]


def _entry(learner: Learner, files: list[Path]) -> Entry:
    named = [path for path in files if path.name == "strategy.py"]
    chosen = named if len(named) == 1 else files
    if len(chosen) != 1:
        names = ", ".join(path.name for path in chosen[:5]) or "none"
        return Entry(learner, reason=f"one file is needed, strategy.py or a notebook; got {names}")
    (path,) = chosen
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST_BYTES:
        return Entry(learner, reason=f"{path.name} is a link, or has more than 30 MB")
    try:
        text = path.read_text(encoding="utf-8")
        cells = ((1, text),) if path.suffix == ".py" else _code_cells(json.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return Entry(learner, reason=f"{path.name} can't be read")
    return Entry(learner, cells)
