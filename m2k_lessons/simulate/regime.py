"""Three markets of equal volatility: one trends, one reverts, one is a random walk."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K
from m2k_lessons.simulate import day_bars
from m2k_lessons.simulate.market import Market

KINDS = ("trend", "reversion", "random_walk")

# Share of the daily variance that is predictable in principle, and the days in which the
# predictable part halves. Stronger than in any market; see the notes of `regime`.
_SHARE = {"trend": 0.05, "reversion": 0.6, "random_walk": 0.0}
_HALF_LIFE = {"trend": 15.0, "reversion": 5.0, "random_walk": math.inf}


@dataclass(frozen=True)
class RegimeTruth:
    """The parameters of one draw of `regime`, and what follows from them.

    Attributes
    ----------
    kind : str
    days, seed : int
    volatility_pct : float
        Standard deviation of the daily log return, % a year (252 days). The same for all kinds.
    strength : float
        Share of the daily variance that belongs to the dependent part, 0 to 1.
    half_life : float
        Days in which the drift ("trend") or the deviation ("reversion") halves.
    """

    kind: str
    days: int
    seed: int
    volatility_pct: float
    strength: float
    half_life: float

    @property
    def daily_volatility_pct(self) -> float:
        """Standard deviation of the daily log return, in %."""
        return self.volatility_pct / math.sqrt(day_bars.DAYS_A_YEAR)

    def autocorrelation(self, lag: int) -> float:
        """Correlation of daily log returns `lag` days apart, at least 1.

        "trend": strength * k ** lag; "reversion": -strength * (1 - k) / 2 * k ** (lag - 1),
        with k = 2 ** (-1 / half_life).
        """
        lag = checks.whole("lag", lag, at_least=1)
        kept = 2.0 ** (-1 / self.half_life)
        if self.kind == "trend":
            return self.strength * kept**lag
        return -self.strength * (1 - kept) / 2 * kept ** (lag - 1) if self.strength else 0.0

    def variance_ratio(self, days: int) -> float:
        """Variance of `days`-day log returns over `days` times that of daily ones.

        1 + 2 * sum of (1 - lag / days) * autocorrelation(lag) for lag 1 to days - 1
        (Lo and MacKinlay 1988). Above 1 in a trending market, below 1 in a reverting one.
        """
        days = checks.whole("days", days, at_least=1)
        lags = range(1, days)
        return 1 + 2 * sum((1 - lag / days) * self.autocorrelation(lag) for lag in lags)

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name."""
        return {
            "autocorrelation(1)": round(self.autocorrelation(1), 10),
            "autocorrelation(20)": round(self.autocorrelation(20), 10),
            "variance_ratio(20)": round(self.variance_ratio(20), 10),
        }


@dataclass(frozen=True)
class RegimesTruth:
    """The parameters of the three markets of `regimes`."""

    trend: RegimeTruth
    reversion: RegimeTruth
    random_walk: RegimeTruth

    def derived(self) -> dict[str, dict[str, float]]:
        """What follows from the parameters of each market, by name."""
        return {kind: getattr(self, kind).derived() for kind in KINDS}


