"""A class that hands in what classes hand in, and worse: each gets marks or a reason."""

import base64
import csv
import dataclasses
import io
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.exercises import base, start_here
from tests.classroom.classes import code_cell, handed_in, save, source
from tools.classroom import grade, marks, pages, sandbox, submissions, tables, values

START, PYTHON, BASICS = "00_start_here", "00b_python_you_will_meet", "01_contract_basics"
# Hostile work is run here. Without namespaces it would do what it says: then none is run.
pytestmark = pytest.mark.skipif(
    not sandbox.has_namespaces(), reason="this system forbids namespaces: nothing is marked here"
)
IMPORT = "from m2k_lessons.exercises.start_here import q1, q2"
RIGHT = start_here.q1.reference(**start_here.q1._printed)


def small(*cells, first=f"answer = {RIGHT}\nq1.check(answer)", last="q2.check('b')"):
    """A short notebook: a right answer, what a learner did in between, another right one."""
    return {"cells": [code_cell(text) for text in (IMPORT, first, *cells, last)]}


FORGED = """
import json, os
for kind in ("verdict", "check", "correct"):
    line = {"chapter": "00_start_here", "name": "q1", "what": kind, "state": "correct",
            "verdict": "correct", "values": [{"kind": "correct", "value": 1}]}
    for number in range(3, 64):
        try:
            os.write(number, (json.dumps(line) + "\\n{broken\\n[]\\n7\\n").encode())
        except OSError:
            pass
"""
EDITED = """
import pathlib, m2k_lessons
from m2k_lessons.exercises import base, choose, compute, reply
right = lambda self, *given, **named: reply.Reply("correct", "Correct.")
for kind in (base.Compute, base.Choose):
    kind._reply = kind._same = kind._is_right = right
compute.read_number = lambda answer: (70.0, "")
for path in pathlib.Path(m2k_lessons.__file__).parent.rglob("*.py"):
    try:
        path.write_text("CORRECT = WRONG = 'correct'")
    except OSError:
        pass
"""
DELETED = """
import os, shutil
# In the sandbox and nowhere else, should a test ever run it outside by mistake.
if os.getcwd() == "/tmp/work" and not os.path.exists("/etc/passwd"):
    for place in (".", "..", os.path.expanduser("~"), os.path.dirname(q1.__module__), "/"):
        shutil.rmtree(place, ignore_errors=True)
"""
FUNCTION = "from m2k_lessons.exercises.python_you_will_meet import q1, q2\n"
FORGED_OUTPUT = """
def in_dollars(points, contracts):
    import json, os, struct
    told = json.dumps({"result": {"outcomes": [], "printed": "", "lookahead": "",
                                  "verdict": "correct"}}).encode()
    for number in range(1, 64):
        try:
            os.write(number, struct.pack(">Q", len(told)) + told + b"\\n" + told + b"\\n")
        except OSError:
            pass
    return 0
"""


