"""Compute the records in data/real/ anew from price files of your own.

python tools/real_records.py small.csv large.csv                     the yearly and monthly record
python tools/real_records.py small.csv large.csv --fund fund.csv     with the fund's nights
python tools/real_records.py small.csv large.csv --minutes s5.csv l5.csv --statements days.txt

`small.csv` and `large.csv` hold daily closes of the Russell 2000 and the S&P 500, `fund.csv` daily
opens and closes of a fund on the first, `s5.csv` and `l5.csv` 5-minute bars of either, labelled by
their start, and `days.txt` one date a line on which a rate statement was scheduled. Whatever
`data.read_prices` reads will do; `data.download("^RUT", ...)` and its like give such files. Files
are written to the folder `--into` (the current one when left out), nothing is sent anywhere, and
no price is in them.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from m2k_lessons import data

DAYS_PER_YEAR = 252
FEWEST_DAYS = 4  # a year with fewer returns has no correlation or autocorrelation to speak of
NEW_YORK = "America/New_York"


def yearly(small: pd.Series, large: pd.Series, fund: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the record by calendar year.

    Parameters
    ----------
    small, large : pandas.Series
        Daily closes by date; only dates that both have are used.
    fund : pandas.DataFrame, optional
        Daily `open` and `close` of a fund on the small index.

    Returns
    -------
    pandas.DataFrame
        One row a year of at least four returns, the columns of data/real/record_yearly.csv.
        Volatilities, correlation and beta are those of daily log returns, 252 days a year; the
        worst and best day and the returns are plain percentages.
    """
    closes = pd.concat({"small": small, "large": large}, axis=1, join="inner").dropna()
    logs = np.log(closes).diff().dropna()
    plain = closes.pct_change().dropna()
    rows = {}
    for year, day in logs.groupby(logs.index.year):
        if len(day) < FEWEST_DAYS:
            continue
        before = closes.loc[: day.index[0]].iloc[-2:-1]
        path = pd.concat([before, closes.loc[day.index]])
        annual = np.sqrt(DAYS_PER_YEAR) * 100
        change = (path.iloc[-1] / path.iloc[0] - 1) * 100
        fall = (path / path.cummax() - 1).min() * 100
        rows[year] = {
            "days": len(day),
            "small_return_pct": change["small"],
            "large_return_pct": change["large"],
            "small_volatility_pct": day["small"].std() * annual,
            "large_volatility_pct": day["large"].std() * annual,
            "correlation": day["small"].corr(day["large"]),
            "beta": day["small"].cov(day["large"]) / day["large"].var(),
            "difference_volatility_pct": (day["small"] - day["large"]).std() * annual,
            "small_worst_day_pct": plain.loc[day.index, "small"].min() * 100,
            "small_best_day_pct": plain.loc[day.index, "small"].max() * 100,
            "small_max_drawdown_pct": fall["small"],
            "large_max_drawdown_pct": fall["large"],
            "small_autocorrelation": day["small"].autocorr(1),
        }
    if not rows:
        raise ValueError(
            f"small and large must share {FEWEST_DAYS + 1} dates or more, got {len(closes)}"
        )
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("year")
    table["days"] = table["days"].astype(int)
    nights = _nights(fund) if fund is not None else pd.DataFrame(
        columns=["fund_overnight_share", "fund_worst_gap_pct"], dtype=float
    )  # fmt: skip
    return table.join(nights).round(3)


def _nights(fund: pd.DataFrame) -> pd.DataFrame:
    """Return the fund's overnight share of variance and its worst gap, by year."""
    gap = np.log(fund["open"] / fund["close"].shift())
    day = np.log(fund["close"] / fund["open"])[gap.notna()]
    gap = gap.dropna()
    by_year = gap.index.year
    nights, days = ((x**2).groupby(by_year).sum() for x in (gap, day))
    return pd.DataFrame(
        {
            "fund_overnight_share": nights / (nights + days),
            "fund_worst_gap_pct": np.expm1(gap.groupby(by_year).min()) * 100,
        }
    )


def monthly(small: pd.Series, large: pd.Series) -> pd.DataFrame:
    """Return the monthly price returns of both and their difference, in percent."""
    closes = pd.concat({"small_pct": small, "large_pct": large}, axis=1, join="inner").dropna()
    closes.index = closes.index.tz_localize(None)
    last = closes.groupby(closes.index.to_period("M")).last()
    table = (last.pct_change().dropna() * 100).rename_axis("month")
    table["small_minus_large_pct"] = table["small_pct"] - table["large_pct"]
    return table.round(2)


def rate_days(small: pd.DataFrame, large: pd.DataFrame, statements) -> pd.DataFrame:
    """Return the mean absolute 5-minute move by time of day, on days with a statement and others.

    Parameters
    ----------
    small, large : pandas.DataFrame
        5-minute bars with `close`, labelled by their start; a bar's move is its close over the
        close of the bar before on the same day, so the first bar of a day has none.
    statements : iterable of dates
        The days on which a rate statement was scheduled.

    Returns
    -------
    pandas.DataFrame
        In basis points, index `bar_begins_new_york` as text.
    """
    chosen = pd.DatetimeIndex(statements).normalize()
    columns = {}
    for name, bars in (("small", small), ("large", large)):
        close = bars["close"].tz_convert(NEW_YORK).tz_localize(None)
        day = close.index.normalize()
        move = np.log(close).groupby(day).diff().abs() * 1e4
        clock = close.index.strftime("%H:%M")
        for kind, where in (("rate_day", day.isin(chosen)), ("other_day", ~day.isin(chosen))):
            found = move[where].groupby(clock[where]).mean().dropna()
            columns[f"{name}_{kind}_mean_abs_bp"] = found
    return pd.DataFrame(columns).rename_axis("bar_begins_new_york").round(2)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("small", type=Path, help="daily closes of the small-cap index")
    parser.add_argument("large", type=Path, help="daily closes of the large-cap index")
    parser.add_argument("--fund", type=Path, help="daily opens and closes of a small-cap fund")
    parser.add_argument("--minutes", type=Path, nargs=2, help="5-minute bars of small and large")
    parser.add_argument("--statements", type=Path, help="dates of rate statements, one a line")
    parser.add_argument("--into", type=Path, default=Path(), help="folder for the records")
    options = parser.parse_args(arguments)
    if (options.minutes is None) != (options.statements is None):
        parser.error("--minutes and --statements go together")
    paths = (options.small, options.large)
    small, large = (data.read_prices(path, prices=("close",))["close"] for path in paths)
    fund = options.fund and data.read_prices(options.fund, prices=("open", "close"))
    records = {
        "record_yearly": yearly(small, large, fund),
        "record_monthly": monthly(small, large),
    }
    if options.minutes:
        bars = [data.read_prices(path, prices=("close",)) for path in options.minutes]
        days = options.statements.read_text("utf-8").split()
        records["rate_days_5min"] = rate_days(*bars, days)
    for name, table in records.items():
        table.to_csv(options.into / f"{name}.csv", lineterminator="\n")
        print(f"{name}.csv: {len(table)} rows, {table.index[0]} to {table.index[-1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
