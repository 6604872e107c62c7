"""What chapter 12 tells in words, without a number that a tag could hold."""

import functools
from pathlib import Path

import numpy as np
import pytest

from m2k_lessons import contracts, data, facts, options
from m2k_lessons.explorers import options_greeks, options_hedging
from m2k_lessons.explorers.options_greeks import compute_greeks
from m2k_lessons.explorers.options_hedging import compute_payoff
from m2k_lessons.options import hedge

ROOT = Path(__file__).resolve().parents[2]
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
    return hedge.replay_protective_put(data.load("daily"), data.load("chain").truth, **how)


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


def test_the_put_without_a_skew_takes_the_middle_of_its_own_expiry():
    """The strike at the future's price, solved from its quotes in March and not in January."""
    chain = data.load("chain")["chain"]
    middle = chain[(chain["expiry"] == "2030-03-15") & (chain["strike"] == 2400)]
    found = [
        options.implied_volatility(row.mid, row.forward, row.strike, row.years, 0.04, row.kind)
        for row in middle.itertuples()
    ]
    assert np.ptp(found) < 0.002  # put and call agree
    put = march("put").loc[2300]
    flat = options.black76(2400.0, 2300.0, put["years"], 0.04, float(np.mean(found)), "put")
    assert flat * contracts.RTY.multiplier == pytest.approx(2_018, abs=15)


def test_options_under_10_20_30_and_25():
    assert [options.options_to_cover(n) for n in (10, 20, 30)] == [(1, 0), (2, 0), (3, 0)]
    assert options.options_to_cover(25) == (2, 5)


def test_which_years_the_puts_helped():
    years = replay().by_year().drop("total")
    helped = years.index[years["puts_usd"] + years["costs_usd"] > 0]
    assert helped.tolist() == ["2033", "2036", "2038"]
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


def test_one_quarter_of_2038_paid_for_its_year():
    puts = replay().puts.loc["2038"]
    assert len(puts) == 4
    june = puts.loc["2038-06"].iloc[0]
    assert june["ended"].month == 9
    assert june["gain_usd"] + puts["gain_usd"].drop(puts.index[1]).sum() > 0
    assert 1 - (june["strike"] - june["received"]) / june["forward"] == pytest.approx(
        0.15, abs=0.005
    )


def test_a_longer_put_than_ours_costs_more_dollars_and_fewer_a_day():
    chain = data.load("chain")["chain"]
    puts = chain[(chain["strike"] == 2300) & (chain["kind"] == "put")].set_index("expiry")
    ours, longer = puts.loc["2030-03-15"], puts.loc["2030-06-21"]
    assert longer["ask"] > ours["ask"]
    assert longer["ask"] / longer["years"] < ours["ask"] / ours["years"]


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


def test_the_forty_other_histories_are_those_of_the_benchmark():
    table = (ROOT / "benchmarks" / "stop_or_put.md").read_text(encoding="utf-8")
    (row,) = (line for line in table.splitlines() if line.startswith("| the course's"))
    cells = [cell.strip() for cell in row.split("|")]
    assert cells[3:6] == ["59.9 ± 1.3", "600 ± 129", "907 ± 68"]
    (even,) = (line for line in table.splitlines() if line.startswith("| even"))
    share, error = map(float, even.split("|")[3].split("±"))
    assert abs(share - 50) < 2 * error  # "half"


