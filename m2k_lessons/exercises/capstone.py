"""Chapter 17: counting trials, errors out of sample, and the one-page report with its rubric."""

from __future__ import annotations

import html
import math
import textwrap
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons.exercises.base import (
    CORRECT,
    NOT_ATTEMPTED,
    UNGRADED,
    WRONG,
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mistake,
    Reply,
    Write,
    _Question,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import course_bars, course_closes, series
from m2k_lessons.gates import Examination

g1 = Guess(
    "If no setting had any edge and all were unlike each other, what would the best Sharpe ratio "
    "of forty be on average, when they scatter as these do?",
    scale=0.6,
)

g2 = Guess(
    "What is the Sharpe ratio of the chosen setting in the four sealed years?",
    scale=1.3,
)


def _trials(settings, stops, others):
    looked_at = settings * (1 + stops)
    return looked_at + others


q1 = Compute(
    "You ran {settings} settings of a rule. Then you changed the stop {stops} times, and each "
    "time you looked at all settings again. Last week you also looked at {others} other rules on "
    "the same years, one setting each. Compute the number of trials.",
    reference=_trials,
    given={
        "settings": Given(30, steps(18, 48, 3)),
        "stops": Given(3, [2, 4, 5]),
        "others": Given(5, steps(4, 9, 1)),
    },
    mistakes=[
        Mistake(
            lambda settings, stops, others: 1,
            "One was chosen, but it was chosen from all of them.",
        ),
        Mistake(
            lambda settings, stops, others: settings,
            "Those are the settings with the first stop. The others were looked at as well.",
        ),
        Mistake(
            lambda settings, stops, others: settings + stops + others,
            "With each new stop you looked at all {settings} settings, not at one.",
        ),
        Mistake(
            lambda settings, stops, others: settings * stops + others,
            "The first stop was a look, too: {settings} settings before any change.",
        ),
        Mistake(
            lambda settings, stops, others: settings * (1 + stops),
            "The {others} other rules were tried on the same years: they count.",
        ),
    ],
    hints=[
        "A trial is each rule and each setting whose result was looked at.",
        "{settings} settings with the first stop, as many with each of {stops} more, and {others}.",
    ],
    well_done="{answer} trials, and the best of them is on your desk.",
    whole=True,
    unit="trials",
)


def _errors(sharpe, years):
    error = 1 / years**0.5
    return sharpe / error


q2 = Compute(
    "Over {years} years out of sample a rule shows a Sharpe ratio of {sharpe}. Compute how many "
    "standard errors that is above zero. Take 1/√years for the error, and give two decimals.",
    reference=_errors,
    given={"sharpe": Given(0.7, steps(0.50, 0.90, 0.05)), "years": Given(5, [3, 4, 6, 7, 8])},
    mistakes=[
        Mistake(
            lambda sharpe, years: sharpe / math.sqrt(years),
            "That is the ratio times its error. Divide by the error.",
        ),
        Mistake(
            lambda sharpe, years: sharpe * years,
            "The error shrinks with the root of the years, not with the years.",
        ),
        Mistake(
            lambda sharpe, years: 1 / math.sqrt(years),
            "That is the error itself. How often does it fit into the ratio?",
        ),
    ],
    hints=["The error is 1/√{years}.", "{sharpe} divided by 1/√{years} is {sharpe} × √{years}."],
    well_done="{answer:.2f} errors. The gate needs 1.645.",
)


# ------------------------------------------------------------------------------- the report


@dataclass(frozen=True)
class Report:
    """The one page at the end. Whatever is still `...` has not been written.

    Parameters
    ----------
    rule : str
        In one sentence.
    trials : int
        Rules and settings whose results on the development years were looked at.
    cost_usd : float
        One contract in and out, fees and slippage, USD.
    sharpe, sharpe_error : float
        Annual, out of sample; "none" where the rule never traded.
    largest_gap_loss_usd : float
        Of the whole position in one night of the development years, USD, above 0; "unknown"
        where the opens are no prices.
    verdict : {"passes", "fails"}
        Of all gates together.
    why : str
        What you make of it.
    """

    rule: Any = ...
    trials: Any = ...
    cost_usd: Any = ...
    sharpe: Any = ...
    sharpe_error: Any = ...
    largest_gap_loss_usd: Any = ...
    verdict: Any = ...
    why: Any = ...

    def __repr__(self) -> str:
        lines = ["REPORT"]
        for one in fields(self):
            value = getattr(self, one.name)
            text = "(not written yet)" if value is ... else str(value)
            page = textwrap.wrap(text, 70) or [""]
            lines += [f"{one.name:<21}{page[0]}", *(" " * 21 + line for line in page[1:])]
        return "\n".join(lines)


_TEXTS = ("rule", "why")  # read, but never worth a point


@dataclass(frozen=True)
class Grade:
    """What the rubric says of a report: one reply for each field."""

    replies: dict[str, Reply]

    @property
    def points(self) -> int:
        return sum(one.state == CORRECT for one in self.replies.values())

    @property
    def of(self) -> int:
        """Points to be had: texts are not graded."""
        return sum(name not in _TEXTS for name in self.replies)

    def __repr__(self) -> str:
        lines = [f"{one!r}" for one in self.replies.values()]
        return "\n".join([*lines, f"{self.points} of {self.of} points."])

    def _repr_html_(self) -> str:
        lines = "".join(one._repr_html_() for one in self.replies.values())
        return f"{lines}<p>{html.escape(f'{self.points} of {self.of} points.')}</p>"


def grade(report: Report, found: Examination) -> Grade:
    """Hold each field of a report against what the gates found.

    Parameters
    ----------
    report : Report
    found : gates.Examination
        Of the same rule on the same bars.

    Returns
    -------
    Grade
        Numbers and verdict are right or wrong; for the two texts it only says that they were
        noted. The number of trials is held against the one that `gates.examine` was told: what
        you tried before, the program can't know.

    Raises
    ------
    TypeError
        If it is not a report and an examination.
    """
    if not isinstance(report, Report):
        raise TypeError(f"report must be a Report, got {report!r}")
    if not isinstance(found, Examination):
        raise TypeError(f"found must be what gates.examine returns, got a {type(found).__name__}")
    return Grade(
        {
            "rule": _sentence(report.rule),
            "trials": _number("trials", report.trials, found.trials, 0, _TRIALS, found),
            "cost_usd": _number("cost_usd", report.cost_usd, found.cost_usd, 0.005, _COST, found),
            "sharpe": _number("sharpe", report.sharpe, found.sharpe, 0.011, _SHARPE, found),
            "sharpe_error": _number(
                "sharpe_error", report.sharpe_error, found.sharpe_error, 0.011, _ERROR, found
            ),
            "largest_gap_loss_usd": _number(
                "largest_gap_loss_usd",
                report.largest_gap_loss_usd,
                found.largest_gap_loss_usd,
                1.0,
                _GAP,
                found,
            ),
            "verdict": _verdict(report.verdict, found),
            "why": _noted("why", report.why),
        }
    )


# Wrong numbers with a known cause: where they come from, and what to say.
_TRIALS = [
    (lambda found: 1, "one was chosen, but from {right}. Each setting that was looked at counts."),
]
_COST = [
    (lambda found: found.commission_usd, "that is the fee of one side. Slippage is missing."),
    (lambda found: 2 * found.commission_usd, "those are the fees. Each side also lost slippage."),
    (lambda found: found.cost_usd / 2, "that is one side. A trade goes in and out."),
    (lambda found: found.cost_usd * found.contracts, "that is all contracts. Report one."),
]
_SHARPE = [
    (
        lambda found: found.development_sharpe,
        "that is from the years the setting was chosen on. Report the years opened last.",
    ),
]
_ERROR = [
    (
        lambda found: found.sharpe_error / math.sqrt(252),
        "that is the error of a day's ratio. Times the root of 252 it is a year's.",
    ),
    (
        lambda found: found.development_error,
        "that is the error of the development years. Fewer years have a larger one.",
    ),
]
_GAP = [
    (lambda found: found.planned_loss_usd, "that is the plan at the stop. A gap keeps no plan."),
    (
        lambda found: found.largest_gap_loss_usd / found.contracts,
        "that is one contract. Report the whole position.",
    ),
]


def _number(name: str, given, right: float, within: float, mistakes, found) -> Reply:
    if given is ...:
        return Reply(NOT_ATTEMPTED, f"{name}: not written yet.")
    if math.isnan(right):
        word = given.strip().lower() if isinstance(given, str) else given
        nothing = word in ("none", "unknown", "nan") or word is None
        if nothing or (isinstance(word, float) and math.isnan(word)):
            return Reply(CORRECT, f"{name}: agrees with the gates, which have no number either.")
        return Reply(WRONG, f'{name}: the gates have no number here. Write "unknown" or "none".')
    refused = Reply(WRONG, f"{name}: a number is needed, got {given!r}.")
    # A truth value and an array of one can be turned into a number, but nobody means them as one.
    if isinstance(given, (bool, np.bool_, str, complex)) or np.ndim(given):
        return refused
    try:
        value = float(given)
    except (TypeError, ValueError, OverflowError):
        return refused
    if not math.isfinite(value):
        return Reply(WRONG, f"{name}: a finite number is needed, got {value}.")
    if abs(value - right) <= within:
        return Reply(CORRECT, f"{name}: agrees with the gates.")
    for cause, says in mistakes:
        if abs(value - cause(found)) <= within:
            return Reply(WRONG, f"{name}: {says.format(right=found.trials)}")
    if abs(value + right) <= within:
        return Reply(WRONG, f"{name}: the size is right, the sign is not.")
    return Reply(WRONG, f"{name}: {value:g} is not what the gates found.")


def _sentence(given) -> Reply:
    if given is ...:
        return Reply(NOT_ATTEMPTED, "rule: not written yet.")
    if not isinstance(given, str) or not given.strip():
        return Reply(WRONG, f"rule: a sentence is needed, got {given!r}.")
    words = len(given.split())
    if words > 40:
        return Reply(WRONG, f"rule: {words} words. A rule fits into one sentence of at most 40.")
    return Reply(UNGRADED, "rule: noted. Would two people trade alike by it? Only you can tell.")


def _noted(name: str, given) -> Reply:
    if given is ...:
        return Reply(NOT_ATTEMPTED, f"{name}: not written yet.")
    if not isinstance(given, str) or not given.strip():
        return Reply(WRONG, f"{name}: a sentence is needed, got {given!r}.")
    return Reply(UNGRADED, f"{name}: noted; free text is not graded.")


def _verdict(given, found: Examination) -> Reply:
    if given is ...:
        return Reply(NOT_ATTEMPTED, "verdict: not written yet.")
    word = given.strip(" .!").lower() if isinstance(given, str) else ""
    word = {"pass": "passes", "passed": "passes", "fail": "fails", "failed": "fails"}.get(
        word, word
    )
    if word not in ("passes", "fails"):
        return Reply(WRONG, f'verdict: "passes" or "fails" is needed, got {given!r}.')
    failed = [gate for gate, passed in found.table["passed"].items() if not passed]
    if (word == "passes") == found.passes:
        return Reply(CORRECT, "verdict: agrees with the gates.")
    if failed:
        return Reply(WRONG, f"verdict: the rule did not pass: {', '.join(failed)}.")
    return Reply(WRONG, "verdict: the rule passed every gate.")


@dataclass
class _OnePage(_Question):
    """The report of the learner's own rule."""

    def check(self, report: Any = ..., found: Any = ...) -> Reply:
        """Grade a report by the rubric; texts are noted, never called correct."""
        # The sentence may stand there before the work has begun.
        if report is ... or (isinstance(report, Report) and replace(report, rule=...) == Report()):
            return Reply(NOT_ATTEMPTED, "Not attempted yet. Put your report in place of the dots.")
        if not isinstance(report, Report) or not isinstance(found, Examination):
            return Reply(
                WRONG,
                f"Give a Report and what gates.examine found: {self.name}.check(report, found).",
            )
        result = grade(report, found)
        states = [one.state for one in result.replies.values()]
        unwritten = NOT_ATTEMPTED if NOT_ATTEMPTED in states else CORRECT
        state = WRONG if WRONG in states else unwritten
        return self._record(Reply(state, f"{result.points} of {result.of} points.\n{result!r}"))

    def hint(self, n: int = 1) -> Reply:
        """Where the numbers stand."""
        if n == 1:
            return Reply(
                UNGRADED,
                "Print what gates.examine found, and its attributes: trials, cost_usd, sharpe, "
                "sharpe_error, largest_gap_loss_usd, passes.",
            )
        return self._no_more_hints()

    def solution(self) -> Reply:
        """Where to look instead of what to write: the rule is the learner's own."""
        return Reply(
            UNGRADED,
            "Your rule, so your page. The worked example of this chapter has one that gets every "
            "point, and its rule fails.",
        )


q3 = _OnePage(
    "Write the one-page report of your rule: the rule in one sentence, the number of trials, the "
    "cost of one contract in and out, the Sharpe ratio out of sample with its error, the largest "
    "gap loss, the verdict, and what you make of it."
)


def _sharpe_with_error(gains):
    """Annual Sharpe ratio of daily gains, and its standard error."""
    ratio = gains.mean() / gains.std() * 252**0.5
    return ratio, (252 / len(gains)) ** 0.5


q4 = Write(
    "Write the function `sharpe_with_error(gains)`. It takes a Series with a rule's gain or loss "
    "of each day, in USD, and returns two numbers, `(ratio, error)`: the Sharpe ratio of a year of "
    "252 days, from the mean and the sample standard deviation, and its standard error, "
    "1 / √years, for as many years as there are days.",
    reference=_sharpe_with_error,
    cases=[
        Case("a year of one M2K held", lambda: (5 * course_closes().diff().dropna(),)),
        Case("five days", lambda: (series(120, -80, 40, 10, -60),)),
        Case("a rule that loses", lambda: (series(-20, 5, -30, -10),)),
        Case("two days", lambda: (series(10, 30),)),
    ],
    mistakes=[
        Mistake(
            lambda gains: (gains.mean() / gains.std(), (252 / len(gains)) ** 0.5),
            "That is the ratio of a day. A year has 252: the mean grows with their number, the "
            "deviation with its square root.",
        ),
        Mistake(
            lambda gains: (gains.mean() / gains.std() * 252, (252 / len(gains)) ** 0.5),
            "The deviation of a year grows too, with the square root of 252.",
        ),
        Mistake(
            lambda gains: (gains.mean() / gains.std() * 252**0.5, 1 / len(gains) ** 0.5),
            "That is the error of a day's ratio. There are len(gains) / 252 years.",
        ),
        Mistake(
            lambda gains: (gains.mean() / gains.std(ddof=0) * 252**0.5, (252 / len(gains)) ** 0.5),
            "That is the deviation of a population. A sample divides by the days less one.",
        ),
        Mistake(
            lambda gains: gains.mean() / gains.std() * 252**0.5,
            "A ratio without its error says little. Return both.",
        ),
        Mistake(
            lambda gains: (gains.sum() / gains.std() * 252**0.5, (252 / len(gains)) ** 0.5),
            "That is the sum of all days. The ratio takes their mean.",
        ),
    ],
    hints=[
        "Mean over deviation is the ratio of a day. What is done to it for a year? And how many "
        "years are there?",
        "`gains.mean() / gains.std() * 252**0.5`, and `(252 / len(gains)) ** 0.5`.",
    ],
    well_done="Two numbers that belong together.",
)


def _largest_gap_loss(bars, position):
    """Largest loss between a close and the next open, in USD, as a number of at least 0."""
    gap_points = bars["open"] - bars["close"].shift()
    gain_usd = gap_points * 5 * position.shift()
    return max(0.0, -gain_usd.min()) if gain_usd.notna().any() else 0.0


def _bars_and_position():
    bars = course_bars()
    return bars, 2 * np.sign(bars["close"].diff()).fillna(0.0)


q5 = Write(
    "Write the function `largest_gap_loss(bars, position)`. It takes daily bars with the columns "
    "`open` and `close`, and a Series with the M2K that a rule decides on at each close, to be "
    "held until the next, below zero for short. It returns one number: the largest loss, in USD "
    "and above 0, that any gap from a close to the next open would have brought to the position "
    "held through it; 0 if there was none.",
    reference=_largest_gap_loss,
    cases=[
        Case("a year of the course's bars", _bars_and_position),
        Case(
            "a short position and a gap up",
            lambda: (
                pd.DataFrame({"open": [2400.0, 2412.0, 2399.0], "close": [2401.0, 2405.0, 2400.0]}),
                pd.Series([-1.0, 2.0, 0.0]),
            ),
        ),
        Case(
            "nothing held through the worst gap",
            lambda: (
                pd.DataFrame({"open": [2400.0, 2350.0, 2349.0], "close": [2401.0, 2352.0, 2360.0]}),
                pd.Series([0.0, 1.0, 5.0]),
            ),
        ),
        Case(
            "gaps that only gained",
            lambda: (
                pd.DataFrame({"open": [2400.0, 2406.0], "close": [2401.0, 2405.0]}),
                pd.Series([3.0, 0.0]),
            ),
        ),
        Case(
            "a single day",
            lambda: (pd.DataFrame({"open": [2400.0], "close": [2401.0]}), pd.Series([1.0])),
        ),
    ],
    mistakes=[
        Mistake(
            lambda bars, position: _loss_of((bars["open"] - bars["close"].shift()) * position),
            "The shift is missing: through a gap goes what was decided at the close before it.",
        ),
        Mistake(
            lambda bars, position: _loss_of(
                -(bars["open"] - bars["close"].shift()).abs() * position.abs().max()
            ),
            "That is the widest gap with the largest position. They need not have met.",
        ),
        Mistake(
            lambda bars, position: _loss_of(bars["close"].diff() * position.shift()),
            "That is the whole day, from close to close. The gap ends at the open.",
        ),
        Mistake(
            lambda bars, position: _loss_of(
                (bars["open"] - bars["close"].shift()) * position.shift().abs()
            ),
            "A short position loses when the open is the higher one: leave the position its sign.",
        ),
        Mistake(
            lambda bars, position: -_largest_gap_loss(bars, position),
            "The size is right. The question wants it above 0.",
        ),
        Mistake(
            lambda bars, position: _largest_gap_loss(bars, position) / 5,
            "Those are points. A point is $5 on each M2K.",
        ),
    ],
    hints=[
        'The gap is `bars["open"] - bars["close"].shift()`. Which position was held through it?',
        "Times $5, times `position.shift()`; the loss is the smallest of these with the sign "
        "turned, and at least 0.",
    ],
    well_done="A stop would have changed none of it.",
)


def _loss_of(points):
    return max(0.0, -5 * points.min()) if points.notna().any() else 0.0


quiz = Choose(
    "A rule has passed all eight gates. Choose what is known now.",
    options={
        "a": "It has an edge, and will earn about its out-of-sample Sharpe ratio.",
        "b": "Luck alone seldom gets so far; how large its edge is, and whether it lasts, is open.",
        "c": "Nothing: past prices can't say anything about a rule.",
    },
    right="b",
    feedback={
        "a": "A gate lets luck through at times. And among rules that pass, the ratio shown "
        "is on average too high, because those with good luck pass more often.",
        "b": "That is also why the next step is a demo account and one contract, not more.",
        "c": "They can say a lot about rules that fail: costs that eat the profit, look-ahead, "
        "gaps larger than the account can bear.",
    },
)

QUESTIONS = register("17_capstone", globals())
