"""Chapter 03: ten to one, whole contracts, cost of a dollar held, fungibility."""

from __future__ import annotations

import pandas as pd

from m2k_lessons.contracts import M2K, RTY
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
from m2k_lessons.facts import fact

# A round turn: the fee twice and one tick of spread, as the chapter counts it.
MICRO_USD = round(2 * fact("course.commission.M2K").value + M2K.tick_value, 2)
STANDARD_USD = round(2 * fact("course.commission.RTY").value + RTY.tick_value, 2)
COSTS = {
    "micro_usd": Given(MICRO_USD, [MICRO_USD]),
    "standard_usd": Given(STANDARD_USD, [STANDARD_USD]),
}


g1 = Guess(
    "Three M2K in an account of 25,000 dollars, 250 round turns in a year: how many percent of "
    "the account do these costs take?",
    unit="%",
    scale=5,
)

g2 = Guess(
    "Of a hundred accounts spread evenly from 5,000 to 150,000 dollars, how many can't hold a "
    "single standard contract under this rule?",
    unit="of a hundred accounts",
    scale=25,
)


def _pnl_of_both(longs, shorts, price_now, price_later):
    move = price_later - price_now
    return move * (RTY.multiplier * longs - M2K.multiplier * shorts)


q1 = Compute(
    "A trader is long {longs} RTY and short {shorts} M2K of the same month. The price of both "
    "goes from {price_now:,.1f} to {price_later:,.1f}. Compute the profit or loss of the two "
    "together, in USD, before costs. "
    "Give it to the cent.",
    reference=_pnl_of_both,
    given={
        "longs": Given(2, [3, 4, 5]),
        "shorts": Given(14, [12, 13, 16, 17, 18]),
        "price_now": Given(2408.3, steps(2405.9, 2413.9, 1.0)),
        "price_later": Given(2391.8, steps(2386.3, 2396.3, 1.0)),
    },
    mistakes=[
        Mistake(
            lambda longs, shorts, price_now, price_later: (
                (price_later - price_now) * (50 * longs + 5 * shorts)
            ),
            "That adds the two. The micros are sold short, so they earn when the standards lose.",
        ),
        Mistake(
            lambda longs, shorts, price_now, price_later: (price_later - price_now) * 50 * longs,
            "That is the RTY alone. The {shorts} M2K pay part of it back.",
        ),
        Mistake(
            lambda longs, shorts, price_now, price_later: (price_later - price_now) * -5 * shorts,
            "That is the M2K alone. The {longs} RTY move, too.",
        ),
        Mistake(
            lambda longs, shorts, price_now, price_later: (
                (price_later - price_now) * 50 * (longs - shorts)
            ),
            "One M2K is not one RTY: it takes ten of them.",
        ),
        Mistake(
            lambda longs, shorts, price_now, price_later: (
                (price_later - price_now) * 5 * (longs - shorts)
            ),
            "One RTY counts as ten M2K, not as one: $50 a point against $5.",
        ),
        Mistake(
            lambda longs, shorts, price_now, price_later: (
                (price_later - price_now) * (10 * longs - shorts)
            ),
            "Those are points. What is left over is in micros, at $5 a point each.",
        ),
    ],
    hints=[
        "Count everything in micros: how many is one RTY worth?",
        "The price moved {price_later:,.1f} − {price_now:,.1f} points; the position is worth "
        "50 × {longs} − 5 × {shorts} dollars a point.",
    ],
    well_done="Long {longs} RTY and short {shorts} M2K is the same as the difference in M2K.",
    unit="USD",
)


def _micros_allowed(equity_usd, allowed_pct, stop_distance):
    allowed_cents = round(equity_usd * allowed_pct)
    loss_cents = round(100 * stop_distance * M2K.multiplier)
    return allowed_cents // loss_cents


