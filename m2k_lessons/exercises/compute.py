"""Questions whose answer is a number, each learner with numbers of their own."""

from __future__ import annotations

import inspect
import math
import textwrap
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.exercises.question import _Question, student
from m2k_lessons.exercises.reading import Unreadable, read_number
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply, with_code

_DRAWS = 400  # attempts to find numbers that keep right and wrong ways apart
_MORE = {1: "one decimal more", 2: "two decimals more", 3: "three decimals more"}


class Given(NamedTuple):
    """One number of a question: what everyone gets, and what a learner's own may be."""

    default: Any
    others: Sequence[Any]


class Mistake(NamedTuple):
    """A wrong answer with a known cause: how it comes about, and what to say to it.

    `sometimes_right` marks a wrong way that for some numbers arrives at the right answer or at
    its rounding, such as rounding down where the nearest whole number is asked for.
    """

    answer: Callable[..., Any]
    says: str
    sometimes_right: bool = False


def steps(low: float, high: float, step: float) -> list:
    """Numbers from `low` to `high`, both included, as a person would write them.

    >>> steps(2400.0, 2401.0, 0.5)
    [2400.0, 2400.5, 2401.0]
    >>> steps(2, 4, 1)
    [2, 3, 4]
    """
    count = round((high - low) / step) + 1
    values = [round(low + place * step, 10) for place in range(count)]
    return values if any(isinstance(end, float) for end in (low, step)) else list(map(int, values))


