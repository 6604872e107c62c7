"""Sizes against exact fractions, chances against enumeration and simulation, Kelly against books.

Statistical tests draw from fixed seeds; their tolerance is five standard errors.
"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import optimize, stats

from m2k_lessons import risk, simulate
from m2k_lessons.contracts import CONTRACTS, M2K, MES, RTY
from m2k_lessons.risk import kernels

contracts = st.sampled_from(list(CONTRACTS.values()))
sides = st.sampled_from(["long", "short"])
dollars = st.integers(0, 10**9).map(lambda cents: cents / 100)
shares = st.integers(0, 10_000).map(lambda basis_points: basis_points / 10_000)
chances = st.floats(0.01, 0.99)
small_losses = st.lists(st.integers(-50, 50), min_size=1, max_size=60)


def typed(number) -> Fraction:
    """What a person meant who typed this decimal."""
    return Fraction(repr(number))


def days(count, start="2031-01-06"):
    return pd.bdate_range(start, periods=count, name="time")


def within_five_errors(hits, trials, chance):
    error = math.sqrt(chance * (1 - chance) / trials)
    return abs(hits / trials - chance) <= 5 * error


# ------------------------------------------------------------------------------ position size

SIZES = [
    # equity, share, stop, contract, cost, contracts: by hand
    (27_600, 0.01, 9, M2K, 0, 6),  # 276 dollars over 45
    (27_600, 0.01, 9, RTY, 0, 0),  # 276 dollars under 450
    (1e12 + 0.29, 1, 1e11, M2K, 0, 2),
    (6_000, 0.01, 12, M2K, 0, 1),  # exactly the budget is within it
    (5_999.99, 0.01, 12, M2K, 0, 0),  # a cent less is not
    (60_000, 0.01, 12, RTY, 0, 1),
    (10_000, 0.07, 14, M2K, 0, 10),  # 10_000 * 0.07 is 700.0000000000001 as floats
    (1_100, 0.03, 0.6, M2K, 0, 11),  # 3 * 1.1 and 0.6 * 5 are not what they seem, either
    (10_000, 0.01, 4, M2K, 0, 5),
    (10_000, 0.01, 4, M2K, 1.50, 4),  # 21.50 dollars each with costs
    (10_000, 0.01, 3.95, M2K, 0, 5),  # the stop stands 4.0 points away
    (10_000, 0.02, 10, MES, 0, 4),
    (10_000, 0.02, 10.1, MES, 0, 3),  # 10.25 points
    (10_000, 1, 2000, M2K, 0, 1),
    (10_000, 0, 10, M2K, 0, 0),
    (0, 0.01, 10, M2K, 0, 0),
    (-500, 0.01, 10, M2K, 0, 0),
]


@pytest.mark.parametrize(("equity", "share", "stop", "contract", "cost", "expected"), SIZES)
def test_sizes_by_hand(equity, share, stop, contract, cost, expected):
    size = risk.position_size(equity, share, stop, contract, cost_usd=cost)
    assert size == expected
    assert type(size) is int


@given(dollars, shares, st.integers(1, 20_000), contracts, st.integers(0, 500))
def test_size_never_exceeds_the_budget_and_one_more_would(equity, share, ticks, contract, cents):
    stop = ticks * contract.tick_size
    size = risk.position_size(equity, share, stop, contract, cost_usd=cents / 100)
    each = ticks * typed(contract.tick_size) * typed(contract.multiplier) + Fraction(cents, 100)
    budget = typed(equity) * typed(share)
    assert size * each <= budget < (size + 1) * each


@given(dollars, shares, st.floats(0.01, 500), contracts, sides)
def test_the_stop_that_was_sized_for_is_within_the_budget(equity, share, points, contract, side):
    size = risk.position_size(equity, share, points, contract)
    entry = 6_000.0
    stop = risk.stop_price(entry, side, points=points, contract=contract)
    direction = 1 if side == "long" else -1
    contract.ticks(stop)  # raises off the tick
    assert points - 1e-6 <= direction * (entry - stop) < points + contract.tick_size
    loss = -contract.pnl(entry, stop, direction * size)
    assert loss <= equity * share + 1e-9


@given(dollars, shares, st.floats(0.1, 100), st.floats(0, 50))
def test_more_costs_or_a_wider_stop_never_buy_more(equity, share, stop, more):
    size = risk.position_size(equity, share, stop)
    assert risk.position_size(equity, share, stop + more) <= size
    assert risk.position_size(equity, share, stop, cost_usd=more) <= size


def test_noise_of_a_sum_of_cents_does_not_cost_a_contract():
    # One after the other: from Python 3.12 on, sum() makes up for the noise.
    equity = float(np.cumsum(np.full(60_000, 0.1))[-1])
    assert equity != 6_000
    assert risk.position_size(equity, 0.01, 12) == 1
    assert risk.position_size(5_999.9999999999, 0.01, 12) == 1
    assert risk.position_size(6_000.004, 1, 1_199.9, cost_usd=0.504) == 0  # the cent is not there
    assert risk.position_size(100, 1, 1e-9) == 200  # a stop is at least a tick away


def test_sizes_of_series_keep_the_index():
    equity = pd.Series([27_600.0, 5_000.0, -3.0], index=days(3))
    stop = pd.Series([9.0, 10.0, 10.0], index=days(3))
    size = risk.position_size(equity, 0.01, stop)
    expected = pd.Series([6, 1, 0], index=days(3), name="contracts")
    pd.testing.assert_series_equal(size, expected, check_freq=False)
    assert risk.position_size(27_600, 0.01, stop).tolist() == [6, 5, 5]
    assert risk.exposure_cap(equity, 1, 1000.0).tolist() == [5, 1, 0]
    assert risk.volatility_target(equity, 0.2, 0.2, 1000.0).tolist() == [5, 1, 0]
    with pytest.raises(ValueError, match="stop_points must have the same index"):
        risk.position_size(equity, 0.01, stop.iloc[::-1])
    with pytest.raises(ValueError, match="stop_points must be a finite number above 0, got nan"):
        risk.position_size(10_000, 0.01, pd.Series([math.nan, 9.0]))


# ------------------------------------------------------------------------ caps and loss limits


@given(dollars, st.integers(0, 500), st.integers(1, 100_000), contracts)
def test_exposure_stays_within_the_cap_and_one_more_would_not(equity, percent, ticks, contract):
    price = contract.round_to_tick(ticks * contract.tick_size)
    cap = risk.exposure_cap(equity, percent / 100, price, contract)
    each = typed(price) * typed(contract.multiplier)
    assert cap * each <= typed(equity) * Fraction(percent, 100) < (cap + 1) * each


@given(dollars, shares, st.integers(1, 10_000), st.integers(1, 100_000), st.integers(0, 50))
def test_volatility_stays_within_the_target(equity, target, volatility, ticks, tenths):
    volatility, price = volatility / 10_000, M2K.round_to_tick(ticks / 10)
    size = risk.volatility_target(equity, target, volatility, price)
    each = typed(price) * 5 * typed(volatility)
    assert size * each <= typed(equity) * typed(target) < (size + 1) * each
    capped = risk.volatility_target(equity, target, volatility, price, max_fraction=tenths / 10)
    assert capped == min(size, risk.exposure_cap(equity, tenths / 10, price))


def test_exactly_at_the_cap_and_no_contract():
    assert risk.exposure_cap(12_000, 1, 2400.0) == 1
    assert risk.exposure_cap(11_999.99, 1, 2400.0) == 0
    assert risk.exposure_cap(12_000, 0, 2400.0) == 0
    assert risk.volatility_target(12_000, 0.2, 0.2, 2400.0) == 1
    assert risk.volatility_target(12_000, 0.0, 0.2, 2400.0) == 0
    assert risk.volatility_target(-1, 0.2, 0.2, 2400.0) == 0


def allowed_by_a_loop(pnl, limit_cents):
    allowed, total, current, off = [], 0, None, False
    for time, cents in pnl:
        if time != current:
            current, total, off = time, 0, False
        allowed.append(not off)
        total += cents
        off = off or total <= -limit_cents
    return allowed


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(-20_000, 20_000)), max_size=40),
    st.integers(1, 30_000),
)
def test_loss_limit_against_a_loop(trades, limit_cents):
    trades = sorted(trades, key=lambda one: one[0])
    index = pd.DatetimeIndex([days(4)[day] + pd.Timedelta(hours=10) for day, _ in trades])
    pnl = pd.Series([cents / 100 for _, cents in trades], index=index, dtype=float)
    allowed = risk.daily_loss_limit(pnl, limit_cents / 100)
    assert allowed.dtype == bool
    assert allowed.name == "allowed"
    assert allowed.index.equals(index)
    assert allowed.tolist() == allowed_by_a_loop(trades, limit_cents)


def test_loss_limit_is_reached_to_the_cent_and_resets_in_the_evening():
    times = pd.to_datetime(["2031-01-06 10:00"] * 3 + ["2031-01-06 17:59", "2031-01-06 18:00"])
    pnl = pd.Series([-0.1, -0.1, -0.1, -5.0, -5.0], index=times)
    assert risk.daily_loss_limit(pnl, 0.3).tolist() == [True, True, True, False, True]
    assert risk.daily_loss_limit(pnl, 0.31).tolist() == [True, True, True, True, True]
    tenths = pd.Series([-0.7, -0.1, -0.1], index=times[:3])  # -0.7 - 0.1 is above -0.8 as floats
    assert risk.daily_loss_limit(tenths, 0.8).tolist() == [True, True, False]
    in_utc = pnl.set_axis(times.tz_localize("America/New_York").tz_convert("UTC"))
    assert risk.daily_loss_limit(in_utc, 0.3).tolist() == [True, True, True, False, True]


@given(st.lists(st.integers(-300, 300), min_size=2, max_size=20), st.integers(0, 18))
def test_loss_limit_sees_nothing_of_a_trade_before_it_is_made(results, changed):
    assume(changed < len(results))
    index = pd.DatetimeIndex(["2031-01-06 11:00"] * len(results))
    other = results[:changed] + [-value for value in results[changed:]]
    one, two = (risk.daily_loss_limit(pd.Series(x, index), 250) for x in (results, other))
    assert one.tolist()[: changed + 1] == two.tolist()[: changed + 1]


# ------------------------------------------------------------------------------ stops and gaps


@pytest.mark.parametrize(
    ("side", "how", "contract", "expected"),
    [
        ("long", {"points": 12}, M2K, 2388.0),
        ("short", {"points": 12}, M2K, 2412.0),
        ("long", {"points": 0.1}, M2K, 2399.9),
        ("long", {"points": 12.01}, M2K, 2387.9),
        ("short", {"points": 12.01}, M2K, 2412.1),
        ("long", {"atr": 18.33}, M2K, 2363.3),  # 36.66 points
        ("short", {"atr": 18.33, "multiple": 1.5}, M2K, 2427.5),  # 27.495 points
        ("long", {"points": 10.1}, MES, 2389.75),
    ],
)
def test_stop_prices_by_hand(side, how, contract, expected):
    assert risk.stop_price(2400.0, side, contract=contract, **how) == expected


def test_time_stop():
    index = days(6)
    assert risk.time_stop(index, index[1], bars=3) == index[4]
    assert risk.time_stop(index, "2031-01-06", bars=5) == index[5]
    assert risk.time_stop(index, index[1], bars=5) is None
    with pytest.raises(ValueError, match="entry_time must be one of the bars"):
        risk.time_stop(index, "2031-01-11", bars=1)
    with pytest.raises(ValueError, match="bars must be a whole number at least 1, got 0"):
        risk.time_stop(index, index[0], bars=0)
    with pytest.raises(ValueError, match="index must hold each time once"):
        risk.time_stop(index.repeat(2), index[0], bars=1)
    with pytest.raises(ValueError, match="in order of time"):
        risk.time_stop(index[::-1], index[0], bars=1)
    with pytest.raises(TypeError, match="index must have a DatetimeIndex"):
        risk.time_stop(range(3), 1, bars=1)


def gaps(opens, closes):
    return pd.DataFrame({"open": opens, "close": closes}, index=days(len(opens)))


def test_gaps_by_hand():
    bars = gaps([2400.0, 2389.9, 2378.0, 2420.0], [2401.9, 2390.0, 2400.0, 2410.0])
    table = risk.gap_risk(bars, stop_points=12)
    assert table.index.equals(bars.index[1:])
    assert table["gap_points"].tolist() == [-12.0, -12.0, 20.0]
    assert table["beyond_stop_points"].tolist() == [0.0, 0.0, 0.0]  # filled at the stop itself
    tighter = risk.gap_risk(bars, stop_points=11.85)  # stands 11.9 points away
    assert tighter["beyond_stop_points"].tolist() == [0.1, 0.1, 0.0]
    assert tighter["beyond_stop_usd"].tolist() == [0.5, 0.5, 0.0]
    short = risk.gap_risk(bars, stop_points=12, contract=RTY, side="short")
    assert short["beyond_stop_usd"].tolist() == [0.0, 0.0, 400.0]


def test_gaps_of_minutes_are_those_between_sessions():
    times = pd.DatetimeIndex(
        ["2031-01-06 16:59", "2031-01-06 18:00", "2031-01-06 23:59", "2031-01-07 00:00"]
        + ["2031-01-07 16:59", "2031-01-07 18:00"],
        tz="America/New_York",
    )
    bars = pd.DataFrame(
        {"open": [100.0, 90, 80, 70, 60, 50], "close": [99.0, 89, 79, 69, 59, 49]}, index=times
    )
    table = risk.gap_risk(bars, stop_points=5)
    assert table.index.equals(times[[1, 5]])
    assert table["gap_points"].tolist() == [-9.0, -9.0]
    assert table["beyond_stop_usd"].tolist() == [20.0, 20.0]
    elsewhere = risk.gap_risk(bars.tz_convert("Asia/Tokyo"), stop_points=5)
    assert elsewhere["gap_points"].tolist() == [-9.0, -9.0]


@given(st.lists(st.tuples(*[st.integers(1_000, 1_400)] * 2), min_size=2, max_size=20), sides)
def test_a_wider_stop_leaves_less_to_the_gap(ticks, side):
    bars = gaps(*(np.array(column) / 10 for column in zip(*ticks, strict=True)))
    near, far = (risk.gap_risk(bars, stop, side=side) for stop in (0.3, 1.3))
    assert (near["beyond_stop_points"] >= far["beyond_stop_points"]).all()
    direction = 1 if side == "long" else -1
    loss = -direction * near["gap_points"]
    jumped = near["beyond_stop_points"] > 0
    np.testing.assert_allclose((near["beyond_stop_points"] + 0.3)[jumped], loss[jumped])
    assert (loss[~jumped] <= 0.3 + 1e-9).all()


def test_gaps_of_the_simulated_market_have_a_tail():
    bars = simulate.daily(years=5, seed=3)["M2K"]
    table = risk.gap_risk(bars, stop_points=1.0)
    assert len(table) == len(bars) - 1
    assert 0 < (table["beyond_stop_usd"] > 0).mean() < 0.6
    assert table["beyond_stop_usd"].max() > table["beyond_stop_usd"].quantile(0.95)


# ------------------------------------------------------------------- R, drawdowns, streaks


def test_r_multiples():
    pnl = pd.Series([120.0, -60.0, 0.0], index=list("abc"), name="pnl")
    r = risk.r_multiples(pnl, pd.Series([60.0, 30.0, 10.0], index=list("abc")))
    pd.testing.assert_series_equal(r, pd.Series([2.0, -2.0, 0.0], index=list("abc"), name="pnl"))
    assert risk.r_multiples(np.array([5, -5]), 10).tolist() == [0.5, -0.5]
    assert risk.r_multiples([], 10).tolist() == []
    with pytest.raises(ValueError, match="risk_usd must be above 0, got 0.0"):
        risk.r_multiples(pnl, [60, 0, 10])
    with pytest.raises(ValueError, match="risk_usd must have 3 values, got 2"):
        risk.r_multiples(pnl, [60, 10])
    with pytest.raises(ValueError, match="risk_usd must have the same index"):
        risk.r_multiples(pnl, pd.Series([60.0, 30.0, 10.0], index=list("cab")))


@given(st.lists(st.integers(-1_000, 5_000), min_size=1, max_size=40))
def test_drawdown_against_a_loop(values):
    assume(values[0] > 0)
    equity = pd.Series(values, index=days(len(values)), name="equity")
    expected = [value / max(values[: i + 1]) - 1 for i, value in enumerate(values)]
    fall = risk.drawdown(equity)
    pd.testing.assert_series_equal(
        fall, pd.Series(expected, index=equity.index, name="equity"), rtol=1e-14
    )
    assert (fall <= 0).all()
    table = risk.drawdown(pd.DataFrame({"one": values, "two": 7.0}, index=equity.index))
    assert table["one"].tolist() == fall.tolist()
    assert (table["two"] == 0).all()
    assert risk.drawdown(np.array(values, dtype=float)).tolist() == fall.tolist()


@pytest.mark.parametrize(
    ("equity", "said"),
    [
        ([0.0, 1.0], "equity must begin above 0, got 0.0"),
        ([1.0, math.nan], "equity must be finite throughout, got nan"),
        (pd.DataFrame({"a": [1.0], "b": [-2.0]}), "equity must begin above 0, got -2.0"),
        (pd.DataFrame({"a": [1.0, math.inf]}), "equity must be finite throughout, got inf"),
        (pd.DataFrame(), "equity must hold at least one number"),
        ([], "equity must hold at least one number, got none"),
        ([[1.0]], "equity must have one dimension, got 2"),
    ],
)
def test_drawdown_refuses(equity, said):
    with pytest.raises(ValueError, match=said):
        risk.drawdown(equity)


@given(st.lists(st.integers(-2, 2), max_size=60))
def test_longest_streak_against_groups(results):
    groups = itertools.groupby(results, lambda result: result < 0)
    longest = max((len(list(run)) for lost, run in groups if lost), default=0)
    assert risk.longest_losing_streak(results) == longest
    assert risk.longest_losing_streak(pd.Series(results, dtype=float)) == longest


@pytest.mark.parametrize("trades", range(0, 11))
@pytest.mark.parametrize("loss", [0.0, 0.3, 0.5, 1.0])
def test_streak_chance_against_every_outcome(trades, loss):
    for length in range(1, 12):
        exact = sum(
            math.prod(loss if lost else 1 - loss for lost in outcome)
            for outcome in itertools.product([0, 1], repeat=trades)
            if "1" * length in "".join(map(str, outcome))
        )
        assert risk.losing_streak_probability(length, trades, loss) == pytest.approx(exact)


def test_streak_chance_against_simulation():
    draws = np.random.default_rng(11).random((20_000, 200)) < 0.45
    hits = sum(risk.longest_losing_streak(-row.astype(int)) >= 7 for row in draws)
    assert within_five_errors(hits, 20_000, risk.losing_streak_probability(7, 200, 0.45))


@given(st.integers(1, 15), st.integers(0, 300), chances)
def test_streak_chance_grows_with_trades_and_falls_with_length(length, trades, loss):
    chance = risk.losing_streak_probability(length, trades, loss)
    assert 0 <= chance <= 1
    assert risk.losing_streak_probability(length, trades + 1, loss) >= chance - 1e-12
    assert risk.losing_streak_probability(length + 1, trades, loss) <= chance + 1e-12


# ------------------------------------------------------------------ value at risk, shortfall

TEN = [-50, -20, -10, 5, 10, 15, 20, 25, 30, 35]


@pytest.mark.parametrize(
    ("confidence", "at_risk"),
    [
        (0.5, -15),
        (0.7, -5),
        (0.8, 10),
        (0.85, 20),
        (0.9, 20),
        (0.91, 50),
        (0.99, 50),
    ],
)
def test_value_at_risk_by_hand(confidence, at_risk):
    assert risk.value_at_risk(pd.Series(TEN), confidence) == at_risk


def test_no_float_noise_at_the_edge_of_the_tail():
    # 0.07 * 100 is 7.000000000000001, and 1 - 0.07 as floats leaves the wrong tail, too.
    losses = -np.arange(1.0, 101.0)
    for percent in range(1, 100):
        assert risk.value_at_risk(losses, percent / 100) == percent


@given(small_losses, st.integers(1, 99))
def test_value_at_risk_by_its_definition(returns, percent):
    confidence = percent / 100
    at_risk = risk.value_at_risk(returns, confidence)
    losses = -np.array(returns)
    assert at_risk in losses
    assert 100 * np.sum(losses <= at_risk) >= percent * len(losses)
    assert 100 * np.sum(losses < at_risk) < percent * len(losses)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=30), st.floats(0.5, 0.999))
def test_normal_method_against_scipy(returns, confidence):
    mean, deviation = np.mean(returns), np.std(returns, ddof=1)
    at_risk = risk.value_at_risk(returns, confidence, "normal")
    assert at_risk == pytest.approx(
        deviation * stats.norm.ppf(confidence) - mean, rel=1e-9, abs=1e-9
    )


def test_both_methods_agree_on_a_large_normal_sample():
    sample = np.random.default_rng(5).normal(0.001, 0.01, 400_000)
    normal = risk.value_at_risk(sample, 0.95, "normal")
    assert risk.value_at_risk(sample, 0.95) == pytest.approx(normal, rel=0.01)


# ------------------------------------------------------------------------------ risk of ruin


def lost_within(win, odds, units, trades):
    """Share of accounts lost after so many trades, from the whole distribution of accounts."""
    size = units + odds * trades + 1
    accounts = np.zeros(size)
    accounts[units] = 1.0
    lost = 0.0
    for _ in range(trades):
        after = np.zeros(size)
        after[odds:] += win * accounts[: size - odds]
        after[:-1] += (1 - win) * accounts[1:]
        lost, after[0] = lost + after[0], 0.0
        accounts = after
    return lost


@pytest.mark.parametrize(("win", "odds", "units"), [(0.6, 1, 5), (0.45, 2, 8), (0.4, 3, 4)])
def test_ruin_against_the_distribution_of_accounts(win, odds, units):
    assert risk.risk_of_ruin(win, odds, units) == pytest.approx(lost_within(win, odds, units, 800))


@pytest.mark.parametrize(("win", "odds", "units"), [(0.55, 1.0, 10), (0.4, 2.0, 6)])
def test_ruin_against_simulation(win, odds, units):
    paths = 4_000
    draws = np.random.default_rng(2).random((paths, 2_000)) < win
    lost = (units + np.where(draws, odds, -1.0).cumsum(axis=1) <= 0).any(axis=1)
    assert within_five_errors(int(lost.sum()), paths, risk.risk_of_ruin(win, odds, units))


def test_ruin_with_part_units_is_bounded():
    win, odds, units = 0.5, 1.5, 5
    draws = np.random.default_rng(3).random((20_000, 600)) < win
    lost = (units + np.where(draws, odds, -1.0).cumsum(axis=1) <= 0).any(axis=1).mean()
    upper = risk.risk_of_ruin(win, odds, units)
    root = upper ** (1 / units)
    assert upper * root < lost < upper


@given(chances, st.floats(0.1, 10), st.integers(1, 50))
def test_the_root_of_ruin_solves_its_equation(win, odds, units):
    chance = risk.risk_of_ruin(win, odds, units)
    assert risk.risk_of_ruin(win, odds, units + 1) <= chance
    if win * odds <= 1 - win:
        assert chance == 1.0
    else:
        root = risk.risk_of_ruin(win, odds, 1)
        assert 0 < root < 1
        assert win * root ** (odds + 1) + 1 - win == pytest.approx(root)
        assert chance == pytest.approx(root**units)


def test_ruin_at_the_edges():
    assert risk.risk_of_ruin(0.5, 1, 1_000) == 1.0
    assert risk.risk_of_ruin(0.99, 1, 0) == 1.0
    assert risk.risk_of_ruin(1.0, 0.5, 1) == 0.0
    assert risk.risk_of_ruin(1.0, 1, 1) == 0.0
    assert risk.risk_of_ruin(0.0, 100, 5) == 1.0


# ------------------------------------------------------------------------------------- Kelly


def continuous_growth(leverage, mean, variance):
    """Of the logarithm of the account, a period, above the interest on it (Thorp 2006)."""
    return leverage * mean - leverage**2 * variance / 2


def test_kelly_of_the_books():
    assert risk.kelly_fraction(0.6, 1) == pytest.approx(0.20)
    assert risk.growth_rate(0.2, [1, -1], [0.6, 0.4]) == pytest.approx(0.0201355, abs=5e-8)
    assert risk.kelly_win_loss(0.5, win=0.25, loss=0.20) == pytest.approx(0.5)
    excess, variance = 0.1123 - 0.04, 0.1691**2
    best = risk.kelly_continuous(excess, variance)
    assert best == pytest.approx(2.528, abs=5e-4)
    assert 0.04 + continuous_growth(best, excess, variance) == pytest.approx(0.1314, abs=5e-5)
    halving = [risk.drawdown_probability(0.5, c) for c in (1, 0.5, 0.25)]
    assert halving == pytest.approx([0.5, 0.125, 0.0078125])


def test_no_edge_is_no_bet():
    assert risk.kelly_fraction(0.5, 1) == 0.0
    assert risk.kelly_fraction(0.0, 5) == 0.0
    assert risk.kelly_win_loss(0.4, win=1, loss=1) == 0.0
    assert risk.kelly_continuous(-0.05, 0.04) == 0.0
    assert risk.kelly_fraction(1.0, 2) == 1.0


@given(chances, st.floats(0.05, 20), st.floats(0.05, 3))
def test_no_other_fraction_grows_faster_than_kelly(win_probability, win, loss):
    best = risk.kelly_win_loss(win_probability, win, loss)
    scaled = risk.kelly_fraction(win_probability, win / loss) / loss
    assert scaled == pytest.approx(best, rel=1e-9, abs=1e-9)
    bet = [win, -loss], [win_probability, 1 - win_probability]
    most = 0.999_999 / loss
    others = risk.growth_rate(np.linspace(0, most, 200), *bet)
    assert others.max() <= risk.growth_rate(min(best, most), *bet) + 1e-12
    found = optimize.minimize_scalar(
        lambda stake: -risk.growth_rate(stake, *bet), bounds=(0, most), method="bounded"
    )
    assert -found.fun <= risk.growth_rate(min(best, most), *bet) + 1e-10


def test_outcomes_without_a_chance_do_not_count():
    assert risk.growth_rate(0.2, [1, -1, -50], [0.6, 0.4, 0]) == pytest.approx(0.0201355, abs=5e-8)


def test_growth_rates_keep_the_index():
    fractions = pd.Series([0.0, 0.2, 1.0], index=[0, 20, 100], name="growth")
    rates = risk.growth_rate(fractions, [1, -1], [0.6, 0.4])
    assert rates.index.equals(fractions.index)
    assert rates.iloc[0] == 0
    assert rates.iloc[2] == -math.inf


@given(st.floats(0.001, 0.5), st.floats(0.001, 0.3), st.floats(0, 3))
def test_fractional_kelly_keeps_its_share_of_the_growth(mean, variance, multiple):
    best = risk.kelly_continuous(mean, variance)
    full = continuous_growth(best, mean, variance)
    part = continuous_growth(multiple * best, mean, variance)
    share = risk.relative_growth(multiple)
    assert part == pytest.approx(share * full, rel=1e-9, abs=1e-9 * full)


@pytest.mark.parametrize("multiple", [0.5, 1.0, 1.5])
def test_drawdown_probability_against_simulated_accounts(multiple):
    """Small bets at a multiple of Kelly; steps of 1/4 deviation overshoot the level a little, for
    which Broadie, Glasserman and Kou's shift of the barrier, 0.5826 deviations, is allowed."""
    step = 0.05  # Kelly's leverage times the deviation of one bet
    deviation = multiple * step
    drift = multiple * step**2 - deviation**2 / 2
    rng = np.random.default_rng(17)
    total = np.zeros(4_000)
    lowest = np.zeros(4_000)
    for _ in range(6_000):
        total += drift + deviation * rng.standard_normal(4_000)
        np.minimum(lowest, total, out=lowest)
    level = 0.5
    seen = level * math.exp(-0.5826 * deviation)
    chance = risk.drawdown_probability(seen, multiple)
    assert within_five_errors(int((lowest <= math.log(level)).sum()), 4_000, chance)


