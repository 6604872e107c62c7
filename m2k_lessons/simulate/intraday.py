"""One-minute bars of M2K and MES for whole Globex sessions, and around economic releases.

Log returns of a minute are: volatility by time of day, times a level that changes from session
to session, times a Student-t shock; plus the response to a release; plus a disturbance of a
minute or two, which is why two prices agree less over one minute than over five.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import _check, sessions
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate import _paths, _releases
from m2k_lessons.simulate._index_paths import HALF_HOUR_VOLATILITY
from m2k_lessons.simulate._releases import RELEASES, ReleaseTruth
from m2k_lessons.simulate.market import Market

MINUTES_BEFORE, MINUTES_AFTER = 60, 120

# Share of the stock market day's volume in each half hour from 09:30, in % (IWM).
_HALF_HOUR_VOLUME = (17.6, 10.4, 8.6, 7.1, 6.3, 5.4, 4.9, 5.0, 4.8, 5.0, 5.7, 6.4, 12.8)

# Volatility outside the stock market's hours, by half hour; only the proportions count, and they
# are this course's assumption: quiet evening, Europe's open at 02:00 to 04:00, figures at 08:30.
_EXTENDED_VOLATILITY = {
    16.0: (0.9, 0.5),
    18.0: (0.8, 0.6, 0.7, 0.6, 0.7, 0.6, 0.6, 0.5, 0.5, 0.5, 0.45, 0.45),
    0.0: (0.45, 0.45, 0.5, 0.55, 0.9, 0.9, 1.1, 1.0),
    4.0: (0.8, 0.75, 0.7, 0.7, 0.7, 0.75, 0.8, 0.85, 0.9, 1.0, 1.15),
}
_RTH_START, _RTH_END = 9 * 60 + 30, 16 * 60
_MINUTES_A_DAY = 24 * 60


@dataclass(frozen=True)
class IntradayTruth:
    """The parameters of one draw of `intraday` or `release_windows`.

    Attributes
    ----------
    seed : int
    first_day, last_day : date
        First and last trade date.
    five_minute_volatility_bp : tuple of float
        Standard deviation of M2K's 5-minute log returns in each half hour from 09:30 to 16:00,
        in basis points.
    overnight_share : float
        Share of the daily variance between 16:00 and 09:30.
    relative_volatility : float
        MES's volatility over M2K's.
    correlation : float
        Of M2K's and MES's log returns over a day.
    disturbance, disturbance_kept : float
        Variance of the short-lived disturbance of each price, as a multiple of the variance of
        one minute, and the share of it that is left a minute later.
    tail : float
        Degrees of freedom of the Student-t shocks of a minute.
    session_deviation, session_kept : float
        Standard deviation of the logarithm of a session's volatility, and its autocorrelation
        from one session to the next.
    gap_bp : float
        Standard deviation of M2K's move over one hour without trading, in basis points.
    gap_exponent : float
        That move's variance grows with hours ** gap_exponent. The same in every draw.
    holiday_volatility : float
        Volatility while the stock market is shut for a holiday, as a multiple of a normal day's.
    extended_volume_share : float
        Share of the day's volume outside 09:30 to 16:00.
    releases : tuple of ReleaseTruth
    """

    seed: int
    first_day: dt.date
    last_day: dt.date
    five_minute_volatility_bp: tuple[float, ...] = HALF_HOUR_VOLATILITY
    overnight_share: float = 0.42
    relative_volatility: float = 0.76
    correlation: float = 0.87
    correlation_deviation: float = 0.1
    disturbance: float = 0.22
    disturbance_kept: float = 0.455
    tail: float = 9.0
    session_deviation: float = 0.4
    session_kept: float = 0.85
    fast_deviation: float = 0.31
    fast_half_life_minutes: float = 75.0
    leverage: float = 0.85
    gap_bp: float = 8.0
    gap_exponent: ClassVar[float] = 0.65
    holiday_volatility: float = 0.5
    extended_volume_share: float = 0.15
    volume_on_volatility: float = 0.55
    releases: tuple[ReleaseTruth, ...] = RELEASES

    def correlation_over(self, minutes: int) -> float:
        """Correlation of M2K's and MES's log returns over some minutes within a session."""
        minutes = _check.whole("minutes", minutes, at_least=1)
        return self.correlation / (1 + self._disturbed(minutes) / minutes)

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name; volatilities in % a year of 252 days."""
        volatility = math.sqrt(_Profile.of(self).daily_variance * _paths.DAYS_A_YEAR) / 100
        return {
            "volatility_small_pct": round(volatility, 8),
            "volatility_large_pct": round(volatility * self.relative_volatility, 8),
            "correlation_over(1)": round(self.correlation_over(1), 8),
            "correlation_over(5)": round(self.correlation_over(5), 8),
        }

    def _disturbed(self, minutes: int) -> float:
        """Variance that the disturbance adds to a return, in variances of one minute."""
        return 2 * self.disturbance * (1 - self.disturbance_kept**minutes)


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
        First trade date, or the first one after it; all of them up to the end of 2040. The
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
    Volatility and volume between 09:30 and 16:00, the share of the night, the correlations and
    the moves after releases are set to measured figures; benchmarks/realism_intraday.py
    compares. Assumptions of this course, because no figure was found: the night's volatility
    hour by hour, the night's share of the volume, and every spread.
    There are no price limits, no halts caused by prices, and no risk premium.

    Examples
    --------
    >>> market = intraday(days=2, seed=5)
    >>> len(market["M2K"]), str(market["M2K"].index[0])
    (2760, '2030-01-01 18:00:00-05:00')
    """
    seed = _check.whole("seed", seed, at_least=0)
    first = _check.date("start", start)
    known = sessions.trading_days(first, sessions.LAST_DAY)
    days = _check.whole("days", days, at_least=1, at_most=len(known))
    first, last = known[0], known[days - 1]
    index = sessions.session_minutes(first, last).rename("time")
    truth = IntradayTruth(seed=seed, first_day=first.date(), last_day=last.date())

    release_rng, price_rng = np.random.default_rng(seed).spawn(2)
    # A session begins on the evening before, perhaps in the month before.
    month = pd.Period(index[0].date(), "M")
    scheduled = _releases.release_times(month, (last.to_period("M") - month).n + 1)
    releases = _releases.draw_releases(release_rng, scheduled)
    releases = releases[releases.index.isin(index)]

    closed = _minutes_closed(index)
    pause = truth.gap_bp**2 * (closed / 60) ** truth.gap_exponent
    frames = _bars(price_rng, truth, index, pause, closed > 0, releases)
    return Market({**frames, "releases": releases}, truth)


def release_windows(years: float, seed: int, *, controls: bool = True) -> Market:
    """Draw the minutes around every economic release of some years.

    The same model as `intraday`, from 60 minutes before each release to 120 minutes after it,
    because sixty days hold three payroll reports: too few to say anything.

    Parameters
    ----------
    years : float
        At least 1/12, at most 11 (the calendar ends with 2040); rounded to whole months.
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
    seed = _check.whole("seed", seed, at_least=0)
    years = _check.number("years", years, at_least=1 / 12, at_most=11)
    if not isinstance(controls, (bool, np.bool_)):
        raise TypeError(f"controls must be True or False, got {controls!r}")
    release_rng, price_rng = np.random.default_rng(seed).spawn(2)
    scheduled = _releases.release_times(_releases.FIRST_MONTH, round(12 * years))
    releases = _releases.draw_releases(release_rng, scheduled)

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
    passed_days = np.where(begins, _minutes_closed(index), 0) / _MINUTES_A_DAY
    pause = _Profile.of(truth).daily_variance * passed_days * _paths.DAYS_A_YEAR / 365.25
    frames = _bars(price_rng, truth, index, pause, begins, releases)
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
    return IntradayTruth(seed=0, first_day=_paths.FIRST_DAY, last_day=_paths.FIRST_DAY)


