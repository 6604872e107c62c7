"""What a sandbox bounds, tried with Python that means harm; the machine stays as it was."""

import os
import sys
from pathlib import Path

import psutil
import pytest

from tools.classroom import sandbox
from tools.classroom.sandbox import Limits, Sandbox

needs_namespaces = pytest.mark.skipif(
    not sandbox.has_namespaces(), reason="this system forbids namespaces"
)
TELL = "import json, os, sys\ndef tell(x): print(json.dumps(x), flush=True)\n"


def run(code, tmp_path, *, namespaces=True, **limits):
    command = [sys.executable, "-c", TELL + code]
    return Sandbox(command, tmp_path, Limits(**limits), namespaces=namespaces).finish()


@pytest.fixture(params=["namespaces", "limits alone"])
def namespaces(request):
    """Both ways to run, the one that macOS and Windows have too as far as Linux can show it."""
    if request.param == "namespaces" and not sandbox.has_namespaces():
        pytest.skip("this system forbids namespaces")
    if request.param == "limits alone" and sys.platform != "linux":
        pytest.skip("tried on Linux only")
    return request.param == "namespaces"


def test_as_root_nothing_runs_without_namespaces(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    with pytest.raises(sandbox.NoNamespacesError, match="could delete every file"):
        sandbox.run("tools.classroom.record", {}, namespaces=False)


def test_what_it_says_comes_out_and_its_files_go(tmp_path, namespaces):
    (tmp_path / "prices.csv").write_text("close\n1\n")
    code = "open('made', 'w').write('x'); tell([os.getcwd(), sorted(os.listdir())]); sys.exit(3)"
    ended = run(code, tmp_path, namespaces=namespaces)
    ((place, files),) = ended.said
    assert files == ["made", "prices.csv"]
    assert (ended.code, ended.reason) == (3, "")
    assert not Path(place).exists()
    assert [path.name for path in tmp_path.iterdir()] == ["prices.csv"]


def test_an_endless_loop_is_stopped_by_processor_time(tmp_path, namespaces):
    ended = run("tell(1)\nwhile True: pass", tmp_path, namespaces=namespaces, cpu_seconds=0.5)
    assert (ended.reason, ended.said) == ("time", [1])


def test_a_long_sleep_is_stopped_by_the_clock(tmp_path, namespaces):
    ended = run("import time; time.sleep(99)", tmp_path, namespaces=namespaces, wall_seconds=0.5)
    assert ended.reason == "time"


def test_ten_gigabytes_are_refused_at_once(tmp_path, namespaces):
    code = "try:\n  bytearray(10 * 2**30)\nexcept MemoryError: tell('refused')"
    assert run(code, tmp_path, namespaces=namespaces).said == ["refused"]


def test_memory_of_several_processes_is_counted_together(tmp_path, namespaces):
    code = (
        "import time\nfor _ in range(4):\n  if not os.fork():\n    kept = b'x' * (80 * 2**20)\n"
        "    time.sleep(60)\ntime.sleep(60)"
    )
    ended = run(code, tmp_path, namespaces=namespaces, memory_bytes=200 * 2**20)
    assert ended.reason == "memory"


FORKS = """
count = 0
try:
    while count < 400:
        if not os.fork():
            import time
            time.sleep(60)
            os._exit(0)
        count += 1
except OSError:
    pass
tell(count)
"""


@needs_namespaces
def test_a_storm_of_processes_meets_a_limit(tmp_path):
    """As root, too: there the limit would not hold, so the command is another user."""
    ended = run(FORKS, tmp_path, processes=40)
    assert ended.said
    assert 20 <= ended.said[0] <= 40


@needs_namespaces
def test_a_storm_that_goes_on_is_ended_whole(tmp_path):
    storm = "while True:\n  try: os.fork()\n  except OSError: pass"
    ended = run(storm, tmp_path, processes=40, wall_seconds=2)
    assert ended.reason == "time"
    assert not [one for one in psutil.process_iter(["cmdline"])
                if storm in " ".join(one.info["cmdline"] or [])]  # fmt: skip


def test_orphans_are_ended(tmp_path, namespaces):
    code = (
        "if not os.fork():\n  os.setsid()\n  if not os.fork():\n"
        "    os.execv('/bin/sleep', ['sleep', '98765'])\n  os._exit(0)\nos.wait()\nos._exit(7)"
    )
    assert run(code, tmp_path, namespaces=namespaces).code == 7
    assert not [one for one in psutil.process_iter(["cmdline"])
                if one.info["cmdline"] == ["sleep", "98765"]]  # fmt: skip


@needs_namespaces
def test_a_filled_disk_is_a_small_one(tmp_path):
    code = (
        "n = 0\ntry:\n  while True:\n    with open(f'f{n}', 'wb') as f: f.write(b'0' * 2**20)\n"
        "    n += 1\nexcept OSError: tell(n)"
    )
    ended = run(code, tmp_path, disk_bytes=20 * 2**20)
    assert 0 < ended.said[0] <= 20


@needs_namespaces
def test_nothing_of_the_machine_can_be_written_and_little_be_read(tmp_path):
    here = Path(__file__).resolve()
    code = f"""
def refused(action):
    try: action()
    except OSError: return True
    return False
import pathlib
course = pathlib.Path({str(sandbox.ROOT)!r})
module = course / 'm2k_lessons' / '__init__.py'
tell([module.exists(), refused(lambda: open(module, 'a')), refused(module.unlink),
      refused(lambda: (course / 'data' / 'new').write_text('x')),
      refused(lambda: open({sys.executable!r}, 'ab'))])
tell([os.path.exists(p) for p in ({str(here)!r}, '/etc/passwd', '/home', '/var', '/sys')])
tell([pid for pid in os.listdir('/proc') if pid.isdigit()].__len__())
"""
    ended = run(code, tmp_path)
    assert ended.said[:2] == [[True] * 5, [False] * 5], ended.errors
    assert ended.said[2] <= 3


@needs_namespaces
def test_no_right_is_left_that_could_undo_it(tmp_path):
    code = """
status = dict(line.split(':', 1) for line in open('/proc/self/status') if ':' in line)
tell([status[key].strip() for key in ('CapEff', 'CapPrm', 'CapBnd', 'NoNewPrivs')])
import ctypes
tell(ctypes.CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, None))
"""
    ended = run(code, tmp_path)
    nothing = "0" * 16
    assert ended.said == [[nothing, nothing, nothing, "1"], -1], ended.errors


@needs_namespaces
def test_there_is_no_network_but_its_own(tmp_path):
    code = """
import socket
for address in (('192.0.2.1', 80), ('127.0.0.1', 22)):
    try: socket.create_connection(address, 2); tell('connected')
    except OSError as error: tell(type(error).__name__)
own = socket.create_server(('127.0.0.1', 0))
socket.create_connection(own.getsockname()); tell('own')
"""
    said = run(code, tmp_path).said
    assert said == ["OSError", "ConnectionRefusedError", "own"]


def test_a_flood_of_lines_is_cut(tmp_path, namespaces):
    ended = run("while True: print('[1]')", tmp_path, namespaces=namespaces, cpu_seconds=60)
    assert ended.reason == "output"
    assert len(ended.said) < 2 * sandbox.LINES


def test_a_line_without_end_is_left_out_and_the_next_one_read(tmp_path, namespaces):
    code = "print('[' * 9_000_000)\nprint('[' * 100_000)\nprint('no json')\ntell('here')"
    ended = run(code, tmp_path, namespaces=namespaces)
    assert (ended.said, ended.unreadable) == (["here"], 3)


def test_a_flood_of_complaints_is_kept_short(tmp_path, namespaces):
    ended = run("sys.stderr.write('x' * 10**7)", tmp_path, namespaces=namespaces)
    assert len(ended.errors) == 4_000


def test_a_command_that_never_reads_keeps_nobody_waiting(tmp_path):
    ended = Sandbox([sys.executable, "-c", TELL + "tell(1)"], tmp_path, Limits(),
                    namespaces=sandbox.has_namespaces())  # fmt: skip
    ended.send_all("x" * 5_000_000)
    assert ended.finish().said == [1]


def test_without_namespaces_nothing_runs_unless_somebody_says_so(monkeypatch):
    monkeypatch.setattr(sandbox, "has_namespaces", lambda: False)
    with pytest.raises(sandbox.NoNamespacesError, match="--without-namespaces"):
        sandbox.run("tools.classroom.record", {})
