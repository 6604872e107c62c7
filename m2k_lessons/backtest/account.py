"""The account's keywords, in one place for every function that takes them."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import pandas as pd

from m2k_lessons.contracts import M2K, Contract

_Answer = TypeVar("_Answer")
_PLACE = "    {account}\n"  # where a docstring shows the keywords


@dataclass(frozen=True)
class Account:
    """What is traded, and on which terms.

    contract : Contract
        Gives multiplier and tick.
    contracts : int, Series of int, or function
        Contracts of a full position (`target` 1). A function of (equity_usd, price, time) is
        asked at each close where `target` changes to something else than 0.
    capital : float
        USD in the account before the first bar.
    commission_usd : float, optional
        Per contract and side, all fees included. The course's assumption when omitted.
    slippage_ticks : int
        Ticks lost on each market and stop order.
    stop_points, take_profit_points : float or Series, optional
        Distance of the stop and of the profit target from each fill, in points. A Series, such
        as a multiple of the average true range, is known at each close and holds for what that
        close orders; it is taken to the nearest tick, and to one at least. It may be NaN where
        nothing is opened.
    protection_points : float, optional
        How far beyond its stop a stop order may still be filled. What a gap carries further
        rests as a limit order at that edge, and may never be filled, as at the exchange. When
        omitted, a gapped stop is filled at the open, however far that is: an assumption.
    margin : float or (float, float), optional
        Initial, or initial and maintenance margin, in USD per contract; 0 for none. The newest
        in `facts` when omitted.
    fill : {"next_open", "next_close", "close"}
        Where an order is filled: at the open after the close that decided it, at the close after
        it, or at that close itself. An index has no open at which anybody could trade: where
        `bars` say so (see `data.measure_opens`), "next_open" is refused.
    resize : bool
        Ask a function `contracts` at every close, so that the position follows the equity.
    roll_costs : bool
        Charge two sides of cost where `contract` changes.
    roll_gap_points : Series, optional
        New less old contract in points, by the first time of each new contract.
    """

    contract: Contract = M2K
    contracts: int | pd.Series | Callable[[float, float, pd.Timestamp], int] = 1
    capital: float = 10_000
    commission_usd: float | None = None
    slippage_ticks: int = 1
    stop_points: float | pd.Series | None = None
    take_profit_points: float | pd.Series | None = None
    protection_points: float | None = None
    margin: float | tuple[float, float] | None = None
    fill: str = "next_open"
    resize: bool = False
    roll_costs: bool = True
    roll_gap_points: pd.Series | None = None

    def keywords(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in fields(self)}


# What belongs to one contract, so that a portfolio may have one for each symbol.
PER_CONTRACT = (
    "contract",
    "contracts",
    "commission_usd",
    "slippage_ticks",
    "stop_points",
    "take_profit_points",
    "protection_points",
    "margin",
    "roll_gap_points",
)


def takes_account(function: Callable[..., _Answer]) -> Callable[..., _Answer]:
    """Let callers give the fields of `Account` as keywords of `function`.

    The function itself is given them as one `account`. Signature and docstring show all of them.
    """
    own = inspect.signature(function).parameters
    shown = [parameter for name, parameter in own.items() if name != "account"]
    keywords = [
        inspect.Parameter(
            field.name, inspect.Parameter.KEYWORD_ONLY, default=field.default, annotation=field.type
        )
        for field in fields(Account)
        if field.name not in own
    ]
    accepted = {parameter.name for parameter in keywords}

    @functools.wraps(function)
    def with_account(*arguments, **given):
        unknown = [name for name in given if name not in accepted and name not in own]
        if unknown or "account" in given:
            raise TypeError(
                f"{function.__name__} must be given keywords that it takes, "
                f"{', '.join([*(parameter.name for parameter in shown), *sorted(accepted)])}; "
                f"got {(unknown or ['account'])[0]!r}"
            )
        terms = {name: given.pop(name) for name in list(given) if name in accepted}
        return function(*arguments, account=Account(**terms), **given)

    with_account.__dict__["__signature__"] = inspect.Signature(
        [*shown, *keywords],
        return_annotation=inspect.signature(function).return_annotation,
    )
    if function.__doc__ is not None:
        described = (Account.__doc__ or "").partition("\n\n")[2].rstrip(" ")
        with_account.__doc__ = function.__doc__.replace(_PLACE, described)
    return with_account
