"""The loops of `m2k_lessons.indicators`, over plain float arrays.

`runs` says where the values are known: one row for each stretch without NaN, its begin and its
end. A kernel computes each stretch as a series of its own and leaves the output between them
alone. So the rule about NaN is written once, and the inner loops need not ask.

A NaN that is met all the same spoils every sum after it. So looking for NaN beforehand, which
takes a third of the time of an average, can be left out: a kernel called with one run from begin
to end returns True if its last sum was finite, and only then were all values.
"""

from __future__ import annotations

import math

import numpy as np

from m2k_lessons._util.jit import kernel

# Values looked at together: a loop without an exit is one that the compiler can vectorise.
_CHUNK = 4096

# Below this, both averages of an RSI have faded away; it is far above the subnormal numbers,
# in which they would lose their ratio to each other.
_FADED = 1e-290

# The deviation is summed afresh when it has become this small a part of what was summed.
_CANCELLED = 1e-4


@kernel
def runs_of_known(values):
    """Return the stretches without NaN, shape (stretches, 2), and where the first infinity is.

    The position is -1 where there is none, and then the stretches are right.
    """
    n = len(values)
    clean = True
    for begin in range(0, n, _CHUNK):
        unknown = 0
        for i in range(begin, min(begin + _CHUNK, n)):
            unknown += not abs(values[i]) < math.inf
        if unknown:
            clean = False
            break
    whole = np.zeros((1, 2), np.int64)
    whole[0, 1] = n
    if clean:
        return whole, -1

    count = 0
    for i in range(n):
        if math.isinf(values[i]):
            return whole, i
        if values[i] == values[i] and (i == 0 or values[i - 1] != values[i - 1]):
            count += 1
    runs = np.zeros((count, 2), np.int64)
    count = 0
    for i in range(n):
        if values[i] == values[i]:
            if i == 0 or values[i - 1] != values[i - 1]:
                runs[count, 0] = i
                count += 1
            runs[count - 1, 1] = i + 1
    return runs, -1


@kernel
def moving_average(values, runs, window, average):
    """Fill `average`.

    The running sum carries its own rounding error along (Knuth's two-sum), so that an average
    depends on the prices in its window only, not on the million before them. The difference of
    two prices less than a factor of 2 apart is exact (Sterbenz's lemma).
    """
    total, error = 0.0, 0.0
    for run in range(len(runs)):
        known = values[runs[run, 0] : runs[run, 1]]
        result = average[runs[run, 0] : runs[run, 1]]
        full = min(window, len(known))
        total, error = 0.0, 0.0
        for i in range(full):
            grown = total + known[i]
            part = grown - total
            error += (total - (grown - part)) + (known[i] - part)
            total = grown
            result[i] = math.nan
        if full == window:
            result[window - 1] = (total + error) / window
        for i in range(len(known) - full):
            step = known[full + i] - known[i]
            grown = total + step
            part = grown - total
            error += (total - (grown - part)) + (step - part)
            total = grown
            result[full + i] = (total + error) / window
    return math.isfinite(total + error)


@kernel
def exponential_average(values, runs, span, average):
    """Fill `average`."""
    weight = 2.0 / (span + 1.0)
    level = 0.0
    for run in range(len(runs)):
        known = values[runs[run, 0] : runs[run, 1]]
        result = average[runs[run, 0] : runs[run, 1]]
        warm_up = min(span, len(known))
        level = 0.0
        for i in range(warm_up):
            level += known[i]
            result[i] = math.nan
        level /= span
        if len(known) >= span:
            result[span - 1] = level
        for i in range(warm_up, len(known)):
            level += weight * (known[i] - level)
            result[i] = level
    return math.isfinite(level)


@kernel
def relative_strength(values, runs, window, strength):
    """Fill `strength`."""
    kept, weight = (window - 1.0) / window, 1.0 / window
    clean = True
    for run in range(len(runs)):
        known = values[runs[run, 0] : runs[run, 1]]
        result = strength[runs[run, 0] : runs[run, 1]]
        gain, loss = 0.0, 0.0
        for i in range(min(window, len(known))):
            result[i] = math.nan
        for i in range(1, min(window, len(known))):
            change = known[i] - known[i - 1]
            gain += weight * max(change, 0.0)
            loss += weight * max(-change, 0.0)
        seed = 1.0  # the last of the first `window` changes is added to the mean as it is
        latest = 50.0
        for i in range(window, len(known)):
            change = known[i] - known[i - 1]
            rise = 0.5 * (change + abs(change))  # no branch: its guess would fail at every turn
            gain = seed * gain + weight * rise
            loss = seed * loss + weight * (rise - change)
            seed = kept
            total = gain + loss
            if total > _FADED:
                latest = 100.0 * gain / total
            result[i] = latest
        clean = math.isfinite(gain + loss + known[len(known) - 1]) if len(known) else True
    return clean


