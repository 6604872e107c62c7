"""The gates: each one passes and fails where it should, on markets made for it."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, evidence, gates, simulate
from m2k_lessons.contracts import M2K
from m2k_lessons.data import PriceFileError
from m2k_lessons.risk import Limits, RiskEngine

LIMITS = Limits(max_drawdown=0.30)


def frame(opens, closes, contract=None):
    days = pd.date_range("2030-01-07", periods=len(opens), freq="B", tz="America/New_York")
    bars = pd.DataFrame({"open": opens, "close": closes}, index=days, dtype=float)
    bars["high"], bars["low"] = bars.max(axis=1), bars.min(axis=1)
    bars = bars if contract is None else bars.assign(contract=contract)
    bars.attrs["label"] = "SIMULATED"  # opens are the close before here, as an index has them
    return bars


def wave(n=700, swing=12.0, noise=2.0, seed=1):
    """Ten days up, ten days down: who follows yesterday's direction earns."""
    rng = np.random.default_rng(seed)
    steps = np.where(np.arange(n) // 10 % 2 == 0, swing, -swing) + rng.normal(0, noise, n)
    closes = M2K.round_to_tick(2400 + np.cumsum(steps))
    opens = np.concatenate([[2400.0], closes[:-1]])
    return frame(opens, closes)


def follow(bars):
    return np.sign(bars["close"].diff()).fillna(0.0)


def examine(rule=follow, bars=None, **changes):
    bars = wave() if bars is None else bars
    arguments = {
        "opened": bars.index[int(0.6 * len(bars))],
        "trials": 10,
        "trial_variance": 0.2,
        "contracts": 1,
        "capital": 40_000,
        "limits": LIMITS,
    }
    return gates.examine(rule, bars, **(arguments | changes))


# ------------------------------------------------------------------------------------ bars


def test_a_file_of_ones_own_is_moved_to_the_tick(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text(
        "Date,Open,High,Low,Close,Volume\n"
        "2024-03-12,2063.94,2080.05,2060.00,2075.50,10\n"
        "2024-03-11,2066.0,2071.5,2060.2,2063.9,11\n",
        encoding="utf-8",
        newline="\n",
    )
    bars = gates.read_bars(path)
    assert bars.columns.tolist() == ["open", "high", "low", "close", "volume"]
    assert bars["volume"].tolist() == [11, 10]
    assert bars.drop(columns="volume").to_numpy().tolist() == [
        [2066.0, 2071.5, 2060.2, 2063.9],
        [2063.9, 2080.1, 2060.0, 2075.5],
    ]
    assert bars.attrs["label"] == "your own file; 2 of 8 prices moved to the nearest tick"


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    path = tmp_path / "mine.csv"
    path.write_text("Date,Open,High,Low,Close\n2024-03-11,1,2,3,x\n", encoding="utf-8")
    with pytest.raises(PriceFileError, match=r"mine\.csv"):
        gates.read_bars(path)


@given(st.lists(st.floats(1, 9_000), min_size=2, max_size=9))
@settings(max_examples=60, deadline=None)
def test_moving_to_the_tick_keeps_order_and_moves_half_a_tick_at_most(prices):
    moved = np.asarray(M2K.round_to_tick(pd.Series(sorted(prices))))
    assert (np.diff(moved) >= 0).all()
    assert np.abs(moved - sorted(prices)).max() <= 0.05 + 1e-6


def test_daily_bars_begin_in_the_evening():
    minutes = simulate.intraday(3, seed=5)["M2K"]
    days = gates.daily_bars(minutes)
    assert len(days) == 3
    assert days["minutes"].sum() == len(minutes)
    first = minutes.iloc[: days["minutes"].iloc[0]]
    assert first.index[-1].strftime("%H:%M") == "16:59"
    assert minutes.index[len(first)].strftime("%H:%M") == "18:00"
    expected = [first["open"].iloc[0], first["high"].max(), first["low"].min()]
    assert days.iloc[0, :4].tolist() == [*expected, first["close"].iloc[-1]]
    utc = minutes.set_axis(minutes.index.tz_convert("UTC"))
    pd.testing.assert_frame_equal(gates.daily_bars(utc), days)
    with pytest.raises(TypeError, match="minutes must have an index of times with a zone"):
        gates.daily_bars(minutes.tz_localize(None))


# ------------------------------------------------------------------------------------ parts


def test_minutes_that_make_no_days_are_refused():
    minutes = simulate.intraday(2, seed=5)["M2K"]
    for wrong in (minutes.iloc[::-1], pd.concat([minutes, minutes.iloc[:5]])):
        with pytest.raises(ValueError, match="minutes must have ascending times, each once"):
            gates.daily_bars(wrong)
    unknown = minutes.copy()
    unknown.iloc[3, unknown.columns.get_loc("close")] = np.nan
    with pytest.raises(ValueError, match="minutes must have four prices in every row, got NaN at"):
        gates.daily_bars(unknown)
    with pytest.raises(ValueError, match="columns open, high, low and close, got no 'low'"):
        gates.daily_bars(minutes.drop(columns="low"))


def test_round_turn():
    assert gates.round_turn_usd(commission_usd=0.85) == pytest.approx(2.70)
    assert gates.round_turn_usd(commission_usd=0, slippage_ticks=3) == pytest.approx(3.0)
    with pytest.raises(ValueError, match="commission_usd must be a finite number at least 0"):
        gates.round_turn_usd(commission_usd=-1)
    with pytest.raises(ValueError, match="slippage_ticks must be a whole number"):
        gates.round_turn_usd(slippage_ticks=0.5)


def test_what_the_nights_did_to_a_short_position():
    bars = frame([2400, 2400, 2410, 2390], [2400, 2402, 2404, 2395])
    result = backtest.run(bars, pd.Series([-1.0, -1, -1, 0], bars.index), contracts=3)
    # Sold at the second open; then 2,402 → 2,410 and 2,404 → 2,390, times −3 times 5 dollars.
    assert gates.overnight_usd(result).tolist() == [0, 0, -120, 210]


def test_a_gap_between_contracts_is_nobodys():
    bars = frame([2400, 2400, 2430, 2431], [2400, 2402, 2429, 2433], list("aabb"))
    target = pd.Series(1.0, bars.index)
    known = pd.Series([25.0], index=bars.index[2:3])
    result = backtest.run(bars, target, roll_gap_points=known)
    assert gates.overnight_usd(result, known).tolist() == [0, 0, 15, 10]  # 28 less 25 points
    assert gates.overnight_usd(backtest.run(bars, target)).tolist() == [0, 0, 0, 10]
    points = gates.market_returns(bars, known) * bars["close"].shift().iloc[1:]
    assert points.tolist() == pytest.approx([2, 2, 4])
    assert gates.market_returns(bars).iloc[1] == 0


def test_gaps_that_miss_a_change_of_contract_are_refused():
    bars = frame([2400, 2400, 2430, 2431], [2400, 2402, 2429, 2433], list("aabb"))
    result = backtest.run(bars, pd.Series(1.0, bars.index))
    a_day_early = pd.Series([25.0], index=bars.index[1:2])
    unknown = pd.Series([np.nan], index=bars.index[2:3])
    for gaps in (a_day_early, unknown):
        told = "one value for each change of contract, got none for 2030-01-09"
        with pytest.raises(ValueError, match=told):
            gates.market_returns(bars, gaps)
        with pytest.raises(ValueError, match=told):
            gates.overnight_usd(result, gaps)
    with pytest.raises(TypeError, match=r"roll_gap_points must be a Series of points, got \[25\]"):
        gates.market_returns(bars, [25])
    with pytest.raises(TypeError, match="result must be what backtest.run returns .* DataFrame"):
        gates.overnight_usd(bars)
    both = {name: bars.drop(columns="contract") for name in ("M2K", "RTY")}
    targets = {name: pd.Series(1.0, bars.index) for name in both}
    pair = backtest.run_portfolio(both, targets, capital=40_000)
    with pytest.raises(TypeError, match=r"for one contract, got \['M2K', 'RTY'\]"):
        gates.overnight_usd(pair)
    # What belongs to no change is left alone, as `backtest.run` leaves it.
    more = pd.Series([7.0, 25.0], index=bars.index[1:3])
    assert gates.market_returns(bars, more).equals(gates.market_returns(bars, more.iloc[1:]))


def test_nights_and_days_add_up_to_the_account():
    """Without costs: nights, and open to close of what was held, are the whole profit."""
    bars = wave(120)
    result = backtest.run(
        bars, follow(bars), contracts=2, commission_usd=0, slippage_ticks=0, capital=40_000
    )
    day_usd = (bars["close"] - bars["open"]) * result.position * M2K.multiplier
    total = gates.overnight_usd(result).sum() + day_usd.sum()
    assert total == pytest.approx(result.stats["Return [$]"])


def test_error_of_a_sharpe_ratio_is_the_scatter_of_many():
    draws = np.random.default_rng(3).standard_t(6, (2_000, 756)) * 0.01 + 0.0006
    ratios = draws.mean(axis=1) / draws.std(axis=1, ddof=1) * math.sqrt(252)
    told = np.mean([gates.sharpe_error(one) for one in draws[:200]])
    assert told == pytest.approx(ratios.std(), rel=0.06)  # 1.6 % is one error of the scatter


def test_error_of_a_sharpe_ratio_against_the_probabilistic_one():
    returns = np.random.default_rng(4).normal(0.0005, 0.01, 500)
    record = evidence.track_record(returns)
    p_value = evidence.probabilistic_sharpe(returns, trials=1).p_value
    z = record.sharpe / gates.sharpe_error(returns)
    assert p_value == pytest.approx(0.5 * math.erfc(z / math.sqrt(2)), abs=1e-6)


# ------------------------------------------------------------------------------------ gates


def test_a_rule_with_an_edge_passes_every_gate():
    found = examine()
    assert list(found.table.index) == list(gates.GATES)
    assert found.passes
    assert {type(one) for one in found.table["passed"].tolist()} == {bool}
    assert "8 of 8 gates passed." in repr(found)


def test_the_numbers_are_those_of_backtests_made_by_hand():
    bars = wave()
    found = examine(bars=bars)
    cut = int(0.6 * len(bars))
    for part, result in ((bars[:cut], found.development), (bars[cut:], found.out_of_sample)):
        own = backtest.run(part, follow(bars)[part.index], contracts=1, capital=40_000)
        pd.testing.assert_frame_equal(own.equity, result.equity)
    returns = evidence.strategy_returns(found.out_of_sample)
    assert found.sharpe == pytest.approx(found.out_of_sample.stats["Sharpe Ratio"])
    assert found.sharpe_error == gates.sharpe_error(returns)
    assert found.cost_usd == pytest.approx(gates.round_turn_usd())
    nights = gates.overnight_usd(found.development)
    assert found.largest_gap_loss_usd == pytest.approx(max(0, -nights.min()))
    assert math.isnan(found.planned_loss_usd)


def failed(found):
    return [gate for gate, passed in found.table["passed"].items() if not passed]


def test_a_year_of_weeks_has_52():
    bars = wave()
    weeks = bars.set_axis(pd.date_range("2030-01-04", periods=700, freq="W-FRI", tz="UTC"))
    found = examine(bars=weeks)
    assert found.development_sharpe == pytest.approx(found.development.stats["Sharpe Ratio"])
    assert found.sharpe == pytest.approx(found.out_of_sample.stats["Sharpe Ratio"])
    days = examine(bars=bars)
    for name in ("sharpe", "sharpe_error", "development_sharpe", "development_error"):
        assert getattr(found, name) == pytest.approx(getattr(days, name) * math.sqrt(52 / 252))
    record = evidence.track_record(evidence.strategy_returns(found.development), 52)
    wild = {"trials": 10, "trial_variance": 3.0}
    p_value = evidence.deflated_sharpe(record, **wild).p_value_adjusted
    row = examine(bars=weeks, **wild).table.loc["trials"]
    assert row["found"] == f"p = {p_value:.2f} after 10 trials"


def test_a_rule_that_writes_into_its_bars_changes_no_market():
    def vandal(bars):
        target = follow(bars)
        bars["close"] += 7.0
        bars["mark"] = 1.0
        return target

    bars = wave()
    before = bars.copy()
    found = examine(vandal, bars)
    pd.testing.assert_frame_equal(bars, before)
    assert found.sharpe == examine(bars=bars).sharpe


def test_only_the_future_gives_the_look_ahead_gate_away():
    found = examine(lambda bars: np.sign(bars["close"].shift(-1) - bars["close"]).fillna(0.0))
    assert failed(found) == ["look-ahead"]
    assert "uses the future" in found.table.loc["look-ahead", "found"]


def test_a_rule_that_reads_other_prices_walks_around_the_look_ahead_gate():
    """The chapter says so: the gate can change only the bars that it hands over."""
    bars = wave()
    seen = np.sign(bars["close"].shift(-1) - bars["close"]).fillna(0.0)
    assert examine(lambda given: seen.reindex(given.index), bars).table.loc["look-ahead", "passed"]


def test_one_trial_is_a_trial_and_a_loss_has_a_true_minus():
    rng = np.random.default_rng(8)
    closes = M2K.round_to_tick(2400 + np.cumsum(rng.normal(0, 20, 700)))
    bars = frame(np.concatenate([[2400.0], closes[:-1]]), closes)
    found = examine(bars=bars, trials=1, commission_usd=20.0).table["found"]
    assert found["luck"].endswith("after 1 trial")
    assert found["costs"].startswith("−")


def test_a_rule_that_lives_on_cheap_fills_fails_at_twice_the_costs():
    bars = wave(swing=1.2, noise=0.3)
    cheap, dear = (examine(bars=bars, commission_usd=usd) for usd in (0.0, 14.0))
    assert cheap.table.loc["costs", "passed"]
    assert dear.development.stats["Return [$]"] > 0
    assert not dear.table.loc["costs", "passed"]


def test_one_night_is_enough_for_the_gap_gate():
    bars = wave()
    bars.loc[bars.index[105] :] -= 200.0  # the 100th to 109th day go up: the rule is long
    found = examine(bars=bars)
    assert failed(found) == ["gaps"]
    assert found.largest_gap_loss_usd == pytest.approx(1_000)
    assert examine(bars=bars, gap_fraction=0.025).passes


def test_trials_make_the_two_gates_of_luck_stricter():
    rng = np.random.default_rng(8)
    closes = M2K.round_to_tick(2400 + np.cumsum(rng.normal(0, 20, 700)))
    bars = frame(np.concatenate([[2400.0], closes[:-1]]), closes)
    one, many = (examine(bars=bars, trials=trials) for trials in (1, 50))
    shown = [float(found.table.loc["luck", "found"].split()[2]) for found in (one, many)]
    assert shown[0] <= shown[1]
    assert {"trials", "luck"} <= set(failed(many))
    assert not many.passes


def test_the_drawdown_stop_fails_the_engine_gate():
    bars = wave()
    found = examine(bars=bars, limits=Limits(max_drawdown=0.001))
    assert failed(found) == ["risk engine"]
    assert found.engine.is_stopped
    own = RiskEngine(Limits(max_drawdown=0.001))
    early = bars[: int(0.6 * len(bars))]
    backtest.run(early, **own.in_front_of(follow(early).astype(int)), capital=40_000)
    pd.testing.assert_frame_equal(own.decisions, found.engine.decisions)


def test_an_edge_that_ends_fails_out_of_sample():
    bars = wave()
    cut = int(0.6 * len(bars))
    rng = np.random.default_rng(2)
    closes = M2K.round_to_tick(bars["close"].iloc[cut - 1] + np.cumsum(rng.normal(0, 12, 280)))
    opens = np.concatenate([[bars["close"].iloc[cut - 1]], closes[:-1]])
    bars = frame([*bars["open"][:cut], *opens], [*bars["close"][:cut], *closes])
    assert failed(examine(bars=bars)) == ["out of sample", "benchmark"]


def test_the_stop_of_the_limits_is_used_everywhere():
    limits = Limits(risk_fraction=0.01, stop_points=15)
    found = examine(bars=wave(noise=15.0), limits=limits, contracts=3)
    assert found.planned_loss_usd == pytest.approx(3 * (15 * 5 + gates.round_turn_usd()))
    assert (found.development.trades["Tag"] == "stop").any()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"rule": "buy"}, TypeError, "rule must be a function of bars, got 'buy'"),
        ({"limits": None}, TypeError, "limits must be Limits, got None"),
        (
            {"limits": Limits(volatility_target=0.2)},
            ValueError,
            "limits must have no volatility_target here, got 0.2",
        ),
        ({"trials": 0}, ValueError, "trials must be a whole number at least 1, got 0"),
        ({"contracts": 1.5}, ValueError, "contracts must be a whole number at least 1, got 1.5"),
        ({"gap_fraction": 0}, ValueError, "gap_fraction must be a finite number above 0"),
        (
            {"opened": pd.Timestamp("2050-01-03", tz="America/New_York")},
            ValueError,
            "opened must leave more than 10 bars on either side",
        ),
        (
            {"opened": "2031-06-02"},
            ValueError,
            "opened must be a time with a zone, such as America/New_York, .* got '2031-06-02'",
        ),
        ({"opened": "soon"}, ValueError, "opened must be a time with a zone.* got 'soon'"),
        (
            {"rule": lambda bars: follow(bars) * 2},
            ValueError,
            r"what rule returns must lie in \[-1, 1\]",
        ),
        (
            {"rule": lambda bars: bars["close"].diff() * 0},
            ValueError,
            "what rule returns must be a number in each row",
        ),
        ({"trial_variance": -0.1}, ValueError, "trial_variance must be a finite number at least 0"),
        ({"fill": "close"}, ValueError, "fill must be .*'next_open'.*'next_close'.*got 'close'"),
        ({"of": "frame"}, ValueError, "of must be"),
        ({"tried": [1.0]}, TypeError, "tried must be a DataFrame with a column for each trial"),
        ({"capital": 100}, ValueError, "capital must be at least the initial margin"),
        (
            {"rule": lambda bars: (bars["close"].index < "2031").astype(float)},
            ValueError,
            "strategy must return a Series",
        ),
    ],
)
def test_what_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        examine(**changes)


def test_a_column_that_stands_twice_is_named():
    minutes = simulate.intraday(1, seed=5)["M2K"]
    twice = pd.concat([minutes, minutes[["close"]]], axis=1)
    for call in (gates.daily_bars, gates.market_returns):
        with pytest.raises(ValueError, match="must have each column once, got 'close' twice"):
            call(twice)
