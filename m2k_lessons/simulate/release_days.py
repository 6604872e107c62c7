"""Scheduled economic releases: when they come, what they say, what the price does.

Dates follow rules and are invented, like everything else here: the agencies publish their own
calendars, and holidays and government shutdowns move releases in reality.
"""

from __future__ import annotations

import calendar
import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons.sessions import NEW_YORK

FIRST_MONTH = pd.Period("2030-01", "M")
RESPONSE_MINUTES = 30  # after which nothing of a response is left to come
_AT_ONCE = 0.6  # of a response in the first minute; the rest halves every
_RESPONSE_HALF_LIFE = 3.0  # minutes
_EXCITED_MINUTES = 60


@dataclass(frozen=True)
class Conference:
    """The press conference after a release, and the calm before the release.

    Attributes
    ----------
    after_minutes, minutes : int
        From the release to its beginning, and how long it keeps the market restless.
    volatility_multiple, volume_multiple : float
        Of the ordinary minute's, as it begins.
    half_life_minutes : float
        In which the excess over the ordinary halves.
    calm_minutes : int
        Before the release.
    calm_volatility, calm_volume : float
        Multiples of the ordinary minute's in them.
    """

    after_minutes: int
    minutes: int
    volatility_multiple: float
    volume_multiple: float
    half_life_minutes: float
    calm_minutes: int
    calm_volatility: float
    calm_volume: float


@dataclass(frozen=True)
class ReleaseTruth:
    """One kind of release and what a surprise in it does to the price.

    Attributes
    ----------
    name, agency, unit : str
    clock : str
        New York time of the release.
    surprise_scale : float
        Actual minus consensus, in `unit`, that counts as a surprise of 1.
    small_cap_pct, large_cap_pct : float
        Response of the price to a surprise of +1 over the following 30 minutes, in %.
    volatility_multiple, volume_multiple : float
        Of the ordinary minute's, in the first minute.
    a_year : float
        Releases a year.
    half_life_minutes : float
        In which the excess over the ordinary halves.
    large_cap_excess : float
        The large caps' excess over the ordinary volatility, as a share of the small caps'.
    conference : Conference or None
    """

    name: str
    agency: str
    unit: str
    clock: str
    surprise_scale: float
    small_cap_pct: float
    large_cap_pct: float
    volatility_multiple: float
    volume_multiple: float
    a_year: float
    half_life_minutes: float = 6.0
    large_cap_excess: float = 1.0
    conference: Conference | None = None

    @property
    def minute_of_day(self) -> int:
        """Minutes from midnight to the release, New York time."""
        hours, minutes = self.clock.split(":")
        return 60 * int(hours) + int(minutes)


# Volatility multiples are set so that the five minutes after a release move as many times an
# ordinary day's as they did in 2018 (benchmarks/realism_intraday.py). Growth lifts both, small
# caps more; inflation and rates weigh on both, on indebted small caps more. Sizes are invented.
EMPLOYMENT = ReleaseTruth(
    "employment", "BLS", "thousand jobs", "08:30", 75.0, 0.18, 0.12, 2.0, 8.0, 12
)
CPI = ReleaseTruth("CPI", "BLS", "% a month", "08:30", 0.1, -0.15, -0.10, 1.0, 6.0, 12)
RETAIL_SALES = ReleaseTruth(
    "retail sales", "Census", "% a month", "08:30", 0.5, 0.14, 0.09, 1.4, 4.0, 12
)
# From 14:30 for 90 minutes, and from 09:30 to 14:00: Russell 2000 on 20 rate days of 2024 to 2026
# against all other days. The multiples of the volume are assumed.
PRESS_CONFERENCE = Conference(
    after_minutes=30,
    minutes=90,
    volatility_multiple=5.4,
    volume_multiple=3.0,
    half_life_minutes=37.0,
    calm_minutes=270,
    calm_volatility=0.7,
    calm_volume=0.8,
)
RATE_DECISION = ReleaseTruth(
    "rate decision",
    "FOMC",
    "% target rate",
    "14:00",
    surprise_scale=0.075,
    small_cap_pct=-0.25,
    large_cap_pct=-0.18,
    volatility_multiple=5.0,
    volume_multiple=6.0,
    a_year=8,
    half_life_minutes=14.0,
    large_cap_excess=0.7,
    conference=PRESS_CONFERENCE,
)
RELEASES = (EMPLOYMENT, CPI, RETAIL_SALES, RATE_DECISION)

