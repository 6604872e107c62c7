"""Every limit is held against sums of its own, on random bars, in random hands."""

import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, paper
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.risk import Limits, RiskEngine

NEW_YORK = "America/New_York"
FREE = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0}


def open_hours(count, begin="2030-03-05 10:00"):
    """Bars of 90 minutes in plain weeks, so that they run over several trade dates."""
    times = pd.date_range(begin, periods=2 * count + 40, freq="90min", tz=NEW_YORK)
    day, evening = times.day_of_week, times.hour >= 17
    closed = (times.hour == 17) | (day == 5) | ((day == 4) & evening) | ((day == 6) & ~evening)
    return times[~closed][:count]


def frame(opens, index, inside=0.0, move=0.0):
    bars = pd.DataFrame({"open": opens}, index=index, dtype=float)
    bars["close"] = (bars["open"] + move).round(1)
    bars["high"] = (bars[["open", "close"]].max(axis=1) + inside).round(1)
    bars["low"] = (bars[["open", "close"]].min(axis=1) - inside).round(1)
    return bars


def walk(count, seed, jump=60, move=120, start=24_000):
    """A rough market: 6 points of gap and 12 of move in each bar, now and then a crash."""
    rng = np.random.default_rng(seed)
    gap, moved = rng.integers(-jump, jump + 1, count), rng.integers(-move, move + 1, count)
    gap = np.where(rng.random(count) < 0.02, gap * 10, gap)
    opens = start + np.cumsum(gap) + np.concatenate([[0], np.cumsum(moved)[:-1]])
    opens = np.maximum(opens, 2_000)
    index = open_hours(count)
    return frame(opens / 10, index, inside=rng.integers(0, 40, count) / 10, move=moved / 10)


def typed(number):
    return Fraction(repr(number))


def maybe(strategy):
    return st.none() | strategy


rules = st.fixed_dictionaries(
    {
        "stop": maybe(st.tuples(st.integers(1, 500), st.integers(2, 400))),
        "cost_usd": st.sampled_from([0.0, 2.2, 7.35]),
        "max_contracts": maybe(st.integers(0, 6)),
        "max_share": maybe(st.sampled_from([0.0, 0.5, 1.0, 2.5, 8.0])),
        "volatility_target": maybe(st.sampled_from([0.0, 0.05, 0.2, 0.6])),
        "daily_loss_usd": maybe(st.sampled_from([25.0, 150.0, 400.5, 2_000.0])),
        "max_drawdown": maybe(st.sampled_from([0.02, 0.1, 0.35])),
        "quiet": maybe(st.tuples(st.integers(0, 100), st.integers(1, 40))),
    }
)


def limits_of(rules):
    rules = dict(rules)
    stop, quiet = rules.pop("stop"), rules.pop("quiet")
    if stop is not None:
        rules |= {"risk_fraction": stop[0] / 10_000, "stop_points": stop[1] / 10}
    if quiet is not None:
        start = open_hours(1)[0] + quiet[0] * pd.Timedelta("90min")
        rules["quiet"] = [(start, start + quiet[1] * pd.Timedelta("90min"))]
    return Limits(**rules)


def broken(limits, contracts, equity_usd, price, volatility):
    """The limits of size that so many contracts would break: written anew, in fractions."""
    cents = Fraction(math.floor(100 * equity_usd + 1e-6), 100)
    equity, size = max(cents, Fraction(0)), abs(contracts)
    market_usd = size * typed(price) * 5
    found = set()
    if limits.max_contracts is not None and size > limits.max_contracts:
        found.add("max_contracts")
    if limits.risk_fraction is not None:
        each = math.ceil(typed(limits.stop_points) * 10) * Fraction(1, 2) + typed(limits.cost_usd)
        if size * each > equity * typed(limits.risk_fraction):
            found.add("risk_fraction")
    if limits.max_share is not None and market_usd > equity * typed(limits.max_share):
        found.add("max_share")
    if limits.volatility_target is not None and size > 0:
        unknown = math.isnan(volatility)
        if unknown or market_usd * typed(volatility) > equity * typed(limits.volatility_target):
            found.add("volatility_target")
    return found


