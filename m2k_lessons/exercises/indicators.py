"""Chapter 07: averages, RSI, bands, and what their signals are worth."""

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
    Write,
    register,
    steps,
)
from m2k_lessons.exercises.data_sets import course_closes, series


def _fast_above_slow(week):
    fast_average = sum(week[-3:]) / 3
    slow_average = sum(week) / 5
    return fast_average - slow_average


q1 = Compute(
    "The closes of five days, oldest first, are {week}. Compute by how many points the average "
    "of three days lies above the average of five on the last day, to two decimals.",
    reference=_fast_above_slow,
    given={
        "week": Given(
            [2400.0, 2403.0, 2398.5, 2406.0, 2409.0],
            [
                [start, start + 3.0, start - dip, start + 6.0, start + rise]
                for start in (2380.0, 2410.0, 2450.0)
                for dip in steps(0.5, 3.5, 0.5)
                for rise in steps(8.0, 12.5, 0.3)
            ],
        )
    },
    mistakes=[
        Mistake(
            lambda week: sum(week[:3]) / 3 - sum(week) / 5,
            "Those are the first three closes. A moving average takes the last ones.",
        ),
        Mistake(
            lambda week: week[-1] - sum(week) / 5,
            "That compares the last close with the average of five. The fast line is an average, "
            "too: of three closes.",
        ),
        Mistake(
            lambda week: week[-1] - sum(week[-3:]) / 3,
            "That is the close less the average of three. Compare the two averages.",
        ),
        Mistake(
            lambda week: sum(week[-3:]) - sum(week),
            "Those are sums. Divide the one by 3 and the other by 5 first.",
        ),
    ],
    hints=[
        "Two averages end on the same day: one of the last three closes, one of all five.",
        "The sum of the last three divided by 3, less the sum of all divided by 5: {week}.",
    ],
    well_done="The fast average is {answer:.2f} points away from the slow one.",
    unit="points",
)


def _earned_after_the_signal(signal_close, entry_open, exit_open):
    points = exit_open - entry_open
    return points * M2K.multiplier


q2 = Compute(
    "The average of 20 days crosses above that of 50 at Tuesday's close of {signal_close:,.1f}. "
    "You buy one M2K as soon as the signal can be acted on, at Wednesday's open of "
    "{entry_open:,.1f}, and sell at Thursday's open of {exit_open:,.1f}. Compute the "
    "profit or loss in USD, before costs. Give it to the cent.",
    reference=_earned_after_the_signal,
    given={
        "signal_close": Given(2412.3, steps(2396.4, 2416.4, 2.0)),
        "entry_open": Given(2418.6, steps(2418.2, 2432.2, 1.0)),
        "exit_open": Given(2409.2, steps(2408.5, 2416.9, 0.7)),
    },
    mistakes=[
        Mistake(
            lambda signal_close, entry_open, exit_open: (exit_open - signal_close) * 5,
            "That buys at the close that made the signal. Nobody knew the signal before that "
            "close was final.",
        ),
        Mistake(
            lambda signal_close, entry_open, exit_open: exit_open - entry_open,
            "Those are points. A point of M2K is $5.",
        ),
        Mistake(
            lambda signal_close, entry_open, exit_open: (entry_open - exit_open) * 5,
            "The sign is turned round: you bought first and sold later.",
        ),
        Mistake(
            lambda signal_close, entry_open, exit_open: (exit_open - entry_open) * 50,
            "$50 a point is RTY. M2K is $5.",
        ),
    ],
    hints=[
        "At which price can the position really begin?",
        "({exit_open:,.1f} − {entry_open:,.1f}) × 5",
    ],
    well_done="The jump from the close to the next open belongs to nobody who waited for it.",
    unit="USD",
)


def _next_rsi(gain_points, loss_points, fall_points):
    new_gain = (13 * gain_points + 0) / 14
    new_loss = (13 * loss_points + fall_points) / 14
    return 100 * new_gain / (new_gain + new_loss)


