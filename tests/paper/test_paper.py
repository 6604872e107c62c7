import json
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from m2k_lessons import backtest, paper, sessions, simulate
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.facts import fact
from m2k_lessons.paper import (
    REASONS,
    Accepted,
    Order,
    PaperAccount,
    Refused,
    bracket,
    limit,
    market,
    stop,
    stop_limit,
    storage,
)
from m2k_lessons.paper.engine import Engine

FREE = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0}
NEW_YORK = "America/New_York"


def ny(text):
    return pd.Timestamp(text, tz=NEW_YORK)


def minutes(begin, count):
    return pd.date_range(begin, periods=count, freq="min", tz=NEW_YORK, name="time")


def frame(rows, begin="2030-03-05 10:00"):
    """Bars from (open, high, low, close); a single number is a bar that doesn't move."""
    rows = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    index = begin if isinstance(begin, pd.DatetimeIndex) else minutes(begin, len(rows))
    return pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index, dtype=float)


def walk(index, seed, jump=6, inside=8, start=24_000):
    """Bars of a random walk, in ticks of a tenth of a point."""
    rng = np.random.default_rng(seed)
    size = len(index)
    gap, move = rng.integers(-jump, jump + 1, size), rng.integers(-inside, inside + 1, size)
    opens = start + np.cumsum(gap) + np.concatenate([[0], np.cumsum(move)[:-1]])
    closes = opens + move
    highs = np.maximum(opens, closes) + rng.integers(0, inside, size)
    lows = np.minimum(opens, closes) - rng.integers(0, inside, size)
    return frame(list(zip(opens / 10, highs / 10, lows / 10, closes / 10, strict=True)), index)


def fills(account):
    return [(row.side, row.contracts, row.price, row.role) for row in account.fills.itertuples()]


def events(account):
    return account.journal["event"].tolist()


# --- the same as a backtest ---------------------------------------------------------------------


def two_days():
    """From Monday afternoon to Tuesday, over a settlement and an hour without trading."""
    whole = sessions.session_minutes("2030-03-04", "2030-03-05")
    return whole[(whole >= ny("2030-03-04 15:30")) & (whole < ny("2030-03-05 11:00"))]


def decided_while_open(target, index):
    """The target, with nothing decided at a close after which the market is closed."""
    closed = ~sessions.is_open(index + pd.Timedelta(minutes=1)).to_numpy()
    return target.mask(closed).ffill().fillna(0.0)


def assert_same(account, result):
    assert account.equity.tolist() == result.equity["Equity"].tolist()
    assert account.equity_usd == result.equity["Equity"].iloc[-1]
    done = result.trades[result.trades["Tag"] != "open"]
    theirs = done[["Size", "EntryTime", "ExitTime", "EntryPrice", "ExitPrice", "PnL"]]
    names = ["contracts", "entry_time", "exit_time", "entry_price", "exit_price", "pnl_usd"]
    ours = account.trades[names]
    assert sorted(ours.values.tolist()) == sorted(theirs.values.tolist())


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    slippage=st.integers(0, 2),
    commission=st.sampled_from([0, 0.85, 1.2345]),
    contracts=st.integers(1, 7),
)
def test_market_orders_give_what_a_backtest_gives(seed, slippage, commission, contracts):
    index = two_days()
    bars = walk(index, seed)
    rng = np.random.default_rng(seed)
    target = pd.Series(np.repeat(rng.choice([-1, -0.5, 0, 0.29, 1], len(index)), 9), dtype=float)
    target = decided_while_open(pd.Series(target.to_numpy()[: len(index)], index=index), index)
    terms = {"commission_usd": commission, "slippage_ticks": slippage, "capital": 100_000}
    result = backtest.run(bars, target, contracts=contracts, **terms)
    account = PaperAccount(bars, **terms)
    wanted = np.trunc(target.to_numpy() * contracts).astype(int)
    before = 0
    for bar in range(len(index) - 1):
        change = wanted[bar] - before
        if change:
            assert account.submit(market("buy" if change > 0 else "sell", abs(change)))
        before = wanted[bar]
        account.step()
    assert_same(account, result)
    assert len(account.statement()) == 2


@settings(max_examples=15)
@given(
    seed=st.integers(0, 2**32 - 1),
    slippage=st.integers(0, 2),
    stop_points=st.sampled_from([None, 0.5, 1.5, 3.0]),
    target_points=st.sampled_from([0.5, 2.0, 4.0]),
    contracts=st.integers(1, 3),
)
def test_brackets_give_what_a_backtest_gives(seed, slippage, stop_points, target_points, contracts):
    index = two_days()
    bars = walk(index, seed)
    rng = np.random.default_rng(seed)
    target = np.repeat(rng.choice([-1.0, 0.0, 1.0], len(index)), 7)[: len(index)]
    target = decided_while_open(pd.Series(target, index=index), index)
    terms = {"commission_usd": 0.85, "slippage_ticks": slippage, "capital": 100_000}
    exits = {"stop_points": stop_points, "take_profit_points": target_points}
    result = backtest.run(bars, target, contracts=contracts, **exits, **terms)
    account = PaperAccount(bars, limit_fill="touch", **terms)
    before = 0
    for bar in range(len(index) - 1):
        want = int(target.iloc[bar])
        if want != before:
            if account.position:
                side = "sell" if account.position > 0 else "buy"
                assert account.submit(market(side, contracts, reduce_only=True))
            if want:
                entry = market("buy" if want > 0 else "sell", contracts)
                order = bracket(
                    entry, stop_loss_points=stop_points, profit_target_points=target_points
                )
                assert account.submit(order)
        before = want
        account.step()
    assert_same(account, result)
    assert account.trades["exit_role"].isin(["order", "stop loss", "profit target"]).all()
    assert len(account.trades) > 10


# --- random orders ------------------------------------------------------------------------------

SIDES = st.sampled_from(["buy", "sell"])
LIVES = st.sampled_from(["day", "gtc"])
SIZES = st.integers(1, 4)
AWAY = st.integers(1, 30)
SMALL = st.integers(-20, 20)


def broken_days():
    """Minutes around everything that a clock can do, one of them while the market is closed."""
    parts = [
        minutes("2030-03-04 15:50", 20),
        minutes("2030-03-04 16:50", 10),
        minutes("2030-03-04 17:30", 1),
        minutes("2030-03-04 18:00", 15),
        minutes("2030-03-05 09:25", 10),
        minutes("2030-03-05 15:20", 10),
        minutes("2030-03-05 16:55", 5),
        minutes("2030-03-05 18:00", 12),
        minutes("2030-03-06 09:28", 20),
    ]
    return parts[0].append(parts[1:])


