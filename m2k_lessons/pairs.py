"""Pairs: two futures against each other, sized by beta, and tests of whether they belong together.

`y` is the leg that is bought when the spread is low (M2K in the course), `x` the one it is held
against (MES). Unless said otherwise both are closing prices or their logarithms; with logarithms
a hedge ratio is a beta, percent of `y` for one percent of `x`.

**No look-ahead.** `hedge_ratio` with "rolling" and "kalman", `zscore` and `pair_target` know at
each bar what was known at its close. The other functions describe all the bars they are given:
give them the past only, and trade what comes after.

**Both legs belong together row by row.** Other calendars, missing rows and missing prices are
refused, never filled: a price of yesterday beside one of today is a spread that nobody could trade.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import _check, _pair_tables, _series, backtest, data, indicators
from m2k_lessons.contracts import M2K, MES, Contract
from m2k_lessons.facts import fact

if TYPE_CHECKING:
    from types import ModuleType

METHODS = ("ols", "tls", "rolling", "kalman")
CONFIDENCES = (0.90, 0.95, 0.99)
LEVELS_PCT = (1, 5, 10)
SIZES = (0.10, 0.05, 0.01)
_LONGEST_REACH = 8  # watched bars for each bar of training, as far as the table goes
_PRIOR_DEVIATION = 100.0  # of a slope before any data: says nothing about it
_SAME_LINE = 1e-12  # share of variance left over at which two series are one
_FEWEST_BARS = 20


# ---------------------------------------------------------------- real prices


def nasdaq_and_sp500() -> pd.DataFrame:
    """Real daily closes of two stock indices, January 1999 to December 2018.

    Returns
    -------
    DataFrame
        5,031 rows in points, indexed by date: the columns "NASDAQ", the Composite, and
        "S&P 500". Without dividends.

    Raises
    ------
    FileNotFoundError
        Without the course's folder data/real.

    Notes
    -----
    The closes of ``data.load("nasdaq")`` and ``data.load("sp500")``, from Yahoo by way of the
    package arch.

    Examples
    --------
    >>> nasdaq_and_sp500().iloc[0].round(2).to_dict()
    {'NASDAQ': 2208.05, 'S&P 500': 1228.1}
    """
    closes = {"NASDAQ": "nasdaq", "S&P 500": "sp500"}
    frame = pd.DataFrame({title: data.load(name)["close"] for title, name in closes.items()})
    frame.index = frame.index.tz_localize(None).rename("Date")
    frame.attrs = {"source": "data/real, from Yahoo by way of arch", "units": "points"}
    return frame


# ---------------------------------------------------------------- how much of one for the other


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

    Raises
    ------
    TypeError, ValueError
        Legs that are not on one index, NaN or infinity in them, fewer than 3 bars, an x that
        never moves, settings outside what is accepted.

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
    left, right = _legs(y, x, fewest=3)
    method = _check.choice("method", method, METHODS)
    if method == "ols":
        return _least_squares(left, right)
    if method == "tls":
        return _total_least_squares(left, right)
    slope, intercept = np.empty(len(left)), np.empty(len(left))
    if method == "rolling":
        window = _check.whole("window", window, at_least=3)
        _kernels().rolling_line(left, right, window, slope, intercept)
    else:
        noise = _check.number("noise", noise, above=0)
        steps = (
            _check.number("beta_step", beta_step, at_least=0),
            _check.number("intercept_step", intercept_step, at_least=0),
        )
        priors = (_PRIOR_DEVIATION, _PRIOR_DEVIATION * noise)
        variances = [deviation**2 for deviation in (noise, *steps, *priors)]
        _kernels().kalman_line(left, right, *variances, slope, intercept)
    return HedgeRatio(_series.like(y, slope, "beta"), _series.like(y, intercept, "intercept"))


def _least_squares(y: np.ndarray, x: np.ndarray) -> HedgeRatio:
    dx = x - x.mean()
    beta = float(dx @ (y - y.mean()) / (dx @ dx))
    return HedgeRatio(beta, float(y.mean() - beta * x.mean()))


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

    Returns
    -------
    ContractRatio

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; no whole x for as many y as `most`.

    Examples
    --------
    >>> ratio = contract_ratio(1.15, 2400.0, 6000.0)
    >>> ratio.contracts_y, ratio.contracts_x, round(ratio.exact, 3), round(ratio.beta_left, 3)
    (11, 5, 0.46, 0.014)
    """
    beta = _check.number("beta", beta, above=0)
    one_y, one_x = _one_contract(price_y, price_x, contract_y, contract_x)
    most = _check.whole("most", most, at_least=1, at_most=10_000)
    tolerance = _check.number("tolerance", tolerance, at_least=0, at_most=1)
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

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Examples
    --------
    >>> round(beta_left(1, 1, 1.15, 2400.0, 6000.0), 2)
    -1.35
    """
    beta = _check.number("beta", beta)
    one_y, one_x = _one_contract(price_y, price_x, contract_y, contract_x)
    whole_y = _check.whole("contracts_y", contracts_y, at_least=1)
    whole_x = _check.whole("contracts_x", contracts_x, at_least=0)
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

    Raises
    ------
    TypeError, ValueError
        Legs that are not on one index, NaN or infinity, part contracts.

    Examples
    --------
    >>> spread_usd(pd.Series([2400.0, 2410.0]), pd.Series([6000.0, 6000.0]), 2, 1).tolist()
    [-6000.0, -5900.0]
    """
    left, right = _legs(price_y, price_x, names=("price_y", "price_x"))
    _contracts_of(contract_y, contract_x)
    per_y = _check.whole("contracts_y", contracts_y, at_least=1) * contract_y.multiplier
    per_x = _check.whole("contracts_x", contracts_x, at_least=1) * contract_x.multiplier
    return _series.like(price_y, per_y * left - per_x * right, "spread_usd")


