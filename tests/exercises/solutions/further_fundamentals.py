"""Page 08b."""

import math

import numpy as np


def t_by_arrays(actual, line, average):
    y, f, m = (one.to_numpy() for one in (actual, line, average))
    gain = 2 * (y - m) * (f - m)  # the same three terms, multiplied out
    return gain.mean() / gain.std(ddof=1) * math.sqrt(len(gain))


def t_by_loop(actual, line, average):
    gain = []
    for y, f, m in zip(actual, line, average, strict=True):
        gain.append((y - m) ** 2 - (y - f) ** 2 + (m - f) ** 2)
    mean = sum(gain) / len(gain)
    variance = sum((one - mean) ** 2 for one in gain) / (len(gain) - 1)
    return mean / math.sqrt(variance / len(gain))


def t_uncorrected(actual, line, average):
    gain = (actual - average) ** 2 - (actual - line) ** 2
    return gain.mean() / gain.sem()


def t_of_one_gain(actual, line, average):
    gain = (actual - average) ** 2 - (actual - line) ** 2 + (average - line) ** 2
    return gain.mean() / gain.std()


def t_with_numpy_std(actual, line, average):
    gain = ((actual - average) ** 2 - (actual - line) ** 2 + (average - line) ** 2).to_numpy()
    return gain.mean() / (np.std(gain) / len(gain) ** 0.5)


def p_by_array(real, shuffled):
    every = np.array([real, *shuffled])
    return np.mean(every <= real)


def p_by_loop(real, shuffled):
    count = 1
    for other in shuffled:
        if other <= real:
            count += 1
    return count / (len(shuffled) + 1)


def p_without_the_real(real, shuffled):
    return np.mean(np.array(shuffled) <= real)


def p_without_ties(real, shuffled):
    return (1 + len([one for one in shuffled if one < real])) / (1 + len(shuffled))


def p_as_a_count(real, shuffled):
    return 1 + int((np.array(shuffled) <= real).sum())


SOLUTIONS = {
    "q2": (
        [t_by_arrays, t_by_loop],
        {
            t_uncorrected: "not given back",
            t_of_one_gain: "deviation of one gain",
            t_with_numpy_std: "population deviation",
        },
    ),
    "q5": (
        [p_by_array, p_by_loop],
        {
            p_without_the_real: "belongs to both counts",
            p_without_ties: "exactly as small",
            p_as_a_count: "What share",
        },
    ),
}
