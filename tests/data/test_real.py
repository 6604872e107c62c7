"""The records of real markets: types, units, gaps, and that they can be computed anew."""

import importlib.util
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import data
from m2k_lessons.data import real
from m2k_lessons.data.course import folder

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("records", ROOT / "tools" / "real_records.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- loading ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", real.RECORDS)
def test_each_column_has_a_unit_and_each_record_a_source(name):
    frame = data.load(name)
    record = real.RECORDS[name]
    numbers = [column for column in frame if column not in record.texts]
    assert set(frame.attrs["units"]) == set(numbers)
    assert {str(kind) for kind in frame[numbers].dtypes} <= {"float64", "int64"}
    assert frame.attrs["source"]
    assert frame.index.name == record.index
    assert frame.index.is_monotonic_increasing or name == "futures_carry"
    text = (ROOT / "data/real/README.md").read_text("utf-8")
    assert f"`{name}`" in text
    assert f"`{record.file}`" in text


def test_a_caller_may_change_what_it_has_loaded():
    frame = data.load("real_years")
    frame.loc[2008, "beta"] = 0.0
    assert data.load("real_years").loc[2008, "beta"] == pytest.approx(1.1, abs=0.2)


def test_years_and_months_agree():
    years, months = data.load("real_years"), data.load("real_months")
    for column in ("small", "large"):
        growth = (1 + months[f"{column}_pct"] / 100).groupby(months.index.year).prod() - 1
        whole = [year for year in years.index if 1988 <= year <= 2025]
        difference = growth.loc[whole] * 100 - years.loc[whole, f"{column}_return_pct"]
        assert difference.abs().max() < 0.1  # twelve roundings of 0.005
    assert years.index.tolist() == list(range(1987, 2027))
    assert months.index.equals(pd.period_range("1987-10", "2026-07", freq="M"))
    difference = months["small_pct"] - months["large_pct"] - months["small_minus_large_pct"]
    assert difference.abs().max() < 0.016


def test_gaps_are_kept_and_named():
    macro = data.load("us_macro")
    assert macro.attrs["gaps"] == {"UNRATE": ["2025-10"], "CPIAUCSL": ["2025-10"]}
    assert macro.loc["2025-10", ["UNRATE", "CPIAUCSL"]].isna().all()
    assert macro.loc["2025-10", "PAYEMS"] > 150_000
    assert "October 2025" in macro.attrs["note"]
    assert macro.index.equals(pd.period_range("1959-01", "2026-07", freq="M"))
    assert data.load("real_years").attrs["gaps"] == {}  # no fund before 2000: not inside


def test_rate_days_and_carry_say_what_the_descriptions_say():
    rate = data.load("rate_days")
    assert rate.index[0] == "09:35"
    assert rate.index[-1] == "15:55"
    after = rate.loc["14:00":"14:55"]
    assert (after["small_rate_day_mean_abs_bp"] > 1.5 * after["small_other_day_mean_abs_bp"]).all()
    carry = data.load("futures_carry")
    means = carry.groupby("symbol")["annualised_pct"].agg(["mean", "count"])
    assert means.loc["RTY"].round(2).tolist() == [2.96, 48]
    assert means.loc["ES"].round(2).tolist() == [3.32, 94]


@pytest.mark.parametrize("name", ["sp500", "nasdaq"])
def test_index_bars_are_those_of_arch_and_known_for_indices(name):
    from arch.data import nasdaq, sp500

    theirs = {"sp500": sp500, "nasdaq": nasdaq}[name].load()
    ours = data.load(name)
    assert ours.index.strftime("%Y%m%d").tolist() == theirs.index.strftime("%Y%m%d").tolist()
    for column in ("Open", "High", "Low", "Close", "Volume"):
        np.testing.assert_array_equal(ours[column.lower()], theirs[column])
    opens = ours.attrs["opens"]
    assert opens.tradable is False
    assert data.measure_opens(ours).tradable is False  # without its name, too
    if name == "sp500":
        assert opens.equal_share == pytest.approx(0.40, abs=0.005)


@pytest.mark.parametrize("years", [1, 2, 5, 10])
@pytest.mark.parametrize("name", ["sp500", "nasdaq"])
def test_no_window_of_an_index_passes_for_prices_that_trade(name, years):
    bars, rows = data.load(name), 252 * years
    starts = range(0, len(bars) - rows + 1, 63)
    verdicts = {data.measure_opens(bars.iloc[at : at + rows]).tradable for at in starts}
    assert verdicts == {False}
    if name == "sp500":
        bare = bars.drop(columns="volume")
        verdicts = {data.measure_opens(bare.iloc[at : at + rows]).tradable for at in starts}
        assert True not in verdicts


def test_a_missing_record_says_where_to_take_it(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"record_yearly\.csv is missing; take the folder"):
        data.load("real_years")


def test_unknown_names_are_answered_with_the_records_too():
    with pytest.raises(ValueError, match="'real_years'.* got 'real_year'"):
        data.load("real_year")


def test_the_notice_of_arch_lies_beside_its_files():
    notice = (folder() / "real" / "NOTICE.txt").read_text("utf-8")
    for part in ("Copyright (c) 2017 Kevin Sheppard", 'THE SOFTWARE IS PROVIDED "AS IS"', "sp500"):
        assert part in notice


