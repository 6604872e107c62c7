"""Which settings come next: a plan, chance, or the results so far (TPE)."""

from __future__ import annotations

import contextlib
import math
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from types import ModuleType

from m2k_lessons.search.space import is_allowed, settings_at

_MOST_REFUSED = 10_000  # draws in a row that a constraint may refuse


class FixedSampler:
    """Settings that follow from a trial's number alone."""

    def __init__(self, pick: Callable[[int], dict[str, int]], made: int) -> None:
        self.pick, self.made = pick, made

    def draw(self, count: int) -> list[tuple[dict[str, int], bool]]:
        """Places of the next trials, and whether the constraint allows them."""
        numbers = range(self.made, self.made + count)
        self.made += count
        return [(self.pick(number), True) for number in numbers]

    def tell(self, values: list[float]) -> None:
        """Take the results of the trials that were drawn and allowed."""


class TpeSampler:
    """Settings that follow from a trial's number and the results before it, by optuna's TPE."""

    def __init__(self, seed: int, ranges: dict[str, list], constraint, value: str, known) -> None:
        from optuna.distributions import CategoricalDistribution, IntDistribution
        from optuna.trial import create_trial

        self.seed, self.ranges, self.constraint = seed, ranges, constraint
        # Numbers are neighbours of the next ones; words are not.
        self.kinds = {
            name: IntDistribution(0, len(values) - 1)
            if all(isinstance(one, (int, float)) for one in values)
            else CategoricalDistribution(list(range(len(values))))
            for name, values in ranges.items()
        }
        with _quiet_optuna() as optuna:
            self.study = optuna.create_study(direction="maximize")
            for one in known:
                state, result = _outcome(one.figures and one.figures[value])
                self.study.add_trial(
                    create_trial(
                        state=state, value=result, params=one.places, distributions=self.kinds
                    )
                )

    def draw(self, count: int) -> list[tuple[dict[str, int], bool]]:
        drawn, refused = [], 0
        self.open = []
        with _quiet_optuna() as optuna:
            while len(self.open) < count:
                number = len(self.study.get_trials(deepcopy=False))
                own_seed = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
                self.study.sampler = optuna.samplers.TPESampler(
                    seed=int(own_seed), multivariate=True, constant_liar=True
                )
                trial = self.study.ask(self.kinds)
                allowed = is_allowed(self.constraint, settings_at(self.ranges, trial.params))
                drawn.append((trial.params, allowed))
                if allowed:
                    self.open.append(trial)
                    refused = 0
                    continue
                self.study.tell(trial, state=_outcome(None)[0])
                refused += 1
                if refused == _MOST_REFUSED:
                    raise ValueError(_refused_too_often())
        return drawn

    def tell(self, values: list[float]) -> None:
        with _quiet_optuna():
            for trial, value in zip(self.open, values, strict=True):
                state, result = _outcome(value)
                self.study.tell(trial, result, state)


def _outcome(value: float | None) -> tuple:
    """What optuna is told of a trial: refused, run without a value, or its value."""
    from optuna.trial import TrialState

    if value is None:
        return TrialState.PRUNED, None  # among the worst, to TPE
    return (TrialState.FAIL, None) if math.isnan(value) else (TrialState.COMPLETE, value)


@contextlib.contextmanager
def _quiet_optuna() -> Iterator[ModuleType]:
    """Without reports of every trial, and without warnings that some of it is new."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield optuna
    finally:
        optuna.logging.set_verbosity(before)


def settings_at_random(
    seed: int, ranges: dict[str, list], constraint, number: int
) -> dict[str, int]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    for _ in range(_MOST_REFUSED):
        places = {name: int(rng.integers(len(one))) for name, one in ranges.items()}
        if is_allowed(constraint, settings_at(ranges, places)):
            return places
    raise ValueError(_refused_too_often())


def _refused_too_often() -> str:
    return (
        "constraint must let a combination through now and then, got False "
        f"{_MOST_REFUSED:,} times in a row"
    )
