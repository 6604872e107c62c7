import datetime as dt

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.tseries.holiday import USFederalHolidayCalendar

from m2k_lessons import sessions, simulate

KINDS = ["employment", "CPI", "retail sales", "rate decision"]
SCALES = {"employment": 75.0, "CPI": 0.1, "retail sales": 0.5, "rate decision": 0.075}


@pytest.fixture(scope="module")
def decades():
    """Forty ten-year histories."""
    return [simulate.macro(months=120, seed=seed) for seed in range(40)]


def kind_of(market, name):
    releases = market["releases"]
    return releases[releases["release"] == name]


# ---------------------------------------------------------------- the truth can be recovered


@pytest.mark.parametrize("column", ["small_cap_pct", "large_cap_pct"])
@pytest.mark.parametrize("position", range(4))
def test_response_is_recovered(decades, position, column):
    misses = []
    for market in decades:
        truth = market.truth.releases[position]
        rows = kind_of(market, truth.name)
        fit = sm.OLS(rows[column], sm.add_constant(rows["surprise"])).fit()
        misses.append((fit.params.iloc[1] - getattr(truth, column)) / fit.bse.iloc[1])
    assert np.mean(np.abs(misses) < 3) >= 0.95
    assert abs(np.mean(misses)) < 4 / np.sqrt(len(misses))


def test_noise_is_as_stated(decades):
    for position, stated in enumerate(decades[0].truth.noise_pct):
        noise = []
        for market in decades:
            truth = market.truth.releases[position]
            rows = kind_of(market, truth.name)
            small = rows["small_cap_pct"] - truth.small_cap_pct * rows["surprise"]
            large = rows["large_cap_pct"] - truth.large_cap_pct * rows["surprise"]
            noise.append(np.stack([small, large]))
        noise = np.concatenate(noise, axis=1)
        assert noise[0].std() == pytest.approx(stated, rel=0.05)
        assert noise[1].std() == pytest.approx(stated * market.truth.relative_noise, rel=0.05)
        correlation = np.corrcoef(noise)[0, 1]
        assert correlation == pytest.approx(market.truth.noise_correlation, abs=0.02)


@pytest.mark.parametrize("name", KINDS)
def test_consensus_is_unbiased(decades, name):
    surprises = np.concatenate([kind_of(market, name)["surprise"] for market in decades])
    assert abs(surprises.mean()) < 4 * surprises.std() / np.sqrt(len(surprises))
    assert surprises.std() == pytest.approx(1, abs=0.08)


@pytest.mark.parametrize("name", KINDS)
def test_surprises_cannot_be_foreseen(decades, name):
    earlier, later = [], []
    for market in decades:
        surprise = kind_of(market, name)["surprise"].to_numpy()
        earlier.append(surprise[:-1])
        later.append(surprise[1:])
    earlier, later = np.concatenate(earlier), np.concatenate(later)
    assert abs(np.corrcoef(earlier, later)[0, 1]) < 4 / np.sqrt(len(earlier))


# ---------------------------------------------------------------- the figures


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**9), months=st.integers(1, 132))
def test_figures_are_consistent(seed, months):
    releases = simulate.macro(months, seed)["releases"]
    for name, rows in releases.groupby("release"):
        assert (rows["previous"].to_numpy()[1:] == rows["actual"].to_numpy()[:-1]).all()
        unexpected = rows["actual"] - rows["consensus"]
        assert np.allclose(rows["surprise"], unexpected / SCALES[name], atol=1e-4)
        digits = {"employment": 0, "rate decision": 2}.get(name, 1)
        for column in ("previous", "consensus", "actual"):
            assert (rows[column] == rows[column].round(digits)).all()
    rates = releases[releases["release"] == "rate decision"]
    assert (rates["actual"] % 0.25 == 0).all()
    assert rates["actual"].between(0.25, 7.75).all()
    assert set((rates["actual"] - rates["previous"]).round(2)) <= {-0.25, 0.0, 0.25}
    numbers = releases.select_dtypes("number").to_numpy()
    assert np.isfinite(numbers).all()
    assert not np.signbit(numbers[numbers == 0]).any(), "no minus before a zero"


