"""Hosts that lie, stall, prattle, or are not who they were: what is told, and what stays intact."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import asyncssh
import pytest

from tests.harness import openssh, password_server
from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent.checks import check
from wardline.agent.hosts.host import (
    HostError,
    HostKeyChanged,
    LoginRefused,
    TimedOut,
    Unreachable,
)
from wardline.agent.hosts.ssh import line
from wardline.agent.hosts.ssh.login import Login
from wardline.agent.hosts.ssh.ssh import SshHost
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome
from wardline.core.sealed import CannotOpen, Credential

# Sessions that begin with noise before they do what they were told to.
NOISES = {
    "a message of the day": "echo 'Welcome to the clinic!'; echo 'Last login: never' >&2",
    "bytes that are no text": "head -c 5000 /dev/urandom; head -c 5000 /dev/urandom >&2",
    "one long line": "head -c 40000 /dev/zero; head -c 40000 /dev/zero >&2",
}
# Sessions in which nothing of ours ever runs, with what is said of them.
DEAF = {
    "nologin": ("echo 'This account is currently not available.'; exit 1", "not available"),
    "nothing": ("exit 0", "says nothing"),
    "endless noise": ("exec yes", "runs nothing for us"),
    "a question": ("read -p 'Accept the terms? ' word; sleep 60", "does it ask for something"),
}


@pytest.fixture
def noisy(tmp_path: Path, opening: Opening) -> Iterator[Callable[[str], SshHost]]:
    servers = []

    def host(before: str) -> SshHost:
        script = tmp_path / "noise"
        script.write_text(f'#!/bin/bash\n{before}\nexec /bin/sh -c "$SSH_ORIGINAL_COMMAND"\n')
        script.chmod(0o755)
        serving = openssh.serving(tmp_path / "sshd", more=f"ForceCommand {script}")
        servers.append(serving)
        return opening(serving.__enter__())

    yield host
    for one in servers:
        one.__exit__(None, None, None)


@pytest.mark.parametrize("noise", NOISES)
def test_what_a_login_prints_is_no_answer(noisy: Callable[[str], SshHost], noise: str) -> None:
    host = noisy(NOISES[noise])
    assert host.run(["printf", "said"], 10, 100).stdout == b"said"
    assert host.run(["printf", "said"], 10, 100).stderr == b""
    assert host.read("/proc/version", 4096) == Path("/proc/version").read_bytes()


@pytest.mark.parametrize("kind", DEAF)
def test_an_account_that_runs_nothing_says_what_it_said(
    noisy: Callable[[str], SshHost], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind == "a question":
        monkeypatch.setattr("wardline.agent.hosts.ssh.shell.BEGIN_S", 2.0)
    before, says = DEAF[kind]
    with pytest.raises(LoginRefused, match=says):
        noisy(before).connect()


def test_sudo_that_wants_a_password_says_what_to_do(noisy: Callable[[str], SshHost]) -> None:
    host = noisy("sudo() { echo 'sudo: a password is required' >&2; exit 1; }; sudo; exit 1")
    host._line.login = Login(
        "127.0.0.1", host.login.port, host.login.user, sudo=True, host_key=host.login.host_key
    )
    with pytest.raises(LoginRefused, match=r"a password is required.*NOPASSWD"):
        host.connect()


def test_a_changed_host_key_is_an_error_that_says_what_next(boxed: Boxed, opening: Opening) -> None:
    old = boxed.server.host_key
    boxed.server.stop()
    boxed.server.change_host_key()
    boxed.server.start()
    host = opening(boxed.server, host_key=old)
    for _ in range(2):
        with pytest.raises(HostKeyChanged, match=r"pinned is .* shown was .* hosts trust"):
            host.read("/etc/passwd", 1000)
    assert boxed.server.logins() == 0
    assert host.prepare(), "it is not tried again and again"


def test_a_host_that_has_no_key_of_the_pinned_type_any_more_is_not_entered(
    boxed: Boxed, opening: Opening
) -> None:
    other = asyncssh.generate_private_key("ecdsa-sha2-nistp256").export_public_key("openssh")
    host = opening(boxed.server, host_key=" ".join(other.decode().split()[:2]))
    with pytest.raises(HostKeyChanged, match=r"pinned is ecdsa-.* shown was ssh-ed25519"):
        host.connect()


def test_a_wrong_credential_is_told_and_not_tried_again_soon(
    boxed: Boxed, opening: Opening
) -> None:
    wrong = asyncssh.generate_private_key("ssh-ed25519").export_private_key("openssh").decode()
    for host in (
        opening(boxed.server, secret=wrong),
        opening(boxed.server, secret="hunter2", type="password"),
        opening(boxed.server, secret="not a key"),
    ):
        with pytest.raises(LoginRefused) as told:
            host.connect()
        assert "hunter2" not in str(told.value)
        assert wrong not in str(told.value)
        tries = boxed.server.log().count("Connection from")
        with pytest.raises(LoginRefused, match="tried again in"):
            host.connect()
        assert boxed.server.log().count("Connection from") == tries


def test_a_credential_that_cannot_be_opened_says_why() -> None:
    def open_credential() -> Credential:
        raise CannotOpen("give it again")

    login = Login("127.0.0.1", 9, "root", sudo=False, host_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5")
    host = SshHost("h", "h", login, open_credential)
    with pytest.raises(LoginRefused, match="give it again"):
        host.connect()
    host.close()


def test_a_password_opens_a_host(boxed: Boxed, opening: Opening) -> None:
    """OpenSSH would need an account of the system with one, so that this server is asyncssh's."""
    with password_server.serving("correct horse") as (port, key):
        server = replace(boxed.server, port=port, host_key=key)
        host = opening(server, secret="correct horse", type="password")
        assert host.run(["printf", "in"], 10, 100).stdout == b"in"
        with pytest.raises(LoginRefused):
            opening(server, secret="battery staple", type="password").connect()
        host.close()


