"""Run the compiled engine: from checked instruments to the account's books.

Importing this module imports numba: do it where it is used.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType

import numpy as np
import pandas as pd

from m2k_lessons._util import jit
from m2k_lessons.backtest import batch, inputs, kernels, plain, statistics
from m2k_lessons.backtest.inputs import UNITS_PER_USD, Instrument, Settings
from m2k_lessons.backtest.kernels import EVENTS, TAGS, AccountState, BarArrays

# Bars times runs that are simulated in plain Python rather than waited for the compiler.
_SMALL = 50_000
# Reading kept machine code takes less, compiling takes many times as long.
_SECONDS_TO_READ = 0.6


@dataclass(frozen=True)
class Run:
    """What the engine leaves: money in hundredths of a cent, prices in ticks."""

    state: AccountState
    tally: np.ndarray  # as `statistics.Tally`
    periods: statistics.Periods


class Engine:
    """Instruments and settings as the kernels take them, for one run or many."""

    def __init__(self, instruments: list[Instrument], settings: Settings) -> None:
        self.instruments, self.settings = instruments, settings
        days = instruments[0].days
        new_day = np.ones(len(days), bool)
        np.not_equal(days[1:], days[:-1], out=new_day[1:])
        self.bars = BarArrays(
            np.stack([found.prices for found in instruments]),
            new_day,
            _later(_distances(instruments), settings.delay),
            settings.at_close,
        )
        self._legs = np.array([_terms(found, settings) for found in instruments], np.int64)
        self.periods = statistics.periods(days)
        self._ends = self.periods.bars.astype(np.int64)
        self._used: list[AccountState] = []

    def new_state(self) -> AccountState:
        bars, legs = len(self.bars.new_day), len(self.instruments)
        trades = 64 + 16 * legs
        return AccountState(
            equity=np.zeros(bars, np.int64),
            held=np.zeros((legs, bars), np.int64),
            account=np.array([self.settings.capital, 0, 0, 0, 0, -1, -1], np.int64),
            legs=self._legs.copy(),
            rows=np.zeros((trades, kernels.ROW_WIDTH), np.int64),
            events=np.zeros((trades, kernels.EVENT_WIDTH), np.int64),
        )

    def batch(self, targets: np.ndarray) -> np.ndarray:
        """Tallies of many runs, given their target positions (runs by instruments by bars)."""
        try:
            state = self._used.pop()
        except IndexError:  # a first run, or threads that use the others
            state = self.new_state()
        if self._loops(targets.size) is plain:
            tallies = np.empty((len(targets), batch.TALLY_WIDTH))
            capital = self.settings.capital
            late = _later(targets, self.settings.delay)
            fine = plain.undisturbed(self.bars, self._legs, late, capital, self._ends, tallies)
            tallies[~fine], state = self._batch(targets[~fine], state)
        else:
            tallies, state = self._batch(targets, state)
        self._used.append(state)
        return tallies

    def _batch(self, targets: np.ndarray, state: AccountState):
        """The tallies, and the state that the last run left."""
        tallies = np.empty((len(targets), batch.TALLY_WIDTH))
        targets = _later(targets, self.settings.delay)
        capital, done = self.settings.capital, 0
        run_batch = self._loops(targets.size).run_batch
        while True:
            done = run_batch(self.bars, state, targets, capital, self._ends, tallies, done)
            if done == len(targets):
                break
            state = _grown(state)  # and that run begins anew
        unknown = int(state.account[kernels.UNKNOWN])
        inputs.check_known(self.instruments, unknown, self.settings.delay)
        return tallies, state

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_used": []}  # what other processes are sent

    def run(self, targets_of: list[np.ndarray]) -> Run:
        """Run one target for each instrument, given as fractions of a full position."""
        instruments, settings = self.instruments, self.settings
        bars = len(self.bars.new_day)
        targets = np.zeros((1, len(instruments), bars), np.int64)
        questions: dict[int, list[tuple[int, int]]] = {}  # bar -> legs to size, and until when
        for leg, (found, target) in enumerate(zip(instruments, targets_of, strict=True)):
            if callable(found.contracts):
                decisions = [*_decisions(target, settings.resize), bars]
                for bar, following in itertools.pairwise(decisions):
                    questions.setdefault(int(bar), []).append((leg, int(following)))
            else:
                targets[0, leg] = inputs.held(target, found.contracts)
        if not any(callable(found.contracts) for found in instruments):
            tallies, state = self._batch(targets, self.new_state())
            return Run(state, tallies[0], self.periods)
        state, reached = self.new_state(), -1
        for bar in sorted(questions):
            state = self._advance(state, targets[0], reached, bar)
            reached = bar
            equity_usd = int(state.account[kernels.CASH]) / UNITS_PER_USD
            for leg, following in questions[bar]:
                size = inputs.sized(instruments[leg], equity_usd, bar)
                targets[0, leg, bar:following] = inputs.held(targets_of[leg][bar:following], size)
        state = self._advance(state, targets[0], reached, bars)
        inputs.check_known(instruments, int(state.account[kernels.UNKNOWN]), settings.delay)
        counted = np.empty(batch.TALLY_WIDTH)
        self._loops(bars).tally(state, settings.capital, self._ends, counted)
        return Run(state, counted, self.periods)

    def tally(self, target: np.ndarray) -> np.ndarray:
        """The tally of one target for one instrument, given as fractions of a full position."""
        contracts = self.instruments[0].contracts
        if callable(contracts):
            return self.run([target]).tally
        return self.batch(inputs.held(target, contracts)[np.newaxis, np.newaxis])[0]

    def _advance(self, state, targets, begin: int, end: int) -> AccountState:
        targets = _later(targets, self.settings.delay)
        advance = self._loops(targets.size).advance
        while (begin := advance(self.bars, state, targets, begin, end)) < end:
            state = _grown(state)
        return state

    def _loops(self, work: int) -> ModuleType | _Compiled:
        """Who simulates `work` bars: compiled code, or plain Python while there is none yet."""
        if not jit.is_compiled(kernels.advance):
            return plain
        return _compiled.loops(self, work)


class _Compiled:
    """The compiled loops, made in a thread of their own while small runs go on without them."""

    def __init__(self) -> None:
        self.advance, self.run_batch, self.tally = kernels.advance, batch.run_batch, batch.tally
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def loops(self, machine: Engine, work: int) -> ModuleType | _Compiled:
        with self._lock:
            if self._thread is None:
                # Python waits for it before it ends, so that the machine code is kept.
                self._thread = threading.Thread(target=self._compile, args=(machine,))
                self._thread.start()
                self._thread.join(_SECONDS_TO_READ)
        if work > _SMALL:
            self._thread.join()
        return plain if self._thread.is_alive() else self

    def wait(self) -> None:
        if self._thread is not None:
            self._thread.join()

    def _compile(self, machine: Engine) -> None:
        """Compile for the types of what an engine calls the loops with, or read what is kept."""
        import numba

        def types(*arguments):
            return tuple(map(numba.typeof, arguments))

        state, ends = machine.new_state(), machine._ends
        targets = np.zeros((1, *state.held.shape), np.int64)
        tallies = np.empty((1, batch.TALLY_WIDTH))
        self.run_batch.compile(types(machine.bars, state, targets, 0, ends, tallies, 0))
        self.advance.compile(types(machine.bars, state, targets[0], 0, 0))
        self.tally.compile(types(state, 0, ends, tallies[0]))


_compiled = _Compiled()


def wait_until_compiled() -> None:
    """Let the compiler end that the first run has started, if one has."""
    _compiled.wait()


def simulate(instruments: list[Instrument], settings: Settings) -> Run:
    """Play all bars by the instruments' own targets."""
    return Engine(instruments, settings).run([found.target for found in instruments])


