"""The two commands, the locks behind them, and what the package may import."""

import ast
import functools
import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
import tomllib
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from uv import find_uv_bin

import course
from m2k_lessons import checkup
from tools import lock

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BASE = [Requirement(line) for line in PROJECT["dependencies"]]
EXTRAS = {
    extra: [Requirement(line) for line in lines]
    for extra, lines in PROJECT["optional-dependencies"].items()
}
LOCKS = ("requirements.lock", "requirements-test.lock")

# None of these belongs in a learner's environment.
TEST_TOOLS = {"coverage", "hypothesis", "mypy", "nbval", "playwright", "pytest", "ruff", "uv"}
PEERS = {"backtesting", "backtrader", "bt", "empyrical-reloaded", "quantlib", "quantstats"}
PEERS |= {"ta-lib", "vectorbt", "vollib", "zipline-reloaded"}

# The layers of design §2, from the ground up: a package imports from its own layer and below.
LAYERS = (
    {"_util", "contracts", "facts"},
    {"data", "indicators", "sessions", "simulate"},
    {"backtest", "events", "evidence", "fundamentals", "gates", "options", "pairs", "paper"}
    | {"portfolio", "risk", "search", "strategies", "sweep"},
    {"checkup", "exercises", "explorers", "plots"},
)


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


def names(requirements):
    return {canonicalize_name(requirement.name) for requirement in requirements}


def locked(name):
    """The pins of a lock, each with the set of its hashes."""
    blocks = re.split(r"\n(?=[A-Za-z0-9])", read(name).partition("\n")[2])
    return {
        lock.pins(block)[0]: set(re.findall(r"--hash=sha256:[0-9a-f]{64}\b", block))
        for block in blocks
    }


# --- locks ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_of_a_lock_is_a_pin_a_hash_or_a_comment(name):
    comment, digest = r" *#.*", r"    --hash=sha256:[0-9a-f]{64}( \\)?"
    pin = r"[a-z0-9][a-z0-9.-]*==[A-Za-z0-9.!+]+( ; [^\\]+)? \\"
    line = re.compile(f"{comment}|{digest}|{pin}")
    assert [text for text in read(name).splitlines() if not line.fullmatch(text)] == []


@pytest.mark.parametrize("name", [*LOCKS, "environment.yml"])
def test_locks_hold_no_address_and_no_path(name):
    address = r"https?:|file:|ftp:| @ |--index-url|--extra-index-url|--find-links"
    path = r"/(home|root|tmp|Users|work)\b|\b[A-Z]:\\"
    assert re.search(f"{address}|{path}", read(name)) is None


@pytest.mark.parametrize("name", LOCKS)
def test_every_pin_has_its_hashes(name):
    pins = locked(name)
    assert len(pins) > 80
    assert [pin for pin, hashes in pins.items() if not hashes] == []
    assert len(pins) == len(re.findall(r"^[^\s#].*==", read(name), re.MULTILINE))


def test_tests_run_on_the_learners_pins():
    learner, test = (
        # Another package of the tests may ask for the same pin on more systems.
        {pin.partition(" ;")[0]: hashes for pin, hashes in locked(name).items()}
        for name in LOCKS
    )
    assert {pin: learner[pin] for pin in learner if learner[pin] != test.get(pin)} == {}


@pytest.mark.parametrize(
    ("name", "requirements"),
    [("requirements.lock", BASE), ("requirements-test.lock", BASE + EXTRAS["test"])],
    ids=LOCKS,
)
def test_what_pyproject_asks_for_is_locked(name, requirements):
    pinned = [Requirement(pin) for pin in lock.pins(read(name))]
    assert names(requirements) - names(pinned) == set()
    for wanted in requirements:
        for pin in pinned:
            if canonicalize_name(pin.name) == canonicalize_name(wanted.name):
                (version,) = [clause.version for clause in pin.specifier]
                assert wanted.specifier.contains(version), f"{pin} is not {wanted}: lock again"


@pytest.mark.parametrize("name", ["numpy", "pandas", "scipy", "statsmodels", "matplotlib"])
def test_numbers_come_from_one_version_on_every_python(name):
    pins = [pin for pin in lock.pins(read("requirements.lock")) if pin.startswith(f"{name}==")]
    assert len(pins) == 1
    assert ";" not in pins[0]


def test_learner_gets_neither_test_tools_nor_peers():
    pinned = names(Requirement(pin) for pin in lock.pins(read("requirements.lock")))
    assert pinned & (TEST_TOOLS | PEERS) == set()


