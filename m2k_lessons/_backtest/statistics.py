"""Numbers that sum up a run. What each one means is told in `m2k_lessons.backtest`."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from m2k_lessons._backtest.inputs import trade_dates

# Trading periods a year, by the usual number of days between two of them.
_PERIODS = ((4, 252), (10, 52), (35, 12), (100, 4), (400, 1))


def equity_curve(equity_usd: np.ndarray, index: pd.DatetimeIndex) -> pd.DataFrame:
    """Columns Equity (USD), DrawdownPct (a fraction of the peak, as backtesting.py has it) and
    DrawdownDuration (on the bar that ends a drawdown, how long it took; else NaT)."""
    drawdown = 1 - equity_usd / np.maximum.accumulate(equity_usd)
    begin, end, _ = _drawdowns(drawdown)
    duration = np.full(len(index), np.timedelta64("NaT"), dtype="timedelta64[us]")
    duration[end] = (index[end] - index[begin]).to_numpy()
    return pd.DataFrame(
        {"Equity": equity_usd, "DrawdownPct": drawdown, "DrawdownDuration": duration}, index=index
    )


def _drawdowns(drawdown: np.ndarray):
    """Bars of the peak before and the recovery after each drawdown, and its depth."""
    marks = np.unique(np.append(np.flatnonzero(drawdown == 0), len(drawdown) - 1))
    begin, end = marks[:-1], marks[1:]
    long = end > begin + 1
    if drawdown[-1] > 0 and len(marks) > 1:
        long[-1] = True  # the last one has not recovered, however short it is
    begin, end = begin[long], end[long]
    depth = [drawdown[a : b + 1].max() for a, b in zip(begin, end, strict=True)]
    return begin, end, np.array(depth)


def period_levels(curve: pd.DataFrame, capital_usd: float) -> tuple[pd.Series, int]:
    """Equity at the end of each trade date, the capital before the first, and periods a year."""
    dates = trade_dates(curve.index)
    last = np.append(dates[1:] != dates[:-1], True)
    levels = pd.Series(curve["Equity"].to_numpy()[last], index=curve.index[last])
    if last[0]:
        # Nothing is earned on a first bar that is a whole day; only its costs count.
        levels.iloc[0] = capital_usd
    else:
        before = pd.Series([capital_usd], index=curve.index[:1])
        levels = pd.concat([before, levels])
    days = np.diff(dates[last].asi8) / (86_400 * _per_second(dates))
    usual = float(np.median(days)) if len(days) else 1.0
    return levels, next((periods for most, periods in _PERIODS if usual <= most), 1)


def _per_second(index: pd.DatetimeIndex) -> int:
    return {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}[index.unit]


def summary(result) -> pd.Series:
    curve, trades, index = result.equity, result.trades, result.equity.index
    equity = curve["Equity"].to_numpy()
    final, capital = float(equity[-1]), result.capital
    exposed = np.zeros(len(index) + 1, np.int64)
    np.add.at(exposed, trades["EntryBar"].to_numpy(), 1)
    np.add.at(exposed, trades["ExitBar"].to_numpy() + 1, -1)
    stats: dict[str, object] = {
        "Start": index[0],
        "End": index[-1],
        "Duration": index[-1] - index[0],
        "Exposure Time [%]": 100 * float((np.cumsum(exposed)[:-1] > 0).mean()),
        "Equity Final [$]": final,
        "Equity Peak [$]": float(equity.max()),
        "Commissions [$]": float(trades["Commission"].sum()),
        "Slippage [$]": float(trades["Slippage"].sum()),
        "Return [%]": 100 * (final / capital - 1),
        "Return [$]": final - capital,
    }
    stats |= _returns(result, curve, final)
    stats |= _drawdown_stats(curve)
    stats |= _trade_stats(trades)
    happened = result.events["Event"]
    stats["# Margin Calls"] = int((happened == "margin call").sum())
    stats["# Orders Reduced"] = int((happened == "order reduced").sum())
    stats["# Orders Refused"] = int((happened == "order refused").sum())
    return pd.Series(stats, dtype=object)


def _returns(result, curve: pd.DataFrame, final: float) -> dict[str, object]:
    capital = result.capital
    levels, periods = period_levels(curve, capital)
    values = levels.to_numpy()
    changes_usd = np.diff(values)
    sound = bool((values > 0).all())  # a percentage of nothing, or of a debt, says nothing
    changes = changes_usd / values[:-1] if sound else np.full(len(changes_usd), math.nan)
    count = len(changes)
    annual = (
        math.expm1(math.log(values[-1] / values[0]) / count * periods)
        if sound and count
        else math.nan
    )
    years = (curve.index[-1] - curve.index[0]) / pd.Timedelta(days=365.25)
    grown = final / capital
    downside = math.sqrt(np.mean(np.minimum(changes, 0) ** 2)) if count else math.nan
    deepest = float(curve["DrawdownPct"].max())
    stats: dict[str, object] = {}
    market = result.market
    if market is not None:
        stats["Buy & Hold Return [%]"] = 100 * market.points / market.first
        stats["Buy & Hold [$]"] = market.usd
    stats |= {
        "Return (Ann.) [%]": 100 * annual,
        "Volatility (Ann.) [%]": 100 * _deviation(changes) * math.sqrt(periods),
        "CAGR [%]": 100 * (grown ** (1 / years) - 1) if years > 0 and grown > 0 else math.nan,
        "Sharpe Ratio": _ratio(_mean(changes), _deviation(changes)) * math.sqrt(periods),
        "Sharpe Ratio [$]": _ratio(_mean(changes_usd), _deviation(changes_usd))
        * math.sqrt(periods),
        "Sortino Ratio": _ratio(_mean(changes), downside) * math.sqrt(periods),
        "Calmar Ratio": _ratio(annual, deepest),
    }
    if market is not None:
        at = curve.index.get_indexer(levels.index)
        moves = np.diff(market.earned[at]) / market.closes[at[:-1]]
        beta = math.nan
        if count > 1 and sound and np.ptp(moves) > 0:
            beta = float(np.cov(changes, moves)[0, 1] / np.var(moves, ddof=1))
        stats["Alpha [%]"] = 100 * (grown - 1) - beta * stats["Buy & Hold Return [%]"]
        stats["Beta"] = beta
    return stats


def _drawdown_stats(curve: pd.DataFrame) -> dict[str, object]:
    equity, drawdown = curve["Equity"].to_numpy(), curve["DrawdownPct"].to_numpy()
    _, _, depth = _drawdowns(drawdown)
    duration = curve["DrawdownDuration"].dropna()
    return {
        "Max. Drawdown [%]": -100 * float(drawdown.max()),
        "Max. Drawdown [$]": -float((np.maximum.accumulate(equity) - equity).max()),
        "Avg. Drawdown [%]": -100 * float(depth.mean()) if len(depth) else math.nan,
        "Max. Drawdown Duration": duration.max(),
        "Avg. Drawdown Duration": duration.mean(),
    }


def _trade_stats(trades: pd.DataFrame) -> dict[str, object]:
    pnl, returns = trades["PnL"].to_numpy(), trades["ReturnPct"].to_numpy()
    count = len(pnl)
    won, lost = pnl[pnl > 0], pnl[pnl < 0]
    win_rate = len(won) / count if count else math.nan
    growth = np.log1p(returns).mean() if count and (returns > -1).all() else math.nan
    odds = _ratio(_mean(won), -_mean(lost))
    return {
        "# Trades": count,
        "Win Rate [%]": 100 * win_rate,
        "Best Trade [%]": 100 * _of(np.max, returns),
        "Worst Trade [%]": 100 * _of(np.min, returns),
        "Avg. Trade [%]": 100 * math.expm1(growth),
        "Best Trade [$]": _of(np.max, pnl),
        "Worst Trade [$]": _of(np.min, pnl),
        "Max. Trade Duration": trades["Duration"].max(),
        "Avg. Trade Duration": trades["Duration"].mean(),
        "Profit Factor [$]": _ratio(won.sum(), -lost.sum()),
        "Expectancy [%]": 100 * _mean(returns),
        "Expectancy [$]": _mean(pnl),
        "SQN": _ratio(_mean(pnl), _deviation(pnl)) * math.sqrt(count),
        "Kelly Criterion": win_rate - _ratio(1 - win_rate, odds),
    }


def _of(function, values: np.ndarray) -> float:
    return float(function(values)) if len(values) else math.nan


def _mean(values: np.ndarray) -> float:
    return _of(np.mean, values)


def _deviation(values: np.ndarray) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else math.nan


def _ratio(above: float, below: float) -> float:
    """NaN where there is nothing to divide by, as when no trade lost."""
    return float(above / below) if below and not math.isnan(below) else math.nan
