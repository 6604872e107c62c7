"""What chapter 02 tells in words, without a number that a tag could hold."""

import itertools

import numpy as np
import pytest
from scipy.stats import t as student_t

from m2k_lessons import data
from m2k_lessons.exercises import why_trade_m2k as exercises
from m2k_lessons.explorers import why_trade_m2k as explorer


@pytest.fixture(scope="module")
def market():
    return data.load("daily")


def answers(question):
    """The right answer for everybody's numbers and for each learner's own."""
    names = list(question.given)
    choices = [[one.default, *one.others] for one in question.given.values()]
    return [
        question.reference(**dict(zip(names, values, strict=True)))
        for values in itertools.product(*choices)
    ]


def test_every_average_in_q2_is_positive_and_below_the_usual_bar():
    assert min(answers(exercises.q2)) > 0
    assert max(answers(exercises.q2)) < 2


def test_the_account_of_q5_always_needs_cash_and_gets_a_call():
    question = exercises.q5
    assert min(answers(question)) > 0
    names = list(question.given)
    choices = [[one.default, *one.others] for one in question.given.values()]
    for values in itertools.product(*choices):
        given = dict(zip(names, values, strict=True))
        left = given["number"] * given["initial_usd"] - question.reference(**given)
        assert left < given["number"] * exercises.MAINTENANCE


def test_the_falls_of_q6_are_no_rare_event_within_two_months(market):
    front, traded = market["M2K"]["close"], market["M2K_continuous"]["close"]
    deepest_pct = [
        -100 * (traded.iloc[first : first + 43] - traded.iloc[first]).min() / front.iloc[first]
        for first in range(0, len(front) - 42, 42)
    ]
    for fall_pct in answers(exercises.q6):
        assert np.mean(np.array(deepest_pct) > fall_pct) > 0.1


def test_what_the_hedge_leaves_is_mostly_the_shares_own_part(market):
    """Of a day, as loop 4 adds it up, and of a year, as it says below figure 2.4."""
    portfolio = market["portfolio"]["close"]
    index, stocks = market["small_caps"]["close"].pct_change(), portfolio.pct_change()
    own = stocks - market.truth.portfolio_beta * index
    scaled_usd = 150_000 * portfolio / portfolio.loc["2030"].iloc[-1]
    of_2031 = (scaled_usd.shift() * own).loc["2031"].std()  # grown, and with the year's luck
    assert scaled_usd.loc["2031"].mean() > 150_000
    by_truth = 150_000 * market.truth.portfolio_own_volatility / np.sqrt(252)
    # "Whole contracts, the estimated beta and the basis add next to nothing."
    assert abs(of_2031 / 754 - 1) < 0.01
    assert of_2031 > 1.1 * by_truth  # "it came out larger"
    own = own.loc["2031":]
    per_year_usd = 150_000 * own.groupby(own.index.year).sum().std()
    assert per_year_usd**2 > 0.5 * 10_366**2


def test_the_luck_of_the_hedged_years_sits_in_the_shares_own_part(market):
    truth = market.truth
    a_year = truth.futures_drift + truth.volatility_small**2 / 2 + truth.carry
    expected = truth.drift + truth.volatility_portfolio**2 / 2 - truth.portfolio_beta * a_year
    assert abs(150_000 * expected) < 500  # "where the truth has next to nothing"
    # 2.4 standard errors of nine years: "one history in twenty or thirty"
    assert 1 / 30 < 2 * student_t(8).sf(2.4) < 1 / 20


def test_nine_numbers_give_a_standard_deviation_to_a_quarter():
    assert 1 / np.sqrt(2 * 8) == pytest.approx(0.25)


def test_the_explorer_answers_as_the_text_does():
    calm, restless = (explorer.compute(100_000, 1.3, own, 0)["risk_usd"] for own in (7, 14))
    assert calm.argmin() == restless.argmin() == 11
    assert restless.min() > 1.9 * calm.min()
    assert calm[22] > calm[0]  # "no safer, only the other way round"
