import math
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from m2k_lessons import options, simulate
from m2k_lessons._util import option_pricing
from m2k_lessons.contracts import M2K, MES, RTY
from m2k_lessons.options import (
    Leg,
    american,
    black76,
    collar,
    cost_of_protection,
    covered_call,
    greeks,
    implied_volatility,
    long_call,
    option_tick,
    options_to_cover,
    parity_gap,
    payoff,
    premium_usd,
    profit,
    protective_put,
    value,
)

kinds = st.sampled_from(["call", "put"])
markets = st.fixed_dictionaries(
    {
        "forward": st.floats(100, 10_000),
        "years": st.floats(0, 5),
        "rate": st.floats(-0.05, 0.2),
        "volatility": st.floats(0, 2),
    }
)
moneyness = st.floats(0.2, 5)


def by_hand(forward, strike, years, rate, volatility, kind):
    """Plain Python, from the textbook."""

    def normal(x):
        return 0.5 * math.erfc(-x / math.sqrt(2))

    deviation = volatility * math.sqrt(years)
    d1 = (math.log(forward / strike) + deviation**2 / 2) / deviation
    sign = 1 if kind == "call" else -1
    undiscounted = forward * normal(sign * d1) - strike * normal(sign * (d1 - deviation))
    return sign * math.exp(-rate * years) * undiscounted


def on_a_tree(forward, strike, years, rate, volatility, kind, steps=1500):
    """American value: binomial tree of Cox, Ross and Rubinstein."""
    step = years / steps
    up = math.exp(volatility * math.sqrt(step))
    chance, discount = 1 / (1 + up), math.exp(-rate * step)
    sign = 1 if kind == "call" else -1
    values = np.zeros(steps + 1)
    for level in range(steps, -1, -1):
        exercise = sign * (forward * up ** np.arange(-level, level + 1.0, 2) - strike)
        if level < steps:
            values = discount * (chance * values[1:] + (1 - chance) * values[:-1])
        values = np.maximum(values, exercise)
    return values[0]


# --- price ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("forward", "strike", "years", "rate", "volatility", "call", "put"),
    [
        (20.0, 20.0, 4 / 12, 0.09, 0.25, 1.1166, 1.1166),
        (50.0, 45.0, 0.5, 0.08, 0.2, 5.6554, 0.8515),
    ],
)
def test_worked_numbers(forward, strike, years, rate, volatility, call, put):
    assert round(black76(forward, strike, years, rate, volatility, "call"), 4) == call
    assert round(black76(forward, strike, years, rate, volatility, "put"), 4) == put


@given(markets, moneyness, kinds)
def test_price_is_the_textbooks(market, moneyness, kind):
    assume(market["volatility"] * market["years"] > 1e-6)
    strike = market["forward"] * moneyness
    ours = black76(strike=strike, kind=kind, **market)
    assert ours == pytest.approx(
        by_hand(strike=strike, kind=kind, **market), abs=1e-12 * (strike + market["forward"])
    )


@given(markets, moneyness)
def test_parity_holds(market, moneyness):
    strike, forward = market["forward"] * moneyness, market["forward"]
    call, put = (black76(strike=strike, kind=kind, **market) for kind in ("call", "put"))
    gap = parity_gap(call, put, forward, strike, market["years"], market["rate"])
    assert abs(gap) <= 1e-11 * (strike + forward)


@given(markets, moneyness, kinds)
def test_price_lies_within_its_bounds(market, moneyness, kind):
    forward, strike = market["forward"], market["forward"] * moneyness
    discount = math.exp(-market["rate"] * market["years"])
    price = black76(strike=strike, kind=kind, **market)
    sign, highest = (1, forward) if kind == "call" else (-1, strike)
    noise = 1e-12 * (forward + strike)
    assert discount * max(sign * (forward - strike), 0) - noise <= price
    assert price <= discount * highest + noise


