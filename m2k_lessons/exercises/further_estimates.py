"""Lesson 02b: half the variance, years until an average stands out, error of a slope, no event."""

from __future__ import annotations

from m2k_lessons.contracts import M2K
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
from m2k_lessons.exercises.data_sets import course_closes, series

g1 = Guess(
    "A price gains 10 % and then loses 10 %, fifty times over. How many of 100 dollars are left?",
    unit="USD",
    scale=40,
)

g2 = Guess(
    "In how many of a hundred such histories does the average lie at least two standard errors "
    "above zero after 87 years?",
    unit="of a hundred histories",
    scale=30,
)


def _growth_pct(average_pct, volatility_pct):
    half_variance = (volatility_pct / 100) ** 2 / 2
    return average_pct - 100 * half_variance


q1 = Compute(
    "The yearly gains of a market average {average_pct:g} %, with a volatility of "
    "{volatility_pct} %. Compute the average log return of a year, in percent, as average less "
    "half the variance, to one decimal or better.",
    reference=_growth_pct,
    given={
        "average_pct": Given(8.0, steps(5.5, 9.5, 0.5)),
        "volatility_pct": Given(30, [22, 24, 26, 28, 32, 34, 36]),
    },
    mistakes=[
        Mistake(
            lambda average_pct, volatility_pct: average_pct - volatility_pct / 2,
            "That takes half the volatility. The variance is its square, and both are fractions.",
        ),
        Mistake(
            lambda average_pct, volatility_pct: average_pct - volatility_pct**2 / 100,
            "That is the whole variance. Half of it is lost.",
        ),
        Mistake(
            lambda average_pct, volatility_pct: average_pct + volatility_pct**2 / 200,
            "The log return lies below the average gain, not above it.",
        ),
        Mistake(
            lambda average_pct, volatility_pct: average_pct - volatility_pct**2 / 2,
            "A volatility of {volatility_pct} % is {volatility_pct}/100. Square that, not "
            "{volatility_pct}.",
        ),
        Mistake(
            lambda average_pct, volatility_pct: volatility_pct**2 / 200,
            "That is half the variance. Take it from the average.",
        ),
    ],
    hints=[
        "The variance is the volatility squared. Write the volatility as a fraction first.",
        "{average_pct:g} − 100 × ({volatility_pct} / 100)² / 2",
    ],
    well_done="So much is left of {average_pct:g} % when the money stays in.",
    unit="%",
    tolerance=0.05,
)


def _years(gain_pct, volatility_pct):
    return int((2 * volatility_pct / gain_pct) ** 2 + 0.5)


q2 = Compute(
    "A strategy really earns {gain_pct:g} % a year, with a volatility of {volatility_pct} %. "
    "Compute after how many years the average that one expects lies two standard errors above "
    "zero, to the nearest whole year.",
    reference=_years,
    given={
        "gain_pct": Given(6.0, steps(4.0, 8.5, 0.5)),
        "volatility_pct": Given(24, steps(16, 30, 2)),
    },
    mistakes=[
        Mistake(
            lambda gain_pct, volatility_pct: (2 * volatility_pct / gain_pct) ** 2,
            "That is the exact number. Give the nearest whole year.",
            sometimes_right=True,
        ),
        Mistake(
            lambda gain_pct, volatility_pct: int((volatility_pct / gain_pct) ** 2 + 0.5),
            "After so many years it lies one standard error above zero. Two need four times as "
            "long.",
        ),
        Mistake(
            lambda gain_pct, volatility_pct: int(2 * volatility_pct / gain_pct + 0.5),
            "The error shrinks with the square root of the years: this number must be squared.",
        ),
        Mistake(
            lambda gain_pct, volatility_pct: int(2 * (volatility_pct / gain_pct) ** 2 + 0.5),
            "The two belongs inside the square.",
        ),
    ],
    hints=[
        "The standard error after n years is the volatility over √n. Twice that is to equal the "
        "gain.",
        "(2 × {volatility_pct} / {gain_pct:g})²",
    ],
    well_done="And even then half of all such strategies would show less than two errors.",
    whole=True,
    tolerance=0.5,
    unit="years",
)


