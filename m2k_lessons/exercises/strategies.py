"""Chapter 05: rules in lines, look-ahead, Sharpe ratio and its error, scalping, luck."""

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
from m2k_lessons.exercises.data_sets import course_closes, series

g1 = Guess(
    "The rule without its shift, on a market with nothing to earn: how many dollars a day does it "
    "seem to make?",
    unit="USD",
    scale=12,
)
g2 = Guess(
    "Of these 200 traders without any edge, how many end the ten years with a profit after costs?",
    unit="traders",
    scale=40,
)


def _profit_of_the_day(close_before, close_now, side_usd):
    held_overnight = -1  # decided at the close before
    gain_usd = held_overnight * (close_now - close_before) * M2K.multiplier
    sides = abs(1 - held_overnight)  # from short one to long one
    return gain_usd - sides * side_usd


q1 = Compute(
    "Yesterday a rule decided at the close, {close_before:,.1f}, to be short one M2K. Today the "
    "close is {close_now:,.1f}, and at this close the rule turns to long one. A side costs "
    "{side_usd:.2f} dollars. Compute today's profit or loss, in USD, with the cost of the turn. "
    "Give it to the cent.",
    reference=_profit_of_the_day,
    given={
        "close_before": Given(2400.0, steps(2380.0, 2440.0, 5.0)),
        "close_now": Given(2408.5, steps(2371.5, 2447.5, 4.0)),
        "side_usd": Given(1.10, steps(1.15, 1.40, 0.05)),
    },
    mistakes=[
        Mistake(
            lambda close_before, close_now, side_usd: (close_now - close_before) * 5 - 2 * side_usd,
            "That pays today's change to the position chosen at today's close. It was held only "
            "afterwards: the shift is missing.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: (close_now - close_before) * 5,
            "That pays today's change to the position chosen at today's close, and leaves out what "
            "the turn costs.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: -(close_now - close_before) * 5 - side_usd,
            "From short one to long one is two sides: one buys the short back, one goes long.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: -(close_now - close_before) * 5,
            "That is the day before costs. The turn takes two sides.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: -(close_now - close_before) - 2 * side_usd,
            "The multiplier is missing: a point is worth $5 on one M2K.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: (
                -(close_now - close_before) * 5 + 2 * side_usd
            ),
            "Costs are always paid, never received.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: -(close_now - close_before),
            "Those are points. A point is worth $5 on one M2K, and the turn costs two sides.",
        ),
        Mistake(
            lambda close_before, close_now, side_usd: close_now - close_before,
            "Those are points, of the position chosen at today's close. The shift, the multiplier "
            "and the costs are missing.",
        ),
    ],
    hints=[
        "Which position was held from one close to the next? And how many sides is a turn?",
        "−1 × ({close_now:,.1f} − {close_before:,.1f}) × 5, less 2 × {side_usd:.2f}.",
    ],
    well_done="Yesterday's position, today's change, today's costs.",
    unit="USD",
)

q2 = Choose(
    "A program decides with `position = np.sign(close - close.mean())` and counts with "
    "`gain_usd = position.shift() * close.diff() * 5`. Choose what is wrong, if anything.",
    options={
        "a": "Nothing: the position is shifted, so it can't know the future.",
        "b": "The average of all closes is known only on the last day.",
        "c": "`close.diff()` should be shifted as well.",
    },
    right="b",
    feedback={
        "a": "The shift moves the decision by one day. But what the decision rests on holds years "
        "that come later.",
        "b": "A shift can't mend that. Each number in the decision must be known at that close.",
        "c": "Then yesterday's position would earn yesterday's change: the look-ahead is back.",
    },
)


def _day_after(closes, close_next):
    average = sum(closes) / len(closes)
    position = -1 if closes[-1] > average else 1
    return position * (close_next - closes[-1]) * M2K.multiplier


