"""Daily bars of two indices and their futures, drawn from parameters that are given back.

The large-cap index follows a GJR-GARCH process with Student-t shocks (Glosten, Jagannathan and
Runkle 1993); the small-cap index is a slowly changing beta times the same shocks, plus a second
GJR-GARCH factor of its own; rare jumps hit both at once. Shocks are split over the night and the
thirteen half hours of the stock market's day, so that open, high, low and close belong to one
path. Futures prices are the index carried to the contract's last trading day.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons import _check, contracts
from m2k_lessons.simulate import _index_paths, _volume
from m2k_lessons.simulate.market import LABEL, Market

DAYS_PER_YEAR = 252
TIME_ZONE = "America/New_York"
_LAST_YEAR = 2067  # two-digit contract codes end in 2069, and the next contract is needed too

# Contracts a day in an average market: the level for RTY is of the size seen in 2018 to 2026,
# the others are arbitrary.
_AVERAGE_VOLUME = {"M2K": 60_000, "RTY": 150_000, "MES": 900_000, "ES": 1_400_000}
_BASIS_NOISE = 0.6e-4  # of the price, three months before expiry; shrinks to nothing at expiry
_SPREAD_NOISE = 0.2e-4  # between two expiries of one index, of the price


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
        _check.number("omega", self.omega, above=0)
        for name in ("alpha", "gamma", "beta"):
            _check.number(name, getattr(self, name), at_least=0)
        if not self.nu > 2:
            raise ValueError(f"nu must be above 2 (infinity for normal shocks), got {self.nu!r}")
        if self.persistence >= 1:
            raise ValueError(
                "alpha + gamma / 2 + beta must be below 1, or the variance has no mean, "
                f"got {self.persistence!r}"
            )

    @property
    def persistence(self) -> float:
        """Share of a variance shock that is left a day later, on average."""
        return self.alpha + self.gamma / 2 + self.beta

    @property
    def variance(self) -> float:
        """Mean variance, in percent squared per day."""
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
    leverage: float = 0.17
    volatility_carried: float = 0.62
    dip: float = 0.33
    volume_on_range: float = _volume.ON_RANGE
    volume_on_return: float = _volume.ON_RETURN
    volume_wave: float = _volume.WAVE
    volume_kept: float = _volume.KEPT
    volume_noise: float = _volume.NOISE
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
            _check.number(name, getattr(self, name), **limits)

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
    def _persistence_market(self) -> float:
        falls = _index_paths.share_of_falls(self.leverage)
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


_REGIMES = {
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
    jumps, changing_beta, changing_volatility, fat_tails : bool
        False switches the component off. Without changing volatility, each day's variance is
        the mean one; without fat tails, shocks are normal.

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
          volatility of small and large caps, beta and correlation.

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
    length = _check.number("years", years, above=0)
    seed = _check.whole("seed", seed, at_least=0)
    first = _check.date("start", start)
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
    paths = _index_paths.index_paths(truth, days, streams)
    index = pd.DatetimeIndex(days.astype("datetime64[us]"), name="time").tz_localize(TIME_ZONE)

    frames = {}
    rolls = []
    for symbol, standard, name, stream in (
        ("M2K", "RTY", "small_caps", streams[5]),
        ("MES", "ES", "large_caps", streams[6]),
    ):
        futures, gaps = _futures(truth, symbol, standard, days, paths[name], stream, index)
        frames |= futures
        rolls.append(gaps)
    for name in ("small_caps", "large_caps"):
        frames[name] = pd.DataFrame({one: paths[name][one] for one in _PRICES}, index=index)
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


_PRICES = ("open", "high", "low", "close")
_KINDS = ("", "_next", "_expiring", "_continuous")


def _truth(
    given, regime, jumps, changing_beta, changing_volatility, fat_tails, leverage
) -> DailyTruth:
    regime = _check.choice("regime", regime, _REGIMES)
    if given is None:
        truth = DailyTruth(
            seed=0, years=1, start=dt.date(2030, 1, 2), regime=regime, **_REGIMES[regime]
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
    if not changing_volatility:
        truth = dataclasses.replace(truth, volatility_carried=0.0)
    for factor in ("large", "size"):
        garch = getattr(truth, factor)
        if not changing_volatility:
            garch = Garch(omega=garch.variance, alpha=0.0, gamma=0.0, beta=0.0, nu=garch.nu)
        if not fat_tails:
            garch = dataclasses.replace(garch, nu=math.inf)
        truth = dataclasses.replace(truth, **{factor: garch})
    return truth


def _futures(truth, symbol, standard, days, path, stream, index):
    """All futures frames of one index, and its rolls."""
    contract = contracts.get_contract(symbol)
    codes, roll_days, last_days = _quarters(symbol, days)
    front = np.searchsorted(roll_days, days, side="right")
    expiring = np.searchsorted(last_days, days, side="left")
    basis_stream, spread_stream, volume_stream = stream.spawn(3)
    basis = _BASIS_NOISE * basis_stream.standard_normal((len(days), 2))
    spread = _SPREAD_NOISE * spread_stream.standard_normal((len(days), 2))

    def bars(held: np.ndarray) -> dict[str, np.ndarray]:
        remaining = (last_days[held] - days).astype(float)
        noise = basis + spread * (held - expiring)[:, None]
        noise = noise * np.sqrt(remaining / 91)[:, None]
        carried = np.exp(truth.carry * remaining / 365)
        ticks = {}
        for column, of in {"open": 0, "close": 1, "high": None, "low": None}.items():
            shift = noise.mean(axis=1) if of is None else noise[:, of]
            price = path[column] * carried * (1 + shift)
            ticks[column] = contract.ticks(contract.round_to_tick(price))
        settled = remaining == 0
        for column in ("high", "low", "close"):
            ticks[column] = np.where(settled, ticks["open"], ticks[column])
        ticks["high"] = np.maximum.reduce([ticks["high"], ticks["open"], ticks["close"]])
        ticks["low"] = np.minimum.reduce([ticks["low"], ticks["open"], ticks["close"]])
        return ticks

    def frame(ticks, volume, held=None) -> pd.DataFrame:
        # Whole ticks over ticks per point: the float nearest to the decimal price.
        data = {column: ticks[column] / contract._ticks_per_point for column in _PRICES}
        data["volume"] = volume
        if held is not None:
            data["contract"] = np.asarray(codes)[held]
        return pd.DataFrame(data, index=index)

    held_bars, next_bars, expiring_bars = bars(front), bars(front + 1), bars(expiring)
    micro, big = _volumes(truth, symbol, standard, path, volume_stream)
    leaving = _share_of_next(days, roll_days[front])
    arriving = np.where(front > 0, _share_of_next(days, roll_days[np.maximum(front, 1) - 1]), 1.0)
    at_front, at_next = (1 - leaving) * arriving, leaving
    at_expiring = np.where(expiring == front, at_front, 1 - arriving)

    rolled = np.flatnonzero(np.diff(front)) + 1
    gaps = next_bars["close"][rolled - 1] - held_bars["close"][rolled - 1]
    later = np.zeros(len(days), dtype=np.int64)
    np.add.at(later, rolled - 1, gaps)
    later = np.cumsum(later[::-1])[::-1]
    continuous = {column: held_bars[column] + later for column in _PRICES}
    if continuous["low"].min() <= 0:
        raise ValueError(
            "rate and dividend_yield in truth must leave back-adjusted prices above 0, "
            f"got {truth.rate!r} and {truth.dividend_yield!r} over {truth.years!r} years"
        )
    frames = {
        symbol: frame(held_bars, _whole(micro * at_front), front),
        f"{symbol}_next": frame(next_bars, _whole(micro * at_next), front + 1),
        f"{symbol}_expiring": frame(expiring_bars, _whole(micro * at_expiring), expiring),
        f"{symbol}_continuous": frame(continuous, _whole(micro * at_front)),
        standard: frame(held_bars, _whole(big * at_front), front),
    }
    frames[standard]["contract"] = [
        standard + code.removeprefix(symbol) for code in frames[standard]["contract"]
    ]
    rolls = pd.DataFrame(
        {
            "symbol": pd.array([symbol] * len(rolled), dtype="str"),
            "from_contract": pd.array(np.asarray(codes)[front[rolled] - 1], dtype="str"),
            "to_contract": pd.array(np.asarray(codes)[front[rolled]], dtype="str"),
            "gap_points": gaps / contract._ticks_per_point,
        },
        index=index[rolled],
    )
    return frames, rolls


def _quarters(symbol: str, days: np.ndarray) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Codes, roll days and last trading days of all contracts a history needs, oldest first."""
    first, last = days[0].item(), days[-1].item()
    codes = []
    for year in range(first.year, last.year + 2):
        for month in contracts.MONTH_LETTERS:
            if (year, month) >= (first.year, first.month):
                codes.append(contracts.contract_code(symbol, year, month))
    rolls = np.array([contracts.roll_day(code) for code in codes], dtype="datetime64[D]")
    ends = np.array([contracts.last_trading_day(code) for code in codes], dtype="datetime64[D]")
    return codes, rolls, ends


