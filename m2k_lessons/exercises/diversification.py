"""Chapter 16: mixes, moving correlation, shares of risk, whole contracts, the day all falls."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mistake,
    Write,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import course_closes
from m2k_lessons.facts import fact

COMMISSION_USD = fact("course.commission.M2K").value

g1 = Guess(
    "How many trading days after the first crisis began does the alarm come?",
    unit="days",
    scale=30.0,
)

g2 = Guess(
    "Small caps are a tenth of the money. What share of the risk is theirs, in %?",
    unit="%",
    scale=10.0,
)


def _volatility_of_a_mix(small, large_pct, small_pct, rho):
    large = 1 - small
    own = (large * large_pct) ** 2 + (small * small_pct) ** 2
    together = 2 * large * small * rho * large_pct * small_pct
    return (own + together) ** 0.5


q1 = Compute(
    "Large caps have a volatility of {large_pct} % a year and small caps {small_pct} %; their "
    "correlation is {rho}. Of an account, the share {small} is in small caps and the rest in "
    "large caps. Compute the volatility of the account, in % a year, to one decimal or better.",
    reference=_volatility_of_a_mix,
    given={
        "small": Given(0.3, [0.2, 0.35, 0.4]),
        "large_pct": Given(16, [15, 17, 18]),
        "small_pct": Given(24, [22, 23, 25]),
        "rho": Given(0.85, [0.75, 0.8, 0.82]),
    },
    mistakes=[
        Mistake(
            lambda small, large_pct, small_pct, rho: (1 - small) * large_pct + small * small_pct,
            "That is the average of the two volatilities. It is what you get with a correlation "
            "of 1; at {rho} a little of it cancels.",
        ),
        Mistake(
            lambda small, large_pct, small_pct, rho: (
                (((1 - small) * large_pct) ** 2 + (small * small_pct) ** 2) ** 0.5
            ),
            "The term of what they do together is missing: 2 × both weights × correlation × both "
            "volatilities. Without it they would be unrelated.",
        ),
        Mistake(
            lambda small, large_pct, small_pct, rho: (
                (
                    ((1 - small) * large_pct) ** 2
                    + (small * small_pct) ** 2
                    + (1 - small) * small * rho * large_pct * small_pct
                )
                ** 0.5
            ),
            "The joint term counts twice: large with small, and small with large.",
        ),
        Mistake(
            lambda small, large_pct, small_pct, rho: (
                ((1 - small) * large_pct) ** 2
                + (small * small_pct) ** 2
                + 2 * (1 - small) * small * rho * large_pct * small_pct
            ),
            "That is the variance. The volatility is its square root.",
        ),
    ],
    hints=[
        "Square each weight times its volatility, add twice the joint term, take the root.",
        "((1 − {small}) × {large_pct})² + ({small} × {small_pct})² + 2 × (1 − {small}) × {small} × "
        "{rho} × {large_pct} × {small_pct}, and the square root of it all.",
    ],
    well_done="{answer:.1f} %: not far below the plain average of the two volatilities.",
    unit="%",
    tolerance=0.06,
)


def _errors_between(before, after, days):
    standard_error = (1 - before**2) / days**0.5
    return (after - before) / standard_error


q2 = Compute(
    "Over {days} days the correlation of two holdings is measured at {after}. Its true value used "
    "to be {before}. Compute how many standard errors the measurement lies above {before}, if "
    "that is still the truth. To one decimal or better.",
    reference=_errors_between,
    given={
        "before": Given(0.6, [0.45, 0.5, 0.55, 0.65]),
        "after": Given(0.8, [0.72, 0.75, 0.78, 0.82]),
        "days": Given(63, [30, 42, 50, 84, 100, 126]),
    },
    mistakes=[
        Mistake(
            lambda before, after, days: (after - before) * days**0.5,
            "That takes 1/√n for the error, which holds for unrelated holdings. Near 1 a "
            "correlation is known better: (1 − correlation²)/√n.",
        ),
        Mistake(
            lambda before, after, days: (after - before) / ((1 - before) / days**0.5),
            "The correlation must be squared: (1 − correlation²)/√n.",
        ),
        Mistake(
            lambda before, after, days: (after - before) / ((1 - before**2) / days),
            "The error shrinks with the square root of the days, not with the days.",
        ),
        Mistake(
            lambda before, after, days: (after - before) / ((1 - after**2) / days**0.5),
            "The question supposes that {before} is the truth: its error belongs below the line.",
        ),
        Mistake(
            lambda before, after, days: (1 - before**2) / days**0.5,
            "That is the standard error. How many of them fit between {before} and {after}?",
        ),
    ],
    hints=[
        "First the standard error of a correlation of {before} over {days} days.",
        "({after} − {before}) / ((1 − {before}²) / √{days})",
    ],
    well_done="{answer:.1f} standard errors. Two are luck one time in twenty, and a rule that "
    "looks every day gets many chances.",
    tolerance=0.06,
)


def _share_of_risk(tenth, rest_pct, small_pct, rho):
    rest = 1 - tenth
    covariance = rho * rest_pct * small_pct
    variance = (rest * rest_pct) ** 2 + (tenth * small_pct) ** 2 + 2 * rest * tenth * covariance
    own_part = tenth * (tenth * small_pct**2 + rest * covariance)
    return 100 * own_part / variance


q3 = Compute(
    "An account has the share {tenth} in small caps, with a volatility of {small_pct} % a "
    "year, and the rest in a mix with {rest_pct} %. The correlation of the two is {rho}. "
    "Compute the small caps' share of the risk, in %, to one decimal or better.",
    reference=_share_of_risk,
    given={
        "tenth": Given(0.1, [0.12, 0.15, 0.2]),
        "rest_pct": Given(9, [8, 10, 11]),
        "small_pct": Given(22, [20, 24, 25]),
        "rho": Given(0.8, [0.7, 0.75, 0.85]),
    },
    mistakes=[
        Mistake(
            lambda tenth, rest_pct, small_pct, rho: 100 * tenth,
            "That is the share of the money. Shares of risk weigh each part by how it moves.",
        ),
        Mistake(
            lambda tenth, rest_pct, small_pct, rho: (
                100 * tenth * small_pct / (tenth * small_pct + (1 - tenth) * rest_pct)
            ),
            "That compares weight times volatility. It leaves out that the correlation is below 1.",
        ),
        Mistake(
            lambda tenth, rest_pct, small_pct, rho: (
                100
                * (tenth * small_pct) ** 2
                / ((tenth * small_pct) ** 2 + ((1 - tenth) * rest_pct) ** 2)
            ),
            "That treats the two as unrelated: what they do together has to be shared out, too.",
        ),
        Mistake(
            lambda tenth, rest_pct, small_pct, rho: (
                100
                * (tenth * small_pct) ** 2
                / (
                    (tenth * small_pct) ** 2
                    + ((1 - tenth) * rest_pct) ** 2
                    + 2 * tenth * (1 - tenth) * rho * small_pct * rest_pct
                )
            ),
            "The small caps' own variance alone is too little: half of the joint term is theirs.",
        ),
    ],
    hints=[
        "Weight × (covariance of the part with the whole account), over the account's variance.",
        "The covariance with the whole is {tenth} × {small_pct}² + (1 − {tenth}) × {rho} × "
        "{small_pct} × {rest_pct}.",
    ],
    well_done="{answer:.1f} % of the risk from so much smaller a share of the money.",
    unit="%",
    tolerance=0.06,
)


def _left_over(account_usd, weight, quote):
    wanted_usd = weight * account_usd
    one_usd = quote * 5  # dollars a point
    whole = wanted_usd // one_usd
    return wanted_usd - whole * one_usd


q4 = Compute(
    "An account of {account_usd:,} dollars should hold the share {weight} in small caps, by M2K "
    "at {quote:,.1f}, in whole contracts and never more than asked. Compute how many dollars of "
    "small caps are missing. "
    "Give the nearest dollar or better.",
    reference=_left_over,
    given={
        "account_usd": Given(200_000, steps(180_000, 300_000, 5_000)),
        "weight": Given(0.15, [0.12, 0.15, 0.18]),
        "quote": Given(2400.0, steps(2350.0, 2500.0, 10.0)),
    },
    mistakes=[
        Mistake(
            lambda account_usd, weight, quote: 0,
            "With parts of a contract, yes. They come whole.",
        ),
        Mistake(
            lambda account_usd, weight, quote: weight * account_usd,
            "That is what is wanted. How much of it do whole contracts hold?",
        ),
        Mistake(
            lambda account_usd, weight, quote: weight * account_usd // (quote * 5) * quote * 5,
            "That is what the contracts hold. What is missing to the share wanted?",
        ),
        Mistake(
            lambda account_usd, weight, quote: weight * account_usd % quote,
            "One contract stands for price × 5 dollars, not for the price.",
        ),
    ],
    hints=[
        "Dollars wanted, over what one contract stands for, rounded down: how many are held?",
        "{weight} × {account_usd:,} less the whole number of times that {quote:,.1f} × 5 fits in.",
    ],
    well_done="{answer:,.0f} dollars of the market asked for are not there.",
    unit="USD",
    tolerance=0.5,
)


def _cost_of_a_year(account_usd, traded, times, side_usd):
    paid_usd = times * traded * (side_usd + 0.50)  # commission and one tick
    return 100 * paid_usd / account_usd


q5 = Compute(
    "A rule rebalances an account of {account_usd:,} dollars {times} times a year, and each time "
    "it buys or sells {traded} M2K. Each of them costs {side_usd} dollars of commission and one "
    "tick of slippage. Compute the cost of a year, in % of the account, to three decimals or "
    "better.",
    reference=_cost_of_a_year,
    given={
        "account_usd": Given(150_000, steps(100_000, 200_000, 4_000)),
        "traded": Given(2, [3, 4, 5]),
        "times": Given(12, [12]),
        "side_usd": Given(COMMISSION_USD, [COMMISSION_USD]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, traded, times, side_usd: (
                100 * times * traded * side_usd / account_usd
            ),
            "The slippage is missing: a tick of M2K is half a dollar.",
        ),
        Mistake(
            lambda account_usd, traded, times, side_usd: (
                100 * times * (side_usd + 0.50) / account_usd
            ),
            "That is for one contract each time; the rule trades {traded}.",
        ),
        Mistake(
            lambda account_usd, traded, times, side_usd: (
                200 * times * traded * (side_usd + 0.50) / account_usd
            ),
            "That is both sides of a round trip. To rebalance, a contract is bought or sold, once.",
        ),
        Mistake(
            lambda account_usd, traded, times, side_usd: (
                times * traded * (side_usd + 0.50) / account_usd
            ),
            "That is the share. The question asks for percent.",
        ),
        Mistake(
            lambda account_usd, traded, times, side_usd: times * traded * (side_usd + 0.50),
            "Those are dollars. What part of the account are they?",
        ),
    ],
    hints=[
        "Dollars for one contract and side: commission plus one tick of 0.50 dollars.",
        "100 × {times} × {traded} × ({side_usd} + 0.50) / {account_usd:,}",
    ],
    well_done="{answer:.3f} % a year. What whole contracts cannot hold matters more.",
    unit="%",
    tolerance=0.0006,
)


def _ratio_of_equals(holdings, rho):
    variance_of_mix = (1 + (holdings - 1) * rho) / holdings
    return 1 / variance_of_mix**0.5


q6 = Compute(
    "{holdings} holdings have the same weight and the same volatility, and each pair of them has "
    "a correlation of {rho}. Compute the diversification ratio, to two decimals or better. (The "
    "variance of the mix is that of one holding times the average of all entries of the table of "
    "correlations, the ones on its diagonal included.)",
    reference=_ratio_of_equals,
    given={
        "holdings": Given(4, steps(3, 9, 1)),
        "rho": Given(0.9, steps(0.80, 0.96, 0.01)),
    },
    mistakes=[
        Mistake(
            lambda holdings, rho: holdings**0.5,
            "That holds for unrelated ones. These move almost as one.",
        ),
        Mistake(
            lambda holdings, rho: holdings / (1 + (holdings - 1) * rho),
            "The ratio compares volatilities, and that is a ratio of variances: take its root.",
        ),
        Mistake(
            lambda holdings, rho: ((1 + (holdings - 1) * rho) / holdings) ** 0.5,
            "Upside down: the parts' volatility over that of the mix is at least 1.",
        ),
        Mistake(
            lambda holdings, rho: 1 / rho**0.5,
            "That is the limit for very many holdings. The diagonal of ones still counts here.",
        ),
    ],
    hints=[
        "The table has {holdings} × {holdings} entries: {holdings} ones, else {rho} everywhere.",
        "1 / √((1 + ({holdings} − 1) × {rho}) / {holdings})",
    ],
    well_done="{answer:.2f}: when everything falls together, many holdings are little more than "
    "one.",
    tolerance=0.006,
)

q7 = Choose(
    "Two trading rules on M2K have profits with a correlation of −0.3, and neither has an edge: "
    "before costs both average zero. You give half of the money to each. Choose what to expect.",
    options={
        "a": "a profit, because the losses of one are made good by the other",
        "b": "a lower volatility around zero, less the costs of both",
        "c": "the same volatility as before, because the market traded is the same",
    },
    right="b",
    feedback={
        "a": "The average of two zeros is zero. Mixing lowers volatility; it makes no average.",
        "b": "Diversification works on the risk. What is to be diversified has to earn something.",
        "c": "What counts is how the profits move together, and these move against each other.",
    },
)


def _drift_band(returns, goal, band):
    """Share of the first asset at each day's end, set back to `goal` when it left the band."""
    share, shares = goal, []
    for first, second in returns.to_numpy():
        grown = share * (1 + first)
        share = grown / (grown + (1 - share) * (1 + second))
        if abs(share - goal) > band:
            share = goal
        shares.append(share)
    return pd.Series(shares, index=returns.index)


