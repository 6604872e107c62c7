"""The loops of `m2k_lessons.strategies`: rules that remember what they hold."""

from __future__ import annotations

from m2k_lessons._util.jit import kernel

# A score this close to a limit has reached it: prices on ticks meet the limits exactly,
# and only rounding would tell on which side.
_TOUCH = 1e-9


@kernel
def fade(score, low, high, leave_long, leave_short, target):
    """Fill `target`: against an extreme score, until the score is ordinary again.

    1 from `low` or below until `leave_long` or above, -1 from `high` or above until
    `leave_short` or below, else 0; 0 and a new beginning where the score is NaN.
    """
    held = 0.0
    for i in range(len(score)):
        if score[i] <= low + _TOUCH:
            held = 1.0
        elif score[i] >= high - _TOUCH:
            held = -1.0
        else:
            still_low = held > 0.0 and score[i] < leave_long - _TOUCH
            still_high = held < 0.0 and score[i] > leave_short + _TOUCH
            if not (still_low or still_high):
                held = 0.0
        target[i] = held


@kernel
def fade_moves(price, session, tradable, lookback, move, hold, target):
    """Fill `target`: against a move of `move` in `lookback` bars, for `hold` bars.

    `price` and `move` are whole numbers. `session` numbers the stretches within which a move is
    measured. Nothing is held from one to the next, nor where a bar is not `tradable`.
    """
    held, bars_left = 0.0, 0
    for i in range(len(price)):
        if not tradable[i] or (i > 0 and session[i] != session[i - 1]):
            held, bars_left = 0.0, 0
        if bars_left > 0:
            bars_left -= 1
        if bars_left == 0:
            held = 0.0
            if tradable[i] and i >= lookback and session[i - lookback] == session[i]:
                moved = price[i] - price[i - lookback]
                if moved <= -move:
                    held, bars_left = 1.0, hold
                elif moved >= move:
                    held, bars_left = -1.0, hold
        target[i] = held
