"""The parameters of simulated minutes, and the ordinary day that follows from them."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.simulate import day_bars, release_days
from m2k_lessons.simulate.index_paths import HALF_HOUR_VOLATILITY
from m2k_lessons.simulate.release_days import RELEASES, ReleaseTruth

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
RTH_START, RTH_END = 9 * 60 + 30, 16 * 60
MINUTES_A_DAY = 24 * 60


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
    correlation, correlation_deviation : float
        Of M2K's and MES's log returns over a day: mean and standard deviation over the days. Each
        session has its own, drawn from a beta distribution.
    disturbance, disturbance_kept : float
        Variance of the short-lived disturbance of each price, as a multiple of the variance of
        one minute, and the share of it that is left a minute later.
    tail : float
        Degrees of freedom of the Student-t shocks of a minute.
    session_deviation, session_kept : float
        Standard deviation of the logarithm of a session's volatility, and its autocorrelation
        from one session to the next.
    fast_deviation, fast_half_life_minutes : float
        Standard deviation of the logarithm of the volatility of the hour, and the minutes in
        which half of it is gone. Both contracts share it.
    leverage : float
        Correlation of its news with the market's move of the minute before, with a minus.
    gap_bp : float
        Standard deviation of M2K's move over one hour without trading, in basis points.
    gap_exponent : float
        That move's variance grows with hours ** gap_exponent. The same in every draw.
    holiday_volatility : float
        Volatility while the stock market is shut for a holiday, as a multiple of a normal day's.
    extended_volume_share : float
        Share of the day's volume outside 09:30 to 16:00.
    volume_on_volatility : float
        What one more in the logarithm of volatility adds to that of volume.
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
        minutes = checks.whole("minutes", minutes, at_least=1)
        return self.correlation / (1 + self._disturbed(minutes) / minutes)

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name; volatilities in % a year of 252 days."""
        volatility = math.sqrt(Profile.of(self).daily_variance * day_bars.DAYS_A_YEAR) / 100
        return {
            "volatility_small_pct": round(volatility, 8),
            "volatility_large_pct": round(volatility * self.relative_volatility, 8),
            "correlation_over(1)": round(self.correlation_over(1), 8),
            "correlation_over(5)": round(self.correlation_over(5), 8),
        }

    def _disturbed(self, minutes: int) -> float:
        """Variance that the disturbance adds to a return, in variances of one minute."""
        return 2 * self.disturbance * (1 - self.disturbance_kept**minutes)


class Profile(NamedTuple):
    """The ordinary day, by minute from midnight. Variances are M2K's, in square basis points."""

    variance: np.ndarray
    volume_share: np.ndarray
    daily_variance: float

    @classmethod
    def of(cls, truth: IntradayTruth) -> Profile:
        five_minutes = np.square(truth.five_minute_volatility_bp)
        in_day = 30 * five_minutes / (5 + truth._disturbed(5))  # each half hour's variance
        daily_variance = in_day.sum() / (1 - truth.overnight_share)
        # Four nights of an hour and a weekend, in five days.
        breaks = truth.gap_bp**2 * (4 + 49**truth.gap_exponent) / 5
        outside = np.zeros(MINUTES_A_DAY)
        for hour, proportions in _EXTENDED_VOLATILITY.items():
            begin = round(60 * hour)
            outside[begin : begin + 30 * len(proportions)] = np.repeat(np.square(proportions), 30)

        # The measured figures hold what releases add on an average day; an ordinary minute has
        # that much less.
        moved, excited, traded = _average_news(truth)
        day = slice(RTH_START, RTH_END)
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
    moved, excited, traded = np.zeros((3, MINUTES_A_DAY))
    for release in truth.releases:
        chance, begin = release.a_year / day_bars.DAYS_A_YEAR, release.minute_of_day
        response = (100 * release.small_cap_pct * release_days.response_path()) ** 2
        moved[begin : begin + len(response)] += chance * response
        volatility, volume = np.zeros((2, MINUTES_A_DAY))
        for piece in release_days.pieces(release):
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
