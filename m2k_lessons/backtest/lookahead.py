"""Does a strategy know the future? Take the future away, or change it, and see."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest.bars import check_index

_TOLERANCE = 1e-9  # a running sum may end in another last digit


class LookAheadError(AssertionError):
    """A target changed when only the future did."""


def assert_no_lookahead(
    strategy: Callable, bars: pd.DataFrame | pd.Series, *, cuts: int = 40
) -> None:
    """Prove, by experiment, that a strategy's targets don't depend on later bars.

    At each of `cuts` bars the future is removed, moved up, moved down, and turned round; the
    targets up to that bar must stay what they were. Prices are moved by whole points, so they
    stay on their ticks.

    Parameters
    ----------
    strategy : function
        Takes bars (what is given as `bars`) and returns a target Series on the same index.
    bars : DataFrame or Series
        What the strategy works on: bars, or closing prices.
    cuts : int
        Bars at which to try, spread over the second to the last but one.

    Raises
    ------
    LookAheadError
        The first bar found whose target knew something; it is an AssertionError.
    ValueError, TypeError
        Fewer than 3 bars; a strategy that returns something else than a Series on the index of
        its bars, or different targets for the same bars.

    Examples
    --------
    >>> days = pd.date_range("2030-01-07", periods=60, freq="B")
    >>> close = pd.Series(2400.0 + np.arange(60) % 7, index=days)
    >>> assert_no_lookahead(lambda close: (close.diff() > 0).astype(float), close)
    >>> assert_no_lookahead(lambda close: (close.shift(-1) > close).astype(float), close)
    Traceback (most recent call last):
    m2k_lessons.backtest.lookahead.LookAheadError: the target of bar 1 (2030-01-08 00:00:00) \
changes from 1 to 0 when all bars after bar 1 are removed: it uses the future
    """
    if not isinstance(bars, (pd.DataFrame, pd.Series)):
        raise TypeError(f"bars must be a DataFrame or a Series, got {type(bars).__name__}")
    check_index("bars", bars.index)
    if len(bars) < 3:
        raise ValueError(f"bars must have at least 3 rows, got {len(bars)}")
    cuts = checks.whole("cuts", cuts, at_least=1)
    known = _targets(strategy, bars)
    if _first_difference(known, _targets(strategy, bars)) is not None:
        raise ValueError(
            "strategy must return the same targets each time it is given the same bars"
        )
    for cut in np.unique(np.linspace(1, len(bars) - 2, cuts).astype(int)):
        past = bars.iloc[: cut + 1]
        futures = {"removed": past}
        for change, future in _other_futures(bars.iloc[cut + 1 :]).items():
            futures[change] = pd.concat([past, future])
        for change, changed in futures.items():
            bar = _first_difference(known[: cut + 1], _targets(strategy, changed)[: cut + 1])
            if bar is not None:
                now = _targets(strategy, changed)[bar]
                raise LookAheadError(
                    f"the target of bar {bar} ({bars.index[bar]}) changes from {known[bar]:g} to "
                    f"{now:g} when all bars after bar {cut} are {change}: it uses the future"
                )


def _targets(strategy: Callable, bars) -> np.ndarray:
    # A strategy that writes into its bars would spoil the comparison.
    target = strategy(bars.copy())
    if not isinstance(target, pd.Series) or not target.index.equals(bars.index):
        got = "other rows" if isinstance(target, pd.Series) else type(target).__name__
        raise ValueError(f"strategy must return a Series on the index of its bars, got {got}")
    return target.to_numpy(dtype=float, na_value=np.nan)


def _first_difference(left: np.ndarray, right: np.ndarray) -> int | None:
    same = (np.abs(left - right) <= _TOLERANCE) | (left == right)
    same |= np.isnan(left) & np.isnan(right)
    return None if same.all() else int(np.argmin(same))


def _other_futures(future) -> dict[str, pd.DataFrame | pd.Series]:
    """The same times with other numbers in them."""
    turned = future.iloc[::-1].set_axis(future.index)
    numbers = [
        name
        for name in (future.columns if isinstance(future, pd.DataFrame) else [None])
        if _is_number(future if name is None else future[name])
    ]
    result = {"turned round": turned}
    for change, sign in (("moved up", 1), ("moved down", -1)):
        if isinstance(future, pd.Series):
            result[change] = future + sign * _half(future) if numbers else future
        else:
            # One distance for all prices, so that a high stays above its low.
            prices = [name for name in ("open", "high", "low", "close") if name in numbers]
            step = _half(future["low" if "low" in prices else prices[0]]) if prices else 0
            moved = {name: future[name] + sign * step for name in prices}
            others = [name for name in numbers if name not in prices]
            moved |= {name: future[name] + sign * _half(future[name]) for name in others}
            result[change] = future.assign(**moved)
    return result


def _is_number(series: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series)


def _half(series: pd.Series):
    """Half of the smallest value, in whole points: what is above zero stays there."""
    lowest = series.min()
    return 0 if pd.isna(lowest) else int(abs(lowest) // 2)  # all of it unknown: nothing to move
