"""Mark exam papers that came back: run in the sandbox, judged outside it by their questions."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from m2k_lessons.exercises.base import CORRECT, NOT_ATTEMPTED, WRONG, Compute, Reflect, Write
from tools import workbook
from tools.classroom import marks, sandbox, submissions
from tools.classroom.grade import CELL_SECONDS, JUDGE, RECORD, fingerprint
from tools.classroom.tables import _safe
from tools.classroom.templates import TemplateError

HEADS = ("learner", "question", "template", "points", "of", "state", "answer", "reply", "reason")


@dataclass
class Marked:
    """One learner's paper: a mark for each question, or the reason why there is none."""

    learner: str
    found: dict[str, marks.Mark] = field(default_factory=dict)
    reason: str = ""


def papers_in(folder: Path, name: str, learners: Sequence[str]) -> dict[str, list[Path]]:
    """The notebooks below a folder by learner: in her folder, or named after her.

    A notebook that is nobody's of the class comes under the name that its place suggests.
    """
    if not folder.is_dir():
        raise TemplateError(f"--mark must be a folder with what was handed in, got {folder}")
    known = {workbook.folder_name(one).casefold(): one for one in learners if one}
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.ipynb")):
        parts = path.relative_to(folder).parts
        if ".ipynb_checkpoints" in parts:
            continue
        alone = path.stem.removesuffix(name).strip(" _-.") or path.stem
        given = parts[0] if len(parts) > 1 else alone
        shown = "".join(letter if letter.isprintable() else "?" for letter in given)
        folded = "".join(c if c.isalnum() or c in "._-" else "_" for c in given).casefold()
        found.setdefault(known.get(folded, known.get(given.casefold(), shown)), []).append(path)
    return found


def cells_of(path: Path) -> tuple[list, str]:
    """Code cells with their places, or why they can't be had."""
    if path.is_symlink() or not path.is_file():
        return [], "it is a link or no file"
    if path.stat().st_size > submissions.NOTEBOOK_BYTES:
        return [], f"it has {path.stat().st_size / 1e6:,.0f} MB; clear its outputs"
    try:
        return list(submissions._code_cells(json.loads(path.read_text(encoding="utf-8")))), ""
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [], "it can't be read as a notebook"


def judge(paper, learner: str, of: str, cells: list, *, namespaces: bool) -> Marked:
    """Run a paper in the sandbox and mark its last answers by the learner's own questions.

    Parameters
    ----------
    paper : exam.Paper
    learner, of : str
        Who handed it in, and whose paper it is to be: "" where all have the same.
    cells : list
        Place and source of each code cell.
    namespaces : bool
        False lets it run where the machine has none.
    """
    settings = {"student": "", "namespaces": namespaces}
    job = {"cells": cells, "cell_seconds": CELL_SECONDS}
    ended = sandbox.run("tools.classroom.record", job, limits=RECORD, **settings)
    record = marks.read_record(ended, paper.name)
    with marks.numbers_of(""):
        questions = paper.questions(of)
        last = {place: record.checks.get(place, [])[-1:] for place in questions}
        jobs = [
            packed
            for place, question in questions.items()
            if (packed := _packed(place, question, last[place]))
        ]
        outputs = {}
        if jobs:
            ended = sandbox.run("tools.classroom.judge", jobs, limits=JUDGE, **settings)
            outputs = marks.outputs(ended)
        result = Marked(learner, reason=marks.stopped(record))
        for place, question in questions.items():
            result.found[place] = _marked(question, last[place], outputs, record, cells)
            if place in record.too_many:
                note = f"\nOnly the first {marks.TRIES} answers were kept; ask for the last."
                mark = result.found[place]
                mark.reply = marks.Reply(mark.reply.state, mark.reply.text + note)
    return result


