"""Weights of a portfolio: equal, inverse volatility, risk parity, least variance."""

from __future__ import annotations

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
        See `weights_from_covariance`.
    covariance : {"sample", "shrunk"}
        How to estimate it, see `covariance_matrix`.
    lower, upper : float or Series
        Bounds of each weight, 0 to 1.

    Returns
    -------
    Series
        Weight of each asset.

    Raises
    ------
    TypeError, ValueError
        As `covariance_matrix` and `weights_from_covariance`. "equal" needs no covariance, and
        takes an asset that never moves.

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

    Raises
    ------
    TypeError, ValueError
        A covariance that is not finite, symmetric and positive definite; bounds that no weights
        can meet.

    Notes
    -----
    Risk parity: Maillard, Roncalli and Teïletche (2010), Journal of Portfolio Management 36,
    solved as the convex problem of Spinu (2013). Least variance: Markowitz (1952), by an
    active-set method (Nocedal and Wright, *Numerical Optimization*, algorithm 16.3).

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
    # The sum rises with k, in straight pieces between these places.
    corners = np.unique(np.concatenate([low / raw, high / raw]))
    sums = np.clip(corners[:, None] * raw, low, high).sum(axis=1)
    place = int(np.clip(np.searchsorted(sums, 1.0), 1, len(corners) - 1))
    below, above = sums[place - 1], sums[place]
    part = (1.0 - below) / (above - below) if above > below else 0.0
    k = corners[place - 1] + part * (corners[place] - corners[place - 1])
    return _summing_to_one(np.clip(k * raw, low, high), low, high)


def _summing_to_one(weights: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Take the last bits that are missing from where there is room."""
    weights = np.clip(weights, low, high)
    missing = 1.0 - math.fsum(weights)
    room = high - weights if missing > 0 else weights - low
    inside = (weights > low) & (weights < high)
    if inside.any():  # what lies on its bound stays there
        room = np.where(inside, room, 0.0)
    if missing and room.sum() > 0:
        weights = np.clip(weights + missing * room / room.sum(), low, high)
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
    """Minimise w'Cw within the bounds and with sum one, by an active-set method."""
    deviation = np.sqrt(np.diag(matrix))
    correlation = matrix / np.outer(deviation, deviation)
    weights = _scaled_into(1 / deviation**2, low, high)
    fixed = high - low < NOISE
    held = (weights <= low) | (weights >= high)
    refined = 0
    for _ in range(200 * (len(weights) + 1)):
        step = _toward_least(matrix @ weights, correlation, deviation, ~held)
        if refined < 3 and np.abs(step).max() > 1e-14:
            limit = np.where(step > 0, high, low)
            with np.errstate(divide="ignore", invalid="ignore"):
                far = np.where(step != 0, (limit - weights) / step, np.inf)
            first = int(np.argmin(far))
            weights = weights + min(1.0, max(far[first], 0.0)) * step
            refined += 1  # a whole step arrives, but for rounding, which two more take away
            if far[first] < 1:
                # Others may have arrived with it, but for rounding.
                arrived = (step != 0) & (np.abs(weights - limit) < 1e-15)
                arrived[first] = True
                weights[arrived] = limit[arrived]
                held |= arrived
                refined = 0
            continue
        released = _worth_releasing(matrix, weights, low, high, held, fixed)
        if not released:
            return _summing_to_one(weights, low, high)
        held[released], refined = False, 0
    raise ValueError("covariance must let the least variance settle, it did not")


def _toward_least(slope, correlation, deviation, free) -> np.ndarray:
    """Return the step to the least variance when only the free weights move and keep their sum."""
    step = np.zeros_like(slope)
    if free.sum() > 1:
        # In units of each asset's volatility the numbers are of one size.
        inner = correlation[np.ix_(free, free)]
        sides = np.column_stack([slope[free], np.ones(free.sum())]) / deviation[free][:, None]
        toward, ones = (np.linalg.solve(inner, sides) / deviation[free][:, None]).T
        step[free] = toward.sum() / ones.sum() * ones - toward
    return step


def _worth_releasing(matrix, weights, low, high, held, fixed) -> list[int]:
    """Return the held weight or weights whose release would lower the variance most, if any."""
    slope = matrix @ weights
    rounding = 1e-14 * (np.abs(matrix) @ weights)
    can_rise = np.flatnonzero(held & ~fixed & (weights <= low)).tolist()
    can_fall = np.flatnonzero(held & ~fixed & (weights >= high)).tolist()
    if held.all():
        pairs = [(i, j) for i in can_rise for j in can_fall]
        gains = [(slope[j] - slope[i], rounding[i] + rounding[j], [i, j]) for i, j in pairs]
    else:
        # What a unit of weight costs at the margin: the same for all free ones, but for rounding.
        surest = int(np.where(held, np.inf, rounding).argmin())
        level, blur = slope[surest], rounding[surest]
        gains = [(level - slope[i], rounding[i] + blur, [i]) for i in can_rise]
        gains += [(slope[i] - level, rounding[i] + blur, [i]) for i in can_fall]
    sure = [(gain, released) for gain, noise, released in gains if gain > noise]
    return max(sure, default=(0.0, []), key=lambda one: one[0])[1]


def _bounds(names: pd.Index, lower, upper) -> tuple[np.ndarray, np.ndarray]:
    """Return both bounds of each weight, and refuse those that leave no weights."""
    given = {"lower": lower, "upper": upper}
    for name, bound in given.items():
        if isinstance(bound, pd.Series):
            numbers = weights_of(name, bound, whole=False)
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