@given(markets, kinds)
def test_price_is_monotone_and_convex_in_strike(market, kind):
    strikes = market["forward"] * np.linspace(0.5, 2, 61)
    for model in (black76, american):
        steps = np.diff(model(strike=strikes, kind=kind, **market))
        noise = 1e-11 * market["forward"] if model is black76 else 1e-6 * market["forward"]
        assert np.all(steps <= noise if kind == "call" else steps >= -noise)
        assert np.all(np.diff(steps) >= -2 * noise)


@given(markets, moneyness, kinds)
def test_no_input_gives_nan_or_a_warning(market, moneyness, kind):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for change in ({}, {"years": 0.0}, {"volatility": 0.0}, {"years": 0, "volatility": 0}):
            for strike in (1e-9, market["forward"], market["forward"] * moneyness, 1e12):
                arguments = {**market, **change, "strike": strike, "kind": kind}
                assert not any(map(math.isnan, greeks(**arguments)))
                assert math.isfinite(american(**arguments))


@pytest.mark.parametrize("limit", [{"years": 0.0}, {"volatility": 0.0}, {"volatility": 1e-200}])
def test_limits_are_exact(limit):
    market = {"years": 0.5, "rate": 0.04, "volatility": 0.2, **limit}
    discount = math.exp(-0.04 * market["years"])
    strikes = np.array([2300.0, 2400.0, 2500.0])
    call = greeks(2400.0, strikes, kind="call", **market)
    put = greeks(2400.0, strikes, kind="put", **market)
    np.testing.assert_allclose(call.price, discount * np.array([100, 0, 0]), rtol=1e-15)
    np.testing.assert_allclose(put.price, discount * np.array([0, 0, 100]), rtol=1e-15)
    np.testing.assert_allclose(call.delta, discount * np.array([1, 0.5, 0]), rtol=1e-15)
    np.testing.assert_allclose(put.delta, -discount * np.array([0, 0.5, 1]), rtol=1e-15)
    assert call.gamma[[0, 2]].tolist() == [0, 0]
    assert call.gamma[1] > 1e100
    assert call.vega[[0, 2]].tolist() == [0, 0]
    assert american(2400.0, strikes, kind="call", **market).tolist() == [100, 0, 0]


def test_theta_at_the_money_at_expiry_is_endless():
    assert greeks(2400.0, 2400.0, 0.0, 0.04, 0.2, "put").theta == -math.inf
    assert greeks(2400.0, 2400.0, 0.0, 0.04, 0.0, "put").theta == 0


def test_deep_strikes_are_exact():
    discount = math.exp(-0.02)
    assert black76(2400.0, 1e-6, 0.5, 0.04, 0.2, "call") == discount * (2400.0 - 1e-6)
    assert black76(2400.0, 1e9, 0.5, 0.04, 0.2, "call") == 0
    assert black76(2400.0, 1e9, 0.5, 0.04, 0.2, "put") == discount * (1e9 - 2400.0)


# --- Greeks -----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["call", "put"])
@pytest.mark.parametrize(
    ("name", "argument", "unit"),
    [
        ("delta", "forward", 1),
        ("vega", "volatility", 0.01),
        ("theta", "years", -1 / 365),
        ("rho", "rate", 0.01),
    ],
)
@pytest.mark.parametrize("strike", [2000.0, 2400.0, 2900.0])
def test_greeks_are_slopes_in_their_units(name, argument, unit, strike, kind):
    at = {"forward": 2400.0, "strike": strike, "years": 0.3, "rate": 0.05, "volatility": 0.25}
    step = 1e-5 * at[argument]
    up, down = (black76(**{**at, argument: at[argument] + way}, kind=kind) for way in (step, -step))
    slope = (up - down) / (2 * step) * unit
    assert getattr(greeks(**at, kind=kind), name) == pytest.approx(slope, rel=1e-6)


def test_gamma_is_the_slope_of_delta():
    up, down = (greeks(f, 2300.0, 0.3, 0.05, 0.25, "put").delta for f in (2400.01, 2399.99))
    gamma = greeks(2400.0, 2300.0, 0.3, 0.05, 0.25, "put").gamma
    assert gamma == pytest.approx((up - down) / 0.02, rel=1e-6)


