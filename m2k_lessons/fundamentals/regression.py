"""Does a figure go with returns, and does it forecast them?"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from m2k_lessons._util import checks, series
from m2k_lessons.fundamentals.data import refuse_gap


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
        from scipy.special import stdtrit

        wanted = list(self.table.index[1:])
        if sorted(values) != sorted(wanted):
            raise ValueError(f"values must be given for {', '.join(wanted)}, got {sorted(values)}")
        x = np.array([1.0, *(checks.number(name, values[name]) for name in wanted)])
        mean = float(x @ self.table["coefficient"].to_numpy())
        reach = float(stdtrit(self.n - len(self.table), (1 + self.confidence) / 2))
        half = reach * math.sqrt(x @ self.covariance.to_numpy() @ x)
        return mean, mean - half, mean + half

    def __str__(self) -> str:
        lines = [
            f"n = {self.n}, {_day(self.first)} to {_day(self.last)}, "
            f"R² = {100 * self.r_squared:.1f} %, "
            f"HAC errors with {self.lags} lags, {100 * self.confidence:g} % intervals"
        ]
        width = max(len(str(name)) for name in self.table.index)
        for name, row in self.table.iterrows():
            numbers = f"{row['coefficient']:>+7.2f}   [{row['low']:+.2f}, {row['high']:+.2f}]"
            lines.append(f"{name:<{width}}  {numbers.replace('-', '−')}")
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
    confidence = checks.number("confidence", confidence, above=0, below=1)
    horizon = checks.whole("horizon", horizon, at_least=1)
    rows, left_out = _matched(y, X)
    n, k = rows.shape  # the intercept stands for the column of y
    if n < k + 8:
        raise ValueError(f"y and X must share at least {k + 8} known rows, got {n}")
    rule = max(_rule_of_lags(n), horizon - 1)
    lags = rule if lags is None else checks.whole("lags", lags, at_least=0, at_most=n - 1)
    if lags < horizon - 1:
        raise ValueError(
            f"lags must be at least {horizon - 1} where values of y overlap over {horizon} rows, "
            f"got {lags}"
        )
    regressors = rows.iloc[:, 1:]
    for name, column in regressors.items():
        if column.nunique() == 1:
            raise ValueError(f"X must vary, got {float(column.iloc[0])} throughout in {name!r}")
    design = regressors.assign(intercept=1.0)[["intercept", *regressors]]
    scaled = design / np.sqrt((design**2).sum())
    if np.linalg.matrix_rank(scaled.to_numpy()) < k:
        raise ValueError(f"X must not have a column that is a sum of others, got {[*regressors]}")
    fit = _newey_west(rows.iloc[:, 0], design, lags)
    interval = fit.conf_int(alpha=1 - confidence).set_axis(["low", "high"], axis=1)
    return Regression(
        table=pd.DataFrame({"coefficient": fit.params, "standard_error": fit.bse}).join(interval),
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


def _newey_west(y, design, lags: int):
    try:
        import statsmodels.api as sm
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"this regression needs the package statsmodels, but there is no {error.name} here: "
            "a browser edition may have been built without it. Everything else in the chapter "
            "runs; for this cell, take the course as it is installed (python course.py lab)",
            name=error.name,
        ) from error

    terms = {"maxlags": lags, "use_correction": True}
    return sm.OLS(y, design).fit(cov_type="HAC", cov_kwds=terms, use_t=True)


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

    Notes
    -----
    Campbell and Thompson (2008), "Predicting excess stock returns out of sample", Review of
    Financial Studies 21; Welch and Goyal (2008), in the same issue, on how few predictors pass.
    The interval is Diebold and Mariano's (1995, "Comparing predictive accuracy"): did these
    forecasts win? Since the model holds the mean as a special case, it seldom says so even where
    the figure does forecast; whether it does is what `clark_west` tests.

    Examples
    --------
    >>> quarters = pd.period_range("1980Q1", periods=80, freq="Q")
    >>> x = pd.Series(np.sin(np.arange(80)), index=quarters, name="x")
    >>> round(out_of_sample(3 * x, x).r_squared, 6)
    1.0
    """
    horizon = checks.whole("horizon", horizon, at_least=1)
    rows, _ = _matched(y, X)
    values = rows.to_numpy()
    k = values.shape[1]
    minimum = checks.whole("minimum", minimum, at_least=k + 8)
    start = minimum + horizon - 1
    if len(rows) <= start:
        raise ValueError(f"y and X must share more than {start} known rows, got {len(rows)}")
    design = np.column_stack([np.ones(len(rows)), values[:, 1:]])
    model, mean = np.empty((2, len(rows) - start))
    for forecast, row in enumerate(range(start, len(rows))):
        past = slice(0, row - horizon + 1)
        coefficients, _, rank, _ = np.linalg.lstsq(design[past], values[past, 0])
        if rank < k:
            raise ValueError(
                f"X must vary in the first {row - horizon + 1} rows, each column in its own way"
            )
        model[forecast] = design[row] @ coefficients
        mean[forecast] = values[past, 0].mean()
    forecasts = pd.DataFrame(
        {"actual": values[start:, 0], "model": model, "mean": mean}, index=rows.index[start:]
    )
    errors = forecasts[["model", "mean"]].sub(forecasts["actual"], axis=0)
    model_error, mean_error = (errors**2).mean()
    if mean_error == 0:
        raise ValueError("y must vary, the average forecasts it without error")
    gain = (errors["mean"] ** 2 - errors["model"] ** 2).to_numpy() / mean_error
    r_squared, half = float(1 - model_error / mean_error), math.nan
    if len(gain) > 1:
        lags = min(max(_rule_of_lags(len(gain)), horizon - 1), len(gain) - 1)
        low, high = _newey_west(gain, np.ones(len(gain)), lags).conf_int()[0]
        half = float(high - low) / 2
    return OutOfSample(
        r_squared=r_squared,
        low=r_squared - half,
        high=r_squared + half,
        n=len(forecasts),
        first=forecasts.index[0],
        last=forecasts.index[-1],
        forecasts=forecasts,
    )