def switched_off(limits, decisions):
    """Which switches were off at each decision, from the account values alone."""
    dates = (decisions.index.tz_localize(None) + pd.Timedelta(hours=6)).normalize()
    peak, before, date, lost, stopped = -math.inf, None, None, False, False
    for now, equity, today in zip(
        decisions.index, decisions["equity_usd"].tolist(), dates, strict=True
    ):
        if today != date:
            start, lost, date = equity if before is None else before, False, today
        before, peak = equity, max(peak, equity)
        if limits.daily_loss_usd is not None:
            lost |= round(100 * (start - equity)) >= 100 * limits.daily_loss_usd
        if limits.max_drawdown is not None:
            stopped |= round(100 * equity) <= round(100 * peak) * (1 - typed(limits.max_drawdown))
        quiet = any(begin <= now < end for begin, end in limits.quiet)
        names = {"max_drawdown": stopped, "daily_loss_usd": lost, "quiet": quiet}
        yield {name for name, is_off in names.items() if is_off}


def hold_to_account(limits, decisions, closes, volatility):
    """Every promise of the module, one decision after the other."""
    off_at = switched_off(limits, decisions)
    for row, price, known, off in zip(
        decisions.itertuples(), closes, volatility, off_at, strict=True
    ):
        assert abs(row.allowed) <= abs(row.wanted)
        assert row.allowed * row.wanted >= 0
        too_many = broken(limits, row.allowed, row.equity_usd, price, known)
        if off:
            assert row.allowed == 0
        else:
            assert not too_many or row.allowed == 0
        if abs(row.allowed) < abs(row.wanted):  # and no more was cut than had to be
            assert row.reason
            assert row.why
            one_more = broken(limits, abs(row.allowed) + 1, row.equity_usd, price, known)
            assert row.reason in (off or one_more)
        else:
            assert row.reason == row.why == ""


# ------------------------------------------------------------------- in front of a backtest


@settings(max_examples=50, deadline=None)
@given(
    rules=rules,
    seed=st.integers(0, 2**32 - 1),
    capital=st.sampled_from([3_000, 20_000, 120_000]),
    fill=st.sampled_from(["next_open", "close"]),
)
def test_every_limit_holds_at_every_close(rules, seed, capital, fill):
    limits, count = limits_of(rules), 120
    rng = np.random.default_rng(seed)
    bars = walk(count, seed)
    wanted = pd.Series(rng.integers(-9, 10, count), bars.index)
    wanted = wanted.where(rng.random(count) < 0.3).ffill().fillna(0).astype(int)
    volatility = pd.Series(rng.uniform(0.05, 0.9, count).round(3), bars.index)
    volatility[rng.random(count) < 0.1] = np.nan
    engine = RiskEngine(limits)
    result = backtest.run(
        bars, **engine.in_front_of(wanted, volatility), capital=capital, fill=fill
    )
    decisions = engine.decisions
    assert decisions.index.equals(bars.index)
    assert decisions["wanted"].tolist() == wanted.tolist()
    hold_to_account(limits, decisions, bars["close"].tolist(), volatility.tolist())
    # What is held is what was allowed at the close before, or less of it: stops, and the margin.
    held = result.position.to_numpy()
    allowed = decisions["allowed"].to_numpy()
    if fill == "next_open":
        held, allowed = held[1:], allowed[:-1]
        assert decisions["equity_usd"].tolist() == result.equity["Equity"].tolist()
    assert (np.abs(held) <= np.abs(allowed)).all()
    assert (held * allowed >= 0).all()


@settings(max_examples=20, deadline=None)
@given(rules=rules, seed=st.integers(0, 2**32 - 1), cut=st.integers(2, 79))
def test_the_future_changes_nothing(rules, seed, cut):
    limits, bars = limits_of(rules), walk(80, seed)
    rng = np.random.default_rng(seed)
    wanted = pd.Series(rng.integers(-5, 6, 80), bars.index)
    volatility = pd.Series(rng.uniform(0.05, 0.9, 80), bars.index)
    answers = []
    for until in (80, cut):
        engine = RiskEngine(limits)
        arguments = engine.in_front_of(wanted[:until], volatility[:until])
        backtest.run(bars[:until], **arguments, capital=20_000)
        answers.append(engine.decisions["allowed"].tolist()[:cut])
    assert answers[0] == answers[1]


def test_without_limits_nothing_changes():
    bars = walk(200, seed=5)
    wanted = pd.Series(np.random.default_rng(5).integers(-3, 4, 200), bars.index)
    engine = RiskEngine(Limits())
    ours = backtest.run(bars, **engine.in_front_of(wanted))
    theirs = backtest.run(bars, wanted / 3, contracts=3)
    assert engine.log.empty
    assert ours.equity["Equity"].tolist() == theirs.equity["Equity"].tolist()


