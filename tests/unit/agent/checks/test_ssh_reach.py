"""Which ports keep people's way in over SSH, and whether a tree's firewall would leave it open."""

from pathlib import Path

import pytest

from wardline.agent.checks import ssh_reach
from wardline.agent.checks.probe import Budget, Probe
from wardline.agent.hosts.host import Kind
from wardline.agent.hosts.tree import TreeHost
from wardline.core import clock


class Live(TreeHost):
    kind = Kind.LOCAL


def _facts(root: Path, config: str | None, rules: str | None, live: bool = False) -> object:
    for path, text in (("etc/ssh/sshd_config", config), ("etc/ufw/user.rules", rules)):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            (root / path).write_text(text)
    host = (Live if live else TreeHost)("host", "host", str(root))
    return ssh_reach.facts(Probe(host, Budget(500, 5), clock.system()))


def _allow(port: int) -> str:
    return f"-A ufw-user-input -p tcp --dport {port} -j ACCEPT\n"


@pytest.mark.parametrize(
    ("config", "ports"),
    [
        ("", ["22"]),
        ("Port 2222\nport 22\n", ["22", "2222"]),
        ("ListenAddress 10.0.0.1\n", ["22"]),
        ("ListenAddress 10.0.0.1:2200\n", ["2200"]),
        ("ListenAddress 10.0.0.1:2200\nListenAddress ::\n", ["22", "2200"]),
        ("ListenAddress [fe80::1]:2200\nPort 10022\n", ["10022", "2200"]),
    ],
)
def test_every_port_of_the_server_is_told(config: str, ports: list[str], tmp_path: Path) -> None:
    assert _facts(tmp_path, config, None, live=True) == {"ssh_ports": ports, "ssh_kept": True}


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        (_allow(22) + _allow(2222), True),
        (_allow(22), False),
        ("# " + _allow(22) + _allow(2222), False),
        (_allow(22) + _allow(2222).replace("2222", "22222"), False),
        (None, False),
    ],
)
def test_a_tree_keeps_ssh_where_its_rules_allow_every_port(
    rules: str | None, kept: bool, tmp_path: Path
) -> None:
    wanted = {"ssh_ports": ["22", "2222"] if rules else [], "ssh_kept": kept}
    assert _facts(tmp_path, "Port 22\nPort 2222\n", rules) == wanted


def test_a_host_without_a_server_has_nothing_to_keep(tmp_path: Path) -> None:
    assert _facts(tmp_path, None, None) == {"ssh_ports": [], "ssh_kept": True}


@pytest.mark.parametrize(
    "config", ["Port\n", "\x00", "".join(f"Port {port}\n" for port in range(99))]
)
def test_what_cannot_be_told_keeps_nothing(config: str, tmp_path: Path) -> None:
    assert _facts(tmp_path, config, None, live=True) == {"ssh_ports": [], "ssh_kept": False}