# --- implied volatility -----------------------------------------------------------------------


@given(markets, moneyness, kinds)
@settings(max_examples=300)
def test_implied_volatility_inverts_the_price(market, moneyness, kind):
    years, volatility = market["years"], market["volatility"]
    assume(years > 1 / 365 / 24)
    forward, strike = market["forward"], market["forward"] * moneyness
    discount = math.exp(-market["rate"] * years)
    price = black76(strike=strike, kind=kind, **market)
    sign, highest = (1, forward) if kind == "call" else (-1, strike)
    time_value = price - discount * max(sign * (forward - strike), 0)
    assume(time_value > 1e-6 * forward)
    assume(discount * highest - price > 1e-6 * forward)
    found = implied_volatility(price, forward, strike, years, market["rate"], kind)
    # The error that one rounding of the price makes, where it is above 1e-8.
    slope = 100 * greeks(strike=strike, kind=kind, **market).vega
    assert abs(found - volatility) <= max(1e-8, 8 * np.finfo(float).eps * (price + forward) / slope)


def test_implied_volatility_of_a_whole_surface_at_once():
    strikes = np.linspace(1600.0, 3400.0, 37)
    years = np.array([[1 / 365], [0.1], [0.5], [2.0]])
    volatility = 0.2 + (strikes / 2400 - 1) ** 2
    call = strikes > 2400
    kind = np.where(call, "call", "put")
    price = black76(2400.0, strikes, years, 0.04, volatility, kind)
    clear = price > 2400e-6
    found = implied_volatility(price, 2400.0, strikes, years, 0.04, kind, errors="coerce")
    error = np.abs(found - volatility)[clear]
    assert clear.sum() > 100
    assert error.max() < 1e-8


def test_tiny_premiums_still_converge():
    deviation = np.geomspace(0.02, 5, 200)
    price = black76(1.0, 2.0, 1.0, 0.0, deviation, "call")
    found = implied_volatility(price[price > 1e-290], 1.0, 2.0, 1.0, 0.0, "call")
    np.testing.assert_allclose(found, deviation[price > 1e-290], rtol=1e-9)


@pytest.mark.parametrize(
    ("price", "strike", "years", "kind", "reason"),
    [
        (90.0, 2300.0, 0.25, "call", "below intrinsic value"),
        (0.0, 2500.0, 0.25, "call", "no time value"),
        (math.exp(-0.01) * 100, 2300.0, 0.25, "call", "no time value"),
        (2400.0, 2300.0, 0.25, "call", "at or above the highest possible price"),
        (math.exp(-0.01) * 2300, 2300.0, 0.25, "put", "at or above the highest possible price"),
        (120.0, 2300.0, 0.0, "call", "expired"),
        (120.0, 2300.0, 0.25, "call", ""),
    ],
)
def test_implied_volatility_says_why_not(price, strike, years, kind, reason):
    arguments = (price, 2400.0, strike, years, 0.04, kind)
    if reason:
        with pytest.raises(ValueError, match=f"price must .*{reason}.*errors='coerce'"):
            implied_volatility(*arguments)
        assert math.isnan(implied_volatility(*arguments, errors="coerce"))
    else:
        assert implied_volatility(*arguments) > 0


def test_bad_prices_among_good_ones_are_counted_or_left_out():
    prices = pd.Series([120.0, 50.0, 110.0], index=list("abc"))
    arguments = (prices, 2400.0, 2300.0, 0.25, 0.04, "call")
    with pytest.raises(ValueError, match=r"got 50.0: below intrinsic value \(1 of 3 prices\)"):
        implied_volatility(*arguments)
    found = implied_volatility(*arguments, errors="coerce")
    assert found.isna().to_dict() == {"a": False, "b": True, "c": False}


