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

from tools.site import pages, states

ROOT = Path(__file__).resolve().parents[2]
MARK = ".m2k-site"
LIVE = ": each page has a link that opens it live in this browser, with nothing to install"
ELSEWHERE = ", on a computer with the course"


def read_arguments(arguments):
    parser = argparse.ArgumentParser(prog="course.py site", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "site")
    parser.add_argument("--live", action="store_true", help="and the lessons live, in the browser")
    parser.add_argument("--pyodide", type=Path, help="folder or archive of Pyodide, for --live")
    parser.add_argument("--sphinx", type=Path, default=Path(sys.executable), help=argparse.SUPPRESS)
    chosen = parser.parse_args(arguments)
    if chosen.live != (chosen.pyodide is not None):
        parser.error("--live needs --pyodide PATH, and --pyodide is for --live only")
    return chosen


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


def prepare(source: Path, folder: Path, live: bool, sphinx: Path) -> None:
    """Write what Sphinx reads into `source`, and the pictures into `folder`."""
    drawn = states.draw_all(ROOT / "build" / "site-states")
    shutil.copytree(drawn, folder / "explorers", ignore=shutil.ignore_patterns("*.json"))

    def show(module: str, function: str) -> str:
        return states.markup(drawn, (module, function))

    shutil.rmtree(source, ignore_errors=True)
    source.mkdir(parents=True)
    names = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
    for name in names:
        notebook = ROOT / "notebooks" / f"{name}.ipynb"
        made = pages.made(notebook, folder / "figures", show, live)
        (source / f"{name}.ipynb").write_text(json.dumps(made), encoding="utf-8")
    licence = (ROOT / "LICENSE").read_text(encoding="utf-8")
    filled = {
        "contents": contents(),
        "pages": "\n".join(names),
        "where": LIVE if live else ELSEWHERE,
        "licence": f"```text\n{licence}```",
        "parts": parts(sphinx),
    }
    for name in ("index.md", "about.md"):
        text = (ROOT / "site" / name).read_text(encoding="utf-8")
        for place, words in filled.items():
            text = text.replace(f"{{{{{place}}}}}", words)
        (source / name).write_text(text, encoding="utf-8")


def parts(sphinx: Path) -> str:
    """Rows of a table: the packages whose files end up on the site, and their licences."""
    code = (
        "from importlib.metadata import metadata\n"
        "for name in ('Sphinx', 'furo', 'myst-nb', 'Pygments'):\n"
        "    told = metadata(name)\n"
        "    licence = told['License-Expression'] or told['License'] or [one.split(' :: ')[-1]\n"
        "        for one in told.get_all('Classifier') if one.startswith('License')][0]\n"
        '    print(f\'| {told["Name"]} {told["Version"]} | {licence} |\')\n'
    )
    told = subprocess.run([str(sphinx), "-c", code], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def sphinx_command(python: Path, source: Path, folder: Path, trees: Path) -> list[str]:
    """Build the pages in `source`; a warning, such as a link to nowhere, is an error."""
    command = [python, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "auto"]
    return [str(part) for part in (*command, "-d", trees, "-c", ROOT / "site", source, folder)]


def main(arguments: list[str]) -> int:
    chosen = read_arguments(arguments)
    start = time.monotonic()
    folder = emptied(chosen.folder.resolve())
    source = ROOT / "build" / "site-pages"
    prepare(source, folder, chosen.live, chosen.sphinx)
    print(f"  pages prepared, {time.monotonic() - start:.0f} s", flush=True)
    trees = ROOT / "build" / "site-doctrees"
    done = subprocess.run(sphinx_command(chosen.sphinx, source, folder, trees), cwd=ROOT)
    if done.returncode:
        return done.returncode
    if chosen.live:
        # Last: Sphinx leaves alone what is already there, and this takes longest.
        from tools.live import build as build_live
        from tools.live.distribution import DistributionError

        try:
            build_live(folder / "live", chosen.pyodide)
        except (DistributionError, RuntimeError) as error:
            sys.exit(f"The pages are in {folder}; the lessons live are not: {error}")
    print(f"  the site is in {folder}, {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
