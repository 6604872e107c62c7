"""Which strategies are decided by compiled loops, and with what."""

from __future__ import annotations

import functools
import inspect
import math
from dataclasses import dataclass, field
from types import ModuleType

import numpy as np

from m2k_lessons import indicators, strategies
from m2k_lessons._util import jit
from m2k_lessons.backtest.inputs import Instrument
from m2k_lessons.sweep.grid import Combinations

_LARGEST_EXACT = 2**53  # up to here a float holds every whole number
_LARGEST_WHOLE = 2**63 - 1
_MILLIONTHS = 1_000_000  # of a point, in which `strategies.trend_following` compares
_FLOAT_NOISE = 1e-14  # share of a price, as in `indicators.sma_crossover`
_KINDS = {"trend_following": 0, "threshold": 1, "mean_reversion": 2}  # as in the kernels
_DEFAULTS = {
    name: {
        setting: parameter.default
        for setting, parameter in list(inspect.signature(strategy).parameters.items())[1:]
    }
    for name in _KINDS
    for strategy in [getattr(strategies, name)]
}


@dataclass(frozen=True, eq=False)
class CompiledStrategy:
    """A strategy that the kernels know, with the settings of each combination."""

    instrument: Instrument
    kind: int
    settings: np.ndarray  # a row for each combination, as in the kernels
    window: np.ndarray  # of the scores that it looks at; 0 where there is none
    sound: np.ndarray  # the others are left to the strategy itself, which is to refuse them
    _known: dict[int, np.ndarray] = field(default_factory=dict)  # series by window

    def blocks(self, size: int) -> list[np.ndarray]:
        """Combinations that can be decided in one go, at most `size` of them."""
        rows = np.flatnonzero(self.sound)
        groups = [rows[self.window[rows] == window] for window in np.unique(self.window[rows])]
        return [group[at : at + size] for group in groups for at in range(0, len(group), size)]

    def targets(self, rows: np.ndarray) -> np.ndarray:
        """Target positions of a block, in contracts: runs by 1 by bars."""
        loops = _loops()
        targets = np.empty((len(rows), 1, self.instrument.prices.shape[1]), np.int64)
        window = int(self.window[rows[0]])
        if window not in self._known:
            self._known[window] = self._series(window)
        series = self._known[window]
        loops.decide(self.kind, series, self.settings[rows], targets)
        if not isinstance(self.instrument.contracts, int) or self.instrument.contracts != 1:
            targets *= self.instrument.contracts  # type: ignore[arg-type]
        return targets

    def _series(self, window: int) -> np.ndarray:
        if self.kind == _KINDS["trend_following"]:
            return np.concatenate([[0.0], np.cumsum(self.instrument.closes, dtype=np.float64)])
        close = self.instrument.bars["close"]
        prices = close.to_numpy(dtype=np.float64)
        if self.kind == _KINDS["threshold"]:
            return np.array(prices)
        # As in `strategies.mean_reversion`.
        lower, middle, _ = indicators.bollinger(close, window, 1.0).to_numpy().T
        deviation = middle - lower
        flat = deviation == 0
        return np.where(flat, 0.0, (prices - middle) / np.where(flat, 1.0, deviation))


def compiled_strategy(
    instrument: Instrument, strategy, takes_bars: bool, combinations: Combinations
) -> CompiledStrategy | None:
    """The strategy as the kernels know it; None where they don't."""
    fixed = {}
    if isinstance(strategy, functools.partial) and not strategy.args:
        strategy, fixed = strategy.func, strategy.keywords  # type: ignore[attr-defined]
    name = getattr(strategy, "__name__", "")
    known = name in _KINDS and strategy is getattr(strategies, name) and not takes_bars
    if not known or callable(instrument.contracts):
        return None
    close = instrument.bars["close"].to_numpy(dtype=np.float64)
    if name == "trend_following" and not _sums_are_exact(instrument, close):
        return None

    def numbers(setting: str, kind) -> np.ndarray:
        """The values of a setting as floats; NaN where it is not of this kind."""
        if setting in combinations.names:
            values, codes = combinations.values[setting], combinations.codes[setting]
        else:
            values = [fixed.get(setting, _DEFAULTS[name][setting])]
            codes = np.zeros(combinations.count, np.intp)
        kept = [float(value) if _is_plain(value, kind) else math.nan for value in values]
        return np.array(kept)[codes]

    long_only = numbers("long_only", bool)
    window = np.zeros(combinations.count)
    if name == "trend_following":
        first, second = numbers("fast", int), numbers("slow", int)
        highest = float(close.max()) * _MILLIONTHS
        sound = (first >= 1) & (first < second) & (highest * first * second <= _LARGEST_WHOLE)
    elif name == "threshold":
        first, second = numbers("buy_above", float), numbers("sell_below", float)
        sound = (second <= first) & np.isfinite(first) & np.isfinite(second)
    else:
        first, second = numbers("entry", float), numbers("exit", float)
        window = numbers("window", int)
        sound = (window >= 2) & (first > second) & (second >= 0) & np.isfinite(first)
    settings = np.column_stack([first, second, np.where(long_only == 1, 0.0, -1.0)])
    sound &= ~np.isnan(long_only)
    return CompiledStrategy(instrument, _KINDS[name], settings, window, sound)


def _loops() -> ModuleType:
    from m2k_lessons.sweep import kernels

    if jit.is_compiled(kernels.decide):
        return kernels
    from m2k_lessons.sweep import plain

    return plain


def _sums_are_exact(instrument: Instrument, close: np.ndarray) -> bool:
    if float(instrument.closes.max()) * len(close) >= _LARGEST_EXACT / 2:
        return False
    # Other prices are left to the strategy: off the tick, or with ticks finer than a millionth.
    noise = _FLOAT_NOISE * float(close.max())
    on_ticks = np.abs(instrument.in_points(instrument.closes) - close).max() <= noise
    return on_ticks and np.abs(np.rint(close * _MILLIONTHS) / _MILLIONTHS - close).max() <= noise


def _is_plain(value, kind) -> bool:
    if kind is bool or isinstance(value, (bool, np.bool_)):
        return kind is bool and isinstance(value, (bool, np.bool_))
    whole = isinstance(value, (int, np.integer))
    return (whole or (kind is float and isinstance(value, float))) and abs(value) < _LARGEST_EXACT
