"""Expiry dates against a calendar by hand; the replay against one hedge worked out by hand."""

import dataclasses
import datetime as dt
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import contracts, data, options
from m2k_lessons._util import option_pricing
from m2k_lessons.facts import fact
from m2k_lessons.options import expiries, hedge, quote, replay_protective_put

NEW_YORK = "America/New_York"


@pytest.fixture(scope="module")
def market():
    return data.load("daily")


@pytest.fixture(scope="module")
def surface():
    return data.load("chain").truth


def first(market, days):
    """The market's first days, as a plain mapping."""
    names = ("M2K", "M2K_next", "M2K_expiring", "M2K_continuous")
    return {name: market[name].iloc[:days] for name in names}


@pytest.fixture(scope="module")
def two_years(market):
    return first(market, 504)


@pytest.fixture(scope="module")
def held(two_years, surface):
    return replay_protective_put(two_years, surface)


@pytest.fixture(scope="module")
def rolled(two_years, surface):
    return replay_protective_put(two_years, surface, roll_days=30)


# --- expiries ---------------------------------------------------------------------------------


def test_a_month_by_hand():
    """March 2030: third Friday on the 15th, a Friday as its last trading day."""
    table = expiries("2030-03-01", "2030-03-31")
    days = [f"{one:%d}" for one in table.index]
    weeks = ["01", "04 05 06 07 08", "11 12 13 14 15", "18 19 20 21 22", "25 26 27 28 29"]
    assert " ".join(days) == " ".join(weeks)
    kinds = dict(zip(days, table["kind"], strict=True))
    assert kinds.pop("15") == "quarterly"
    assert kinds.pop("29") == "end of month"
    assert set(kinds.values()) == {"weekly"}
    assert (table["style"] == "American").tolist() == [day == "15" for day in days]
    assert table["underlying"].tolist() == ["RTYH30"] * 11 + ["RTYM30"] * 10
    clocks = {f"{one:%H:%M}" for one in table.index[table["kind"] != "quarterly"]}
    assert clocks == {"16:00"}
    assert table.index[10] == pd.Timestamp("2030-03-15 09:30", tz=NEW_YORK)


def test_quarterlies_expire_with_their_future_also_on_holidays():
    table = expiries("2026-01-01", "2035-12-31", "quarterly")
    assert len(table) == 40
    for instant, code in table["underlying"].items():
        assert instant.date() == contracts.last_trading_day(code)
        assert f"{instant:%H:%M}" == "09:30"
    juneteenth = table.index[table["underlying"] == "RTYM26"][0]
    assert juneteenth.date() == dt.date(2026, 6, 18)


def test_a_short_day_and_a_closed_one():
    table = expiries("2026-11-25", "2026-11-30")
    assert [f"{one:%d %H:%M}" for one in table.index] == ["25 16:00", "27 13:00", "30 16:00"]
    assert table["kind"].tolist() == ["weekly", "weekly", "end of month"]
    weekend = expiries("2026-11-28", "2026-11-29")
    assert len(weekend) == 0
    assert weekend.columns.tolist() == table.columns.tolist()


def test_the_course_s_chain_lists_what_the_rules_allow(surface):
    for day, instant, style, code, *_ in surface.expiries:
        listed = expiries(day, day)
        assert listed.index[0] == pd.Timestamp(instant)
        assert listed[["style", "underlying"]].iloc[0].tolist() == [style, code]


@settings(max_examples=30, deadline=None)
@given(
    st.dates(dt.date(2018, 1, 1), dt.date(2039, 6, 30)),
    st.integers(0, 120),
    st.sampled_from(hedge.KINDS),
)
def test_a_kind_is_a_part_and_a_cut_changes_nothing(start, days, kind):
    end = start + dt.timedelta(days=days)
    every = expiries(start, end)
    assert every.index.is_monotonic_increasing
    assert every.index.is_unique
    pd.testing.assert_frame_equal(expiries(start, end, kind), every[every["kind"] == kind])
    beyond = expiries(start, end + dt.timedelta(days=15))
    pd.testing.assert_frame_equal(beyond.iloc[: len(every)], every)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("2030-02-01", "2030-01-01"), ValueError, "in that order"),
        (("2017-01-01", "2018-01-01"), ValueError, "2017-07-10"),
        (("2030-01-01", "2069-01-01"), ValueError, "2068-12-30"),
        (("soon", "2030-01-01"), ValueError, "start must be a date"),
        (("2030-01-01", "2030-02-01", "monthly"), ValueError, "kinds must be one of"),
        (("2030-01-01", "2030-02-01", []), ValueError, "at least one"),
    ],
)
def test_bad_days_and_kinds(arguments, error, says):
    with pytest.raises(error, match=says):
        expiries(*arguments)