def _error_in_contracts(shares_usd, quote, leftover_pct, index_pct, days):
    error_of_slope = leftover_pct / (index_pct * days**0.5)
    return error_of_slope * shares_usd / (quote * M2K.multiplier)


q3 = Compute(
    "A beta was estimated from {days} days. What the shares did on their own had a standard "
    "deviation of {leftover_pct:g} % a day, the index one of {index_pct:g} %. The shares are worth "
    "{shares_usd:,} dollars, and M2K trades at {quote:,.1f}. Compute the standard error of the "
    "number of M2K to sell, to two decimals or better.",
    reference=_error_in_contracts,
    given={
        "shares_usd": Given(150_000, steps(120_000, 300_000, 20_000)),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
        "leftover_pct": Given(0.6, [0.5, 0.7, 0.8, 0.9]),
        "index_pct": Given(1.2, [1.1, 1.3, 1.4]),
        "days": Given(225, [100, 144, 196, 256]),
    },
    mistakes=[
        Mistake(
            lambda shares_usd, quote, leftover_pct, index_pct, days: (
                leftover_pct / (index_pct * days**0.5)
            ),
            "That is the standard error of beta. How many contracts is it, for these shares?",
        ),
        Mistake(
            lambda shares_usd, quote, leftover_pct, index_pct, days: (
                leftover_pct / index_pct * shares_usd / (quote * 5)
            ),
            "That leaves out the number of days: divide by its square root.",
        ),
        Mistake(
            lambda shares_usd, quote, leftover_pct, index_pct, days: (
                leftover_pct / (index_pct * days) * shares_usd / (quote * 5)
            ),
            "The error shrinks with the square root of the number of days, not with the number.",
        ),
        Mistake(
            lambda shares_usd, quote, leftover_pct, index_pct, days: (
                leftover_pct / (index_pct * days**0.5) * shares_usd / quote
            ),
            "The multiplier is missing: one M2K stands for price × $5.",
        ),
        Mistake(
            lambda shares_usd, quote, leftover_pct, index_pct, days: (
                leftover_pct / days**0.5 * shares_usd / (quote * 5)
            ),
            "Divide by the swings of the index, too: that makes it a slope.",
        ),
    ],
    hints=[
        "First the standard error of beta. Then what one unit of beta is in contracts.",
        "{leftover_pct:g} / ({index_pct:g} × √{days}), times {shares_usd:,} / ({quote:,.1f} × 5).",
    ],
    well_done="Beside this, rounding to whole contracts moves the number by up to a half.",
    unit="M2K",
)


def _error_of_slope(stocks, index):
    """Standard error of the slope of the stocks' changes on those of the index."""
    slope = stocks.cov(index) / index.var()
    leftover = stocks - slope * index
    return leftover.std() / (index.std() * len(index) ** 0.5)


def _changes(days):
    names = ("portfolio", "small_caps")
    return tuple(course_closes(days, name).pct_change().dropna() for name in names)