def of_functions(*cells):
    return {"cells": [code_cell(text) for text in (FUNCTION, *cells)]}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """All of them at once, as a teacher would: by learner, what became of each."""
    folder = tmp_path_factory.mktemp("handed-in")
    hand_in = {
        "Honest": small(),
        "Wrong": small(first="answer = 35\nq1.check(answer)", last="q2.check('a')"),
        "Loop": small("while True:\n    try:\n        while True: pass\n    except: pass"),
        "Storm": small("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        "Large": small("kept = bytearray(10 * 2**30)"),
        "Growing": small("kept = []\nwhile True: kept.append(b'x' * (len(kept) + 10**7))"),
        "Disk": small("with open('full', 'wb') as f:\n    while True: f.write(b'0' * 2**20)"),
        "Deleted": small(DELETED),
        "Edited": small(EDITED, first="1", last="q1.check(1)\nq2.check('a')"),
        "Forged": small(FORGED, first="1", last="q1.check(1)\nq2.check('c')"),
        "Exit": small("import os\nos._exit(0)"),
        "Polite": small("import sys\nsys.exit()"),
        "Flood": small("while True: print('x' * 1000)"),
        "Told": small(f"import os\nwhile True: os.write(3, b'[1]' * {10**5} + b'\\n')"),
        "Broken": "{",
        "Deep": "[" * 200_000,
        "Strange": json.dumps({"cells": [{"cell_type": "code", "source": 7}]}),
        "NoChapter": {"cells": [code_cell("1 + 1")]},
        "Many": {"cells": [*small()["cells"][:2], *(code_cell("1 + 1") for _ in range(10_000)),
                           small()["cells"][-1]]},
        "Guessing": small("for number in range(1000): q1.check(number / 2)", first="1"),
        "Asked": small("q1.hint(1), q1.hint(2)\nq1.solution()"),
        "Script<b>": small(first="q1.check('<script>alert(1)</script>')"),
    }  # fmt: skip
    for name, notebook in hand_in.items():
        text = notebook if isinstance(notebook, str) else json.dumps(notebook)
        save(folder, name, START, text)
    save(folder, "Twice", "first try", json.dumps(small()))
    save(folder, "Twice", "second try", json.dumps(small()))
    save(folder, "Both", START, json.dumps(small()))
    save(folder, "Both", f"{START} (1)", json.dumps(small(first="1")))
    with save(folder, "Huge", START, "").open("r+b") as file:
        file.truncate(200_000_000)
    (folder / "Link").mkdir()
    (folder / "Link" / f"{START}.ipynb").symlink_to("/etc/passwd")
    (folder / "Packed").mkdir()
    (folder / "Packed" / "mine.zip").write_bytes(b"PK")
    (folder / f"Flat_{START}.ipynb").write_text(json.dumps(small()))
    save(folder, "Ada Lovelace_4711_assignsubmission_file_", START, small())
    save(folder, "Own Table", START, small("answer = len(open('mine.csv').read())"))
    (folder / "Own Table" / "mine.csv").write_text("1")
    save(folder, "Functions", PYTHON, of_functions(
        "def in_dollars(points, contracts):\n    return points * 5 * contracts\n"
        "q1.check(in_dollars)"))  # fmt: skip
    save(folder, "Quits", PYTHON, of_functions(
        "def in_dollars(points, contracts):\n    import os; os._exit(0)\nq1.check(in_dollars)",
        "q2.check(lambda *a: None)"))  # fmt: skip
    save(folder, "ForgedOutput", PYTHON, of_functions(FORGED_OUTPUT + "q1.check(in_dollars)"))

    limits = sandbox.Limits(cpu_seconds=25.0, wall_seconds=200.0, memory_bytes=700 * 2**20)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "RECORD", limits)
        patch.setattr(grade, "CELL_SECONDS", 2.0)
        patch.setattr(sandbox, "LINES", 20_000)
        found = submissions.collect(folder, [])
        every = grade.grade(found, jobs=2, namespaces=True, tell=lambda line: None)
    return {result.submission.learner.name: result for result in every}


def states(result):
    return {mark.question: mark.state for mark in result.marks}


def mark_of(result, question):
    return next(mark for mark in result.marks if mark.question == question)


BOTH = {"q1": base.CORRECT, "q2": base.CORRECT}


@pytest.mark.parametrize(
    "name",
    ["Honest", "Large", "Disk", "Deleted", "Polite", "Many", "Asked", "Both", "Flat",
     "Ada Lovelace", "Own Table"],
)  # fmt: skip
def test_these_get_all_marks(results, name):
    assert states(results[name]) == BOTH
    assert results[name].stopped == ""


@pytest.mark.parametrize(
    ("name", "cell", "says"),
    [
        ("Loop", 3, "no end after 2 seconds"),
        ("Large", 3, "MemoryError"),
        ("Disk", 3, "No space left on device"),
        ("Flood", 3, "no end after 2 seconds"),
        ("Polite", 3, "SystemExit"),
    ],
)
def test_a_cell_that_stops_costs_that_cell(results, name, cell, says):
    assert states(results[name]) == BOTH
    number, text = results[name].errors[0]
    assert (number, says in text) == (cell, True)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        # A hundred copies of a process: by the time, or by the memory that each of them has.
        ("Storm", "stopped in cell 3: it took too "),
        ("Growing", "stopped in cell 3: it took too much memory"),
        ("Told", "stopped in cell 3: it wrote too much"),
        ("Exit", "crashed in cell 3"),
    ],
)
def test_a_notebook_that_ends_early_keeps_what_came_before(results, name, reason):
    assert states(results[name]) == {"q1": base.CORRECT, "q2": marks.STOPPED}
    assert results[name].stopped.startswith(reason)
    assert reason in mark_of(results[name], "q2").reply.text


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Broken", "can't be read as a notebook"),
        ("Deep", "can't be read as a notebook"),
        ("Strange", "can't be read as a notebook"),
        ("NoChapter", ""),  # the file's name tells the chapter
        ("Huge", "200 MB, and 30 are the most"),
        ("Link", "it is a link"),
        ("Packed", "unpack it"),
    ],
)
def test_what_is_no_notebook_gets_a_reason(results, name, reason):
    if reason:
        assert reason in results[name].reason
        assert results[name].marks == []
    else:
        assert set(states(results[name]).values()) == {base.NOT_ATTEMPTED}


