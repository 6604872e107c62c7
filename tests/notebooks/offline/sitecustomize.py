"""Refuse every connection that would leave this machine.

The root conftest.py puts this folder on PYTHONPATH, so each kernel that runs a notebook
in the tests imports this file as it starts, and so does each Python it starts itself.
Blocking inside pytest would not do: a kernel is another process.
"""

import errno
import ipaddress
import os
import socket
import sys

HOST_COMES_FIRST = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
ADDRESS_COMES_SECOND = {"socket.connect", "socket.sendto", "socket.sendmsg"}


def is_this_machine(host: object) -> bool:
    """Say whether a host, by name or by number, is the machine itself."""
    if isinstance(host, (bytes, bytearray)):
        host = host.decode("ascii", "replace")
    if host in (None, "", "localhost"):
        return True
    try:
        address = ipaddress.ip_address(str(host))
    except ValueError:
        return False
    address = getattr(address, "ipv4_mapped", None) or address
    return address.is_loopback or address.is_unspecified


def refuse(event: str, arguments: tuple) -> None:
    """Raise where an event of the socket module reaches beyond this machine."""
    if event in HOST_COMES_FIRST:
        host = arguments[0]
    elif event in ADDRESS_COMES_SECOND:
        connection, address = arguments
        if connection.family not in (socket.AF_INET, socket.AF_INET6) or address is None:
            return
        host = address[0]
    else:
        return
    if not is_this_machine(host):
        message = f"notebooks run offline, and this one tried to reach {host!r}"
        raise OSError(errno.ENETUNREACH, message)


sys.addaudithook(refuse)

# Libraries in C, and programs such as curl, open sockets that Python never sees: they are sent
# to a proxy that isn't there.
for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "no_proxy"):
    os.environ.pop(name, None)
for name in ("ALL_PROXY", "all_proxy"):
    os.environ[name] = "http://127.0.0.1:9"
os.environ["NO_PROXY"] = "localhost,127.0.0.1,::1"
