"""Options on futures: value, Greeks, implied volatility, early exercise, and legs in dollars.

No option on M2K was found; the one to use is on RTY, and one of it covers ten M2K.

Prices, strikes and premiums are in index points, time in years of 365 days, rates and
volatilities in decimals a year: 0.04 and 0.22 for 4 % and 22 %. The pricing functions take
numbers, arrays and Series, broadcast them, and give back the same kind of thing.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from m2k_lessons import _check, _option_pricing
from m2k_lessons.contracts import M2K, RTY, Contract

DAYS_A_YEAR = 365
OPTION = RTY  # what the options are written on
M2K_PER_OPTION = round(OPTION.multiplier / M2K.multiplier)

_SIGNS = {"call": 1.0, "put": -1.0}
_KINDS = ("call", "put", "future")
_STYLES = ("European", "American")
_BLOCK = 8192  # values that are worked on at a time, so that they stay in the processor's cache
_SQRT_TWO_PI = math.sqrt(2 * math.pi)

# Rounding in a price: below this share of forward plus strike, time value cannot be told from
# none.
_PRICE_NOISE = 4 * np.finfo(float).eps

_MOST_STEPS = 100  # of Newton's method: 4 are usual

# Early exercise: points of the exercise boundary, of the integral under it, of the last
# integral, and rounds. Values change by less than 1e-5 points with more of each.
_NODES, _INNER, _OUTER, _ROUNDS = 12, 24, 48, 12
_AMERICAN_BLOCK = 32
_LEAST_DEVIATION = 1e-7  # below it, and below this much interest, waiting is worth nothing
_LEAST_INTEREST = 1e-12


# --- European options -------------------------------------------------------------------------


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

    price: object
    delta: object
    gamma: object
    vega: object
    theta: object
    rho: object


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

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match.

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
    (value,) = _blockwise(_values, 1, *_option_arguments(*given))
    return _like(given, value)


def greeks(forward, strike, years, rate, volatility, kind) -> Greeks:
    """Value of a European option on a future, and its sensitivities.

    Parameters
    ----------
    forward, strike, years, rate, volatility, kind
        As in `black76`.

    Returns
    -------
    Greeks
        `price`, `delta` (futures), `gamma` (per point), `vega` (per percentage point of
        volatility), `theta` (per calendar day), `rho` (per percentage point of the rate). With
        zero time or volatility these are the limits, at the money those from above: delta is
        then half a future and gamma infinite.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match.

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
    results = _blockwise(_sensitivities, 6, *_option_arguments(*given))
    return Greeks(*(_like(given, result) for result in results))


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

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match.

    Examples
    --------
    >>> round(parity_gap(112.0, 60.0, 2350.0, 2300.0, 0.25, rate=0.04), 2)
    2.5
    """
    given = (call, put, forward, strike, years, rate)
    checked = (
        _numbers("call", call, at_least=0),
        _numbers("put", put, at_least=0),
        *_market_arguments(forward, strike, years, rate),
    )
    _matched(given, checked)
    call, put, forward, strike, years, rate = checked
    return _like(given, call - put - np.exp(-rate * years) * (forward - strike))


def implied_volatility(price, forward, strike, years, rate, kind, *, errors="raise"):
    """Volatility at which `black76` gives a price.

    Parameters
    ----------
    price : float, array or Series
        Premium of a European option, in points, at least 0.
    forward, strike, years, rate, kind
        As in `black76`.
    errors : {"raise", "coerce"}
        What to do where no volatility answers: raise, or return NaN there.
        `why_no_volatility` tells the reasons.

    Returns
    -------
    float, array or Series
        Per year, as a decimal.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match; with
        errors="raise", a price that no single volatility gives.

    Notes
    -----
    Newton's method with Halley's correction, inside a bracket that always holds the answer, on
    logarithms in which the price is nearly a straight line, from the point of inflection
    (after Jäckel 2015, "Let's be rational", *Wilmott*). The answer is as good as the price:
    right to 1e-8 where both time value and the distance to the highest possible price exceed a
    millionth of the forward.

    Examples
    --------
    >>> round(implied_volatility(60.08, 2400.0, 2300.0, 0.25, rate=0.04, kind="put"), 4)
    0.22
    >>> implied_volatility(90.0, 2400.0, 2300.0, 0.25, rate=0.04, kind="call", errors="coerce")
    nan
    """
    errors = _check.choice("errors", errors, ("raise", "coerce"))
    given, checked, faults = _price_faults(price, forward, strike, years, rate, kind)
    bad = faults > 0
    if errors == "raise" and np.any(bad):
        first = tuple(np.argwhere(bad)[0])
        worst = np.broadcast_to(checked[0], np.shape(faults))[first]
        count = f" ({np.count_nonzero(bad)} of {bad.size} prices)" if bad.size > 1 else ""
        raise ValueError(
            f"price must be one that some volatility gives, got {float(worst)!r}: "
            f"{_FAULTS[faults[first]]}{count}; errors='coerce' returns NaN there"
        )
    return _like(given, _solve(*checked, ~bad))


def why_no_volatility(price, forward, strike, years, rate, kind):
    """Say of each price why no volatility gives it; an empty text where one does.

    Parameters
    ----------
    price, forward, strike, years, rate, kind
        As in `implied_volatility`.

    Returns
    -------
    str, array or Series
        "" or one of "expired", "below intrinsic value", "no time value" (every small enough
        volatility gives it), "at or above the highest possible price" (the discounted forward
        for a call, the discounted strike for a put).

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match.

    Examples
    --------
    >>> why_no_volatility([90.0, 110.0], 2400.0, 2300.0, 0.25, rate=0.04, kind="call").tolist()
    ['below intrinsic value', '']
    """
    given, _, faults = _price_faults(price, forward, strike, years, rate, kind)
    return _like(given, np.array(_FAULTS, dtype=object)[faults])


_FAULTS = (
    "",
    "expired",
    "below intrinsic value",
    "no time value",
    "at or above the highest possible price",
)


def _price_faults(price, forward, strike, years, rate, kind):
    """What was given, the checked arrays, and the number of each price's fault."""
    given = (price, forward, strike, years, rate, kind)
    checked = (
        _numbers("price", price, at_least=0),
        *_market_arguments(forward, strike, years, rate),
        _signs(kind),
    )
    _matched(given, checked)
    price, forward, strike, years, rate, sign = checked
    discount = np.exp(-rate * years)
    intrinsic = discount * np.maximum(sign * (forward - strike), 0.0)
    time_value = price - intrinsic
    noise = _PRICE_NOISE * discount * (forward + strike)
    highest = discount * np.where(sign > 0, forward, strike)
    faults = np.select(
        [
            years == 0,
            time_value < -noise,
            time_value <= noise * (intrinsic > 0),  # out of the money the price is all time value
            price >= highest - noise,
        ],
        [1, 2, 3, 4],
        0,
    )
    shape = np.broadcast_shapes(*(np.shape(one) for one in checked))
    return given, checked, np.broadcast_to(faults, shape)


