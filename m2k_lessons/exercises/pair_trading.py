"""Chapter 11: pairs in dollars, tests with their own table, half-life, costs of two legs."""

from __future__ import annotations

import math

import numpy as np

from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mend,
    Mistake,
    Write,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import course_closes
from m2k_lessons.facts import fact

FEE_USD = fact("course.commission.M2K").value  # and that of MES: the course assumes the same

g1 = Guess(
    "How many of two hundred strangers will pass with the wrong table?",
    unit="of two hundred",
    scale=15.0,
)

g2 = Guess(
    "Of a hundred pairs that only move alike, with nothing that pulls the spread back: how many "
    "have earned something after five years and all costs?",
    unit="of a hundred",
    scale=20.0,
)


def _result_usd(quote_small, quote_large, small_pct, large_pct):
    bought_usd = quote_small * 5 * small_pct / 100
    sold_usd = quote_large * 5 * large_pct / 100
    return bought_usd - sold_usd


q1 = Compute(
    "You are long 1 M2K at {quote_small:,.1f} and short 1 MES at {quote_large:,.2f}. Small "
    "companies rise by {small_pct} %, large ones by {large_pct} %. Compute the pair's profit or "
    "loss in USD, before costs; a loss is negative. "
    "Give it to the cent.",
    reference=_result_usd,
    given={
        "quote_small": Given(2200.0, steps(2100.0, 2500.0, 50.0)),
        "quote_large": Given(6400.0, steps(6200.0, 7000.0, 100.0)),
        "small_pct": Given(4, [3, 3.5, 4.5, 5]),
        "large_pct": Given(2, [1.5, 2.5]),
    },
    mistakes=[
        Mistake(
            lambda quote_small, quote_large, small_pct, large_pct: (
                (quote_small * small_pct - quote_large * large_pct) / 100
            ),
            "Those are points. Each point of M2K, and each of MES, is 5 dollars.",
        ),
        Mistake(
            lambda quote_small, quote_large, small_pct, large_pct: (
                quote_small * 5 * (small_pct - large_pct) / 100
            ),
            "The two legs do not hold the same number of dollars: the MES leg is larger.",
        ),
        Mistake(
            lambda quote_small, quote_large, small_pct, large_pct: (
                (quote_small * 5 * small_pct + quote_large * 5 * large_pct) / 100
            ),
            "The MES was sold: when it rises, that leg loses.",
        ),
    ],
    hints=[
        "Dollars of market in each leg, times its own change.",
        "{quote_small:,.0f} × 5 × {small_pct} % less {quote_large:,.0f} × 5 × {large_pct} %",
    ],
    well_done="You were right about small companies, and the sizes decided the rest.",
    unit="USD",
)


def _large_to_sell(number, beta, quote_small, quote_large):
    small_usd = number * quote_small * 5
    not_yet_whole = beta * small_usd / (quote_large * 5)
    return int(not_yet_whole + 0.5)


q2 = Compute(
    "You are long {number} M2K at {quote_small:,.1f}. Their beta to the S&P 500 is {beta}, and "
    "MES trades at {quote_large:,.2f}. Compute how many MES to sell, to the nearest whole "
    "contract.",
    reference=_large_to_sell,
    given={
        "number": Given(16, steps(18, 120, 3)),
        "beta": Given(1.2, [1.15, 1.25, 1.3]),
        "quote_small": Given(2200.0, steps(2100.0, 2300.0, 50.0)),
        "quote_large": Given(6400.0, steps(6200.0, 6600.0, 100.0)),
    },
    mistakes=[
        Mistake(
            lambda number, beta, quote_small, quote_large: number,
            "One against one is not neutral: an MES stands for far more dollars than an M2K.",
        ),
        Mistake(
            lambda number, beta, quote_small, quote_large: int(
                number * quote_small / quote_large + 0.5
            ),
            "Equal dollars leave the beta over: small companies move {beta} times as far.",
        ),
        Mistake(
            lambda number, beta, quote_small, quote_large: int(
                number * quote_small / quote_large / beta + 0.5
            ),
            "Beta multiplies the dollars of M2K; you have divided by it.",
        ),
        Mistake(
            lambda number, beta, quote_small, quote_large: int(
                number * quote_large / quote_small / beta + 0.5
            ),
            "Upside down: the dearer contract is needed in the smaller number.",
        ),
    ],
    hints=[
        "How many dollars of the large-company market do the M2K move like?",
        "{beta} × {number} × {quote_small:,.0f} × 5, divided by {quote_large:,.0f} × 5.",
    ],
    well_done="What rounding leaves over is the beta you keep.",
    whole=True,
    unit="contracts",
)

