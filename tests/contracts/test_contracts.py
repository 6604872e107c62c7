import datetime as dt
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from m2k_lessons import contracts, indicators, risk, sessions
from m2k_lessons.contracts import CONTRACTS, ES, M2K, MES, RTY, YM, Contract
from m2k_lessons.paper import PaperAccount, market

# USD per point, tick in points, tick in USD: the exchange's table, typed in by hand.
SPECIFICATIONS = {
    "M2K": (5, 0.10, 0.50),
    "RTY": (50, 0.10, 5.00),
    "MES": (5, 0.25, 1.25),
    "ES": (50, 0.25, 12.50),
    "MNQ": (2, 0.25, 0.50),
    "NQ": (20, 0.25, 5.00),
    "MYM": (0.5, 1.0, 0.50),
    "YM": (5, 1.0, 5.00),
}

every_contract = st.sampled_from(list(CONTRACTS.values()))
tick_counts = st.integers(min_value=1, max_value=2_000_000)
positions = st.integers(min_value=-5_000, max_value=5_000)


@pytest.mark.parametrize("symbol", SPECIFICATIONS)
def test_specifications(symbol):
    contract = contracts.get_contract(symbol)
    assert (contract.multiplier, contract.tick_size, contract.tick_value) == SPECIFICATIONS[symbol]
    assert contract.months == "HMUZ"


def test_every_contract_is_listed_and_frozen():
    assert list(CONTRACTS) == list(SPECIFICATIONS)
    with pytest.raises(AttributeError):
        M2K.multiplier = 50


def test_launch_dates_come_from_the_facts():
    assert M2K.launch == dt.date(2019, 5, 6)
    assert RTY.launch == dt.date(2017, 7, 10)
    assert ES.launch is None


# ---------------------------------------------------------------- ticks and money


@given(every_contract, tick_counts, tick_counts, positions)
def test_pnl_is_exact_to_the_cent(contract, entry_ticks, exit_ticks, held):
    tick = Decimal(str(contract.tick_size))
    exact = (exit_ticks - entry_ticks) * tick * Decimal(str(contract.multiplier)) * held
    entry, exit = float(entry_ticks * tick), float(exit_ticks * tick)
    assert Decimal(repr(contract.pnl(entry, exit, held))) == exact


@given(every_contract, tick_counts)
def test_a_price_on_the_grid_stays_where_it_is(contract, count):
    price = float(count * Decimal(str(contract.tick_size)))
    assert contract.round_to_tick(price) == price
    assert contract.ticks(price) == count


@given(every_contract, st.floats(min_value=1.0, max_value=100_000.0))
def test_rounding_goes_to_the_nearest_tick(contract, price):
    rounded = contract.round_to_tick(price)
    assert abs(rounded - price) <= contract.tick_size / 2 + 1e-6
    assert contract.round_to_tick(rounded) == rounded


def test_half_a_tick_goes_up():
    assert M2K.round_to_tick(2400.05) == 2400.1
    assert MES.round_to_tick(6000.125) == 6000.25


def test_float_noise_is_not_a_price_off_the_grid():
    assert 2410.3 - 2398.1 != 12.2  # what plain subtraction does
    assert M2K.ticks(2410.3 - 2398.1) == 122
    assert M2K.pnl(2398.1, 2410.3) == 61.0


@given(tick_counts, tick_counts, positions)
def test_ten_micros_earn_what_one_standard_earns(entry_ticks, exit_ticks, held):
    entry, exit = entry_ticks / 10, exit_ticks / 10
    assert M2K.pnl(entry, exit, 10 * held) == RTY.pnl(entry, exit, held)


@given(tick_counts, tick_counts, positions)
def test_pnl_is_signed_by_contracts(entry_ticks, exit_ticks, held):
    entry, exit = entry_ticks / 10, exit_ticks / 10
    assert M2K.pnl(entry, exit, held) == -M2K.pnl(entry, exit, -held)
    assert M2K.pnl(entry, exit, held) == -M2K.pnl(exit, entry, held)