def test_the_day_is_over_and_the_next_one_is_not():
    """By hand: 2 M2K fall 30 points, 300 dollars; the limit is 250."""
    index = pd.DatetimeIndex(
        ["2030-03-05 15:00", "2030-03-05 15:30", "2030-03-05 16:00", "2030-03-05 16:30"]
        + ["2030-03-05 18:00", "2030-03-05 18:30"],
        tz=NEW_YORK,
    )
    bars = frame([2400, 2400, 2370, 2370, 2370, 2370.0], index)
    engine = RiskEngine(Limits(daily_loss_usd=250))
    wanted = pd.Series(2, index)
    result = backtest.run(bars, **engine.in_front_of(wanted), **FREE)
    assert engine.decisions["equity_usd"].tolist() == [10_000, 10_000, 9_700, 9_700, 9_700, 9_700]
    assert engine.decisions["allowed"].tolist() == [2, 2, 0, 0, 2, 2]  # the evening is a new date
    assert result.position.tolist() == [0, 2, 2, 0, 0, 2]
    assert set(engine.log["reason"]) == {"daily_loss_usd"}
    assert engine.log["why"].iloc[0] == (
        "250.00 USD or more lost since 10,000.00 USD; off until the next trade date"
    )


def test_a_loss_overnight_counts_for_the_day_that_sees_it():
    index = pd.DatetimeIndex(["2030-03-05 16:30", "2030-03-05 18:00"], tz=NEW_YORK)
    engine = RiskEngine(Limits(daily_loss_usd=250))
    assert engine.allow(1, time=index[0], equity_usd=10_000, price=2400.0) == 1
    assert engine.allow(1, time=index[1], equity_usd=9_750, price=2350.0) == 0


def test_a_recovery_on_the_same_day_opens_nothing():
    engine = RiskEngine(Limits(daily_loss_usd=250))
    values = [("10:00", 10_000), ("11:00", 9_700), ("12:00", 10_400), ("19:00", 10_400)]
    answers = [
        engine.allow(1, time=f"2031-01-06 {time}", equity_usd=value, price=2400.0)
        for time, value in values
    ]
    assert answers == [1, 0, 0, 1]


def test_the_drawdown_counts_from_the_peak_and_ends_it_all():
    engine = RiskEngine(Limits(max_drawdown=0.1))
    values = [10_000, 12_000, 10_800.01, 10_800, 20_000]
    times = pd.bdate_range("2031-01-06", periods=5)
    answers = [
        engine.allow(1, time=time, equity_usd=value, price=2400.0)
        for time, value in zip(times, values, strict=True)
    ]
    assert answers == [1, 1, 1, 0, 0]
    assert engine.is_stopped
    assert "stopped" in repr(engine)
    said = "the account has fallen to 90 % of 12,000.00 USD or less; stopped for good"
    assert engine.log["why"].iloc[0] == said


def test_a_gap_loses_more_than_the_budget():
    """What the engine cannot promise: 1 % is 200 dollars, the gap takes 500 of 20,000."""
    days = pd.bdate_range("2031-01-06", periods=4)
    bars = frame([2400, 2400, 2350, 2350.0], days)
    engine = RiskEngine(Limits(risk_fraction=0.01, stop_points=20))
    result = backtest.run(bars, **engine.in_front_of(pd.Series(5, days)), capital=20_000, **FREE)
    assert engine.decisions["allowed"].iloc[0] == 2
    assert result.trades["Tag"].tolist() == ["stop"]
    assert result.trades["PnL"].tolist() == [-500.0]


def test_limits_at_their_edges():
    def allowed(wanted=9, equity_usd=20_000, volatility=None, **limits):
        engine = RiskEngine(Limits(**limits))
        return engine.allow(
            wanted, time="2031-01-06", equity_usd=equity_usd, price=2400.0, volatility=volatility
        )

    assert allowed(risk_fraction=0.01, stop_points=20) == 2
    assert allowed(equity_usd=19_999.99, risk_fraction=0.01, stop_points=20) == 1
    assert allowed(risk_fraction=0.01, stop_points=20, cost_usd=0.01) == 1
    assert allowed(max_share=1.2) == 2
    assert allowed(-9, max_share=1.2) == -2
    assert allowed(volatility_target=0.24, volatility=0.20) == 2
    assert allowed(volatility_target=0.24, volatility=math.nan) == 0
    assert allowed(equity_usd=-5, max_share=1.2) == 0
    assert allowed(0, max_contracts=3) == 0
    assert allowed(-3, max_contracts=3) == -3
    assert allowed(max_contracts=0) == 0


