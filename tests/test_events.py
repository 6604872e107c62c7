import io

import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, data, events, sessions, simulate
from m2k_lessons.sessions import NEW_YORK


def ny(*texts):
    return pd.DatetimeIndex(texts).as_unit("us").tz_localize(NEW_YORK)


def minutes(start="2030-02-04 08:00", count=200, step="min"):
    return pd.date_range(start, periods=count, freq=step, tz=NEW_YORK).as_unit("us")


@pytest.fixture(scope="module")
def windows():
    return data.load("releases")


@pytest.fixture(scope="module")
def window_returns(windows):
    return {symbol: events.bar_returns(windows[symbol]["close"]) for symbol in ("M2K", "MES")}


@pytest.fixture(scope="module")
def quiet_mornings():
    """Fat-tailed minutes from 08:00 to 09:30 on 250 days, without any event."""
    days = pd.bdate_range("2030-01-02", periods=250)
    wall = (days.to_numpy()[:, None] + np.arange(90) * np.timedelta64(1, "m")).ravel()
    index = pd.DatetimeIndex(wall + np.timedelta64(8, "h")).as_unit("us").tz_localize(NEW_YORK)

    def draw(seed):
        return pd.Series(np.random.default_rng(seed).standard_t(4, len(index)) * 2e-4, index)

    return draw


# ---------------------------------------------------------------- calendar


def test_calendar_agrees_with_the_simulated_releases(windows):
    table = events.calendar("2030-01-01", "2039-12-31")
    assert set(table["dated_by"]) == {"rule"}
    for kind, mine in windows["releases"].groupby("release"):
        assert table.index[table["release"] == kind].equals(mine.index), kind


@settings(max_examples=30, deadline=None)
@given(
    start=st.dates(pd.Timestamp("1980-01-01").date(), pd.Timestamp("2040-10-01").date()),
    days=st.integers(0, 90),
)
def test_calendar_is_the_same_however_it_is_cut(start, days):
    end = start + pd.Timedelta(days=days)
    table = events.calendar(start, end)
    assert table.index.is_monotonic_increasing
    assert str(table.index.tz) == NEW_YORK
    wide = events.calendar(max(start - pd.Timedelta(days=5), pd.Timestamp("1980-01-01").date()),
                           end + pd.Timedelta(days=40))  # fmt: skip
    wall = wide.index.tz_localize(None).normalize()
    same = wide[(wall >= pd.Timestamp(start)) & (wall <= pd.Timestamp(end))]
    pd.testing.assert_frame_equal(table, same)
    wall = pd.Series(table.index.strftime("%H:%M"), index=table["release"])
    assert (wall.groupby(level=0).nunique() <= 1).all()  # one New York time all year


def test_calendar_keeps_new_york_time_through_both_changes_of_the_clocks():
    table = events.calendar("2026-01-01", "2026-12-31")
    claims = table[table["release"] == "jobless claims"].index
    assert set(claims.strftime("%H:%M")) == {"08:30"}
    assert {str(one.utcoffset()) for one in claims} == {"-1 day, 19:00:00", "-1 day, 20:00:00"}
    assert len(claims) == 52  # that of 1 January comes on 31 December 2025
    assert (table["release"] == "rate decision").sum() == 8


def test_a_decision_has_its_press_conference_and_its_minutes():
    table = events.calendar("2019-01-01", "2031-12-31")
    decisions = table.index[table["release"] == "rate decision"]
    talks = table.index[table["release"] == "press conference"]
    assert talks.equals(decisions + pd.Timedelta(minutes=30))
    minutes = table[table["release"] == "FOMC minutes"]
    later = (minutes.index.tz_localize(None) - pd.Timedelta(days=21)).normalize()
    moved = minutes["note"] == "a day later: holiday"
    # Three weeks after 11 December 2030 is New Year's Day, after 13 June 2029 Independence Day.
    found = minutes.index[moved].strftime("%Y-%m-%d").tolist()
    assert found == ["2020-01-02", "2025-01-02", "2029-07-05", "2031-01-02"]
    known = decisions.tz_localize(None).normalize()
    known = known.union(pd.DatetimeIndex(["2018-12-12"]))  # the last meeting before the table
    assert later[~moved].isin(known).all()
    assert set(minutes.index.strftime("%H:%M")) == {"14:00"}
    assert len(minutes) == len(decisions) + 1  # all of the table, and the last meeting before it


