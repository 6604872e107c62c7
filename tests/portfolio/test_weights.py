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
from tests.portfolio.inputs import NAMES, bounded, covariances, table, two


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


def test_bounds_whose_rounding_leaves_no_exact_mix():
    covariance = table(np.diag([0.1, 0.2, 0.4]))
    lows, highs = np.full(3, 1 / 3 + 1e-10), np.full(3, 1 / 3 - 1e-10)
    for method in pf.METHODS:
        for bounds in ({"lower": lows}, {"upper": highs}):
            series = {name: pd.Series(bound, list("abc")) for name, bound in bounds.items()}
            found = pf.weights_from_covariance(covariance, method, **series)
            np.testing.assert_allclose(found, 1 / 3, atol=2e-9)


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
