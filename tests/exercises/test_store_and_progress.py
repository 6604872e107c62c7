"""The file that keeps answers, and the page made from it."""

import json
import re

import pytest

from m2k_lessons import checkup
from m2k_lessons.exercises import base, progress, store
from m2k_lessons.exercises.contract_basics import q1, q4
from tests.notebooks.lessons import PAGES, markdown_cells, source


@pytest.fixture(autouse=True)
def nothing_said_before():
    store.take_notice()


def test_attempts_are_counted_and_what_was_solved_stays_solved():
    q1.check(7)
    q1.check(q1.reference(**q1.numbers))
    q1.check(7)
    assert progress.read() == {"01_contract_basics": {"q1": {"attempts": 3, "correct": True}}}
    assert [path.name for path in progress.home().iterdir()] == ["progress.json"]
    progress.reset()
    assert progress.read() == {}


def test_a_file_of_the_first_edition_is_read_and_continued():
    old = {
        "01_contract_basics": {"q1": {"attempts": 4, "correct": True}},
        "06_sessions": {"q2": {"attempts": 1, "correct": False}},
        "99_a_chapter_that_is_gone": {"q1": {"attempts": 1, "correct": True}},
    }
    progress.path().write_text(json.dumps(old, indent=1, sort_keys=True), encoding="utf-8")
    table = progress.page().table
    assert table.loc["01_contract_basics", "solved"] == 1
    assert table.loc["06_sessions", "solved"] == 0
    q4.check(q4.right)
    store.note("01_contract_basics", "g1", low=1.0, high=2.0)
    kept = progress.read()
    assert kept["01_contract_basics"].pop("q4") == {"attempts": 1, "correct": True}
    assert kept["01_contract_basics"].pop("g1") == {"low": 1.0, "high": 2.0}
    assert kept == old
    assert store.take_notice() == ""


@pytest.mark.parametrize(
    "damaged",
    [b'{"01_contract', b"", b"[1, 2]", b'{"01": 3}', b'{"01": {"q1": 1}}', b"\xff\xfe\x00"],
)
def test_a_damaged_file_is_set_aside_and_said(damaged):
    progress.path().write_bytes(damaged)
    reply = q1.check(q1.reference(**q1.numbers))
    assert reply.state == base.CORRECT
    (kept,) = [path for path in progress.home().iterdir() if path.name != "progress.json"]
    assert kept.read_bytes() == damaged
    assert f"damaged and can't be read; it is kept as {kept.name}" in reply.text
    assert progress.read() == {"01_contract_basics": {"q1": {"attempts": 1, "correct": True}}}
    assert "damaged" not in q1.check(7).text  # once is enough
    progress.path().write_bytes(damaged)
    assert "damaged" in repr(progress.page())
    progress.path().write_bytes(damaged)
    assert "damaged" in progress.page()._repr_html_()
    progress.path().write_bytes(damaged)
    assert "damaged" in progress.chapter_line("01_contract_basics")
    progress.path().write_bytes(damaged)
    assert "damaged" in checkup._progress_file()
    assert len({path.name for path in progress.home().glob("progress-damaged-*")}) == 5


def test_notes_that_are_there_stay():
    assert store.note("03", "g1", low=1.0) == {"low": 1.0}
    assert store.note("03", "g1", low=5.0, high=6.0) == {"low": 1.0, "high": 6.0}
    assert store.note("03", "g1", low=7.0) == {"low": 1.0, "high": 6.0}


def test_titles_are_those_of_the_notebooks():
    titles = {
        path.stem: re.match(r"# \d+b? · (.+)", source(markdown_cells(path)[0]))[1].strip()
        for path in PAGES
    }
    assert titles == progress.TITLES


def test_the_page_counts_links_and_leads_on():
    page = progress.page()
    assert list(page.table.columns) == ["title", "exercises", "solved", "next"]
    assert page.table["solved"].sum() == 0
    assert list(page.table.index) == sorted(progress.TITLES)
    assert repr(page).endswith("solved. Next: 00 · Start here, Q1.")
    for name in ("q1", "q2"):
        progress.record("00_start_here", name, True)
    for name in ("q1", "q2", "q3", "q4"):
        progress.record("00b_python_you_will_meet", name, True)
    progress.record("01_contract_basics", "q1", True)
    progress.record("01_contract_basics", "q2", False)
    page = progress.page()
    total = page.table["exercises"].sum()
    assert page.table.loc["01_contract_basics", ["solved", "next"]].tolist() == [1, "Q2"]
    lines = repr(page).splitlines()
    assert lines[0] == "00 · Start here                 ██████████  2 of  2"
    assert lines[-1] == f"7 of {total} solved. Next: 01 · Contract basics, Q2."
    html = page._repr_html_()
    assert '<a href="01_contract_basics.ipynb">01 · Contract basics</a>' in html
    assert html.count("<a href=") == len(progress.TITLES)
    assert "width:100%" in html
    assert f"7 of {total} solved. Next: 01" in html


def test_free_text_is_not_waited_for():
    from m2k_lessons.exercises.choose import Reflect
    from m2k_lessons.exercises.first_steps import QUESTIONS

    assert any(isinstance(question, Reflect) for question in QUESTIONS.values())
    for name, question in QUESTIONS.items():
        if not isinstance(question, Reflect):
            progress.record("04_first_steps", name, True)
    assert re.fullmatch(r"all (\d+) of \1 solved", progress.chapter_line("04_first_steps"))


def test_one_line_for_the_end_of_a_chapter():
    for name in ("q1", "q2", "q3"):
        progress.record("06_sessions", name, True)
    assert re.fullmatch(r"3 of \d+ solved, next Q4", progress.chapter_line("06_sessions"))
    with pytest.raises(ValueError, match="chapter must be one of .*06_sessions.*got 'sessions'"):
        progress.chapter_line("sessions")
