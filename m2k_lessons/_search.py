"""Search a strategy's settings, and keep the log of every trial; public through `evidence`.

One process asks the sampler, writes the study and tells it the results; the others only run
backtests. So a study needs no shared file to be spread over machines, and no trial can be counted
twice. A trial is written down before it is run: what a crash interrupts is run again under its
own number. The sampler of each trial is seeded by that number, so that a study which was resumed
is the study that was not interrupted.
"""

from __future__ import annotations

import contextlib
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

from m2k_lessons import _check, backtest
from m2k_lessons import sweep as sweeps
from m2k_lessons._backtest import statistics

if TYPE_CHECKING:
    from m2k_lessons.evidence import DeflatedSharpe

METHODS = ("grid", "random", "tpe")
_STUDY = "search"
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
        told = f"Search ({self.method}): {self.trials:,} trials"
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
        SQLite file that each trial is written to. The same call continues what a crash or
        Ctrl-C interrupted, and with a larger `trials` what was finished. A file that ends in
        ".lock" is kept beside it.
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
    draw = _Draw(method, seed, ranges, constraint, plan)
    what = _description(strategy, bars, of_bars, value, account, draw)
    with _open_study(storage, what) as study:
        figures = _make_trials(study, draw, trials, n_jobs, value, (ready, strategy, of_bars))
    log = _log(figures, ranges, bars)
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
    return backtest.run(bars, strategy(given, **settings), **account)


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