def test_series_in_series_out():
    days = pd.date_range("2030-01-01", periods=3, tz="America/New_York")
    closes = pd.Series([2400.0, 2401.5, 2399.9], index=days, name="close")
    held = pd.Series([1, -2, 3], index=days)
    pnl = M2K.pnl(2400.0, closes, held)
    pd.testing.assert_series_equal(pnl, pd.Series([0.0, -15.0, -1.5], index=days, name="close"))
    assert M2K.notional(closes).index.equals(days)
    assert isinstance(M2K.notional(closes.to_numpy()), np.ndarray)
    assert M2K.ticks(closes).tolist() == [24000, 24015, 23999]


def test_series_that_do_not_align_are_refused():
    entry = pd.Series([2400.0, 2401.0], index=[0, 1])
    exit = pd.Series([2400.0, 2401.0], index=[1, 2])
    with pytest.raises(ValueError, match="same index"):
        M2K.pnl(entry, exit)


def test_notional_is_signed_like_the_position():
    assert M2K.notional(2400.0) == 12_000.0
    assert RTY.notional(2400.0, -2) == -240_000.0


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: M2K.pnl(2400.0, 2410.0, 2.5),
            ValueError,
            "contracts must be a whole number, got 2.5",
        ),
        (lambda: M2K.pnl(2400.0, float("nan")), ValueError, "exit must be a finite number.*nan"),
        (
            lambda: M2K.pnl(2400.03, 2410.0),
            ValueError,
            "entry must lie on M2K's tick of 0.1.*2400.03",
        ),
        (lambda: M2K.pnl("2400", 2410.0), TypeError, "entry must be a finite number.*'2400'"),
        (lambda: M2K.pnl(-5.0, 2410.0), ValueError, "entry must be above 0, got -5.0"),
        (
            lambda: M2K.pnl(2400.0, [2410.0, np.inf]),
            ValueError,
            "exit must be finite throughout, got inf",
        ),
        (
            lambda: M2K.pnl(2400.0, ["a"]),
            TypeError,
            r"exit must be a number or an array of numbers",
        ),
        (lambda: M2K.notional(0.0), ValueError, "price must be above 0, got 0.0"),
        (lambda: M2K.notional(None), TypeError, "price must be a finite number, got None"),
        (
            lambda: M2K.notional(2400.0, True),
            TypeError,
            "contracts must be a finite number, got True",
        ),
        (lambda: M2K.ticks(0.04), ValueError, "points must lie on M2K's tick.*0.04"),
        (lambda: MES.ticks(0.1), ValueError, "points must lie on MES's tick of 0.25"),
        (
            lambda: YM.round_to_tick(float("inf")),
            ValueError,
            "price must be a finite number, got inf",
        ),
        (
            lambda: contracts.get_contract("M2X"),
            ValueError,
            "symbol must be one of 'M2K', .*got 'M2X'",
        ),
        (lambda: contracts.get_contract(7), TypeError, "symbol must be one of"),
    ],
)
def test_bad_prices_and_positions(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---------------------------------------------------------------- codes and calendar


def test_codes():
    assert contracts.contract_code("M2K", 2026, 12) == "M2KZ26"
    assert contracts.parse_code("M2KZ26") == ("M2K", 2026, 12)
    assert contracts.parse_code("ESU98").year == 1998


@given(every_contract, st.integers(2020, 2069), st.sampled_from([3, 6, 9, 12]))
def test_codes_round_trip(contract, year, month):
    code = contracts.contract_code(contract.symbol, year, month)
    assert contracts.parse_code(code) == (contract.symbol, year, month)


# Last trading days, typed in from calendars; holidays moved the ones marked.
LAST_TRADING_DAYS = {
    "ESH08": dt.date(2008, 3, 20),  # Good Friday
    "M2KM19": dt.date(2019, 6, 21),
    "M2KM20": dt.date(2020, 6, 19),  # Juneteenth was not yet an exchange holiday
    "M2KM21": dt.date(2021, 6, 18),
    "M2KZ26": dt.date(2026, 12, 18),
    "M2KM26": dt.date(2026, 6, 18),  # Juneteenth on the Friday
    "M2KM27": dt.date(2027, 6, 17),  # Juneteenth on Saturday, kept on the Friday
    "M2KU26": dt.date(2026, 9, 18),
    "M2KH27": dt.date(2027, 3, 19),
    "M2KM32": dt.date(2032, 6, 17),  # Juneteenth on Saturday, kept on the Friday
    "M2KM37": dt.date(2037, 6, 18),  # Juneteenth on the Friday
}


@pytest.mark.parametrize("code", LAST_TRADING_DAYS)
def test_last_trading_day(code):
    assert contracts.last_trading_day(code) == LAST_TRADING_DAYS[code]


def test_roll_days():
    assert contracts.roll_day("M2KZ26", "thursday") == dt.date(2026, 12, 10)
    assert contracts.roll_day("M2KZ26", "monday") == dt.date(2026, 12, 14)
    assert contracts.roll_day("M2KM26", "thursday") == dt.date(2026, 6, 11)
    assert contracts.roll_day("M2KM26", "monday") == dt.date(2026, 6, 15)


@given(every_contract, st.integers(2020, 2068), st.sampled_from([3, 6, 9, 12]))
def test_order_of_roll_and_expiry(contract, year, month):
    code = contracts.contract_code(contract.symbol, year, month)
    thursday = contracts.roll_day(code, "thursday")
    monday = contracts.roll_day(code)
    last = contracts.last_trading_day(code)
    assert (thursday.weekday(), monday.weekday()) == (3, 0)
    assert thursday < monday < last
    assert last.weekday() in (3, 4)


@given(
    st.dates(dt.date(2019, 5, 6), dt.date(2068, 12, 31)), st.sampled_from(["monday", "thursday"])
)
def test_front_contract_is_the_next_one_not_yet_rolled(day, convention):
    code = contracts.front_contract("M2K", day, convention)
    assert day < contracts.roll_day(code, convention)
    _, year, month = contracts.parse_code(code)
    year_before, month_before = (year - 1, 12) if month == 3 else (year, month - 3)
    if (year_before, month_before) > (2019, 3):
        before = contracts.contract_code("M2K", year_before, month_before)
        assert contracts.roll_day(before, convention) <= day


def test_front_contract_on_and_around_the_roll():
    assert contracts.front_contract("M2K", "2026-12-13") == "M2KZ26"
    assert contracts.front_contract("M2K", "2026-12-14") == "M2KH27"
    assert contracts.front_contract("M2K", "2026-12-10", convention="thursday") == "M2KH27"
    assert contracts.front_contract("M2K", pd.Timestamp("2019-05-06")) == "M2KM19"


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (lambda: contracts.parse_code("M2KX26"), ValueError, "X is November.*got 'M2KX26'"),
        (lambda: contracts.parse_code("M2KZ6"), ValueError, "two digits.*got 'M2KZ6'"),
        (lambda: contracts.parse_code("ABCZ26"), ValueError, "known symbols are M2K.*got 'ABCZ26'"),
        (lambda: contracts.parse_code("m2kz26"), ValueError, "got 'm2kz26'"),
        (lambda: contracts.parse_code(26), TypeError, "code must be a root symbol.*got 26"),
        (lambda: contracts.parse_code("M2KZ18"), ValueError, "M2K began on 2019-05-06.*M2KZ18"),
        (lambda: contracts.last_trading_day("M2KH19"), ValueError, "M2K began on 2019-05-06"),
        (
            lambda: contracts.contract_code("M2K", 2026, 11),
            ValueError,
            "month must be 3, 6, 9 or 12.*got 11",
        ),
        (
            lambda: contracts.contract_code("M2K", 2026.5, 12),
            ValueError,
            "year must be a whole number.*2026.5",
        ),
        (
            lambda: contracts.contract_code("M2K", 26, 12),
            ValueError,
            "year must be.*at least 1970.*got 26",
        ),
        (
            lambda: contracts.roll_day("M2KZ26", "friday"),
            ValueError,
            "convention must be one of.*'friday'",
        ),
        (
            lambda: contracts.front_contract("M2K", "2019-05-05"),
            ValueError,
            "date must be 2019-05-06 or later.*2019-05-05",
        ),
        (
            lambda: contracts.front_contract("M2K", "soon"),
            ValueError,
            "date must be a date such as.*'soon'",
        ),
        (
            lambda: contracts.front_contract("M2K", 20261214),
            TypeError,
            "date must be a date such as",
        ),
        (
            lambda: contracts.front_contract("M2K", pd.NaT),
            ValueError,
            "date must be a date such as.*NaT",
        ),
        (
            lambda: contracts.front_contract("M2K", "2069-12-20"),
            ValueError,
            "year must be.*at most 2069",
        ),
    ],
)
def test_bad_codes_and_dates(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---------------------------------------------------------------- fair value and hedge


def test_fair_value():
    # Hull's stock-index example: level 1,300, yield 1 %, rate 5 %, three months.
    assert contracts.fair_value(1300, 0.05, 0.01, 365 / 4) == pytest.approx(1313.07, abs=0.005)
    assert contracts.fair_value(2400.0, 0.03, 0.03, 90) == 2400.0
    assert contracts.fair_value(2400.0, 0.05, 0.01, 0) == 2400.0


@given(st.floats(100, 10_000), st.floats(0.0, 0.2), st.floats(0.0, 0.2), st.integers(0, 400))
def test_carry_decides_the_side_of_spot(spot, rate, dividend_yield, days):
    future = contracts.fair_value(spot, rate, dividend_yield, days)
    if rate >= dividend_yield:
        assert future >= spot
    else:
        assert future <= spot


def test_fair_value_keeps_the_index():
    spot = pd.Series([2400.0, 2410.0], index=pd.to_datetime(["2030-01-02", "2030-01-03"]))
    days = pd.Series([50, 49], index=spot.index)
    result = contracts.fair_value(spot, 0.04, 0.01, days)
    assert result.index.equals(spot.index)
    assert result.iloc[1] == pytest.approx(2410 * np.exp(0.03 * 49 / 365))


def test_hedge_contracts():
    # Hull's example: 5.05 million USD, beta 1.5, index future 1,010 at 250 USD a point: 30.
    sp500_future = Contract("SP", "S&P 500", 250, 0.10, "S&P 500")
    assert contracts.hedge_contracts(5_050_000, 1.5, 1010.0, sp500_future) == 30
    assert contracts.hedge_contracts(150_000, 1.2, 2400.0) == 15
    assert contracts.hedge_contracts(-150_000, 1.2, 2400.0) == -15
    assert contracts.hedge_contracts(5_000, 1.0, 2400.0) == 0


@given(st.floats(-5e6, 5e6), st.floats(-3, 3), st.integers(1_000, 50_000))
def test_a_hedge_leaves_at_most_half_a_contract(portfolio_usd, beta, price_ticks):
    price = price_ticks / 10
    sold = contracts.hedge_contracts(portfolio_usd, beta, price)
    left_usd = portfolio_usd * beta - M2K.notional(price, sold)
    assert abs(left_usd) <= M2K.notional(price) / 2 * (1 + 1e-9)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: contracts.fair_value(2400.0, 4.5, 0.01, 90),
            ValueError,
            "rate must be.*below 1, got 4.5",
        ),
        (
            lambda: contracts.fair_value(2400.0, 0.04, 1.3, 90),
            ValueError,
            "dividend_yield must be.*got 1.3",
        ),
        (
            lambda: contracts.fair_value(2400.0, 0.04, 0.01, -1),
            ValueError,
            "days must be 0 or more, got -1.0",
        ),
        (lambda: contracts.fair_value(0, 0.04, 0.01, 1), ValueError, "spot must be above 0"),
        (
            lambda: contracts.hedge_contracts(1e5, 1.0, 0.0),
            ValueError,
            "price must be.*above 0, got 0.0",
        ),
        (
            lambda: contracts.hedge_contracts(1e5, float("nan"), 2400.0),
            ValueError,
            "beta must be.*nan",
        ),
        (
            lambda: contracts.hedge_contracts("1e5", 1.0, 2400.0),
            TypeError,
            "portfolio_usd must be.*'1e5'",
        ),
        (
            lambda: contracts.hedge_contracts(1e5, 1.0, 2400.0, "M2K"),
            TypeError,
            "contract must be a Contract.*'M2K'",
        ),
    ],
)
def test_bad_carry_and_hedge(call, error, says):
    with pytest.raises(error, match=says):
        call()


