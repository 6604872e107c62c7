"""The loops of `m2k_lessons.sweep`: rule, account and tally of many runs at a time.

Nothing is kept per bar and run. For a few bars, the positions of `LANES` runs are decided run by
run; then all of these runs walk through the bars side by side, which the processor does several
at a time. The account is that of `m2k_lessons.backtest` for whole positions without stops; a run
that comes near its margin is marked, and the caller leaves it to the engine.

Money is counted in hundredths of a cent, in floats: whole numbers below 2**53, so no sum is
rounded. Statistical sums are added in the order of time, as `_backtest.statistics` does.
"""

from __future__ import annotations

import numpy as np

from m2k_lessons._util.jit import kernel

LANES = 16
MOST_BARS = 256  # decided in one go: their positions stay in the processor's nearest cache

TREND, THRESHOLD, REVERSION = range(3)

# As in `_strategy_kernels`: a score this close to a limit has reached it. A price this close to
# a level of the threshold rule is on it.
_TOUCH = 1e-9

# Columns of `rules`, for each kind. `_FLOOR` is the lowest target: 0 for long only, else -1.
FAST, SLOW = 0, 1  # bars
BUY_ABOVE, SELL_BELOW = 0, 1  # points
ENTRY, EXIT = 0, 1  # deviations
FLOOR = 2

# Columns of `tallies`; the first ones are as in `_backtest.statistics.Tally`.
FINAL, PEAK, LOW, FALL, WORST, CHANGES = range(6)
FIRST, TOTAL, SQUARES, FIRST_FRACTION, TOTAL_FRACTION, SQUARES_FRACTION = range(6, 12)
EXPOSED, TRADES, WINS, WON, LOST = range(12, 17)
FILLS, ROLL_FILLS = 17, 18  # sides paid for: a reversal has two
SPARE = 19  # the least that was left above the initial margin of what was held
COLUMNS = 20

# Rows of `state`, each with one entry per lane: the account.
_EQUITY, _HELD, _BEFORE = 0, 1, 2  # money, position, money at the end of the period before
_PEAK, _LOW, _FALL, _WORST, _SPARE = 3, 4, 5, 6, 7
_FIRST, _TOTAL, _SQUARES, _FIRST_PART, _TOTAL_PART, _SQUARES_PART = 8, 9, 10, 11, 12, 13
_STATES = 14

# Columns of `lots`, one row per lane: the rule and the open lot.
_LATEST, _SIDE, _ENTRY_BAR, _ENTRY_MONEY, _ENTRY_COST, _COUNTED = 0, 1, 2, 3, 4, 5
_EXPOSED, _TRADES, _WINS, _WON, _LOST, _FILLS, _ROLL_FILLS = 6, 7, 8, 9, 10, 11, 12
_LOTS = 13


@kernel
def run_all(kind, series, rules, market, edges, terms, tallies):
    """Fill `tallies`, one row for each row of `rules`.

    `series` is what the rule looks at: running sums of the closes in ticks, one more than bars;
    or closes; or scores. `market` has a row for each kind of number and a column for each bar,
    all for a full position: money at the price of a fill, at the close before, and at the close;
    what a long position gains from the close before to the fill, and from there to the close; 1
    where a period ends; 1 where another contract begins; the gap of that roll. `edges` are the
    bars that begin a stretch of at most `MOST_BARS`, rolls among them, and the number of bars.
    `terms` are the lag (1 if an order is filled a bar after its decision), the capital, the cost
    of a side, that of a roll's, and the initial margin.
    """
    state = np.empty(_STATES * LANES)
    lots = np.empty((LANES, _LOTS))
    held = np.empty(MOST_BARS * LANES)
    wanted = np.empty(MOST_BARS)
    lag = int(terms[0])
    for begin in range(0, len(rules), LANES):
        lanes = min(LANES, len(rules) - begin)
        _start(state, lots, terms)
        held[:] = 0.0
        periods = 0
        for edge in range(len(edges) - 1):
            first, end = edges[edge], edges[edge + 1]
            for lane in range(lanes):
                _decide(
                    kind, series, rules, begin + lane, lots, lane, first - lag, end - lag, wanted
                )
                _keep_lots(wanted, lots, lane, market, terms, first, end, held)
            periods = _account(held, state, market, terms, first, end, periods)
        for lane in range(lanes):
            _finish(lots, lane, state, market, periods, tallies, begin + lane)


