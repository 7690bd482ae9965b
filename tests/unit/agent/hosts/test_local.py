"""The machine itself as a host: commands with limits, and nothing changed unless declared."""

import sys
import time
from pathlib import Path

import pytest

from wardline.agent.hosts.host import CannotRun, ReadOnly, TimedOut
from wardline.agent.hosts.local import LocalHost


@pytest.fixture
def host() -> LocalHost:
    return LocalHost("host", "here")


def test_a_command_gives_its_code_and_both_streams(host: LocalHost) -> None:
    output = host.run(["sh", "-c", "echo out; echo err >&2; exit 3"], 10, 100)
    assert (output.exit_code, output.stdout, output.stderr) == (3, b"out\n", b"err\n")
    assert not output.truncated


def test_the_end_of_long_output_is_kept(host: LocalHost) -> None:
    output = host.run(["sh", "-c", "seq 1 100000"], 10, 64)
    assert output.truncated
    assert output.stdout.endswith(b"99999\n100000\n")
    assert len(output.stdout) == 64


def test_a_command_that_takes_too_long_is_ended_with_its_children(
    host: LocalHost, tmp_path: Path
) -> None:
    started = time.monotonic()
    sign = tmp_path / "alive"
    with pytest.raises(TimedOut, match="sh"):
        host.run(["sh", "-c", f"(sleep 1; touch {sign}) & sleep 60"], 0.2, 100)
    assert time.monotonic() - started < 10
    time.sleep(1.2)
    assert not sign.exists()


def test_a_command_inherits_no_environment(
    host: LocalHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_THE_AGENT", "x")
    assert b"SECRET" not in host.run(["env"], 10, 1000).stdout


def test_a_program_that_is_not_there_is_an_error(host: LocalHost) -> None:
    with pytest.raises(CannotRun, match="no-such-program"):
        host.run(["no-such-program"], 10, 100)


def test_this_machine_is_observed_unless_declared_otherwise(
    host: LocalHost, tmp_path: Path
) -> None:
    with pytest.raises(ReadOnly):
        host.replace_file(str(tmp_path / "new"), b"")
    LocalHost("host", "here", writable=True).replace_file(str(tmp_path / "new"), b"x")
    assert (tmp_path / "new").read_bytes() == b"x"


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_files_of_the_kernel_can_be_read(host: LocalHost) -> None:
    assert host.read("/proc/sys/kernel/ostype", 100) == b"Linux\n"
    assert host.platform.startswith("linux/")