@pytest.mark.parametrize(
    ("limits", "at_limit", "one_cent_on", "expected"),
    [
        # The account value that a limit still allows, and a cent beyond it.
        ({"daily_loss_usd": 300}, 9_700.01, 9_700.00, (1, 0)),
        ({"max_drawdown": 0.1}, 9_000.01, 9_000.00, (1, 0)),
        ({"max_drawdown": 0.03}, 9_700.01, 9_700.00, (1, 0)),
        ({"max_share": 1.25}, 9_600.00, 9_599.99, (1, 0)),
        ({"risk_fraction": 0.01, "stop_points": 18.5}, 9_250.00, 9_249.99, (1, 0)),
        ({"risk_fraction": 0.01, "stop_points": 18, "cost_usd": 2.5}, 9_250.00, 9_249.99, (1, 0)),
        ({"volatility_target": 0.25}, 9_600.00, 9_599.99, (1, 0)),
    ],
)
def test_a_cent_on_either_side_of_a_limit(limits, at_limit, one_cent_on, expected):
    answers = []
    for equity_usd in (at_limit, one_cent_on):
        engine = RiskEngine(Limits(**limits))
        asked = {"price": 2400.0, "volatility": 0.2}
        engine.allow(1, time="2031-01-06 10:00", equity_usd=10_000, **asked)
        answers.append(engine.allow(1, time="2031-01-06 11:00", equity_usd=equity_usd, **asked))
    assert tuple(answers) == expected


def test_a_window_is_closed_at_its_start_and_open_at_its_end():
    engine = RiskEngine(Limits(quiet=[("2031-01-06 08:25", "2031-01-06 08:45")]))
    times = ["08:24", "08:25", "08:44", "08:45"]
    assert [
        engine.allow(2, time=f"2031-01-06 {time}", equity_usd=9_000, price=2400.0) for time in times
    ] == [2, 0, 0, 2]
    assert engine.log["reason"].tolist() == ["quiet", "quiet"]


def test_the_switches_are_named_before_the_sizes():
    limits = Limits(max_contracts=0, max_share=0, max_drawdown=0.5, daily_loss_usd=1)
    engine = RiskEngine(limits)
    engine.allow(1, time="2031-01-06 10:00", equity_usd=1_000, price=2400.0)
    engine.allow(1, time="2031-01-06 11:00", equity_usd=999, price=2400.0)
    engine.allow(1, time="2031-01-06 12:00", equity_usd=400, price=2400.0)
    assert engine.log["reason"].tolist() == ["max_contracts", "daily_loss_usd", "max_drawdown"]


# ------------------------------------------------------------------- in front of a demo account


def minutes(count, seed, begin="2030-03-05 15:30"):
    """Over the afternoon's end, where the market closes for an hour."""
    times = pd.date_range(begin, periods=count, freq="min", tz=NEW_YORK)
    times = times[(times.hour != 17) & (times.hour > 9)]
    rough = walk(len(times), seed, jump=15, move=25)
    return rough.set_axis(times)


@settings(max_examples=20, deadline=None)
@given(rules=rules, seed=st.integers(0, 2**32 - 1), capital=st.sampled_from([4_000, 40_000]))
def test_a_demo_account_never_holds_more_than_was_allowed(rules, seed, capital):
    limits = limits_of(rules | {"quiet": None})
    bars = minutes(120, seed)
    account = paper.PaperAccount(bars, capital=capital, start=1)
    engine, rng, wanted = RiskEngine(limits), np.random.default_rng(seed), 0
    closes, known = [], []
    while not account.finished:
        wanted = int(rng.integers(-7, 8)) if rng.random() < 0.2 else wanted
        closes.append(float(account.seen["close"].iat[-1]))
        known.append(round(float(rng.uniform(0.05, 0.9)), 3))
        answers = engine.follow(account, wanted, known[-1])
        allowed = int(engine.decisions["allowed"].iloc[-1])
        before = account.position
        if all(answers):  # else the broker said no: then nothing is larger than it was
            bound = max(allowed, 0), min(allowed, 0)
        else:
            assert {one.code for one in answers if not one} <= set(paper.REASONS)
            bound = max(allowed, before, 0), min(allowed, before, 0)
        account.step()
        assert bound[1] <= account.position <= bound[0]
    hold_to_account(limits, engine.decisions, closes, known)


