import dataclasses
import datetime as dt
import importlib.util
import math
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import contracts, simulate
from m2k_lessons.simulate import trading_volume
from m2k_lessons.simulate.daily import DailyTruth, Garch, trading_days
from m2k_lessons.simulate.daily_truth import _square_below_zero
from m2k_lessons.simulate.index_paths import night_variance, share_of_falls

REPOSITORY = Path(__file__).resolve().parents[2]
PRICES = ["open", "high", "low", "close"]
FUTURES = {
    f"{micro.symbol}{kind}": micro
    for micro in (contracts.M2K, contracts.MES)
    for kind in ("", "_next", "_expiring", "_continuous")
} | {"RTY": contracts.RTY, "ES": contracts.ES}
INDEX_OF = {"M2K": "small_caps", "MES": "large_caps"}


def benchmark(name):
    folder = str(REPOSITORY / "benchmarks")
    if folder not in sys.path:  # one benchmark imports another
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(name, REPOSITORY / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look their own module up while it runs
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def market():
    return simulate.daily(10, 2030)


@pytest.fixture(scope="module")
def plain():
    """Constant volatility, normal shocks, constant beta, no jumps, no leverage."""
    return simulate.daily(30, 1, **PLAIN)


PLAIN = {
    "jumps": False,
    "changing_beta": False,
    "changing_volatility": False,
    "fat_tails": False,
    "leverage": False,
}


def log_returns(market, name):
    return np.diff(np.log(market[name]["close"].to_numpy()))


# --- form ----------------------------------------------------------------------------------


def test_every_frame_is_there_and_says_it_is_simulated(market):
    assert list(market) == [
        *("M2K", "M2K_next", "M2K_expiring", "M2K_continuous"),
        *("MES", "MES_next", "MES_expiring", "MES_continuous"),
        *("RTY", "ES", "small_caps", "large_caps", "portfolio", "rolls", "hidden"),
    ]
    for name, frame in market.items():
        assert "SIMULATED" in frame.attrs["label"], name
        assert frame.index.name == "time"
        assert str(frame.index.tz) == "America/New_York"
        assert (frame.index == frame.index.normalize()).all()
        assert frame.index.is_monotonic_increasing
        assert not frame.isna().any(axis=None)
    assert "SIMULATED" in repr(market)
    assert "SIMULATED" in repr(market.truth)


def test_columns_and_types(market):
    bars = [*PRICES, "volume"]
    for name in FUTURES:
        contract = [] if name.endswith("_continuous") else ["contract"]
        assert list(market[name].columns) == bars + contract
        assert market[name]["volume"].dtype == np.int64
        assert (market[name]["volume"] > 0).all()
        assert (market[name][PRICES].dtypes == "float64").all()
    for name in INDEX_OF.values():
        assert list(market[name].columns) == PRICES
        cents = market[name].to_numpy() * 100
        assert np.abs(cents - np.rint(cents)).max() < 1e-6
    assert list(market["portfolio"].columns) == ["close"]
    assert list(market["rolls"].columns) == ["symbol", "from_contract", "to_contract", "gap_points"]


def test_ten_years_are_the_weekdays_of_2030_to_2039_without_holidays(market):
    days = market["M2K"].index
    assert (days[0].date(), days[-1].date()) == (dt.date(2030, 1, 2), dt.date(2039, 12, 30))
    assert all(frame.index.equals(days) for name, frame in market.items() if name != "rolls")


def test_trading_days_are_those_of_the_stock_exchange():
    import pandas_market_calendars

    exchange = pandas_market_calendars.get_calendar("NYSE")
    expected = exchange.valid_days("2019-05-06", "2067-12-31").tz_localize(None)
    ours = trading_days(dt.date(2019, 5, 6), dt.date(2068, 1, 1))
    assert [str(day) for day in ours] == [f"{day:%Y-%m-%d}" for day in expected]


# --- no price that could not be ------------------------------------------------------------


def assert_possible(market):
    for name, contract in FUTURES.items():
        frame = market[name]
        ticks = contract.ticks(frame[PRICES].to_numpy())  # refuses any price off its tick
        assert ticks.min() > 0, name
        opened, high, low, close = ticks.T
        assert (high >= np.maximum(opened, close)).all(), name
        assert (low <= np.minimum(opened, close)).all(), name
    for name in INDEX_OF.values():
        frame = market[name]
        assert frame.min(axis=None) > 0
        assert (frame["high"] == frame.max(axis=1)).all()
        assert (frame["low"] == frame.min(axis=1)).all()
    assert (market["portfolio"]["close"] > 0).all()


@pytest.mark.parametrize("block", range(4))
def test_two_hundred_seeds_without_an_impossible_price(block):
    for seed in range(50 * block, 50 * block + 50):
        regime = ("normal", "calm", "crisis")[seed % 3]
        # from February to April: a roll and a last trading day are inside
        assert_possible(simulate.daily(0.2, seed, start="2031-02-10", regime=regime))


def test_ten_years_of_crisis_without_an_impossible_price():
    for seed in range(10):
        assert_possible(simulate.daily(10, seed, regime="crisis"))


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**63 - 1),
    years=st.floats(0.02, 1.5),
    start=st.dates(dt.date(2019, 5, 6), dt.date(2060, 1, 1)),
    regime=st.sampled_from(["normal", "calm", "crisis"]),
)
def test_any_start_any_length(seed, years, start, regime):
    market = simulate.daily(years, seed, start=start, regime=regime)
    assert_possible(market)
    front = market["M2K"]["contract"]
    assert front.iloc[0] == contracts.front_contract("M2K", front.index[0].date())
    assert front.iloc[-1] == contracts.front_contract("M2K", front.index[-1].date())
    assert repr(market)


