"""How real the simulated minutes are: statistics over many seeds beside the measured figures.

python benchmarks/realism_intraday.py             prints the table
python benchmarks/realism_intraday.py --write     replaces it in data/README.md
"""

from __future__ import annotations

import sys

import numpy as np
import pandas as pd
from realism_table import Section, main

from m2k_lessons import sessions, simulate

DAYS = 60

_HALF_HOURS = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(570, 960, 30)]
_CENTRED_HOURS = [one for one in _HALF_HOURS if not one.startswith("14")]
_VARIANCE = "variance, % of the day's, {}"
_VOLUME = "volume, % of the day's, {}"
_NIGHT = "overnight share of variance, %"
_FIVE, _ONE = "correlation over 5 minutes", "correlation over 1 minute"
_MULTIPLE = "move after {}, multiple of an ordinary day's"
_SIZES = "absolute 5-minute moves, autocorrelation at 5 minutes{}"
_TAILS = "5-minute kurtosis above 3, time of day and day removed"
_DAYS = "correlation over 5 minutes, standard deviation over days"
_HALVES = "log realised variance, morning with afternoon"
_FALLS = "day's move with its log realised variance"

# Russell 2000, standard deviation of 5-minute moves (615 days, 2024 to 2026), in basis points.
_REAL_DEVIATION = (14.5, 16.2, 11.0, 9.8, 8.0, 7.3, 7.5, 10.3, 7.7, 9.0, 8.7, 8.1, 9.9)
# A fund on the Russell 2000, share of the regular hours' volume.
_REAL_VOLUME = (17.6, 10.4, 8.6, 7.1, 6.3, 5.4, 4.9, 5.0, 4.8, 5.0, 5.7, 6.4, 12.8)


def _shares(values) -> np.ndarray:
    return 100 * np.asarray(values) / np.sum(values)


REAL = {
    "2018–2026": {
        **dict(
            zip(
                map(_VARIANCE.format, _HALF_HOURS), _shares(np.square(_REAL_DEVIATION)), strict=True
            )
        ),
        **dict(zip(map(_VOLUME.format, _HALF_HOURS), _REAL_VOLUME, strict=True)),
        _NIGHT: 42.0,
        _FIVE: 0.80,
        _ONE: 0.70,
        # Middle of the range seen in a small sample of 2018; single figure for retail sales.
        _MULTIPLE.format("employment"): (2.0 + 5.4) / 2,
        _MULTIPLE.format("CPI"): (1.0 + 3.3) / 2,
        _MULTIPLE.format("retail sales"): 2.4,
        # S&P 500 (and Russell 2000 for the correlation), 2024 to 2026: middle of ten chunks of
        # sixty days, 5-minute bars from 09:45 to 16:00.
        _SIZES.format(""): 0.28,
        _SIZES.format(", day's level removed"): 0.09,
        _TAILS: 0.73,
        _DAYS: 0.119,
        _HALVES: 0.64,
        _FALLS: -0.29,
    }
}
NOTES = (
    "The last six: from 09:45 on, as the real ones; one contract's are the large caps'. The real "
    "figure is the middle of ten chunks of sixty days, which ran from .20 to .33, .006 to .11, "
    ".52 to 1.07, .074 to .173 (an index whose prices are stale adds to it), .40 to .82 and −.40 "
    "to .18.",
    "Rate decisions are rare and large, so that shares of variance are centred in their mean, not "
    "in their median; those from 14:00 to 15:00, of which one or two of sixty days hold a fifth, "
    "are judged by their band alone.",
    "Moves after a release: median over the releases of a kind of the absolute move from 08:30 "
    "to 08:35, over the median of all other days. The real figures are the middles of ranges "
    "over a handful of releases (employment 2.0 to 5.4, CPI 1.0 to 3.3), so they say little.",
    "The night's share is that of a fund's closing and opening prices. A sample of the futures "
    "of 2018 gives the regular hours 77 % of the variance, a night's share of 23 %: the two "
    "sources do not agree, and the newer one was taken.",
    "Not judged, because no measured figure was found: spread by session, the night's volume, "
    "and the night's volatility hour by hour. They are assumptions of this course.",
)


