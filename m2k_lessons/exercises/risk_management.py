"""Chapter 09: stops that gap, streaks and recovery, size, what a stop earns, volatility."""

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
from m2k_lessons.exercises.data_sets import course_bars
from m2k_lessons.facts import fact

INITIAL = fact("margin.initial.M2K").value


def _multiple_of_the_plan(number, entry, stop_points, next_open):
    planned_usd = stop_points * 5 * number
    fill = min(entry - stop_points, next_open)
    return (fill - entry) * 5 * number / planned_usd


q1 = Compute(
    "You are long {number} M2K from {entry:,.1f}, with a stop {stop_points} points below. Over the "
    "weekend nobody trades, and the first price after it is {next_open:,.1f}. Compute the result "
    "of the trade as a multiple of the planned loss (in R, with its sign), before costs. "
    "Give two decimals or better.",
    reference=_multiple_of_the_plan,
    given={
        "number": Given(3, [2, 4]),
        "entry": Given(2412.0, steps(2404.0, 2420.0, 1.0)),
        "stop_points": Given(15, [12, 14, 16, 18, 20]),
        "next_open": Given(2379.0, steps(2368.0, 2382.0, 1.0)),
    },
    mistakes=[
        Mistake(
            lambda number, entry, stop_points, next_open: -1.0,
            "That is the plan. The market opened below the stop, and nobody bought at its price.",
        ),
        Mistake(
            lambda number, entry, stop_points, next_open: (entry - next_open) / stop_points,
            "The size is right. A loss is negative: planned losses are −1 R.",
        ),
        Mistake(
            lambda number, entry, stop_points, next_open: (next_open - entry) * 5 * number,
            "Those are dollars. How many planned losses of {stop_points} points is that?",
        ),
        Mistake(
            lambda number, entry, stop_points, next_open: next_open - entry,
            "Those are points. Divide by the points that were planned to be lost.",
        ),
        Mistake(
            lambda number, entry, stop_points, next_open: (
                (next_open - (entry - stop_points)) / stop_points
            ),
            "That is only what came on top of the plan. The {stop_points} points down to the stop "
            "are lost as well.",
        ),
        Mistake(
            lambda number, entry, stop_points, next_open: (
                (next_open - entry) * 5 * number / (stop_points * 5)
            ),
            "The plan has {number} contracts too. Their number falls out of the ratio.",
        ),
    ],
    hints=[
        "At which price is the stop filled, when the first price is already below it?",
        "({next_open:,.1f} − {entry:,.1f}) / {stop_points}",
    ],
    well_done="{answer:.2f} R: more than the plan, and the stop did all that a stop can do.",
    tolerance=0.005,
)


def _gain_to_recover(losses, at_risk_pct):
    left = (1 - at_risk_pct / 100) ** losses
    return 100 * (1 / left - 1)


q2 = Compute(
    "An account risks {at_risk_pct} % of what it holds on each trade, and loses {losses} times in "
    "a row. Compute the gain, in percent of what is left, that brings it back to where it was. "
    "Give one decimal or better.",
    reference=_gain_to_recover,
    given={
        "losses": Given(8, steps(5, 12, 1)),
        "at_risk_pct": Given(4, [2, 3, 5, 6, 7]),
    },
    mistakes=[
        Mistake(
            lambda losses, at_risk_pct: 100 * (1 - (1 - at_risk_pct / 100) ** losses),
            "That is what was lost. The way back starts from less money, and is longer.",
        ),
        Mistake(
            lambda losses, at_risk_pct: losses * at_risk_pct,
            "Each loss takes {at_risk_pct} % of what is left, not of the start; and the way back "
            "is counted from the lower account.",
        ),
        Mistake(
            lambda losses, at_risk_pct: 100 * (1 / (1 - losses * at_risk_pct / 100) - 1),
            "Right idea for the way back. But each loss takes {at_risk_pct} % of what is *left*, "
            "so losses multiply.",
        ),
        Mistake(
            lambda losses, at_risk_pct: 100 * (1 - at_risk_pct / 100) ** losses,
            "That is what is left. How much must it grow to be 100 % again?",
        ),
        Mistake(
            lambda losses, at_risk_pct: 100 * ((1 + at_risk_pct / 100) ** losses - 1),
            "{losses} gains of {at_risk_pct} % don't undo {losses} losses of {at_risk_pct} %. "
            "Divide the start by what is left.",
        ),
        Mistake(
            lambda losses, at_risk_pct: 1 / (1 - at_risk_pct / 100) ** losses - 1,
            "Right as a fraction. The question asks for percent.",
        ),
    ],
    hints=[
        "First what is left: each loss leaves {at_risk_pct} % less of what was there.",
        "100 × (1 / (1 − {at_risk_pct} / 100) ** {losses} − 1)",
    ],
    well_done="{answer:.1f} % up, to undo {losses} losses of {at_risk_pct} %.",
    unit="%",
    tolerance=0.05,
)


