"""Chapter 15: luck's best, counting trials, many cells, labels that overlap."""

from __future__ import annotations

import math

import numpy as np

from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mistake,
    Write,
    register,
    steps,
)


def _luck_best(tried, years):
    from m2k_lessons import evidence

    return evidence.expected_best_sharpe(tried, trial_variance=1 / years)


g1 = Guess(
    "200 worthless strategies trade for five years. What Sharpe ratio does the best of them show, "
    "on average?",
    scale=0.6,
)

g2 = Guess(
    "With nothing to learn, how many percent of the labels does the shuffled score call right?",
    unit="percent",
    scale=8.0,
)

q1 = Compute(
    "Somebody backtests {tried} rules on {years} years of prices. All of them are worthless, and "
    "they have nothing to do with each other. Compute the Sharpe ratio to expect of the best one, "
    "to two decimals.",
    reference=_luck_best,
    given={"tried": Given(500, steps(250, 900, 50)), "years": Given(8, [6, 7, 13, 14, 15, 16])},
    mistakes=[
        Mistake(
            lambda tried, years: 0.0,
            "That is the truth of each rule. The best of {tried} was chosen because it looked "
            "better.",
        ),
        Mistake(
            lambda tried, years: 1 / math.sqrt(years),
            "That is the standard error of one rule named beforehand. The best of many lies "
            "further out.",
        ),
        Mistake(
            lambda tried, years: math.sqrt(years) * _luck_best(tried, years),
            "That is the best of {tried} in one year. Over {years} years ratios scatter less.",
        ),
        Mistake(
            lambda tried, years: _luck_best(tried, years) / math.sqrt(years),
            "You gave the standard error where the function wants the variance, its square.",
        ),
    ],
    hints=[
        "The variance of the ratios is 1 ÷ years.",
        "evidence.expected_best_sharpe({tried}, trial_variance=1 / {years})",
    ],
    well_done="About {answer:.2f}, from rules that are worth nothing.",
    # The formula is an approximation, a hundredth too high at most for these numbers; the exact
    # mean of the largest, rounded to two decimals, is right as well.
    tolerance=0.0135,
)


def _adjusted(p_value, tried):
    return 1 - (1 - p_value) ** tried


q2 = Compute(
    "The best of {tried} independent rules has a p-value of {p_value}, worked out as if it had "
    "been the only one. All rules are worthless. Compute how likely at least one of the {tried} "
    "is to look so good, to three decimals.",
    reference=_adjusted,
    given={
        "p_value": Given(0.004, [0.002, 0.003, 0.005, 0.006]),
        "tried": Given(120, steps(80, 220, 10)),
    },
    mistakes=[
        Mistake(
            lambda p_value, tried: p_value,
            "That is the chance for one rule named beforehand. There were {tried}.",
        ),
        Mistake(
            lambda p_value, tried: p_value * tried,
            "That is Bonferroni's bound: a little too high here, because it counts twice when two "
            "rules are lucky together.",
        ),
        Mistake(
            lambda p_value, tried: (1 - p_value) ** tried,
            "That is the chance that none of them looks so good. The question asks for the other "
            "case.",
        ),
        Mistake(
            lambda p_value, tried: p_value / tried,
            "More tries make luck likelier, not rarer.",
        ),
    ],
    hints=[
        "First: how likely is it that one rule does not look so good? And that none of them does?",
        "1 − (1 − {p_value}) to the power of {tried}",
    ],
    well_done="{answer:.3f}. What looked like one in hundreds is nothing special among {tried}.",
    tolerance=0.0006,
)


def _trials(grid_cells, per_search, restarts, by_hand):
    return grid_cells + per_search * restarts + by_hand


