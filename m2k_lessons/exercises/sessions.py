"""Chapter 06: opening hours, clocks of other cities, the night's risk, gaps, hours that pay."""

from __future__ import annotations

import pandas as pd

from m2k_lessons import sessions
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
from m2k_lessons.exercises.data_sets import course_bars
from m2k_lessons.facts import fact

FEE_USD = fact("course.commission.M2K").value
OVERNIGHT_USD = fact("margin.maintenance.M2K").value
DAY_TRADE_USD = fact("day_trade_margin_high.M2K").value
HOUR = pd.Timedelta("1h")

g1 = Guess(
    "Between midnight and 00:30, how many dollars does one M2K move in five minutes on average?",
    unit="USD",
    scale=3,
)
g2 = Guess(
    "Of the variance from one day's close to the next, how many percent come before 09:30?",
    unit="%",
    scale=25,
)


def _hours_open(holiday_week):
    days = sessions.schedule(*holiday_week)
    return float((days["close"] - days["open"]).sum() / pd.Timedelta("1h"))


def _hours_of(holiday_week, kinds):
    days = sessions.schedule(*holiday_week)
    days = days[days["kind"].isin(kinds)]
    return (days["close"] - days["open"]).sum() / HOUR


def _regular_hours(holiday_week):
    days = sessions.schedule(*holiday_week)
    return (days["rth_close"] - days["rth_open"]).sum() / HOUR


_SHORT_DAYS = (
    "On the short days there is trading, too: until the early close, or on a holiday until the "
    "halt at 13:00, after a whole night."
)

q1 = Compute(
    "Compute how many hours M2K can be traded in the sessions of {holiday_week[0]} to "
    "{holiday_week[1]}, a week with a holiday. "
    "Give two decimals or better.",
    reference=_hours_open,
    given={
        "holiday_week": Given(
            ("2026-11-23", "2026-11-27"),
            [
                ("2026-05-25", "2026-05-29"),
                ("2026-09-07", "2026-09-11"),
                ("2027-01-18", "2027-01-22"),
                ("2026-06-15", "2026-06-19"),
                ("2027-02-15", "2027-02-19"),
                ("2027-11-22", "2027-11-26"),
            ],
        ),
    },
    mistakes=[
        Mistake(
            lambda holiday_week: 115.0,
            "Those are the hours of a week without a holiday. Look at the column `close`.",
        ),
        Mistake(
            lambda holiday_week: 120.0,
            "That counts 24 hours a day. The break takes one of them, and the holiday takes more.",
        ),
        Mistake(
            _regular_hours,
            "Those are the regular hours only. M2K trades long before and after them.",
        ),
        Mistake(
            lambda holiday_week: _hours_of(holiday_week, ["normal"]),
            _SHORT_DAYS,
        ),
        Mistake(
            lambda holiday_week: _hours_of(holiday_week, ["normal", "early close 13:15"]),
            _SHORT_DAYS,
        ),
    ],
    hints=[
        'sessions.schedule("{holiday_week[0]}", "{holiday_week[1]}") has a row for each day, '
        "with `open` and `close`.",
        'Sum `close` less `open` over the rows, and divide by pd.Timedelta("1h").',
    ],
    well_done="A normal week has 115.",
    unit="hours",
)


def _clock_at_the_opening(zone, date):
    opening = pd.Timestamp(date + " 09:30", tz="America/New_York").tz_convert(zone)
    return opening.hour + opening.minute / 60


def _other_way_round(zone, date):
    return (19 - _clock_at_the_opening(zone, date)) % 24


q2 = Compute(
    "Compute which hour the clock of the zone {zone} shows when regular hours begin in New York "
    "on {date}, as a number: 8.5 for 08:30, 20 for 20:00.",
    reference=_clock_at_the_opening,
    given={
        "zone": Given(
            "Europe/London",
            [
                "Asia/Tokyo",
                "Asia/Dubai",
                "Asia/Karachi",
                "Asia/Dhaka",
                "Asia/Bangkok",
                "Asia/Kathmandu",
                "Africa/Lagos",
                "Africa/Johannesburg",
                "Africa/Nairobi",
                "America/Sao_Paulo",
                "Europe/London",
                "Europe/Berlin",
            ],
        ),
        "date": Given("2026-03-16", ["2026-03-18", "2026-07-01", "2026-10-28"]),
    },
    mistakes=[
        Mistake(
            lambda zone, date: _clock_at_the_opening(zone, "2026-01-15"),
            "That holds in the middle of winter. On {date} New York's clock stands on summer time.",
        ),
        Mistake(
            _other_way_round,
            "The wrong way round: cities east of New York are ahead of it, not behind.",
        ),
        Mistake(
            lambda zone, date: 9.5,
            "That is the clock in New York. Convert the instant with tz_convert.",
        ),
        Mistake(
            lambda zone, date: float(int(_clock_at_the_opening(zone, date))),
            "The hour is right, the minutes are missing: 08:30 is 8.5.",
            sometimes_right=True,
        ),
    ],
    hints=[
        'pd.Timestamp("{date} 09:30", tz="America/New_York") is the instant. Which method tells '
        "what another clock shows?",
        'opening.tz_convert("{zone}") shows it; take its hour, plus its minute / 60.',
    ],
    well_done="No offset had to be remembered.",
    unit="hours",
    tolerance=0.01,
)


