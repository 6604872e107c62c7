"""Bars that moved too far for chance, and the reports they fall on."""

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.events.windows import instants_of
from m2k_lessons.sessions import NEW_YORK


def jumps(
    returns: pd.Series,
    *,
    window: int = 600,
    alpha: float = 0.01,
    bucket_minutes: int = 30,
) -> pd.DataFrame:
    """Find bars whose move is too large for the volatility of the hours before.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`); NaN after a pause, so that the pause's gap is no
        jump. At least `window` + 2 are known.
    window : int
        Bars before each bar from which its volatility is estimated, at least 30. For minutes 600,
        close to the square root of a year's bars that the source asks for at least.
    alpha : float
        Chance of one false jump or more among all bars, where prices diffuse with normal steps.
    bucket_minutes : int
        Length of the pieces of the day whose usual volatility is taken out first, 1 to 1440.

    Returns
    -------
    DataFrame
        One row for each jump: `return_pct`, `statistic` (return over volatility), `threshold`.

    Notes
    -----
    Lee and Mykland, "Jumps in Financial Markets", *Review of Financial Studies* 21 (2008):
    return over the square root of the mean bipower |r(j)||r(j−1)| of the bars before, held
    against the Gumbel distribution of a maximum. Before that each return is divided by the usual
    size at its time of day, as Boudt, Croux and Laurent, "Robust estimation of intraweek
    periodicity", *Journal of Empirical Finance* 18 (2011) propose; here the size is the mean
    absolute return without each bucket's largest twentieth.

    The usual sizes come from the whole sample, so a jump found here could not have been known at
    the time: describe with it, don't trade on it. Fat-tailed minutes that no news explains are
    called jumps as well.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07", periods=5000, freq="min", tz="UTC")
    >>> moves = pd.Series(np.random.default_rng(2).normal(0, 1e-4, 5000), index)
    >>> moves.iloc[3000] = 0.002
    >>> [str(time) for time in jumps(moves).index]
    ['2030-01-09 02:00:00+00:00']
    """
    numbers = series.values("returns", returns)
    instants_of("returns", returns)
    series.finite_or_nan("returns", returns, numbers)
    window = checks.whole("window", window, at_least=30)
    alpha = checks.number("alpha", alpha, above=0, below=1)
    bucket = checks.whole("bucket_minutes", bucket_minutes, at_least=1, at_most=1440)
    known = np.flatnonzero(np.isfinite(numbers))
    if len(known) < window + 2:
        raise ValueError(
            f"returns must have at least window + 2 = {window + 2} known returns, got {len(known)}"
        )
    moves = numbers[known]
    wall = returns.index.tz_convert(NEW_YORK)
    part = ((wall.hour * 60 + wall.minute).to_numpy() // bucket)[known]
    scaled = moves / _usual_size(moves, part)
    size = np.abs(scaled)
    pairs = size[1:] * size[:-1]
    total = np.concatenate([[0.0], np.cumsum(pairs)])
    # The window's window - 1 returns before bar i make window - 2 products.
    bars = np.arange(window, len(scaled))
    variance = (total[bars - 1] - total[bars - window + 1]) / (window - 2)
    statistic = np.zeros(len(scaled))
    quiet = variance > 1e-12 * np.square(scaled).mean()
    statistic[bars[quiet]] = scaled[bars[quiet]] / np.sqrt(variance[quiet])
    threshold = _largest(len(bars), alpha)
    found = np.abs(statistic) > threshold
    return pd.DataFrame(
        {
            "return_pct": 100 * moves[found],
            "statistic": statistic[found],
            "threshold": np.full(int(found.sum()), threshold),
        },
        index=returns.index[known[found]].rename("time"),
    )


def _usual_size(moves: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Mean absolute return at each bar's time of day, without the largest twentieth."""
    size = np.abs(moves)
    usual = np.ones(part.max() + 1)
    for bucket in np.unique(part):
        sizes = np.sort(size[part == bucket])
        usual[bucket] = sizes[: max(1, int(0.95 * len(sizes)))].mean()
    # Where nothing ever moves there is nothing to divide by.
    floor = size.mean() / 100
    return np.maximum(usual, floor if floor > 0 else 1.0)[part]


def _largest(bars: int, alpha: float) -> float:
    """What the largest of so many statistics exceeds with chance alpha, without jumps."""
    c = np.sqrt(2 / np.pi)
    root = np.sqrt(2 * np.log(max(bars, 3)))
    center = root / c - (np.log(np.pi) + np.log(np.log(max(bars, 3)))) / (2 * c * root)
    return float(center - np.log(-np.log(1 - alpha)) / (c * root))
