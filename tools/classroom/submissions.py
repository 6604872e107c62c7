"""What was handed in: whose file it is, of which chapter, and what of it can't be marked.

Files are read here, with limits, and never run.
"""

from __future__ import annotations

import ast
import csv
import functools
import importlib
import json
import os
import pkgutil
import re
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType

from m2k_lessons import exercises
from tools.workbook import folder_name, names_in

NOTEBOOK_BYTES, DATA_BYTES, PROGRESS_BYTES = 30_000_000, 20_000_000, 1_000_000
FILES_OF_A_LEARNER = 500
DATA = (".csv", ".txt", ".parquet")
NAMED = re.compile(r"""os\.environ\[["']M2K_STUDENT["']\]\s*=\s*("[^"\n]*"|'[^'\n]*')""")
IMPORTS = re.compile(r"^\s*from\s+m2k_lessons\.exercises\.(\w+)\s+import", re.MULTILINE)
MOODLE = re.compile(r"^(.+?)_\d+_assignsubmission_.*$")


@dataclass(frozen=True)
class Learner:
    """Somebody of the class.

    Attributes
    ----------
    listed : bool
        Whether the teacher's list has the name, where there is a list.
    facts : dict
        The other columns of the list, by heading.
    """

    name: str
    listed: bool = True
    facts: dict = field(default_factory=dict, compare=False)

    @property
    def folder(self) -> str:
        return folder_name(self.name)


@dataclass(frozen=True)
class Submission:
    """One notebook, or the reason why there is none.

    Attributes
    ----------
    student : str
        Whose numbers its questions have; empty for everyone's.
    cells : tuple
        Place in the notebook, counted from 1, and source of each code cell.
    reason : str
        Why it can't be marked; empty where it can.
    notes : tuple of str
        What a teacher has to know besides.
    """

    learner: Learner
    path: Path
    chapter: str = ""
    student: str = ""
    cells: tuple = ()
    reason: str = ""
    notes: tuple[str, ...] = ()


@functools.cache
def chapters() -> dict[str, ModuleType]:
    """The module with the questions of each chapter, by the notebook's name."""
    found = {}
    for module in pkgutil.iter_modules(exercises.__path__):
        chapter = importlib.import_module(f"{exercises.__name__}.{module.name}")
        questions = getattr(chapter, "QUESTIONS", {})
        if questions:
            found[next(iter(questions.values())).chapter] = chapter
    return dict(sorted(found.items()))


def roster(path: Path | None) -> list[Learner]:
    """The class, from the CSV that made its workbooks; nobody without one."""
    if path is None:
        return []
    names = names_in(path)
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    heads = [cell.strip().lower() for cell in rows[0]]
    listed = rows[len(rows) - len(names) :]
    headed = len(rows) > len(names)
    return [
        Learner(name, facts=dict(zip(heads, row, strict=False)) if headed else {})
        for name, row in zip(names, listed, strict=True)
    ]


def collect(folder: Path, known: Sequence[Learner], only: Sequence[str] = ()) -> list[Submission]:
    """Everything that was handed in below a folder, in an order that does not change.

    Parameters
    ----------
    folder : Path
        With a folder for each learner, or with files named after learner and chapter.
    known : list of Learner
        The class; without one the folders' names are the learners'.
    only : list of str
        First letters of the chapters to look at; all of them when empty.
    """
    if not folder.is_dir():
        sys.exit(f"FOLDER must be a folder with what was handed in, got {folder}")
    found: dict[str, list[Submission]] = {}
    learners: dict[str, Learner] = {}
    for path in _files(folder):
        given = _given_name(path.relative_to(folder))
        learner = who(given, known)
        key = learner.folder.casefold()
        learner = learners.setdefault(key, learner)
        if len(found.setdefault(key, [])) >= FILES_OF_A_LEARNER:
            continue
        found[key].append(read(path, learner, bool(known)))
    result = []
    for key in sorted(found):
        wanted = [one for one in found[key] if not only or one.chapter.startswith(tuple(only))
                  or not one.chapter]  # fmt: skip
        result += _one_for_each_chapter(wanted)
    return result


def _files(folder: Path) -> Iterator[Path]:
    # Links are not followed: they may lead anywhere.
    for place, folders, files in os.walk(folder, followlinks=False):
        folders[:] = sorted(name for name in folders if name != ".ipynb_checkpoints")
        for name in sorted(files):
            if name.lower().endswith((".ipynb", ".zip")):
                yield Path(place, name)


def _given_name(path: Path) -> str:
    """The learner in a path: the first folder, or what stands before the chapter in the name."""
    if len(path.parts) > 1:
        first = path.parts[0]
        return (MOODLE.match(first) or [first, first])[1]
    for chapter in chapters():
        if path.stem.find(chapter) > 0:
            return path.stem[: path.stem.find(chapter)].strip(" _-.") or path.stem
    return path.stem