def _solve(price, forward, strike, years, rate, sign, wanted):
    """Implied volatility where `wanted`, NaN elsewhere."""
    shape = wanted.shape
    price, forward, strike, years, rate, sign = (
        np.broadcast_to(one, shape)[wanted] for one in (price, forward, strike, years, rate, sign)
    )
    # The option out of the money at the same strike has the same time value and, undiscounted
    # and over the geometric mean of forward and strike, depends on two numbers only.
    scale = np.exp(-rate * years) * np.sqrt(forward) * np.sqrt(strike)
    intrinsic = np.exp(-rate * years) * np.maximum(sign * (forward - strike), 0.0)
    target = (price - intrinsic) / scale
    distance = np.abs(np.log(forward / strike))
    deviation = np.empty_like(target)
    for start in range(0, len(target), _BLOCK):
        block = slice(start, start + _BLOCK)
        deviation[block] = _solve_deviation(target[block], distance[block])
    result = np.full(shape, np.nan)
    result[wanted] = deviation / np.sqrt(years)
    return result


def _solve_deviation(target, distance):
    """Deviation at which an option `distance` out of the money is worth `target`."""
    lowest = np.exp(-distance / 2)  # what it is worth with endless deviation
    inflection = np.sqrt(2 * distance)
    low_side = target < _normalised(inflection, distance, lowest)[0]
    result = np.empty_like(target)
    # Exact at the money, and not far off near it.
    near_money = -2 * ndtri((lowest - target) / (lowest + 1 / lowest))
    for side, start, low, high, step in (
        (low_side, inflection, 0.0, inflection, _step_on_low_side),
        (~low_side, np.maximum(inflection, near_money), inflection, np.inf, _step_on_high_side),
    ):
        low, high = (np.broadcast_to(one, target.shape)[side] for one in (low, high))
        result[side] = _find(
            step, start[side], low, high, target[side], distance[side], lowest[side]
        )
    return result


def _find(newton_step, guess, low, high, target, distance, lowest):
    """Deviations by safeguarded steps from a guess between `low` and `high`."""
    result = np.empty_like(guess)
    active = np.arange(len(guess))
    for _ in range(_MOST_STEPS):
        if not len(active):
            return result
        worth, slope, curve = _normalised(guess, distance, lowest)
        step = newton_step(guess, worth, slope, curve, target, lowest)
        low, high = np.where(worth > target, low, guess), np.where(worth > target, guess, high)
        new = guess + step
        done = np.abs(step) <= 1e-5 * guess  # the next step would be its cube
        middle = np.where(np.isinf(high), 2 * low + 1, (low + high) / 2)
        new = np.where(done | ((new >= low) & (new <= high)), new, middle)
        result[active] = new
        going = ~done & (high - low > 1e-15 * high)
        active, guess, low, high, target, distance, lowest = (
            one[going] for one in (active, new, low, high, target, distance, lowest)
        )
    raise ArithmeticError(f"implied volatility did not converge in {_MOST_STEPS} steps")


