"""The questions of an exam paper: they take an answer and say that it is noted, nothing more.

What is right stands in the teacher's templates, which are not part of the course; see
`teaching/exam/README.md`.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

from m2k_lessons.exercises.choose import Choose, Reflect
from m2k_lessons.exercises.code import Write, _is_empty
from m2k_lessons.exercises.compute import Compute
from m2k_lessons.exercises.question import _Question
from m2k_lessons.exercises.reading import Unreadable, read_letter, read_number
from m2k_lessons.exercises.reply import NOT_ATTEMPTED, UNGRADED, Reply

_FUNCTION = re.compile(r"function (\w+)\(((?:\w+(?:, )?)*)\)")
_COUNTS = "The last answer counts."


class _Silent:
    """No verdict, no hint, no solution; the recorder of the marking sees `check` as usual."""

    def _reply(self, answer: Any = ..., numbers: Any = None) -> Reply:
        if answer is ... or _is_empty(answer):
            return Reply(NOT_ATTEMPTED, "Not answered yet.")
        try:
            return Reply(UNGRADED, f"Noted: {self._noted(answer)}. {_COUNTS}")
        except Unreadable as sentence:
            return Reply(UNGRADED, f"Not noted. {sentence}")

    def check(self, answer: Any = ...) -> Reply:
        """Take the answer; it is judged when the paper is marked."""
        return super().check(answer)  # type: ignore[misc]

    def _noted(self, answer: Any) -> str:
        """The answer as it was read; `Unreadable` says why it could not be."""
        raise NotImplementedError

    def hint(self, n: int = 1) -> Reply:
        """There is none."""
        return Reply(UNGRADED, "There are no hints in an exam.")

    def solution(self) -> Reply:
        """There is none."""
        return Reply(UNGRADED, "There are no solutions in an exam.")


class _Number(_Silent, Compute):
    def _noted(self, answer: Any) -> str:
        found, remark = read_number(answer)
        return f"{found:,.10g}{f' {remark}' if remark else ''}"


class _Choice(_Silent, Choose):
    def _noted(self, answer: Any) -> str:
        letter = read_letter(answer, self.options)
        if letter is None:
            letters = ", ".join(f'"{one}"' for one in self.options)
            raise Unreadable(f"The answer must be one of {letters}, not {answer!r}.")
        return f'"{letter}"'


class _Function(_Silent, Write):
    def _noted(self, answer: Any) -> str:
        if unfit := self._unfit(answer):
            raise Unreadable(unfit)
        return f"the function `{self.called}` as it stands now"


class _Text(_Silent, Reflect):
    def check(self, answer: Any = ...) -> Reply:
        """Take the text; a person reads it."""
        Reflect.check(self, answer)  # which the marking listens to
        return self._reply(answer)

    def _noted(self, answer: Any) -> str:
        if not isinstance(answer, str) or not answer.strip():
            raise Unreadable(f"A sentence in quotes is needed, got {answer!r}.")
        return f"{len(answer.split())} words"


def questions(paper: str, *kinds: str) -> list[_Question]:
    """The questions of a paper, called q1, q2, … in this order.

    Parameters
    ----------
    paper : str
        Name of the paper's notebook, without its ending.
    kinds : str
        "number", "choice abc" with the letters, "function gap_usd(bars, number)" with what it
        takes, or "text".

    Raises
    ------
    ValueError
        A kind is none of these.

    Examples
    --------
    >>> q1, q2 = questions("exam_midterm", "number", "choice abcd")
    >>> q1.check(1_250.5)
    ✎ Noted: 1,250.5. The last answer counts.
    """
    made = []
    for number, kind in enumerate(kinds, 1):
        question = _made(kind)
        question.chapter, question.name = paper, f"q{number}"
        made.append(question)
    return made


def _made(kind: str) -> _Question:
    what, _, rest = kind.partition(" ")
    if kind == "number":
        return _Number("", reference=float)
    if kind == "text":
        return _Text("", model_answer="")
    if what == "choice" and rest.isalpha():
        return _Choice("", options=dict.fromkeys(rest, ""), right="", feedback={})
    if found := _FUNCTION.fullmatch(kind):
        return _Function("", reference=_stub(found[1], found[2].split(", ")), cases=[])
    raise ValueError(
        f'kinds must be "number", "choice abc", "function name(arguments)" or "text", got {kind!r}'
    )


def _stub(name: str, parameters: list[str]):
    def function(*arguments):
        raise NotImplementedError("an exam paper holds no solution")

    function.__name__ = f"_{name}"
    by_place = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(parameter, by_place) for parameter in parameters]
    )
    return function