def _share_of_next(days: np.ndarray, roll_days: np.ndarray) -> np.ndarray:
    """Part of the volume that is in the later of two contracts; a half on the roll day."""
    before = (roll_days - days).astype(float)
    return np.clip(1 / (1 + np.exp(np.clip(before, -60, 60) / 1.5)), 0.01, 0.99)


def _volumes(truth, symbol, standard, path, stream):
    """Contracts a day, micro and standard: busier on days of wide range, with a slow wave."""
    shared, own = stream.spawn(2)
    day, *noise = own.standard_normal((3, len(path["close"])))
    variance = {"M2K": truth._variance_small, "MES": truth._variance_large}[symbol]
    busy = truth.volume_noise * day + _volume.log_activity(
        shared,
        path,
        math.sqrt(variance) / 100,
        on_range=truth.volume_on_range,
        on_return=truth.volume_on_return,
        wave=truth.volume_wave,
        kept=truth.volume_kept,
    )
    return (
        _AVERAGE_VOLUME[symbol] * np.exp(busy + 0.06 * noise[0]),
        _AVERAGE_VOLUME[standard] * np.exp(busy + 0.04 * noise[1]),
    )


def _whole(volume: np.ndarray) -> np.ndarray:
    return np.rint(volume).astype(np.int64)


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
    closed = [day for year in range(start.year, end.year + 1) for day in _closed_days(year)]
    days = np.arange(start, end, dtype="datetime64[D]")
    return days[np.is_busday(days, holidays=np.array(closed, dtype="datetime64[D]"))]


