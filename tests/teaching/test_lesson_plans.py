"""Lesson plans fit their lessons: minutes, headings, figures, questions, known mistakes."""

import importlib
import re

import pytest

from m2k_lessons.exercises.base import CORRECT, WRONG, Compute
from tests.notebooks.lessons import PAGES, markdown_cells, source
from tools import deck, deck_blocks, lesson_plans

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
# What has no minutes of its own: it is read before or after.
UNTIMED = ("After this chapter you can", "New words", "Sources")
SECTIONS = ("Minutes", "Before each figure", "Where they stumble", "On the board", "Homework")


def page(path) -> str:
    return lesson_plans.path_of(path).read_text(encoding="utf-8")


def text_of(path) -> str:
    return "\n\n".join(source(cell) for cell in markdown_cells(path))


@every_page
def test_steps_are_the_lessons_parts_and_fill_its_minutes(path):
    steps = lesson_plans.read(page(path)).steps
    headings = re.findall(r"^## (.+)", text_of(path), re.M)
    places = []
    for step in steps:
        found = [place for place, one in enumerate(headings) if one.startswith(step.heading)]
        assert len(found) == 1, f"{step.heading} is no heading of the lesson, or several"
        assert len(step.does.split()) >= 4, step.heading
        places += found
    assert places == sorted(places)
    untimed = [one for place, one in enumerate(headings) if place not in places]
    assert [one for one in untimed if one not in UNTIMED] == []
    assert sum(step.minutes for step in steps) == lesson_plans.stated_minutes(path)


@every_page
def test_a_question_stands_before_each_figure(path):
    asked = lesson_plans.read(page(path)).figures
    assert list(asked) == re.findall(r"^\*Figure (\d+\.\d+)\. ", text_of(path), re.M)
    for number, question in asked.items():
        assert question.startswith("Ask: "), number
        assert "?" in question or ("." in question and len(question.split()) > 8), number


@every_page
def test_the_page_is_whole_and_the_written_part_fits_on_one_sheet(path):
    text = page(path)
    assert text.startswith(f"# {path.stem.split('_')[0]} · ")
    for heading in SECTIONS:
        assert len(lesson_plans.section(text, heading).split()) >= 5, heading
    written = text.split(lesson_plans.BEGIN)[0]
    assert len(written.split()) <= 750
    for sentence in deck_blocks.sentences(lesson_plans.section(text, "Where they stumble")):
        assert len(sentence.split()) <= 40
    asked = set(re.findall(r"\b[qQ](\d+)\b", written))
    posed = set(re.findall(r"\*\*Q(\d+)\.\*\*", text_of(path)))
    assert asked <= posed, "a question that the lesson doesn't have"


@every_page
def test_what_is_made_is_of_today(path):
    text = page(path)
    assert lesson_plans.refreshed(text, path) == text, "python course.py lesson_plans"


def test_a_wrong_answer_of_the_plans_gets_the_reply_that_the_plan_names():
    checked = 0
    for path in PAGES:
        name = f"m2k_lessons.exercises.{path.stem.split('_', 1)[1]}"
        if importlib.util.find_spec(name) is None:
            continue
        rows = re.findall(r"^\| (q\d+) \| (−?[\d,.]+)[^|]*\| (.+) \|$", page(path), re.M)
        replies: dict[tuple[str, str], list[str]] = {}
        for question, answer, reply in rows:
            replies.setdefault((question, answer), []).append(reply)
        questions = importlib.import_module(name).QUESTIONS
        for (question, answer), expected in replies.items():
            if not isinstance(questions[question], Compute):
                continue
            said = questions[question]._reply(float(answer.replace("−", "-").replace(",", "")))
            # Some wrong ways meet the right answer by luck; one number may have two causes.
            assert said.state in (WRONG, CORRECT)
            text = " ".join(said.text.split())
            if said.state == WRONG and not any(one in text for one in expected):
                pytest.fail(f"{path.stem} {question}: {answer} hears {text!r}, not {expected}")
            checked += said.state == WRONG
    assert checked > 300


@every_page
def test_the_plan_is_what_the_speaker_reads(path):
    plan = lesson_plans.read(page(path))
    slides = deck.Deck(path, plan).slides
    notes = ["".join(slide.notes) for slide in slides]
    assert "On the board" in notes[0]
    assert "Homework" in notes[-1]
    for step in plan.steps:
        said = deck_blocks.rendered(step.does, formulas=False)[3:-5]
        assert any("Minutes" in note and said in note for note in notes), step.heading
    for number, question in plan.figures.items():
        said = deck_blocks.rendered(question, formulas=False)[3:-5]
        places = [place for place, note in enumerate(notes) if said in note]
        assert len(places) == 1, number
        assert f"Figure {number}." in "".join(slides[places[0]].body)


TRIAL = """# 05 · Trial

| minutes | step | what you do |
|---:|---|---|
| 20 | Loop 1 | Something. |
| 10 | Recap | Something else. |

<!-- made by: python course.py lesson_plans -->
Old.
<!-- end of what is made -->

## Homework

Kept.
"""


def test_refreshing_scales_minutes_and_keeps_what_is_written():
    path = next(path for path in PAGES if path.name.startswith("05_"))
    fresh = lesson_plans.refreshed(TRIAL, path)
    steps = lesson_plans.read(fresh).steps
    assert [step.minutes for step in steps] == [50, 25]
    assert steps[0].does == "Something."
    assert "Old." not in fresh
    assert lesson_plans.read(fresh).homework == "Kept."
    assert "Right is **b**" in fresh
    with pytest.raises(ValueError, match="each of the two marks once"):
        lesson_plans.refreshed(TRIAL.replace(lesson_plans.END, ""), path)


def test_no_step_is_scaled_away():
    assert lesson_plans.scaled([1, 1, 98], 10) == [1, 1, 8]
    with pytest.raises(ValueError, match="at least 3 minutes, one a step, got 2"):
        lesson_plans.scaled([5, 5, 5], 2)
