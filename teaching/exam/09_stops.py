"""A sample: a question whose answer is a function."""

import pandas as pd

from m2k_lessons.exercises.base import Case, Mistake, Write


def _worst_night_usd(bars, number):
    gap_points = bars["open"] - bars["close"].shift()
    return float((gap_points * 5 * number).min())


def _bars(*days):
    return pd.DataFrame(days, columns=["open", "close"])


worst_night_usd = Write(
    "Write the function `worst_night_usd(bars, number)`. It takes daily bars with the columns "
    "`open` and `close` and a position of `number` M2K, below zero for short, held all the time. "
    "It returns one number: the result, in USD, of the worst night, from a close to the next open.",
    reference=_worst_night_usd,
    cases=[
        Case(
            "three ordinary days",
            lambda: (_bars((2400.0, 2404.5), (2401.0, 2398.2), (2399.9, 2402.0)), 2),
        ),
        Case(
            "a short position",
            lambda: (_bars((2400.0, 2390.0), (2411.3, 2410.0), (2405.0, 2404.0)), -3),
        ),
        Case("nights that only gained", lambda: (_bars((2400.0, 2401.0), (2405.0, 2404.0)), 1)),
    ],
    mistakes=[
        Mistake(
            lambda bars, number: float(((bars["open"] - bars["close"]) * 5 * number).min()),
            "That is the day, turned round. A night begins at the close before: shift it.",
        ),
        Mistake(
            lambda bars, number: float((bars["open"] - bars["close"].shift()).min() * 5 * number),
            "The lowest open is the worst for a long position only: multiply before the minimum.",
        ),
        Mistake(
            lambda bars, number: float(((bars["open"] - bars["close"].shift()) * number).min()),
            "Those are points. A point of M2K is $5.",
        ),
    ],
)

POINTS = {"worst_night_usd": 4}
