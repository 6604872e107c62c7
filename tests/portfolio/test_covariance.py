from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import portfolio as pf
from m2k_lessons import simulate
from tests.portfolio.inputs import NAMES, covariances, table, two

# --- covariance


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


# --- risk


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


# --- moving correlation


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