def _closed_days(year: int) -> list[dt.date]:
    """Full closures of the stock market from 2019 on: the rules, and the one exception."""
    from dateutil.easter import easter

    def nth(month: int, weekday: int, n: int) -> dt.date:
        first = dt.date(year, month, 1)
        return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

    def kept(month: int, day: int) -> dt.date:
        """The day on which a fixed holiday is kept: Friday for Saturday, Monday for Sunday."""
        date = dt.date(year, month, day)
        return date + dt.timedelta(days={5: -1, 6: 1}.get(date.weekday(), 0))

    monday, thursday = 0, 3
    new_year = dt.date(year, 1, 1)
    closed = [
        # A New Year's Day on a Saturday is not made up for.
        new_year + dt.timedelta(days=int(new_year.weekday() == 6)),
        nth(1, monday, 3),
        nth(2, monday, 3),
        easter(year) - dt.timedelta(days=2),
        nth(6, monday, 1) - dt.timedelta(days=7),  # last Monday in May
        kept(7, 4),
        nth(9, monday, 1),
        nth(11, thursday, 4),
        kept(12, 25),
    ]
    if year >= 2022:
        closed.append(kept(6, 19))
    if year == 2025:
        closed.append(dt.date(2025, 1, 9))  # national day of mourning
    return closed