def test_build_backend_is_locked_so_that_the_package_itself_needs_no_download():
    group = tomllib.loads(read("pyproject.toml"))["dependency-groups"]["build"]
    build = tomllib.loads(read("pyproject.toml"))["build-system"]["requires"]
    pinned = names(Requirement(pin) for pin in lock.pins(read("requirements.lock")))
    assert names(map(Requirement, build)) <= names(map(Requirement, group)) <= pinned


def test_no_lock_that_records_addresses():
    assert not (ROOT / "uv.lock").exists()
    assert not (ROOT / "pylock.toml").exists()


# --- environment.yml --------------------------------------------------------------------------


def test_environment_is_what_the_lock_generates():
    assert read("environment.yml") == lock.environment_yml(read("requirements.lock"))


def test_environment_is_one_that_conda_and_binder_read():
    environment = yaml.safe_load(read("environment.yml"))
    assert set(environment) == {"name", "channels", "dependencies"}
    assert environment["channels"] == ["conda-forge"]
    python, pip, packages = environment["dependencies"]
    assert python.split("=")[1] in lock.PYTHONS
    assert pip == "pip"
    assert packages["pip"] == [*lock.pins(read("requirements.lock")), "-e ."]


def test_pip_section_of_the_environment_installs(tmp_path):
    """conda hands this section to pip; here uv does it, and pip where uv finds no packages.

    uv needs a quarter of pip's time, but it does not read pip's settings, so behind a
    mirror that only these name it stays without packages.
    """
    section = yaml.safe_load(read("environment.yml"))["dependencies"][-1]["pip"]
    requirements, venv = tmp_path / "requirements.txt", tmp_path / "venv"
    requirements.write_text("\n".join(section) + "\n", encoding="utf-8")
    python = venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    # The root conftest.py takes the network away from every Python that inherits this.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(*command, cwd=ROOT):
        return subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True)

    uv = find_uv_bin()
    try:
        made = run(sys.executable, "-m", "venv", venv)
        assert made.returncode == 0, made.stdout + made.stderr
        fill = ("pip", "install", "--system-certs", "--python", python, "-r", requirements)
        filled = run(uv, *fill)
        if filled.returncode:
            told = filled.stderr
            filled = run(python, "-m", "pip", "install", "--no-compile", "-r", requirements)
            assert filled.returncode == 0, told + filled.stdout + filled.stderr
        checked = run(uv, "pip", "check", "--python", python)
        assert checked.returncode == 0, checked.stdout + checked.stderr
        imports = "import m2k_lessons, jupyterlab.labapp, ipykernel; print(m2k_lessons.__file__)"
        imported = run(python, "-c", imports, cwd=tmp_path)
        assert imported.returncode == 0, imported.stderr
        assert Path(imported.stdout.strip()) == ROOT / "m2k_lessons" / "__init__.py"
    finally:
        shutil.rmtree(venv, ignore_errors=True)  # 0.7 GB, which pytest would keep for a while


# --- what is imported -------------------------------------------------------------------------


