"""Chapter 08: slopes in dollars, what the record says, debts, forecasts, industries, reports."""

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
from m2k_lessons.exercises.data_sets import series


def _slope_in_dollars(slope, rise, number, quote):
    premium_pct = slope * rise
    return premium_pct / 100 * quote * 5 * number


q1 = Compute(
    "A regression of the quarterly premium (small minus large, in %) on the change in "
    "unemployment (in percentage points) has a slope of {slope}. Unemployment rises by {rise} "
    "points in a quarter. You are long {number} M2K at {quote:,.1f} and short as many dollars of "
    "large companies. Compute the dollars that the slope expects this rise to bring you. "
    "Give it to the cent.",
    reference=_slope_in_dollars,
    given={
        "slope": Given(1.4, [1.2, 1.6, 1.8]),
        "rise": Given(0.3, [0.4, 0.6, 0.7]),
        "number": Given(4, [3, 5, 6]),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
    },
    mistakes=[
        Mistake(
            lambda slope, rise, number, quote: slope / 100 * quote * 5 * number,
            "That is the slope's dollars for a rise of one whole point. This one is {rise}.",
        ),
        Mistake(
            lambda slope, rise, number, quote: slope * rise / 100 * quote * 5,
            "That is one contract; the position has {number}.",
        ),
        Mistake(
            lambda slope, rise, number, quote: slope * rise / 100 * quote * number,
            "The multiplier is missing: one M2K stands for price × $5.",
        ),
        Mistake(
            lambda slope, rise, number, quote: slope * rise * 5 * number,
            "You took slope × rise for points of the index. It is a percentage: of how many "
            "dollars?",
        ),
        Mistake(
            lambda slope, rise, number, quote: slope * rise * quote * 5 * number,
            "The premium is in percent: divide by 100.",
        ),
        Mistake(
            lambda slope, rise, number, quote: slope * rise,
            "That is the premium in percent. Of how many dollars?",
        ),
    ],
    hints=[
        "Slope times rise gives percent. Percent of what the contracts stand for.",
        "{slope} × {rise} / 100 × {quote:,.1f} × 5 × {number}",
    ],
    well_done="And an ordinary quarter moves the same position many times as far.",
    unit="USD",
)

q2 = Choose(
    "A slope of the premium on a change in interest rates is −0.24, with a 95 % interval from "
    "−0.95 to +0.46. Choose what this says.",
    options={
        "a": "Interest rates do nothing to small companies against large ones.",
        "b": "Small companies lose when rates rise, but only a little.",
        "c": "These quarters fit a loss, no effect and a gain alike.",
    },
    right="c",
    feedback={
        "a": "Not found is not the same as not there: the interval also holds slopes that would "
        "matter, such as −0.9.",
        "b": "The estimate is negative, but its interval reaches well above zero. The sign is not "
        "known.",
        "c": "The interval is the answer; the single number in its middle says less than it seems.",
    },
)


def _interest_over_profit(debt_musd, floating_pct, rise_pct, profit_musd):
    more_interest_musd = debt_musd * floating_pct / 100 * rise_pct / 100
    return 100 * more_interest_musd / profit_musd


q3 = Compute(
    "A company owes {debt_musd} million dollars, {floating_pct} % of it at a floating rate, and "
    "makes {profit_musd} million dollars a year before interest. Rates rise by {rise_pct} "
    "percentage points. Compute how many percent of that profit the additional interest of a "
    "year takes. "
    "Give one decimal or better.",
    reference=_interest_over_profit,
    given={
        "debt_musd": Given(80, steps(60, 120, 5)),
        "floating_pct": Given(40, steps(30, 50, 5)),
        "rise_pct": Given(2, [1.5, 2.5, 3]),
        "profit_musd": Given(10, [8, 12, 15]),
    },
    mistakes=[
        Mistake(
            lambda debt_musd, floating_pct, rise_pct, profit_musd: (
                100 * debt_musd * rise_pct / 100 / profit_musd
            ),
            "That lets all the debt float. The fixed part pays its old rate until it is due.",
        ),
        Mistake(
            lambda debt_musd, floating_pct, rise_pct, profit_musd: (
                debt_musd * floating_pct / 100 * rise_pct / 100
            ),
            "Those are the millions of additional interest. What share of the profit are they?",
        ),
        Mistake(
            lambda debt_musd, floating_pct, rise_pct, profit_musd: (
                debt_musd * floating_pct / 100 * rise_pct / 100 / profit_musd
            ),
            "That is the share as a fraction. The question wants percent.",
        ),
        Mistake(
            lambda debt_musd, floating_pct, rise_pct, profit_musd: floating_pct * rise_pct / 100,
            "That is the interest as a percentage of the debt. Set it against the profit.",
        ),
    ],
    hints=[
        "How many millions of debt float, and what do {rise_pct} percent of them cost?",
        "{debt_musd} × {floating_pct} / 100 × {rise_pct} / 100, as a percentage of {profit_musd}.",
    ],
    well_done="A scenario: it says what the bill would be, not what the share would do.",
    unit="%",
    tolerance=0.05,
)

