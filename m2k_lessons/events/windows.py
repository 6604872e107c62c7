"""Bars around moments: the windows that event studies cut, and their clusters."""

import datetime as dt
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.sessions import NEW_YORK

MINUTE_US = 60_000_000


def instants_of(name: str, returns) -> tuple[np.ndarray, int]:
    """Bar starts in microseconds UTC, and the length of a bar."""
    if not isinstance(returns, pd.Series) or not isinstance(returns.index, pd.DatetimeIndex):
        raise TypeError(
            f"{name} must be a Series with a DatetimeIndex, got {type(returns).__name__}"
        )
    if returns.index.tz is None:
        raise ValueError(
            f"{name} must have an index with a time zone, got naive times; "
            f"{name}.tz_localize('America/New_York') says which clock is meant"
        )
    if len(returns) < 2:
        raise ValueError(f"{name} must have at least 2 bars, got {len(returns)}")
    series.check_order(name, returns.index)
    instants = returns.index.as_unit("us").asi8
    return instants, int(np.diff(instants).min())


def event_times(name: str, events) -> pd.DatetimeIndex:
    """The instants of events given as an index, or as a table or Series with such an index."""
    given = events
    if isinstance(events, (pd.DataFrame, pd.Series)):
        given = events.index
    elif isinstance(events, (pd.Timestamp, dt.datetime)):
        given = [events]
    if isinstance(given, (str, bytes)) or not hasattr(given, "__iter__"):
        raise TypeError(
            f"{name} must be a DatetimeIndex, a table with one, or a list of Timestamps, "
            f"got {events!r}"
        )
    if not isinstance(given, pd.DatetimeIndex):
        moments = list(given)
        for moment in moments:
            if not isinstance(moment, dt.datetime):
                raise TypeError(f"{name} must hold Timestamps with a time zone, got {moment!r}")
            if moment.tzinfo is None and not pd.isna(moment):
                raise ValueError(_naive(name, moment))
        given = pd.DatetimeIndex(pd.to_datetime(moments, utc=True))
    if len(given) == 0:
        raise ValueError(f"{name} must hold at least one event, got none")
    if given.hasnans:
        row = int(np.flatnonzero(given.isna())[0])
        raise ValueError(f"{name} must have a time for each event, got none in row {row}")
    if given.tz is None:
        raise ValueError(_naive(name, given[0]))
    return given.as_unit("us").tz_convert(NEW_YORK)


def _naive(name: str, moment) -> str:
    return (
        f"{name} must have a time zone, got the naive time {moment}; "
        "tz_localize('America/New_York') says which clock is meant"
    )


def window_bounds(name: str, window) -> tuple[int, int]:
    if isinstance(window, (str, bytes)) or not hasattr(window, "__len__") or len(window) != 2:
        raise TypeError(f"{name} must be two whole numbers such as (-30, 60), got {window!r}")
    first, last = (checks.whole(f"{name}[{i}]", bar) for i, bar in enumerate(window))
    if first > last:
        raise ValueError(f"{name} must not end before it begins, got ({first}, {last})")
    return first, last


class Windows(NamedTuple):
    times: pd.DatetimeIndex  # of the events that are complete
    kept: np.ndarray  # their rows among the given events
    returns: np.ndarray  # one row each, one column per bar of the window
    left_out: pd.DataFrame


