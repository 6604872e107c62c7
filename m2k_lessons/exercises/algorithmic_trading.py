"""Chapter 13: order of events, look-ahead, turnover, the best of many, walking forward."""

from __future__ import annotations

import numpy as np

from m2k_lessons.contracts import M2K
from m2k_lessons.exercises.base import (
    Case,
    Choose,
    Compute,
    Given,
    Guess,
    Mend,
    Mistake,
    Reflect,
    Write,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import course_closes, series


def _first_trade(close_in, open_in, close_out, open_out, fee_usd):
    bought = open_in + M2K.tick_size  # one tick of slippage against us
    sold = open_out - M2K.tick_size
    return (sold - bought) * M2K.multiplier - 2 * fee_usd


g1 = Guess(
    "At how many ticks of slippage a side is the fastest rule's profit gone?",
    unit="ticks",
    scale=12.0,
)

g2 = Guess(
    "No variant has an edge on any of the hundred walks. What is the mean Sharpe ratio of the "
    "hundred winners in sample? (And out of sample? Only the first is entered.)",
    scale=0.5,
)

q1 = Compute(
    "At a close of {close_in:,.1f} a rule wants to be long one M2K; the next open is "
    "{open_in:,.1f}. Days later, at a close of {close_out:,.1f}, it wants to be out; the next open "
    "is {open_out:,.1f}. Each order loses one tick of slippage, each side costs {fee_usd:.2f} "
    "dollars. Compute the profit or loss after costs, in USD. "
    "Give it to the cent.",
    reference=_first_trade,
    given={
        "close_in": Given(2406.0, steps(2403.0, 2417.0, 1.0)),
        "open_in": Given(2409.4, steps(2402.2, 2412.2, 1.0)),
        "close_out": Given(2451.0, steps(2446.5, 2456.5, 1.0)),
        "open_out": Given(2443.8, steps(2438.1, 2447.1, 1.0)),
        "fee_usd": Given(0.85, [0.75, 0.80, 0.95]),
    },
    mistakes=[
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (close_out - close_in - 0.2) * 5 - 2 * fee_usd
            ),
            "Those are the closes, at which the rule decides. Its orders are filled at the next "
            "opens.",
        ),
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (close_out - close_in) * 5 - 2 * fee_usd
            ),
            "Those are the closes, and the slippage is missing. Orders are filled at the next "
            "opens, one tick worse.",
        ),
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (open_out - open_in) * 5 - 2 * fee_usd
            ),
            "The slippage is missing: one tick of 0.1 points is lost on each side.",
        ),
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (open_out - open_in + 0.2) * 5 - 2 * fee_usd
            ),
            "Slippage is always against you: you buy a tick higher and sell a tick lower.",
        ),
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (open_out - open_in - 0.2) * 5 - fee_usd
            ),
            "Getting in and getting out are two sides, and each pays the fee.",
        ),
        Mistake(
            lambda close_in, open_in, close_out, open_out, fee_usd: (
                (open_out - open_in - 0.2) - 2 * fee_usd
            ),
            "The multiplier is missing: a point is worth $5 on one M2K.",
        ),
    ],
    hints=[
        "Which two prices are fills? And by how much is each of them worse than the open?",
        "(({open_out:,.1f} − 0.1) − ({open_in:,.1f} + 0.1)) × 5, less 2 × {fee_usd:.2f}.",
    ],
    well_done="Decided at closes, filled at opens, a tick and a fee for each side.",
    unit="USD",
)

q2 = Choose(
    "A long M2K was bought at the open, 2,400.0, with a stop at 2,390.0 and a profit target at "
    "2,415.0. The bar's high is 2,420.0 and its low 2,388.0. Choose what an honest backtest books.",
    options={
        "a": "A gain of 15 points: the high reached the profit target.",
        "b": "A loss of 10 points and the slippage: the stop is assumed to have come first.",
        "c": "Nothing: the bar doesn't tell which came first, so it is left out.",
    },
    right="b",
    feedback={
        "a": "It may have been so. But the low reached the stop as well, and whoever always books "
        "the better one has built an edge out of nothing.",
        "b": "The bar can't tell, so the worse case counts. With shorter bars it happens less.",
        "c": "A real account would have been in one of the two trades. Leaving out the doubtful "
        "bars is a choice as well, and it flatters.",
    },
)

