"""From what a user says about an account to its terms, or a refusal that names what is wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.backtest import inputs
from m2k_lessons.contracts import Contract
from m2k_lessons.facts import fact
from m2k_lessons.paper import replay
from m2k_lessons.paper.state import UNITS_PER_USD, Money

LIMIT_FILLS = ("through", "touch")


def market_terms(
    bars, contract, slippage_ticks, price_limits, day_trade_cutoff_minutes, sp500_bars
) -> replay.Terms:
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    if not isinstance(price_limits, (bool, np.bool_)):
        raise TypeError(f"price_limits must be True or False, got {price_limits!r}")
    if sp500_bars is not None and not price_limits:
        raise ValueError("sp500_bars must be None where price_limits is False, got a value")
    has_spread = isinstance(bars, pd.DataFrame) and "spread_ticks" in bars.columns
    rth, eth = slippage(slippage_ticks, has_spread)
    return replay.Terms(
        contract=contract,
        slippage_rth=rth,
        slippage_eth=eth,
        price_limits=bool(price_limits),
        day_trade_cutoff_minutes=checks.whole(
            "day_trade_cutoff_minutes", day_trade_cutoff_minutes, at_least=0, at_most=600
        ),
    )


def money_terms(
    contract: Contract,
    *,
    commission_usd,
    margin,
    day_trade_margin,
    limit_fill,
    liquidate_below,
    protection_points,
    last: int,
) -> Money:
    """`last` is the last price in ticks when the account opens."""
    initial, maintenance = inputs._margin("margin", margin, contract)
    day_trade = None
    if day_trade_margin is not None:
        day_trade = usd_units("day_trade_margin", day_trade_margin, at_least=0)
        if day_trade > maintenance:
            raise ValueError(
                f"day_trade_margin must be at most the maintenance margin of "
                f"{maintenance / UNITS_PER_USD:g} USD, got {day_trade_margin!r}"
            )
    fraction = checks.number("liquidate_below", liquidate_below, at_least=0, at_most=1)
    if round(100 * fraction) != round(100 * fraction, 6):
        raise ValueError(f"liquidate_below must be in whole percent, got {liquidate_below!r}")
    return Money(
        tick_value=inputs._money("contract's tick value", contract.tick_value),
        commission=inputs._commission("commission_usd", commission_usd, contract),
        initial=initial,
        maintenance=maintenance,
        day_trade=day_trade,
        touch=checks.choice("limit_fill", limit_fill, LIMIT_FILLS) == "touch",
        liquidate_below_pct=round(100 * fraction),
        protection=protection_ticks(protection_points, contract, last),
    )


def protection_ticks(protection_points, contract: Contract, last: int) -> int | None:
    name = "protection_points"
    if protection_points is None:
        return None
    if isinstance(protection_points, str):
        checks.choice(name, protection_points, ["course"])
        return max(1, round(last * fact("course.protection_pct").value / 100))
    points = checks.number(name, protection_points, above=0, at_most=1_000_000)
    return int(contract._whole_ticks(name, np.float64(points)))


def slippage(slippage_ticks, has_spread: bool) -> tuple[int, int]:
    """Ticks in regular hours and outside them, from what the user gave."""
    name = "slippage_ticks"
    if slippage_ticks is None:
        return (0, 0) if has_spread else (1, 2)
    if isinstance(slippage_ticks, Mapping):
        if set(slippage_ticks) != {"RTH", "ETH"}:
            raise ValueError(
                f"{name} must be a whole number or have the keys 'RTH' and 'ETH', "
                f"got {slippage_ticks!r}"
            )
        pair = slippage_ticks["RTH"], slippage_ticks["ETH"]
    else:
        pair = slippage_ticks, slippage_ticks
    return tuple(checks.whole(name, ticks, at_least=0, at_most=10_000) for ticks in pair)  # type: ignore[return-value]


def usd_units(name: str, usd, **limits) -> int:
    """Dollars as hundredths of a cent."""
    amount = checks.number(name, usd, at_most=inputs.MOST_CAPITAL_USD, **limits)
    return inputs._money(name, amount)


def first_bar(market: replay.Replay, start) -> int:
    """Last bar seen when the account opens."""
    if start is None:
        return 0
    if isinstance(start, pd.Timestamp):
        if start.tzinfo is None:
            raise ValueError(f"start must be tz-aware, got {start!r}")
        until = start.timestamp() - market.length
        seen = int(np.searchsorted(market.times, until, side="right"))
        if seen < 1:
            first = market.frame.index[0]
            raise ValueError(f"start must be after the first bar of {first}, got {start}")
        return seen - 1
    return checks.whole("start", start, at_least=1, at_most=len(market)) - 1
