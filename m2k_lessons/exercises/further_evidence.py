"""Chapter 15b: labels that overlap, folds in all combinations, and more machines."""

from __future__ import annotations

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

g1 = Guess(
    "2,498 labels of one random walk look up to 20 days ahead. About how many separate facts are "
    "in them?",
    unit="facts",
    scale=400.0,
)

g2 = Guess(
    "96 backtests of 0.03 seconds each take 2.9 seconds on one machine. How many seconds do they "
    "take on four, if starting takes 1.5 seconds and sending each one takes 0.02?",
    unit="seconds",
    scale=0.8,
)


def _honest_error(labels, uniqueness, score):
    import math

    return 100 * math.sqrt(score / 100 * (1 - score / 100) / (labels * uniqueness))


q1 = Compute(
    "A model gets {score} % of {labels:,} labels right. The mean uniqueness of the labels is "
    "{uniqueness}. Compute the standard error of the score, in percentage points, to two decimals.",
    reference=_honest_error,
    given={
        "labels": Given(2_400, steps(1_200, 4_800, 300)),
        "uniqueness": Given(0.15, [0.05, 0.08, 0.1, 0.12, 0.2]),
        "score": Given(55, [53, 54, 56, 57]),
    },
    mistakes=[
        Mistake(
            lambda labels, uniqueness, score: _honest_error(labels, 1, score),
            "That takes each of the {labels:,} labels for a fact of its own. They share their "
            "days.",
        ),
        Mistake(
            lambda labels, uniqueness, score: _honest_error(labels, uniqueness**2, score),
            "Multiply the labels by the uniqueness first, and take the root once.",
        ),
        Mistake(
            lambda labels, uniqueness, score: _honest_error(labels, uniqueness, score) ** 2 / 100,
            "That is the variance, in percent. The standard error is its root.",
        ),
    ],
    hints=[
        "How many separate facts are in the labels? And what is the standard error of a share?",
        "√({score} × (100 − {score}) ÷ ({labels:,} × {uniqueness}))",
    ],
    well_done="{answer:.2f} points. The score is that uncertain.",
)


def _uniqueness(ends):
    """Mean share of each label in its days; label i looks at the days i + 1 to ends[i]."""
    sharers = np.zeros(max(ends) + 1)
    for start, end in enumerate(ends):
        sharers[start + 1 : end + 1] += 1
    return [float((1 / sharers[start + 1 : end + 1]).mean()) for start, end in enumerate(ends)]


q2 = Write(
    "Write the function `uniqueness(ends)`. It takes a list of whole numbers: label number i "
    "begins at the close of day i and is known at the close of day `ends[i]`, so it looks at the "
    "days i + 1 to `ends[i]`, both included. Return a list of numbers, the uniqueness of each "
    "label: of each of its days it gets 1 ÷ (labels that look at this day), and the uniqueness "
    "is the mean of that over its days.",
    reference=_uniqueness,
    cases=[
        Case("five labels of two and three days", lambda: ([2, 4, 5, 5, 6],)),
        Case("one label", lambda: ([3],)),
        Case("labels that share no day", lambda: ([1, 2, 3],)),
        Case("thirty labels of ten days", lambda: ([day + 10 for day in range(30)],)),
    ],
    mistakes=[
        Mistake(
            lambda ends: _with_days(ends, first=0),
            "The label of day i is decided by the days *after* i: it begins at that close.",
        ),
        Mistake(
            lambda ends: _with_days(ends, mean_of_sharers=True),
            "Divide each day first and take the mean then. The mean of 1 ÷ n is another number "
            "than 1 ÷ (the mean of n).",
        ),
        Mistake(
            lambda ends: _with_days(ends, total=True),
            "That is the sum of the shares. Divide by the number of the label's days.",
        ),
    ],
    hints=[
        "First count for each day how many labels look at it.",
        "Then, for label i, `(1 / count[i + 1 : ends[i] + 1]).mean()`.",
    ],
    well_done="A label that looks at h days among others of its kind gets 1/h.",
)


def _with_days(ends, first=1, mean_of_sharers=False, total=False):
    sharers = np.zeros(max(ends) + 1)
    spans = [slice(start + first, end + 1) for start, end in enumerate(ends)]
    for span in spans:
        sharers[span] += 1
    if mean_of_sharers:
        return [float(1 / sharers[span].mean()) for span in spans]
    shares = [1 / sharers[span] for span in spans]
    return [float(share.sum() if total else share.mean()) for share in shares]


def _trainable(ends, first, last):
    """The rows whose days are none of those that the tests' labels look at."""
    known = max(ends[first : last + 1])
    rows = range(len(ends))
    return [
        row for row in rows if (row < first and ends[row] <= first) or (row > last and row >= known)
    ]


def _labels_of(horizon, number):
    return [day + horizon for day in range(number)]


