"""A learner opens chapter 01, runs it, moves the slider with the keyboard, answers a question."""

import re

import pytest

from tests.browser.lab import opened, run_all

pytestmark = pytest.mark.browser

CHAPTER = "notebooks/01_contract_basics.ipynb"


@pytest.fixture(scope="module")
def lesson(browser, lab):
    """Chapter 01 as it is before anything was run."""
    with opened(browser, lab, CHAPTER) as page:
        yield page


def test_opening_a_lesson_shows_no_warning_and_no_question(lesson):
    lesson.wait_for_timeout(1500)  # a dialogue or a toast would come after the first idle
    assert lesson.locator(".jp-Dialog").count() == 0
    assert lesson.locator(".Toastify__toast").count() == 0
    assert lesson.locator(".jp-mod-error, .jp-RenderedText[data-mime-type*=stderr]").count() == 0
    assert "Python 3 (ipykernel)" in lesson.locator(".jp-Toolbar-kernelName").inner_text()


def test_a_lesson_reads_well_before_it_is_run(lesson):
    pictures = lesson.locator(".jp-OutputArea img")
    assert pictures.count() >= 6
    for n in range(pictures.count()):
        assert len(pictures.nth(n).get_attribute("alt") or "") > 40
    assert lesson.locator("text='Error displaying widget'").count() == 0
    # Dollar amounts are money, not formulas.
    for formula in lesson.locator("mjx-container").all():
        assert not re.search(r"\d{2,}", formula.inner_text())


@pytest.fixture(scope="module")
def finished(browser, lab):
    """Chapter 01 after "Run All Cells"."""
    with opened(browser, lab, CHAPTER) as page:
        run_all(page)
        yield page


def test_run_all_then_move_the_explorer_by_keyboard(finished):
    lesson = finished
    assert lesson.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0
    picture = lesson.locator(".jupyter-widgets img")
    handle = lesson.locator(".jupyter-widgets .noUi-handle").first
    handle.scroll_into_view_if_needed()
    alt, source = picture.get_attribute("alt"), picture.get_attribute("src")
    assert alt.startswith("Left: +2 M2K")
    handle.focus()
    lesson.keyboard.press("ArrowRight")
    lesson.wait_for_function(
        "old => document.querySelector('.jupyter-widgets img').alt !== old", arg=alt
    )
    assert picture.get_attribute("alt").startswith("Left: +3 M2K")
    assert picture.get_attribute("src") != source
    assert lesson.locator(".m2k-box input").first.input_value() == "3"


def test_an_exercise_answers(finished):
    lesson = finished
    cell = lesson.locator(".jp-CodeCell", has_text="q1.check(profit_usd)")
    for typed, reply in (
        ("189.0", "✗ The size is right, the sign is not"),
        ("-189.0", "✓ Correct."),
    ):
        cell.locator(".cm-content").click()
        lesson.keyboard.press("Control+A")
        lesson.keyboard.type(f"profit_usd = {typed}\nq1.check(profit_usd)")
        lesson.keyboard.press("Control+Enter")
        cell.locator(".jp-OutputArea", has_text=reply).wait_for()
