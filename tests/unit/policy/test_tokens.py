"""Which files are taken as token files: only one that nobody but its owner may write."""

import hashlib
import os
from pathlib import Path

import pytest

from wardline.policy.standalone.settings import BadSettings
from wardline.policy.standalone.tokens import Tokens

LINE = f"ada admin {hashlib.sha256(b'a token').hexdigest()}\n"


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644])
def test_a_file_that_only_its_owner_writes_is_taken(tmp_path: Path, mode: int) -> None:
    path = _written(tmp_path, mode)
    assert Tokens(path).caller("a token").name == "ada"


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_may_write_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(BadSettings, match="chmod go-w"):
        Tokens(_written(tmp_path, mode))


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "tokens"
    os.mkfifo(path, 0o600)
    with pytest.raises(BadSettings, match="no regular file"):
        Tokens(path)


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings):
        Tokens(tmp_path)


def _written(folder: Path, mode: int) -> Path:
    path = folder / "tokens"
    path.write_text(LINE)
    path.chmod(mode)
    return path
