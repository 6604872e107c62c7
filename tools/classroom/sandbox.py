"""Run a command that nobody has reason to trust, within limits, and end all that it started.

On Linux with namespaces (`unshare`, from util-linux): no network; of the machine's files only the
Python installation and the course, read-only; a folder in memory that is thrown away; a count of
processes that nobody can leave. A watcher bounds memory and time of all processes together.
Elsewhere only the limits and the watcher are left, and `Sandbox` refuses unless it is told that
this is enough.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import queue
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
SEED = ROOT / "build" / "sandbox"
JAIL = Path(__file__).with_name("jail.py")
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/etc/localtime")
COURSE = ("m2k_lessons", "data", "tools/__init__.py", "tools/classroom")
LOOK_EVERY_SECONDS = 0.1
LINE_BYTES, TOTAL_BYTES, LINES = 8_000_000, 32_000_000, 50_000
WEAK = (
    "Namespaces can't be had here (only Linux has them, and some systems forbid them). Without "
    "them a learner's code can read and change your files and use the network; only time, memory "
    "and the number of processes are watched. If you trust the class, or sit in a virtual machine "
    "that you can throw away, add --without-namespaces."
)

AS_ROOT = (
    "As root nothing of a learner's runs without namespaces: one line of it could delete every "
    "file of this machine. Become an ordinary user, one with nothing to lose."
)


class NoNamespacesError(RuntimeError):
    """The machine can't separate a command from the rest, and nobody said that it need not."""


@dataclass(frozen=True)
class Limits:
    """What a command may use, all its processes together unless said otherwise.

    Attributes
    ----------
    cpu_seconds, wall_seconds : float
        Processor time, and time on the clock.
    memory_bytes : int
        Resident memory.
    process_memory_bytes : int
        Address space of one process: compiled libraries reserve more of it than they use.
    processes : int
        Processes and threads that may exist at once.
    disk_bytes : int
        Files written, where they lie in memory; else the size of a single file.
    """

    cpu_seconds: float = 120.0
    wall_seconds: float = 400.0
    memory_bytes: int = 2 * 2**30
    process_memory_bytes: int = 6 * 2**30
    processes: int = 96
    disk_bytes: int = 256 * 2**20


@dataclass
class Ended:
    """How a command ended, and what it said.

    Attributes
    ----------
    reason : str
        "", or which limit was met: "time", "memory", "processes", "output".
    code : int
        Exit status; 128 and the signal's number where a signal ended it.
    said : list
        The JSON lines it wrote; other lines, and lines longer than a limit, are counted in
        `unreadable`.
    """

    reason: str = ""
    code: int = 0
    said: list = field(default_factory=list)
    unreadable: int = 0
    errors: str = ""
    seconds: float = 0.0


@functools.cache
def has_namespaces() -> bool:
    """Whether a command can be separated from the rest of this machine: it is tried."""
    if sys.platform != "linux" or shutil.which("unshare") is None:
        return False
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-c", "print('[1]')"]
        with contextlib.suppress(OSError):
            sandbox = Sandbox(command, Path(folder), Limits(), namespaces=True)
            return sandbox.finish().said == [[1]]
    return False


def seed() -> Path:
    """A folder with the machine code of the course's loops and the list of fonts, made once.

    Each sandbox gets a copy, since a learner's code may write to it.
    """
    inputs = [*(ROOT / "m2k_lessons").rglob("kernels.py"), *(ROOT / "m2k_lessons").rglob("jit.py")]
    stamp = "\n".join(f"{path} {path.stat().st_mtime_ns}" for path in sorted(inputs))
    made = SEED / "made"
    if not made.exists() or made.read_text() != stamp:
        print("Compiling the course's loops for the sandbox, once ...", flush=True)
        shutil.rmtree(SEED, ignore_errors=True)
        (SEED / "cache").mkdir(parents=True)
        environment = {**os.environ, **_cache_folders(SEED / "cache"), "PYTHONPATH": str(ROOT)}
        warm = "import matplotlib.font_manager; from m2k_lessons._util.warm import warm; warm()"
        subprocess.run([sys.executable, "-c", warm], env=environment, cwd=ROOT, check=True)
        made.write_text(stamp)
    return SEED / "cache"


def _cache_folders(cache: Path | str) -> dict[str, str]:
    return {"NUMBA_CACHE_DIR": f"{cache}/numba", "MPLCONFIGDIR": f"{cache}/matplotlib"}


