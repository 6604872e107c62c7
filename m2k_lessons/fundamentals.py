"""The economy and small companies: real figures, what could be known when, and industries.

`macro` and `small_cap_premium` are real data that lie in data/real, no network needed.
A figure is about a period and published after it; `known_at` carries it to the day from which it
could be used. `regress` and `out_of_sample` say what figures and returns have to do with each
other, and how sure that is. The rest is the index: sectors, contributions, a shock to one of them.

Returns and growth are in %, weights are shares of 1. `fred` brings newer figures where there is
a network.
"""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from m2k_lessons import _check, _series, data
from m2k_lessons._fred import fred
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.facts import fact

__all__ = [
    "OutOfSample",
    "Regression",
    "SectorShock",
    "attribution",
    "composite",
    "expanding_zscore",
    "fred",
    "growth_rate",
    "known_at",
    "macro",
    "out_of_sample",
    "quarterly",
    "regress",
    "sector_contribution",
    "sector_shock",
    "sector_weights",
    "small_cap_premium",
    "surprise",
]

_WHOLE = 1e-6  # how far weights may sum from one: rounding of printed weights is not this small
_MACRO_COLUMNS = {
    "unemp": ("unemployment_pct", "% of the labour force, seasonally adjusted"),
    "tbilrate": ("tbill_pct", "% a year, 3-month Treasury bill, average of the quarter"),
    "realcons": ("consumption", "billion USD of 2005, seasonally adjusted, at an annual rate"),
    "realdpi": ("income", "billion USD of 2005, disposable, adjusted, at an annual rate"),
    "realgdp": ("gdp", "billion USD of 2005, seasonally adjusted, at an annual rate"),
    "cpi": ("cpi", "consumer prices, 1982-84 = 100, adjusted, end of the quarter"),
    "infl": ("inflation_pct", "% a year, log change of cpi over the quarter times 400"),
}


# ---------------------------------------------------------------- real data


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

    Raises
    ------
    TypeError, ValueError
        No months in the index, a month missing or twice.

    Examples
    --------
    >>> months = pd.period_range("2018-09", periods=4, freq="M")
    >>> [float(one) for one in quarterly(pd.Series([1.0, 2.0, -0.5, 1.0], index=months))]
    [nan, 2.5]
    """
    _check_periods("returns_pct", returns_pct, freq="M")
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

    Raises
    ------
    TypeError, ValueError
        No periods in the index, a gap, or a level that is not above zero.

    Examples
    --------
    >>> quarters = pd.period_range("2000Q1", periods=3, freq="Q")
    >>> growth_rate(pd.Series([100.0, 101.0, 101.0], index=quarters)).round(4).tolist()
    [nan, 1.0, 0.0]
    """
    numbers = _check_periods("levels", levels)
    periods = _check.whole("periods", periods, at_least=1)
    if not isinstance(annualised, bool):
        raise TypeError(f"annualised must be True or False, got {annualised!r}")
    low = np.flatnonzero(numbers <= 0)
    if len(low):
        raise ValueError(
            f"levels must be above zero, got {float(numbers[low[0]])} in {levels.index[low[0]]}"
        )
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


# ---------------------------------------------------------------- what was known when


def known_at(series: pd.Series, lag, at=None) -> pd.Series:
    """Carry figures from the period they are about to the day from which they were known.

    Parameters
    ----------
    series : Series
        One figure for each period, on a PeriodIndex without gaps.
    lag : int or Series
        Days from the last day of the period to the publication, at least 0; or the dates of
        publication, on the same index (in order; two figures may share a day).
    at : PeriodIndex or DatetimeIndex, optional
        When you want to know. For a date: what was published on that day or before it. For a
        period: what was published *before its first day*, so that it could be used in it.

    Returns
    -------
    Series
        Without `at`: the same values, index `known` the dates of publication. With `at`: for
        each of them the newest figure known; NaN before the first, and from the day on which a
        figure newer than the last one in `series` would have been out (as late as the last).

    Raises
    ------
    TypeError, ValueError
        No periods in the index, a negative lag, a figure published before its period was over,
        later figures published before earlier ones, an `at` that is not sorted or has a time
        zone (publication dates are calendar dates).

    Notes
    -----
    This dates the figure, it does not undo revisions: the value is the one in `series`.

    Examples
    --------
    >>> rate = pd.Series([5.8, 5.1, 5.3], index=pd.period_range("1959Q1", periods=3, freq="Q"))
    >>> known_at(rate, 8).index[0].date().isoformat()  # first quarter, known on 8 April
    '1959-04-08'
    >>> quarters = pd.period_range("1959Q2", periods=3, freq="Q")
    >>> known_at(rate, 8, at=quarters).tolist()  # on 1 July, the first quarter's is the newest
    [nan, 5.8, 5.1]
    """
    if not len(_check_periods("series", series)):
        raise ValueError("series must have at least one figure, got none")
    published = _published(series.index, lag)
    if at is None:
        return series.set_axis(published, axis=0)
    if isinstance(at, pd.PeriodIndex):
        _series.check_order("at", at)
        last_day = pd.DatetimeIndex(at.start_time) - pd.Timedelta(days=1)
    elif isinstance(at, pd.DatetimeIndex):
        if at.tz is not None:
            raise ValueError(
                f"at must be calendar dates without a time zone, got {at.tz}; "
                "at.tz_localize(None) takes the dates as they stand"
            )
        _series.check_order("at", at)
        last_day = at
    else:
        raise TypeError(f"at must be a PeriodIndex or a DatetimeIndex, got {type(at).__name__}")
    row = published.searchsorted(last_day, side="right") - 1
    # A series that ends does not stay the newest figure for ever.
    newer = published[-1] + ((series.index[-1:] + 1).end_time - series.index[-1:].end_time)[0]
    row[last_day >= newer] = -1
    values = np.append(series.to_numpy(dtype=float, na_value=np.nan), np.nan)  # row -1: nothing
    return pd.Series(values[row], index=at, name=series.name)


