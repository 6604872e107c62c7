"""The indicators against worked numbers, exact arithmetic and their own promises.

TA-Lib is asked in tests/oracles/test_talib.py.
"""

import math
import os
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from m2k_lessons import simulate
from m2k_lessons._util import jit
from m2k_lessons.indicators import atr, bollinger, crossover, ema, rsi, sma, sma_crossover

ROOT = Path(__file__).resolve().parents[2]
NAN = math.nan


def series(numbers):
    index = pd.date_range("2030-01-01", periods=len(numbers), tz="America/New_York", name="time")
    return pd.Series(numbers, index, dtype=float, name="close")


# One entry per indicator of one price: what takes a close and gives a value per bar.
OF_CLOSE = {
    "sma": lambda close: sma(close, 4),
    "ema": lambda close: ema(close, 4),
    "rsi": lambda close: rsi(close, 3),
    "lower band": lambda close: bollinger(close, 4)["lower"],
    "upper band": lambda close: bollinger(close, 4)["upper"],
    "atr": lambda close: atr(close + 1, close - 1, close, 3),
}
EACH = pytest.mark.parametrize("indicator", OF_CLOSE.values(), ids=OF_CLOSE)

# ------------------------------------------------------------------------------ worked numbers

WILDER = """44.3389 44.0902 44.1497 43.6124 44.3278 44.8264 45.0955 45.4245 45.8433 46.0826
    45.8931 46.0328 45.6140 46.2820 46.2820 46.0028 46.0328 46.4116 46.2222 45.6439"""
BOLLINGER = """86.1557 89.0867 88.7829 90.3228 89.0671 91.1453 89.4397 89.1750 86.9302 87.6752
    86.9596 89.4299 89.3221 88.7241 87.4497 87.2634 89.4985 87.9006 89.1260 90.7043"""


def test_rsi_of_the_worked_example():
    strength = rsi(series(WILDER.split()), 14)
    assert strength.iloc[:14].isna().all()
    expected = [70.5328, 66.3186, 66.5498, 69.4063, 66.3552, 57.9749]
    assert strength.iloc[14:].tolist() == pytest.approx(expected, abs=5e-5)


def test_atr_of_the_worked_example():
    ranges = [0.91, 0.58, 0.51, 0.50, 0.58, 0.415, 0.26, 0.49, 0.60, 0.32, 0.93, 0.76, 0.45, 0.465]
    ranges += [1.10, 0.48]
    # Each bar begins at the previous close, so that its height is its true range.
    low = close = series([50.0] * 17)
    high = close + [9.0, *ranges]
    average = atr(high, low, close, 14)
    assert average.iloc[:14].isna().all()
    assert average.iloc[14:].tolist() == pytest.approx([0.555, 0.593929, 0.585791], abs=5e-7)


def test_bollinger_of_the_worked_example():
    bands = bollinger(series(BOLLINGER.split()), 20, 2)
    assert bands.iloc[:19].isna().all(axis=None)
    last = bands.iloc[-1]
    assert last.tolist() == pytest.approx([86.124018, 88.70794, 91.291862], abs=5e-7)
    assert (last["upper"] - last["middle"]) / 2 == pytest.approx(1.291961, abs=5e-7)


def test_by_hand():
    close = series([10, 12, 11, 15])
    assert sma(close, 2).tolist() == pytest.approx([NAN, 11, 11.5, 13], nan_ok=True)
    # Seed 11, weight 2/3: 11 + 2/3 * 0, then + 2/3 * 4.
    assert ema(close, 2).tolist() == pytest.approx([NAN, 11, 11, 11 + 8 / 3], nan_ok=True)
    # Changes 2, -1, 4. Gain 1 then 2.5, loss 0.5 then 0.25.
    expected = [NAN, NAN, 100 / 1.5, 100 * 2.5 / 2.75]
    assert rsi(close, 2).tolist() == pytest.approx(expected, nan_ok=True)
    bands = bollinger(close, 2, width=3)
    assert bands["upper"].tolist() == pytest.approx([NAN, 14, 13, 19], nan_ok=True)
    assert bands["lower"].tolist() == pytest.approx([NAN, 8, 10, 7], nan_ok=True)


