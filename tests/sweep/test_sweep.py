import functools

import joblib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import backtest, data, plots, strategies
from m2k_lessons import sweep as sweep_module
from m2k_lessons.sweep import SweepInterrupted, heat_map, prepare, sweep, sweep_targets


def drawn_bars(seed, count, *, step=30, rolls=0, freq="B"):
    """Bars on M2K's tick; a small step makes averages that are often equal."""
    rng = np.random.default_rng(seed)
    closes = 24_000 + np.cumsum(rng.integers(-step, step + 1, count))
    opens = np.concatenate([closes[:1], closes[:-1] + rng.integers(-step, step + 1, count - 1)])
    highs = np.maximum(opens, closes) + rng.integers(0, 20, count)
    lows = np.minimum(opens, closes) - rng.integers(0, 20, count)
    index = pd.date_range("2030-01-07 09:30", periods=count, freq=freq, tz="America/New_York")
    ticks = {"open": opens, "high": highs, "low": lows, "close": closes}
    bars = pd.DataFrame(ticks, index=index) / 10
    bars.attrs["label"] = "SIMULATED"  # with a step of 1, opens look like an index's
    if rolls:
        bars["contract"] = [f"C{number * (rolls + 1) // count}" for number in range(count)]
    return bars


def trend(close, **settings):
    """The same rule, of which `sweep` knows nothing."""
    return strategies.trend_following(close, **settings)


def levels(close, **settings):
    return strategies.threshold(close, **settings)


def fade(close, **settings):
    return strategies.mean_reversion(close, **settings)


def one_by_one(bars, strategy, combinations, **money):
    """What the documentation promises: a run for each, and the figures of its `stats`."""
    rows = []
    for one in combinations:
        result = backtest.run(bars, strategy(bars["close"], **one), **money)
        rows.append({**one, **result.stats})
    return pd.DataFrame(rows)


def assert_rows_are_runs(table, bars, strategy, **money):
    names = table.attrs["settings"]
    combinations = table[names].to_dict("records")
    runs = one_by_one(bars, strategy, combinations, **money)
    for column in table.columns:
        expected = runs[column].to_numpy(dtype=float)
        np.testing.assert_array_equal(table[column].to_numpy(dtype=float), expected, column)


def went_fast(monkeypatch):
    """Count how many combinations the engine is asked for."""
    asked = []
    original = sweep_module.Prepared._tally

    def counted(self, *arguments):
        asked.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(sweep_module.Prepared, "_tally", counted)
    return asked


# --- the same as one run after the other --------------------------------------------------------


def test_a_row_is_a_run():
    bars = data.load("daily")["M2K"]
    money = {"stop_points": 30, "contracts": 2, "capital": 25_000}
    grid = {"fast": [5, 20], "slow": [50, 100], "long_only": [True, False]}
    table = sweep(bars, strategies.trend_following, grid, **money)
    assert len(table) == 8
    assert table["# Trades"].min() > 10
    assert_rows_are_runs(table, bars, strategies.trend_following, **money)


@st.composite
def setups(draw):
    count = draw(st.sampled_from([1, 2, 3, 30, 70, 300, 700]))
    bars = drawn_bars(
        draw(st.integers(0, 2**32 - 1)),
        count,
        step=draw(st.sampled_from([1, 4, 30, 300])),
        rolls=draw(st.sampled_from([0, 0, 1, 5, 40])),
        freq=draw(st.sampled_from(["B", "h", "W-FRI"])),
    )
    money = {
        "commission_usd": draw(st.sampled_from([0, 0.85, 1.2345])),
        "slippage_ticks": draw(st.integers(0, 3)),
        "capital": draw(st.sampled_from([1_500, 10_000, 1_000_000])),
        "margin": draw(st.sampled_from([0, (550, 500), 950])),
        "contracts": draw(st.sampled_from([1, 1, 3])),
        "fill": draw(st.sampled_from(["next_open", "close"])),
        "roll_costs": draw(st.booleans()),
    }
    if draw(st.booleans()) and "contract" in bars:
        first = bars.index[(bars["contract"] != bars["contract"].shift()).to_numpy()]
        money["roll_gap_points"] = pd.Series(np.arange(len(first)) - 2.0, index=first)
    return bars, money


