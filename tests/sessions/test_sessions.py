"""The trading clock against exchange notices, other calendars and itself."""

import datetime as dt
import subprocess
import sys
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pandas_market_calendars
import pytest
from dateutil.easter import easter
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons.facts import fact
from m2k_lessons.sessions import (
    LAST_DAY,
    is_open,
    label_sessions,
    next_close,
    next_open,
    schedule,
    session_minutes,
    trade_date,
    trading_days,
)

NEW_YORK = "America/New_York"
ZONES = [
    NEW_YORK,
    "UTC",
    "America/Chicago",
    "Asia/Tokyo",
    "Asia/Kolkata",
    "Europe/London",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Pacific/Apia",
]


def ny(text: str) -> pd.Timestamp:
    return pd.Timestamp(text, tz=NEW_YORK)


# --------------------------------------------------------------------------- exchange notices
# By hand from the exchange's holiday notices: session day, close (New York time; None: closed all
# day), end of regular hours (None: the stock market is shut), trade date, reason.
NOTICES = [
    # 13:00 halts: the trade date goes on until the next session's end.
    ("2020-01-20", "13:00", None, "2020-01-21", "Martin Luther King Jr. Day"),
    ("2025-01-20", "13:00", None, "2025-01-21", "Martin Luther King Jr. Day"),
    ("2026-01-19", "13:00", None, "2026-01-20", "Martin Luther King Jr. Day"),
    ("2021-02-15", "13:00", None, "2021-02-16", "Presidents' Day"),
    ("2024-02-19", "13:00", None, "2024-02-20", "Presidents' Day"),
    ("2026-02-16", "13:00", None, "2026-02-17", "Presidents' Day"),
    ("2019-05-27", "13:00", None, "2019-05-28", "Memorial Day"),
    ("2021-05-31", "13:00", None, "2021-06-01", "Memorial Day"),
    ("2026-05-25", "13:00", None, "2026-05-26", "Memorial Day"),
    ("2022-06-20", "13:00", None, "2022-06-21", "Juneteenth (observed)"),
    ("2023-06-19", "13:00", None, "2023-06-20", "Juneteenth"),
    ("2024-06-19", "13:00", None, "2024-06-20", "Juneteenth"),
    ("2025-06-19", "13:00", None, "2025-06-20", "Juneteenth"),
    ("2026-06-19", "13:00", None, "2026-06-22", "Juneteenth"),
    ("2019-07-04", "13:00", None, "2019-07-05", "Independence Day"),
    ("2020-07-03", "13:00", None, "2020-07-06", "Independence Day (observed)"),
    ("2021-07-05", "13:00", None, "2021-07-06", "Independence Day (observed)"),
    ("2022-07-04", "13:00", None, "2022-07-05", "Independence Day"),
    ("2023-07-04", "13:00", None, "2023-07-05", "Independence Day"),
    ("2024-07-04", "13:00", None, "2024-07-05", "Independence Day"),
    ("2025-07-04", "13:00", None, "2025-07-07", "Independence Day"),
    ("2026-07-03", "13:00", None, "2026-07-06", "Independence Day (observed)"),
    ("2019-09-02", "13:00", None, "2019-09-03", "Labor Day"),
    ("2024-09-02", "13:00", None, "2024-09-03", "Labor Day"),
    ("2026-09-07", "13:00", None, "2026-09-08", "Labor Day"),
    ("2019-11-28", "13:00", None, "2019-11-29", "Thanksgiving Day"),
    ("2024-11-28", "13:00", None, "2024-11-29", "Thanksgiving Day"),
    ("2025-11-27", "13:00", None, "2025-11-28", "Thanksgiving Day"),
    ("2026-11-26", "13:00", None, "2026-11-27", "Thanksgiving Day"),
    # 13:15 closes: the stock market has closed at 13:00.
    ("2019-07-03", "13:15", "13:00", "2019-07-03", "day before Independence Day"),
    ("2023-07-03", "13:15", "13:00", "2023-07-03", "day before Independence Day"),
    ("2024-07-03", "13:15", "13:00", "2024-07-03", "day before Independence Day"),
    ("2025-07-03", "13:15", "13:00", "2025-07-03", "day before Independence Day"),
    ("2019-11-29", "13:15", "13:00", "2019-11-29", "day after Thanksgiving"),
    ("2021-11-26", "13:15", "13:00", "2021-11-26", "day after Thanksgiving"),
    ("2024-11-29", "13:15", "13:00", "2024-11-29", "day after Thanksgiving"),
    ("2026-11-27", "13:15", "13:00", "2026-11-27", "day after Thanksgiving"),
    ("2019-12-24", "13:15", "13:00", "2019-12-24", "Christmas Eve"),
    ("2020-12-24", "13:15", "13:00", "2020-12-24", "Christmas Eve"),
    ("2024-12-24", "13:15", "13:00", "2024-12-24", "Christmas Eve"),
    ("2025-12-24", "13:15", "13:00", "2025-12-24", "Christmas Eve"),
    ("2026-12-24", "13:15", "13:00", "2026-12-24", "Christmas Eve"),
    # Good Fridays: closed, or 09:15 with the payroll report.
    ("2020-04-10", None, None, None, "Good Friday"),
    ("2021-04-02", "09:15", None, "2021-04-02", "Good Friday with the payroll report"),
    ("2022-04-15", None, None, None, "Good Friday"),
    ("2023-04-07", "09:15", None, "2023-04-07", "Good Friday with the payroll report"),
    ("2024-03-29", None, None, None, "Good Friday"),
    ("2025-04-18", None, None, None, "Good Friday"),
    ("2026-04-03", "09:15", None, "2026-04-03", "Good Friday with the payroll report"),
    ("2027-03-26", None, None, None, "Good Friday; projected by rule"),
    # The national day of mourning: futures stopped when stocks would have opened.
    (
        "2025-01-09",
        "09:30",
        None,
        "2025-01-09",
        "national day of mourning for President Carter",
    ),
    # New Year and Christmas, on weekends too.
    ("2020-01-01", None, None, None, "New Year's Day"),
    ("2021-01-01", None, None, None, "New Year's Day"),
    ("2023-01-02", None, None, None, "New Year's Day (observed)"),
    ("2024-01-01", None, None, None, "New Year's Day"),
    ("2025-01-01", None, None, None, "New Year's Day"),
    ("2026-01-01", None, None, None, "New Year's Day"),
    ("2019-12-25", None, None, None, "Christmas Day"),
    ("2020-12-25", None, None, None, "Christmas Day"),
    ("2021-12-24", None, None, None, "Christmas Day (observed)"),
    ("2022-12-26", None, None, None, "Christmas Day (observed)"),
    ("2023-12-25", None, None, None, "Christmas Day"),
    ("2025-12-25", None, None, None, "Christmas Day"),
    # Ordinary days that a careless rule would shorten.
    ("2021-12-31", "17:00", "16:00", "2021-12-31", ""),  # New Year 2022 falls on a Saturday
    ("2022-01-03", "17:00", "16:00", "2022-01-03", ""),
    ("2021-12-23", "17:00", "16:00", "2021-12-23", ""),
    ("2022-12-23", "17:00", "16:00", "2022-12-23", ""),
    ("2023-12-22", "17:00", "16:00", "2023-12-22", ""),
    ("2024-12-31", "17:00", "16:00", "2024-12-31", ""),
    ("2020-06-19", "17:00", "16:00", "2020-06-19", ""),  # Juneteenth only since 2022
    ("2021-06-18", "17:00", "16:00", "2021-06-18", ""),
    ("2020-07-02", "17:00", "16:00", "2020-07-02", ""),
    ("2021-07-02", "17:00", "16:00", "2021-07-02", ""),
    ("2022-07-01", "17:00", "16:00", "2022-07-01", ""),
    ("2026-07-02", "17:00", "16:00", "2026-07-02", ""),
    ("2024-10-14", "17:00", "16:00", "2024-10-14", ""),  # Columbus Day: bonds rest, stocks trade
    ("2024-11-11", "17:00", "16:00", "2024-11-11", ""),  # Veterans Day
    ("2025-01-08", "17:00", "16:00", "2025-01-08", ""),
    ("2025-01-10", "17:00", "16:00", "2025-01-10", ""),
    ("2026-11-20", "17:00", "16:00", "2026-11-20", ""),
]
KINDS = {
    None: "closed",
    "13:00": "holiday half-session",
    "17:00": "normal",
    "13:15": "early close 13:15",
    "09:15": "early close 09:15",
    "09:30": "early close 09:30",
}


