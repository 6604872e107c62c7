"""One strategy with many settings: a table with a row for each combination."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs, statistics
from m2k_lessons.backtest.account import Account, takes_account
from m2k_lessons.backtest.runs import single
from m2k_lessons.backtest.statistics import Tally
from m2k_lessons.sweep.compiled import CompiledStrategy, compiled_strategy
from m2k_lessons.sweep.grid import Combinations, check_names, combinations_of, takes_bars

if TYPE_CHECKING:
    from m2k_lessons.backtest.engine import Engine

_BLOCK = 130_000  # bars times combinations: their targets stay in the processor's cache
_TASKS_PER_JOB = 8


class SweepInterrupted(KeyboardInterrupt):
    """A sweep was stopped by Ctrl-C; `table` has the rows that were finished."""

    def __init__(self, table: pd.DataFrame, total: int) -> None:
        super().__init__(
            f"stopped after {len(table)} of {total} combinations; their rows are the attribute "
            "table of this exception (in a notebook: import sys; sys.last_value.table)"
        )
        self.table = table
        self.total = total

    def __reduce__(self):
        return type(self), (self.table, self.total)


@takes_account
def sweep(
    bars: pd.DataFrame,
    strategy: Callable[..., pd.Series],
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
    *,
    of: str | None = None,
    constraint: Callable[..., bool] | None = None,
    n_jobs: int = 1,
    progress: bool = False,
    account: Account,
) -> pd.DataFrame:
    """Backtest a strategy with every combination of settings in a grid.

    Parameters
    ----------
    bars : DataFrame
        As in `backtest.run`.
    strategy : function
        Takes prices first and the settings by name, and returns a target position as
        `backtest.run` takes it. To use `n_jobs`, it must be the same whenever it is called.
    grid : mapping of str to sequence, or sequence of mappings
        `{"fast": [5, 10], "slow": [50, 100]}` makes four combinations, the last name varying
        fastest; a list of mappings such as `[{"fast": 5, "slow": 50}]` names each one.
    of : {"close", "bars"}, optional
        What the strategy is given: closing prices, or the whole frame. When omitted, the frame
        if the strategy's first parameter is called `bars`, else closing prices.
    constraint : function, optional
        Takes the settings by name and returns whether the combination makes sense; others get no
        row. Nothing else leaves a combination out: one that the strategy refuses is an error.
    n_jobs : int
        Tasks at a time, as joblib counts them: -1 for all processors.
    progress : bool
        Show a bar on stderr.
    {account}

    Returns
    -------
    DataFrame
        One row per combination, in the grid's order: its settings, then metrics under their
        names in `backtest.Result.stats`.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`; an empty grid, values that are no sequence, a name that the strategy
        doesn't take; what the strategy raises, with the combination named.
    SweepInterrupted
        Ctrl-C; its attribute `table` has the finished rows.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> bars = simulate.daily(years=2, seed=7)["M2K"]
    >>> table = sweep(bars, strategies.trend_following, {"fast": [5, 10], "slow": [20, 40]})
    >>> table[["fast", "slow"]].values.tolist()
    [[5, 20], [5, 40], [10, 20], [10, 40]]
    >>> "Sharpe Ratio" in table.columns
    True
    """
    ready = _prepared(bars, account)
    return ready.sweep(
        strategy, grid, of=of, constraint=constraint, n_jobs=n_jobs, progress=progress
    )


@takes_account
def prepare(bars: pd.DataFrame, *, account: Account) -> Prepared:
    """Check bars and money once, for many sweeps: what an explorer does behind a slider.

    Parameters
    ----------
    bars : DataFrame
        As in `backtest.run`. It must not be changed afterwards.
    {account}

    Returns
    -------
    Prepared
        Its method `sweep(strategy, grid, ...)` is the function `sweep` with these bars.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`.

    Examples
    --------
    >>> from m2k_lessons import simulate, strategies
    >>> ready = prepare(simulate.daily(years=2, seed=7)["M2K"], commission_usd=0.85)
    >>> len(ready.sweep(strategies.trend_following, {"fast": [5], "slow": [20, 40, 60]}))
    3
    """
    return _prepared(bars, account)


def _prepared(bars, account: Account) -> Prepared:
    instrument = single(bars, inputs.LATER, account)
    return Prepared(instrument, inputs.settings(account, [instrument]))


@takes_account
def sweep_targets(bars: pd.DataFrame, targets: pd.DataFrame, *, account: Account) -> pd.DataFrame:
    """Backtest many target positions of one's own, in compiled code.

    Parameters
    ----------
    bars : DataFrame
        As in `backtest.run`.
    targets : DataFrame
        A column for each run, as `target` of `backtest.run`.
    {account}

    Returns
    -------
    DataFrame
        One row for each column of `targets`, named like it: metrics under their names in
        `backtest.Result.stats`.

    Raises
    ------
    ValueError, TypeError
        As `backtest.run`; a column twice.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> bars = simulate.daily(years=1, seed=7)["M2K"]
    >>> rising = bars["close"].diff() > 0
    >>> table = sweep_targets(bars, pd.DataFrame({"with": rising, "against": ~rising}))
    >>> table.index.tolist()
    ['with', 'against']
    """
    if not isinstance(targets, pd.DataFrame):
        raise TypeError(
            f"targets must be a DataFrame with a column for each run, got {type(targets).__name__}"
        )
    if not len(targets.columns) or targets.columns.has_duplicates:
        twice = targets.columns[targets.columns.duplicated()].tolist()
        got = f"{twice[0]!r} twice" if twice else "none"
        raise ValueError(f"targets must have at least one column, each once, got {got}")
    ready = _prepared(bars, account)
    tallies = np.empty((len(targets.columns), len(Tally._fields)))
    for number, (name, target) in enumerate(targets.items()):
        tallies[number] = ready._tally(f"targets[{name!r}]", target)
    return pd.DataFrame(ready._metrics(tallies), index=targets.columns)


@dataclass(frozen=True)
class Prepared:
    """Bars and money, checked; see `prepare`."""

    _instrument: inputs.Instrument
    _settings: inputs.Settings

    @functools.cached_property
    def _engine(self) -> Engine:
        from m2k_lessons.backtest import engine

        return engine.Engine([self._instrument], self._settings)

    @functools.cached_property
    def _periods(self) -> statistics.Periods:
        return statistics.periods(self._instrument.days)

    def __repr__(self) -> str:
        return f"Prepared({self._instrument.symbol}, {inputs.span(self._instrument.bars.index)})"

    def sweep(
        self,
        strategy: Callable[..., pd.Series],
        grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
        *,
        of: str | None = None,
        constraint: Callable[..., bool] | None = None,
        n_jobs: int = 1,
        progress: bool = False,
    ) -> pd.DataFrame:
        """The function `sweep` with these bars and this money; its docstring tells the rest.

        Examples
        --------
        >>> from m2k_lessons import simulate, strategies
        >>> ready = prepare(simulate.daily(years=2, seed=7)["M2K"])
        >>> ready.sweep(strategies.threshold, [{"buy_above": 2400, "sell_below": 2300}]).shape[0]
        1
        """
        if not callable(strategy):
            raise TypeError(f"strategy must be a function, got {strategy!r}")
        if not isinstance(progress, (bool, np.bool_)):
            raise TypeError(f"progress must be True or False, got {progress!r}")
        n_jobs = checks.whole("n_jobs", n_jobs)
        if n_jobs == 0:
            raise ValueError("n_jobs must be a whole number other than 0, got 0")
        whole_frame = takes_bars(strategy, of)
        combinations = combinations_of(grid, constraint)
        check_names("grid", strategy, combinations.names)
        tasks = _Tasks(self, strategy, whole_frame, combinations, n_jobs)
        tallies = np.full((combinations.count, len(Tally._fields)), math.nan)
        done = np.zeros(combinations.count, bool)
        try:
            with _Bar(combinations.count, progress) as bar:
                for rows, found in tasks.run():
                    tallies[rows], done[rows] = found, True
                    bar.advance(len(rows))
        except KeyboardInterrupt:
            finished = np.flatnonzero(done)
            raise SweepInterrupted(
                self._table(combinations, finished, tallies[finished]), combinations.count
            ) from None
        return self._table(combinations, np.arange(combinations.count), tallies)

    def _metrics(self, tallies: np.ndarray) -> dict[str, np.ndarray]:
        tally, per_year = Tally(*tallies.T), self._periods.per_year
        return statistics.metrics(tally, self._settings.capital, per_year)

    def _table(self, combinations, rows: np.ndarray, tallies: np.ndarray) -> pd.DataFrame:
        columns = {name: combinations.column(name, rows) for name in combinations.names}
        table = pd.DataFrame(columns | self._metrics(tallies), copy=False)
        table.attrs = dict(self._instrument.bars.attrs)  # the label of simulated prices
        table.attrs["settings"] = list(combinations.names)
        return table

    def _run_compiled(self, compiled: CompiledStrategy, rows: np.ndarray) -> np.ndarray:
        return self._engine.batch(compiled.targets(rows))

    def _run_strategy(self, strategy, whole_frame: bool, settings: list[dict]) -> np.ndarray:
        bars = self._instrument.bars
        given = bars if whole_frame else bars["close"]
        tallies = []
        for combination in settings:
            described = ", ".join(f"{name}={value!r}" for name, value in combination.items())
            try:
                # A copy of the frame only: pandas copies the numbers if it writes to them.
                target = strategy(given.copy(deep=False), **combination)
            except Exception as error:
                raise ValueError(
                    "strategy must work with every combination of grid, got "
                    f"{type(error).__name__} with {described}: {error}"
                ) from error
            tallies.append(self._tally(f"what strategy returns with {described}", target))
        return np.array(tallies)

    def _tally(self, name: str, target) -> np.ndarray:
        checked = inputs.position_target(name, target, "bars", self._instrument.bars.index)
        return self._engine.tally(checked)


@dataclass(frozen=True)
class _Tasks:
    ready: Prepared
    strategy: Callable
    whole_frame: bool
    combinations: Combinations
    n_jobs: int

    def run(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows of the table and their tallies as they are done."""
        instrument, combinations = self.ready._instrument, self.combinations
        compiled = compiled_strategy(instrument, self.strategy, self.whole_frame, combinations)
        if compiled is None:
            yield from self._by_strategy(np.arange(combinations.count))
            return
        # Those that are not plainly right first: what is refused is refused at once.
        yield from self._by_strategy(np.flatnonzero(~compiled.sound))
        size = max(1, _BLOCK // len(instrument.days))
        if self.n_jobs != 1:
            size = min(size, math.ceil(combinations.count / (2 * _cpus())))
        blocks = compiled.blocks(size)
        calls = ((self.ready._run_compiled, (compiled, block)) for block in blocks)
        yield from zip(blocks, self._results(calls, threads=True), strict=True)

    def _by_strategy(self, rows: np.ndarray):
        if not len(rows):
            return  # and no process is started
        size = 1 if self.n_jobs == 1 else math.ceil(len(rows) / (_TASKS_PER_JOB * _cpus()))
        blocks = [rows[at : at + size] for at in range(0, len(rows), size or 1)]
        run, strategy, whole_frame = self.ready._run_strategy, self.strategy, self.whole_frame
        calls = (
            (run, (strategy, whole_frame, [self.combinations.settings(row) for row in block]))
            for block in blocks
        )
        yield from zip(blocks, self._results(calls, threads=False), strict=True)

    def _results(self, calls, threads: bool) -> Iterator[np.ndarray]:
        """What the calls return, in order: in threads where compiled loops let others work."""
        if self.n_jobs == 1:
            return (run(*arguments) for run, arguments in calls)
        import joblib

        if threads:
            return _in_threads(calls, joblib.effective_n_jobs(self.n_jobs))
        parallel = joblib.Parallel(n_jobs=self.n_jobs, return_as="generator")
        return parallel(joblib.delayed(run)(*arguments) for run, arguments in calls)


def _in_threads(calls, count: int) -> Iterator[np.ndarray]:
    pool = ThreadPoolExecutor(count)
    try:
        yield from pool.map(lambda call: call[0](*call[1]), calls)
    finally:
        pool.shutdown(cancel_futures=True)


def _cpus() -> int:
    import joblib

    return joblib.cpu_count()


class _Bar:
    """A progress bar on stderr, where notebooks and pipes don't take it for a result."""

    def __init__(self, total: int, shown: bool) -> None:
        self.total, self.shown, self.done, self.drawn = total, shown, 0, -1

    def __enter__(self):
        self.advance(0)
        return self

    def __exit__(self, *_):
        if self.shown:
            print(file=sys.stderr, flush=True)

    def advance(self, rows: int) -> None:
        self.done += rows
        tenths = 1_000 * self.done // self.total
        if self.shown and tenths != self.drawn:
            self.drawn = tenths
            filled = tenths * 30 // 1_000
            bar = "#" * filled + "." * (30 - filled)
            text = f"\r[{bar}] {self.done:,} of {self.total:,} combinations"
            print(text, end="", file=sys.stderr, flush=True)