def test_volatility_of_the_simulated_chain_is_within_its_quotes():
    chain = simulate.option_chain("2030-01-15", seed=1)["chain"].reset_index(drop=True)
    chain = chain[chain["style"] == "European"]
    arguments = [chain[name] for name in ("forward", "strike", "years")]
    low, high = (
        implied_volatility(chain[side], *arguments, 0.04, chain["kind"], errors="coerce")
        for side in ("bid", "ask")
    )
    both = low.notna() & high.notna()
    assert both.sum() > 100
    assert ((low <= chain["implied_volatility"]) & (chain["implied_volatility"] <= high))[
        both
    ].all()


# --- American ---------------------------------------------------------------------------------


@given(markets, moneyness, kinds)
def test_american_is_worth_no_less(market, moneyness, kind):
    forward, strike = market["forward"], market["forward"] * moneyness
    price = american(strike=strike, kind=kind, **market)
    sign, highest = (1, forward) if kind == "call" else (-1, strike)
    european = black76(strike=strike, kind=kind, **market)
    assert price >= max(european, sign * (forward - strike))
    if market["rate"] > 0:
        assert price <= highest * (1 + 1e-9)
        # Nor can it gain more than the interest on its strike.
        assert price <= european * math.exp(market["rate"] * market["years"]) * (1 + 1e-6) + 1e-9
    else:
        assert price == pytest.approx(european, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize("kind", ["call", "put"])
@pytest.mark.parametrize("strike", [2100.0, 2400.0, 2700.0])
def test_american_is_worth_what_a_tree_gives(strike, kind):
    arguments = (2400.0, strike, 0.5, 0.08, 0.25, kind)
    assert american(*arguments) == pytest.approx(on_a_tree(*arguments), abs=0.05)


def test_deep_in_the_money_is_exercised_at_once():
    assert american(2400.0, 4800.0, 0.5, 0.05, 0.15, "put") == 2400.0
    assert american(4800.0, 2400.0, 0.5, 0.05, 0.15, "call") == 2400.0


# --- broadcasting and pandas ------------------------------------------------------------------


@pytest.mark.parametrize("model", [black76, american])
def test_broadcasting_agrees_with_one_at_a_time(model):
    strikes, years = np.array([2300.0, 2400.0, 2500.0]), np.array([[0.1], [0.5]])
    kind = np.array(["call", "put", "call"])
    table = model(2400.0, strikes, years, 0.04, 0.2, kind)
    assert table.shape == (2, 3)
    for row, column in np.ndindex(2, 3):
        alone = model(2400.0, strikes[column], years[row, 0], 0.04, 0.2, str(kind[column]))
        assert table[row, column] == pytest.approx(alone, rel=1e-14)


def test_large_arrays_agree_with_small_ones():
    forward = np.linspace(2000.0, 2800.0, 20_001)
    whole = greeks(forward, 2400.0, 0.3, 0.04, 0.2, "put")
    for place in (0, 8191, 8192, 20_000):
        assert tuple(one[place] for one in whole) == pytest.approx(
            greeks(forward[place], 2400.0, 0.3, 0.04, 0.2, "put"), rel=1e-14
        )


def test_series_in_series_out():
    index = pd.date_range("2030-01-02", periods=3, tz="America/New_York")
    close = pd.Series([2390.0, 2400.0, 2410.0], index=index, name="close")
    result = greeks(close, 2400.0, [0.3, 0.2, 0.1], 0.04, 0.2, "call")
    assert all(one.index.equals(index) for one in result)
    for model in (black76, american):
        series = model(close, 2400.0, 0.2, 0.04, 0.2, "call")
        array = model(close.to_numpy(), 2400.0, 0.2, 0.04, 0.2, "call")
        assert series.index.equals(index)
        assert series.tolist() == array.tolist()
    assert isinstance(black76(2400.0, 2400, 0.2, 0.04, 0.2, "call"), float)
    assert payoff(protective_put(2400.0, 2300.0, 60.0), close).index.equals(index)


def test_empty_arrays_stay_empty():
    assert black76([], 2400.0, 0.2, 0.04, 0.2, "call").shape == (0,)
    assert american(np.empty(0), 2400.0, 0.2, 0.04, 0.2, "call").shape == (0,)
    assert implied_volatility(np.empty(0), 2400.0, 2400.0, 0.2, 0.04, "call").shape == (0,)


def test_series_that_are_not_aligned_are_refused():
    one, other = pd.Series([2400.0, 2410.0]), pd.Series([2400.0, 2410.0], index=[1, 2])
    with pytest.raises(ValueError, match="same index"):
        black76(one, other, 0.2, 0.04, 0.2, "call")
    with pytest.raises(ValueError, match=r"length 2, got shapes that broadcast to \(3, 2\)"):
        black76(one, [[2300.0], [2400.0], [2500.0]], 0.2, 0.04, 0.2, "call")
    with pytest.raises(ValueError, match=r"shapes that broadcast, got \(2,\), \(3,\)"):
        black76([2400.0, 2410.0], [2300.0, 2400.0, 2500.0], 0.2, 0.04, 0.2, "call")


# --- bad input --------------------------------------------------------------------------------

GOOD = {"forward": 2400.0, "strike": 2300.0, "years": 0.25, "rate": 0.04, "kind": "put"}


@pytest.mark.parametrize(
    ("argument", "given_value", "error", "message"),
    [
        ("forward", 0.0, ValueError, "forward must be a finite number above 0, got 0.0"),
        ("strike", [2300.0, -1.0], ValueError, "strike must .* above 0, got -1.0"),
        ("strike", [2300.0, math.nan], ValueError, "strike must be a finite number"),
        ("years", -0.1, ValueError, "years must .* at least 0 and at most 100, got -0.1"),
        ("rate", 4.0, ValueError, "rate must .* at most 1, got 4.0"),
        ("kind", "straddle", ValueError, "kind must be one of 'call', 'put', got 'straddle'"),
        ("kind", ["put", "Call"], ValueError, "kind must be one of 'call', 'put', got 'Call'"),
        ("kind", 1, TypeError, "kind must be one of 'call', 'put', got 1"),
        ("forward", "2400", TypeError, "forward must be a finite number above 0, got '2400'"),
        ("forward", ["a"], TypeError, "forward must be a number or an array of numbers"),
        ("forward", None, TypeError, "forward must be a finite number above 0, got None"),
        ("strike", pd.DataFrame({"a": [1.0]}), TypeError, "strike must be .* got a table"),
    ],
)
def test_bad_arguments_are_refused(argument, given_value, error, message):
    arguments = {**GOOD, argument: given_value}
    for function in (black76, greeks, american):
        with pytest.raises(error, match=message):
            function(**arguments, volatility=0.2)
    with pytest.raises(error, match=message):
        implied_volatility(60.0, **arguments)


def test_volatility_in_percent_is_refused():
    with pytest.raises(ValueError, match="volatility must .* at least 0 and at most 10, got 22.0"):
        black76(**GOOD, volatility=22.0)
    with pytest.raises(ValueError, match="price must .* at least 0, got -1.0"):
        implied_volatility(-1.0, **GOOD)
    with pytest.raises(ValueError, match="errors must be one of 'raise', 'coerce', got 'ignore'"):
        implied_volatility(60.0, **GOOD, errors="ignore")


# --- contract ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("premium", "tick", "rounded"),
    [
        (0.0, 0.05, 0.0),
        (0.02, 0.05, 0.0),
        (0.025, 0.05, 0.05),
        (4.96, 0.05, 4.95),
        (5.0, 0.05, 5.0),
        (5.01, 0.1, 5.0),
        (5.06, 0.1, 5.1),
        (60.62, 0.1, 60.6),
        (60.65, 0.1, 60.7),
    ],
)
def test_ticks(premium, tick, rounded):
    assert option_tick(premium) == tick
    assert option_tick(pd.Series([premium], index=["a"])).to_dict() == {"a": tick}
    assert option_pricing.on_tick(premium, option_pricing.nearest) == rounded


