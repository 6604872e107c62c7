"""Chapter 09."""

import numpy as np
import pandas as pd


def size_rounded_down(budget_usd, stop_points, cost_usd):
    import math

    return math.floor(budget_usd / (5 * stop_points + cost_usd))


def size_by_counting(budget_usd, stop_points, cost_usd):
    number = 0
    while (number + 1) * (stop_points * 5 + cost_usd) <= budget_usd:
        number += 1
    return number


def size_without_cost(budget_usd, stop_points, cost_usd):
    return budget_usd // (5 * stop_points)


def size_rounded(budget_usd, stop_points, cost_usd):
    return round(budget_usd / (5 * stop_points + cost_usd))


def size_in_parts(budget_usd, stop_points, cost_usd):
    return budget_usd / (5 * stop_points + cost_usd)


def stop_of_three(bars, window, multiple):
    before = bars["close"].shift()
    parts = [
        bars["high"] - bars["low"],
        (bars["high"] - before).abs(),
        (bars["low"] - before).abs(),
    ]
    return bars["close"] - pd.concat(parts, axis=1).max(axis=1).rolling(window).mean() * multiple


def stop_filled(bars, window, multiple):
    before = bars["close"].shift().fillna(bars["close"].clip(bars["low"], bars["high"]))
    top, bottom = np.maximum(bars["high"], before), np.minimum(bars["low"], before)
    if len(bars):
        top.iloc[0], bottom.iloc[0] = bars["high"].iloc[0], bars["low"].iloc[0]
    return bars["close"] - multiple * (top - bottom).rolling(window).mean()


def stop_without_gaps(bars, window, multiple):
    return bars["close"] - multiple * (bars["high"] - bars["low"]).rolling(window).mean()


def stop_above(bars, window, multiple):
    return 2 * bars["close"] - stop_of_three(bars, window, multiple)


def stop_distance(bars, window, multiple):
    return bars["close"] - stop_of_three(bars, window, multiple)


SOLUTIONS = {
    "q7": (
        [size_rounded_down, size_by_counting],
        {
            size_without_cost: "leaves the cost out",
            size_rounded: "more than the budget",
            size_in_parts: "Contracts come whole",
        },
    ),
    "q8": (
        [stop_of_three, stop_filled],
        {
            stop_without_gaps: "*true* range",
            stop_above: "above the close",
            stop_distance: "the price of the stop",
        },
    ),
}