@pytest.mark.parametrize(("day", "close", "rth_close", "counts_to", "reason"), NOTICES)
def test_exchange_notice(day, close, rth_close, counts_to, reason):
    row = schedule(day, day).loc[day]
    before = pd.Timestamp(day) - pd.Timedelta(days=1)
    assert row["kind"] == KINDS[close]
    assert row["note"] == reason
    assert not row["hypothetical"]
    expected = {
        "open": close and ny(f"{before:%Y-%m-%d} 18:00"),
        "close": close and ny(f"{day} {close}"),
        "rth_open": rth_close and ny(f"{day} 09:30"),
        "rth_close": rth_close and ny(f"{day} {rth_close}"),
        "trade_date": counts_to and pd.Timestamp(counts_to),
    }
    for column, value in expected.items():
        assert pd.isna(row[column]) if value is None else row[column] == value, column


@pytest.mark.parametrize(("day", "close", "rth_close", "counts_to", "reason"), NOTICES)
def test_labels_follow_each_exchange_notice(day, close, rth_close, counts_to, reason):
    evening = ny(f"{day} 00:00") - pd.Timedelta(hours=6)
    minutes = pd.date_range(evening, ny(f"{day} 17:30"), freq="min")
    labels = label_sessions(minutes)
    wall = minutes.tz_localize(None)
    trading = wall < f"{day} {close}" if close else np.zeros(len(minutes), dtype=bool)
    if day < "2021-06-28" and close == "17:00":
        trading &= ~((wall >= f"{day} 16:15") & (wall < f"{day} 16:30"))
    regular = np.zeros(len(minutes), dtype=bool)
    if rth_close:
        regular = (wall >= f"{day} 09:30") & (wall < f"{day} {rth_close}")
    expected = np.where(regular, "RTH", np.where(trading, "ETH", "closed"))
    np.testing.assert_array_equal(labels.to_numpy(dtype=object), expected)
    dates = trade_date(minutes)
    assert (dates.notna() == trading).all()
    assert dates.dropna().unique().tolist() == ([pd.Timestamp(counts_to)] if close else [])