@given(st.floats(0, 3000))
def test_a_rounded_premium_is_near_and_stays(premium):
    rounded = option_pricing.on_tick(premium, option_pricing.nearest)
    assert abs(rounded - premium) <= 0.05 + 1e-6
    assert option_pricing.on_tick(rounded, option_pricing.nearest) == rounded


def test_one_option_covers_ten_micros():
    assert options.M2K_PER_OPTION == 10
    assert options_to_cover(25) == (2, 5)
    assert options_to_cover(7) == (0, 7)
    assert options_to_cover(3, RTY) == (3, 0)
    with pytest.raises(ValueError, match="contract must be M2K or RTY, .* got MES"):
        options_to_cover(10, MES)
    with pytest.raises(TypeError, match="contract must be a Contract"):
        options_to_cover(10, "M2K")


def test_money():
    assert cost_of_protection(60.0, 2400.0, 0.25) == (3000.0, 12000.0, 10.0)
    assert cost_of_protection(60.0, 2400.0, 0.25, options=2) == (6000.0, 24000.0, 10.0)
    with pytest.raises(ValueError, match="options must be a whole number at least 1, got -1"):
        cost_of_protection(60.1, 2400.0, 0.25, options=-1)
    with pytest.raises(ValueError, match="years must be a finite number above 0, got 0"):
        cost_of_protection(60.0, 2400.0, 0)


