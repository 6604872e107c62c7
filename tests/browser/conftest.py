import shutil
from pathlib import Path

import pytest

from tests.browser.lab import running_lab

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """A running JupyterLab that serves a copy of the notebooks."""
    home = tmp_path_factory.mktemp("lab")
    # A copy, because JupyterLab saves what it opens by itself.
    shutil.copytree(ROOT / "notebooks", home / "root" / "notebooks")
    with running_lab(home) as lab:
        yield lab
