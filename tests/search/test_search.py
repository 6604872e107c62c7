"""A search's log against the sweep's table, after crashes, on processes and on a cluster."""

import contextlib
import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, evidence, strategies
from m2k_lessons.sweep import sweep

SPACE = {"fast": range(2, 12), "slow": [10, 15, 20, 30, 40]}
MONEY = {"commission_usd": 0.85, "capital": 50_000}


def make_bars(rows=250, seed=3):
    steps = np.random.default_rng(seed).integers(-100, 101, rows)
    close = 2_400 + 0.1 * np.cumsum(steps)
    close = pd.Series(close.round(1), pd.bdate_range("2031-01-06", periods=rows, name="time"))
    opened = close.shift(1, fill_value=close.iloc[0])
    both = pd.concat([opened, close], axis=1)
    return pd.DataFrame(
        {"open": opened, "high": both.max(axis=1), "low": both.min(axis=1), "close": close}
    )


BARS = make_bars()


def trend(close, fast, slow):
    return strategies.trend_following(close, fast, slow)


def sensible(fast, slow):
    return fast < slow


def hold_until(close, exit_bar):
    return pd.Series((np.arange(len(close)) < exit_bar).astype(float), close.index)


def find(method="random", trials=12, **given):
    given = {"bars": BARS, "constraint": sensible, **MONEY, **given}
    return evidence.search(trend, SPACE, method, trials=trials, **given)


def assert_log_is_sound(log, trials):
    """No trial lost or counted twice, and each with the figures of its settings."""
    assert log.index.tolist() == list(range(trials))
    assert log.index.name == "trial"
    assert log.attrs["settings"] == ["fast", "slow"]
    assert (log["fast"] < log["slow"]).all()
    settings = log[["fast", "slow"]].to_dict("records")
    expected = sweep(BARS, trend, settings, **MONEY)
    pd.testing.assert_frame_equal(
        log.reset_index(drop=True), expected, check_exact=True, check_column_type=False
    )


# ---------------------------------------------------------------------------------- one process


def test_grid_is_the_sweep_in_its_order():
    found = find("grid", None)
    expected = sweep(BARS, trend, SPACE, constraint=sensible, **MONEY)
    pd.testing.assert_frame_equal(found.log.reset_index(drop=True), expected, check_exact=True)
    assert found.trials == len(expected)
    assert evidence.search(trend, SPACE, "grid", bars=BARS, constraint=sensible, **MONEY).trials


@pytest.mark.parametrize("method", ["random", "tpe"])
def test_same_seed_same_trials(method):
    found = find(method, 20, seed=4)
    assert_log_is_sound(found.log, 20)
    pd.testing.assert_frame_equal(find(method, 20, seed=4).log, found.log, check_exact=True)
    assert not find(method, 20, seed=5).log.equals(found.log)
    # A longer search begins like a shorter one.
    pd.testing.assert_frame_equal(find(method, 8, seed=4).log, found.log[:8], check_exact=True)


def test_tpe_goes_where_it_went_well():
    rows = 300
    ramp = 2_400 + np.concatenate([np.arange(200) * 0.5, 100 - np.arange(100) * 2.0])
    bars = make_bars(rows)
    for name in bars:
        bars[name] = ramp
    given = {"bars": bars, "trials": 60, "objective": "Return [$]", **MONEY}
    space = {"exit_bar": range(1, 300)}
    scattered, guided = (
        evidence.search(hold_until, space, method, **given) for method in ("random", "tpe")
    )
    late = slice(30, None)
    assert guided.log["Return [$]"][late].mean() > scattered.log["Return [$]"][late].mean() + 100
    assert abs(guided.best_settings["exit_bar"] - 200) <= 5
    assert guided.best["Return [$]"] == guided.log["Return [$]"].max()


def test_settings_that_are_words_and_bars_for_a_strategy_that_wants_them():
    def rule(bars, side, window):
        sign = {"long": 1.0, "short": -1.0}[side]
        return sign * (bars["high"] > bars["close"].rolling(window).mean()).astype(float)

    space = {"side": ["long", "short"], "window": np.array([5, 10])}
    for method in ("grid", "random", "tpe"):
        trials = 6 if method == "tpe" else 4
        found = evidence.search(rule, space, method, bars=BARS, trials=trials, **MONEY)
        assert set(found.log["side"]) <= {"long", "short"}
        assert type(found.best_settings["window"]) is int
        result = found.best_result()
        assert result.stats["Sharpe Ratio"] == pytest.approx(found.best["Sharpe Ratio"])


