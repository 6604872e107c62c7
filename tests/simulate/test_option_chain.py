import dataclasses
import datetime as dt
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import simulate
from m2k_lessons.contracts import last_trading_day
from m2k_lessons.simulate.option_chain import _quotes, theoretical_prices


@pytest.fixture(scope="module")
def market():
    return simulate.option_chain("2030-01-15", seed=1)


@pytest.fixture(scope="module")
def chain(market):
    return market["chain"]


surfaces = st.fixed_dictionaries(
    {
        "volatility": st.floats(0.08, 0.5),
        "volatility_long": st.floats(0.08, 0.5),
        "skew": st.floats(-0.95, 0.95),
        "curvature": st.floats(0.1, 1.4),
        "rate": st.floats(-0.02, 0.12),
    }
)


def normal_cdf(x):
    return 0.5 * math.erfc(-x / math.sqrt(2))


def black76(forward, strike, years, rate, volatility, kind):
    """Plain Python, from the textbook, as an oracle."""
    deviation = volatility * math.sqrt(years)
    d1 = (math.log(forward / strike) + deviation**2 / 2) / deviation
    sign = 1 if kind == "call" else -1
    value = forward * normal_cdf(sign * d1) - strike * normal_cdf(sign * (d1 - deviation))
    return sign * math.exp(-rate * years) * value


def on_a_tree(forward, strike, years, rate, volatility, kind, *, early, steps=600):
    """Plain Python, one node at a time, finer than the simulator's tree."""
    step = years / steps
    up = math.exp(volatility * math.sqrt(step))
    chance = (1 - 1 / up) / (up - 1 / up)
    sign = 1 if kind == "call" else -1

    def payoff(level, ups):
        return sign * (forward * up ** (2 * ups - level) - strike)

    values = [max(payoff(steps, ups), 0.0) for ups in range(steps + 1)]
    for level in range(steps - 1, -1, -1):
        values = [
            math.exp(-rate * step) * (chance * values[ups + 1] + (1 - chance) * values[ups])
            for ups in range(level + 1)
        ]
        if early:
            values = [max(value, payoff(level, ups)) for ups, value in enumerate(values)]
    return values[0]


# ---------------------------------------------------------------- no arbitrage before rounding


@settings(max_examples=30, deadline=None)
@given(surfaces)
def test_european_prices_hold_no_static_arbitrage(market, surface):
    truth = dataclasses.replace(market.truth, **surface)
    strikes = np.arange(1200.0, 4800.0, 10.0)
    for expiry in truth.expiries:
        _, _, style, _, forward, years = expiry
        if style == "American":
            continue
        call, put = theoretical_prices(truth, expiry, strikes)
        discount = math.exp(-truth.rate * years)
        tiny = 1e-9 * forward
        assert np.allclose(call - put, discount * (forward - strikes), atol=tiny)
        assert (call >= np.maximum(discount * (forward - strikes), 0) - tiny).all()
        assert (call <= discount * forward + tiny).all()
        slopes = np.diff(call) / 10
        assert (slopes <= tiny).all(), "a call spread is worth something"
        assert (slopes >= -discount - tiny).all(), "and never more than its width"
        assert (np.diff(slopes) >= -tiny).all(), "a butterfly is worth something"


@settings(max_examples=30, deadline=None)
@given(surfaces)
def test_total_variance_grows_with_time(market, surface):
    truth = dataclasses.replace(market.truth, **surface)
    moneyness = np.exp(np.linspace(-0.7, 0.7, 29))
    times = np.array([0.005, 0.02, 0.1, 0.3, 0.45])
    total = [truth.implied_volatility(moneyness, 1.0, t) ** 2 * t for t in times]
    assert (np.diff(total, axis=0) > 0).all()


@settings(max_examples=15, deadline=None)
@given(surfaces)
def test_american_prices_hold_no_static_arbitrage(market, surface):
    truth = dataclasses.replace(market.truth, **surface)
    strikes = np.arange(1600.0, 3600.0, 40.0)
    for expiry in truth.expiries:
        _, _, style, _, forward, years = expiry
        if style == "European":
            continue
        values = theoretical_prices(truth, expiry, strikes)
        volatility = truth.implied_volatility(strikes, forward, years)
        for row, kind in enumerate(("call", "put")):
            european = [
                black76(forward, strike, years, truth.rate, one, kind)
                for strike, one in zip(strikes, volatility, strict=True)
            ]
            assert (values[row] >= np.array(european) - 1e-6).all()
            intrinsic = (forward - strikes) * (1 if kind == "call" else -1)
            # The tree is right to the finer tick.
            assert (values[row] >= intrinsic - 0.05).all()
            assert (np.diff(values[row]) * (-1 if kind == "call" else 1) >= -0.05).all()


