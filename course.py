"""The course, by task. Needs Python 3.11, 3.12 or 3.13 and nothing else.

The first start makes an environment in the folder .venv and fills it with the packages
that requirements.lock names; later starts find it there. What follows the name of a
task is passed on: python course.py test tests/test_contracts.py -x
"""

import ast
import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
LOG = VENV / "setup.log"
WHEELS = ROOT / "wheels"
READY = VENV / "ready"
LEARNER_LOCK = ROOT / "requirements.lock"
TEST_LOCK = ROOT / "requirements-test.lock"
HUB_LOCK = ROOT / "requirements-hub.lock"
SITE_LOCK = ROOT / "requirements-site.lock"
SITE_VENV = ROOT / ".venv-site"
FIRST_LESSON = "workbook/00_start_here.ipynb"
# conftest.py says what stays together, and what comes first.
PARALLEL = ("--numprocesses=2", "--dist=loadfile", "--no-loadscope-reorder")
PYTHONS = ((3, 11), (3, 12), (3, 13))
# No news, no search for updates: nothing that asks the network or the learner.
LAB_OPTIONS = (
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--Application.log_level=WARN",
    f"--LabApp.extra_labextensions_path={ROOT / 'jupyter' / 'labextensions'}",
)

# What pip says when it fails, and what a reader can do about it.
ADVICE = {
    "CERTIFICATE_VERIFY_FAILED": "This network opens encrypted connections (a company or a school, "
    "often). Ask for its certificate file\nand name it in the environment variable PIP_CERT.",
    "DO NOT MATCH THE HASHES": "A package differs from the one that the course was tested with, "
    "so it was not installed.",
    "No space left|not enough space": "The disk is full: the course needs about 1 GB.",
    "Looking in links: .*wheels": "The folder wheels lacks a package for this system and this "
    "Python. Make it on a computer\nof the same kind (python course.py wheels), or delete it to "
    "fetch the packages from the internet.",
    "NewConnectionError|ConnectTimeout|NameResolution|getaddrinfo|Read timed out|ProxyError"
    "|Failed to establish|from versions: none": "The packages could not be fetched. The first "
    "start needs a connection to the internet\n(later ones do not): check it, or the proxy named "
    "in HTTPS_PROXY, and start again.",
}


def check_python(version, platform):
    """End with advice if this Python is one that the locks have no packages for."""
    if version not in PYTHONS:
        names = [f"python{major}.{minor}" for major, minor in PYTHONS]
        here = [name for name in reversed(names) if shutil.which(name)]
        name = here[0] if here else names[1]
        sys.exit(
            f"The course needs Python {PYTHONS[0][0]}.{PYTHONS[0][1]} to "
            f"{PYTHONS[-1][0]}.{PYTHONS[-1][1]}, and this is {version[0]}.{version[1]} "
            f"({sys.executable}).\n"
            + (f"There is a {name} here" if here else "Install one from python.org")
            + f"; start with it: {name} course.py lab (on Windows: py -3.12 course.py lab)"
        )
    if platform == "win-arm64":
        sys.exit(
            "Not every package exists for the ARM build of Python on Windows. Install the 64-bit\n"
            "(x86-64) Python 3.12 from python.org, which runs there too: py -3.12-64 course.py lab"
        )
    if not (importlib.util.find_spec("venv") and importlib.util.find_spec("ensurepip")):
        sys.exit(
            "This Python lacks the modules venv and ensurepip, so it cannot make an environment.\n"
            "On Debian and Ubuntu: sudo apt install python3-venv"
        )


def fingerprint(lock):
    """Return what tells whether .venv was filled from this lock, by this Python, in this place."""
    seen = f"{sys.version_info[:2]} {ROOT} {lock.name}".encode()
    seen += lock.read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(seen).hexdigest()


def is_ready(lock):
    """Say whether .venv holds what the lock names; the tests' and a hub's include a learner's."""
    if not (PYTHON.exists() and READY.exists()):
        return False
    enough = {lock, TEST_LOCK, HUB_LOCK} if lock == LEARNER_LOCK else {lock}
    return READY.read_text() in map(fingerprint, enough)


