"""The questions of the oral check name what really is in the chapters."""

import importlib
import re

import pytest

from m2k_lessons.exercises.base import Write
from m2k_lessons.exercises.progress import TITLES
from m2k_lessons.explorers.base import Explorer
from tests.notebooks.lessons import LESSONS, code_cells, markdown_cells, source
from tools.classroom import answers

PAGE = (answers.ROOT / "teaching" / "oral.md").read_text(encoding="utf-8")
SECTIONS = dict(re.findall(r"^## (.+?)\n\n(.*?)(?=\n## |\Z)", PAGE, re.MULTILINE | re.DOTALL))
every_lesson = pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)


def section(path):
    return " ".join(SECTIONS[f"{path.stem[:2]} · {TITLES[path.stem]}"].split())


def controls(path) -> set[str]:
    """The labels of all sliders, lists and boxes of a chapter's explorers."""
    found = set()
    for place in (answers.ROOT / "m2k_lessons" / "explorers").glob("*.py"):
        module = importlib.import_module(f"m2k_lessons.explorers.{place.stem}")
        text = "".join(source(cell) for cell in code_cells(path))
        if f"explorers.{place.stem} import" not in text:
            continue
        for name in re.findall(r"\bexplore\w*", text):
            made = getattr(module, name, None)
            if callable(made) and isinstance(explorer := made(), Explorer):
                found |= {spec.label for spec in explorer._specs}
    return found


def test_each_chapter_has_a_section_and_nothing_else_has():
    named = {f"{path.stem[:2]} · {TITLES[path.stem]}" for path in LESSONS}
    assert set(SECTIONS) == named


@every_lesson
def test_five_questions_each_with_what_to_listen_for(path):
    text = SECTIONS[f"{path.stem[:2]} · {TITLES[path.stem]}"]
    asked = re.findall(r"^(\d)\. (.*?)(?=^\d\. |\Z)", text, re.MULTILINE | re.DOTALL)
    assert [number for number, _ in asked] == list("12345")
    for _, words in asked:
        assert re.search(r"\([^)]+(?:\([^)]*\)[^)]*)*\.\)$", " ".join(words.split())), words
        assert len(words.split()) >= 12, words


@every_lesson
def test_what_a_question_names_is_in_the_chapter(path):
    text, questions = section(path), answers.asked(path.stem)
    functions = {one.called for one in questions.values() if isinstance(one, Write)}
    for name in re.findall(r"`(\w+)`", text):
        arguments = {"number"}
        assert name in questions or name in functions or name in arguments, name
    lesson = "".join(source(cell) for cell in markdown_cells(path))
    for figure in re.findall(r"Figure (\d+\.\d+)", text):
        assert f"*Figure {figure}." in lesson
    named = set(re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text))
    assert named <= controls(path), named - controls(path)
