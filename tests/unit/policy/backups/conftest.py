"""A folder of backups with a clock that stands until it is moved."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from wardline.policy.backups.folder import Folder


class Moment:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.value = datetime(2025, 10, 9, 11, 30, 45, 123456, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.value

    def advance(self, **parts: float) -> None:
        self.value += timedelta(**parts)


@pytest.fixture
def moment() -> Moment:
    return Moment()


@pytest.fixture
def folder(tmp_path: Path, moment: Moment) -> Folder:
    return Folder(tmp_path / "data" / "backups", "data/backups", moment)
