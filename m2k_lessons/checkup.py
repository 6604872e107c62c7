"""Is everything there that a lesson needs? Asked by chapter 00, answered in words."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable

TESTED_PYTHONS = ((3, 11), (3, 12), (3, 13))


def report() -> None:
    """Print one line for each thing a lesson needs, with what to do where it is missing.

    The lines hold no versions and no folders, so they are the same on every healthy machine.
    """
    troubles = 0
    for name, check in CHECKS.items():
        trouble = check()
        troubles += bool(trouble)
        print(f"{'✗' if trouble else '✓'} {name}{': ' + trouble if trouble else ''}")
    print("All is well." if not troubles else f"{troubles} of {len(CHECKS)} need attention.")


def _python() -> str:
    if sys.version_info[:2] in TESTED_PYTHONS:
        return ""
    names = ", ".join(f"{major}.{minor}" for major, minor in TESTED_PYTHONS)
    return f"this is {sys.version_info[0]}.{sys.version_info[1]}; the course is tested on {names}"


def _packages() -> str:
    from importlib.metadata import PackageNotFoundError, requires, version

    from packaging.requirements import Requirement

    missing = []
    for line in requires("m2k-lessons") or []:
        requirement = Requirement(line)
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            missing.append(f"{requirement.name} is missing")
        else:
            if not requirement.specifier.contains(found, prereleases=True):
                missing.append(f"{requirement.name} {found} is not {requirement.specifier}")
    return "; ".join(missing) + ". Start with: python course.py lab" if missing else ""


def course() -> str:
    from m2k_lessons.data import course

    try:
        changed = course.changed_files()
    except FileNotFoundError as error:
        return str(error)
    if changed:
        return f"changed or missing: {', '.join(changed)}. Restore with: python course.py data"
    return ""


def _widgets() -> str:
    import ipywidgets

    slider = ipywidgets.IntSlider(value=3)
    slider.value = 4
    return "" if slider.value == 4 else "a slider does not move; start the kernel again"


def _progress_file() -> str:
    from m2k_lessons.exercises import progress, store

    try:
        progress.read()
        if notice := store.take_notice():
            return notice
        progress.home().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=progress.home()):
            return ""
    except (OSError, ValueError) as error:
        return f"{error}. Another folder can be named in the environment variable M2K_HOME"


CHECKS: dict[str, Callable[[], str]] = {
    "Python is one that the course is tested on": _python,
    "The packages are there, in the versions the course needs": _packages,
    "The course's simulated prices are there and unchanged": course,
    "Sliders can be made": _widgets,
    "Your progress can be kept on this computer": _progress_file,
}