# Meetings: month, and which Wednesday of it (-1: the last).
_MEETINGS = {1: -1, 3: 3, 5: 1, 6: 2, 7: -1, 9: 3, 11: 1, 12: 2}


class _Scheduled(NamedTuple):
    time: pd.Timestamp
    release: ReleaseTruth
    reference_period: str  # the month that the figure is about, such as "2029-12"


def response_path() -> np.ndarray:
    """Share of a response that arrives in each of the 30 minutes after a release."""
    later = 2.0 ** (-np.arange(1, RESPONSE_MINUTES) / _RESPONSE_HALF_LIFE)
    return np.concatenate([[_AT_ONCE], (1 - _AT_ONCE) * later / later.sum()])


def excitement(multiple: float, half_life: float) -> np.ndarray:
    """Multiple of an ordinary minute's volatility, or volume, in each minute after a release."""
    return 1 + (multiple - 1) * 2.0 ** (-np.arange(_EXCITED_MINUTES) / half_life)


class Piece(NamedTuple):
    """What a release adds to the multiples of an ordinary minute's volatility and volume."""

    offset: int  # of its first minute from the release
    volatility: np.ndarray  # the small caps'
    large_volatility: np.ndarray
    volume: np.ndarray


def pieces(release: ReleaseTruth) -> list[Piece]:
    """The minutes after a release; its conference and the calm before it, where it has them."""
    kept, share = release.half_life_minutes, release.large_cap_excess
    moved = excitement(release.volatility_multiple, kept) - 1
    found = [Piece(0, moved, share * moved, excitement(release.volume_multiple, kept) - 1)]
    talk = release.conference
    if talk:
        fade = 2.0 ** (-np.arange(talk.minutes) / talk.half_life_minutes)
        moved, traded = (talk.volatility_multiple - 1) * fade, (talk.volume_multiple - 1) * fade
        found.append(Piece(talk.after_minutes, moved, share * moved, traded))
        calm = np.ones(talk.calm_minutes)
        quiet, thin = (talk.calm_volatility - 1) * calm, (talk.calm_volume - 1) * calm
        found.append(Piece(-talk.calm_minutes, quiet, quiet, thin))
    return found


def release_times(first: pd.Period, months: int) -> list[_Scheduled]:
    """Every release of `months` months, in order of time."""
    scheduled = []
    for month in pd.period_range(first, periods=months, freq="M"):
        year, number = month.year, month.month
        about = str(month - 1)
        inflation = _cpi_day(year, number)
        dated = [
            (EMPLOYMENT, _employment_day(year, number), about),
            (CPI, inflation, about),
            (RETAIL_SALES, _retail_sales_day(year, number, inflation), about),
        ]
        if number in _MEETINGS:
            day = _nth_weekday(year, number, calendar.WEDNESDAY, _MEETINGS[number])
            dated.append((RATE_DECISION, day, str(month)))
        for release, day, period in dated:
            time = pd.Timestamp(f"{day} {release.clock}", tz=NEW_YORK).as_unit("us")
            scheduled.append(_Scheduled(time, release, period))
    return sorted(scheduled, key=lambda one: one.time)


