"""Every rule gets its Examination: what can't be asked has failed, with its reason."""

import io
import math

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, data, evidence, gates, simulate, sweep
from m2k_lessons.contracts import MES
from m2k_lessons.risk import Limits
from tests.gates.test_gates import examine, follow, frame, wave

BARS = wave()
OPENED = BARS.index[420]


def gate(found, name):
    return bool(found.table.loc[name, "passed"]), found.table.loc[name, "found"]


OUTCOMES = {
    "never trades": lambda bars: bars["close"] * 0.0,
    "silent before": lambda bars: follow(bars).where(bars.index >= OPENED, 0.0),
    "silent after": lambda bars: follow(bars).where(bars.index < OPENED, 0.0),
    "always long": lambda bars: bars["close"] * 0.0 + 1.0,
    "always short": lambda bars: bars["close"] * 0.0 - 1.0,
    "long before, short after": lambda bars: pd.Series(
        np.where(bars.index < OPENED, 1.0, -1.0), bars.index
    ),
    "too small to hold one": lambda bars: follow(bars) * 0.4,
    "one day": lambda bars: pd.Series((np.arange(len(bars)) == 30) * 1.0, bars.index),
}


@pytest.mark.parametrize("name", OUTCOMES)
@pytest.mark.parametrize("variance", [0.2, 0.0, math.nan])
@pytest.mark.parametrize("trials", [1, 6])
def test_every_outcome_is_an_examination(name, variance, trials):
    found = examine(OUTCOMES[name], BARS, opened=OPENED, trial_variance=variance, trials=trials)
    assert list(found.table.index) == list(gates.GATES)
    assert not found.passes
    assert found.table["found"].str.len().gt(0).all()


def test_what_never_traded_is_said_so():
    found = examine(OUTCOMES["never trades"], BARS, opened=OPENED)
    for name in ("costs", "gaps", "trials", "luck"):
        assert gate(found, name) == (False, "never traded in the development years")
    for name in ("out of sample", "benchmark"):
        assert gate(found, name) == (False, "never traded in 280 bars")
    assert math.isnan(found.sharpe)
    assert math.isnan(found.sharpe_error)
    after = examine(OUTCOMES["silent after"], BARS, opened=OPENED)
    assert gate(after, "out of sample") == (False, "never traded in 280 bars")
    assert gate(after, "costs")[0]
    assert gate(after, "luck")[0]


def test_holding_is_no_better_than_holding():
    found = examine(OUTCOMES["always long"], BARS, opened=OPENED)
    assert gate(found, "luck") == (False, "can't be asked: the position was 1 on every day")
    assert gate(found, "benchmark")[0] is False
    assert found.beyond_benchmark == pytest.approx(0, abs=1e-9)


def test_one_setting_beside_other_trials_has_no_variance():
    found = examine(trial_variance=float("nan"), trials=6)
    passed, why = gate(found, "trials")
    assert not passed
    assert "no variance; try two settings or more" in why
    assert examine(trial_variance=float("nan"), trials=1).table.loc["trials", "passed"]


def test_an_account_that_is_lost_is_examined_to_its_end():
    closes = np.linspace(2400, 900, 700).round(1) + np.tile([0.0, 8.0], 350)
    bars = frame(np.concatenate([[2400.0], closes[:-1]]), closes)
    found = examine(
        lambda bars: pd.Series(1.0, bars.index).where(np.arange(len(bars)) % 9 > 0, 0.0),
        bars,
        contracts=4,
        capital=12_000,
        limits=Limits(),
    )
    assert not found.passes
    assert found.development.equity["Equity"].iloc[-1] < 12_000
    assert math.isfinite(found.development_sharpe)


def test_nothing_is_refused_after_the_envelope_is_open():
    """What is wrong with the last part's bars is said before the first part is traded."""
    bars = wave().assign(contract="a")
    bars.loc[bars.index[600:], "contract"] = "b"
    bars.attrs["label"] = "SIMULATED"
    asked = []

    def rule(bars):
        asked.append(len(bars))
        return follow(bars)

    none = pd.Series(dtype=float, index=bars.index[:0])
    with pytest.raises(ValueError, match="roll_gap_points must have one value for each change"):
        examine(rule, bars, roll_gap_points=none)
    assert not asked


