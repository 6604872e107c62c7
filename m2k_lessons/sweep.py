"""Run one strategy with many settings: a table with one row for each combination.

A row holds what `backtest.run` says about that combination, to the last digit. Combinations are
independent of each other, so they may run one after the other, side by side on this machine
(`n_jobs`), or on a cluster: whatever `joblib.parallel_config` names is used, and the table is the
same.

**Many combinations are many tries.** The best row of a sweep is chosen with hindsight. What its
number is worth after that is the subject of `evidence`.

**A fast way** is taken by itself for `strategies.trend_following`, `threshold` and
`mean_reversion` (also with settings fixed by `functools.partial`), with a whole number of
contracts and without stop and profit target: rule and account of many combinations go through
the bars together, in compiled code that keeps nothing per bar and combination. A combination
whose account comes near its margin is left to the engine, and so is everything else.

**Ctrl-C** stops the sweep with `SweepInterrupted`, so that a script or "Run all" stops as well.
The finished rows are its attribute `table`; after the fact, in a notebook,
`import sys; sys.last_value.table`.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from m2k_lessons import _check, indicators, strategies
from m2k_lessons._backtest import inputs, statistics
from m2k_lessons._backtest.statistics import Tally
from m2k_lessons.backtest import checked_account
from m2k_lessons.contracts import M2K, Contract

__all__ = ["Prepared", "SweepInterrupted", "heat_map", "prepare", "sweep"]

_LARGEST_EXACT = 2**53  # up to here a float holds every whole number
_LARGEST_WHOLE = 2**63 - 1
_MILLIONTHS = 1_000_000  # of a point, in which `strategies.trend_following` compares
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
    >>> from m2k_lessons import simulate
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
    >>> from m2k_lessons import simulate
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
        >>> from m2k_lessons import simulate
        >>> ready = prepare(simulate.daily(years=2, seed=7)["M2K"])
        >>> ready.sweep(strategies.threshold, [{"buy_above": 2400, "sell_below": 2300}]).shape[0]
        1
        """
        if not callable(strategy):
            raise TypeError(f"strategy must be a function, got {strategy!r}")
        if not isinstance(progress, (bool, np.bool_)):
            raise TypeError(f"progress must be True or False, got {progress!r}")
        n_jobs = _check.whole("n_jobs", n_jobs)
        if n_jobs == 0:
            raise ValueError("n_jobs must be a whole number other than 0, got 0")
        takes_bars = _takes_bars(strategy, of)
        combinations = _combinations(grid, constraint)
        _check_names(strategy, combinations)
        tasks = _Tasks(self, strategy, takes_bars, combinations, n_jobs)
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

    def _run_by_engine(self, strategy, takes_bars: bool, settings: list[dict]) -> np.ndarray:
        return np.array([self._tally(strategy, takes_bars, one) for one in settings])

    def _tally(self, strategy, takes_bars: bool, settings: dict) -> Tally:
        from m2k_lessons._backtest import engine

        bars = self._leg.bars
        given = bars if takes_bars else bars["close"]
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
    def _fast_market(self) -> _FastMarket | None:
        return _fast_market(self)

    def _run_fast(self, kind: int, window: int, rules: np.ndarray):
        """Tallies, and which runs came near their margin and have none."""
        from m2k_lessons import _sweep_kernels as kernels

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


# ---------------------------------------------------------------- the fast way

_FAST = {"trend_following": 0, "threshold": 1, "mean_reversion": 2}  # as in the kernels
_DEFAULTS = {
    name: {
        setting: parameter.default
        for setting, parameter in list(inspect.signature(rule).parameters.items())[1:]
    }
    for name in _FAST
    for rule in [getattr(strategies, name)]
}


@dataclass(frozen=True)
class _FastMarket:
    """What the kernel needs of the bars; its docstring tells the rows of `market`."""

    close: pd.Series
    sums: np.ndarray | None  # of the closes in ticks; None if those are not exact
    market: np.ndarray
    edges: np.ndarray
    terms: np.ndarray

    def series(self, kind: int, window: int) -> np.ndarray:
        if kind == _FAST["trend_following"]:
            return self.sums
        prices = self.close.to_numpy(dtype=np.float64)
        if kind == _FAST["threshold"]:
            return np.ascontiguousarray(prices)
        # As in `strategies.mean_reversion`.
        lower, middle, _ = indicators.bollinger(self.close, window, 1.0).to_numpy().T
        deviation = middle - lower
        flat = deviation == 0
        return np.where(flat, 0.0, (prices - middle) / np.where(flat, 1.0, deviation))