def assert_both_ways_agree(bars, rule, same_rule, grid, money, constraint=None):
    fast = sweep(bars, rule, grid, constraint=constraint, **money)
    slow = sweep(bars, same_rule, grid, constraint=constraint, **money)
    pd.testing.assert_frame_equal(fast, slow, check_exact=True)
    first = fast.iloc[:1]
    first.attrs = fast.attrs
    assert_rows_are_runs(first, bars, rule, **money)


@settings(max_examples=60)
@given(setup=setups(), long_only=st.booleans())
def test_trend_following_is_compiled_to_the_same_numbers(setup, long_only):
    grid = {"fast": [1, 2, 5, 19], "slow": [2, 6, 20, 50, 400], "long_only": [long_only]}
    assert_both_ways_agree(
        setup[0],
        strategies.trend_following,
        trend,
        grid,
        setup[1],
        constraint=lambda fast, slow, long_only: fast < slow,
    )


@settings(max_examples=50)
@given(setup=setups(), distance=st.sampled_from([0, 0.1, 3, 25]))
def test_threshold_is_compiled_to_the_same_numbers(setup, distance):
    middle = float(setup[0]["close"].median())
    grid = {
        "buy_above": [middle, middle + distance],
        "sell_below": [middle - 2 * distance, middle],
        "long_only": [True, False],
    }
    assert_both_ways_agree(setup[0], strategies.threshold, levels, grid, setup[1])