q3 = Compute(
    "In an RSI of 14 days the average gain stands at {gain_points} points and the average loss at "
    "{loss_points}. Today the close falls by {fall_points} points. Compute the new RSI, to one "
    "decimal or better.",
    reference=_next_rsi,
    given={
        "gain_points": Given(9.0, steps(7.0, 12.0, 0.5)),
        "loss_points": Given(4.0, steps(3.0, 5.5, 0.5)),
        "fall_points": Given(18.0, steps(14.0, 26.0, 1.0)),
    },
    mistakes=[
        Mistake(
            lambda gain_points, loss_points, fall_points: (
                100 * gain_points / (gain_points + loss_points)
            ),
            "That is yesterday's RSI. Today's fall has to enter the averages.",
        ),
        Mistake(
            lambda gain_points, loss_points, fall_points: (
                100 * gain_points / (gain_points + (13 * loss_points + fall_points) / 14)
            ),
            "The gain moves as well: a day without a rise counts as a rise of 0.",
        ),
        Mistake(
            lambda gain_points, loss_points, fall_points: (
                100 * gain_points / (gain_points + loss_points + fall_points)
            ),
            "The fall enters with one fourteenth of its size, and the old averages keep thirteen.",
        ),
        Mistake(
            lambda gain_points, loss_points, fall_points: (
                100 - 100 * 13 * gain_points / (13 * (gain_points + loss_points) + fall_points)
            ),
            "That is the share of the falls. The RSI is the share of the rises.",
        ),
        Mistake(
            lambda gain_points, loss_points, fall_points: (
                13 * gain_points / (13 * (gain_points + loss_points) + fall_points)
            ),
            "Right as a share; the RSI is written from 0 to 100.",
        ),
    ],
    hints=[
        "Both averages become (13 × old + new) / 14. What is the new gain on a day that falls?",
        "Gain 13 × {gain_points} / 14, loss (13 × {loss_points} + {fall_points}) / 14; then "
        "100 × gain / (gain + loss).",
    ],
    well_done="One fall moved it to {answer:.1f}, with weight one fourteenth.",
    tolerance=0.05,
)


def _upper_band(four):
    middle_line = sum(four) / 4
    squares = [(one - middle_line) ** 2 for one in four]
    deviation_points = (sum(squares) / 4) ** 0.5
    return middle_line + 2 * deviation_points


q4 = Compute(
    "The last four closes are {four}. Compute the upper Bollinger band with a window of 4 and a "
    "width of 2, in points, to two decimals.",
    reference=_upper_band,
    given={
        "four": Given(
            [2402.0, 2410.0, 2406.0, 2414.0],
            [
                [start, start + first, start + second, start + third]
                for start in (2390.0, 2431.0, 2452.0)
                for first in (4.0, 6.0, 8.0)
                for second in (-2.0, 2.0, 5.0)
                for third in (10.0, 12.0, 15.0, 18.0)
            ],
        )
    },
    mistakes=[
        Mistake(
            lambda four: (
                sum(four) / 4 + 2 * (sum((x - sum(four) / 4) ** 2 for x in four) / 3) ** 0.5
            ),
            "You divided by 3, the sample deviation. Bollinger's bands divide by the full "
            "window, here 4.",
        ),
        Mistake(
            lambda four: sum(four) / 4 + (sum((x - sum(four) / 4) ** 2 for x in four) / 4) ** 0.5,
            "That is one deviation above the middle. The width is 2.",
        ),
        Mistake(
            lambda four: (
                sum(four) / 4 - 2 * (sum((x - sum(four) / 4) ** 2 for x in four) / 4) ** 0.5
            ),
            "That is the lower band.",
        ),
        Mistake(
            lambda four: sum(four) / 4 + 2 * sum((x - sum(four) / 4) ** 2 for x in four) / 4,
            "That adds the variance. Take its square root first.",
        ),
    ],
    hints=[
        "Middle first, then the squared distances from it, their mean, and its root.",
        "The mean of {four}, plus twice the root of the mean squared distance from it.",
    ],
    well_done="The upper band lies at {answer:,.2f}.",
    unit="points",
)