@dataclass
class Compute(_Question):
    """A question whose answer is a number.

    Parameters
    ----------
    ask_text : str
        The question; `{name}` is replaced by a given, with any format: `{equity_usd:,}`.
    reference : function of the givens
        The solution. Its source is what `.solution()` shows.
    given : dict of str to Given
        The numbers of the question.
    mistakes : list of Mistake
        Functions of the givens that arrive at typical wrong answers. A learner's own numbers
        are drawn so that none of them meets the right answer or another mistake.
    hints : list of str
        From a nudge to nearly the whole way; `{name}` is replaced as in the question.
    well_done : str
        Said with "Correct."; `{name}` and `{answer}` are replaced.
    whole : bool
        Whether the answer is a whole number of something (contracts, ticks, days).
    unit : str
        What the answer is measured in, for the replies.
    tolerance : float
        How far off an answer may be; half a cent when omitted. The number of decimals that is
        asked for follows from it.
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
    def decimals(self) -> int:
        """How many decimals an answer needs: 0.05 of tolerance is one, half a cent is two."""
        return 0 if self.whole else max(0, math.ceil(-math.log10(2 * self.tolerance) - 1e-9))

    @property
    def numbers(self) -> dict[str, Any]:
        """The givens as this learner has them; `M2K_STUDENT` in the environment picks others."""
        if not student():
            return self._printed
        key = f"{student()}/{self.chapter}/{self.name}"
        if key not in self._drawn:
            self._drawn[key] = self._draw(key)
        return self._drawn[key]

    def __post_init__(self) -> None:
        self._drawn: dict[str, dict[str, Any]] = {}

    @property
    def _printed(self) -> dict[str, Any]:
        return {name: given.default for name, given in self.given.items()}

    def _draw(self, key: str) -> dict[str, Any]:
        # zlib.crc32 is the same on every machine and Python; hash() is not.
        rng = np.random.default_rng(zlib.crc32(key.encode()))
        second_best = None
        for _ in range(_DRAWS):
            numbers = {
                name: given.others[int(rng.integers(len(given.others)))]
                for name, given in self.given.items()
            }
            serious, slight = self.collisions(numbers)
            if not serious and not slight:
                return numbers
            if not serious and second_best is None:
                second_best = numbers
        return second_best or self._printed

    def collisions(self, numbers: Mapping[str, Any]) -> tuple[list[str], list[str]]:
        """Wrong ways that meet the right one with these numbers, and those that meet each other.

        The first make a verdict false, the second only a sentence. A learner's own numbers never
        have the first, and the second only where the subject has too few answers to avoid them.
        """
        right = float(self.reference(**numbers))
        if not math.isfinite(right):
            return [f"the answer is {right}"], []
        serious, slight = [], []
        printed = float(self.reference(**self._printed))
        heard = [] if self._same(printed, right) else [(printed, "the printed numbers")]
        if heard and self._shortened(printed, right):
            serious.append("the printed numbers")
        for mistake in self.mistakes:
            wrong = float(mistake.answer(**numbers))
            if abs(wrong - right) <= 2 * self._within(right) or self._shortened(wrong, right):
                if not mistake.sometimes_right:
                    serious.append(mistake.says)
                continue
            for other, says in heard:
                if says != mistake.says and abs(wrong - other) <= 2 * self._within(wrong, other):
                    slight.append(f"{says} / {mistake.says}")
            heard.append((wrong, mistake.says))
        return serious, slight

    def check(self, answer: Any = ...) -> Reply:
        """Say whether `answer` is right, and if it is a known mistake, which."""
        return self._record(self._reply(answer))

    def _reply(self, answer: Any, numbers: Mapping[str, Any] | None = None) -> Reply:
        numbers = self.numbers if numbers is None else numbers
        if answer is ...:
            what = "a whole number" if self.whole else "your answer"
            ask = f"\n{self._filled(self.ask_text)}" if student() else ""
            return Reply(NOT_ATTEMPTED, f"Not attempted yet. Put {what} in place of the dots.{ask}")
        right = self.reference(**numbers)
        try:
            found, remark = read_number(answer)
        except Unreadable as sentence:
            return Reply(WRONG, str(sentence))
        if self._same(found, right):
            said = ["Correct.", self._filled(self.well_done, right, numbers), remark]
            return Reply(CORRECT, " ".join(part for part in said if part))
        return Reply(WRONG, " ".join(filter(None, [self._mended(found, right, numbers), remark])))

    def _mended(self, found: float, right: float, numbers: Mapping[str, Any]) -> str:
        """What to say to a wrong answer: the nearest cause that is known."""
        expected = [mistake for mistake in self.mistakes if mistake.sometimes_right]
        if says := self._known(expected, found, right, numbers):
            return says
        if missing := self._shortened(found, right):
            return missing
        if numbers != self._printed and self._same(found, self.reference(**self._printed)):
            return "That is right for the printed numbers; yours are others. " + self._filled(
                self.ask_text, None, numbers
            )
        if says := self._known(self.mistakes, found, right, numbers):
            return says
        if self.whole and found != round(found):
            of_unit = f" of {self.unit}" if self.unit else ""
            return f"The answer is a whole number{of_unit}."
        if right != 0 and self._same(-found, right):
            return "The size is right, the sign is not."
        for factor in (10, 100, 1000):
            if right != 0 and abs(found - factor * right) <= self._within(right):
                return f"The digits are right, but it is {factor:,} times as much as it should be."
            if right != 0 and abs(found * factor - right) <= self._within(right):
                return f"The digits are right, but it should be {factor:,} times as much."
        return f"Not yet. {self.name}.hint(1) may help."

    def _known(self, mistakes, found: float, right: float, numbers: Mapping[str, Any]) -> str:
        for mistake in mistakes:
            wrong = mistake.answer(**numbers)
            near = abs(found - wrong) <= self._within(wrong, wrong)
            if near and not self._same(wrong, right):
                return self._filled(mistake.says, right, numbers)
        return ""

    def _same(self, found: float, right: float) -> bool:
        return bool(abs(found - right) <= self._within(right))

    def _within(self, right: float, wrong: float | None = None) -> float:
        """How far off counts as the same; for a small wrong answer at most a twentieth of it."""
        # Half a unit of the last decimal is itself a rounding, and in binary it is a hair more.
        noise = 1e-9 * max(1.0, abs(right))
        allowed = 0.0 if self.whole else self.tolerance
        return noise + (allowed if wrong is None else min(self.tolerance, abs(wrong) / 20))

    def _shortened(self, found: float, right: float) -> str:
        """Says so if an answer is the right one with too few decimals, rounded or cut off."""
        if self.whole or found != round(found, self.decimals) or found * right < 0:
            return ""
        # 1.0 is typed with one decimal and can't be told from 1: take the fewest it may have.
        kept = next(k for k in range(self.decimals + 1) if found == round(found, k))
        more = _MORE.get(self.decimals - kept, "")
        noise = 1e-9 * max(1.0, abs(right))
        if any(abs(found - right) <= 10.0**-k / 2 + noise for k in range(kept, self.decimals)):
            return f"Right, but rounded: give {more}."
        if 0 <= abs(right) - abs(found) < 10.0**-kept and found:
            asked = f"give {more}" if more else "round to the nearest"
            return f"Right, but cut off instead of rounded: {asked}."
        return ""

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
        return with_code(UNGRADED, "One way to do it:", f"{numbers}\n{body}\n# answer: {answer:,}")

    def _asked(self) -> str:
        return self._filled(self.ask_text)

    def _filled(self, text: str, answer: Any = None, numbers=None) -> str:
        return text.format(answer=answer, **(self.numbers if numbers is None else numbers))
