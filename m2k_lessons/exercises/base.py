"""Exercises that answer back: what a chapter's module imports.

A question is one of these kinds:

    Compute   a number; known mistakes get the sentence that mends them
    Choose    one of three or four options; each wrong one has its own feedback
    Write     a function, run on several data sets beside the reference
    Mend      the same, beginning with a function that has a mistake in it
    Reflect   free text; never graded, shows a model answer

and a `Guess` is a range entered before a cell and scored after it.

The reference solution is a function: `.solution()` prints its source, the checker runs it, and
the tests feed its result back to the checker. What a chapter must write is shown in
`exercises/contract_basics.py`.
"""

from m2k_lessons.exercises.choose import Choose, Reflect
from m2k_lessons.exercises.code import Case, Mend, Write
from m2k_lessons.exercises.compute import Compute, Given, Mistake, steps
from m2k_lessons.exercises.guess import Guess
from m2k_lessons.exercises.question import _Question, register
from m2k_lessons.exercises.reply import CORRECT, NOT_ATTEMPTED, UNGRADED, WRONG, Reply

__all__ = [
    "CORRECT",
    "NOT_ATTEMPTED",
    "UNGRADED",
    "WRONG",
    "Case",
    "Choose",
    "Compute",
    "Given",
    "Guess",
    "Mend",
    "Mistake",
    "Reflect",
    "Reply",
    "Write",
    "_Question",
    "register",
    "steps",
]
