"""The trading desk: a pure step, a screen that says what the desk says, and no look ahead."""

import base64
import html
import io
import re
import threading

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from m2k_lessons.explorers.controls import number
from m2k_lessons.explorers.desk_texts import account_html, answer_html, lists_html, result_html
from m2k_lessons.explorers.first_steps import TICKET, chart, describe, explore, start
from m2k_lessons.paper import Order, PaperAccount
from m2k_lessons.paper.desk import (
    MESSAGES,
    Cancel,
    Desk,
    FastForward,
    Flatten,
    Minutes,
    Reset,
    Submit,
    opened,
    order_text,
    result_card,
    step,
)


@pytest.fixture(scope="module")
def desk():
    return start()


@pytest.fixture(scope="module")
def screen():
    return explore()


@pytest.fixture
def fresh(screen):
    screen.reset.click()
    return screen


def shown_picture(screen):
    encoded = re.search(r"base64,([^\"]+)\"", screen._picture.value)[1]
    return Image.open(io.BytesIO(base64.b64decode(encoded))).tobytes()


def made_desk(closes, capital=5_000, opens=None):
    """A desk on handmade minutes; each opens where the one before closed, or at `opens`."""
    index = pd.date_range(
        "2030-03-05 10:00", periods=len(closes), freq="min", tz="America/New_York"
    )
    opens = [closes[0], *closes[:-1]] if opens is None else opens
    bars = pd.DataFrame({"open": opens, "close": closes}, index, dtype=float)
    bars["high"], bars["low"] = bars.max(axis=1), bars.min(axis=1)
    return opened(PaperAccount(bars, capital=capital, commission_usd=0.85))


# ---------------------------------------------------------------- the pure step


TICKETS = st.fixed_dictionaries(
    {
        "side": st.sampled_from(["buy", "sell"]),
        "contracts": st.integers(1, 7),
        "kind": st.sampled_from(["market", "limit", "stop"]),
        "time_in_force": st.sampled_from(["day", "gtc"]),
    },
    optional={
        "limit": st.sampled_from([2440.0, 2460.0, 2461.55]),
        "stop": st.sampled_from([2450.0, 2470.0]),
        "stop_loss_points": st.sampled_from([4.0, 8.0]),
        "profit_target_points": st.sampled_from([4.0, 16.0]),
    },
)
EVENTS = st.one_of(
    st.builds(Submit, TICKETS),
    st.builds(Cancel, st.integers(1, 9)),
    st.just(Flatten()),
    st.builds(Minutes, st.integers(1, 90)),
    st.builds(FastForward, st.sampled_from(["session", "day"])),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=10))
def test_a_step_leaves_the_old_desk_alone_and_can_be_repeated(desk, events):
    before = desk.account.to_bytes(), desk.opening.to_bytes(), desk.messages
    one = other = desk
    for event in events:
        kept = one.account.to_bytes(), one.messages
        after, again = step(one, event), step(other, event)
        assert (one.account.to_bytes(), one.messages) == kept
        assert after.account.to_bytes() == again.account.to_bytes()
        assert after.messages == again.messages
        assert 1 <= len(after.messages) <= MESSAGES
        assert after.account.now >= one.account.now
        one, other = after, again
    assert (desk.account.to_bytes(), desk.opening.to_bytes(), desk.messages) == before
    back = step(one, Reset())
    assert back.account.to_bytes() == before[0]
    assert back.messages == desk.messages


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENTS, min_size=1, max_size=8))
def test_the_desk_does_what_the_account_does(desk, events):
    """The same commands on a plain account, minute by minute, give the same bytes."""
    bars = desk.opening._market.frame
    account = PaperAccount(bars, capital=5_000, start=len(desk.opening.seen))
    for event in events:
        desk = step(desk, event)
        if isinstance(event, Submit):
            try:
                account.submit(Order(**event.ticket))
            except (TypeError, ValueError):
                assert desk.messages[-1][1].startswith("NOT SENT: ")
        elif isinstance(event, Cancel):
            account.cancel(event.id)
        elif isinstance(event, Flatten):
            account.flatten()
        while account.now < desk.account.now:
            account.step()
        assert account.to_bytes() == desk.account.to_bytes()


