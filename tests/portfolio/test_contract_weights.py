from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import portfolio as pf
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.facts import fact
from tests.portfolio.inputs import cents, days

# --- whole contracts


def test_whole_contracts_on_a_hand_made_table():
    weights = pd.Series({"small": 0.30, "large": 0.50})
    prices, contracts = {"small": 2400.0, "large": 6500.0}, {"small": "M2K", "large": MES}
    down = pf.whole_contracts(weights, 100_000, prices, contracts)
    # 30,000 / 12,000 = 2.5 and 50,000 / 32,500 = 1.54
    assert down["contracts"].tolist() == [2, 1]
    assert down["left_usd"].tolist() == [6_000, 17_500]
    nearest = pf.whole_contracts(weights, 100_000, prices, contracts, rounding="nearest")
    assert nearest["contracts"].tolist() == [3, 2]
    assert nearest["weight"].tolist() == [0.36, 0.65]
    short = pf.whole_contracts(-weights, 100_000, prices, contracts)
    assert short["contracts"].tolist() == [-2, -1]
    exact = pf.whole_contracts(pd.Series({"small": 0.3}), 80_000, prices, contracts)
    assert exact["contracts"].tolist() == [2]  # although 0.3 * 80_000 is 24,000 less a bit


@settings(max_examples=60, deadline=None)
@given(st.floats(-2, 2), st.floats(1_000, 1e7), st.integers(5_000, 60_000))
def test_rounding_down_never_exceeds_the_weight(weight, equity_usd, ticks):
    price = ticks / 10
    row = pf.whole_contracts(
        pd.Series({"small": weight}), equity_usd, {"small": price}, {"small": M2K}
    ).loc["small"]
    assert abs(row["held_usd"]) <= abs(row["wanted_usd"]) * (1 + 2e-9)
    assert abs(row["left_usd"]) < row["one_usd"]
    assert row["held_usd"] + row["left_usd"] == pytest.approx(row["wanted_usd"], abs=1e-6)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"equity_usd": 0}, ValueError, "equity_usd must be a finite number above 0"),
        ({"prices": {"large": 1.0}}, ValueError, "prices must have 'small'"),
        ({"prices": [2400.0]}, TypeError, "prices must be a mapping or a Series by name, got a li"),
        ({"prices": {"small": -1.0}}, ValueError, r"prices\['small'\] must be .* above 0"),
        ({"contracts": {}}, ValueError, "contracts must have 'small'"),
        ({"contracts": "M2K"}, TypeError, "contracts must be a mapping"),
        ({"contracts": {"small": "M2X"}}, ValueError, "M2X"),
        ({"rounding": "up"}, ValueError, "rounding must be one of"),
        ({"weights": {"small": 1}}, TypeError, "weights must be a Series"),
    ],
)
def test_whole_contracts_refuses(change, error, message):
    arguments = {
        "weights": pd.Series({"small": 0.5}),
        "equity_usd": 50_000,
        "prices": {"small": 2400.0},
        "contracts": {"small": "M2K"},
    }
    with pytest.raises(error, match=message):
        pf.whole_contracts(**arguments | change)


# --- rebalancing whole contracts