def _share_for_a_streak(streak, bearable_pct):
    left = 1 - bearable_pct / 100
    return 100 * (1 - left ** (1 / streak))


q3 = Compute(
    "You could bear a loss of {bearable_pct} % of your account, and want to live through "
    "{streak} losses in a row with it. Compute the largest share of the account you may risk on "
    "each trade, in percent, to two decimals or better.",
    reference=_share_for_a_streak,
    given={
        "streak": Given(10, steps(6, 16, 1)),
        "bearable_pct": Given(25, steps(20, 45, 5)),
    },
    mistakes=[
        Mistake(
            lambda streak, bearable_pct: bearable_pct / streak,
            "That adds the losses up. Each one is a share of what is left, so you may risk a "
            "little more.",
        ),
        Mistake(
            lambda streak, bearable_pct: 100 * (1 - bearable_pct / 100) ** (1 / streak),
            "That is what each loss leaves. How much does it take?",
        ),
        Mistake(
            lambda streak, bearable_pct: 100 * (1 - (bearable_pct / 100) ** (1 / streak)),
            "That leaves {bearable_pct} % in the account. You want to *lose* no more than that.",
        ),
        Mistake(
            lambda streak, bearable_pct: 100 * ((1 + bearable_pct / 100) ** (1 / streak) - 1),
            "That grows by {bearable_pct} %. Losses shrink the account: start from 1 minus the "
            "share.",
        ),
        Mistake(
            lambda streak, bearable_pct: 1 - (1 - bearable_pct / 100) ** (1 / streak),
            "Right as a fraction. The question asks for percent.",
        ),
    ],
    hints=[
        "(1 − share) multiplied by itself {streak} times must leave {bearable_pct} % less.",
        "100 × (1 − (1 − {bearable_pct} / 100) ** (1 / {streak}))",
    ],
    well_done="{answer:.2f} % a trade: the streak takes {bearable_pct} % and not more.",
    unit="%",
    tolerance=0.005,
)


def _whole_contracts(account_usd, at_risk_pct, stop_points, cost_cents):
    budget_cents = account_usd * at_risk_pct
    loss_cents = stop_points * 500 + cost_cents
    return budget_cents // loss_cents


q4 = Compute(
    "An account holds {account_usd:,} dollars, and {at_risk_pct} % of it may be lost on one trade. "
    "The stop is {stop_points} points away, and getting in and out costs {cost_cents} cents for "
    "each M2K. Compute how many M2K the rule allows.",
    reference=_whole_contracts,
    given={
        "account_usd": Given(24_000, steps(18_000, 120_000, 1_000)),
        "at_risk_pct": Given(2, [1, 2]),
        "stop_points": Given(16, [10, 12, 14, 16, 18]),
        "cost_cents": Given(220, [220]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: (
                account_usd * at_risk_pct // (stop_points * 500)
            ),
            "That leaves the cost out, and with it the budget is broken by a few dollars.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: (
                account_usd * at_risk_pct / (stop_points * 500 + cost_cents)
            ),
            "Contracts come whole: round down, never up.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: (
                account_usd * at_risk_pct // (stop_points * 100 + cost_cents)
            ),
            "The multiplier is missing: a point costs $5 on each contract.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: (
                account_usd * at_risk_pct // (stop_points * 5_000 + cost_cents)
            ),
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: account_usd // INITIAL,
            "That is what the initial margin would let you open. Margin is not the risk.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, stop_points, cost_cents: account_usd // (2400 * 5),
            "That is how often a contract's notional value fits into the account. The rule asks "
            "what may be *lost*.",
        ),
    ],
    hints=[
        "How many cents may be lost, and how many does one contract lose at its stop, cost "
        "included?",
        "{account_usd} × {at_risk_pct} cents // ({stop_points} × 500 + {cost_cents}) cents",
    ],
    well_done="{answer} M2K. Without the cost it would have been more, and over the budget.",
    whole=True,
    unit="M2K",
)

q5 = Choose(
    "A market rises a little on average, and its next move never depends on its last one. Somebody "
    "who is always long adds a stop, and stays out until the month's end once it is hit. Choose "
    "what happens to the average month, before costs.",
    options={
        "a": "It rises, because large losses are cut and gains run on.",
        "b": "It stays the same, because a stop adds nothing and takes nothing.",
        "c": "It falls, because out of the market the rise is missed.",
    },
    right="c",
    feedback={
        "a": "Large losses are cut, and so are the recoveries that would have followed some of "
        "them. Without a rise the two balance exactly; with one the stop loses.",
        "b": "That holds for a market without a rise. Here each day outside misses the average "
        "day's gain.",
        "c": "The average is the gain of a day times the days in the market. The stop buys a "
        "smaller worst month with it.",
    },
)