def clark_west(forecasts: pd.DataFrame, *, horizon: int = 1) -> tuple[float, float]:
    """Test whether a model that holds the mean as a special case forecasts at all.

    Where the figures say nothing, the model still estimates their coefficients, and errs more
    than the mean by just that. The test adds it back: the squared difference of the forecasts.

    Parameters
    ----------
    forecasts : DataFrame
        `actual`, `model`, `mean`, as `out_of_sample` leaves them; at least ten rows.
    horizon : int
        As in `out_of_sample`.

    Returns
    -------
    (float, float)
        t statistic with HAC errors (lags as in `regress`), and its one-sided p-value from the
        normal distribution: the chance of such a t or a larger one where nothing is forecast.

    Notes
    -----
    Clark and West (2007), "Approximately normal tests for equal predictive accuracy in nested
    models", Journal of Econometrics 138.

    Examples
    --------
    >>> quarters = pd.period_range("1980Q1", periods=80, freq="Q")
    >>> x = pd.Series(np.sin(np.arange(80)), index=quarters, name="x")
    >>> t, p = clark_west(out_of_sample(3 * x, x).forecasts)
    >>> t > 3, p < 0.001
    (True, True)
    """
    from scipy.special import ndtr

    horizon = checks.whole("horizon", horizon, at_least=1)
    checks.instance("forecasts", forecasts, pd.DataFrame, "a DataFrame")
    if missing := [name for name in ("actual", "model", "mean") if name not in forecasts]:
        raise ValueError(f"forecasts must have the columns actual, model, mean; no {missing[0]!r}")
    if len(forecasts) < 10:
        raise ValueError(f"forecasts must have at least 10 rows, got {len(forecasts)}")
    actual, model, mean = (forecasts[name].astype(float) for name in ("actual", "model", "mean"))
    for name in ("actual", "model", "mean"):
        unknown = ~np.isfinite(forecasts[name].to_numpy(dtype=float))
        series.refuse_rows(f"forecasts[{name!r}]", forecasts[name], unknown, "be known")
    gain = ((actual - mean) ** 2 - (actual - model) ** 2 + (mean - model) ** 2).to_numpy()
    if not gain.any():
        raise ValueError("forecasts must differ, model and mean are the same in every row")
    lags = max(_rule_of_lags(len(gain)), horizon - 1)
    t = float(_newey_west(gain, np.ones(len(gain)), lags).tvalues[0])
    return t, float(ndtr(-t))


def _rule_of_lags(n: int) -> int:
    return int(4 * (n / 100) ** (2 / 9))


def _matched(y: pd.Series, X: pd.Series | pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return y and X side by side where both are known, and how many rows are left out."""
    if isinstance(X, pd.Series):
        X = X.to_frame(X.name if X.name is not None else "x")
    checks.instance("X", X, pd.DataFrame, "a Series or a DataFrame")
    if X.columns.empty:
        raise ValueError("X must have at least one column, got none")
    if X.columns.has_duplicates or "intercept" in X.columns:
        raise ValueError(f"X must have columns of different names, got {[*X.columns]}")
    series.finite_or_nan("y", y, series.values("y", y))
    checks.instance("y", y, pd.Series, "a Series")
    for name, column in X.items():
        series.finite_or_nan(f"X[{name!r}]", column, series.values(f"X[{name!r}]", column))
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
        refuse_gap("y and X", inside.index)
    inside = inside.droplevel(0, axis=1).set_axis(["y", *X.columns], axis=1)
    return inside, len(y.index.union(X.index)) - len(inside)
