"""What chapter 09 tells in words, without a number that a tag could hold."""

import re

import numpy as np
import pytest

from m2k_lessons import contracts, data, facts, indicators, risk
from m2k_lessons.explorers.risk_management import COST_CENTS, MARGIN_CENTS, PATHS, TRADES, compute
from tests.notebooks.lessons import LESSONS, markdown_cells, source

M2K = contracts.M2K
START = {
    "equity_usd": 25_000,
    "risk_pct": 1.0,
    "stop_points": 20.0,
    "win_pct": 40,
    "payoff": 1.8,
    "depth_pct": 20,
}


def test_the_friends_four_contracts():
    initial_usd = facts.fact("margin.initial.M2K").value
    assert 4 * initial_usd <= 6_000  # they can be opened
    left = [6_000 - number * 4 * 20 * M2K.multiplier for number in range(9)]
    assert left[5] >= 4 * initial_usd > left[6]  # six losses, and the broker refuses
    assert 6_000 - left[8] > 6_000 / 2


def test_losses_in_a_row_by_another_road():
    """A Markov chain of the streak's length so far, against the exact recursion."""
    step = np.zeros((9, 9))
    for length in range(8):
        step[length, 0] = step[length, length + 1] = 0.5
    step[8, 8] = 1.0
    exact = np.linalg.matrix_power(step, 250)[0, 8]
    assert risk.losing_streak_probability(8, 250, 0.5) == pytest.approx(exact)
    assert 1 / 3 < exact < 1 / 2  # "in more than one year of three"


def test_stopping_a_fair_game_leaves_it_fair():
    """Every path of a fair coin, so without any sampling error."""
    steps = np.array(np.meshgrid(*[[-1, 1]] * 12)).reshape(12, -1).T
    walk = steps.cumsum(axis=1)
    for stop in (1, 2, 4):
        hit = walk <= -stop
        last = np.where(hit.any(axis=1), hit.argmax(axis=1), 11)
        stopped = walk[np.arange(len(walk)), last]
        assert stopped.mean() == walk[:, -1].mean() == 0
        drift = 0.1  # per step: what is earned is the drift of the steps inside
        inside = (stopped + drift * (last + 1)).mean()
        assert inside == pytest.approx(drift * (last + 1).mean())
        assert inside < drift * 12


def test_the_range_of_a_day_and_twenty_points():
    market = data.load("daily")
    bars, front = market["M2K_continuous"], market["M2K"]["close"]
    atr = 2400 * indicators.atr(bars["high"], bars["low"], bars["close"], window=14) / front
    assert atr.min() < 20  # "more than a day's range"
    assert round(atr.max() / 20) == 6  # "a sixth of it"
    fall = 2400 * (bars["close"] - bars["low"].shift(-1)) / front
    calm = atr <= atr.quantile(0.2)
    assert round(100 * (fall[calm] >= 30).mean()) == 10  # quoted before the cell has run


def test_a_third_of_the_fall_of_the_sized_swing_is_rounding():
    """The ratios of the swings have standard errors of 0.06 each, by bootstrap; same days."""
    market = data.load("daily")
    bars, front = market["M2K_continuous"], market["M2K"]["close"]
    atr = 2400 * indicators.atr(bars["high"], bars["low"], bars["close"], window=14) / front
    next_day_usd = M2K.multiplier * 2400 * bars["close"].diff().shift(-1) / front
    exact = 600 / (atr * M2K.multiplier + COST_CENTS / 100)
    sizes = {"exact": exact, "whole": np.floor(exact)}
    calm, wild = (
        {name: (size * next_day_usd)[part].std() for name, size in sizes.items()}
        for part in (atr <= atr.quantile(0.2), atr >= atr.quantile(0.8))
    )
    exact_fall, whole_fall = (1 - wild[name] / calm[name] for name in ("exact", "whole"))
    assert 0.25 < (whole_fall - exact_fall) / whole_fall < 0.42  # "about a third"


def test_months_at_the_stop_are_six_times_the_picture():
    market = data.load("daily")
    step = 2400 * market.truth.volatility_small / np.sqrt(252 * 13)
    assert 1.8 < 60 / (step * np.sqrt(13)) < 2.1  # "a move of about two days"
    walk = np.random.default_rng(9).normal(0, step, (20_000, 273)).cumsum(axis=1)
    assert round((walk.min(axis=1) <= -60).sum() / 2_000) == 6


def test_what_the_explorer_answers():
    assert M2K.tick_value * 100 + 200 * facts.fact("course.commission.M2K").value == COST_CENTS
    by_risk = [compute(**START | {"risk_pct": pct}) for pct in (1.0, 2.0, 5.0)]
    middle = [one["fan_usd"][-1, 1] for one in by_risk]
    assert middle == sorted(middle)
    assert by_risk[-1]["depth"][1] > 99.5  # "all of them"
    accounts = range(2_000, 25_000, 500)
    trading = [usd for usd in accounts if compute(**START | {"equity_usd": usd})["contracts"]]
    assert trading[0] == 10_500
    frozen = compute(**START | {"equity_usd": 10_000})
    assert (frozen["fan_usd"] == 10_000).all()
    assert frozen["depth"][1] == 0
    assert compute(**START | {"equity_usd": 10_500})["fan_usd"][-1, 1] < 10_220


def test_the_explorers_accounts_keep_their_rule():
    """Trade by trade in whole cents, against the vectors of the explorer."""
    state = START | {"equity_usd": 12_000, "risk_pct": 2.5, "stop_points": 8.0}
    tosses = 100 * np.random.default_rng(9).random((TRADES, PATHS))
    loss, gain = 800 * 5 + COST_CENTS, round(1.8 * 800 * 5) - COST_CENTS
    ends, deepest = [], []
    for luck in tosses.T:
        cents = peak = 1_200_000
        deep = 0.0
        for toss in luck:
            number = min(cents * 250 // (10_000 * loss), cents // MARGIN_CENTS)
            cents += number * (gain if toss < 40 else -loss)
            peak = max(peak, cents)
            deep = max(deep, 1 - cents / peak)
        ends.append(cents / 100)
        deepest.append(deep)
    result = compute(**state)
    ends.sort()
    assert result["fan_usd"][-1].tolist() == [ends[50], ends[500], ends[949]]
    assert result["depth"][1] == pytest.approx(100 * np.mean(np.array(deepest) > 0.2))
    assert result["contracts"] == 12_000 * 250 // (100 * loss)


def test_size_agrees_with_the_package():
    for equity_usd, risk_pct, stop_points in ((25_000, 1.0, 20.0), (60_000, 2.25, 33.5)):
        state = {"equity_usd": equity_usd, "risk_pct": risk_pct, "stop_points": stop_points}
        exact = risk.position_size(
            equity_usd, risk_pct / 100, stop_points, cost_usd=COST_CENTS / 100
        )
        assert compute(**START | state)["contracts"] == exact


def test_the_journal_of_the_paper_on_stops():
    where = facts.fact("study.kaminski_lo.journal").value
    journal, year = re.fullmatch(r"(.+?) \d+ \((\d{4})\), \d+-\d+", where).groups()
    for name in ("09_", "13_"):
        (path,) = [one for one in LESSONS if one.name.startswith(name)]
        text = "\n".join(source(cell) for cell in markdown_cells(path))
        (line,) = re.findall(r"^- .*Kaminski.*$", text, re.M)
        assert f"*{journal}*" in line
        assert year in line
