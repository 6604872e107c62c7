import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.arima.model import ARIMA

from m2k_lessons import simulate

KINDS = ["trend", "reversion", "random_walk"]


def returns_of(market):
    return np.log(market["M2K"]["close"]).diff().dropna().to_numpy()


@pytest.fixture(scope="module")
def samples():
    """Forty ten-year histories of each kind."""
    return {
        kind: [returns_of(simulate.regime(kind, years=10, seed=seed)) for seed in range(40)]
        for kind in KINDS
    }


def autocorrelation(r, lag):
    return np.mean(r[lag:] * r[:-lag]) / np.mean(r * r)


def variance_ratio(r, days):
    path = np.concatenate([[0], np.cumsum(r)])
    return np.mean((path[days:] - path[:-days]) ** 2) / days / np.mean(r * r)


# ---------------------------------------------------------------- only dependence differs


@pytest.mark.parametrize("kind", KINDS)
def test_volatility_is_the_same_for_all(samples, kind):
    annual = 100 * math.sqrt(252 * np.mean([np.mean(r * r) for r in samples[kind]]))
    # 40 * 2,520 returns: standard error 0.04.
    assert annual == pytest.approx(18.0, abs=0.15)


@pytest.mark.parametrize("kind", KINDS)
def test_returns_are_normal_for_all(samples, kind):
    pooled = np.concatenate(samples[kind])
    standard = pooled / pooled.std()
    assert np.mean(standard**4) == pytest.approx(3, abs=0.06)
    assert np.mean(standard**3) == pytest.approx(0, abs=0.04)


@pytest.mark.parametrize("kind", KINDS)
def test_bars_have_the_same_range(samples, kind):
    bars = simulate.regime(kind, years=30, seed=1)["M2K"]
    height = np.log(bars["high"] / bars["low"]).mean()
    # Mean range of a Brownian path (Feller 1951): deviation times sqrt(8 / pi).
    day = 0.18 / math.sqrt(252) * math.sqrt(0.70)
    assert height == pytest.approx(day * math.sqrt(8 / math.pi), rel=0.03)


# ---------------------------------------------------------------- the truth can be recovered


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lag", [1, 2, 5, 20])
def test_autocorrelation_is_the_stated_one(samples, kind, lag):
    stated = simulate.regime(kind, days=2, seed=0).truth.autocorrelation(lag)
    found = [autocorrelation(r, lag) for r in samples[kind]]
    assert np.mean(found) == pytest.approx(stated, abs=4 * np.std(found) / math.sqrt(40))
    # Within three standard errors of one history, in 95 % of them.
    error = np.std(found)
    assert np.mean(np.abs(np.array(found) - stated) < 3 * error) >= 0.95


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("days", [5, 20, 60])
def test_variance_ratio_is_the_stated_one(samples, kind, days):
    stated = simulate.regime(kind, days=2, seed=0).truth.variance_ratio(days)
    found = [variance_ratio(r, days) for r in samples[kind]]
    # The sample's mean square holds less than the whole of a slow drift: 2 % in ten years.
    tolerance = 4 * np.std(found) / math.sqrt(40) + 0.02 * stated
    assert np.mean(found) == pytest.approx(stated, abs=tolerance)


@pytest.mark.parametrize("kind", ["trend", "reversion"])
def test_statsmodels_recovers_the_speed(kind):
    """Both kinds are ARMA(1, 1); its autoregressive part is 2 ** (-1 / half_life)."""
    misses = []
    for seed in range(4):
        market = simulate.regime(kind, days=7560, seed=seed, strength=0.6, half_life=5)
        model = ARIMA(100 * returns_of(market), order=(1, 0, 1), trend="n")
        fit = model.fit(start_params=[0.5, -0.3, 1.0])
        misses.append(abs(fit.params[0] - 2 ** (-1 / 5)) / fit.bse[0])
    assert max(misses) < 3


def test_truth_of_a_random_walk_is_no_dependence():
    truth = simulate.regime("random_walk", years=1, seed=1).truth
    assert [truth.autocorrelation(lag) for lag in (1, 10)] == [0.0, 0.0]
    assert truth.variance_ratio(50) == 1.0


