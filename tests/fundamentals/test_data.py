from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import fundamentals as fm
from m2k_lessons.fundamentals.data import _MACRO_COLUMNS
from tests.fundamentals.inputs import series

# --- real data


def test_macro_is_the_us_economy_from_1959_to_2009():
    figures = fm.macro()
    assert figures.shape == (203, 7)
    assert figures.index.equals(pd.period_range("1959Q1", "2009Q3", freq="Q"))
    assert not figures.isna().any().any()
    assert set(figures.attrs["units"]) == set(figures)
    # Typed from the data set's own file.
    assert figures.loc["1959Q1"].tolist() == [5.8, 2.82, 1707.4, 1886.9, 2710.349, 28.98, 0.0]
    assert figures.loc["2009Q3", ["unemployment_pct", "tbill_pct", "consumption"]].tolist() == [
        9.6,
        0.12,
        9256.0,
    ]


def test_inflation_is_what_its_unit_says():
    figures = fm.macro()
    computed = 400 * np.log(figures["cpi"]).diff()
    assert (computed - figures["inflation_pct"]).iloc[1:].abs().max() < 0.0051


def test_premium_has_the_months_of_the_factors():
    premium = fm.small_cap_premium()
    assert premium.shape == (1109, 3)
    assert premium.index.equals(pd.period_range("1926-07", "2018-11", freq="M"))
    # Typed from arch's file: first, last, and the fall of October 1987.
    assert premium.loc["1926-07"].tolist() == [-2.30, 2.96, 0.22]
    assert premium.loc["2018-11"].tolist() == [-0.75, 1.69, 0.18]
    assert premium.loc["1987-10", "market_excess_pct"] == -23.24
    assert abs(premium["smb_pct"].mean() - 0.2066) < 1e-4


def test_shipped_figures_are_those_of_the_libraries():
    """The files in data/real against arch's and statsmodels' own, column by column."""
    from arch.data import frenchdata
    from statsmodels.datasets import macrodata

    factors, premium = frenchdata.load(), fm.small_cap_premium()
    theirs = {"smb_pct": "SMB", "market_excess_pct": "Mkt-RF", "risk_free_pct": "RF"}
    for column, name in theirs.items():
        assert premium[column].tolist() == factors[name].tolist()
    table, figures = macrodata.load_pandas().data, fm.macro()
    for name, (column, _) in _MACRO_COLUMNS.items():
        assert figures[column].tolist() == table[name].tolist()


def test_quarters_are_sums_and_part_quarters_unknown():
    months = pd.period_range("2018-02", periods=9, freq="M")
    monthly = pd.Series([1.0, 2, 3, 4, 5, -6, 7, 8, 9], index=months, name="smb_pct")
    result = fm.quarterly(monthly)
    assert result.index.equals(pd.period_range("2018Q1", "2018Q4", freq="Q"))
    assert (result.name, result.index.name) == ("smb_pct", "quarter")
    np.testing.assert_array_equal(result, [np.nan, 12.0, 9.0, np.nan])
    with pytest.raises(ValueError, match="consecutive periods, got 2018-06 after 2018-04"):
        fm.quarterly(monthly.drop(pd.Period("2018-05")))
    with pytest.raises(TypeError, match="must have months as index"):
        fm.quarterly(result)


# --- growth


def test_growth_rates():
    levels = series([100, 102, 99.96, 99.96, 110])
    np.testing.assert_allclose(fm.growth_rate(levels), [np.nan, 2, -2, 0, 100 * (110 / 99.96 - 1)])
    np.testing.assert_allclose(fm.growth_rate(levels, 4).iloc[-1], 10)
    a_year = fm.growth_rate(levels, annualised=True)
    np.testing.assert_allclose(a_year.iloc[1], 100 * (1.02**4 - 1))
    half = fm.growth_rate(levels, 2, annualised=True)
    np.testing.assert_allclose(half.iloc[2], 100 * (0.9996**2 - 1))
    monthly = pd.Series([1.0, 1.01], index=pd.period_range("2000-01", periods=2, freq="M"))
    np.testing.assert_allclose(
        fm.growth_rate(monthly, annualised=True).iloc[1], 100 * (1.01**12 - 1)
    )


def test_real_consumption_growth_of_one_quarter():
    growth = fm.growth_rate(fm.macro()["consumption"])
    assert abs(growth["2008Q4"] - 100 * (9195.3 / 9267.7 - 1)) < 1e-12
    assert np.isnan(growth.iloc[0])


@pytest.mark.parametrize(
    ("levels", "options", "error", "message"),
    [
        (series([1, 0, 2]), {}, ValueError, r"levels must be above zero, got 0.0 at 2000Q2"),
        (series([1, 2]).to_timestamp(), {}, TypeError, "PeriodIndex"),
        ([1, 2], {}, TypeError, "levels must be a Series"),
        (series([1, 2, 3]).iloc[[0, 2]], {}, ValueError, "got 2000Q3 after 2000Q1"),
        (series([1, 2, 3]).iloc[::-1], {}, ValueError, "sorted by time"),
        (series([1, np.inf]), {}, ValueError, "finite numbers or NaN"),
        (series([1, 2]), {"periods": 0}, ValueError, "periods must be a whole number at least 1"),
        (series([1, 2]), {"annualised": 1}, TypeError, "annualised must be True or False"),
    ],
)
def test_growth_of_what_has_none(levels, options, error, message):
    with pytest.raises(error, match=message):
        fm.growth_rate(levels, **options)


def test_days_cannot_be_annualised():
    days = pd.Series([1.0, 2.0], index=pd.period_range("2000-01-01", periods=2, freq="D"))
    with pytest.raises(ValueError, match="years, quarters or months to annualise, got D"):
        fm.growth_rate(days, annualised=True)