def draw(seed: int):
    """Sixty days; each seed begins in another month, so that the calendar varies too."""
    start = pd.Timestamp("2030-01-02") + pd.DateOffset(months=seed % 120)
    return simulate.intraday(DAYS, seed, start=start.date())


def measure(market) -> dict[str, float]:
    """Every intraday statistic of a market."""
    five = {symbol: np.diff(path[:, ::5]) for symbol, path in whole_days(market).items()}
    return measure_profile(market) | measure_within(five["MES"][:, 3:], five["M2K"][:, 3:])


def whole_days(market) -> dict[str, np.ndarray]:
    """Log prices of whole stock-market days: the open, and 390 closes."""
    rth, day = _regular_hours(market)
    paths = {}
    for symbol in ("M2K", "MES"):
        prices = np.log(market[symbol][["open", "close"]][rth])
        closes = _by_day(prices["close"], day[rth]).dropna()
        opens = _by_day(prices["open"], day[rth]).loc[closes.index].to_numpy()
        paths[symbol] = np.concatenate([opens[:, :1], closes.to_numpy()], axis=1)
    return paths


def measure_profile(market) -> dict[str, float]:
    """Variance and volume by time of day, the night, correlations, moves after releases."""
    rth, day = _regular_hours(market)
    paths = whole_days(market)
    five = {symbol: np.diff(path[:, ::5]) for symbol, path in paths.items()}
    one = {symbol: np.diff(path) for symbol, path in paths.items()}
    variance = np.square(five["M2K"]).reshape(-1, 13, 6).mean(axis=(0, 2))
    volume = _by_day(market["M2K"]["volume"][rth], day[rth]).dropna()
    volume = volume.to_numpy().reshape(-1, 13, 30).sum(axis=(0, 2))
    figures = {
        **dict(zip(map(_VARIANCE.format, _HALF_HOURS), _shares(variance), strict=True)),
        **dict(zip(map(_VOLUME.format, _HALF_HOURS), _shares(volume), strict=True)),
        _NIGHT: _overnight_share(market["M2K"], rth, day),
        _FIVE: np.corrcoef(five["M2K"].ravel(), five["MES"].ravel())[0, 1],
        _ONE: np.corrcoef(one["M2K"].ravel(), one["MES"].ravel())[0, 1],
    }
    for kind in ("employment", "CPI", "retail sales"):
        figures[_MULTIPLE.format(kind)] = _release_multiple(market["M2K"], market["releases"], kind)
    return {name: float(value) for name, value in figures.items()}


def _regular_hours(market) -> tuple[np.ndarray, pd.DatetimeIndex]:
    index = market["M2K"].index
    rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    return rth, index.tz_localize(None).normalize()


def measure_within(large: np.ndarray, small: np.ndarray) -> dict[str, float]:
    """How 5-minute moves, one row a day, hang together within days."""
    moves = large / np.sqrt(np.mean(large**2, axis=0))
    own = moves / np.sqrt(np.mean(moves**2, axis=1, keepdims=True))
    squares = large**2
    middle = large.shape[1] // 2
    morning, afternoon = squares[:, :middle].sum(axis=1), squares[:, middle:].sum(axis=1)
    by_day = [np.corrcoef(*one)[0, 1] for one in zip(small, large, strict=True)]
    figures = {
        _SIZES.format(""): _next_one(np.abs(moves)),
        _SIZES.format(", day's level removed"): _next_one(np.abs(own)),
        _TAILS: np.mean(own**4) / np.mean(own**2) ** 2 - 3,
        _DAYS: np.std(by_day),
        _HALVES: np.corrcoef(np.log(morning), np.log(afternoon))[0, 1],
        _FALLS: np.corrcoef(large.sum(axis=1), np.log(squares.sum(axis=1)))[0, 1],
    }
    return {name: float(value) for name, value in figures.items()}


def _next_one(sizes: np.ndarray) -> float:
    return np.corrcoef(sizes[:, 1:].ravel(), sizes[:, :-1].ravel())[0, 1]


def _by_day(series: pd.Series, day: pd.DatetimeIndex) -> pd.DataFrame:
    """One row a day, one column a minute from 09:30 to 15:59."""
    clock = series.index.tz_localize(None) - day
    table = pd.Series(series.to_numpy(), index=[day, clock]).unstack()
    return table.reindex(columns=pd.timedelta_range("09:30:00", periods=390, freq="min"))


