"""Controls before an order leaves: what is refused, and why, whatever the program wants."""

from __future__ import annotations

from dataclasses import dataclass, field

from m2k_lessons._util import checks


@dataclass
class OrderGate:
    """Stands between a program and its broker; each order passes all controls or is refused.

    It knows nothing of strategies, and times are plain seconds, so that it can be tested without a
    clock. What the account holds is the program's affair; how much goes out at once is the gate's.

    Parameters
    ----------
    largest : int
        Most contracts in one order.
    band_points : float
        Most points between a limit price and the last trade.
    messages, per_seconds : int, float
        Most orders, refused ones included, in so many seconds.
    stale_seconds : float
        Oldest age of the last price at which an order may still leave.
    heartbeat_seconds : float
        Longest silence of the program; `watch` cancels its resting orders after that, and `order`
        refuses until `beat` is heard.

    Attributes
    ----------
    resting : dict of str to int
        Signed contracts of each order that has left and has no answer, by its name.
    log : list of tuple
        (seconds, name of the order, "sent" or the reason of the refusal).
    stopped : bool
        True after `cancel_all`, for good: to go on is a person's decision and takes a new gate.

    Examples
    --------
    >>> gate = OrderGate(largest=5)
    >>> gate.price(0.0, 2400.0)
    >>> gate.order(0.0, "entry", 50)
    'largest order: 50 contracts, 5 at most'
    >>> gate.order(1.0, "entry", 5), gate.order(2.0, "entry", 5)
    ('sent', 'duplicate order: entry has no answer yet')
    """

    largest: int = 5
    band_points: float = 20.0
    messages: int = 5
    per_seconds: float = 10.0
    stale_seconds: float = 5.0
    heartbeat_seconds: float = 30.0
    resting: dict[str, int] = field(default_factory=dict, init=False)
    log: list[tuple[float, str, str]] = field(default_factory=list, init=False)
    stopped: bool = field(default=False, init=False)
    _last: tuple[float, float] | None = field(default=None, init=False)
    _beat: float | None = field(default=None, init=False)
    _now: float = field(default=0.0, init=False)

    def __post_init__(self) -> None:
        for name in ("largest", "messages"):
            checks.whole(name, getattr(self, name), at_least=1)
        for name in ("band_points", "per_seconds", "stale_seconds", "heartbeat_seconds"):
            checks.number(name, getattr(self, name), above=0)

    def price(self, now: float, last: float) -> None:
        """Take note of a trade in the market at `last` points."""
        self._last = (self._time(now), checks.number("last", last))

    def beat(self, now: float) -> None:
        """Hear that the program is alive; an order counts as well."""
        self._beat = self._time(now)

    def order(self, now: float, name: str, contracts: int, limit: float | None = None) -> str:
        """Send an order, below zero to sell; return "sent", or the control that refused it.

        Raises
        ------
        ValueError, TypeError
            Contracts that are not whole or 0; a time before the last one.
        """
        now = self._time(now)
        contracts = checks.whole("contracts", contracts)
        if contracts == 0:
            raise ValueError("contracts must not be 0, which is no order")
        if limit is not None:
            limit = checks.number("limit", limit)
        answer = self._refusal(now, name, contracts, limit) or "sent"
        self.log.append((now, name, answer))
        if answer == "sent":
            self.resting[name] = contracts
            self._beat = now
        return answer

    def answered(self, name: str) -> None:
        """Hear that the order is filled, cancelled or refused at the exchange."""
        if name not in self.resting:
            raise ValueError(f"name must be one of {sorted(self.resting)}, got {name!r}")
        del self.resting[name]

    def watch(self, now: float) -> list[str]:
        """Cancel what rests if the program has been silent too long; return the names."""
        return self._cancel() if self._silent(self._time(now)) else []

    def cancel_all(self) -> list[str]:
        """Cancel everything that rests and refuse whatever comes; return the names."""
        self.stopped = True
        return self._cancel()

    def _cancel(self) -> list[str]:
        names = sorted(self.resting)
        self.resting.clear()
        return names

    def _time(self, now: float) -> float:
        self._now = checks.number("now", now, at_least=self._now)
        return self._now

    def _silent(self, now: float) -> bool:
        return self._beat is not None and now - self._beat > self.heartbeat_seconds

    def _refusal(self, now: float, name: str, contracts: int, limit: float | None) -> str:
        if self.stopped:
            return "cancel all: a person has stopped this program"
        if self._silent(now):
            return f"heartbeat: silent for more than {self.heartbeat_seconds:g} seconds"
        if abs(contracts) > self.largest:
            return f"largest order: {abs(contracts)} contracts, {self.largest} at most"
        if self._last is None or now - self._last[0] > self.stale_seconds:
            age = "never" if self._last is None else f"{now - self._last[0]:g} seconds ago"
            return f"stale data: last price {age}, {self.stale_seconds:g} seconds at most"
        apart = 0.0 if limit is None else abs(limit - self._last[1])
        if apart > self.band_points:
            return f"price band: {apart:g} points from the last trade, {self.band_points:g} at most"
        if name in self.resting:
            return f"duplicate order: {name} has no answer yet"
        lately = sum(now - then < self.per_seconds for then, *_ in self.log)
        if lately >= self.messages:
            return f"message limit: {lately} orders in {self.per_seconds:g} seconds"
        return ""
