"""The site, built once for all tests from the committed notebooks, served and looked at."""

import contextlib
import functools
import http.server
import os
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
DESKTOP, PHONE = {"width": 1366, "height": 768}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class Site:
    folder: Path
    address: str
    sphinx: Path

    @property
    def pages(self):
        return sorted(path.stem for path in self.folder.glob("*.html"))


@pytest.fixture(scope="session")
def sphinx():
    """The Python that has Sphinx; its environment is made where there is none."""
    # The tests' kernels may not reach the network, and neither could pip.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(
        [sys.executable, "-c", "import course; print(course.set_up_site())"],
        **{"cwd": ROOT, "env": environ, "check": True, "stdout": subprocess.PIPE, "text": True},
    )
    return Path(told.stdout.splitlines()[-1])


@pytest.fixture(scope="session")
def site(sphinx, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    # Without a network: `offline`, which stands first in PYTHONPATH, refuses every connection.
    environ = dict(os.environ, PYTHONPATH=f"{os.environ['PYTHONPATH']}{os.pathsep}{ROOT}")
    command = [sys.executable, "-m", "tools.site", f"--sphinx={sphinx}", str(folder)]
    subprocess.run(command, cwd=ROOT, env=environ, check=True)
    with served(folder) as address:
        yield Site(folder, address, sphinx)


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def served(folder):
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def opened(browser, site):
    """Open a page of the site; other hosts are blocked, and what went wrong is kept."""
    contexts = []

    def open_page(name, size=DESKTOP, scheme="light", address=None):
        context = browser.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.problems, page.outside, page.fetched = [], [], []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on(
            "console",
            lambda said: page.problems.append(said.text) if said.type == "error" else None,
        )
        page.on("response", lambda response: page.fetched.append(response))
        address = address or site.address

        def decide(route):
            if route.request.url.startswith((f"{address}/", "data:")):
                route.continue_()
            else:
                page.outside.append(route.request.url)
                route.abort()

        context.route("**/*", decide)
        page.goto(f"{address}/{name}.html")
        return page

    yield open_page
    for context in contexts:
        context.close()
