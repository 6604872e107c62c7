"""Decks: nothing of the lesson lost, nothing cut off, nothing asked of the network."""

import base64
import html
import json
import re

import pytest

from tests.notebooks.lessons import PAGES, markdown_cells, source
from tools import deck, deck_blocks, lesson_plans, notebooks, slides

SCREEN = {"width": 1280, "height": 720}
ONE = next(path for path in PAGES if path.name.startswith("05_"))
# What the deck says by the look of a slide instead.
LABEL = re.compile(
    r"^(> ?|- |\d+\. |\|[-:| ]+\|$|\*\*(Question for the figure:|What it shows\.|Q\d+\.|Quiz\."
    r"|Predict before you run\.)\*\*|\*Figure \d+b?\.\d+\.)",
    re.MULTILINE,
)
every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)


@pytest.fixture(scope="session")
def decks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slides")
    slides.main(["--to", str(folder)])
    return folder


@pytest.fixture
def window(browser):
    page = browser.new_page(viewport=SCREEN)
    yield page
    page.close()


def shown(window, path, options=""):
    """Open a deck; return the requests that leave the file."""
    asked = []
    window.on("request", lambda request: asked.append(request.url))
    window.goto(f"{path.as_uri()}{options}")
    window.wait_for_selector("html.ready")
    return [url for url in asked if not url.startswith(("file:", "data:", "about:", "blob:"))]


def bare(text: str) -> str:
    """Letters and digits alone: marks, tags and formulas set aside."""
    text = deck_blocks.MATH.sub("", html.unescape(re.sub(r"<[^>]+>", "", text)))
    return "".join(re.findall(r"[^\W_]+", text)).lower()


@every_page
def test_each_sentence_of_the_lesson_is_on_a_slide_or_said(path):
    made = deck.Deck(path, lesson_plans.Plan())
    held = "".join(bare("".join([slide.part, *slide.body, *slide.notes])) for slide in made.slides)
    part, lost = "", []
    for cell in markdown_cells(path):
        for block in deck_blocks.blocks(source(cell)):
            part = block[3:] if block.startswith("## ") else part
            if part in deck.LEFT_OUT or "Contents" in block or block.startswith(("![", "~~~")):
                continue
            text = LABEL.sub("", block)
            lost += [one for one in deck_blocks.sentences(text) if bare(one) not in held]
    assert lost == []


@every_page
def test_each_figure_and_question_has_a_slide(path):
    made = deck.Deck(path, lesson_plans.Plan())
    text = "\n\n".join(source(cell) for cell in markdown_cells(path))
    assert made.figures == re.findall(r"^\*Figure (\d+b?\.\d+)\. ", text, re.M)
    bodies = ["".join(slide.body) for slide in made.slides]
    for name in made.questions:
        assert any(f"<h3>{name.capitalize()}</h3>" in body for body in bodies), name
    for slide in made.slides:
        # A wall of text: more than anybody reads while somebody speaks. An exercise is read alone.
        most = 170 if slide.kind in ("exercise", "table", "out", "code", "figure") else 135
        assert deck_blocks.words(re.sub(r"<[^>]+>", "", "".join(slide.body))) <= most


@every_page
def test_the_note_on_simulated_results_is_whole(path):
    text = "\n\n".join(source(cell) for cell in markdown_cells(path))
    note = re.search(r"^> (\*\*About simulated results.*?)(?=\n\n|\Z)", text, re.M | re.S)
    last = bare("".join(deck.Deck(path, lesson_plans.Plan()).slides[-1].body))
    assert last == bare(deck_blocks.plain(note[1]))


FITS = """() => {
  document.body.classList.add("measuring");
  const found = [];
  for (const section of document.querySelectorAll(".slides > section")) {
    const body = section.querySelector(".body"), inner = section.querySelector(".fit");
    const wide = inner.scrollWidth - body.clientWidth;
    const high = inner.scrollHeight - body.clientHeight;
    const sizes = [...inner.querySelectorAll("p, li, td, pre")].map(
      one => parseFloat(getComputedStyle(one).fontSize));
    found.push([Math.max(wide, high), Math.min(99, ...sizes)]);
  }
  return found;
}"""


def test_no_slide_is_cut_off_and_the_smallest_letter_can_be_read(decks, window):
    bad = []
    for path in sorted(decks.glob("*.html")):
        assert shown(window, path) == []
        measured = window.evaluate(FITS)
        assert len(measured) > 15
        bad += [
            (path.stem, number, over, size)
            for number, (over, size) in enumerate(measured, start=1)
            if over > 1 or size < 15
        ]
    assert bad == []


def test_a_slide_that_is_cut_off_would_be_seen(decks, window, tmp_path):
    page = (decks / f"{ONE.stem}.html").read_text(encoding="utf-8")
    page = page.replace('<div class="fit">', f'<div class="fit">{"<p>A line.</p>" * 40}', 1)
    page = page.replace("</body>", '<img src="https://example.org/picture.png"></body>')
    (tmp_path / "deck.html").write_text(page, encoding="utf-8")
    asked = shown(window, tmp_path / "deck.html")
    assert window.evaluate(FITS)[0][0] > 1
    assert asked == ["https://example.org/picture.png"]


