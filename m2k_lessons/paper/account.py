"""The demo account: commands, files, and the state between bars."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.paper import replay, storage, terms
from m2k_lessons.paper.engine import Engine
from m2k_lessons.paper.orders import (
    Accepted,
    Order,
    Refused,
    market,
    one_line,
)
from m2k_lessons.paper.state import Money, State
from m2k_lessons.paper.views import Event, Views


class PaperAccount(Views):
    """A demo account on replayed bars; the rules are in the docstring of this module.

    Parameters
    ----------
    bars : DataFrame
        Columns open, high, low, close in points on the contract's tick, and perhaps
        `spread_ticks`; tz-aware times, the start of each bar; bars of at most an hour.
    contract : Contract
    capital : float
        USD in the account at the beginning.
    commission_usd : float, optional
        Per contract and side, all fees included. The course's assumption when omitted.
    slippage_ticks : int or dict, optional
        Ticks lost on market and stop orders besides half the spread; {"RTH": 1, "ETH": 2} for
        different sessions.
    margin : float or (float, float), optional
        Initial, or initial and maintenance margin, USD per contract; 0 for none. The newest in
        `facts` when omitted.
    day_trade_margin : float, optional
        USD per contract inside a session, where the broker grants one.
    day_trade_cutoff_minutes : int
        It ends this long before the session does.
    limit_fill : {"through", "touch"}
        Whether a limit order needs a price beyond its limit.
    price_limits : bool
        Apply the exchange's price limits, the pauses of the night and the market-wide halt.
    sp500_bars : DataFrame, optional
        Bars of the S&P 500 index or of a future on it (MES, ES), columns low and close: what the
        market-wide halt follows. Without them nothing halts in the day session.
    protection_points : float, "course" or None
        How far from its level (a stop) or from the last price (a market order) an order may be
        filled, in points, on the contract's tick. "course": the assumption in `facts`, of the
        price when the account opens. None: at any price.
    liquidate_below : float
        Share of the margin to hold, 0 to 1, below which the broker closes at once.
    start : int or Timestamp, optional
        Bars seen before the account opens: how many, at least 1, or all that end by then.
    log : path, optional
        A new file for the log.

    Raises
    ------
    ValueError, TypeError
        Bars or terms that are not as described.
    FileExistsError
        The log exists: `recover` continues it.

    Examples
    --------
    >>> index = pd.date_range("2030-03-05 10:00", periods=4, freq="min", tz="America/New_York")
    >>> bars = pd.DataFrame({"open": [2400.0, 2400.5, 2404.0, 2406.0]}, index=index)
    >>> bars = bars.assign(high=bars.open + 1, low=bars.open - 1, close=bars.open + 0.5)
    >>> account = PaperAccount(bars, capital=5_000, commission_usd=0.85)
    >>> account.submit(market("buy", 2))
    Accepted(id=1, text='buy 2 market day')
    >>> [event.text for event in account.step()]
    ['bought 2 at 2400.6']
    >>> account.submit(market("buy", 50)).reason
    '52 contracts, working orders included, need 49,442.50 USD of initial margin and fees; \
the account has 5,002.30'
    >>> account.flatten()
    Accepted(id=3, text='sell 2 market day reduce only')
    >>> account.step(2)[0].text, account.cash_usd
    ('sold 2 at 2403.9', 5029.6)
    """

    def __init__(
        self,
        bars: pd.DataFrame,
        *,
        contract: Contract = M2K,
        capital: float = 10_000,
        commission_usd: float | None = None,
        slippage_ticks: int | Mapping[str, int] | None = None,
        margin: float | tuple[float, float] | None = None,
        day_trade_margin: float | None = None,
        day_trade_cutoff_minutes: int = 15,
        limit_fill: str = "through",
        price_limits: bool = True,
        sp500_bars: pd.DataFrame | None = None,
        protection_points: float | str | None = "course",
        liquidate_below: float = 0.5,
        start: int | pd.Timestamp | None = None,
        log: str | os.PathLike | None = None,
    ) -> None:
        amount = terms.usd_units("capital", capital, above=0)
        own = terms.market_terms(
            bars, contract, slippage_ticks, price_limits, day_trade_cutoff_minutes, sp500_bars
        )
        market_ = replay.build(_own(bars), own, sp500_bars)
        bar = terms.first_bar(market_, start)
        money = terms.money_terms(
            contract,
            commission_usd=commission_usd,
            margin=margin,
            day_trade_margin=day_trade_margin,
            limit_fill=limit_fill,
            liquidate_below=liquidate_below,
            protection_points=protection_points,
            last=market_.closes[bar],
        )
        # Opened after the end of a trade date, an account has nothing to settle for it.
        over = market_.flags[bar] & replay.LAST_OF_DATE
        state = State(bar, amount, settled=market_.dates[bar] if over else -1)
        self._set_up(market_, own, money, state, amount)
        if log is not None:
            self._begin_log(log)

    def _set_up(
        self, market_: replay.Replay, own: replay.Terms, money: Money, state: State, capital: int
    ) -> None:
        self._market, self._terms, self._money, self._capital = market_, own, money, capital
        self._engine = Engine(own.contract, market_, money, state)
        self._log: storage.Log | None = None

    # ------------------------------------------------------------ commands

    def submit(self, order: Order) -> Accepted | Refused:
        """Send an order.

        Returns
        -------
        Accepted or Refused
            Either has the `id` under which the order stands in `orders`; a refusal is false in
            a condition and has `code` (a key of REASONS) and `reason`.
        """
        if not isinstance(order, Order):
            raise TypeError(f"order must be an Order such as market('buy', 1), got {order!r}")
        return self._do("submit", order.to_dict())

    def cancel(self, id: int) -> Accepted | Refused:
        """Cancel a working order. Cancelling one exit of a bracket leaves the other."""
        return self._do("cancel", checks.whole("id", id, at_least=0))

    def flatten(self) -> Accepted | Refused:
        """Cancel every working order and close the position at the next open."""
        for ticket in list(self._engine.working):
            if not ticket.owner:
                self.cancel(ticket.id)
        held = self.position
        return self.submit(market("sell" if held > 0 else "buy", abs(held) or 1, reduce_only=True))

    def step(self, n: int = 1, *, stop_at_event: bool = False) -> list[Event]:
        """Let `n` bars pass, fewer where the replay ends, and tell what happened.

        Parameters
        ----------
        n : int
            At least 1.
        stop_at_event : bool
            Stop after the first bar in which anything happens.
        """
        n = checks.whole("n", n, at_least=1)
        if not isinstance(stop_at_event, bool):
            raise TypeError(f"stop_at_event must be True or False, got {stop_at_event!r}")
        recorded = len(self._state.journal)
        self._do("step", n, stop_at_event)
        return [self._event(row) for row in self._state.journal[recorded:]]

    def deposit(self, usd: float) -> None:
        """Pay money in, as a margin call may make necessary."""
        self._do("deposit", terms.usd_units("usd", usd, above=0))

    def note(self, text: str) -> None:
        """Write a line of one's own into the journal."""
        self._do("note", one_line("text", text))

    def _do(self, name: str, *arguments):
        """Carry a command out; what it caused is in the log before anybody is recorded."""
        if self._log is None:
            return self._carry_out(name, *arguments)
        self._log.check()
        fills, recorded = len(self._state.fills), len(self._state.journal)
        answer = self._carry_out(name, *arguments)
        line = {
            "do": [name, *arguments],
            "fills": self._state.fills[fills:],
            "cash": self._state.cash,
        }
        self._log.append(line, durable=len(self._state.journal) > recorded)
        return answer

    def _carry_out(self, name: str, *arguments):
        if name == "submit":
            return self._engine.submit(Order(**arguments[0]))
        return getattr(self._engine, name)(*arguments)

    # ------------------------------------------------------------ what there is

    @property
    def contract(self) -> Contract:  # type: ignore[override]
        return self._terms.contract

    @property
    def seen(self) -> pd.DataFrame:
        """The bars up to now."""
        return self._market.frame.iloc[: self._state.bar + 1]

    @property
    def now(self) -> pd.Timestamp:
        """The end of the last bar seen."""
        return self._moment(self._engine.now)

    @property
    def finished(self) -> bool:  # type: ignore[override]
        """Whether all bars have been replayed."""
        return self._state.bar + 1 >= len(self._market)

    def __repr__(self) -> str:
        return (
            f"PaperAccount: {self.position} {self.contract.symbol}, cash {self.cash_usd:,.2f} USD, "
            f"equity {self.equity_usd:,.2f} USD, {len(self._engine.working)} working orders, "
            f"{self.now:%Y-%m-%d %H:%M}"
        )

    def copy(self) -> PaperAccount:
        """A second account in the same state, which goes its own way from here.

        Returns
        -------
        PaperAccount
            Equal in `to_bytes`; it keeps no log, even if this account does.

        Examples
        --------
        >>> index = pd.date_range("2030-03-05 10:00", periods=3, freq="min", tz="America/New_York")
        >>> bars = pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])
        >>> account = PaperAccount(bars, capital=2_000)
        >>> other = account.copy()
        >>> _ = other.submit(market("buy", 1)), other.step()
        >>> account.position, other.position
        (0, 1)
        """
        account = type(self).__new__(type(self))
        # The bars are never written to, so both can read the same.
        state = copy.deepcopy(self._state)
        account._set_up(self._market, self._terms, self._money, state, self._capital)
        return account

    # ------------------------------------------------------------ files

    def to_bytes(self) -> bytes:
        """The whole account as JSON; equal accounts give equal bytes."""
        return storage.to_bytes(self._to_dict())

    def _to_dict(self) -> dict[str, Any]:
        return {
            "format": storage.FORMAT,
            "version": storage.VERSION,
            "contract": asdict(self.contract),
            "terms": {
                name: value for name, value in vars(self._terms).items() if name != "contract"
            },
            "money": asdict(self._money),
            "capital": self._capital,
            "bars": self._market.digest(self._state.bar),
            "halts": self._market.halts_by(self._state.bar),
            "state": self._state.to_dict(),
        }

    def save(self, path: str | os.PathLike) -> None:
        """Write the account to a file, as a whole or not at all."""
        storage.replace(path, self.to_bytes())

    @classmethod
    def from_bytes(
        cls, data: bytes, bars: pd.DataFrame, *, sp500_bars: pd.DataFrame | None = None
    ) -> PaperAccount:
        """Bring back what `to_bytes` gave, on the same bars (later ones may have been added)."""
        return cls._from_dict(storage.from_bytes(data, "data"), bars, sp500_bars)

    @classmethod
    def restore(
        cls,
        path: str | os.PathLike,
        bars: pd.DataFrame,
        *,
        sp500_bars: pd.DataFrame | None = None,
        log: str | os.PathLike | None = None,
    ) -> PaperAccount:
        """Bring back a saved account.

        Parameters
        ----------
        path : path
            What `save` has written.
        bars : DataFrame
            The same bars; later ones may have been added.
        sp500_bars : DataFrame, optional
            Likewise; given if and only if the account was opened with some.
        log : path, optional
            A new file for the log.

        Raises
        ------
        ValueError
            A file that `save` has not written, or other bars.
        """
        data = Path(path).read_bytes()
        account = cls._from_dict(storage.from_bytes(data, f"{Path(path).name}"), bars, sp500_bars)
        if log is not None:
            account._begin_log(log)
        return account

    @classmethod
    def recover(
        cls,
        log: str | os.PathLike,
        bars: pd.DataFrame,
        *,
        sp500_bars: pd.DataFrame | None = None,
    ) -> PaperAccount:
        """Go on after a crash: play the log again, and continue it.

        Raises
        ------
        ValueError
            A log that is damaged (its last line may be torn), other bars, or fills that come out
            differently, as they would with other rules.
        """
        header, commands, whole = storage.read_log(log)
        account = cls._from_dict(header, bars, sp500_bars)
        for number, command in enumerate(commands, start=2):
            fills = len(account._state.fills)
            account._carry_out(*command["do"])
            same = account._state.fills[fills:] == command["fills"]
            if not same or account._state.cash != command["cash"]:
                raise ValueError(
                    f"log {Path(log).name} must give the same fills again; line {number} gives "
                    f"{account._state.fills[fills:]} in place of {command['fills']}"
                )
        storage.truncate(log, whole)
        account._log = storage.Log(log)
        return account

    def checkpoint(self) -> None:
        """Begin the log anew with the account as it is now, so that it stays short."""
        if self._log is None:
            raise ValueError("log must have been given to the account, got None")
        self._log.check()
        storage.replace(self._log.path, self.to_bytes())

    def _begin_log(self, log: str | os.PathLike) -> None:
        if Path(log).exists():
            raise FileExistsError(
                f"log must be a new file, got {Path(log).name}; PaperAccount.recover continues it"
            )
        storage.replace(log, self.to_bytes())
        self._log = storage.Log(log)

    @classmethod
    def _from_dict(cls, data: dict[str, Any], bars: pd.DataFrame, sp500_bars) -> PaperAccount:
        own = replay.Terms(contract=Contract(**data["contract"]), **data["terms"])
        market_ = replay.build(_own(bars), own, sp500_bars)
        state = State.from_dict(data["state"])
        if state.bar >= len(market_) or market_.digest(state.bar) != data["bars"]:
            raise ValueError(
                f"bars must be those the account was saved with, got other prices or times in its "
                f"first {state.bar + 1} bars"
            )
        if market_.halts_by(state.bar) != data["halts"]:
            accepted = "None" if data["halts"] is None else "those the account was saved with"
            raise ValueError(
                f"sp500_bars must be {accepted}, got {'none' if sp500_bars is None else 'others'}"
            )
        account = cls.__new__(cls)
        account._set_up(market_, own, Money(**data["money"]), state, data["capital"])
        return account

    def save_journal(self, path: str | os.PathLike) -> None:
        """Write the journal as CSV; `read_journal` brings it back."""
        storage.write_journal(self.journal, path)


def _own(bars):
    """A copy that later changes by the caller don't reach (pandas copies on write)."""
    return bars.copy(deep=False) if isinstance(bars, pd.DataFrame) else bars