def remove_unusable_environment():
    """Remove .venv if another version of Python made it, or its Python is no longer there."""
    config = VENV / "pyvenv.cfg"
    if config.exists():
        made_by = re.search(r"^version\w* *= *(\d+\.\d+)", config.read_text(), re.MULTILINE)
        running = "{}.{}".format(*sys.version_info)
        if made_by is None or made_by[1] != running or not PYTHON.exists():
            print(f"The environment in .venv does not fit Python {running}: making it again.")
            shutil.rmtree(VENV)


def packages_so_far():
    """Return how far pip has come, in words."""
    log = LOG.read_text("utf-8", "replace")
    found = len(re.findall(r"^(?:Collecting|Processing) ", log, re.MULTILINE))
    folder = Path(sysconfig.get_path("purelib", "venv", {"base": str(VENV)}))
    return f" {found} found, {len(list(folder.glob('*.dist-info')))} unpacked"


def step(label, command, progress=str):
    """Run one step of the set-up with its output in a log, and show that it moves."""
    environ = dict(os.environ, PIP_USER="0", PIP_NO_INPUT="1", PIP_DISABLE_PIP_VERSION_CHECK="1")
    settings = {"cwd": ROOT, "env": environ, "stderr": subprocess.STDOUT}
    start, moving = time.monotonic(), sys.stdout.isatty()
    print(f"  {label} ...", end="", flush=True)
    with LOG.open("w", encoding="utf-8") as log:
        process = subprocess.Popen(list(map(str, command)), stdout=log, **settings)
        try:
            while process.poll() is None:
                time.sleep(0.2)
                if moving:
                    done = f"{progress()} {time.monotonic() - start:.0f} s "
                    print(f"\r  {label} ...{done}", end="", flush=True)
        except KeyboardInterrupt:
            process.wait()
            sys.exit("\nStopped before the end. The same command goes on from here.")
    done = f" {time.monotonic() - start:.0f} s"
    print(f"\r  {label} ...{done}".ljust(72) if moving else done, flush=True)
    if process.returncode:
        output = LOG.read_text("utf-8", "replace")
        told = [line for line in output.splitlines() if not line.startswith("WARNING")][-12:]
        advice = [text for pattern, text in ADVICE.items() if re.search(pattern, output)][:1]
        sys.exit("\n".join([*told, "", f"That failed; the whole story is in {LOG}.", *advice]))


def set_up(lock):
    """Make .venv and fill it from the lock, unless that is done already."""
    if is_ready(lock):
        return
    print(f"Setting up the course in {VENV}")
    without_network = WHEELS.is_dir()
    how = "downloads 200 to 300 MB" if not without_network else "unpacks the folder wheels"
    print(f"The first time this {how} and takes a minute or two.")
    remove_unusable_environment()
    VENV.mkdir(exist_ok=True)
    READY.unlink(missing_ok=True)
    step("making the environment", [sys.executable, "-m", "venv", VENV])
    install = [PYTHON, "-m", "pip", "install", "--progress-bar=off", "--no-deps", "--no-compile"]
    if without_network:
        install += ["--no-index", "--find-links", WHEELS]
    hashed = [*install, "--only-binary=:all:", "--require-hashes", "-r", lock]
    step("fetching the packages", hashed, packages_so_far)
    step("adding the course's own", [*install, "--no-build-isolation", "--editable", ROOT])
    # pip would compile on one processor, which takes longer than all that it does besides.
    tests = r"[\\/]tests[\\/]"
    step("compiling them", [PYTHON, "-m", "compileall", "-q", "-j0", "-x", tests, VENV])
    # The first cell that runs a backtest would take ten seconds otherwise.
    step("compiling the course's loops", [PYTHON, "-m", "m2k_lessons._util.warm"])
    READY.write_text(fingerprint(lock))


def set_up_site():
    """Make .venv-site, which builds the web site, unless that is done; return its Python."""
    python = SITE_VENV / PYTHON.relative_to(VENV)
    ready = SITE_VENV / READY.name
    # Nothing of the course is installed there: only its own lock counts.
    made_from = f"{sys.version_info[:2]} {hashlib.sha256(SITE_LOCK.read_bytes()).hexdigest()}"
    if not (python.exists() and ready.exists() and ready.read_text() == made_from):
        print(f"Setting up what builds the site in {SITE_VENV}")
        VENV.mkdir(exist_ok=True)  # for the log
        shutil.rmtree(SITE_VENV, ignore_errors=True)
        step("making the environment", [sys.executable, "-m", "venv", SITE_VENV])
        install = [python, "-m", "pip", "install", "--progress-bar=off", "--no-deps"]
        only = ["--only-binary=:all:", "--require-hashes", "-r", SITE_LOCK]
        step("fetching the packages", [*install, *only])
        ready.write_text(made_from)
    return python