def _share_of_the_night(night_points, day_points):
    return 100 * night_points**2 / (night_points**2 + day_points**2)


q3 = Compute(
    "In some month the standard deviation of the night's moves (16:00 to 09:30) is "
    "{night_points} points and that of the day's moves (09:30 to 16:00) is {day_points} points. "
    "Compute the share of the variance that falls into the night, in %. "
    "Give one decimal or better.",
    reference=_share_of_the_night,
    given={
        "night_points": Given(20, steps(16, 27, 1)),
        "day_points": Given(30, steps(28, 36, 1)),
    },
    mistakes=[
        Mistake(
            lambda night_points, day_points: 100 * night_points / (night_points + day_points),
            "Standard deviations don't add up, variances do: square both first.",
        ),
        Mistake(
            lambda night_points, day_points: 100 * night_points / day_points,
            "That compares night and day. A share needs the whole below the line, in squares.",
        ),
        Mistake(
            lambda night_points, day_points: 100 * (night_points / day_points) ** 2,
            "Below the line belongs the whole, night and day together.",
        ),
        Mistake(
            lambda night_points, day_points: _share_of_the_night(night_points, day_points) / 100,
            "Right as a fraction. The question asks for percent.",
        ),
    ],
    hints=[
        "Variance is the standard deviation squared. Which two variances make up the whole?",
        "{night_points}² divided by {night_points}² + {day_points}², times 100.",
    ],
    well_done="The night's moves are the smaller ones, and still hold {answer:.0f} % of it.",
    unit="%",
    tolerance=0.05,
)


def _loss_through_the_stop(number, friday_close, stop, sunday_open):
    return (sunday_open - friday_close) * M2K.multiplier * number


q4 = Compute(
    "A trader is long {number} M2K over a weekend. The price was {friday_close:,.1f} at Friday's "
    "close, and a stop waits at {stop:,.1f}. The first price on Sunday is {sunday_open:,.1f}, and "
    "the stop sells there. Compute the profit or loss since Friday's close, in USD. A loss is "
    "negative. "
    "Give it to the cent.",
    reference=_loss_through_the_stop,
    given={
        "number": Given(2, [3, 4, 5]),
        "friday_close": Given(2204.0, steps(2203.5, 2219.5, 2.0)),
        "stop": Given(2194.0, steps(2192.0, 2199.0, 1.0)),
        "sunday_open": Given(2186.5, steps(2176.3, 2188.3, 1.0)),
    },
    mistakes=[
        Mistake(
            lambda number, friday_close, stop, sunday_open: (stop - friday_close) * 5 * number,
            "That is what the stop seemed to promise. It can sell only at a price that exists, "
            "and the first one is {sunday_open:,.1f}.",
        ),
        Mistake(
            lambda number, friday_close, stop, sunday_open: (sunday_open - stop) * 5 * number,
            "That is only the part beyond the stop. Count from Friday's close.",
        ),
        Mistake(
            lambda number, friday_close, stop, sunday_open: (sunday_open - friday_close) * 5,
            "That is one contract; the trader holds {number}.",
        ),
        Mistake(
            lambda number, friday_close, stop, sunday_open: (sunday_open - friday_close) * number,
            "Those are points. One point is worth $5.",
        ),
    ],
    hints=[
        "Between Friday's close and Sunday's first price nothing can be sold.",
        "({sunday_open:,.1f} − {friday_close:,.1f}) × 5 × {number}.",
    ],
    well_done="The stop did its work, at the first price there was.",
    unit="USD",
)

