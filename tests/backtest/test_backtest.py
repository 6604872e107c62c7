import subprocess
import sys
from fractions import Fraction

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, contracts, data, plots
from m2k_lessons.backtest import run, run_portfolio
from m2k_lessons.contracts import M2K, Contract
from m2k_lessons.facts import fact
from tests.oracles.backtest_twin import Instrument, Twin

FREE = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0}


def days(count):
    return pd.date_range("2030-01-07", periods=count, freq="B", tz="America/New_York", name="time")


def frame(rows, index=None):
    """Bars from (open, high, low, close); a single number is a bar that doesn't move."""
    rows = [row if isinstance(row, tuple) else (row,) * 4 for row in rows]
    index = days(len(rows)) if index is None else index
    return pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index, dtype=float)


def series(values, index=None):
    return pd.Series(values, index=days(len(values)) if index is None else index, dtype=float)


def equity(result):
    return result.equity["Equity"].to_list()


# --- random runs, against the plain-Python twin -------------------------------------------------


@st.composite
def legs(draw, bars, contract):
    """What `run` is given for one contract, on random bars."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    jump, inside = draw(st.sampled_from([(400, 150), (40, 10), (3, 60), (8, 4)]))
    start = 24_000 if contract is M2K else 26_000
    steps = rng.integers(-jump, jump + 1, bars), rng.integers(-inside, inside + 1, bars)
    opens = start + np.cumsum(steps[0]) + np.concatenate([[0], np.cumsum(steps[1])[:-1]])
    closes = opens + steps[1]
    highs = np.maximum(opens, closes) + rng.integers(0, inside, bars)
    lows = np.minimum(opens, closes) - rng.integers(0, inside, bars)
    ticks = np.column_stack([opens, highs, lows, closes])
    table = frame([tuple(row) for row in ticks / contract._ticks_per_point])
    arguments = {
        "commission_usd": draw(st.sampled_from([0, 0.85, 1.2345])),
        "slippage_ticks": draw(st.integers(0, 3)),
        "stop_points": draw(st.sampled_from([None, 0.5, 2, 5, None, 60])),
        "take_profit_points": draw(st.sampled_from([None, 0.5, 3, 8, None, 90])),
        "protection_points": draw(st.sampled_from([None, None, 0.5, 2])),
        "margin": draw(st.sampled_from([(550, 500), 950, (300, 300), 0])),
    }
    for name in ("stop_points", "take_profit_points"):
        if draw(st.integers(0, 3)) == 0:
            arguments[name] = pd.Series(rng.integers(1, 60, bars) * 0.25, index=table.index)
    gaps = None
    if draw(st.booleans()):
        table["contract"] = np.where(np.arange(bars) < bars // 3, "H", "M")
        table.loc[table.index[bars // 3 * 2] :, "contract"] = "U"
        if draw(st.booleans()):
            first = table["contract"] != table["contract"].shift()
            values = rng.integers(-50, 200, first.sum()) / contract._ticks_per_point
            gaps = pd.Series(values, index=table.index[first])
    kind = draw(st.sampled_from(["sides", "parts"]))
    choices = [-1, 0, 1] if kind == "sides" else [-1, -0.5, -0.29, 0, 0.29, 0.5, 1]
    target = rng.choice(choices, bars)
    if draw(st.booleans()):
        target = np.repeat(target, 4)[:bars]
    sizes = draw(st.sampled_from(["whole", "series", "function"]))
    arguments["contracts"] = {
        "whole": draw(st.integers(1, 9)),
        "series": pd.Series(rng.integers(0, 6, bars), index=table.index),
        "function": lambda equity_usd, price, time: max(0, int(equity_usd // 700)),
    }[sizes]
    return table, pd.Series(target, index=table.index), arguments, gaps


@st.composite
def setups(draw, symbols=("M2K",)):
    bars = draw(st.integers(1, 45) | st.just(45))
    by_symbol = {one: draw(legs(bars, contracts.get_contract(one))) for one in symbols}
    common = {
        "capital": draw(st.sampled_from([2_500, 960, 5_000, 100_000])),
        "fill": draw(st.sampled_from(["next_open", "close"])),
        "roll_costs": draw(st.booleans()),
        "resize": draw(st.booleans()),
    }
    return by_symbol, common


def ran(by_symbol, common):
    """Through the public functions: `run` for one leg, `run_portfolio` for several."""
    if len(by_symbol) == 1:
        ((symbol, (bars, target, arguments, gaps)),) = by_symbol.items()
        contract = contracts.get_contract(symbol)
        return run(bars, target, contract=contract, roll_gap_points=gaps, **arguments, **common)
    own = {
        name: {symbol: leg[2][name] for symbol, leg in by_symbol.items()}
        for name in next(iter(by_symbol.values()))[2]
    }
    return run_portfolio(
        {symbol: leg[0] for symbol, leg in by_symbol.items()},
        {symbol: leg[1] for symbol, leg in by_symbol.items()},
        roll_gap_points={symbol: leg[3] for symbol, leg in by_symbol.items()},
        **own,
        **common,
    )


def twin(by_symbol, common):
    """The same run by the twin, which is given whole ticks and exact dollars."""
    twins, deciders = [], []
    for symbol, (bars, target, arguments, gaps) in by_symbol.items():
        contract = contracts.get_contract(symbol)
        per_point = contract._ticks_per_point
        ticks = {
            name: [round(price * per_point) for price in bars[name]] for name in bars.columns[:4]
        }
        rolls = {}
        if "contract" in bars:
            for bar in range(1, len(bars)):
                if bars["contract"].iloc[bar] != bars["contract"].iloc[bar - 1]:
                    unknown = ticks["open"][bar] - ticks["close"][bar - 1]
                    known = None if gaps is None else round(gaps[bars.index[bar]] * per_point)
                    rolls[bar] = unknown if known is None else known
        margin = arguments["margin"]
        if not isinstance(margin, tuple):
            margin = (margin, round(margin / 1.1, 2))
        stop, profit = (
            in_ticks(arguments[name], per_point) for name in ("stop_points", "take_profit_points")
        )
        twins.append(
            Instrument(
                **ticks,
                tick_usd=Fraction(str(contract.tick_value)),
                commission=Fraction(str(arguments["commission_usd"])),
                slippage=arguments["slippage_ticks"],
                stop=stop,
                profit=profit,
                protection=in_ticks(arguments["protection_points"], per_point),
                initial=Fraction(str(margin[0])),
                maintenance=Fraction(str(margin[1])),
                rolls=rolls,
            )
        )
        deciders.append(decider(bars, target, arguments["contracts"], common["resize"]))
    run_twin = Twin(
        twins,
        lambda bar, equity: [decide(bar, equity) for decide in deciders],
        capital=common["capital"],
        new_day=[True] * len(bars),
        at_close=common["fill"] == "close",
        roll_costs=common["roll_costs"],
    )
    return run_twin.run()


def in_ticks(points, per_point):
    if isinstance(points, pd.Series):  # taken to the nearest tick, halves to the even one
        return [max(1, round(each * per_point)) for each in points]
    return points and round(points * per_point)


def decider(bars, target, size, resize):
    asked = {"last": 0}

    def decide(bar, equity):
        fraction = Fraction(str(float(target.iloc[bar])))
        if isinstance(size, pd.Series):
            full = int(size.iloc[bar])
        elif callable(size):
            before = target.iloc[bar - 1] if bar else 0
            if target.iloc[bar] != 0 and (resize or target.iloc[bar] != before):
                price = bars["close"].iloc[bar]
                asked["last"] = size(float(equity), price, bars.index[bar])
            full = asked["last"]
        else:
            full = size
        return int(fraction * full)  # int() cuts off the fraction, on both sides of zero

    return decide


def assert_same(result, other):
    assert [Fraction(str(value)) for value in equity(result)] == other.equities
    held = result.position.to_numpy().reshape(len(other.positions), -1).tolist()
    assert held == other.positions
    symbols = list(result.bars)
    ours = sorted(
        (
            symbols.index(row.Symbol),
            row.Size,
            row.EntryBar,
            row.ExitBar,
            round(row.EntryPrice * per_point(row)),
            round(row.ExitPrice * per_point(row)),
            row.Tag,
            Fraction(str(round(row.PnL, 4))),
        )
        for row in result.trades.itertuples()
    )
    last = len(other.equities) - 1
    theirs = sorted(
        (
            trade.leg,
            trade.size,
            trade.entry_bar,
            last if trade.exit_bar is None else trade.exit_bar,
            trade.entry,
            other.seen[trade.leg] if trade.exit is None else trade.exit,
            trade.tag,
            other.worth(trade, other.seen[trade.leg] if trade.exit is None else trade.exit),
        )
        for trade in other.closed + other.open_trades
    )
    assert ours == theirs
    events = [
        (row.Bar, None if row.Symbol == "all" else symbols.index(row.Symbol), row.Event)
        + (row.Asked, row.Given, Fraction(str(row.Equity)), Fraction(str(row.Margin)))
        for row in result.events.itertuples()
    ]
    assert events == other.events
    assert_same_numbers(result.stats, other)


def assert_same_numbers(stats, other):
    """What the engine counts while it runs, counted anew from the twin's trades and equity."""
    ended = [(trade, other.worth(trade, trade.exit)) for trade in other.closed]
    ended += [(trade, other.worth(trade, other.seen[trade.leg])) for trade in other.open_trades]
    last = len(other.equities) - 1
    exposed = set()
    for trade, _ in ended:
        exit_bar = last if trade.exit_bar is None else trade.exit_bar
        exposed.update(range(trade.entry_bar, exit_bar + 1))
    assert stats["Exposure Time [%]"] == 100 * (len(exposed) / (last + 1))
    assert stats["# Trades"] == len(ended)
    won = float(sum(max(pnl, 0) for _, pnl in ended))
    lost = -float(sum(min(pnl, 0) for _, pnl in ended))
    assert stats["Profit Factor [$]"] == pytest.approx(won / lost if lost else np.nan, nan_ok=True)
    levels = np.array([float(other.capital), *map(float, other.equities)])
    peaks = np.maximum.accumulate(levels)
    assert stats["Equity Peak [$]"] == peaks[-1]
    assert stats["Max. Drawdown [$]"] == pytest.approx(-(peaks - levels).max(), abs=1e-6)
    assert stats["Max. Drawdown [%]"] == pytest.approx(100 * (levels / peaks - 1).min(), abs=1e-9)
    assert stats["Max. Drawdown [$]"] <= min(0, stats["Return [$]"]) + 1e-6
    changes = np.diff(np.concatenate([levels[:1], levels[2:]]))
    if len(changes) > 1 and np.ptp(changes) > 1e-6:  # less is the noise of dollars as floats
        ratio = changes.mean() / changes.std(ddof=1) * 252**0.5
        assert stats["Sharpe Ratio [$]"] == pytest.approx(ratio, abs=1e-9)


