"""`measure_opens`: indices are told from what can be traded, in windows of every length.

On real files that stay out of the repository (Yahoo's Russell 2000 1987-2024, S&P 500 1987-2026,
the fund IWM 2000-2024), in all windows that begin 10 (1 and 2 years) or 21 days apart; the rest of
each cell is "too few days to tell". The thresholds were chosen on these files, so the counts say
that one rule fits them all, not how often it errs on others.

| file | 1 year | 2 | 3 | 5 | 7 | 10 | whole |
| --- | --- | --- | --- | --- | --- | --- | --- |
| Russell 2000: alarms | all 905 | all 880 | all 407 | all 383 | all 359 | all 323 | yes |
| the same without volume | 895 of 905 | all 880 | all 407 | all 383 | all 359 | all 323 | yes |
| S&P 500: alarms | all 944 | all 919 | all 426 | all 402 | all 378 | all 342 | yes |
| the same without volume | 930 of 944 | all 919 | all 426 | all 402 | all 378 | all 342 | yes |
| IWM, and IWM x 10: alarms | 0 of 587 | 0 of 561 | 0 of 256 | 0 of 232 | 0 of 208 | 0 of 172 | no |
"""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import data, simulate
from m2k_lessons.data.opens import Opens, may_be_untradable, measure_opens

PRICES = ["open", "high", "low", "close"]


def windows(bars, years):
    rows = int(252 * years)
    starts = range(0, len(bars) - rows + 1, 42 if years <= 2 else 126)
    return [judged(bars.iloc[start : start + rows]) for start in starts]


def judged(bars):
    """What `measure_opens` answers; and the quick look has to send it all that it refuses."""
    found = measure_opens(bars)
    ticks = np.rint(bars[PRICES].to_numpy().T * 100).astype(np.int64)
    volume = bars["volume"] if "volume" in bars.columns else None
    assert found.tradable is not False or may_be_untradable(ticks, volume)
    return found


def session_bars(days, gap, tick, seed, level=4500.0, steps=390):
    """Daily bars of a market with a night; `gap` is the night's part of a day's deviation."""
    rng = np.random.default_rng(seed)
    inside = rng.normal(0, 0.01 / np.sqrt(steps), (days, steps)).cumsum(axis=1)
    nights = rng.normal(0, 0.01 * gap, days) if gap else np.zeros(days)
    before = np.concatenate([[0], (inside[:, -1] + nights).cumsum()[:-1]])
    opened = before + nights
    paths = np.column_stack([opened, opened[:, None] + inside])
    prices = np.round(level * np.exp(paths) / tick) * tick
    columns = [prices[:, 0], prices.max(axis=1), prices.min(axis=1), prices[:, -1]]
    index = pd.bdate_range("2010-01-04", periods=days, tz="America/New_York", name="time")
    return pd.DataFrame(dict(zip(PRICES, columns, strict=True)), index=index)


def with_lagging_open(bars, share):
    """The index's own open: only a share of the night is in the first number."""
    bars = bars.copy()
    before = bars["close"].shift().fillna(bars["open"])
    bars["open"] = before + share * (bars["open"] - before)
    bars["high"] = bars[["open", "high"]].max(axis=1)
    bars["low"] = bars[["open", "low"]].min(axis=1)
    return bars


@pytest.mark.parametrize("years", [1, 2, 5, 10])
@pytest.mark.parametrize("name", ["M2K", "MES", "RTY", "ES", "M2K_continuous"])
def test_no_alarm_on_the_courses_futures(name, years):
    found = windows(data.load("daily")[name], min(years, 9.9))
    assert found
    assert [opens for opens in found if opens.tradable is False] == []


@pytest.mark.parametrize("seed", range(4))
def test_no_alarm_on_other_draws_of_the_market(seed):
    market = simulate.daily(years=10, seed=seed)
    for name in ("M2K", "MES"):
        for years in (1, 5):
            assert not [o for o in windows(market[name], years) if o.tradable is False]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("gap", [0.12, 0.2, 0.6])
