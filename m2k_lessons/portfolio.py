"""Several holdings at once: weights by a rule, what each adds to risk, and keeping them there.

Weights
    Shares of the account, 0.25 for 25 %. `allocate` makes weights that are never short and sum
    to one.
Returns
    Simple returns as decimals, 0.01 for 1 %, one column for each asset, one row for each bar.
    Volatility is in the unit of the returns: of daily returns, a day's.
Time
    What a close shows is traded at the next close, by every rule here. A correlation or a weight
    in row t knows the rows up to t and nothing after it.
Money
    Kept in whole cents, so that what goes in, what is earned, what is paid and what is left
    agree to the cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import _check, _series
from m2k_lessons.contracts import Contract, get_contract
from m2k_lessons.facts import fact

__all__ = [
    "METHODS",
    "RULES",
    "ContractPortfolio",
    "Portfolio",
    "allocate",
    "covariance_matrix",
    "diversification_ratio",
    "ewma_correlation",
    "portfolio_volatility",
    "rebalance",
    "rebalance_contracts",
    "risk_contribution",
    "rolling_correlation",
    "weights_from_covariance",
    "whole_contracts",
]

METHODS = ("equal", "inverse_volatility", "risk_parity", "min_variance")
RULES = ("never", "calendar", "band", "correlation")

# A correlation matrix whose smallest eigenvalue is below this says that some mix of the assets
# has no risk at all. That is a copy or too few rows, and no market.
_SMALLEST_EIGENVALUE = 1e-9
_WHOLE = 1e-6  # how far weights may sum from one: rounding of printed weights is not this small
_STANDS_STILL = 1e-12  # a standard deviation below this is rounding
_NOISE = 1e-9  # what float arithmetic may add to a weight that lies on its bound


# ---------------------------------------------------------------- covariance and risk


def covariance_matrix(returns: pd.DataFrame, method: str = "sample") -> pd.DataFrame:
    """Estimate the covariance of returns, as it is in the sample or shrunk.

    Parameters
    ----------
    returns : DataFrame, shape (rows, assets)
        Simple returns as decimals, no unknown value.
    method : {"sample", "shrunk"}
        "sample" divides by n - 1. "shrunk" keeps each asset's sample volatility and draws the
        correlations towards zero, by the share that Ledoit and Wolf's formula asks for on
        standardised returns.

    Returns
    -------
    DataFrame, shape (assets, assets)
        Positive definite. ``attrs["shrinkage"]`` is the share drawn towards zero, 0 for "sample".

    Raises
    ------
    TypeError, ValueError
        An unknown value, an asset that never moves (such as cash at a fixed rate: leave it out),
        or a matrix that is not positive definite: too few rows, or an asset that is a mix of
        others. It is never repaired silently; "shrunk" is the repair, where shrinking suffices.

    Notes
    -----
    Ledoit and Wolf (2004), "A well-conditioned estimator for large-dimensional covariance
    matrices", Journal of Multivariate Analysis 88; computed by scikit-learn.

    Examples
    --------
    >>> returns = pd.DataFrame({"a": [0.01, -0.01, 0.02, -0.02], "b": [0.01, 0.01, -0.01, -0.01]})
    >>> float(covariance_matrix(returns).loc["a", "a"].round(6))
    0.000333
    """
    method = _check.choice("method", method, ("sample", "shrunk"))
    numbers = _table("returns", returns, at_least=2)
    deviation = numbers.std(axis=0, ddof=1)
    flat = np.flatnonzero(deviation <= _STANDS_STILL * (1 + np.abs(numbers).max(axis=0)))
    if len(flat):
        raise ValueError(
            f"returns must move in every column, got the same value throughout in "
            f"{returns.columns[flat[0]]!r}; leave it out, it adds no risk"
        )
    standard = (numbers - numbers.mean(axis=0)) / deviation
    correlation = standard.T @ standard / (len(numbers) - 1)
    shrinkage = 0.0
    if method == "shrunk":
        from sklearn.covariance import ledoit_wolf_shrinkage

        shrinkage = float(ledoit_wolf_shrinkage(standard, assume_centered=True))
        correlation = (1 - shrinkage) * correlation
    np.fill_diagonal(correlation, 1.0)
    lowest = float(np.linalg.eigvalsh(correlation)[0])
    if lowest < _SMALLEST_EIGENVALUE:
        way_out = (
            "use covariance='shrunk' or more rows"
            if method == "sample"
            else "leave out the asset that repeats others"
        )
        raise ValueError(
            f"returns must give a positive definite covariance, got {len(numbers)} rows of "
            f"{numbers.shape[1]} assets in which some mix has no risk (smallest eigenvalue of "
            f"the correlations {lowest:.1e}); {way_out}"
        )
    matrix = correlation * np.outer(deviation, deviation)
    table = pd.DataFrame(matrix, index=returns.columns, columns=returns.columns)
    table.attrs["shrinkage"] = shrinkage
    return table


def portfolio_volatility(weights: pd.Series, covariance: pd.DataFrame) -> float:
    """Standard deviation of the return of a mix.

    Parameters
    ----------
    weights : Series
        Shares of the account by asset; any finite numbers, a short position is negative.
    covariance : DataFrame
        Positive definite, with the same assets in any order.

    Returns
    -------
    float
        ``sqrt(w' C w)``, in the unit of the returns.

    Raises
    ------
    TypeError, ValueError
        Other assets, unknown values, a covariance that is not positive definite.

    Examples
    --------
    >>> covariance = pd.DataFrame([[0.04, 0.0], [0.0, 0.09]], ["a", "b"], ["a", "b"])
    >>> portfolio_volatility(pd.Series({"a": 0.6, "b": 0.4}), covariance).__round__(4)
    0.1697
    """
    matrix, shares = _matched(weights, covariance)
    return math.sqrt(shares @ matrix @ shares)


def risk_contribution(weights: pd.Series, covariance: pd.DataFrame) -> pd.Series:
    """What each holding adds to the volatility of the whole; the parts sum to it.

    Parameters
    ----------
    weights, covariance
        As in `portfolio_volatility`.

    Returns
    -------
    Series
        ``w_i (C w)_i / sqrt(w' C w)`` by asset, in the unit of the returns. Divide by the sum
        for shares of the risk. A negative part lowers the risk of the rest.

    Raises
    ------
    TypeError, ValueError
        As `portfolio_volatility`; weights that are all zero have no risk to share out.

    Notes
    -----
    Euler's theorem for functions of degree one; Litterman (1996), "Hot spots and hedges",
    Journal of Portfolio Management.

    Examples
    --------
    >>> covariance = pd.DataFrame([[0.04, 0.0], [0.0, 0.01]], ["a", "b"], ["a", "b"])
    >>> parts = risk_contribution(pd.Series({"a": 0.5, "b": 0.5}), covariance)
    >>> (parts / parts.sum()).round(2).to_dict()
    {'a': 0.8, 'b': 0.2}
    """
    matrix, shares = _matched(weights, covariance)
    volatility = math.sqrt(shares @ matrix @ shares)
    if volatility == 0:
        raise ValueError("weights must hold something, got zero for every asset")
    parts = shares * (matrix @ shares) / volatility
    return pd.Series(parts, index=weights.index, name="risk_contribution")


def diversification_ratio(weights: pd.Series, covariance: pd.DataFrame) -> float:
    """How many times the risk the parts have on their own is that of the whole.

    Parameters
    ----------
    weights, covariance
        As in `portfolio_volatility`; weights at least zero, not all zero.

    Returns
    -------
    float
        Weighted mean of the volatilities over the volatility of the mix: 1 when everything
        moves as one, ``sqrt(n)`` for n equal and unrelated holdings.

    Raises
    ------
    TypeError, ValueError
        As `portfolio_volatility`; a negative weight.

    Notes
    -----
    Choueifaty and Coignard (2008), "Toward maximum diversification", Journal of Portfolio
    Management 35.

    Examples
    --------
    >>> covariance = pd.DataFrame([[0.04, 0.0], [0.0, 0.04]], ["a", "b"], ["a", "b"])
    >>> diversification_ratio(pd.Series({"a": 0.5, "b": 0.5}), covariance).__round__(4)
    1.4142
    """
    matrix, shares = _matched(weights, covariance)
    if (shares < 0).any() or not shares.any():
        raise ValueError(f"weights must be at least zero and not all zero, got {[*weights]}")
    return float(shares @ np.sqrt(np.diag(matrix)) / math.sqrt(shares @ matrix @ shares))


# ---------------------------------------------------------------- correlation that moves


def rolling_correlation(x: pd.Series, y: pd.Series, window: int) -> pd.Series:
    """Correlation of the last rows, known at the close of each.

    Parameters
    ----------
    x, y : Series
        Returns on the same index, no unknown value.
    window : int
        Rows, at least 3.

    Returns
    -------
    Series
        Pearson's correlation of the `window` rows up to and including each; NaN for the first
        ``window - 1``, and where one of the two did not move.

    Raises
    ------
    TypeError, ValueError
        Different indices, an unknown value, a window that is longer than the series.

    Examples
    --------
    >>> x = pd.Series([1.0, 2.0, 3.0, 2.0])
    >>> rolling_correlation(x, -x, 3).tolist()
    [nan, nan, -1.0, -1.0]
    """
    first, second = _pair(x, y)
    window = _check.whole("window", window, at_least=3)
    if window > len(first):
        raise ValueError(f"window must be at most the {len(first)} rows given, got {window}")
    views = [np.lib.stride_tricks.sliding_window_view(one, window) for one in (first, second)]
    x_away, y_away = (view - view.mean(axis=1, keepdims=True) for view in views)
    squares = [(away**2).sum(axis=1) for away in (x_away, y_away)]
    spread = np.sqrt(squares[0] * squares[1])
    # Cash at a fixed rate seems to move by the rounding of its returns.
    noise = [window * (_STANDS_STILL * (1 + np.abs(one).max())) ** 2 for one in (first, second)]
    known = (squares[0] > noise[0]) & (squares[1] > noise[1])
    result = np.full(len(first), np.nan)
    together = (x_away * y_away).sum(axis=1)
    # An exact line may come out as 1.0000000000000002.
    result[window - 1 :][known] = np.clip(together[known] / spread[known], -1, 1)
    return pd.Series(result, index=x.index, name="correlation")


def ewma_correlation(x: pd.Series, y: pd.Series, half_life: float, minimum: int = 20) -> pd.Series:
    """Correlation in which a row counts half as much for each half-life that has passed.

    Parameters
    ----------
    x, y : Series
        Returns on the same index, no unknown value.
    half_life : float
        Rows after which a row's weight has halved, above 0.
    minimum : int
        Rows before the first result, at least 2; NaN before.

    Returns
    -------
    Series
        Known at the close of each row. Around zero, not around the mean: over days the mean is
        lost in the noise.

    Raises
    ------
    TypeError, ValueError
        Different indices, an unknown value.

    Notes
    -----
    J.P. Morgan/Reuters (1996), *RiskMetrics Technical Document*.

    Examples
    --------
    >>> x, y = pd.Series([1.0, -1.0, 1.0, -1.0]), pd.Series([1.0, -1.0, 1.0, 1.0])
    >>> ewma_correlation(x, y, half_life=1, minimum=3).round(3).tolist()
    [nan, nan, 1.0, -0.067]
    """
    first, second = _pair(x, y)
    half_life = _check.number("half_life", half_life, above=0)
    minimum = _check.whole("minimum", minimum, at_least=2)
    products = pd.DataFrame(
        {"together": first * second, "x": first**2, "y": second**2}, index=x.index
    )
    mean = products.ewm(halflife=half_life, min_periods=minimum).mean()
    spread = np.sqrt(mean["x"] * mean["y"])
    return (mean["together"] / spread.where(spread > 0)).clip(-1, 1).rename("correlation")


# ---------------------------------------------------------------- weights


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
    method = _check.choice("method", method, METHODS)
    covariance = _check.choice("covariance", covariance, ("sample", "shrunk"))
    if method == "equal":
        numbers = _table("returns", returns, at_least=1)
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
    method = _check.choice("method", method, METHODS)
    matrix = _positive_definite(covariance)
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
    fixed = high - low < _NOISE
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


# ---------------------------------------------------------------- whole contracts


def whole_contracts(
    weights: pd.Series,
    equity_usd: float,
    prices: Mapping[str, float],
    contracts: Mapping[str, Contract | str],
    *,
    rounding: str = "down",
) -> pd.DataFrame:
    """Turn weights into contracts that come whole, and say what is left over.

    Parameters
    ----------
    weights : Series
        Share of the account that each future should stand for; a short position is negative.
    equity_usd : float
        The account, above 0.
    prices : mapping of str to float, or Series
        Points, by the names in `weights`.
    contracts : mapping of str to Contract or str
        Which contract stands for each name, such as ``{"small_caps": "M2K"}``.
    rounding : {"down", "nearest"}
        "down" goes towards zero and never beyond the weight; a half goes away from zero under
        "nearest".

    Returns
    -------
    DataFrame
        One row for each name: `contracts` (int), `one_usd` (what one contract stands for),
        `wanted_usd`, `held_usd`, `left_usd` (wanted less held), `weight` (what is really held).

    Raises
    ------
    TypeError, ValueError
        Unknown values, a name without price or contract.

    Examples
    --------
    >>> table = whole_contracts(
    ...     pd.Series({"small_caps": 0.3}), 100_000, {"small_caps": 2400.0}, {"small_caps": "M2K"}
    ... )
    >>> table.loc["small_caps", ["contracts", "held_usd", "left_usd"]].tolist()
    [2.0, 24000.0, 6000.0]
    """
    rounding = _check.choice("rounding", rounding, ("down", "nearest"))
    shares = _weights("weights", weights, whole=False)
    equity_usd = _check.number("equity_usd", equity_usd, above=0)
    chosen = _contracts(weights.index, contracts)
    if not isinstance(prices, Mapping | pd.Series):
        raise TypeError(f"prices must be a mapping or a Series by name, got {_kind(prices)}")
    rows = {}
    for (name, contract), share in zip(chosen.items(), shares, strict=True):
        if name not in prices:
            raise ValueError(f"prices must have {name!r}, got {[*prices.keys()]}")
        price = _check.number(f"prices[{name!r}]", prices[name], above=0)
        one_usd, wanted_usd = contract.notional(price), share * equity_usd
        number = _whole_number(wanted_usd / one_usd, rounding)
        rows[name] = {
            "contracts": number,
            "one_usd": one_usd,
            "wanted_usd": wanted_usd,
            "held_usd": number * one_usd,
            "left_usd": wanted_usd - number * one_usd,
            "weight": number * one_usd / equity_usd,
        }
    return pd.DataFrame.from_dict(rows, orient="index").astype({"contracts": int})


def _whole_number(number: float, rounding: str) -> int:
    size = abs(number) * (1 + _NOISE)  # 0.3 * 80_000 / 12_000 is 2 contracts, not 1.9999999
    return int(math.copysign(math.floor(size + (0.5 if rounding == "nearest" else 0)), number))


# ---------------------------------------------------------------- keeping weights


@dataclass(frozen=True)
class Portfolio:
    """What `rebalance` did, row by row, in USD.

    Attributes
    ----------
    holdings_usd : DataFrame
        Of each asset at the close, after the row's trades.
    gains_usd : DataFrame
        Of each asset over the row, before its trades.
    trades_usd : DataFrame
        Bought (positive) and sold at the close. A row sums to minus its cost, except for the
        first, which puts the account's money in.
    cost_usd : Series
        Paid at the close.
    targets : DataFrame
        Weights wanted at each close.
    rebalanced : Index
        Rows with a trade after the first.
    equity_usd : float
        The money put in.
    """

    holdings_usd: pd.DataFrame
    gains_usd: pd.DataFrame
    trades_usd: pd.DataFrame
    cost_usd: pd.Series
    targets: pd.DataFrame
    rebalanced: pd.Index
    equity_usd: float

    @property
    def value_usd(self) -> pd.Series:
        """All holdings at the close, after costs."""
        cents = (100 * self.holdings_usd).round().sum(axis=1)
        return (cents / 100).rename("value_usd")

    @property
    def weights(self) -> pd.DataFrame:
        """Share of each asset at the close, after trades."""
        return self.holdings_usd.div(self.holdings_usd.sum(axis=1), axis=0)

    @property
    def returns(self) -> pd.Series:
        """Simple return of the account from close to close, after costs but for the first purchase.

        The first close is after that purchase; `equity_usd` is what was put in before it.
        """
        return self.value_usd.pct_change().iloc[1:].rename("return")

    @property
    def turnover_usd(self) -> float:
        """Bought and sold after the first row, added up."""
        return float(self.trades_usd.iloc[1:].abs().sum().sum())


def rebalance(
    weights,
    returns: pd.DataFrame,
    rule: str = "calendar",
    *,
    every="month",
    band: float = 0.05,
    pair: tuple[str, str] | None = None,
    window: int = 63,
    change: float = 0.2,
    equity_usd: float = 100_000.0,
    cost_pct=0.05,
) -> Portfolio:
    """Hold a mix of assets and bring it back to its weights by a stated rule.

    Parameters
    ----------
    weights : Series, or DataFrame on the index of returns
        Weights wanted, at least zero, summing to one. Of a DataFrame, row t is what is known at
        the close of row t: it is traded at the close of row t + 1 at the earliest.
    returns : DataFrame, shape (rows, assets)
        Simple returns as decimals, above -1, no unknown value.
    rule : {"never", "calendar", "band", "correlation"}
        "never": buy once. "calendar": at the close of the first row of each `every`. "band":
        when a close showed a weight more than `band` away from the one wanted. "correlation":
        when the correlation of `pair` over the last `window` rows differed by more than `change`
        from what it was when last traded.
    every : {"week", "month", "quarter", "year"} or int
        A number counts rows; the words need dates or periods as index.
    band : float
        Points of weight, 0.05 for 5 % of the account, above 0.
    pair : (str, str)
        Two columns, for the rule "correlation".
    window : int
        Rows, at least 3.
    change : float
        Of a correlation, above 0.
    equity_usd : float
        Money put in; the first row's close buys the first weights, and pays for it.
    cost_pct : float, or Series by asset
        % of each dollar bought or sold, 0 to 10.

    Returns
    -------
    Portfolio

    Raises
    ------
    TypeError, ValueError
        Unknown values, weights that do not sum to one, other assets, a rule's argument out of
        range.

    Notes
    -----
    Money is kept in whole cents: each gain, each trade and each cost is rounded to the cent, and
    money put in + gains - costs = holdings, exactly.

    Examples
    --------
    >>> returns = pd.DataFrame({"stocks": [0.0, 0.10, 0.0, 0.0], "cash": [0.0] * 4})
    >>> held = rebalance(
    ...     pd.Series({"stocks": 0.5, "cash": 0.5}), returns, "band", band=0.01,
    ...     equity_usd=1000, cost_pct=0,
    ... )
    >>> held.trades_usd["stocks"].tolist()  # bought, above the band, sold at the next close
    [500.0, 0.0, -25.0, 0.0]
    """
    rule = _check.choice("rule", rule, RULES)
    numbers = _table("returns", returns, at_least=2)
    _series.check_order("returns", returns.index)
    if (numbers <= -1).any():
        raise ValueError(f"returns must be above -1, got {float(numbers.min())}")
    targets = _targets(weights, returns)
    due = _rule(rule, returns, every=every, band=band, pair=pair, window=window, change=change)
    equity_usd = _check.number("equity_usd", equity_usd, at_least=1, at_most=1e12)
    rates = _cost_rates(cost_pct, returns.columns)

    grown, wanted = numbers.tolist(), targets.tolist()
    assets = range(numbers.shape[1])
    holdings, cost = _traded([0] * len(assets), round(100 * equity_usd), wanted[0], rates)
    gained, held, paid = [[0] * len(assets)], [holdings], [cost]
    rebalanced, last = [], 0
    decided = due(0, holdings, wanted[0], 0)
    for row in range(1, len(grown)):
        gains = [round(one * grown[row][i]) for i, one in enumerate(holdings)]
        holdings = [one + gain for one, gain in zip(holdings, gains, strict=True)]
        cost = 0
        if decided:  # by what the close before has shown
            total = sum(holdings)
            before = holdings
            holdings, cost = _traded(holdings, total, wanted[row - 1], rates)
            if holdings != before:
                rebalanced.append(row)
            last = row
        decided = due(row, holdings, wanted[row], last)
        gained.append(gains)
        held.append(holdings)
        paid.append(cost)
    held_cents, gained_cents = np.array(held), np.array(gained)
    # What is neither held before nor gained was traded.
    trades = held_cents - np.vstack([held_cents[:1] * 0, held_cents[:-1]]) - gained_cents
    as_table = {"index": returns.index, "columns": returns.columns}
    return Portfolio(
        holdings_usd=pd.DataFrame(held_cents / 100, **as_table),
        gains_usd=pd.DataFrame(gained_cents / 100, **as_table),
        trades_usd=pd.DataFrame(trades / 100, **as_table),
        cost_usd=pd.Series(np.array(paid) / 100, index=returns.index, name="cost_usd"),
        targets=pd.DataFrame(targets, **as_table),
        rebalanced=returns.index[rebalanced],
        equity_usd=round(100 * equity_usd) / 100,
    )


def _traded(holdings: list[int], cents: int, wanted: list[float], rates: list[float]):
    """Move `cents` to the weights wanted and pay for it: holdings after, and cost, in cents.

    The cost depends on what is traded and the other way round; going to and fro, it settles.
    """
    tried = [0]
    while True:
        cost = tried[-1]
        after = _shared_out(cents - cost, wanted)
        each = zip(after, holdings, rates, strict=True)
        asked = round(sum(abs(new - old) * rate for new, old, rate in each))
        if asked == cost:
            return after, cost
        if asked in tried:  # a few cents to and fro: the highest of them is charged
            cost = max(tried[tried.index(asked) :])
            return _shared_out(cents - cost, wanted), cost
        tried.append(asked)


def _shared_out(cents: int, wanted: list[float]) -> list[int]:
    """Whole cents in proportion to weights; rounding falls to the largest."""
    parts = [round(cents * weight) for weight in wanted]
    parts[max(range(len(wanted)), key=wanted.__getitem__)] += cents - sum(parts)
    return parts


@dataclass(frozen=True)
class ContractPortfolio:
    """What `rebalance_contracts` did, row by row.

    Attributes
    ----------
    contracts : DataFrame of int
        Held of each name at the close, after the row's trades.
    gains_usd : DataFrame
        Of the contracts held over the row.
    interest_usd : Series
        On the account at the close before.
    traded : DataFrame of int
        Contracts bought (positive) and sold at the close.
    cost_usd : Series
        Commission and slippage, paid at the close.
    value_usd : Series
        The account at the close, after costs.
    weights : DataFrame
        Market value of the contracts held over the account.
    rebalanced : Index
        Rows with a trade after the first.
    equity_usd : float
        The money put in.
    """

    contracts: pd.DataFrame
    gains_usd: pd.DataFrame
    interest_usd: pd.Series
    traded: pd.DataFrame
    cost_usd: pd.Series
    value_usd: pd.Series
    weights: pd.DataFrame
    rebalanced: pd.Index
    equity_usd: float

    @property
    def returns(self) -> pd.Series:
        """Simple return of the account from close to close, after costs."""
        return self.value_usd.pct_change().iloc[1:].rename("return")


def rebalance_contracts(
    weights,
    prices: pd.DataFrame,
    contracts: Mapping[str, Contract | str],
    rule: str = "calendar",
    *,
    every="month",
    band: float = 0.05,
    pair: tuple[str, str] | None = None,
    window: int = 63,
    change: float = 0.2,
    equity_usd: float = 100_000.0,
    interest: pd.Series | None = None,
    commission_usd: float | None = None,
    slippage_ticks: float = 1.0,
    rounding: str = "nearest",
) -> ContractPortfolio:
    """Hold futures in whole contracts and bring them back to their weights by a stated rule.

    Parameters
    ----------
    weights : Series, or DataFrame on the index of prices
        Share of the account that each future stands for, at least zero; what they leave out of
        one is cash. Of a DataFrame, row t is what is known at the close of row t.
    prices : DataFrame
        Points by name, above zero, no unknown value, without the jumps of a roll.
    contracts : mapping of str to Contract or str
        Which contract stands for each name.
    rule, every, band, pair, window, change
        As in `rebalance`. A band narrower than half a contract is met by no whole number: the
        rule then asks each day, and nothing is traded.
    equity_usd : float
        The account in the beginning.
    interest : Series, optional
        Simple return of cash by row, earned by the whole account; none when omitted.
    commission_usd : float, optional
        A contract and side; the course's assumption for each contract when omitted.
    slippage_ticks : float
        A contract and side.
    rounding : {"nearest", "down"}
        As in `whole_contracts`.

    Returns
    -------
    ContractPortfolio

    Raises
    ------
    TypeError, ValueError
        Unknown values, other names, a rule's argument out of range, an account that is used up
        (futures can lose more than it holds).

    Notes
    -----
    Money is kept in whole cents; money put in + gains + interest - costs = account, exactly.

    Examples
    --------
    >>> prices = pd.DataFrame({"small_caps": [2400.0, 2400.0, 2640.0, 2640.0]})
    >>> held = rebalance_contracts(
    ...     pd.Series({"small_caps": 0.6}), prices, {"small_caps": "M2K"}, "never",
    ...     equity_usd=40_000, commission_usd=0.85,
    ... )
    >>> held.contracts["small_caps"].tolist(), held.cost_usd.iloc[0], held.value_usd.iloc[-1]
    ([2, 2, 2, 2], np.float64(2.7), np.float64(42397.3))
    """
    rule = _check.choice("rule", rule, RULES)
    rounding = _check.choice("rounding", rounding, ("nearest", "down"))
    numbers = _table("prices", prices, at_least=2)
    _series.check_order("prices", prices.index)
    if (numbers <= 0).any():
        raise ValueError(f"prices must be above zero, got {float(numbers.min())}")
    chosen = list(_contracts(prices.columns, contracts).values())
    targets = _targets(weights, prices, whole=False)
    returns = prices.pct_change().iloc[1:]
    due = _rule(
        rule,
        prices,
        every=every,
        band=band,
        pair=pair,
        window=window,
        change=change,
        returns=returns,
    )
    equity_usd = _check.number("equity_usd", equity_usd, at_least=1, at_most=1e12)
    slippage_ticks = _check.number("slippage_ticks", slippage_ticks, at_least=0)
    side_cents = [
        100 * (_commission_usd(one, commission_usd) + slippage_ticks * one.tick_value)
        for one in chosen
    ]
    earned = _interest(interest, prices.index)

    points, wanted = numbers.tolist(), targets.tolist()
    multipliers = [one.multiplier for one in chosen]
    one_usd = [[p * m for p, m in zip(row, multipliers, strict=True)] for row in points]
    account = round(100 * equity_usd)
    number = [0] * len(chosen)
    rows = {"number": [], "gains": [], "interest": [], "cost": [], "account": []}
    rebalanced, decided, last = [], True, 0
    for row in range(len(points)):
        gains, bearing, cost = [0] * len(number), 0, 0
        if row:
            moved = zip(number, one_usd[row], one_usd[row - 1], strict=True)
            gains = [round(100 * n * (now - then)) for n, now, then in moved]
            bearing = round(account * earned[row])
            account += sum(gains) + bearing
        if account <= 0:
            raise ValueError(
                f"equity_usd must outlast the losses, the account stood at {account / 100:,.2f} "
                f"USD at {prices.index[row]}"
            )
        if decided:
            per_contract = zip(wanted[max(row - 1, 0)], one_usd[row], strict=True)
            new = [_whole_number(w * account / 100 / usd, rounding) for w, usd in per_contract]
            sides = (abs(a - b) * c for a, b, c in zip(new, number, side_cents, strict=True))
            cost = round(sum(sides))
            account -= cost
            if new != number and row:
                rebalanced.append(row)
            number, last = new, row
        held_usd = [n * usd for n, usd in zip(number, one_usd[row], strict=True)]
        decided = due(row, held_usd, wanted[row], last, account / 100)
        for name, value in zip(rows, (number, gains, bearing, cost, account), strict=True):
            rows[name].append(value)
    as_table = {"index": prices.index, "columns": prices.columns}
    held = np.array(rows["number"])
    series = {
        name: pd.Series(np.array(rows[name]) / 100, index=prices.index, name=f"{name}_usd")
        for name in ("interest", "cost")
    }
    value = pd.Series(np.array(rows["account"]) / 100, index=prices.index, name="value_usd")
    return ContractPortfolio(
        contracts=pd.DataFrame(held, **as_table),
        gains_usd=pd.DataFrame(np.array(rows["gains"]) / 100, **as_table),
        interest_usd=series["interest"],
        traded=pd.DataFrame(np.diff(held, axis=0, prepend=0 * held[:1]), **as_table),
        cost_usd=series["cost"],
        value_usd=value,
        weights=pd.DataFrame(held * np.array(one_usd), **as_table).div(value, axis=0),
        rebalanced=prices.index[rebalanced],
        equity_usd=round(100 * equity_usd) / 100,
    )


def _rule(rule, table, *, every, band, pair, window, change, returns=None) -> Callable:
    """Return the function of (row, money held, weights wanted, row last traded) that decides.

    It decides at the close of a row, for the close of the next one. A fifth argument is the
    account; when omitted, all of the money held.
    """
    band = _check.number("band", band, above=0, below=1)
    change = _check.number("change", change, above=0, below=2)
    window = _check.whole("window", window, at_least=3)
    if rule == "never":
        return lambda row, held, wanted, last, account=None: False
    if rule == "calendar":
        begins = _begins(every, table.index)
        # The calendar is known beforehand: the close before decides for the first of the month.
        tomorrow = [*begins[1:], False]
        return lambda row, held, wanted, last, account=None: tomorrow[row]
    if rule == "band":

        def left(row, held, wanted, last, account=None) -> bool:
            account = sum(held) if account is None else account
            limit = (band + _NOISE) * account
            for money, weight in zip(held, wanted, strict=True):
                if not -limit <= money - weight * account <= limit:
                    return True
            return False

        return left
    if pair is None or isinstance(pair, str) or len(pair) != 2 or pair[0] == pair[1]:
        raise ValueError(f"pair must name two columns for the rule 'correlation', got {pair!r}")
    returns = table if returns is None else returns
    unknown = [name for name in pair if name not in returns.columns]
    if unknown:
        raise ValueError(f"pair must name two columns of {[*returns.columns]}, got {pair!r}")
    moving = rolling_correlation(returns[pair[0]], returns[pair[1]], window)
    moving = moving.reindex(table.index).tolist()

    def moved(row, held, wanted, last, account=None) -> bool:
        # Before the window is full nothing is known; the first full one is what to compare with.
        then = moving[last] if not math.isnan(moving[last]) else first_known
        return abs(moving[row] - then) > change  # False for NaN

    first_known = next((one for one in moving if not math.isnan(one)), math.nan)
    return moved


def _begins(every, index: pd.Index) -> list[bool]:
    """Whether a new week, month, quarter, year or block of rows begins with each row."""
    if not isinstance(every, str):
        rows = _check.whole("every", every, at_least=1)
        return [row % rows == 0 for row in range(len(index))]
    codes = {"week": "W", "month": "M", "quarter": "Q", "year": "Y"}
    every = _check.choice("every", every, codes)
    if isinstance(index, pd.DatetimeIndex):
        periods = index.tz_localize(None).to_period(codes[every])
    elif isinstance(index, pd.PeriodIndex):
        periods = index.asfreq(codes[every])
    else:
        raise TypeError(
            f"every must be a number of rows where the index has no dates, got {every!r}"
        )
    return [False, *(periods[1:] != periods[:-1]).tolist()]


# ---------------------------------------------------------------- checks


def _table(name: str, given, *, at_least: int) -> np.ndarray:
    """Return the numbers of a table with names in its columns and nothing unknown."""
    if not isinstance(given, pd.DataFrame):
        raise TypeError(f"{name} must be a DataFrame, one column an asset, got {_kind(given)}")
    if not given.columns.is_unique:
        twice = given.columns[given.columns.duplicated()][0]
        raise ValueError(f"{name} must have each column once, got {twice!r} twice")
    if not len(given.columns) or len(given) < at_least:
        raise ValueError(
            f"{name} must have at least {at_least} rows and one column, got shape {given.shape}"
        )
    for column in given.columns:
        if given[column].dtype.kind not in "iuf":
            raise TypeError(f"{name} must hold numbers, got {given[column].dtype} in {column!r}")
    numbers = given.to_numpy(dtype=float, na_value=np.nan)
    unknown = np.argwhere(~np.isfinite(numbers))
    if len(unknown):
        row, column = unknown[0]
        raise ValueError(
            f"{name} must hold finite numbers, got {numbers[row, column]} in "
            f"{given.columns[column]!r} at {given.index[row]}"
        )
    return numbers


def _weights(name: str, given, *, whole: bool) -> np.ndarray:
    """Return weights as numbers; `whole` ones are at least zero and sum to one."""
    if not isinstance(given, pd.Series):
        raise TypeError(f"{name} must be a Series of weights by asset, got {_kind(given)}")
    numbers = _table(name, given.to_frame("weight").T, at_least=1)[0]
    if whole:
        _check_whole(name, numbers)
    return numbers


def _check_whole(name: str, numbers: np.ndarray) -> None:
    if (numbers < 0).any():
        raise ValueError(f"{name} must be at least zero, got {float(numbers.min())}")
    total = math.fsum(numbers)
    if abs(total - 1) > _WHOLE:
        raise ValueError(f"{name} must sum to one, got {total:.6g}")


def _targets(weights, table: pd.DataFrame, *, whole: bool = True) -> np.ndarray:
    """Return the weights wanted at each row, in the order of the table's columns."""
    columns = table.columns
    if isinstance(weights, pd.DataFrame):
        _table("weights", weights, at_least=2)
        if not weights.index.equals(table.index):
            raise ValueError("weights must have the same index as the table of assets")
        _same_names("weights", weights.columns, columns)
        rows = weights[columns].to_numpy(dtype=float)
    else:
        numbers = _weights("weights", weights, whole=False)
        _same_names("weights", weights.index, columns)
        rows = np.tile(pd.Series(numbers, weights.index)[columns].to_numpy(), (len(table), 1))
    if (rows < 0).any():
        raise ValueError(f"weights must be at least zero, got {float(rows.min())}")
    sums = rows.sum(axis=1)
    wrong = np.flatnonzero(np.abs(sums - 1) > _WHOLE) if whole else []
    if len(wrong):
        raise ValueError(
            f"weights must sum to one, got {sums[wrong[0]]:.6g} at {table.index[wrong[0]]}"
        )
    return rows


def _matched(weights, covariance) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance in the order of the weights, and the weights."""
    shares = _weights("weights", weights, whole=False)
    _positive_definite(covariance)
    _same_names("covariance", covariance.index, weights.index)
    return covariance.loc[weights.index, weights.index].to_numpy(dtype=float), shares


def _positive_definite(covariance) -> np.ndarray:
    """Refuse what cannot be a covariance of assets that all carry risk."""
    matrix = _table("covariance", covariance, at_least=1)
    if not covariance.index.equals(covariance.columns):
        raise ValueError(
            "covariance must have the same assets in rows and columns, got "
            f"{[*covariance.index]} and {[*covariance.columns]}"
        )
    scale = np.abs(matrix).max()
    if scale == 0 or not np.allclose(matrix, matrix.T, rtol=1e-8, atol=1e-12 * scale):
        raise ValueError("covariance must be symmetric and not zero")
    variance = np.diag(matrix)
    if (variance <= 0).any():
        name = covariance.index[int(np.flatnonzero(variance <= 0)[0])]
        raise ValueError(
            f"covariance must have variances above zero, got {float(variance.min())} for {name!r}; "
            "leave out what carries no risk"
        )
    deviation = np.sqrt(variance)
    lowest = float(np.linalg.eigvalsh(matrix / deviation / deviation[:, None])[0])
    if lowest < _SMALLEST_EIGENVALUE:
        raise ValueError(
            "covariance must be positive definite, got one in which some mix of the assets has "
            f"no risk or less (smallest eigenvalue of the correlations {lowest:.1e}); "
            "covariance_matrix(returns, 'shrunk') makes one that is"
        )
    return (matrix + matrix.T) / 2


def _bounds(names: pd.Index, lower, upper) -> tuple[np.ndarray, np.ndarray]:
    """Return both bounds of each weight, and refuse those that leave no weights."""
    given = {"lower": lower, "upper": upper}
    for name, bound in given.items():
        if isinstance(bound, pd.Series):
            numbers = _weights(name, bound, whole=False)
            _same_names(name, bound.index, names)
            given[name] = pd.Series(numbers, bound.index)[names].to_numpy()
        else:
            given[name] = np.full(len(names), _check.number(name, bound))
        outside = given[name][(given[name] < 0) | (given[name] > 1)]
        if len(outside):
            raise ValueError(f"{name} must be from 0 to 1, got {float(outside[0])}")
    low, high = given["lower"], given["upper"]
    crossed = np.flatnonzero(low > high)
    if len(crossed):
        i = int(crossed[0])
        raise ValueError(f"lower must not be above upper, got {low[i]:g} and {high[i]:g}")
    if math.fsum(low) > 1 + _NOISE or math.fsum(high) < 1 - _NOISE:
        raise ValueError(
            f"lower and upper must leave weights that sum to one, got lower bounds that sum to "
            f"{math.fsum(low):g} and upper bounds that sum to {math.fsum(high):g}"
        )
    return low, high


def _same_names(name: str, got: pd.Index, wanted: pd.Index) -> None:
    if not got.is_unique or set(got) != set(wanted):
        raise ValueError(f"{name} must be for the assets {[*wanted]}, got {[*got]}")


def _contracts(names: pd.Index, contracts) -> dict[str, Contract]:
    if not isinstance(contracts, Mapping):
        raise TypeError(
            f"contracts must be a mapping such as {{'small_caps': 'M2K'}}, got {contracts!r}"
        )
    missing = [name for name in names if name not in contracts]
    if missing:
        raise ValueError(f"contracts must have {missing[0]!r}, got {[*contracts]}")
    chosen = {}
    for name in names:
        one = contracts[name]
        chosen[name] = one if isinstance(one, Contract) else get_contract(one)
    return chosen


def _cost_rates(cost_pct, columns: pd.Index) -> list[float]:
    if isinstance(cost_pct, pd.Series):
        _same_names("cost_pct", cost_pct.index, columns)
        given = [cost_pct[name] for name in columns]
    else:
        given = [cost_pct] * len(columns)
    return [_check.number("cost_pct", one, at_least=0, at_most=10) / 100 for one in given]


def _commission_usd(contract: Contract, given: float | None) -> float:
    if given is not None:
        return _check.number("commission_usd", given, at_least=0)
    try:
        return float(fact(f"course.commission.{contract.symbol}").value)
    except (KeyError, ValueError) as error:
        raise ValueError(
            f"commission_usd must be given for {contract.symbol}, the course has none for it"
        ) from error


def _interest(interest, index: pd.Index) -> list[float]:
    if interest is None:
        return [0.0] * len(index)
    if not isinstance(interest, pd.Series):
        raise TypeError(f"interest must be a Series by row, got {_kind(interest)}")
    if not interest.index.equals(index):
        raise ValueError("interest must have the same index as prices")
    return _table("interest", interest.to_frame("interest"), at_least=1)[:, 0].tolist()


def _pair(x, y) -> tuple[np.ndarray, np.ndarray]:
    for name, one in (("x", x), ("y", y)):
        if not isinstance(one, pd.Series):
            raise TypeError(f"{name} must be a Series of returns, got {_kind(one)}")
    _series.check_same_index(x=x, y=y)
    numbers = []
    for name, one in (("x", x), ("y", y)):
        values = _series.values(name, one)
        if not np.isfinite(values).all():
            row = int(np.flatnonzero(~np.isfinite(values))[0])
            raise ValueError(
                f"{name} must hold finite numbers, got {float(values[row])} at {one.index[row]}"
            )
        numbers.append(values)
    return numbers[0], numbers[1]


def _kind(given) -> str:
    plain = isinstance(given, (str, int, float, type(None)))
    return repr(given) if plain else f"a {type(given).__name__}"
