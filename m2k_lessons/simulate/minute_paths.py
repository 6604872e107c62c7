"""Minute bars of both contracts from an `IntradayTruth`, and what releases do to them."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import sessions
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate import day_bars, release_days
from m2k_lessons.simulate.intraday_truth import (
    MINUTES_A_DAY,
    RTH_END,
    RTH_START,
    IntradayTruth,
    Profile,
)


def minute_bars(
    rng: np.random.Generator,
    truth: IntradayTruth,
    index: pd.DatetimeIndex,
    pause: np.ndarray,
    reopens: np.ndarray,
    releases: pd.DataFrame,
) -> dict[str, pd.DataFrame]:
    """Minute bars on `index`.

    Parameters
    ----------
    pause : array of float
        Variance of M2K's move since the bar before, in square basis points; 0 if none is
        missing between them.
    reopens : array of bool
        Whether a bar is the first after such a pause.
    """
    size = len(index)
    apart = np.diff(index.asi8, prepend=index.asi8[0] - 60_000_000) / 60_000_000
    wall = index.tz_localize(None).to_numpy()
    midnight = wall.astype("datetime64[D]")
    minute_of_day = ((wall - midnight) // np.timedelta64(1, "m")).astype(np.int64)
    session_day = (wall + np.timedelta64(6, "h")).astype("datetime64[D]")
    profile = Profile.of(truth)
    in_day = (minute_of_day >= RTH_START) & (minute_of_day < RTH_END)
    is_rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    holiday = in_day & ~is_rth

    # One level for each weekday, so that windows weeks apart have levels weeks apart.
    position = np.busday_count(session_day[0], session_day)
    wave = day_bars.stationary_autoregression(rng, position[-1] + 1, truth.session_kept)
    wave = truth.session_deviation * wave[position]
    correlation = _day_correlations(rng, truth, position[-1] + 1)[position]

    normal = rng.standard_normal((2, size))
    normal[1] = correlation * normal[0] + _rest(correlation) * normal[1]
    # Volatility of the hour; what the market did in a minute is known in the next.
    market = normal.sum(axis=0) / np.sqrt(2 + 2 * correlation)
    fast = truth.fast_deviation * _fast(rng, truth, market, apart)
    variance = truth.session_deviation**2 + truth.fast_deviation**2
    level = np.exp(wave + fast - variance)  # of mean square 1
    volatility = np.sqrt(profile.variance[minute_of_day]) * level
    busy = truth.volume_on_volatility
    volume = profile.volume_share[minute_of_day]
    volume = volume * np.exp(busy * (wave + fast) - busy**2 * variance / 2)
    volatility[holiday] *= truth.holiday_volatility
    volume[holiday] *= truth.holiday_volatility**2
    news = _news(truth, index, reopens, releases)

    pauses = rng.standard_normal((2, size)) * np.sqrt(pause) * level
    pauses[1] = correlation * pauses[0] + _rest(correlation) * pauses[1]
    mixing = np.sqrt((truth.tail / 2 - 1) / rng.standard_gamma(truth.tail / 2, size))
    shocks = normal * mixing * volatility * news.excitement

    calm = _quiet_spread(minute_of_day, is_rth, reopens)
    frames = {}
    for row, contract, start, relative, thickness in (
        (0, M2K, day_bars.SMALL_START, 1.0, 1.0),
        (1, MES, day_bars.LARGE_START, truth.relative_volatility, 0.25),
    ):
        wobble = day_bars.stationary_autoregression(rng, size, truth.disturbance_kept)
        wobble *= math.sqrt(truth.disturbance) * volatility
        moves = relative * (shocks[row] + pauses[row]) + news.response[row]
        log_close = math.log(start) + (np.cumsum(moves) + relative * wobble) / 1e4
        log_open = np.concatenate([[math.log(start)], log_close[:-1]])
        log_open += relative * pauses[row] / 1e4
        # The first trade of a minute is at the bid or the ask, the last one before it likewise.
        bounce = 0.35 * contract.tick_size * rng.standard_normal(size)
        log_open += bounce * np.exp(-log_open)
        within = relative * volatility * news.excitement[row] / 1e4
        frame = day_bars.bars_from_ends(rng, contract, log_open, log_close, within, index)

        activity = 0.6 + 0.4 * np.abs(normal[row]) / math.sqrt(2 / math.pi)
        activity *= np.exp(rng.normal(-0.1, math.sqrt(0.2), size))
        contracts = day_bars.VOLUME[contract.symbol] * volume * news.trading * activity
        frame["volume"] = np.maximum(1, np.rint(contracts)).astype(np.int64)
        excess = thickness * level * (calm + news.spread)
        frame["spread_ticks"] = 1 + rng.poisson(excess).astype(np.int64)
        frames[contract.symbol] = frame
    return frames


class _News(NamedTuple):
    """What releases do, minute by minute."""

    response: np.ndarray  # two rows, M2K and MES, in basis points
    excitement: np.ndarray  # multiple of the ordinary volatility, two rows
    trading: np.ndarray  # multiple of the ordinary volume
    spread: np.ndarray  # ticks of M2K's spread on top of the ordinary one


def _news(
    truth: IntradayTruth, index: pd.DatetimeIndex, reopens: np.ndarray, releases: pd.DataFrame
) -> _News:
    size = len(index)
    response, spread = np.zeros((2, size)), np.zeros(size)
    excitement, trading = np.ones((2, size)), np.ones(size)
    kinds = {one.name: one for one in truth.releases}
    starts = np.append(0, np.flatnonzero(reopens))
    ends = np.append(starts[1:], size)
    places = index.get_indexer(releases.index)
    path = release_days.response_path()
    after = 4 * 2.0 ** (-np.arange(30) / 3)
    for begin, name, surprise in zip(
        places, releases["release"], releases["surprise"], strict=True
    ):
        kind = kinds[name]
        # An early close ends what a release began.
        end = ends[np.searchsorted(ends, begin, side="right")]
        for row, pct in enumerate((kind.small_cap_pct, kind.large_cap_pct)):
            _add(response[row], begin, end, 100 * pct * surprise * path, begin)
        first = starts[np.searchsorted(starts, begin, side="right") - 1]
        for piece in release_days.pieces(kind):
            for row, volatility in enumerate((piece.volatility, piece.large_volatility)):
                _add(excitement[row], first, end, volatility, begin + piece.offset)
            _add(trading, first, end, piece.volume, begin + piece.offset)
        _add(spread, begin, end, after, begin)
        if begin and not reopens[begin]:
            spread[begin - 1] += 3.0  # orders are pulled before the figure
    return _News(response, excitement, trading, spread)


def _add(to: np.ndarray, first: int, end: int, values: np.ndarray, begin: int) -> None:
    """Add values from `begin` on to the bars from `first` to before `end`."""
    start, stop = max(begin, first), min(begin + len(values), end)
    to[start:stop] += values[start - begin : stop - begin]


def _quiet_spread(minute_of_day: np.ndarray, is_rth: np.ndarray, reopens: np.ndarray) -> np.ndarray:
    """Mean of M2K's spread on an ordinary day, less the one tick that it always is."""
    by_minute = np.full(MINUTES_A_DAY, 0.8)
    by_minute[18 * 60 :] = by_minute[: 2 * 60] = 1.5
    mean = np.where(is_rth, 0.15, by_minute[minute_of_day])
    opening = minute_of_day - RTH_START
    mean += np.where(is_rth & (opening < 30), 0.8 * 2.0 ** (-opening / 5), 0.0)
    starts = np.flatnonzero(reopens)
    since = (
        np.arange(len(mean)) - starts[np.searchsorted(starts, np.arange(len(mean)), "right") - 1]
    )
    evening = minute_of_day >= 18 * 60
    return mean + np.where(evening, 3.0 * 2.0 ** (-since / 5), 0.0)


