"""What a proof leaves beside its file: nothing, not even of an agent that died in the middle."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.unit.agent.live_host import Running
from wardline.agent.hosts.host import Output
from wardline.agent.runbooks import operations

PATH = "/etc/ssh/sshd_config"
PROOF = ("sshd", "-t", "-f", "{staged}")
STALE = ".sshd_config.0123456789abcdef"


class Dying(Running):
    """A host on which the agent may end while the program looks at the new file."""

    dies = False

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        assert (self.root / argv[-1].lstrip("/")).read_bytes() == b"new"
        return Output(0, b"", b"", False, 1)

    def remove(self, path: str) -> None:
        if self.dies:
            raise SystemExit
        super().remove(path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "etc/ssh"
    folder.mkdir(parents=True)
    (folder / "sshd_config").write_bytes(b"old")
    return folder


def _prove(root: Path) -> None:
    operations.prove(Dying(root), PATH, b"new", PROOF)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_an_agent_left_that_died_is_cleared_away_by_the_next_run_of_that_file(
    folder: Path, tmp_path: Path
) -> None:
    host = Dying(tmp_path)
    host.dies = True
    with pytest.raises(SystemExit):
        operations.prove(host, PATH, b"new", PROOF)
    assert len(_names(folder)) == 2
    _prove(tmp_path)
    assert _names(folder) == ["sshd_config"]


def test_what_may_not_be_ours_stays(folder: Path, tmp_path: Path) -> None:
    kept = {
        ".sshd_config.0123": 0o600,
        ".sshd_config.0123456789abcdeg": 0o600,
        ".other.0123456789abcdef": 0o600,
        "sshd_config.0123456789abcdef": 0o600,
        ".sshd_config.0000000000000001": 0o644,
    }
    for name, mode in kept.items():
        (folder / name).write_bytes(b"x")
        (folder / name).chmod(mode)
    (tmp_path / "theirs").write_bytes(b"theirs")
    (folder / STALE).symlink_to("/theirs")
    (folder / ".sshd_config.0000000000000002").mkdir()
    (folder / ".sshd_config.0000000000000003").hardlink_to(tmp_path / "theirs")
    before = _names(folder)
    _prove(tmp_path)
    assert _names(folder) == before
    assert (tmp_path / "theirs").read_bytes() == b"theirs"


@pytest.mark.parametrize("foreign", ["mode", "owner of the folder", "owner of the file"])
def test_nothing_is_cleared_away_where_others_may_put_things(
    foreign: str, folder: Path, tmp_path: Path
) -> None:
    (folder / STALE).write_bytes(b"x")
    (folder / STALE).chmod(0o600)
    if foreign == "mode":
        folder.chmod(0o775)
    elif os.geteuid() != 0:
        pytest.skip("only root can give files away")
    else:
        os.chown(folder if "folder" in foreign else folder / STALE, 1000, 1000)
    _prove(tmp_path)
    assert _names(folder) == [STALE, "sshd_config"]
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, 0, 0)
        os.chown(folder / STALE, 0, 0)
    _prove(tmp_path)
    assert _names(folder) == ["sshd_config"]
