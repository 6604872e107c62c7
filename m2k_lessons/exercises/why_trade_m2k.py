"""Chapter 02: access, both directions, beta and the hedge, margin calls in small accounts."""

from __future__ import annotations

import math

from m2k_lessons.contracts import M2K
from m2k_lessons.exercises.base import Choose, Compute, Given, Mistake, register
from m2k_lessons.facts import fact

INITIAL = fact("margin.initial.M2K").value
MAINTENANCE = fact("margin.maintenance.M2K").value


def _same_market_in_shares(price, contracts, share_usd):
    market_usd = price * M2K.multiplier * contracts
    return market_usd / share_usd


q1 = Compute(
    "Another example fund on the index costs {share_usd} dollars a share, and the future stands "
    "at {price:,.1f}. Compute how many shares gain and lose as many dollars as {contracts} M2K "
    "when both move by the same percentage, to the nearest share.",
    reference=_same_market_in_shares,
    given={
        "price": Given(2400.0, [2280.0, 2340.0, 2460.0]),
        "contracts": Given(3, [2, 4, 5]),
        "share_usd": Given(60, [40, 75, 120]),
    },
    mistakes=[
        Mistake(
            lambda price, contracts, share_usd: price * contracts / share_usd,
            "The multiplier is missing: one M2K stands for price × $5 of the index.",
        ),
        Mistake(
            lambda price, contracts, share_usd: price * 5 / share_usd,
            "That many shares equal one contract; the question has {contracts}.",
        ),
        Mistake(
            lambda price, contracts, share_usd: 50 * contracts,
            "Fifty shares a contract is right for a share at a tenth of the index. This one "
            "costs ${share_usd}.",
        ),
        Mistake(
            lambda price, contracts, share_usd: contracts * INITIAL / share_usd,
            "That is what the initial margin would buy. Margin is a deposit, not the market held.",
        ),
        Mistake(
            lambda price, contracts, share_usd: price * 50 * contracts / share_usd,
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
    ],
    hints=[
        "How many dollars of the market do the contracts stand for?",
        "{price:,.1f} × 5 × {contracts} dollars of market, at {share_usd} dollars a share.",
    ],
    well_done="The same dollars move with the market; only the cash tied up differs.",
    unit="shares",
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
        "months": Given(60, [36, 48, 84]),
        "mean_usd": Given(90, [70, 105, 120]),
        "deviation_usd": Given(620, [590, 650, 700]),
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
    well_done="At {answer:.1f} standard errors, luck alone is still a good explanation.",
    tolerance=0.05,
)


def _contracts_to_sell(portfolio_usd, beta, price):
    exact = beta * portfolio_usd / (price * M2K.multiplier)
    return math.floor(exact + 0.5)


q3 = Compute(
    "Small-cap shares worth {portfolio_usd:,} dollars have a beta of {beta} to the index, and M2K "
    "trades at {price:,.1f}. Compute how many M2K to sell.",
    reference=_contracts_to_sell,
    given={
        "portfolio_usd": Given(90_000, [70_000, 110_000, 135_000]),
        "beta": Given(1.3, [0.85, 1.25, 1.4]),
        "price": Given(2400.0, [2350.0, 2450.0, 2500.0]),
    },
    mistakes=[
        Mistake(
            lambda portfolio_usd, beta, price: beta * portfolio_usd / (price * 5),
            "That is the exact number. Contracts come whole: take the nearest.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(portfolio_usd / (price * 5) + 0.5),
            "That leaves beta out, as if the shares moved exactly with the index.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(portfolio_usd / (beta * price * 5) + 0.5),
            "Beta belongs above the line: shares that move more need more contracts.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(beta * portfolio_usd / price + 0.5),
            "The multiplier is missing: one M2K stands for price × $5 of the index.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(beta * portfolio_usd / price / 50 + 0.5),
            "That is the number of RTY, at $50 a point. M2K is $5.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(beta * portfolio_usd / INITIAL),
            "That divides by the margin. A contract hedges what it stands for, not its deposit.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.floor(beta * portfolio_usd / (price * 5)),
            "That rounds down; the next whole number is nearer.",
        ),
        Mistake(
            lambda portfolio_usd, beta, price: math.ceil(beta * portfolio_usd / (price * 5)),
            "That rounds up; the whole number below is nearer.",
        ),
    ],
    hints=[
        "How many dollars of the index do the shares move like? And one contract?",
        "{beta} × {portfolio_usd:,} / ({price:,.1f} × 5), to the nearest whole number.",
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


def _cash_to_bring(account_usd, contracts, price, rise_pct):
    lost_usd = price * rise_pct / 100 * M2K.multiplier * contracts
    balance_usd = account_usd - lost_usd
    return contracts * INITIAL - balance_usd


q5 = Compute(
    "A hedger is short {contracts} M2K at {price:,.1f}, with {account_usd:,} dollars in the "
    "futures account. The index and the future rise by {rise_pct} %; the hedged shares gain. "
    "Compute the cash, in USD, that brings the futures account back to initial margin, "
    f"{INITIAL:,} dollars a contract.",
    reference=_cash_to_bring,
    given={
        "account_usd": Given(16_000, [15_000, 16_500]),
        "contracts": Given(10, [10, 11]),
        "price": Given(2400.0, [2350.0, 2450.0]),
        "rise_pct": Given(8, [9, 10]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, contracts, price, rise_pct: 0,
            "The shares gain, but a gain in shares is no cash until they are sold. The futures "
            "account has lost, and it is settled every evening.",
        ),
        Mistake(
            lambda account_usd, contracts, price, rise_pct: price * rise_pct / 100 * 5 * contracts,
            "That is what the short position lost. Some of it was in the account already; and "
            "initial margin must be there in the end.",
        ),
        Mistake(
            lambda account_usd, contracts, price, rise_pct: (
                contracts * MAINTENANCE - account_usd + price * rise_pct / 100 * 5 * contracts
            ),
            "That reaches maintenance margin only. A call asks for initial margin.",
        ),
        Mistake(
            lambda account_usd, contracts, price, rise_pct: (
                account_usd - price * rise_pct / 100 * 5 * contracts
            ),
            "That is what is left in the account. How much is missing to initial margin?",
        ),
        Mistake(
            lambda account_usd, contracts, price, rise_pct: (
                contracts * INITIAL - account_usd - price * rise_pct / 100 * 5 * contracts
            ),
            "A short position loses when the price rises: take the loss from the account first.",
        ),
        Mistake(
            lambda account_usd, contracts, price, rise_pct: (
                contracts * INITIAL - account_usd + price * rise_pct / 100 * contracts
            ),
            "The multiplier is missing: each point costs $5 on each contract.",
        ),
    ],
    hints=[
        "What did {contracts} short contracts lose, and what is left in the account?",
        "{contracts} × initial margin, less ({account_usd:,} − {price:,.1f} × {rise_pct} % × 5 × "
        "{contracts}).",
    ],
    well_done="The hedge works, and asks for cash while it does.",
    unit="USD",
)


def _fall_before_the_call(account_usd, contracts, price):
    room_usd = account_usd - contracts * MAINTENANCE
    room_points = room_usd / (M2K.multiplier * contracts)
    return 100 * room_points / price


q6 = Compute(
    "An account of {account_usd:,} dollars is long {contracts} M2K at {price:,.1f}. Maintenance "
    f"margin is {MAINTENANCE:,} dollars a contract. Compute the fall of the price, in percent, "
    "that uses up the room above it. Give a positive number, to one decimal or better.",
    reference=_fall_before_the_call,
    given={
        "account_usd": Given(2_600, [2_400, 3_000, 3_400]),
        "contracts": Given(2, [2]),
        "price": Given(2400.0, [2340.0, 2480.0]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, contracts, price: (
                100 * (account_usd - contracts * INITIAL) / (5 * contracts) / price
            ),
            "That takes initial margin, which is only needed to open. The call comes at "
            "maintenance margin.",
        ),
        Mistake(
            lambda account_usd, contracts, price: 100 * account_usd / (5 * contracts) / price,
            "That fall empties the account. The call comes earlier, at maintenance margin.",
        ),
        Mistake(
            lambda account_usd, contracts, price: (
                (account_usd - contracts * MAINTENANCE) / (5 * contracts)
            ),
            "Those are points. What share of the price are they, in percent?",
        ),
        Mistake(
            lambda account_usd, contracts, price: (
                100 * (account_usd - contracts * MAINTENANCE) / 5 / price
            ),
            "A point costs $5 on each of the {contracts} contracts.",
        ),
        Mistake(
            lambda account_usd, contracts, price: (
                100 * (account_usd - MAINTENANCE) / (5 * contracts) / price
            ),
            "Each of the {contracts} contracts needs its own margin.",
        ),
        Mistake(
            lambda account_usd, contracts, price: (
                100 * (account_usd - contracts * MAINTENANCE) / account_usd
            ),
            "That is the share of the account. How far must the *price* fall to cost that much?",
        ),
    ],
    hints=[
        "How many dollars may be lost before only maintenance margin is left?",
        "({account_usd:,} − {contracts} × maintenance) / (5 × {contracts}) points, as a "
        "percentage of {price:,.1f}.",
    ],
    well_done="A fall of {answer:.1f} % is no rare event within two months.",
    tolerance=0.05,
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