def _two_returns(days=250):
    small, large = course_closes(days, "small_caps"), course_closes(days, "large_caps")
    return pd.DataFrame({"small": small.pct_change(), "large": large.pct_change()}).dropna()


def _days(*rows):
    index = pd.date_range("2030-01-07", periods=len(rows), freq="B")
    return pd.DataFrame(rows, columns=["small", "large"], index=index, dtype=float)


q8 = Write(
    "Write the function `drift_band(returns, goal, band)`. `returns` is a table with two columns, "
    "the daily returns of two assets as fractions. An account begins with the share `goal` in the "
    "first one and the rest in the second. Each day both grow by their returns; at the day's end, "
    "if the share of the first is further than `band` from `goal`, it is set back to `goal`, "
    "without costs. Return a Series with the same index: the share of the first asset after that.",
    reference=_drift_band,
    cases=[
        Case("a year of the course's indices", lambda: (_two_returns(), 0.3, 0.01)),
        Case("a day that leaves the band", lambda: (_days((0.5, 0), (0.1, 0)), 0.3, 0.05)),
        Case("a band that is never left", lambda: (_two_returns(60), 0.4, 0.5)),
        Case("the same returns", lambda: (_days((0.02, 0.02), (-0.01, -0.01)), 0.5, 0.01)),
    ],
    mistakes=[
        Mistake(
            lambda returns, goal, band: _drifting(returns, goal, np.inf),
            "That never rebalances.",
        ),
        Mistake(
            lambda returns, goal, band: pd.Series(goal, index=returns.index),
            "That rebalances every day. Within the band the share is left alone.",
        ),
        Mistake(
            lambda returns, goal, band: _drifting(returns, goal, band, to_edge=True),
            "That goes back to the edge of the band. The question wants it set back to `goal`.",
        ),
        Mistake(
            lambda returns, goal, band: _drifting(returns, goal, band, before=True),
            "That looks at the share before the day's returns. It is set back at the day's end.",
        ),
        Mistake(
            lambda returns, goal, band: _drifting(returns, goal, band, undivided=True),
            "The share must be divided by the whole account, which has grown as well.",
        ),
        Mistake(
            lambda returns, goal, band: _drifting(returns, goal, band * goal),
            "That takes the band as a part of `goal`. It is a difference of shares.",
        ),
    ],
    hints=[
        "Keep the share in a variable. What does it become when both assets grow?",
        "grown = share × (1 + first); the share is grown / (grown + (1 − share) × (1 + second)). "
        "Then `if abs(share - goal) > band: share = goal`.",
    ],
    well_done="Few trades, and the risk stays near what was chosen.",
    tolerance=1e-9,
)