def _step_on_low_side(deviation, worth, slope, curve, target, lowest):
    """Step on log(-log(worth)), nearly straight in the logarithm of the deviation."""
    # Where a logarithm or a slope underflows, the step is NaN and the bracket is halved.
    with np.errstate(all="ignore"):
        log = np.log(worth)
        part = slope / worth
        ratio = np.log(np.log(target) / log) * log / (deviation * part)
        bend = 1 + deviation * (curve - part * (1 + 1 / log))
        return deviation * np.expm1(ratio / np.maximum(1 + ratio * bend / 2, 0.5))


def _step_on_high_side(deviation, worth, slope, curve, target, lowest):
    """Step on the logarithm of what is missing to the highest possible worth."""
    with np.errstate(all="ignore"):
        missing = lowest - worth
        step = missing / slope * np.log(missing / (lowest - target))
        return step / np.maximum(1 + step * (curve + slope / missing) / 2, 0.5)


def _normalised(deviation, distance, lowest):
    """Worth of an out-of-the-money option over the mean of forward and strike.

    With its slope in the deviation, and the slope of the slope's logarithm.
    """
    ratio = np.divide(distance, deviation, out=np.zeros_like(distance), where=deviation > 0)
    half = deviation / 2
    upper = half - ratio
    worth = lowest * ndtr(upper) - ndtr(-half - ratio) / lowest
    slope = lowest * np.exp(-upper * upper / 2) / _SQRT_TWO_PI
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        curve = ratio * ratio / deviation - deviation / 4
    return worth, slope, curve


# --- American options -------------------------------------------------------------------------


def american(forward, strike, years, rate, volatility, kind):
    """Value of an option on a future that may be exercised at any time up to expiry.

    Parameters
    ----------
    forward, strike, years, rate, volatility, kind
        As in `black76`.

    Returns
    -------
    float, array or Series
        In points: never below `black76`, never below what exercise brings now. Equal to
        `black76` at a rate of zero or below, where waiting costs nothing.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; shapes or indexes that do not match.

    Notes
    -----
    Black-76 plus the interest that early exercise earns (Kim 1990, *Review of Financial
    Studies* 3), under the exercise boundary that Andersen, Lake and Offengenden's fixed point
    finds (2016, "High performance American option pricing", *Journal of Computational
    Finance* 20).

    Examples
    --------
    >>> put = {"forward": 2200.0, "strike": 2400.0, "years": 0.5, "rate": 0.04}
    >>> round(american(**put, volatility=0.22, kind="put"), 2)
    260.51
    >>> round(black76(**put, volatility=0.22, kind="put"), 2)
    259.04
    """
    given = (forward, strike, years, rate, volatility, kind)
    arguments = _option_arguments(*given)
    shape = np.broadcast_shapes(*(np.shape(one) for one in arguments))
    forward, strike, years, rate, volatility, sign = (
        np.broadcast_to(one, shape).ravel() for one in arguments
    )
    (value,) = _blockwise(_values, 1, forward, strike, years, rate, volatility, sign)
    value = np.maximum(value, sign * (forward - strike))
    deviation = volatility * np.sqrt(years)
    early = np.flatnonzero((deviation > _LEAST_DEVIATION) & (rate * years > _LEAST_INTEREST))
    for start in range(0, len(early), _AMERICAN_BLOCK):
        block = early[start : start + _AMERICAN_BLOCK]
        # A call is a put with forward and strike exchanged: on a future the two are symmetric.
        call = sign[block] > 0
        future = np.where(call, strike[block], forward[block])
        struck = np.where(call, forward[block], strike[block])
        premium = _early_premium(np.log(future / struck), (rate * years)[block], deviation[block])
        held = _option_pricing.european(
            future, struck, deviation[block], np.exp(-(rate * years)[block]), -1.0
        )[0]
        value[block] = np.maximum(held + struck * premium, value[block])
    return _like(given, value.reshape(shape))


def _early_premium(log_forward, interest, deviation):
    """What early exercise adds to puts on futures struck at 1.

    Time runs from 0 to 1, its square root on Chebyshev points; `interest` and `deviation` are
    rate * years and volatility * sqrt(years).
    """
    points, (inner, inner_weights, inner_matrix), (outer, outer_weights, outer_matrix) = _grids()
    boundary = _exercise_boundary(interest, deviation, points, inner, inner_weights, inner_matrix)
    there = -np.sqrt(np.maximum(boundary**2 @ outer_matrix.T, 0.0))
    left = deviation[:, None] * outer
    middle = (log_forward[:, None] - there) / left
    earned = ndtr(left / 2 - middle) - np.exp(log_forward)[:, None] * ndtr(-left / 2 - middle)
    interest = interest[:, None]
    premium = (interest * outer_weights * np.exp(-interest * outer**2) * earned).sum(axis=1)
    # At the boundary and beyond it the option is exercised: what that brings is its value.
    return np.where(log_forward <= boundary[:, -1], 0.0, premium)