# ---------------------------------------------------------------- contracts of any kind


TICKS = [Fraction(5), Fraction(5, 2), Fraction(1, 2), Fraction(1, 32), Fraction(1, 64)]
TICKS += [Fraction(1, 2_000_000), Fraction(3, 10), Fraction(1, 400)]


def future(tick, multiplier=1.0):
    return Contract("NEW", "A new future", multiplier, float(tick), "something")


@given(
    st.sampled_from(TICKS),
    st.sampled_from([1, 5, 0.5, 1_000, 12_500_000]),
    st.integers(1, 10**6),
    st.integers(1, 10**6),
    st.integers(-1_000, 1_000),
)
def test_any_tick_is_exact(tick, multiplier, entry, exit, held):
    contract = future(tick, multiplier)
    usd = tick * Fraction(multiplier)
    assert contract.tick_value == float(usd)
    prices = [float(entry * tick), float(exit * tick)]
    assert contract.ticks(prices[0]) == entry
    assert contract.round_to_tick(prices[0]) == prices[0]
    assert contract.pnl(*prices, held) == pytest.approx(
        float((exit - entry) * held * usd), rel=4e-16
    )
    off = prices[0] + float(tick) / 3
    assert contract.round_to_tick(off) == prices[0]
    with pytest.raises(ValueError, match="price must lie on NEW's tick"):
        contract._whole_ticks("price", np.float64(off))
    # What the engine still uses: a whole number of ticks in a point, or the float next to it.
    assert contract._ticks_per_point == pytest.approx(float(1 / tick), rel=1e-15)
    assert isinstance(contract._ticks_per_point, int) == ((1 / tick).denominator == 1)