q3 = Choose(
    "Choose the line whose value is known at the close of its own bar.",
    options={
        "a": "`close.rolling(21, center=True).mean()`",
        "b": "`(close - close.mean()) / close.std()`",
        "c": "`close - close.rolling(21).max()`",
    },
    right="c",
    feedback={
        "a": "A centred window of 21 bars reaches 10 bars into the future.",
        "b": "Mean and deviation of all closes are known after the last bar only.",
        "c": "The last 21 closes, its own included, and nothing later.",
    },
)


def _left_a_year(gain_usd, round_turns, fee_usd, slippage):
    side_usd = fee_usd + slippage * M2K.tick_value
    return gain_usd - 2 * round_turns * side_usd


q4 = Compute(
    "Before costs a rule gains {gain_usd} dollars a year with one M2K, in {round_turns} round "
    "turns. Each side costs {fee_usd:.2f} dollars in fees and loses {slippage} ticks of slippage. "
    "Compute what is left in a year, in USD. "
    "Give it to the cent.",
    reference=_left_a_year,
    given={
        "gain_usd": Given(1200, steps(1_050, 1_400, 50)),
        "round_turns": Given(180, steps(150, 220, 10)),
        "fee_usd": Given(0.85, [0.75, 0.80, 0.95]),
        "slippage": Given(2, [1, 3]),
    },
    mistakes=[
        Mistake(
            lambda gain_usd, round_turns, fee_usd, slippage: (
                gain_usd - round_turns * (fee_usd + slippage * 0.5)
            ),
            "A round turn has two sides, and each of them pays.",
        ),
        Mistake(
            lambda gain_usd, round_turns, fee_usd, slippage: gain_usd - 2 * round_turns * fee_usd,
            "Those are the fees only. The slippage costs as well.",
        ),
        Mistake(
            lambda gain_usd, round_turns, fee_usd, slippage: (
                gain_usd - round_turns * (2 * fee_usd + slippage * 0.5)
            ),
            "The slippage is lost on each side, not once in a round turn.",
        ),
        Mistake(
            lambda gain_usd, round_turns, fee_usd, slippage: (
                gain_usd - 2 * round_turns * (fee_usd + slippage * 0.1)
            ),
            "That is the slippage in points. A tick of 0.1 points is worth $0.50 on one M2K.",
        ),
        Mistake(
            lambda gain_usd, round_turns, fee_usd, slippage: (
                gain_usd - 2 * round_turns * (fee_usd + slippage)
            ),
            "A tick is not a dollar: it is worth $0.50 on one M2K.",
        ),
    ],
    hints=[
        "What does one side cost, in dollars? How many sides are there in a year?",
        "{gain_usd} − 2 × {round_turns} × ({fee_usd:.2f} + {slippage} × 0.50).",
    ],
    well_done="A gain before costs is only the first half of the calculation.",
    unit="USD",
)


def _errors_above_zero(ratio_in, years_in, ratio_out, years_out):
    error = 1 / years_out**0.5
    return ratio_out / error


q5 = Compute(
    "The best of 500 variants had a Sharpe ratio of {ratio_in} over the {years_in} years in which "
    "it was chosen. In the {years_out} years after, it had {ratio_out}. Compute how many standard "
    "errors the honest one of these two ratios lies above zero, to two decimals. (The error of a "
    "Sharpe ratio is about 1/√years.)",
    reference=_errors_above_zero,
    given={
        "ratio_in": Given(1.5, [1.4, 1.6, 1.7]),
        "years_in": Given(8, [6, 7, 9]),
        "ratio_out": Given(0.6, steps(0.42, 0.78, 0.03)),
        "years_out": Given(3, [4, 5, 6]),
    },
    mistakes=[
        Mistake(
            lambda ratio_in, years_in, ratio_out, years_out: ratio_in * years_in**0.5,
            "That is the ratio of the years in which it was chosen. Being the best of 500, it is "
            "lucky by selection, and the error doesn't know that.",
        ),
        Mistake(
            lambda ratio_in, years_in, ratio_out, years_out: ratio_out * years_in**0.5,
            "The right ratio with the wrong years: its error comes from the years in which it was "
            "measured.",
        ),
        Mistake(
            lambda ratio_in, years_in, ratio_out, years_out: ratio_out / years_out**0.5,
            "Divide by the error. The error is 1/√years, so you multiply by the root.",
        ),
        Mistake(
            lambda ratio_in, years_in, ratio_out, years_out: ratio_out * years_out,
            "The error falls with the square root of the years, not with the years.",
        ),
        Mistake(
            lambda ratio_in, years_in, ratio_out, years_out: (
                ratio_out * (years_in + years_out) ** 0.5
            ),
            "The years of choosing don't make the later ratio surer: only its own years count.",
        ),
    ],
    hints=[
        "Which ratio was measured on years that played no part in the choice?",
        "{ratio_out} divided by 1/√{years_out}.",
    ],
    well_done="{answer:.2f} errors. Two or more would have been a reason to go on looking.",
    unit="standard errors",
    tolerance=0.006,
)


