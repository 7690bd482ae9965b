"""Sockets of this very machine: what only it reaches is left out, and who holds one is found."""

import os
import socket
from pathlib import Path

import pytest

from wardline.agent.checks import sockets
from wardline.agent.checks.probe import Budget, Probe
from wardline.agent.hosts.local import LocalHost
from wardline.core import clock

COMM = Path("/proc/self/comm")


@pytest.fixture
def probe() -> Probe:
    return Probe(LocalHost("host", "host"), Budget(5000, 30), clock.system())


def test_a_socket_on_loopback_is_not_offered_to_anybody(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert port not in [one.port for one in sockets.listening(probe) if one.protocol == "tcp"]


def test_the_process_that_holds_a_socket_is_named(probe: Probe) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        inode = str(os.fstat(server.fileno()).st_ino)
        found = sockets.owners(probe, {inode, "1"})
    assert found == {inode: COMM.read_text().strip()}
