"""The engine and the sweep where nothing is compiled: the same bits, sooner or later."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, data, simulate, strategies, sweep
from m2k_lessons.backtest import batch, engine, inputs, plain
from m2k_lessons.sweep import kernels as sides
from m2k_lessons.sweep import plain as plain_sides
from tests.backtest.random_cases import case
from tests.backtest.test_backtest import ran

ROOT = Path(__file__).resolve().parents[2]


def machine_of(seed: int, quiet: bool):
    """A random case and targets for it; a quiet one has no stops, and money of many kinds."""
    by_symbol, common = case(seed)
    if quiet:
        for leg in by_symbol.values():
            leg[2]["stop_points"] = leg[2]["take_profit_points"] = None
        common["capital"] = [4_000, 40_000, 400_000][seed % 3]
    result = ran(by_symbol, common)
    own = np.stack([inputs.target_positions(each) for each in result._instruments])
    targets = np.stack([-own, own, np.sign(own), own[:, ::-1]])
    return engine.Engine(result._instruments, result._settings), targets


def played(loops, machine, targets):
    """Tallies of each run, and the states that they left."""
    tallies, states = np.empty((len(targets), batch.TALLY_WIDTH)), []
    for number in range(len(targets)):
        state, part = machine.new_state(), targets[: number + 1]
        terms = machine.settings.capital, machine._ends, tallies, number
        while loops.run_batch(machine.bars, state, part, *terms) == number:
            state = engine._grown(state)
        states.append(state)
    return tallies, states


def test_margin_is_needed_when_the_order_is_filled_and_not_when_the_day_has_paid():
    """Two bought at 2400 with 2,000 dollars and margins of 1,200; the close is worth 1,000 more."""
    index = pd.date_range("2030-01-07", periods=4, freq="B")
    bars = pd.DataFrame(2400.0, index, ["open", "high", "low", "close"])
    bars.iloc[1, [1, 3]] = bars.iloc[2:] = 2500.0
    terms = {"capital": 2_000, "margin": (1_200, 100), "commission_usd": 0, "slippage_ticks": 0}
    result = backtest.run(bars, pd.Series(1.0, index), contracts=2, **terms)
    assert result.stats["# Orders Reduced"] >= 1
    machine = engine.Engine(result._instruments, result._settings)
    money, ends = machine.settings.capital, machine._ends
    found, targets = np.empty((1, batch.TALLY_WIDTH)), np.full((1, 1, 4), 2)
    assert not plain.undisturbed(machine.bars, machine._legs, targets, money, ends, found).any()


@pytest.mark.parametrize("quiet", [False, True])
def test_plain_runs_leave_what_compiled_ones_leave(quiet):
    undisturbed = total = 0
    for seed in range(150):
        machine, targets = machine_of(seed, quiet)
        wanted, states = played(batch, machine, targets)
        found, plain_states = played(plain, machine, targets)
        np.testing.assert_array_equal(wanted, found, err_msg=f"seed {seed}")
        for state, same in zip(states, plain_states, strict=True):
            for array, other in zip(state, same, strict=True):
                np.testing.assert_array_equal(array, other, err_msg=f"seed {seed}")
        terms = machine._legs, targets, machine.settings.capital, machine._ends, found
        fine = plain.undisturbed(machine.bars, *terms)
        np.testing.assert_array_equal(wanted[fine], found[fine], err_msg=f"seed {seed}")
        undisturbed, total = undisturbed + fine.sum(), total + len(fine)
    assert undisturbed < total
    assert not quiet or undisturbed > 0.2 * total


def test_runs_that_a_margin_cuts_are_not_undisturbed():
    index = pd.date_range("2030-01-07", periods=4, freq="B")
    closes = pd.Series([2_400.0, 2_300.0, 2_200.0, 2_200.0], index)
    bars = pd.DataFrame({name: closes for name in ("open", "high", "low", "close")})
    for capital, reason in ((960, "# Margin Calls"), (1_500, None)):
        result = backtest.run(bars, closes * 0 + 1, capital=capital, margin=(950, 940))
        machine = engine.Engine(result._instruments, result._settings)
        targets = np.ones((1, 1, 4), np.int64)
        money, ends = machine.settings.capital, machine._ends
        found = np.empty((1, batch.TALLY_WIDTH))
        fine = plain.undisturbed(machine.bars, machine._legs, targets, money, ends, found)
        assert fine.item() == (result.stats["# Margin Calls"] == 0)
        assert reason is None or result.stats[reason] > 0


@given(st.integers(0, 2**32), st.sampled_from([sides.TREND, sides.THRESHOLD, sides.REVERSION]))
@settings(max_examples=300)
def test_sides_are_decided_alike(seed, kind):
    rng = np.random.default_rng(seed)
    bars, runs = rng.integers(1, (60, 6))
    if kind == sides.TREND:
        series = np.concatenate([[0.0], np.cumsum(rng.integers(1, 5, bars) * 1.0)])
        first = rng.integers(1, 8, runs)
        second = first + rng.integers(1, 70, runs)
    elif kind == sides.THRESHOLD:
        series = rng.integers(1, 9, bars) * 1.0
        second = rng.integers(0, 5, runs)
        first = second + rng.integers(0, 4, runs)
    else:
        series = rng.integers(-8, 9, bars) / 2
        series[rng.random(bars) < 0.1] = np.nan
        second = rng.integers(0, 3, runs) / 2
        first = second + rng.integers(1, 4, runs) / 2
    rows = np.column_stack([first, second, rng.choice([0, -1], runs)]).astype(float)
    wanted, found = np.empty((2, runs, 1, bars), np.int64)
    sides.decide(kind, series, rows, wanted)
    plain_sides.decide(kind, series, rows, found)
    np.testing.assert_array_equal(wanted, found)


@pytest.mark.parametrize(
    ("strategy", "grid"),
    [
        (strategies.trend_following, {"fast": [5, 10], "slow": [20, 40]}),
        (strategies.mean_reversion, {"window": [10, 20], "entry": [1.0, 2.0]}),
        (lambda close, window: close > close.rolling(window).mean(), {"window": [10, 50]}),
    ],
)
@pytest.mark.parametrize("money", [{}, {"capital": 1_500}, {"stop_points": 30, "contracts": 2}])
def test_tables_are_the_same_without_a_compiler(strategy, grid, money, monkeypatch):
    bars = data.load("daily")["M2K"][:600]
    terms = money | {"roll_gap_points": None}
    wanted = sweep.sweep(bars, strategy, grid, **terms)
    result = backtest.run(bars, strategies.trend_following(bars["close"], 10, 40), **terms)
    monkeypatch.setenv("M2K_NO_NUMBA", "1")
    pd.testing.assert_frame_equal(sweep.sweep(bars, strategy, grid, **terms), wanted, check_exact=1)
    plainly = backtest.run(bars, strategies.trend_following(bars["close"], 10, 40), **terms)
    pd.testing.assert_frame_equal(plainly.trades, result.trades, check_exact=True)
    pd.testing.assert_frame_equal(plainly.equity, result.equity, check_exact=True)


def test_the_first_backtest_of_a_cold_machine_does_not_wait_for_the_compiler(tmp_path):
    code = """if True:
        import pandas as pd
        from m2k_lessons import backtest
        from m2k_lessons.backtest import engine
        index = pd.date_range("2030-01-07", periods=500, freq="B")
        bars = pd.DataFrame({name: 2400.0 for name in ("open", "high", "low", "close")}, index)
        bars.attrs["label"] = "SIMULATED"  # or its opens would be judged
        target = pd.Series([1.0, 1.0, 0.0, -1.0] * 125, index)
        early = backtest.run(bars, target, stop_points=10)
        thread = engine._compiled._thread
        print(thread is not None and thread.is_alive())
        engine.wait_until_compiled()
        late = backtest.run(bars, target, stop_points=10)
        print(bool((early._tally == late._tally).all()), early.equity.equals(late.equity))
    """
    environ = os.environ | {"NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    pytest.importorskip("numba")  # no wheel for Macs with an Intel processor
    run = subprocess.run(
        [sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["True", "True", "True"]
    assert list(tmp_path.rglob("*run_batch*.nbc")), "the machine code is kept for the next session"


def test_a_late_fill_is_late_without_a_compiler(monkeypatch):
    """The numpy way around the loops takes the bar between decision and fill, too."""
    bars = simulate.daily(2, 5)["M2K"]
    grid = {"fast": [2, 5], "slow": [10, 20]}

    def table():
        def follow(close, fast, slow):
            return strategies.trend_following(close, fast, slow)

        return sweep.sweep(bars, follow, grid, fill="next_close", capital=100_000)

    compiled = table()
    monkeypatch.setattr(engine.Engine, "_loops", lambda self, size: plain)
    pd.testing.assert_frame_equal(table(), compiled, check_exact=True)
