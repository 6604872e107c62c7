"""How many contracts: by the risk of a trade, a cap on exposure, or a volatility."""

from __future__ import annotations

import math
from fractions import Fraction

import pandas as pd

from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.risk.arguments import NOISE, check_contract, exact, same_index, ticks_up


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
    contract = check_contract(contract)

    def size(equity_usd, risk_fraction, stop_points, cost_usd):
        budget = max(_money("equity_usd", equity_usd), Fraction(0))
        budget *= exact("risk_fraction", risk_fraction, at_least=0, at_most=1)
        loss = ticks_up("stop_points", stop_points, contract) * _tick_value(contract)
        return math.floor(budget / (loss + exact("cost_usd", cost_usd, at_least=0)))

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
    contract = check_contract(contract)

    def cap(equity_usd, max_share, price):
        allowed = max(_money("equity_usd", equity_usd), Fraction(0))
        allowed *= exact("max_share", max_share, at_least=0)
        notional = exact("price", price, above=0) * Fraction(str(contract.multiplier))
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
    contract = check_contract(contract)
    if not (isinstance(max_share, float) and max_share == math.inf):
        max_share = exact("max_share", max_share, at_least=0)

    def size(equity_usd, target, volatility, price):
        share = exact("target", target, at_least=0) / exact("volatility", volatility, above=0)
        allowed = max(_money("equity_usd", equity_usd), Fraction(0)) * min(share, max_share)
        notional = exact("price", price, above=0) * Fraction(str(contract.multiplier))
        return math.floor(allowed / notional)

    return _each(size, equity_usd=equity_usd, target=target, volatility=volatility, price=price)


def _money(name: str, value) -> Fraction:
    return Fraction(math.floor(exact(name, value) * 100 + NOISE), 100)


def _tick_value(contract: Contract) -> Fraction:
    return contract._tick_usd


def _each(calculate, **arguments):
    """Call once for numbers, and row by row where some of the arguments are Series."""
    rows = {name: given for name, given in arguments.items() if isinstance(given, pd.Series)}
    if not rows:
        return calculate(**arguments)
    index = next(iter(rows.values())).index
    for name, series in rows.items():
        same_index(name, series.index, index)
    columns = [
        series.tolist() if (series := rows.get(name)) is not None else [given] * len(index)
        for name, given in arguments.items()
    ]
    sizes = [
        calculate(**dict(zip(arguments, row, strict=True))) for row in zip(*columns, strict=True)
    ]
    return pd.Series(sizes, index=index, dtype="int64", name="contracts")