q4 = Choose(
    "Unemployment of the quarter that ends on 31 March is published on 8 April, and first "
    "estimates of that quarter's spending on 30 April. You decide on 1 April, before the market "
    "opens. Choose the newest quarterly figures you may use.",
    options={
        "a": "both of the quarter that has just ended, since it is over",
        "b": "unemployment of the quarter that has just ended, spending of the one before",
        "c": "both of the quarter before the one that has just ended",
    },
    right="c",
    feedback={
        "a": "The quarter is over, but its figures are not out. A test that uses them trades on "
        "news from the future.",
        "b": "On 1 April neither is out: unemployment comes a week later.",
        "c": "Figures are dated by the quarter they are about and known weeks later. Two of the "
        "three monthly unemployment rates are out, but not the quarter's.",
    },
)


def _dollars_of_a_shock(weight_pct, fall_pct, number, quote):
    index_pct = weight_pct / 100 * -fall_pct
    points = quote * index_pct / 100
    return points * M2K.multiplier * number


q5 = Compute(
    "An industry makes up {weight_pct} % of the index. It falls by {fall_pct} %, and the rest "
    "stands still. You are long {number} M2K at {quote:,.1f}. Compute your profit or loss in USD. "
    "Give it to the cent.",
    reference=_dollars_of_a_shock,
    given={
        "weight_pct": Given(16, [14, 18, 12]),
        "fall_pct": Given(6, [5, 7, 9]),
        "number": Given(3, [2, 4]),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
    },
    mistakes=[
        Mistake(
            lambda weight_pct, fall_pct, number, quote: -fall_pct / 100 * quote * 5 * number,
            "That lets the whole index fall by {fall_pct} %. Only {weight_pct} % of it does.",
        ),
        Mistake(
            lambda weight_pct, fall_pct, number, quote: (
                -weight_pct / 100 * fall_pct / 100 * quote * number
            ),
            "Those are points. Each point is $5 on each contract.",
        ),
        Mistake(
            lambda weight_pct, fall_pct, number, quote: (
                -weight_pct / 100 * fall_pct / 100 * quote * 5
            ),
            "That is one contract; you hold {number}.",
        ),
        Mistake(
            lambda weight_pct, fall_pct, number, quote: -weight_pct / 100 * fall_pct,
            "That is the index's move in percent. Carry it on to points, and to dollars.",
        ),
        Mistake(
            lambda weight_pct, fall_pct, number, quote: -weight_pct / 100 * fall_pct * 5 * number,
            "Weight times fall is a percentage of the index, not points yet.",
        ),
    ],
    hints=[
        "The industry's weight times its fall is the index's fall in percent.",
        "−{weight_pct} / 100 × {fall_pct} / 100 × {quote:,.1f} × 5 × {number}",
    ],
    well_done="If other industries follow, it is more: the explorer shows how much.",
    unit="USD",
)


def _dollars_of_a_surprise(jobs_actual, jobs_expected, usual, response_pct, number, quote):
    surprise = (jobs_actual - jobs_expected) / usual
    return surprise * response_pct / 100 * quote * M2K.multiplier * number


