"""Bars as the engine takes them: checked, in whole ticks, with their rolls; or a refusal."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons.contracts import Contract

PRICES = ("open", "high", "low", "close")
ENOUGH_BARS = 252  # a year; fewer are not measured for opens that nobody could trade at
_MOST_TICKS = 2.0**53  # up to here a float holds every whole number


def untradable(bars: pd.DataFrame, prices: np.ndarray | None = None) -> str:
    """Why nobody could trade at these opens; empty where nothing is known against them.

    `bars.attrs["opens"]` is believed where there is one, as `data.read_prices` leaves it. With
    `prices`, an instrument's, a quick look spares the measurement where nothing can come of it.
    """
    if "SIMULATED" in str(bars.attrs.get("label", "")):
        return ""
    if "opens" in bars.attrs:
        found = bars.attrs["opens"]
    elif len(bars) >= ENOUGH_BARS:
        from m2k_lessons.data.opens import may_be_untradable, measure_opens

        volume = bars["volume"] if "volume" in bars.columns else None
        if prices is not None and not may_be_untradable(prices[: len(PRICES)], volume):
            return ""
        found = measure_opens(bars)
    else:
        return ""
    return str(found) if getattr(found, "tradable", None) is False else ""


def check_index(name: str, index) -> None:
    """Times: ascending, each once, none missing."""
    if not isinstance(index, pd.DatetimeIndex):
        raise TypeError(
            f"{name} must have a DatetimeIndex, got a {type(index).__name__}; "
            "data.read_prices returns one"
        )
    if index.hasnans:
        raise ValueError(
            f"{name} must have a time in each row, got NaT at row {first_where(index.isna())}"
        )
    if not (index.is_monotonic_increasing and index.is_unique):
        steps = np.diff(index.asi8)
        at = int(np.argmax(steps <= 0)) + 1
        problem = "twice" if steps[at - 1] == 0 else f"after {index[at - 1]}"
        raise ValueError(
            f"{name} must have ascending times, each once, got {index[at]} {problem} (row {at})"
        )


def in_ticks(name: str, bars, contract: Contract) -> np.ndarray:
    """Prices in ticks, and room for rolls and their gaps: bars by 6."""
    if not isinstance(bars, pd.DataFrame):
        raise TypeError(
            f"{name} must be a DataFrame with the columns open, high, low and close, "
            f"got {type(bars).__name__}"
        )
    missing = [column for column in PRICES if column not in bars.columns]
    if missing:
        have = ", ".join(map(str, bars.columns)) or "none"
        lower = {column.lower() for column in bars.columns if isinstance(column, str)}
        hint = "; bars.rename(columns=str.lower) makes them" if lower.issuperset(missing) else ""
        raise ValueError(
            f"{name} must have the columns open, high, low and close; missing: "
            f"{', '.join(missing)}; got {have}{hint}"
        )
    if bars.columns.has_duplicates:
        twice = bars.columns[bars.columns.duplicated()].tolist()
        for column in (*PRICES, "contract"):
            if column in twice:
                raise ValueError(f"{name} must have each column once, got {column!r} twice")
    if len(bars) == 0:
        raise ValueError(f"{name} must hold at least one bar, got an empty frame")
    check_index(name, bars.index)
    table = np.zeros((len(PRICES) + 2, len(bars)), np.int64)
    most = _MOST_TICKS / contract._ticks_per_point
    values = np.stack([numbers(f"{name}[{column!r}]", bars[column]) for column in PRICES])
    # One look in the usual case: NaN is not above 0 either.
    if not (values.min() > 0 and values.max() < most):
        for column, own in zip(PRICES, values, strict=True):
            label, prices = f"{name}[{column!r}]", bars[column]
            refuse(~np.isfinite(own), f"{label} must be finite throughout", prices)
            refuse(own <= 0, f"{label} must be above 0", prices)
            refuse(own >= most, f"{label} must be below {most:g}", prices)
    try:
        table[: len(PRICES)] = contract._whole_ticks(name, values)
    except ValueError:  # once more, to name the column
        for column, own in zip(PRICES, values, strict=True):
            contract._whole_ticks(f"{name}[{column!r}]", own)
        raise
    opens, highs, lows, closes = table[: len(PRICES)]
    sound = (highs >= opens) & (highs >= closes) & (lows <= opens) & (lows <= closes)
    outside = ~(sound & (highs >= lows))
    if outside.any():
        at = first_where(outside)
        bar = ", ".join(f"{column} {bars[column].iat[at]:g}" for column in PRICES)
        raise ValueError(
            f"{name} must have its high and low around open and close, got {bar} "
            f"at {bars.index[at]} (row {at})"
        )
    return table.T


def add_rolls(table, names, bars: pd.DataFrame, roll_gap_points, contract: Contract) -> None:
    """Mark the bars that are the first of another contract, and the gap between the two."""
    name = names["roll_gap_points"]
    table[4] = len(bars)
    if "contract" not in bars.columns:
        if roll_gap_points is not None:
            raise ValueError(
                f"{name} must be None unless {names['bars']} has a column 'contract', got a value"
            )
        return
    codes, contract_names = pd.factorize(bars["contract"])
    if (codes < 0).any():
        at = first_where(codes < 0)
        raise ValueError(
            f"{names['bars']}['contract'] must name a contract in each row, "
            f"got {bars['contract'].iat[at]!r} at row {at}"
        )
    if len(contract_names) == 1 and roll_gap_points is None:
        return
    first = np.flatnonzero(codes[1:] != codes[:-1]) + 1
    table[4, : first[-1] + 1 if len(first) else 0] = np.repeat(first, np.diff(first + 1, prepend=0))
    # With no other price of the new contract than its own first one, the position is out of the
    # market from the old contract's last close to the new one's open.
    table[5, first] = table[0, first] - table[3, first - 1]
    if roll_gap_points is None:
        return
    if not isinstance(roll_gap_points, pd.Series):
        raise TypeError(
            f"{name} must be a Series of points, indexed by the first time of each new contract, "
            f"got {roll_gap_points!r}"
        )
    times = bars.index[first]
    unknown = times.difference(roll_gap_points.index)
    if len(unknown) or roll_gap_points.index.has_duplicates:
        got = f"none for {unknown[0]}" if len(unknown) else "one of them twice"
        raise ValueError(f"{name} must have one value for each change of contract, got {got}")
    values = numbers(name, roll_gap_points.loc[times])
    if not np.isfinite(values).all():
        at = first_where(~np.isfinite(values))
        raise ValueError(f"{name} must be finite, got {values[at]} at {times[at]}")
    table[5, first] = contract._whole_ticks(name, values)


def numbers(name: str, series: pd.Series) -> np.ndarray:
    if series.dtype == np.float64:
        return series.to_numpy()
    numeric = pd.api.types.is_numeric_dtype(series.dtype)
    if not numeric or pd.api.types.is_bool_dtype(series.dtype):
        raise TypeError(f"{name} must hold numbers, got dtype {series.dtype}")
    return series.to_numpy(dtype=float, na_value=np.nan)


def refuse(wrong: np.ndarray, accepted: str, series: pd.Series) -> None:
    if wrong.any():
        at = first_where(wrong)
        raise ValueError(f"{accepted}, got {series.iat[at]} at {series.index[at]} (row {at})")


def first_where(where) -> int:
    return int(np.argmax(where))