@settings(max_examples=50)
@given(setup=setups(), long_only=st.booleans())
def test_mean_reversion_is_compiled_to_the_same_numbers(setup, long_only):
    grid = {
        "window": [2, 5, 20, 350],
        "entry": [1.0, 1.5, 2],
        "exit": [0.0, 0.5],
        "long_only": [long_only],
    }
    assert_both_ways_agree(setup[0], strategies.mean_reversion, fade, grid, setup[1])


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32 - 1),
    stop=st.sampled_from([None, 5.0]),
    sizes=st.sampled_from(["whole", "series", "function"]),
)
def test_the_engines_way_is_one_run_after_the_other(seed, stop, sizes):
    bars = drawn_bars(seed, 120, rolls=2)
    contracts = {
        "whole": 4,
        "series": pd.Series(np.arange(120) % 3, index=bars.index),
        "function": lambda equity_usd, price, time: int(equity_usd // 4_000),
    }[sizes]

    def half(close, fraction, window):
        return fraction * np.sign(close - close.rolling(window).mean()).fillna(0.0)

    money = {"stop_points": stop, "contracts": contracts, "resize": sizes == "function"}
    table = sweep(bars, half, {"fraction": [0.5, -1], "window": [2, 7]}, **money)
    assert_rows_are_runs(table, bars, half, **money)


@pytest.mark.parametrize(
    ("rule", "grid"),
    [
        (strategies.trend_following, {"fast": [2, 3], "slow": [5, 9]}),
        (strategies.trend_following, {"fast": np.arange(1, 4)}),
        (strategies.threshold, {"buy_above": [2400.0], "sell_below": [2390.0, 2380]}),
        (strategies.mean_reversion, {"window": [5, 9], "entry": [1.5]}),
        (functools.partial(strategies.trend_following, long_only=True), {"fast": range(2, 6)}),
    ],
)
def test_known_strategies_are_compiled(monkeypatch, rule, grid):
    asked = went_fast(monkeypatch)
    bars = drawn_bars(1, 200, rolls=3)
    table = sweep(bars, rule, grid, capital=1_000_000)
    assert asked == []
    assert_rows_are_runs(table, bars, rule, capital=1_000_000)


@pytest.mark.parametrize(
    "money",
    [
        {"stop_points": 5},
        {"take_profit_points": 9, "stop_points": 3, "protection_points": 0.5},
        {"contracts": pd.Series(np.arange(200) % 4, drawn_bars(1, 200).index)},
        {"stop_points": pd.Series(2.0 + np.arange(200) % 3, drawn_bars(1, 200).index)},
        {"capital": 1_200, "margin": (900, 800), "contracts": 3},
    ],
)
def test_every_account_is_compiled(monkeypatch, money):
    asked = went_fast(monkeypatch)
    bars = drawn_bars(1, 200, rolls=2)
    grid = {"fast": [2, 3], "slow": [5, 9]}
    table = sweep(bars, strategies.trend_following, grid, **money)
    assert asked == []
    assert table["# Trades"].min() > 5
    assert_rows_are_runs(table, bars, strategies.trend_following, **money)


def test_a_function_that_sizes_is_asked_run_by_run(monkeypatch):
    asked = went_fast(monkeypatch)
    grid = {"fast": [2, 3], "slow": [5]}
    sweep(drawn_bars(1, 200), strategies.trend_following, grid, contracts=lambda *_: 1)
    assert len(asked) == 2


def test_an_account_near_its_margin_is_called():
    bars = drawn_bars(4, 400, step=200)
    grid = {"fast": [2, 5, 9], "slow": [20, 40]}
    money = {"capital": 1_200, "margin": (900, 800)}
    table = sweep(bars, strategies.trend_following, grid, **money)
    assert (table["# Margin Calls"] + table["# Orders Refused"]).sum() > 0
    assert_rows_are_runs(table, bars, strategies.trend_following, **money)


@pytest.mark.parametrize(("capital", "given"), [(1_000.0, 0), (1_000.49, 0), (1_000.5, 1)])
def test_the_margin_is_looked_at_when_the_order_is_filled(capital, given):
    """1,000 of margin and half a dollar of slippage: a cent less, and nothing is bought, though
    the price rises to the close and would cover it."""
    bars = drawn_bars(1, 4)
    for column, prices in {"open": [2400, 2400, 2400, 2400], "high": 2450, "low": 2400}.items():
        bars[column] = prices
    bars["close"] = [2400.0, 2450, 2450, 2450]
    settings = [{"buy_above": 2399.0, "sell_below": 2000.0}]
    money = {"capital": capital, "margin": 1_000, "commission_usd": 0, "contracts": 1}
    table = sweep(bars, strategies.threshold, settings, **money)
    assert table[["# Trades", "# Orders Refused"]].to_numpy().tolist() == [[given, 1 - given]]
    assert (table["Return [$]"].iloc[0] > 0) == bool(given)


def test_target_positions_of_ones_own():
    bars = drawn_bars(6, 150, rolls=1)
    drawn = np.random.default_rng(1).choice([-1.0, -0.4, 0, 0.4, 1], (150, 5))
    targets = pd.DataFrame(np.repeat(drawn, 3, axis=0)[:150], bars.index).add_prefix("run ")
    money = {"contracts": 5, "stop_points": 4, "capital": 4_000}
    table = sweep_targets(bars, targets, **money)
    assert table.index.tolist() == [f"run {number}" for number in range(5)]
    for name, target in targets.items():
        expected = backtest.run(bars, target, **money).stats
        for column in table.columns:
            np.testing.assert_equal(table.at[name, column], expected[column], column)
    with pytest.raises(ValueError, match=r"targets\['run 0'\] must lie in \[-1, 1\], got 2"):
        sweep_targets(bars, targets.assign(**{"run 0": 2.0}))
    with pytest.raises(TypeError, match="targets must be a DataFrame with a column for each run"):
        sweep_targets(bars, targets["run 0"])
    with pytest.raises(ValueError, match="at least one column, each once, got 'run 1' twice"):
        sweep_targets(bars, targets[["run 1", "run 1"]])


def test_prices_with_the_noise_of_floats_give_what_the_rule_gives():
    """Within the tolerance of a tick, yet not the same millionth of a point."""
    bars = drawn_bars(2, 300, step=3)
    noise = np.random.default_rng(1).uniform(-9e-8, 9e-8, 300)
    bars["close"] += noise
    bars["high"] += 1.0
    bars["low"] -= 1.0
    grid = {"fast": [1, 2, 3, 4], "slow": [5, 6, 8]}
    fast = sweep(bars, strategies.trend_following, grid)
    pd.testing.assert_frame_equal(fast, sweep(bars, trend, grid), check_exact=True)


def test_by_hand():
    """Buys at 2401, sells at 2404: 30 ticks of $0.50, less two sides of $1 and two ticks."""
    closes = [2400.0, 2400, 2401, 2404, 2400, 2400]
    index = pd.date_range("2030-01-07", periods=6, freq="B")
    bars = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), closes), index)
    grid = [{"buy_above": 2399.0, "sell_below": 2390.0}, {"buy_above": 2400.5, "sell_below": 2400}]
    table = sweep(bars, strategies.threshold, grid, commission_usd=1, slippage_ticks=1)
    assert table["Return [$]"].to_list() == [0.0 - 1 - 0.5, -20.0 - 1 - 0.5]
    assert table["# Trades"].to_list() == [1, 1]
    assert table["Commissions [$]"].to_list() == [1.0, 1.0]
    assert table["Exposure Time [%]"].to_list() == pytest.approx([500 / 6, 300 / 6])
    assert table["Max. Drawdown [$]"].to_list() == [-20.0, -21.5]


