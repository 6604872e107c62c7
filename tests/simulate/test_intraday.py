import dataclasses
import importlib.util
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import sessions, simulate
from m2k_lessons.simulate import day_bars, minute_paths

SYMBOLS = ("M2K", "MES")


@pytest.fixture(scope="module")
def quarters():
    """Six times sixty days from the spring on."""
    return [simulate.intraday(60, seed, start="2030-02-11") for seed in range(6)]


@pytest.fixture(scope="module")
def decade():
    return simulate.release_windows(years=10, seed=7)


def log_close(market, symbol):
    return np.log(market[symbol]["close"])


def regular_days(market, column="close"):
    """Each symbol's minutes of whole regular days: one row a day, 390 columns."""
    index = market["M2K"].index
    rth = (sessions.label_sessions(index) == "RTH").to_numpy()
    day = index.tz_localize(None).normalize()[rth]
    whole = pd.Series(1, day).groupby(level=0).transform("size").to_numpy() == 390
    return {one: market[one][column].to_numpy()[rth][whole].reshape(-1, 390) for one in SYMBOLS}


# ---------------------------------------------------------------- the clock


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**9),
    start=st.dates(pd.Timestamp("2030-01-01").date(), pd.Timestamp("2040-06-30").date()),
    days=st.integers(1, 3),
)
def test_every_open_minute_and_no_other(seed, start, days):
    market = simulate.intraday(days, seed, start=start)
    index = market["M2K"].index
    assert sessions.is_open(index).all()
    dates = sessions.trade_date(index)
    assert dates.nunique() == days
    assert dates.iloc[0] == pd.Timestamp(market.truth.first_day)
    assert dates.iloc[-1] == pd.Timestamp(market.truth.last_day)
    # The sessions' calendar is tested by itself; here: nothing is left out.
    expected = sessions.session_minutes(market.truth.first_day, market.truth.last_day)
    assert index.equals(expected)
    assert market["MES"].index.equals(index)


@pytest.mark.parametrize(
    ("start", "minutes", "first", "last"),
    [
        ("2030-03-11", 1380, "2030-03-10 18:00:00-04:00", "2030-03-11 16:59:00-04:00"),
        ("2030-11-04", 1380, "2030-11-03 18:00:00-05:00", "2030-11-04 16:59:00-05:00"),
        ("2030-07-03", 1155, "2030-07-02 18:00:00-04:00", "2030-07-03 13:14:00-04:00"),
        # Good Friday is closed: the next trade date after Thursday the 18th is Monday.
        ("2030-04-19", 1380, "2030-04-21 18:00:00-04:00", "2030-04-22 16:59:00-04:00"),
        # Thanksgiving's half-session belongs to Friday's trade date, which ends at 13:15.
        ("2030-11-29", 1155, "2030-11-28 18:00:00-05:00", "2030-11-29 13:14:00-05:00"),
    ],
)
def test_sessions_typed_in_by_hand(start, minutes, first, last):
    index = simulate.intraday(1, 1, start=start)["M2K"].index
    assert (len(index), str(index[0]), str(index[-1])) == (minutes, first, last)


def test_clock_changes_leave_no_hole():
    """Both changes fall on a Sunday morning, when the market is closed: weekends differ."""
    for start, hours in (("2030-03-08", 48), ("2030-11-01", 50), ("2030-05-03", 49)):
        index = simulate.intraday(2, 1, start=start)["M2K"].index
        assert np.diff(index.asi8).max() == (hours * 60 + 1) * 60_000_000


# ---------------------------------------------------------------- the bars


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 10**12))
def test_bars_are_sound(assert_sound_bars, seed):
    market = simulate.intraday(1, seed)
    for symbol in SYMBOLS:
        bars = market[symbol]
        assert_sound_bars(symbol, bars)
        assert list(bars) == ["open", "high", "low", "close", "volume", "spread_ticks"]
        assert (bars["spread_ticks"] >= 1).all()