def test_conferences_of_the_past_are_marked():
    table = events.calendar("2009-01-01", "2019-12-31")
    talks = table[table["release"] == "press conference"]
    notes = talks["note"].groupby(talks.index.year).unique().str[0]
    assert notes[2009] == "none before April 2011"
    assert notes[2010] == "none before April 2011"
    assert notes[2018] == "before 2019 after some decisions only"
    assert notes[2019] == ""


def test_the_ism_has_a_time_and_no_figure():
    table = events.calendar("2026-07-01", "2026-09-30")
    ism = table[table["agency"] == "ISM"]
    # Friday 3 July is kept for Independence Day, Monday 7 September is Labor Day.
    assert [(f"{time:%m-%d %H:%M}", name) for time, name in ism["release"].items()] == [
        ("07-01 10:00", "ISM manufacturing"),
        ("07-06 10:00", "ISM services"),
        ("08-03 10:00", "ISM manufacturing"),
        ("08-05 10:00", "ISM services"),
        ("09-01 10:00", "ISM manufacturing"),
        ("09-03 10:00", "ISM services"),
    ]


# The Bureau's own list of 2025: https://www.bls.gov/cps/publications/release-calendar.htm
PUBLISHED_2025 = [
    "2025-01-10", "2025-02-07", "2025-03-07", "2025-04-04", "2025-05-02", "2025-06-06",
    "2025-07-03", "2025-08-01", "2025-09-05", "2025-11-20", "2025-12-16",
]  # fmt: skip


def test_the_rule_is_wrong_in_some_months_and_says_where_a_shutdown_was():
    table = events.calendar("2025-01-01", "2025-12-31")
    jobs = table[table["release"] == "employment"]
    by_rule = jobs.index.strftime("%Y-%m-%d")
    assert len(by_rule) == 12
    assert len(set(by_rule) & set(PUBLISHED_2025)) == 8
    shut = jobs[jobs["note"].str.contains("shutdown")]
    assert shut.index.strftime("%Y-%m-%d").tolist() == ["2025-10-03", "2025-11-07"]
    assert jobs.loc["2025-07-03", "note"].tolist() == ["a day earlier: Independence Day"]
    # Elsewhere a shutdown changes nothing.
    during = events.calendar("2025-10-01", "2025-11-12")
    fomc = during[during["agency"].isin(["FOMC", "Fed", "Michigan"])]
    assert not fomc["note"].str.contains("shutdown").any()


def test_calendar_moves_for_holidays():
    table = events.calendar("2026-11-01", "2026-11-30")
    claims = table[table["release"] == "jobless claims"]
    assert claims.index[-1].strftime("%a %d") == "Wed 25"  # before Thanksgiving
    assert claims["note"].iloc[-1] == "a day earlier: holiday"
    cpi = table[table["release"] == "CPI"]
    assert cpi.index[0].day == 12
    assert cpi["note"].iloc[0] == "a day later: Veterans Day"
    assert set(table["session"]) <= {"RTH", "ETH", "closed"}
    assert set(table.loc[table["release"] == "rate decision", "session"]) == {"RTH"}


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("2030-13-01", "2030-12-01"), ValueError, "start must be a date"),
        (("2030-02-01", "2030-01-01"), ValueError, "start must not be after end"),
        (("1970-01-01", "2030-01-01"), ValueError, "start must be from 1980-01-01"),
        ((5, "2030-01-01"), TypeError, "start must be a date"),
    ],
)
def test_calendar_refuses(arguments, error, says):
    with pytest.raises(error, match=says):
        events.calendar(*arguments)


CSV = "date,time,release,surprise,where\n2030-03-08,08:30,jobs,0.5,DC\n2030-02-01,08:30,jobs,,DC\n"