q5 = Choose(
    "On a Friday at 16:40 an account of 900 dollars is long 2 M2K, opened under a broker's "
    f"day-trade margin of {DAY_TRADE_USD} dollars a contract. Overnight margin is {OVERNIGHT_USD} "
    "dollars a contract. "
    "Choose what comes next.",
    options={
        "a": "Nothing. The margin was paid when the position was opened.",
        "b": "The broker may close the position before 17:00, at the price there is.",
        "c": "The broker waits for Sunday and sends a margin call if the price has fallen.",
    },
    right="b",
    feedback={
        "a": f"The small margin holds for the day only. Overnight ${2 * OVERNIGHT_USD:,} are "
        "needed, and the account has $900.",
        "b": "Day-trade margin ends some minutes before the close, at an hour that each broker "
        "sets. Anyone who can't show overnight margin by then is closed out, often for a "
        "fee.",
        "c": "The requirement changes before the weekend, not after it: "
        f"${2 * OVERNIGHT_USD:,} must be there before the close, whatever the price does.",
    },
)


def _wins_needed_pct(move_usd, spread_ticks, fee_usd):
    cost_usd = 2 * fee_usd + spread_ticks * M2K.tick_value
    return 100 * (0.5 + 0.5 * cost_usd / move_usd)


q6 = Compute(
    "A scalper of one M2K wins or loses {move_usd:g} dollars a trade before costs. Spread: "
    "{spread_ticks} ticks, crossed once in a round turn. Fee: {fee_usd:.2f} dollars a side. "
    "Compute how many of a hundred trades must win to come out even, to one decimal or better.",
    reference=_wins_needed_pct,
    given={
        "move_usd": Given(8.0, steps(6.0, 14.0, 1.0)),
        "spread_ticks": Given(2, [1, 3, 4]),
        "fee_usd": Given(FEE_USD, steps(0.65, 1.05, 0.05)),
    },
    mistakes=[
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: _wins_needed_pct(
                move_usd, spread_ticks, fee_usd / 2
            ),
            "The fee is paid twice: going in and coming out.",
        ),
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: _wins_needed_pct(move_usd, 0, fee_usd),
            "The spread is missing: {spread_ticks} ticks at half a dollar each.",
        ),
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: _wins_needed_pct(move_usd, spread_ticks, 0),
            "The fees are missing, one for each side.",
        ),
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: _wins_needed_pct(
                move_usd, 2 * spread_ticks, fee_usd
            ),
            "The spread is crossed once in a round turn: half of it going in, half coming out.",
        ),
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: (
                2 * _wins_needed_pct(move_usd, spread_ticks, fee_usd) - 100
            ),
            "That is the cost as a share of the move. Half of it comes on top of fifty in a "
            "hundred.",
        ),
        Mistake(
            lambda move_usd, spread_ticks, fee_usd: (
                _wins_needed_pct(move_usd, spread_ticks, fee_usd) / 100
            ),
            "Right as a fraction. The question asks how many of a hundred.",
        ),
    ],
    hints=[
        "First the cost of a round turn in dollars: two fees and the spread, at half a dollar "
        "a tick.",
        "p wins and (100 − p) losses must pay 100 costs: p = 50 + 50 × cost / {move_usd:g}.",
    ],
    well_done="And that is only to lose nothing.",
    unit="trades",
    tolerance=0.05,
)


def _regular_hours_only(times):
    """True from 09:30 to before 16:00 in New York on a weekday."""
    local = times.tz_convert("America/New_York")
    minutes = local.hour * 60 + local.minute
    return (local.day_of_week < 5) & (minutes >= 570) & (minutes < 960)


def _by_hours(times, hours):
    return (times + pd.Timedelta(hours=hours)).tz_localize(None)


q7 = Write(
    "Write the function `regular_hours_only(times)`. It takes a pandas `DatetimeIndex` in UTC and "
    "returns an array of True and False, as long as `times`: True from 09:30 in New York on, until "
    "before 16:00 there, from Monday to Friday. (Holidays are left out of account.)",
    reference=_regular_hours_only,
    cases=[
        Case(
            "the half hours of two weeks in March",
            lambda: (pd.date_range("2026-03-02", "2026-03-15 23:30", freq="30min", tz="UTC"),),
        ),
        Case(
            "the minutes around the opening in January",
            lambda: (pd.date_range("2026-01-07 14:28", periods=4, freq="min", tz="UTC"),),
        ),
        Case(
            "the minutes around the close in July",
            lambda: (pd.date_range("2026-07-08 19:58", periods=4, freq="min", tz="UTC"),),
        ),
        Case(
            "a Sunday", lambda: (pd.date_range("2026-07-12 12:00", periods=3, tz="UTC", freq="h"),)
        ),
    ],
    mistakes=[
        Mistake(
            lambda times: _inside(_by_hours(times, -5)),
            "New York is five hours behind UTC in winter only. Let `tz_convert` know the summer "
            "time.",
        ),
        Mistake(
            lambda times: _inside(_by_hours(times, -4)),
            "New York is four hours behind UTC in summer only. Let `tz_convert` know the winter "
            "time.",
        ),
        Mistake(
            lambda times: _inside(times.tz_localize(None)),
            "That takes the clock of UTC for New York's. Convert the times first.",
        ),
        Mistake(
            lambda times: _inside(times.tz_convert("America/New_York"), last=960),
            "At 16:00 the regular hours are over: *before* 16:00.",
        ),
        Mistake(
            lambda times: _inside(times.tz_convert("America/New_York"), first=540),
            "They begin at 09:30, not at 09:00.",
        ),
        Mistake(
            lambda times: _inside(times.tz_convert("America/New_York"), days=7),
            "On Saturday and Sunday there are no regular hours.",
        ),
    ],
    hints=[
        '`times.tz_convert("America/New_York")` shows New York\'s clock. It has `.hour`, `.minute` '
        "and `.day_of_week` (Monday is 0).",
        "Count in minutes: 60 × hour + minute is 570 at 09:30 and 960 at 16:00. Join conditions "
        "with `&`, each in brackets.",
    ],
    well_done="And nobody had to remember an offset.",
)


