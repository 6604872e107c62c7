"""Where a stop stands, when to end the day, and what a gap does to both."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K
from m2k_lessons.risk.arguments import NOISE, check_contract, sample_of, ticks_up

_SIDES = {"long": 1, "short": -1}


def daily_loss_limit(pnl_usd: pd.Series, limit_usd: float) -> pd.Series:
    """Whether trading was still allowed: a "kill switch" that resets with the next trade date.

    A row may be traded when the profits and losses of the rows before it, on the same trade date,
    have not lost the limit. Once off, the switch stays off until that date's end, whatever the
    trades that were no longer taken would have made.

    Parameters
    ----------
    pnl_usd : Series
        Profit or loss of each trade (or of each bar) by the time it was known, in order. Trade
        dates are those of `sessions.trade_dates`: they end at 18:00 New York time, the half-session
        of a holiday belongs to the next one, and times without a zone are New York's.
    limit_usd : float
        Loss that ends the day, above 0.

    Returns
    -------
    Series of bool
        Named "allowed". `pnl_usd[allowed]` is what the account would have got.

    Examples
    --------
    >>> times = pd.to_datetime(["2031-01-06 10:00", "2031-01-06 11:00", "2031-01-06 12:00",
    ...                         "2031-01-07 10:00"])
    >>> daily_loss_limit(pd.Series([-80.0, -70.0, 200.0, 50.0], times), limit_usd=150).tolist()
    [True, True, False, True]
    """
    if not isinstance(pnl_usd, pd.Series):
        raise TypeError(f"pnl_usd must be a Series, got {type(pnl_usd).__name__}")
    limit = checks.number("limit_usd", limit_usd, above=0)
    date = _trade_dates("pnl_usd", pnl_usd.index)
    values = pd.Series(sample_of("pnl_usd", pnl_usd, may_be_empty=True), index=pnl_usd.index)
    total = values.groupby(date).cumsum()
    lost = total <= -limit + float(NOISE) / 100
    tripped = lost.groupby(date).cummax()
    before = tripped.groupby(date).shift(1, fill_value=False)
    return (~before.astype(bool)).rename("allowed")


def stop_price(entry, side, *, points=None, atr=None, multiple=2.0, contract=M2K) -> float:
    """Price of a stop, some points or some average true ranges away from the entry.

    Parameters
    ----------
    entry : float
        Entry price, on the contract's tick.
    side : {"long", "short"}
        A long position has its stop below the entry, a short one above.
    points : float, optional
        Distance in points, above 0. Give either this or `atr`.
    atr : float, optional
        Average true range known at the entry, in points, above 0.
    multiple : float
        How many average true ranges away, above 0.
    contract : Contract

    Returns
    -------
    float
        On the tick; a distance between two ticks is rounded away from the entry, as in
        `position_size`.

    Raises
    ------
    ValueError
        A stop at 0 points or below; both or neither of `points` and `atr`.

    Examples
    --------
    >>> stop_price(2400.0, "long", points=12)
    2388.0
    >>> stop_price(2400.0, "short", atr=18.33, multiple=1.5)
    2427.5
    """
    contract = check_contract(contract)
    direction = _SIDES[checks.choice("side", side, _SIDES)]
    if (points is None) == (atr is None):
        raise ValueError(f"give either points or atr, got points={points!r} and atr={atr!r}")
    if points is None:
        name = "atr * multiple"
        points = checks.number("atr", atr, above=0) * checks.number("multiple", multiple, above=0)
    else:
        name = "points"
    entry_ticks = int(contract.ticks(checks.number("entry", entry, above=0)))
    away = ticks_up(name, points, contract)
    stop = entry_ticks - direction * away
    if stop <= 0:
        raise ValueError(f"{name} must leave the stop above 0, got {points!r} below {entry!r}")
    return float(contract._points(stop))


def time_stop(index: pd.DatetimeIndex, entry_time, bars: int):
    """Bar at which a position is closed because it has been held long enough.

    Parameters
    ----------
    index : DatetimeIndex
        Times of the bars, in order.
    entry_time : Timestamp or str
        Bar of the entry; it must be in `index`.
    bars : int
        How many bars to hold, 1 or more.

    Returns
    -------
    Timestamp or None
        None where the data end before the time is up.

    Examples
    --------
    >>> days = pd.date_range("2031-01-06", periods=5, name="time")
    >>> time_stop(days, "2031-01-06", bars=3)
    Timestamp('2031-01-09 00:00:00')
    """
    _ordered_times("index", index)
    held = checks.whole("bars", bars, at_least=1)
    try:
        entered = index.get_loc(pd.Timestamp(entry_time))
    except KeyError:
        raise ValueError(f"entry_time must be one of the bars, got {entry_time!r}") from None
    if not isinstance(entered, int):
        raise ValueError(f"index must hold each time once, got {entry_time!r} several times")
    return index[entered + held] if entered + held < len(index) else None


def gap_risk(bars: pd.DataFrame, stop_points, contract=M2K, side="long") -> pd.DataFrame:
    """What each closed market would have cost beyond the stop, per contract.

    The position is held over the close with a stop `stop_points` from it. A stop that the next
    open has jumped over is filled at that open, without further slippage. The rows are the
    distribution: `.mean()`, `.quantile(0.99)` and a histogram read it.

    Parameters
    ----------
    bars : DataFrame
        Columns open and close, on the contract's tick, of one contract or adjusted for rolls: a
        roll's jump is not a gap. Daily bars, or bars within the day, of which the first open
        of a trade date (`sessions.trade_dates`) and the last close before it are taken; for the
        night of the stock market, give the bars of its hours only.
    stop_points : float
        Distance from the close to the stop, in points, above 0.
    contract : Contract
    side : {"long", "short"}

    Returns
    -------
    DataFrame
        A row for each trade date but the first, at the time of its first bar: ``gap_points``
        (open less the close before), ``beyond_stop_points`` (0 where the stop was not jumped
        over) and ``beyond_stop_usd`` of one contract, a loss being positive.

    Examples
    --------
    >>> days = pd.to_datetime(["2031-01-06", "2031-01-07", "2031-01-08"])
    >>> bars = pd.DataFrame({"open": [2400.0, 2395.0, 2370.0],
    ...                      "close": [2401.0, 2390.0, 2380.0]}, index=days)
    >>> gap_risk(bars, stop_points=12)["beyond_stop_usd"].tolist()
    [0.0, 40.0]
    """
    contract = check_contract(contract)
    direction = _SIDES[checks.choice("side", side, _SIDES)]
    stop = ticks_up("stop_points", stop_points, contract)
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"bars must be a DataFrame, got {type(bars).__name__}")
    checks.columns_once("bars", bars)
    missing = [name for name in ("open", "close") if name not in bars]
    if missing:
        raise ValueError(f"bars must have columns open and close, got {list(bars.columns)}")
    date = _trade_dates("bars", bars.index)
    opens = contract._price_ticks("open", bars["open"].to_numpy())
    closes = contract._price_ticks("close", bars["close"].to_numpy())
    first = np.flatnonzero(np.diff(date.asi8) != 0) + 1
    gap = opens[first] - closes[first - 1]
    beyond = np.maximum(-direction * gap - stop, 0)
    return pd.DataFrame(
        {
            "gap_points": contract._points(gap),
            "beyond_stop_points": contract._points(beyond),
            "beyond_stop_usd": beyond * contract.tick_value,
        },
        index=bars.index[first],
    )


def _ordered_times(name: str, index) -> None:
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(f"{name} must have a DatetimeIndex, got {type(index).__name__}")
    if not index.is_monotonic_increasing:  # nor is it with a time missing
        raise ValueError(f"{name} must be in order of time, each time known")


def _trade_dates(name: str, index) -> pd.DatetimeIndex:
    _ordered_times(name, index)
    return sessions.trade_dates(index)
