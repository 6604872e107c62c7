"""Weights, risk, moving correlation, whole contracts and rebalancing, against closed forms,
scipy, scikit-learn and plain loops."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from m2k_lessons import portfolio as pf
from m2k_lessons import simulate
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.facts import fact

NAMES = ("large_caps", "small_caps", "bonds")


def table(matrix, names=None):
    matrix = np.asarray(matrix, dtype=float)
    names = list(names or "abcdefgh"[: len(matrix)])
    return pd.DataFrame(matrix, names, names)


def two(first, second, correlation):
    return table(
        [[first**2, correlation * first * second], [correlation * first * second, second**2]]
    )


def returns_of(market, names=(*NAMES, "cash")):
    closes = pd.DataFrame({name: market[name]["close"] for name in names})
    return closes.pct_change().iloc[1:]


@pytest.fixture(scope="module")
def market():
    return simulate.assets(years=6, seed=9)


@pytest.fixture(scope="module")
def returns(market):
    return returns_of(market)


@st.composite
def covariances(draw, most=6):
    """Positive definite, of any scale, with correlations from almost none to almost one."""
    size = draw(st.integers(1, most))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    common = draw(st.sampled_from([0.0, 0.5, 3.0, 30.0]))
    loads = rng.standard_normal((size, size)) + common * rng.choice([-1, 1], size)[:, None]
    matrix = loads @ loads.T
    deviation = np.sqrt(np.diag(matrix))
    own = draw(st.sampled_from([1e-6, 1e-4, 1e-2]))  # keeps it positive definite
    correlation = (1 - own) * matrix / np.outer(deviation, deviation) + own * np.eye(size)
    volatility = 10.0 ** rng.uniform(-4, 0, size)
    return table(correlation * np.outer(volatility, volatility))


@st.composite
def bounded(draw):
    """A covariance and bounds that leave at least one mix."""
    covariance = draw(covariances())
    size = len(covariance)
    fractions = st.lists(st.floats(0, 1), min_size=size, max_size=size)
    inside = np.array(draw(fractions)) + 0.01
    inside = inside / inside.sum()
    low = inside * np.array(draw(fractions))
    high = np.minimum(inside + (1 - inside) * np.array(draw(fractions)), 1)
    names = covariance.index
    return covariance, pd.Series(low, names), pd.Series(high, names)


# ---------------------------------------------------------------- weights


@settings(max_examples=150, deadline=None)
@given(bounded(), st.sampled_from(pf.METHODS))
def test_weights_sum_to_one_and_honour_every_bound(given_bounds, method):
    covariance, low, high = given_bounds
    weights = pf.weights_from_covariance(covariance, method, lower=low, upper=high)
    assert weights.index.equals(covariance.index)
    assert abs(math.fsum(weights) - 1) < 1e-12
    assert (weights >= low).all()
    assert (weights <= high).all()


@settings(max_examples=80, deadline=None)
@given(covariances())
def test_risk_parity_contributes_equal_risk(covariance):
    weights = pf.weights_from_covariance(covariance, "risk_parity")
    parts = pf.risk_contribution(weights, covariance)
    np.testing.assert_allclose(parts / parts.sum(), 1 / len(parts), rtol=1e-6)


@settings(max_examples=80, deadline=None)
@given(bounded())
def test_least_variance_meets_the_conditions_of_a_minimum(given_bounds):
    """Karush, Kuhn and Tucker: no weight that may move can be moved to advantage."""
    covariance, low, high = given_bounds
    weights = pf.weights_from_covariance(covariance, "min_variance", lower=low, upper=high)
    slope = covariance.to_numpy() @ weights.to_numpy()
    may_rise = (weights < high - 1e-9).to_numpy()
    may_fall = (weights > low + 1e-9).to_numpy()
    if may_rise.any() and may_fall.any():
        # A weight is known to the last bit of a float, its slope to that times the covariance.
        blur = 1e-7 * np.abs(slope).max() + 1e-15 * np.abs(covariance.to_numpy()).max()
        assert slope[may_fall].max() - slope[may_rise].min() <= blur


def _least_variance_by_trying_all(matrix, low, high):
    """Solve for every choice of what lies on which bound; the best that is allowed is the least."""
    best, best_variance = None, np.inf
    for sides in product((None, 0, 1), repeat=len(low)):
        free = np.array([side is None for side in sides])
        weights = np.where([side == 1 for side in sides], high, low)
        if free.any():
            inner, outer = matrix[np.ix_(free, free)], matrix[np.ix_(free, ~free)]
            rest = outer @ weights[~free]
            ones, held = np.linalg.solve(inner, np.column_stack([np.ones(free.sum()), rest])).T
            level = (1 - weights[~free].sum() + held.sum()) / ones.sum()
            weights[free] = level * ones - held
        allowed = (weights >= low - 1e-12).all() and (weights <= high + 1e-12).all()
        if allowed and abs(weights.sum() - 1) < 1e-9 and weights @ matrix @ weights < best_variance:
            best, best_variance = weights, weights @ matrix @ weights
    return best


def test_least_variance_is_the_best_of_all_active_sets():
    rng = np.random.default_rng(0)
    for _ in range(100):
        size = int(rng.integers(2, 6))
        loads = rng.standard_normal((size, size + 2)) * np.exp(rng.uniform(-3, 0, (size, 1)))
        covariance = table(loads @ loads.T)
        low = rng.uniform(0, 0.5 / size, size) * rng.integers(0, 2, size)
        high = np.where(rng.integers(0, 2, size), rng.uniform(1.2 / size, 0.9, size), 1.0)
        found = pf.weights_from_covariance(
            covariance,
            "min_variance",
            lower=pd.Series(low, covariance.index),
            upper=pd.Series(high, covariance.index),
        )
        best = _least_variance_by_trying_all(covariance.to_numpy(), low, high)
        np.testing.assert_allclose(found, best, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_risk_parity_against_slsqp(seed):
    rng = np.random.default_rng(100 + seed)
    size = int(rng.integers(2, 6))
    loads = rng.standard_normal((size, size + 3))
    matrix = loads @ loads.T

    def unequal(w):
        parts = w * (matrix @ w) / (w @ matrix @ w)
        return 1e4 * ((parts - 1 / size) ** 2).sum()

    peer = minimize(
        unequal,
        1 / np.sqrt(np.diag(matrix)) / (1 / np.sqrt(np.diag(matrix))).sum(),
        bounds=[(1e-6, 1)] * size,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-16, "maxiter": 1000},
    )
    assert peer.fun < 1e-6
    np.testing.assert_allclose(
        pf.weights_from_covariance(table(matrix), "risk_parity"), peer.x, atol=1e-4
    )


@pytest.mark.parametrize("correlation", [-0.9, -0.3, 0.0, 0.4, 0.6])
def test_two_assets_have_closed_forms(correlation):
    first, second = 0.12, 0.2
    covariance = two(first, second, correlation)
    # Of two assets, risk parity is inverse volatility, whatever the correlation.
    parity = second / (first + second)
    for method in ("inverse_volatility", "risk_parity"):
        np.testing.assert_allclose(
            pf.weights_from_covariance(covariance, method), [parity, 1 - parity], rtol=1e-9
        )
    both = correlation * first * second
    least = (second**2 - both) / (first**2 + second**2 - 2 * both)
    np.testing.assert_allclose(
        pf.weights_from_covariance(covariance, "min_variance"),
        np.clip([least, 1 - least], 0, 1),
        atol=1e-10,
    )
    np.testing.assert_array_equal(pf.weights_from_covariance(covariance, "equal"), [0.5, 0.5])


def test_least_variance_leaves_out_what_only_adds_risk():
    weights = pf.weights_from_covariance(two(0.1, 0.3, 0.9), "min_variance")
    assert weights.tolist() == [1.0, 0.0]


@pytest.mark.parametrize(
    ("method", "upper", "expected"),
    [
        ("equal", {"a": 0.1, "b": 1, "c": 1}, [0.1, 0.45, 0.45]),
        ("inverse_volatility", {"a": 0.2, "b": 1, "c": 1}, [0.2, 0.8 * 2 / 3, 0.8 / 3]),
        ("risk_parity", {"a": 0.2, "b": 1, "c": 1}, [0.2, 0.8 * 2 / 3, 0.8 / 3]),
    ],
)
def test_bounds_scale_the_others_in_proportion(method, upper, expected):
    covariance = table(np.diag([0.1, 0.2, 0.4]) ** 2)
    weights = pf.weights_from_covariance(covariance, method, upper=pd.Series(upper))
    np.testing.assert_allclose(weights, expected, rtol=1e-9)


def test_bounds_that_leave_one_mix_only():
    covariance = table(np.diag([0.1, 0.2, 0.4]))
    only = pd.Series({"c": 0.5, "a": 0.2, "b": 0.3})
    for method in pf.METHODS:
        exact = pf.weights_from_covariance(covariance, method, lower=only, upper=only)
        np.testing.assert_allclose(exact, [0.2, 0.3, 0.5], atol=1e-12)
        at_low = pf.weights_from_covariance(covariance, method, lower=only)
        np.testing.assert_allclose(at_low, [0.2, 0.3, 0.5], atol=1e-12)


def test_order_of_assets_and_unit_of_returns_do_not_matter(returns):
    risky = returns[list(NAMES)]
    for method in pf.METHODS:
        weights = pf.allocate(risky, method, upper=0.7)
        again = pf.allocate(100 * risky[["bonds", "large_caps", "small_caps"]], method, upper=0.7)
        np.testing.assert_allclose(again[list(NAMES)], weights, rtol=1e-8, atol=1e-10)


def test_equal_takes_cash_and_the_others_refuse_it(returns):
    assert pf.allocate(returns).tolist() == [0.25] * 4
    for method in pf.METHODS[1:]:
        with pytest.raises(ValueError, match="throughout in 'cash'; leave it out"):
            pf.allocate(returns, method)


def test_estimates_find_the_truth_within_their_error(market, returns):
    """A stay's sample covariance has a known error for normal returns: 4 of them, 6 numbers."""
    risky = returns[list(NAMES)]
    crisis = market["hidden"]["crisis"].reindex(risky.index)
    for rows, regime in ((~crisis, market.truth.calm), (crisis, market.truth.crisis)):
        found = pf.covariance_matrix(risky[rows])
        true = regime.covariance.to_numpy()
        variance = np.diag(true)
        error = np.sqrt((true**2 + np.outer(variance, variance)) / (rows.sum() - 1))
        assert (np.abs(found - true) < 4 * error).all().all()


