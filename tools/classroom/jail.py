"""First process of a sandbox: sees to it that nothing gets out, and that everything ends.

Started by `sandbox.py`, with nothing imported but Python's own modules. In namespaces of its own
it is process 1: what the command leaves behind becomes its child, and ends with it. Without them
it adopts what the command leaves behind (on Linux) and ends that itself.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import resource
import shutil
import signal
import socket
import struct
import sys
from pathlib import Path

BIND, RECURSIVE, PRIVATE = 0x1000, 0x4000, 0x40000  # flags of mount(2)
NOSUID, NODEV = 0x2, 0x4
MOUNT_SETATTR, HERE, DEEP = 442, -100, 0x8000  # the same number on every processor
READ_ONLY = struct.pack("QQQQ", 0x1 | NOSUID, 0, 0, 0)  # MOUNT_ATTR_RDONLY
NO_NEW_PRIVILEGES, DROP_CAPABILITY, ADOPT_ORPHANS = 38, 24, 36  # options of prctl(2)
DEVICES = ("null", "zero", "full", "random", "urandom")
FILES_AT_MOST = 20_000


def _libc():
    return ctypes.CDLL(None, use_errno=True)


def _done(status: int, what: str) -> None:
    if status:
        raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")


def _mount(source: str, target: str, kind: str | None, flags: int, data: str | None = None):
    texts = [None if text is None else text.encode() for text in (source, target, kind)]
    options = None if data is None else data.encode()
    _done(_libc().mount(*texts, ctypes.c_ulong(flags), options), f"mount {target}")


def _show(path: str, root: str) -> None:
    """Let a file or folder of the machine be seen at the same place, to be read only."""
    place = Path(root + path)
    if place.is_symlink() or place.exists():
        return
    place.parent.mkdir(parents=True, exist_ok=True)
    if Path(path).is_symlink():
        place.symlink_to(Path(path).readlink())
        return
    if Path(path).is_dir():
        place.mkdir()
    else:
        place.touch()
    _mount(path, str(place), None, BIND | RECURSIVE)
    status = _libc().syscall(MOUNT_SETATTR, HERE, str(place).encode(), DEEP, READ_ONLY, 32)
    _done(status, f"make {path} read-only")


def build_root(plan: dict) -> None:
    """A root in memory, of a limited size, with what may be read and a copy of what was handed in.

    The network namespace has nothing but its own loopback, which is switched on.
    """
    root = plan["root"]
    _mount("none", "/", None, RECURSIVE | PRIVATE)
    size = f"size={plan['disk_bytes']},nr_inodes={FILES_AT_MOST},mode=755"
    _mount("tmpfs", root, "tmpfs", NOSUID | NODEV, size)
    for folder in ("tmp", "dev/shm"):
        Path(root, folder).mkdir(parents=True)
        Path(root, folder).chmod(0o1777)
    Path(root, "proc").mkdir()
    _mount("proc", f"{root}/proc", "proc", NOSUID | NODEV)
    for name in DEVICES:
        _show(f"/dev/{name}", root)
    Path(root, "dev/fd").symlink_to("/proc/self/fd")
    for name, source in plan["given"].items():
        shutil.copytree(source, f"{root}/tmp/{name}")
    for path in plan["readable"]:
        _show(path, root)
    with socket.socket() as loopback:
        fcntl.ioctl(loopback, 0x8914, struct.pack("16sH14x", b"lo", 0x1))  # SIOCSIFFLAGS, up
    if plan["user"]:
        for name in plan["given"]:  # and not the course, which may lie below /tmp itself
            for folder, _, files in os.walk(f"{root}/tmp/{name}"):
                for path in (folder, *(f"{folder}/{file}" for file in files)):
                    os.chown(path, plan["user"], plan["user"])
        Path(root, "tmp").chmod(0o1777)
    os.chroot(root)


def give_up_rights(user: int) -> None:
    """Keep no right that could undo any of this; as root, become a user who owns nothing."""
    libc = _libc()
    _done(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), "no new privileges")
    for capability in range(64):
        libc.prctl(DROP_CAPABILITY, capability, 0, 0, 0)  # fails beyond the last one there is
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)


def set_limits(plan: dict) -> None:
    limits = {
        "RLIMIT_AS": plan["process_memory_bytes"],
        "RLIMIT_FSIZE": plan["disk_bytes"],
        "RLIMIT_NPROC": plan["processes"] + _tasks_of_this_user(plan),
        "RLIMIT_NOFILE": 512,
        "RLIMIT_CORE": 0,
    }
    for name, value in limits.items():
        number = getattr(resource, name, None)
        if number is None:
            continue
        hard = resource.getrlimit(number)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # macOS refuses some of them; what it refuses is not promised there.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(number, (value, value))


def _tasks_of_this_user(plan: dict) -> int:
    """What counts against the limit already: it is kept for a user, not for a sandbox."""
    if plan["namespaces"] or not Path("/proc/self/task").exists():
        return 0
    count = 0
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == os.getuid():
                count += len(list((folder / "task").iterdir()))
    return count


def end_orphans() -> None:
    """End whatever the command left behind: after each round what is left has this for a parent."""
    while True:
        children = Path(f"/proc/self/task/{os.getpid()}/children")
        found = children.read_text().split() if children.exists() else []
        for child in found:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main() -> int:
    plan = json.loads(sys.argv[1])
    if plan["namespaces"]:
        build_root(plan)
    elif sys.platform == "linux":
        _done(_libc().prctl(ADOPT_ORPHANS, 1, 0, 0, 0), "adopt orphans")
    # If nobody is left to watch, this ends by itself.
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, lambda *_: sys.exit(137))
    signal.alarm(int(plan["wall_seconds"]) + 30)
    os.chdir(plan["folder"])
    command = os.fork()
    if not command:
        for number in (signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.alarm(0)
        os.setsid()
        set_limits(plan)
        if plan["namespaces"]:
            give_up_rights(plan["user"])
        os.execve(plan["command"][0], plan["command"], plan["environment"])
    status = None
    try:
        while status is None:
            ended, code = os.wait()  # orphans end here, too
            if ended == command:
                status = code
    finally:
        if not plan["namespaces"]:
            end_orphans()
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else 128 - code
