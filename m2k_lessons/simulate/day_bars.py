"""What several simulators share: dates, autoregressions, and bars from the ends of a path."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from m2k_lessons._util import checks
from m2k_lessons.contracts import Contract
from m2k_lessons.sessions import NEW_YORK
from m2k_lessons.simulate import trading_volume
from m2k_lessons.simulate.daily import trading_days

# In the future on purpose: nobody can mistake these dates for a market that was.
FIRST_DAY = dt.date(2030, 1, 2)
LAST_YEAR = 2067  # as far as the daily simulator goes
DAYS_A_YEAR = 252

SMALL_START = 2400.0
LARGE_START = 6500.0

# A daily bar is the stock market's day, 09:30 to 16:00; this part of the variance falls between
# two bars (IWM 2010 to 2019).
OVERNIGHT_SHARE = 0.30

VOLUME = {"M2K": 60_000, "MES": 900_000}  # contracts a day; the size is arbitrary


def simulated_days(name: str, days: int, *, at_least: int) -> pd.DatetimeIndex:
    """Return the first `days` trade dates from 2030 on, at midnight in New York."""
    most = (LAST_YEAR - FIRST_DAY.year) * 250
    days = checks.whole(name, days, at_least=at_least, at_most=most)
    enough = FIRST_DAY + dt.timedelta(days=days * 365 // 250 + 15)
    dates = trading_days(FIRST_DAY, enough)[:days]
    return pd.DatetimeIndex(dates.astype("datetime64[us]"), name="time").tz_localize(NEW_YORK)


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
    if rounded[2].min() <= 0:
        raise ValueError(
            f"volatility and length must leave {contract.symbol} above 0, but its price fell "
            "below one tick; take a smaller volatility, fewer bars or another seed"
        )
    return pd.DataFrame(dict(zip(("open", "high", "low", "close"), rounded, strict=True)), index)


def daily_volume(
    rng: np.random.Generator, symbol: str, bars: pd.DataFrame, deviation: float
) -> np.ndarray:
    """Whole contracts a day: more of them on days of wide range, never none.

    `deviation` is the standard deviation of a day's log return.
    """
    busy = trading_volume.log_activity(rng, bars, deviation)
    busy += rng.normal(0.0, trading_volume.NOISE, len(busy))
    return np.maximum(1, np.rint(VOLUME[symbol] * np.exp(busy))).astype(np.int64)