def imports(tree, inside_function=False):
    """Yield each import of a module: module, leading dots, names from it, in a function or not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0, [], inside_function
        elif isinstance(node, ast.ImportFrom):
            members = [alias.name for alias in node.names]
            yield node.module or "", node.level, members, inside_function
        elif not (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)):
            function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from imports(node, inside_function or function)


def modules():
    """The package's modules by dotted name."""
    found = {}
    for path in sorted((ROOT / "m2k_lessons").rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = (path, ast.parse(path.read_text(encoding="utf-8")))
    return found


def notebook_code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    to_python = TransformerManager().transform_cell
    code = [to_python("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    return ast.parse("\n".join(code))


@functools.cache
def installed():
    return packages_distributions()


def undeclared(tree, own=("m2k_lessons",)):
    """Third-party imports that the declared dependencies don't answer for."""
    distributions = installed()
    found = []
    for module, level, _, inside_function in imports(tree):
        top = module.partition(".")[0]
        if level or top in own or top in sys.stdlib_module_names:
            continue
        providers = {canonicalize_name(name) for name in distributions.get(top, [top])}
        # An extra may be absent, so it is imported only where it is used.
        extras = names(EXTRAS["live"]) | names(EXTRAS["parquet"])
        allowed = names(BASE) | (extras if inside_function else set())
        if not providers & allowed:
            found.append(module)
    return found


SOURCES = [path for path, _ in modules().values()] + sorted((ROOT / "notebooks").glob("*.ipynb"))


def test_third_party_imports_are_declared():
    found = {}
    for path in SOURCES:
        notebook = path.suffix == ".ipynb"
        tree = notebook_code(path) if notebook else ast.parse(path.read_text("utf-8"))
        found[path.name] = undeclared(tree)
    assert len(found) > 50
    assert {name: missing for name, missing in found.items() if missing} == {}


def test_undeclared_imports_are_seen():
    code = """
        import os, numpy
        import pytest
        from zmq.sugar import socket
        from . import neighbour
        def download():
            import yfinance, hypothesis
        """
    assert undeclared(ast.parse(textwrap.dedent(code))) == ["pytest", "zmq.sugar", "hypothesis"]


def import_graph(found):
    """Return which modules of the package each one imports while it is itself imported."""
    graph = {}
    for name, (path, tree) in found.items():
        graph[name] = set()
        package = name.split(".") if path.name == "__init__.py" else name.split(".")[:-1]
        for module, dots, members, inside_function in imports(tree):
            if dots:
                module = ".".join([*package[: len(package) - dots + 1], *filter(None, [module])])
            targets = {f"{module}.{member}" for member in members} & set(found) or {module}
            if not inside_function:
                graph[name] |= targets & set(found) - {name}
    return graph


def layer(name):
    package = name.split(".")[1]
    layers = [number for number, packages in enumerate(LAYERS) if package in packages]
    assert layers, f"{package} is in no layer of the table in this test: give it one"
    return layers[0]


def upward(graph):
    layers = {name: layer(name) for name in graph if name != "m2k_lessons"}
    return [
        f"{name} imports {target}"
        for name in layers
        for target in sorted(graph[name] & set(layers))
        if layers[target] > layers[name]
    ]


def test_packages_import_only_downward():
    graph = import_graph(modules())
    assert graph["m2k_lessons"] == set()
    assert upward(graph) == []


def test_no_module_imports_itself_by_a_detour():
    TopologicalSorter(import_graph(modules())).prepare()


def package_graph(graph):
    """The same from package to package."""
    found = {}
    for name, targets in graph.items():
        package = ".".join(name.split(".")[:2])
        own = found.setdefault(package, set())
        own |= {".".join(target.split(".")[:2]) for target in targets} - {package, "m2k_lessons"}
    return found


def test_no_package_imports_itself_by_a_detour():
    TopologicalSorter(package_graph(import_graph(modules()))).prepare()


# Imported inside the function that needs them: they take a second, hundreds of megabytes, or both.
HEAVY = {"arch", "joblib", "numba", "optuna", "pandas_market_calendars", "pyarrow", "sklearn"}
HEAVY |= {"statsmodels", "yfinance"}


def heavy(tree):
    tops = ((module.partition(".")[0], inside) for module, _, _, inside in imports(tree))
    return sorted({top for top, inside in tops if top in HEAVY and not inside})


def test_nothing_heavy_is_imported_while_a_module_is():
    found = {name: heavy(tree) for name, (_, tree) in modules().items()}
    assert {name: tops for name, tops in found.items() if tops} == {}
    assert heavy(ast.parse("import pyarrow.csv\ndef f(): import numba")) == ["pyarrow"]


def test_modules_are_short_and_none_hides_beside_the_public_one():
    long, hidden = {}, []
    for name, (path, _) in modules().items():
        length = len(path.read_text(encoding="utf-8").splitlines())
        if length > 500 and not {"exercises", "simulate"} & set(name.split(".")):
            long[name] = length
        if path.name.startswith("_") and path.name != "__init__.py":
            hidden.append(name)
    assert long == {}
    assert hidden == []


def test_upward_and_circular_imports_are_seen():
    def module(path, code):
        return Path(path), ast.parse(textwrap.dedent(code))

    found = {
        "m2k_lessons": module("m2k_lessons/__init__.py", ""),
        "m2k_lessons.contracts": module("contracts.py", "from m2k_lessons import data"),
        "m2k_lessons.data": module("data.py", "from .contracts import M2K"),
        "m2k_lessons.simulate": module("simulate/__init__.py", "from .daily import daily"),
        "m2k_lessons.simulate.daily": module("daily.py", "from .. import data, plots"),
        "m2k_lessons.plots": module(
            "plots.py", "import m2k_lessons.data\ndef f(): from . import data"
        ),
    }
    graph = import_graph(found)
    assert graph["m2k_lessons.simulate"] == {"m2k_lessons.simulate.daily"}
    assert upward(graph) == [
        "m2k_lessons.contracts imports m2k_lessons.data",
        "m2k_lessons.simulate.daily imports m2k_lessons.plots",
    ]
    with pytest.raises(CycleError):
        TopologicalSorter(graph).prepare()
    with pytest.raises(CycleError):
        TopologicalSorter(package_graph(graph)).prepare()


def test_importing_the_package_is_quick_and_imports_nothing_heavy():
    code = (
        "import sys, time; before = set(sys.modules); start = time.perf_counter();"
        "import m2k_lessons; took = time.perf_counter() - start;"
        "print(took, *sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    runs = [
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        for _ in range(5)
    ]
    seconds, *imported = zip(*(run.stdout.split() for run in runs), strict=True)
    assert min(map(float, seconds)) < 0.05
    modules_seen = {name for names in imported for name in names}
    assert modules_seen - sys.stdlib_module_names == {"m2k_lessons"}


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check", "m2k_lessons", "tests", "tools", "benchmarks"),
        ("mypy",),
    ],
)
def test_lint_is_clean(command):
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


# --- course.py --------------------------------------------------------------------------------


def run_course(*arguments):
    command = [sys.executable, ROOT / "course.py", *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT / "tests")


@pytest.mark.parametrize("arguments", [[], ["--help"]])
def test_course_lists_its_tasks(arguments):
    run = run_course(*arguments)
    assert run.returncode == 0
    for task in ("lab", "test", "lint", "bench", "lock"):
        assert re.search(rf"^    python course.py {task} +\w", run.stdout, re.MULTILINE), task


def test_every_script_in_tools_is_a_task_that_says_what_it_does():
    assert "lock" in course.scripts("tools")
    assert all(course.scripts("tools").values())
    assert all(course.scripts("benchmarks").values())


def test_course_names_an_unknown_task():
    run = run_course("lap")
    assert run.returncode == 1
    assert "There is no task 'lap'" in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("version", [(3, 6), (3, 10), (3, 14)])
def test_course_refuses_a_python_it_was_not_tested_with(version):
    refusal = rf"needs Python 3\.11 to 3\.13, and this is 3\.{version[1]} "
    with pytest.raises(SystemExit, match=refusal):
        course.check_python(version, "linux-x86_64")


def test_course_explains_what_to_do_on_arm_windows_and_without_venv(monkeypatch):
    with pytest.raises(SystemExit, match="64-bit"):
        course.check_python((3, 12), "win-arm64")
    course.check_python((3, 12), "win-amd64")
    monkeypatch.setattr(course.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit, match="apt install python3-venv"):
        course.check_python((3, 12), "linux-x86_64")


def test_an_old_python_reaches_the_advice_instead_of_a_syntax_error():
    tree = ast.parse(read("course.py"), feature_version=(3, 7))
    modules_used = {module.partition(".")[0] for module, *_ in imports(tree)}
    assert modules_used <= sys.stdlib_module_names - {"tomllib"}


def test_the_supported_pythons_are_the_same_everywhere():
    pythons = [f"{major}.{minor}" for major, minor in course.PYTHONS]
    assert tuple(pythons) == lock.PYTHONS
    assert checkup.TESTED_PYTHONS == course.PYTHONS
    oldest, newest = course.PYTHONS[0], course.PYTHONS[-1]
    assert PROJECT["requires-python"] == f">={oldest[0]}.{oldest[1]},<{newest[0]}.{newest[1] + 1}"


@pytest.fixture
def empty_course(tmp_path, monkeypatch):
    """course.py on a folder with locks but without an environment; its steps are only recorded."""
    for name in (*LOCKS, "pyproject.toml"):
        (tmp_path / name).write_text(name, encoding="utf-8")
    monkeypatch.setattr(course, "ROOT", tmp_path)
    monkeypatch.setattr(course, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(course, "LOG", tmp_path / ".venv" / "setup.log")
    monkeypatch.setattr(course, "READY", tmp_path / ".venv" / "ready")
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course, "LEARNER_LOCK", tmp_path / LOCKS[0])
    monkeypatch.setattr(course, "TEST_LOCK", tmp_path / LOCKS[1])
    steps = []
    monkeypatch.setattr(course, "step", lambda label, command, *_: steps.append(label))
    return steps


def test_second_start_finds_everything_done(empty_course):
    course.set_up(course.LEARNER_LOCK)
    steps = len(empty_course)
    assert steps == 5
    course.set_up(course.LEARNER_LOCK)
    assert len(empty_course) == steps


def test_tests_need_more_than_a_learner_and_a_learner_no_more_than_the_tests(empty_course):
    course.set_up(course.LEARNER_LOCK)
    assert not course.is_ready(course.TEST_LOCK)
    course.set_up(course.TEST_LOCK)
    assert course.is_ready(course.LEARNER_LOCK)


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml"])
def test_a_changed_file_is_taken_up_at_the_next_start(empty_course, name):
    course.set_up(course.LEARNER_LOCK)
    (course.ROOT / name).write_text("changed", encoding="utf-8")
    assert not course.is_ready(course.LEARNER_LOCK)


def test_an_interrupted_installation_is_not_taken_for_a_finished_one(empty_course, monkeypatch):
    course.set_up(course.LEARNER_LOCK)
    (course.ROOT / LOCKS[0]).write_text("changed", encoding="utf-8")

    def interrupted(label, command, *_):
        if "packages" in label:
            sys.exit("Stopped")

    monkeypatch.setattr(course, "step", interrupted)
    with pytest.raises(SystemExit, match="Stopped"):
        course.set_up(course.LEARNER_LOCK)
    assert not course.READY.exists()
    (course.ROOT / LOCKS[0]).write_text(LOCKS[0], encoding="utf-8")
    assert not course.is_ready(course.LEARNER_LOCK)


@pytest.mark.parametrize(
    ("version", "python", "stays"),
    [
        ("{}.{}.9", sys.executable, True),
        ("{}.99.0", sys.executable, False),
        ("{}.{}.9", "python-that-was-removed", False),
    ],
)
def test_an_environment_without_its_python_is_made_again(
    empty_course, monkeypatch, version, python, stays
):
    monkeypatch.setattr(course, "PYTHON", Path(python))
    course.VENV.mkdir()
    made_by = version.format(*sys.version_info[:2])
    (course.VENV / "pyvenv.cfg").write_text(f"home = x\nversion = {made_by}\n", encoding="utf-8")
    course.remove_unusable_environment()
    assert course.VENV.exists() == stays


@pytest.mark.parametrize(
    ("said", "advice"),
    [
        ("NewConnectionError: [Errno -2] Name or service not known", "connection to the internet"),
        ("No matching distribution (from versions: none)", "connection to the internet"),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]", "PIP_CERT"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "not installed"),
        ("OSError: [Errno 28] No space left on device", "disk is full"),
    ],
)
def test_a_failed_step_says_what_pip_said_and_what_to_do(tmp_path, monkeypatch, said, advice):
    monkeypatch.setattr(course, "LOG", tmp_path / "setup.log")
    with pytest.raises(SystemExit) as stopped:
        course.step("fetching", [sys.executable, "-c", f"print({said!r}); raise SystemExit(3)"])
    assert said in str(stopped.value)
    assert advice in str(stopped.value)


