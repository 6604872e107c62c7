"""The rules by hand, in exact arithmetic, without a look ahead, and on markets of known truth."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2k_lessons import indicators, sessions, simulate
from m2k_lessons.strategies import combination, mean_reversion, scalping, threshold, trend_following

NAN = math.nan
SMALL = {"fast": 2, "slow": 5, "rsi_window": 3, "band_window": 4, "band_width": 1.2}

# Each rule as a function of one close, with parameters that suit forty bars.
RULES = {
    "threshold": lambda close, **kw: threshold(close, 2401.0, 2399.5, **kw),
    "trend_following": lambda close, **kw: trend_following(close, 2, 5, **kw),
    "mean_reversion": lambda close, **kw: mean_reversion(close, 4, 1.2, 0.3, **kw),
    "combination": lambda close, **kw: combination(close, **SMALL, **kw),
    "combination of one": lambda close, **kw: combination(close, **SMALL, agree=1, **kw),
    "scalping": lambda close, **kw: scalping(minutes(close), 2, 0.5, 2, **kw),
}
EACH = pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
PRICES = st.lists(st.integers(23_980, 24_020).map(lambda ticks: ticks / 10), max_size=40)


def series(numbers, start="2031-03-03 15:20"):
    index = pd.date_range(start, periods=len(numbers), freq="min", tz="America/New_York")
    return pd.Series(numbers, index, dtype=float, name="close")


def minutes(close):
    return close.to_frame("close")


# ------------------------------------------------------------------------------ by hand


def test_a_price_on_the_level_up_to_the_noise_of_floats_is_no_signal():
    adjusted = 2400.3 + 9.8  # 2410.1000000000004, as a back-adjusted price may be
    assert adjusted > 2410.1
    close = pd.Series([2400.0, adjusted, 2410.2, 2410.1, 2410.1 - 4e-13, 2410.0])
    wanted = threshold(close, buy_above=2410.1, sell_below=2410.1)
    assert wanted.tolist() == [0, 0, 1, 1, 1, 0]


def test_threshold_by_hand():
    close = series([2400, 2411, 2405, 2410, 2399, 2405, 2412])
    assert threshold(close, 2410, 2400).tolist() == [0, 1, 1, 1, 0, 0, 1]
    assert threshold(close, 2410, 2400, long_only=False).tolist() == [0, 1, 1, 1, -1, -1, 1]
    # On a level nothing happens yet, even when both are the same.
    assert threshold(series([10, 11, 10, 9, 10]), 10, 10).tolist() == [0, 1, 1, 0, 0]


def test_trend_following_by_hand():
    close = series([10, 11, 12, 11, 11, 10, 10, 12])
    # Averages of 1 and of 2: 10.5, 11.5, 11.5, 11 (equal), 10.5, 10 (equal), 11.
    assert trend_following(close, 1, 2).tolist() == [0, 1, 1, -1, -1, -1, -1, 1]
    assert trend_following(close, 1, 2, long_only=True).tolist() == [0, 1, 1, 0, 0, 0, 0, 1]


def test_mean_reversion_by_hand():
    # Means of four 2399, 2398.5, 2398.5, 2399.5, 2400.5; deviations 1.73, 1.66, 1.66, .87, 1.66.
    close = series([2400, 2400, 2400, 2396, 2398, 2400, 2404, 2400])
    assert mean_reversion(close, 4, 1.5).tolist() == [0, 0, 0, 1, 1, 0, -1, 0]
    assert mean_reversion(close, 4, 1.5, long_only=True).tolist() == [0, 0, 0, 1, 1, 0, 0, 0]
    # 2398 is 0.30 deviations below its average.
    assert mean_reversion(close, 4, 1.5, exit=0.4).tolist() == [0, 0, 0, 1, 0, 0, -1, 0]


def test_mean_reversion_meets_its_limits_exactly():
    """Four of twenty closes one tick lower: the distance is 2, whatever the rounding says."""
    for ticks in range(20_000, 26_000, 37):
        close = np.array([ticks] * 16 + [ticks - 1] * 4 + [ticks] * 3) * 0.1
        target = mean_reversion(close, 20, 2.0)
        assert target[19] == 1.0, ticks
        assert target[20] == 0.0, ticks


def test_back_at_the_average_exactly_is_back():
    """The average of k, k, k - 3 and k - 1 is k - 1; floats of ticks often say otherwise."""
    for ticks in range(20_000, 26_000, 37):
        long = np.array([0, 0, 0, -3, -1, -1])
        for sign in (1, -1):
            target = mean_reversion((ticks + sign * long) * 0.1, 4, 1.5)
            assert target.tolist() == [0, 0, 0, sign, 0, 0], ticks


def test_mean_reversion_in_a_flat_market_does_nothing():
    close = series([2400.0] * 10 + [2399.0] + [2400.0] * 10)
    assert mean_reversion(close, 5, 1.9).tolist() == [0] * 10 + [1] + [0] * 10


def test_combination_is_a_vote():
    rng = np.random.default_rng(4)
    close = series(np.rint(24_000 + np.cumsum(rng.normal(scale=15, size=3_000))) / 10)
    averages = trend_following(close, 20, 50)
    bands = mean_reversion(close, 20, 2.0)
    # The RSI's vote in plain Python.
    strength, held, rsi_votes = indicators.rsi(close, 14), 0, []
    for value in strength:
        if value <= 30:
            held = 1
        elif value >= 70:
            held = -1
        elif (held == 1 and value >= 50) or (held == -1 and value <= 50):
            held = 0
        rsi_votes.append(held)
    votes = (averages + bands + rsi_votes).where(averages.index >= close.index[49], 0.0)
    for agree in (1, 2, 3):
        expected = np.sign(votes).where(votes.abs() >= agree, 0.0)
        target = combination(close, agree=agree)
        pd.testing.assert_series_equal(target, expected, check_names=False)
        assert (target != 0).any() or agree == 3


@pytest.mark.parametrize("slowest", ["slow", "rsi_window", "band_window"])
def test_combination_waits_for_all_three(slowest):
    close = series(2400 + np.arange(60.0) % 9)
    target = combination(close, **SMALL | {slowest: 30}, agree=1)
    first = 30 if slowest == "rsi_window" else 29
    assert (target.iloc[:first] == 0).all()
    assert (target.iloc[first:] != 0).any()


# ------------------------------------------------------------------------------ scalping


def test_scalping_by_hand():
    close = [2400, 2397, 2396, 2396, 2400, 2401, 2401, 2401]
    bars = minutes(series(close, "2031-03-03 10:00"))
    target = scalping(bars, lookback=1, move=3, hold=2)
    #       -3: buy, held, look again: 0, +4: sell, held, look again.
    assert target.tolist() == [0, 1, 1, 0, -1, -1, 0, 0]
    # At the end of a bet the next may follow at once.
    falling = minutes(series(range(2400, 2380, -4), "2031-03-03 10:00"))
    assert scalping(falling, lookback=1, move=3, hold=2).tolist() == [0, 1, 1, 1, 1]
    assert scalping(falling * -1 + 4800, 1, 3, 2, long_only=True).tolist() == [0] * 5


def test_a_move_of_exactly_the_size_counts():
    for ticks in range(20_000, 26_000, 37):
        close = [ticks * 0.1, (ticks - 3) * 0.1, (ticks - 3) * 0.1]
        bars = minutes(series(close, "2031-03-03 10:00"))
        assert scalping(bars, 1, move=0.3, hold=1).tolist() == [0, 1, 0]
        assert scalping(bars, 1, move=0.4, hold=1).tolist() == [0, 0, 0]


def sawtooth(start, end):
    """Every minute of some sessions, with a price that moves by two points each time."""
    index = sessions.session_minutes(start, end)
    return pd.DataFrame({"close": 2400 + 2.0 * (np.arange(len(index)) % 2)}, index=index)


@pytest.mark.parametrize("flat_minutes", [1, 5, 30])
def test_scalping_is_flat_at_the_end_of_regular_hours(flat_minutes):
    bars = sawtooth("2031-11-26", "2031-11-28")  # Thanksgiving, and the short day after it
    target = scalping(bars, lookback=1, move=2, hold=7, flat_minutes=flat_minutes)
    hours = sessions.schedule("2031-11-26", "2031-11-28")
    assert hours["rth_close"].dt.strftime("%H:%M").tolist()[::2] == ["16:00", "13:00"]
    assert hours["rth_open"].isna().tolist() == [False, True, False]
    held = target[target != 0].index
    assert (sessions.label_sessions(held) == "RTH").all()
    for day in (0, 2):
        begin, end = hours["rth_open"].iloc[day], hours["rth_close"].iloc[day]
        of_day = held[(held >= begin) & (held < end)]
        # No move is known on the first bar. The order to leave goes out at the close of the bar
        # that ends `flat_minutes` before the end.
        assert of_day[0] == begin + pd.Timedelta("1min")
        assert of_day[-1] == end - pd.Timedelta(minutes=flat_minutes + 2)


def test_scalping_around_the_clock_is_flat_at_every_close_and_halt():
    bars = sawtooth("2020-03-02", "2020-03-04")  # trading still paused from 16:15 to 16:30
    target = scalping(bars, lookback=1, move=2, hold=7, session="all")
    held = target[target != 0].index
    left = sessions.next_close(held) - held
    assert left.min() == pd.Timedelta("7min")
    assert sorted(set(sessions.next_close(held).dt.strftime("%H:%M"))) == ["16:15", "17:00"]
    # A move is measured within a stretch of trading: not on its first bar.
    first = sessions.next_close(bars.index) != sessions.next_close(bars.index).shift()
    assert (target[first] == 0).all()
    assert (target[first.shift(fill_value=False)] != 0).all()


def test_scalping_forgets_a_bet_that_the_data_cut_off():
    bars = sawtooth("2031-03-03", "2031-03-04")
    local = bars.index.tz_convert(sessions.NEW_YORK)
    bars = bars[(sessions.label_sessions(local) == "RTH").to_numpy()]
    ends_early = bars[bars.index < pd.Timestamp("2031-03-03 15:50", tz=sessions.NEW_YORK)]
    both = pd.concat([ends_early, bars[bars.index.day == 4]])
    target = scalping(both, lookback=3, move=2, hold=30)
    assert target.iloc[len(ends_early) - 1] != 0
    assert (
        target.iloc[len(ends_early) :].tolist() == scalping(bars, 3, 2, 30)["2031-03-04"].tolist()
    )
    assert (target.iloc[len(ends_early) :][:3] == 0).all()


def test_scalping_measures_no_move_across_a_missing_price():
    close = series([2400, NAN, 2390, 2390, 2380, 2380], "2031-03-03 10:00")
    assert scalping(minutes(close), 1, 3.0, 1).tolist() == [0, 0, 0, 0, 1, 0]
    assert scalping(minutes(close), 2, 3.0, 1).tolist() == [0, 0, 0, 0, 1, 1]


def test_scalping_answers_alike_in_every_time_zone():
    bars = simulate.intraday(days=2, seed=5)["M2K"]
    here = scalping(bars)
    assert (here != 0).sum() > 50
    for zone in ("UTC", "Asia/Tokyo"):
        assert scalping(bars.tz_convert(zone)).tolist() == here.tolist()


# ------------------------------------------------------------------------------ promises of all


@EACH
@given(prices=PRICES, other=PRICES, cut=st.integers(0, 40))
def test_the_future_changes_nothing(rule, prices, other, cut):
    now = rule(series(prices)).iloc[:cut]
    truncated = rule(series(prices[:cut]))
    another_future = rule(series(prices[:cut] + other)).iloc[: len(now)]
    assert now.tolist() == truncated.tolist() == another_future.tolist()


@EACH
@given(prices=PRICES)
def test_target_is_a_float_within_bounds_on_the_same_index(rule, prices):
    close = series(prices)
    target = rule(close, long_only=False)
    assert target.dtype == np.float64
    assert target.name == "target"
    assert target.index.equals(close.index)
    assert target.isin([-1.0, 0.0, 1.0]).all()
    assert rule(close, long_only=True).equals(target.clip(lower=0.0))


@EACH
@given(parts=st.lists(PRICES, min_size=1, max_size=3))
def test_nan_is_a_new_beginning(rule, parts):
    whole, expected = [], []
    for part in parts:
        # The parts follow each other within one session, as they do in the whole.
        at = pd.Timestamp("2031-03-03 10:00") + pd.Timedelta(minutes=len(whole))
        expected += [*rule(series(part, at)), 0.0]
        whole += [*part, NAN]
    assert rule(series(whole, "2031-03-03 10:00")).tolist() == expected


@pytest.mark.parametrize(
    ("rule", "warm_up"),
    [
        (lambda close: trend_following(close), 49),
        (lambda close: mean_reversion(close, entry=0.01), 19),
    ],
)
def test_warm_up_is_flat_and_no_longer_than_stated(rule, warm_up):
    close = series(2400 + np.arange(100.0))
    target = rule(close)
    assert (target.iloc[:warm_up] == 0).all()
    assert target.iloc[warm_up] != 0


def test_trend_following_turns_where_sma_crossover_says():
    close = simulate.intraday(days=3, seed=2)["M2K"]["close"]
    target = trend_following(close, 10, 30)
    turns = target.where(target != target.shift(), 0.0)
    marks = indicators.sma_crossover(close, 10, 30)
    first = int(np.flatnonzero(target)[0])
    assert turns.iloc[first + 1 :].tolist() == marks.iloc[first + 1 :].tolist()
    assert (marks.iloc[: first + 1] == 0).all()
    assert (marks != 0).sum() > 50


@EACH
def test_simulated_targets_keep_the_label(rule):
    close = simulate.intraday(days=1, seed=2)["M2K"]["close"]
    assert rule(close).attrs["label"] == simulate.LABEL


def test_arrays_are_taken_too():
    close = series(2400 + np.arange(60.0) % 7)
    for name, rule in RULES.items():
        if name != "scalping":
            assert rule(close.to_numpy()).tolist() == rule(close).tolist()


# ------------------------------------------------------------------------------ known truth

HISTORIES = 40


def t_statistic(kind, rule):
    """Mean gain of the next day per day, over independent ten-year histories, in its errors."""
    gains = []
    for seed in range(HISTORIES):
        close = simulate.regime(kind, years=10, seed=seed)["M2K"]["close"]
        tomorrow = np.log(close).diff().shift(-1)
        gains.append((rule(close) * tomorrow).mean())
    return np.mean(gains) / (np.std(gains, ddof=1) / math.sqrt(HISTORIES))


# Limits of Student's t with 39 degrees of freedom: one in a thousand on one side, one in a
# hundred on two. So a rule without an edge passes as one that has it once in a thousand, and
# one of the three honest walks would fail once in thirty-three draws; the seeds are fixed.
CLEAR, CHANCE = 3.31, 2.71


@pytest.mark.parametrize(
    ("rule", "home"),
    [(trend_following, "trend"), (mean_reversion, "reversion"), (combination, None)],
    ids=["trend_following", "mean_reversion", "combination"],
)
def test_each_rule_earns_where_it_should(rule, home):
    found = {kind: t_statistic(kind, rule) for kind in ("trend", "reversion", "random_walk")}
    assert abs(found["random_walk"]) < CHANCE
    if home == "trend":
        assert found["trend"] > CLEAR
        assert found["reversion"] < -CLEAR
    elif home == "reversion":
        assert found["reversion"] > CLEAR
        assert found["trend"] < -CLEAR


# ------------------------------------------------------------------------------ bad input

CLOSE = series(2400 + np.arange(20.0))
BARS = minutes(CLOSE)
BAD = [
    (lambda: threshold(CLOSE, 1, 2), ValueError, "sell_below must be at most buy_above, got sell_"),
    (lambda: threshold(CLOSE, "1", 0), TypeError, "buy_above must be a finite number, got '1'"),
    (lambda: threshold(CLOSE, 2, NAN), ValueError, "sell_below must be a finite number, got nan"),
    (lambda: threshold(CLOSE, 2, 1, long_only=1), TypeError, "long_only must be True or False, g"),
    (lambda: threshold(CLOSE * np.inf, 2, 1), ValueError, "close must hold finite numbers or NaN"),
    (lambda: threshold(CLOSE[::-1], 2, 1), ValueError, "close must be sorted by time"),
    (lambda: threshold(BARS, 2, 1), TypeError, "close must be a Series .* got a DataFrame"),
    (lambda: trend_following(CLOSE, 20, 20), ValueError, "fast must be below slow, got fast=20 an"),
    (lambda: trend_following(CLOSE, 0, 20), ValueError, "fast must be a whole number at least 1"),
    (lambda: trend_following(CLOSE, 2, 5.5), ValueError, "slow must be a whole .* got 5.5"),
    (lambda: trend_following(CLOSE, long_only=None), TypeError, "long_only must be True or False"),
    (lambda: mean_reversion(CLOSE, 1), ValueError, "window must be a whole number at least 2, got"),
    (lambda: mean_reversion(CLOSE, entry=0), ValueError, "entry must be a finite number above 0"),
    (lambda: mean_reversion(CLOSE, exit=2), ValueError, "exit must be .* at least 0 and below 2,"),
    (lambda: mean_reversion(CLOSE, exit=-1), ValueError, "exit must be .* at least 0"),
    (lambda: mean_reversion(CLOSE, 5, long_only="yes"), TypeError, "long_only must be True or Fa"),
    (lambda: mean_reversion(CLOSE.iloc[[0, 0]]), ValueError, "close must have one row per time"),
    (lambda: combination(CLOSE, oversold=50), ValueError, "oversold must be .* below 50, got 50"),
    (lambda: combination(CLOSE, overbought=50), ValueError, "overbought must be .* above 50 and"),
    (lambda: combination(CLOSE, agree=4), ValueError, "agree must be a whole number .* at most 3"),
    (lambda: combination(CLOSE, agree=0), ValueError, "agree must be a whole number at least 1"),
    (lambda: combination(CLOSE, long_only=0), TypeError, "long_only must be True or False"),
    (lambda: scalping(CLOSE), TypeError, "bars must be a DataFrame, got a Series"),
    (lambda: scalping(BARS[[]]), ValueError, r"bars must have a column 'close', got \[\]"),
    (lambda: scalping(BARS.reset_index()), TypeError, "tz-aware times as its index, got RangeInd"),
    (lambda: scalping(BARS.tz_localize(None)), TypeError, "bars must have tz-aware times"),
    (lambda: scalping(BARS[::-1]), ValueError, r"bars\['close'\] must be sorted by time"),
    (lambda: scalping(BARS.iloc[[0, 0]]), ValueError, r"bars\['close'\] must have one row per tim"),
    (lambda: scalping(BARS.shift(1, "30s")), ValueError, "whole minutes, got one that begins at 2"),
    (lambda: scalping(sawtooth("2031-03-03", "2031-03-03")[::5]), ValueError, "closer together th"),
    (lambda: scalping(BARS, lookback=0), ValueError, "lookback must be a whole number at least 1"),
    (lambda: scalping(BARS, move=0), ValueError, "move must be a finite number above 0, got 0"),
    (lambda: scalping(BARS, hold=1.5), ValueError, "hold must be a whole number at least 1, got"),
    (lambda: scalping(BARS, session="ETH"), ValueError, "session must be one of 'RTH', 'all', got"),
    (lambda: scalping(BARS, flat_minutes=0), ValueError, "flat_minutes must be a whole number at"),
    (lambda: scalping(BARS, long_only=2), TypeError, "long_only must be True or False, got 2"),
    (lambda: scalping(BARS * -np.inf), ValueError, r"bars\['close'\] must hold finite numbers"),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()
