import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from m2k_lessons import events
from m2k_lessons.sessions import NEW_YORK
from tests.events.inputs import TWO, minutes, ny

# --- returns


def test_bar_returns_leave_pauses_out():
    index = minutes(count=3).append(minutes("2030-02-04 18:00", 2))
    close = pd.Series([100.0, 110.0, 99.0, 50.0, 100.0], index)
    moves = events.bar_returns(close)
    assert moves.isna().tolist() == [True, False, False, True, False]
    assert moves.dropna().round(6).tolist() == [0.09531, -0.105361, 0.693147]


@pytest.mark.parametrize(
    ("close", "error", "says"),
    [
        (pd.Series([1.0, 2.0]), TypeError, "close must be a Series with a DatetimeIndex"),
        (pd.Series([1.0, 2.0], minutes(count=2).tz_localize(None)), ValueError, "time zone"),
        (pd.Series([1.0, 0.0], minutes(count=2)), ValueError, "above 0, got 0.0 at 2030"),
        (pd.Series([1.0], minutes(count=1)), ValueError, "at least 2 bars"),
        (pd.Series([1.0, 2.0], minutes(count=2)[::-1]), ValueError, "sorted by time"),
        (pd.DataFrame({"close": [1.0]}), TypeError, "got a DataFrame"),
        (pd.Series([1.0, np.inf], minutes(count=2)), ValueError, "finite"),
    ],
)
def test_bar_returns_refuse(close, error, says):
    with pytest.raises(error, match=says):
        events.bar_returns(close)


# --- event study


def test_a_study_by_hand():
    """Two events on two days, two quiet days: every number can be checked on paper."""
    index = pd.date_range("2030-02-04", "2030-02-08", freq="h", tz=NEW_YORK).as_unit("us")
    moves = pd.Series(0.001, index)
    at = ny("2030-02-04 10:00", "2030-02-05 10:00")
    moves[at] = [0.02, 0.04]
    quiet = ny("2030-02-06 10:00", "2030-02-07 10:00")
    moves[quiet] = [0.001, 0.003]
    study = events.event_study(moves, at, (-1, 1), controls=quiet)
    path = study.path
    # Normal: 0.1, 0.2, 0.1 %. Abnormal of the events: 0, (2 - 0.2, 4 - 0.2), 0.
    assert path["return_pct"].round(9).tolist() == [0.0, 2.8, 0.0]
    assert path["cumulative_pct"].round(9).tolist() == [0.0, 2.8, 2.8]
    error = np.hypot(2**0.5 / 2**0.5, 0.2 * 0.5**0.5 / 2**0.5)  # s / sqrt(2), events and quiet
    t = 12.7062047364
    assert np.isclose(path.loc[0, "high_pct"] - 2.8, t * error)
    assert np.isclose(path.loc[0, "volatility"], 3.0 / 0.2)
    # Standard errors of the two means: 1 of 3, and 0.1 of 0.2.
    factor = np.exp(t * np.hypot(1 / 3, 0.1 / 0.2))
    assert np.isclose(path.loc[0, "volatility_high"] / path.loc[0, "volatility"], factor)
    assert np.isclose(path.loc[0, "volatility"] / path.loc[0, "volatility_low"], factor)
    assert study.move_pct(0, 0).round(9).tolist() == [1.8, 3.8]
    assert study.n == 2
    without = events.event_study(moves, at, (-1, 1))
    assert without.path["return_pct"].round(9).tolist() == [0.1, 3.0, 0.1]
    assert np.isclose(without.path.loc[0, "volatility"], 3.0 / 0.1)


def test_each_time_of_day_has_its_own_controls():
    index = pd.date_range("2030-02-04", "2030-02-09", freq="h", tz=NEW_YORK).as_unit("us")
    moves = pd.Series(0.0, index)
    at = ny("2030-02-04 10:00", "2030-02-04 14:00", "2030-02-05 10:00", "2030-02-06 10:00")
    quiet = ny("2030-02-07 10:00", "2030-02-07 14:00", "2030-02-08 10:00", "2030-02-08 14:00")
    moves[at] = 0.05
    moves[quiet] = [0.01, 0.03, 0.01, 0.03]
    path = events.event_study(moves, at, (0, 0), controls=quiet).path
    assert np.isclose(path.loc[0, "volatility"], 5 / ((3 * 1 + 3) / 4))
    assert np.isclose(path.loc[0, "return_pct"], 5 - (3 * 1 + 3) / 4)
    # Abnormal 4 and 2 on one day, 4, 4: sums of deviations -1, 0.5, 0.5 in three clusters.
    t, error = 4.30265, (3 / 2 * 1.5) ** 0.5 / 4
    assert np.isclose(path.loc[0, "high_pct"] - path.loc[0, "return_pct"], t * error)