def test_true_range_counts_the_gap():
    close = series([100, 110, 90])
    high, low = series([101, 111, 91]), series([99, 109, 89])
    # Up from 100 to 111; down from 110 to 89.
    assert atr(high, low, close, 1).tolist() == pytest.approx([NAN, 11, 21], nan_ok=True)


# ------------------------------------------------------------------------------ exact arithmetic

TICKS = st.lists(st.integers(19_000, 21_000), min_size=1, max_size=60)


@given(ticks=TICKS, window=st.integers(1, 12))
def test_sma_and_deviation_are_those_of_the_window(ticks, window):
    close = np.array(ticks) * 0.1
    average, bands = sma(close, window), bollinger(close, window, 1.0)
    for i in range(window - 1, len(close)):
        part = [Fraction(x) for x in close[i - window + 1 : i + 1]]
        mean = sum(part) / window
        assert average[i] == pytest.approx(float(mean), rel=1e-15)
        deviation = math.sqrt(sum((x - mean) ** 2 for x in part) / window)
        assert bands[i, 1] == average[i]
        assert bands[i, 2] - bands[i, 1] == pytest.approx(deviation, abs=2e-12)
        assert bands[i, 1] - bands[i, 0] == pytest.approx(deviation, abs=2e-12)


@pytest.mark.parametrize("window", [5, 20, 300])
def test_a_million_bars_do_not_drift(window):
    rng = np.random.default_rng(1)
    close = np.rint(24_000 + np.cumsum(rng.normal(scale=20, size=1_000_000))) * 0.1
    windows = np.lib.stride_tricks.sliding_window_view(close, window)[::997]
    rows = slice(window - 1, None, 997)
    np.testing.assert_allclose(sma(close, window)[rows], windows.mean(axis=1), rtol=1e-14)
    bands = bollinger(close, window, 1.0)[rows]
    deviation = bands[:, 2] - bands[:, 1]
    np.testing.assert_allclose(deviation, windows.std(axis=1), rtol=0, atol=1e-9)


def test_average_depends_on_its_window_only():
    rng = np.random.default_rng(2)
    close = np.rint(24_000 + np.cumsum(rng.normal(scale=20, size=100_000))) * 0.1
    late = sma(close[-520:], 20)[20:]
    assert np.array_equal(sma(close, 20)[-500:], late)


def test_calm_after_a_crash_is_measured_as_calm():
    crash = [6000.0, 5000.0, 6500.0] * 20
    calm = [2400.0, 2400.1] * 30
    bands = bollinger(np.array(crash + calm), 20, 1.0)
    assert bands[-1, 2] - bands[-1, 1] == pytest.approx(0.05, abs=1e-11)


@given(ticks=TICKS, fast=st.integers(1, 5), more=st.integers(1, 8))
def test_sma_crossover_is_exact(ticks, fast, more):
    slow = fast + more
    expected, latest = [], 0
    for i in range(len(ticks)):
        mark = 0
        if i >= slow - 1:
            difference = Fraction(sum(ticks[i - fast + 1 : i + 1]), fast) - Fraction(
                sum(ticks[i - slow + 1 : i + 1]), slow
            )
            side = (difference > 0) - (difference < 0) or latest
            mark, latest = (side if side * latest < 0 else 0), side
        expected.append(mark)
    for tick in (0.1, 0.25, 1.0):
        assert sma_crossover(np.array(ticks) * tick, fast, slow).tolist() == expected