# --- contracts, rolls, carry ---------------------------------------------------------------


@pytest.mark.parametrize("symbol", ["M2K", "MES", "RTY", "ES"])
def test_the_front_contract_is_the_one_a_trader_holds(market, symbol):
    held = market[symbol]["contract"]
    expected = [contracts.front_contract(symbol, day.date()) for day in held.index]
    assert held.tolist() == expected


def test_next_and_expiring_contracts(market):
    front, later = market["M2K"]["contract"], market["M2K_next"]["contract"]
    quarters = ["H", "M", "U", "Z"]
    for now, then in set(zip(front, later, strict=True)):
        assert quarters.index(then[3]) == (quarters.index(now[3]) + 1) % 4
    expiring = market["M2K_expiring"]["contract"]
    for code, days in expiring.groupby(expiring):
        assert days.index[-1].date() <= contracts.last_trading_day(code)
    ended = [code for code in expiring.unique() if code != expiring.iloc[-1]]
    assert all(
        expiring[expiring == code].index[-1].date() == contracts.last_trading_day(code)
        for code in ended
    )
    assert len(ended) == 40


def test_micro_and_standard_have_the_same_prices_and_their_own_volume(market):
    for micro, standard in (("M2K", "RTY"), ("MES", "ES")):
        pd.testing.assert_frame_equal(market[micro][PRICES], market[standard][PRICES])
        assert (market[micro]["volume"] != market[standard]["volume"]).mean() > 0.99


@pytest.mark.parametrize("symbol", ["M2K", "MES"])
def test_continuous_changes_are_what_a_position_earned(market, symbol):
    contract = contracts.get_contract(symbol)
    front, later = market[symbol], market[f"{symbol}_next"]
    prices = {}
    for frame in (front, later):
        for day, code, close in zip(frame.index, frame["contract"], frame["close"], strict=True):
            prices[day, code] = close
    days = front.index
    earned = [
        contract.ticks(prices[today, code] - prices[before, code])
        for before, today, code in zip(days[:-1], days[1:], front["contract"].iloc[1:], strict=True)
    ]
    continuous = contract.ticks(market[f"{symbol}_continuous"]["close"].to_numpy())
    assert np.diff(continuous).tolist() == earned
    assert market[f"{symbol}_continuous"].iloc[-1]["close"] == front.iloc[-1]["close"]


def test_rolls_are_on_roll_days_and_their_gaps_make_the_adjustment(market):
    rolls = market["rolls"]
    assert rolls.groupby("symbol").size().to_dict() == {"M2K": 40, "MES": 40}
    for row in rolls.itertuples():
        assert row.Index.date() == contracts.roll_day(row.from_contract)
        assert contracts.front_contract(row.symbol, row.Index.date()) == row.to_contract
    for symbol in ("M2K", "MES"):
        total = rolls.loc[rolls["symbol"] == symbol, "gap_points"].sum()
        first = market[f"{symbol}_continuous"]["close"].iloc[0] - market[symbol]["close"].iloc[0]
        assert total == pytest.approx(first, abs=1e-6)


def test_a_history_without_a_roll_has_an_empty_rolls_frame():
    market = simulate.daily(0.05, 0)
    assert len(market["rolls"]) == 0
    assert market["M2K_continuous"]["close"].equals(market["M2K"]["close"])
    assert "rolls" in repr(market)


