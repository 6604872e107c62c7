"""Build the answer edition: each lesson with every question answered and every guess entered.

    python course.py answers                 all lessons, into answers/
    python course.py answers 01 04 --run     two of them, executed: each reply stands below its cell
    python course.py answers 01 --student Ada    with Ada's own numbers

One source: a number is the reference solution's code, a function the reference itself, a letter
the right option. A guess is a range around the value that the committed lesson shows.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import json
import os
import re
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from m2k_lessons.exercises.base import Choose, Compute, Guess, Reflect, Write  # noqa: E402
from m2k_lessons.exercises.question import Named  # noqa: E402
from tools import notebooks, workbook  # noqa: E402
from tools.classroom.marks import numbers_of  # noqa: E402

FOLDER = ROOT / "answers"
CHECK = re.compile(r"\b(\w+)\.check\((.*)\)\s*$", re.DOTALL)
GUESS = re.compile(r"^(\w+)\.guess\(\.\.\., \.\.\.\)$", re.MULTILINE)
SHOWN = re.compile(r"It is ([−+-]?[\d,.]*\d(?:e[+-]?\d+)?)")
MARK = re.compile(r"^[✓✗○✎] ")
TITLE = "> **Answer edition.** Every exercise is solved here. Keep it out of the learners' hands.\n"


def asked(chapter: str) -> dict[str, Named]:
    """Questions and guesses of a chapter, by the names that its notebook knows them under."""
    module = importlib.import_module(f"m2k_lessons.exercises.{chapter.split('_', 1)[1]}")
    return {name: value for name, value in vars(module).items() if isinstance(value, Named)}


def solved(source: str, questions: dict[str, Named], shown: dict[str, float]) -> str:
    """The cell with its answer in it; a cell that asks for none comes back as it was.

    Parameters
    ----------
    source : str
        A code cell as it stands in the lesson.
    questions : dict
        What the lesson asks, by name.
    shown : dict of str to float
        What each guess is compared with in the committed lesson.

    Raises
    ------
    ValueError
        The cell asks for an answer in a way that is not known here.
    """
    for guess in GUESS.findall(source):
        low, high = around(shown[guess], questions[guess].scale)
        source = source.replace(f"{guess}.guess(..., ...)", f"{guess}.guess({low:g}, {high:g})")
    asks = CHECK.search(source)
    if asks and asks[1] == "example":  # chapter 00 answers it itself, wrong at first
        return source
    if asks is None or asks[1] not in questions or not re.search(r"\.\.\.", source):
        return _own_answer(source, asks, questions)
    name, answer = asks[1], asks[2]
    question, before = questions[name], source[: asks.start()]
    if isinstance(question, Choose):
        return f'{before}{name}.check("{question.right}")'
    if isinstance(question, Reflect):
        return f"{before}{name}.check({question.model_answer!r})"
    if isinstance(question, Write):
        return f"{question.solution().code}\n\n\n{name}.check({question.called})"
    if isinstance(question, Compute):
        return f"{computed(question, before, answer)}\n{source[asks.start() :]}"
    if "Report(" in before:
        return reported(source, answer.split(",")[-1].strip())
    raise ValueError(f"{name} is a {type(question).__name__}, and its cell is not known: {source}")


def _own_answer(source: str, asks: re.Match | None, questions: dict[str, Named]) -> str:
    """A check without dots: `q2.check(profit_usd)`, whose dots stand in the cell before it."""
    if asks is None or not asks[2].isidentifier():
        return source
    question = questions.get(asks[1])
    if not isinstance(question, Compute):
        return source
    return f"{computed(question, f'{asks[2]} = ...', asks[2])}\n{source[asks.start() :]}"


def computed(question: Compute, before: str, answer: str) -> str:
    """The reference solution, with its result under the name that the cell gives it."""
    code = question.solution().code
    code = re.sub(r"^(\s*)answer = ", rf"\1{answer} = ", code, flags=re.MULTILINE)
    line = re.compile(rf"^{re.escape(answer)} = \.\.\.$", re.MULTILINE)
    if line.search(before):
        return line.sub(lambda _: code, before).rstrip("\n")
    # Two names in one line, as in `points_above, profit_usd = ..., ...`.
    return f"{before.rstrip()}\n{code}"


def reported(source: str, found: str) -> str:
    """The report of the capstone, from what its gates found."""
    source = re.sub(r"\b(\w+)=\.\.\.", rf"\1={found}.\1", source)
    source = source.replace(
        f"verdict={found}.verdict", f'verdict="passes" if {found}.passes else "fails"'
    )
    return source.replace(f"why={found}.why", 'why="What the gates found, and nothing more."')


def around(value: float, scale: float) -> tuple[float, float]:
    """A range of the usual width that holds the value, in round numbers."""
    step = 10.0 ** max(-6, len(f"{int(scale):d}") - 2 if scale >= 1 else -2)
    low = (value - scale / 2) // step * step
    return round(low, 6), round(low + -(-scale // step) * step + step, 6)


def compared(notebook: dict) -> dict[str, float]:
    """What each guess of an executed lesson is compared with, read from the reply."""
    found = {}
    for cell in notebook["cells"]:
        guess = re.search(r"^(\w+)\.compare\(", "".join(cell["source"]), re.MULTILINE)
        if cell["cell_type"] != "code" or guess is None:
            continue
        said = [_text(output) for output in cell["outputs"]]
        values = [match[1] for text in said if (match := SHOWN.search(text))]
        if not values:
            raise ValueError(f"the lesson shows no value for {guess[1]}: run it and save it")
        found[guess[1]] = float(values[-1].replace(",", "").replace("−", "-"))
    return found


def edition(path: Path, student: str = "") -> dict:
    """A lesson with every answer in it, for everyone's numbers or for a learner's own."""
    lesson = notebooks.read(path)
    shown = compared(lesson)
    for cell in lesson["cells"]:
        if cell["cell_type"] == "code":
            cell["outputs"], cell["execution_count"] = [], None
    if student:
        workbook.personal(lesson, path.stem, student)
    questions = asked(path.stem)
    with numbers_of(student):
        for cell in lesson["cells"]:
            if cell["cell_type"] != "code":
                continue
            before = "".join(cell["source"])
            after = solved(before, questions, shown)
            if after != before:
                cell["source"] = after.splitlines(keepends=True)
                cell["metadata"]["tags"] = [*cell["metadata"].get("tags", []), "answer"]
    first = lesson["cells"][0]
    first["source"] = [*first["source"], "\n\n", TITLE]
    return lesson


def run(notebook: dict, seconds: int = 120) -> dict:
    """Execute an edition in the folder of the lessons, with a progress file of its own."""
    import nbformat
    from nbclient import NotebookClient

    import conftest  # noqa: F401, gives kernels the surroundings that they have in the tests

    opened = nbformat.reads(json.dumps(notebook), as_version=4)
    with tempfile.TemporaryDirectory() as home:
        client = NotebookClient(
            opened, timeout=seconds, kernel_name="python3", store_widget_state=False,
            allow_errors=True,  # a broken cell is told by `unsolved`, and the others are run
            resources={"metadata": {"path": str(notebooks.NOTEBOOKS)}},
        )  # fmt: skip
        environment = os.environ | {"M2K_HOME": home}
        with ThreadPoolExecutor(1) as thread:  # where this one has an event loop that runs already
            thread.submit(lambda: asyncio.run(client.async_execute(env=environment))).result()
    return notebooks.normalised(json.loads(nbformat.writes(opened)))


def replies(notebook: dict) -> list[tuple[str, str]]:
    """Each check, guess and comparison of an executed edition: its name, and what was said."""
    found = []
    for cell in notebook["cells"]:
        calls = re.findall(
            r"\b(\w+)\.(check|guess|compare)\(", "".join(cell["source"]), re.MULTILINE
        )
        if cell["cell_type"] == "code" and calls:
            name, what = calls[-1]
            said = [text for output in cell["outputs"] if MARK.match(text := _text(output))]
            found.append((name if what == "check" else f"{name}.{what}", "".join(said[-1:])))
    return found


def _text(output: dict) -> str:
    return "".join(output.get("data", {}).get("text/plain", output.get("text", "")))


def errors(notebook: dict) -> list[str]:
    """Cells of an executed edition that stop, each with the last line of what Python says."""
    return [
        f"cell {number} stops: {output['ename']}: {output['evalue']}"
        for number, cell in enumerate(notebook["cells"])
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
    ]


def unsolved(notebook: dict, questions: dict[str, Named]) -> list[str]:
    """What stops in an executed edition, or is not answered right: a sentence for each.

    The example of chapter 00 shows a wrong answer on purpose, and free text is never judged.
    """
    said, wrong = replies(notebook), errors(notebook)
    right: dict[str, bool] = {}
    for name, text in said:
        question = questions.get(name.split(".")[0])
        if question is None or name == "example":
            continue
        ok = text.startswith("✎" if isinstance(question, Reflect) else "✓")
        if isinstance(question, Guess):
            ok = text.startswith("✎ Noted" if name.endswith(".guess") else "✓")
        right[name] = ok
        if not ok:
            wrong.append(f"{name}: {text or 'no reply'}")
    expected = {
        call
        for name, question in questions.items()
        if name != "example"
        for call in (
            (f"{name}.guess", f"{name}.compare") if isinstance(question, Guess) else (name,)
        )
    }
    return wrong + [f"{name}: never asked" for name in sorted(expected - set(right))]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help="such as 01 04; all when omitted")
    parser.add_argument("--student", default="", help="a learner's name: her own numbers")
    parser.add_argument("--to", type=Path, default=FOLDER, help="folder; answers/ when omitted")
    parser.add_argument("--run", action="store_true", help="execute them, and fail if one is wrong")
    options = parser.parse_args(arguments)
    options.to.mkdir(parents=True, exist_ok=True)
    failed = False
    for path in workbook.chosen(options.chapters):
        notebook = edition(path, options.student)
        said = ""
        if options.run:
            notebook = run(notebook)
            wrong = unsolved(notebook, asked(path.stem))
            said = f": {len(replies(notebook))} replies" + (", all right" if not wrong else "")
            said += "".join(f"\n  {sentence}" for sentence in wrong)
            failed = failed or bool(wrong)
        notebooks.write(options.to / path.name, notebook)
        print(f"{path.stem}{said}", flush=True)
    print(f"in {options.to}")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    main()