def test_floats_see_crossings_that_are_none():
    """The trap: ties on ticks, decided by rounding; other libraries decide otherwise."""
    close = simulate.intraday(days=5, seed=1)["M2K"]["close"]
    pairs = [(fast, slow) for fast in (5, 9, 15, 25) for slow in (30, 45, 60)]
    wrong_in_floats = wrong_in_pandas = 0
    for fast, slow in pairs:
        exact = sma_crossover(close, fast, slow)
        in_pandas = crossover(close.rolling(fast).mean(), close.rolling(slow).mean())
        wrong_in_floats += (crossover(sma(close, fast), sma(close, slow)) != exact).sum()
        wrong_in_pandas += (in_pandas != exact).sum()
    assert wrong_in_pandas > wrong_in_floats > 0


def test_sums_too_large_for_exact_arithmetic_are_refused():
    close = np.full(10, 2.0e6)
    assert sma_crossover(close, 1_000, 4_000).tolist() == [0] * 10
    with pytest.raises(ValueError, match=r"fast \* slow must be at most 4,611,686 at a price of"):
        sma_crossover(close, 1_000, 5_000)


@pytest.mark.parametrize("tick", [5.0, 0.5, 1 / 32, 1 / 128, 1e-4, 0.0000005, 1e-8])
@pytest.mark.parametrize("start", [200, 13_400, 300_000])
def test_crossings_are_those_of_the_walk_counted_in_ticks(tick, start):
    walk = start + np.cumsum(np.random.default_rng(1).integers(-2, 3, 400))
    expected = sma_crossover(walk.astype(float), 5, 20)
    assert np.count_nonzero(expected) > 8
    assert sma_crossover(walk * tick, 5, 20).tolist() == expected.tolist()


def test_prices_with_no_room_for_their_ticks_are_refused():
    prices = np.array([1e-7, 2e-7, 3e-7]) + np.arange(3) / 3e12
    assert sma_crossover(np.array([2.0, 1.0, 3.0]) * 1e-20, 1, 2).tolist() == [0, 0, 1]
    with pytest.raises(ValueError, match="close must be at most 4.61169e.12 in size.*got 1e.303"):
        sma_crossover(prices * 1e303 / prices.max(), 1, 2)
    with pytest.raises(ValueError, match="fast . slow must be at most"):
        sma_crossover(np.full(9, 1 / 3), 10**4, 10**10)


# ------------------------------------------------------------------------------ crossover


@pytest.mark.parametrize(
    ("fast", "expected"),
    [
        ([1, 3, 3, 1], [0, 1, 0, -1]),
        ([3, 3, 1, 1], [0, 0, -1, 0]),
        ([3, 2, 3, 3], [0, 0, 0, 0]),  # a touch
        ([3, 2, 1, 2], [0, 0, -1, 0]),  # through, by way of equal
        ([2, 2, 3, 1], [0, 0, 0, -1]),  # equal at first: no side yet
        ([NAN, 3, 1, 3], [0, 0, -1, 1]),
        ([1, NAN, 3, 1], [0, 0, 0, -1]),  # a gap begins anew
        ([], []),
    ],
)
def test_crossover_by_hand(fast, expected):
    fast = series(fast)
    assert crossover(fast, 2).tolist() == expected
    assert crossover(fast, fast * 0 + 2).tolist() == expected
    assert crossover(fast, 2).dtype == np.int64
    flipped = crossover(pd.Series(2.0, fast.index), fast)
    assert flipped.tolist() == [-mark for mark in expected]


# ------------------------------------------------------------------------------ flat prices


@given(price=st.floats(0.01, 1e5), window=st.integers(1, 40))
def test_flat_prices(price, window):
    close = np.full(60, price)
    assert sma(close, window)[-1] == pytest.approx(price, rel=1e-15)
    assert ema(close, window)[-1] == pytest.approx(price, rel=1e-14)
    assert rsi(close, window)[-1] == 50.0
    lower, middle, upper = bollinger(close, window)[-1]
    assert lower == middle == upper
    assert atr(close, close, close, window)[-1] == 0.0


@given(ticks=TICKS, window=st.integers(2, 12))
def test_bands_meet_in_a_flat_window_to_the_last_bit(ticks, window):
    close = np.array(ticks + ticks[-1:] * (window - 1)) * 0.1
    lower, middle, upper = bollinger(close, window)[-1]
    assert lower == middle == upper