def _published(index: pd.PeriodIndex, lag) -> pd.DatetimeIndex:
    """Return the dates of publication, none before the end of its period."""
    ends = pd.DatetimeIndex(index.end_time).normalize()
    if not isinstance(lag, pd.Series):
        days = _check.whole("lag", lag, at_least=0)
        return (ends + pd.Timedelta(days=days)).rename("known")
    if not lag.index.equals(index):
        raise ValueError("lag must have the same index as series where it gives the dates")
    if not pd.api.types.is_datetime64_dtype(lag):
        raise TypeError(f"lag must be days or a Series of dates without zone, got {lag.dtype}")
    dates = pd.DatetimeIndex(lag).rename("known")
    if dates.hasnans:
        raise ValueError(
            f"lag must have a date for each period, got none for {index[dates.isna()][0]}"
        )
    early = dates < ends
    if early.any():
        raise ValueError(
            f"lag must hold dates after the period they are about, got {dates[early][0].date()} "
            f"for {index[early][0]}"
        )
    if not dates.is_monotonic_increasing:
        back = int(np.flatnonzero(np.diff(dates) < np.timedelta64(0))[0]) + 1
        raise ValueError(
            f"lag must publish the periods in their order, got {dates[back].date()} for "
            f"{index[back]} after {dates[back - 1].date()} for {index[back - 1]}"
        )
    return dates


def surprise(actual, consensus, scale, *, reference_period=None):
    """How far a published figure lies from what was expected, in its usual size of surprise.

    Parameters
    ----------
    actual, consensus : Series or float
        The figure as first published and what was expected of it, in the figure's unit. Series
        have the instant of each release, with its time zone, as index.
    scale : float or Series
        What counts as a surprise of 1, in the figure's unit, above zero.
    reference_period : Series, optional
        The period that each figure is about, such as "2029-12": a release before that period
        began is refused.

    Returns
    -------
    Series or float
        ``(actual - consensus) / scale``.

    Raises
    ------
    TypeError, ValueError
        Times without a zone or out of order; different indices; an unknown value; a
        scale that is not above zero; a release before its reference period.

    Examples
    --------
    >>> surprise(actual=225, consensus=150, scale=75)  # thousand jobs
    1.0
    """
    if not isinstance(actual, pd.Series):
        given = [_check.number("actual", actual), _check.number("consensus", consensus)]
        return (given[0] - given[1]) / _check.number("scale", scale, above=0)
    if not isinstance(consensus, pd.Series):
        raise TypeError(f"consensus must be a Series as actual is, got {type(consensus).__name__}")
    if not isinstance(actual.index, pd.DatetimeIndex) or actual.index.tz is None:
        raise ValueError(
            "actual must have instants with a time zone as index, such as 08:30 in "
            "America/New_York; index.tz_localize('America/New_York') gives it one"
        )
    if not actual.index.is_monotonic_increasing:  # two releases may share an instant
        raise ValueError("actual must be sorted by time, earliest first; sort_index() sorts it")
    known = {"actual": actual, "consensus": consensus}
    if isinstance(scale, pd.Series):
        known["scale"] = scale
    else:
        scale = _check.number("scale", scale, above=0)
    _series.check_same_index(**known)
    for name, one in known.items():
        _complete(name, one)
    if isinstance(scale, pd.Series) and (scale <= 0).any():
        raise ValueError(f"scale must be above zero, got {float(scale[scale <= 0].iloc[0])}")
    if reference_period is not None:
        _check_reference(actual.index, reference_period)
    return ((actual - consensus) / scale).rename("surprise")