# --- computing them anew ----------------------------------------------------------------------


def daily_file(path, closes, dates, opens=None):
    table = pd.DataFrame({"Date": dates, "Close": closes})
    if opens is not None:
        table.insert(1, "Open", opens)
    table.to_csv(path, index=False)
    return path


def test_a_year_by_hand(tool, tmp_path):
    dates = ["2020-12-30", "2020-12-31", "2021-01-04", "2021-01-05", "2021-01-06", "2021-02-01"]
    small = [99, 100, 110, 88, 99, 120]
    large = [50, 50, 51, 50, 52, 53]
    files = [
        daily_file(tmp_path / "small.csv", small, dates),
        daily_file(tmp_path / "large.csv", large, dates),
        daily_file(tmp_path / "fund.csv", small, dates, [99, 99, 105, 100, 90, 100]),
    ]
    arguments = [*map(str, files[:2]), "--fund", str(files[2]), "--into", str(tmp_path)]
    assert tool.main(arguments) == 0
    year = pd.read_csv(tmp_path / "record_yearly.csv", index_col="year").loc[2021]
    assert year["days"] == 4
    assert year["small_return_pct"] == 20.0
    assert year["large_return_pct"] == 6.0
    assert year["small_worst_day_pct"] == -20.0
    assert year["small_best_day_pct"] == round((120 / 99 - 1) * 100, 3)
    assert year["small_max_drawdown_pct"] == -20.0
    logs = np.diff(np.log(small))[1:], np.diff(np.log(large))[1:]
    deviation = np.std(logs[0], ddof=1) * np.sqrt(252) * 100
    assert year["small_volatility_pct"] == round(deviation, 3)
    assert year["correlation"] == round(np.corrcoef(*logs)[0, 1], 3)
    assert year["beta"] == round(np.polyfit(logs[1], logs[0], 1)[0], 3)
    assert year["small_autocorrelation"] == round(np.corrcoef(logs[0][1:], logs[0][:-1])[0, 1], 3)
    gaps = np.log(np.array([105, 100, 90, 100]) / np.array([100, 110, 88, 99]))
    moves = np.log(np.array([110, 88, 99, 120]) / np.array([105, 100, 90, 100]))
    share = (gaps**2).sum() / ((gaps**2).sum() + (moves**2).sum())
    assert year["fund_overnight_share"] == round(share, 3)
    assert year["fund_worst_gap_pct"] == round((100 / 110 - 1) * 100, 3)
    months = pd.read_csv(tmp_path / "record_monthly.csv", index_col="month")
    assert months.index.tolist() == ["2021-01", "2021-02"]
    assert months.loc["2021-02", "small_pct"] == round((120 / 99 - 1) * 100, 2)
    columns = pd.read_csv(folder() / "real" / "record_yearly.csv", index_col="year").columns
    assert list(year.index) == list(columns)


def test_rate_days_by_hand(tool, tmp_path):
    times = ["2024-03-19 09:30", "2024-03-19 09:35", "2024-03-20 09:30", "2024-03-20 09:35"]
    for name, closes in (("s", [100, 101, 100, 103]), ("l", [100, 100.5, 100, 101])):
        bars = pd.DataFrame({"Datetime": times, "Close": closes})
        bars.to_csv(tmp_path / f"{name}.csv", index=False)
    (tmp_path / "days.txt").write_text("2024-03-20\n")
    dates = [f"2024-0{month}-01" for month in range(1, 8)]
    daily = daily_file(tmp_path / "d.csv", [1, 2, 3, 2, 4, 3, 5], dates)
    minutes = ["--minutes", str(tmp_path / "s.csv"), str(tmp_path / "l.csv")]
    days = ["--statements", str(tmp_path / "days.txt"), "--into", str(tmp_path)]
    assert tool.main([str(daily), str(daily), *minutes, *days]) == 0
    row = pd.read_csv(tmp_path / "rate_days_5min.csv").iloc[0]
    assert row.iloc[0] == "09:35"
    expected = {"small_rate": 1.03, "small_other": 1.01, "large_rate": 1.01, "large_other": 1.005}
    for name, ratio in expected.items():
        assert row[f"{name}_day_mean_abs_bp"] == round(np.log(ratio) * 1e4, 2)
    record = pd.read_csv(folder() / "real" / "rate_days_5min.csv")
    assert list(record.columns) == list(row.index)


def test_too_few_days_are_refused(tool):
    close = pd.Series([1.0, 2.0, 3.0], index=pd.bdate_range("2024-01-01", periods=3))
    with pytest.raises(ValueError, match="small and large must share 5 dates or more, got 3"):
        tool.yearly(close, close)


def test_minutes_need_the_days_of_statements(tool, tmp_path, capsys):
    with pytest.raises(SystemExit):
        tool.main(["a.csv", "b.csv", "--minutes", "c.csv", "d.csv"])
    assert "--minutes and --statements go together" in capsys.readouterr().err


def test_the_task_has_one_line():
    text = (ROOT / "tools" / "real_records.py").read_text("utf-8")
    assert re.match(r'"""[^\n]{20,75}\.\n\n', text)
