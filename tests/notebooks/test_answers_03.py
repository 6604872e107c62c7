"""What chapter 03 tells in words, without a number that a tag could hold."""

from datetime import date

import numpy as np
import pytest

from m2k_lessons import contracts, data
from m2k_lessons.explorers.micro_vs_standard import ACCOUNTS_USD, compute, explore
from m2k_lessons.facts import fact

M2K, RTY = contracts.M2K, contracts.RTY


@pytest.fixture(scope="module")
def market():
    return data.load("daily")


def test_both_contracts_have_one_price_and_end_on_one_morning(market):
    columns = ["open", "high", "low", "close"]
    assert (market["M2K"][columns] == market["RTY"][columns]).all(axis=None)
    for year in (2026, 2027, 2030):
        for month in (3, 6, 9, 12):
            micro, standard = (contracts.contract_code(s, year, month) for s in ("M2K", "RTY"))
            assert contracts.last_trading_day(micro) == contracts.last_trading_day(standard)


def shown(equity_usd=25_000, stop=15.0, micro_fee=0.85, ticks=1, standard_fee=2.8):
    return compute(equity_usd, 1.0, stop, micro_fee, ticks, standard_fee)


def test_how_close_the_stop_must_come_before_one_standard_fits():
    assert shown(stop=5.5)["held"][1] == 0
    assert shown(stop=5.0)["held"] == (10, 1)
    assert shown(stop=5.0)["cost_usd"] == pytest.approx((22.0, 10.6))
    assert shown(stop=5.0)["limit"] == ""


def test_the_fee_at_which_both_ways_cost_the_same():
    friend = {"equity_usd": 150_000}
    assert shown(**friend)["held"] == (20, 2)
    equal = shown(**friend, micro_fee=0.28)["cost_usd"]
    assert equal[0] == pytest.approx(equal[1])
    for fee in (0.27, 0.29):
        first, second = shown(**friend, micro_fee=fee)["cost_usd"]
        assert abs(first - second) > 0.1
    # At two ticks no fee that the slider offers is low enough.
    (fee,) = (one for one in explore()._specs if one.name == "micro_fee")
    first, second = shown(**friend, micro_fee=fee.low, ticks=2)["cost_usd"]
    assert first > second
    equal = shown(**friend, micro_fee=0.03, ticks=2)["cost_usd"]
    assert equal[0] == pytest.approx(equal[1])


def test_where_margin_ends_a_position():
    wide = compute(1_000, 5.0, 1.0, 0.85, 1, 2.8)  # the plan asks for ten, the money opens one
    assert wide["held"] == (1, 0)
    assert wide["limit"]
    assert len(wide["micro"]) == len(ACCOUNTS_USD) + 1


def test_a_full_ten_is_always_cheapest_as_a_standard():
    """The cheapest way to hold an exact size, found by trying all of them."""
    micro_usd, standard_usd = 2.2, 10.6
    for size in range(1, 31):
        tried = [n * standard_usd + (size - 10 * n) * micro_usd for n in range(size // 10 + 1)]
        assert np.argmin(tried) == size // 10


def test_when_the_two_contracts_began():
    assert fact("launch.M2K").value == date(2019, 5, 6)
    assert fact("launch.RTY").value == date(2017, 7, 10)


def test_an_ordinary_day_of_real_years():
    swing = data.load("real_years").loc[1988:2025, "small_volatility_pct"] / 100 / 252**0.5 * 2400
    # 100,000 dollars and 1 % allow a loss of 20 points on one RTY.
    assert 100_000 * 0.01 / RTY.multiplier == 20
    assert swing.median() > 1.5 * 15  # "the micro's fine steps matter more"