# --- legs -------------------------------------------------------------------------------------

PRICES = np.array([1500.0, 2200.0, 2300.0, 2400.0, 2500.0, 2600.0, 4000.0])


def test_protective_put_for_ten_micros_in_dollars():
    legs = protective_put(2400.0, 2300.0, 60.0)
    assert [(leg.kind, leg.contracts, leg.contract) for leg in legs] == [
        ("future", 10, M2K),
        ("put", 1, RTY),
    ]
    assert premium_usd(legs) == 3000.0
    expected = [-8000.0, -8000.0, -8000.0, -3000.0, 2000.0, 7000.0, 77000.0]
    assert profit(legs, PRICES).tolist() == expected


def test_hedged_futures_are_synthetic_options():
    def shape(legs):
        """Profit at expiry, without what the position costs to carry."""
        return np.diff(payoff(legs, PRICES))

    def option(kind, contracts, strike):
        return Leg(kind, contracts, 0.0, strike)

    call = option("call", 1, 2300.0)
    np.testing.assert_allclose(shape(protective_put(2400.0, 2300.0, 60.0)), shape(call))
    short = option("put", -1, 2300.0)
    np.testing.assert_allclose(shape(covered_call(2400.0, 2300.0, 60.0)), shape(short))
    assert shape(long_call(2300.0, 160.0)).tolist() == shape(call).tolist()


def test_collar_caps_both_tails():
    legs = collar(2400.0, 2300.0, 60.0, 2500.0, 58.0, contracts=20)
    expected = [-10200.0, -10200.0, -10200.0, -200.0, 9800.0, 9800.0, 9800.0]
    assert profit(legs, PRICES).tolist() == expected


leg_lists = st.lists(
    st.one_of(
        st.builds(
            Leg,
            kind=st.just("future"),
            contracts=st.integers(-30, 30).filter(bool),
            price=st.floats(500, 5000),
            contract=st.sampled_from([M2K, RTY]),
        ),
        st.builds(
            Leg,
            kind=kinds,
            contracts=st.integers(-5, 5).filter(bool),
            price=st.floats(0, 300),
            strike=st.floats(500, 5000),
            style=st.sampled_from(["European", "American"]),
        ),
    ),
    min_size=1,
    max_size=5,
)