# ---------------------------------------------------------------- covariance


def test_sample_covariance_is_numpys(returns):
    risky = returns[list(NAMES)]
    found = pf.covariance_matrix(risky)
    np.testing.assert_allclose(found, np.cov(risky.T), rtol=1e-10)
    assert found.attrs["shrinkage"] == 0


def test_shrunk_covariance_is_scikit_learns(returns):
    from sklearn.covariance import LedoitWolf

    risky = returns[list(NAMES)].iloc[:40]
    found = pf.covariance_matrix(risky, "shrunk")
    standard = (risky - risky.mean()) / risky.std()
    # The population's n against the sample's n - 1: the formula divides by n, and so does it.
    peer = LedoitWolf(assume_centered=True).fit(standard)
    assert found.attrs["shrinkage"] == pytest.approx(peer.shrinkage_, rel=1e-12)
    assert 0 < peer.shrinkage_ < 1
    sample = pf.covariance_matrix(risky)
    np.testing.assert_allclose(np.diag(found), np.diag(sample), rtol=1e-12)
    off = ~np.eye(3, dtype=bool)
    np.testing.assert_allclose(
        found.to_numpy()[off], (1 - peer.shrinkage_) * sample.to_numpy()[off], rtol=1e-10
    )


def test_too_few_rows_are_refused_and_shrunk_on_request():
    rng = np.random.default_rng(3)
    few = pd.DataFrame(rng.standard_normal((5, 8)) / 100, columns=list("abcdefgh"))
    with pytest.raises(ValueError, match="5 rows of 8 assets .* use covariance='shrunk' or more"):
        pf.allocate(few, "min_variance")
    weights = pf.allocate(few, "min_variance", covariance="shrunk")
    assert abs(weights.sum() - 1) < 1e-12
    assert np.linalg.eigvalsh(pf.covariance_matrix(few, "shrunk"))[0] > 0


