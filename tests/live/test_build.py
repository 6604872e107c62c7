"""What the browser edition is built from: Pyodide's files, the course's wheel, the lessons."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile

import pytest

from tests.notebooks.lessons import PAGES
from tools.live import distribution, wheel
from tools.live.edition import ROOT, _lessons


def packed(folder, kind):
    """The folder as it is, as a tar archive, or as a zip archive."""
    if kind == "folder":
        return folder
    path = folder.parent / f"pyodide.{kind}"
    if kind == "tar.bz2":
        with tarfile.open(path, "w:bz2") as archive:
            archive.add(folder, "pyodide")
    else:
        with zipfile.ZipFile(path, "w") as archive:
            for file in sorted(folder.iterdir()):
                archive.write(file, f"deep/inside/{file.name}")
    return path


@pytest.mark.parametrize("kind", ["folder", "tar.bz2", "zip"])
def test_a_distribution_is_read_from_a_folder_or_an_archive(pyodide, kind):
    found = distribution.opened(packed(pyodide, kind))
    assert found.closure(["one"]) == ["one", "two-"]
    files = distribution.checked(found, [*distribution.CORE, "one.whl"])
    assert files["one.whl"] == b"one.whl"
    assert set(files) == {*distribution.CORE, "one.whl"}


@pytest.mark.parametrize("kind", ["folder", "tar.bz2", "zip"])
def test_changed_missing_and_unknown_files_are_refused(pyodide, kind):
    (pyodide / "two.whl").write_bytes(b"other")
    (pyodide / "three.whl").write_bytes(b"three")
    (pyodide / "one.whl").unlink()
    found = distribution.opened(packed(pyodide, kind))
    with pytest.raises(distribution.DistributionError, match=r"two\.whl is d9298a10d1b073583"):
        distribution.checked(found, ["two.whl", "pyodide.js"])
    with pytest.raises(distribution.DistributionError, match=r"three\.whl has no line"):
        distribution.checked(found, ["three.whl"])
    with pytest.raises(distribution.DistributionError, match=r"lacks .*one\.whl"):
        distribution.checked(found, ["one.whl"])


def test_another_release_and_something_else_are_refused(pyodide, tmp_path):
    with pytest.raises(distribution.DistributionError, match="is not there"):
        distribution.opened(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").write_text("no archive")
    for other in ("empty", "text"):
        with pytest.raises(distribution.DistributionError, match=f"{other} does not: "):
            distribution.opened(tmp_path / other)
    lock = json.loads((pyodide / distribution.LOCK).read_text())
    lock["info"]["version"] = "1.2.4"
    (pyodide / distribution.LOCK).write_text(json.dumps(lock))
    with pytest.raises(distribution.DistributionError, match=r"1\.2\.3.* holds 1\.2\.4"):
        distribution.opened(pyodide)


def test_the_hashes_are_of_one_release_and_name_each_file_once():
    known = distribution.known_hashes()
    lines = distribution.HASHES.read_text(encoding="utf-8").splitlines()
    assert len(known) == len(lines) - 1 > 30
    assert all(len(digest) == 64 for digest in known.values())
    assert set(distribution.CORE) < set(known)
    assert distribution.release().count(".") == 2


def test_the_wheel_has_relaxed_pins_and_its_data_inside(tmp_path):
    path = wheel.make(tmp_path, sys.executable)
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path / "site")
    about = (tmp_path / "site" / "m2k_lessons-0.1.0.dist-info" / "METADATA").read_text("utf-8")
    asked = [line for line in about.splitlines() if line.startswith("Requires-Dist: ")]
    for extra, ending in (("core", ""), ("full", "; extra == 'full'")):
        lines = {f"Requires-Dist: {line}{ending}" for line in wheel.requirements(extra)}
        assert lines <= set(asked)
        asked = [line for line in asked if line not in lines]
    assert asked == []
    # Outside of the clone, nothing but the wheel is in sight: data and checksums come from it.
    code = (
        "import sys; from m2k_lessons import data; from m2k_lessons.data import course\n"
        "assert course.changed_files() == [], course.changed_files()\n"
        "print(course.folder()); data.load('daily'); data.load('sp500'); data.load('nasdaq')\n"
        "for heavy in ('arch', 'numba', 'optuna', 'sklearn', 'statsmodels'):\n"
        "    assert heavy not in sys.modules, heavy\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "M2K_DATA"}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True,
        env=environment | {"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(tmp_path / "site" / "m2k_lessons" / "course_data")


def test_relaxed_requirements_admit_what_the_locks_pin():
    """What `core` and `full` ask for is what lessons need: the learner's own pins among it."""
    from packaging.requirements import Requirement

    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    for line in wheel.requirements("core") + wheel.requirements("full"):
        asked = Requirement(line)
        (pinned,) = {
            part.split("==")[1].split()[0]
            for part in lock.splitlines()
            if part.startswith(f"{asked.name}==")
        }
        assert asked.specifier.contains(pinned), line


def test_the_lessons_are_copies_to_work_in(tmp_path):
    _lessons(tmp_path, [])
    listed = json.loads((tmp_path / "api" / "contents" / "all.json").read_text("utf-8"))["content"]
    assert [entry["path"] for entry in listed] == [path.name for path in PAGES]
    for path in PAGES:
        copy = json.loads((tmp_path / "files" / path.name).read_text("utf-8"))
        code = [cell for cell in copy["cells"] if cell["cell_type"] == "code"]
        assert all(cell["outputs"] == [] for cell in code)
        original = json.loads(path.read_text("utf-8"))
        texts = ["".join(c["source"]) for c in original["cells"] if c["cell_type"] == "code"]
        assert ["".join(cell["source"]) for cell in code] == texts, "a lesson's code is its own"
        notes = [c for c in copy["cells"] if "live-edition" in c["metadata"].get("tags", [])]
        assert len(notes) == 1
        assert "Kernel" in "".join(notes[0]["source"])
