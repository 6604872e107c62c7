"""What chapter 11 tells in words, without a number that a tag could hold."""

import math
import re
from pathlib import Path

import numpy as np
import pytest

from m2k_lessons import data, facts, pairs, simulate
from m2k_lessons.contracts import M2K
from m2k_lessons.explorers.pair_trading import BETA, FIRST, PAIRS, compute, describe

HALF = 1260


@pytest.fixture(scope="module")
def market():
    return data.load("pairs")


def legs(market, name):
    return [np.log(market[f"{name}_{symbol}"]["close"]) for symbol in ("M2K", "MES")]


def test_the_opening_question():
    result_usd = 2400 * 5 * 0.0575 - 6000 * 5 * 0.05
    assert result_usd == pytest.approx(-810)
    assert pairs.contract_ratio(1.15, 2400.0, 6000.0)[:2] == (11, 5)


def test_one_pair_is_tied_and_the_other_not(market):
    assert pairs.cointegration(*legs(market, "cointegrated")).p_value < 0.05
    assert pairs.cointegration(*legs(market, "correlated")).p_value > 0.5
    assert math.isinf(market.truth.correlated.half_life)


def test_the_broken_pair_had_passed_and_the_alarm_comes_only_for_it(market):
    first_half = [leg.iloc[:HALF] for leg in legs(market, "broken")]
    assert pairs.cointegration(*first_half).p_value < 0.05
    assert market.truth.broken.break_day == HALF
    assert pairs.break_monitor(*legs(market, "broken"), HALF).first is not None
    assert pairs.break_monitor(*legs(market, "cointegrated"), HALF).first is None


def test_the_interval_holds_the_truth_and_gives_the_time_out(market):
    small, large = (leg.iloc[:HALF] for leg in legs(market, "cointegrated"))
    found = pairs.half_life(small - pairs.hedge_ratio(small, large).beta * large)
    assert found.low < market.truth.cointegrated.half_life < found.high
    assert 9 < found.high - found.low < 10
    assert round(3 * found.high) == 56


def test_what_the_calibration_run_gave():
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "pairs_calibration.md"
    text = path.read_text(encoding="utf-8")
    for row in (
        "(`cointegration`) | 5.7 % |",
        "(`wrong_p_value`) | 15.2 % |",
        "(`johansen`) | 6.2 % |",
        "| 500 | 95.4 % | - | - | 95.7 % | 86.7 % | 92.3 % |",
        "| 15 | 7.1 % | 8.6 % | 98 % | 224 |",
    ):
        assert row in text


@pytest.mark.parametrize("name", PAIRS)
def test_the_explorers_pairs_are_of_like_size(name, market):
    size = compute(name, 1.5, 0.0, 60)["size"]
    small, large = (int(number) for number in re.findall(r"(\d+) M", size))
    prices = [market[f"{name}_{symbol}"]["close"].iloc[FIRST] for symbol in ("M2K", "MES")]
    assert 80_000 < M2K.notional(float(prices[0]), small) < 150_000
    assert abs(pairs.beta_left(small, large, BETA, *prices)) < 0.03


def spread_won(seed, **truth):
    """Loop 5 without engine, contracts or costs: what the spread itself brings, in % of M2K."""
    market = simulate.pair(2520, seed, **truth)
    small, large = (np.log(market[symbol]["close"]) for symbol in ("M2K", "MES"))
    spread = small - pairs.hedge_ratio(small.iloc[:HALF], large.iloc[:HALF]).beta * large
    held = pairs.pair_target(pairs.zscore(spread, window=60), entry=1.5, exit=0.0).iloc[:, 0]
    return 100 * (held.shift(1) * spread.diff()).iloc[HALF:].sum()


