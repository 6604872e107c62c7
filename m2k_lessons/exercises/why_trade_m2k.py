"""Chapter 02: access, both directions, beta and the hedge, margin calls in small accounts."""

from __future__ import annotations

import numpy as np

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
from m2k_lessons.facts import fact

INITIAL = fact("margin.initial.M2K").value
MAINTENANCE = fact("margin.maintenance.M2K").value


g1 = Guess(
    "Of a hundred such months, how many lose money for the buyer?",
    unit="of a hundred months",
    scale=15,
)

g2 = Guess(
    "An account of 2,000 dollars is more than twice the initial margin. In how many of a hundred "
    "pieces does it get a call?",
    unit="of a hundred pieces",
    scale=25,
)


def _same_market_in_shares(quote, number, fund_usd):
    contracts_usd = quote * M2K.multiplier * number
    return int(contracts_usd / fund_usd + 0.5)


q1 = Compute(
    "Another example fund on the index costs {fund_usd} dollars a share, and the future stands "
    "at {quote:,.1f}. Compute how many shares gain and lose as many dollars as {number} M2K "
    "when both move by the same percentage, to the nearest share.",
    reference=_same_market_in_shares,
    given={
        "quote": Given(2400.0, steps(2260.0, 2480.0, 20.0)),
        "number": Given(3, [2, 4, 6, 7, 8]),
        "fund_usd": Given(60, [70, 75, 90, 110, 130]),
    },
    mistakes=[
        Mistake(
            lambda quote, number, fund_usd: quote * number / fund_usd,
            "The multiplier is missing: one M2K stands for price × $5 of the index.",
        ),
        Mistake(
            lambda quote, number, fund_usd: quote / fund_usd,
            "That is the index over the price of a share, as if a contract moved by $1 a point. "
            "Multiplier and number of contracts are missing.",
        ),
        Mistake(
            lambda quote, number, fund_usd: quote * 5 / fund_usd,
            "That many shares equal one contract; the question has {number}.",
        ),
        Mistake(
            lambda quote, number, fund_usd: 50 * number,
            "Fifty shares a contract is right for a share at a tenth of the index. This one "
            "costs ${fund_usd}.",
        ),
        Mistake(
            lambda quote, number, fund_usd: number * INITIAL / fund_usd,
            "That is what the initial margin would buy. Margin is a deposit, not the market held.",
        ),
        Mistake(
            lambda quote, number, fund_usd: quote * 5 * number / fund_usd,
            "That is the exact number. Shares come whole: take the nearest.",
            sometimes_right=True,
        ),
        Mistake(
            lambda quote, number, fund_usd: quote * 50 * number / fund_usd,
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
    ],
    hints=[
        "How many dollars of the market do the contracts stand for?",
        "{quote:,.1f} × 5 × {number} dollars of market, at {fund_usd} dollars a share.",
    ],
    well_done="The same dollars move with the market; only the cash tied up differs.",
    unit="shares",
    whole=True,
    tolerance=0.5,
)


def _errors_above_zero(months, mean_usd, deviation_usd):
    standard_error_usd = deviation_usd / months**0.5
    return mean_usd / standard_error_usd


q2 = Compute(
    "A trader shows {months} months of trades, none overlapping. They made {mean_usd} dollars a "
    "month on average, with a standard deviation of {deviation_usd} dollars. Compute how many "
    "standard errors that average lies above zero, to one decimal or better.",
    reference=_errors_above_zero,
    given={
        "months": Given(60, [48, 54, 66, 72]),
        "mean_usd": Given(90, steps(95, 120, 5)),
        "deviation_usd": Given(620, steps(580, 660, 10)),
    },
    mistakes=[
        Mistake(
            lambda months, mean_usd, deviation_usd: mean_usd / deviation_usd,
            "That compares the average with a single month. The average of {months} months is "
            "surer than one month, by the square root of their number.",
        ),
        Mistake(
            lambda months, mean_usd, deviation_usd: deviation_usd / months**0.5,
            "That is the standard error in dollars. How many of them fit into the average?",
        ),
        Mistake(
            lambda months, mean_usd, deviation_usd: mean_usd / (deviation_usd / months),
            "The standard error shrinks with the square root of the number of months, not with "
            "the number itself.",
        ),
        Mistake(
            lambda months, mean_usd, deviation_usd: deviation_usd / months**0.5 / mean_usd,
            "Upside down: the average divided by its standard error.",
        ),
    ],
    hints=[
        "First the standard error: the standard deviation over the square root of the months.",
        "{mean_usd} / ({deviation_usd} / {months} ** 0.5)",
    ],
    well_done="At {answer:.1f} standard errors luck can't be ruled out; two is the usual bar.",
    tolerance=0.05,
)


def _contracts_to_sell(stocks_usd, stocks_beta, quote):
    not_yet_whole = stocks_beta * stocks_usd / (quote * M2K.multiplier)
    return int(not_yet_whole + 0.5)


q3 = Compute(
    "Small-cap shares worth {stocks_usd:,} dollars have a beta of {stocks_beta} to the index, and "
    "M2K trades at {quote:,.1f}. Compute how many M2K to sell.",
    reference=_contracts_to_sell,
    given={
        "stocks_usd": Given(90_000, steps(90_000, 390_000, 15_000)),
        "stocks_beta": Given(1.3, [0.8, 0.9, 1.1, 1.25, 1.4]),
        "quote": Given(2400.0, steps(2350.0, 2500.0, 10.0)),
    },
    mistakes=[
        Mistake(
            lambda stocks_usd, stocks_beta, quote: stocks_beta * stocks_usd / (quote * 5),
            "That is the exact number. Contracts come whole: take the nearest.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_usd / (quote * 5) + 0.5),
            "That leaves beta out, as if the shares moved exactly with the index.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(
                stocks_usd / (stocks_beta * quote * 5) + 0.5
            ),
            "Beta belongs above the line: shares that move more need more contracts.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_beta * stocks_usd / quote + 0.5),
            "The multiplier is missing: one M2K stands for price × $5 of the index.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_beta * stocks_usd / quote / 50 + 0.5),
            "That is the number of RTY, at $50 a point. M2K is $5.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_beta * stocks_usd / INITIAL),
            "That divides by the margin. A contract hedges what it stands for, not its deposit.",
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_beta * stocks_usd / (quote * 5)),
            "That rounds down; the next whole number is nearer.",
            sometimes_right=True,
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: int(stocks_beta * stocks_usd / (quote * 5)) + 1,
            "That rounds up; the whole number below is nearer.",
            sometimes_right=True,
        ),
        Mistake(
            lambda stocks_usd, stocks_beta, quote: (
                -int(stocks_beta * stocks_usd / (quote * 5) + 0.5)
            ),
            "“To sell” already says minus: give the number of contracts.",
        ),
    ],
    hints=[
        "How many dollars of the index do the shares move like? And one contract?",
        "{stocks_beta} × {stocks_usd:,} / ({quote:,.1f} × 5), to the nearest whole number.",
    ],
    well_done="{answer} M2K move against the shares as nearly as whole contracts can.",
    whole=True,
    unit="M2K",
)

