"""Paths of the two indices through nights and half hours, from a daily truth.

A day's shock comes in fourteen pieces, the night and thirteen half hours. Within the day a fall
raises the volatility of what is left of it: with `z` the market's standardised move since the
close before, volatility at that moment is `1 - leverage * z` of what it was at the start. That is
the displaced diffusion of Rubinstein (1983), whose moments have closed forms.
"""

from __future__ import annotations

import math
from itertools import accumulate

import numpy as np

BURN_IN_DAYS = 500  # so that a history begins in a random state, not in the average one

# Russell 2000, standard deviation of five-minute moves by half hour from 09:30, in basis points
# (615 days, March 2024 to August 2026). Only their proportions are used.
HALF_HOUR_VOLATILITY = (14.5, 16.2, 11.0, 9.8, 8.0, 7.3, 7.5, 10.3, 7.7, 9.0, 8.7, 8.1, 9.9)

_NIGHT_HOURS = 17.5  # from 16:00 to 09:30
_DAYS_PER_YEAR = 252


def index_paths(truth, days: np.ndarray, streams) -> dict[str, dict[str, np.ndarray]]:
    """Open, high, low and close of both indices, as levels, and the hidden state of each day.

    Each index also has its day's `log_range` and the mean that it would have at the truth's
    mean variance, for the volume.
    """
    n = len(days)
    weights = variance_weights(truth.overnight_share)
    jump, echo = _jumps(truth, n, weights, streams[3])
    market, mix_market, left = _shocks(truth.large, n, weights, truth.leverage, streams[0])
    size, mix_size, level = _shocks(truth.size, n, weights, 0.0, streams[1])
    variance = _variances(
        truth.large,
        market.sum(axis=1),
        truth._variance_market,
        echo,
        # What a day's path leaves behind, mean 1.
        np.square(left[:, -1]) * math.exp(-(truth.leverage**2)),
        truth.volatility_carried,
    )
    own = _variances(truth.size, size.sum(axis=1), truth.size.variance)
    shared = truth.size.variance / truth._variance_market
    size_variance = (1 - truth.spillover) * own + truth.spillover * shared * variance
    beta = truth.beta_mean + truth.beta_deviation * _wave(truth.beta_half_life_days, n, streams[2])

    kept = slice(BURN_IN_DAYS, None)
    market, mix_market, variance = market[kept], mix_market[kept], variance[kept]
    left, level = left[kept], level[kept]
    jump = jump[kept]
    size, mix_size, size_variance = size[kept], mix_size[kept], size_variance[kept]
    # The night's move alone is scaled, after the variances: a weekend is no shock to them, nor are
    # the years in which more happens at night.
    wave = truth.night_deviation * _wave(truth.night_half_life_days, n, streams[8])
    nights = night_variance(days, truth.night_exponent)
    nights = np.sqrt(nights * np.exp(wave - truth.night_deviation**2 / 2))
    market[:, 0] *= nights
    size[:, 0] *= nights
    drift = 100 * truth.drift / _DAYS_PER_YEAR * weights
    diffusion = np.sqrt(variance)[:, None] * market
    moves = {
        "large_caps": drift + diffusion + jump,
        "small_caps": drift
        + beta[:, None] * diffusion
        + truth.beta_mean * jump
        + np.sqrt(size_variance)[:, None] * size,
    }
    # Variance within each half hour, given its two ends: for the extremes only.
    hours = weights[1:]
    within_large = (variance * mix_market)[:, None] * (left[:, :-1] * left[:, 1:] * hours)
    within_small = beta[:, None] ** 2 * within_large
    within_small = within_small + (size_variance * mix_size)[:, None] * hours
    extremes = streams[4].random((n, 2, 2, len(hours)))

    small_variance = beta**2 * variance + size_variance
    paths = {
        "hidden": {
            "volatility_small": np.sqrt(_DAYS_PER_YEAR * small_variance) / 100,
            "volatility_large": np.sqrt(_DAYS_PER_YEAR * variance) / 100,
            "beta": beta,
            "correlation": beta * np.sqrt(variance / small_variance),
        }
    }
    for i, (name, within) in enumerate(
        {"large_caps": within_large, "small_caps": within_small}.items()
    ):
        bars = _bars(moves[name], within, extremes[:, i], truth.dip)
        index = getattr(truth, name)
        # Rounded as indices are published, before the futures are priced off them.
        paths[name] = {
            column: np.round(index * np.exp(value / 100), 2) for column, value in bars.items()
        }
    return paths


def variance_weights(overnight_share: float) -> np.ndarray:
    """Share of the day's variance in the night and in each of the thirteen half hours."""
    half_hours = np.square(HALF_HOUR_VOLATILITY)
    return np.r_[overnight_share, (1 - overnight_share) * half_hours / half_hours.sum()]


def night_variance(days: np.ndarray, exponent: float) -> np.ndarray:
    """Variance of the night before each day, as a multiple of the mean of a five-day week.

    It grows with the hours from close to open, to the power of `exponent`. Nothing is known of
    what came before the first day, which has an ordinary night.
    """
    apart = np.diff(days).astype(float)
    hours = np.r_[_NIGHT_HOURS, 24 * apart - 24 + _NIGHT_HOURS] / _NIGHT_HOURS
    week = (4 + (1 + 48 / _NIGHT_HOURS) ** exponent) / 5
    return hours**exponent / week