def test_every_special_day_of_a_year():
    year = schedule("2025-01-01", "2025-12-31")
    special = year.loc[year["kind"] != "normal", "kind"]
    assert special.index.strftime("%m-%d").tolist() == [
        *("01-01", "01-09", "01-20", "02-17", "04-18", "05-26", "06-19"),
        *("07-03", "07-04", "09-01", "11-27", "11-28", "12-24", "12-25"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-15 17:59:59.999999", "closed"),  # Sunday
        ("2026-11-15 18:00", "ETH"),
        ("2026-11-16 09:29:59", "ETH"),
        ("2026-11-16 09:30", "RTH"),
        ("2026-11-16 15:59:59.999999999", "RTH"),
        ("2026-11-16 16:00", "ETH"),
        ("2026-11-16 16:59:59", "ETH"),
        ("2026-11-16 17:00", "closed"),  # the daily break
        ("2026-11-16 17:59:59", "closed"),
        ("2026-11-16 18:00", "ETH"),
        ("2026-11-20 16:59:59", "ETH"),  # Friday
        ("2026-11-20 17:00", "closed"),
        ("2026-11-20 18:00", "closed"),
        ("2026-11-21 12:00", "closed"),
    ],
)
def test_a_normal_week(text, expected):
    assert label_sessions(ny(text)) == expected
    assert is_open(ny(text)) is (expected != "closed")


def test_openings_and_closings_of_a_normal_week():
    opening = ny("2026-11-14 12:00")
    stops = []
    for _ in range(5):
        opening = next_open(opening)
        stops.append((f"{opening:%a %H:%M}", f"{next_close(opening):%a %H:%M}"))
    assert stops == [
        ("Sun 18:00", "Mon 17:00"),
        ("Mon 18:00", "Tue 17:00"),
        ("Tue 18:00", "Wed 17:00"),
        ("Wed 18:00", "Thu 17:00"),
        ("Thu 18:00", "Fri 17:00"),
    ]
    assert next_open(opening) == ny("2026-11-22 18:00")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Thanksgiving: halt on Thursday, resume that evening, early close on Friday.
        ("2026-11-26 12:59", "2026-11-26 18:00"),
        ("2026-11-26 13:00", "2026-11-26 18:00"),
        ("2026-11-27 13:15", "2026-11-29 18:00"),
        # Good Friday, closed: from Thursday's close to Sunday.
        ("2025-04-17 17:00", "2025-04-20 18:00"),
        # Good Friday, payrolls: from 09:15 to Sunday.
        ("2026-04-03 09:15", "2026-04-05 18:00"),
        # Christmas Eve and Day.
        ("2025-12-24 13:15", "2025-12-25 18:00"),
        ("2026-12-24 13:15", "2026-12-27 18:00"),
        # New Year, Thursday; and Monday 2 January.
        ("2025-12-31 17:00", "2026-01-01 18:00"),
        ("2022-12-30 17:00", "2023-01-02 18:00"),
        # The day of mourning: the next session is an ordinary one.
        ("2025-01-09 09:30", "2025-01-09 18:00"),
        # Friday 3 July 2026: the halt lasts over the weekend.
        ("2026-07-03 13:00", "2026-07-05 18:00"),
    ],
)
def test_next_open_after_holidays(text, expected):
    assert next_open(ny(text)) == ny(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2021-06-25 16:14", "ETH"),
        ("2021-06-25 16:15", "closed"),
        ("2021-06-25 16:20", "closed"),
        ("2021-06-25 16:30", "ETH"),
        ("2021-06-28 16:20", "ETH"),
        ("2019-05-06 16:20", "closed"),
        ("2019-05-03 16:20", "ETH"),  # before the launch: today's hours
        ("2020-11-27 13:14", "ETH"),
        ("2020-11-27 16:20", "closed"),
    ],
)
def test_the_afternoon_halt_ended_in_june_2021(text, expected):
    assert label_sessions(ny(text)) == expected


