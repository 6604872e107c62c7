"""A demo account as a value: `step(desk, event)` gives the desk after an event.

The desk that went in stays as it was, so that a screen, a test or a lesson can try one thing, and
then another, from the same moment. What a desk knows comes from its `PaperAccount`, which has
seen no bar later than its own clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pandas as pd

from m2k_lessons.paper.account import PaperAccount
from m2k_lessons.paper.orders import Accepted, Order, Refused

# The clock times at which a fast-forward stops: opening and end of regular hours, close, open.
CLOCK_TIMES = {"session": ("09:30", "16:00", "17:00", "18:00"), "day": ("09:30",)}
# While minutes run by, these stop the clock, so that nobody sleeps through them.
STOPPING = {"fill", "cancelled", "expired", "reduced", "margin call", "liquidation", "warning"}
STOPPING |= {"protected"}
MESSAGES = 8


@dataclass(frozen=True)
class Submit:
    """Send an order; `ticket` holds the arguments of `paper.Order`."""

    ticket: Mapping[str, Any]


@dataclass(frozen=True)
class Cancel:
    """Cancel a working order."""

    id: int


@dataclass(frozen=True)
class Flatten:
    """Cancel everything that waits and close the position at the next open."""


@dataclass(frozen=True)
class Minutes:
    """Let up to `n` minutes pass; the clock stops early when something happens."""

    n: int = 1


@dataclass(frozen=True)
class FastForward:
    """Let minutes pass to the next "session" or 09:30 of the next "day"; stops early likewise."""

    to: str = "session"


@dataclass(frozen=True)
class Reset:
    """Start again with the account as it was opened."""


@dataclass(frozen=True)
class Desk:
    """An account and what it has said; never changed, only replaced by `step`.

    Attributes
    ----------
    account : PaperAccount
    opening : PaperAccount
        The account as it was opened, for `Reset`.
    messages : tuple of (Timestamp, str)
        The last few, newest last.
    interrupted : bool
        Whether something happened that stopped the clock in the last event.
    latest : int
        How many of the messages the last event brought.
    """

    account: PaperAccount
    opening: PaperAccount = field(repr=False)
    messages: tuple[tuple[pd.Timestamp, str], ...] = ()
    interrupted: bool = False
    latest: int = 1


def opened(account: PaperAccount) -> Desk:
    """A desk with a freshly opened account."""
    text = f"account opened with {account.cash_usd:,.2f} USD; every price is simulated"
    return Desk(account.copy(), account, ((account.now, text),))


def step(desk: Desk, event) -> Desk:
    """The desk after an event; the desk given stays as it is.

    Parameters
    ----------
    desk : Desk
    event : Submit, Cancel, Flatten, Minutes, FastForward or Reset

    Returns
    -------
    Desk
        A refused order, and a ticket that makes no order, are messages and no errors.

    Raises
    ------
    TypeError
        An event of another kind.

    Examples
    --------
    >>> index = pd.date_range("2030-03-05 10:00", periods=4, freq="min", tz="America/New_York")
    >>> bars = pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])
    >>> before = opened(PaperAccount(bars, capital=2_000))
    >>> after = step(step(before, Submit({"side": "buy", "contracts": 1})), Minutes(2))
    >>> before.account.position, after.account.position, after.messages[-1][1]
    (0, 1, 'bought 1 at 2400.1')
    """
    if isinstance(event, Reset):
        return opened(desk.opening)
    account = desk.account.copy()
    if isinstance(event, Submit):
        try:
            answer = account.submit(Order(**event.ticket))
        except (TypeError, ValueError) as error:  # the ticket is wrong, and says what
            return _with_messages(desk, account, [(account.now, f"NOT SENT: {error}")])
        if isinstance(answer, Accepted):
            text = f"order {answer.id} accepted: {answer.text}"
        else:
            text = f"REFUSED: {answer.reason}"
        return _with_messages(desk, account, [(account.now, text)])
    if isinstance(event, (Cancel, Flatten)):
        recorded = len(account.journal)
        answer = account.cancel(event.id) if isinstance(event, Cancel) else account.flatten()
        texts = [_in_words(row) for row in account.journal.iloc[recorded:].itertuples()]
        if isinstance(answer, Refused):
            nothing = answer.code == "nothing to reduce"
            texts[-1] = "there is no position to close" if nothing else f"REFUSED: {answer.reason}"
        return _with_messages(desk, account, [(account.now, text) for text in texts])
    if isinstance(event, Minutes):
        until, most = None, event.n
    elif isinstance(event, FastForward):
        until, most = _next_time(account.now, CLOCK_TIMES[event.to]), None
    else:
        raise TypeError(
            f"event must be one of the desk's events, such as Minutes(1), got {event!r}"
        )
    return _let_pass(desk, account, until, most)


def _let_pass(desk: Desk, account: PaperAccount, until, most: int | None) -> Desk:
    messages, passed, interrupted = [], 0, False
    if account.finished:  # said when it ended, and once is enough
        return replace(desk, account=account, interrupted=True)
    while not (
        interrupted or account.finished or passed == most or (until and account.now >= until)
    ):
        events = account.step()
        messages += [(happened.time, _in_words(happened)) for happened in events]
        passed += 1
        interrupted = any(happened.event in STOPPING for happened in events)
    if account.finished:
        messages.append((account.now, "the replay is over: press Start again"))
    return _with_messages(desk, account, messages, interrupted or account.finished)


def _next_time(now: pd.Timestamp, clock_times: tuple[str, ...]) -> pd.Timestamp:
    """The next of these New York clock times; on a Saturday there is none, on a Sunday 18:00."""
    for days in range(4):
        # Noon is on the same date whether or not the clocks change on the way.
        day = (now.normalize() + timedelta(hours=24 * days + 12)).normalize()
        for time in clock_times:
            place = day.replace(hour=int(time[:2]), minute=int(time[3:]))
            on = place.day_of_week < 5 or (place.day_of_week == 6 and time == "18:00")
            if on and place > now:
                return place
    raise AssertionError(f"no {clock_times} within four days of {now}")


def _in_words(happened) -> str:
    """An event or a row of the journal; a text that is only a reason gets its order's number."""
    if happened.event in ("accepted", "cancelled", "expired", "reduced", "protected"):
        return f"order {happened.order} {happened.event}: {happened.text}"
    return happened.text