def _decisions(target: np.ndarray, resize: bool) -> np.ndarray:
    """Bars at whose close the size of the position is decided."""
    changed = target != np.concatenate([[0.0], target[:-1]])
    return np.flatnonzero((target != 0) & (changed | resize))


def _terms(found: Instrument, settings: Settings) -> list[int]:
    """A row of the kernels' `legs` before the first bar."""
    sides = found.commission, found.slippage
    roll = sides if settings.roll_costs else (0, 0)
    margins = found.initial, found.maintenance
    return [0] * kernels.TICK_VALUE + [found.tick_value, *sides, *roll, *margins, found.protection]


def _distances(instruments: list[Instrument]) -> np.ndarray:
    longest = max(found.distances.shape[1] for found in instruments)
    shape = len(instruments), 2, longest
    return np.stack([np.broadcast_to(found.distances, shape[1:]) for found in instruments])


def _later(table: np.ndarray, bars: int) -> np.ndarray:
    """The same so many bars later; what changes nowhere stays."""
    if not bars or table.shape[-1] == 1:
        return table
    moved = np.zeros_like(table)
    moved[..., bars:] = table[..., :-bars]
    return moved


def _grown(state: AccountState) -> AccountState:
    def more(array):
        return np.concatenate([array, np.zeros_like(array), np.zeros_like(array)])

    return state._replace(rows=more(state.rows), events=more(state.events))