def test_an_event_in_a_pause_is_not_that_of_the_last_bar_before_it():
    index = minutes("2030-02-04 16:00", 60).append(minutes("2030-02-04 18:00", 60))
    index = index.append(minutes("2030-02-05 16:00", 60))
    moves = pd.Series(0.001, index)
    pause = ny("2030-02-04 17:30", "2030-02-05 16:30")
    with pytest.raises(ValueError, match="1 of 2 that do not, the first at 2030-02-04 17:30"):
        events.event_study(moves, pause, (-1, 0))


def test_the_path_is_zero_at_the_last_close_before_the_event(window_returns, windows):
    table = windows["releases"]
    jobs = table[table["release"] == "employment"]
    study = events.event_study(window_returns["M2K"], jobs, (-30, 30))
    path = study.path["cumulative_pct"]
    assert path[-1] == 0
    close = windows["M2K"].set_index(["window", "minute"])["close"]
    for bar in (-20, 0, 30):
        moves = [np.log(close[w, bar] / close[w, -1]) for w in jobs["window"]]
        assert np.isclose(path[bar], 100 * np.mean(moves))


def test_events_inside_a_bar_belong_to_it():
    index = minutes(count=2000)
    moves = pd.Series(np.random.default_rng(1).normal(0, 1e-3, 2000), index)
    at = ny("2030-02-04 10:00:00", "2030-02-05 10:00:00")
    late = at + pd.Timedelta(seconds=59)
    left, right = (events.event_study(moves, one, (-5, 5)) for one in (at, late))
    assert left.path.equals(right.path)


def test_bands_are_those_of_a_clustered_mean():
    """Same-day events: statsmodels' clustered mean, and wider than independent ones."""
    rng = np.random.default_rng(3)
    index = minutes("2030-02-04 00:00", 60 * 1440)
    moves = pd.Series(rng.normal(0, 1e-3, len(index)), index)
    days = index[(index.hour == 8) & (index.minute == 30)]
    both = days.append(days + pd.Timedelta(minutes=10)).sort_values()
    study = events.event_study(moves, both, (0, 29))
    assert study.clusters.nunique() == len(days)
    y = study.move_pct().to_numpy()
    fit = sm.OLS(y, np.ones(len(y))).fit(
        cov_type="cluster", cov_kwds={"groups": study.clusters.to_numpy()}, use_t=True
    )
    # statsmodels corrects by (n - 1) / (n - 1) as well, which is 1 for a mean.
    low, high = fit.conf_int()[0]
    assert np.isclose(study.path["low_pct"].iloc[-1], low)
    assert np.isclose(study.path["high_pct"].iloc[-1], high)
    naive = sm.OLS(y, np.ones(len(y))).fit()
    assert fit.bse[0] > 1.2 * naive.bse[0]


def test_overlapping_windows_are_one_cluster():
    index = minutes("2030-02-04 00:00", 5 * 1440)
    moves = pd.Series(np.random.default_rng(1).normal(0, 1e-3, len(index)), index)
    at = ny("2030-02-04 23:50", "2030-02-05 00:10", "2030-02-06 12:00", "2030-02-06 20:00",
            "2030-02-07 12:00")  # fmt: skip
    assert events.event_study(moves, at, (0, 29)).clusters.tolist() == [0, 0, 1, 1, 2]
    assert events.event_study(moves, at, (0, 9)).clusters.tolist() == [0, 1, 2, 2, 3]
    # The order in which events are given changes nothing.
    turned = events.event_study(moves, at[::-1], (0, 29))
    assert turned.clusters.tolist() == [2, 1, 1, 0, 0]


@pytest.mark.parametrize("symbol", ["M2K", "MES"])
@pytest.mark.parametrize("kind", ["employment", "CPI", "retail sales", "rate decision"])
def test_the_known_response_is_recovered(windows, window_returns, kind, symbol):
    table = windows["releases"]
    mine = table[table["release"] == kind]
    quiet = windows["controls"][windows["controls"]["release"] == kind]
    study = events.event_study(window_returns[symbol], mine, (0, 29), controls=quiet)
    line = study.response(mine["surprise"])
    column = {"M2K": "small_cap_pct", "MES": "large_cap_pct"}[symbol]
    (truth,) = [getattr(one, column) for one in windows.truth.releases if one.name == kind]
    assert abs(line.coefficient - truth) < 2 * line.standard_error
    # Five times the usual volatility follows a rate decision: eighty of them tell it only just.
    assert line.p_value < (0.05 if kind == "rate decision" else 1e-6)
    assert (line.n, line.clusters) == (len(mine), len(mine))


