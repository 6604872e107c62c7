"""Which orders a bar fills, at which prices, and what a fill does to the position."""

from __future__ import annotations

from m2k_lessons.paper.state import NEVER, UNITS_PER_USD, Ledger, OpenTrade, Ticket


class Matching(Ledger):
    """Orders and bars in, fills out."""

    def _jumped_levels(self, bar: int) -> None:
        """Stops and limit orders that the open has jumped over, stops first."""
        price, cost = self.replay.opens[bar], self.replay.cost[bar]
        for ticket in [ticket for ticket in self.working if ticket.active <= bar]:
            if ticket.status != "working" or ticket.stop is None:
                continue
            if ticket.side * (price - ticket.stop) >= 0:
                self._trigger(ticket, price, cost, bar, at_open=True)
        for ticket in [ticket for ticket in self.working if ticket.active <= bar]:
            if ticket.status != "working" or ticket.fresh or ticket.kind != "limit":
                continue
            better = ticket.side * (ticket.limit - price)
            if better > 0 or (self.money.touch and better == 0):
                self._fill(ticket, price, 0, bar, at_open=True)

    def _orders_at_the_open(self, bar: int) -> None:
        """Market orders, and new limit orders that the open already satisfies."""
        price, cost = self.replay.opens[bar], self.replay.cost[bar]
        for ticket in [ticket for ticket in self.working if ticket.active <= bar]:
            if ticket.status != "working":
                continue
            if ticket.kind == "market":
                self._fill_protected(ticket, price, cost, bar, at_open=True)
            elif ticket.fresh and ticket.kind == "limit":
                marketable = ticket.side * (ticket.limit - price) >= cost
                if marketable:
                    self._fill(ticket, price, cost, bar, at_open=True)
            ticket.fresh = False

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
            for ticket in self.working:
                if ticket.stop is None or ticket.active > bar or (ticket.id, "stop") in tried:
                    continue
                reached = high >= ticket.stop if ticket.side > 0 else low <= ticket.stop
                if reached and abs(ticket.stop - open_) < distance:
                    found, distance = ticket, abs(ticket.stop - open_)
            if found is not None:
                tried.add((found.id, "stop"))
                # Slippage can put the stop of a new trade on the wrong side of the open.
                past = found.side * (open_ - found.stop) > 0
                self._trigger(found, open_ if past else found.stop, cost, bar, at_open=False)
                continue
            touch = self.money.touch
            for ticket in self.working:
                if ticket.kind != "limit" or ticket.active > bar or (ticket.id, "limit") in tried:
                    continue
                beyond = ticket.limit - low if ticket.side > 0 else high - ticket.limit
                reached = beyond > 0 or (touch and beyond == 0)
                if reached and abs(ticket.limit - open_) < distance:
                    found, distance = ticket, abs(ticket.limit - open_)
            if found is None:
                return
            tried.add((found.id, "limit"))
            self._fill(found, found.limit, 0, bar, at_open=False)

    def _trigger(self, ticket: Ticket, price: int, cost: int, bar: int, *, at_open: bool) -> None:
        """A stop is reached: a market order, or a limit order where the stop has a limit."""
        if ticket.kind == "stop":
            self._protect(ticket, ticket.stop)
            ticket.kind = "market"
            self._fill_protected(ticket, price, cost, bar, at_open=at_open)
            if ticket.status == "working":
                ticket.stop = None
                if ticket.kind == "market":  # locked at a price limit: waits as a market order
                    ticket.active = bar + 1
            else:
                ticket.kind = "stop"
            return
        ticket.stop = None
        self._becomes_limit(ticket, bar, at_open=at_open)
        if ticket.side * (ticket.limit - price) >= cost:
            self._fill(ticket, price, cost, bar, at_open=at_open)

    def _becomes_limit(self, ticket: Ticket, bar: int, *, at_open: bool) -> None:
        """At the open the whole bar comes after it, and can fill it; between open and close nobody
        knows whether the price came back."""
        ticket.kind, ticket.fresh = "limit", at_open
        ticket.active = bar if at_open else bar + 1

    def _fill_protected(
        self, ticket: Ticket, price: int, cost: int, bar: int, *, at_open: bool
    ) -> None:
        """Fill a market order, or let it rest as a limit order where its protection ends."""
        if ticket.worst is None or ticket.side * (ticket.worst - price) >= cost:
            self._fill(ticket, price, cost, bar, at_open=at_open)
            return
        ticket.limit = ticket.worst
        self._becomes_limit(ticket, bar, at_open=at_open)
        word = "buy" if ticket.side > 0 else "sell"
        edge = self._points(ticket.worst)
        self._note(
            self.replay.times[bar],
            "protected",
            ticket.id,
            f"not filled: the market at {self._points(price)} has jumped over its protection; it "
            f"waits as an order to {word} {ticket.contracts} at {edge} or better and may never be "
            "filled",
        )

    def _fill(self, ticket: Ticket, price: int, cost: int, bar: int, *, at_open: bool) -> None:
        """Fill an order whole, unless the price is locked at a limit or the margin is short."""
        traded = self._traded(ticket.side, price, cost, bar)
        if traded is None:
            return
        time = self.replay.times[bar]
        position = self.position
        opposite = -position * ticket.side if position * ticket.side < 0 else 0
        if ticket.owner:
            own = self._contracts_of(ticket.owner)
            closing = min(ticket.contracts, own)
        else:
            closing = min(ticket.contracts, opposite)
        opening = 0 if ticket.reduce_only else ticket.contracts - closing
        refusal = ""
        if opening:
            money = self.money
            after = abs(position + ticket.side * (closing + opening))
            slipped = ticket.side * (traded - price)
            equity = self.state.cash + self.open_profit(price)
            equity -= (closing + opening) * (money.commission + slipped * money.tick_value)
            needed = after * self.initial_margin(self.replay.day_rate[bar])
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
            self._book(ticket, closing, opening, traded, ticket.side * (traded - price), bar)
        if ticket.contracts == 0:
            ticket.status, ticket.done = "filled", time
            self.working.remove(ticket)
        elif refusal:
            self._end(ticket, "cancelled", f"by the broker: {refusal}", time)
        else:
            self._end(ticket, "cancelled", "nothing left to reduce", time)
        if opening and ticket.exits:
            self._attach(ticket, opening, traded, bar, at_open)
        self._sync_exits(time)

    def _traded(self, side: int, price: int, cost: int, bar: int) -> int | None:
        """The price of a fill; None where the market is locked against it."""
        lowest, highest = self.replay.lowest[bar], self.replay.highest[bar]
        if (side > 0 and price >= highest) or (side < 0 and price <= lowest):
            return None
        return min(max(price + side * cost, lowest), highest)

    def _book(
        self, ticket: Ticket, closing: int, opening: int, price: int, cost: int, bar: int
    ) -> None:
        state, money = self.state, self.money
        contracts = closing + opening
        realised = 0
        left = closing
        for trade in state.open_trades:
            if left == 0:
                break
            if trade.contracts * ticket.side > 0 or (ticket.owner and trade.owner != ticket.owner):
                continue
            part = min(left, abs(trade.contracts))
            signed = part if trade.contracts > 0 else -part
            realised += signed * (price - trade.mark) * money.tick_value
            state.trades.append(
                [trade.order, ticket.id, signed, trade.entry, price, trade.bar, bar]
            )
            trade.contracts -= signed
            left -= part
        state.open_trades = [trade for trade in state.open_trades if trade.contracts]
        if opening:
            owner = ticket.id if ticket.exits else 0
            state.open_trades.append(
                OpenTrade(ticket.id, ticket.side * opening, price, price, bar, owner)
            )
        fee = contracts * money.commission
        state.cash += realised - fee
        state.today[1] += realised
        state.today[2] += fee
        ticket.contracts -= contracts
        ticket.filled += contracts
        ticket.price = price
        row = [bar, ticket.id, ticket.side * contracts, price, fee, cost, realised, ticket.role]
        state.fills.append(row)
        word = "bought" if ticket.side > 0 else "sold"
        name = f" ({ticket.role})" if ticket.role != "order" else ""
        text = f"{word} {contracts} at {self._points(price)}{name}"
        self._note(
            self.replay.times[bar],
            "fill",
            ticket.id,
            text,
            contracts * ticket.side,
            price,
            fee,
            realised,
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
        for ticket in [ticket for ticket in self.working if ticket.reduce_only]:
            if not ticket.owner:
                if position * ticket.side >= 0:
                    self._end(ticket, "cancelled", "nothing left to reduce", time)
                continue
            own = self._contracts_of(ticket.owner)
            if own == 0:
                self._end(ticket, "cancelled", "its position is closed", time)
            elif own < ticket.contracts:
                self._note(
                    time, "reduced", ticket.id, f"from {ticket.contracts} to {own} contracts"
                )
                ticket.contracts = own

    def _contracts_of(self, entry: int) -> int:
        """What is left of the position that an entry with exits has opened."""
        trades = self.state.open_trades
        return sum(abs(trade.contracts) for trade in trades if trade.owner == entry)