q3 = Compute(
    "Somebody tries a grid of {grid_cells} settings of a rule. Nothing looks good. Then TPE runs "
    "{restarts} times with {per_search} trials each, with other seeds, and only the last run is "
    "kept. Before all that, {by_hand} settings were tried by hand, by looking at charts. Compute "
    "the number of trials that belong in the deflated Sharpe ratio.",
    reference=_trials,
    given={
        "grid_cells": Given(96, [64, 80, 120]),
        "per_search": Given(50, [40, 60]),
        "restarts": Given(4, [3, 5]),
        "by_hand": Given(7, [6, 8, 9]),
    },
    mistakes=[
        Mistake(
            lambda grid_cells, per_search, restarts, by_hand: per_search,
            "That is the run that was kept. The others were looked at, too, and could have won.",
        ),
        Mistake(
            lambda grid_cells, per_search, restarts, by_hand: grid_cells + per_search * restarts,
            "Settings tried by hand count as well.",
        ),
        Mistake(
            lambda grid_cells, per_search, restarts, by_hand: per_search * restarts + by_hand,
            "The grid counts, although nothing came of it.",
        ),
        Mistake(
            lambda grid_cells, per_search, restarts, by_hand: grid_cells + per_search + by_hand,
            "There were {restarts} runs of TPE, and the dropped ones count.",
        ),
    ],
    hints=[
        "Every setting whose result was looked at is a trial.",
        "{grid_cells} + {restarts} × {per_search} + {by_hand}",
    ],
    well_done="{answer} trials. The log of a search keeps its own; the rest is for you to write "
    "down.",
    whole=True,
    unit="trials",
)

q4 = Choose(
    "A program is tuned on six years and tested on four that were kept aside. The result is poor. "
    "The owner changes one setting and tests on the same four years again; now it is good. Choose "
    "what the second result is.",
    options={
        "a": "Out of sample: these four years were never used for tuning.",
        "b": "In sample: the first result led to the change, so these years have now helped to "
        "choose.",
        "c": "Out of sample, if the change was a small one.",
    },
    right="b",
    feedback={
        "a": "They were used for the change. A choice that has seen a result is made on it.",
        "b": "The kept part can be opened once. After that it is one more trial.",
        "c": "The size of the change is not what counts. The look is.",
    },
)


def _survivors(p_values, cells):
    kept = 0
    for place, p_value in enumerate(sorted(p_values)):
        if p_value > 0.05 / (cells - place):
            break
        kept += 1
    return kept


q5 = Compute(
    "A hunt over {cells} cells finds these four as the smallest p-values: {p_values}. Compute how "
    "many of them Holm's method keeps at a level of 0.05.",
    reference=_survivors,
    given={
        "cells": Given(100, [100]),
        "p_values": Given(
            (0.0001, 0.000502, 0.0041, 0.02),
            [
                (0.0002, 0.000502, 0.0045, 0.021),
                (0.0003, 0.000503, 0.0048, 0.024),
            ],
        ),
    },
    mistakes=[
        Mistake(
            lambda cells, p_values: sum(one <= 0.05 for one in p_values),
            "That is the count below 0.05, as if each were the only one. Five in a hundred such "
            "cells are there by luck.",
        ),
        Mistake(
            lambda cells, p_values: sum(one <= 0.05 / cells for one in p_values),
            "That is Bonferroni. Holm divides by the cells that are still left: one less after "
            "each that is kept.",
        ),
        Mistake(
            lambda cells, p_values: sum(one <= 0.05 / len(p_values) for one in p_values),
            "You divided by four. The hunt looked into {cells} cells.",
        ),
        Mistake(
            lambda cells, p_values: 0,
            "Compare the smallest one with 0.05 ÷ {cells}.",
        ),
    ],
    hints=[
        "From the smallest on: compare with 0.05 ÷ {cells}, then 0.05 ÷ ({cells} − 1), and so on. "
        "Stop at the first that is larger.",
        "0.05 ÷ {cells} and 0.05 ÷ ({cells} − 1) are the first two limits.",
    ],
    well_done="{answer} are kept.",
    whole=True,
    unit="cells",
)


def _left_out(entries, horizon, embargo_pct):
    import math

    purged = 2 * horizon
    embargo = math.ceil(embargo_pct / 100 * entries)
    return purged + embargo


