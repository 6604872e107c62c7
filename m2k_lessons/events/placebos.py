"""The same study at times when nothing happened."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.events.responses import response
from m2k_lessons.events.study import INCOMPLETE
from m2k_lessons.events.windows import (
    clock_of,
    cut_windows,
    event_times,
    hour_text,
    instants_of,
    surprises_of,
    window_bounds,
)
from m2k_lessons.sessions import NEW_YORK

STATISTICS = ("mean", "t", "volatility", "response")


@dataclass(frozen=True)
class Placebo:
    """A statistic of real events beside the same statistic of drawn pseudo-events.

    Attributes
    ----------
    statistic : str
    value : float
        Of the real events.
    draws : array of float
        Of the pseudo-events, one for each draw.
    p_value : float
        Share of draws at least as far from 0 (for "volatility": from 1, up or down on a
        logarithmic scale), the real one counted in.
    low, high : float
        Middle 95 % of the draws.
    n, candidates : int
        Real events, and times that could be drawn.
    """

    statistic: str
    value: float
    draws: np.ndarray = field(repr=False)
    p_value: float
    low: float
    high: float
    n: int
    candidates: int


def placebo(
    returns: pd.Series,
    events,
    window: tuple[int, int] = (0, 29),
    *,
    seed: int,
    draws: int = 1_000,
    statistic: str = "t",
    surprise=None,
    avoid=None,
    apart: int = 120,
    incomplete: str = "refuse",
) -> Placebo:
    """Compare events with pseudo-events, drawn at the same time of day when nothing happened.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`).
    events : as in `event_study`
    window : (int, int)
        First and last bar of the move that is looked at.
    seed : int
        Of the random generator, at least 0.
    draws : int
        Sets of pseudo-events, at least 99.
    statistic : {"t", "mean", "volatility", "response"}
        The mean move over its standard error; the mean move in %; the mean absolute move over
        that of the candidates; the slope on `surprise`, over its standard error.
    surprise : Series or array, optional
        For "response" only: the real surprises, which each draw gives to its pseudo-events.
    avoid : as events, optional
        Other times to stay away from, such as all other releases.
    apart : int
        Bars between a candidate's window and those of `events` and of `avoid`, at least 0.
    incomplete : {"refuse", "leave_out"}
        For windows of events that lack a bar. Candidates that lack one are never drawn.

    Raises
    ------
    TypeError, ValueError
        As in `event_study`; no, or only one, free day at the time of day of an event.

    Notes
    -----
    Candidates: every day on which the data have a complete window at the time of day of an
    event, less those near events. From them each draw takes, with replacement and for each time
    of day, as many as there are events, and as many again as there are candidates, against which
    they are compared: the candidates are a sample themselves, and a draw that forgot this would
    reject too often. The p-value is (1 + hits) / (1 + draws): Davison and Hinkley, *Bootstrap
    Methods and their Application* (1997), section 4.2. benchmarks/README.md has its size.

    "mean" asks whether the events are like any other time, and louder times are not: it
    rejects too often where they only move more without a direction. "t" and "response" compare
    each set with its own spread, so they are about direction alone.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07", periods=60 * 1440, freq="min", tz="UTC")
    >>> noise = np.random.default_rng(1).normal(0, 1e-4, len(index))
    >>> moves = pd.Series(noise, index)
    >>> times = index[index.hour * 60 + index.minute == 900][::4]
    >>> placebo(moves, times, seed=1).p_value > 0.05
    True
    """
    window = window_bounds("window", window)
    seed = checks.whole("seed", seed, at_least=0)
    draws = checks.whole("draws", draws, at_least=99)
    apart = checks.whole("apart", apart, at_least=0)
    statistic = checks.choice("statistic", statistic, STATISTICS)
    incomplete = checks.choice("incomplete", incomplete, INCOMPLETE)
    own = cut_windows(returns, "events", events, window, incomplete)
    moves = 100 * own.returns.sum(axis=1)
    if (surprise is None) == (statistic == "response"):
        raise ValueError(
            "surprise must be given for statistic 'response' and for no other, "
            f"got statistic {statistic!r} and surprise {surprise if surprise is None else 'given'}"
        )
    if surprise is not None:
        given = len(event_times("events", events))
        x = surprises_of(surprise, own.times, own.kept, given)
        response(moves, x)  # refuses what no line can be drawn through
    shun = event_times("events", events)
    if avoid is not None:
        shun = shun.append(event_times("avoid", avoid))
    pools = _pools(returns, own.times, shun, window, apart)

    rng = np.random.default_rng(seed)
    clocks, kind = np.unique(clock_of(own.times), return_inverse=True)
    order = np.argsort(kind, kind="stable")
    counts = np.bincount(kind)
    pool = [pools[int(clock)] for clock in clocks]
    sized = zip(pool, counts, strict=True)
    drawn = np.hstack([free[rng.integers(len(free), size=(draws, n))] for free, n in sized])
    if statistic == "response":
        value = float(_slope(moves[order][None, :], x[order])[0])
        found = _slope(drawn, x[order])
        far = np.abs(found) >= abs(value)
    else:
        # The candidates of a draw: a sample of the sample, for each time of day.
        again = [free[rng.integers(len(free), size=(draws, len(free)))] for free in pool]
        real = moves[order][None, :], [free[None, :] for free in pool]
        value = float(_compared(*real, counts, statistic)[0])
        found = _compared(drawn, again, counts, statistic)
        scale = np.log if statistic == "volatility" else np.asarray
        far = np.abs(scale(found)) >= abs(scale(value))
    low, high = np.quantile(found, [0.025, 0.975])
    return Placebo(
        statistic=statistic,
        value=value,
        draws=found,
        p_value=float((1 + far.sum()) / (1 + draws)),
        low=float(low),
        high=float(high),
        n=len(moves),
        candidates=sum(map(len, pool)),
    )


def _pools(returns, times, shun, window, apart) -> dict[int, np.ndarray]:
    """Moves in % at each free time that has the time of day of an event, by time of day."""
    instants, bar = instants_of("returns", returns)
    since_midnight = clock_of(returns.index.as_unit("us").tz_convert(NEW_YORK))
    reach = (window[1] - window[0] + 1 + apart) * bar
    far = np.iinfo(np.int64).max // 2
    near = np.concatenate([[-far], np.sort(shun.asi8), [far]])
    pools = {}
    for clock in np.unique(clock_of(times)):
        bars = instants[(since_midnight <= clock) & (since_midnight > clock - bar)]
        after = np.searchsorted(near, bars)
        free = bars[(bars - near[after - 1] >= reach) & (near[after] - bars >= reach)]
        quiet = pd.DatetimeIndex(free.astype("M8[us]"), tz="UTC")
        cut = cut_windows(returns, "returns", quiet, window, "leave_out") if len(free) else None
        if cut is None or len(cut.times) < 2:
            raise ValueError(
                f"returns must have at least 2 days at {hour_text(clock)} that are not near an "
                f"event, got {0 if cut is None else len(cut.times)}; a smaller apart leaves more"
            )
        pools[int(clock)] = 100 * cut.returns.sum(axis=1)
    return pools


def _compared(
    drawn: np.ndarray, pools: list[np.ndarray], counts: np.ndarray, statistic: str
) -> np.ndarray:
    """Statistic of each row of moves against its row of candidates, by time of day."""
    n = drawn.shape[1]
    ends = np.cumsum(counts)
    total, variance = np.zeros((2, len(drawn)))
    size = np.zeros(len(drawn))
    for end, count, pool in zip(ends, counts, pools, strict=True):
        mine = drawn[:, end - count : end]
        center = pool.mean(axis=1)
        total += mine.sum(axis=1) - count * center
        size += count * np.abs(pool).mean(axis=1)
        if statistic == "t":
            # The spread around a common mean, so that one event at a time of day will do.
            variance += np.square(mine - center[:, None]).sum(axis=1)
            variance += count**2 * pool.var(axis=1) / pool.shape[1]
    if statistic == "volatility":
        return np.abs(drawn).sum(axis=1) / size
    if statistic == "t":
        return total / np.sqrt(np.where(variance > 0, variance, np.inf))
    return total / n


def _slope(moves: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Slope of each row of moves on x, over White's standard error."""
    deviation = x - x.mean()
    squares = deviation @ deviation
    slope = moves @ deviation / squares
    residual = moves - moves.mean(axis=1, keepdims=True) - slope[:, None] * deviation
    error = np.sqrt(np.square(residual * deviation).sum(axis=1)) / squares
    return slope / np.where(error > 0, error, np.inf)