# --- the table ----------------------------------------------------------------------------------


def test_the_table_has_settings_first_and_the_engines_names():
    bars = data.load("daily")["M2K"].iloc[:300]
    table = sweep(bars, strategies.trend_following, {"slow": (20, 40), "fast": [5, 10]})
    assert table[["slow", "fast"]].to_numpy().tolist() == [[20, 5], [20, 10], [40, 5], [40, 10]]
    names = backtest.run(bars, strategies.trend_following(bars["close"])).stats.index
    assert table.columns[:2].to_list() == ["slow", "fast"]
    assert set(table.columns[2:]) <= set(names)
    assert {"Return [%]", "Sharpe Ratio", "Max. Drawdown [%]", "# Trades"} <= set(table.columns)
    assert table.index.equals(pd.RangeIndex(4))
    assert table["# Trades"].dtype == np.int64
    assert table.attrs["label"] == bars.attrs["label"]


def test_settings_keep_their_types():
    def rule(close, name, flag, size):
        return close * 0.0

    grid = {"name": ["a", "b"], "flag": [True, False], "size": np.array([1, 2])}
    table = sweep(drawn_bars(1, 20), rule, grid)
    assert table["name"].to_list() == list("aaaabbbb")
    assert table["flag"].dtype == bool
    assert table["size"].dtype == np.int64


def test_a_setting_that_is_none_stays_none():
    def rule(close, size=None):
        return close * 0.0

    assert sweep(drawn_bars(1, 20), rule, {"size": [None, 2]})["size"].tolist() == [None, 2]


def test_a_strategy_is_given_closes_or_bars():
    bars = drawn_bars(1, 50)
    seen = []

    def rule(prices, window):
        seen.append(prices)
        return pd.Series(0.0, index=prices.index)

    def on_bars(bars, window):
        return rule(bars, window)

    sweep(bars, rule, {"window": [1]})
    sweep(bars, rule, {"window": [1]}, of="bars")
    sweep(bars, on_bars, {"window": [1]})
    sweep(bars, on_bars, {"window": [1]}, of="close")
    assert [type(one) for one in seen] == [pd.Series, pd.DataFrame, pd.DataFrame, pd.Series]


def test_a_strategy_that_writes_into_its_prices_spoils_nothing():
    bars = drawn_bars(1, 50)
    before = bars.copy()

    def vandal(bars, factor):
        bars["close"] *= factor
        bars.loc[bars.index[3], "open"] = factor
        return np.sign(bars["close"] - 4_000)

    table = sweep(bars, vandal, {"factor": [1.0, 2.0, 1.0]})
    pd.testing.assert_frame_equal(bars, before)
    assert table["Return [$]"].iloc[0] == table["Return [$]"].iloc[2]
    assert table["Return [$]"].iloc[0] != table["Return [$]"].iloc[1]