@kernel
def _start(state, lots, terms):
    capital = terms[1]
    state[:] = 0.0
    lots[:] = 0.0
    lots[:, _COUNTED] = -1.0
    for lane in range(LANES):
        state[_EQUITY * LANES + lane] = capital
        state[_BEFORE * LANES + lane] = capital
        state[_LOW * LANES + lane] = capital
        # With a lag the first bar passes without a trade, else it has yet to come.
        state[_PEAK * LANES + lane] = capital if terms[0] else -np.inf
        state[_WORST * LANES + lane] = 1.0
        state[_SPARE * LANES + lane] = np.inf


@kernel
def _decide(kind, series, rules, row, lots, lane, begin, end, wanted):
    """What the rule wants at the closes of the bars from `begin` to `end`."""
    latest = lots[lane, _LATEST]
    floor = rules[row, FLOOR]
    if kind == TREND:
        by_fast, by_slow = rules[row, FAST], rules[row, SLOW]
        fast, slow = int(by_fast), int(by_slow)
        known = min(max(begin, slow - 1), end)
        for i in range(known - begin):
            wanted[i] = 0.0
        count = end - known
        now, then = series[known + 1 : end + 1], wanted[known - begin : end - begin]
        before_fast = series[known + 1 - fast : end + 1 - fast] if count > 0 else now
        before_slow = series[known + 1 - slow : end + 1 - slow] if count > 0 else now
        ties = 0
        for i in range(count):
            apart = (now[i] - before_fast[i]) * by_slow - (now[i] - before_slow[i]) * by_fast
            then[i] = 1.0 if apart > 0.0 else -1.0
            ties += apart == 0.0
        if ties > 0:
            for i in range(count):
                apart = (now[i] - before_fast[i]) * by_slow - (now[i] - before_slow[i]) * by_fast
                if apart == 0.0:
                    then[i] = latest
                latest = then[i]
        elif count > 0:
            latest = then[count - 1]
        if floor == 0.0:
            for i in range(count):
                then[i] = max(then[i], 0.0)
    elif kind == THRESHOLD:
        buy_above, sell_below = rules[row, BUY_ABOVE], rules[row, SELL_BELOW]
        for i in range(end - begin):
            price = series[begin + i]
            if price > buy_above + _TOUCH:
                latest = 1.0
            elif price < sell_below - _TOUCH:
                latest = floor
            wanted[i] = latest
    else:
        entry, leave = rules[row, ENTRY] - _TOUCH, rules[row, EXIT] + _TOUCH
        for i in range(end - begin):
            score = series[begin + i]
            if score <= -entry:
                latest = 1.0
            elif score >= entry:
                latest = -1.0
            elif not (latest > 0.0 and score < -leave) and not (latest < 0.0 and score > leave):
                latest = 0.0
            wanted[i] = max(latest, floor)
    lots[lane, _LATEST] = latest


@kernel
def _keep_lots(wanted, lots, lane, market, terms, begin, end, held):
    """Copy what is wanted into the lane, and close and open lots where it changes."""
    cost, roll_cost = terms[2], terms[3]
    side = lots[lane, _SIDE]
    if market[6, begin] > 0.0 and side != 0.0:
        before = market[1, begin]
        _close(lots, lane, begin, before, roll_cost)
        _open(lots, lane, side, begin, before + market[7, begin], roll_cost)
        lots[lane, _ROLL_FILLS] += 2.0
    own = held[lane::LANES]
    for i in range(end - begin):
        own[i] = wanted[i]
    for i in range(end - begin):
        want = wanted[i]
        if want != side:
            if side != 0.0:
                _close(lots, lane, begin + i, market[0, begin + i], cost)
                lots[lane, _FILLS] += 1.0
            if want != 0.0:
                _open(lots, lane, want, begin + i, market[0, begin + i], cost)
                lots[lane, _FILLS] += 1.0
            side = want
            lots[lane, _SIDE] = want


