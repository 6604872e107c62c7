"""Chapter 04: cash and margin, order types, size of a planned trade, room before a call."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons.contracts import M2K
from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mistake,
    Reflect,
    Write,
    register,
    steps,
)
from m2k_lessons.facts import fact

INITIAL = fact("margin.initial.M2K").value
MAINTENANCE = fact("margin.maintenance.M2K").value

g1 = Guess(
    "The account of 5,000 dollars keeps its one M2K from Monday 10:00 to Friday 16:59. How many "
    "dollars of equity are left at the lowest?",
    unit="USD",
    scale=400,
)
g2 = Guess("On how many of the sixty days does plan A make money?", unit="days", scale=15)


def _cash_in_the_evening(start_usd, number, bought, settled, fee_usd):
    variation_usd = (settled - bought) * M2K.multiplier * number
    return start_usd - fee_usd * number + variation_usd


q1 = Compute(
    "An account of {start_usd:,} dollars buys {number} M2K at {bought:,.1f} and keeps them. "
    "The fee is {fee_usd:.2f} dollars for each contract bought, and the settlement price that "
    "afternoon is {settled:,.1f}. Compute the cash in the account after settlement, in USD. "
    "Give it to the cent.",
    reference=_cash_in_the_evening,
    given={
        "start_usd": Given(6_000, [5_500, 7_000, 8_000]),
        "number": Given(3, [2, 4]),
        "bought": Given(2412.4, [2388.0, 2431.2]),
        "settled": Given(2403.8, [2379.5, 2440.8]),
        "fee_usd": Given(0.85, [0.70, 0.95]),
    },
    mistakes=[
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: (
                start_usd
                - fee_usd * number
                + (settled - bought) * M2K.multiplier * number
                - INITIAL * number
            ),
            "Margin is set aside, not paid: it stays in the cash. Leave it in.",
        ),
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: (
                start_usd + (settled - bought) * M2K.multiplier * number
            ),
            "The fee for the purchase is missing: ${fee_usd:.2f} for each contract.",
        ),
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: start_usd - fee_usd * number,
            "That is the cash just after the purchase. At settlement the day's profit or loss is "
            "paid as well.",
        ),
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: (
                start_usd - fee_usd * number + (settled - bought) * number
            ),
            "That counts points as dollars: a point of M2K is $5 a contract.",
        ),
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: (
                start_usd - fee_usd * number - (settled - bought) * M2K.multiplier * number
            ),
            "The sign of the variation is turned round: a buyer gains when the price rises and "
            "loses when it falls.",
        ),
        Mistake(
            lambda start_usd, number, bought, settled, fee_usd: (
                start_usd - fee_usd + (settled - bought) * M2K.multiplier * number
            ),
            "The fee is paid for each contract, and {number} were bought.",
        ),
    ],
    hints=[
        "Two things move the cash: the fee, and the variation paid at settlement.",
        "{start_usd:,} − {number} × {fee_usd:.2f} "
        "+ ({settled:,.1f} − {bought:,.1f}) × 5 × {number}.",
    ],
    well_done="Margin does not appear in it: it is only set aside.",
    unit="USD",
)


q2 = Choose(
    "M2K stands at 2,400.0. You want to buy only if it first climbs to 2,410.0, and then pay no "
    "more than 2,411.0, even if that means not buying at all. Choose the order.",
    options={
        "a": "a buy limit at 2,411.0",
        "b": "a buy stop at 2,410.0",
        "c": "a buy stop-limit: stop 2,410.0, limit 2,411.0",
        "d": "a market order, sent when the screen shows 2,410.0",
    },
    right="c",
    feedback={
        "a": "A buy limit at 2,411.0 is above the market, so it is filled at once near 2,400: it "
        "does not wait for the climb.",
        "b": "It waits for the climb, but then becomes a market order, which may pay more than "
        "2,411.0.",
        "c": "The stop makes it wait, the limit caps the price. What you give up is the certainty "
        "of being filled.",
        "d": "A market order takes whatever price is there when it arrives, and you must be "
        "watching.",
    },
)


def _beyond_the_stop(number, level, opens, ticks):
    fill = opens - ticks * M2K.tick_size
    return (level - fill) * M2K.multiplier * number


q3 = Compute(
    "A trader is long {number} M2K over the weekend with a sell stop at {level:,.1f}. On Sunday "
    "the market opens at {opens:,.1f}; spread and a fast market cost {ticks} ticks. Compute the "
    "dollars lost beyond those that the stop's level promised. Give a positive number. "
    "Give it to the cent.",
    reference=_beyond_the_stop,
    given={
        "number": Given(2, [3, 4, 5]),
        "level": Given(2380.0, steps(2362.0, 2392.0, 2.5)),
        "opens": Given(2369.4, steps(2348.2, 2358.2, 0.5)),
        "ticks": Given(3, [2, 4, 5]),
    },
    mistakes=[
        Mistake(
            lambda number, level, opens, ticks: (level - opens) * M2K.multiplier * number,
            "That is the gap alone. A stop becomes a market order and loses the {ticks} ticks as "
            "well.",
        ),
        Mistake(
            lambda number, level, opens, ticks: ticks * M2K.tick_value * number,
            "That supposes a fill near {level:,.1f}. The market never traded there: it opened at "
            "{opens:,.1f}.",
        ),
        Mistake(
            lambda number, level, opens, ticks: (
                (level - opens + ticks * M2K.tick_size) * M2K.multiplier
            ),
            "That is one contract; the trader holds {number}.",
        ),
        Mistake(
            lambda number, level, opens, ticks: (
                (level - opens - ticks * M2K.tick_size) * M2K.multiplier * number
            ),
            "Costs make a sale worse, so the fill lies below the open, not above it.",
        ),
        Mistake(
            lambda number, level, opens, ticks: level - opens + ticks * M2K.tick_size,
            "Those are the points of one contract. A point is $5, and there are {number}.",
        ),
        Mistake(
            lambda number, level, opens, ticks: (level - opens + ticks * M2K.tick_size) * number,
            "Those are points. A point of M2K is $5.",
        ),
    ],
    hints=[
        "First the fill: the open, less the ticks. Then compare it with the level.",
        "({level:,.1f} − {opens:,.1f} + {ticks} × 0.1) × 5 × {number}.",
    ],
    well_done="A stop says when you sell, not at which price.",
    unit="USD",
)


def _planned_size(budget_usd, stop_points, costs_usd):
    loss_usd = stop_points * M2K.multiplier + costs_usd
    return budget_usd // loss_usd


q4 = Compute(
    "A plan allows a loss of {budget_usd} dollars. The stop is {stop_points:g} points from the "
    "entry, and costs (fees and the tick lost at the stop) are {costs_usd:.2f} dollars a contract. "
    "Compute the largest number of contracts.",
    reference=_planned_size,
    given={
        "budget_usd": Given(200, steps(250, 2_000, 50)),
        "stop_points": Given(10.0, [6.0, 7.0, 8.0, 9.0, 12.0]),
        "costs_usd": Given(2.20, [2.40, 2.70]),
    },
    mistakes=[
        Mistake(
            lambda budget_usd, stop_points, costs_usd: budget_usd // (stop_points * M2K.multiplier),
            "That fits before costs only. With {costs_usd:.2f} dollars a contract on top, the "
            "loss at the stop is more than the budget.",
        ),
        Mistake(
            lambda budget_usd, stop_points, costs_usd: budget_usd // stop_points,
            "A point is $5 a contract: the multiplier is missing.",
        ),
        Mistake(
            lambda budget_usd, stop_points, costs_usd: (
                budget_usd // (stop_points * M2K.multiplier + costs_usd) + 1
            ),
            "One fewer: rounded up, the loss at the stop is more than the budget.",
        ),
        Mistake(
            lambda budget_usd, stop_points, costs_usd: (
                budget_usd / (stop_points * M2K.multiplier + costs_usd)
            ),
            "Contracts come whole: round down.",
        ),
    ],
    hints=[
        "What does one contract lose at the stop, costs included?",
        "One loses {stop_points:g} × 5 + {costs_usd:.2f} dollars. How often does that fit into "
        "{budget_usd}?",
    ],
    well_done="Size comes last in the plan: budget and stop decide it.",
    whole=True,
    unit="contracts",
)


q5 = Reflect(
    "Write a plan for your next trade on the demo account: entry, stop, target, size, when you are "
    "out if neither is reached, and what would make you not trade at all.",
    model_answer="For example: on Wednesday at 10:00, if the market is open and no report is due "
    "before 10:30, buy at the market. Stop 10 points below the fill, target 20 above. Budget $120, "
    "loss at the stop with costs $52.20 a contract, so 2 contracts. Out at 15:50 whatever happens. "
    "No trade if I have lost $240 this week. Whether the plan earns anything is unknown; it is an "
    "exercise in doing what was written.",
)


def _room_points(balance_usd, number, maintenance_usd):
    room_usd = balance_usd - maintenance_usd * number
    return room_usd / (M2K.multiplier * number)


q6 = Compute(
    "An account of {balance_usd:,} dollars has just bought {number} M2K. Maintenance margin is "
    "{maintenance_usd} dollars a contract. Compute by how many points the price can fall until "
    "settlement without a margin call. "
    "Give one decimal or better.",
    reference=_room_points,
    given={
        "balance_usd": Given(3_300, steps(3_100, 3_950, 50)),
        "number": Given(3, [2, 3]),
        "maintenance_usd": Given(MAINTENANCE, [MAINTENANCE]),
    },
    mistakes=[
        Mistake(
            lambda balance_usd, number, maintenance_usd: (
                (balance_usd - INITIAL * number) / (M2K.multiplier * number)
            ),
            "Initial margin is asked for when you open. What must be there in the evening is "
            "maintenance margin.",
        ),
        Mistake(
            lambda balance_usd, number, maintenance_usd: (
                (balance_usd - maintenance_usd * number) / M2K.multiplier
            ),
            "{number} contracts lose $5 each for every point.",
        ),
        Mistake(
            lambda balance_usd, number, maintenance_usd: balance_usd / (M2K.multiplier * number),
            "That empties the account. The call comes much earlier, at maintenance margin.",
        ),
        Mistake(
            lambda balance_usd, number, maintenance_usd: balance_usd - maintenance_usd * number,
            "Those are the dollars of room. Turn them into points: $5 for each contract.",
        ),
        Mistake(
            lambda balance_usd, number, maintenance_usd: (
                (balance_usd - maintenance_usd * number) / number
            ),
            "Those are the dollars of room for one contract. A point is $5: the multiplier is "
            "missing.",
        ),
    ],
    hints=[
        "How many dollars lie between the balance and maintenance margin?",
        "({balance_usd:,} − {number} × {maintenance_usd}) dollars, "
        "at 5 × {number} dollars a point.",
    ],
    well_done="Fewer contracts, more room: size is what you choose.",
    unit="points",
    tolerance=0.05,
)


def _break_even_pct(stop_points, target_points, fees_usd, tick_usd):
    win_usd = target_points * M2K.multiplier - fees_usd
    loss_usd = stop_points * M2K.multiplier + fees_usd + tick_usd
    return 100 * loss_usd / (win_usd + loss_usd)


q7 = Compute(
    "A plan risks {stop_points:g} points for a gain of {target_points:g}, on one contract. Fees "
    "are {fees_usd:.2f} dollars a round turn, and a stop loses {tick_usd:.2f} dollars more. "
    "Compute the percentage of trades that must win for the plan to come out even, to one decimal "
    "or better.",
    reference=_break_even_pct,
    given={
        "stop_points": Given(6.0, [5.0, 7.0, 8.0, 10.0]),
        "target_points": Given(9.0, steps(8.0, 16.0, 1.0)),
        "fees_usd": Given(1.70, [1.40, 1.90]),
        "tick_usd": Given(0.50, [1.00]),
    },
    mistakes=[
        Mistake(
            lambda stop_points, target_points, fees_usd, tick_usd: (
                100 * stop_points / (stop_points + target_points)
            ),
            "That is the answer without costs. Fees make wins smaller and losses larger.",
        ),
        Mistake(
            lambda stop_points, target_points, fees_usd, tick_usd: 50.0,
            "Half would be right if a win were as large as a loss.",
        ),
        Mistake(
            lambda stop_points, target_points, fees_usd, tick_usd: (
                100
                * (target_points * M2K.multiplier - fees_usd)
                / ((stop_points + target_points) * M2K.multiplier + tick_usd)
            ),
            "That is the share of losses that would come out even; the question is about wins.",
        ),
        Mistake(
            lambda stop_points, target_points, fees_usd, tick_usd: (
                _break_even_pct(stop_points, target_points, fees_usd, tick_usd) / 100
            ),
            "That looks like a fraction. The question asks for a percentage: times 100.",
        ),
        Mistake(
            lambda stop_points, target_points, fees_usd, tick_usd: (
                100
                * (stop_points * M2K.multiplier + fees_usd)
                / ((stop_points + target_points) * M2K.multiplier)
            ),
            "A stop loses more than its distance and the fees: read the second sentence again.",
        ),
    ],
    hints=[
        "Write down what a win brings and what a loss takes, after costs. At which share of wins "
        "do they cancel?",
        "Share × win = (1 − share) × loss, so share = loss / (win + loss).",
    ],
    well_done="A share of wins means nothing without the sizes of win and loss.",
    unit="%",
    tolerance=0.06,
)


def _fill_of_a_sell_stop(bars, level):
    """Price of the fill, one tick of slippage included; `np.nan` if it is never reached."""
    for opened, low in zip(bars["open"], bars["low"], strict=True):
        if low <= level:
            return min(opened, level) - 0.1
    return np.nan


def _minutes(*rows):
    times = pd.date_range("2030-01-07 10:00", periods=len(rows), freq="min")
    return pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=times, dtype=float)


q8 = Write(
    "Write the function `fill_of_a_sell_stop(bars, level)`. It takes bars with the columns `open`, "
    "`high`, `low` and `close`, oldest first, and the level of a sell stop that waits from the "
    "first bar on. It returns the price at which the stop is filled, a number: in the first bar "
    "whose low is at the level or below it, at the level, or at the open where the bar opens "
    "below the level already; and one tick lower, for slippage. If no bar reaches the level, it "
    "returns `np.nan`.",
    reference=_fill_of_a_sell_stop,
    cases=[
        Case(
            "a morning that falls through the stop",
            lambda: (
                _minutes(
                    (2402.0, 2404.0, 2400.5, 2401.0),
                    (2401.0, 2401.5, 2397.2, 2398.0),
                    (2396.0, 2399.0, 2395.0, 2398.5),
                ),
                2398.5,
            ),
        ),
        Case(
            "a gap over the stop",
            lambda: (
                _minutes((2402.0, 2403.0, 2400.0, 2401.0), (2391.0, 2394.0, 2390.0, 2393.0)),
                2398.0,
            ),
        ),
        Case("a low exactly at the stop", lambda: (_minutes((2402, 2403, 2398, 2401)), 2398.0)),
        Case("a stop that is never reached", lambda: (_minutes((2402, 2403, 2400, 2401)), 2390.0)),
    ],
    mistakes=[
        Mistake(
            lambda bars, level: level - 0.1 if (bars["low"] <= level).any() else np.nan,
            "That always fills at the level. When a bar opens below it, nobody has paid it: the "
            "fill is at the open.",
        ),
        Mistake(
            lambda bars, level: _fill_of_a_sell_stop(bars, level) + 0.1,
            "The slippage is missing: the stop becomes a market order, and loses a tick.",
        ),
        Mistake(
            lambda bars, level: _fill_of_a_sell_stop(bars, level) + 0.2,
            "Slippage makes a sale worse: the fill is a tick lower, not higher.",
        ),
        Mistake(
            lambda bars, level: bars["low"].min() - 0.1 if (bars["low"] <= level).any() else np.nan,
            "That is the lowest price there was. A stop is filled when its level is reached first.",
        ),
        Mistake(
            lambda bars, level: (
                bars.loc[bars["close"] < level, "close"].iloc[0] - 0.1
                if (bars["close"] < level).any()
                else np.nan
            ),
            "That waits for a close below the level. A stop is triggered by any trade, and a "
            "bar's low is one.",
        ),
        Mistake(
            lambda bars, level: _fill_of_a_sell_stop(bars[bars["low"] < level], level),
            "At the level is enough: a low exactly at it triggers the stop.",
        ),
    ],
    hints=[
        "Which is the first bar that reaches the level? And could anybody sell at the level in it?",
        "Go through the bars; where `low <= level`, return `min(open, level) - 0.1`. After the "
        "loop return `np.nan`.",
    ],
    well_done="A stop says when, not at which price.",
)

quiz = Choose(
    "A friend says: “Trading is simple: if my guess about the direction is right, I make money.” "
    "Choose the best reply.",
    options={
        "a": "True, because a future moves dollar for dollar with the index.",
        "b": "Only if the move outgrows the costs, and you were still in the trade when it came; "
        "and a few right guesses may be luck.",
        "c": "True as long as you use no stop; a stop is what turns right guesses into losses.",
    },
    right="b",
    feedback={
        "a": "It moves so, but your trade has an entry, an exit and costs of its own. In this "
        "chapter's sixty trades, the price ended higher on thirty days, and eight of those "
        "trades lost.",
        "b": "Direction is one part. Path, size and costs are the others, and sixty trades cannot "
        "tell skill from luck.",
        "c": "Without a stop the margin call takes its place. Loop 4 showed an account that was "
        "cut before the price came back.",
    },
)


QUESTIONS = register("04_first_steps", globals())
