"""Answers on their way out of a sandbox: as plain JSON, and back as what a checker would see.

Reading them runs no code of the learner. What a checker never looks into, such as the rows of a
table, does not travel.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import math
from numbers import Real
from typing import Any

import numpy as np

TEXT, PARTS, DEPTH = 2_000, 20, 3
ARRAY = 10_000  # a checker says how many values came; beyond this many it says it differently


class Shown:
    """Something that a checker can only show: it has the text that the original had."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def _a_function(*arguments):
    """Stands for any function or class that was handed in where a value was asked for."""


def encode(value: Any, depth: int = 0) -> dict[str, Any]:
    """An answer as JSON; whatever it is, and however it behaves, this comes to an end."""
    try:
        return _encode(value, depth)
    # An object of the learner's own may raise anything when it is looked at.
    except Exception as error:
        return {"kind": "shown", "text": f"<{type(value).__name__}: {type(error).__name__}>"}


def _encode(value: Any, depth: int) -> dict[str, Any]:
    if value is None or value is ...:
        return {"kind": "None" if value is None else "dots"}
    if type(value) in (bool, np.bool_):
        return {"kind": "truth", "value": bool(value)}
    if type(value) is int and abs(value) >= 2**1000:
        return {"kind": "huge"}
    if type(value) in (int, str):
        cut = value[:TEXT] if isinstance(value, str) else value
        return {"kind": "plain", "value": cut}
    if type(value) in (list, tuple):
        if len(value) > PARTS or depth >= DEPTH:
            return {"kind": type(value).__name__, "size": len(value)}
        parts = [encode(part, depth + 1) for part in value]
        return {"kind": type(value).__name__, "parts": parts}
    if isinstance(value, (dict, set, frozenset)):
        return {"kind": "dict" if isinstance(value, dict) else "set"}
    if isinstance(value, (dt.timedelta, np.timedelta64)):
        return {"kind": "time"}
    if isinstance(value, (complex, np.complexfloating)) and not isinstance(value, Real):
        return {"kind": "complex", "value": [repr(value.real), repr(value.imag)]}
    if hasattr(value, "iloc") or (isinstance(value, np.ndarray) and value.ndim):
        return _encode_array(value)
    if callable(value):
        return {"kind": "function"}
    if isinstance(value, np.ndarray):
        return encode(value.item(), depth)
    shown = repr(value)[:TEXT]
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        return {"kind": "number", "value": repr(float(value)), "text": shown}
    return {"kind": "shown", "text": shown}


def _encode_array(value: Any) -> dict[str, Any]:
    kind = type(value).__name__
    kind = kind if kind in ("Series", "DataFrame", "ndarray") else "Series"
    found: dict[str, Any] = {"kind": kind, "size": int(np.size(value))}
    if found["size"] == 1:
        found["parts"] = [encode(np.asarray(value, dtype=object).ravel()[0], DEPTH)]
    return found


def decode(found: Any) -> Any:
    """What a checker gets to see.

    Raises
    ------
    ValueError, TypeError, KeyError, OverflowError, RecursionError
        It is not what `encode` gives: somebody wrote it by hand.
    """
    kind = found["kind"]
    if kind in _ALONE:
        return _ALONE[kind]
    if kind == "truth":
        return bool(found["value"])
    if kind == "plain":
        value = found["value"]
        if type(value) not in (int, str):
            raise ValueError(f"a plain value must be a number or a text, got {type(value)}")
        return value[:TEXT] if isinstance(value, str) else value
    if kind == "number":
        return float(found["value"])
    if kind == "complex":
        real, imaginary = found["value"]
        return complex(float(real), float(imaginary))
    if kind == "shown":
        return Shown(str(found["text"])[:TEXT])
    if kind in ("list", "tuple"):
        parts = [decode(part) for part in found["parts"]] if "parts" in found else _zeros(found)
        return tuple(parts) if kind == "tuple" else list(parts)
    if kind in ("Series", "DataFrame", "ndarray"):
        return _decode_array(kind, found)
    raise ValueError(f"unknown kind {str(kind)[:40]!r}")


_ALONE = {
    "None": None,
    "dots": ...,
    "huge": 10**400,
    "dict": {},
    "set": set(),
    "time": dt.timedelta(0),
    "function": _a_function,
}


def _zeros(found: dict) -> list[float]:
    size = int(found["size"])
    if not 0 <= size <= ARRAY:
        raise ValueError(f"{size:,} values")
    return [0.0] * size


def _decode_array(kind: str, found: dict) -> Any:
    import pandas as pd

    size = int(found["size"])
    if size > ARRAY:
        return Shown(f"{'an array' if kind == 'ndarray' else f'a {kind}'} of {size:,} values")
    parts = [decode(part) for part in found["parts"][:1]] if "parts" in found else _zeros(found)
    array = np.empty(len(parts), dtype=object)
    array[:] = parts
    if kind == "ndarray":
        return array
    return pd.Series(array, dtype=object) if kind == "Series" else pd.DataFrame({0: array})


def shown(found: Any) -> str:
    """An answer in a line, for a page; empty where it can't be read."""
    try:
        value = decode(found)
    except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return ""
    kind = found["kind"]
    if kind in ("Series", "DataFrame", "ndarray", "list", "tuple") and "parts" not in found:
        return f"{kind} of {int(found['size']):,} values"
    alone = {"dots": "...", "huge": "a huge number", "time": "a length of time"}
    text = alone.get(kind) or (kind if kind in _ALONE else repr(value))
    if kind == "number" and math.isfinite(value):
        text = f"{value:.10g}"
    return text if len(text) <= 200 else f"{text[:197]}..."
