"""The orders that lead a demo account to the answers of a risk engine."""

from __future__ import annotations

from m2k_lessons.paper import Accepted, PaperAccount, Refused, bracket, market


class Following:
    """The last answer, and the contracts that the account has lost of it.

    Contracts lost to a stop, a profit target or for want of margin are struck off: the account
    holds the answer less what is struck off, until the answer is zero or on the other side. Where
    all were lost, the side is blocked until then.
    """

    def __init__(self) -> None:
        self._target = self._struck = 0
        self._blocked = False
        self._fills_read = 0  # of the account's fills
        self._entry: int | None = None  # the last order that opens
        self._again = False  # nobody has decided about it: it is sent again

    def strike_off(self, account: PaperAccount) -> None:
        """Count what the account has lost since the last answer."""
        state, side = account._state, 1 if self._target > 0 else -1
        new = state.fills[self._fills_read :]
        held = account.position - sum(contracts for _, _, contracts, *_ in new)
        self._fills_read = len(state.fills)
        for _, _, contracts, *_, role in new:
            held += contracts
            if role != "order" and contracts * side < 0:
                self._struck += abs(contracts)
                self._blocked |= held == 0
        if self._entry is not None:
            entry = state.tickets[self._entry - 1]
            self._again |= entry.status == "expired"
            if entry.status == "cancelled":  # by the broker, for want of margin
                self._struck += entry.contracts

    def send(
        self, account: PaperAccount, target: int, stop_points: float | None
    ) -> list[Accepted | Refused]:
        """Cancel what still waits, reduce, and open what is missing."""
        working = account.snapshot()["working"]
        waiting = [order["id"] for order in working if order["role"] == "order"]
        for number in waiting:
            account.cancel(number)
        if target * self._target <= 0:
            self._struck, self._blocked = 0, False
        due = bool(waiting) or self._again or target != self._target
        self._target, self._entry, self._again = target, None, False
        held, answers = account.position, []
        size = 0 if self._blocked else max(abs(target) - self._struck, 0)
        kept = abs(held) if held * target > 0 else 0
        surplus = abs(held) - min(kept, size)
        if surplus > 0:
            closing = market("sell" if held > 0 else "buy", surplus, reduce_only=True)
            answers.append(account.submit(closing))
        missing = size - kept
        if missing > 0 and due:
            entry = market("buy" if target > 0 else "sell", missing)
            opening = entry if stop_points is None else bracket(entry, stop_loss_points=stop_points)
            answer = account.submit(opening)
            answers.append(answer)
            self._entry = answer.id
            self._again = isinstance(answer, Refused) and answer.code == "closed"
            if not answer.ok and not self._again:
                self._struck += missing
        return answers