def test_rsi_at_its_ends():
    rising = series(range(100, 120))
    assert rsi(rising, 5).iloc[-1] == 100.0
    assert rsi(-rising, 5).iloc[-1] == 0.0


def test_rsi_keeps_its_value_while_nothing_happens():
    moved = [100.0, 103.0, 102.0, 104.0]
    strength = rsi(np.array(moved + [104.0] * 30_000), 3)
    np.testing.assert_allclose(strength[3:], strength[3], rtol=1e-9)
    # ... and then goes on: gain and loss have long faded.
    assert rsi(np.array(moved + [104.0] * 30_000 + [103.0]), 3)[-1] < 1e-300


# ------------------------------------------------------------------------------ rules for all


@EACH
@given(
    parts=st.lists(st.lists(st.floats(50, 150), min_size=0, max_size=12), min_size=1, max_size=4)
)
@example(parts=[[], []])
@example(parts=[[100.0], [101.0, 99.0, 100.0, 101.0, 102.0, 100.0]])
def test_nan_ends_a_series_and_begins_another(indicator, parts):
    whole, expected = [], []
    for part in parts:
        whole += [*part, NAN]
        expected += [*indicator(series(part)), NAN]
    np.testing.assert_array_equal(indicator(series(whole)), expected)


@EACH
def test_many_gaps(indicator):
    close = series(100 + np.arange(20_000) % 7)
    close.iloc[::5] = NAN
    result = indicator(close)
    assert result.notna().sum() == 4_000
    assert result.iloc[:5].equals(indicator(close.iloc[:5]))


@EACH
@given(close=st.lists(st.floats(50, 150), min_size=2, max_size=40), cut=st.integers(1, 39))
def test_the_future_changes_nothing(indicator, close, cut):
    known = series(close).iloc[:cut]
    np.testing.assert_array_equal(indicator(series(close)).iloc[:cut], indicator(known))


@EACH
def test_index_and_label_are_kept_and_input_is_not_changed(indicator):
    bars = simulate.regime("trend", days=40, seed=1)["M2K"]
    before = bars.copy()
    result = indicator(bars["close"])
    pd.testing.assert_index_equal(result.index, bars.index)
    assert result.attrs["label"] == simulate.LABEL
    assert bars.equals(before)


def test_names_say_what_the_values_are():
    close = series(range(30))
    results = [sma(close, 20), ema(close, 9), rsi(close), atr(close, close, close)]
    assert [result.name for result in results] == ["sma_20", "ema_9", "rsi_14", "atr_14"]
    assert list(bollinger(close).columns) == ["lower", "middle", "upper"]


@EACH
@pytest.mark.parametrize("length", [0, 1, 3])
def test_short_series(indicator, length):
    assert indicator(series([100.0] * length)).isna().tolist() == [True] * length


@pytest.mark.parametrize("dtype", ["int64", "int16", "float32", "Int64", "Float64", "float64"])
def test_number_types(dtype):
    close = pd.Series([3, 1, 2, 4]).astype(dtype)
    assert sma(close, 2).tolist()[1:] == [2.0, 1.5, 3.0]
    assert sma(close, 2).dtype == np.float64


def test_missing_value_of_a_nullable_type_is_nan():
    close = pd.Series([1, None, 2, 4], dtype="Int64")
    assert sma(close, 2).tolist() == pytest.approx([NAN, NAN, NAN, 3.0], nan_ok=True)


def test_column_of_a_frame_that_is_not_contiguous():
    frame = pd.DataFrame(np.arange(30.0).reshape(10, 3), columns=list("abc"))
    assert sma(frame["b"], 2).tolist()[1:] == (frame["b"].to_numpy()[1:] - 1.5).tolist()


# ------------------------------------------------------------------------------ bad input

