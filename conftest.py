"""What holds for every test: the surroundings of notebooks' kernels, and the browser."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parent

THREAD_LIMITS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome", "microsoft-edge", "msedge")
BROWSERS_ON_MACOS = ("Chromium", "Google Chrome", "Microsoft Edge")
BROWSERS_ON_WINDOWS = (
    "Google/Chrome/Application/chrome.exe",
    "Chromium/Application/chrome.exe",
    "Microsoft/Edge/Application/msedge.exe",
)

# Property tests try the same examples in every run: a red test is then somebody's change,
# not luck. `pytest --hypothesis-profile=search` looks for new counterexamples.
settings.register_profile("course", derandomize=True, deadline=None)
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile("course")


# A learner's progress and IPython profile stay out of the tests, and are safe from them.
HOME = Path(tempfile.mkdtemp(prefix="m2k-tests-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)


def settle_surroundings(environ):
    """Let kernels and other children of the tests run alike everywhere.

    They inherit the environment, and nbval offers no other way to reach them; so this
    happens before any of them starts.
    """
    environ["M2K_HOME"] = str(HOME / "tests")
    environ["IPYTHONDIR"] = str(HOME / "ipython")
    for name in ("M2K_STUDENT", "PYTHONWARNINGS", "PYTHONSTARTUP"):
        environ.pop(name, None)
    offline = str(ROOT / "tests" / "notebooks" / "offline")
    inherited = [path for path in environ.get("PYTHONPATH", "").split(os.pathsep) if path]
    environ["PYTHONPATH"] = os.pathsep.join([offline, *(p for p in inherited if p != offline)])
    environ["PYTHONHASHSEED"] = "0"
    # The last digit of a sum depends on how many threads shared the work.
    environ.update(dict.fromkeys(THREAD_LIMITS, "1"))


INHERITED = os.environ.get("PYTHONPATH", "")
settle_surroundings(os.environ)


def find_chromium():
    """Return the path of Chromium or of a browser built on it, None if there is none."""
    places = [shutil.which(name) for name in BROWSERS]
    places += [f"/Applications/{name}.app/Contents/MacOS/{name}" for name in BROWSERS_ON_MACOS]
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        places += [Path(os.environ.get(variable, ""), name) for name in BROWSERS_ON_WINDOWS]
    return next((str(place) for place in places if place and Path(place).is_file()), None)


@pytest.fixture(scope="session")
def chromium_path():
    """Path of the browser; a test that asks for it counts as a test of the browser."""
    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium, Chrome or Edge on this machine, and CI must test the browser")
    return path


@pytest.fixture(scope="session")
def playwright(chromium_path):
    """What drives browsers: one for all tests, since a second one can't be started beside it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright, chromium_path):
    """A headless browser, the same for all tests."""
    from tests.browser.lab import CHROMIUM

    browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM)
    yield browser
    browser.close()


# Where tests run in two processes (course.py test), what shares a browser or a site stays in one of
# them and begins first; the other takes up the rest, a file at a time.
TOGETHER = ("tests/live", "tests/browser", "tests/site", "tests/teaching")


def pytest_configure(config):
    config.left_out = []  # sentences for the last lines of the run
    # addopts names the file from the root of the repository; pytest may start elsewhere.
    if config.option.nbval_sanitize_with:
        config.option.nbval_sanitize_with = str(ROOT / config.option.nbval_sanitize_with)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    # Its kernel starts next: no notebook sees the progress that another one left.
    if item.path.suffix == ".ipynb":
        os.environ["M2K_HOME"] = str(HOME / item.path.stem)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    """Leave the browser's tests out where there is none; on CI they stay, and fail."""
    browser = [item for item in items if "chromium_path" in getattr(item, "fixturenames", ())]
    for item in browser:
        item.add_marker("browser")
    if "PYTEST_XDIST_WORKER" in os.environ:
        items.sort(key=lambda item: not item.nodeid.startswith(TOGETHER))
    on_ci = os.environ.get("CI", "").lower() in ("1", "true")
    if browser and not on_ci and find_chromium() is None:
        tests = "1 test needs" if len(browser) == 1 else f"{len(browser)} tests need"
        config.left_out.append(
            f"THE BROWSER WAS NOT TESTED: {tests} Chromium, Chrome or Edge, and none was found."
        )
        config.hook.pytest_deselected(items=browser)
        items[:] = [item for item in items if item not in browser]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes():
    # What runs tests may fetch what they need; each settles the surroundings of its own kernels.
    os.environ["PYTHONPATH"] = INHERITED


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid):
            return "browser" if nodeid.startswith(TOGETHER) else super()._split_scope(nodeid)

    return Scheduling(config, log)


def pytest_sessionfinish(session):
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.left_out


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node, error):
    if not error:
        said = node.config.left_out
        said += [sentence for sentence in node.workeroutput["left_out"] if sentence not in said]


@pytest.hookimpl(trylast=True)
def pytest_terminal_summary(terminalreporter, config):
    for sentence in config.left_out:
        terminalreporter.write_line(sentence, yellow=True)
