"""Everything that an account has to remember, and what it is worth.

Prices are whole ticks, money is counted in hundredths of a cent, times are seconds since 1970:
no sum is ever rounded. The rules are those of `m2k_lessons.paper`; the modules that apply them
(`acceptance`, `matching`, `settlement`, `engine`) don't know pandas.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from m2k_lessons.contracts import Contract
from m2k_lessons.paper.replay import Replay

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
    protection: int | None = None  # ticks that a market or stop order may be filled away


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
    worst: int | None = None  # where its protection ends: no fill beyond
    role: str = "order"  # or stop loss, profit target, liquidation


@dataclass
class OpenTrade:
    """Contracts that one fill has opened and that are not closed yet."""

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
    open_trades: list[OpenTrade] = field(default_factory=list)
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
        state.open_trades = [OpenTrade(**trade) for trade in data["open_trades"]]
        state.tickets = [Ticket(**ticket) for ticket in data["tickets"]]
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


class Ledger:
    """Position, equity and margin of an account, and its journal."""

    def __init__(self, contract: Contract, replay: Replay, money: Money, state: State) -> None:
        self.contract, self.replay, self.money, self.state = contract, replay, money, state
        if not state.today:
            state.today = [state.cash, 0, 0, 0]
        self.working = [ticket for ticket in state.tickets if ticket.status == "working"]
        self._by_id = {ticket.id: ticket for ticket in state.tickets}

    @property
    def now(self) -> int:
        return self.replay.times[self.state.bar] + self.replay.length

    @property
    def position(self) -> int:
        return sum(trade.contracts for trade in self.state.open_trades)

    def open_profit(self, price: int) -> int:
        ticks = sum(trade.contracts * (price - trade.mark) for trade in self.state.open_trades)
        return ticks * self.money.tick_value

    @property
    def last(self) -> int:
        return self.replay.closes[self.state.bar]

    @property
    def equity(self) -> int:
        return self.state.cash + self.open_profit(self.last)

    def initial_margin(self, day_rate: bool) -> int:
        """Per contract, to open; `day_rate` says that a day-trade margin applies."""
        money = self.money
        return money.day_trade if day_rate and money.day_trade is not None else money.initial

    def maintenance_margin(self, day_rate: bool) -> int:
        """Per contract, to hold."""
        money = self.money
        return money.day_trade if day_rate and money.day_trade is not None else money.maintenance

    @property
    def initial_now(self) -> int:
        return self.initial_margin(self.replay.day_rate_after[self.state.bar])

    def _protect(self, ticket: Ticket, price: int) -> None:
        """Count the protection of a market order from the last price, of a stop from its level."""
        if self.money.protection is not None:
            ticket.worst = max(price + ticket.side * self.money.protection, 1)

    def exposure(self, side: int = 0, contracts: int = 0) -> int:
        """Most contracts that could be held if the working orders of ticket side were filled."""
        buys = sells = 0
        for ticket in self.working:
            if not ticket.reduce_only:
                if ticket.side > 0:
                    buys += ticket.contracts
                else:
                    sells += ticket.contracts
        if side > 0:
            buys += contracts
        elif side < 0:
            sells += contracts
        return max(abs(self.position + buys), abs(self.position - sells))

    def _end(self, ticket: Ticket, status: str, reason: str, time: int) -> None:
        ticket.status, ticket.reason, ticket.done = status, reason, time
        self.working.remove(ticket)
        self._note(time, status, ticket.id, reason)

    def _points(self, ticks: int) -> str:
        return f"{self.contract._points(ticks):.{self.contract._decimals}f}"

    def _note(
        self, time, event, order, text, contracts=None, price=None, fee=None, realised=None
    ) -> None:
        state = self.state
        state.journal.append(
            [time, event, order, text, contracts, price, fee, realised, state.cash, self.position]
        )