q3 = Compute(
    "The last five closes are {closes}, the last one the latest. A mean-reversion rule compares "
    "the latest close with the average of these five and holds one M2K until the next close, "
    "which is {close_next:,.1f}. Compute the profit or loss of that day, in USD before costs. "
    "Give it to the cent.",
    reference=_day_after,
    given={
        "closes": Given(
            [2400.0, 2406.0, 2402.0, 2410.0, 2417.0],
            [[start + move for move in (0, 6, 2, 10, 17)] for start in steps(2380.0, 2425.0, 5.0)],
        ),
        "close_next": Given(2412.5, steps(2399.5, 2414.5, 1.0)),
    },
    mistakes=[
        Mistake(
            lambda closes, close_next: (close_next - closes[-1]) * 5,
            "That is long. The latest close lies above its average, and this rule bets on the "
            "way back: which side is that?",
        ),
        Mistake(
            lambda closes, close_next: -(close_next - closes[-1]),
            "The multiplier is missing: a point is worth $5 on one M2K.",
        ),
        Mistake(
            lambda closes, close_next: -(close_next - sum(closes) / len(closes)) * 5,
            "The trade begins at the latest close, not at the average.",
        ),
        Mistake(
            lambda closes, close_next: (close_next - sum(closes) / len(closes)) * 5,
            "The trade begins at the latest close, and it goes the other way.",
        ),
        Mistake(
            lambda closes, close_next: -(closes[-1] - closes[-2]) * 5,
            "That change was already known when the rule decided. The trade earns the next one.",
        ),
    ],
    hints=[
        "First the average of the five. Is the latest close above or below it?",
        "Above: short. −1 × ({close_next:,.1f} − the latest close) × 5.",
    ],
    well_done="The average chooses the side; the close before is where the trade begins.",
    unit="USD",
)


def _sharpe_ratio(mean_usd, deviation_usd, years):
    return mean_usd / deviation_usd * 252**0.5


q4 = Compute(
    "Over {years} years of 252 days a rule made {mean_usd:.2f} dollars a day on average, with a "
    "standard deviation of {deviation_usd} dollars a day. Compute its Sharpe ratio for a year, "
    "to two decimals.",
    reference=_sharpe_ratio,
    given={
        "mean_usd": Given(6.30, steps(5.10, 8.20, 0.10)),
        "deviation_usd": Given(160, steps(150, 190, 5)),
        "years": Given(9, [7, 8, 10]),
    },
    mistakes=[
        Mistake(
            lambda mean_usd, deviation_usd, years: mean_usd / deviation_usd,
            "That is the ratio of a day. A year has 252 days: the mean grows with their number, "
            "the deviation with its square root.",
        ),
        Mistake(
            lambda mean_usd, deviation_usd, years: mean_usd / deviation_usd * 252,
            "The deviation of a year grows too, with the square root of 252.",
        ),
        Mistake(
            lambda mean_usd, deviation_usd, years: mean_usd / deviation_usd * (252 * years) ** 0.5,
            "That is how many standard errors the mean lies above zero after {years} years. The "
            "Sharpe ratio is for one year.",
        ),
        Mistake(
            lambda mean_usd, deviation_usd, years: deviation_usd / mean_usd / 252**0.5,
            "Upside down: the mean goes above the deviation.",
        ),
    ],
    hints=[
        "Mean over standard deviation, then from a day to a year.",
        "{mean_usd} / {deviation_usd} × √252",
    ],
    well_done="{answer:.2f}, give or take 1/√{years}: how far from zero is that?",
    tolerance=0.006,
)

q5 = Reflect(
    "You get ten years of prices, and nobody tells you which of the three markets made them. How "
    "would you choose between trend following and mean reversion? And what would you tell "
    "somebody who puts money on your choice? Write two or three sentences.",
    model_answer="I could run both and take the one that earned, but I would have to say by how "
    "many standard errors it did, and that I picked the better of two. On a random walk one of "
    "the two comes out ahead as well. And even a right choice is a choice about the past: nobody "
    "promises that the market stays what it was.",
)


def _ticks_to_win(fee_usd, spread_ticks):
    fees_ticks = 2 * fee_usd / M2K.tick_value
    return fees_ticks + spread_ticks


q6 = Compute(
    "A scalper pays {fee_usd:.2f} dollars in fees for each side of one M2K, buys at the best "
    "offer and sells at the best bid. The spread is {spread_ticks} ticks. Compute how many ticks "
    "the price must move in the scalper's favour, from middle to middle, before the round turn "
    "breaks even. "
    "Give one decimal or better.",
    reference=_ticks_to_win,
    given={
        "fee_usd": Given(0.65, steps(0.55, 1.05, 0.02)),
        "spread_ticks": Given(2, [1, 3, 4]),
    },
    mistakes=[
        Mistake(
            lambda fee_usd, spread_ticks: 2 * fee_usd + spread_ticks,  # fee / 0.5 is the same
            "Either one fee is missing, or dollars were added to ticks. Two fees, each divided by "
            "$0.50, and then the spread.",
        ),
        Mistake(
            lambda fee_usd, spread_ticks: 2 * fee_usd / 0.5,
            "Those are the fees. Between buying at the offer and selling at the bid lies the "
            "spread.",
        ),
        Mistake(
            lambda fee_usd, spread_ticks: 2 * fee_usd / 0.5 + 2 * spread_ticks,
            "Each side pays half the spread, so a round turn pays it once.",
        ),
        Mistake(
            lambda fee_usd, spread_ticks: fee_usd / 0.5 + spread_ticks / 2,
            "That is the ticks of one side, or the dollars of the round turn: the two are the same "
            "number. How many ticks of $0.50 is the whole of it?",
        ),
        Mistake(
            lambda fee_usd, spread_ticks: 2 * fee_usd / 5 + spread_ticks / 10,
            "That is right in points. How many ticks of 0.1 points is it?",
        ),
    ],
    hints=[
        "Two fees, in ticks of $0.50, and the spread once.",
        "2 × {fee_usd:.2f} / 0.50 + {spread_ticks}",
    ],
    well_done="Before the first cent is earned, the price must move {answer:.1f} ticks.",
    unit="ticks",
    tolerance=0.05,
)


