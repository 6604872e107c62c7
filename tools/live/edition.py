"""Build the browser edition into a folder: what `course.py site --live` does after the pages.

    python course.py site --live --pyodide PATH
    python -m tools.live FOLDER --pyodide PATH      this part alone

Two things are fetched by pip, with hashes, and kept in build/live: JupyterLite (`build.lock`) and
the pure Python packages that Pyodide does not bring (`wheels.lock`). The site itself then needs
no network but its own.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

from tools import workbook
from tools.live import distribution, wheel

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
CACHE = ROOT / "build" / "live"
KERNEL_EXTENSION = "@jupyterlite/pyodide-kernel-extension"
# The kernel itself needs them; all else follows from the course's own requirements.
KERNEL = ("micropip", "ipython", "jedi", "ssl", "sqlite3")
KERNEL_WHEELS = ("piplite", "pyodide-kernel", "ipykernel", "widgetsnbextension")
# What differs from the installed course, on the first page of every lesson.
NOTE = """<div class="alert alert-info">

**This lesson runs in your browser.** Nothing is installed, and nothing that you write leaves this
computer.

- Run a cell with Shift+Enter. The first one answers in half a minute; loops are not compiled here,
  so that a cell with thousands of backtests may take minutes. The numbers are the same.
- Your answers and your progress are kept in this browser only: *File → Download* saves a copy.
- If a cell does not end, choose *Kernel → Restart Kernel*. What you wrote is kept.
- Prices can't be downloaded here. To read a file of your own, drop it on the list of files at the
  left as CSV text.

