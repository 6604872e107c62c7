"""Whether the opens of daily bars are prices at which somebody could have traded.

An index has no trades of its own. At 09:30 it is computed from the last known price of every
member, most of which have not traded yet: the number called open is yesterday's close, or lies
between it and the market. A program that fills orders there trades at a price that never was.

Four measures tell such opens from those of a fund, a share or a future:

copied
    Half of the gaps are hardly larger than nothing: the median absolute gap is less than
    `COPIED` of the median absolute move from open to close, or more than `EQUAL` of the opens
    are the close before to the digit.
run through
    The first number lags, and the index runs on through it: the open lies at the low of a day
    that gapped up, or at the high of one that gapped down, more often than at the other end. The
    two are compared as counts, `z = (on - back) / sqrt(on + back)` against `RUN_Z` (`SHORT_Z`
    for fewer than `SHORT_DAYS` days). Between `GREY_Z` and that, fewer than `GREY_DAYS` days are
    too few to tell.
volume
    More than `WHOLE_EXCHANGE` shares on the median day at prices above 100: the volume of a whole
    stock exchange, which some indices carry.
name
    The symbol is an index's, such as `^RUT`.

The overnight share of variance and the correlation of gap and day are reported with them. Alone
they don't tell: a future that trades for 23 hours has a small overnight share, too.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

COPIED = 0.06
EQUAL = 0.3
RUN_SHARE, RUN_RATIO, RUN_Z = 0.085, 1.75, 3.0
SHORT_Z, SHORT_DAYS = 3.8, 200  # the same limit for fewer days
GREY_Z, GREY_DAYS = 1.6, 500
WHOLE_EXCHANGE = 6e8
FEWEST_DAYS = 60  # fewer tell a copied open, but not that an open is real
FEWEST_AT_ALL = 20
DIGITS = 2e-6  # of the price: stored numbers that differ by less are one price
HASTE = 1.1  # by so much wider are the limits of the quick look
EDGE = 0.03  # of the day's range: an open as close as this to the low is at the low
NAMES = {"spx", "gspc", "inx", "rut", "ndx", "ixic", "comp", "dji", "djia", "oex", "rui", "rua"}
INSTEAD = "use a fund (IWM, SPY) or a future, whose opens are trades, or fill at the next close"


class Opens(NamedTuple):
    """What `measure_opens` found; plain numbers, so that it can live in a frame's `attrs`.

    Attributes
    ----------
    tradable : bool or None
        False where the opens are no prices, None where that can't be told.
    reason : str
        Why, in a sentence.
    days : int
        Pairs of a close and the next open.
    equal_share : float or None
        Share of opens that equal the close before.
    overnight_share : float or None
        Sum of squared log gaps over the sum of squared gaps and moves from open to close.
    gap_day_correlation : float or None
        Correlation of log gap and log move from open to close; above 0 where opens lag.
    run_through_share, run_back_share : float or None
        Share of days whose open is at the end of the range that the gap came from, or went to.
    """

    tradable: bool | None
    reason: str
    days: int = 0
    equal_share: float | None = None
    overnight_share: float | None = None
    gap_day_correlation: float | None = None
    run_through_share: float | None = None
    run_back_share: float | None = None

    def __str__(self) -> str:
        return self.reason

    def __deepcopy__(self, memo: dict) -> Opens:
        return self  # pandas copies attrs in nearly every operation; this never changes


def measure_opens(bars: pd.DataFrame, symbol: str = "") -> Opens:
    """Measure whether the opens of daily bars are prices that could be traded.

    Parameters
    ----------
    bars : pandas.DataFrame
        Columns `open` and `close`, and better `high`, `low` and `volume` too, on an ascending
        DatetimeIndex; one row per day.
    symbol : str
        The symbol, where it is known: `^RUT`, `SPX` and their like are indices whatever the
        numbers say.

    Returns
    -------
    Opens
        With `tradable` False, True or, for bars within the day, for a market that is open on
        weekends and for days that are too few to tell, None. `print` it for the reason.

    Raises
    ------
    TypeError
        If `bars` is no DataFrame or its index holds no times.
    ValueError
        If `open` or `close` is missing.

    Notes
    -----
    The thresholds were set on the Russell 2000, the S&P 500, the NASDAQ Composite and the fund
    IWM, all windows of 1 to 10 years since 1987; `tests/test_opens.py` has the table. The
    Composite's opens since 2005 can't be told from a fund's by its prices; its volume tells.

    Examples
    --------
    >>> days = pd.bdate_range("2026-01-02", periods=100, tz="America/New_York")
    >>> close = 2000.0 + np.arange(100) % 7
    >>> copied = pd.DataFrame({"open": np.roll(close, 1), "close": close}, index=days)
    >>> measure_opens(copied).tradable, measure_opens(copied).equal_share
    (False, 1.0)
    """
    if not isinstance(bars, pd.DataFrame) or not isinstance(bars.index, pd.DatetimeIndex):
        raise TypeError(f"bars must be a DataFrame with a DatetimeIndex, got {type(bars).__name__}")
    if missing := {"open", "close"} - set(bars.columns):
        raise ValueError(f"bars must have the columns open and close, got no {min(missing)}")
    if within_the_day(bars.index):
        return Opens(None, "opens not judged: the bars are within the day, each begins at a trade")
    weekend = np.mean(bars.index.day_of_week >= 5) if len(bars) else 0.0
    if weekend > 0.1:
        return Opens(None, "opens not judged: the market is open on weekends and has no night")
    named = _names_an_index(symbol)
    with np.errstate(divide="ignore", invalid="ignore"):
        opened, closed = (np.log(bars[name].to_numpy(dtype=float)) for name in ("open", "close"))
        gap, day = opened[1:] - closed[:-1], closed[1:] - opened[1:]
    whole = np.isfinite(gap) & np.isfinite(day)
    days = int(whole.sum())
    if days < FEWEST_AT_ALL:
        if named:
            return Opens(False, f"{symbol} is an index: its open can't be traded; {INSTEAD}", days)
        return Opens(None, f"opens not judged: {days} days are too few to tell", days)
    on, back = _run_through(bars, gap, whole)
    gap, day = gap[whole], day[whole]
    nights, both = float(gap @ gap), float(gap @ gap + day @ day)
    equal = float(np.mean(np.abs(gap) < DIGITS))
    moves = gap.std() > 0 and day.std() > 0
    measured: dict[str, Any] = {
        "days": days,
        "equal_share": equal,
        "overnight_share": nights / both if both else None,
        "gap_day_correlation": float(np.corrcoef(gap, day)[0, 1]) if moves else None,
        "run_through_share": on,
        "run_back_share": back,
    }
    usual_day = np.median(np.abs(day))
    evidence = []
    if named:
        evidence.append(f"{symbol} is an index")
    if equal > EQUAL or (usual_day and np.median(np.abs(gap)) < COPIED * usual_day):
        evidence.append(
            f"the open equals the close before on {equal:.0%} of {days:,} days, and hardly "
            "differs on most others"
        )
    excess = (on - back) * np.sqrt(days / (on + back)) if on or back else 0.0
    lags = on is not None and on > RUN_SHARE and on > RUN_RATIO * back
    if lags and excess > (RUN_Z if days >= SHORT_DAYS else SHORT_Z):
        evidence.append(
            f"prices ran on through the open on {on:.0%} of {days:,} days and back from it on "
            f"{back:.0%}: a first number that lags"
        )
    if "volume" in bars and _of_an_exchange(bars):
        evidence.append("its volume is a whole stock exchange's")
    if evidence:
        reason = f"an index: its open can't be traded ({'; '.join(evidence)}); {INSTEAD}"
        return Opens(False, reason, **measured)
    if days < FEWEST_DAYS or (lags and excess > GREY_Z and days < GREY_DAYS):
        return Opens(None, f"opens not judged: {days} days are too few to tell", **measured)
    share = f"{nights / both:.0%} of variance is overnight" if both else "no price moves"
    return Opens(True, f"opens look like trades ({share}, {days:,} days)", **measured)


def may_be_untradable(prices: np.ndarray, volume: pd.Series | None = None) -> bool:
    """Say in a hurry whether `measure_opens` could answer that the opens can't be traded.

    Parameters
    ----------
    prices : int array
        Rows open, high, low, close, in ticks; a column for each bar.
    volume : pandas.Series, optional
        Volume of the same bars.

    Returns
    -------
    bool
        False only where `measure_opens` finds nothing against the opens, so that a backtest need
        not call it; True where it has to be asked.
    """
    opened, high, low, closed = prices[:, 1:]
    before = prices[3, :-1]
    gap, day = opened - before, closed - opened
    days, middle = len(gap), len(gap) // 2
    # Shares of the price here, logarithms there; one of the two middle values here, their mean
    # there: each limit is taken wider by more than this makes.
    apart = np.abs(gap) / before
    usual_gap = np.partition(apart, middle)[middle]
    usual_day = np.partition(np.abs(day) / opened, middle)[middle]
    if usual_gap < HASTE * COPIED * usual_day:
        return True
    if HASTE * np.count_nonzero(apart < HASTE * DIGITS) > EQUAL * days:
        return True
    edge = HASTE * EDGE * (high - low)
    at_low, at_high = opened - low <= edge, high - opened <= edge
    up, down = gap > 0, gap < 0
    on = np.count_nonzero(up & at_low | down & at_high)
    back = np.count_nonzero(up & at_high | down & at_low)
    if HASTE * on > RUN_SHARE * days and HASTE**2 * on > RUN_RATIO * back:
        return True
    return volume is not None and bool(volume.median() > WHOLE_EXCHANGE)


def within_the_day(index: pd.DatetimeIndex) -> bool:
    """Tell whether ascending times are more than a day has room for, one bar each."""
    return len(index) > 1 and len(index) > 1.2 * (1 + (index[-1] - index[0]) / pd.Timedelta("1D"))


def _names_an_index(symbol: str) -> bool:
    return symbol.startswith(("^", ".")) or re.sub(r"\W", "", symbol).lower() in NAMES


def _of_an_exchange(bars: pd.DataFrame) -> bool:
    return bars["volume"].median() > WHOLE_EXCHANGE and bars["close"].median() > 100


def _run_through(
    bars: pd.DataFrame, gap: np.ndarray, whole: np.ndarray
) -> tuple[float, float] | tuple[None, None]:
    """Return the share of days that ran on through the open, and of those that ran back."""
    if not {"high", "low"} <= set(bars.columns):
        return None, None
    opened, high, low = (
        bars[name].to_numpy(dtype=float)[1:][whole] for name in ("open", "high", "low")
    )
    up, down = gap[whole] > DIGITS, gap[whole] < -DIGITS
    edge = EDGE * (high - low)
    at_low, at_high = opened - low <= edge, high - opened <= edge
    one_price = high == low
    on = (up & at_low | down & at_high) & ~one_price
    back = (up & at_high | down & at_low) & ~one_price
    return float(on.mean()), float(back.mean())
