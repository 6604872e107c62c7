"""Run a target position through the account: one contract, or several."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from m2k_lessons.backtest import inputs
from m2k_lessons.backtest.account import PER_CONTRACT, Account, takes_account
from m2k_lessons.backtest.result import Result
from m2k_lessons.contracts import Contract, get_contract


@takes_account
def run(bars: pd.DataFrame, target: pd.Series, *, account: Account) -> Result:
    """Trade one contract by a target position and account for every cent.

    The order of events inside a bar is in the docstring of `m2k_lessons.backtest`.

    Parameters
    ----------
    bars : DataFrame
        Columns open, high, low, close in points, on the contract's tick; ascending times, those
        without a time zone read as New York's. A column `contract` says where the position has
        to be rolled.
    target : Series
        Position known at the close of each bar, as a fraction from -1 (short) to 1 (long), or
        True where it is to be long.
    {account}

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
    return _run([single(bars, target, account)], account)


@takes_account
def run_portfolio(
    bars_by_symbol: Mapping[str, pd.DataFrame],
    targets: Mapping[str, pd.Series] | pd.DataFrame,
    *,
    contract: Mapping[str, Contract] | None = None,
    contract_by_symbol: Mapping[str, Contract] | None = None,
    account: Account,
) -> Result:
    """Trade several contracts out of one account.

    The rules are those of `run`; cash, equity and margin are common. At an open, orders that
    reduce positions come first, then the others in the order of `bars_by_symbol`. An order that
    the margin cuts short leaves the other legs as they are. Margins of offsetting legs are added,
    as a broker without spread credits does.

    Each keyword that belongs to one contract is one value for all, or a mapping with one for each
    symbol. A function `contracts` is given the price of its own contract and the equity of the
    whole account.

    Parameters
    ----------
    bars_by_symbol : mapping of str to DataFrame
        As `bars` of `run`, all on the same index.
    targets : mapping of str to Series, or DataFrame
        As `target` of `run`, by symbol.
    contract_by_symbol : mapping of str to Contract, optional
        For names that are not symbols of `contracts`.
    {account}

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
    given = account.keywords() | {
        "contract": contract_by_symbol or {symbol: get_contract(symbol) for symbol in symbols}
    }
    names = {"contract": "contract_by_symbol"}
    by_symbol = {
        name: inputs.per_symbol(names.get(name, name), given[name], symbols)
        for name in PER_CONTRACT
    }
    by_symbol["target"] = inputs.per_symbol("targets", dict(targets.items()), symbols)
    instruments: list[inputs.Instrument] = []
    for symbol, bars in bars_by_symbol.items():
        names = {name: f"{name}[{symbol!r}]" for name in by_symbol}
        names |= {"bars": f"bars_by_symbol[{symbol!r}]", "target": f"targets[{symbol!r}]"}
        own = {name: values[symbol] for name, values in by_symbol.items()}
        instruments.append(inputs.instrument(symbol, bars, names=names, **own))
        if not instruments[0].bars.index.equals(bars.index):
            raise ValueError(
                f"{names['bars']} must have the index of bars_by_symbol[{symbols[0]!r}], "
                f"{inputs.span(instruments[0].bars.index)}; got {inputs.span(bars.index)}"
            )
    return _run(instruments, account)


def single(bars, target, account: Account) -> inputs.Instrument:
    """The one contract of `run`; a sweep gives its target later, and here `inputs.LATER`."""
    if not isinstance(account.contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {account.contract!r}")
    names = {name: name for name in ("bars", "target", *PER_CONTRACT)}
    own: dict[str, Any] = {name: getattr(account, name) for name in PER_CONTRACT}
    return inputs.instrument(account.contract.symbol, bars, target=target, names=names, **own)


def _run(instruments: list[inputs.Instrument], account: Account) -> Result:
    settings = inputs.settings(account, instruments)
    from m2k_lessons.backtest import engine

    return Result(instruments, settings, engine.simulate(instruments, settings))
