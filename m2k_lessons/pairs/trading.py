"""A pair as a strategy, and its backtest with two legs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import backtest
from m2k_lessons._util import checks, series
from m2k_lessons.facts import fact
from m2k_lessons.pairs.arguments import check_calendar, compiled_kernels
from m2k_lessons.pairs.hedging import ContractRatio


def pair_target(
    score: pd.Series,
    entry: float = 2.0,
    exit: float = 0.0,
    *,
    stop: float | None = None,
    timeout: int | None = None,
    symbols: tuple[str, str] = ("M2K", "MES"),
) -> pd.DataFrame:
    """Two-legged target: against a spread that is far, until it is back, too far, or too late.

    Parameters
    ----------
    score : Series of float
        Such as `zscore` returns; NaN while nothing is known yet.
    entry : float
        Distance at which to enter, above 0.
    exit : float
        Distance at which to leave: from 0, the average, to less than `entry`.
    stop : float, optional
        Distance at which to give up, above `entry`. No entry is made beyond it.
    timeout : int, optional
        Bars after which to give up, at least 1.
    symbols : (str, str)
        Names of y, bought when the score is low, and x, held against it.

    Returns
    -------
    DataFrame
        Two columns of 1, -1 and 0, one the negative of the other, known at each bar's close.

    Notes
    -----
    After a stop or a time-out nothing is opened on that side until the score has been back at
    `exit`: else a spread that has gone for good would be bought again on the next bar. A score
    within 1e-9 of a limit counts as on it. Where the score is NaN the target is 0.

    Examples
    --------
    >>> score = pd.Series([0.5, 2.1, 1.0, -0.1, -2.5, -3.2, -2.2, 0.3])
    >>> pair_target(score, entry=2, stop=3)["M2K"].tolist()
    [0.0, -1.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0]
    """
    if not isinstance(score, pd.Series):
        raise TypeError(f"score must be a Series, got {type(score).__name__}")
    values = series.values("score", score)
    series.finite_or_nan("score", score, values)
    entry = checks.number("entry", entry, above=0)
    exit = checks.number("exit", exit, at_least=0, below=entry)
    limit = math.inf if stop is None else checks.number("stop", stop, above=entry)
    most_bars = 0 if timeout is None else checks.whole("timeout", timeout, at_least=1)
    y, x = _two_symbols("symbols", symbols)
    target = np.empty(len(values))
    compiled_kernels().pair_rule(values, entry, exit, limit, most_bars, target)
    frame = pd.DataFrame({y: target, x: 0.0 - target}, index=score.index)
    frame.attrs = dict(score.attrs)
    return frame


def backtest_pair(
    bars_by_symbol: Mapping[str, pd.DataFrame],
    target: pd.DataFrame,
    contracts: Mapping[str, int] | ContractRatio,
    *,
    capital: float = 10_000,
    **settings: Any,
) -> backtest.Result:
    """Trade both legs of a pair out of one account, with both legs' costs, margin and rolls.

    `backtest.run_portfolio`, for two legs that belong together: it refuses what would not be a
    pair, and an account that cannot open both legs.

    Parameters
    ----------
    bars_by_symbol : mapping of str to DataFrame
        y first, then x, as `backtest.run_portfolio` takes them, on one index.
    target : DataFrame
        From `pair_target`, with the symbols as columns.
    contracts : mapping of str to int, or ContractRatio
        Contracts of each leg in a full position.
    capital : float
        USD in the account before the first bar; at least the initial margin of both legs.
    settings
        Whatever else `backtest.run_portfolio` takes, such as `roll_gap_points`.

    Returns
    -------
    backtest.Result
        `events` lists orders cut for want of margin: from then on it is no pair any more.

    Raises
    ------
    TypeError, ValueError
        Not two legs, other calendars, legs that are not opposed, capital below both margins;
        and as `backtest.run_portfolio`.

    Examples
    --------
    >>> from m2k_lessons.pairs import contract_ratio, hedge_ratio, zscore
    >>> from m2k_lessons import simulate
    >>> market = simulate.pair(days=500, seed=3)
    >>> small, large = (np.log(market[name]["close"]) for name in ("M2K", "MES"))
    >>> target = pair_target(zscore(small - 1.15 * large, 60))
    >>> result = backtest_pair(market, target, contract_ratio(1.15, 2400.0, 6500.0),
    ...                        capital=40_000)
    >>> list(result.position.columns)
    ['M2K', 'MES']
    """
    if not isinstance(bars_by_symbol, Mapping):
        raise TypeError(
            "bars_by_symbol must be a mapping from symbol to a frame of bars, "
            f"got {type(bars_by_symbol).__name__}"
        )
    y, x = _two_symbols("bars_by_symbol", tuple(bars_by_symbol))
    bars_y, bars_x = bars_by_symbol[y], bars_by_symbol[x]
    for name, bars in ((y, bars_y), (x, bars_x)):
        if not isinstance(bars, pd.DataFrame):
            raise TypeError(
                f"bars_by_symbol[{name!r}] must be a DataFrame, got {type(bars).__name__}"
            )
    check_calendar(f"bars_by_symbol[{y!r}]", bars_y.index, f"bars_by_symbol[{x!r}]", bars_x.index)
    if not isinstance(target, pd.DataFrame) or list(target.columns) != [y, x]:
        got = list(target.columns) if isinstance(target, pd.DataFrame) else type(target).__name__
        raise TypeError(f"target must be a DataFrame with the columns {y!r} and {x!r}, got {got}")
    unopposed = (target[y] + target[x]).to_numpy() != 0
    if unopposed.any():
        row = int(np.argmax(unopposed))
        raise ValueError(
            f"target must have opposed legs, got {target[y].iat[row]:g} and "
            f"{target[x].iat[row]:g} in row {row}"
        )
    if isinstance(contracts, ContractRatio):
        contracts = dict(zip((y, x), contracts[:2], strict=True))
    if not isinstance(contracts, Mapping) or set(contracts) != {y, x}:
        raise TypeError(
            f"contracts must be a ContractRatio, or a mapping with {y!r} and {x!r}, "
            f"got {contracts!r}"
        )
    whole = {
        name: checks.whole(f"contracts[{name!r}]", contracts[name], at_least=1) for name in (y, x)
    }
    capital = checks.number("capital", capital, above=0)
    margin = settings.get("margin"), settings.get("contract_by_symbol")
    needed = sum(number * _initial_margin(name, *margin) for name, number in whole.items())
    if capital < needed:
        raise ValueError(
            f"capital must cover the initial margin of both legs, {needed:,.0f} USD, "
            f"got {capital:,.0f}"
        )
    return backtest.run_portfolio(
        {y: bars_y, x: bars_x}, target, contracts=whole, capital=capital, **settings
    )


def _initial_margin(symbol: str, margin, contract_by_symbol) -> float:
    given = margin[symbol] if isinstance(margin, Mapping) and symbol in margin else margin
    if given is None:
        contract = (contract_by_symbol or {}).get(symbol)
        return fact(f"margin.initial.{contract.symbol if contract else symbol}").value
    # What is no margin at all is refused by the engine, which says how one looks.
    first = given[0] if isinstance(given, tuple) and given else given
    return float(first) if isinstance(first, (int, float)) else 0.0


def _two_symbols(name: str, symbols) -> tuple[str, str]:
    good = isinstance(symbols, tuple) and all(isinstance(symbol, str) for symbol in symbols)
    if not good or len(set(symbols)) != 2 or len(symbols) != 2:
        raise ValueError(f"{name} must name two different legs, got {symbols!r}")
    return symbols
