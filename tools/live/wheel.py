"""The course's wheel for places that choose their own numpy and pandas: data inside, pins relaxed.

Its requirements are the extra `core` of pyproject.toml, its extra `full` is that of pyproject.toml.
Numbers are promised to the last digit by the exact pins only, so this wheel is for a browser or
for a notebook server somewhere else, never for the tests.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def requirements(extra: str) -> list[str]:
    """The requirements of an extra in pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project["optional-dependencies"][extra]


def relaxed(pyproject: str) -> str:
    """The text of pyproject.toml with `core` as the requirements, and data in the package."""
    project = tomllib.loads(pyproject)["project"]["optional-dependencies"]
    head, dependencies, rest = re.split(r"(?ms)^(dependencies = \[.*?^\]\n)", pyproject)
    extras, settings = rest.split("[dependency-groups]", 1)
    core = f"dependencies = {json.dumps(project['core'], indent=4)}\n\n"
    full = f"[project.optional-dependencies]\nfull = {json.dumps(project['full'], indent=4)}\n\n"
    data = '[tool.hatch.build.targets.wheel.force-include]\n"data" = "m2k_lessons/course_data"\n'
    # What this wheel is for may run on a Python that the locks have never seen.
    head = re.sub(r'requires-python = "[^"]*"', 'requires-python = ">=3.11"', head)
    return f"{head}{core}{full}[dependency-groups]{settings}\n{data}"


def make(folder: Path, python: Path) -> Path:
    """Build the wheel into a folder, with a Python that has hatchling; return its path."""
    with tempfile.TemporaryDirectory() as temporary:
        source = Path(temporary)
        ignore = shutil.ignore_patterns("__pycache__")
        for name in ("m2k_lessons", "data", "jupyter"):
            shutil.copytree(ROOT / name, source / name, ignore=ignore)
        for name in ("README.md", "LICENSE", "LICENSE-prose"):
            shutil.copy(ROOT / name, source)
        text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
        (source / "pyproject.toml").write_text(relaxed(text), encoding="utf-8")
        before = set(folder.glob("*.whl"))
        command = [python, "-m", "hatchling", "build", "-t", "wheel", "-d", folder.resolve()]
        done = subprocess.run(command, cwd=source, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"the course's wheel could not be built:\n{done.stderr}")
    (made,) = set(folder.glob("*.whl")) - before
    return made
