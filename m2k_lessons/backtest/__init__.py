"""Backtests with the accounting of a futures account: multiplier, ticks, fees per contract, margin.

**Inside a bar, in this order**

1. *Settlement of the day before.* On the first bar of a trade date (`sessions.trade_dates`; a
   daily bar is a trade date of its own) the equity after the previous bar must cover the
   maintenance margin of what is held, else there is a margin call.
2. *Roll.* Where the column `contract` changes, every open trade is closed in the old contract and
   opened in the new one: two sides of cost (none with `roll_costs=False`), and the gap between
   the contracts is nobody's profit. Stops and profit targets move by the gap.
3. *Open.* Levels that the open has jumped over are filled at the open: stops with slippage,
   profit targets without. After a margin call each position is cut to the share of the initial
   margin that the equity still covers. Then the orders of the previous close are filled
   (`fill="next_open"`).
4. *Between open and close.* A stop is filled at its level, or at the open if that is worse, with
   slippage. A profit target is filled at its level as soon as a price touches it. Trades opened at
   this bar's open take part. **When one bar touches both, the stop came first**: a bar doesn't
   tell, and the worse case is assumed.
5. *Close.* Profits and losses are paid into the account (mark to market). The target of this bar
   is read, and orders follow; with `fill="next_close"` those of the close before are filled, and
   with `fill="close"` these same ones, at a price that nobody could both know and trade at.

**Orders.** The target position is `trunc(target * contracts)`. An order is sent at a close where
this number differs from the one of the close before. **What a stop, a profit target or a margin
cut took is struck off: the position is the target position less what was struck off, never below
zero, until the target is flat or on the other side.** So a falling target never buys, and a rising
one buys at most its rise. A position that was stopped out entirely stays out until then.

**Margin.** Closing is always possible. Opening needs equity, costs deducted, of at least the
initial margin for the whole position; an order for more is *reduced* to what is covered, or
*refused* if that is nothing. It isn't tried again: the rest is struck off. `Result.events` lists
both. Nobody pays money in: an account below zero shows a debt.

**Gaps.** A stop that the open has jumped over is filled at the open, however far that is. That is
an assumption: at the exchange a stop order fills only inside a band beyond its trigger. With
`protection_points` it does so here; what is not filled rests as a limit order at the edge of the
band, and may never be filled.

The open of an index is no price (`data.measure_opens`): `fill="next_open"` is refused there, and
how far a gap carried a stop is unknown, as `Result.gaps_known` and the title say.

**Costs.** Commission per contract and side. Slippage in ticks against you on market and stop
orders, none on profit targets. Prices are compared and summed in whole ticks, money in
hundredths of a cent, so the trades' `PnL` sums to the change in equity exactly.

**Which bars to give.** Prices as traded with the column `contract`, as `simulate` and
`data.load("daily")` have them, and `roll_gap_points` where the gaps are known; without them a
position is out of the market from the old contract's last close to the new one's first open.
Or a continuous series without that column: then no roll happens and none is charged, profits are
right, and percentages of prices (`ReturnPct`, buy and hold) are not.

**Trades.** Each order that opens makes a trade with its own stop and profit target, measured from
its fill. Reductions close the oldest trades first; a trade closed in parts is one row for each.
Trades still open at the end have the tag `open` and are valued at the last close, without exit
costs.
"""

from m2k_lessons.backtest.account import Account
from m2k_lessons.backtest.lookahead import LookAheadError, assert_no_lookahead
from m2k_lessons.backtest.result import Result
from m2k_lessons.backtest.runs import run, run_portfolio
