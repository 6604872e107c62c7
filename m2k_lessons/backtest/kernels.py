"""The engine, bar by bar, compiled. The order of events is told in `m2k_lessons.backtest`.

Prices are whole ticks. Money is counted in hundredths of a cent, so that the quarter-dollar tick
of one contract and the broken cents of a broker's fee are both whole numbers and no sum is ever
rounded. Arrays are bars by legs; a leg is one contract of a portfolio.

Importing this module imports numba: do it where it is used. Whatever the compiled code reads is
in this file, because numba compiles anew only when this file changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from m2k_lessons._util.jit import kernel

# Columns of `Books.rows`, one row per lot: what one order opened, or the closed part of it.
LEG = 0
SIZE = 1  # contracts, negative when sold first
ENTRY_BAR = 2
EXIT_BAR = 3  # -1 while open
ENTRY_PRICE = 4  # as filled, slippage included
EXIT_PRICE = 5
STOP = 6
PROFIT = 7
ENTRY_COMMISSION = 8  # per contract
EXIT_COMMISSION = 9
ENTRY_SLIPPAGE = 10  # ticks
EXIT_SLIPPAGE = 11
REASON = 12
ROW_WIDTH = 13

# Why a lot was closed, column `Tag` of the trades.
TAGS = ("open", "target", "stop", "profit target", "margin call", "roll")
OPEN, TARGET, STOPPED, TOOK_PROFIT, LIQUIDATED, ROLLED = range(len(TAGS))

# Columns of `Books.events`: bar, leg, kind, contracts asked for, contracts given, equity, margin.
EVENTS = ("margin call", "order reduced", "order refused")
MARGIN_CALL, REDUCED, REFUSED = range(len(EVENTS))
EVENT_WIDTH = 7
ALL_LEGS = -1

# Entries of `Books.account`: money, and how much of the tables is filled.
CASH, ROWS, OPEN_LOTS, EVENTS_SEEN = range(4)

# Columns of `Books.legs`: contracts; price up to which `CASH` holds the profit; side that a stop,
# profit target or margin call closed, else 0.
POSITION, MARK, BARRED = range(3)

# Last axis of `Market.bars`, in ticks: prices; whether this bar is the first of another
# contract (1 or 0), and if so, the gap from the old to the new one.
OPENS, HIGHS, LOWS, CLOSES, ROLLS, GAP = range(6)

# Columns of `Rules.terms`: money per tick and contract; money per contract and side; ticks per
# side; distances from the fill in ticks, 0 for none; margins in money per contract.
TICK_VALUE, COMMISSION, SLIPPAGE, STOP_DISTANCE, PROFIT_DISTANCE, INITIAL, MAINTENANCE = range(7)


# Few arrays, because the time to compile grows with their number.
class Market(NamedTuple):
    """What happened."""

    bars: np.ndarray  # bars by legs by OPENS ... GAP
    new_day: np.ndarray  # bool, per bar: a settlement lies between this bar and the one before


class Rules(NamedTuple):
    """How orders are filled and what they cost."""

    terms: np.ndarray  # legs by TICK_VALUE ... MAINTENANCE
    at_close: bool
    roll_costs: bool


class Books(NamedTuple):
    """The account: everything the engine changes."""

    equity: np.ndarray  # money after each bar
    held: np.ndarray  # contracts after each bar, by legs
    account: np.ndarray  # CASH ... EVENTS_SEEN
    legs: np.ndarray  # legs by POSITION ... BARRED
    rows: np.ndarray
    open_rows: np.ndarray  # rows still open, oldest first
    events: np.ndarray


@kernel
def advance(market, rules, books, wanted, begin, end):
    """Go from the close of bar `begin` to the close of bar `end`, just before its orders.

    `begin` is -1 at the start, `end` the number of bars to finish the last one. `wanted` holds
    the contracts asked for at each close from `begin` to `end - 1`. Returns the bar reached,
    which is before `end` if the books are full; nothing of the next bar has happened then.
    """
    bars, legs, _ = market.bars.shape
    bar = begin
    while bar < end:
        if bar > 0:
            bar = _pass_quiet_bars(market, rules, books, wanted, bar, min(end, bars - 1))
        if bar == end:
            break
        if not _has_room(books, legs):
            return bar
        if bar >= 0:
            if rules.at_close:
                _follow_orders(rules, books, wanted, market, CLOSES, bar, bar)
            books.equity[bar] = books.account[CASH]
            for leg in range(legs):
                books.held[bar, leg] = books.legs[leg, POSITION]
        if bar + 1 < bars:
            _run_bar(market, rules, books, wanted, bar + 1)
        bar += 1
    return end


@kernel
def _pass_quiet_bars(market, rules, books, wanted, bar, end):
    """Go on from the close of `bar` while prices move and nothing else happens.

    Only for speed: what it passes, `_run_bar` would only mark, ten times as slowly. Returns the
    bar before the next order, roll, level touched or margin call, or `end`.
    """
    legs = len(books.legs)
    bars, terms, state = market.bars, rules.terms, books.legs
    rows, open_rows = books.rows, books.open_rows
    lots = books.account[OPEN_LOTS]
    maintenance = _required(rules, books, MAINTENANCE)
    cash = books.account[CASH]
    while bar < end:
        after = bar + 1
        quiet = not (market.new_day[after] and lots > 0 and cash < maintenance)
        for leg in range(legs):
            if wanted[bar, leg] != wanted[bar - 1, leg]:
                quiet = False
            if bars[after, leg, ROLLS] and state[leg, POSITION] != 0:
                quiet = False
        for place in range(lots):
            row = open_rows[place]
            leg = rows[row, LEG]
            side = 1 if rows[row, SIZE] > 0 else -1
            worst = bars[after, leg, LOWS] if side > 0 else bars[after, leg, HIGHS]
            best = bars[after, leg, HIGHS] if side > 0 else bars[after, leg, LOWS]
            if terms[leg, STOP_DISTANCE] > 0 and side * (worst - rows[row, STOP]) <= 0:
                quiet = False
            if terms[leg, PROFIT_DISTANCE] > 0 and side * (best - rows[row, PROFIT]) >= 0:
                quiet = False
        if not quiet:
            break
        books.equity[bar] = cash
        for leg in range(legs):
            books.held[bar, leg] = state[leg, POSITION]
            cash += (
                state[leg, POSITION]
                * (bars[after, leg, CLOSES] - state[leg, MARK])
                * terms[leg, TICK_VALUE]
            )
            state[leg, MARK] = bars[after, leg, CLOSES]
        bar = after
    books.account[CASH] = cash
    return bar


@kernel
def _has_room(books, legs):
    # One bar can split every open lot by a roll, and part of one lot per leg for each of a
    # margin call and the orders at open and close; each leg opens at most two lots.
    lots = books.account[ROWS] + books.account[OPEN_LOTS] + 8 * legs
    return lots <= books.rows.shape[0] and books.account[EVENTS_SEEN] + 4 * legs + 1 <= len(
        books.events
    )


@kernel
def _run_bar(market, rules, books, wanted, bar):
    legs = len(books.legs)
    called = bar > 0 and market.new_day[bar] and _margin_is_short(rules, books, bar)
    for leg in range(legs):
        if market.bars[bar, leg, ROLLS] and books.legs[leg, POSITION] != 0:
            _roll(rules, books, bar, leg, market.bars[bar, leg, GAP])
    _mark(rules, books, market, OPENS, bar)
    _stops_at_open(rules, books, market, bar)
    if called:
        _liquidate(rules, books, market, bar)
    if not rules.at_close and bar > 0:
        _follow_orders(rules, books, wanted, market, OPENS, bar, bar - 1)
    _stops_within(market, rules, books, bar)
    _mark(rules, books, market, CLOSES, bar)


@kernel
def _mark(rules, books, market, price_of, bar):
    """Pay out what each position gained since it was last marked."""
    for leg in range(len(books.legs)):
        price = market.bars[bar, leg, price_of]
        gained = books.legs[leg, POSITION] * (price - books.legs[leg, MARK])
        books.account[CASH] += gained * rules.terms[leg, TICK_VALUE]
        books.legs[leg, MARK] = price


@kernel
def _required(rules, books, margin):
    total = 0
    for leg in range(len(books.legs)):
        total += rules.terms[leg, margin] * abs(books.legs[leg, POSITION])
    return total


@kernel
def _holds_anything(books):
    contracts = 0
    for leg in range(len(books.legs)):
        contracts += abs(books.legs[leg, POSITION])
    return contracts > 0


@kernel
def _note(books, bar, leg, kind, asked, given, margin):
    event = books.events[books.account[EVENTS_SEEN]]
    event[0], event[1], event[2] = bar, leg, kind
    event[3], event[4] = asked, given
    event[5], event[6] = books.account[CASH], margin
    books.account[EVENTS_SEEN] += 1


@kernel
def _margin_is_short(rules, books, bar):
    required = _required(rules, books, MAINTENANCE)
    short = _holds_anything(books) and books.account[CASH] < required
    if short:
        _note(books, bar, ALL_LEGS, MARGIN_CALL, 0, 0, required)
    return short


@kernel
def _open_lot(rules, books, bar, leg, size, price, slippage, commission, stop, profit):
    """Add a lot; `price` is the market's, the fill is worse by `slippage` ticks."""
    side = 1 if size > 0 else -1
    fill = price + side * slippage
    number = books.account[ROWS]
    row = books.rows[number]
    row[LEG], row[SIZE] = leg, size
    row[ENTRY_BAR], row[EXIT_BAR] = bar, -1
    row[ENTRY_PRICE], row[EXIT_PRICE] = fill, 0
    row[STOP], row[PROFIT] = stop, profit
    row[ENTRY_COMMISSION], row[EXIT_COMMISSION] = commission, 0
    row[ENTRY_SLIPPAGE], row[EXIT_SLIPPAGE] = slippage, 0
    row[REASON] = OPEN
    books.open_rows[books.account[OPEN_LOTS]] = number
    books.account[OPEN_LOTS] += 1
    books.account[ROWS] += 1
    books.legs[leg, POSITION] += size
    gained = size * (books.legs[leg, MARK] - fill)
    books.account[CASH] += gained * rules.terms[leg, TICK_VALUE] - abs(size) * commission


