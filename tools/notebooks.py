"""Work on the notebooks: run them, turn them into text and back, refresh their numbers.

    python course.py notebooks execute [01 03 ...]   run from a fresh kernel, offline; write
                                                     outputs that are the same on every run
    python course.py notebooks text 01               notebook -> build/text/01_….md, to edit
    python course.py notebooks from-text 01          and back (outputs go; execute afterwards)
    python course.py notebooks numbers 01            rewrite tagged numbers in the prose

Needs the test environment: `python course.py test` makes it.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import re
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tools import prose_numbers  # noqa: E402

NOTEBOOKS = ROOT / "notebooks"
TEXT = ROOT / "build" / "text"
KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
CELL_SECONDS = 60


def find(names: list[str]) -> list[Path]:
    """Notebooks whose file name starts with one of `names`; all of them for none."""
    every = sorted(NOTEBOOKS.glob("*.ipynb"))
    if not names:
        return every
    found = [path for path in every if any(path.name.startswith(name) for name in names)]
    if not found:
        raise SystemExit(f"no notebook starts with {', '.join(names)}")
    return found


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, notebook: dict) -> None:
    text = json.dumps(notebook, indent=1, ensure_ascii=False, sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def execute(path: Path) -> None:
    """Run a notebook as the tests do, and store outputs without anything that changes by itself."""
    import nbformat
    from nbclient import NotebookClient

    import conftest  # noqa: F401, gives kernels the surroundings that they have in the tests

    notebook = nbformat.read(path, as_version=4)
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as home:
        NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name="python3",
            store_widget_state=False,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        ).execute(env=os.environ | {"M2K_HOME": home})
    seconds = time.perf_counter() - started
    write(path, normalised(json.loads(nbformat.writes(notebook))))
    print(f"{path.name}: {seconds:.1f} s")


def normalised(notebook: dict) -> dict:
    """The same notebook without times, random identifiers and versions."""
    # Widgets' state is not stored: JupyterLab shows it only in notebooks that the reader has
    # run before, and then the reader has the live ones. A still picture stands beside each.
    notebook["metadata"] = {
        "kernelspec": KERNEL,
        "language_info": {"name": "python", "file_extension": ".py", "mimetype": "text/x-python"},
    }
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"cell-{number:02d}"
        cell["metadata"] = {
            key: value for key, value in cell["metadata"].items() if key in ("tags", "slideshow")
        }
        # What only draws is folded in JupyterLab, and one click opens it.
        if "hide-input" in cell["metadata"].get("tags", []):
            cell["metadata"]["jupyter"] = {"source_hidden": True}
        if cell["cell_type"] == "code":
            cell["outputs"] = _joined_streams(cell["outputs"])
            for output in cell["outputs"]:
                output.get("data", {}).pop("application/vnd.jupyter.widget-view+json", None)
    return notebook


def _joined_streams(outputs: list[dict]) -> list[dict]:
    """Two prints may arrive as one message or as two; store them as one."""
    joined: list[dict] = []
    for output in outputs:
        before = joined[-1] if joined else {}
        both_streams = output["output_type"] == "stream" == before.get("output_type")
        if both_streams and output["name"] == before["name"]:
            before["text"] = [*before["text"], *output["text"]]
        else:
            joined.append(output)
    return joined


def to_text(path: Path) -> None:
    import jupytext

    TEXT.mkdir(parents=True, exist_ok=True)
    notebook = jupytext.read(path)
    target = TEXT / f"{path.stem}.md"
    jupytext.write(notebook, target, fmt="md")
    print(target.relative_to(ROOT))


def from_text(source: Path) -> None:
    import jupytext

    chapter = source.stem.split("_", 1)[1]
    module = f"m2k_lessons.exercises.{chapter}"
    # A page beside a chapter, such as 00b, asks no questions.
    exercises = importlib.import_module(module) if importlib.util.find_spec(module) else None
    notebook = jupytext.read(source, fmt="md")
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:  # {{q1}} becomes the question as the exercise module asks it
            cell.source = re.sub(
                r"\{\{(\w+)\}\}", lambda match: getattr(exercises, match[1]).markdown(), cell.source
            )
    target = NOTEBOOKS / f"{source.stem}.ipynb"
    import nbformat

    write(target, normalised(json.loads(nbformat.writes(notebook))))
    print(target.relative_to(ROOT))


def namespaces(notebook: dict):
    """Run the code cells in this process; yield each markdown cell with the names known there."""
    names: dict = {"__name__": "__main__"}
    for cell in notebook["cells"]:
        source = "".join(cell["source"])
        if cell["cell_type"] == "code":
            exec(compile(source, cell["id"], "exec"), names)
        elif cell["cell_type"] == "markdown":
            yield cell, source, names


def refresh_numbers(path: Path) -> None:
    notebook = read(path)
    for cell, source, names in namespaces(notebook):
        fresh = prose_numbers.update(source, names)
        if fresh != source:
            print(f"{path.name} {cell['id']}: numbers rewritten; read the sentence again")
            cell["source"] = fresh.splitlines(keepends=True)
    write(path, notebook)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["execute", "text", "from-text", "numbers"])
    parser.add_argument("names", nargs="*", help="first letters of the notebooks, such as 01")
    chosen = parser.parse_args()
    if chosen.what == "from-text":
        sources = [
            path
            for path in sorted(TEXT.glob("*.md"))
            if not chosen.names or any(path.name.startswith(name) for name in chosen.names)
        ]
        for source in sources:
            from_text(source)
        return
    do = {"execute": execute, "text": to_text, "numbers": refresh_numbers}[chosen.what]
    for path in find(chosen.names):
        do(path)


if __name__ == "__main__":
    main()
