"""The engine, bar by bar, compiled. The order of events is told in `m2k_lessons.backtest`.

Prices are whole ticks. Money is counted in hundredths of a cent, so that the quarter-dollar tick
of one contract and the broken cents of a broker's fee are both whole numbers and no sum is ever
rounded. A leg is one contract of a portfolio.

Importing this module imports numba: do it where it is used. Whatever the compiled code reads is
in this file, because numba compiles anew only when this file changes.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np

from m2k_lessons._util.jit import kernel

_kernel = functools.partial(kernel, allocates=False)

# Columns of `rows`, one row per trade: what one order opened, or the closed part of it. An exit
# bar of -1 is an open trade. Prices as filled, slippage included; commissions per contract;
# slippages in ticks. RESTING is 1 once a stop has become a limit order at the edge of its
# protection. OPEN_ROW is a list of its own: the rows still open, oldest first.
LEG, SIZE, ENTRY_BAR, EXIT_BAR, ENTRY_PRICE, EXIT_PRICE, STOP, PROFIT = range(8)
ENTRY_COMMISSION, EXIT_COMMISSION, ENTRY_SLIPPAGE, EXIT_SLIPPAGE = range(8, 12)
REASON, RESTING, OPEN_ROW = range(12, 15)
ROW_WIDTH = 15
NO_LEVEL = 2**60  # a stop or profit target beyond half of it stands for none

# Why a trade was closed, column `Tag` of the trades.
TAGS = ("open", "target", "stop", "profit target", "margin call", "roll")
OPEN, TARGET, STOPPED, TOOK_PROFIT, LIQUIDATED, ROLLED = map(np.int64, range(len(TAGS)))

# Columns of `events`: bar, leg, kind, contracts asked for, contracts given, equity, margin.
EVENTS = ("margin call", "order reduced", "order refused")
MARGIN_CALL, REDUCED, REFUSED = range(len(EVENTS))
EVENT_WIDTH = 7
ALL_LEGS = -1

# Entries of `account`: money; how much of the tables is filled; bars with a position; the latest
# bar with an exit; a bar whose order had a distance that isn't known, else -1.
CASH, ROWS, OPEN_TRADES, EVENTS_SEEN, EXPOSED, LAST_EXIT, UNKNOWN = range(7)

# Columns of `legs`. State: contracts; price up to which CASH holds the profit; side that a stop,
# profit target or margin call closed, else 0; contracts struck off the target position; prices
# that a quiet bar stays between. Terms: money per tick and contract; money per contract and side,
# ticks per side, and both for a roll; margins in money per contract; ticks from a stop to the
# edge of its protection, 0 for none.
POSITION, MARK, BLOCKED_SIDE, STRUCK, FLOOR, CEILING = range(6)
TICK_VALUE, COMMISSION, SLIPPAGE, ROLL_COMMISSION, ROLL_SLIPPAGE = range(6, 11)
INITIAL, MAINTENANCE, PROTECTION = range(11, 14)
LEG_WIDTH = 14

# Second axis of `prices`, in ticks: prices; the bar, this one or a later one, that is the first
# of another contract; on such a bar, the gap from the old contract to the new one.
OPENS, HIGHS, LOWS, CLOSES, NEXT_ROLL, GAP = range(6)


class BarArrays(NamedTuple):
    """What happened."""

    prices: np.ndarray  # legs by OPENS ... GAP by bars
    new_day: np.ndarray  # bool, per bar: a settlement lies between this bar and the one before
    # Legs by (stop, profit target) by bars, or by 1 where it doesn't change: distance from the
    # fill in ticks for orders of that close, 0 for none, -1 where it isn't known.
    distances: np.ndarray
    at_close: bool  # orders are filled at the close that decides them


class AccountState(NamedTuple):
    """The account: everything the engine changes, and the terms beside it."""

    equity: np.ndarray  # money after each bar
    held: np.ndarray  # contracts after each bar, legs by bars
    account: np.ndarray  # CASH ... UNKNOWN
    legs: np.ndarray  # legs by POSITION ... PROTECTION
    rows: np.ndarray
    events: np.ndarray


@_kernel()
def advance(bars, state, targets, begin, end):
    """Go from the close of bar `begin` to the close of bar `end`, just before its orders.

    `begin` is -1 at the start, `end` the number of bars to finish the last one. `targets` holds
    the target position at each close from `begin` to `end - 1`, legs by bars. Returns the bar
    reached, which is before `end` if the tables are full; nothing of the next bar has happened.
    """
    prices, new_day, distances, at_close = bars
    equity, held, account, legs, rows, events = state
    count = len(new_day)
    bar = begin
    while bar < end:
        if bar > 0:
            last = min(end, count - 1)
            bar = _pass_quiet_bars(
                prices, new_day, equity, held, account, legs, rows, targets, bar, last
            )
        if bar == end:
            break
        # One bar can split every open trade by a roll, and part of one trade per leg for each of
        # a margin call and the orders at open and close; each leg opens at most two trades.
        most_rows = account[ROWS] + account[OPEN_TRADES] + 8 * len(legs)
        if most_rows > len(rows) or account[EVENTS_SEEN] + 4 * len(legs) + 1 > len(events):
            return bar
        if bar >= 0:
            if at_close:
                _follow_orders(
                    prices, distances, account, legs, rows, events, targets, CLOSES, bar, bar
                )
            equity[bar] = account[CASH]
            account[EXPOSED] += account[OPEN_TRADES] > 0 or account[LAST_EXIT] == bar
            for leg in range(len(legs)):
                held[leg, bar] = legs[leg, POSITION]
        bar += 1
        if bar == count:
            continue
        required = _required(legs, MAINTENANCE)
        called = new_day[bar] and account[OPEN_TRADES] > 0 and account[CASH] < required
        if called:
            _note(account, events, bar, ALL_LEGS, MARGIN_CALL, 0, 0, required)
        for leg in range(len(legs)):
            if prices[leg, NEXT_ROLL, bar] == bar and legs[leg, POSITION] != 0:
                _roll(account, legs, rows, bar, leg, prices[leg, GAP, bar])
        _mark(prices, account, legs, OPENS, bar)
        _exits(prices, account, legs, rows, bar, True)
        if called:
            _liquidate(prices, account, legs, rows, bar)
        if not at_close and bar > 0:
            _follow_orders(
                prices, distances, account, legs, rows, events, targets, OPENS, bar, bar - 1
            )
        _exits(prices, account, legs, rows, bar, False)
        _mark(prices, account, legs, CLOSES, bar)
    return end


@_kernel(inline=True)
def _pass_quiet_bars(prices, new_day, equity, held, account, legs, rows, targets, bar, end):
    """Go on from the close of `bar` while prices move and nothing else happens.

    Only for speed: what it passes, a bar of `advance` would only mark, many times as slowly.
    Returns the bar before the next order, roll, level touched or margin call, or `end`.
    """
    _find_levels(account, legs, rows)
    # Unsigned numbers of bars: what may be negative counts from the end, and is not vectorised.
    now, one_more, last = np.uint64(bar), np.uint64(1), np.uint64(end)
    for leg in range(len(legs)):
        before = targets[leg, bar - 1]
        reached = now
        while reached < last and targets[leg, reached] == before:
            reached += one_more
        last = reached
        if legs[leg, POSITION] == 0 or bar == end:
            continue
        last = min(last, np.uint64(prices[leg, NEXT_ROLL, bar + 1] - 1))
        floor, ceiling = legs[leg, FLOOR], legs[leg, CEILING]
        if floor > -NO_LEVEL or ceiling < NO_LEVEL:
            reached = now + one_more
            while (
                reached <= last
                and prices[leg, LOWS, reached] > floor
                and prices[leg, HIGHS, reached] < ceiling
            ):
                reached += one_more
            last = reached - one_more
    cash, lowest = account[CASH], account[CASH]
    for passed in range(last - now + one_more):
        equity[now + passed] = cash
    for leg in range(len(legs)):
        if legs[leg, POSITION] != 0:
            unit, mark = legs[leg, POSITION] * legs[leg, TICK_VALUE], legs[leg, MARK]
            for passed in range(last - now):
                reached = now + one_more + passed
                equity[reached] += unit * (prices[leg, CLOSES, reached] - mark)
    if account[OPEN_TRADES] > 0:
        for passed in range(last - now):
            lowest = min(lowest, equity[now + passed])
        maintenance = _required(legs, MAINTENANCE)
        if lowest < maintenance:
            reached = now
            while reached < last and not (
                equity[reached] < maintenance and new_day[reached + one_more]
            ):
                reached += one_more
            last = reached
        account[EXPOSED] += np.int64(last - now)
    elif last > now and account[LAST_EXIT] == bar:
        account[EXPOSED] += 1
    account[CASH] = equity[last]
    for leg in range(len(legs)):
        for passed in range(last - now):
            held[leg, now + passed] = legs[leg, POSITION]
        legs[leg, MARK] = prices[leg, CLOSES, last]
    return np.int64(last)


@_kernel(inline=True)
def _find_levels(account, legs, rows):
    """Prices at which an open trade would end, for each leg: the nearest below, and above."""
    for leg in range(len(legs)):
        legs[leg, FLOOR], legs[leg, CEILING] = -NO_LEVEL, NO_LEVEL
    for index in range(account[OPEN_TRADES]):
        number = rows[index, OPEN_ROW]
        leg = rows[number, LEG]
        side = 1 if rows[number, SIZE] > 0 else -1
        below, above = rows[number, STOP], rows[number, PROFIT]
        if rows[number, RESTING] == 1:
            below = -side * NO_LEVEL
            above = rows[number, STOP] - side * legs[leg, PROTECTION]
        if side < 0:
            below, above = above, below
        legs[leg, FLOOR] = max(legs[leg, FLOOR], below)
        legs[leg, CEILING] = min(legs[leg, CEILING], above)


@_kernel(inline=True)
def _mark(prices, account, legs, price_of, bar):
    """Pay out what each position gained since it was last marked."""
    for leg in range(len(legs)):
        price = prices[leg, price_of, bar]
        gained = legs[leg, POSITION] * (price - legs[leg, MARK])
        account[CASH] += gained * legs[leg, TICK_VALUE]
        legs[leg, MARK] = price


@_kernel(inline=True)
def _required(legs, margin):
    total = 0
    for leg in range(len(legs)):
        total += legs[leg, margin] * abs(legs[leg, POSITION])
    return total


@_kernel()
def _note(account, events, bar, leg, kind, asked, given, margin):
    number = account[EVENTS_SEEN]
    events[number, 0], events[number, 1], events[number, 2] = bar, leg, kind
    events[number, 3], events[number, 4] = asked, given
    events[number, 5], events[number, 6] = account[CASH], margin
    account[EVENTS_SEEN] += 1


@_kernel()
def _open_trade(account, legs, rows, bar, leg, size, price, slippage, commission, stop, profit):
    """Add a trade; `price` is the market's, the fill is worse by `slippage` ticks."""
    fill = price + slippage if size > 0 else price - slippage
    number = account[ROWS]
    rows[number, LEG], rows[number, SIZE] = leg, size
    rows[number, ENTRY_BAR], rows[number, EXIT_BAR] = bar, -1
    rows[number, ENTRY_PRICE], rows[number, EXIT_PRICE] = fill, 0
    rows[number, STOP], rows[number, PROFIT] = stop, profit
    rows[number, ENTRY_COMMISSION], rows[number, EXIT_COMMISSION] = commission, 0
    rows[number, ENTRY_SLIPPAGE], rows[number, EXIT_SLIPPAGE] = slippage, 0
    rows[number, REASON], rows[number, RESTING] = OPEN, 0
    rows[account[OPEN_TRADES], OPEN_ROW] = number
    account[OPEN_TRADES] += 1
    account[ROWS] += 1
    legs[leg, POSITION] += size
    gained = size * (legs[leg, MARK] - fill)
    account[CASH] += gained * legs[leg, TICK_VALUE] - abs(size) * commission
    return number


