"""Less position around events."""

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks, series
from m2k_lessons.events.windows import event_times, instants_of
from m2k_lessons.sessions import NEW_YORK


def reduce_around(
    target: pd.Series,
    events,
    before: int | str | pd.Timedelta,
    after: int | str | pd.Timedelta,
    *,
    to: float = 0.0,
) -> pd.Series:
    """Make a target position smaller around scheduled events.

    Parameters
    ----------
    target : Series
        Position known at the close of each bar, from -1 to 1, for `backtest.run` with
        `fill="next_open"`. Index with a time zone; a bar is labelled by its start, a daily bar by
        its trade date at midnight (it opens at 09:30).
    events : as in `event_study`
        Scheduled times: those that were known before the first of these bars. Events that could
        not be known in advance make this a look ahead. Times before or after all bars change
        nothing, so that a whole year's calendar may be given.
    before, after : int (minutes), str or Timedelta
        From how long before to how long after each event, at least 0.
    to : float
        Share of the position that stays: 0 stands aside, 0.5 halves, 1 holds.

    Returns
    -------
    Series
        `target` times `to` where the position that it leads to would be held at some moment
        from `before` to `after`; unchanged elsewhere.

    Notes
    -----
    What is decided at the close of a bar is bought at the next bar's open and held to the open
    after that. With daily bars one has to be out from the open of the day before. Half of one
    contract is none, since `backtest.run` cuts to whole contracts: hold at least two.

    Examples
    --------
    >>> index = pd.date_range("2030-02-01 08:26", periods=8, freq="min", tz="America/New_York")
    >>> flat = reduce_around(pd.Series(1.0, index), index[[4]], before=1, after=1)
    >>> flat.tolist()
    [1.0, 1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
    """
    numbers = series.values("target", target)
    instants, bar = instants_of("target", target)
    series.refuse_rows("target", target, ~(np.abs(numbers) <= 1), "be from -1 to 1")
    to = checks.number("to", to, at_least=0, at_most=1)
    margins = _duration("before", before), _duration("after", after)
    times = event_times("events", events)
    opens = instants
    wall = target.index.tz_convert(NEW_YORK)
    whole_days = (wall == wall.normalize()).all()
    if whole_days:
        opens = _series_open(wall)
    # Position of row i is held from the open of bar i + 1 to the open of bar i + 2.
    following = _two_opens_after(wall[-1], pd.Timedelta(bar, unit="us"), whole_days)
    later = np.concatenate([opens, following])
    start, stop = later[1:-1], later[2:]
    reduced = np.zeros(len(numbers) + 1, dtype=np.int64)
    # Rows whose span [start, stop) meets [event - before, event + after), or holds the event.
    low = np.searchsorted(stop, times.asi8 - margins[0], side="right")
    high = np.maximum(
        np.searchsorted(start, times.asi8 + margins[1], side="left"),
        np.searchsorted(start, times.asi8, side="right"),
    )
    np.add.at(reduced, low, 1)
    np.add.at(reduced, np.maximum(high, low), -1)
    inside = np.cumsum(reduced[:-1]) > 0
    return series.like(target, np.where(inside, to * numbers, numbers), target.name or "target")


def _two_opens_after(last: pd.Timestamp, bar: pd.Timedelta, whole_days: bool) -> np.ndarray:
    """When the two bars after the last one open, by the exchange's calendar."""
    if whole_days and bar <= pd.Timedelta(days=1):
        tomorrow = last.tz_localize(None) + pd.Timedelta(days=1)
        return _series_open(sessions.trading_days(tomorrow, tomorrow + pd.Timedelta(days=14))[:2])
    following = [last]
    for _ in range(2):
        begins = following[-1] + bar
        following.append(begins if sessions.is_open(begins) else sessions.next_open(begins))
    return pd.DatetimeIndex(following[1:]).as_unit("us").asi8


def _series_open(days: pd.DatetimeIndex) -> np.ndarray:
    """Instants at which the stock market's day opens."""
    opens = days.tz_localize(None) + pd.Timedelta(hours=9, minutes=30)
    return opens.tz_localize(NEW_YORK).as_unit("us").asi8


def _duration(name: str, value) -> int:
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        value = pd.Timedelta(minutes=int(value))
    try:
        length = pd.Timedelta(value) if not isinstance(value, (bool, float)) else None
    except (TypeError, ValueError):
        length = None
    if length is None or pd.isna(length):
        raise TypeError(f"{name} must be minutes or a Timedelta such as '30min', got {value!r}")
    if length < pd.Timedelta(0):
        raise ValueError(f"{name} must be at least 0, got {value}")
    return length // pd.Timedelta(microseconds=1)
