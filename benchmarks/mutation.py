"""Break the code on purpose, at places drawn by chance, and count what the tests notice.

    python course.py bench mutation                       all five strata, 40 mutants each
    python course.py bench mutation -- --strata risk      one of them
    python course.py bench mutation -- --show             list the drawn mutants, run nothing

A mutant is one small change of the source: a comparison that takes its boundary in or leaves it
out, a sign, an operator, a constant one larger, a condition turned round, a statement left out.
All places where a stratum's files can be changed so are listed, and a seeded draw takes as many
from each stratum; none is chosen by hand. Messages of errors, texts and type annotations are not
changed: their wording is no behaviour. Each mutant runs in a copy of the project, first against
the tests that call the changed function, the quick ones first and with nothing compiled (one run
of all tests, before anything is broken, says which those are and how long they take), and if none
of these fails against all tests of its stratum. A mutant that survives is read by a person: where
no input can tell it from the original it is *equivalent*, and stands with its reason in
`EQUIVALENT` of this file; the other survivors are faults of the tests.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
REPORT = Path(__file__).with_name("mutation.md")
SEED, EACH = 2026, 40
SECONDS = 1_500  # for all tests of a stratum; longer is an endless loop, and noticed
FEW_SECONDS = 30.0  # for the quick tests of a function, by their own times

# Files of each stratum, and the tests that are to notice, the quick ones first.
STRATA = {
    "backtest": (["backtest/*.py"], ["tests/backtest", "tests/oracles/test_backtest_peers.py"]),
    "paper": (["paper/*.py"], ["tests/paper"]),
    "risk": (["risk/*.py"], ["m2k_lessons/risk", "tests/risk/test_risk.py", "tests/risk"]),
    "sweep": (["sweep/*.py"], ["m2k_lessons/sweep", "tests/sweep"]),
    "exercises/base": (
        [f"exercises/{name}.py" for name in ("reply", "question", "compute", "choose", "reading")],
        ["tests/exercises/test_base.py", "tests/exercises"],
    ),
}

# Survivors that no input can tell from the original: "file: line as it stands -> mutated" with why.
EQUIVALENT: dict[str, str] = {
    "m2k_lessons/paper/engine.py: `if (ticket.side > 0) == (ticket.stop is not None):` -> "
    "`if (ticket.side >= 0) == (ticket.stop is not None):`": "a side is 1 or -1",
    "m2k_lessons/risk/following.py: `self._blocked = False` -> `self._blocked = True`": "the first "
    "answer is compared with a target of 0, and clears it",
    "m2k_lessons/risk/engine.py: `self._last = self._day_start = self._peak = 0 # cents` -> "
    "`self._last = self._day_start = self._peak = 1 # cents`": "the first decision sets all three",
    "m2k_lessons/sweep/plain.py: `long = bought | ((series < -leave) & _is_since(bought, "
    "~(series < -leave)))` -> `long = bought | ((series < leave) & _is_since(bought, "
    "~(series < -leave)))`": "a bar that isn't below has ended what began before it",
}

COMPARE = {ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "=="}
SIGNS = {ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!="}
BINARY = {ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "+"), ast.Div: ("/", "*")}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}
METHODS = {"minimum": "maximum", "maximum": "minimum", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutant:
    """A change of one file: the text from `start` to `end` becomes `text`."""

    stratum: str
    path: str
    start: int
    end: int
    text: str

    def source(self, root: Path) -> str:
        whole = (root / self.path).read_text(encoding="utf-8")
        return whole[: self.start] + self.text + whole[self.end :]

    def name(self, root: Path = ROOT) -> str:
        """The line as it stands and as it becomes."""
        whole = (root / self.path).read_text(encoding="utf-8")
        begin = whole.rfind("\n", 0, self.start) + 1
        stop = whole.find("\n", self.end)
        before = " ".join(whole[begin:stop].split())
        after = " ".join((whole[begin : self.start] + self.text + whole[self.end : stop]).split())
        number = whole.count("\n", 0, self.start) + 1
        return f"{self.path}:{number}: `{before}` -> `{after}`"

    def key(self) -> str:
        """The name without the number of the line, which changes with every edit above."""
        path, _, rest = self.name().split(":", 2)
        return f"{path}:{rest}"


class Places(ast.NodeVisitor):
    """Collect every change that is possible in a file."""

    def __init__(self, stratum: str, path: Path) -> None:
        self.stratum, self.path = stratum, path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")
        starts = [0]
        for line in self.text.encode().splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        self.starts, self.bytes = starts, self.text.encode()
        self.found: list[Mutant] = []
        self.visit(ast.parse(self.text))

    def at(self, line: int, column: int) -> int:
        """Offset in characters; `ast` counts columns in bytes."""
        return len(self.bytes[: self.starts[line - 1] + column].decode())

    def span(self, node) -> tuple[int, int]:
        return self.at(node.lineno, node.col_offset), self.at(node.end_lineno, node.end_col_offset)

    def add(self, start: int, end: int, text: str) -> None:
        self.found.append(Mutant(self.stratum, self.path, start, end, text))

    def between(self, left, right, sign: str, other: str) -> None:
        """Replace an operator between two operands."""
        begin, end = self.span(left)[1], self.span(right)[0]
        place = self.text.find(sign, begin, end)
        if place >= 0:
            self.add(place, place + len(sign), other)

    def visit_FunctionDef(self, node) -> None:
        if node.name == "__repr__" or node.name.endswith("_html_"):
            return
        for part in [*node.args.defaults, *filter(None, node.args.kw_defaults), *node.body]:
            self.visit(part)

    def visit_AnnAssign(self, node) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_Raise(self, node) -> None:
        """The words of a refusal are not behaviour."""

    def visit_JoinedStr(self, node) -> None:
        """Nor are those of a message."""

    def visit_Compare(self, node) -> None:
        operands = [node.left, *node.comparators]
        for left, sign, right in zip(operands[:-1], node.ops, operands[1:], strict=True):
            if type(sign) in COMPARE:
                self.between(left, right, SIGNS[type(sign)], COMPARE[type(sign)])
        self.generic_visit(node)

    def visit_BinOp(self, node) -> None:
        if type(node.op) in BINARY and not isinstance(node.left, ast.JoinedStr):
            self.between(node.left, node.right, *BINARY[type(node.op)])
        self.generic_visit(node)

    def visit_BoolOp(self, node) -> None:
        sign, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in zip(node.values[:-1], node.values[1:], strict=True):
            self.between(left, right, f"{sign}", other)
        self.generic_visit(node)

    def visit_UnaryOp(self, node) -> None:
        if isinstance(node.op, ast.Not | ast.USub | ast.Invert):
            begin, inner = self.span(node)[0], self.span(node.operand)[0]
            self.add(begin, inner, "")
        self.generic_visit(node)

    def visit_Constant(self, node) -> None:
        begin, end = self.span(node)
        if isinstance(node.value, bool):
            self.add(begin, end, str(not node.value))
        elif isinstance(node.value, int):
            self.add(begin, end, str(node.value + 1))

    def visit_Call(self, node) -> None:
        if isinstance(node.func, ast.Name) and node.func.id in CALLS:
            self.add(*self.span(node.func), CALLS[node.func.id])
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            end = self.span(node.func)[1]
            self.add(end - len(node.func.attr), end, METHODS[node.func.attr])
        self.generic_visit(node)

    def visit_If(self, node) -> None:
        begin, end = self.span(node.test)
        self.add(begin, end, f"not ({self.text[begin:end]})")
        self.generic_visit(node)

    def visit_IfExp(self, node) -> None:
        begin, end = self.span(node.test)
        self.add(begin, end, f"not ({self.text[begin:end]})")
        self.generic_visit(node)

    def visit_AugAssign(self, node) -> None:
        self.add(*self.span(node), "pass")
        self.generic_visit(node)

    def visit_Expr(self, node) -> None:
        if isinstance(node.value, ast.Call):
            self.add(*self.span(node), "pass")
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)


def all_mutants(stratum: str) -> list[Mutant]:
    """Every possible change of the files of a stratum, in order."""
    patterns, _ = STRATA[stratum]
    paths = [path for pattern in patterns for path in (ROOT / "m2k_lessons").glob(pattern)]
    found = [mutant for path in sorted(paths) for mutant in Places(stratum, path).found]
    return [mutant for mutant in found if _compiles(mutant)]


def _compiles(mutant: Mutant) -> bool:
    try:
        ast.parse(mutant.source(ROOT))
    except SyntaxError:  # any test would notice that
        return False
    return True


def drawn(stratum: str, count: int, seed: int) -> list[Mutant]:
    """A seeded draw without replacement."""
    places = all_mutants(stratum)
    rng = np.random.default_rng([seed, *stratum.encode()])
    return [places[number] for number in rng.permutation(len(places))[:count]]


def copy_of_the_project(folder: Path) -> Path:
    copy = folder / "course"
    skip = shutil.ignore_patterns(
        ".git", ".venv", "__pycache__", "build", ".hypothesis", ".*_cache"
    )
    shutil.copytree(ROOT, copy, ignore=skip)
    return copy


class Watch:
    """A plugin of pytest: which functions of a stratum each test calls, and how long it takes."""

    def __init__(self, copy: Path, stratum: str, report: Path) -> None:
        files = {copy / mutant.path for mutant in all_mutants(stratum)}
        self.files = {str(path): path.relative_to(copy).as_posix() for path in files}
        self.report, self.called = report, set()
        self.tests: dict[str, dict] = {}

    def trace(self, frame, *_) -> None:
        if frame.f_code.co_filename in self.files:
            self.called.add((frame.f_code.co_filename, frame.f_code.co_firstlineno))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.called.clear()
        begin = time.perf_counter()
        threading.settrace(self.trace)
        sys.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)
            threading.settrace(None)
            functions = sorted(f"{self.files[file]}:{line}" for file, line in self.called)
            seconds = time.perf_counter() - begin
            self.tests[item.nodeid] = {"seconds": seconds, "functions": functions}

    def pytest_runtest_logreport(self, report) -> None:
        if not report.passed:  # it may need the compiled loops: it says nothing without them
            self.tests.setdefault(report.nodeid, {})["failed"] = True

    def pytest_sessionfinish(self) -> None:
        self.report.write_text(json.dumps(self.tests), encoding="utf-8")


def environment(copy: Path) -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=str(copy), NUMBA_CACHE_DIR=str(copy / ".numba"))


def quick_tests(copy: Path, stratum: str) -> dict[str, list[str]]:
    """Tests of each function ("file:line"), as many as fit into `FEW_SECONDS`."""
    report = copy / ".watched.json"
    command = [sys.executable, __file__, "--watch", str(copy), stratum, str(report)]
    environ = environment(copy) | {"M2K_NO_NUMBA": "1"}
    subprocess.run(command, cwd=copy, env=environ, capture_output=True, check=True)
    found: dict[str, list[str]] = {}
    spent: dict[str, float] = {}
    tests = json.loads(report.read_text(encoding="utf-8"))
    sound = {name: seen for name, seen in tests.items() if "failed" not in seen}
    for name, seen in sorted(sound.items(), key=lambda entry: entry[1]["seconds"]):
        for function in seen["functions"]:
            spent[function] = spent.get(function, 0.0) + seen["seconds"]
            if spent[function] <= FEW_SECONDS:
                found.setdefault(function, []).append(name)
    return found


def run_tests(copy: Path, tests: list[str], seconds: float, environ=None) -> bool | None:
    """Say whether all tests pass; None where they don't end."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    environ = environment(copy) | (environ or {})
    try:
        done = subprocess.run(command, cwd=copy, env=environ, capture_output=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return None
    return done.returncode == 0


def function_of(mutant: Mutant, copy: Path) -> str:
    """The innermost function that a mutant changes, as `Watch` names it."""
    text = (copy / mutant.path).read_text(encoding="utf-8")
    line = text.count("\n", 0, mutant.start) + 1
    first = 0
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef) and node.body[0].lineno <= line <= node.end_lineno:
            begins = min([node.lineno, *(mark.lineno for mark in node.decorator_list)])
            first = max(first, begins)
    return f"{mutant.path}:{first}"