def test_a_demo_account_and_a_backtest_are_led_alike():
    """Inside one session, where each order finds an open market and the margin is no matter."""
    index = pd.date_range("2030-03-05 10:00", periods=240, freq="min", tz=NEW_YORK)
    for seed in range(3):
        bars = walk(240, seed, jump=15, move=25).set_axis(index)
        rng = np.random.default_rng(seed)
        wanted = pd.Series(rng.integers(-5, 6, 240), index).where(rng.random(240) < 0.1)
        wanted = wanted.ffill().fillna(0).astype(int)
        # The account is opened after the first bar; the backtest decides at its close, too.
        wanted.iloc[0] = 0
        limits = Limits(
            risk_fraction=0.02, stop_points=15, max_share=2.0, daily_loss_usd=900, max_contracts=4
        )
        engine, led = RiskEngine(limits), RiskEngine(limits)
        result = backtest.run(bars, **engine.in_front_of(wanted), capital=30_000, **FREE)
        account = paper.PaperAccount(bars, capital=30_000, start=1, **FREE)
        for size in wanted:
            led.follow(account, size)
            if not account.finished:
                account.step()
        assert led.decisions["allowed"].tolist() == engine.decisions["allowed"].tolist()
        assert led.decisions["equity_usd"].tolist() == result.equity["Equity"].tolist()
        assert set(engine.log["reason"]) >= {"max_contracts"}


def test_a_stopped_position_stays_out_until_the_target_is_flat():
    index = pd.date_range("2030-03-05 10:00", periods=8, freq="min", tz=NEW_YORK)
    bars = frame([2400, 2400, 2380, 2380, 2380, 2380, 2380, 2380.0], index)
    account = paper.PaperAccount(bars, start=1, **FREE)
    engine = RiskEngine(Limits(risk_fraction=0.02, stop_points=10))
    positions = []
    for wanted in (1, 1, 1, 0, 1):
        engine.follow(account, wanted)
        account.step()
        positions.append(account.position)
    assert positions == [1, 0, 0, 0, 1]
    assert account.trades["exit_role"].tolist() == ["stop loss"]


def test_another_size_on_the_same_side_brings_no_stopped_position_back():
    index = pd.date_range("2030-03-05 10:00", periods=8, freq="min", tz=NEW_YORK)
    bars = frame([2400, 2400, 2380, 2380, 2380, 2380, 2380, 2380.0], index)
    account = paper.PaperAccount(bars, start=1, **FREE)
    engine = RiskEngine(Limits(risk_fraction=0.05, stop_points=10))
    positions = []
    for wanted in (1, 1, 3, 2, -1):
        engine.follow(account, wanted)
        account.step()
        positions.append(account.position)
    assert positions == [1, 0, 0, 0, -1]


def test_an_entry_that_the_broker_refused_is_not_sent_again():
    account = paper.PaperAccount(minutes(30, seed=1), capital=2_000, start=1)
    engine = RiskEngine(Limits())
    assert all(engine.follow(account, 1))
    account.step()
    (refused,) = engine.follow(account, 9)
    assert refused.code == "margin"
    account.step()
    assert engine.follow(account, 9) == []
    account.step()
    assert account.position == 1


def test_a_refused_entry_is_struck_off_until_the_target_is_flat():
    """As in a backtest: what the margin didn't allow is gone, and a smaller target buys nothing."""
    account = paper.PaperAccount(minutes(30, seed=1), capital=2_000, start=1)
    engine = RiskEngine(Limits())
    (refused,) = engine.follow(account, 9)
    assert refused.code == "margin"
    account.step()
    for target in (9, 1, 8):
        assert engine.follow(account, target) == []
        account.step()
    assert all(engine.follow(account, 10))  # a target that rises by one or two buys as many
    account.step()
    assert account.position == 1
    engine.follow(account, 0)
    account.step()
    assert all(engine.follow(account, 1))
    account.step()
    assert account.position == 1


def test_an_entry_refused_in_a_flip_is_struck_off_on_the_new_side_only():
    account = paper.PaperAccount(minutes(30, seed=1), capital=2_000, start=1)
    engine = RiskEngine(Limits())
    engine.follow(account, 1)
    account.step()
    closing, refused = engine.follow(account, -9)
    assert closing.ok
    assert refused.code == "margin"
    account.step()
    assert account.position == 0
    assert engine.follow(account, -1) == []
    account.step()
    assert all(engine.follow(account, 1))
    account.step()
    assert account.position == 1