def _backtests(whole_years, years_back, variants):
    traded_years = whole_years - years_back
    return traded_years * variants


q6 = Compute(
    "You have {whole_years} whole years of prices. A walk-forward test chooses, before each year "
    "that it trades, the best of {variants} variants on the {years_back} years before. It trades "
    "every year that has enough past. Compute how many backtests are run for choosing.",
    reference=_backtests,
    given={
        "whole_years": Given(12, steps(10, 18, 1)),
        "years_back": Given(4, [3, 5, 6]),
        "variants": Given(250, steps(150, 400, 50)),
    },
    mistakes=[
        Mistake(
            lambda whole_years, years_back, variants: whole_years * variants,
            "The first {years_back} years can't be traded: there is not enough past to choose on.",
        ),
        Mistake(
            lambda whole_years, years_back, variants: (whole_years - years_back + 1) * variants,
            "One too many: after the last year there is no year left to trade.",
        ),
        Mistake(
            lambda whole_years, years_back, variants: whole_years - years_back,
            "That is how many years are traded. Before each of them all variants are tried.",
        ),
        Mistake(
            lambda whole_years, years_back, variants: variants,
            "That is one choice. A new one is made before each year.",
        ),
        Mistake(
            lambda whole_years, years_back, variants: whole_years // years_back * variants,
            "The windows overlap: each year the past moves on by one year, not by {years_back}.",
        ),
    ],
    hints=[
        "Which is the first year that can be traded, and which the last?",
        "({whole_years} − {years_back}) × {variants}",
    ],
    well_done="{answer:,.0f} trials. No year took part in the choice of what was traded in it; in "
    "the choices of later years it did.",
    unit="backtests",
)

q7 = Reflect(
    "A website shows a backtest: 21 % a year, five years, no losing year, “risk one tenth of the "
    "stock market”. You may ask its owner five things before you believe anything. Write them "
    "down.",
    model_answer="How many variants were tried before this one was shown? Which years were used "
    "for choosing, and what did the rule earn in years that were not? At which price is an order "
    "filled after its signal, and what fees and slippage are in the numbers? How many trades are "
    "there, and what is the standard error? Has the rule been traded with money since it was "
    "published, and may I see the broker's statements? Until then it is a result with hindsight "
    "that nobody took a risk for.",
)


def _with_targets(close):
    # Long after a rise, short after a fall: any target known at the close will do here.
    return close, np.sign(close.diff()).fillna(0.0)


def _gain_usd(close, target):
    """Profit or loss of each day, in USD, before costs."""
    held = target.shift().fillna(0.0)
    return held * close.diff().fillna(0.0) * 5


def _gain_usd_broken(close, target):
    """Profit or loss of each day, in USD, before costs."""
    return target * close.diff().fillna(0.0) * 5