def test_read_calendar(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("\ufeff" + CSV, encoding="utf-8")
    table = events.read_calendar(path)
    assert table.index.equals(ny("2030-02-01 08:30", "2030-03-08 08:30"))
    assert np.isnan(table["surprise"].iloc[0])
    assert table["surprise"].iloc[1] == 0.5
    assert table["where"].tolist() == ["DC", "DC"]
    assert set(table["dated_by"]) == {"file"}
    semicolons = io.StringIO(CSV.replace(",", ";") + "\n")
    pd.testing.assert_frame_equal(events.read_calendar(semicolons), table)


def test_read_calendar_in_another_zone():
    text = io.StringIO("date,time,release\n2030-03-20,19:00,decision\n")
    assert str(events.read_calendar(text, tz="Europe/Berlin").index[0]) == (
        "2030-03-20 14:00:00-04:00"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: the column date is missing"),
        ("date,time\n", "line 1: the column release is missing, got date, time"),
        ("date,time,release,release\n", "line 1: the column 'release' is there twice"),
        ("date,time,release\n", "at least one event"),
        ("date,time,release\n2030-02-30,08:30,a\n", "line 2, column date: must be a date"),
        ("date,time,release\n2030-02-01,8.30,a\n", "line 2, column time: must be a time"),
        ("date,time,release\n2030-02-01,0830,a\n", "line 2, column time: must be a time"),
        ("date,time,release\n2030-02-01,08:30,\n", "line 2, column release: must not be empty"),
        ("date,time,release\n\n2030-02-01,08:30\n", "line 3: 2 cells, the header has 3"),
        ("date,time,release,actual\n2030-02-01,08:30,a,1k\n", "line 2, column actual: .* '1k'"),
        ("date,time,release,actual\n2030-02-01,08:30,a,inf\n", "line 2, column actual"),
        ("date,time,release\n2030-03-10,02:30,a\n", "line 2, column time: .* not at all"),
        ("date,time,release\n2030-11-03,01:30,a\n", "line 2, column time: .* twice"),
        ("date,time,release\n2030-02-01,08:30,a\n2030-02-01,08:30,a\n", "in line 2 already"),
    ],
)
def test_read_calendar_names_file_line_and_column(text, says, tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"mine.csv.*{says}"):
        events.read_calendar(path)


def test_read_calendar_refuses_what_is_no_file():
    with pytest.raises(FileNotFoundError):
        events.read_calendar("no_such_calendar.csv")
    with pytest.raises(TypeError, match="path must be a path or an open text file, got 3"):
        events.read_calendar(3)
    with pytest.raises(ValueError, match="tz must be a time zone .* 'Atlantis'"):
        events.read_calendar(io.StringIO(CSV), tz="Atlantis")


# ---------------------------------------------------------------- returns


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


# ---------------------------------------------------------------- event study


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
    assert line.p_value < 1e-6
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


TWO = ny("2030-02-04 10:00", "2030-02-05 10:00")


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


# ---------------------------------------------------------------- response


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


# ---------------------------------------------------------------- placebo


def test_placebo_rejects_at_its_level(quiet_mornings):
    """Size 5 %: of 300 markets between 4 and 28 (99.9 %). Large run: benchmarks/README.md."""
    rng = np.random.default_rng(5)
    counts = dict.fromkeys(("t", "volatility", "response"), 0)
    for seed in range(300):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)]
        at = at[np.sort(rng.choice(len(at), 30, replace=False))]
        for name in counts:
            x = rng.standard_normal(30) if name == "response" else None
            found = events.placebo(
                moves, at, (0, 9), seed=seed, draws=199, statistic=name, surprise=x
            )
            counts[name] += found.p_value <= 0.05
    for name, count in counts.items():
        assert 4 <= count <= 28, f"{name}: {count} of 300"


def test_placebo_finds_what_is_there(quiet_mornings):
    moves = quiet_mornings(1)
    index = moves.index
    at = index[(index.hour == 8) & (index.minute == 30)][::8]
    surprise = np.random.default_rng(1).standard_normal(len(at))
    moved = moves.copy()
    moved[at] += 0.001 * surprise
    slope = events.placebo(moved, at, (0, 9), seed=1, statistic="response", surprise=surprise)
    assert slope.p_value == 1 / 1001
    assert slope.value > slope.high
    louder = events.placebo(moved, at, (0, 9), seed=1, statistic="volatility")
    assert louder.p_value < 0.05
    # Larger moves without a direction: "t" sees no direction.
    assert events.placebo(moved, at, (0, 9), seed=1).p_value > 0.05


