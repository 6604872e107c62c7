"""Each lesson has the parts that design §4 promises, and nothing that would spoil it."""

import ast
import html
import json
import re
import statistics

import pytest

from m2k_lessons import exercises
from tests.notebooks import measures
from tests.notebooks.lessons import (
    FURTHER,
    LESSONS,
    PAGES,
    chapter,
    code_cells,
    markdown_cells,
    source,
)
from tools import notebooks

every_page = pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
# The start page teaches how to use the course; the capstone is the learner's own work.
FULL_LESSONS = [path for path in LESSONS if path.stem[:2] not in ("00", "17")]
every_full_lesson = pytest.mark.parametrize("path", FULL_LESSONS, ids=lambda path: path.stem)
every_lesson_and_further_one = pytest.mark.parametrize(
    "path", FULL_LESSONS + FURTHER, ids=lambda path: path.stem
)

HEADINGS = [
    "One question to begin with",
    "After this chapter you can",
    "Loop 1",
    "Loop 2",
    "Explorer",
    "A common belief",
    "Where this breaks",
    "On real prices",
    "Recap",
    "New words",
    "Sources",
]


def text_of(path) -> str:
    return "\n\n".join(source(cell) for cell in markdown_cells(path))


def section(path, heading: str) -> str:
    """The text below the heading that starts so, up to the next heading of that rank."""
    match = re.search(rf"^## {heading}.*?$(.*?)(?=^## |\Z)", text_of(path), re.M | re.S)
    assert match, f"no heading '## {heading}'"
    return match[1]


def numbered(text: str) -> list[str]:
    return re.findall(r"^\d+\. (.+)", text, re.M)


@every_lesson_and_further_one
def test_headings_in_order(path):
    found = re.findall(r"^## (.+)", text_of(path), re.M)
    places = [next(i for i, one in enumerate(found) if one.startswith(h)) for h in HEADINGS[:4]]
    assert places == sorted(places)
    for heading in HEADINGS:
        if heading == "Explorer" and path in FURTHER:
            continue
        assert any(one.startswith(heading) for one in found), heading
    loops = [one for one in found if one.startswith("Loop ")]
    assert (2 if path in FURTHER else 3) <= len(loops) <= 5
    assert [one.split()[1] for one in loops] == [str(n + 1) for n in range(len(loops))]


@every_page
def test_title_and_navigation(path):
    text = text_of(path)
    number = path.stem.split("_")[0]
    assert re.match(rf"# {number} · \S", text)
    assert re.search(r"About \d+ minutes", text)
    for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), f"{target} is linked but does not exist"


@every_lesson_and_further_one
def test_objectives_are_mirrored_by_the_recap(path):
    objectives = numbered(section(path, "After this chapter you can"))
    recap = numbered(section(path, "Recap"))
    assert 3 <= len(objectives) <= 5
    assert len(recap) == len(objectives)


@every_lesson_and_further_one
def test_enough_exercises(path):
    module = __import__(f"{exercises.__name__}.{chapter(path)}", fromlist=["QUESTIONS"])
    assert len(module.QUESTIONS) >= len(numbered(section(path, "After this chapter you can"))) + 1
    code = "\n".join(source(cell) for cell in code_cells(path))
    for name in module.QUESTIONS:
        assert f"{name}.check(" in code, f"{name} is never checked"


@every_lesson_and_further_one
def test_each_loop_predicts_shows_and_reads_one_figure(path):
    for number in range(1, 6):
        heading = f"Loop {number}"
        if heading not in text_of(path):
            continue
        text = section(path, heading)
        assert "**Predict before you run.**" in text, f"{heading} asks for no guess"
        assert text.count("**Question for the figure:**") == 1, heading
        assert len(re.findall(r"^\*Figure \w+\.\d+\. ", text, re.M)) == 1, heading
        assert "**What it shows.**" in text, heading


@every_page
def test_figures_are_numbered_and_simulated_prices_say_so(path):
    numbers = re.findall(r"^\*Figure (\w+)\.(\d+)\. ", text_of(path), re.M)
    lesson = path.stem.split("_")[0].removeprefix("0")
    assert numbers == [(lesson, str(n + 1)) for n in range(len(numbers))]
    code = "\n".join(source(cell) for cell in code_cells(path))
    if re.search(r"\bdata\.load\(|\bsimulate\.", code):
        assert "imulated" in text_of(path)
        assert re.search(r"simulated", "\n".join(printed(path)), re.I), "no output says simulated"


def printed(path) -> list[str]:
    outputs = [output for cell in code_cells(path) for output in cell["outputs"]]
    texts = []
    for output in outputs:
        texts.append("".join(output.get("text", [])))
        texts.append("".join(output.get("data", {}).get("text/plain", [])))
    return texts


