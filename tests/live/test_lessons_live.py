"""Lessons in the browser, without a server and without any other host: they run, and are kept."""

import re

import pytest

from m2k_lessons.exercises import contract_basics
from m2k_lessons.exercises.code import _source

pytestmark = pytest.mark.browser
FIRST = "01_contract_basics"
# A busy machine takes several times as long; speed is measured by `course.py bench live`.
START_S, RUN_S = 600, 900


def replies(cell):
    """What a cell answered, as text."""
    parts = [output.get("text") or output.get("data", {}).get("text/plain", "") for output in
             cell["outputs"]]  # fmt: skip
    return "".join("".join(part) for part in parts)


def ran_without_fault(lesson):
    assert lesson.errors() == []
    assert all(cell["count"] is not None for cell in lesson.cells() if cell["source"].strip())
    assert lesson.outside == [], "asked another host"


@pytest.mark.parametrize("chapter", ["03_micro_vs_standard", "12_options_hedging"])
def test_a_lesson_runs_complete(opened, tmp_path, chapter):
    with opened(tmp_path / "profile") as lesson:
        lesson.open(chapter, START_S)
        lesson.run_all(RUN_S)
        ran_without_fault(lesson)
        assert len(lesson.cells()) > 25


def test_an_explorer_moves_exercises_answer_and_the_work_survives(opened, tmp_path):
    """One test, because opening a lesson takes most of its time."""
    solution = f"{_source(contract_basics.q7.reference)}\n\n\nq7.check(mark_to_market)"
    with opened(tmp_path / "profile") as lesson:
        lesson.open(FIRST, START_S)
        lesson.run_all(RUN_S)
        ran_without_fault(lesson)
        explorer_moves(lesson)
        wrong = lesson.answer("q7.check(...)", "def mark_to_market(a):\n    ...\n\nq7.check(1)")
        assert "That is an int" in replies(wrong)
        right = lesson.answer("q7.check(1)", solution)
        assert "Correct" in replies(right)
        assert "restart the kernel; what you wrote is kept" in replies(right)
        lesson.save()
    # Another browser with the same storage: what a learner finds on the next day.
    with opened(tmp_path / "profile") as lesson:
        lesson.open(FIRST, START_S)
        assert solution in [cell["source"] for cell in lesson.cells()]
        told = replies(lesson.answer("progress.chapter_line", None))
        solved = re.search(r"(\d+) of \d+ solved", told)
        assert solved, told
        assert int(solved[1]) == 1
        # A function without end is stopped by a restart, and nothing that was written is lost.
        lesson.run("while True: pass", wait=False)
        lesson.restart(START_S)
        assert "while True: pass" in [cell["source"] for cell in lesson.cells()]
        assert replies(lesson.run("print(6 * 7)")).strip() == "42"


def explorer_moves(lesson):
    """A key on a slider gives another picture, with another text."""
    explorer = lesson.page.locator(".jp-OutputArea-output .m2k-explorer").first
    before = explorer.locator("img").first.get_attribute("alt")
    assert len(lesson.key_to_picture_ms(3)) == 3
    after = explorer.locator("img").first.get_attribute("alt")
    assert after
    assert after != before
