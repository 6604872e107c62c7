"""Market and stop orders with the exchange's protection: a band, and what is left outside it."""

import pandas as pd
import pytest

from m2k_lessons.facts import fact
from m2k_lessons.paper import PaperAccount, bracket, desk, limit, market, stop, stop_limit
from m2k_lessons.risk import Limits, RiskEngine

FREE = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0}
NEW_YORK = "America/New_York"


def frame(rows):
    rows = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    index = pd.date_range("2030-03-05 10:00", periods=len(rows), freq="min", tz=NEW_YORK)
    return pd.DataFrame(rows, index, ["open", "high", "low", "close"], dtype=float)


def outcome(order, *bars, **terms):
    """Fill prices of an order that comes in at 2400 with 5 points of protection."""
    terms = FREE | {"protection_points": 5.0} | terms
    account = PaperAccount(frame([2400, *bars]), **terms)
    assert account.submit(order)
    account.step(len(bars))
    return account.fills["price"].tolist(), account


@pytest.mark.parametrize(
    ("order", "bar", "price"),
    [
        # A market order is counted from the last price, 2400.
        (market("buy", 1), 2405.0, 2405.0),
        (market("buy", 1), 2405.1, None),
        (market("sell", 1), 2395.0, 2395.0),
        (market("sell", 1), 2394.9, None),
        # A stop is counted from its level.
        (stop("sell", 1, 2390.0), 2385.0, 2385.0),
        (stop("sell", 1, 2390.0), 2384.9, None),
        (stop("buy", 1, 2410.0), 2415.0, 2415.0),
        (stop("buy", 1, 2410.0), 2415.1, None),
        (stop("sell", 1, 2390.0), (2400, 2400, 2300, 2300), 2390.0),  # reached on the way: no gap
        # The open is beyond, the price comes back: filled where the protection ends.
        (stop("sell", 1, 2390.0), (2384, 2385.1, 2380, 2381), 2385.0),
        (stop("sell", 1, 2390.0), (2384, 2385.0, 2380, 2381), None),
        (market("buy", 1), (2406, 2406, 2404.9, 2406), 2405.0),
    ],
)
def test_the_band_on_both_sides_of_its_end(order, bar, price):
    prices, account = outcome(order, bar)
    assert prices == ([] if price is None else [price])
    if price is None:
        (waiting,) = account.snapshot()["working"]
        direction = 1 if order.side == "buy" else -1
        start = 2400.0 if order.stop is None else order.stop
        assert (waiting["kind"], waiting["stop"]) == ("limit", None)
        assert waiting["limit"] == start + 5 * direction


def test_costs_count_for_the_band():
    assert outcome(market("buy", 1), 2404.8, slippage_ticks=2)[0] == [2405.0]
    assert outcome(market("buy", 1), 2404.9, slippage_ticks=2)[0] == [2405.0]  # never beyond it
    assert outcome(market("buy", 1), 2405.0, slippage_ticks=2)[0] == []


def test_what_is_left_can_be_filled_later_or_never():
    order = stop("sell", 1, 2390.0, time_in_force="gtc")
    prices, account = outcome(order, 2384.0, 2380.0, (2383, 2385.1, 2383, 2385))
    assert prices == [2385.0]
    events = account.journal["event"].tolist()
    assert events == ["accepted", "protected", "fill"]
    assert account.journal["text"].iloc[1] == (
        "not filled: the market at 2384.0 has jumped over its protection; it waits as an order to "
        "sell 1 at 2385.0 or better and may never be filled"
    )
    prices, account = outcome(order, 2384.0, 2380.0, 2350.0, 2300.0)
    assert prices == []
    assert account.orders.loc[1, ["kind", "status", "limit"]].tolist() == [
        "limit",
        "working",
        2385.0,
    ]


def test_without_protection_the_open_fills_at_any_price():
    assert outcome(stop("sell", 1, 2390.0), 2200.0, protection_points=None)[0] == [2200.0]


def test_other_orders_have_none():
    assert outcome(limit("buy", 1, 2410.0), 2409.0)[0] == [2409.0]
    assert outcome(stop_limit("sell", 1, 2390.0, 2370.0), 2375.0)[0] == [2375.0]