@pytest.mark.parametrize("symbol", ["M2K", "MES"])
def test_futures_lie_at_fair_value_but_for_a_little_noise(market, symbol):
    truth, index = market.truth, market[INDEX_OF[symbol]]["close"]
    for name in (symbol, f"{symbol}_next", f"{symbol}_expiring"):
        frame = market[name]
        last_day = frame["contract"].map(contracts.last_trading_day)
        days = (pd.to_datetime(last_day).array - frame.index.tz_localize(None)).days
        fair = contracts.fair_value(
            index, rate=truth.rate, dividend_yield=truth.dividend_yield, days=days.to_numpy()
        )
        trading = days > 0  # on the last day the price is the opening, not the close
        off = (frame["close"] / fair - 1)[trading]
        assert off.abs().max() < 6e-4
        assert abs(off.mean()) < 2e-5
        if name.endswith("_expiring"):
            eve = (days == 1) | (days == 2)
            assert eve.sum() >= 40
            tick = contracts.get_contract(symbol).tick_size
            assert (frame["close"] - fair)[eve].abs().max() < 2 * tick


@pytest.mark.parametrize("symbol", ["M2K", "MES"])
def test_the_last_trading_day_settles_at_the_opening_of_the_index(market, symbol):
    contract = contracts.get_contract(symbol)
    expiring, opening = market[f"{symbol}_expiring"], market[INDEX_OF[symbol]]["open"]
    last = [
        day.date() == contracts.last_trading_day(code) for day, code in expiring["contract"].items()
    ]
    assert sum(last) == 40
    settled = expiring.loc[last, PRICES]
    expected = contract.round_to_tick(opening[last])
    for column in PRICES:
        assert (contract.ticks(settled[column] - expected) == 0).all()


# --- the same draw, and its parts ------------------------------------------------------------


def test_the_same_seed_gives_the_same_frames_and_another_seed_others():
    one, again, other = (simulate.daily(0.5, seed) for seed in (3, 3, 4))
    for name in one:
        pd.testing.assert_frame_equal(one[name], again[name])
    assert one.truth == again.truth
    for name in ("M2K", "MES", "small_caps", "large_caps", "portfolio", "hidden"):
        assert not one[name].equals(other[name])


def test_a_short_history_is_the_beginning_of_a_long_one(market):
    short = simulate.daily(2, 2030)
    for name in short:
        if "continuous" not in name:  # whose past is adjusted by what comes later
            pd.testing.assert_frame_equal(short[name], market[name].loc[: short[name].index[-1]])


def test_other_shocks_stay_when_jumps_are_switched_off():
    with_jumps = simulate.daily(10, 5, changing_volatility=False)
    without = simulate.daily(10, 5, changing_volatility=False, jumps=False)
    extra = log_returns(with_jumps, "large_caps") - log_returns(without, "large_caps")
    jumped = np.abs(extra - np.median(extra)) > 1e-4
    assert 5 <= jumped.sum() <= 30  # 15 expected
    assert np.ptp(extra[~jumped]) < 1e-5  # rounding of the index


def test_switches_change_what_they_say(plain):
    truth, hidden = plain.truth, plain["hidden"]
    assert (truth.jumps_per_year, truth.beta_deviation) == (0, 0)
    assert truth.large.nu == truth.size.nu == math.inf
    assert (hidden.nunique() == 1).all()
    for name in ("small_caps", "large_caps"):
        returns = log_returns(plain, name)
        standard = (returns - returns.mean()) / returns.std()
        # standard errors of skew and kurtosis of a normal sample
        assert abs(np.mean(standard**3)) < 4 * math.sqrt(6 / len(returns))
        assert abs(np.mean(standard**4) - 3) < 4 * math.sqrt(24 / len(returns))
    full = simulate.daily(10, 1)["hidden"]
    assert (full.max() / full.min() > 1.1).all()


def test_plain_market_has_the_volatilities_and_correlation_of_its_truth(plain):
    small, large = log_returns(plain, "small_caps"), log_returns(plain, "large_caps")
    n, truth = len(small), plain.truth
    for returns, volatility in ((small, truth.volatility_small), (large, truth.volatility_large)):
        assert abs(returns.std() * math.sqrt(252) / volatility - 1) < 4 / math.sqrt(2 * n)
        assert abs(returns.mean() * 252 - truth.drift) < 4 * volatility / math.sqrt(n / 252)
    correlation = np.corrcoef(small, large)[0, 1]
    assert abs(correlation - truth.correlation) < 4 * (1 - truth.correlation**2) / math.sqrt(n)
    first = plain["hidden"].iloc[0]
    assert first["volatility_small"] == pytest.approx(truth.volatility_small, abs=1e-6)
    assert first["correlation"] == pytest.approx(truth.correlation, abs=1e-6)


def test_highs_and_lows_are_those_of_a_continuous_path(plain):
    # Feller 1951: the mean range of Brownian motion is sqrt(8 / pi) standard deviations. The
    # proportions of the half hours don't matter, they only change the clock.
    share = 1 - plain.truth.overnight_share
    for name, volatility in (
        ("small_caps", plain.truth.volatility_small),
        ("large_caps", plain.truth.volatility_large),
    ):
        day = volatility * math.sqrt(share / 252)
        reach = np.log(plain[name]["high"] / plain[name]["low"])
        assert reach.mean() / day == pytest.approx(math.sqrt(8 / math.pi), rel=0.015)


