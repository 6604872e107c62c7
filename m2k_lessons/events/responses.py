"""How far the price goes for each unit of surprise."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.events.windows import (
    cluster_sums,
    clusters_of,
    event_times,
    numbers_of,
    t_quantile,
)


@dataclass(frozen=True)
class Response:
    """A straight line through moves and surprises: move = intercept + coefficient × surprise.

    Attributes
    ----------
    coefficient, intercept : float
        In % of price for a surprise of 1, and in %.
    standard_error : float
        Of the coefficient, clustered.
    low, high : float
        Confidence interval of the coefficient.
    p_value : float
        Two-sided, of a coefficient of 0.
    r_squared : float
        Share of the moves' variance that the surprises explain.
    n, clusters : int
        Events, and independent groups of them.
    """

    coefficient: float
    intercept: float
    standard_error: float
    low: float
    high: float
    p_value: float
    r_squared: float
    n: int
    clusters: int

    def __str__(self) -> str:
        return (
            f"{self.coefficient:+.3f} % for a surprise of 1 (standard error "
            f"{self.standard_error:.3f}, from {self.low:+.3f} to {self.high:+.3f}; "
            f"{self.n} events in {self.clusters} clusters, R² {self.r_squared:.2f})"
        )


def response(move_pct, surprise, clusters=None, *, confidence: float = 0.95) -> Response:
    """Regress moves on surprises, with clustered standard errors.

    Parameters
    ----------
    move_pct : Series or array, shape (n,)
        Moves after each event, in %.
    surprise : Series or array, shape (n,)
        Standardised surprise of each event.
    clusters : Series or array of int, shape (n,), optional
        Events with the same number count as one observation. Each event by itself when omitted;
        a Series of moves with a time index is then clustered by New York day.
    confidence : float
        Between 0 and 1.

    Raises
    ------
    TypeError, ValueError
        Lengths or indices that differ, missing numbers, surprises that are all the same, fewer
        than three clusters.

    Notes
    -----
    Ordinary least squares. Standard error: the cluster jackknife, (G − 1)/G times the sum of
    squared changes of the coefficient when one of the G clusters is left out: MacKinnon, Nielsen
    and Webb, "Cluster-robust inference", *Journal of Econometrics* 232 (2023), section 3.
    Without repeated clusters it is HC3 · (n − 1)/n, so moves may be wilder after some releases
    than after others; unlike White's it holds its level with twenty events, too
    (benchmarks/README.md). Student t with G − 1 degrees of freedom.

    Examples
    --------
    >>> line = response([0.1, 0.3, 0.5, 0.9], [-1.0, 0.0, 1.0, 2.0])
    >>> round(line.coefficient, 3), round(line.intercept, 3), line.n
    (0.26, 0.32, 4)
    """
    from scipy.special import stdtr

    confidence = checks.number("confidence", confidence, above=0, below=1)
    y = numbers_of("move_pct", move_pct)
    x = numbers_of("surprise", surprise, len(y))
    for name, given in (("surprise", surprise), ("clusters", clusters)):
        both = isinstance(move_pct, pd.Series) and isinstance(given, pd.Series)
        if both and len(given) == len(y) and not given.index.equals(move_pct.index):
            raise ValueError(f"{name} must have the index of move_pct, got another index")
    for name, numbers in (("move_pct", y), ("surprise", x)):
        series.refuse_rows(name, numbers, ~np.isfinite(numbers), "hold finite numbers")
    if clusters is None:
        if isinstance(move_pct, pd.Series) and isinstance(move_pct.index, pd.DatetimeIndex):
            number = clusters_of(event_times("move_pct", move_pct), (0, 0), 0)
        else:
            number = np.arange(len(y))
    else:
        given = np.asarray(clusters)
        if given.shape != y.shape:
            raise ValueError(f"clusters must have shape {y.shape}, got {given.shape}")
        _, number = np.unique(given, return_inverse=True)
    groups, n = len(np.unique(number)), len(y)
    if groups < 3:
        raise ValueError(f"move_pct must come from at least 3 clusters, got {groups}")
    deviation = x - x.mean()
    squares = float(deviation @ deviation)
    # Sums of each cluster, and of all the others.
    parts = np.column_stack([np.ones(n), deviation, y, deviation**2, deviation * y])
    rest = parts.sum(axis=0) - cluster_sums(parts, number)
    count, sum_x, sum_y, sum_xx, sum_xy = rest.T
    spread = sum_xx - sum_x**2 / count
    if np.any(spread <= 1e-9 * max(squares, 1e-12)):
        raise ValueError(
            f"surprise must not be the same everywhere, nor in all clusters but one, got {x[:5]}"
        )
    coefficient = float(deviation @ y / squares)
    intercept = float(y.mean() - coefficient * x.mean())
    residual = y - intercept - coefficient * x
    without = (sum_xy - sum_x * sum_y / count) / spread
    error = float(np.sqrt((groups - 1) / groups * np.square(without - coefficient).sum()))
    reach = t_quantile(confidence, groups - 1) * error
    total = float(np.square(y - y.mean()).sum())
    return Response(
        coefficient=coefficient,
        intercept=intercept,
        standard_error=error,
        low=coefficient - reach,
        high=coefficient + reach,
        p_value=float(2 * stdtr(groups - 1, -abs(coefficient / error))) if error else 0.0,
        r_squared=1 - float(residual @ residual) / total if total else float("nan"),
        n=n,
        clusters=groups,
    )