def test_loud_events_without_direction_do_not_fool_t_but_fool_the_mean(quiet_mornings):
    rng = np.random.default_rng(8)
    counts = {"t": 0, "mean": 0}
    for seed in range(120):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)][::6]
        moves[at] += 0.004 * rng.standard_normal(len(at))
        for name in counts:
            found = events.placebo(moves, at, (0, 9), seed=seed, draws=199, statistic=name)
            counts[name] += found.p_value <= 0.05
    assert counts["t"] <= 15  # of 120, 5 % expected
    assert counts["mean"] > 60


def test_placebo_draws_only_free_times_of_the_same_clock(quiet_mornings):
    moves = quiet_mornings(2) * 0
    index = moves.index
    at = index[(index.hour == 8) & (index.minute == 30)]
    real, busy, free = at[::3], at[1::3], at[2::3]
    moves[real], moves[busy], moves[free] = 0.5, 0.7, 0.01  # only `free` may be drawn
    found = events.placebo(moves, real, (0, 9), seed=1, statistic="volatility", avoid=busy)
    assert found.candidates == len(free)
    assert np.allclose(found.draws, 1.0)
    assert np.isclose(found.value, 50.0)
    # A window away from the clock's bar sees nothing at all.
    later = index[(index.hour == 9) & (index.minute == 0)][::3]
    moves[later] = 0.2
    both = events.placebo(
        moves, real.append(later).sort_values(), (0, 4), seed=1, statistic="mean", avoid=busy
    )
    assert np.isclose(both.value, (50 * len(real) + 20 * len(later)) / (len(real) + len(later))
                      - len(real) / (len(real) + len(later)), atol=1e-9)  # fmt: skip


def test_placebo_knows_that_its_candidates_are_a_sample(quiet_mornings):
    """As many candidates as events: a draw against a fixed mean would reject in 17 %."""
    count = 0
    for seed in range(200):
        moves = quiet_mornings(seed)
        index = moves.index
        at = index[(index.hour == 8) & (index.minute == 30)][seed % 2 :: 2]
        found = events.placebo(moves, at, (0, 9), seed=seed, draws=199, statistic="mean", apart=0)
        assert found.candidates == len(at)
        count += found.p_value <= 0.05
    assert count <= 22  # 10 expected, 22 exceeded once in 3,000


def test_the_placebos_t_by_hand(quiet_mornings):
    moves = quiet_mornings(3)
    index = moves.index
    clock = index[(index.hour == 8) & (index.minute == 30)]
    at, free = clock[::5], clock[np.arange(len(clock)) % 5 > 0]
    found = events.placebo(moves, at, (0, 0), seed=1, apart=0)
    mine, theirs = 100 * moves[at].to_numpy(), 100 * moves[free].to_numpy()
    variance = np.square(mine - theirs.mean()).sum() / len(at) ** 2 + theirs.var() / len(free)
    assert np.isclose(found.value, (mine.mean() - theirs.mean()) / np.sqrt(variance))


def test_windows_that_lack_a_bar_are_never_drawn(quiet_mornings):
    moves = quiet_mornings(3)
    index = moves.index
    clock = index[(index.hour == 8) & (index.minute == 30)]
    moves[clock[1] + pd.Timedelta(minutes=5)] = np.nan  # a candidate
    moves[clock[0] + pd.Timedelta(minutes=5)] = np.nan  # an event
    at = clock[::5]
    x = np.random.default_rng(1).standard_normal(len(at))
    with pytest.raises(ValueError, match="a bar of the window is missing"):
        events.placebo(moves, at, (0, 9), seed=1)
    found = events.placebo(
        moves, at, (0, 9), seed=1, apart=0, incomplete="leave_out", statistic="response", surprise=x
    )
    again = events.placebo(
        moves, at[1:], (0, 9), seed=1, apart=0, avoid=at, statistic="response", surprise=x[1:]
    )
    assert (found.n, found.candidates) == (len(at) - 1, len(clock) - len(at) - 1)
    assert found.value == again.value