def test_a_copy_is_refused():
    rng = np.random.default_rng(3)
    frame = pd.DataFrame(rng.standard_normal((50, 2)), columns=["a", "b"])
    frame["c"] = frame["a"] + frame["b"]
    with pytest.raises(ValueError, match="some mix has no risk"):
        pf.allocate(frame, "risk_parity")


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        ([[1, 1], [1, 1]], "positive definite"),
        ([[1, 2], [2, 1]], "positive definite"),
        ([[1, 0.5], [0.2, 1]], "symmetric"),
        ([[1, np.nan], [np.nan, 1]], "finite numbers, got nan in 'b' at a"),
        ([[1, 0], [0, np.inf]], "finite numbers, got inf"),
        ([[1, 0], [0, 0]], "variances above zero, got 0.0 for 'b'"),
        ([[0, 0], [0, 0]], "symmetric and not zero"),
    ],
)
def test_what_is_no_covariance_is_refused(matrix, message):
    for method in pf.METHODS:
        with pytest.raises(ValueError, match=message):
            pf.weights_from_covariance(table(matrix), method)
    with pytest.raises(ValueError, match=message):
        pf.risk_contribution(pd.Series({"a": 0.5, "b": 0.5}), table(matrix))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"lower": 0.6}, ValueError, "lower bounds that sum to 1.2"),
        ({"upper": 0.4}, ValueError, "upper bounds that sum to 0.8"),
        ({"lower": -0.1}, ValueError, "lower must be from 0 to 1, got -0.1"),
        ({"upper": 1.5}, ValueError, "upper must be from 0 to 1, got 1.5"),
        ({"lower": pd.Series({"a": 0.5, "b": 0}), "upper": 0.4}, ValueError, "not be above upper"),
        ({"lower": pd.Series({"a": 0.1})}, ValueError, r"for the assets \['a', 'b'\]"),
        ({"lower": "0"}, TypeError, "lower must be a finite number"),
        ({"method": "markowitz"}, ValueError, "method must be one of 'equal'"),
        ({"covariance": "robust"}, ValueError, "covariance must be one of 'sample'"),
    ],
)
def test_allocate_refuses(arguments, error, message):
    frame = pd.DataFrame(np.random.default_rng(1).standard_normal((30, 2)), columns=["a", "b"])
    with pytest.raises(error, match=message):
        pf.allocate(frame, **{"method": "min_variance"} | arguments)


@pytest.mark.parametrize(
    ("frame", "error", "message"),
    [
        (pd.Series([0.1, 0.2]), TypeError, "returns must be a DataFrame"),
        (pd.DataFrame({"a": [0.1, np.nan, 0.2]}), ValueError, "got nan in 'a' at 1"),
        (pd.DataFrame({"a": ["x", "y"]}), TypeError, "returns must hold numbers"),
        (pd.DataFrame({"a": [0.1]}), ValueError, "at least 2 rows"),
        (pd.DataFrame([[0.1, 0.2]] * 3, columns=["a", "a"]), ValueError, "'a' twice"),
    ],
)
def test_strange_tables_are_refused(frame, error, message):
    with pytest.raises(error, match=message):
        pf.covariance_matrix(frame)


# ---------------------------------------------------------------- risk


