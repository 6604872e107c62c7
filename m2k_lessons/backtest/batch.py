"""Many runs one after the other, and what is counted of each: the compiled code around the engine.

Importing this module imports numba: do it where it is used.
"""

from __future__ import annotations

import functools

import numpy as np

from m2k_lessons._util.jit import kernel
from m2k_lessons.backtest import kernels

# Fingerprint of kernels.py, which is compiled into the code here: numba compiles anew only when
# this file changes. A test compares the two.
KERNELS = "978f6b613d4b04e8"

# Columns of a tally; their meaning is told in `statistics.Tally`.
FINAL, PEAK, MIN_EQUITY, MAX_DRAWDOWN, MIN_EQUITY_TO_PEAK, CHANGES = range(6)
FIRST, TOTAL, SQUARES, FIRST_FRACTION, TOTAL_FRACTION, SQUARES_FRACTION = range(6, 12)
BARS, BARS_EXPOSED, TRADES, WINS, WON, LOST, PAID, SLIPPED, EVENT_COUNTS = range(12, 21)
TALLY_WIDTH = EVENT_COUNTS + len(kernels.EVENTS)

_kernel = functools.partial(kernel, allocates=False)


@_kernel()
def run_batch(bars, state, targets, capital, periods, tallies, begin):
    """Run each of `targets` (runs by legs by bars) from the start and fill its row of `tallies`.

    Begins with run `begin` and returns the run that it stopped at because the tables of `state`
    are full, or the number of runs; then `state` is what the last run left.
    """
    count = len(bars.new_day)
    for number in range(begin, len(targets)):
        state.account[: kernels.LAST_EXIT] = 0
        state.account[kernels.CASH], state.account[kernels.LAST_EXIT] = capital, -1
        state.legs[:, : kernels.TICK_VALUE] = 0
        # Not the literal -1, for which numba would compile `advance` once more.
        if (
            kernels.advance(bars, state, targets[number], state.account[kernels.LAST_EXIT], count)
            < count
        ):
            return number
        tally(state, capital, periods, tallies[number])
    return len(targets)


@_kernel()
def tally(state, capital, periods, found):
    """Fill `found` with what `statistics.metrics` needs of a finished run."""
    equity, _, account, legs, rows, events = state
    # Whole numbers as long as possible: the smaller of two floats takes longer.
    peak = np.int64(capital)
    trough, deepest, smallest = peak, np.int64(0), 1.0
    for level in equity:
        if level > peak:
            deepest, smallest = max(deepest, peak - trough), min(smallest, trough / peak)
            peak, trough = level, level
        else:
            trough = min(trough, level)
    found[MAX_DRAWDOWN] = max(deepest, peak - trough)
    found[MIN_EQUITY_TO_PEAK] = min(smallest, trough / peak)
    found[FINAL], found[PEAK] = equity[-1], peak
    _sum_changes(equity, capital, periods, found)
    found[BARS], found[BARS_EXPOSED] = len(equity), account[kernels.EXPOSED]
    wins, won, lost, paid, slipped = 0, 0, 0, 0, 0
    for number in range(account[kernels.ROWS]):
        leg, size = rows[number, kernels.LEG], rows[number, kernels.SIZE]
        last = (
            rows[number, kernels.EXIT_PRICE]
            if rows[number, kernels.EXIT_BAR] >= 0
            else legs[leg, kernels.MARK]
        )
        sides = rows[number, kernels.ENTRY_COMMISSION] + rows[number, kernels.EXIT_COMMISSION]
        slips = rows[number, kernels.ENTRY_SLIPPAGE] + rows[number, kernels.EXIT_SLIPPAGE]
        gained = (last - rows[number, kernels.ENTRY_PRICE]) * size * legs[leg, kernels.TICK_VALUE]
        gained -= abs(size) * sides
        wins += gained > 0
        won, lost = won + max(gained, 0), lost + min(gained, 0)
        paid += abs(size) * sides
        slipped += abs(size) * slips * legs[leg, kernels.TICK_VALUE]
    found[TRADES], found[WINS], found[WON], found[LOST] = account[kernels.ROWS], wins, won, lost
    found[PAID], found[SLIPPED] = paid, slipped
    found[EVENT_COUNTS:] = 0.0
    for number in range(account[kernels.EVENTS_SEEN]):
        found[EVENT_COUNTS + events[number, 2]] += 1.0


@_kernel(inline=True)
def _sum_changes(equity, capital, periods, found):
    """Sums over the periods, each change less the first: so they keep their digits."""
    before = low = float(capital)
    first, total, squares = 0.0, 0.0, 0.0
    first_fraction, total_fraction, squares_fraction = 0.0, 0.0, 0.0
    if len(periods) > 1:
        first = float(equity[periods[1]]) - before
        first_fraction = first / before
    for end in periods[1:]:
        level = float(equity[end])
        change = level - before
        # A fraction of nothing, or of a debt, is left out by whoever reads MIN_EQUITY.
        apart = change - first
        apart_fraction = (change / before if before > 0.0 else 0.0) - first_fraction
        total += apart
        squares += apart * apart
        total_fraction += apart_fraction
        squares_fraction += apart_fraction * apart_fraction
        low = min(low, level)
        before = level
    found[CHANGES], found[MIN_EQUITY] = len(periods) - 1, low
    found[FIRST], found[TOTAL], found[SQUARES] = first, total, squares
    found[FIRST_FRACTION], found[TOTAL_FRACTION] = first_fraction, total_fraction
    found[SQUARES_FRACTION] = squares_fraction
