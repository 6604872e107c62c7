"""Chapter 10: release times, loud minutes, surprise, gaps through stops, standing aside."""

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
from m2k_lessons.facts import fact

FEE_USD = fact("course.commission.M2K").value

g1 = Guess(
    "How many times as far as in an ordinary minute does the price move in the first minute after "
    "the jobs report?",
    unit="times",
    scale=3.0,
)

g2 = Guess(
    "Of a hundred reports with *more* jobs than expected: after how many does M2K stand lower "
    "half an hour later?",
    unit="of a hundred",
    scale=15.0,
)


def _utc_clock(hour, behind_winter, behind_summer):
    return hour + behind_summer


q1 = Compute(
    "New York is {behind_winter} hours behind UTC in winter and {behind_summer} in summer. The "
    "American clocks go forward on 10 March 2030. A report comes out at {hour}:30 "
    "New York time on 13 March 2030. Compute the hour that a clock in UTC shows then, without the "
    "minutes.",
    reference=_utc_clock,
    given={
        "hour": Given(8, [9, 10, 11, 13, 14]),
        "behind_winter": Given(5, [5]),
        "behind_summer": Given(4, [4]),
    },
    mistakes=[
        Mistake(
            lambda hour, behind_winter, behind_summer: hour + behind_winter,
            "That is right until 9 March. On the 13th New York has summer time already.",
        ),
        Mistake(
            lambda hour, behind_winter, behind_summer: hour - behind_summer,
            "The wrong way: New York is *behind* UTC, so UTC shows a later hour.",
        ),
        Mistake(
            lambda hour, behind_winter, behind_summer: hour - behind_winter,
            "The wrong way, and with the hours of winter.",
        ),
        Mistake(
            lambda hour, behind_winter, behind_summer: hour,
            "That is the hour in New York.",
        ),
    ],
    hints=[
        "Is 13 March before or after the change of the clocks?",
        "UTC is {behind_summer} hours ahead of New York in summer: {hour} + {behind_summer}.",
    ],
    well_done="Write down the time zone, and let the computer add the hours.",
    whole=True,
    unit="hours",
)


def _first_minute_usd(ordinary_pct, multiple, quote, held):
    move_pct = multiple * ordinary_pct
    return move_pct / 100 * quote * M2K.multiplier * held


q2 = Compute(
    "An ordinary minute at 08:30 moves the price by {ordinary_pct} % up or down. After a report "
    "the first minute moves {multiple} times as far. Compute the size of that minute's gain or "
    "loss, in USD, on {held} M2K at {quote:,.1f}. "
    "Give it to the cent.",
    reference=_first_minute_usd,
    given={
        "ordinary_pct": Given(0.02, steps(0.012, 0.028, 0.002)),
        "multiple": Given(4.5, steps(3.0, 6.0, 0.5)),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 25.0)),
        "held": Given(3, [2, 4, 5]),
    },
    mistakes=[
        Mistake(
            lambda ordinary_pct, multiple, quote, held: ordinary_pct / 100 * quote * 5 * held,
            "That is the ordinary minute. The first one after a report moves {multiple} times "
            "as far.",
        ),
        Mistake(
            lambda ordinary_pct, multiple, quote, held: multiple * ordinary_pct * quote * 5 * held,
            "A percentage is a hundredth: {ordinary_pct} % of the price, not {ordinary_pct} times.",
        ),
        Mistake(
            lambda ordinary_pct, multiple, quote, held: (
                multiple * ordinary_pct / 100 * quote * held
            ),
            "Those are points. A point of M2K is $5.",
        ),
        Mistake(
            lambda ordinary_pct, multiple, quote, held: multiple * ordinary_pct / 100 * quote * 5,
            "That is one contract; the question has {held}.",
        ),
    ],
    hints=[
        "First the move in percent, then in points, then in dollars.",
        "{multiple} × {ordinary_pct} / 100 × {quote:,.1f} × 5 × {held}",
    ],
    well_done="And it can go either way.",
    unit="USD",
)


def _expected_usd(actual, consensus, scale, slope_pct, quote, held):
    surprise_of_it = (actual - consensus) / scale
    move_pct = slope_pct * surprise_of_it
    return move_pct / 100 * quote * M2K.multiplier * held


