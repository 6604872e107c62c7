"""How much of one for one of the other: hedge ratios, in whole contracts."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.contracts import M2K, MES, Contract
from m2k_lessons.pairs.arguments import compiled_kernels, legs_of

METHODS = ("ols", "tls", "rolling", "kalman")
_PRIOR_DEVIATION = 100.0  # of a slope before any data: says nothing about it


class HedgeRatio(NamedTuple):
    """The line ``y = intercept + beta * x``: two numbers, or two Series by bar."""

    beta: float | pd.Series
    intercept: float | pd.Series


def hedge_ratio(
    y,
    x,
    method: str = "ols",
    *,
    window: int = 60,
    noise: float = 0.01,
    beta_step: float = 0.002,
    intercept_step: float = 0.0,
) -> HedgeRatio:
    """Slope of one leg on the other.

    Parameters
    ----------
    y, x : Series or array of float, shape (n,)
        Prices or logarithms of prices, on one index.
    method : {"ols", "tls", "rolling", "kalman"}
        - "ols": least squares, y explained by x, over all bars.
        - "tls": total least squares over all bars, for noise in both legs alike; the slope of
          x on y is its reciprocal.
        - "rolling": least squares over the last `window` bars.
        - "kalman": a beta that wanders by `beta_step` a bar, filtered.
    window : int
        Bars, at least 3. For "rolling".
    noise : float
        Standard deviation of the spread around the line, in units of y; the default means 1 %
        of logarithms. For "kalman", as the two below.
    beta_step, intercept_step : float
        Standard deviation by which beta and intercept move from one bar to the next.

    Returns
    -------
    HedgeRatio
        `beta` and `intercept`: floats for "ols" and "tls"; for the others like `y`, one for each
        bar from what was known at its close. "rolling" is NaN on the first `window - 1` bars and
        where x stood still for a whole window.

    Notes
    -----
    "kalman" measures both legs from their first bar, so that its intercept is the distance from
    the line through that bar, and starts out knowing nothing of beta. It is a filter, not a
    smoother: no estimate uses later bars. Source: Durbin and Koopman, *Time Series Analysis by
    State Space Methods*, chapter 4; total least squares: Golub and Van Loan, *Matrix
    Computations*, chapter 6.

    Examples
    --------
    >>> x = pd.Series([1.0, 2.0, 3.0, 4.0])
    >>> hedge_ratio(2 * x + 1, x)
    HedgeRatio(beta=2.0, intercept=1.0)
    """
    left, right = legs_of(y, x, fewest=3)
    method = checks.choice("method", method, METHODS)
    if method == "ols":
        return least_squares(left, right)
    if method == "tls":
        return _total_least_squares(left, right)
    slope, intercept = np.empty(len(left)), np.empty(len(left))
    if method == "rolling":
        window = checks.whole("window", window, at_least=3)
        compiled_kernels().rolling_line(left, right, window, slope, intercept)
    else:
        noise = checks.number("noise", noise, above=0)
        steps = (
            checks.number("beta_step", beta_step, at_least=0),
            checks.number("intercept_step", intercept_step, at_least=0),
        )
        priors = (_PRIOR_DEVIATION, _PRIOR_DEVIATION * noise)
        variances = [deviation**2 for deviation in (noise, *steps, *priors)]
        compiled_kernels().kalman_line(left, right, *variances, slope, intercept)
    return HedgeRatio(series.like(y, slope, "beta"), series.like(y, intercept, "intercept"))


def _total_least_squares(y: np.ndarray, x: np.ndarray) -> HedgeRatio:
    dy, dx = y - y.mean(), x - x.mean()
    yy, xx, xy = dy @ dy, dx @ dx, dx @ dy
    if xy == 0:
        raise ValueError("y and x must move together for a total least squares line, got none")
    beta = float((yy - xx + math.hypot(yy - xx, 2 * xy)) / (2 * xy))
    return HedgeRatio(beta, float(y.mean() - beta * x.mean()))


class ContractRatio(NamedTuple):
    """Whole contracts of a pair, and what rounding left over.

    `exact` is the number of x for one y; `beta_left` the beta to x's index that remains, per
    dollar of the y leg; `market_usd` the same in dollars of x's market, positive for too little x.
    """

    contracts_y: int
    contracts_x: int
    exact: float
    beta_left: float
    market_usd: float


def contract_ratio(
    beta: float,
    price_y: float,
    price_x: float,
    contract_y: Contract = M2K,
    contract_x: Contract = MES,
    *,
    most: int = 20,
    tolerance: float = 0.02,
) -> ContractRatio:
    """Whole contracts of two legs whose dollars move together.

    One contract of y moves like ``beta * price_y * multiplier_y`` dollars of x's market, one of
    x like ``price_x * multiplier_x``. Of all pairs of whole numbers up to `most`, the smallest
    one that leaves at most the share `tolerance` of beta over, else the one that leaves least.

    Parameters
    ----------
    beta : float
        Percent of y for one percent of x, above 0: the slope of logarithms or of returns, not of
        prices.
    price_y, price_x : float
        Points.
    contract_y, contract_x : Contract
        M2K and MES, or RTY and ES.
    most : int
        Largest number of contracts in a leg.
    tolerance : float
        Share of beta, from 0 to 1.

    Examples
    --------
    >>> ratio = contract_ratio(1.15, 2400.0, 6000.0)
    >>> ratio.contracts_y, ratio.contracts_x, round(ratio.exact, 3), round(ratio.beta_left, 3)
    (11, 5, 0.46, 0.014)
    """
    beta = checks.number("beta", beta, above=0)
    one_y, one_x = _one_contract(price_y, price_x, contract_y, contract_x)
    most = checks.whole("most", most, at_least=1, at_most=10_000)
    tolerance = checks.number("tolerance", tolerance, at_least=0, at_most=1)
    exact = beta * one_y / one_x
    ys = np.arange(1, most + 1)
    xs = np.floor(ys * exact + 0.5).astype(np.int64)
    possible = (xs >= 1) & (xs <= most)
    if not possible.any():
        raise ValueError(
            f"most must allow both legs, got {most}: one {contract_y.symbol} needs {exact:.3g} "
            f"{contract_x.symbol}"
        )
    over = np.where(possible, np.abs(1 - xs / (ys * exact)), np.inf)
    near = over <= tolerance
    best = int(np.argmax(near)) if near.any() else int(np.argmin(over))
    whole_y, whole_x = int(ys[best]), int(xs[best])
    left = beta_left(whole_y, whole_x, beta, price_y, price_x, contract_y, contract_x)
    return ContractRatio(whole_y, whole_x, exact, left, left * whole_y * one_y)


def beta_left(
    contracts_y: int,
    contracts_x: int,
    beta: float,
    price_y: float,
    price_x: float,
    contract_y: Contract = M2K,
    contract_x: Contract = MES,
) -> float:
    """Beta to x's index that a pair keeps, per dollar of its y leg: 0 is neutral.

    ``beta - contracts_x * notional_x / (contracts_y * notional_y)``.

    Parameters
    ----------
    contracts_y, contracts_x : int
        Contracts bought of y and sold of x, at least 1 and at least 0.
    beta, price_y, price_x, contract_y, contract_x
        As in `contract_ratio`; here beta may have any sign.

    Returns
    -------
    float
        Positive: the pair rises with the market. Negative: it falls.

    Examples
    --------
    >>> round(beta_left(1, 1, 1.15, 2400.0, 6000.0), 2)
    -1.35
    """
    beta = checks.number("beta", beta)
    one_y, one_x = _one_contract(price_y, price_x, contract_y, contract_x)
    whole_y = checks.whole("contracts_y", contracts_y, at_least=1)
    whole_x = checks.whole("contracts_x", contracts_x, at_least=0)
    return beta - whole_x * one_x / (whole_y * one_y)


def spread_usd(
    price_y,
    price_x,
    contracts_y: int,
    contracts_x: int,
    contract_y: Contract = M2K,
    contract_x: Contract = MES,
):
    """What is held long in y less what is held short in x, in dollars.

    Its change from bar to bar is the pair's profit or loss before costs (on prices without roll
    gaps: a continuous series, or one contract).

    Parameters
    ----------
    price_y, price_x : Series or array of float
        Points, on one index.
    contracts_y, contracts_x : int
        Bought of y and sold of x, at least 1.
    contract_y, contract_x : Contract

    Returns
    -------
    Series or array of float
        USD, like `price_y`.

    Examples
    --------
    >>> spread_usd(pd.Series([2400.0, 2410.0]), pd.Series([6000.0, 6000.0]), 2, 1).tolist()
    [-6000.0, -5900.0]
    """
    left, right = legs_of(price_y, price_x, names=("price_y", "price_x"))
    _contracts_of(contract_y, contract_x)
    per_y = checks.whole("contracts_y", contracts_y, at_least=1) * contract_y.multiplier
    per_x = checks.whole("contracts_x", contracts_x, at_least=1) * contract_x.multiplier
    return series.like(price_y, per_y * left - per_x * right, "spread_usd")


def _one_contract(price_y, price_x, contract_y, contract_x) -> tuple[float, float]:
    """USD of market in one contract of each leg."""
    _contracts_of(contract_y, contract_x)
    return (
        checks.number("price_y", price_y, above=0) * contract_y.multiplier,
        checks.number("price_x", price_x, above=0) * contract_x.multiplier,
    )


def _contracts_of(contract_y, contract_x) -> None:
    for name, contract in (("contract_y", contract_y), ("contract_x", contract_x)):
        if not isinstance(contract, Contract):
            raise TypeError(f"{name} must be a Contract such as M2K, got {contract!r}")


def least_squares(y: np.ndarray, x: np.ndarray) -> HedgeRatio:
    dx = x - x.mean()
    beta = float(dx @ (y - y.mean()) / (dx @ dx))
    return HedgeRatio(beta, float(y.mean() - beta * x.mean()))
