"""The two slow loops of `kernels` for where nothing is compiled, such as a browser.

They take the same random numbers in the same order, and give the same results.
"""

from __future__ import annotations

import math

import numpy as np


def shuffle_rows(values, rng, out) -> None:
    """As `kernels.shuffle_rows`: one step of Fisher and Yates for all rows at once."""
    last, rows = len(values) - 1, np.arange(len(out))
    out[:] = values
    drawn = rng.random((len(out), last))
    for step, i in enumerate(range(last, 0, -1)):
        other = (drawn[:, step] * (i + 1)).astype(np.intp)
        here = out[:, i].copy()
        out[:, i] = out[rows, other]
        out[rows, other] = here


def count_draws(rng, ends, counts) -> None:
    """As `kernels.count_draws`: blocks are marked where they begin and end, and added up."""
    total = counts.shape[1]
    stays = math.log(1.0 - ends) if ends < 1.0 else 0.0
    random, log = rng.random, math.log
    for row in counts:
        begins, stops, left = [], [], total
        while left > 0:
            first, length = int(random() * total), 1
            if ends < 1.0:
                drawn = log(1.0 - random()) / stays
                length = min(left, 1 + int(drawn)) if drawn < left else left
            begins.append(first)
            stops.append(first + length)
            left -= length
        size = 2 * total + 1  # what goes on past the end is counted at the beginning
        change = np.bincount(begins, minlength=size) - np.bincount(stops, minlength=size)
        covered = change.cumsum()
        row[:] = covered[:total] + covered[total : 2 * total]
