"""Dated facts: margins, fees, hours, limits, index figures, each with unit and source.

They live in `facts.toml`; nothing else in the project repeats them as literals.
"""

from __future__ import annotations

import datetime as dt
import difflib
import functools
import tomllib
from importlib import resources
from typing import Any, NamedTuple

from m2k_lessons._util import checks


class Fact(NamedTuple):
    """One dated fact.

    `value` is in `unit`; it held, or was checked, on `as_of`. `confidence` is "A" (exchange,
    regulator or raw data seen), "B" (several secondary sources agree, or recomputed) or
    "C" (one secondary source, or an assumption of this course that its source line names).
    """

    value: Any
    unit: str
    source: str
    as_of: dt.date
    confidence: str


def fact(key: str, on: str | dt.date | None = None) -> Fact:
    """Look up a dated fact.

    Parameters
    ----------
    key : str
        Such as ``"margin.initial.M2K"``; `keys()` lists them all.
    on : date, optional
        Which day's value: the newest one not after `on`. The newest of all when omitted.

    Returns
    -------
    Fact
        `value, unit, source, as_of, confidence`.

    Raises
    ------
    ValueError
        Unknown key (the nearest ones are named), or no value known as early as `on`.

    Examples
    --------
    >>> fact("margin.initial.M2K", on="2020-04-01").value
    781
    """
    if not isinstance(key, str):
        raise TypeError(f"key must be a name such as 'margin.initial.M2K', got {key!r}")
    table = _table()
    if key not in table:
        near = difflib.get_close_matches(key, table, n=3, cutoff=0.4)
        hint = f"nearest: {', '.join(near)}" if near else "facts.keys() lists them"
        raise ValueError(f"key must be one of the keys in facts.toml, got {key!r}; {hint}")
    history = table[key]
    if on is None:
        return history[-1]
    day = checks.date("on", on)
    known = [entry for entry in history if entry.as_of <= day]
    if not known:
        raise ValueError(
            f"on must be {history[0].as_of} or later for {key!r} (nothing older is known), "
            f"got {day}"
        )
    return known[-1]


def history(key: str) -> tuple[Fact, ...]:
    """All dated entries of one fact, oldest first.

    >>> [entry.value for entry in history("margin.initial.M2K")][:2]
    [391, 781]
    """
    fact(key)
    return _table()[key]


def keys() -> tuple[str, ...]:
    """Every key of `facts.toml`, in the file's order.

    >>> "margin.initial.M2K" in keys()
    True
    """
    return tuple(_table())


@functools.cache
def _table() -> dict[str, tuple[Fact, ...]]:
    text = resources.files("m2k_lessons").joinpath("facts.toml").read_text(encoding="utf-8")
    table = {}
    for key, entry in tomllib.loads(text).items():
        dated = (Fact(unit=entry["unit"], **each) for each in entry["entries"])
        table[key] = tuple(sorted(dated, key=lambda each: each.as_of))
    return table