def test_volatility_after_a_release_is_that_of_the_truth(windows, window_returns):
    table, controls = windows["releases"], windows["controls"]
    jobs = table[table["release"] == "employment"]
    quiet = controls[controls["release"] == "employment"]
    path = events.event_study(
        window_returns["M2K"], jobs, (-30, 30), controls=quiet, incomplete="leave_out"
    ).path
    calm = path.loc[-30:-2]
    assert ((calm["volatility_low"] < 1) & (calm["volatility_high"] > 1)).mean() > 0.85
    assert path.loc[0, "volatility_low"] > 2.8  # volatility alone; the response comes on top
    assert path.loc[1, "volatility"] > path.loc[10, "volatility"] > path.loc[30, "volatility"]


def test_what_is_left_out_is_named(windows, window_returns):
    jobs = windows["releases"][windows["releases"]["release"] == "employment"]
    with pytest.raises(ValueError, match="got 2 of 120 that do not, the first at 2034-04-07"):
        events.event_study(window_returns["M2K"], jobs, (0, 60))
    study = events.event_study(window_returns["M2K"], jobs, (0, 60), incomplete="leave_out")
    assert study.n == 118
    assert study.left_out["reason"].tolist() == ["a bar of the window is missing"] * 2
    line = study.response(jobs["surprise"])  # in the order of all 120
    again = events.response(study.move_pct(), jobs.loc[study.move_pct().index, "surprise"])
    assert line == again


def study_of(events_given, **changes):
    index = minutes("2030-02-04 00:00", 3 * 1440)
    moves = pd.Series(np.random.default_rng(1).normal(0, 1e-3, len(index)), index)
    return events.event_study(moves, events_given, **changes)


@pytest.mark.parametrize(
    ("given_events", "changes", "error", "says"),
    [
        (TWO.tz_localize(None), {}, ValueError, "events must have a time zone, got the naive"),
        ([pd.Timestamp("2030-02-04 10:00")], {}, ValueError, "events must have a time zone"),
        (["2030-02-04 10:00"], {}, TypeError, "events must hold Timestamps"),
        ("2030-02-04 10:00", {}, TypeError, "events must be a DatetimeIndex"),
        (TWO[:0], {}, ValueError, "events must hold at least one event"),
        (TWO.append(ny("2031-01-01 10:00")), {}, ValueError, "2031-01-01.*outside the data"),
        (ny("2030-02-04 00:05", "2030-02-05 10:00"), {}, ValueError, "a bar of the window is"),
        (TWO[:1], {}, ValueError, "events must form at least 2 clusters"),
        (TWO, {"window": (5, -5)}, ValueError, "window must not end before it begins"),
        (TWO, {"window": 30}, TypeError, "window must be two whole numbers"),
        (TWO, {"window": (0, 2.5)}, ValueError, r"window\[1\] must be a whole number"),
        (TWO, {"confidence": 95}, ValueError, "confidence must be .* below 1, got 95"),
        (TWO, {"incomplete": "drop"}, ValueError, "incomplete must be one of"),
        (TWO, {"controls": TWO + pd.Timedelta(hours=1)}, ValueError, "controls must .* at 10:00"),
        (TWO, {"controls": ny("2031-01-01 10:00")}, ValueError, "controls must lie inside"),
        (pd.DatetimeIndex([pd.NaT]).tz_localize("UTC"), {}, ValueError, "none in row 0"),
    ],
)
def test_a_study_refuses(given_events, changes, error, says):
    with pytest.raises(error, match=says):
        study_of(given_events, **changes)


def test_moves_stay_within_the_window():
    study = study_of(TWO, window=(-5, 5))
    with pytest.raises(ValueError, match="first must be a whole number at least -5"):
        study.move_pct(-6, 0)
    with pytest.raises(ValueError, match="last must be a whole number at least 2 and at most 5"):
        study.move_pct(2, 1)
    with pytest.raises(ValueError, match="surprise must have 2 numbers"):
        study.response([1.0])