q3 = Choose(
    "Two futures have daily changes with a correlation of 0.95 over ten years. Choose what "
    "follows for somebody who trades the spread between them.",
    options={
        "a": "The spread comes back to its mean, since the two move together.",
        "b": "Nothing about the spread's return: it can wander as far as it likes.",
        "c": "In 95 % of the cases the spread comes back.",
    },
    right="b",
    feedback={
        "a": "They move together from day to day, and the small daily differences may still add "
        "up for years. Figure 11.2 has such a pair.",
        "b": "Correlation is about changes of one day, cointegration about levels over years. "
        "One says nothing about the other.",
        "c": "A correlation is no probability, and it is about changes, not about levels.",
    },
)


def _false_pairs(candidates, level_pct):
    return candidates * level_pct / 100


q4 = Compute(
    "A program tests {candidates} pairs that have nothing to do with each other, with the right "
    "table at the {level_pct} % level. Compute how many of them it will call a pair, on average. "
    "Give one decimal or better.",
    reference=_false_pairs,
    given={
        "candidates": Given(300, steps(220, 560, 20)),
        "level_pct": Given(5, [10, 2.5, 4]),
    },
    mistakes=[
        Mistake(
            lambda candidates, level_pct: 0,
            "A test at {level_pct} % is wrong that often where there is nothing to find.",
        ),
        Mistake(
            lambda candidates, level_pct: candidates * (1 - level_pct / 100),
            "Those are the ones that are rightly sent away.",
        ),
        Mistake(
            lambda candidates, level_pct: level_pct,
            "{level_pct} is the rate in a hundred; there are {candidates} pairs.",
        ),
    ],
    hints=["The level is the share of strangers that pass.", "{candidates} × {level_pct} / 100"],
    well_done="Who looks long enough always finds pairs.",
    unit="pairs",
    tolerance=0.05,
)


def _days_back(speed_days, far, near):
    import math

    halvings = math.log2(far / near)
    return halvings * speed_days


q5 = Compute(
    "A spread with a half-life of {speed_days} days stands {far} deviations from its mean. "
    "Compute after how many days, on average, it will stand at {near}. Shocks aside, it halves "
    "its distance in each half-life. "
    "Give the nearest day or better.",
    reference=_days_back,
    given={
        "speed_days": Given(20, steps(12, 36, 2)),
        "far": Given(2.0, [2.4, 2.8, 3.0]),
        "near": Given(0.25, [0.15, 0.2, 0.3]),
    },
    mistakes=[
        Mistake(
            lambda speed_days, far, near: speed_days,
            "After one half-life it stands at half of {far}. How many halvings are needed?",
        ),
        Mistake(
            lambda speed_days, far, near: math.log2(far / near),
            "Those are the halvings. How many days does each one take?",
        ),
        Mistake(
            lambda speed_days, far, near: speed_days * far / near,
            "The distance halves again and again; count halvings, not the ratio itself.",
        ),
        Mistake(
            lambda speed_days, far, near: speed_days * math.log(far / near),
            "That is the natural logarithm. Halvings need the logarithm to base 2.",
        ),
    ],
    hints=[
        "How often must {far} be halved to become {near}?",
        "{speed_days} × log2({far} / {near}); in Python math.log2",
    ],
    well_done="That is the patience the trade needs when nothing goes wrong.",
    unit="days",
    tolerance=0.5,  # a learner may round to whole days
)


def _costs_usd(small_legs, large_legs, fee_usd):
    fees_usd = 2 * (small_legs + large_legs) * fee_usd
    ticks_usd = 2 * (small_legs * 0.50 + large_legs * 1.25)
    return fees_usd + ticks_usd