def test_placebo_is_seeded(quiet_mornings):
    moves = quiet_mornings(1)
    at = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)][::8]
    one, two, other = (events.placebo(moves, at, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(one.draws, two.draws)
    assert not np.array_equal(one.draws, other.draws)
    assert len(one.draws) == 1_000


def test_placebo_across_a_change_of_the_clocks():
    market = simulate.intraday(20, 3, start="2030-02-25")  # summer time from 10 March on
    moves = events.bar_returns(market["M2K"]["close"])
    clock = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)]
    at = clock[::5]
    found = events.placebo(moves, at, (0, 9), seed=1, apart=0)
    assert found.candidates == len(clock) - len(at)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"seed": -1}, ValueError, "seed must be"),
        ({"draws": 10}, ValueError, "draws must be a whole number at least 99"),
        ({"statistic": "sum"}, ValueError, "statistic must be one of"),
        ({"statistic": "response"}, ValueError, "surprise must be given"),
        ({"surprise": [1.0]}, ValueError, "surprise must be given for .* no other"),
        ({"apart": -1}, ValueError, "apart must be"),
        ({"apart": 10**6}, ValueError, "returns must have at least 2 days at 08:30"),
        ({"avoid": TWO.tz_localize(None)}, ValueError, "avoid must have a time zone"),
    ],
)
def test_placebo_refuses(quiet_mornings, changes, error, says):
    moves = quiet_mornings(1)
    at = moves.index[(moves.index.hour == 8) & (moves.index.minute == 30)][::8]
    with pytest.raises(error, match=says):
        events.placebo(moves, at, **{"seed": 1, **changes})


# ---------------------------------------------------------------- jumps


def diffusion(seed, count=4_000):
    """Normal minutes of which each hour has its own volatility."""
    index = pd.date_range("2030-01-07", periods=count, freq="min", tz=NEW_YORK).as_unit("us")
    loud = 1 + 2 * (index.hour == 9)
    return pd.Series(np.random.default_rng(seed).normal(0, 1e-4, count) * loud, index)


def test_jumps_are_seldom_seen_where_there_are_none():
    """alpha bounds the chance of any false jump in a sample: 1 % here, 0 to 3 of 60."""
    seen = sum(len(events.jumps(diffusion(seed), alpha=0.01)) > 0 for seed in range(60))
    assert seen <= 3


def test_jumps_are_found_where_they_are():
    moves = diffusion(1)
    at = moves.index[[1500, 2500, 3500]]
    moves[at] += [0.003, -0.003, 0.004]
    found = events.jumps(moves)
    assert found.index.tolist() == at.tolist()
    assert np.sign(found["return_pct"]).tolist() == [1, -1, 1]
    assert (found["statistic"].abs() > found["threshold"]).all()


def test_a_loud_hour_is_no_jump():
    """Without taking out the time of day, the loud hour is full of false jumps."""
    flat, usual = (
        sum(len(events.jumps(diffusion(seed), bucket_minutes=bucket)) for seed in range(10))
        for bucket in (1440, 60)
    )
    assert flat > 10
    assert usual <= 2


def test_a_small_jump_in_a_quiet_hour_is_found():
    moves = diffusion(5)
    quiet = moves.index.hour == 10
    moves[quiet] /= 10
    at = pd.Timestamp("2030-01-08 10:30", tz=NEW_YORK)
    moves[at] = 1.5e-4  # 15 times the hour's size, and nothing special in any other hour
    assert events.jumps(moves, bucket_minutes=60).index.tolist() == [at]


