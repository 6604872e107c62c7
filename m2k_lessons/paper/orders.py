"""What is sent to the account, and what comes back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from m2k_lessons._util import checks

SIDES = {"buy": 1, "sell": -1}
KINDS = ("market", "limit", "stop", "stop-limit")
TIMES_IN_FORCE = ("day", "gtc")
MOST_CONTRACTS = 100_000
_PRICES = ("limit", "stop", "stop_loss", "profit_target", "stop_loss_points")
_PRICES += ("profit_target_points",)


@dataclass(frozen=True)
class Order:
    """An order as typed into a ticket; `market`, `limit`, `stop`, `stop_limit`, `bracket` make it.

    Attributes
    ----------
    side : {"buy", "sell"}
    contracts : int
    kind : {"market", "limit", "stop", "stop-limit"}
    limit, stop : float, optional
        In points.
    time_in_force : {"day", "gtc"}
        A day order ends with its trade date, "gtc" is good till cancelled.
    reduce_only : bool
        Close up to this many contracts, never open any.
    stop_loss, profit_target : float, optional
        Prices of a bracket's exits, in points.
    stop_loss_points, profit_target_points : float, optional
        The same as distances from the fill, in points.
    exit_time_in_force : {"day", "gtc"}
        Of a bracket's exits.
    note : str
        The trader's reason; it stands in the journal.
    """

    side: str
    contracts: int
    kind: str = "market"
    limit: float | None = None
    stop: float | None = None
    time_in_force: str = "day"
    reduce_only: bool = False
    stop_loss: float | None = None
    profit_target: float | None = None
    stop_loss_points: float | None = None
    profit_target_points: float | None = None
    exit_time_in_force: str = "gtc"
    note: str = ""

    def __post_init__(self) -> None:
        checks.choice("side", self.side, SIDES)
        size = checks.whole("contracts", self.contracts, at_least=1, at_most=MOST_CONTRACTS)
        object.__setattr__(self, "contracts", size)
        checks.choice("kind", self.kind, KINDS)
        checks.choice("time_in_force", self.time_in_force, TIMES_IN_FORCE)
        checks.choice("exit_time_in_force", self.exit_time_in_force, TIMES_IN_FORCE)
        if not isinstance(self.reduce_only, bool):
            raise TypeError(f"reduce_only must be True or False, got {self.reduce_only!r}")
        for name in _PRICES:
            value = getattr(self, name)
            if value is not None:
                value = checks.number(name, value, above=0, at_most=10_000_000)
                object.__setattr__(self, name, value)
        for name, kinds in (("limit", ("limit", "stop-limit")), ("stop", ("stop", "stop-limit"))):
            given = getattr(self, name)
            if (given is None) == (self.kind in kinds):
                accepted = "a price" if given is None else "None"
                raise ValueError(
                    f"{name} must be {accepted} for a {self.kind} order, got {given!r}"
                )
        for price, points in (
            ("stop_loss", "stop_loss_points"),
            ("profit_target", "profit_target_points"),
        ):
            if getattr(self, price) is not None and getattr(self, points) is not None:
                raise ValueError(
                    f"{points} must be None where {price} is given, got {getattr(self, points)!r}"
                )
        if self.reduce_only and self.is_bracket:
            raise ValueError("reduce_only must be False for a bracket, got True")
        object.__setattr__(self, "note", one_line("note", self.note))

    @property
    def is_bracket(self) -> bool:
        return any(getattr(self, name) is not None for name in _PRICES[2:])

    def to_dict(self) -> dict[str, Any]:
        """Every attribute that differs from its default: what JSON holds of it."""
        return {
            name: value
            for name, value in asdict(self).items()
            if name in ("side", "contracts") or value != getattr(type(self), name)
        }

    def __str__(self) -> str:
        """As a broker would read it back.

        >>> print(bracket(limit("buy", 2, 2400.0), stop_loss=2390.0, profit_target_points=20))
        buy 2 limit 2400 day, stop loss 2390, profit target 20 points from the fill
        """
        words = [self.side, str(self.contracts), self.kind]
        words += [f"{self.stop:g}" if self.kind == "stop" else ""]
        words += [f"{self.stop:g} at" if self.kind == "stop-limit" else ""]
        words += [f"{self.limit:g}" if self.limit is not None else "", self.time_in_force]
        words += ["reduce only" if self.reduce_only else ""]
        parts = [" ".join(filter(None, words))]
        for name in ("stop_loss", "profit_target"):
            price, points = getattr(self, name), getattr(self, f"{name}_points")
            label = name.replace("_", " ")
            if price is not None:
                parts.append(f"{label} {price:g}")
            if points is not None:
                parts.append(f"{label} {points:g} points from the fill")
        return ", ".join(parts)


def one_line(name: str, text) -> str:
    if not isinstance(text, str):
        raise TypeError(f"{name} must be text, got {text!r}")
    if len(text) > 1000 or not all(letter.isprintable() for letter in text):
        raise ValueError(
            f"{name} must be one line of at most 1000 printable characters, got {text[:60]!r}"
        )
    return text


def market(side: str, contracts: int, *, reduce_only: bool = False, note: str = "") -> Order:
    """Buy or sell at the next open, whatever it is.

    >>> market("buy", 2).kind
    'market'
    """
    return Order(side, contracts, reduce_only=reduce_only, note=note)


def limit(
    side: str, contracts: int, price: float, *, time_in_force: str = "day", note: str = ""
) -> Order:
    """Buy at this price or lower, sell at it or higher.

    >>> print(limit("sell", 1, 2410.5, time_in_force="gtc"))
    sell 1 limit 2410.5 gtc
    """
    return Order(side, contracts, "limit", limit=price, time_in_force=time_in_force, note=note)


def stop(
    side: str, contracts: int, price: float, *, time_in_force: str = "day", note: str = ""
) -> Order:
    """Becomes a market order as soon as the price is reached.

    >>> print(stop("sell", 1, 2390.0))
    sell 1 stop 2390 day
    """
    return Order(side, contracts, "stop", stop=price, time_in_force=time_in_force, note=note)


def stop_limit(
    side: str,
    contracts: int,
    stop: float,
    limit: float,
    *,
    time_in_force: str = "day",
    note: str = "",
) -> Order:
    """Becomes a limit order as soon as the stop price is reached.

    >>> print(stop_limit("sell", 1, stop=2390.0, limit=2388.0))
    sell 1 stop-limit 2390 at 2388 day
    """
    return Order(
        side,
        contracts,
        "stop-limit",
        limit=limit,
        stop=stop,
        time_in_force=time_in_force,
        note=note,
    )


def bracket(
    entry: Order,
    *,
    stop_loss: float | None = None,
    profit_target: float | None = None,
    stop_loss_points: float | None = None,
    profit_target_points: float | None = None,
    exit_time_in_force: str = "gtc",
) -> Order:
    """Tie a stop and a profit target to an entry: when one is filled, the other is cancelled.

    Parameters
    ----------
    entry : Order
        A market, limit, stop or stop-limit order.
    stop_loss, profit_target : float, optional
        Prices, in points.
    stop_loss_points, profit_target_points : float, optional
        Or distances from the price at which the entry is filled, in points.
    exit_time_in_force : {"gtc", "day"}
        How long the exits work.

    Raises
    ------
    ValueError, TypeError
        Neither exit, or one of them given twice; an entry that is no order or has exits already.

    Examples
    --------
    >>> bracket(market("buy", 1), stop_loss_points=8.0, profit_target_points=16.0).is_bracket
    True
    """
    if not isinstance(entry, Order):
        raise TypeError(f"entry must be an Order such as market('buy', 1), got {entry!r}")
    if entry.is_bracket:
        raise ValueError(f"entry must be an order without exits, got {entry}")
    order = replace(
        entry,
        stop_loss=stop_loss,
        profit_target=profit_target,
        stop_loss_points=stop_loss_points,
        profit_target_points=profit_target_points,
        exit_time_in_force=exit_time_in_force,
    )
    if not order.is_bracket:
        raise ValueError("stop_loss or profit_target must be given (or their points), got neither")
    return order


@dataclass(frozen=True)
class Accepted:
    """The account has taken an order (or done what was asked); true in a condition."""

    id: int
    text: str = ""
    ok: ClassVar[bool] = True

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Refused:
    """The account has not taken an order; false in a condition.

    Attributes
    ----------
    id : int
        Number of the order in `orders`, where it stands as refused; of the order meant, when a
        cancellation is refused.
    code : str
        One of REASONS.
    reason : str
        What the broker says.
    """

    id: int
    code: str
    reason: str
    ok: ClassVar[bool] = False

    def __bool__(self) -> bool:
        return False


REASONS = {
    "closed": "the market is closed",
    "tick": "a price between two ticks",
    "price limit": "a price beyond the exchange's limits",
    "margin": "not enough money for the initial margin",
    "margin call": "only reductions while a margin call is open",
    "stop side": "a stop that the market has passed already",
    "exits": "a bracket's exits on the wrong side of its entry",
    "nothing to reduce": "a reduction without a position",
    "end of replay": "there are no more bars",
    "unknown order": "no order has this number",
    "not working": "the order is filled, cancelled, expired or refused",
}
