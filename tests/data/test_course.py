import dataclasses
import datetime as dt
import hashlib
import importlib.util
import json
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from m2k_lessons import simulate
from m2k_lessons.data import course
from m2k_lessons.simulate.market import Market

REPOSITORY = Path(__file__).resolve().parents[2]
DATA = REPOSITORY / "data"


@pytest.fixture(scope="module")
def drawn():
    return course.RECIPES["daily"]()


@pytest.fixture
def command():
    spec = importlib.util.spec_from_file_location("data_tool", REPOSITORY / "tools" / "data.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.main


def assert_same(one, other):
    assert list(one) == list(other)
    for name in one:
        pd.testing.assert_frame_equal(one[name], other[name], check_exact=True)
        assert one[name].attrs == other[name].attrs
    assert one.truth == other.truth
    assert type(one.truth) is type(other.truth)


# --- the committed files -------------------------------------------------------------------


def test_loading_gives_what_the_simulator_drew(drawn):
    assert_same(course.load("daily"), drawn)


def test_regenerated_files_have_the_same_bytes(drawn, tmp_path):
    for path in course.write("daily", drawn, tmp_path):
        committed = DATA / "daily" / path.name
        assert path.read_bytes() == committed.read_bytes(), path.name
    assert {path.name for path in (tmp_path / "daily").iterdir()} == {
        path.name for path in (DATA / "daily").iterdir()
    }


def test_checksums_are_those_of_the_files():
    lines = (DATA / "checksums.txt").read_text(encoding="utf-8").splitlines()
    for line in lines:
        digest, name = line.split("  ", 1)
        assert hashlib.sha256((DATA / name).read_bytes()).hexdigest() == digest, name
    named = {line.split("  ", 1)[1] for line in lines}
    assert named == {
        path.relative_to(DATA).as_posix() for path in DATA.glob("*/*") if path.is_file()
    }
    assert course.changed_files() == []


def test_files_are_plain_text_and_small():
    files = list((DATA / "daily").iterdir())
    assert sum(path.stat().st_size for path in files) < 3e6
    for path in files:
        content = path.read_bytes()
        assert b"\r" not in content
        assert content.endswith(b"\n")
        content.decode("ascii")


def test_truth_file_says_simulated_and_holds_what_follows():
    described = json.loads((DATA / "daily" / "truth.json").read_text(encoding="utf-8"))
    assert "SIMULATED" in described["label"]
    truth = course.load("daily").truth
    assert described["derived"] == truth.derived()
    assert (truth.seed, truth.years, truth.start) == (2030, 10, dt.date(2030, 1, 2))
    with pytest.raises(dataclasses.FrozenInstanceError):
        truth.seed = 1


def test_the_data_dictionary_names_every_file_and_column():
    text = (DATA / "README.md").read_text(encoding="utf-8")
    words = set(re.findall(r"\w+", text))
    market = course.load("daily")
    for name, frame in market.items():
        assert f"`{name}.csv`" in text
        assert set(frame.columns) <= words, name
    assert f"{len(market['M2K']):,} trading days" in text


# --- finding the folder ----------------------------------------------------------------------


def test_an_unknown_name_is_answered_with_those_that_exist():
    with pytest.raises(ValueError, match="name must be one of .*'daily'.* got 'weekly'"):
        course.load("weekly")
    with pytest.raises(TypeError, match="name must be one of"):
        course.load(7)
    with pytest.raises(ValueError, match="name must be one of"):
        course.load("../data/daily")


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    small = simulate.daily(0.1, 1)
    course.write("daily", small, tmp_path)
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    assert_same(course.load("daily"), small)


def test_a_missing_folder_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("M2K_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(FileNotFoundError, match="nowhere.*M2K_DATA"):
        course.load("daily")


def test_an_empty_folder_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="holds no data set.*course.py data"):
        course.load("daily")


# --- writing and reading ---------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Outsider:
    seed: int


def test_minutes_across_a_clock_change_come_back(tmp_path, monkeypatch):
    # 2030-11-03: 01:00 to 02:00 New York time happens twice
    times = pd.date_range(
        "2030-11-03 04:30", periods=180, freq="min", tz="UTC", name="time", unit="us"
    ).tz_convert("America/New_York")
    frame = pd.DataFrame(
        {
            "close": [2400 + i / 10 for i in range(180)],
            "volume": range(180),
            "label": ["NA" if i % 2 else "" for i in range(180)],
            "halted": [i % 3 == 0 for i in range(180)],
        },
        index=times,
    )
    frame.index.freq = None
    truth = simulate.daily(0.1, 1).truth
    market = Market({"M2K": frame, "none": frame.iloc[:0]}, truth)
    course.write("minutes", market, tmp_path)
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    assert_same(course.load("minutes"), market)
    assert "2030-11-03T01:30:00-04:00," in (tmp_path / "minutes" / "M2K.csv").read_text()
    assert "2030-11-03T01:30:00-05:00," in (tmp_path / "minutes" / "M2K.csv").read_text()


def test_every_float_comes_back(tmp_path, monkeypatch):
    rng = np.random.default_rng(0)
    market = simulate.daily(10, 1)
    values = rng.standard_normal(len(market["M2K"])) * 10.0 ** rng.integers(-5, 8, 2511)
    frame = pd.DataFrame({"close": values}, index=market["M2K"].index)
    course.write("floats", Market({"any": frame}, market.truth), tmp_path)
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    assert (course.load("floats")["any"]["close"] == values).all()


def test_infinite_parameters_come_back(tmp_path, monkeypatch):
    market = simulate.daily(0.1, 1, fat_tails=False)
    assert market.truth.large.nu == math.inf
    course.write("daily", market, tmp_path)
    monkeypatch.setenv("M2K_DATA", str(tmp_path))
    assert_same(course.load("daily"), market)


def test_writing_removes_what_is_no_longer_there(tmp_path):
    market = simulate.daily(0.1, 1)
    course.write("daily", market, tmp_path)
    fewer = Market({"M2K": market["M2K"]}, market.truth)
    course.write("daily", fewer, tmp_path)
    assert {path.name for path in (tmp_path / "daily").iterdir()} == {"M2K.csv", "truth.json"}


def test_what_cannot_be_written_is_refused(tmp_path):
    market = simulate.daily(0.1, 1)
    truth, frame = market.truth, market["M2K"]

    def write(frame, truth=truth):
        course.write("bad", Market({"bad": frame}, truth), tmp_path)

    with pytest.raises(ValueError, match="index of bad must be tz-aware and called 'time'"):
        write(frame.tz_localize(None))
    with pytest.raises(ValueError, match="index of bad must be tz-aware and called 'time'"):
        write(frame.rename_axis("day"))
    with pytest.raises(ValueError, match="bad must have no missing values"):
        write(frame.assign(close=frame["close"].where(frame["close"] > 1e9)))
    with pytest.raises(ValueError, match="columns of bad must be"):
        write(frame.assign(day=frame.index))
    with pytest.raises(TypeError, match="truth must be a dataclass of m2k_lessons.simulate"):
        write(frame, Outsider(1))
    with pytest.raises(TypeError, match="truth must hold plain numbers"):
        write(frame, dataclasses.replace(truth, seed={1, 2}))


def test_changed_missing_and_new_files_are_noticed(tmp_path):
    course.write("daily", simulate.daily(0.1, 1), tmp_path)
    course.write_checksums(tmp_path)
    assert course.changed_files(tmp_path) == []
    folder = tmp_path / "daily"
    (folder / "MES.csv").write_bytes((folder / "MES.csv").read_bytes() + b"\n")
    (folder / "RTY.csv").unlink()
    (folder / "new.csv").write_bytes(b"time\n")
    assert course.changed_files(tmp_path) == [
        "daily/MES.csv",
        "daily/RTY.csv",
        "daily/new.csv",
    ]


# --- the command -------------------------------------------------------------------------------


def test_the_command_writes_and_compares(command, monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(course, "RECIPES", {"daily": lambda: simulate.daily(0.1, 1)})
    assert command(["--into", str(tmp_path)]) == 0
    assert course.changed_files(tmp_path) == []
    assert command(["--check", "--into", str(tmp_path)]) == 0
    assert "the same bytes" in capsys.readouterr().out
    (tmp_path / "daily" / "ES.csv").write_bytes(b"time,close\n")
    assert command(["--check", "--into", str(tmp_path)]) == 1
    assert capsys.readouterr().out == "daily/ES.csv\n"


def test_the_command_refuses_unknown_names(command, capsys):
    with pytest.raises(SystemExit):
        command(["weekly"])
    assert "names must be among daily" in capsys.readouterr().err


# --- loaded twice --------------------------------------------------------------------------


def test_what_one_loader_changes_is_not_the_others():
    mine = course.load("macro")["releases"]
    mine.iloc[0, mine.columns.get_loc("actual")] += 1
    mine.attrs["label"] = "mine"
    fresh = course.load("macro")["releases"]
    assert fresh["actual"].iloc[0] == mine["actual"].iloc[0] - 1
    assert fresh.attrs["label"] != "mine"


def test_files_that_changed_are_read_again(drawn, tmp_path, monkeypatch):
    monkeypatch.setenv(course.FOLDER_VARIABLE, str(tmp_path))
    course.write("daily", drawn, tmp_path)
    before = course.load("daily")["M2K"]["volume"].iloc[-1]
    path = tmp_path / "daily" / "M2K.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines[-1] = lines[-1].replace(str(before), str(before + 1000))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
    assert course.load("daily")["M2K"]["volume"].iloc[-1] == before + 1000