def test_the_night_has_its_share_of_variance(plain):
    bars = plain["small_caps"]
    night = np.log(bars["open"].to_numpy()[1:] / bars["close"].to_numpy()[:-1])
    day = np.log(bars["close"] / bars["open"]).to_numpy()[1:]
    share = night.var() / (night.var() + day.var())
    assert share == pytest.approx(plain.truth.overnight_share, abs=0.02)
    assert abs(np.corrcoef(night, day)[0, 1]) < 4 / math.sqrt(len(day))


def test_nothing_about_direction_is_known_from_the_past():
    # 40 histories pooled; the error is that of the mean over histories
    coefficients = []
    for seed in range(40):
        returns = log_returns(simulate.daily(5, seed), "small_caps")
        coefficients.append(np.corrcoef(returns[1:], returns[:-1])[0, 1])
    assert abs(np.mean(coefficients)) < 4 * np.std(coefficients) / math.sqrt(40)


def test_volume_follows_the_range_more_than_the_close(market):
    returns = pd.Series(log_returns(market, "small_caps"), index=market["M2K"].index[1:]).abs()
    total = market["M2K"]["volume"] + market["M2K_next"]["volume"]
    bars = market["small_caps"]
    height = np.log(bars["high"] / bars["low"]).iloc[1:]
    busy = np.log(total).iloc[1:]
    of_range, of_close = (one.corr(busy, method="spearman") for one in (height, returns))
    assert of_range > 0.5
    assert 0.3 < of_close < of_range - 0.05
    share = market["M2K_next"]["volume"] / total
    roll = market["rolls"].query("symbol == 'M2K'").index
    eve = share[share.index.isin([share.index[share.index < day][-1] for day in roll])]
    assert eve.min() > share.median()


def test_the_portfolio_has_its_beta_and_its_own_risk(market):
    import statsmodels.api as sm

    truth = market.truth
    fund, small = log_returns(market, "portfolio"), log_returns(market, "small_caps")
    fit = sm.OLS(fund, sm.add_constant(small)).fit()
    assert abs(fit.params[1] - truth.portfolio_beta) < 3 * fit.bse[1]
    own = math.sqrt(252 * fit.scale)
    assert abs(own / truth.portfolio_own_volatility - 1) < 3 / math.sqrt(2 * len(fund))
    assert market["portfolio"]["close"].iloc[0] == pytest.approx(150_000, rel=0.1)


def test_regimes_are_ordered():
    truths = [simulate.daily(0.1, 0, regime=name).truth for name in ("calm", "normal", "crisis")]
    for name in ("volatility_small", "volatility_large", "volatility_difference"):
        figures = [getattr(truth, name) for truth in truths]
        assert figures == sorted(figures)
    assert [truth.regime for truth in truths] == ["calm", "normal", "crisis"]


# --- the answer key ------------------------------------------------------------------------


def test_truth_is_frozen_and_can_be_drawn_from():
    truth = simulate.daily(1, 2).truth
    with pytest.raises(dataclasses.FrozenInstanceError):
        truth.drift = 1.0
    changed = simulate.daily(1, 2, truth=dataclasses.replace(truth, drift=0.25))
    assert changed.truth.drift == 0.25
    assert changed.truth.regime == "custom"
    difference = log_returns(changed, "large_caps") - log_returns(
        simulate.daily(1, 2), "large_caps"
    )
    assert difference.mean() * 252 == pytest.approx(0.20, abs=1e-4)