q4 = Choose(
    "You want the beta that says how many M2K to sell. Choose the two columns of daily changes to "
    "estimate it from.",
    options={
        "a": "percentages of the portfolio, and percentages of the continuous series",
        "b": "percentages of the portfolio, and percentages of the index",
        "c": "dollars of the portfolio, and points of the index",
    },
    right="b",
    feedback={
        "a": "The continuous series has the right changes in points, but shifted levels, and a "
        "percentage divides by the level. The further back, the worse.",
        "b": "Both are true percentages, taken at the same close. The index is what the contract "
        "is paid out on.",
        "c": "That slope is in dollars a point. It is no beta, and it changes whenever the "
        "portfolio grows or shrinks.",
    },
)


def _cash_to_bring(account_usd, number, quote, rise_pct, initial_usd):
    lost_usd = quote * rise_pct / 100 * M2K.multiplier * number
    balance_usd = account_usd - lost_usd
    return number * initial_usd - balance_usd


q5 = Compute(
    "A hedger is short {number} M2K at {quote:,.1f}, with {account_usd:,} dollars in the "
    "futures account. The index and the future rise by {rise_pct} %; the hedged shares gain. "
    "Compute the cash, in USD, that brings the futures account back to initial margin, "
    "{initial_usd:,} dollars a contract. "
    "Give it to the cent.",
    reference=_cash_to_bring,
    given={
        "account_usd": Given(16_000, steps(15_000, 16_400, 200)),
        "number": Given(10, [10, 11]),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
        "rise_pct": Given(8, [9, 10]),
        "initial_usd": Given(INITIAL, [INITIAL]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: 0,
            "The shares gain, but a gain in shares is no cash until they are sold. The futures "
            "account has lost, and it is settled every evening.",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: (
                quote * rise_pct / 100 * 5 * number
            ),
            "That is what the short position lost. Some of it was in the account already; and "
            "initial margin must be there in the end.",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: (
                number * MAINTENANCE - account_usd + quote * rise_pct / 100 * 5 * number
            ),
            "That reaches maintenance margin only. A call asks for initial margin.",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: (
                account_usd - quote * rise_pct / 100 * 5 * number
            ),
            "That is what is left in the account. How much is missing to initial margin?",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: (
                number * initial_usd - account_usd - quote * rise_pct / 100 * 5 * number
            ),
            "A short position loses when the price rises: take the loss from the account first.",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: (
                number * initial_usd - account_usd + quote * rise_pct / 100 * number
            ),
            "The multiplier is missing: each point costs $5 on each contract.",
        ),
        Mistake(
            lambda account_usd, number, quote, rise_pct, initial_usd: number * initial_usd,
            "That is the whole initial margin. What is left in the account counts towards it.",
        ),
    ],
    hints=[
        "What did {number} short contracts lose, and what is left in the account?",
        "{number} × {initial_usd}, less ({account_usd:,} − {quote:,.1f} × {rise_pct} % × 5 × "
        "{number}).",
    ],
    well_done="The hedge works, and asks for cash while it does.",
    unit="USD",
)


