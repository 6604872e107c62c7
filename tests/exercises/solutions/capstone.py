"""Chapter 17."""

import numpy as np


def sharpe_by_hand(gains):
    n = len(gains)
    mean = sum(gains) / n
    deviation = (sum((gain - mean) ** 2 for gain in gains) / (n - 1)) ** 0.5
    return [mean / deviation * 252**0.5, 1 / (n / 252) ** 0.5]


def sharpe_by_numpy(gains):
    ratio = np.sqrt(252) * np.mean(gains) / np.std(gains, ddof=1)
    return ratio, np.sqrt(252 / gains.size)


def sharpe_of_a_day(gains):
    return gains.mean() / gains.std(), (252 / len(gains)) ** 0.5


def sharpe_without_error(gains):
    return gains.mean() / gains.std() * 252**0.5


def sharpe_with_daily_error(gains):
    return gains.mean() / gains.std() * 252**0.5, 1 / len(gains) ** 0.5


def gap_by_columns(bars, position):
    loss = (bars["close"].shift() - bars["open"]) * position.shift() * 5
    return max(loss.max(), 0.0) if len(bars) > 1 else 0.0


def gap_by_loop(bars, position):
    worst = 0.0
    for day in range(1, len(bars)):
        gap = bars["open"].iloc[day] - bars["close"].iloc[day - 1]
        worst = max(worst, -gap * 5 * position.iloc[day - 1])
    return worst


def gap_unshifted(bars, position):
    loss = (bars["close"].shift() - bars["open"]) * position * 5
    return max(loss.max(), 0.0) if len(bars) > 1 else 0.0


def gap_never_short(bars, position):
    loss = (bars["close"].shift() - bars["open"]) * position.abs().shift() * 5
    return max(loss.max(), 0.0) if len(bars) > 1 else 0.0


def gap_below_zero(bars, position):
    return -gap_by_loop(bars, position)


SOLUTIONS = {
    "q4": (
        [sharpe_by_hand, sharpe_by_numpy],
        {
            sharpe_of_a_day: "the ratio of a day",
            sharpe_without_error: "Return both",
            sharpe_with_daily_error: "the error of a day",
        },
    ),
    "q5": (
        [gap_by_columns, gap_by_loop],
        {
            gap_unshifted: "The shift is missing",
            gap_never_short: "leave the position its sign",
            gap_below_zero: "wants it above 0",
        },
    ),
}
