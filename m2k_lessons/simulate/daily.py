"""Daily bars of two indices and their futures, drawn from parameters that are given back.

The large-cap index follows a GJR-GARCH process with Student-t shocks (Glosten, Jagannathan and
Runkle 1993); the small-cap index is a slowly changing beta times the same shocks, plus a second
GJR-GARCH factor of its own; rare jumps hit both at once. Shocks are split over the night and the
thirteen half hours of the stock market's day, so that open, high, low and close belong to one
path, on which falls raise the volatility of what is left of the day and of the next. Futures
prices are the index carried to the contract's last trading day; volume follows the true range.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math

import numpy as np
import pandas as pd

from m2k_lessons import contracts, sessions
from m2k_lessons._util import checks
from m2k_lessons.simulate import index_futures, index_paths
from m2k_lessons.simulate.daily_truth import DAYS_PER_YEAR, REGIMES, DailyTruth, Garch
from m2k_lessons.simulate.market import Market

TIME_ZONE = "America/New_York"
_LAST_YEAR = 2067  # two-digit contract codes end in 2069, and the next contract is needed too


def daily(
    years: float,
    seed: int,
    *,
    start: str | dt.date = "2030-01-02",
    regime: str = "normal",
    truth: DailyTruth | None = None,
    jumps: bool = True,
    changing_beta: bool = True,
    changing_volatility: bool = True,
    fat_tails: bool = True,
    leverage: bool = True,
) -> Market:
    """Simulate daily bars of the small-cap and large-cap index and of their front futures.

    The dates lie in the future on purpose: a price dated 2034 can't be mistaken for history.
    A bar covers the stock market's day, 09:30 to 16:00 New York time; what happens in the night
    lies between one bar's close and the next bar's open. The same seed gives the same shocks
    with a component switched off, and a shorter history is the beginning of a longer one
    (back-adjusted prices excepted).

    Parameters
    ----------
    years : float
        Length, above 0; the history ends before 2068.
    seed : int
        0 or more.
    start : date
        First day, or the first trading day after it. Not before 2019-05-06, when M2K began.
    regime : {"normal", "calm", "crisis"}
        "normal" is calibrated to 2010–2019; "crisis" to a decade with crises in it.
    truth : DailyTruth, optional
        Draw from these parameters instead (`dataclasses.replace(market.truth, drift=0.0)`); its
        `seed`, `years` and `start` are replaced by the arguments, `regime` becomes "custom".
    jumps, changing_beta, changing_volatility, fat_tails, leverage : bool
        False switches the component off. Without changing volatility, each day's variance is
        the mean one; without fat tails, shocks are normal; without leverage, nothing happens
        within a day (`leverage`, `volatility_carried` and `dip` of the truth are 0). What a fall
        adds to the GARCH variance of the days after it is part of the changing volatility.

    Returns
    -------
    Market
        Frames by name, indexed by trade date (``"time"``, midnight in New York), prices in
        points on the contract's tick:

        - ``"M2K"``, ``"MES"``, ``"RTY"``, ``"ES"``: front contract as a trader holds it, not
          adjusted, rolled on Monday of expiry week; open high low close volume contract.
          RTY has M2K's prices, ES has MES's.
        - ``"M2K_next"``, ``"MES_next"``: the expiry after the front one.
        - ``"M2K_expiring"``, ``"MES_expiring"``: the nearest expiry, held to its last trading
          day, on which all four prices are the final settlement: the index's open.
        - ``"M2K_continuous"``, ``"MES_continuous"``: the front, earlier prices moved by the
          later roll gaps in points.
        - ``"small_caps"``, ``"large_caps"``: the cash indices, two decimals, without volume.
        - ``"portfolio"``: close, the value in USD of a portfolio of small-cap stocks.
        - ``"rolls"``: one row per roll and symbol; from_contract to_contract gap_points
          (new less old contract at the last close before the roll).
        - ``"hidden"``: what no real market shows, known before each day's shock: the year's
          volatility of small and large caps (as if every night were of average length), beta and
          correlation.

        ``.truth`` is a `DailyTruth`.

    Raises
    ------
    ValueError, TypeError
        An argument outside what is accepted.

    Examples
    --------
    >>> from m2k_lessons import simulate
    >>> market = simulate.daily(years=1, seed=7)
    >>> market["M2K"].loc["2030-03-08":"2030-03-11", "contract"].tolist()
    ['M2KH30', 'M2KM30']
    >>> market.truth.correlation > 0.8
    True
    """
    length = checks.number("years", years, above=0)
    seed = checks.whole("seed", seed, at_least=0)
    first = checks.date("start", start)
    if first < contracts.M2K.launch:
        raise ValueError(f"start must be {contracts.M2K.launch} or later, got {first}")
    end = first + dt.timedelta(days=round(min(length, 1000) * 365.25))
    if end.year > _LAST_YEAR:
        raise ValueError(f"years must end the history before {_LAST_YEAR + 1}, got {years!r}")
    truth = _truth(truth, regime, jumps, changing_beta, changing_volatility, fat_tails, leverage)
    truth = dataclasses.replace(truth, seed=seed, years=years, start=first)
    days = trading_days(first, end)
    if not len(days):
        raise ValueError(f"years must hold at least one trading day, got {years!r} from {first}")

    streams = np.random.default_rng(seed).spawn(9)
    paths = index_paths.index_paths(truth, days, streams)
    index = pd.DatetimeIndex(days.astype("datetime64[us]"), name="time").tz_localize(TIME_ZONE)

    frames: dict[str, pd.DataFrame] = {}
    rolls = []
    for symbol, standard, name, stream in (
        ("M2K", "RTY", "small_caps", streams[5]),
        ("MES", "ES", "large_caps", streams[6]),
    ):
        futures, gaps = index_futures.frames(
            truth, symbol, standard, days, paths[name], stream, index
        )
        frames |= futures
        rolls.append(gaps)
    for name in ("small_caps", "large_caps"):
        frames[name] = pd.DataFrame(
            {one: paths[name][one] for one in index_futures.PRICES}, index=index
        )
    frames["portfolio"] = _portfolio(truth, paths["small_caps"]["close"], streams[7], index)
    frames["rolls"] = pd.concat(rolls).sort_index(kind="stable")
    frames["hidden"] = pd.DataFrame(
        {name: np.round(values, 6) for name, values in paths["hidden"].items()}, index=index
    )
    order = [
        *(f"{symbol}{kind}" for symbol in ("M2K", "MES") for kind in _KINDS),
        *("RTY", "ES", "small_caps", "large_caps", "portfolio", "rolls", "hidden"),
    ]
    return Market({name: frames[name] for name in order}, truth)


_KINDS = ("", "_next", "_expiring", "_continuous")


def _truth(
    given, regime, jumps, changing_beta, changing_volatility, fat_tails, leverage
) -> DailyTruth:
    regime = checks.choice("regime", regime, REGIMES)
    if given is None:
        truth = DailyTruth(
            seed=0,
            years=1,
            start=dt.date(2030, 1, 2),
            regime=regime,
            **REGIMES[regime],  # type: ignore[arg-type]
        )
    elif not isinstance(given, DailyTruth):
        raise TypeError(f"truth must be a DailyTruth such as market.truth, got {given!r}")
    elif regime != "normal":
        raise ValueError(f"regime must be left out when truth is given, got {regime!r}")
    else:
        truth = dataclasses.replace(given, regime="custom")
    switches = {
        "jumps": jumps,
        "changing_beta": changing_beta,
        "changing_volatility": changing_volatility,
        "fat_tails": fat_tails,
        "leverage": leverage,
    }
    for name, value in switches.items():
        if not isinstance(value, (bool, np.bool_)):
            raise TypeError(f"{name} must be True or False, got {value!r}")
    if not jumps:
        truth = dataclasses.replace(truth, jumps_per_year=0.0)
    if not changing_beta:
        truth = dataclasses.replace(truth, beta_deviation=0.0)
    if not leverage:
        truth = dataclasses.replace(truth, leverage=0.0, volatility_carried=0.0, dip=0.0)
    means = {"large": truth.mean_variance_large, "size": truth.size.variance}
    if not changing_volatility:
        truth = dataclasses.replace(truth, volatility_carried=0.0)
    for factor in ("large", "size"):
        garch = getattr(truth, factor)
        if not changing_volatility:
            garch = Garch(omega=means[factor], alpha=0.0, gamma=0.0, beta=0.0, nu=garch.nu)
        if not fat_tails:
            garch = dataclasses.replace(garch, nu=math.inf)
        truth = dataclasses.replace(truth, **{factor: garch})  # type: ignore[arg-type]
    return truth


def _portfolio(truth, small_close, stream, index) -> pd.DataFrame:
    daily_drift = truth.drift / DAYS_PER_YEAR
    before = np.r_[truth.small_caps, small_close[:-1]]
    market = np.log(small_close / before) - daily_drift
    own = stream.standard_normal(len(index))
    own = own * truth.portfolio_own_volatility / math.sqrt(DAYS_PER_YEAR)
    value = truth.portfolio_usd * np.exp(
        np.cumsum(daily_drift + truth.portfolio_beta * market + own)
    )
    return pd.DataFrame({"close": np.round(value, 2)}, index=index)


def trading_days(start: dt.date, end: dt.date) -> np.ndarray:
    """Weekdays from `start` to the day before `end` on which the US stock market opens.

    Returns
    -------
    array of datetime64[D]

    Examples
    --------
    >>> from datetime import date
    >>> trading_days(date(2030, 7, 3), date(2030, 7, 9)).astype(str).tolist()
    ['2030-07-03', '2030-07-05', '2030-07-08']
    """
    if end <= start:
        return np.array([], dtype="datetime64[D]")
    rows = sessions.schedule(start, end - dt.timedelta(days=1))
    return rows.index[rows["rth_open"].notna()].to_numpy().astype("datetime64[D]")
