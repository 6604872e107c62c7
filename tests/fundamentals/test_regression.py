from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import fundamentals as fm
from tests.fundamentals.inputs import quarters, series

# --- regression


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
        (GOOD, OTHER.to_numpy(), {}, TypeError, "X must be a Series or a DataFrame, got a ndarray"),
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


# --- out of sample


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


# --- Clark and West


def test_clark_west_by_hand():
    rng = np.random.default_rng(5)
    y, x = series(rng.normal(size=100)), series(rng.normal(size=100))
    found = fm.out_of_sample(y, x).forecasts
    actual, model, mean = (found[name].to_numpy() for name in ("actual", "model", "mean"))
    gain = (actual - mean) ** 2 - (actual - model) ** 2 + (mean - model) ** 2
    _, covariance = newey_west(gain, np.empty((40, 0)), lags=3)
    t, p = fm.clark_west(found)
    assert math.isclose(t, gain.mean() / math.sqrt(covariance[0, 0]), rel_tol=1e-9)
    assert math.isclose(p, 0.5 * math.erfc(t / math.sqrt(2)), rel_tol=1e-9)
    # Overlapping outcomes need more lags.
    _, wider = newey_west(gain, np.empty((40, 0)), lags=7)
    assert math.isclose(fm.clark_west(found, horizon=8)[0], gain.mean() / math.sqrt(wider[0, 0]))


def test_clark_west_finds_what_is_there_more_often_than_the_interval_and_noise_seldom():
    rng = np.random.default_rng(8)
    found = {}
    for r_squared in (0.0, 0.05):
        hits = []
        for _ in range(120):
            x, noise = (series(rng.normal(size=202)) for _ in range(2))
            test = fm.out_of_sample(math.sqrt(r_squared) * x + math.sqrt(1 - r_squared) * noise, x)
            hits.append((test.low > 0, fm.clark_west(test.forecasts)[1] < 0.05))
        found[r_squared] = np.mean(hits, axis=0)
    assert found[0.0][1] < 0.11  # 5 % meant, three standard errors of 120 draws
    assert found[0.05][1] > 0.5 > 0.35 > found[0.05][0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda f: f.drop(columns="mean"), "columns actual, model, mean; no 'mean'"),
        (lambda f: f.iloc[:9], "at least 10 rows, got 9"),
        (lambda f: f.assign(model=f["mean"]), "the same in every row"),
        (
            lambda f: f.assign(actual=f["actual"].mask(f.index == f.index[3])),
            "forecasts\\['actual'\\] must be known",
        ),
    ],
)
def test_what_clark_west_refuses(change, message):
    rng = np.random.default_rng(5)
    found = fm.out_of_sample(series(rng.normal(size=100)), series(rng.normal(size=100))).forecasts
    with pytest.raises(ValueError, match=message):
        fm.clark_west(change(found))
