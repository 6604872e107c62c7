"""The committed data sets other than `daily`: they are what the simulators draw, and documented."""

import bz2
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import sessions, simulate
from m2k_lessons.contracts import get_contract
from m2k_lessons.data import course

DATA = Path(__file__).resolve().parents[2] / "data"
SETS = ["intraday", "releases", "macro", "regimes", "pairs", "chain"]
DRAWN_ANEW = ["intraday", "macro", "regimes", "pairs", "chain"]  # `releases` takes 5 s


def test_every_recipe_has_its_files():
    assert sorted(course.RECIPES) == course.names(DATA) == sorted([*SETS, "daily"])


@pytest.mark.parametrize("name", DRAWN_ANEW)
def test_regenerated_files_have_the_same_bytes(name, tmp_path):
    drawn = course.RECIPES[name]()
    for path in course.write(name, drawn, tmp_path):
        assert path.read_bytes() == (DATA / name / path.name).read_bytes(), path.name
    loaded = course.load(name)
    assert loaded.truth == drawn.truth
    assert type(loaded.truth) is type(drawn.truth)
    assert list(loaded) == list(drawn)
    for frame in drawn:
        pd.testing.assert_frame_equal(loaded[frame], drawn[frame], check_exact=True)


def test_windows_are_what_the_simulator_draws():
    drawn, loaded = course.RECIPES["releases"](), course.load("releases")
    assert loaded.truth == drawn.truth
    for frame in drawn:
        pd.testing.assert_frame_equal(loaded[frame], drawn[frame], check_exact=True)


@pytest.mark.parametrize("name", DRAWN_ANEW)
@pytest.mark.parametrize("towards", [-np.inf, np.inf])
def test_the_last_bit_of_a_logarithm_does_not_reach_the_files(name, towards, monkeypatch):
    """Processors and systems differ in the last bit of exp and log; the files do not."""
    for function in ("exp", "log"):
        exact = getattr(np, function)
        monkeypatch.setattr(np, function, lambda x, f=exact: np.nextafter(f(x), towards))
    drawn = course.RECIPES[name]()
    monkeypatch.undo()
    loaded = course.load(name)
    for frame in drawn:
        pd.testing.assert_frame_equal(loaded[frame], drawn[frame], check_exact=True)


def test_all_of_it_is_under_fifteen_megabytes():
    assert sum(path.stat().st_size for path in DATA.rglob("*") if path.is_file()) < 15e6


@pytest.mark.parametrize("name", SETS)
def test_the_data_dictionary_names_every_file_and_column(name):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    section = re.search(rf"## `{name}`.*?(?=\n## )", text, re.DOTALL)[0]
    words = set(re.findall(r"\w+", section))
    market = course.load(name)
    for path in (DATA / name).iterdir():
        assert path.name == "truth.json" or f"`{path.name}`" in section
    first = {"pairs": "cointegrated_M2K", "regimes": "trend"}.get(name)
    for frame in [first] if first else market:
        assert set(market[frame].columns) <= words, frame


@pytest.mark.parametrize("name", ["intraday", "releases"])
def test_minutes_open_in_pandas_as_they_are(name):
    path = DATA / name / "M2K.csv.bz2"
    frame = pd.read_csv(path, nrows=5)
    assert list(frame)[:6] == ["time", "open", "high", "low", "close", "volume"]
    content = bz2.decompress(path.read_bytes())
    assert b"\r" not in content
    assert content.endswith(b"\n")
    content.decode("ascii")


def test_sixty_days():
    market = course.load("intraday")
    index = market["M2K"].index
    assert sessions.trade_date(index).nunique() == 60
    assert sessions.is_open(index).all()
    assert len({time.utcoffset() for time in index[::1000]}) == 2, "both clocks are in it"
    assert len(market["releases"]) == 11


@pytest.mark.parametrize("name", ["intraday", "releases", "regimes", "pairs"])
def test_prices_lie_on_their_ticks(name):
    market = course.load(name)
    for key, frame in market.items():
        if "close" in frame:
            symbol = "MES" if key.endswith("MES") else "M2K"
            get_contract(symbol).ticks(frame[["open", "high", "low", "close"]].to_numpy())
            assert (frame["low"] > 0).all()


def test_macro_and_windows_are_about_the_same_releases():
    macro, windows = course.load("macro"), course.load("releases")
    figures = ["release", "reference_period", "previous", "consensus", "actual", "surprise"]
    assert macro["releases"][figures].equals(windows["releases"][figures])
    assert macro.truth.releases == windows.truth.releases


def test_the_regimes_are_ordinary_draws():
    market = course.load("regimes")
    for kind, bars in market.items():
        returns = np.log(bars["close"]).diff()
        assert returns.std() * np.sqrt(252) == pytest.approx(0.18, rel=0.06)
        assert bars["low"].min() > 900
        assert bars["high"].max() < 6500
        assert getattr(market.truth, kind).kind == kind


def test_a_small_market_is_not_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(course, "_LARGE_ROWS", 2000)
    market = simulate.intraday(2, seed=1)
    names = {path.name for path in course.write("minutes", market, tmp_path)}
    assert names == {"M2K.csv.bz2", "MES.csv.bz2", "releases.csv", "truth.json"}
    monkeypatch.setattr(course, "_LARGE_ROWS", 20_000)
    names = {path.name for path in course.write("minutes", market, tmp_path)}
    assert names == {"M2K.csv", "MES.csv", "releases.csv", "truth.json"}
    assert {path.name for path in (tmp_path / "minutes").iterdir()} == names
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    assert course.load("minutes")["MES"].equals(market["MES"])