def test_a_bracket_by_hand():
    desk = made_desk([2400, 2400, 2404, 2409, 2407])
    ticket = {"side": "buy", "contracts": 2, "stop_loss_points": 4, "profit_target_points": 8}
    desk = step(step(desk, Submit(ticket)), Minutes(60))
    assert desk.interrupted  # the entry stopped the clock after a minute
    assert desk.account.now.minute == 2
    assert desk.account.position == 2
    entry = desk.account.fills["price"].iloc[0]
    assert entry == 2400.1  # a tick above the open: half the spread, rounded up
    desk = step(desk, Minutes(60))
    assert desk.account.now.minute == 4  # 2408.1 lies between 2404 and 2409
    assert desk.account.position == 0
    assert desk.account.cash_usd == pytest.approx(5_000 + 2 * 8 * 5 - 4 * 0.85)
    time, text = desk.messages[-2]
    assert text == "sold 2 at 2408.1 (profit target)"
    assert time == desk.account.fills["time"].iloc[-1]  # as chapter and journal tell it: 10:03
    assert desk.account.snapshot()["working"] == []


def test_the_broker_says_why(desk):
    def said(ticket, before=desk):
        return step(before, Submit(ticket)).messages[-1][1]

    assert said({"side": "buy", "contracts": 5}) == "order 1 accepted: buy 5 market day"
    assert said({"side": "buy", "contracts": 6}).startswith("REFUSED: 6 contracts")
    stop = {"side": "sell", "contracts": 1, "kind": "stop"}
    assert "must be below the market" in said(stop | {"stop": 2470.0})
    assert said(stop).startswith("NOT SENT: stop must be a price")
    assert said({"side": "<b>", "contracts": 1}).startswith("NOT SENT: side must be")
    closed = desk
    while closed.account.now.hour < 17:
        closed = step(closed, FastForward("session"))
    assert closed.account.snapshot()["session"] == "closed"
    assert "the market is closed" in said({"side": "buy", "contracts": 1}, closed)
    assert "no order" in step(desk, Cancel(99)).messages[-1][1].lower()


def test_orders_are_cancelled_one_by_one_or_all(desk):
    for price in (2340.0, 2341.0):  # far below the market
        ticket = {"side": "buy", "contracts": 1, "kind": "limit", "limit": price}
        desk = step(desk, Submit(ticket))
    one_left = step(desk, Cancel(1))
    assert one_left.messages[-1][1] == "order 1 cancelled: by the trader"
    assert [one["id"] for one in one_left.account.snapshot()["working"]] == [2]
    assert [one["id"] for one in desk.account.snapshot()["working"]] == [1, 2]
    held = step(step(desk, Submit({"side": "buy", "contracts": 1})), Minutes(1))
    flat = step(step(held, Flatten()), Minutes(1))
    assert (held.account.position, flat.account.position) == (1, 0)
    assert flat.account.snapshot()["working"] == []
    said = [text for _, text in flat.messages]
    assert "order 1 cancelled: by the trader" in said
    assert "order 4 accepted: sell 1 market day reduce only" in said
    nothing = step(step(desk, Flatten()), Flatten())
    assert nothing.messages[-1][1] == "there is no position to close"


def test_an_order_that_ends_by_itself_is_named():
    desk = made_desk([2400.0] * 430)
    desk = step(desk, Submit({"side": "buy", "contracts": 1, "kind": "limit", "limit": 2390.0}))
    for _ in range(2):  # 16:00, 17:00
        desk = step(desk, FastForward("session"))
    assert "order 1 expired: end of the trade date" in [text for _, text in desk.messages]


def test_the_clock_goes_to_sessions_and_days(desk):
    stops = []
    for _ in range(6):
        desk = step(desk, FastForward("session"))
        stops.append(f"{desk.account.now:%a %H:%M}")
    # The first minute of the evening session ends at 18:01.
    evening = ["Tue 16:00", "Tue 17:00", "Tue 18:01", "Wed 09:30"]
    assert stops == [*evening, "Wed 16:00", "Wed 17:00"]
    days = []
    for _ in range(4):
        desk = step(desk, FastForward("day"))
        days.append(f"{desk.account.now:%a %d %H:%M}")
    # Over the weekend, in which the clocks change.
    assert days == ["Thu 07 09:30", "Fri 08 09:30", "Mon 11 09:30", "Tue 12 09:30"]


