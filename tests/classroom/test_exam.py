"""Exam papers: a teacher's questions, checked before use, and papers that give nothing away."""

import csv
import inspect
import json
import re
import subprocess
import sys

import pytest

from m2k_lessons.exercises import exam as in_class
from m2k_lessons.exercises import store
from m2k_lessons.exercises.base import (
    CORRECT,
    NOT_ATTEMPTED,
    UNGRADED,
    WRONG,
    Choose,
    Compute,
    Write,
)
from tools import notebooks
from tools.classroom import answers, exam, templates

SECRET = "a secret that is long enough"
CLASS = ["Ada Lovelace", "Bo Li", "Émile"]
HEAD = "from m2k_lessons.exercises.base import *\n"
NUMBER = (
    HEAD
    + """
def _profit(points, number):
    return points * 5 * number
q = Compute("{points} points on {number}?", reference=_profit,
    given={"points": Given(3, steps(2, 40, 3)), "number": Given(2, [3, 4])},
    mistakes=[Mistake(lambda points, number: points * number, "Those are points.")])
"""
)
CHOICE = (
    HEAD
    + """
q = Choose("Which?", options={"a": "this", "b": "that"}, right="a",
    feedback={"a": "Yes.", "b": "No."})
"""
)
FUNCTION = (
    HEAD
    + """
def _double(x):
    return 2 * x
q = Write("Write `double(x)`.", reference=_double, cases=[Case("three", lambda: (3,))],
    mistakes=[Mistake(lambda x: x + 2, "That adds.")])
"""
)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "seed.txt").write_text(SECRET, encoding="utf-8")
    (tmp_path / "names.csv").write_text("name\n" + "\n".join(CLASS), encoding="utf-8")
    return tmp_path


@pytest.fixture
def paper(files):
    exam.main(["--seed", str(files / "seed.txt"), "--students", str(files / "names.csv"),
               "--to", str(files / "may"), "--name", "may"])  # fmt: skip
    return files / "may"


def written(folder, name, text):
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


def texts(notebook):
    return "\n".join("".join(cell["source"]) for cell in notebook["cells"])


# --- the paper --------------------------------------------------------------------------------


def test_each_learner_gets_a_paper_of_her_own_and_the_same_again(paper, files):
    found = {name: notebooks.read(paper / "hand_out" / name / "may.ipynb")
             for name in ("Ada_Lovelace", "Bo_Li", "Émile")}  # fmt: skip
    assert len({texts(one) for one in found.values()}) == 3
    assert "Ada Lovelace · 60 minutes · 7 points" in texts(found["Ada_Lovelace"])
    exam.main(["--seed", str(files / "seed.txt"), "--students", str(files / "names.csv"),
               "--to", str(files / "again"), "--name", "may"])  # fmt: skip
    for path in paper.rglob("*.ipynb"):
        again = files / "again" / path.relative_to(paper)
        assert again.read_bytes() == path.read_bytes()
    (files / "seed.txt").write_text("another secret, as long", encoding="utf-8")
    exam.main(["--seed", str(files / "seed.txt"), "--students", str(files / "names.csv"),
               "--to", str(files / "other"), "--name", "may"])  # fmt: skip
    other = notebooks.read(files / "other" / "hand_out" / "Ada_Lovelace" / "may.ipynb")
    assert texts(other) != texts(found["Ada_Lovelace"])


def test_what_is_handed_out_holds_no_answer_and_runs_without_the_questions(paper):
    made, _ = exam.read(paper)
    handed = notebooks.read(paper / "hand_out" / "Ada_Lovelace" / "may.ipynb")
    text = json.dumps(handed)
    for question in made.questions("Ada Lovelace").values():
        for mistake in getattr(question, "mistakes", ()):
            assert mistake.says not in text
        if isinstance(question, Compute):
            right = question.reference(**question.numbers)
            assert f"{right:.1f}" not in text
        if isinstance(question, Write):
            assert "gap_points" in inspect.getsource(question.reference)
            assert "gap_points" not in text
        if isinstance(question, Choose):
            assert not any(says in text for says in question.feedback.values())
    assert SECRET not in text
    run = answers.run(handed)
    assert answers.errors(run) == []
    assert [said for _, said in answers.replies(run)] == ["○ Not answered yet."] * 3


def test_the_answer_edition_runs_and_its_answers_are_noted(paper):
    run = answers.run(notebooks.read(paper / "answers" / "Bo_Li" / "may.ipynb"))
    assert answers.errors(run) == []
    said = [said for _, said in answers.replies(run)]
    assert all(one.startswith("✎ Noted: ") for one in said)
    assert len(said) == 3
    assert "Known" not in texts(run)
    assert "That empties the account." in texts(run)


