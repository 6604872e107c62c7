"""What a future should cost, and how many hedge a portfolio."""

from __future__ import annotations

import math

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.contracts.contract import (
    M2K,
    MOST_PRODUCT,
    Contract,
    check_matching,
    finite_float,
    first_of,
    like,
    positive_prices,
)


def fair_value(spot, rate, dividend_yield, days):
    """Futures price at which neither buyer nor seller of the carry has an advantage.

    Cost of carry with continuous compounding, `spot * exp((rate - dividend_yield) * days / 365)`
    (Hull, *Options, Futures, and Other Derivatives*, chapter on forward and futures prices).

    Parameters
    ----------
    spot : float, array or Series
        Index level, in points, above 0.
    rate, dividend_yield : float
        Per year, as decimals: 0.045 for 4.5 %.
    days : float, array or Series
        Calendar days to expiry, 0 or more.

    Returns
    -------
    float, array or Series
        In points, not rounded to a tick.

    Examples
    --------
    >>> round(fair_value(2400.0, rate=0.045, dividend_yield=0.013, days=90), 2)
    2419.01
    """
    decimal = {"above": -1.0, "below": 1.0}
    carry = checks.number("rate", rate, **decimal) - checks.number(
        "dividend_yield", dividend_yield, **decimal
    )
    check_matching(spot, days)
    remaining = finite_float("days", days)
    if np.any(remaining < 0):
        raise ValueError(f"days must be 0 or more, got {first_of(remaining, remaining < 0)!r}")
    level = positive_prices("spot", spot)
    return like(spot, days, result=level * np.exp(carry * remaining / 365))


def hedge_contracts(portfolio_usd: float, beta: float, price: float, contract=M2K) -> int:
    """Contracts to sell so that the market risk of a portfolio is, as nearly as whole
    contracts allow, gone.

    `beta * portfolio_usd / (price * multiplier)` (Hull, chapter on hedging with futures),
    rounded to the nearest whole contract.

    Parameters
    ----------
    portfolio_usd : float
        Value of the portfolio; negative for a short one.
    beta : float
        The portfolio's beta to the contract's index.
    price : float
        Futures price, in points.
    contract : Contract

    Returns
    -------
    int
        How many to sell. Negative: buy that many.

    Examples
    --------
    >>> hedge_contracts(150_000, beta=1.2, price=2400.0)
    15
    """
    exposure_usd = checks.number("portfolio_usd", portfolio_usd) * checks.number("beta", beta)
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    exact = exposure_usd / contract.notional(checks.number("price", price, above=0))
    if not abs(exact) < MOST_PRODUCT:
        raise ValueError(
            f"portfolio_usd * beta must be below 2**53 contracts, got {portfolio_usd!r} * {beta!r}"
        )
    return int(math.copysign(math.floor(abs(exact) + 0.5), exact))
