import math

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import simulate


def logs(market):
    return np.log(market["M2K"]["close"]), np.log(market["MES"]["close"])


def spread_of(market):
    y, x = logs(market)
    return (y - market.truth.intercept - market.truth.hedge_ratio * x).to_numpy()


def lagged_regression(z):
    """Slope of the change on the level before it, and its standard error."""
    fit = sm.OLS(np.diff(z), sm.add_constant(z[:-1])).fit()
    return fit.params[1], fit.bse[1]


# ---------------------------------------------------------------- the truth can be recovered


def test_hedge_ratio_is_recovered():
    misses = []
    for seed in range(20):
        market = simulate.pair(days=2520, seed=seed, hedge_ratio=1.3, half_life=10)
        y, x = logs(market)
        fit = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HAC", cov_kwds={"maxlags": 60})
        misses.append(abs(fit.params.iloc[1] - 1.3) / fit.bse.iloc[1])
    assert np.mean(np.array(misses) < 3) >= 0.95


@pytest.mark.parametrize("half_life", [3, 15, 40])
def test_half_life_is_recovered(half_life):
    misses = []
    for seed in range(20):
        market = simulate.pair(days=2520, seed=seed, half_life=half_life)
        slope, error = lagged_regression(spread_of(market))
        assert market.truth.autoregression == pytest.approx(math.exp(-math.log(2) / half_life))
        misses.append(abs(slope - (market.truth.autoregression - 1)) / error)
    assert np.mean(np.array(misses) < 3) >= 0.95


def test_spread_has_the_deviation_that_the_truth_states():
    variances = [
        np.var(spread_of(simulate.pair(days=2520, seed=s, half_life=5))) for s in range(20)
    ]
    stated = simulate.pair(days=2, seed=0, half_life=5).truth.spread_deviation_pct
    assert 100 * math.sqrt(np.mean(variances)) == pytest.approx(stated, rel=0.03)


def test_volatilities_are_as_given():
    market = simulate.pair(
        days=5000, seed=1, spread_volatility_pct=0.5, large_volatility_pct=1.2, half_life=math.inf
    )
    y, x = logs(market)
    # Standard error of a standard deviation over 5,000 days: 1 %.
    assert 100 * x.diff().std() == pytest.approx(1.2, rel=0.04)
    assert 100 * np.diff(spread_of(market)).std() == pytest.approx(0.5, rel=0.04)
    assert market.truth.spread_deviation_pct == math.inf


# ---------------------------------------------------------------- no relation


def test_infinite_half_life_moves_together_but_does_not_revert():
    statistics, correlations = [], []
    for seed in range(30):
        market = simulate.pair(days=1000, seed=seed, half_life=math.inf)
        slope, error = lagged_regression(spread_of(market))
        statistics.append(slope / error)
        y, x = logs(market)
        correlations.append(np.corrcoef(y.diff()[1:], x.diff()[1:])[0, 1])
    # Dickey and Fuller's 1 % value for a known relation; reversion with half-life 15 gives -6.7.
    assert np.mean(np.array(statistics) < -3.43) <= 0.1
    assert min(correlations) > 0.9


def test_spurious_pair_is_independent():
    correlations, volatility = [], []
    for seed in range(30):
        market = simulate.pair(days=1000, seed=seed, spurious=True)
        y, x = logs(market)
        correlations.append(np.corrcoef(y.diff()[1:], x.diff()[1:])[0, 1])
        volatility.append(y.diff().std())
    assert abs(np.mean(correlations)) < 3 / math.sqrt(30 * 1000)
    assert 100 * np.mean(volatility) == pytest.approx(math.hypot(1.15, 0.4), rel=0.02)
    truth = market.truth
    assert (truth.hedge_ratio, truth.half_life, truth.break_day) == (0.0, math.inf, None)


# ---------------------------------------------------------------- breaks


@pytest.mark.parametrize("kind", ["random_walk", "shift"])
def test_nothing_differs_before_the_break(kind):
    whole = simulate.pair(days=300, seed=5)
    broken = simulate.pair(days=300, seed=5, break_day=200, break_kind=kind)
    for symbol in ("M2K", "MES"):
        for column in ("open", "close"):
            same = whole[symbol][column].iloc[:200] == broken[symbol][column].iloc[:200]
            assert same.all()
    assert (broken.truth.break_day, broken.truth.break_kind) == (200, kind)
    assert broken.truth.shift_pct == (8.0 if kind == "shift" else None)


