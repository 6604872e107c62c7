"""Weights of a portfolio: equal, inverse volatility, risk parity, least variance."""

import math

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.portfolio.arguments import (
    NOISE,
    positive_definite,
    same_names,
    table_of,
    weights_of,
)
from m2k_lessons.portfolio.covariance import covariance_matrix

_SUM_WEIGHT = 30.0  # of the sum of weights, where assets have a mean variance of one
METHODS = ("equal", "inverse_volatility", "risk_parity", "min_variance")


def allocate(
    returns: pd.DataFrame,
    method: str = "equal",
    *,
    covariance: str = "sample",
    lower=0.0,
    upper=1.0,
) -> pd.Series:
    """Weights that sum to one, by a stated rule, from past returns.

    Parameters
    ----------
    returns : DataFrame, shape (rows, assets)
        Simple returns as decimals, no unknown value; all of them are used, so give only rows
        that were known.
    method : {"equal", "inverse_volatility", "risk_parity", "min_variance"}
        See `weights_from_covariance`. "equal" needs no covariance, and takes an asset that never
        moves.
    covariance : {"sample", "shrunk"}
        How to estimate it, see `covariance_matrix`.
    lower, upper : float or Series
        Bounds of each weight, 0 to 1.

    Returns
    -------
    Series
        Weight of each asset.

    Examples
    --------
    >>> returns = pd.DataFrame({"a": [0.01, -0.01, 0.02, -0.02], "b": [0.02, 0.02, -0.02, -0.02]})
    >>> allocate(returns, "inverse_volatility").round(3).to_dict()
    {'a': 0.558, 'b': 0.442}
    """
    method = checks.choice("method", method, METHODS)
    covariance = checks.choice("covariance", covariance, ("sample", "shrunk"))
    if method == "equal":
        numbers = table_of("returns", returns, at_least=1)
        low, high = _bounds(returns.columns, lower, upper)
        equal = _scaled_into(np.full(numbers.shape[1], 1.0), low, high)
        return pd.Series(equal, index=returns.columns, name="weight")
    matrix = covariance_matrix(returns, covariance)
    return weights_from_covariance(matrix, method, lower=lower, upper=upper)


def weights_from_covariance(
    covariance: pd.DataFrame, method: str = "equal", *, lower=0.0, upper=1.0
) -> pd.Series:
    """Weights that sum to one, by a stated rule, from a known covariance.

    Parameters
    ----------
    covariance : DataFrame, shape (assets, assets)
        Symmetric and positive definite.
    method : {"equal", "inverse_volatility", "risk_parity", "min_variance"}
        The same weight for each asset; weights in proportion to 1 / volatility; weights at which
        each asset contributes the same risk; the weights of least variance.
    lower, upper : float or Series
        Bounds of each weight, 0 to 1. "min_variance" is the least variance within the bounds.
        The other three are first found without bounds; where one is broken, weights are scaled
        in proportion and held at their bounds, so that they sum to one.

    Returns
    -------
    Series
        Weight of each asset, within its bounds, summing to one.

    Notes
    -----
    Risk parity: Maillard, Roncalli and Teïletche (2010), Journal of Portfolio Management 36,
    solved as the convex problem of Spinu (2013). Least variance: Markowitz (1952), as bounded
    least squares (Stark and Parker 1995, *Computational Statistics* 10), computed by scipy.

    Examples
    --------
    >>> covariance = pd.DataFrame([[0.04, 0.0], [0.0, 0.01]], ["a", "b"], ["a", "b"])
    >>> weights_from_covariance(covariance, "min_variance").round(3).to_dict()
    {'a': 0.2, 'b': 0.8}
    >>> weights_from_covariance(covariance, "risk_parity", upper=0.6).round(3).to_dict()
    {'a': 0.4, 'b': 0.6}
    """
    method = checks.choice("method", method, METHODS)
    matrix = positive_definite(covariance)
    low, high = _bounds(covariance.index, lower, upper)
    deviation = np.sqrt(np.diag(matrix))
    if method == "min_variance":
        weights = _least_variance(matrix / np.mean(deviation**2), low, high)
    elif method == "risk_parity":
        equal_risk = _equal_risk(matrix / np.outer(deviation, deviation))
        weights = _scaled_into(equal_risk / deviation, low, high)
    elif method == "inverse_volatility":
        weights = _scaled_into(1 / deviation, low, high)
    else:
        weights = _scaled_into(np.ones(len(matrix)), low, high)
    return pd.Series(weights, index=covariance.index, name="weight")


