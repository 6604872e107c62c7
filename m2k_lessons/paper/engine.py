"""The account itself, bar by bar. The rules are told in `m2k_lessons.paper`.

Prices are whole ticks, money is counted in hundredths of a cent, times are seconds since 1970:
no sum is ever rounded. Nothing here knows pandas.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from m2k_lessons.contracts import Contract
from m2k_lessons.paper.orders import SIDES, Accepted, Order, Refused
from m2k_lessons.paper.replay import (
    FIRST_OF_DATE,
    LAST_OF_DATE,
    NO_TRADING,
    RATE_CHANGES,
    Replay,
    next_day_session,
)

UNITS_PER_USD = 10_000
NEVER = 1 << 60


@dataclass(frozen=True)
class Money:
    """The account's terms, in hundredths of a cent per contract."""

    tick_value: int
    commission: int
    initial: int
    maintenance: int
    day_trade: int | None
    touch: bool  # a limit order is filled at its price, not only through it
    liquidate_below_pct: int


@dataclass
class Ticket:
    """An order as the account keeps it; prices in ticks."""

    id: int
    side: int
    contracts: int  # still to be filled
    kind: str
    limit: int | None
    stop: int | None
    time_in_force: str
    reduce_only: bool
    note: str
    asked: int
    sent: int  # time
    active: int  # first bar in which it can be filled
    fresh: bool  # not yet past the open that follows its submission
    owner: int = 0  # the entry whose position it closes
    exits: list | None = None  # stop, its distance, target, its distance, time in force
    status: str = "working"
    reason: str = ""
    done: int | None = None  # time
    filled: int = 0
    price: int | None = None
    role: str = "order"  # or stop loss, profit target, liquidation


@dataclass
class Lot:
    """Contracts opened by one fill and not yet closed."""

    order: int
    contracts: int  # negative when sold first
    entry: int
    mark: int  # the price up to which profits are paid: entry, then each settlement
    bar: int
    owner: int  # the order's number if it has exits


@dataclass
class State:
    """Everything that changes. JSON holds it without loss."""

    bar: int
    cash: int
    next_id: int = 1
    lots: list[Lot] = field(default_factory=list)
    tickets: list[Ticket] = field(default_factory=list)
    fills: list[list] = field(default_factory=list)
    trades: list[list] = field(default_factory=list)
    journal: list[list] = field(default_factory=list)
    days: list[list] = field(default_factory=list)
    today: list[int] = field(default_factory=list)  # opening cash, realised, fees, deposits
    deposits: list[list[int]] = field(default_factory=list)
    settled: int = -1  # trade date
    call: list[int] | None = None  # deadline, amount
    forced: str = ""  # why the broker closes the position at the next open
    day_trade_over: bool = False  # the initial margin has yet to be asked for

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> State:
        state = cls(**data)
        state.lots = [Lot(**one) for one in data["lots"]]
        state.tickets = [Ticket(**one) for one in data["tickets"]]
        return state


# Columns of State.fills
FILL_BAR, FILL_ORDER, FILL_CONTRACTS, FILL_PRICE, FILL_FEE, FILL_COST, FILL_REALISED = range(7)
FILL_TAG = 7

# Columns of State.days
DAY_COLUMNS = (
    "date",
    "opening",
    "realised",
    "variation",
    "fees",
    "deposits",
    "closing",
    "contracts",
    "settlement",
    "initial",
    "maintenance",
    "call",
)


