"""The ways through the course fit the lessons; the pages for teachers name what is there."""

import re
from pathlib import Path

import pytest

import course
from tests.notebooks.lessons import PAGES
from tools import lesson_plans, wheels

ROOT = Path(__file__).resolve().parents[2]
TEACHING = ROOT / "teaching"
PAGE_OF = {path.stem.split("_")[0]: path for path in PAGES}


def rows(text: str) -> list[list[str]]:
    found = re.findall(r"^\| *([\d:]+) *\| *(\d+) *\| *(\S+) *\| *([^|]+?) *\|", text, re.M)
    return [list(row) for row in found]


def needed(chapter: str, parts: str) -> int:
    """Minutes that a chapter, or some of its parts, take by the lesson plan."""
    if parts == "whole":
        return lesson_plans.stated_minutes(PAGE_OF[chapter])
    steps = lesson_plans.read(lesson_plans.path_of(PAGE_OF[chapter]).read_text("utf-8")).steps
    total = 0
    for part in parts.split(", "):
        found = [step.minutes for step in steps if step.heading.startswith(part)]
        assert len(found) == 1, f"chapter {chapter} has no part {part!r}, or several"
        total += found[0]
    return total


PLANS = (TEACHING / "plans.md").read_text(encoding="utf-8")
TEN_WEEKS, TWO_DAYS = PLANS.split("## Two days")


@pytest.mark.parametrize("row", rows(PLANS), ids=lambda row: "-".join(row[:3]))
def test_each_lesson_fits_into_its_slot(row):
    _, minutes, chapter, parts = row
    if chapter != "–":
        assert needed(chapter, parts) <= int(minutes)


def test_ten_weeks_hold_every_chapter_in_order():
    lessons = rows(TEN_WEEKS)
    assert [int(row[0]) for row in lessons] == list(range(1, 21))
    chapters = [row[2] for row in lessons if row[2] != "–"]
    assert chapters == sorted(chapters)
    assert set(chapters) == {number for number in PAGE_OF if number.isdigit()}


def test_the_two_days_have_no_gap_and_no_overlap():
    days = [rows(day) for day in TWO_DAYS.split("### Second day")]
    assert [len(day) > 8 for day in days] == [True, True]
    for day in days:
        ends = None
        for clock, minutes, *_ in day:
            hour, minute = map(int, clock.split(":"))
            assert ends in (None, 60 * hour + minute), clock
            ends = 60 * hour + minute + int(minutes)
        assert ends <= 17 * 60


@pytest.mark.parametrize("path", sorted(TEACHING.glob("*.md")), ids=lambda path: path.name)
def test_links_and_tasks_exist(path):
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (path.parent / target).exists(), target
    tasks = set(course.scripts("tools")) | {"lab", "test", "lint", "bench"}
    tasks |= set(course.scripts("tools/classroom"))
    for task in re.findall(r"course\.py (\w+)", text):
        assert task in tasks or task in ("hub", "site"), task


@pytest.fixture
def stick(tmp_path, monkeypatch):
    """course.py in a folder, with or without wheels; its steps are only recorded."""
    for name in ("requirements.lock", "pyproject.toml"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "READY", tmp_path / ".venv" / "ready")
    monkeypatch.setattr(course, "WHEELS", tmp_path / "wheels")
    monkeypatch.setattr(course, "LEARNER_LOCK", tmp_path / "requirements.lock")
    monkeypatch.setattr(course, "TEST_LOCK", tmp_path / "requirements.lock")
    steps = []
    monkeypatch.setattr(course, "step", lambda label, command, *_: steps.append(command))
    return steps


def installs(steps):
    return [command for command in steps if "install" in command]


def test_with_wheels_no_installation_asks_the_network(stick, capsys):
    course.WHEELS.mkdir()
    course.set_up(course.LEARNER_LOCK)
    assert len(installs(stick)) == 2
    for command in installs(stick):
        place = command.index("--find-links")
        assert command[place - 1 : place + 2] == ["--no-index", "--find-links", course.WHEELS]
    assert "unpacks the folder wheels" in capsys.readouterr().out


def test_without_wheels_packages_are_fetched(stick, capsys):
    course.set_up(course.LEARNER_LOCK)
    assert not any("--no-index" in command for command in installs(stick))
    assert "downloads" in capsys.readouterr().out


def test_wheels_of_another_system_are_named_as_the_cause(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "LOG", tmp_path / "setup.log")
    said = "Looking in links: /stick/wheels\\nNo matching distribution (from versions: none)"
    with pytest.raises(SystemExit, match="folder wheels lacks a package") as stopped:
        course.step("fetching", [course.sys.executable, "-c", f"print('{said}'); exit(1)"])
    assert "connection to the internet" not in str(stopped.value)


def test_wheels_says_that_it_failed(stick, monkeypatch, capsys):
    course.LEARNER_LOCK.write_text("no-such-package==0 --hash=sha256:00", encoding="utf-8")
    monkeypatch.setattr(wheels.subprocess, "call", lambda command: 1)
    assert wheels.main([]) == 1
    assert "could not be fetched" in capsys.readouterr().out
