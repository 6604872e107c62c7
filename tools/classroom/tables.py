"""Marks as CSV: the whole table, and what other gradebooks read."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Sequence

from m2k_lessons.exercises.progress import TITLES
from tools.classroom.pages import Result
from tools.classroom.submissions import Learner

COLUMNS = ("learner", "chapter", "question", "state", "tries", "tries_in_class", "hints",
           "solution_seen", "mistake", "answer", "low", "high", "value", "reason")  # fmt: skip
# A spreadsheet takes a text that begins so for a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def _safe(value):
    if value is None:
        return ""
    text = value if isinstance(value, str) else f"{value:.10g}" if isinstance(value, float) else (
        str(value)
    )  # fmt: skip
    is_number = text.removeprefix("-").replace(".", "", 1).isdigit()
    return f"'{text}" if text.startswith(FORMULA) and not is_number else text


def _written(heads: Sequence[str], rows: Iterable[Sequence]) -> str:
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(heads)
    writer.writerows([_safe(value) for value in row] for row in rows)
    return file.getvalue()


def marks(results: Sequence[Result], missing: Sequence[str]) -> str:
    """A row for each learner and question; one without a question where nothing was marked."""
    rows = []
    for result in results:
        who = result.submission.learner.name, result.chapter
        if result.reason:
            rows.append([*who, *[""] * (len(COLUMNS) - 3), result.reason])
        for mark in result.marks:
            seen = "yes" if mark.solution_seen else "no"
            rows.append([*who, mark.question, mark.state, mark.tries, mark.tries_in_class,
                         mark.hints, seen, mark.mistake, mark.answer, mark.low, mark.high,
                         mark.value, _reason(result, mark)])  # fmt: skip
    rows += [[name, *[""] * (len(COLUMNS) - 2), "nothing was handed in"] for name in missing]
    return _written(COLUMNS, rows)


def _reason(result: Result, mark) -> str:
    says = mark.reply.text if mark.state == "stopped" else ""
    return says or result.stopped


def nbgrader(results: Sequence[Result]) -> str:
    """The columns of `nbgrader export`, with a point for each question that can be solved."""
    heads = ("assignment", "duedate", "timestamp", "student_id", "last_name", "first_name", "email",
             "raw_score", "late_submission_penalty", "score", "max_score")  # fmt: skip
    rows = []
    for result in results:
        if not result.reason:
            learner = result.submission.learner
            key = learner.facts.get("id") or learner.folder
            rows.append([result.chapter, "", "", key, "", learner.name,
                         learner.facts.get("email", ""), float(result.solved), 0.0,
                         float(result.solved), float(result.gradable)])  # fmt: skip
    return _written(heads, rows)


def moodle(results: Sequence[Result], known: Sequence[Learner]) -> str:
    """One row for each learner, per cent for each chapter; Moodle maps the columns when it imports.

    An `id` and an `email` of the list of learners become the columns that Moodle tells people by.
    """
    by_learner: dict[str, dict[str, float]] = defaultdict(dict)
    people = {learner.name: learner for learner in known}
    for result in results:
        learner = result.submission.learner
        people.setdefault(learner.name, learner)
        if not result.reason and result.gradable:
            by_learner[learner.name][result.chapter] = 100 * result.solved / result.gradable
    chapters = sorted({chapter for found in by_learner.values() for chapter in found})
    titles = [f"{chapter.split('_')[0]} {TITLES[chapter]}" for chapter in chapters]
    rows = [
        [name, people[name].facts.get("id"), people[name].facts.get("email"),
         *(round(by_learner[name][chapter], 2) if chapter in by_learner[name] else None
           for chapter in chapters)]
        for name in sorted(people)
    ]  # fmt: skip
    return _written(("Full name", "ID number", "Email address", *titles), rows)