def test_every_trial_counts_in_the_deflated_ratio():
    found = find("tpe", 20)
    best = evidence.strategy_returns(found.best_result())
    expected = evidence.deflated_sharpe(best, trials=found.log["Sharpe Ratio"])
    test = found.deflated_sharpe()
    assert test.trials == found.trials == 20
    assert test.probability == expected.probability
    assert test.record.sharpe == pytest.approx(found.best["Sharpe Ratio"])
    assert str(found).startswith("Search (tpe): 20 trials; best Sharpe Ratio")
    assert repr(found) == str(found)


def test_a_trial_that_never_trades_stays_in_the_log_and_counts_as_zero():
    space = {"exit_bar": [0, 0, 100, 150, 200]}
    for method in ("grid", "tpe"):
        found = evidence.search(hold_until, space, method, bars=BARS, trials=5, seed=1, **MONEY)
        idle = found.log["exit_bar"] == 0
        assert idle.any()
        assert (found.log["Sharpe Ratio"].isna() == idle).all()
        ratios = found.log["Sharpe Ratio"].fillna(0.0)
        assert found.deflated_sharpe().trials == 5
        assert found.deflated_sharpe().trial_variance == pytest.approx(ratios.var())
    idle = evidence.search(hold_until, {"exit_bar": [0]}, "grid", bars=BARS, **MONEY)
    assert str(idle) == "Search (grid): 1 trial, none with a Sharpe Ratio"
    with pytest.raises(ValueError, match="no trial has a Sharpe Ratio"):
        idle.deflated_sharpe()


def test_returns_of_all_trials_feed_the_reality_check():
    found = find("random", 8)
    returns = found.returns()
    assert returns.columns.tolist() == found.log.index.tolist()
    assert evidence.reality_check(returns, trials=found.trials, resamples=99).n == len(returns)
    again = evidence.trial_returns(trend, found.log, bars=BARS, **MONEY)
    pd.testing.assert_frame_equal(again, returns)
    swept = sweep(BARS, trend, {"fast": [2, 3], "slow": [20]}, **MONEY)
    returns = evidence.trial_returns(trend, swept, bars=BARS, **MONEY)
    for row in (0, 1):
        ratio = evidence.track_record(returns[row]).sharpe
        assert ratio == pytest.approx(swept["Sharpe Ratio"][row])


def test_nothing_is_printed_and_optuna_is_left_as_it_was(capfd, tmp_path):
    import optuna

    before = optuna.logging.get_verbosity()
    find("tpe", 3, storage=tmp_path / "study.db")
    assert capfd.readouterr() == ("", "")
    assert optuna.logging.get_verbosity() == before


# ----------------------------------------------------------------------- processes and clusters


@pytest.mark.parametrize("method", ["grid", "random"])
def test_processes_make_the_same_log(method):
    trials = None if method == "grid" else 20
    expected = find(method, trials).log
    pd.testing.assert_frame_equal(find(method, trials, n_jobs=2).log, expected, check_exact=True)


def test_processes_make_a_sound_log_of_tpe(tmp_path):
    path = tmp_path / "study.db"
    found = find("tpe", 15, n_jobs=2, storage=path)
    assert_log_is_sound(found.log, 15)
    again = find("tpe", 15, n_jobs=2)
    pd.testing.assert_frame_equal(again.log, found.log, check_exact=True)
    assert_file_is_sound(path, 15)


def assert_file_is_sound(path, trials):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT number, metrics FROM trials").fetchall()
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    assert sum(metrics is not None for _, metrics in rows) == trials


def test_a_dask_cluster_makes_a_sound_log(tmp_path):
    from distributed import Client, LocalCluster

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
        pd.testing.assert_frame_equal(
            find("random", 20, n_jobs=-1).log, find("random", 20).log, check_exact=True
        )
        found = find("tpe", 11, n_jobs=-1, storage=tmp_path / "study.db")
    assert_log_is_sound(found.log, 11)
    assert_file_is_sound(tmp_path / "study.db", 11)


# --------------------------------------------------------------------------- crash and resumption

CRASHING = """
import os, sys
import joblib
sys.path.insert(0, {folder!r})
import test_search as here
from m2k_lessons import evidence

calls = 0

def trend(close, fast, slow):
    global calls
    calls += 1
    if calls > 9:
        os._exit(7)
    return here.trend(close, fast, slow)

with joblib.parallel_config(backend="threading"):
    evidence.search(
        trend, here.SPACE, {method!r}, bars=here.BARS, trials=16, constraint=here.sensible,
        storage={path!r}, n_jobs={n_jobs}, **here.MONEY
    )
"""