def test_time_stops_for_what_matters_and_at_the_end():
    falling = made_desk([2400.0 - 0.5 * n for n in range(300)], capital=1_000)
    desk = step(step(falling, Submit({"side": "buy", "contracts": 1})), Minutes(1))
    desk = step(desk, Minutes(500))
    assert desk.interrupted
    assert not desk.account.finished
    assert any("closed" in text for _, text in desk.messages)
    end = step(step(desk, Minutes(500)), Minutes(500))
    assert end.account.finished
    assert end.interrupted
    assert "the replay is over" in end.messages[-1][1]
    again = step(step(end, Minutes(1)), FastForward("session"))
    assert again.messages == end.messages  # once is enough, and what was said before stays
    assert again.interrupted
    assert step(end, FastForward("day")).account.now == end.account.now


def test_unknown_events_are_refused(desk):
    with pytest.raises(TypeError, match="event must be one of the desk's events"):
        step(desk, "buy")
    with pytest.raises(KeyError):
        step(desk, FastForward("year"))


# ---------------------------------------------------------------- nothing from the future


def test_no_future_price_is_shown(desk):
    """Other prices after now: the same picture's numbers, the same texts."""
    frame = desk.opening._market.frame
    now = len(desk.opening.seen) + 30
    other = frame.copy()
    other.iloc[now:, other.columns.get_indexer(["open", "high", "low", "close"])] += 100.0
    ticket = {"side": "buy", "contracts": 1, "stop_loss_points": 30, "profit_target_points": 30}
    views = []
    for bars in (frame, other):
        one = opened(PaperAccount(bars, capital=5_000, start=len(desk.opening.seen)))
        one = step(step(step(one, Submit(ticket)), Minutes(1)), Minutes(29))
        assert len(one.account.seen) == now
        drawn = chart(one, 120)
        numbers = [np.asarray(drawn[name]).tolist() for name in ("close", "low", "high", "limits")]
        views.append((numbers, describe({}, drawn), account_html(one)))
    assert views[0] == views[1]


def test_the_chart_shows_the_last_minutes_seen(desk):
    drawn = chart(desk, 60)
    seen = desk.account.seen.iloc[-60:]
    assert drawn["close"].tolist() == seen["close"].tolist()
    assert drawn["minutes"].tolist() == list(range(-59, 1))
    assert drawn["limits"][0] < seen["low"].min() < seen["high"].max() < drawn["limits"][1]
    held = step(step(desk, Submit({"side": "sell", "contracts": 2})), Minutes(1))
    held = step(held, Submit({"side": "buy", "contracts": 2, "kind": "stop", "stop": 2370.0}))
    held = step(held, Minutes(4))
    drawn = chart(held, 60)
    assert drawn["sold"].tolist() == [[-4.0, held.account.fills["price"].iloc[0]]]
    assert len(drawn["bought"]) == 0
    assert [text for _, text, _ in drawn["levels"]] == ["−2 from 2,362.1", "2: buy 2 stop 2,370.0"]
    assert "Position: −2 from 2,362.1. Orders in the chart: 2: buy 2 stop 2,370.0." in describe(
        {}, drawn
    )


def test_a_position_out_of_the_chart_is_told():
    """The entry is far from the prices shown: no line, but nobody may read that there is none."""
    falling = [2400.0] * 3 + [2300.0] * 60
    desk = step(made_desk(falling, capital=20_000), Submit({"side": "buy", "contracts": 1}))
    desk = step(step(desk, Minutes(1)), Minutes(50))
    drawn = chart(desk, 30)
    assert drawn["levels"] == []
    assert "Position: +1 from 2,400.1. Orders in the chart: none." in describe({}, drawn)
    assert "+1 from 2,400.1" in account_html(desk)


