from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import data
from m2k_lessons import fundamentals as fm
from tests.fundamentals.inputs import quarters, series

# --- known when


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


# --- surprise


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


# --- composite


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