def per_point(row):
    return contracts.get_contract(row.Symbol)._ticks_per_point


@settings(max_examples=200)
@given(setup=setups())
def test_equals_the_twin(setup):
    assert_same(ran(*setup), twin(*setup))


@settings(max_examples=100)
@given(setup=setups(symbols=("M2K", "MES")))
def test_a_portfolio_equals_the_twin(setup):
    assert_same(ran(*setup), twin(*setup))


def test_an_account_at_the_limit_of_its_margin_equals_the_twin():
    """All the contracts that the equity covers, held for long: margin calls in most runs."""
    calls = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        closes = 24_000 + np.cumsum(rng.integers(-300, 301, 40))
        opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-100, 101, 39)])
        rows = [(o, max(o, c) + 5, min(o, c) - 5, c) for o, c in zip(opens, closes, strict=True)]
        bars = frame([tuple(price / 10 for price in row) for row in rows])
        target = pd.Series(np.repeat(rng.choice([-1, 1], 4), 10), index=bars.index, dtype=float)
        arguments = {
            "commission_usd": 0.85,
            "slippage_ticks": 1,
            "stop_points": None,
            "take_profit_points": None,
            "protection_points": None,
            "margin": (550, 500),
            "contracts": 30,
        }
        by_symbol = {"M2K": (bars, target, arguments, None)}
        if seed % 2:
            other = frame([tuple(price / 4 for price in row) for row in rows])
            by_symbol["MES"] = (other, -target, arguments | {"contracts": 9}, None)
        fill = "close" if seed % 3 else "next_open"
        common = {"capital": 10_000, "fill": fill, "roll_costs": True, "resize": False}
        result = ran(by_symbol, common)
        assert_same(result, twin(by_symbol, common))
        calls += "margin call" in set(result.events["Event"])
    assert calls > 30


# --- what must hold for every run ---------------------------------------------------------------


@given(setup=setups())
def test_trades_account_for_every_cent(setup):
    result = ran(*setup)
    pnl = sum(Fraction(str(round(each, 4))) for each in result.trades["PnL"])
    assert pnl == Fraction(str(equity(result)[-1])) - Fraction(str(result.capital))
    trades = result.trades
    gross = trades["Ticks"] * trades["Contracts"] * M2K.tick_value
    np.testing.assert_allclose(trades["PnL"], gross - trades["Commission"], atol=1e-9)
    held = trades.loc[trades["Tag"] == "open", "Size"].sum()
    assert held == result.position.iloc[-1]