@kernel
def _close_lot(rules, books, bar, number, contracts, price, slippage, commission, reason):
    """Close a lot or a part of it. A part becomes a row of its own; the rest stays open."""
    row = books.rows[number]
    leg = row[LEG]
    side = 1 if row[SIZE] > 0 else -1
    fill = price - side * slippage
    closed = row
    if contracts < abs(row[SIZE]):
        closed = books.rows[books.account[ROWS]]
        books.account[ROWS] += 1
        for column in range(ROW_WIDTH):
            closed[column] = row[column]
        closed[SIZE] = side * contracts
        row[SIZE] -= side * contracts
    closed[EXIT_BAR], closed[EXIT_PRICE] = bar, fill
    closed[EXIT_COMMISSION], closed[EXIT_SLIPPAGE] = commission, slippage
    closed[REASON] = reason
    books.legs[leg, POSITION] -= side * contracts
    gained = side * contracts * (fill - books.legs[leg, MARK])
    books.account[CASH] += gained * rules.terms[leg, TICK_VALUE] - contracts * commission


@kernel
def _forget_closed(books):
    kept = 0
    for place in range(books.account[OPEN_LOTS]):
        number = books.open_rows[place]
        if books.rows[number, EXIT_BAR] < 0:
            books.open_rows[kept] = number
            kept += 1
    books.account[OPEN_LOTS] = kept


