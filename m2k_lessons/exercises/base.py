"""Exercises that answer back.

A question is one of three kinds:

    Compute   a number (or an array); known mistakes get the sentence that mends them
    Choose    one of three or four options; each wrong one has its own feedback
    Reflect   free text; never graded, shows a model answer

The reference solution is a function: `.solution()` prints its source, the checker runs it, and
the tests feed its result back to the checker. What a chapter must write is shown in
`exercises/contract_basics.py`.
"""

from __future__ import annotations

import html
import inspect
import os
import textwrap
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.exercises import progress

NOT_ATTEMPTED, CORRECT, WRONG, UNGRADED = "not attempted", "correct", "wrong", "not graded"
_MARKS = {NOT_ATTEMPTED: "○", CORRECT: "✓", WRONG: "✗", UNGRADED: "✎"}
_COLOURS = {NOT_ATTEMPTED: "#6B6B6B", CORRECT: "#0072B2", WRONG: "#D55E00", UNGRADED: "#6B6B6B"}


@dataclass(frozen=True)
class Reply:
    """What an exercise says: a state and a sentence. Shown as text and as a coloured line."""

    state: str
    text: str

    def __repr__(self) -> str:
        return f"{_MARKS[self.state]} {self.text}"

    def _repr_html_(self) -> str:
        # mathjax_ignore: two dollar amounts in a sentence are not a formula.
        return (
            f'<div class="mathjax_ignore" style="border-left:4px solid {_COLOURS[self.state]};'
            f'padding:2px 10px;white-space:pre-wrap">{html.escape(repr(self))}</div>'
        )


class Given(NamedTuple):
    """One number of a question: what everyone gets, and what a learner's own may be."""

    default: Any
    others: Sequence[Any]


class Mistake(NamedTuple):
    """A wrong answer with a known cause: how it comes about, and what to say to it."""

    answer: Callable[..., Any]
    says: str


@dataclass
class _Question:
    ask_text: str

    # Filled in by the module's `register`.
    chapter: str = field(default="", init=False)
    name: str = field(default="", init=False)

    def ask(self) -> Reply:
        """Show the question with the learner's own numbers."""
        return Reply(NOT_ATTEMPTED, f"{self.name.upper()}. {self._asked()}")

    def _asked(self) -> str:
        return self.ask_text

    def markdown(self) -> str:
        """The question as it stands in the notebook, before its answer cell."""
        title = self.name.upper() if self.name[1:].isdigit() else self.name.capitalize()
        return f"**{title}.** {self._as_markdown()}"

    def _as_markdown(self) -> str:
        return self._asked()

    def _no_more_hints(self) -> Reply:
        return Reply(UNGRADED, f"There are no more hints. {self.name}.solution() shows it all.")

    def _record(self, reply: Reply) -> Reply:
        if self.chapter and reply.state in (CORRECT, WRONG):
            progress.record(self.chapter, self.name, reply.state == CORRECT)
        return reply


@dataclass
class Compute(_Question):
    """A question whose answer is a number or an array of numbers.

    Parameters
    ----------
    ask_text : str
        The question; `{name}` is replaced by a given, with any format: `{equity_usd:,}`.
    reference : function of the givens
        The solution. Its source is what `.solution()` shows.
    given : dict of str to Given
        The numbers of the question.
    mistakes : list of Mistake
        Functions of the givens that arrive at typical wrong answers. One that happens to
        equal the right answer for some numbers is passed over.
    hints : list of str
        From a nudge to nearly the whole way; `{name}` is replaced as in the question.
    well_done : str
        Said with "Correct."; `{name}` and `{answer}` are replaced.
    whole : bool
        Whether the answer is a whole number of something (contracts, ticks, days).
    unit : str
        What the answer is measured in, for the replies.
    tolerance : float
        How far off an answer may be; half a cent when omitted.
    """

    reference: Callable[..., Any]
    given: Mapping[str, Given] = field(default_factory=dict)
    mistakes: Sequence[Mistake] = ()
    hints: Sequence[str] = ()
    well_done: str = ""
    whole: bool = False
    unit: str = ""
    tolerance: float = 0.005

    @property
    def numbers(self) -> dict[str, Any]:
        """The givens as this learner has them; `M2K_STUDENT` in the environment picks others."""
        student = os.environ.get("M2K_STUDENT", "")
        if not student:
            return {name: one.default for name, one in self.given.items()}
        # zlib.crc32 is the same on every machine and Python; hash() is not.
        seed = zlib.crc32(f"{student}/{self.chapter}/{self.name}".encode())
        rng = np.random.default_rng(seed)
        return {name: one.others[rng.integers(len(one.others))] for name, one in self.given.items()}

    def check(self, answer: Any = ...) -> Reply:
        """Say whether `answer` is right, and if it is a known mistake, which."""
        return self._record(self._reply(answer))

    def _reply(self, answer: Any) -> Reply:
        if answer is ...:
            what = "a whole number" if self.whole else "your answer"
            return Reply(NOT_ATTEMPTED, f"Not attempted yet. Put {what} in place of the dots.")
        numbers = self.numbers
        right = self.reference(**numbers)
        try:
            given = np.asarray(answer, dtype=float)
        except (TypeError, ValueError):
            return Reply(WRONG, f"The answer must be a number, not {answer!r}.")
        if given.shape != np.shape(right):
            wanted = f"{np.size(right)} numbers" if np.ndim(right) else "one number"
            return Reply(WRONG, f"The answer must be {wanted}, not {given.size}.")
        if not np.all(np.isfinite(given)):
            return Reply(
                WRONG, "The answer must be finite; something was divided by zero or missing."
            )
        if self._same(given, right):
            return Reply(
                CORRECT, " ".join(["Correct.", self._filled(self.well_done, right)]).strip()
            )
        for mistake in self.mistakes:
            wrong = mistake.answer(**numbers)
            if self._same(given, wrong) and not self._same(wrong, right):
                return Reply(WRONG, self._filled(mistake.says, right))
        if self.whole and np.any(given != np.rint(given)):
            return Reply(WRONG, f"The answer is a whole number{self._of_unit()}.")
        if np.ndim(right) == 0 and right != 0 and self._same(-given, right):
            return Reply(WRONG, "The size is right, the sign is not.")
        return Reply(WRONG, f"Not yet. {self.name}.hint(1) may help.")

    def hint(self, n: int = 1) -> Reply:
        """The n-th hint; each says more than the one before."""
        if checks.whole("n", n, at_least=1) > len(self.hints):
            return self._no_more_hints()
        return Reply(UNGRADED, f"Hint {n} of {len(self.hints)}: {self._filled(self.hints[n - 1])}")

    def solution(self) -> Reply:
        """The reference solution as code, and its answer for the learner's own numbers."""
        numbers = "\n".join(f"{name} = {value!r}" for name, value in self.numbers.items())
        lines = inspect.getsource(self.reference).splitlines()
        start = next(i for i, line in enumerate(lines) if line.rstrip().endswith(":")) + 1
        body = textwrap.dedent("\n".join(lines[start:])).replace("return ", "answer = ")
        answer = np.round(self.reference(**self.numbers), 4)
        return Reply(UNGRADED, f"One way to do it:\n{numbers}\n{body}\n# answer: {answer:,}")

    def _asked(self) -> str:
        return self._filled(self.ask_text)

    def _filled(self, text: str, answer: Any = None) -> str:
        return text.format(answer=answer, **self.numbers)

    def _same(self, one, other) -> bool:
        return np.shape(one) == np.shape(other) and bool(
            np.all(np.abs(np.asarray(one, float) - np.asarray(other, float)) <= self.tolerance)
        )

    def _of_unit(self) -> str:
        return f" of {self.unit}" if self.unit else ""