def test_drawdown_probability_at_the_edges():
    assert risk.drawdown_probability(0.5, 2) == 1.0
    assert risk.drawdown_probability(0.5, 5) == 1.0
    assert risk.drawdown_probability(0.5, 0) == 0.0
    assert risk.drawdown_probability(0.5, 5e-324) == 0.0
    assert risk.drawdown_probability(1.0, 0) == 1.0


# --------------------------------------------------------------------------------- bootstrap


def test_bootstrap_has_the_shape_of_a_fan():
    paths = risk.bootstrap_equity(pd.Series([50.0, -40.0]), n_paths=20, n_trades=7, seed=4)
    assert paths.shape == (8, 20)
    assert (paths.index.name, paths.columns.name) == ("trade", "path")
    assert (paths.loc[0] == 10_000).all()
    assert set(paths.diff().iloc[1:].to_numpy().ravel()) == {50.0, -40.0}
    again = risk.bootstrap_equity([50.0, -40.0], n_paths=20, n_trades=7, seed=4)
    pd.testing.assert_frame_equal(paths, again)
    assert not paths.equals(risk.bootstrap_equity([50.0, -40.0], 20, 7, seed=5))
    assert paths.T.drop_duplicates().shape[0] > 15


@pytest.mark.parametrize("compounded", [False, True])
@pytest.mark.parametrize("shape", [(1, 1), (3, 8), (130, 51), (64, 1_000)])
def test_compiled_and_numpy_give_the_same_bits(compounded, shape):
    trades = np.random.default_rng(1).normal(0, 1, 77) / (20 if compounded else 1) + compounded
    origin = np.uint64(2**64 - 5)
    compiled, plain = (np.empty((shape[0], shape[1] + 1)) for _ in range(2))
    kernels.fill_compiled(trades, 10_000.0, compounded, origin, compiled)
    kernels.fill_with_numpy(trades, 10_000.0, compounded, origin, plain)
    assert compiled.tobytes() == plain.tobytes()