def test_a_stop_limit_order_is_drawn_with_both_its_prices_beside_others():
    """Seven orders' worth of levels: the position, a bracket, a limit, a stop, a stop-limit."""
    desk = made_desk([2400.0] * 5)
    bracket = {"side": "buy", "contracts": 1, "stop_loss_points": 9, "profit_target_points": 9}
    desk = step(step(desk, Submit(bracket)), Minutes(1))
    one = {"side": "buy", "contracts": 1}
    desk = step(desk, Submit(one | {"kind": "limit", "limit": 2395.0}))
    desk = step(desk, Submit(one | {"kind": "stop", "stop": 2404.0}))
    desk = step(desk, Submit(one | {"kind": "stop-limit", "stop": 2406.0, "limit": 2407.0}))
    texts = [text for _, text, _ in chart(desk, 30)["levels"]]
    assert len(texts) == 7
    assert {"6: buy 1 stop 2,406.0", "6: buy 1 limit 2,407.0"} <= set(texts)


# ---------------------------------------------------------------- the screen


def test_every_control_is_labelled_and_on_the_screen(fresh):
    def inside(widget):
        yield widget
        for child in getattr(widget, "children", ()):
            yield from inside(child)

    on_screen = set(map(id, inside(fresh)))
    for name, control in fresh.controls.items():
        assert id(control) in on_screen, name
        if name != "ticker":  # hidden; Play is its button
            assert control.description.strip(), name
    assert fresh.controls["ticker"].layout.display == "none"


def test_sending_an_order_moves_picture_and_texts(fresh):
    before, said = shown_picture(fresh), fresh.alt
    fresh.controls["stop_loss_points"].value = "8"
    fresh.controls["profit_target_points"].value = "16"
    fresh.controls["send"].click()
    fresh.controls["minute"].click()
    assert shown_picture(fresh) != before
    assert fresh.alt != said
    assert html.unescape(re.search(r'alt="([^"]*)"', fresh._picture.value)[1]) == fresh.alt
    assert "Position: +1 from 2,362.3." in fresh.alt
    assert "2: sell 1 stop 2,354.3; 3: sell 1 limit 2,378.3" in fresh.alt
    assert "bought 1 at 2362.3" in fresh._texts.value
    assert "bought 1 at 2362.3" in fresh._last.value
    assert "$4,999.15" in fresh._account.value
    working = fresh.controls["working"].options
    assert [number for _, number in working] == [2, 3]
    assert fresh.controls["working"].value == 2
    fresh.controls["working"].value = 3
    fresh.controls["cancel"].click()
    assert [number for _, number in fresh.controls["working"].options] == [2]
    fresh.controls["flatten"].click()
    fresh.controls["minute"].click()
    assert fresh.desk.account.position == 0
    assert fresh.controls["cancel"].disabled
    fresh.controls["reset"].click()
    assert shown_picture(fresh) == before
    assert fresh.alt == said


def test_the_ticket_asks_for_the_prices_that_its_type_needs(fresh):
    wanted = {"market": [], "limit": ["limit"], "stop": ["stop"], "stop-limit": ["limit", "stop"]}
    for kind, prices in wanted.items():
        fresh.controls["kind"].value = kind
        enabled = [name for name in ("limit", "stop") if not fresh.controls[name].disabled]
        assert enabled == prices
        ticket = fresh.ticket()
        assert sorted(set(ticket) & {"limit", "stop"}) == prices
        assert Order(**ticket).kind == kind


def test_the_order_chosen_for_cancelling_stays_chosen(fresh):
    fresh.controls["stop_loss_points"].value = "60"
    fresh.controls["profit_target_points"].value = "60"
    fresh.controls["send"].click()
    fresh.controls["minute"].click()
    fresh.controls["working"].value = 3  # the profit target
    for name in ("stop_loss_points", "profit_target_points"):
        fresh.controls[name].value = ""
    fresh.controls["send"].click()
    assert fresh.controls["working"].value == 3
    fresh.controls["minute"].click()  # order 4 is filled and leaves the list
    assert [number for _, number in fresh.controls["working"].options] == [2, 3]
    assert fresh.controls["working"].value == 3
    fresh.controls["cancel"].click()
    assert fresh.controls["working"].value == 2
    assert "order 3 cancelled: by the trader" in fresh._texts.value
    fresh.send(Reset())
    assert fresh.controls["working"].value is None


