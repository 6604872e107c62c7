"""Search the settings of a strategy, and count every trial."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import backtest
from m2k_lessons import sweep as sweeps
from m2k_lessons._util import checks
from m2k_lessons.backtest import statistics
from m2k_lessons.backtest.account import Account, takes_account
from m2k_lessons.evidence.result import tried
from m2k_lessons.evidence.returns import run_settings, strategy_returns
from m2k_lessons.evidence.sharpe import DeflatedSharpe, deflated_sharpe
from m2k_lessons.search.samplers import FixedSampler, TpeSampler, settings_at_random
from m2k_lessons.search.space import Trial, full_grid, ranges_of, settings_at, trial_budget
from m2k_lessons.search.storage import TrialLog
from m2k_lessons.sweep.grid import as_given, check_names, takes_bars

METHODS = ("grid", "random", "tpe")
_TASKS_PER_JOB = 8


@dataclass(frozen=True, repr=False, eq=False)
class Search:
    """What a search did, trial by trial.

    Attributes
    ----------
    method, objective : str
        How settings were chosen, and which metric was to be as large as possible.
    log : DataFrame
        One row per trial, in the order of its index ``trial``: settings, and metrics under their
        names in `backtest.Result.stats`, as from `sweep.sweep`.
    """

    method: str
    objective: str
    log: pd.DataFrame
    _strategy: Callable = field(repr=False)
    _bars: pd.DataFrame = field(repr=False)
    _of_bars: bool = field(repr=False)
    _account: dict[str, Any] = field(repr=False)
    _per_year: int = field(repr=False)

    @property
    def trials(self) -> int:
        """How many settings were tried: what `evidence` asks for."""
        return len(self.log)

    @property
    def best(self) -> pd.Series:
        """The row of the log with the largest objective; of several, the first."""
        values = self.log[self.objective]
        if values.isna().all():
            raise ValueError(f"no trial has a {self.objective}, so none is the best")
        return self.log.loc[values.idxmax()]

    @property
    def best_settings(self) -> dict[str, Any]:
        """Settings of the best trial, to call the strategy with."""
        return self._settings_of(self.best.name)

    def best_result(self) -> backtest.Result:
        """Backtest the best trial once more, for its trades and its equity."""
        return self._run(self.best_settings)

    def returns(self) -> pd.DataFrame:
        """Returns of all trials, one column each: what `reality_check` and others take.

        Every trial is backtested once more.
        """
        columns = {
            trial: strategy_returns(self._run(self._settings_of(trial))) for trial in self.log.index
        }
        return pd.DataFrame(columns).rename_axis(columns="trial")

    def deflated_sharpe(self, level: float = 0.05) -> DeflatedSharpe:
        """The deflated Sharpe ratio of the best trial, all trials counted.

        A trial that never traded has no Sharpe ratio; it counts as one of 0.
        """
        return deflated_sharpe(
            strategy_returns(self.best_result()),
            trials=_no_trade_is_zero(self.log["Sharpe Ratio"], self.log["# Trades"]),
            periods_per_year=self._per_year,
            level=level,
        )

    def _settings_of(self, trial) -> dict[str, Any]:
        found = {name: self.log.at[trial, name] for name in self.log.attrs["settings"]}
        return {
            name: value.item() if isinstance(value, np.generic) else value
            for name, value in found.items()
        }

    def _run(self, settings: dict[str, Any]) -> backtest.Result:
        return run_settings(self._strategy, settings, self._bars, self._of_bars, self._account)

    def __str__(self) -> str:
        made = f"Search ({self.method}): {tried(self.trials)}"
        if self.log[self.objective].isna().all():
            return f"{made}, none with a {self.objective}"
        settings = ", ".join(f"{name}={value}" for name, value in self.best_settings.items())
        return (
            f"{made}; best {self.objective} {self.best[self.objective]:.4g} with {settings}\n"
            f"The best of {self.trials:,} is worth less than it looks: see deflated_sharpe()."
        )

    def __repr__(self) -> str:
        return str(self)


@takes_account
def search(
    strategy: Callable[..., pd.Series],
    space: Mapping[str, Any],
    method: str = "random",
    *,
    bars: pd.DataFrame,
    trials: int | None = None,
    objective: str = "Sharpe Ratio",
    constraint: Callable[..., bool] | None = None,
    of: str | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    storage=None,
    account: Account,
) -> Search:
    """Look for good settings of a strategy, and write down every trial.

    Parameters
    ----------
    strategy : function
        As in `sweep.sweep`.
    space : mapping of str to sequence
        Values that each setting may take, such as `{"fast": range(5, 51), "slow": [100, 200]}`.
        Numbers in order help "tpe" to tell neighbours.
    method : {"grid", "random", "tpe"}
        Every combination; combinations drawn at random; or drawn where earlier trials went well
        (tree-structured Parzen estimator, from optuna).
    bars : DataFrame
        As in `backtest.run`.
    trials : int
        How many to make, 1 or more. For "grid" it may be left out; if given, it must be the
        number of combinations, and for "random" at most that: none is tried twice.
    objective : str
        Metric to make as large as possible, a column of `sweep.sweep`.
    constraint : function, optional
        Takes the settings by name and returns whether they make sense; others are drawn again,
        and are no trial, because nothing is learned from them.
    of : {"close", "bars"}, optional
        As in `sweep.sweep`.
    seed : int
        The same seed and `n_jobs` give the same trials on one machine; with "grid" and "random"
        whatever `n_jobs` is.
    n_jobs : int
        Backtests at a time, as joblib counts them. With "tpe" it is also how many trials are
        drawn before the next look at results.
    storage : path, optional
        SQLite file that the trials are written to. The same call continues what a crash or
        Ctrl-C interrupted, and with a larger `trials` what was finished: either way the trials
        are those of a search that ran through. It tells a strategy by its name: after a change
        in what it does, take a new file.
    {account}

    Returns
    -------
    Search
        With the `log` of all trials; its `deflated_sharpe()` counts them.

    Raises
    ------
    ValueError, TypeError
        As `sweep.sweep`; an unknown method or objective; a storage that holds another search or
        that a search is using now.

    Notes
    -----
    Bergstra, Bardenet, Bengio and Kégl (2011), "Algorithms for hyper-parameter optimization".
    `joblib.parallel_config(backend="dask")` around the call spreads it over a cluster. A trial
    without an objective (a Sharpe ratio without a trade) stays in the log, with NaN.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> space = {"fast": range(5, 30), "slow": range(30, 90)}
    >>> found = search(strategies.trend_following, space, bars=bars, trials=12, commission_usd=1)
    >>> found.trials, found.deflated_sharpe().trials
    (12, 12)
    """
    import joblib

    if not callable(strategy):
        raise TypeError(f"strategy must be a function, got {strategy!r}")
    checks.choice("method", method, METHODS)
    ranges = ranges_of(space)
    check_names("space", strategy, list(ranges))
    checks.choice("objective", objective, statistics.metric_names())
    if constraint is not None and not callable(constraint):
        raise TypeError(f"constraint must be a function of the settings, got {constraint!r}")
    seed = checks.whole("seed", seed, at_least=0)
    n_jobs = checks.whole("n_jobs", n_jobs)
    if n_jobs == 0:
        raise ValueError("n_jobs must be a whole number other than 0, got 0")
    plan = full_grid(ranges, constraint) if method == "grid" else None
    trials = trial_budget(trials, method, ranges, constraint, plan)
    terms = account.keywords()
    ready = sweeps.prepare(bars, **terms)
    of_bars = takes_bars(strategy, of)
    job = _Job(ready, strategy, "bars" if of_bars else "close", ranges)
    block = 1 if n_jobs == 1 else joblib.effective_n_jobs(n_jobs)
    if method != "tpe" and n_jobs != 1:
        block *= _TASKS_PER_JOB  # these needn't wait for each other's results
    # What TPE draws depends on how many results it waits for at a time.
    batch = {"n_jobs": str(block)} if method == "tpe" else {}
    description = _description(job, method, seed, objective, constraint, bars, terms) | batch
    with contextlib.closing(TrialLog(_path(storage), description)) as file:
        known = file.trials()
        if method == "tpe":
            source = TpeSampler(seed, ranges, constraint, objective, known, block)
        elif method == "random":
            pick = functools.partial(settings_at_random, seed, ranges, constraint)
            source = FixedSampler(pick, known)
        else:
            source = FixedSampler(lambda number, tried: plan[number], known)
        kept = _make_trials(source, file, known, trials, n_jobs, block, objective, job)
    log = _log(kept, ranges, bars)
    per_year = ready._periods.per_year
    return Search(method, objective, log, strategy, bars, of_bars, terms, per_year)


def _no_trade_is_zero(ratios: pd.Series, trades: pd.Series) -> pd.Series:
    return ratios.where(ratios.notna() | (trades > 0), 0.0)


def _path(storage) -> Path | None:
    if storage is None:
        return None
    if not isinstance(storage, (str, os.PathLike)):
        raise TypeError(f"storage must be the path of a SQLite file, got {storage!r}")
    path = Path(storage)
    if not path.absolute().parent.is_dir():
        raise ValueError(f"storage must be in a folder that exists, got {str(storage)!r}")
    return path


def _description(job: _Job, method, seed, objective, constraint, bars, terms) -> dict[str, str]:
    """What makes a search the same one, by the names that a refusal tells."""
    hashed = pd.util.hash_pandas_object(bars).to_numpy().tobytes()
    return {
        "strategy": _named(job.strategy),
        "of": job.of,
        "method": method,
        "space": json.dumps({name: list(map(repr, values)) for name, values in job.ranges.items()}),
        "constraint": "None" if constraint is None else _named(constraint),
        "seed": str(seed),
        "objective": objective,
        "bars": hashlib.sha256(hashed + repr(list(bars.columns)).encode()).hexdigest(),
        "account": json.dumps({name: _fingerprint(terms[name]) for name in sorted(terms)}),
    }


def _named(function) -> str:
    inner = getattr(function, "func", None)  # functools.partial
    if inner is not None:
        return f"{_named(inner)} with {list(map(_fingerprint, function.args))} and " + str(
            {name: _fingerprint(value) for name, value in function.keywords.items()}
        )
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _fingerprint(value) -> str:
    if isinstance(value, (pd.Series, pd.DataFrame)):
        return hashlib.sha256(pd.util.hash_pandas_object(value).to_numpy().tobytes()).hexdigest()
    return _named(value) if callable(value) else repr(value)


def _make_trials(source, file: TrialLog, known, trials, n_jobs, block, objective, job):
    """Run what is missing, batch by batch; return the trials that were run."""
    import joblib

    kept = [trial for trial in known if trial.metrics is not None]
    parallel = contextlib.nullcontext() if n_jobs == 1 else joblib.Parallel(n_jobs=n_jobs)
    with parallel as pool:
        while len(kept) < trials:
            # Batches begin at multiples of their size, also after an interruption.
            count = min(block - len(kept) % block, trials - len(kept))
            drawn = source.draw(count)
            settings = [settings_at(job.ranges, indices) for indices, allowed in drawn if allowed]
            if pool is None:
                found = [job.run(combination) for combination in settings]
            else:
                found = pool(joblib.delayed(job.run)(combination) for combination in settings)
            source.tell([metrics[objective] for metrics in found])
            results = iter(found)
            batch = [
                Trial(indices, next(results) if allowed else None) for indices, allowed in drawn
            ]
            file.add(batch)
            kept += [trial for trial in batch if trial.metrics is not None]
    return kept[:trials]


@dataclass(frozen=True)
class _Job:
    """What a process needs to run a trial."""

    ready: sweeps.Prepared
    strategy: Callable
    of: str
    ranges: dict[str, list]

    def run(self, settings: dict[str, Any]) -> dict[str, float]:
        table = self.ready.sweep(self.strategy, [settings], of=self.of)
        return {name: table[name].item() for name in table.columns if name not in settings}


def _log(kept: list[Trial], ranges: dict[str, list], bars: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {
        name: as_given([values[trial.indices[name]] for trial in kept])
        for name, values in ranges.items()
    }
    columns |= {name: [trial.metrics[name] for trial in kept] for name in kept[0].metrics}
    log = pd.DataFrame(columns).rename_axis("trial")
    log.attrs = dict(bars.attrs)  # the label of simulated prices
    log.attrs["settings"] = list(ranges)
    return log
