"""Read a teacher's exam questions, say what is wrong with them, and draw a learner's own.

A file of questions is a module like those in `m2k_lessons/exercises/`, named after its chapter
(`01_margin.py`). `teaching/exam/README.md` says how one is written.
"""

from __future__ import annotations

import copy
import hashlib
import importlib.util
import inspect
import math
import random
import re
import string
import sys
import traceback
from dataclasses import dataclass, replace
from pathlib import Path

from m2k_lessons.exercises.base import (
    CORRECT,
    Choose,
    Compute,
    Given,
    Guess,
    Reflect,
    Write,
    _Question,
)
from m2k_lessons.exercises.code import _outcomes
from m2k_lessons.exercises.outcomes import difference

FILE = re.compile(r"(\d\db?)_\w+\.py")
TRIED = 60  # learners that a question is tried with before it is used
FEW = 12  # different answers; with fewer, neighbours share theirs


class TemplateError(Exception):
    """A file of questions can't be used; the message names file, question and what to mend."""


@dataclass(frozen=True)
class Template:
    """One question of a teacher's, with where it stands.

    Attributes
    ----------
    path : Path
    name : str
        What it is called in the file.
    question : Compute, Choose, Write, Mend or Reflect
    points : float
    setup : str
        Lines that its solution needs in the notebook, such as imports.
    """

    path: Path
    name: str
    question: _Question
    points: float
    setup: str

    @property
    def chapter(self) -> str:
        return FILE.fullmatch(self.path.name)[1]

    @property
    def where(self) -> str:
        return f"{self.path.name}, {self.name}"

    def own(self, secret: str, learner: str, paper: str, place: str) -> _Question:
        """The question as one learner gets it: numbers drawn, options in an order of her own.

        Parameters
        ----------
        secret : str
            The teacher's; whoever has it and the template can draw the same numbers.
        learner, paper, place : str
            Her name, the paper's name, and the question's on it (`q1`).
        """
        text = f"{secret}/{paper}/{self.path.name}/{self.name}/{learner}"
        key = hashlib.sha256(text.encode()).hexdigest()
        question = self.question
        if isinstance(question, Compute):
            numbers = question._draw(key) if question.given else {}
            fixed = {name: Given(value, [value]) for name, value in numbers.items()}
            question = replace(question, given=fixed)
        elif isinstance(question, Choose):
            question = _reordered(question, random.Random(key))
        else:
            question = copy.copy(question)
        question.chapter, question.name = paper, place
        return question


def _reordered(question: Choose, rng: random.Random) -> Choose:
    letters = list(question.options)
    drawn = rng.sample(letters, len(letters))
    return replace(
        question,
        options={new: question.options[old] for new, old in zip(letters, drawn, strict=True)},
        feedback={new: question.feedback[old] for new, old in zip(letters, drawn, strict=True)},
        right=letters[drawn.index(question.right)],
    )


def load(path: Path) -> list[Template]:
    """The questions of a file, in the order written.

    Raises
    ------
    TemplateError
        It can't be read, holds no question, or one that can't be used; all of them are told.
    """
    if not FILE.fullmatch(path.name):
        raise TemplateError(
            f"{path.name} must begin with its chapter's number and end with .py, as 01_margin.py"
        )
    module = _module(path)
    asked = {
        name: value
        for name, value in vars(module).items()
        if isinstance(value, (_Question, Guess)) and not name.startswith("_")
    }
    if not asked:
        raise TemplateError(f"{path.name} holds no question: name = Compute(…) makes one")
    points, setup = getattr(module, "POINTS", {}), getattr(module, "SETUP", "")
    wrong = [f"POINTS names {name!r}, and there is no such question" for name in points
             if name not in asked]  # fmt: skip
    wrong += [
        f"POINTS of {name!r} must be a number above 0, got {value!r}"
        for name, value in points.items()
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0
    ]
    for name, question in asked.items():
        question.name = name
        wrong += [f"{name}: {sentence}" for sentence in problems(question)]
    if wrong:
        raise TemplateError("\n".join(f"{path.name}, {sentence}" for sentence in wrong))
    return [
        Template(path, name, question, points.get(name, 1), setup)
        for name, question in asked.items()
    ]


