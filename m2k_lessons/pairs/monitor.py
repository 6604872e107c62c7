"""An alarm for a relation that has broken."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.pairs import tables
from m2k_lessons.pairs.arguments import FEWEST_BARS, legs_of, reversion_of
from m2k_lessons.pairs.hedging import least_squares

SIZES = (0.10, 0.05, 0.01)
_LONGEST_REACH = 8  # watched bars for each bar of training, as far as the table goes


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
        outcome = "no alarm" if self.first is None else f"alarm at {when}"
        return f"{outcome} in {len(self.statistic):,} watched bars (limit ±{self.limit:.2f})"


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

    Notes
    -----
    With m bars of training the statistic after k bars is the sum of errors over ``deviation *
    sqrt(m * (1 + k / m) ** 2 + D ** 2 / S)``; S is the sum of squared distances of x from its
    mean in training, and D the sum of its distances from that mean since. The D term is what
    the error of an estimated beta adds to the sum's variance; without it, and with a known beta,
    this is the monitor of Horváth, Hušková, Kokoszka and Steinebach (2004), "Monitoring changes
    in linear models", Journal of Statistical Planning and Inference 126. Its limit is exact for
    long training; the one with D is simulated (`tables`), for an x that is a random walk
    and shocks that have nothing to do with it. `benchmarks/pairs_calibration.md` has the sizes
    that were measured.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=1000, seed=3, break_day=500, break_kind="shift")
    >>> break_monitor(np.log(market["M2K"]["close"]), np.log(market["MES"]["close"]), train=500)
    alarm at 2032-03-01 in 500 watched bars (limit ±1.78)
    """
    left, right = legs_of(y, x, fewest=FEWEST_BARS + 1)
    train = checks.whole("train", train, at_least=FEWEST_BARS, at_most=len(left) - 1)
    if size not in SIZES:
        raise ValueError(f"size must be one of 0.1, 0.05, 0.01, got {size!r}")
    watched = ahead = len(left) - train
    if horizon is not None:
        ahead = checks.whole("horizon", horizon, at_least=watched)
    reach = ahead / train
    if reach > _LONGEST_REACH:
        raise ValueError(
            f"horizon must be at most {_LONGEST_REACH} times train, {_LONGEST_REACH * train} "
            f"bars, got {ahead}"
        )
    if beta is None:
        from_mean = right - right[:train].mean()
        if not from_mean[:train].any():
            raise ValueError(f"x must move within train, got {right[0]:g} on every bar of it")
        slope_of_y = least_squares(left[:train], right[:train]).beta
        squares = from_mean[:train] @ from_mean[:train]
        of_estimate = np.cumsum(from_mean[train:]) ** 2 / squares
        limit = _simulated_limit(size, reach)
    else:
        slope_of_y = checks.number("beta", beta)
        of_estimate = 0.0
        limit = _largest_distance(size) * math.sqrt(reach / (1 + reach))
    spread = left - slope_of_y * right
    slope, _, constant = reversion_of(spread[:train])
    errors = np.diff(spread) - constant - slope * spread[:-1]
    taught, later = errors[: train - 1], errors[train - 1 :]
    deviation = math.sqrt(float(taught @ taught) / (train - 3))
    after = np.arange(1, watched + 1) / train
    scale = deviation * np.sqrt(train * (1 + after) ** 2 + of_estimate)
    statistic = np.cumsum(later) / scale
    beyond = np.abs(statistic) > limit
    times = range(len(left))
    if isinstance(y, pd.Series):
        times, statistic = y.index, pd.Series(statistic, y.index[train:], name="statistic")
    first = times[train + int(np.argmax(beyond))] if beyond.any() else None
    return BreakMonitor(first, statistic, limit)


def _simulated_limit(size: float, reach: float) -> float:
    rows = np.array(tables.LIMITS)
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