def _exercise_boundary(interest, deviation, points, left, weights, matrix):
    """Logarithm of the future's price at or below which a put struck at 1 is exercised."""
    # It lies between 1 and the boundary of a put that never expires.
    excess = 2 * interest / deviation**2
    reach = ((np.sqrt(0.25 + excess) + 0.5) / excess)[:, None]
    lowest = -np.log1p(reach)
    deviations = deviation[:, None] * points
    boundary = -np.log1p(-reach * np.expm1(-2 * deviations / reach))  # Bjerksund and Stensland
    deviations = deviations[:, 1:]
    interests = (interest[:, None] * points[1:] ** 2)[..., None]
    grown = interests * weights * np.exp(interests * (1 - left**2))
    lefts = deviations[..., None] * left
    for _ in range(_ROUNDS):
        # Its squared logarithm is nearly a polynomial in the square root of time.
        there = -np.sqrt(np.maximum(boundary**2 @ matrix.T, 0.0)).reshape(grown.shape)
        now = boundary[:, 1:]
        ratio, ratios = now / deviations, (now[..., None] - there) / lefts
        upper, uppers = ratio + deviations / 2, ratios + lefts / 2
        above = _density(ratio - deviations / 2) / deviations
        above = above + (grown * _density(ratios - lefts / 2) / lefts).sum(axis=-1)
        below = _density(upper) / deviations + ndtr(upper)
        below = below + (grown * (ndtr(uppers) + _density(uppers) / lefts)).sum(axis=-1)
        with np.errstate(divide="ignore"):
            boundary[:, 1:] = np.clip(np.log(above / below), lowest, 0.0)
    return boundary


@functools.cache
def _grids():
    """Chebyshev points of the boundary, and the quadratures below each and below the last.

    A quadrature is the square root of the time left at its nodes, their weights, and the matrix
    that interpolates from the points to them.
    """
    points = (1 - np.cos(np.pi * np.arange(_NODES + 1) / _NODES)) / 2
    barycentric = (-1.0) ** np.arange(_NODES + 1)
    barycentric[[0, -1]] /= 2

    def quadrature(count, ends):
        nodes, weights = np.polynomial.legendre.leggauss(count)
        left = (1 + nodes) / 2
        where = np.multiply.outer(ends, np.sqrt(1 - left**2)).ravel()
        matrix = barycentric / np.subtract.outer(where, points)
        return left, weights * left, matrix / matrix.sum(axis=1, keepdims=True)

    return points, quadrature(_INNER, points[1:]), quadrature(_OUTER, points[-1:])


def _density(x):
    return np.exp(-x * x / 2) / _SQRT_TWO_PI


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
    points = _numbers("premium", premium, at_least=0)
    small = points <= _option_pricing.LARGE_TICK_ABOVE
    tick = np.where(small, _option_pricing.SMALL_TICK, _option_pricing.LARGE_TICK)
    return _like((premium,), tick)


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
    points = _numbers("premium", premium, at_least=0)
    return _like((premium,), _option_pricing.on_tick(points, _option_pricing.nearest))


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
    contracts = _check.whole("contracts", contracts, at_least=0)
    return Cover(*divmod(contracts, _futures_per_option(contract)))


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
    premium = _check.number("premium", premium, at_least=0)
    forward = _check.number("forward", forward, above=0)
    years = _check.number("years", years, above=0)
    options = _check.whole("options", options, at_least=1)
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
    premium = _check.number("premium", premium, at_least=0)
    options = _check.whole("options", options, at_least=1)
    return round(premium * OPTION.multiplier * options, 6)