def _drifting(returns, goal, band, to_edge=False, before=False, undivided=False):
    share, shares = goal, []
    for first, second in returns.to_numpy():
        if before and abs(share - goal) > band:
            share = goal
        grown = share * (1 + first)
        share = grown if undivided else grown / (grown + (1 - share) * (1 + second))
        if not before and abs(share - goal) > band:
            share = goal + (band if share > goal else -band) * to_edge
        shares.append(share)
    return pd.Series(shares, index=returns.index)


def _shares_of_risk(weights, covariance):
    """Part of the account's variance that each holding brings; the parts sum to 1."""
    with_the_whole = covariance @ weights
    return weights * with_the_whole / (weights @ with_the_whole)


def _three(weights, volatilities, rho):
    names = ["small", "large", "bonds"][: len(weights)]
    correlation = np.full((len(weights), len(weights)), rho) + (1 - rho) * np.eye(len(weights))
    covariance = np.outer(volatilities, volatilities) * correlation
    return pd.Series(weights, names), pd.DataFrame(covariance, names, names)


q9 = Write(
    "Write the function `shares_of_risk(weights, covariance)`. It takes a Series of weights and "
    "the table of covariances of the holdings, with the same names, and returns a Series with "
    "those names: each holding's share of the account's variance, which is its weight times its "
    "covariance with the whole account, over the account's variance. The shares sum to 1.",
    reference=_shares_of_risk,
    cases=[
        Case("three holdings", lambda: _three([0.1, 0.6, 0.3], [22.0, 16.0, 6.0], 0.4)),
        Case("two that are unrelated", lambda: _three([0.5, 0.5], [20.0, 10.0], 0.0)),
        Case("a hedge", lambda: _three([-0.2, 1.2], [24.0, 16.0], 0.85)),
        Case("a single holding", lambda: _three([1.0], [20.0], 0.0)),
    ],
    mistakes=[
        Mistake(
            lambda weights, covariance: weights / weights.sum(),
            "That is the share of the money. Shares of risk weigh each part by how it moves.",
        ),
        Mistake(
            lambda weights, covariance: (
                (weights * np.sqrt(np.diag(covariance)))
                / (weights * np.sqrt(np.diag(covariance))).sum()
            ),
            "That is weight times volatility. It leaves out how the holdings move together.",
        ),
        Mistake(
            lambda weights, covariance: (
                weights**2 * np.diag(covariance) / (weights**2 * np.diag(covariance)).sum()
            ),
            "That treats the holdings as unrelated: their covariances have to be shared out, too.",
        ),
        Mistake(
            lambda weights, covariance: (
                weights**2 * np.diag(covariance) / (weights @ covariance @ weights)
            ),
            "Those are the own variances alone, and they don't sum to 1: half of each joint term "
            "belongs to each of the two.",
        ),
        Mistake(
            lambda weights, covariance: weights * (covariance @ weights),
            "Those are the parts of the variance. Divide them by the whole, so that they sum to 1.",
        ),
        Mistake(
            lambda weights, covariance: (
                weights * (covariance @ weights) / np.sqrt(weights @ covariance @ weights)
            ),
            "That divides by the volatility. The parts are parts of the variance.",
        ),
    ],
    hints=[
        "`covariance @ weights` is each holding's covariance with the whole account.",
        "Times `weights` gives the parts; their sum is the account's variance.",
    ],
    well_done="A tenth of the money can be a third of the risk.",
)

quiz = Choose(
    "A friend says: “Rebalancing sells what has risen and buys what has fallen. So it earns money, "
    "whatever the market does.” Choose the best reply.",
    options={
        "a": "True, as long as costs are low.",
        "b": "False: it keeps the weights near those chosen. It earns more than holding when "
        "prices come back, and less when they keep going.",
        "c": "False: the costs always eat more than it earns.",
    },
    right="b",
    feedback={
        "a": "Costs were near nothing in this chapter, and still no rule was ahead of holding by "
        "more than luck. When one asset keeps rising, selling it is a loss against "
        "holding it.",
        "b": "That is what the comparison with “never” showed: lower volatility, and an average "
        "that cannot be told from holding.",
        "c": "In micros the costs were a few dollars a year. They are no reason against it.",
    },
)

QUESTIONS = register("16_diversification", globals())
