"""Two futures whose spread reverts at a known speed, breaks, or never was a relation."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from m2k_lessons._util import checks
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate import day_bars
from m2k_lessons.simulate.market import Market

BREAK_KINDS = ("random_walk", "shift")


@dataclass(frozen=True)
class PairTruth:
    """The parameters of one draw of `pair`.

    Attributes
    ----------
    days, seed : int
    hedge_ratio : float
        Slope of log M2K on log MES: M2K's percent for one percent of MES. 0 if `spurious`.
    intercept : float
        Constant of that relation.
    half_life : float
        Days in which the spread's distance from its mean halves; infinite: it never reverts.
    spread_volatility_pct : float
        Standard deviation of the spread's daily shocks, % of M2K's price.
    large_volatility_pct : float
        Standard deviation of MES's daily log returns, in %.
    break_day : int or None
        Position of the first day on which the relation no longer holds.
    break_kind : str or None
    shift_pct : float or None
        How far the spread's mean moves at a "shift", % of M2K's price.
    spurious : bool
        The two prices never had anything to do with each other.
    """

    days: int
    seed: int
    hedge_ratio: float
    intercept: float
    half_life: float
    spread_volatility_pct: float
    large_volatility_pct: float
    break_day: int | None
    break_kind: str | None
    shift_pct: float | None
    spurious: bool

    @property
    def autoregression(self) -> float:
        """Share of the spread's distance from its mean that is left after a day."""
        return 2.0 ** (-1 / self.half_life)

    @property
    def spread_deviation_pct(self) -> float:
        """Standard deviation of the spread's level, % of M2K's price; infinite without reversion.

        That of an AR(1): shock deviation / sqrt(1 - autoregression ** 2).
        """
        left = 1 - self.autoregression**2
        return self.spread_volatility_pct / math.sqrt(left) if left else math.inf

    def derived(self) -> dict[str, float]:
        """What follows from the parameters, by name."""
        names = ("autoregression", "spread_deviation_pct")
        return {name: round(getattr(self, name), 10) for name in names}


@dataclass(frozen=True)
class PairsTruth:
    """The parameters of the four pairs of `pairs`."""

    cointegrated: PairTruth
    correlated: PairTruth
    spurious: PairTruth
    broken: PairTruth

    def derived(self) -> dict[str, dict[str, float]]:
        """What follows from the parameters of each pair, by name."""
        return {field.name: getattr(self, field.name).derived() for field in fields(self)}