def test_two_files_of_a_chapter_are_told_and_none_is_taken_by_chance(results):
    assert "2 files of this chapter" in results["Twice"].reason
    assert "first try.ipynb and second try.ipynb" in results["Twice"].reason
    assert results["Both"].submission.notes == (f"not looked at: {START} (1).ipynb",)


def test_verdicts_can_be_neither_edited_nor_forged(results):
    for name in ("Edited", "Forged"):
        assert states(results[name]) == {"q1": base.WRONG, "q2": base.WRONG}
    assert results["Forged"].record.unreadable > 5
    assert any("made no sense" in text for *_, text in pages._look([results["Forged"]]))


def test_of_very_many_answers_only_the_first_are_looked_at(results):
    mark = mark_of(results["Guessing"], "q1")
    assert (mark.state, mark.tries) == (base.WRONG, marks.TRIES)
    assert "More than 20 answers" in mark.reply.text


def test_hints_solutions_and_tries_are_counted(results):
    mark = mark_of(results["Asked"], "q1")
    assert (mark.hints, mark.solution_seen, mark.tries) == (2, True, 1)
    assert not mark_of(results["Honest"], "q1").solution_seen


def test_a_known_mistake_has_its_name(results):
    mark = mark_of(results["Wrong"], "q1")
    assert mark.mistake == "That is one contract. There are 2."
    assert mark_of(results["Wrong"], "q2").mistake.startswith("a) they are the prices")


def test_functions_run_in_a_second_sandbox(results):
    assert mark_of(results["Functions"], "q1").state == base.CORRECT
    quits = mark_of(results["Quits"], "q1")
    assert "ended Python itself on ten points" in quits.reply.text
    assert quits.mistake == "ended Python, or took all memory"
    assert mark_of(results["Quits"], "q2").state == base.WRONG
    assert mark_of(results["ForgedOutput"], "q1").state == base.WRONG


def test_pages_are_whole_and_escaped(results, tmp_path):
    every = list(results.values())
    known = [submissions.Learner("Honest"), submissions.Learner("Absent")]
    grade.write(every, known, tmp_path, grade.SAFE, "nbgrader")
    index = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert "Nothing came from: Absent." in index
    assert "crashed in cell 3" in index
    own = (tmp_path / "learners" / "Script_b.html").read_text(encoding="utf-8")
    for text in (index, own):
        assert "<script" not in text
        assert "Script<b>" not in text
        assert "http" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in own
    assert {path.stem for path in (tmp_path / "learners").iterdir()} == {
        result.submission.learner.folder for result in every
    }
    rows = list(csv.DictReader(io.StringIO((tmp_path / "marks.csv").read_text("utf-8"))))
    assert {row["learner"] for row in rows} == {*results, "Absent"}
    (points,) = [row for row in csv.DictReader(io.StringIO((tmp_path / "nbgrader.csv").read_text()))
                 if row["student_id"] == "Honest"]  # fmt: skip
    assert (float(points["score"]), float(points["max_score"])) == (2, 2)


# ------------------------------------------------- a class with its own numbers, by the command

