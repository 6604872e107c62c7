"""What chapter 12 tells in words, without a number that a tag could hold."""

import functools

import numpy as np
import pytest

from m2k_lessons import contracts, data, facts, options, options_hedge
from m2k_lessons.explorers.options_greeks import compute_greeks
from m2k_lessons.explorers.options_hedging import compute_payoff

M2K = contracts.M2K
START = {
    "futures": 10,
    "put_strike": 2300.0,
    "puts": 1,
    "call_strike": 2500.0,
    "calls": -1,
    "days": 30,
    "vol": 22,
}


@functools.cache
def replay(**how):
    return options_hedge.replay_protective_put(data.load("daily"), data.load("chain").truth, **how)


def march(kind):
    chain = data.load("chain")["chain"]
    chosen = chain[(chain["expiry"] == "2030-03-15") & (chain["kind"] == kind)]
    return chosen.set_index("strike")


def test_the_story_s_numbers():
    put = march("put").loc[2300]
    assert put["ask"] * contracts.RTY.multiplier == pytest.approx(2_475)
    assert M2K.notional(2400.0, 10) == 120_000
    assert 7_475 < 7_500  # "about 7,500" is what can't be borne, and the put keeps below it
    assert (2400 - 2300 + put["ask"]) * 50 == pytest.approx(7_475)
    assert round(365 * put["years"]) == 59  # "two months", "six times a year"
    assert 6 < 1 / put["years"] < 6.5
    assert put["underlying"] == "RTYH30"  # ten M2K of March are what it covers
    assert contracts.front_contract("M2K", "2030-01-15") == "M2KH30"
    assert facts.fact("options.listed_on_M2K").as_of.strftime("%B %Y") == "November 2026"


def test_options_under_10_20_30_and_25():
    assert [options.options_to_cover(n) for n in (10, 20, 30)] == [(1, 0), (2, 0), (3, 0)]
    assert options.options_to_cover(25) == (2, 5)


def test_which_years_the_puts_helped():
    years = replay().by_year().drop("total")
    helped = years.index[years["puts_usd"] + years["costs_usd"] > 0]
    assert helped.tolist() == ["2033", "2038"]
    fell = years.index[years["futures_usd"] < 0]
    assert fell.tolist() == ["2032", "2033", "2034"]
    assert replay().puts.index[0].month == 2  # "the first year begins in February"
    market = data.load("daily")["M2K"]["close"]
    assert market.iloc[-1] > 2 * market.iloc[0]


def test_each_quarter_draws_its_floor_anew():
    puts = replay().puts
    assert np.abs(puts["strike"] / puts["forward"] - 0.95).max() < 0.003
    year = puts.loc["2032-12":"2033-11"]
    assert len(year) == 4
    paid = year["received"] > 0
    assert 0 < paid.sum() < 4  # some quarters of the year that fell brought nothing back


def test_one_year_decides_between_holding_and_rolling():
    front = data.load("daily")["M2K"]["close"]
    start_usd = 50 * front.groupby(front.index.year.astype(str)).first()
    pct = [
        100 * one.by_year()[["puts_usd", "costs_usd"]].sum(axis=1).drop("total") / start_usd
        for one in (replay(), replay(days_to_expiry=121, roll_days=30))
    ]
    difference = (pct[1] - pct[0]).loc["2031":]
    assert difference.mean() < 0 < difference.drop("2038").mean()
    assert difference.abs().idxmax() == "2038"
    rolled = replay(days_to_expiry=121, roll_days=30).puts.iloc[:-1]
    left = [(e.date() - d.date()).days for e, d in zip(rolled.expires, rolled.ended, strict=True)]
    assert min(left) >= 30  # "always has a month of life left"


def test_the_call_lies_on_the_protective_put():
    grid = np.arange(2000.0, 2801.0, 10.0)
    insured = options.protective_put(2400.0, 2300.0, float(march("put").loc[2300, "ask"]))
    call = options.long_call(2300.0, float(march("call").loc[2300, "ask"]))
    gap_usd = options.profit(insured, grid) - options.profit(call, grid)
    assert np.abs(gap_usd).max() < 10


def test_ten_years_earn_less_than_the_puts_cost_in_a_year_without_payment():
    truth = data.load("daily").truth
    assert 100 * (truth.futures_drift + truth.volatility_small**2 / 2) < 12.8


def test_early_exercise_matters_deep_in_the_money_and_at_high_rates():
    def extra(strike, rate):
        terms = (2400.0, strike, 59 / 365, rate, 0.24, "put")
        return options.american(*terms) - options.black76(*terms)

    assert extra(2300.0, 0.04) < 0.05
    assert extra(2800.0, 0.04) > 20 * extra(2300.0, 0.04)
    assert extra(2300.0, 0.10) > extra(2300.0, 0.04)


def test_greeks_by_small_steps():
    """Each Greek of the chapter's put is the slope that a small step of `black76` gives."""
    terms = {"forward": 2400.0, "strike": 2300.0, "years": 0.16, "rate": 0.04, "volatility": 0.24}
    greek = options.greeks(**terms, kind="put")

    def slope(name, step):
        up, down = (
            options.black76(**terms | {name: terms[name] + sign * step}, kind="put")
            for sign in (1, -1)
        )
        return (up - down) / (2 * step)

    assert slope("forward", 0.01) == pytest.approx(greek.delta, rel=1e-6)
    assert slope("volatility", 1e-4) / 100 == pytest.approx(greek.vega, rel=1e-5)
    assert -slope("years", 1e-5) / 365 == pytest.approx(greek.theta, rel=1e-5)
    assert abs(50 * greek.rho) < 5  # "a few dollars"


def test_nights_of_the_simulated_market_jump_by_a_few_in_a_hundred():
    market = data.load("daily")
    front, traded = market["M2K"]["close"], market["M2K_continuous"]
    night = ((traded["open"] - traded["close"].shift()) / front.shift()).min()
    assert -0.05 < night < -0.02


def test_what_the_payoff_builder_answers():
    strikes = np.arange(2400.0, 2700.0, 10.0)
    premiums = [compute_payoff(**START | {"call_strike": k})["premium_usd"] for k in strikes]
    assert strikes[np.argmin(np.abs(premiums))] == 2510
    assert compute_payoff(**START | {"call_strike": 2510.0})["expiry_usd"][160] < 5_600
    alone = compute_payoff(**START | {"puts": 0, "calls": 0})
    assert alone["expiry_usd"][160] == 15_000
    assert (alone["now_usd"] == alone["expiry_usd"]).all()
    nothing = compute_payoff(**START | {"futures": 0, "puts": 0, "calls": 0})
    assert not nothing["expiry_usd"].any()


def test_what_the_greeks_explorer_answers():
    def melt(price, days):
        return compute_greeks("put", price, days, 22)["melt"][-1]

    assert melt(2400.0, 15) / melt(2400.0, 60) == pytest.approx(2, rel=0.02)
    doubled = next(days for days in range(60, 0, -1) if melt(2400.0, days) >= 2 * melt(2400.0, 60))
    assert doubled == 15
    assert melt(2500.0, 15) < 2 * melt(2500.0, 60)
    assert melt(2500.0, 2) < melt(2500.0, 15)  # "in the last days it falls again"