def judge(mutant: Mutant, copy: Path, quick: dict[str, list[str]]) -> bool:
    """Say whether the tests notice."""
    path = copy / mutant.path
    original = path.read_text(encoding="utf-8")
    few = quick.get(function_of(mutant, copy), [])
    path.write_text(mutant.source(copy), encoding="utf-8")
    try:
        if few and run_tests(copy, few, SECONDS / 5, {"M2K_NO_NUMBA": "1"}) is False:
            return True
        return not run_tests(copy, STRATA[mutant.stratum][1], SECONDS)
    finally:
        path.write_text(original, encoding="utf-8")


def wilson(hits: int, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    share, spread = hits / count, z * z / count
    middle = (share + spread / 2) / (1 + spread)
    half = z / (1 + spread) * (share * (1 - share) / count + spread / (4 * count)) ** 0.5
    return middle - half, middle + half


def table(results: dict[str, list[tuple[Mutant, bool]]]) -> str:
    lines = [
        "| files | mutants | killed | equivalent | survived | killed of those that differ (95 %) |",
        "|---|---|---|---|---|---|",
    ]
    total = np.zeros(3, int)
    rows = list(results.items())
    for name, judged in rows:
        killed = sum(noticed for _, noticed in judged)
        same = sum(not noticed and mutant.key() in EQUIVALENT for mutant, noticed in judged)
        counts = np.array([len(judged), killed, same])
        total += counts
        lines.append(_row(f"`{name}`", *counts))
    lines.append(_row("all", *total))
    return "\n".join(lines)


def _row(name: str, count: int, killed: int, same: int) -> str:
    low, high = wilson(killed, count - same)
    return (
        f"| {name} | {count} | {killed} | {same} | {count - killed - same} | "
        f"{100 * killed / (count - same):.1f} % ({100 * low:.1f} to {100 * high:.1f}) |"
    )


def main() -> None:
    """Draw, run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--strata", nargs="*", default=list(STRATA), choices=list(STRATA))
    parser.add_argument("--each", type=int, default=EACH)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--write", action="store_true", help=f"write the table to {REPORT.name}")
    parser.add_argument("--watch", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.watch:
        copy, stratum, report = options.watch
        plugin = Watch(Path(copy), stratum, Path(report))
        arguments = ["-q", "-p", "no:cacheprovider", *STRATA[stratum][1]]
        sys.exit(0 if pytest.main(arguments, [plugin]) in (0, 1) else 2)
    mutants = [m for name in options.strata for m in drawn(name, options.each, options.seed)]
    if options.show:
        for mutant in mutants:
            print(mutant.name())
        return
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        copies = [copy_of_the_project(Path(folder, str(n))) for n in range(options.workers)]
        quick: dict[str, list[str]] = {}
        for name in options.strata:
            if not run_tests(copies[0], STRATA[name][1], SECONDS):
                sys.exit(f"the tests of {name} must pass before anything is broken")
            quick |= quick_tests(copies[0], name)
        free = list(copies)

        def work(mutant: Mutant) -> tuple[Mutant, bool]:
            copy = free.pop()
            try:
                noticed = judge(mutant, copy, quick)
            finally:
                free.append(copy)
            print("killed  " if noticed else "SURVIVED", mutant.name(), flush=True)
            return mutant, noticed

        with concurrent.futures.ThreadPoolExecutor(options.workers) as pool:
            judged = list(pool.map(work, mutants))
    results = {name: [j for j in judged if j[0].stratum == name] for name in options.strata}
    text = table(results)
    left = [m.name() for m, noticed in judged if not noticed and m.key() not in EQUIVALENT]
    same = [
        f"{m.name()}: {EQUIVALENT[m.key()]}" for m, n in judged if not n and m.key() in EQUIVALENT
    ]
    print(f"\n{text}\n\nseed {options.seed}, {(time.perf_counter() - begin) / 60:.0f} minutes")
    if options.write:
        head, _, _ = REPORT.read_text(encoding="utf-8").partition("## Result\n")
        parts = [
            f"{head}## Result\n",
            f"Seed {options.seed}, {options.each} a stratum.\n",
            text,
            "",
        ]
        parts += ["### Survivors\n", *(f"- {line}" for line in left or ["none"]), ""]
        parts += ["### Equivalent\n", *(f"- {line}" for line in same or ["none"]), ""]
        REPORT.write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
