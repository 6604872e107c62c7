"""Every checker is fed the solution, the placeholder and its typical wrong answers."""

import builtins
import importlib
import json
import pkgutil

import numpy as np
import pytest

from m2k_lessons import exercises
from m2k_lessons.exercises import base, progress
from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, Reflect, register

CHAPTERS = [
    module.name
    for module in pkgutil.iter_modules(exercises.__path__)
    if module.name not in ("base", "progress")
]
QUESTIONS = [
    pytest.param(question, id=f"{question.chapter}.{question.name}")
    for chapter in CHAPTERS
    for question in importlib.import_module(f"m2k_lessons.exercises.{chapter}").QUESTIONS.values()
]
COMPUTE = [one for one in QUESTIONS if isinstance(one.values[0], Compute)]
CHOOSE = [one for one in QUESTIONS if isinstance(one.values[0], Choose)]
STUDENTS = ["", "Ada", "Emmy", "Maryam", "Sofia"]


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path))
    monkeypatch.delenv("M2K_STUDENT", raising=False)


# ---------------------------------------------------------------- the chapters' questions


@pytest.mark.parametrize("question", QUESTIONS)
def test_an_untouched_question_says_so_and_records_nothing(question):
    assert question.check().state == base.NOT_ATTEMPTED
    assert question.check(...).state == base.NOT_ATTEMPTED
    assert not progress.path().exists()


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("question", COMPUTE)
def test_the_solution_is_right_for_every_learner(question, student, monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", student)
    right = question.reference(**question.numbers)
    assert np.all(np.isfinite(right))
    assert question.check(right).state == base.CORRECT
    assert progress.read()[question.chapter][question.name]["correct"]


@pytest.mark.parametrize("question", COMPUTE)
def test_two_typical_mistakes_get_their_own_sentence(question):
    replies = set()
    right = question.reference(**question.numbers)
    for mistake in question.mistakes:
        wrong = mistake.answer(**question.numbers)
        if question._same(wrong, right):
            continue
        reply = question.check(wrong)
        assert reply.state == base.WRONG, mistake.says
        replies.add(reply.text)
    assert len(replies) >= 2, "at least two mistakes must be told apart for everyone's numbers"


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("question", COMPUTE)
def test_no_mistake_is_called_right(question, student, monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", student)
    right = question.reference(**question.numbers)
    for mistake in question.mistakes:
        wrong = mistake.answer(**question.numbers)
        assert (question.check(wrong).state == base.CORRECT) == question._same(wrong, right)


@pytest.mark.parametrize("question", COMPUTE)
def test_nonsense_is_answered_kindly(question):
    for nonsense in ("many", None, [1, 2, 3, 4, 5, 6, 7], float("nan"), float("inf"), {}):
        reply = question.check(nonsense)
        assert reply.state == base.WRONG
        assert len(reply.text) > 15


@pytest.mark.parametrize("student", STUDENTS)
@pytest.mark.parametrize("question", COMPUTE)
def test_the_printed_solution_runs_and_is_right(question, student, monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", student)
    printed = question.solution().text
    code = printed.split("\n", 1)[1]
    names = dict(question.reference.__globals__)
    exec(code, names)
    assert question.check(names["answer"]).state == base.CORRECT


@pytest.mark.parametrize("question", COMPUTE)
def test_a_solution_takes_no_name_that_others_need(question):
    taken = [*dir(builtins), "contracts", "data", "facts", "plots", "sessions", "np", "pd"]
    assert not set(question.given) & set(taken)


def test_an_example_counts_for_nobody():
    question = register("99_example", {"example": example()})
    assert question == {}


@pytest.mark.parametrize("question", QUESTIONS)
def test_hints_ask_and_markdown_can_be_shown(question, monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    for one in (question.ask(), question.solution(), question.hint(1)):
        assert "{" not in one.text.replace("{'", "")
        assert one._repr_html_().startswith('<div class="mathjax_ignore"')
    assert question.markdown().startswith("**Q")
    if isinstance(question, Compute):
        hints = [question.hint(n + 1).text for n in range(len(question.hints))]
        assert len(set(hints)) == len(hints) >= 1
        assert "no more hints" in question.hint(len(question.hints) + 1).text
        with pytest.raises(ValueError, match="n must be a whole number at least 1, got 0"):
            question.hint(0)


@pytest.mark.parametrize("question", COMPUTE)
def test_a_learner_gets_numbers_of_their_own(question, monkeypatch):
    everyones = question.numbers
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    assert question.numbers == question.numbers
    for name, value in question.numbers.items():
        assert value in [*question.given[name].others, everyones[name]]


@pytest.mark.parametrize("question", CHOOSE)
def test_choices(question):
    assert question.check(question.right).state == base.CORRECT
    assert question.check(f" {question.right.upper()} ").state == base.CORRECT
    wrong = [letter for letter in question.options if letter != question.right]
    assert len(wrong) >= 2
    replies = {question.check(letter).text for letter in wrong}
    assert len(replies) == len(wrong), "each wrong option has feedback of its own"
    assert all(question.check(letter).state == base.WRONG for letter in wrong)
    for nonsense in ("z", 1, None, ["a"], ""):
        assert question.check(nonsense).state == base.WRONG
    assert set(question.feedback) == set(question.options)
    assert "no more hints" in question.hint(2).text


# ---------------------------------------------------------------- the base itself


def double(x):
    return 2 * x


def example(**changes):
    question = Compute(
        "Compute twice {x}.",
        reference=double,
        given={"x": Given(3, [4, 5])},
        mistakes=[
            Mistake(lambda x: x, "That is {x} itself."),
            Mistake(lambda x: 2 * x, "never said: the same as the right answer"),
        ],
        hints=["Add {x} to itself."],
        well_done="{answer} it is.",
        **changes,
    )
    return register("99_example", {"q1": question})["q1"]


def test_replies():
    question = example()
    assert repr(question.check(6)) == "✓ Correct. 6 it is."
    assert repr(question.check(3)) == "✗ That is 3 itself."
    assert question.check(-6).text == "The size is right, the sign is not."
    assert question.check(7).text == "Not yet. q1.hint(1) may help."
    assert question.check([6]).text == "The answer must be one number, not 1."
    assert question.ask().text == "Q1. Compute twice 3."


def test_tolerance_and_whole_numbers():
    assert example(tolerance=0.5).check(6.4).state == base.CORRECT
    assert example(tolerance=0.5).check(6.6).state == base.WRONG
    reply = example(whole=True, unit="contracts").check(6.2)
    assert reply.text == "The answer is a whole number of contracts."


def test_free_text_is_never_called_correct():
    question = register("99_example", {"q2": Reflect("Why?", model_answer="Because.")})["q2"]
    assert question.check().state == base.NOT_ATTEMPTED
    assert question.check("Because.").state == base.UNGRADED
    assert "not graded" in question.check("no idea").text
    assert question.solution().text == "A model answer: Because."
    assert not progress.path().exists()


def test_html_is_escaped():
    reply = example().check("<script>alert(1)</script>")
    assert "<script>" not in reply._repr_html_()


# ---------------------------------------------------------------- progress


def test_progress_is_kept_and_survives():
    question = example()
    question.check(7)
    question.check(6)
    question.check(7)
    assert progress.read() == {"99_example": {"q1": {"attempts": 3, "correct": True}}}
    assert [path.name for path in progress.home().iterdir()] == ["progress.json"]
    progress.reset()
    assert progress.read() == {}


def test_a_damaged_file_is_named_and_kept():
    progress.home().mkdir(exist_ok=True)
    progress.path().write_text('{"01_contract', encoding="utf-8")
    with pytest.raises(ValueError, match=r"progress.json .* must be JSON"):
        progress.record("01_contract_basics", "q1", True)
    assert progress.path().read_text(encoding="utf-8") == '{"01_contract'


def test_the_progress_page_counts_what_is_solved():
    before = progress.page()
    assert list(before.columns) == ["exercises", "solved"]
    assert before["solved"].sum() == 0
    assert before.loc["01_contract_basics", "exercises"] == 7
    progress.record("01_contract_basics", "q1", True)
    progress.record("01_contract_basics", "q2", False)
    assert progress.page().loc["01_contract_basics", "solved"] == 1
    json.loads(progress.path().read_text(encoding="utf-8"))