@st.composite
def futures(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = draw(st.integers(8, 60))
    steps = 0.01 * rng.standard_normal((rows, 2))
    small = M2K.round_to_tick(2400 * np.cumprod(1 + steps[:, 0]))
    large = MES.round_to_tick(6500 * np.cumprod(1 + steps[:, 1]))
    prices = pd.DataFrame({"small": small, "large": large}, days(rows))
    shares = rng.uniform(0, 0.7, (rows, 2))
    weights = pd.DataFrame(shares, prices.index, ["small", "large"])
    return weights if draw(st.booleans()) else weights.iloc[0], prices, {
        "rule": draw(st.sampled_from(pf.RULES)),
        "every": draw(st.sampled_from(["month", 1, 5])),
        "band": draw(st.sampled_from([0.01, 0.2])),
        "pair": ("small", "large"),
        "window": 5,
        "equity_usd": draw(st.sampled_from([40_000, 123_456.78, 2e6])),
        "interest": draw(st.sampled_from([None, pd.Series(0.0001, prices.index)])),
        "slippage_ticks": draw(st.sampled_from([0, 1, 2.5])),
        "rounding": draw(st.sampled_from(["nearest", "down"])),
    }  # fmt: skip


@settings(max_examples=80, deadline=None)
@given(futures())
def test_an_account_of_whole_contracts_is_conserved_to_the_cent(case):
    weights, prices, options = case
    pair = {"small": "M2K", "large": "MES"}
    done = pf.rebalance_contracts(weights, prices, pair, **options)
    value, costs = cents(done.value_usd), cents(done.cost_usd)
    gains, interest = cents(done.gains_usd), cents(done.interest_usd)
    put_in = round(100 * options["equity_usd"])
    assert value.iloc[-1] == put_in + gains.sum().sum() + interest.sum() - costs.sum()
    np.testing.assert_array_equal(
        value.diff().iloc[1:],
        (gains.sum(axis=1) + interest - costs).iloc[1:],
    )
    assert (done.contracts == done.traded.cumsum()).all(axis=None)
    for name, contract in (("small", M2K), ("large", MES)):
        held = done.contracts[name]
        points = prices[name].diff().fillna(0)
        expected = held.shift(fill_value=0) * points * contract.multiplier
        np.testing.assert_allclose(done.gains_usd[name], expected, atol=1e-6)
    side_usd = [
        fact(f"course.commission.{one.symbol}").value + options["slippage_ticks"] * one.tick_value
        for one in (M2K, MES)
    ]
    assert ((done.traded.abs() @ side_usd - done.cost_usd).abs() < 0.0051).all()


@settings(max_examples=60, deadline=None)
@given(futures(), st.floats(0.3, 0.9))
def test_whole_contracts_are_those_of_the_table_and_of_the_past(case, place):
    weights, prices, options = case
    pair = {"small": "M2K", "large": "MES"}
    done = pf.rebalance_contracts(weights, prices, pair, **options)
    cut = max(6, int(place * len(prices)))
    early = weights.iloc[:cut] if isinstance(weights, pd.DataFrame) else weights
    interest = options["interest"]
    past = options | {"interest": None if interest is None else interest.iloc[:cut]}
    short = pf.rebalance_contracts(early, prices.iloc[:cut], pair, **past)
    pd.testing.assert_frame_equal(short.contracts, done.contracts.iloc[:cut])
    pd.testing.assert_series_equal(short.value_usd, done.value_usd.iloc[:cut])
    for day in done.rebalanced:
        row = prices.index.get_loc(day)
        wanted = weights.iloc[row - 1] if isinstance(weights, pd.DataFrame) else weights
        before_cost = done.value_usd.iloc[row] + done.cost_usd.iloc[row]
        bought = pf.whole_contracts(
            wanted, before_cost, prices.iloc[row], pair, rounding=options["rounding"]
        )
        assert bought["contracts"].tolist() == done.contracts.iloc[row].tolist()


def test_ten_micros_by_hand():
    prices = pd.DataFrame({"small": [2400.0, 2500.0, 2500.0, 2000.0]}, days(4))
    done = pf.rebalance_contracts(
        pd.Series({"small": 1.0}),
        prices,
        {"small": M2K},
        every=2,
        equity_usd=120_000,
        commission_usd=1,
        slippage_ticks=0,
    )
    # 10 bought for $10; +$5,000; at row 2 an account of 124,990 holds 124,990 / 12,500 = 10.
    assert done.contracts["small"].tolist() == [10, 10, 10, 10]
    assert done.value_usd.tolist() == [119_990, 124_990, 124_990, 99_990]
    assert done.weights["small"].iloc[0] == pytest.approx(120_000 / 119_990)
    assert len(done.rebalanced) == 0


def test_a_small_account_holds_nothing():
    prices = pd.DataFrame({"small": [2400.0, 2500.0]}, days(2))
    done = pf.rebalance_contracts(
        pd.Series({"small": 0.4}), prices, {"small": M2K}, equity_usd=10_000
    )
    assert done.contracts["small"].tolist() == [0, 0]
    assert done.value_usd.tolist() == [10_000, 10_000]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"weights": pd.Series({"small": 9.0})}, ValueError, "must outlast the losses"),
        ({"weights": pd.Series({"small": -0.5})}, ValueError, "at least zero"),
        ({"prices": pd.DataFrame({"small": [1.0, 0.0]})}, ValueError, "prices must be above zero"),
        ({"contracts": {"small": "MNQ"}}, ValueError, "commission_usd must be given for MNQ"),
        ({"commission_usd": -1}, ValueError, "commission_usd must be .* at least 0"),
        ({"slippage_ticks": -1}, ValueError, "slippage_ticks must be .* at least 0"),
        ({"interest": 0.01}, TypeError, "interest must be a Series"),
        ({"interest": pd.Series([0.01])}, ValueError, "interest must have the same index"),
    ],
)
def test_rebalance_contracts_refuses(change, error, message):
    arguments = {
        "weights": pd.Series({"small": 0.5}),
        "prices": pd.DataFrame({"small": [2400.0, 2000.0, 1900.0]}, days(3)),
        "contracts": {"small": "M2K"},
        "equity_usd": 60_000,
    }
    with pytest.raises(error, match=message):
        pf.rebalance_contracts(**arguments | change)