q6 = Compute(
    "A pair of {small_legs} M2K against {large_legs} MES is opened and closed. Each contract "
    "costs {fee_usd} dollars a side and loses one tick on each order. Compute the cost of the "
    "round trip in USD. "
    "Give it to the cent.",
    reference=_costs_usd,
    given={
        "small_legs": Given(13, steps(7, 16, 1)),
        "large_legs": Given(6, [3, 4, 5, 7]),
        "fee_usd": Given(FEE_USD, [0.6, 0.75, 1.1]),
    },
    mistakes=[
        Mistake(
            lambda small_legs, large_legs, fee_usd: _costs_usd(small_legs, large_legs, fee_usd) / 2,
            "That is the way in. The way out costs as much again.",
        ),
        Mistake(
            lambda small_legs, large_legs, fee_usd: _costs_usd(small_legs, 0, fee_usd),
            "The MES leg pays, too.",
        ),
        Mistake(
            lambda small_legs, large_legs, fee_usd: 2 * (small_legs + large_legs) * fee_usd,
            "Those are the commissions. The tick lost on each order is missing.",
        ),
        Mistake(
            lambda small_legs, large_legs, fee_usd: (
                2 * (small_legs + large_legs) * (fee_usd + 0.50)
            ),
            "A tick of MES is worth more than a tick of M2K: 1.25 dollars.",
        ),
    ],
    hints=[
        "Two legs, in and out, a fee and a tick each.",
        "2 × [{small_legs} × ({fee_usd} + 0.50) + {large_legs} × ({fee_usd} + 1.25)]",
    ],
    well_done="Four orders for one trade: a pair pays everything twice.",
    unit="USD",
)


def _zscore(spread):
    """How many deviations the spread stands above the mean of its last 60 values."""
    mean = spread.rolling(60).mean()
    deviation = spread.rolling(60).std()
    return (spread - mean) / deviation


def _zscore_broken(spread):
    """How many deviations the spread stands above the mean of its last 60 values."""
    return (spread - spread.mean()) / spread.std()


def _spread():
    return np.log(course_closes(250)) - np.log(course_closes(250, "MES"))


q7 = Mend(
    "Mend the function `zscore(spread)`. It should say for each day how many standard deviations "
    "the spread stands above its mean, both taken over the last 60 values, the day's own "
    "included, with the sample deviation; while there are fewer than 60, the value is missing. As "
    "it stands, it knows the future.",
    reference=_zscore,
    broken=_zscore_broken,
    cases=[
        Case("a year of the course's spread", lambda: (_spread(),)),
        Case("the spread after a break", lambda: (_spread().iloc[:100] + _step(100),)),
        Case("too few days", lambda: (_spread().iloc[:59],)),
    ],
    bars=lambda: _spread().iloc[:120],
    mistakes=[
        Mistake(
            lambda spread: (spread - spread.rolling(60).mean()) / spread.std(),
            "The mean is mended, the deviation is not: it is still that of all days.",
        ),
        Mistake(
            lambda spread: (spread - spread.mean()) / spread.rolling(60).std(),
            "The deviation is mended, the mean is not: it is still that of all days.",
        ),
        Mistake(
            lambda spread: (
                (spread - spread.rolling(60, center=True).mean())
                / spread.rolling(60, center=True).std()
            ),
            "A centred window reaches thirty days into the future.",
        ),
        Mistake(
            lambda spread: spread - spread.rolling(60).mean(),
            "That is the distance from the mean, in the spread's own unit. Divide it by the "
            "deviation.",
        ),
        Mistake(
            lambda spread: (spread - spread.rolling(60).mean()) / spread.rolling(60).std(ddof=0),
            "That is the deviation of a population. The question wants the sample's, which "
            "divides by 59.",
        ),
        Mistake(
            lambda spread: (spread - spread.expanding(60).mean()) / spread.expanding(60).std(),
            "That takes all days so far. It knows no future, but the question wants the last 60.",
        ),
    ],
    hints=[
        "Which days does `spread.mean()` look at? Which of them are known on a day in the middle?",
        "`spread.rolling(60).mean()` and `spread.rolling(60).std()` look at the last 60.",
    ],
    well_done="The engine's look-ahead check agrees.",
    tolerance=1e-7,
)