def test_autocorrelations_against_hand_computed_ones():
    trend = simulate.regime("trend", years=1, seed=1, strength=0.1, half_life=1).truth
    assert [trend.autocorrelation(lag) for lag in (1, 2)] == pytest.approx([0.05, 0.025])
    # 1 + 2 * (2/3 * .05 + 1/3 * .025)
    assert trend.variance_ratio(3) == pytest.approx(1.0833333)
    reversion = simulate.regime("reversion", years=1, seed=1, strength=1, half_life=1).truth
    assert [reversion.autocorrelation(lag) for lag in (1, 2)] == pytest.approx([-0.25, -0.125])


# ---------------------------------------------------------------- what the lessons build on


def held(close, rule):
    """Profit of yesterday's position, in points, less 0.27 for each contract traded."""
    target = rule(close)
    traded = target.diff().abs().fillna(0)
    profit = target.shift(fill_value=0) * close.diff().fillna(0) - 0.27 * traded
    return profit.mean() / profit.std() * math.sqrt(252)


def crossover(close):
    return np.sign(close.rolling(20).mean() - close.rolling(50).mean()).fillna(0)


def band(close):
    """Against the market outside two deviations of 20 days, until the mean is met."""
    mean = close.rolling(20).mean()
    z = (close - mean) / close.rolling(20).std(ddof=0)
    entered = (-np.sign(z)).where(z.abs() > 2)
    met = (np.sign(close - mean) != np.sign((close - mean).shift())) & entered.isna()
    return entered.mask(met, 0).ffill().fillna(0)


def test_each_rule_earns_in_its_market_and_loses_in_the_other():
    sharpe = {
        (kind, rule.__name__): [
            held(simulate.regime(kind, years=10, seed=seed)["M2K"]["close"], rule)
            for seed in range(20)
        ]
        for kind in KINDS
        for rule in (crossover, band)
    }
    median = {key: np.median(values) for key, values in sharpe.items()}
    assert median["trend", "crossover"] > 0.7
    assert median["reversion", "band"] > 0.7
    assert median["trend", "band"] < -0.7
    assert median["reversion", "crossover"] < -0.2
    assert abs(median["random_walk", "crossover"]) < 0.35
    assert abs(median["random_walk", "band"]) < 0.35


# ---------------------------------------------------------------- bars


@settings(max_examples=200, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    seed=st.integers(0, 10**9),
    days=st.integers(2, 60),
    volatility=st.floats(0.5, 60),
)
def test_bars_are_sound(assert_sound_bars, kind, seed, days, volatility):
    market = simulate.regime(kind, days=days, seed=seed, volatility_pct=volatility)
    assert_sound_bars("M2K", market["M2K"])
    assert len(market["M2K"]) == days


def test_dates_are_trading_days_in_the_future():
    index = simulate.regime("trend", years=1, seed=1)["M2K"].index
    assert str(index[0].date()) == "2030-01-02"
    assert index.day_of_week.max() == 4
    assert "2030-12-25" not in index.strftime("%Y-%m-%d")


def test_same_seed_same_market():
    one = simulate.regime("trend", days=50, seed=9)
    assert one["M2K"].equals(simulate.regime("trend", days=50, seed=9)["M2K"])
    assert not one["M2K"].equals(simulate.regime("trend", days=50, seed=8)["M2K"])
    with pytest.raises(AttributeError):
        one.truth.strength = 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "bull"}, "kind must be one of 'trend', 'reversion', 'random_walk', got 'bull'"),
        ({"years": None}, "give either years or days, got years=None and days=None"),
        ({"days": 5}, "give either years or days, got years=1 and days=5"),
        ({"years": 0}, "years must be a finite number above 0 and at most 36, got 0"),
        ({"years": None, "days": 1}, "days must be a whole number at least 2"),
        ({"seed": 1.5}, "seed must be a whole number at least 0, got 1.5"),
        ({"volatility_pct": 61}, "volatility_pct must be .* at most 60, got 61"),
        ({"strength": 1.1}, "strength must be .* at most 1, got 1.1"),
        ({"half_life": 0}, "half_life must be .* above 0, got 0"),
        ({"kind": "random_walk", "strength": 0.1}, "strength must be left out"),
        ({"kind": "random_walk", "half_life": 5}, "half_life must be left out"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.regime(**{"kind": "trend", "years": 1, "seed": 1} | arguments)


def test_wrong_types():
    with pytest.raises(TypeError, match="kind must be one of"):
        simulate.regime(3, years=1, seed=1)
    with pytest.raises(TypeError, match="strength must be"):
        simulate.regime("trend", years=1, seed=1, strength="strong")
