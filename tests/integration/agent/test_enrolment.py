"""Enrolment: who is believed, what is refused, and that nothing half is left behind."""

import stat
from pathlib import Path
from typing import Any, NoReturn

import pytest

from tests.harness.fake_central import FakeCentral, on, problem
from tests.integration.agent.bench import URL, build_tree
from wardline.agent import agent, doctor, enrol, roster, settings
from wardline.agent.enrol import AlreadyEnrolled, CentralUnknown, NoHosts, TokenInvalid, Wish
from wardline.agent.settings import Flap, HostSettings, Intervals, Layout, SettingsInvalid
from wardline.agent.store.keys import Keyring, KeyUnusable
from wardline.agent.uplink import (
    Address,
    CentralUnavailable,
    InsecureAddress,
    RequestRefused,
    Uplink,
)
from wardline.core import ids, protocol
from wardline.core.evidence import trust
from wardline.core.evidence.signing import SigningKey


@pytest.fixture
def central() -> FakeCentral:
    return FakeCentral()


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / "agent")


def _enrol(
    layout: Layout, central: FakeCentral, *, url: str = URL, token: str | None = None
) -> settings.Settings:
    tree = layout.root.parent / "host"
    if not tree.exists():
        build_tree(tree)
    host = HostSettings(id=ids.host(), name="records", kind="tree", root=tree)

    def connect(address: Address, credential: str | None) -> Uplink:
        return Uplink(address, credential, central.transport())

    wish = Wish(url, token or central.token, (host,), Intervals(), Flap())
    return enrol.enrol(layout, wish, roster.open_host, connect)


def _left(layout: Layout) -> list[str]:
    return sorted(path.name for path in layout.root.rglob("*")) if layout.root.exists() else []


def test_enrolment_leaves_private_files_and_settings_that_read_back(
    layout: Layout, central: FakeCentral
) -> None:
    made = _enrol(layout, central)
    assert settings.load(layout) == made
    assert made.appliance.id == central.appliance
    assert stat.S_IMODE(layout.root.stat().st_mode) == 0o700
    for path in layout.root.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    keyring = Keyring(layout.keys)
    assert keyring.credential() == central.credential
    assert keyring.evidence().public == central.evidence_key
    assert keyring.witness().public == central.witness_key


@pytest.mark.parametrize("url", ["http://192.0.2.7:8000", "http://central.example", "ftp://x", "x"])
def test_plain_http_beyond_loopback_and_what_is_no_address_are_refused(
    layout: Layout, central: FakeCentral, url: str
) -> None:
    with pytest.raises(InsecureAddress):
        _enrol(layout, central, url=url)
    assert _left(layout) == []
    assert central.requests == []


@pytest.mark.parametrize("token", ["", "wl1", "wl2.a.b.c", "wl1.tok." + "x" * 43 + ".short"])
def test_what_is_no_token_is_refused_without_a_request(
    layout: Layout, central: FakeCentral, token: str
) -> None:
    with pytest.raises(TokenInvalid):
        _enrol(layout, central, token=token or "-")
    assert central.requests == []


def test_another_central_is_refused_before_the_secret_is_shown(
    layout: Layout, central: FakeCentral
) -> None:
    token = FakeCentral().token
    with pytest.raises(CentralUnknown, match="is not the Central that made this token"):
        _enrol(layout, central, token=token)
    assert [name for name, _ in central.requests] == ["/keys"]
    assert _left(layout) == []


def test_a_central_that_does_not_hold_its_uplink_key_is_refused(
    layout: Layout, central: FakeCentral
) -> None:
    real = central.keys
    status, body, headers = central._keys({"nonce": "00" * 16})
    central.odd.append(on("/keys", (status, body, headers)))
    with pytest.raises(CentralUnknown, match="does not hold them"):
        _enrol(layout, central)
    assert central.keys is real
    assert _left(layout) == []


def test_an_authority_that_the_fingerprint_does_not_cover_is_refused(
    layout: Layout, central: FakeCentral
) -> None:
    token = central.token
    central.tls_ca_pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with pytest.raises(CentralUnknown):
        _enrol(layout, central, token=token)
    assert _left(layout) == []


@pytest.mark.parametrize("answer", [problem(422, "expired"), problem(503, "down"), (200, {}, {})])
def test_an_enrolment_that_fails_leaves_nothing_half(
    layout: Layout, central: FakeCentral, answer: Any
) -> None:
    central.odd.append(on("/enrol", answer))
    with pytest.raises((RequestRefused, CentralUnavailable)):
        _enrol(layout, central)
    assert _left(layout) == []
    _enrol(layout, central)
    settings.load(layout)


