"""What several simulators share: dates, autoregressions, and bars from the ends of a path."""

from __future__ import annotations

import numpy as np
import pandas as pd

from m2k_lessons import _check
from m2k_lessons.contracts import Contract
from m2k_lessons.sessions import LAST_DAY, NEW_YORK, trading_days

# In the future on purpose: nobody can mistake these dates for a market that was.
FIRST_DAY = "2030-01-02"
DAYS_A_YEAR = 252

SMALL_START = 2400.0
LARGE_START = 6500.0

# Bars are whole Globex sessions, so only the break and the weekend lie between two of them.
GAP_SHARE = 0.04


def simulated_days(name: str, days: int, *, at_least: int) -> pd.DatetimeIndex:
    """Return the first `days` trade dates from 2030 on, at midnight in New York."""
    known = trading_days(FIRST_DAY, LAST_DAY)
    days = _check.whole(name, days, at_least=at_least, at_most=len(known))
    return known[:days].tz_localize(NEW_YORK).rename("time")


def autoregression(shocks: np.ndarray, coefficient: float) -> np.ndarray:
    """Return x with x[t] = coefficient * x[t - 1] + shocks[t] and x[-1] = 0.

    Adds shifted copies, the shift doubling each time: after k rounds x[t] holds the last 2**k
    shocks. That needs log2(n) array operations instead of a loop over n bars, and no power
    that could overflow.
    """
    x = np.array(shocks, dtype=float)
    shift, weight = 1, float(coefficient)
    while shift < len(x) and abs(weight) > 1e-18:
        x[shift:] += weight * x[:-shift]
        shift, weight = 2 * shift, weight * weight
    return x


def stationary_autoregression(
    rng: np.random.Generator, size: int, coefficient: float
) -> np.ndarray:
    """Return `size` values of a Gaussian AR(1) with mean 0 and variance 1, begun in balance."""
    shocks = rng.standard_normal(size)
    shocks[1:] *= np.sqrt(1 - coefficient**2)
    return autoregression(shocks, coefficient)


def bars_from_ends(
    rng: np.random.Generator,
    contract: Contract,
    log_open: np.ndarray,
    log_close: np.ndarray,
    deviation: np.ndarray | float,
    index: pd.DatetimeIndex,
) -> pd.DataFrame:
    """Put ticks and extremes on a path of which only the ends of each bar are known.

    Between its ends a bar's log price is a Brownian bridge; its highest point above the ends
    has the distribution function 1 - exp(-2 (m - a)(m - b) / deviation**2) (Karatzas and
    Shreve, *Brownian Motion and Stochastic Calculus*, section 4.3), which is inverted here.

    Parameters
    ----------
    log_open, log_close : array of float
        Log price at the start and end of each bar.
    deviation : array of float or float
        Standard deviation of the log return from open to close.
    """
    span = (log_close - log_open) ** 2
    reach = -2 * np.square(deviation) * np.log(rng.uniform(size=(2, len(log_open))))
    above, below = np.sqrt(span + reach)
    middle = log_open + log_close
    log_prices = [log_open, (middle + above) / 2, (middle - below) / 2, log_close]
    # Rounding is monotone, so high >= open, close >= low survives it.
    rounded = [contract.round_to_tick(np.exp(one)) for one in log_prices]
    return pd.DataFrame(dict(zip(("open", "high", "low", "close"), rounded, strict=True)), index)


def daily_volume(
    rng: np.random.Generator, standardised_return: np.ndarray, mean: float
) -> np.ndarray:
    """Whole contracts a day: more of them on days with large moves, never none."""
    activity = 0.7 + 0.3 * np.abs(standardised_return) / np.sqrt(2 / np.pi)
    noise = np.exp(rng.normal(-0.02, 0.2, len(activity)))
    return np.maximum(1, np.rint(mean * activity * noise)).astype(np.int64)