@given(setup=setups(), cut=st.floats(0, 1))
def test_what_comes_later_changes_nothing_before(setup, cut):
    by_symbol, common = setup
    bars, target, arguments, gaps = by_symbol["M2K"]
    kept = 1 + int(cut * (len(bars) - 1))
    shorter = {
        name: value.iloc[:kept] if isinstance(value, pd.Series) else value
        for name, value in arguments.items()
    }
    part = {"M2K": (bars.iloc[:kept], target.iloc[:kept], shorter, gaps)}
    whole, short = ran(by_symbol, common), ran(part, common)
    assert equity(short) == equity(whole)[:kept]
    assert short.position.equals(whole.position.iloc[:kept])
    before = whole.events[whole.events["Bar"] < kept]
    pd.testing.assert_frame_equal(short.events, before)
    done = short.trades[short.trades["Tag"] != "open"]
    same = whole.trades[(whole.trades["ExitBar"] < kept) & (whole.trades["Tag"] != "open")]
    columns = ["Size", "EntryBar", "ExitBar", "EntryPrice", "ExitPrice", "PnL", "Tag"]
    assert sorted(done[columns].values.tolist()) == sorted(same[columns].values.tolist())


@given(setup=setups())
def test_a_flat_target_does_nothing(setup):
    by_symbol, common = setup
    bars, target, arguments, gaps = by_symbol["M2K"]
    result = ran({"M2K": (bars, target * 0, arguments, gaps)}, common)
    assert len(result.trades) == len(result.events) == 0
    assert set(equity(result)) == {result.capital}
    assert result.stats["# Trades"] == 0


@given(setup=setups())
def test_nothing_trades_without_a_reason(setup):
    by_symbol, common = setup
    bars, target, arguments, gaps = by_symbol["M2K"]
    arguments = arguments | {"contracts": 3}
    result = ran({"M2K": (bars, target, arguments, gaps)}, common)
    wanted = np.trunc(target.to_numpy() * 3 + np.sign(target.to_numpy()) * 1e-9)
    changed = set(np.flatnonzero(np.diff(wanted, prepend=0)) + (common["fill"] == "next_open"))
    trades = result.trades
    rolls = set(trades.loc[trades["Tag"] == "roll", "ExitBar"])
    assert set(trades["EntryBar"]) <= changed | rolls
    assert set(trades.loc[trades["Tag"] == "target", "ExitBar"]) <= changed


@given(setup=setups())
def test_short_in_mirrored_prices_is_long(setup):
    by_symbol, common = setup
    bars, target, arguments, _ = by_symbol["M2K"]
    arguments = arguments | {"commission_usd": 0, "slippage_ticks": 0}
    bars = bars[["open", "high", "low", "close"]]
    mirrored = (6_000 - bars).round(1).rename(columns={"high": "low", "low": "high"})
    long = ran({"M2K": (bars, target, arguments, None)}, common)
    short = ran({"M2K": (mirrored, -target, arguments, None)}, common)
    assert equity(long) == equity(short)
    assert (long.position == -short.position).all()


# --- by hand ------------------------------------------------------------------------------------


def test_a_trade_by_hand():
    """Buys 2 at 2402.0 plus a tick, sells at 2407.5 less a tick: 2 * 53 ticks of $0.50 less
    four sides of $0.85."""
    bars = frame([(2400, 2405, 2399, 2401), (2402, 2409, 2400, 2408), (2407.5, 2408, 2403, 2404)])
    result = run(bars, series([1, 0, 0]), contracts=2, commission_usd=0.85)
    (trade,) = result.trades.itertuples()
    assert (trade.Size, trade.Contracts, trade.EntryBar, trade.ExitBar) == (2, 2, 1, 2)
    assert (trade.EntryPrice, trade.ExitPrice, trade.Ticks) == (2402.1, 2407.4, 53)
    assert (trade.Commission, trade.Slippage, trade.Tag) == (3.4, 2.0, "target")
    assert trade.PnL == 2 * 53 * 0.5 - 3.4
    assert trade.ReturnPct == pytest.approx(49.6 / (2402.1 * 5 * 2))
    assert trade.Duration == bars.index[2] - bars.index[1]
    assert np.isnan([trade.SL, trade.TP]).all()
    marked = 10_000 + 2 * 59 * 0.5 - 1.7  # from 2402.1 to the close of 2408
    assert equity(result) == [10_000, marked, 10_049.6]
    assert list(result.position) == [0, 2, 0]
    stats = result.stats
    assert (stats["Commissions [$]"], stats["Slippage [$]"]) == (3.4, 2.0)
    assert (stats["Equity Final [$]"], stats["Equity Peak [$]"]) == (10_049.6, marked)


def test_fill_at_the_close_is_the_close():
    bars = frame([(2400, 2405, 2399, 2401), (2402, 2409, 2400, 2408)])
    result = run(bars, series([-1, 0]), fill="close", **FREE)
    assert result.trades[["EntryPrice", "ExitPrice", "PnL"]].values.tolist() == [[2401, 2408, -35]]


@pytest.mark.parametrize(
    ("bar", "exits", "tag"),
    [
        ((2400, 2404, 2391, 2398), None, None),
        ((2400, 2404, 2390, 2398), 2389.9, "stop"),  # touched
        ((2385, 2395, 2380, 2390), 2384.9, "stop"),  # the open has jumped over it
        ((2390, 2395, 2390, 2391), 2389.9, "stop"),  # the open is just there
        ((2400, 2420, 2395, 2411), 2420.0, "profit target"),  # touched: no slippage
        ((2425, 2430, 2424, 2428), 2425.0, "profit target"),  # better than asked for
        ((2400, 2421, 2389, 2411), 2389.9, "stop"),  # both: the worse
        ((2425, 2430, 2380, 2400), 2425.0, "profit target"),  # both, but the open came first
    ],
)
def test_stop_and_profit_target_of_a_long(bar, exits, tag):
    bars = frame([2400, (2399.9, 2401, 2399.9, 2400), bar, bar])
    result = run(bars, series([1] * 4), stop_points=10, take_profit_points=20, slippage_ticks=1)
    trade = result.trades.iloc[0]
    assert (trade["EntryPrice"], trade["SL"], trade["TP"]) == (2400.0, 2390.0, 2420.0)
    if tag is None:
        assert trade["Tag"] == "open"
    else:
        assert (trade["ExitPrice"], trade["Tag"], trade["ExitBar"]) == (exits, tag, 2)
        assert len(result.trades) == 1  # the target stays 1, and the position stays closed


def test_a_stop_works_on_the_bar_of_the_entry():
    bars = frame([2400, (2400, 2401, 2380, 2399), 2399])
    result = run(bars, series([1, 1, 1]), stop_points=10, **FREE)
    (trade,) = result.trades.itertuples()
    assert (trade.EntryBar, trade.ExitBar, trade.ExitPrice, trade.Tag) == (1, 1, 2390, "stop")
    assert equity(result) == [10_000, 9_950, 9_950]


