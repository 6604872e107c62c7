"""Every lesson runs where numba is missing, with the figures that it has with numba."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.notebooks.lessons import FURTHER, LESSONS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", LESSONS + FURTHER, ids=lambda path: path.stem.split("_")[0])
def test_lesson_without_numba(path, tmp_path):
    (tmp_path / "numba.py").write_text("raise ImportError('hidden by a test')\n", "utf-8")
    environ = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(path)]
    # Through the root conftest.py, as other lessons are: offline, and a cell has 60 seconds.
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout[-4_000:] + run.stderr[-1_000:]