@kernel
def _bar_if_flat(books, leg, side):
    if books.legs[leg, POSITION] == 0:
        books.legs[leg, BARRED] = side


@kernel
def _roll(rules, books, bar, leg, gap):
    """Close every lot at the old contract's last price, open it in the new one."""
    slippage = rules.terms[leg, SLIPPAGE] if rules.roll_costs else 0
    commission = rules.terms[leg, COMMISSION] if rules.roll_costs else 0
    old = books.legs[leg, MARK]
    lots = books.account[OPEN_LOTS]
    for place in range(lots):
        number = books.open_rows[place]
        if books.rows[number, LEG] == leg:
            contracts = abs(books.rows[number, SIZE])
            _close_lot(rules, books, bar, number, contracts, old, slippage, commission, ROLLED)
    books.legs[leg, MARK] = old + gap
    for place in range(lots):
        number = books.open_rows[place]
        row = books.rows[number]
        if row[LEG] == leg and row[REASON] == ROLLED:
            _open_lot(
                rules,
                books,
                bar,
                leg,
                row[SIZE],
                old + gap,
                slippage,
                commission,
                row[STOP] + gap,
                row[PROFIT] + gap,
            )
    _forget_closed(books)


@kernel
def _stops_at_open(rules, books, market, bar):
    """A gap through a level is filled at the open: worse for a stop, better for a target."""
    for place in range(books.account[OPEN_LOTS]):
        number = books.open_rows[place]
        row = books.rows[number]
        leg = row[LEG]
        side = 1 if row[SIZE] > 0 else -1
        contracts = abs(row[SIZE])
        price = market.bars[bar, leg, OPENS]
        if rules.terms[leg, STOP_DISTANCE] > 0 and side * (price - row[STOP]) <= 0:
            _close_lot(
                rules,
                books,
                bar,
                number,
                contracts,
                price,
                rules.terms[leg, SLIPPAGE],
                rules.terms[leg, COMMISSION],
                STOPPED,
            )
            _bar_if_flat(books, leg, side)
        elif rules.terms[leg, PROFIT_DISTANCE] > 0 and side * (price - row[PROFIT]) >= 0:
            _close_lot(
                rules,
                books,
                bar,
                number,
                contracts,
                price,
                0,
                rules.terms[leg, COMMISSION],
                TOOK_PROFIT,
            )
            _bar_if_flat(books, leg, side)
    _forget_closed(books)


