from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import contracts
from m2k_lessons import fundamentals as fm
from m2k_lessons.contracts import M2K, RTY

WEIGHTS = pd.Series({"Banks": 0.5, "Shops": 0.3, "Oil": 0.2})


def test_weights_of_the_index():
    weights = fm.sector_weights()
    assert weights.attrs["as_of"] == "2024-12-31"
    assert weights.attrs["confidence"] == "C"
    assert math.isclose(weights.sum(), 1, abs_tol=1e-12)
    assert math.isclose(weights["Health Care"], 0.1631)
    with pytest.raises(ValueError, match="on must be 2024-12-31 or later"):
        fm.sector_weights("2020-01-01")


def test_contributions_by_hand():
    moves = pd.Series({"Oil": 5.0, "Banks": -2.0, "Shops": 1.0})
    result = fm.sector_contribution(WEIGHTS, moves)
    assert result.to_dict() == {"Banks": -1.0, "Shops": 0.3, "Oil": 1.0}


def test_contributions_over_periods_drift_with_prices():
    moves = pd.DataFrame({"Banks": [10.0, 10.0], "Shops": [0.0, -10.0], "Oil": [-50.0, 100.0]})
    result = fm.sector_contribution(WEIGHTS, moves)
    # Levels of 100 at the start: banks 50, 55, 60.5; shops 30, 30, 27; oil 20, 10, 20.
    np.testing.assert_allclose(result, [[5.0, 0.0, -10.0], [5.5, -3.0, 10.0]])
    table = fm.attribution(WEIGHTS, moves)
    assert list(table.index) == ["Banks", "Oil", "Shops"]
    np.testing.assert_allclose(table["contribution_pct"], [10.5, 0.0, -3.0], atol=1e-12)
    np.testing.assert_allclose(table["return_pct"], [21.0, 0.0, -10.0], atol=1e-12)


@settings(max_examples=60, deadline=None)
@given(
    parts=st.lists(st.integers(1, 1000), min_size=2, max_size=11),
    seed=st.integers(0, 9999),
    periods=st.integers(1, 6),
    given_index=st.none() | st.floats(-50, 50),
)
def test_contributions_sum_to_the_move_of_the_index(parts, seed, periods, given_index):
    rng = np.random.default_rng(seed)
    names = [f"sector {n}" for n in range(len(parts))]
    weights = pd.Series(np.array(parts) / sum(parts), index=names)
    moves = pd.DataFrame(rng.uniform(-60, 60, (periods, len(parts))), columns=names)
    table = fm.attribution(weights, moves, given_index)
    basket = 100 * (weights.to_numpy() * np.prod(1 + moves.to_numpy() / 100, axis=0)).sum() - 100
    move = basket if given_index is None else given_index
    assert math.isclose(math.fsum(table["contribution_pct"]), move, rel_tol=1e-9, abs_tol=1e-9)
    sectors = table.drop(index="unexplained", errors="ignore")
    assert sectors["contribution_pct"].is_monotonic_decreasing
    np.testing.assert_allclose(sectors["contribution_pct"], sectors.weight * sectors.return_pct)


def test_a_shock_is_carried_to_dollars():
    shock = fm.sector_shock(WEIGHTS, "Oil", -10, price=2400.0)
    np.testing.assert_allclose(shock[1:], [20.0, -2.0, -48.0, -240.0])
    assert shock.sector == "Oil"
    np.testing.assert_allclose(fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, RTY, -2).usd, 4800.0)
    spread = fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, others_follow=0.5)
    np.testing.assert_allclose(spread.index_pct, -10 * (0.2 + 0.5 * 0.8))
    assert math.isclose(
        fm.sector_shock(WEIGHTS, "Oil", -10, 2400.0, others_follow=1).index_pct, -10
    )


