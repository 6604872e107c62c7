"""Chapter 13."""

import numpy as np
import pandas as pd


def gain_shifted(close, target):
    return (target.shift(1) * (close - close.shift(1)) * 5).fillna(0)


def gain_by_loop(close, target):
    gains = [0.0]
    for day in range(1, len(close)):
        gains.append(target.iloc[day - 1] * (close.iloc[day] - close.iloc[day - 1]) * 5)
    return pd.Series(gains, index=close.index)


def gain_unmended(close, target):
    return target * close.diff().fillna(0) * 5


def gain_of_tomorrow(close, target):
    return target.shift(-1).fillna(0) * close.diff().fillna(0) * 5


def gain_with_a_hole(close, target):
    return target.shift() * close.diff() * 5


def breakout_shift_first(close):
    highest = close.shift().rolling(20).max()
    return pd.Series(np.where(close > highest, 1.0, 0.0), index=close.index)


def breakout_by_loop(close):
    values = close.to_numpy()
    found = [
        float(day >= 20 and values[day] > values[day - 20 : day].max())
        for day in range(len(values))
    ]
    return pd.Series(found, index=close.index)


def breakout_own_close(close):
    return (close > close.rolling(20).max()).astype(float)


def breakout_of_all(close):
    return (close == close.max()).astype(float)


def breakout_tomorrow(close):
    return (close.shift(-1) > close.rolling(20).max()).astype(float)


def breakout_short(close):
    return (close > close.shift().rolling(20).max()).astype(float) * 2 - 1


SOLUTIONS = {
    "q8": (
        [gain_shifted, gain_by_loop],
        {
            gain_unmended: "still what was printed",
            gain_of_tomorrow: "worse still",
            gain_with_a_hole: "not a missing value",
        },
    ),
    "q9": (
        [breakout_shift_first, breakout_by_loop],
        {
            breakout_own_close: "never above its highest",
            breakout_of_all: "known only after the last one",
            breakout_tomorrow: "It looks ahead",
            breakout_short: "The question wants 0",
        },
    ),
}