q6 = Compute(
    "Employment comes out at {jobs_actual} thousand new jobs; {jobs_expected} were expected, and "
    "last month's figure was 240. A surprise of 1 is {usual} thousand, and it moves the price by "
    "{response_pct} % on average. Compute the profit or loss, in USD, that this leads you to "
    "expect on {number} long M2K at {quote:,.1f} over the next half hour. "
    "Give it to the cent.",
    reference=_dollars_of_a_surprise,
    given={
        "jobs_actual": Given(195, [180, 210, 225]),
        "jobs_expected": Given(120, [105, 135, 150]),
        "usual": Given(75, [75]),
        "response_pct": Given(0.18, [0.16, 0.2]),
        "number": Given(2, [3, 4]),
        "quote": Given(2400.0, steps(2350.0, 2450.0, 10.0)),
    },
    mistakes=[
        Mistake(
            lambda jobs_actual, jobs_expected, usual, response_pct, number, quote: (
                (jobs_actual - 240) / usual * response_pct / 100 * quote * 5 * number
            ),
            "You compared with last month. What was expected is in the price; what differs from "
            "it is the news.",
        ),
        Mistake(
            lambda jobs_actual, jobs_expected, usual, response_pct, number, quote: (
                jobs_actual / usual * response_pct / 100 * quote * 5 * number
            ),
            "That treats the whole figure as news. {jobs_expected} of it were expected.",
        ),
        Mistake(
            lambda jobs_actual, jobs_expected, usual, response_pct, number, quote: (
                (jobs_actual - jobs_expected) / usual * response_pct * quote * 5 * number
            ),
            "The response is in percent: divide by 100.",
        ),
        Mistake(
            lambda jobs_actual, jobs_expected, usual, response_pct, number, quote: (
                (jobs_actual - jobs_expected) / usual * response_pct / 100 * quote * 5
            ),
            "That is one contract; you hold {number}.",
        ),
        Mistake(
            lambda jobs_actual, jobs_expected, usual, response_pct, number, quote: (
                (jobs_actual - jobs_expected) / usual * response_pct / 100 * quote * number
            ),
            "Those are points. Each point is $5 on each contract.",
        ),
    ],
    hints=[
        "First the surprise: actual less expected, in units of {usual} thousand.",
        "({jobs_actual} − {jobs_expected}) / {usual} × {response_pct} / 100 × {quote:,.1f} × 5 × "
        "{number}",
    ],
    well_done="Fewer jobs than last month, and yet good news: expectations decide.",
    unit="USD",
)


def _known_on(figures, day):
    """The newest value that was published before `day`; `np.nan` if there is none."""
    known = figures[figures["published"] < day]
    if known.empty:
        return np.nan
    return known.sort_values("quarter_end")["value"].iloc[-1]


def _figures():
    return pd.DataFrame(
        {
            "quarter_end": pd.to_datetime(["2030-03-31", "2030-06-30", "2029-12-31", "2029-12-31"]),
            "published": pd.to_datetime(["2030-04-30", "2030-07-30", "2030-05-28", "2030-01-30"]),
            "value": [4.3, 4.0, 4.2, 4.1],
        }
    )


q7 = Write(
    "Write the function `known_on(figures, day)`. It takes a table with the columns `quarter_end` "
    "(the day on which a quarter ended), `published` (the day on which its figure came out) and "
    "`value`, in no order, and a day. It returns the value of the newest quarter whose figure "
    "came out *before* that day, a number, or `np.nan` if there was none yet.",
    reference=_known_on,
    cases=[
        Case("a day in May", lambda: (_figures(), pd.Timestamp("2030-05-10"))),
        Case(
            "a day after the quarter's end and before its figure",
            lambda: (_figures(), pd.Timestamp("2030-07-05")),
        ),
        Case(
            "the very day on which a figure came out",
            lambda: (_figures(), pd.Timestamp("2030-04-30")),
        ),
        Case("a day before all figures", lambda: (_figures(), pd.Timestamp("2030-01-05"))),
    ],
    mistakes=[
        Mistake(
            lambda figures, day: (
                figures[figures["quarter_end"] < day].sort_values("quarter_end")["value"].iloc[-1]
            ),
            "That takes figures from the day on which their quarter ended. They came out weeks "
            "later.",
        ),
        Mistake(
            lambda figures, day: _known_on(figures, day + pd.Timedelta("1D")),
            "*Before* that day: on the day itself the figure may come out after you have traded.",
        ),
        Mistake(
            lambda figures, day: (
                np.nan
                if figures[figures["published"] < day].empty
                else figures[figures["published"] < day].sort_values("published")["value"].iloc[-1]
            ),
            "That takes the figure that came out last. A late one can be about an older quarter.",
        ),
        Mistake(
            lambda figures, day: (
                np.nan
                if figures[figures["published"] < day].empty
                else figures[figures["published"] < day]["value"].iloc[-1]
            ),
            "The rows are in no order: sort them by the end of the quarter first.",
        ),
        Mistake(
            lambda figures, day: figures.sort_values("quarter_end")["value"].iloc[-1],
            "That takes the newest figure of all, whatever the day.",
        ),
    ],
    hints=[
        'Which rows could anybody know on that day? `figures["published"] < day` says it for each.',
        'Keep those rows, sort them with `sort_values("quarter_end")`, and take the last value. '
        "`.empty` tells whether there is any.",
    ],
    well_done="A figure is dated by its quarter and known by its publication.",
)


