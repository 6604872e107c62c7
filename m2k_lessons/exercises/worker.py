"""One process beside the session, kept warm, that runs learners' functions with a time limit."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import pickle
import queue
import subprocess
import sys
import tempfile
import threading
from typing import Any

from m2k_lessons.exercises import child

START_SECONDS = 60.0


class TimeUpError(Exception):
    """The function did not come to an end; `case` is the number of the data set it was on."""

    def __init__(self, case: int) -> None:
        super().__init__(f"no end on case {case}")
        self.case = case


class EndedError(Exception):
    """The function ended its process; `case` is the number of the data set it was on."""

    def __init__(self, case: int) -> None:
        super().__init__(f"process ended on case {case}")
        self.case = case


def in_this_process() -> bool:
    """Whether functions run in the session itself: a browser has no second process."""
    return sys.platform == "emscripten"


def run(job: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Run a job in the other process, or in this one where there is no other.

    Raises
    ------
    TimeUpError
        A case took longer than `seconds`; the process has been stopped.
    EndedError
        The process is gone: ended by the function, or by the system for its use of memory.
    """
    if in_this_process():
        return child.run(job, lambda message: None)
    return _the_worker().run(job, seconds)


class _Worker:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115, open as long as the process
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "OMP_NUM_THREADS": "1",  # one thread starts sooner, and memory stays countable
            "OPENBLAS_NUM_THREADS": "1",
            "MKL_NUM_THREADS": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", child.__name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=environment,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._messages: queue.Queue = queue.Queue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            ready = self._next(START_SECONDS) == {"ready": True}
        except TimeUpError:
            ready = False
        if not ready:
            self.process.kill()
            self.process.wait()
            self._errors.seek(0)
            said = self._errors.read().decode(errors="replace").strip()
            self.stop()
            raise RuntimeError(f"the process for exercises didn't start: {said or 'no message'}")

    def _listen(self) -> None:
        # Threads and a queue wait with a time limit on every system; pipes on Windows can't.
        while (payload := child.receive(self.process.stdout)) is not None:
            self._messages.put(json.loads(payload))
        self._messages.put(None)

    def _next(self, seconds: float) -> dict | None:
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            raise TimeUpError(-1) from None

    def alive(self) -> bool:
        return self.owner == os.getpid() and self.process.poll() is None

    def run(self, job: dict[str, Any], seconds: float) -> dict[str, Any]:
        case, limit = 0, START_SECONDS  # imports before the first case are not the learner's
        try:
            child.send(self.process.stdin, pickle.dumps(job))
            while True:
                message = self._next(limit)
                if message is None:
                    raise EndedError(case)
                if "result" in message:
                    return message["result"]
                case, limit = message["case"], seconds
        except TimeUpError:
            self.stop()
            raise TimeUpError(case) from None
        except (EndedError, KeyboardInterrupt):
            self.stop()
            raise
        except OSError:  # the pipe is closed: it ended before it could take the job
            self.stop()
            raise EndedError(case) from None

    def stop(self) -> None:
        if self.owner != os.getpid():  # a copy of the session may not end what the session uses
            return
        self.process.kill()
        self.process.wait()
        self._errors.close()
        # A process that the function has started may still hold the other end open.
        self._listener.join(1.0)
        if not self._listener.is_alive():
            self.process.stdout.close()
        # What could not be delivered to a process that is gone is of no use to anybody.
        with contextlib.suppress(OSError):
            self.process.stdin.close()


_current: _Worker | None = None


def _the_worker() -> _Worker:
    global _current
    if _current is not None and not _current.alive():
        stop()
    if _current is None:
        _current = _Worker()
    return _current


@atexit.register
def stop() -> None:
    """End the other process, if there is one; the next check starts a new one."""
    global _current
    if _current is not None:
        _current.stop()
    _current = None