def test_a_tie_wins_every_time_and_without_one_it_is_a_coin():
    won = {
        name: np.array([spread_won(seed, **truth) for seed in range(200, 300)])
        for name, truth in (
            ("tied", {}),
            ("alike", {"half_life": np.inf}),
            ("broken", {"break_day": HALF}),
        )
    }
    assert (won["tied"] > 0).all()
    for name in ("alike", "broken"):  # before costs: half of them, mean zero
        assert abs((won[name] > 0).sum() - 50) < 2.6 * 5
        assert abs(won[name].mean()) < 2.6 * won[name].std(ddof=1) / 10


def test_ten_against_four_is_neutral_at_its_prices_only(market):
    prices = [market[f"cointegrated_{one}"]["close"].iloc[HALF - 1] for one in ("M2K", "MES")]
    beta = pairs.hedge_ratio(*(leg.iloc[:HALF] for leg in legs(market, "cointegrated"))).beta
    assert abs(pairs.beta_left(10, 4, beta, *prices)) < 0.02
    assert abs(pairs.beta_left(10, 4, 1.15, 2400.0, 6000.0)) > 0.1


def test_johansens_case_is_said_and_the_limit_is_that_of_the_text(market):
    found = pairs.johansen(*legs(market, "cointegrated"))
    assert "case IV" in str(found)
    watch = pairs.break_monitor(*legs(market, "cointegrated"), HALF)
    assert round(watch.limit, 2) == 1.78


def test_the_real_pair_by_year():
    years = data.load("real_years").loc[2000:2025]
    pair = years["small_return_pct"].iloc[1:] - (
        years["beta"].to_numpy()[:-1] * years["large_return_pct"].iloc[1:]
    )
    assert len(pair) == 25
    assert abs(pair.mean()) < 2 * pair.std() / 5
    assert abs(np.corrcoef(pair[1:], pair[:-1])[0, 1]) < 2 / 5


def test_the_explorer_leaves_nearer_than_it_enters_and_says_so():
    asked = {"pair": "cointegrated", "entry": 0.5, "exit": 1.0, "window": 60}
    result = compute(**asked)
    assert result["exit"] == 0.4
    assert "entry at 0.5, exit at 0.4" in describe(asked, result)
    assert compute("cointegrated", 3.0, 1.0, 250)["exit"] == 1.0


def test_the_explorers_bars_are_its_round_trips():
    result = compute("correlated", 1.0, 0.5, 40)
    side = np.r_[0, result["side"]]
    assert np.sum((side[1:] != 0) & (side[1:] != side[:-1])) == result["trips"]
    assert np.mean(side[1:] != 0) == result["in_market"]


def test_what_the_explorer_answers():
    far, near = (compute("cointegrated", entry, 0.0, 60) for entry in (2.0, 0.5))
    assert near["trips"] > 2 * far["trips"]
    assert near["costs_usd"] > 2 * far["costs_usd"]
    assert near["earned_usd"][-1] > far["earned_usd"][-1] > 0
    lucky = compute("correlated", 2.7, 0.0, 70)["earned_usd"][-1]
    usual = compute("correlated", 1.5, 0.0, 60)["earned_usd"][-1]
    assert usual < 0
    assert usual < lucky


def test_the_verdict_on_small_against_large():
    samples = ("2010_2019", "2017_2026", "2021_2026")
    found = [facts.fact(f"cointegration.IWM_SPY.{name}").value for name in samples]
    assert [one["p"] for one in found] == sorted(one["p"] for one in found)
    assert min(one["p"] for one in found) >= 0.05
    assert all(one["t"] > -3.336 for one in found)  # 5 % critical value for residuals


def test_betas_of_single_years_lie_around_that_of_all_years():
    low, high = (facts.fact(f"beta_{end}.RUT_SPX.2017_2023").value for end in ("low", "high"))
    assert low < 1 < facts.fact("beta.RUT_SPX.2019_2026").value < high
    # "No ratio stays neutral": eleven against five at each end, in dollars on a move of 10 %.
    left_usd = [0.1 * (11 * 5 * 2400 * beta - 5 * 5 * 6000) for beta in (low, high)]
    assert left_usd[0] < -2_000
    assert left_usd[1] > 4_000
