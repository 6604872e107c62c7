"""What can be lost: drawdown, losing streaks, value at risk, ruin."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.risk.arguments import bisect, exact, finite_numbers, like, same_index, sample_of


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
    result = sample_of("pnl_usd", pnl_usd, may_be_empty=True)
    if np.ndim(risk_usd) == 0:
        risked = checks.number("risk_usd", risk_usd, above=0)
    else:
        risked = sample_of("risk_usd", risk_usd, may_be_empty=True)
        if len(risked) != len(result):
            raise ValueError(f"risk_usd must have {len(result)} values, got {len(risked)}")
        if isinstance(pnl_usd, pd.Series) and isinstance(risk_usd, pd.Series):
            same_index("risk_usd", risk_usd.index, pnl_usd.index)
        if np.any(risked <= 0):
            raise ValueError(f"risk_usd must be above 0, got {float(risked[risked <= 0][0])!r}")
    return like(pnl_usd, result / risked)


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
        if any(dtype.kind not in "iuf" for dtype in equity.dtypes):
            raise TypeError(f"equity must hold numbers only, got {equity.dtypes.to_dict()}")
        values = equity.to_numpy(dtype=float)
        finite_numbers("equity", values)
    else:
        values = sample_of("equity", equity)
    if np.any(values[0] <= 0):
        raise ValueError(f"equity must begin above 0, got {float(np.min(values[0]))!r}")
    below = values / np.maximum.accumulate(values, axis=0) - 1.0
    if isinstance(equity, pd.DataFrame):
        return pd.DataFrame(below, index=equity.index, columns=equity.columns, copy=False)
    return like(equity, below)


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
    lost = np.concatenate([[False], sample_of("pnl_usd", pnl_usd, may_be_empty=True) < 0, [False]])
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

    Examples
    --------
    >>> round(losing_streak_probability(8, trades=250, loss_probability=0.5), 3)
    0.384
    """
    length = checks.whole("length", length, at_least=1)
    trades = checks.whole("trades", trades, at_least=0)
    loss = checks.number("loss_probability", loss_probability, at_least=0, at_most=1)
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
    checks.choice("method", method, ("historical", "normal"))
    sure = exact("confidence", confidence, above=0, below=1)
    losses = np.sort(-sample_of("returns", returns))[::-1]
    if method == "historical":
        return float(losses[-math.ceil(len(losses) * sure)])
    if len(losses) < 2:
        raise ValueError(f"returns must hold at least 2 periods for a deviation, got {len(losses)}")
    return float(losses.mean() + NormalDist().inv_cdf(float(sure)) * losses.std(ddof=1))


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
    win = checks.number("win_probability", win_probability, at_least=0, at_most=1)
    odds = checks.number("odds", odds, above=0)
    units = checks.whole("units", units, at_least=0)
    loss = 1.0 - win
    if units == 0 or win * odds <= loss:
        return 1.0
    if odds == 1:
        return (loss / win) ** units
    # The polynomial falls until here, and the root lies where it falls.
    lowest = (1.0 / (win * (odds + 1.0))) ** (1.0 / odds)
    root = bisect(lambda z: win * z ** (odds + 1.0) - z + loss > 0, 0.0, lowest)
    return root**units
