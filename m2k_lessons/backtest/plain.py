"""The engine where nothing is compiled: the kernels' own code, and numpy where bars are quiet.

`advance`, `tally` and `run_batch` take what those of `kernels` and `batch` take and leave the same
bits. `undisturbed` goes through many runs at once, as a sweep does with an account that never
meets its margin.
"""

from __future__ import annotations

import numpy as np

from m2k_lessons._util import jit
from m2k_lessons.backtest import batch

# A copy of its own, uncompiled also where there is a compiler.
kernels = jit.uncompiled("m2k_lessons.backtest.kernels")
advance = kernels.advance


def _pass_quiet_bars(prices, new_day, equity, held, account, legs, rows, targets, bar, end):
    """As in `kernels`, a stretch of bars at a time."""
    kernels._find_levels(account, legs, rows)
    last, wanted = int(end), targets[:, bar - 1]
    for leg in range(len(legs)):
        last = bar + _first(targets[leg, bar:last] != wanted[leg])
        if legs[leg, kernels.POSITION] == 0 or bar == end:
            continue
        last = min(last, int(prices[leg, kernels.NEXT_ROLL, bar + 1]) - 1)
        floor, ceiling = legs[leg, kernels.FLOOR], legs[leg, kernels.CEILING]
        if floor > -kernels.NO_LEVEL or ceiling < kernels.NO_LEVEL:
            stretch = slice(bar + 1, last + 1)
            touched = prices[leg, kernels.LOWS, stretch] <= floor
            touched |= prices[leg, kernels.HIGHS, stretch] >= ceiling
            last = bar + _first(touched)
    moves = equity[bar : last + 1]
    moves[:] = account[kernels.CASH]
    for leg in range(len(legs)):
        if legs[leg, kernels.POSITION] != 0:
            unit = legs[leg, kernels.POSITION] * legs[leg, kernels.TICK_VALUE]
            closes = prices[leg, kernels.CLOSES, bar + 1 : last + 1]
            moves[1:] += unit * (closes - legs[leg, kernels.MARK])
    if account[kernels.OPEN_TRADES] > 0:
        called = moves[:-1] < kernels._required(legs, kernels.MAINTENANCE)
        last = bar + _first(called & new_day[bar + 1 : last + 1])
        account[kernels.EXPOSED] += last - bar
    elif last > bar and account[kernels.LAST_EXIT] == bar:
        account[kernels.EXPOSED] += 1
    account[kernels.CASH] = equity[last]
    held[:, bar:last] = legs[:, kernels.POSITION, np.newaxis]
    legs[:, kernels.MARK] = prices[:, kernels.CLOSES, last]
    return last


kernels._pass_quiet_bars = _pass_quiet_bars  # type: ignore[attr-defined]


def _first(found: np.ndarray) -> int:
    """Where the first True stands, or how many there are where none is."""
    at = int(found.argmax()) if len(found) else 0
    return at if len(found) and found[at] else len(found)


def run_batch(bars, state, targets, capital, periods, tallies, begin):
    count = len(bars.new_day)
    for number in range(begin, len(targets)):
        state.account[: kernels.LAST_EXIT] = 0
        state.account[kernels.CASH], state.account[kernels.LAST_EXIT] = capital, -1
        state.legs[:, : kernels.TICK_VALUE] = 0
        if advance(bars, state, targets[number], -1, count) < count:
            return number
        tally(state, capital, periods, tallies[number])
    return len(targets)


def tally(state, capital, periods, found):
    equity, _, account, legs, rows, events = state
    count_equity(equity[np.newaxis], capital, periods, found[np.newaxis])
    found[batch.BARS_EXPOSED] = account[kernels.EXPOSED]
    rows = rows[: account[kernels.ROWS]]
    leg = rows[:, kernels.LEG]
    is_open = rows[:, kernels.EXIT_BAR] < 0
    last = np.where(is_open, legs[leg, kernels.MARK], rows[:, kernels.EXIT_PRICE])
    size, tick_value = rows[:, kernels.SIZE], legs[leg, kernels.TICK_VALUE]
    sides = rows[:, kernels.ENTRY_COMMISSION] + rows[:, kernels.EXIT_COMMISSION]
    slips = rows[:, kernels.ENTRY_SLIPPAGE] + rows[:, kernels.EXIT_SLIPPAGE]
    paid, slipped = np.abs(size) * sides, np.abs(size) * slips * tick_value
    gained = (last - rows[:, kernels.ENTRY_PRICE]) * size * tick_value - paid
    found[batch.TRADES], found[batch.WINS] = len(rows), (gained > 0).sum()
    found[batch.WON], found[batch.LOST] = gained[gained > 0].sum(), gained[gained < 0].sum()
    found[batch.PAID], found[batch.SLIPPED] = paid.sum(), slipped.sum()
    kinds = events[: account[kernels.EVENTS_SEEN], 2]
    for kind in range(len(kernels.EVENTS)):
        found[batch.EVENT_COUNTS + kind] = (kinds == kind).sum()