def _with_messages(desk: Desk, account: PaperAccount, new: list, interrupted: bool = False) -> Desk:
    messages = (*desk.messages, *new)[-MESSAGES:]
    latest = min(len(new), MESSAGES)
    return replace(desk, account=account, messages=messages, interrupted=interrupted, latest=latest)


def result_card(desk: Desk) -> dict[str, Any]:
    """What the desk's trading has come to, beside doing nothing and beside holding one contract.

    Parameters
    ----------
    desk : Desk

    Returns
    -------
    dict
        `trades`, the frame of `PaperAccount.trades`; `won` and `lost`, how many of them made and
        lost money after fees, `won_usd` and `lost_usd`, how much; `fees_usd` of all fills;
        `made_usd`, the change of equity since the account was opened, open position included;
        `nothing_usd`, what an account that trades nothing has made; `largest_fall_usd` of the
        equity from its highest close so far, a number from 0 on; `holding_usd`, the same account
        with one contract bought at the first open, costs and margin calls included, or None with
        `refused`, the broker's reason.

    Examples
    --------
    >>> index = pd.date_range("2030-03-05 10:00", periods=4, freq="min", tz="America/New_York")
    >>> bars = pd.DataFrame({"open": [2400.0, 2400, 2410, 2410]}, index)
    >>> bars["high"], bars["low"], bars["close"] = 2410.0, 2400.0, [2400.0, 2410, 2410, 2410]
    >>> desk = opened(PaperAccount(bars, capital=2_000, commission_usd=1.0))
    >>> desk = step(step(desk, Submit({"side": "buy", "contracts": 1})), Minutes(1))
    >>> card = result_card(step(step(desk, Flatten()), Minutes(1)))
    >>> card["won"], card["fees_usd"], card["made_usd"], card["holding_usd"]
    (1, 2.0, 47.0, 48.5)
    """
    account, trades = desk.account, desk.account.trades
    equity_usd = account.equity.iloc[len(desk.opening.seen) - 1 :]
    holding = desk.opening.copy()
    answer = holding.submit(Order("buy", 1))
    if behind := len(account.seen) - len(holding.seen):
        holding.step(behind)
    won, lost = trades["pnl_usd"] > 0, trades["pnl_usd"] < 0
    return {
        "trades": trades,
        "won": int(won.sum()),
        "lost": int(lost.sum()),
        "won_usd": float(trades.loc[won, "pnl_usd"].sum()),
        "lost_usd": float(trades.loc[lost, "pnl_usd"].sum()),
        "fees_usd": float(account.fills["fee_usd"].sum()),
        "made_usd": account.equity_usd - desk.opening.equity_usd,
        "nothing_usd": 0.0,
        "largest_fall_usd": float((equity_usd.cummax() - equity_usd).max()),
        "holding_usd": holding.equity_usd - desk.opening.equity_usd if answer else None,
        "refused": answer.reason if isinstance(answer, Refused) else "",
    }


def position_text(shown: Mapping[str, Any]) -> str:
    """The position of a snapshot in a few words."""
    if not shown["position"]:
        return "none"
    return f"{shown['position']:+d} from {shown['average_price']:,.1f}".replace("-", "−")


def order_text(order: Mapping[str, Any]) -> str:
    """A working order of a snapshot in a few words."""
    given = [name for name in ("stop", "limit") if order[name] is not None]
    prices = [f"{name} {order[name]:,.1f}" for name in given]
    words = [f"{order['id']}: {order['side']} {order['contracts']}", *(prices or ["market"])]
    role = [] if order["entry"] is None else [f"({order['role']} of order {order['entry']})"]
    return " ".join([*words, order["time_in_force"], *role])
