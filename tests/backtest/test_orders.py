"""What a stop, a profit target or a margin cut took stays away; boundaries of fills and stops."""

import hashlib
import inspect
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, sessions
from m2k_lessons.backtest import Account, batch, kernels, run
from m2k_lessons.sweep import prepare, sweep
from tests.backtest.random_cases import compare
from tests.backtest.test_backtest import FREE, equity, frame, series, setups


@st.composite
def accounts(draw):
    """Target positions in contracts that change often, in an account with stops and margins."""
    bars = 60
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    closes = 24_000 + np.cumsum(rng.integers(-40, 41, bars))
    opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-15, 16, bars - 1)])
    highs = np.maximum(opens, closes) + rng.integers(0, 15, bars)
    lows = np.minimum(opens, closes) - rng.integers(0, 15, bars)
    ticks = np.column_stack([opens, highs, lows, closes]) / 10
    table = frame([tuple(row) for row in ticks])
    sides = np.repeat(rng.choice([-1.0, 0.0, 1.0], 10, p=[0.4, 0.1, 0.5]), 6)
    sizes = pd.Series(rng.integers(1, 7, bars), index=table.index)
    terms = {
        "stop_points": draw(st.sampled_from([None, 1, 4])),
        "take_profit_points": draw(st.sampled_from([None, 3])),
        "margin": draw(st.sampled_from([0, (900, 860)])),
        "capital": draw(st.sampled_from([3_000, 100_000])),
        "protection_points": draw(st.sampled_from([None, 0.5])),
    }
    return table, pd.Series(sides, table.index), sizes, terms


@settings(max_examples=150)
@given(setup=accounts())
def test_a_falling_target_never_buys_and_a_rising_one_at_most_its_rise(setup):
    bars, sides, sizes, terms = setup
    result = run(bars, sides, contracts=sizes, **terms)
    targets = (sides * sizes).to_numpy().astype(int)
    opened = result.trades.groupby("EntryBar")["Size"].sum()
    for bar, size in opened.items():
        target, before = targets[bar - 1], targets[bar - 2] if bar > 1 else 0
        if target * before <= 0:
            assert abs(size) <= abs(target)
        else:
            assert 0 < abs(size) <= abs(target) - abs(before)
        assert np.sign(size) == np.sign(target)
    assert (np.abs(result.position.to_numpy()[1:]) <= np.abs(targets[:-1])).all()


@settings(max_examples=50)
@given(setup=accounts(), low=st.integers(1, 4))
def test_a_flickering_target_never_ratchets_back(setup, low):
    bars, _, _, terms = setup
    sizes = pd.Series(np.where(np.arange(60) % 2, low, low + 1), bars.index)
    result = run(bars, series([1.0] * 60, bars.index), contracts=sizes, **terms)
    full = result.position + np.where(np.arange(60) % 2, 0, 1)  # as if it stood at its high
    assert (full.iloc[2:].diff().dropna() <= 1).all()
    lost = result.trades["Tag"].isin(["stop", "profit target", "margin call"])
    bars_of = result.trades["ExitBar"]
    for bar, taken in result.trades[lost].groupby(bars_of)["Contracts"].sum().items():
        after = result.position.iloc[bar:]
        assert after.max() <= low + 1 - taken


def test_what_a_stop_took_by_hand():
    """4 held in two trades; the stop of 3 at 2405 takes them: 1 is left. 3, 4, 3, 4: 0 or 1."""
    rows = [2400, 2400, 2415, (2415, 2415, 2404, 2404), *[2404] * 6]
    sizes = pd.Series([1, 4, 4, 3, 4, 3, 4, 5, 5, 5], frame(rows).index)
    target = series([1] * 10)
    result = run(frame(rows), target, contracts=sizes, stop_points=10, **FREE)
    assert list(result.position) == [0, 1, 4, 1, 0, 1, 0, 1, 2, 2]
    turned = target.where(np.arange(10) != 4, -1.0)
    result = run(frame(rows), turned, contracts=sizes, stop_points=10, **FREE)
    assert list(result.position) == [0, 1, 4, 1, 0, -4, 3, 4, 5, 5]


def test_what_the_margin_refused_is_struck_off():
    """Room for 2 of 4: then 3 is 1, 5 is 3 if the equity covers it, and flat begins anew."""
    sizes = pd.Series([4, 3, 4, 1, 1, 1], frame([2400] * 6).index)
    target = series([1, 1, 1, 0, 1, 1])
    money = {"capital": 2_000, "margin": 900, "commission_usd": 0, "slippage_ticks": 0}
    result = run(frame([2400] * 6), target, contracts=sizes, **money)
    assert list(result.position) == [0, 2, 1, 2, 0, 1]


def test_batch_engine_and_twin_give_the_same_bits():
    """A few hundred of the cases that `benchmarks/engine_cases.py` runs ten thousand of."""
    seen = Counter()
    for seed in range(300):
        seen.update({name: int(found) for name, found in compare(seed).items()})
    assert min(seen.values()) >= 10, seen


# --- stops and their fills ----------------------------------------------------------------------


