"""Two price series, or two contracts, checked and matched."""

from __future__ import annotations

import math
from types import ModuleType

import numpy as np
import pandas as pd

from m2k_lessons._util import series

SAME_LINE = 1e-12  # share of variance left over at which two series are one
FEWEST_BARS = 20


def reversion_of(values: np.ndarray) -> tuple[float, float, float]:
    """Slope of the change on the level before, its standard error, and the constant."""
    before, change = values[:-1], np.diff(values)
    level = before - before.mean()
    varies = float(level @ level)
    slope = float(level @ change) / varies
    left = change - change.mean() - slope * level
    unexplained = float(left @ left)
    if unexplained <= SAME_LINE * float(change @ change):
        raise ValueError("spread must have shocks, got one that its own past explains exactly")
    error = math.sqrt(unexplained / (len(change) - 2) / varies)
    return slope, error, float(change.mean() - slope * before.mean())


def legs_of(y, x, *, fewest: int = 1, names: tuple[str, str] = ("y", "x")):
    """Both legs as arrays, or a refusal that says where they don't belong together."""
    arrays = [series.values(name, leg) for name, leg in zip(names, (y, x), strict=True)]
    if isinstance(y, pd.Series) and isinstance(x, pd.Series):
        check_calendar(names[0], y.index, names[1], x.index)
    series.check_same_index(**dict(zip(names, (y, x), strict=True)))
    for name, leg, array in zip(names, (y, x), arrays, strict=True):
        check_complete(name, leg, array)
    if len(arrays[0]) < fewest:
        raise ValueError(
            f"{names[0]} and {names[1]} must have at least {fewest} bars, got {len(arrays[0])}"
        )
    if fewest > 1 and np.ptp(arrays[1]) == 0:
        raise ValueError(f"{names[1]} must move, got {arrays[1][0]:g} on every bar")
    return arrays


def check_calendar(name_y: str, y: pd.Index, name_x: str, x: pd.Index) -> None:
    """Refuse legs of different calendars, with the first time that only one of them has."""
    if y.equals(x):
        return
    zones = [getattr(index, "tz", None) for index in (y, x)]
    if str(zones[0]) != str(zones[1]):
        raise ValueError(
            f"{name_y} and {name_x} must be in one time zone, got {zones[0]} and {zones[1]}"
        )
    for name, other, only in ((name_y, name_x, y.difference(x)), (name_x, name_y, x.difference(y))):
        if len(only):
            raise ValueError(
                f"{name_y} and {name_x} must have the same times, got {len(only)} of {name} that "
                f"{other} has not, first {only[0]}; join them on their common times first"
            )


def check_complete(name: str, given, values: np.ndarray) -> None:
    wrong = ~np.isfinite(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        where = given.index[row] if isinstance(given, pd.Series) else f"row {row}"
        raise ValueError(
            f"{name} must be a finite number on every bar, got {values[row]} at {where}"
            f" ({int(wrong.sum())} such bars)"
        )


def compiled_kernels() -> ModuleType:
    from m2k_lessons.pairs import kernels

    return kernels