def pair(
    days: int,
    seed: int,
    *,
    hedge_ratio: float | None = None,
    half_life: float | None = None,
    spread_volatility_pct: float = 0.4,
    large_volatility_pct: float = 1.0,
    break_day: int | None = None,
    break_kind: str = "random_walk",
    shift_pct: float = 8.0,
    spurious: bool = False,
) -> Market:
    """Draw daily bars of M2K and MES that share a known relation.

    MES is a geometric random walk without drift. M2K follows it:
    ``log(M2K) = intercept + hedge_ratio * log(MES) + spread``, where the spread is an
    Ornstein-Uhlenbeck process, an AR(1) from close to close. The relation is between logarithms,
    so `hedge_ratio` is a beta (percent for percent) and no price can fall to 0.

    Parameters
    ----------
    days : int
        Number of daily bars, at least 2.
    seed : int
        Of the random generator, at least 0.
    hedge_ratio : float, optional
        M2K's percent for one percent of MES, between -3 and 3. Default 1.15.
    half_life : float, optional
        Days in which the spread's distance from its mean halves, above 0. Default 15.
        ``numpy.inf`` gives a spread that is a random walk: two prices that move together every
        day (correlated) without a relation of levels (not cointegrated).
    spread_volatility_pct : float
        Standard deviation of the spread's daily shocks, % of M2K's price.
    large_volatility_pct : float
        Standard deviation of MES's daily log returns, in %.
    break_day : int, optional
        Position of the first day after the relation broke, from 1 to days - 1.
    break_kind : {"random_walk", "shift"}
        From `break_day` on the spread wanders and no longer reverts, or it reverts, at the
        same speed, to a mean that lies `shift_pct` away.
    shift_pct : float
        Size of a "shift", % of M2K's price; not 0.
    spurious : bool
        Two independent random walks: no relation at all. M2K then has the volatility that it
        would have at the default hedge ratio. Excludes `hedge_ratio`, `half_life`, `break_day`.

    Returns
    -------
    Market
        Frames "M2K" and "MES": open high low close volume, prices in points on their ticks,
        indexed by trade date. A bar is the stock market's day; the night lies between bars.
        `truth` is a `PairTruth`.

    Raises
    ------
    TypeError, ValueError
        An argument outside what is accepted, or `spurious` together with a relation.

    Notes
    -----
    Open, close and the night between them are exact values of the two processes. High and low
    of the two legs are drawn separately: do not pair the high of one with the low of the other.
    Source of the discretisation: Hamilton, *Time Series Analysis*, chapter 3 (AR(1)) and
    chapter 19 (cointegration).

    Examples
    --------
    >>> market = pair(days=500, seed=11, half_life=10)
    >>> market["M2K"].shape, round(market.truth.autoregression, 3)
    ((500, 5), 0.933)
    """
    seed = checks.whole("seed", seed, at_least=0)
    if not isinstance(spurious, (bool, np.bool_)):
        raise TypeError(f"spurious must be True or False, got {spurious!r}")
    if spurious:
        _refuse_relation(hedge_ratio=hedge_ratio, half_life=half_life, break_day=break_day)
    ratio = 1.15 if hedge_ratio is None else hedge_ratio
    ratio = checks.number("hedge_ratio", ratio, at_least=-3, at_most=3)
    half_life = _half_life(15.0 if half_life is None else half_life)
    shock = _volatility("spread_volatility_pct", spread_volatility_pct)
    large_shock = _volatility("large_volatility_pct", large_volatility_pct)
    break_kind = checks.choice("break_kind", break_kind, BREAK_KINDS)
    shift = checks.number("shift_pct", shift_pct, at_least=-50, at_most=50)
    if shift == 0:
        raise ValueError(f"shift_pct must not be 0, got {shift_pct!r}")
    index = day_bars.simulated_days("days", days, at_least=2)
    days = len(index)
    if break_day is not None:
        break_day = checks.whole("break_day", break_day, at_least=1, at_most=days - 1)

    rng = np.random.default_rng(seed)
    small_shock = math.hypot(ratio * large_shock, shock)
    large = _random_walk(rng, days, large_shock / 100)
    if spurious:
        small = _random_walk(rng, days, small_shock / 100)
        ratio, half_life = 0.0, math.inf
    else:
        breaks = {break_kind: break_day}
        spread = _spread(
            rng,
            days,
            half_life,
            shock / 100,
            shift / 100,
            shifts_from=breaks.get("shift"),
            wanders_from=breaks.get("random_walk"),
        )
        small = ratio * large + spread

    frames = {}
    for contract, path, start, deviation_pct in (
        (M2K, small, day_bars.SMALL_START, small_shock),
        (MES, large, day_bars.LARGE_START, large_shock),
    ):
        log_open, log_close = path + math.log(start)
        deviation = deviation_pct / 100
        in_day = deviation * math.sqrt(1 - day_bars.OVERNIGHT_SHARE)
        frame = day_bars.bars_from_ends(rng, contract, log_open, log_close, in_day, index)
        frame["volume"] = day_bars.daily_volume(rng, contract.symbol, frame, deviation)
        frames[contract.symbol] = frame
    is_shift = break_day is not None and break_kind == "shift"
    truth = PairTruth(
        days=days,
        seed=seed,
        hedge_ratio=ratio,
        intercept=round(
            math.log(day_bars.SMALL_START) - ratio * math.log(day_bars.LARGE_START), 10
        ),
        half_life=half_life,
        spread_volatility_pct=shock,
        large_volatility_pct=large_shock,
        break_day=break_day,
        break_kind=None if break_day is None else break_kind,
        shift_pct=shift if is_shift else None,
        spurious=bool(spurious),
    )
    return Market(frames, truth)