def test_a_minute_opens_near_the_last_close(quarters):
    for symbol, tick in (("M2K", 0.1), ("MES", 0.25)):
        bars = quarters[0][symbol]
        joined = np.diff(bars.index.asi8) == 60_000_000
        jump = (bars["open"].to_numpy()[1:] - bars["close"].to_numpy()[:-1])[joined]
        assert np.abs(jump).max() <= 3.01 * tick
        gap = (bars["open"].to_numpy()[1:] - bars["close"].to_numpy()[:-1])[~joined]
        assert gap.std() > 3 * jump.std()


# ---------------------------------------------------------------- the truth can be recovered


def test_volatility_by_half_hour(quarters):
    """Mean square of 5-minute moves; ordinary and release days together, as measured."""
    squares = []
    for market in quarters:
        close = np.log(regular_days(market)["M2K"])
        squares.append(np.diff(close[:, 4::5], prepend=np.nan) ** 2)
    deviation = 1e4 * np.sqrt(np.nanmean(np.concatenate(squares).reshape(-1, 13, 6), axis=(0, 2)))
    stated = quarters[0].truth.five_minute_volatility_bp
    # The level's standard error over 360 sessions that resemble their neighbours: 5 %.
    level = np.mean(deviation / stated)
    assert level == pytest.approx(1, abs=0.15)
    assert deviation / level == pytest.approx(stated, rel=0.12)


@pytest.mark.parametrize("minutes", [1, 5, 30])
def test_correlation_grows_with_the_horizon(quarters, minutes):
    moves = {one: [] for one in SYMBOLS}
    for market in quarters:
        for one, close in regular_days(market).items():
            moves[one].append(np.diff(np.log(close[:, minutes - 1 :: minutes])).ravel())
    pooled = [np.concatenate(moves[one]) for one in SYMBOLS]
    found = np.corrcoef(pooled)[0, 1]
    assert found == pytest.approx(quarters[0].truth.correlation_over(minutes), abs=0.012)
    assert pooled[1].std() / pooled[0].std() == pytest.approx(0.76, abs=0.02)


def test_correlations_are_the_measured_ones(quarters):
    truth = quarters[0].truth
    assert truth.correlation_over(5) == pytest.approx(0.80, abs=0.005)
    assert truth.correlation_over(1) == pytest.approx(0.70, abs=0.005)
    assert truth.correlation_over(10**6) == pytest.approx(truth.correlation, abs=1e-4)


def test_overnight_share():
    night, day = [], []
    for seed in range(12):
        market = simulate.intraday(60, seed, start="2031-01-02")
        bars = market["M2K"]
        rth = (sessions.label_sessions(bars.index) == "RTH").to_numpy()
        regular = bars[rth].groupby(bars.index.tz_localize(None).normalize()[rth])
        opens, closes = np.log(regular["open"].first()), np.log(regular["close"].last())
        night.append(((opens - closes.shift()) ** 2).mean())
        day.append(((closes - opens) ** 2).mean())
    share = np.mean(night) / (np.mean(night) + np.mean(day))
    assert share == pytest.approx(0.42, abs=0.05)


def test_volume_by_half_hour(quarters):
    shares = []
    for market in quarters:
        volume = regular_days(market, "volume")["M2K"].reshape(-1, 13, 30).sum(axis=2)
        shares.append(volume.sum(axis=0) / volume.sum())
    measured = [17.6, 10.4, 8.6, 7.1, 6.3, 5.4, 4.9, 5.0, 4.8, 5.0, 5.7, 6.4, 12.8]
    assert 100 * np.mean(shares, axis=0) == pytest.approx(measured, rel=0.03)


def test_volume_a_day(quarters):
    for symbol, stated in day_bars.VOLUME.items():
        a_day = np.mean([market[symbol]["volume"].sum() / 60 for market in quarters])
        assert a_day == pytest.approx(stated, rel=0.1)


