"""Each bound of the account with a case on either side of it."""

import dataclasses

import pandas as pd
import pytest

from m2k_lessons.paper import PaperAccount, bracket, limit, market, stop, stop_limit
from m2k_lessons.paper.engine import Engine

NEW_YORK = "America/New_York"
FREE = {"commission_usd": 0, "slippage_ticks": 0, "price_limits": False}


def frame(rows):
    rows = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    index = pd.date_range("2030-03-05 10:00", periods=len(rows), freq="min", tz=NEW_YORK)
    return pd.DataFrame(rows, index, ["open", "high", "low", "close"], dtype=float)


@pytest.mark.parametrize("side", ["buy", "sell"])
@pytest.mark.parametrize("contracts", [1, 3, 7])
@pytest.mark.parametrize("spare_cents", [0, 50, 99, 1_234])
def test_a_bar_in_which_the_broker_steps_in_is_never_passed(side, contracts, spare_cents):
    """Many bars in one step: a bar is passed only if its close leaves half the margin."""
    margin, direction = (900, 820), 1 if side == "buy" else -1
    capital = (90_000 * contracts + spare_cents) / 100
    half = contracts * 820 / 2
    forced = {}
    for ticks in range(900, 1_100):  # one of these is the last that leaves enough
        price = round(2400 - direction * ticks / 10, 1)
        equity_cents = round(100 * capital) - contracts * ticks * 50
        forced[price] = equity_cents < 100 * half
    edge = [price for price in forced if forced[price]]
    first = max(edge) if direction > 0 else min(edge)
    for price in (first, round(first + direction / 10, 1)):
        account = PaperAccount(
            frame([2400, 2400, 2400, price, 2400, 2400, 2400]),
            capital=capital,
            margin=margin,
            **FREE,
        )
        account.submit(market(side, contracts))
        account.step(6)
        assert ("liquidation" in account.fills["role"].tolist()) is forced[price]
    assert {forced[first], forced[round(first + direction / 10, 1)]} == {True, False}


@pytest.mark.parametrize("way", ["through", "touch"])
@pytest.mark.parametrize(
    ("order", "level"),
    [
        (limit("buy", 1, 2390.0), 2390.0),
        (limit("sell", 1, 2410.0), 2410.0),
        (stop("buy", 1, 2410.0), 2410.0),
        (stop("sell", 1, 2390.0), 2390.0),
        (stop_limit("buy", 1, 2410.0, 2412.0), 2410.0),
        (stop_limit("sell", 1, 2390.0, 2388.0), 2390.0),
    ],
)
def test_a_bar_that_reaches_an_order_is_never_passed(order, level, way, monkeypatch):
    for ticks in (-1, 0, 1):
        reach = round(level + ticks / 10, 1)
        bar = (2400, max(reach, 2400), min(reach, 2400), 2400)
        saved = []
        for passing in (True, False):
            with monkeypatch.context() as patched:
                if not passing:
                    look = Engine._update_skip_band

                    def never(engine, look=look):
                        look(engine)
                        engine._quiet = False

                    patched.setattr(Engine, "_update_skip_band", never)
                account = PaperAccount(frame([2400, 2400, bar, 2400]), limit_fill=way, **FREE)
                account.submit(order)
                account.step(3)
                saved.append(account.to_bytes())
        assert saved[0] == saved[1]
        beyond = ticks * (1 if level > 2400 else -1)
        needed = 1 if order.kind == "limit" and way == "through" else 0
        assert len(account.fills) == (beyond >= needed)


@pytest.mark.parametrize(
    ("side", "at_the_fill", "held"),
    [("buy", 2400.0, 2), ("buy", 2399.9, 1), ("sell", 2400.0, -2), ("sell", 2400.1, -1)],
)
def test_the_margin_is_counted_at_the_moment_of_the_fill(side, at_the_fill, held):
    # The open decides, whatever the bar's close would have covered.
    later = 2400 + (5 if (abs(held) == 1) == (side == "buy") else -5)
    bar = (at_the_fill, max(at_the_fill, later), min(at_the_fill, later), later)
    bars = frame([2400, 2400, bar])
    account = PaperAccount(bars, capital=2_000, margin=1_000, **FREE)
    account.submit(market(side, 1))
    account.step()
    assert account.submit(market(side, 1))  # covered to the cent when it comes in
    account.step()
    assert account.position == held
    assert account.orders.at[2, "status"] == ("filled" if abs(held) == 2 else "cancelled")


@pytest.mark.parametrize(("commission", "taken"), [(0.01, True), (0.0101, False)])
def test_costs_are_covered_to_the_last_digit(commission, taken):
    terms = FREE | {"commission_usd": commission}
    account = PaperAccount(frame([2400, 2400]), capital=1_000.01, margin=1_000, **terms)
    assert bool(account.submit(market("buy", 1))) is taken


