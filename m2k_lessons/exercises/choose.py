"""Questions without a number: one option of a few, and free text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from m2k_lessons._util import checks
from m2k_lessons.exercises.question import _Question
from m2k_lessons.exercises.reading import read_letter
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply


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
        letter = read_letter(answer, self.options)
        if letter is None:
            return Reply(WRONG, f"The answer must be one of {letters}, not {answer!r}.")
        if self._is_right(letter):
            return Reply(CORRECT, f"Correct. {self.feedback[letter]}")
        return Reply(WRONG, self.feedback[letter])

    def _is_right(self, letter: str) -> bool:
        return letter == self.right

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
        # A paragraph for each: a list would put a bullet before the letter.
        options = (f"{letter}) {text}" for letter, text in self.options.items())
        return "\n\n".join([self.ask_text, *options])


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