def _years_needed(true_sharpe):
    return (2 / true_sharpe) ** 2


q7 = Compute(
    "A rule's true Sharpe ratio is {true_sharpe}. The error of a Sharpe ratio measured over some "
    "years is about 1/√years. Compute after how many years the true ratio equals two such errors. "
    "Give the nearest year or better.",
    reference=_years_needed,
    given={"true_sharpe": Given(0.4, steps(0.15, 0.60, 0.01))},
    mistakes=[
        Mistake(
            lambda true_sharpe: 2 / true_sharpe,
            "That is the square root of the years. Square it.",
        ),
        Mistake(
            lambda true_sharpe: (1 / true_sharpe) ** 2,
            "That is one error. The question asks for two.",
        ),
        Mistake(
            lambda true_sharpe: 2 / true_sharpe**2,
            "Two errors: the two must be squared as well.",
        ),
        Mistake(
            lambda true_sharpe: (true_sharpe / 2) ** 2,
            "Upside down: a smaller ratio needs more years, not fewer.",
        ),
    ],
    hints=[
        "Solve: ratio = 2 / √years.",
        "(2 / {true_sharpe}) ** 2",
    ],
    well_done="{answer:.0f} years, and even then half of all histories fall short of two errors.",
    unit="years",
    tolerance=0.5,  # the text, too, speaks of whole years
)


def _threshold(close, buy_above, sell_below):
    """1 from a close above `buy_above` until a close below `sell_below`, else 0."""
    positions, held = [], 0.0
    for price in close:
        if price > buy_above:
            held = 1.0
        elif price < sell_below:
            held = 0.0
        positions.append(held)
    return pd.Series(positions, index=close.index)


q8 = Write(
    "Write the function `threshold(close, buy_above, sell_below)`. It takes a Series of closes and "
    "two prices, the first of them the higher, and returns a Series with the same index: 1 from "
    "a close above `buy_above` on, until a close below `sell_below`; 0 from then on, until the "
    "next close above `buy_above`; and 0 at the start. Between the two prices nothing changes.",
    reference=_threshold,
    cases=[
        Case("a year of the course's closes", lambda: (course_closes(), 2550.0, 2450.0)),
        Case(
            "closes that touch both prices exactly",
            lambda: (series(2400, 2500, 2501, 2500, 2450, 2449, 2450, 2500), 2500.0, 2450.0),
        ),
        Case(
            "a start between the two prices", lambda: (series(2470, 2480, 2520, 2470), 2500, 2450)
        ),
        Case("a single close", lambda: (series(2600), 2500.0, 2450.0)),
    ],
    mistakes=[
        Mistake(
            lambda close, buy_above, sell_below: (close > buy_above).astype(float),
            "That is out as soon as the close is no longer above `buy_above`. The position stays "
            "until a close below `sell_below`: it has to be remembered.",
        ),
        Mistake(
            lambda close, buy_above, sell_below: (
                (close > buy_above) * 1.0 - (close < sell_below) * 1.0
            ),
            "That remembers nothing, and goes short below. The position stays until the next "
            "signal, and the lower price only ends it.",
        ),
        Mistake(
            lambda close, buy_above, sell_below: (close > sell_below).astype(float),
            "That buys above the lower price. It is only for getting out.",
        ),
        Mistake(
            lambda close, buy_above, sell_below: _state(
                close >= buy_above, close <= sell_below, close
            ),
            "Above and below, not equal: a close exactly at one of the prices changes nothing.",
        ),
        Mistake(
            lambda close, buy_above, sell_below: (close > buy_above).cummax().astype(float),
            "That never gets out again.",
        ),
        Mistake(
            lambda close, buy_above, sell_below: (
                _threshold(close, buy_above, sell_below).shift().fillna(0.0)
            ),
            "That is the position a day later. The question wants what is decided at each close.",
        ),
    ],
    hints=[
        "Go through the closes one by one and keep in a variable what is held.",
        "`held = 0.0`, then for each price: above `buy_above` it becomes 1.0, below `sell_below` "
        "0.0, else it stays; append it to a list, and make a Series with `close.index` of it.",
    ],
    well_done="A rule with a memory: what it holds depends on how it came there.",
)