class Trader(RuleBasedStateMachine):
    """Random orders against an account and its restored twin."""

    @initialize(
        seed=st.integers(0, 2**32 - 1),
        wild=st.sampled_from([(5, 8), (60, 90), (2, 300)]),
        capital=st.sampled_from([1_000, 3_000, 50_000]),
        touch=st.sampled_from(["touch", "through"]),
        day_trade=st.sampled_from([None, 100]),
        protection=st.sampled_from([None, "course", 0.5, 4.0]),
    )
    def open_account(self, seed, wild, capital, touch, day_trade, protection):
        self.bars = walk(broken_days(), seed, *wild)
        spread = np.random.default_rng(seed).integers(1, 6, len(self.bars))
        self.bars["spread_ticks"] = spread
        self.account = PaperAccount(
            self.bars,
            capital=capital,
            limit_fill=touch,
            day_trade_margin=day_trade,
            protection_points=protection,
        )
        self.is_open = sessions.is_open(self.bars.index).tolist()
        self.ticks = (self.bars.iloc[:, :4] * 10).round().astype(int).values.tolist()
        self.twin = None
        self.paid = capital

    def do(self, name, *arguments, **options):
        """To both, which must answer and become the same."""
        answer = getattr(self.account, name)(*arguments, **options)
        if self.twin is not None:
            assert getattr(self.twin, name)(*arguments, **options) == answer
            assert self.twin.to_bytes() == self.account.to_bytes()
        return answer

    def price(self, ticks):
        return round(self.account._engine.last / 10 + ticks / 10, 1)

    def submit(self, order):
        answer = self.do("submit", order)
        assert isinstance(answer, Accepted) or answer.code in REASONS
        ticket = self.account._state.tickets[answer.id - 1]
        assert answer.ok or (answer.reason, "refused") == (ticket.reason, ticket.status)

    @rule()
    def one_bar(self):
        self.do("step")

    @rule(side=SIDES, contracts=SIZES, reduce_only=st.sampled_from([False, False, True]))
    def market_order(self, side, contracts, reduce_only):
        self.submit(market(side, contracts, reduce_only=reduce_only))

    @rule(side=SIDES, contracts=SIZES, away=AWAY, life=LIVES)
    def limit_order(self, side, contracts, away, life):
        price = self.price(-away + 5 if side == "buy" else away - 5)
        self.submit(limit(side, contracts, price, time_in_force=life))

    @rule(side=SIDES, contracts=SIZES, away=AWAY, life=LIVES, more=st.integers(-3, 10))
    def stop_order(self, side, contracts, away, life, more):
        sign = 1 if side == "buy" else -1
        if more < 0:
            order = stop(side, contracts, self.price(sign * away), time_in_force=life)
        else:
            levels = self.price(sign * away), self.price(sign * (away + more))
            order = stop_limit(side, contracts, *levels, time_in_force=life)
        self.submit(order)

    @rule(side=SIDES, contracts=SIZES, away=SMALL, loss=AWAY, profit=AWAY, life=LIVES)
    def bracket_order(self, side, contracts, away, loss, profit, life):
        sign = 1 if side == "buy" else -1
        entry = market(side, contracts)
        if away < 0:
            entry = limit(side, contracts, self.price(sign * away))
        elif away > 0:
            entry = stop(side, contracts, self.price(sign * away))
        exits = {"stop_loss_points": loss / 10, "profit_target_points": profit / 10}
        if away % 2:
            level = sign * away
            exits = {
                "stop_loss": self.price(level - sign * loss),
                "profit_target": self.price(level + sign * profit),
            }
        self.submit(bracket(entry, exit_time_in_force=life, **exits))

    @rule(number=st.integers(0, 40))
    def cancel(self, number):
        answer = self.do("cancel", number)
        tickets = {one.id: one for one in self.account._state.tickets}
        if number in tickets:
            assert tickets[number].status != "working"
        else:
            assert answer.code == "unknown order"

    @rule(usd=st.sampled_from([500, 0.01, 1234.5678]))
    def deposit(self, usd):
        self.paid += usd
        self.do("deposit", usd)

    @rule(n=st.sampled_from([1, 1, 2, 5, 15]))
    def step(self, n):
        before = self.account._state.bar
        self.do("step", n)
        after = self.account._state.bar
        assert after == min(before + n, len(self.bars) - 1)

    @precondition(lambda self: self.account.position)
    @rule()
    def flatten(self):
        self.do("flatten")

    @rule()
    def save_and_restore(self):
        saved = self.account.to_bytes()
        self.twin = PaperAccount.from_bytes(saved, self.bars)
        assert self.twin.to_bytes() == saved
        assert self.twin.snapshot() == self.account.snapshot()

    @rule()
    def copy(self):
        self.twin = self.account.copy()
        assert self.twin.to_bytes() == self.account.to_bytes()

    @invariant()
    def the_account_is_sound(self):
        # The plain rows, because frames take their time; what frames show is tested below.
        state, shown = self.account._state, self.account.snapshot()
        self.every_cent_is_there(shown)
        assert sum(row[2] for row in state.fills) == self.account.position
        assert len(self.account.seen) == shown["bar"] + 1
        tickets = {one.id: one for one in state.tickets}
        assert list(tickets) == list(range(1, len(tickets) + 1))
        for bar, order, contracts, price, _, cost, _, _ in state.fills:
            self.is_possible(tickets[order], bar, contracts, price, cost)
        self.exits_belong_to_open_positions(shown["working"], tickets)

    def every_cent_is_there(self, shown):
        together = round(1e4 * shown["cash_usd"]) + round(1e4 * shown["open_pnl_usd"])
        assert together == round(1e4 * shown["equity_usd"])
        assert self.account.equity.iloc[-1] == shown["equity_usd"]  # from the fills alone
        closed = sum(
            5_000 * signed * (sold - bought) - 17_000 * abs(signed)
            for _, _, signed, bought, sold, _, _ in self.account._state.trades
        )
        held = round(1e4 * shown["position_pnl_usd"]) - 8_500 * abs(shown["position"])
        assert closed + held + round(1e4 * self.paid) == round(1e4 * shown["equity_usd"])

    def is_possible(self, order, bar, contracts, price, cost):
        assert self.is_open[bar]
        begin = self.bars.index[bar].timestamp()
        assert order.sent <= begin
        assert order.side == (1 if contracts > 0 else -1)
        # A new limit order between bid and ask is filled at its limit, less than the spread away.
        slack = (self.bars["spread_ticks"].iat[bar] + 1) // 2
        assert self.ticks[bar][2] - slack <= price <= self.ticks[bar][1] + slack
        for bound in (order.limit, order.worst):
            assert bound is None or order.side * (bound - price) >= 0
        assert cost in (0, slack)

    def exits_belong_to_open_positions(self, working, tickets):
        held = {}
        for trade in self.account._state.open_trades:
            held[trade.owner] = held.get(trade.owner, 0) + abs(trade.contracts)
        for order in working:
            if order["entry"] is not None:
                assert order["contracts"] == held[order["entry"]]
                assert (order["side"] == "sell") == (self.account.position > 0)
        statuses = {number: one.status for number, one in tickets.items()}
        assert set(statuses.values()) <= {"working", "filled", "cancelled", "expired", "refused"}
        assert [order["id"] for order in working] == [
            number for number, status in statuses.items() if status == "working"
        ]
        done = [one.owner for one in tickets.values() if one.owner and one.status == "filled"]
        assert len(done) == len(set(done))

    def teardown(self):
        if not hasattr(self, "account"):
            return
        self.account.step(len(self.bars))
        statement = self.account.statement()
        parts = ["opening_usd", "realised_usd", "variation_usd", "deposits_usd"]
        total = statement[parts].sum(axis=1) - statement["fees_usd"]
        np.testing.assert_allclose(total, statement["closing_usd"], atol=1e-8)
        assert statement["opening_usd"].iloc[1:].tolist() == (
            statement["closing_usd"].iloc[:-1].tolist()
        )
        assert statement["closing_usd"].iloc[-1] == self.account.equity_usd
        assert self.account.fills["fee_usd"].sum() == pytest.approx(statement["fees_usd"].sum())


def test_whatever_the_orders_the_account_stays_sound():
    run_state_machine_as_test(
        Trader, settings=settings(max_examples=80, stateful_step_count=30, derandomize=True)
    )


# --- fills, by hand -----------------------------------------------------------------------------


def filled(order, *bars, **terms):
    """Price of an order that comes in at 2400, in each way of filling limit orders."""
    prices = []
    for way in ("through", "touch"):
        account = PaperAccount(
            frame([2400, *bars]), limit_fill=way, **({**FREE, "slippage_ticks": 1} | terms)
        )
        assert account.submit(order), account.journal["text"].iloc[-1]
        account.step(len(bars))
        prices.append(account.fills["price"].iloc[0] if len(account.fills) else None)
    return prices