# --- the replay -------------------------------------------------------------------------------


def normal(x):
    return math.erfc(-x / math.sqrt(2)) / 2


def put_by_hand(forward, strike, years, rate, volatility):
    deviation = volatility * math.sqrt(years)
    upper = math.log(forward / strike) / deviation + deviation / 2
    inside = strike * normal(deviation - upper) - forward * normal(-upper)
    return math.exp(-rate * years) * inside


def test_one_hedge_by_hand(two_years, surface):
    """Of the end-of-month puts of autumn 2030, from raw closes with a pocket calculator's means."""
    replay = replay_protective_put(
        two_years, surface, kind="end of month", days_to_expiry=28, commission_usd=3.0
    )
    put = replay.puts.loc["2030-10-31"]
    closes = two_years["M2K_expiring"]["close"]
    forward = closes.loc["2030-10-31"].item()
    strike = 10 * round(0.95 * forward / 10)
    assert (put["forward"], put["strike"], put["days"]) == (forward, strike, 29)
    assert put["underlying"] == "RTYZ30"

    changes = two_years["M2K_continuous"]["close"].diff()
    before = two_years["M2K"]["close"].shift()
    returns = [math.log(1 + c / b) for c, b in zip(changes, before, strict=True) if b == b]
    today = two_years["M2K"].index.get_loc(pd.Timestamp("2030-10-31", tz=NEW_YORK))
    last = returns[today - 21 : today]  # the first return is the second day's
    mean = sum(last) / 21
    short = math.sqrt(252 * sum((one - mean) ** 2 for one in last) / 20) + 0.02
    years = (28 * 24 + 21 + 1) / 24 / 365  # to 13:00 on the 29th, and the clock goes back an hour
    left = (1 - math.exp(-4 * years)) / (4 * years)
    theta = (0.23**2 + (short**2 - 0.23**2) * left) * years
    bent = 0.8 / math.sqrt(theta) * math.log(strike / forward)
    smile = theta / 2 * (1 - 0.6 * bent + math.sqrt((bent - 0.6) ** 2 + 1 - 0.6**2))
    volatility = math.sqrt(smile / years)
    assert put["volatility"] == pytest.approx(volatility, rel=1e-9)
    worth = put_by_hand(forward, strike, years, 0.04, volatility)
    tick = 0.1 if worth + 0.05 + 0.0066 * worth > 5 else 0.05
    ask = math.ceil((worth + 0.05 + 0.0066 * worth) / tick) * tick
    assert put["premium"] == pytest.approx(ask)

    at_expiry = closes.loc["2030-11-29"].item()
    back = max(strike - at_expiry, 0)
    assert put["received"] == pytest.approx(back)
    sides = 2 if back else 1
    assert put["gain_usd"] == pytest.approx(50 * (back - ask) - 3 * sides)
    assert put["cost_usd"] == pytest.approx(50 * (ask - worth) + 3 * sides)
    days = replay.daily.loc["2030-11-01":"2030-11-28", "puts_usd"].sum()
    last = replay.daily.loc["2030-11-29", "puts_usd"].item()
    assert days + last == pytest.approx(50 * (back - worth))


def test_quarterlies_settle_at_the_opening(held, two_years):
    expired = held.puts[held.puts["how"].isin(["exercised", "expired worthless"])]
    assert len(expired) == 8
    opens = two_years["M2K_expiring"]["open"]
    for put in expired.itertuples():
        assert put.ended.date() == contracts.last_trading_day(put.underlying)
        assert put.received == pytest.approx(max(put.strike - opens[put.ended], 0))
        assert (put.how == "exercised") == (put.received > 0)