def _check_reference(released: pd.DatetimeIndex, reference_period: pd.Series) -> None:
    if not isinstance(reference_period, pd.Series):
        raise TypeError(f"reference_period must be a Series, got {type(reference_period).__name__}")
    if not reference_period.index.equals(released):
        raise ValueError("reference_period must have the same index as actual")
    for instant, about in reference_period.items():
        try:
            period = pd.Period(about)
        except (ValueError, TypeError) as error:
            raise ValueError(
                f"reference_period must hold periods such as '2029-12', got {about!r}"
            ) from error
        if instant.tz_localize(None) < period.start_time:
            raise ValueError(
                f"reference_period must have begun when its figure came out, got {period} for "
                f"the release of {instant}"
            )


def expanding_zscore(series: pd.Series, minimum: int = 20) -> pd.Series:
    """How unusual each value is among those up to it, in standard deviations.

    Parameters
    ----------
    series : Series
        Sorted by time; NaN only before the first known value.
    minimum : int
        From how many values on (at least 3); NaN before.

    Returns
    -------
    Series
        ``(value - mean) / standard deviation`` (n - 1) of all values up to and including this
        one, none after it.

    Raises
    ------
    TypeError, ValueError
        Not a Series, out of order, an unknown value in between, no variation at all.

    Examples
    --------
    >>> days = pd.period_range("2000Q1", periods=4, freq="Q")
    >>> expanding_zscore(pd.Series([1.0, 2.0, 3.0, 2.0], index=days), minimum=3).tolist()
    [nan, nan, 1.0, 0.0]
    """
    minimum = _check.whole("minimum", minimum, at_least=3)
    known = _from_first("series", series)
    spread = known.expanding(minimum).std()
    flat = (spread.dropna() == 0).to_numpy()
    if flat.any():
        raise ValueError(f"series must vary before {spread.dropna().index[flat][0]}, it does not")
    return ((known - known.expanding(minimum).mean()) / spread).reindex(series.index)


def composite(
    unemployment_change: pd.Series,
    rate_change: pd.Series,
    spending_growth: pd.Series,
    minimum: int = 20,
) -> pd.Series:
    """One number for employment, rates and spending: above zero is kinder than usual to business.

    Parameters
    ----------
    unemployment_change : Series
        Percentage points; counts with a minus: a rise is unkind.
    rate_change : Series
        Percentage points; counts with a minus: a rise is unkind.
    spending_growth : Series
        %; counts with a plus.
    minimum : int
        Values before the first result, see `expanding_zscore`.

    Returns
    -------
    Series
        Mean of the three expanding z-scores with these signs; NaN until each of them is known.

    Raises
    ------
    TypeError, ValueError
        As `expanding_zscore`, or different indices.

    Notes
    -----
    The signs are the textbook's story, not a finding, and the weights are equal because nothing
    better is known. Figures are used as they are given: pass them through `known_at` first.

    Examples
    --------
    >>> quarters = pd.period_range("2000Q1", periods=3, freq="Q")
    >>> up = pd.Series([0.0, 1.0, 2.0], index=quarters)
    >>> float(composite(-up, -up, up, minimum=3).iloc[-1])
    1.0
    """
    parts = {
        "unemployment_change": unemployment_change,
        "rate_change": rate_change,
        "spending_growth": spending_growth,
    }
    for name, part in parts.items():
        if not isinstance(part, pd.Series):
            raise TypeError(f"{name} must be a Series, got {type(part).__name__}")
    _series.check_same_index(**parts)
    signs = (-1, -1, 1)
    scores = [
        sign * expanding_zscore(part, minimum)
        for sign, part in zip(signs, parts.values(), strict=True)
    ]
    return (sum(scores) / 3).rename("composite")


# ---------------------------------------------------------------- how two things go together


