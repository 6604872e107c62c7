"""Build an exam paper from a teacher's own questions, with numbers of her own for each learner.

    python course.py exam 01 09 --seed secret.txt --questions my_questions --to exam/may
    python course.py exam 01 09 --seed secret.txt --students names.csv --each 2
    python course.py exam --mark handed_in --to exam/may      mark what came back

What is handed out (hand_out/) holds questions and empty cells, and nothing of the solutions. The
answer edition (answers/), the key (key.csv) and a copy of the questions stay with the teacher.
teaching/exam/README.md says how a question is written.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import inspect
import io
import json
import random
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402

from m2k_lessons.exercises.base import CORRECT, Choose, Compute, Reflect, Write  # noqa: E402
from m2k_lessons.exercises.code import _outcomes  # noqa: E402
from m2k_lessons.exercises.outcomes import difference  # noqa: E402
from tools import notebooks, workbook  # noqa: E402
from tools.classroom import answers  # noqa: E402
from tools.classroom.marks import numbers_of  # noqa: E402
from tools.classroom.templates import Template, TemplateError, load  # noqa: E402

SAMPLES = ROOT / "teaching" / "exam"
SECRET_CHARACTERS = 12
IMPORTS = """import math

import numpy as np
import pandas as pd

from m2k_lessons.contracts import M2K
from m2k_lessons.exercises import exam
"""
RULES = (
    "Answer each question in the cell below it, in place of the dots, and run the cell. What you "
    "enter is noted and not judged here; the last answer counts, in a run of all cells from top "
    "to bottom. So try that once before the end: *Kernel*, *Restart Kernel and Run All Cells…*. "
    "Then save with Ctrl+S and hand in this file under the name it has."
)


@dataclass(frozen=True)
class Paper:
    """A paper: its name, and its questions in order; `secret` draws each learner's numbers."""

    name: str
    title: str
    minutes: int
    secret: str
    templates: list[Template]

    @property
    def places(self) -> dict[str, Template]:
        return {f"q{number}": one for number, one in enumerate(self.templates, 1)}

    def questions(self, learner: str) -> dict:
        """Each question as this learner has it; with `_reply`, which judges an answer."""
        return {
            place: template.own(self.secret, learner, self.name, place)
            for place, template in self.places.items()
        }

    @property
    def points(self) -> float:
        return sum(template.points for template in self.templates)


def choose(folder: Path, chapters: list[str], each: int, secret: str) -> list[Template]:
    """The questions of a paper: all of the chapters' files, or `each` of a chapter, drawn.

    Raises
    ------
    TemplateError
        A file can't be used, or a chapter has too few.
    """
    files = [path for path in sorted(folder.glob("*.py")) if not path.name.startswith("_")]
    if not files:
        raise TemplateError(
            f"--questions must be a folder with files such as 01_margin.py, got {folder}"
        )
    every = [template for path in files for template in load(path)]
    chosen = []
    for chapter in chapters or sorted({template.chapter for template in every}):
        of_chapter = [template for template in every if template.chapter == chapter]
        if not of_chapter or len(of_chapter) < each:
            there = ", ".join(sorted({template.chapter for template in every}))
            raise TemplateError(
                f"chapter {chapter} has {len(of_chapter)} questions in {folder}, and "
                f"{each or 1} are needed; there are questions for {there}"
            )
        if each:
            drawn = random.Random(f"{secret}/{chapter}").sample(range(len(of_chapter)), each)
            of_chapter = [of_chapter[number] for number in sorted(drawn)]
        chosen += of_chapter
    return chosen


def secret_in(path: Path) -> str:
    """The secret of a seed file.

    Raises
    ------
    TemplateError
        There is none, or one that is easily guessed.
    """
    if not path.is_file():
        raise TemplateError(f"--seed must name a text file with a secret in it, got {path}")
    secret = path.read_text(encoding="utf-8").strip()
    if len(secret) < SECRET_CHARACTERS:
        raise TemplateError(
            f"--seed: {path.name} must hold a secret of at least {SECRET_CHARACTERS} characters, "
            f"got {len(secret)}"
        )
    return secret


def _markdown(text: str) -> dict:
    return {"cell_type": "markdown", "metadata": {}, "source": text.splitlines(keepends=True)}


def _code(text: str) -> dict:
    return {
        "cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [],
        "source": text.splitlines(keepends=True),
    }  # fmt: skip


def kind(question) -> str:
    """What the paper's notebook is told of a question: how to read its answer, no more."""
    if isinstance(question, Choose):
        return f"choice {''.join(question.options)}"
    if isinstance(question, Write):
        takes = ", ".join(inspect.signature(question.reference).parameters)
        return f"function {question.called}({takes})"
    return "number" if isinstance(question, Compute) else "text"


