"""A learner's progress, kept in one local file and nowhere else."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
from pathlib import Path


def home() -> Path:
    """Folder of the course's own files: `M2K_HOME`, or `.m2k_lessons` in the home folder."""
    return Path(os.environ.get("M2K_HOME") or Path.home() / ".m2k_lessons")


def path() -> Path:
    """The file that holds the progress."""
    return home() / "progress.json"


def record(chapter: str, question: str, correct: bool) -> None:
    """Note an attempt. A question once answered stays answered."""
    answers = read()
    entry = answers.setdefault(chapter, {}).setdefault(question, {"attempts": 0, "correct": False})
    entry["attempts"] += 1
    entry["correct"] = entry["correct"] or correct
    path().parent.mkdir(parents=True, exist_ok=True)
    unfinished = path().with_suffix(f".{os.getpid()}.part")
    unfinished.write_text(json.dumps(answers, indent=1, sort_keys=True), encoding="utf-8")
    unfinished.replace(path())  # a crash in between leaves the old file whole


def read() -> dict[str, dict[str, dict]]:
    """All attempts so far, by chapter and question; empty before the first one."""
    if not path().exists():
        return {}
    try:
        return json.loads(path().read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(
            f"{path().name} in {path().parent} must be JSON as this course wrote it, but is not "
            f"({error}); rename or delete that file to start afresh"
        ) from None


def reset() -> None:
    """Forget all progress."""
    path().unlink(missing_ok=True)


def page():
    """How many of each chapter's exercises are solved.

    Returns
    -------
    DataFrame
        One row for each chapter that is there, with columns `exercises` and `solved`.
    """
    import pandas as pd

    import m2k_lessons.exercises as package

    answers = read()
    rows = {}
    for found in pkgutil.iter_modules(package.__path__):
        module = importlib.import_module(f"{package.__name__}.{found.name}")
        questions = getattr(module, "QUESTIONS", {})
        for question in questions.values():
            row = rows.setdefault(question.chapter, {"exercises": 0, "solved": 0})
            row["exercises"] += 1
            row["solved"] += (
                answers.get(question.chapter, {}).get(question.name, {}).get("correct", False)
            )
    return pd.DataFrame.from_dict(rows, orient="index").sort_index().rename_axis("chapter")