@pytest.mark.parametrize(
    ("order", "bar", "through", "touch"),
    [
        (market("buy", 1), (2401, 2402, 2399, 2400), 2401.1, 2401.1),
        (market("sell", 1), (2401, 2402, 2399, 2400), 2400.9, 2400.9),
        # A new limit order that the market satisfies pays the spread, never more than its limit.
        (limit("buy", 1, 2405.0), (2401, 2402, 2399, 2400), 2401.1, 2401.1),
        (limit("buy", 1, 2401.0), (2401, 2402, 2400.9, 2401), 2401.0, 2401.0),
        (limit("buy", 1, 2401.0), (2401, 2402, 2401, 2401), None, 2401.0),
        (limit("buy", 1, 2395.0), (2401, 2402, 2395, 2400), None, 2395.0),
        (limit("buy", 1, 2395.0), (2401, 2402, 2394.9, 2400), 2395.0, 2395.0),
        (limit("buy", 1, 2395.0), (2401, 2402, 2395.1, 2400), None, None),
        (limit("sell", 1, 2405.0), (2401, 2405, 2400, 2404), None, 2405.0),
        (limit("sell", 1, 2405.0), (2401, 2405.1, 2400, 2404), 2405.0, 2405.0),
        (stop("buy", 1, 2405.0), (2401, 2405, 2400, 2404), 2405.1, 2405.1),
        (stop("buy", 1, 2405.0), (2401, 2404.9, 2400, 2404), None, None),
        (stop("buy", 1, 2405.0), (2410, 2411, 2409, 2410), 2410.1, 2410.1),  # a gap
        (stop("sell", 1, 2395.0), (2380, 2381, 2379, 2380), 2379.9, 2379.9),
        (stop("sell", 1, 2395.0), (2401, 2402, 2395, 2400), 2394.9, 2394.9),
        (stop_limit("buy", 1, 2405.0, 2406.0), (2401, 2405, 2400, 2404), 2405.1, 2405.1),
        (stop_limit("buy", 1, 2405.0, 2405.0), (2401, 2409, 2400, 2404), None, None),
        # The open is beyond the limit, but what comes after it can reach the limit ...
        (stop_limit("buy", 1, 2405.0, 2406.0), (2410, 2411, 2400, 2404), 2406.0, 2406.0),
        (stop_limit("buy", 1, 2405.0, 2406.0), (2410, 2411, 2406, 2408), None, 2406.0),
        (stop_limit("buy", 1, 2405.0, 2406.0), (2410, 2411, 2406.1, 2408), None, None),
        # ... and never better, also where the open's spread was all that stood between.
        (stop_limit("buy", 1, 2405.0, 2410.0), (2410, 2411, 2409.9, 2410), 2410.0, 2410.0),
        (stop_limit("sell", 1, 2395.0, 2390.0), (2392, 2393, 2391, 2392), 2391.9, 2391.9),
    ],
)
def test_fill_of_a_new_order(order, bar, through, touch):
    assert filled(order, bar) == [through, touch]


@pytest.mark.parametrize(
    ("order", "bar", "through", "touch"),
    [
        (limit("buy", 1, 2395.0), (2390, 2391, 2389, 2390), 2390.0, 2390.0),  # better, no spread
        (limit("buy", 1, 2395.0), (2395, 2396, 2395, 2396), None, 2395.0),
        (limit("sell", 1, 2405.0), (2409, 2410, 2408, 2409), 2409.0, 2409.0),
        (stop_limit("buy", 1, 2405.0, 2406.0), (2408, 2409, 2405.5, 2406), 2406.0, 2406.0),
        (stop_limit("sell", 1, 2395.0, 2394.0), (2392, 2394.1, 2391, 2392), 2394.0, 2394.0),
        (stop_limit("sell", 1, 2395.0, 2394.0), (2392, 2394, 2391, 2392), None, 2394.0),
    ],
)
def test_fill_of_an_order_that_has_waited(order, bar, through, touch):
    assert filled(order, 2400, bar) == [through, touch]


def test_a_triggered_stop_limit_waits_as_a_limit_order():
    order = stop_limit("buy", 1, 2405.0, 2405.0)
    # Reached between open and close it is a limit order from then on; the low of that bar may have
    # come before.
    assert filled(order, (2401, 2409, 2400, 2408)) == [None, None]
    assert filled(order, (2401, 2409, 2400, 2408), (2407, 2408, 2404.9, 2407)) == [2405.0, 2405.0]


def test_costs_are_half_the_spread_and_slippage():
    index = minutes("2030-03-05 09:28", 4)
    bars = frame([2400] * 4, index).assign(spread_ticks=[1, 5, 2, 3])
    account = PaperAccount(bars, commission_usd=0)
    for _ in range(3):
        account.submit(market("buy", 1))
        account.step()
    assert account.fills["price"].tolist() == [2400.3, 2400.1, 2400.2]
    assert account.fills["cost_ticks"].tolist() == [3, 1, 2]
    by_session = PaperAccount(bars, commission_usd=0, slippage_ticks={"RTH": 1, "ETH": 10})
    plain = PaperAccount(bars.drop(columns="spread_ticks"), commission_usd=0)
    for account in (by_session, plain):
        for _ in range(3):
            account.submit(market("sell", 1))
            account.step()
    assert by_session.fills["price"].tolist() == [2398.7, 2399.8, 2399.7]
    assert plain.fills["price"].tolist() == [2399.8, 2399.9, 2399.9]


@pytest.mark.parametrize(
    ("bars", "expected"),
    [
        ([(2400, 2420, 2389, 2411)], [("sell", 2390.0, "stop loss")]),  # both: the worse
        ([(2400, 2420.1, 2390.1, 2411)], [("sell", 2420.0, "profit target")]),
        ([2400, (2425, 2426, 2380, 2385)], [("sell", 2425.0, "profit target")]),  # the open first
        ([2400, (2380, 2430, 2379, 2385)], [("sell", 2380.0, "stop loss")]),
        ([2400, (2400, 2420, 2390.1, 2400)], []),  # not through
    ],
)
def test_one_exit_cancels_the_other(bars, expected):
    account = PaperAccount(frame([2400, *bars, 2400]), **FREE)
    order = bracket(market("buy", 2), stop_loss=2390.0, profit_target=2420.0)
    assert account.submit(order)
    account.step(len(bars))
    exits = account.fills.iloc[1:]
    got = list(zip(exits["side"], exits["price"], exits["role"], strict=True))
    assert got == expected
    statuses = account.orders["status"].tolist()
    assert sorted(statuses) == (
        ["cancelled", "filled", "filled"] if expected else ["filled", "working", "working"]
    )


def test_an_entry_inside_a_bar_can_be_stopped_out_in_it_but_not_win():
    order = bracket(stop("buy", 1, 2405.0), stop_loss=2400.0, profit_target=2408.0)
    quiet, wide = (2402, 2409, 2400.1, 2408), (2402, 2409, 2400, 2408)
    account = PaperAccount(frame([2402, quiet, (2408, 2409, 2407, 2408)]), **FREE)
    account.submit(order)
    account.step()
    assert account.position == 1
    account.step()
    assert fills(account)[1] == ("sell", 1, 2408.0, "profit target")
    account = PaperAccount(frame([2402, wide]), **FREE)
    account.submit(order)
    account.step()
    assert fills(account) == [("buy", 1, 2405.0, "order"), ("sell", 1, 2400.0, "stop loss")]


def test_a_bracket_shrinks_with_its_position():
    account = PaperAccount(frame([2400] * 6), **FREE)
    account.submit(market("buy", 1))
    account.submit(bracket(market("buy", 3), stop_loss=2390.0))
    account.step()
    account.submit(market("sell", 2))  # the oldest first: one plain, one of the bracket
    account.step()
    (exit_,) = account.snapshot()["working"]
    assert (exit_["contracts"], exit_["stop"], exit_["role"]) == (2, 2390.0, "stop loss")
    account.submit(market("sell", 5))
    account.step()
    assert account.position == -3
    assert account.snapshot()["working"] == []
    assert account.orders["status"].iloc[2] == "cancelled"