# --- legs -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Leg:
    """One part of a position: futures, or options on RTY.

    Attributes
    ----------
    kind : {"call", "put", "future"}
    contracts : int
        Negative for a short leg; not 0.
    price : float
        What one was bought or sold at, in points: a future's price above 0, or a premium at
        least 0.
    strike : float, optional
        In points, above 0; of options only, and they need it.
    contract : Contract, optional
        Of a future M2K (when left out) or RTY; of an option RTY.
    expiry : date, optional
        Of an option; legs that name one must name the same to be added up at expiry.
    style : {"European", "American"}
        Of an option.
    strike_step : float, optional
        Points between listed strikes; when given, the strike must be a multiple of it.

    Raises
    ------
    TypeError, ValueError
        A field outside what is accepted.

    Examples
    --------
    >>> Leg("put", 1, 60.1, strike=2300.0, strike_step=10).dollars_a_point
    50.0
    """

    kind: str
    contracts: int
    price: float
    strike: float | None = None
    contract: Contract | None = None
    expiry: dt.date | None = None
    style: str = "European"
    strike_step: float | None = None

    def __post_init__(self):
        put = functools.partial(object.__setattr__, self)
        _check.choice("kind", self.kind, _KINDS)
        put("contracts", _check.whole("contracts", self.contracts))
        if self.contracts == 0:
            raise ValueError("contracts must not be 0: a leg is long or short")
        _check.choice("style", self.style, _STYLES)
        if self.contract is None:
            put("contract", M2K if self.kind == "future" else OPTION)
        per_option = _futures_per_option(self.contract)
        if self.kind == "future":
            put("price", _check.number("price", self.price, above=0))
            for name in ("strike", "expiry", "strike_step"):
                if getattr(self, name) is not None:
                    raise ValueError(f"{name} must be left out for a future, got {self!r}")
            return
        if per_option != 1:
            raise ValueError(
                f"contract must be {OPTION.symbol} for an option, got {self.contract.symbol}: one "
                f"{OPTION.symbol} option covers {M2K_PER_OPTION} M2K"
            )
        put("price", _check.number("price", self.price, at_least=0))
        put("strike", _check.number("strike", self.strike, above=0))
        if self.expiry is not None:
            put("expiry", _check.date("expiry", self.expiry))
        if self.strike_step is not None:
            _on_grid(self.strike, _check.number("strike_step", self.strike_step, above=0))

    @property
    def dollars_a_point(self) -> float:
        """USD that a point of price is worth on the whole leg; negative when short."""
        return float(self.contracts * self.contract.multiplier)


def payoff(legs, prices):
    """What legs are worth at expiry, in USD, premiums left aside.

    An option brings what its exercise brings, a future its gain or loss since it was entered.

    Parameters
    ----------
    legs : Leg, or list or tuple of Leg
    prices : float, array or Series
        Of the future at expiry, in points, above 0.

    Returns
    -------
    float, array or Series
        In USD, in the shape of `prices`.

    Raises
    ------
    TypeError, ValueError
        Not legs; options that expire on different dates; prices not above 0.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> payoff(legs, [2000.0, 2300.0, 2500.0]).tolist()
    [-5000.0, -5000.0, 5000.0]
    """
    return value(legs, prices, years=0.0, rate=0.0, volatility=0.0)


def value(legs, prices, years, rate, volatility):
    """What legs are worth before expiry, in USD, premiums left aside.

    Parameters
    ----------
    legs : Leg, or list or tuple of Leg
    prices : float, array or Series
        Of the future, in points, above 0.
    years : float or list of float
        To expiry: one for all legs, or one for each (a future's is not used). The legs must
        expire together unless each has its own.
    rate : float
        Per year, as a decimal.
    volatility : float or list of float
        One for all legs, or one for each, since strikes differ in implied volatility.

    Returns
    -------
    float, array or Series
        In USD, in the shape of `prices`: options by `black76` or `american`, futures by their
        gain since entry. With no time left this is `payoff`.

    Raises
    ------
    TypeError, ValueError
        Not legs; as many years or volatilities as legs were not given; options that expire on
        different dates at one time to expiry; another argument outside what is accepted.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> round(value(legs, 2400.0, years=0.25, rate=0.04, volatility=0.22), 2)
    3004.09
    """
    legs = _legs(legs)
    prices_of = _numbers("prices", prices, above=0)
    if np.ndim(years) == 0:
        dates = sorted({leg.expiry for leg in legs if leg.expiry is not None})
        if len(dates) > 1:
            raise ValueError(
                "legs must expire together, or each have its own years; got "
                + ", ".join(str(date) for date in dates)
            )
    total = np.zeros(np.shape(prices_of))
    rows = zip(
        legs,
        _one_each("years", years, legs),
        _one_each("volatility", volatility, legs),
        strict=True,
    )
    for leg, left, deviation in rows:
        if leg.kind == "future":
            points = prices_of - leg.price
        else:
            model = american if leg.style == "American" else black76
            points = model(prices_of, leg.strike, left, rate, deviation, leg.kind)
        total = total + points * leg.dollars_a_point
    return _like((prices,), total)


def premium_usd(legs) -> float:
    """Premiums of all option legs, in USD: above 0 was paid, below 0 received.

    Parameters
    ----------
    legs : Leg, or list or tuple of Leg

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        Not legs.

    Examples
    --------
    >>> premium_usd(collar(2400.0, 2300.0, 60.1, 2500.0, 58.0))
    105.0
    """
    options = (leg for leg in _legs(legs) if leg.kind != "future")
    return float(round(sum(leg.price * leg.dollars_a_point for leg in options), 6))