# ---------------------------------------------------------------- is there a relation at all


@dataclass(frozen=True)
class EngleGranger:
    """Result of `cointegration`; prints as a table.

    Attributes
    ----------
    statistic : float
        Dickey-Fuller t statistic of the residuals of y on x.
    p_value, critical_values : float, dict of int to float
        By MacKinnon's tables for residuals of two series; critical values by level in percent.
    wrong_p_value, wrong_critical_values : float, dict of int to float
        By the tables for a series that was not fitted: what a plain Dickey-Fuller test on the
        residuals would say. For comparison only.
    beta, intercept : float
        The line whose residuals were tested.
    bars : int
    """

    statistic: float
    p_value: float
    critical_values: dict[int, float]
    wrong_p_value: float
    wrong_critical_values: dict[int, float]
    beta: float
    intercept: float
    bars: int

    def __repr__(self) -> str:
        def row(name: str, values) -> str:
            return f"{name:<38}" + "".join(f"{value:>9.2f}" for value in values)

        levels = "".join(f"{level:>7} %" for level in LEVELS_PCT)
        verdict = "a relation shows" if self.p_value < 0.05 else "no relation shows"
        return "\n".join(
            [
                f"Engle-Granger test, {self.bars:,} bars, beta {self.beta:.3f}",
                f"statistic {self.statistic:.2f}, p-value {self.p_value:.3f}: {verdict} at 5 %",
                f"{'critical values':<38}{levels}",
                row("  for residuals of two series", self.critical_values.values()),
                row("  Dickey-Fuller's (wrong here)", self.wrong_critical_values.values()),
                f"p-value by the wrong table: {self.wrong_p_value:.3f}",
            ]
        )


def cointegration(y, x) -> EngleGranger:
    """Test whether two prices that wander are tied to each other (Engle and Granger).

    The null hypothesis is that they are not. y is regressed on x, and the residuals are tested
    for a unit root. Because the line was fitted to make the residuals small, they look tied even
    where nothing is: the test needs critical values of its own (MacKinnon 2010).

    Parameters
    ----------
    y, x : Series or array of float, shape (n,)
        Logarithms of prices, or prices, on one index; at least 20 bars.

    Returns
    -------
    EngleGranger

    Raises
    ------
    TypeError, ValueError
        Legs that are not on one index, NaN or infinity in them, too few bars, an x that never
        moves, a y that is an exact line of x, or keeps a distance from it that its own past
        explains exactly.

    Notes
    -----
    With a constant. Lags are chosen by the Bayesian criterion, which kept nearer to the promised
    5 % than Akaike's and found true pairs more often; what it keeps is in
    `benchmarks/pairs_calibration.md`. From 40 bars on the statistic is that of statsmodels'
    `coint(..., autolag="bic")`; of fewer, fewer lags are tried, at most one for four bars: else
    they explain everything. Sources: Engle and Granger (1987), "Co-integration and error
    correction", Econometrica 55; MacKinnon (1994), Journal of Business & Economic Statistics 12,
    for p-values (of long series), and (2010), Queen's Economics Working Paper 1227, for critical
    values (of this many bars).

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=1000, seed=3)
    >>> test = cointegration(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]))
    >>> test.p_value < 0.01, round(test.critical_values[5], 2)
    (True, -3.34)
    """
    left, right = _legs(y, x, fewest=_FEWEST_BARS)
    line = _least_squares(left, right)
    _refuse_exact_line(left, right, line)
    statistic = _dickey_fuller(left - line.intercept - line.beta * right)
    p_value, critical = _mackinnon(statistic, 2, len(left) - 1)
    wrong_p_value, wrong = _mackinnon(statistic, 1, len(left) - 1)
    return EngleGranger(
        statistic=statistic,
        p_value=p_value,
        critical_values=critical,
        wrong_p_value=wrong_p_value,
        wrong_critical_values=wrong,
        beta=line.beta,
        intercept=line.intercept,
        bars=len(left),
    )


