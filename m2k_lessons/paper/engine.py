"""The account bar by bar: what the trader does, and what then happens in which order."""

from __future__ import annotations

from m2k_lessons.contracts import Contract
from m2k_lessons.paper.acceptance import Acceptance
from m2k_lessons.paper.orders import Accepted, Order, Refused
from m2k_lessons.paper.replay import (
    FIRST_OF_DATE,
    LAST_OF_DATE,
    NO_TRADING,
    RATE_CHANGES,
    Replay,
)
from m2k_lessons.paper.settlement import Settlement
from m2k_lessons.paper.state import NEVER, UNITS_PER_USD, Money, State


class Engine(Acceptance, Settlement):
    """Orders and bars in, fills and settlements out."""

    def __init__(self, contract: Contract, replay: Replay, money: Money, state: State) -> None:
        super().__init__(contract, replay, money, state)
        self._update_skip_band()

    def submit(self, order: Order) -> Accepted | Refused:
        answer = super().submit(order)
        self._update_skip_band()
        return answer

    def cancel(self, number: int) -> Accepted | Refused:
        answer = super().cancel(number)
        self._update_skip_band()
        return answer

    def deposit(self, amount: int) -> None:
        state = self.state
        state.cash += amount
        state.today[3] += amount
        state.deposits.append([state.bar, amount])
        self._note(self.now, "deposit", None, f"{amount / UNITS_PER_USD:,.2f} USD paid in")
        self._call_met(self.now)
        self._update_skip_band()

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
            recorded = len(state.journal)
            self._play(bar)
            if stop_at_event and len(state.journal) > recorded:
                break
        return bar - begin

    def _play(self, bar: int) -> None:
        state, replay = self.state, self.replay
        flags = replay.flags[bar]
        if flags & FIRST_OF_DATE and state.settled != replay.dates[bar - 1]:
            self._settle(bar - 1)
        state.bar = bar
        if flags & RATE_CHANGES and self.money.day_trade is not None:
            state.day_trade_over = not replay.day_rate[bar]
        if not flags & NO_TRADING:
            self._jumped_levels(bar)
            self._broker_orders(bar, replay.opens[bar], replay.cost[bar])
            self._orders_at_the_open(bar)
            self._within(bar)
        self._check_margin(bar)
        if flags & LAST_OF_DATE and state.settled != replay.dates[bar]:
            self._settle(bar)
        self._update_skip_band()

    def _update_skip_band(self) -> None:
        """Find the prices between which bars can be passed without a look."""
        up, down = NEVER, -NEVER
        state = self.state
        bar = state.bar
        quiet = state.call is None and not state.forced and not state.day_trade_over
        for ticket in self.working:
            if ticket.kind == "market" or ticket.fresh or ticket.active > bar + 1:
                quiet = False
                break
            level = ticket.limit if ticket.stop is None else ticket.stop
            # A buy waits above as a stop and below as a limit; a sell the other way round.
            if (ticket.side > 0) == (ticket.stop is not None):
                up = min(up, level)
            else:
                down = max(down, level)
        position = self.position
        if position and quiet:
            # The close at which the broker would step in: a bar that stays away from it is quiet.
            rate = self.replay.day_rate_after[bar]
            required = (
                abs(position) * self.maintenance_margin(rate) * self.money.liquidate_below_pct
            )
            paid = sum(trade.contracts * trade.mark for trade in state.open_trades)
            spare = 100 * (state.cash - paid * self.money.tick_value) - required
            # Too low where spare + 100 * position * tick_value * close < 0
            each = 100 * abs(position) * self.money.tick_value
            if position > 0:
                down = max(down, -(spare // each))
            else:
                up = min(up, spare // each)
        self._up, self._down, self._quiet = up, down, quiet
