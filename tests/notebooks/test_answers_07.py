"""What chapter 07 tells in words, and the cell into which a learner puts a file of their own."""

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import data, indicators, plots, strategies
from m2k_lessons.explorers import indicators as explorer
from tests.notebooks.lessons import LESSONS, code_cells, source

NOTEBOOK = next(path for path in LESSONS if path.stem == "07_indicators")
START = {
    "signal": "close above upper band",
    "fast": 20,
    "slow": 50,
    "rsi_window": 14,
    "distance": 20,
    "band_window": 20,
    "width": 2.0,
    "days": 10,
    "first": 1100,
}


@pytest.fixture(scope="module")
def bars():
    return explorer.course_bars()


def test_the_two_days_of_the_opening_question_look_the_same(bars):
    close = bars["close"]
    days = pd.to_datetime(["2034-07-24", "2035-02-16"]).tz_localize("America/New_York")
    assert [day.day_name() for day in days] == ["Monday", "Friday"]
    assert data.load("daily")["M2K"].loc[days, "close"].tolist() == [2422.7, 2447.0]
    strength = indicators.rsi(close)[days]
    assert strength.round().tolist() == [73, 70]
    assert (strength > 70).all()
    assert (close > indicators.bollinger(close)["upper"])[days].all()
    assert (indicators.sma(close, 20) > indicators.sma(close, 50))[days].all()


def test_no_warm_up_of_the_crossings_by_hand():
    ten = pd.Series([2400, 2401.2, 2403, 2402.4, 2400.6, 2399.4, 2400.6, 2403, 2404.2, 2403.6])
    crossed = indicators.sma_crossover(ten, 3, 5)
    assert crossed[crossed != 0].to_dict() == {5: -1, 8: 1}  # days 6 and 9
    bands = indicators.bollinger(ten, 5, 2.0)
    assert not ((ten > bands["upper"]) | (ten < bands["lower"])).any()


def test_shifted_levels_leave_the_signals_where_they_are(bars):
    """The chapter computes on the continuous series, whose level is shifted."""
    close = bars["close"]
    moved = close + 1234.5
    assert np.allclose(indicators.rsi(close), indicators.rsi(moved), equal_nan=True)
    assert indicators.sma_crossover(close, 20, 50).equals(indicators.sma_crossover(moved, 20, 50))
    bands, shifted = indicators.bollinger(close), indicators.bollinger(moved)
    assert np.allclose(bands + 1234.5, shifted, equal_nan=True)


def test_population_deviations_have_a_limit():
    rng = np.random.default_rng(7)
    for number, limit in ((5, 2.0), (20, np.sqrt(19))):
        draws = rng.standard_t(2, size=(2_000, number))
        far = np.abs(draws - draws.mean(axis=1, keepdims=True)).max(axis=1) / draws.std(axis=1)
        assert far.max() <= limit + 1e-9


def test_what_the_explorer_answers():
    results = [explorer.compute(**START | {"width": width}) for width in (1.0, 2.4)]
    numbers = [len(result["after"]) for result in results]
    assert numbers == [104, 20]
    for result in results:
        error = result["after"].std(ddof=1) / np.sqrt(len(result["after"]))
        assert abs(result["after"].mean() - result["all_days"]) < 2 * error


def test_the_vote_written_out_is_that_of_the_package(bars):
    close = bars["close"]
    names = {"np": np, "pd": pd, "indicators": indicators, "plots": plots}
    names["close"] = close
    names["bands"] = indicators.bollinger(close)
    for cell in code_cells(NOTEBOOK):
        if any(part in source(cell) for part in ("def against(", "ballot = pd.DataFrame(")):
            exec(source(cell), names)
    total = names["ballot"].sum(axis=1)[names["ballot"]["averages"].notna()]
    for agree in (1, 2, 3):
        wanted = np.sign(total).where(total.abs() >= agree, 0)
        assert wanted.equals(strategies.combination(close, agree=agree)[total.index])
    assert total["2034-07-24"] == -1  # "one vote for and two against"
    assert total["2034-08-31"] == 2


def test_separate_signals_do_not_share_days(bars):
    """The explorer and the notebook's `after` count the same changes."""
    names = _run(until="def after(")
    found, all_days = names["after"](bars, indicators.sma_crossover(bars["close"], 20, 50) == 1, 10)
    result = explorer.compute(**START | {"signal": "averages cross up"})
    assert found.to_numpy() == pytest.approx(result["after"])
    assert all_days == pytest.approx(result["all_days"])
    places = bars.index.get_indexer(found.index)
    assert np.diff(places).min() >= 10


def test_a_file_of_the_learners_own(tmp_path, capsys):
    path = tmp_path / "own prices.csv"
    market = data.load("daily")["small_caps"]
    market.tz_localize(None).rename_axis("Date").to_csv(path, lineterminator="\n")
    names = _run(until="my_file = None", replace=("my_file = None", f"my_file = {str(path)!r}"))
    assert len(names["own"]) == len(market)
    assert names["own_result"].shape == (18, 5)
    assert names["own_result"].notna().all(axis=None)
    assert "own prices.csv" in capsys.readouterr().out
    assert len(explorer.explore(names["own"]).result["close"]) == explorer.SHOWN


def test_too_short_a_file_for_the_picture(bars):
    with pytest.raises(ValueError, match="bars must have at least 120 rows, got 100"):
        explorer.explore(bars.iloc[:100])
    assert len(explorer.explore(bars.iloc[:160]).alt) > 40


def _run(until: str, replace: tuple[str, str] = ("", "")) -> dict:
    """The notebook's names after its cell with `until`, without its figures and slow cells."""
    names: dict = {}
    for cell in code_cells(NOTEBOOK):
        code = source(cell)
        needed = ("from m2k_lessons.exercises", "market, M2K =", "def after(", "def signals_of(")
        if until in code or any(part in code for part in (*needed, "def study(")):
            exec(code.replace(*replace) if replace[0] else code, names)
        if until in code:
            return names
    raise AssertionError(f"no cell with {until!r}")