def test_after_a_stop_the_target_has_to_turn_first():
    bars = frame([2400, (2400, 2401, 2380, 2399), *[2399] * 6])
    target = series([0.5, 0.5, 1, 0, 1, 1, -1, -1])
    result = run(bars, target, contracts=2, stop_points=10, **FREE)
    assert list(result.position) == [0, 0, 0, 0, 0, 2, 2, -2]


def test_scaling_closes_the_oldest_lots_first():
    bars = frame([2400, 2401, 2402, 2403, 2404, 2405, 2406])
    target = series([0.5, 1, 0.25, 0.5, -0.5, 0, 0])
    result = run(bars, target, contracts=4, **FREE)
    assert list(result.position) == [0, 2, 4, 1, 2, -2, 0]
    columns = ["Size", "EntryPrice", "ExitPrice", "PnL"]
    assert result.trades[columns].values.tolist() == [
        [2, 2401, 2403, 20],
        [1, 2402, 2403, 5],
        [1, 2402, 2405, 15],
        [1, 2404, 2405, 5],
        [-2, 2405, 2406, -10],
    ]


@pytest.mark.parametrize(
    ("target", "size", "expected"),
    [(0.29, 100, 29), (-0.29, 100, -29), (0.99, 1, 0), (-0.99, 1, 0), (0.7, 10, 7), (1 / 3, 3, 1)],
)
def test_contracts_held_lose_their_fraction(target, size, expected):
    result = run(frame([2400] * 2), series([target] * 2), contracts=size, **FREE)
    assert result.position.iloc[-1] == expected


def test_contracts_as_a_series_and_as_a_function():
    bars = frame([(2400, 2400, 2400, 2400), *[2410] * 5])
    target = series([1, 1, 1, 0, -1, -1])
    sizes = pd.Series([1, 2, 2, 2, 3, 3], index=bars.index)
    by_series = run(bars, target, contracts=sizes, **FREE)
    assert list(by_series.position) == [0, 1, 2, 2, 0, -3]
    seen = []

    def size(equity_usd, price, time):
        seen.append((equity_usd, price, time))
        return 4

    by_function = run(bars, target, contracts=size, **FREE)
    assert list(by_function.position) == [0, 4, 4, 4, 0, -4]
    assert seen == [(10_000, 2400, bars.index[0]), (10_000, 2410, bars.index[4])]
    seen.clear()
    run(bars, target, contracts=size, resize=True, fill="close", **FREE)
    assert [equity_usd for equity_usd, *_ in seen] == [10_000, *[10_200] * 4]


def test_margin_cuts_an_order_short_to_the_cent():
    """3 contracts need 3 * (1000 + 0.85 + 0.50) = 3004.05."""
    bars, target = frame([2400] * 3), series([1, 1, 1])
    arguments = {"contracts": 3, "margin": 1000, "commission_usd": 0.85, "slippage_ticks": 1}
    enough = run(bars, target, capital=3004.05, **arguments)
    assert (enough.position.iloc[-1], len(enough.events)) == (3, 0)
    short = run(bars, target, capital=3004.04, **arguments)
    assert short.position.iloc[-1] == 2
    (event,) = short.events.itertuples()
    assert (event.Event, event.Asked, event.Given, event.Bar) == ("order reduced", 3, 2, 1)
    nothing = run(bars, target, capital=1001, **arguments)
    assert nothing.position.iloc[-1] == 0
    counts = ["# Orders Reduced", "# Orders Refused", "# Margin Calls"]
    told = [result.stats[counts].to_list() for result in (enough, short, nothing)]
    assert told == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]


def test_margin_call_and_liquidation_by_hand():
    """5 contracts of 500/450. After the fall to 2385: 10,000 would be safe, 2,600 is not:
    equity 2600 - 5 * 75 = 2225 < 2250. At the open of 2380 it is 2100: four contracts stay."""
    bars = frame([2400, 2400, (2400, 2400, 2385, 2385), 2380, 2380])
    result = run(
        bars,
        series([1] * 5),
        contracts=5,
        capital=2_600,
        margin=(500, 450),
        **{"commission_usd": 0, "slippage_ticks": 0},
    )
    assert equity(result)[2:4] == [2225, 2100]
    assert list(result.position) == [0, 5, 5, 4, 4]
    (event,) = result.events.itertuples()
    assert (event.Event, event.Bar, event.Equity, event.Margin) == ("margin call", 3, 2225, 2250)
    assert result.trades["Tag"].to_list() == ["margin call", "open"]
    assert result.trades["ExitPrice"].iloc[0] == 2380
    assert result.stats[["# Margin Calls", "# Orders Reduced"]].to_list() == [1, 0]


def test_margin_is_checked_at_settlements_only():
    """Minutes of two trade dates, Monday's 16:58 to 18:01: the next begins at 18:00."""
    times = pd.to_datetime(["2030-01-07 16:57", "2030-01-07 16:58", "2030-01-07 16:59"])
    times = times.append(pd.to_datetime(["2030-01-07 18:00", "2030-01-07 18:01"]))
    index = times.tz_localize("America/New_York")
    falls = [2400, (2400, 2400, 2300, 2300), 2300, 2300, 2300]
    arguments = {"capital": 1_000, "margin": (900, 800), "commission_usd": 0, "slippage_ticks": 0}
    result = run(frame(falls, index), series([1] * 5, index), **arguments)
    assert list(result.position) == [0, 1, 1, 0, 0]
    saved = [2400, (2400, 2400, 2300, 2300), (2300, 2400, 2300, 2400), 2400, 2400]
    result = run(frame(saved, index), series([1] * 5, index), **arguments)
    assert list(result.position) == [0, 1, 1, 1, 1]
    # The same instants in another zone are the same trade dates.
    moved = index.tz_convert("Asia/Tokyo")
    result = run(frame(falls, moved), series([1] * 5, moved), **arguments)
    assert list(result.position) == [0, 1, 1, 0, 0]


def test_a_debt_is_shown():
    bars = frame([2400, 2400, (2400, 2400, 2100, 2100), 2100, 2100])
    result = run(
        bars, series([1] * 5), margin=0, capital=1_000, **{"commission_usd": 0, "slippage_ticks": 0}
    )
    assert equity(result)[-1] == -500
    assert result.position.iloc[-1] == 0
    assert np.isnan(result.stats["Sharpe Ratio"])
    assert np.isfinite(result.stats["Sharpe Ratio [$]"])
    assert result.stats["Return [%]"] == -150


# --- rolls --------------------------------------------------------------------------------------


def rolled():
    bars = frame([2400, 2400, (2402, 2403, 2401, 2403), (2423, 2425, 2420, 2424), 2424])
    bars["contract"] = ["M2KH30"] * 3 + ["M2KM30"] * 2
    return bars


