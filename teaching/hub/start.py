"""Start a learner's server on the hub: her workbook first, then JupyterLab within its limits.

Runs as the learner, in her home folder. The workbook holds her own numbers, and is made on the
first day or when the course has a new edition; what she changed is kept.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from tools import workbook  # noqa: E402


def prepare(folder: Path, student: str) -> list[str]:
    """Make the workbook or bring it up to date; return what a learner would have to know."""
    made = folder / workbook.STATE
    lessons = workbook.chosen([])
    newest = max(path.stat().st_mtime for path in [*lessons, Path(workbook.__file__)])
    if made.exists() and made.stat().st_mtime > newest:
        return []
    return workbook.told(workbook.update(folder, student), folder)


def with_compiled(seed: Path, kept: Path) -> dict[str, str]:
    """Copy what the hub has compiled, unless it is there, and return where kernels find it.

    A copy, since whoever can write to another's compiled code can run code in that name.
    """
    stamp = (seed.parent / "made").read_text()
    made = kept / "made"
    if not made.exists() or made.read_text() != stamp:
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(seed, kept)
        made.write_text(stamp)
    return {"NUMBA_CACHE_DIR": str(kept / "numba"), "MPLCONFIGDIR": str(kept / "matplotlib")}


def limit_memory(limit_bytes: int) -> None:
    """Let no process of this learner hold more than so much data, where the system knows how.

    A cell that asks for more gets a MemoryError instead of taking the machine from the class.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    if hard != resource.RLIM_INFINITY:
        limit_bytes = min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit_bytes, limit_bytes))


def main(arguments: list[str]) -> None:
    if hasattr(os, "nice"):
        os.nice(5)  # the hub, which everybody waits for, comes first
    student = os.environ["M2K_STUDENT"]
    for line in prepare(Path.home() / "workbook", student):
        print(line, file=sys.stderr)
    kept = Path.home() / ".cache" / "m2k_lessons"
    os.environ.update(with_compiled(Path(os.environ["M2K_COMPILED"]), kept))
    limit_memory(int(os.environ["M2K_MEMORY_BYTES"]))
    places = [os.environ.get("JUPYTER_CONFIG_PATH", ""), str(ROOT / "jupyter")]
    # Kernels are spoken to through files here, whose names may have a hundred characters.
    os.environ["JUPYTER_RUNTIME_DIR"] = tempfile.mkdtemp(prefix="m2k-")
    os.environ["JUPYTER_CONFIG_PATH"] = os.pathsep.join(filter(None, places))
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *arguments])


if __name__ == "__main__":
    main(sys.argv[1:])
