"""What chapter 04 tells in words, without a number that a tag could hold."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import contracts, data, facts, paper
from m2k_lessons.explorers.first_steps import FastForward, Minutes, Submit, start, step

M2K = contracts.M2K


@pytest.fixture(scope="module")
def m2k():
    return data.load("intraday")["M2K"]


def opened(m2k, first_minute, last_minute, capital=5_000):
    return paper.PaperAccount(m2k.loc[first_minute:last_minute], capital=capital)


def test_the_opening_question(m2k):
    account = opened(m2k, "2030-02-25 09:59", "2030-03-01 16:59", 2_000)
    assert f"{account.now:%A %H:%M}" == "Monday 10:00"
    assert account.submit(paper.market("buy", 2))
    account.step(1_800)
    assert f"{account.now:%A %H:%M}" == "Tuesday 17:00"
    call = account.snapshot()["margin_call"]
    assert call["amount_usd"] == 827.70
    assert f"{call['deadline']:%A %H:%M}" == "Wednesday 09:30"
    on_tuesday = account.snapshot()["last"]
    account.step(5_000)
    assert account.snapshot()["last"] > on_tuesday  # "on Friday the price is higher again"
    assert account.position == 1  # "sells one contract"


def test_when_and_where_the_orders_of_loop_2_are_filled(m2k):
    def filled(order):
        account = opened(m2k, "2030-02-25 09:59", "2030-02-25 16:59")
        account.submit(order)
        account.step(420)
        (fill,) = account.fills.itertuples()
        return f"{fill.time:%H:%M}", fill.price, fill.cost_ticks

    assert filled(paper.market("buy", 1)) == ("10:00", 2429.0, 1)
    assert filled(paper.limit("buy", 1, 2425.0)) == ("10:15", 2425.0, 0)
    assert filled(paper.stop("buy", 1, 2432.0)) == ("10:02", 2432.1, 1)
    assert m2k.close["2030-02-25 09:59"] == m2k.open["2030-02-25 10:00"]  # "opened there too"
    bars = m2k["2030-02-25 10:00":"2030-02-25 16:59"]
    assert f"{bars.index[bars.low < 2425.0][0]:%H:%M}" == "10:15"
    assert f"{bars.index[bars.high >= 2432.0][0]:%H:%M}" == "10:02"


def over_the_break(m2k, exit_order):
    account = opened(m2k, "2030-03-20 14:59", "2030-03-22 16:59")
    account.submit(paper.market("buy", 1))
    account.step(119)
    assert f"{account.now:%A %H:%M}" == "Wednesday 16:59"
    account.submit(exit_order)
    account.step(5_000)
    assert f"{account.now:%A %H:%M}" == "Friday 17:00"
    return account


def test_the_break_with_a_lower_limit(m2k):
    lower = paper.stop_limit("sell", 1, 2215.0, limit=2212.0, time_in_force="gtc")
    sale = over_the_break(m2k, lower).fills.iloc[-1]
    assert (f"{sale['time']:%A %H:%M}", sale["price"]) == ("Wednesday 18:52", 2212.0)
    after = m2k.loc["2030-03-20 18:00":"2030-03-22 16:59"]
    assert f"{after.index[0]:%A %H:%M}" == "Wednesday 18:00"
    assert 2214.0 < after["high"].max() < 2215.0  # "came within a point of it and turned down"
    assert after["high"].iloc[0] < 2215.0 < m2k.loc[:"2030-03-20 16:59"].iloc[-1]["low"]
    assert after["spread_ticks"].iloc[0] == 17  # "spreads are wide at that hour"


def test_the_stop_of_the_break_was_within_its_protection(m2k):
    """Held closer than the gap, the same stop is not filled: it waits where its band ends."""
    order = paper.stop("sell", 1, 2215.0, time_in_force="gtc")
    assert over_the_break(m2k, order).position == 0
    bars = m2k.loc["2030-03-20 14:59":"2030-03-22 16:59"]
    account = paper.PaperAccount(bars, capital=5_000, protection_points=2.0)
    account.submit(paper.market("buy", 1))
    account.step(119)
    account.submit(order)
    account.step(2)
    assert account.position == 1


def test_every_stop_of_the_sixty_lost_what_was_planned(m2k):
    account = paper.PaperAccount(m2k, capital=5_000)
    plan = paper.bracket(
        paper.market("buy", 2),
        stop_loss_points=8,
        profit_target_points=16,
        exit_time_in_force="day",
    )
    times = (m2k.index + pd.Timedelta("1min")).strftime("%H:%M")
    full = set(m2k.between_time("15:50", "15:50").index.date)
    for bar in range(len(m2k) - 1):
        day = m2k.index[bar].date()
        if day in full and times[bar] in ("10:00", "15:50"):
            if behind := bar + 1 - len(account.seen):
                account.step(behind)
            if times[bar] == "10:00":
                account.submit(plan)
            elif account.position:
                account.flatten()
    account.step(2)
    trades = account.trades
    assert len(trades) == 60
    by_role = trades.groupby("exit_role")["pnl_usd"]
    stopped = by_role.get_group("stop loss")
    beyond = stopped[~np.isclose(stopped, -84.40)]
    assert len(beyond) == 2  # "two ... lost a dollar or two more"
    assert beyond.between(-86.41, -85.39).all()
    assert np.allclose(by_role.get_group("profit target"), 156.60)
    assert len(stopped) == 35


def test_had_the_price_fallen_on_the_order_would_be_reversed():
    """From Thursday 09:30 on: two contracts, one, one; the last two differ by what they sold at."""
    maintenance = facts.fact("margin.maintenance.M2K").value
    assert 2 * maintenance > 1_072.30  # the call was due
    index = pd.date_range("2030-03-05 09:59", periods=3_900, freq="min", tz="America/New_York")
    index = index[(index.hour != 17)]
    minutes = np.arange(len(index))
    closes = np.round(np.interp(minutes, [0, 1_860, len(index)], [2461.0, 2370.0, 2330.0]), 1)
    bars = pd.DataFrame({"close": closes}, index)
    bars["open"] = bars["close"].shift().fillna(2461.0)
    bars["high"], bars["low"] = bars.max(axis=1), bars.min(axis=1)
    ends = {}
    for answer in ("pay in", "sell one", "do nothing"):
        account = paper.PaperAccount(bars, capital=2_000)
        account.submit(paper.market("buy", 2))
        while account.snapshot()["margin_call"] is None:
            account.step()
        paid_in = 0.0
        if answer == "pay in":
            paid_in = account.snapshot()["margin_call"]["amount_usd"]
            account.deposit(paid_in)
        if answer == "sell one":
            account.step()
            account.submit(paper.market("sell", 1))
        account.step(10_000)
        ends[answer] = account.equity_usd - paid_in
    assert ends["sell one"] > ends["do nothing"] > ends["pay in"]


def test_sixty_trades_as_the_quiz_tells_them(m2k):
    """Eight of thirty right days lost; worked out from the bars, without the account."""
    right = right_but_lost = 0
    for _, bars in m2k.between_time("10:00", "15:49").groupby(lambda time: time.date()):
        if len(bars) < 350:
            continue
        entry = bars["open"].iloc[0] + 0.1 * np.ceil(bars["spread_ticks"].iloc[0] / 2)
        stopped = np.flatnonzero(bars["low"] <= entry - 8 + 1e-9)
        gained = np.flatnonzero(bars["high"] > entry + 16 + 1e-9)
        first_stop = stopped[0] if len(stopped) else 999
        first_gain = gained[0] if len(gained) else 999
        rose = bars["close"].iloc[-1] > entry
        right += rose
        right_but_lost += rose and first_stop < first_gain
    assert (right, right_but_lost) == (30, 8)


def test_what_the_desk_answers():
    desk = start()
    assert "REFUSED" in step(desk, Submit({"side": "buy", "contracts": 6})).messages[-1][1]
    assert "order 1 accepted" in step(desk, Submit({"side": "buy", "contracts": 5})).messages[-1][1]
    last = desk.account.now
    while not desk.account.finished:
        desk = step(desk, FastForward("session"))
    dates = pd.bdate_range(last.date(), desk.account.now.date())
    assert len(dates) == 9  # from a Tuesday to the Friday of the week after

    def trade(side, points):
        ticket = {"side": side, "contracts": 1, "stop_loss_points": points}
        desk = step(start(), Submit(ticket | {"profit_target_points": 16}))
        return step(step(desk, Minutes(1)), Minutes(400)).account.trades.iloc[0]

    buyer, seller = trade("buy", 8), trade("sell", 8)
    assert (f"{buyer['exit_time']:%H:%M}", buyer["exit_role"]) == ("11:15", "stop loss")
    assert (f"{seller['exit_time']:%H:%M}", seller["exit_role"]) == ("11:30", "profit target")
    assert [round(trade("buy", wide)["pnl_usd"], 2) for wide in (12, 16)] == [-62.20, -82.20]