@_kernel()
def _close_trade(account, legs, rows, bar, number, contracts, price, slippage, commission, reason):
    """Close a trade or a part of it. A part becomes a row of its own; the rest stays open."""
    leg = rows[number, LEG]
    side = 1 if rows[number, SIZE] > 0 else -1
    fill = price - side * slippage
    closed = number
    if contracts < abs(rows[number, SIZE]):
        closed = account[ROWS]
        account[ROWS] += 1
        for column in range(OPEN_ROW):
            rows[closed, column] = rows[number, column]
        rows[closed, SIZE] = side * contracts
        rows[number, SIZE] -= side * contracts
    rows[closed, EXIT_BAR], rows[closed, EXIT_PRICE] = bar, fill
    rows[closed, EXIT_COMMISSION], rows[closed, EXIT_SLIPPAGE] = commission, slippage
    rows[closed, REASON] = reason
    account[LAST_EXIT] = bar
    legs[leg, POSITION] -= side * contracts
    gained = side * contracts * (fill - legs[leg, MARK])
    account[CASH] += gained * legs[leg, TICK_VALUE] - contracts * commission


@_kernel(inline=True)
def _forget_closed(account, rows):
    kept = 0
    for index in range(account[OPEN_TRADES]):
        number = rows[index, OPEN_ROW]
        if rows[number, EXIT_BAR] < 0:
            rows[kept, OPEN_ROW] = number
            kept += 1
    account[OPEN_TRADES] = kept