def test_the_key_has_every_answer(paper):
    made, learners = exam.read(paper)
    with (paper / "key.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["learner"], row["question"]) for row in rows] == [
        (name, place) for name in CLASS for place in ("q1", "q2", "q3")
    ]
    assert learners == CLASS
    for row in rows:
        question = made.questions(row["learner"])[row["question"]]
        if row["question"] == "q1":
            value = float(row["answer"].removesuffix(" points"))
            assert question._reply(value).state == CORRECT
            assert question._reply(value + 1).state == WRONG
        if row["question"] == "q3":
            assert question._reply(row["answer"]).state == CORRECT
            others = set("abcd") - {row["answer"]}
            assert {question._reply(letter).state for letter in others} == {WRONG}


def test_options_move_with_their_feedback():
    (template,) = templates.load(exam.SAMPLES / "11_cointegration.py")
    seen = set()
    for number in range(20):
        own = template.own(SECRET, f"learner {number}", "may", "q1")
        assert own.options[own.right] == template.question.options["b"]
        old = {text: letter for letter, text in template.question.options.items()}
        for letter, text in own.options.items():
            assert own.feedback[letter] == template.question.feedback[old[text]]
        seen.add(own.right)
    assert seen == set("abcd")


def test_numbers_do_not_depend_on_the_environment(monkeypatch):
    (template,) = templates.load(exam.SAMPLES / "01_margin.py")
    own = template.own(SECRET, "Ada", "may", "q1")
    printed = own._printed
    monkeypatch.setenv("M2K_STUDENT", "Bo")
    assert own.numbers == printed
    assert template.own(SECRET, "Bo", "may", "q1")._printed != printed


def test_a_few_of_each_chapter_are_drawn_by_the_secret(tmp_path):
    names = "abcdefgh"
    head, question = CHOICE.split("q = ")
    body = head + "".join(f"{name} = {question}" for name in names)
    written(tmp_path, "01_many.py", body)
    drawn = {
        secret: [one.name for one in exam.choose(tmp_path, ["01"], 3, secret)]
        for secret in ("one", "two", "three")
    }
    assert all(len(set(one)) == 3 and sorted(one) == one for one in drawn.values())
    assert len(set(map(tuple, drawn.values()))) > 1
    assert len(exam.choose(tmp_path, [], 0, "one")) == len(names)
    with pytest.raises(templates.TemplateError, match="chapter 01 has 8 questions"):
        exam.choose(tmp_path, ["01"], 9, "one")
    with pytest.raises(templates.TemplateError, match="there are questions for 01"):
        exam.choose(tmp_path, ["02"], 0, "one")


# --- questions that can't be used -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD, "holds no question"),
        (HEAD + "q = Compute(", "line 2: '\\(' was never closed"),
        (HEAD + "\nx = 1 / 0", "line 3: ZeroDivisionError"),
        (NUMBER + 'POINTS = {"p": 2}', "POINTS names 'p'"),
        (NUMBER + 'POINTS = {"q": 0}', "POINTS of 'q' must be a number above 0, got 0"),
        (NUMBER.replace("{points} points", "{point} points"), "q: the text asks for {point}"),
        (NUMBER.replace('"number": Given', '"n": Given'), r"reference takes \(points, number\)"),
        (NUMBER.replace("[3, 4]", "[]"), "given 'number' must have at least one"),
        (NUMBER.replace("steps(2, 40, 3)", "[2, 5]"), "only 4 different answers"),
        (NUMBER.replace("points * number,", "points * 5 * number,"), "gives the right answer"),
        (NUMBER.replace("return points", "return points / 0"), "stops: ZeroDivisionError"),
        (NUMBER.replace("points * 5 * number\n", "float('inf')\n"), "the answer is inf"),
        (CHOICE.replace('right="a"', 'right="c"'), "right must be one of a, b; got 'c'"),
        (CHOICE.replace(', "b": "No."', ""), "feedback must have a sentence for each"),
        (CHOICE.replace('"b": "that"', '"z": "that"'), "options must be 2 to 6"),
        (FUNCTION.replace('[Case("three", lambda: (3,))]', "[]"), "at least one data set"),
        (FUNCTION.replace("(3,)", "(2,)"), "a mistake gives the right results on every case"),
        (FUNCTION.replace("(3,)", "(None,)"), "reference stops on three: TypeError"),
        (FUNCTION.replace("_double", "double"), "reference must be called _double"),
        (HEAD + 'q = Guess("How many?")', "a Guess can't be marked"),
        (HEAD + 'q = Reflect("Why?", model_answer=" ")', "model_answer is empty"),
    ],
)  # fmt: skip
def test_a_bad_question_is_told_with_its_file_and_name(tmp_path, text, message):
    with pytest.raises(templates.TemplateError, match=f"01_bad.py.*{message}"):
        templates.load(written(tmp_path, "01_bad.py", text))


@pytest.mark.parametrize("text", [NUMBER, CHOICE, FUNCTION])
def test_the_same_questions_without_the_flaw_are_taken(tmp_path, text):
    assert [one.name for one in templates.load(written(tmp_path, "01_good.py", text))] == ["q"]


def test_a_file_without_a_chapter_is_refused(tmp_path):
    with pytest.raises(templates.TemplateError, match="must begin with its chapter's number"):
        templates.load(written(tmp_path, "margin.py", NUMBER))