def _contracts_for_the_day(account_usd, at_risk_pct, atr_points, multiple):
    stop_cents = round(atr_points * multiple * 500)
    return account_usd * at_risk_pct // stop_cents


q6 = Compute(
    "An account of {account_usd:,} dollars may lose {at_risk_pct} % on one trade. The average true "
    "range stands at {atr_points} points, and the stop is placed {multiple} of them away. Compute "
    "how many M2K the rule allows today, costs left out.",
    reference=_contracts_for_the_day,
    given={
        "account_usd": Given(80_000, steps(60_000, 500_000, 4_000)),
        "at_risk_pct": Given(1, [1]),
        "atr_points": Given(24.6, steps(12.2, 30.2, 0.4)),
        "multiple": Given(1.5, [1.5, 2.0]),
    },
    mistakes=[
        Mistake(
            lambda account_usd, at_risk_pct, atr_points, multiple: (
                account_usd * at_risk_pct // round(atr_points * 500)
            ),
            "That puts the stop one average true range away. The question says {multiple}.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, atr_points, multiple: (
                account_usd * at_risk_pct / (atr_points * multiple * 500)
            ),
            "Contracts come whole: round down.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, atr_points, multiple: (
                account_usd * at_risk_pct // round(atr_points * multiple * 100)
            ),
            "The multiplier is missing: a point costs $5 on each contract.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, atr_points, multiple: (
                account_usd * at_risk_pct // round(atr_points / multiple * 500)
            ),
            "A stop {multiple} ranges away is further than one range: multiply, don't divide.",
        ),
        Mistake(
            lambda account_usd, at_risk_pct, atr_points, multiple: (
                account_usd * at_risk_pct // round(atr_points * multiple * 500) + 1
            ),
            "One too many: its loss at the stop is over the budget.",
        ),
    ],
    hints=[
        "How many points away is the stop, and how many cents does one contract lose there?",
        "{account_usd} × {at_risk_pct} cents // ({atr_points} × {multiple} × 500) cents",
    ],
    well_done="{answer} M2K today. On a wilder day the same rule says fewer.",
    whole=True,
    unit="M2K",
)


def _largest_size(budget_usd, stop_points, cost_usd):
    """Most M2K whose loss at the stop, costs included, stays within the budget."""
    loss_usd = stop_points * 5 + cost_usd
    return int(budget_usd // loss_usd)


q7 = Write(
    "Write the function `largest_size(budget_usd, stop_points, cost_usd)`. It takes the dollars "
    "that may be lost on a trade, the distance of the stop in points, and the cost in and out of "
    "one M2K in dollars, and returns the largest whole number of M2K whose loss at the stop, costs "
    "included, is not more than the budget.",
    reference=_largest_size,
    cases=[
        Case("a budget of 480 dollars", lambda: (480.0, 16.0, 2.20)),
        Case("a budget that is used up exactly", lambda: (250.0, 9.5, 2.50)),
        Case("a budget just short of one more", lambda: (249.99, 9.5, 2.50)),
        Case("a budget too small for one contract", lambda: (60.0, 15.0, 2.20)),
        Case("a large account", lambda: (12_500.0, 7.3, 1.70)),
    ],
    mistakes=[
        Mistake(
            lambda budget_usd, stop_points, cost_usd: int(budget_usd // (stop_points * 5)),
            "That leaves the cost out, and with it the budget is broken.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: round(
                budget_usd / (stop_points * 5 + cost_usd)
            ),
            "That rounds to the nearest. Rounded up, the loss is more than the budget.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: budget_usd / (stop_points * 5 + cost_usd),
            "Contracts come whole: round down.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: int(budget_usd // (stop_points + cost_usd)),
            "The multiplier is missing: a point is $5 on each M2K.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: int(
                budget_usd // (stop_points * 50 + cost_usd)
            ),
            "$50 a point is RTY, the standard contract. M2K is $5.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: max(
                1, int(budget_usd // (stop_points * 5 + cost_usd))
            ),
            "If not even one fits, the answer is 0: the trade is too large for the budget.",
        ),
        Mistake(
            lambda budget_usd, stop_points, cost_usd: int(
                (budget_usd - cost_usd) // (stop_points * 5)
            ),
            "That takes the cost off once. Each contract pays it.",
        ),
    ],
    hints=[
        "What does one contract lose at its stop, in dollars and with its cost?",
        "`budget_usd // loss_usd` is how often it fits in; `int(...)` makes a whole number of it.",
    ],
    well_done="Round down, never up.",
)