def _dickey_fuller(series: np.ndarray) -> float:
    """t statistic of the change on the level before, beside lagged changes, no constant."""
    most = min(math.ceil(12 * (len(series) / 100) ** 0.25), len(series) // 4)
    change, explaining = _level_and_lags(series, most)
    # In an orthonormal basis each further lag takes its own square off what is unexplained, so
    # that one decomposition serves all numbers of lags.
    all_squares = float(change @ change)
    unexplained = all_squares - np.cumsum((np.linalg.qr(explaining)[0].T @ change) ** 2)
    if unexplained[-1] <= _SAME_LINE * all_squares:
        raise ValueError("y must have shocks around its line on x, got none that come unforeseen")
    bars, used = len(change), np.arange(1, most + 2)
    criterion = bars * np.log(unexplained) + np.log(bars) * used
    change, explaining = _level_and_lags(series, int(np.argmin(criterion)))
    basis, triangle = np.linalg.qr(explaining)
    slopes = np.linalg.solve(triangle, basis.T @ change)
    left = change - explaining @ slopes
    deviation = math.sqrt(float(left @ left) / (len(change) - len(slopes)))
    return float(slopes[0] / (deviation * np.linalg.norm(np.linalg.inv(triangle)[0])))


def _level_and_lags(series: np.ndarray, lags: int) -> tuple[np.ndarray, np.ndarray]:
    """Changes of a series, and beside each the level and the `lags` changes before it."""
    steps = np.diff(series)
    past = [steps[lags - k : len(steps) - k] for k in range(1, lags + 1)]
    return steps[lags:], np.column_stack([series[lags:-1], *past])


# Of a test with a constant, by how many series the constant's line was drawn through: 1 for
# Dickey and Fuller's of a given series, 2 for Engle and Granger's of residuals. Critical values at
# 1, 5 and 10 % are polynomials in 1 / bars (MacKinnon 2010, table 2); p-values are the normal's of
# polynomials in the statistic, the first up to `star`, the second up to where p is 1 (1994).
_CRITICAL_VALUES = {
    1: (
        (-3.43035, -6.5393, -16.786, -79.433),
        (-2.86154, -2.8903, -4.234, -40.040),
        (-2.56677, -1.5384, -2.809, 0.0),
    ),
    2: (
        (-3.89644, -10.9519, -33.527, 0.0),
        (-3.33613, -6.1101, -6.823, 0.0),
        (-3.04445, -4.2412, -2.720, 0.0),
    ),
}
_P_VALUES = {
    # least, star and largest statistic, and the two polynomials
    1: (-18.83, -1.61, 2.74, (2.1659, 1.4412, 0.038269), (1.7339, 0.93202, -0.12745, -0.010368)),
    2: (-18.86, -2.62, 0.92, (2.92, 1.5012, 0.039796), (2.1945, 0.64695, -0.29198, -0.042377)),
}


def _mackinnon(statistic: float, series: int, bars: int) -> tuple[float, dict[int, float]]:
    """p-value of a statistic, and the critical values by level in percent."""
    polynomial = np.polynomial.Polynomial
    critical = _by_level(polynomial(row)(1 / bars) for row in _CRITICAL_VALUES[series])
    least, star, largest, below, above = _P_VALUES[series]
    if statistic > largest:
        return 1.0, critical
    if statistic < least:
        return 0.0, critical
    place = polynomial(below if statistic <= star else above)(statistic)
    return math.erfc(-float(place) / math.sqrt(2)) / 2, critical


@dataclass(frozen=True)
class Johansen:
    """Result of `johansen`; prints as a table.

    Attributes
    ----------
    trace, eigenvalue : tuple of float
        Trace and maximum-eigenvalue statistics of "no relation" and of "at most one".
    trace_critical_values, eigenvalue_critical_values : tuple of dict of int to float
        By level in percent, for each of the two.
    rank : int
        Relations found by the trace test at 5 %: 0 none, 1 one, 2 both series return to a mean
        by themselves.
    beta, intercept : float
        ``y = intercept + beta * x`` is the first relation; it means something where `rank` is 1.
    bars : int
    """

    trace: tuple[float, float]
    trace_critical_values: tuple[dict[int, float], dict[int, float]]
    eigenvalue: tuple[float, float]
    eigenvalue_critical_values: tuple[dict[int, float], dict[int, float]]
    rank: int
    beta: float
    intercept: float
    bars: int

    def __repr__(self) -> str:
        lines = [f"Johansen test, {self.bars:,} bars: {self.rank} relation(s) at 5 %"]
        for name, found, critical in zip(
            ("no relation", "at most one"), self.trace, self.trace_critical_values, strict=True
        ):
            limits = ", ".join(f"{level} %: {value:.2f}" for level, value in critical.items())
            lines.append(f"  {name:<12} trace {found:7.2f}   critical values {limits}")
        return "\n".join(lines)


# At 1, 5 and 10 %, for a relation with a constant between series without trend; of "no relation"
# and "at most one" (MacKinnon, Haug and Michelis 1999, table of case II).
_TRACE_LIMITS = ((25.08, 20.26, 17.98), (12.76, 9.16, 7.56))
_EIGENVALUE_LIMITS = ((20.16, 15.89, 13.91), (12.76, 9.16, 7.56))


def johansen(y, x, lags: int = 1) -> Johansen:
    """Count the relations between two prices (Johansen).

    Treats both legs alike: nothing has to be chosen as the one that is explained.

    Parameters
    ----------
    y, x : Series or array of float, shape (n,)
        Logarithms of prices, or prices, on one index; at least 20 bars.
    lags : int
        Lagged differences in the model, at least 0.

    Returns
    -------
    Johansen

    Raises
    ------
    TypeError, ValueError
        As `cointegration`.

    Notes
    -----
    With a constant in the relation and no trend in the prices (case II), and the critical values
    that belong to it. statsmodels' `coint_johansen` has no such case; the values it gives for
    its nearest one hold for prices with a trend, and call too many strangers a pair:
    `benchmarks/pairs_calibration.md` has both. Sources: Johansen (1991), Econometrica 59;
    MacKinnon, Haug and Michelis (1999), Journal of Applied Econometrics 14.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=1000, seed=3)
    >>> johansen(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]))
    Johansen test, 1,000 bars: 1 relation(s) at 5 %
      no relation  trace   31.45   critical values 1 %: 25.08, 5 %: 20.26, 10 %: 17.98
      at most one  trace    3.03   critical values 1 %: 12.76, 5 %: 9.16, 10 %: 7.56
    """
    left, right = _legs(y, x, fewest=_FEWEST_BARS)
    lags = _check.whole("lags", lags, at_least=0, at_most=len(left) // 5)
    _refuse_exact_line(left, right, _least_squares(left, right))
    # Measured from their means, so that rounding has less to eat; the constant takes it back.
    means = np.array([left.mean(), right.mean()])
    levels = np.column_stack([left, right]) - means
    steps = np.diff(levels, axis=0)
    bars = len(steps) - lags
    change = steps[lags:]
    before = np.column_stack([levels[lags:-1], np.ones(bars)])
    if lags:
        past = np.column_stack([steps[lags - k : len(steps) - k] for k in range(1, lags + 1)])
        change, before = (
            one - past @ np.linalg.lstsq(past, one, rcond=None)[0] for one in (change, before)
        )
    # The squared canonical correlations of changes with levels, by orthonormal bases.
    basis_change = np.linalg.qr(change)[0]
    basis_before, triangle = np.linalg.qr(before)
    _, correlations, weights = np.linalg.svd(basis_change.T @ basis_before)
    each = -bars * np.log1p(-(correlations**2))
    trace = (float(each.sum()), float(each[1]))
    above = [found > limits[1] for found, limits in zip(trace, _TRACE_LIMITS, strict=True)]
    weight_y, weight_x, constant = np.linalg.solve(triangle, weights[0])
    beta = float(-weight_x / weight_y)
    return Johansen(
        trace=trace,
        trace_critical_values=tuple(map(_by_level, _TRACE_LIMITS)),
        eigenvalue=tuple(map(float, each)),
        eigenvalue_critical_values=tuple(map(_by_level, _EIGENVALUE_LIMITS)),
        rank=int(above[0]) + int(all(above)),
        beta=beta,
        intercept=float(means[0] - beta * means[1] - constant / weight_y),
        bars=len(left),
    )


# ---------------------------------------------------------------- how fast it comes back


@dataclass(frozen=True)
class HalfLife:
    """Result of `half_life`, in bars.

    Attributes
    ----------
    bars : float
        ``-ln 2 / ln(1 + slope)``; infinite where the slope is 0 or more, 0 where it is -1 or
        less (nothing of a distance is left after a bar).
    low, high : float
        The interval; an infinite `high` says that no reversion at all is among the possible.
    median : float
        The estimate that is too short as often as too long; `bars` is too short on average.
    confidence : float
    slope, standard_error : float
        Of the change on the level before it.
    """

    bars: float
    low: float
    high: float
    median: float
    confidence: float
    slope: float
    standard_error: float

    def __repr__(self) -> str:
        def told(value: float) -> str:
            return "no end" if math.isinf(value) else f"{value:.1f}"

        return (
            f"half-life {told(self.bars)} bars, {100 * self.confidence:g} % interval "
            f"{told(self.low)} to {told(self.high)}, median-unbiased {told(self.median)}"
        )


def half_life(spread, *, confidence: float = 0.95) -> HalfLife:
    """Bars in which a spread's distance from its mean halves, with an interval that holds.

    The change of the spread is regressed on its level one bar before. The slope of a slow
    spread is estimated too steep, and its t statistic is not normal; the interval is therefore
    made of all slopes that a t test with its *own* quantiles (`_pair_tables`) does not reject.

    Parameters
    ----------
    spread : Series or array of float, shape (n,)
        At least 20 bars.
    confidence : {0.90, 0.95, 0.99}

    Returns
    -------
    HalfLife

    Raises
    ------
    TypeError, ValueError
        NaN or infinity, too few bars, a spread that never moves or is an exact line of its past,
        another confidence.

    Notes
    -----
    Exact for an AR(1) with normal shocks around an unknown mean. It doesn't know whether the
    spread was itself fitted (an estimated hedge ratio makes spreads look quicker): see
    `benchmarks/pairs_calibration.md` for what that does to the coverage. Sources: Stock (1991),
    Journal of Monetary Economics 28, and Hansen (1999), Review of Economics and Statistics 81.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=2520, seed=3, half_life=15)
    >>> line = hedge_ratio(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]))
    >>> half_life(np.log(market["M2K"]["close"]) - line.beta * np.log(market["MES"]["close"]))
    half-life 16.8 bars, 95 % interval 13.4 to 24.2, median-unbiased 17.3
    """
    values = _spread(spread)
    if confidence not in CONFIDENCES:
        accepted = ", ".join(f"{one:g}" for one in CONFIDENCES)
        raise ValueError(f"confidence must be one of {accepted}, got {confidence!r}")
    slope, error, _ = _reversion(values)
    tail = (1 - confidence) / 2
    found = [_autoregression_at(slope, error, len(values) - 1, p) for p in (1 - tail, tail, 0.5)]
    low, high, median = _half_lives(found)
    return HalfLife(
        bars=float(_half_lives([1 + slope])[0]),
        low=float(low),
        high=float(high),
        median=float(median),
        confidence=float(confidence),
        slope=slope,
        standard_error=error,
    )


def _reversion(values: np.ndarray) -> tuple[float, float, float]:
    """Slope of the change on the level before, its standard error, and the constant."""
    before, change = values[:-1], np.diff(values)
    level = before - before.mean()
    varies = float(level @ level)
    slope = float(level @ change) / varies
    left = change - change.mean() - slope * level
    unexplained = float(left @ left)
    if unexplained <= _SAME_LINE * float(change @ change):
        raise ValueError("spread must have shocks, got one that its own past explains exactly")
    error = math.sqrt(unexplained / (len(change) - 2) / varies)
    return slope, error, float(change.mean() - slope * before.mean())


def _autoregression_at(slope: float, error: float, bars: int, probability: float) -> float:
    """The autoregression under which the t statistic found is this quantile; 1 if none below."""
    from scipy.optimize import brentq

    def beyond(autoregression: float) -> float:
        t = (1 + slope - autoregression) / error
        return t - _quantile(autoregression, bars, probability)

    if beyond(1.0) >= 0:
        return 1.0
    if beyond(-0.999) <= 0:
        return -0.999
    return float(brentq(beyond, -0.999, 1.0, xtol=1e-12))


def _quantile(autoregression: float, bars: int, probability: float) -> float:
    """Of the t statistic of an AR(1)'s slope when this is the true autoregression."""
    nearness, quantiles = _quantile_table()
    bias = 1 + 3 * autoregression  # of the slope, times the bars (Kendall 1954)
    if bias <= 0:
        at = 0.0
    else:
        # The distance from a unit root at which the bias, in standard errors, is this one's.
        distance = 8 * bars * (1 - autoregression**2) / bias**2
        at = 1 / math.sqrt(1 + distance)
    return float(np.interp(at, nearness, quantiles[round(probability, 3)]))


@functools.cache
def _quantile_table() -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """By 1 / sqrt(1 + distance), in which the quantiles are nearly straight; normal at 0."""
    from scipy.special import ndtri

    rows = np.array(_pair_tables.QUANTILES)[::-1]
    nearness = np.r_[0.0, 1 / np.sqrt(1 + rows[:, 0])]
    columns = zip(_pair_tables.PROBABILITIES, rows[:, 1:].T, strict=True)
    return nearness, {p: np.r_[ndtri(p), column] for p, column in columns}


def _half_lives(autoregressions) -> np.ndarray:
    kept = np.asarray(autoregressions, dtype=float)
    between = (kept > 0) & (kept < 1)
    with_log = np.log(np.where(between, kept, 0.5))
    return np.where(between, -math.log(2) / with_log, np.where(kept >= 1, math.inf, 0.0))


# ---------------------------------------------------------------- when to be in


def zscore(spread, window: int):
    """Distance of a spread from its own moving average, in moving standard deviations.

    Parameters
    ----------
    spread : Series or array of float, shape (n,)
    window : int
        Bars, at least 2; the bar itself is the last of them, nothing later counts.

    Returns
    -------
    Series or array of float
        NaN on the first `window - 1` bars; 0 where the spread stood still. Population deviation,
        as in Bollinger bands.

    Raises
    ------
    TypeError, ValueError
        NaN or infinity in the spread, a window outside what is accepted.

    Examples
    --------
    >>> zscore(pd.Series([1.0, 3.0, 5.0]), window=2).tolist()
    [nan, 1.0, 1.0]
    """
    window = _check.whole("window", window, at_least=2)
    values = _spread(spread, fewest=1)
    lower, middle, _ = np.asarray(indicators.bollinger(values, window, 1.0)).T
    deviation = middle - lower
    flat = deviation == 0
    score = np.where(flat, 0.0, (values - middle) / np.where(flat, 1.0, deviation))
    return _series.like(spread, score, "zscore")


def pair_target(
    score: pd.Series,
    entry: float = 2.0,
    exit: float = 0.0,
    *,
    stop: float | None = None,
    timeout: int | None = None,
    symbols: tuple[str, str] = ("M2K", "MES"),
) -> pd.DataFrame:
    """Two-legged target: against a spread that is far, until it is back, too far, or too late.

    Parameters
    ----------
    score : Series of float
        Such as `zscore` returns; NaN while nothing is known yet.
    entry : float
        Distance at which to enter, above 0.
    exit : float
        Distance at which to leave: from 0, the average, to less than `entry`.
    stop : float, optional
        Distance at which to give up, above `entry`. No entry is made beyond it.
    timeout : int, optional
        Bars after which to give up, at least 1.
    symbols : (str, str)
        Names of y, bought when the score is low, and x, held against it.

    Returns
    -------
    DataFrame
        Two columns of 1, -1 and 0, one the negative of the other, known at each bar's close.

    Raises
    ------
    TypeError, ValueError
        A score with infinity in it, limits in the wrong order.

    Notes
    -----
    After a stop or a time-out nothing is opened on that side until the score has been back at
    `exit`: else a spread that has gone for good would be bought again on the next bar. A score
    within 1e-9 of a limit counts as on it. Where the score is NaN the target is 0.

    Examples
    --------
    >>> score = pd.Series([0.5, 2.1, 1.0, -0.1, -2.5, -3.2, -2.2, 0.3])
    >>> pair_target(score, entry=2, stop=3)["M2K"].tolist()
    [0.0, -1.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    if not isinstance(score, pd.Series):
        raise TypeError(f"score must be a Series, got {type(score).__name__}")
    values = _series.values("score", score)
    _series.finite_or_nan("score", score, values)
    entry = _check.number("entry", entry, above=0)
    exit = _check.number("exit", exit, at_least=0, below=entry)
    limit = math.inf if stop is None else _check.number("stop", stop, above=entry)
    most_bars = 0 if timeout is None else _check.whole("timeout", timeout, at_least=1)
    y, x = _two_symbols("symbols", symbols)
    target = np.empty(len(values))
    _kernels().pair_rule(values, entry, exit, limit, most_bars, target)
    frame = pd.DataFrame({y: target, x: 0.0 - target}, index=score.index)
    frame.attrs = dict(score.attrs)
    return frame


def backtest_pair(
    bars_by_symbol: Mapping[str, pd.DataFrame],
    target: pd.DataFrame,
    contracts: Mapping[str, int] | ContractRatio,
    *,
    capital: float = 10_000,
    **settings: Any,
) -> backtest.Result:
    """Trade both legs of a pair out of one account, with both legs' costs, margin and rolls.

    `backtest.run_portfolio`, for two legs that belong together: it refuses what would not be a
    pair, and an account that cannot open both legs.

    Parameters
    ----------
    bars_by_symbol : mapping of str to DataFrame
        y first, then x, as `backtest.run_portfolio` takes them, on one index.
    target : DataFrame
        From `pair_target`, with the symbols as columns.
    contracts : mapping of str to int, or ContractRatio
        Contracts of each leg in a full position.
    capital : float
        USD in the account before the first bar; at least the initial margin of both legs.
    settings
        Whatever else `backtest.run_portfolio` takes, such as `roll_gap_points`.

    Returns
    -------
    backtest.Result
        `events` lists orders cut for want of margin: from then on it is no pair any more.

    Raises
    ------
    TypeError, ValueError
        Not two legs, other calendars, legs that are not opposed, capital below both margins;
        and as `backtest.run_portfolio`.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=500, seed=3)
    >>> small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
    >>> target = pair_target(zscore(small - 1.15 * large, 60))
    >>> result = backtest_pair(market, target, contract_ratio(1.15, 2400.0, 6500.0),
    ...                        capital=40_000)
    >>> list(result.position.columns)
    ['M2K', 'MES']
    """
    if not isinstance(bars_by_symbol, Mapping):
        raise TypeError(
            "bars_by_symbol must be a mapping from symbol to a frame of bars, "
            f"got {type(bars_by_symbol).__name__}"
        )
    y, x = _two_symbols("bars_by_symbol", tuple(bars_by_symbol))
    bars_y, bars_x = bars_by_symbol[y], bars_by_symbol[x]
    for name, bars in ((y, bars_y), (x, bars_x)):
        if not isinstance(bars, pd.DataFrame):
            raise TypeError(
                f"bars_by_symbol[{name!r}] must be a DataFrame, got {type(bars).__name__}"
            )
    _check_calendar(f"bars_by_symbol[{y!r}]", bars_y.index, f"bars_by_symbol[{x!r}]", bars_x.index)
    if not isinstance(target, pd.DataFrame) or list(target.columns) != [y, x]:
        got = list(target.columns) if isinstance(target, pd.DataFrame) else type(target).__name__
        raise TypeError(f"target must be a DataFrame with the columns {y!r} and {x!r}, got {got}")
    unopposed = (target[y] + target[x]).to_numpy() != 0
    if unopposed.any():
        row = int(np.argmax(unopposed))
        raise ValueError(
            f"target must have opposed legs, got {target[y].iat[row]:g} and "
            f"{target[x].iat[row]:g} in row {row}"
        )
    if isinstance(contracts, ContractRatio):
        contracts = {y: contracts.contracts_y, x: contracts.contracts_x}
    if not isinstance(contracts, Mapping) or set(contracts) != {y, x}:
        raise TypeError(
            f"contracts must be a ContractRatio, or a mapping with {y!r} and {x!r}, "
            f"got {contracts!r}"
        )
    contracts = {
        name: _check.whole(f"contracts[{name!r}]", contracts[name], at_least=1) for name in (y, x)
    }
    capital = _check.number("capital", capital, above=0)
    needed = sum(
        number * _initial_margin(name, settings.get("margin"), settings.get("contract_by_symbol"))
        for name, number in contracts.items()
    )
    if capital < needed:
        raise ValueError(
            f"capital must cover the initial margin of both legs, {needed:,.0f} USD, "
            f"got {capital:,.0f}"
        )
    return backtest.run_portfolio(
        {y: bars_y, x: bars_x}, target, contracts=contracts, capital=capital, **settings
    )


def _initial_margin(symbol: str, margin, contract_by_symbol) -> float:
    given = margin[symbol] if isinstance(margin, Mapping) and symbol in margin else margin
    if given is None:
        contract = (contract_by_symbol or {}).get(symbol)
        return fact(f"margin.initial.{contract.symbol if contract else symbol}").value
    # What is no margin at all is refused by the engine, which says how one looks.
    first = given[0] if isinstance(given, tuple) and given else given
    return float(first) if isinstance(first, (int, float)) else 0.0


# ---------------------------------------------------------------- the day it breaks


@dataclass(frozen=True)
class BreakMonitor:
    """Result of `break_monitor`.

    Attributes
    ----------
    first : Timestamp or int, or None
        First bar at which the statistic was beyond `limit`: the alarm. None without one.
    statistic : Series or array
        By watched bar, signed: positive when the spread stays above where it belongs.
    limit : float
        Alarm beyond plus or minus this.
    """

    first: Any
    statistic: Any
    limit: float

    def __repr__(self) -> str:
        when = f"{self.first:%Y-%m-%d}" if hasattr(self.first, "strftime") else self.first
        said = "no alarm" if self.first is None else f"alarm at {when}"
        return f"{said} in {len(self.statistic):,} watched bars (limit ±{self.limit:.2f})"


def break_monitor(
    y,
    x,
    train: int,
    *,
    beta: float | None = None,
    size: float = 0.05,
    horizon: int | None = None,
) -> BreakMonitor:
    """Watch a pair for the day on which its relation no longer holds.

    The first `train` bars teach the line and, for the spread around it, an AR(1): mean, speed,
    size of the shocks. From then on the errors of its one-bar forecasts are summed. While the
    relation holds they cancel; a spread that stays away from its old mean makes errors of one
    sign. Each bar's statistic uses that bar and earlier ones only.

    Parameters
    ----------
    y, x : Series or array of float, shape (n,)
        Logarithms of prices, or prices, on one index.
    train : int
        Bars to learn from, at least 20, fewer than there are.
    beta : float, optional
        The hedge ratio, where it is known; estimated by least squares on the first `train` bars
        when omitted, and that estimate's error is allowed for.
    size : {0.10, 0.05, 0.01}
        Chance of a false alarm within the horizon.
    horizon : int, optional
        How many bars will be watched, at most 8 times `train`; all that are given when omitted.
        Say it when you watch live, so that the limit doesn't move as bars come in.

    Returns
    -------
    BreakMonitor

    Raises
    ------
    TypeError, ValueError
        Legs that are not on one index, NaN or infinity, an argument outside what is accepted,
        more bars to watch than `horizon`.

    Notes
    -----
    With m bars of training the statistic after k bars is the sum of errors over ``deviation *
    sqrt(m * (1 + k / m) ** 2 + D ** 2 / S)``; S is the sum of squared distances of x from its
    mean in training, and D the sum of its distances from that mean since. The D term is what
    the error of an estimated beta adds to the sum's variance; without it, and with a known beta,
    this is the monitor of Horváth, Hušková, Kokoszka and Steinebach (2004), "Monitoring changes
    in linear models", Journal of Statistical Planning and Inference 126. Its limit is exact for
    long training; the one with D is simulated (`_pair_tables`), for an x that is a random walk
    and shocks that have nothing to do with it. `benchmarks/pairs_calibration.md` has the sizes
    that were measured.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=1000, seed=3, break_day=500, break_kind="shift")
    >>> break_monitor(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]), train=500)
    alarm at 2032-03-01 in 500 watched bars (limit ±1.78)
    """
    left, right = _legs(y, x, fewest=_FEWEST_BARS + 1)
    train = _check.whole("train", train, at_least=_FEWEST_BARS, at_most=len(left) - 1)
    if size not in SIZES:
        raise ValueError(f"size must be one of 0.1, 0.05, 0.01, got {size!r}")
    watched = len(left) - train
    ahead = watched
    if horizon is not None:
        ahead = _check.whole("horizon", horizon, at_least=watched)
    reach = ahead / train
    if reach > _LONGEST_REACH:
        raise ValueError(
            f"horizon must be at most {_LONGEST_REACH} times train, {_LONGEST_REACH * train} "
            f"bars, got {ahead}"
        )
    taught_x = right[:train] - right[:train].mean()
    if beta is None:
        if not taught_x.any():
            raise ValueError(f"x must move within train, got {right[0]:g} on every bar of it")
        slope_of_y = _least_squares(left[:train], right[:train]).beta
        from_mean = np.cumsum(right[train:] - right[:train].mean())
        of_estimate = from_mean**2 / (taught_x @ taught_x)
        limit = _simulated_limit(size, reach)
    else:
        slope_of_y = _check.number("beta", beta)
        of_estimate = 0.0
        limit = _largest_distance(size) * math.sqrt(reach / (1 + reach))
    spread = left - slope_of_y * right
    slope, _, constant = _reversion(spread[:train])
    errors = np.diff(spread) - constant - slope * spread[:-1]
    taught, later = errors[: train - 1], errors[train - 1 :]
    deviation = math.sqrt(float(taught @ taught) / (train - 3))
    after = np.arange(1, watched + 1) / train
    scale = deviation * np.sqrt(train * (1 + after) ** 2 + of_estimate)
    statistic = np.cumsum(later) / scale
    beyond = np.abs(statistic) > limit
    place = train + int(np.argmax(beyond))
    first = None
    if beyond.any():
        first = y.index[place] if isinstance(y, pd.Series) else place
    if isinstance(y, pd.Series):
        statistic = pd.Series(statistic, index=y.index[train:], name="statistic")
    return BreakMonitor(first, statistic, limit)


def _simulated_limit(size: float, reach: float) -> float:
    rows = np.array(_pair_tables.LIMITS)
    known = np.r_[0.0, np.sqrt(rows[:, 0] / (1 + rows[:, 0]))]
    limits = np.r_[0.0, rows[:, 1 + SIZES.index(size)]]
    return float(np.interp(math.sqrt(reach / (1 + reach)), known, limits))


def _largest_distance(size: float) -> float:
    """Quantile of the largest distance from 0 of a Brownian motion on [0, 1]."""
    from scipy.optimize import brentq

    odd = 2 * np.arange(50) + 1
    sign = np.where(np.arange(50) % 2 == 0, 1.0, -1.0)

    def within(distance: float) -> float:
        terms = sign / odd * np.exp(-((math.pi * odd) ** 2) / (8 * distance**2))
        return float(4 / math.pi * terms.sum())

    return float(brentq(lambda distance: within(distance) - (1 - size), 0.3, 10))


# ---------------------------------------------------------------- small things


def _legs(y, x, *, fewest: int = 1, names: tuple[str, str] = ("y", "x")):
    """Both legs as arrays, or a refusal that says where they don't belong together."""
    arrays = [_series.values(name, leg) for name, leg in zip(names, (y, x), strict=True)]
    if isinstance(y, pd.Series) and isinstance(x, pd.Series):
        _check_calendar(names[0], y.index, names[1], x.index)
    _series.check_same_index(**dict(zip(names, (y, x), strict=True)))
    for name, leg, array in zip(names, (y, x), arrays, strict=True):
        _complete(name, leg, array)
    if len(arrays[0]) < fewest:
        raise ValueError(
            f"{names[0]} and {names[1]} must have at least {fewest} bars, got {len(arrays[0])}"
        )
    if fewest > 1 and np.ptp(arrays[1]) == 0:
        raise ValueError(f"{names[1]} must move, got {arrays[1][0]:g} on every bar")
    return arrays