@pytest.mark.parametrize(("method", "n_jobs"), [("random", 1), ("tpe", 2)])
def test_a_search_that_was_killed_is_taken_up_where_it_was(tmp_path, method, n_jobs):
    path = tmp_path / "study.db"
    folder = str(Path(__file__).parent)
    code = CRASHING.format(folder=folder, method=method, path=str(path), n_jobs=n_jobs)
    crashed = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True
    )
    assert crashed.returncode == 7, crashed.stderr
    assert_file_is_sound(path, 9 if n_jobs == 1 else 8)  # half a batch is none
    with joblib.parallel_config(backend="threading"):
        resumed = find(method, 16, storage=path, n_jobs=n_jobs)
        expected = find(method, 16, n_jobs=n_jobs)
    pd.testing.assert_frame_equal(resumed.log, expected.log, check_exact=True)
    assert_file_is_sound(path, 16)


def test_a_finished_search_is_read_and_a_longer_one_goes_on(tmp_path):
    path = tmp_path / "study.db"
    first = find("tpe", 12, storage=path)

    def unused(close, fast, slow):
        raise AssertionError("the trials are in the file")

    unused.__qualname__ = "trend"
    again = evidence.search(
        unused, SPACE, "tpe", bars=BARS, trials=12, constraint=sensible, storage=path, **MONEY
    )
    pd.testing.assert_frame_equal(again.log, first.log, check_exact=True)
    longer = find("tpe", 15, storage=str(path))
    pd.testing.assert_frame_equal(longer.log, find("tpe", 15).log, check_exact=True)
    shorter = find("tpe", 5, storage=path)
    pd.testing.assert_frame_equal(shorter.log, first.log[:5], check_exact=True)


def test_a_longer_search_with_tpe_is_the_one_that_ran_through(tmp_path):
    """Also where the shorter one ended within a batch of four, drawn before its results."""
    path = tmp_path / "study.db"
    with joblib.parallel_config(backend="threading"):
        whole = find("tpe", 40, n_jobs=4).log
        for trials in (22, 23, 27, 40):
            longer = find("tpe", trials, n_jobs=4, storage=path).log
            pd.testing.assert_frame_equal(longer, whole[:trials], check_exact=True)
        with pytest.raises(ValueError, match="a search with another n_jobs"):
            find("tpe", 41, n_jobs=3, storage=path)
    assert_file_is_sound(path, 40)


def test_a_random_search_counts_each_combination_once(tmp_path):
    found = find("random", 48)
    assert not found.log[["fast", "slow"]].duplicated().any()
    find("random", 20, storage=tmp_path / "study.db")
    again = find("random", 48, storage=tmp_path / "study.db")
    pd.testing.assert_frame_equal(again.log, found.log, check_exact=True)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"seed": 1}, "another seed"),
        ({"bars": make_bars(seed=9)}, "other bars"),
        ({"objective": "Return [$]"}, "another objective"),
        ({"capital": 60_000}, "other account"),
        ({"constraint": None}, "another constraint"),
        ({"method": "tpe"}, "another method"),
    ],
)
def test_a_file_holds_one_search(tmp_path, other, words):
    find(trials=2, storage=tmp_path / "study.db")
    with pytest.raises(ValueError, match=f"storage must hold this search or none, .* {words}"):
        find(trials=2, storage=tmp_path / "study.db", **other)


def test_two_searches_at_a_time_are_refused(tmp_path):
    path = tmp_path / "study.db"
    refused = []

    def trend(close, fast, slow):
        with pytest.raises(ValueError, match="storage must be used by one search at a time"):
            find(trials=2, storage=path)
        refused.append(True)
        return strategies.trend_following(close, fast, slow)

    evidence.search(trend, SPACE, bars=BARS, trials=2, storage=path, **MONEY)
    assert refused == [True, True]


# ------------------------------------------------------------------------------------- refusals


def test_what_a_strategy_raises_is_not_swallowed(tmp_path):
    def broken(close, fast):
        raise ZeroDivisionError("by nothing")

    for n_jobs in (1, 2):
        with pytest.raises(ValueError, match="got ZeroDivisionError with fast=5: by nothing"):
            evidence.search(
                broken, {"fast": [5]}, bars=BARS, trials=1, storage=tmp_path / "a", n_jobs=n_jobs
            )


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"trials": None}, TypeError, "trials must be a whole number with this method, got None"),
        ({"trials": 0}, ValueError, "trials must be a whole number at least 1"),
        ({"trials": 3, "method": "grid"}, ValueError, "number of combinations with a grid, 48, g"),
        ({"method": "best"}, ValueError, "method must be one of 'grid', 'random', 'tpe'"),
        ({"objective": "Sharpe"}, ValueError, "objective must be one of .*'Sharpe Ratio'"),
        ({"constraint": 3}, TypeError, "constraint must be a function"),
        ({"constraint": lambda fast, slow: 1}, TypeError, "constraint must return True or False"),
        ({"constraint": lambda fast, slow: False}, ValueError, "leave at least one combination"),
        (
            {"constraint": lambda fast, slow: False, "method": "grid", "trials": None},
            ValueError,
            "constraint must leave at least one combination of 50, got none",
        ),
        ({"seed": -1}, ValueError, "seed must be a whole number at least 0"),
        ({"n_jobs": 0}, ValueError, "n_jobs must be a whole number other than 0"),
        ({"storage": 3}, TypeError, "storage must be the path of a SQLite file, got 3"),
        ({"trials": 49}, ValueError, "number of combinations, 48, .* got 49; method='g"),
        ({"storage": "."}, ValueError, "storage must be the path of a file, got '.', a folder"),
        ({"storage": "nowhere/study.db"}, ValueError, "storage must be in a folder that exists"),
        ({"fill": "never"}, ValueError, "fill"),
    ],
)
def test_wrong_arguments(given, error, told):
    with pytest.raises(error, match=told):
        find(**given)