def test_quarterlies_are_worth_what_american_gives(held, surface):
    put = held.puts.loc["2030-06-21"]
    instant = pd.Timestamp("2030-06-21 16:00", tz=NEW_YORK)
    years = (put["expires"] - instant) / pd.Timedelta(days=365)
    model = {"years": years, "rate": surface.rate, "volatility": put["volatility"], "kind": "put"}
    american = options.american(put["forward"], put["strike"], **model)
    assert quote(american)[1] == put["premium"]
    assert american > options.black76(put["forward"], put["strike"], **model)


def test_rolled_puts_are_sold_in_time_and_replaced_on_the_day(rolled):
    puts = rolled.puts
    assert set(puts["how"].iloc[:-1]) == {"sold"}
    assert puts["how"].iloc[-1] == "sold on the last day"
    left = [(e.date() - d.date()).days for e, d in zip(puts["expires"], puts["ended"], strict=True)]
    assert all(30 <= days <= 34 for days in left[:-1])  # a weekend or holiday at most
    assert puts.index[1:].tolist() == puts["ended"].iloc[:-1].tolist()
    assert (puts["received"].iloc[:-1] > 0).all()


def test_every_dollar_is_counted_once(held, rolled, two_years):
    points = two_years["M2K_continuous"]["close"]
    for replay in (held, rolled):
        daily, puts, years = replay.daily, replay.puts, replay.by_year()
        both = daily["puts_usd"].sum() + daily["costs_usd"].sum()
        assert both == pytest.approx(puts["gain_usd"].sum())
        assert -daily["costs_usd"].sum() == pytest.approx(puts["cost_usd"].sum())
        held_usd = 50 * (points.iloc[-1] - points[daily.index[0]])
        assert daily["futures_usd"].sum() == pytest.approx(held_usd)
        parts = daily[["futures_usd", "puts_usd", "costs_usd"]].sum(axis=1)
        np.testing.assert_allclose(daily["hedged_usd"], parts)
        assert years.index.tolist() == ["2030", "2031", "2032", "total"]
        np.testing.assert_allclose(years.loc["total"], daily.sum())
        np.testing.assert_allclose(years.iloc[:3].sum(), years.loc["total"])


def test_no_put_looks_ahead(two_years, surface, rolled):
    """Other prices from a day on leave every earlier purchase and day as it was."""
    cut = 300
    rng = np.random.default_rng(5)
    factor = np.r_[np.ones(cut), rng.uniform(0.8, 1.2, 504 - cut)]
    other = {}
    for name, frame in two_years.items():
        prices = ["open", "high", "low", "close"]
        other[name] = frame.assign(**{one: (frame[one] * factor).round(1) for one in prices})
    changed = replay_protective_put(other, surface, roll_days=30)
    known = two_years["M2K"].index[cut]
    bought = rolled.puts[rolled.puts.index < known]
    ended = bought[bought["ended"] < known]
    assert 3 < len(ended) < len(bought)
    purchase = ["expires", "days", "forward", "strike", "volatility", "premium"]
    pd.testing.assert_frame_equal(changed.puts.loc[bought.index, purchase], bought[purchase])
    pd.testing.assert_frame_equal(changed.puts.loc[ended.index], ended)
    days = rolled.daily.index[rolled.daily.index < known]
    pd.testing.assert_frame_equal(changed.daily.loc[days], rolled.daily.loc[days])
    assert not np.allclose(changed.daily.iloc[-1], rolled.daily.iloc[-1])


def test_size_costs_and_dearer_volatility(two_years, surface, rolled):
    twice = replay_protective_put(two_years, surface, roll_days=30, contracts=20)
    np.testing.assert_allclose(twice.daily, 2 * rolled.daily)
    dear = replay_protective_put(two_years, surface, roll_days=30, volatility_premium=0.06)
    assert (dear.puts["premium"] > rolled.puts["premium"]).all()
    free = replay_protective_put(two_years, surface, roll_days=30, commission_usd=0)
    sides = 2 * len(rolled.puts)
    saved = rolled.puts["cost_usd"].sum() - free.puts["cost_usd"].sum()
    assert saved == pytest.approx(sides * fact("course.commission.RTY").value)