def _inside(local, first=570, last=959, days=5):
    minutes = local.hour * 60 + local.minute
    return (local.day_of_week < days) & (minutes >= first) & (minutes <= last)


def _gap_usd(bars, number):
    """Gain or loss between a close and the next open, in USD."""
    return (bars["open"] - bars["close"].shift()) * 5 * number


q8 = Write(
    "Write the function `gap_usd(bars, number)`. It takes daily bars with the columns `open` and "
    "`close`, and a number of M2K that are held all the time, below zero for short. It returns a "
    "Series with the same index: what each day's gap, from the close before to the open, gains or "
    "loses, in USD. The first day has no close before it, and its value is missing.",
    reference=_gap_usd,
    cases=[
        Case("a year of the course's bars", lambda: (course_bars(), 2)),
        Case("a short position", lambda: (course_bars(10), -3)),
        Case("a single day", lambda: (course_bars(1), 1)),
        Case("nothing held", lambda: (course_bars(5), 0)),
    ],
    mistakes=[
        Mistake(
            lambda bars, number: (bars["close"] - bars["open"]) * 5 * number,
            "That is the day itself, from open to close. The gap lies before it.",
        ),
        Mistake(
            lambda bars, number: (bars["open"].shift(-1) - bars["close"]) * 5 * number,
            "That books each gap a day early: on the day whose close it follows.",
        ),
        Mistake(
            lambda bars, number: bars["open"].diff() * 5 * number,
            "That is from open to open. The gap begins at the close.",
        ),
        Mistake(
            lambda bars, number: bars["close"].diff() * 5 * number,
            "That is from close to close, the whole day. The gap ends at the open.",
        ),
        Mistake(
            lambda bars, number: (bars["close"].shift() - bars["open"]) * 5 * number,
            "The sign is turned round: a long position gains when the open is the higher one.",
        ),
        Mistake(
            lambda bars, number: (bars["open"] - bars["close"].shift()) * number,
            "Those are points. A point is $5 on each M2K.",
        ),
        Mistake(
            lambda bars, number: (bars["open"] - bars["close"].shift()) * 5 * abs(number),
            "A short position gains when the open is the lower one: leave `number` its sign.",
        ),
        Mistake(
            lambda bars, number: (bars["open"] - bars["close"].shift()).fillna(0.0) * 5 * number,
            "Nobody knows the gap of the first day: leave it missing instead of 0.",
        ),
    ],
    hints=[
        '`bars["close"].shift()` is the close before.',
        "Open less the close before, times $5, times `number`.",
    ],
    well_done="No stop can do anything about these moves.",
)

quiz = Choose(
    "Somebody says: “At night the market is quiet, so the night is the safe time to hold a "
    "position.” Choose the best reply.",
    options={
        "a": "True: five minutes at midnight move a few dollars, so little can happen.",
        "b": "False: minute for minute the market moves more at night than in the day.",
        "c": "False: its minutes are quiet, but there are many of them, and news and gaps too.",
    },
    right="c",
    feedback={
        "a": "Each five minutes are small, but a night has about two hundred of them, and 08:30 "
        "belongs to it. Added up, three to four tenths of a day's variance come then.",
        "b": "No, in the simulated market its minutes move about half as much. It is their number, "
        "the 08:30 figures and the gaps that add up.",
        "c": "Quiet is not safe: three to four tenths of the variance come at night, partly at "
        "08:30 and partly while nobody can trade at all; and getting out costs a wider spread.",
    },
)

QUESTIONS = register("06_sessions", globals())
