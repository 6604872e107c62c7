"""What was recorded of a notebook, judged: the same replies as in class, from the same questions.

Answers come as plain data, and code questions as the outputs of the learner's function, so nothing
of a learner is run here.
"""

from __future__ import annotations

import base64
import copy
import os
import pickle
import re
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from m2k_lessons.exercises import capstone, worker
from m2k_lessons.exercises.base import (
    CORRECT,
    NOT_ATTEMPTED,
    UNGRADED,
    WRONG,
    Choose,
    Compute,
    Guess,
    Reflect,
    Reply,
    Write,
)
from m2k_lessons.exercises.question import Named
from m2k_lessons.exercises.reading import read_letter
from m2k_lessons.gates import Examination
from tools.classroom import values
from tools.classroom.record import TRIES
from tools.classroom.sandbox import Ended
from tools.classroom.submissions import Submission, chapters

HELD, MISSED, STOPPED = "held", "missed", "stopped"
BY_HAND = (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError,
           RecursionError)  # fmt: skip
LIMITS = {
    "time": "it took too long",
    "memory": "it took too much memory",
    "processes": "it started too many processes",
    "output": "it wrote too much",
}
UNREADABLE = Reply(WRONG, "The answer could not be read.")
FUNCTION_KEYS = {"name", "source", "imports", "helpers", "values", "left_behind"}


@dataclass
class Mark:
    """One question of one learner."""

    question: str
    state: str
    reply: Reply
    asked: str = ""
    answer: str = ""
    tries: int = 0
    tries_in_class: int | None = None
    hints: int = 0
    solution_seen: bool = False
    mistake: str = ""
    low: float | None = None
    high: float | None = None
    value: float | None = None


@dataclass
class Record:
    """What the recorder wrote, sorted; whatever makes no sense is left out and counted."""

    checks: dict[str, list[dict]] = field(default_factory=dict)
    steps: dict[str, list[tuple[str, list]]] = field(default_factory=dict)
    hints: dict[str, int] = field(default_factory=dict)
    solutions: set[str] = field(default_factory=set)
    errors: dict[int, str] = field(default_factory=dict)
    too_many: set[str] = field(default_factory=set)
    last_cell: int = 0
    complete: bool = False
    unreadable: int = 0
    ended: Ended = field(default_factory=Ended)


def read_record(ended: Ended, chapter: str) -> Record:
    """Sort the lines of a recorder; a learner may have written any of them."""
    found = Record(unreadable=ended.unreadable, ended=ended)
    for line in ended.said:
        try:
            _take(line, chapter, found)
        except BY_HAND:
            found.unreadable += 1
    return found


def _take(line: dict, chapter: str, found: Record) -> None:
    if "cell" in line:
        found.last_cell = int(line["cell"])
    elif "error" in line:
        said = str(line["text"])[:500]
        found.errors[int(line["error"])] = f"{said} in `{line['line']}`" if line["line"] else said
    elif "end" in line:
        found.complete = True
    elif line["chapter"] == chapter:
        name, what = str(line["name"]), line["what"]
        if what == "hint":
            found.hints[name] = found.hints.get(name, 0) + 1
        elif what == "solution":
            found.solutions.add(name)
        elif what in ("guess", "compare"):
            steps = found.steps.setdefault(name, [])
            if len(steps) < TRIES:
                steps.append((what, list(line["values"])))
        elif what == "check" and "too_many" in line:
            found.too_many.add(name)
        elif what == "check" and len(found.checks.setdefault(name, [])) < TRIES:
            found.checks[name].append(line)


@contextmanager
def numbers_of(student: str):
    """Let the questions have a learner's numbers; everyone's for an empty name."""
    before = os.environ.pop("M2K_STUDENT", None)
    if student:
        os.environ["M2K_STUDENT"] = student
    try:
        yield
    finally:
        os.environ.pop("M2K_STUDENT", None)
        if before is not None:
            os.environ["M2K_STUDENT"] = before


def named(chapter: str) -> dict[str, Named]:
    """Questions and guesses of a chapter, in the order of its module."""
    every = vars(chapters()[chapter]).items()
    return {name: one for name, one in every if isinstance(one, Named) and name != "example"}


_PICKLED: dict[tuple[str, str], tuple[list[str], str | None]] = {}


def _data_of(question: Write) -> tuple[list[str], str | None]:
    """A question's data sets for the judging sandbox; they are the same for every learner."""
    key = question.chapter, question.name
    if key not in _PICKLED:
        cases = [base64.b64encode(pickle.dumps(case.make())).decode() for case in question.cases]
        bars = question.bars and base64.b64encode(pickle.dumps(question.bars())).decode()
        _PICKLED[key] = cases, bars
    return _PICKLED[key]