def led_by(targets, prices, **limits):
    """Positions after each decision; what was opened and closed by it."""
    index = pd.date_range("2030-03-05 10:00", periods=len(prices), freq="min", tz=NEW_YORK)
    account = paper.PaperAccount(frame(prices, index), start=1, capital=100_000, **FREE)
    engine, positions = RiskEngine(Limits(**limits)), []
    for target in targets:
        engine.follow(account, target)
        account.step()
        positions.append(account.position)
    return positions


STOP = {"risk_fraction": 0.5, "stop_points": 10}
# One contract at 2400, three at 2405: at 2394.9 only the three are stopped.
THREE_STOPPED = [2400, 2400, 2405, 2394.9]


@pytest.mark.parametrize(
    ("later", "expected"),
    [
        ((3, 3), [0, 0]),  # a falling target buys nothing: three of three are struck off
        ((2, 1), [0, 0]),
        ((5, 5), [2, 2]),  # a rising one buys its rise
        ((3, 4, 3, 4), [0, 1, 0, 1]),  # a flickering one never comes back to four
        ((6, 4), [3, 1]),
        ((0, 4), [0, 4]),
        ((-2, 4), [-2, 4]),
    ],
)
def test_what_a_stop_took_of_a_position_is_struck_off(later, expected):
    targets = [1, 4, 4, *later]
    prices = [*THREE_STOPPED, *[2394.9] * len(later)]
    positions = led_by(targets, prices, **STOP)
    assert positions == [1, 4, 1, *expected]


def test_what_the_margin_did_not_allow_at_the_fill_is_struck_off():
    index = pd.date_range("2030-03-05 10:00", periods=9, freq="min", tz=NEW_YORK)
    bars = frame([2400, 2400, 2400, 2410, 2410, 2410, 2410, 2410, 2410.0], index)
    account = paper.PaperAccount(bars, capital=3_001, start=1, **FREE | {"margin": 1_000})
    engine, positions = RiskEngine(Limits()), []
    engine.follow(account, -1)
    account.step(2)
    # Accepted at 2400, refused at 2410, where the short position has lost 50 dollars.
    assert all(engine.follow(account, -3))
    account.step()
    assert account.orders["status"].tolist() == ["filled", "cancelled"]
    for target in (-3, -2, -3, 0, -2):
        engine.follow(account, target)
        account.step()
        positions.append(account.position)
    # Of -3 two are struck off, so that -2 holds none and the short contract is bought back.
    assert positions == [-1, 0, -1, 0, -2]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    stop_ticks=st.integers(5, 120),
    targets=st.lists(st.integers(-4, 4), min_size=30, max_size=30),
    margin=st.sampled_from([0, 1_000, 9_000]),
)
def test_a_target_that_falls_never_buys_and_a_rise_buys_itself_at_most(
    seed, stop_ticks, targets, margin
):
    index = pd.date_range("2030-03-05 10:00", periods=100, freq="min", tz=NEW_YORK)
    bars = walk(100, seed, jump=15, move=25).set_axis(index)
    terms = FREE | {"margin": margin, "protection_points": None}
    account = paper.PaperAccount(bars, capital=30_000, start=1, **terms)
    engine = RiskEngine(Limits(risk_fraction=1.0, stop_points=stop_ticks / 10))
    state = account._state  # its plain rows, because frames take their time
    before = lost = 0
    for target in np.repeat(targets, 3).tolist():
        fills, known = len(state.fills), len(state.tickets)
        engine.follow(account, target)
        allowed = engine._rows[-1][1]
        entries = [ticket for ticket in state.tickets[known:] if not ticket.reduce_only]
        opened = sum(entry.asked for entry in entries)
        if allowed * before <= 0:  # flat, or a reversal: trades as if nothing had been lost
            lost = 0
            assert opened == abs(allowed)
        elif abs(allowed) <= abs(before):
            assert opened == 0
        else:
            assert opened <= abs(allowed) - abs(before)
        assert all(entry.side * allowed > 0 for entry in entries)
        account.step()
        # What was lost, counted anew from the fills of exits and from orders that came to nothing.
        side = 1 if allowed > 0 else -1
        lost += sum(
            abs(contracts)
            for _, _, contracts, *_, role in state.fills[fills:]
            if role in ("stop loss", "liquidation") and contracts * side < 0
        )
        lost += sum(order.asked - order.filled for order in entries if order.status != "filled")
        assert abs(account.position) <= max(abs(allowed) - lost, 0)
        before = allowed