def _fall_before_the_call(account_usd, number, quote, call_below_usd):
    room_usd = account_usd - number * call_below_usd
    room_points = room_usd / (M2K.multiplier * number)
    return 100 * room_points / quote


q6 = Compute(
    "An account of {account_usd:,} dollars is long {number} M2K at {quote:,.1f}. Maintenance "
    "margin is {call_below_usd:,} dollars a contract. Compute the fall of the price, in percent, "
    "that uses up the room above it. Give a positive number, to one decimal or better.",
    reference=_fall_before_the_call,
    given={
        "account_usd": Given(2_650, steps(2_700, 3_400, 50)),
        "number": Given(2, [2]),
        "quote": Given(2400.0, steps(2340.0, 2480.0, 20.0)),
        "call_below_usd": Given(MAINTENANCE, [MAINTENANCE]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - number * INITIAL) / (5 * number) / quote
            ),
            "That takes initial margin, which is only needed to open. The call comes at "
            "maintenance margin.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * account_usd / (5 * number) / quote
            ),
            "That fall empties the account. The call comes earlier, at maintenance margin.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                (account_usd - number * call_below_usd) / (5 * number)
            ),
            "Those are points. What share of the price are they, in percent?",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - number * call_below_usd) / 5 / quote
            ),
            "A point costs $5 on each of the {number} contracts.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - call_below_usd) / (5 * number) / quote
            ),
            "Each of the {number} contracts needs its own margin.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - number * call_below_usd) / account_usd
            ),
            "That is the share of the account. How far must the *price* fall to cost that much?",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - number * call_below_usd) / quote
            ),
            "A point costs $5 on each contract: the multiplier is missing, and the number.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                100 * (account_usd - number * call_below_usd) / number / quote
            ),
            "The multiplier is missing: a point costs $5 on each contract.",
        ),
        Mistake(
            lambda account_usd, number, quote, call_below_usd: (
                account_usd - number * call_below_usd
            ),
            "That is the room in dollars. How many points is it, and what share of the price?",
        ),
    ],
    hints=[
        "How many dollars may be lost before only maintenance margin is left?",
        "({account_usd:,} − {number} × {call_below_usd}) / (5 × {number}) points, as a "
        "percentage of {quote:,.1f}.",
    ],
    well_done="A fall of {answer:.1f} % is no rare event within two months.",
    tolerance=0.05,
)


