"""Contracts traded in a day: the true range drives them, and they have a memory of their own.

For the fund on the Russell 2000, 2010 to 2019, the logarithm of volume (less its mean of the
year around) rises by .45 (standard error .01) for one of log true range; what the size of the
return says beyond that is not told apart from nothing. A fall of one standard deviation adds .03
(.01). What is left over is mostly noise of the day, with some memory.
"""

from __future__ import annotations

from itertools import accumulate

import numpy as np

# Set so that the correlations are met; the simulated range varies less around its year's mean.
ON_RANGE = 0.53
ON_RETURN = -0.02
WAVE, KEPT = 0.17, 0.85  # standard deviation of the wave; share of it left a day later
NOISE = 0.21  # standard deviation of a day's own

# Mean of the logarithm of true range over the standard deviation of a day's return, in markets
# of this course. It only sets the level.
_MEAN_LOG_RANGE = 0.25


def true_range(high: np.ndarray, low: np.ndarray, close: np.ndarray) -> np.ndarray:
    """High to low with the close before in it, in log price; of the first day, high to low."""
    top = np.maximum(high, np.r_[high[0], close[:-1]])
    bottom = np.minimum(low, np.r_[low[0], close[:-1]])
    return np.log(top / bottom)


def log_activity(
    rng: np.random.Generator,
    bars,
    deviation: float,
    *,
    on_range: float = ON_RANGE,
    on_return: float = ON_RETURN,
    wave: float = WAVE,
    kept: float = KEPT,
) -> np.ndarray:
    """Logarithm of the day's volume over the average, without the noise that is a contract's own.

    Parameters
    ----------
    bars : mapping of arrays
        high, low and close of each day.
    deviation : float
        Standard deviation of a day's log return, in the long run.
    """
    high, low, close = (np.asarray(bars[name]) for name in ("high", "low", "close"))
    shocks = rng.standard_normal(len(close) + 1)
    news = wave * np.sqrt(1 - kept**2) * shocks[1:]
    path = accumulate(news.tolist(), lambda now, new: kept * now + new, initial=wave * shocks[0])
    slow = np.fromiter(path, dtype=float, count=len(close) + 1)[1:]
    # A day on which not one tick was traded away from the last has some volume, too.
    size = np.log(np.maximum(true_range(high, low, close) / deviation, 0.02))
    moves = np.diff(np.log(close), prepend=np.log(close[0])) / deviation
    return on_range * (size - _MEAN_LOG_RANGE) + on_return * moves + slow