def splitmix(state, count):
    """SplitMix64 in whole numbers of any length, from its authors' description."""
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        z = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ z >> 27) * 0x94D049BB133111EB % 2**64
        yield z ^ z >> 31


def test_draws_are_those_of_splitmix():
    assert next(splitmix(1234567, 1)) == 6457827717110365317  # the generator's known first output
    trades = np.arange(1_000.0)
    paths = np.empty((2, 7))
    kernels.fill_compiled(trades, 0.0, False, np.uint64(1234567), paths)
    halves = [half for z in splitmix(1234567, 6) for half in (z >> 32, z % 2**32)]
    expected = [half * 1_000 >> 32 for half in halves]
    assert np.diff(paths, axis=1).ravel().tolist() == expected


def test_machines_without_numba_get_the_same_paths(monkeypatch):
    compiled = risk.bootstrap_equity([50.0, -40.0, 3.0], 9, 30, seed=4)
    monkeypatch.setattr(kernels, "fill_compiled", kernels.fill_compiled.py_func)
    pd.testing.assert_frame_equal(
        compiled, risk.bootstrap_equity([50.0, -40.0, 3.0], 9, 30, seed=4), check_exact=True
    )


def test_every_trade_is_drawn_alike_and_independently():
    count = 50
    trades = np.arange(float(count))
    paths = risk.bootstrap_equity(trades, n_paths=2_000, n_trades=200, seed=9, equity_usd=1)
    drawn = paths.diff().iloc[1:].to_numpy().T.astype(int)
    assert stats.chisquare(np.bincount(drawn.ravel(), minlength=count)).pvalue > 1e-4
    pairs = drawn[:, :-1] * count + drawn[:, 1:]
    assert stats.chisquare(np.bincount(pairs.ravel(), minlength=count**2)).pvalue > 1e-4
    across = drawn[:-1] * count + drawn[1:]
    assert stats.chisquare(np.bincount(across.ravel(), minlength=count**2)).pvalue > 1e-4


