"""What chapter 05 tells in words, without a number that a tag could hold."""

import importlib
import math

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm

from m2k_lessons import contracts, data, facts
from m2k_lessons.exercises import strategies as exercises
from m2k_lessons.explorers import strategies as explorer
from m2k_lessons.simulate.regime import KINDS, regime

SIDE_USD = facts.fact("course.commission.M2K").value + contracts.M2K.tick_value / 2
SIDE_TICKS = SIDE_USD / contracts.M2K.tick_value
HABITS = (("trend following", 50), ("mean reversion", 20))


def by_hand(strategy, closes, lookback):
    """The rule day by day, in whole ticks."""
    ticks = [round(10 * close) for close in closes]
    held = []
    for day in range(len(ticks)):
        if strategy == "trend following":
            told = ticks[day] - ticks[day - lookback] if day >= lookback else 0
        elif day >= lookback - 1:
            told = sum(ticks[day - lookback + 1 : day + 1]) - lookback * ticks[day]
        else:
            told = 0
        held.append((told > 0) - (told < 0))
    return np.array(held)


@pytest.mark.parametrize(("strategy", "lookback"), [*HABITS, ("mean reversion", 5)])
@pytest.mark.parametrize("market", explorer.MARKETS)
def test_the_explorer_counts_as_a_person_would(strategy, lookback, market):
    close = data.load("regimes")[market.replace(" ", "_")]["close"]
    held = by_hand(strategy, close, lookback)
    result = explorer.compute(strategy, market, lookback, 2.2)
    np.testing.assert_array_equal(result["held"], held)
    cash = 0.0
    before = 0
    for day, price in enumerate(close):
        cash += before * (price - close.iloc[day - 1]) * 5 if day else 0.0
        cash -= abs(held[day] - before) * 2.2 * 0.5
        before = held[day]
    assert result["profit_usd"][-1] == pytest.approx(cash)


