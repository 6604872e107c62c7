"""The indicators against TA-Lib, on random prices and on prices that sit on ticks."""

import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given, settings
from hypothesis import strategies as st

from m2k_lessons import indicators

# The project's bound, in points. Beside it, a share of the price: TA-Lib's own running sums drift.
POINTS = 1e-9


def walk(bars, seed, tick=None, volatility=0.5):
    """High, low and close of a random walk, on ticks or not; never below 100 points."""
    rng = np.random.default_rng(seed)
    close = 2400 + np.cumsum(rng.normal(scale=volatility, size=bars))
    close += max(0.0, 100 - close.min())
    high = close + rng.exponential(volatility, bars)
    low = close - rng.exponential(volatility, bars)
    if tick is None:
        return high, low, close
    return tuple(np.rint(column / tick) * tick for column in (high, low, close))


def both(high, low, close, window):
    """Each indicator's name, our values and TA-Lib's."""
    ours = indicators.bollinger(close, window, 2.0).T
    yield "sma", indicators.sma(close, window), talib.SMA(close, window)
    yield "ema", indicators.ema(close, window), talib.EMA(close, window)
    yield "rsi", indicators.rsi(close, window), talib.RSI(close, window)
    yield "bollinger", ours, np.array(talib.BBANDS(close, window, 2.0, 2.0)[::-1])
    yield "atr", indicators.atr(high, low, close, window), talib.ATR(high, low, close, window)


def moved(close):
    """Where the price has moved since the series began: before that, RSI is a convention."""
    return (np.maximum.accumulate(close) != close[0]) | (np.minimum.accumulate(close) != close[0])


def assert_equal(name, ours, theirs, close, share=0.0, points=POINTS):
    if name == "rsi":
        np.testing.assert_array_equal(ours[~moved(close) & ~np.isnan(theirs)], 50.0)
        ours, theirs = ours[moved(close)], theirs[moved(close)]
    np.testing.assert_allclose(ours, theirs, rtol=share, atol=points, err_msg=name)


@pytest.mark.parametrize("tick", [None, 0.1, 0.25, 1.0])
@pytest.mark.parametrize("window", [2, 3, 14, 20, 50, 200])
def test_equal_on_random_walks(window, tick):
    high, low, close = walk(5_000, seed=window, tick=tick)
    for name, ours, theirs in both(high, low, close, window):
        assert_equal(name, ours, theirs, close)


@pytest.mark.parametrize("tick", [None, 0.1])
def test_equal_on_a_million_bars(tick):
    high, low, close = walk(1_000_000, seed=1, tick=tick)
    for name, ours, theirs in both(high, low, close, 20):
        # After a million bars TA-Lib's bands are off by up to this share of the price.
        share = 1e-12 if name == "bollinger" else 0
        assert_equal(name, ours, theirs, close, share=share)


@settings(max_examples=200)
@given(
    ticks=st.lists(st.integers(20_000, 20_020), min_size=1, max_size=60),
    window=st.integers(2, 15),
)
def test_equal_on_few_levels(ticks, window):
    """Quiet markets: flat stretches, repeated closes, series shorter than the window."""
    close = np.array(ticks) * 0.1
    for name, ours, theirs in both(close + 0.1, close - 0.1, close, window):
        # TA-Lib's variance is a difference of squares of the price, so that its deviation in
        # a flat window is the root of a rounding error.
        assert_equal(name, ours, theirs, close, points=1e-4 if name == "bollinger" else POINTS)


def test_warm_up_is_as_long():
    for name, ours, theirs in both(*walk(100, seed=1), 10):
        assert np.array_equal(np.isnan(ours), np.isnan(theirs)), name


def test_where_we_differ_on_purpose():
    flat = np.full(30, 2400.0)
    assert talib.RSI(flat, 14)[-1] == 0.0
    assert indicators.rsi(flat, 14)[-1] == 50.0
    # After so long a calm that both averages have left the range of floats, TA-Lib says 50.
    moves = [2400.0, 2403.0, 2402.0, 2404.0]
    calm = np.array(moves + [2404.0] * 11_000)
    assert talib.RSI(calm, 3)[[3, 1_000]] == pytest.approx(100 * 5 / 6)
    assert talib.RSI(calm, 3)[-1] == 50.0
    assert indicators.rsi(calm, 3)[-1] == pytest.approx(100 * 5 / 6)


def test_pandas_in_gives_the_same():
    high, low, close = walk(300, seed=5, tick=0.1)
    index = pd.date_range("2030-01-01", periods=300, name="time")
    series = pd.Series(close, index)
    assert np.array_equal(indicators.sma(series, 20), indicators.sma(close, 20), equal_nan=True)
    bands = indicators.bollinger(series, 20)
    assert np.array_equal(bands, indicators.bollinger(close, 20), equal_nan=True)
    assert bands.index.equals(index)