CLOSE = series([100.0, 101.0, 102.0])
BAD = [
    (lambda: sma(CLOSE, 0), ValueError, "window must be a whole number at least 1, got 0"),
    (lambda: sma(CLOSE, 2.5), ValueError, "window must be a whole number at least 1, got 2.5"),
    (lambda: sma(CLOSE, True), TypeError, "window must be a whole number at least 1, got True"),
    (lambda: ema(CLOSE, 0), ValueError, "span must be a whole number at least 1, got 0"),
    (lambda: rsi(CLOSE, -1), ValueError, "window must be .* got -1"),
    (lambda: bollinger(CLOSE, 2, 0), ValueError, "width must be a finite number above 0, got 0"),
    (lambda: bollinger(CLOSE, 0), ValueError, "window must be .* got 0"),
    (lambda: atr(CLOSE, CLOSE, CLOSE, 0), ValueError, "window must be .* got 0"),
    (lambda: atr(CLOSE, CLOSE.iloc[:2], CLOSE), ValueError, "high and low must have the same len"),
    (lambda: atr(CLOSE, CLOSE, CLOSE.shift(1, "D")), ValueError, "high and close must have the sa"),
    (lambda: atr(CLOSE, CLOSE.to_numpy(), CLOSE), TypeError, "high and low must both be Series"),
    (lambda: atr(CLOSE - 1, CLOSE, CLOSE), ValueError, "low must not be above high, got 100.0 ab"),
    (lambda: atr(CLOSE * np.inf, CLOSE, CLOSE), ValueError, "high must hold finite .* got inf"),
    (lambda: crossover(CLOSE, CLOSE.iloc[:2]), ValueError, "fast and slow must have the same len"),
    (lambda: crossover(CLOSE, "high"), TypeError, "slow must be a finite number, got 'high'"),
    (lambda: crossover(CLOSE, NAN), ValueError, "slow must be a finite number, got nan"),
    (lambda: crossover(CLOSE * np.inf, 1), ValueError, "fast must hold finite numbers"),
    (lambda: sma_crossover(CLOSE, 3, 3), ValueError, "fast must be below slow, got fast=3 and s"),
    (lambda: sma_crossover(CLOSE, 0, 3), ValueError, "fast must be a whole number at least 1"),
    (lambda: sma_crossover(CLOSE * np.inf, 1, 2), ValueError, "close must hold finite numbers"),
    (lambda: sma(CLOSE.to_frame(), 2), TypeError, r"got a DataFrame; .* such as bars\['close'\]"),
    (lambda: sma([1.0, 2.0], 2), TypeError, "close must be a Series of numbers, got a list"),
    (lambda: sma(2400.0, 2), TypeError, "close must be a Series of numbers, got 2400.0"),
    (lambda: sma(CLOSE.astype(str), 2), TypeError, "close must hold numbers, got str"),
    (lambda: sma(CLOSE > 100, 2), TypeError, "close must hold numbers, got bool"),
    (lambda: sma(np.ones((3, 2)), 2), ValueError, r"close must have one dimension, got shape \(3"),
    (lambda: sma(CLOSE.iloc[::-1], 2), ValueError, "sorted by time, .* got 2030-01-02 .* after"),
    (lambda: sma(CLOSE.iloc[[0, 1, 1]], 2), ValueError, "one row per time, got 2030-01-02 .* twi"),
    (lambda: sma(CLOSE.set_axis([1, "a", 2]), 2), ValueError, "which have no order"),
    (
        lambda: sma(CLOSE.set_axis(pd.DatetimeIndex(["2030-01-01", None, "2030-01-03"])), 2),
        ValueError,
        "a time in every row, got none in row 1",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), BAD)
def test_bad_input(call, error, message):
    with pytest.raises(error, match=message):
        call()


@EACH
@pytest.mark.parametrize("row", [0, 2, 9])
@pytest.mark.parametrize("value", [math.inf, -math.inf])
def test_infinity_is_found_wherever_it_is(indicator, row, value):
    close = series([100.0] * 10)
    close.iloc[row] = value
    with pytest.raises(ValueError, match=f"must hold finite numbers or NaN, got {value} at 2030"):
        indicator(close)
    close.iloc[4] = NAN
    with pytest.raises(ValueError, match="must hold finite numbers or NaN"):
        indicator(close)
    with pytest.raises(ValueError, match="must hold finite numbers or NaN"):
        indicator(close.iloc[[row]])


