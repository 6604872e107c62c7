"""Real macroeconomic series and the small-cap premium."""

import numpy as np
import pandas as pd

from m2k_lessons import data
from m2k_lessons._util import checks, series

_MACRO_COLUMNS = {
    "unemp": ("unemployment_pct", "% of the labour force, seasonally adjusted"),
    "tbilrate": ("tbill_pct", "% a year, 3-month Treasury bill, average of the quarter"),
    "realcons": ("consumption", "billion USD of 2005, seasonally adjusted, at an annual rate"),
    "realdpi": ("income", "billion USD of 2005, disposable, adjusted, at an annual rate"),
    "realgdp": ("gdp", "billion USD of 2005, seasonally adjusted, at an annual rate"),
    "cpi": ("cpi", "consumer prices, 1982-84 = 100, adjusted, end of the quarter"),
    "infl": ("inflation_pct", "% a year, log change of cpi over the quarter times 400"),
}


def macro() -> pd.DataFrame:
    """Real quarterly figures of the US economy, 1959Q1 to 2009Q3.

    Returns
    -------
    pandas.DataFrame
        203 rows, index `quarter` (PeriodIndex): `unemployment_pct`, `tbill_pct`, `consumption`,
        `income`, `gdp`, `cpi`, `inflation_pct`; units in ``frame.attrs["units"]``.

    Notes
    -----
    statsmodels' data set `macrodata`, which took them from FRED. The figures are as they stood
    late in 2009, after revisions: most were published with other digits.

    Examples
    --------
    >>> figures = macro()
    >>> len(figures), str(figures.index[0]), float(figures.loc["2009Q3", "unemployment_pct"])
    (203, '1959Q1', 9.6)
    """
    table = data.load("us_macro_quarters")
    names = {old: new for old, (new, _) in _MACRO_COLUMNS.items()}
    frame = table[list(names)].rename(columns=names)
    frame.attrs = {"source": table.attrs["source"], "units": dict(_MACRO_COLUMNS.values())}
    return frame


def small_cap_premium() -> pd.DataFrame:
    """Real monthly returns of small companies over large ones, July 1926 to November 2018.

    Returns
    -------
    pandas.DataFrame
        1,109 rows, index `month` (PeriodIndex), all in % a month: `smb_pct`, small minus big,
        the return of US shares of small companies less that of large ones; `market_excess_pct`,
        all US shares less the bill rate; `risk_free_pct`, the one-month bill rate. Before costs.

    Notes
    -----
    Fama and French's factors (1993, "Common risk factors in the returns on stocks and bonds"),
    as the package arch has them. SMB holds value, neutral and growth shares in equal parts and
    counts the smaller half of companies as small: a relative of Russell 2000 minus Russell
    1000, not the same.

    Examples
    --------
    >>> float(small_cap_premium().loc["1926-07", "smb_pct"])
    -2.3
    """
    frame = data.load("small_cap_premium")
    frame.attrs = {"source": frame.attrs["source"], "units": "% a month"}
    return frame


def quarterly(returns_pct: pd.Series) -> pd.Series:
    """Add up monthly returns to quarters.

    Parameters
    ----------
    returns_pct : Series
        % a month, on a PeriodIndex of consecutive months.

    Returns
    -------
    Series
        % a quarter, on a PeriodIndex `quarter`; NaN for a quarter with fewer than three months.
        A sum is what a position held at the same dollars each month brings, before costs.

    Examples
    --------
    >>> months = pd.period_range("2018-09", periods=4, freq="M")
    >>> quarterly(pd.Series([1.0, 2.0, -0.5, 1.0], index=months)).tolist()
    [nan, 2.5]
    """
    check_periods("returns_pct", returns_pct, freq="M")
    quarters = returns_pct.index.asfreq("Q-DEC").rename("quarter")
    groups = returns_pct.groupby(quarters)
    return groups.sum(min_count=3).rename(returns_pct.name)


def growth_rate(levels: pd.Series, periods: int = 1, *, annualised: bool = False) -> pd.Series:
    """Growth of a level over a number of periods, in %.

    Parameters
    ----------
    levels : Series
        Above zero, on a PeriodIndex without gaps; unknown values (NaN) give unknown growth.
    periods : int
        Over how many rows of the index: 1 from quarter to quarter, 4 over a year of quarters.
    annualised : bool
        Whether to say it as growth in a year, compounded, as statistical offices do.

    Returns
    -------
    Series
        ``100 * (level / level before - 1)``; the first `periods` values are NaN.

    Examples
    --------
    >>> quarters = pd.period_range("2000Q1", periods=3, freq="Q")
    >>> growth_rate(pd.Series([100.0, 101.0, 101.0], index=quarters)).round(4).tolist()
    [nan, 1.0, 0.0]
    """
    numbers = check_periods("levels", levels)
    periods = checks.whole("periods", periods, at_least=1)
    checks.instance("annualised", annualised, bool, "True or False")
    series.refuse_rows("levels", levels, numbers <= 0, "be above zero")
    ratio = levels.astype(float) / levels.astype(float).shift(periods)
    if annualised:
        ratio = ratio ** (_a_year(levels.index) / periods)
    return 100 * (ratio - 1)


def _a_year(index: pd.PeriodIndex) -> int:
    name = index.freqstr.split("-")[0]  # "Q-DEC" is a quarter, too
    known = {"Y": 1, "Q": 4, "M": 12}
    if name not in known:
        raise ValueError(f"levels must be years, quarters or months to annualise, got {name}")
    return known[name]


def check_periods(name: str, given, freq: str | None = None) -> np.ndarray:
    """Return the numbers of a Series whose rows are consecutive periods."""
    numbers = series.values(name, given)
    index = getattr(given, "index", None)
    kind = {"M": "months", None: "periods, such as quarters or months"}[freq]
    if not isinstance(index, pd.PeriodIndex) or (freq and index.freqstr != freq):
        raise TypeError(
            f"{name} must have {kind} as index (a PeriodIndex), got "
            f"{getattr(index, 'dtype', type(given).__name__)}; to_period() makes periods of dates"
        )
    series.finite_or_nan(name, given, numbers)
    refuse_gap(name, index)
    return numbers


def refuse_gap(name: str, index: pd.PeriodIndex) -> None:
    jumps = np.flatnonzero(np.diff(index.asi8) != 1)
    if len(jumps):
        raise ValueError(
            f"{name} must have consecutive periods, got {index[jumps[0] + 1]} after "
            f"{index[jumps[0]]}"
        )


def check_complete(name: str, given: pd.Series) -> None:
    checks.instance(name, given, pd.Series, "a Series")
    unknown = ~np.isfinite(given.to_numpy(dtype=float, na_value=np.nan))
    series.refuse_rows(name, given, unknown, "be known in every row")
