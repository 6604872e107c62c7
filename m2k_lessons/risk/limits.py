"""What a risk engine holds a strategy to."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from m2k_lessons._util import checks


@dataclass(frozen=True)
class Limits:
    """What a risk engine holds a strategy to. None means that there is no such limit.

    Parameters
    ----------
    risk_fraction : float, optional
        Most of the account that one position may lose at its stop, 0 to 1: 0.01 for 1 %.
    stop_points : float, optional
        Distance of the stop, in points, above 0. Needed with `risk_fraction`.
    cost_usd : float
        Fees and expected slippage of entry and exit, per contract, counted with the stop's loss.
    max_contracts : int, optional
        0 or more.
    max_share : float, optional
        Most market value over account value, 0 or more.
    volatility_target : float, optional
        Most volatility of the account per year, 0 or more: 0.10 for 10 %.
    daily_loss_usd : float, optional
        Loss within a trade date that ends trading for that date, above 0.
    max_drawdown : float, optional
        Fall from the highest account value seen that ends trading, above 0 and below 1.
    quiet : sequence of (start, end)
        Times without a position; text or Timestamps, with a zone where the decisions have one.

    Raises
    ------
    ValueError, TypeError
        A limit outside its range; one of `risk_fraction` and `stop_points` without the other.

    Examples
    --------
    >>> Limits(risk_fraction=0.01, stop_points=20, max_contracts=5).max_contracts
    5
    """

    risk_fraction: float | None = None
    stop_points: float | None = None
    cost_usd: float = 0.0
    max_contracts: int | None = None
    max_share: float | None = None
    volatility_target: float | None = None
    daily_loss_usd: float | None = None
    max_drawdown: float | None = None
    quiet: tuple[tuple[pd.Timestamp, pd.Timestamp], ...] = ()

    def __post_init__(self) -> None:
        ranges: dict[str, dict[str, float]] = {
            "risk_fraction": {"at_least": 0, "at_most": 1},
            "stop_points": {"above": 0},
            "max_share": {"at_least": 0},
            "volatility_target": {"at_least": 0},
            "daily_loss_usd": {"above": 0},
            "max_drawdown": {"above": 0, "below": 1},
        }
        for name, accepted in ranges.items():
            if getattr(self, name) is not None:
                checks.number(name, getattr(self, name), **accepted)
        checks.number("cost_usd", self.cost_usd, at_least=0)
        if self.max_contracts is not None:
            whole = checks.whole("max_contracts", self.max_contracts, at_least=0)
            object.__setattr__(self, "max_contracts", whole)
        if (self.risk_fraction is None) != (self.stop_points is None):
            raise ValueError(
                "risk_fraction and stop_points must be given together, got "
                f"risk_fraction={self.risk_fraction!r} and stop_points={self.stop_points!r}"
            )
        object.__setattr__(self, "quiet", _windows(self.quiet))


def _windows(quiet) -> tuple[tuple[pd.Timestamp, pd.Timestamp], ...]:
    accepted = "quiet must hold pairs of times (start, end), start before end"
    if isinstance(quiet, str):
        raise TypeError(f"{accepted}, got {quiet!r}")
    found = []
    for pair in quiet:
        if isinstance(pair, str) or len(pair) != 2:
            raise ValueError(f"{accepted}, got {pair!r}")
        start, end = (pd.Timestamp(moment) for moment in pair)
        same_zone("quiet's end", end, "its start", start)
        if not start < end:
            raise ValueError(f"{accepted}, got {pair!r}")
        found.append((start, end))
    return tuple(found)


def same_zone(name: str, time: pd.Timestamp, other_name: str, other: pd.Timestamp) -> None:
    if (time.tz is None) != (other.tz is None):
        raise ValueError(
            f"{name} must have a time zone if and only if {other_name} has one, got {time} and "
            f"{other}"
        )