@pytest.mark.parametrize("of", ["bars", "close"])
def test_the_first_parameter_may_have_any_name(of):
    def rule(df):
        return np.sign((df["close"] if of == "bars" else df).diff()).fillna(0.0)

    assert examine(rule, of=of).sharpe == examine(follow).sharpe
    log = sweep.sweep(BARS, lambda df, days=1: follow_by(df, of, days), {"days": [1, 2]}, of=of)
    tried = gates.trial_targets(lambda df, days: follow_by(df, of, days), log, BARS, of=of)
    pd.testing.assert_series_equal(tried[0], follow(BARS), check_names=False)


def follow_by(df, of, days):
    return np.sign((df["close"] if of == "bars" else df).diff(days)).fillna(0.0)


# ------------------------------------------------------------------------- an index's opens


def stale_index(days=2_500, seed=3):
    """The average of many members, half of whose prices are yesterday's; no edge in any."""
    rng = np.random.default_rng(seed)
    common, close = rng.normal(0, 0.01, days), []
    fresh = np.exp(np.cumsum(common)) * 1_500
    for n in range(days):
        close.append(0.5 * fresh[n] + 0.5 * fresh[max(n - 1, 0)])
    close = np.round(close, 1)
    bars = pd.DataFrame({"open": np.concatenate([close[:1], close[:-1]]), "close": close})
    bars["high"], bars["low"] = bars.max(axis=1) + 1, bars.min(axis=1) - 1
    return bars.set_index(pd.bdate_range("2030-01-07", periods=days, tz="America/New_York"))


def test_a_phantom_of_stale_prices_fails():
    bars = stale_index()
    terms = {"trials": 4, "trial_variance": 0.3, "limits": Limits(), "capital": 60_000}
    with pytest.raises(ValueError, match="fill must be 'next_close'"):
        examine(follow, bars, **terms)
    found = examine(follow, bars, fill="next_close", **terms)
    assert gate(found, "gaps") == (False, "unknown: the opens of these bars are no prices")
    assert math.isnan(found.largest_gap_loss_usd)
    assert abs(found.sharpe) < 2.5 * found.sharpe_error
    # Filled at the number called open it is the best rule anybody ever saw.
    bars.attrs["opens"] = None
    phantom = examine(follow, bars, **terms)
    assert phantom.sharpe > 5 * phantom.sharpe_error
    assert phantom.table["passed"].drop("benchmark").all()


@pytest.mark.parametrize("name", ["sp500", "nasdaq"])
def test_no_rule_passes_the_gap_gate_on_an_index(name):
    bars = gates.read_bars(data.load(name), MES)
    found = gates.examine(
        follow,
        bars,
        opened=bars.index[3_000],
        trials=1,
        trial_variance=0.0,
        contracts=1,
        capital=60_000,
        limits=Limits(),
        contract=MES,
        fill="next_close",
    )
    assert not gate(found, "gaps")[0]
    ticks = bars[["open", "close"]] / MES.tick_size
    assert np.allclose(ticks, ticks.round(), atol=1e-6)


def test_filled_at_the_next_close_the_numbers_are_those_of_the_engine():
    bars = wave()
    found = examine(bars=bars, fill="next_close")
    own = backtest.run(bars[:420], follow(bars)[:420], capital=40_000, fill="next_close")
    pd.testing.assert_frame_equal(own.equity, found.development.equity)
    held = follow(bars)[:420].shift(2).fillna(0.0).iloc[1:]
    luck = evidence.permutation_test(
        held, gates.market_returns(bars[:420]), trials=10, permutations=2_000
    )
    assert gate(found, "luck")[1] == f"p = {luck.p_value_adjusted:.2f} after 10 trials"


# ---------------------------------------------------------------------- all trials, holding


def test_all_trials_at_once_are_less_strict_than_taken_for_unlike():
    rng = np.random.default_rng(8)
    closes = np.round(2400 + np.cumsum(rng.normal(0, 20, 1_200)), 1)
    bars = frame(np.concatenate([[2400.0], closes[:-1]]), closes)
    early = bars[:720]

    def rule(bars, days, offset):
        return np.sign(bars["close"].diff(days) + offset).fillna(0.0)

    grid = {"days": list(range(10, 30)), "offset": [0.0, 1.0]}
    log = sweep.sweep(early, rule, grid, capital=60_000)
    best = log.loc[log["Sharpe Ratio"].idxmax()]
    tried = gates.trial_targets(rule, log, early)
    terms = {"trials": 40, "trial_variance": log["Sharpe Ratio"].var(), "capital": 60_000}
    pick = {"days": int(best["days"]), "offset": float(best["offset"])}
    alone, jointly, more = (
        float(
            examine(lambda bars: rule(bars, **pick), bars, **terms | extra)
            .table.loc["luck", "found"]
            .split()[2]
        )
        for extra in ({}, {"tried": tried}, {"tried": tried, "trials": 400})
    )
    assert jointly < alone
    assert jointly < more
    with pytest.raises(ValueError, match="trials must count every column of tried, 40, got 39"):
        examine(bars=bars, tried=tried, trials=39)