def with_settings(environ):
    """Return an environment in which JupyterLab finds the course's settings, the learner's first.

    From the folder itself, so that an edition fetched later needs no new installation.
    """
    places = [environ.get("JUPYTER_CONFIG_PATH", ""), str(ROOT / "jupyter")]
    return dict(environ, JUPYTER_CONFIG_PATH=os.pathsep.join(filter(None, places)))


def run(*command):
    """Run a command in the environment, in the folder of the course; return its exit status."""
    path = f"{SCRIPTS}{os.pathsep}{os.environ.get('PATH', '')}"
    environ = dict(with_settings(os.environ), PATH=path, VIRTUAL_ENV=str(VENV))
    process = subprocess.Popen([str(PYTHON), *map(str, command)], cwd=ROOT, env=environ)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:  # Ctrl-C reaches the command too, which knows how to end
            continue


def lab(*arguments):
    """open your own copy of the first lesson in JupyterLab, or the notebook you name"""
    set_up(LEARNER_LOCK)
    made = run(ROOT / "tools" / "workbook.py")
    if made:
        return made
    if not any(argument.endswith(".ipynb") for argument in arguments):
        arguments = (FIRST_LESSON, *arguments)
    return run("-m", "jupyterlab", f"--ServerApp.root_dir={ROOT}", *LAB_OPTIONS, *arguments)


def hub(*arguments):
    """start the course for a class, on a server (teaching/hub/README.md says how)"""
    set_up(HUB_LOCK)
    config = ("-f", ROOT / "teaching" / "hub" / "jupyterhub_config.py")
    return run("-m", "jupyterhub", *(() if "-f" in arguments else config), *arguments)


def test(*arguments):
    """run every test, in two processes, or those you name"""
    set_up(TEST_LOCK)
    return run("-m", "pytest", *(arguments or PARALLEL))


def lint(*arguments):
    """check the style of the code with ruff, and its types with mypy"""
    set_up(TEST_LOCK)
    return run("-m", "ruff", "check", *arguments) or run("-m", "mypy")


def site(*arguments):
    """build the web site from the committed notebooks, into build/site or a folder you name"""
    set_up(TEST_LOCK)
    return run("-m", "tools.site", f"--sphinx={set_up_site()}", *arguments)


def scripts(folder):
    """Return the scripts of a folder: name, and first line of the docstring."""
    found = {}
    for path in sorted((ROOT / folder).glob("*.py")):
        source = path.read_text("utf-8")
        if '__name__ == "__main__"' in source:
            found[path.stem] = (ast.get_docstring(ast.parse(source)) or "").split("\n")[0]
    return found


def tools():
    """Return the scripts that are tasks: name, and folder."""
    return {name: folder for folder in ("tools", "tools/classroom") for name in scripts(folder)}


def script(folder, name, *arguments):
    """Run one of them."""
    set_up(TEST_LOCK)
    return run(ROOT / folder / f"{name}.py", *arguments)


def bench(name="", *arguments):
    """run one of the measurements in benchmarks/; without a name, list them"""
    if name in scripts("benchmarks"):
        return script("benchmarks", name, *arguments)
    for name, line in scripts("benchmarks").items():
        print(f"    python course.py bench {name:12} {line}")
    return 0


def main(task="--help", *arguments):
    """Do a task by name; each script in tools/ and tools/classroom/ is one, too."""
    check_python(sys.version_info[:2], sysconfig.get_platform())
    tasks = {function.__name__: function for function in (lab, test, lint, site, bench, hub)}
    if task in tasks:
        return tasks[task](*arguments)
    if task in tools():
        return script(tools()[task], task, *arguments)
    if task not in ("-h", "--help"):
        sys.exit(f"There is no task {task!r}; python course.py lists those there are.")
    print(__doc__)
    lines = {name: function.__doc__ for name, function in tasks.items()}
    lines |= scripts("tools") | scripts("tools/classroom")
    for name, line in lines.items():
        print(f"    python course.py {name:10} {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