def test_night_is_quieter_wider_and_thinner(quarters):
    bars = pd.concat([market["M2K"] for market in quarters])
    clock = bars.index.hour * 100 + bars.index.minute
    height = np.log(bars["high"] / bars["low"])
    night, midday = (clock >= 2000) | (clock < 200), (clock >= 1130) & (clock < 1300)
    europe = (clock >= 200) & (clock < 400)
    for measure, ratio in ((height, 0.7), (bars["volume"], 0.2)):
        assert measure[night].mean() < ratio * measure[midday].mean()
    assert height[europe].mean() > 1.3 * height[night].mean()
    spread = bars["spread_ticks"]
    assert spread[midday].mean() < 1.3
    assert spread[night].mean() > 1.9
    assert spread[clock == 1800].mean() > spread[clock == 1830].mean() + 1


def test_holidays_are_quiet():
    """Martin Luther King Jr. Day 2030, against the days around it."""
    heights = []
    for seed in range(10):
        bars = simulate.intraday(4, seed, start="2030-01-17")["M2K"]
        height = np.log(bars["high"] / bars["low"]).between_time("10:00", "12:59")
        heights.append(height.groupby(height.index.date).mean())
    mean = pd.concat(heights, axis=1).mean(axis=1)
    holiday = pd.Timestamp("2030-01-21").date()
    assert mean[holiday] < 0.65 * mean.drop(holiday).mean()


def test_gaps_grow_with_the_pause():
    nights, weekends = [], []
    for seed in range(8):
        bars = simulate.intraday(60, seed, start="2032-01-05")["M2K"]
        log = np.log(bars)
        gap = (log["open"] - log["close"].shift()).to_numpy()[1:]
        hours = (np.diff(bars.index.asi8) / 60_000_000 - 1) / 60
        nights.append(gap[hours == 1])
        weekends.append(gap[(hours > 40) & (hours < 60)])
    night, weekend = 1e4 * np.concatenate(nights).std(), 1e4 * np.concatenate(weekends).std()
    assert night == pytest.approx(8.0, rel=0.15)
    assert weekend == pytest.approx(8.0 * 49**0.325, rel=0.25)


# ---------------------------------------------------------------- releases


def moves_after(market, symbol):
    """Log returns of the first half hour, in %, by window."""
    bars = market[symbol].set_index(["window", "minute"])
    return 100 * np.log(bars["close"].xs(29, level=1) / bars["open"].xs(0, level=1))


@pytest.fixture(scope="module")
def fits():
    """Twelve decades: for each kind and symbol, misses in standard errors, and the noise."""
    result = {}
    for seed in range(12):
        market = simulate.release_windows(years=10, seed=seed, controls=False)
        for symbol, column in (("M2K", "small_cap_pct"), ("MES", "large_cap_pct")):
            move = moves_after(market, symbol)
            for truth in market.truth.releases:
                rows = market["releases"].query("release == @truth.name").set_index("window")
                fit = sm.OLS(move[rows.index], sm.add_constant(rows["surprise"]))
                fit = fit.fit(cov_type="HC1")  # the noise has fat tails and changing levels
                miss = (fit.params.iloc[1] - getattr(truth, column)) / fit.bse.iloc[1]
                result.setdefault((symbol, truth.name), []).append((miss, fit.resid.std()))
    return {key: np.array(values).T for key, values in result.items()}


def test_response_is_recovered(fits):
    misses = np.concatenate([miss for miss, _ in fits.values()])
    assert len(misses) == 96
    assert np.mean(np.abs(misses) < 3) >= 0.95


def test_windows_have_the_noise_that_macro_has(fits):
    truth = simulate.macro(1, 1).truth
    for release, stated in zip(truth.releases, truth.noise_pct, strict=True):
        found = np.sqrt(np.mean(fits["M2K", release.name][1] ** 2))
        assert found == pytest.approx(stated, rel=0.15)