def response_noise_pct(release: ReleaseTruth) -> float:
    """Standard deviation, in %, of what is not response in M2K's 30 minutes after a release."""
    truth = minute_model()
    begin = release.minute_of_day
    minutes = slice(begin, begin + _releases.RESPONSE_MINUTES)
    ordinary = _Profile.of(truth).variance[minutes]
    excited = _releases.excitement(release.volatility_multiple, release.half_life_minutes)
    excited = excited[: _releases.RESPONSE_MINUTES]
    disturbed = truth._disturbed(_releases.RESPONSE_MINUTES) * ordinary.mean()
    return math.sqrt(np.sum(ordinary * excited**2) + disturbed) / 100


# --------------------------------------------------------------------------- the model


class _Profile(NamedTuple):
    """The ordinary day, by minute from midnight. Variances are M2K's, in square basis points."""

    variance: np.ndarray
    volume_share: np.ndarray
    daily_variance: float

    @classmethod
    def of(cls, truth: IntradayTruth) -> _Profile:
        five_minutes = np.square(truth.five_minute_volatility_bp)
        in_day = 30 * five_minutes / (5 + truth._disturbed(5))  # each half hour's variance
        daily_variance = in_day.sum() / (1 - truth.overnight_share)
        # Four nights of an hour and a weekend, in five days.
        breaks = truth.gap_bp**2 * (4 + 49**truth.gap_exponent) / 5
        outside = np.zeros(_MINUTES_A_DAY)
        for hour, proportions in _EXTENDED_VOLATILITY.items():
            begin = round(60 * hour)
            outside[begin : begin + 30 * len(proportions)] = np.repeat(np.square(proportions), 30)

        # The measured figures hold what releases add on an average day; an ordinary minute has
        # that much less.
        moved, excited, traded = _average_news(truth)
        day = slice(_RTH_START, _RTH_END)
        night = daily_variance - in_day.sum() - breaks - moved.sum() + moved[day].sum()
        variance = outside * night / np.sum(outside * excited)
        variance[day] = _spread_out(in_day - _half_hours(moved[day]), excited[day])
        share = truth.extended_volume_share * outside / np.sum(outside * traded)
        in_day_share = (1 - truth.extended_volume_share) * np.array(_HALF_HOUR_VOLUME) / 100
        share[day] = _spread_out(in_day_share, traded[day])
        return cls(variance, share, float(daily_variance))