@settings(max_examples=60, deadline=None)
@given(covariances(), st.integers(0, 2**32 - 1))
def test_contributions_sum_to_the_volatility(covariance, seed):
    rng = np.random.default_rng(seed)
    weights = pd.Series(rng.uniform(-1, 1, len(covariance)), covariance.index)
    volatility = pf.portfolio_volatility(weights, covariance)
    parts = pf.risk_contribution(weights, covariance)
    assert parts.sum() == pytest.approx(volatility, rel=1e-9)
    assert volatility**2 == pytest.approx(weights @ covariance @ weights, rel=1e-9)


def test_contribution_is_what_a_little_more_of_it_adds():
    covariance = two(0.12, 0.3, 0.4)
    weights = pd.Series({"b": 0.1, "a": 0.9})
    step = 1e-6
    for name in weights.index:
        more = weights.copy()
        more[name] += step
        slope = pf.portfolio_volatility(more, covariance) - pf.portfolio_volatility(
            weights, covariance
        )
        part = pf.risk_contribution(weights, covariance)[name]
        assert part == pytest.approx(weights[name] * slope / step, rel=1e-4)


def test_diversification_ratio_between_one_and_the_root_of_n():
    equal = pd.Series(0.25, list("abcd"))
    assert pf.diversification_ratio(equal, table(np.eye(4))) == pytest.approx(2.0)
    one = table(np.full((4, 4), 1 - 1e-7) + 1e-7 * np.eye(4))
    assert pf.diversification_ratio(equal, one) == pytest.approx(1.0, abs=1e-6)
    assert pf.diversification_ratio(pd.Series({"a": 1.0, "b": 0.0}), two(0.1, 0.2, 0.3)) == 1.0


def test_diversification_falls_in_the_crisis_of_the_truth(market):
    weights = pd.Series({"large_caps": 0.4, "small_caps": 0.2, "bonds": 0.4})
    calm, crisis = (
        pf.diversification_ratio(weights, regime.covariance)
        for regime in (market.truth.calm, market.truth.crisis)
    )
    assert crisis < calm
    shelter = simulate.assets(1, 1, bonds_in_crisis="shelter").truth.crisis
    assert pf.diversification_ratio(weights, shelter.covariance) > crisis


@pytest.mark.parametrize(
    ("function", "weights", "message"),
    [
        (pf.risk_contribution, {"a": 0.0, "b": 0.0}, "zero for every asset"),
        (pf.diversification_ratio, {"a": 1.5, "b": -0.5}, "at least zero"),
        (pf.diversification_ratio, {"a": 0.0, "b": 0.0}, "not all zero"),
        (pf.portfolio_volatility, {"a": 0.5, "c": 0.5}, r"for the assets \['a', 'c'\]"),
        (pf.portfolio_volatility, {"a": np.nan, "b": 0.5}, "finite numbers, got nan"),
    ],
)
def test_risk_refuses(function, weights, message):
    with pytest.raises(ValueError, match=message):
        function(pd.Series(weights), two(0.1, 0.2, 0.3))


# ---------------------------------------------------------------- moving correlation


def test_rolling_correlation_is_pandas(returns):
    x, y = returns["large_caps"], returns["small_caps"]
    found = pf.rolling_correlation(x, y, 63)
    np.testing.assert_allclose(found, x.rolling(63).corr(y), atol=1e-9)
    assert found.isna().sum() == 62


def test_ewma_correlation_by_a_plain_loop(returns):
    x, y = returns["large_caps"].iloc[:200], returns["bonds"].iloc[:200]
    found = pf.ewma_correlation(x, y, half_life=20)
    weight = 0.5 ** (np.arange(200)[::-1] / 20)
    for row in (19, 20, 133, 199):
        w, a, b = weight[199 - row :], x[: row + 1].to_numpy(), y[: row + 1].to_numpy()
        expected = (w * a * b).sum() / math.sqrt((w * a**2).sum() * (w * b**2).sum())
        assert found.iloc[row] == pytest.approx(expected, rel=1e-9)
    assert found.iloc[:19].isna().all()


@settings(max_examples=25, deadline=None)
@given(st.integers(70, 290), st.integers(0, 2**32 - 1))
def test_correlations_know_nothing_of_the_future(row, seed):
    rng = np.random.default_rng(seed)
    x, y = (pd.Series(rng.standard_normal(300)) for _ in range(2))
    changed = x.copy()
    changed.iloc[row:] = rng.standard_normal(300 - row)
    for rule in (
        lambda one: pf.rolling_correlation(one, y, 40),
        lambda one: pf.ewma_correlation(one, y, 15),
    ):
        pd.testing.assert_series_equal(rule(x).iloc[:row], rule(changed).iloc[:row])


def test_correlation_with_what_stands_still_is_unknown(returns):
    found = pf.rolling_correlation(returns["large_caps"], returns["cash"], 20)
    assert found.isna().all()


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"window": 2}, ValueError, "window must be a whole number at least 3"),
        ({"window": 11}, ValueError, "at most the 10 rows given, got 11"),
        ({"y": [1.0] * 10}, TypeError, "y must be a Series of returns"),
        ({"y": pd.Series(np.arange(9.0))}, ValueError, "same length"),
        ({"y": pd.Series([1.0] * 9 + [np.nan])}, ValueError, "finite numbers, got nan at 9"),
    ],
)
def test_rolling_correlation_refuses(change, error, message):
    arguments = {"x": pd.Series(np.arange(10.0)), "y": pd.Series(np.arange(10.0)), "window": 5}
    with pytest.raises(error, match=message):
        pf.rolling_correlation(**arguments | change)


