"""The option as the exchange lists it: its tick, how many M2K it covers, what it costs."""

from typing import NamedTuple

import numpy as np

from m2k_lessons._util import checks, option_pricing
from m2k_lessons._util.series import like
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.options.arguments import OPTION, futures_per_option, numbers_of


def option_tick(premium):
    """Smallest step of a premium, in points: 0.05 up to 5 points, 0.10 above.

    Parameters
    ----------
    premium : float, array or Series
        In points, at least 0.

    Returns
    -------
    float, array or Series

    Examples
    --------
    >>> option_tick(4.95), option_tick(60.1)
    (0.05, 0.1)
    """
    points = numbers_of("premium", premium, at_least=0)
    small = points <= option_pricing.LARGE_TICK_ABOVE
    tick = np.where(small, option_pricing.SMALL_TICK, option_pricing.LARGE_TICK)
    return like(premium, tick)


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

    Examples
    --------
    >>> options_to_cover(25)
    Cover(options=2, uncovered=5)
    """
    contracts = checks.whole("contracts", contracts, at_least=0)
    return Cover(*divmod(contracts, futures_per_option(contract)))


def fully_covering(contracts: int, contract: Contract = M2K) -> int:
    """Options that cover a number of futures, which must leave none of them over."""
    options, uncovered = options_to_cover(contracts, contract)
    if uncovered or not options:
        raise ValueError(
            f"contracts must be a multiple of {futures_per_option(contract)} {contract.symbol}, "
            f"which one option covers, got {contracts}; options_to_cover counts what is left over"
        )
    return options


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
