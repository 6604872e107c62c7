"""Scalping: many small trades inside the regular session."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks, series
from m2k_lessons.strategies.rules import as_target, compiled_kernels, lowest

# Prices are compared in millionths of a point: every tick is a whole number of them.
_PER_POINT = 1_000_000
_ONE_MINUTE = pd.Timedelta(minutes=1)


def scalping(
    bars: pd.DataFrame,
    lookback: int = 5,
    move: float = 3.0,
    hold: int = 5,
    *,
    session: str = "RTH",
    flat_minutes: int = 5,
    long_only: bool = False,
) -> pd.Series:
    """Bet against quick moves for a few minutes at a time, and hold nothing overnight.

    When the close has moved by `move` points or more over the last `lookback` bars, all of one
    session, take the other side for `hold` bars. Then look again: the next bet may follow at once.

    Parameters
    ----------
    bars : DataFrame
        One-minute bars with a column `close`; tz-aware times, each the start of its minute.
    lookback : int
        Bars, at least 1.
    move : float
        Points, above 0.
    hold : int
        Bars, at least 1.
    session : {"RTH", "all"}
        "RTH": bet in regular trading hours only. "all": whenever the market is open, up to each
        halt and close.
    flat_minutes : int
        Minutes before the session's end at which the target is 0, at least 1.
    long_only : bool

    Returns
    -------
    Series of float
        1, -1 or 0; 0 outside the session, and on every bar that ends `flat_minutes` or less
        before its end. Filled at the next open, that leaves before the session is over, as long
        as one of its last `flat_minutes` minutes has a bar.

    Raises
    ------
    TypeError, ValueError
        `bars` without a column `close`, without tz-aware times, with times out of order, twice
        or off the minute, or farther apart than a minute throughout; times that
        `sessions.schedule` does not cover; other arguments outside what is accepted.

    Notes
    -----
    Nothing to do with gamma scalping, which hedges options. Stops and profit targets, the other
    half of the trade, are set in `backtest.run`.

    Examples
    --------
    >>> times = pd.date_range("2031-03-03 10:00", periods=5, freq="min", tz="America/New_York")
    >>> bars = pd.DataFrame({"close": [2400.0, 2396.5, 2397.0, 2398.0, 2398.5]}, index=times)
    >>> scalping(bars, lookback=1, move=3.0, hold=2).tolist()
    [0.0, 1.0, 1.0, 0.0, 0.0]
    """
    lookback = checks.whole("lookback", lookback, at_least=1)
    move = checks.number("move", move, above=0)
    hold = checks.whole("hold", hold, at_least=1)
    session = checks.choice("session", session, ("RTH", "all"))
    flat_minutes = checks.whole("flat_minutes", flat_minutes, at_least=1)
    floor = lowest(long_only)
    prices = _minute_closes(bars)
    ends = _session_ends(bars.index, session)
    missing = np.isnan(prices)
    # Comparing with NaT gives False: no order outside the session.
    in_time = bars.index + _ONE_MINUTE < ends - pd.Timedelta(minutes=flat_minutes)
    # A bar without a price is a stretch of its own, so that no move is measured across it.
    first = (ends != ends.shift()).to_numpy() | missing | np.roll(missing, 1)
    parts = np.rint(np.where(missing, 0.0, prices) * _PER_POINT).astype(np.int64)
    target = np.empty(len(prices))
    compiled_kernels().fade_moves(
        parts,
        np.cumsum(first),
        np.asarray(in_time) & ~missing,
        lookback,
        round(move * _PER_POINT),
        hold,
        target,
    )
    return as_target(bars["close"], np.maximum(target, floor))


def _minute_closes(bars) -> np.ndarray:
    """Prices of one-minute bars, or what is wrong with them."""
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"bars must be a DataFrame, got a {type(bars).__name__}")
    if "close" not in bars.columns:
        raise ValueError(f"bars must have a column 'close', got {list(bars.columns)}")
    if not isinstance(bars.index, pd.DatetimeIndex) or bars.index.tz is None:
        raise TypeError(
            f"bars must have tz-aware times as its index, got {type(bars.index).__name__} of "
            f"{bars.index.dtype}"
        )
    prices = series.values("bars['close']", bars["close"])
    series.finite_or_nan("bars['close']", bars["close"], prices)
    off_minute = bars.index != bars.index.floor("min")
    if off_minute.any():
        raise ValueError(
            f"bars must begin on whole minutes, got one that begins at {bars.index[off_minute][0]}"
        )
    shortest = pd.Series(bars.index).diff().min()
    # Not of a handful: in a quiet night two bars may well lie minutes apart.
    if len(bars) > 10 and shortest > _ONE_MINUTE:
        raise ValueError(f"bars must be one minute long, got none closer together than {shortest}")
    return prices


def _session_ends(index: pd.DatetimeIndex, session: str) -> pd.Series:
    """When the session of each bar ends; NaT for a bar outside."""
    if not len(index):
        return pd.Series(pd.DatetimeIndex([], tz=sessions.NEW_YORK), index=index)
    if session == "all":
        return sessions.next_close(index).where(sessions.is_open(index))
    local = index.tz_convert(sessions.NEW_YORK)
    hours = sessions.schedule(local[0].date(), local[-1].date())
    ends = hours["rth_close"].reindex(local.tz_localize(None).normalize())
    inside = sessions.label_sessions(index) == "RTH"
    return pd.Series(ends.array, index=index).where(inside)