def who(given: str, known: Sequence[Learner]) -> Learner:
    """The learner of the class who is meant by a folder's name, or one that is in no list."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in given)
    for learner in known:
        if given.casefold() in (learner.name.casefold(), learner.folder.casefold()):
            return learner
    return Learner(shown if _as_folder(shown) else "nameless", listed=not known)


def read(path: Path, learner: Learner, listed: bool) -> Submission:
    """A learner's file as it is: never run, and read only if it is small enough."""
    found = Submission(learner, path, notes=() if learner.listed else ("not in the list",))
    about = path.lstat()
    if not stat.S_ISREG(about.st_mode):
        return replace(found, reason="it is a link or no file; hand in the notebook itself")
    if path.suffix.lower() == ".zip":
        return replace(found, reason="it is packed; unpack it and grade again")
    if about.st_size > NOTEBOOK_BYTES:
        return replace(
            found,
            chapter=_chapter_in_name(path.name),
            reason=f"it has {about.st_size / 1e6:,.0f} MB, and {NOTEBOOK_BYTES / 1e6:,.0f} are the "
            "most; clear its outputs",
        )
    try:
        cells = _code_cells(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return replace(
            found, chapter=_chapter_in_name(path.name), reason="it can't be read as a notebook"
        )
    chapter = _chapter(path, cells)
    if not chapter:
        return replace(found, reason="no chapter of the course is imported or named in it")
    student, notes = _student(learner, cells, listed)
    return replace(
        found, chapter=chapter, student=student, cells=cells, notes=(*found.notes, *notes)
    )


def _code_cells(notebook: dict) -> tuple[tuple[int, str], ...]:
    """Place, counted from 1, and source of each code cell."""
    cells = []
    for number, cell in enumerate(notebook["cells"], 1):
        source = cell["source"]
        if cell["cell_type"] == "code":
            cells.append((number, source if isinstance(source, str) else "".join(source)))
    return tuple(cells)


def _chapter(path: Path, cells) -> str:
    modules = {module.__name__.rpartition(".")[2]: name for name, module in chapters().items()}
    for _, source in cells:
        for name in IMPORTS.findall(source):
            if name in modules:
                return modules[name]
    return _chapter_in_name(path.name)


def _chapter_in_name(name: str) -> str:
    return next((chapter for chapter in chapters() if chapter in name), "")


def _student(learner: Learner, cells, listed: bool) -> tuple[str, tuple[str, ...]]:
    """Whose numbers: a listed class has its own; else those that the notebook was made with."""
    said = ""
    for _, source in cells:
        if match := NAMED.search(source):
            said = str(ast.literal_eval(match[1]))
            break
    if not said:
        return (learner.name if listed else ""), ()
    if said == learner.name or _as_folder(said) == learner.folder:
        return (learner.name if listed else said), ()
    shown = said[:60]
    return learner.name, (f"the notebook was made for {shown!r}; marked with the numbers of "
                          f"{learner.name!r}",)  # fmt: skip


def _as_folder(name: str) -> str:
    return folder_name(name) if re.search(r"[^\W_]", name) else ""


def _one_for_each_chapter(found: list[Submission]) -> list[Submission]:
    """Of several files of a chapter the one with its own name; without it none is marked."""
    result = []
    for one in found:
        others = [other for other in found if other.chapter == one.chapter != ""]
        named = [other for other in others if other.path.name == f"{one.chapter}.ipynb"]
        if len(others) < 2:
            result.append(one)
        elif len(named) == 1:
            if one is named[0]:
                names = ", ".join(sorted(other.path.name for other in others if other is not one))
                result.append(replace(one, notes=(*one.notes, f"not looked at: {names}")))
        elif one is others[0]:
            names = " and ".join(sorted(str(other.path.name) for other in others))
            reason = f"{len(others)} files of this chapter were handed in ({names}); keep one"
            result.append(replace(one, reason=reason))
    return result


def data_files(submission: Submission) -> list[Path]:
    """Tables that lie beside a notebook: a lesson may be run on a learner's own prices."""
    found, room = [], DATA_BYTES
    for path in sorted(submission.path.parent.iterdir()):
        about = path.lstat()
        if path.suffix.lower() in DATA and stat.S_ISREG(about.st_mode) and about.st_size <= room:
            found.append(path)
            room -= about.st_size
    return found


def attempts(submission: Submission) -> dict[str, int]:
    """Tries in class by question, if progress.json was handed in beside the notebook."""
    path = submission.path.with_name("progress.json")
    try:
        about = path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > PROGRESS_BYTES:
            return {}
        entries = json.loads(path.read_text(encoding="utf-8"))[submission.chapter]
        return {
            name: entry["attempts"]
            for name, entry in entries.items()
            if type(entry.get("attempts")) is int
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