def test_a_future_of_whole_points_in_an_account():
    """CME's Nikkei: 5 USD per point, a tick of 5 points."""
    index = pd.date_range("2030-03-05 10:00", periods=4, freq="min", tz="America/New_York")
    prices = [40_000.0, 40_015, 40_020, 40_000]
    bars = pd.DataFrame({name: prices for name in ("open", "high", "low", "close")}, index)
    nikkei = future(5, 5.0)
    account = PaperAccount(bars, contract=nikkei, margin=0, commission_usd=0, slippage_ticks=1)
    account.submit(market("buy", 2))
    account.step(2)
    account.flatten()
    account.step()
    assert account.trades["entry_price"].tolist() == [40_020.0]
    assert account.cash_usd == 10_000 + (39_995 - 40_020) * 5 * 2
    assert account.journal["text"].iloc[1] == "bought 2 at 40020"
    assert risk.stop_price(40_000.0, "long", points=15, contract=nikkei) == 39_985.0
    assert risk.position_size(100_000, 0.01, 20, nikkei) == 10


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"tick_size": 0}, ValueError, "tick_size must be a finite number above 0"),
        ({"tick_size": -0.1}, ValueError, "tick_size must be a finite number above 0"),
        ({"tick_size": float("nan")}, ValueError, "tick_size must be a finite number above 0"),
        ({"tick_size": "0.1"}, TypeError, "tick_size must be a finite number above 0"),
        ({"tick_size": True}, TypeError, "tick_size must be a finite number above 0"),
        ({"tick_size": 1 / 3}, ValueError, "tick_size must be a decimal of at most 9 digits"),
        ({"tick_size": 0.1 + 0.2}, ValueError, "tick_size must be a decimal of at most 9 digits"),
        ({"multiplier": 0}, ValueError, "multiplier must be a finite number above 0"),
        ({"multiplier": None}, TypeError, "multiplier must be a finite number above 0"),
        (
            {"multiplier": 1e300},
            ValueError,
            "multiplier must be a finite number above 0 and at most",
        ),
        ({"symbol": 7}, TypeError, "symbol must be text, got 7"),
    ],
)
def test_contracts_that_are_none(changes, error, says):
    given = {"symbol": "NEW", "name": "n", "multiplier": 5, "tick_size": 0.1, "underlying": "u"}
    with pytest.raises(error, match=says):
        Contract(**given | changes)


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (
            lambda: M2K.pnl(1.0, 1e18),
            "exit must be at most 10\\*\\*12 ticks of M2K, 1e\\+11 points",
        ),
        (lambda: M2K.ticks(-1e18), "points must be at most 10\\*\\*12 ticks"),
        (lambda: M2K.round_to_tick(1e300), "price must be at most 10\\*\\*12 ticks"),
        (lambda: M2K.pnl(1.0, 1e10, 10**6), "keep the result below 2\\*\\*53 ticks"),
        (lambda: M2K.pnl(1.0, 2.0, 2**53), "contracts must be below 2\\*\\*53"),
        (lambda: M2K.notional(1e308, 1e15), "must give a finite value"),
        (
            lambda: contracts.hedge_contracts(1e300, 1.0, 2400.0),
            "must be below 2\\*\\*53 contracts",
        ),
    ],
)
def test_nothing_overflows(call, says):
    with pytest.raises(ValueError, match=says):
        call()


