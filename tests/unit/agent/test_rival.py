"""Who undid a repair: from the audit log, the file itself, or nobody; and from hostile bytes."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wardline.agent import rival
from wardline.agent.hosts.tree import TreeHost
from wardline.core import ids

HEALED = datetime(2026, 11, 26, 10, 0, tzinfo=UTC)
TARGET = "/etc/ssh/sshd_config"
PASSWD = "root:x:0:0:root:/root:/bin/sh\nbob:x:1000:1000:Bob:/home/bob:/bin/bash\n"


def syscall(seconds: int, number: int, auid: str = "1000", success: str = "yes") -> str:
    at = int((HEALED + timedelta(seconds=seconds)).timestamp())
    return (
        f"type=SYSCALL msg=audit({at}.123:{number}): arch=c000003e syscall=257 success={success}"
        f' exit=3 ppid=1 pid=2 auid={auid} uid=0 comm="vim" exe="/usr/bin/vim" key=(null)\n'
    )


def path(seconds: int, number: int, name: str = f'"{TARGET}"') -> str:
    at = int((HEALED + timedelta(seconds=seconds)).timestamp())
    return (
        f"type=PATH msg=audit({at}.123:{number}): item=1 name={name} inode=9 dev=08:01"
        f" mode=0100644 ouid=0 ogid=0 nametype=NORMAL\n"
    )


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("etc/ssh", "var/log/audit"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc/os-release").write_text("ID=debian\n")
    (tmp_path / "etc/passwd").write_text(PASSWD)
    (tmp_path / TARGET[1:]).write_text("PermitRootLogin yes\n")
    written(tmp_path, HEALED - timedelta(hours=1))
    return tmp_path


def written(tree: Path, at: datetime) -> None:
    os.utime(tree / TARGET[1:], (at.timestamp(), at.timestamp()))


def told(tree: Path, log: str | bytes | None = None) -> str | None:
    if log is not None:
        data = log.encode() if isinstance(log, str) else log
        (tree / rival.AUDIT_LOG[1:]).write_bytes(data)
    host = TreeHost(ids.host(), "records", str(tree))
    try:
        return rival.named(host, [TARGET, TARGET, "sshd.service"], HEALED)
    finally:
        host.close()


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (syscall(30, 7) + path(30, 7), "bob changed /etc/ssh/sshd_config at"),
        (syscall(30, 7, "4294967295") + path(30, 7), "a service changed"),
        (syscall(30, 7, "1234") + path(30, 7), "account 1234 changed"),
        (syscall(30, 7) + path(30, 7, TARGET.encode().hex().upper()), "bob changed"),
        (syscall(30, 7) + path(30, 7) + syscall(60, 8, "0") + path(60, 8), "root changed"),
        (syscall(-30, 7) + path(-30, 7), None),
        (syscall(30, 7, success="no") + path(30, 7), None),
        (syscall(30, 7) + path(30, 8), None),
        (syscall(30, 7) + path(30, 7, '"/etc/passwd"'), None),
    ],
)
def test_the_audit_log_names_account_program_and_time(
    tree: Path, log: str, said: str | None
) -> None:
    found = told(tree, log)
    assert (found is None) is (said is None), found
    if said is not None and found is not None:
        assert said in found
        assert "with /usr/bin/vim" in found


def test_without_an_audit_log_the_file_says_when_and_who_manages_it(tree: Path) -> None:
    assert told(tree) is None
    written(tree, HEALED + timedelta(minutes=2))
    assert told(tree) == f"{TARGET} was written at 2026-11-26T10:02:00.000Z, nobody knows by whom"
    (tree / TARGET[1:]).write_text("#\n# Ansible managed: do not edit\nPort 22\n")
    written(tree, HEALED + timedelta(minutes=2))
    assert (told(tree) or "").endswith("its head says: Ansible managed: do not edit")
    (tree / TARGET[1:]).unlink()
    assert told(tree) is None


# Lines as auditd could write them, each part what it should be or what it never should.
NUMBERS = st.one_of(
    st.integers(10**9, 10**12 - 1).map(str),
    st.sampled_from(["", "-1", "9" * 12, "9" * 40, "1e9", "٣", "0" * 30]),
)
TIMES = st.builds(
    "audit({}{}:{})".format,
    st.one_of(NUMBERS, st.integers(0, 86400).map(lambda s: str(int(HEALED.timestamp()) + s))),
    st.sampled_from([".123", ".123", ".999", "", ".", ".0000001", ".-1"]),
    st.sampled_from(["7", "7", "8", "", "99999999999999999999", "x"]),
)
NAMES = st.one_of(
    st.sampled_from(
        [f'"{TARGET}"', TARGET.encode().hex(), '"', '""', "/", "0", "zz", "2F0", '"/a b"']
    ),
    st.binary(max_size=12).map(lambda raw: raw.hex().upper()),
)
WORDS = st.one_of(
    st.sampled_from(
        ['"/usr/bin/vim"', "yes", "no", "1000", "4294967295", "-1", "", '"', "\x1b[2J"]
    ),
    st.text(max_size=8),
)
LINES = st.one_of(
    st.builds(
        "type=SYSCALL msg={}: success={} auid={} exe={}".format,
        *(TIMES, st.sampled_from(["yes", "yes", "no", "", '"yes"']), WORDS, WORDS),
    ),
    st.builds("type=PATH msg={}: item=0 name={} nametype={}".format, TIMES, NAMES, WORDS),
    st.builds("type={} msg={}: {}".format, WORDS, TIMES, WORDS),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(LINES, max_size=8), passwd=st.lists(st.text(max_size=30), max_size=3))
def test_no_line_that_auditd_could_be_made_to_write_makes_it_fail(
    tree: Path, lines: list[str], passwd: list[str]
) -> None:
    (tree / "etc/passwd").write_text("\n".join(passwd), errors="replace")
    odd = "\n".join(lines).encode(errors="replace")
    found = told(tree, odd + b"\n" + (syscall(90_000, 7) + path(90_000, 7)).encode())
    assert found is not None, "one true line among them"
    assert TARGET in found
    told(tree, odd)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_of_a_host_make_it_fail(tree: Path, junk: bytes) -> None:
    whole = (syscall(30, 7) + path(30, 7)).encode()
    told(tree, junk + b"\n" + whole[: len(junk)] + junk)
    (tree / TARGET[1:]).write_bytes(junk)
    (tree / "etc/passwd").write_bytes(junk)
    assert told(tree, whole) is not None
    (tree / "etc/passwd").write_text(PASSWD)
