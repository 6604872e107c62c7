"""Series in, arrays to compute on, Series out: what every function over prices shares."""

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
    checks.instance(name, given, (pd.Series, np.ndarray), "a Series of numbers")
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
    (first, model), *others = given.items()
    for name, other in others:
        if isinstance(model, pd.Series) != isinstance(other, pd.Series):
            raise TypeError(f"{first} and {name} must both be Series, or both arrays")
        if len(model) != len(other):
            raise ValueError(
                f"{first} and {name} must have the same length, got {len(model)} and {len(other)}"
            )
        if isinstance(model, pd.Series) and not model.index.equals(other.index):
            where = int(np.flatnonzero(np.asarray(model.index != other.index))[0])
            raise ValueError(
                f"{first} and {name} must have the same index, got {model.index[where]} and "
                f"{other.index[where]} in row {where}; align them first"
            )


def finite(name: str, given) -> np.ndarray:
    """Return the numbers of a Series or an array; none of them is unknown or infinite."""
    numbers = values(name, given)
    refuse_rows(name, given, ~np.isfinite(numbers), "hold finite numbers")
    return numbers


def finite_or_nan(name: str, given, numbers: np.ndarray) -> None:
    """Refuse infinity."""
    refuse_rows(name, given, np.isinf(numbers), "hold finite numbers or NaN")


def refuse_infinity(name: str, given, row: int) -> None:
    """Say where the infinite value stands."""
    refuse_rows(name, given, np.arange(len(given)) == row, "hold finite numbers or NaN")


def refuse_rows(name: str, given, wrong, accepted: str) -> None:
    """Refuse a Series or an array whose rows are `wrong` somewhere: it must, as `accepted` says."""
    rows = np.flatnonzero(wrong)
    if len(rows):
        labelled = isinstance(given, pd.Series)
        number = given.iloc[rows[0]] if labelled else given[rows[0]]
        number = np.nan if pd.isna(number) else float(number)
        place = f"at {given.index[rows[0]]}" if labelled else f"in row {rows[0]}"
        raise ValueError(f"{name} must {accepted}, got {number} {place}")


def like(given, result, name: str | None = None):
    """Give a result back in the type of what was given: a number, an array or a Series.

    `given` is one thing, or a tuple of them, whose first Series lends its index.
    """
    parts = given if isinstance(given, tuple) else (given,)
    model = next((part for part in parts if isinstance(part, pd.Series)), None)
    if model is None:
        scalar = isinstance(result, (np.ndarray, np.generic)) and result.ndim == 0
        return result.item() if scalar else result
    series = pd.Series(np.asarray(result), index=model.index, name=name, copy=False)
    series.attrs = dict(model.attrs)  # the label of simulated prices
    return series


def _first_step_back(index: pd.Index) -> str:
    for earlier, later in zip(index[:-1], index[1:], strict=True):
        try:
            if not earlier < later:
                return f"{later} after {earlier}"
        except TypeError:
            return f"{later!r} after {earlier!r}, which have no order"
    raise AssertionError("an index that increases was taken for one that does not")