@kernel
def _stops_within(market, rules, books, bar):
    """Levels reached between open and close; when a bar touches both, the stop came first."""
    for place in range(books.account[OPEN_LOTS]):
        number = books.open_rows[place]
        row = books.rows[number]
        leg = row[LEG]
        side = 1 if row[SIZE] > 0 else -1
        contracts = abs(row[SIZE])
        worst = market.bars[bar, leg, LOWS] if side > 0 else market.bars[bar, leg, HIGHS]
        best = market.bars[bar, leg, HIGHS] if side > 0 else market.bars[bar, leg, LOWS]
        if rules.terms[leg, STOP_DISTANCE] > 0 and side * (worst - row[STOP]) <= 0:
            # Slippage can put the stop of a new lot on the wrong side of the open.
            price = row[STOP]
            if side * (market.bars[bar, leg, OPENS] - price) < 0:
                price = market.bars[bar, leg, OPENS]
            _close_lot(
                rules,
                books,
                bar,
                number,
                contracts,
                price,
                rules.terms[leg, SLIPPAGE],
                rules.terms[leg, COMMISSION],
                STOPPED,
            )
            _bar_if_flat(books, leg, side)
        elif rules.terms[leg, PROFIT_DISTANCE] > 0 and side * (best - row[PROFIT]) >= 0:
            _close_lot(
                rules,
                books,
                bar,
                number,
                contracts,
                row[PROFIT],
                0,
                rules.terms[leg, COMMISSION],
                TOOK_PROFIT,
            )
            _bar_if_flat(books, leg, side)
    _forget_closed(books)


@kernel
def _reduce(rules, books, bar, leg, contracts, price, reason):
    """Close `contracts` of a position, the oldest lots first."""
    for place in range(books.account[OPEN_LOTS]):
        number = books.open_rows[place]
        if contracts > 0 and books.rows[number, LEG] == leg:
            part = min(contracts, abs(books.rows[number, SIZE]))
            _close_lot(
                rules,
                books,
                bar,
                number,
                part,
                price,
                rules.terms[leg, SLIPPAGE],
                rules.terms[leg, COMMISSION],
                reason,
            )
            contracts -= part
    _forget_closed(books)


@kernel
def _liquidate(rules, books, market, bar):
    """Cut every leg to the share of the initial margin that the equity still covers."""
    equity = books.account[CASH]
    required = _required(rules, books, INITIAL)
    if equity >= required and equity >= 0:
        return
    for leg in range(len(books.legs)):
        held = abs(books.legs[leg, POSITION])
        side = 1 if books.legs[leg, POSITION] > 0 else -1
        kept = held * equity // required if equity > 0 else 0
        if kept < held:
            _reduce(rules, books, bar, leg, held - kept, market.bars[bar, leg, OPENS], LIQUIDATED)
            _bar_if_flat(books, leg, side)


@kernel
def _follow_orders(rules, books, wanted, market, price_of, bar, decided):
    """Fill what was decided at the close of bar `decided`; what frees margin goes first."""
    legs = len(books.legs)
    for leg in range(legs):
        want, held = wanted[decided, leg], books.legs[leg, POSITION]
        if books.legs[leg, BARRED] * want <= 0:
            books.legs[leg, BARRED] = 0
        if not _is_order(books, wanted, decided, leg):
            continue
        surplus = abs(held) if held * want <= 0 else abs(held) - abs(want)
        if surplus > 0:
            _reduce(rules, books, bar, leg, surplus, market.bars[bar, leg, price_of], TARGET)
    for leg in range(legs):
        want = wanted[decided, leg]
        asked = abs(want) - abs(books.legs[leg, POSITION])
        if asked > 0 and _is_order(books, wanted, decided, leg):
            given = min(asked, _affordable(rules, books, leg))
            if given < asked:
                kind = REDUCED if given > 0 else REFUSED
                _note(books, bar, leg, kind, asked, given, _required(rules, books, INITIAL))
            if given > 0:
                side = 1 if want > 0 else -1
                price, slippage = market.bars[bar, leg, price_of], rules.terms[leg, SLIPPAGE]
                fill = price + side * slippage
                _open_lot(
                    rules,
                    books,
                    bar,
                    leg,
                    side * given,
                    price,
                    slippage,
                    rules.terms[leg, COMMISSION],
                    fill - side * rules.terms[leg, STOP_DISTANCE],
                    fill + side * rules.terms[leg, PROFIT_DISTANCE],
                )


@kernel
def _is_order(books, wanted, decided, leg):
    before = wanted[decided - 1, leg] if decided > 0 else 0
    return wanted[decided, leg] != before and books.legs[leg, BARRED] == 0


@kernel
def _affordable(rules, books, leg):
    """How many more contracts the equity covers, their own costs deducted."""
    spare = books.account[CASH] - _required(rules, books, INITIAL)
    each = (
        rules.terms[leg, INITIAL]
        + rules.terms[leg, COMMISSION]
        + rules.terms[leg, SLIPPAGE] * rules.terms[leg, TICK_VALUE]
    )
    if spare < 0:
        return 0
    return spare // each if each > 0 else 2**62
