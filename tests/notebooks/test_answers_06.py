"""What chapter 06 tells in words, without a number that a tag could hold."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import contracts, data, facts


@pytest.fixture(scope="module")
def five():
    bars = data.load("intraday")["M2K"]
    how = {"open": "first", "close": "last", "volume": "sum", "spread_ticks": "mean"}
    made = bars.groupby(bars.index.floor("5min")).agg(how)
    made["move_usd"] = (made["close"] - made["open"]).abs() * contracts.M2K.multiplier
    return made.assign(clock=made.index.hour + made.index.minute // 30 / 2)


def test_the_shapes_of_a_session(five):
    mean = five.groupby("clock")[["move_usd", "volume", "spread_ticks"]].mean()
    regular = mean.loc[9.5:15.5]
    # "Largest in the first hour, falls until noon and rises a little at the end", a reverse J.
    assert set(regular["move_usd"].nlargest(2).index) == {9.5, 10.0}
    assert regular["move_usd"][15.5] > regular["move_usd"].loc[12.0:15.0].max()
    assert regular["move_usd"][12.0] < regular["move_usd"].loc[9.5:11.5].min()
    # "(The bump at 13:00 ...)"
    assert regular["move_usd"][13.0] > max(regular["move_usd"][12.5], regular["move_usd"][13.5])
    # "Busiest at the opening and again in the last half hour", a U; midnight "a hundredth".
    assert regular["volume"].nlargest(2).index.tolist() == [9.5, 15.5]
    assert 80 < regular["volume"][9.5] / mean["volume"][0.0] < 120
    assert mean["spread_ticks"].idxmax() == 18.0  # "widest in the evening"
    # "The step at two in the morning"
    assert mean["move_usd"][2.0] > 1.4 * mean["move_usd"][1.5]


def test_the_night_pays_before_costs_and_the_day_is_not_told_from_zero(five):
    change = (five["close"] - five["open"]) * contracts.M2K.multiplier
    side = -np.sign(change.shift())
    gross = (side * change)[side.abs() == 1]
    day = (five.loc[gross.index, "clock"] >= 9.5) & (five.loc[gross.index, "clock"] < 16)
    # By sessions, from 18:00 to 17:00: bets of one day are not independent of each other.
    by_day = [
        one.groupby((one.index + pd.Timedelta("6h")).date) for one in (gross[~day], gross[day])
    ]
    (night, night_error), (regular, regular_error) = (
        (one.mean().mean(), one.mean().std() / np.sqrt(len(one))) for one in by_day
    )
    assert len(by_day[0]) == 61
    assert night / night_error == pytest.approx(4.1, abs=0.15)
    assert abs(regular) < 2 * regular_error


def test_day_trading_at_midnight_costs_several_times_as_much():
    """Wins beyond fifty that thirty minutes need, at midnight and at ten."""
    bars = data.load("intraday")["M2K"]
    how = {"open": "first", "close": "last", "spread_ticks": "mean"}
    held = bars.groupby(bars.index.floor("30min")).agg(how)
    fee_usd = facts.fact("course.commission.M2K").value
    move = ((held["close"] - held["open"]).abs() * 5).groupby(held.index.strftime("%H:%M")).mean()
    cost = (2 * fee_usd + held["spread_ticks"] / 2).groupby(held.index.strftime("%H:%M")).mean()
    beyond = cost / move
    assert 3 < beyond["00:00"] / beyond["10:00"] < 10


def test_real_rate_days_are_calm_until_the_statement_and_loudest_at_the_conference():
    rate_days = data.load("rate_days").filter(like="small")
    times = pd.to_datetime(rate_days.index, format="%H:%M")
    mean = rate_days.groupby(times.floor("30min").strftime("%H:%M")).mean()
    ratio = mean.iloc[:, 0] / mean.iloc[:, 1]
    assert (ratio[:"13:30"] < 1).all()
    assert (ratio["14:00":] > 1.9).all()
    assert ratio.idxmax() == "14:30"
    # "Which of the two moves the market more, these days can't say."
    error = np.sqrt((np.pi / 2 - 1) / 20)
    apart = ratio["14:30"] - ratio["14:00"]
    assert 0 < apart < 2 * error * np.hypot(ratio["14:30"], ratio["14:00"])
    assert error == pytest.approx(0.17, abs=0.005)