def test_spread_wanders_after_a_break():
    variances = {
        kind: np.mean(
            [spread_of(simulate.pair(days=800, seed=s, break_day=day))[-1] ** 2 for s in range(200)]
        )
        for kind, day in (("whole", None), ("broken", 300))
    }
    stationary = 0.004**2 / (1 - 2 ** (-2 / 15))
    assert variances["whole"] == pytest.approx(stationary, rel=0.35)
    assert variances["broken"] == pytest.approx(stationary + 500 * 0.004**2, rel=0.35)


def test_spread_settles_on_the_shifted_mean():
    ends = []
    for seed in range(50):
        market = simulate.pair(
            days=600, seed=seed, break_day=300, break_kind="shift", shift_pct=-5.0
        )
        spread = spread_of(market)
        ends.append((spread[:300].mean(), spread[400:].mean()))
    before, after = np.mean(ends, axis=0)
    assert before == pytest.approx(0, abs=0.004)
    assert after == pytest.approx(-0.05, abs=0.004)


# ---------------------------------------------------------------- bars


@settings(max_examples=200, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    days=st.integers(2, 60),
    ratio=st.floats(-3, 3),
    half_life=st.one_of(st.floats(0.01, 500), st.just(math.inf)),
    volatility=st.floats(0.01, 5),
)
def test_bars_are_sound(assert_sound_bars, seed, days, ratio, half_life, volatility):
    market = simulate.pair(
        days,
        seed,
        hedge_ratio=ratio,
        half_life=half_life,
        spread_volatility_pct=volatility,
        large_volatility_pct=volatility,
    )
    assert list(market) == ["M2K", "MES"]
    for symbol, bars in market.items():
        assert_sound_bars(symbol, bars)
        assert len(bars) == days
        assert list(bars) == ["open", "high", "low", "close", "volume"]


def test_opens_lie_between_two_closes_in_time():
    """The night holds its share of the variance, the day the rest."""
    bars = simulate.pair(days=5000, seed=3)["MES"]
    closes = np.log(bars["close"])
    night = (np.log(bars["open"]) - closes.shift()).var()
    day = (closes - np.log(bars["open"])).var()
    assert night / (night + day) == pytest.approx(0.30, abs=0.03)


def test_same_seed_same_market():
    one, two = simulate.pair(days=50, seed=9), simulate.pair(days=50, seed=9)
    other = simulate.pair(days=50, seed=10)
    assert one["M2K"].equals(two["M2K"])
    assert one.truth == two.truth
    assert not one["M2K"].equals(other["M2K"])


def test_truth_cannot_be_changed():
    with pytest.raises(AttributeError):
        simulate.pair(days=5, seed=1).truth.hedge_ratio = 2.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 1}, "days must be a whole number at least 2 and at most 9250, got 1"),
        ({"days": 2.5}, "days must be a whole number.*got 2.5"),
        ({"seed": -1}, "seed must be a whole number at least 0, got -1"),
        ({"hedge_ratio": 4}, "hedge_ratio must be .* at most 3, got 4"),
        ({"half_life": 0}, "half_life must be a finite number above 0, got 0"),
        ({"half_life": math.nan}, "half_life must be .* got nan"),
        ({"spread_volatility_pct": 0}, "spread_volatility_pct must be .* above 0.* got 0"),
        ({"large_volatility_pct": 6}, "large_volatility_pct must be .* at most 5, got 6"),
        ({"break_day": 0}, "break_day must be .* at least 1 and at most 99, got 0"),
        ({"break_day": 100}, "break_day must be .* at most 99, got 100"),
        ({"break_kind": "jump"}, "break_kind must be one of 'random_walk', 'shift', got 'jump'"),
        ({"shift_pct": 0}, "shift_pct must not be 0, got 0"),
        ({"spurious": True, "half_life": 5}, "half_life must be left out when spurious"),
        ({"spurious": True, "hedge_ratio": 1}, "hedge_ratio must be left out when spurious"),
        ({"spurious": True, "break_day": 5}, "break_day must be left out when spurious"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.pair(**{"days": 100, "seed": 1} | arguments)


@pytest.mark.parametrize(
    "arguments", [{"days": "100"}, {"seed": None}, {"half_life": "15"}, {"spurious": 1}]
)
def test_wrong_types(arguments):
    with pytest.raises(TypeError, match=next(iter(arguments))):
        simulate.pair(**{"days": 100, "seed": 1} | arguments)


def test_price_below_a_tick_is_refused():
    with pytest.raises(ValueError, match="must leave MES above 0"):
        simulate.pair(days=9250, seed=63, large_volatility_pct=5, hedge_ratio=0.0)