def draw_releases(rng: np.random.Generator, scheduled: list[_Scheduled]) -> pd.DataFrame:
    """Consensus and actual figure of every release; the consensus is the mean of the actual.

    Economic figures: consensus = mean + half of the last figure's distance from it + news;
    actual = consensus + surprise, both rounded as published. Target rate: the consensus is the
    rate that futures imply, `last + p * step`, and the step comes with probability p.
    """
    draws = {
        "employment": lambda last: _figure(rng, last, 150.0, 25.0, 75.0, digits=0),
        "CPI": lambda last: _figure(rng, last, 0.2, 0.06, 0.1, digits=1),
        "retail sales": lambda last: _figure(rng, last, 0.3, 0.2, 0.5, digits=1),
        "rate decision": lambda last: _decision(rng, last),
    }
    last = {"employment": 150.0, "CPI": 0.2, "retail sales": 0.3, "rate decision": 3.5}
    rows = []
    for _, release, period in scheduled:
        consensus, actual = draws[release.name](last[release.name])
        surprise = round((actual - consensus) / release.surprise_scale, 4) + 0.0
        rows.append((release.name, period, last[release.name], consensus, actual, surprise))
        last[release.name] = actual
    names = ["release", "reference_period", "previous", "consensus", "actual", "surprise"]
    kinds = ["str", "str", "float64", "float64", "float64", "float64"]
    table = pd.DataFrame(rows, columns=names).astype(dict(zip(names, kinds, strict=True)))
    times = pd.DatetimeIndex([one.time for one in scheduled], name="time")
    return table.set_axis(times.as_unit("us"), axis=0)


def _figure(rng, last, mean, news, surprise, *, digits) -> tuple[float, float]:
    expected = mean + 0.5 * (last - mean) + news * rng.standard_normal()
    consensus = round(expected, digits) + 0.0  # never -0.0
    return consensus, round(consensus + surprise * rng.standard_normal(), digits) + 0.0


def _decision(rng, last: float) -> tuple[float, float]:
    # A high rate is more likely to be cut than raised; it stays between 0.5 and 7.5.
    step = 0.25 if rng.uniform() < min(max(1 - last / 7, 0.05), 0.95) else -0.25
    if not 0.5 <= last + step <= 7.5:
        step = -step
    # Most meetings are all but decided beforehand.
    certainty = rng.uniform()
    odds = rng.uniform()
    if certainty < 0.55:
        odds = 0.12 * odds
    elif certainty < 0.85:
        odds = 1 - 0.15 * odds
    else:
        odds = 0.3 + 0.4 * odds
    moved = rng.uniform() < odds
    return round(last + odds * step, 2), round(last + moved * step, 2)


def _employment_day(year: int, month: int) -> dt.date:
    """First Friday; a week later if that is New Year, a day earlier if it is Independence Day."""
    day = _nth_weekday(year, month, calendar.FRIDAY, 1)
    if (month, day.day) == (1, 1):
        return day + dt.timedelta(days=7)
    if (month, day.day) in ((7, 3), (7, 4)):
        return day - dt.timedelta(days=1)
    return day


def _cpi_day(year: int, month: int) -> dt.date:
    """First Wednesday from the 10th on; a day later if that is Veterans Day."""
    day = dt.date(year, month, 10)
    day += dt.timedelta(days=(calendar.WEDNESDAY - day.weekday()) % 7)
    return day + dt.timedelta(days=1) if (month, day.day) == (11, 11) else day


def _retail_sales_day(year: int, month: int, inflation: dt.date) -> dt.date:
    """First working day from the 15th on that has no CPI."""
    from dateutil.easter import easter

    day = dt.date(year, month, 15)
    holiday = _nth_weekday(year, month, calendar.MONDAY, 3) if month in (1, 2) else None
    good_friday = easter(year) - dt.timedelta(days=2)
    while day.weekday() > calendar.FRIDAY or day in (holiday, good_friday, inflation):
        day += dt.timedelta(days=1)
    return day


def _nth_weekday(year: int, month: int, weekday: int, which: int) -> dt.date:
    """The `which`-th such weekday of a month; -1 is the last."""
    if which < 0:
        last = calendar.monthrange(year, month)[1]
        day = dt.date(year, month, last)
        return day - dt.timedelta(days=(day.weekday() - weekday) % 7)
    day = dt.date(year, month, 1)
    return day + dt.timedelta(days=(weekday - day.weekday()) % 7 + 7 * (which - 1))
