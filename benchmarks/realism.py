"""How real the simulated daily bars are: statistics over many seeds beside the measured figures.

    python benchmarks/realism.py                  prints every table
    python benchmarks/realism.py daily --seeds 20 one section, fewer seeds
    python benchmarks/realism.py --write          replaces the tables in data/README.md

The table of the minutes is in `realism_intraday.py`.
"""

from __future__ import annotations

import math
import sys

import numpy as np
import pandas as pd
from realism_table import Section, main

from m2k_lessons import simulate

# --- daily bars ---------------------------------------------------------------------------

_INDICES = {"small_caps": "small", "large_caps": "large"}
_OF_ONE_INDEX = {
    "volatility, % a year": lambda r: r.std() * math.sqrt(252),
    "skew": lambda r: np.mean(_standard(r) ** 3),
    "excess kurtosis": lambda r: np.mean(_standard(r) ** 4) - 3,
    "autocorrelation of returns, 1 day": lambda r: _correlation(r[1:], r[:-1]),
    "autocorrelation of absolute returns, 1 day": lambda r: _correlation(
        np.abs(r[1:]), np.abs(r[:-1])
    ),
    "autocorrelation of absolute returns, 20 days": lambda r: _correlation(
        np.abs(r[20:]), np.abs(r[:-20])
    ),
    "leverage, corr(r, next r²)": lambda r: _correlation(r[:-1], r[1:] ** 2),
    "1 % quantile, %": lambda r: np.quantile(r, 0.01),
    "99 % quantile, %": lambda r: np.quantile(r, 0.99),
    "lowest day, %": lambda r: r.min(),
    "highest day, %": lambda r: r.max(),
}
_OF_BOTH = ("correlation", "beta", "volatility of the difference, % a year")
_OVERNIGHT = "overnight share of variance, small"


def measure_daily(market) -> dict[str, float]:
    """Every daily statistic of a market, from its index prices."""
    returns = {name: 100 * np.diff(np.log(market[name]["close"].to_numpy())) for name in _INDICES}
    result = {
        f"{statistic}, {short}": float(function(returns[name]))
        for statistic, function in _OF_ONE_INDEX.items()
        for name, short in _INDICES.items()
    }
    small, large = returns["small_caps"], returns["large_caps"]
    bars = market["small_caps"]
    night = 100 * np.log(bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1])
    both = (
        _correlation(small, large),
        float(np.cov(small, large)[0, 1] / large.var(ddof=1)),
        float((small - large).std() * math.sqrt(252)),
    )
    return (
        result
        | dict(zip(_OF_BOTH, both, strict=True))
        | {_OVERNIGHT: float(night.var() / small.var())}
    )


def _standard(values: np.ndarray) -> np.ndarray:
    return (values - values.mean()) / values.std()


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.corrcoef(x, y)[0, 1])


def _row(small, large, both, overnight=None) -> dict[str, float]:
    pairs = zip(_OF_ONE_INDEX, zip(small, large, strict=True), strict=True)
    figures = {
        f"{statistic}, {short}": value
        for statistic, values in pairs
        for short, value in zip(_INDICES.values(), values, strict=True)
    }
    figures |= dict(zip(_OF_BOTH, both, strict=True))
    return figures if overnight is None else figures | {_OVERNIGHT: overnight}


# Log returns of the closes of Russell 2000 and S&P 500, in the order of _OF_ONE_INDEX. The
# overnight share is that of a fund on the Russell 2000 (IWM) in the same years.
REAL_DAILY = {
    "2010–2019": _row(
        (19.6, -0.33, 4.0, -0.05, 0.19, 0.15, -0.13, -3.40, 3.04, -9.3, 6.7),
        (14.8, -0.50, 4.6, -0.05, 0.21, 0.12, -0.13, -2.86, 2.37, -6.9, 4.8),
        (0.906, 1.20, 8.8),
        0.298,
    ),
    "1990–2026": _row(
        (21.8, -0.52, 8.1, -0.05, 0.31, 0.25, -0.08, -3.74, 3.64, -15.4, 9.0),
        (18.0, -0.36, 10.9, -0.08, 0.27, 0.22, -0.10, -3.15, 2.98, -12.8, 11.0),
        (0.864, 1.04, 11.0),
    ),
    "2019–2026": _row(
        (25.9, -0.78, 9.6, -0.12, 0.29, 0.15, -0.02, -4.02, 3.77, -15.4, 9.0),
        (19.8, -0.66, 15.4, -0.16, 0.37, 0.18, -0.07, -3.50, 2.92, -12.8, 9.1),
        (0.868, 1.14, 13.1),
    ),
}
# --- what a bar has besides its close ------------------------------------------------------------