def test_the_statistic_by_hand():
    moves = diffusion(4, 500)
    moves.iloc[450] = 0.01
    found = events.jumps(moves, window=100, bucket_minutes=1440)
    size = moves.abs().to_numpy()
    # Lee and Mykland, definition 1 with i = 450 and K = 100: j from i - K + 2 to i - 1.
    bipower = sum(size[j] * size[j - 1] for j in range(352, 450)) / 98
    assert found.index.tolist() == [moves.index[450]]
    assert np.isclose(found["statistic"].iloc[0], 0.01 / np.sqrt(bipower))
    # Their definition 2, with n = 400 bars that are tested and alpha = 1 %.
    c, log_n = np.sqrt(2 / np.pi), np.log(400)
    scale = 1 / (c * np.sqrt(2 * log_n))
    center = np.sqrt(2 * log_n) / c - (np.log(np.pi) + np.log(log_n)) / (2 * c * np.sqrt(2 * log_n))
    assert np.isclose(found["threshold"].iloc[0], center + scale * 4.6001, atol=1e-4)


def test_times_that_concern_no_bar_change_nothing():
    target = pd.Series(0.5, minutes())
    after = events.reduce_around(target, ny("2031-01-01 08:30"), 5, 5)
    assert after.equals(target)


def test_the_gap_over_a_pause_is_no_jump():
    moves = diffusion(2)
    moves.iloc[2000] = np.nan
    assert len(events.jumps(moves)) == 0


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"window": 10}, "window must be a whole number at least 30"),
        ({"alpha": 0}, "alpha must be"),
        ({"bucket_minutes": 0}, "bucket_minutes must be"),
        ({"window": 5_000}, "returns must have at least window"),
    ],
)
def test_jumps_refuse(changes, says):
    with pytest.raises(ValueError, match=says):
        events.jumps(diffusion(1), **changes)


# ---------------------------------------------------------------- exposure


def test_no_position_is_held_in_the_window():
    """From the fills of the backtest itself: flat from 5 minutes before to 10 after."""
    index = minutes("2030-02-01 08:00", 90)
    price = np.r_[np.full(30, 2400.0), np.full(60, 2380.0)]  # falls in the bar of 08:30
    bars = pd.DataFrame({"open": price, "high": price, "low": price, "close": price}, index)
    target = pd.Series(1.0, index)
    event = ny("2030-02-01 08:30")
    held = backtest.run(bars, target, contracts=2, margin=0)
    aside = backtest.run(bars, events.reduce_around(target, event, 5, 10), contracts=2, margin=0)
    half = backtest.run(
        bars, events.reduce_around(target, event, 5, 10, to=0.5), contracts=2, margin=0
    )
    during = aside.position.loc["2030-02-01 08:25":"2030-02-01 08:39"]
    assert (during.to_numpy() == 0).all()
    assert aside.position.loc["2030-02-01 08:24"].item() == 2
    assert aside.position.loc["2030-02-01 08:40"].item() == 2
    assert (half.position.loc["2030-02-01 08:25":"2030-02-01 08:39"].to_numpy() == 1).all()
    # Commission 0.85 and a tick (0.50) a side: 2 contracts in; 4 sides more when aside.
    entry = 2 * (0.85 + 0.5)
    finals = [one.equity["Equity"].iloc[-1] - 10_000 for one in (held, aside, half)]
    assert np.allclose(finals, [-200 - entry, -entry - 4 * 1.35, -100 - entry - 2 * 1.35])


def test_a_stop_is_passed_by_the_gap_and_standing_aside_is_not():
    index = minutes("2030-02-01 08:00", 60)
    price = np.r_[np.full(30, 2400.0), np.full(30, 2360.0)]
    bars = pd.DataFrame({"open": price, "high": price, "low": price, "close": price}, index)
    target = pd.Series(1.0, index)
    stopped = backtest.run(bars, target, stop_points=10, margin=0, slippage_ticks=0)
    trade = stopped.trades.iloc[0]
    assert trade["ExitPrice"] == 2360.0  # not 2390
    aside = events.reduce_around(target, ny("2030-02-01 08:30"), 5, 10)
    calm = backtest.run(bars, aside, stop_points=10, margin=0, slippage_ticks=0)
    assert calm.trades["PnL"].max() <= 0
    assert calm.equity["Equity"].iloc[-1] > 9_990


