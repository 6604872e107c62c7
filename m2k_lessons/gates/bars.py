"""The bars a rule is examined on, and what the market did on them."""

from __future__ import annotations

import os

import numpy as np
import pandas as pd

from m2k_lessons import data, facts, sessions
from m2k_lessons._util import checks
from m2k_lessons.backtest.bars import PRICES, check_index
from m2k_lessons.contracts import M2K, Contract


def read_bars(
    path: str | os.PathLike | pd.DataFrame, contract: Contract = M2K, **reading
) -> pd.DataFrame:
    """Read a learner's own file and move its prices to the contract's tick.

    Parameters
    ----------
    path : str, path, open file or DataFrame
        As `data.read_prices` takes it; or bars that have been read, such as `data.load("sp500")`.
    contract : Contract
        Gives the tick.
    **reading
        Every other argument of `data.read_prices`: `dayfirst=True`, `columns={...}`, `tz="UTC"`.

    Returns
    -------
    DataFrame
        Columns open, high, low, close in points, and what else there is. `attrs["label"]` says
        how many prices moved, `attrs["opens"]` whether the opens could be traded.

    Raises
    ------
    PriceFileError, FileNotFoundError
        As `data.read_prices`.
    ValueError, TypeError
        A price column that is missing; `reading` for a frame that has been read.

    Examples
    --------
    >>> import io
    >>> file = io.StringIO("Date,Open,High,Low,Close\\n2024-03-11,2066.04,2071.5,2060.2,2063.9\\n")
    >>> bars = read_bars(file)
    >>> bars["open"].to_list(), bars.attrs["label"]
    ([2066.0], 'your own file; 1 of 4 prices moved to the nearest tick')
    """
    if isinstance(path, pd.DataFrame) and reading:
        raise TypeError(f"reading must be left out for a frame, got {', '.join(reading)}")
    frame = path if isinstance(path, pd.DataFrame) else data.read_prices(path, **reading)
    prices = _four_prices("path", frame)
    # Rounding keeps the order of two prices, so a high stays above its low.
    moved_prices = prices.apply(lambda column: contract.round_to_tick(column))
    moved = int((np.abs(moved_prices - prices) > 1e-9).to_numpy().sum())
    bars = frame.assign(**moved_prices)
    source = frame.attrs.get("source", "your own file")
    bars.attrs["label"] = f"{source}; {moved:,} of {prices.size:,} prices moved to the nearest tick"
    return bars


def with_history(history: pd.DataFrame, days: pd.DataFrame, contract: Contract = M2K):
    """Put older bars before new ones, so that a slow rule is warm on the first new day.

    The older bars are made to fit: multiplied, so that their last close is the first open of
    `days`, moved to the tick, and dated on the weekdays before. A made-up past, for practice.

    Parameters
    ----------
    history, days : DataFrame
        Columns open, high, low, close.
    contract : Contract
        Gives the tick.

    Returns
    -------
    DataFrame
        The four prices of both.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=2, freq="B")
    >>> old = pd.DataFrame(1200.0, days, ["open", "high", "low", "close"])
    >>> new = pd.DataFrame(2400.0, days, ["open", "high", "low", "close"])
    >>> both = with_history(old, new)
    >>> both["close"].to_list(), f"{both.index[0]:%Y-%m-%d}"
    ([2400.0, 2400.0, 2400.0, 2400.0], '2030-01-03')
    """
    check_index("days", days.index)
    old, new = _four_prices("history", history), _four_prices("days", days)
    fits = old * (new["open"].iloc[0] / old["close"].iloc[-1])
    fits = fits.apply(lambda column: contract.round_to_tick(column))
    end = days.index[0].normalize() - pd.Timedelta("1D")
    joined = pd.concat([fits.set_axis(pd.bdate_range(end=end, periods=len(old))), new])
    joined.index.name = days.index.name
    joined.attrs = dict(days.attrs)
    return joined


