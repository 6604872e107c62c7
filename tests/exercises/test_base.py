"""The kinds of question by themselves, on a small example."""

import pytest

from m2k_lessons.exercises import base, progress
from m2k_lessons.exercises.base import Compute, Given, Mistake, Reflect, register, steps


def double(x):
    return 2 * x


def example(**changes):
    question = Compute(
        "Compute twice {x}.",
        reference=double,
        given={"x": Given(3, [4, 5])},
        mistakes=[
            Mistake(lambda x: x, "That is {x} itself."),
            Mistake(lambda x: 2 * x, "never said: the same as the right answer", True),
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
    assert question.check(7).text == "Not yet. q1.hint(1) may help."
    assert question.ask().text == "Q1. Compute twice 3."
    assert question.check([6]).text == (
        "Correct. 6 it is. (It was a list of one number; it was taken out for you.)"
    )


def test_a_learner_with_numbers_of_their_own_is_asked_for_them(monkeypatch):
    monkeypatch.setenv("M2K_STUDENT", "Ada")
    question = example()
    own = question.numbers["x"]
    assert own in (4, 5)
    assert question.check().text == (
        f"Not attempted yet. Put your answer in place of the dots.\nCompute twice {own}."
    )
    assert question.check(6).text == (
        f"That is right for the printed numbers; yours are others. Compute twice {own}."
    )
    assert question.check(2 * own).state == base.CORRECT
    assert question.solution().code.startswith(f"x = {own}\n")


def test_numbers_that_would_make_a_wrong_way_right_are_never_drawn(monkeypatch):
    # 2 × 2 = 2 + 2: with 2 a learner who adds would be called right.
    question = Compute(
        "Compute the square of {x}.",
        reference=lambda x: x**2,
        given={"x": Given(3, [0, 1, 2, 5])},
        mistakes=[Mistake(lambda x: 2 * x, "Twice."), Mistake(lambda x: x, "Itself.")],
    )
    question = register("99_example", {"q2": question})["q2"]
    drawn = set()
    for number in range(40):
        monkeypatch.setenv("M2K_STUDENT", f"student {number}")
        drawn.add(question.numbers["x"])
    assert drawn == {5}


def test_an_example_counts_for_nobody():
    assert register("99_example", {"example": example()}) == {}
    question = example()
    question.chapter = ""
    question.check(6)
    assert not progress.path().exists()


def test_free_text_is_never_called_correct():
    question = register("99_example", {"q2": Reflect("Why?", model_answer="Because.")})["q2"]
    assert question.check().state == base.NOT_ATTEMPTED
    assert question.check("Because.").state == base.UNGRADED
    assert "not graded" in question.check("no idea").text
    assert question.solution().text == "A model answer: Because."
    assert not progress.path().exists()


def test_html_is_escaped_and_code_is_monospaced():
    reply = example().check("<script>alert(1)</script>")
    assert "<script>" not in reply._repr_html_()
    shown = example().solution()._repr_html_()
    assert "One way to do it:<pre><code>x = 3\n" in shown
    assert shown.count("# answer: 6") == 1


@pytest.mark.parametrize(
    ("low", "high", "step", "expected"),
    [
        (1, 3, 1, [1, 2, 3]),
        (1.0, 2.0, 0.5, [1.0, 1.5, 2.0]),
        (0.1, 0.4, 0.1, [0.1, 0.2, 0.3, 0.4]),
        (5, 5, 1, [5]),
    ],
)
def test_steps_are_numbers_as_people_write_them(low, high, step, expected):
    assert steps(low, high, step) == expected
    assert [type(value) for value in steps(low, high, step)] == [type(one) for one in expected]


@pytest.mark.parametrize(
    ("tolerance", "decimals"),
    [(0.5, 0), (0.6, 0), (0.05, 1), (0.06, 1), (0.005, 2), (0.006, 2), (0.01, 2), (0.0006, 3)],
)
def test_the_decimals_asked_for_follow_from_the_tolerance(tolerance, decimals):
    assert example(tolerance=tolerance).decimals == decimals
    assert example(tolerance=tolerance, whole=True).decimals == 0


def test_a_small_mistaken_number_is_not_taken_for_its_neighbours():
    question = example(tolerance=0.5)
    question.mistakes = [Mistake(lambda x: x / 100, "That is a hundredth.")]
    assert question._reply(0.03).text == "That is a hundredth."
    assert "hundredth" not in question._reply(0.4).text
