"""What chapter 14 tells in words, without a number that a tag could hold."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from m2k_lessons import backtest, contracts, data, facts, paper, risk, strategies
from m2k_lessons.explorers.automated_risk import ACCOUNTS, AHEAD, compute, explore
from m2k_lessons.risk import Limits, RiskEngine

M2K = contracts.M2K
EVEN = [1, -1]


def test_the_opening_question():
    fraction = (0.6 - 0.4) / 1
    assert fraction * 40_000 == pytest.approx(8_000)
    assert fraction == pytest.approx(risk.kelly_fraction(30 / 50, odds=1))
    assert 8_000 / (0.01 * 40_000) == 20  # "a twentieth of it"
    error = np.sqrt(0.6 * 0.4 / 50)
    assert 0.6 - 1.96 * error < 0.5  # "the true edge may well be nothing"
    loss_usd = 100 + 2 * facts.fact("course.commission.M2K").value + M2K.tick_value
    assert 8_000 // loss_usd * facts.fact("margin.initial.M2K").value > 40_000


def test_what_the_figure_of_growth_says():
    fractions = np.linspace(0, 0.99, 100)
    best = {wins: fractions[risk.growth_rate(fractions, EVEN, [wins, 1 - wins]).argmax()]
            for wins in (0.6, 0.55, 0.5)}  # fmt: skip
    assert best == pytest.approx({0.6: 0.2, 0.55: 0.1, 0.5: 0.0})
    growth = risk.growth_rate(fractions, EVEN, [0.6, 0.4])
    assert fractions[growth < 0][0] == pytest.approx(0.39)  # "below zero from 39 % on"
    assert growth[40] < 0 < growth[38]
    assert (np.diff(risk.growth_rate(fractions, EVEN, [0.5, 0.5])) < 0).all()


def test_two_sided_form_is_the_same_bet():
    """20 times the market held, at 1 % lost, puts 20 % of the account at risk."""
    held = risk.kelly_win_loss(0.6, win=0.01, loss=0.01)
    assert held * 0.01 == pytest.approx(risk.kelly_fraction(0.6, odds=1))


def test_a_decade_cannot_tell_nothing_from_three():
    market = data.load("daily")
    change = market["M2K_continuous"]["close"].diff() / market["M2K"]["close"].shift()
    found, error = change.mean() / change.var(), change.sem() / change.var()
    assert abs(found - 0) < 2 * error
    assert abs(found - 3) < 2 * error


@pytest.mark.parametrize(("part", "simulated_pct"), [(1.0, 46.2), (0.5, 11.2), (0.25, 0.6)])
def test_halved_accounts_without_any_draws(part, simulated_pct):
    """Trade by trade with the chance of each number of wins; who is at a half or below is out."""
    wins, chance, halved = np.arange(2_001), np.zeros(2_001), 0.0
    chance[0] = 1.0
    won, lost = np.log(1 + 0.1 * part), np.log(1 - 0.1 * part)
    for trade in range(1, 2_001):
        chance = 0.45 * chance + 0.55 * np.append(0.0, chance[:-1])
        out = wins * won + (trade - wins) * lost <= np.log(0.5)
        halved += chance[out].sum()
        chance[out] = 0.0
    error = np.sqrt(halved * (1 - halved) / 2_000)
    assert simulated_pct / 100 == pytest.approx(halved, abs=3 * error)
    assert halved < risk.drawdown_probability(0.5, part)  # "so fewer of them need to fall"


def test_learners_without_any_draws():
    """Every number of wins with its binomial chance, so without any sampling error."""
    wins = np.arange(51)
    chance = stats.binom.pmf(wins, 50, 0.55)
    kelly = np.maximum(2 * wins / 50 - 1, 0)
    growth = {c: risk.growth_rate(np.minimum(c * kelly, 0.999), EVEN, [0.55, 0.45])
              for c in (1.0, 0.5, 0.25)}  # fmt: skip
    mean_pct = {c: 100 * float(chance @ one) for c, one in growth.items()}
    assert mean_pct[1.0] < 0 < mean_pct[0.25] < mean_pct[0.5]
    assert mean_pct == pytest.approx({1.0: -0.19, 0.5: 0.26, 0.25: 0.21}, abs=0.06)
    too_much = chance[growth[1.0] < 0].sum()
    assert wins[growth[1.0] < 0][0] == 30  # 20 % and more
    assert too_much == pytest.approx(0.29, abs=0.02)
    assert chance[kelly == 0].sum() == pytest.approx(0.29, abs=0.02)
    # An error upward costs more than the same error downward.
    up, down = (risk.growth_rate(0.1 + by, EVEN, [0.55, 0.45]) for by in (0.08, -0.08))
    assert up < down


def hourly():
    minutes = data.load("intraday")["M2K"]
    rules = {"open": "first", "high": "max", "low": "min", "close": "last"}
    bars = minutes.resample("1h").agg(rules).dropna()
    wanted = (6 * strategies.trend_following(bars["close"], fast=20, slow=50)).astype(int)
    return bars, wanted, bars["close"].pct_change().rolling(115).std() * np.sqrt(252 * 23)


def test_the_engine_of_the_chapter():
    bars, wanted, known = hourly()
    cost_usd = 2 * facts.fact("course.commission.M2K").value + M2K.tick_value
    limits = Limits(
        risk_fraction=0.01,
        stop_points=20,
        cost_usd=cost_usd,
        max_share=1.0,
        volatility_target=0.20,
        daily_loss_usd=400,
        max_drawdown=0.08,
    )
    engine = RiskEngine(limits)
    result = backtest.run(bars, **engine.in_front_of(wanted, known), capital=40_000)
    decisions = engine.decisions
    assert set(np.abs(wanted[wanted != 0])) == {6}  # "it always wants six contracts"
    # Zero at first, for want of a volatility; then three.
    asked = decisions[decisions["wanted"] != 0]
    assert asked["allowed"].iloc[0] == 0
    assert asked["why"].iloc[0] == "volatility is not known yet"
    assert abs(asked["allowed"][asked["allowed"] != 0].iloc[0]) == 3
    assert set(engine.log["reason"]) == {
        "risk_fraction", "volatility_target", "daily_loss_usd", "max_drawdown",
    }  # fmt: skip
    # "from then on nothing was traded any more"
    ended = (decisions["reason"] == "max_drawdown").idxmax()
    assert f"{ended:%d %B %H:%M}" == "24 April 10:00"
    entries = result.trades["EntryTime"]
    assert (entries <= ended).all()
    # The kill switch acted on ten trade dates; nine of them ended with more lost than the limit.
    equity = result.equity["Equity"]
    date = (equity.index + pd.Timedelta(hours=6)).normalize()
    day_usd = equity.groupby(date).last().diff()
    off = (decisions["reason"] == "daily_loss_usd").to_numpy()
    assert f"{decisions.index[off][0]:%d %B %H:%M}" == "19 February 09:00"
    switched = date[off].unique()
    assert len(switched) == 10
    beyond = day_usd.index[day_usd < -400]
    assert set(beyond) < set(switched)
    assert len(beyond) == 9
    # Every stop was filled as planned, since no hour opened beyond one.
    stopped = result.trades[result.trades["Tag"] == "stop"]
    assert len(stopped) == 16
    assert (-stopped["PnL"] / stopped["Contracts"]).round(2).eq(102.20).all()
    jump = (bars["open"] - bars["close"].shift()).abs().max()
    assert jump < 20 / 2
    # The switch was thrown late: the loss had passed the limit when it was first seen.
    first = decisions[decisions["reason"] == "daily_loss_usd"].iloc[0]
    start_usd = float(first["why"].split("since ")[1].split(" USD")[0].replace(",", ""))
    assert start_usd - first["equity_usd"] > 400
    # "A limit of 10 % would not have been reached."
    milder = RiskEngine(dataclasses.replace(limits, max_drawdown=0.10))
    backtest.run(bars, **milder.in_front_of(wanted, known), capital=40_000)
    assert "max_drawdown" not in set(milder.log["reason"])
    # Struck off: while the answer keeps its side, what a stop took is not bought again.
    struck = stopped[stopped["Size"] > 0].iloc[0]
    at = bars.index.get_loc(struck["ExitTime"])
    allowed = decisions["allowed"].to_numpy()
    again = at + int(np.argmax(allowed[at:] <= 0))
    assert (result.position.iloc[at : again + 1] <= 0).all()


def test_the_difference_to_the_strategy_alone_is_not_told_from_zero():
    bars, wanted, known = hourly()
    engine = RiskEngine(
        Limits(
            risk_fraction=0.01,
            stop_points=20,
            cost_usd=2.20,
            max_share=1.0,
            volatility_target=0.20,
            daily_loss_usd=400,
            max_drawdown=0.08,
        )
    )
    led = backtest.run(bars, **engine.in_front_of(wanted, known), capital=40_000)
    alone = backtest.run(bars, wanted / 6, contracts=6, capital=40_000, stop_points=20)
    change = (alone.equity["Equity"] - led.equity["Equity"]).diff()
    assert 0 < change.sum() < change.std() * change.count() ** 0.5


def test_the_other_side_of_a_large_disadvantage_pays_and_of_a_small_one_does_not():
    for wins, pays in ((0.3, True), (0.49, False)):
        other = (1 - wins) - wins - 0.027
        assert (other > 0) is pays
        assert risk.kelly_fraction(wins, odds=1) == 0
    assert risk.kelly_continuous(-0.05, 0.04) == 0  # "returns 0 there"


def test_the_worst_night_went_to_five_times_the_plan():
    m2k = data.load("daily")["M2K"]
    worst = -2400 * (m2k["open"] / m2k["close"].shift() - 1).min()
    assert worst * M2K.multiplier / 102.20 == pytest.approx(5, abs=0.3)


def test_what_the_real_record_says():
    """1.6 ± 0.8 accounts; volatility follows itself; its pay is not told from zero."""
    months = data.load("real_months")["small_pct"] / 100
    interest = data.load("us_macro")["FEDFUNDS"].reindex(months.index) / 1200
    excess = (months - interest).dropna()
    found, error = excess.mean() / excess.var(), excess.sem() / excess.var()
    assert abs(found - 1) < 2 * error
    assert abs(found - 3) < 2 * error
    years = data.load("real_years").loc[1988:2025]
    moved = years["small_volatility_pct"].shift()
    assert years["small_volatility_pct"].corr(moved) > 2 / len(years) ** 0.5
    assert abs(years["small_return_pct"].corr(moved)) < 1 / len(years) ** 0.5


def test_a_worthless_rule_loses_at_every_size():
    trades = [1 - 0.022] * 48 + [-1 - 0.022] * 52
    assert np.mean(trades) == pytest.approx(-0.062)
    for share in (0.02, 0.01, 0.005):
        assert risk.growth_rate(share, trades) < 0


def test_how_well_the_curves_of_the_worthless_rule_are_known():
    trades = [1 - 0.022] * 48 + [-1 - 0.022] * 52
    for share, printed, error in ((0.02, 72, 1.6), (0.01, 198, 3.0), (0.005, 515, 6.0)):
        half = []
        for seed in range(10):
            paths = risk.bootstrap_equity(trades, 2_000, 1_000, seed=seed, risk_fraction=share)
            ended = (risk.drawdown(paths) <= -0.20).cummax().mean(axis=1)
            half.append(int((ended >= 0.5).to_numpy().argmax()))
        assert printed == pytest.approx(np.mean(half), abs=3 * error)
        assert error / 2 < np.std(half, ddof=1) < 2 * error


def test_the_demo_account_is_allowed_three():
    account = paper.PaperAccount(data.load("intraday")["M2K"], capital=40_000, start=900)
    gate = RiskEngine(Limits(risk_fraction=0.01, stop_points=20, cost_usd=2.20))
    assert all(answer.ok for answer in gate.follow(account, wanted=6))
    account.step()
    assert account.position == 3 == 400 // 102.20


def test_what_the_explorer_answers():
    for part, enough in ((1.0, 280), (0.5, 130)):
        low = [compute(60, n, 1.0, part)["growth_pct"][0] for n in range(50, 2_000, 10)]
        grows = np.array(low) > 0
        assert grows[(enough - 50) // 10 :].all()
        assert not grows[: (enough - 50) // 10].any()
    by_part = [compute(60, 50, 1.0, part) for part in (1.0, 0.5, 0.25)]
    halves = [one["ends"][1] for one in by_part]
    fell = [one["halved_pct"] for one in by_part]
    assert halves == sorted(halves, reverse=True)
    # "falls faster": each step divides the chance of being halved by more than the middle account
    assert fell[0] / fell[1] > halves[0] / halves[1]
    assert fell[1] / fell[2] > halves[1] / halves[2]


def test_the_explorer_says_of_how_many_accounts():
    explorer = explore()
    assert "1,000 simulated accounts after 100 trades:" in explorer.alt
    assert "half end below 7.49 times their start; 5 in 100 end below 0.03, " in explorer.alt
    assert explorer.alt.endswith("5 in 100 above 1,458.")


def test_the_explorer_against_sums_of_its_own():
    result = compute(58, 120, 1.4, 0.6)
    fraction = 0.6 * risk.kelly_fraction(0.58, odds=1.4)
    assert result["fraction"] == pytest.approx(fraction)
    belief = stats.beta(0.58 * 120 + 1, 0.42 * 120 + 1)
    chances = [*belief.ppf([0.05, 0.95]), 0.58]
    expected = [100 * risk.growth_rate(fraction, [1.4, -1], [p, 1 - p]) for p in chances]
    assert result["growth_pct"].tolist() == pytest.approx(expected)
    rng = np.random.default_rng(14)
    edges = belief.ppf((rng.permutation(ACCOUNTS) + 0.5) / ACCOUNTS)
    tosses = rng.random((AHEAD, ACCOUNTS))
    ends, halved = [], 0
    for edge, luck in zip(edges, tosses.T, strict=True):
        account, lowest = 1.0, 1.0
        for toss in luck:
            account *= 1 + 1.4 * fraction if toss < edge else 1 - fraction
            lowest = min(lowest, account)
        ends.append(account)
        halved += lowest <= 0.5
    ends = pd.Series(ends).sort_values().to_numpy()
    assert result["ends"].tolist() == pytest.approx(ends[[50, 500, 949]].tolist())
    assert result["halved_pct"] == pytest.approx(100 * halved / ACCOUNTS)
    assert result["smaller_pct"] == pytest.approx(100 * np.mean(ends < 1 - 1e-9))


def test_no_edge_means_no_bet():
    nothing = compute(50, 100, 1.0, 1.0)
    assert nothing["fraction"] == 0
    assert (nothing["ends"] == 1).all()
    assert nothing["halved_pct"] == 0