def _overnight_share(bars: pd.DataFrame, rth: np.ndarray, day: pd.DatetimeIndex) -> float:
    regular = bars[rth].groupby(day[rth])
    opens, closes = np.log(regular["open"].first()), np.log(regular["close"].last())
    night = (opens - closes.shift()).dropna()
    in_day = (closes - opens)[1:]
    return 100 * np.mean(night**2) / (np.mean(night**2) + np.mean(in_day**2))


def _release_multiple(bars: pd.DataFrame, releases: pd.DataFrame, kind: str) -> float:
    day = bars.index.tz_localize(None).normalize()
    clock = bars.index.tz_localize(None) - day
    begins = bars["open"][clock == pd.Timedelta("08:30:00")].to_numpy()
    ends = bars["close"][clock == pd.Timedelta("08:34:00")].to_numpy()
    moves = pd.Series(np.abs(np.log(ends / begins)), day[clock == pd.Timedelta("08:30:00")])
    released = releases.index.tz_localize(None).normalize()
    ordinary = moves[~moves.index.isin(released)].median()
    return moves[moves.index.isin(released[releases["release"] == kind])].median() / ordinary


# --- rate days ------------------------------------------------------------------------------

RATE_DAYS_YEARS = 2.5  # twenty decisions, as many as the real sample has
_SPANS = {
    "09:35 to 13:00": (1, 42),
    "13:00 to 14:00": (42, 54),
    "14:00 to 14:30": (54, 60),
    "14:30 to 15:00": (60, 66),
    "15:00 to 16:00": (66, 78),
}
# Mean absolute 5-minute moves on 20 rate days of 2024 to 2026 over those of all other days.
REAL_RATE_DAYS = {
    "2024–2026": {
        f"{span}, {short}": figure
        for short, figures in {
            "small": (0.76, 0.75, 3.27, 4.81, 2.43),
            "large": (0.72, 0.84, 2.28, 3.49, 2.08),
        }.items()
        for span, figure in zip(_SPANS, figures, strict=True)
    }
}


def draw_rate_days(seed: int):
    """Two and a half years of minutes."""
    start = pd.Timestamp("2030-01-02") + pd.DateOffset(months=seed % 90)
    return simulate.intraday(round(252 * RATE_DAYS_YEARS), seed, start=start.date())


def measure_rate_days(market) -> dict[str, float]:
    """Mean absolute move of rate days over that of all other days, by time of day."""
    rth, day = _regular_hours(market)
    releases = market["releases"]
    decided = releases.index[releases["release"] == "rate decision"].tz_localize(None).normalize()
    figures = {}
    for symbol, short in (("M2K", "small"), ("MES", "large")):
        closes = _by_day(np.log(market[symbol]["close"][rth]), day[rth]).dropna()
        # From each 5 minutes' last close to the next one's: the first move needs an open.
        sizes = np.abs(np.diff(closes.to_numpy()[:, 4::5], axis=1))
        of_rates = closes.index.isin(decided)
        for span, (start, stop) in _SPANS.items():
            part = sizes[:, start - 1 : stop - 1]
            figures[f"{span}, {short}"] = part[of_rates].mean() / part[~of_rates].mean()
    return {name: float(value) for name, value in figures.items()}


SECTIONS = [
    Section(
        name="intraday",
        title="Sixty days of minutes, against figures of 2018 to 2026",
        draw=draw,
        measure=measure,
        real=REAL,
        seeds=200,
        centred=frozenset([*map(_VARIANCE.format, _CENTRED_HOURS), _NIGHT, _FIVE, _ONE]),
        centre=np.mean,
        notes=NOTES,
    ),
    Section(
        name="intraday-rate-days",
        title="Rate days, multiple of all other days' mean absolute 5-minute move",
        draw=draw_rate_days,
        measure=measure_rate_days,
        real=REAL_RATE_DAYS,
        seeds=100,
        notes=("Twenty rate days, as in the real sample.",),
    ),
]


if __name__ == "__main__":
    sys.exit(main(sections=SECTIONS))
