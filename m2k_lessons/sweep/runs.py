"""One strategy with many settings: a table with a row for each combination."""

from __future__ import annotations

import functools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs, statistics
from m2k_lessons.backtest.runs import checked_account
from m2k_lessons.backtest.statistics import Tally
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.sweep.compiled import FastMarket, fast_market, fast_rules
from m2k_lessons.sweep.grid import Combinations, check_names, combinations_of, takes_bars

_BLOCK = 20_000_000  # bars times combinations between two looks at the keyboard
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


def sweep(
    bars: pd.DataFrame,
    strategy: Callable[..., pd.Series],
    grid: Mapping[str, Sequence] | Sequence[Mapping[str, Any]],
    *,
    of: str | None = None,
    constraint: Callable[..., bool] | None = None,
    n_jobs: int = 1,
    progress: bool = False,
    contract: Contract = M2K,
    contracts: int | pd.Series | Callable[[float, float, pd.Timestamp], int] = 1,
    capital: float = 10_000,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    stop_points: float | None = None,
    target_points: float | None = None,
    margin: float | tuple[float, float] | None = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: pd.Series | None = None,
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
    contract, contracts, capital, commission_usd, slippage_ticks, stop_points, target_points
        As in `backtest.run`.
    margin, fill, resize, roll_costs, roll_gap_points
        As in `backtest.run`.

    Returns
    -------
    DataFrame
        One row per combination, in the grid's order: its settings, then figures under their
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
    ready = prepare(
        bars,
        contract=contract,
        contracts=contracts,
        capital=capital,
        commission_usd=commission_usd,
        slippage_ticks=slippage_ticks,
        stop_points=stop_points,
        target_points=target_points,
        margin=margin,
        fill=fill,
        resize=resize,
        roll_costs=roll_costs,
        roll_gap_points=roll_gap_points,
    )
    return ready.sweep(
        strategy, grid, of=of, constraint=constraint, n_jobs=n_jobs, progress=progress
    )


def prepare(
    bars: pd.DataFrame,
    *,
    contract: Contract = M2K,
    contracts: int | pd.Series | Callable[[float, float, pd.Timestamp], int] = 1,
    capital: float = 10_000,
    commission_usd: float | None = None,
    slippage_ticks: int = 1,
    stop_points: float | None = None,
    target_points: float | None = None,
    margin: float | tuple[float, float] | None = None,
    fill: str = "next_open",
    resize: bool = False,
    roll_costs: bool = True,
    roll_gap_points: pd.Series | None = None,
) -> Prepared:
    """Check bars and money once, for many sweeps: what an explorer does behind a slider.

    Parameters
    ----------
    bars, contract, contracts, capital, commission_usd, slippage_ticks, stop_points, target_points
        As in `sweep`. The bars must not be changed afterwards.
    margin, fill, resize, roll_costs, roll_gap_points
        As in `sweep`.

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
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    own_names = ("contracts", "commission_usd", "slippage_ticks", "stop_points", "target_points")
    names = {name: name for name in ("bars", "target", "margin", "roll_gap_points", *own_names)}
    leg = inputs.leg(
        contract.symbol,
        bars,
        inputs.LATER,
        contract,
        names=names,
        contracts=contracts,
        commission_usd=commission_usd,
        slippage_ticks=slippage_ticks,
        stop_points=stop_points,
        target_points=target_points,
        margin=margin,
        roll_gap_points=roll_gap_points,
    )
    account = checked_account([leg], capital, fill, resize, roll_costs)
    return Prepared(leg, account, statistics.periods(leg.days))


@dataclass(frozen=True)
class Prepared:
    """Bars and money, checked; see `prepare`."""

    _leg: inputs.Leg
    _account: dict[str, Any]
    _periods: statistics.Periods

    def __repr__(self) -> str:
        return f"Prepared({self._leg.symbol}, {inputs.span(self._leg.bars.index)})"

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

    def _table(self, combinations, rows: np.ndarray, tallies: np.ndarray) -> pd.DataFrame:
        per_year, capital = self._periods.per_year, self._account["capital"]
        columns = {name: combinations.column(name, rows) for name in combinations.names}
        columns |= statistics.figures(Tally(*tallies.T), capital, per_year)
        table = pd.DataFrame(columns, copy=False)
        table.attrs = dict(self._leg.bars.attrs)  # the label of simulated prices
        table.attrs["settings"] = list(combinations.names)
        return table

    # -------------------------------------------------------------- by the engine

    def _run_by_engine(self, strategy, whole_frame: bool, settings: list[dict]) -> np.ndarray:
        return np.array([self._tally(strategy, whole_frame, one) for one in settings])

    def _tally(self, strategy, whole_frame: bool, settings: dict) -> Tally:
        from m2k_lessons.backtest import engine

        bars = self._leg.bars
        given = bars if whole_frame else bars["close"]
        told = ", ".join(f"{name}={value!r}" for name, value in settings.items())
        try:
            # A copy of the frame only: pandas copies the numbers if the strategy writes to them.
            target = strategy(given.copy(deep=False), **settings)
        except Exception as error:
            raise ValueError(
                f"strategy must work with every combination of grid, got {type(error).__name__} "
                f"with {told}: {error}"
            ) from error
        name = f"what strategy returns with {told}"
        checked = inputs.position_target(name, target, "bars", bars.index)
        legs, account = [replace(self._leg, target=checked)], self._account
        books = engine.simulate(legs, **account)
        return statistics.count_up(
            account["capital"],
            books.equity,
            self._periods,
            engine.lots(books, legs),
            engine.events_by_kind(books),
        )

    # -------------------------------------------------------------- by the fast way

    @functools.cached_property
    def _fast_market(self) -> FastMarket | None:
        return fast_market(self)

    def _run_fast(self, kind: int, window: int, rules: np.ndarray):
        """Tallies, and which runs came near their margin and have none."""
        from m2k_lessons.sweep import kernels

        fast, leg = self._fast_market, self._leg
        raw = np.empty((len(rules), kernels.COLUMNS))
        series = fast.series(kind, window)
        kernels.run_all(kind, series, rules, fast.market, fast.edges, fast.terms, raw)
        sides = raw[:, kernels.FILLS]
        if self._account["roll_costs"]:
            sides = sides + raw[:, kernels.ROLL_FILLS]
        size = leg.contracts
        tallies = np.zeros((len(rules), len(Tally._fields)))
        shared = kernels.SQUARES_FRACTION + 1
        tallies[:, :shared] = raw[:, :shared]
        own = {
            "bars": len(leg.table),
            "exposed": raw[:, kernels.EXPOSED],
            "trades": raw[:, kernels.TRADES],
            "wins": raw[:, kernels.WINS],
            "won": raw[:, kernels.WON],
            "lost": raw[:, kernels.LOST],
            "commission": sides * (leg.commission * size),
            "slippage": sides * (leg.slippage * leg.tick_value * size),
        }
        for name, values in own.items():
            tallies[:, Tally._fields.index(name)] = values
        return tallies, raw[:, kernels.SPARE] <= 0


@dataclass(frozen=True)
class _Tasks:
    ready: Prepared
    strategy: Callable
    whole_frame: bool
    combinations: Combinations
    n_jobs: int

    def run(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows of the table and their tallies as they are done."""
        ready, strategy = self.ready, self.strategy
        found = fast_rules(ready, strategy, self.whole_frame, self.combinations)
        kind, rules, sound, window = found
        # Those that are not plainly right first: what is refused is refused at once.
        yield from self._by_engine(np.flatnonzero(~sound))
        left = []
        for rows, (found, scarce) in self._fast(kind, rules, np.flatnonzero(sound), window):
            left.append(rows[scarce])
            yield rows[~scarce], found[~scarce]
        if left:
            yield from self._by_engine(np.concatenate(left))

    def _by_engine(self, rows: np.ndarray):
        size = 1 if self.n_jobs == 1 else math.ceil(len(rows) / (_TASKS_PER_JOB * _cpus()))
        blocks = [rows[at : at + size] for at in range(0, len(rows), size or 1)]
        run, strategy, whole_frame = self.ready._run_by_engine, self.strategy, self.whole_frame
        calls = (
            (run, (strategy, whole_frame, [self.combinations.settings(row) for row in block]))
            for block in blocks
        )
        yield from zip(blocks, self._results(calls, None), strict=True)

    def _fast(self, kind: int, rules: np.ndarray, rows: np.ndarray, window):
        from m2k_lessons.sweep import kernels

        if not len(rows):
            return
        groups = [(0, rows)]
        if window is not None:
            groups = [(int(one), rows[window[rows] == one]) for one in np.unique(window[rows])]
        size = max(1, _BLOCK // len(self.ready._leg.table))
        if self.n_jobs != 1:
            size = min(size, math.ceil(len(rows) / (2 * _cpus())))
        size = kernels.LANES * math.ceil(size / kernels.LANES)
        blocks = [
            (one, members[at : at + size])
            for one, members in groups
            for at in range(0, len(members), size)
        ]
        calls = ((self.ready._run_fast, (kind, one, rules[block])) for one, block in blocks)
        results = self._results(calls, "threads")  # the kernel lets other threads work
        yield from zip((block for _, block in blocks), results, strict=True)

    def _results(self, calls, prefer: str | None):
        if self.n_jobs == 1:
            return (run(*arguments) for run, arguments in calls)
        import joblib

        parallel = joblib.Parallel(n_jobs=self.n_jobs, prefer=prefer, return_as="generator")
        return parallel(joblib.delayed(run)(*arguments) for run, arguments in calls)


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