def test_the_halt_is_in_the_schedule_and_splits_the_session():
    rows = schedule("2021-06-25", "2021-06-28")
    assert rows.loc["2021-06-25", "halt_start"] == ny("2021-06-25 16:15")
    assert rows.loc["2021-06-25", "halt_end"] == ny("2021-06-25 16:30")
    assert rows.loc["2021-06-28", ["halt_start", "halt_end"]].isna().all()
    assert next_close(ny("2021-06-25 12:00")) == ny("2021-06-25 16:15")
    assert next_open(ny("2021-06-25 12:00")) == ny("2021-06-25 16:30")
    assert len(session_minutes("2021-06-25", "2021-06-25")) == 1365
    # A short day ends before the halt would begin.
    short = schedule("2019-05-06", "2021-06-25").query("kind != 'normal'")
    assert short["halt_start"].isna().all()


def test_launch_of_m2k():
    rows = schedule("2019-05-02", "2019-05-07")
    assert rows["hypothetical"].tolist() == [True, True, False, False]
    assert rows.loc["2019-05-06", "open"] == ny("2019-05-05 18:00")


def test_before_the_launch_holidays_keep_todays_hours():
    # In 2013 index futures stopped at 11:30 on holidays; the course shows today's 13:00.
    row = schedule("2013-09-02", "2013-09-02").iloc[0]
    assert (row["kind"], row["close"]) == ("holiday half-session", ny("2013-09-02 13:00"))
    assert row["hypothetical"]
    years = schedule("1980-01-01", "2019-05-03")
    assert set(years["kind"]) == set(KINDS.values()) - {"early close 09:30"}


def test_payroll_good_fridays_from_2010_to_2026():
    rows = schedule("2010-01-01", "2026-12-31")
    payroll = rows[rows["kind"] == "early close 09:15"]
    assert payroll.index.year.tolist() == [2010, 2012, 2015, 2021, 2023, 2026]


def test_the_future_says_that_it_is_projected():
    rows = schedule("2020-01-01", "2068-12-31")
    special = rows["kind"] != "normal"
    projected = rows["note"].str.endswith("; projected by rule")
    assert (projected == (special & (rows.index >= "2027-01-01"))).all()
    assert (rows.loc[~special, "note"] == "").all()
    assert not rows["note"].str.contains("listed by").any()
    # The first Fridays of the month among the coming Good Fridays, 2034 and 2037 to begin with.
    payroll = rows.loc["2027":, "kind"] == "early close 09:15"
    fridays = [easter(year) - dt.timedelta(days=2) for year in range(2027, 2069)]
    firsts = [str(friday) for friday in fridays if friday.day <= 7]
    assert firsts[:2] == ["2034-04-07", "2037-04-03"]
    assert payroll[payroll].index.strftime("%Y-%m-%d").tolist() == firsts


# --------------------------------------------------------------------------- daylight saving
# The opening of a week's first session by the clocks of UTC, London, Tokyo and Kolkata, on the
# Sunday before New York's clocks change and on the Sunday of the change. Tokyo and Kolkata never
# change; London does on other Sundays.
WINTER = {"UTC": "23:00", "Europe/London": "23:00", "Asia/Tokyo": "08:00", "Asia/Kolkata": "04:30"}
SUMMER = {"UTC": "22:00", "Europe/London": "23:00", "Asia/Tokyo": "07:00", "Asia/Kolkata": "03:30"}
# New York on summer time and London not (March), or no longer (October): four hours apart.
BETWEEN = {**SUMMER, "Europe/London": "22:00"}
DST = {
    "2024-03-10": (WINTER, BETWEEN),
    "2024-11-03": (BETWEEN, WINTER),
    "2025-03-09": (WINTER, BETWEEN),
    "2025-11-02": (BETWEEN, WINTER),
    "2026-03-08": (WINTER, BETWEEN),
    "2026-11-01": (BETWEEN, WINTER),
    # London has changed by then.
    "2026-04-12": (SUMMER, SUMMER),
}


@pytest.mark.parametrize("sunday", DST)
def test_both_changes_of_the_clocks(sunday):
    for days_earlier, clocks in zip((7, 0), DST[sunday], strict=True):
        noon = ny(f"{sunday} 12:00") - pd.DateOffset(days=days_earlier)
        found = {zone: f"{next_open(noon.tz_convert(zone)):%H:%M}" for zone in clocks}
        assert found == clocks
    # In New York and Chicago nothing changes, and no session loses or gains an hour.
    noon = ny(f"{sunday} 12:00")
    assert f"{next_open(noon):%H:%M}" == "18:00"
    assert f"{next_open(noon.tz_convert('America/Chicago')):%H:%M}" == "17:00"
    days = pd.Timestamp(sunday) + pd.to_timedelta([-2, 1], unit="D")
    assert [len(session_minutes(day, day)) for day in days] == [1380, 1380]


# --------------------------------------------------------------------------- other calendars