def test_no_alarm_on_a_future_that_trades_for_23_hours(gap, seed):
    """Its night is an hour, so its overnight share is small: that alone must not tell."""
    opens = judged(session_bars(1000, gap, 0.25, seed))
    assert opens.tradable is True
    assert opens.overnight_share == pytest.approx(gap**2 / (1 + gap**2), rel=0.2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("share", [0.0, 0.02, 0.3, 0.6])
def test_alarm_where_the_open_lags(share, seed):
    bars = with_lagging_open(session_bars(1000, 0.6, 0.01, seed), share)
    opens = judged(bars)
    assert opens.tradable is False
    assert "its open can't be traded" in str(opens)
    assert opens.overnight_share < 0.2
    if share:
        assert opens.gap_day_correlation > 0.1


def test_measures_by_hand():
    index = pd.bdate_range("2026-01-05", periods=80, tz="America/New_York")
    close = np.where(np.arange(80) % 2, 110.0, 100.0)
    opened = np.roll(close, 1)
    opened[::4] *= 1.01  # a quarter of the opens: a gap of 1 %
    opens = measure_opens(pd.DataFrame({"open": opened, "close": close}, index=index))
    gaps = np.log(opened[1:] / close[:-1])
    moves = np.log(close[1:] / opened[1:])
    assert opens.days == 79
    assert opens.equal_share == pytest.approx(60 / 79)
    expected = (gaps**2).sum() / ((gaps**2).sum() + (moves**2).sum())
    assert opens.overnight_share == pytest.approx(expected)
    assert opens.gap_day_correlation == pytest.approx(np.corrcoef(gaps, moves)[0, 1])
    assert opens.run_through_share is None  # no high and low


@pytest.mark.parametrize("symbol", ["^RUT", "^GSPC", "SPX", "$RUT", ".INX", "IXIC", "NDX"])
def test_an_index_by_its_name(symbol):
    bars = data.load("daily")["M2K"]
    opens = measure_opens(bars, symbol)
    assert opens.tradable is False
    assert f"{symbol} is an index" in opens.reason
    assert measure_opens(bars.iloc[:5], symbol).tradable is False


@pytest.mark.parametrize("symbol", ["IWM", "RTY=F", "RTYU26", "SPY", "COMPX1", ""])
def test_no_index_by_its_name(symbol):
    assert measure_opens(data.load("daily")["M2K"], symbol).tradable is True


def test_the_volume_of_a_whole_exchange():
    bars = session_bars(300, 0.6, 0.01, 1)
    assert measure_opens(bars.assign(volume=9e8)).tradable is False
    assert measure_opens(bars.assign(volume=9e7)).tradable is True
    cheap = bars[PRICES] / 1000  # a share at 4 dollars may trade a billion times
    assert measure_opens(cheap.assign(volume=9e8)).tradable is True


def test_not_judged_and_why():
    market = data.load("daily")["M2K"]
    for bars, why in (
        (market.iloc[:15], "14 days are too few"),
        (market.iloc[:50], "49 days are too few"),
        (data.load("intraday")["M2K"], "within the day"),
        (market.set_axis(pd.date_range("2030-01-01", periods=len(market))), "weekends"),
    ):
        opens = judged(bars)
        assert opens.tradable is None
        assert why in opens.reason
    copied = market.assign(open=market["close"].shift()).iloc[1:30]
    assert measure_opens(copied).tradable is False  # 28 days are enough for this


def test_missing_prices_are_left_out():
    bars = session_bars(400, 0.6, 0.01, 2)
    bars.iloc[10, 0] = np.nan
    assert measure_opens(bars).days == 398
    assert measure_opens(bars).tradable is True


def test_the_result_lives_in_attrs():
    bars = data.load("daily")["M2K"].copy()
    bars.attrs = {"opens": measure_opens(bars)}
    assert bars.copy().attrs["opens"] == bars.attrs["opens"]
    assert json.loads(json.dumps(bars.attrs))["opens"][0] is True
    assert pd.concat([bars, bars]).attrs == bars.attrs
    assert isinstance(bars["close"].shift().attrs["opens"], Opens)


def test_bad_bars_are_named():
    with pytest.raises(TypeError, match="bars must be a DataFrame with a DatetimeIndex, got list"):
        measure_opens([1, 2])
    with pytest.raises(TypeError, match="DatetimeIndex"):
        measure_opens(pd.DataFrame({"open": [1.0], "close": [1.0]}))
    with pytest.raises(ValueError, match="columns open and close, got no open"):
        measure_opens(data.load("daily")["portfolio"])