NAMES = ("Ada", "../../Bo Li", "Cy", "Dee")


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    """The command as a teacher gives it: two honest learners, one crash, one copied notebook."""
    folder = tmp_path_factory.mktemp("class")
    lines = [f"{name},{number},{number}@school" for number, name in enumerate(NAMES)]
    (folder / "names.csv").write_text("\n".join(["name,id,email", *lines, "Eve,9,"]))
    came = folder / "in"

    def text_and_exit(cells):
        number = next(n for n, cell in enumerate(cells) if "q5.check(" in source(cell))
        cells.insert(number, code_cell("import os\nos._exit(1)"))

    save(came, "Ada", BASICS, handed_in(BASICS, "Ada", wrong=["q1", "q7"]))
    save(came, "Bo_Li", BASICS, handed_in(BASICS, "../../Bo Li"))
    save(came, "Cy", BASICS, handed_in(BASICS, "Ada"))
    save(came, "Dee", BASICS, handed_in(BASICS, "Dee", change=text_and_exit))
    (came / "Ada" / "progress.json").write_text(json.dumps({BASICS: {"q1": {"attempts": 4}}}))
    command = [sys.executable, grade.__file__, came, "--students", folder / "names.csv",
               "--export", "moodle", "--to", folder / "marks"]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = csv.DictReader(io.StringIO((folder / "marks" / "marks.csv").read_text("utf-8")))
    return folder, done.stdout, list(rows)


def of(rows, learner, key="state"):
    return {row["question"]: row[key] for row in rows if row["learner"] == learner}


def test_marks_equal_the_checks_run_by_hand(marked, monkeypatch):
    folder, _, rows = marked
    monkeypatch.setenv("M2K_HOME", str(folder))
    page = (folder / "marks" / "learners" / "Ada.html").read_text(encoding="utf-8")
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    compared = 0
    for name, question in marks.named(BASICS).items():
        row = next(row for row in rows if (row["learner"], row["question"]) == ("Ada", name))
        if isinstance(question, base.Compute):
            way = question.mistakes[0].answer if name == "q1" else question.reference
            reply = question._reply(way(**question.numbers))
        elif isinstance(question, base.Choose):
            reply = question._reply(question.right)
        elif isinstance(question, base.Write):
            names = {}
            exec("def wrong(settlements, bought, number, deposit_usd):\n    return 12345.0", names)
            found = {"kind": "number", "values": [12345.0]}
            outcomes = {"outcomes": [found] * len(question.cases), "printed": "", "lookahead": ""}
            reply = question._verdict(outcomes, {})
        else:
            continue
        compared += 1
        assert row["state"] == reply.state
        assert reply._repr_html_() in page
    assert compared == 8


def test_a_class_by_the_command(marked):
    folder, said, rows = marked
    assert "Ada: 01_contract_basics: 6 of 8 solved" in said
    assert set(of(rows, "../../Bo Li").values()) == {base.CORRECT, marks.HELD}
    assert of(rows, "Ada", "tries_in_class")["q1"] == "4"
    assert of(rows, "Eve", "reason") == {"": "nothing was handed in"}
    dee = of(rows, "Dee")
    assert (dee["q4"], dee["q5"], dee["quiz"]) == (base.CORRECT, marks.STOPPED, marks.STOPPED)
    assert {path.name for path in folder.iterdir()} == {"names.csv", "in", "marks"}
    moodle = list(csv.DictReader(io.StringIO((folder / "marks" / "moodle.csv").read_text())))
    assert [row["01 Contract basics"] for row in moodle if row["Full name"] == "Ada"] == ["75"]
    assert [row["ID number"] for row in moodle if row["Full name"] == "Dee"] == ["3"]


def test_a_copied_notebook_is_marked_with_the_learners_own_numbers(marked):
    folder, _, rows = marked
    cy = of(rows, "Cy")
    assert (cy["q4"], cy["quiz"]) == (base.CORRECT, base.CORRECT)  # the same for all
    assert list(cy.values()).count(base.WRONG) >= 3
    page = (folder / "marks" / "learners" / "Cy.html").read_text(encoding="utf-8")
    assert "The notebook was made for &#39;Ada&#39;" in page


def test_the_teachers_page_counts(marked):
    index = (marked[0] / "marks" / "index.html").read_text(encoding="utf-8")
    assert "5 learners" not in index
    assert "4 learners, 4 notebooks marked" in index
    assert "Nothing came from: Eve." in index
    assert "crashed in cell" in index
    assert "Of 7 ranges meant to hold 80 %, 7 did" in index or "Of 8 ranges" in index


# ------------------------------------------------------------- answers on their way to the parent

