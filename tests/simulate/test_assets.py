"""The market of four assets keeps the truth it states, in each regime and over both."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import simulate
from m2k_lessons.contracts import M2K, MES
from m2k_lessons.simulate.assets import RISKY
from m2k_lessons.simulate.market import LABEL


@pytest.fixture(scope="module")
def market():
    return simulate.assets(years=36, seed=11)


@pytest.fixture(scope="module")
def returns(market):
    return pd.DataFrame({name: market[name]["close"].pct_change() for name in RISKY}).iloc[1:]


def test_frames_are_labelled_and_lie_in_the_future(market):
    for name in market:
        assert market[name].attrs["label"] == LABEL
        assert market[name].index[0].year == 2030
    assert list(market["M2K"].columns) == ["close"]
    assert len(market["bonds"]) == market.truth.days == 36 * 252


def test_each_regime_has_the_moments_it_states(market, returns):
    crisis = market["hidden"]["crisis"].iloc[1:]
    for rows, regime in ((~crisis, market.truth.calm), (crisis, market.truth.crisis)):
        sample, n = returns[rows], rows.sum()
        deviation = np.sqrt(np.diag(regime.covariance))
        assert (np.abs(sample.mean() - regime.mean) < 3.5 * deviation / math.sqrt(n)).all()
        assert (np.abs(sample.std() / deviation - 1) < 3.5 / math.sqrt(2 * n)).all()
        error = (1 - regime.correlation**2) / math.sqrt(n)
        assert ((sample.corr() - regime.correlation).abs() <= 3.5 * error + 1e-12).all(axis=None)


def test_moments_over_both_regimes_are_those_of_many_markets():
    """Forty short markets: their pooled second moments against the closed form."""
    pooled = []
    for seed in range(40):
        draw = simulate.assets(years=20, seed=seed)
        closes = pd.DataFrame({name: draw[name]["close"] for name in RISKY})
        pooled.append(closes.pct_change().iloc[1:].to_numpy())
    truth = draw.truth
    each = np.array([np.cov(one.T) for one in pooled])
    error = each.std(axis=0, ddof=1) / math.sqrt(len(each))
    assert (np.abs(each.mean(axis=0) - truth.covariance) < 4 * error).all(axis=None)
    means = np.array([one.mean(axis=0) for one in pooled])
    error = means.std(axis=0, ddof=1) / math.sqrt(len(means))
    assert (np.abs(means.mean(axis=0) - truth.mean) < 4 * error).all()
    share = np.mean([simulate.assets(20, s)["hidden"]["crisis"].mean() for s in range(40)])
    assert abs(share - truth.crisis_share) < 0.03


def test_derived_numbers_by_hand():
    truth = simulate.assets(years=1, seed=1).truth
    derived = truth.derived()
    assert derived["crisis_share"] == pytest.approx(1 / 11)
    assert derived["mean_large_caps_pct"] == pytest.approx((600 * 12 - 60 * 30) / 660)
    apart = 42 / 252  # % a day between the two means
    variance = (600 * 14**2 + 60 * 38**2) / 660 / 252 + 10 / 121 * apart**2
    assert derived["volatility_large_caps_pct"] == pytest.approx(math.sqrt(252 * variance))


def test_shelter_differs_in_the_bonds_of_a_crisis_only():
    fall, shelter = (simulate.assets(6, 9, bonds_in_crisis=one) for one in ("fall", "shelter"))
    crisis = fall["hidden"]["crisis"]
    assert crisis.equals(shelter["hidden"]["crisis"])
    assert crisis.any()
    for name in ("large_caps", "small_caps", "cash", "M2K", "MES"):
        pd.testing.assert_frame_equal(fall[name], shelter[name])
    moves = [one["bonds"]["close"].pct_change()[crisis] for one in (fall, shelter)]
    stocks = fall["large_caps"]["close"].pct_change()[crisis]
    assert moves[0].corr(stocks) > 0.2 > -0.2 > moves[1].corr(stocks)


def test_futures_move_by_the_excess_return_on_the_tick(market):
    cash = market["cash"]["close"].pct_change()
    np.testing.assert_allclose(cash.iloc[1:], 0.03 / 252, rtol=1e-9)
    for future, index, contract in (("M2K", "small_caps", M2K), ("MES", "large_caps", MES)):
        price = market[future]["close"]
        ticks = price / contract.tick_size
        assert np.abs(ticks - ticks.round()).max() < 1e-6
        excess = market[index]["close"].pct_change() - cash
        off = (price.pct_change() - excess).iloc[1:].abs() * price.shift().iloc[1:]
        assert off.max() <= 1.2 * contract.tick_size


def test_same_seed_same_market():
    one, other = simulate.assets(2, 5), simulate.assets(2, 5)
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name])
    assert not simulate.assets(2, 6)["bonds"].equals(one["bonds"])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"years": 0}, ValueError, "years must be a finite number above 0"),
        ({"years": 40}, ValueError, "at most 36"),
        ({"seed": -1}, ValueError, "seed must be a whole number at least 0"),
        ({"seed": 1.5}, ValueError, "seed must be a whole number"),
        ({"bonds_in_crisis": "rise"}, ValueError, "bonds_in_crisis must be one of 'fall'"),
        ({"years": "2"}, TypeError, "years must be a finite number"),
    ],
)
def test_assets_refuses(arguments, error, message):
    with pytest.raises(error, match=message):
        simulate.assets(**{"years": 2, "seed": 1} | arguments)
