"""What five people type for one answer gets the right verdict, or a sentence that mends it."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest

from m2k_lessons.exercises import base, reading
from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, register


def _value(price):
    return price * 1.0


def question(price=2415.0, **changes):
    made = Compute(
        "Compute the price.",
        reference=_value,
        given={"price": Given(price, [1.0])},
        mistakes=[
            Mistake(lambda price: 5 * price, "Those are dollars."),
            Mistake(lambda price: price / 50, "That is a fiftieth."),
        ],
        hints=["It is {price}."],
        **changes,
    )
    return register("99_reading", {"q1": made})["q1"]


RIGHT = {
    "a float": 2415.0,
    "an int": 2415,
    "a NumPy float": np.float64(2415.0),
    "a NumPy int": np.int64(2415),
    "a float of 32 bits": np.float32(2415.0),
    "a Decimal": Decimal("2415.0"),
    "a Fraction": Fraction(4830, 2),
    "an array without dimension": np.array(2415.0),
    "an array of one": np.array([2415.0]),
    "a column of one": np.array([[2415.0]]),
    "a list of one": [2415.0],
    "a tuple of one, from a comma at the end": (2415.0,),
    "a Series of one": pd.Series([2415.0]),
    "a Series of one with a date": pd.Series([2415.0], index=[pd.Timestamp("2030-01-07")]),
    "a DataFrame of one": pd.DataFrame({"close": [2415.0]}),
    "a complex number without imaginary part": 2415 + 0j,
}
MENDED = {
    "None": (None, "print"),
    "True": (True, "comparison"),
    "NumPy's True": (np.True_, "comparison"),
    "not a number": (float("nan"), "not a number"),
    "infinite": (float("inf"), "divided by zero"),
    "a missing value of pandas": (pd.NA, "missing"),
    "no time": (pd.NaT, "missing"),
    "a complex number": (3 + 4j, "root of a negative"),
    "as text": ("2415.0", "Write 2415.0, without the quotes"),
    "as text with a thousands comma": ("2,415.0", "Write 2415.0, without the quotes and the comma"),
    "with a dollar sign": ("$2415", "Write 2415, without the quotes and the unit"),
    "with its unit": ("2415 dollars", "Write 2415, without the quotes and the unit"),
    "with all of it": ("$2,415.00", "Write 2415.00, without the quotes, the comma and the unit"),
    "in per cent": ("31 %", "Write 31, without"),
    "with a typographic minus": ("−189", "Write -189, without"),
    "text with a decimal comma": ("64,5", "Write 64.5."),
    "words": ("many", "not the text 'many'"),
    "nothing as text": ("", "not the text ''"),
    "a formula as text": ("5 * 3", "not the text"),
    "a thousands comma": ((2, 415.0), "Write 2415.0, without it"),
    "a thousands comma and cents": ((5, 868.45), "Write 5868.45, without it"),
    "two thousands commas": ((1, 234, 567), "Write 1234567, without it"),
    "a decimal comma": ((64, 5), "64.5"),
    "a decimal comma and two decimals": ((64, 25), "64.25"),
    "a thousands comma inside a formula": ((2, 415.0 - 2, 427.6) * 15, "2,415.0"),
    "a whole column": (pd.Series([1.0, 2.0, 3.0]), "Series of 3 values"),
    "a list of seven": ([1, 2, 3, 4, 5, 6, 7], "list of 7 values"),
    "an array of two": (np.array([1.0, 2.0]), "an array of 2 values"),
    "an empty selection": (pd.Series([], dtype=float), "found no row"),
    "a dictionary": ({"answer": 2415.0}, "dict"),
    "a set": ({2415.0}, "set"),
    "a function": (len, "Call it"),
    "a length of time": (dt.timedelta(hours=3), "pd.Timedelta"),
    "pandas' length of time": (pd.Timedelta("3h"), "pd.Timedelta"),
    "dots in a list": ([...], "dots"),
    "a number too large": (10**400, "too large"),
    "an object": (object(), "must be a number"),
}


@pytest.mark.parametrize("form", RIGHT)
def test_a_right_answer_in_another_form_is_right(form):
    reply = question().check(RIGHT[form])
    assert reply.state == base.CORRECT, reply


@pytest.mark.parametrize("form", MENDED)
def test_what_is_no_number_yet_is_mended_in_words(form):
    answer, says = MENDED[form]
    reply = question()._reply(answer)
    assert reply.state == base.WRONG
    assert says in reply.text
    assert "one number, not 1" not in reply.text
    assert reply._repr_html_()


def test_a_wrong_number_in_another_form_is_wrong_and_its_mistake_known():
    for answer in ([12075.0], (12075.0,), pd.Series([12075.0]), np.array(12075.0)):
        reply = question()._reply(answer)
        assert reply.state == base.WRONG
        assert reply.text.startswith("Those are dollars.")


@pytest.mark.parametrize(
    ("right", "answer", "says"),
    [
        (5868.45, 5868.5, "Right, but rounded: give one decimal more."),
        (5868.47, 5868.4, "Right, but cut off instead of rounded: give one decimal more."),
        (5868.45, 5868, "Right, but rounded: give two decimals more."),
        (64.5, 65, "Right, but rounded: give two decimals more."),
        (64.5, 64, "Right, but rounded: give two decimals more."),  # a tie goes either way
        (-44.7, -45, "Right, but rounded: give two decimals more."),
        (36.66, 36, "Right, but cut off instead of rounded: give two decimals more."),
        (0.02, 0, "Right, but rounded: give two decimals more."),
        (12.346, 12.34, "Right, but cut off instead of rounded: round to the nearest."),
        (64.5, 66, "Not yet. q1.hint(1) may help."),
        (64.5, -65, "Not yet. q1.hint(1) may help."),
        (64.5, -64.5, "The size is right, the sign is not."),
        (64.5, 6450, "The digits are right, but it is 100 times as much as it should be."),
        (64.5, 6.45, "The digits are right, but it should be 10 times as much."),
    ],
)
def test_what_is_nearly_right_is_told_how(right, answer, says):
    reply = question(right)._reply(answer)
    assert (reply.state, reply.text) == (base.WRONG, says)


@pytest.mark.parametrize(
    ("right", "tolerance", "answer"),
    [
        (1.75, 0.05, 1.8),
        (1.75, 0.05, 1.7),
        (40.425, 0.005, 40.43),
        (63.75, 0.05, 63.8),
        (2400.05, 0.05, 2400.1),
        (0.1 + 0.2, 0.005, 0.3),
    ],
)
def test_a_tie_may_be_rounded_either_way(right, tolerance, answer):
    assert question(right, tolerance=tolerance)._reply(answer).state == base.CORRECT


def test_a_whole_number_is_whole():
    asked = question(4, whole=True, unit="contracts")
    assert asked.check(4.0).state == base.CORRECT
    assert asked.check(4.0 + 1e-12).state == base.CORRECT  # what a division leaves
    for answer in (4.004, 3.996, 4.4):
        assert asked.check(answer).text == "The answer is a whole number of contracts."
    assert asked.check(5).text == "Not yet. q1.hint(1) may help."


OPTIONS = {"a": "It rises.", "b": "It stays the same", "c": "It falls, because."}


@pytest.mark.parametrize(
    "answer",
    ["b", "B", " b ", "b)", "(b)", "b.", "B)", "[b]", "b:", ["b"], "It stays the same",
     "it  stays the same.", "b) It stays the same"],
)  # fmt: skip
def test_a_letter_as_people_type_it(answer):
    assert reading.read_letter(answer, OPTIONS) == "b"


@pytest.mark.parametrize(
    "answer", ["d", "", "ab", "a b", "a or b", 2, None, True, ["a", "b"], "It"]
)
def test_what_is_no_letter(answer):
    assert reading.read_letter(answer, OPTIONS) is None
    asked = Choose("What?", options=OPTIONS, right="b", feedback=dict.fromkeys(OPTIONS, "So."))
    assert asked._reply(answer).state == base.WRONG
