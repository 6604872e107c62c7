"""The settings that a search may try, and what a trial is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.sweep.grid import setting_values

_MOST_COMBINATIONS = 1_000_000  # of a grid
_MOST_COUNTED = 20_000  # before a random search: a constraint takes its time


def ranges_of(space) -> dict[str, list]:
    if not isinstance(space, Mapping) or not space:
        raise TypeError(
            "space must be a mapping of settings to their values, such as "
            f"{{'fast': range(5, 51)}}, got {space!r}"
        )
    return {name: setting_values("space", name, given) for name, given in space.items()}


def full_grid(ranges: dict[str, list], constraint) -> list[dict[str, int]]:
    """Indices in the ranges, combination by combination, the last setting varying fastest."""
    count = combinations(ranges)
    if count > _MOST_COMBINATIONS:
        raise ValueError(
            f"space must have at most {_MOST_COMBINATIONS:,} combinations for a grid, got "
            f"{count:,}; take fewer values, or another method"
        )
    plan = [
        dict(zip(ranges, indices, strict=True))
        for indices in itertools.product(*(range(len(values)) for values in ranges.values()))
    ]
    plan = [indices for indices in plan if is_allowed(constraint, settings_at(ranges, indices))]
    if not plan:
        raise ValueError(f"constraint must leave at least one combination of {count:,}, got none")
    return plan


def combinations(ranges: dict[str, list]) -> int:
    return math.prod(len(values) for values in ranges.values())


def settings_at(ranges: dict[str, list], indices: Mapping[str, int]) -> dict[str, Any]:
    return {name: values[indices[name]] for name, values in ranges.items()}


def is_allowed(constraint, settings: dict[str, Any]) -> bool:
    if constraint is None:
        return True
    answer = constraint(**settings)
    if not isinstance(answer, (bool, np.bool_)):
        raise TypeError(f"constraint must return True or False, got {answer!r}")
    return bool(answer)


def trial_budget(trials, method: str, ranges: dict[str, list], constraint, plan) -> int:
    """How many trials to make, none of a combination twice with "grid" and "random"."""
    if trials is None and plan is not None:
        return len(plan)
    if trials is None:
        raise TypeError("trials must be a whole number with this method, got None")
    trials = checks.whole("trials", trials, at_least=1)
    if plan is not None and trials != len(plan):
        raise ValueError(
            f"trials must be the number of combinations with a grid, {len(plan)}, got {trials}"
        )
    if method == "random":
        count = combinations(ranges)
        if count <= _MOST_COUNTED:
            count = len(full_grid(ranges, constraint))
        if trials > count:
            raise ValueError(
                f"trials must be at most the number of combinations, {count}, because each is "
                f"tried once, got {trials}; method='grid' tries all of them"
            )
    return trials


@dataclass(frozen=True)
class Trial:
    """Indices in the ranges; metrics, or None where the constraint refused it and nothing ran."""

    indices: dict[str, int]
    metrics: dict[str, float] | None