_LEVERAGE = "return, log range {}"
_MONDAYS = "standard deviation of Mondays' {}, over other days'"
_VOLUME = "log volume, {}"


def measure_bars(bars: pd.DataFrame, volume: np.ndarray | None) -> dict[str, float]:
    """Every statistic of daily bars: `open high low close`, and volume where there is one.

    The volume is detrended: its logarithm less the mean of the 252 days around it.
    """
    opened, high, low, close = (np.log(bars[one].to_numpy()) for one in _PRICES)
    r, gap, in_day = np.diff(close), opened[1:] - close[:-1], (close - opened)[1:]
    height = (high - low)[1:]
    log_range = np.log(height)
    monday = (bars.index.day_of_week == 0)[1:]
    figures = {
        "gap over close-to-close, standard deviations": gap.std() / r.std(),
        "mean range over standard deviation of close-to-close": height.mean() / r.std(),
        "mean place of the close in the range": np.mean((close - low)[1:] / height),
        "standard deviation of that place": np.std((close - low)[1:] / height),
        "mean place of the open in the range": np.mean((opened - low)[1:] / height),
        _LEVERAGE.format("of the day"): _correlation(r, log_range),
        **_leverage(r, log_range),
        "gap, log range of the day": _correlation(gap, log_range),
        "absolute open-to-close, log range": _correlation(np.abs(in_day), log_range),
        "log range, standard deviation": log_range.std(),
        "log range, autocorrelation at 1 day": _correlation(log_range[1:], log_range[:-1]),
        "log range, autocorrelation at 20 days": _correlation(log_range[20:], log_range[:-20]),
        "autocorrelation of absolute gaps, 1 day": _correlation(np.abs(gap[1:]), np.abs(gap[:-1])),
        "gap, excess kurtosis": np.mean(gap**4) / np.mean(gap**2) ** 2 - 3,
        _MONDAYS.format("gap"): gap[monday].std() / gap[~monday].std(),
        _MONDAYS.format("close-to-close"): r[monday].std() / r[~monday].std(),
    }
    if volume is not None:
        log_volume = pd.Series(np.log(np.asarray(volume, dtype=float)))
        around = log_volume.rolling(252, center=True, min_periods=60).mean()
        busy = (log_volume - around).to_numpy()[1:]
        figures |= {
            _VOLUME.format("standard deviation"): busy.std(),
            _VOLUME.format("log range"): _correlation(busy, log_range),
            _VOLUME.format("absolute return"): _correlation(busy, np.abs(r)),
            _VOLUME.format("return"): _correlation(busy, r),
            _VOLUME.format("autocorrelation at 1 day"): _correlation(busy[1:], busy[:-1]),
            _VOLUME.format("autocorrelation at 5 days"): _correlation(busy[5:], busy[:-5]),
            _VOLUME.format("autocorrelation at 20 days"): _correlation(busy[20:], busy[:-20]),
        }
    return {name: float(value) for name, value in figures.items()}


def _leverage(r: np.ndarray, log_range: np.ndarray) -> dict[str, float]:
    days = {1: "of the next day", 2: "two days later", 5: "five days later"}
    return {
        _LEVERAGE.format(text): _correlation(r[:-lag], log_range[lag:])
        for lag, text in days.items()
    }


def measure_market_bars(market) -> dict[str, float]:
    """The bars of the small caps, with the front micro's volume; leverage of the large caps."""
    figures = measure_bars(market["small_caps"], market["M2K"]["volume"].to_numpy())
    high, low, close = (np.log(market["large_caps"][one].to_numpy()) for one in _PRICES[1:])
    large = _leverage(np.diff(close), np.log(high - low)[1:])
    return figures | {f"large caps: {name}": value for name, value in large.items()}


