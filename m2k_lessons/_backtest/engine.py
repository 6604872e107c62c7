"""Run the compiled engine: from checked legs to the account's books.

Importing this module imports numba: do it where it is used.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import numpy as np
import pandas as pd

from m2k_lessons._backtest import inputs, kernel
from m2k_lessons._backtest.inputs import UNITS_PER_USD, Leg
from m2k_lessons._backtest.kernel import EVENTS, TAGS, Books, Market, Rules


def simulate(legs: list[Leg], capital: int, *, at_close: bool, roll_costs: bool, resize: bool):
    """Play all bars and return the books, money in hundredths of a cent, prices in ticks."""
    bars = len(legs[0].ticks)
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
        equity_usd = int(books.account[kernel.CASH]) / UNITS_PER_USD
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
    while (begin := kernel.advance(market, rules, books, wanted, begin, end)) < end:
        books = _with_more_room(books)
    return books


def _market(legs: list[Leg]) -> Market:
    columns = [np.column_stack([one.ticks, one.rolls, one.gap]) for one in legs]
    return Market(np.stack(columns, axis=1), inputs.new_days(legs[0].bars.index))


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
        rows=np.zeros((lots, kernel.ROW_WIDTH), np.int64),
        open_rows=np.zeros(lots, np.int64),
        events=np.zeros((lots, kernel.EVENT_WIDTH), np.int64),
    )


def _with_more_room(books: Books) -> Books:
    def grown(array):
        return np.concatenate([array, np.zeros_like(array), np.zeros_like(array)])

    return books._replace(
        rows=grown(books.rows), open_rows=grown(books.open_rows), events=grown(books.events)
    )


def trades(books: Books, legs: list[Leg]) -> pd.DataFrame:
    """One row per lot, in order of entry; open lots as if sold at the last close, free of cost."""
    rows = books.rows[: books.account[kernel.ROWS]].copy()
    size, contracts = rows[:, kernel.SIZE], np.abs(rows[:, kernel.SIZE])
    leg = rows[:, kernel.LEG]
    still_open = rows[:, kernel.EXIT_BAR] < 0
    last = len(books.equity) - 1
    rows[still_open, kernel.EXIT_BAR] = last
    rows[still_open, kernel.EXIT_PRICE] = books.legs[leg[still_open], kernel.MARK]

    def term(name):
        return np.array([getattr(one, name) for one in legs], np.int64)[leg]

    tick_size = np.array([1 / one.contract._ticks_per_point for one in legs])[leg]
    per_point = np.array([one.contract._ticks_per_point for one in legs])[leg]
    multiplier = np.array([float(one.contract.multiplier) for one in legs])[leg]

    def points(column):
        return rows[:, column] / per_point

    ticks = (rows[:, kernel.EXIT_PRICE] - rows[:, kernel.ENTRY_PRICE]) * np.sign(size)
    commission = contracts * (rows[:, kernel.ENTRY_COMMISSION] + rows[:, kernel.EXIT_COMMISSION])
    slippage = contracts * (rows[:, kernel.ENTRY_SLIPPAGE] + rows[:, kernel.EXIT_SLIPPAGE])
    pnl = ticks * contracts * term("tick_value") - commission
    entry_usd = rows[:, kernel.ENTRY_PRICE] * tick_size * multiplier * contracts
    index = legs[0].bars.index
    entry_time = index[rows[:, kernel.ENTRY_BAR]]
    exit_time = index[rows[:, kernel.EXIT_BAR]]
    table = pd.DataFrame(
        {
            "Size": size,
            "EntryBar": rows[:, kernel.ENTRY_BAR],
            "ExitBar": rows[:, kernel.EXIT_BAR],
            "EntryPrice": points(kernel.ENTRY_PRICE),
            "ExitPrice": points(kernel.EXIT_PRICE),
            "SL": np.where(term("stop") > 0, points(kernel.STOP), np.nan),
            "TP": np.where(term("profit") > 0, points(kernel.PROFIT), np.nan),
            "PnL": pnl / UNITS_PER_USD,
            "Commission": commission / UNITS_PER_USD,
            "ReturnPct": pnl / UNITS_PER_USD / entry_usd,
            "EntryTime": entry_time,
            "ExitTime": exit_time,
            "Duration": exit_time - entry_time,
            "Tag": _words(TAGS[reason] for reason in rows[:, kernel.REASON]),
            "Symbol": _words(legs[number].symbol for number in leg),
            "Contracts": contracts,
            "Ticks": ticks,
            "Slippage": slippage * term("tick_value") / UNITS_PER_USD,
        }
    )
    order = np.lexsort((np.arange(len(table)), rows[:, kernel.EXIT_BAR], rows[:, kernel.ENTRY_BAR]))
    return table.iloc[order].reset_index(drop=True)


def events(books: Books, legs: list[Leg]) -> pd.DataFrame:
    """Margin calls and orders that the margin cut short."""
    rows = books.events[: books.account[kernel.EVENTS_SEEN]]
    symbols = [one.symbol for one in legs]
    return pd.DataFrame(
        {
            "Time": legs[0].bars.index[rows[:, 0]],
            "Bar": rows[:, 0],
            "Symbol": _words(
                "all" if leg == kernel.ALL_LEGS else symbols[leg] for leg in rows[:, 1]
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
