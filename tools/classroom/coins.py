"""What luck alone would have made of a learner's trades: coins with the same turnover.

A coin trades the learner's own sequence of positions, begun on a random day of it, and with long
and short swapped or not. It holds as much, changes as often and pays as much as the learner, and
knows nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from m2k_lessons.contracts import M2K


def results_usd(
    positions: np.ndarray, bars: pd.DataFrame, gaps: pd.Series, side_usd: float
) -> np.ndarray:
    """Profit of each sequence of positions, in USD, without stops and without margin calls.

    Parameters
    ----------
    positions : array, sequences by days
        Contracts decided at each close, filled at the next open.
    bars : DataFrame
        Columns open, close, contract.
    gaps : Series
        New less old contract in points, by the first time of each new contract.
    side_usd : float
        What a contract costs on each side: fee and slippage.

    Returns
    -------
    array
        One profit for each sequence, open positions valued at the last close.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
    >>> bars = pd.DataFrame({"open": [1, 2, 4, 8.0], "close": [1, 3, 5, 9.0]}, days)
    >>> bars["contract"] = "M2KH30"
    >>> none = pd.Series(dtype=float)
    >>> results_usd(np.array([[1, 1, 0, 0], [0, 0, 1, 1]]), bars, none, 0.5).tolist()
    [29.0, 4.5]
    """
    opens, contracts = bars["open"].to_numpy(), bars["contract"].to_numpy()
    # What is decided at the close of day t is held from the open of t + 1 to that of t + 2, the
    # last one to the last close.
    until = np.append(opens[2:], bars["close"].iloc[-1])
    rolled = np.append(False, contracts[1:] != contracts[:-1])
    gap = np.where(rolled, gaps.reindex(bars.index).fillna(0.0).to_numpy(), 0.0)
    move = until - opens[1:] - np.append(gap[2:], 0.0)
    held = positions[:, :-1]
    traded = np.abs(np.diff(held, axis=1, prepend=0)).sum(axis=1)
    # At a roll the position of the day before is closed and opened again, before any new order.
    rolls = 2 * np.abs(held[:, :-1]) @ rolled[2:]
    return held @ move * M2K.multiplier - (traded + rolls) * side_usd


def every_coin_usd(
    held: np.ndarray, bars: pd.DataFrame, gaps: pd.Series, side_usd: float
) -> np.ndarray:
    """Profit of all coins with the turnover of `held`: each first day, either direction."""
    begun = np.array([np.roll(held, -day) for day in range(len(held))])
    return results_usd(np.concatenate([begun, -begun]), bars, gaps, side_usd)


def drawn(
    learners: Mapping[str, Sequence[np.ndarray]], draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """Profit of a coin beside each learner, over all markets, again and again.

    Parameters
    ----------
    learners : dict
        For each learner and market the profits of all coins, as `every_coin_usd` gives them.
    draws : int
    rng : Generator

    Returns
    -------
    DataFrame
        A row for each draw, a column for each learner.
    """
    return pd.DataFrame(
        {name: sum(rng.choice(coins, draws) for coins in markets)
         for name, markets in learners.items()}
    )  # fmt: skip


def beside(profits: pd.Series, coins: pd.DataFrame) -> pd.DataFrame:
    """The table: each learner beside the coin that came as far among as many coins.

    Parameters
    ----------
    profits : Series
        USD by learner.
    coins : DataFrame
        What `drawn` gives, with the same learners.

    Returns
    -------
    DataFrame
        A row for each learner, the best first: `profit_usd`; `coin_usd`, the median of what the
        coin of that rank makes, `coin_low_usd` and `coin_high_usd`, between which it lies in nine
        draws of ten; `own_coin_share`, how many of the learner's own coins make as much.
    """
    ordered = profits.sort_values(ascending=False, kind="stable")
    ranked = -np.sort(-coins.to_numpy(), axis=1)
    low, middle, high = np.quantile(ranked, [0.05, 0.5, 0.95], axis=0)
    as_much = (coins[ordered.index] >= ordered - 1e-9).mean()
    return pd.DataFrame(
        {"profit_usd": ordered, "coin_usd": middle, "coin_low_usd": low, "coin_high_usd": high,
         "own_coin_share": as_much}
    )  # fmt: skip


def best_share(profits: pd.Series, coins: pd.DataFrame) -> float:
    """In how many draws the best of as many coins makes at least what the winner made."""
    return float((coins.max(axis=1) >= profits.max() - 1e-9).mean())