def test_what_a_killed_enrolment_left_is_swept_away_by_the_next(
    layout: Layout, central: FakeCentral
) -> None:
    for folder in (layout.root / ".enrolling" / "keys", layout.keys):
        folder.mkdir(parents=True)
        (folder / "evidence.key").write_bytes(SigningKey.generate().seed)
    _enrol(layout, central)
    assert Keyring(layout.keys).evidence().public == central.evidence_key
    assert ".enrolling" not in _left(layout)


def test_a_used_token_is_refused_with_centrals_words(
    layout: Layout, central: FakeCentral, tmp_path: Path
) -> None:
    _enrol(layout, central)
    with pytest.raises(RequestRefused, match="used already"):
        _enrol(Layout(tmp_path / "second"), central)


def test_a_second_enrolment_of_one_directory_says_what_to_do(
    layout: Layout, central: FakeCentral
) -> None:
    _enrol(layout, central)
    central.token_used = False
    with pytest.raises(AlreadyEnrolled, match="--data"):
        _enrol(layout, central)


def test_a_key_that_is_missing_says_where_to_take_it_from(
    layout: Layout, central: FakeCentral
) -> None:
    made = _enrol(layout, central)
    (layout.keys / "evidence.key").unlink()
    with pytest.raises(KeyUnusable, match=r"evidence.key is missing: restore it .* enrol this"):
        agent.open_ledger(layout, made)


def test_a_key_that_others_may_read_is_refused(layout: Layout, central: FakeCentral) -> None:
    made = _enrol(layout, central)
    (layout.keys / "evidence.key").chmod(0o644)
    with pytest.raises(KeyUnusable, match="chmod 600"):
        agent.open_ledger(layout, made)


def test_a_directory_that_is_not_enrolled_says_so(layout: Layout) -> None:
    with pytest.raises(SettingsInvalid, match="wardline agent enrol"):
        settings.load(layout)


def test_trust_is_what_the_verifier_reads(layout: Layout, central: FakeCentral) -> None:
    made = _enrol(layout, central)
    read = trust.parse(doctor.trusted(layout, made))
    assert read.appliances == {central.appliance: frozenset({central.evidence_key})}
    assert read.witnesses == {central.appliance: frozenset({central.witness_key})}
    assert set(read.logs) == {central.origin}


def test_doctor_names_what_is_well_and_what_is_not(layout: Layout, central: FakeCentral) -> None:
    made = _enrol(layout, central)
    lines = doctor.examine(layout, made, lambda *_: Uplink(Address(URL), None, central.transport()))
    by_name = {line.name: line for line in lines}
    assert doctor.is_well(lines), [line for line in lines if line.ok is False]
    assert by_name["synchronous"].value == "2"
    assert by_name["evidence key"].value == Keyring(layout.keys).evidence().key_id
    central.installation = "inst_other"
    lines = doctor.examine(layout, made, lambda *_: Uplink(Address(URL), None, central.transport()))
    assert [line.name for line in lines if line.ok is False] == [URL]


def test_an_appliance_without_a_host_is_refused_before_the_token_is_spent(
    layout: Layout, central: FakeCentral
) -> None:
    def connect(address: Address, credential: str | None) -> Uplink:
        return Uplink(address, credential, central.transport())

    wish = Wish(URL, central.token, (), Intervals(), Flap())
    with pytest.raises(NoHosts, match="leave out --no-local, or name file trees with --tree"):
        enrol.enrol(layout, wish, roster.open_host, connect)
    assert central.requests == []
    assert not layout.root.exists()


def test_two_hosts_of_one_name_are_refused_before_the_token_is_spent(tmp_path: Path) -> None:
    hosts = tuple(
        HostSettings(id=ids.host(), name="reception-pc", kind="tree", root=tmp_path)
        for _ in range(2)
    )
    token = protocol.token_text("enr_01m7ymrmpbgpk7v4gr5kw1fbw2", "s" * 43, "0" * 64)
    wish = Wish("http://127.0.0.1:1", token, hosts, Intervals(), Flap())

    def never(*_: object) -> NoReturn:
        raise AssertionError("nobody is asked")

    with pytest.raises(SettingsInvalid, match="two hosts are called reception-pc"):
        enrol.enrol(Layout(tmp_path / "agent"), wish, never, never)