def test_flatten_closes_and_cancels():
    account = PaperAccount(frame([2400] * 4), **FREE)
    account.submit(bracket(market("sell", 2), stop_loss=2410.0))
    account.submit(limit("buy", 1, 2300.0))
    account.step()
    assert account.flatten()
    account.step()
    assert account.position == 0
    assert account.snapshot()["working"] == []
    assert account.flatten().code == "nothing to reduce"


def test_cancelling():
    account = PaperAccount(frame([2400] * 3), **FREE)
    number = account.submit(limit("buy", 1, 2300.0)).id
    assert account.cancel(number)
    again = account.cancel(number)
    assert (again.ok, again.code, bool(again)) == (False, "not working", False)
    assert account.cancel(99).reason == "there is no order 99"
    assert events(account) == ["accepted", "cancelled", "refused", "refused"]


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "code", "says"),
    [
        (limit("buy", 1, 2400.05), "tick", "limit 2400.05 is not on M2K's tick of 0.1"),
        (bracket(market("buy", 1), stop_loss_points=0.25), "tick", "stop_loss_points 0.25"),
        (stop("buy", 1, 2400.0), "stop side", "a buy stop must be above the market at 2400.0"),
        (stop("sell", 1, 2401.0), "stop side", "a sell stop must be below"),
        (
            bracket(market("buy", 1), stop_loss=2401.0),
            "exits",
            "stop loss must be below the entry at 2400.0",
        ),
        (
            bracket(limit("sell", 1, 2410.0), profit_target=2411.0),
            "exits",
            "profit target must be below the entry at 2410.0",
        ),
        (bracket(market("buy", 1), stop_loss_points=2400.0), "exits", "2400.0 points below"),
        (bracket(market("sell", 1), profit_target_points=2500), "exits", "2500.0 points below"),
        (market("sell", 1, reduce_only=True), "nothing to reduce", "no position that a sell"),
        (market("buy", 11), "margin", "11 contracts, .* need 10,459.35 USD"),
    ],
)
def test_what_a_broker_refuses(order, code, says):
    account = PaperAccount(frame([2400] * 3))
    answer = account.submit(order)
    assert isinstance(answer, Refused)
    assert answer.code == code
    assert pd.Series([answer.reason]).str.contains(says).all(), answer.reason
    row = account.orders.loc[answer.id]
    assert (row["status"], row["reason"]) == ("refused", answer.reason)
    account.step(2)
    assert account.fills.empty


def test_no_bar_left():
    account = PaperAccount(frame([2400] * 3), start=3)
    assert account.finished
    assert account.submit(market("buy", 1)).code == "end of replay"
    assert account.step(5) == []


def test_working_orders_count_for_the_margin():
    account = PaperAccount(frame([2400] * 3), capital=3_000)
    assert account.submit(limit("buy", 2, 2390.0))
    assert account.submit(limit("sell", 3, 2410.0))  # of one side only
    assert account.submit(limit("buy", 2, 2380.0)).code == "margin"
    account.cancel(1)
    assert account.submit(limit("buy", 2, 2380.0))


def test_an_order_is_cancelled_if_the_margin_is_gone_when_it_is_filled():
    bars = frame([2400, 2400, 2340, (2340, 2340, 2290, 2300)])
    account = PaperAccount(bars, capital=2_000, slippage_ticks=0, commission_usd=0)
    account.submit(market("buy", 1))
    account.submit(limit("buy", 1, 2300.0))
    account.step(3)
    assert account.position == 1
    assert "initial margin of 1,900.00 USD for 2 contracts" in account.orders.at[2, "reason"]


def test_a_turn_without_margin_closes_only():
    terms = FREE | {"margin": 900, "protection_points": None}
    account = PaperAccount(frame([2400, 2400, 2360, 2360]), capital=1_000, **terms)
    account.submit(market("buy", 1))
    account.step()
    assert account.submit(market("sell", 2))
    account.step()
    assert account.position == 0
    assert account.orders.at[2, "status"] == "cancelled"
    assert account.orders.at[2, "filled"] == 1


# --- hours --------------------------------------------------------------------------------------


def test_while_the_market_is_closed():
    index = minutes("2030-03-05 16:58", 2).append(minutes("2030-03-05 18:00", 3))
    account = PaperAccount(frame([2400, 2400, 2395, 2394, 2400], index), **FREE)
    account.submit(limit("sell", 1, 2450.0))
    account.submit(limit("buy", 1, 2300.0, time_in_force="gtc"))
    account.step()
    assert account.now == ny("2030-03-05 17:00")
    assert account.snapshot()["session"] == "closed"
    assert account.orders["status"].tolist() == ["expired", "working"]
    answer = account.submit(market("buy", 1))
    assert answer.code == "closed"
    assert account.submit(limit("buy", 1, 2398.0))  # waits for the open
    account.step()
    assert fills(account) == [("buy", 1, 2395.0, "order")]
    account.step(2)
    assert account.finished


def test_an_account_opened_while_the_market_is_closed():
    index = minutes("2030-03-05 16:58", 2).append(minutes("2030-03-05 18:00", 2))
    account = PaperAccount(frame([2400, 2400, 2390, 2390], index), start=2, **FREE)
    assert account.submit(limit("buy", 1, 2395.0))
    account.step(2)
    assert fills(account) == [("buy", 1, 2390.0, "order")]
    assert account.statement().index.tolist() == [pd.Timestamp("2030-03-06")]


def test_a_bar_outside_the_hours_fills_nothing():
    index = minutes("2030-03-05 16:59", 3).append(minutes("2030-03-05 18:00", 1))
    account = PaperAccount(frame([2400, 2300, 2300, 2390], index), **FREE)
    account.submit(limit("buy", 1, 2350.0, time_in_force="gtc"))
    account.step(3)
    assert account.fills.empty
    assert account.snapshot()["last"] == 2390


def test_a_holiday_half_session_belongs_to_the_next_trade_date():
    """Presidents' Day, 18 February 2030: halt at 13:00, a day order works on in the evening."""
    index = minutes("2030-02-18 12:58", 2).append(minutes("2030-02-18 18:00", 2))
    account = PaperAccount(frame([2400, 2400, 2400, 2400], index), **FREE)
    account.submit(limit("buy", 1, 2300.0))
    account.step()
    assert account.snapshot()["session"] == "closed"
    account.step(2)
    assert account.orders.at[1, "status"] == "working"
    assert account.statement().index.tolist() == [pd.Timestamp("2030-02-19")]


# --- price limits -------------------------------------------------------------------------------


def limit_days(*rows):
    """Monday's last minutes at 2400, then rows of (time, bar)."""
    index = minutes("2030-03-04 15:58", 2)
    index = index.append(pd.DatetimeIndex([ny(when) for when, _ in rows], name="time"))
    return frame([2400, 2400, *[bar for _, bar in rows]], index)


def test_limits_of_the_night_and_the_day():
    bars = limit_days(
        ("2030-03-04 16:00", 2401),
        ("2030-03-04 18:00", 2400),
        ("2030-03-05 09:30", 2400),
        ("2030-03-05 15:25", 2400),
    )
    account = PaperAccount(bars)
    shown = []
    for _ in range(5):
        account.step()
        shown.append(account.snapshot()["price_limits"])
    night = fact("limit.overnight_pct").value
    low, high = 2400 * (1 - night / 100), 2400 * (1 + night / 100)
    assert shown == [None, (low, high), (low, high), (2232.0, None), (1920.0, None)]


