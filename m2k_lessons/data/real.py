"""The records of real markets in `data/real/`: loaded with types, units and what is missing.

They are figures about real markets, and the daily bars of two indices that come with the package
arch. Where each comes from stands in `data/real/README.md`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

FOLDER = "real"
_PCT, _PCT_YEAR = "%", "% a year"
_YEARS = {
    "days": "number of daily returns",
    "small_return_pct": _PCT,
    "large_return_pct": _PCT,
    "small_volatility_pct": _PCT_YEAR,
    "large_volatility_pct": _PCT_YEAR,
    "correlation": "of daily log returns",
    "beta": "small on large",
    "difference_volatility_pct": _PCT_YEAR,
    "small_worst_day_pct": _PCT,
    "small_best_day_pct": _PCT,
    "small_max_drawdown_pct": _PCT,
    "large_max_drawdown_pct": _PCT,
    "small_autocorrelation": "of daily log returns, one day apart",
    "fund_overnight_share": "share of variance",
    "fund_worst_gap_pct": _PCT,
}


@dataclass(frozen=True)
class _Record:
    """One file: what its rows are, and the unit of each column."""

    file: str
    index: str  # the column that becomes the index
    kind: str  # of that column: a frequency of pandas' periods, "date", "year" or "text"
    source: str
    units: dict[str, str]
    note: str = ""
    texts: tuple[str, ...] = field(default=())  # columns of text


_INDICES = "daily closes of the Russell 2000 (small) and the S&P 500 (large), without dividends"
RECORDS = {
    "real_years": _Record(
        "record_yearly.csv",
        "year",
        "year",
        f"computed from {_INDICES}, and from the fund IWM",
        _YEARS,
        "1987 begins on 10 September, 2026 ends on 21 August; the fund's 2000 and 2024 are part "
        "years, and before 2000 there was no fund",
    ),
    "real_months": _Record(
        "record_monthly.csv",
        "month",
        "M",
        f"computed from {_INDICES}",
        dict.fromkeys(("small_pct", "large_pct", "small_minus_large_pct"), "% a month"),
    ),
    "rate_days": _Record(
        "rate_days_5min.csv",
        "bar_begins_new_york",
        "text",
        "computed from 5-minute bars of the two indices, 2024-03-11 to 2026-08",
        {
            f"{name}_{day}_day_mean_abs_bp": "basis points, mean absolute log move of 5 minutes"
            for name in ("small", "large")
            for day in ("rate", "other")
        },
        "20 days with a scheduled rate statement (14:00, press conference 14:30) and all others; "
        "the index is the time at which a bar begins in New York",
    ),
    "us_macro": _Record(
        "us_macro_monthly.csv",
        "month",
        "M",
        "series of United States government agencies by their FRED names (public domain), as "
        "revised in August 2026",
        {
            "UNRATE": "% of the labour force",
            "PAYEMS": "thousand persons",
            "FEDFUNDS": _PCT_YEAR,
            "DGS3MO": "% a year, mean of daily",
            "DGS10": "% a year, mean of daily",
            "INDPRO": "2017 = 100",
            "PCEC96": "billion USD of 2017, at an annual rate",
            "CPIAUCSL": "1982-84 = 100",
        },
        "revised figures, not what could be known at the time; October 2025 has no unemployment "
        "rate and no consumer prices: the shutdown of that year",
    ),
    "futures_carry": _Record(
        "futures_carry.csv",
        "date",
        "date",
        "computed from daily closes of real RTY and ES contracts, March to July 2026",
        {
            "far_less_near_points": "index points",
            "far_less_near_pct": "% of the nearer contract",
            "annualised_pct": _PCT_YEAR,
            "near_less_index_points": "index points",
            "days_to_near_expiry": "calendar days",
            "treasury_3_month_pct": _PCT_YEAR,
        },
        "the future closes minutes after the index, so single days of near_less_index_points "
        "scatter",
        ("symbol", "near", "far"),
    ),
    "small_cap_premium": _Record(
        "small_cap_premium.csv",
        "month",
        "M",
        "Fama/French factors, from the package arch 8.0",
        dict.fromkeys(("smb_pct", "market_excess_pct", "risk_free_pct"), "% a month"),
    ),
    "us_macro_quarters": _Record(
        "us_macro_quarterly.csv",
        "quarter",
        "Q-DEC",
        "statsmodels.datasets.macrodata, from FRED, as revised by late 2009",
        {
            "unemp": "% of the labour force",
            "tbilrate": "% a year, mean of the quarter",
            **dict.fromkeys(("realcons", "realdpi", "realgdp"), "billion USD of 2005, a year"),
            "cpi": "1982-84 = 100, end of the quarter",
            "infl": "% a year, log change times 400",
        },
    ),
}
INDICES = {
    "sp500": ("sp500.csv.bz2", "^GSPC", "S&P 500"),
    "nasdaq": ("nasdaq.csv.bz2", "^IXIC", "NASDAQ Composite"),
}
NAMES = (*RECORDS, *INDICES)


def load(name: str, root: Path) -> pd.DataFrame:
    """Return a record as `m2k_lessons.data.load` describes it."""
    return _parsed(name, root / FOLDER).copy()


@functools.lru_cache(maxsize=4)
def _parsed(name: str, folder: Path) -> pd.DataFrame:
    if name in INDICES:
        return _index_bars(*INDICES[name], folder)
    record = RECORDS[name]
    kinds = dict.fromkeys((record.index, *record.texts), "str")
    frame = pd.read_csv(_there(folder / record.file), index_col=record.index, dtype=kinds)
    if record.kind == "year":
        frame.index = frame.index.astype("int64")
    elif record.kind == "date":
        frame.index = pd.DatetimeIndex(pd.to_datetime(frame.index, format="%Y-%m-%d"))
    elif record.kind != "text":
        frame.index = pd.PeriodIndex(frame.index, freq=record.kind)
    frame.index.name = record.index
    gaps = {}
    for column in frame.columns.difference(record.texts, sort=False):
        known = frame[column].notna()
        missing = known.cummax() & known[::-1].cummax()[::-1] & ~known
        if missing.any():
            gaps[column] = [str(moment) for moment in frame.index[missing]]
    frame.attrs = {"source": record.source, "units": dict(record.units), "gaps": gaps}
    if record.note:
        frame.attrs["note"] = record.note
    return frame


def _index_bars(file: str, symbol: str, title: str, folder: Path) -> pd.DataFrame:
    from m2k_lessons.data import measure_opens, read_prices  # data itself imports this module

    frame = read_prices(_there(folder / file))
    frame.attrs = {
        "source": f"{title}, daily bars from Yahoo as the package arch 8.0 has them",
        "units": dict.fromkeys(("open", "high", "low", "close"), "index points")
        | {"volume": "shares, all members together"},
        "opens": measure_opens(frame, symbol),
    }
    return frame


def _there(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(
            f"{path} is missing; take the folder data/real from a clone of the course"
        )
    return path