def test_who_is_better_off_with_stop_or_put():
    """Loop 5 once more: the put wins in most pieces that came back, and in no other."""
    market = data.load("daily")
    front, traded = market["M2K"]["close"], market["M2K_continuous"]
    realised = (traded["close"].diff() / front.shift()).rolling(21).std() * np.sqrt(252)
    years = float(march("put")["years"].iloc[0])
    wins = {"untouched": [], "stayed below": [], "came back": []}
    for start in range(22, len(front) - 41, 41):
        bars = traded.iloc[start + 1 : start + 42]
        points = 2400 * (bars - traded["close"].iloc[start]) / front.iloc[start]
        end = points["close"].iloc[-1]
        paid = options.black76(2400.0, 2300.0, years, 0.04, realised.iloc[start] + 0.05, "put")
        hit = np.flatnonzero(points["low"] <= -100)
        stop = min(-100, points["open"].iloc[hit[0]]) if len(hit) else end
        kind = "untouched" if not len(hit) else "came back" if end > -100 else "stayed below"
        wins[kind].append(max(end, -100) - paid > stop)
    counts = {kind: (sum(won), len(won)) for kind, won in wins.items()}
    assert counts == {"untouched": (0, 25), "stayed below": (0, 10), "came back": (18, 25)}


def test_the_american_floor_holds_on_every_day_and_the_european_does_not():
    """Before the end, deep below the strike, with 45 days to go."""
    terms = (1800.0, 2300.0, 45 / 365, 0.04, 0.24, "put")
    floor_usd = -(100 + 49.5) * 50
    lost = {
        style: (1800 - 2400) * 50 + (price(*terms) - 49.5) * 50
        for style, price in (("American", options.american), ("European", options.black76))
    }
    assert lost["American"] >= floor_usd - 1e-6
    assert lost["European"] < floor_usd - 50


def test_the_put_spread_has_no_floor_and_costs_what_the_text_says():
    put = march("put")
    net_usd = (put.loc[2300, "ask"] - put.loc[2200, "bid"]) * 50
    assert net_usd == pytest.approx(1_035)
    insured = options.profit(options.protective_put(2400.0, 2300.0, 49.5), [2000.0, 2100.0])
    spread = insured + (put.loc[2200, "bid"] - (2200 - np.array([2000.0, 2100.0]))) * 50
    assert spread[1] - spread[0] == pytest.approx(100 * 50)  # falls on, ten M2K's worth


def test_the_worst_put_ended_below_its_strike_and_the_real_stops():
    real = data.load("sp500")
    closes, lows = real["close"].to_numpy(), real["low"].to_numpy()
    starts = np.arange(0, len(real) - 41, 41)
    level = closes[starts] * 23 / 24
    reached = np.array([lows[s + 1 : s + 42].min() for s in starts]) <= level
    above = closes[starts + 41] > level
    assert (len(starts), reached.sum(), (reached & above).sum()) == (122, 51, 30)
    assert closes[-1] > 2 * closes[0]  # "a rising market"


def test_which_of_the_four_is_best_at_three_prices():
    put, call = march("put"), march("call")
    premium = float(put.loc[2300, "ask"])
    ways = {
        "futures": options.protective_put(2400.0, 2300.0, premium)[0],
        "put": options.protective_put(2400.0, 2300.0, premium),
        "collar": options.collar(2400.0, 2300.0, premium, 2500.0, float(call.loc[2500, "bid"])),
        "call": options.long_call(2300.0, float(call.loc[2300, "ask"])),
    }
    for price, best in ((2200.0, "collar"), (2400.0, "futures"), (2700.0, "futures")):
        assert max(ways, key=lambda name: options.profit(ways[name], price)) == best


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


def test_the_explorers_say_what_is_held_and_what_grows():
    explorer = options_hedging.explore_payoff()
    explorer.controls["calls"].value = 0
    explorer.controls["puts"].value = -2
    assert "10 M2K from 2,400, 2 puts sold at a strike of 2,300, volatility" in explorer.alt
    limits = [axes.get_ylim() for axes in explorer.figure.axes]
    explorer.controls["futures"].value = 20
    assert [axes.get_ylim() for axes in explorer.figure.axes] == limits  # or it is drawn anew
    explorer = options_greeks.explore_greeks()
    explorer.controls["price"].value = 2000.0
    explorer.controls["vol"].value = 5
    assert explorer.alt.endswith("grows by $2 a day.")  # deep in the money, by the interest
    explorer.controls["kind"].value = "call"
    assert "moves like 0.0 M2K" in explorer.alt
