"""Risk by hand and by program: size, stops, gaps, streaks, ruin, value at risk, Kelly, limits.

"No bet" (0.0) and "no contract" (0) are answers: a small account, or a bet without an edge,
gets them. What makes no sense, such as a probability of 1.2 or a stop of 0 points, is refused.

Signs
    Profit is positive and loss negative in every series of trades or returns. Where a function
    is named after a loss (value at risk, expected shortfall, loss beyond the stop), a loss is
    positive. A drawdown is 0 or negative.

Exactness
    Sizes come from whole cents, whole ticks and the decimals as they were typed: 1 % of 6,000
    dollars is 60 dollars, and not 60.00000000000001. An amount of money counts to the cent,
    rounded down; a distance between two ticks counts as the next whole tick, because that is
    where the stop has to stand.
"""

from __future__ import annotations

import math
from fractions import Fraction
from statistics import NormalDist

import numpy as np
import pandas as pd

from m2k_lessons import _check
from m2k_lessons.contracts import M2K, Contract

_SIDES = {"long": 1, "short": -1}
_METHODS = ("historical", "normal")

# Floats carry noise in their last digits. A millionth of a tick or of a cent tells it from a
# distance or an amount that really lies in between.
_NOISE = Fraction(1, 10**6)

# A probability that was added up from floats.
_PROBABILITY_NOISE = 1e-9

# A session opens at 18:00 New York time and belongs to the next date.
_EVENING = pd.Timedelta(hours=6)


# ------------------------------------------------------------------------------ sizes and caps


def position_size(equity_usd, risk_fraction, stop_points, contract=M2K, *, cost_usd=0.0):
    """Most whole contracts whose loss at the stop stays within a share of the account.

    `floor(equity_usd * risk_fraction / (stop_points * multiplier + cost_usd))`, the fixed
    fractional rule (Vince 1990, *Portfolio Management Formulas*). The result never risks more
    than the budget, as long as the stop is filled at its price: see `gap_risk`.

    Parameters
    ----------
    equity_usd : float or Series
        Account value. With nothing in the account, or less, the answer is 0 contracts.
    risk_fraction : float or Series
        Share of the account at risk in one trade, 0 to 1: 0.01 for 1 %.
    stop_points : float or Series
        Distance from entry to stop, in points, above 0.
    contract : Contract
    cost_usd : float or Series
        Fees and expected slippage of entry and exit, per contract.

    Returns
    -------
    int, or Series of int64
        Contracts, 0 or more.

    Raises
    ------
    ValueError
        A fraction outside 0 to 1, a stop of 0 points or less, Series with different indexes.

    Examples
    --------
    >>> position_size(27_600, 0.01, stop_points=9)
    6
    >>> position_size(2_000, 0.01, stop_points=12)
    0
    """
    contract = _contract(contract)

    def size(equity_usd, risk_fraction, stop_points, cost_usd):
        budget = max(_money("equity_usd", equity_usd), Fraction(0))
        budget *= _exact("risk_fraction", risk_fraction, at_least=0, at_most=1)
        loss = _ticks_up("stop_points", stop_points, contract) * _tick_value(contract)
        return math.floor(budget / (loss + _exact("cost_usd", cost_usd, at_least=0)))

    return _each(
        size,
        equity_usd=equity_usd,
        risk_fraction=risk_fraction,
        stop_points=stop_points,
        cost_usd=cost_usd,
    )


def exposure_cap(equity_usd, max_share, price, contract=M2K):
    """Most whole contracts whose market value stays within a share of the account.

    Parameters
    ----------
    equity_usd : float or Series
        Account value. With nothing in the account, or less, the answer is 0 contracts.
    max_share : float or Series
        Market value over account value, 0 or more; 1 is no leverage, 3 is three times.
    price : float or Series
        Futures price, in points, above 0.
    contract : Contract

    Returns
    -------
    int, or Series of int64
        Contracts, 0 or more.

    Examples
    --------
    >>> exposure_cap(50_000, max_share=1.0, price=2400.0)
    4
    """
    contract = _contract(contract)

    def cap(equity_usd, max_share, price):
        allowed = max(_money("equity_usd", equity_usd), Fraction(0))
        allowed *= _exact("max_share", max_share, at_least=0)
        notional = _exact("price", price, above=0) * Fraction(str(contract.multiplier))
        return math.floor(allowed / notional)

    return _each(cap, equity_usd=equity_usd, max_share=max_share, price=price)


