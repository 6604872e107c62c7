"""Ranges entered before a cell and scored after it; how many held, with its error."""

import math

import numpy as np
import pytest
from scipy import stats

from m2k_lessons import plots
from m2k_lessons.exercises import base, progress, store
from m2k_lessons.exercises.base import Guess, register
from m2k_lessons.exercises.calibration import Calibration, calibration, interval_score


def guess(name="g1", chapter="98_guess", **changes):
    made = Guess("How many dollars does it cost?", unit="USD", scale=20, **changes)
    register(chapter, {name: made})
    return made


def test_a_guess_is_no_question():
    assert register("98_guess", {"g1": Guess("How many?")}) == {}
    assert guess().markdown().startswith("**Predict before you run.** How many dollars")


def test_untouched_it_says_so_whatever_ran_before():
    made = guess()
    before = repr(made.guess(...))
    assert made.guess(..., 3).state == base.NOT_ATTEMPTED
    first = repr(made.compare(25))
    assert first == "○ It is 25 USD. No range was entered before, so none is scored."
    # A notebook that nobody touched shows the same when it is run again.
    assert repr(made.guess(..., ...)) == before
    assert repr(made.compare(25)) == first
    assert calibration().ranges == 0


@pytest.mark.parametrize(
    ("scale", "value", "shown"),
    [
        (15, 45.3782, "45.4"),
        (2_000, 4_295.2, "4,295"),
        (3, 9, "9"),
        (0.6, 0.981963, "0.982"),
        (1.3, -0.0498, "−0.05"),
        (250, -0.3, "0"),
    ],
)
def test_the_value_has_as_many_digits_as_the_question_deserves(scale, value, shown):
    reply = Guess("How many?", scale=scale).compare(value)
    assert reply.text.startswith(f"It is {shown}. No range")


def test_the_first_range_counts_and_is_scored():
    made = guess()
    assert "Noted: 10 to 30 USD" in made.guess(10, 30).text
    assert "10 to 30 USD, stands" in made.guess(0, 1000).text
    reply = made.compare(25)
    assert reply.state == base.CORRECT
    assert reply.text.startswith("It is 25 USD. Your range, 10 to 30 USD, held it. Score 1.00:")
    again = guess()  # after a restart of the kernel
    assert "10 to 30 USD, stands" in again.guess(1, 2).text
    assert "held it. Score 1.00" in again.compare(25).text
    assert store.read()["98_guess"]["g1"] == {"low": 10, "high": 30, "value": 25, "score": 1.0}


def test_a_miss_costs_ten_times_what_was_missed():
    made = guess()
    made.guess(10, 30)
    reply = made.compare(32)
    assert reply.state == base.UNGRADED
    assert "missed it. Score 2.00:" in reply.text
    assert "score" in store.read()["98_guess"]["g1"]


def test_a_range_after_the_value_does_not_count():
    made = guess()
    made.compare(25)
    assert "doesn't count" in made.guess(24, 26).text
    assert "No range was entered before" in made.compare(25).text
    assert calibration().ranges == 0


@pytest.mark.parametrize(
    ("low", "high", "says"),
    [
        (30, 10, "The low end, 30, lies above the high end, 10."),
        (10, 10, "a single number"),
        ("10", 30, "without the quotes"),
        ("ten", 30, "not the text 'ten'"),
        (float("nan"), 30, "not a number"),
        (10, float("inf"), "infinite"),
        (None, 30, "None"),
        (True, 30, "comparison"),
        ([1, 2], 30, "list of 2 values"),
    ],
)
def test_ends_that_make_no_range_are_explained_and_not_kept(low, high, says):
    made = guess()
    reply = made.guess(low, high)
    assert reply.state == base.WRONG
    assert reply.text.startswith("Not entered. ")
    assert says in reply.text
    assert "Noted" in made.guess(10, 30).text


def test_a_value_that_is_none_is_said():
    assert "nothing to compare with" in guess().compare(None).text