def _module(path: Path):
    name = f"exam_templates_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # inspect looks for a function's source there
    try:
        spec.loader.exec_module(module)
    except SyntaxError as error:
        raise TemplateError(f"{path.name}, line {error.lineno}: {error.msg}") from None
    # A teacher's module may stop with anything; the line says where.
    except Exception as error:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__)
                  if frame.filename == str(path)]  # fmt: skip
        line = f", line {frames[-1].lineno}" if frames else ""
        raise TemplateError(f"{path.name}{line}: {type(error).__name__}: {error}") from None
    return module


def problems(question) -> list[str]:
    """What keeps a question out of a paper, in words; an empty list for nothing."""
    if isinstance(question, Compute):
        return _problems_of_number(question)
    if isinstance(question, Choose):
        return _problems_of_choice(question)
    if isinstance(question, Write):
        return _problems_of_function(question)
    if isinstance(question, Reflect):
        return [] if question.model_answer.strip() else ["model_answer is empty"]
    return [f"a {type(question).__name__} can't be marked; use Compute, Choose, Write, Mend "
            "or Reflect"]  # fmt: skip


def _problems_of_number(question: Compute) -> list[str]:
    wanted = list(inspect.signature(question.reference).parameters)
    if set(wanted) != set(question.given):
        return [f"reference takes ({', '.join(wanted)}), and given has "
                f"({', '.join(question.given)})"]  # fmt: skip
    empty = [name for name, given in question.given.items() if not len(given.others)]
    if empty:
        return [f"given {empty[0]!r} must have at least one number to draw, got none"]
    for text in (question.ask_text, *question.hints, question.well_done):
        for _, field, _, _ in string.Formatter().parse(text):
            name = (field or "").split(".")[0].split("[")[0]
            if name and name != "answer" and name not in question.given:
                return [f"the text asks for {{{name}}}, and given has "
                        f"({', '.join(question.given)})"]  # fmt: skip
    answers = set()
    for learner in range(TRIED):
        try:
            numbers = question._draw(f"trial {learner}")
            right = float(question.reference(**numbers))
            met = question.collisions(numbers)[0]
        # The teacher's own functions may stop with anything.
        except Exception as error:
            return [f"its reference or a mistake stops: {type(error).__name__}: {error}"]
        if not math.isfinite(right):
            return [f"the answer is {right} with {numbers}"]
        if met:
            return [f"with {numbers} a mistake gives the right answer, or its rounding: "
                    f"{met[0]!r}. Other numbers, or sometimes_right=True"]  # fmt: skip
        answers.add(round(right, question.decimals))
        if question._reply(right, numbers).state != CORRECT:
            return [f"its own answer {right} is refused: {question._reply(right, numbers).text}"]
    if question.given and len(answers) < FEW:
        return [f"only {len(answers)} different answers for {TRIED} learners, and {FEW} are "
                "needed: more numbers in given"]  # fmt: skip
    return []


def _problems_of_choice(question: Choose) -> list[str]:
    letters = list(question.options)
    if not 2 <= len(letters) <= 6 or letters != list(string.ascii_lowercase[: len(letters)]):
        return [f"options must be 2 to 6, called a, b, c, …; got {', '.join(letters) or 'none'}"]
    if question.right not in letters:
        return [f"right must be one of {', '.join(letters)}; got {question.right!r}"]
    if set(question.feedback) != set(letters):
        return [f"feedback must have a sentence for each of {', '.join(letters)}; "
                f"got {', '.join(question.feedback) or 'none'}"]  # fmt: skip
    return []


def _problems_of_function(question: Write) -> list[str]:
    if not question.cases:
        return ["cases must hold at least one data set, got none"]
    if not question.reference.__name__.startswith("_"):
        return [f"reference must be called _{question.called}: an underscore, then the name that "
                "learners use"]  # fmt: skip
    right = _outcomes(question.reference, question.cases)
    for case, outcome in zip(question.cases, right, strict=True):
        if outcome["kind"] == "error":
            return [f"reference stops on {case.says}: {outcome['type']}: {outcome['text']}"]
    for mistake in question._mistakes():
        version = _outcomes(mistake.answer, question.cases)
        if not any(
            difference(mine, theirs, question.tolerance)
            for mine, theirs in zip(version, right, strict=True)
        ):
            return [f"a mistake gives the right results on every case: {mistake.says!r}"]
    return []
