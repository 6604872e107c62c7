"""Memory of a notebook's kernel after each chapter: `python benchmarks/memory.py --write`.

Aims: at most 330 MB after a chapter that uses neither statsmodels nor scikit-learn, 450 MB after
one that does. The floors are kernels that have imported what a chapter needs and run one compiled
loop. Resident memory of the kernel's own process at the end, machine code kept already; Linux
only. With numbers of chapters on the command line only those are run, and nothing is written.
"""

import json
import os
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LOOP = """
import matplotlib.pyplot as plt, numpy as np, pandas as pd
from m2k_lessons import indicators, plots
indicators.sma(pd.Series(np.arange(9.0)), 2)
"""
FLOORS = {
    "pandas and Matplotlib": LOOP.rsplit("\n", 2)[0],
    "one compiled loop": LOOP,
    "with statsmodels": f"{LOOP}\nimport statsmodels.api",
    "with scikit-learn": f"{LOOP}\nimport sklearn.linear_model",
}
REPORT = """
import json, sys
_status = dict(line.split(":", 1) for line in open("/proc/self/status"))
_heavy = [name for name in ("statsmodels", "sklearn") if name in sys.modules]
print(json.dumps([*(int(_status[name].split()[0]) // 1024 for name in ("VmRSS", "VmHWM")), _heavy]))
"""


def measured(cells: list[str]) -> tuple[int, int, list[str], str]:
    """MB at the end and at most, heavy packages that were imported, and the error, if any."""
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[new_code_cell(source) for source in [*cells, REPORT]])
    settings = {"timeout": 400, "kernel_name": "python3", "allow_errors": True}
    with tempfile.TemporaryDirectory() as home:
        client = NotebookClient(
            notebook, resources={"metadata": {"path": str(ROOT / "notebooks")}}, **settings
        )
        try:
            client.execute(env=os.environ | {"M2K_HOME": home})
        except CellExecutionError as error:
            raise SystemExit(f"a cell could not be run: {error}") from None
    errors = [
        f"{output.ename}: {output.evalue}"
        for cell in notebook.cells
        for output in cell.outputs
        if output.output_type == "error"
    ]
    printed = next(one for one in notebook.cells[-1].outputs if one.output_type == "stream")
    return (*json.loads(printed.text), errors[0] if errors else "")


def sources(path: Path) -> list[str]:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    return ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]


def main() -> None:
    sys.path.insert(0, str(ROOT))
    import conftest  # noqa: F401, gives kernels the surroundings that they have in the tests

    wanted = [word for word in sys.argv[1:] if word.isdigit()]
    lines = [
        "# Memory of a kernel",
        "",
        "`python benchmarks/memory.py --write` makes this table (two to four minutes): "
        "resident MB of a notebook's kernel after its last cell, and at most.",
        "",
        "| kernel | MB | at most | aim |",
        "| --- | ---: | ---: | --- |",
    ]
    for name, code in FLOORS.items():
        now, most, _, error = measured([code])
        assert not error, error
        lines.append(f"| floor: {name} | {now} | {most} | |")
        print(lines[-1], flush=True)
    for path in CHAPTERS:
        if wanted and path.name[:2] not in wanted:
            continue
        now, most, heavy, error = measured(sources(path))
        aim = 450 if heavy else 330
        verdict = f"{aim}: {'met' if now <= aim else '**missed**'}"
        uses = f" ({', '.join(heavy)})" if heavy else ""
        stopped = f"; a cell stopped with {error.splitlines()[0]}" if error else ""
        lines.append(
            f"| chapter {path.name.split('_')[0]}{uses} | {now} | {most} | {verdict}{stopped} |"
        )
        print(lines[-1], flush=True)
    if "--write" in sys.argv and not wanted:
        text = "\n".join([*lines, ""])
        Path(__file__).with_suffix(".md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
