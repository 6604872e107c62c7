"""How often ranges that were meant to hold 80 % did, and what a range is worth."""

from __future__ import annotations

import math
from dataclasses import dataclass

from m2k_lessons._util import checks
from m2k_lessons.exercises import store

BEYOND = 0.2  # what a range leaves out, half of it on each side
LEVEL = 1 - BEYOND


def interval_score(low: float, high: float, value: float) -> float:
    """Score of a central 80 % range: its width, plus ten times what it missed the value by.

    Lower is better. Nobody can lower the expected score by another range than the one between
    their true 10 % and 90 % quantiles: neither huge nor empty ranges gain anything.

    Parameters
    ----------
    low, high : float
        The range, `low` not above `high`.
    value : float
        What came out, in the same unit.

    Returns
    -------
    float
        In that unit, at least 0.

    References
    ----------
    Gneiting, T. and Raftery, A. E. (2007). Strictly proper scoring rules, prediction, and
    estimation. Journal of the American Statistical Association 102, 359-378, equation 43.

    Examples
    --------
    >>> interval_score(10, 30, 25)
    20.0
    >>> interval_score(10, 30, 32)
    40.0
    """
    low, value = checks.number("low", low), checks.number("value", value)
    high = checks.number("high", high, at_least=low)
    missed = max(low - value, value - high, 0.0)
    return high - low + 2 / BEYOND * missed


@dataclass(frozen=True)
class Calibration:
    """How many ranges held, of those whose value is known.

    Attributes
    ----------
    ranges, held : int
    mean_score : float
        Of the interval scores, each in units of its question's scale; nan without a range.
    """

    ranges: int
    held: int
    mean_score: float = math.nan

    @property
    def held_fraction(self) -> float:
        """Fraction of the ranges that held; nan without a range."""
        return self.held / self.ranges if self.ranges else math.nan

    @property
    def standard_error(self) -> float:
        """Of that fraction, for someone whose ranges truly hold 80 %; nan without a range."""
        return math.sqrt(LEVEL * (1 - LEVEL) / self.ranges) if self.ranges else math.nan

    @property
    def p_value(self) -> float:
        """Chance that so few or fewer hold when each does with 80 %, from the binomial."""
        return sum(
            math.comb(self.ranges, count) * LEVEL**count * (1 - LEVEL) ** (self.ranges - count)
            for count in range(self.held + 1)
        )

    @property
    def sentence(self) -> str:
        """What the numbers say, with their error."""
        if not self.ranges:
            return "No range has been entered and compared yet."
        plural = "range" if self.ranges == 1 else "ranges"
        return (
            f"Of {self.ranges} {plural} meant to hold 80 %, {self.held} did: "
            f"{100 * self.held_fraction:.0f} %, where 80 ± {100 * self.standard_error:.0f} % "
            "(standard error) is to be expected. Somebody whose ranges truly hold 80 % has so few "
            f"or fewer {100 * self.p_value:.0f} % of the time."
        )


def calibration(chapter: str | None = None) -> Calibration:
    """The learner's own figure, from all chapters or from one.

    Parameters
    ----------
    chapter : str, optional
        The notebook's name without its ending, such as "09_risk_management".
    """
    kept = [
        entry
        for name, entries in store.read().items()
        if chapter in (None, name)
        for entry in entries.values()
        if {"low", "high", "value", "score"} <= set(entry)
    ]
    if not kept:
        return Calibration(0, 0)
    held = sum(entry["low"] <= entry["value"] <= entry["high"] for entry in kept)
    return Calibration(len(kept), held, sum(entry["score"] for entry in kept) / len(kept))


def draw(found: Calibration | None = None):
    """Show the learner's calibration as a figure with alternative text.

    Parameters
    ----------
    found : Calibration, optional
        `calibration()` when omitted.
    """
    import matplotlib.pyplot as plt

    from m2k_lessons import plots

    found = calibration() if found is None else found
    figure, axes = plt.subplots(figsize=(7.6, 2.0))
    axes.axvline(100 * LEVEL, color=plots.GREY, linestyle="--")
    axes.annotate("meant", (100 * LEVEL, 0.8), xytext=(4, 0), textcoords="offset points")
    if found.ranges:
        error = 200 * found.standard_error
        axes.axvspan(
            max(0, 100 * LEVEL - error), min(100, 100 * LEVEL + error), color="#DDDDDD", zorder=0
        )
        axes.plot([100 * found.held_fraction], [0.4], "o", color=plots.BLUE, markersize=9)
        axes.annotate(
            f"{found.held} of {found.ranges} held",
            (100 * found.held_fraction, 0.4),
            xytext=(0, 9),
            textcoords="offset points",
            ha="center" if 15 < 100 * found.held_fraction < 85 else "right",
        )
    axes.set(xlim=(0, 100), ylim=(0, 1), yticks=[], xlabel="ranges that held the value, %")
    axes.set_title("Your ranges; grey: two standard errors around 80 %")
    plots.show(found.sentence, figure)