def test_the_speaker_sees_notes_and_answers_and_the_room_does_not(decks, window):
    path = decks / f"{ONE.stem}.html"
    shown(window, path)
    number = window.evaluate(
        """[...document.querySelectorAll(".slides > section")].findIndex(
            one => one.querySelector("h3")?.textContent === "Q1")"""
    )
    window.evaluate(f"Reveal.slide({number})")
    assert not window.locator("section.present aside.notes").is_visible()
    with window.expect_popup() as popup:
        window.keyboard.press("s")
    speaker = popup.value
    speaker.wait_for_function(
        "document.querySelector('.speaker-controls-notes .value')?.textContent.includes('answer')"
    )
    speaker.close()


def test_the_right_option_of_the_quiz_comes_at_a_click(decks, window):
    shown(window, decks / f"{ONE.stem}.html")
    window.evaluate(
        """Reveal.slide([...document.querySelectorAll(".slides > section")].findIndex(
            one => one.querySelector("h3")?.textContent === "Quiz"))"""
    )
    answer = window.locator("section.present .fragment")
    assert answer.evaluate("one => getComputedStyle(one).opacity") == "0"
    window.keyboard.press("ArrowRight")
    assert answer.evaluate("one => getComputedStyle(one).opacity") == "1"


SIZES = """[...document.querySelectorAll("section .fit")].map(
  one => [getComputedStyle(one).fontSize, getComputedStyle(one).color])"""


def test_on_paper_letters_are_as_large_as_on_the_screen(decks, window):
    path = decks / f"{ONE.stem}.html"
    shown(window, path)
    on_screen = window.evaluate(SIZES)
    shown(window, path, "?print-pdf")
    window.wait_for_selector(".pdf-page")
    assert window.evaluate(SIZES) == on_screen
    assert {size for size, _ in on_screen} >= {"28px", "34px"}


def test_a_pdf_has_a_page_for_each_slide(decks, browser):
    path = decks / f"{ONE.stem}.html"
    slides.print_pdf([path], browser)
    pages = re.findall(rb"/Type\s*/Page\b", path.with_suffix(".pdf").read_bytes())
    assert len(pages) == path.read_text(encoding="utf-8").count("<section class=")


def lesson(tmp_path, *cells):
    """A notebook with these cells: text, or text with the slide type that it has."""
    made = []
    for number, cell in enumerate(["# 01 · Trial", *cells]):
        text, kind = cell if isinstance(cell, tuple) else (cell, "")
        metadata = {"slideshow": {"slide_type": kind}} if kind else {}
        made.append(
            {"cell_type": "markdown", "id": f"c{number}", "metadata": metadata, "source": [text]}
        )
    path = tmp_path / "01_trial.ipynb"
    notebooks.write(path, {"cells": made, "metadata": {}, "nbformat": 4, "nbformat_minor": 5})
    return path


def test_a_cell_says_itself_what_becomes_of_it(tmp_path):
    long = " ".join(["Many words are on this slide."] * 20)
    path = lesson(tmp_path, "## Loop 1 · A", ("Gone.", "skip"), ("Said.", "notes"), (long, "slide"))
    made = deck.Deck(path, lesson_plans.Plan())
    assert [slide.kind for slide in made.slides] == ["title", "section", "text"]
    assert "Said." in made.slides[1].notes[0]
    assert "Gone" not in json.dumps([slide.body + slide.notes for slide in made.slides])
    assert "".join(made.slides[2].body).count("Many words") == 20


def test_an_unknown_slide_type_is_refused(tmp_path):
    path = lesson(tmp_path, ("Text.", "slid"))
    with pytest.raises(ValueError, match="c1: slide_type must be one of slide, .*, got slid"):
        deck.Deck(path, lesson_plans.Plan())


def test_formulas_are_pictures_that_read_aloud_and_a_bad_one_is_named():
    page = deck_blocks.rendered(r"With $n$ days, $$p = \tfrac12 + \frac{\text{cost}}{n}$$")
    assert re.findall(r'alt="([^"]+)"', page) == ["n", r"p = \tfrac12 + \frac{\text{cost}}{n}"]
    drawn = base64.b64decode(re.search(r"base64,([\w+/=]+)", page)[1]).decode()
    assert "<svg" in drawn
    with pytest.raises(ValueError, match=r"can't set the formula '\\\\nonsense\{x\}'"):
        deck_blocks.rendered(r"$\nonsense{x}$")


def test_money_is_no_formula():
    assert "<img" not in deck_blocks.rendered("It costs $5, and then $10.")


def test_long_tables_say_what_was_left_out():
    rows = "".join(f"<tr><td>{n}</td></tr>" for n in range(30))
    cell = {
        "outputs": [
            {
                "output_type": "execute_result",
                "data": {"text/html": [f"<div><table><tbody>{rows}</tbody></table></div>"]},
            },
            {"output_type": "stream", "text": [f"line {n}\n" for n in range(20)]},
        ]
    }
    table, text = deck_blocks.outputs(cell)
    assert table.count("<tr>") == 12
    assert "and 18 more rows" in table
    assert text.count("line ") == 12
    assert "and 8 more lines" in text