def _fast_market(ready: Prepared) -> _FastMarket | None:
    leg, account = ready._leg, ready._account
    whole = not callable(leg.contracts) and not isinstance(leg.contracts, np.ndarray)
    if leg.stop or leg.profit or not whole:
        return None
    from m2k_lessons import _sweep_kernels as kernels

    table, size, bars = leg.table, leg.contracts, len(leg.table)
    opens, _, _, closes, rolls, gap = table.T.astype(np.float64)
    unit = float(leg.tick_value * size)
    lag = 0 if account["at_close"] else 1
    fills = opens if lag else closes
    before = np.concatenate([closes[:1], closes[:-1]])
    market = np.zeros((8, bars))
    market[0], market[1], market[2] = fills * unit, before * unit, closes * unit
    market[3, 1:] = (fills - before - gap)[1:] * unit
    market[4, 1:] = (closes - fills)[1:] * unit
    market[5, ready._periods.bars[1:]] = 1.0
    market[6], market[7] = rolls, gap * unit
    cost = size * (leg.commission + leg.slippage * leg.tick_value)
    most = np.abs(market[3:5]).sum() + account["capital"] + 4.0 * cost * bars
    if max(most, np.abs(market[:3]).max(), closes.max() * bars) >= _LARGEST_EXACT / 2:
        return None
    starts = np.union1d(np.arange(lag, bars, kernels.MOST_BARS), np.flatnonzero(rolls))
    millionths = np.rint(leg.bars["close"].to_numpy(dtype=np.float64) * _MILLIONTHS)
    exact = np.array_equal(millionths, closes * (_MILLIONTHS / leg.contract._ticks_per_point))
    return _FastMarket(
        close=leg.bars["close"],
        sums=np.concatenate([[0.0], np.cumsum(closes)]) if exact else None,
        market=market,
        edges=np.append(starts, max(bars, lag)),
        terms=np.array(
            [
                lag,
                account["capital"],
                cost,
                cost if account["roll_costs"] else 0,
                size * leg.initial,
            ],
            np.float64,
        ),
    )


def _fast_rules(ready: Prepared, strategy, takes_bars: bool, combinations: _Combinations):
    """Kind of rule, a row of numbers and the window for each combination, and which can go fast.

    A combination that is not plainly right is none of them: the strategy itself is to refuse it.
    """
    nothing = 0, None, np.zeros(combinations.count, bool), None
    fixed = {}
    if isinstance(strategy, functools.partial) and not strategy.args:
        strategy, fixed = strategy.func, strategy.keywords
    name = getattr(strategy, "__name__", "")
    if name not in _FAST or strategy is not getattr(strategies, name) or takes_bars:
        return nothing
    fast = ready._fast_market
    if fast is None or (name == "trend_following" and fast.sums is None):
        return nothing

    def numbers(setting: str, kind) -> np.ndarray:
        """The values of a setting as floats; NaN where it is not of this kind."""
        if setting in combinations.names:
            values, codes = combinations.values[setting], combinations.codes[setting]
        else:
            values = [fixed.get(setting, _DEFAULTS[name][setting])]
            codes = np.zeros(combinations.count, np.intp)
        kept = [float(one) if _is_plain(one, kind) else math.nan for one in values]
        return np.array(kept)[codes]

    long_only = numbers("long_only", bool)
    floor = np.where(long_only == 1, 0.0, -1.0)
    if name == "trend_following":
        first, second = numbers("fast", int), numbers("slow", int)
        highest = float(ready._leg.bars["close"].max()) * _MILLIONTHS
        sound = (first >= 1) & (first < second) & (highest * first * second <= _LARGEST_WHOLE)
        window = None
    elif name == "threshold":
        first, second = numbers("buy_above", float), numbers("sell_below", float)
        sound = (second <= first) & np.isfinite(first) & np.isfinite(second)
        window = None
    else:
        first, second = numbers("entry", float), numbers("exit", float)
        window = numbers("window", int)
        sound = (window >= 2) & (first > second) & (second >= 0) & np.isfinite(first)
    sound &= ~np.isnan(long_only)
    rules = np.column_stack([first, second, floor])
    return _FAST[name], rules, sound, window