@kernel
def moving_deviation(values, runs, window, average, deviation):
    """Fill `average` and `deviation`, the population standard deviation.

    The deviation comes from sums of distances to an anchor near the prices. They are summed
    afresh around a new anchor every few windows, and when what is left of a large sum is small.
    """
    clean = moving_average(values, runs, window, average)
    stretch = max(4 * window, 256)
    for run in range(len(runs)):
        known = values[runs[run, 0] : runs[run, 1]]
        mean = average[runs[run, 0] : runs[run, 1]]
        result = deviation[runs[run, 0] : runs[run, 1]]
        anchor, total, squares, largest, variance = 0.0, 0.0, 0.0, 0.0, 0.0
        left, same = 0, 0
        for i in range(len(known)):
            same = same + 1 if i > 0 and known[i] == known[i - 1] else 1
            if i < window - 1:
                result[i] = math.nan
                continue
            if left > 0:
                entering, leaving = known[i] - anchor, known[i - window] - anchor
                total += entering - leaving
                squares += entering * entering - leaving * leaving
                largest = max(largest, squares)
                variance = squares / window - (total / window) ** 2
                left -= 1
            if same >= window:
                result[i] = 0.0  # exactly, not what rounding left over
                continue
            if left == 0 or variance * window < _CANCELLED * largest:
                left = stretch
                anchor, total, squares = mean[i], 0.0, 0.0
                for j in range(i - window + 1, i + 1):
                    total += known[j] - anchor
                    squares += (known[j] - anchor) ** 2
                largest = squares
                variance = squares / window - (total / window) ** 2
            result[i] = math.sqrt(max(variance, 0.0))
    return clean


@kernel
def bands(values, runs, window, width, lower, middle, upper):
    """Fill the three bands."""
    clean = moving_deviation(values, runs, window, middle, upper)
    for run in range(len(runs)):
        for i in range(runs[run, 0], runs[run, 1]):
            distance = width * upper[i]
            lower[i] = middle[i] - distance
            upper[i] = middle[i] + distance
    return clean


@kernel
def average_range(high, low, close, runs, window, average):
    """Fill `average`."""
    kept, weight = (window - 1.0) / window, 1.0 / window
    for run in range(len(runs)):
        begin, end = runs[run, 0], runs[run, 1]
        level = 0.0
        for i in range(begin, end):
            average[i] = math.nan
            if i == begin:
                continue
            true_range = max(high[i], close[i - 1]) - min(low[i], close[i - 1])
            if i > begin + window:
                level = kept * level + weight * true_range
            else:
                level += weight * true_range
            if i >= begin + window:
                average[i] = level


@kernel
def order(fast, slow, side):
    """Fill `side`: 1 while `fast` is the higher one, -1 while `slow` is, the last side when equal.

    0 where one of them is not known, and from there up to the first difference.
    """
    latest = 0
    for i in range(len(fast)):
        if fast[i] > slow[i]:
            latest = 1
        elif fast[i] < slow[i]:
            latest = -1
        elif fast[i] != slow[i]:  # NaN
            latest = 0
        side[i] = latest


@kernel
def order_of_averages(values, runs, fast, slow, per_point, side):
    """Fill `side` like `order`, for two moving averages, in whole numbers and so exactly."""
    for run in range(len(runs)):
        known = values[runs[run, 0] : runs[run, 1]]
        result = side[runs[run, 0] : runs[run, 1]]
        parts = np.empty(len(known), np.int64)
        fast_sum, slow_sum, latest = np.int64(0), np.int64(0), 0
        for i in range(len(known)):
            parts[i] = round(known[i] * per_point)
            fast_sum += parts[i]
            slow_sum += parts[i]
            if i >= fast:
                fast_sum -= parts[i - fast]
            if i >= slow:
                slow_sum -= parts[i - slow]
            if i < slow - 1:
                result[i] = 0
                continue
            if fast_sum * slow > slow_sum * fast:
                latest = 1
            elif fast_sum * slow < slow_sum * fast:
                latest = -1
            result[i] = latest