def functions(record: Record, chapter: str) -> list[list]:
    """What the judging sandbox has to run: key, packed function, seconds for each data set."""
    jobs = []
    for name, question in named(chapter).items():
        if not isinstance(question, Write):
            continue
        for number, line in enumerate(record.checks.get(name, [])):
            packed = line.get("function")
            if isinstance(packed, dict) and set(packed) >= FUNCTION_KEYS:
                cases, bars = _data_of(question)
                packed = {key: packed[key] for key in FUNCTION_KEYS}
                jobs.append([f"{name}/{number}", packed | {"cases": cases, "bars": bars},
                             question.seconds])  # fmt: skip
    return jobs


def outputs(ended: Ended) -> dict[str, dict]:
    """What the judging sandbox said about each function, by its key."""
    lines = [line for line in ended.said if isinstance(line, dict)]
    found = {}
    for line in lines:
        found.setdefault(str(line.get("key")), line)
    return found


def judge(
    submission: Submission,
    record: Record,
    found: dict[str, dict],
    truth: dict[str, float],
    attempts: dict[str, int],
) -> list[Mark]:
    """Mark every question and guess of a chapter.

    Parameters
    ----------
    submission : Submission
    record : Record
    found : dict
        What `outputs` returns.
    truth : dict
        The values that guesses are held against, from the course's own run of the lesson.
    attempts : dict
        Tries in class, where they are known.
    """
    marks = []
    with numbers_of(submission.student):
        for name, question in named(submission.chapter).items():
            if isinstance(question, Guess):
                mark = _guess(question, record.steps.get(name, []), truth.get(name))
            else:
                mark = _question(question, record.checks.get(name, []), found)
            if mark is None:
                mark = _nothing(name, submission, record)
            if mark.state == NOT_ATTEMPTED and name in record.too_many:
                mark.state, mark.reply = WRONG, UNREADABLE
            if name in record.too_many:
                mark.reply = Reply(
                    mark.reply.state,
                    f"{mark.reply.text}\nMore than {TRIES} answers were handed in; those after the "
                    "first were not looked at.",
                )
            mark.asked = question.ask().text.split(" ", 1)[-1]
            mark.hints = record.hints.get(name, 0)
            mark.tries_in_class = attempts.get(name)
            looks = rf"\b{name}\.(solution|reference|right|feedback|mistakes|model_answer|_\w+)\b"
            mark.solution_seen = name in record.solutions or any(
                re.search(looks, source) for _, source in submission.cells
            )
            marks.append(mark)
    return marks


def stopped(record: Record) -> str:
    """Why the notebook did not reach its end; empty if it did."""
    if record.complete:
        return ""
    where = f"in cell {record.last_cell}" if record.last_cell else "before its first cell"
    reason = LIMITS.get(record.ended.reason)
    return f"stopped {where}: {reason}" if reason else f"crashed {where}"


def _nothing(name: str, submission: Submission, record: Record) -> Mark:
    """No answer came: the cell stopped before it, the notebook never got there, or it is gone."""
    pattern = re.compile(rf"\b{name}\.(check|guess)\(")
    places = [number for number, source in submission.cells if pattern.search(source)]
    if not places:
        return Mark(name, NOT_ATTEMPTED, Reply(NOT_ATTEMPTED, "Its cell is not in the notebook."))
    for number in places:
        if number in record.errors:
            says = f"Cell {number} stopped before the check: {record.errors[number]}"
            return Mark(name, STOPPED, Reply(WRONG, says))
    if reason := stopped(record):
        says = f"Not reached: the notebook {reason}."
        return Mark(name, STOPPED, Reply(NOT_ATTEMPTED, says))
    return Mark(name, NOT_ATTEMPTED, Reply(NOT_ATTEMPTED, "Its cell handed nothing in."))


def _question(question: Named, lines: Sequence[dict], found: dict[str, dict]) -> Mark | None:
    """The first right answer counts, as in class; without one the last that was given."""
    best, tries = None, 0
    for number, line in enumerate(lines):
        try:
            mark = _one(question, line, found.get(f"{question.name}/{number}"))
        except BY_HAND:
            mark = Mark(question.name, WRONG, UNREADABLE)
        tries += mark.state != NOT_ATTEMPTED
        if best is None or mark.state != NOT_ATTEMPTED:
            best = mark
        if mark.state == CORRECT:
            break
    if best is not None:
        best.tries = tries
    return best


def _one(question: Named, line: dict, result: dict | None) -> Mark:
    if isinstance(question, Write):
        reply = _judged(question, line["function"], result)
        answer = str(line["function"].get("source", ""))[:5_000]
        return Mark(question.name, reply.state, reply, answer=answer,
                    mistake=_mistake(question, reply, None))  # fmt: skip
    if isinstance(question, capstone._OnePage):
        return _report(question, line["report"])
    given = line["values"]
    value = values.decode(given[0]) if given else ...
    reply = question.check(value) if isinstance(question, Reflect) else question._reply(value)
    shown = values.shown(given[0]) if given else "..."
    if isinstance(question, Reflect) and isinstance(value, str):
        shown = value
    return Mark(question.name, reply.state, reply, answer="" if value is ... else shown,
                mistake=_mistake(question, reply, value))  # fmt: skip


