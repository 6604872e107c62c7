"""Numbers that sum up a run. What each one means is told in `m2k_lessons.backtest`."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons.backtest.inputs import UNITS_PER_USD

# Trading periods a year, by the usual number of days between two of them.
_PERIODS = ((4, 252), (10, 52), (35, 12), (100, 4), (400, 1))


class Periods(NamedTuple):
    """The stretches that returns are taken over: trade dates, or the bars where those are longer.

    The first one begins with the capital at `bars[0]`, and one ends at each of the others.
    """

    bars: np.ndarray
    per_year: int


class Tally(NamedTuple):
    """What the engine counts of a run, enough for `metrics`; as the columns in `batch`.

    Each entry is a number, or an array with one for each of many runs. Money is in hundredths of
    a cent. Sums go over changes of the equity less the first of them, in the order of time: so
    they keep their digits, and whoever adds in this order gets the same ones.
    """

    final: Any
    peak: Any  # the highest equity after a bar; the capital counts as one
    min_equity: Any  # the lowest equity at the end of a period; the capital counts as one
    max_drawdown: Any  # the largest distance from a peak
    min_equity_to_peak: Any  # the smallest share of a peak that was left
    changes: Any  # how many periods
    first: Any
    total: Any
    squares: Any
    first_fraction: Any  # the same for changes as fractions of the equity before
    total_fraction: Any
    squares_fraction: Any
    bars: Any
    exposed: Any  # bars with a position
    trades: Any
    wins: Any
    won: Any
    lost: Any  # below zero
    commission: Any
    slippage: Any
    calls: Any
    reduced: Any
    refused: Any


def periods(days: np.ndarray) -> Periods:
    """Find the periods, given the trade date of each bar in days."""
    ends = np.append(np.flatnonzero(days[1:] != days[:-1]), len(days) - 1)
    usual = float(np.median(np.diff(days[ends]))) if len(ends) > 1 else 1.0
    per_year = next((number for most, number in _PERIODS if usual <= most), 1)
    # Nothing is earned on a first bar that is a whole day; only its costs count.
    return Periods(np.append(0, ends[ends > 0]), per_year)


def metrics(tally: Tally, capital: int, per_year: int) -> dict[str, np.ndarray]:
    """Turn tallies into metrics, under their names in `stats`; arrays, one entry for each run."""
    of = Tally(*map(np.atleast_1d, tally))
    annual = math.sqrt(per_year)
    sound = of.min_equity > 0  # a percentage of nothing, or of a debt, says nothing
    nan = np.full(len(of.final), math.nan)
    usd = _moments(of.first, of.total, of.squares, of.changes)
    fraction = _moments(of.first_fraction, of.total_fraction, of.squares_fraction, of.changes)
    mean, deviation = (np.where(sound, value, nan) for value in fraction)
    return {
        "Equity Final [$]": of.final / UNITS_PER_USD,
        "Equity Peak [$]": of.peak / UNITS_PER_USD,
        "Return [%]": 100 * (of.final / capital - 1),
        "Return [$]": (of.final - capital) / UNITS_PER_USD,
        "Volatility (Ann.) [%]": 100 * deviation * annual,
        "Sharpe Ratio": _divided(mean, deviation) * annual,
        "Sharpe Ratio [$]": _divided(*usd) * annual,
        "Max. Drawdown [%]": 100 * (of.min_equity_to_peak - 1),
        "Max. Drawdown [$]": (0 - of.max_drawdown) / UNITS_PER_USD,  # no -0 where there is none
        "# Trades": of.trades.astype(np.int64),
        "Win Rate [%]": 100 * _divided(of.wins, of.trades),
        "Profit Factor [$]": _divided(of.won, -of.lost),
        "Expectancy [$]": _divided(of.won + of.lost, of.trades) / UNITS_PER_USD,
        "Commissions [$]": of.commission / UNITS_PER_USD,
        "Slippage [$]": of.slippage / UNITS_PER_USD,
        "Exposure Time [%]": 100 * (of.exposed / of.bars),
        "# Margin Calls": of.calls.astype(np.int64),
        "# Orders Reduced": of.reduced.astype(np.int64),
        "# Orders Refused": of.refused.astype(np.int64),
    }


def metric_names() -> list[str]:
    return list(metrics(Tally(*([1.0] * len(Tally._fields))), 1, 1))


def _moments(first, total, squares, count):
    """Mean, and standard deviation with n - 1, from the sums of a tally."""
    mean = first + _divided(total, count)
    spread = squares - _divided(total, count) * total
    return mean, np.sqrt(np.maximum(_divided(spread, count - 1), 0.0))


def _divided(above, below) -> np.ndarray:
    """NaN where there is nothing to divide by, as when no trade lost."""
    known = (below != 0) & ~np.isnan(below)
    return np.where(known, above, math.nan) / np.where(known, below, 1.0)


class Curve(NamedTuple):
    """The account after each bar, and each drawdown: its bars of peak and recovery, its depth."""

    usd: np.ndarray
    drawdown: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    depth: np.ndarray


def curve(equity: np.ndarray, capital: int) -> Curve:
    # The capital is the first peak, before all bars.
    levels = np.concatenate([[capital], equity])
    drawdown = 1 - levels / np.maximum.accumulate(levels)
    marks = np.flatnonzero(drawdown == 0)
    if marks[-1] != len(levels) - 1:
        marks = np.append(marks, len(levels) - 1)
    begin, end = marks[:-1], marks[1:]
    long = end > begin + 1
    long[-1] |= drawdown[-1] > 0  # the last one has not recovered, however short it is
    depth = np.maximum.reduceat(drawdown, begin)[long]
    begin, end = np.maximum(begin[long] - 1, 0), end[long] - 1
    return Curve(equity / UNITS_PER_USD, drawdown[1:], begin, end, depth)


def equity_table(found: Curve, index: pd.DatetimeIndex) -> pd.DataFrame:
    """Columns Equity (USD), DrawdownPct (a fraction of the peak, as backtesting.py has it) and
    DrawdownDuration (on the bar that ends a drawdown, how long it took; else NaT)."""
    duration = np.full(len(index), np.timedelta64("NaT"), dtype=f"timedelta64[{index.unit}]")
    duration[found.end] = _durations(index, found.begin, found.end)
    return pd.DataFrame(
        {"Equity": found.usd, "DrawdownPct": found.drawdown, "DrawdownDuration": duration},
        index=index,
    )


def _durations(index: pd.DatetimeIndex, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    times = index.asi8
    return (times[end] - times[begin]).view(f"timedelta64[{index.unit}]")


def summary(result) -> pd.Series:
    index, found, trades = result._instruments[0].bars.index, result._curve, result._trades
    core = {name: values[0].item() for name, values in result._metrics.items()}
    returns = _returns(result, core)
    fallen = _durations(index, found.begin, found.end)
    won, lost = trades.pnl[trades.pnl > 0], trades.pnl[trades.pnl < 0]
    pnl = trades.pnl / UNITS_PER_USD
    count, win_rate = len(pnl), core["Win Rate [%]"] / 100
    growth = np.log1p(trades.returns).mean() if count and (trades.returns > -1).all() else math.nan
    lasted = _durations(index, trades.entry_bar, trades.exit_bar)
    stats: dict[str, Any] = {
        "Start": index[0],
        "End": index[-1],
        "Duration": index[-1] - index[0],
        "Exposure Time [%]": core["Exposure Time [%]"],
        "Equity Final [$]": core["Equity Final [$]"],
        "Equity Peak [$]": core["Equity Peak [$]"],
        "Commissions [$]": core["Commissions [$]"],
        "Slippage [$]": core["Slippage [$]"],
        "Return [%]": core["Return [%]"],
        "Return [$]": core["Return [$]"],
        **returns,
        "Max. Drawdown [%]": core["Max. Drawdown [%]"],
        "Max. Drawdown [$]": core["Max. Drawdown [$]"],
        "Avg. Drawdown [%]": -100 * _mean(found.depth),
        "Max. Drawdown Duration": _longest(fallen),
        "Avg. Drawdown Duration": _average(fallen),
        "# Trades": count,
        "Win Rate [%]": core["Win Rate [%]"],
        "Best Trade [%]": 100 * _of(np.max, trades.returns),
        "Worst Trade [%]": 100 * _of(np.min, trades.returns),
        "Avg. Trade [%]": 100 * math.expm1(growth),
        "Best Trade [$]": _of(np.max, pnl),
        "Worst Trade [$]": _of(np.min, pnl),
        "Max. Trade Duration": _longest(lasted),
        "Avg. Trade Duration": _average(lasted),
        "Profit Factor [$]": core["Profit Factor [$]"],
        "Expectancy [%]": 100 * _mean(trades.returns),
        "Expectancy [$]": core["Expectancy [$]"],
        "SQN": _ratio(_mean(pnl), _deviation(pnl)) * math.sqrt(count),
        "Kelly Criterion": win_rate - _ratio(1 - win_rate, _ratio(_mean(won), -_mean(lost))),
        "# Margin Calls": core["# Margin Calls"],
        "# Orders Reduced": core["# Orders Reduced"],
        "# Orders Refused": core["# Orders Refused"],
    }
    return pd.Series(stats, dtype=object)


def _returns(result, core: dict[str, float]) -> dict[str, object]:
    found, at, index = result._curve, result._periods, result._instruments[0].bars.index
    levels = found.usd[at.bars]
    levels[0] = result.capital
    sound = bool((levels > 0).all())
    changes = np.diff(levels) / levels[:-1] if sound else np.full(len(levels) - 1, math.nan)
    count = len(changes)
    annual = math.nan
    if sound and count:
        with np.errstate(over="ignore"):  # a day that multiplies the account has no annual rate
            annual = float(np.expm1(math.log(levels[-1] / levels[0]) / count * at.per_year))
    years = (index[-1] - index[0]) / pd.Timedelta(days=365.25)
    grown = found.usd[-1] / result.capital
    downside = math.sqrt(np.mean(np.minimum(changes, 0) ** 2)) if count else math.nan
    stats: dict[str, Any] = {}
    market = result.buy_and_hold
    if market is not None:
        stats["Buy & Hold Return [%]"] = 100 * market.points / market.first
        stats["Buy & Hold [$]"] = market.usd
    stats |= {
        "Return (Ann.) [%]": 100 * annual,
        "Volatility (Ann.) [%]": core["Volatility (Ann.) [%]"],
        "CAGR [%]": 100 * _compound(grown, years) if years > 0 and grown > 0 else math.nan,
        "Sharpe Ratio": core["Sharpe Ratio"],
        "Sharpe Ratio [$]": core["Sharpe Ratio [$]"],
        "Sortino Ratio": _ratio(_mean(changes), downside) * math.sqrt(at.per_year),
        "Calmar Ratio": _ratio(annual, -core["Max. Drawdown [%]"] / 100),
    }
    if market is not None:
        moves = np.diff(market.earned[at.bars]) / market.closes[at.bars[:-1]]
        beta = math.nan
        if count > 1 and sound and np.ptp(moves) > 0:
            beta = float(np.cov(changes, moves)[0, 1] / np.var(moves, ddof=1))
        stats["Alpha [%]"] = 100 * (grown - 1) - beta * stats["Buy & Hold Return [%]"]
        stats["Beta"] = beta
    return stats


def _compound(grown: float, years: float) -> float:
    with np.errstate(over="ignore"):
        return float(np.float64(grown) ** (1 / years) - 1)


def _longest(durations: np.ndarray):
    return pd.Timedelta(durations.max()) if len(durations) else pd.NaT


def _average(durations: np.ndarray):
    return pd.Timedelta(durations.mean()) if len(durations) else pd.NaT


def _of(function, values: np.ndarray) -> float:
    return float(function(values)) if len(values) else math.nan


def _mean(values: np.ndarray) -> float:
    return _of(np.mean, values)


def _deviation(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _ratio(above: float, below: float) -> float:
    """NaN where there is nothing to divide by, as when no trade lost."""
    return float(above / below) if below and not math.isnan(below) else math.nan
