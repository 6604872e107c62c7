"""The volatility that a price implies."""

import numpy as np
from scipy.special import ndtr, ndtri

from m2k_lessons._util import checks
from m2k_lessons._util.series import like
from m2k_lessons.options.arguments import (
    BLOCK,
    SQRT_TWO_PI,
    check_matched,
    market_arguments,
    numbers_of,
    signs_of,
)

# Rounding in a price: below this share of forward plus strike, time value cannot be told from
# none.
_PRICE_NOISE = 4 * np.finfo(float).eps
_MOST_STEPS = 100  # of Newton's method: 4 are usual


def implied_volatility(price, forward, strike, years, rate, kind, *, errors="raise"):
    """Volatility at which `black76` gives a price.

    Parameters
    ----------
    price : float, array or Series
        Premium of a European option, in points, at least 0.
    forward, strike, years, rate, kind
        As in `black76`.
    errors : {"raise", "coerce"}
        What to do where no volatility answers: raise and say why, or return NaN there.

    Returns
    -------
    float, array or Series
        Per year, as a decimal.

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
    errors = checks.choice("errors", errors, ("raise", "coerce"))
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
    return like(given, _solve(*checked, ~bad))


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
        numbers_of("price", price, at_least=0),
        *market_arguments(forward, strike, years, rate),
        signs_of(kind),
    )
    check_matched(given, checked)
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
    return given, checked, np.broadcast_to(faults, np.broadcast_shapes(*map(np.shape, checked)))


def _solve(price, forward, strike, years, rate, sign, wanted):
    """Implied volatility where `wanted`, NaN elsewhere."""
    shape = wanted.shape
    arguments = (price, forward, strike, years, rate, sign)
    price, forward, strike, years, rate, sign = (
        np.broadcast_to(argument, shape)[wanted] for argument in arguments
    )
    # The option out of the money at the same strike has the same time value and, undiscounted
    # and over the geometric mean of forward and strike, depends on two numbers only.
    scale = np.exp(-rate * years) * np.sqrt(forward) * np.sqrt(strike)
    intrinsic = np.exp(-rate * years) * np.maximum(sign * (forward - strike), 0.0)
    target = (price - intrinsic) / scale
    distance = np.abs(np.log(forward / strike))
    deviation = np.empty_like(target)
    for start in range(0, len(target), BLOCK):
        block = slice(start, start + BLOCK)
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
        low, high = (np.broadcast_to(end, target.shape)[side] for end in (low, high))
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
            part[going] for part in (active, new, low, high, target, distance, lowest)
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
    slope = lowest * np.exp(-upper * upper / 2) / SQRT_TWO_PI
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        curve = ratio * ratio / deviation - deviation / 4
    return worth, slope, curve