def test_the_gap_of_a_roll_is_nobodys_profit():
    """Old contract 2400 to 2403, new one from 2421 (2403 + 18) to 2424: six points."""
    bars = rolled()
    gap = pd.Series([18.0], index=bars.index[[3]])
    result = run(bars, series([1] * 5), roll_gap_points=gap, **FREE)
    assert equity(result) == [10_000, 10_000, 10_015, 10_030, 10_030]
    columns = ["EntryPrice", "ExitPrice", "EntryBar", "ExitBar", "Tag"]
    assert result.trades[columns].values.tolist() == [
        [2400, 2403, 1, 3, "roll"],
        [2421, 2424, 3, 4, "open"],
    ]
    unknown = run(bars, series([1] * 5), **FREE)  # the night of the roll belongs to nobody
    assert equity(unknown) == [10_000, 10_000, 10_015, 10_020, 10_020]
    assert unknown.stats["Buy & Hold [$]"] == 20
    assert result.stats["Buy & Hold [$]"] == 30


def test_a_roll_costs_two_sides_and_moves_the_stop():
    bars = rolled()
    gap = pd.Series([18.0], index=bars.index[[3]])
    arguments = {"commission_usd": 0.85, "slippage_ticks": 1, "roll_gap_points": gap}
    paid = run(bars, series([1] * 5), stop_points=10, **arguments)
    free = run(bars, series([1] * 5), stop_points=10, roll_costs=False, **arguments)
    assert equity(free)[-1] - equity(paid)[-1] == pytest.approx(2 * 0.85 + 2 * 0.5)
    assert paid.trades["SL"].to_list() == [2390.1, 2408.1]
    bars.loc[bars.index[4], "low"] = 2408.1
    stopped = run(bars, series([1] * 5), stop_points=10, **arguments)
    assert stopped.trades["Tag"].to_list() == ["roll", "stop"]


@pytest.mark.parametrize("stop", [None, 40])
def test_raw_bars_with_known_gaps_earn_what_the_continuous_series_does(stop):
    market = data.load("daily")
    raw, continuous, rolls = market["M2K"], market["M2K_continuous"], market["rolls"]
    gaps = rolls.loc[rolls["symbol"] == "M2K", "gap_points"]
    close = continuous["close"]
    target = np.sign(close - close.rolling(30).mean()).fillna(0)
    arguments = {"capital": 50_000, "stop_points": stop}
    rolled = run(raw, target, roll_gap_points=gaps, roll_costs=False, **arguments)
    plain = run(continuous, target, **arguments)
    assert equity(rolled) == equity(plain)
    assert "roll" in set(rolled.trades["Tag"])
    assert rolled.stats["Buy & Hold [$]"] == plain.stats["Buy & Hold [$]"]


# --- several legs -------------------------------------------------------------------------------


def two_legs(count=5):
    small = frame([2400, *[2410] * (count - 1)])
    large = frame([6000, *[6020] * (count - 1)])
    return {"M2K": small, "MES": large}


def test_two_legs_share_one_account():
    """Long 2 M2K at 2410, short 1 MES at 6020; then +10 and +8 points: 100 - 40 dollars."""
    bars = two_legs()
    for symbol, price in (("M2K", 2420.0), ("MES", 6028.0)):
        bars[symbol].iloc[2:] = price
    targets = pd.DataFrame({"M2K": series([1, 1, 1, 0, 0]), "MES": series([-1, -1, -1, 0, 0])})
    result = run_portfolio(bars, targets, contracts={"M2K": 2, "MES": 1}, **FREE)
    assert equity(result) == [10_000, 10_000, 10_060, 10_060, 10_060]
    assert result.trades[["Symbol", "Size", "PnL"]].values.tolist() == [
        ["M2K", 2, 100],
        ["MES", -1, -40],
    ]
    assert result.position.iloc[2].to_dict() == {"M2K": 2, "MES": -1}
    assert "Beta" not in result.stats
    assert result.stats["Return [$]"] == 60


def test_legs_compete_for_margin_in_their_order():
    targets = {"M2K": series([1] * 5), "MES": series([-1] * 5)}
    arguments = {"commission_usd": 0, "slippage_ticks": 0, "margin": {"M2K": 900, "MES": 2_000}}
    result = run_portfolio(two_legs(), targets, capital=2_500, contracts=2, **arguments)
    assert result.position.iloc[-1].to_dict() == {"M2K": 2, "MES": 0}
    (event,) = result.events.itertuples()
    assert (event.Symbol, event.Event, event.Margin) == ("MES", "order refused", 1_800)


def test_what_frees_margin_goes_first():
    """M2K comes first and wants more only because MES closes at the same open."""
    targets = {"M2K": series([0, 0, 1, 1, 1]), "MES": series([1, 1, 0, 0, 0])}
    arguments = {"commission_usd": 0, "slippage_ticks": 0, "margin": 2_000}
    result = run_portfolio(two_legs(), targets, capital=2_500, **arguments)
    assert result.position["M2K"].to_list() == [0, 0, 0, 1, 1]
    assert len(result.events) == 0


def test_one_leg_alone_is_a_run():
    bars, target = two_legs()["M2K"], series([1, 0, -1, 1, 1])
    alone = run(bars, target, stop_points=3)
    leg = run_portfolio({"M2K": bars}, {"M2K": target}, stop_points=3)
    pd.testing.assert_frame_equal(alone.trades, leg.trades)
    pd.testing.assert_series_equal(alone.stats, leg.stats)


def test_a_contract_of_ones_own():
    own = Contract("MINE", "My own", 2, 0.5, "Something")
    bars = {"near": frame([100, 100, 101]), "far": frame([200, 200, 199])}
    targets = {"near": series([1, 1, 1]), "far": series([1, 1, 1])}
    contracts_of = {"near": own, "far": own}
    result = run_portfolio(bars, targets, contract_by_symbol=contracts_of, **FREE)
    assert result.trades["PnL"].to_list() == [2, -2]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bars_by_symbol": {}}, "bars_by_symbol must be a mapping"),
        (
            {"targets": {"M2K": series([1] * 5)}},
            "targets must have one entry for each of 'M2K', 'MES'",
        ),
        ({"targets": 3}, "targets must be a mapping"),
        ({"contracts": {"M2K": 1, "ES": 1}}, "contracts must have one entry for each"),
        ({"contracts": {"M2K": 1, "MES": 1.5}}, r"contracts\['MES'\] must be a whole number"),
        (
            {
                "commission_usd": None,
                "contract_by_symbol": {"M2K": M2K, "MES": contracts.MNQ},
                "margin": 0,
            },
            r"commission_usd\['MES'\] must be given: facts.toml has no 'course.commission.MNQ'",
        ),
    ],
)
def test_portfolio_refuses(change, message):
    arguments = {
        "bars_by_symbol": two_legs(),
        "targets": {"M2K": series([1] * 5), "MES": series([-1] * 5)},
        "commission_usd": 0.85,
    }
    with pytest.raises((ValueError, TypeError), match=message):
        run_portfolio(**arguments | change)


