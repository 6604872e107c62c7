"""Chapter 15."""

import numpy as np


def permutation_by_mean(position, change, orders):
    lucky = [1.0] + [float(position @ change[order] >= position @ change) for order in orders]
    return np.mean(lucky)


def permutation_by_loop(position, change, orders):
    earned, count = np.sum(position * change), 1
    for order in orders:
        if np.sum(position * change[order]) >= earned:
            count += 1
    return count / (len(orders) + 1)


def permutation_without_itself(position, change, orders):
    earned = (position * change).sum()
    return sum((position * change[o]).sum() >= earned for o in orders) / max(1, len(orders))


def permutation_turned(position, change, orders):
    earned = (position * change).sum()
    return (1 + sum((position * change[o]).sum() <= earned for o in orders)) / (1 + len(orders))


def permutation_of_nothing(position, change, orders):
    earned = (position * change).sum()
    as_good = sum((position[o] * change[o]).sum() >= earned for o in orders)
    return (1 + as_good) / (1 + len(orders))


def holm_by_loop(p_values, level):
    kept, left = [False] * len(p_values), len(p_values)
    for place in sorted(range(len(p_values)), key=lambda place: p_values[place]):
        if p_values[place] > level / left:
            return np.array(kept)
        kept[place] = True
        left -= 1
    return np.array(kept)


def holm_adjusted(p_values, level):
    order = np.argsort(p_values)
    adjusted = np.maximum.accumulate(p_values[order] * np.arange(len(p_values), 0, -1))
    kept = np.empty(len(p_values), dtype=bool)
    kept[order] = adjusted <= level + 1e-12
    return kept


def holm_each_alone(p_values, level):
    return p_values <= level


def holm_as_bonferroni(p_values, level):
    return p_values * len(p_values) <= level


def holm_without_stop(p_values, level):
    kept = np.zeros(len(p_values), dtype=bool)
    for place, number in enumerate(np.argsort(p_values)):
        kept[number] = p_values[number] <= level / (len(p_values) - place)
    return kept


SOLUTIONS = {
    "q7": (
        [permutation_by_mean, permutation_by_loop],
        {
            permutation_without_itself: "The true order is one of the orders",
            permutation_turned: "earn *more* speak for luck",
            permutation_of_nothing: "shuffled together",
        },
    ),
    "q8": (
        [holm_by_loop, holm_adjusted],
        {
            holm_each_alone: "the only one tried",
            holm_as_bonferroni: "That is Bonferroni",
            holm_without_stop: "Stop at the first",
        },
    ),
}
