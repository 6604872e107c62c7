"""The backtest engine a second time: slow, plain Python, money as exact fractions of a dollar.

Written from the rules in the docstring of `m2k_lessons.backtest`, not from the kernel. Where the
kernel keeps a running cash balance, this one keeps only a list of trades and adds up the whole
account anew each time somebody asks for the equity.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction


@dataclass
class Instrument:
    """One contract: its bars (lists of whole ticks) and its terms (dollars as fractions)."""

    open: list
    high: list
    low: list
    close: list
    tick_usd: Fraction
    commission: Fraction = Fraction(0)
    slippage: int = 0
    stop: int | None | list = None  # a list has one for each close
    profit: int | None | list = None
    protection: int | None = None
    initial: Fraction = Fraction(0)
    maintenance: Fraction = Fraction(0)
    rolls: dict = field(default_factory=dict)  # bar -> gap in ticks


@dataclass
class Trade:
    leg: int
    size: int
    entry_bar: int
    entry: int
    costs: Fraction
    exit_bar: int | None = None
    exit: int | None = None
    tag: str = "open"
    stop: int | None = None
    profit: int | None = None
    rests_at: int | None = None  # a stop that has become a limit order

    @property
    def side(self):
        return 1 if self.size > 0 else -1


class Twin:
    def __init__(self, legs, decide, *, capital, new_day, at_close=False, roll_costs=True):
        self.legs, self.decide = legs, decide
        self.capital, self.new_day = Fraction(capital), new_day
        self.at_close, self.roll_costs = at_close, roll_costs
        self.open_trades, self.closed, self.events = [], [], []
        self.seen = [0] * len(legs)  # the latest price of each leg
        self.targets = [[0] * len(legs)]  # one entry per close; the first stands before all bars
        self.out = [False] * len(legs)  # stopped out: until the target is flat or turns
        self.struck = [0] * len(legs)
        self.equities, self.positions = [], []

    def run(self):
        for bar in range(len(self.new_day)):
            self.one_bar(bar)
        return self

    # ------------------------------------------------------------ the account

    def worth(self, trade, price):
        return trade.size * (price - trade.entry) * self.legs[trade.leg].tick_usd - trade.costs

    def equity(self):
        done = sum(self.worth(trade, trade.exit) for trade in self.closed)
        still = sum(self.worth(trade, self.seen[trade.leg]) for trade in self.open_trades)
        return self.capital + done + still

    def position(self, leg):
        return sum(trade.size for trade in self.open_trades if trade.leg == leg)

    def margin(self, which):
        return sum(
            getattr(leg, which) * abs(self.position(number)) for number, leg in enumerate(self.legs)
        )

    def sell_off(self, bar, trade, count, price, slippage, tag, fee=None):
        """Close `count` contracts of a trade at a market price."""
        leg = self.legs[trade.leg]
        fee = leg.commission if fee is None else fee
        part = replace(trade, size=trade.side * count, costs=trade.costs * count / abs(trade.size))
        trade.costs -= part.costs
        trade.size -= part.size
        if trade.size == 0:
            self.open_trades.remove(trade)
        part.exit_bar, part.exit, part.tag = bar, price - part.side * slippage, tag
        part.costs += fee * count
        self.closed.append(part)

    def oldest_first(self, bar, number, count, price, tag):
        for trade in [trade for trade in self.open_trades if trade.leg == number]:
            part = min(count, abs(trade.size))
            if part:
                self.sell_off(bar, trade, part, price, self.legs[number].slippage, tag)
                count -= part

    def lost(self, number, count):
        self.struck[number] += count
        self.out[number] |= self.position(number) == 0

    def exit_at(self, trade, bar, price, slippage, tag):
        count = abs(trade.size)
        self.sell_off(bar, trade, count, price, slippage, tag)
        self.lost(trade.leg, count)

    def reached(self, trade, bar, prices):
        """Fill what a trade's stop or profit target does at prices between which the market is."""
        leg, long = self.legs[trade.leg], trade.size > 0
        low, high, opened = min(prices), max(prices), leg.open[bar]
        limit, tag = trade.profit, "profit target"
        waits = trade.stop is not None and trade.rests_at is None
        if waits and (low <= trade.stop if long else high >= trade.stop):
            trigger = min(trade.stop, opened) if long else max(trade.stop, opened)
            slippage, edge = leg.slippage, None
            if leg.protection:
                edge = trade.stop - trade.side * leg.protection
                slippage = min(slippage, abs(trigger - edge))
            if edge is None or (trigger >= edge if long else trigger <= edge):
                self.exit_at(trade, bar, trigger, slippage, "stop")
                return
            trade.rests_at = edge
        if trade.rests_at is not None:
            limit, tag = trade.rests_at, "stop"
        if limit is not None and (high >= limit if long else low <= limit):
            self.exit_at(trade, bar, opened if len(prices) == 1 else limit, 0, tag)

    # ------------------------------------------------------------ one bar

    def one_bar(self, bar):
        call = False
        if bar and self.new_day[bar] and self.open_trades:
            need = self.margin("maintenance")
            call = self.equity() < need
            if call:
                self.events.append((bar, None, "margin call", 0, 0, self.equity(), need))
        for number, leg in enumerate(self.legs):
            if bar in leg.rolls:
                self.roll(bar, number, leg.rolls[bar])
        self.seen = [leg.open[bar] for leg in self.legs]
        for trade in list(self.open_trades):
            self.reached(trade, bar, [self.seen[trade.leg]])
        if call:
            self.liquidate(bar)
        if not self.at_close:
            self.orders(bar)
        for trade in list(self.open_trades):
            leg = self.legs[trade.leg]
            self.reached(trade, bar, [leg.low[bar], leg.high[bar]])
        self.seen = [leg.close[bar] for leg in self.legs]
        self.targets.append(self.decide(bar, self.equity()))
        if self.at_close:
            self.orders(bar)
        self.equities.append(self.equity())
        self.positions.append([self.position(number) for number in range(len(self.legs))])

    def roll(self, bar, number, gap):
        leg = self.legs[number]
        slippage, fee = (leg.slippage, leg.commission) if self.roll_costs else (0, 0)
        renewed = []
        for trade in [trade for trade in self.open_trades if trade.leg == number]:
            moved = replace(trade, entry_bar=bar, costs=abs(trade.size) * Fraction(fee))
            moved.entry = self.seen[number] + gap + trade.side * slippage
            moved.stop = None if trade.stop is None else trade.stop + gap
            moved.profit = None if trade.profit is None else trade.profit + gap
            moved.rests_at = None if trade.rests_at is None else trade.rests_at + gap
            self.sell_off(bar, trade, abs(trade.size), self.seen[number], slippage, "roll", fee)
            renewed.append(moved)
        self.open_trades += renewed
        if renewed:
            self.seen[number] += gap

    def liquidate(self, bar):
        equity, need = self.equity(), self.margin("initial")
        if equity >= need and equity >= 0:
            return
        positions = [self.position(number) for number in range(len(self.legs))]
        for number, held in enumerate(positions):
            if held == 0:
                continue
            keep = int(abs(held) * equity / need) if equity > 0 else 0
            if keep < abs(held):
                self.oldest_first(
                    bar, number, abs(held) - keep, self.legs[number].open[bar], "margin call"
                )
                self.lost(number, abs(held) - keep)

    def orders(self, bar):
        decided = len(self.targets) - 2
        before, targets = self.targets[-2:] if decided >= 0 else (self.targets[0],) * 2
        active, goals = [], list(targets)
        for number, (old, target) in enumerate(zip(before, targets, strict=True)):
            if target == 0 or old == 0 or (target > 0) != (old > 0):
                self.out[number], self.struck[number] = False, 0
            size = max(0, abs(target) - self.struck[number])
            goals[number] = size if target > 0 else -size
            if target != old and not self.out[number]:
                active.append(number)
        for number in active:
            held, goal = self.position(number), goals[number]
            kept = max(0, min(goal, held)) if held > 0 else min(0, max(goal, held))
            if held != kept:
                self.oldest_first(bar, number, abs(held - kept), self.seen[number], "target")
        for number in active:
            leg, goal = self.legs[number], goals[number]
            side = 1 if goal > 0 else -1
            asked, given = abs(goal - self.position(number)), 0
            if abs(goal) <= abs(self.position(number)):
                continue
            fill = self.seen[number] + side * leg.slippage
            each = leg.commission + leg.slippage * leg.tick_usd + leg.initial
            spare = self.equity() - self.margin("initial")
            while given < asked and spare >= (given + 1) * each:
                given += 1
            if given < asked:
                kind = "order reduced" if given else "order refused"
                self.struck[number] += asked - given
                event = (bar, number, kind, asked, given, self.equity(), self.margin("initial"))
                self.events.append(event)
            if given:
                stop, profit = (
                    distance[decided] if isinstance(distance, list) else distance
                    for distance in (leg.stop, leg.profit)
                )
                self.open_trades.append(
                    Trade(
                        leg=number,
                        size=side * given,
                        entry_bar=bar,
                        entry=fill,
                        costs=given * leg.commission,
                        stop=fill - side * stop if stop else None,
                        profit=fill + side * profit if profit else None,
                    )
                )
