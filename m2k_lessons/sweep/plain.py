"""What `kernels.decide` does, with numpy, where nothing is compiled."""

from __future__ import annotations

import numpy as np

from m2k_lessons._util import jit

kernels = jit.uncompiled("m2k_lessons.sweep.kernels")


def decide(kind, series, settings, targets):
    """Fill `targets` as `kernels.decide` does; all arguments are the same."""
    first, second = settings[:, 0, np.newaxis], settings[:, 1, np.newaxis]
    if kind == kernels.TREND:
        sides = np.zeros((len(settings), targets.shape[2]))
        for side, (fast, slow, _) in zip(sides, settings, strict=True):
            slow_bars = int(slow)
            now = series[slow_bars:]
            apart = (now - series[slow_bars - int(fast) : -int(fast)]) * slow
            apart -= (now - series[: len(now)]) * fast
            side[slow_bars - 1 :] = np.sign(apart)
        # An average that equals the other one leaves things as they are.
        sides = np.take_along_axis(sides, _latest(sides != 0), axis=1)
    elif kind == kernels.THRESHOLD:
        above, below = series > first + kernels._TOUCH, series < second - kernels._TOUCH
        decided = _latest(above | below)
        sides = np.take_along_axis(np.where(above, 1.0, -1.0 * below), decided, axis=1)
    else:
        entry, leave = first - kernels._TOUCH, second + kernels._TOUCH
        # Held since the last entry, unless a score was ordinary (or unknown) since then.
        bought, sold = series <= -entry, series >= entry
        long = bought | ((series < -leave) & _is_since(bought, ~(series < -leave)))
        short = sold | ((series > leave) & _is_since(sold, ~(series > leave)))
        sides = 1.0 * long - short
    np.maximum(sides, settings[:, kernels.FLOOR, np.newaxis], out=targets[:, 0], casting="unsafe")


def _latest(marked: np.ndarray) -> np.ndarray:
    """Per row, the last marked bar up to each bar; the first bar where there is none."""
    bars = np.where(marked, np.arange(marked.shape[1]), 0)
    return np.maximum.accumulate(bars, axis=1, out=bars)


def _is_since(begun: np.ndarray, ended: np.ndarray) -> np.ndarray:
    """Per row, whether the last beginning up to each bar is later than the last end."""
    ends = np.broadcast_to(ended, begun.shape)
    return (_latest(begun) > _latest(ends)) | (begun[:, :1] & ~np.logical_or.accumulate(ends, 1))