@pytest.mark.parametrize(("close", "called"), [(2364.0, False), (2363.9, True)])
def test_a_margin_call_below_the_maintenance_margin_not_at_it(close, called):
    rows = pd.DatetimeIndex(["2030-03-05 15:57", "2030-03-05 15:58", "2030-03-05 15:59"])
    bars = frame([2400, 2400, close]).set_axis(rows.tz_localize(NEW_YORK))
    after = frame([close]).set_axis(pd.DatetimeIndex(["2030-03-05 18:00"]).tz_localize(NEW_YORK))
    account = PaperAccount(pd.concat([bars, after]), capital=1_000, margin=(900, 820), **FREE)
    account.submit(market("buy", 1))
    account.step(3)
    assert ("margin call" in account.journal["event"].tolist()) is called


def two_days():
    """Monday's last two minutes and the first two of the next trade date, at one price."""
    times = ["2030-03-04 16:58", "2030-03-04 16:59", "2030-03-04 18:00", "2030-03-04 18:01"]
    index = pd.DatetimeIndex(times).tz_localize(NEW_YORK)
    return pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])


def test_a_day_that_only_holds_is_settled_too():
    """A position without a trade on its second day still has its variation told."""
    times = pd.to_datetime(["2030-03-04 16:58", "2030-03-04 16:59", "2030-03-05 10:00"])
    times = times.append(pd.to_datetime(["2030-03-05 16:59", "2030-03-05 18:00"]))
    bars = pd.DataFrame(2400.0, times.tz_localize(NEW_YORK), ["open", "high", "low", "close"])
    bars.iloc[2:] = 2410.0
    account = PaperAccount(bars, **FREE)
    account.submit(market("buy", 1))
    account.step(4)
    told = account.journal.loc[account.journal["event"] == "settlement", "text"].tolist()
    assert len(told) == 2
    assert "variation 50.00 USD" in told[1]


def test_the_statement_s_excess_is_what_lies_above_the_maintenance_margin():
    account = PaperAccount(two_days(), margin=(900, 820), capital=2_000, **FREE)
    account.submit(market("buy", 2))
    account.step(3)
    (first, *_) = account.statement().itertuples()
    assert (first.maintenance_usd, first.excess_usd) == (1_640, first.closing_usd - 1_640)


@pytest.mark.parametrize(("level", "refused"), [(2389.9, False), (2390.0, True)])
def test_a_stop_loss_at_the_entry_itself_is_refused(level, refused):
    account = PaperAccount(frame([2400] * 3), **FREE)
    answer = account.submit(bracket(limit("buy", 1, 2390.0), stop_loss=level))
    assert (not answer) is refused
    if refused:
        assert answer.code == "exits"


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_either_side_needs_its_margin(side):
    account = PaperAccount(frame([2400] * 3), margin=(900, 820), capital=1_799, **FREE)
    assert account.submit(market(side, 2)).code == "margin"
    # Orders that wait on one side count together; those of the other don't add to them.
    level = {"buy": 2390.0, "sell": 2410.0}
    other = "sell" if side == "buy" else "buy"
    assert account.submit(limit(side, 1, level[side]))
    assert account.submit(limit(side, 1, level[side])).code == "margin"
    assert account.submit(limit(other, 1, level[other]))


def test_an_order_that_only_reduces_ends_with_the_position():
    account = PaperAccount(frame([2400] * 5), **FREE)
    account.submit(market("buy", 1))
    account.step()
    waiting = account.submit(dataclasses.replace(stop("sell", 1, 2350.0), reduce_only=True))
    account.submit(market("sell", 1))
    account.step()
    assert account.position == 0
    row = account.orders.loc[waiting.id]
    assert (row["status"], row["reason"]) == ("cancelled", "nothing left to reduce")


def test_one_bar_alone_is_a_minute():
    account = PaperAccount(frame([2400]), **FREE)
    account.step()
    assert account.now == pd.Timestamp("2030-03-05 10:01", tz=NEW_YORK)


def test_an_order_has_at_most_100_000_contracts():
    assert market("buy", 100_000).contracts == 100_000
    with pytest.raises(ValueError, match=r"contracts must .*, got 100001"):
        market("buy", 100_001)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_the_unit_of_the_bars_times_changes_nothing(unit):
    bars = frame([2400, 2401, 2402, 2403])
    account = PaperAccount(bars.set_axis(bars.index.as_unit(unit)), **FREE)
    account.submit(market("buy", 1))
    account.step(3)
    assert account.now == pd.Timestamp("2030-03-05 10:04", tz=NEW_YORK)
    assert account.fills["price"].tolist() == [2401.0]
