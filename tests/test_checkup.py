"""The check of the installation says in words what is wrong, and is quiet about machines."""

import re
import shutil

import pytest

from m2k_lessons import checkup
from m2k_lessons.data import course


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "home"))


def test_a_healthy_installation(capsys):
    checkup.report()
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == "All is well."
    assert all(line.startswith("✓ ") for line in lines[:-1])
    assert len(lines) == len(checkup.CHECKS) + 1
    assert not re.search(r"/|\\\\|\d+\.\d+", "\n".join(lines)), "machines and versions differ"


def test_changed_data_is_named(tmp_path, monkeypatch, capsys):
    copy = tmp_path / "data"
    shutil.copytree(course.folder(), copy)
    monkeypatch.setenv("M2K_DATA", str(copy))
    frame = copy / "daily" / "M2K.csv"
    frame.write_text(frame.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    checkup.report()
    out = capsys.readouterr().out
    assert "✗ The course's simulated prices are there and unchanged: changed or missing: " in out
    assert "M2K.csv" in out
    assert "python course.py data" in out
    assert out.endswith("1 of 5 need attention.\n")


def test_missing_data_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("M2K_DATA", str(tmp_path / "nowhere"))
    checkup.report()
    assert "✗ The course's simulated prices are there" in capsys.readouterr().out


def test_an_untested_python(monkeypatch):
    monkeypatch.setattr(checkup, "TESTED_PYTHONS", ((2, 7),))
    assert "the course is tested on 2.7" in checkup._python()


def test_a_missing_package_and_a_wrong_version(monkeypatch):
    needed = ["numpy<1", "no-such-package-m2k>=3", "pytest; extra == 'test'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: needed)
    trouble = checkup._packages()
    assert re.search(r"numpy [\d.]+ is not <1", trouble)
    assert "no-such-package-m2k is missing" in trouble
    assert "pytest" not in trouble
    assert trouble.endswith("python course.py lab")


def test_progress_that_cannot_be_kept(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    monkeypatch.setenv("M2K_HOME", str(tmp_path / "file"))
    assert "M2K_HOME" in checkup._progress_file()
