"""The committed lessons, and small readers for their cells."""

import re
from pathlib import Path

from tools import notebooks

PAGES = notebooks.find([])
LESSONS = [path for path in PAGES if re.match(r"\d\d_", path.name)]
# Optional lessons beside a chapter, of the same form and shorter (02b); 00b is a page to look up.
FURTHER = [path for path in PAGES if re.match(r"\d\d[a-z]_further_", path.name)]


def chapter(path: Path) -> str:
    """The name that explorer, exercises and tests of a lesson share: its name less the number."""
    return path.stem.split("_", 1)[1]


def cells(path: Path, kind: str) -> list[dict]:
    return [cell for cell in notebooks.read(path)["cells"] if cell["cell_type"] == kind]


def markdown_cells(path: Path) -> list[dict]:
    return cells(path, "markdown")


def code_cells(path: Path) -> list[dict]:
    return cells(path, "code")


def source(cell: dict) -> str:
    return "".join(cell["source"])