def test_reduction_looks_at_the_schedule_only():
    market = simulate.intraday(10, 4, start="2030-02-11")
    bars, releases = market["M2K"], market["releases"]

    def strategy(seen):
        trend = np.sign(seen["close"].diff(30)).fillna(0.0)
        return events.reduce_around(trend, releases, "10min", "30min", to=0.5)

    reduced = strategy(bars)
    assert 0 < (reduced.abs() == 0.5).sum() <= 40 * len(releases)
    backtest.assert_no_lookahead(strategy, bars)


@settings(max_examples=50, deadline=None)
@given(
    before=st.integers(0, 50),
    after=st.integers(0, 50),
    to=st.sampled_from([0.0, 0.5, 1.0]),
    minute=st.integers(60, 120),
    second=st.integers(0, 59),
)
def test_exactly_the_bars_that_meet_the_window_are_reduced(before, after, to, minute, second):
    index = minutes(count=200)
    target = pd.Series(np.linspace(-1, 1, 200), index, name="mine")
    event = index[[minute]] + pd.Timedelta(seconds=second)
    result = events.reduce_around(target, event, before, after, to=to)
    assert result.name == "mine"
    first = event[0] - pd.Timedelta(minutes=before)
    last = event[0] + pd.Timedelta(minutes=after)
    one = pd.Timedelta(minutes=1)
    for place, time in enumerate(index):
        start, stop = time + one, time + 2 * one  # when the position of this row is held
        meets = stop > first and (start < last or start <= event[0])
        assert result.iloc[place] == (to if meets else 1.0) * target.iloc[place]


def test_daily_bars_are_out_from_the_open_of_the_day_before():
    days = sessions.trading_days("2030-01-28", "2030-02-06").tz_localize(NEW_YORK)
    target = pd.Series(1.0, days)
    flat = events.reduce_around(target, ny("2030-02-01 08:30"), 0, 0)
    # 08:30 on Friday lies between the opens of Thursday and Friday: decided on Wednesday's close.
    assert flat.index[flat == 0].strftime("%a").tolist() == ["Wed"]
    afternoon = events.reduce_around(target, ny("2030-01-30 14:00"), 0, 0)
    assert afternoon.index[afternoon == 0].strftime("%a").tolist() == ["Tue"]


def test_the_last_rows_know_when_the_market_opens_next():
    """What a row says may not change once the bars after it are there."""
    days = sessions.trading_days("2030-01-28", "2030-02-06").tz_localize(NEW_YORK)
    week = sessions.session_minutes("2030-01-28", "2030-02-01")
    week = week.union(sessions.session_minutes("2030-02-04", "2030-02-04"))
    for index, event, length in (
        (days, ny("2030-02-04 14:00"), 5),  # ends on the Friday before
        (week, ny("2030-02-03 18:00"), int(week.searchsorted(ny("2030-02-01 17:00")[0]))),
        (week, ny("2030-01-31 18:01"), int(week.searchsorted(ny("2030-01-31 17:00")[0]))),
    ):
        target = pd.Series(1.0, index)
        whole = events.reduce_around(target, event, 0, 0)
        for seen in range(length - 2, length + 3):
            part = events.reduce_around(target.iloc[:seen], event, 0, 0)
            assert part.equals(whole.iloc[:seen])
        assert (whole.iloc[length - 2 : length + 1] == 0).any()


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"target": pd.Series([2.0, 1.0], minutes(count=2))}, ValueError, "from -1 to 1, got 2.0"),
        ({"target": pd.Series([np.nan, 1.0], minutes(count=2))}, ValueError, "got nan"),
        ({"before": -1}, ValueError, "before must be at least 0, got -1"),
        ({"after": "soon"}, TypeError, "after must be minutes or a Timedelta"),
        ({"after": 2.5}, TypeError, "after must be minutes"),
        ({"to": 1.5}, ValueError, "to must be"),
        ({"events": [pd.Timestamp("2030-02-04 08:30")]}, ValueError, "events must have a time"),
    ],
)
def test_reduction_refuses(changes, error, says):
    arguments = {
        "target": pd.Series(1.0, minutes()),
        "events": ny("2030-02-04 08:30"),
        "before": 5,
        "after": 5,
        **changes,
    }
    with pytest.raises(error, match=says):
        events.reduce_around(**arguments)