def pairs(days: int, seed: int) -> Market:
    """Draw the course's four pairs: what is called a pair, and what only looks like one.

    Parameters
    ----------
    days : int
        Number of daily bars, at least 2.
    seed : int
        Of the first pair; the others have the next ones.

    Returns
    -------
    Market
        Frames named by pair and symbol, such as "cointegrated_M2K":

        - "cointegrated": the defaults of `pair`.
        - "correlated": the two move together every day, but the spread never reverts.
        - "spurious": two independent random walks.
        - "broken": like "cointegrated" for the first half, then the spread wanders off.

        `truth` is a `PairsTruth`.

    Raises
    ------
    TypeError, ValueError
        As `pair`.

    Examples
    --------
    >>> market = pairs(days=100, seed=1)
    >>> len(market), market.truth.broken.break_day
    (8, 50)
    """
    settings: dict[str, dict[str, Any]] = {
        "cointegrated": {},
        "correlated": {"half_life": math.inf},
        "spurious": {"spurious": True},
        "broken": {"break_day": checks.whole("days", days, at_least=2) // 2},
    }
    seed = checks.whole("seed", seed, at_least=0)
    markets = {
        name: pair(days, seed + place, **one) for place, (name, one) in enumerate(settings.items())
    }
    frames = {
        f"{name}_{symbol}": bars
        for name, market in markets.items()
        for symbol, bars in market.items()
    }
    return Market(frames, PairsTruth(**{name: one.truth for name, one in markets.items()}))


def _random_walk(rng: np.random.Generator, days: int, deviation: float) -> np.ndarray:
    """Open and close of a log price without drift that starts at 0: two rows."""
    night, day = rng.standard_normal((2, days)) * deviation
    night *= math.sqrt(day_bars.OVERNIGHT_SHARE)
    day *= math.sqrt(1 - day_bars.OVERNIGHT_SHARE)
    close = np.cumsum(night + day)
    return np.stack([close - day, close])


def _spread(
    rng: np.random.Generator,
    days: int,
    half_life: float,
    deviation: float,
    shift: float,
    *,
    shifts_from: int | None,
    wanders_from: int | None,
) -> np.ndarray:
    """Open and close of an Ornstein-Uhlenbeck process in units of log price: two rows."""
    hours = np.array([day_bars.OVERNIGHT_SHARE, 1 - day_bars.OVERNIGHT_SHARE])
    kept = 2.0 ** (-hours / half_life)  # of the distance from the mean, over night and over day
    kept_a_day = 2.0 ** (-1 / half_life)
    reverts = kept_a_day < 1
    if reverts:
        level_variance = deviation**2 / (1 - kept_a_day**2)
        deviations = np.sqrt(level_variance * (1 - kept**2))
        before = math.sqrt(level_variance) * rng.standard_normal()
    else:
        deviations = deviation * np.sqrt(hours)
        before = 0.0
    calm = days if wanders_from is None else wanders_from
    shocks = rng.standard_normal((2, days))
    night, day = shocks[:, :calm] * deviations[:, None]
    mean = np.zeros(calm)
    if shifts_from is not None:
        mean[shifts_from:] = shift

    news = kept[1] * night + day + (1 - kept_a_day) * mean
    news[0] += kept_a_day * before
    close = day_bars.autoregression(news, kept_a_day)
    last = np.concatenate([[before], close[:-1]])
    opening = mean + kept[0] * (last - mean) + night

    night, day = shocks[:, calm:] * (deviation * np.sqrt(hours))[:, None]
    wandering = close[-1] + np.cumsum(night + day)
    return np.stack(
        [np.concatenate([opening, wandering - day]), np.concatenate([close, wandering])]
    )


def _half_life(value) -> float:
    if isinstance(value, (float, np.floating)) and value == math.inf:
        return math.inf
    return checks.number("half_life", value, above=0)


def _volatility(name: str, value) -> float:
    return checks.number(name, value, above=0, at_most=5)


def _refuse_relation(**given) -> None:
    for name, value in given.items():
        if value is not None:
            raise ValueError(
                f"{name} must be left out when spurious is True (there is no relation), "
                f"got {value!r}"
            )