class Sandbox:
    """A command that runs; `send` writes to it, `next` waits for a line, `finish` for its end.

    Parameters
    ----------
    command : sequence of str
        Program with its full path, and arguments.
    folder : Path
        What the command finds in the folder it starts in: a copy, where there are namespaces.
    limits : Limits
    environment : mapping
        Added to the few variables that a command gets.
    namespaces : bool
        False lets it run without them.
    cache : Path, optional
        What `seed` returns, where the command needs it.

    Raises
    ------
    NoNamespacesError
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        limits: Limits,
        environment: Mapping[str, str] | None = None,
        *,
        namespaces: bool,
        cache: Path | None = None,
    ) -> None:
        self.limits, self.namespaces, self.ended = limits, namespaces, Ended()
        self._lines: queue.Queue = queue.Queue()
        self._sender: threading.Thread | None = None
        self._throw_away = tempfile.mkdtemp(prefix="m2k-sandbox-")
        self._started = time.monotonic()
        try:
            plan = self._plan(command, folder, environment or {}, namespaces, cache)
            arguments, settings = _start(plan)
            self.process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                **settings,
            )
        except BaseException:
            shutil.rmtree(self._throw_away, ignore_errors=True)
            raise
        self._threads = [
            threading.Thread(target=target, daemon=True)
            for target in (self._read, self._read_errors, self._watch)
        ]
        for thread in self._threads:
            thread.start()

    def _plan(self, command, folder, environment, namespaces, cache) -> dict:
        inside = "/tmp/work" if namespaces else f"{self._throw_away}/work"
        home = "/tmp/home" if namespaces else f"{self._throw_away}/home"
        kept = "/tmp/cache" if namespaces else f"{self._throw_away}/cache"
        root = Path(self._throw_away, "root")
        root.mkdir()
        empty = Path(self._throw_away, "home")
        empty.mkdir()
        given = {"work": str(folder), "home": str(empty)}
        given |= {"cache": str(cache)} if cache else {}
        if not namespaces:
            shutil.copytree(folder, inside)
            if cache:
                shutil.copytree(cache, kept)
        as_root = namespaces and os.geteuid() == 0
        return {
            "namespaces": namespaces,
            "root": str(root),
            "folder": inside,
            "given": given,
            "readable": _readable() if namespaces else [],
            "command": list(command),
            # As root the limit on processes does not hold, so the command runs as somebody who
            # has no other process on this machine.
            "user": random.SystemRandom().randrange(30_000, 60_000) if as_root else 0,
            "disk_bytes": self.limits.disk_bytes,
            "processes": self.limits.processes,
            "wall_seconds": self.limits.wall_seconds,
            "process_memory_bytes": self.limits.process_memory_bytes,
            "environment": {
                "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "PYTHONDONTWRITEBYTECODE": "1",
                "HOME": home,
                "TMPDIR": "/tmp" if namespaces else self._throw_away,
                "M2K_HOME": f"{home}/m2k",
                "IPYTHONDIR": f"{home}/ipython",
                "MPLBACKEND": "agg",
                "LANG": "C.UTF-8",
                "USER": "learner",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
                "MKL_NUM_THREADS": "1",
                **_cache_folders(kept),
                **environment,
            },
        }

    def send(self, message) -> None:
        """Write a JSON line to the command; a command that is gone gets nothing."""
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.write(json.dumps(message).encode() + b"\n")
            self.process.stdin.flush()

    def send_all(self, message) -> None:
        """Write the only line that the command gets, without waiting for it to read."""
        self._sender = threading.Thread(target=lambda: (self.send(message), self._close()))
        self._sender.start()

    def _close(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            self.process.stdin.close()

    def next(self, seconds: float):
        """The next JSON line; None where the command has ended or took too long."""
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            self._end("time")
            return None
        if line is None:  # the end, which `finish` waits for, too
            self._lines.put(None)
        return line

    def finish(self) -> Ended:
        """Wait for the end, which the limits make sure of, and leave nothing behind."""
        if self._sender is None:
            self._close()
        try:
            self.process.wait()
        except BaseException:  # Ctrl-C ends it, too
            self._end("")
            self.process.wait()
            raise
        finally:
            for thread in filter(None, [*self._threads, self._sender]):
                thread.join()
            shutil.rmtree(self._throw_away, ignore_errors=True)
        while (line := self._lines.get()) is not None:
            self.ended.said.append(line)
        self.process.stdout.close()
        self.process.stderr.close()
        self._close()
        self.ended.code = self.process.returncode
        self.ended.seconds = time.monotonic() - self._started
        return self.ended

    def stop(self) -> Ended:
        """End it now."""
        self._end("")
        return self.finish()

    def _read(self) -> None:
        total, lines, begun, skipping = 0, 0, b"", False
        while chunk := self.process.stdout.read1(65_536):
            total, lines = total + len(chunk), lines + chunk.count(b"\n")
            if total > TOTAL_BYTES or lines > LINES:
                self._end("output")
                break
            *whole, begun = (begun + chunk).split(b"\n")
            for line in whole:
                if skipping:
                    skipping = False
                    continue
                self._take(line)
            if len(begun) > LINE_BYTES:
                self.ended.unreadable += 1
                begun, skipping = b"", True
        self._lines.put(None)

    def _take(self, line: bytes) -> None:
        try:
            self._lines.put(json.loads(line))
        except (ValueError, RecursionError):
            self.ended.unreadable += 1

    def _read_errors(self) -> None:
        kept = b""
        while chunk := self.process.stderr.read1(65_536):
            kept = (kept + chunk)[-4_000:]
        self.ended.errors = kept.decode(errors="replace")

    def _watch(self) -> None:
        spent: dict[tuple, float] = {}
        while self.process.poll() is None:
            alive = _family(self.process.pid)
            memory = 0
            for one in alive:
                with contextlib.suppress(psutil.Error):
                    with one.oneshot():
                        memory += one.memory_info().rss
                        times = one.cpu_times()
                        key = one.pid, one.create_time()
                    spent[key] = times.user + times.system
            if (
                time.monotonic() - self._started > self.limits.wall_seconds
                or sum(spent.values()) > self.limits.cpu_seconds
            ):
                self._end("time", alive)
            elif memory > self.limits.memory_bytes:
                self._end("memory", alive)
            elif len(alive) > 2 * self.limits.processes:
                self._end("processes", alive)
            time.sleep(LOOK_EVERY_SECONDS)

    def _end(self, reason: str, alive: Sequence[psutil.Process] = ()) -> None:
        """End it all: with process 1 of its namespace every process in it ends."""
        self.ended.reason = self.ended.reason or reason
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            if not self.namespaces:  # it ends what it has adopted, and then itself
                self.process.terminate()
                self.process.wait(3)
        for one in alive or _family(self.process.pid):
            with contextlib.suppress(psutil.Error):
                one.kill()
        with contextlib.suppress(OSError):
            os.kill(self.process.pid, signal.SIGKILL)


def _start(plan: dict) -> tuple[list[str], dict]:
    """The command line that starts a plan, and the settings of its process."""
    if os.name == "nt":  # no fork and no such limits there: the command itself
        needed = {"SYSTEMROOT": os.environ.get("SYSTEMROOT", "")}
        return plan["command"], {"cwd": plan["folder"], "env": plan["environment"] | needed}
    settings = {"env": {"PATH": os.environ.get("PATH", os.defpath)}, "start_new_session": True}
    start = f"import runpy, sys; sys.exit(runpy.run_path({str(JAIL)!r})['main']())"
    jail = [sys.executable, "-I", "-S", "-c", start, json.dumps(plan)]
    if not plan["namespaces"]:
        return jail, settings
    parts = ["--net", "--pid", "--fork", "--kill-child", "--mount", "--ipc", "--uts"]
    user = [] if plan["user"] else ["--map-root-user"]
    return ["unshare", *user, *parts, *jail], settings


def _family(pid: int) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return psutil.Process(pid).children(recursive=True)
    return []


def _readable() -> list[str]:
    """What of the machine's files a command sees: the system's programs, Python, the course."""
    python = {sys.prefix, sys.base_prefix, sysconfig.get_path("stdlib")}
    python |= {str(Path(sys.executable).resolve().parents[1])}
    places = [*SYSTEM, *sorted(python), *(str(ROOT / name) for name in COURSE)]
    return [place for place in places if os.path.lexists(place)]


def inside(module: str) -> list[str]:
    """The command that runs `main` of one of the course's modules.

    They have no `if __name__`, as the tasks of course.py have: nobody starts them by hand.
    """
    return [sys.executable, "-c", f"from {module} import main; main()"]


def run(
    module: str,
    message,
    *,
    folder: Path | None = None,
    limits: Limits | None = None,
    student: str = "",
    namespaces: bool = True,
) -> Ended:
    """Run one of the course's modules in a sandbox, send it a message, and wait for its end.

    Parameters
    ----------
    module : str
        Such as "tools.classroom.record".
    message
        What it gets as a JSON line.
    folder : Path, optional
        Files that it finds in its working folder; none when omitted.
    limits : Limits
    student : str
        Whose numbers the questions have.
    namespaces : bool
        False lets it run without them.

    Raises
    ------
    NoNamespacesError
        They can't be had, and `namespaces` is True.
    """
    if namespaces and not has_namespaces():
        raise NoNamespacesError(WEAK)
    if not namespaces and hasattr(os, "geteuid") and os.geteuid() == 0:
        raise NoNamespacesError(AS_ROOT)
    with tempfile.TemporaryDirectory() as empty:
        sandbox = Sandbox(
            inside(module),
            Path(empty) if folder is None else folder,
            limits or Limits(),
            {"M2K_STUDENT": student},
            namespaces=namespaces,
            cache=seed(),
        )
        sandbox.send_all(message)
        return sandbox.finish()
