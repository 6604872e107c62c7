"""The option as the exchange lists it: tick, expiry, how many M2K it covers, its cost."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import numpy as np

from m2k_lessons._util import checks, option_pricing
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.options.arguments import DAYS_A_YEAR, OPTION, futures_per_option, like, numbers_of


# --- contract: ticks, dollars, dates ----------------------------------------------------------
def option_tick(premium):
    """Smallest step of a premium, in points: 0.05 up to 5 points, 0.10 above.

    Parameters
    ----------
    premium : float, array or Series
        In points, at least 0.

    Returns
    -------
    float, array or Series

    Raises
    ------
    TypeError, ValueError
        Not a number; below 0.

    Examples
    --------
    >>> option_tick(4.95), option_tick(60.1)
    (0.05, 0.1)
    """
    points = numbers_of("premium", premium, at_least=0)
    small = points <= option_pricing.LARGE_TICK_ABOVE
    tick = np.where(small, option_pricing.SMALL_TICK, option_pricing.LARGE_TICK)
    return like((premium,), tick)


def round_to_option_tick(premium):
    """Nearest premium that can be quoted; half a tick goes up.

    Parameters
    ----------
    premium : float, array or Series
        In points, at least 0.

    Returns
    -------
    float, array or Series

    Raises
    ------
    TypeError, ValueError
        Not a number; below 0.

    Examples
    --------
    >>> round_to_option_tick(4.93), round_to_option_tick(60.62)
    (4.95, 60.6)
    """
    points = numbers_of("premium", premium, at_least=0)
    return like((premium,), option_pricing.on_tick(points, option_pricing.nearest))


def years_to_expiry(expiry, on) -> float:
    """Years of 365 days from one date, or one instant, to the expiry.

    Parameters
    ----------
    expiry, on : date or timestamp
        Both dates, or both timestamps with a time zone. Not after the expiry.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Not dates; a date against a timestamp or a timestamp without a zone; an expiry in the
        past.

    Examples
    --------
    >>> round(years_to_expiry("2026-12-18", on="2026-09-18"), 4)
    0.2493
    """
    instants = [_instant("expiry", expiry), _instant("on", on)]
    if isinstance(instants[0], dt.datetime) != isinstance(instants[1], dt.datetime):
        raise TypeError(
            f"expiry and on must both be dates or both timestamps, got {expiry!r} and {on!r}"
        )
    left = instants[0] - instants[1]
    if left < dt.timedelta(0):
        raise ValueError(f"expiry must not be in the past, got {expiry!r} seen from {on!r}")
    return left / dt.timedelta(days=DAYS_A_YEAR)


class Cover(NamedTuple):
    """Options that futures need: whole `options`, and futures left `uncovered` by them."""

    options: int
    uncovered: int


def options_to_cover(contracts: int, contract: Contract = M2K) -> Cover:
    """Whole RTY options that fit under a number of futures, and the futures left over.

    Parameters
    ----------
    contracts : int
        Futures held, at least 0.
    contract : Contract
        M2K or RTY.

    Returns
    -------
    Cover
        `options` and `uncovered`, the futures that one option more would overdo.

    Raises
    ------
    TypeError, ValueError
        Part contracts; a future on another index.

    Examples
    --------
    >>> options_to_cover(25)
    Cover(options=2, uncovered=5)
    """
    contracts = checks.whole("contracts", contracts, at_least=0)
    return Cover(*divmod(contracts, futures_per_option(contract)))


class ProtectionCost(NamedTuple):
    """Price of a hedge: `usd` for its term, `usd_a_year` and `pct_a_year` of what it covers."""

    usd: float
    usd_a_year: float
    pct_a_year: float


def cost_of_protection(premium, forward, years, options: int = 1) -> ProtectionCost:
    """What a put costs, and what buying such a put again and again costs a year.

    Parameters
    ----------
    premium : float
        In points, at least 0.
    forward : float
        Price of the future, in points, above 0.
    years : float
        From purchase to expiry, above 0.
    options : int
        At least 1.

    Returns
    -------
    ProtectionCost
        `usd` paid, `usd_a_year`, and `pct_a_year` of the futures' market value. In a year in
        which no put ends in the money nothing of it comes back.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Examples
    --------
    >>> cost_of_protection(60.0, forward=2400.0, years=0.25)
    ProtectionCost(usd=3000.0, usd_a_year=12000.0, pct_a_year=10.0)
    """
    premium = checks.number("premium", premium, at_least=0)
    forward = checks.number("forward", forward, above=0)
    years = checks.number("years", years, above=0)
    options = checks.whole("options", options, at_least=1)
    usd = round(premium * OPTION.multiplier * options, 6)
    return ProtectionCost(usd, usd / years, round(100 * premium / forward / years, 10))


def long_option_margin_usd(premium, options: int = 1) -> float:
    """What a bought option ties up: its premium, paid in full, and never more.

    A sold option is margined by the exchange's scenarios, which the course does not rebuild.

    Parameters
    ----------
    premium : float
        In points, at least 0.
    options : int
        Bought, at least 1.

    Returns
    -------
    float
        In USD.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Examples
    --------
    >>> long_option_margin_usd(60.1)
    3005.0
    """
    premium = checks.number("premium", premium, at_least=0)
    options = checks.whole("options", options, at_least=1)
    return round(premium * OPTION.multiplier * options, 6)


def _instant(name: str, value) -> dt.date:
    """A date, or a timestamp with its zone."""
    if isinstance(value, dt.datetime) and value == value:  # NaT is a datetime, and not itself
        if value.tzinfo is None:
            raise TypeError(f"{name} must have a time zone if it has a time, got {value!r}")
        return value
    return checks.date(name, value)