q3 = Compute(
    "Prices rose by {actual} % in a month; {consensus} % was expected, and a difference of "
    "{scale} percentage points counts as a surprise of 1. The price of M2K answers a surprise "
    "of 1 with {slope_pct} %. Compute the expected gain of {held} long M2K at {quote:,.1f}, in "
    "USD; a loss is negative. "
    "Give it to the cent.",
    reference=_expected_usd,
    given={
        "actual": Given(0.5, [0.4, 0.5, 0.6, 0.7]),
        "consensus": Given(0.2, [0.1, 0.2, 0.3]),
        "scale": Given(0.1, [0.1]),
        "slope_pct": Given(-0.15, [-0.12, -0.14, -0.16, -0.18]),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
        "held": Given(2, [3, 4, 5]),
    },
    mistakes=[
        Mistake(
            lambda actual, consensus, scale, slope_pct, quote, held: (
                slope_pct * actual / scale / 100 * quote * 5 * held
            ),
            "The consensus is in the price already. Only the difference from it is news.",
        ),
        Mistake(
            lambda actual, consensus, scale, slope_pct, quote, held: (
                slope_pct * (actual - consensus) / 100 * quote * 5 * held
            ),
            "The difference is in percentage points: divide it by {scale} to get the surprise.",
        ),
        Mistake(
            lambda actual, consensus, scale, slope_pct, quote, held: (
                -slope_pct * (actual - consensus) / scale / 100 * quote * 5 * held
            ),
            "Mind the sign: more inflation than expected weighs on the price, and you are long.",
        ),
        Mistake(
            lambda actual, consensus, scale, slope_pct, quote, held: (
                slope_pct * (actual - consensus) / scale / 100 * quote * held
            ),
            "Those are points. A point of M2K is $5.",
        ),
    ],
    hints=[
        "How many surprises of 1 are there between {consensus} and {actual}?",
        "({actual} − {consensus}) / {scale} × ({slope_pct}) / 100 × {quote:,.1f} × 5 × {held}",
    ],
    well_done="It is an average: single reports stray far from it.",
    unit="USD",
)


def _lost_usd(entry, stop_points, opened, ticks, held):
    level = entry - stop_points
    filled = min(level, opened) - ticks * M2K.tick_size
    return (entry - filled) * M2K.multiplier * held


q4 = Compute(
    "{held} long M2K, bought at {entry:,.1f}, have a stop {stop_points} points below. "
    "Overnight comes bad news, and trading opens at {opened:,.1f}. A market order costs {ticks} "
    "tick of slippage. Compute the loss in USD, before commission, as a positive number. "
    "Give it to the cent.",
    reference=_lost_usd,
    given={
        "held": Given(3, [2, 4, 5]),
        "entry": Given(2400.0, steps(2390.0, 2410.0, 2.0)),
        "stop_points": Given(15, steps(12, 18, 1)),
        "opened": Given(2363.5, steps(2361.0, 2366.0, 0.5)),
        "ticks": Given(1, [1]),
    },
    mistakes=[
        Mistake(
            lambda entry, stop_points, opened, ticks, held: stop_points * 5 * held,
            "That is the loss you planned. Nobody traded at the stop: the first price was "
            "{opened:,.1f}.",
        ),
        Mistake(
            lambda entry, stop_points, opened, ticks, held: (stop_points + 0.1 * ticks) * 5 * held,
            "Slippage is in it, the gap is not: the first price was {opened:,.1f}.",
        ),
        Mistake(
            lambda entry, stop_points, opened, ticks, held: (entry - opened) * 5 * held,
            "Nearly: the market order that the stop became lost {ticks} tick more.",
        ),
        Mistake(
            lambda entry, stop_points, opened, ticks, held: (
                (entry - opened + 0.1 * ticks + stop_points) * 5 * held
            ),
            "The distance of the stop is not added to the gap: the fill is at the open, less "
            "slippage.",
        ),
        Mistake(
            lambda entry, stop_points, opened, ticks, held: (entry - opened + 0.1 * ticks) * 5,
            "That is one contract; the question has {held}.",
        ),
        Mistake(
            lambda entry, stop_points, opened, ticks, held: (entry - opened + 0.1 * ticks) * held,
            "Those are points. A point of M2K is $5.",
        ),
    ],
    hints=[
        "At which price was the first trade after the news?",
        "({entry:,.1f} − {opened:,.1f} + {ticks} × 0.1) × 5 × {held}",
    ],
    well_done="A stop chooses the moment, not the price.",
    unit="USD",
)


def _a_year_usd(held, times_a_year, fee_usd, spread_ticks):
    side_usd = fee_usd + spread_ticks * M2K.tick_value
    return 2 * side_usd * held * times_a_year


