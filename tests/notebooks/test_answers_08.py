"""Chapter 08: its regressions again without its own module, and what it says in words."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from m2k_lessons import data, fundamentals
from m2k_lessons.explorers.fundamentals import SECTORS, compute_macro, compute_sector_shock

NAMES = ["unemployment", "rate", "spending"]


@pytest.fixture(scope="module")
def record():
    """Premium and figures, 1959Q2 to 2009Q3, straight from the libraries' files."""
    from arch.data import frenchdata
    from statsmodels.datasets import macrodata

    factors = frenchdata.load()
    smb = factors["SMB"].to_numpy()
    start = 12 * (1959 - 1926) + 4 - 7  # April 1959, counted from July 1926
    premium = smb[start : start + 3 * 202].reshape(202, 3).sum(axis=1)
    raw = macrodata.load_pandas().data
    assert raw.loc[1, ["year", "quarter"]].tolist() == [1959, 2]
    spending = raw["realcons"].to_numpy()
    figures = np.column_stack(
        [np.diff(raw["unemp"]), np.diff(raw["tbilrate"]), 100 * (spending[1:] / spending[:-1] - 1)]
    )
    quarters = pd.period_range("1959Q2", "2009Q3", freq="Q")
    return pd.Series(premium, quarters), pd.DataFrame(figures, quarters, columns=NAMES)


def newey_west(y, X):
    """Slopes, ends of their 95 % intervals and R², by the formulas."""
    y, X = np.asarray(y), np.column_stack([np.ones(len(y)), X])
    n, k = X.shape
    lags = math.floor(4 * (n / 100) ** (2 / 9))
    bread = np.linalg.inv(X.T @ X)
    slopes = bread @ X.T @ y
    left = y - X @ slopes
    scores = X * left[:, None]
    meat = scores.T @ scores
    for lag in range(1, lags + 1):
        shifted = scores[lag:].T @ scores[:-lag]
        meat += (1 - lag / (lags + 1)) * (shifted + shifted.T)
    errors = np.sqrt(np.diag(n / (n - k) * bread @ meat @ bread))
    half = student.ppf(0.975, n - k) * errors
    r_squared = 1 - (left**2).sum() / ((y - y.mean()) ** 2).sum()
    return slopes[1:], slopes[1:] - half[1:], slopes[1:] + half[1:], 100 * r_squared


def shown(found):
    slopes, low, high, r_squared = found
    rows = np.round(np.column_stack([slopes, low, high]), 2).tolist()
    return rows, round(r_squared, 1)


def test_08_slope_of_loop_1(record):
    premium, figures = record
    assert shown(newey_west(premium, figures[["unemployment"]])) == ([[1.43, -0.59, 3.46]], 0.8)
    assert figures["unemployment"].idxmax() == premium.idxmax() == pd.Period("1975Q1")
    hard = premium[figures["unemployment"] > 0.25]
    assert figures.loc[hard.index, "unemployment"].min().round(6) == 0.3
    assert (len(hard), round(hard.mean(), 2)) == (36, 1.95)


def test_08_slopes_of_loop_2(record):
    premium, figures = record
    rows, r_squared = shown(newey_west(premium, figures))
    assert rows == [[3.28, 1.12, 5.44], [-0.24, -0.95, 0.46], [2.02, 0.73, 3.32]]
    assert r_squared == 5.5
    early, late = slice("1959Q2", "1983Q4"), slice("1984Q1", "2009Q3")
    first, _ = shown(newey_west(premium[early], figures[early]))
    second, _ = shown(newey_west(premium[late], figures[late]))
    assert (len(premium[early]), len(premium[late])) == (99, 103)
    assert (first[0], second[0]) == ([1.87, -1.79, 5.53], [5.89, 2.71, 9.07])
    assert first[1][0] < 0 < second[1][0], "the rate's slope changes its sign"


def known(figures, rate_quarters_ago):
    """What was known when a quarter began: figures two quarters old, the rate as old as asked."""
    shifts = {"unemployment": 2, "rate": rate_quarters_ago, "spending": 2}
    return pd.DataFrame({name: figures[name].shift(by) for name, by in shifts.items()}).iloc[2:]