def _check_calendar(name_y: str, y: pd.Index, name_x: str, x: pd.Index) -> None:
    """Refuse legs of different calendars, with the first time that only one of them has."""
    if y.equals(x):
        return
    zones = [getattr(index, "tz", None) for index in (y, x)]
    if str(zones[0]) != str(zones[1]):
        raise ValueError(
            f"{name_y} and {name_x} must be in one time zone, got {zones[0]} and {zones[1]}"
        )
    for name, other, only in ((name_y, name_x, y.difference(x)), (name_x, name_y, x.difference(y))):
        if len(only):
            raise ValueError(
                f"{name_y} and {name_x} must have the same times, got {len(only)} of {name} that "
                f"{other} has not, first {only[0]}; join them on their common times first"
            )


def _spread(spread, fewest: int = _FEWEST_BARS) -> np.ndarray:
    values = _series.values("spread", spread)
    _complete("spread", spread, values)
    if len(values) < fewest:
        raise ValueError(f"spread must have at least {fewest} bars, got {len(values)}")
    if fewest > 1 and np.ptp(values) == 0:
        raise ValueError(f"spread must move, got {values[0]:g} on every bar")
    return values


def _complete(name: str, given, values: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        place = given.index[row] if isinstance(given, pd.Series) else f"row {row}"
        raise ValueError(
            f"{name} must be a finite number on every bar, got {values[row]} at {place}"
            f" ({int(wrong.sum())} such bars)"
        )


def _refuse_exact_line(y: np.ndarray, x: np.ndarray, line: HedgeRatio) -> None:
    left = y - line.intercept - line.beta * x
    if left @ left <= _SAME_LINE * float((y - y.mean()) @ (y - y.mean())):
        raise ValueError("y and x must be two series, got a y that is an exact line of x")


def _one_contract(price_y, price_x, contract_y, contract_x) -> tuple[float, float]:
    """USD of market in one contract of each leg."""
    _contracts_of(contract_y, contract_x)
    return (
        _check.number("price_y", price_y, above=0) * contract_y.multiplier,
        _check.number("price_x", price_x, above=0) * contract_x.multiplier,
    )


def _contracts_of(contract_y, contract_x) -> None:
    for name, contract in (("contract_y", contract_y), ("contract_x", contract_x)):
        if not isinstance(contract, Contract):
            raise TypeError(f"{name} must be a Contract such as M2K, got {contract!r}")


def _two_symbols(name: str, symbols) -> tuple[str, str]:
    good = isinstance(symbols, tuple) and all(isinstance(one, str) for one in symbols)
    if not good or len(set(symbols)) != 2 or len(symbols) != 2:
        raise ValueError(f"{name} must name two different legs, got {symbols!r}")
    return symbols


def _by_level(values) -> dict[int, float]:
    return {level: float(value) for level, value in zip(LEVELS_PCT, values, strict=True)}


def _kernels() -> ModuleType:
    from m2k_lessons import _pair_kernels  # imports numba

    return _pair_kernels
