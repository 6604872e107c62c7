"""The learner's own copies: made once, renewed while untouched, never overwritten."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import course
from m2k_lessons.exercises import contract_basics
from tests.notebooks.lessons import FURTHER
from tools import workbook

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def lessons(tmp_path, monkeypatch):
    """Two lessons of a first edition, in a folder that a test may change."""
    folder = tmp_path / "notebooks"
    folder.mkdir()
    for name in ("01_contract_basics.ipynb", "02_why_trade_m2k.ipynb"):
        shutil.copy(ROOT / "notebooks" / name, folder / name)
    monkeypatch.setattr(workbook, "NOTEBOOKS", folder)
    monkeypatch.delenv("M2K_STUDENT", raising=False)
    return folder


def change(path, text="changed"):
    notebook = json.loads(path.read_text(encoding="utf-8"))
    notebook["cells"][1]["source"] = [text]
    path.write_text(json.dumps(notebook), encoding="utf-8")


def states(outcomes):
    return [(outcome.chapter[:2], outcome.state) for outcome in outcomes]


def sources(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return ["".join(cell["source"]) for cell in cells]


def unfolded(text):
    """A text without what folds an answer: a copy is held to its lesson word by word."""
    fold = "<details><summary><b>What it shows</b> (open it after your guess)</summary>"
    return text.replace(fold, " ").replace("</details>", " ").replace("**What it shows.**", " ")


def test_copies_have_no_outputs_and_every_text(lessons, tmp_path):
    folder = tmp_path / "workbook"
    assert states(workbook.update(folder)) == [("01", "made"), ("02", "made")]
    for lesson in lessons.glob("*.ipynb"):
        cells = json.loads((folder / lesson.name).read_text(encoding="utf-8"))["cells"]
        code = [cell for cell in cells if cell["cell_type"] == "code"]
        assert code
        assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
        words = [unfolded(text).split() for text in sources(folder / lesson.name)]
        assert words == [unfolded(text).split() for text in sources(lesson)]


def test_nothing_is_written_twice(lessons, tmp_path):
    folder = tmp_path / "workbook"
    workbook.update(folder)
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")}
    assert states(workbook.update(folder)) == [("01", "same"), ("02", "same")]
    assert {path.name: path.stat().st_mtime_ns for path in folder.glob("*.ipynb")} == before


def test_an_upgrade_renews_what_is_untouched_and_keeps_what_was_changed(lessons, tmp_path):
    folder = tmp_path / "workbook"
    workbook.update(folder)
    # A save without a change of any text: outputs and metadata of JupyterLab.
    saved = json.loads((folder / "02_why_trade_m2k.ipynb").read_text(encoding="utf-8"))
    saved["metadata"]["language_info"]["version"] = "3.11.7"
    (folder / "02_why_trade_m2k.ipynb").write_text(json.dumps(saved), encoding="utf-8")
    change(folder / "01_contract_basics.ipynb", "my own notes")
    for lesson in lessons.glob("*.ipynb"):
        change(lesson, "the new edition")
    outcomes = workbook.update(folder)
    assert states(outcomes) == [("01", "kept"), ("02", "renewed")]
    assert "my own notes" in sources(folder / "01_contract_basics.ipynb")
    assert "the new edition" in sources(folder / "02_why_trade_m2k.ipynb")
    (line,) = [line for line in workbook.told(outcomes, folder) if "01_" in line]
    assert "--renew 01" in line
    # It is said again until the reader has decided.
    assert states(workbook.update(folder)) == [("01", "kept"), ("02", "same")]
    outcomes = workbook.update(folder, names=["01"], renew=True)
    assert states(outcomes) == [("01", "renewed")]
    assert "the new edition" in sources(folder / "01_contract_basics.ipynb")
    assert "my own notes" in sources(folder / outcomes[0].set_aside)
    assert states(workbook.update(folder)) == [("01", "same"), ("02", "same")]


def test_a_second_renewal_keeps_both_versions(lessons, tmp_path):
    folder = tmp_path / "workbook"
    workbook.update(folder)
    for notes in ("first notes", "second notes"):
        change(folder / "01_contract_basics.ipynb", notes)
        workbook.update(folder, names=["01"], renew=True)
    kept = sorted(folder.glob("*.yours-*.ipynb"))
    assert [notes for path in kept for notes in sources(path) if "notes" in notes] == [
        "first notes",
        "second notes",
    ]


def test_a_file_that_is_no_notebook_is_kept(lessons, tmp_path):
    folder = tmp_path / "workbook"
    workbook.update(folder)
    (folder / "01_contract_basics.ipynb").write_text("{", encoding="utf-8")
    change(lessons / "01_contract_basics.ipynb", "the new edition")
    assert states(workbook.update(folder))[0] == ("01", "kept")
    assert (folder / "01_contract_basics.ipynb").read_text(encoding="utf-8") == "{"


def test_a_learners_numbers_stand_in_the_text_and_are_the_checkers(lessons, tmp_path, monkeypatch):
    folder = tmp_path / "ada"
    workbook.update(folder, student="Ada", names=["01"])
    cells = sources(folder / "01_contract_basics.ipynb")
    printed = contract_basics.q1.markdown()
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    own = contract_basics.q1.markdown()
    assert own != printed
    assert sum(own in cell for cell in cells) == 1
    assert not any(printed in cell for cell in cells)
    (line,) = [cell for cell in cells if "M2K_STUDENT" in cell]
    monkeypatch.delenv("M2K_STUDENT")
    names = {}
    exec(line, names)
    assert names["os"].environ["M2K_STUDENT"] == "Ada"
    # The same name makes the same workbook.
    workbook.update(tmp_path / "again", student="Ada", names=["01"])
    assert sources(tmp_path / "again" / "01_contract_basics.ipynb") == cells


def test_answers_stay_folded_under_a_guess():
    cells = [
        {"cell_type": "code", "source": ["g1.guess(..., ...)"], "outputs": [1]},
        {"cell_type": "markdown", "source": ["**What it shows.** The answer: *nine*."]},
        {"cell_type": "markdown", "source": ["## The next loop"]},
        {"cell_type": "markdown", "source": ["**What it shows.** No guess here."]},
    ]
    texts = ["".join(cell["source"]) for cell in workbook.blank({"cells": cells})["cells"]]
    assert texts[1].startswith("<details><summary>")
    assert texts[1].endswith("</details>")
    assert "\n\nThe answer: *nine*.\n\n" in texts[1]
    assert texts[3] == "**What it shows.** No guess here."


def test_each_guess_of_the_real_lessons_has_its_answer_folded(tmp_path):
    workbook.update(tmp_path)
    guesses = {}
    for path in tmp_path.glob("[01]*.ipynb"):
        texts = sources(path)
        asked = sum(bool(workbook.GUESS.search(text)) for text in texts)
        if asked:
            guesses[path.stem] = (asked, sum(text.count("<details><summary>") for text in texts))
    assert len(guesses) == 17 + len(FURTHER)
    assert {name: n for name, n in guesses.items() if n[0] != n[1]} == {}


@pytest.mark.parametrize(
    ("content", "names"),
    [
        ("name\nAda\nBo Li\n", ["Ada", "Bo Li"]),
        ("Ada\nBo Li\n", ["Ada", "Bo Li"]),
        ("\ufeffid,name\n1,Ada\n2,Émile\n\n", ["Ada", "Émile"]),
    ],
)
def test_names_of_a_class(tmp_path, content, names):
    path = tmp_path / "names.csv"
    path.write_text(content, encoding="utf-8")
    assert workbook.names_in(path) == names


@pytest.mark.parametrize(
    ("content", "message"), [("", "is empty"), ("name\nAda\nAda\n", "once, got Ada")]
)
def test_names_that_make_no_class(tmp_path, content, message):
    path = tmp_path / "names.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(SystemExit, match=message):
        workbook.names_in(path)


def test_a_workbook_for_each_of_a_class(lessons, tmp_path, capsys):
    (tmp_path / "names.csv").write_text("name\nAda\n../Bo\n", encoding="utf-8")
    options = ["--students", str(tmp_path / "names.csv"), "--chapters", "01"]
    workbook.main([*options, "--to", str(tmp_path / "handout")])
    made = sorted(path.parent.name for path in (tmp_path / "handout").rglob("*.ipynb"))
    assert made == ["Ada", "Bo"]
    assert "Ada: 1 lessons in Ada/" in capsys.readouterr().out


def test_an_unknown_chapter_is_named(lessons, tmp_path):
    with pytest.raises(SystemExit, match="no chapter begins with 77"):
        workbook.update(tmp_path / "workbook", names=["77"])


def test_lab_opens_the_learners_copy(monkeypatch):
    commands = []
    monkeypatch.setattr(course, "set_up", lambda lock: None)
    monkeypatch.setattr(course, "run", lambda *command: commands.append(command) or 0)
    course.lab()
    assert commands[0] == (ROOT / "tools" / "workbook.py",)
    assert "workbook/00_start_here.ipynb" in commands[1]
    course.lab("notebooks/03_micro_vs_standard.ipynb")
    assert "notebooks/03_micro_vs_standard.ipynb" in commands[3]
    assert "workbook/00_start_here.ipynb" not in commands[3]


def test_git_does_not_see_the_workbook(tmp_path):
    ignored = ["workbook/00_start_here.ipynb", "handout/Ada/00_start_here.ipynb"]
    command = ["git", "check-ignore", "--no-index", *ignored]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert found.stdout.split() == ignored


def test_the_task_runs_by_itself(tmp_path):
    command = [sys.executable, ROOT / "tools" / "workbook.py", "--chapters", "00", "--to", tmp_path]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("Your own copies of 2 lessons")
    assert (tmp_path / "00_start_here.ipynb").exists()