def _out_of_sample_r2(actual, forecast):
    """Out-of-sample R squared, in percent, against the mean of the values before."""
    mean_before = actual.expanding().mean().shift()
    model = ((actual - forecast) ** 2)[1:].sum()
    plain = ((actual - mean_before) ** 2)[1:].sum()
    return 100 * (1 - model / plain)


def _premiums():
    rng = np.random.default_rng(8)
    actual = series(*(0.4 + 3 * rng.normal(size=40)), name="premium")
    return actual, actual * 0.1 + rng.normal(size=40)


q8 = Write(
    "Write the function `out_of_sample_r2(actual, forecast)`. It takes two Series with the same "
    "index, what came and what was forecast, and returns one number in percent: 100 × (1 − the "
    "sum of the forecast's squared errors over that of the plain average's). The plain average "
    "of a day is the mean of all values of `actual` *before* it; the first day has none, and is "
    "left out of both sums.",
    reference=_out_of_sample_r2,
    cases=[
        Case("forty quarters", _premiums),
        Case("a perfect forecast", lambda: (series(1, 3, 2, 4), series(0, 3, 2, 4))),
        Case("three quarters", lambda: (series(1, 2, 4), series(9, 2.5, 3))),
    ],
    mistakes=[
        Mistake(
            lambda actual, forecast: (
                100
                * (
                    1
                    - ((actual - forecast) ** 2)[1:].sum()
                    / ((actual - actual.mean()) ** 2)[1:].sum()
                )
            ),
            "That compares with the mean of all values, which nobody knew at the time. It makes "
            "every forecast look worse than it is.",
        ),
        Mistake(
            lambda actual, forecast: (
                100
                * (
                    1
                    - ((actual - forecast) ** 2)[1:].sum()
                    / ((actual - actual.expanding().mean()) ** 2)[1:].sum()
                )
            ),
            "The day's own value is in its average. Take the values *before* it: shift by one.",
        ),
        Mistake(
            lambda actual, forecast: (
                100
                * (
                    1
                    - ((actual - forecast) ** 2).sum()
                    / ((actual - actual.expanding().mean().shift()) ** 2).sum()
                )
            ),
            "The first day is in one sum and not in the other. Leave it out of both.",
        ),
        Mistake(
            lambda actual, forecast: 100 * actual[1:].corr(forecast[1:]) ** 2,
            "That is the squared correlation. It is never below zero, and forgives a forecast "
            "that is always too high.",
        ),
        Mistake(
            lambda actual, forecast: _out_of_sample_r2(actual, forecast) / 100,
            "That is the fraction. The question wants percent.",
        ),
    ],
    hints=[
        "`actual.expanding().mean()` is the mean of all values so far, the day's own included. "
        "How do you get the one of the day before?",
        "Two sums of squares without their first day, `[1:]`, and one minus their ratio.",
    ],
    well_done="Below zero, the plain average would have served better.",
    tolerance=1e-7,
)

g1 = Guess(
    "How far does a quarter's premium usually stray from its average, in percent?",
    unit="%",
    scale=5,
)

g2 = Guess(
    "Unemployment, bill rate and spending together, as known in time: how large is their "
    "out-of-sample R², in percent?",
    unit="%",
    scale=5,
)

quiz = Choose(
    "A friend says: “Unemployment is rising, so small companies will do worse than large ones. "
    "Everybody knows that.” Choose the best reply.",
    options={
        "a": "True: in the record of half a century the premium falls when unemployment rises.",
        "b": "The other way round: sell large companies and buy small ones when it rises.",
        "c": "The record doesn't show it, and when the figure is out it is mostly in the price.",
    },
    right="c",
    feedback={
        "a": "The slope of these quarters is above zero, not below; taken alone, its interval "
        "holds zero.",
        "b": "The slope points there, but alone its interval holds zero, and with figures known "
        "in time the forecasts were not surely better than the plain average.",
        "c": "A story can sound right and still be worth nothing: others know it too, and a "
        "quarter brings so much else.",
    },
)

QUESTIONS = register("08_fundamentals", globals())
