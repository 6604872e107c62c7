"""Chapter 14."""

import numpy as np
import pandas as pd


def capped_by_numpy(wanted, equity_usd, price, times):
    most = np.floor(np.maximum(times * equity_usd, 0) / (5 * price))
    return np.sign(wanted) * np.minimum(wanted.abs(), most)


def capped_by_loop(wanted, equity_usd, price, times):
    found = []
    for want, equity, quote in zip(wanted, equity_usd, price, strict=False):
        most = max(0, int(times * equity // (5 * quote)))
        found.append(max(-most, min(most, want)))
    return pd.Series(found, index=wanted.index)


def capped_long_only(wanted, equity_usd, price, times):
    return np.minimum(wanted, (times * equity_usd // (5 * price)).clip(lower=0))


def capped_without_side(wanted, equity_usd, price, times):
    return np.minimum(wanted.abs(), (times * equity_usd // (5 * price)).clip(lower=0))


def capped_in_parts(wanted, equity_usd, price, times):
    most = (times * equity_usd / (5 * price)).clip(lower=0)
    return wanted.clip(-most, most)


def kelly_by_sums(results):
    won, lost = results[results > 0], results[results < 0]
    if not len(won) or not len(lost):
        return np.nan
    p, b = len(won) / (len(won) + len(lost)), won.mean() / abs(lost.mean())
    return max((b * p - (1 - p)) / b, 0)


def kelly_by_loop(results):
    won = [one for one in results if one > 0]
    lost = [-one for one in results if one < 0]
    if not won or not lost:
        return float("nan")
    n = len(won) + len(lost)
    odds = (sum(won) / len(won)) / (sum(lost) / len(lost))
    found = len(won) / n - len(lost) / n / odds
    return found if found > 0 else 0.0


def kelly_below_zero(results):
    won, lost = results[results > 0], results[results < 0]
    if not len(won) or not len(lost):
        return np.nan
    p, b = len(won) / (len(won) + len(lost)), won.mean() / abs(lost.mean())
    return p - (1 - p) / b


def kelly_even(results):
    p = (results > 0).sum() / (results != 0).sum()
    return p - (1 - p)


def kelly_undivided(results):
    won, lost = results[results > 0], results[results < 0]
    if not len(won) or not len(lost):
        return np.nan
    p, b = len(won) / (len(won) + len(lost)), won.mean() / abs(lost.mean())
    return max(0.0, b * p - (1 - p))


SOLUTIONS = {
    "q7": (
        [capped_by_numpy, capped_by_loop],
        {
            capped_long_only: "the long side only",
            capped_without_side: "The side is lost",
            capped_in_parts: "Contracts come whole",
        },
    ),
    "q8": (
        [kelly_by_sums, kelly_by_loop],
        {
            kelly_below_zero: "gets 0",
            kelly_even: "even odds",
            kelly_undivided: "divided by the odds",
        },
    ),
}
