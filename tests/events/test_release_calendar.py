import io

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import events
from m2k_lessons.sessions import NEW_YORK
from tests.events.inputs import ny


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