q5 = Compute(
    "Somebody always long {held} M2K sells them before each of {times_a_year} releases a year and "
    "buys them back afterwards. A side costs {fee_usd} dollars of commission and {spread_ticks} "
    "tick of slippage for each contract. Compute the cost of a year, in USD. "
    "Give it to the cent.",
    reference=_a_year_usd,
    given={
        # Not 2: one contract's two sides would cost the same as two contracts' one side.
        "held": Given(3, [4, 5, 6, 7]),
        "times_a_year": Given(44, steps(30, 52, 2)),
        "fee_usd": Given(FEE_USD, [FEE_USD]),
        "spread_ticks": Given(1, [1]),
    },
    mistakes=[
        Mistake(
            lambda held, times_a_year, fee_usd, spread_ticks: (
                (fee_usd + spread_ticks * 0.5) * held * times_a_year
            ),
            "That is one side. Standing aside takes two: out and in again.",
        ),
        Mistake(
            lambda held, times_a_year, fee_usd, spread_ticks: 2 * fee_usd * held * times_a_year,
            "Slippage is missing: a tick of M2K is half a dollar.",
        ),
        Mistake(
            lambda held, times_a_year, fee_usd, spread_ticks: (
                2 * (fee_usd + spread_ticks * 0.5) * times_a_year
            ),
            "That is one contract; the question has {held}.",
        ),
        Mistake(
            lambda held, times_a_year, fee_usd, spread_ticks: (
                2 * (fee_usd + spread_ticks * 5) * held * times_a_year
            ),
            "A tick is a tenth of a point: $0.50, not $5.",
        ),
    ],
    hints=[
        "How many sides is one release, and what does one side of one contract cost?",
        "2 × ({fee_usd} + {spread_ticks} × 0.50) × {held} × {times_a_year}",
    ],
    well_done="A sure cost, for a calmer account.",
    unit="USD",
)


def _needed(mean_pct, deviation_pct):
    return (2 * deviation_pct / mean_pct) ** 2


q6 = Compute(
    "The days before rate decisions brought {mean_pct} % on average, with a standard deviation of "
    "{deviation_pct} %. Compute how many decisions it takes until such an average stands two "
    "standard errors above zero. A fraction of a decision may stay.",
    reference=_needed,
    given={
        # Never in the ratio 1 to 4, for which two of the mistakes arrive at the same 8.
        "mean_pct": Given(0.4, steps(0.22, 0.45, 0.01)),
        "deviation_pct": Given(1.2, steps(1.0, 1.5, 0.1)),
    },
    mistakes=[
        Mistake(
            lambda mean_pct, deviation_pct: (deviation_pct / mean_pct) ** 2,
            "That many bring it *one* standard error above zero.",
        ),
        Mistake(
            lambda mean_pct, deviation_pct: 2 * deviation_pct / mean_pct,
            "That is the square root of the answer: an error shrinks with the square root.",
        ),
        Mistake(
            lambda mean_pct, deviation_pct: 2 * (deviation_pct / mean_pct) ** 2,
            "The two belongs inside the square.",
        ),
        Mistake(
            lambda mean_pct, deviation_pct: (2 * deviation_pct / mean_pct) ** 2 / 8,
            "That is the number of years, at eight decisions a year.",
        ),
    ],
    hints=[
        "The standard error is {deviation_pct} / √n. When is twice that equal to {mean_pct}?",
        "(2 × {deviation_pct} / {mean_pct}) squared.",
    ],
    well_done="At eight a year that is {answer:.0f} / 8 years, if nothing changes meanwhile.",
    unit="decisions",
    tolerance=0.5,
)


def _without_overlap(minutes, length):
    """Minutes of the events kept: each at least `length` after the one kept before it."""
    kept = []
    for minute in sorted(minutes):
        if not kept or minute >= kept[-1] + length:
            kept.append(minute)
    return kept