def test_below_the_strike_the_hedge_pays_what_the_future_loses(two_years, surface):
    """A market that falls by 1 % every day: the held put stops the loss at its strike."""
    fallen = {}
    days = len(two_years["M2K"])
    path = 2500 * 0.99 ** np.arange(days)
    for name, frame in two_years.items():
        prices = dict.fromkeys(["open", "high", "low", "close"], np.round(path, 1))
        fallen[name] = frame.assign(**prices)
    replay = replay_protective_put(fallen, surface)
    put = replay.puts.iloc[1]
    assert put["how"] == "exercised"
    between = replay.daily.loc[replay.puts.index[1] : put["ended"]].iloc[1:]
    settled = put["strike"] - put["received"]  # the put's and the future's last price
    assert between["futures_usd"].sum() == pytest.approx(50 * (settled - put["forward"]), abs=0.01)
    together = between["futures_usd"].sum() + 50 * put["received"]
    assert together == pytest.approx(50 * (put["strike"] - put["forward"]), abs=0.01)


@settings(max_examples=100, deadline=None)
@given(st.floats(0, 600))
def test_a_quote_lies_around_the_value_on_its_ticks(value):
    bid, ask = quote(value)
    assert 0 <= bid <= value + 1e-6 <= ask + 1e-5
    for side in (bid, ask):
        assert option_pricing.on_tick(side, option_pricing.nearest) == pytest.approx(side)
    assert ask - bid <= 2 * (0.05 + 0.0066 * min(value, 250)) + 0.2 + 1e-6


def test_the_spread_is_that_of_the_course_s_chain():
    chain = data.load("chain")["chain"]
    chain = chain[(chain["mid"] > 10) & (chain["mid"] < 250)]
    there = (chain["ask"] - chain["bid"]).mean()
    here = np.mean([ask - bid for bid, ask in map(quote, chain["mid"])])
    assert here == pytest.approx(there, rel=0.03)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"days_to_expiry": 0}, ValueError, "days_to_expiry must be"),
        ({"days_to_expiry": 30.5}, ValueError, "whole number"),
        ({"roll_days": 91}, ValueError, "roll_days must be"),
        ({"distance_pct": -1}, ValueError, "distance_pct must be"),
        ({"contracts": 15}, ValueError, "multiple of 10"),
        ({"kind": "weekly"}, ValueError, "kind must be one of"),
        ({"volatility_premium": 2}, ValueError, "volatility_premium must be"),
        ({"window": 1}, ValueError, "window must be"),
        ({"commission_usd": -1}, ValueError, "commission_usd must be"),
        ({"surface": 0.2}, TypeError, "surface must be"),
        ({"market": 3}, TypeError, "market must be"),
    ],
)
def test_bad_arguments(two_years, surface, change, error, says):
    arguments = {"market": two_years, "surface": surface} | change
    with pytest.raises(error, match=says):
        replay_protective_put(**arguments)


def test_bad_markets(two_years, surface, market):
    less = {name: frame for name, frame in two_years.items() if name != "M2K_next"}
    with pytest.raises(ValueError, match="M2K_next.*missing"):
        replay_protective_put(less, surface)
    bare = two_years | {"M2K": two_years["M2K"].drop(columns="contract")}
    with pytest.raises(ValueError, match="contract is missing"):
        replay_protective_put(bare, surface)
    shifted = two_years | {"M2K_next": two_years["M2K_next"].iloc[1:]}
    with pytest.raises(ValueError, match="the same days"):
        replay_protective_put(shifted, surface)
    with pytest.raises(ValueError, match="more than 23 days"):
        replay_protective_put(first(market, 20), surface)
    day = pd.Timestamp("2030-06-21", tz=NEW_YORK)
    holed = {name: frame.drop(index=day) for name, frame in two_years.items()}
    with pytest.raises(ValueError, match="a bar on 2030-06-21"):
        replay_protective_put(holed, surface)


def test_a_result_cannot_be_rebound(held):
    with pytest.raises(dataclasses.FrozenInstanceError):
        held.puts = None
