"""The loops of `m2k_lessons.sweep`: the course's strategies, many settings at a time."""

from __future__ import annotations

from m2k_lessons._util.jit import kernel

TREND, THRESHOLD, REVERSION = range(3)

# As in `strategies.kernels`: a score this close to a limit has reached it. A price this close to
# a level of the threshold strategy is on it.
_TOUCH = 1e-9

# Columns of `settings`, for each kind. FLOOR is the lowest target: 0 for long only, else -1.
FAST, SLOW = 0, 1  # bars
BUY_ABOVE, SELL_BELOW = 0, 1  # points
ENTRY, EXIT = 0, 1  # deviations
FLOOR = 2


@kernel
def decide(kind, series, settings, targets):
    """Fill `targets` (runs by 1 by bars) with the side that each row of `settings` wants.

    `series` is what the strategy looks at: running sums of the closes in ticks, one more than
    bars; or closes; or scores.
    """
    bars = targets.shape[2]
    for run in range(len(settings)):
        first, second, floor = settings[run, 0], settings[run, 1], int(settings[run, FLOOR])
        latest = 0
        if kind == TREND:
            fast, slow = int(first), int(second)
            known = min(slow - 1, bars)
            side = targets[run, 0]
            side[:known] = 0
            # Three views from one bar on, and whole loops over them: so they are vectorised.
            side, sums = side[known:], series[known + 1 : bars + 1]
            fast_ago, slow_ago = series[known + 1 - fast :], series[known + 1 - slow :]
            ties = 0
            for bar in range(len(side)):
                apart = (sums[bar] - fast_ago[bar]) * second
                apart -= (sums[bar] - slow_ago[bar]) * first
                side[bar] = 1 if apart > 0.0 else -1
                ties += apart == 0.0
            if ties > 0:  # an average that equals the other one leaves things as they are
                for bar in range(len(side)):
                    apart = (sums[bar] - fast_ago[bar]) * second
                    apart -= (sums[bar] - slow_ago[bar]) * first
                    if apart == 0.0:
                        side[bar] = latest
                    latest = side[bar]
            if floor == 0:
                for bar in range(len(side)):
                    side[bar] = max(side[bar], 0)
        elif kind == THRESHOLD:
            for bar in range(bars):
                if series[bar] > first + _TOUCH:
                    latest = 1
                elif series[bar] < second - _TOUCH:
                    latest = floor
                targets[run, 0, bar] = latest
        else:
            entry, leave = first - _TOUCH, second + _TOUCH
            for bar in range(bars):
                score = series[bar]
                if score <= -entry:
                    latest = 1
                elif score >= entry:
                    latest = -1
                elif not (latest > 0 and score < -leave) and not (latest < 0 and score > leave):
                    latest = 0
                targets[run, 0, bar] = max(latest, floor)