def test_legs_must_share_their_times():
    bars = two_legs()
    bars["MES"] = bars["MES"].iloc[1:]
    targets = {symbol: pd.Series(1.0, index=leg.index) for symbol, leg in bars.items()}
    message = (
        r"bars_by_symbol\['MES'\] must have the index of bars_by_symbol\['M2K'\], 5 rows from "
        r"2030-01-07 .*; got 4 rows from 2030-01-08"
    )
    with pytest.raises(ValueError, match=message):
        run_portfolio(bars, targets, commission_usd=0.85)


# --- what is refused ----------------------------------------------------------------------------

GOOD = frame([2400, 2401, 2402])
ON_TIMES = series([1, 1, 0])


def changed(column, row, value):
    bars = GOOD.copy()
    bars.loc[bars.index[row], column] = value
    return bars


@pytest.mark.parametrize(
    ("bars", "message"),
    [
        (None, "bars must be a DataFrame with the columns open, high, low and close, got NoneType"),
        (GOOD.iloc[:0], "bars must hold at least one bar, got an empty frame"),
        (GOOD[["open", "close"]], "missing: high, low; got open, close"),
        (GOOD.reset_index(drop=True), "bars must have a DatetimeIndex, got a RangeIndex"),
        (
            GOOD.iloc[::-1],
            r"ascending times, each once, got 2030-01-08 .* after 2030-01-09 .*row 1",
        ),
        (GOOD.iloc[[0, 1, 1]], r"ascending times, each once, got 2030-01-08 .* twice \(row 2\)"),
        (GOOD.set_axis([*GOOD.index[:2], pd.NaT]), "a time in each row, got NaT at row 2"),
        (
            changed("close", 1, np.nan),
            r"bars\['close'\] must be finite throughout, got nan at 2030",
        ),
        (changed("low", 1, -1), r"bars\['low'\] must be above 0, got -1.0 at 2030-01-08"),
        (changed("close", 1, 2401.03), r"bars\['close'\] must lie on M2K's tick .* got 2401.03"),
        (
            changed("high", 1, 2399),
            r"high and low around open and close, .* high 2399, .*\(row 1\)",
        ),
        (GOOD.astype(str), r"bars\['open'\] must hold numbers, got dtype str"),
        (
            GOOD.assign(contract=["H", None, "H"]),
            r"must name a contract in each row, got nan at row 1",
        ),
    ],
)
def test_bars_are_refused(bars, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(bars, ON_TIMES)


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ([1, 0, 0], r"target must be a Series on the index of bars, got \[1, 0, 0\]"),
        (ON_TIMES.iloc[1:], r"target must have the index of bars, 3 rows from .*; got 2 rows"),
        (ON_TIMES.tz_convert("UTC"), r"\(America/New_York\); got 3 rows from .* \(UTC\)"),
        (ON_TIMES.tz_localize(None), r"got 3 rows from .* \(no time zone\)"),
        (series([1, np.nan, 0]), r"target must be a number in each row .*, got nan at 2030-01-08"),
        (series([1, 0, -1.01]), r"target must lie in \[-1, 1\], got -1.01 at 2030-01-09"),
        (ON_TIMES.astype(str), "target must hold numbers, got dtype str"),
        (
            (ON_TIMES > 0).astype("boolean").mask([False, True, False]),
            "target must be a number in each row .*, got <NA> at 2030-01-08",
        ),
    ],
)
def test_targets_are_refused(target, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(GOOD, target)


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("commission_usd", -0.01, "commission_usd must be a finite number at least 0"),
        ("commission_usd", 0.00001, "whole number of hundredths of a cent, got 1e-05"),
        ("commission_usd", "0.85", "commission_usd must be a finite number"),
        ("slippage_ticks", -1, "slippage_ticks must be a whole number at least 0"),
        ("slippage_ticks", 0.5, "slippage_ticks must be a whole number"),
        ("stop_points", 0, "stop_points must be a finite number above 0"),
        ("stop_points", 1.05, "must lie on M2K's tick of 0.1 points, got 1.05"),
        ("take_profit_points", -3, "take_profit_points must be a finite number above 0"),
        ("capital", 0, "capital must be a finite number above 0"),
        ("capital", 100, "capital must be at least the initial margin of one M2K, .* got 100"),
        ("contracts", 0, "contracts must be a whole number at least 1"),
        ("contracts", 2.5, "contracts must be a whole number"),
        ("contracts", "two", "contracts must be a whole number, a Series of them, or a function"),
        (
            "contracts",
            series([1, 2.5, 1]),
            "contracts must be whole numbers .* got 2.5 at 2030-01-08",
        ),
        ("contracts", series([1, 2]), "contracts must have the index of bars"),
        ("contracts", lambda *_: 1.5, "what contracts returns for 2030-01-07 .* whole number"),
        ("margin", -1, "margin must be a finite number at least 0"),
        ("margin", (500, 550), r"margin must have initial >= maintenance, got \(500, 550\)"),
        ("margin", (500,), r"margin must be one number or \(initial, maintenance\)"),
        ("fill", "open", "fill must be one of 'next_open', 'next_close', 'close', got 'open'"),
        ("contract", "M2K", "contract must be a Contract such as M2K, got 'M2K'"),
        ("roll_costs", 1, "roll_costs must be True or False, got 1"),
        ("resize", "yes", "resize must be True or False, got 'yes'"),
        ("roll_gap_points", series([1]), "roll_gap_points must be None unless bars has a column"),
    ],
)
def test_arguments_are_refused(argument, value, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(GOOD, ON_TIMES, **{argument: value})


@pytest.mark.parametrize(
    ("gaps", "message"),
    [
        (18.0, "roll_gap_points must be a Series of points"),
        (series([18.0]), r"one value for each change of contract, got none for 2030-01-10"),
        (pd.Series([np.nan], rolled().index[[3]]), "roll_gap_points must be finite, got nan"),
        (pd.Series([1.0, 1.0], rolled().index[[3, 3]]), "got one of them twice"),
        (pd.Series([1.23], rolled().index[[3]]), "must lie on M2K's tick"),
    ],
)
def test_roll_gaps_are_refused(gaps, message):
    with pytest.raises((ValueError, TypeError), match=message):
        run(rolled(), series([1] * 5), roll_gap_points=gaps)


def test_terms_come_from_the_facts():
    result = run(frame([2400] * 3), series([1] * 3), slippage_ticks=0)
    assert result.stats["Commissions [$]"] == fact("course.commission.M2K").value
    needed = fact("margin.initial.M2K").value
    with pytest.raises(ValueError, match=f"initial margin of one M2K, {needed} USD"):
        run(frame([2400] * 3), series([1] * 3), capital=needed - 1)
    with pytest.raises(
        ValueError, match="margin must be given: facts.toml has no 'margin.initial.MNQ'"
    ):
        run(frame([100] * 3), series([1] * 3), contract=contracts.MNQ, commission_usd=1)


# --- numbers that sum up ------------------------------------------------------------------------


def drawn_daily():
    bars = data.load("daily")["M2K_continuous"]
    close = bars["close"]
    return bars, (close > close.rolling(50).mean()).astype(float)


def test_equity_has_drawdowns_and_their_durations():
    """Up to 10,050, down to 9,950 for three bars, back, and down once more at the end."""
    bars = frame([2400, 2400, 2410, 2390, 2400, 2412, 2411])
    table = run(bars, series([1] * 7), **FREE).equity
    assert table.columns.to_list() == ["Equity", "DrawdownPct", "DrawdownDuration"]
    assert table["Equity"].to_list() == [10_000, 10_000, 10_050, 9_950, 10_000, 10_060, 10_055]
    assert table["DrawdownPct"].iloc[3] == pytest.approx(100 / 10_050)
    ended = table["DrawdownDuration"].dropna()
    assert ended.index.to_list() == [bars.index[5], bars.index[6]]
    assert ended.iloc[0] == bars.index[5] - bars.index[2]


def test_stats_by_hand():
    """Three trades: +$50, -$20, +$30 before costs of $1 a side."""
    bars = frame([2400, 2400, 2410, 2410, 2406, 2406, 2412, 2412])
    result = run(
        bars, series([1, 0, 1, 0, 1, 0, 0, 0]), commission_usd=1, slippage_ticks=0, margin=0
    )
    stats = result.stats
    assert result.trades["PnL"].to_list() == [48, -22, 28]
    assert stats["# Trades"] == 3
    assert stats["Win Rate [%]"] == pytest.approx(200 / 3)
    assert stats["Profit Factor [$]"] == pytest.approx(76 / 22)
    assert stats["Expectancy [$]"] == pytest.approx(18)
    assert stats["Kelly Criterion"] == pytest.approx(2 / 3 - (1 / 3) / (38 / 22))
    assert stats["SQN"] == pytest.approx(np.sqrt(3) * 18 / np.std([48, -22, 28], ddof=1))
    assert (stats["Return [$]"], stats["Commissions [$]"]) == (54, 6)
    assert stats["Return [%]"] == pytest.approx(0.54)
    assert stats["Max. Drawdown [$]"] == -23
    assert (stats["Buy & Hold [$]"], stats["Buy & Hold Return [%]"]) == (60, 0.5)
    assert stats["Exposure Time [%]"] == pytest.approx(100 * 6 / 8)
    levels = np.array([10_000, 9_999, 10_048, 10_047, 10_026, 10_025, 10_054, 10_054])
    assert equity(result) == levels.tolist()
    changes = np.diff(levels) / levels[:-1]
    assert stats["Sharpe Ratio"] == pytest.approx(changes.mean() / changes.std(ddof=1) * 252**0.5)
    dollars = np.diff(levels)
    assert stats["Sharpe Ratio [$]"] == pytest.approx(
        dollars.mean() / dollars.std(ddof=1) * 252**0.5
    )
    growth = (10_054 / 10_000) ** (252 / 7) - 1
    assert stats["Return (Ann.) [%]"] == pytest.approx(100 * growth)
    assert stats["Volatility (Ann.) [%]"] == pytest.approx(100 * changes.std(ddof=1) * 252**0.5)
    below = np.sqrt(np.mean(np.minimum(changes, 0) ** 2))
    assert stats["Sortino Ratio"] == pytest.approx(changes.mean() / below * 252**0.5)
    assert stats["Calmar Ratio"] == pytest.approx(growth / (-stats["Max. Drawdown [%]"] / 100))
    market = np.diff(bars["close"]) / bars["close"].to_numpy()[:-1]
    beta = np.cov(changes, market)[0, 1] / market.var(ddof=1)
    assert stats["Beta"] == pytest.approx(beta)
    assert stats["Alpha [%]"] == pytest.approx(0.54 - beta * 0.5)


def test_the_dollar_sharpe_ratio_does_not_depend_on_the_account():
    bars, target = drawn_daily()
    small, large = (run(bars, target, capital=usd).stats for usd in (20_000, 200_000))
    assert small["Sharpe Ratio [$]"] == pytest.approx(large["Sharpe Ratio [$]"])
    assert small["Sharpe Ratio"] != pytest.approx(large["Sharpe Ratio"])


def test_minutes_are_annualised_by_trade_dates():
    bars = data.load("intraday")["M2K"].iloc[: 5 * 1_380]
    target = pd.Series(1.0, index=bars.index)
    result = run(bars, target)
    ends = bars.index.tz_localize(None) + pd.Timedelta(hours=6)
    daily = result.equity["Equity"].groupby(ends.normalize()).last()
    dollars = np.diff(np.concatenate([[10_000], daily]))
    expected = dollars.mean() / dollars.std(ddof=1) * 252**0.5
    assert result.stats["Sharpe Ratio [$]"] == pytest.approx(expected)


@pytest.mark.parametrize(("freq", "periods"), [("W-FRI", 52), ("ME", 12)])
def test_slower_bars_have_fewer_periods(freq, periods):
    index = pd.date_range("2030-01-01", periods=30, freq=freq)
    closes = 2400 + 5.0 * (np.arange(30) % 4)
    result = run(frame(closes.tolist(), index), series([1] * 30, index))
    dollars = np.diff(equity(result))
    expected = dollars.mean() / dollars.std(ddof=1) * periods**0.5
    assert result.stats["Sharpe Ratio [$]"] == pytest.approx(expected)


def test_a_run_that_does_nothing_has_stats_without_a_warning():
    for count in (1, 2, 5):
        stats = run(frame([2400] * count), series([0] * count)).stats
        assert stats["# Trades"] == 0
        assert np.isnan(stats["Profit Factor [$]"])
        assert stats["Return [%]"] == 0


# --- what is shown ------------------------------------------------------------------------------


def test_text_and_html_say_the_same_and_that_it_is_hypothetical():
    bars, target = drawn_daily()
    result = run(bars, target)
    text, table = repr(result), result._repr_html_()
    usd = f"{result.stats['Return [$]']:,.2f}".replace("-", "−")
    for shown in (text, table):
        assert usd in shown
        assert "Hypothetical" in shown
        assert "SIMULATED prices" in shown
        assert "M2K, 2,511 bars from 2030-01-02 to 2039-12-30" in shown
    assert "<caption>" in table
    assert "Buy &" not in table
    assert "–" in repr(run(frame([2400] * 3), series([0] * 3)))  # NaN


def test_names_in_html_are_escaped():
    name = "<b>"
    bars, targets = {name: frame([2400] * 3)}, {name: series([1] * 3)}
    result = run_portfolio(bars, targets, contract_by_symbol={name: M2K}, **FREE)
    assert "&lt;b&gt;" in result._repr_html_()
    assert name not in result._repr_html_()


def test_plot_draws_account_drawdown_and_trades(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda output, raw: shown.append(output))
    bars, target = drawn_daily()
    result = run(bars, target, stop_points=60)
    account, drawdown, price = result.plot()
    assert account.lines[0].get_ydata()[-1] == equity(result)[-1]
    assert account.get_ylabel() == "equity, USD"
    assert "SIMULATED" in account.get_title(loc="left")
    assert drawdown.get_ylabel() == "drawdown, %"
    bought = next(line for line in price.lines if line.get_label() == "bought")
    assert len(bought.get_xdata()) == result.stats["# Trades"]
    plots.show()
    assert f"{result.stats['# Trades']} trades" in shown[0]["text/plain"]
    assert plt.get_fignums() == []
    assert len(run_portfolio({"M2K": bars}, {"M2K": target}).plot()) == 3
    plt.close("all")


# --- look-ahead ---------------------------------------------------------------------------------


def crossing(bars):
    close = bars["close"]
    return (close.rolling(5).mean() > close.rolling(20).mean()).astype(float)


def shifted_close(bars):
    return np.sign(bars["close"].shift(-1) - bars["close"]).fillna(0)


def centred_window(bars):
    close = bars["close"]
    smooth = close.rolling(9, center=True, min_periods=1).mean()
    return np.sign(close - smooth)


def normalised_by_the_whole_sample(bars):
    close = bars["close"]
    return (((close - close.mean()) / close.std()) < -1).astype(float)


def test_an_honest_strategy_passes():
    bars = data.load("daily")["M2K"].iloc[:300]
    before = bars.copy()
    backtest.assert_no_lookahead(crossing, bars)
    pd.testing.assert_frame_equal(bars, before)
    backtest.assert_no_lookahead(lambda close: np.sign(close.diff()).fillna(0), bars["close"])


@pytest.mark.parametrize("leak", [shifted_close, centred_window, normalised_by_the_whole_sample])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_leak_is_found_and_its_bar_named(leak, seed):
    bars = data.load("daily")["M2K"].sample(frac=1, random_state=seed)  # any 200 days
    bars = bars.iloc[:200].sort_index()
    with pytest.raises(backtest.LookAheadError, match="it uses the future") as found:
        backtest.assert_no_lookahead(leak, bars)
    words = str(found.value).split()
    bar, cut = int(words[4]), int(words[words.index("after") + 2])
    assert bar <= cut
    assert str(bars.index[bar]) in str(found.value)


def test_a_leak_through_another_column_is_found():
    bars = data.load("daily")["M2K"].iloc[:200]
    with pytest.raises(backtest.LookAheadError):
        backtest.assert_no_lookahead(
            lambda bars: (bars["volume"] > bars["volume"].median()).astype(float), bars
        )


def test_what_is_unknown_in_the_future_is_left_unknown():
    bars = data.load("daily")["M2K"].iloc[:100]
    bars = bars.assign(volume=bars["volume"].astype(float), interest=np.nan)
    bars.iloc[-1, bars.columns.get_loc("volume")] = np.nan  # a day that isn't over
    backtest.assert_no_lookahead(crossing, bars)
    with pytest.raises(backtest.LookAheadError):
        backtest.assert_no_lookahead(shifted_close, bars)


def test_what_the_proof_refuses():
    bars = data.load("daily")["M2K"].iloc[:50]
    rng = np.random.default_rng(1)
    with pytest.raises(ValueError, match="same targets each time"):
        backtest.assert_no_lookahead(lambda b: pd.Series(rng.random(len(b)), b.index), bars)
    with pytest.raises(ValueError, match="strategy must return a Series on the index of its bars"):
        backtest.assert_no_lookahead(lambda b: [0] * len(b), bars)
    with pytest.raises(ValueError, match="got other rows"):
        backtest.assert_no_lookahead(lambda b: b["close"].iloc[1:], bars)
    with pytest.raises(ValueError, match="at least 3 rows, got 2"):
        backtest.assert_no_lookahead(crossing, bars.iloc[:2])
    with pytest.raises(TypeError, match="bars must be a DataFrame or a Series, got list"):
        backtest.assert_no_lookahead(crossing, [1, 2])


# --- speed --------------------------------------------------------------------------------------


def test_a_fresh_session_compiles_nothing():
    """After one run the machine code is kept, which makes a new session's first call quick."""
    code = """if True:
        import pandas as pd
        from m2k_lessons.backtest import run
        index = pd.date_range("2030-01-07", periods=50, freq="B")
        bars = pd.DataFrame({name: 2400.0 for name in ("open", "high", "low", "close")}, index)
        run(bars, pd.Series(1.0, index), stop_points=10)
        from m2k_lessons.backtest import kernels
        if hasattr(kernels.advance, "stats"):  # plain Python where numba has no wheel
            print("compiled", sum(kernels.advance.stats.cache_misses.values()))
        else:
            print("compiled", 0)
    """
    command = [sys.executable, "-c", code]
    subprocess.run(command, check=True, capture_output=True)
    again = subprocess.run(command, check=True, capture_output=True, text=True)
    assert again.stdout.split() == ["compiled", "0"]


# --- the check for look-ahead --------------------------------------------------------------------


def rising_closes():
    return pd.Series(2400.0 + np.arange(60), pd.date_range("2030-01-07", periods=60, freq="B"))


def test_a_rule_that_says_nothing_at_first_is_clean():
    backtest.assert_no_lookahead(lambda close: close.rolling(5).mean(), rising_closes())


def test_a_future_turned_round_is_tried_too():
    """It knows only whether the last day rose: neither fewer bars nor other levels show that."""

    def rule(close):
        knows = len(close) == 60 and close.iloc[-1] < close.iloc[-2]
        return pd.Series(0.0 if knows else 1.0, close.index)

    with pytest.raises(backtest.LookAheadError, match="turned round"):
        backtest.assert_no_lookahead(rule, rising_closes(), cuts=1)


def test_forty_days_are_tried_unless_told_otherwise():
    calls = []

    def rule(close):
        calls.append(len(close))
        return close * 0

    backtest.assert_no_lookahead(rule, rising_closes())
    assert len(calls) == 2 + 4 * 40


def test_an_account_that_ends_at_nothing_has_no_yearly_growth():
    bars = frame([2400, 2400, 400, 400])
    target = series([1, 1, 1, 1])
    free = {"commission_usd": 0, "slippage_ticks": 0, "margin": 0}
    result = run(bars, target, capital=10_000, **free)
    assert result.stats["Equity Final [$]"] == 0
    assert np.isnan(result.stats["CAGR [%]"])