def test_a_solution_that_needs_more_says_so_and_setup_gives_it(files):
    text = NUMBER.replace("points * 5", "points * fact('fee') * 5")
    text = text.replace("import *\n", "import *\nfact = {'fee': 1}.get\n")
    written(files / "mine", "01_more.py", text)
    options = ["--seed", str(files / "seed.txt"), "--questions", str(files / "mine")]
    with pytest.raises(SystemExit) as stopped:
        exam.main([*options, "--to", str(files / "one")])
    assert "01_more.py, q: its solution stops in the notebook: NameError" in str(stopped.value)
    assert not (files / "one").exists()
    written(files / "mine", "01_more.py", text + "SETUP = \"fact = {'fee': 1}.get\"\n")
    exam.main([*options, "--to", str(files / "one")])
    first = notebooks.read(files / "one" / "hand_out" / "exam.ipynb")["cells"][1]
    assert "fact = {'fee': 1}.get" in "".join(first["source"])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "--seed must name a text file"),
        (["--seed", "nowhere.txt"], "--seed must name a text file with a secret in it, got nowh"),
        (["--seed", "SHORT"], "at least 12 characters, got 5"),
        (["--seed", "SEED", "--questions", "nowhere"], "--questions must be a folder"),
        (["--seed", "SEED", "--name", "../x"], "--name must be letters"),
        (["--seed", "SEED", "--each", "-1"], "--each must be at least 0"),
        (["--seed", "SEED", "77"], "chapter 77 has 0 questions"),
        (["--seed", "SEED", "--students", "TWICE"], "two learners would get the same folder"),
        (["--mark", "."], "has no paper.json"),
    ],
)
def test_bad_options_are_told(files, options, message):
    (files / "short.txt").write_text("short", encoding="utf-8")
    (files / "twice.csv").write_text("name\nBo Li\nBo_Li\n", encoding="utf-8")
    known = {"SEED": files / "seed.txt", "SHORT": files / "short.txt", "TWICE": files / "twice.csv"}
    given = [str(known.get(option, option)) for option in options]
    with pytest.raises(SystemExit) as stopped:
        exam.main([*given, "--to", str(files / "new")])
    assert message in str(stopped.value)
    assert not (files / "new").exists()


def test_a_paper_is_never_overwritten(paper, files):
    before = {path: path.read_bytes() for path in paper.rglob("*") if path.is_file()}
    with pytest.raises(SystemExit, match="holds a paper already"):
        exam.main(["--seed", str(files / "seed.txt"), "--to", str(paper)])
    assert {path: path.read_bytes() for path in paper.rglob("*") if path.is_file()} == before


# --- what a learner meets ---------------------------------------------------------------------


def double(x):
    return 2 * x


def untouched(x): ...


def test_answers_are_noted_or_told_what_keeps_them_from_it(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path))
    kinds = ("number", "choice abc", "function double(x)", "text")
    number, choice, function, text = in_class.questions("may", *kinds)
    for question, given, state, says in [
        (number, ..., NOT_ATTEMPTED, "Not answered yet."),
        (number, 1_234.5, UNGRADED, "Noted: 1,234.5. The last answer counts."),
        (number, [3], UNGRADED, "Noted: 3"),
        (number, "1,5", UNGRADED, "Not noted. "),
        (number, None, UNGRADED, "Not noted. The answer is None"),
        (choice, "B)", UNGRADED, 'Noted: "b".'),
        (choice, "d", UNGRADED, "Not noted. The answer must be one of"),
        (function, untouched, NOT_ATTEMPTED, "Not answered yet."),
        (function, double, UNGRADED, "Noted: the function `double`"),
        (function, lambda: 1, UNGRADED, "Not noted. Your function is called with 1 arguments"),
        (function, 4, UNGRADED, "Not noted. That is an int."),
        (text, "Two words", UNGRADED, "Noted: 2 words."),
        (text, " ", UNGRADED, "Not noted. A sentence"),
    ]:
        reply = question.check(given)
        assert (reply.state, says in reply.text) == (state, True), reply
    for question in (number, choice, function, text):
        assert "no hints" in question.hint(1).text
        assert "no solutions" in question.solution().text
    assert store.read() == {}


@pytest.mark.parametrize("kind", ["numbers", "choice", "choice a1", "function f", "function (x)"])
def test_an_unknown_kind_is_told(kind):
    with pytest.raises(ValueError, match=re.escape(f"got {kind!r}")):
        in_class.questions("may", kind)


def test_the_task_builds_a_paper(files):
    command = [sys.executable, exam.ROOT / "tools" / "classroom" / "exam.py", "01", "09"]
    command += ["--seed", files / "seed.txt", "--to", files / "new"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "2 questions, 6 points, papers for 1"
    assert "These are the samples" in done.stdout
    assert (files / "new" / "hand_out" / "exam.ipynb").exists()
    ignored = subprocess.run(["git", "check-ignore", "--no-index", "exam/paper.json",
                              "teaching/exam/README.md"], cwd=exam.ROOT, capture_output=True,
                             text=True)  # fmt: skip
    assert ignored.stdout.split() == ["exam/paper.json"]