q5 = Choose(
    "M2K closes above its upper band. Choose what this close tells you for certain.",
    options={
        "a": "The price is too high and likely to come back to the middle.",
        "b": "The rise has strength and is likely to go on.",
        "c": "The close lies far above the average of its own last 20 closes, as these 20 vary.",
    },
    right="c",
    feedback={
        "a": "That is a forecast. The band is computed from past closes and holds none; after "
        "such closes our market did nothing unusual.",
        "b": "That is a forecast, too, the opposite of the other one, from the same close.",
        "c": "That is all the arithmetic says: far away, measured by recent swings. Where the "
        "price goes next is another question.",
    },
)


def _distance_in_errors(separate, mean_pct, deviation_pct, all_days_pct):
    standard_error_pct = deviation_pct / separate**0.5
    return (mean_pct - all_days_pct) / standard_error_pct


q6 = Compute(
    "After {separate} separate signals the price changed by {mean_pct} % on average over ten "
    "days, with a standard deviation of {deviation_pct} %. Over ten days from any day of the same "
    "market the average is {all_days_pct} %. Compute how many standard errors the signals' "
    "average lies above that of all days, to one decimal or better.",
    reference=_distance_in_errors,
    given={
        "separate": Given(36, [25, 49, 64, 81, 100]),
        "mean_pct": Given(1.4, [1.1, 1.2, 1.3, 1.5, 1.6]),
        "deviation_pct": Given(3.6, [3.2, 3.4, 4.0, 4.4]),
        "all_days_pct": Given(0.4, [0.2, 0.3, 0.5]),
    },
    mistakes=[
        Mistake(
            lambda separate, mean_pct, deviation_pct, all_days_pct: (
                mean_pct / (deviation_pct / separate**0.5)
            ),
            "That is the distance from zero. A market that rises anyway gives every signal "
            "something: compare with all days.",
        ),
        Mistake(
            lambda separate, mean_pct, deviation_pct, all_days_pct: (
                (mean_pct - all_days_pct) / deviation_pct
            ),
            "That divides by the swing of a single case. The average of {separate} is surer.",
        ),
        Mistake(
            lambda separate, mean_pct, deviation_pct, all_days_pct: (
                (mean_pct - all_days_pct) / (deviation_pct / separate)
            ),
            "The error shrinks with the square root of the number of signals.",
        ),
        Mistake(
            lambda separate, mean_pct, deviation_pct, all_days_pct: (
                (mean_pct - all_days_pct) / (deviation_pct / (10 * separate) ** 0.5)
            ),
            "Ten days after one signal are one observation, not ten.",
        ),
    ],
    hints=[
        "The standard error of an average: the deviation over the square root of the cases.",
        "({mean_pct} − {all_days_pct}) / ({deviation_pct} / {separate} ** 0.5)",
    ],
    well_done="{answer:.1f} standard errors, if this is the only signal you looked at.",
    tolerance=0.05,
)


def _chance_of_one(tried):
    chance_each = 0.023
    none_passes = (1 - chance_each) ** tried
    return 100 * (1 - none_passes)


q7 = Compute(
    "A worthless rule looks more than two standard errors good with a chance of 2.3 %. You try "
    "{tried} such rules that have nothing to do with each other. Compute the chance, in percent, "
    "that at least one of them looks that good, to the nearest percent or better.",
    reference=_chance_of_one,
    # Without 30: there, at least one and none are equally likely.
    given={"tried": Given(40, [*steps(20, 29, 1), *steps(31, 70, 1)])},
    mistakes=[
        Mistake(
            lambda tried: 2.3 * tried,
            "Chances of separate tries do not simply add up; with enough rules that would pass "
            "one hundred.",
        ),
        Mistake(lambda tried: 2.3, "That is the chance of one rule alone."),
        Mistake(
            lambda tried: 100 * 0.977**tried,
            "That is the chance that none of them does. You want the opposite.",
        ),
        Mistake(
            lambda tried: 100 * 0.023**tried,
            "That is the chance that all of them do.",
        ),
    ],
    hints=[
        "First the chance that not one of them looks good: 0.977 for each.",
        "1 − 0.977 ** {tried}, in percent.",
    ],
    well_done="About {answer:.0f} %: the best of {tried} says little by being good.",
    tolerance=0.6,
    unit="%",
)