@dataclass(frozen=True)
class Regression:
    """What `regress` found; `print` it for one line a coefficient.

    Attributes
    ----------
    table : DataFrame
        One row for the intercept and each regressor: `coefficient`, `standard_error` (HAC), and
        the ends of its confidence interval, `low` and `high`.
    n : int
        Rows used.
    first, last
        The first and last row's label.
    left_out : int
        Rows at the ends in which something was unknown.
    lags : int
        Of the HAC errors.
    confidence : float
    r_squared : float
        Share of the variance of y that goes with X, within the sample, 0 to 1.
    residual_sd : float
        Standard deviation of what is left over (n - k), in the unit of y.
    covariance : DataFrame
        Of the coefficients (HAC).
    """

    table: pd.DataFrame
    n: int
    first: object
    last: object
    left_out: int
    lags: int
    confidence: float
    r_squared: float
    residual_sd: float
    covariance: pd.DataFrame

    def expected(self, **values: float) -> tuple[float, float, float]:
        """Return the mean of y at given values of every regressor, and its interval's ends.

        The interval is that of the *mean*: a single outcome strays from it by `residual_sd`.
        """
        wanted = list(self.table.index[1:])
        if sorted(values) != sorted(wanted):
            raise ValueError(f"values must be given for {', '.join(wanted)}, got {sorted(values)}")
        x = np.array([1.0, *(_check.number(name, values[name]) for name in wanted)])
        mean = float(x @ self.table["coefficient"].to_numpy())
        half = self._t() * math.sqrt(x @ self.covariance.to_numpy() @ x)
        return mean, mean - half, mean + half

    def _t(self) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.n - len(self.table), (1 + self.confidence) / 2))

    def __str__(self) -> str:
        lines = [
            f"n = {self.n}, {_day(self.first)} to {_day(self.last)}, "
            f"R² = {100 * self.r_squared:.1f} %, "
            f"HAC errors with {self.lags} lags, {100 * self.confidence:g} % intervals"
        ]
        width = max(len(str(name)) for name in self.table.index)
        for name, row in self.table.iterrows():
            estimate, low, high = (
                f"{row[one]:+.2f}".replace("-", "−") for one in ("coefficient", "low", "high")
            )
            lines.append(f"{name:<{width}}  {estimate:>7}   [{low}, {high}]")
        return "\n".join(lines)


def _day(label: object) -> str:
    return f"{label:%Y-%m-%d}" if isinstance(label, pd.Timestamp) else str(label)


def regress(
    y: pd.Series,
    X: pd.Series | pd.DataFrame,
    *,
    lags: int | None = None,
    horizon: int = 1,
    confidence: float = 0.95,
) -> Regression:
    """Least squares with an intercept, and errors that allow for restless, related residuals.

    Parameters
    ----------
    y : Series
        Explained, sorted by time.
    X : Series or DataFrame
        What it goes with, one column each; rows are matched with y by their labels.
    lags : int, optional
        Over how many rows residuals may be related (Newey and West's truncation). When omitted,
        the rule of thumb ``floor(4 * (n / 100) ** (2 / 9))``, but at least `horizon` - 1.
    horizon : int
        How many rows each value of y spans. With 4, returns over a year that start each quarter,
        neighbours overlap by three quarters, and fewer than 3 lags are refused.
    confidence : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    Regression
        Coefficients with HAC standard errors and t intervals (n - k degrees of freedom), n and
        the period. Labels that y and X do not share, and rows at the ends with an unknown value,
        are left out and counted in `left_out`.

    Raises
    ------
    TypeError, ValueError
        Out of order, rows twice, an unknown value in between, no common rows, too few rows, a
        regressor without variation or one that is a sum of others, too few lags for the overlap.

    Notes
    -----
    HAC: heteroskedasticity and autocorrelation consistent, with Bartlett weights and the small
    sample factor n / (n - k). Newey and West (1987), Econometrica 55; the rule of lags as in
    Newey and West (1994), Review of Economic Studies 61. Computed by statsmodels.

    Examples
    --------
    >>> quarters = pd.period_range("2000Q1", periods=40, freq="Q")
    >>> x = pd.Series(np.arange(40.0) % 7, index=quarters, name="x")
    >>> fit = regress(1 + 2 * x + (np.arange(40) % 3 - 1), x)
    >>> fit.n, round(float(fit.table.loc["x", "coefficient"]), 2), fit.lags
    (40, 1.98, 3)
    """
    import statsmodels.api as sm

    confidence = _check.number("confidence", confidence, above=0, below=1)
    horizon = _check.whole("horizon", horizon, at_least=1)
    rows, left_out = _matched(y, X)
    n, k = rows.shape  # the intercept stands for the column of y
    if n < k + 8:
        raise ValueError(f"y and X must share at least {k + 8} known rows, got {n}")
    rule = max(_rule_of_lags(n), horizon - 1)
    lags = rule if lags is None else _check.whole("lags", lags, at_least=0, at_most=n - 1)
    if lags < horizon - 1:
        raise ValueError(
            f"lags must be at least {horizon - 1} where values of y overlap over {horizon} rows, "
            f"got {lags}"
        )
    regressors = rows.iloc[:, 1:]
    for name, column in regressors.items():
        if column.nunique() == 1:
            raise ValueError(f"X must vary, got {float(column.iloc[0])} throughout in {name!r}")
    design = sm.add_constant(regressors).rename(columns={"const": "intercept"})
    scaled = design / np.sqrt((design**2).sum())
    if np.linalg.matrix_rank(scaled.to_numpy()) < k:
        raise ValueError(f"X must not have a column that is a sum of others, got {[*regressors]}")
    fit = sm.OLS(rows.iloc[:, 0], design).fit(
        cov_type="HAC", cov_kwds={"maxlags": lags, "use_correction": True}, use_t=True
    )
    interval = fit.conf_int(alpha=1 - confidence)
    return Regression(
        table=pd.DataFrame(
            {
                "coefficient": fit.params,
                "standard_error": fit.bse,
                "low": interval[0],
                "high": interval[1],
            }
        ),
        n=n,
        first=rows.index[0],
        last=rows.index[-1],
        left_out=left_out,
        lags=lags,
        confidence=confidence,
        r_squared=float(fit.rsquared),
        residual_sd=float(np.sqrt(fit.scale)),
        covariance=fit.cov_params(),
    )


