"""The loops of `m2k_lessons.pairs`: sliding regression, Kalman filter, and a rule with a stop."""

from __future__ import annotations

import math

from m2k_lessons._util.jit import kernel

# A score this close to a limit has reached it: only rounding would tell on which side.
_TOUCH = 1e-9


@kernel
def rolling_line(y, x, window, slope, intercept):
    """Fill `slope` and `intercept` of the least-squares line through the last `window` bars.

    Sums are of distances to an anchor inside the window, and are taken afresh around a new
    anchor once a window, so that rounding doesn't pile up. NaN before the first full window,
    and where all x of a window are equal.
    """
    anchor_y, anchor_x = 0.0, 0.0
    sum_y, sum_x, sum_xx, sum_xy = 0.0, 0.0, 0.0, 0.0
    same = 0
    for i in range(len(y)):
        same = same + 1 if i > 0 and x[i] == x[i - 1] else 1
        slope[i] = math.nan
        intercept[i] = math.nan
        if i < window - 1:
            continue
        if (i + 1) % window == 0:
            anchor_y, anchor_x = y[i], x[i]
            sum_y, sum_x, sum_xx, sum_xy = 0.0, 0.0, 0.0, 0.0
            for j in range(i - window + 1, i + 1):
                dy, dx = y[j] - anchor_y, x[j] - anchor_x
                sum_y += dy
                sum_x += dx
                sum_xx += dx * dx
                sum_xy += dx * dy
        else:
            dy, dx = y[i] - anchor_y, x[i] - anchor_x
            old_y, old_x = y[i - window] - anchor_y, x[i - window] - anchor_x
            sum_y += dy - old_y
            sum_x += dx - old_x
            sum_xx += dx * dx - old_x * old_x
            sum_xy += dx * dy - old_x * old_y
        varies = sum_xx - sum_x * sum_x / window
        if same >= window or varies <= 0.0:
            continue
        b = (sum_xy - sum_x * sum_y / window) / varies
        slope[i] = b
        intercept[i] = anchor_y + sum_y / window - b * (anchor_x + sum_x / window)


@kernel
def kalman_line(y, x, noise, slope_step, level_step, slope_prior, level_prior, slope, intercept):
    """Fill the filtered `slope` and `intercept` of ``y = intercept + slope * x + noise``.

    All five settings are variances. Both legs are measured from their first bar; the slope and
    the level there begin at 0 with the prior variances and move by independent steps.
    """
    b, a = 0.0, 0.0
    var_b, var_a, cov = slope_prior, level_prior, 0.0
    for i in range(len(y)):
        if i > 0:
            var_b += slope_step
            var_a += level_step
        dx = x[i] - x[0]
        # What x tells of y, and how much of the surprise is believed.
        to_b, to_a = dx * var_b + cov, dx * cov + var_a
        surprise = y[i] - y[0] - a - b * dx
        believed = 1.0 / (dx * to_b + to_a + noise)
        gain_b, gain_a = to_b * believed, to_a * believed
        b += gain_b * surprise
        a += gain_a * surprise
        var_b -= gain_b * to_b
        var_a -= gain_a * to_a
        cov -= gain_b * to_a
        slope[i] = b
        intercept[i] = a + y[0] - b * x[0]


@kernel
def pair_rule(score, entry, leave, stop, most_bars, target):
    """Fill `target`: against a far score, until it is back, too far, or too long in coming.

    After a stop or a time-out nothing is opened on that side until the score has been back at
    `leave`. `most_bars` 0 is no time-out. Where the score is NaN: 0, and a new beginning.
    """
    held, bars, blocked = 0.0, 0, 0.0
    for i in range(len(score)):
        z = score[i]
        if math.isnan(z):
            held, bars, blocked = 0.0, 0, 0.0
            target[i] = 0.0
            continue
        if blocked != 0.0 and -blocked * z <= leave + _TOUCH:
            blocked = 0.0
        if held != 0.0:
            far = -held * z  # how far the spread is on the side that was bet against
            if far <= leave + _TOUCH:
                held = 0.0
            elif far >= stop - _TOUCH or (most_bars > 0 and bars >= most_bars):
                blocked = held
                held = 0.0
        if held == 0.0 and abs(z) >= entry - _TOUCH and abs(z) < stop - _TOUCH:
            side = -1.0 if z > 0.0 else 1.0
            if side != blocked:
                held, bars = side, 0
        bars += 1
        target[i] = held
