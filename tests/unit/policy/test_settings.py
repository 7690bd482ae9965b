"""What a server on a policy file takes from its environment."""

from pathlib import Path

import pytest

from wardline.policy.standalone import settings
from wardline.policy.standalone.settings import BadSettings, Settings

VARIABLES = ("POLICY_DB", "POLICY_BACKUP_DIR", "POLICY_TIMEZONE")


@pytest.fixture(autouse=True)
def _unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_without_an_environment_there_are_defaults() -> None:
    assert settings.from_environment() == Settings()
    assert settings.from_environment().zone == "UTC"


def test_the_environment_stands_in_for_what_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in zip(VARIABLES, ("a.db", "kept", "Europe/Berlin"), strict=True):
        monkeypatch.setenv(name, value)
    told = settings.from_environment()
    assert (told.db, told.folder, told.zone) == (Path("a.db"), Path("kept"), "Europe/Berlin")
    assert settings.zone("Asia/Tokyo") == "Asia/Tokyo"


def test_a_zone_that_there_is_not_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POLICY_TIMEZONE", "Europe/Berlim")
    with pytest.raises(BadSettings, match="POLICY_TIMEZONE: Europe/Berlim: no such time zone"):
        settings.from_environment()