def test_play_runs_on_the_browsers_timer_and_stops_at_a_fill(fresh):
    threads = threading.active_count()
    fresh.controls["play"].value = True
    assert fresh.controls["ticker"].playing
    assert fresh.controls["play"].description == "Pause"
    fresh.controls["ticker"].value += 1
    assert fresh.desk.account.now.minute == 1
    fresh.controls["ticker"].value += 3  # a busy kernel gets three ticks at once
    assert fresh.desk.account.now.minute == 4
    fresh.controls["send"].click()
    assert fresh.controls["play"].value
    fresh.controls["ticker"].value += 1
    assert fresh.desk.account.position == 1
    assert not fresh.controls["play"].value
    assert fresh.controls["play"].description == "Play"
    assert not fresh.controls["ticker"].playing
    assert threading.active_count() == threads
    ticks = 120 / 1  # at the slowest speed, one minute a tick
    assert ticks * fresh.controls["ticker"].interval / 1000 < 60


def test_texts_are_escaped():
    desk = made_desk([2400.0] * 3)
    nasty = Desk(desk.account, desk.opening, ((desk.account.now, "<script>&"),))
    for view in (answer_html, lists_html):
        assert "<script>" not in view(nasty)
        assert "&lt;script&gt;&amp;" in view(nasty)


def test_a_margin_call_stands_in_the_account_line():
    desk = made_desk([2400.0] * 300 + [2330.0] * 130, capital=1_100)
    desk = step(desk, Submit({"side": "buy", "contracts": 1}))
    for _ in range(3):  # the fill, 16:00, settlement at 17:00
        desk = step(desk, FastForward("session"))
    # 1,100 - 0.85 - 70.1 * 5 is 748.65, below maintenance; back to 950 it takes 201.35
    assert "MARGIN CALL" in account_html(desk)
    assert "$201.35 by Wed 09:30" in account_html(desk)
    assert desk.interrupted


def test_an_order_in_words():
    desk = made_desk([2400.0] * 5)
    ticket = {"side": "buy", "contracts": 1, "kind": "stop-limit", "stop": 2405.0, "limit": 2406.0}
    desk = step(desk, Submit(ticket | {"stop_loss_points": 4.0}))
    (one,) = desk.account.snapshot()["working"]
    assert order_text(one) == "1: buy 1 stop 2,405.0 limit 2,406.0 day"


def test_a_refusal_is_marked_beside_the_button(fresh):
    fresh.controls["contracts"].value = "50"
    fresh.controls["send"].click()
    assert "✗" in fresh._last.value
    assert "REFUSED" in fresh._last.value
    assert 'role="alert"' in fresh._last.value
    fresh.controls["contracts"].value = "1"
    fresh.controls["send"].click()
    assert "✗" not in fresh._last.value
    assert 'role="status"' in fresh._last.value
    assert "order 2 accepted" in fresh._last.value  # the refused one has a number too
    assert "✗" not in fresh._last.value


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("contracts", "three", "contracts must be"),
        ("contracts", "", "contracts must be"),
        ("contracts", "1.5", "contracts must be"),
        ("contracts", "−2", "contracts must be"),
        ("stop_loss_points", "ten", "stop_loss_points must be"),
        ("limit", "high", "limit must be"),
        ("limit", "", "limit must be"),
    ],
)
def test_nonsense_in_the_ticket_gets_a_word(fresh, field, typed, says):
    if field == "limit":
        fresh.controls["kind"].value = "limit"
    fresh.controls[field].value = typed
    fresh.controls["send"].click()
    assert f"✗ 10:00 · NOT SENT: {says}" in fresh._last.value
    assert fresh.desk.account.orders.empty


def test_a_decimal_comma_in_the_ticket_is_understood(fresh):
    fresh.controls["kind"].value = "limit"
    fresh.controls["limit"].value = "2.450,5".replace(".", "")
    fresh.controls["send"].click()
    (order,) = fresh.desk.account.snapshot()["working"]
    assert order["limit"] == 2450.5
    assert [number(text) for text in ("2,450", "1,5", "-3", "1e5")] == [2450, 1.5, -3, "1e5"]