def test_prepared_bars_give_the_same_table():
    bars = drawn_bars(3, 300)
    ready = prepare(bars, capital=50_000, commission_usd=0.5)
    for rule in (strategies.trend_following, trend):
        for slow in ([20, 30], [40]):
            grid = {"fast": [3, 5], "slow": slow}
            expected = sweep(bars, rule, grid, capital=50_000, commission_usd=0.5)
            pd.testing.assert_frame_equal(ready.sweep(rule, grid), expected)
    assert repr(ready).startswith("Prepared(M2K, 300 rows from 2030-01-07")


# --- side by side -------------------------------------------------------------------------------

GRID = {"fast": [2, 3, 4, 5, 6], "slow": [10, 20, 30, 40]}


@pytest.mark.parametrize("rule", [strategies.trend_following, trend])
@pytest.mark.parametrize("backend", ["threading", "loky"])
def test_results_do_not_depend_on_n_jobs(rule, backend):
    bars = drawn_bars(5, 250, rolls=2)
    expected = sweep(bars, rule, GRID, capital=4_000)
    with joblib.parallel_config(backend=backend):
        table = sweep(bars, rule, GRID, capital=4_000, n_jobs=2)
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def test_the_same_call_runs_on_a_dask_cluster():
    from distributed import Client, LocalCluster

    bars = drawn_bars(5, 250, rolls=2)
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=False,
            dashboard_address=None,
            protocol="tcp",  # through sockets, and so through pickle
            host="127.0.0.1",
        ) as cluster,
        Client(cluster),
        joblib.parallel_config(backend="dask"),
    ):
        for rule in (trend, strategies.trend_following):
            table = sweep(bars, rule, GRID, n_jobs=-1)
            pd.testing.assert_frame_equal(table, sweep(bars, rule, GRID), check_exact=True)