def test_a_shock_is_the_contribution_of_a_lone_sector():
    moves = pd.Series({"Banks": 0.0, "Shops": 0.0, "Oil": 7.5})
    index_pct = fm.sector_contribution(WEIGHTS, moves).sum()
    shock = fm.sector_shock(WEIGHTS, "Oil", 7.5, 2400.0)
    assert math.isclose(shock.index_pct, index_pct)
    assert math.isclose(shock.usd, M2K.pnl(2400.0, 2400.0 * (1 + index_pct / 100)))


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (WEIGHTS * 1.01, ValueError, r"weights must sum to 1, got 1.01$"),
        (WEIGHTS * 100, ValueError, r"got 100; are these per cent\? Divide by 100"),
        (WEIGHTS - 0.25 * (WEIGHTS == 0.2) * 2, ValueError, "not be negative, got -0.3"),
        (WEIGHTS.replace(0.3, np.nan), ValueError, "weights must be known in every row"),
        (pd.Series([0.5, 0.5], index=["Oil", "Oil"]), ValueError, "each sector once, got 'Oil'"),
        (WEIGHTS.to_dict(), TypeError, "weights must be a Series by sector"),
        (WEIGHTS.astype(str), TypeError, "weights must hold numbers"),
    ],
)
def test_weights_that_are_none(weights, error, message):
    with pytest.raises(error, match=message):
        fm.sector_shock(weights, "Oil", -10, 2400.0)
    with pytest.raises(error, match=message):
        fm.sector_contribution(weights, WEIGHTS)


def test_an_unknown_sector_is_told_which_exist():
    with pytest.raises(ValueError, match="one of 'Banks', 'Shops', 'Oil', got 'Gold'"):
        fm.sector_shock(WEIGHTS, "Gold", -10, 2400.0)
    moves = pd.Series({"Banks": 0.0, "Shops": 0.0, "Gold": 7.5})
    with pytest.raises(ValueError, match="the sectors 'Banks', 'Shops', 'Oil', got 'Gold'"):
        fm.sector_contribution(WEIGHTS, moves)


@pytest.mark.parametrize(
    ("returns", "error", "message"),
    [
        (pd.Series({"Banks": 0.0, "Shops": 0.0}), ValueError, "got nothing for 'Oil'"),
        (WEIGHTS.replace(0.2, np.nan), ValueError, "finite numbers"),
        (WEIGHTS.replace(0.2, -100.1), ValueError, "at least -100"),
        (pd.Series([0.0] * 4, index=[*WEIGHTS.index, "Oil"]), ValueError, "got 'Oil' twice"),
        ({"Banks": 0.0}, TypeError, "returns_pct must be a Series or a DataFrame, got a dict"),
        (pd.DataFrame([WEIGHTS, WEIGHTS], index=[2, 1]), ValueError, "sorted by time"),
    ],
)
def test_returns_that_are_none(returns, error, message):
    with pytest.raises(error, match=message):
        fm.sector_contribution(WEIGHTS, returns)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"shock_pct": -101}, ValueError, "shock_pct must be a finite number at least -100"),
        ({"price": 0}, ValueError, "price must be a finite number above 0"),
        ({"contracts": 1.5}, ValueError, "contracts must be a whole number, got 1.5"),
        ({"contract": "M2K"}, TypeError, "contract must be a Contract such as contracts.M2K"),
        ({"others_follow": 2}, ValueError, "others_follow must be .* at most 1, got 2"),
    ],
)
def test_shocks_that_are_none(options, error, message):
    arguments = {"sector": "Oil", "shock_pct": -10, "price": 2400.0} | options
    with pytest.raises(error, match=message):
        fm.sector_shock(WEIGHTS, **arguments)


def test_nobody_may_call_a_sector_unexplained():
    weights = WEIGHTS.rename({"Oil": "unexplained"})
    with pytest.raises(ValueError, match="must not call a sector 'unexplained'"):
        fm.attribution(weights, weights, index_pct=1.0)


def test_every_contract_can_be_shocked():
    for symbol in ("M2K", "RTY", "MES"):
        contract = contracts.get_contract(symbol)
        shock = fm.sector_shock(WEIGHTS, "Banks", 4, 1000.0, contract)
        assert math.isclose(shock.usd, 20 * contract.multiplier)