@every_page
def test_every_picture_has_alternative_text(path):
    pictures = 0
    for cell in code_cells(path):
        for output in cell["outputs"]:
            data = output.get("data", {})
            if "image/png" in data or "image/svg+xml" in data:
                pictures += 1
                tag = re.search(r'<img alt="([^"]{20,})"', "".join(data.get("text/html", [])))
                assert tag, f"{cell['id']}: a picture without alternative text"
                assert "".join(data["text/plain"]) == html.unescape(tag[1])
    captions = len(re.findall(r"^\*Figure ", text_of(path), re.M))
    assert pictures == captions, "each figure has a caption, each caption a figure"


@every_full_lesson
def test_a_still_picture_stands_beside_the_explorer(path):
    code = [source(cell) for cell in code_cells(path)]
    assert any(f"explorers.{chapter(path)} import" in one and ".still()" in one for one in code)


@every_page
def test_cells_stay_short(path):
    code = [
        len([line for line in source(cell).splitlines() if line.strip()])
        for cell in code_cells(path)
    ]
    assert max(code) <= 15
    assert statistics.median(code) <= 5
    count = len(notebooks.read(path)["cells"])
    if path in FURTHER:
        assert 25 <= count <= 40, f"{count} cells"
    elif path in FULL_LESSONS:
        assert 35 <= count <= measures.MOST_CELLS, f"{count} cells"


@every_page
def test_words_numbers_sentences_and_minutes_stay_within_bounds(path):
    found = measures.out_of_bounds(path)
    if path.stem.startswith("17"):  # two runs through all gates, the second one the learner's own
        found = [fault for fault in found if not re.match(r"\d+ (cells|minutes)", fault)]
    assert found == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({}, ""),
        ({"words": 4_001}, "4001 words"),
        ({"figures": 223}, "223 numbers"),
        ({"sentence": 41}, "41 words in a sentence"),
        ({"line": 89}, "cell-00: 89 characters"),
        ({"cells": 71}, "71 cells"),
        ({"minutes": 76}, "76 minutes"),
    ],
)
def test_a_page_at_the_bounds_is_kept_and_one_step_beyond_is_not(change, complaint, tmp_path):
    page = {"words": 4_000, "figures": 222, "sentence": 40, "line": 88, "cells": 70, "minutes": 75}
    page |= change
    # The line about minutes has three words, one of them a number.
    text = ["word"] * (page["words"] - 3)
    numbers = [i for i in range(len(text)) if i % page["sentence"]][: page["figures"] - 1]
    text = ["7" if i in set(numbers) else word for i, word in enumerate(text)]
    starts = range(0, len(text), page["sentence"])
    prose = " ".join("And " + " ".join(text[i + 1 : i + page["sentence"]]) + "." for i in starts)
    cells = [f"# 99 · Page\n\nAbout {page['minutes']} minutes.", prose]
    cells = [{"cell_type": "markdown", "source": [one]} for one in cells]
    code = {"cell_type": "code", "id": "cell-00", "source": ["x" * page["line"]]}
    target = tmp_path / "99_page.ipynb"
    target.write_text(json.dumps({"cells": cells + [code] * (page["cells"] - 2)}))
    found = set(measures.out_of_bounds(target))
    assert bool(found) == bool(complaint)
    assert all(one.startswith(complaint) for one in found)


@every_lesson_and_further_one
def test_ten_to_twenty_five_words_for_a_line_of_code(path):
    lines = sum(len(source(cell).splitlines()) for cell in code_cells(path))
    body = text_of(path).split("## Recap")[0]
    # Captions, tables and the questions themselves are not prose.
    prose = re.sub(
        r"<!--.*?-->|^\|.*$|\]\([^)]*\)|^\*Figure .*$|^\*\*Q(\d+|uiz)\.\*\*.*$",
        "",
        body,
        flags=re.M,
    )
    words = len(prose.split())
    assert 10 <= words / lines <= 25, f"{words} words for {lines} lines"


@every_page
def test_setup_is_short_and_says_that_it_worked(path):
    setup = code_cells(path)[0]
    if path in FULL_LESSONS + FURTHER:
        assert len(ast.parse(source(setup)).body) <= 4  # a long line may be folded
        assert source(setup).splitlines()[-1].startswith("print(")
        assert setup["outputs"], "the setup cell shows nothing"


@every_page
def test_committed_executed_and_clean(path):
    notebook = notebooks.read(path)
    for number, cell in enumerate(code_cells(path), start=1):
        assert cell["execution_count"] == number, f"{cell['id']} was not run top to bottom"
        for output in cell["outputs"]:
            assert output["output_type"] != "error"
            assert output.get("name") != "stderr", f"{cell['id']} printed a warning"
    assert notebook["metadata"]["kernelspec"] == notebooks.KERNEL
    assert notebook == notebooks.normalised(json.loads(json.dumps(notebook)))


@every_page
def test_no_machine_is_mentioned(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"/(work|root|home|tmp|Users|opt)/[\w.+-]+", text)
    assert not re.search(r"[A-Z]:\\\\Users", text)


@every_page
def test_the_note_on_simulated_results_and_risk(path):
    text = text_of(path)
    assert "About simulated results and risk" in text
    for word in ("hindsight", "no advice", "lose more than"):
        assert word in text
