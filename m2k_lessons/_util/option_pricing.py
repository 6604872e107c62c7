"""What the option chain's simulator and `options` share: formula, tree and ticks, unchecked."""

import math

import numpy as np

# Premiums of RTY options move in ticks of 0.05 up to 5 points and of 0.10 above.
SMALL_TICK, LARGE_TICK, LARGE_TICK_ABOVE = 0.05, 0.10, 5.0

_TICK_NOISE = 1e-6  # of a tick: tells a float's noise from a price between two ticks
_CACHED_STRIKES = 32  # few strikes at a time stay in the processor's cache


def european(forward, strike, deviation, discount, sign):
    """Value by Black-76 and the cumulative normals in it.

    `deviation` is volatility * sqrt(years), `sign` 1 for calls and -1 for puts; all broadcast.
    Returns value, d1, N(sign * d1). With no deviation these are the limits.
    """
    # Imported here: every chapter that loads prices reads this file, and few price options.
    from scipy.special import ndtr

    # Sizes beyond the floats' range become infinite here, which is their limit as well.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        distance = np.log(forward / strike) / deviation
    if np.any(np.equal(deviation, 0)):
        distance = np.where(np.equal(forward, strike), 0.0, distance)  # 0 / 0
    upper = distance + deviation / 2
    lower = upper - deviation
    chance = ndtr(sign * upper)
    value = discount * (sign * (forward * chance - strike * ndtr(sign * lower)))
    return np.maximum(value, 0.0), upper, chance


def early_exercise(forward, strikes, years, rate, volatility, steps):
    """What the right to exercise early adds to calls and puts: two rows.

    American less European value on the same binomial tree (Cox, Ross and Rubinstein 1979),
    whose errors nearly cancel; mean over trees with the numbers of steps given. `strikes` and
    `volatility` are arrays of one length, the others numbers.
    """
    starts = range(0, len(strikes), _CACHED_STRIKES)
    blocks = [slice(start, start + _CACHED_STRIKES) for start in starts]
    trees = [
        [_tree(forward, strikes[part], years, rate, volatility[part], n) for part in blocks]
        for n in steps
    ]
    return sum(np.concatenate(tree, axis=1) for tree in trees) / len(trees)


def _tree(forward, strikes, years, rate, volatility, n):
    up = np.exp(volatility * math.sqrt(years / n))[:, None]
    # A future has no drift, so an up move has the probability 1 / (1 + up).
    rises = math.exp(-rate * years / n) / (1 + up)
    falls = rises * up
    call = forward * up ** np.arange(-n, n + 1) - strikes[:, None]
    payoffs = np.stack([call, -call])
    european = american = np.maximum(payoffs[:, :, ::2], 0.0)
    for step in range(n - 1, -1, -1):
        european = rises * european[:, :, 1:] + falls * european[:, :, :-1]
        american = rises * american[:, :, 1:] + falls * american[:, :, :-1]
        first = n - step
        american = np.maximum(american, payoffs[:, :, first : first + 2 * step + 1 : 2])
    return (american - european)[:, :, 0]


def down(ticks):
    """Whole ticks, rounded down."""
    return np.floor(ticks + _TICK_NOISE)


def up(ticks):
    """Whole ticks, rounded up."""
    return np.ceil(ticks - _TICK_NOISE)


def nearest(ticks):
    """Whole ticks; half a tick goes up."""
    return np.floor(ticks + 0.5 + _TICK_NOISE)


def on_tick(premiums, towards):
    """Premiums on the option's tick grid, rounded by `down`, `up` or `nearest`."""
    fine = towards(premiums / SMALL_TICK) / round(1 / SMALL_TICK)
    coarse = towards(premiums / LARGE_TICK) / round(1 / LARGE_TICK)
    return np.where(fine > LARGE_TICK_ABOVE, coarse, fine)