def test_derived_figures_by_hand():
    truth = DailyTruth(
        seed=0,
        years=1,
        start=dt.date(2030, 1, 2),
        regime="custom",
        large=Garch(omega=0.5, alpha=0.1, gamma=0.2, beta=0.3, nu=8.0),  # persistence 0.5
        size=Garch(omega=0.36, alpha=0.0, gamma=0.0, beta=0.0, nu=8.0),
        spillover=0.0,
        beta_mean=1.2,
        beta_deviation=0.0,
        beta_half_life_days=100.0,
        jumps_per_year=0.0,
        jump_mean_pct=-2.0,
        jump_deviation_pct=1.0,
        leverage=0.0,
    )
    # large: variance 1; small: 1.44 + 0.36 = 1.8; difference: 0.04 + 0.36 = 0.4
    year = math.sqrt(252) / 100
    assert truth.volatility_large == pytest.approx(year, abs=1e-9)
    assert truth.volatility_small == pytest.approx(math.sqrt(1.8) * year, abs=1e-9)
    assert truth.volatility_difference == pytest.approx(math.sqrt(0.4) * year, abs=1e-9)
    assert truth.beta == 1.2
    assert truth.correlation == pytest.approx(1.2 / math.sqrt(1.8), abs=1e-9)
    assert truth.carry == 0.027
    assert truth.futures_drift == 0.023
    # 25.2 falls a year of exactly 2 %: chance 0.1, echo 0.1 * (0.1 + 0.2) * 4 = 0.12, so the
    # mean is (0.5 + 0.12) / 0.5 = 1.24; the jumps' own variance is 0.1 * 4 - 0.2**2 = 0.36
    falls = dataclasses.replace(truth, jumps_per_year=25.2, jump_deviation_pct=0.0)
    assert falls.volatility_large == pytest.approx(math.sqrt(1.24 + 0.36) * year, abs=1e-9)
    assert falls.beta == pytest.approx(1.2)
    # With leverage falls hold more than half of the mean square: 0.1 + 0.2 * share + 0.3
    skewed = dataclasses.replace(truth, leverage=0.3)
    persistence = 0.4 + 0.2 * share_of_falls(0.3)
    assert skewed.volatility_large == pytest.approx(math.sqrt(0.5 / (1 - persistence)) * year)
    # The parts of a day and of the volume change nothing in the close's second moments.
    for change in ({"volatility_carried": 0.9}, {"dip": 1.0}, {"night_deviation": 0.6}):
        assert dataclasses.replace(truth, **change).derived() == truth.derived()


@pytest.mark.parametrize("leverage", [1e-5, 0.17, 0.8])
def test_share_of_falls_by_integration(leverage):
    w = np.linspace(-14, 14, 2_000_001)
    density = np.exp(-(w**2) / 2) / math.sqrt(2 * math.pi)
    day = -np.expm1(-leverage * w - leverage**2 / 2) / leverage
    square = day**2 * density
    share = np.trapezoid(np.where(day < 0, square, 0), w) / np.trapezoid(square, w)
    assert share_of_falls(leverage) == pytest.approx(share, abs=2e-5)


def test_mean_square_below_zero_by_integration():
    x = np.linspace(-12, 0, 400_001)
    density = np.exp(-(((x + 2.2) / 1.3) ** 2) / 2) / (1.3 * math.sqrt(2 * math.pi))
    assert _square_below_zero(-2.2, 1.3) == pytest.approx(np.trapezoid(x**2 * density, x), rel=1e-8)
    assert _square_below_zero(-2.0, 0.0) == 4.0
    assert _square_below_zero(2.0, 0.0) == 0.0


def test_population_figures_are_recovered_by_many_histories():
    # 60 seeds here, 200 in the benchmark
    for name, one in benchmark("recovery").population(seeds=60, years=5).items():
        assert abs(one.pooled - one.truth) < 3.5 * one.pooled_error, name
        assert one.share_within >= 0.95, name


SEEDS = {
    **{"large": 6, "size": 6, "beta": 2, "jumps": 6},
    **{"leverage": 4, "dip": 2, "nights": 2, "volume": 3},
}


@pytest.mark.parametrize("component", SEEDS)
def test_components_are_recovered(component):
    recovery = benchmark("recovery")
    seeds = SEEDS[component]
    components = recovery.COMPONENTS + benchmark("recovery_parts").COMPONENTS
    chosen = next(one for one in components if one.name == component)
    estimates = recovery.run(chosen, seeds)
    shares = [recovery.share_within(estimates, parameter) for parameter in estimates[0]]
    assert np.mean(shares) >= 0.95
    assert min(shares) >= 1 - 1 / seeds  # one seed may miss; the benchmark has two hundred


def test_recovery_notices_another_truth():
    recovery = benchmark("recovery")
    market = simulate.daily(10, 0, jumps=False, leverage=False)
    other = dataclasses.replace(market.truth.large, gamma=0.02)
    returns = 100 * log_returns(market, "large_caps")
    assert abs(recovery.garch(returns, other)["gamma"].distance) > 3


# --- within the day, and from one day to the next ---------------------------------------------


def only(**changes):
    """Nights of one length, no jumps, and what the test is about."""
    quiet = {
        "night_exponent": 0.0,
        "night_deviation": 0.0,
        "leverage": 0.0,
        "volatility_carried": 0.0,
        "dip": 0.0,
    }
    return dataclasses.replace(simulate.daily(0.1, 0).truth, **(quiet | changes))


def correlation_with_error(x, y):
    return np.corrcoef(x, y)[0, 1], 1 / math.sqrt(len(x))


def test_a_fall_in_the_night_makes_a_wide_day_and_only_with_leverage():
    switches = PLAIN | {"leverage": True}
    found = {}
    for leverage in (0.0, 0.25):
        bars = simulate.daily(30, 4, truth=only(leverage=leverage), **switches)["large_caps"]
        logs = np.log(bars)
        gap = (logs["open"] - logs["close"].shift())[1:]
        found[leverage] = correlation_with_error(gap, (logs["high"] - logs["low"])[1:])
    (without, error), (with_leverage, _) = found[0.0], found[0.25]
    assert abs(without) < 4 * error
    assert with_leverage < -6 * error


