"""Time to mark a class: `python benchmarks/grading.py --write`, 30 learners with 3 chapters each.

Aim: under ten minutes on two cores. Every fourth question has a known mistake in it, and one
learner in ten hands in a notebook that ends its process. Clock and processor time, all processes
of the sandboxes included; Linux and macOS. Two numbers on the command line change the class and
the notebooks that run at once, and nothing is written then.
"""

import resource
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.classroom.classes import code_cell, handed_in, save  # noqa: E402
from tools.classroom import grade, sandbox, submissions  # noqa: E402
from tools.classroom.marks import named  # noqa: E402

CHAPTERS = ("01_contract_basics", "05_strategies", "09_risk_management")
TABLE = Path(__file__).with_suffix(".md")
AIM_SECONDS = 600


def crash(cells: list) -> None:
    cells.insert(len(cells) // 2, code_cell("import os\nos._exit(1)"))


def hand_in(folder: Path, learners: int) -> None:
    for number in range(learners):
        for chapter in CHAPTERS:
            wrong = [name for place, name in enumerate(named(chapter)) if (number + place) % 4 == 0]
            change = crash if number % 10 == 9 else None
            name = f"Learner {number:02d}"
            save(folder, name, chapter, handed_in(chapter, name, change=change, wrong=wrong))


def processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    learners, jobs = (*numbers, *(30, 2)[len(numbers) :])
    sandbox.seed()  # compiled once, not for each class
    with tempfile.TemporaryDirectory() as folder:
        hand_in(Path(folder), learners)
        found = submissions.collect(Path(folder), [])
        began, used = time.monotonic(), processor_seconds()
        results = grade.grade(found, jobs=jobs, namespaces=sandbox.has_namespaces())
        clock, used = time.monotonic() - began, processor_seconds() - used
    lost = len(found) - sum(bool(result.marks) for result in results)
    crashed = sum(bool(result.stopped) for result in results)
    row = (
        f"| {learners} | {len(found)} | {crashed} | {lost} | {jobs} | {clock:.0f} | {used:.0f} | "
        f"{used / jobs:.0f} |"
    )
    print(row)
    if "--write" in sys.argv:
        heads = ("learners", "notebooks", "crashed, with a reason", "lost", "at once", "seconds",
                 "processor seconds", "seconds on that many idle cores, at least")  # fmt: skip
        rule = " | ".join(["---:"] * len(heads))
        text = (
            f"# Marking a class\n\n`python benchmarks/grading.py --write` makes this table. Aim: "
            f"under {AIM_SECONDS} seconds on two cores.\n\n| {' | '.join(heads)} |\n| {rule} |\n"
            f"{row}\n"
        )
        TABLE.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
