"""Chapter 04."""

import numpy as np


def fill_by_mask(bars, level):
    reached = bars[bars["low"] <= level]
    if reached.empty:
        return np.nan
    first = reached.iloc[0]
    return (first["open"] if first["open"] < level else level) - 0.1


def fill_by_rows(bars, level):
    for _, bar in bars.iterrows():
        if bar["open"] <= level:
            return bar["open"] - 0.1
        if bar["low"] <= level:
            return level - 0.1
    return float("nan")


def fill_at_the_level(bars, level):
    return level - 0.1 if bars["low"].min() <= level else np.nan


def fill_without_slippage(bars, level):
    for opened, low in zip(bars["open"], bars["low"], strict=False):
        if low <= level:
            return min(opened, level)
    return np.nan


def fill_at_the_low(bars, level):
    return bars["low"].min() - 0.1 if bars["low"].min() <= level else np.nan


SOLUTIONS = {
    "q8": (
        [fill_by_mask, fill_by_rows],
        {
            fill_at_the_level: "the fill is at the open",
            fill_without_slippage: "The slippage is missing",
            fill_at_the_low: "lowest price there was",
        },
    ),
}
