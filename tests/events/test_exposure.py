import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, events, sessions, simulate
from m2k_lessons.sessions import NEW_YORK
from tests.events.inputs import minutes, ny


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