def test_an_order_beyond_the_limit_is_refused():
    account = PaperAccount(limit_days(*[("2030-03-04 18:00", 2400), ("2030-03-04 18:01", 2400)]))
    account.step(2)
    answer = account.submit(limit("buy", 1, 2231.9))
    assert (answer.code, answer.reason) == (
        "price limit",
        "2231.9 is below the lower price limit of 2232.0",
    )
    assert account.submit(limit("sell", 1, 2568.0))
    assert account.submit(stop("buy", 1, 2568.1)).code == "price limit"


def test_at_the_lower_limit_nobody_buys():
    rows = [("2030-03-04 18:00", 2400), ("2030-03-04 18:01", 2400)]
    rows += [("2030-03-04 19:30", 2200), ("2030-03-04 19:33", 2190), ("2030-03-04 19:36", 2300)]
    account = PaperAccount(limit_days(*rows), protection_points=None, **FREE)
    account.step(2)
    account.submit(bracket(market("buy", 1), stop_loss=2350.0))
    account.step()
    assert account.position == 1
    account.step()
    assert account.position == 1
    assert account.snapshot()["last"] == 2232.0
    account.submit(market("buy", 1))  # sellers there are many
    account.step()
    assert fills(account)[-1] == ("buy", 1, 2232.0, "order")
    account.submit(market("sell", 1))
    account.step()
    # The stop waited as a market order.
    assert fills(account)[-2:] == [("sell", 1, 2300.0, "stop loss"), ("sell", 1, 2300.0, "order")]


def test_a_fast_night_pauses():
    rows = [("2030-03-04 18:00", 2400), ("2030-03-04 18:30", 2316)]
    rows += [("2030-03-04 18:31", 2316), ("2030-03-04 18:32", 2316), ("2030-03-04 18:33", 2316)]
    account = PaperAccount(limit_days(*rows), **FREE)
    account.step(3)
    assert account.snapshot()["halted_until"] == ny("2030-03-04 18:33")
    account.submit(market("buy", 1))
    account.step(2)
    assert account.position == 0
    account.step()
    assert account.position == 1
    without = PaperAccount(limit_days(*rows), price_limits=False, **FREE)
    without.step(3)
    assert without.snapshot()["halted_until"] is None


# --- margin -------------------------------------------------------------------------------------


def fallen(price_at_close, *rows):
    """Long at 2400 on Monday 15:50, the settlement at a price, then rows."""
    index = minutes("2030-03-04 15:50", 2).append(minutes("2030-03-04 15:59", 1))
    index = index.append(minutes("2030-03-04 16:59", 1))
    index = index.append(pd.DatetimeIndex([ny(when) for when, _ in rows], name="time"))
    bars = [2400, 2400, price_at_close, price_at_close, *[bar for _, bar in rows]]
    account = PaperAccount(
        frame(bars, index),
        capital=2_000,
        margin=(950, 860),
        commission_usd=0,
        slippage_ticks=0,
        price_limits=False,
    )
    account.submit(market("buy", 2))
    account.step(3)
    return account


def test_a_margin_call_is_met_by_paying_in():
    account = fallen(2370, ("2030-03-04 18:00", 2370), ("2030-03-05 09:30", 2370))
    assert account.cash_usd == 1_700  # the variation has been paid
    call = account.snapshot()["margin_call"]
    assert call == {"amount_usd": 200.0, "deadline": ny("2030-03-05 09:30")}
    assert account.statement()["call_usd"].tolist() == [200.0]
    assert account.submit(limit("buy", 1, 2300.0)).code == "margin call"
    assert account.submit(limit("sell", 1, 2450.0))
    assert account.snapshot()["buying_power_usd"] == 0
    account.deposit(199.99)
    assert account.snapshot()["margin_call"] is not None
    account.deposit(0.01)
    assert account.snapshot()["margin_call"] is None
    account.step(2)
    assert account.position == 2
    assert "liquidation" not in events(account)


@pytest.mark.parametrize("reduce", [True, False])
def test_a_margin_call_is_met_by_reducing_or_by_the_market(reduce):
    account = fallen(2370, ("2030-03-04 18:00", 2370 if reduce else 2390), ("2030-03-05 09:30", 1))
    if reduce:
        assert account.submit(limit("sell", 1, 2365.0))
    account.step()
    assert account.snapshot()["margin_call"] is None
    assert account.position == 2 - reduce


def test_after_the_deadline_the_broker_cuts():
    account = fallen(2370, ("2030-03-05 09:29", 2372), ("2030-03-05 09:30", 2371))
    account.submit(limit("sell", 2, 2500.0, time_in_force="gtc"))
    account.step()
    assert account.position == 2
    account.step()
    assert account.position == 1  # 1,710 USD cover one initial margin
    assert fills(account)[-1] == ("sell", 1, 2371.0, "liquidation")
    assert account.snapshot()["margin_call"] is None
    assert account.orders["status"].tolist() == ["filled", "cancelled", "filled"]
    assert account.snapshot()["working"] == []


def test_a_broker_does_not_wait_when_half_the_margin_is_gone():
    account = fallen(2390, ("2030-03-04 18:00", 2287), ("2030-03-04 18:01", 2285))
    account.step()
    assert account.equity_usd == 870
    assert account.position == 2
    account = fallen(2390, ("2030-03-04 18:00", 2285), ("2030-03-04 18:01", 2280))
    account.step()
    assert account.equity_usd == 850  # below half of 1,720
    assert events(account)[-1] == "warning"
    account.step()
    assert account.position == 0
    assert account.cash_usd == account.equity_usd == 800
    assert fills(account)[-1] == ("sell", 2, 2280.0, "liquidation")


def test_an_account_can_end_in_debt():
    account = fallen(2390, ("2030-03-04 18:00", 2100), ("2030-03-04 18:01", 2100))
    account.step(2)
    assert account.cash_usd == -1_000
    assert account.submit(market("buy", 1)).code == "end of replay"


def test_day_trade_margin_ends_before_the_session():
    index = minutes("2030-03-05 16:30", 2).append(minutes("2030-03-05 16:44", 3))
    terms = {"capital": 1_000, "commission_usd": 0, "slippage_ticks": 0, "margin": (950, 860)}
    account = PaperAccount(frame([2400] * 5, index), day_trade_margin=50, **terms)
    assert account.submit(market("buy", 9))
    account.step()
    shown = account.snapshot()
    assert (shown["margin_used_usd"], shown["buying_power_contracts"]) == (450, 11)
    account.step()
    assert account.position == 9
    assert account.snapshot()["margin_used_usd"] == 9 * 950  # 16:45 has come
    account.step()
    assert account.position == 1
    assert "the day-trade margin has ended" in account.journal["text"].iloc[-2]
    assert PaperAccount(frame([2400] * 5, index), **terms).submit(market("buy", 9)).ok is False


def test_a_turn_during_a_margin_call_closes_only():
    account = fallen(2370, ("2030-03-04 18:00", 2370), ("2030-03-04 18:01", 2370))
    assert account.submit(limit("sell", 3, 2369.0))
    account.step()
    assert account.position == 0
    assert account.orders.at[2, "reason"] == "by the broker: a margin call is open"


def test_costs_count_for_the_margin_at_the_fill():
    terms = {"capital": 951, "margin": (950, 860), "commission_usd": 0.5}
    for slippage, held in ((1, 1), (2, 0)):
        account = PaperAccount(frame([2400] * 3), slippage_ticks=slippage, **terms)
        assert account.submit(market("buy", 1))
        account.step()
        assert account.position == held