def _description(strategy, bars, of_bars, value, account, draw) -> dict[str, str]:
    """What makes a study the same one, in words that end up in a refusal."""
    hashed = pd.util.hash_pandas_object(bars).to_numpy().tobytes()
    return {
        "strategy": _named(strategy),
        "of": "bars" if of_bars else "close",
        "method": draw.method,
        "space": json.dumps({name: list(map(str, one)) for name, one in draw.ranges.items()}),
        "constraint": "None" if draw.constraint is None else _named(draw.constraint),
        "seed": str(draw.seed),
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


# --------------------------------------------------------------------------------------- study


@dataclass(frozen=True)
class _Draw:
    """How the settings of a trial follow from its number, and for "tpe" from the study so far."""

    method: str
    seed: int
    ranges: dict[str, list]
    constraint: Callable[..., bool] | None
    plan: list[dict[str, int]] | None

    def sampler(self, number: int):
        import optuna

        own_seed = np.random.SeedSequence([self.seed, number])
        if self.method == "tpe":
            return optuna.samplers.TPESampler(
                seed=int(own_seed.generate_state(1)[0]), multivariate=True, constant_liar=True
            )
        planned = self.plan[number] if self.plan else self._at_random(own_seed)
        return optuna.samplers.PartialFixedSampler(planned, optuna.samplers.RandomSampler(0))

    def _at_random(self, own_seed) -> dict[str, int]:
        rng = np.random.default_rng(own_seed)
        for _ in range(_MOST_REFUSED):
            codes = {name: int(rng.integers(len(one))) for name, one in self.ranges.items()}
            if _is_allowed(self.constraint, _settings(self.ranges, codes)):
                return codes
        raise ValueError(_refused_too_often())

    def settings(self, trial) -> dict[str, Any]:
        codes = {}
        for name, values in self.ranges.items():
            ordered = all(isinstance(one, (int, float)) for one in values)
            codes[name] = (
                trial.suggest_int(name, 0, len(values) - 1)
                if ordered
                else trial.suggest_categorical(name, list(range(len(values))))
            )
        return _settings(self.ranges, codes)


def _refused_too_often() -> str:
    return (
        "constraint must let a combination through now and then, got False "
        f"{_MOST_REFUSED:,} times in a row"
    )


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without optuna's reports of every trial, and its warnings that some of it is new."""
    import optuna

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            yield
    finally:
        optuna.logging.set_verbosity(before)


@contextlib.contextmanager
def _open_study(storage, what: dict[str, str]):
    import optuna

    with _quiet():
        if storage is None:
            yield optuna.create_study(direction="maximize")
            return
        if not isinstance(storage, (str, os.PathLike)):
            raise TypeError(f"storage must be the path of a SQLite file, got {storage!r}")
        path = Path(storage).absolute()
        if not path.parent.is_dir():
            raise ValueError(f"storage must be in a folder that exists, got {str(storage)!r}")
        with _locked(path):
            address = optuna.storages.RDBStorage(f"sqlite:///{path.as_posix()}")
            try:
                study = optuna.create_study(
                    storage=address, study_name=_STUDY, direction="maximize", load_if_exists=True
                )
                _check_same_search(study, what, storage)
                yield study
            finally:
                address.remove_session()
                address.engine.dispose()


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Keep a second search from the same file; the system lets go when the process ends."""
    connection = sqlite3.connect(
        path.with_name(path.name + ".lock"), timeout=0, isolation_level=None
    )
    try:
        try:
            connection.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise ValueError(
                f"storage must be used by one search at a time, got {path.name!r}, which another "
                "one is using; n_jobs= spreads one search over processes"
            ) from error
        yield
    finally:
        connection.close()


def _check_same_search(study, what: dict[str, str], storage) -> None:
    before = study.user_attrs.get("what")
    if before is None:
        study.set_user_attr("what", what)
        return
    for name, now in what.items():
        if before.get(name) != now:
            raise ValueError(
                f"storage must hold this search or none, got {str(storage)!r}, a search with "
                f"{'other' if name in ('bars', 'space', 'account') else 'another'} {name}"
            )


def _make_trials(study, draw: _Draw, trials: int, n_jobs: int, value: str, job) -> list[tuple]:
    """Run what is missing; return places in the ranges and figures of each trial, by number."""
    import joblib
    from optuna.trial import Trial, TrialState

    parallel = contextlib.nullcontext() if n_jobs == 1 else joblib.Parallel(n_jobs=n_jobs)
    with parallel as pool:
        block = 1 if n_jobs == 1 else joblib.effective_n_jobs(n_jobs)
        if draw.method != "tpe" and n_jobs != 1:
            block *= _TASKS_PER_JOB  # these needn't wait for each other's results
        while True:
            known = study.get_trials(deepcopy=False)
            # A pruned one was refused by the constraint, and never run.
            kept = [one for one in known if one.state != TrialState.PRUNED][:trials]
            begun = [one for one in kept if not one.state.is_finished()]
            if len(kept) == trials and not begun:
                return [(one.params, one.user_attrs["figures"]) for one in kept]
            # What a crash left behind comes first, with the rest of its batch.
            batch = []
            for one in begun:
                study.sampler = draw.sampler(one.number)
                _take(study, draw, Trial(study, one._trial_id), batch)
            count = len(kept) - len(begun) + len(batch)
            full = block * math.ceil(count / block) if batch or count % block else count + block
            refused = 0
            while count < min(full, trials):
                study.sampler = draw.sampler(len(known))
                taken = _take(study, draw, study.ask(), batch)
                known.append(None)
                count, refused = (count + 1, 0) if taken else (count, refused + 1)
                if refused == _MOST_REFUSED:
                    raise ValueError(_refused_too_often())
            found = (
                [_measure(*job, settings) for _, settings in batch]
                if pool is None
                else pool(joblib.delayed(_measure)(*job, settings) for _, settings in batch)
            )
            for (trial, _), figures in zip(batch, found, strict=True):
                trial.set_user_attr("figures", figures)
                if math.isnan(figures[value]):
                    study.tell(trial, state=TrialState.FAIL)  # run, and without a value
                else:
                    study.tell(trial, figures[value])


def _take(study, draw: _Draw, trial, batch: list) -> bool:
    """Put a trial and its settings into the batch, unless the constraint refuses them."""
    from optuna.trial import TrialState

    settings = draw.settings(trial)
    if not _is_allowed(draw.constraint, settings):
        study.tell(trial, state=TrialState.PRUNED)
        return False
    batch.append((trial, settings))
    return True


def _measure(ready: sweeps.Prepared, strategy, of_bars: bool, settings: dict[str, Any]) -> dict:
    table = ready.sweep(strategy, [settings], of="bars" if of_bars else "close")
    return {name: table[name].item() for name in table.columns if name not in settings}


def _log(found: list[tuple], ranges: dict[str, list], bars: pd.DataFrame) -> pd.DataFrame:
    columns = {
        name: [values[places[name]] for places, _ in found] for name, values in ranges.items()
    }
    columns |= {name: [figures[name] for _, figures in found] for name in found[0][1]}
    log = pd.DataFrame(columns, index=pd.RangeIndex(len(found), name="trial"))
    log.attrs = dict(bars.attrs)  # the label of simulated prices
    log.attrs["settings"] = list(ranges)
    return log