def test_08_slopes_of_loop_3(record):
    premium, figures = record
    later = premium.iloc[2:]
    assert (str(later.index[0]), len(later)) == ("1959Q4", 200)
    rows, r_squared = shown(newey_west(later, known(figures, 1)))
    assert (rows[1], r_squared) == ([-1.04, -1.82, -0.25], 4.2)
    rows, _ = shown(newey_west(later, known(figures, 2)))
    assert rows[1] == [0.52, -0.46, 1.5]
    assert rows[0][1] > 0, "unemployment's interval now leaves out zero"


def test_08_a_rate_dated_by_the_month(record):
    premium, figures = record
    funds = data.load("us_macro")["FEDFUNDS"]
    later, found = premium.iloc[2:], []
    for late in range(4):
        # 1959Q4 begins in October: what has just ended is September.
        ends = [pd.Period(f"{q.year}-{3 * q.quarter - 2:02d}") - 1 - late for q in later.index]
        rise = [funds[end] - funds[end - 3] for end in ends]
        rows, _ = shown(newey_west(later, known(figures, 2).assign(rate=rise)))
        found.append(rows[1])
    assert found[0] == [-0.75, -1.35, -0.16]
    assert found[1] == [-0.86, -1.74, 0.02], "one month late: an interval that just holds zero"
    assert found[3] == [0.4, -0.24, 1.03], "three months late: zero is well inside"


def test_08_forecasts(record):
    premium, figures = record
    y, X = premium.iloc[2:].to_numpy(), known(figures, 1)

    def score(columns):
        design = np.column_stack([np.ones(len(y)), X[columns]])
        model, mean = [], []
        for row in range(60, len(y)):
            slopes = np.linalg.lstsq(design[:row], y[:row])[0]
            model.append(y[row] - design[row] @ slopes)
            mean.append(y[row] - y[:row].mean())
        return 100 * (1 - np.square(model).sum() / np.square(mean).sum())

    assert round(score(NAMES), 1) == -0.6
    assert round(score(["unemployment"]), 1) == 1.4
    assert round(score(["spending"]), 1) == -0.1

    # The picture's words: every interval holds zero, the composite's barely.
    later = premium.rename("premium").loc["1959Q3":]
    lags = {"unemployment": 8, "rate": 0, "spending": 30}
    before = pd.DataFrame(
        {name: fundamentals.known_at(figures[name], lags[name], at=later.index) for name in NAMES}
    )
    composite = fundamentals.composite(*(before[name] for name in NAMES))
    tries = [*(before[name] for name in NAMES), before, composite]
    tests = [fundamentals.out_of_sample(later, X) for X in tries]
    assert all(one.low < 0 < one.high for one in tests)
    assert all(one.high > 0.01 for one in tests[:4])
    assert 0 < tests[4].high < 0.005
    assert max(tests, key=lambda one: one.r_squared) is tests[0]


def test_08_january_2009(record):
    _, figures = record
    quarter = pd.PeriodIndex(["2009Q1"], freq="Q")
    for name, days, newest in (("unemployment", 8, "2008Q3"), ("rate", 0, "2008Q4")):
        value = fundamentals.known_at(figures[name], days, at=quarter).iloc[0]
        assert value == figures.loc[newest, name]
    assert (
        fundamentals.known_at(figures["spending"], 30, at=quarter).iloc[0]
        == (figures.loc["2008Q3", "spending"])
    )


def test_08_what_the_explorers_answer():
    rises = np.round(np.arange(0, 1.65, 0.1), 1)
    clear = [compute_macro(float(one), 0.0, 0.8)["low"] > 0 for one in rises]
    assert rises[clear.index(True)] == 0.2
    assert all(clear[2:])
    assert max(compute_macro(float(one), 0.0, 0.8)["quarter_low"] for one in rises) < 0
    costly = [name for name in SECTORS.index if compute_sector_shock(name, -10, 0, 1)["usd"] < -200]
    assert costly == ["Financials", "Industrials"]
    lost = [compute_sector_shock("Energy", -20, follow, 1)["usd"] for follow in range(0, 101, 5)]
    assert lost[7] > -1000 > lost[8]  # 35 %, 40 %
    contribution = compute_sector_shock("Energy", -20, 50, 2)
    assert math.isclose(contribution["contribution"].sum(), contribution["index_pct"])


def test_08_the_first_report():
    reports = data.load("macro")["releases"].query("release == 'employment'")
    first = reports.iloc[0]
    assert first[["previous", "consensus", "actual"]].tolist() == [150, 141, 109]
    assert (reports.index[0].year, reports.index[-1].strftime("%Y-%m")) == (2030, "2039-12")