@pytest.mark.parametrize(("stop", "exits"), [(0.1, 2399.9), (0.2, 2399.8), (0.3, 2399.7)])
def test_slippage_can_carry_the_fill_to_its_stop_and_beyond(stop, exits):
    """Bought at the open of 2400 with two ticks: filled at 2400.2. A stop a tick below lies above
    the open and is filled at the open, never better; one two ticks below lies on it."""
    bars = frame([2400, (2400, 2401, 2399, 2400), 2400])
    result = run(bars, series([1, 1, 1]), stop_points=stop, slippage_ticks=2, commission_usd=0)
    trade = result.trades.iloc[0]
    level = min(2400.0, round(2400.2 - stop, 1))
    assert trade["ExitPrice"] == round(level - 0.2, 1)
    assert trade["ExitBar"] == 1


PROTECTED = {"stop_points": 10, "protection_points": 3, "slippage_ticks": 0, "commission_usd": 0}


@pytest.mark.parametrize(
    ("bars", "exits"),
    [
        ([(2391, 2391, 2388, 2388)], (2390.0, 2)),  # in the bar: at the stop
        ([(2388, 2395, 2380, 2381)], (2388.0, 2)),  # a gap inside the band: at the open
        ([(2387, 2387, 2380, 2381)], (2387.0, 2)),  # just at its edge
        ([(2386.9, 2386.9, 2380, 2381), 2386.9], None),  # a tick beyond: rests, and isn't reached
        ([(2386.9, 2387, 2380, 2381)], (2387.0, 2)),  # reached later in the bar
        ([(2380, 2381, 2380, 2381), (2385, 2387, 2385, 2386)], (2387.0, 3)),
        ([(2380, 2381, 2380, 2381), (2389, 2390, 2385, 2386)], (2389.0, 3)),  # better than asked
    ],
)
@pytest.mark.parametrize("side", [1, -1])
def test_a_protected_stop_fills_in_its_band_or_rests_at_the_edge(bars, exits, side):
    table = frame([2400, 2400, *bars, 2370])
    if side < 0:
        table = (4_800 - table).rename(columns={"high": "low", "low": "high"})
        exits = exits and (4_800 - exits[0], exits[1])
    count = len(table)
    result = run(table, series([side] * count), **PROTECTED)
    trade = result.trades.iloc[0]
    if exits is None:
        assert trade["Tag"] == "open"
    else:
        assert (trade["ExitPrice"], trade["ExitBar"], trade["Tag"]) == (*exits, "stop")
    plain = run(table, series([side] * count), **PROTECTED | {"protection_points": None})
    assert plain.trades["ExitBar"].iloc[0] == 2  # without a band, a gap is filled at the open


def test_slippage_stays_inside_the_band():
    bars = frame([2400, 2400, (2388, 2388, 2380, 2381), 2381])
    money = PROTECTED | {"slippage_ticks": 20}
    result = run(bars, series([1] * 4), **money)
    # Filled at 2402, so the stop is 2392 and the edge 2389: the open of 2388 is beyond it.
    assert result.trades["Tag"].tolist() == ["open"]
    result = run(bars, series([1] * 4), **money | {"protection_points": 5})
    assert result.trades["ExitPrice"].tolist() == [2387.0]  # 2392 - 5, not 2388 - 2


def test_distances_known_at_the_close():
    """The order of a close takes that close's distance, to the nearest tick."""
    bars = frame([2400, 2400, 2400, 2400, (2400, 2400, 2380, 2380)])
    stops = series([5.04, 50, 3, 4, 5])
    result = run(bars, series([1, 1, 0, 1, 1]), stop_points=stops, take_profit_points=stops * 2)
    assert result.trades["SL"].tolist() == [2395.1, 2396.1]
    assert result.trades["TP"].tolist() == [2410.2, 2408.1]
    unknown = stops.mask([True, False, False, False, False])
    with pytest.raises(ValueError, match=r"known where a trade is opened, got NaN .*\(row 0\)"):
        run(bars, series([1, 1, 0, 1, 1]), stop_points=unknown)
    late = run(bars, series([0, 0, 0, 1, 1]), stop_points=unknown)
    assert late.trades["SL"].tolist() == [2396.1]
    with pytest.raises(ValueError, match="stop_points must lie above 0 .*, got 0.0 at 2030-01-08"):
        run(bars, series([1] * 5), stop_points=stops.where(np.arange(5) != 1, 0.0))
    with pytest.raises(ValueError, match="stop_points must have the index of bars"):
        run(bars, series([1] * 5), stop_points=stops.iloc[1:])


def test_boolean_targets_are_long_or_flat():
    bars = frame([2400, 2401, 2402, 2403])
    flags = series([1, 1, 0, 1]) > 0
    expected = run(bars, flags.astype(float))
    for target in (flags, flags.astype("boolean")):
        assert equity(run(bars, target)) == equity(expected)


# --- the account --------------------------------------------------------------------------------


