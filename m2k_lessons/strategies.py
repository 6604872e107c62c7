"""The course's rules: each turns prices into a target position.

What they have in common
    *Target.* A float from -1 (fully short) to 1 (fully long) for each bar, decided with what is
    known at that bar's close and not later. It is a wish: `backtest.run` fills it at the next
    open, and knows how many contracts stand for 1.

    *Warm-up.* As long as an indicator has no value, the target is 0.

    *NaN.* A bar without a price has the target 0, and what follows is a new beginning, with a
    new warm-up.

    *Holding.* A rule that has entered stays until its exit; the bars between repeat the target.

    *`long_only`* puts 0 wherever the rule would be short.

None of them is advice. On prices without memory each earns nothing before costs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from m2k_lessons import _check, _series, indicators, sessions

if TYPE_CHECKING:
    from types import ModuleType

# Prices are compared in millionths of a point: every tick is a whole number of them.
_PER_POINT = 1_000_000
# 2400.3 + 9.8 is 2410.1000000000004, and still on a level of 2410.1.
_NOISE = 1e-9
_ONE_MINUTE = pd.Timedelta(minutes=1)
_MIDDLE_OF_RSI = 50.0


def threshold(close, buy_above: float, sell_below: float, *, long_only: bool = True):
    """Buy when the price rises above one level, sell when it falls below another.

    Parameters
    ----------
    close : Series of float
        Prices in points, or whatever the levels are measured in.
    buy_above, sell_below : float
        Levels; `sell_below` at most `buy_above`. A close on a level does nothing yet.
    long_only : bool
        True: to sell is to close what was bought. False: to sell is to go short.

    Returns
    -------
    Series of float
        1 from the first close above `buy_above` to the last before one below `sell_below`; then
        0, or -1 with `long_only=False`. 0 before the first signal.

    Raises
    ------
    TypeError, ValueError
        Levels not numbers or the wrong way round; `close` not numbers, infinite, or with times
        out of order or twice.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2411.0, 2405.0, 2399.0])
    >>> threshold(close, buy_above=2410, sell_below=2400).tolist()
    [0.0, 1.0, 1.0, 0.0]
    """
    buy_above = _check.number("buy_above", buy_above)
    sell_below = _check.number("sell_below", sell_below)
    if sell_below > buy_above:
        raise ValueError(
            f"sell_below must be at most buy_above, got sell_below={sell_below:g} and "
            f"buy_above={buy_above:g}"
        )
    floor = _lowest(long_only)
    prices = _series.values("close", close)
    _series.finite_or_nan("close", close, prices)
    above, below = prices > buy_above + _NOISE, prices < sell_below - _NOISE
    signal = np.where(above, 1.0, np.where(below, floor, np.nan))
    signal[np.isnan(prices)] = 0.0
    return _target(close, pd.Series(signal).ffill().fillna(0.0).to_numpy())


def trend_following(close, fast: int = 20, slow: int = 50, *, long_only: bool = False):
    """Go with the trend: long while the fast moving average is above the slow one.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    fast, slow : int
        Bars, at least 1; `fast` below `slow`.
    long_only : bool

    Returns
    -------
    Series of float
        1 while the average of `fast` bars is above that of `slow` bars, -1 while it is below;
        where they are equal, what it was before. 0 on the first `slow - 1` bars.

    Raises
    ------
    TypeError, ValueError
        As in `indicators.sma_crossover`, which marks the bars on which this target turns from
        long to short or back; both decide in exact arithmetic.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2401.0, 2402.0, 2401.0, 2399.0])
    >>> trend_following(close, fast=1, slow=2).tolist()
    [0.0, 1.0, 1.0, -1.0, -1.0]
    """
    floor = _lowest(long_only)
    side = indicators._order_of_averages(close, fast, slow)
    return _target(close, np.maximum(side, floor))


def mean_reversion(
    close, window: int = 20, entry: float = 2.0, exit: float = 0.0, *, long_only: bool = False
):
    """Bet on the way back: buy far below the average, sell far above it.

    Distances are in standard deviations of the last `window` bars (population), so that `entry`
    is the width of a Bollinger band.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    window : int
        Bars, at least 2.
    entry : float
        Distance at which to enter, above 0.
    exit : float
        Distance at which to leave, from 0 (the average itself) to less than `entry`.
    long_only : bool

    Returns
    -------
    Series of float
        1 from a close at `entry` or more below the average until one that is less than `exit`
        below it; -1 likewise above; else 0. A distance of exactly `exit` leaves. 0 on the first
        `window - 1` bars.

    Raises
    ------
    TypeError, ValueError
        As in `indicators.bollinger`; `entry` and `exit` outside what is accepted.

    Notes
    -----
    Where all prices of a window are equal, the distance is 0. A distance within 1e-9 of a limit
    counts as on it, which makes up for rounding on prices that lie on ticks.

    The close belongs to its own average, so no distance exceeds sqrt(window - 1): with `window=5`
    an `entry` above 2 never happens.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2400.0, 2400.0, 2396.0, 2398.0, 2400.0])
    >>> mean_reversion(close, window=4, entry=1.5).tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 0.0]
    """
    window = _check.whole("window", window, at_least=2)
    entry = _check.number("entry", entry, above=0)
    exit = _check.number("exit", exit, at_least=0, below=entry)
    floor = _lowest(long_only)
    prices = _series.values("close", close)
    bands = indicators.bollinger(prices if isinstance(close, np.ndarray) else close, window, 1.0)
    lower, middle, _ = np.asarray(bands).T
    deviation = middle - lower
    flat = deviation == 0
    score = np.where(flat, 0.0, (prices - middle) / np.where(flat, 1.0, deviation))
    return _target(close, np.maximum(_faded(score, -entry, entry, -exit, exit), floor))


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
    lookback = _check.whole("lookback", lookback, at_least=1)
    move = _check.number("move", move, above=0)
    hold = _check.whole("hold", hold, at_least=1)
    session = _check.choice("session", session, ("RTH", "all"))
    flat_minutes = _check.whole("flat_minutes", flat_minutes, at_least=1)
    floor = _lowest(long_only)
    prices = _minute_closes(bars)
    ends = _session_ends(bars.index, session)
    missing = np.isnan(prices)
    # Comparing with NaT gives False: no order outside the session.
    in_time = bars.index + _ONE_MINUTE < ends - pd.Timedelta(minutes=flat_minutes)
    # A bar without a price is a stretch of its own, so that no move is measured across it.
    first = (ends != ends.shift()).to_numpy() | missing | np.roll(missing, 1)
    parts = np.rint(np.where(missing, 0.0, prices) * _PER_POINT).astype(np.int64)
    target = np.empty(len(prices))
    _kernels().fade_moves(
        parts,
        np.cumsum(first),
        np.asarray(in_time) & ~missing,
        lookback,
        round(move * _PER_POINT),
        hold,
        target,
    )
    return _target(bars["close"], np.maximum(target, floor))


def combination(
    close,
    *,
    fast: int = 20,
    slow: int = 50,
    rsi_window: int = 14,
    oversold: float = 30.0,
    overbought: float = 70.0,
    band_window: int = 20,
    band_width: float = 2.0,
    agree: int = 2,
    long_only: bool = False,
):
    """Use averages, RSI and Bollinger bands together: a vote of three.

    Each votes 1 (buy), -1 (sell) or 0:

    - averages: as in `trend_following(close, fast, slow)`;
    - RSI: 1 from `oversold` or below until it is back at 50, -1 from `overbought` or above;
    - bands: as in `mean_reversion(close, band_window, band_width)`, until the middle is back.

    A vote against cancels one for. Averages go with a move, RSI and bands against it; so two for
    and one against are the rule, and they make 1. `agree=2` takes part in a trend only after a
    setback within it that RSI or bands call extreme.

    Parameters
    ----------
    close : Series of float
        Prices in points.
    fast, slow : int
        Bars of the averages.
    rsi_window : int
        Bars of the RSI.
    oversold, overbought : float
        RSI levels, 0 to 100: below 50 and above 50.
    band_window : int
        Bars of the bands.
    band_width : float
        Standard deviations, above 0.
    agree : int
        Votes needed, those against subtracted: 1, 2 or 3.
    long_only : bool

    Returns
    -------
    Series of float
        1 or -1 while the votes add up to `agree` or more, or to `-agree` or less; else 0. 0 until
        all three have a value.

    Raises
    ------
    TypeError, ValueError
        As the functions named above; `oversold`, `overbought` or `agree` outside what is
        accepted.

    Examples
    --------
    >>> close = pd.Series([2400.0, 2401, 2402, 2403, 2404, 2405, 2402, 2404])
    >>> settings = {"fast": 2, "slow": 6, "rsi_window": 2, "band_window": 3, "band_width": 1.2}
    >>> combination(close, **settings).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    """
    oversold = _check.number("oversold", oversold, at_least=0, below=_MIDDLE_OF_RSI)
    overbought = _check.number("overbought", overbought, above=_MIDDLE_OF_RSI, at_most=100)
    agree = _check.whole("agree", agree, at_least=1, at_most=3)
    floor = _lowest(long_only)
    strength = np.asarray(indicators.rsi(close, rsi_window))
    middle = np.asarray(indicators.sma(close, slow))
    bands = np.asarray(indicators.sma(close, band_window))
    ready = ~np.isnan(strength + middle + bands)
    votes = (
        np.asarray(trend_following(close, fast, slow))
        + _faded(strength, oversold, overbought, _MIDDLE_OF_RSI, _MIDDLE_OF_RSI)
        + np.asarray(mean_reversion(close, band_window, band_width))
    )
    target = np.where(ready & (np.abs(votes) >= agree), np.sign(votes), 0.0)
    return _target(close, np.maximum(target, floor))


def _faded(score, low: float, high: float, leave_long: float, leave_short: float) -> np.ndarray:
    """Against an extreme score until it is ordinary again; see the kernel."""
    target = np.empty(len(score))
    _kernels().fade(np.ascontiguousarray(score), low, high, leave_long, leave_short, target)
    return target


def _lowest(long_only: bool) -> float:
    """The lowest target that is allowed."""
    if not isinstance(long_only, (bool, np.bool_)):
        raise TypeError(f"long_only must be True or False, got {long_only!r}")
    return 0.0 if long_only else -1.0


def _target(like, target: np.ndarray):
    # Adding 0.0 turns -0.0 into 0.0.
    return _series.like(like, target.astype(np.float64) + 0.0, "target")


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
    prices = _series.values("bars['close']", bars["close"])
    _series.finite_or_nan("bars['close']", bars["close"], prices)
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


def _kernels() -> ModuleType:
    # Here, not above: numba takes 0.4 s to import.
    from m2k_lessons import _strategy_kernels

    return _strategy_kernels