def share_of_falls(leverage: float) -> float:
    """Part of a standardised day's mean square that lies below zero.

    With W normal, the day is `(1 - M) / leverage`, `M = exp(-leverage * W - leverage**2 / 2)`,
    and negative where W is below `-leverage / 2`.

    Examples
    --------
    >>> share_of_falls(0.0), round(share_of_falls(0.2), 3)
    (0.5, 0.579)
    """
    square = math.expm1(leverage**2)
    if square < 1e-8:  # below this the closed form is rounding; to first order it is linear
        return 0.5 + leverage * math.sqrt(2 / math.pi) / 2
    below = _normal_below(-leverage / 2) - 2 * _normal_below(leverage / 2)
    return (below + math.exp(leverage**2) * _normal_below(3 * leverage / 2)) / square


def _normal_below(x: float) -> float:
    return math.erfc(-x / math.sqrt(2)) / 2


def _shocks(garch, n: int, weights: np.ndarray, leverage: float, stream):
    """Standardised shocks, one column for the night and each half hour; each day's mixing
    variance; and volatility after each piece as a multiple of the day's first.

    A Student-t variable is a normal one whose variance is itself random. Drawing that variance
    once a day keeps the pieces of a day normal given the day, and their sum exactly Student-t
    (without leverage).
    """
    pieces, mixing = stream.spawn(2)
    rows = BURN_IN_DAYS + n
    normal = pieces.standard_normal((rows, len(weights)))
    mix = np.ones(rows)
    if math.isfinite(garch.nu):
        mix = (garch.nu - 2) / 2 / mixing.standard_gamma(garch.nu / 2, rows)
    if leverage:
        # A clock by which each piece has exactly its weight of the day's variance.
        square = math.expm1(leverage**2)
        clock = np.log1p(square * np.cumsum(weights))
        steps = normal * np.sqrt(np.diff(clock, prepend=0.0))
        left = np.exp(-np.cumsum(steps, axis=1) - clock / 2)
        normal = -np.diff(left, axis=1, prepend=1.0) / math.sqrt(square)
    else:
        left = np.ones((rows, len(weights)))
        normal = normal * np.sqrt(weights)
    return np.sqrt(mix)[:, None] * normal, mix, left


def _variances(garch, z: np.ndarray, mean: float, echo=0.0, left=1.0, carried=0.0) -> np.ndarray:
    """Variances for standardised shocks, in percent squared, from their `mean` on.

    A GJR-GARCH variance h follows its own recursion; the day's variance is `1 - carried` of it
    and `carried` of yesterday's, times what yesterday's path left behind (`left`, mean 1).
    `echo` is what each day adds to the next day's variance beside its shock.
    """
    growth = (garch.alpha + garch.gamma * (z < 0)) * z**2
    added = np.broadcast_to(garch.omega + echo, len(z))
    beta = garch.beta
    # Serial by nature; accumulate is C around a few float operations, 1 ms for ten years.
    if not carried:
        one_step = accumulate(
            zip((growth + beta)[:-1].tolist(), added[:-1].tolist(), strict=True),
            lambda now, step: step[1] + step[0] * now,
            initial=mean,
        )
        return np.fromiter(one_step, dtype=float, count=len(z))

    def both(now, step):
        slow, day = now
        slow = step[1] + step[0] * day + beta * slow
        return slow, (1 - carried) * slow + step[2] * day

    carries = np.broadcast_to(carried * left, len(z))
    steps = zip(growth[:-1].tolist(), added[:-1].tolist(), carries[:-1].tolist(), strict=True)
    two_steps = accumulate(steps, both, initial=(mean, mean))
    return np.fromiter((day for _, day in two_steps), dtype=float, count=len(z))


def _wave(half_life_days: float, n: int, stream) -> np.ndarray:
    """A stationary AR(1) of variance 1."""
    keep = 0.5 ** (1 / half_life_days)
    shocks = stream.standard_normal(n + 1)
    news = math.sqrt(1 - keep**2) * shocks[1:]
    path = accumulate(news.tolist(), lambda now, new: keep * now + new, initial=shocks[0])
    return np.fromiter(path, dtype=float, count=n + 1)[1:]


def _jumps(truth, n: int, weights: np.ndarray, stream):
    """Jumps in percent less their mean, each in the night or in one half hour of its day; and
    what each adds to the next day's variance.
    """
    which, size, place = stream.spawn(3)
    rows = BURN_IN_DAYS + n
    chance = truth.jumps_per_year / _DAYS_PER_YEAR
    jumped = which.random(rows) < chance
    jump = truth.jump_mean_pct + truth.jump_deviation_pct * size.standard_normal(rows)
    jump = np.where(jumped, jump, 0.0)
    column = np.searchsorted(np.cumsum(weights)[:-1], place.random(rows), side="right")
    moves = np.zeros((rows, len(weights)))
    moves[np.arange(rows), column] = jump
    echo = (truth.large.alpha + truth.large.gamma * (jump < 0)) * jump**2
    return moves - chance * truth.jump_mean_pct * weights, echo


def _bars(moves, within, uniforms, dip: float) -> dict[str, np.ndarray]:
    """Open, high, low, close in percent of log level, from each day's moves.

    The highest point of a Brownian path between two known ends has a closed-form distribution,
    so half hours are enough to give the extremes of a continuous path. With a `dip` the path's
    excursions below its two ends are larger than those above them: falls that are made good
    before the half hour ends.
    """
    path = np.cumsum(moves, axis=1)
    before = np.r_[0.0, np.cumsum(path[:, -1])[:-1]]
    path = before[:, None] + path
    start, end = path[:, :-1], path[:, 1:]
    middle = (start + end) / 2
    stretch = -2 * within[:, None] * np.log1p(-uniforms)
    stretch *= np.array([1 - dip, 1 + dip])[:, None]
    reach = np.sqrt((end - start)[:, None] ** 2 + stretch) / 2
    return {
        "open": path[:, 0],
        "high": (middle + reach[:, 0]).max(axis=1),
        "low": (middle - reach[:, 1]).min(axis=1),
        "close": path[:, -1],
    }