@given(leg_lists, st.floats(0, 1))
@settings(max_examples=50)
def test_a_portfolio_is_the_sum_of_its_legs(legs, years):
    for of in (payoff, profit, lambda legs, prices: value(legs, prices, years, 0.04, 0.2)):
        parts = sum(of([leg], PRICES) for leg in legs)
        np.testing.assert_allclose(of(legs, PRICES), parts, rtol=1e-9, atol=1e-6)
    assert premium_usd(legs) == pytest.approx(sum(map(premium_usd, legs)), abs=1e-5)


def test_value_becomes_the_payoff_as_time_runs_out():
    legs = collar(2400.0, 2300.0, 60.0, 2500.0, 58.0)
    late = value(legs, PRICES, years=1e-9, rate=0.04, volatility=0.2)
    np.testing.assert_allclose(late, payoff(legs, PRICES), atol=2.0)
    assert value(legs, PRICES, 0.0, 0.04, 0.2).tolist() == payoff(legs, PRICES).tolist()


def test_each_leg_may_have_its_own_volatility_time_and_style():
    put = Leg("put", 1, 60.0, 2300.0, style="American", expiry="2030-03-15")
    call = Leg("call", -1, 58.0, 2500.0, expiry="2030-02-15")
    worth = value([put, call], 2400.0, years=[0.25, 0.1], rate=0.05, volatility=[0.25, 0.18])
    expected = american(2400.0, 2300.0, 0.25, 0.05, 0.25, "put")
    expected -= black76(2400.0, 2500.0, 0.1, 0.05, 0.18, "call")
    assert worth == pytest.approx(50 * expected)
    with pytest.raises(ValueError, match="legs must expire together.*2030-02-15, 2030-03-15"):
        payoff([put, call], 2400.0)
    with pytest.raises(ValueError, match="volatility must be .* each of the 2 legs, got 3"):
        value([put, call], 2400.0, [0.25, 0.1], 0.05, [0.2, 0.2, 0.2])


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"kind": "swap"}, ValueError, "kind must be one of"),
        ({"contracts": 0}, ValueError, "contracts must not be 0"),
        ({"contracts": 1.5}, ValueError, "contracts must be a whole number, got 1.5"),
        ({"price": -1.0}, ValueError, "price must .* at least 0, got -1.0"),
        ({"strike": None}, TypeError, "strike must be a finite number above 0, got None"),
        ({"strike": 2305.0, "strike_step": 10}, ValueError, "2305.0; .* 2300 and 2310"),
        ({"contract": M2K}, ValueError, "contract must be RTY for an option, got M2K"),
        ({"contract": MES}, ValueError, "contract must be M2K or RTY"),
        ({"style": "Asian"}, ValueError, "style must be one of 'European', 'American'"),
        ({"expiry": "soon"}, ValueError, "expiry must be a date"),
        ({"kind": "future"}, ValueError, "strike must be left out for a future"),
    ],
)
def test_bad_legs_are_refused(fields, error, message):
    with pytest.raises(error, match=message):
        Leg(**{"kind": "put", "contracts": 1, "price": 60.0, "strike": 2300.0, **fields})


def test_a_strike_on_the_grid_is_accepted():
    assert Leg("put", 1, 60.0, 2300, strike_step=10).strike == 2300.0
    assert Leg("put", 1, 60.0, 0.3, strike_step=0.1).strike == 0.3


def test_bad_positions_are_refused():
    with pytest.raises(ValueError, match="contracts must be a multiple of 10 M2K.*got 7"):
        protective_put(2400.0, 2300.0, 60.0, contracts=7)
    with pytest.raises(ValueError, match="put_strike must be below call_strike"):
        collar(2400.0, 2500.0, 60.0, 2300.0, 58.0)
    with pytest.raises(TypeError, match="legs must be a Leg or a list of them, got 5"):
        payoff(5, 2400.0)
    with pytest.raises(TypeError, match="got 'put' among them"):
        payoff(["put"], 2400.0)
    with pytest.raises(ValueError, match="got none"):
        payoff([], 2400.0)
    with pytest.raises(ValueError, match="prices must be a finite number above 0, got 0.0"):
        payoff(long_call(2400.0, 100.0), [0.0, 2400.0])
