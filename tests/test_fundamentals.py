"""Real data, publication dates, regressions and sectors, against numpy and hand-made tables."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import contracts, data
from m2k_lessons import fundamentals as fm
from m2k_lessons.contracts import M2K, RTY


def quarters(n, first="2000Q1"):
    return pd.period_range(first, periods=n, freq="Q")


def series(values, first="2000Q1", name="x"):
    values = np.asarray(values, dtype=float)
    return pd.Series(values, index=quarters(len(values), first), name=name)


# ---------------------------------------------------------------- real data


def test_macro_is_the_us_economy_from_1959_to_2009():
    figures = fm.macro()
    assert figures.shape == (203, 7)
    assert figures.index.equals(pd.period_range("1959Q1", "2009Q3", freq="Q"))
    assert not figures.isna().any().any()
    assert set(figures.attrs["units"]) == set(figures)
    # Typed from the data set's own file.
    assert figures.loc["1959Q1"].tolist() == [5.8, 2.82, 1707.4, 1886.9, 2710.349, 28.98, 0.0]
    assert figures.loc["2009Q3", ["unemployment_pct", "tbill_pct", "consumption"]].tolist() == [
        9.6,
        0.12,
        9256.0,
    ]


def test_inflation_is_what_its_unit_says():
    figures = fm.macro()
    computed = 400 * np.log(figures["cpi"]).diff()
    assert (computed - figures["inflation_pct"]).iloc[1:].abs().max() < 0.0051


def test_premium_has_the_months_of_the_factors():
    premium = fm.small_cap_premium()
    assert premium.shape == (1109, 3)
    assert premium.index.equals(pd.period_range("1926-07", "2018-11", freq="M"))
    # Typed from arch's file: first, last, and the fall of October 1987.
    assert premium.loc["1926-07"].tolist() == [-2.30, 2.96, 0.22]
    assert premium.loc["2018-11"].tolist() == [-0.75, 1.69, 0.18]
    assert premium.loc["1987-10", "market_excess_pct"] == -23.24
    assert abs(premium["smb_pct"].mean() - 0.2066) < 1e-4


def test_shipped_figures_are_those_of_the_libraries():
    """The files in data/real against arch's and statsmodels' own, column by column."""
    from arch.data import frenchdata
    from statsmodels.datasets import macrodata

    factors, premium = frenchdata.load(), fm.small_cap_premium()
    theirs = {"smb_pct": "SMB", "market_excess_pct": "Mkt-RF", "risk_free_pct": "RF"}
    for column, name in theirs.items():
        assert premium[column].tolist() == factors[name].tolist()
    table, figures = macrodata.load_pandas().data, fm.macro()
    for name, (column, _) in fm._MACRO_COLUMNS.items():
        assert figures[column].tolist() == table[name].tolist()


def test_quarters_are_sums_and_part_quarters_unknown():
    months = pd.period_range("2018-02", periods=9, freq="M")
    monthly = pd.Series([1.0, 2, 3, 4, 5, -6, 7, 8, 9], index=months, name="smb_pct")
    result = fm.quarterly(monthly)
    assert result.index.equals(pd.period_range("2018Q1", "2018Q4", freq="Q"))
    assert (result.name, result.index.name) == ("smb_pct", "quarter")
    np.testing.assert_array_equal(result, [np.nan, 12.0, 9.0, np.nan])
    with pytest.raises(ValueError, match="consecutive periods, got 2018-06 after 2018-04"):
        fm.quarterly(monthly.drop(pd.Period("2018-05")))
    with pytest.raises(TypeError, match="must have months as index"):
        fm.quarterly(result)


# ---------------------------------------------------------------- growth


def test_growth_rates():
    levels = series([100, 102, 99.96, 99.96, 110])
    np.testing.assert_allclose(fm.growth_rate(levels), [np.nan, 2, -2, 0, 100 * (110 / 99.96 - 1)])
    np.testing.assert_allclose(fm.growth_rate(levels, 4).iloc[-1], 10)
    a_year = fm.growth_rate(levels, annualised=True)
    np.testing.assert_allclose(a_year.iloc[1], 100 * (1.02**4 - 1))
    half = fm.growth_rate(levels, 2, annualised=True)
    np.testing.assert_allclose(half.iloc[2], 100 * (0.9996**2 - 1))
    monthly = pd.Series([1.0, 1.01], index=pd.period_range("2000-01", periods=2, freq="M"))
    np.testing.assert_allclose(
        fm.growth_rate(monthly, annualised=True).iloc[1], 100 * (1.01**12 - 1)
    )


def test_real_consumption_growth_of_one_quarter():
    growth = fm.growth_rate(fm.macro()["consumption"])
    assert abs(growth["2008Q4"] - 100 * (9195.3 / 9267.7 - 1)) < 1e-12
    assert np.isnan(growth.iloc[0])


@pytest.mark.parametrize(
    ("levels", "options", "error", "message"),
    [
        (series([1, 0, 2]), {}, ValueError, r"levels must be above zero, got 0.0 in 2000Q2"),
        (series([1, 2]).to_timestamp(), {}, TypeError, "PeriodIndex"),
        ([1, 2], {}, TypeError, "levels must be a Series"),
        (series([1, 2, 3]).iloc[[0, 2]], {}, ValueError, "got 2000Q3 after 2000Q1"),
        (series([1, 2, 3]).iloc[::-1], {}, ValueError, "sorted by time"),
        (series([1, np.inf]), {}, ValueError, "finite numbers or NaN"),
        (series([1, 2]), {"periods": 0}, ValueError, "periods must be a whole number at least 1"),
        (series([1, 2]), {"annualised": 1}, TypeError, "annualised must be True or False"),
    ],
)
def test_growth_of_what_has_none(levels, options, error, message):
    with pytest.raises(error, match=message):
        fm.growth_rate(levels, **options)


def test_days_cannot_be_annualised():
    days = pd.Series([1.0, 2.0], index=pd.period_range("2000-01-01", periods=2, freq="D"))
    with pytest.raises(ValueError, match="years, quarters or months to annualise, got D"):
        fm.growth_rate(days, annualised=True)


# ---------------------------------------------------------------- known when


def test_known_on_a_hand_made_table():
    rate = series([5.0, 6.0, 7.0], "1999Q4")
    published = fm.known_at(rate, 8)
    assert [str(day.date()) for day in published.index] == [
        "2000-01-08",
        "2000-04-08",
        "2000-07-08",
    ]
    assert published.tolist() == [5.0, 6.0, 7.0]
    days = pd.to_datetime(["2000-01-07", "2000-01-08", "2000-04-07", "2000-04-08", "2000-10-07"])
    np.testing.assert_array_equal(fm.known_at(rate, 8, at=days), [np.nan, 5, 5, 6, 7])
    # The third quarter's figure is out on 8 October, and nobody has told us what it says.
    late = pd.to_datetime(["2000-10-08", "2010-01-01"])
    assert fm.known_at(rate, 8, at=late).isna().all()
    assert fm.known_at(rate, 8, at=quarters(6)).isna().tolist() == [True, *[False] * 3, True, True]


@pytest.mark.parametrize(
    ("lag", "expected"),
    [(0, [5, 6, 7]), (1, [np.nan, 5, 6]), (91, [np.nan, 5, 6]), (92, [np.nan, np.nan, 5])],
)
def test_known_before_a_quarter_begins(lag, expected):
    # 1999Q4 ends on 31 December: published that day it serves 2000Q1, a day later not before
    # 2000Q2. And 91 days later is 31 March, the last day on which it still serves 2000Q2.
    rate = series([5.0, 6.0, 7.0], "1999Q4")
    result = fm.known_at(rate, lag, at=quarters(3, "2000Q1"))
    np.testing.assert_array_equal(result, expected)
    assert result.index.equals(quarters(3, "2000Q1"))


def test_dates_of_publication_may_be_given_and_a_shutdown_may_hold_two_back():
    months = pd.period_range("2025-09", periods=3, freq="M")
    jobs = pd.Series([1.0, 2.0, 3.0], index=months)
    dates = pd.Series(pd.to_datetime(["2025-11-20", "2025-12-16", "2025-12-16"]), index=months)
    days = pd.to_datetime(["2025-11-19", "2025-12-15", "2025-12-16"])  # the next in January
    np.testing.assert_array_equal(fm.known_at(jobs, dates, at=days), [np.nan, 1.0, 3.0])


@settings(max_examples=60, deadline=None)
@given(
    values=st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=20),
    lag=st.integers(0, 400),
    cut=st.integers(0, 19),
    day=st.integers(0, 2500),
)
def test_the_future_does_not_change_what_was_known(values, lag, cut, day):
    full = series(values)
    cut = cut % len(values)
    changed = full.copy()
    changed.iloc[cut:] = changed.iloc[cut:] + 1.0e7
    at = pd.DatetimeIndex([pd.Timestamp("2000-01-01") + pd.Timedelta(days=day)])
    known = fm.known_at(full, lag, at=at).iloc[0]
    other = fm.known_at(changed, lag, at=at).iloc[0]
    published = full.index[cut].end_time.normalize() + pd.Timedelta(days=lag)
    if at[0] < published or np.isnan(known):
        assert known == other or (np.isnan(known) and np.isnan(other))
    else:
        assert known != other
    # And nothing is known that a person with a calendar would not have.
    ends = [one.end_time.normalize() + pd.Timedelta(days=lag) for one in full.index]
    newest = [value for value, end in zip(full, ends, strict=True) if end <= at[0]]
    newer = (full.index[-1] + 1).end_time.normalize() + pd.Timedelta(days=lag)
    assert (newest[-1] == known) if newest and at[0] < newer else np.isnan(known)


DATES = pd.to_datetime(["2000-04-08", "2000-07-08", "2000-10-08"])


@pytest.mark.parametrize(
    ("given_series", "lag", "at", "error", "message"),
    [
        (series([1, 2, 3]), -1, None, ValueError, "lag must be a whole number at least 0, got -1"),
        (series([1, 2, 3]), 2.5, None, ValueError, "lag must be a whole number"),
        (series([]), 8, None, ValueError, "series must have at least one figure, got none"),
        (series([1, 2, 3]), "8D", None, TypeError, "lag must be a whole number"),
        (series([1, 2, 3]).to_timestamp(), 8, None, TypeError, "PeriodIndex"),
        (series([1, 2, 3]).iloc[::-1], 8, None, ValueError, "sorted by time"),
        (series([1, 2, 3]), 8, DATES[::-1], ValueError, "at must be sorted by time"),
        (series([1, 2, 3]), 8, DATES.tz_localize("UTC"), ValueError, "without a time zone"),
        (series([1, 2, 3]), 8, ["2000-01-01"], TypeError, "at must be a PeriodIndex or a Datetime"),
        (
            series([1, 2, 3]),
            pd.Series(DATES - pd.Timedelta(days=9), index=quarters(3)),
            None,
            ValueError,
            "after the period they are about, got 2000-03-30 for 2000Q1",
        ),
        (
            series([1, 2, 3]),
            pd.Series(DATES[[0, 2, 1]] + pd.Timedelta(days=200), index=quarters(3)),
            None,
            ValueError,
            "in their order, got 2001-01-24 for 2000Q3 after 2001-04-26 for 2000Q2",
        ),
        (
            series([1, 2, 3]),
            pd.Series(DATES.insert(0, pd.NaT)[:3], index=quarters(3)),
            None,
            ValueError,
            "a date for each period, got none for 2000Q1",
        ),
        (series([1, 2, 3]), pd.Series(DATES), None, ValueError, "the same index as series"),
        (series([1, 2, 3]), series([1, 2, 3]), None, TypeError, "a Series of dates without zone"),
    ],
)
def test_nothing_is_known_early(given_series, lag, at, error, message):
    with pytest.raises(error, match=message):
        fm.known_at(given_series, lag, at)


# ---------------------------------------------------------------- surprise


def test_surprises_of_the_course_data():
    market = data.load("macro")
    releases = market["releases"]
    scales = {one.name: one.surprise_scale for one in market.truth.releases}
    result = fm.surprise(
        releases["actual"],
        releases["consensus"],
        releases["release"].map(scales),
        reference_period=releases["reference_period"],
    )
    assert len(result) == 440
    np.testing.assert_allclose(result, releases["surprise"], atol=5.01e-5)
    assert fm.surprise(100, 250, 75) == -2.0


INSTANTS = pd.to_datetime(["2030-01-04 08:30", "2030-02-01 08:30"]).tz_localize("America/New_York")


def releases(values, index=INSTANTS):
    return pd.Series(values, index=index)


@pytest.mark.parametrize(
    ("actual", "consensus", "options", "error", "message"),
    [
        (
            releases([1.0, 2], INSTANTS.tz_localize(None)),
            releases([1.0, 2]),
            {},
            ValueError,
            "zone",
        ),
        (series([1, 2]), series([1, 2]), {}, ValueError, "instants with a time zone"),
        (releases([1.0, 2]), 1.0, {}, TypeError, "consensus must be a Series as actual is"),
        (releases([1.0, 2])[::-1], releases([1.0, 2])[::-1], {}, ValueError, "sorted by time"),
        (releases([1.0, 2]), releases([1.0, 2]).iloc[:1], {}, ValueError, "same length"),
        (releases([1.0, np.nan]), releases([1.0, 2]), {}, ValueError, "actual must be known"),
        (
            releases([1.0, 2]),
            releases([1.0, 2]),
            {"scale": 0},
            ValueError,
            "scale must be .* above 0",
        ),
        (
            releases([1.0, 2]),
            releases([1.0, 2]),
            {"scale": releases([1.0, -2])},
            ValueError,
            "scale must be above zero, got -2.0",
        ),
        (
            releases([1.0, 2]),
            releases([1.0, 2]),
            {"reference_period": releases(["2029-12", "2030-03"])},
            ValueError,
            "must have begun when its figure came out, got 2030-03",
        ),
        (
            releases([1.0, 2]),
            releases([1.0, 2]),
            {"reference_period": releases(["2029-12", "soon"])},
            ValueError,
            "periods such as '2029-12', got 'soon'",
        ),
        (float("nan"), 1.0, {}, ValueError, "actual must be a finite number"),
    ],
)
def test_what_is_no_surprise(actual, consensus, options, error, message):
    with pytest.raises(error, match=message):
        fm.surprise(actual, consensus, **{"scale": 1.0} | options)


def test_two_releases_may_share_an_instant():
    both = releases([1.0, 2.0], INSTANTS[[0, 0]])
    assert fm.surprise(both, both - 1, 2.0).tolist() == [0.5, 0.5]


# ---------------------------------------------------------------- composite


def test_expanding_zscore_by_hand():
    values = [np.nan, 3.0, 5.0, 4.0, 8.0, 1.0]
    result = fm.expanding_zscore(series(values), minimum=3)
    assert result.iloc[:3].isna().all()
    for end in (4, 5, 6):
        past = np.array(values[1:end])
        assert math.isclose(result.iloc[end - 1], (past[-1] - past.mean()) / past.std(ddof=1))


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(5, 38))
def test_the_composite_looks_at_the_past_only(seed, cut):
    rng = np.random.default_rng(seed)
    parts = [series(column) for column in rng.normal(size=(3, 40))]
    before = fm.composite(*parts, minimum=5)
    truncated = fm.composite(*(part.iloc[:cut] for part in parts), minimum=5)
    pd.testing.assert_series_equal(before.iloc[:cut], truncated)
    for part in parts:
        part.iloc[cut:] += 100 * rng.normal(size=40 - cut)
    pd.testing.assert_series_equal(fm.composite(*parts, minimum=5).iloc[:cut], before.iloc[:cut])


def test_the_signs_of_the_composite():
    still, up = series([1, -1, 1, -1, 1, 0]), series([1, -1, 1, -1, 1, 5])
    base = fm.composite(still, still, still, 3).iloc[-1]
    assert fm.composite(up, still, still, 3).iloc[-1] < base
    assert fm.composite(still, up, still, 3).iloc[-1] < base
    assert fm.composite(still, still, up, 3).iloc[-1] > base
    scores = [fm.expanding_zscore(part, 3) for part in (up, still, up)]
    by_hand = (-scores[0] - scores[1] + scores[2]) / 3
    np.testing.assert_allclose(fm.composite(up, still, up, 3), by_hand)


@pytest.mark.parametrize(
    ("given_series", "minimum", "error", "message"),
    [
        (series([1, np.nan, 2, 3]), 3, ValueError, "series must be known in every row, got nan"),
        (series([1, 1, 1, 2]), 3, ValueError, "series must vary before 2000Q3"),
        (series([1, 2, 3])[::-1], 3, ValueError, "sorted"),
        ([1, 2, 3], 3, TypeError, "series must be a Series"),
        (series([1, 2, 3]), 2, ValueError, "minimum must be a whole number at least 3"),
    ],
)
def test_what_has_no_zscore(given_series, minimum, error, message):
    with pytest.raises(error, match=message):
        fm.expanding_zscore(given_series, minimum)


def test_a_composite_of_different_quarters_is_refused():
    with pytest.raises(ValueError, match="same index"):
        fm.composite(series([1, 2, 3]), series([1, 2, 3], "2000Q2"), series([1, 2, 3]))
    with pytest.raises(TypeError, match="rate_change must be a Series"):
        fm.composite(series([1, 2, 3]), [1, 2, 3], series([1, 2, 3]))


# ---------------------------------------------------------------- regression


def newey_west(y, X, lags):
    """Coefficients and HAC covariance, written out: Bartlett weights, factor n / (n - k)."""
    design = np.column_stack([np.ones(len(y)), X])
    n, k = design.shape
    bread = np.linalg.inv(design.T @ design)
    coefficients = bread @ design.T @ y
    scores = design * (y - design @ coefficients)[:, None]
    meat = np.zeros((k, k))
    for s in range(n):
        for t in range(max(0, s - lags), min(n, s + lags + 1)):
            meat += (1 - abs(s - t) / (lags + 1)) * np.outer(scores[s], scores[t])
    return coefficients, n / (n - k) * bread @ meat @ bread


@pytest.mark.parametrize("lags", [None, 0, 1, 6])
def test_regression_against_numpy_and_newey_west_by_hand(lags):
    rng = np.random.default_rng(8)
    n = 90
    X = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n).cumsum()}, quarters(n))
    noise = np.convolve(rng.normal(size=n + 3), [1, 0.8, 0.4, 0.2], "valid") * (1 + X["a"].abs())
    y = (0.5 + 2 * X["a"] - X["b"] + noise).rename("premium")
    fit = fm.regress(y, X, lags=lags)
    used = 3 if lags is None else lags  # floor(4 * 0.9 ** (2 / 9)) = 3
    coefficients, covariance = newey_west(y.to_numpy(), X.to_numpy(), used)
    assert (fit.n, str(fit.first), str(fit.last)) == (n, "2000Q1", "2022Q2")
    assert (fit.lags, fit.left_out) == (used, 0)
    assert list(fit.table.index) == ["intercept", "a", "b"]
    np.testing.assert_allclose(fit.table["coefficient"], coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.table["standard_error"], np.sqrt(np.diag(covariance)), rtol=1e-9)
    np.testing.assert_allclose(fit.covariance, covariance, rtol=1e-8)
    t = 1.987608  # 97.5 % point of Student's t with 87 degrees of freedom, from a table
    half = t * np.sqrt(np.diag(covariance))
    np.testing.assert_allclose(fit.table["low"], coefficients - half, rtol=1e-5)
    np.testing.assert_allclose(fit.table["high"], coefficients + half, rtol=1e-5)
    leftover = y - np.column_stack([np.ones(n), X]) @ coefficients
    assert math.isclose(fit.r_squared, 1 - leftover.var(ddof=0) / y.var(ddof=0), rel_tol=1e-9)
    assert math.isclose(fit.residual_sd, math.sqrt((leftover**2).sum() / 87), rel_tol=1e-9)

    x = np.array([1, 0.3, -2.0])
    mean, low, high = fit.expected(a=0.3, b=-2.0)
    half = t * math.sqrt(x @ covariance @ x)
    np.testing.assert_allclose(
        [mean, low, high], x @ coefficients + np.array([0, -half, half]), 1e-5
    )


@pytest.mark.parametrize(("n", "lags"), [(20, 2), (50, 3), (100, 4), (202, 4), (1109, 6)])
def test_the_rule_of_lags(n, lags):
    rng = np.random.default_rng(n)
    assert fm.regress(series(rng.normal(size=n)), series(rng.normal(size=n))).lags == lags


def test_hac_intervals_hold_the_truth_about_as_often_as_they_say():
    """400 regressions of restless, unrelated residuals: 95 % intervals, a little too narrow.

    Newey-West intervals are known to fall short in samples of this size, so the band is one-sided:
    at least 88 %, and at most what 95 % allows in its own 99.9 % binomial interval.
    """
    rng = np.random.default_rng(20)
    inside = 0
    for _ in range(400):
        shocks = rng.normal(size=(2, 202))
        x = np.empty(202)
        x[0] = shocks[0, 0]
        for t in range(1, 202):
            x[t] = 0.4 * x[t - 1] + shocks[0, t]
        y = series(2 * x + shocks[1] * (1 + np.abs(x)))
        low, high = fm.regress(y, series(x)).table.loc["x", ["low", "high"]]
        inside += low <= 2 <= high
    assert 352 <= inside <= 394


def test_rows_are_matched_by_label_and_what_is_left_out_is_counted():
    rng = np.random.default_rng(3)
    x = series(rng.normal(size=40))
    y = series(rng.normal(size=40), "2000Q3")
    y.iloc[-1] = np.nan
    fit = fm.regress(y, x)
    assert (fit.n, str(fit.first), str(fit.last)) == (38, "2000Q3", "2009Q4")
    assert fit.left_out == 4
    alone = fm.regress(y.loc["2000Q3":"2009Q4"], x.loc["2000Q3":"2009Q4"])
    pd.testing.assert_frame_equal(fit.table, alone.table)


def test_overlapping_returns_need_lags_for_their_overlap():
    rng = np.random.default_rng(4)
    quarterly = series(rng.normal(size=80))
    a_year = quarterly.rolling(4).sum().shift(-4)
    x = series(rng.normal(size=80))
    assert fm.regress(a_year, x, horizon=4).lags == 3
    assert fm.regress(a_year, x, horizon=8).lags == 7
    with pytest.raises(
        ValueError, match="lags must be at least 3 where values of y overlap over 4"
    ):
        fm.regress(a_year, x, horizon=4, lags=2)


def test_a_regression_prints_what_a_reader_needs():
    rng = np.random.default_rng(5)
    x = series(rng.normal(size=60), name="rate")
    text = str(fm.regress(-2 * x + series(0.01 * rng.normal(size=60)), x))
    first, *rest = text.splitlines()
    assert first.startswith("n = 60, 2000Q1 to 2014Q4, R² = 100.0 %, HAC errors with 3 lags, 95 %")
    assert len(rest) == 2
    instants = pd.date_range("2030-01-04 08:30", periods=60, freq="D", tz="America/New_York")
    dated = fm.regress(x.set_axis(instants), series(np.arange(60) % 7).set_axis(instants))
    assert str(dated).startswith("n = 60, 2030-01-04 to 2030-03-04, R²")
    assert rest[1].startswith("rate")
    assert "−2.00" in rest[1]


GOOD = series(np.random.default_rng(6).normal(size=30))
OTHER = series(np.random.default_rng(7).normal(size=30))


@pytest.mark.parametrize(
    ("y", "X", "options", "error", "message"),
    [
        (GOOD[::-1], OTHER, {}, ValueError, "y must be sorted by time"),
        (GOOD, OTHER[::-1], {}, ValueError, r"X\['x'\] must be sorted by time"),
        (GOOD, pd.concat([OTHER, OTHER.iloc[-1:]]), {}, ValueError, "one row per time"),
        (GOOD.mask(GOOD.index == "2003Q1"), OTHER, {}, ValueError, "got nothing at 2003Q1"),
        (GOOD.drop(pd.Period("2003Q1")), OTHER, {}, ValueError, "got 2003Q2 after 2002Q4"),
        (GOOD, series(OTHER, "2030Q1"), {}, ValueError, "share known rows, got none"),
        (GOOD, series(OTHER, "2006Q1"), {}, ValueError, "at least 10 known rows, got 6"),
        (GOOD, OTHER * 0 + 3, {}, ValueError, r"X must vary, got 3.0 throughout in 'x'"),
        (
            GOOD,
            pd.DataFrame({"a": OTHER, "b": GOOD, "c": OTHER - 2 * GOOD}),
            {},
            ValueError,
            "a column that is a sum of others",
        ),
        (GOOD, OTHER.to_timestamp(), {}, ValueError, "the same kind of index"),
        (GOOD, OTHER.to_numpy(), {}, TypeError, "X must be a Series or a DataFrame, got ndarray"),
        (GOOD.to_numpy(), OTHER, {}, TypeError, "y must be a Series"),
        (GOOD, OTHER.rename("intercept"), {}, ValueError, "columns of different names"),
        (GOOD, OTHER, {"lags": -1}, ValueError, "lags must be a whole number at least 0"),
        (GOOD, OTHER, {"lags": 30}, ValueError, "at most 29"),
        (GOOD, OTHER, {"confidence": 95}, ValueError, "confidence must be .* below 1, got 95"),
        (GOOD.replace(GOOD.iloc[3], np.inf), OTHER, {}, ValueError, "y must hold finite numbers"),
    ],
)
def test_what_cannot_be_regressed(y, X, options, error, message):
    with pytest.raises(error, match=message):
        fm.regress(y, X, **options)


def test_expected_wants_every_regressor():
    fit = fm.regress(GOOD, OTHER)
    with pytest.raises(ValueError, match=r"values must be given for x, got \['rate'\]"):
        fit.expected(rate=1)
    with pytest.raises(ValueError, match="x must be a finite number"):
        fit.expected(x=float("nan"))


# ---------------------------------------------------------------- out of sample


def test_out_of_sample_by_hand():
    rng = np.random.default_rng(9)
    x = series(rng.normal(size=50))
    y = series(0.5 * x + rng.normal(size=50))
    result = fm.out_of_sample(y, x, minimum=20)
    model, mean = [], []
    for row in range(20, 50):
        slope, intercept = np.polyfit(x.iloc[:row], y.iloc[:row], 1)
        model.append(y.iloc[row] - intercept - slope * x.iloc[row])
        mean.append(y.iloc[row] - y.iloc[:row].mean())
    assert (result.n, str(result.first), str(result.last)) == (30, "2005Q1", "2012Q2")
    by_hand = 1 - np.square(model).sum() / np.square(mean).sum()
    assert math.isclose(result.r_squared, by_hand, rel_tol=1e-9)
    errors = result.forecasts["actual"] - result.forecasts["model"]
    np.testing.assert_allclose(errors, model, rtol=1e-8)
    # The mean of the gains as a regression on nothing but an intercept; 29 degrees of freedom.
    gain = (np.square(mean) - np.square(model)) / np.square(mean).mean()
    _, covariance = newey_west(gain, np.empty((30, 0)), 3)
    half = 2.0452296 * math.sqrt(covariance[0, 0])
    np.testing.assert_allclose(result.r_squared - result.low, half, rtol=1e-6)
    np.testing.assert_allclose(result.high - result.r_squared, half, rtol=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(21, 49), horizon=st.integers(1, 4))
def test_a_forecast_knows_nothing_of_its_own_or_later_outcomes(seed, cut, horizon):
    rng = np.random.default_rng(seed)
    y, x = series(rng.normal(size=50)), series(rng.normal(size=50))
    before = fm.out_of_sample(y, x, minimum=17, horizon=horizon).forecasts[["model", "mean"]]
    changed = y.copy()
    changed.iloc[cut:] += 50.0
    after = fm.out_of_sample(changed, x, minimum=17, horizon=horizon).forecasts[["model", "mean"]]
    # With a horizon of h, the value of row `cut` is over h rows later.
    unchanged = slice(None, y.index[min(cut + horizon - 1, 49)])
    pd.testing.assert_frame_equal(before.loc[unchanged], after.loc[unchanged])
    if cut + horizon < 50:
        row = y.index[cut + horizon]
        assert (before.loc[row] != after.loc[row]).all()


def test_noise_does_not_forecast():
    rng = np.random.default_rng(10)
    scores = [
        fm.out_of_sample(series(rng.normal(size=120)), series(rng.normal(size=120))).r_squared
        for _ in range(60)
    ]
    assert np.mean(scores) < 0


@pytest.mark.parametrize(
    ("y", "X", "options", "message"),
    [
        (GOOD, OTHER, {}, "more than 60 known rows, got 30"),
        (GOOD, OTHER, {"minimum": 5}, "minimum must be a whole number at least 10"),
        (GOOD * 0, OTHER, {"minimum": 20}, "y must vary"),
        (GOOD, OTHER.where(OTHER.index >= "2006Q1", 0), {"minimum": 20}, "in the first 20 rows"),
    ],
)
def test_what_cannot_be_forecast(y, X, options, message):
    with pytest.raises(ValueError, match=message):
        fm.out_of_sample(y, X, **options)


# ---------------------------------------------------------------- sectors

WEIGHTS = pd.Series({"Banks": 0.5, "Shops": 0.3, "Oil": 0.2})


def test_weights_of_the_index():
    weights = fm.sector_weights()
    assert weights.attrs["as_of"] == "2024-12-31"
    assert weights.attrs["confidence"] == "C"
    assert math.isclose(weights.sum(), 1, abs_tol=1e-12)
    assert math.isclose(weights["Health Care"], 0.1631)
    with pytest.raises(ValueError, match="on must be 2024-12-31 or later"):
        fm.sector_weights("2020-01-01")


def test_contributions_by_hand():
    moves = pd.Series({"Oil": 5.0, "Banks": -2.0, "Shops": 1.0})
    result = fm.sector_contribution(WEIGHTS, moves)
    assert result.to_dict() == {"Banks": -1.0, "Shops": 0.3, "Oil": 1.0}


def test_contributions_over_periods_drift_with_prices():
    moves = pd.DataFrame({"Banks": [10.0, 10.0], "Shops": [0.0, -10.0], "Oil": [-50.0, 100.0]})
    result = fm.sector_contribution(WEIGHTS, moves)
    # Levels of 100 at the start: banks 50, 55, 60.5; shops 30, 30, 27; oil 20, 10, 20.
    np.testing.assert_allclose(result, [[5.0, 0.0, -10.0], [5.5, -3.0, 10.0]])
    table = fm.attribution(WEIGHTS, moves)
    assert list(table.index) == ["Banks", "Oil", "Shops"]
    np.testing.assert_allclose(table["contribution_pct"], [10.5, 0.0, -3.0], atol=1e-12)
    np.testing.assert_allclose(table["return_pct"], [21.0, 0.0, -10.0], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.integers(1, 1000), min_size=2, max_size=11),
    seed=st.integers(0, 9999),
    periods=st.integers(1, 6),
    given_index=st.none() | st.floats(-50, 50),
)
def test_contributions_sum_to_the_move_of_the_index(parts, seed, periods, given_index):
    rng = np.random.default_rng(seed)
    names = [f"sector {n}" for n in range(len(parts))]
    weights = pd.Series(np.array(parts) / sum(parts), index=names)
    moves = pd.DataFrame(rng.uniform(-60, 60, (periods, len(parts))), columns=names)
    table = fm.attribution(weights, moves, given_index)
    basket = 100 * (weights.to_numpy() * np.prod(1 + moves.to_numpy() / 100, axis=0)).sum() - 100
    move = basket if given_index is None else given_index
    assert math.isclose(math.fsum(table["contribution_pct"]), move, rel_tol=1e-9, abs_tol=1e-9)
    sectors = table.drop(index="unexplained", errors="ignore")
    assert sectors["contribution_pct"].is_monotonic_decreasing
    np.testing.assert_allclose(sectors["contribution_pct"], sectors.weight * sectors.return_pct)


def test_a_shock_is_carried_to_dollars():
    shock = fm.sector_shock(WEIGHTS, "Oil", -10, price=2400.0)
    np.testing.assert_allclose(shock[1:], [20.0, -2.0, -48.0, -240.0])
    assert shock.sector == "Oil"
    np.testing.assert_allclose(fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, RTY, -2).usd, 4800.0)
    spread = fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, others_follow=0.5)
    np.testing.assert_allclose(spread.index_pct, -10 * (0.2 + 0.5 * 0.8))
    assert math.isclose(
        fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, others_follow=1).index_pct, -10
    )


def test_a_shock_is_the_contribution_of_a_lone_sector():
    moves = pd.Series({"Banks": 0.0, "Shops": 0.0, "Oil": 7.5})
    index_pct = fm.sector_contribution(WEIGHTS, moves).sum()
    shock = fm.sector_shock(WEIGHTS, "Oil", 7.5, 2400.0)
    assert math.isclose(shock.index_pct, index_pct)
    assert math.isclose(shock.usd, M2K.pnl(2400.0, 2400.0 * (1 + index_pct / 100)))


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (WEIGHTS * 1.01, ValueError, r"weights must sum to 1, got 1.01$"),
        (WEIGHTS * 100, ValueError, r"got 100; are these per cent\? Divide by 100"),
        (WEIGHTS - 0.25 * (WEIGHTS == 0.2) * 2, ValueError, "not be negative, got -0.3"),
        (WEIGHTS.replace(0.3, np.nan), ValueError, "weights must be known in every row"),
        (pd.Series([0.5, 0.5], index=["Oil", "Oil"]), ValueError, "each sector once, got 'Oil'"),
        (WEIGHTS.to_dict(), TypeError, "weights must be a Series by sector"),
        (WEIGHTS.astype(str), TypeError, "weights must hold numbers"),
    ],
)
def test_weights_that_are_none(weights, error, message):
    with pytest.raises(error, match=message):
        fm.sector_shock(weights, "Oil", -10, 2400.0)
    with pytest.raises(error, match=message):
        fm.sector_contribution(weights, WEIGHTS)


def test_an_unknown_sector_is_told_which_exist():
    with pytest.raises(ValueError, match="one of 'Banks', 'Shops', 'Oil', got 'Gold'"):
        fm.sector_shock(WEIGHTS, "Gold", -10, 2400.0)
    moves = pd.Series({"Banks": 0.0, "Shops": 0.0, "Gold": 7.5})
    with pytest.raises(ValueError, match="the sectors 'Banks', 'Shops', 'Oil', got 'Gold'"):
        fm.sector_contribution(WEIGHTS, moves)


@pytest.mark.parametrize(
    ("returns", "error", "message"),
    [
        (pd.Series({"Banks": 0.0, "Shops": 0.0}), ValueError, "got nothing for 'Oil'"),
        (WEIGHTS.replace(0.2, np.nan), ValueError, "finite numbers"),
        (WEIGHTS.replace(0.2, -100.1), ValueError, "at least -100"),
        (pd.Series([0.0] * 4, index=[*WEIGHTS.index, "Oil"]), ValueError, "got 'Oil' twice"),
        ({"Banks": 0.0}, TypeError, "returns_pct must be a Series or a DataFrame, got dict"),
        (pd.DataFrame([WEIGHTS, WEIGHTS], index=[2, 1]), ValueError, "sorted by time"),
    ],
)
def test_returns_that_are_none(returns, error, message):
    with pytest.raises(error, match=message):
        fm.sector_contribution(WEIGHTS, returns)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shock_pct": -101}, ValueError, "shock_pct must be a finite number at least -100"),
        ({"price": 0}, ValueError, "price must be a finite number above 0"),
        ({"contracts": 1.5}, ValueError, "contracts must be a whole number, got 1.5"),
        ({"contract": "M2K"}, TypeError, "contract must be a Contract such as contracts.M2K"),
        ({"others_follow": 2}, ValueError, "others_follow must be .* at most 1, got 2"),
    ],
)
def test_shocks_that_are_none(options, error, message):
    arguments = {"sector": "Oil", "shock_pct": -10, "price": 2400.0} | options
    with pytest.raises(error, match=message):
        fm.sector_shock(WEIGHTS, **arguments)


def test_nobody_may_call_a_sector_unexplained():
    weights = WEIGHTS.rename({"Oil": "unexplained"})
    with pytest.raises(ValueError, match="must not call a sector 'unexplained'"):
        fm.attribution(weights, weights, index_pct=1.0)


def test_every_contract_can_be_shocked():
    for symbol in ("M2K", "RTY", "MES"):
        contract = contracts.get_contract(symbol)
        shock = fm.sector_shock(WEIGHTS, "Banks", 4, 1000.0, contract)
        assert math.isclose(shock.usd, 20 * contract.multiplier)