def measure_missing(bars: pd.DataFrame, large: pd.DataFrame) -> dict[str, float]:
    """What no mechanism was found for, or looked for: bars of the small caps and the large caps."""
    opened, high, low, close = (np.log(bars[one].to_numpy()) for one in _PRICES)
    gap, in_day = opened[1:] - close[:-1], (close - opened)[1:]
    filled = np.where(gap > 0, low[1:] <= close[:-1], high[1:] >= close[:-1])
    year = bars.index.year[1:]
    night = (
        pd.Series(gap**2).groupby(year).sum() / pd.Series(gap**2 + in_day**2).groupby(year).sum()
    )
    height = np.log(large["high"] / large["low"]).to_numpy()
    outside = (high[1:] > high[:-1]) & (low[1:] < low[:-1])
    moves = np.diff(close)
    ten_days = pd.Series(moves).rolling(10).sum()
    return {
        "gaps filled within the day, %": float(100 * filled.mean()),
        "overnight share, standard deviation over years": float(night.std()),
        "log range, small with large": _correlation(np.log(high - low), np.log(height)),
        "outside days, %": float(100 * outside.mean()),
        "variance ratio at 10 days": float(ten_days.var() / (10 * moves.var())),
        "autocorrelation of returns, 1 day": _correlation(moves[1:], moves[:-1]),
        **_orders_at_a_price(opened, high, low, close),
    }


def _orders_at_a_price(opened, high, low, close) -> dict[str, float]:
    """Bought at a price away from the open where the day gets there, sold at the close.

    0.3 standard deviations of the last 60 days' moves from open to close; basis points a day,
    before costs, days without a trade included.
    """
    usual = pd.Series(close - opened).rolling(60).std().shift().to_numpy()
    below, above = opened - 0.3 * usual, opened + 0.3 * usual
    earned = {
        "bought below the open": np.where(low <= below, close - below, 0.0)[60:],
        "bought above the open": np.where(high >= above, close - above, 0.0)[60:],
    }
    return {f"{name}, basis points a day": float(1e4 * x.mean()) for name, x in earned.items()}


# `measure_missing` of IWM and the S&P 500.
REAL_MISSING = {
    "2010–2019": {
        "gaps filled within the day, %": 68.191,
        "overnight share, standard deviation over years": 0.061,
        "log range, small with large": 0.796,
        "outside days, %": 9.145,
        "variance ratio at 10 days": 0.842,
        "autocorrelation of returns, 1 day": -0.035,
        "bought below the open, basis points a day": 0.246,
        "bought above the open, basis points a day": 1.761,
    }
}
_PRICES = ("open", "high", "low", "close")
# `measure_bars` of IWM's daily bars, not adjusted for dividends, and the S&P 500's leverage in the
# same years. An index's own open is no price of the market, so bars are compared with the fund.
_SAMPLES = ("2010–2019", "2000–2024", "2019–2024")
_FIGURES = {
    "gap over close-to-close, standard deviations": (0.540, 0.547, 0.638),
    "mean range over standard deviation of close-to-close": (1.206, 1.171, 1.124),
    "mean place of the close in the range": (0.552, 0.539, 0.527),
    "standard deviation of that place": (0.308, 0.320, 0.312),
    "mean place of the open in the range": (0.514, 0.519, 0.523),
    "return, log range of the day": (-0.141, -0.110, -0.118),
    "return, log range of the next day": (-0.181, -0.155, -0.138),
    "return, log range two days later": (-0.128, -0.127, -0.123),
    "return, log range five days later": (-0.105, -0.099, -0.092),
    "gap, log range of the day": (-0.085, -0.059, -0.066),
    "absolute open-to-close, log range": (0.730, 0.733, 0.729),
    "log range, standard deviation": (0.487, 0.510, 0.482),
    "log range, autocorrelation at 1 day": (0.519, 0.574, 0.585),
    "log range, autocorrelation at 20 days": (0.276, 0.364, 0.256),
    "autocorrelation of absolute gaps, 1 day": (0.213, 0.286, 0.324),
    "gap, excess kurtosis": (7.405, 17.282, 13.077),
    "standard deviation of Mondays' gap, over other days'": (1.163, 1.184, 1.366),
    "standard deviation of Mondays' close-to-close, over other days'": (1.065, 1.098, 1.149),
    "log volume, standard deviation": (0.390, 0.469, 0.450),
    "log volume, log range": (0.560, 0.445, 0.556),
    "log volume, absolute return": (0.424, 0.317, 0.428),
    "log volume, return": (-0.137, -0.067, -0.089),
    "log volume, autocorrelation at 1 day": (0.377, 0.397, 0.436),
    "log volume, autocorrelation at 5 days": (0.172, 0.243, 0.270),
    "log volume, autocorrelation at 20 days": (0.048, 0.133, 0.100),
    "large caps: return, log range of the next day": (-0.215, -0.165, -0.158),
    "large caps: return, log range two days later": (-0.164, -0.141, -0.169),
    "large caps: return, log range five days later": (-0.099, -0.096, -0.102),
}
REAL_BARS = {
    sample: {name: figures[i] for name, figures in _FIGURES.items()}
    for i, sample in enumerate(_SAMPLES)
}

