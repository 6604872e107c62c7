"""The returns that every test here starts from."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from m2k_lessons import backtest
from m2k_lessons.backtest import Result
from m2k_lessons.sweep.grid import takes_bars


def strategy_returns(result: Result) -> pd.Series:
    """Returns of a backtest, as its Sharpe ratio is made of them.

    Parameters
    ----------
    result : backtest.Result

    Returns
    -------
    Series of float
        Changes in equity as fractions of the equity before: one for each trade date, or bar
        where those are longer, on the time of its last bar.

    Raises
    ------
    TypeError, ValueError
        Not a result; an account that went to zero or below, of which a fraction says nothing.

    Examples
    --------
    >>> import math
    >>> from m2k_lessons.evidence import track_record
    >>> from m2k_lessons import backtest, simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> result = backtest.run(bars, strategies.trend_following(bars["close"]), commission_usd=1)
    >>> record = track_record(strategy_returns(result))
    >>> math.isclose(record.sharpe, result.stats["Sharpe Ratio"])
    True
    """
    if not isinstance(result, Result):
        raise TypeError(f"result must be what backtest.run returns, got a {type(result).__name__}")
    at = result._periods.bars
    level = result.equity["Equity"].iloc[at]
    values = level.to_numpy(copy=True)
    values[0] = result.capital
    if values.min() <= 0:
        raise ValueError(
            "result must be of an account that stayed above zero, got an equity of "
            f"{values.min():,.2f} USD; use more capital or fewer contracts"
        )
    return pd.Series(np.diff(values) / values[:-1], level.index[1:], name="return")


def trial_returns(
    strategy: Callable[..., pd.Series],
    table,
    *,
    bars: pd.DataFrame,
    of: str | None = None,
    **account,
) -> pd.DataFrame:
    """Returns of many settings of a strategy, for `reality_check` and others that want them all.

    Parameters
    ----------
    strategy : function
        As in `sweep.sweep`.
    table : DataFrame, or sequence of mappings
        What `sweep.sweep` returned, or the settings of each trial.
    bars, of, **account
        As for `sweep.sweep`.

    Returns
    -------
    DataFrame
        A row for each trade date, and a column for each trial, numbered as in `table`: returns
        as `strategy_returns` makes them.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`; a table that doesn't come from `sweep.sweep`.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> settings = [{"fast": 5, "slow": 50}, {"fast": 10, "slow": 50}]
    >>> trial_returns(strategies.trend_following, settings, bars=bars, commission_usd=1).shape
    (501, 2)
    """
    if isinstance(table, pd.DataFrame):
        names = table.attrs.get("settings")
        if not names or not set(names) <= set(table.columns):
            raise ValueError(
                "table must be what sweep.sweep returned, or a list of settings, got a DataFrame "
                "that doesn't say which columns are settings"
            )
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()].tolist()[0]
            raise ValueError(
                f"table must have each trial's number once, got {twice!r} twice; put sweeps "
                "together with pd.concat([one, other], ignore_index=True)"
            )
        columns = (table[name].tolist() for name in names)
        rows = (dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True))
        trials = dict(zip(table.index, rows, strict=True))
    elif isinstance(table, (list, tuple)) and all(isinstance(row, Mapping) for row in table):
        trials = dict(enumerate(table))
    else:
        raise TypeError(
            "table must be what sweep.sweep returned, or a list of settings, got a "
            f"{type(table).__name__}"
        )
    if not trials:
        raise ValueError("table must have at least one trial, got none")
    of_bars = takes_bars(strategy, of)
    columns = {
        trial: strategy_returns(run_settings(strategy, dict(settings), bars, of_bars, account))
        for trial, settings in trials.items()
    }
    return pd.DataFrame(columns).rename_axis(columns="trial")


def run_settings(strategy, settings, bars, of_bars: bool, account) -> Result:
    given = bars if of_bars else bars["close"]
    # A copy of the frame only: pandas copies the numbers if the strategy writes to them.
    return backtest.run(bars, strategy(given.copy(deep=False), **settings), **account)