class Engine:
    """Orders and bars in, fills out."""

    def __init__(self, contract: Contract, replay: Replay, money: Money, state: State) -> None:
        self.contract, self.replay, self.money, self.state = contract, replay, money, state
        if not state.today:
            state.today = [state.cash, 0, 0, 0]
        self.working = [one for one in state.tickets if one.status == "working"]
        self._by_id = {one.id: one for one in state.tickets}
        self._look_around()

    # ------------------------------------------------------------ what the account is worth

    @property
    def now(self) -> int:
        return self.replay.times[self.state.bar] + self.replay.length

    @property
    def position(self) -> int:
        return sum(one.contracts for one in self.state.lots)

    def open_profit(self, price: int) -> int:
        ticks = sum(one.contracts * (price - one.mark) for one in self.state.lots)
        return ticks * self.money.tick_value

    @property
    def last(self) -> int:
        return self.replay.closes[self.state.bar]

    @property
    def equity(self) -> int:
        return self.state.cash + self.open_profit(self.last)

    def initial(self, day_rate: bool) -> int:
        money = self.money
        return money.day_trade if day_rate and money.day_trade is not None else money.initial

    def to_hold(self, day_rate: bool) -> int:
        money = self.money
        return money.day_trade if day_rate and money.day_trade is not None else money.maintenance

    @property
    def initial_now(self) -> int:
        return self.initial(self.replay.day_rate_after[self.state.bar])

    def exposure(self, side: int = 0, contracts: int = 0) -> int:
        """Most contracts that could be held if the working orders of one side were filled."""
        buys = sells = 0
        for one in self.working:
            if not one.reduce_only:
                if one.side > 0:
                    buys += one.contracts
                else:
                    sells += one.contracts
        if side > 0:
            buys += contracts
        elif side < 0:
            sells += contracts
        return max(abs(self.position + buys), abs(self.position - sells))

    # ------------------------------------------------------------ what the trader does

    def submit(self, order: Order) -> Accepted | Refused:
        state = self.state
        number = state.next_id
        state.next_id += 1
        ticket, refusal = self._ticket(order, number)
        if refusal is None:
            refusal = self._refusal(order, ticket)
        state.tickets.append(ticket)
        self._by_id[number] = ticket
        if refusal is not None:
            code, reason = refusal
            ticket.status, ticket.reason, ticket.done = "refused", reason, self.now
            self._note(self.now, "refused", number, f"{order}: {reason}")
            return Refused(number, code, reason)
        self.working.append(ticket)
        self._note(self.now, "accepted", number, str(order))
        self._look_around()
        return Accepted(number, str(order))

    def cancel(self, number: int) -> Accepted | Refused:
        ticket = self._by_id.get(number)
        if ticket is None:
            reason = f"there is no order {number}"
            self._note(self.now, "refused", number, f"cancel: {reason}")
            return Refused(number, "unknown order", reason)
        if ticket.status != "working":
            reason = f"order {number} is {ticket.status}: there is nothing left to cancel"
            self._note(self.now, "refused", number, f"cancel: {reason}")
            return Refused(number, "not working", reason)
        self._end(ticket, "cancelled", "by the trader", self.now)
        self._look_around()
        return Accepted(number, "cancelled")

    def deposit(self, amount: int) -> None:
        state = self.state
        state.cash += amount
        state.today[3] += amount
        state.deposits.append([state.bar, amount])
        self._note(self.now, "deposit", None, f"{amount / UNITS_PER_USD:,.2f} USD paid in")
        self._call_met(self.now)
        self._look_around()

    def note(self, text: str) -> None:
        self._note(self.now, "note", None, text)

    def step(self, bars: int, stop_at_event: bool = False) -> int:
        """Go on by up to `bars` bars and return how many there were."""
        state, replay = self.state, self.replay
        begin = bar = state.bar
        end = min(begin + bars, len(replay) - 1)
        flags, lows, highs = replay.flags, replay.lows, replay.highs
        while bar < end:
            if self._quiet:
                after, up, down = bar + 1, self._up, self._down
                while after <= end and not flags[after] and lows[after] > down:
                    if highs[after] >= up:
                        break
                    after += 1
                bar = after - 1
                state.bar = bar
                if bar == end:
                    break
            bar += 1
            told = len(state.journal)
            self._play(bar)
            if stop_at_event and len(state.journal) > told:
                break
        return bar - begin

    # ------------------------------------------------------------ orders that come in

    def _ticket(self, order: Order, number: int) -> tuple[Ticket, tuple[str, str] | None]:
        contract = self.contract
        prices, refusal = {}, None
        names = ("limit", "stop", "stop_loss", "profit_target")
        for name in (*names, "stop_loss_points", "profit_target_points"):
            value = getattr(order, name)
            prices[name] = None
            if value is not None:
                try:
                    prices[name] = int(contract.ticks(value))
                except ValueError:
                    wrong = f"{name} {value:g} is not on {contract.symbol}'s tick of "
                    refusal = ("tick", f"{wrong}{contract.tick_size:g} points")
        exits = None
        if order.is_bracket:
            names = ("stop_loss", "stop_loss_points", "profit_target", "profit_target_points")
            exits = [prices[name] for name in names] + [order.exit_time_in_force]
        ticket = Ticket(
            id=number,
            side=SIDES[order.side],
            contracts=order.contracts,
            kind=order.kind,
            limit=prices["limit"],
            stop=prices["stop"],
            time_in_force=order.time_in_force,
            reduce_only=order.reduce_only,
            note=order.note,
            asked=order.contracts,
            sent=self.now,
            active=self.state.bar + 1,
            fresh=True,
            exits=exits,
        )
        return ticket, refusal

    def _refusal(self, order: Order, ticket: Ticket) -> tuple[str, str] | None:
        """Why a broker would not take this order; None if he would."""
        state, replay, bar = self.state, self.replay, self.state.bar
        if bar + 1 >= len(replay):
            return "end of replay", "the replay has ended: there is no bar left to fill it in"
        if not replay.open_after[bar] and ticket.kind == "market":
            return (
                "closed",
                "the market is closed: market orders are taken when it opens, limit and stop "
                "orders wait for it",
            )
        return (
            self._price_refusal(ticket, replay.lowest[bar], replay.highest[bar])
            or self._exit_refusal(ticket)
            or self._size_refusal(order, ticket, state)
        )

    def _price_refusal(self, ticket: Ticket, lowest: int, highest: int):
        exits = ticket.exits or [None] * 4
        for price in (ticket.limit, ticket.stop, exits[0], exits[2]):
            if price is not None and not lowest <= price <= highest:
                above = price > highest
                bound = self._points(highest if above else lowest)
                word = "above the upper" if above else "below the lower"
                return "price limit", f"{self._points(price)} is {word} price limit of {bound}"
        if ticket.stop is not None and ticket.side * (self.last - ticket.stop) >= 0:
            word, where = ("buy", "above") if ticket.side > 0 else ("sell", "below")
            return (
                "stop side",
                f"a {word} stop must be {where} the market at {self._points(self.last)}, "
                f"got {self._points(ticket.stop)}",
            )
        return None

    def _exit_refusal(self, ticket: Ticket):
        if not ticket.exits:
            return None
        loss, loss_distance, target, target_distance, _ = ticket.exits
        entry = ticket.limit if ticket.limit is not None else ticket.stop
        entry = self.last if entry is None else entry
        below = loss_distance if ticket.side > 0 else target_distance
        if below is not None and below >= entry:
            return "exits", f"{self._points(below)} points below the entry there is no price"
        for price, side, name in ((loss, -1, "stop loss"), (target, 1, "profit target")):
            if price is not None and side * ticket.side * (price - entry) <= 0:
                where = "above" if side * ticket.side > 0 else "below"
                return (
                    "exits",
                    f"the {name} must be {where} the entry at {self._points(entry)}, "
                    f"got {self._points(price)}",
                )
        return None

    def _size_refusal(self, order: Order, ticket: Ticket, state: State):
        position = self.position
        if ticket.reduce_only:
            if position * ticket.side >= 0:
                return "nothing to reduce", f"there is no position that a {order.side} would reduce"
            return None
        before, after = self.exposure(), self.exposure(ticket.side, ticket.contracts)
        if after <= max(before, abs(position)):
            return None
        if state.call is not None:
            return (
                "margin call",
                f"a margin call of {state.call[1] / UNITS_PER_USD:,.2f} USD is open: only orders "
                "that reduce the position are taken",
            )
        needed = after * self.initial_now + ticket.contracts * self.money.commission
        if self.equity < needed:
            return (
                "margin",
                f"{after} contracts, working orders included, need "
                f"{needed / UNITS_PER_USD:,.2f} USD of initial margin and fees; the account has "
                f"{self.equity / UNITS_PER_USD:,.2f}",
            )
        return None

    # ------------------------------------------------------------ one bar

    def _play(self, bar: int) -> None:
        state, replay = self.state, self.replay
        flags = replay.flags[bar]
        if flags & FIRST_OF_DATE and state.settled != replay.dates[bar - 1]:
            self._settle(bar - 1)
        state.bar = bar
        if flags & RATE_CHANGES and self.money.day_trade is not None:
            state.day_trade_over = not replay.day_rate[bar]
        if not flags & NO_TRADING:
            self._open(bar)
            self._within(bar)
        self._watch(bar)
        if flags & LAST_OF_DATE and state.settled != replay.dates[bar]:
            self._settle(bar)
        self._look_around()

    def _open(self, bar: int) -> None:
        """Levels that the open has jumped over, the broker's own orders, then market orders."""
        price, cost = self.replay.opens[bar], self.replay.cost[bar]
        for kind in ("stop", "limit"):
            for one in [one for one in self.working if one.active <= bar]:
                if one.status != "working" or one.fresh and kind == "limit":
                    continue
                if kind == "stop" and one.stop is not None:
                    if one.side * (price - one.stop) >= 0:
                        self._trigger(one, price, cost, bar, at_open=True)
                elif kind == "limit" and one.kind == "limit":
                    better = one.side * (one.limit - price)
                    if better > 0 or (self.money.touch and better == 0):
                        self._fill(one, price, 0, bar, at_open=True)
        self._force(bar, price, cost)
        for one in [one for one in self.working if one.active <= bar]:
            if one.status != "working":
                continue
            marketable = one.kind == "market"
            if one.kind == "limit" and one.fresh:
                marketable = one.side * (one.limit - price) >= cost
            if marketable:
                self._fill(one, price, cost, bar, at_open=True)
            one.fresh = False

    def _within(self, bar: int) -> None:
        """Between open and close: stops before limits, the nearest first."""
        replay = self.replay
        open_, high, low, cost = (
            replay.opens[bar],
            replay.highs[bar],
            replay.lows[bar],
            replay.cost[bar],
        )
        tried: set[tuple[int, str]] = set()
        while True:
            found, distance = None, NEVER
            for one in self.working:
                if one.stop is None or one.active > bar or (one.id, "stop") in tried:
                    continue
                reached = high >= one.stop if one.side > 0 else low <= one.stop
                if reached and abs(one.stop - open_) < distance:
                    found, distance = one, abs(one.stop - open_)
            if found is not None:
                tried.add((found.id, "stop"))
                # Slippage can put the stop of a new lot on the wrong side of the open.
                past = found.side * (open_ - found.stop) > 0
                self._trigger(found, open_ if past else found.stop, cost, bar, at_open=False)
                continue
            touch = self.money.touch
            for one in self.working:
                if one.kind != "limit" or one.active > bar or (one.id, "limit") in tried:
                    continue
                beyond = one.limit - low if one.side > 0 else high - one.limit
                reached = beyond > 0 or (touch and beyond == 0)
                if reached and abs(one.limit - open_) < distance:
                    found, distance = one, abs(one.limit - open_)
            if found is None:
                return
            tried.add((found.id, "limit"))
            self._fill(found, found.limit, 0, bar, at_open=False)

    def _trigger(self, one: Ticket, price: int, cost: int, bar: int, *, at_open: bool) -> None:
        """A stop is reached: a market order, or a limit order where the stop has a limit."""
        if one.kind == "stop":
            self._fill(one, price, cost, bar, at_open=at_open)
            if one.status == "working":  # locked at a price limit: waits as a market order
                one.kind, one.stop, one.active = "market", None, bar + 1
            return
        one.stop, one.kind, one.fresh = None, "limit", False
        if one.side * (one.limit - price) >= cost:
            self._fill(one, price, cost, bar, at_open=at_open)
        if one.status == "working":
            # Whether the price came back within this bar, nobody knows.
            one.active = bar + 1

    def _fill(self, one: Ticket, price: int, cost: int, bar: int, *, at_open: bool) -> None:
        """Fill an order whole, unless the price is locked at a limit or the margin is short."""
        traded = self._traded(one.side, price, cost, bar)
        if traded is None:
            return
        time = self.replay.times[bar]
        position = self.position
        opposite = -position * one.side if position * one.side < 0 else 0
        if one.owner:
            own = sum(abs(lot.contracts) for lot in self.state.lots if lot.owner == one.owner)
            closing = min(one.contracts, own)
        else:
            closing = min(one.contracts, opposite)
        opening = 0 if one.reduce_only else one.contracts - closing
        refusal = ""
        if opening:
            money = self.money
            after = abs(position + one.side * (closing + opening))
            slipped = one.side * (traded - price)
            equity = self.state.cash + self.open_profit(price)
            equity -= (closing + opening) * (money.commission + slipped * money.tick_value)
            needed = after * self.initial(self.replay.day_rate[bar])
            if self.state.call is not None:
                refusal = "a margin call is open"
            elif equity < needed:
                refusal = (
                    f"the initial margin of {needed / UNITS_PER_USD:,.2f} USD for {after} "
                    f"contracts is not covered by {equity / UNITS_PER_USD:,.2f}"
                )
            if refusal:
                opening = 0
        if closing or opening:
            self._book(one, closing, opening, traded, one.side * (traded - price), bar)
        if one.contracts == 0:
            one.status, one.done = "filled", time
            self.working.remove(one)
        elif refusal:
            self._end(one, "cancelled", f"by the broker: {refusal}", time)
        else:
            self._end(one, "cancelled", "nothing left to reduce", time)
        if opening and one.exits:
            self._attach(one, opening, traded, bar, at_open)
        self._sync_exits(time)

    def _traded(self, side: int, price: int, cost: int, bar: int) -> int | None:
        """The price of a fill; None where the market is locked against it."""
        lowest, highest = self.replay.lowest[bar], self.replay.highest[bar]
        if (side > 0 and price >= highest) or (side < 0 and price <= lowest):
            return None
        return min(max(price + side * cost, lowest), highest)

    def _book(
        self, one: Ticket, closing: int, opening: int, price: int, cost: int, bar: int
    ) -> None:
        state, money = self.state, self.money
        contracts = closing + opening
        realised = 0
        left = closing
        for lot in state.lots:
            if left == 0:
                break
            if lot.contracts * one.side > 0 or (one.owner and lot.owner != one.owner):
                continue
            part = min(left, abs(lot.contracts))
            signed = part if lot.contracts > 0 else -part
            realised += signed * (price - lot.mark) * money.tick_value
            state.trades.append([lot.order, one.id, signed, lot.entry, price, lot.bar, bar])
            lot.contracts -= signed
            left -= part
        state.lots = [lot for lot in state.lots if lot.contracts]
        if opening:
            owner = one.id if one.exits else 0
            state.lots.append(Lot(one.id, one.side * opening, price, price, bar, owner))
        fee = contracts * money.commission
        state.cash += realised - fee
        state.today[1] += realised
        state.today[2] += fee
        one.contracts -= contracts
        one.filled += contracts
        one.price = price
        row = [bar, one.id, one.side * contracts, price, fee, cost, realised, one.role]
        state.fills.append(row)
        word = "bought" if one.side > 0 else "sold"
        name = f" ({one.role})" if one.role != "order" else ""
        text = f"{word} {contracts} at {self._points(price)}{name}"
        self._note(
            self.replay.times[bar], "fill", one.id, text, contracts * one.side, price, fee, realised
        )

    def _attach(self, entry: Ticket, contracts: int, price: int, bar: int, at_open: bool) -> None:
        """Send the exits of a bracket. An entry filled between open and close can be stopped out
        in the same bar; its target waits, because the high may have come before the entry."""
        loss, loss_distance, target, target_distance, time_in_force = entry.exits
        side = entry.side
        if loss is None and loss_distance is not None:
            loss = price - side * loss_distance
        if target is None and target_distance is not None:
            target = price + side * target_distance
        for kind, level in (("stop", loss), ("limit", target)):
            if level is None:
                continue
            number = self.state.next_id
            self.state.next_id += 1
            ticket = Ticket(
                id=number,
                side=-side,
                contracts=contracts,
                kind=kind,
                limit=level if kind == "limit" else None,
                stop=level if kind == "stop" else None,
                time_in_force=time_in_force,
                reduce_only=True,
                note="",
                asked=contracts,
                sent=self.replay.times[bar],
                active=bar if kind == "stop" or at_open else bar + 1,
                fresh=False,
                owner=entry.id,
                role="stop loss" if kind == "stop" else "profit target",
            )
            self.state.tickets.append(ticket)
            self._by_id[number] = ticket
            self.working.append(ticket)
            text = f"{ticket.role} {self._points(level)} for order {entry.id}"
            self._note(self.replay.times[bar], "accepted", number, text)

    def _sync_exits(self, time: int) -> None:
        """Exits are never for more than what is left of their entry."""
        position = self.position
        for one in [one for one in self.working if one.reduce_only]:
            if not one.owner:
                if position * one.side >= 0:
                    self._end(one, "cancelled", "nothing left to reduce", time)
                continue
            own = sum(abs(lot.contracts) for lot in self.state.lots if lot.owner == one.owner)
            if own == 0:
                self._end(one, "cancelled", "its position is closed", time)
            elif own < one.contracts:
                self._note(time, "reduced", one.id, f"from {one.contracts} to {own} contracts")
                one.contracts = own

    def _end(self, one: Ticket, status: str, reason: str, time: int) -> None:
        one.status, one.reason, one.done = status, reason, time
        self.working.remove(one)
        self._note(time, status, one.id, reason)

    # ------------------------------------------------------------ margin

    def _force(self, bar: int, price: int, cost: int) -> None:
        """The broker's own orders at an open: a missed deadline, too little left, day's end."""
        state, replay = self.state, self.replay
        position = self.position
        if not position:
            state.forced, state.day_trade_over = "", False
            return
        equity = state.cash + self.open_profit(price)
        keep, why = abs(position), ""
        late = state.call is not None and replay.times[bar] >= state.call[0]
        if state.forced:
            keep, why = 0, state.forced
        elif late:
            keep, why = self._covered(equity), "margin call not met by its deadline"
        elif state.day_trade_over:
            keep, why = self._covered(equity), "the day-trade margin has ended"
        if keep == abs(position) or self._liquidate(bar, price, cost, abs(position) - keep, why):
            state.forced, state.day_trade_over = "", False
            if late or not self.position:
                state.call = None  # what is left is covered

    def _covered(self, equity: int) -> int:
        position = abs(self.position)
        each = self.money.initial
        if each == 0:
            return position
        return max(0, min(position, equity // each))

    def _liquidate(self, bar: int, price: int, cost: int, contracts: int, why: str) -> bool:
        """Close some of the position, the oldest lots first; False where the market is locked."""
        state, time = self.state, self.replay.times[bar]
        for one in [one for one in self.working if not one.owner]:
            self._end(one, "cancelled", f"by the broker: {why}", time)
        side = -1 if self.position > 0 else 1
        number = state.next_id
        state.next_id += 1
        ticket = Ticket(
            id=number,
            side=side,
            contracts=contracts,
            kind="market",
            limit=None,
            stop=None,
            time_in_force="day",
            reduce_only=True,
            note="",
            asked=contracts,
            sent=time,
            active=bar,
            fresh=False,
            role="liquidation",
        )
        state.tickets.append(ticket)
        self._by_id[number] = ticket
        self.working.append(ticket)
        self._note(time, "liquidation", number, f"the broker closes {contracts} contracts: {why}")
        self._fill(ticket, price, cost, bar, at_open=True)
        if ticket.status == "working":  # tried again at the next open
            self._end(ticket, "cancelled", "the market is locked at its price limit", time)
            return False
        return True

    def _watch(self, bar: int) -> None:
        """After the close: has the account enough left, and is a margin call met?"""
        state, replay = self.state, self.replay
        position = abs(self.position)
        if state.call is not None:
            self._call_met(replay.times[bar] + replay.length)
        required = position * self.to_hold(replay.day_rate_after[bar])
        if required and not state.forced and self._is_too_low(self.equity, required):
            state.forced = (
                f"equity of {self.equity / UNITS_PER_USD:,.2f} USD is below "
                f"{self.money.liquidate_below_pct} % of the margin of "
                f"{required / UNITS_PER_USD:,.2f}"
            )
            time = replay.times[bar] + replay.length
            self._note(time, "warning", None, f"position will be closed: {state.forced}")

    def _is_too_low(self, equity: int, required: int) -> bool:
        return 100 * equity < self.money.liquidate_below_pct * required

    def _call_met(self, time: int, price: int | None = None) -> None:
        state = self.state
        if state.call is None:
            return
        price = self.last if price is None else price
        equity = state.cash + self.open_profit(price)
        if not self.position or equity >= abs(self.position) * self.money.initial:
            state.call = None
            self._note(time, "margin call met", None, "the initial margin is covered again")

    def _settle(self, bar: int) -> None:
        """End of a trade date: variation is paid, day orders end, the margin is looked at."""
        state, money, replay = self.state, self.money, self.replay
        price = replay.settlement_price(bar)
        time = replay.times[bar] + replay.length
        variation = self.open_profit(price)
        for lot in state.lots:
            lot.mark = price
        state.cash += variation
        state.settled = replay.dates[bar]
        for one in [one for one in self.working if one.time_in_force == "day"]:
            self._end(one, "expired", "end of the trade date", time)
        contracts = abs(self.position)
        initial, maintenance = contracts * money.initial, contracts * money.maintenance
        opening, realised, fees, deposits = state.today
        if contracts or realised or fees or deposits:
            text = (
                f"settled at {self._points(price)}, variation "
                f"{variation / UNITS_PER_USD:,.2f} USD, balance {state.cash / UNITS_PER_USD:,.2f}"
            )
            self._note(time, "settlement", None, text)
        called = 0
        if contracts and state.cash < maintenance:
            called = initial - state.cash
            self._call(time, called)
        state.days.append(
            [replay.dates[bar], opening, realised, variation, fees, deposits, state.cash]
            + [self.position, price, initial, maintenance, called]
        )
        state.today = [state.cash, 0, 0, 0]

    def _call(self, time: int, amount: int) -> None:
        state = self.state
        deadline = state.call[0] if state.call is not None else next_day_session(time)
        state.call = [deadline, amount]
        self._note(
            time,
            "margin call",
            None,
            f"pay in {amount / UNITS_PER_USD:,.2f} USD or reduce by the deadline",
        )
        position = self.position
        for one in [one for one in self.working if not one.reduce_only]:
            if one.side * position > 0 or one.contracts > abs(position):
                self._end(one, "cancelled", "by the broker: margin call", time)

    # ------------------------------------------------------------ small things

    def _look_around(self) -> None:
        """Find the prices between which bars can be passed without a look."""
        up, down = NEVER, -NEVER
        state = self.state
        bar = state.bar
        quiet = state.call is None and not state.forced and not state.day_trade_over
        for one in self.working:
            if one.kind == "market" or one.fresh or one.active > bar + 1:
                quiet = False
                break
            level = one.limit if one.stop is None else one.stop
            # A buy waits above as a stop and below as a limit; a sell the other way round.
            if (one.side > 0) == (one.stop is not None):
                up = min(up, level)
            else:
                down = max(down, level)
        position = self.position
        if position and quiet:
            # The close at which the broker would step in: a bar that stays away from it is quiet.
            rate = self.replay.day_rate_after[bar]
            required = abs(position) * self.to_hold(rate) * self.money.liquidate_below_pct
            paid = sum(one.contracts * one.mark for one in state.lots)
            spare = 100 * (state.cash - paid * self.money.tick_value) - required
            # Too low where spare + 100 * position * tick_value * close < 0
            each = 100 * abs(position) * self.money.tick_value
            if position > 0:
                down = max(down, -(spare // each))
            else:
                up = min(up, spare // each)
        self._up, self._down, self._quiet = up, down, quiet

    def _points(self, ticks: int) -> str:
        per_point = self.contract._ticks_per_point
        return f"{ticks / per_point:.{1 if per_point == 10 else 2 if per_point > 1 else 0}f}"

    def _note(
        self, time, event, order, text, contracts=None, price=None, fee=None, realised=None
    ) -> None:
        state = self.state
        state.journal.append(
            [time, event, order, text, contracts, price, fee, realised, state.cash, self.position]
        )