def test_the_largest_prices_still_count():
    assert M2K.ticks(1e11) == 10**12
    assert M2K.ticks(99_999_999_999.9) == 999_999_999_999
    assert M2K.pnl(0.1, 0.2, 2**53 - 1) == (2**53 - 1) * 0.5
    with pytest.raises(ValueError, match="points must be at most"):
        M2K.ticks(1e11 + 0.1)


# ---------------------------------------------------------------- what a pandas user types


TABLE = pd.DataFrame({"open": [2400.04, 2401.0], "close": [2399.96, 2402.06]}, index=["a", "b"])


CARRY = (0.04, 0.01, 90)


def test_a_table_is_taken_element_by_element():
    rounded = M2K.round_to_tick(TABLE)
    expected = pd.DataFrame({"open": [2400.0, 2401.0], "close": [2400.0, 2402.1]}, index=["a", "b"])
    pd.testing.assert_frame_equal(rounded, expected)
    for answer, column in (
        (M2K.notional(rounded, 2), M2K.notional(rounded["open"], 2)),
        (M2K.ticks(rounded), M2K.ticks(rounded["open"])),
        (M2K.pnl(rounded, 2400.0), M2K.pnl(rounded["open"], 2400.0)),
        (M2K.pnl(rounded, rounded + 1), M2K.pnl(rounded["open"], rounded["open"] + 1)),
        (contracts.fair_value(rounded, *CARRY), contracts.fair_value(rounded["open"], *CARRY)),
    ):
        assert list(answer.columns) == ["open", "close"]
        pd.testing.assert_series_equal(answer["open"], column)


