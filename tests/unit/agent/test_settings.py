"""agent.toml: what is read back, what is refused and where it says so."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from wardline.agent import settings
from wardline.agent.settings import Flap, HostSettings, Intervals, Layout, Settings, SettingsInvalid
from wardline.core import ids

KEY = "A" * 43 + "="


def made(**changes: object) -> Settings:
    whole: dict[str, object] = {
        "central": {
            "url": "https://central.example:8000",
            "installation_id": "inst_x",
            "uplink_key": KEY,
            "log_key": KEY,
            "policy_key": KEY,
            "order_key": KEY,
            "log_origin": "wardline.local/log/x/y/g1",
        },
        "site": {"id": ids.site(), "name": 'Dr "Who" \\ Söhne\t'},
        "appliance": {"id": ids.appliance()},
        "hosts": [{"id": ids.host(), "name": "x", "kind": "tree", "root": "/srv/a b"}],
        **changes,
    }
    return Settings.model_validate(whole)


def test_settings_read_back_as_they_were_written(tmp_path: Path) -> None:
    rhythm = Intervals(scale=0.01, checks={"patching": 30.0})
    for written in (made(), made(hosts=[]), made(intervals=rhythm)):
        (tmp_path / "agent.toml").write_text(settings.to_toml(written))
        assert settings.load(Layout(tmp_path)) == written


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("[flap", "not TOML"),
        ("colour = 1", "central"),
        ("[intervals]\nscale = 0", "intervals.scale"),
        ("[flap]\nheals = 0", "flap.heals"),
    ],
)
def test_bad_settings_name_file_and_place(tmp_path: Path, text: str, place: str) -> None:
    valid = settings.to_toml(made()) if place.startswith(("intervals", "flap")) else ""
    for table in ("intervals", "flap"):
        if f"[{table}]" in text:
            head, _, rest = valid.partition(f"\n[{table}]")
            valid = head + "\n" + rest[rest.index("\n[") :]
    (tmp_path / "agent.toml").write_text(f"{valid}\n{text}\n")
    with pytest.raises(SettingsInvalid) as raised:
        settings.load(Layout(tmp_path))
    assert "agent.toml" in str(raised.value)
    assert place in str(raised.value)


def test_two_hosts_of_one_name_and_a_tree_without_a_root_are_refused() -> None:
    host = {"id": ids.host(), "name": "x", "kind": "local"}
    with pytest.raises(ValueError, match="same name"):
        made(hosts=[host, {**host, "id": ids.host()}])
    with pytest.raises(ValueError, match="root"):
        HostSettings(id=ids.host(), name="x", kind="tree")


def test_a_threshold_that_can_never_be_reached_is_refused_at_load() -> None:
    made().check_reachable({"patching": 3600.0})
    with pytest.raises(SettingsInvalid, match="can never happen"):
        made(flap=Flap(heals=9000)).check_reachable({"patching": 3600.0})


def test_an_interval_of_an_unknown_check_is_refused() -> None:
    rhythm = Intervals(checks={"firewal": 30.0})
    with pytest.raises(SettingsInvalid, match="no such check"):
        made(intervals=rhythm).check_reachable({"firewall": 300.0})


def test_the_data_directory_is_as_given_then_the_variable_then_the_usual_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(settings.ENVIRONMENT, str(tmp_path / "named"))
    assert settings.data_directory(tmp_path) == tmp_path
    assert settings.data_directory(None) == tmp_path / "named"
    monkeypatch.delenv(settings.ENVIRONMENT)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert settings.data_directory(None) == settings.SYSTEM_DATA
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert settings.data_directory(None) == tmp_path / "wardline" / "agent"


@pytest.mark.parametrize(
    ("kind", "platform"),
    [("declared", None), ("local", "windows/11"), ("declared", "Windows"), ("declared", "a/b/c")],
)
def test_a_declared_host_and_no_other_names_its_platform(kind: str, platform: str | None) -> None:
    with pytest.raises(ValidationError):
        HostSettings.model_validate(
            {"id": ids.host(), "name": "pacs", "kind": kind, "platform": platform}
        )


def test_a_declared_host_survives_the_file_of_settings(tmp_path: Path) -> None:
    host = {"id": ids.host(), "name": "pacs", "kind": "declared", "platform": "windows/11"}
    one = made(hosts=[host])
    (tmp_path / "agent.toml").write_text(settings.to_toml(one))
    assert settings.load(Layout(tmp_path)) == one