@pytest.mark.parametrize(("strategy", "lookback"), HABITS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_truth_is_what_many_histories_average(strategy, lookback, kind):
    """60 histories; four standard errors of their mean, so six cases fail once in 2,600 seeds."""
    shares = []
    for seed in range(60):
        close = regime(kind, years=10, seed=7000 + seed)["M2K"]["close"]
        held = pd.Series(explorer.target(strategy, close, lookback), close.index)
        shares.append((held.shift() * close.pct_change()).iloc[lookback + 1 :].mean())
    expected = explorer.expected_share(strategy, kind.replace("_", " "), lookback)
    error = np.std(shares, ddof=1) / math.sqrt(len(shares))
    assert abs(np.mean(shares) - expected) < 4 * error


def test_the_opening_question():
    result = explorer.compute("trend following", "trend", 50, SIDE_TICKS)
    assert round(result["profit_usd"][-1]) == 23_394
    assert round(result["profit_usd"][-1] / len(result["profit_usd"])) == 9


def test_which_rule_earns_where():
    truth = {
        (strategy, market): explorer.expected_share(strategy, market, lookback)
        for strategy, lookback in HABITS
        for market in explorer.MARKETS
    }
    assert truth["trend following", "trend"] > 0 > truth["trend following", "reversion"]
    assert truth["mean reversion", "reversion"] > 0 > truth["mean reversion", "trend"]
    assert truth["trend following", "random walk"] == truth["mean reversion", "random walk"] == 0


def test_all_six_truths_lie_within_two_errors():
    for strategy, lookback in HABITS:
        for market in explorer.MARKETS:
            result = explorer.compute(strategy, market, lookback, SIDE_TICKS)
            daily = np.diff(result["profit_usd"])
            off = (result["profit_usd"] - result["expected_usd"])[-1] / len(daily)
            assert abs(off) < 2 * daily.std(ddof=1) / math.sqrt(len(daily))


def test_what_the_explorer_answers():
    def profit(cost_ticks, days):
        return explorer.compute("mean reversion", "reversion", days, cost_ticks)["profit_usd"][-1]

    assert profit(19.6, 5) > 0 > profit(19.8, 5)
    assert profit(20.0, 20) > 0.7 * profit(0.0, 20)
    assert 1.8 < profit(0.0, 20) / profit(0.0, 5) < 2.0
    sides = [explorer.compute("mean reversion", "reversion", n, 0.0)["sides"] for n in (5, 20)]
    assert 0.45 < sides[1] / sides[0] < 0.55
    ends = {
        days: explorer.compute("trend following", "random walk", days, 2.2)["profit_usd"][-1]
        for days in range(5, 151)
    }
    assert max(ends, key=ends.get) == 57
    assert ends[50] < 0


def friends_profit():
    close = data.load("regimes")["trend"]["close"]
    held = np.sign(close - close.shift(50)).fillna(0)
    return held.shift() * close.diff() * 5 - held.diff().abs() * SIDE_USD


def test_the_newey_west_error_is_the_one_in_the_books():
    """3.83 dollars with 20 days, where independent days would have 3.19: against statsmodels."""
    usd = friends_profit().dropna().to_numpy()
    kernel = {"maxlags": 20, "use_correction": False}
    fit = sm.OLS(usd, np.ones(len(usd))).fit(cov_type="HAC", cov_kwds=kernel)
    assert fit.bse[0] == pytest.approx(3.83, abs=0.005)
    assert usd.mean() / fit.bse[0] == pytest.approx(2.4, abs=0.05)


def scalped(every):
    """Gain before costs and sides of each day, for a scalper who decides every few minutes."""
    bars = data.load("intraday")["M2K"].between_time("09:30", "15:59")
    rows = []
    for _, day in bars.groupby(bars.index.date):
        day = day.iloc[every - 1 :: every]
        position = -np.sign(day["close"].diff()).fillna(0)
        position.iloc[-1] = 0
        sides = position.diff().abs().fillna(0)
        cost_usd = (sides * (0.85 + day["spread_ticks"] / 4)).sum()
        rows.append([(position.shift() * day["close"].diff()).sum() * 5, sides.sum(), cost_usd])
    return pd.DataFrame(rows, columns=["gain", "sides", "cost"])


def test_the_last_in_the_queue_gets_what_moves_against_it_and_nobody_pays_the_fee():
    """Minute by minute in whole ticks, with the fill rule of the text."""
    bars = data.load("intraday")["M2K"].between_time("09:30", "15:59")
    got, missed, halves = [], [], []
    for _, day in bars.groupby(bars.index.date):
        high, low, close = (
            (day[name] * 10).round().astype(int).tolist() for name in ("high", "low", "close")
        )
        spread = day["spread_ticks"].tolist()
        for now in range(1, len(close) - 1):
            if close[now] == close[now - 1]:
                continue
            buys = close[now] < close[now - 1]
            moved = close[now + 1] - close[now] if buys else close[now] - close[now + 1]
            reach = close[now] - low[now + 1] if buys else high[now + 1] - close[now]
            (got if 2 * reach > spread[now] else missed).append(moved)
            halves.append(spread[now] / 2)
    got, missed = np.array(got), np.array(missed)
    every, half = np.concatenate([got, missed]), np.mean(halves)
    fee = facts.fact("course.commission.M2K").value / contracts.M2K.tick_value
    assert 0.91 < len(got) / len(every) < 0.93
    assert got.mean() + 3 * got.std() / np.sqrt(len(got)) < 0 < every.mean()  # adverse selection
    assert missed.mean() > 10 * every.mean()
    left = [every.mean() - half - fee, got.mean() + half - fee, every.mean() + half - fee]
    assert left == pytest.approx([-1.78, -1.44, -0.59], abs=0.02)  # each loses, in this order
    assert got.mean() + half > 0  # half a spread makes up for the move, but not for the fee


@pytest.mark.parametrize("every", [1, 2, 3, 5, 10, 15])
def test_only_at_fifteen_minutes_the_error_bar_reaches_the_costs(every):
    result = scalped(every)
    assert result["gain"].mean() < result["cost"].mean()  # "every point lies below the costs"
    reaches = result["gain"].mean() + 2 * result["gain"].sem() > result["cost"].mean()
    assert reaches == (every == 15)


@pytest.mark.parametrize(("index", "better"), [("sp500", "reversion"), ("nasdaq", "trend")])
def test_no_rule_stands_out_on_real_indices(index, better):
    close = data.load(index)["close"]
    ratios = {}
    for name, held in {
        "trend": np.sign(close - close.shift(50)),
        "reversion": -np.sign(close - close.rolling(20).mean()),
    }.items():
        gain = held.shift() * close.pct_change()
        ratios[name] = gain.mean() / gain.std() * np.sqrt(252)
        assert abs(ratios[name]) < 2 / np.sqrt(len(close) / 252)
    assert max(ratios, key=ratios.get) == better
    assert close.pct_change().autocorr() < -2 / np.sqrt(len(close))


def test_a_peek_pays_on_a_random_walk():
    close = data.load("regimes")["random_walk"]["close"]
    held = np.sign(close - close.shift(50)).fillna(0)
    honest, peeking = held.shift() * close.diff() * 5, held * close.diff() * 5
    assert abs(honest.mean()) < 2 * honest.sem()
    assert peeking.mean() > 5 * peeking.sem()


@pytest.mark.parametrize("kind", ["trend", "random_walk"])
def test_the_peek_lives_on_the_days_of_a_turn(kind):
    close = data.load("regimes")[kind]["close"]
    held = np.sign(close - close.shift(50)).fillna(0)
    honest, peeking = held.shift() * close.diff(), held * close.diff()
    turned = held.diff().abs() > 0
    pd.testing.assert_series_equal(honest[~turned], peeking[~turned])
    assert honest[turned].sum() < 0 < peeking[turned].sum()
    # "nearly always, the price has just fallen" (or risen): the peek wins on such a day.
    assert (peeking[turned] > 0).mean() > 0.85


def test_good_days_come_in_strings_on_the_trend_market():
    """Mean first autocorrelation of the profit, 60 histories, four standard errors."""
    first = []
    for seed in range(60):
        close = regime("trend", years=10, seed=7000 + seed)["M2K"]["close"]
        first.append((np.sign(close - close.shift(50)).shift() * close.pct_change()).autocorr(1))
    assert np.mean(first) > 4 * np.std(first, ddof=1) / math.sqrt(len(first))


def test_the_richest_trader_is_not_the_one_with_the_best_ratio():
    steps = np.random.default_rng(5).normal(0, 0.18 / np.sqrt(252), size=(2520, 200))
    walks = pd.DataFrame(2400 * np.exp(steps.cumsum(axis=0)))
    held = np.sign(walks - walks.shift(50)).fillna(0)
    usd = held.shift() * walks.diff() * 5 - held.diff().abs() * SIDE_USD
    assert usd.sum().idxmax() != (usd.mean() / usd.std()).idxmax()


def test_the_draw_was_chosen_and_the_traders_were_not():
    chosen = data.load("regimes").truth
    assert chosen.trend.seed not in range(200)


def test_the_simulated_wobble_of_a_minute():
    truth = data.load("intraday").truth
    assert truth.disturbance > 0
    assert truth.disturbance_kept < 0.5


def test_the_reversion_market_as_the_text_tells_it():
    truth = data.load("regimes").truth
    assert truth.reversion.half_life == 5
    stronger = importlib.import_module("m2k_lessons.simulate.regime").regime.__doc__
    assert "stronger than reality" in stronger


def test_the_solutions_of_the_exercises_by_hand():
    assert exercises.q1.reference(2400.0, 2408.5, 1.10) == pytest.approx(-42.5 - 2.2)
    closes = [2400.0, 2406.0, 2402.0, 2410.0, 2417.0]  # average 2407.0
    assert exercises.q3.reference(closes, 2412.5) == pytest.approx(22.5)
    assert exercises.q4.reference(6.30, 160, 9) == pytest.approx(0.625, abs=0.001)
    assert exercises.q6.reference(0.65, 2) == pytest.approx(4.6)
    assert exercises.q7.reference(0.4) == pytest.approx(25)