def _average_news(truth: IntradayTruth) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What releases do on an average day, by minute from midnight.

    The variance of their responses, the mean multiple of the ordinary variance and that of the
    ordinary volume.
    """
    moved, excited, traded = np.zeros((3, _MINUTES_A_DAY))
    for release in truth.releases:
        chance, begin = release.a_year / _paths.DAYS_A_YEAR, release.minute_of_day
        response = (100 * release.small_cap_pct * _releases.response_path()) ** 2
        moved[begin : begin + len(response)] += chance * response
        volatility, volume = np.zeros((2, _MINUTES_A_DAY))
        for piece in _releases.pieces(release):
            minutes = slice(begin + piece.offset, begin + piece.offset + len(piece.volatility))
            volatility[minutes] += piece.volatility
            volume[minutes] += piece.volume
        excited += chance * ((1 + volatility) ** 2 - 1)
        traded += chance * volume
    return moved, 1 + excited, 1 + traded


def _half_hours(by_minute: np.ndarray) -> np.ndarray:
    return by_minute.reshape(-1, 30).sum(axis=1)


def _spread_out(totals: np.ndarray, multiple: np.ndarray) -> np.ndarray:
    """Equal minutes in each half hour that, times their mean multiple, add up to the totals."""
    return np.repeat(totals / _half_hours(multiple), 30)


def _bars(
    rng: np.random.Generator,
    truth: IntradayTruth,
    index: pd.DatetimeIndex,
    pause: np.ndarray,
    reopens: np.ndarray,
    releases: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Minute bars on `index`.

    Parameters
    ----------
    pause : array of float
        Variance of M2K's move since the bar before, in square basis points; 0 if none is
        missing between them.
    reopens : array of bool
        Whether a bar is the first after such a pause.
    """
    size = len(index)
    apart = np.diff(index.asi8, prepend=index.asi8[0] - 60_000_000) / 60_000_000
    wall = index.tz_localize(None).to_numpy()
    midnight = wall.astype("datetime64[D]")
    minute_of_day = ((wall - midnight) // np.timedelta64(1, "m")).astype(np.int64)
    session_day = (wall + np.timedelta64(6, "h")).astype("datetime64[D]")
    profile = _Profile.of(truth)
    in_day = (minute_of_day >= _RTH_START) & (minute_of_day < _RTH_END)
    is_rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    holiday = in_day & ~is_rth

    # One level for each weekday, so that windows weeks apart have levels weeks apart.
    position = np.busday_count(session_day[0], session_day)
    wave = _paths.stationary_autoregression(rng, position[-1] + 1, truth.session_kept)
    wave = truth.session_deviation * wave[position]
    correlation = _day_correlations(rng, truth, position[-1] + 1)[position]

    normal = rng.standard_normal((2, size))
    normal[1] = correlation * normal[0] + _rest(correlation) * normal[1]
    # Volatility of the hour; what the market did in a minute is known in the next.
    market = normal.sum(axis=0) / np.sqrt(2 + 2 * correlation)
    fast = truth.fast_deviation * _fast(rng, truth, market, apart)
    variance = truth.session_deviation**2 + truth.fast_deviation**2
    level = np.exp(wave + fast - variance)  # of mean square 1
    volatility = np.sqrt(profile.variance[minute_of_day]) * level
    busy = truth.volume_on_volatility
    volume = profile.volume_share[minute_of_day]
    volume = volume * np.exp(busy * (wave + fast) - busy**2 * variance / 2)
    volatility[holiday] *= truth.holiday_volatility
    volume[holiday] *= truth.holiday_volatility**2
    news = _news(truth, index, reopens, releases)

    pauses = rng.standard_normal((2, size)) * np.sqrt(pause) * level
    pauses[1] = correlation * pauses[0] + _rest(correlation) * pauses[1]
    mixing = np.sqrt((truth.tail / 2 - 1) / rng.standard_gamma(truth.tail / 2, size))
    shocks = normal * mixing * volatility * news.excitement

    calm = _quiet_spread(minute_of_day, is_rth, reopens)
    frames = {}
    for row, contract, start, relative, thickness in (
        (0, M2K, _paths.SMALL_START, 1.0, 1.0),
        (1, MES, _paths.LARGE_START, truth.relative_volatility, 0.25),
    ):
        wobble = _paths.stationary_autoregression(rng, size, truth.disturbance_kept)
        wobble *= math.sqrt(truth.disturbance) * volatility
        moves = relative * (shocks[row] + pauses[row]) + news.response[row]
        log_close = math.log(start) + (np.cumsum(moves) + relative * wobble) / 1e4
        log_open = np.concatenate([[math.log(start)], log_close[:-1]])
        log_open += relative * pauses[row] / 1e4
        # The first trade of a minute is at the bid or the ask, the last one before it likewise.
        bounce = 0.35 * contract.tick_size * rng.standard_normal(size)
        log_open += bounce * np.exp(-log_open)
        within = relative * volatility * news.excitement[row] / 1e4
        frame = _paths.bars_from_ends(rng, contract, log_open, log_close, within, index)

        activity = 0.6 + 0.4 * np.abs(normal[row]) / math.sqrt(2 / math.pi)
        activity *= np.exp(rng.normal(-0.1, math.sqrt(0.2), size))
        contracts = _paths.VOLUME[contract.symbol] * volume * news.trading * activity
        frame["volume"] = np.maximum(1, np.rint(contracts)).astype(np.int64)
        excess = thickness * level * (calm + news.spread)
        frame["spread_ticks"] = 1 + rng.poisson(excess).astype(np.int64)
        frames[contract.symbol] = frame
    return frames


class _News(NamedTuple):
    """What releases do, minute by minute."""

    response: np.ndarray  # two rows, M2K and MES, in basis points
    excitement: np.ndarray  # multiple of the ordinary volatility, two rows
    trading: np.ndarray  # multiple of the ordinary volume
    spread: np.ndarray  # ticks of M2K's spread on top of the ordinary one


def _news(
    truth: IntradayTruth, index: pd.DatetimeIndex, reopens: np.ndarray, releases: pd.DataFrame
) -> _News:
    size = len(index)
    response, spread = np.zeros((2, size)), np.zeros(size)
    excitement, trading = np.ones((2, size)), np.ones(size)
    kinds = {one.name: one for one in truth.releases}
    starts = np.append(0, np.flatnonzero(reopens))
    ends = np.append(starts[1:], size)
    places = index.get_indexer(releases.index)
    path = _releases.response_path()
    after = 4 * 2.0 ** (-np.arange(30) / 3)
    for begin, name, surprise in zip(
        places, releases["release"], releases["surprise"], strict=True
    ):
        kind = kinds[name]
        # An early close ends what a release began.
        end = ends[np.searchsorted(ends, begin, side="right")]
        for row, pct in enumerate((kind.small_cap_pct, kind.large_cap_pct)):
            _add(response[row], begin, end, 100 * pct * surprise * path, begin)
        first = starts[np.searchsorted(starts, begin, side="right") - 1]
        for piece in _releases.pieces(kind):
            for row, volatility in enumerate((piece.volatility, piece.large_volatility)):
                _add(excitement[row], first, end, volatility, begin + piece.offset)
            _add(trading, first, end, piece.volume, begin + piece.offset)
        _add(spread, begin, end, after, begin)
        if begin and not reopens[begin]:
            spread[begin - 1] += 3.0  # orders are pulled before the figure
    return _News(response, excitement, trading, spread)


def _add(to: np.ndarray, first: int, end: int, values: np.ndarray, begin: int) -> None:
    """Add values from `begin` on to the bars from `first` to before `end`."""
    start, stop = max(begin, first), min(begin + len(values), end)
    to[start:stop] += values[start - begin : stop - begin]


def _quiet_spread(minute_of_day: np.ndarray, is_rth: np.ndarray, reopens: np.ndarray) -> np.ndarray:
    """Mean of M2K's spread on an ordinary day, less the one tick that it always is."""
    by_minute = np.full(_MINUTES_A_DAY, 0.8)
    by_minute[18 * 60 :] = by_minute[: 2 * 60] = 1.5
    mean = np.where(is_rth, 0.15, by_minute[minute_of_day])
    opening = minute_of_day - _RTH_START
    mean += np.where(is_rth & (opening < 30), 0.8 * 2.0 ** (-opening / 5), 0.0)
    starts = np.flatnonzero(reopens)
    since = (
        np.arange(len(mean)) - starts[np.searchsorted(starts, np.arange(len(mean)), "right") - 1]
    )
    evening = minute_of_day >= 18 * 60
    return mean + np.where(evening, 3.0 * 2.0 ** (-since / 5), 0.0)


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


def _rest(correlation: np.ndarray) -> np.ndarray:
    return np.sqrt(1 - correlation**2)


def _day_correlations(rng: np.random.Generator, truth: IntradayTruth, days: int) -> np.ndarray:
    """Each day's own correlation: Beta-distributed, so that its mean is exactly the truth's."""
    mean, deviation = truth.correlation, truth.correlation_deviation
    if not deviation:
        return np.full(days, mean)
    size = mean * (1 - mean) / deviation**2 - 1
    return rng.beta(size * mean, size * (1 - mean), days)


def _fast(
    rng: np.random.Generator, truth: IntradayTruth, market: np.ndarray, apart: np.ndarray
) -> np.ndarray:
    """Standardised log volatility of each minute: an autoregression that the market drives, too.

    Parameters
    ----------
    market : array of float
        The market's standardised shock of each minute.
    apart : array of float
        Minutes from each bar to the one before it.
    """
    kept = 0.5 ** (1 / truth.fast_half_life_minutes)
    shocks = truth.leverage * -market
    shocks += math.sqrt(1 - truth.leverage**2) * rng.standard_normal(len(market))
    shocks = np.concatenate([[0.0], math.sqrt(1 - kept**2) * shocks[:-1]])
    # After a pause so much of the state is left as its minutes leave, and the rest is new.
    starts = np.flatnonzero(apart > 1)
    fresh = rng.standard_normal(len(starts) + 1)
    ends = np.append(starts, len(market))
    fast = _paths.autoregression(shocks, kept)
    fade = kept ** np.arange(1 + np.diff(ends, prepend=0).max())
    begin, before, state = 0, 0.0, fresh[0]
    for number, end in enumerate(ends):
        # What the run so far has brought here gives way to the state that it should have.
        fast[begin:end] += fade[: end - begin] * (state - before)
        if end < len(market):
            left = kept ** apart[end]
            state = left * fast[end - 1] + math.sqrt(1 - left**2) * fresh[number + 1]
            before = fast[end]
            begin = end
    return fast
