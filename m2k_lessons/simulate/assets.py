"""Four assets in quiet and in crisis days: large caps, small caps, a bond proxy and cash.

One hidden switch decides whether a day belongs to the quiet or to the crisis regime; given the
regime, daily returns are normal with that regime's means, volatilities and correlations. So a
correlation "that moves" has a truth for each day, and every moment has a closed form.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate import day_bars
from m2k_lessons.simulate.market import Market

RISKY = ("large_caps", "small_caps", "bonds")
BONDS_IN_CRISIS = ("fall", "shelter")

_CASH_PCT = 3.0  # a year, added day by day
_CALM_DAYS, _CRISIS_DAYS = 600.0, 60.0  # mean length of a stay
_BOND_CORRELATION = {"fall": 0.5, "shelter": -0.5}


@dataclass(frozen=True)
class Regime:
    """One state of the market: means and volatilities in % a year, correlations of RISKY.

    Attributes
    ----------
    mean_pct, volatility_pct : tuple of float
        Of large caps, small caps and bonds, simple returns.
    large_small, large_bonds, small_bonds : float
        Correlations of daily returns.
    """

    mean_pct: tuple[float, float, float]
    volatility_pct: tuple[float, float, float]
    large_small: float
    large_bonds: float
    small_bonds: float

    @property
    def correlation(self) -> pd.DataFrame:
        """The correlations as a table."""
        rows = [
            [1.0, self.large_small, self.large_bonds],
            [self.large_small, 1.0, self.small_bonds],
            [self.large_bonds, self.small_bonds, 1.0],
        ]
        return pd.DataFrame(rows, index=RISKY, columns=RISKY)

    @property
    def covariance(self) -> pd.DataFrame:
        """Of daily simple returns, as decimals."""
        daily = np.array(self.volatility_pct) / 100 / math.sqrt(day_bars.DAYS_A_YEAR)
        return self.correlation * np.outer(daily, daily)

    @property
    def mean(self) -> np.ndarray:
        """Of daily simple returns, as decimals."""
        return np.array(self.mean_pct) / 100 / day_bars.DAYS_A_YEAR


@dataclass(frozen=True)
class AssetsTruth:
    """The parameters of one draw of `assets`, and what follows from them.

    Attributes
    ----------
    days, seed : int
    bonds_in_crisis : str
        "fall": bonds fall with stocks in a crisis; "shelter": they rise against them.
    calm, crisis : Regime
    calm_days, crisis_days : float
        Mean length of a stay in each, in trading days.
    cash_pct : float
        % a year, the same every day.
    """

    days: int
    seed: int
    bonds_in_crisis: str
    calm: Regime
    crisis: Regime
    calm_days: float
    crisis_days: float
    cash_pct: float

    @property
    def crisis_share(self) -> float:
        """Share of days in crisis in the long run."""
        return self.crisis_days / (self.calm_days + self.crisis_days)

    @property
    def mean(self) -> pd.Series:
        """Mean daily simple return of each risky asset over both regimes."""
        share = self.crisis_share
        return pd.Series((1 - share) * self.calm.mean + share * self.crisis.mean, index=RISKY)

    @property
    def covariance(self) -> pd.DataFrame:
        """Of daily simple returns over both regimes: mean of the two, plus that of the means."""
        share = self.crisis_share
        apart = self.crisis.mean - self.calm.mean
        within = (1 - share) * self.calm.covariance + share * self.crisis.covariance
        return within + share * (1 - share) * np.outer(apart, apart)

    @property
    def correlation(self) -> pd.DataFrame:
        """Of daily simple returns over both regimes."""
        deviation = np.sqrt(np.diag(self.covariance))
        return self.covariance / np.outer(deviation, deviation)

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name."""
        yearly = 100 * np.sqrt(np.diag(self.covariance) * day_bars.DAYS_A_YEAR)
        numbers = {f"volatility_{name}_pct": one for name, one in zip(RISKY, yearly, strict=True)}
        numbers |= {
            f"mean_{name}_pct": 100 * day_bars.DAYS_A_YEAR * self.mean[name] for name in RISKY
        }
        pairs = (("large_caps", "small_caps"), ("large_caps", "bonds"), ("small_caps", "bonds"))
        for one, other in pairs:
            numbers[f"correlation_{one}_{other}"] = self.correlation.loc[one, other]
        numbers["crisis_share"] = self.crisis_share
        return {name: round(float(value), 10) for name, value in numbers.items()}


