"""Make the learner's own copies of the lessons in workbook/, and never overwrite one.

    python course.py workbook                     what `course.py lab` does before it opens
    python course.py workbook --renew 05          take the new edition of a chapter that you
                                                  changed; yours is set aside, beside it
    python course.py workbook --student Ada       a workbook with Ada's own numbers, for her
    python course.py workbook --students names.csv --chapters 01 04 --to handout
                                                  one for each name in a file, in handout/Ada/ …

A copy has no outputs, and what a figure shows is folded where a guess stands before it. A chapter
with a new edition is renewed if its copy was never changed; a changed copy is kept.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = ROOT / "notebooks"
WORKBOOK = ROOT / "workbook"
STATE = ".made.json"
GUESS = re.compile(r"^\s*g\d+\.guess\(", re.MULTILINE)
SHOWS = "**What it shows.**"
HEADING = re.compile(r"^## ", re.MULTILINE)
NEXT = re.compile(r"^(## |\*\*(Q\d+|Quiz|Predict|Question))", re.MULTILINE)


@dataclass(frozen=True)
class Outcome:
    """What became of one chapter: made, renewed, kept (changed, and there is a new one), same."""

    chapter: str
    state: str
    set_aside: str = ""


def fingerprint(notebook: dict) -> str:
    """What a learner can change in a notebook: its cells' texts, without outputs or metadata."""
    cells = [(cell["cell_type"], "".join(cell["source"]).rstrip()) for cell in notebook["cells"]]
    return hashlib.sha256(json.dumps(cells).encode()).hexdigest()


def read(path: Path) -> dict | None:
    """A notebook, or None where the file holds none."""
    try:
        notebook = json.loads(path.read_text(encoding="utf-8"))
        fingerprint(notebook)
    except (ValueError, KeyError, TypeError):
        return None
    return notebook


def write(path: Path, text: str) -> None:
    """Write a file as a whole or not at all."""
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_text(text, encoding="utf-8", newline="\n")
    unfinished.replace(path)


def personal(notebook: dict, chapter: str, student: str) -> dict:
    """Put the learner's own numbers into the questions, and her name before the first of them."""
    sys.path.insert(0, str(ROOT))
    import importlib

    module = importlib.import_module(f"m2k_lessons.exercises.{chapter.split('_', 1)[1]}")
    os.environ.pop("M2K_STUDENT", None)
    printed = {name: question.markdown() for name, question in module.QUESTIONS.items()}
    os.environ["M2K_STUDENT"] = student
    try:
        own = {name: question.markdown() for name, question in module.QUESTIONS.items()}
    finally:
        del os.environ["M2K_STUDENT"]
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        for name, question in printed.items():
            text = text.replace(question, own[name])
        cell["source"] = text.splitlines(keepends=True)
    line = f'import os; os.environ["M2K_STUDENT"] = {student!r}  # the questions have your numbers'
    first = next(n for n, cell in enumerate(notebook["cells"]) if cell["cell_type"] == "code")
    cell = {"cell_type": "code", "execution_count": None, "id": "student", "metadata": {}}
    notebook["cells"].insert(first, cell | {"outputs": [], "source": [line]})
    return notebook


def _folded(text: str, compared: bool) -> str:
    """Fold the answer, up to the next heading, question or prediction of the cell.

    It is what the figure shows; where no figure is asked about, what stands after the comparison.
    """
    before, shows, rest = text.partition(SHOWS)
    if not shows or HEADING.search(before):
        if not compared or NEXT.match(text):
            return text
        before, rest = "", text
    end = NEXT.search(rest)
    answer, after = (rest[: end.start()], rest[end.start() :]) if end else (rest, "")
    fold = "<details><summary><b>What it shows</b> (open it after your guess)</summary>"
    return f"{before}{fold}\n\n{answer.strip()}\n\n</details>" + (after and f"\n\n{after.lstrip()}")


def blank(notebook: dict) -> dict:
    """A copy to work in: no outputs, and no answer under a guess before it is made."""
    guessed = compared = False
    for cell in notebook["cells"]:
        text = "".join(cell["source"])
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
            guessed = guessed or bool(GUESS.search(text))
            compared = guessed and (compared or ".compare(" in text)
        elif guessed:
            folded = _folded(text, compared)
            cell["source"] = folded.splitlines(keepends=True)
            # One answer for each guess; a heading begins another loop.
            if folded != text or HEADING.search(text):
                guessed = compared = False
    return notebook


def edition(source: Path, student: str) -> dict:
    """The copy of a chapter as it is handed out."""
    notebook = blank(json.loads(source.read_text(encoding="utf-8")))
    return personal(notebook, source.stem, student) if student else notebook