def test_the_joint_p_value_is_uniform_for_the_worthless():
    """The best of twenty that owe nothing to the days: p at most 0.1 in a tenth of cases."""
    rng, index = np.random.default_rng(2), pd.bdate_range("2030-01-07", periods=300)
    found = []
    for number in range(200):
        market = pd.Series(rng.standard_t(4, 300) * 0.01, index)
        base = rng.normal(size=(300, 1)) + 0.5 * rng.normal(size=(300, 20))  # they resemble
        tried = pd.DataFrame(np.sign(base), index)
        best = tried[(tried.mul(market - market.mean(), axis=0)).mean().idxmax()]
        found.append(gates.trials.luck_of_all(best, tried, market, trials=20, seed=number))
    share = np.mean(np.array(found) <= 0.1)
    assert abs(share - 0.1) < 3 * math.sqrt(0.09 / 200)


def test_the_error_of_a_difference_is_the_scatter_of_many():
    rng = np.random.default_rng(5)
    found = []
    for _ in range(1_500):
        market = rng.standard_t(5, 756) * 0.01 + 0.0004
        rule = 0.6 * market + rng.standard_t(5, 756) * 0.006
        found.append(gates.sharpe_difference(pd.Series(rule), pd.Series(market)))
    differences, errors = np.array(found).T
    assert errors.mean() == pytest.approx(differences.std(), rel=0.06)


def test_the_benchmark_is_what_holding_earned():
    bars = wave()
    found = examine(bars=bars)
    late = bars[420:]
    held = backtest.run(late, pd.Series(1.0, late.index), capital=40_000)
    pd.testing.assert_frame_equal(held.equity, found.benchmark.equity)
    expected = gates.sharpe_difference(
        evidence.strategy_returns(found.out_of_sample), evidence.strategy_returns(held)
    )
    assert (found.beyond_benchmark, found.beyond_error) == pytest.approx(expected)
    assert expected[0] == pytest.approx(found.sharpe - held.stats["Sharpe Ratio"])


# ------------------------------------------------------------------------------- own files


def test_every_argument_of_the_reader_is_taken():
    text = "Datum;Auf;Hoch;Tief;Zu\n03/08/2024;2081,54;2099,25;2070,5;2082,75\n"
    columns = {"Datum": "time", "Auf": "open", "Hoch": "high", "Tief": "low", "Zu": "close"}
    bars = gates.read_bars(
        io.StringIO(text), dayfirst=True, columns=columns, decimal=",", tz="UTC", label="start"
    )
    assert f"{bars.index[0]:%Y-%m-%d %Z}" == "2024-08-03 UTC"
    assert bars["open"].iloc[0] == 2081.5
    assert "report" in bars.attrs
    with pytest.raises(TypeError, match="reading must be left out for a frame, got dayfirst"):
        gates.read_bars(bars, dayfirst=True)
    with pytest.raises(ValueError, match="path must have the columns .* got no 'open'"):
        gates.read_bars(bars[["close"]])


def test_the_opens_of_a_file_are_remembered():
    bars = stale_index(300)
    text = bars.round(1).rename_axis("Date").tz_localize(None).to_csv()
    read = gates.read_bars(io.StringIO(text))
    assert read.attrs["opens"].tradable is False
    with pytest.raises(ValueError, match="fill must be 'next_close'"):
        backtest.run(read, follow(read), capital=60_000)


def test_a_past_of_its_own_makes_a_slow_rule_warm():
    days = gates.daily_bars(simulate.intraday(12, seed=5)["M2K"])
    history = simulate.daily(years=2, seed=7)["M2K"]
    both = gates.with_history(history, days)
    assert len(both) == len(history) + len(days)
    assert both.index.is_monotonic_increasing
    assert both.index.is_unique
    pd.testing.assert_frame_equal(
        both.iloc[-12:], days[["open", "high", "low", "close"]], check_freq=False
    )
    assert both["close"].iloc[-13] == pytest.approx(days["open"].iloc[0], abs=0.1)
    moves = history["close"].pct_change().iloc[1:].to_numpy()
    assert np.allclose(both["close"].pct_change().iloc[1:-12], moves, atol=2e-4)
    assert (both["high"] >= both["low"]).all()