def _step(days):
    return np.where(np.arange(days) < 70, 0.0, 0.05)


def _whole_contracts(ratio, most):
    """Numbers of M2K and MES, at most `most` M2K, whose ratio is nearest to `ratio`."""
    best = (1, max(1, round(ratio)))
    for small in range(1, most + 1):
        large = max(1, round(small * ratio))
        if abs(large / small - ratio) < abs(best[1] / best[0] - ratio) - 1e-12:
            best = (small, large)
    return best


q8 = Write(
    "Write the function `whole_contracts(ratio, most)`. A pair should hold `ratio` MES for each "
    "M2K, a number with decimals, but contracts come whole. Try every number of M2K from 1 to "
    "`most`; the MES beside it are the nearest whole number, and at least 1. Return two numbers, "
    "`(m2k, mes)`: those whose MES for each M2K comes nearest to `ratio`. Of equally near "
    "ones take the smallest.",
    reference=_whole_contracts,
    cases=[
        Case("0.43 MES for each M2K, at most 20", lambda: (0.43, 20)),
        Case("0.43 MES for each M2K, at most 3", lambda: (0.43, 3)),
        Case("0.29 MES for each M2K, at most 20", lambda: (0.29, 20)),
        Case("a ratio that comes out even", lambda: (0.5, 20)),
        Case("a ratio so small that one MES is too many", lambda: (0.02, 10)),
        Case("a ratio above 1", lambda: (1.37, 12)),
    ],
    mistakes=[
        Mistake(
            lambda ratio, most: (1, max(1, round(ratio))),
            "That is the nearest for one M2K only. With more of them the ratio can be met better.",
        ),
        Mistake(
            lambda ratio, most: (most, max(1, round(most * ratio))),
            "That takes as many M2K as may be. A smaller number can come nearer.",
        ),
        Mistake(
            lambda ratio, most: _nearest(ratio, most, int),
            "That always rounds the MES down. Take the nearest whole number.",
        ),
        Mistake(
            lambda ratio, most: _whole_contracts(ratio, most)[::-1],
            "The M2K come first, then the MES.",
        ),
        Mistake(
            lambda ratio, most: _nearest(ratio, most, round, last=True),
            "Of equally near ones take the smallest: less to trade.",
        ),
        Mistake(
            lambda ratio, most: _nearest(ratio, most, round, absolute=True),
            "That compares the contracts that are left over. With more contracts the same "
            "remainder weighs less: compare the ratios, MES over M2K.",
        ),
    ],
    hints=[
        "For each number of M2K: how many MES, and how far is their ratio from the one wanted?",
        "Keep the best pair so far; `round(small * ratio)` gives the MES, and `max(1, ...)` at "
        "least one. Replace the best only by one that is nearer.",
    ],
    well_done="What rounding leaves over is a bet on the market.",
)


def _nearest(ratio, most, rounded, last=False, absolute=False):
    def apart(pair):
        small, large = pair
        return abs(large - small * ratio) if absolute else abs(large / small - ratio)

    pairs = [(small, max(1, rounded(small * ratio))) for small in range(1, most + 1)]
    return min(reversed(pairs) if last else pairs, key=lambda pair: round(apart(pair), 12))


quiz = Choose(
    "A friend says: “My pair is neutral. Whatever the market does, I can only lose if I am "
    "wrong about which of the two is too dear.” Choose the best reply.",
    options={
        "a": "True, as long as both legs have the same number of contracts.",
        "b": "False: a spread can move further away for years, or never come back, and the beta "
        "left over and the costs of two legs are losses of their own.",
        "c": "True once the cointegration test has been passed.",
    },
    right="b",
    feedback={
        "a": "One against one leaves more market in the MES leg than in the M2K leg.",
        "b": "Neutral to the market is not safe. What is left is the spread's own risk.",
        "c": "The test looks back, is passed by strangers now and then, and relations break.",
    },
)

QUESTIONS = register("11_pair_trading", globals())