def test_ci_runs_the_command_of_the_readme():
    assert read(".ci/run").splitlines()[-1] == "python3 course.py test"
    assert re.search(r"python3? course\.py lab\b", read("README.md"))
    assert re.search(r"python3? course\.py test\b", read("README.md"))


def run_browser_tests(tmp_path, ci, options=()):
    """Run pytest, with the root conftest.py, on a machine that seems to have no browser."""
    (tmp_path / "no_browser.py").write_text(
        "import conftest\nconftest.find_chromium = lambda: None"
    )
    planted = tmp_path / "test_planted.py"
    planted.write_text("def test_seen(chromium_path): pass\ndef test_other(): pass\n")
    environ = dict(os.environ, CI=ci, PYTHONPATH=str(tmp_path))
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "conftest"]
    command += ["-p", "no_browser", "-p", "no:cacheprovider", *options, planted]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)


def test_without_a_browser_the_last_lines_say_so(tmp_path):
    run = run_browser_tests(tmp_path, ci="")
    assert run.returncode == 0
    *_, said, totals = run.stdout.strip().splitlines()
    assert said.startswith("THE BROWSER WAS NOT TESTED: 1 test")
    assert "1 passed, 1 deselected" in totals


def test_two_processes_say_it_too(tmp_path):
    run = run_browser_tests(tmp_path, ci="", options=course.PARALLEL)
    assert run.returncode == 0, run.stdout
    *_, said, totals = run.stdout.strip().splitlines()
    assert said.startswith("THE BROWSER WAS NOT TESTED: 1 test")
    assert "1 passed" in totals


def test_on_ci_a_missing_browser_fails(tmp_path):
    run = run_browser_tests(tmp_path, ci="true")
    assert run.returncode == pytest.ExitCode.TESTS_FAILED
    assert "no Chromium, Chrome or Edge on this machine" in run.stdout


# --- licences ---------------------------------------------------------------------------------


def test_code_and_prose_are_licensed():
    assert PROJECT["license"] == "MIT"
    assert "Permission is hereby granted, free of charge" in " ".join(read("LICENSE").split())
    assert "https://creativecommons.org/licenses/by/4.0/legalcode" in read("LICENSE-prose")