def test_an_exit_that_could_not_be_filled_stays_one_of_two():
    order = bracket(market("buy", 2), stop_loss=2390.0, profit_target=2420.0)
    bars = [2400, 2380.0, 2379.0]
    _, account = outcome(order, *bars, (2379, 2386, 2379, 2386), 2386)
    assert account.position == 0
    assert account.trades["exit_role"].tolist() == ["stop loss"]
    assert account.trades["exit_price"].tolist() == [2385.0]
    assert account.orders["status"].tolist() == ["filled", "filled", "cancelled"]
    _, account = outcome(order, *bars, 2421.0)  # a gap upwards fills one of the two, and only one
    assert account.position == 0
    assert len(account.fills) == 2


def test_the_band_of_the_course_is_a_share_of_the_price():
    bars = frame([2400, 2400, 2375.9, 2375.9])
    account = PaperAccount(bars, **FREE)
    account.submit(market("sell", 1))
    account.step(2)
    pct = fact("course.protection_pct").value
    assert account._money.protection == round(24_000 * pct / 100)
    assert account.fills["price"].tolist() == [2400.0]
    account.submit(market("sell", 1))
    account.step()
    assert account.fills["price"].tolist() == [2400.0, 2375.9]  # from the last price, not the first


def test_it_is_saved_and_recovered(tmp_path):
    bars = frame([2400, 2384.0, 2380.0, (2383, 2390, 2383, 2388), 2388])
    account = PaperAccount(bars, protection_points=5, log=tmp_path / "log", **FREE)
    account.submit(stop("sell", 1, 2390.0))
    account.step()
    assert account.journal["event"].iloc[-1] == "protected"
    for other in (
        PaperAccount.from_bytes(account.to_bytes(), bars),
        PaperAccount.recover(tmp_path / "log", bars),
        account.copy(),
    ):
        assert other.to_bytes() == account.to_bytes()
        other.step(2)
        assert other.fills["price"].tolist() == [2385.0]


def test_the_desk_says_it_and_stops_the_clock():
    bars = frame([2400, 2384.0, *[2380.0] * 20])
    now = desk.opened(PaperAccount(bars, protection_points=5, **FREE))
    ticket = {"side": "sell", "contracts": 1, "kind": "stop", "stop": 2390.0}
    now = desk.step(desk.step(now, desk.Submit(ticket)), desk.Minutes(15))
    assert now.interrupted
    assert now.messages[-1][1].startswith("order 1 protected: not filled: the market at 2384.0")
    assert desk.order_text(now.account.snapshot()["working"][0]) == "1: sell 1 limit 2,385.0 day"


def test_the_broker_closes_at_any_price():
    bars = frame([2400, 2400, (2400, 2400, 2200, 2200), 2150.0, 2150.0])
    account = PaperAccount(
        bars, capital=1_000, commission_usd=0, slippage_ticks=0, margin=900, protection_points=5
    )
    account.submit(market("buy", 1))
    account.step(4)
    assert account.position == 0
    assert account.fills["role"].tolist() == ["order", "liquidation"]


def test_a_waiting_entry_is_decided_anew_by_a_risk_engine():
    bars = frame([2400, 2410.0, 2411.0, 2411.0])
    account = PaperAccount(bars, protection_points=5, start=1, **FREE)
    engine = RiskEngine(Limits(max_contracts=1))
    engine.follow(account, 1)
    account.step()
    assert account.position == 0
    engine.follow(account, 1)
    account.step()
    assert account.position == 1
    assert account.orders["status"].tolist() == ["cancelled", "filled"]


@pytest.mark.parametrize(
    ("points", "error", "says"),
    [
        (0, ValueError, "protection_points must be a finite number above 0"),
        (True, TypeError, "protection_points must be a finite number above 0"),
        ("wide", ValueError, "protection_points must be one of 'course', got 'wide'"),
        (0.05, ValueError, "protection_points must lie on M2K's tick"),
    ],
)
def test_bands_that_are_none(points, error, says):
    with pytest.raises(error, match=says):
        PaperAccount(frame([2400]), protection_points=points)
