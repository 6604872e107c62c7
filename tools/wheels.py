"""Put the packages into the folder wheels, for a room without network.

    python course.py wheels            what a learner's computer needs (about 250 MB)
    python course.py wheels --tests    what the tests and the teacher's tasks need, too

Copy the folder of the course with `wheels` in it, without `.venv`, to a stick, and from there to
each computer. Where `wheels` lies beside course.py, the first start asks no network. Packages are
for one kind of system and one version of Python: make the folder on a computer like those of the
room, with the Python that they have.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import course  # noqa: E402


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tests", action="store_true", help="the packages of the tests, too")
    options = parser.parse_args(arguments)
    lock = course.TEST_LOCK if options.tests else course.LEARNER_LOCK
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--only-binary=:all:", "--require-hashes"]
    failed = subprocess.call([*command, "-r", str(lock), "-d", str(course.WHEELS)])
    if failed:
        print("That failed: the packages could not be fetched. The lines above say which.")
        return failed
    files = list(course.WHEELS.glob("*.whl"))
    size = sum(path.stat().st_size for path in files) / 1e6
    version = "{}.{}".format(*sys.version_info)
    print(f"{len(files)} packages, {size:,.0f} MB, in {course.WHEELS}")
    print(f"They are for {course.sysconfig.get_platform()} and Python {version}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
