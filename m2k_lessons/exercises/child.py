"""Runs a learner's function in a process of its own: nothing it does reaches the session.

Started as `python -m m2k_lessons.exercises.child`; jobs come in through standard input and results
go out through standard output, each with its length before it. What the function prints, asks for
or breaks stays here. Results leave as plain JSON, so that reading them runs no code.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import json
import linecache
import os
import pickle
import struct
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from m2k_lessons.exercises.outcomes import plain

IDLE_SECONDS = 900.0
MEMORY_BYTES = 2 * 2**30  # beyond what the process has when it starts
PRINTED_CHARACTERS = 2_000
LENGTH = struct.Struct(">Q")


def run(job: dict[str, Any], tell: Callable[[dict], None]) -> dict[str, Any]:
    """Run the function of a job on each of its cases.

    Parameters
    ----------
    job : dict
        What `carry.pack` made, with `cases` (a list of pickled argument tuples) and `bars` (pickled
        bars for the look-ahead check, or None).
    tell : function
        Is told ``{"case": number}`` before each case, for the clock of who waits.

    Returns
    -------
    dict
        `outcomes`, one for each case, `printed`, and `lookahead`, what the engine's check found.
    """
    if job["bars"] is not None:
        importlib.import_module("m2k_lessons.backtest")  # before the clock starts
    printed = _Printed()
    with warnings.catch_warnings(), contextlib.redirect_stdout(printed):
        warnings.simplefilter("ignore")
        function, failed = _attempt(lambda: _function_of(job))
        outcomes = []
        for number, pickled in enumerate(job["cases"]):
            tell({"case": number})
            if failed is None:
                arguments = pickle.loads(pickled)
                value, error = _attempt(lambda given=arguments: plain(function(*given)))  # type: ignore[misc]
                outcomes.append(error or value)
            else:
                outcomes.append(failed)
        lookahead = ""
        if job["bars"] is not None and failed is None:
            tell({"case": len(job["cases"])})
            lookahead = _look_ahead(function, pickle.loads(job["bars"]))
    return {"outcomes": outcomes, "printed": printed.getvalue(), "lookahead": lookahead}


def _function_of(job: dict[str, Any]) -> Callable:
    names: dict[str, Any] = {"__name__": "exercise"}
    for name, (module, attribute) in job["imports"].items():
        value = importlib.import_module(module)
        for part in filter(None, attribute.split(".")):
            value = getattr(value, part)
        names[name] = value
    for name, pickled in job["values"].items():
        names[name] = pickle.loads(pickled)
    for name, source in [*job["helpers"], (job["name"], job["source"])]:
        title = f"<your {name}>"
        # Tracebacks read a line from here, as they do for a notebook's cells.
        linecache.cache[title] = (len(source), None, source.splitlines(keepends=True), title)
        exec(compile(source, title, "exec"), names)
    return names[job["name"]]


def _attempt(action: Callable[[], Any]) -> tuple[Any, dict | None]:
    try:
        return action(), None
    # Whatever a learner's function raises, SystemExit and KeyboardInterrupt too, is an answer.
    except BaseException as error:
        line, trace = "", error.__traceback__
        while trace is not None:
            title = trace.tb_frame.f_code.co_filename
            if title.startswith("<your "):
                line = linecache.getline(title, trace.tb_lineno).strip()
            trace = trace.tb_next
        return None, {"kind": "error", "type": type(error).__name__, "text": str(error)[:300],
                      "line": line}  # fmt: skip


def _look_ahead(function: Callable, bars) -> str:
    from m2k_lessons.backtest import LookAheadError, assert_no_lookahead

    try:
        assert_no_lookahead(function, bars, cuts=12)
    except LookAheadError as error:
        return f"It looks ahead: {error}."
    # Raised by the learner's function on fewer bars, or about what it returned.
    except Exception as error:
        return f"The engine's look-ahead check stopped: {type(error).__name__}: {error}."
    return ""


class _Printed(io.StringIO):
    """Keeps the first lines and forgets the rest, however much is printed."""

    room = PRINTED_CHARACTERS

    def write(self, text: str) -> int:
        if self.room > 0:
            super().write(text[: self.room])
            self.room -= len(text)
        return len(text)


def send(stream, payload: bytes) -> None:
    """Write one message with its length."""
    stream.write(LENGTH.pack(len(payload)) + payload)
    stream.flush()


def receive(stream) -> bytes | None:
    """Read one message; None at the end."""
    head = stream.read(LENGTH.size)
    if len(head) < LENGTH.size:
        return None
    (length,) = LENGTH.unpack(head)
    payload = stream.read(length)
    return payload if len(payload) == length else None


def _limit_memory() -> None:
    # Only Linux keeps such a limit; elsewhere the clock ends what grows without bound.
    if sys.platform == "linux":
        import resource

        now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (now + MEMORY_BYTES, now + MEMORY_BYTES))


def main() -> None:
    """Answer jobs until the session ends or nothing has come for a while."""
    jobs, results = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1):  # what the function reads and prints must not meet the messages
        os.dup2(nowhere, stream)
    importlib.import_module("pandas")
    _limit_memory()

    def tell(message: dict) -> None:
        send(results, json.dumps(message).encode())

    tell({"ready": True})
    while True:
        idle = threading.Timer(IDLE_SECONDS, os._exit, [0])
        idle.daemon = True
        idle.start()
        payload = receive(jobs)
        idle.cancel()
        if payload is None:
            return
        tell({"result": run(pickle.loads(payload), tell)})


if __name__ == "__main__":
    main()