def test_no_settlement_on_a_holiday():
    """Martin Luther King Day 2025 belongs to Tuesday: a low there that is made good by Tuesday's
    settlement calls nobody; the same low at Tuesday's settlement does."""
    minutes = pd.date_range("2025-01-16 09:00", "2025-01-23 12:00", freq="h", tz=sessions.NEW_YORK)
    index = minutes[sessions.is_open(minutes).to_numpy()]
    stamps = index.tz_localize(None)
    low = (stamps >= "2025-01-20 09:00") & (stamps < "2025-01-21 09:00")
    money = {"capital": 1_050, "margin": (1_000, 909), "commission_usd": 0, "slippage_ticks": 0}
    made_good = frame(np.where(low, 2270.0, 2300.0).tolist(), index)
    result = run(made_good, series([1.0] * len(index), index), **money)
    assert len(result.events) == 0
    assert result.position.iloc[-1] == 1
    low = (stamps >= "2025-01-20 09:00") & (stamps < "2025-01-22 09:00")
    called = run(
        frame(np.where(low, 2270.0, 2300.0).tolist(), index),
        series([1.0] * len(index), index),
        **money,
    )
    (event,) = called.events.itertuples()
    assert (event.Event, event.Time) == (
        "margin call",
        pd.Timestamp("2025-01-21 18:00", tz=sessions.NEW_YORK),
    )
    days = sessions.trade_date(index).nunique()
    assert len(backtest.statistics.periods(result._instruments[0].days).bars) - 1 == days


def test_a_loss_on_the_first_bar_is_a_drawdown():
    bars = frame([2400, 2400.1, 2400.2, 2400.3])
    money = {"fill": "close", "contracts": 100, "capital": 200_000, "commission_usd": 5}
    result = run(bars, series([1] * 4), slippage_ticks=2, **money)
    stats = result.stats
    assert stats["Return [$]"] == -450
    assert stats["Max. Drawdown [$]"] == -600
    assert stats["Max. Drawdown [%]"] == pytest.approx(-0.3)
    assert stats["Equity Peak [$]"] == 200_000
    assert result.equity["DrawdownPct"].iloc[0] == pytest.approx(0.003)
    assert stats["Max. Drawdown Duration"] == bars.index[-1] - bars.index[0]
    single = run(bars.iloc[:1], series([1]), slippage_ticks=2, **money)
    assert single.stats["Max. Drawdown [$]"] == single.stats["Return [$]"] == -600
    assert "−0.00" not in repr(run(bars, series([0] * 4)))
    swept = sweep(bars, lambda close, size: close * 0.0, {"size": [1]})
    assert str(swept["Max. Drawdown [$]"].iloc[0]) == "0.0"


@given(setup=setups())
def test_a_drawdown_is_never_smaller_than_the_loss(setup):
    from tests.backtest.test_backtest import ran

    stats = ran(*setup).stats
    assert stats["Max. Drawdown [$]"] <= min(0, stats["Return [$]"])
    assert stats["Equity Peak [$]"] >= setup[1]["capital"]


def test_keywords_are_those_of_the_account():
    shown = list(inspect.signature(run).parameters)
    assert shown[:2] == ["bars", "target"]
    assert set(shown[2:]) == set(Account().keywords())
    for function in (run, backtest.run_portfolio, sweep, prepare):
        assert "take_profit_points" in inspect.signature(function).parameters
        assert "initial and maintenance margin" in function.__doc__
        assert "{account}" not in function.__doc__
    with pytest.raises(TypeError, match="run must be given keywords .*stop_points.*got 'stop'"):
        run(frame([2400] * 3), series([1] * 3), stop=5)
    with pytest.raises(TypeError, match="got 'account'"):
        run(frame([2400] * 3), series([1] * 3), account=Account())
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        run(frame([2400] * 3))


def test_columns_that_pandas_users_bring():
    bars = frame([2400, 2401, 2402])
    with pytest.raises(ValueError, match=r"bars.rename\(columns=str.lower\) makes them"):
        run(bars.rename(columns=str.capitalize), series([1] * 3))
    with pytest.raises(ValueError, match="bars must have each column once, got 'close' twice"):
        run(pd.concat([bars, bars[["close"]]], axis=1), series([1] * 3))
    twice = bars.assign(contract="H")
    with pytest.raises(ValueError, match="got 'contract' twice"):
        run(pd.concat([twice, twice[["contract"]]], axis=1), series([1] * 3))


def test_no_sum_leaves_64_bits():
    huge = frame([2e14, 1e14, 2e14])
    with pytest.raises(ValueError, match=r"at most 10\*\*12 ticks of M2K"):
        run(huge, series([1] * 3), contracts=100_000, **FREE)
    with pytest.raises(ValueError, match=r"bars\['open'\] must be below 9.0072e\+14, got 1e\+17"):
        run(frame([1e17] * 3), series([1] * 3), **FREE)
    large = run(frame([1e8, 2e8, 3e8]), series([1] * 3), contracts=1_000, **FREE)
    assert large.stats["Return [$]"] == 1e8 * 5 * 1_000


def test_the_batch_names_the_kernels_that_it_was_compiled_with():
    text = Path(kernels.__file__).read_text(encoding="utf-8")
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == batch.KERNELS, (
        "kernels.py changed: put its new fingerprint into batch.KERNELS, so that numba compiles"
    )