def _state(enter, leave, close):
    decided = pd.Series(np.where(enter, 1.0, np.where(leave, 0.0, np.nan)), index=close.index)
    return decided.ffill().fillna(0.0)


def _after_costs(close, position, side_usd):
    """Profit or loss of each day, in USD, after costs."""
    held = position.shift().fillna(0.0)
    gain_usd = held * close.diff().fillna(0.0) * 5
    traded = position.diff().fillna(position).abs()
    return gain_usd - traded * side_usd


q9 = Write(
    "Write the function `after_costs(close, position, side_usd)`. `position` holds the M2K that a "
    "rule decides on at each close, to be held until the next. Return a Series with the same "
    "index: each day's profit or loss, in USD, of what was held into it, less `side_usd` dollars "
    "for every contract that is bought or sold at that day's close. Before the first day nothing "
    "is held.",
    reference=_after_costs,
    cases=[
        Case(
            "a year of the course's closes",
            lambda: (course_closes(), np.sign(course_closes().diff()).fillna(0.0), 1.10),
        ),
        Case(
            "a turn from long to short",
            lambda: (series(2400, 2410, 2405, 2408), series(2, 2, -1, 0), 1.25),
        ),
        Case("a position from the first day on", lambda: (series(2400, 2390), series(1, 1), 1.10)),
        Case("nothing held", lambda: (series(2400, 2390), series(0, 0), 1.10)),
    ],
    mistakes=[
        Mistake(
            lambda close, position, side_usd: (
                position * close.diff().fillna(0.0) * 5
                - position.diff().fillna(position).abs() * side_usd
            ),
            "The shift is missing: a day's change is earned by what was decided at the close "
            "before.",
        ),
        Mistake(
            lambda close, position, side_usd: (
                position.shift().fillna(0.0) * close.diff().fillna(0.0) * 5
                - position.abs() * side_usd
            ),
            "That pays every day for what is held. Only what is bought or sold costs.",
        ),
        Mistake(
            lambda close, position, side_usd: (
                position.shift().fillna(0.0) * close.diff().fillna(0.0) * 5
                - position.diff().fillna(0.0).abs() * side_usd
            ),
            "The first purchase is free there: `diff` has nothing on the first day. What is held "
            "at the first close was bought at it.",
        ),
        Mistake(
            lambda close, position, side_usd: (
                position.shift().fillna(0.0) * close.diff().fillna(0.0) * 5
                - (position.diff().fillna(position) != 0) * side_usd
            ),
            "That pays once for each change. From long 1 to short 1 two contracts are traded.",
        ),
        Mistake(
            lambda close, position, side_usd: (
                position.shift().fillna(0.0) * close.diff().fillna(0.0) * 5
                - position.diff().fillna(position) * side_usd
            ),
            "A sale costs as well: take the size of the change, without its sign.",
        ),
        Mistake(
            lambda close, position, side_usd: (
                position.shift().fillna(0.0) * close.diff().fillna(0.0)
                - position.diff().fillna(position).abs() * side_usd
            ),
            "The multiplier is missing: a point is worth $5 on one M2K.",
        ),
    ],
    hints=[
        "Two parts: what yesterday's position earns today, and what today's change of position "
        "costs.",
        "`position.shift()` is yesterday's; `position.diff().fillna(position).abs()` is what is "
        "traded, the first day included.",
    ],
    well_done="Every rule of this course is counted so.",
)

quiz = Choose(
    "Over ten years trend following earned a Sharpe ratio of 0.9, and mean reversion lost on the "
    "same prices. A friend says: “So trend following is the better strategy.” Choose the best "
    "reply.",
    options={
        "a": "Yes: the same prices and ten years make it a fair comparison.",
        "b": "No: it was the better bet on these ten years, and nobody knows whether the next "
        "market has trends.",
        "c": "No: in the next ten years it will be mean reversion's turn.",
    },
    right="b",
    feedback={
        "a": "Fair, but about one stretch of one market. On a market that reverts the same "
        "comparison comes out the other way round.",
        "b": "And with an error of about 0.3 on the ratio, some of the 0.9 may be luck.",
        "c": "Markets keep no turns. The past of one rule says nothing about a date on which the "
        "other begins to earn.",
    },
)

QUESTIONS = register("05_strategies", globals())