def answer_cell(question) -> str:
    """The cell in which a question is answered, untouched."""
    if isinstance(question, Write):
        return question.cell()
    if isinstance(question, Compute):
        return f"answer = ...\n{question.name}.check(answer)"
    return f"{question.name}.check(...)"


def pages(paper: Paper, learner: str) -> tuple[dict, dict]:
    """The notebook that a learner gets, and its answer edition."""
    with numbers_of(""):
        questions = paper.questions(learner)
        kinds = "".join(f'    "{kind(question)}",\n' for question in questions.values())
        names = ", ".join(questions)
        setup = "".join(dict.fromkeys(f"{one.setup.strip()}\n" for one in paper.templates
                                      if one.setup.strip()))  # fmt: skip
        first = (
            f"{IMPORTS}{setup}\n{names}{',' if len(questions) == 1 else ''} = exam.questions(\n"
            f'    "{paper.name}",\n{kinds})\nprint("{len(questions)} questions are ready.")'
        )
        who = f"{learner} · " if learner else ""
        title = (
            f"# {paper.title}\n\n{who}{paper.minutes} minutes · {paper.points:g} points\n\n{RULES}"
        )
        empty, full = [_markdown(title), _code(first)], [_markdown(title), _code(first)]
        full[0]["source"] += ["\n\n", answers.TITLE]
        for place, question in questions.items():
            template = paper.places[place]
            worth = f"{template.points:g} point{'' if template.points == 1 else 's'}"
            text = f"**{place.upper()}** ({worth}). {question._as_markdown()}"
            cell = answer_cell(question)
            solved = answers.solved(cell, {place: question}, {})
            empty += [_markdown(text), _code(cell)]
            full += [_markdown(text), _code(solved), _markdown(told(question, template))]
    return _notebook(empty, paper, learner), _notebook(full, paper, learner)


def _notebook(cells: list[dict], paper: Paper, learner: str) -> dict:
    notebook = notebooks.normalised({"cells": cells, "nbformat": 4, "nbformat_minor": 5})
    notebook["metadata"]["m2k_exam"] = {"paper": paper.name, "learner": learner}
    return notebook


def told(question, template: Template) -> str:
    """What the teacher reads below a solved question: the answer, and what mistakes give."""
    lines = [f"*{template.where}.* **Answer:** {answer_of(question)}."]
    if isinstance(question, Compute):
        numbers = question.numbers
        for mistake in question.mistakes:
            wrong = float(mistake.answer(**numbers))
            lines.append(f"- {wrong:,.10g}: {question._filled(mistake.says, None, numbers)}")
    if isinstance(question, Choose):
        lines += [f"- {letter}) {says}" for letter, says in question.feedback.items()]
    return "\n".join([lines[0], "", *lines[1:]] if lines[1:] else lines)


def answer_of(question) -> str:
    """The answer in a few words, for the key."""
    if isinstance(question, Compute):
        right = float(question.reference(**question.numbers))
        return f"{right:,.{question.decimals}f} {question.unit}".strip()
    if isinstance(question, Choose):
        return question.right
    return f"the function {question.called}" if isinstance(question, Write) else "a text, read it"


def prove(paper: Paper, learner: str, edition: dict) -> None:
    """Run an answer edition's code here and hold its answers against the questions.

    Raises
    ------
    TemplateError
        A solution does not run in the paper's notebook, or is not right.
    """
    questions, names = paper.questions(learner), {"__name__": "__main__"}
    for cell in edition["cells"]:
        if cell["cell_type"] != "code":
            continue
        source = "".join(cell["source"])
        asks = answers.CHECK.search(source)
        question = questions.get(asks[1]) if asks else None
        where = paper.places[asks[1]].where if question else "the first cell"
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, where, "exec"), names)
        # The solution is the teacher's text; whatever stops it has to be told.
        except Exception as error:
            raise TemplateError(
                f"{where}: its solution stops in the notebook: {type(error).__name__}: {error}. "
                "What it needs beside math, np, pd and M2K goes into SETUP"
            ) from None
        if question is not None and not _is_right(question, names.get(asks[2], asks[2])):
            raise TemplateError(f"{where}: its printed solution is not right in the notebook")


def _is_right(question, value) -> bool:
    if isinstance(question, Reflect):
        return True
    if isinstance(question, Write):
        pairs = zip(
            _outcomes(value, question.cases), _outcomes(question.reference, question.cases),
            strict=True,
        )  # fmt: skip
        return not any(difference(mine, right, question.tolerance) for mine, right in pairs)
    value = value.strip('"') if isinstance(value, str) else value
    return question._reply(value).state == CORRECT


