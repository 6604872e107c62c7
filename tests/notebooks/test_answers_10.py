"""What chapter 10 tells in words, without a number that a tag could hold."""

import datetime as dt

import numpy as np
import pandas as pd
import pytest
from dateutil.easter import easter

from m2k_lessons import backtest, data, events, simulate
from m2k_lessons.explorers.reports_and_news import DRAWS, EDGES, KINDS, compute


@pytest.fixture(scope="module")
def market():
    return data.load("releases")


@pytest.fixture(scope="module")
def returns(market):
    return events.bar_returns(market["M2K"]["close"])


def of_kind(table, kind):
    return table[table["release"] == kind]


def test_the_opening_counts(market):
    assert len(market["releases"]) == 440
    assert 2 * 15 * 5 == 150
    assert {one.surprise_scale for one in market.truth.releases if one.name == "employment"} == {75}


def test_loop_1_jobless_claims_are_most_of_the_early_releases():
    year = events.calendar("2026-01-01", "2026-12-31")
    early = year[year["session"] == "ETH"]["release"].value_counts()
    assert early.idxmax() == "jobless claims"
    for kind in ("employment", "CPI", "retail sales"):
        assert early[kind] == 12


def test_loop_1_what_happened_in_the_autumn_of_2025():
    jobs = of_kind(events.calendar("2025-01-01", "2025-12-31"), "employment")
    noted = jobs[jobs["note"].str.contains("shutdown")].index
    assert noted.strftime("%m-%d").tolist() == ["10-03", "11-07"]


def size_of_moves(market, returns, kind):
    """By another route than `event_study`: multiples of the controls, minute by minute."""
    table = returns.abs().groupby([market["M2K"]["window"], market["M2K"]["minute"]]).first()
    events_, quiet = (
        table.loc[of_kind(market[name], kind)["window"]].groupby(level=1).mean()
        for name in ("releases", "controls")
    )
    return events_ / quiet


def test_loop_2_what_the_minutes_before_and_after_look_like(market, returns):
    jobs, rate = (size_of_moves(market, returns, kind) for kind in ("employment", "rate decision"))
    assert abs(jobs.loc[-20:-1].mean() - 1) < 0.05
    assert abs(jobs.loc[30:44].mean() - 1.1) < 0.05
    assert 0.7 < rate.loc[-20:-1].mean() < 0.9  # calm before the statement
    # Louder after the press conference has begun than after the statement.
    assert rate.loc[30] == rate.loc[0:44].max()
    assert rate.loc[30:44].mean() > 1.5 * rate.loc[0:29].mean()
    rate_day = next(one for one in market.truth.releases if one.name == "rate decision")
    assert rate_day.conference.after_minutes == 30


