"""The one local file that keeps a learner's answers and guesses, and nothing else."""

from __future__ import annotations

import datetime as dt
import json
import os
from pathlib import Path

_notices: list[str] = []


def home() -> Path:
    """Folder of the course's own files: `M2K_HOME`, or `.m2k_lessons` in the home folder."""
    return Path(os.environ.get("M2K_HOME") or Path.home() / ".m2k_lessons")


def path() -> Path:
    """The file that holds the progress."""
    return home() / "progress.json"


def read() -> dict[str, dict[str, dict]]:
    """All attempts and guesses so far, by chapter and name; empty before the first one.

    A file that can't be read as the course wrote it is renamed, never deleted; `take_notice`
    then says so.
    """
    try:
        text = path().read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        text = ""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if _is_progress(found):
        return found
    _set_aside()
    return {}


def record(chapter: str, question: str, correct: bool) -> None:
    """Note an attempt. A question once answered stays answered."""
    answers = read()
    entry = answers.setdefault(chapter, {}).setdefault(question, {"attempts": 0, "correct": False})
    entry["attempts"] = entry.get("attempts", 0) + 1
    entry["correct"] = entry.get("correct", False) or correct
    _write(answers)


def note(chapter: str, name: str, **facts) -> dict:
    """Add to what is kept about a guess; what is there already stays. Returns all of it."""
    answers = read()
    entry = answers.setdefault(chapter, {}).setdefault(name, {})
    added = {key: value for key, value in facts.items() if key not in entry}
    if added:
        entry.update(added)
        _write(answers)
    return entry


def reset() -> None:
    """Forget all progress."""
    path().unlink(missing_ok=True)


def take_notice() -> str:
    """What has to be said about the file since this was last asked; empty for nothing."""
    said = " ".join(_notices)
    _notices.clear()
    return said


def _is_progress(found) -> bool:
    return isinstance(found, dict) and all(
        isinstance(chapter, dict) and all(isinstance(entry, dict) for entry in chapter.values())
        for chapter in found.values()
    )


def _set_aside() -> None:
    now = dt.datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    kept = path().with_name(f"progress-damaged-{now}.json")
    path().replace(kept)
    _notices.append(
        f"The progress file was damaged and can't be read; it is kept as {kept.name} in "
        f"{kept.parent}, and counting starts afresh."
    )


def _write(answers: dict) -> None:
    path().parent.mkdir(parents=True, exist_ok=True)
    unfinished = path().with_suffix(f".{os.getpid()}.part")
    unfinished.write_text(json.dumps(answers, indent=1, sort_keys=True), encoding="utf-8")
    unfinished.replace(path())  # a crash in between leaves the old file whole