@_kernel(inline=True)
def _strike_off(legs, leg, side, contracts):
    """What a stop, profit target or margin call took is off the target position."""
    legs[leg, STRUCK] += contracts
    if legs[leg, POSITION] == 0:
        legs[leg, BLOCKED_SIDE] = side


@_kernel()
def _roll(account, legs, rows, bar, leg, gap):
    """Close every trade at the old contract's last price, open it in the new one."""
    slippage, commission = legs[leg, ROLL_SLIPPAGE], legs[leg, ROLL_COMMISSION]
    old = legs[leg, MARK]
    trades = account[OPEN_TRADES]
    for index in range(trades):
        number = rows[index, OPEN_ROW]
        if rows[number, LEG] == leg:
            size = abs(rows[number, SIZE])
            _close_trade(account, legs, rows, bar, number, size, old, slippage, commission, ROLLED)
    price = old + gap
    legs[leg, MARK] = price
    for index in range(trades):
        number = rows[index, OPEN_ROW]
        if rows[number, LEG] == leg and rows[number, REASON] == ROLLED:
            size = rows[number, SIZE]
            stop, profit = rows[number, STOP] + gap, rows[number, PROFIT] + gap
            again = _open_trade(
                account, legs, rows, bar, leg, size, price, slippage, commission, stop, profit
            )
            rows[again, RESTING] = rows[number, RESTING]
    _forget_closed(account, rows)