q7 = Write(
    "Write the function `without_overlap(minutes, length)`. It takes a list with the minutes of "
    "events, in any order, and the length of a window, in minutes. A window lasts from its event "
    "until before `length` minutes later. Go through the events from the earliest on and keep each "
    "one that does not fall into the window of the last one *kept*. Return the list of the "
    "minutes kept, in order.",
    reference=_without_overlap,
    cases=[
        Case("eight events", lambda: ([0, 20, 35, 61, 62, 90, 118, 200], 30)),
        Case("a chain of close events", lambda: ([0, 20, 40, 60, 80, 100], 30)),
        Case("events in no order", lambda: ([90, 0, 30, 45], 30)),
        Case("windows that touch", lambda: ([0, 30, 60], 30)),
        Case("two events at once", lambda: ([10, 10, 50], 30)),
        Case("no event", lambda: ([], 30)),
    ],
    mistakes=[
        Mistake(
            lambda minutes, length: [
                now
                for place, now in enumerate(sorted(minutes))
                if place == 0 or now >= sorted(minutes)[place - 1] + length
            ],
            "That compares with the event before, kept or not. One that was dropped has no window "
            "any more.",
        ),
        Mistake(
            lambda minutes, length: [
                now
                for now in sorted(minutes)
                if all(other == now or abs(other - now) >= length for other in minutes)
            ],
            "That drops both events of a pair. The earlier one may stay.",
        ),
        Mistake(
            lambda minutes, length: _without_overlap(minutes, length + 1),
            "Windows may touch: an event exactly `length` minutes later lies outside.",
        ),
        Mistake(
            lambda minutes, length: _unsorted(minutes, length),
            "The events come in any order: sort them first.",
        ),
        Mistake(
            lambda minutes, length: sorted(minutes),
            "That keeps them all, and counts the same minutes twice.",
        ),
    ],
    hints=[
        "What do you have to remember while you go through the events?",
        "A list `kept`; for each minute of `sorted(minutes)`: append it if `kept` is empty, or if "
        "it is at least `length` after `kept[-1]`.",
    ],
    well_done="Now each minute counts once, and the standard error means what it says.",
)


def _unsorted(minutes, length):
    kept = []
    for minute in minutes:
        if not kept or minute >= kept[-1] + length:
            kept.append(minute)
    return kept


def _mean_with_error(moves):
    """Mean and its standard error."""
    return moves.mean(), moves.std() / len(moves) ** 0.5


q8 = Write(
    "Write the function `mean_with_error(moves)`. It takes a Series with the moves after separate "
    "events, in percent, and returns two numbers, `(mean, error)`: their mean and its standard "
    "error, the sample standard deviation over the square root of their number.",
    reference=_mean_with_error,
    cases=[
        Case(
            "a year of the course's daily changes",
            lambda: (100 * course_closes().pct_change().dropna(),),
        ),
        Case("five moves", lambda: (series(0.2, -0.1, 0.4, 0.0, -0.3),)),
        Case("moves that are all the same", lambda: (series(0.5, 0.5, 0.5),)),
        Case("two moves", lambda: (series(1.0, -1.0),)),
    ],
    mistakes=[
        Mistake(
            lambda moves: (moves.mean(), moves.std()),
            "That is how far a single move strays. The mean of many is surer, by the square root "
            "of their number.",
        ),
        Mistake(
            lambda moves: (moves.mean(), moves.std() / len(moves)),
            "The error shrinks with the square root of the number, not with the number.",
        ),
        Mistake(
            lambda moves: (moves.mean(), moves.std(ddof=0) / len(moves) ** 0.5),
            "That is the deviation of a population. A sample divides by the number less one: "
            "`moves.std()` in pandas, `ddof=1` in NumPy.",
        ),
        Mistake(
            lambda moves: (moves.mean(), moves.var() / len(moves) ** 0.5),
            "That is the variance. Take its square root, the standard deviation.",
        ),
        Mistake(
            lambda moves: (moves.std() / len(moves) ** 0.5, moves.mean()),
            "The mean comes first, then its error.",
        ),
        Mistake(
            lambda moves: (moves.median(), moves.std() / len(moves) ** 0.5),
            "That is the median. The question wants the mean.",
        ),
    ],
    hints=[
        "`moves.mean()` and `moves.std()` are there. What is the error of a mean of n moves?",
        "`return moves.mean(), moves.std() / len(moves) ** 0.5`",
    ],
    well_done="A mean without its error is half a sentence.",
)

quiz = Choose(
    "A friend says: “The jobs report was better than expected, so buying M2K right after it was a "
    "safe trade; it fell only because somebody manipulates it.” Choose the best reply.",
    options={
        "a": "The friend is right: growth lifts small companies, so good numbers must lift M2K.",
        "b": "A surprise moves the average; what else happens in those minutes is often larger, "
        "and a good number is followed by a fall about one time in three.",
        "c": "The number doesn't matter at all; the direction after a report is pure chance.",
    },
    right="b",
    feedback={
        "a": "On average, yes. But the surprise explains only a part of the move: in this "
        "chapter's ten years about one in three good jobs reports ended lower after half an hour.",
        "b": "And most of the average move comes in the first minute, before an order can follow.",
        "c": "It does matter: the coefficient stands many standard errors away from zero. It "
        "tilts the odds, and no more.",
    },
)

QUESTIONS = register("10_reports_and_news", globals())
