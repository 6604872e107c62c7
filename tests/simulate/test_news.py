import numpy as np
import pandas as pd
import pytest

from m2k_lessons import sessions, simulate
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate.news import NEWS_KINDS

SEEDS = range(40)


@pytest.fixture(scope="module")
def days():
    return {kind: [simulate.news_day(kind, seed) for seed in SEEDS] for kind in NEWS_KINDS}


def jump_pct(day, minutes):
    """Move of M2K caused by the news, in %, from the last close before to some minutes after."""
    place = day["M2K"].index.searchsorted(day["news"].index[0])
    return [
        100 * np.log(day[f"M2K{suffix}"]["close"].iloc[place + minutes]
                     / day[f"M2K{suffix}"]["close"].iloc[place - 1])
        for suffix in ("", "_without")
    ]  # fmt: skip


@pytest.mark.parametrize("kind", NEWS_KINDS)
def test_bars_are_bars(days, kind):
    for day in days[kind]:
        for contract in (M2K, MES):
            bars = day[contract.symbol]
            assert sessions.is_open(bars.index).all()
            assert bars.index.equals(day[f"{contract.symbol}_without"].index)
            prices = bars[["open", "high", "low", "close"]]
            assert (bars["high"] == prices.max(axis=1)).all()
            assert (bars["low"] == prices.min(axis=1)).all()
            ticks = prices / contract.tick_size
            assert np.allclose(ticks, ticks.round())
            assert (bars[["volume", "spread_ticks"]] >= 1).all(axis=None)


@pytest.mark.parametrize("kind", NEWS_KINDS)
def test_nothing_happens_before_the_news(days, kind):
    day = days[kind][0]
    before = day["M2K"].index < day["news"].index[0]
    assert before.any()
    for symbol in ("M2K", "MES"):
        pd.testing.assert_frame_equal(day[symbol][before], day[f"{symbol}_without"][before])


@pytest.mark.parametrize("kind", NEWS_KINDS)
def test_the_response_is_that_of_the_truth(days, kind):
    """Mean over seeds of (move with the news − response) is 0 within its standard error."""
    late = 300 if kind != "natural_disaster" else 215
    rest = [jump_pct(day, late)[0] - day.truth.response_pct for day in days[kind]]
    error = np.std(rest, ddof=1) / np.sqrt(len(rest))
    # A little of the response, and of the overshoot, is still under way.
    under_way = 0.1 * abs(days[kind][0].truth.mean_pct) + 0.1
    assert abs(np.mean(rest)) < 3 * error + under_way
    drawn = np.array([day.truth.response_pct for day in days[kind]])
    truth = days[kind][0].truth
    assert abs(drawn.mean() - truth.mean_pct) < 3 * truth.deviation_pct / np.sqrt(len(drawn))


def test_a_bankruptcy_in_the_break_opens_with_a_gap(days):
    for day in days["bankruptcy"]:
        bars, time = day["M2K"], day["news"].index[0]
        assert not sessions.is_open(time)
        place = bars.index.searchsorted(time)
        assert bars.index[place].strftime("%H:%M") == "18:00"
        gap = 100 * np.log(bars["open"].iloc[place] / bars["close"].iloc[place - 1])
        quiet = day["M2K_without"]
        ordinary = 100 * np.log(quiet["open"].iloc[place] / quiet["close"].iloc[place - 1])
        assert np.isclose(gap - ordinary, 0.6 * day.truth.response_pct, atol=0.01)


def test_a_disaster_comes_back(days):
    first, last = (
        np.mean([jump_pct(day, minutes)[0] for day in days["natural_disaster"]])
        for minutes in (20, 215)
    )
    assert first < 1.3 * last < 0


def test_kinds_share_the_ordinary_days():
    frames = [simulate.news_day(kind, 5)["M2K_without"] for kind in NEWS_KINDS]
    assert frames[0].equals(frames[1])
    assert frames[1].equals(frames[2])


def test_news_is_labelled_and_repeatable():
    one, two = simulate.news_day(seed=3), simulate.news_day(seed=3)
    assert one["M2K"].equals(two["M2K"])
    assert "SIMULATED" in one["M2K"].attrs["label"]
    assert one["M2K"].index[0].year == 2030
    assert len(simulate.macro(2, 1)["releases"].loc["2030-02-20":"2030-02-22"]) == 0


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        (("war", 1), ValueError, "kind must be one of 'small_business_law'"),
        ((None, 1), TypeError, "kind must be one of"),
        (("bankruptcy", -1), ValueError, "seed must be"),
        (("bankruptcy", 0.5), ValueError, "seed must be a whole number"),
    ],
)
def test_news_refuses(arguments, error, says):
    with pytest.raises(error, match=says):
        simulate.news_day(*arguments)


# ---------------------------------------------------------------- the drift


def test_the_drift_is_that_of_the_truth():
    eras = [simulate.pre_decision_drift(seed) for seed in range(200)]
    for name, truth in (("early", 0.49), ("later", 0.0)):
        means = np.array([era[name][0].mean() for era in eras])
        error = 1.2 / np.sqrt(len(eras[0][name]))
        assert abs(means.mean() - truth) < 3 * error / np.sqrt(len(eras))
        assert np.isclose(means.std(ddof=1), error, rtol=0.2)


def test_paths_start_at_zero_and_have_an_even_pace():
    era = simulate.pre_decision_drift(1, early=4000)["early"]
    assert era.columns.tolist() == list(range(-24, 1))
    assert (era[-24] == 0).all()
    assert np.isclose(era[-12].mean(), 0.245, atol=3 * 1.2 / np.sqrt(2 * 4000))
    assert np.isclose(era[0].std(), 1.2, rtol=0.1)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"early": 1}, "early must be a whole number at least 2"),
        ({"later": 2.5}, "later must be a whole number"),
        ({"early_drift_pct": float("nan")}, "early_drift_pct must be a finite number"),
        ({"seed": -1}, "seed must be"),
    ],
)
def test_drift_refuses(changes, says):
    with pytest.raises(ValueError, match=says):
        simulate.pre_decision_drift(**{"seed": 1, **changes})