def test_the_day_after_a_fall_is_wide_only_where_volatility_is_carried():
    switches = PLAIN | {"leverage": True, "changing_volatility": True}
    constant = Garch(omega=0.8, alpha=0.0, gamma=0.0, beta=0.0, nu=math.inf)
    found = {}
    for carried in (0.0, 0.6):
        truth = only(leverage=0.25, volatility_carried=carried, large=constant)
        bars = simulate.daily(30, 5, truth=truth, **switches)["large_caps"]
        logs = np.log(bars)
        height = (logs["high"] - logs["low"]).to_numpy()
        returns = np.diff(logs["close"])
        found[carried] = [
            correlation_with_error(returns[: len(returns) - lag], height[1 + lag :])
            for lag in (1, 12)
        ]
    for value, error in found[0.0]:
        assert abs(value) < 4 * error
    assert found[0.6][0][0] < -6 * found[0.6][0][1]
    assert abs(found[0.6][1][0]) < 4 * found[0.6][1][1]  # 0.6 ** 12 is nothing


def test_carried_volatility_and_leverage_keep_the_mean_variance():
    switches = PLAIN | {"leverage": True, "changing_volatility": True}
    constant = Garch(omega=0.8, alpha=0.0, gamma=0.0, beta=0.0, nu=math.inf)
    truth = only(leverage=0.25, volatility_carried=0.6, large=constant)
    squares = []
    for seed in range(12):
        returns = 100 * log_returns(simulate.daily(20, seed, truth=truth, **switches), "large_caps")
        squares.append(returns.var())
    error = np.std(squares, ddof=1) / math.sqrt(len(squares))
    assert abs(np.mean(squares) - 0.8) < 4 * error


def test_dips_deepen_lows_as_much_as_they_flatten_highs():
    switches = PLAIN | {"leverage": True}
    level, dips = (
        simulate.daily(20, 6, truth=only(dip=dip), **switches)["small_caps"] for dip in (0, 0.5)
    )
    for column in ("open", "close"):
        pd.testing.assert_series_equal(level[column], dips[column])
    assert (dips["low"] <= level["low"]).all()
    assert (dips["high"] <= level["high"]).all()
    place = {
        name: ((bars["close"] - bars["low"]) / (bars["high"] - bars["low"])).mean()
        for name, bars in (("level", level), ("dips", dips))
    }
    assert place["dips"] - place["level"] > 0.015
    height = [np.log(bars["high"] / bars["low"]).mean() for bars in (level, dips)]
    assert height[1] == pytest.approx(height[0], rel=0.02)


def test_nights_by_hand():
    # Thursday, Friday, Monday, Wednesday: nights of 17.5, 65.5 and 41.5 hours before the last three
    days = np.array(["2031-01-02", "2031-01-03", "2031-01-06", "2031-01-08"], "datetime64[D]")
    week = (4 * 17.5 + 65.5) / (5 * 17.5)
    expected = np.array([1, 1, 65.5 / 17.5, 41.5 / 17.5]) / week
    assert night_variance(days, 1.0) == pytest.approx(expected)
    assert (night_variance(days, 0.0) == 1).all()


def test_mondays_have_larger_gaps_and_ordinary_days():
    truth = dataclasses.replace(simulate.daily(0.1, 0).truth, night_deviation=0.0)
    bars = simulate.daily(30, 3, truth=truth, **PLAIN)["small_caps"]
    logs = np.log(bars)
    gap, day = (logs["open"] - logs["close"].shift())[1:], (logs["close"] - logs["open"])[1:]
    monday = gap.index.day_of_week == 0
    ratio, error = gap[monday].std() / gap[~monday].std(), 1 / math.sqrt(2 * monday.sum())
    # 3.74 ** 0.28 in variance; a few other nights are long as well.
    assert abs(ratio - 1.19) < 4 * error
    assert abs(day[monday].std() / day[~monday].std() - 1) < 4 * error