q8 = Mend(
    "Mend the function `gain_usd(close, target)`. `target` is the position in M2K that a rule "
    "decides on at each close, to be held until the next one. The function should return each "
    "day's profit or loss, in USD before costs, 0 for the first day; but it knows something too "
    "early.",
    reference=_gain_usd,
    broken=_gain_usd_broken,
    cases=[
        Case("a year of the course's closes", lambda: _with_targets(course_closes())),
        Case(
            "a position held throughout",
            lambda: (series(2400.0, 2410.0, 2405.0), series(1.0, 1.0, 1.0)),
        ),
        Case("two days", lambda: (series(2400.0, 2390.0), series(-2.0, 1.0))),
        Case("a single day", lambda: (series(2400.0), series(1.0))),
    ],
    mistakes=[
        Mistake(
            lambda close, target: target.shift(-1).fillna(0.0) * close.diff().fillna(0.0) * 5,
            "`shift(-1)` brings tomorrow's decision to today, which is worse still. "
            "`shift()` brings yesterday's.",
        ),
        Mistake(
            lambda close, target: target.shift().fillna(0.0) * close.diff().shift().fillna(0.0) * 5,
            "Both are shifted now, so they meet on the same day again: yesterday's decision "
            "earns yesterday's change, which was known before it.",
        ),
        Mistake(
            lambda close, target: target.shift() * close.diff() * 5,
            "Nearly: before the first decision nothing is held. The first day's gain is 0, not a "
            "missing value.",
        ),
        Mistake(
            lambda close, target: target.shift().fillna(0.0) * close.diff().fillna(0.0),
            "Those are points. A point is worth $5 on one M2K.",
        ),
        Mistake(
            lambda close, target: target.shift(2).fillna(0.0) * close.diff().fillna(0.0) * 5,
            "That waits two days. What is decided at a close is held from that close on.",
        ),
    ],
    hints=[
        "The change of today, from yesterday's close to today's, was earned by which decision?",
        "`target.shift()` is yesterday's decision. What does it have on the first day?",
    ],
    well_done="Yesterday's decision earns today's change.",
)


def _breakout(close):
    """1 when the close is above the highest of the 20 closes before it, else 0."""
    highest = close.rolling(20).max().shift()
    return (close > highest).astype(float)


q9 = Write(
    "Write the function `breakout(close)`. It takes a Series of closes and returns a Series with "
    "the same index: 1 where the close is above the highest of the 20 closes before it, and 0 "
    "everywhere else, the first 20 days included. It may use nothing that is not known at that "
    "close.",
    reference=_breakout,
    cases=[
        Case("a year of the course's closes", lambda: (course_closes(),)),
        Case("closes that rise every day", lambda: (series(*range(2400, 2430)),)),
        Case("closes that stay the same", lambda: (series(*[2400.0] * 25),)),
        Case("three days", lambda: (series(2400.0, 2401.0, 2402.0),)),
    ],
    bars=lambda: course_closes().iloc[:120],
    mistakes=[
        Mistake(
            lambda close: (close > close.rolling(20).max()).astype(float),
            "The window holds the close itself, so the close is never above its highest. Leave "
            "it out: shift the window by one day.",
        ),
        Mistake(
            lambda close: (close >= close.rolling(20).max()).astype(float),
            "The window holds the close itself, and 19 before it. The question wants the 20 "
            "closes *before*, and above, not equal.",
        ),
        Mistake(
            lambda close: (close >= close.max()).astype(float),
            "The highest of all closes is known only after the last one.",
        ),
        Mistake(
            lambda close: (close > close.expanding().max().shift()).astype(float),
            "That is the highest of all closes so far. The question wants the last 20 before it.",
        ),
        Mistake(
            lambda close: (close > close.rolling(20, min_periods=1).max().shift()).astype(float),
            "In the first 20 days there are not 20 closes before; the answer there is 0.",
        ),
        Mistake(
            lambda close: (close > close.rolling(20).max().shift()) * 2.0 - 1.0,
            "That is −1 where there is no new high. The question wants 0.",
        ),
    ],
    hints=[
        "`close.rolling(20).max()` is the highest of 20 closes, the day's own included. How do "
        "you move the window one day back?",
        "`close.rolling(20).max().shift()` is known before the close. Compare, and make numbers "
        "of the truth values with `.astype(float)`.",
    ],
    well_done="And the engine's look-ahead check found nothing.",
)

quiz = Choose(
    "“A program feels neither fear nor greed, and it reacts in milliseconds. So a rule earns more "
    "when a program trades it.” Choose the best reply.",
    options={
        "a": "Yes: without emotion, and faster than people, it takes profits that they miss.",
        "b": "It does the rule as written, day and night. If the rule has no edge, it does that, "
        "too.",
        "c": "No: people are better, because they can leave out the trades that look bad.",
    },
    right="b",
    feedback={
        "a": "Keeping a rule keeps its edge, if it has one; it makes none. And in a race of "
        "milliseconds a home computer competes with machines next to the exchange.",
        "b": "A program adds discipline, reach and speed to what is there, and pays costs for it.",
        "c": "Then the rule is another one, which nobody has written down or tested.",
    },
)

QUESTIONS = register("13_algorithmic_trading", globals())
