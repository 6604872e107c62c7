"""Classes that have handed something in, for the tests: notebooks solved and otherwise."""

from __future__ import annotations

import json
import re
from pathlib import Path

from m2k_lessons.exercises.base import Choose, Compute, Guess, Reflect, Write
from tools import workbook
from tools.classroom.marks import named, numbers_of

CHECK = re.compile(r"\b(\w+)\.(check|guess)\(")


def source(cell) -> str:
    return "".join(cell["source"])


def answer_cell(question, text: str, wrong: bool = False) -> str:
    """The cell of a question with the answer in it, or with a known mistake."""
    if isinstance(question, Compute):
        way = question.mistakes[0].answer if wrong else question.reference
        value = way(**question.numbers)
        return re.sub(r"^(\w+ = )\.\.\.", rf"\g<1>{value!r}", _plain(text), flags=re.MULTILINE)
    if isinstance(question, Choose):
        wrongs = [letter for letter in question.options if letter != question.right]
        letter = wrongs[0] if wrong else question.right
        return text.replace("(...)", f"({letter!r})")
    if isinstance(question, Write):
        if wrong:
            names = ", ".join(re.findall(r"def \w+\((.*?)\)", text)[:1])
            code = f"def {question.called}({names}):\n    return 12345.0"
        else:
            code = question.solution().code
        return f"{code}\n\n{question.name}.check({question.called})"
    if isinstance(question, Reflect):
        return re.sub(r"\.\.\.", "'It depends <b>on</b> the size.'", text)
    if isinstance(question, Guess):
        return text.replace("(..., ...)", "(-1_000_000, 1_000_000)")
    return text


def _plain(text: str) -> str:
    return text.replace("np.float64(", "float(")


def handed_in(chapter: str, student: str = "", change=None, wrong=()) -> dict:
    """A learner's notebook of a chapter, solved but for the questions in `wrong`.

    `change` is called with the list of its cells at the end.
    """
    notebook = workbook.edition(workbook.NOTEBOOKS / f"{chapter}.ipynb", student)
    questions = named(chapter)
    with numbers_of(student):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code" and (match := CHECK.search(source(cell))):
                question = questions.get(match[1])
                if question is not None:
                    cell["source"] = answer_cell(question, source(cell), match[1] in wrong)
    if change is not None:
        change(notebook["cells"])
    return notebook


def code_cell(text: str) -> dict:
    return {"cell_type": "code", "execution_count": None, "id": "x", "metadata": {}, "outputs": [],
            "source": text}  # fmt: skip


def save(folder: Path, name: str, chapter: str, notebook) -> Path:
    """Put a notebook, or any text in its place, into a learner's folder."""
    path = folder / name / f"{chapter}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)
    path.write_text(text, encoding="utf-8")
    return path
