"""An index has no open: the engine refuses to fill there, and fills at the next close by word."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import backtest, data, simulate, sweep
from m2k_lessons.backtest import inputs
from m2k_lessons.backtest.bars import untradable
from m2k_lessons.contracts import M2K


def index_bars(days=400, seed=1):
    """Opens that are the close before, to the digit."""
    rng = np.random.default_rng(seed)
    close = np.asarray(M2K.round_to_tick(2000 + np.cumsum(rng.normal(0, 15, days))))
    bars = pd.DataFrame({"open": np.concatenate([[2000.0], close[:-1]]), "close": close})
    bars["high"], bars["low"] = bars.max(axis=1) + 2, bars.min(axis=1) - 2
    return bars.set_index(pd.bdate_range("2030-01-07", periods=days, tz="America/New_York"))


def sign(bars, days=1):
    return np.sign(bars["close"].diff(days)).fillna(0.0)


def calls(bars, **terms):
    target = sign(bars)
    yield lambda: backtest.run(bars, target, capital=40_000, **terms)
    yield lambda: backtest.run_portfolio({"M2K": bars}, {"M2K": target}, capital=40_000, **terms)
    yield lambda: sweep.sweep(bars, sign, {"days": [1, 2]}, capital=40_000, **terms)
    yield lambda: sweep.prepare(bars, capital=40_000, **terms)
    yield lambda: sweep.sweep_targets(bars, target.to_frame("one"), capital=40_000, **terms)


def test_every_way_into_the_engine_refuses_the_open_and_its_remedy_works():
    for call in calls(index_bars()):
        with pytest.raises(ValueError, match="fill must be 'next_close' or 'close' .* of M2K"):
            call()
    for fill in ("next_close", "close"):
        for call in calls(index_bars(), fill=fill):
            assert call() is not None
    assert backtest.run(index_bars(249), sign(index_bars(249)), capital=40_000).gaps_known


def test_the_word_of_the_frame_goes_before_the_measurement():
    bars = index_bars()
    for word in (None, data.Opens(True, "trades"), data.Opens(None, "too few")):
        bars.attrs["opens"] = word
        assert untradable(bars) == ""
    bars = simulate.daily(years=2, seed=7)["M2K"]
    bars.attrs = {"opens": data.Opens(False, "an index: so says the file")}
    with pytest.raises(ValueError, match="an index: so says the file"):
        backtest.run(bars, sign(bars), capital=40_000)


@pytest.mark.parametrize("name", ["sp500", "nasdaq"])
def test_the_indices_that_ship_are_caught(name):
    bars = data.load(name)
    assert "its open can't be traded" in untradable(bars)
    assert "its open can't be traded" in untradable(bars.loc["2010":"2012"])


def test_simulated_prices_are_not_measured(monkeypatch):
    def measured(*_):
        raise AssertionError("measured")

    monkeypatch.setattr("m2k_lessons.data.opens.measure_opens", measured)
    bars = simulate.daily(years=2, seed=7)["M2K"]
    assert backtest.run(bars, sign(bars), capital=40_000).gaps_known
    with pytest.raises(AssertionError, match="measured"):
        untradable(pd.DataFrame(bars.to_dict("series")))  # without its label


def test_a_simulated_market_without_its_label_is_not_taken_for_an_index():
    for seed in range(5):
        bars = pd.DataFrame(simulate.daily(years=4, seed=seed)["M2K"].to_dict("series"))
        assert not bars.attrs
        assert untradable(bars) == ""


def test_the_result_says_that_gaps_are_unknown():
    bars = index_bars()
    result = backtest.run(bars, sign(bars), capital=40_000, fill="next_close", stop_points=20)
    assert not result.gaps_known
    assert "gaps unknown" in repr(result)
    assert "gaps unknown" in result._repr_html_()
    simulated = simulate.daily(years=1, seed=7)["M2K"]
    assert "gaps unknown" not in repr(backtest.run(simulated, sign(simulated), capital=40_000))


# --------------------------------------------------------------------------- the next close


@pytest.mark.parametrize("stop", [None, 12, "series"])
def test_the_next_close_is_the_close_of_a_target_one_bar_late(stop):
    bars = simulate.daily(years=3, seed=4)["M2K"]
    target, terms = sign(bars, 3), {"contracts": 2, "capital": 60_000}
    own = later = stop
    if stop == "series":
        own = pd.Series(10.0 + np.arange(len(bars)) % 7, bars.index)
        later = own.shift().fillna(10.0)
    late = backtest.run(bars, target, fill="next_close", stop_points=own, **terms)
    by_hand = backtest.run(
        bars, target.shift().fillna(0.0), fill="close", stop_points=later, **terms
    )
    pd.testing.assert_frame_equal(late.equity, by_hand.equity)
    pd.testing.assert_frame_equal(late.trades, by_hand.trades)
    grid = sweep.sweep(bars, sign, {"days": [3]}, fill="next_close", stop_points=own, **terms)
    assert grid["Return [$]"].iloc[0] == late.stats["Return [$]"]


def test_a_size_that_is_asked_is_asked_at_the_deciding_close():
    bars = simulate.daily(years=1, seed=4)["M2K"]
    target, asked = sign(bars, 3), []

    def size(equity_usd, price, time):
        asked.append((time, price))
        return 2

    late = backtest.run(bars, target, contracts=size, capital=60_000, fill="next_close")
    fixed = backtest.run(bars, target, contracts=2, capital=60_000, fill="next_close")
    pd.testing.assert_frame_equal(late.equity, fixed.equity)
    changed = target[(target != target.shift(fill_value=0.0)) & (target != 0)]
    assert asked == [(time, bars.at[time, "close"]) for time in changed.index]


def test_an_unknown_stop_names_the_close_that_ordered():
    bars = simulate.daily(years=1, seed=4)["M2K"]
    target = pd.Series(0.0, bars.index)
    target.iloc[5:] = 1.0
    stops = pd.Series(20.0, bars.index)
    stops.iloc[5] = np.nan
    for fill in inputs.FILLS:
        with pytest.raises(ValueError, match=r"got NaN for the order of .* \(row 5\)"):
            backtest.run(bars, target, stop_points=stops, fill=fill, capital=60_000)