</div>"""
# Where a learner's progress lies: the browser's storage, beside the notebooks, as plain text.
HOME = "/drive/.m2k_lessons"


def build(folder: Path, pyodide: Path, chapters: list[str] | None = None) -> dict[str, float]:
    """Build the live edition into `folder`, which is made anew.

    Parameters
    ----------
    folder : Path
        Any static host serves it. A lesson is at `lab/index.html?path=01_contract_basics.ipynb`.
    pyodide : Path
        Folder or archive (tar, zip, wheel) with Pyodide's distribution, see `distribution`.
    chapters : list of str, optional
        Beginnings of file names, such as "01"; all lessons when omitted.

    Returns
    -------
    dict
        Megabytes by part: `application`, `python` and `lessons`.

    Raises
    ------
    distribution.DistributionError
        Pyodide's files are not there, not whole, or not those that the lessons were tried with.
    RuntimeError
        What has to be fetched could not be, or JupyterLite did not build.
    """
    source = distribution.opened(pyodide)
    python = environment()
    pure = fetched(python)
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _application(python, folder)
    names = _python(source, pure, python, folder / "static" / "pyodide")
    _configuration(folder, names)
    _lessons(folder, chapters or [])
    return {name: round(_megabytes(folder, part), 1) for name, part in PARTS.items()}


PARTS = {"application": ("build", "extensions", "lab"), "python": ("static",),
         "lessons": ("files", "api")}  # fmt: skip


def environment() -> Path:
    """The Python that has JupyterLite, in an environment of its own; made when it is not there."""
    lock = (HERE / "build.lock").read_bytes() + sys.version.encode()
    place = CACHE / f"tools-{hashlib.sha256(lock).hexdigest()[:12]}"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not (place / "ready").exists():
        venv.create(place, clear=True, with_pip=True)
        _pip(python, "install", "--only-binary=:all:", "-r", HERE / "build.lock")
        (place / "ready").touch()
    return python


def fetched(python: Path) -> list[Path]:
    """The pure wheels of `wheels.lock`."""
    lock = HERE / "wheels.lock"
    place = CACHE / f"wheels-{hashlib.sha256(lock.read_bytes()).hexdigest()[:12]}"
    if not (place / "ready").exists():
        shutil.rmtree(place, ignore_errors=True)
        _pip(python, "download", "--only-binary=:all:", "--python-version=3.12", "--dest", place,
             "-r", lock)  # fmt: skip
        (place / "ready").touch()
    return sorted(place.glob("*.whl"))


def _pip(python: Path, *arguments) -> None:
    options = ("--quiet", "--no-deps", "--require-hashes", "--disable-pip-version-check")
    command = [python, "-I", "-m", "pip", arguments[0], *options, *arguments[1:]]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the browser edition's tools could not be fetched:\n{done.stderr}")


def _application(python: Path, folder: Path) -> None:
    """JupyterLite itself, with the kernel, the widgets, and the course's page."""
    settings = ROOT / "jupyter" / "labconfig" / "default_setting_overrides.json"
    work = CACHE / "lite"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command = [
        *(python, "-m", "jupyterlite_core", "build", "--apps", "lab", "--no-sourcemaps"),
        *("--no-unused-shared-packages", "--lite-dir", work, "--output-dir", folder),
        *("--settings-overrides", settings),
        f"--FederatedExtensionAddon.extra_labextensions_path={ROOT / 'jupyter/labextensions'}",
    ]
    done = subprocess.run(list(map(str, command)), cwd=work, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(
            f"JupyterLite did not build:\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        )


def _python(
    source: distribution.Distribution, pure: list[Path], python: Path, place: Path
) -> list[str]:
    """Pyodide, the course and all that it imports; return what a kernel begins with."""
    place.mkdir(parents=True)
    packages = {}
    for path in [*pure, *_kernel_wheels(place.parents[1])]:
        packages |= _added(path, place)
    wanted, extra = (_names(wheel.requirements(name)) for name in ("core", "full"))
    known = {*source.packages, *packages}
    if missing := sorted({*wanted, *KERNEL} - known):
        raise distribution.DistributionError(
            f"{source.where} lacks {', '.join(missing)}, which every lesson needs"
        )
    if left_out := sorted(set(extra) - known):
        print(f"Not in this browser edition: {', '.join(left_out)}")
    given = [name for name in wanted + extra if name in known]
    packages |= _added(wheel.make(place, python), place, depends=given)
    needs = {need for entry in packages.values() for need in entry["depends"]}
    names = source.closure(sorted(({*KERNEL} | needs) - set(packages)))
    taken = {name: source.packages[name] for name in names}
    files = [entry["file_name"] for entry in taken.values()]
    for name, content in distribution.checked(source, [*distribution.CORE, *files]).items():
        (place / name).write_bytes(content)
    packages |= _font_list(place, taken["matplotlib"])
    lock = json.loads(source.read([distribution.LOCK])[distribution.LOCK])
    lock["packages"] = taken | packages
    (place / distribution.LOCK).write_text(json.dumps(lock, indent=1), encoding="utf-8")
    return sorted({*KERNEL, *packages})


def _names(requirements: list[str]) -> list[str]:
    """The packages' names as Pyodide's lock has them."""
    return [distribution.normalised(re.match(r"[\w.-]+", line)[0]) for line in requirements]


def _kernel_wheels(folder: Path) -> list[Path]:
    """The kernel's own wheels, which its extension brings along."""
    found = {}
    for path in sorted((folder / "extensions" / KERNEL_EXTENSION / "static/pypi").glob("*.whl")):
        found[distribution.normalised(path.name.split("-")[0])] = path  # the newest comes last
    return [found[name] for name in KERNEL_WHEELS]


def _added(path: Path, place: Path, depends: list[str] | None = None) -> dict[str, dict]:
    """Put a wheel beside Pyodide's own; return its entry for the lock."""
    target = place / path.name
    if target != path:
        shutil.copy(path, target)
    with zipfile.ZipFile(path) as archive:
        files = archive.namelist()
        (described,) = [name for name in files if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
        about = Parser().parsestr(archive.read(described).decode())
    imports = {name.split("/")[0].removesuffix(".py") for name in files if name.endswith(".py")}
    name = distribution.normalised(about["Name"])
    return {
        name: {
            "name": about["Name"],
            "version": about["Version"],
            "file_name": path.name,
            "install_dir": "site",
            "sha256": hashlib.sha256(target.read_bytes()).hexdigest(),
            "package_type": "package",
            "imports": sorted(one for one in imports if one.isidentifier()),
            "depends": depends or [],
            "unvendored_tests": False,
        }
    }


def _font_list(place: Path, matplotlib: dict) -> dict[str, dict]:
    """A package with the list of matplotlib's own fonts, which lies over the one in Pyodide's.

    That one was made by another version of matplotlib on another system. Unread, each kernel looks
    at every font again, for ten seconds.
    """
    with zipfile.ZipFile(place / matplotlib["file_name"]) as archive:
        listed = json.loads(archive.read("matplotlib/fontlist.json"))
        source = archive.read("matplotlib/font_manager.py").decode()
    for kind in ("ttflist", "afmlist"):
        listed[kind] = [font for font in listed[kind] if font["fname"].startswith("fonts/")]
    listed["_version"] = int(re.search(r"^    __version__ = (\d+)", source, re.MULTILINE)[1])
    path = place / "m2k_fonts-1.0-py3-none-any.whl"
    described = "m2k_fonts-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("matplotlib/fontlist.json", json.dumps(listed))
        archive.writestr(
            f"{described}/METADATA", "Metadata-Version: 2.1\nName: m2k-fonts\nVersion: 1\n"
        )
        archive.writestr(f"{described}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
    return _added(path, place, depends=["matplotlib"])


def _configuration(folder: Path, names: list[str]) -> None:
    """Tell the kernel where Python is, what to begin with, and where progress is kept."""
    path = folder / "jupyter-lite.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    data = settings["jupyter-config-data"]
    data["appName"] = "Trading M2K, live"
    data.setdefault("litePluginSettings", {})[f"{KERNEL_EXTENSION}:kernel"] = {
        "pyodideUrl": "./static/pyodide/pyodide.js",
        "disablePyPIFallback": True,
        "loadPyodideOptions": {"packages": names, "env": {"M2K_HOME": HOME}},
    }
    path.write_text(json.dumps(settings, indent=1), encoding="utf-8")


def _lessons(folder: Path, chapters: list[str]) -> None:
    """The lessons as copies to work in, and the list of them that JupyterLite asks for."""
    place = folder / "files"
    place.mkdir(exist_ok=True)
    listed = []
    for source in workbook.chosen(chapters):
        notebook = workbook.edition(source, "")
        notebook["metadata"]["kernelspec"] = {
            "display_name": "Python (Pyodide)", "language": "python", "name": "python",
        }  # fmt: skip
        note = {
            "cell_type": "markdown",
            "id": "live-edition",
            "metadata": {"tags": ["live-edition"]},
        }
        notebook["cells"].insert(1, note | {"source": NOTE.splitlines(keepends=True)})
        text = json.dumps(notebook, indent=1, ensure_ascii=False)
        workbook.write(place / source.name, text)
        listed.append(_entry(source.name, len(text.encode())))
    everything = _entry("", 0) | {
        "type": "directory", "format": "json", "mimetype": None, "size": None, "content": listed,
    }  # fmt: skip
    api = folder / "api" / "contents"
    api.mkdir(parents=True, exist_ok=True)
    (api / "all.json").write_text(json.dumps(everything, indent=1), encoding="utf-8")


def _entry(name: str, size: int) -> dict:
    """What Jupyter says about a file that it has not read."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "name": name, "path": name, "type": "notebook", "format": None, "content": None,
        "mimetype": None, "size": size, "writable": True, "created": now, "last_modified": now,
    }  # fmt: skip


def _megabytes(folder: Path, parts: tuple[str, ...]) -> float:
    files = (path for part in parts for path in (folder / part).rglob("*") if path.is_file())
    return sum(path.stat().st_size for path in files) / 1e6