# The library's own use of a name that pandas is about to drop.
@pytest.mark.filterwarnings("ignore:Series.dt.weekday is deprecated")
def test_regular_hours_are_those_of_the_new_york_stock_exchange():
    rows = schedule("2019-05-06", "2026-12-31").dropna(subset=["rth_open"])
    nyse = pandas_market_calendars.get_calendar("NYSE").schedule("2019-05-06", "2026-12-31")
    assert rows.index.tolist() == nyse.index.tolist()
    for ours, theirs in (("rth_open", "market_open"), ("rth_close", "market_close")):
        assert (rows[ours].array == nyse[theirs].dt.tz_convert(NEW_YORK).array).all()


def test_the_library_differs_only_where_it_is_known_to_be_wrong():
    rows = schedule("2019-05-06", "2026-12-31").dropna(subset=["open"])
    library = pandas_market_calendars.get_calendar("CME Globex Equity")
    theirs = library.schedule("2019-05-06", "2026-12-31")
    days = rows.index.union(theirs.index)
    differs = rows["close"].reindex(days) != theirs["market_close"].reindex(days)
    assert days[differs].strftime("%Y-%m-%d").tolist() == ["2024-03-29", "2025-01-09", "2025-04-18"]
    common = rows.index.intersection(theirs.index)
    assert (rows.loc[common, "open"] == theirs.loc[common, "market_open"]).all()


def test_hours_agree_with_the_dated_facts():
    row = schedule("2026-11-16", "2026-11-17")
    assert row["open"].dt.strftime("%H:%M").iloc[0] == fact("hours.open").value
    assert row["close"].dt.strftime("%H:%M").iloc[0] == fact("hours.close").value
    pause = row["open"].iloc[1] - row["close"].iloc[0]
    assert pause == pd.Timedelta(minutes=fact("hours.break_minutes").value)
    launch = pd.Timestamp(fact("launch.M2K").value)
    assert not schedule(launch, launch)["hypothetical"].iloc[0]


# --------------------------------------------------------------------------- lists of days, minutes


def test_schedule_has_one_row_for_every_weekday():
    rows = schedule("1980-01-01", "2068-12-31")
    assert rows.index.equals(pd.bdate_range("1980-01-01", "2068-12-31", unit="us"))
    assert rows.index.name == "session"
    closed = rows["kind"] == "closed"
    for column in ("trade_date", "open", "close"):
        assert (rows[column].isna() == closed).all()
    for column in ("open", "close", "halt_start", "halt_end", "rth_open", "rth_close"):
        assert str(rows[column].dt.tz) == NEW_YORK
    traded = rows[~closed]
    assert (traded["open"] < traded["close"]).all()
    assert (traded["open"].iloc[1:].array > traded["close"].iloc[:-1].array).all()
    regular = rows.dropna(subset=["rth_open"])
    assert (regular["open"] < regular["rth_open"]).all()
    assert (regular["rth_open"] < regular["rth_close"]).all()
    assert (regular["rth_close"] <= regular["close"]).all()


def test_trade_dates_are_session_days_but_for_half_sessions():
    rows = schedule("1980-01-01", "2068-12-31").dropna(subset=["open"])
    half = rows["kind"] == "holiday half-session"
    assert (rows.loc[~half, "trade_date"] == rows.index[~half]).all()
    following = pd.Series(rows.index, index=rows.index).shift(-1)
    assert (rows.loc[half, "trade_date"] == following[half]).all()
    assert half.sum() > 350


def test_a_holidays_bars_count_to_the_next_trade_date():
    minutes = session_minutes("2026-11-23", "2026-11-30")
    bars = pd.Series(1, index=minutes).groupby(trade_date(minutes)).sum()
    assert bars.index.equals(trading_days("2026-11-23", "2026-11-30"))
    # Thanksgiving 18:00 to 13:00, and Friday 18:00 to 13:15.
    assert bars.loc["2026-11-27"] == 19 * 60 + 19 * 60 + 15
    assert bars.drop(pd.Timestamp("2026-11-27")).eq(1380).all()


def test_trading_days_of_the_simulated_decade():
    days = trading_days("2030-01-01", "2039-12-31")
    assert days.is_monotonic_increasing
    assert days.is_unique
    assert days.tz is None
    assert days.equals(
        pd.DatetimeIndex(schedule("2030-01-01", "2039-12-31")["trade_date"].dropna().unique())
    )
    assert trading_days("2025-01-20", "2025-01-20").empty


def test_session_minutes_are_exactly_the_open_minutes():
    minutes = session_minutes("2021-06-21", "2021-07-09")
    every = pd.date_range(ny("2021-06-20 18:00"), ny("2021-07-09 16:59"), freq="min")
    pd.testing.assert_index_equal(minutes, every[is_open(every)], exact="equiv")
    assert minutes.is_monotonic_increasing
    assert minutes.is_unique
    assert str(minutes.tz) == NEW_YORK
    assert minutes.unit == "us"


