"""Series in, arrays to compute on, Series out: what every function over prices shares."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons._util import checks


def values(name: str, given) -> np.ndarray:
    """Return the numbers of a Series, or of an array of one dimension, as floats; NaN is kept.

    The array is contiguous and read-only, so that compiled code meets one type only.
    """
    checks.no_mask(name, given)
    if isinstance(given, pd.DataFrame):
        checks.columns_once(name, given)
        column = "close" if "close" in given.columns else next(iter(given.columns), "close")
        raise TypeError(
            f"{name} must be a Series of numbers, got a DataFrame; choose one of its columns, "
            f"such as bars[{column!r}]"
        )
    if not isinstance(given, (pd.Series, np.ndarray)):
        raise TypeError(f"{name} must be a Series of numbers, got {_described(given)}")
    kind = getattr(given.dtype, "kind", "O")
    if kind not in "iuf":
        raise TypeError(f"{name} must hold numbers, got {given.dtype}")
    if isinstance(given, pd.Series):
        check_order(name, given.index)
        # A missing value is asked for only where the type has one of its own: it costs a copy.
        plain = isinstance(given.dtype, np.dtype)
        given = given.to_numpy() if plain else given.to_numpy(np.float64, na_value=np.nan)
    elif given.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {given.shape}")
    numbers = np.ascontiguousarray(given, dtype=np.float64).view()
    numbers.flags.writeable = False
    return numbers


def check_order(name: str, index: pd.Index) -> None:
    """Refuse an index that does not increase from row to row."""
    if index.is_monotonic_increasing and index.is_unique:
        return
    if index.hasnans:
        where = int(np.flatnonzero(index.isna())[0])
        raise ValueError(f"{name} must have a time in every row, got none in row {where}")
    repeated = index.duplicated()
    if repeated.any():
        raise ValueError(f"{name} must have one row per time, got {index[repeated][0]} twice")
    raise ValueError(
        f"{name} must be sorted by time, earliest first, got {_first_step_back(index)}; "
        f"{name}.sort_index() sorts it"
    )


def check_same_index(**given) -> None:
    """Refuse Series that do not belong together row by row."""
    (first, one), *others = given.items()
    for name, other in others:
        if isinstance(one, pd.Series) != isinstance(other, pd.Series):
            raise TypeError(f"{first} and {name} must both be Series, or both arrays")
        if len(one) != len(other):
            raise ValueError(
                f"{first} and {name} must have the same length, got {len(one)} and {len(other)}"
            )
        if isinstance(one, pd.Series) and not one.index.equals(other.index):
            where = int(np.flatnonzero(np.asarray(one.index != other.index))[0])
            raise ValueError(
                f"{first} and {name} must have the same index, got {one.index[where]} and "
                f"{other.index[where]} in row {where}; align them first"
            )


def finite_or_nan(name: str, given, numbers: np.ndarray) -> None:
    """Refuse infinity."""
    infinite = np.isinf(numbers)
    if infinite.any():
        refuse_infinity(name, given, int(np.flatnonzero(infinite)[0]))


def refuse_infinity(name: str, given, row: int) -> None:
    """Say where the infinite value stands."""
    place = f"at {given.index[row]}" if isinstance(given, pd.Series) else f"in row {row}"
    number = given.iloc[row] if isinstance(given, pd.Series) else given[row]
    raise ValueError(f"{name} must hold finite numbers or NaN, got {float(number)} {place}")


def like(given, result: np.ndarray, name: str):
    """Give an array back as it is, and a Series as a Series on the same index."""
    if not isinstance(given, pd.Series):
        return result
    series = pd.Series(result, index=given.index, name=name, copy=False)
    series.attrs = dict(given.attrs)  # the label of simulated prices
    return series


def _first_step_back(index: pd.Index) -> str:
    for earlier, later in zip(index[:-1], index[1:], strict=True):
        try:
            if not earlier < later:
                return f"{later} after {earlier}"
        except TypeError:
            return f"{later!r} after {earlier!r}, which have no order"
    raise AssertionError("an index that increases was taken for one that does not")


def _described(given) -> str:
    plain = isinstance(given, (str, int, float, type(None)))
    return repr(given) if plain else f"a {type(given).__name__}"