def _judged(question: Write, packed: dict, result: dict | None) -> Reply:
    if packed.get("empty"):
        return question._reply(...)
    if "unfit" in packed:
        return Reply(WRONG, str(packed["unfit"])[:1_000])

    def run(job: dict, seconds: float) -> dict:
        if result is None or not {"result", "late", "ended"} & set(result):
            raise worker.EndedError(0)
        if "late" in result:
            raise worker.TimeUpError(int(result["late"]))
        if "ended" in result:
            raise worker.EndedError(int(result["ended"]))
        given = result["result"]
        outcomes = list(given["outcomes"])
        if len(outcomes) != len(question.cases):
            raise ValueError(f"{len(outcomes)} outcomes for {len(question.cases)} data sets")
        return {
            "outcomes": outcomes,
            "printed": str(given["printed"])[:2_000],
            "lookahead": str(given["lookahead"])[:2_000],
        }

    left_behind = {str(name): str(why) for name, why in packed["left_behind"].items()}
    return question.judged({"left_behind": left_behind}, run)


def _report(question: Named, given: dict) -> Mark:
    """The capstone's page, held against what the notebook says that its gates found."""
    if "report" not in given:
        reply = question.check(... if given.get("empty") else None)
        return Mark(question.name, reply.state, reply)
    report = capstone.Report(**{key: values.decode(one) for key, one in given["report"].items()})
    found = None
    if "found" in given:
        found = object.__new__(Examination)
        for key, one in given["found"]["numbers"].items():
            object.__setattr__(found, str(key), values.decode(one))
        passed = {str(gate): bool(one) for gate, one in given["found"]["passed"].items()}
        object.__setattr__(found, "table", pd.DataFrame({"passed": passed}))
    bare = copy.copy(question)
    bare.chapter = ""  # a mark is no progress of the teacher's
    reply = bare.check(report, found)
    note = "\nHeld against what the notebook says that its gates found: look at its run, too."
    if reply.state in (CORRECT, WRONG):
        reply = Reply(reply.state, reply.text + note)
    return Mark(question.name, reply.state, reply, answer=repr(report)[:5_000])


def _guess(question: Guess, steps: Sequence[tuple[str, list]], truth: float | None) -> Mark | None:
    """Enter and compare again, in the learner's order, with the value of the course's own run."""
    if not steps:
        return None
    mine = copy.copy(question)
    mine.chapter, mine._kept = "", {}
    said: Reply | None = None
    try:
        for what, given in steps:
            decoded = [values.decode(one) for one in given]
            if what == "guess":
                reply = mine.guess(*decoded[:2])
            else:
                reply = mine.compare(decoded[0] if truth is None else truth)
            said = reply if said is None or reply.state != NOT_ATTEMPTED else said
    except BY_HAND:
        return Mark(question.name, WRONG, UNREADABLE)
    kept = mine._kept
    mark = Mark(question.name, said.state, said, low=kept.get("low"), high=kept.get("high"))
    if "score" in kept:
        mark.value = kept["value"]
        mark.state = HELD if kept["low"] <= kept["value"] <= kept["high"] else MISSED
    elif "low" in kept:
        mark.state = UNGRADED
    if mark.low is not None:
        mark.answer = f"{mark.low:g} to {mark.high:g}"
    return mark


GENERIC = {
    "right for the printed numbers": "the printed numbers instead of the learner's own",
    "Right, but rounded": "rounded too far",
    "Right, but cut off": "cut off instead of rounded",
    "The size is right, the sign is not": "the sign",
    "The digits are right": "a power of ten",
    "The answer is a whole number": "a part of a whole number",
    "No end after": "no end",
    "ended Python itself": "ended Python, or took all memory",
    "It looks ahead": "looks ahead",
    "it stops in your line": "stops with an error",
}


def _mistake(question: Named, reply: Reply, value: Any) -> str:
    """A known mistake by the sentence that mends it, the same for all learners' numbers."""
    if reply.state != WRONG:
        return ""
    if isinstance(question, Choose):
        letter = read_letter(value, question.options)
        return f"{letter}) {question.options[letter]}" if letter else ""
    if isinstance(question, Compute):
        return _known(question, reply) or _generic(reply)
    if isinstance(question, Write):
        known = (one.says for one in question._mistakes() if reply.text.startswith(one.says))
        return next(known, "") or _generic(reply)
    return ""


def _known(question: Compute, reply: Reply) -> str:
    right = question.reference(**question.numbers)
    for mistake in question.mistakes:
        if reply.text.startswith(question._filled(mistake.says, right, question.numbers)):
            printed = question._printed
            return question._filled(mistake.says, question.reference(**printed), printed)
    return ""


def _generic(reply: Reply) -> str:
    return next((name for text, name in GENERIC.items() if text in reply.text), "")
