"""The log of a search: a SQLite file that survives a kill and holds one search."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from m2k_lessons.search.space import Trial


class TrialLog:
    """The trials in a SQLite file, a batch in one transaction; without a path, nowhere."""

    def __init__(self, path: Path | None, description: dict[str, str]) -> None:
        self.connection = None
        if path is None:
            return
        self.name = str(path)
        if path.is_dir():
            raise ValueError(f"storage must be the path of a file, got {self.name!r}, a folder")
        try:
            self.connection = sqlite3.connect(path, timeout=0, isolation_level=None)
            # Locked until it is closed, or the process ends.
            self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.connection.execute("BEGIN EXCLUSIVE")
            self._describe(description)
            self.connection.execute("COMMIT")
        except sqlite3.DatabaseError as error:
            self.close()
            if "locked" in str(error):
                raise ValueError(
                    f"storage must be used by one search at a time, got {self.name!r}, which "
                    "another one is using; n_jobs= spreads one search over processes"
                ) from error
            raise ValueError(
                f"storage must be a SQLite file of a search or a new one, got {self.name!r}: "
                f"{error}"
            ) from error
        except ValueError:
            self.close()
            raise

    def _describe(self, description: dict[str, str]) -> None:
        run = self.connection.execute
        run("CREATE TABLE IF NOT EXISTS search (name TEXT PRIMARY KEY, description TEXT NOT NULL)")
        run(
            "CREATE TABLE IF NOT EXISTS trials (number INTEGER PRIMARY KEY, indices TEXT NOT NULL, "
            "metrics TEXT)"
        )
        before = dict(run("SELECT name, description FROM search").fetchall())
        if not before:
            self.connection.executemany("INSERT INTO search VALUES (?, ?)", description.items())
            return
        for name, now in description.items():
            if before.get(name) != now:
                other = "other" if name in ("bars", "space", "account") else "another"
                raise ValueError(
                    f"storage must hold this search or none, got {self.name!r}, a search with "
                    f"{other} {name}"
                )

    def trials(self) -> list[Trial]:
        if self.connection is None:
            return []
        rows = self.connection.execute("SELECT indices, metrics FROM trials ORDER BY number")
        return [
            Trial(json.loads(indices), None if metrics is None else json.loads(metrics))
            for indices, metrics in rows.fetchall()
        ]

    def add(self, batch: list[Trial]) -> None:
        if self.connection is None:
            return
        rows = [
            (json.dumps(trial.indices), trial.metrics and json.dumps(trial.metrics))
            for trial in batch
        ]
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO trials (indices, metrics) VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