# ------------------------------------------------------------------------------ compiling

USE = "import numpy as np; from m2k_lessons.indicators import sma; print(sma(np.ones(3), 2)[-1])"


def python(code, folder, **environ):
    """Run code in a new Python that finds the package in a folder."""
    environ = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1", **environ}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environ, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def installation(tmp_path):
    """A copy of what the indicators need, in a folder that takes no cache."""
    package = tmp_path / "installed" / "m2k_lessons"
    package.mkdir(parents=True)
    sources = [ROOT / "m2k_lessons" / "__init__.py"]
    for folder in ("_util", "indicators"):
        (package / folder).mkdir()
        # Root may write to read-only folders; into a file nobody can.
        (package / folder / "__pycache__").write_text("not a folder", encoding="utf-8")
        sources += sorted((ROOT / "m2k_lessons" / folder).glob("*.py"))
    for path in sources:
        copied = package / path.relative_to(ROOT / "m2k_lessons")
        copied.write_text(path.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    return package.parent


def test_importing_is_quick():
    code = (
        "import sys, m2k_lessons.indicators, m2k_lessons.strategies; print('numba' in sys.modules)"
    )
    assert python(code, ROOT) == "False"


def test_code_is_kept_where_the_installation_is_read_only(installation, tmp_path):
    cache = tmp_path / "cache"
    assert python(USE, installation, NUMBA_CACHE_DIR=str(cache)) == "1.0"
    assert list(cache.rglob("*moving_average*.nbc"))


def test_without_a_named_folder_it_is_the_users(installation, tmp_path):
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "NUMBA_CACHE_DIR": ""}
    assert python(USE, installation, **home) == "1.0"
    # Windows does not ask the environment where the user's folder is.
    assert list(tmp_path.rglob("*moving_average*.nbc")) or os.name == "nt"


def test_with_no_folder_at_all_it_is_compiled_anew(installation):
    # numba looks for IPython's cells only, and so finds no folder for a file.
    environ = {"NUMBA_CACHE_LOCATOR_CLASSES": "IPythonCacheLocator"}
    assert python(USE, installation, **environ) == "1.0"


def test_other_errors_of_the_compiler_are_not_hidden(monkeypatch):
    import numba

    def fails(**settings):
        raise RuntimeError("broken")

    monkeypatch.setattr(numba, "njit", fails)
    with pytest.raises(RuntimeError, match="broken"):
        jit.kernel(len)


def test_without_numba_the_numbers_are_the_same(tmp_path):
    """Macs with an Intel processor: the same loops in plain Python."""
    code = """
import sys
if sys.argv[1:] == ["plain"]:
    sys.modules["numba"] = None
import numpy as np
from m2k_lessons import indicators, strategies
rng = np.random.default_rng(1)
close = np.rint(24000 + np.cumsum(rng.normal(scale=20, size=400))) * 0.1
close[[100, 250]] = np.nan
results = [indicators.sma(close, 20), indicators.ema(close, 20), indicators.rsi(close)]
results += [*indicators.bollinger(close).T, indicators.atr(close + 1, close - 1, close)]
results += [indicators.sma_crossover(close, 3, 10), indicators.crossover(close, 2400)]
results += [strategies.mean_reversion(close), strategies.combination(close)]
print([[float(x).hex() for x in result] for result in results])
"""
    script = tmp_path / "both.py"
    script.write_text(code, encoding="utf-8", newline="\n")
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    outputs = [
        subprocess.run(
            [sys.executable, str(script), *arguments], env=environ, capture_output=True, text=True
        )
        for arguments in ([], ["plain"])
    ]
    assert [output.stderr for output in outputs] == ["", ""]
    assert outputs[0].stdout == outputs[1].stdout
    assert len(outputs[0].stdout) > 10_000
