"""The combinations of a grid, and whether the strategy takes them."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest import statistics


@dataclass(frozen=True)
class Combinations:
    """Settings by name: the values, and which of them each combination has."""

    names: list[str]
    values: dict[str, list]
    codes: dict[str, np.ndarray]
    count: int

    def settings(self, row: int) -> dict[str, Any]:
        return {name: self.values[name][self.codes[name][row]] for name in self.names}

    def column(self, name: str, rows: np.ndarray) -> pd.api.extensions.ExtensionArray:
        return as_given(self.values[name]).array.take(self.codes[name][rows])

    def kept(self, where: np.ndarray) -> Combinations:
        codes = {name: numbers[where] for name, numbers in self.codes.items()}
        return replace(self, codes=codes, count=int(where.sum()))


def as_given(values: list) -> pd.Series:
    """Settings as a column. Beside numbers, pandas would make NaN of None, and floats of ints."""
    return pd.Series(values, dtype=object if any(value is None for value in values) else None)


def combinations_of(grid, constraint) -> Combinations:
    found = _product(grid) if isinstance(grid, Mapping) else _listed(grid)
    if constraint is None:
        return found
    if not callable(constraint):
        raise TypeError(f"constraint must be a function of the settings, got {constraint!r}")
    kept = np.zeros(found.count, bool)
    columns = [[found.values[name][code] for code in found.codes[name]] for name in found.names]
    for row, values in enumerate(zip(*columns, strict=True)):
        answer = constraint(**dict(zip(found.names, values, strict=True)))
        if not isinstance(answer, (bool, np.bool_)):
            raise TypeError(f"constraint must return True or False, got {answer!r}")
        kept[row] = answer
    if not kept.any():
        raise ValueError(
            f"constraint must leave at least one combination, got False for all {found.count}"
        )
    return found.kept(kept)


def _product(grid: Mapping) -> Combinations:
    if not grid:
        raise ValueError("grid must name at least one setting, got an empty mapping")
    values = {name: setting_values("grid", name, given) for name, given in grid.items()}
    sizes = [len(options) for options in values.values()]
    count = math.prod(sizes)
    rows = np.arange(count)
    codes = {
        name: rows // math.prod(sizes[number + 1 :]) % sizes[number]
        for number, name in enumerate(values)
    }
    return Combinations(list(values), values, codes, count)


def setting_values(argument: str, name: str, given) -> list:
    """The values of one setting as a list of Python's own numbers and words."""
    if not isinstance(name, str):
        raise TypeError(f"{argument} must have names of settings as its keys, got {name!r}")
    if isinstance(given, np.ma.MaskedArray):
        raise TypeError(f"{argument}[{name!r}] must hold its values openly, got a masked array")
    if isinstance(given, (np.ndarray, pd.Series, pd.Index)):
        if given.ndim != 1:
            raise ValueError(
                f"{argument}[{name!r}] must have one dimension, got shape {given.shape}"
            )
        given = given.tolist()
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise TypeError(
            f"{argument}[{name!r}] must be a sequence of values such as [10, 20], got {given!r}"
        )
    if not len(given):
        raise ValueError(f"{argument}[{name!r}] must hold at least one value, got none")
    return list(given)


def _listed(grid) -> Combinations:
    accepted = "grid must be a mapping of names to values, or a list of mappings"
    if isinstance(grid, (str, bytes)) or not isinstance(grid, Sequence):
        raise TypeError(f"{accepted}, got {grid!r}")
    if not grid:
        raise ValueError(f"{accepted}, got an empty list")
    for combination in grid:
        if not isinstance(combination, Mapping):
            raise TypeError(f"{accepted}, got {combination!r} in the list")
        if set(combination) != set(grid[0]) or not combination:
            raise ValueError(
                f"{accepted} that all name the same settings, got {dict(grid[0])!r} and "
                f"{dict(combination)!r}"
            )
    names = list(grid[0])
    values = {name: [combination[name] for combination in grid] for name in names}
    codes = {name: np.arange(len(grid)) for name in names}
    return Combinations(names, values, codes, len(grid))


def takes_bars(strategy, of: str | None) -> bool:
    if of is not None:
        return checks.choice("of", of, ("close", "bars")) == "bars"
    parameters = parameters_of(strategy)
    return bool(parameters) and next(iter(parameters)) == "bars"


def parameters_of(strategy) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(strategy).parameters
    except ValueError:  # something built in that doesn't tell
        return None


def check_names(argument: str, strategy, names: Iterable[str]) -> None:
    """Refuse names that the strategy does not take, and settings that it needs and misses."""
    for name in names:
        if name in statistics.metric_names():
            raise ValueError(
                f"{argument} must name settings unlike any statistic of a backtest, got {name!r}"
            )
    parameters = parameters_of(strategy)
    if parameters is None:
        return
    settings = dict(itertools.islice(parameters.items(), 1, None))
    kinds = {parameter.kind for parameter in parameters.values()}
    called = getattr(strategy, "__name__", None) or type(strategy).__name__
    wild = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    takes = ", ".join(name for name, parameter in settings.items() if parameter.kind not in wild)
    for name in names:
        named = name in settings and settings[name].kind in (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        if not named and inspect.Parameter.VAR_KEYWORD not in kinds:
            raise ValueError(
                f"{argument} must name settings of {called}, which takes {takes or 'none'}; "
                f"got {name!r}"
            )
    for name, parameter in settings.items():
        needed = parameter.default is parameter.empty and parameter.kind not in wild
        if needed and name not in names:
            raise ValueError(
                f"{argument} must have values for every setting that {called} needs, "
                f"got none for {name!r}"
            )
