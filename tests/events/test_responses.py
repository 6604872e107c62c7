import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import events
from tests.events.inputs import minutes


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), groups=st.integers(3, 12))
def test_response_is_least_squares_with_a_jackknife_of_clusters(seed, groups):
    rng = np.random.default_rng(seed)
    n = 40
    number = np.r_[np.arange(groups), rng.integers(groups, size=n - groups)]
    x = rng.normal(size=n) + rng.normal(size=groups)[number]
    y = 0.2 * x + rng.normal(size=n) + rng.normal(size=groups)[number]
    line = events.response(y, x, number)
    fit = sm.OLS(y, sm.add_constant(x)).fit()
    assert np.allclose([line.intercept, line.coefficient], fit.params)
    assert np.isclose(line.r_squared, fit.rsquared)
    without = [np.polyfit(x[number != g], y[number != g], 1)[0] for g in range(groups)]
    error = np.sqrt((groups - 1) / groups * np.sum((np.array(without) - fit.params[1]) ** 2))
    assert np.isclose(line.standard_error, error)
    t = scipy.stats.t(groups - 1)
    assert np.isclose(line.high, fit.params[1] + t.ppf(0.975) * error)
    assert np.isclose(line.p_value, 2 * t.sf(abs(fit.params[1]) / error))


def test_each_event_by_itself_equals_statsmodels_hc3():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(2, 50))
    line = events.response(y, x)
    fit = sm.OLS(y, sm.add_constant(x)).fit(cov_type="HC3")
    assert np.isclose(line.standard_error, fit.bse[1] * np.sqrt(49 / 50))


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]), ValueError, "surprise must not be the same"),
        (([1.0, 2.0, 3.0], [1.0, 2.0]), ValueError, "surprise must have 3 numbers"),
        (([1.0, np.nan, 3.0], [1.0, 2.0, 3.0]), ValueError, "move_pct must hold finite .* row 1"),
        (([1.0, 2.0, 3.0], [1.0, 2.0, np.nan]), ValueError, "surprise must hold finite"),
        (([1.0, 2.0], [1.0, 2.0]), ValueError, "at least 3 clusters, got 2"),
        ((["a", "b", "c"], [1.0, 2.0, 3.0]), TypeError, "move_pct must hold numbers"),
        (([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1, 2]), ValueError, "clusters must have shape"),
    ],
)
def test_response_refuses(arguments, error, says):
    with pytest.raises(error, match=says):
        events.response(*arguments)


def test_surprises_of_other_events_are_refused():
    times = pd.date_range("2030-02-04 10:00", periods=6, freq="B", tz="America/New_York")
    index = minutes("2030-02-04 00:00", 8 * 1440)
    moves = pd.Series(np.random.default_rng(1).normal(0, 1e-3, len(index)), index)
    surprise = pd.Series([1.0, -2.0, 0.5, 3.0, -1.0, 2.0], times)
    study = events.event_study(moves, surprise, (0, 5))
    line = study.response(surprise)
    assert line == study.response(surprise.to_numpy())
    assert line == study.response(surprise.tz_convert("UTC"))
    turned = surprise.iloc[::-1]
    with pytest.raises(
        ValueError, match="surprise must be in the order of the events, got 2030-02"
    ):
        study.response(turned)
    with pytest.raises(ValueError, match="surprise must be in the order of the events"):
        events.placebo(moves, times, (0, 5), seed=1, statistic="response", surprise=turned)
    with pytest.raises(ValueError, match="surprise must have the index of move_pct"):
        events.response(study.move_pct(), turned)
    with pytest.raises(ValueError, match="clusters must have the index of move_pct"):
        events.response(study.move_pct(), surprise, study.clusters.iloc[::-1])
