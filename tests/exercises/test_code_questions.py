"""Each code exercise is solved in two different right ways and failed in three typical ones."""

import inspect

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.exercises import base, contract_basics
from m2k_lessons.exercises.base import Write
from m2k_lessons.exercises.code import _outcomes
from m2k_lessons.exercises.outcomes import difference
from tests.exercises import checks
from tests.notebooks.lessons import LESSONS, code_cells, source

M2K = contract_basics.M2K

# ---------------------------------------------------------------- 01 q7


def balance_from_the_opening(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * M2K.multiplier * number


def balance_evening_by_evening(settlements, bought, number, deposit_usd):
    balance, before, balances = deposit_usd, bought, []
    for price in settlements:
        balance += (price - before) * 5 * number
        before = price
        balances.append(balance)
    return pd.Series(balances, index=settlements.index)


def balance_without_the_first(settlements, bought, number, deposit_usd):
    return deposit_usd + settlements.diff().fillna(0).cumsum() * 5 * number


def balance_in_points(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * number


def balance_paid_twice(settlements, bought, number, deposit_usd):
    return deposit_usd + ((settlements - bought) * 5 * number).cumsum()


def balance_never_short(settlements, bought, number, deposit_usd):
    return deposit_usd + (settlements - bought) * 5 * abs(number)


# ---------------------------------------------------------------- 13 q8, q9


def gain_shifted(close, target):
    return (target.shift(1) * (close - close.shift(1)) * 5).fillna(0)


def gain_by_loop(close, target):
    gains = [0.0]
    for day in range(1, len(close)):
        gains.append(target.iloc[day - 1] * (close.iloc[day] - close.iloc[day - 1]) * 5)
    return pd.Series(gains, index=close.index)


def gain_unmended(close, target):
    return target * close.diff().fillna(0) * 5


def gain_of_tomorrow(close, target):
    return target.shift(-1).fillna(0) * close.diff().fillna(0) * 5


def gain_with_a_hole(close, target):
    return target.shift() * close.diff() * 5


def breakout_shift_first(close):
    highest = close.shift().rolling(20).max()
    return pd.Series(np.where(close > highest, 1.0, 0.0), index=close.index)


def breakout_by_loop(close):
    values = close.to_numpy()
    found = [
        float(day >= 20 and values[day] > values[day - 20 : day].max())
        for day in range(len(values))
    ]
    return pd.Series(found, index=close.index)


def breakout_own_close(close):
    return (close > close.rolling(20).max()).astype(float)


def breakout_of_all(close):
    return (close == close.max()).astype(float)


def breakout_tomorrow(close):
    return (close.shift(-1) > close.rolling(20).max()).astype(float)


def breakout_short(close):
    return (close > close.shift().rolling(20).max()).astype(float) * 2 - 1


# Chapter and name: right solutions, and wrong ones with a part of what they must be told.
SOLUTIONS = {
    ("contract_basics", "q7"): (
        [balance_from_the_opening, balance_evening_by_evening],
        {
            balance_without_the_first: "The first evening pays, too",
            balance_in_points: "points as dollars",
            balance_paid_twice: "again every evening",
            balance_never_short: "leave `number` its sign",
        },
    ),
    ("algorithmic_trading", "q8"): (
        [gain_shifted, gain_by_loop],
        {
            gain_unmended: "still what was printed",
            gain_of_tomorrow: "worse still",
            gain_with_a_hole: "not a missing value",
        },
    ),
    ("algorithmic_trading", "q9"): (
        [breakout_shift_first, breakout_by_loop],
        {
            breakout_own_close: "never above its highest",
            breakout_of_all: "known only after the last one",
            breakout_tomorrow: "It looks ahead",
            breakout_short: "The question wants 0",
        },
    ),
}
CODE = {
    (chapter, name): question
    for chapter, questions in checks.chapters().items()
    for name, question in questions.items()
    if isinstance(question, Write)
}
every_code_question = pytest.mark.parametrize("key", CODE, ids="-".join)


def test_each_code_question_has_its_solutions_here():
    assert set(SOLUTIONS) == set(CODE)
    for right, wrong in SOLUTIONS.values():
        assert len(right) >= 2
        assert len(wrong) >= 3


def problems(question, right, wrong) -> list[str]:
    """What is wrong with the verdicts of a code question; an empty list when nothing is."""
    found = []
    for function in [question.reference, *right]:
        reply = question._reply(function)
        if reply.state != base.CORRECT:
            found.append(f"{function.__name__}: {reply}")
    for function, says in wrong.items():
        reply = question._reply(function)
        if reply.state != base.WRONG or says not in reply.text:
            found.append(f"{function.__name__}: {reply}")
    return found


@every_code_question
def test_right_solutions_are_right_and_wrong_ones_are_told_why(key):
    assert not problems(CODE[key], *SOLUTIONS[key])


@every_code_question
@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("_apart", lambda self, mine, right: None),
        ("_apart", lambda self, mine, right: ("it differs", None)),
        ("_known", lambda self, outcomes, expected, wrong: ""),
    ],
    ids=["all functions right", "no function right", "no mistake known"],
)
def test_these_tests_notice_a_broken_checker(key, name, broken, monkeypatch):
    monkeypatch.setattr(Write, name, broken)
    assert problems(CODE[key], *SOLUTIONS[key])


@every_code_question
def test_every_known_mistake_is_told_its_own_sentence(key):
    """The versions are run here; how a learner's own function is run is tested in test_code."""
    question = CODE[key]
    right = _outcomes(question.reference, question.cases)
    for mistake in question.mistakes:
        version = _outcomes(mistake.answer, question.cases)
        wrong = [
            number
            for number, (mine, theirs) in enumerate(zip(version, right, strict=True))
            if difference(mine, theirs, question.tolerance)
        ]
        assert wrong, f"{mistake.says!r} is right"
        found = {"outcomes": version, "printed": "", "lookahead": ""}
        assert mistake.says in question._verdict(found, {}).text


@every_code_question
def test_the_printed_solution_is_the_reference_under_the_learners_name(key):
    question = CODE[key]
    code = question.solution().code
    assert code.startswith(f"def {question.called}(")
    names = dict(question.reference.__globals__)
    exec(code, names)
    right = _outcomes(question.reference, question.cases)
    for mine, theirs in zip(_outcomes(names[question.called], question.cases), right, strict=True):
        assert difference(mine, theirs, 0.0) is None
    assert (
        f"`{question.called}({', '.join(inspect.signature(question.reference).parameters)})`"
        in (question.ask_text)
    )
    assert len(question.cases) >= 3, "an ordinary data set and edge cases"
    hints = {question.hint(n + 1).text for n in range(len(question.hints))}
    assert len(hints) == len(question.hints) >= 2
    assert "no more hints" in question.hint(len(question.hints) + 1).text


@every_code_question
def test_the_cell_stands_untouched_in_the_notebook(key):
    chapter, _ = key
    (path,) = [path for path in LESSONS if path.stem.split("_", 1)[1] == chapter]
    assert CODE[key].cell() in [source(cell) for cell in code_cells(path)]