# ---------------------------------------------------------------- whole contracts


def test_whole_contracts_on_a_hand_made_table():
    weights = pd.Series({"small": 0.30, "large": 0.50})
    prices, contracts = {"small": 2400.0, "large": 6500.0}, {"small": "M2K", "large": MES}
    down = pf.whole_contracts(weights, 100_000, prices, contracts)
    # 30,000 / 12,000 = 2.5 and 50,000 / 32,500 = 1.54
    assert down["contracts"].tolist() == [2, 1]
    assert down["left_usd"].tolist() == [6_000, 17_500]
    nearest = pf.whole_contracts(weights, 100_000, prices, contracts, rounding="nearest")
    assert nearest["contracts"].tolist() == [3, 2]
    assert nearest["weight"].tolist() == [0.36, 0.65]
    short = pf.whole_contracts(-weights, 100_000, prices, contracts)
    assert short["contracts"].tolist() == [-2, -1]
    exact = pf.whole_contracts(pd.Series({"small": 0.3}), 80_000, prices, contracts)
    assert exact["contracts"].tolist() == [2]  # although 0.3 * 80_000 is 24,000 less a bit


@settings(max_examples=60, deadline=None)
@given(st.floats(-2, 2), st.floats(1_000, 1e7), st.integers(5_000, 60_000))
def test_rounding_down_never_exceeds_the_weight(weight, equity_usd, ticks):
    price = ticks / 10
    row = pf.whole_contracts(
        pd.Series({"small": weight}), equity_usd, {"small": price}, {"small": M2K}
    ).loc["small"]
    assert abs(row["held_usd"]) <= abs(row["wanted_usd"]) * (1 + 2e-9)
    assert abs(row["left_usd"]) < row["one_usd"]
    assert row["held_usd"] + row["left_usd"] == pytest.approx(row["wanted_usd"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"equity_usd": 0}, ValueError, "equity_usd must be a finite number above 0"),
        ({"prices": {"large": 1.0}}, ValueError, "prices must have 'small'"),
        ({"prices": [2400.0]}, TypeError, "prices must be a mapping or a Series by name, got a li"),
        ({"prices": {"small": -1.0}}, ValueError, r"prices\['small'\] must be .* above 0"),
        ({"contracts": {}}, ValueError, "contracts must have 'small'"),
        ({"contracts": "M2K"}, TypeError, "contracts must be a mapping"),
        ({"contracts": {"small": "M2X"}}, ValueError, "M2X"),
        ({"rounding": "up"}, ValueError, "rounding must be one of"),
        ({"weights": {"small": 1}}, TypeError, "weights must be a Series"),
    ],
)
def test_whole_contracts_refuses(change, error, message):
    arguments = {
        "weights": pd.Series({"small": 0.5}),
        "equity_usd": 50_000,
        "prices": {"small": 2400.0},
        "contracts": {"small": "M2K"},
    }
    with pytest.raises(error, match=message):
        pf.whole_contracts(**arguments | change)


# ---------------------------------------------------------------- rebalancing


def cents(frame):
    whole = (100 * frame).round()
    assert ((100 * frame - whole).abs() < 1e-3).all(axis=None)  # nothing but whole cents
    return whole.astype("int64")


def days(number, first="2030-01-02"):
    return pd.bdate_range(first, periods=number, tz="America/New_York")


