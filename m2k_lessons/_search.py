"""Search a strategy's settings, and keep the log of every trial; public through `evidence`.

One process draws the trials and writes them down; the others only run backtests. So a search
needs no shared file to be spread over machines. A batch of trials is written in one transaction
when all of it is done: no trial is lost by halves or counted twice. The draw of each trial is
seeded by its number, so that a search which was resumed is the one that was not interrupted.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import inspect
import itertools
import json
import math
import os
import sqlite3
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from m2k_lessons import _check, _finding, backtest
from m2k_lessons import sweep as sweeps
from m2k_lessons._backtest import statistics

if TYPE_CHECKING:
    from types import ModuleType

    from m2k_lessons.evidence import DeflatedSharpe

METHODS = ("grid", "random", "tpe")
_MOST_REFUSED = 10_000  # draws in a row that a constraint may refuse
_MOST_COMBINATIONS = 1_000_000  # of a grid
_TASKS_PER_JOB = 8


@dataclass(frozen=True, repr=False, eq=False)
class Search:
    """What a search did, trial by trial.

    Attributes
    ----------
    method, value : str
        How settings were chosen, and what was to be as large as possible.
    log : DataFrame
        One row per trial, in the order of its index ``trial``: settings, and figures under their
        names in `backtest.Result.stats`, as from `sweep.sweep`.
    """

    method: str
    value: str
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
        """The row of the log with the largest value; of several, the first."""
        values = self.log[self.value]
        if values.isna().all():
            raise ValueError(f"no trial has a {self.value}, so none is the best")
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
        from m2k_lessons.evidence import strategy_returns

        columns = {
            trial: strategy_returns(self._run(self._settings_of(trial))) for trial in self.log.index
        }
        return pd.DataFrame(columns).rename_axis(columns="trial")

    def deflated_sharpe(self, level: float = 0.05) -> DeflatedSharpe:
        """The deflated Sharpe ratio of the best trial, all trials counted.

        A trial that never traded has no Sharpe ratio; it counts as one of 0.
        """
        from m2k_lessons.evidence import deflated_sharpe, strategy_returns

        return deflated_sharpe(
            strategy_returns(self.best_result()),
            trials=_no_trade_is_zero(self.log["Sharpe Ratio"], self.log["# Trades"]),
            periods_per_year=self._per_year,
            level=level,
        )

    def _settings_of(self, trial) -> dict[str, Any]:
        found = {name: self.log.at[trial, name] for name in self.log.attrs["settings"]}
        return {
            name: one.item() if isinstance(one, np.generic) else one for name, one in found.items()
        }

    def _run(self, settings: dict[str, Any]) -> backtest.Result:
        return _run(self._strategy, settings, self._bars, self._of_bars, self._account)

    def __str__(self) -> str:
        told = f"Search ({self.method}): {_finding.tried(self.trials)}"
        if self.log[self.value].isna().all():
            return f"{told}, none with a {self.value}"
        settings = ", ".join(f"{name}={value}" for name, value in self.best_settings.items())
        return (
            f"{told}; best {self.value} {self.best[self.value]:.4g} with {settings}\n"
            f"The best of {self.trials:,} is worth less than it looks: see deflated_sharpe()."
        )

    def __repr__(self) -> str:
        return str(self)


def search(
    strategy: Callable[..., pd.Series],
    space: Mapping[str, Any],
    method: str = "random",
    *,
    bars: pd.DataFrame,
    trials: int | None = None,
    value: str = "Sharpe Ratio",
    constraint: Callable[..., bool] | None = None,
    of: str | None = None,
    seed: int = 0,
    n_jobs: int = 1,
    storage=None,
    **account,
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
        number of combinations.
    value : str
        Figure to make as large as possible, a column of `sweep.sweep`.
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
        Ctrl-C interrupted, and with a larger `trials` what was finished. It tells a strategy by
        its name: after a change in what it does, take a new file.
    **account
        Contract, capital, costs and stops, as in `sweep.sweep`.

    Returns
    -------
    Search
        With the `log` of all trials; its `deflated_sharpe()` counts them.

    Raises
    ------
    ValueError, TypeError
        As `sweep.sweep`; an unknown method or value; a storage that holds another search or
        that a search is using now.

    Notes
    -----
    Bergstra, Bardenet, Bengio and Kégl (2011), "Algorithms for hyper-parameter optimization".
    `joblib.parallel_config(backend="dask")` around the call spreads it over a cluster. A trial
    without a value (a Sharpe ratio without a trade) stays in the log, with NaN.

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
    _check.choice("method", method, METHODS)
    ranges = _ranges(space)
    _check_names(strategy, ranges)
    _check.choice("value", value, _figure_names())
    if constraint is not None and not callable(constraint):
        raise TypeError(f"constraint must be a function of the settings, got {constraint!r}")
    seed = _check.whole("seed", seed, at_least=0)
    n_jobs = _check.whole("n_jobs", n_jobs)
    if n_jobs == 0:
        raise ValueError("n_jobs must be a whole number other than 0, got 0")
    plan = _grid(ranges, constraint) if method == "grid" else None
    trials = _budget(trials, plan)
    ready = sweeps.prepare(bars, **account)
    of_bars = sweeps._takes_bars(strategy, of)
    job = _Job(ready, strategy, "bars" if of_bars else "close", ranges)
    what = _description(job, method, seed, value, constraint, bars, account)
    block = 1 if n_jobs == 1 else joblib.effective_n_jobs(n_jobs)
    if method != "tpe" and n_jobs != 1:
        block *= _TASKS_PER_JOB  # these needn't wait for each other's results
    with contextlib.closing(_File(_path(storage), what)) as file:
        known = file.trials()
        if method == "tpe":
            source = _Parzen(seed, ranges, constraint, value, known)
        elif method == "random":
            source = _Planned(functools.partial(_at_random, seed, ranges, constraint), len(known))
        else:
            source = _Planned(plan.__getitem__, len(known))
        kept = _make_trials(source, file, known, trials, n_jobs, block, value, job)
    log = _log(kept, ranges, bars)
    per_year = ready._periods.per_year
    return Search(method, value, log, strategy, bars, of_bars, dict(account), per_year)


def trial_returns(
    strategy: Callable[..., pd.Series],
    table,
    *,
    bars: pd.DataFrame,
    of: str | None = None,
    **account,
) -> pd.DataFrame:
    """Returns of many settings of a strategy, for `reality_check` and others that want them all.

    Parameters
    ----------
    strategy : function
        As in `sweep.sweep`.
    table : DataFrame, or sequence of mappings
        What `sweep.sweep` returned, or the settings of each trial.
    bars, of, **account
        As for `sweep.sweep`.

    Returns
    -------
    DataFrame
        A row for each trade date, and a column for each trial, numbered as in `table`: returns
        as `strategy_returns` makes them.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`; a table that doesn't come from `sweep.sweep`.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> settings = [{"fast": 5, "slow": 50}, {"fast": 10, "slow": 50}]
    >>> trial_returns(strategies.trend_following, settings, bars=bars, commission_usd=1).shape
    (501, 2)
    """
    from m2k_lessons.evidence import strategy_returns

    if isinstance(table, pd.DataFrame):
        names = table.attrs.get("settings")
        if not names or not set(names) <= set(table.columns):
            raise ValueError(
                "table must be what sweep.sweep returned, or a list of settings, got a DataFrame "
                "that doesn't say which columns are settings"
            )
        if not table.index.is_unique:
            twice = table.index[table.index.duplicated()].tolist()[0]
            raise ValueError(
                f"table must have each trial's number once, got {twice!r} twice; put sweeps "
                "together with pd.concat([one, other], ignore_index=True)"
            )
        rows = zip(*(table[name].tolist() for name in names), strict=True)
        trials = dict(
            zip(table.index, (dict(zip(names, row, strict=True)) for row in rows), strict=True)
        )
    elif isinstance(table, (list, tuple)) and all(isinstance(one, Mapping) for one in table):
        trials = dict(enumerate(table))
    else:
        raise TypeError(
            "table must be what sweep.sweep returned, or a list of settings, got a "
            f"{type(table).__name__}"
        )
    if not trials:
        raise ValueError("table must have at least one trial, got none")
    of_bars = sweeps._takes_bars(strategy, of)
    columns = {
        trial: strategy_returns(_run(strategy, dict(settings), bars, of_bars, account))
        for trial, settings in trials.items()
    }
    return pd.DataFrame(columns).rename_axis(columns="trial")


def _run(strategy, settings, bars, of_bars: bool, account) -> backtest.Result:
    given = bars if of_bars else bars["close"]
    # A copy of the frame only: pandas copies the numbers if the strategy writes to them.
    return backtest.run(bars, strategy(given.copy(deep=False), **settings), **account)


def _no_trade_is_zero(ratios: pd.Series, trades: pd.Series) -> pd.Series:
    return ratios.where(ratios.notna() | (trades > 0), 0.0)


# ----------------------------------------------------------------------------------- arguments


def _ranges(space) -> dict[str, list]:
    if not isinstance(space, Mapping) or not space:
        raise TypeError(
            "space must be a mapping of settings to their values, such as "
            f"{{'fast': range(5, 51)}}, got {space!r}"
        )
    ranges = {}
    for name, given in space.items():
        if not isinstance(name, str):
            raise TypeError(f"space must have names of settings as its keys, got {name!r}")
        if isinstance(given, (np.ndarray, pd.Series, pd.Index)) and given.ndim == 1:
            given = given.tolist()
        if not isinstance(given, (list, tuple, range)):
            raise TypeError(
                f"space[{name!r}] must be a sequence of values such as [10, 20], got {given!r}"
            )
        if not len(given):
            raise ValueError(f"space[{name!r}] must hold at least one value, got none")
        ranges[name] = list(given)
    return ranges


def _check_names(strategy, ranges: dict[str, list]) -> None:
    parameters = list((sweeps._parameters(strategy) or {}).values())
    if not parameters or any(one.kind is one.VAR_KEYWORD for one in parameters):
        return
    named = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    accepted = [one for one in parameters[1:] if one.kind in named]
    takes = [one.name for one in accepted]
    for name in ranges:
        if name not in takes:
            raise ValueError(
                f"space must name settings of the strategy, which takes {', '.join(takes)}; "
                f"got {name!r}"
            )
    for one in accepted:
        if one.default is one.empty and one.name not in ranges:
            raise ValueError(
                "space must have values for every setting that the strategy needs, got none for "
                f"{one.name!r}"
            )


def _figure_names() -> list[str]:
    nothing = statistics.Tally(*([1.0] * len(statistics.Tally._fields)))
    return list(statistics.figures(nothing, 1, 1))


def _grid(ranges: dict[str, list], constraint) -> list[dict[str, int]]:
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
    plan = [codes for codes in plan if _is_allowed(constraint, _settings(ranges, codes))]
    if not plan:
        raise ValueError(f"constraint must leave at least one combination of {count:,}, got none")
    return plan


def _settings(ranges: dict[str, list], codes: Mapping[str, int]) -> dict[str, Any]:
    return {name: values[codes[name]] for name, values in ranges.items()}


def _is_allowed(constraint, settings: dict[str, Any]) -> bool:
    if constraint is None:
        return True
    answer = constraint(**settings)
    if not isinstance(answer, (bool, np.bool_)):
        raise TypeError(f"constraint must return True or False, got {answer!r}")
    return bool(answer)


def _budget(trials, plan) -> int:
    if plan is None:
        if trials is None:
            raise TypeError("trials must be a whole number with this method, got None")
        return _check.whole("trials", trials, at_least=1)
    if trials is not None and _check.whole("trials", trials, at_least=1) != len(plan):
        raise ValueError(
            f"trials must be the number of combinations with a grid, {len(plan)}, got {trials}"
        )
    return len(plan)


def _path(storage) -> Path | None:
    if storage is None:
        return None
    if not isinstance(storage, (str, os.PathLike)):
        raise TypeError(f"storage must be the path of a SQLite file, got {storage!r}")
    path = Path(storage)
    if not path.absolute().parent.is_dir():
        raise ValueError(f"storage must be in a folder that exists, got {str(storage)!r}")
    return path


def _description(job: _Job, method, seed, value, constraint, bars, account) -> dict[str, str]:
    """What makes a search the same one, by the names that a refusal tells."""
    hashed = pd.util.hash_pandas_object(bars).to_numpy().tobytes()
    return {
        "strategy": _named(job.strategy),
        "of": job.of,
        "method": method,
        "space": json.dumps({name: list(map(repr, one)) for name, one in job.ranges.items()}),
        "constraint": "None" if constraint is None else _named(constraint),
        "seed": str(seed),
        "value": value,
        "bars": hashlib.sha256(hashed + repr(list(bars.columns)).encode()).hexdigest(),
        "account": json.dumps({name: _told(account[name]) for name in sorted(account)}),
    }


def _named(function) -> str:
    inner = getattr(function, "func", None)  # functools.partial
    if inner is not None:
        return f"{_named(inner)} with {list(map(_told, function.args))} and " + str(
            {name: _told(one) for name, one in function.keywords.items()}
        )
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _told(one) -> str:
    if isinstance(one, (pd.Series, pd.DataFrame)):
        return hashlib.sha256(pd.util.hash_pandas_object(one).to_numpy().tobytes()).hexdigest()
    return _named(one) if callable(one) else repr(one)


# -------------------------------------------------------------------------------------- trials


@dataclass(frozen=True)
class _Trial:
    """Places in the ranges; figures, or None where the constraint refused them and none was run."""

    places: dict[str, int]
    figures: dict[str, float] | None


class _Planned:
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


class _Parzen:
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
                allowed = _is_allowed(self.constraint, _settings(self.ranges, trial.params))
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


def _at_random(seed: int, ranges: dict[str, list], constraint, number: int) -> dict[str, int]:
    rng = np.random.default_rng(np.random.SeedSequence([seed, number]))
    for _ in range(_MOST_REFUSED):
        places = {name: int(rng.integers(len(one))) for name, one in ranges.items()}
        if _is_allowed(constraint, _settings(ranges, places)):
            return places
    raise ValueError(_refused_too_often())


def _refused_too_often() -> str:
    return (
        "constraint must let a combination through now and then, got False "
        f"{_MOST_REFUSED:,} times in a row"
    )


def _make_trials(source, file: _File, known: list[_Trial], trials, n_jobs, block, value, job):
    """Run what is missing, batch by batch; return the trials that were run."""
    import joblib

    kept = [one for one in known if one.figures is not None]
    parallel = contextlib.nullcontext() if n_jobs == 1 else joblib.Parallel(n_jobs=n_jobs)
    with parallel as pool:
        while len(kept) < trials:
            # Batches begin at multiples of their size, also after an interruption.
            count = min(block - len(kept) % block, trials - len(kept))
            drawn = source.draw(count)
            settings = [_settings(job.ranges, places) for places, allowed in drawn if allowed]
            if pool is None:
                found = [job.run(one) for one in settings]
            else:
                found = pool(joblib.delayed(job.run)(one) for one in settings)
            source.tell([figures[value] for figures in found])
            results = iter(found)
            batch = [
                _Trial(places, next(results) if allowed else None) for places, allowed in drawn
            ]
            file.add(batch)
            kept += [one for one in batch if one.figures is not None]
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


# ---------------------------------------------------------------------------------------- file


class _File:
    """The trials in a SQLite file, a batch in one transaction; without a path, nowhere."""

    def __init__(self, path: Path | None, what: dict[str, str]) -> None:
        self.connection = None
        if path is None:
            return
        self.name = str(path)
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            # Locked until it is closed, or the process ends.
            self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.connection.execute("BEGIN EXCLUSIVE")
            self._describe(what)
            self.connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self.connection.close()
            if "locked" not in str(error):
                raise
            raise ValueError(
                f"storage must be used by one search at a time, got {self.name!r}, which another "
                "one is using; n_jobs= spreads one search over processes"
            ) from error
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise ValueError(
                f"storage must be a SQLite file or a new one, got {self.name!r}: {error}"
            ) from error
        except ValueError:
            self.connection.close()
            raise

    def _describe(self, what: dict[str, str]) -> None:
        run = self.connection.execute
        run("CREATE TABLE IF NOT EXISTS search (name TEXT PRIMARY KEY, told TEXT NOT NULL)")
        run(
            "CREATE TABLE IF NOT EXISTS trials (number INTEGER PRIMARY KEY, places TEXT NOT NULL, "
            "figures TEXT)"
        )
        before = dict(run("SELECT name, told FROM search").fetchall())
        if not before:
            self.connection.executemany("INSERT INTO search VALUES (?, ?)", what.items())
            return
        for name, now in what.items():
            if before.get(name) != now:
                other = "other" if name in ("bars", "space", "account") else "another"
                raise ValueError(
                    f"storage must hold this search or none, got {self.name!r}, a search with "
                    f"{other} {name}"
                )

    def trials(self) -> list[_Trial]:
        if self.connection is None:
            return []
        rows = self.connection.execute("SELECT places, figures FROM trials ORDER BY number")
        return [
            _Trial(json.loads(places), None if figures is None else json.loads(figures))
            for places, figures in rows.fetchall()
        ]

    def add(self, batch: list[_Trial]) -> None:
        if self.connection is None:
            return
        rows = [
            (json.dumps(one.places), None if one.figures is None else json.dumps(one.figures))
            for one in batch
        ]
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO trials (places, figures) VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()


def _log(kept: list[_Trial], ranges: dict[str, list], bars: pd.DataFrame) -> pd.DataFrame:
    columns: dict[str, Any] = {
        name: sweeps._as_given([values[one.places[name]] for one in kept])
        for name, values in ranges.items()
    }
    columns |= {name: [one.figures[name] for one in kept] for name in kept[0].figures}
    log = pd.DataFrame(columns).rename_axis("trial")
    log.attrs = dict(bars.attrs)  # the label of simulated prices
    log.attrs["settings"] = list(ranges)
    return log
