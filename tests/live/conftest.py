"""The rig for the browser edition: a Pyodide that a package carries, fetched by its hash.

Where it can't be fetched the tests are left out, and the last lines of the run say so.
"""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM
from tests.live.page import reader, served
from tools.live import distribution, edition

LOCK = Path(__file__).with_name("rig.lock")


def fetched_rig():
    """Path of the package that carries Pyodide; fetched once, and kept beside the build's tools.

    Raises RuntimeError when it can't be fetched.
    """
    place = edition.CACHE / f"rig-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    found = sorted(place.glob("*.whl"))
    if not found:
        command = [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--require-hashes", "--only-binary=:all:", "--dest", place, "-r", LOCK]
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300)
        if done.returncode:
            raise RuntimeError(done.stderr.strip().splitlines()[-1])
        found = sorted(place.glob("*.whl"))
    return found[0]


@pytest.fixture(scope="session")
def rig(pytestconfig):
    """Pyodide's distribution, and the tools that a build needs."""
    try:
        path = fetched_rig()
        edition.environment()
        edition.fetched(edition.environment())
    except (RuntimeError, subprocess.TimeoutExpired) as error:
        pytestconfig.left_out.append(
            f"THE BROWSER EDITION WAS NOT TESTED: its rig could not be fetched ({error})."
        )
        pytest.skip("the rig could not be fetched")
    return path


@pytest.fixture(scope="session")
def folder(rig, tmp_path_factory):
    """The browser edition as it would be published."""
    target = tmp_path_factory.mktemp("live") / "site"
    edition.build(target, rig)
    return target


@pytest.fixture(scope="session")
def address(folder):
    with served(folder) as where:
        yield where


@pytest.fixture(scope="session")
def opened(playwright, chromium_path, address):
    """Opens a browser with the storage of a folder."""
    return lambda profile: reader(playwright, chromium_path, address, profile, CHROMIUM)


@pytest.fixture
def pyodide(tmp_path, monkeypatch):
    """A small distribution in a folder, with hashes that fit."""
    files = {name: name.encode() for name in (*distribution.CORE, "one.whl", "two.whl")}
    packages = {
        "one": {"file_name": "one.whl", "depends": ["Two_"]},
        "two": {"file_name": "two.whl", "depends": []},
    }
    packages["two-"] = packages.pop("two")
    place = tmp_path / "pyodide"
    place.mkdir()
    for name, content in files.items():
        (place / name).write_bytes(content)
    lock = {"info": {"version": "1.2.3"}, "packages": packages}
    (place / distribution.LOCK).write_text(distribution.json.dumps(lock))
    hashes = tmp_path / "pyodide.sha256"
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}" for name, content in files.items()]
    hashes.write_text("\n".join(["# Files of Pyodide: 1.2.3", *lines, ""]))
    monkeypatch.setattr(distribution, "HASHES", hashes)
    return place
