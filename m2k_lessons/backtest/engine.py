"""Run the compiled engine: from checked legs to the account's books.

Importing this module imports numba: do it where it is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons.backtest import inputs, kernels
from m2k_lessons.backtest.inputs import UNITS_PER_USD, Leg
from m2k_lessons.backtest.kernels import EVENTS, TAGS, Books, Market, Rules


def simulate(legs: list[Leg], capital: int, *, at_close: bool, roll_costs: bool, resize: bool):
    """Play all bars and return the books, money in hundredths of a cent, prices in ticks."""
    bars = len(legs[0].table)
    market = _market(legs)
    rules = _rules(legs, at_close, roll_costs)
    books = _new_books(bars, len(legs), capital)
    wanted = np.zeros((bars, len(legs)), np.int64)
    asked: dict[int, list[tuple[int, int]]] = {}  # bar -> legs to size there, and until when
    for number, one in enumerate(legs):
        if callable(one.contracts):
            decisions = [*_decisions(one.target, resize), bars]
            for bar, following in itertools.pairwise(decisions):
                asked.setdefault(int(bar), []).append((number, int(following)))
        else:
            wanted[:, number] = inputs.held(one.target, one.contracts)
    reached = -1
    for bar in sorted(asked):
        books = _advance(market, rules, books, wanted, reached, bar)
        reached = bar
        equity_usd = int(books.account[kernels.CASH]) / UNITS_PER_USD
        for number, following in asked[bar]:
            size = inputs.sized(legs[number], equity_usd, bar)
            stretch = slice(bar, following)
            wanted[stretch, number] = inputs.held(legs[number].target[stretch], size)
    return _advance(market, rules, books, wanted, reached, bars)


def _decisions(target: np.ndarray, resize: bool) -> np.ndarray:
    """Bars at whose close the size of the position is decided."""
    changed = target != np.concatenate([[0.0], target[:-1]])
    return np.flatnonzero((target != 0) & (changed | resize))


def _advance(market: Market, rules: Rules, books: Books, wanted, begin: int, end: int) -> Books:
    while (begin := kernels.advance(market, rules, books, wanted, begin, end)) < end:
        books = _with_more_room(books)
    return books


def _market(legs: list[Leg]) -> Market:
    days = legs[0].days
    new_day = np.ones(len(days), bool)
    np.not_equal(days[1:], days[:-1], out=new_day[1:])
    return Market(np.stack([one.table for one in legs], axis=1), new_day)


def _rules(legs: list[Leg], at_close: bool, roll_costs: bool) -> Rules:
    terms = ("tick_value", "commission", "slippage", "stop", "profit", "initial", "maintenance")
    table = np.array([[getattr(one, term) for term in terms] for one in legs], np.int64)
    return Rules(table, at_close=at_close, roll_costs=roll_costs)


def _new_books(bars: int, legs: int, capital: int) -> Books:
    lots = 64 + 16 * legs
    return Books(
        equity=np.zeros(bars, np.int64),
        held=np.zeros((bars, legs), np.int64),
        account=np.array([capital, 0, 0, 0], np.int64),
        legs=np.zeros((legs, 3), np.int64),
        rows=np.zeros((lots, kernels.ROW_WIDTH), np.int64),
        open_rows=np.zeros(lots, np.int64),
        events=np.zeros((lots, kernels.EVENT_WIDTH), np.int64),
    )


def _with_more_room(books: Books) -> Books:
    def grown(array):
        return np.concatenate([array, np.zeros_like(array), np.zeros_like(array)])

    return books._replace(
        rows=grown(books.rows), open_rows=grown(books.open_rows), events=grown(books.events)
    )


@dataclass(frozen=True)
class Lots:
    """Every lot, in order of entry; open ones as if sold at the last close, free of cost.

    One entry per lot: money in hundredths of a cent, prices in ticks.
    """

    rows: np.ndarray  # as in the kernels, open lots closed
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


def lots(books: Books, legs: list[Leg]) -> Lots:
    rows = books.rows[: books.account[kernels.ROWS]].copy()
    still_open = rows[:, kernels.EXIT_BAR] < 0
    rows[still_open, kernels.EXIT_BAR] = len(books.equity) - 1
    marks = books.legs[rows[still_open, kernels.LEG], kernels.MARK]
    rows[still_open, kernels.EXIT_PRICE] = marks
    rows = rows[np.lexsort((rows[:, kernels.EXIT_BAR], rows[:, kernels.ENTRY_BAR]))]
    size, leg = rows[:, kernels.SIZE], rows[:, kernels.LEG]
    contracts = np.abs(size)
    tick_value = np.array([one.tick_value for one in legs])[leg]
    ticks = (rows[:, kernels.EXIT_PRICE] - rows[:, kernels.ENTRY_PRICE]) * np.sign(size)
    sides = rows[:, kernels.ENTRY_COMMISSION] + rows[:, kernels.EXIT_COMMISSION]
    slipped = rows[:, kernels.ENTRY_SLIPPAGE] + rows[:, kernels.EXIT_SLIPPAGE]
    commission = contracts * sides
    pnl = ticks * contracts * tick_value - commission
    notional = rows[:, kernels.ENTRY_PRICE] * contracts * tick_value
    return Lots(
        rows=rows,
        contracts=contracts,
        ticks=ticks,
        commission=commission,
        slippage=contracts * slipped * tick_value,
        pnl=pnl,
        returns=pnl / notional,
    )


def trades(found: Lots, legs: list[Leg]) -> pd.DataFrame:
    """The table of lots, in points and dollars."""
    rows = found.rows
    leg = rows[:, kernels.LEG]
    per_point = np.array([one.contract._ticks_per_point for one in legs])[leg]

    def points(column, kept_if=None):
        prices = rows[:, column] / per_point
        if kept_if is None:
            return prices
        return np.where(np.array([getattr(one, kept_if) > 0 for one in legs])[leg], prices, np.nan)

    index = legs[0].bars.index
    entry_time, exit_time = index[found.entry_bar], index[found.exit_bar]
    return pd.DataFrame(
        {
            "Size": rows[:, kernels.SIZE],
            "EntryBar": found.entry_bar,
            "ExitBar": found.exit_bar,
            "EntryPrice": points(kernels.ENTRY_PRICE),
            "ExitPrice": points(kernels.EXIT_PRICE),
            "SL": points(kernels.STOP, "stop"),
            "TP": points(kernels.PROFIT, "profit"),
            "PnL": found.pnl / UNITS_PER_USD,
            "Commission": found.commission / UNITS_PER_USD,
            "ReturnPct": found.returns,
            "EntryTime": entry_time,
            "ExitTime": exit_time,
            "Duration": exit_time - entry_time,
            "Tag": _words(TAGS[reason] for reason in rows[:, kernels.REASON]),
            "Symbol": _words(legs[number].symbol for number in leg),
            "Contracts": found.contracts,
            "Ticks": found.ticks,
            "Slippage": found.slippage / UNITS_PER_USD,
        }
    )


def events_by_kind(books: Books) -> dict[str, int]:
    """How often each kind of event happened."""
    kinds = books.events[: books.account[kernels.EVENTS_SEEN], 2]
    counted = np.bincount(kinds, minlength=len(EVENTS))
    return dict(zip(EVENTS, counted.tolist(), strict=True))


def events(books: Books, legs: list[Leg]) -> pd.DataFrame:
    """Margin calls and orders that the margin cut short."""
    rows = books.events[: books.account[kernels.EVENTS_SEEN]]
    symbols = [one.symbol for one in legs]
    return pd.DataFrame(
        {
            "Time": legs[0].bars.index[rows[:, 0]],
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