def assets(years: float, seed: int, *, bonds_in_crisis: str = "fall") -> Market:
    """Draw daily closes of large caps, small caps, bonds and cash, in quiet and in crisis days.

    Parameters
    ----------
    years : float
        Length in years of 252 trading days, above 0, at most 36.
    seed : int
        Of the random generator, at least 0.
    bonds_in_crisis : {"fall", "shelter"}
        Whether bonds fall with stocks in a crisis (correlation +0.5), or rise against them
        (-0.5). The two differ in nothing else: same shocks, same crisis days.

    Returns
    -------
    Market
        Frames "large_caps", "small_caps", "bonds" and "cash" with the column `close`: what 100
        have grown to with all income reinvested. Frames "M2K" and "MES" with the column
        `close`: a futures price in points on the tick that moves by the return of small or
        large caps less that of cash. Frame "hidden" with the column `crisis`, True on the days
        of that regime: nobody in the market sees it. `truth` is an `AssetsTruth`.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Notes
    -----
    Means, volatilities and correlations are round numbers chosen so that stocks come near the
    Russell 2000 and the S&P 500 of 1990 to 2026 (21.8 and 18.0 % a year). Bonds and crises are
    made up. Expiry and rolling are left out of the two futures. Regime switching as in Hamilton
    (1989), Econometrica 57, with the switch itself drawn and not estimated.

    Examples
    --------
    >>> market = assets(years=2, seed=3)
    >>> list(market)
    ['large_caps', 'small_caps', 'bonds', 'cash', 'M2K', 'MES', 'hidden']
    >>> float(market.truth.crisis.correlation.loc["large_caps", "small_caps"])
    0.95
    """
    years = checks.number("years", years, above=0, at_most=36)
    seed = checks.whole("seed", seed, at_least=0)
    bonds_in_crisis = checks.choice("bonds_in_crisis", bonds_in_crisis, BONDS_IN_CRISIS)
    index = day_bars.simulated_days("years * 252", round(years * day_bars.DAYS_A_YEAR), at_least=2)
    together = _BOND_CORRELATION[bonds_in_crisis]
    truth = AssetsTruth(
        days=len(index),
        seed=seed,
        bonds_in_crisis=bonds_in_crisis,
        calm=Regime((12.0, 13.0, 4.0), (14.0, 18.0, 5.0), 0.85, -0.1, -0.1),
        crisis=Regime((-30.0, -35.0, 2.0), (38.0, 45.0, 9.0), 0.95, together, together),
        calm_days=_CALM_DAYS,
        crisis_days=_CRISIS_DAYS,
        cash_pct=_CASH_PCT,
    )
    rng = np.random.default_rng(seed)
    crisis = _crisis_days(rng, truth)
    shocks = rng.standard_normal((truth.days, len(RISKY)))
    returns = np.empty_like(shocks)
    for regime, rows in ((truth.calm, ~crisis), (truth.crisis, crisis)):
        returns[rows] = regime.mean + shocks[rows] @ np.linalg.cholesky(regime.covariance).T
    cash = truth.cash_pct / 100 / day_bars.DAYS_A_YEAR
    grown = 100 * np.cumprod(1 + returns, axis=0)
    frames = {name: grown[:, column] for column, name in enumerate(RISKY)}
    frames["cash"] = 100 * np.cumprod(np.full(truth.days, 1 + cash))
    futures = (("M2K", M2K, 1, day_bars.SMALL_START), ("MES", MES, 0, day_bars.LARGE_START))
    for name, contract, column, start in futures:
        price = start * np.cumprod(1 + returns[:, column] - cash)
        frames[name] = contract.round_to_tick(price)
    tables = {name: pd.DataFrame({"close": close}, index) for name, close in frames.items()}
    tables["hidden"] = pd.DataFrame({"crisis": crisis}, index)
    return Market(tables, truth)


def _crisis_days(rng: np.random.Generator, truth: AssetsTruth) -> np.ndarray:
    """True on crisis days: stays of random length, begun in the long run's balance."""
    chance = rng.uniform(size=truth.days)
    leave = (1 / truth.calm_days, 1 / truth.crisis_days)
    crisis = np.empty(truth.days, dtype=bool)
    state = bool(chance[0] < truth.crisis_share)
    crisis[0] = state
    for day in range(1, truth.days):
        state ^= bool(chance[day] < leave[state])
        crisis[day] = state
    return crisis