def test_windows_are_about_the_releases_of_macro(decade):
    figures = ["release", "reference_period", "previous", "consensus", "actual", "surprise"]
    assert decade["releases"][figures].equals(simulate.macro(120, 7)["releases"][figures])


def test_windows(decade, assert_sound_bars):
    releases, controls = decade["releases"], decade["controls"]
    assert len(releases) == len(controls) == 440
    numbers = np.sort(np.concatenate([releases["window"], controls["window"]]))
    assert (numbers == np.arange(880)).all()
    for symbol in SYMBOLS:
        bars = decade[symbol]
        assert_sound_bars(symbol, bars)
        assert sessions.is_open(bars.index).all()
        assert (bars["window"].diff().dropna().isin([0, 1])).all()
        zero = bars[bars["minute"] == 0].reset_index().set_index("window")["time"]
        assert (zero[releases["window"]].to_numpy() == releases.index.to_numpy()).all()
        assert (zero[controls["window"]].to_numpy() == controls.index.to_numpy()).all()
        size = bars.groupby("window").size()
        # On Good Friday with payrolls the market closes 45 minutes after the release.
        assert (size == 181).sum() >= 876
        assert set(size) <= {181, 105}
        inside = bars["window"].diff() == 0
        assert (bars["minute"].diff()[inside] == 1).all()


def test_controls_match_their_release(decade):
    releases, controls = decade["releases"], decade["controls"]
    own = releases.reset_index().set_index("window").loc[controls["released_window"]]
    assert (own["release"].to_numpy() == controls["release"].to_numpy()).all()
    clock = pd.DatetimeIndex(own["time"]).strftime("%H:%M")
    assert (clock == controls.index.strftime("%H:%M")).all()
    released_days = releases.index.tz_localize(None).normalize()
    control_days = controls.index.tz_localize(None).normalize()
    assert not control_days.isin(released_days).any()
    after = (controls.index - pd.DatetimeIndex(own["time"])).days
    assert np.median(after) <= 3
    assert (after > 0).mean() > 0.99


def test_nothing_happens_in_a_control(decade):
    bars = decade["M2K"].set_index(["window", "minute"])
    first = np.log(bars["close"].xs(0, level=1) / bars["open"].xs(0, level=1)).abs()
    quiet = first[decade["controls"]["window"]].median()
    loud = first[decade["releases"]["window"]].median()
    assert loud > 3 * quiet
    before = np.log(bars["close"].xs(-5, level=1) / bars["open"].xs(-30, level=1)).abs()
    ratio = (
        before[decade["releases"]["window"]].mean() / before[decade["controls"]["window"]].mean()
    )
    assert ratio == pytest.approx(1, abs=0.2)


def test_spread_and_volume_around_a_release(decade):
    bars = decade["M2K"][decade["M2K"]["window"].isin(decade["releases"]["window"])]
    mean = bars.groupby("minute")[["spread_ticks", "volume"]].mean()
    assert mean["spread_ticks"][-1] > mean["spread_ticks"][-30] + 1.5
    assert mean["spread_ticks"][0] > mean["spread_ticks"][-30] + 2
    assert mean["volume"][0] > 3 * mean["volume"][-2]


def test_without_controls():
    market = simulate.release_windows(years=1, seed=7, controls=False)
    assert list(market) == ["M2K", "MES", "releases"]
    assert (market["releases"]["window"] == np.arange(44)).all()


def test_intraday_releases_lie_in_its_minutes(quarters):
    for market in quarters:
        releases = market["releases"]
        assert releases.index.isin(market["M2K"].index).all()
        assert 9 <= len(releases) <= 12


def test_days_without_a_release_have_an_empty_table():
    market = simulate.intraday(1, seed=1)
    assert len(market["releases"]) == 0
    assert "releases" in repr(market)


# ---------------------------------------------------------------- how real it is


def benchmark(name):
    path = Path(__file__).resolve().parents[2] / "benchmarks" / f"{name}.py"
    if str(path.parent) not in sys.path:  # one benchmark imports another
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def realism():
    intraday = benchmark("realism_intraday")
    return sys.modules["realism_table"], intraday