def _vote(ballot, agree):
    """1 where at least `agree` more votes are for up than for down, -1 the other way, else 0."""
    ahead = ballot.sum(axis=1)
    return (ahead >= agree).astype(float) - (ahead <= -agree).astype(float)


def _ballot(*rows):
    days = pd.date_range("2030-01-07", periods=len(rows), freq="B")
    return pd.DataFrame(rows, days, ["averages", "RSI", "bands"], dtype=float)


def _all_ballots():
    return _ballot(*((a, b, c) for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)))


q8 = Write(
    "Write the function `vote(ballot, agree)`. It takes a table with a column for each indicator, "
    "whose values are the votes of a day: 1, 0 or −1. It returns a Series with the same index: 1 "
    "where the votes for up are at least `agree` ahead of those for down, −1 where those for down "
    "are at least `agree` ahead, and 0 everywhere else.",
    reference=_vote,
    cases=[
        Case("all ballots of three voices, two ahead", lambda: (_all_ballots(), 2)),
        Case("all ballots, one ahead", lambda: (_all_ballots(), 1)),
        Case("all ballots, all three agree", lambda: (_all_ballots(), 3)),
        Case("two voices only", lambda: (_ballot((1, 1, 0), (-1, -1, 0))[["averages", "RSI"]], 2)),
    ],
    mistakes=[
        Mistake(
            lambda ballot, agree: (
                (ballot.sum(axis=1) > agree).astype(float)
                - (ballot.sum(axis=1) < -agree).astype(float)
            ),
            "*At least* `agree` ahead: exactly as many is enough.",
        ),
        Mistake(
            lambda ballot, agree: (
                ((ballot == 1).sum(axis=1) >= agree).astype(float)
                - ((ballot == -1).sum(axis=1) >= agree).astype(float)
            ),
            "That counts the votes for one side only. Two for and one against are one ahead.",
        ),
        Mistake(
            lambda ballot, agree: (ballot.sum(axis=1) >= agree).astype(float),
            "The votes for down can win as well: then the answer is −1.",
        ),
        Mistake(
            lambda ballot, agree: np.sign(ballot.sum(axis=1)),
            "That follows the majority however small. It must be `agree` ahead.",
        ),
        Mistake(
            lambda ballot, agree: -_vote(ballot, agree),
            "The other way round: votes of 1 are for up.",
        ),
        Mistake(
            lambda ballot, agree: ballot.sum(axis=1),
            "That is how far one side is ahead. The answer is 1, 0 or −1.",
        ),
    ],
    hints=[
        "With votes of 1 and −1 the sum of a row, `ballot.sum(axis=1)`, is how far up is ahead.",
        "Compare the sum with `agree` and with `-agree`. `.astype(float)` makes 1 and 0 of each; "
        "one less the other is the vote.",
    ],
    well_done="A vote has one setting more than its voices: how far ahead is far enough.",
)


def _rsi_by_hand(close, window):
    """Relative strength index with Wilder's averages; missing for the first `window` days."""
    change = close.diff().to_numpy()
    found = np.full(len(close), np.nan)
    if len(close) <= window:
        return pd.Series(found, index=close.index)
    gain = np.clip(change[1 : window + 1], 0, None).mean()
    loss = np.clip(-change[1 : window + 1], 0, None).mean()
    for day in range(window, len(close)):
        if day > window:
            gain = ((window - 1) * gain + max(change[day], 0.0)) / window
            loss = ((window - 1) * loss + max(-change[day], 0.0)) / window
        found[day] = 100 * gain / (gain + loss) if gain + loss > 0 else 50.0
    return pd.Series(found, index=close.index)


