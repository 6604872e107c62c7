"""Covariance and correlation, and where the risk of a portfolio comes from."""

import math

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.portfolio.arguments import (
    SMALLEST_EIGENVALUE,
    positive_definite,
    same_names,
    table_of,
    weights_of,
)

_STANDS_STILL = 1e-12  # a standard deviation below this is rounding


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
    method = checks.choice("method", method, ("sample", "shrunk"))
    numbers = table_of("returns", returns, at_least=2)
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
    if lowest < SMALLEST_EIGENVALUE:
        repairs = {
            "sample": "use covariance='shrunk' or more rows",
            "shrunk": "leave out the asset that repeats others",
        }
        raise ValueError(
            f"returns must give a positive definite covariance, got {len(numbers)} rows of "
            f"{numbers.shape[1]} assets in which some mix has no risk (smallest eigenvalue of "
            f"the correlations {lowest:.1e}); {repairs[method]}"
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

    Parameters as in `portfolio_volatility`; weights that are all zero are refused.

    Returns
    -------
    Series
        ``w_i (C w)_i / sqrt(w' C w)`` by asset, in the unit of the returns. Divide by the sum
        for shares of the risk. A negative part lowers the risk of the rest.

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

    Parameters as in `portfolio_volatility`; weights at least zero, not all zero.

    Returns
    -------
    float
        Weighted mean of the volatilities over the volatility of the mix: 1 when everything
        moves as one, ``sqrt(n)`` for n equal and unrelated holdings.

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

    Examples
    --------
    >>> x = pd.Series([1.0, 2.0, 3.0, 2.0])
    >>> rolling_correlation(x, -x, 3).tolist()
    [nan, nan, -1.0, -1.0]
    """
    first, second = _pair(x, y)
    window = checks.whole("window", window, at_least=3)
    if window > len(first):
        raise ValueError(f"window must be at most the {len(first)} rows given, got {window}")
    views = [np.lib.stride_tricks.sliding_window_view(part, window) for part in (first, second)]
    x_away, y_away = (view - view.mean(axis=1, keepdims=True) for view in views)
    squares = [(away**2).sum(axis=1) for away in (x_away, y_away)]
    spread = np.sqrt(squares[0] * squares[1])
    # Cash at a fixed rate seems to move by the rounding of its returns.
    noise = [window * (_STANDS_STILL * (1 + np.abs(part).max())) ** 2 for part in (first, second)]
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
    half_life = checks.number("half_life", half_life, above=0)
    minimum = checks.whole("minimum", minimum, at_least=2)
    products = pd.DataFrame(
        {"together": first * second, "x": first**2, "y": second**2}, index=x.index
    )
    mean = products.ewm(halflife=half_life, min_periods=minimum).mean()
    spread = np.sqrt(mean["x"] * mean["y"])
    return (mean["together"] / spread.where(spread > 0)).clip(-1, 1).rename("correlation")


def _matched(weights, covariance) -> tuple[np.ndarray, np.ndarray]:
    """Return the covariance in the order of the weights, and the weights."""
    shares = weights_of("weights", weights)
    positive_definite(covariance)
    same_names("covariance", covariance.index, weights.index)
    return covariance.loc[weights.index, weights.index].to_numpy(dtype=float), shares


def _pair(x, y) -> list[np.ndarray]:
    for name, returns in (("x", x), ("y", y)):
        checks.instance(name, returns, pd.Series, "a Series of returns")
    series.check_same_index(x=x, y=y)
    return [series.finite("x", x), series.finite("y", y)]
