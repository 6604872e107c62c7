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


def ranges_of(space) -> dict[str, list]:
    if not isinstance(space, Mapping) or not space:
        raise TypeError(
            "space must be a mapping of settings to their values, such as "
            f"{{'fast': range(5, 51)}}, got {space!r}"
        )
    return {name: setting_values("space", name, given) for name, given in space.items()}


def full_grid(ranges: dict[str, list], constraint) -> list[dict[str, int]]:
    """Positions in the ranges, combination by combination, the last setting varying fastest."""
    count = math.prod(len(values) for values in ranges.values())
    if count > _MOST_COMBINATIONS:
        raise ValueError(
            f"space must have at most {_MOST_COMBINATIONS:,} combinations for a grid, got "
            f"{count:,}; take fewer values, or another method"
        )
    plan = [
        dict(zip(ranges, codes, strict=True))
        for codes in itertools.product(*(range(len(values)) for values in ranges.values()))
    ]
    plan = [codes for codes in plan if is_allowed(constraint, settings_at(ranges, codes))]
    if not plan:
        raise ValueError(f"constraint must leave at least one combination of {count:,}, got none")
    return plan


def settings_at(ranges: dict[str, list], codes: Mapping[str, int]) -> dict[str, Any]:
    return {name: values[codes[name]] for name, values in ranges.items()}


def is_allowed(constraint, settings: dict[str, Any]) -> bool:
    if constraint is None:
        return True
    answer = constraint(**settings)
    if not isinstance(answer, (bool, np.bool_)):
        raise TypeError(f"constraint must return True or False, got {answer!r}")
    return bool(answer)


def trial_budget(trials, plan) -> int:
    if plan is None:
        if trials is None:
            raise TypeError("trials must be a whole number with this method, got None")
        return checks.whole("trials", trials, at_least=1)
    if trials is not None and checks.whole("trials", trials, at_least=1) != len(plan):
        raise ValueError(
            f"trials must be the number of combinations with a grid, {len(plan)}, got {trials}"
        )
    return len(plan)


@dataclass(frozen=True)
class Trial:
    """Places in the ranges; figures, or None where the constraint refused them and none was run."""

    places: dict[str, int]
    figures: dict[str, float] | None