@pytest.mark.parametrize(
    ("call", "error", "says"),
    [
        (
            lambda: M2K.round_to_tick(TABLE.assign(name="x")),
            TypeError,
            r"a table whose column 'name' holds str; choose .* price\[\['open'",
        ),
        (
            lambda: M2K.round_to_tick(TABLE.assign(up=True)),
            TypeError,
            "a table whose column 'up' holds bool",
        ),
        (
            lambda: M2K.notional(pd.concat([TABLE, TABLE[["open"]]], axis=1)),
            ValueError,
            "price must have each column once, got 'open' twice",
        ),
        (lambda: M2K.notional(TABLE, TABLE["open"]), TypeError, "can't be given together"),
        (lambda: M2K.notional(TABLE, TABLE[::-1]), ValueError, "must have the same index"),
        (
            lambda: M2K.notional(TABLE, TABLE[["close", "open"]]),
            ValueError,
            "must have the same columns",
        ),
        (lambda: M2K.notional(TABLE * np.nan), ValueError, "price must be finite throughout"),
        (lambda: M2K.notional(TABLE["open"] > 0), TypeError, "price must be .*got bool"),
        (lambda: M2K.notional(TABLE["open"].astype("str")), TypeError, "price must be .*got str"),
        (lambda: M2K.notional(np.array([True])), TypeError, "price must be a number or an array"),
        (lambda: M2K.notional(["2400"]), TypeError, "price must be a number or an array"),
        (
            lambda: M2K.notional(np.ma.array([2400.0, 9.0], mask=[0, 1])),
            TypeError,
            r"price must be an array without a mask.*price.filled\(np.nan\)",
        ),
        (
            lambda: indicators.sma(np.ma.array([1.0, 2.0], mask=[0, 1]), 1),
            TypeError,
            "close must be an array without a mask",
        ),
        (
            lambda: risk.value_at_risk(np.ma.array([0.1, -0.9], mask=[0, 1]), 0.9),
            TypeError,
            "must be an array without a mask",
        ),
        (lambda: indicators.sma(TABLE["open"], 10**30), ValueError, "window must be .* 64 bits"),
        (
            lambda: indicators.sma(pd.concat([TABLE, TABLE], axis=1), 2),
            ValueError,
            "close must have each column once, got 'open' twice",
        ),
    ],
)
def test_what_is_refused_by_name(call, error, says):
    with pytest.raises(error, match=says):
        call()