@st.composite
def holdings(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    assets, rows = draw(st.integers(1, 4)), draw(st.integers(5, 60))
    returns = np.maximum(
        rng.standard_normal((rows, assets)) * draw(st.sampled_from([0, 0.01, 0.2])), -0.9
    )
    names = list("abcd"[:assets])
    shares = rng.dirichlet(np.ones(assets), rows)
    weights = pd.DataFrame(shares, days(rows), names)
    if draw(st.booleans()):
        weights = weights.iloc[0]
    rule = draw(st.sampled_from(pf.RULES if assets > 1 else pf.RULES[:3]))
    costs = draw(st.sampled_from([0, 0.05, 1.0, 10]))
    return weights, pd.DataFrame(returns, days(rows), names), rule, {
        "every": draw(st.sampled_from(["week", "month", "quarter", 1, 3])),
        "band": draw(st.sampled_from([0.001, 0.05, 0.3])),
        "pair": ("a", "b") if rule == "correlation" else None,
        "window": 4,
        "change": 0.3,
        "equity_usd": draw(st.sampled_from([1, 777.77, 100_000, 1e9])),
        "cost_pct": costs,
    }  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(holdings())
def test_value_is_conserved_to_the_cent(case):
    weights, returns, rule, options = case
    done = pf.rebalance(weights, returns, rule, **options)
    held, gains, trades = cents(done.holdings_usd), cents(done.gains_usd), cents(done.trades_usd)
    costs, value = cents(done.cost_usd), cents(done.value_usd)
    put_in = round(100 * options["equity_usd"])
    assert trades.iloc[0].sum() + costs.iloc[0] == put_in
    assert (trades.iloc[1:].sum(axis=1) + costs.iloc[1:] == 0).all()
    assert (held.sum(axis=1) == value).all()
    assert value.iloc[-1] == put_in + gains.sum().sum() - costs.sum()
    assert (held >= 0).all(axis=None)
    assert (costs >= 0).all()
    # Costs are the rate on what was traded, to the cent; gains the return on what was held.
    traded = trades.abs().sum(axis=1) * options["cost_pct"] / 100
    assert ((costs - traded).abs() <= 1.5).all()
    earned = held.shift(fill_value=0) * returns
    assert ((gains - earned).abs() <= 0.5 + 1e-6 * held.abs()).all(axis=None)
    assert set(trades.index[(trades != 0).any(axis=1)][1:]) <= set(done.rebalanced)


@settings(max_examples=60, deadline=None)
@given(holdings())
def test_a_trade_reaches_the_weights_known_the_day_before(case):
    weights, returns, rule, options = case
    done = pf.rebalance(weights, returns, rule, **options)
    held = cents(done.holdings_usd)
    for row in (0, *(returns.index.get_loc(day) for day in done.rebalanced)):
        wanted = done.targets.iloc[max(row - 1, 0)]
        assert ((held.iloc[row] - wanted * held.iloc[row].sum()).abs() <= len(wanted)).all()


@settings(max_examples=40, deadline=None)
@given(holdings(), st.floats(0.2, 0.9))
def test_rebalancing_knows_nothing_of_the_future(case, place):
    weights, returns, rule, options = case
    cut = max(4, int(place * len(returns)))
    early = weights.iloc[:cut] if isinstance(weights, pd.DataFrame) else weights
    short = pf.rebalance(early, returns.iloc[:cut], rule, **options)
    long = pf.rebalance(weights, returns, rule, **options)
    pd.testing.assert_frame_equal(short.holdings_usd, long.holdings_usd.iloc[:cut])
    pd.testing.assert_series_equal(short.cost_usd, long.cost_usd.iloc[:cut])


def test_buy_and_hold_is_the_weighted_sum_of_growths(returns):
    weights = pd.Series({"large_caps": 0.4, "small_caps": 0.1, "bonds": 0.3, "cash": 0.2})
    done = pf.rebalance(weights, returns, "never", cost_pct=0)
    growth = (1 + returns.iloc[1:]).cumprod()
    expected = 100_000 * (growth * weights).sum(axis=1)
    np.testing.assert_allclose(done.value_usd.iloc[1:], expected, atol=0.5)
    assert (len(done.rebalanced), done.turnover_usd) == (0, 0)


def test_rebalancing_each_row_earns_the_weighted_return(returns):
    weights = pd.Series(0.25, returns.columns)
    done = pf.rebalance(weights, returns, every=1, cost_pct=0)
    np.testing.assert_allclose(done.returns, returns.iloc[1:].mean(axis=1), atol=1e-6)
    assert len(done.rebalanced) == len(returns) - 1


def test_the_calendar_trades_on_the_first_rows():
    index = days(70)  # from 2 January 2030
    frame = pd.DataFrame({"a": [0.01] * 70, "b": [0.0] * 70}, index)
    weights = pd.Series({"a": 0.5, "b": 0.5})
    done = pf.rebalance(weights, frame, "calendar", every="month")
    assert [str(day.date()) for day in done.rebalanced] == [
        "2030-02-01",
        "2030-03-01",
        "2030-04-01",
    ]
    quarter = pf.rebalance(weights, frame, "calendar", every="quarter")
    assert [str(day.date()) for day in quarter.rebalanced] == ["2030-04-01"]
    third = pf.rebalance(weights, frame, "calendar", every=30)
    assert list(third.rebalanced) == [index[30], index[60]]
    periods = frame.set_axis(pd.period_range("2030-01", periods=70, freq="M"), axis=0)
    year = pf.rebalance(weights, periods, every="year")
    assert [str(month) for month in year.rebalanced] == [f"{y}-01" for y in range(2031, 2036)]
    # A first of the month on the second row is not missed.
    early = pf.rebalance(weights, frame.set_axis(days(70, "2030-01-31"), axis=0), every="month")
    assert str(early.rebalanced[0].date()) == "2030-02-01"


def test_the_band_trades_the_day_after_it_is_left():
    frame = pd.DataFrame({"a": [0.0, 0.10, 0.15, 0.0, 0.0], "b": [0.0] * 5}, days(5))
    weights = pd.Series({"a": 0.5, "b": 0.5})
    done = pf.rebalance(weights, frame, "band", band=0.05, equity_usd=1000, cost_pct=0)
    # 500 / 500, 550 / 500 (52.4 %), 632.50 / 500 (55.8 %, seen), sold at the close after it.
    assert done.holdings_usd["a"].tolist() == [500, 550, 632.5, 566.25, 566.25]
    assert list(done.rebalanced) == [frame.index[3]]
    still = pf.rebalance(weights, frame, "band", band=0.06, equity_usd=1000, cost_pct=0)
    assert len(still.rebalanced) == 0


def test_the_correlation_rule_by_a_plain_loop(returns):
    weights = pd.Series({"large_caps": 0.3, "small_caps": 0.1, "bonds": 0.4, "cash": 0.2})
    pair = ("large_caps", "bonds")
    done = pf.rebalance(weights, returns, "correlation", pair=pair, window=63, change=0.25)
    moving = returns[pair[0]].rolling(63).corr(returns[pair[1]]).to_numpy()
    expected, reference = [], moving[62]
    for row in range(62, len(returns) - 1):
        if abs(moving[row] - reference) > 0.25:
            expected.append(row + 1)
            reference = moving[row + 1]
    # A trade changes what the next close is compared with, so the loop skips the row traded on.
    assert [returns.index.get_loc(day) for day in done.rebalanced] == expected
    assert len(expected) > 5


def test_a_cost_that_goes_round_in_cents_settles():
    names = [f"asset {i}" for i in range(200)]
    held = pf.rebalance(
        pd.Series(1 / 200, names),
        pd.DataFrame(0.0, range(2), names),
        "never",
        equity_usd=100.20,
        cost_pct=10,
    )
    bought, cost = held.holdings_usd.iloc[0].sum(), held.cost_usd.iloc[0]
    assert bought + cost == pytest.approx(100.20, abs=1e-9)
    assert 0.1 * bought - 0.005 <= cost <= 0.1 * bought + 0.5


def test_costs_by_asset():
    frame = pd.DataFrame({"a": [0.0, 0.5, 0.0], "cash": [0.0] * 3}, days(3))
    rates = pd.Series({"a": 1.0, "cash": 0.0})
    done = pf.rebalance(
        pd.Series({"a": 0.5, "cash": 0.5}), frame, every=2, cost_pct=rates, equity_usd=1000
    )
    # First: a = (1000 - c) / 2 and c = 0.01 a, so that c = 4.98.
    assert done.cost_usd.tolist()[:2] == [4.98, 0]
    assert done.holdings_usd.iloc[0].tolist() == [497.51, 497.51]
    # a has grown to 746.27 (746.265); sold down to half of what is left after 1 % of the sale.
    sold = 746.27 - done.holdings_usd["a"].iloc[2]
    assert done.cost_usd.iloc[2] == pytest.approx(0.01 * sold, abs=0.006)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "weekly"}, ValueError, "rule must be one of 'never'"),
        ({"every": "day"}, ValueError, "every must be one of 'week'"),
        ({"every": 0}, ValueError, "every must be a whole number at least 1"),
        ({"rule": "band", "band": 0}, ValueError, "band must be a finite number above 0"),
        ({"rule": "correlation"}, ValueError, "pair must name two columns"),
        ({"rule": "correlation", "pair": ("a", "x")}, ValueError, r"of \['a', 'b'\]"),
        ({"rule": "correlation", "pair": ("a", "b"), "window": 99}, ValueError, "at most the 6"),
        ({"equity_usd": 0}, ValueError, "equity_usd must be a finite number at least 1"),
        ({"cost_pct": 11}, ValueError, "cost_pct must be .* at most 10"),
        ({"cost_pct": pd.Series({"a": 1.0})}, ValueError, "cost_pct must be for the assets"),
        ({"weights": pd.Series({"a": 0.5, "b": 0.6})}, ValueError, "must sum to one, got 1.1"),
        ({"weights": pd.Series({"a": 1.5, "b": -0.5})}, ValueError, "at least zero, got -0.5"),
        ({"weights": pd.Series({"a": 1.0})}, ValueError, "weights must be for the assets"),
        ({"weights": [0.5, 0.5]}, TypeError, "weights must be a Series"),
        ({"weights": pd.DataFrame({"a": [1.0] * 6, "b": [0.0] * 6})}, ValueError, "same index"),
        ({"returns": pd.DataFrame({"a": [0.0] * 6, "b": [-1.0] * 6})}, ValueError, "above -1"),
    ],
)
def test_rebalance_refuses(change, error, message):
    rng = np.random.default_rng(1)
    arguments = {
        "weights": pd.Series({"a": 0.5, "b": 0.5}),
        "returns": pd.DataFrame(rng.standard_normal((6, 2)) / 100, days(6), ["a", "b"]),
    }
    with pytest.raises(error, match=message):
        pf.rebalance(**arguments | change)