def _is_plain(value, kind) -> bool:
    if kind is bool or isinstance(value, (bool, np.bool_)):
        return kind is bool and isinstance(value, (bool, np.bool_))
    whole = isinstance(value, (int, np.integer))
    return (whole or (kind is float and isinstance(value, float))) and abs(value) < _LARGEST_EXACT


# ---------------------------------------------------------------- one after the other, or not


@dataclass(frozen=True)
class _Tasks:
    ready: Prepared
    strategy: Callable
    takes_bars: bool
    combinations: _Combinations
    n_jobs: int

    def run(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield rows of the table and their tallies as they are done."""
        ready, strategy = self.ready, self.strategy
        found = _fast_rules(ready, strategy, self.takes_bars, self.combinations)
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
        run, strategy, takes_bars = self.ready._run_by_engine, self.strategy, self.takes_bars
        calls = (
            (run, (strategy, takes_bars, [self.combinations.settings(row) for row in block]))
            for block in blocks
        )
        yield from zip(blocks, self._results(calls, None), strict=True)

    def _fast(self, kind: int, rules: np.ndarray, rows: np.ndarray, window):
        from m2k_lessons import _sweep_kernels as kernels

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


# ---------------------------------------------------------------- the grid


@dataclass(frozen=True)
class _Combinations:
    """Settings by name: the values, and which of them each combination has."""

    names: list[str]
    values: dict[str, list]
    codes: dict[str, np.ndarray]
    count: int

    def settings(self, row: int) -> dict[str, Any]:
        return {name: self.values[name][self.codes[name][row]] for name in self.names}

    def column(self, name: str, rows: np.ndarray) -> pd.Series:
        values = _as_given(self.values[name])
        return values.take(self.codes[name][rows]).reset_index(drop=True)

    def kept(self, where: np.ndarray) -> _Combinations:
        codes = {name: numbers[where] for name, numbers in self.codes.items()}
        return replace(self, codes=codes, count=int(where.sum()))


def _as_given(values: list) -> pd.Series:
    """Settings as a column. Beside numbers, pandas would make NaN of None, and floats of ints."""
    return pd.Series(values, dtype=object if any(one is None for one in values) else None)


def _combinations(grid, constraint) -> _Combinations:
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


def _product(grid: Mapping) -> _Combinations:
    if not grid:
        raise ValueError("grid must name at least one setting, got an empty mapping")
    values = {}
    for name, given in grid.items():
        if not isinstance(name, str):
            raise TypeError(f"grid must have names of settings as its keys, got {name!r}")
        values[name] = _values(name, given)
    sizes = [len(one) for one in values.values()]
    count = math.prod(sizes)
    rows = np.arange(count)
    codes = {
        name: rows // math.prod(sizes[number + 1 :]) % sizes[number]
        for number, name in enumerate(values)
    }
    return _Combinations(list(values), values, codes, count)


def _values(name: str, given) -> list:
    if isinstance(given, (np.ndarray, pd.Series, pd.Index)):
        if given.ndim != 1:
            raise ValueError(f"grid[{name!r}] must have one dimension, got shape {given.shape}")
        given = given.tolist()
    if isinstance(given, (str, bytes)) or not isinstance(given, Sequence):
        raise TypeError(
            f"grid[{name!r}] must be a sequence of values such as [10, 20], got {given!r}"
        )
    if not len(given):
        raise ValueError(f"grid[{name!r}] must hold at least one value, got none")
    return list(given)


def _listed(grid) -> _Combinations:
    accepted = "grid must be a mapping of names to values, or a list of mappings"
    if isinstance(grid, (str, bytes)) or not isinstance(grid, Sequence):
        raise TypeError(f"{accepted}, got {grid!r}")
    if not grid:
        raise ValueError(f"{accepted}, got an empty list")
    for one in grid:
        if not isinstance(one, Mapping):
            raise TypeError(f"{accepted}, got {one!r} in the list")
        if set(one) != set(grid[0]) or not one:
            raise ValueError(
                f"{accepted} that all name the same settings, got {dict(grid[0])!r} and "
                f"{dict(one)!r}"
            )
    names = list(grid[0])
    values = {name: [one[name] for one in grid] for name in names}
    codes = {name: np.arange(len(grid)) for name in names}
    return _Combinations(names, values, codes, len(grid))


def _takes_bars(strategy, of: str | None) -> bool:
    if of is not None:
        return _check.choice("of", of, ("close", "bars")) == "bars"
    parameters = _parameters(strategy)
    return bool(parameters) and next(iter(parameters)) == "bars"


def _parameters(strategy) -> Mapping[str, inspect.Parameter] | None:
    try:
        return inspect.signature(strategy).parameters
    except ValueError:  # something built in that doesn't tell
        return None


def _check_names(strategy, combinations: _Combinations) -> None:
    parameters = _parameters(strategy)
    if parameters is None:
        return
    settings = dict(itertools.islice(parameters.items(), 1, None))
    kinds = {one.kind for one in parameters.values()}
    name = getattr(strategy, "__name__", None) or type(strategy).__name__
    takes = ", ".join(
        one for one, of in settings.items() if of.kind not in (of.VAR_KEYWORD, of.VAR_POSITIONAL)
    )
    for one in combinations.names:
        named = one in settings and settings[one].kind in (
            inspect.Parameter.KEYWORD_ONLY,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
        )
        if not named and inspect.Parameter.VAR_KEYWORD not in kinds:
            raise ValueError(
                f"grid must name settings of {name}, which takes {takes or 'none'}; got {one!r}"
            )
    for one, parameter in settings.items():
        wild = parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL)
        if parameter.default is parameter.empty and not wild and one not in combinations.names:
            raise ValueError(
                f"grid must have values for every setting that {name} needs, got none for {one!r}"
            )


# ---------------------------------------------------------------- the figure


def heat_map(table: pd.DataFrame, x: str, y: str, value: str = "Sharpe Ratio", *, axes=None):
    """Draw one figure of a sweep over two of its settings.

    The highest value is marked. A cell without a value is hatched: that combination was left out,
    or there is no number for it.

    Parameters
    ----------
    table : DataFrame
        From `sweep`.
    x, y : str
        Names of two settings.
    value : str
        Name of the figure.
    axes : matplotlib Axes, optional
        A new figure when omitted.

    Returns
    -------
    Axes
        Finish with `plots.show()`, which also has the text for those who can't see it.

    Raises
    ------
    ValueError, TypeError
        Columns that are not in the table or hold no numbers; several rows for one cell.

    Examples
    --------
    >>> table = pd.DataFrame({"fast": [5, 5, 10], "slow": [20, 40, 40], "Return [$]": [1.0, 3, 2]})
    >>> axes = heat_map(table, "fast", "slow", "Return [$]")
    >>> axes.get_ylabel()
    'slow'
    """
    if not isinstance(table, pd.DataFrame):
        raise TypeError(f"table must be a DataFrame from sweep, got {type(table).__name__}")
    for argument, column in (("x", x), ("y", y), ("value", value)):
        _check.choice(argument, column, table.columns)
    if x == y:
        raise ValueError(f"x and y must be two settings, got {x!r} twice")
    if not pd.api.types.is_numeric_dtype(table[value]):
        raise TypeError(f"value must name a column of numbers, got {value!r}")
    if not len(table):
        raise ValueError("table must have at least one row, got none")
    twice = table.duplicated([x, y])
    if twice.any():
        one = table[twice].iloc[0]
        raise ValueError(
            f"table must have one row for each {x} and {y}, got several for {x}={one[x]} and "
            f"{y}={one[y]}; choose one value of the other settings first"
        )
    cells = table.pivot(index=y, columns=x, values=value)
    from m2k_lessons._sweep_figure import draw

    return draw(cells, x, y, value, table.attrs.get("label", ""), axes)
