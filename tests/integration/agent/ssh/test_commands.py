"""`wardline agent hosts`: a person adds a host over SSH, and nobody's secret lies about."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.harness import openssh
from tests.integration.agent.bench import Bench
from tests.integration.agent.ssh.conftest import Boxed, Opening
from wardline.agent import settings as settings_file
from wardline.agent.__main__ import app
from wardline.agent.hosts.ssh import login as logins
from wardline.agent.store.credentials import CredentialMissing, Credentials
from wardline.core.errors import WardlineError, WrongUsage
from wardline.core.sealed import CannotOpen, OtherPurpose


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    made = Bench(tmp_path / "bench")
    made.close()
    return made


def _hosts(bench: Bench, *words: str, expect: int = 0, input: str = "") -> str:
    """What a command says; a terminal is never there."""
    words = ("hosts", *words, "--data", str(bench.layout.root))
    ended = CliRunner().invoke(app, words, input=input)
    code, said = ended.exit_code, ended.output
    if isinstance(ended.exception, WardlineError):
        code = 64 if isinstance(ended.exception, WrongUsage) else 1
        said += str(ended.exception)
    assert code == expect, (words, said, ended.exception)
    return said


def _add(bench: Bench, boxed: Boxed, tmp_path: Path, *words: str, expect: int = 0) -> str:
    key = tmp_path / "client.key"
    if not key.exists():
        key.touch(mode=0o600)
        key.write_text(boxed.server.private_key)
    where = f"{boxed.server.user}@127.0.0.1:{boxed.server.port}"
    given = ["records-2", "--ssh", where, "--key", str(key)]
    if not any(word == "--fingerprint" for word in words):
        words = (*words, "--fingerprint", logins.fingerprint(boxed.server.host_key))
    return _hosts(bench, "add", *given, *words, expect=expect)


def test_a_host_is_added_tried_and_forgotten(bench: Bench, boxed: Boxed, tmp_path: Path) -> None:
    (boxed.root / "etc/os-release").write_text("ID=debian\n")
    assert "records-2 is added: linux/debian, as root" in _add(bench, boxed, tmp_path)
    (_, host) = settings_file.load(bench.layout).hosts
    assert host.ssh is not None
    assert (host.kind, host.ssh.host_key, host.ssh.platform) == (
        "ssh",
        boxed.server.host_key,
        "linux/debian",
    )
    told = json.loads(_hosts(bench, "list", "--json"))["hosts"][1]
    assert told["ssh"]["fingerprint"] == logins.fingerprint(boxed.server.host_key)
    assert "records-2 answers: linux/debian, as root" in _hosts(bench, "test", "records-2")
    sealed = bench.layout.credentials / f"{host.id}.sealed"
    assert sealed.exists()
    _hosts(bench, "remove", "records-2")
    assert not sealed.exists()
    assert [one.name for one in settings_file.load(bench.layout).hosts] == ["records"]
    assert "there is no host records-2" in _hosts(bench, "test", "records-2", expect=1)


def test_no_file_of_the_appliance_holds_the_secret(
    bench: Bench, boxed: Boxed, tmp_path: Path
) -> None:
    _add(bench, boxed, tmp_path)
    secret = boxed.server.private_key.split("\n")[2].encode()
    for path in bench.layout.root.rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes(), path
            assert path.stat().st_mode & 0o077 == 0 or path.name != "sealing.key"
    assert (bench.layout.credentials.stat().st_mode & 0o777) == 0o700
    for path in (*bench.layout.credentials.iterdir(), bench.layout.keys / "sealing.key"):
        assert path.stat().st_mode & 0o777 == 0o600


def test_a_key_that_nobody_confirms_is_not_pinned(
    bench: Bench, boxed: Boxed, tmp_path: Path
) -> None:
    wrong = "SHA256:" + "A" * 43
    assert "was not confirmed" in _add(bench, boxed, tmp_path, "--fingerprint", wrong, expect=1)
    where = f"{boxed.server.user}@127.0.0.1:{boxed.server.port}"
    key = str(tmp_path / "client.key")
    said = _hosts(bench, "add", "records-2", "--ssh", where, "--key", key, expect=1)
    assert logins.fingerprint(boxed.server.host_key) in said
    assert boxed.server.logins() == 0
    assert len(settings_file.load(bench.layout).hosts) == 1
    assert not bench.layout.credentials.exists()


def test_a_host_that_lets_nobody_in_is_not_added(
    bench: Bench, boxed: Boxed, tmp_path: Path
) -> None:
    (boxed.server.folder / "authorized_keys").write_text("")
    assert "refuses the account's credential" in _add(bench, boxed, tmp_path, expect=1)
    assert len(settings_file.load(bench.layout).hosts) == 1
    assert not list(bench.layout.credentials.iterdir())


def test_a_new_key_is_made_here_and_works_once_the_host_knows_it(
    bench: Bench, boxed: Boxed
) -> None:
    where = f"{boxed.server.user}@127.0.0.1:{boxed.server.port}"
    known = logins.fingerprint(boxed.server.host_key)
    said = _hosts(
        bench, "add", "records-2", "--ssh", where, "--new-key", "--fingerprint", known, "--observe"
    )
    (line,) = [line for line in said.splitlines() if line.startswith("ssh-ed25519 ")]
    _hosts(bench, "test", "records-2", expect=1)
    (boxed.server.folder / "authorized_keys").write_text(f"{line}\n")
    assert "answers" in _hosts(bench, "test", "records-2")
    assert settings_file.load(bench.layout).hosts[1].observed


def test_a_new_host_key_is_trusted_by_a_person_alone(
    bench: Bench, boxed: Boxed, tmp_path: Path
) -> None:
    _add(bench, boxed, tmp_path)
    assert "pinned already" in _hosts(bench, "trust", "records-2")
    boxed.server.stop()
    boxed.server.change_host_key()
    boxed.server.start()
    assert "wardline agent hosts trust" in _hosts(bench, "test", "records-2", expect=1)
    _hosts(bench, "trust", "records-2", expect=1)
    known = logins.fingerprint(boxed.server.host_key)
    assert "known by its new key" in _hosts(bench, "trust", "records-2", "--fingerprint", known)
    assert "answers" in _hosts(bench, "test", "records-2")


def test_a_password_is_read_and_never_shown(bench: Bench, boxed: Boxed, tmp_path: Path) -> None:
    _add(bench, boxed, tmp_path)
    said = _hosts(bench, "credential", "records-2", "--password", input="correct horse\n")
    assert "sealed to this appliance's key" in said
    assert "horse" not in said
    assert "refuses" in _hosts(bench, "test", "records-2", expect=1)
    for path in bench.layout.root.rglob("*"):
        assert not path.is_file() or b"correct horse" not in path.read_bytes()


def test_a_sealed_credential_serves_its_own_host_alone(
    bench: Bench, boxed: Boxed, tmp_path: Path
) -> None:
    _add(bench, boxed, tmp_path)
    settings = settings_file.load(bench.layout)
    credentials = Credentials(bench.layout, settings.appliance.id)
    host = settings.hosts[1]
    assert host.ssh is not None
    assert credentials.open(host).secret
    for change in ({"address": "192.0.2.1"}, {"port": 2222}, {"user": "other"}):
        moved = host.model_copy(update={"ssh": host.ssh.model_copy(update=change)})
        with pytest.raises(OtherPurpose):
            credentials.open(moved)
    (bench.layout.keys / "sealing.key").write_bytes(os.urandom(32))
    with pytest.raises(CannotOpen):
        credentials.open(host)
    credentials.forget(host)
    with pytest.raises(CredentialMissing):
        credentials.open(host)


@pytest.mark.parametrize(
    "words",
    [
        ("--ssh", "root@127.0.0.1"),
        ("--ssh", "root@127.0.0.1", "--password", "--new-key"),
        ("--ssh", "127.0.0.1", "--new-key"),
        ("--ssh", "-oProxyCommand=x@127.0.0.1", "--new-key"),
        ("--ssh", "root@127.0.0.1:99999", "--new-key"),
    ],
)
def test_what_is_no_login_is_refused(bench: Bench, words: tuple[str, ...]) -> None:
    _hosts(bench, "add", "records-2", *words, expect=64)


def test_the_sealing_key_is_shown_for_who_seals_elsewhere(bench: Bench) -> None:
    public, fingerprint = _hosts(bench, "key").split()
    assert len(bytes.fromhex(public)) == 32
    assert fingerprint.startswith("SHA256:")
    assert _hosts(bench, "key").split() == [public, fingerprint]


def test_nothing_is_left_out_where_sshd_is_missing(
    monkeypatch: pytest.MonkeyPatch, opening: Opening
) -> None:
    monkeypatch.setattr(openssh, "SSHD", "/nowhere/sshd")
    with pytest.raises(openssh.SshdMissing, match="install openssh-server"):
        openssh.require()
