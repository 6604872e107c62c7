"""What a round turn costs, and what a night can."""

from __future__ import annotations

import pandas as pd

from m2k_lessons import backtest
from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.gates.bars import commission_of, less_rolls


def round_turn_usd(
    contract: Contract = M2K, commission_usd: float | None = None, slippage_ticks: int = 1
) -> float:
    """Cost of one contract bought and sold by market orders: two fees, two times the slippage.

    Examples
    --------
    >>> round_turn_usd(commission_usd=0.50)
    2.0
    """
    fee = commission_of(contract, commission_usd)
    return 2 * (
        fee + checks.whole("slippage_ticks", slippage_ticks, at_least=0) * contract.tick_value
    )


def overnight_usd(
    result: backtest.Result, roll_gap_points: pd.Series | None = None, contract: Contract = M2K
) -> pd.Series:
    """What the position held at each close won or lost by the next open, in USD.

    Parameters
    ----------
    result : backtest.Result
        Of one contract.
    roll_gap_points : Series, optional
        As in `backtest.run`. Without it, the nights in which the column `contract` changes
        count as nothing, because the position is out of the market then.
    contract : Contract
        Gives the dollars per point.

    Returns
    -------
    Series of float
        On the index of the bars, at the open that ends each gap; 0 for the first bar.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
    >>> bars = pd.DataFrame({"open": [2400, 2402, 2390, 2407.0]}, index=days)
    >>> bars = bars.assign(high=bars.open + 5, low=bars.open - 5, close=bars.open + 2)
    >>> result = backtest.run(bars, pd.Series(1.0, index=days), contracts=2)
    >>> overnight_usd(result).to_list()
    [0.0, 0.0, -140.0, 150.0]
    """
    if not isinstance(result, backtest.Result) or len(result.bars) != 1:
        got = list(result.bars) if isinstance(result, backtest.Result) else type(result).__name__
        raise TypeError(f"result must be what backtest.run returns for one contract, got {got}")
    (bars,) = result.bars.values()
    points = less_rolls(bars, bars["open"] - bars["close"].shift(), roll_gap_points)
    return (points * result.position.shift() * contract.multiplier).fillna(0.0)
