"""Chapter 07."""

import numpy as np
import pandas as pd


def crossing_numbers(close, fast, slow):
    gap = close.rolling(fast).mean() - close.rolling(slow).mean()
    return (gap.fillna(0) > 0) * 1.0


def crossing_by_loop(close, fast, slow):
    values, found = close.to_numpy(), []
    for day in range(1, len(values) + 1):
        enough = day >= slow
        above = values[day - fast : day].mean() > values[day - slow : day].mean() if enough else 0
        found.append(float(above))
    return pd.Series(found, index=close.index)


def crossing_turned(close, fast, slow):
    return (close.rolling(fast).mean() < close.rolling(slow).mean()).astype(float)


def crossing_with_close(close, fast, slow):
    return (close > close.rolling(slow).mean()).astype(float)


def crossing_exponential(close, fast, slow):
    return (close.ewm(span=fast).mean() > close.ewm(span=slow).mean()) * 1.0


def rsi_of_the_course(close, window):
    from m2k_lessons import indicators

    return indicators.rsi(close, window)


def rsi_by_sums(close, window):
    up = [max(b - a, 0.0) for a, b in zip(close, close[1:], strict=False)]
    down = [max(a - b, 0.0) for a, b in zip(close, close[1:], strict=False)]
    found = [np.nan] * min(window, len(close))
    if len(up) >= window:
        gain, loss = sum(up[:window]) / window, sum(down[:window]) / window
        found.append(100 * gain / (gain + loss))
        for rise, fall in zip(up[window:], down[window:], strict=False):
            gain += (rise - gain) / window
            loss += (fall - loss) / window
            found.append(100 * gain / (gain + loss))
    return pd.Series(found, index=close.index)


def rsi_plain(close, window):
    gain = close.diff().clip(lower=0).rolling(window).mean()
    loss = -close.diff().clip(upper=0).rolling(window).mean()
    return 100 * gain / (gain + loss)


def rsi_turned(close, window):
    return 100 - rsi_by_sums(close, window)


def rsi_from_the_first(close, window):
    gain = close.diff().clip(lower=0).ewm(alpha=1 / window, adjust=False).mean()
    loss = (-close.diff()).clip(lower=0).ewm(alpha=1 / window, adjust=False).mean()
    return 100 * gain / (gain + loss)


SOLUTIONS = {
    "q8": (
        [crossing_numbers, crossing_by_loop],
        {
            crossing_turned: "The other way round",
            crossing_with_close: "compares the close itself",
            crossing_exponential: "exponential averages",
        },
    ),
    "q9": (
        [rsi_of_the_course, rsi_by_sums],
        {
            rsi_plain: "forget slowly",
            rsi_turned: "share of the falls",
            rsi_from_the_first: "begin with the first change",
        },
    ),
}
