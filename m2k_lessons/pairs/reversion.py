"""How fast a spread returns, and how far out it is."""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks, series
from m2k_lessons.indicators.bands import standard_score
from m2k_lessons.pairs import tables
from m2k_lessons.pairs.arguments import FEWEST_BARS, check_complete, reversion_of

CONFIDENCES = (0.90, 0.95, 0.99)


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
        bars, low, high, median = (
            "no end" if math.isinf(value) else f"{value:.1f}"
            for value in (self.bars, self.low, self.high, self.median)
        )
        return (
            f"half-life {bars} bars, {100 * self.confidence:g} % interval {low} to {high}, "
            f"median-unbiased {median}"
        )


def half_life(spread, *, confidence: float = 0.95) -> HalfLife:
    """Bars in which a spread's distance from its mean halves, with an interval that holds.

    The change of the spread is regressed on its level one bar before. The slope of a slow
    spread is estimated too steep, and its t statistic is not normal; the interval is therefore
    made of all slopes that a t test with its *own* quantiles (`tables`) does not reject.

    Parameters
    ----------
    spread : Series or array of float, shape (n,)
        At least 20 bars.
    confidence : {0.90, 0.95, 0.99}

    Notes
    -----
    Exact for an AR(1) with normal shocks around an unknown mean. It doesn't know whether the
    spread was itself fitted (an estimated hedge ratio makes spreads look quicker): see
    `benchmarks/pairs_calibration.md` for what that does to the coverage. Sources: Stock (1991),
    Journal of Monetary Economics 28, and Hansen (1999), Review of Economics and Statistics 81.

    Examples
    --------
    >>> from m2k_lessons.pairs import hedge_ratio
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=2520, seed=3, half_life=15)
    >>> line = hedge_ratio(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]))
    >>> half_life(np.log(market["M2K"]["close"]) - line.beta * np.log(market["MES"]["close"]))
    half-life 17.1 bars, 95 % interval 13.6 to 24.8, median-unbiased 17.6
    """
    values = _spread(spread)
    if confidence not in CONFIDENCES:
        accepted = ", ".join(f"{confidence:g}" for confidence in CONFIDENCES)
        raise ValueError(f"confidence must be one of {accepted}, got {confidence!r}")
    slope, error, _ = reversion_of(values)
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
    at = 0.0
    if bias > 0:
        # The distance from a unit root at which the bias, in standard errors, is this one's.
        at = 1 / math.sqrt(1 + 8 * bars * (1 - autoregression**2) / bias**2)
    return float(np.interp(at, nearness, quantiles[round(probability, 3)]))


@functools.cache
def _quantile_table() -> tuple[np.ndarray, dict[float, np.ndarray]]:
    """By 1 / sqrt(1 + distance), in which the quantiles are nearly straight; normal at 0."""
    from scipy.special import ndtri

    rows = np.array(tables.QUANTILES)[::-1]
    nearness = np.r_[0.0, 1 / np.sqrt(1 + rows[:, 0])]
    columns = zip(tables.PROBABILITIES, rows[:, 1:].T, strict=True)
    return nearness, {p: np.r_[ndtri(p), column] for p, column in columns}


def _half_lives(autoregressions) -> np.ndarray:
    kept = np.asarray(autoregressions, dtype=float)
    between = (kept > 0) & (kept < 1)
    with_log = np.log(np.where(between, kept, 0.5))
    return np.where(between, -math.log(2) / with_log, np.where(kept >= 1, math.inf, 0.0))


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

    Examples
    --------
    >>> import pandas as pd
    >>> zscore(pd.Series([1.0, 3.0, 5.0]), window=2).tolist()
    [nan, 1.0, 1.0]
    """
    window = checks.whole("window", window, at_least=2)
    values = _spread(spread, fewest=1)
    return series.like(spread, standard_score(values, window), "zscore")


def _spread(spread, fewest: int = FEWEST_BARS) -> np.ndarray:
    values = series.values("spread", spread)
    check_complete("spread", spread, values)
    if len(values) < fewest:
        raise ValueError(f"spread must have at least {fewest} bars, got {len(values)}")
    if fewest > 1 and np.ptp(values) == 0:
        raise ValueError(f"spread must move, got {values[0]:g} on every bar")
    return values