def test_words_for_the_calendar_need_dates():
    frame = pd.DataFrame({"a": [0.0, 0.1]})
    with pytest.raises(TypeError, match="every must be a number of rows"):
        pf.rebalance(pd.Series({"a": 1.0}), frame)


def test_rows_out_of_order_are_refused():
    frame = pd.DataFrame({"a": [0.0, 0.1, 0.2]}, days(3)[::-1])
    with pytest.raises(ValueError, match="sorted by time"):
        pf.rebalance(pd.Series({"a": 1.0}), frame)


# ---------------------------------------------------------------- rebalancing whole contracts


@st.composite
def futures(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(8, 60))
    steps = 0.01 * rng.standard_normal((rows, 2))
    small = M2K.round_to_tick(2400 * np.cumprod(1 + steps[:, 0]))
    large = MES.round_to_tick(6500 * np.cumprod(1 + steps[:, 1]))
    prices = pd.DataFrame({"small": small, "large": large}, days(rows))
    shares = rng.uniform(0, 0.7, (rows, 2))
    weights = pd.DataFrame(shares, prices.index, ["small", "large"])
    return weights if draw(st.booleans()) else weights.iloc[0], prices, {
        "rule": draw(st.sampled_from(pf.RULES)),
        "every": draw(st.sampled_from(["month", 1, 5])),
        "band": draw(st.sampled_from([0.01, 0.2])),
        "pair": ("small", "large"),
        "window": 5,
        "equity_usd": draw(st.sampled_from([40_000, 123_456.78, 2e6])),
        "interest": draw(st.sampled_from([None, pd.Series(0.0001, prices.index)])),
        "slippage_ticks": draw(st.sampled_from([0, 1, 2.5])),
        "rounding": draw(st.sampled_from(["nearest", "down"])),
    }  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(futures())
