"""What the broker does about money: settlement, margin calls, liquidation."""

from __future__ import annotations

from m2k_lessons.paper.hours import next_day_session
from m2k_lessons.paper.matching import Matching
from m2k_lessons.paper.state import UNITS_PER_USD, Ticket


class Settlement(Matching):
    """The margin that a position needs, and the orders that follow where it isn't there."""

    def _broker_orders(self, bar: int, price: int, cost: int) -> None:
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
        """Close some of the position, the oldest trades first; False where the market is locked."""
        state, time = self.state, self.replay.times[bar]
        for ticket in [ticket for ticket in self.working if not ticket.owner]:
            self._end(ticket, "cancelled", f"by the broker: {why}", time)
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

    def _check_margin(self, bar: int) -> None:
        """After the close: has the account enough left, and is a margin call met?"""
        state, replay = self.state, self.replay
        position = abs(self.position)
        if state.call is not None:
            self._call_met(replay.times[bar] + replay.length)
        required = position * self.maintenance_margin(replay.day_rate_after[bar])
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
        for trade in state.open_trades:
            trade.mark = price
        state.cash += variation
        state.settled = replay.dates[bar]
        for ticket in [ticket for ticket in self.working if ticket.time_in_force == "day"]:
            self._end(ticket, "expired", "end of the trade date", time)
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
        for ticket in [ticket for ticket in self.working if not ticket.reduce_only]:
            if ticket.side * position > 0 or ticket.contracts > abs(position):
                self._end(ticket, "cancelled", "by the broker: margin call", time)