q2 = Compute(
    "Compute how many M2K an account of {equity_usd:,} dollars may hold, if at most "
    "{allowed_pct:g} % of it may be lost on one trade and the stop is {stop_distance:g} points "
    "away.",
    reference=_micros_allowed,
    given={
        "equity_usd": Given(22_600, steps(18_300, 90_300, 1_800)),
        "allowed_pct": Given(1.5, [1.25, 1.5, 1.75, 2.0]),
        "stop_distance": Given(11.0, steps(8.5, 13.5, 0.5)),
    },
    mistakes=[
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: (
                equity_usd * allowed_pct / 100 / (5 * stop_distance)
            ),
            "Contracts come whole, and rounding up would break the {allowed_pct:g} %.",
        ),
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: (
                equity_usd * allowed_pct // (500 * stop_distance) + 1
            ),
            "That many lose more than {allowed_pct:g} % at the stop. Round down, never up.",
        ),
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: (
                equity_usd * allowed_pct // (5_000 * stop_distance)
            ),
            "That is how many RTY fit. An M2K loses a tenth as much: $5 a point.",
        ),
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: (
                equity_usd * allowed_pct // (100 * stop_distance)
            ),
            "It looks as if a point were worth $1. On an M2K it is worth $5.",
        ),
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: (
                equity_usd * allowed_pct // (5 * stop_distance)
            ),
            "A percent is a hundredth: divide by 100 once more.",
        ),
        Mistake(
            lambda equity_usd, allowed_pct, stop_distance: equity_usd * allowed_pct / 100,
            "Those are the dollars that may be lost. How often does the loss of one M2K fit in?",
        ),
    ],
    hints=[
        "What may be lost, and what does one M2K lose at the stop? Both in dollars.",
        "{equity_usd:,} × {allowed_pct:g} / 100, divided by {stop_distance:g} × 5, rounded down.",
    ],
    well_done="One more would break the {allowed_pct:g} %.",
    whole=True,
    unit="contracts",
)


def _cost_bp(fee_usd, price, number):
    round_turn_usd = number * (2 * fee_usd + M2K.tick_value)
    notional_usd = number * M2K.notional(price)
    return round_turn_usd / notional_usd * 10_000


q3 = Compute(
    "A broker charges {fee_usd:.2f} dollars for each M2K and side, everything included. The spread "
    "is one tick. Compute what a round turn of {number} M2K at {price:,.1f} costs, in basis "
    "points of their notional value, to two decimals.",
    reference=_cost_bp,
    given={
        "fee_usd": Given(0.66, steps(0.55, 0.95, 0.01)),
        "price": Given(2480.0, steps(2350.0, 2520.0, 10.0)),
        "number": Given(4, [3, 6, 7, 8]),
    },
    mistakes=[
        Mistake(
            lambda fee_usd, price, number: (fee_usd + 0.5) / (5 * price) * 10_000,
            "The fee is paid on both sides, to get in and to get out.",
        ),
        Mistake(
            lambda fee_usd, price, number: 2 * fee_usd / (5 * price) * 10_000,
            "Those are the fees. The spread costs one tick more, $0.50 on each contract.",
        ),
        Mistake(
            lambda fee_usd, price, number: (2 * fee_usd + 2 * 0.5) / (5 * price) * 10_000,
            "That charges the spread on both sides. One round turn crosses it once: you buy at the "
            "upper price and sell at the lower, one tick apart.",
        ),
        Mistake(
            lambda fee_usd, price, number: number * (2 * fee_usd + 0.5),
            "Those are dollars. Divide by the notional value, and count in hundredths of a "
            "percent.",
        ),
        Mistake(
            lambda fee_usd, price, number: (2 * fee_usd + 0.5) * number / (5 * price) * 1e4,
            "The cost is that of {number} contracts, the notional value that of one. Take the "
            "same number above and below the line.",
        ),
        Mistake(
            lambda fee_usd, price, number: (2 * fee_usd + 0.5) / price * 10_000,
            "The multiplier is missing: one M2K holds price × $5 of the market.",
        ),
        Mistake(
            lambda fee_usd, price, number: (2 * fee_usd + 5) / (5 * price) * 10_000,
            "$5 is the tick of RTY. A tick of M2K is worth $0.50.",
        ),
        Mistake(
            lambda fee_usd, price, number: (2 * fee_usd + 0.5) / (5 * price) * 100,
            "That is in percent. A basis point is a hundredth of a percent.",
        ),
    ],
    hints=[
        "The cost of one contract: two fees and a tick. Its notional value: price × $5.",
        "(2 × {fee_usd:.2f} + 0.50) / ({price:,.1f} × 5) × 10,000. The {number} cancels.",
    ],
    well_done="The number of contracts does not matter: each brings its cost and its market.",
)


def _cheapest_usd(wanted, micro_usd, standard_usd):
    standards, rest = divmod(wanted, 10)
    return standards * standard_usd + rest * micro_usd