@dataclass(frozen=True)
class OutOfSample:
    """What `out_of_sample` found.

    Attributes
    ----------
    r_squared : float
        ``1 - squared errors of the model / squared errors of the mean``: above 0 the model
        forecast better than the average so far, below 0 worse. At most 1, no lower limit.
    low, high : float
        Ends of its 95 % interval: that of the mean difference of squared errors with HAC errors
        (lags as in `regress`), the errors of the mean taken as given.
    n : int
        Forecasts made.
    first, last
        Labels of the first and the last row forecast.
    forecasts : DataFrame
        `actual`, `model`, `mean` for each of them.
    """

    r_squared: float
    low: float
    high: float
    n: int
    first: object
    last: object
    forecasts: pd.DataFrame


def out_of_sample(
    y: pd.Series, X: pd.Series | pd.DataFrame, minimum: int = 60, *, horizon: int = 1
) -> OutOfSample:
    """Forecast each row with coefficients estimated on earlier rows only.

    Parameters
    ----------
    y : Series
        What is forecast, sorted by time.
    X : Series or DataFrame
        Known before y is: pass figures through `known_at` with ``at=y.index``.
    minimum : int
        Rows before the first forecast.
    horizon : int
        How many rows each value of y spans. A row is used from `horizon` rows later on, when
        its value of y is over.

    Returns
    -------
    OutOfSample
        The forecasts, and R² against the mean of the same earlier rows.

    Raises
    ------
    TypeError, ValueError
        As in `regress`; or fewer rows than `minimum` and one forecast need.

    Notes
    -----
    Campbell and Thompson (2008), "Predicting excess stock returns out of sample", Review of
    Financial Studies 21; Welch and Goyal (2008), in the same issue, on how few predictors pass.
    The interval is Diebold and Mariano's (1995, "Comparing predictive accuracy"); since the
    model holds the mean as a special case it is rough.

    Examples
    --------
    >>> quarters = pd.period_range("1980Q1", periods=80, freq="Q")
    >>> x = pd.Series(np.sin(np.arange(80)), index=quarters, name="x")
    >>> round(out_of_sample(3 * x, x).r_squared, 6)
    1.0
    """
    horizon = _check.whole("horizon", horizon, at_least=1)
    rows, _ = _matched(y, X)
    values = rows.to_numpy()
    k = values.shape[1]
    minimum = _check.whole("minimum", minimum, at_least=k + 8)
    start = minimum + horizon - 1
    if len(rows) <= start:
        raise ValueError(f"y and X must share more than {start} known rows, got {len(rows)}")
    design = np.column_stack([np.ones(len(rows)), values[:, 1:]])
    model, mean = np.empty((2, len(rows) - start))
    for place, row in enumerate(range(start, len(rows))):
        past = slice(0, row - horizon + 1)
        coefficients, _, rank, _ = np.linalg.lstsq(design[past], values[past, 0])
        if rank < k:
            raise ValueError(
                f"X must vary in the first {row - horizon + 1} rows, each column in its own way"
            )
        model[place] = design[row] @ coefficients
        mean[place] = values[past, 0].mean()
    forecasts = pd.DataFrame(
        {"actual": values[start:, 0], "model": model, "mean": mean}, index=rows.index[start:]
    )
    errors = forecasts[["model", "mean"]].sub(forecasts["actual"], axis=0)
    model_error, mean_error = (errors**2).mean()
    if mean_error == 0:
        raise ValueError("y must vary, the average forecasts it without error")
    gain = (errors["mean"] ** 2 - errors["model"] ** 2).to_numpy() / mean_error
    half = _hac_half_width(gain, max(_rule_of_lags(len(gain)), horizon - 1))
    r_squared = float(1 - model_error / mean_error)
    return OutOfSample(
        r_squared=r_squared,
        low=r_squared - half,
        high=r_squared + half,
        n=len(forecasts),
        first=forecasts.index[0],
        last=forecasts.index[-1],
        forecasts=forecasts,
    )


