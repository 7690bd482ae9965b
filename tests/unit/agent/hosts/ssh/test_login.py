"""Where to log in, and by which key a host is known: strict, and nothing reaches a command line."""

import pytest

from wardline.agent.hosts.ssh import login
from wardline.agent.hosts.ssh.login import HostKeyInvalid, Login, LoginInvalid

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIA7VrjEcRDgnijy2H9U3QhMjMESCJKwV3VRSvQudfrXr"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("root@10.0.0.5", ("root", "10.0.0.5", 22)),
        ("ward-line_1@files.clinic.example:2222", ("ward-line_1", "files.clinic.example", 2222)),
        ("root@[fe80::1]:22022", ("root", "fe80::1", 22022)),
        ("root@[::1]", ("root", "::1", 22)),
        ("root@::1", ("root", "::1", 22)),
    ],
)
def test_a_login_is_read(text: str, found: tuple[str, str, int]) -> None:
    assert login.parse(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.5",
        "@host",
        "root@",
        "root@-oProxyCommand=x",
        "-l@host",
        "root@host:0",
        "root@host:65536",
        "root@host:٣",
        "root@host:",
        "root@[::1",
        "root@[::1]x",
        "root@a b",
        "root@host;id",
        "ro ot@host",
        "root@host\n",
        "root@" + "a" * 254,
    ],
)
def test_what_is_no_login_is_refused(text: str) -> None:
    with pytest.raises(LoginInvalid):
        login.parse(text)


def test_a_key_is_read_without_its_comment_and_shown_as_openssh_does() -> None:
    assert login.parse_key(f"{KEY} root@host\n") == KEY
    # ssh-keygen -lf said so of this key.
    assert login.fingerprint(KEY).startswith("SHA256:")
    assert len(login.fingerprint(KEY)) == len("SHA256:") + 43


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ssh-ed25519",
        "ssh-dss AAAAB3NzaC1kc3M=",
        "ssh-ed25519 ????",
        "ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA7VrjEcRDgnijy2H9U3QhMjMESCJKwV3VRSvQudfrXr",
        "ssh-ed25519 " + "A" * 5000,
    ],
)
def test_what_is_no_host_key_is_refused(text: str) -> None:
    with pytest.raises(HostKeyInvalid):
        login.parse_key(text)


def test_the_pinned_type_is_asked_for_first_and_sha1_never() -> None:
    assert login.algorithms("ssh-rsa")[:2] == ["rsa-sha2-512", "rsa-sha2-256"]
    for first in login.ALGORITHMS:
        assert not {"ssh-rsa", "ssh-dss"} & set(login.algorithms(first))


def test_errors_name_the_place() -> None:
    assert Login("fe80::1", 22, "root", sudo=False, host_key=KEY).text == "root@[fe80::1]:22"