def test_a_call_ends_with_the_liquidation_even_if_its_costs_leave_too_little():
    index = minutes("2030-03-04 15:57", 3).append(minutes("2030-03-04 16:59", 1))
    index = index.append(minutes("2030-03-05 09:30", 3))
    bars = frame([2400, 2400, *[2329] * 5], index)
    terms = {"slippage_ticks": 0, "commission_usd": 10.0, "price_limits": False}
    account = PaperAccount(bars, capital=3_000, margin=(950, 925), **terms)
    account.submit(market("buy", 3))
    account.step(3)
    assert account.snapshot()["margin_call"]["amount_usd"] == 2_850 - 1_905
    account.step()
    assert (account.position, account.equity_usd) == (2, 1_895.0)
    assert account.snapshot()["margin_call"] is None
    account.step()
    assert account.position == 2


def test_no_fill_beyond_a_price_limit():
    rows = [("2030-03-04 18:00", 2400), ("2030-03-04 18:01", 2400), ("2030-03-04 20:00", 2567.9)]
    terms = {"commission_usd": 0, "slippage_ticks": 5, "protection_points": None}
    account = PaperAccount(limit_days(*rows), **terms)
    account.step(3)
    account.submit(market("buy", 1))
    account.step()
    assert fills(account) == [("buy", 1, 2568.0, "order")]


def test_a_stop_that_the_entry_has_passed_is_filled_at_the_open():
    account = PaperAccount(frame([2400, (2390, 2392, 2389, 2391), 2391]), **FREE)
    account.submit(bracket(market("buy", 1), stop_loss=2395.0))
    account.step()
    assert fills(account) == [("buy", 1, 2390.0, "order"), ("sell", 1, 2390.0, "stop loss")]


# --- settlement and statement -------------------------------------------------------------------


def test_a_day_settles_at_the_last_price_before_16_and_pays_at_its_end():
    index = minutes("2030-03-05 15:57", 5).append(minutes("2030-03-05 16:58", 2))
    index = index.append(minutes("2030-03-05 18:00", 1))
    prices = [2400, 2400, 2406, 2410, 2411, 2412, 2413, 2414]
    account = PaperAccount(frame(prices, index), commission_usd=0.85, slippage_ticks=0)
    account.submit(market("buy", 1))
    account.step(2)
    account.submit(market("buy", 1))  # at 2410, after the settlement price was fixed
    account.step(4)
    row = account.statement().iloc[0]
    assert row["settlement"] == 2406.0
    assert row["variation_usd"] == 5 * (6 - 4)
    assert row["fees_usd"] == 1.7
    assert row["closing_usd"] == 10_000 + 10 - 1.7 == account.cash_usd
    assert account.open_pnl_usd == 2 * 5 * 7  # from 2406 to 2413
    assert account.positions["average_price"].iloc[0] == 2405.0
    assert account.positions["position_pnl_usd"].iloc[0] == 5 * (13 + 3)
    account.step()
    assert account.statement()["settled"].tolist() == [True, False]
    assert account.statement()["closing_usd"].iloc[1] == account.equity_usd


def test_a_day_whose_end_has_no_bars_settles_before_the_next():
    index = minutes("2030-03-05 16:30", 3).append(minutes("2030-03-05 18:00", 2))
    account = PaperAccount(frame([2400, 2400, 2405, 2410, 2410], index), **FREE)
    account.submit(market("buy", 1))
    account.submit(limit("buy", 1, 2000.0))
    account.step(2)
    assert account.cash_usd == 10_000
    account.step()
    assert account.cash_usd == 10_025
    assert account.orders["status"].tolist() == ["filled", "expired"]


# --- one result, however it is reached ----------------------------------------------------------


def busy(bars, upto=None, log=None, **terms):
    """A trader who does something every few minutes."""
    account = PaperAccount(bars, capital=30_000, log=log, **terms)
    rng = np.random.default_rng(4)
    while not account.finished and (upto is None or len(account.seen) < upto):
        last = account.snapshot()["last"]
        side, away = rng.choice(["buy", "sell"]), rng.integers(2, 40) / 10
        sign = 1 if side == "buy" else -1
        kind = rng.integers(5)
        order = market(side, 1)
        if kind == 1:
            order = limit(side, 2, round(last - sign * away, 1), time_in_force="gtc")
        elif kind == 2:
            order = stop(side, 1, round(last + sign * away, 1))
        elif kind == 3:
            order = bracket(order, stop_loss_points=2.0, profit_target_points=3.0)
        elif kind == 4:
            order = stop_limit(
                side, 1, round(last + sign * away, 1), round(last + sign * (away + 1), 1)
            )
        account.submit(order)
        if rng.random() < 0.1:
            account.flatten()
        steps = int(rng.integers(1, 25))
        room = len(bars) if upto is None else upto
        account.step(max(1, min(steps, room - len(account.seen))))
    return account


@pytest.fixture(scope="module")
def course_bars():
    return simulate.intraday(days=2, seed=5)["M2K"]


def test_later_bars_change_nothing(course_bars):
    whole = busy(course_bars, upto=900)
    assert len(whole.fills) > 30
    for kept in (900, 901, 1500):
        part = busy(course_bars.iloc[:kept], upto=900)
        if kept > 900:  # with no bar left orders are refused
            assert part.to_bytes() == whole.to_bytes()
    changed = course_bars.copy()
    changed.iloc[900:, :4] += 50
    assert busy(changed, upto=900).to_bytes() == whole.to_bytes()


def test_quiet_bars_are_passed_without_a_difference(course_bars, monkeypatch):
    quick = busy(course_bars)
    look = Engine._update_skip_band

    def never_quiet(engine):
        look(engine)
        engine._quiet = False

    monkeypatch.setattr(Engine, "_update_skip_band", never_quiet)
    assert busy(course_bars).to_bytes() == quick.to_bytes()
    assert len(quick.statement()) == 2


def test_one_step_of_many_is_many_steps_of_one(course_bars):
    accounts = [PaperAccount(course_bars) for _ in range(2)]
    for account in accounts:
        for away in range(1, 6):
            account.submit(limit("buy", 1, 2399.0 - away, time_in_force="gtc"))
            account.submit(limit("sell", 1, 2401.0 + away, time_in_force="gtc"))
    accounts[0].step(2000)
    for _ in range(2000):
        accounts[1].step()
    assert accounts[0].to_bytes() == accounts[1].to_bytes()
    assert len(accounts[0].fills) > 4


def test_fast_forward_stops_where_something_happens():
    account = PaperAccount(frame([2400, 2400, 2400, 2390, 2390, 2390]), **FREE)
    account.submit(limit("buy", 1, 2395.0))
    (event,) = account.step(5, stop_at_event=True)
    assert (event.event, event.time, event.price) == ("fill", ny("2030-03-05 10:03"), 2390.0)
    assert account.now == ny("2030-03-05 10:04")


def test_a_copy_goes_its_own_way(course_bars, tmp_path):
    account = busy(course_bars, upto=700, log=tmp_path / "log")
    account.submit(bracket(market("buy", 2), stop_loss_points=40.0, profit_target_points=40.0))
    account.step()
    before, log = account.to_bytes(), (tmp_path / "log").read_bytes()
    one, other = account.copy(), account.copy()
    assert type(one) is PaperAccount
    assert one.to_bytes() == before
    for name in ("orders", "fills", "trades", "journal", "positions"):
        pd.testing.assert_frame_equal(getattr(one, name), getattr(account, name))
    for changed in (one, other):
        changed.flatten()
        changed.deposit(500)
        changed.note("a copy")
        changed.step(900)
    assert one.to_bytes() == other.to_bytes() != before
    assert account.to_bytes() == before
    assert (tmp_path / "log").read_bytes() == log  # a copy writes to no log
    account.flatten()
    account.deposit(500)
    account.note("a copy")
    account.step(900)
    assert account.to_bytes() == one.to_bytes()
    assert PaperAccount.recover(tmp_path / "log", course_bars).to_bytes() == one.to_bytes()


