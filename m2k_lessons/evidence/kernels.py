"""The loops of `m2k_lessons.evidence`: shuffles, resamples by blocks, barriers.

Random numbers come from a numpy Generator, one `random()` at a time: compiled code and plain
Python draw the same ones.
"""

from __future__ import annotations

import math

from m2k_lessons._util.jit import kernel

# Which barrier came first; `labels.BARRIERS` has their names in this order.
LOWER, TIME, UPPER, UNFINISHED = 0, 1, 2, 3


@kernel
def shuffle_rows(values, rng, out):
    """Fill every row of `out` with `values` in a random order (Fisher and Yates)."""
    last = len(values) - 1
    for row in out:
        row[:] = values
        for i in range(last, 0, -1):
            other = int(rng.random() * (i + 1))
            row[i], row[other] = row[other], row[i]


@kernel
def count_draws(rng, ends, counts):
    """Count how often each row is drawn, for one resample after the other.

    The stationary bootstrap (Politis and Romano 1994): blocks begin anywhere, go on past the end
    at the beginning, and end with chance `ends` after each row.
    """
    total = counts.shape[1]
    stays = math.log(1.0 - ends) if ends < 1.0 else 0.0
    for row in counts:
        row[:] = 0.0
        left = total
        while left > 0:
            drawn_row = int(rng.random() * total)
            length = left
            if ends >= 1.0:
                length = 1
            else:
                # 1 - random() is never 0; a length that an integer can't hold is cut first.
                drawn = math.log(1.0 - rng.random()) / stays
                if drawn < left:
                    length = min(left, 1 + int(drawn))
            for _ in range(length):
                row[drawn_row] += 1.0
                drawn_row += 1
                if drawn_row == total:
                    drawn_row = 0
            left -= length


@kernel
def first_barrier(high, low, upper, lower, entries, horizon, barrier, end):
    """Find the first barrier after each entry; prices and barriers are whole numbers.

    A bar that reaches both counts as the lower one: inside a bar, nobody knows which came first.
    """
    last = len(high) - 1
    for number in range(len(entries)):
        entry = entries[number]
        barrier[number] = TIME
        end[number] = entry + horizon
        if end[number] > last:
            barrier[number] = UNFINISHED
            end[number] = last
        for bar in range(entry + 1, end[number] + 1):
            if low[bar] <= lower[number]:
                barrier[number] = LOWER
                end[number] = bar
                break
            if high[bar] >= upper[number]:
                barrier[number] = UPPER
                end[number] = bar
                break