def profit(legs, prices, years=0.0, rate=0.0, volatility=0.0):
    """Gain or loss on legs, in USD, before costs: `value` less the premiums paid.

    Parameters
    ----------
    legs : Leg, or list or tuple of Leg
    prices : float, array or Series
        Of the future, in points, above 0.
    years, rate, volatility
        As in `value`; left out, at expiry.

    Returns
    -------
    float, array or Series
        In USD, in the shape of `prices`. Interest on the premiums is left out.

    Raises
    ------
    TypeError, ValueError
        As for `value`.

    Examples
    --------
    >>> legs = protective_put(2400.0, strike=2300.0, premium=60.1)
    >>> profit(legs, [2000.0, 2300.0, 2500.0]).tolist()
    [-8005.0, -8005.0, 1995.0]
    """
    return _like((prices,), value(legs, prices, years, rate, volatility) - premium_usd(legs))


def protective_put(
    price: float, strike: float, premium: float, contracts: int = M2K_PER_OPTION, **details
) -> tuple[Leg, Leg]:
    """Long futures and the puts that insure them: together, a synthetic long call.

    Parameters
    ----------
    price : float
        Of the future bought, in points.
    strike, premium : float
        Of the put bought, in points.
    contracts : int
        Futures: a whole number of options must fit, ten M2K to each.
    **details
        `contract` of the futures (M2K when left out); `expiry`, `style` and `strike_step` of
        the options, as in `Leg`.

    Returns
    -------
    tuple of Leg
        The futures, then the puts.

    Raises
    ------
    TypeError, ValueError
        Futures that whole options do not cover; a field that `Leg` refuses.

    Examples
    --------
    >>> [(leg.kind, leg.contracts) for leg in protective_put(2400.0, 2300.0, 60.1)]
    [('future', 10), ('put', 1)]
    """
    future, options = _covered(price, contracts, 1, details)
    return future, Leg("put", options, premium, strike, **details)


def covered_call(
    price: float, strike: float, premium: float, contracts: int = M2K_PER_OPTION, **details
) -> tuple[Leg, Leg]:
    """Long futures and calls sold against them: together, a synthetic short put.

    Parameters
    ----------
    price, strike, premium, contracts, **details
        As in `protective_put`; the calls are sold.

    Returns
    -------
    tuple of Leg
        The futures, then the calls.

    Raises
    ------
    TypeError, ValueError
        Futures that whole options do not cover; a field that `Leg` refuses.

    Examples
    --------
    >>> profit(covered_call(2400.0, 2500.0, 58.0), [2300.0, 2500.0, 2700.0]).tolist()
    [-2100.0, 7900.0, 7900.0]
    """
    future, options = _covered(price, contracts, 1, details)
    return future, Leg("call", -options, premium, strike, **details)


def collar(
    price: float,
    put_strike: float,
    put_premium: float,
    call_strike: float,
    call_premium: float,
    contracts: int = M2K_PER_OPTION,
    **details,
) -> tuple[Leg, Leg, Leg]:
    """Long futures, puts bought below and calls sold above to pay for them.

    Parameters
    ----------
    price : float
        Of the future bought, in points.
    put_strike, put_premium, call_strike, call_premium : float
        In points; the put's strike below the call's.
    contracts, **details
        As in `protective_put`.

    Returns
    -------
    tuple of Leg
        The futures, the puts, the calls.

    Raises
    ------
    TypeError, ValueError
        Strikes the wrong way round; futures that whole options do not cover; a field that
        `Leg` refuses.

    Examples
    --------
    >>> legs = collar(2400.0, 2300.0, 60.1, 2500.0, 58.0)
    >>> profit(legs, [2000.0, 2400.0, 2800.0]).tolist()
    [-5105.0, -105.0, 4895.0]
    """
    future, options = _covered(price, contracts, 1, details)
    put = Leg("put", options, put_premium, put_strike, **details)
    call = Leg("call", -options, call_premium, call_strike, **details)
    if put.strike >= call.strike:
        raise ValueError(
            f"put_strike must be below call_strike, got {put_strike!r} and {call_strike!r}"
        )
    return future, put, call


def long_call(strike: float, premium: float, options: int = 1, **details) -> tuple[Leg]:
    """Calls alone: the upside for a premium, with no future held.

    Parameters
    ----------
    strike, premium : float
        In points.
    options : int
        At least 1.
    **details
        `expiry`, `style` and `strike_step`, as in `Leg`.

    Returns
    -------
    tuple of Leg

    Raises
    ------
    TypeError, ValueError
        A field that `Leg` refuses.

    Examples
    --------
    >>> profit(long_call(2400.0, 104.0), [2300.0, 2600.0]).tolist()
    [-5200.0, 4800.0]
    """
    options = _check.whole("options", options, at_least=1)
    return (Leg("call", options, premium, strike, **details),)


