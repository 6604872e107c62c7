"""Run a target position through the account: one contract, or several."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs
from m2k_lessons.backtest.result import Result
from m2k_lessons.contracts import M2K, Contract, get_contract


def run(
    bars: pd.DataFrame,
    target: pd.Series,
    *,
    contract: Contract = M2K,
    contracts: int | pd.Series | Callable[[float, float, pd.Timestamp], int] = 1,
    capital: float = 10_000,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    stop_points: float | None = None,
    target_points: float | None = None,
    margin: float | tuple[float, float] | None = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: pd.Series | None = None,
) -> Result:
    """Trade one contract by a target position and account for every cent.

    The order of events inside a bar is in the docstring of this module.

    Parameters
    ----------
    bars : DataFrame
        Columns open, high, low, close in points, on the contract's tick; ascending times, those
        without a time zone read as New York's. A column `contract` says where the position has
        to be rolled.
    target : Series
        Position known at the close of each bar, as a fraction from -1 (short) to 1 (long).
    contract : Contract
        Gives multiplier and tick.
    contracts : int, Series of int, or function
        Contracts of a full position (`target` 1). A function of (equity_usd, price, time) is
        asked at each close where `target` changes to something else than 0.
    capital : float
        USD in the account before the first bar.
    commission_usd : float, optional
        Per contract and side, all fees included. The course's assumption when omitted.
    slippage_ticks : int
        Ticks lost on each market and stop order.
    stop_points, target_points : float, optional
        Distance of the stop and of the profit target from each fill, in points.
    margin : float or (float, float), optional
        Initial, or initial and maintenance margin, in USD per contract; 0 for none. The newest
        in `facts` when omitted.
    fill : {"next_open", "close"}
        Where an order is filled: at the open after the close that decided it, or at that close.
    resize : bool
        Ask a function `contracts` at every close, so that the position follows the equity.
    roll_costs : bool
        Charge two sides of cost where `contract` changes.
    roll_gap_points : Series, optional
        New less old contract in points, by the first time of each new contract.

    Returns
    -------
    Result

    Raises
    ------
    ValueError, TypeError
        Bars or target that are not as described, costs below 0, capital below one margin.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=4, freq="B")
    >>> bars = pd.DataFrame({"open": [2400, 2402, 2410, 2407.0]}, index=days)
    >>> bars = bars.assign(high=bars.open + 5, low=bars.open - 5, close=bars.open + 2)
    >>> result = run(bars, pd.Series([1, 1, 0, 0], index=days), commission_usd=0.5)
    >>> result.trades[["EntryPrice", "ExitPrice", "Ticks", "Commission", "PnL"]]
       EntryPrice  ExitPrice  Ticks  Commission   PnL
    0      2402.1     2406.9     48         1.0  23.0
    >>> float(result.equity["Equity"].iloc[-1])
    10023.0
    """
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    own_names = ("contracts", "commission_usd", "slippage_ticks", "stop_points", "target_points")
    names = {name: name for name in ("bars", "target", "margin", "roll_gap_points", *own_names)}
    leg = inputs.leg(
        contract.symbol,
        bars,
        target,
        contract,
        names=names,
        contracts=contracts,
        commission_usd=commission_usd,
        slippage_ticks=slippage_ticks,
        stop_points=stop_points,
        target_points=target_points,
        margin=margin,
        roll_gap_points=roll_gap_points,
    )
    return _simulate([leg], capital, fill, resize, roll_costs)


def run_portfolio(
    bars_by_symbol: Mapping[str, pd.DataFrame],
    targets: Mapping[str, pd.Series] | pd.DataFrame,
    *,
    contracts: Any = 1,
    capital: float = 10_000,
    commission_usd: Any = None,
    slippage_ticks: Any = 1,
    stop_points: Any = None,
    target_points: Any = None,
    margin: Any = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: Mapping[str, pd.Series] | None = None,
    contract_by_symbol: Mapping[str, Contract] | None = None,
) -> Result:
    """Trade several contracts out of one account.

    The rules are those of `run`; cash, equity and margin are common. At an open, orders that
    reduce positions come first, then the others in the order of `bars_by_symbol`. An order that
    the margin cuts short leaves the other legs as they are. Margins of offsetting legs are added,
    as a broker without spread credits does.

    Parameters
    ----------
    bars_by_symbol : mapping of str to DataFrame
        As `bars` of `run`, all on the same index.
    targets : mapping of str to Series, or DataFrame
        As `target` of `run`, by symbol.
    contracts, commission_usd, slippage_ticks, stop_points, target_points, margin
        As in `run`: one value for all legs, or a mapping with one for each symbol. A function
        `contracts` is given the price of its own leg and the equity of the whole account.
    capital, fill, resize, roll_costs
        As in `run`.
    roll_gap_points : mapping of str to Series, optional
        As in `run`, by symbol.
    contract_by_symbol : mapping of str to Contract, optional
        For names that are not symbols of `contracts`.

    Returns
    -------
    Result
        `trades` and `events` say in `Symbol` which leg.

    Raises
    ------
    ValueError, TypeError
        As `run`, and where legs do not share one index.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.daily(years=1, seed=7)
    >>> bars = {"M2K": market["M2K"], "MES": market["MES"]}
    >>> long_small = pd.Series(1.0, index=market["M2K"].index)
    >>> result = run_portfolio(
    ...     bars, {"M2K": long_small, "MES": -long_small}, contracts={"M2K": 3, "MES": 1},
    ...     commission_usd=0.85,
    ... )
    >>> result.position.iloc[-1].to_dict()
    {'M2K': 3, 'MES': -1}
    """
    if not isinstance(bars_by_symbol, Mapping) or not bars_by_symbol:
        raise TypeError(
            "bars_by_symbol must be a mapping from symbol to a frame of bars, "
            f"got {bars_by_symbol!r}"
        )
    symbols = list(bars_by_symbol)
    if not isinstance(targets, (Mapping, pd.DataFrame)):
        raise TypeError(f"targets must be a mapping from symbol to Series, got {targets!r}")
    given = {
        "target": inputs.per_leg("targets", dict(targets.items()), symbols),
        "contract": inputs.per_leg(
            "contract_by_symbol",
            contract_by_symbol or {symbol: get_contract(symbol) for symbol in symbols},
            symbols,
        ),
        "roll_gap_points": inputs.per_leg("roll_gap_points", roll_gap_points, symbols),
        "contracts": inputs.per_leg("contracts", contracts, symbols),
        "commission_usd": inputs.per_leg("commission_usd", commission_usd, symbols),
        "slippage_ticks": inputs.per_leg("slippage_ticks", slippage_ticks, symbols),
        "stop_points": inputs.per_leg("stop_points", stop_points, symbols),
        "target_points": inputs.per_leg("target_points", target_points, symbols),
        "margin": inputs.per_leg("margin", margin, symbols),
    }
    legs = []
    for symbol, bars in bars_by_symbol.items():
        names = {name: f"{name}[{symbol!r}]" for name in given}
        names |= {"bars": f"bars_by_symbol[{symbol!r}]", "target": f"targets[{symbol!r}]"}
        own = {name: values[symbol] for name, values in given.items()}
        legs.append(inputs.leg(symbol, bars, names=names, **own))
        if not legs[0].bars.index.equals(bars.index):
            raise ValueError(
                f"{names['bars']} must have the index of bars_by_symbol[{symbols[0]!r}], "
                f"{inputs.span(legs[0].bars.index)}; got {inputs.span(bars.index)}"
            )
    return _simulate(legs, capital, fill, resize, roll_costs)


def checked_account(legs: list[inputs.Leg], capital, fill, resize, roll_costs) -> dict[str, Any]:
    """Check what concerns the whole account; the engine's arguments besides the legs."""
    for name, value in (("resize", resize), ("roll_costs", roll_costs)):
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    return {
        "capital": inputs.capital(capital, legs),
        "at_close": checks.choice("fill", fill, inputs.FILLS) == "close",
        "roll_costs": bool(roll_costs),
        "resize": bool(resize),
    }


def _simulate(legs: list[inputs.Leg], capital, fill, resize, roll_costs) -> Result:
    account = checked_account(legs, capital, fill, resize, roll_costs)
    from m2k_lessons.backtest import engine

    return Result(float(capital), legs, engine.simulate(legs, **account), fill)