@pytest.mark.parametrize("strike", [2000.0, 2400.0, 2700.0])
def test_american_prices_against_a_finer_tree(market, strike):
    truth = dataclasses.replace(market.truth, rate=0.05)
    expiry = truth.expiries[-1]
    _, _, _, _, forward, years = expiry
    volatility = float(truth.implied_volatility(strike, forward, years))
    values = theoretical_prices(truth, expiry, np.array([strike]))
    for row, kind in enumerate(("call", "put")):
        option = (forward, strike, years, 0.05, volatility, kind)
        exercise = on_a_tree(*option, early=True) - on_a_tree(*option, early=False)
        assert exercise > 0.05
        assert values[row, 0] - black76(*option) == pytest.approx(
            exercise, abs=0.05
        )  # the finer tick


def test_nobody_exercises_early_without_interest(market):
    truth = dataclasses.replace(market.truth, rate=0.0)
    strikes = np.array([2000.0, 2400.0, 2800.0])
    american = theoretical_prices(truth, truth.expiries[-1], strikes)
    european = theoretical_prices(
        truth, (*truth.expiries[-1][:2], "European", *truth.expiries[-1][3:]), strikes
    )
    assert np.allclose(american, european, atol=1e-9)


# ---------------------------------------------------------------- the truth can be recovered


def test_quotes_hold_the_value_that_the_truth_gives(market, chain):
    for expiry in market.truth.expiries:
        listed = chain[chain["expiry"] == expiry[0]]
        calls = listed[listed["kind"] == "call"]
        values = theoretical_prices(market.truth, expiry, calls["strike"].to_numpy())
        for row, kind in enumerate(("call", "put")):
            quotes = listed[listed["kind"] == kind]
            assert (quotes["bid"] <= values[row] + 1e-9).all()
            assert (quotes["ask"] >= values[row] - 1e-9).all()


def test_volatility_of_the_truth_is_the_one_that_prices_the_mid(market, chain):
    """Black-76 by hand on the stated volatility gives the mid, to half the spread."""
    european = chain[chain["style"] == "European"]
    assert len(european) > 100
    for row in european.itertuples():
        volatility = market.truth.implied_volatility(row.strike, row.forward, row.years)
        assert row.implied_volatility == pytest.approx(float(volatility), abs=1e-6)
        value = black76(row.forward, row.strike, row.years, 0.04, volatility, row.kind)
        assert row.bid - 1e-9 <= value <= row.ask + 1e-9


def test_skew_and_term(market):
    truth = market.truth
    low, middle, high = truth.implied_volatility(np.array([0.9, 1.0, 1.1]), 1.0, 0.25)
    assert low > middle > 0.98 * high
    assert low - middle > 0.03
    assert truth.volatility_at(1e-9) == pytest.approx(0.21, abs=1e-6)
    assert truth.volatility_at(1e3) == pytest.approx(0.23, abs=1e-4)
    level = simulate.option_chain("2030-01-15", seed=1, skew=0.0).truth
    assert level.implied_volatility(0.9, 1.0, 0.25) == pytest.approx(
        float(level.implied_volatility(1 / 0.9, 1.0, 0.25))
    )


# ---------------------------------------------------------------- the frame


def assert_sound_quotes(chain):
    for side in ("bid", "ask"):
        price = chain[side].to_numpy()
        tick = np.where(price > 5 + 1e-9, 0.10, 0.05)
        assert np.allclose(price / tick, np.rint(price / tick), atol=1e-6)
        assert (price > 0).all()
    assert (chain["ask"] > chain["bid"]).all()


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_quotes_of_any_seed_lie_on_their_ticks(market, seed):
    rng = np.random.default_rng(seed)
    for expiry in market.truth.expiries[:2]:
        assert_sound_quotes(_quotes(rng, market.truth, expiry, 10.0))