q6 = Compute(
    "There are {entries:,} daily entries, and each label is known {horizon} days after its entry. "
    "One fold in the middle is the test. The embargo is {embargo_pct} % of all entries, after the "
    "purged ones. Compute how many entries beside the test fold must be left out of training.",
    reference=_left_out,
    given={
        "entries": Given(2_000, steps(1_600, 2_600, 100)),
        "horizon": Given(15, steps(8, 20, 1)),
        "embargo_pct": Given(1, [1, 1.5, 2]),
    },
    mistakes=[
        Mistake(
            lambda entries, horizon, embargo_pct: 2 * horizon,
            "Those are purged. The embargo comes on top.",
        ),
        Mistake(
            lambda entries, horizon, embargo_pct: horizon + math.ceil(embargo_pct / 100 * entries),
            "Labels overlap on both sides: entries before the test that end in it, and entries "
            "after it that begin before its labels are known.",
        ),
        Mistake(
            lambda entries, horizon, embargo_pct: (
                2 * horizon + 2 * math.ceil(embargo_pct / 100 * entries)
            ),
            "The embargo stands only after the test.",
        ),
        Mistake(
            lambda entries, horizon, embargo_pct: math.ceil(embargo_pct / 100 * entries),
            "That is the embargo alone. Purging comes first.",
        ),
    ],
    hints=[
        "How many entries before the test have labels that reach into it? And how many begin "
        "after it, before its last label is known?",
        "2 × {horizon} + {embargo_pct} % of {entries:,}",
    ],
    well_done="{answer} entries: a small price for a score that means something.",
    whole=True,
    unit="entries",
)


def _permutation_p(position, change, orders):
    """Share of shuffles, the true order among them, that earn at least as much as it does."""
    earned = (position * change).sum()
    by_luck = [(position * change[order]).sum() for order in orders]
    as_good = sum(luck >= earned for luck in by_luck)
    return (1 + as_good) / (1 + len(orders))


def _shuffles(days, number, seed):
    rng = np.random.default_rng(seed)
    position = np.sign(rng.normal(size=days))
    change = np.round(rng.normal(size=days), 3) + 0.1 * position
    return position, change, [rng.permutation(days) for _ in range(number)]


q7 = Write(
    "Write the function `permutation_p(position, change, orders)`. It takes two NumPy arrays, the "
    "position held on each day and the change of the price on it, and a list of orders: arrays "
    "of places, so that `change[order]` is the same changes shuffled. Earned is the sum of "
    "position times change. Return the p-value, a number: of all orders, the true one counted as "
    "one of them, the share in which at least as much is earned as in the true one.",
    reference=_permutation_p,
    cases=[
        Case("two hundred shuffles of sixty days", lambda: _shuffles(60, 200, 15)),
        Case("forty shuffles of ten days", lambda: _shuffles(10, 40, 16)),
        Case(
            "changes that are all the same",
            lambda: (np.array([1.0, -1.0, 1.0]), np.ones(3), [np.array([2, 1, 0])] * 4),
        ),
        Case("no shuffle", lambda: (np.array([1.0, -1.0]), np.array([0.5, 0.2]), [])),
    ],
    mistakes=[
        Mistake(
            lambda position, change, orders: (
                sum(
                    (position * change[order]).sum() >= (position * change).sum()
                    for order in orders
                )
                / max(1, len(orders))
            ),
            "The true order is one of the orders: count it above and below the line. Otherwise a "
            "p-value can be 0, and no test can say that.",
        ),
        Mistake(
            lambda position, change, orders: (
                (
                    1
                    + sum(
                        (position * change[order]).sum() > (position * change).sum()
                        for order in orders
                    )
                )
                / (1 + len(orders))
            ),
            "At least as much: a shuffle that earns the same counts as well.",
        ),
        Mistake(
            lambda position, change, orders: (
                (
                    1
                    + sum(
                        (position * change[order]).sum() <= (position * change).sum()
                        for order in orders
                    )
                )
                / (1 + len(orders))
            ),
            "The other way round: the shuffles that earn *more* speak for luck.",
        ),
        Mistake(
            lambda position, change, orders: (
                (
                    1
                    + sum(
                        abs((position * change[order]).sum()) >= abs((position * change).sum())
                        for order in orders
                    )
                )
                / (1 + len(orders))
            ),
            "That also counts shuffles that lose as much. Only the gains speak for luck.",
        ),
        Mistake(
            lambda position, change, orders: (
                (
                    1
                    + sum(
                        (position[order] * change[order]).sum() >= (position * change).sum()
                        for order in orders
                    )
                )
                / (1 + len(orders))
            ),
            "Position and change are shuffled together there, so each day stays as it was. "
            "Shuffle the changes alone.",
        ),
    ],
    hints=[
        "What is earned in the true order, and what in each shuffled one?",
        "Count the orders with `(position * change[order]).sum() >= earned`; then "
        "(1 + count) / (1 + number of orders).",
    ],
    well_done="Six lines, and no assumption about how changes are distributed.",
)