def _with_plain_averages(close, window):
    gain = close.diff().clip(lower=0).rolling(window).mean()
    loss = (-close.diff()).clip(lower=0).rolling(window).mean()
    return 100 * gain / (gain + loss)


q9 = Write(
    "Write the function `rsi_by_hand(close, window)`. It takes a Series of closes, which never "
    "stay the same for a whole window, and returns a Series with the same index. The average gain "
    "begins as the plain mean of the first `window` daily changes, falls counted as 0; after that "
    "it is (`window` − 1) parts of the old average and one part of the day's rise. The average "
    "loss is made in the same way of the falls. The RSI is 100 × gain / (gain + loss), and the "
    "first `window` days have none (`np.nan`).",
    reference=_rsi_by_hand,
    cases=[
        Case("a year of the course's closes", lambda: (course_closes(), 14)),
        Case("a steady rise", lambda: (series(*range(2400, 2412)), 5)),
        Case("ups and downs", lambda: (series(2400, 2404, 2401, 2407, 2399, 2405, 2402), 3)),
        Case("too few closes", lambda: (series(2400, 2404, 2401), 3)),
    ],
    mistakes=[
        Mistake(
            _with_plain_averages,
            "Those are plain averages of the last `window` changes. Wilder's forget slowly: each "
            "new one is made of the old one and the day's change.",
        ),
        Mistake(
            lambda close, window: 100 - _rsi_by_hand(close, window),
            "That is the share of the falls. The RSI is that of the rises.",
        ),
        Mistake(
            lambda close, window: _rsi_by_hand(close, window) / 100,
            "That is from 0 to 1. The RSI is written from 0 to 100.",
        ),
        Mistake(
            lambda close, window: (
                100
                * close.diff().clip(lower=0).ewm(alpha=1 / window, adjust=False).mean()
                / close.diff().abs().ewm(alpha=1 / window, adjust=False).mean()
            ),
            "The averages begin with the first change there, and are given before `window` "
            "changes are known. They should begin with the plain mean of the first `window`.",
        ),
        Mistake(
            lambda close, window: _rsi_by_hand(close, window + 1),
            "One too many: the new change has one part of `window`, and the first value is that "
            "of the day with number `window`, counted from 0.",
        ),
    ],
    hints=[
        "`change = close.diff()` has its first value on the second day. Which are the first "
        "`window` changes?",
        "Start with the means of changes 1 to `window`. Then a loop: gain = ((window − 1) × gain + "
        "max(change, 0)) / window, and loss the same with max(−change, 0).",
    ],
    well_done="The same numbers as `indicators.rsi`.",
)

g1 = Guess(
    "Ten years have about 2,500 days. How often does the average of 20 days cross that of 50, "
    "upwards and downwards together?",
    unit="crossings",
    scale=60,
)

g2 = Guess(
    "In how many of the twenty markets does the best of 27 lie beyond two standard errors?",
    unit="markets",
    scale=8,
)

quiz = Choose(
    "A friend says: “The RSI is above 70 and the close is above its upper band. Two indicators "
    "agree, so it is twice as sure that the price falls.” Choose the best reply.",
    options={
        "a": "True: two signals are better than one.",
        "b": "False: both are made of the same closes and mostly say the same thing, and neither "
        "was seen to say where the price goes.",
        "c": "False: a third indicator must agree as well.",
    },
    right="b",
    feedback={
        "a": "Two witnesses help when they saw things independently. These two read the same "
        "twenty closes.",
        "b": "One fact told twice is one fact. And in this chapter the fact was followed by "
        "nothing that luck could not explain.",
        "c": "A third view of the same closes adds little again, and each addition is one more "
        "rule that was tried.",
    },
)

QUESTIONS = register("07_indicators", globals())