def test_a_position_stopped_after_a_refused_addition_stays_out():
    index = pd.date_range("2030-03-05 10:00", periods=8, freq="min", tz=NEW_YORK)
    bars = frame([2400, 2400, 2400, 2380, 2380, 2380, 2380, 2380.0], index)
    account = paper.PaperAccount(bars, capital=2_000, start=1)
    engine = RiskEngine(Limits(risk_fraction=1.0, stop_points=10))
    positions = []
    for wanted in (1, 9, 9, 2, 1, 0, 1):
        engine.follow(account, wanted)
        account.step()
        positions.append(account.position)
    assert positions == [1, 1, 0, 0, 0, 0, 1]


def test_an_entry_wanted_while_the_market_is_closed_is_made_when_it_opens():
    bars = minutes(160, seed=1)
    account = paper.PaperAccount(bars, capital=40_000, start=90)
    engine = RiskEngine(Limits())
    assert account.now.strftime("%H:%M") == "17:00"
    (refused,) = engine.follow(account, 2)
    assert refused.code == "closed"
    account.step()
    assert account.now.strftime("%H:%M") == "18:01"
    assert account.position == 0
    assert all(engine.follow(account, 2))
    account.step()
    assert account.position == 2
    assert engine.follow(account, 2) == []


def test_an_entry_that_still_waits_is_cancelled_and_decided_anew():
    account = paper.PaperAccount(minutes(30, seed=1), capital=40_000, start=1)
    engine = RiskEngine(Limits())
    mine = account.submit(paper.limit("buy", 3, 1_900.0))
    engine.follow(account, 1)
    assert account.orders.loc[mine.id, "status"] == "cancelled"
    account.step()
    assert account.position == 1


def test_what_the_broker_refuses_comes_back_and_reductions_are_tried_again():
    bars = minutes(160, seed=1)
    account = paper.PaperAccount(bars, capital=40_000, start=1)
    engine = RiskEngine(Limits(quiet=[("2030-03-05 16:59-05:00", "2030-03-05 18:30-05:00")]))
    assert all(engine.follow(account, 2))
    account.step(88)
    assert account.now.strftime("%H:%M") == "16:59"
    account.step()
    (refused,) = engine.follow(account, 2)  # at 17:00 nothing can be sold
    assert refused.code == "closed"
    account.step()
    assert account.position == 2
    assert all(engine.follow(account, 2))
    account.step()
    assert account.position == 0


# ------------------------------------------------------------------- nonsense


DAYS = pd.bdate_range("2031-01-06", periods=3)
ONCE = {"time": "2031-01-06 10:00", "equity_usd": 10_000, "price": 2400.0}


def asked(engine=None, **changes):
    engine = engine or RiskEngine(Limits())
    arguments = {"wanted": 1, **ONCE, **changes}
    return engine.allow(arguments.pop("wanted"), **arguments)