def test_session_minutes_of_a_closed_day_is_empty():
    minutes = session_minutes("2025-12-25", "2025-12-25")
    assert minutes.empty
    assert str(minutes.tz) == NEW_YORK
    assert session_minutes("2026-11-21", "2026-11-22").empty  # a weekend


def test_an_instant_as_start_stands_for_its_session_day():
    evening = ny("2026-11-16 18:00")
    rows = schedule(evening.tz_convert("Asia/Tokyo"), evening + pd.Timedelta(days=1, hours=23))
    assert rows.index.strftime("%m-%d").tolist() == ["11-17", "11-18"]
    assert schedule(ny("2026-11-16 17:59"), ny("2026-11-16 17:59")).index.day.tolist() == [16]
    for day in (
        dt.date(2026, 11, 16),
        dt.datetime(2026, 11, 16),
        np.datetime64("2026-11-16"),
        pd.Timestamp("2026-11-16"),
    ):
        assert schedule(day, "2026-11-16").index.day.tolist() == [16]


def test_changing_a_schedule_does_not_change_the_calendar():
    rows = schedule("2026-11-16", "2026-11-20")
    rows["close"] = rows["open"]
    assert schedule("2026-11-16", "2026-11-20")["close"].iloc[0] == ny("2026-11-16 17:00")


# --------------------------------------------------------------------------- properties

_ROWS = {row.Index.date(): row for row in schedule("1980-01-01", "2068-12-31").itertuples()}
_STARTS = np.sort(
    np.concatenate(
        [
            pd.DatetimeIndex(schedule("1980-01-01", "2068-12-31")[name].dropna()).asi8
            for name in ("open", "halt_end")
        ]
    )
)
_FIRST, _LAST = (int(ny(text).timestamp()) for text in ("1980-01-01", "2068-12-30"))
_CHANGES = [
    int(ny(f"{sunday} 00:00").timestamp())
    for sunday in [*DST, "2019-03-10", "2021-03-14", "2030-11-03"]
]


def expected_label(moment: pd.Timestamp) -> str:
    """By the wall clock and one row of the schedule: no searching, no UTC arithmetic."""
    clock = moment.to_pydatetime(warn=False).astimezone(ZoneInfo(NEW_YORK)).replace(tzinfo=None)
    day = clock.date() + dt.timedelta(days=clock.hour >= 18)
    row = _ROWS.get(day)
    if row is None or row.kind == "closed":
        return "closed"

    def within(start, end) -> bool:
        if pd.isna(start):
            return False
        start, end = (edge.tz_localize(None).to_pydatetime() for edge in (start, end))
        return start <= clock < end

    if not within(row.open, row.close) or within(row.halt_start, row.halt_end):
        return "closed"
    return "RTH" if within(row.rth_open, row.rth_close) else "ETH"


near_a_change = st.builds(
    lambda start, offset: start + offset,
    st.sampled_from(_CHANGES),
    st.integers(-3 * 86_400, 4 * 86_400),
)
near_an_edge = st.builds(
    lambda row, edge, offset: int(getattr(row, edge).timestamp()) + offset,
    st.sampled_from([row for row in _ROWS.values() if row.kind not in ("closed", "normal")]),
    st.sampled_from(["open", "close"]),
    st.integers(-2, 2),
)
moments = st.builds(
    lambda seconds, micro, zone: (
        pd.Timestamp(seconds, unit="s", tz="UTC") + pd.Timedelta(microseconds=micro)
    ).tz_convert(zone),
    st.one_of(st.integers(_FIRST, _LAST), near_a_change, near_an_edge),
    st.sampled_from([0, 1, 999_999]),
    st.sampled_from(ZONES),
)


