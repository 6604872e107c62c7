"""Refresh the lesson plans: the mistakes that learners make, and the minutes.

    python course.py lesson_plans          after a change of questions or of a chapter's minutes
    python course.py lesson_plans 01 05    the plans of some chapters

A plan in teaching/lessons/ is written by hand. Two things in it follow the lesson: the part
between the marks is made from the chapter's questions, and where the sum of the steps is no
longer what the lesson states, all steps are scaled. Read the minutes again when it says so.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import os
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import notebooks  # noqa: E402

PLANS = ROOT / "teaching" / "lessons"
BEGIN = "<!-- made by: python course.py lesson_plans -->"
END = "<!-- end of what is made -->"
STEP = re.compile(r"^\| *(\d+) *\| *([^|]+?) *\| *(.+?) *\|$", re.MULTILINE)
FIGURE = re.compile(r"^- \*\*Figure (\d+\.\d+)\.\*\* (.+)$", re.MULTILINE)
MINUTES = re.compile(r"About (\d+) minutes")


@dataclass
class Step:
    """A part of the lesson: how long, which heading of the notebook, and what the teacher does."""

    minutes: int
    heading: str
    does: str


@dataclass
class Plan:
    """A page of teaching/lessons/, read."""

    steps: list[Step] = field(default_factory=list)
    figures: dict[str, str] = field(default_factory=dict)
    board: str = ""
    homework: str = ""


def section(text: str, heading: str) -> str:
    match = re.search(rf"^## {heading}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1].strip() if match else ""


def read(text: str) -> Plan:
    """The plan that a page holds."""
    return Plan(
        [Step(int(minutes), heading, does) for minutes, heading, does in STEP.findall(text)],
        dict(FIGURE.findall(section(text, "Before each figure"))),
        section(text, "On the board"),
        section(text, "Homework"),
    )


def path_of(notebook: Path) -> Path:
    """The plan of a lesson: 01_contract_basics.ipynb has 01.md."""
    return PLANS / f"{notebook.stem.split('_')[0]}.md"


def stated_minutes(notebook: Path) -> int:
    cells = notebooks.read(notebook)["cells"]
    match = MINUTES.search("".join(cells[0]["source"]))
    if match is None:
        raise ValueError(f"{notebook.name} must say 'About … minutes' in its first cell")
    return int(match[1])


def scaled(minutes: list[int], total: int) -> list[int]:
    """Whole minutes with the sum `total`, each as near to its share as can be, none below one.

    >>> scaled([10, 20, 30], 75)
    [13, 25, 37]
    """
    if total < len(minutes):
        raise ValueError(f"total must be at least {len(minutes)} minutes, one a step, got {total}")
    shares = [total * one / sum(minutes) for one in minutes]
    whole = [max(1, int(share)) for share in shares]
    while sum(whole) != total:
        step = 1 if sum(whole) < total else -1
        free = [place for place, one in enumerate(whole) if one + step >= 1]
        nearest = max(free, key=lambda place: step * (shares[place] - whole[place]))
        whole[nearest] += step
    return whole


def _cell(text: object) -> str:
    """Text that is safe in a table."""
    return " ".join(str(text).split()).replace("|", "\\|")


def _number(value: float, decimals: int, unit: str) -> str:
    """A wrong answer as somebody might type it: with three digits at the least."""
    value = 0.0 if abs(value) < 1e-9 else value
    first = math.floor(math.log10(abs(value))) if value else 0
    number = f"{value:,.{max(decimals, 2, 2 - first)}f}".rstrip("0").rstrip(".").replace("-", "−")
    return f"{number} {unit}".strip()


def _rows(name: str, question) -> list[tuple[str, str, str]]:
    """What may be answered to a question, and the reply: question, answer, reply."""
    from m2k_lessons.exercises.base import Choose, Compute, Write

    if isinstance(question, Choose):
        wrong = [letter for letter in question.options if letter != question.right]
        return [
            (name, f"{letter}) {question.options[letter]}", question.feedback[letter])
            for letter in wrong
        ]
    if isinstance(question, Compute):
        numbers = {key: given.default for key, given in question.given.items()}
        rows = []
        for mistake in question.mistakes:
            wrong = _number(float(mistake.answer(**numbers)), question.decimals, question.unit)
            rows.append((name, wrong, mistake.says.format(**numbers)))
        return rows
    if isinstance(question, Write):
        return [(name, "a function that fails", mistake.says) for mistake in question.mistakes]
    return []


def mistakes(notebook: Path) -> str:
    """The made part of a plan: the quiz, and each known wrong answer with what is replied."""
    name = f"m2k_lessons.exercises.{notebook.stem.split('_', 1)[1]}"
    if importlib.util.find_spec(name) is None:
        return "This page asks no questions."
    os.environ.pop("M2K_STUDENT", None)
    questions = importlib.import_module(name).QUESTIONS
    parts = []
    quiz = questions.get("quiz")
    if quiz is not None:
        belief = " ".join(quiz.ask_text.split())
        parts += [f"**Quiz.** {belief}", f"Right is **{quiz.right}**: {quiz.feedback[quiz.right]}"]
    rows = [row for key, one in questions.items() for row in _rows(key, one)]
    if rows:
        table = ["| | who answers | hears |", "|---|---|---|"]
        table += [f"| {key} | {_cell(answer)} | {_cell(reply)} |" for key, answer, reply in rows]
        parts.append("\n".join(table))
    return "\n\n".join(parts) or "Nothing on this page has a right or a wrong answer."


def refreshed(text: str, notebook: Path) -> str:
    """A plan with the made part and the minutes of today's lesson."""
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path_of(notebook).name} must hold each of the two marks once")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    text = f"{before}{BEGIN}\n\n{mistakes(notebook)}\n\n{END}{after}"
    minutes, total = [step.minutes for step in read(text).steps], stated_minutes(notebook)
    if sum(minutes) == total:
        return text
    fresh = iter(scaled(minutes, total))
    return STEP.sub(lambda match: f"| {next(fresh)} | {match[2]} | {match[3]} |", text)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="such as 01 04; all when omitted")
    for notebook in notebooks.find(parser.parse_args(arguments).chapters):
        path = path_of(notebook)
        if not path.exists():
            sys.exit(f"{notebook.name} has no plan: write {path.relative_to(ROOT).as_posix()}")
        text = path.read_text(encoding="utf-8")
        fresh = refreshed(text, notebook)
        before, now = ([step.minutes for step in read(one).steps] for one in (text, fresh))
        if before != now:
            print(f"{path.name}: minutes scaled from {sum(before)} to {sum(now)}; read them again")
        if fresh != text:
            path.write_text(fresh, encoding="utf-8", newline="\n")
            print(f"{path.name}: refreshed")


if __name__ == "__main__":
    main()