def test_one_that_belongs_to_no_chapter_keeps_nothing():
    made = Guess("How many?")
    made.guess(1, 2)
    assert "held it" in made.compare(1.5).text
    assert "stands" in made.guess(3, 4).text
    assert not progress.path().exists()


@pytest.mark.parametrize("scale", [0, -1, float("nan"), "1"])
def test_a_scale_is_above_zero(scale):
    with pytest.raises((ValueError, TypeError), match="scale must be a finite number above 0"):
        Guess("How many?", scale=scale)


def test_the_score_is_least_for_the_true_quantiles():
    """Gneiting and Raftery's propriety, on a normal variable, by integration on a fine grid."""
    probability = (np.arange(20_000) + 0.5) / 20_000
    values = stats.norm.ppf(probability)

    def expected(low, high):
        missed = np.maximum(low - values, 0) + np.maximum(values - high, 0)
        by_hand = np.mean(high - low + 10 * missed)
        assert interval_score(low, high, values[17]) == pytest.approx(
            high - low + 10 * missed[17], abs=1e-12
        )
        return by_hand

    honest = expected(stats.norm.ppf(0.1), stats.norm.ppf(0.9))
    for low, high in [(-3, 3), (-0.1, 0.1), (-1.28, 2.5), (-1.0, 1.0), (-1.6, 1.6), (0, 1.3)]:
        assert expected(low, high) > honest + 0.01
    # Mixing huge and empty ranges holds 80 % and gains nothing.
    mixed = 0.8 * expected(-5, 5) + 0.2 * expected(0, 1e-9)
    assert mixed > 2 * honest


@pytest.mark.parametrize("bad", [(3, 1, 2), ("1", 2, 3), (1, 2, float("nan"))])
def test_a_score_needs_numbers_in_order(bad):
    with pytest.raises((ValueError, TypeError), match="must be a finite number"):
        interval_score(*bad)


def test_calibration_counts_and_carries_its_error():
    values = [15, 35, 5, 30, 10]
    for number, value in enumerate(values):
        made = guess(f"g{number + 1}", chapter=f"9{number % 2}_some")
        made.guess(10, 30)
        made.compare(value)
    unanswered = guess("g9", chapter="90_some")
    unanswered.guess(1, 2)
    found = calibration()
    assert (found.ranges, found.held) == (5, 3)  # both ends belong to the range
    assert found.held_fraction == 0.6
    assert found.standard_error == pytest.approx(stats.binom(5, 0.8).std() / 5)
    assert found.p_value == pytest.approx(stats.binom(5, 0.8).cdf(3))
    scores = [(20 + 10 * miss) / 20 for miss in (0, 5, 5, 0, 0)]
    assert found.mean_score == pytest.approx(np.mean(scores))
    assert calibration("91_some").ranges == 2
    assert "Of 5 ranges meant to hold 80 %, 3 did: 60 %, where 80 ± 18 %" in found.sentence
    assert found.sentence in repr(progress.page())
    assert found.sentence in progress.page()._repr_html_()


def test_no_range_yet():
    found = calibration()
    assert (found.ranges, found.held) == (0, 0)
    assert math.isnan(found.held_fraction)
    assert math.isnan(found.standard_error)
    assert math.isnan(found.mean_score)
    assert "No range" in found.sentence
    assert "range" not in repr(progress.page())


@pytest.mark.parametrize("found", [Calibration(0, 0), Calibration(1, 1), Calibration(12, 6)])
def test_the_figure_says_in_words_what_it_shows(found, monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "show", lambda alt, figure: shown.append((alt, figure)))
    progress.draw(found)
    ((alt, figure),) = shown
    assert alt == found.sentence
    (axes,) = figure.axes
    assert axes.get_xlabel() == "ranges that held the value, %"
    texts = [text.get_text() for text in axes.texts]
    assert ("6 of 12 held" in texts) == (found.ranges == 12)