def build(paper: Paper, learners: list[str], folder: Path) -> None:
    """Write a paper for each learner, its answer edition, the key and what marking needs.

    Raises
    ------
    TemplateError
        The folder holds a paper already, or a solution does not hold.
    """
    if (folder / "paper.json").exists():
        raise TemplateError(f"{folder} holds a paper already; name another folder with --to")
    made = {learner: pages(paper, learner) for learner in learners}
    for learner, (_, full) in made.items():
        prove(paper, learner, full)
    for learner, (empty, full) in made.items():
        name = workbook.folder_name(learner) if learner else ""
        for place, notebook in (("hand_out", empty), ("answers", full)):
            (folder / place / name).mkdir(parents=True, exist_ok=True)
            notebooks.write(folder / place / name / f"{paper.name}.ipynb", notebook)
    (folder / "questions").mkdir(exist_ok=True)
    for path in {template.path for template in paper.templates}:
        shutil.copy(path, folder / "questions" / path.name)
    write_key(paper, learners, folder / "key.csv")
    kept = {
        "name": paper.name, "title": paper.title, "minutes": paper.minutes, "secret": paper.secret,
        "numpy": np.__version__, "learners": learners,
        "questions": [[template.path.name, template.name] for template in paper.templates],
    }  # fmt: skip
    text = json.dumps(kept, indent=1, ensure_ascii=False)
    (folder / "paper.json").write_text(f"{text}\n", encoding="utf-8")


def write_key(paper: Paper, learners: list[str], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["learner", "question", "template", "points", "answer"])
        for learner in learners:
            for place, question in paper.questions(learner).items():
                template = paper.places[place]
                row = [learner, place, template.where, template.points, answer_of(question)]
                table.writerow(row)


def read(folder: Path) -> tuple[Paper, list[str]]:
    """A paper that was built earlier, and the names of those it was built for.

    Raises
    ------
    TemplateError
        The folder holds none.
    """
    file = folder / "paper.json"
    if not file.is_file():
        raise TemplateError(f"--to must name the folder of a paper, and {folder} has no paper.json")
    kept = json.loads(file.read_text(encoding="utf-8"))
    files = {name: load(folder / "questions" / name) for name, _ in kept["questions"]}
    found = [
        next(one for one in files[file] if one.name == name) for file, name in kept["questions"]
    ]
    return Paper(kept["name"], kept["title"], kept["minutes"], kept["secret"], found), kept[
        "learners"
    ]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "chapters", nargs="*", help="such as 01 09; all that have questions if none"
    )
    parser.add_argument("--seed", type=Path, help="text file with a secret: whoever has it and the "
                        "questions can draw the numbers again")  # fmt: skip
    parser.add_argument("--questions", type=Path, default=SAMPLES, help="folder of your questions")
    parser.add_argument("--each", type=int, default=0, help="how many of each chapter; all if 0")
    parser.add_argument("--students", type=Path, help="a CSV with a column 'name'")
    parser.add_argument("--name", default="exam", help="of the notebook: letters, digits and _")
    parser.add_argument("--title", default="Exam")
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--to", type=Path, default=ROOT / "exam", help="folder; exam/ when omitted")
    parser.add_argument("--mark", type=Path, help="folder of papers that came back, to be marked")
    parser.add_argument("--without-namespaces", action="store_true", help="see teaching/marking.md")
    options = parser.parse_args(arguments)
    try:
        if options.mark:
            from tools.classroom import exam_marks

            free = options.without_namespaces
            exam_marks.mark(options.mark, *read(options.to), options.to, namespaces=not free)
            return
        _build(options)
    except TemplateError as sentence:
        sys.exit(str(sentence))


def _build(options) -> None:
    if options.seed is None:
        raise TemplateError("--seed must name a text file with a secret in it")
    if not re.fullmatch(r"[A-Za-z]\w*", options.name):
        raise TemplateError(f"--name must be letters, digits and _, got {options.name!r}")
    if options.each < 0 or options.minutes < 1:
        raise TemplateError("--each must be at least 0 and --minutes at least 1")
    secret = secret_in(options.seed)
    templates = choose(options.questions, options.chapters, options.each, secret)
    learners = workbook.names_in(options.students) if options.students else [""]
    if options.students and len({workbook.folder_name(one).lower() for one in learners}) < len(
        learners
    ):
        raise TemplateError("two learners would get the same folder; add what tells them apart")
    paper = Paper(options.name, options.title, options.minutes, secret, templates)
    build(paper, learners, options.to)
    print(f"{len(templates)} questions, {paper.points:g} points, papers for {len(learners)}")
    print(f"In {options.to}:", end=" ")
    print("hand_out/ is for learners; answers/, key.csv, questions/ and paper.json are for you.")
    if options.questions == SAMPLES:
        print("These are the samples, which learners can read: write questions of your own.")


if __name__ == "__main__":
    main()