def test_spread_of_the_paths_is_that_of_the_sample():
    trades = np.random.default_rng(8).standard_t(5, 300) * 60 + 4
    last = risk.bootstrap_equity(trades, 10_000, 400, seed=3).iloc[-1] - 10_000
    mean, deviation = 400 * trades.mean(), 20 * trades.std()
    assert abs(last.mean() - mean) < 5 * deviation / 100
    assert last.std() == pytest.approx(deviation, rel=5 / math.sqrt(2 * 10_000))


def test_compounded_paths_risk_a_share_each_time():
    paths = risk.bootstrap_equity([2.0, -1.0], 50, 40, seed=6, risk_fraction=0.1)
    ratios = (paths / paths.shift(1)).iloc[1:].to_numpy()
    assert np.unique(ratios.round(9)).tolist() == [0.9, 1.2]
    still = risk.bootstrap_equity([2.0, -1.0], 3, 4, seed=6, risk_fraction=0)
    assert (still == 10_000).all(axis=None)
    lost = risk.bootstrap_equity([2.0, -9.0], 50, 40, seed=6, risk_fraction=0.5)
    assert lost.min(axis=None) == 0.0
    assert (lost.iloc[-1] == 0).all(), "nobody comes back from nothing"


def test_adding_and_the_closed_form_of_ruin_agree():
    paths = risk.bootstrap_equity([60.0] * 11 + [-60.0] * 9, 3_000, 3_000, 1, equity_usd=600.0)
    lost = int((paths <= 0).any().sum())
    assert within_five_errors(lost, 3_000, risk.risk_of_ruin(0.55, 1, 10))


