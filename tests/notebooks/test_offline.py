"""A notebook that reaches beyond this machine has to fail; what stays on it is its own affair."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).resolve().parents[2]
REFUSAL = "notebooks run offline, and this one tried to reach"

# 192.0.2.0/24 and 2001:db8::/32 are reserved for documentation: nobody is there.
LEAVES = (
    "socket.create_connection(('192.0.2.1', 80), timeout=5)",
    "socket.socket().connect_ex(('192.0.2.1', 80))",
    "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "socket.getaddrinfo('example.org', 443)",
    "socket.gethostbyname('example.org')",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "urllib.request.urlopen('https://example.org')",
    "raise RuntimeError(subprocess.run([sys.executable, '-c', 'import socket; "
    'socket.gethostbyname("example.org")\'], capture_output=True, text=True).stderr)',
)
# Goes past Python's sockets, and ends at the proxy that isn't there.
LEAVES_IN_C = "import curl_cffi; curl_cffi.get('http://192.0.2.1/', timeout=5)"
STAYS = (
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "client = socket.create_connection(('localhost', server.getsockname()[1]))\n"
    "client.sendall(b'here')",
    "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(('::1', 9))",
    "sent = socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What the cells of a planted notebook said, run as the tests run a lesson; None if nothing."""
    sources = ["import socket, subprocess, sys, urllib.request", *STAYS, *LEAVES, LEAVES_IN_C]
    cells = [new_code_cell(source, execution_count=n) for n, source in enumerate(sources, 1)]
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(notebook)
    folder = tmp_path_factory.mktemp("planted")
    nbformat.write(notebook, folder / "planted.ipynb")
    report = folder / "report.xml"
    # The block must come from the root conftest.py, not from the pytest around this one.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "pytest", "-c", "pyproject.toml", "-p", "conftest"]
    command += ["-p", "no:cacheprovider", f"--junitxml={report}", folder / "planted.ipynb"]
    run = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True)
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    cases = ElementTree.parse(report).iter("testcase")
    said = [case.findtext("failure") for case in cases]
    assert len(said) == len(sources)
    return dict(zip(sources, said, strict=True))


@pytest.mark.parametrize("source", LEAVES)
def test_cell_that_leaves_the_machine_fails(results, source):
    assert REFUSAL in (results[source] or "it passed")


def test_library_in_c_that_leaves_the_machine_fails(results):
    said = results[LEAVES_IN_C] or "it passed"
    assert "127.0.0.1" in said
    assert "Could not connect to server" in said


@pytest.mark.parametrize("source", STAYS)
def test_cell_that_stays_on_the_machine_passes(results, source):
    assert results[source] is None
