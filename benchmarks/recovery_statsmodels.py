"""Can the truth of pairs, regimes and releases be recovered? Estimates beside their parameters.

python benchmarks/recovery_statsmodels.py                 prints every table (a minute)
python benchmarks/recovery_statsmodels.py pair --seeds 20 one component, fewer seeds
python benchmarks/recovery_statsmodels.py --write         replaces the tables in data/README.md
"""

from __future__ import annotations

import sys

import numpy as np
import statsmodels.api as sm
from recovery import Component, Estimate, report
from statsmodels.tsa.arima.model import ARIMA

from m2k_lessons import simulate


def _slope(y, x, truth: float, **fit) -> Estimate:
    result = sm.OLS(np.asarray(y), sm.add_constant(np.asarray(x))).fit(**fit)
    return Estimate(result.params[1], result.bse[1], truth)


def recover_pair(seed: int) -> dict[str, Estimate]:
    """Hedge ratio by OLS of the logarithms, half-life by OLS of the spread's changes."""
    market = simulate.pair(days=2520, seed=seed)
    truth = market.truth
    y, x = (np.log(market[symbol]["close"].to_numpy()) for symbol in ("M2K", "MES"))
    spread = y - truth.hedge_ratio * x
    newey_west = {"cov_type": "HAC", "cov_kwds": {"maxlags": 100}}
    return {
        "hedge ratio": _slope(y, x, truth.hedge_ratio, **newey_west),
        "autoregression of the spread, less 1": _slope(
            np.diff(spread), spread[:-1], truth.autoregression - 1
        ),
    }


def recover_regime(kind: str, seed: int) -> dict[str, Estimate]:
    """Both dependent regimes are ARMA(1, 1); maximum likelihood."""
    market = simulate.regime(kind, days=7560, seed=seed, strength=0.6, half_life=5)
    returns = 100 * np.diff(np.log(market["M2K"]["close"].to_numpy()))
    fit = ARIMA(returns, order=(1, 0, 1), trend="n").fit(start_params=[0.5, -0.3, 1.0])
    return {f"autoregression, {kind}": Estimate(fit.params[0], fit.bse[0], 2 ** (-1 / 5))}


def recover_regimes(seed: int) -> dict[str, Estimate]:
    return recover_regime("trend", seed) | recover_regime("reversion", seed)


def recover_macro(seed: int) -> dict[str, Estimate]:
    """Response to each kind of release by OLS, ten years."""
    market = simulate.macro(months=120, seed=seed)
    estimates = {}
    for kind in market.truth.releases:
        rows = market["releases"].query("release == @kind.name")
        for column in ("small_cap_pct", "large_cap_pct"):
            name = f"{kind.name}, {column}"
            estimates[name] = _slope(rows[column], rows["surprise"], getattr(kind, column))
    return estimates


def recover_windows(seed: int) -> dict[str, Estimate]:
    """The same from the minutes: 30 minutes after the release, robust standard errors."""
    market = simulate.release_windows(years=10, seed=seed, controls=False)
    estimates = {}
    for symbol, column in (("M2K", "small_cap_pct"), ("MES", "large_cap_pct")):
        bars = market[symbol].set_index(["window", "minute"])
        move = 100 * np.log(bars["close"].xs(29, level=1) / bars["open"].xs(0, level=1))
        for kind in market.truth.releases:
            rows = market["releases"].query("release == @kind.name")
            name, truth = f"{kind.name}, {symbol}", getattr(kind, column)
            response = move[rows["window"]]
            estimates[name] = _slope(response, rows["surprise"], truth, cov_type="HC1")
    return estimates


COMPONENTS = [
    Component("pair", "Pair of half-life 15, 10 years: OLS by statsmodels", recover_pair, 500),
    Component("regimes", "Trend and reversion, 30 years: ARMA by statsmodels", recover_regimes, 30),
    Component(
        "macro", "Response to a surprise of 1, 10 years of releases: OLS", recover_macro, 500
    ),
    Component("windows", "The same from minute windows: OLS", recover_windows, 60),
]


if __name__ == "__main__":
    sys.exit(report(COMPONENTS, __doc__.split("\n", 1)[0]))