TYPED = [
    RIGHT, float(RIGHT), 35, "70", "70.0 USD", "7,5", None, True, ..., (2, 415), (RIGHT,),
    [RIGHT], [1, 2, 3], np.float64(RIGHT), np.int64(RIGHT), np.bool_(True), np.array([RIGHT]),
    np.array([1.0, 2.0]), np.array(RIGHT), pd.Series([RIGHT]), pd.Series([1, 2]), pd.Series([]),
    pd.DataFrame({"a": [RIGHT]}), float("nan"), float("inf"), 10**400, complex(RIGHT, 0), 1j,
    {}, {1}, len, int, pd.NA, pd.NaT, pd.Timedelta("1h"), "b", "x" * 3_000, object,
]  # fmt: skip


@pytest.mark.parametrize("answer", TYPED, ids=lambda answer: repr(answer)[:30])
def test_an_answer_is_heard_as_in_class(answer):
    brought = values.decode(json.loads(json.dumps(values.encode(answer))))
    assert start_here.q1._reply(brought).state == start_here.q1._reply(answer).state
    assert start_here.q1._reply(brought).text == start_here.q1._reply(answer).text
    assert start_here.q2._reply(brought).state == start_here.q2._reply(answer).state


class Hostile:
    def __repr__(self):
        raise SystemError

    def __float__(self):
        raise SystemError


@pytest.mark.parametrize("answer", [Hostile(), np.zeros((10**5, 2)), list(range(10**5))])
def test_an_answer_that_misbehaves_still_arrives(answer):
    brought = values.decode(json.loads(json.dumps(values.encode(answer)))) if not isinstance(
        answer, list) else values.encode(answer)  # fmt: skip
    if isinstance(answer, list):
        with pytest.raises(ValueError, match="100,000 values"):
            values.decode(brought)
    else:
        assert start_here.q1._reply(brought).state == base.WRONG


@pytest.mark.parametrize(
    "forged",
    [{}, [], 7, {"kind": "plain", "value": {}}, {"kind": "list", "size": 10**12}, {"kind": []},
     {"kind": "number", "value": "x"}, {"kind": "complex", "value": [1]}, {"kind": "eval"}],
)  # fmt: skip
def test_a_forged_answer_is_none(forged):
    line = {"chapter": START, "name": "q1", "what": "check", "values": [forged]}
    mark = marks._question(start_here.q1, [line], {})
    assert mark.state == base.WRONG


def test_a_forged_function_is_not_unpickled_here():
    """Only the judging sandbox opens what a function refers to."""
    question = marks.named(BASICS)["q7"]
    bomb = base64.b64encode(b"cos\nsystem\n(S'touch /tmp/opened'\ntR.").decode()
    packed = dict.fromkeys(marks.FUNCTION_KEYS, "") | {"values": {"x": bomb}, "left_behind": {}}
    line = {"chapter": BASICS, "name": "q7", "what": "check", "function": packed}
    record = marks.read_record(sandbox.Ended(said=[line]), BASICS)
    ((key, job, _),) = marks.functions(record, BASICS)
    assert job["values"]["x"] == bomb
    for result in (None, {}, {"result": 7}, {"result": {"outcomes": []}}, {"late": "x"}):
        mark = marks._question(question, [line], {key: result} if result is not None else {})
        assert mark.state == base.WRONG


def test_a_spreadsheet_takes_no_answer_for_a_formula():
    result = pages.Result(submissions.Submission(submissions.Learner("A"), None, START))
    mark = marks.Mark("q1", base.WRONG, base.Reply(base.WRONG, ""), answer="=cmd|' /C calc'!A0")
    result.marks = [mark, dataclasses.replace(mark, answer="-5.5")]
    rows = list(csv.DictReader(io.StringIO(tables.marks([result], []))))
    assert [row["answer"] for row in rows] == ["'=cmd|' /C calc'!A0", "-5.5"]


def test_the_course_must_not_change_meanwhile(monkeypatch):
    prints = iter([{"a": (1, 2)}, {"a": (1, 3)}])
    monkeypatch.setattr(grade, "fingerprint", lambda: next(prints))
    with pytest.raises(RuntimeError, match="own files have changed"):
        grade.grade([], jobs=1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(["nowhere"], "FOLDER must be a folder"), ([".", "--jobs", "0"], "--jobs must be at least 1")],
)
def test_what_the_command_can_not_do_is_said(arguments, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=says):
        grade.main(arguments)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(SystemExit, match="has none"):
        grade.main([str(tmp_path)])
