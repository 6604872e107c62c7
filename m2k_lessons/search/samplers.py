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

from m2k_lessons.search.space import Trial, is_allowed, settings_at

_MOST_REFUSED = 10_000  # draws in a row that a constraint may refuse


class FixedSampler:
    """Settings that follow from a trial's number and the settings before it, not from results."""

    def __init__(self, pick: Callable[[int, set], dict[str, int]], known: list[Trial]) -> None:
        self.pick, self.made = pick, len(known)
        self.tried = {tuple(trial.indices.values()) for trial in known}

    def draw(self, count: int) -> list[tuple[dict[str, int], bool]]:
        """Indices of the next trials, and whether the constraint allows them."""
        drawn = []
        for number in range(self.made, self.made + count):
            indices = self.pick(number, self.tried)
            self.tried.add(tuple(indices.values()))
            drawn.append((indices, True))
        self.made += count
        return drawn

    def tell(self, values: list[float]) -> None:
        """Take the results of the trials that were drawn and allowed."""


class TpeSampler:
    """Settings that follow from a trial's number and the results before it, by optuna's TPE.

    Trials are drawn in batches of `block`, whose results are all unknown while it is drawn. So
    that a longer search is the one that ran through, a batch that `known` ends in is drawn again.
    """

    def __init__(
        self,
        seed: int,
        ranges: dict[str, list],
        constraint,
        objective: str,
        known: list[Trial],
        block: int,
    ) -> None:
        from optuna.distributions import CategoricalDistribution, IntDistribution
        from optuna.trial import create_trial

        self.seed, self.ranges, self.constraint = seed, ranges, constraint
        # Numbers are neighbours of the next ones; words are not.
        self.kinds = {
            name: IntDistribution(0, len(values) - 1)
            if all(isinstance(value, (int, float)) for value in values)
            else CategoricalDistribution(list(range(len(values))))
            for name, values in ranges.items()
        }
        allowed = [number for number, trial in enumerate(known) if trial.metrics is not None]
        whole = len(allowed) - len(allowed) % block
        begin = allowed[whole - 1] + 1 if whole else 0
        self.open: list = []  # trials drawn and not told
        self.again: list[float] = []  # results of those that were known
        with _quiet_optuna() as optuna:
            self.study = optuna.create_study(direction="maximize")
            for trial in known[:begin]:
                state, result = _outcome(trial.metrics and trial.metrics[objective])  # type: ignore[arg-type]
                self.study.add_trial(
                    create_trial(
                        state=state,
                        value=result,
                        params=trial.indices,
                        distributions=self.kinds,  # type: ignore[arg-type]
                    )
                )
            for trial in known[begin:]:
                indices, is_open = self._draw_one()
                if indices != trial.indices:
                    raise ValueError(
                        "storage must hold trials that optuna draws again, got trial "
                        f"{len(self.study.trials) - 1} with other settings: it was made by another "
                        "version; take a new file"
                    )
                if is_open and trial.metrics is not None:
                    self.again.append(trial.metrics[objective])

    def draw(self, count: int) -> list[tuple[dict[str, int], bool]]:
        drawn, refused, found = [], 0, 0
        with _quiet_optuna():
            while found < count:
                drawn.append(self._draw_one())
                found += drawn[-1][1]
                refused = 0 if drawn[-1][1] else refused + 1
                if refused == _MOST_REFUSED:
                    raise ValueError(_refused_too_often())
        return drawn

    def _draw_one(self) -> tuple[dict[str, int], bool]:
        import optuna

        number = len(self.study.get_trials(deepcopy=False))
        own_seed = np.random.SeedSequence([self.seed, number]).generate_state(1)[0]
        self.study.sampler = optuna.samplers.TPESampler(
            seed=int(own_seed), multivariate=True, constant_liar=True
        )
        trial = self.study.ask(self.kinds)
        allowed = is_allowed(self.constraint, settings_at(self.ranges, trial.params))
        if allowed:
            self.open.append(trial)
        else:
            self.study.tell(trial, state=_outcome(None)[0])
        return trial.params, allowed

    def tell(self, values: list[float]) -> None:
        with _quiet_optuna():
            for trial, value in zip(self.open, [*self.again, *values], strict=True):
                state, result = _outcome(value)
                self.study.tell(trial, result, state)
        self.open, self.again = [], []


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
    seed: int, ranges: dict[str, list], constraint, number: int, tried: set
) -> dict[str, int]:
    """A combination that was not tried before: to try one twice would count it twice."""
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    refused = 0
    while refused < _MOST_REFUSED:
        indices = {name: int(rng.integers(len(values))) for name, values in ranges.items()}
        if tuple(indices.values()) in tried:
            continue
        if is_allowed(constraint, settings_at(ranges, indices)):
            return indices
        refused += 1
    raise ValueError(_refused_too_often())


def _refused_too_often() -> str:
    return (
        "constraint must let a combination through now and then, got False "
        f"{_MOST_REFUSED:,} times in a row"
    )