@pytest.mark.parametrize("numba", [True, False])
def test_an_account_beyond_all_floats_is_refused(monkeypatch, numba):
    if not numba:
        monkeypatch.setattr(kernels, "fill_compiled", kernels.fill_compiled.py_func)
    with pytest.raises(ValueError, match="trades must leave account values that a float can hold"):
        risk.bootstrap_equity([100.0, -1.0], 10, 1_000, 1, risk_fraction=0.9)


# ----------------------------------------------------------------------------------- refusals

BARS = gaps([2400.0, 2401.0], [2400.0, 2402.0])
TIMED = pd.Series([1.0, 2.0], index=days(2))

NONSENSE = [
    (risk.position_size, (10_000, 0.01, 0), {}, "stop_points must be .*above 0, got 0"),
    (risk.position_size, (10_000, 0.01, -5), {}, "stop_points must be .*above 0, got -5"),
    (risk.position_size, (10_000, 1.2, 5), {}, "risk_fraction must be .*at most 1, got 1.2"),
    (risk.position_size, (10_000, -0.1, 5), {}, "risk_fraction must be .*at least 0"),
    (risk.position_size, (math.nan, 0.1, 5), {}, "equity_usd must be a finite number"),
    (risk.position_size, (10_000, 0.1, 5), {"cost_usd": -1}, "cost_usd must be .*at least 0"),
    (risk.exposure_cap, (10_000, -1, 2400), {}, "max_fraction must be .*at least 0, got -1"),
    (risk.exposure_cap, (10_000, 1, 0), {}, "price must be .*above 0, got 0"),
    (risk.volatility_target, (10_000, 0.1, 0, 2400), {}, "volatility must be .*above 0"),
    (risk.volatility_target, (10_000, -0.1, 0.2, 2400), {}, "target must be .*at least 0"),
    (
        risk.volatility_target,
        (1, 0.1, 0.2, 9),
        {"max_fraction": -1},
        "max_fraction must be .*at least",
    ),
    (risk.daily_loss_limit, (TIMED, 0), {}, "limit_usd must be .*above 0, got 0"),
    (risk.daily_loss_limit, (TIMED[::-1], 5), {}, "pnl_usd must be in order of time"),
    (risk.daily_loss_limit, (TIMED.set_axis([pd.NaT] * 2), 5), {}, "in order of time"),
    (risk.daily_loss_limit, (TIMED * math.nan, 5), {}, "pnl_usd must be finite throughout"),
    (risk.stop_price, (2400.0, "long"), {"points": 0}, "points must be .*above 0, got 0"),
    (risk.stop_price, (2400.0, "long"), {"atr": 0}, "atr must be .*above 0, got 0"),
    (risk.stop_price, (2400.0, "long"), {"atr": 1, "multiple": 0}, "multiple must be .*above 0"),
    (risk.stop_price, (2400.0, "long"), {}, "give either points or atr"),
    (risk.stop_price, (2400.0, "long"), {"points": 1, "atr": 1}, "give either points or atr"),
    (risk.stop_price, (2400.0, "up"), {"points": 1}, "side must be one of 'long', 'short'"),
    (risk.stop_price, (2400.05, "long"), {"points": 1}, "tick of 0.1 points, got 2400.05"),
    (risk.stop_price, (20.0, "long"), {"points": 20}, "points must leave the stop above 0"),
    (risk.gap_risk, (BARS, 0), {}, "stop_points must be .*above 0, got 0"),
    (risk.gap_risk, (BARS[["open"]], 5), {}, "bars must have columns open and close"),
    (risk.gap_risk, (BARS * math.nan, 5), {}, "open must be finite throughout, got nan"),
    (risk.gap_risk, (BARS + 0.03, 5), {}, "open must lie on M2K's tick"),
    (risk.gap_risk, (BARS[::-1], 5), {}, "bars must be in order of time"),
    (risk.gap_risk, (pd.concat([BARS, BARS], axis=1), 5), {}, "bars must have each column once"),
    (risk.r_multiples, ([1.0], 0), {}, "risk_usd must be .*above 0, got 0"),
    (risk.losing_streak_probability, (3, 10, 1.2), {}, "loss_probability must be .*got 1.2"),
    (risk.losing_streak_probability, (0, 10, 0.5), {}, "length must be .*at least 1, got 0"),
    (risk.losing_streak_probability, (3, 10.5, 0.5), {}, "trades must be a whole number.*10.5"),
    (risk.value_at_risk, ([], 0.95), {}, "returns must hold at least one number"),
    (risk.value_at_risk, ([1.0], 1.0), {}, "confidence must be .*below 1, got 1.0"),
    (risk.value_at_risk, ([1.0], 95), {}, "confidence must be .*below 1, got 95"),
    (risk.value_at_risk, ([1.0], 0.9, "normal"), {}, "at least 2 periods for a deviation, got 1"),
    (risk.value_at_risk, ([1.0], 0.9, "garch"), {}, "method must be one of"),
    (risk.risk_of_ruin, (1.2, 1, 10), {}, "win_probability must be .*at most 1, got 1.2"),
    (risk.risk_of_ruin, (0.6, 0, 10), {}, "odds must be .*above 0, got 0"),
    (risk.risk_of_ruin, (0.6, 1, 2.5), {}, "units must be a whole number.*got 2.5"),
    (risk.kelly_fraction, (1.2, 1), {}, "win_probability must be .*at most 1, got 1.2"),
    (risk.kelly_fraction, (-0.1, 1), {}, "win_probability must be .*at least 0"),
    (risk.kelly_fraction, (0.6, 0), {}, "odds must be .*above 0, got 0"),
    (risk.kelly_win_loss, (0.6, 0, 1), {}, "win must be .*above 0"),
    (risk.kelly_win_loss, (0.6, 1, -1), {}, "loss must be .*above 0, got -1"),
    (risk.kelly_continuous, (0.1, 0), {}, "variance must be .*above 0, got 0"),
    (risk.growth_rate, (0.1, [1, math.nan]), {}, "payoffs must be finite throughout"),
    (risk.growth_rate, (0.1, [1, -1], [0.6, 0.6]), {}, "probabilities must sum to 1, got 1.2"),
    (
        risk.growth_rate,
        (0.1, [1, -1], [1.2, -0.2]),
        {},
        "must be 0 or more, got -0.2",
    ),
    (risk.growth_rate, (0.1, [1, -1], [1.0]), {}, "probabilities must have 2 values, got 1"),
    (risk.growth_rate, (math.inf, [1, -1]), {}, "fraction must be a finite number"),
    (risk.relative_growth, (-1,), {}, "multiple must be .*at least 0"),
    (risk.drawdown_probability, (0, 1), {}, "to must be .*above 0 and at most 1, got 0"),
    (risk.drawdown_probability, (0.5, -1), {}, "multiple must be .*at least 0"),
    (risk.bootstrap_equity, ([],), {}, "trades must hold at least one number"),
    (risk.bootstrap_equity, ([1.0], 0), {}, "n_paths must be .*at least 1, got 0"),
    (risk.bootstrap_equity, ([1.0], 1, 0), {}, "n_trades must be .*at least 1, got 0"),
    (risk.bootstrap_equity, ([1.0], 1, 1, -1), {}, "seed must be .*at least 0, got -1"),
    (risk.bootstrap_equity, ([1.0],), {"equity_usd": 0}, "equity_usd must be .*above 0"),
    (risk.bootstrap_equity, ([1.0],), {"risk_fraction": 2}, "risk_fraction must be .*at most 1"),
]