def test_progress_goes_to_stderr_and_ends_with_a_line(capsys):
    bars = drawn_bars(1, 60)
    sweep(bars, trend, GRID, progress=True)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("\r[....")
    assert shown.err.endswith(f"\r[{'#' * 30}] 20 of 20 combinations\n")
    sweep(bars, trend, GRID)
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_ctrl_c_leaves_what_is_done(n_jobs, capsys):
    bars = drawn_bars(1, 60)

    def stopped(close, fast, slow):
        if (fast, slow) == (4, 20):
            raise KeyboardInterrupt
        return strategies.trend_following(close, fast, slow)

    with (
        joblib.parallel_config(backend="threading"),
        pytest.raises(SweepInterrupted, match=r"stopped after \d+ of 20 combinations") as caught,
    ):
        sweep(bars, stopped, GRID, n_jobs=n_jobs, progress=True)
    assert isinstance(caught.value, KeyboardInterrupt)
    table = caught.value.table
    if n_jobs == 1:
        assert table[["fast", "slow"]].to_numpy().tolist()[-1] == [4, 10]
        assert len(table) == 9
    expected = sweep(bars, trend, GRID).iloc[: len(table)]
    pd.testing.assert_frame_equal(table, expected)
    assert capsys.readouterr().err.endswith("\n")


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({}, "grid must name at least one setting, got an empty mapping"),
        ([], "a list of mappings, got an empty list"),
        (None, "a list of mappings, got None"),
        ("fast", "a list of mappings, got 'fast'"),
        ([{"fast": 5}, 3], "got 3 in the list"),
        ([{"fast": 5}, {"slow": 5}], "name the same settings, got {'fast': 5} and {'slow': 5}"),
        ({"fast": 5}, r"grid\['fast'\] must be a sequence of values such as \[10, 20\], got 5"),
        ({"fast": "59"}, r"grid\['fast'\] must be a sequence .* got '59'"),
        ({"fast": {5, 9}}, r"grid\['fast'\] must be a sequence .* got {"),
        ({"fast": []}, r"grid\['fast'\] must hold at least one value, got none"),
        ({"fast": np.ones((2, 2))}, r"grid\['fast'\] must have one dimension"),
        ({3: [1]}, "names of settings as its keys, got 3"),
        ({"fsat": [5]}, "settings of trend_following, which takes fast, slow, long_only; got 'f"),
        ({"fast": [5, 60]}, "got ValueError with fast=60: fast must be below slow"),
        ({"fast": [5, 2.5]}, "got ValueError with fast=2.5: fast must be a whole number"),
        ({"fast": [5, True]}, "got TypeError with fast=True"),
        ({"fast": [5], "long_only": [0]}, "TypeError with fast=5, long_only=0: long_only must be"),
        ({"slow": [10**12]}, "with slow=1000000000000: fast \\* slow must be at most"),
    ],
)
def test_grids_are_refused(grid, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(drawn_bars(1, 60), strategies.trend_following, grid)


@pytest.mark.parametrize(
    ("rule", "grid", "message"),
    [
        (strategies.threshold, {"buy_above": [1.0, 3.0], "sell_below": [2.0]}, "buy_above=1.0, se"),
        (strategies.threshold, {"buy_above": [1.0]}, "every setting that threshold needs, got no"),
        (strategies.threshold, {"buy_above": [np.nan], "sell_below": [2.0]}, "buy_above=nan"),
        (strategies.mean_reversion, {"entry": [2.0], "exit": [2.0]}, "entry=2.0, exit=2.0: exit"),
        (strategies.mean_reversion, {"window": [1]}, "window=1: window must be"),
        (lambda close, window: close * np.nan, {"window": [1]}, "returns with window=1 must be a"),
        (lambda close, window: close, {"window": [1]}, r"with window=1 must lie in \[-1, 1\]"),
        (lambda close, window: close[1:] * 0, {"window": [1]}, "with window=1 must have the index"),
        (lambda close, window: 1.0, {"window": [7]}, "with window=7 must be a Series"),
        (lambda close, window: 1 / 0, {"window": [1]}, "got ZeroDivisionError with window=1"),
        ("rule", {"window": [1]}, "strategy must be a function, got 'rule'"),
    ],
)
def test_strategies_are_refused(rule, grid, message):
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(drawn_bars(1, 60), rule, grid)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"commission_usd": -1}, "commission_usd must be a finite number at least 0"),
        ({"slippage_ticks": -1}, "slippage_ticks must be a whole number at least 0"),
        ({"capital": 100, "margin": 500}, "capital must be at least the initial margin of one M2K"),
        ({"fill": "open"}, "fill must be one of 'next_open', 'next_close', 'close'"),
        ({"n_jobs": 0}, "n_jobs must be a whole number other than 0"),
        ({"n_jobs": 1.5}, "n_jobs must be a whole number, got 1.5"),
        ({"progress": "yes"}, "progress must be True or False"),
        ({"of": "open"}, "of must be one of 'close', 'bars', got 'open'"),
        ({"constraint": 3}, "constraint must be a function of the settings, got 3"),
        ({"constraint": lambda fast: None}, "constraint must return True or False, got None"),
        ({"constraint": lambda fast: False}, "leave at least one combination, got False for all 2"),
        ({"contract": "M2K"}, "contract must be a Contract such as M2K, got 'M2K'"),
        ({"contracts": 0}, "contracts must be a whole number at least 1"),
        ({"bars": drawn_bars(1, 60).iloc[:0]}, "bars must hold at least one bar"),
        ({"bars": drawn_bars(1, 60)[["open", "close"]]}, "missing: high, low"),
        ({"bars": drawn_bars(1, 60).iloc[::-1]}, "bars must have ascending times"),
        ({"bars": drawn_bars(1, 60).iloc[[0, 1, 1, 2]]}, "bars must have ascending times"),
        ({"bars": drawn_bars(1, 60) * np.nan}, "must be finite throughout"),
        ({"bars": None}, "bars must be a DataFrame"),
    ],
)
def test_arguments_are_refused(change, message):
    arguments = {"bars": drawn_bars(1, 60), "grid": {"fast": [2, 3]}} | change
    with pytest.raises((ValueError, TypeError), match=message):
        sweep(strategy=strategies.trend_following, **arguments)