q3 = Write(
    "Write the function `trainable(ends, first, last)`. `ends` is a list of whole numbers as in "
    "the question before: label i looks at the days i + 1 to `ends[i]`. The rows `first` to "
    "`last`, both included, are the test. Return a list of the rows that may be used for training: "
    "those outside the test whose label shares no day with any label of the test.",
    reference=_trainable,
    cases=[
        Case("labels of three days", lambda: (_labels_of(3, 20), 8, 11)),
        Case("the test comes first", lambda: (_labels_of(4, 15), 0, 3)),
        Case("the test comes last", lambda: (_labels_of(4, 15), 11, 14)),
        Case(
            "one long label in the test",
            lambda: ([1, 2, 3, 4, 10, 6, 7, 8, 9, 10, 11, 12], 4, 5),
        ),
        Case("labels of one day", lambda: (_labels_of(1, 10), 4, 6)),
    ],
    mistakes=[
        Mistake(
            lambda ends, first, last: [row for row in range(len(ends)) if not first <= row <= last],
            "That leaves the test out and purges nothing: its neighbours know its days.",
        ),
        Mistake(
            lambda ends, first, last: [
                row
                for row in range(len(ends))
                if (row < first and ends[row] <= first) or row > last
            ],
            "Labels overlap on both sides: those after the test begin while its labels are still "
            "open.",
        ),
        Mistake(
            lambda ends, first, last: [
                row
                for row in range(len(ends))
                if row < first or (row > last and row >= max(ends[first : last + 1]))
            ],
            "Labels overlap on both sides: those before the test may end inside it.",
        ),
        Mistake(
            lambda ends, first, last: [
                row
                for row in range(len(ends))
                if (row < first and ends[row] <= first) or (row > last and row >= ends[last])
            ],
            "The last label of the test need not be the last one known. Take the latest end of "
            "all of them.",
        ),
    ],
    hints=[
        "Before the test: label i ends at `ends[i]`, and the first day of the test's labels is "
        "`first` + 1. After it: which is the last day that a label of the test looks at?",
        "`ends[row] <= first` before it, and `row >= max(ends[first : last + 1])` after it.",
    ],
    well_done="An embargo would take a few more rows from behind the test.",
)


def _wall_seconds(tasks, task_ms, send_ms, workers, start_seconds):
    import math

    work = math.ceil(tasks / workers) * task_ms
    return start_seconds + (tasks * send_ms + work) / 1000


q4 = Compute(
    "{tasks} backtests of {task_ms} milliseconds each are run by {workers} workers. Starting them "
    "takes {start_seconds} seconds. One process sends the backtests one after the other, each in "
    "{send_ms} milliseconds; then each worker runs its equal part. Take starting, sending and "
    "working for three steps, one after the other, and compute the seconds they take together, "
    "to one decimal.",
    reference=_wall_seconds,
    given={
        "tasks": Given(4_000, steps(2_000, 8_000, 800)),
        "task_ms": Given(30, [20, 40, 50]),
        "send_ms": Given(2, [1, 3]),
        "workers": Given(8, [4, 16]),
        "start_seconds": Given(5, [4, 6]),
    },
    mistakes=[
        Mistake(
            lambda tasks, task_ms, send_ms, workers, start_seconds: tasks * task_ms / 1000,
            "That is one process without workers.",
        ),
        Mistake(
            lambda tasks, task_ms, send_ms, workers, start_seconds: (
                tasks * task_ms / 1000 / workers
            ),
            "That is the work alone. Starting and sending take time as well.",
        ),
        Mistake(
            lambda tasks, task_ms, send_ms, workers, start_seconds: (
                start_seconds + tasks * (task_ms + send_ms) / 1000 / workers
            ),
            "The sending is done by one process: more workers don't shorten it.",
        ),
        Mistake(
            lambda tasks, task_ms, send_ms, workers, start_seconds: (
                (tasks * send_ms + tasks * task_ms / workers) / 1000
            ),
            "The start is missing.",
        ),
    ],
    hints=[
        "Three parts: the start, the sending of all {tasks:,}, and the work of one worker.",
        "{start_seconds} + {tasks:,} × {send_ms} ÷ 1000 + {tasks:,} ÷ {workers} × {task_ms} ÷ 1000",
    ],
    well_done="{answer:.1f} seconds. The sending is the part that no further worker shortens.",
    tolerance=0.05,
)

q5 = Choose(
    "A hundred workers search 20,000 settings in an hour; a colleague's laptop searches 200. Both "
    "report the best Sharpe ratio of five years. Choose what can be said of the two.",
    options={
        "a": "The hundred workers found the better strategy: they looked at more.",
        "b": "The two ratios have the same standard error, so they can be compared as they are.",
        "c": "Each must be compared with the expected maximum of its own trials, and that of "
        "20,000 is higher.",
    },
    right="c",
    feedback={
        "a": "They found the higher ratio. How much of it is luck grows with the trials.",
        "b": "The error belongs to one strategy named beforehand. Both were chosen, out of 200 "
        "and out of 20,000.",
        "c": "Machines are cheap, and each trial raises the bar.",
    },
)

quiz = Choose(
    "“Our model was tested on 15 splits and five whole histories. That is five times the data, so "
    "the score is more than twice as certain.” Choose the best reply.",
    options={
        "a": "Right: five histories have an error smaller by the root of five.",
        "b": "The five histories are made of the same prices and nearly the same training rows. "
        "They show how much the cut matters, and add no data.",
        "c": "Wrong: splitting into groups makes a score less certain than one test at the end.",
    },
    right="b",
    feedback={
        "a": "That holds for five histories that have nothing to do with each other. Here the "
        "market is the same one, five times.",
        "b": "The error comes from the prices, and there is one series of them.",
        "c": "Each row is tested, so the score uses all the data there are. It just isn't more.",
    },
)

QUESTIONS = register("15b_further_evidence", globals())