def test_nothing_listens_there(opening: Opening, boxed: Boxed) -> None:
    boxed.server.stop()
    host = opening(boxed.server)
    for one in check.registry().values():
        found = check.measure(one, host, clock.system)
        assert found.outcome is Outcome.UNKNOWN
        assert found.facts["reason_code"] == "unreachable"
        assert "cannot be reached" in str(found.facts["reason"])


def test_a_line_cut_in_the_middle_of_a_read_is_unknown_and_opened_again(
    boxed: Boxed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wardline.agent.hosts.ssh.line.REST_S", 60.0)
    (boxed.root / "etc/big").write_bytes(b"x" * 8_000_000)
    boxed.host.connect()
    before = boxed.host.read("/etc/passwd", 1000)
    cutting = threading.Timer(0.02, boxed.server.cut)
    cutting.start()
    with pytest.raises(HostError):
        _again(lambda: boxed.host.read("/etc/big", 8_000_000))
    cutting.join()
    with pytest.raises(Unreachable, match=r"the connection broke.*tried again in"):
        boxed.host.read("/etc/passwd", 1000)
    _rest(boxed.host)
    assert boxed.host.read("/etc/passwd", 1000) == before


def test_a_killed_sshd_is_noticed_and_a_new_one_is_found(boxed: Boxed) -> None:
    boxed.host.connect()
    boxed.server.stop()
    with pytest.raises(Unreachable):
        boxed.host.read("/etc/passwd", 1000)
    boxed.server.start()
    _rest(boxed.host)
    assert boxed.host.read("/etc/passwd", 1000)


def test_the_rest_after_a_failure_grows_up_to_a_limit(boxed: Boxed, opening: Opening) -> None:
    boxed.server.stop()
    host = opening(boxed.server)
    rests = []
    for _ in range(10):
        host._line._rest_until = 0.0
        with pytest.raises(Unreachable):
            host.connect()
        rests.append(host._line._rest_until - time.monotonic())
    assert rests[0] < line.REST_S * 1.3
    assert rests[3] > rests[0] * 3
    assert line.REST_S_MAX * 0.7 < rests[-1] <= line.REST_S_MAX * 1.2


def test_a_host_that_stops_answering_costs_one_budget_and_then_nothing(boxed: Boxed) -> None:
    boxed.host.connect()
    boxed.server.pause()
    try:
        started = time.monotonic()
        with pytest.raises(TimedOut), boxed.host.measuring("check", 8.0):
            boxed.host.read("/etc/passwd", 1000)
        assert time.monotonic() - started < 20
        _until(lambda: not boxed.host._line._opened)
        for one in check.registry().values():
            found = check.measure(one, boxed.host, clock.system)
            assert (found.outcome, found.facts["reason_code"]) == (Outcome.UNKNOWN, "unreachable")
            assert "did not answer" in str(found.facts["reason"])
    finally:
        boxed.server.resume()


def test_a_measurement_ends_in_its_time_on_a_slow_host(boxed: Boxed) -> None:
    boxed.host.connect()
    with boxed.host.measuring("check", 0.3), pytest.raises(TimedOut):
        _again(lambda: boxed.host.run(["true"], 10, 100))
    assert boxed.host.run(["true"], 10, 100).exit_code == 0


def test_no_secret_and_no_password_is_in_what_anybody_prints(
    boxed: Boxed, opening: Opening, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    host = opening(boxed.server, secret="hunter2-hunter2", type="password")
    with pytest.raises(LoginRefused):
        host.connect()
    boxed.host.connect()
    assert "hunter2" not in caplog.text
    assert "hunter2" not in repr(host._line.__dict__) + repr(host.login)
    assert boxed.server.private_key.split("\n")[1] not in caplog.text


def _rest(host: SshHost) -> None:
    """As if the time of rest were over."""
    host._line._rest_until = 0.0


def _again(work: Callable[[], object]) -> None:
    for _ in range(10_000):
        work()


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)