@settings(max_examples=400, deadline=None)
@given(moments)
def test_label_open_and_next_open_agree_with_the_schedule(moment):
    label = label_sessions(moment)
    assert label == expected_label(moment)
    assert is_open(moment) is (label != "closed")

    opening, closing = next_open(moment), next_close(moment)
    nanosecond = pd.Timedelta(1, "ns")
    assert opening > moment
    assert closing > moment
    assert opening.tz == closing.tz == moment.tz
    assert is_open(opening)
    assert not is_open(opening - nanosecond)
    assert is_open(closing - nanosecond)
    assert not is_open(closing)
    # Openings and closings take turns, so exactly one of the two is nearer.
    assert (closing < opening) is is_open(moment)
    first_later = _STARTS[np.searchsorted(_STARTS, moment.as_unit("us").value // 1000, "right")]
    assert opening == pd.Timestamp(first_later, unit="us", tz="UTC")

    date = trade_date(moment)
    assert pd.isna(date) is (label == "closed")
    if label != "closed":
        assert date in trading_days(date, date)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(moments.map(lambda moment: moment.tz_convert("UTC")), max_size=30),
    st.sampled_from(ZONES),
    st.sampled_from(["s", "ms", "us", "ns"]),
)
def test_the_answer_depends_neither_on_zone_nor_resolution_nor_order(times, zone, unit):
    utc = pd.DatetimeIndex(times, tz="UTC").as_unit("us").floor("s")
    local = utc.tz_convert(zone).as_unit(unit)
    for answer in (label_sessions, is_open, trade_date):
        assert answer(local).tolist() == answer(utc).tolist()
        assert answer(local).tolist() == [answer(moment) for moment in local]
        assert answer(local[::-1]).tolist() == answer(utc).tolist()[::-1]
    for answer in (next_open, next_close):
        found = answer(local)
        assert found.dtype == local.dtype
        assert found.tolist() == answer(utc).tolist()


# --------------------------------------------------------------------------- in kind


def test_the_index_is_kept():
    index = pd.DatetimeIndex(
        ["2026-11-16 09:30", "2026-11-14 09:30", "2026-11-16 09:30"], tz=NEW_YORK, name="time"
    )
    for answer in (label_sessions, is_open, next_open, next_close, trade_date):
        assert answer(index).index is index
    assert label_sessions(index).tolist() == ["RTH", "closed", "RTH"]
    assert label_sessions(index).dtype == "str"
    assert is_open(index).dtype == bool
    assert trade_date(index).dtype == "datetime64[us]"


def test_a_series_of_timestamps_keeps_its_own_index():
    times = pd.Series([ny("2026-11-16 12:00"), ny("2026-11-14 12:00")], index=["a", "b"])
    assert label_sessions(times).to_dict() == {"a": "RTH", "b": "closed"}
    arrow = pd.Series(times.array, index=times.index, dtype="timestamp[us, tz=UTC][pyarrow]")
    assert label_sessions(arrow).to_dict() == {"a": "RTH", "b": "closed"}


def test_one_moment_gives_one_plain_answer():
    for moment in (
        ny("2026-11-16 12:00"),
        dt.datetime(2026, 11, 16, 12, tzinfo=ZoneInfo(NEW_YORK)),
        dt.datetime(2026, 11, 16, 17, tzinfo=dt.UTC),
    ):
        assert type(label_sessions(moment)) is str
        assert label_sessions(moment) == "RTH"
        assert is_open(moment) is True
        assert next_open(moment) == ny("2026-11-16 18:00")
        assert trade_date(moment) == pd.Timestamp("2026-11-16")
    assert trade_date(ny("2026-11-14 12:00")) is pd.NaT


def test_an_empty_index_gives_an_empty_answer():
    empty = pd.DatetimeIndex([], tz="Asia/Tokyo")
    for answer in (label_sessions, is_open, next_open, next_close, trade_date):
        assert answer(empty).empty
    assert str(next_open(empty).dt.tz) == "Asia/Tokyo"


def test_the_whole_range_is_answered():
    edges = pd.DatetimeIndex([ny("1980-01-01 00:00"), ny("2068-12-31 23:59:59.999999")])
    assert label_sessions(edges).tolist() == ["closed", "closed"]  # two holidays
    assert next_open(edges).tolist() == [ny("1980-01-01 18:00"), ny("2069-01-01 18:00")]
    # The limits are New York's: in Tokyo it is 2069 already.
    assert is_open(pd.Timestamp("2069-01-01 05:00", tz="Asia/Tokyo"))


# --------------------------------------------------------------------------- refusals

NAIVE = pd.date_range("2026-11-16 09:30", periods=3, freq="min")


@pytest.mark.parametrize(
    "answer",
    [label_sessions, trade_date, is_open, next_open, next_close],
    ids=lambda answer: answer.__name__,
)
@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (NAIVE, ValueError, "naive times (first 2026-11-16 09:30:00)"),
        (NAIVE, ValueError, '.tz_localize("America/New_York")'),
        (NAIVE.to_series(), ValueError, ".dt.tz_localize("),
        (NAIVE[0], ValueError, "must be tz-aware, got Timestamp('2026-11-16 09:30:00')"),
        (dt.datetime(2026, 11, 16), ValueError, "must be tz-aware"),
        (pd.NaT, ValueError, "NaT"),
        (
            pd.DatetimeIndex(["2026-11-16 09:30", None], tz="UTC"),
            ValueError,
            "no NaT, got one at position 1",
        ),
        (pd.Timestamp("1979-12-31 12:00", tz=NEW_YORK), ValueError, "between 1980-01-01"),
        (pd.Timestamp("2069-01-01", tz=NEW_YORK), ValueError, "got 2069-01-01"),
        (
            pd.DatetimeIndex(["2026-11-16", "2070-01-03"], tz="UTC"),
            ValueError,
            "got 2070-01-03 00:00:00+00:00",
        ),
        ("2026-11-16 09:30", TypeError, "got '2026-11-16 09:30'"),
        (dt.date(2026, 11, 16), TypeError, "got datetime.date(2026, 11, 16)"),
        (1763300000, TypeError, "got 1763300000"),
        (None, TypeError, "got None"),
        (pd.DataFrame({"close": [1.0]}), TypeError, "got a DataFrame"),
        (NAIVE.to_numpy(), TypeError, "got a ndarray"),
        (pd.Series([2200.1], index=NAIVE[:1]), TypeError, "Series of float64"),
        (pd.RangeIndex(3), TypeError, "RangeIndex of int64"),
        (pd.PeriodIndex(["2026-11"], freq="M"), TypeError, "PeriodIndex"),
        (pd.Index(["2026-11-16 09:30"]), TypeError, "pd.to_datetime(..., utc=True)"),
        (pd.Index([NAIVE[0], ny("2026-11-16")], dtype=object), TypeError, "utc=True"),
    ],
)
def test_refused_moments(answer, value, error, words):
    argument = "index" if answer in (label_sessions, trade_date) else "ts"
    with pytest.raises(error) as caught:
        answer(value)
    message = str(caught.value)
    assert message.startswith(f"{argument} must ")
    assert words.replace('"', "'") in message.replace('"', "'")


