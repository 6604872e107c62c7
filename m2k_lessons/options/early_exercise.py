"""American options on futures: what early exercise is worth."""

import functools

import numpy as np
from scipy.special import ndtr

from m2k_lessons._util import option_pricing
from m2k_lessons._util.series import like
from m2k_lessons.options.arguments import SQRT_TWO_PI, blockwise, option_arguments, values_of

# Early exercise: points of the exercise boundary, of the integral under it, of the last
# integral, and rounds. Values change by less than 1e-5 points with more of each.
_NODES, _INNER, _OUTER, _ROUNDS = 12, 24, 48, 12
_AMERICAN_BLOCK = 32
_LEAST_DEVIATION = 1e-7  # below it, and below this much interest, waiting is worth nothing
_LEAST_INTEREST = 1e-12


def american(forward, strike, years, rate, volatility, kind):
    """Value of an option on a future that may be exercised at any time up to expiry.

    Parameters as in `black76`.

    Returns
    -------
    float, array or Series
        In points: never below `black76`, never below what exercise brings now. Equal to
        `black76` at a rate of zero or below, where waiting costs nothing.

    Notes
    -----
    Black-76 plus the interest that early exercise earns (Kim 1990, *Review of Financial
    Studies* 3), under the exercise boundary that Andersen, Lake and Offengenden's fixed point
    finds (2016, "High performance American option pricing", *Journal of Computational
    Finance* 20).

    Examples
    --------
    >>> from m2k_lessons.options import black76
    >>> put = {"forward": 2200.0, "strike": 2400.0, "years": 0.5, "rate": 0.04}
    >>> round(american(**put, volatility=0.22, kind="put"), 2)
    260.51
    >>> round(black76(**put, volatility=0.22, kind="put"), 2)
    259.04
    """
    given = (forward, strike, years, rate, volatility, kind)
    arguments = np.broadcast_arrays(*option_arguments(*given))
    shape = arguments[0].shape
    forward, strike, years, rate, volatility, sign = map(np.ravel, arguments)
    (value,) = blockwise(values_of, 1, forward, strike, years, rate, volatility, sign)
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
        held = option_pricing.european(
            future, struck, deviation[block], np.exp(-(rate * years)[block]), -1.0
        )[0]
        value[block] = np.maximum(held + struck * premium, value[block])
    return like(given, value.reshape(shape))


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
    return np.exp(-x * x / 2) / SQRT_TWO_PI
