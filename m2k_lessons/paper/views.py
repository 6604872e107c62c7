"""What an account shows: numbers, frames, and the dict behind a screen."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons.contracts import Contract
from m2k_lessons.paper import state as core
from m2k_lessons.paper import storage
from m2k_lessons.paper.engine import Engine
from m2k_lessons.paper.replay import NO_LIMIT, Replay
from m2k_lessons.paper.state import UNITS_PER_USD, Money, State

_SHOWN_FILLS, _SHOWN_MESSAGES = 5, 8


class Event(NamedTuple):
    """Something that happened, as a row of the journal."""

    time: pd.Timestamp
    event: str
    order: int | None
    text: str
    contracts: int | None
    price: float | None
    fee_usd: float | None
    realised_usd: float | None
    cash_usd: float
    position: int


class Views:
    """The reading half of `m2k_lessons.paper.PaperAccount`."""

    _engine: Engine
    _market: Replay
    _money: Money
    _capital: int
    contract: Contract
    now: pd.Timestamp
    finished: bool

    @property
    def _state(self) -> State:
        return self._engine.state

    @property
    def position(self) -> int:
        """Contracts held, negative when short."""
        return self._engine.position

    @property
    def cash_usd(self) -> float:
        """The balance: what was paid in, realised, settled and charged."""
        return self._state.cash / UNITS_PER_USD

    @property
    def open_pnl_usd(self) -> float:
        """Profit of the position since it was last settled, at the last price."""
        return self._engine.open_profit(self._engine.last) / UNITS_PER_USD

    @property
    def equity_usd(self) -> float:
        """Cash and open profit."""
        return self._engine.equity / UNITS_PER_USD

    @property
    def positions(self) -> pd.DataFrame:
        """One row with the position, or none: symbol, contracts, average_price, last,
        open_pnl_usd (since the last settlement), position_pnl_usd (since the entry)."""
        shown = self.snapshot()
        names = ("average_price", "last", "open_pnl_usd", "position_pnl_usd")
        rows = [[self.contract.symbol, shown["position"], *(shown[name] for name in names)]]
        table = pd.DataFrame(rows, columns=["symbol", "contracts", *names])
        return table if shown["position"] else table.iloc[:0]

    @property
    def orders(self) -> pd.DataFrame:
        """Every order by its number: side, contracts, kind, limit, stop, time_in_force, role,
        entry (the order whose exit it is), status, reason, filled, fill_price, sent, done, note."""
        rows = [self._order_row(ticket) for ticket in self._state.tickets]
        columns = ["id", "side", "contracts", "kind", "limit", "stop", "time_in_force", "role"]
        columns += ["entry", "status", "reason", "filled", "fill_price", "sent", "done", "note"]
        table = pd.DataFrame(rows, columns=columns)
        for name in ("limit", "stop", "fill_price"):
            table[name] = table[name].astype(float)
        table["entry"] = table["entry"].astype("Int64")
        for name in ("sent", "done"):
            table[name] = self._moments(table[name])
        return table.set_index("id")

    @property
    def fills(self) -> pd.DataFrame:
        """One row for each fill: time (start of its bar), order, side, contracts, price, role,
        fee_usd, cost_ticks (half spread and slippage per contract), realised_usd."""
        state, points = self._state, self.contract._points
        rows = [
            (
                self._market.times[row[core.FILL_BAR]],
                row[core.FILL_ORDER],
                "buy" if row[core.FILL_CONTRACTS] > 0 else "sell",
                abs(row[core.FILL_CONTRACTS]),
                points(row[core.FILL_PRICE]),
                row[core.FILL_TAG],
                row[core.FILL_FEE] / UNITS_PER_USD,
                row[core.FILL_COST],
                row[core.FILL_REALISED] / UNITS_PER_USD,
            )
            for row in state.fills
        ]
        columns = ["time", "order", "side", "contracts", "price", "role", "fee_usd", "cost_ticks"]
        table = pd.DataFrame(rows, columns=[*columns, "realised_usd"])
        table["time"] = self._moments(table["time"])
        return table

    @property
    def trades(self) -> pd.DataFrame:
        """Round trips, one row for each entry, or part of an entry, that was closed: contracts
        (negative when sold first), entry_time, entry_price, exit_time, exit_price, points, pnl_usd
        (after commission), commission_usd, entry_order, exit_order, exit_role, note (the entry's).
        """
        state, points, by_id = self._state, self.contract._points, self._engine._by_id
        rows = []
        for entry, exit_, signed, bought, sold, first, last in state.trades:
            fee = 2 * abs(signed) * self._money.commission
            pnl = signed * (sold - bought) * self._money.tick_value - fee
            rows.append(
                (
                    signed,
                    self._market.times[first],
                    points(bought),
                    self._market.times[last],
                    points(sold),
                    points((sold - bought) * (1 if signed > 0 else -1)),
                    pnl / UNITS_PER_USD,
                    fee / UNITS_PER_USD,
                    entry,
                    exit_,
                    by_id[exit_].role,
                    by_id[entry].note,
                )
            )
        columns = ["contracts", "entry_time", "entry_price", "exit_time", "exit_price", "points"]
        columns += ["pnl_usd", "commission_usd", "entry_order", "exit_order", "exit_role", "note"]
        table = pd.DataFrame(rows, columns=columns)
        for name in ("entry_time", "exit_time"):
            table[name] = self._moments(table[name])
        return table

    @property
    def equity(self) -> pd.Series:
        """Equity in USD after each bar seen, worked out from the fills alone."""
        state, bars = self._state, self._state.bar + 1
        held, paid = np.zeros(bars, np.int64), np.zeros(bars, np.int64)
        for row in state.fills:
            bar, contracts = row[core.FILL_BAR], row[core.FILL_CONTRACTS]
            held[bar] += contracts
            worth = contracts * row[core.FILL_PRICE] * self._money.tick_value
            paid[bar] -= worth + row[core.FILL_FEE]
        for bar, amount in state.deposits:
            paid[bar] += amount
        closes = np.array(self._market.closes[:bars], np.int64)
        units = self._capital + np.cumsum(paid) + np.cumsum(held) * closes * self._money.tick_value
        index = self._market.frame.index[:bars]
        return pd.Series(units / UNITS_PER_USD, index=index, name="equity_usd")

    def statement(self) -> pd.DataFrame:
        """The broker's statement, one row for each trade date that has ended, and today.

        Returns
        -------
        DataFrame
            By trade date, USD: opening balance, realised profit, variation (paid at
            settlement), fees, deposits, closing balance (their sum); contracts held, settlement
            price, initial and maintenance margin, excess (closing less maintenance), and the
            margin call, 0 for none. In the row of the day that is not over, `settled` is
            False, the variation is the open profit at the last price, and there is no call.
        """
        state, money = self._state, self._money
        rows = [[*row, True] for row in state.days]
        if not state.days or state.settled != self._market.dates[state.bar] or any(state.today[1:]):
            opening, realised, fees, deposits = state.today
            engine, held = self._engine, abs(self.position)
            row = [self._market.dates[state.bar], opening, realised]
            row += [engine.equity - state.cash, fees, deposits, engine.equity, engine.position]
            row += [engine.last, held * money.initial, held * money.maintenance, 0, False]
            rows.append(row)
        table = pd.DataFrame(rows, columns=[*core.DAY_COLUMNS, "settled"])
        dates = pd.DatetimeIndex(
            table.pop("date").to_numpy().astype("datetime64[D]").astype("datetime64[s]"),
            name="trade_date",
        )
        table.index = dates
        table["excess"] = table["closing"] - table["maintenance"]
        amounts = ("opening", "realised", "variation", "fees", "deposits", "closing", "initial")
        for name in (*amounts, "maintenance", "excess", "call"):
            table[name] = table[name] / UNITS_PER_USD
        table["settlement"] = self.contract._points(table["settlement"])
        names = {name: f"{name}_usd" for name in (*amounts, "maintenance", "excess", "call")}
        order = [*amounts[:6], "contracts", "settlement", "initial", "maintenance", "excess"]
        return table[[*order, "call", "settled"]].rename(columns=names)

    @property
    def journal(self) -> pd.DataFrame:
        """Everything that happened, in order: time, event, order, text, contracts (signed),
        price, fee_usd, realised_usd, cash_usd, position. Events are accepted, refused, fill,
        protected (too far away to be filled: now a limit order),
        cancelled, expired, reduced, deposit, settlement, margin call, margin call met,
        liquidation, warning, note."""
        rows = self._state.journal
        table = pd.DataFrame(rows, columns=list(storage.JOURNAL_COLUMNS), dtype=object)
        for name, kind in storage.JOURNAL_COLUMNS.items():
            column = table[name]
            if kind == "time":
                table[name] = self._moments(column)
            elif kind == "float64":
                numbers = column.astype(float)
                price = name == "price"
                table[name] = self.contract._points(numbers) if price else numbers / UNITS_PER_USD
            else:
                table[name] = column.astype(kind)
        return table

    def snapshot(self) -> dict[str, Any]:
        """What a screen shows, as plain numbers, texts and lists.

        Returns
        -------
        dict
            time, session ("RTH", "ETH" or "closed"), bar, finished; last, price_limits (lowest
            and highest in points, or None); position, average_price (None when flat); cash_usd,
            open_pnl_usd, equity_usd, position_pnl_usd (since entry, fees not deducted),
            day_pnl_usd (since the last settlement, deposits left out); margin_used_usd,
            maintenance_usd, buying_power_usd, buying_power_contracts (None without a margin);
            margin_call (amount_usd and deadline, or None); halted_until (or None); working
            (orders as dicts), fills (the last five), messages (the last eight, newest last).
        """
        engine, state, money = self._engine, self._state, self._money
        held, points = engine.position, self.contract._points
        cost = sum(trade.contracts * trade.entry for trade in state.open_trades)
        used = abs(held) * engine.initial_now
        power = max(0, engine.equity - used) if state.call is None else 0
        lowest, highest = self._market.lowest[state.bar], self._market.highest[state.bar]
        halted = self._market.halted_until[state.bar]
        return {
            "time": self.now,
            "session": sessions.label_sessions(self.now),
            "bar": state.bar,
            "finished": self.finished,
            "last": points(engine.last),
            "price_limits": None
            if lowest == 0
            else (
                points(lowest),
                None if highest == NO_LIMIT else points(highest),
            ),
            "position": held,
            "average_price": points(cost) / held if held else None,
            "cash_usd": self.cash_usd,
            "open_pnl_usd": self.open_pnl_usd,
            "equity_usd": self.equity_usd,
            "position_pnl_usd": (held * engine.last - cost) * money.tick_value / UNITS_PER_USD,
            "day_pnl_usd": (engine.equity - state.today[0] - state.today[3]) / UNITS_PER_USD,
            "margin_used_usd": used / UNITS_PER_USD,
            "maintenance_usd": abs(held)
            * engine.maintenance_margin(self._market.day_rate_after[state.bar])
            / UNITS_PER_USD,
            "buying_power_usd": power / UNITS_PER_USD,
            "buying_power_contracts": power // (engine.initial_now + money.commission)
            if engine.initial_now
            else None,
            "margin_call": None
            if state.call is None
            else {
                "amount_usd": state.call[1] / UNITS_PER_USD,
                "deadline": self._moment(state.call[0]),
            },
            "halted_until": self._moment(halted) if halted > engine.now else None,
            "working": [self._order_dict(ticket) for ticket in engine.working],
            "fills": [
                {
                    "time": self._moment(self._market.times[row[core.FILL_BAR]]),
                    "order": row[core.FILL_ORDER],
                    "contracts": row[core.FILL_CONTRACTS],
                    "price": points(row[core.FILL_PRICE]),
                    "role": row[core.FILL_TAG],
                }
                for row in state.fills[-_SHOWN_FILLS:]
            ],
            "messages": [row[3] for row in state.journal[-_SHOWN_MESSAGES:]],
        }

    def _points(self, ticks: int | None) -> float | None:
        return None if ticks is None else self.contract._points(ticks)

    @property
    def _zone(self):
        return self._market.frame.index.tz

    def _moment(self, seconds: int) -> pd.Timestamp:
        return pd.Timestamp(seconds, unit="s", tz=self._zone)

    def _moments(self, seconds) -> pd.DatetimeIndex:
        nothing = np.iinfo(np.int64).min  # which numpy reads as NaT
        values = [nothing if pd.isna(moment) else int(moment) for moment in seconds]
        times = np.array(values, np.int64).view("datetime64[s]")
        return pd.DatetimeIndex(times).tz_localize("UTC").tz_convert(self._zone)

    def _event(self, row: list) -> Event:
        time, event, order, text, contracts, price, fee, realised, cash, position = row
        return Event(
            self._moment(time),
            event,
            order,
            text,
            contracts,
            self._points(price),
            None if fee is None else fee / UNITS_PER_USD,
            None if realised is None else realised / UNITS_PER_USD,
            cash / UNITS_PER_USD,
            position,
        )

    def _order_row(self, ticket: core.Ticket) -> tuple:
        points = [self._points(price) for price in (ticket.limit, ticket.stop)]
        filled = self._points(ticket.price)
        return (
            ticket.id,
            "buy" if ticket.side > 0 else "sell",
            ticket.asked,
            ticket.kind,
            *points,
            ticket.time_in_force,
            ticket.role,
            ticket.owner or None,
            ticket.status,
            ticket.reason,
            ticket.filled,
            filled,
            ticket.sent,
            ticket.done,
            ticket.note,
        )

    def _order_dict(self, ticket: core.Ticket) -> dict[str, Any]:
        return {
            "id": ticket.id,
            "side": "buy" if ticket.side > 0 else "sell",
            "contracts": ticket.contracts,
            "kind": ticket.kind,
            "limit": self._points(ticket.limit),
            "stop": self._points(ticket.stop),
            "time_in_force": ticket.time_in_force,
            "role": ticket.role,
            "entry": ticket.owner or None,
        }