@pytest.mark.parametrize("answer", [schedule, trading_days, session_minutes])
@pytest.mark.parametrize(
    ("start", "end", "error", "words"),
    [
        ("2026-11-17", "2026-11-16", ValueError, "start must not be after end, got 2026-11-17"),
        (
            "1979-12-31",
            "2026-11-16",
            ValueError,
            "start must lie between 1980-01-01",
        ),
        ("2026-11-16", "2069-01-01", ValueError, "end must lie between"),
        ("16 November", "2026-11-16", ValueError, "start must be a day such as '2026-11-23'"),
        ("2026-02-30", "2026-11-16", ValueError, "got '2026-02-30'"),
        (pd.NaT, "2026-11-16", ValueError, "start must be a day"),
        (np.datetime64("NaT"), "2026-11-16", ValueError, "start must be a day"),
        (NAIVE[0], "2026-11-16", ValueError, "a time of day without its zone"),
        ("2026-11-16", None, TypeError, "end must be a day such as '2026-11-23', got None"),
        (20261116, "2026-11-16", TypeError, "got 20261116"),
        ("2026-11-16", NAIVE, TypeError, "got a DatetimeIndex"),
    ],
)
def test_refused_days(answer, start, end, error, words):
    with pytest.raises(error) as caught:
        answer(start, end)
    assert words in str(caught.value)


# --------------------------------------------------------------------------- cost


def lines_executed(work) -> int:
    """Count the Python lines that run inside `work`, in whatever module."""
    count = 0

    def trace(frame, event, arg):
        nonlocal count
        count += event == "line"
        return trace

    previous = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(previous)
    return count


@pytest.mark.parametrize(
    "answer",
    [label_sessions, is_open, next_open, next_close, trade_date],
    ids=lambda answer: answer.__name__,
)
def test_no_python_runs_per_bar(answer):
    year = pd.date_range("2025-01-01", "2026-01-01", freq="min", tz="UTC")
    answer(year)  # fills the caches
    few, many = (lines_executed(lambda n=n: answer(year[:n])) for n in (100, 500_000))
    assert 0 < few < 5_000
    assert many <= few + 50


def test_importing_the_module_does_not_import_the_calendar_library():
    code = (
        "import sys, m2k_lessons.sessions; "
        "sys.exit(sum(name in sys.modules for name in "
        "('pandas_market_calendars', 'exchange_calendars', 'matplotlib', 'scipy')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _stock_market_holidays(year):
    """Full closures of the stock market from 2019 on, from the exchange's rules."""

    def nth(month, weekday, n):
        first = dt.date(year, month, 1)
        return first + dt.timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))

    def kept(month, day):
        date = dt.date(year, month, day)
        return date + dt.timedelta(days={5: -1, 6: 1}.get(date.weekday(), 0))

    new_year, (monday, thursday) = dt.date(year, 1, 1), (0, 3)
    yield new_year + dt.timedelta(days=int(new_year.weekday() == 6))  # no Friday for a Saturday
    yield from (nth(1, monday, 3), nth(2, monday, 3), easter(year) - dt.timedelta(days=2))
    yield from (nth(6, monday, 1) - dt.timedelta(days=7), kept(7, 4), nth(9, monday, 1))
    yield from (nth(11, thursday, 4), kept(12, 25))
    if year >= 2022:
        yield kept(6, 19)
    if year == 2025:
        yield dt.date(2025, 1, 9)


def test_stock_market_days_follow_the_rules_on_every_day_to_the_end():
    rows = schedule("2019-01-01", LAST_DAY)
    closed = [day for year in range(2019, 2069) for day in _stock_market_holidays(year)]
    expected = pd.bdate_range("2019-01-01", "2068-12-31", freq="C", holidays=closed)
    assert rows.index[rows["rth_open"].notna()].equals(expected.as_unit(rows.index.unit))