def _packed(place: str, question, lines: list[dict]) -> list | None:
    function = lines[0].get("function") if lines else None
    if not isinstance(question, Write) or not isinstance(function, dict):
        return None
    if not set(function) >= marks.FUNCTION_KEYS:
        return None
    cases, bars = marks._data_of(question)
    kept = {key: function[key] for key in marks.FUNCTION_KEYS}
    return [f"{place}/0", kept | {"cases": cases, "bars": bars}, question.seconds]


def _marked(question, lines: list[dict], outputs: dict, record, cells: list) -> marks.Mark:
    mark = marks._question(question, lines, outputs)
    if mark is not None and mark.reply.text.startswith("Not yet."):  # it goes on about hints
        mark.reply = marks.Reply(mark.state, "Wrong, and no mistake that is known.")
    if mark is None:
        nothing = submissions.Submission(submissions.Learner(""), Path(), cells=tuple(cells))
        mark = marks._nothing(question.name, nothing, record)
    return mark


def right_for(paper, place: str, mark: marks.Mark, others: Sequence[str]) -> list[str]:
    """Classmates for whose numbers a wrong answer is right."""
    question = paper.places[place].question
    if mark.state != WRONG or not isinstance(question, Compute):
        return []
    try:
        value = float(mark.answer)
    except ValueError:
        return []
    with marks.numbers_of(""):
        return [
            other for other in others
            if paper.questions(other)[place]._reply(value).state == CORRECT
        ]  # fmt: skip


def mark(folder: Path, paper, learners: list[str], target: Path, *, namespaces: bool = True,
         tell=print) -> list[Marked]:  # fmt: skip
    """Mark a folder of papers into marks.csv; returns what was found, learner by learner.

    Raises
    ------
    TemplateError
        The folder is none, or the machine can't separate a notebook from the rest.
    """
    if namespaces and not sandbox.has_namespaces():
        raise TemplateError(sandbox.WEAK)
    found, before = papers_in(folder, paper.name, learners), fingerprint()
    results = []
    for learner in [*learners, *(name for name in found if name not in learners)]:
        if learner == "":
            continue
        paths = found.get(learner, [])
        of = "" if learners == [""] else learner
        cells, reason = cells_of(paths[0]) if paths else ([], "nothing was handed in")
        if len(paths) > 1:
            reason = f"{len(paths)} notebooks, and one is asked for: which?"
        if of and learner not in learners:
            reason = "this name is not in the class"
        result = Marked(learner, reason=reason)
        if not reason:
            result = judge(paper, learner, of, cells, namespaces=namespaces)
            for place, one in result.found.items():
                others = [name for name in learners if name != learner]
                if same := right_for(paper, place, one, others):
                    text = f"{one.reply.text}\nIt is right for the numbers of {', '.join(same)}."
                    one.reply = marks.Reply(one.reply.state, text)
        results.append(result)
        tell(f"{learner}: {points_of(paper, result):g} of {paper.points:g} points"
             + (f"; {result.reason}" if result.reason else ""))  # fmt: skip
    if fingerprint() != before:
        raise RuntimeError("the course's own files have changed meanwhile: restore them, and "
                           "don't trust these marks")  # fmt: skip
    write(paper, results, target / "marks.csv")
    tell(f"{target / 'marks.csv'} is there.")
    return results


def points_of(paper, result: Marked) -> float:
    return sum(
        paper.places[place].points for place, one in result.found.items() if one.state == CORRECT
    )


def write(paper, results: Sequence[Marked], path: Path) -> None:
    """A row for each learner and question; one alone where nothing could be marked."""
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(HEADS)
        for result in results:
            if not result.found:
                table.writerow([_safe(result.learner), *[""] * (len(HEADS) - 2), result.reason])
            for place, one in result.found.items():
                template = paper.places[place]
                by_hand = isinstance(template.question, Reflect) and one.state != NOT_ATTEMPTED
                points = "" if by_hand else template.points * (one.state == CORRECT)
                row = [result.learner, place, template.where, points, template.points, one.state,
                       one.answer, one.reply.text, result.reason]  # fmt: skip
                table.writerow([_safe(value) for value in row])
