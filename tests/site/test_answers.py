"""The page's replies are Python's, sentence by sentence."""

import math
import random

import pytest

from m2k_lessons.exercises.base import CORRECT, Choose, Compute, Guess
from tests.exercises import checks
from tests.site.conftest import ROOT
from tools.site import answers, pages

PAGES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
SUBMIT = """(form, texts) => texts.map(text => {
    form.elements.answer.value = text;
    form.requestSubmit();
    return form.querySelector('.m2k-reply').textContent;
})"""
CHOOSE = """(form, letters) => letters.map(letter => {
    form.querySelector(`input[value="${letter}"]`).checked = true;
    form.requestSubmit();
    return form.querySelector('.m2k-reply').textContent;
})"""


def numbers_to_try(question):
    """Right ones, wrong ones with a cause, those at the edge of each, and others."""
    right = float(question.reference(**question.numbers))
    ways = [right, *(float(one.answer(**question.numbers)) for one in question.mistakes)]
    found = {0.0, 1.0, -1.0, 0.5, 1e-5, 123456789.0, 1e22, right + 1, right - 0.25}
    for way in ways:
        for factor in (1, -1, 10, 100, 1000, 0.1, 0.01, 0.001, 0.3):
            found |= {way * factor, round(way * factor, question.decimals)}
        for places in range(5):
            unit = 10.0**-places
            found |= {round(way, places), math.floor(way / unit) * unit, round(way, places) + unit}
            found |= {math.trunc(way / unit) / 10**places}
        for edge in (question._within(way), question._within(way, way)):
            for at in (way - edge, way + edge):
                found |= {at, math.nextafter(at, -math.inf), math.nextafter(at, math.inf)}
                found |= {at - edge / 9, at + edge / 9}
    rng = random.Random(1)
    found |= {rng.uniform(-3, 3) * (abs(right) or 1) for _ in range(40)}
    return sorted(found)


def python_says(question, number):
    reply = question._reply(number)
    mark = "✓" if reply.state == CORRECT else "✗"
    if reply.text == f"Not yet. {question.name}.hint(1) may help.":
        return f"{mark} {answers.NOT_YET}"
    return f"{mark} {reply.text}"


def of_kind(page, kind):
    return {name: one for name, one in pages.questions(page).items() if isinstance(one, kind)}


@pytest.mark.browser
@pytest.mark.parametrize("name", [name for name in PAGES if of_kind(name, (Compute, Choose))])
def test_the_page_answers_as_python_does(name, opened):
    page = opened(name)
    for question in of_kind(name, Compute).values():
        numbers = numbers_to_try(question)
        form = page.locator(f'form[data-question*=\'"name": "{question.name}"\']')
        heard = form.evaluate(SUBMIT, [repr(number) for number in numbers])
        expected = [python_says(question, number) for number in numbers]
        differ = [
            (number, here, there)
            for number, here, there in zip(numbers, heard, expected, strict=True)
            if here != there
        ]
        assert not differ, (question.name, differ[:3])
        assert len(set(heard)) > len(question.mistakes) / 2  # several sentences were heard
    for question in of_kind(name, Choose).values():
        form = page.locator(f'form[data-question*=\'"name": "{question.name}"\']')
        heard = form.evaluate(CHOOSE, list(question.options))
        assert heard == [python_says(question, letter) for letter in question.options]
    assert not page.problems


def test_every_question_of_the_course_was_compared():
    found = [one for name in PAGES for one in of_kind(name, (Compute, Choose)).values()]
    of_course = [
        one
        for chapter in checks.chapters().values()
        for one in chapter.values()
        if isinstance(one, (Compute, Choose))
    ]
    assert len(found) == len(of_course) > 100


READ = {
    "-189": "✓ Correct.",
    " −189.00 USD ": "✓ Correct.",
    "$-189": "✓ Correct.",
    "-$189": "✓ Correct.",
    "-189,0": "✓ Correct.",
    "-1.89e2": "✓ Correct.",
    "": "○ Not attempted yet. Type your answer into the box.",
    "about 189": "✗ “about 189” is no number. Type digits, such as −12.5.",
    "--189": "✗ “--189” is no number. Type digits, such as −12.5.",
    "1.2.3": "✗ “1.2.3” has marks in places where no number has them.",
    "1,89,0": "✗ “1,89,0” has marks in places where no number has them.",
    "-1,890": "✗ $50 a point is RTY, the standard contract. M2K is $5. (Read as −1890.)",
    "1e999": "✗ The answer is too large to be meant.",
    "<b>9</b>": "✗ “<b>9</b>” is no number. Type digits, such as −12.5.",
}


@pytest.mark.browser
def test_the_page_reads_numbers_as_people_type_them(opened):
    form = opened("01_contract_basics").locator("form[data-question*='q1']").first
    heard = dict(zip(READ, form.evaluate(SUBMIT, list(READ)), strict=True))
    for text, begins in READ.items():
        assert heard[text].startswith(begins), (text, heard[text])


@pytest.mark.browser
def test_answers_and_progress_survive_a_reload_and_a_prediction_counts_once(opened):
    page = opened("01_contract_basics")
    form = page.locator("form[data-question*='q1']").first
    form.locator("input").fill("-189")
    form.locator("button").click()
    guess = page.locator("form[data-question*='g1']").first
    for low, high in (("10", "30"), ("0", "5")):
        guess.locator("input[name=low]").fill(low)
        guess.locator("input[name=high]").fill(high)
        guess.locator("button").click()
    assert "10 to 30, stands and counts" in guess.inner_text()
    page.reload()
    assert form.locator("input").input_value() == "-189"
    assert form.locator(".m2k-reply").inner_text().startswith("✓")
    assert page.locator(".m2k-progress").inner_text().startswith("1 of 7 solved")
    assert "Your range, 10 to 30, held it." in page.locator(".m2k-compared").first.inner_text()
    page.goto(page.url.replace("01_contract_basics", "00_start_here"))
    assert "01: 1 of 7 solved" in page.locator(".m2k-progress").first.inner_text()
    page.goto(page.url.replace("00_start_here", "17_capstone"))
    predictions = page.locator(".m2k-progress[data-guesses]")
    assert "1 of 1 held the value" in predictions.first.inner_text()


@pytest.mark.browser
def test_a_question_is_answered_with_the_keyboard_alone(opened):
    page = opened("01_contract_basics")
    quiz = page.locator("form[data-question*='quiz']")
    quiz.locator("input").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert quiz.locator(".m2k-reply").inner_text().startswith("✓ Correct.")


def test_a_prediction_has_the_committed_value_beside_it(site):
    for name in PAGES:
        text = (site.folder / f"{name}.html").read_text(encoding="utf-8")
        assert text.count("m2k-compared") == len(of_kind(name, Guess)), name


def test_words_of_a_question_become_html():
    assert answers.inline("the *first* `a * b * c` < 3 * 4") == (
        "the <em>first</em> <code>a * b * c</code> &lt; 3 * 4"
    )