def volatility_target(equity_usd, target, volatility, price, contract=M2K, *, max_share=math.inf):
    """Most whole contracts that keep the account's volatility at or below a target.

    `floor(equity_usd * min(target / volatility, max_share) / notional)` (Moreira and Muir 2017,
    "Volatility-managed portfolios", with volatility in place of variance).

    Parameters
    ----------
    equity_usd : float or Series
        Account value. With nothing in the account, or less, the answer is 0 contracts.
    target : float or Series
        Wanted volatility of the account per year, 0 or more: 0.10 for 10 %.
    volatility : float or Series
        Expected volatility of the future's returns per year, above 0, known before the trade.
    price : float or Series
        Futures price, in points, above 0.
    contract : Contract
    max_share : float
        Most market value over account value: a quiet month must not buy any size at all.

    Returns
    -------
    int, or Series of int64
        Contracts, 0 or more.

    Examples
    --------
    >>> volatility_target(100_000, target=0.10, volatility=0.20, price=2400.0)
    4
    >>> volatility_target(100_000, target=0.10, volatility=0.40, price=2400.0)
    2
    """
    contract = _contract(contract)
    if not (isinstance(max_share, float) and max_share == math.inf):
        max_share = _exact("max_share", max_share, at_least=0)

    def size(equity_usd, target, volatility, price):
        share = _exact("target", target, at_least=0) / _exact("volatility", volatility, above=0)
        allowed = max(_money("equity_usd", equity_usd), Fraction(0)) * min(share, max_share)
        notional = _exact("price", price, above=0) * Fraction(str(contract.multiplier))
        return math.floor(allowed / notional)

    return _each(size, equity_usd=equity_usd, target=target, volatility=volatility, price=price)


