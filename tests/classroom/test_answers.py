"""The answer edition: each solved lesson runs clean, and every check says correct."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from m2k_lessons.exercises.base import Choose, Compute, Guess, Write
from tests.notebooks.lessons import PAGES
from tools import notebooks
from tools.classroom import answers
from tools.classroom.marks import numbers_of

ROOT = answers.ROOT
START, BASICS = PAGES[0], PAGES[2]


def sources(notebook):
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


@pytest.fixture(scope="module")
def executed():
    """All editions, two at a time: a kernel waits for its start more than it computes."""
    with ThreadPoolExecutor(2) as pool:
        runs = pool.map(lambda path: answers.run(answers.edition(path)), PAGES)
        return dict(zip((path.stem for path in PAGES), runs, strict=True))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_each_solved_lesson_runs_clean_and_all_is_right(executed, path):
    questions = answers.asked(path.stem)
    assert answers.unsolved(executed[path.stem], questions) == []
    code = [name for name, question in questions.items() if isinstance(question, Write)]
    said = dict(answers.replies(executed[path.stem]))
    assert all(said[name].startswith("✓ Correct.") for name in code)


def test_no_dots_are_left_and_no_other_cell_has_changed():
    for path in PAGES:
        lesson, edition = notebooks.read(path), answers.edition(path)
        names = answers.asked(path.stem)
        for before, after in zip(sources(lesson), sources(edition), strict=True):
            asks = [
                name
                for name in names
                if f"{name}.check(" in before or f"{name}.guess(" in before
                if name != "example"
            ]
            assert (before != after) == bool(asks), before
            if asks:
                assert "..." not in after, after


def test_a_wrong_answer_a_missing_one_and_a_stop_are_told():
    edition = answers.edition(START)
    question = answers.asked(START.stem)["q2"]
    wrong = next(letter for letter in question.options if letter != question.right)
    texts = {"q2.check(": f'q2.check("{wrong}")', "q1.check(": "q1.check(1 / 0)"}
    for cell in edition["cells"]:
        for asks, other in texts.items():
            if cell["cell_type"] == "code" and asks in "".join(cell["source"]):
                cell["source"] = [other]
    problems = answers.unsolved(answers.run(edition), answers.asked(START.stem))
    assert len(problems) == 3
    assert any("ZeroDivisionError" in sentence for sentence in problems)
    assert f"q2: ✗ {question.feedback[wrong]}" in problems
    assert "q1: no reply" in problems
    edition["cells"] = [cell for cell in edition["cells"] if "q2" not in "".join(cell["source"])]
    assert "q2: never asked" in answers.unsolved(edition, answers.asked(START.stem))


def test_a_learners_numbers_are_those_that_her_workbook_shows():
    printed, hers = (answers.edition(BASICS, name) for name in ("", "Ada"))
    assert hers["cells"] != printed["cells"]
    texts = "\n".join("".join(cell["source"]) for cell in hers["cells"])
    questions = answers.asked(BASICS.stem)
    with numbers_of("Ada"):
        assert questions["q1"].markdown() in texts
        assert all(
            f"{name} = {value!r}" in texts for name, value in questions["q1"].numbers.items()
        )
    run = answers.run(hers)
    assert answers.unsolved(run, questions) == []


def test_the_number_behind_a_guess_is_read_from_the_committed_reply():
    for path in PAGES:
        shown = answers.compared(notebooks.read(path))
        guesses = {n: q for n, q in answers.asked(path.stem).items() if isinstance(q, Guess)}
        assert set(shown) == set(guesses)
        for name, guess in guesses.items():
            low, high = answers.around(shown[name], guess.scale)
            assert low < shown[name] < high
            assert high - low < 4 * guess.scale
    stripped = notebooks.read(BASICS)
    for cell in stripped["cells"]:
        cell["outputs"] = []
    with pytest.raises(ValueError, match="no value for g1"):
        answers.compared(stripped)


def test_an_unknown_kind_of_cell_is_refused():
    Strange = type("Strange", (), {})
    with pytest.raises(ValueError, match="q9 is a Strange"):
        answers.solved("q9.check(...)", {"q9": Strange()}, {})


def test_every_kind_of_question_is_solved_somewhere():
    kinds = {type(question) for path in PAGES for question in answers.asked(path.stem).values()}
    assert {Choose, Compute, Guess, Write} <= kinds


def test_the_task_writes_editions_where_git_does_not_see_them(tmp_path):
    command = [sys.executable, ROOT / "tools" / "classroom" / "answers.py", "00", "--to", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[:2] == ["00_start_here", "00b_python_you_will_meet"]
    first = notebooks.read(tmp_path / START.name)["cells"][0]
    assert "Answer edition" in "".join(first["source"])
    ignored = subprocess.run(
        ["git", "check-ignore", "--no-index", "answers/00_start_here.ipynb"],
        cwd=ROOT, capture_output=True, text=True,
    )  # fmt: skip
    assert ignored.returncode == 0