@_kernel(inline=True)
def _exits(prices, account, legs, rows, bar, at_open):
    """Levels that the open has jumped over, or those reached between open and close.

    A gap is filled at the open: worse for a stop, better for a limit order. When one bar touches
    both, the stop came first. Where stops have a protection, one that is gapped through by more
    becomes a limit order at its edge, which may never be filled.
    """
    trades = account[OPEN_TRADES]
    for index in range(trades):
        number = rows[index, OPEN_ROW]
        leg, stop, profit = rows[number, LEG], rows[number, STOP], rows[number, PROFIT]
        side = 1 if rows[number, SIZE] > 0 else -1
        opened = prices[leg, OPENS, bar]
        worst, best = opened, opened
        if not at_open:
            worst, best = prices[leg, LOWS, bar], prices[leg, HIGHS, bar]
            if side < 0:
                worst, best = best, worst
        edge = stop - side * legs[leg, PROTECTION]
        price, slippage, reason = opened, 0, OPEN
        if rows[number, RESTING] == 0 and side * (worst - stop) <= 0:
            # Slippage can put the stop of a new trade on the wrong side of the open.
            price = stop if side * (opened - stop) >= 0 else opened
            slippage, reason = legs[leg, SLIPPAGE], STOPPED
            if legs[leg, PROTECTION] > 0:
                slippage = min(slippage, side * (price - edge))
                if slippage < 0:
                    rows[number, RESTING], slippage, reason = 1, 0, OPEN
        elif rows[number, RESTING] == 0 and side * (best - profit) >= 0:
            price, reason = opened if at_open else profit, TOOK_PROFIT
        if rows[number, RESTING] == 1 and side * (best - edge) >= 0:
            price, reason = opened if at_open else edge, STOPPED
        if reason != OPEN:
            size, commission = abs(rows[number, SIZE]), legs[leg, COMMISSION]
            _close_trade(
                account, legs, rows, bar, number, size, price, slippage, commission, reason
            )
            _strike_off(legs, leg, side, size)
    if account[LAST_EXIT] == bar:
        _forget_closed(account, rows)