@dataclass
class Choose(_Question):
    """A question with a few options, one of them right; each wrong one has feedback.

    Parameters
    ----------
    ask_text : str
    options : dict of str to str
        Letter to statement.
    right : str
        The letter of the right one.
    feedback : dict of str to str
        What to say to each letter, the right one included.
    """

    options: Mapping[str, str]
    right: str
    feedback: Mapping[str, str]

    def check(self, answer: Any = ...) -> Reply:
        """Say whether the chosen letter is right, and why or why not."""
        return self._record(self._reply(answer))

    def _reply(self, answer: Any) -> Reply:
        letters = ", ".join(f'"{letter}"' for letter in self.options)
        if answer is ...:
            return Reply(
                NOT_ATTEMPTED, f"Not attempted yet. Put one of {letters} in place of the dots."
            )
        letter = answer.strip().lower() if isinstance(answer, str) else ""
        if letter not in self.options:
            return Reply(WRONG, f"The answer must be one of {letters}, not {answer!r}.")
        if letter == self.right:
            return Reply(CORRECT, f"Correct. {self.feedback[letter]}")
        return Reply(WRONG, self.feedback[letter])

    def hint(self, n: int = 1) -> Reply:
        """One option that is wrong, and why."""
        wrong = [letter for letter in self.options if letter != self.right]
        if checks.whole("n", n, at_least=1) > 1:
            return self._no_more_hints()
        return Reply(UNGRADED, f'Hint: it is not "{wrong[0]}". {self.feedback[wrong[0]]}')

    def solution(self) -> Reply:
        """The right option and the reason."""
        return Reply(
            UNGRADED, f'"{self.right}": {self.options[self.right]}\n{self.feedback[self.right]}'
        )

    def _asked(self) -> str:
        options = (f"  {letter}) {text}" for letter, text in self.options.items())
        return "\n".join([self.ask_text, *options])

    def _as_markdown(self) -> str:
        options = (f"- {letter}) {text}" for letter, text in self.options.items())
        return "\n".join([self.ask_text, "", *options])


@dataclass
class Reflect(_Question):
    """A question in free text. Nobody grades it; `.solution()` shows a model answer."""

    model_answer: str

    def check(self, answer: Any = ...) -> Reply:
        """Thank for the text; a program can't tell whether it is right, and doesn't pretend to."""
        if answer is ...:
            return Reply(NOT_ATTEMPTED, "Not attempted yet. Put a sentence in place of the dots.")
        return Reply(
            UNGRADED,
            "Noted; free text is not graded. Compare it with "
            f"{self.name}.solution() and judge for yourself.",
        )

    def hint(self, n: int = 1) -> Reply:
        """There is no hint short of the model answer."""
        return Reply(UNGRADED, f"Write two sentences first, then look at {self.name}.solution().")

    def solution(self) -> Reply:
        """A model answer."""
        return Reply(UNGRADED, f"A model answer: {self.model_answer}")


def register(chapter: str, module: Mapping[str, Any]) -> dict[str, _Question]:
    """Tell each question of a chapter its name; returns them in the order written.

    Called once at the end of a chapter's module: ``QUESTIONS = register("01_contract_basics",
    globals())``, with the notebook's name, so that chapters sort in reading order.
    """
    questions = {name: one for name, one in module.items() if isinstance(one, _Question)}
    for name, question in questions.items():
        question.name = name
    # A question called `example` is answered by the page itself, and counts for nobody.
    counted = {name: one for name, one in questions.items() if name != "example"}
    for question in counted.values():
        question.chapter = chapter
    return counted