def test_greyed_boxes_are_blank(fresh):
    for kind in ("stop-limit", "market", "limit", "stop"):
        fresh.controls["kind"].value = kind
        for name in ("limit", "stop"):
            box = fresh.controls[name]
            assert box.value == ("" if box.disabled else "2362.1")


def test_start_again_resets_the_ticket_too(fresh):
    for name, value in {"side": "sell", "contracts": "5", "kind": "stop-limit"}.items():
        fresh.controls[name].value = value
    fresh.controls["stop_loss_points"].value = "4"
    fresh.controls["time_in_force"].value = "gtc"
    fresh.controls["minutes"].value = 240
    fresh.controls["minute"].click()
    fresh.controls["result"].click()
    fresh.reset.click()
    assert {name: fresh.controls[name].value for name in TICKET} == TICKET
    assert fresh.controls["limit"].disabled
    assert fresh.controls["stop"].disabled
    assert fresh.state == {"minutes": 120}
    assert fresh.desk.account.now == start().account.now
    assert fresh._card.value == ""


def test_the_end_is_said_once_and_stops_the_clock(monkeypatch):
    from m2k_lessons.explorers.first_steps import TradingDesk

    short = TradingDesk(made_desk([2400.0, 2401.0, 2402.0, 2403.0]))
    short.controls["send"].click()
    short.controls["play"].value = True
    for _ in range(6):
        short.controls["ticker"].value += 1
    assert not short.controls["play"].value
    assert sum("the replay is over" in text for _, text in short.desk.messages) == 1
    clock = ("play", "minute", "session", "day", "send", "flatten", "cancel")
    assert all(short.controls[name].disabled for name in clock)
    assert not short.reset.disabled
    assert "Holding one contract from the start" in short._card.value
    short.reset.click()
    assert not any(short.controls[name].disabled for name in clock[:-1])
    assert short._card.value == ""


def test_the_result_card_adds_up():
    """Two round trips and an open position, by hand: 5 dollars a point, 85 cents a side."""
    closes = [2400.0, 2404.0, 2404.0, 2398.0, 2398.0, 2406.0, 2406.0]
    desk = made_desk(closes, capital=20_000)
    events = ["buy", "sell", "sell", "buy", "buy", "wait"]
    for event in events:
        if event != "wait":
            desk = step(desk, Submit({"side": event, "contracts": 1}))
        desk = step(desk, Minutes(1))
    fills = desk.account.fills
    card = result_card(desk)
    signs = np.where(fills["side"] == "buy", 1, -1)
    money = -(signs * fills["price"]).sum() * 5 + desk.account.position * closes[-1] * 5
    assert card["fees_usd"] == pytest.approx(5 * 0.85)
    assert card["made_usd"] == pytest.approx(money - card["fees_usd"])
    trades = card["trades"]
    assert len(trades) == 2
    assert (card["won"], card["lost"]) == tuple(
        int((trades["pnl_usd"] * sign > 0).sum()) for sign in (1, -1)
    )
    assert card["won_usd"] + card["lost_usd"] == pytest.approx(trades["pnl_usd"].sum())
    equity = [20_000.0, *desk.account.equity.iloc[1:]]
    falls = [max(equity[: n + 1]) - value for n, value in enumerate(equity)]
    assert card["largest_fall_usd"] == pytest.approx(max(falls))
    first = fills["price"].iloc[0]
    assert card["holding_usd"] == pytest.approx((closes[-1] - first) * 5 - 0.85)
    assert card["nothing_usd"] == 0
    shown = html.unescape(result_html(desk))
    assert "One day proves nothing" in shown
    for value in (card["made_usd"], card["holding_usd"]):
        assert f"${abs(value):,.2f}" in shown
    assert lists_html(desk).count("<tr>") == 1 + len(trades)


def test_holding_that_the_broker_refuses_is_told():
    desk = step(made_desk([2400.0, 2401.0, 2402.0], capital=500), Minutes(1))
    card = result_card(desk)
    assert card["holding_usd"] is None
    assert card["refused"]
    assert html.escape(card["refused"]) in result_html(desk)