def _four_prices(name: str, frame) -> pd.DataFrame:
    columns = frame.columns if isinstance(frame, pd.DataFrame) else []
    missing = [price for price in PRICES if price not in columns]
    if missing:
        raise ValueError(
            f"{name} must have the columns open, high, low and close, got no {missing[0]!r}"
        )
    return frame[list(PRICES)]


def daily_bars(minutes: pd.DataFrame) -> pd.DataFrame:
    """One bar for each trade date of the exchange, as `sessions.trade_dates` has it.

    A trade date begins at 18:00 New York time the evening before; the half-session of a holiday
    belongs to the next one.

    Parameters
    ----------
    minutes : DataFrame
        Columns open, high, low, close, without missing prices; a tz-aware index, ascending.

    Returns
    -------
    DataFrame
        On the trade dates, at midnight New York time; the column `minutes` counts what each holds.

    Examples
    --------
    >>> index = pd.DatetimeIndex(["2030-03-05 17:59", "2030-03-05 18:00"], tz="America/New_York")
    >>> minutes = pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])
    >>> daily_bars(minutes).index.strftime("%d").to_list()
    ['05', '06']
    """
    if not isinstance(minutes.index, pd.DatetimeIndex) or minutes.index.tz is None:
        raise TypeError("minutes must have an index of times with a zone")
    check_index("minutes", minutes.index)
    checks.columns_once("minutes", minutes)
    _four_prices("minutes", minutes)
    unknown = minutes[list(PRICES)].isna().any(axis=1).to_numpy()
    if unknown.any():
        raise ValueError(
            f"minutes must have four prices in every row, got NaN at {minutes.index[unknown][0]}"
        )
    date = sessions.trade_dates(minutes.index).tz_localize(sessions.NEW_YORK)
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    dates = minutes.groupby(date.rename("time"))
    return dates.agg(rules).assign(minutes=dates.size())


def commission_of(contract: Contract, commission_usd: float | None) -> float:
    if commission_usd is None:
        return float(facts.fact(f"course.commission.{contract.symbol}").value)
    return checks.number("commission_usd", commission_usd, at_least=0)


def market_returns(bars: pd.DataFrame, roll_gap_points: pd.Series | None = None) -> pd.Series:
    """Close to close, as fractions, without the gaps between contracts.

    Parameters
    ----------
    bars : DataFrame
    roll_gap_points : Series, optional
        As in `overnight_usd`.

    Returns
    -------
    Series of float
        From the second bar on.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=3, freq="B")
    >>> bars = pd.DataFrame({"close": [2400.0, 2424.0, 2454.0]}, index=days)
    >>> market_returns(bars, pd.Series([30.0], index=days[2:])).to_list()
    [0.01, 0.0]
    """
    checks.columns_once("bars", bars)
    points = less_rolls(bars, bars["close"].diff(), roll_gap_points)
    return (points / bars["close"].shift()).iloc[1:]


def less_rolls(bars, points: pd.Series, roll_gap_points: pd.Series | None) -> pd.Series:
    if not isinstance(roll_gap_points, pd.Series | None):
        raise TypeError(f"roll_gap_points must be a Series of points, got {roll_gap_points!r}")
    if "contract" not in bars:
        return points if roll_gap_points is None else points - _at(roll_gap_points, bars.index)
    same = bars["contract"] == bars["contract"].shift()
    if roll_gap_points is None:
        return points.where(same, 0.0)
    changes = bars.index[1:][~same.iloc[1:]]
    unknown = changes.difference(roll_gap_points.dropna().index)
    if len(unknown):
        raise ValueError(
            "roll_gap_points must have one value for each change of contract, got none for "
            f"{unknown[0]}"
        )
    return points - _at(roll_gap_points.loc[changes], bars.index)


def _at(gaps: pd.Series, index: pd.Index) -> pd.Series:
    return gaps.reindex(index).fillna(0.0)