@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**9), forward=st.integers(5_000, 60_000), surface=surfaces)
def test_quotes_are_sound(seed, forward, surface):
    chain = simulate.option_chain("2030-05-01", seed, forward=forward / 10, **surface)["chain"]
    assert_sound_quotes(chain)
    assert np.allclose(chain["mid"], (chain["bid"] + chain["ask"]) / 2)
    assert (chain["strike"] % 10 == 0).all()
    assert (chain["volume"] >= 0).all()
    assert (chain["open_interest"] >= 0).all()
    assert (chain["years"] > 0).all()
    pairs = chain.groupby(["expiry", "strike"])["kind"].agg(list)
    assert pairs.map(lambda kinds: kinds == ["call", "put"]).all()
    for _, strikes in chain[chain["kind"] == "call"].groupby("expiry")["strike"]:
        assert (np.diff(strikes) == 10).all(), "no strike is missing inside an expiry"


def test_expiries(market, chain):
    listed = chain.drop_duplicates("expiry").set_index("expiry")
    assert listed["style"].to_dict() == {
        "2030-01-18": "European",
        "2030-01-25": "European",
        "2030-01-31": "European",
        "2030-03-15": "American",
        "2030-06-21": "American",
    }
    for day, row in listed[listed["style"] == "American"].iterrows():
        assert dt.date.fromisoformat(day) == last_trading_day(row["underlying"])
    # 15 January 15:00 to 18 January 16:00: three days and an hour.
    assert listed.loc["2030-01-18", "years"] == pytest.approx((3 + 1 / 24) / 365, abs=1e-8)
    assert str(chain.index[0]) == "2030-01-15 15:00:00-05:00"
    assert chain.index.name == "time"
    # June's future costs 98 days of carry more than March's: 2400 * exp(.027 * 98 / 365).
    assert listed.loc["2030-06-21", "forward"] == 2417.5


@pytest.mark.parametrize(
    "day", ["2030-03-14", "2030-03-15", "2030-06-20", "2030-12-20", "2030-11-27", "2039-12-30"]
)
def test_expiries_lie_ahead_on_any_day(day):
    market = simulate.option_chain(day, seed=1)
    for expiry, _, _, underlying, _, years in market.truth.expiries:
        assert day < expiry <= str(last_trading_day(underlying))
        assert years > 0
    styles = [expiry[2] for expiry in market.truth.expiries]
    assert sorted(styles) == ["American"] * 2 + ["European"] * 3


def test_seed_draws_liquidity_only():
    one, same, other = (simulate.option_chain("2030-01-15", seed) for seed in (1, 1, 2))
    assert one["chain"].equals(same["chain"])
    assert one.truth == same.truth
    assert not one["chain"]["open_interest"].equals(other["chain"]["open_interest"])
    assert one["chain"]["implied_volatility"].equals(other["chain"]["implied_volatility"])
    with pytest.raises(AttributeError):
        one.truth.skew = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"date": "2030-01-12"}, "date must be a trade date from 2030 to 2039, got 2030-01-12"),
        ({"date": "2026-01-15"}, "date must be a trade date from 2030 to 2039, got 2026-01-15"),
        ({"date": "soon"}, "date must be a date such as"),
        ({"seed": -1}, "seed must be a whole number at least 0, got -1"),
        ({"forward": 0}, "forward must be a finite number above 0, got 0"),
        ({"forward": 2400.03}, "must lie on RTY's tick of 0.1 points, got 2400.03"),
        ({"volatility": 0}, "volatility must be .* at least 0.01 .* got 0"),
        ({"volatility_long": 3}, "volatility_long must be .* at most 1.5, got 3"),
        ({"skew": -1}, "skew must be .* above -1.* got -1"),
        ({"curvature": 0}, "curvature must be .* above 0, got 0"),
        ({"curvature": 1.9}, "curvature must satisfy .* got 1.9 with skew -0.6"),
        ({"rate": 1}, "rate must be .* at most 0.5, got 1"),
        ({"strike_step": 0}, "strike_step must be .* at least 1 .* got 0"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.option_chain(**{"date": "2030-01-15", "seed": 1} | arguments)


def test_wrong_types():
    with pytest.raises(TypeError, match="date must be"):
        simulate.option_chain(20300115, seed=1)
    with pytest.raises(TypeError, match="forward must be"):
        simulate.option_chain("2030-01-15", seed=1, forward="2400")