def _holm(p_values, level):
    """True for each p-value that Holm's method keeps, in the order given."""
    kept = np.zeros(len(p_values), dtype=bool)
    for place, number in enumerate(np.argsort(p_values)):
        if p_values[number] > level / (len(p_values) - place):
            break
        kept[number] = True
    return kept


def _p_values(*values):
    return np.array(values, dtype=float)


q8 = Write(
    "Write the function `holm(p_values, level)`. It takes a NumPy array of the p-values of all "
    "rules that were tried, in any order, and a level such as 0.05, and returns an array of True "
    "and False in the same order: which of them Holm's method keeps. From the smallest on, "
    "compare with the level divided by the number of p-values that are left, itself included; "
    "at the first that is larger, stop: it and all larger ones are dropped.",
    reference=_holm,
    cases=[
        Case("six rules", lambda: (_p_values(0.02, 0.001, 0.3, 0.009, 0.011, 0.049), 0.05)),
        Case(
            "one that would pass again after the stop",
            lambda: (_p_values(0.03, 0.012, 0.001, 0.04), 0.05),
        ),
        Case("one rule", lambda: (_p_values(0.05), 0.05)),
        Case("none that is good enough", lambda: (_p_values(0.2, 0.6), 0.05)),
    ],
    mistakes=[
        Mistake(
            lambda p_values, level: p_values <= level,
            "That takes each as if it were the only one tried.",
        ),
        Mistake(
            lambda p_values, level: p_values <= level / len(p_values),
            "That is Bonferroni. Holm divides by the p-values that are still left: one less after "
            "each that is kept.",
        ),
        Mistake(
            lambda p_values, level: _without_stop(p_values, level),
            "Stop at the first that is too large. What comes after it is dropped, even if it is "
            "below its own limit.",
        ),
        Mistake(
            lambda p_values, level: _holm(np.sort(p_values), level),
            "That is in the order of size. Give the answers in the order of the p-values given.",
        ),
        Mistake(
            lambda p_values, level: p_values <= level * _rank(p_values) / len(p_values),
            "Those are the limits of Benjamini and Hochberg, which allow a share of false ones. "
            "Holm's are level / (number left).",
        ),
    ],
    hints=[
        "`np.argsort(p_values)` gives the places from the smallest p-value to the largest.",
        "Go through them with `enumerate`: the limit of the first is level / n, of the second "
        "level / (n − 1). `break` at the first above its limit.",
    ],
    well_done="Never fewer than Bonferroni keeps, and the error of the whole hunt stays below "
    "the level.",
)


def _rank(p_values):
    return np.argsort(np.argsort(p_values)) + 1


def _without_stop(p_values, level):
    return p_values <= level / (len(p_values) + 1 - _rank(p_values))


quiz = Choose(
    "“A computer can test thousands of strategies on years of prices, fine-tune the best one and "
    "deploy it. The more it tests, the better the strategy that comes out.” Choose the best reply.",
    options={
        "a": "True: a person can test a few, a computer all of them, so it finds the best.",
        "b": "The more it tests, the better the best one looks. Whether it is better, only a test "
        "that counts the trials, and fresh prices, can say.",
        "c": "False: testing many strategies is always wrong.",
    },
    right="b",
    feedback={
        "a": "It finds the one that fits the past best. With enough strategies there is always one "
        "that does, also when all of them are worthless.",
        "b": "The look grows with the number of trials, and the truth doesn't have to.",
        "c": "Where there is an edge, a search finds it more often than not. Its result has to be "
        "judged by the number of trials.",
    },
)

QUESTIONS = register("15_speculation_and_evidence", globals())
