"""The fast way: which sweeps go through compiled loops, and with what."""

from __future__ import annotations

import functools
import inspect
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from m2k_lessons import indicators, strategies
from m2k_lessons.sweep.grid import Combinations

if TYPE_CHECKING:
    from m2k_lessons.sweep.runs import Prepared

_LARGEST_EXACT = 2**53  # up to here a float holds every whole number
_LARGEST_WHOLE = 2**63 - 1
_MILLIONTHS = 1_000_000  # of a point, in which `strategies.trend_following` compares
_FAST = {"trend_following": 0, "threshold": 1, "mean_reversion": 2}  # as in the kernels
_DEFAULTS = {
    name: {
        setting: parameter.default
        for setting, parameter in list(inspect.signature(rule).parameters.items())[1:]
    }
    for name in _FAST
    for rule in [getattr(strategies, name)]
}


@dataclass(frozen=True)
class FastMarket:
    """What the kernel needs of the bars; its docstring tells the rows of `market`."""

    close: pd.Series
    sums: np.ndarray | None  # of the closes in ticks; None if those are not exact
    market: np.ndarray
    edges: np.ndarray
    terms: np.ndarray

    def series(self, kind: int, window: int) -> np.ndarray:
        if kind == _FAST["trend_following"]:
            return self.sums
        prices = self.close.to_numpy(dtype=np.float64)
        if kind == _FAST["threshold"]:
            return np.ascontiguousarray(prices)
        # As in `strategies.mean_reversion`.
        lower, middle, _ = indicators.bollinger(self.close, window, 1.0).to_numpy().T
        deviation = middle - lower
        flat = deviation == 0
        return np.where(flat, 0.0, (prices - middle) / np.where(flat, 1.0, deviation))


def fast_market(ready: Prepared) -> FastMarket | None:
    leg, account = ready._leg, ready._account
    whole = not callable(leg.contracts) and not isinstance(leg.contracts, np.ndarray)
    if leg.stop or leg.profit or not whole:
        return None
    from m2k_lessons.sweep import kernels

    table, size, bars = leg.table, leg.contracts, len(leg.table)
    opens, _, _, closes, rolls, gap = table.T.astype(np.float64)
    unit = float(leg.tick_value * size)
    lag = 0 if account["at_close"] else 1
    fills = opens if lag else closes
    before = np.concatenate([closes[:1], closes[:-1]])
    market = np.zeros((8, bars))
    market[0], market[1], market[2] = fills * unit, before * unit, closes * unit
    market[3, 1:] = (fills - before - gap)[1:] * unit
    market[4, 1:] = (closes - fills)[1:] * unit
    market[5, ready._periods.bars[1:]] = 1.0
    market[6], market[7] = rolls, gap * unit
    cost = size * (leg.commission + leg.slippage * leg.tick_value)
    most = np.abs(market[3:5]).sum() + account["capital"] + 4.0 * cost * bars
    if max(most, np.abs(market[:3]).max(), closes.max() * bars) >= _LARGEST_EXACT / 2:
        return None
    starts = np.union1d(np.arange(lag, bars, kernels.MOST_BARS), np.flatnonzero(rolls))
    millionths = np.rint(leg.bars["close"].to_numpy(dtype=np.float64) * _MILLIONTHS)
    exact = np.array_equal(millionths, closes * (_MILLIONTHS / leg.contract._ticks_per_point))
    return FastMarket(
        close=leg.bars["close"],
        sums=np.concatenate([[0.0], np.cumsum(closes)]) if exact else None,
        market=market,
        edges=np.append(starts, max(bars, lag)),
        terms=np.array(
            [
                lag,
                account["capital"],
                cost,
                cost if account["roll_costs"] else 0,
                size * leg.initial,
            ],
            np.float64,
        ),
    )


def fast_rules(ready: Prepared, strategy, takes_bars: bool, combinations: Combinations):
    """Kind of rule, a row of numbers and the window for each combination, and which can go fast.

    A combination that is not plainly right is none of them: the strategy itself is to refuse it.
    """
    nothing = 0, None, np.zeros(combinations.count, bool), None
    fixed = {}
    if isinstance(strategy, functools.partial) and not strategy.args:
        strategy, fixed = strategy.func, strategy.keywords
    name = getattr(strategy, "__name__", "")
    if name not in _FAST or strategy is not getattr(strategies, name) or takes_bars:
        return nothing
    fast = ready._fast_market
    if fast is None or (name == "trend_following" and fast.sums is None):
        return nothing

    def numbers(setting: str, kind) -> np.ndarray:
        """The values of a setting as floats; NaN where it is not of this kind."""
        if setting in combinations.names:
            values, codes = combinations.values[setting], combinations.codes[setting]
        else:
            values = [fixed.get(setting, _DEFAULTS[name][setting])]
            codes = np.zeros(combinations.count, np.intp)
        kept = [float(one) if _is_plain(one, kind) else math.nan for one in values]
        return np.array(kept)[codes]

    long_only = numbers("long_only", bool)
    floor = np.where(long_only == 1, 0.0, -1.0)
    if name == "trend_following":
        first, second = numbers("fast", int), numbers("slow", int)
        highest = float(ready._leg.bars["close"].max()) * _MILLIONTHS
        sound = (first >= 1) & (first < second) & (highest * first * second <= _LARGEST_WHOLE)
        window = None
    elif name == "threshold":
        first, second = numbers("buy_above", float), numbers("sell_below", float)
        sound = (second <= first) & np.isfinite(first) & np.isfinite(second)
        window = None
    else:
        first, second = numbers("entry", float), numbers("exit", float)
        window = numbers("window", int)
        sound = (window >= 2) & (first > second) & (second >= 0) & np.isfinite(first)
    sound &= ~np.isnan(long_only)
    rules = np.column_stack([first, second, floor])
    return _FAST[name], rules, sound, window


def _is_plain(value, kind) -> bool:
    if kind is bool or isinstance(value, (bool, np.bool_)):
        return kind is bool and isinstance(value, (bool, np.bool_))
    whole = isinstance(value, (int, np.integer))
    return (whole or (kind is float and isinstance(value, float))) and abs(value) < _LARGEST_EXACT
