"""JupyterLab as a learner starts it, and a headless Chromium that looks at it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import course

ROOT = Path(__file__).resolve().parents[2]
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


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """Address of a running JupyterLab that serves a copy of the notebooks."""
    home = tmp_path_factory.mktemp("lab")
    # A copy, because JupyterLab saves what it opens by itself.
    shutil.copytree(ROOT / "notebooks", home / "root" / "notebooks")
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
    environment = os.environ | {
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
    with (home / "lab.log").open("w", encoding="utf-8") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            _wait_until_served(f"{address}/api?token={token}", server, home / "lab.log")
            yield f"{address}/lab/tree/notebooks/{{name}}?token={token}"
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
    pytest.fail(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="session")
def browser(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM)
        yield browser
        browser.close()
