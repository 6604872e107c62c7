"""The log of a search: a SQLite file that survives a kill and holds one search."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass
from m2k_lessons.search.space import Trial


class TrialLog:
    """The trials in a SQLite file, a batch in one transaction; without a path, nowhere."""

    def __init__(self, path: Path | None, what: dict[str, str]) -> None:
        self.connection = None
        if path is None:
            return
        self.name = str(path)
        self.connection = sqlite3.connect(path, timeout=0, isolation_level=None)
        try:
            # Locked until it is closed, or the process ends.
            self.connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            self.connection.execute("BEGIN EXCLUSIVE")
            self._describe(what)
            self.connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            self.connection.close()
            if "locked" not in str(error):
                raise
            raise ValueError(
                f"storage must be used by one search at a time, got {self.name!r}, which another "
                "one is using; n_jobs= spreads one search over processes"
            ) from error
        except sqlite3.DatabaseError as error:
            self.connection.close()
            raise ValueError(
                f"storage must be a SQLite file or a new one, got {self.name!r}: {error}"
            ) from error
        except ValueError:
            self.connection.close()
            raise

    def _describe(self, what: dict[str, str]) -> None:
        run = self.connection.execute
        run("CREATE TABLE IF NOT EXISTS search (name TEXT PRIMARY KEY, told TEXT NOT NULL)")
        run(
            "CREATE TABLE IF NOT EXISTS trials (number INTEGER PRIMARY KEY, places TEXT NOT NULL, "
            "figures TEXT)"
        )
        before = dict(run("SELECT name, told FROM search").fetchall())
        if not before:
            self.connection.executemany("INSERT INTO search VALUES (?, ?)", what.items())
            return
        for name, now in what.items():
            if before.get(name) != now:
                other = "other" if name in ("bars", "space", "account") else "another"
                raise ValueError(
                    f"storage must hold this search or none, got {self.name!r}, a search with "
                    f"{other} {name}"
                )

    def trials(self) -> list[Trial]:
        if self.connection is None:
            return []
        rows = self.connection.execute("SELECT places, figures FROM trials ORDER BY number")
        return [
            Trial(json.loads(places), None if figures is None else json.loads(figures))
            for places, figures in rows.fetchall()
        ]

    def add(self, batch: list[Trial]) -> None:
        if self.connection is None:
            return
        rows = [
            (json.dumps(one.places), None if one.figures is None else json.dumps(one.figures))
            for one in batch
        ]
        self.connection.execute("BEGIN")
        self.connection.executemany("INSERT INTO trials (places, figures) VALUES (?, ?)", rows)
        self.connection.execute("COMMIT")

    def close(self) -> None:
        if self.connection is not None:
            self.connection.close()
