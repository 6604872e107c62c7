"""The parameters of `simulate.daily`, what follows from them, and the regimes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from dataclasses import dataclass

from m2k_lessons._util import checks
from m2k_lessons.simulate import index_paths, trading_volume
from m2k_lessons.simulate.market import LABEL

DAYS_PER_YEAR = 252


@dataclass(frozen=True)
class Garch:
    """GJR-GARCH(1,1) with Student-t shocks, on daily returns in percent.

    `variance[t+1] = omega + (alpha + gamma * (shock[t] < 0)) * shock[t]**2 + beta * variance[t]`,
    with `shock = sqrt(variance) * z` and `z` Student-t of `nu` degrees of freedom, scaled to
    variance 1. These are the symbols and units of the arch package's `GARCH(1, 1, 1)`.

    Examples
    --------
    >>> round(Garch(omega=0.03, alpha=0.0, gamma=0.2, beta=0.87, nu=8.0).variance, 6)
    1.0
    """

    omega: float
    alpha: float
    gamma: float
    beta: float
    nu: float

    def __post_init__(self) -> None:
        checks.number("omega", self.omega, above=0)
        for name in ("alpha", "gamma", "beta"):
            checks.number(name, getattr(self, name), at_least=0)
        if not self.nu > 2:
            raise ValueError(f"nu must be above 2 (infinity for normal shocks), got {self.nu!r}")
        if self.persistence >= 1:
            raise ValueError(
                "alpha + gamma / 2 + beta must be below 1, or the variance has no mean, "
                f"got {self.persistence!r}"
            )

    @property
    def persistence(self) -> float:
        """Share of a variance shock that is left a day later, on average, when rises and falls are
        as large.
        """
        return self.alpha + self.gamma / 2 + self.beta

    @property
    def variance(self) -> float:
        """Mean variance, in percent squared per day, when rises and falls are as large."""
        return self.omega / (1 - self.persistence)


_LIMITS = {
    "spillover": {"at_least": 0, "at_most": 1},
    "beta_mean": {},
    "beta_deviation": {"at_least": 0},
    "beta_half_life_days": {"above": 0},
    "jumps_per_year": {"at_least": 0, "at_most": DAYS_PER_YEAR},  # one a day at most
    "jump_mean_pct": {},
    "jump_deviation_pct": {"at_least": 0},
    "drift": {"above": -1, "below": 1},
    "rate": {"above": -1, "below": 1},
    "dividend_yield": {"above": -1, "below": 1},
    "overnight_share": {"at_least": 0, "below": 1},
    "night_exponent": {"at_least": 0, "at_most": 1},
    "night_deviation": {"at_least": 0, "at_most": 2},
    "night_half_life_days": {"above": 0},
    "leverage": {"at_least": 0, "at_most": 1},
    "volatility_carried": {"at_least": 0, "below": 1},
    "dip": {"at_least": 0, "at_most": 1},
    "volume_on_range": {},
    "volume_on_return": {},
    "volume_wave": {"at_least": 0},
    "volume_kept": {"at_least": 0, "below": 1},
    "volume_noise": {"at_least": 0},
    "portfolio_usd": {"above": 0},
    "portfolio_beta": {},
    "portfolio_own_volatility": {"at_least": 0},
    "small_caps": {"above": 0},
    "large_caps": {"above": 0},
}


@dataclass(frozen=True, repr=False)
class DailyTruth:
    """The answer key of `daily`: every parameter of the draw, and what follows from them.

    Volatilities are per year, as decimals; returns are log returns; `large` and `size` are on
    daily returns in percent. The properties are exact moments of the model, not estimates:
    every part of it has a closed form for its second moments.

    Attributes
    ----------
    seed, years, start, regime
        The call.
    drift : float
        Mean log return of each index per year, without dividends.
    rate, dividend_yield : float
        Per year; their difference is the carry in the futures price.
    large : Garch
        The large-cap index, which is the market factor.
    size : Garch
        The small-cap index's own factor.
    spillover : float
        Share of the size factor's variance that moves with the market's.
    beta_mean, beta_deviation, beta_half_life_days : float
        Small caps on large caps: an AR(1) around its mean.
    jumps_per_year, jump_mean_pct, jump_deviation_pct : float
        Joint jumps of the market factor, in percent; small caps jump `beta_mean` times as far.
    overnight_share : float
        Part of the daily variance that falls between 16:00 and 09:30.
    night_exponent : float
        A night's variance grows with its hours to this power, so weekends move further.
    night_deviation, night_half_life_days : float
        Standard deviation and half-life of an AR(1), the logarithm of the night's variance: in
        some years more happens at night.
    leverage : float
        With z the market's standardised move since the last close, volatility at any moment of a
        day is `1 - z * sqrt(exp(leverage**2) - 1)` times that of its start (about
        `1 - leverage * z`).
    volatility_carried : float
        Share of a day's variance that is the last day's, times the square of what its path left
        of its volatility; the rest is the GARCH variance.
    dip : float
        Within a half hour the square of the path's reach below its two ends is `1 + dip` times
        that of a Brownian path, above them `1 - dip` times.
    volume_on_range, volume_on_return : float
        What one more in log true range, and a return of one (long-run) standard deviation, add to
        log volume.
    volume_wave, volume_kept, volume_noise : float
        Standard deviations of log volume's AR(1) and of its noise, and the share of the AR(1)
        that is left a day later.
    portfolio_usd, portfolio_beta, portfolio_own_volatility : float
        Start value, beta to the small-cap index, and the volatility that is its own.
    small_caps, large_caps : float
        Index levels on the evening before the first day. Arbitrary.
    """

    seed: int
    years: float
    start: dt.date
    regime: str
    large: Garch
    size: Garch
    spillover: float
    beta_mean: float
    beta_deviation: float
    beta_half_life_days: float
    jumps_per_year: float
    jump_mean_pct: float
    jump_deviation_pct: float
    drift: float = 0.05
    rate: float = 0.04
    dividend_yield: float = 0.013
    overnight_share: float = 0.30
    night_exponent: float = 0.28
    night_deviation: float = 0.28
    night_half_life_days: float = 250.0
    leverage: float = 0.19
    volatility_carried: float = 0.57
    dip: float = 0.17
    volume_on_range: float = trading_volume.ON_RANGE
    volume_on_return: float = trading_volume.ON_RETURN
    volume_wave: float = trading_volume.WAVE
    volume_kept: float = trading_volume.KEPT
    volume_noise: float = trading_volume.NOISE
    portfolio_usd: float = 150_000.0
    portfolio_beta: float = 1.15
    portfolio_own_volatility: float = 0.07
    small_caps: float = 2_400.0
    large_caps: float = 6_500.0

    def __post_init__(self) -> None:
        for name in ("large", "size"):
            if not isinstance(getattr(self, name), Garch):
                raise TypeError(f"{name} must be a Garch, got {getattr(self, name)!r}")
        for name, limits in _LIMITS.items():
            checks.number(name, getattr(self, name), **limits)
        if self._persistence_market >= 1:
            raise ValueError(
                "large must have a persistence below 1 with the leverage within days, "
                f"got {self._persistence_market!r}"
            )

    @property
    def volatility_small(self) -> float:
        """Small-cap index, per year."""
        return _per_year(self._variance_small)

    @property
    def volatility_large(self) -> float:
        """Large-cap index, per year."""
        return _per_year(self._variance_large)

    @property
    def volatility_difference(self) -> float:
        """Small-cap return less large-cap return, per year."""
        return _per_year(self._variance_small + self._variance_large - 2 * self._covariance)

    @property
    def beta(self) -> float:
        """Small caps on large caps, over the whole population."""
        return round(self._covariance / self._variance_large, 10)

    @property
    def correlation(self) -> float:
        """Small caps with large caps, over the whole population."""
        return round(self._covariance / math.sqrt(self._variance_small * self._variance_large), 10)

    @property
    def volatility_portfolio(self) -> float:
        """The stock portfolio, per year."""
        market = self.portfolio_beta * self.volatility_small
        return round(math.hypot(market, self.portfolio_own_volatility), 10)

    @property
    def carry(self) -> float:
        """Rate less dividend yield, per year: what a futures price lies above its index."""
        return round(self.rate - self.dividend_yield, 10)

    @property
    def futures_drift(self) -> float:
        """Mean log return per year of a futures position that is rolled."""
        return round(self.drift - self.carry, 10)

    # Variances are in percent squared per day. Jumps raise the next day's variance as any shock
    # of their size does, so the market's mean variance has their mean echo in it.

    @property
    def _jump_chance(self) -> float:
        return self.jumps_per_year / DAYS_PER_YEAR

    @property
    def _jump_variance(self) -> float:
        mean_square = self.jump_mean_pct**2 + self.jump_deviation_pct**2
        return self._jump_chance * mean_square - (self._jump_chance * self.jump_mean_pct) ** 2

    @property
    def _variance_market(self) -> float:
        mean, deviation = self.jump_mean_pct, self.jump_deviation_pct
        falls = _square_below_zero(mean, deviation)
        square = mean**2 + deviation**2
        echo = self._jump_chance * (self.large.alpha * square + self.large.gamma * falls)
        return (self.large.omega + echo) / (1 - self._persistence_market)

    @property
    def mean_variance_large(self) -> float:
        """Mean of the market's GARCH variance without jumps, in percent squared per day."""
        return self.large.omega / (1 - self._persistence_market)

    @property
    def _persistence_market(self) -> float:
        falls = index_paths.share_of_falls(self.leverage)
        return self.large.alpha + self.large.gamma * falls + self.large.beta

    @property
    def _variance_large(self) -> float:
        return self._variance_market + self._jump_variance

    @property
    def _covariance(self) -> float:
        return self.beta_mean * self._variance_large

    @property
    def _variance_small(self) -> float:
        beta_square = self.beta_mean**2 + self.beta_deviation**2
        market = beta_square * self._variance_market + self.beta_mean**2 * self._jump_variance
        return market + self.size.variance

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name."""
        names = (
            "volatility_small",
            "volatility_large",
            "volatility_difference",
            "beta",
            "correlation",
            "volatility_portfolio",
            "carry",
            "futures_drift",
        )
        return {name: getattr(self, name) for name in names}

    def __repr__(self) -> str:
        given = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        lines = [f"DailyTruth  ({LABEL})"]
        lines += [f"  {name:<26}{value}" for name, value in given.items()]
        lines += ["  follows from these, exactly:"]
        lines += [f"  {name:<26}{value:.4f}" for name, value in self.derived().items()]
        return "\n".join(lines)


def _per_year(variance_pct: float) -> float:
    # Rounded so that the last bit of a platform's arithmetic is never part of the answer key.
    return round(math.sqrt(variance_pct * DAYS_PER_YEAR) / 100, 10)


def _square_below_zero(mean: float, deviation: float) -> float:
    """Mean of the square of a normal variable where it is negative, and of 0 elsewhere."""
    if deviation == 0:
        return mean**2 if mean < 0 else 0.0
    edge = -mean / deviation
    below = math.erfc(-edge / math.sqrt(2)) / 2
    density = math.exp(-(edge**2) / 2) / math.sqrt(2 * math.pi)
    return (mean**2 + deviation**2) * below - mean * deviation * density


REGIMES = {
    # Calibrated to 2010-2019, see benchmarks/realism.py.
    "normal": {
        "large": Garch(omega=0.0215, alpha=0.015, gamma=0.13, beta=0.883, nu=12.0),
        "size": Garch(omega=0.0067, alpha=0.04, gamma=0.01, beta=0.93, nu=10.0),
        "spillover": 0.4,
        "beta_mean": 1.20,
        "beta_deviation": 0.14,
        "beta_half_life_days": 120.0,
        "jumps_per_year": 1.5,
        "jump_mean_pct": -2.2,
        "jump_deviation_pct": 1.0,
    },
    # About two thirds of the normal volatility: years such as 2013 or 2017.
    "calm": {
        "large": Garch(omega=0.0124, alpha=0.015, gamma=0.11, beta=0.885, nu=14.0),
        "size": Garch(omega=0.0046, alpha=0.04, gamma=0.01, beta=0.93, nu=12.0),
        "spillover": 0.4,
        "beta_mean": 1.20,
        "beta_deviation": 0.10,
        "beta_half_life_days": 120.0,
        "jumps_per_year": 0.5,
        "jump_mean_pct": -1.5,
        "jump_deviation_pct": 0.7,
    },
    # Between the row of 1990-2026 and that of May 2019 to August 2026.
    "crisis": {
        "large": Garch(omega=0.0290, alpha=0.025, gamma=0.17, beta=0.845, nu=9.0),
        "size": Garch(omega=0.0165, alpha=0.05, gamma=0.02, beta=0.91, nu=8.0),
        "spillover": 0.5,
        "beta_mean": 1.10,
        "beta_deviation": 0.15,
        "beta_half_life_days": 120.0,
        "jumps_per_year": 3.0,
        "jump_mean_pct": -2.5,
        "jump_deviation_pct": 1.5,
        "overnight_share": 0.37,
    },
}
