"""Chapter 07."""

import numpy as np
import pandas as pd


def vote_by_clip(ballot, agree):
    ahead = ballot.sum(axis=1)
    return np.sign(ahead).where(ahead.abs() >= agree, 0.0)


def vote_by_loop(ballot, agree):
    answers = []
    for row in ballot.itertuples(index=False):
        up = sum(1 for one in row if one == 1)
        down = sum(1 for one in row if one == -1)
        answers.append(1.0 if up - down >= agree else -1.0 if down - up >= agree else 0.0)
    return pd.Series(answers, ballot.index)


def vote_strictly(ballot, agree):
    ahead = ballot.sum(axis=1)
    return np.sign(ahead).where(ahead.abs() > agree, 0.0)


def vote_up_only(ballot, agree):
    return (ballot.sum(axis=1) >= agree) * 1.0


def vote_majority(ballot, agree):
    return np.sign(ballot.sum(axis=1))


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
        [vote_by_clip, vote_by_loop],
        {
            vote_strictly: "exactly as many",
            vote_up_only: "can win as well",
            vote_majority: "however small",
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