def test_another_contract():
    bars = frame([6000, 6000.25, 6001])
    account = PaperAccount(bars, contract=MES, commission_usd=0, slippage_ticks=1, margin=100)
    account.submit(market("buy", 2))
    account.step(2)
    assert fills(account) == [("buy", 2, 6000.5, "order")]
    assert account.equity_usd == 10_000 + 2 * 2 * 1.25


# --- files --------------------------------------------------------------------------------------


def test_saved_in_the_middle_of_a_session(course_bars, tmp_path):
    account = busy(course_bars, upto=700, day_trade_margin=100)
    account.save(tmp_path / "account.json")
    back = PaperAccount.restore(tmp_path / "account.json", course_bars)
    assert back.to_bytes() == (tmp_path / "account.json").read_bytes() == account.to_bytes()
    for name in ("orders", "fills", "trades", "journal", "positions"):
        pd.testing.assert_frame_equal(getattr(back, name), getattr(account, name))
    for one in (account, back):
        one.submit(bracket(market("buy", 1), stop_loss_points=1.0))
        one.step(300)
    assert back.to_bytes() == account.to_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["account.json"]
    with pytest.raises(ValueError, match="bars must be those the account was saved with"):
        PaperAccount.restore(tmp_path / "account.json", course_bars + 1)
    with pytest.raises(ValueError, match="bars must be those the account was saved with"):
        PaperAccount.restore(tmp_path / "account.json", course_bars.iloc[:100])


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b"\xff", b'{"format": "m2k paper account"}'])
def test_other_files_are_refused(data, tmp_path):
    path = tmp_path / "other.json"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"other\.json must be"):
        PaperAccount.restore(path, frame([2400]))


def test_a_log_brings_everything_back(course_bars, tmp_path):
    log = tmp_path / "log.jsonl"
    account = busy(course_bars, upto=500, log=log)
    account.deposit(100)
    account.note("tired; stop for today")
    account.cancel(1)
    back = PaperAccount.recover(log, course_bars)
    assert back.to_bytes() == account.to_bytes()
    back.step(100)
    back.checkpoint()
    assert log.read_bytes() == back.to_bytes()
    back.submit(market("buy", 1))
    assert PaperAccount.recover(log, course_bars).to_bytes() == back.to_bytes()
    with pytest.raises(FileExistsError, match=r"log must be a new file, got log\.jsonl"):
        PaperAccount(course_bars, log=log)


def test_a_torn_line_is_left_out_and_a_damaged_one_is_not(course_bars, tmp_path):
    log = tmp_path / "log.jsonl"
    busy(course_bars, upto=60, log=log)
    data = log.read_bytes()
    lines = data.splitlines(keepends=True)
    whole = PaperAccount.recover(log, course_bars).to_bytes()
    for cut in (1, len(lines[-1]) - 1):
        log.write_bytes(data + lines[-1][:cut])
        again = PaperAccount.recover(log, course_bars)
        assert again.to_bytes() == whole
        assert log.read_bytes() == data
    log.write_bytes(b"".join([*lines[:3], b"{oops}\n", *lines[3:]]))
    with pytest.raises(ValueError, match=r"log\.jsonl is damaged in line 4"):
        PaperAccount.recover(log, course_bars)
    at = next(n for n, line in enumerate(lines) if n and json.loads(line)["fills"])
    command = json.loads(lines[at])
    command["fills"][0][3] += 1
    log.write_bytes(b"".join([*lines[:at], storage.to_bytes(command), *lines[at + 1 :]]))
    with pytest.raises(ValueError, match=f"must give the same fills again; line {at + 1} "):
        PaperAccount.recover(log, course_bars)
    log.write_bytes(b"")
    with pytest.raises(ValueError, match=r"log log\.jsonl must begin with an account"):
        PaperAccount.recover(log, course_bars)


def test_what_cannot_be_logged_is_not_reported(tmp_path, monkeypatch):
    log = tmp_path / "log.jsonl"
    bars = frame([2400] * 5)
    account = PaperAccount(bars, log=log, **FREE)
    account.submit(market("buy", 1))

    def full(handle):
        raise OSError("no space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        account.step()
    monkeypatch.undo()
    for call in (account.step, account.checkpoint):
        with pytest.raises(RuntimeError, match=r"log log\.jsonl could not be written"):
            call()
    back = PaperAccount.recover(log, bars)
    assert back.orders.at[1, "status"] in ("working", "filled")


def test_a_crash_loses_nothing_that_was_reported(tmp_path):
    """A process that trades and tells is killed; what it told is in the log."""
    code = """
        import sys
        import numpy as np, pandas as pd
        from m2k_lessons.paper import PaperAccount, market
        index = pd.date_range("2030-03-04 18:00", periods=1300, freq="min", tz="America/New_York")
        price = 2400 + np.arange(1300) % 50 / 10
        bars = pd.DataFrame({name: price for name in ("open", "high", "low", "close")}, index)
        bars.to_parquet(sys.argv[1] + "/bars.parquet")
        account = PaperAccount(bars, log=sys.argv[1] + "/log.jsonl", capital=1_000_000)
        for turn in range(1299):
            account.submit(market("buy" if turn % 2 else "sell", 1 + turn % 3))
            for event in account.step():
                if event.event == "fill":
                    print(event.order, event.contracts, event.price, flush=True)
    """
    told = tmp_path / "told.txt"
    with told.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)], stdout=output
        )
        try:
            deadline = time.monotonic() + 60
            while told.stat().st_size < 200 and time.monotonic() < deadline:
                assert process.poll() is None
                time.sleep(0.005)
        finally:
            process.kill()
            process.wait()
    lines = told.read_bytes()
    whole = lines[: lines.rfind(b"\n") + 1].decode().split("\n")[:-1]
    reported = [line.split() for line in whole]
    assert len(reported) > 10
    bars = pd.read_parquet(tmp_path / "bars.parquet")
    account = PaperAccount.recover(tmp_path / "log.jsonl", bars)
    table = account.fills
    signed = table["contracts"].where(table["side"] == "buy", -table["contracts"])
    known = [
        [str(order), str(size), str(price)]
        for order, size, price in zip(table["order"], signed, table["price"], strict=True)
    ]
    assert known[: len(reported)] == reported
    assert len(known) - len(reported) <= 1
    assert account.position == signed.sum()
    assert account.submit(market("buy", 1))


