"""The loop of `m2k_lessons.risk.bootstrap_equity`: draw a trade, add it up, ten million times.

The draws come from SplitMix64 (Steele, Lea, Flood 2014, "Fast splittable pseudorandom number
generators"), whose n-th number follows from n alone. So the compiled loop and numpy, which works
where numba has no wheel, give the same paths to the last bit.
"""

from __future__ import annotations

import numpy as np

from m2k_lessons._util.jit import kernel

# numba turns uint64 mixed with a Python int into a float: every constant is a uint64.
_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST_FACTOR = np.uint64(0xBF58476D1CE4E5B9)
_SECOND_FACTOR = np.uint64(0x94D049BB133111EB)
_FIRST_SHIFT, _SECOND_SHIFT, _THIRD_SHIFT = np.uint64(30), np.uint64(27), np.uint64(31)
_HALF = np.uint64(32)
_LOW_HALF = np.uint64(0xFFFFFFFF)

# A block of paths that stays in the processor's cache while numpy goes over it several times.
_PATHS_AT_ONCE = 64


def fill_paths(trades, start, compounded, seed, paths) -> None:
    """Fill `paths`, one row a path: `start`, then that plus (or times) one drawn trade a column.

    Two trades are drawn from each 64-bit number, one from each half. A position is
    `half * len(trades) / 2**32` rounded down: no two trades differ in their chance by more than
    one in 2**32.
    """
    origin = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    fill = fill_compiled if hasattr(fill_compiled, "py_func") else fill_with_numpy
    fill(trades, start, compounded, origin, paths)


@kernel
def fill_compiled(trades, start, compounded, origin, paths):
    count = np.uint64(len(trades))
    steps = paths.shape[1] - 1
    number = origin
    for path in paths:
        equity = start
        path[0] = equity
        mixed = origin  # any uint64: the first trade of a path replaces it
        for step in range(steps):
            if step % 2 == 0:
                number += _STEP
                mixed = (number ^ (number >> _FIRST_SHIFT)) * _FIRST_FACTOR
                mixed = (mixed ^ (mixed >> _SECOND_SHIFT)) * _SECOND_FACTOR
                mixed ^= mixed >> _THIRD_SHIFT
                trade = trades[((mixed >> _HALF) * count) >> _HALF]
            else:
                trade = trades[((mixed & _LOW_HALF) * count) >> _HALF]
            equity = equity * trade if compounded else equity + trade
            path[step + 1] = equity


def fill_with_numpy(trades, start, compounded, origin, paths):
    count = np.uint64(len(trades))
    steps = paths.shape[1] - 1
    numbers = (steps + 1) // 2
    accumulate = np.multiply.accumulate if compounded else np.add.accumulate
    for first in range(0, len(paths), _PATHS_AT_ONCE):
        block = paths[first : first + _PATHS_AT_ONCE]
        turns = np.arange(first * numbers + 1, (first + len(block)) * numbers + 1, dtype=np.uint64)
        mixed = origin + turns * _STEP
        mixed = (mixed ^ (mixed >> _FIRST_SHIFT)) * _FIRST_FACTOR
        mixed = (mixed ^ (mixed >> _SECOND_SHIFT)) * _SECOND_FACTOR
        mixed ^= mixed >> _THIRD_SHIFT
        halves = np.stack([mixed >> _HALF, mixed & _LOW_HALF], axis=-1)
        position = ((halves * count) >> _HALF).reshape(len(block), -1)[:, :steps]
        block[:, 0] = start
        block[:, 1:] = trades[position.astype(np.intp)]
        with np.errstate(over="ignore", invalid="ignore"):  # the caller looks for what overflowed
            accumulate(block, axis=1, out=block)