def chosen(names: list[str]) -> list[Path]:
    """The lessons whose file names begin with one of `names`; all of them for none."""
    every = sorted(NOTEBOOKS.glob("*.ipynb"))
    unknown = [name for name in names if not any(path.name.startswith(name) for path in every)]
    if unknown:
        sys.exit(f"no chapter begins with {', '.join(unknown)}; there are {every[0].stem} … ")
    return [path for path in every if not names or path.name.startswith(tuple(names))]


def free_name(path: Path) -> Path:
    """A name beside `path` that nothing has yet."""
    number = 1
    while (other := path.with_name(f"{path.stem}.yours-{number}.ipynb")).exists():
        number += 1
    return other


def update(
    folder: Path, student: str = "", names: list[str] | None = None, renew: bool = False
) -> list[Outcome]:
    """Bring a workbook up to date with the lessons; say what became of each chapter."""
    folder.mkdir(parents=True, exist_ok=True)
    state_file, made = folder / STATE, {}
    if state_file.exists():
        made = json.loads(state_file.read_text(encoding="utf-8"))
    outcomes = []
    for source in chosen(names or []):
        copy, chapter = folder / source.name, source.stem
        fresh = edition(source, student)
        new = fingerprint(fresh)
        before = made.get(chapter, "")
        set_aside = ""
        if copy.exists():
            present = read(copy)
            current = "" if present is None else fingerprint(present)
            if current == new or (before == new and not renew):
                outcomes.append(Outcome(chapter, "same"))
                made[chapter] = new
                continue
            if current != before and not renew:
                outcomes.append(Outcome(chapter, "kept"))
                continue
            if current != before:
                set_aside = free_name(copy).name
                copy.replace(folder / set_aside)
        state = "renewed" if before else "made"
        text = json.dumps(fresh, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
        write(copy, text)
        made[chapter] = new
        outcomes.append(Outcome(chapter, state, set_aside))
    write(state_file, json.dumps(made, indent=1, sort_keys=True) + "\n")
    return outcomes


def told(outcomes: list[Outcome], folder: Path) -> list[str]:
    """What a reader has to know of it: nothing where nothing happened."""
    lines = []
    made = [outcome for outcome in outcomes if outcome.state == "made"]
    if made:
        lines.append(f"Your own copies of {len(made)} lessons are in {folder.name}/.")
    for outcome in outcomes:
        if outcome.state == "renewed":
            lines.append(f"{outcome.chapter} was renewed: there is a new edition of it.")
        if outcome.set_aside:
            lines.append(f"  Your version is kept as {outcome.set_aside}.")
        if outcome.state == "kept":
            number = outcome.chapter.split("_")[0]
            lines.append(
                f"{outcome.chapter} has a new edition; yours was changed and is kept. "
                f"python course.py workbook --renew {number} sets it aside and takes the new one."
            )
    return lines


def names_in(path: Path) -> list[str]:
    """The learners in a CSV: its column `name` or `student`, else its first column."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if any(cell.strip() for cell in row)]
    if not rows:
        sys.exit(f"{path.name} must hold a name in each line, and is empty")
    heads = [cell.strip().lower() for cell in rows[0]]
    column = next((heads.index(head) for head in ("name", "student") if head in heads), None)
    names = [row[column or 0].strip() for row in rows[0 if column is None else 1 :]]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice or not all(names):
        sys.exit(f"{path.name} must hold each learner once, got {', '.join(twice) or 'no name'}")
    return names


def folder_name(student: str) -> str:
    """A name as that of a folder, on every system."""
    name = re.sub(r"[^\w.-]+", "_", student).strip("._")
    if not name:
        sys.exit(f"a learner's name must have a letter or a digit, got {student!r}")
    return name


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--student", default="", help="a learner's name: her own numbers")
    parser.add_argument("--students", type=Path, help="a CSV with a column 'name'")
    parser.add_argument("--chapters", nargs="*", default=[], help="such as 01 04; all when omitted")
    parser.add_argument("--to", type=Path, help="folder; workbook/ or handout/ when omitted")
    parser.add_argument("--renew", nargs="+", metavar="CHAPTER", help="take the new edition")
    options = parser.parse_args(arguments)
    if options.students or options.student:
        names = names_in(options.students) if options.students else [options.student]
        folders = [folder_name(name) for name in names]
        if len(set(map(str.lower, folders))) < len(folders):
            sys.exit("two learners would get the same folder; add something that tells them apart")
        for name, folder in zip(names, folders, strict=True):
            target = (options.to or ROOT / "handout") / folder
            outcomes = update(target, name, options.chapters)
            print(f"{name}: {len(outcomes)} lessons in {folder}/")
            print("\n".join(told(outcomes, target)[1:]), end="")
        return
    folder = options.to or WORKBOOK
    student = os.environ.get("M2K_STUDENT", "")
    outcomes = update(folder, student, options.renew or options.chapters, renew=bool(options.renew))
    print("\n".join(told(outcomes, folder)))


if __name__ == "__main__":
    main()