def regime(
    kind: str,
    *,
    seed: int,
    years: float | None = None,
    days: int | None = None,
    volatility_pct: float = 18.0,
    strength: float | None = None,
    half_life: float | None = None,
) -> Market:
    """Draw daily bars of M2K that trend, revert, or do neither.

    Every kind has normal daily log returns of mean 0 and of the same volatility. Only their
    dependence differs:

    - "trend": return = drift + noise, where the drift is a slow AR(1) around 0.
    - "reversion": log price = random walk + deviation, where the deviation is an AR(1).
    - "random_walk": independent returns. No rule has an edge here.

    Parameters
    ----------
    kind : {"trend", "reversion", "random_walk"}
    seed : int
        Of the random generator, at least 0.
    years : float, optional
        Length in years of 252 bars. Give this or `days`.
    days : int, optional
        Length in bars, at least 2.
    volatility_pct : float
        % a year, above 0, at most 60.
    strength : float, optional
        Share of the daily variance in the dependent part, from 0 to 1. Default 0.05 for
        a trend, 0.6 for reversion.
    half_life : float, optional
        Days in which drift or deviation halves, above 0. Default 15 and 5.

    Returns
    -------
    Market
        Frame "M2K": open high low close volume, prices in points on the tick, indexed by trade
        date. A bar is the stock market's day; the night lies between bars. `truth` is a
        `RegimeTruth` with the theoretical autocorrelations and variance ratios.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted; `years` and `days` both given or both missing;
        `strength` or `half_life` given for a random walk.

    Notes
    -----
    The defaults are stronger than reality, so that a rule's effect can be seen in ten years:
    a 20/50 crossover earns a Sharpe ratio near 1 in "trend", a 20-day band rule the same in
    "reversion", and each loses in the other's market.

    ============================ ======= =========== ============= =============
    correlation of daily returns "trend" "reversion" Russell 2000, Russell 2000,
    and variance ratio                               2010 to 2019  1990 to 2024
    ============================ ======= =========== ============= =============
    one day apart                  .048       -.039        -.05          -.04
    20 days apart                  .020       -.003         .03           .02
    ratio at 20 days               1.70         .62         .78           .94
    ratio at 60 days               2.38         .48         .64           .93
    ============================ ======= =========== ============= =============

    After ten years a variance ratio at 60 days has a standard error of .18 on a random walk.
    There is no risk premium and no cost of carry in these markets.
    Real figures: computed from index closes. Source of the ratio: Lo and MacKinlay 1988,
    *Review of Financial Studies* 1.

    Examples
    --------
    >>> market = regime("trend", years=2, seed=3)
    >>> len(market["M2K"]), round(market.truth.autocorrelation(1), 3)
    (504, 0.048)
    """
    kind = checks.choice("kind", kind, KINDS)
    seed = checks.whole("seed", seed, at_least=0)
    if (years is None) == (days is None):
        raise ValueError(f"give either years or days, got years={years!r} and days={days!r}")
    if days is None:
        days = round(checks.number("years", years, above=0, at_most=36) * day_bars.DAYS_A_YEAR)
    index = day_bars.simulated_days("days", days, at_least=2)
    days = len(index)
    volatility_pct = checks.number("volatility_pct", volatility_pct, above=0, at_most=60)
    for name, value in (("strength", strength), ("half_life", half_life)):
        if kind == "random_walk" and value is not None:
            raise ValueError(f"{name} must be left out for 'random_walk', got {value!r}")
    truth = RegimeTruth(
        kind=kind,
        days=days,
        seed=seed,
        volatility_pct=volatility_pct,
        strength=checks.number(
            "strength", _SHARE[kind] if strength is None else strength, at_least=0, at_most=1
        ),
        half_life=_HALF_LIFE[kind]
        if half_life is None
        else checks.number("half_life", half_life, above=0),
    )

    rng = np.random.default_rng(seed)
    deviation = truth.daily_volatility_pct / 100
    returns = deviation * _standard_returns(rng, truth)
    close = math.log(day_bars.SMALL_START) + np.cumsum(returns)
    # The open lies on a bridge between two closes: night and day are then independent given
    # nothing else, and the close-to-close returns keep exactly the dependence they were given.
    night, day = day_bars.OVERNIGHT_SHARE, 1 - day_bars.OVERNIGHT_SHARE
    bridge = deviation * math.sqrt(night * day) * rng.standard_normal(days)
    opening = close - day * returns + bridge
    frame = day_bars.bars_from_ends(rng, M2K, opening, close, deviation * math.sqrt(day), index)
    frame["volume"] = day_bars.daily_volume(rng, "M2K", frame, deviation)
    return Market({"M2K": frame}, truth)


def regimes(years: float, seed: int) -> Market:
    """Draw the course's three markets.

    Parameters
    ----------
    years : float
        Length in years of 252 bars.
    seed : int
        Of the trend; the other two have the next ones.

    Returns
    -------
    Market
        Frames "trend", "reversion", "random_walk", each like the frame of `regime`; `truth` is
        a `RegimesTruth`.

    Raises
    ------
    TypeError, ValueError
        As `regime`.

    Examples
    --------
    >>> list(regimes(years=1, seed=1))
    ['trend', 'reversion', 'random_walk']
    """
    seed = checks.whole("seed", seed, at_least=0)
    markets = {
        kind: regime(kind, years=years, seed=seed + place) for place, kind in enumerate(KINDS)
    }
    frames = {kind: market["M2K"] for kind, market in markets.items()}
    return Market(frames, RegimesTruth(**{kind: one.truth for kind, one in markets.items()}))


def _standard_returns(rng: np.random.Generator, truth: RegimeTruth) -> np.ndarray:
    """Log returns of variance 1 with the dependence that the truth states."""
    noise = math.sqrt(1 - truth.strength) * rng.standard_normal(truth.days)
    if truth.kind == "random_walk":
        return noise
    kept = 2.0 ** (-1 / truth.half_life)
    if truth.kind == "trend":
        drift = day_bars.stationary_autoregression(rng, truth.days, kept)
        return noise + math.sqrt(truth.strength) * drift
    # A change of the deviation has the variance 2 (1 - kept) times that of its level.
    level = math.sqrt(truth.strength / (2 * (1 - kept)))
    deviation = level * day_bars.stationary_autoregression(rng, truth.days + 1, kept)
    return noise + np.diff(deviation)
