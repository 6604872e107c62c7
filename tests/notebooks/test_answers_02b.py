"""What lesson 02b tells in words, without a number that a tag could hold."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from m2k_lessons import data
from m2k_lessons.exercises import further_estimates as exercises


@pytest.fixture(scope="module")
def truth():
    return data.load("daily").truth


def test_ten_percent_up_and_ten_percent_down():
    assert pytest.approx(99) == 110 * 0.9
    assert -np.log(0.99) / 2 == pytest.approx(0.1**2 / 2, rel=0.02)


def test_the_waiting_years_from_the_normal_distribution(truth):
    """Half of the histories stand out after 87 years, eight of ten after about 175."""
    gain = truth.futures_drift + truth.volatility_small**2 / 2

    def power(years):
        return norm.sf(2 - gain * np.sqrt(years) / truth.volatility_small)

    assert power(87) == pytest.approx(0.5, abs=0.01)
    assert power(175) == pytest.approx(0.8, abs=0.01)
    assert power(10) < 0.15
    assert norm.sf(2) == pytest.approx(0.023, abs=0.001)  # "about 3 %": few years have wider tails


def test_a_standard_error_is_a_third_of_a_contract():
    market = data.load("daily")
    index = market["small_caps"]["close"].pct_change().loc["2030":]
    stocks = market["portfolio"]["close"].pct_change().loc["2030":]
    for year in range(2030, 2040):
        x, y = (one.loc[str(year)].dropna() for one in (index, stocks))
        slope, error = np.polyfit(x, y, 1, cov=True)
        beta, one_error = slope[0], np.sqrt(error[0, 0])
        assert abs(beta - market.truth.portfolio_beta) < 2 * one_error  # "each holds the truth"
    x, y = (one.loc["2030"].dropna() for one in (index, stocks))
    one_error = np.sqrt(np.polyfit(x, y, 1, cov=True)[1][0, 0])
    assert one_error * 150_000 / 12_000 == pytest.approx(1 / 3, abs=0.03)


def test_the_average_hangs_on_first_and_last_price():
    close = data.load("daily")["small_caps"]["close"]
    assert np.log(close).diff().sum() == pytest.approx(np.log(close.iloc[-1] / close.iloc[0]))


def test_seventy_years_of_quiet_pieces():
    assert pytest.approx(70, abs=2) == 300 * 60 / 252


def test_the_years_of_q2_are_a_long_wait():
    names, choices = zip(*exercises.q2.given.items(), strict=True)
    values = itertools.product(*([one.default, *one.others] for one in choices))
    assert min(exercises.q2.reference(**dict(zip(names, one, strict=True))) for one in values) > 10
