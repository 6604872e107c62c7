"""The backtest engine a second time: slow, plain Python, money as exact fractions of a dollar.

Written from the rules in the docstring of `m2k_lessons.backtest`, not from the kernel. Where the
kernel keeps a running cash balance, this one keeps only a list of lots and adds up the whole
account anew each time somebody asks for the equity.
"""

from dataclasses import dataclass, field, replace
from fractions import Fraction


@dataclass
class Leg:
    """One contract: its bars (lists of whole ticks) and its terms (dollars as fractions)."""

    open: list
    high: list
    low: list
    close: list
    tick_usd: Fraction
    commission: Fraction = Fraction(0)
    slippage: int = 0
    stop: int | None = None
    profit: int | None = None
    initial: Fraction = Fraction(0)
    maintenance: Fraction = Fraction(0)
    rolls: dict = field(default_factory=dict)  # bar -> gap in ticks


@dataclass
class Lot:
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

    @property
    def side(self):
        return 1 if self.size > 0 else -1


class Twin:
    def __init__(self, legs, decide, *, capital, new_day, at_close=False, roll_costs=True):
        self.legs, self.decide = legs, decide
        self.capital, self.new_day = Fraction(capital), new_day
        self.at_close, self.roll_costs = at_close, roll_costs
        self.lots, self.closed, self.events = [], [], []
        self.seen = [0] * len(legs)  # the latest price of each leg
        self.wanted = [[0] * len(legs)]  # one entry per close; the first stands before all bars
        self.out = [0] * len(legs)
        self.equities, self.positions = [], []

    def run(self):
        for bar in range(len(self.new_day)):
            self.one_bar(bar)
        return self

    # ------------------------------------------------------------ the account

    def worth(self, lot, price):
        return lot.size * (price - lot.entry) * self.legs[lot.leg].tick_usd - lot.costs

    def equity(self):
        done = sum(self.worth(lot, lot.exit) for lot in self.closed)
        return self.capital + done + sum(self.worth(lot, self.seen[lot.leg]) for lot in self.lots)

    def position(self, leg):
        return sum(lot.size for lot in self.lots if lot.leg == leg)

    def margin(self, which):
        return sum(
            getattr(leg, which) * abs(self.position(number)) for number, leg in enumerate(self.legs)
        )

    def sell_off(self, bar, lot, count, price, slippage, tag, fee=None):
        """Close `count` contracts of a lot at a market price."""
        leg = self.legs[lot.leg]
        fee = leg.commission if fee is None else fee
        part = replace(lot, size=lot.side * count, costs=lot.costs * count / abs(lot.size))
        lot.costs -= part.costs
        lot.size -= part.size
        if lot.size == 0:
            self.lots.remove(lot)
        part.exit_bar, part.exit, part.tag = bar, price - part.side * slippage, tag
        part.costs += fee * count
        self.closed.append(part)

    def oldest_first(self, bar, number, count, price, tag):
        for lot in [lot for lot in self.lots if lot.leg == number]:
            part = min(count, abs(lot.size))
            if part:
                self.sell_off(bar, lot, part, price, self.legs[number].slippage, tag)
                count -= part

    def bracket_closed(self, lot, bar, price, slippage, tag):
        side = lot.side
        self.sell_off(bar, lot, abs(lot.size), price, slippage, tag)
        if self.position(lot.leg) == 0:
            self.out[lot.leg] = side

    # ------------------------------------------------------------ one bar

    def one_bar(self, bar):
        call = False
        if bar and self.new_day[bar] and self.lots:
            need = self.margin("maintenance")
            call = self.equity() < need
            if call:
                self.events.append((bar, None, "margin call", 0, 0, self.equity(), need))
        for number, leg in enumerate(self.legs):
            if bar in leg.rolls:
                self.roll(bar, number, leg.rolls[bar])
        self.seen = [leg.open[bar] for leg in self.legs]
        for lot in list(self.lots):
            leg, price = self.legs[lot.leg], self.seen[lot.leg]
            beyond_stop = leg.stop and (price <= lot.stop if lot.size > 0 else price >= lot.stop)
            beyond_profit = leg.profit and (
                price >= lot.profit if lot.size > 0 else price <= lot.profit
            )
            if beyond_stop:
                self.bracket_closed(lot, bar, price, leg.slippage, "stop")
            elif beyond_profit:
                self.bracket_closed(lot, bar, price, 0, "profit target")
        if call:
            self.liquidate(bar)
        if not self.at_close:
            self.orders(bar)
        for lot in list(self.lots):
            leg = self.legs[lot.leg]
            if lot.size > 0:
                hit_stop = leg.stop and leg.low[bar] <= lot.stop
                hit_profit = leg.profit and leg.high[bar] >= lot.profit
                stop_fill = leg.stop and min(lot.stop, leg.open[bar])
            else:
                hit_stop = leg.stop and leg.high[bar] >= lot.stop
                hit_profit = leg.profit and leg.low[bar] <= lot.profit
                stop_fill = leg.stop and max(lot.stop, leg.open[bar])
            if hit_stop:
                self.bracket_closed(lot, bar, stop_fill, leg.slippage, "stop")
            elif hit_profit:
                self.bracket_closed(lot, bar, lot.profit, 0, "profit target")
        self.seen = [leg.close[bar] for leg in self.legs]
        self.wanted.append(self.decide(bar, self.equity()))
        if self.at_close:
            self.orders(bar)
        self.equities.append(self.equity())
        self.positions.append([self.position(number) for number in range(len(self.legs))])

    def roll(self, bar, number, gap):
        leg = self.legs[number]
        slippage, fee = (leg.slippage, leg.commission) if self.roll_costs else (0, 0)
        renewed = []
        for lot in [lot for lot in self.lots if lot.leg == number]:
            moved = replace(lot, entry_bar=bar, costs=abs(lot.size) * Fraction(fee))
            moved.entry = self.seen[number] + gap + lot.side * slippage
            moved.stop = lot.stop + gap if leg.stop else None
            moved.profit = lot.profit + gap if leg.profit else None
            self.sell_off(bar, lot, abs(lot.size), self.seen[number], slippage, "roll", fee)
            renewed.append(moved)
        self.lots += renewed
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
                if keep == 0:
                    self.out[number] = 1 if held > 0 else -1

    def orders(self, bar):
        before, wants = self.wanted[-2:] if len(self.wanted) > 1 else (self.wanted[0],) * 2
        active = []
        for number, (old, want) in enumerate(zip(before, wants, strict=True)):
            same_side = (want > 0) - (want < 0) == self.out[number]
            if not same_side:
                self.out[number] = 0
            if want != old and not (self.out[number] and same_side):
                active.append(number)
        for number in active:
            held, want = self.position(number), wants[number]
            target = max(0, min(want, held)) if held > 0 else min(0, max(want, held))
            if held != target:
                self.oldest_first(bar, number, abs(held - target), self.seen[number], "target")
        for number in active:
            leg, want = self.legs[number], wants[number]
            side = 1 if want > 0 else -1
            asked, given = abs(want - self.position(number)) if want else 0, 0
            if abs(want) <= abs(self.position(number)):
                continue
            fill = self.seen[number] + side * leg.slippage
            each = leg.commission + leg.slippage * leg.tick_usd + leg.initial
            spare = self.equity() - self.margin("initial")
            while given < asked and spare >= (given + 1) * each:
                given += 1
            if given < asked:
                kind = "order reduced" if given else "order refused"
                told = (bar, number, kind, asked, given, self.equity(), self.margin("initial"))
                self.events.append(told)
            if given:
                self.lots.append(
                    Lot(
                        leg=number,
                        size=side * given,
                        entry_bar=bar,
                        entry=fill,
                        costs=given * leg.commission,
                        stop=fill - side * leg.stop if leg.stop else None,
                        profit=fill + side * leg.profit if leg.profit else None,
                    )
                )
