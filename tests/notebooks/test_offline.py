"""A notebook that leaves this machine has to fail; what it does on the machine is its own."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

ROOT = Path(__file__).resolve().parents[2]
REFUSAL = "notebooks run offline, and this one tried to reach"

LEAVES = {
    "connects by number": "socket.create_connection(('192.0.2.1', 80), timeout=5)",
    "connects without raising": "socket.socket().connect_ex(('192.0.2.1', 80))",
    "connects over IPv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "looks up a name": "socket.getaddrinfo('example.org', 443)",
    "looks up a name the old way": "socket.gethostbyname('example.org')",
    "sends a datagram": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "opens an address": "urllib.request.urlopen('https://example.org')",
    "starts a Python that connects": (
        "subprocess.run([sys.executable, '-c', 'import socket; "
        'socket.create_connection(("192.0.2.1", 80), 5)\'], capture_output=True, check=True)'
    ),
}
STAYS = """
server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(("localhost", server.getsockname()[1]))
client.sendall(b"here")
server.accept()[0].recv(4)
"""


def run_notebook(path, code, output):
    """Run one planted cell as the tests run a lesson's, in a pytest of its own."""
    cell = new_code_cell(
        "import socket, subprocess, sys, urllib.request\n" + code,
        execution_count=1,
        outputs=output,
    )
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = new_notebook(cells=[cell], metadata={"kernelspec": kernel})
    nbformat.validate(notebook)
    nbformat.write(notebook, path)
    # The surroundings must come from the root conftest.py, not from the pytest around this one.
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "conftest", "-p", "no:cacheprovider", path],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
    )