@pytest.mark.parametrize(
    ("space", "error", "told"),
    [
        ({}, TypeError, "space must be a mapping of settings"),
        ([1], TypeError, "space must be a mapping of settings"),
        ({"fast": []}, ValueError, r"space\['fast'\] must hold at least one value"),
        ({"fast": 5}, TypeError, r"space\['fast'\] must be a sequence of values"),
        ({5: [5]}, TypeError, "space must have names of settings as its keys, got 5"),
        ({"quick": [5]}, ValueError, "which takes fast, slow; got 'quick'"),
        ({"fast": [5]}, ValueError, "every setting that trend needs, got none for 'slow'"),
        (
            {"fast": range(2_000), "slow": range(2_000)},
            ValueError,
            "space must have at most 1,000,000 combinations for a grid, got 4,000,000",
        ),
    ],
)
def test_wrong_spaces(space, error, told):
    with pytest.raises(error, match=told):
        evidence.search(trend, space, "grid", bars=BARS)


def hold_from(close, begin=None):
    held = np.arange(len(close)) >= (0 if begin is None else begin)
    return pd.Series(held.astype(float), close.index)


def test_a_setting_that_is_none_comes_back_as_none():
    space = {"begin": [None, 20, 30]}
    found = evidence.search(hold_from, space, "grid", bars=BARS, **MONEY)
    assert found.log["begin"].tolist() == [None, 20, 30]
    assert found._settings_of(0) == {"begin": None}
    by_hand = [hold_from(BARS["close"], one) for one in (None, 20, 30)]
    expected = [evidence.strategy_returns(backtest.run(BARS, one, **MONEY)) for one in by_hand]
    for returns in (
        found.returns(),
        evidence.trial_returns(
            hold_from, sweep(BARS, hold_from, space, **MONEY), bars=BARS, **MONEY
        ),
    ):
        assert returns.to_numpy().T.tolist() == [one.tolist() for one in expected]


def test_two_sweeps_put_together_lose_no_trial():
    one, other = (
        sweep(BARS, trend, {"fast": fast, "slow": [20, 30]}, **MONEY) for fast in ([2, 3], [4, 5])
    )
    with pytest.raises(ValueError, match="table must have each trial's number once, got 0 twice"):
        evidence.trial_returns(trend, pd.concat([one, other]), bars=BARS, **MONEY)
    both = pd.concat([one, other], ignore_index=True)
    assert evidence.trial_returns(trend, both, bars=BARS, **MONEY).shape[1] == 8


def test_a_strategy_that_writes_into_its_bars_spoils_no_other_trial():
    def vandal(bars, add):
        bars["close"] += add
        bars.loc[bars.index[3], "open"] = add
        return np.sign(bars["close"] - 2_400)

    before = BARS.copy()
    settings = [{"add": 0.0}, {"add": 5.0}, {"add": 0.0}]
    returns = evidence.trial_returns(vandal, settings, bars=BARS, **MONEY)
    pd.testing.assert_frame_equal(BARS, before)
    assert returns[0].equals(returns[2])
    assert not returns[0].equals(returns[1])


def test_wrong_tables_of_trials():
    with pytest.raises(ValueError, match="doesn't say which columns are settings"):
        evidence.trial_returns(trend, pd.DataFrame({"fast": [1]}), bars=BARS)
    with pytest.raises(TypeError, match="table must be what sweep.sweep returned"):
        evidence.trial_returns(trend, {"fast": 1}, bars=BARS)
    with pytest.raises(ValueError, match="table must have at least one trial"):
        evidence.trial_returns(trend, [], bars=BARS)
    with pytest.raises(TypeError, match="strategy must be a function"):
        evidence.search(3, SPACE, bars=BARS, trials=2)


def test_a_file_that_is_no_search(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("not a database, but rather long for one" * 40, encoding="utf-8")
    with pytest.raises(ValueError, match="storage must be a SQLite file of a search or a new"):
        find(storage=path)
