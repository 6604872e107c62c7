"""Quotes of options on the E-mini Russell 2000 future (RTY), from a known volatility surface."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons._util import checks, option_pricing
from m2k_lessons.contracts import RTY, contract_code, last_trading_day
from m2k_lessons.simulate.market import Market

STRIKE_STEP = 10.0
QUOTE_TIME = "15:00"  # New York time; an hour before the stock market's close
WORTH_LISTING = 0.25  # points; an option worth less is left out

_LATTICE_STEPS = (150, 151)  # their errors have opposite signs


@dataclass(frozen=True)
class SmileTruth:
    """The surface that the options of one chain were priced on.

    Total implied variance as a function of k = log(strike / forward) and of the total variance
    at the money, theta = volatility_at(years)**2 * years, is Gatheral and Jacquier's SSVI with
    phi = curvature / sqrt(theta)::

        w = theta / 2 * (1 + skew * phi * k + sqrt((phi * k + skew)**2 + 1 - skew**2))

    It is free of static arbitrage if curvature**2 * (1 + abs(skew)) <= 4 and theta grows with
    time ("Arbitrage-free SVI volatility surfaces", *Quantitative Finance* 14, 2014, theorems
    4.1 and 4.2).

    Attributes
    ----------
    date : date
        Day of the quotes, at 15:00 New York time.
    seed : int
        Of liquidity; prices before rounding do not depend on it.
    forward : float
        Price of the front RTY future, in points.
    rate, dividend_yield : float
        Per year, as decimals; the rate also discounts.
    volatility, volatility_long : float
        At the money, per year, as decimals: for the shortest options and for the longest ones.
    term_years : float
        Time in which most of the way from one to the other is gone.
    skew : float
        Correlation of the surface, between -1 and 1; negative: puts are dearer than calls.
    curvature : float
        How strongly the smile bends.
    expiries : tuple of tuple
        (expiry, instant it expires as text, style, underlying code, forward, years) of each.
    """

    date: dt.date
    seed: int
    forward: float
    rate: float
    dividend_yield: float
    volatility: float
    volatility_long: float
    term_years: float
    skew: float
    curvature: float
    expiries: tuple[tuple[str, str, str, str, float, float], ...]

    def volatility_at(self, years):
        """Implied volatility at the money: variance's mean between now and expiry.

        With variance going from `volatility`**2 to `volatility_long`**2 at the rate
        1 / `term_years`, so that total variance always grows.
        """
        time = np.asarray(years, dtype=float) / self.term_years
        left = -np.expm1(-time) / time
        short, long = self.volatility**2, self.volatility_long**2
        return np.sqrt(long + (short - long) * left)

    def implied_volatility(self, strike, forward, years):
        """Volatility that an option was priced with, per year, as a decimal.

        Parameters
        ----------
        strike, forward : float or array
            In points; the forward is that of the option's own underlying.
        years : float or array
            To expiry.
        """
        k = np.log(np.asarray(strike, dtype=float) / forward)
        theta = self.volatility_at(years) ** 2 * years
        bent = self.curvature / np.sqrt(theta) * k
        root = np.sqrt((bent + self.skew) ** 2 + 1 - self.skew**2)
        return np.sqrt(theta / 2 * (1 + self.skew * bent + root) / years)


def option_chain(
    date: str | dt.date,
    seed: int,
    *,
    forward: float = 2400.0,
    volatility: float = 0.21,
    volatility_long: float = 0.23,
    skew: float = -0.6,
    curvature: float = 0.8,
    rate: float = 0.04,
    dividend_yield: float = 0.013,
    strike_step: float = STRIKE_STEP,
) -> Market:
    """Draw bid, ask, volume and open interest of the options on RTY, one afternoon.

    Listed are two weeklies and the end of the month (European, expiring at 16:00 New York time
    into the front future) and two quarterlies (American, expiring at 09:30 on the third Friday,
    each into its own future).

    Parameters
    ----------
    date : date
        Trade date of the quotes, which are those of 15:00 New York time; from 2030 to 2039.
    seed : int
        Of the random generator, at least 0. It draws widths, volume and open interest; the
        surface is given by the other arguments.
    forward : float
        Price of the front RTY future, on its tick, in points.
    volatility, volatility_long : float
        Implied volatility at the money of the shortest and of the longest options, per year, as
        decimals, 0.01 to 1.5.
    skew : float
        Above -1 and below 1. Negative: low strikes have the higher volatility.
    curvature : float
        Of the smile, above 0; curvature**2 * (1 + abs(skew)) at most 4, or the surface would
        hold arbitrage.
    rate, dividend_yield : float
        Per year, as decimals, -0.1 to 0.5.
    strike_step : float
        Points between strikes, at least 1.

    Returns
    -------
    Market
        Frame "chain", one row for each option, index the instant of the quotes: expiry (date as
        text), style ("European" or "American"), underlying (code of the future), forward (its
        price), years (to expiry, days / 365), strike, kind ("call" or "put"), bid, ask, mid,
        implied_volatility, volume, open_interest. Prices in points, on option ticks: 0.05 up
        to 5 points and 0.10 above. Strikes are listed as pairs, as far out as the option out of
        the money is worth 0.25.

        `truth` is a `SmileTruth`: the volatility function and its parameters.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted.

    Notes
    -----
    European options are worth Black-76 (Black, 1976, *Journal of Financial Economics* 3).
    American ones are worth more because of early exercise: the difference between American and
    European on a binomial tree of 150 steps (Cox, Ross and Rubinstein 1979) is added to
    Black-76, right to 0.05 points. Their implied_volatility is that of the surface, not the one
    that Black-76 would give back.
    The surface's shape is an assumption of this course, not a measured one.

    Examples
    --------
    >>> chain = option_chain("2030-01-15", seed=3)["chain"]
    >>> near = chain[(chain["strike"] == 2400) & (chain["expiry"] == "2030-03-15")]
    >>> near[["kind", "bid", "ask"]].to_numpy().tolist()
    [['call', 81.6, 83.0], ['put', 81.4, 83.1]]
    """
    date = checks.date("date", date)
    if not (2030 <= date.year <= 2039 and len(sessions.trading_days(date, date))):
        raise ValueError(f"date must be a trade date from 2030 to 2039, got {date}")
    seed = checks.whole("seed", seed, at_least=0)
    forward = checks.number("forward", forward, above=0)
    RTY.pnl(forward, forward)  # refuses a price off the tick
    skew = checks.number("skew", skew, above=-1, below=1)
    curvature = checks.number("curvature", curvature, above=0)
    # The surface's other condition, curvature * volatility * sqrt(years) * (1 + abs(skew)) < 4,
    # then holds for every volatility and expiry that is accepted here.
    if curvature**2 * (1 + abs(skew)) > 4:
        raise ValueError(
            "curvature must satisfy curvature**2 * (1 + abs(skew)) <= 4, or the prices would "
            f"hold arbitrage; got {curvature!r} with skew {skew!r}"
        )
    rate = checks.number("rate", rate, at_least=-0.1, at_most=0.5)
    dividend_yield = checks.number("dividend_yield", dividend_yield, at_least=-0.1, at_most=0.5)
    step = checks.number("strike_step", strike_step, at_least=1, at_most=forward / 10)
    now = pd.Timestamp(f"{date} {QUOTE_TIME}", tz=sessions.NEW_YORK).as_unit("us")
    truth = SmileTruth(
        date=date,
        seed=seed,
        forward=forward,
        rate=rate,
        dividend_yield=dividend_yield,
        volatility=checks.number("volatility", volatility, at_least=0.01, at_most=1.5),
        volatility_long=checks.number(
            "volatility_long", volatility_long, at_least=0.01, at_most=1.5
        ),
        term_years=0.25,
        skew=skew,
        curvature=curvature,
        expiries=_expiries(now, forward, rate - dividend_yield),
    )

    rng = np.random.default_rng(seed)
    chain = pd.concat([_quotes(rng, truth, one, step) for one in truth.expiries])
    chain.index = pd.DatetimeIndex([now] * len(chain), name="time")
    return Market({"chain": chain}, truth)


def theoretical_prices(truth: SmileTruth, expiry: tuple, strikes: np.ndarray) -> np.ndarray:
    """Values of calls (first row) and puts (second row) before rounding, in points."""
    _, _, style, _, forward, years = expiry
    volatility = truth.implied_volatility(strikes, forward, years)
    values = _black76(forward, strikes, years, truth.rate, volatility)
    if style == "American":
        values = values + option_pricing.early_exercise(
            forward, strikes, years, truth.rate, volatility, _LATTICE_STEPS
        )
    return values


def _expiries(now: pd.Timestamp, forward: float, carry: float) -> tuple:
    date = now.date()
    ends = {}
    for year in (date.year, date.year + 1):
        for month in (3, 6, 9, 12):
            code = contract_code("RTY", year, month)
            ends[code] = last_trading_day(code)
    codes = [code for code, end in ends.items() if end > date]
    front = ends[codes[0]]
    futures = {
        code: RTY.round_to_tick(forward * math.exp(carry * (ends[code] - front).days / 365))
        for code in codes[:3]
    }

    trading = sessions.trading_days(date + dt.timedelta(days=1), date + dt.timedelta(days=75))
    days = pd.Series(trading.date, index=trading)
    # The last trade date of each week and month, a Friday unless that is a holiday.
    weekly = list(days.groupby(trading.to_period("W")).last())
    monthly = list(days.groupby(trading.to_period("M")).last())[:-1]  # the last month is cut off
    quarterly = set(ends.values())
    european = [day for day in weekly if day not in quarterly and day not in monthly][:2]
    european += [day for day in monthly if day not in quarterly][:1]

    listed = []
    for day in sorted(european):
        code = next(code for code in futures if ends[code] >= day)
        listed.append((day, "16:00", "European", code))
    listed += [(ends[code], "09:30", "American", code) for code in codes[:2]]
    result = []
    for day, clock, style, code in sorted(listed):
        instant = pd.Timestamp(f"{day} {clock}", tz=sessions.NEW_YORK)
        years = round((instant - now) / pd.Timedelta(days=365), 8)
        result.append((str(day), instant.isoformat(), style, code, futures[code], years))
    return tuple(result)


def _quotes(
    rng: np.random.Generator, truth: SmileTruth, expiry: tuple, step: float
) -> pd.DataFrame:
    day, _, style, code, forward, years = expiry
    strikes = step * np.arange(math.ceil(0.2 * forward / step), math.floor(3 * forward / step) + 1)
    volatility = truth.implied_volatility(strikes, forward, years)
    european = _black76(forward, strikes, years, truth.rate, volatility)
    listed = european.min(axis=0) >= WORTH_LISTING
    strikes, volatility = strikes[listed], volatility[listed]
    values = theoretical_prices(truth, expiry, strikes)

    width = 0.05 + 0.006 * np.minimum(values, 250.0) * rng.uniform(0.7, 1.5, values.shape)
    bid = option_pricing.on_tick(values - width, option_pricing.down)
    bid = np.maximum(bid, option_pricing.SMALL_TICK)
    ask = option_pricing.on_tick(values + width, option_pricing.up)

    distance = np.log(strikes / forward) / (volatility * math.sqrt(years))
    # Calls are held above the market, puts below it, and round strikes more than others.
    crowd = np.exp(-((distance - np.array([[0.6], [-0.8]])) ** 2) / 2)
    size = 1500 if style == "American" else 300
    roundness = np.where(strikes % (5 * step) == 0, 3.0, 1.0)
    interest = size * crowd * roundness * np.exp(rng.normal(0, 0.6, values.shape))
    volume = rng.poisson(0.08 * interest)
    frame = pd.DataFrame(
        {
            "expiry": day,
            "style": style,
            "underlying": code,
            "forward": forward,
            "years": years,
            "strike": np.tile(strikes, 2),
            "kind": np.repeat(["call", "put"], len(strikes)),
            "bid": bid.ravel(),
            "ask": ask.ravel(),
            "mid": np.round((bid + ask).ravel() / 2, 4),
            "implied_volatility": np.tile(np.round(volatility, 6), 2),
            "volume": volume.ravel().astype(np.int64),
            "open_interest": np.rint(interest).ravel().astype(np.int64),
        }
    )
    texts = dict.fromkeys(("expiry", "style", "underlying", "kind"), "str")
    return frame.astype(texts).sort_values(["strike", "kind"], kind="stable")


def _black76(forward: float, strikes: np.ndarray, years: float, rate: float, volatility):
    """Calls and puts on a future: two rows."""
    deviation = volatility * math.sqrt(years)
    sign = np.array([[1], [-1]])
    return option_pricing.european(forward, strikes, deviation, math.exp(-rate * years), sign)[0]
