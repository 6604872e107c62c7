"""A prediction: a range entered before a cell runs, and scored after it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from m2k_lessons._util import checks
from m2k_lessons.exercises import store
from m2k_lessons.exercises.calibration import interval_score
from m2k_lessons.exercises.question import Named
from m2k_lessons.exercises.reading import Unreadable, read_number
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply


@dataclass
class Guess(Named):
    """A number to predict as a range that holds it with 80 %.

    The first range counts, and only if it came before `compare` had shown the value. Both are
    kept with the progress, so that restarting the kernel changes nothing.

    Parameters
    ----------
    ask_text : str
        What to predict.
    unit : str
        What it is measured in, for the replies.
    scale : float
        Width of a range that somebody who knows the subject would give, above 0. Scores are in
        this unit, so that those of different questions can be averaged.
    """

    unit: str = ""
    scale: float = 1.0

    def __post_init__(self) -> None:
        self.scale = checks.number("scale", self.scale, above=0)
        self._kept: dict[str, float] = {}  # for a guess that belongs to no chapter

    def guess(self, low: Any = ..., high: Any = ...) -> Reply:
        """Enter the range; only the first one counts."""
        kept = self._notes()
        if "low" in kept:
            return Reply(UNGRADED, f"Your first range, {self._range(kept)}, stands and counts.")
        if low is ... or high is ...:
            return Reply(
                NOT_ATTEMPTED,
                "No range yet. Put the ends of a range in place of the dots: one that you are "
                "80 % sure holds the value.",
            )
        if "value" in kept:
            return Reply(
                UNGRADED,
                "The value was shown before this range came, so it doesn't count. The next "
                "prediction will.",
            )
        try:
            (low, _), (high, _) = read_number(low), read_number(high)
        except Unreadable as sentence:
            return Reply(WRONG, f"Not entered. {sentence}")
        if low > high:
            return Reply(
                WRONG, f"Not entered. The low end, {low:g}, lies above the high end, {high:g}."
            )
        if low == high:
            return Reply(
                WRONG,
                f"Not entered. {low:g} to {high:g} is a single number. How far may it be off?",
            )
        kept = self._notes(low=low, high=high)
        return Reply(
            UNGRADED, f"Noted: {self._range(kept)}, with 80 %. Now run the cells that follow."
        )

    def compare(self, value: Any) -> Reply:
        """Hold the range against what came out."""
        try:
            value, _ = read_number(value)
        except Unreadable as sentence:
            return Reply(WRONG, f"There is nothing to compare with. {sentence}")
        kept = self._notes()
        shown = f"It is {self._shown(value)}{self._of_unit()}."
        if "low" not in kept:
            self._notes(value=value)
            return Reply(NOT_ATTEMPTED, f"{shown} No range was entered before, so none is scored.")
        score = interval_score(kept["low"], kept["high"], value) / self.scale
        kept = self._notes(value=value, score=score)
        held = kept["low"] <= kept["value"] <= kept["high"]
        verdict = "held it" if held else "missed it"
        return Reply(
            CORRECT if held else UNGRADED,
            f"{shown} Your range, {self._range(kept)}, {verdict}. Score {kept['score']:.2f}: the "
            "width, and ten times what was missed, in units of a well-informed range; lower is "
            "better, and neither huge nor tiny ranges make it low.",
        )

    def hint(self, n: int = 1) -> Reply:
        """How to find the ends of a range."""
        return Reply(
            UNGRADED,
            "For each end ask: of ten such values, would one lie beyond it? If more, widen the "
            "range; if none, narrow it.",
        )

    def _as_markdown(self) -> str:
        return f"{self._asked()} Enter a range that holds it with 80 %."

    def markdown(self) -> str:
        """The prediction as it stands in the notebook, before its cell."""
        return f"**Predict before you run.** {self._as_markdown()}"

    def _notes(self, **facts: float) -> dict[str, float]:
        if self.chapter:
            if not facts:
                return store.read().get(self.chapter, {}).get(self.name, {})
            return store.note(self.chapter, self.name, **facts)
        self._kept = {**facts, **self._kept}
        return self._kept

    def _range(self, kept: dict[str, float]) -> str:
        return f"{kept['low']:,.6g} to {kept['high']:,.6g}{self._of_unit()}"

    def _shown(self, value: float) -> str:
        """The value, to a hundredth of what a well-informed range is wide."""
        decimals = max(0, 2 - math.floor(math.log10(self.scale)))
        rounded = round(value, decimals) + 0.0  # no -0
        return f"{rounded:,.6g}".replace("-", "−")

    def _of_unit(self) -> str:
        return f" {self.unit}" if self.unit else ""