def test_the_measured_market_lies_inside_the_simulated_one(realism):
    machinery, intraday = realism
    outcome = machinery.run(intraday.SECTIONS[0], seeds=30)
    assert len(outcome.values) == 38
    assert outcome.met("2018–2026"), outcome.markdown()


def test_the_table_notices_another_market(realism):
    machinery, intraday = realism
    outcome = machinery.run(intraday.SECTIONS[0], seeds=20)
    assert outcome.verdict("correlation over 5 minutes", 0.9) == machinery.FAR_OUTSIDE
    assert outcome.verdict("volume, % of the day's, 09:30", 10.0) == machinery.FAR_OUTSIDE


def test_statistics_of_a_market_made_by_hand(realism):
    """Up and down 10 points every five minutes of the first half hour; 24 up in the last one.

    Back down overnight. 1 point up by 08:34, 4 on the day of the releases.
    """
    index = sessions.session_minutes("2030-01-07", "2030-01-09")
    minute = index.hour * 60 + index.minute
    first_day = index.day == 7
    price = 2400 + 10.0 * ((minute // 5 % 2 == 1) & (minute >= 570) & (minute < 600))
    price = price + 24 * (minute == 959) + np.where(first_day, 4, 1) * (minute == 514)
    bars = pd.DataFrame({"open": 2400.0, "close": price, "volume": 1}, index=index)
    kinds = ["employment", "CPI", "retail sales"]
    releases = pd.DataFrame(
        {"release": kinds}, pd.DatetimeIndex(["2030-01-07 08:30"] * 3, tz="America/New_York")
    )
    figures = realism[1].measure_profile({"M2K": bars, "MES": bars, "releases": releases})
    small, large = np.log(2410 / 2400) ** 2, np.log(2424 / 2400) ** 2
    total = 6 * small + large  # five moves before 10:00 and the way back after it
    assert figures["variance, % of the day's, 09:30"] == pytest.approx(500 * small / total)
    assert figures["variance, % of the day's, 15:30"] == pytest.approx(100 * large / total)
    assert figures["volume, % of the day's, 15:30"] == pytest.approx(100 / 13)
    assert figures["overnight share of variance, %"] == pytest.approx(50)
    assert figures["correlation over 5 minutes"] == pytest.approx(1)
    multiple = figures["move after CPI, multiple of an ordinary day's"]
    assert multiple == pytest.approx(np.log(2404 / 2400) / np.log(2401 / 2400))


def test_days_by_explicit_loops(realism):
    rng = np.random.default_rng(5)
    large, small = rng.standard_normal((2, 5, 6))
    days, bars = range(5), range(6)
    usual = [np.sqrt(sum(large[d, b] ** 2 for d in days) / 5) for b in bars]
    moves = [[large[d, b] / usual[b] for b in bars] for d in days]
    level = [np.sqrt(sum(x**2 for x in moves[d]) / 6) for d in days]
    own = [[x / level[d] for x in moves[d]] for d in days]

    def one_later(rows):
        pairs = [(abs(row[b]), abs(row[b + 1])) for row in rows for b in range(5)]
        return np.corrcoef(np.array(pairs).T)[0, 1]

    fourth = sum(x**4 for row in own for x in row) / 30  # own moves have mean square 1
    halves = [[np.log(sum(large[d, b] ** 2 for b in part)) for d in days]
              for part in ((0, 1, 2), (3, 4, 5))]  # fmt: skip
    whole = [np.log(sum(large[d] ** 2)) for d in days]
    expected = [
        one_later(moves),
        one_later(own),
        fourth - 3,
        np.std([np.corrcoef(small[d], large[d])[0, 1] for d in days]),
        np.corrcoef(*halves)[0, 1],
        np.corrcoef([sum(large[d]) for d in days], whole)[0, 1],
    ]
    found = realism[1].measure_within(large, small)
    assert list(found.values()) == pytest.approx(expected)


def test_rate_days_are_as_restless_as_measured(realism):
    machinery, intraday = realism
    section = next(one for one in intraday.SECTIONS if one.name == "intraday-rate-days")
    outcome = machinery.run(section, seeds=10)
    assert outcome.met("2024–2026"), outcome.markdown()
    for short in ("small", "large"):
        middle = {span: np.median(outcome.values[f"{span}, {short}"]) for span in intraday._SPANS}
        calm, statement, talk, later = list(middle.values())[1:]
        assert calm < 0.9 < later < statement < talk


# ---------------------------------------------------------------- within the day


@pytest.fixture(scope="module")
def five_minutes():
    """5-minute moves of 500 days without a release on them."""
    market = simulate.intraday(700, 11)
    closes = benchmark("recovery_parts")._regular(market)
    moves = {one: np.diff(path[:, 4::5], axis=1) for one, path in closes.items()}
    return market.truth, moves["M2K"], moves["MES"]


def test_volatility_clusters_within_the_day(five_minutes):
    _, _, large = five_minutes
    sizes = np.abs(large) / np.abs(large).mean(axis=0)
    own = sizes / sizes.mean(axis=1, keepdims=True)

    def after(lag):
        return np.corrcoef(own[:, lag:].ravel(), own[:, :-lag].ravel())[0, 1]

    error = 1 / np.sqrt(own.size)
    assert after(1) > after(6) + 4 * error > after(36) + 8 * error


def test_a_fall_makes_the_next_minutes_restless(five_minutes):
    _, _, large = five_minutes
    part = large / large.std(axis=0)
    found = np.corrcoef(part[:, :-1].ravel(), np.abs(part[:, 1:]).ravel())[0, 1]
    assert found < -6 / np.sqrt(part.size)
    # What comes before a fall is no different from what comes before a rise.
    before = np.corrcoef(part[:, 1:].ravel(), np.abs(part[:, :-1]).ravel())[0, 1]
    assert abs(before) < 6 / np.sqrt(part.size)


def test_direction_within_the_day_is_not_to_be_known(five_minutes):
    truth, small, large = five_minutes
    for moves in (small, large):
        later, earlier = moves[:, 2:].ravel(), moves[:, :-2].ravel()
        scaled = later * earlier
        assert abs(scaled.mean()) < 4 * scaled.std() / np.sqrt(len(scaled))


def test_small_and_large_move_together_more_on_some_days(five_minutes):
    truth, small, large = five_minutes
    by_day = np.array([np.corrcoef(x, y)[0, 1] for x, y in zip(small, large, strict=True)])
    assert by_day.mean() == pytest.approx(truth.correlation_over(5), abs=0.02)
    assert 0.07 < by_day.std() < 0.14


@pytest.mark.parametrize("component", ["hour", "correlation", "conference"])
def test_parts_of_the_minutes_are_recovered(component):
    parts = benchmark("recovery_parts")
    recovery = sys.modules["recovery"]
    chosen = next(one for one in parts.COMPONENTS if one.name == component)
    seeds = {"hour": 1, "correlation": 2, "conference": 4}[component]
    estimates = recovery.run(chosen, seeds)
    shares = [recovery.share_within(estimates, parameter) for parameter in estimates[0]]
    assert np.mean(shares) >= 0.9
    # An error bar so wide that it holds everything would show nothing.
    assert all(
        one.standard_error < 0.6 * abs(one.truth) for found in estimates for one in found.values()
    )


def test_what_is_left_of_the_hour_after_a_pause():
    """A pause of one half-life leaves half of the state, one of a week leaves nothing."""
    truth = dataclasses.replace(simulate.intraday(1, 1).truth, fast_half_life_minutes=60.0)
    rng = np.random.default_rng(8)
    runs, length = 4000, 30
    for pause, kept in ((60, 0.5), (7 * 24 * 60, 0.0)):
        apart = np.tile(np.r_[pause, np.ones(length - 1)], runs)
        apart[0] = 1
        state = minute_paths._fast(rng, truth, rng.standard_normal(runs * length), apart)
        state = state.reshape(runs, length)
        assert state.std() == pytest.approx(1, abs=0.04)
        ends, starts = state[:-1, -1], state[1:, 0]
        assert np.corrcoef(ends, starts)[0, 1] == pytest.approx(kept, abs=0.06)


def test_a_correlation_without_deviation_is_the_same_on_every_day():
    truth = simulate.intraday(1, 1).truth
    same = dataclasses.replace(truth, correlation_deviation=0.0)
    rng = np.random.default_rng(2)
    assert (minute_paths._day_correlations(rng, same, 5) == truth.correlation).all()
    drawn = minute_paths._day_correlations(rng, truth, 100_000)
    assert drawn.mean() == pytest.approx(truth.correlation, abs=0.002)
    assert drawn.std() == pytest.approx(truth.correlation_deviation, abs=0.002)
    assert drawn.min() > 0
    assert drawn.max() < 1


def test_a_rate_day_by_hand():
    """The multiples of one release on an index that begins 20 minutes before it."""
    release = simulate.intraday(1, 1).truth.releases[-1]
    talk = release.conference
    index = pd.date_range("2030-03-20 13:40", periods=140, freq="min", tz="America/New_York")
    reopens = np.zeros(140, dtype=bool)
    reopens[0] = True
    table = pd.DataFrame({"release": ["rate decision"], "surprise": [0.0]}, index[[20]])
    news = minute_paths._news(simulate.intraday(1, 1).truth, index, reopens, table)
    small, large = news.excitement
    assert small[:20] == pytest.approx(talk.calm_volatility)
    assert small[20] == pytest.approx(release.volatility_multiple)
    halved = 1 + (release.volatility_multiple - 1) / 2
    assert small[20 + 14] == pytest.approx(halved)
    left = (release.volatility_multiple - 1) * 2 ** (-30 / 14)
    assert small[50] == pytest.approx(talk.volatility_multiple + left)
    assert large[20:] - 1 == pytest.approx(release.large_cap_excess * (small[20:] - 1))
    assert small[139] == pytest.approx(1 + (talk.volatility_multiple - 1) * 2 ** (-89 / 37))
    assert (news.response == 0).all()


# ---------------------------------------------------------------- arguments


def test_same_seed_same_minutes():
    one, two, other = (simulate.intraday(2, seed) for seed in (3, 3, 4))
    for symbol in SYMBOLS:
        assert one[symbol].equals(two[symbol])
        assert not one[symbol].equals(other[symbol])
    assert one.truth == two.truth
    with pytest.raises(AttributeError):
        one.truth.correlation = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"days": 0}, "days must be a whole number at least 1.* got 0"),
        ({"days": 10_000}, "days must be .* got 10000"),
        ({"days": 2.5}, "days must be a whole number.* got 2.5"),
        ({"seed": -1}, "seed must be a whole number at least 0, got -1"),
        ({"start": "soon"}, "start must be a date such as"),
        ({"start": "2069-01-02"}, "start must lie between 1980-01-01 and 2068-12-31"),
    ],
)
def test_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.intraday(**{"days": 1, "seed": 1} | arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"years": 0}, "years must be .* got 0"),
        ({"years": 12}, "years must be .* at most 11, got 12"),
        ({"seed": -1}, "seed must be a whole number at least 0, got -1"),
    ],
)
def test_bad_arguments_of_windows(arguments, message):
    with pytest.raises(ValueError, match=message):
        simulate.release_windows(**{"years": 1, "seed": 1} | arguments)


def test_wrong_types():
    with pytest.raises(TypeError, match="days must be"):
        simulate.intraday("60", 1)
    with pytest.raises(TypeError, match="controls must be True or False, got 'yes'"):
        simulate.release_windows(1, 1, controls="yes")
