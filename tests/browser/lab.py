"""JupyterLab as a learner starts it, and the headless Chromium that looks at it."""

import contextlib
import dataclasses
import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import course

CHROMIUM = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# A school laptop.
SCREEN = {"width": 1366, "height": 768}


@dataclasses.dataclass(frozen=True)
class Lab:
    """A running JupyterLab: where it is served, the token that opens it, the folder it shows."""

    address: str
    token: str
    root: Path

    def notebook(self, name):
        """Address of a notebook in a workspace of its own, so that no other is opened again."""
        workspace = f"{self.address}/lab/workspaces/{secrets.token_hex(8)}"
        return f"{workspace}/tree/{name}?token={self.token}"

    def end_kernels(self):
        """Shut down every notebook's kernel: seventeen at once would fill the machine."""
        for session in json.load(self._ask("GET", "")):
            self._ask("DELETE", f"/{session['id']}").close()

    def _ask(self, method, rest):
        url = f"{self.address}/api/sessions{rest}?token={self.token}"
        return urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=20)


@contextlib.contextmanager
def running_lab(home):
    """Serve `home / "root"`; yield the `Lab`."""
    # Only cells in view are drawn otherwise, and a test can't find the rest.
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    (settings / "tracker.jupyterlab-settings").write_text(
        json.dumps({"windowingMode": "none"}), encoding="utf-8"
    )
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    environment = course.with_settings(os.environ) | {
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    command = [
        *(sys.executable, "-m", "jupyterlab", *course.LAB_OPTIONS),
        *("--no-browser", "--allow-root", f"--ServerApp.root_dir={home / 'root'}"),
        *(f"--ServerApp.port={port}", f"--IdentityProvider.token={token}"),
    ]
    address = f"http://127.0.0.1:{port}"
    log = home / "lab.log"
    with log.open("w", encoding="utf-8") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            _wait_until_served(f"{address}/api?token={token}", server, log)
            yield Lab(address, token, home / "root")
        finally:
            server.terminate()
            server.wait(timeout=20)


def _wait_until_served(url, server, log):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.2)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@contextlib.contextmanager
def opened(browser, lab, name, width=1280, height=900):
    """A page with the notebook `name` open; at the end it is closed, its kernel too."""
    page = browser.new_page(viewport={"width": width, "height": height})
    page.set_default_timeout(60_000)
    try:
        page.goto(lab.notebook(name))
        # "Run All" is dropped in silence while the kernel is still starting.
        page.wait_for_selector("text=/\\| Idle/")
        yield page
    finally:
        page.close()
        lab.end_kernels()


def explorers_in(page):
    """The live explorers of the page, the trading desk among them."""
    return page.locator(".jp-OutputArea-output .m2k-explorer").all()


def run_all(page):
    for _ in range(3):
        page.click("text=Run >> nth=0")
        page.click("text='Run All Cells'")
        if _has_begun(page):
            break
    else:
        raise RuntimeError("JupyterLab dropped Run All three times")
    page.wait_for_function(
        """() => {
            const prompts = [...document.querySelectorAll(
                '.jp-CodeCell .jp-InputPrompt:not(.jp-Placeholder-prompt)')];
            return prompts.length > 0 && prompts.every(p => /\\[\\d+\\]/.test(p.textContent));
        }"""
    )
    page.wait_for_selector("text=/\\| Idle/")


def _has_begun(page):
    """Say whether a cell waits or runs; JupyterLab drops the command in silence now and then."""
    from playwright.sync_api import TimeoutError as TooLate

    prompts = "[...document.querySelectorAll('.jp-InputPrompt')]"
    waits = f"() => {prompts}.some(prompt => prompt.textContent.includes('*'))"
    try:
        page.wait_for_function(waits, timeout=8_000, polling=20)
    except TooLate:
        return False
    return True
