"""Chapter 15b."""

import numpy as np


def uniqueness_by_counting(ends):
    looked = [range(start + 1, end + 1) for start, end in enumerate(ends)]
    shares = []
    for days in looked:
        shares.append(sum(1 / sum(day in other for other in looked) for day in days) / len(days))
    return shares


def uniqueness_by_a_table(ends):
    days = np.arange(max(ends) + 1)
    starts = np.arange(len(ends))[:, None]
    looks = (days > starts) & (days <= np.array(ends)[:, None])
    weights = looks / np.maximum(looks.sum(axis=0), 1)
    return list(weights.sum(axis=1) / looks.sum(axis=1))


def uniqueness_with_the_entry_day(ends):
    looked = [range(start, end + 1) for start, end in enumerate(ends)]
    return [np.mean([1 / sum(day in one for one in looked) for day in days]) for days in looked]


def uniqueness_of_the_mean(ends):
    looked = [range(start + 1, end + 1) for start, end in enumerate(ends)]
    return [1 / np.mean([sum(day in one for one in looked) for day in days]) for days in looked]


def uniqueness_summed(ends):
    looked = [range(start + 1, end + 1) for start, end in enumerate(ends)]
    return [sum(1 / sum(day in one for one in looked) for day in days) for days in looked]


def trainable_by_days(ends, first, last):
    tested = set()
    for row in range(first, last + 1):
        tested |= set(range(row + 1, ends[row] + 1))
    return [
        row
        for row in range(len(ends))
        if not first <= row <= last and not tested & set(range(row + 1, ends[row] + 1))
    ]


def trainable_in_two_parts(ends, first, last):
    before = [row for row in range(first) if ends[row] < first + 1]
    after = [row for row in range(last + 1, len(ends)) if row >= max(ends[first : last + 1])]
    return before + after


def trainable_without_purging(ends, first, last):
    return [row for row in range(len(ends)) if row < first or row > last]


def trainable_purged_before(ends, first, last):
    return [row for row in range(first) if ends[row] <= first] + list(range(last + 1, len(ends)))


def trainable_to_the_last_row(ends, first, last):
    before = [row for row in range(first) if ends[row] <= first]
    return before + [row for row in range(last + 1, len(ends)) if row >= ends[last]]


SOLUTIONS = {
    "q2": (
        [uniqueness_by_counting, uniqueness_by_a_table],
        {
            uniqueness_with_the_entry_day: "decided by the days *after*",
            uniqueness_of_the_mean: "Divide each day first",
            uniqueness_summed: "sum of the shares",
        },
    ),
    "q3": (
        [trainable_by_days, trainable_in_two_parts],
        {
            trainable_without_purging: "purges nothing",
            trainable_purged_before: "those after the test begin",
            trainable_to_the_last_row: "the latest end",
        },
    ),
}