@pytest.mark.parametrize(("function", "given", "named", "said"), NONSENSE)
def test_nonsense_is_refused_by_value(function, given, named, said):
    with pytest.raises(ValueError, match=said):
        function(*given, **named)


@pytest.mark.parametrize(
    ("function", "given", "named", "said"),
    [
        (risk.position_size, (10_000, 0.01, "12"), {}, "stop_points must be .*got '12'"),
        (risk.position_size, (10_000, 0.01, 12, "M2K"), {}, "contract must be a Contract"),
        (risk.position_size, (True, 0.01, 12), {}, "equity_usd must be .*got True"),
        (risk.exposure_cap, (10_000, 1, 2400.0, 5), {}, "contract must be a Contract"),
        (risk.daily_loss_limit, ([1.0], 5), {}, "pnl_usd must be a Series, got list"),
        (risk.daily_loss_limit, (pd.Series([1.0]), 5), {}, "must have a DatetimeIndex"),
        (risk.gap_risk, ([1.0], 5), {}, "bars must be a DataFrame, got list"),
        (risk.gap_risk, (BARS.reset_index(drop=True), 5), {}, "bars must have a DatetimeIndex"),
        (risk.drawdown, (pd.DataFrame({"a": ["1"]}),), {}, "equity must hold numbers only"),
        (risk.value_at_risk, (["1", "2"],), {}, "returns must be a Series or array of numbers"),
        (risk.value_at_risk, ([True, False],), {}, "returns must be a Series or array of"),
        (risk.bootstrap_equity, ([1.0], 1, 1, None), {}, "seed must be a whole number"),
    ],
)
def test_nonsense_is_refused_by_type(function, given, named, said):
    with pytest.raises(TypeError, match=said):
        function(*given, **named)