def synthetic_future(
    strike: float, call_premium: float, put_premium: float, options: int = 1, **details
) -> tuple[Leg, Leg]:
    """A call bought and a put sold at one strike move like a future; the reverse, like a short.

    Parameters
    ----------
    strike, call_premium, put_premium : float
        In points.
    options : int
        Of each kind: above 0 for a long future, below 0 for a short one.
    **details
        `expiry`, `style` and `strike_step`, as in `Leg`.

    Returns
    -------
    tuple of Leg
        The calls, then the puts.

    Raises
    ------
    TypeError, ValueError
        A field that `Leg` refuses.

    Examples
    --------
    >>> payoff(synthetic_future(2400.0, 104.0, 104.0), [2300.0, 2600.0]).tolist()
    [-5000.0, 10000.0]
    """
    options = _check.whole("options", options)
    call = Leg("call", options, call_premium, strike, **details)
    return call, Leg("put", -options, put_premium, strike, **details)


def synthetic_put(
    price: float, strike: float, premium: float, contracts: int = M2K_PER_OPTION, **details
) -> tuple[Leg, Leg]:
    """Short futures and the calls that insure them: together, a long put.

    The synthetic long call is `protective_put`, the synthetic short put is `covered_call`.

    Parameters
    ----------
    price, strike, premium, contracts, **details
        As in `protective_put`; the futures are sold, and calls are bought.

    Returns
    -------
    tuple of Leg
        The futures, then the calls.

    Raises
    ------
    TypeError, ValueError
        Futures that whole options do not cover; a field that `Leg` refuses.

    Examples
    --------
    >>> payoff(synthetic_put(2400.0, 2400.0, 104.0), [2300.0, 2600.0]).tolist()
    [5000.0, 0.0]
    """
    future, options = _covered(price, contracts, -1, details)
    return future, Leg("call", options, premium, strike, **details)


def _covered(price, contracts, side, details):
    """The futures of a hedge and the number of options; takes `contract` out of details."""
    contract = details.pop("contract", M2K)
    contracts = _check.whole("contracts", contracts, at_least=1)
    options, uncovered = options_to_cover(contracts, contract)
    if uncovered:
        raise ValueError(
            f"contracts must be a multiple of {_futures_per_option(contract)} {contract.symbol}, "
            f"which one option covers, got {contracts}; options_to_cover counts what is left over"
        )
    return Leg("future", side * contracts, price, contract=contract), options


def _futures_per_option(contract) -> int:
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as M2K, got {contract!r}")
    if contract not in (M2K, OPTION):
        raise ValueError(
            f"contract must be M2K or RTY, which the options here are on, got {contract.symbol}"
        )
    return round(OPTION.multiplier / contract.multiplier)


def _on_grid(strike: float, step: float) -> None:
    steps = strike / step
    if abs(steps - round(steps)) > 1e-9 * max(1.0, steps):
        nearest = f"{math.floor(steps) * step:g} and {math.ceil(steps) * step:g}"
        raise ValueError(
            f"strike must lie on the grid of {step:g} points, got {strike!r}; "
            f"its neighbours there are {nearest}"
        )


def _legs(legs) -> tuple[Leg, ...]:
    if isinstance(legs, Leg):
        return (legs,)
    accepted = "legs must be a Leg or a list of them"
    if isinstance(legs, str) or not isinstance(legs, Iterable):
        raise TypeError(f"{accepted}, got {legs!r}")
    legs = tuple(legs)
    wrong = [one for one in legs if not isinstance(one, Leg)]
    if wrong:
        raise TypeError(f"{accepted}, got {wrong[0]!r} among them")
    if not legs:
        raise ValueError(f"{accepted}, got none")
    return legs


def _one_each(name: str, given, legs) -> list[float]:
    """A number for each leg, from one for all or one for each."""
    if np.ndim(given) == 0:
        return [given] * len(legs)
    numbers = list(given)
    if len(numbers) != len(legs):
        raise ValueError(
            f"{name} must be one number or one for each of the {len(legs)} legs, got {len(numbers)}"
        )
    return numbers


def _instant(name: str, value) -> dt.date:
    """A date, or a timestamp with its zone."""
    if isinstance(value, dt.datetime) and value == value:  # NaT is a datetime, and not itself
        if value.tzinfo is None:
            raise TypeError(f"{name} must have a time zone if it has a time, got {value!r}")
        return value
    return _check.date(name, value)


# --- arguments and results --------------------------------------------------------------------


def _values(forward, strike, years, rate, volatility, sign):
    discount = np.exp(-rate * years)
    deviation = volatility * np.sqrt(years)
    return _option_pricing.european(forward, strike, deviation, discount, sign)[:1]


