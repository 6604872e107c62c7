"""What a function gave, as plain data, and the first place where two of them differ."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

import numpy as np

_ROWS = 2  # shown before and after the first difference


def plain(value: Any) -> dict[str, Any]:
    """A result as data that JSON can hold: its kind, its values, its index as text."""
    import pandas as pd

    if isinstance(value, (bool, np.bool_)):
        return {"kind": "truth value", "values": [float(value)]}
    if isinstance(value, Real) and not isinstance(value, (bool, np.bool_)):
        return {"kind": "number", "values": [_as_float(value)]}
    if value is None:
        return {"kind": "None"}
    if isinstance(value, str):
        return {"kind": "text", "values": [value]}
    if isinstance(value, pd.Series):
        return {
            "kind": "Series",
            "values": _flat(value),
            "index": [str(key) for key in value.index],
        }
    if isinstance(value, pd.DataFrame):
        return {
            "kind": "DataFrame",
            "columns": [str(name) for name in value.columns],
            "index": [str(key) for key in value.index],
            "values": [entry for name in range(value.shape[1]) for entry in
                       _flat(value.iloc[:, name])],
        }  # fmt: skip
    if isinstance(value, np.ndarray) and value.ndim == 0:
        return plain(value.item())
    if isinstance(value, np.ndarray) and value.ndim == 1:
        return {"kind": "array", "values": _flat(value)}
    if isinstance(value, (list, tuple)):
        parts = [plain(part) for part in value]
        if all(part["kind"] in ("number", "truth value", "text", "None") for part in parts):
            return {"kind": "list", "values": [part.get("values", [None])[0] for part in parts]}
        return {"kind": "list of others", "parts": parts}
    if isinstance(value, pd.Timestamp):
        return {"kind": "text", "values": [str(value)]}
    return {"kind": type(value).__name__}


def _flat(values) -> list:
    return [
        float(value) if isinstance(value, (Real, np.bool_)) else None if _missing(value)
        else str(value) for value in np.asarray(values, dtype=object).tolist()
    ]  # fmt: skip


def _missing(value) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType")


def _as_float(value) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_ONE_ROW = {"Series", "array", "list"}


def difference(found: dict, expected: dict, tolerance: float) -> tuple[str, int | None] | None:
    """Where two results first differ: what to say and, for rows, the place; None for the same."""
    kind, wanted = found["kind"], expected["kind"]
    if kind == "error" or wanted == "error":
        same = kind == wanted and found["type"] == expected["type"]
        return None if same else ("it stops with an error", None)
    if kind != wanted and not {kind, wanted} <= _ONE_ROW:
        hint = ": is a `return` missing?" if kind == "None" else ""
        return f"it gives {with_article(kind)} where {with_article(wanted)} belongs{hint}", None
    if wanted == "list of others":
        return _difference_of_parts(found, expected, tolerance)
    if "values" not in expected:
        return None
    if kind == "DataFrame" and found["columns"] != expected["columns"]:
        return f"its columns are {found['columns']} where {expected['columns']} belong", None
    left, right = found["values"], expected["values"]
    if len(left) != len(right):
        return f"it gives {len(left)} values where {len(right)} belong", None
    if "index" in found and "index" in expected and found["index"] != expected["index"]:
        return "its index is another one: keep the index of what was given", None
    for place, (mine, theirs) in enumerate(zip(left, right, strict=True)):
        if not _same(mine, theirs, tolerance):
            return f"it gives {_shown(mine)} where {_shown(theirs)} is right", place
    if wanted == "Series" != kind:
        return (
            f"the values are right, but they come as {with_article(kind)}. Give a Series with the "
            "index of what was given: pd.Series(values, index=...)"
        ), None
    return None


def with_article(kind: str) -> str:
    """ "a Series", "an array", "None"."""
    if kind == "None":
        return kind
    return f"an {kind}" if kind[0].lower() in "aeiou" else f"a {kind}"


def _difference_of_parts(found: dict, expected: dict, tolerance: float):
    if len(found["parts"]) != len(expected["parts"]):
        return f"it gives {len(found['parts'])} parts, not {len(expected['parts'])}", None
    for mine, theirs in zip(found["parts"], expected["parts"], strict=True):
        if apart := difference(mine, theirs, tolerance):
            return apart[0], None
    return None


def _same(mine, theirs, tolerance: float) -> bool:
    if isinstance(mine, float) and isinstance(theirs, float):
        if math.isnan(mine) or math.isnan(theirs):
            return math.isnan(mine) and math.isnan(theirs)
        return mine == theirs or abs(mine - theirs) <= tolerance * max(1.0, abs(theirs))
    # A missing value is nan in a column of numbers and None among texts.
    nothing = [value is None or (isinstance(value, float) and math.isnan(value)) for value in
               (mine, theirs)]  # fmt: skip
    return all(nothing) or (not any(nothing) and mine == theirs)


def table(found: dict, expected: dict, place: int, given: Any = None) -> str:
    """The rows around the first difference: what was given, what came, what is right."""
    rows = len(expected.get("index", expected["values"]))
    row = place % rows
    column = place // rows
    keys = expected.get("index") or found.get("index") or [str(number) for number in range(rows)]
    chosen = range(max(0, row - _ROWS), min(rows, row + _ROWS + 1))
    heads, columns = ["", "yours", "right", ""], []
    dates = all(" 00:00:00" in key for key in keys)
    columns.append([keys[number].split(" ")[0] if dates else keys[number] for number in chosen])
    for outcome in (found, expected):
        start = column * rows
        columns.append([_shown(outcome["values"][start + number]) for number in chosen])
    columns.append(["<-" if number == row else "" for number in chosen])
    if hasattr(given, "iloc") and getattr(given, "ndim", 0) == 1 and len(given) == rows:
        heads.insert(1, str(given.name or "given"))
        columns.insert(1, [_shown(_flat(given.iloc[[number]])[0]) for number in chosen])
    widths = [max(len(head), *map(len, cells)) for head, cells in zip(heads, columns, strict=True)]
    lines = [heads, *zip(*columns, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _shown(value) -> str:
    if value is None:
        return "nothing"
    return f"{value + 0.0:,.10g}" if isinstance(value, float) else repr(value)