def count_equity(equity, capital, periods, found) -> None:
    """Fill what a tally has of the equity alone: runs by bars, a row of `found` for each run."""
    levels = np.empty((len(equity), equity.shape[1] + 1))
    levels[:, 0], levels[:, 1:] = capital, equity
    peaks = np.maximum.accumulate(levels, axis=1)
    found[:, batch.FINAL], found[:, batch.PEAK] = levels[:, -1], peaks[:, -1]
    found[:, batch.MAX_DRAWDOWN] = (peaks - levels).max(axis=1)
    found[:, batch.MIN_EQUITY_TO_PEAK] = (levels / peaks).min(axis=1)
    found[:, batch.BARS], found[:, batch.CHANGES] = equity.shape[1], len(periods) - 1
    levels = np.concatenate([levels[:, :1], levels[:, 1 + periods[1:]]], axis=1)
    found[:, batch.MIN_EQUITY] = levels.min(axis=1)
    found[:, batch.FIRST : batch.BARS] = 0.0
    if len(periods) == 1:
        return
    before, change = levels[:, :-1], np.diff(levels, axis=1)
    found[:, batch.FIRST] = change[:, 0]
    found[:, batch.FIRST_FRACTION] = change[:, 0] / before[:, 0]
    fraction = np.divide(change, before, out=np.zeros_like(change), where=before > 0)
    for changes, first, total, squares in (
        (change, batch.FIRST, batch.TOTAL, batch.SQUARES),
        (fraction, batch.FIRST_FRACTION, batch.TOTAL_FRACTION, batch.SQUARES_FRACTION),
    ):
        apart = changes - found[:, first, np.newaxis]
        # Added up from first to last, unlike `sum`.
        found[:, total] = np.add.accumulate(apart, axis=1)[:, -1]
        found[:, squares] = np.add.accumulate(apart * apart, axis=1)[:, -1]


def undisturbed(bars, terms, targets, capital, periods, tallies):
    """Fill the tallies of runs that only follow their targets; say for which runs that is so.

    The others have a margin call, an order beyond the margin, a stop, a profit target, or change
    the size of a position without turning it; or there are several contracts.

    Parameters
    ----------
    bars : kernels.BarArrays
    terms : array
        A row of `kernels`' legs for each contract.
    targets : int array
        Runs by legs by bars.
    capital : int
        Hundredths of a cent, as all money here.
    periods : int array
        Bars at which periods end.
    tallies : float array
        A row for each run, filled where the answer is True.

    Returns
    -------
    bool array
        One for each run.
    """
    runs = len(targets)
    if len(terms) > 1 or bars.distances.any():
        return np.zeros(runs, bool)
    opens, closes = bars.prices[0, kernels.OPENS], bars.prices[0, kernels.CLOSES]
    count, legs = len(closes), terms[0]
    tick_value, commission, slippage = legs[kernels.TICK_VALUE : kernels.ROLL_COMMISSION]
    side = commission + slippage * tick_value
    roll_side = legs[kernels.ROLL_COMMISSION] + legs[kernels.ROLL_SLIPPAGE] * tick_value
    rolls = bars.prices[0, kernels.NEXT_ROLL] == np.arange(count)
    # The close before, in the price of today's contract.
    old = np.concatenate([closes[:1], closes[:-1]])
    carried = old + bars.prices[0, kernels.GAP]
    fills = closes if bars.at_close else opens
    wait = 0 if bars.at_close else 1
    held = np.zeros((runs, count + 1), np.int64)  # with the position before the first bar
    held[:, 1 + wait :] = targets[:, 0, : count - wait]
    before, now = held[:, :-1], held[:, 1:]
    ordered, rolled = now != before, rolls & (before != 0)
    equity = now * (closes - fills)
    equity += before * (fills - carried)
    equity *= tick_value
    equity -= side * np.abs(now - before) + 2 * roll_side * (np.abs(before) * rolls)
    equity[:, 0] += capital
    np.add.accumulate(equity, axis=1, out=equity)
    exposed = (now != 0) | (ordered & (before != 0))
    at_order = equity - now * (closes - fills) * tick_value
    fine = ~(ordered & (at_order < np.abs(now) * legs[kernels.INITIAL]) & (now != 0)).any(axis=1)
    required = np.abs(now[:, :-1]) * legs[kernels.MAINTENANCE]
    called = bars.new_day[1:] & (now[:, :-1] != 0) & (equity[:, :-1] < required)
    fine &= ~called.any(axis=1) & ~(ordered & (before * now > 0)).any(axis=1)

    count_equity(equity, capital, periods, tallies)
    tallies[:, batch.BARS_EXPOSED] = exposed.sum(axis=1)
    tallies[:, batch.EVENT_COUNTS :] = 0.0
    # What begins or ends a trade, in order of time: on each bar first the roll, then the order.
    marks = np.stack([rolled, ordered], axis=2).reshape(runs, 2 * count)
    run, slot = np.nonzero(marks)
    bar, is_order = slot // 2, slot % 2 == 1
    size = np.where(is_order, now[run, bar], before[run, bar])
    kept = size != 0
    price_in = np.where(is_order, fills[bar], carried[bar])
    price_out = np.where(is_order, fills[bar], old[bar])
    paid_side = np.where(is_order, commission, legs[kernels.ROLL_COMMISSION])
    slip_side = np.where(is_order, slippage, legs[kernels.ROLL_SLIPPAGE])
    # The next mark of the same run ends the trade; where there is none, the last close does.
    ends = np.append(run[1:] == run[:-1], False) if len(run) else np.zeros(0, bool)
    following = np.minimum(np.arange(1, len(run) + 1), max(len(run) - 1, 0))
    price_out = np.where(ends, price_out[following], closes[-1])
    paid = np.abs(size) * (paid_side + np.where(ends, paid_side[following], 0))
    slipped = np.abs(size) * tick_value * (slip_side + np.where(ends, slip_side[following], 0))
    gained = (price_out - price_in) * size * tick_value - slipped - paid
    for column, amount in (
        (batch.TRADES, kept),
        (batch.WINS, gained > 0),
        (batch.WON, np.maximum(gained, 0)),
        (batch.LOST, np.minimum(gained, 0)),
        (batch.PAID, paid),
        (batch.SLIPPED, slipped),
    ):
        total = np.zeros(runs, np.int64)
        np.add.at(total, run[kept], amount[kept])
        tallies[:, column] = total
    return fine
