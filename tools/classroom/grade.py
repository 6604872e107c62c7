"""Mark what a class has handed in: a table, a page for each learner, one for the teacher.

    python course.py grade handed-in --students names.csv
    python course.py grade handed-in --chapters 01 04 --export moodle --to marks

handed-in/ has a folder for each learner, with notebooks in it (or files such as
Ada_01_contract_basics.ipynb, or what Moodle packs). Notebooks run in a sandbox that writes down
the answers; they are judged outside of it. teaching/marking.md says what that can't promise.
"""

from __future__ import annotations

import argparse
import itertools
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from m2k_lessons.exercises.base import Guess  # noqa: E402
from tools.classroom import marks, pages, sandbox, submissions, tables  # noqa: E402
from tools.classroom.pages import Result  # noqa: E402
from tools.classroom.submissions import Learner, Submission  # noqa: E402

CELL_SECONDS = 30.0
RECORD = sandbox.Limits()
JUDGE = sandbox.Limits(cpu_seconds=240.0, memory_bytes=4 * 2**30)
SAFE = (
    "Each notebook ran without a network, in a folder of its own, with nothing of this computer "
    "but Python and the course to read."
)
UNSAFE = (
    "The notebooks ran WITHOUT namespaces: only time, memory and the number of processes were "
    "bounded, and a notebook could read and change your files."
)


def run_notebook(submission: Submission, *, namespaces: bool):
    """Record a notebook in one sandbox, run the functions in it in a second; nothing is judged.

    Returns
    -------
    tuple of (Record, dict)
        What was recorded, and the outputs of each function.
    """
    with tempfile.TemporaryDirectory() as folder:
        for path in submissions.data_files(submission):
            shutil.copyfile(path, Path(folder, path.name), follow_symlinks=False)
        ended = sandbox.run(
            "tools.classroom.record",
            {"cells": submission.cells, "cell_seconds": CELL_SECONDS},
            folder=Path(folder), limits=RECORD, student=submission.student, namespaces=namespaces,
        )  # fmt: skip
    record = marks.read_record(ended, submission.chapter)
    jobs = marks.functions(record, submission.chapter)
    if not jobs:
        return record, {}
    ended = sandbox.run(
        "tools.classroom.judge", jobs, limits=JUDGE, student=submission.student,
        namespaces=namespaces,
    )  # fmt: skip
    return record, marks.outputs(ended)


def truth_of(chapter: str, *, namespaces: bool) -> dict[str, float]:
    """The values that guesses are held against, from a run of the lesson itself."""
    if not any(isinstance(one, Guess) for one in marks.named(chapter).values()):
        return {}
    path = ROOT / "notebooks" / f"{chapter}.ipynb"
    lesson = submissions.read(path, Learner("the course"), False)
    record, _ = run_notebook(lesson, namespaces=namespaces)
    if not record.complete or record.errors:
        raise RuntimeError(f"the lesson {chapter} itself {marks.stopped(record) or record.errors}")
    return {
        name: float(given[0]["value"])
        for name, steps in record.steps.items()
        for what, given in steps
        if what == "compare"
    }


def fingerprint() -> dict[str, tuple[int, int]]:
    """Size and time of each file of the course that a notebook has to do with."""
    folders = [ROOT / name for name in ("m2k_lessons", "data", "notebooks", "tools")]
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }


def grade(
    found: Sequence[Submission], *, jobs: int, namespaces: bool = True, tell=print
) -> list[Result]:
    """Run and judge submissions; what can't be marked comes back with its reason.

    Parameters
    ----------
    found : list of Submission
    jobs : int
        Notebooks that run at once.
    namespaces : bool
        False lets them run where the machine has none.
    tell : function
        Is told a line for each notebook.
    """
    before = fingerprint()
    fit = [one for one in found if not one.reason]
    run = partial(run_notebook, namespaces=namespaces)
    with ThreadPoolExecutor(jobs) as pool:
        chapters = sorted({one.chapter for one in fit})
        truths = dict(zip(chapters, pool.map(partial(truth_of, namespaces=namespaces), chapters),
                          strict=True))  # fmt: skip
        runs = zip(fit, pool.map(run, fit), strict=True)
        done = {}
        # Judged here one after the other: the questions take the learner from the environment.
        for submission, (record, outputs) in runs:
            attempts = submissions.attempts(submission)
            judged = marks.judge(submission, record, outputs, truths[submission.chapter], attempts)
            result = done[submission] = Result(submission, record, judged)
            tell(_line(result))
    if fingerprint() != before:
        raise RuntimeError("the course's own files have changed meanwhile: restore them, and "
                           "don't trust these marks")  # fmt: skip
    for submission in found:
        if submission.reason:
            tell(f"{submission.learner.name}: {submission.path.name}: {submission.reason}")
    return [done.get(submission, Result(submission)) for submission in found]


def _line(result: Result) -> str:
    count = f"{result.solved} of {result.gradable} solved"
    stopped = f", {result.stopped}" if result.stopped else ""
    return f"{result.submission.learner.name}: {result.chapter}: {count}{stopped}"


def write(results: Sequence[Result], known: Sequence[Learner], folder: Path, protection: str,
          export: str = "") -> None:  # fmt: skip
    """Write the table, the pages and an export into a folder."""
    (folder / "learners").mkdir(parents=True, exist_ok=True)
    came = {result.submission.learner.name for result in results}
    missing = [learner.name for learner in known if learner.name not in came]
    files = {
        "marks.csv": tables.marks(results, missing),
        "index.html": pages.teacher_page(results, missing, protection),
    }
    by_learner = itertools.groupby(results, key=lambda result: result.submission.learner)
    for learner, own in by_learner:
        files[f"learners/{learner.folder}.html"] = pages.learner_page(learner, list(own))
    if export == "nbgrader":
        files["nbgrader.csv"] = tables.nbgrader(results)
    if export == "moodle":
        files["moodle.csv"] = tables.moodle(results, known)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8", newline="\n")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="what was handed in")
    parser.add_argument("--students", type=Path, help="the CSV that made their workbooks")
    parser.add_argument("--chapters", nargs="*", default=[], help="such as 01 04; all when omitted")
    parser.add_argument("--to", type=Path, help="folder for the marks; FOLDER-marks when omitted")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="notebooks at once")
    parser.add_argument("--export", choices=["nbgrader", "moodle"], default="")
    parser.add_argument("--without-namespaces", action="store_true", help="see teaching/marking.md")
    options = parser.parse_args(arguments)
    if options.jobs < 1:
        sys.exit(f"--jobs must be at least 1, got {options.jobs}")
    known = submissions.roster(options.students)
    found = submissions.collect(options.folder, known, options.chapters)
    if not found:
        sys.exit(f"FOLDER must have notebooks below it, and {options.folder} has none")
    namespaces = not options.without_namespaces
    if namespaces and not sandbox.has_namespaces():
        sys.exit(sandbox.WEAK)
    results = grade(found, jobs=options.jobs, namespaces=namespaces)
    base = options.folder.resolve()
    target = options.to or base.with_name(f"{base.name}-marks")
    write(results, known, target, SAFE if namespaces else UNSAFE, options.export)
    print(f"{target / 'index.html'}, marks.csv and learners/ are there.")


if __name__ == "__main__":
    main()
