"""What must hold for a question, as plain functions that return what is wrong with it.

They judge the replies with a tolerance of their own, computed from the question's data, and never
with the question's own comparison: a checker that calls every answer right must fail here.
"""

from __future__ import annotations

import importlib
import itertools
import math
import pkgutil
import random

from m2k_lessons import exercises
from m2k_lessons.exercises import base
from m2k_lessons.exercises.base import Choose, Compute

STUDENTS = [f"student {number}" for number in range(200)]
MOST_COMBINATIONS = 2_000
SLIPS = {
    "ten times": 10.0,
    "a tenth": 0.1,
    "the multiplier of M2K": 5.0,
    "without the multiplier of M2K": 0.2,
    "the multiplier of RTY": 50.0,
    "per cent": 100.0,
    "as a fraction": 0.01,
    "sign": -1.0,
}


def chapters() -> dict[str, dict]:
    """Name of each module with questions, and its questions."""
    found = {}
    for module in pkgutil.iter_modules(exercises.__path__):
        chapter = importlib.import_module(f"{exercises.__name__}.{module.name}")
        if hasattr(chapter, "QUESTIONS"):
            found[module.name] = chapter.QUESTIONS
    return found


def half_unit(question: Compute) -> float:
    """Half of the last decimal that the question asks for: what rounding alone may change."""
    return 0.0 if question.whole else 0.5 * 10.0**-question.decimals


def combinations(question: Compute, most: int = MOST_COMBINATIONS):
    """Everyone's numbers, and all that a learner can get, or a fixed sample of them."""
    yield {name: given.default for name, given in question.given.items()}
    choices = [given.others for given in question.given.values()]
    if math.prod(map(len, choices)) <= most:
        drawn = itertools.product(*choices)
    else:
        rng = random.Random(1)
        drawn = ([rng.choice(list(one)) for one in choices] for _ in range(most))
    for values in drawn:
        numbers = dict(zip(question.given, values, strict=True))
        if not question.collisions(numbers)[0]:  # the others are never given to anybody
            yield numbers


def problems(question, most: int = MOST_COMBINATIONS) -> list[str]:
    """What is wrong with the verdicts of a question; an empty list when nothing is."""
    if isinstance(question, Compute):
        return [
            problem
            for numbers in combinations(question, most)
            for problem in problems_with(question, numbers)
        ]
    if isinstance(question, Choose):
        return problems_of_choice(question)
    return []


def problems_with(question: Compute, numbers: dict) -> list[str]:
    """What is wrong with the verdicts of a question on these numbers."""
    right = float(question.reference(**numbers))
    room = half_unit(question)
    noise = 1e-7 * max(1.0, abs(right))
    found = []

    def verdict(answer, expected, what):
        reply = question._reply(answer, numbers)
        if reply.state != expected:
            found.append(f"{what} ({answer!r}, {numbers}) is {reply.state}: {reply.text}")
        return reply

    verdict(right, base.CORRECT, "the solution")
    if not question.whole:
        # As people round, and the other way at a tie.
        scale = 10.0**question.decimals
        for rounded in {math.floor(right * scale + 0.5 + 1e-7), math.ceil(right * scale - 0.5)}:
            if abs(rounded / scale - right) <= room + noise:
                verdict(rounded / scale, base.CORRECT, "the rounded solution")
    # A tolerance may be a little wider than half a unit, never twice as wide.
    apart = 10 * room if room else 1.0
    for answer in (right + apart, right - apart):
        verdict(answer, base.WRONG, "ten tolerances off")
    if question.whole:
        for answer in (right + 0.004, right - 0.4):
            verdict(answer, base.WRONG, "a part of a whole number")
    for slip, factor in SLIPS.items():
        if abs(right * factor - right) > 2 * room + noise:
            verdict(right * factor, base.WRONG, slip)
    for mistake in question.mistakes:
        wrong = float(mistake.answer(**numbers))
        if abs(wrong - right) <= room + noise:
            if not mistake.sometimes_right:
                found.append(f"{mistake.says!r} is the right answer with {numbers}")
            continue
        reply = verdict(wrong, base.WRONG, "a known mistake")
        if reply.text.startswith(("Not yet", "Right, but", "The digits", "The answer is a whole")):
            found.append(f"{wrong} with {numbers} is a known mistake, and told {reply.text!r}")
    return found


def problems_of_choice(question: Choose) -> list[str]:
    """What is wrong with the verdicts of a question with options."""
    found, replies = [], set()
    for letter in question.options:
        reply = question._reply(letter)
        expected = base.CORRECT if letter == question.right else base.WRONG
        if reply.state != expected:
            found.append(f"{letter} is {reply.state}")
        if question.feedback[letter] not in reply.text:
            found.append(f"{letter} is told {reply.text!r}")
        replies.add(reply.text)
    if len(replies) < 3 or len(replies) < len(question.options):
        found.append("each option needs feedback of its own")
    if set(question.feedback) != set(question.options):
        found.append("feedback is for other letters")
    for nonsense in ("z", 1, None, ["a", "b"], "", "ab", "both"):
        if question._reply(nonsense).state != base.WRONG:
            found.append(f"{nonsense!r} is not refused")
    return found