def test_the_constraint_leaves_out_what_makes_no_sense():
    bars = drawn_bars(1, 60)
    grid = {"fast": [5, 20], "slow": [10, 30]}
    with pytest.raises(ValueError, match="fast=20, slow=10"):
        sweep(bars, strategies.trend_following, grid)
    table = sweep(bars, strategies.trend_following, grid, constraint=lambda fast, slow: fast < slow)
    assert table[["fast", "slow"]].to_numpy().tolist() == [[5, 10], [5, 30], [20, 30]]


# --- the figure ---------------------------------------------------------------------------------


def test_heat_map_marks_the_highest_and_tells_what_is_empty():
    table = pd.DataFrame(
        {"fast": [5, 5, 10], "slow": [20, 40, 40], "Return [$]": [100.0, -30.0, 250.5]}
    )
    table.attrs["label"] = "simulated prices"
    axes = heat_map(table, "fast", "slow", "Return [$]")
    (picture,) = axes.get_images()
    cells = picture.get_array()
    assert cells.tolist() == [[100.0, None], [-30.0, 250.5]]
    (star,) = axes.get_lines()
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (1, 1)
    assert [label.get_text() for label in axes.get_xticklabels()] == ["5", "10"]
    assert axes.get_ylabel() == "slow"
    assert "hatched" in axes.get_xlabel()
    assert "simulated prices" in axes.get_title(loc="left")
    text = plots._TEXTS[axes.figure]
    for told in (
        "simulated prices",
        "3 combinations",
        "from −30 to 250.5",
        "at fast 10 and slow 40",
        "1 cell is empty",
    ):
        assert told in text
    plt.close(axes.figure)


def test_heat_map_of_many_cells_on_given_axes():
    fast, slow = np.meshgrid(np.arange(1, 31), np.arange(31, 61))
    table = pd.DataFrame({"fast": fast.ravel(), "slow": slow.ravel()})
    table["Sharpe Ratio"] = -(((table["fast"] - 7) / 10) ** 2) - ((table["slow"] - 44) / 10) ** 2
    figure, given = plt.subplots()
    axes = heat_map(table, "fast", "slow", axes=given)
    assert axes is given
    assert len(axes.get_xticks()) <= 12
    (star,) = axes.get_lines()
    assert (star.get_xdata()[0], star.get_ydata()[0]) == (6, 13)
    figure.canvas.draw()
    plt.close(figure)


def test_heat_map_without_any_number():
    table = pd.DataFrame({"fast": [1, 2], "slow": [3, 3], "Sharpe Ratio": [np.nan, np.nan]})
    axes = heat_map(table, "fast", "slow")
    assert "2 cells are empty" in plots._TEXTS[axes.figure]
    axes.figure.canvas.draw()
    plt.close(axes.figure)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x": "fsat"}, "x must be one of 'fast', 'slow'"),
        ({"value": "Sharpe"}, "value must be one of"),
        ({"y": "fast"}, "x and y must be two settings, got 'fast' twice"),
        ({"table": [1]}, "table must be a DataFrame from sweep, got list"),
        ({"value": "name"}, "value must name a column of numbers, got 'name'"),
        ({"x": "name"}, "one row for each name and slow, got several for name=a and slow=9"),
    ],
)
def test_heat_map_refuses(change, message):
    table = pd.DataFrame({"fast": [1, 2], "slow": [9, 9], "Sharpe Ratio": [1.0, 2.0], "name": "a"})
    with pytest.raises((ValueError, TypeError), match=message):
        heat_map(**({"table": table, "x": "fast", "y": "slow"} | change))
