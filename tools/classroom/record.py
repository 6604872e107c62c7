"""Inside a sandbox: run a notebook's cells, and write down what is handed to its exercises.

Nothing is judged here. A line of JSON goes out for each cell that begins, each answer, guess,
hint and solution asked for, and each error; the last line says that the end was reached. Learners'
code runs in this process and may write such lines itself: that hands in an answer, no more.
"""

from __future__ import annotations

import base64
import contextlib
import functools
import json
import os
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from typing import Any

TRIES = 20  # answers kept for each question; the rest is counted


class TimeUp(BaseException):
    """A cell did not come to an end."""


def main() -> None:
    job = json.loads(sys.stdin.readline())
    out = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):  # what the notebook prints must not meet the record
        os.dup2(nowhere, stream)

    def tell(**line) -> None:
        # A child that a cell has forked goes on here, too: each line is written at once.
        out.write(json.dumps(line) + "\n")

    shell = _shell()
    install(tell)
    on_unix = hasattr(signal, "setitimer")
    if on_unix:
        for number in (signal.SIGPROF, signal.SIGALRM):
            signal.signal(number, _time_up)
    for number, source in job["cells"]:
        tell(cell=number)
        if on_unix:  # again each second: a bare `except` may have caught the first
            signal.setitimer(signal.ITIMER_PROF, job["cell_seconds"], 1.0)
            signal.setitimer(signal.ITIMER_REAL, 4 * job["cell_seconds"], 1.0)
        error = _run(shell, source)
        if on_unix:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
        if error is not None:
            tell(error=number, **_in_words(error, job["cell_seconds"]))
    tell(end=True)
    out.flush()
    os._exit(0)  # threads that the notebook has left behind are waited for by nobody


def _shell():
    from IPython.core.interactiveshell import InteractiveShell

    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    shell.showtraceback = lambda *arguments, **options: None
    shell.ask_exit = lambda: None
    return shell


def _run(shell, source: str) -> BaseException | None:
    try:
        result = shell.run_cell(source, store_history=True)
    except TimeUp as late:
        return late
    return result.error_before_exec or result.error_in_exec


def _time_up(number, frame) -> None:
    raise TimeUp


def _in_words(error: BaseException, seconds: float) -> dict[str, str]:
    if isinstance(error, TimeUp):
        return {"text": f"no end after {seconds:g} seconds", "line": ""}
    line = ""
    with contextlib.suppress(Exception):  # an exception of the learner's own may do anything
        frames = traceback.extract_tb(error.__traceback__)
        line = next((f.line or "" for f in reversed(frames) if "ipython-input" in f.filename), "")
    try:
        text = str(error)
    except Exception:
        text = ""
    return {"text": f"{type(error).__name__}: {text}"[:500], "line": line[:200]}


def install(tell: Callable[..., None]) -> None:
    """Let the exercises write down what they are given."""
    from m2k_lessons.exercises import capstone
    from m2k_lessons.exercises.base import Choose, Compute, Guess, Reflect, Write

    seen: Counter = Counter()

    def note(question, what: str, make: Callable[[], dict[str, Any]]) -> None:
        key = question.chapter, question.name, what
        seen[key] += 1
        line = {"chapter": question.chapter, "name": question.name, "what": what}
        if what != "check" or seen[key] <= TRIES:
            line |= make() if seen[key] <= TRIES else {}
            tell(**line)
        elif seen[key] == TRIES + 1:
            tell(**line, too_many=True)

    for kind in (Compute, Choose, Reflect, Write, capstone._OnePage, Guess):
        for name, how in (("check", _answer), ("guess", _values), ("compare", _values),
                          ("hint", None), ("solution", None)):  # fmt: skip
            if name in vars(kind):
                setattr(kind, name, _recorded(vars(kind)[name], name, how, note))


def _recorded(original: Callable, name: str, how: Callable | None, note: Callable) -> Callable:
    from m2k_lessons.exercises.base import UNGRADED, Reply, Write

    @functools.wraps(original)
    def method(self, *given, **named):
        if self.chapter:
            note(self, name, lambda: how(self, *given, **named) if how else {})
        if isinstance(self, Write) and name == "check":
            return Reply(UNGRADED, "Written down; it is judged elsewhere.")
        return original(self, *given, **named)

    return method


def _values(question, *given, **named) -> dict[str, Any]:
    from tools.classroom.values import encode

    return {"values": [encode(value) for value in (*given, *named.values())][:2]}


def _answer(question, *given, **named) -> dict[str, Any]:
    from m2k_lessons.exercises import capstone
    from m2k_lessons.exercises.base import Write

    given = (*given, *named.values())
    if isinstance(question, Write):
        return {"function": _function(question, given[0] if given else ...)}
    if isinstance(question, capstone._OnePage):
        return {"report": _report(*given)}
    return _values(question, *given[:1])


def _function(question, answer) -> dict[str, Any]:
    """A function as `carry` packs it, in JSON: reading it imports and runs nothing."""
    from m2k_lessons.exercises import carry
    from m2k_lessons.exercises.code import _is_empty

    if answer is ... or _is_empty(answer):
        return {"empty": True}
    if unfit := question._unfit(answer):
        return {"unfit": unfit}
    try:
        job = carry.pack(answer)
    except carry.CannotCarryError as sentence:
        return {"unfit": str(sentence)}
    job["values"] = {
        name: base64.b64encode(value).decode() for name, value in job["values"].items()
    }
    return job


def _report(report=..., found=...) -> dict[str, Any]:
    """The capstone's page, and what the notebook says that the gates found."""
    from dataclasses import fields

    from m2k_lessons.exercises.capstone import Report
    from m2k_lessons.gates import Examination
    from tools.classroom.values import encode

    if not isinstance(report, Report):
        return {"empty": report is ...}
    line: dict[str, Any] = {
        "report": {one.name: encode(getattr(report, one.name)) for one in fields(report)}
    }
    if isinstance(found, Examination):
        numbers = {
            one.name: encode(getattr(found, one.name))
            for one in fields(found)
            if one.type in ("int", "float")
        }
        passed = {str(gate): bool(one) for gate, one in found.table["passed"].items()}
        line["found"] = {"numbers": numbers, "passed": passed}
    return line