@dataclass(frozen=True)
class Trades:
    """Every trade, in order of entry; open ones as if sold at the last close, free of cost.

    One entry per trade: money in hundredths of a cent, prices in ticks.
    """

    rows: np.ndarray  # as in the kernels, open trades closed
    contracts: np.ndarray
    ticks: np.ndarray  # won or lost per contract
    commission: np.ndarray
    slippage: np.ndarray
    pnl: np.ndarray
    returns: np.ndarray  # fraction of the notional at entry

    @property
    def entry_bar(self) -> np.ndarray:
        return self.rows[:, kernels.ENTRY_BAR]

    @property
    def exit_bar(self) -> np.ndarray:
        return self.rows[:, kernels.EXIT_BAR]


def trades(state: AccountState, instruments: list[Instrument]) -> Trades:
    rows = state.rows[: state.account[kernels.ROWS]].copy()
    still_open = rows[:, kernels.EXIT_BAR] < 0
    rows[still_open, kernels.EXIT_BAR] = len(state.equity) - 1
    marks = state.legs[rows[still_open, kernels.LEG], kernels.MARK]
    rows[still_open, kernels.EXIT_PRICE] = marks
    rows = rows[np.lexsort((rows[:, kernels.EXIT_BAR], rows[:, kernels.ENTRY_BAR]))]
    size, leg = rows[:, kernels.SIZE], rows[:, kernels.LEG]
    contracts = np.abs(size)
    tick_value = np.array([own.tick_value for own in instruments])[leg]
    ticks = (rows[:, kernels.EXIT_PRICE] - rows[:, kernels.ENTRY_PRICE]) * np.sign(size)
    sides = rows[:, kernels.ENTRY_COMMISSION] + rows[:, kernels.EXIT_COMMISSION]
    slipped = rows[:, kernels.ENTRY_SLIPPAGE] + rows[:, kernels.EXIT_SLIPPAGE]
    commission = contracts * sides
    pnl = ticks * contracts * tick_value - commission
    notional = rows[:, kernels.ENTRY_PRICE] * contracts * tick_value
    return Trades(
        rows=rows,
        contracts=contracts,
        ticks=ticks,
        commission=commission,
        slippage=contracts * slipped * tick_value,
        pnl=pnl,
        returns=pnl / notional,
    )


def trade_table(found: Trades, instruments: list[Instrument]) -> pd.DataFrame:
    """The table of trades, in points and dollars."""
    rows = found.rows
    leg = rows[:, kernels.LEG]

    def points(column):
        prices = np.full(len(rows), np.nan)
        # A level far away stands for none.
        known = np.abs(rows[:, column]) < kernels.NO_LEVEL // 2
        for number, own in enumerate(instruments):
            these = known & (leg == number)
            prices[these] = own.in_points(rows[these, column])
        return prices

    index = instruments[0].bars.index
    entry_time, exit_time = index[found.entry_bar], index[found.exit_bar]
    return pd.DataFrame(
        {
            "Size": rows[:, kernels.SIZE],
            "EntryBar": found.entry_bar,
            "ExitBar": found.exit_bar,
            "EntryPrice": points(kernels.ENTRY_PRICE),
            "ExitPrice": points(kernels.EXIT_PRICE),
            "SL": points(kernels.STOP),
            "TP": points(kernels.PROFIT),
            "PnL": found.pnl / UNITS_PER_USD,
            "Commission": found.commission / UNITS_PER_USD,
            "ReturnPct": found.returns,
            "EntryTime": entry_time,
            "ExitTime": exit_time,
            "Duration": exit_time - entry_time,
            "Tag": _words(TAGS[reason] for reason in rows[:, kernels.REASON]),
            "Symbol": _words(instruments[number].symbol for number in leg),
            "Contracts": found.contracts,
            "Ticks": found.ticks,
            "Slippage": found.slippage / UNITS_PER_USD,
        }
    )


def events(state: AccountState, instruments: list[Instrument]) -> pd.DataFrame:
    """Margin calls and orders that the margin cut short."""
    rows = state.events[: state.account[kernels.EVENTS_SEEN]]
    symbols = [own.symbol for own in instruments]
    return pd.DataFrame(
        {
            "Time": instruments[0].bars.index[rows[:, 0]],
            "Bar": rows[:, 0],
            "Symbol": _words(
                "all" if leg == kernels.ALL_LEGS else symbols[leg] for leg in rows[:, 1]
            ),
            "Event": _words(EVENTS[kind] for kind in rows[:, 2]),
            "Asked": rows[:, 3],
            "Given": rows[:, 4],
            "Equity": rows[:, 5] / UNITS_PER_USD,
            "Margin": rows[:, 6] / UNITS_PER_USD,
        }
    )


def _words(texts: Iterable[str]) -> pd.Series:
    return pd.Series(list(texts), dtype="str")  # also where there are none