def _atr_stop(bars, window, multiple):
    """Price of a stop below each close: `multiple` average true ranges away."""
    before = bars["close"].shift()
    true_range = pd.concat([bars["high"], before], axis=1).max(axis=1) - pd.concat(
        [bars["low"], before], axis=1
    ).min(axis=1)
    return bars["close"] - multiple * true_range.rolling(window).mean()


def _own_range_only(bars, window):
    return (bars["high"] - bars["low"]).rolling(window).mean()


q8 = Write(
    "Write the function `atr_stop(bars, window, multiple)`. It takes daily bars with the columns "
    "`high`, `low` and `close`, and returns a Series with the same index: where the stop of a long "
    "position stands after each close, `multiple` average true ranges below it. The average is "
    "the plain mean of the last `window` true ranges, the day's own included; a day's true range "
    "goes from its high or the close before, whichever is higher, to its low or the close before, "
    "whichever is lower. On the first day there is no close before, and the range is high less "
    "low. With fewer than `window` ranges the stop is missing.",
    reference=_atr_stop,
    cases=[
        Case("a year of the course's bars", lambda: (course_bars(), 14, 2.0)),
        Case("two weeks with gaps", lambda: (_gaps(), 3, 1.5)),
        Case("fewer days than the window", lambda: (_gaps().iloc[:2], 3, 1.5)),
        Case("a window of one day", lambda: (_gaps(), 1, 1.0)),
    ],
    mistakes=[
        Mistake(
            lambda bars, window, multiple: bars["close"] - multiple * _own_range_only(bars, window),
            "That is the average of high less low. A gap from the close before belongs to the "
            "*true* range.",
        ),
        Mistake(
            lambda bars, window, multiple: 2 * bars["close"] - _atr_stop(bars, window, multiple),
            "That stands above the close. The stop of a long position is below.",
        ),
        Mistake(
            lambda bars, window, multiple: (
                bars["close"] - multiple * bars["close"].diff().abs().rolling(window).mean()
            ),
            "That is the average change from close to close. How far the price went in between "
            "counts as well.",
        ),
        Mistake(
            lambda bars, window, multiple: (
                bars["close"] - (bars["close"] - _atr_stop(bars, window, 1.0))
            ),
            "That is one average true range away; `multiple` is missing.",
        ),
        Mistake(
            lambda bars, window, multiple: bars["close"] - _atr_stop(bars, window, multiple),
            "That is the distance. The question wants the price of the stop.",
        ),
        Mistake(
            lambda bars, window, multiple: (
                bars["close"] - multiple * (bars["close"] - _atr_stop(bars, window, 1.0)).shift()
            ),
            "The day's own range is left out. It is known at its close, and belongs to it.",
        ),
    ],
    hints=[
        '`bars["close"].shift()` is the close before. How do you take the higher one of two '
        "columns, day by day?",
        "`pd.concat([a, b], axis=1).max(axis=1)` takes the higher one and passes over what is "
        "missing. Then `.rolling(window).mean()`.",
    ],
    well_done="A quiet week brings the stop nearer, a wild one moves it away.",
)


def _gaps():
    days = pd.date_range("2030-01-07", periods=8, freq="B")
    close = np.array([2400.0, 2412.0, 2391.0, 2393.5, 2420.0, 2418.0, 2402.0, 2409.0])
    middle = close + np.array([1.0, -2.0, 4.0, 0.5, -1.0, 6.0, 3.0, -2.0])
    return pd.DataFrame({"high": middle + 7.0, "low": middle - 8.0, "close": close}, index=days)


g1 = Guess(
    "You are long one M2K at 2,400, with the stop 20 points below. In how many of a hundred "
    "nights does the market open below your stop?",
    unit="of a hundred",
    scale=8,
)

g2 = Guess(
    "You are long from the close, with a stop 30 points below. After the wildest fifth of the "
    "evenings, in how many of a hundred cases does the next day come down to it?",
    unit="of a hundred",
    scale=30,
)

quiz = Choose(
    "A friend says: “I put my stops very close. So I lose little when I'm wrong, and can hold more "
    "contracts for the same risk.” Choose the best reply.",
    options={
        "a": "Right: what counts is the loss at the stop, and it is the same.",
        "b": "Wrong: a close stop is never filled at its price.",
        "c": "Wrong: it is hit far more often, pays costs each time, and a jump over it hits more "
        "contracts.",
    },
    right="c",
    feedback={
        "a": "At the stop it is. A gap doesn't end there: with ten times the contracts, the same "
        "jump costs ten times as much.",
        "b": "Mostly it is filled near its price. The trouble is the rare jump, times a large "
        "number of contracts, and the many small hits.",
        "c": "The budget holds at the stop only. Beyond it counts the market you hold: price × "
        "multiplier × contracts.",
    },
)

QUESTIONS = register("09_risk_management", globals())