def test_on_real_prices_the_errors_of_twenty_days(market, returns):
    """Drawing twenty simulated decisions again and again strays as far as the table says."""
    bars = market["M2K"]
    five = returns.groupby([bars["window"], bars["minute"] // 5]).sum().abs().unstack()
    ours, quiet = (
        five.loc[of_kind(market[name], "rate decision")["window"], 6:11].mean(axis=1).to_numpy()
        for name in ("releases", "controls")
    )
    rng = np.random.default_rng(5)
    drawn = rng.choice(ours, size=(4000, 20)).mean(axis=1) / quiet.mean()
    assert drawn.std() == pytest.approx(ours.std(ddof=1) / np.sqrt(20) / quiet.mean(), rel=0.05)
    real = data.load("rate_days").filter(like="small").loc["14:30":"14:55"].mean()
    assert abs(real.iloc[0] / real.iloc[1] - drawn.mean()) < 2 * drawn.std()
    first = data.load("rate_days").filter(like="small").loc["14:00"]
    tame = five.loc[of_kind(market["releases"], "rate decision")["window"], 0].mean()
    tame /= five.loc[of_kind(market["controls"], "rate decision")["window"], 0].mean()
    # "really moved 6.9 times as far as usual, ours 4.3"
    assert (round(first.iloc[0] / first.iloc[1], 1), round(tame, 1)) == (6.9, 4.3)


def test_loop_5_coming_back_at_half_past_two_gives_the_calm_away(market):
    bars, releases = market["M2K"], market["releases"]
    windows = bars[bars["window"].isin(of_kind(releases, "rate decision")["window"])]
    left = windows.groupby("window")["minute"].transform("max") - windows["minute"]
    held = (left > 1).astype(float)
    swings = {}
    for after in (30, 75):
        aside = events.reduce_around(held, of_kind(releases, "rate decision"), 10, after)
        # Held from the next open to the open after it: no engine, no cost.
        move = 5 * windows["open"].diff().shift(-2)
        for name, position in (("hold", held), (after, aside)):
            swings[name] = (position * move).groupby(windows["window"]).sum().std()
    assert swings[75] < 0.5 * swings["hold"] < swings[30]


def test_loop_2_the_size_is_never_luck_and_the_direction_once_seems_to_be_none(market, returns):
    releases = market["releases"]
    small = []
    for kind in KINDS:
        at = of_kind(releases, kind)
        size, direction = (
            events.placebo(returns, at, (0, 29), seed=1, avoid=releases, statistic=one)
            for one in ("volatility", "t")
        )
        assert size.p_value == 1 / 1001
        small.append(direction.p_value < 0.05)
    assert small == [kind == "CPI" for kind in KINDS]


def test_loop_3_every_response_is_within_two_errors_and_has_the_usual_sign(market, returns):
    signs = {}
    for one in market.truth.releases:
        mine = of_kind(market["releases"], one.name)
        line = events.event_study(returns, mine, (0, 29)).response(mine["surprise"])
        assert abs(line.coefficient - one.small_cap_pct) < 2 * line.standard_error
        signs[one.name] = np.sign(line.coefficient)
    assert signs == {"employment": 1, "retail sales": 1, "CPI": -1, "rate decision": -1}


def test_loop_3_the_spread_is_three_times_as_wide(market):
    bars, jobs = market["M2K"], of_kind(market["releases"], "employment")
    spread = bars[bars["window"].isin(jobs["window"])].groupby("minute")["spread_ticks"].mean()
    assert 2.5 < spread[0] / spread[-30] < 3.7


def test_loop_4_the_three_shapes():
    days = {kind: simulate.news_day(kind, 0) for kind in simulate.news.NEWS_KINDS}
    move = {}
    for kind, day in days.items():
        bars = day["M2K"]
        place = bars.index.searchsorted(day["news"].index[0])
        closes = bars["close"].iloc[place - 1 : place + 180]
        move[kind] = (closes.iloc[0], closes.min(), closes.max(), closes.iloc[-1])
        if kind == "bankruptcy":
            assert bars.index[place].strftime("%H:%M") == "18:00"
    assert move["small_business_law"][3] > move["small_business_law"][0]
    start, low, _, end = move["natural_disaster"]
    assert 0.3 < (end - low) / (start - low) < 0.9  # a part comes back
    # Small companies gain more than large ones from the law.
    assert days["small_business_law"].truth.large_cap_share < 0.5


def test_loop_5_the_later_era_excludes_the_old_drift():
    later = simulate.pre_decision_drift(seed=3)["later"][0]
    error = later.std() / np.sqrt(len(later))
    assert later.mean() + 2 * error < 0.49
    assert abs(later.mean()) < 2 * error


def test_the_explorer_answers():
    by_minutes = [compute("employment", 0.0, minutes, 1) for minutes in range(1, 41)]
    surest = [one["t"] for one in by_minutes]
    assert np.argmax(surest) == 0
    assert np.argmax([one["mean_pct"][one["end"]] for one in by_minutes]) > 5
    assert compute("employment", 0.0, 30, 1)["share"] == 0
    assert DRAWS == 500


def test_the_explorer_agrees_with_the_event_study(market, returns):
    mine = of_kind(market["releases"], "CPI")
    mine = mine[mine["surprise"].abs() >= 1]
    moves = events.event_study(returns, mine, (0, 9)).move_pct().to_numpy()
    signed = -np.sign(mine["surprise"].to_numpy()) * moves
    result = compute("CPI", 1.0, 10, 1)
    assert result["n"] == len(mine)
    assert np.isclose(result["mean_pct"][result["end"]], signed.mean())
    assert np.isclose(result["t"], signed.mean() / signed.std(ddof=1) * np.sqrt(len(signed)))
    assert np.isclose(result["wrong_pct"], 100 * (signed < 0).mean())


def test_the_quiz_says_one_in_three(market, returns):
    jobs = of_kind(market["releases"], "employment")
    moves = events.event_study(returns, jobs, (0, 29)).move_pct().to_numpy()
    good = jobs["surprise"].to_numpy() > 0
    share = (moves[good] < 0).mean()
    assert abs(share - 1 / 3) < np.sqrt(share * (1 - share) / good.sum())


def test_loop_1_londons_clock_is_an_hour_nearer_for_three_weeks_in_spring():
    year = events.calendar("2026-01-01", "2026-12-31")
    clock = of_kind(year, "CPI").index.tz_convert("Europe/London").strftime("%H:%M")
    assert [clock[month] for month in (1, 2, 3, 11)] == ["13:30", "12:30", "13:30", "13:30"]
    for zone, day in (("America/New_York", 8), ("Europe/London", 29)):
        before, after = (
            pd.Timestamp(2026, 3, one, 12, tz=zone).utcoffset() for one in (day - 1, day)
        )
        assert after - before == pd.Timedelta("1h")


def test_loop_4_the_purchase_lies_half_an_hour_of_trading_before_the_news():
    for kind in simulate.news.NEWS_KINDS:
        day = simulate.news_day(kind, 0)
        bars = day["M2K"]
        known = bars.index.searchsorted(day["news"].index[0])
        target = pd.Series(0.0, bars.index)
        target.iloc[known - 31 : -2] = 1.0
        trade = backtest.run(bars, target, stop_points=15.0, margin=0).trades.iloc[0]
        assert trade["EntryTime"] == bars.index[known - 30]
        stopped = kind != "small_business_law"
        assert (trade["ExitTime"] == bars.index[known]) == stopped
        if stopped:  # filled at the first price past the stop, less a tick
            assert bars["open"].iloc[known] < trade["EntryPrice"] - 15
            assert np.isclose(trade["ExitPrice"], bars["open"].iloc[known] - 0.1)


def test_loop_5_two_windows_are_short(market):
    bars, releases = market["M2K"], market["releases"]
    ends = bars.groupby("window")["minute"].max()[releases["window"]]
    assert (ends < 120).sum() == 2
    short = releases[releases["window"].isin(ends.index[ends < 120])]
    for one in short.index:
        assert one.date() == easter(one.year) - dt.timedelta(days=2)  # Good Friday


def test_the_explorer_loses_no_placebo_off_its_picture():
    for kind in KINDS:
        for at_least in (0.0, 0.8, 1.5):
            for minutes in (1, 20, 40):
                result = compute(kind, at_least, minutes, 1)
                assert EDGES[0] <= result["draws"].min()
                assert result["draws"].max() <= EDGES[-1]
                assert result["t"] < EDGES[-1]
                assert (result["mean_pct"] + result["reach_pct"]).max() < 1.3
                assert (result["mean_pct"] - result["reach_pct"]).min() > -0.6