def test_the_nights_share_differs_from_year_to_year_and_keeps_its_mean():
    shares = {}
    for deviation in (0.0, 0.5):
        truth = only(night_deviation=deviation)
        of_years = []
        for seed in range(6):
            logs = np.log(simulate.daily(30, seed, truth=truth, **PLAIN)["small_caps"])
            squares = pd.DataFrame(
                {
                    "night": (logs["open"] - logs["close"].shift()) ** 2,
                    "day": (logs["close"] - logs["open"]) ** 2,
                }
            )
            by_year = squares.iloc[: 29 * 251].groupby(np.arange(29 * 251) // 251).mean()
            of_years.append(by_year["night"] / by_year["day"].mean())
        shares[deviation] = np.array(of_years)
    # A mean of 252 squares of each scatters by 9 % of a ratio of .43.
    assert shares[0.0].std() == pytest.approx(0.43 * math.sqrt(2 / 252), rel=0.25)
    assert shares[0.5].std() > 2.5 * shares[0.0].std()
    assert abs(shares[0.0].mean() - 0.3 / 0.7) < 0.01
    # A lognormal multiplier of which a history has a new value every 2 * 250 / ln 2 = 721 days.
    error = 0.3 / 0.7 * math.sqrt(math.expm1(0.5**2) / (6 * 29 * 251 / 721))
    assert abs(shares[0.5].mean() - 0.3 / 0.7) < 4 * error


def test_volume_has_a_wave_and_no_volume_is_lost_by_a_day_without_a_range():
    flat = {name: np.full(500, 100.0) for name in ("high", "low", "close")}
    rng = np.random.default_rng(3)
    busy = trading_volume.log_activity(rng, flat, 0.01, wave=0.3, kept=0.9)
    assert np.isfinite(busy).all()
    assert busy.std() == pytest.approx(0.3, rel=0.35)
    assert np.corrcoef(busy[1:], busy[:-1])[0, 1] == pytest.approx(0.9, abs=0.08)
    wide = {"high": np.full(500, 103.0), "low": np.full(500, 100.0), "close": np.full(500, 101.0)}
    still, moving = (
        trading_volume.log_activity(np.random.default_rng(4), bars, 0.01, wave=0.0)
        for bars in (wide, wide | {"high": np.full(500, 106.0)})
    )
    expected = trading_volume.ON_RANGE * np.log(np.log(1.06) / np.log(1.03))
    assert moving - still == pytest.approx(np.full(500, expected))


# --- realism ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def realism():
    return benchmark("realism")


@pytest.fixture(scope="module")
def tables(realism):
    return sys.modules["realism_table"]


@pytest.fixture(scope="module")
def measured(realism, tables):
    return tables.run(realism.SECTIONS[0], seeds=60)


def test_the_normal_regime_is_as_real_as_the_table_says(measured):
    assert measured.met("2010–2019"), measured.markdown()
    assert len(measured.verdicts("2010–2019")) == 26


@pytest.fixture(scope="module")
def measured_bars(realism, tables):
    section = next(one for one in realism.SECTIONS if one.name == "daily-bars")
    return tables.run(section, seeds=60)


def test_the_bars_are_as_real_as_the_table_says(tables, measured_bars):
    assert measured_bars.met("2010–2019"), measured_bars.markdown()
    assert len(measured_bars.verdicts("2010–2019")) == 28
    wrong = dataclasses.replace(
        measured_bars.section, real={"wrong": {"log volume, log range": 0.37}}
    )
    assert not tables.Outcome(wrong, measured_bars.values).met("wrong")


def test_bars_made_by_hand(realism):
    """Friday to Monday and on: every figure that can be worked out on paper."""
    closes = [100.0, 110.0, 99.0, 103.0]
    bars = pd.DataFrame(
        {
            "open": [100.0, 105.0, 104.0, 100.0],
            "high": [100.0, 112.0, 105.0, 104.0],
            "low": [99.0, 104.0, 98.0, 99.0],
            "close": closes,
        },
        index=pd.DatetimeIndex(["2031-01-02", "2031-01-03", "2031-01-06", "2031-01-07"]),
    )
    figures = realism.measure_bars(pd.concat([bars] * 12), None)
    places = np.log([100 / 99, 110 / 104, 99 / 98, 103 / 99]) / np.log(
        [100 / 99, 112 / 104, 105 / 98, 104 / 99]
    )
    # The first day has no return and is left out.
    assert figures["mean place of the close in the range"] == pytest.approx(
        (12 * places.sum() - places[0]) / 47
    )
    gaps = np.log([100 / 103, 105 / 100, 104 / 110, 100 / 99])
    moves = np.log([100 / 103, 110 / 100, 99 / 110, 103 / 99])
    ratio = np.std(np.tile(gaps, 12)[1:]) / np.std(np.tile(moves, 12)[1:])
    assert figures["gap over close-to-close, standard deviations"] == pytest.approx(ratio)
    # All Mondays are alike.
    assert figures["standard deviation of Mondays' gap, over other days'"] == pytest.approx(0)


def test_the_table_can_fail(realism, tables, measured):
    section = dataclasses.replace(
        measured.section, real={"wrong": realism.REAL_DAILY["2010–2019"] | {"beta": 2.0}}
    )
    outcome = tables.Outcome(section, measured.values)
    assert outcome.verdict("beta", 2.0) == tables.FAR_OUTSIDE
    assert not outcome.met("wrong")
    assert "**Target not met.**" in outcome.markdown()


def test_the_committed_table_is_there_and_rewriting_keeps_the_rest(tables, measured, tmp_path):
    committed = (REPOSITORY / "data" / "README.md").read_text(encoding="utf-8")
    assert "normal regime, against 2010–2019** (200 seeds)" in committed
    assert "Target met." in committed
    copy = tmp_path / "README.md"
    copy.write_text(committed, encoding="utf-8", newline="\n")
    tables.write([measured], copy)
    text = copy.read_text(encoding="utf-8")
    assert "(60 seeds)" in text
    start, end = "<!-- realism:daily -->", "<!-- /realism:daily -->"
    assert text.split(start)[0] == committed.split(start)[0]
    assert text.split(end)[1] == committed.split(end)[1]


def test_the_course_history_is_an_ordinary_draw(realism, measured, measured_bars, market):
    course = realism.measure_daily(market) | realism.measure_market_bars(market)
    for outcome in (measured, measured_bars):
        for name, values in outcome.values.items():
            if name not in outcome.section.reported:
                assert 0.03 < np.mean(values < course[name]) < 0.97, name
    for index in INDEX_OF.values():
        trends = [log_returns(simulate.daily(10, seed), index).sum() for seed in range(60)]
        assert 0.5 < np.mean(np.array(trends) < log_returns(market, index).sum()) < 0.9


# --- bad arguments -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"years": 0}, ValueError, "years must be a finite number above 0, got 0"),
        ({"years": -1}, ValueError, "years must be"),
        ({"years": math.nan}, ValueError, "years must be a finite number"),
        ({"years": "ten"}, TypeError, "years must be .* got 'ten'"),
        ({"years": 60}, ValueError, "years must end the history before 2068, got 60"),
        ({"years": 1e9}, ValueError, "years must end the history before 2068"),
        ({"years": 0.001}, ValueError, "years must hold at least one trading day, got 0.001"),
        ({"seed": 1.5}, ValueError, "seed must be a whole number at least 0, got 1.5"),
        ({"seed": -1}, ValueError, "seed must be"),
        ({"seed": None}, TypeError, "seed must be"),
        ({"start": "2019-05-03"}, ValueError, "start must be 2019-05-06 or later"),
        ({"start": "soon"}, ValueError, "start must be a date"),
        ({"regime": "mad"}, ValueError, "regime must be one of 'normal', 'calm', 'crisis'"),
        ({"jumps": 0}, TypeError, "jumps must be True or False, got 0"),
        ({"fat_tails": "no"}, TypeError, "fat_tails must be True or False"),
        ({"leverage": 1}, TypeError, "leverage must be True or False, got 1"),
        ({"truth": 7}, TypeError, "truth must be a DailyTruth"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        simulate.daily(**({"years": 1, "seed": 0} | arguments))


def test_bad_truths_are_named():
    truth = simulate.daily(0.1, 0).truth
    with pytest.raises(ValueError, match="regime must be left out when truth is given"):
        simulate.daily(1, 0, truth=truth, regime="calm")
    for name, value in (
        ("spillover", 1.5),
        ("beta_half_life_days", 0.0),
        ("overnight_share", 1.0),
        ("leverage", 1.5),
        ("volatility_carried", 1.0),
        ("dip", -0.1),
        ("night_exponent", -1.0),
        ("volume_kept", 1.0),
        ("small_caps", -5.0),
        ("jumps_per_year", 300.0),
        ("beta_deviation", -0.1),
        ("rate", math.nan),
    ):
        with pytest.raises(ValueError, match=f"{name} must be .* got {value!r}"):
            dataclasses.replace(truth, **{name: value})
    with pytest.raises(ValueError, match="persistence below 1 with the leverage within days"):
        dataclasses.replace(truth, leverage=1.0)
    with pytest.raises(TypeError, match="large must be a Garch"):
        dataclasses.replace(truth, large=0.2)
    with pytest.raises(ValueError, match="back-adjusted prices above 0"):
        simulate.daily(30, 0, truth=dataclasses.replace(truth, dividend_yield=0.3, drift=0.3))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"omega": 0.0}, "omega must be"),
        ({"alpha": -0.1}, "alpha must be"),
        ({"nu": 2.0}, "nu must be above 2"),
        ({"nu": math.nan}, "nu must be above 2"),
        ({"beta": 1.0}, "must be below 1"),
    ],
)
def test_bad_garch_parameters_are_named(arguments, message):
    good = {"omega": 0.02, "alpha": 0.02, "gamma": 0.18, "beta": 0.86, "nu": 8.0}
    with pytest.raises(ValueError, match=message):
        Garch(**(good | arguments))