q4 = Write(
    "Write the function `error_of_slope(stocks, index)`. It takes two Series of daily changes of "
    "the same days and returns the standard error of the slope, a number: the standard deviation "
    "of what is left over, divided by the standard deviation of the index's changes and by the "
    "square root of the number of days. What is left over is a change of the stocks less slope "
    "times change of the index.",
    reference=_error_of_slope,
    cases=[
        Case("two years of the course's portfolio and index", lambda: _changes(500)),
        Case("three months of them", lambda: _changes(64)),
        Case(
            "stocks that keep to a line exactly",
            lambda: (series(0.02, -0.01, 0.03), series(0.01, -0.005, 0.015)),
        ),
        Case(
            "stocks that don't follow the index",
            lambda: (series(0.01, 0.01, -0.02, 0.0), series(0.01, -0.01, 0.0, 0.0)),
        ),
    ],
    mistakes=[
        Mistake(
            lambda stocks, index: (
                (stocks - stocks.cov(index) / index.var() * index).std() / index.std()
            ),
            "The number of days is missing: divide by its square root.",
        ),
        Mistake(
            lambda stocks, index: stocks.std() / (index.std() * len(index) ** 0.5),
            "That takes the whole swing of the stocks. Only what is left over blurs the slope.",
        ),
        Mistake(
            lambda stocks, index: (
                (stocks - stocks.cov(index) / index.var() * index).std() / len(index) ** 0.5
            ),
            "Divide by the standard deviation of the index's changes, too.",
        ),
        Mistake(
            lambda stocks, index: (stocks - index).std() / (index.std() * len(index) ** 0.5),
            "What is left over is the stocks less *slope times* the index.",
        ),
        Mistake(
            lambda stocks, index: (
                (stocks - stocks.cov(index) / index.var() * index).std()
                / (index.std() * len(index))
            ),
            "Take the square root of the number of days.",
        ),
        Mistake(
            lambda stocks, index: (
                (stocks - stocks.cov(index) / index.var() * index).std()
                / (index.var() * len(index) ** 0.5)
            ),
            "That divides by the variance of the index. Take its standard deviation.",
        ),
        Mistake(
            lambda stocks, index: stocks.cov(index) / index.var(),
            "That is the slope. How far may it lie from the truth?",
        ),
    ],
    hints=[
        "Three lines: the slope, what is left over, and the quotient.",
        "`slope = stocks.cov(index) / index.var()`, then `leftover = stocks - slope * index`, then "
        "`leftover.std()` over `index.std()` times the root of `len(index)`.",
    ],
    well_done="Little noise, a restless index and many days make a slope sure.",
    tolerance=1e-9,
)


def _bound_pct(nights):
    return 100 * 3 / nights


q5 = Compute(
    "A trader has held a stop over {nights} separate nights, and not once did the price jump over "
    "it. Compute the chance of such a jump that can't be ruled out with 95 % confidence, in "
    "percent of the nights, by the rule of three. Give it to one decimal or better.",
    reference=_bound_pct,
    given={"nights": Given(80, steps(41, 111, 1))},
    mistakes=[
        Mistake(
            lambda nights: 0,
            "None in {nights} is what was seen. A rare thing often stays away that long.",
        ),
        Mistake(
            lambda nights: 100 / nights,
            "One in {nights} is the chance that would have shown itself about once. What is still "
            "likely to stay away?",
        ),
        Mistake(
            lambda nights: 3 / nights,
            "That is a fraction. Give it in percent.",
        ),
        Mistake(
            lambda nights: 100 * 3 / nights**0.5,
            "There is no square root here: three over the number of nights.",
        ),
    ],
    hints=[
        "If the chance were p, how likely would {nights} quiet nights be? One in twenty is the "
        "bound.",
        "Three divided by {nights}, in percent.",
    ],
    well_done="A chance of {answer:.1f} % a night is a jump every few weeks.",
    unit="%",
    tolerance=0.05,
)

quiz = Choose(
    "A friend says: “Ten years of months can't tell me whether small companies gain. So I take the "
    "2,500 days of the same ten years: twenty times as many numbers, and a far smaller error.” "
    "Choose the best reply.",
    options={
        "a": "True for the average and for the volatility: more numbers, less error.",
        "b": "True for the volatility, false for the average: its error depends on the years.",
        "c": "False for both: the ten years are the same, whatever they are cut into.",
    },
    right="b",
    feedback={
        "a": "True for the volatility only. An average day gains a twentieth of an average month, "
        "and its error is a twentieth, too. Summed up to a year, the error is as before.",
        "b": "The average of a year is the last price against the first, whatever lies between. "
        "How far prices swing is another matter: there each day counts.",
        "c": "Each day does say something new about how far prices swing. It is only the average "
        "that hangs on first and last price alone.",
    },
)

QUESTIONS = register("02b_further_estimates", globals())