def _scaled_into(raw: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return clip(k * raw, low, high) with the k > 0 at which it sums to one; raw is above zero."""
    # The sum rises with k, in straight pieces between these corners.
    corners = np.unique(np.concatenate([low / raw, high / raw]))
    sums = np.clip(corners[:, None] * raw, low, high).sum(axis=1)
    end = int(np.clip(np.searchsorted(sums, 1.0), 1, len(corners) - 1))
    below, above = sums[end - 1], sums[end]
    part = (1.0 - below) / (above - below) if above > below else 0.0
    k = corners[end - 1] + part * (corners[end] - corners[end - 1])
    return _summing_to_one(np.clip(k * raw, low, high), low, high)


def _summing_to_one(weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Take the last bits that are missing from weights that their bounds let move."""
    weights = np.clip(weights, low, high)
    missing = 1.0 - math.fsum(weights)
    slack = high - weights if missing > 0 else weights - low
    inside = (weights > low) & (weights < high)
    if inside.any():  # what lies on its bound stays there
        slack = np.where(inside, slack, 0.0)
    if missing and slack.sum() > 0:
        weights = np.clip(weights + missing * slack / slack.sum(), low, high)
    return weights


def _equal_risk(correlation: np.ndarray) -> np.ndarray:
    """Minimise y'Cy / 2 - sum(log y): at the minimum, every y_i (Cy)_i is 1."""
    y = np.full(len(correlation), 1 / math.sqrt(max(correlation.sum() / len(correlation), 1e-6)))
    for _ in range(500):
        slope = correlation @ y - 1 / y
        step = np.linalg.solve(correlation + np.diag(1 / y**2), slope)
        decrement = math.sqrt(max(slope @ step, 0.0))
        # Within this step a self-concordant function falls, and y stays above zero.
        y = y - step / (1 + decrement if decrement > 0.25 else 1)
        if decrement < 1e-8:  # what is left is its square, which rounding hides
            return y
    raise ValueError(
        f"covariance must let risk parity settle, it did not after 500 steps (last {decrement:.1e})"
    )


def _least_variance(matrix: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Minimise w'Cw within the bounds and with sum one: with C = LL', the square of L'w.

    The sum is one more row of the least squares; what it is missed by is asked for in addition,
    until nothing is missing (the method of multipliers).
    """
    from scipy.optimize import lsq_linear

    free = high - low > NOISE
    weights = low.copy()
    if not free.any():
        return _summing_to_one(weights, low, high)
    rows = np.vstack([np.linalg.cholesky(matrix).T, np.full(len(low), _SUM_WEIGHT)])
    wanted = -rows[:, ~free] @ low[~free]
    total = float(np.clip(1.0, math.fsum(low), math.fsum(high)))  # one, but for printed bounds
    missing = total
    for _ in range(100):
        wanted[-1] += _SUM_WEIGHT * missing
        limits = (low[free], high[free])
        fit = lsq_linear(rows[:, free], wanted, limits, method="bvls", tol=1e-15, max_iter=1000)
        weights[free] = fit.x
        missing = total - math.fsum(weights)
        if fit.success and abs(missing) < 1e-13:
            return _summing_to_one(weights, low, high)
    raise ValueError(
        f"covariance must let the least variance settle, it did not (sum missed by {missing:.1e})"
    )


def _bounds(names: pd.Index, lower, upper) -> tuple[np.ndarray, np.ndarray]:
    """Return both bounds of each weight, and refuse those that leave no weights."""
    given = {"lower": lower, "upper": upper}
    for name, bound in given.items():
        if isinstance(bound, pd.Series):
            numbers = weights_of(name, bound)
            same_names(name, bound.index, names)
            given[name] = pd.Series(numbers, bound.index)[names].to_numpy()
        else:
            given[name] = np.full(len(names), checks.number(name, bound))
        outside = given[name][(given[name] < 0) | (given[name] > 1)]
        if len(outside):
            raise ValueError(f"{name} must be from 0 to 1, got {float(outside[0])}")
    low, high = given["lower"], given["upper"]
    crossed = np.flatnonzero(low > high)
    if len(crossed):
        i = int(crossed[0])
        raise ValueError(f"lower must not be above upper, got {low[i]:g} and {high[i]:g}")
    if math.fsum(low) > 1 + NOISE or math.fsum(high) < 1 - NOISE:
        raise ValueError(
            f"lower and upper must leave weights that sum to one, got lower bounds that sum to "
            f"{math.fsum(low):g} and upper bounds that sum to {math.fsum(high):g}"
        )
    return low, high
