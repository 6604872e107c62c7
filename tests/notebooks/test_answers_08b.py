"""Page 08b: its errors, tests and searches again, without its own functions."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from m2k_lessons import data, fundamentals
from m2k_lessons.explorers import further_fundamentals as page

QUARTERS = pd.period_range("1959Q2", "2009Q3", freq="Q")


@pytest.fixture(scope="module")
def record():
    """Premium and what was known of the three figures, by position instead of by date."""
    figures = fundamentals.macro()
    economy = pd.DataFrame(
        {
            "unemployment": figures["unemployment_pct"].diff(),
            "rate": figures["tbill_pct"].diff(),
            "spending": 100 * (figures["consumption"] / figures["consumption"].shift() - 1),
        }
    )
    months = fundamentals.small_cap_premium()["smb_pct"].loc["1959-04":"2009-09"]
    premium = pd.Series(months.to_numpy().reshape(-1, 3).sum(axis=1), QUARTERS)
    known = economy.shift(1)
    known[["unemployment", "spending"]] = economy[["unemployment", "spending"]].shift(2)
    return premium, known.loc["1959Q3":"2009Q3"], economy.loc[QUARTERS]


def newey_west(values, lags):
    """Error of a mean from the matrix of weights, element by element."""
    x = np.asarray(values) - np.mean(values)
    n = len(x)
    apart = np.abs(np.subtract.outer(np.arange(n), np.arange(n)))
    weights = np.clip(1 - apart / (lags + 1), 0, None)
    return math.sqrt(x @ weights @ x / (n * (n - 1)))


def forecasts(y, X, first):
    """Line and average, each row estimated anew by least squares on the rows before."""
    design = np.column_stack([np.ones(len(y)), X])
    rows = range(first, len(y))
    line = [design[row] @ np.linalg.lstsq(design[:row], y[:row])[0] for row in rows]
    return np.array(y[first:]), np.array(line), np.array([np.mean(y[:row]) for row in rows])


def clark_west_p(actual, line, average):
    gain = 2 * (actual - average) * (line - average)  # the three terms, multiplied out
    lags = math.floor(4 * (len(gain) / 100) ** (2 / 9))
    return norm.sf(gain.mean() / newey_west(gain, lags))


def test_08b_error_of_the_slope(record):
    premium, _, economy = record
    jobs = economy["unemployment"]
    slope = np.cov(jobs, premium)[0, 1] / jobs.var()
    off = jobs - jobs.mean()
    scores = off * (premium - premium.mean() - slope * off)
    errors = [newey_west(scores, lags) / jobs.var(ddof=0) for lags in (0, 4)]
    assert [round(one, 2) for one in errors] == [1.34, 1.03]


def test_08b_the_explorer_agrees_with_the_package_record_by_record():
    for explained_pct, quarters, first in ((5.0, 202, 60), (0.0, 90, 20)):
        result = page.compute(explained_pct, quarters, first)
        x, noise = page._luck()[:, :, :quarters]
        y = math.sqrt(explained_pct / 100) * x + math.sqrt(1 - explained_pct / 100) * noise
        index = pd.period_range("1959Q2", periods=quarters, freq="Q")
        model, mean = page.forecasts(y, x, first)
        won = (y[:, first:] - mean) ** 2 - (y[:, first:] - model) ** 2
        corrected = page.t_value(won + (mean - model) ** 2)
        for row in range(12):
            test = fundamentals.out_of_sample(
                pd.Series(y[row], index), pd.Series(x[row], index, name="x"), first
            )
            assert 100 * test.r_squared == pytest.approx(result["r2_pct"][row], abs=1e-9)
            t, _ = fundamentals.clark_west(test.forecasts)
            assert t == pytest.approx(corrected[row], abs=1e-9)
            share_error = (test.high - test.low) / 2
            t_won = page.t_value(won[row : row + 1])[0]
            assert test.r_squared / share_error == pytest.approx(
                t_won / page.stdtrit(quarters - first - 1, 0.975), abs=1e-9
            )


def test_08b_power_and_size_in_other_records():
    """Two thousand records from another stream: what the page says holds for them, too."""
    rng = np.random.default_rng(80)
    for share, quarters, first, low, high in (
        (0.05, 202, 60, 0.74, 0.82),
        (0.0, 202, 60, 0.015, 0.045),
        (0.05, 128, 88, 0.34, 0.45),  # forty forecasts: about four of ten
        (0.05, 320, 60, 0.92, 0.98),
    ):
        x, noise = rng.normal(size=(2, 2_000, quarters))
        y = math.sqrt(share) * x + math.sqrt(1 - share) * noise
        line, average = page.forecasts(y, x, first)
        gain = 2 * (y[:, first:] - average) * (line - average)
        assert low < np.mean(page.t_value(gain) > norm.ppf(0.95)) < high, (share, quarters)


def test_08b_three_empty_figures_lose():
    rng = np.random.default_rng(81)
    lost = 0
    for _ in range(60):
        actual, line, average = forecasts(rng.normal(size=202), rng.normal(size=(202, 3)), 60)
        lost += np.sum((actual - line) ** 2) > np.sum((actual - average) ** 2)
    assert lost >= 50  # 93 % of 60 is 56; fewer than 50 would be three errors away


def test_08b_the_search(record):
    premium, known, _ = record
    z = (known - known.expanding(20).mean()) / known.expanding(20).std()
    composite = (-z["unemployment"] - z["rate"] + z["spending"]).dropna().to_frame()
    single = [known[[name]].dropna() for name in ("unemployment", "rate", "spending")]
    candidates = [*single, known.dropna(), composite]
    y = premium.loc["1959Q3":]

    def best(outcome):
        return [
            clark_west_p(*forecasts(outcome.loc[X.index].to_numpy(), X.to_numpy(), 60))
            for X in candidates
        ]

    real = best(y)
    assert round(real[0], 3) == round(min(real), 3) == 0.018
    assert [round(one, 2) for one in real[:4]] == [0.02, 0.04, 0.26, 0.03]
    rng = np.random.default_rng(82)
    shuffled = [min(best(pd.Series(rng.permutation(y), y.index))) for _ in range(60)]
    # The page's share is 0.034: of sixty other shuffles two, with a standard error of 1.4.
    assert 0 <= sum(one <= real[0] for one in shuffled) <= 7


def test_08b_newer_quarters():
    newer = data.load("real_months")["small_minus_large_pct"]
    quarters = newer.groupby(newer.index.asfreq("Q-DEC")).agg(["sum", "count"])
    newer = quarters.loc[quarters["count"] == 3, "sum"]
    rate = data.load("us_macro")["UNRATE"]
    rise = rate.groupby(rate.index.asfreq("Q-DEC")).mean().diff().shift(2)
    y = newer.loc[:"2026Q2"]
    actual, line, average = forecasts(y.to_numpy(), rise.loc[y.index].to_numpy(), 60)
    index = y.index[60:]
    for end, n, share, p in (("2019Q4", 40, 4.2, 0.07), ("2026Q2", 66, 8.9, 0.14)):
        part = (index >= pd.Period("2010Q1")) & (index <= pd.Period(end))
        a, b, c = actual[part], line[part], average[part]
        assert len(a) == n
        assert round(100 * (1 - ((a - b) ** 2).sum() / ((a - c) ** 2).sum()), 1) == share
        assert round(clark_west_p(a, b, c), 2) == p
    saved = pd.Series((actual - average) ** 2 - (actual - line) ** 2, index)
    assert saved.idxmax() == pd.Period("2020Q4")
    later = saved.loc["2020Q1":].sum()
    assert saved["2020Q4"] > later  # without that quarter the later years save nothing
