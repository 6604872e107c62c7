"""One-minute bars of M2K and MES for whole Globex sessions, and around economic releases.

Log returns of a minute are: volatility by time of day, times a level that changes from session
to session, times one that changes within the hour and rises with falls, times a Student-t shock;
plus the response to a release; plus a disturbance of a minute or two, which is why two prices
agree less over one minute than over five. Each day has its own correlation.
"""

from __future__ import annotations

import datetime as dt
import math

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks
from m2k_lessons.simulate import day_bars, minute_paths, release_days
from m2k_lessons.simulate.intraday_truth import MINUTES_A_DAY, IntradayTruth, Profile
from m2k_lessons.simulate.market import Market
from m2k_lessons.simulate.release_days import ReleaseTruth

MINUTES_BEFORE, MINUTES_AFTER = 60, 120


def intraday(days: int, seed: int, *, start: str | dt.date = "2030-01-02") -> Market:
    """Draw one-minute bars of M2K and MES for whole Globex sessions.

    Sessions run from Sunday 18:00 to Friday 17:00 New York time with a break at 17:00 to 18:00,
    less holidays and early closes; `sessions` knows them, and DST changes. No bar lies in a
    closed minute.

    Parameters
    ----------
    days : int
        Trade dates, at least 1. Holiday half-sessions between them are included.
    seed : int
        Of the random generator, at least 0.
    start : date
        First trade date, or the first one after it; all of them up to the end of 2068. The
        default is in the future on purpose.

    Returns
    -------
    Market
        - "M2K", "MES": open high low close volume spread_ticks; prices in points on their
          ticks, the index is the start of each minute in America/New_York. `spread_ticks` is
          the distance from bid to ask, in ticks, that a market order found in that minute.
        - "releases": the economic releases in these days: release, reference_period, previous,
          consensus, actual, surprise (standardised); see `macro`.

        `truth` is an `IntradayTruth`.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted, or more days than the calendar has.

    Notes
    -----
    Volatility and volume between 09:30 and 16:00, the share of the night, the correlations, how
    volatility clusters within a day, the moves after releases and those of rate days are set to
    measured figures; benchmarks/realism_intraday.py compares. Assumptions of this course, because
    no figure was found: the night's volatility hour by hour, the night's share of the volume,
    what releases do to the volume, and every spread.
    There are no price limits, no halts caused by prices, and no risk premium.

    Examples
    --------
    >>> market = intraday(days=2, seed=5)
    >>> len(market["M2K"]), str(market["M2K"].index[0])
    (2760, '2030-01-01 18:00:00-05:00')
    """
    seed = checks.whole("seed", seed, at_least=0)
    first = checks.date("start", start)
    known = sessions.trading_days(first, sessions.LAST_DAY)
    days = checks.whole("days", days, at_least=1, at_most=len(known))
    first, last = known[0], known[days - 1]
    index = sessions.session_minutes(first, last).rename("time")
    truth = IntradayTruth(seed=seed, first_day=first.date(), last_day=last.date())

    release_rng, price_rng = np.random.default_rng(seed).spawn(2)
    # A session begins on the evening before, perhaps in the month before.
    month = pd.Period(index[0].date(), "M")
    scheduled = release_days.release_times(month, (last.to_period("M") - month).n + 1)
    releases = release_days.draw_releases(release_rng, scheduled)
    releases = releases[releases.index.isin(index)]

    closed = _minutes_closed(index)
    pause = truth.gap_bp**2 * (closed / 60) ** truth.gap_exponent
    frames = minute_paths.minute_bars(price_rng, truth, index, pause, closed > 0, releases)
    return Market({**frames, "releases": releases}, truth)