def _rest(correlation: np.ndarray) -> np.ndarray:
    return np.sqrt(1 - correlation**2)


def _day_correlations(rng: np.random.Generator, truth: IntradayTruth, days: int) -> np.ndarray:
    """Each day's own correlation: Beta-distributed, so that its mean is exactly the truth's."""
    mean, deviation = truth.correlation, truth.correlation_deviation
    if not deviation:
        return np.full(days, mean)
    size = mean * (1 - mean) / deviation**2 - 1
    return rng.beta(size * mean, size * (1 - mean), days)


def _fast(
    rng: np.random.Generator, truth: IntradayTruth, market: np.ndarray, apart: np.ndarray
) -> np.ndarray:
    """Standardised log volatility of each minute: an autoregression that the market drives, too.

    Parameters
    ----------
    market : array of float
        The market's standardised shock of each minute.
    apart : array of float
        Minutes from each bar to the one before it.
    """
    kept = 0.5 ** (1 / truth.fast_half_life_minutes)
    shocks = truth.leverage * -market
    shocks += math.sqrt(1 - truth.leverage**2) * rng.standard_normal(len(market))
    shocks = np.concatenate([[0.0], math.sqrt(1 - kept**2) * shocks[:-1]])
    # After a pause so much of the state is left as its minutes leave, and the rest is new.
    starts = np.flatnonzero(apart > 1)
    fresh = rng.standard_normal(len(starts) + 1)
    ends = np.append(starts, len(market))
    fast = day_bars.autoregression(shocks, kept)
    fade = kept ** np.arange(1 + np.diff(ends, prepend=0).max())
    begin, before, state = 0, 0.0, fresh[0]
    for number, end in enumerate(ends):
        # What the run so far has brought here gives way to the state that it should have.
        fast[begin:end] += fade[: end - begin] * (state - before)
        if end < len(market):
            left = kept ** apart[end]
            state = left * fast[end - 1] + math.sqrt(1 - left**2) * fresh[number + 1]
            before = fast[end]
            begin = end
    return fast