def daily_loss_limit(pnl_usd: pd.Series, limit_usd: float) -> pd.Series:
    """Whether trading was still allowed: a "kill switch" that resets with the next session.

    A row may be traded when the profits and losses of the rows before it, on the same day, have
    not lost the limit. Once off, the switch stays off until the day's end, whatever the trades
    that were no longer taken would have made.

    Parameters
    ----------
    pnl_usd : Series
        Profit or loss of each trade (or of each bar) by the time it was known, in order. A day
        ends at 18:00 New York time; times without a zone are taken for New York's.
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
    limit = _check.number("limit_usd", limit_usd, above=0)
    day = _session_day("pnl_usd", pnl_usd.index)
    values = pd.Series(_sample("pnl_usd", pnl_usd, may_be_empty=True), index=pnl_usd.index)
    total = values.groupby(day).cumsum()
    lost = total <= -limit + float(_NOISE) / 100
    tripped = lost.groupby(day).cummax()
    before = tripped.groupby(day).shift(1, fill_value=False)
    return (~before.astype(bool)).rename("allowed")


# ----------------------------------------------------------------------------- stops and gaps


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
    contract = _contract(contract)
    direction = _SIDES[_check.choice("side", side, _SIDES)]
    if (points is None) == (atr is None):
        raise ValueError(f"give either points or atr, got points={points!r} and atr={atr!r}")
    if points is None:
        name = "atr * multiple"
        points = _check.number("atr", atr, above=0) * _check.number("multiple", multiple, above=0)
    else:
        name = "points"
    entry_ticks = int(contract.ticks(_check.number("entry", entry, above=0)))
    away = _ticks_up(name, points, contract)
    stop = entry_ticks - direction * away
    if stop <= 0:
        raise ValueError(f"{name} must leave the stop above 0, got {points!r} below {entry!r}")
    return float(contract.round_to_tick(stop * contract.tick_size))


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
    held = _check.whole("bars", bars, at_least=1)
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
        of a session and the last close before it are taken. A session begins at 18:00 New
        York time; for the night of the stock market, give the bars of its hours only.
    stop_points : float
        Distance from the close to the stop, in points, above 0.
    contract : Contract
    side : {"long", "short"}

    Returns
    -------
    DataFrame
        A row for each session but the first, at the time of its first bar: ``gap_points``
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
    contract = _contract(contract)
    direction = _SIDES[_check.choice("side", side, _SIDES)]
    stop = _ticks_up("stop_points", stop_points, contract)
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(f"bars must be a DataFrame, got {type(bars).__name__}")
    missing = [name for name in ("open", "close") if name not in bars]
    if missing:
        raise ValueError(f"bars must have columns open and close, got {list(bars.columns)}")
    day = _session_day("bars", bars.index)
    opens = contract._price_ticks("open", bars["open"].to_numpy())
    closes = contract._price_ticks("close", bars["close"].to_numpy())
    first = np.flatnonzero(np.diff(day.asi8) != 0) + 1
    gap = opens[first] - closes[first - 1]
    beyond = np.maximum(-direction * gap - stop, 0)
    per_point = contract._ticks_per_point
    return pd.DataFrame(
        {
            "gap_points": gap / per_point,
            "beyond_stop_points": beyond / per_point,
            "beyond_stop_usd": beyond * contract.multiplier / per_point,
        },
        index=bars.index[first],
    )


# ------------------------------------------------------------------- what the trades have shown


def r_multiples(pnl_usd, risk_usd):
    """Profit or loss of each trade as a multiple of what was risked at its entry.

    Tharp (1998), *Trade Your Way to Financial Freedom*: a stop filled at its price is -1.

    Parameters
    ----------
    pnl_usd : Series or array
        Profit or loss of each trade.
    risk_usd : float, Series or array
        Loss at the stop of each trade, above 0; a Series has the index of `pnl_usd`.

    Returns
    -------
    Series or array
        Like `pnl_usd`.

    Examples
    --------
    >>> r_multiples(pd.Series([120.0, -60.0, -90.0]), risk_usd=60).tolist()
    [2.0, -1.0, -1.5]
    """
    result = _sample("pnl_usd", pnl_usd, may_be_empty=True)
    if np.ndim(risk_usd) == 0:
        risked = _check.number("risk_usd", risk_usd, above=0)
    else:
        risked = _sample("risk_usd", risk_usd, may_be_empty=True)
        if len(risked) != len(result):
            raise ValueError(f"risk_usd must have {len(result)} values, got {len(risked)}")
        if isinstance(pnl_usd, pd.Series) and isinstance(risk_usd, pd.Series):
            _same_index("risk_usd", risk_usd.index, pnl_usd.index)
        if np.any(risked <= 0):
            raise ValueError(f"risk_usd must be above 0, got {float(risked[risked <= 0][0])!r}")
    return _like(pnl_usd, result / risked)


def drawdown(equity):
    """How far an account stands below its highest value so far, as a fraction of that value.

    Parameters
    ----------
    equity : Series, DataFrame or array
        Account values in order, one column a path; the first value above 0.

    Returns
    -------
    Series, DataFrame or array
        0 at a new high, -0.25 a quarter below it; `.min()` is the maximum drawdown.

    Examples
    --------
    >>> drawdown(pd.Series([100.0, 120.0, 90.0, 126.0])).tolist()
    [0.0, 0.0, -0.25, 0.0]
    """
    if isinstance(equity, pd.DataFrame):
        if equity.size == 0:
            raise ValueError("equity must hold at least one number, got none")
        kinds = {dtype.kind for dtype in equity.dtypes}
        if not kinds <= set("iuf"):
            raise TypeError(f"equity must hold numbers only, got {equity.dtypes.to_dict()}")
        values = equity.to_numpy(dtype=float)
        _finite("equity", values)
    else:
        values = _sample("equity", equity)
    if np.any(values[0] <= 0):
        bad = float(np.min(values[0]))
        raise ValueError(f"equity must begin above 0, got {bad!r}")
    below = values / np.maximum.accumulate(values, axis=0) - 1.0
    if isinstance(equity, pd.DataFrame):
        return pd.DataFrame(below, index=equity.index, columns=equity.columns, copy=False)
    return _like(equity, below)


def longest_losing_streak(pnl_usd) -> int:
    """Most losing trades in a row; a trade that made nothing ends a streak.

    Parameters
    ----------
    pnl_usd : Series or array
        Profit or loss of each trade, in order, in any unit.

    Examples
    --------
    >>> longest_losing_streak([50, -20, -30, 0, -10, 40])
    2
    """
    lost = np.concatenate([[False], _sample("pnl_usd", pnl_usd, may_be_empty=True) < 0, [False]])
    edges = np.flatnonzero(np.diff(lost.astype(int)))
    return int(np.max(edges[1::2] - edges[::2], initial=0))


def losing_streak_probability(length: int, trades: int, loss_probability: float) -> float:
    """Chance of at least one losing streak of `length` or more among independent trades.

    Exact recursion over the trades: the first such streak ends with trade n if the `length`
    trades up to n lost, the one before them won, and no streak was complete before that (Feller,
    *An Introduction to Probability Theory and Its Applications*, vol. 1, chapter XIII).

    Parameters
    ----------
    length : int
        Losses in a row, 1 or more.
    trades : int
        0 or more.
    loss_probability : float
        Of one trade, 0 to 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(losing_streak_probability(8, trades=250, loss_probability=0.5), 3)
    0.384
    """
    length = _check.whole("length", length, at_least=1)
    trades = _check.whole("trades", trades, at_least=0)
    loss = _check.number("loss_probability", loss_probability, at_least=0, at_most=1)
    all_lost = loss**length
    chance = [0.0] * min(length, trades + 1)
    if trades >= length:
        chance.append(all_lost)
    for n in range(length + 1, trades + 1):
        chance.append(chance[-1] + (1.0 - chance[n - length - 1]) * (1.0 - loss) * all_lost)
    return min(chance[-1], 1.0)


def value_at_risk(returns, confidence=0.95, method="historical") -> float:
    """Loss that a period exceeds with a chance of at most 1 - confidence.

    Parameters
    ----------
    returns : Series or array
        Returns or profits and losses of past periods, a loss negative.
    confidence : float
        Between 0 and 1, both excluded.
    method : {"historical", "normal"}
        "historical": the smallest loss that at least `confidence` of the periods did not exceed;
        it happened, and is not interpolated (McNeil, Frey and Embrechts, *Quantitative Risk
        Management*, chapter 2). "normal": `-mean + z * standard deviation` of a normal
        distribution with the sample's moments (ddof 1); at least 2 periods.

    Returns
    -------
    float
        In the unit of `returns`, a loss **positive**. Negative where even that quantile gained.
        No sample knows losses rarer than its own: with 50 days, 99 % is the worst day.

    Examples
    --------
    >>> value_at_risk([-50, -20, -10, 5, 10, 15, 20, 25, 30, 35], confidence=0.8)
    10.0
    """
    losses, sure = _losses(returns, confidence, method)
    if method == "normal":
        mean, deviation = _normal(losses)
        return mean + NormalDist().inv_cdf(float(sure)) * deviation
    return float(losses[-math.ceil(len(losses) * sure)])


def expected_shortfall(returns, confidence=0.95, method="historical") -> float:
    """Mean loss of the worst 1 - confidence of periods.

    Parameters
    ----------
    returns, confidence, method
        As in `value_at_risk`. "historical" counts the period at the edge with the share that
        makes the tail exactly 1 - confidence (Acerbi and Tasche 2002, "On the coherence of
        expected shortfall"). "normal": `-mean + density(z) / (1 - confidence) * deviation`.

    Returns
    -------
    float
        In the unit of `returns`, a loss **positive**; never below the value at risk.

    Examples
    --------
    >>> expected_shortfall([-50, -20, -10, 5, 10, 15, 20, 25, 30, 35], confidence=0.8)
    35.0
    """
    losses, sure = _losses(returns, confidence, method)
    if method == "normal":
        mean, deviation = _normal(losses)
        standard = NormalDist()
        tail = standard.pdf(standard.inv_cdf(float(sure))) / float(1 - sure)
        return mean + tail * deviation
    periods = len(losses) * (1 - sure)
    whole = math.floor(periods)
    edge = float(periods - whole)
    total = math.fsum(losses[:whole]) + (edge * float(losses[whole]) if edge else 0.0)
    return total / float(periods)


# ------------------------------------------------------------------------------- ruin and Kelly


def risk_of_ruin(win_probability: float, odds: float, units: int) -> float:
    """Chance that an account is ever lost when each trade loses one unit or wins `odds` units.

    The gambler's ruin without an end: `root ** units`, where the root below 1 solves
    `p * z**(odds + 1) - z + q = 0`; for even odds it is `q / p` (Feller, vol. 1, chapter XIV).
    The unit stays the same, win or lose: 1 % of the first account value gives 100 units.

    Parameters
    ----------
    win_probability : float
        Of each independent trade, 0 to 1.
    odds : float
        Units won for a unit lost, above 0. Exact for whole odds. With others the account can
        end between 0 and 1 unit: then the result is an upper bound, at most `1 / root` times
        the chance.
    units : int
        Account value in units, 0 or more.

    Returns
    -------
    float
        1.0 without an edge: given time, any account is lost.

    Examples
    --------
    >>> round(risk_of_ruin(0.55, odds=1, units=10), 4)
    0.1344
    >>> risk_of_ruin(0.5, odds=1, units=100)
    1.0
    """
    win = _check.number("win_probability", win_probability, at_least=0, at_most=1)
    odds = _check.number("odds", odds, above=0)
    units = _check.whole("units", units, at_least=0)
    loss = 1.0 - win
    if units == 0 or win * odds <= loss:
        return 1.0
    if odds == 1:
        return (loss / win) ** units
    # The polynomial falls until here, and the root lies where it falls.
    lowest = (1.0 / (win * (odds + 1.0))) ** (1.0 / odds)
    root = _bisect(lambda z: win * z ** (odds + 1.0) - z + loss > 0, 0.0, lowest)
    return root**units


def kelly_fraction(win_probability: float, odds: float) -> float:
    """Share of the account to put at risk on a bet that loses its whole stake or wins `odds` of it.

    `(b * p - q) / b` (Kelly 1956, "A new interpretation of information rate"). The fraction is
    what the bet can **lose**: neither market value nor margin. It holds for independent bets
    with a known probability.

    Parameters
    ----------
    win_probability : float
        0 to 1.
    odds : float
        Won for each dollar at risk, above 0.

    Returns
    -------
    float
        0.0 where there is no edge, which means no bet.

    Examples
    --------
    >>> round(kelly_fraction(0.6, odds=1), 4)
    0.2
    >>> kelly_fraction(0.4, odds=1)
    0.0
    """
    return kelly_win_loss(win_probability, _check.number("odds", odds, above=0), 1.0)


def kelly_win_loss(win_probability: float, win: float, loss: float) -> float:
    """Kelly fraction of a bet that wins or loses different shares of the stake.

    `p / loss - q / win` (Thorp 2006, "The Kelly criterion in blackjack, sports betting, and the
    stock market").

    Parameters
    ----------
    win_probability : float
        0 to 1.
    win, loss : float
        Won or lost for each dollar staked, both above 0: 0.05 and 0.03 for 5 % and 3 %.

    Returns
    -------
    float
        Stake over account value; above 1 where the loss is small, which means borrowed money
        or futures. 0.0 where there is no edge, which means no bet.

    Examples
    --------
    >>> round(kelly_win_loss(0.5, win=0.25, loss=0.20), 4)
    0.5
    """
    p = _check.number("win_probability", win_probability, at_least=0, at_most=1)
    win = _check.number("win", win, above=0)
    loss = _check.number("loss", loss, above=0)
    return max(p / loss - (1.0 - p) / win, 0.0)


def kelly_payoffs(payoffs, probabilities=None) -> float:
    """Kelly fraction of a bet with any number of outcomes, found numerically.

    The fraction at which `growth_rate` is highest, by bisection of its slope, which only falls.

    Parameters
    ----------
    payoffs : Series or array
        Won (positive) or lost (negative) for each dollar staked: R multiples, for one. At least
        one loss: a bet that cannot lose has no best size.
    probabilities : Series or array, optional
        Of each payoff, summing to 1. Default: all the same, for past trades.

    Returns
    -------
    float
        Stake over account value. 0.0 where the mean payoff is not above 0: no bet.

    Examples
    --------
    >>> round(kelly_payoffs([1, -1], [0.6, 0.4]), 6)
    0.2
    """
    values, chances = _distribution(payoffs, probabilities)
    values, chances = values[chances > 0], chances[chances > 0]
    worst = float(values.min())
    if worst >= 0:
        raise ValueError(f"payoffs must hold at least one loss, got {worst!r} as the worst")
    if values @ chances <= 0:
        return 0.0

    def rises(fraction):
        left = 1.0 + fraction * values
        return left.min() > 0 and chances @ (values / left) > 0

    return _bisect(rises, 0.0, -1.0 / worst)


def kelly_continuous(mean: float, variance: float) -> float:
    """Leverage with the highest growth when returns are small and many: `mean / variance`.

    Merton (1969); Thorp (2006).

    Parameters
    ----------
    mean : float
        Mean return per period in excess of the risk-free rate, simple and not logarithmic. A
        future's return is an excess return already.
    variance : float
        Of the return over the same period, above 0.

    Returns
    -------
    float
        Market value over account value. 0.0 where the mean is not above 0, which means no
        long position; for a short one, give the mean with its sign changed.

    Examples
    --------
    >>> round(kelly_continuous(0.1123 - 0.04, 0.1691**2), 3)
    2.528
    """
    mean = _check.number("mean", mean)
    return max(mean / _check.number("variance", variance, above=0), 0.0)


def growth_rate(fraction, payoffs, probabilities=None):
    """Expected logarithmic growth of the account per bet, `sum(p * log(1 + fraction * payoff))`.

    Parameters
    ----------
    fraction : float, Series or array
        Stake over account value.
    payoffs, probabilities : Series or array
        As in `kelly_payoffs`.

    Returns
    -------
    float, Series or array
        Like `fraction`. -inf where one outcome takes everything.

    Examples
    --------
    >>> round(growth_rate(0.2, [1, -1], [0.6, 0.4]), 7)
    0.0201355
    """
    values, chances = _distribution(payoffs, probabilities)
    values, chances = values[chances > 0], chances[chances > 0]
    if np.ndim(fraction) == 0:
        stakes = np.array([_check.number("fraction", fraction)])
    else:
        stakes = _sample("fraction", fraction)

    def growth(stake):
        if np.min(stake * values) <= -1.0:
            return -math.inf
        return float(chances @ np.log1p(stake * values))

    rates = np.array([growth(stake) for stake in stakes])
    return float(rates[0]) if np.ndim(fraction) == 0 else _like(fraction, rates)


def growth_continuous(leverage, mean: float, variance: float, risk_free: float = 0.0):
    """Expected logarithmic growth per period at some leverage, in continuous time.

    `risk_free + leverage * mean - leverage**2 * variance / 2` (Thorp 2006).

    Parameters
    ----------
    leverage : float, Series or array
        Market value over account value.
    mean, variance : float
        As in `kelly_continuous`.
    risk_free : float
        Interest per period on the account.

    Returns
    -------
    float, Series or array
        Like `leverage`.

    Examples
    --------
    >>> round(growth_continuous(2.528, 0.1123 - 0.04, 0.1691**2, risk_free=0.04), 4)
    0.1314
    """
    mean = _check.number("mean", mean)
    variance = _check.number("variance", variance, above=0)
    risk_free = _check.number("risk_free", risk_free)
    if np.ndim(leverage) == 0:
        share = _check.number("leverage", leverage)
        return risk_free + share * mean - share**2 * variance / 2.0
    shares = _sample("leverage", leverage)
    return _like(leverage, risk_free + shares * mean - shares**2 * variance / 2.0)


def kelly_growth_share(multiple: float) -> float:
    """Growth at a multiple of the Kelly fraction, as a share of the growth at Kelly itself.

    `2 * c - c**2` in continuous time, without interest: half Kelly keeps three quarters; twice
    Kelly grows nothing, and more shrinks (MacLean, Thorp and Ziemba 2010).

    >>> kelly_growth_share(0.5), kelly_growth_share(2.0)
    (0.75, 0.0)
    """
    c = _check.number("multiple", multiple, at_least=0)
    return c * (2.0 - c)


def chance_of_falling(to: float, multiple: float) -> float:
    """Chance that an account ever falls to a share of its start, at a multiple of Kelly.

    `to ** (2 / multiple - 1)` in continuous time, with a known edge (Thorp 2006).

    Parameters
    ----------
    to : float
        Share of the first account value, above 0 and at most 1: 0.5 for halving.
    multiple : float
        Of the Kelly fraction, 0 or more.

    Returns
    -------
    float
        1.0 at twice Kelly and beyond. 0.0 without a bet, unless `to` is 1.

    Examples
    --------
    >>> chance_of_falling(0.5, multiple=1.0), chance_of_falling(0.5, multiple=0.5)
    (0.5, 0.125)
    """
    level = _check.number("to", to, above=0, at_most=1)
    c = _check.number("multiple", multiple, at_least=0)
    if level == 1.0 or c >= 2.0:
        return 1.0
    return level ** (2.0 / c - 1.0) if c > 0 else 0.0


# ------------------------------------------------------------------------------------ bootstrap


def bootstrap_equity(
    trades, n_paths=10_000, n_trades=1_000, seed=0, *, equity_usd=10_000.0, risk_fraction=None
) -> pd.DataFrame:
    """Account values along paths made of trades drawn with replacement (Efron 1979).

    The draws are independent: streaks that the market itself makes are lost, and so are trades
    worse than any in the sample.

    Parameters
    ----------
    trades : Series or array
        Profit or loss of each trade in USD; with `risk_fraction`, its R multiple.
    n_paths, n_trades : int
        1 or more.
    seed : int
        0 or more. The same seed gives the same paths on every machine.
    equity_usd : float
        Account value at the start, above 0.
    risk_fraction : float, optional
        None: the same size throughout, so that profits are added, and a path goes on below
        zero. A share from 0 to 1: each trade risks it anew, so that the account is multiplied
        by `1 + risk_fraction * R`, without rounding to contracts; a trade that takes all or
        more leaves 0, for good.

    Returns
    -------
    DataFrame
        Index ``trade`` (0 to `n_trades`), a column for each ``path``. `.quantile(0.05, axis=1)`
        is an edge of the fan; `(paths <= 0).any().mean()` the share of accounts ever lost.

    Examples
    --------
    >>> paths = bootstrap_equity([120.0, -60.0], n_paths=3, n_trades=50, seed=1)
    >>> paths.shape, paths.loc[0].tolist()
    ((51, 3), [10000.0, 10000.0, 10000.0])
    """
    values = _sample("trades", trades)
    n_paths = _check.whole("n_paths", n_paths, at_least=1)
    n_trades = _check.whole("n_trades", n_trades, at_least=1)
    seed = _check.whole("seed", seed, at_least=0)
    start = _check.number("equity_usd", equity_usd, above=0)
    if risk_fraction is not None:
        at_risk = _check.number("risk_fraction", risk_fraction, at_least=0, at_most=1)
        values = np.maximum(1.0 + at_risk * values, 0.0)

    # Imported here, because numba takes 0.4 s that the rest of this module does not need.
    from m2k_lessons._risk_kernels import fill_paths

    paths = np.empty((n_paths, n_trades + 1))
    fill_paths(np.ascontiguousarray(values), start, risk_fraction is not None, seed, paths)
    if not np.isfinite(paths[:, -1]).all():
        raise ValueError(
            "trades must leave account values that a float can hold, got "
            f"{float(values.max())!r} as the best of them, {n_trades} times"
        )
    return pd.DataFrame(
        paths.T,
        index=pd.RangeIndex(n_trades + 1, name="trade"),
        columns=pd.RangeIndex(n_paths, name="path"),
        copy=False,
    )


# -------------------------------------------------------------------------------------- helpers


def _contract(contract) -> Contract:
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    return contract


def _exact(name: str, value, **limits) -> Fraction:
    """The decimal that was typed: 0.01 is a hundredth, and not the float next to it."""
    return Fraction(str(_check.number(name, value, **limits)))


def _money(name: str, value) -> Fraction:
    return Fraction(math.floor(_exact(name, value) * 100 + _NOISE), 100)


def _ticks_up(name: str, points, contract: Contract) -> int:
    ticks = _exact(name, points, above=0) * contract._ticks_per_point
    return max(math.ceil(ticks - _NOISE), 1)


def _tick_value(contract: Contract) -> Fraction:
    return Fraction(str(contract.multiplier)) / contract._ticks_per_point


def _each(calculate, **arguments):
    """Call once for numbers, and row by row where some of the arguments are Series."""
    rows = {name: one for name, one in arguments.items() if isinstance(one, pd.Series)}
    if not rows:
        return calculate(**arguments)
    index = next(iter(rows.values())).index
    for name, series in rows.items():
        _same_index(name, series.index, index)
    columns = [
        series.tolist() if (series := rows.get(name)) is not None else [one] * len(index)
        for name, one in arguments.items()
    ]
    sizes = [
        calculate(**dict(zip(arguments, row, strict=True))) for row in zip(*columns, strict=True)
    ]
    return pd.Series(sizes, index=index, dtype="int64", name="contracts")


def _same_index(name: str, index: pd.Index, expected: pd.Index) -> None:
    if not index.equals(expected):
        raise ValueError(f"{name} must have the same index as the other Series, got another one")


def _sample(name: str, values, *, may_be_empty: bool = False) -> np.ndarray:
    """A list of finite numbers as a float array."""
    array = values.to_numpy() if isinstance(values, (pd.Series, pd.Index)) else np.asarray(values)
    if array.size and array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a Series or array of numbers, got {values!r}")
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got {array.ndim}")
    if not array.size and not may_be_empty:
        raise ValueError(f"{name} must hold at least one number, got none")
    array = array.astype(float)
    _finite(name, array)
    return array


def _finite(name: str, array: np.ndarray) -> None:
    wrong = ~np.isfinite(array)
    if wrong.any():
        raise ValueError(f"{name} must be finite throughout, got {float(array[wrong][0])!r}")


def _like(original, result: np.ndarray):
    if isinstance(original, pd.Series):
        return pd.Series(result, index=original.index, name=original.name)
    return result


def _ordered_times(name: str, index) -> None:
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(f"{name} must have a DatetimeIndex, got {type(index).__name__}")
    if not index.is_monotonic_increasing:  # nor is it with a time missing
        raise ValueError(f"{name} must be in order of time, each time known")


def _session_day(name: str, index) -> pd.DatetimeIndex:
    _ordered_times(name, index)
    local = index if index.tz is None else index.tz_convert("America/New_York").tz_localize(None)
    return (local + _EVENING).normalize()


def _losses(returns, confidence, method) -> tuple[np.ndarray, Fraction]:
    """Losses, the greatest first, and the confidence as it was typed."""
    _check.choice("method", method, _METHODS)
    sure = _exact("confidence", confidence, above=0, below=1)
    losses = -_sample("returns", returns)
    if method == "normal" and len(losses) < 2:
        raise ValueError(f"returns must hold at least 2 periods for a deviation, got {len(losses)}")
    return np.sort(losses)[::-1], sure


def _normal(losses: np.ndarray) -> tuple[float, float]:
    return float(losses.mean()), float(losses.std(ddof=1))


def _distribution(payoffs, probabilities) -> tuple[np.ndarray, np.ndarray]:
    values = _sample("payoffs", payoffs)
    if probabilities is None:
        return values, np.full(len(values), 1.0 / len(values))
    chances = _sample("probabilities", probabilities)
    if len(chances) != len(values):
        raise ValueError(f"probabilities must have {len(values)} values, got {len(chances)}")
    if np.any(chances < 0):
        raise ValueError(f"probabilities must be 0 or more, got {float(chances.min())!r}")
    if abs(chances.sum() - 1.0) > _PROBABILITY_NOISE:
        raise ValueError(f"probabilities must sum to 1, got {float(chances.sum())!r}")
    return values, chances


def _bisect(before, low: float, high: float) -> float:
    """Where `before` turns from true to false, to the last bit."""
    while low < (middle := (low + high) / 2.0) < high:
        if before(middle):
            low = middle
        else:
            high = middle
    return low