@kernel
def _open(lots, lane, side, bar, money, cost):
    lots[lane, _SIDE] = side
    lots[lane, _ENTRY_BAR] = bar
    lots[lane, _ENTRY_MONEY] = money
    lots[lane, _ENTRY_COST] = cost


@kernel
def _close(lots, lane, bar, money, cost):
    gained = lots[lane, _SIDE] * (money - lots[lane, _ENTRY_MONEY]) - lots[lane, _ENTRY_COST] - cost
    lots[lane, _TRADES] += 1.0
    if gained > 0.0:
        lots[lane, _WINS] += 1.0
        lots[lane, _WON] += gained
    else:
        lots[lane, _LOST] += gained
    # The bar on which one lot follows another counts once.
    lots[lane, _EXPOSED] += bar + 1.0 - max(lots[lane, _ENTRY_BAR], lots[lane, _COUNTED] + 1.0)
    lots[lane, _COUNTED] = bar


@kernel
def _account(held, state, market, terms, begin, end, periods):
    """Walk all lanes through some bars; return how many periods have ended so far."""
    cost, roll_cost, margin = terms[2], terms[3], terms[4]
    if market[6, begin] > 0.0:
        for lane in range(LANES):
            rolled = abs(state[_HELD * LANES + lane])
            state[_EQUITY * LANES + lane] -= 2.0 * roll_cost * rolled
    for i in range(end - begin):
        to_fill, to_close = market[3, begin + i], market[4, begin + i]
        for lane in range(LANES):
            want, before = held[i * LANES + lane], state[_HELD * LANES + lane]
            filled = state[_EQUITY * LANES + lane] + before * to_fill - abs(want - before) * cost
            equity = filled + want * to_close
            spare = min(filled, equity) - abs(want) * margin
            peak = max(state[_PEAK * LANES + lane], equity)
            state[_HELD * LANES + lane] = want
            state[_EQUITY * LANES + lane] = equity
            state[_PEAK * LANES + lane] = peak
            state[_SPARE * LANES + lane] = min(state[_SPARE * LANES + lane], spare)
            state[_FALL * LANES + lane] = max(state[_FALL * LANES + lane], peak - equity)
            state[_WORST * LANES + lane] = min(state[_WORST * LANES + lane], equity / peak)
        if market[5, begin + i] > 0.0:
            if periods == 0:
                for lane in range(LANES):
                    before = state[_BEFORE * LANES + lane]
                    change = state[_EQUITY * LANES + lane] - before
                    state[_FIRST * LANES + lane] = change
                    state[_FIRST_PART * LANES + lane] = change / before
            periods += 1
            for lane in range(LANES):
                equity, before = state[_EQUITY * LANES + lane], state[_BEFORE * LANES + lane]
                change = equity - before
                apart = change - state[_FIRST * LANES + lane]
                part = change / before - state[_FIRST_PART * LANES + lane]
                state[_TOTAL * LANES + lane] += apart
                state[_SQUARES * LANES + lane] += apart * apart
                state[_TOTAL_PART * LANES + lane] += part
                state[_SQUARES_PART * LANES + lane] += part * part
                state[_BEFORE * LANES + lane] = equity
                state[_LOW * LANES + lane] = min(state[_LOW * LANES + lane], equity)
    return periods


@kernel
def _finish(lots, lane, state, market, periods, tallies, row):
    last = market.shape[1] - 1
    if lots[lane, _SIDE] != 0.0:
        _close(lots, lane, last, market[2, last], 0.0)
    tallies[row, FINAL] = state[_EQUITY * LANES + lane]
    tallies[row, PEAK] = state[_PEAK * LANES + lane]
    tallies[row, LOW] = state[_LOW * LANES + lane]
    tallies[row, FALL] = state[_FALL * LANES + lane]
    tallies[row, WORST] = state[_WORST * LANES + lane]
    tallies[row, CHANGES] = periods
    for entry in range(6):
        tallies[row, FIRST + entry] = state[(_FIRST + entry) * LANES + lane]
    for entry in range(7):
        tallies[row, EXPOSED + entry] = lots[lane, _EXPOSED + entry]
    tallies[row, SPARE] = state[_SPARE * LANES + lane]