def twice(**changes):
    engine = RiskEngine(Limits())
    asked(engine)
    asked(engine, **changes)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Limits(risk_fraction=1.2, stop_points=9), ValueError, "risk_fraction.*got 1.2"),
        (lambda: Limits(risk_fraction=0.01), ValueError, "given together.*stop_points=None"),
        (lambda: Limits(stop_points=10), ValueError, "given together.*risk_fraction=None"),
        (lambda: Limits(risk_fraction=0.1, stop_points=0), ValueError, "stop_points.*above 0"),
        (lambda: Limits(cost_usd=-1), ValueError, "cost_usd must be .*got -1"),
        (lambda: Limits(max_contracts=2.5), ValueError, "max_contracts .*whole.*got 2.5"),
        (lambda: Limits(max_contracts=-1), ValueError, "max_contracts .*got -1"),
        (lambda: Limits(max_share="2"), TypeError, "max_share must be .*got '2'"),
        (lambda: Limits(volatility_target=-0.1), ValueError, "volatility_target .*got -0.1"),
        (lambda: Limits(daily_loss_usd=0), ValueError, "daily_loss_usd .*above 0, got 0"),
        (lambda: Limits(max_drawdown=1), ValueError, "max_drawdown .*below 1, got 1"),
        (lambda: Limits(quiet="2031"), TypeError, "quiet must hold pairs"),
        (lambda: Limits(quiet=["2031"]), ValueError, "quiet must hold pairs.*got '2031'"),
        (lambda: Limits(quiet=["31"]), ValueError, "quiet must hold pairs.*got '31'"),
        (lambda: Limits(quiet=[("2031-01-01",) * 3]), ValueError, "quiet must hold pairs"),
        (lambda: Limits(quiet=[("2031-02-01", "2031-01-01")]), ValueError, "start before end"),
        (
            lambda: Limits(quiet=[("2031-01-01", "2031-01-02 00:00-05:00")]),
            ValueError,
            "quiet's end must have a time zone if and only if",
        ),
        (lambda: RiskEngine({"max_share": 1}), TypeError, "limits must be Limits"),
        (lambda: RiskEngine(Limits(), contract="M2K"), TypeError, "contract must be a Contract"),
        (lambda: asked(wanted=1.5), ValueError, "wanted must be a whole number, got 1.5"),
        (lambda: asked(equity_usd=math.nan), ValueError, "equity_usd must be .*got nan"),
        (lambda: asked(price=0), ValueError, "price must be .*above 0, got 0"),
        (lambda: asked(time="noon or so"), ValueError, "time must be a time, got 'noon or so'"),
        (lambda: asked(time=None), ValueError, "time must be a time, got None"),
        (lambda: twice(), ValueError, "time must be later than 2031-01-06 10:00"),
        (lambda: twice(time="2031-01-07 10:00Z"), ValueError, "time must have a time zone if and"),
        (
            lambda: asked(RiskEngine(Limits(volatility_target=0.1))),
            ValueError,
            "volatility must be given where volatility_target is set",
        ),
        (
            lambda: asked(RiskEngine(Limits(volatility_target=0.1)), volatility=0),
            ValueError,
            "volatility must be .*above 0, got 0",
        ),
        (lambda: RiskEngine(Limits()).in_front_of([1]), TypeError, "wanted must be a Series"),
        (
            lambda: RiskEngine(Limits()).in_front_of(pd.Series([1, 2])),
            TypeError,
            "wanted must have a DatetimeIndex",
        ),
        (
            lambda: RiskEngine(Limits()).in_front_of(pd.Series([0, 0.5, 1], DAYS)),
            ValueError,
            "wanted must hold whole numbers of contracts, got 0.5 at 2031-01-07",
        ),
        (
            lambda: RiskEngine(Limits()).in_front_of(pd.Series([0, np.nan, 1], DAYS)),
            ValueError,
            "wanted must hold whole numbers of contracts, got nan",
        ),
        (
            lambda: RiskEngine(Limits()).in_front_of(pd.Series(list("abc"), DAYS)),
            TypeError,
            "wanted must hold whole numbers",
        ),
        (
            lambda: RiskEngine(Limits(volatility_target=0.1)).in_front_of(pd.Series(1, DAYS)),
            TypeError,
            "volatility must be a Series where volatility_target is set, got NoneType",
        ),
        (
            lambda: RiskEngine(Limits(volatility_target=0.1)).in_front_of(
                pd.Series(1, DAYS), pd.Series(0.2, DAYS[:2])
            ),
            ValueError,
            "volatility must have the index of wanted",
        ),
        (lambda: RiskEngine(Limits()).follow("demo", 1), TypeError, "account must be a Paper"),
        (
            lambda: RiskEngine(Limits(), contract=MES).follow(
                paper.PaperAccount(minutes(9, 1), start=1, contract=M2K), 1
            ),
            ValueError,
            "account must trade MES, got M2K",
        ),
    ],
)
def test_nonsense_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_backtest_that_asks_less_often_is_found_out():
    bars = walk(30, seed=2)
    wanted = pd.Series(np.tile([2, 2, -2], 10), bars.index)
    arguments = RiskEngine(Limits(max_contracts=1)).in_front_of(wanted) | {"resize": False}
    with pytest.raises(ValueError, match="asked at each bar of wanted, once and in order"):
        backtest.run(bars, **arguments)


def test_an_engine_is_not_used_for_two_histories():
    bars = walk(30, seed=2)
    wanted = pd.Series(1, bars.index)
    engine = RiskEngine(Limits(max_contracts=1))
    backtest.run(bars, **engine.in_front_of(wanted))
    with pytest.raises(ValueError, match="time must be later than"):
        backtest.run(bars, **engine.in_front_of(wanted))
