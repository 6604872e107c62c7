"""Are two prices tied? Engle-Granger and Johansen."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.pairs import tables
from m2k_lessons.pairs.arguments import FEWEST_BARS, SAME_LINE, legs_of
from m2k_lessons.pairs.hedging import HedgeRatio, least_squares

LEVELS_PCT = (1, 5, 10)


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
    left, right = legs_of(y, x, fewest=FEWEST_BARS)
    line = least_squares(left, right)
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
    if unexplained[-1] <= SAME_LINE * all_squares:
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
# The paper has -22.527 where statsmodels 0.14 has -33.527 (its issue 10271). Simulated twice, the
# 1 % value of 20 bars is -4.529 ± 0.006 and -4.539 ± 0.007 (benchmarks/pairs_calibration.md):
# -4.535 by the paper, -4.566 by statsmodels.
_CRITICAL_VALUES = {
    1: (
        (-3.43035, -6.5393, -16.786, -79.433),
        (-2.86154, -2.8903, -4.234, -40.040),
        (-2.56677, -1.5384, -2.809, 0.0),
    ),
    2: (
        (-3.89644, -10.9519, -22.527, 0.0),
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
    score = polynomial(below if statistic <= star else above)(statistic)
    return math.erfc(-float(score) / math.sqrt(2)) / 2, critical


CASES = {
    "II": "constant restricted to the relation; holds where no price drifts",
    "III": "constant outside the relation; holds where prices drift strongly",
    "IV": "linear trend restricted to the relation; holds whether or not prices drift",
}


@dataclass(frozen=True)
class Johansen:
    """Result of `johansen`; prints as a table.

    Attributes
    ----------
    case : {"II", "III", "IV"}
        What the model holds beside the relation; `CASES` says when its critical values hold.
    trace, eigenvalue : tuple of float
        Trace and maximum-eigenvalue statistics of "no relation" and of "at most one".
    trace_critical_values, eigenvalue_critical_values : tuple of dict of int to float
        By level in percent, for each of the two.
    rank : int
        Relations found by the trace test at 5 %: 0 none, 1 one, 2 both series return to a mean
        (in case IV to a line) by themselves.
    beta, trend, intercept : float
        ``y = intercept + trend * bar + beta * x`` is the first relation, bars counted from 0; it
        means something where `rank` is 1. `trend` is 0 but in case IV.
    bars : int
    """

    case: str
    trace: tuple[float, float]
    trace_critical_values: tuple[dict[int, float], dict[int, float]]
    eigenvalue: tuple[float, float]
    eigenvalue_critical_values: tuple[dict[int, float], dict[int, float]]
    rank: int
    beta: float
    trend: float
    intercept: float
    bars: int

    def __repr__(self) -> str:
        lines = [
            f"Johansen test, {self.bars:,} bars: {self.rank} relation(s) at 5 %",
            f"  case {self.case}: {CASES[self.case]}",
        ]
        for name, found, critical in zip(
            ("no relation", "at most one"), self.trace, self.trace_critical_values, strict=True
        ):
            limits = ", ".join(f"{level} %: {value:.2f}" for level, value in critical.items())
            lines.append(f"  {name:<12} trace {found:7.2f}   critical values {limits}")
        return "\n".join(lines)


def johansen(y, x, lags: int = 1, *, case: str = "IV") -> Johansen:
    """Count the relations between two prices (Johansen).

    Treats both legs alike: nothing has to be chosen as the one that is explained.

    Parameters
    ----------
    y, x : Series or array of float, shape (n,)
        Logarithms of prices, or prices, on one index; at least 20 bars.
    lags : int
        Lagged differences in the model, at least 0.
    case : {"IV", "III", "II"}
        - "IV": the relation may have a linear trend, the prices a drift. For prices of stocks
          and their indices, which drift at rates that nobody knows.
        - "III": prices that drift strongly, their relation without a trend. Finds such a one
          more often; where the drift is slow, calls strangers a pair twice as often as promised.
        - "II": prices that don't drift. Where they do, calls strangers a pair several times as
          often as promised.

    Returns
    -------
    Johansen
        With its case and when that holds.

    Notes
    -----
    Each case has its own critical values, simulated by `benchmarks/pairs_calibration.py`; they
    agree with those of MacKinnon, Haug and Michelis (1999), Journal of Applied Econometrics 14.
    How often each case is wrong at which drift, and what it finds, is in
    `benchmarks/pairs_calibration.md`. statsmodels' `coint_johansen` has case III
    (``det_order=0``), not II or IV. Source: Johansen (1991), Econometrica 59; (1995),
    *Likelihood-Based Inference in Cointegrated Vector Autoregressive Models*, section 5.7.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=1000, seed=3)
    >>> johansen(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]))
    Johansen test, 1,000 bars: 1 relation(s) at 5 %
      case IV: linear trend restricted to the relation; holds whether or not prices drift
      no relation  trace   43.88   critical values 1 %: 31.12, 5 %: 25.83, 10 %: 23.31
      at most one  trace    1.98   critical values 1 %: 16.56, 5 %: 12.53, 10 %: 10.67
    """
    left, right = legs_of(y, x, fewest=FEWEST_BARS)
    lags = checks.whole("lags", lags, at_least=0, at_most=len(left) // 5)
    case = checks.choice("case", case, tuple(CASES))
    _refuse_exact_line(left, right, least_squares(left, right))
    # Measured from their means, so that rounding has less to eat; the intercept takes it back.
    means = np.array([left.mean(), right.mean()])
    levels = np.column_stack([left, right]) - means
    steps = np.diff(levels, axis=0)
    bars = len(steps) - lags
    restricted = {"II": [np.ones(bars)], "III": [], "IV": [np.arange(lags, lags + bars) / bars]}
    change, before = steps[lags:], np.column_stack([levels[lags:-1], *restricted[case]])
    past = [steps[lags - k : len(steps) - k] for k in range(1, lags + 1)]
    outside = [*past] if case == "II" else [*past, np.ones(bars)]
    if outside:
        explained = np.linalg.qr(np.column_stack(outside))[0]
        change = change - explained @ (explained.T @ change)
        before = before - explained @ (explained.T @ before)
    # The squared canonical correlations of changes with levels, by orthonormal bases.
    basis_change = np.linalg.qr(change)[0]
    basis_before, triangle = np.linalg.qr(before)
    _, correlations, weights = np.linalg.svd(basis_change.T @ basis_before)
    each = -bars * np.log1p(-(correlations**2))
    trace = (float(each.sum()), float(each[1]))
    trace_limits, eigenvalue_limits = tables.JOHANSEN[case]
    above = [found > limits[1] for found, limits in zip(trace, trace_limits, strict=True)]
    weight_y, weight_x, *weight_of_restricted = np.linalg.solve(triangle, weights[0])
    beta = float(-weight_x / weight_y)
    trend = float(-weight_of_restricted[0] / weight_y / bars) if case == "IV" else 0.0
    if case == "II":
        intercept = means[0] - beta * means[1] - weight_of_restricted[0] / weight_y
    else:  # the model has none in its relation: the line through the middle of the bars
        intercept = means[0] - beta * means[1] - trend * (len(left) - 1) / 2
    return Johansen(
        case=case,
        trace=trace,
        trace_critical_values=tuple(map(_by_level, trace_limits)),  # type: ignore[arg-type]
        eigenvalue=tuple(map(float, each)),  # type: ignore[arg-type]
        eigenvalue_critical_values=tuple(map(_by_level, eigenvalue_limits)),  # type: ignore[arg-type]
        rank=int(above[0]) + int(all(above)),
        beta=beta,
        trend=trend,
        intercept=float(intercept),
        bars=len(left),
    )


def _refuse_exact_line(y: np.ndarray, x: np.ndarray, line: HedgeRatio) -> None:
    left = y - line.intercept - line.beta * x
    if left @ left <= SAME_LINE * float((y - y.mean()) @ (y - y.mean())):
        raise ValueError("y and x must be two series, got a y that is an exact line of x")


def _by_level(values) -> dict[int, float]:
    return {level: float(value) for level, value in zip(LEVELS_PCT, values, strict=True)}