def cut_windows(
    returns: pd.Series, name: str, events, window: tuple[int, int], incomplete: str
) -> Windows:
    """Cut the window around each event out of the returns."""
    numbers = series.values("returns", returns)
    instants, bar = instants_of("returns", returns)
    series.finite_or_nan("returns", returns, numbers)
    times = event_times(name, events)
    first, last = window
    span = last - first
    # The bar that contains the event.
    row = np.searchsorted(instants, times.asi8, side="right") - 1
    start = row + first
    inside = (row >= 0) & (start >= 0) & (start + span < len(instants))
    safe = np.where(inside, start, 0)
    zero = instants[np.maximum(row, 0)]
    last_row = np.minimum(safe + span, len(instants) - 1)
    whole = (
        inside
        & (times.asi8 - zero < bar)
        & (instants[safe] == zero + first * bar)
        & (instants[last_row] == zero + last * bar)
    )
    cut = numbers[np.minimum(safe[:, None] + np.arange(span + 1), len(numbers) - 1)]
    known = whole & np.isfinite(cut).all(axis=1)
    outside = (times.asi8 < instants[0]) | (times.asi8 >= instants[-1] + bar)
    reason = np.where(outside, "outside the data", "a bar of the window is missing")
    left_out = pd.DataFrame({"reason": reason[~known]}, index=times[~known])
    if incomplete == "refuse" and not known.all():
        raise ValueError(
            f"{name} must lie inside returns with a complete window of bars {first} to {last}, "
            f"got {len(left_out)} of {len(known)} that do not, the first at {left_out.index[0]}: "
            f"{left_out['reason'].iloc[0]}; incomplete='leave_out' leaves them out by name"
        )
    if not known.any():
        raise ValueError(f"{name} must have at least one complete window inside returns, got none")
    return Windows(times[known], np.flatnonzero(known), cut[known], left_out.rename_axis("time"))


def clusters_of(times: pd.DatetimeIndex, window: tuple[int, int], bar: int) -> np.ndarray:
    """Number of the cluster of each event: same New York day, or windows that overlap."""
    order = np.argsort(times.asi8, kind="stable")
    moments = times.asi8[order]
    day = times.tz_localize(None).normalize().asi8[order]
    reach = (window[1] - window[0] + 1) * bar
    new = np.ones(len(moments), dtype=bool)
    new[1:] = (np.diff(day) > 0) & (np.diff(moments) >= reach)
    numbers = np.empty(len(moments), dtype=np.int64)
    numbers[order] = np.cumsum(new) - 1
    return numbers


def cluster_sums(values: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    sums = np.zeros((clusters.max() + 1, *values.shape[1:]))
    np.add.at(sums, clusters, values)
    return sums


def mean_and_error(values: np.ndarray, clusters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean over events, and its standard error clustered (Liang and Zeger 1986)."""
    mean = values.mean(axis=0)
    groups = int(clusters.max()) + 1
    if groups < 2:
        return mean, np.full_like(mean, np.nan)
    sums = cluster_sums(values - mean, clusters)
    variance = groups / (groups - 1) * np.square(sums).sum(axis=0) / len(values) ** 2
    return mean, np.sqrt(variance)


def t_quantile(confidence: float, degrees: float) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(degrees, 0.5 + confidence / 2))


def clock_of(times: pd.DatetimeIndex) -> np.ndarray:
    """Microseconds since midnight, New York time."""
    wall = times.tz_localize(None)
    return wall.asi8 - wall.normalize().asi8


def hour_text(clock: int) -> str:
    minutes = int(clock) // MINUTE_US
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def surprises_of(given, times: pd.DatetimeIndex, kept: np.ndarray, size: int) -> np.ndarray:
    """The surprise of each event that was kept."""
    numbers = numbers_of("surprise", given, size)[kept]
    if isinstance(given, pd.Series) and isinstance(given.index, pd.DatetimeIndex):
        own = event_times("surprise", given)[kept]
        other = np.flatnonzero(own.asi8 != times.asi8)
        if len(other):
            raise ValueError(
                f"surprise must be in the order of the events, got {own[other[0]]} for the event "
                f"of {times[other[0]]}"
            )
    return numbers


def numbers_of(name: str, given, size: int | None = None) -> np.ndarray:
    try:
        numbers = np.asarray(given, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must hold numbers, got {given!r}") from None
    if numbers.ndim != 1 or (size is not None and len(numbers) != size):
        wanted = "one dimension" if size is None else f"{size} numbers, one for each event"
        raise ValueError(f"{name} must have {wanted}, got shape {numbers.shape}")
    return numbers