@_kernel()
def _reduce(account, legs, rows, bar, leg, contracts, price, reason):
    """Close `contracts` of a position, the oldest trades first."""
    slippage, commission = legs[leg, SLIPPAGE], legs[leg, COMMISSION]
    for index in range(account[OPEN_TRADES]):
        number = rows[index, OPEN_ROW]
        if contracts > 0 and rows[number, LEG] == leg:
            part = min(contracts, abs(rows[number, SIZE]))
            _close_trade(
                account, legs, rows, bar, number, part, price, slippage, commission, reason
            )
            contracts -= part
    _forget_closed(account, rows)


@_kernel(inline=True)
def _liquidate(prices, account, legs, rows, bar):
    """Cut every leg to the share of the initial margin that the equity still covers."""
    equity = account[CASH]
    required = _required(legs, INITIAL)
    if equity >= required and equity >= 0:
        return
    for leg in range(len(legs)):
        size = abs(legs[leg, POSITION])
        side = 1 if legs[leg, POSITION] > 0 else -1
        # `size * equity // required` bit by bit: the product would not always fit in 64 bits.
        kept, rest = 0, 0
        for bit in range(16, -1, -1):
            if equity > 0:
                rest = 2 * rest + equity * ((size >> bit) & 1)
                kept, rest = 2 * kept + rest // required, rest % required
        if kept < size:
            price = prices[leg, OPENS, bar]
            _reduce(account, legs, rows, bar, leg, size - kept, price, LIQUIDATED)
            _strike_off(legs, leg, side, size - kept)


@_kernel(inline=True)
def _follow_orders(prices, distances, account, legs, rows, events, targets, price_of, bar, decided):
    """Fill what was decided at the close of bar `decided`; what frees margin goes first."""
    for leg in range(len(legs)):
        target = targets[leg, decided]
        before = targets[leg, decided - 1] if decided > 0 else 0
        if target * before <= 0:
            legs[leg, BLOCKED_SIDE], legs[leg, STRUCK] = 0, 0
        if target == before or legs[leg, BLOCKED_SIDE] != 0:
            continue
        surplus = abs(legs[leg, POSITION])
        if legs[leg, POSITION] * target > 0:
            surplus -= max(0, abs(target) - legs[leg, STRUCK])
        if surplus > 0:
            price = prices[leg, price_of, bar]
            _reduce(account, legs, rows, bar, leg, surplus, price, TARGET)
    for leg in range(len(legs)):
        target = targets[leg, decided]
        before = targets[leg, decided - 1] if decided > 0 else 0
        if target == before or legs[leg, BLOCKED_SIDE] != 0:
            continue
        asked = abs(target) - legs[leg, STRUCK] - abs(legs[leg, POSITION])
        if asked > 0:
            given = min(asked, _affordable(account, legs, leg))
            if given < asked:
                kind, required = REDUCED if given > 0 else REFUSED, _required(legs, INITIAL)
                _note(account, events, bar, leg, kind, asked, given, required)
                legs[leg, STRUCK] += asked - given
            if given > 0:
                side = 1 if target > 0 else -1
                price, slippage = prices[leg, price_of, bar], legs[leg, SLIPPAGE]
                commission, size = legs[leg, COMMISSION], side * given
                fill = price + side * slippage
                stop = fill - side * _distance(distances, account, leg, 0, decided)
                profit = fill + side * _distance(distances, account, leg, 1, decided)
                _open_trade(
                    account, legs, rows, bar, leg, size, price, slippage, commission, stop, profit
                )


@_kernel(inline=True)
def _distance(distances, account, leg, kind, decided):
    distance = distances[leg, kind, min(decided, distances.shape[2] - 1)]
    if distance < 0:
        account[UNKNOWN] = decided
    # So far beyond that neither a fill nor the gap of a roll makes a level of it.
    return distance if distance > 0 else 2 * NO_LEVEL


@_kernel(inline=True)
def _affordable(account, legs, leg):
    """How many more contracts the equity covers, their own costs deducted."""
    spare = account[CASH] - _required(legs, INITIAL)
    each = legs[leg, INITIAL] + legs[leg, COMMISSION] + legs[leg, SLIPPAGE] * legs[leg, TICK_VALUE]
    if spare < 0:
        return 0
    return spare // each if each > 0 else 2**62
