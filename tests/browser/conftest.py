import shutil
from pathlib import Path

import pytest

from tests.browser.lab import CHROMIUM, running_lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab that serves a copy of the notebooks."""
    home = tmp_path_factory.mktemp("lab")
    # A copy, because JupyterLab saves what it opens by itself.
    shutil.copytree(ROOT / "notebooks", home / "root" / "notebooks")
    with running_lab(home) as lab:
        yield lab


@pytest.fixture(scope="session")
def browser(chromium_path):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path, args=CHROMIUM)
        yield browser
        browser.close()