def _rule_of_lags(n: int) -> int:
    return int(4 * (n / 100) ** (2 / 9))


def _hac_half_width(values: np.ndarray, lags: int) -> float:
    """Half of the 95 % interval of a mean, with Bartlett weights and the factor n / (n - 1)."""
    from scipy.special import stdtrit

    n = len(values)
    if n < 2:
        return math.nan
    deviations = values - values.mean()
    total = deviations @ deviations
    for lag in range(1, min(lags, n - 1) + 1):
        total += 2 * (1 - lag / (lags + 1)) * (deviations[lag:] @ deviations[:-lag])
    return float(stdtrit(n - 1, 0.975) * math.sqrt(total / n / (n - 1)))


def _matched(y: pd.Series, X: pd.Series | pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return y and X side by side where both are known, and how many rows are left out."""
    if isinstance(X, pd.Series):
        X = X.to_frame(X.name if X.name is not None else "x")
    if not isinstance(X, pd.DataFrame) or not len(X.columns):
        raise TypeError(f"X must be a Series or a DataFrame, got {type(X).__name__}")
    if X.columns.has_duplicates or "intercept" in X.columns:
        raise ValueError(f"X must have columns of different names, got {[*X.columns]}")
    _series.finite_or_nan("y", y, _series.values("y", y))
    if not isinstance(y, pd.Series):
        raise TypeError(f"y must be a Series, got {type(y).__name__}")
    for name, column in X.items():
        _series.finite_or_nan(f"X[{name!r}]", column, _series.values(f"X[{name!r}]", column))
    if type(y.index) is not type(X.index) or y.index.dtype != X.index.dtype:
        raise ValueError(
            f"y and X must have the same kind of index, got {y.index.dtype} and {X.index.dtype}"
        )
    common = y.index.intersection(X.index)
    rows = pd.concat([y.rename("y"), X], axis=1, keys=["y", "X"]).loc[common].astype(float)
    known = rows.notna().all(axis=1).to_numpy()
    if not known.any():
        raise ValueError("y and X must share known rows, got none")
    first, last = np.flatnonzero(known)[[0, -1]]
    inside = rows.iloc[first : last + 1]
    if not known[first : last + 1].all():
        gap = inside.index[~known[first : last + 1]][0]
        raise ValueError(f"y and X must be known from first to last, got nothing at {gap}")
    if isinstance(common, pd.PeriodIndex):
        _no_gap("y and X", inside.index)
    inside = inside.droplevel(0, axis=1).set_axis(["y", *X.columns], axis=1)
    return inside, len(y.index.union(X.index)) - len(inside)


# ---------------------------------------------------------------- industries and the index


class SectorShock(NamedTuple):
    """What a move of one sector does to the index and to a position.

    `weight_pct` of the sector; `index_pct` and `index_points` the index moves; `usd`, profit or
    loss of the position.
    """

    sector: str
    weight_pct: float
    index_pct: float
    index_points: float
    usd: float


def sector_weights(on: str | dt.date | None = None) -> pd.Series:
    """Weights of the sectors in the Russell 2000, from the course's dated facts.

    Parameters
    ----------
    on : date, optional
        The newest weights not after this day; the newest of all when omitted.

    Returns
    -------
    Series
        Shares of 1 by name of the sector, summing to 1; ``attrs`` has `as_of`, `source` and
        `confidence` ("C": one secondary source). "Other" is what is left over.

    Raises
    ------
    ValueError
        Nothing is known as early as `on`.

    Examples
    --------
    >>> weights = sector_weights()
    >>> weights.idxmax(), round(float(weights.sum()), 9), weights.attrs["confidence"]
    ('Financials', 1.0, 'C')
    """
    dated = fact("index.sector_weights_pct", on=on)
    weights = pd.Series(dated.value, dtype=float, name="weight").rename_axis("sector") / 100
    weights.attrs = {
        "as_of": dated.as_of.isoformat(),
        "source": dated.source,
        "confidence": dated.confidence,
    }
    return weights


def sector_contribution(weights: pd.Series, returns_pct):
    """How much each sector adds to the move of the index.

    Parameters
    ----------
    weights : Series
        Shares of 1 at the start, by sector.
    returns_pct : Series or DataFrame
        % by sector; or one column for each sector and one row for each period in turn, over
        which the shares drift with their prices (nobody rebalances).

    Returns
    -------
    Series or DataFrame
        Percentage points of the index's level at the start, in the form of `returns_pct`: all of
        them together are the index's move.

    Raises
    ------
    TypeError, ValueError
        Weights that do not sum to one or are negative, sectors that are not those of the
        weights, unknown returns, or a fall by more than 100 %.

    Examples
    --------
    >>> weights = pd.Series({"Banks": 0.6, "Shops": 0.4})
    >>> sector_contribution(weights, pd.Series({"Banks": -2.0, "Shops": 1.0})).to_dict()
    {'Banks': -1.2, 'Shops': 0.4}
    """
    weights = _checked_weights(weights)
    if isinstance(returns_pct, pd.Series):
        returns = _checked_returns(weights, returns_pct, returns_pct.index)
        return (weights * returns.reindex(weights.index)).rename("contribution_pct")
    if not isinstance(returns_pct, pd.DataFrame):
        raise TypeError(
            f"returns_pct must be a Series or a DataFrame, got {type(returns_pct).__name__}"
        )
    returns = _checked_returns(weights, returns_pct, returns_pct.columns)[weights.index]
    _series.check_order("returns_pct", returns.index)
    level_before = (1 + returns / 100).cumprod().shift(fill_value=1.0)
    return weights * level_before * returns


def attribution(weights: pd.Series, returns_pct, index_pct: float | None = None) -> pd.DataFrame:
    """Take the move of the index apart into what its sectors did.

    Parameters
    ----------
    weights : Series
        Shares of 1 at the start, by sector.
    returns_pct : Series or DataFrame
        As in `sector_contribution`.
    index_pct : float, optional
        The index's own move, in %. What the sectors do not explain of it (weights that are old,
        returns that are rounded) comes as a row "unexplained".

    Returns
    -------
    DataFrame
        One row for each sector, largest contribution first: `weight`, `return_pct`,
        `contribution_pct`. The last column sums to the index's move.

    Raises
    ------
    TypeError, ValueError
        As `sector_contribution`; or a sector called "unexplained".

    Examples
    --------
    >>> weights = pd.Series({"Banks": 0.6, "Shops": 0.4})
    >>> moves = pd.Series({"Banks": -2.0, "Shops": 1.0})
    >>> attribution(weights, moves, index_pct=-0.9)["contribution_pct"].round(3).to_dict()
    {'Shops': 0.4, 'Banks': -1.2, 'unexplained': -0.1}
    """
    contribution = sector_contribution(weights, returns_pct)
    if isinstance(returns_pct, pd.DataFrame):
        total_return = 100 * ((1 + returns_pct / 100).prod() - 1)
        contribution = contribution.sum()
    else:
        total_return = returns_pct
    table = pd.DataFrame(
        {"weight": weights, "return_pct": total_return, "contribution_pct": contribution}
    ).loc[weights.index]
    table = table.sort_values("contribution_pct", ascending=False, kind="stable")
    if index_pct is None:
        return table
    if "unexplained" in table.index:
        raise ValueError("weights must not call a sector 'unexplained'")
    # fsum: what is written off as unexplained is no rounding of ours.
    rest = _check.number("index_pct", index_pct) - math.fsum(table["contribution_pct"])
    table.loc["unexplained"] = [0.0, np.nan, rest]
    return table


def sector_shock(
    weights: pd.Series,
    sector: str,
    shock_pct: float,
    price: float,
    contract: Contract = M2K,
    contracts: int = 1,
    *,
    others_follow: float = 0.0,
) -> SectorShock:
    """Carry a move of one sector to the index, to points and to dollars.

    Parameters
    ----------
    weights : Series
        Shares of 1, by sector.
    sector : str
        One of them.
    shock_pct : float
        Its move in %, at least -100.
    price : float
        Of the index and the future, in points.
    contract : Contract
    contracts : int
        Held; negative when short.
    others_follow : float
        Share of the shock, -1 to 1, that every other sector makes too: 0, they stand still.

    Returns
    -------
    SectorShock
        The basis is taken to stay, so the future moves by as many points as the index; not
        rounded to ticks.

    Raises
    ------
    TypeError, ValueError
        Weights that do not sum to one, an unknown sector (those that exist are named), and
        numbers outside what is accepted.

    Examples
    --------
    >>> round(sector_shock(sector_weights(), "Financials", -10, price=2400.0).usd, 2)
    -223.8
    """
    weights = _checked_weights(weights)
    _check.choice("sector", sector, weights.index)
    shock_pct = _check.number("shock_pct", shock_pct, at_least=-100)
    price = _check.number("price", price, above=0)
    if not isinstance(contract, Contract):
        raise TypeError(f"contract must be a Contract such as contracts.M2K, got {contract!r}")
    contracts = _check.whole("contracts", contracts)
    others_follow = _check.number("others_follow", others_follow, at_least=-1, at_most=1)
    weight = float(weights[sector])
    index_pct = shock_pct * (weight + others_follow * (1 - weight))
    points = price * index_pct / 100
    usd = points * contract.multiplier * contracts
    return SectorShock(sector, 100 * weight, index_pct, points, usd)


def _checked_weights(weights) -> pd.Series:
    if not isinstance(weights, pd.Series):
        raise TypeError(
            f"weights must be a Series by sector, such as sector_weights(), got "
            f"{type(weights).__name__}"
        )
    if weights.index.has_duplicates:
        twice = weights.index[weights.index.duplicated()][0]
        raise ValueError(f"weights must have each sector once, got {twice!r} twice")
    if weights.dtype.kind not in "iuf":
        raise TypeError(f"weights must hold numbers, got {weights.dtype}")
    _complete("weights", weights)
    if (weights < 0).any():
        raise ValueError(f"weights must not be negative, got {float(weights.min())}")
    total = math.fsum(weights)
    if abs(total - 1) > _WHOLE:
        hint = "; are these per cent? Divide by 100" if abs(total - 100) < 1 else ""
        raise ValueError(f"weights must sum to 1, got {total:.6g}{hint}")
    return weights.astype(float)


def _checked_returns(weights: pd.Series, returns_pct, sectors: pd.Index):
    if sectors.has_duplicates:
        twice = sectors[sectors.duplicated()][0]
        raise ValueError(f"returns_pct must have each sector once, got {twice!r} twice")
    unknown = [name for name in sectors if name not in weights.index]
    if unknown:
        raise ValueError(
            f"returns_pct must be for the sectors {_listed(weights.index)}, got {unknown[0]!r}"
        )
    missing = [name for name in weights.index if name not in sectors]
    if missing:
        raise ValueError(f"returns_pct must have every sector, got nothing for {missing[0]!r}")
    numbers = returns_pct.to_numpy(dtype=float)
    if not np.isfinite(numbers).all() or (numbers < -100).any():
        raise ValueError("returns_pct must hold finite numbers, at least -100, for every sector")
    return returns_pct.astype(float)


def _listed(names: pd.Index) -> str:
    return ", ".join(repr(name) for name in names)


# ---------------------------------------------------------------- checks


def _check_periods(name: str, given, freq: str | None = None) -> np.ndarray:
    """Return the numbers of a Series whose rows are consecutive periods."""
    numbers = _series.values(name, given)
    index = getattr(given, "index", None)
    kind = {"M": "months", None: "periods, such as quarters or months"}[freq]
    if not isinstance(index, pd.PeriodIndex) or (freq and index.freqstr != freq):
        raise TypeError(
            f"{name} must have {kind} as index (a PeriodIndex), got "
            f"{getattr(index, 'dtype', type(given).__name__)}; to_period() makes periods of dates"
        )
    _series.finite_or_nan(name, given, numbers)
    _no_gap(name, index)
    return numbers


def _no_gap(name: str, index: pd.PeriodIndex) -> None:
    jumps = np.flatnonzero(np.diff(index.asi8) != 1)
    if len(jumps):
        raise ValueError(
            f"{name} must have consecutive periods, got {index[jumps[0] + 1]} after "
            f"{index[jumps[0]]}"
        )


def _complete(name: str, given: pd.Series) -> None:
    unknown = ~np.isfinite(given.to_numpy(dtype=float, na_value=np.nan))
    if unknown.any():
        place = int(np.flatnonzero(unknown)[0])
        raise ValueError(
            f"{name} must be known in every row, got {given.iloc[place]} at {given.index[place]}"
        )


def _from_first(name: str, given: pd.Series) -> pd.Series:
    """Return a Series from its first known value on; nothing may be unknown after it."""
    if not isinstance(given, pd.Series):
        raise TypeError(f"{name} must be a Series, got {type(given).__name__}")
    numbers = _series.values(name, given)
    first = int(np.argmax(np.isfinite(numbers))) if len(numbers) else 0
    known = given.iloc[first:].astype(float)
    _complete(name, known)
    return known
