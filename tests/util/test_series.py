import datetime as dt

import numpy as np
import pandas as pd
import pytest

from m2k_lessons._util import checks, series

INDEX = pd.date_range("2030-01-07", periods=3, tz="America/New_York")


def test_like_gives_back_the_type_of_what_was_given():
    close = pd.Series([1.0, 2.0, 3.0], INDEX)
    close.attrs["label"] = "SIMULATED"
    result = np.array([4.0, 5.0, 6.0])
    named = series.like(close, result, "twice")
    assert named.index.equals(INDEX)
    assert (named.name, named.tolist()) == ("twice", [4.0, 5.0, 6.0])
    assert named.attrs == {"label": "SIMULATED"}
    named.attrs["label"] = "changed"
    assert close.attrs == {"label": "SIMULATED"}
    # Of several arguments the first Series lends its index, wherever it stands.
    assert series.like((2400.0, close), result).index.equals(INDEX)
    assert series.like(result, result) is result
    assert type(series.like(2400.0, np.float64(7.0))) is float
    assert type(series.like((1.0, 2.0), np.array(7.0))) is float
    assert series.like([1.0], np.array([7.0])).shape == (1,)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (pd.Series([1.0, np.nan, np.inf], INDEX), "got nan at 2030-01-08 00:00:00-05:00"),
        (pd.Series([1, None, 2], INDEX, dtype="Float64"), "got nan at 2030-01-08 00:00:00-05:00"),
        (np.array([1.0, 2.0, -np.inf]), "got -inf in row 2"),
    ],
)
def test_the_first_number_that_is_none_is_named(given, message):
    with pytest.raises(ValueError, match=f"^close must hold finite numbers, {message}$"):
        series.finite("close", given)


def test_finite_returns_the_numbers_and_only_infinity_is_no_nan():
    assert series.finite("close", pd.Series([1, 2, 3], INDEX)).tolist() == [1.0, 2.0, 3.0]
    unknown = np.array([1.0, np.nan])
    series.finite_or_nan("close", unknown, unknown)
    infinite = np.array([1.0, np.inf])
    with pytest.raises(ValueError, match="^x must hold finite numbers or NaN, got inf in row 1$"):
        series.finite_or_nan("x", infinite, infinite)


def test_rows_are_refused_by_what_is_accepted():
    prices = pd.Series([1.0, 0.0, -1.0], INDEX)
    series.refuse_rows("close", prices, prices < -1, "be at least -1")
    with pytest.raises(ValueError, match="^close must be above 0, got 0.0 at 2030-01-08"):
        series.refuse_rows("close", prices, prices <= 0, "be above 0")


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("text", "'text'"),
        (2.5, "2.5"),
        (None, "None"),
        (dt.date(2030, 1, 7), "datetime.date(2030, 1, 7)"),
        (pd.DataFrame({"close": [1.0]}), "a DataFrame"),
        ([1, 2], "a list"),
    ],
)
def test_an_instance_or_a_refusal_that_fits_on_a_line(value, shown):
    assert checks.instance("given", value, type(value), "itself") is value
    with pytest.raises(TypeError) as refused:
        checks.instance("given", value, set, "a set")
    assert str(refused.value) == f"given must be a set, got {shown}"