q4 = Compute(
    "A trader wants the market of exactly {wanted} M2K, held in one go and closed in one go. A "
    "round turn costs {micro_usd:.2f} dollars for an M2K and {standard_usd:.2f} for an RTY. All "
    "contracts are bought, none sold short. Compute the cost of a round turn, in USD, when it is "
    "put together as cheaply as possible. "
    "Give it to the cent.",
    reference=_cheapest_usd,
    given={"wanted": Given(27, [number for number in range(21, 80) if number % 10]), **COSTS},
    mistakes=[
        Mistake(
            lambda wanted, micro_usd, standard_usd: wanted * micro_usd,
            "That is micros only. For every full ten of them a standard contract is cheaper.",
        ),
        Mistake(
            lambda wanted, micro_usd, standard_usd: (wanted // 10 + 1) * standard_usd,
            "Cheaper, but too much market: one standard more than fits holds more than {wanted} "
            "micros' worth.",
        ),
        Mistake(
            lambda wanted, micro_usd, standard_usd: wanted // 10 * standard_usd,
            "The standards alone fall short of {wanted} micros' worth.",
        ),
        Mistake(
            lambda wanted, micro_usd, standard_usd: wanted / 10 * standard_usd,
            "Standard contracts come whole, too. The rest has to be micros.",
        ),
    ],
    hints=[
        "How many full tens are in {wanted}, and how many micros are left over?",
        "divmod({wanted}, 10) gives both. Then standards × {standard_usd:.2f} + rest × "
        "{micro_usd:.2f}.",
    ],
    well_done="Standards for the full tens, micros for the rest.",
    unit="USD",
)


def _after_costs(trades, round_turn_usd):
    """Profit or loss of each trade, in USD, after costs."""
    points = trades["sold_or_bought_back"] - trades["opened"]
    return points * 5 * trades["number"] - trades["number"].abs() * round_turn_usd


def _trades(*rows):
    return pd.DataFrame(rows, columns=["number", "opened", "sold_or_bought_back"])


q5 = Write(
    "Write the function `after_costs(trades, round_turn_usd)`. It takes a table of M2K trades with "
    "the columns `number` (contracts, below zero for short), `opened` (the price) and "
    "`sold_or_bought_back` (the price), and the dollars that a round turn of one M2K costs. It "
    "returns a Series with the same index: the profit or loss of each trade, in USD, after costs.",
    reference=_after_costs,
    cases=[
        Case(
            "a list of four trades",
            lambda: (
                _trades(
                    (2, 2400, 2412.5), (-3, 2410, 2401.2), (10, 2395, 2391.4), (-1, 2390, 2399)
                ),
                2.20,
            ),
        ),
        Case(
            "trades at the same price", lambda: (_trades((4, 2400, 2400), (-4, 2400, 2400)), 2.20)
        ),
        Case("without costs", lambda: (_trades((1, 2400, 2401)), 0.0)),
        Case("an empty list", lambda: (_trades().astype(float), 2.20)),
    ],
    mistakes=[
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * 5 * trades["number"]
                - trades["number"] * round_turn_usd
            ),
            "A short trade pays costs, too: take the size of `number`, without its sign.",
        ),
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * 5 * trades["number"]
                - round_turn_usd
            ),
            "That is one round turn a trade. Each contract pays one.",
        ),
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * 5 * trades["number"]
            ),
            "That is before costs.",
        ),
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * 5 * trades["number"].abs()
                - trades["number"].abs() * round_turn_usd
            ),
            "A short trade gains when the price falls: leave `number` its sign in the gain.",
        ),
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * trades["number"]
                - trades["number"].abs() * round_turn_usd
            ),
            "The multiplier is missing: a point is $5 on each M2K.",
        ),
        Mistake(
            lambda trades, round_turn_usd: (
                (trades["sold_or_bought_back"] - trades["opened"]) * 50 * trades["number"]
                - trades["number"].abs() * round_turn_usd
            ),
            "$50 a point is RTY. These are M2K, at $5.",
        ),
    ],
    hints=[
        "Work with whole columns: the points of each trade, times $5, times `number`. What does "
        "the sign of `number` do to a gain, and what to a cost?",
        '`trades["number"].abs()` round turns are paid in each trade.',
    ],
    well_done="Ten micros pay ten round turns.",
)

quiz = Choose(
    "A friend says: “I trade ten M2K instead of one RTY, because micros are safer.” Choose the "
    "best reply.",
    options={
        "a": "True: each of them can lose only a tenth of what an RTY can lose.",
        "b": "True: ten contracts spread the risk, since they will not all fall at once.",
        "c": "False: ten M2K gain and lose the same dollars as one RTY. Fewer would be safer.",
    },
    right="c",
    feedback={
        "a": "Each of them, yes. But there are ten, and ten times a tenth is the whole.",
        "b": "All ten hang on the same index and move by the same points at the same moment. That "
        "is one risk held ten times, not ten risks.",
        "c": "What the micro offers is the choice of a smaller size. It makes nobody use it.",
    },
)

QUESTIONS = register("03_micro_vs_standard", globals())