def test_whole_numbers_of_nullable_columns_are_numbers():
    held = pd.Series([1, -2], index=["a", "b"], dtype="Int64")
    assert M2K.notional(TABLE["open"].round(1), held).tolist() == [12_000.0, -24_010.0]
    with pytest.raises(ValueError, match="contracts must be finite throughout"):
        M2K.notional(TABLE["open"], held.where(held > 0))


def test_dates_of_numpy_are_dates():
    day = np.datetime64("2026-12-11")
    assert contracts.front_contract("M2K", day) == "M2KZ26"
    assert contracts.front_contract("M2K", day.astype("datetime64[ns]")) == "M2KZ26"
    with pytest.raises(ValueError, match="date must be a date .*NaT"):
        contracts.front_contract("M2K", np.datetime64("NaT"))


def test_expiries_are_days_of_the_stock_market():
    """The rule without a table against the calendar of `sessions`, over all its years."""
    days = sessions.schedule(sessions.FIRST_DAY, sessions.LAST_DAY)
    open_days = set(days.index[days["rth_open"].notna()].date)
    for year in range(2008, 2041):
        for month in (3, 6, 9, 12):
            last = contracts.last_trading_day(contracts.contract_code("ES", year, month))
            (friday,) = [
                dt.date(year, month, n)
                for n in range(15, 22)
                if dt.date(year, month, n).weekday() == 4
            ]
            assert last == (friday if friday in open_days else friday - dt.timedelta(days=1))
            assert last in open_days
