"""Black-76: price and Greeks of a European option on a future."""

from typing import Any, NamedTuple

import numpy as np

from m2k_lessons._util import option_pricing
from m2k_lessons._util.series import like
from m2k_lessons.options.arguments import (
    DAYS_A_YEAR,
    SQRT_TWO_PI,
    blockwise,
    check_matched,
    market_arguments,
    numbers_of,
    option_arguments,
    values_of,
)


class Greeks(NamedTuple):
    """Value of an option and what moves it, one option on one future.

    Attributes
    ----------
    price : float, array or Series
        In points.
    delta : float, array or Series
        Points per point of the future: also the number of futures that move alike, RTY for an
        option on RTY. Ten times as many M2K.
    gamma : float, array or Series
        Change of delta per point of the future.
    vega : float, array or Series
        Points per percentage point of volatility (0.01 in decimals).
    theta : float, array or Series
        Points per calendar day that passes, all else unchanged. Negative: the option melts.
    rho : float, array or Series
        Points per percentage point of the interest rate, the future's price unchanged.
    """

    price: Any
    delta: Any
    gamma: Any
    vega: Any
    theta: Any
    rho: Any


def black76(forward, strike, years, rate, volatility, kind):
    """Value of a European option on a future.

    Parameters
    ----------
    forward : float, array or Series
        Price of the future, in points, above 0.
    strike : float, array or Series
        In points, above 0.
    years : float, array or Series
        To expiry, 0 to 100; at 0 the value is what exercise brings.
    rate, volatility : float, array or Series
        Per year, as decimals: the rate from -1 to 1, volatility from 0 to 10.
    kind : {"call", "put"}, array or Series

    Returns
    -------
    float, array or Series
        In points. Zero time and zero volatility give the exact limit.

    Notes
    -----
    Black (1976), "The pricing of commodity contracts", *Journal of Financial Economics* 3:
    `exp(-rate * years) * (forward * N(d1) - strike * N(d2))` for a call.

    Examples
    --------
    >>> round(black76(2400.0, 2300.0, 0.25, rate=0.04, volatility=0.22, kind="put"), 2)
    60.08
    """
    given = (forward, strike, years, rate, volatility, kind)
    (value,) = blockwise(values_of, 1, *option_arguments(*given))
    return like(given, value)


def greeks(forward, strike, years, rate, volatility, kind) -> Greeks:
    """Value of a European option on a future, and its sensitivities, as `Greeks` has them.

    Parameters as in `black76`. With zero time or volatility the results are the limits, at the
    money those from above: delta is then half a future and gamma infinite.

    Notes
    -----
    Derivatives of Black (1976); Hull, *Options, Futures, and Other Derivatives*, chapter on
    the Greek letters.

    Examples
    --------
    >>> put = greeks(2400.0, 2300.0, 0.25, rate=0.04, volatility=0.22, kind="put")
    >>> round(put.delta, 3), round(put.vega, 2), round(put.theta, 2)
    (-0.326, 4.3, -0.51)
    """
    given = (forward, strike, years, rate, volatility, kind)
    results = blockwise(_sensitivities, 6, *option_arguments(*given))
    return Greeks(*(like(given, result) for result in results))


def parity_gap(call, put, forward, strike, years, rate):
    """How much too dear a call is against the put and the future, in points.

    `call - put - exp(-rate * years) * (forward - strike)`: zero between European options of
    one strike and expiry (Stoll 1969; for futures, Hull). Above zero, selling the call and
    buying put and future would earn the gap without risk, before costs.

    Parameters
    ----------
    call, put : float, array or Series
        Premiums, in points, at least 0.
    forward, strike, years, rate
        As in `black76`.

    Returns
    -------
    float, array or Series
        In points.

    Examples
    --------
    >>> round(parity_gap(112.0, 60.0, 2350.0, 2300.0, 0.25, rate=0.04), 2)
    2.5
    """
    given = (call, put, forward, strike, years, rate)
    checked = (
        numbers_of("call", call, at_least=0),
        numbers_of("put", put, at_least=0),
        *market_arguments(forward, strike, years, rate),
    )
    check_matched(given, checked)
    call, put, forward, strike, years, rate = checked
    return like(given, call - put - np.exp(-rate * years) * (forward - strike))


def _sensitivities(forward, strike, years, rate, volatility, sign):
    root = np.sqrt(years)
    deviation = volatility * root
    discount = np.exp(-rate * years)
    price, upper, chance = option_pricing.european(forward, strike, deviation, discount, sign)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        density = discount * np.exp(upper * upper * -0.5) / SQRT_TWO_PI
        gamma = density / (forward * deviation)
        decay = forward * density * volatility / (2 * root)
    if np.any(np.equal(deviation, 0)):
        # 0 / 0 is 0 here: off the money nothing bends, and without volatility nothing melts.
        gamma = np.where(np.equal(density, 0), 0.0, gamma)
        decay = np.where(np.equal(density * volatility, 0), 0.0, decay)
    vega = forward * density * root / 100
    theta = (rate * price - decay) / DAYS_A_YEAR
    return price, discount * sign * chance, gamma, vega, theta, price * years / -100
