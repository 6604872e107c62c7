"""The course's demo account: minute bars replayed, orders filled, margin called, a journal kept.

    account = PaperAccount(data.load("intraday")["M2K"], capital=5_000)
    account.step(60)                                  # an hour passes
    answer = account.submit(bracket(market("buy", 2), stop_loss_points=8, profit_target_points=16))
    if not answer:
        print(answer.reason)                          # what the broker says
    for event in account.step(120):
        print(event.time, event.text)

**What there is.** Orders: `market`, `limit`, `stop`, `stop_limit`, and `bracket` around one of
them, each an `Order`. Commands: `submit` and `cancel` (answer `Accepted` or `Refused`, which has
`code` and `reason`), `flatten`, `step`, `deposit`, `note`. Views: `seen`, `now`, `finished`,
`position`, `cash_usd`, `equity_usd`, `snapshot()` (a plain dict for a screen), `copy()`; frames:
`positions`, `orders`, `fills`, `trades`, `equity`, `statement()`, `journal`. Files: `save`,
`restore`, `to_bytes`, `from_bytes`, `checkpoint`, `recover`, `save_journal`, `read_journal`.

**Time.** An account lives between bars: `now` is the end of the last bar seen, and an order can
be filled in the next bar at the earliest. It shows nothing that comes later.

**Inside a bar, in this order**

1. *Settlement of the day before*, if that day's last minutes have no bars.
2. *Open.* Orders that the open has jumped over are filled at the open, stops first: a stop with
   costs and worse than its level, a limit order better than its limit. Then the broker's own
   orders (see *Margin*). Then market orders, and new limit orders that the open already
   satisfies: these pay the spread like a market order, but never more than their limit. What is
   still a limit order then, also a stop-limit order that the open has triggered, can be filled by
   the rest of the bar, which comes after the open.
3. *Between open and close.* Stops come before limits, the nearest to the open first. So **when
   one bar touches both sides of a bracket, the stop came first**, as in `backtest`. A stop is
   filled at its level, with costs. A limit order is filled at its limit, without, when the price
   trades *through* it (`limit_fill="through"`), or as soon as it is touched ("touch"). Exits of
   an entry that was filled at the open take part. An entry filled between open and close can be
   stopped out in the same bar; its profit target, and the limit of a stop-limit order that was
   triggered between open and close, wait for the next bar, because the price may have been there
   before.
4. *Close.* Positions are valued at the last price.
5. *End of a trade date* (17:00 New York time): settlement, below.

Each order is filled whole; the size of the market is not modelled.

**Costs.** Market and stop orders lose half the spread (column `spread_ticks`, rounded up to a
tick) and `slippage_ticks`, for which regular hours (RTH) and the rest (ETH) can differ. Without
that column the course assumes 1 tick in RTH and 2 in ETH, with it none on top. Commission per
contract and side.

**Protection.** As at the exchange, a market order and a stop are not filled at any price: the
account fills them within `protection_points`, counted from the last price when a market order comes
in and from the level of a stop. Where the open has jumped further, the order rests as a limit order
at the end of that band, says so in the journal ("protected"), and may never be filled: a stop
promises neither a price nor an exit. The course assumes a band of 1 % (facts.toml); None switches
it off. The broker's own orders have none.

**Hours.** The market is open when `sessions` says so. While it is closed a market order is
refused; limit and stop orders wait for the open. Bars outside the hours, and bars in a halt,
move the last price and trade nothing. A day order ends with its trade date (a holiday
half-session belongs to the next one), "gtc" is good till cancelled.

**Price limits** (percentages in facts.toml). The reference is the close of the last bar before
16:00 New York time (13:00 on short days); the exchange takes an average of the last half minute,
which minutes don't show. Before the first one there is no limit. Until 09:30 the limit is the
overnight one, either way. In the day session it is the first of three steps down, and from 15:25 on
the third; after 16:00 the new reference holds. A limit is no halt: a price beyond it is read as the
limit, nothing can be sold at the lower limit or bought at the upper one, an order waits there, and
bids and offers at the limit go on. Orders at prices beyond are refused. Simulated prices know no
limits, so there this is where the exchange would step in.

**Halts.** The market-wide halt follows the S&P 500, against its close of the day before: 15 minutes
at the first and at the second step, the rest of the day at the third; from 15:25 on only the third
halts. The account follows it where it is given minutes of the index or of a future on it
(`sp500_bars`); only such a halt opens the next limit. *Without these bars nothing halts in the day
session*, however far the contract falls. Outside the day session a large move of the
contract itself in an hour pauses trading for a short time. In a halt no order is filled.

**Margin.** To open: equity, costs deducted, must cover the initial margin of the whole position.
It is looked at twice: when an order comes in, together with all working orders of its side, and
when it is filled (the part that opens is then cancelled). With `day_trade_margin` that amount
takes the place of initial and maintenance margin from the open of a session until
`day_trade_cutoff_minutes` before its close; then a position has to be covered by the initial
margin, and what isn't is closed. To hold: at each settlement the profit or loss since the last
one (since the entry) is paid at the last price before 16:00, the *variation*. If the balance is
then below the maintenance margin there is a *margin call* for what the initial margin needs, until
the next regular open. It is met by paying in, by reducing, or by a market that comes back. Until
then only reductions are taken. After the deadline the broker cuts the position, the oldest lots
first, to what the initial margin covers. A broker does not wait for ever: when at a close equity
is below `liquidate_below` of the margin to hold, everything is closed at the next open.
Nothing stops an account from falling below zero: then it shows a debt.

**Exits** of a bracket close their own entry's contracts, other orders the oldest ones first. When
contracts of a bracket are closed otherwise, its exits shrink with them, and with the last contract
they are cancelled.

**Exactness.** Prices are whole ticks and money is counted in hundredths of a cent: cash and open
profit add up to the equity to the last digit. Closing realises the profit since the last
settlement, because the rest has been paid already.

**Safety.** `save` writes the whole account, `restore` brings it back; equal accounts are equal
bytes. With `log="file"` every command is appended to that file, and it is on the disk before
anything it caused is reported; after a crash `recover` plays the log again, compares the fills,
and goes on. Only steps in which nothing happened can be lost. One account writes to a log.
"""

from m2k_lessons.paper.account import PaperAccount
from m2k_lessons.paper.journal import read_journal
from m2k_lessons.paper.orders import (
    REASONS,
    Accepted,
    Order,
    Refused,
    bracket,
    limit,
    market,
    stop,
    stop_limit,
)
from m2k_lessons.paper.views import Event
