"""Every lesson in the browser edition, run from top to bottom: `python benchmarks/live.py --write`.

Times, sizes, and each cell that ended in an error or said something else than the committed
notebook, in headless Chromium that reaches no other host. Aims: first cell answered within 40 s
from a cold cache and 25 s from a warm one; from key to picture 300 ms. Without `--pyodide` the
distribution is the tests' (see tests/live/conftest.py), which lacks statsmodels; with the public
archive every cell must run: `python course.py bench live --write --pyodide ARCHIVE` (not tried by
anybody yet). What has been measured is kept in build/live, so that a run goes on where the last
one ended; numbers of chapters on the command line measure those again, and "start" the start.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
KEPT = ROOT / "build" / "live" / "bench.json"
RUN_S = 1_200
HEAD = """# The lessons in the browser

`python benchmarks/live.py --write` makes this table: headless Chromium, every other host blocked,
{pyodide}. Seconds by the clock and, in brackets, of processor by all of the browser together. The
load is the mean number of processes that wanted one of the {cores} processors in the last minute:
from 2 on, the clock tells more about the neighbours than about the course.

"""


def processor_s() -> float:
    """Processor seconds of the browser and its children so far."""
    total = 0.0
    for child in psutil.Process().children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


class Clock:
    def __init__(self):
        self.wall, self.processor = time.monotonic(), processor_s()

    def read(self) -> list[float]:
        seconds = time.monotonic() - self.wall, processor_s() - self.processor
        return [round(one, 1) for one in seconds]


def said(outputs) -> str:
    """What a cell printed or showed as text."""
    parts = []
    for output in outputs:
        if output["output_type"] == "stream" and output["name"] == "stdout":
            parts.append("".join(output["text"]))
        elif "image/png" not in output.get("data", {}):
            parts.append("".join(output.get("data", {}).get("text/plain", "")))
    return "".join(parts).strip()


def chapter(opened, path: Path) -> dict:
    """Run one lesson; return its times, its errors, and cells that said something else."""
    committed = json.loads(path.read_text(encoding="utf-8"))["cells"]
    committed = [cell for cell in committed if cell["cell_type"] == "code"]
    with tempfile.TemporaryDirectory() as profile, opened(profile) as lesson:
        clock = Clock()
        lesson.open(path.stem, RUN_S)
        start, clock = clock.read(), Clock()
        lesson.run_all(RUN_S)
        ran, live = clock.read(), lesson.cells()
        errors = [
            [live[number]["id"], name.split("'")[1] if "'" in name else name, text.split("\n")[0]]
            for number, name, text in lesson.errors()
        ]
        failed = {error[0] for error in errors}
        other = [
            cell["id"]
            for cell, before in zip(live, committed, strict=True)
            if cell["id"] not in failed and said(cell["outputs"]) != said(before["outputs"])
        ]
        return {
            "start": start, "run": ran, "cells": len(live), "errors": errors, "other": other,
            "outside": lesson.outside, "load": round(os.getloadavg()[0], 1),
        }  # fmt: skip


def start(opened) -> dict:
    """Seconds from an empty and from a filled cache to the first answer; from key to picture."""
    found = {}
    with tempfile.TemporaryDirectory() as profile:
        for cache in ("cold", "warm"):
            with opened(profile) as lesson:
                clock = Clock()
                lesson.open("01_contract_basics", RUN_S)
                lesson.answer("import numpy", None, RUN_S)
                found[cache] = clock.read()
                if cache == "warm":
                    lesson.run_all(RUN_S)
                    times = lesson.key_to_picture_ms(25)
                    found["key_ms"] = [round(statistics.median(times)), round(max(times))]
    return found | {"load": round(os.getloadavg()[0], 1)}


def table(kept: dict) -> str:
    """The page, from all that has been measured."""
    lines = [HEAD.format(pyodide=kept["pyodide"], cores=os.cpu_count())]
    sizes = kept["sizes"]
    lines.append(
        f"Size of the whole: {sum(sizes.values()):.0f} MB, of which the application "
        f"{sizes['application']}, Python and its packages {sizes['python']}, the lessons "
        f"{sizes['lessons']}.\n"
    )
    if found := kept.get("first"):
        lines += [
            "| start | s | aim | load |",
            "| --- | ---: | --- | ---: |",
            *(
                f"| first cell answered, {cache} cache | {found[cache][0]} ({found[cache][1]}) | "
                f"{aim} s | {found['load']} |"
                for cache, aim in (("cold", 40), ("warm", 25))
            ),
            f"| from key to picture, median and longest of 25 | {found['key_ms'][0]} and "
            f"{found['key_ms'][1]} ms | 300 ms | {found['load']} |",
            "",
        ]
    lines += [
        "| lesson | kernel idle, s | Run All, s | code cells | errors | other text | load |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name, one in sorted(kept["chapters"].items()):
        lines.append(
            f"| {name} | {one['start'][0]} ({one['start'][1]}) | {one['run'][0]} "
            f"({one['run'][1]}) | {one['cells']} | {len(one['errors'])} | {len(one['other'])} | "
            f"{one['load']} |"
        )
    lines += [
        "\n## Cells that ended in an error\n",
        "| lesson | cell | error |",
        "| --- | --- | --- |",
    ]
    for name, one in sorted(kept["chapters"].items()):
        lines += [f"| {name} | {cell} | {kind}: {text} |" for cell, kind, text in one["errors"]]
    lines += ["\n## Cells whose text differs from the committed one\n", "| lesson | cells |",
              "| --- | --- |"]  # fmt: skip
    for name, one in sorted(kept["chapters"].items()):
        if one["other"]:
            lines.append(f"| {name} | {', '.join(one['other'])} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    from playwright.sync_api import sync_playwright

    from conftest import find_chromium
    from tests.browser.lab import CHROMIUM
    from tests.live.conftest import fetched_rig
    from tests.live.page import reader, served
    from tools.live import build, distribution

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("chapters", nargs="*", help='such as 01 04, or "start"')
    parser.add_argument("--pyodide", type=Path, help="the tests' distribution when omitted")
    parser.add_argument("--write", action="store_true", help="write benchmarks/live.md")
    options = parser.parse_args()
    source = options.pyodide or fetched_rig()
    told = f"Pyodide {distribution.release()} from {'an archive' if options.pyodide else 'the rig'}"
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    if kept.get("pyodide") != told:
        kept = {"pyodide": told, "chapters": {}}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        kept["sizes"] = build(Path(folder) / "site", source)
        with served(Path(folder) / "site") as address:

            def opened(profile):
                return reader(playwright, find_chromium(), address, profile, CHROMIUM)

            def keep():
                KEPT.write_text(json.dumps(kept, indent=1))
                print(table(kept) if options.write else json.dumps(kept["chapters"]), flush=True)

            if "start" in options.chapters or (not options.chapters and "first" not in kept):
                kept["first"] = start(opened)
                keep()
            for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
                named = path.name.startswith(tuple(options.chapters) or ("none",))
                if named or (not options.chapters and path.stem not in kept["chapters"]):
                    kept["chapters"][path.stem] = chapter(opened, path)
                    keep()
    if options.write:
        (ROOT / "benchmarks" / "live.md").write_text(table(kept), encoding="utf-8")


if __name__ == "__main__":
    main()
