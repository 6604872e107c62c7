"""Which orders a broker takes, and what it says when it doesn't."""

from __future__ import annotations

from m2k_lessons.paper.orders import SIDES, Accepted, Order, Refused
from m2k_lessons.paper.state import UNITS_PER_USD, Ledger, State, Ticket


class Acceptance(Ledger):
    """Orders on their way in."""

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
        return Accepted(number, "cancelled")

    def _ticket(self, order: Order, number: int) -> tuple[Ticket, tuple[str, str] | None]:
        contract = self.contract
        prices: dict[str, int | None] = {}
        refusal = None
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
        if ticket.kind == "market":
            self._protect(ticket, self.last)
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
