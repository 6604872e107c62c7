from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import portfolio as pf
from tests.portfolio.inputs import cents, days


@st.composite
def holdings(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    assets, rows = draw(st.integers(1, 4)), draw(st.integers(5, 60))
    returns = np.maximum(
        rng.standard_normal((rows, assets)) * draw(st.sampled_from([0, 0.01, 0.2])), -0.9
    )
    names = list("abcd"[:assets])
    shares = rng.dirichlet(np.ones(assets), rows)
    weights = pd.DataFrame(shares, days(rows), names)
    if draw(st.booleans()):
        weights = weights.iloc[0]
    rule = draw(st.sampled_from(pf.RULES if assets > 1 else pf.RULES[:3]))
    costs = draw(st.sampled_from([0, 0.05, 1.0, 10]))
    return weights, pd.DataFrame(returns, days(rows), names), rule, {
        "every": draw(st.sampled_from(["week", "month", "quarter", 1, 3])),
        "band": draw(st.sampled_from([0.001, 0.05, 0.3])),
        "pair": ("a", "b") if rule == "correlation" else None,
        "window": 4,
        "change": 0.3,
        "equity_usd": draw(st.sampled_from([1, 777.77, 100_000, 1e9])),
        "cost_pct": costs,
    }  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(holdings())
def test_value_is_conserved_to_the_cent(case):
    weights, returns, rule, options = case
    done = pf.rebalance(weights, returns, rule, **options)
    held, gains, trades = cents(done.holdings_usd), cents(done.gains_usd), cents(done.trades_usd)
    costs, value = cents(done.cost_usd), cents(done.value_usd)
    put_in = round(100 * options["equity_usd"])
    assert trades.iloc[0].sum() + costs.iloc[0] == put_in
    assert (trades.iloc[1:].sum(axis=1) + costs.iloc[1:] == 0).all()
    assert (held.sum(axis=1) == value).all()
    assert value.iloc[-1] == put_in + gains.sum().sum() - costs.sum()
    assert (held >= 0).all(axis=None)
    assert (costs >= 0).all()
    # Costs are the rate on what was traded, to the cent; gains the return on what was held.
    traded = trades.abs().sum(axis=1) * options["cost_pct"] / 100
    assert ((costs - traded).abs() <= 1.5).all()
    earned = held.shift(fill_value=0) * returns
    assert ((gains - earned).abs() <= 0.5 + 1e-6 * held.abs()).all(axis=None)
    assert set(trades.index[(trades != 0).any(axis=1)][1:]) <= set(done.rebalanced)


@settings(max_examples=60, deadline=None)
@given(holdings())
def test_a_trade_reaches_the_weights_known_the_day_before(case):
    weights, returns, rule, options = case
    done = pf.rebalance(weights, returns, rule, **options)
    held = cents(done.holdings_usd)
    for row in (0, *(returns.index.get_loc(day) for day in done.rebalanced)):
        wanted = done.targets.iloc[max(row - 1, 0)]
        assert ((held.iloc[row] - wanted * held.iloc[row].sum()).abs() <= len(wanted)).all()


@settings(max_examples=40, deadline=None)
@given(holdings(), st.floats(0.2, 0.9))
def test_rebalancing_knows_nothing_of_the_future(case, place):
    weights, returns, rule, options = case
    cut = max(4, int(place * len(returns)))
    early = weights.iloc[:cut] if isinstance(weights, pd.DataFrame) else weights
    short = pf.rebalance(early, returns.iloc[:cut], rule, **options)
    long = pf.rebalance(weights, returns, rule, **options)
    pd.testing.assert_frame_equal(short.holdings_usd, long.holdings_usd.iloc[:cut])
    pd.testing.assert_series_equal(short.cost_usd, long.cost_usd.iloc[:cut])


def test_buy_and_hold_is_the_weighted_sum_of_growths(returns):
    weights = pd.Series({"large_caps": 0.4, "small_caps": 0.1, "bonds": 0.3, "cash": 0.2})
    done = pf.rebalance(weights, returns, "never", cost_pct=0)
    growth = (1 + returns.iloc[1:]).cumprod()
    expected = 100_000 * (growth * weights).sum(axis=1)
    np.testing.assert_allclose(done.value_usd.iloc[1:], expected, atol=0.5)
    assert (len(done.rebalanced), done.turnover_usd) == (0, 0)


def test_rebalancing_each_row_earns_the_weighted_return(returns):
    weights = pd.Series(0.25, returns.columns)
    done = pf.rebalance(weights, returns, every=1, cost_pct=0)
    np.testing.assert_allclose(done.returns, returns.iloc[1:].mean(axis=1), atol=1e-6)
    assert len(done.rebalanced) == len(returns) - 1


def test_the_calendar_trades_on_the_first_rows():
    index = days(70)  # from 2 January 2030
    frame = pd.DataFrame({"a": [0.01] * 70, "b": [0.0] * 70}, index)
    weights = pd.Series({"a": 0.5, "b": 0.5})
    done = pf.rebalance(weights, frame, "calendar", every="month")
    assert [str(day.date()) for day in done.rebalanced] == [
        "2030-02-01",
        "2030-03-01",
        "2030-04-01",
    ]
    quarter = pf.rebalance(weights, frame, "calendar", every="quarter")
    assert [str(day.date()) for day in quarter.rebalanced] == ["2030-04-01"]
    third = pf.rebalance(weights, frame, "calendar", every=30)
    assert list(third.rebalanced) == [index[30], index[60]]
    periods = frame.set_axis(pd.period_range("2030-01", periods=70, freq="M"), axis=0)
    year = pf.rebalance(weights, periods, every="year")
    assert [str(month) for month in year.rebalanced] == [f"{y}-01" for y in range(2031, 2036)]
    # A first of the month on the second row is not missed.
    early = pf.rebalance(weights, frame.set_axis(days(70, "2030-01-31"), axis=0), every="month")
    assert str(early.rebalanced[0].date()) == "2030-02-01"


def test_the_band_trades_the_day_after_it_is_left():
    frame = pd.DataFrame({"a": [0.0, 0.10, 0.15, 0.0, 0.0], "b": [0.0] * 5}, days(5))
    weights = pd.Series({"a": 0.5, "b": 0.5})
    done = pf.rebalance(weights, frame, "band", band=0.05, equity_usd=1000, cost_pct=0)
    # 500 / 500, 550 / 500 (52.4 %), 632.50 / 500 (55.8 %, seen), sold at the close after it.
    assert done.holdings_usd["a"].tolist() == [500, 550, 632.5, 566.25, 566.25]
    assert list(done.rebalanced) == [frame.index[3]]
    still = pf.rebalance(weights, frame, "band", band=0.06, equity_usd=1000, cost_pct=0)
    assert len(still.rebalanced) == 0


def test_the_correlation_rule_by_a_plain_loop(returns):
    weights = pd.Series({"large_caps": 0.3, "small_caps": 0.1, "bonds": 0.4, "cash": 0.2})
    pair = ("large_caps", "bonds")
    done = pf.rebalance(weights, returns, "correlation", pair=pair, window=63, change=0.25)
    moving = returns[pair[0]].rolling(63).corr(returns[pair[1]]).to_numpy()
    expected, reference = [], moving[62]
    for row in range(62, len(returns) - 1):
        if abs(moving[row] - reference) > 0.25:
            expected.append(row + 1)
            reference = moving[row + 1]
    # A trade changes what the next close is compared with, so the loop skips the row traded on.
    assert [returns.index.get_loc(day) for day in done.rebalanced] == expected
    assert len(expected) > 5


def test_a_cost_that_goes_round_in_cents_settles():
    names = [f"asset {i}" for i in range(200)]
    held = pf.rebalance(
        pd.Series(1 / 200, names),
        pd.DataFrame(0.0, range(2), names),
        "never",
        equity_usd=100.20,
        cost_pct=10,
    )
    bought, cost = held.holdings_usd.iloc[0].sum(), held.cost_usd.iloc[0]
    assert bought + cost == pytest.approx(100.20, abs=1e-9)
    assert 0.1 * bought - 0.005 <= cost <= 0.1 * bought + 0.5


def test_costs_by_asset():
    frame = pd.DataFrame({"a": [0.0, 0.5, 0.0], "cash": [0.0] * 3}, days(3))
    rates = pd.Series({"a": 1.0, "cash": 0.0})
    done = pf.rebalance(
        pd.Series({"a": 0.5, "cash": 0.5}), frame, every=2, cost_pct=rates, equity_usd=1000
    )
    # First: a = (1000 - c) / 2 and c = 0.01 a, so that c = 4.98.
    assert done.cost_usd.tolist()[:2] == [4.98, 0]
    assert done.holdings_usd.iloc[0].tolist() == [497.51, 497.51]
    # a has grown to 746.27 (746.265); sold down to half of what is left after 1 % of the sale.
    sold = 746.27 - done.holdings_usd["a"].iloc[2]
    assert done.cost_usd.iloc[2] == pytest.approx(0.01 * sold, abs=0.006)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"rule": "weekly"}, ValueError, "rule must be one of 'never'"),
        ({"every": "day"}, ValueError, "every must be one of 'week'"),
        ({"every": 0}, ValueError, "every must be a whole number at least 1"),
        ({"rule": "band", "band": 0}, ValueError, "band must be a finite number above 0"),
        ({"rule": "correlation"}, ValueError, "pair must name two columns"),
        ({"rule": "correlation", "pair": ("a", "x")}, ValueError, r"of \['a', 'b'\]"),
        ({"rule": "correlation", "pair": ("a", "b"), "window": 99}, ValueError, "at most the 6"),
        ({"equity_usd": 0}, ValueError, "equity_usd must be a finite number at least 1"),
        ({"cost_pct": 11}, ValueError, "cost_pct must be .* at most 10"),
        ({"cost_pct": pd.Series({"a": 1.0})}, ValueError, "cost_pct must be for the assets"),
        ({"weights": pd.Series({"a": 0.5, "b": 0.6})}, ValueError, "must sum to one, got 1.1"),
        ({"weights": pd.Series({"a": 1.5, "b": -0.5})}, ValueError, "at least zero, got -0.5"),
        ({"weights": pd.Series({"a": 1.0})}, ValueError, "weights must be for the assets"),
        ({"weights": [0.5, 0.5]}, TypeError, "weights must be a Series"),
        ({"weights": pd.DataFrame({"a": [1.0] * 6, "b": [0.0] * 6})}, ValueError, "same index"),
        ({"returns": pd.DataFrame({"a": [0.0] * 6, "b": [-1.0] * 6})}, ValueError, "above -1"),
    ],
)
def test_rebalance_refuses(change, error, message):
    rng = np.random.default_rng(1)
    arguments = {
        "weights": pd.Series({"a": 0.5, "b": 0.5}),
        "returns": pd.DataFrame(rng.standard_normal((6, 2)) / 100, days(6), ["a", "b"]),
    }
    with pytest.raises(error, match=message):
        pf.rebalance(**arguments | change)


def test_words_for_the_calendar_need_dates():
    frame = pd.DataFrame({"a": [0.0, 0.1]})
    with pytest.raises(TypeError, match="every must be a number of rows"):
        pf.rebalance(pd.Series({"a": 1.0}), frame)


def test_rows_out_of_order_are_refused():
    frame = pd.DataFrame({"a": [0.0, 0.1, 0.2]}, days(3)[::-1])
    with pytest.raises(ValueError, match="sorted by time"):
        pf.rebalance(pd.Series({"a": 1.0}), frame)
