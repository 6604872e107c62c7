"""build the web site into a folder: python course.py site [FOLDER] [--live --pyodide PATH]"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

os.environ.pop("M2K_STUDENT", None)  # everybody's numbers

from tools.site import pages

ROOT = Path(__file__).resolve().parents[2]
MARK = ".m2k-site"


def read_arguments(arguments):
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--live", action="store_true", help="and the lessons live, in the browser")
    parser.add_argument("--pyodide", type=Path, help="folder or archive of Pyodide, for --live")
    parser.add_argument("--sphinx", type=Path, default=Path(sys.executable), help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def emptied(folder: Path) -> Path:
    """The folder, made or emptied; one that holds something else is left alone."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        sys.exit(f"{folder} holds other files, and no site; name an empty folder or a new one.")
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "figures").mkdir(parents=True)
    (folder / MARK).write_text("Made by course.py site, which may empty this folder.\n")
    return folder


def contents() -> str:
    """The chapters' table of the README, with links to pages."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    table = re.search(r"^## The chapters\n\n(.*?)\n\n", text, re.MULTILINE | re.DOTALL)[1]
    return table.replace("](notebooks/", "](")


def prepare(source: Path, folder: Path, live: bool) -> None:
    """Write what Sphinx reads into `source`, and the pictures into `folder`."""
    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        made = pages.made(ROOT / "notebooks" / f"{name}.ipynb", folder / "figures", lambda m,f: "", live)
        (source / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    index = (ROOT / "site" / "index.md").read_text(encoding="utf-8")
    index = index.replace("{{contents}}", contents()).replace("{{pages}}", "\n".join(names))
    (source / "index.md").write_text(index, encoding="utf-8")
    shutil.copy(ROOT / "site" / "about.md", source)


def main(arguments: list[str]) -> int:
    chosen = read_arguments(arguments)
    start = time.monotonic()
    folder = emptied(chosen.folder.resolve())
    source = ROOT / "build" / "site-pages"
    prepare(source, folder, chosen.live)
    print(f"  pages prepared, {time.monotonic() - start:.0f} s", flush=True)
    sphinx = [
        chosen.sphinx, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "auto",
        "-d", ROOT / "build" / "site-doctrees", "-c", ROOT / "site", source, folder,
    ]  # fmt: skip
    done = subprocess.run([str(part) for part in sphinx], cwd=ROOT)
    if done.returncode:
        return done.returncode
    print(f"  the site is in {folder}, {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