# ---------------------------------------------------------------- the calendar


@pytest.fixture(scope="module")
def releases():
    return simulate.macro(months=132, seed=1)["releases"]


def test_every_release_meets_an_open_market(releases):
    assert sessions.is_open(releases.index).all()


def test_how_many(releases):
    counts = releases["release"].value_counts()
    assert counts.to_dict() == {
        "employment": 132,
        "CPI": 132,
        "retail sales": 132,
        "rate decision": 88,
    }
    per_year = releases[releases["release"] == "rate decision"].groupby(lambda t: t.year).size()
    assert (per_year == 8).all()


def test_times_of_day_hold_in_summer_and_winter(releases):
    clock = releases.index.strftime("%H:%M")
    rate = (releases["release"] == "rate decision").to_numpy()
    assert set(clock[rate]) == {"14:00"}
    assert set(clock[~rate]) == {"08:30"}
    assert len(set(releases.index.map(lambda t: t.utcoffset()))) == 2
    assert releases.index.is_monotonic_increasing
    assert releases.index.is_unique
    assert str(releases.index.tz) == "America/New_York"
    assert releases.index.name == "time"


def test_no_release_on_a_federal_holiday(releases):
    days = releases.index.tz_localize(None).normalize()
    holidays = USFederalHolidayCalendar().holidays("2030-01-01", "2040-12-31")
    assert not days.isin(holidays).any()


def test_dates_follow_their_rules(releases):
    def days_of(name):
        return [time.date() for time in releases.index[releases["release"] == name]]

    exceptions = [day for day in days_of("employment") if day.weekday() != 4 or day.day > 7]
    # New Year's Day 2038 is a Friday; 4 July is one in 2031 and 2036; Saturdays before: 2037.
    assert exceptions == [
        dt.date(2031, 7, 3),
        dt.date(2036, 7, 3),
        dt.date(2037, 7, 2),
        dt.date(2038, 1, 8),
    ]
    assert all(10 <= day.day <= 16 for day in days_of("CPI"))
    assert {day.weekday() for day in days_of("CPI") if (day.month, day.day) != (11, 12)} == {2}
    assert all(15 <= day.day <= 19 for day in days_of("retail sales"))
    assert {day.weekday() for day in days_of("rate decision")} == {2}
    assert not set(days_of("CPI")) & set(days_of("retail sales"))


def test_a_figure_is_about_the_past(releases):
    about = pd.PeriodIndex(releases["reference_period"], freq="M")
    month = releases.index.tz_localize(None).to_period("M")
    late = (month.year - about.year) * 12 + month.month - about.month
    rate = (releases["release"] == "rate decision").to_numpy()
    assert set(late[~rate]) == {1}
    assert set(late[rate]) == {0}


# ---------------------------------------------------------------- arguments


def test_same_seed_same_releases():
    one, two, other = (simulate.macro(12, seed) for seed in (3, 3, 4))
    assert one["releases"].equals(two["releases"])
    assert one.truth == two.truth
    assert not one["releases"].equals(other["releases"])
    with pytest.raises(AttributeError):
        one.truth.releases[0].small_cap_pct = 1.0


def test_a_shorter_history_begins_a_longer_one():
    short, long = (simulate.macro(months, seed=8)["releases"] for months in (6, 24))
    figures = ["release", "consensus", "actual", "surprise"]
    assert short[figures].equals(long[figures].iloc[: len(short)])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"months": 0}, "months must be a whole number at least 1 and at most 132, got 0"),
        ({"months": 133}, "months must be .* at most 132, got 133"),
        ({"months": 1.5}, "months must be a whole number.* got 1.5"),
        ({"seed": -1}, "seed must be a whole number at least 0, got -1"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.macro(**{"months": 12, "seed": 1} | arguments)


def test_wrong_types():
    with pytest.raises(TypeError, match="months must be"):
        simulate.macro("12", 1)