def test_an_account_of_whole_contracts_is_conserved_to_the_cent(case):
    weights, prices, options = case
    pair = {"small": "M2K", "large": "MES"}
    done = pf.rebalance_contracts(weights, prices, pair, **options)
    value, costs = cents(done.value_usd), cents(done.cost_usd)
    gains, interest = cents(done.gains_usd), cents(done.interest_usd)
    put_in = round(100 * options["equity_usd"])
    assert value.iloc[-1] == put_in + gains.sum().sum() + interest.sum() - costs.sum()
    np.testing.assert_array_equal(
        value.diff().iloc[1:],
        (gains.sum(axis=1) + interest - costs).iloc[1:],
    )
    assert (done.contracts == done.traded.cumsum()).all(axis=None)
    for name, contract in (("small", M2K), ("large", MES)):
        held = done.contracts[name]
        points = prices[name].diff().fillna(0)
        expected = held.shift(fill_value=0) * points * contract.multiplier
        np.testing.assert_allclose(done.gains_usd[name], expected, atol=1e-6)
    side_usd = [
        fact(f"course.commission.{one.symbol}").value + options["slippage_ticks"] * one.tick_value
        for one in (M2K, MES)
    ]
    assert ((done.traded.abs() @ side_usd - done.cost_usd).abs() < 0.0051).all()


@settings(max_examples=60, deadline=None)
@given(futures(), st.floats(0.3, 0.9))
def test_whole_contracts_are_those_of_the_table_and_of_the_past(case, place):
    weights, prices, options = case
    pair = {"small": "M2K", "large": "MES"}
    done = pf.rebalance_contracts(weights, prices, pair, **options)
    cut = max(6, int(place * len(prices)))
    early = weights.iloc[:cut] if isinstance(weights, pd.DataFrame) else weights
    interest = options["interest"]
    past = options | {"interest": None if interest is None else interest.iloc[:cut]}
    short = pf.rebalance_contracts(early, prices.iloc[:cut], pair, **past)
    pd.testing.assert_frame_equal(short.contracts, done.contracts.iloc[:cut])
    pd.testing.assert_series_equal(short.value_usd, done.value_usd.iloc[:cut])
    for day in done.rebalanced:
        row = prices.index.get_loc(day)
        wanted = weights.iloc[row - 1] if isinstance(weights, pd.DataFrame) else weights
        before_cost = done.value_usd.iloc[row] + done.cost_usd.iloc[row]
        bought = pf.whole_contracts(
            wanted, before_cost, prices.iloc[row], pair, rounding=options["rounding"]
        )
        assert bought["contracts"].tolist() == done.contracts.iloc[row].tolist()


def test_ten_micros_by_hand():
    prices = pd.DataFrame({"small": [2400.0, 2500.0, 2500.0, 2000.0]}, days(4))
    done = pf.rebalance_contracts(
        pd.Series({"small": 1.0}),
        prices,
        {"small": M2K},
        every=2,
        equity_usd=120_000,
        commission_usd=1,
        slippage_ticks=0,
    )
    # 10 bought for $10; +$5,000; at row 2 an account of 124,990 holds 124,990 / 12,500 = 10.
    assert done.contracts["small"].tolist() == [10, 10, 10, 10]
    assert done.value_usd.tolist() == [119_990, 124_990, 124_990, 99_990]
    assert done.weights["small"].iloc[0] == pytest.approx(120_000 / 119_990)
    assert len(done.rebalanced) == 0


def test_a_small_account_holds_nothing():
    prices = pd.DataFrame({"small": [2400.0, 2500.0]}, days(2))
    done = pf.rebalance_contracts(
        pd.Series({"small": 0.4}), prices, {"small": M2K}, equity_usd=10_000
    )
    assert done.contracts["small"].tolist() == [0, 0]
    assert done.value_usd.tolist() == [10_000, 10_000]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weights": pd.Series({"small": 9.0})}, ValueError, "must outlast the losses"),
        ({"weights": pd.Series({"small": -0.5})}, ValueError, "at least zero"),
        ({"prices": pd.DataFrame({"small": [1.0, 0.0]})}, ValueError, "prices must be above zero"),
        ({"contracts": {"small": "MNQ"}}, ValueError, "commission_usd must be given for MNQ"),
        ({"commission_usd": -1}, ValueError, "commission_usd must be .* at least 0"),
        ({"slippage_ticks": -1}, ValueError, "slippage_ticks must be .* at least 0"),
        ({"interest": 0.01}, TypeError, "interest must be a Series"),
        ({"interest": pd.Series([0.01])}, ValueError, "interest must have the same index"),
    ],
)
def test_rebalance_contracts_refuses(change, error, message):
    arguments = {
        "weights": pd.Series({"small": 0.5}),
        "prices": pd.DataFrame({"small": [2400.0, 2000.0, 1900.0]}, days(3)),
        "contracts": {"small": "M2K"},
        "equity_usd": 60_000,
    }
    with pytest.raises(error, match=message):
        pf.rebalance_contracts(**arguments | change)
