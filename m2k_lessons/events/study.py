"""Average moves around events, with their errors."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.events.responses import Response, response
from m2k_lessons.events.windows import (
    Windows,
    clock_of,
    clusters_of,
    cut_windows,
    event_times,
    hour_text,
    instants_of,
    mean_and_error,
    surprises_of,
    t_quantile,
    window_bounds,
)

INCOMPLETE = ("refuse", "leave_out")


def bar_returns(close: pd.Series) -> pd.Series:
    """Give the log return of each bar; NaN for the first one after a pause.

    Parameters
    ----------
    close : Series
        Prices above 0 on an ascending index with a time zone. The bar's length is the smallest
        step of the index.

    Returns
    -------
    Series
        log(close / close of the bar before), as a decimal. NaN where the bar before is missing,
        because what happened in a pause did not happen in the bar after it.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07 08:29", periods=3, freq="min", tz="America/New_York")
    >>> bar_returns(pd.Series([2400.0, 2412.0, 2412.0], index)).round(5).tolist()
    [nan, 0.00499, 0.0]
    """
    numbers = series.values("close", close)
    instants, bar = instants_of("close", close)
    series.finite_or_nan("close", close, numbers)
    series.refuse_rows("close", close, numbers <= 0, "be above 0")
    moves = np.full(len(numbers), np.nan)
    moves[1:] = np.where(np.diff(instants) == bar, np.diff(np.log(numbers)), np.nan)
    return series.like(close, moves, "return")


@dataclass(frozen=True)
class EventStudy:
    """What the price did around events.

    Attributes
    ----------
    path : DataFrame
        One row for each bar of the window, index `bar` (0 holds the event):

        - `return_pct`: mean abnormal log return of the bar, in %.
        - `cumulative_pct`, `low_pct`, `high_pct`: mean abnormal move since the last close before
          the event (to the left of it: up to that close, with its sign), and its band.
        - `volatility`, `volatility_low`, `volatility_high`: mean absolute return as a multiple of
          the ordinary one, and its band. NaN where nothing ordinary is known.
    abnormal_pct : DataFrame
        One row for each event: abnormal log returns in %, a column for each bar.
    clusters : Series of int
        Which events count as one observation.
    left_out : DataFrame
        Events without a complete window, with the reason.
    confidence : float
    """

    path: pd.DataFrame
    abnormal_pct: pd.DataFrame
    clusters: pd.Series
    left_out: pd.DataFrame
    confidence: float
    kept: np.ndarray = field(repr=False)
    given: int = field(repr=False)

    @property
    def n(self) -> int:
        """Events with a complete window."""
        return len(self.abnormal_pct)

    def move_pct(self, first: int = 0, last: int | None = None) -> pd.Series:
        """Abnormal move of each event from bar `first` to bar `last`, in %."""
        bars = self.abnormal_pct.columns
        first = checks.whole("first", first, at_least=int(bars[0]), at_most=int(bars[-1]))
        last = int(bars[-1]) if last is None else last
        last = checks.whole("last", last, at_least=first, at_most=int(bars[-1]))
        return self.abnormal_pct.loc[:, first:last].sum(axis=1).rename("move_pct")

    def response(self, surprise, first: int = 0, last: int | None = None) -> Response:
        """Regress the moves from bar `first` to `last` on the surprise of each event.

        `surprise` is in the order of the events that were given to `event_study`, those that were
        left out included; a Series with times must have those of the events.
        """
        numbers = surprises_of(surprise, self.abnormal_pct.index, self.kept, self.given)
        moves = self.move_pct(first, last)
        return response(moves, numbers, self.clusters, confidence=self.confidence)


def event_study(
    returns: pd.Series,
    events,
    window: tuple[int, int] = (-30, 60),
    *,
    controls=None,
    confidence: float = 0.95,
    incomplete: str = "refuse",
) -> EventStudy:
    """Average what the price did around events, with bands that know about clusters.

    Parameters
    ----------
    returns : Series
        Log returns of one bar (`bar_returns`), on an index with a time zone.
    events : DatetimeIndex, table or Series with one, or list of Timestamps
        With a time zone. An event in the middle of a bar belongs to that bar.
    window : (int, int)
        First and last bar; bar 0 holds the event.
    controls : as events, optional
        Times at which nothing happened. The *normal* return of a bar is then their mean at the
        same time of day, and volatility is compared with theirs. Without them the normal return
        is 0, and volatility is compared with that of the window's own bars before 0.
    confidence : float
        Of the bands, between 0 and 1.
    incomplete : {"refuse", "leave_out"}
        What to do with windows that lack a bar. Left out, they are listed in `left_out`.

    Raises
    ------
    TypeError, ValueError
        Naive times, events outside the data, controls without the time of day of an event, fewer
        than two clusters, and so on.

    Notes
    -----
    Abnormal return: MacKinlay, "Event Studies in Economics and Finance", *Journal of Economic
    Literature* 35 (1997), with the normal return of the same time of day. Bands: mean ± Student
    t with (clusters − 1) degrees of freedom × clustered standard error; that of the controls'
    mean is added. The band of the volatility is that of its logarithm, by the delta method.

    Examples
    --------
    >>> index = pd.date_range("2030-01-07 08:00", "2030-01-10 12:00", freq="min", tz="UTC")
    >>> moves = pd.Series(0.0, index)
    >>> times = pd.DatetimeIndex(["2030-01-07 09:00", "2030-01-08 09:00", "2030-01-09 09:00"])
    >>> moves[times.tz_localize("UTC")] = [0.01, 0.02, 0.03]
    >>> study = event_study(moves, times.tz_localize("UTC"), (-1, 1))
    >>> study.path["cumulative_pct"].round(6).tolist()
    [0.0, 2.0, 2.0]
    """
    window = window_bounds("window", window)
    confidence = checks.number("confidence", confidence, above=0, below=1)
    incomplete = checks.choice("incomplete", incomplete, INCOMPLETE)
    own = cut_windows(returns, "events", events, window, incomplete)
    bar = instants_of("returns", returns)[1]
    clusters = clusters_of(own.times, window, bar)
    groups = int(clusters.max()) + 1
    if groups < 2:
        raise ValueError(
            f"events must form at least 2 clusters, for a band to be known; got {len(own.times)} "
            "events that are all of one day, or overlap"
        )
    bars = np.arange(window[0], window[1] + 1)
    moves = 100 * own.returns
    abnormal, normal_error = moves, 0.0
    normal_size = normal_size_error = None
    if controls is not None:
        quiet = cut_windows(returns, "controls", controls, window, incomplete)
        normal, normal_error, normal_size, normal_size_error = _normal(
            own.times, quiet, bars, clusters_of(quiet.times, window, bar)
        )
        abnormal = moves - normal
    elif window[0] < 0:
        before = np.abs(moves[:, bars < 0]).mean(axis=1)
        normal_size, normal_size_error = mean_and_error(before, clusters)

    # Backwards from the event on its left, forwards on its right: 0 at the last close before it.
    summed = np.cumsum(abnormal, axis=1)
    base = summed[:, bars == -1] if window[0] < 0 <= window[1] + 1 else 0.0
    mean, error = mean_and_error(summed - base, clusters)
    degrees = groups - 1
    reach = t_quantile(confidence, degrees) * np.hypot(error, normal_error)
    path = pd.DataFrame(
        {
            "return_pct": abnormal.mean(axis=0),
            "cumulative_pct": mean,
            "low_pct": mean - reach,
            "high_pct": mean + reach,
        },
        index=pd.Index(bars, name="bar"),
    )
    size, size_error = mean_and_error(np.abs(moves), clusters)
    multiple = low = high = np.full(len(bars), np.nan)
    if normal_size is not None and np.all(normal_size > 0) and np.all(size > 0):
        multiple = size / normal_size
        relative = np.hypot(size_error / size, normal_size_error / normal_size)
        factor = np.exp(t_quantile(confidence, degrees) * relative)
        low, high = multiple / factor, multiple * factor
    path["volatility"], path["volatility_low"], path["volatility_high"] = multiple, low, high
    return EventStudy(
        path=path,
        abnormal_pct=pd.DataFrame(abnormal, index=own.times.rename("time"), columns=path.index),
        clusters=pd.Series(clusters, index=own.times.rename("time"), name="cluster"),
        left_out=own.left_out,
        confidence=confidence,
        kept=own.kept,
        given=len(event_times("events", events)),
    )


def _normal(times, quiet: Windows, bars: np.ndarray, clusters: np.ndarray):
    """Normal returns for each event, and what is uncertain about their mean and their size."""
    own_clock, quiet_clock = clock_of(times), clock_of(quiet.times)
    zero = np.flatnonzero(bars == -1) if bars[0] < 0 <= bars[-1] + 1 else None
    normal = np.empty((len(times), len(bars)))
    variance, size, size_variance = np.zeros((3, len(bars)))
    for clock in np.unique(own_clock):
        mine, theirs = own_clock == clock, quiet_clock == clock
        kind = hour_text(clock)
        _, number = np.unique(clusters[theirs], return_inverse=True)
        if theirs.sum() < 2 or number.max() < 1:
            raise ValueError(
                f"controls must have at least 2 days at {kind}, the time of day of an event, "
                f"got {int(theirs.sum())} times"
            )
        moves = 100 * quiet.returns[theirs]
        normal[mine] = moves.mean(axis=0)
        weight = mine.mean()
        summed = np.cumsum(moves, axis=1)
        summed = summed - summed[:, zero] if zero is not None else summed
        variance += (weight * mean_and_error(summed, number)[1]) ** 2
        mean_size, its_error = mean_and_error(np.abs(moves), number)
        size += weight * mean_size
        size_variance += (weight * its_error) ** 2
    return normal, np.sqrt(variance), size, np.sqrt(size_variance)