def _sensitivities(forward, strike, years, rate, volatility, sign):
    root = np.sqrt(years)
    deviation = volatility * root
    discount = np.exp(-rate * years)
    price, upper, chance = _option_pricing.european(forward, strike, deviation, discount, sign)
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        density = discount * np.exp(upper * upper * -0.5) / _SQRT_TWO_PI
        gamma = density / (forward * deviation)
        decay = forward * density * volatility / (2 * root)
    if np.any(np.equal(deviation, 0)):
        # 0 / 0 is 0 here: off the money nothing bends, and without volatility nothing melts.
        gamma = np.where(np.equal(density, 0), 0.0, gamma)
        decay = np.where(np.equal(density * volatility, 0), 0.0, decay)
    vega = forward * density * root / 100
    theta = (rate * price - decay) / DAYS_A_YEAR
    return price, discount * sign * chance, gamma, vega, theta, price * years / -100


def _blockwise(function, outputs, *arguments):
    """Results of a function of broadcast arrays, worked out a block at a time."""
    shape = np.broadcast_shapes(*(np.shape(one) for one in arguments))
    size = math.prod(shape)
    if size <= _BLOCK:
        return tuple(np.broadcast_to(one, shape).copy() for one in function(*arguments))
    # Numbers stay numbers, so that nothing is computed more than once.
    flat = [one if np.ndim(one) == 0 else np.broadcast_to(one, shape).ravel() for one in arguments]
    results = tuple(np.empty(size) for _ in range(outputs))
    for start in range(0, size, _BLOCK):
        block = slice(start, start + _BLOCK)
        pieces = function(*(one if np.ndim(one) == 0 else one[block] for one in flat))
        for result, piece in zip(results, pieces, strict=True):
            result[block] = piece
    return tuple(result.reshape(shape) for result in results)


def _option_arguments(forward, strike, years, rate, volatility, kind):
    checked = (
        *_market_arguments(forward, strike, years, rate),
        _numbers("volatility", volatility, at_least=0, at_most=10),
        _signs(kind),
    )
    _matched((forward, strike, years, rate, volatility, kind), checked)
    return checked


def _market_arguments(forward, strike, years, rate):
    return (
        _numbers("forward", forward, above=0),
        _numbers("strike", strike, above=0),
        _numbers("years", years, at_least=0, at_most=100),
        _numbers("rate", rate, at_least=-1, at_most=1),
    )


def _numbers(name, given, **limits):
    """A float or a float array inside the limits, as `_check.number` has them."""
    if np.ndim(given) == 0:
        if isinstance(given, np.ndarray):
            given = given.item()
        return np.float64(_check.number(name, given, **limits))
    array = given if isinstance(given, np.ndarray) else np.asarray(_not_a_frame(name, given))
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be a number or an array of numbers, got {given!r}")
    array = array.astype(float, copy=False)
    if array.size:
        # NaN makes both of these NaN, which `number` refuses.
        for extreme in (array.min(), array.max()):
            _check.number(name, float(extreme), **limits)
    return array


def _signs(kind):
    """1 for calls and -1 for puts."""
    if isinstance(kind, str) or np.ndim(kind) == 0:
        return np.float64(_SIGNS[_check.choice("kind", kind, _SIGNS)])
    array = np.asarray(_not_a_frame("kind", kind))
    call = np.asarray(array == "call", dtype=bool)
    rest = array[~call]
    wrong = np.asarray(rest != "put", dtype=bool)
    if np.any(wrong):
        _check.choice("kind", rest[wrong].tolist()[0], _SIGNS)
    return np.where(call, 1.0, -1.0)


def _not_a_frame(name, given):
    if hasattr(given, "columns"):
        raise TypeError(f"{name} must be a number, an array or a Series, got a table")
    return given


def _is_series(given) -> bool:
    return hasattr(given, "index") and hasattr(given, "to_numpy")


def _matched(given, checked) -> None:
    """Refuse arguments that do not go together."""
    shapes = [np.shape(one) for one in checked]
    try:
        shape = np.broadcast_shapes(*shapes)
    except ValueError:
        sizes = ", ".join(str(one) for one in shapes if one)
        raise ValueError(f"arguments must have shapes that broadcast, got {sizes}") from None
    series = [one for one in given if _is_series(one)]
    if not series:
        return
    if not all(one.index.equals(series[0].index) for one in series):
        raise ValueError("Series given together must have the same index; align them first")
    if shape != series[0].shape:
        raise ValueError(
            f"arguments beside a Series must be numbers or of its length {len(series[0])}, "
            f"got shapes that broadcast to {shape}"
        )


def _like(given, result):
    """Give `result` the type of what was given: a number, an array, or a Series."""
    series = [one for one in given if _is_series(one)]
    if series:
        import pandas as pd

        return pd.Series(np.asarray(result), index=series[0].index)
    alone = isinstance(result, (np.ndarray, np.generic)) and result.ndim == 0
    return result.item() if alone else result