def test_the_journal_as_csv(course_bars, tmp_path):
    account = busy(course_bars, upto=400)
    account.note('a "quoted", comma; NA – and naïve')
    account.note("NA")
    account.save_journal(tmp_path / "journal.csv")
    pd.testing.assert_frame_equal(paper.read_journal(tmp_path / "journal.csv"), account.journal)
    text = (tmp_path / "journal.csv").read_bytes()
    assert b"\r" not in text
    other = tmp_path / "other.csv"
    other.write_text("time,event\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"other\.csv must have the columns time, event, order"):
        paper.read_journal(other)
    other.write_bytes(text.replace(b",0\n", b",zero\n", 1))
    with pytest.raises(ValueError, match=r"other\.csv must hold numbers in position"):
        paper.read_journal(other)
    empty = PaperAccount(course_bars)
    empty.save_journal(tmp_path / "empty.csv")
    pd.testing.assert_frame_equal(paper.read_journal(tmp_path / "empty.csv"), empty.journal)


def test_a_failed_save_leaves_the_old_file(course_bars, tmp_path, monkeypatch):
    account = PaperAccount(course_bars)
    path = tmp_path / "account.json"
    account.save(path)
    before = path.read_bytes()
    account.step(5)

    def full(handle):
        raise OSError("no space left on device")

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        account.save(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["account.json"]


# --- what a screen shows ------------------------------------------------------------------------


def test_the_snapshot_is_plain(course_bars):
    shown = busy(course_bars, upto=800).snapshot()

    def plain(value):
        if isinstance(value, dict):
            return all(isinstance(key, str) and plain(one) for key, one in value.items())
        if isinstance(value, (list, tuple)):
            return all(map(plain, value))
        return value is None or type(value) in (bool, int, float, str, pd.Timestamp)

    assert plain(shown)
    assert len(shown["fills"]) == 5
    assert len(shown["messages"]) == 8
    assert shown["equity_usd"] == round(shown["cash_usd"] + shown["open_pnl_usd"], 4)


def test_the_bars_of_the_caller_may_change(course_bars):
    own = course_bars.copy()
    account = PaperAccount(own)
    own.iloc[:, :4] = 1.0
    account.step(10)
    assert account.seen["close"].tolist() == course_bars["close"].iloc[:11].tolist()
    seen = account.seen
    seen.iloc[:, :4] = 1.0
    assert account.seen["close"].tolist() == course_bars["close"].iloc[:11].tolist()


def test_start(course_bars):
    assert len(PaperAccount(course_bars).seen) == 1
    assert len(PaperAccount(course_bars, start=90).seen) == 90
    at = course_bars.index[0] + pd.Timedelta(hours=2)
    account = PaperAccount(course_bars, start=at)
    assert account.now == at
    assert "0 M2K, cash 10,000.00 USD, equity 10,000.00 USD, 0 working" in repr(account)


# --- bad input ----------------------------------------------------------------------------------

BARS = frame([2400] * 3)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: market("long", 1), ValueError, "side must be one of 'buy', 'sell', got 'long'"),
        (lambda: market("buy", 2.5), ValueError, "contracts must be a whole number .*got 2.5"),
        (lambda: market("buy", 0), ValueError, "contracts must be .*at least 1.*got 0"),
        (lambda: market("buy", 1, note=3), TypeError, "note must be text, got 3"),
        (lambda: market("buy", 1, note="a\nb"), ValueError, "note must be one line"),
        (lambda: market("buy", 1, reduce_only=1), TypeError, "reduce_only must be True or False"),
        (lambda: limit("buy", 1, "x"), TypeError, "limit must be a finite number"),
        (lambda: limit("buy", 1, None), ValueError, "limit must be a price for a limit order"),
        (lambda: stop("buy", 1, -3), ValueError, "stop must be .*above 0.*got -3"),
        (lambda: Order("buy", 1, stop=3), ValueError, "stop must be None for a market order"),
        (lambda: Order("buy", 1, "iceberg"), ValueError, "kind must be one of 'market'"),
        (
            lambda: limit("buy", 1, 5, time_in_force="ioc"),
            ValueError,
            "time_in_force must be one of 'day', 'gtc', got 'ioc'",
        ),
        (lambda: bracket("buy", stop_loss=1), TypeError, "entry must be an Order .*got 'buy'"),
        (lambda: bracket(market("buy", 1)), ValueError, "stop_loss or profit_target must be given"),
        (
            lambda: bracket(market("buy", 1), stop_loss=1, stop_loss_points=1),
            ValueError,
            "stop_loss_points must be None where stop_loss is given",
        ),
        (
            lambda: bracket(bracket(market("buy", 1), stop_loss=1), stop_loss=2),
            ValueError,
            "entry must be an order without exits",
        ),
        (
            lambda: bracket(market("buy", 1, reduce_only=True), stop_loss=1),
            ValueError,
            "reduce_only must be False for a bracket",
        ),
        (lambda: PaperAccount(BARS).submit("buy"), TypeError, "order must be an Order .*'buy'"),
        (lambda: PaperAccount(BARS).step(0), ValueError, "n must be .*at least 1, got 0"),
        (lambda: PaperAccount(BARS).step(1, stop_at_event=1), TypeError, "stop_at_event must be"),
        (lambda: PaperAccount(BARS).cancel("1"), TypeError, "id must be a whole number"),
        (lambda: PaperAccount(BARS).deposit(-1), ValueError, "usd must be .*above 0 .*got -1"),
        (lambda: PaperAccount(BARS).note(1), TypeError, "text must be text, got 1"),
        (lambda: PaperAccount(BARS).checkpoint(), ValueError, "log must have been given"),
        (lambda: PaperAccount(BARS, contract="M2K"), TypeError, "contract must be a Contract"),
        (lambda: PaperAccount(BARS, capital=0), ValueError, "capital must be .*above 0.*got 0"),
        (lambda: PaperAccount(BARS, margin=(1, 2)), ValueError, "initial >= maintenance"),
        (
            lambda: PaperAccount(BARS, day_trade_margin=900),
            ValueError,
            "day_trade_margin must be at most the maintenance margin of 860 USD, got 900",
        ),
        (lambda: PaperAccount(BARS, limit_fill="maybe"), ValueError, "limit_fill must be one of"),
        (lambda: PaperAccount(BARS, price_limits=1), TypeError, "price_limits must be True or"),
        (
            lambda: PaperAccount(BARS, liquidate_below=0.123456),
            ValueError,
            "liquidate_below must be in whole percent, got 0.123456",
        ),
        (lambda: PaperAccount(BARS, slippage_ticks={"RTH": 1}), ValueError, "keys 'RTH' and"),
        (lambda: PaperAccount(BARS, slippage_ticks=-1), ValueError, "slippage_ticks must be"),
        (lambda: PaperAccount(BARS, start=9), ValueError, "start must be .*at most 3, got 9"),
        (
            lambda: PaperAccount(BARS, start=ny("2030-03-05 10:00")),
            ValueError,
            "start must be after the first bar",
        ),
        (
            lambda: PaperAccount(BARS, start=pd.Timestamp("2030-03-05 10:00")),
            ValueError,
            "start must be tz-aware",
        ),
        (lambda: PaperAccount([1]), TypeError, "bars must be a DataFrame"),
        (lambda: PaperAccount(BARS.iloc[:0]), ValueError, "bars must hold at least one bar"),
        (lambda: PaperAccount(BARS.tz_localize(None)), ValueError, "bars must have tz-aware"),
        (lambda: PaperAccount(BARS / 7), ValueError, "must lie on M2K's tick"),
        (
            lambda: PaperAccount(BARS.assign(contract=["A", "A", "B"])),
            ValueError,
            "bars must be those of one contract .*got A, B",
        ),
        (
            lambda: PaperAccount(BARS.assign(spread_ticks=[1, 1.5, 2])),
            ValueError,
            r"bars\['spread_ticks'\] must hold whole numbers .*got 1.5",
        ),
        (
            lambda: PaperAccount(BARS.set_axis(pd.date_range("2030-03-05", periods=3, tz="UTC"))),
            ValueError,
            "bars must be minutes, .*got 1440 minutes",
        ),
        (
            lambda: PaperAccount(BARS.set_axis(BARS.index + pd.Timedelta(milliseconds=5))),
            ValueError,
            "bars must start at whole seconds",
        ),
        (lambda: PaperAccount.from_bytes("{}", BARS), TypeError, "data must be bytes, got str"),
    ],
)
def test_bad_input(call, error, says):
    with pytest.raises(error, match=says):
        call()


@pytest.mark.parametrize("column", ["close", "spread_ticks"])
def test_a_column_that_stands_twice_is_named(column):
    bars = frame([2400, 2400]).assign(spread_ticks=1)
    with pytest.raises(ValueError, match=f"bars must have each column once, got '{column}' twice"):
        PaperAccount(pd.concat([bars, bars[[column]]], axis=1))


def test_every_code_of_a_refusal_is_explained():
    source = Path(paper.__file__).with_name("acceptance.py").read_text("utf-8")
    assert [code for code in REASONS if f'"{code}"' not in source] == []
    assert M2K.symbol == "M2K"
