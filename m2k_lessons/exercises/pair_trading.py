"""Chapter 11: pairs in dollars, tests with their own table, half-life, costs of two legs."""

from __future__ import annotations

import math

from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, register, steps
from m2k_lessons.facts import fact

FEE_USD = fact("course.commission.M2K").value  # and that of MES: the course assumes the same


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