def release_windows(years: float, seed: int, *, controls: bool = True) -> Market:
    """Draw the minutes around every economic release of some years.

    The same model as `intraday`, from 60 minutes before each release to 120 minutes after it,
    because sixty days hold three payroll reports: too few to say anything.

    Parameters
    ----------
    years : float
        At least 1/12, at most 39 (the calendar ends with 2068); rounded to whole months.
    seed : int
        Of the random generator, at least 0. The releases are those of
        ``macro(round(12 * years), seed)``.
    controls : bool
        Add to each release a window at the same time of day on the next trade date without any
        release: what the market does when nothing happens.

    Returns
    -------
    Market
        - "M2K", "MES": as in `intraday`, and window (number of the window) and minute (-60 to
          120, 0 begins with the release). From one window to the next the price has moved by
          what happened in between. A window is shorter where the market closes.
        - "releases": one row for each release: window, release, reference_period, previous,
          consensus, actual, surprise (standardised).
        - "controls" (if asked for): one row for each control window: window, release (the kind
          it is the control of), released_window.

        `truth` is an `IntradayTruth` with the response to each kind of release.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Examples
    --------
    >>> market = release_windows(years=1, seed=2)
    >>> market["releases"].groupby("release").size().to_dict()
    {'CPI': 12, 'employment': 12, 'rate decision': 8, 'retail sales': 12}
    """
    seed = checks.whole("seed", seed, at_least=0)
    years = checks.number("years", years, at_least=1 / 12, at_most=11)
    if not isinstance(controls, (bool, np.bool_)):
        raise TypeError(f"controls must be True or False, got {controls!r}")
    release_rng, price_rng = np.random.default_rng(seed).spawn(2)
    scheduled = release_days.release_times(release_days.FIRST_MONTH, round(12 * years))
    releases = release_days.draw_releases(release_rng, scheduled)

    times = releases.index
    if controls:
        free = _control_times(times)
        times = times.append(free)
    order = np.argsort(times.asi8, kind="stable")
    number = np.empty(len(times), dtype=np.int64)
    number[order] = np.arange(len(times))

    minutes = np.arange(-MINUTES_BEFORE, MINUTES_AFTER + 1)
    all_minutes = (times[order].asi8[:, None] + minutes * 60_000_000).ravel()
    index = pd.DatetimeIndex(all_minutes.astype("datetime64[us]"), name="time")
    index = index.tz_localize("UTC").tz_convert(sessions.NEW_YORK)
    is_open = sessions.is_open(index).to_numpy()
    window = np.repeat(np.arange(len(times)), len(minutes))[is_open]
    minute = np.tile(minutes, len(times))[is_open]
    index = index[is_open]

    truth = IntradayTruth(
        seed=seed, first_day=index[0].date(), last_day=(index[-1] + dt.timedelta(hours=6)).date()
    )
    begins = np.diff(window, prepend=-1) > 0
    # Between two windows the market has moved as on any days, nights and weekends.
    passed_days = np.where(begins, _minutes_closed(index), 0) / MINUTES_A_DAY
    pause = Profile.of(truth).daily_variance * passed_days * day_bars.DAYS_A_YEAR / 365.25
    frames = minute_paths.minute_bars(price_rng, truth, index, pause, begins, releases)
    for frame in frames.values():
        frame["window"], frame["minute"] = window, minute
    releases.insert(0, "window", number[: len(releases)])
    frames["releases"] = releases
    if controls:
        table = pd.DataFrame(
            {
                "window": number[len(releases) :],
                "release": releases["release"].to_numpy(),
                "released_window": releases["window"].to_numpy(),
            },
            index=free,
        )
        frames["controls"] = table.astype({"release": "str"}).sort_index()
    return Market(frames, truth)


def minute_model() -> IntradayTruth:
    """The parameters that every draw of minutes has, with a seed and days that mean nothing."""
    return IntradayTruth(seed=0, first_day=day_bars.FIRST_DAY, last_day=day_bars.FIRST_DAY)


def response_noise_pct(release: ReleaseTruth) -> float:
    """Standard deviation, in %, of what is not response in M2K's 30 minutes after a release."""
    truth = minute_model()
    begin = release.minute_of_day
    minutes = slice(begin, begin + release_days.RESPONSE_MINUTES)
    ordinary = Profile.of(truth).variance[minutes]
    excited = release_days.excitement(release.volatility_multiple, release.half_life_minutes)
    excited = excited[: release_days.RESPONSE_MINUTES]
    disturbed = truth._disturbed(release_days.RESPONSE_MINUTES) * ordinary.mean()
    return math.sqrt(np.sum(ordinary * excited**2) + disturbed) / 100


def _minutes_closed(index: pd.DatetimeIndex) -> np.ndarray:
    """Minutes missing between each bar and the one before it; an hour before the first."""
    return np.diff(index.asi8, prepend=index.asi8[0] - 61 * 60_000_000) / 60_000_000 - 1


def _control_times(times: pd.DatetimeIndex) -> pd.DatetimeIndex:
    """For each release the same time of day on the next normal session without a release."""
    days = times.tz_localize(None).normalize()
    table = sessions.schedule(days[0], min(days[-1] + dt.timedelta(days=60), sessions.LAST_DAY))
    ordinary = table.index[(table["kind"] == "normal") & ~table.index.isin(days)]
    taken, found = set(), []
    for day, time in zip(days, times, strict=True):
        clock = time.tz_localize(None) - day
        place = ordinary.searchsorted(day)
        while place < len(ordinary) and (place, clock) in taken:
            place += 1
        if place == len(ordinary):  # the calendar ends: take the last free day before it
            place = next(p for p in reversed(range(place)) if (p, clock) not in taken)
        taken.add((place, clock))
        found.append(ordinary[place] + clock)
    return pd.DatetimeIndex(found, name="time").as_unit("us").tz_localize(sessions.NEW_YORK)