_REPORTED = frozenset(
    f"{statistic}, {short}"
    for statistic in ("excess kurtosis", "lowest day, %", "highest day, %")
    for short in _INDICES.values()
)
_CENTRED = frozenset([*_OF_BOTH, *(f"volatility, % a year, {one}" for one in _INDICES.values())])

SECTIONS = [
    Section(
        name="daily",
        title="Ten years of daily bars, normal regime, against 2010–2019",
        draw=lambda seed: simulate.daily(10, seed),
        measure=measure_daily,
        real={"2010–2019": REAL_DAILY["2010–2019"]},
        reported=_REPORTED,
        centred=_CENTRED,
        notes=(
            "Returns can't be predicted from past returns here, on purpose: the −0.05 of the real "
            "sample would be an edge, and the course needs a market that has none. So the two "
            "autocorrelations of returns lie near the lower edge of what is simulated.",
        ),
    ),
    Section(
        name="daily-bars",
        title="The bars themselves, normal regime, against a fund on the Russell 2000",
        draw=lambda seed: simulate.daily(10, seed),
        measure=measure_market_bars,
        real={"2010–2019": REAL_BARS["2010–2019"]},
        reported=frozenset(["gap, excess kurtosis"]),
        notes=(
            "The fund's file has a wrong row: 1,200 shares on 2019-07-30, a thousandth of a day's "
            "volume at most. The real figures are those of the file as it is. Without that row the "
            "standard deviation of log volume is .34, its correlation with log range .66, with the "
            "absolute return .49, and its autocorrelation at 1 day .51. The simulated volume lies "
            "between the two. It is the front contract's, whose rolls a fund doesn't have: of all "
            "contracts together the standard deviation is about .015 lower.",
        ),
    ),
    Section(
        name="daily-crisis",
        title="Ten years of daily bars, crisis regime, for information",
        draw=lambda seed: simulate.daily(10, seed, regime="crisis"),
        measure=measure_daily,
        real={name: REAL_DAILY[name] for name in ("1990–2026", "2019–2026")},
        reported=_REPORTED,
        centred=_CENTRED,
        judged=False,
        notes=(
            "The real samples are 36 and 7 years long, the simulated histories ten: the bands are "
            "those of ten years.",
            "One setting can't match two samples. It lies between them in volatility, and the "
            "negative autocorrelation of the crisis of 2020 is left out, like any other edge.",
        ),
    ),
    Section(
        name="daily-missing",
        title="Not in it: what differs from the real market, normal regime",
        draw=lambda seed: simulate.daily(10, seed),
        measure=lambda market: measure_missing(market["small_caps"], market["large_caps"]),
        real=REAL_MISSING,
        judged=False,
    ),
    Section(
        name="daily-bars-crisis",
        title="The bars themselves, crisis regime, for information",
        draw=lambda seed: simulate.daily(10, seed, regime="crisis"),
        measure=measure_market_bars,
        real={name: REAL_BARS[name] for name in ("2000–2024", "2019–2024")},
        reported=frozenset(["gap, excess kurtosis"]),
        judged=False,
        notes=(
            "The fund from May 2000, and from May 2019, to September 2024. Its overnight share "
            "of variance was .30 and .43; the regime's is .37. Until 2008 many rows of the file's "
            "volume are wrong, so the figures of its volume since 2000 say little.",
        ),
    ),
]


if __name__ == "__main__":
    sys.exit(main(sections=SECTIONS))