def test_each_lower_bound_from_both_sides():
    """A number just above its bound is taken, whatever the unit; 0 only where 0 means something."""
    loss = pd.Series([-5.0, 2.0], days(2))
    above = {
        "odds": lambda x: risk.kelly_fraction(0.9, x),
        "win": lambda x: risk.kelly_win_loss(0.9, x, 1.0),
        "loss": lambda x: risk.kelly_win_loss(0.9, 1.0, x),
        "variance": lambda x: risk.kelly_continuous(0.1, x),
        "to": lambda x: risk.drawdown_probability(x, 0.5),
        "risk_usd": lambda x: risk.r_multiples([1.0, -1.0], x),
        "confidence": lambda x: risk.value_at_risk([0.01, -0.02], x),
        "units' odds": lambda x: risk.risk_of_ruin(0.5, x, 3),
        "limit_usd": lambda x: risk.daily_loss_limit(loss, x),
        "equity_usd": lambda x: risk.bootstrap_equity([1.0], 3, 2, equity_usd=x, seed=1),
        "stop_points": lambda x: risk.position_size(10_000, 0.01, x),
        "price": lambda x: risk.exposure_cap(10_000, 1, x),
        "volatility": lambda x: risk.volatility_target(10_000, 0.1, x, 2400.0),
        "atr": lambda x: risk.stop_price(2400.0, "long", atr=x),
        "multiple": lambda x: risk.stop_price(2400.0, "long", atr=1.0, multiple=x),
        "points": lambda x: risk.stop_price(2400.0, "long", points=x),
        "entry": lambda x: risk.stop_price(x, "short", points=1),
    }
    at_least = {
        "multiple of Kelly": lambda x: risk.relative_growth(x),
        "multiple": lambda x: risk.drawdown_probability(0.5, x),
        "loss_probability": lambda x: risk.losing_streak_probability(2, 10, x),
        "win_probability": lambda x: risk.risk_of_ruin(x, 1, 3),
        "risk_fraction": lambda x: risk.position_size(10_000, x, 10),
        "cost_usd": lambda x: risk.position_size(10_000, 0.01, 10, cost_usd=x),
        "max_fraction": lambda x: risk.exposure_cap(10_000, x, 2400.0),
        "target": lambda x: risk.volatility_target(10_000, x, 0.2, 2400.0),
        "seed": lambda x: risk.bootstrap_equity([1.0], 3, 2, equity_usd=1.0, seed=round(x)),
        "cost in limits": lambda x: risk.Limits(cost_usd=x),
    }
    for name, call in (above | at_least).items():
        call(0.5)
        with pytest.raises(ValueError, match="must (be|leave|lie)"):
            call(-0.5 if name != "seed" else -1)
    for name, call in above.items():
        with pytest.raises(ValueError, match="must (be|leave|lie)"):
            call(0), name
    for call in at_least.values():
        call(0)


@pytest.mark.parametrize("equity_usd", [0, -0.01, -5_000])
def test_who_has_nothing_holds_nothing_at_any_leverage(equity_usd):
    assert risk.exposure_cap(equity_usd, max_fraction=10**9, price=2400.0) == 0
    assert risk.exposure_cap(0.01, max_fraction=10**9, price=2400.0) == 833