def _beta(stocks, index):
    """Slope of the stocks' daily changes, in percent, on those of the index."""
    y = stocks.pct_change().dropna()
    x = index.pct_change().dropna()
    return ((y - y.mean()) * (x - x.mean())).mean() / ((x - x.mean()) ** 2).mean()


def _portfolio_and_index():
    return course_closes(500, "portfolio"), course_closes(500, "small_caps")


q7 = Write(
    "Write the function `beta(stocks, index)`. It takes two Series of closing prices of the same "
    "days, of a portfolio and of the index, and returns the beta of the portfolio, a number: the "
    "covariance of their daily percentage changes over the variance of the index's.",
    reference=_beta,
    cases=[
        Case("two years of the course's portfolio and index", _portfolio_and_index),
        Case(
            "a fund that moves twice as far",
            lambda: (series(100, 102, 99.96, 103.9584), series(2400, 2424, 2399.76, 2447.7552)),
        ),
        Case(
            "shares that move against the index",
            lambda: (series(50, 49, 50.5, 49.8), series(2400, 2430, 2405, 2418)),
        ),
        Case(
            "shares that stand still",
            lambda: (series(80, 80, 80), series(2400, 2410, 2390)),
        ),
    ],
    mistakes=[
        Mistake(
            lambda stocks, index: _beta(index, stocks),
            "The other way round: the variance below the line is the index's, not the shares'.",
        ),
        Mistake(
            lambda stocks, index: stocks.pct_change().corr(index.pct_change()),
            "That is the correlation. It says how closely the two move together, not how far.",
        ),
        Mistake(
            lambda stocks, index: stocks.cov(index) / index.var(),
            "Those are prices, and prices drift apart for years. Take their daily changes in "
            "percent first.",
        ),
        Mistake(
            lambda stocks, index: stocks.diff().cov(index.diff()) / index.diff().var(),
            "That slope is in dollars a point, and depends on the size of the portfolio. Take "
            "changes in percent.",
        ),
        Mistake(
            lambda stocks, index: stocks.pct_change().std() / index.pct_change().std(),
            "That compares the volatilities, as if all of the shares' moves came from the index.",
        ),
        Mistake(
            lambda stocks, index: (
                np.cov(stocks.pct_change().dropna(), index.pct_change().dropna())[0, 1]
                / np.var(index.pct_change().dropna())
            ),
            "`np.cov` divides by the number of days less one, and `np.var` by the number of days. "
            "Use the same for both.",
        ),
        Mistake(
            lambda stocks, index: stocks.pct_change().cov(index.pct_change()),
            "That is the covariance. Divide it by the variance of the index's changes.",
        ),
    ],
    hints=[
        "`stocks.pct_change()` gives the daily changes as fractions. What do you divide by what?",
        "`y.cov(x) / x.var()`, with y the changes of the portfolio and x those of the index.",
    ],
    well_done="This number, times the dollars in shares, is the market that they hold.",
    tolerance=1e-7,
)

quiz = Choose(
    "A friend says: “I measured a beta of 1.2 and sold exactly the M2K it asks for. Now my shares "
    "can't lose me money.” Choose the best reply.",
    options={
        "a": "True, as long as the beta was estimated carefully.",
        "b": "False: the hedge takes away the market's part only, and what the shares do on their "
        "own stays.",
        "c": "True when the market falls; when it rises, the hedge turns the gain into a loss.",
    },
    right="b",
    feedback={
        "a": "Even the true beta removes only what moves with the index. The shares' own part, "
        "whole contracts, the basis and a beta that drifts all remain.",
        "b": "On top of that come whole contracts, costs and a beta that drifts; and in a rising "
        "market the hedge needs cash before the shares have paid any.",
        "c": "In neither case is it sure. In a fall the shares' own part can still lose; in a "
        "rise the hedge takes back the market's part of the gain, not more.",
    },
)

QUESTIONS = register("02_why_trade_m2k", globals())
