"""Regenerate the course data: the same bytes on Linux, macOS and Windows.

python tools/data.py             writes every data set and data/checksums.txt
python tools/data.py daily       writes that one (checksums cover all)
python tools/data.py --check     generates into memory and compares; writes nothing
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from m2k_lessons.data import course

DATA = Path(__file__).resolve().parents[1] / "data"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Regenerate the course's simulated data.")
    parser.add_argument("names", nargs="*", help="data sets; all of them when left out")
    parser.add_argument("--check", action="store_true", help="compare with what is there")
    parser.add_argument("--into", type=Path, default=DATA, help="folder; data/ when left out")
    options = parser.parse_args(arguments)
    unknown = set(options.names) - set(course.RECIPES)
    if unknown:
        parser.error(f"names must be among {', '.join(course.RECIPES)}, got {unknown}")
    names = options.names or list(course.RECIPES)
    return _compare(names, options.into) if options.check else _write(names, options.into)


def _write(names: list[str], root: Path) -> int:
    for name in names:
        files = course.write(name, course.RECIPES[name](), root)
        size = sum(path.stat().st_size for path in files)
        print(f"{name}: {len(files)} files, {size / 1e6:.2f} MB")
    course.write_checksums(root)
    return 0


def _compare(names: list[str], root: Path) -> int:
    different = []
    with tempfile.TemporaryDirectory() as scratch:
        for name in names:
            for new in course.write(name, course.RECIPES[name](), Path(scratch)):
                old = root / name / new.name
                if not old.exists() or old.read_bytes() != new.read_bytes():
                    different.append(f"{name}/{new.name}")
    print("\n".join(different) if different else f"{', '.join(names)}: the same bytes")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
