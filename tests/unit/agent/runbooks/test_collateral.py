"""What counts as brought down: by a run, and neither by people at work nor by systemd itself."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.agent.live_host import Running
from wardline.agent.hosts.host import CannotRun, Failed, HostError, Output, TimedOut
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import collateral, runbook
from wardline.agent.runbooks.collateral import Meant
from wardline.agent.runbooks.runbook import Runbook

BOOK = runbook.registry()["login_banner.install"]
HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid\n"
ANY, HERE = "00000000", "0100007F"
ANY_6, HERE_6 = "0" * 32, "0" * 24 + "01000000"


class Told(Running):
    """A host that says what a test tells it to."""

    said: bytes | HostError = b""
    code = 0
    truncated = False

    def ask(self, query: Query) -> Output:
        if isinstance(self.said, HostError):
            raise self.said
        return Output(self.code, self.said, b"", self.truncated, 1)

    def listen(self, table: str, *rows: tuple[str, int, int]) -> None:
        """Rows of an address, a port and the owner."""
        path = self.root / "proc/net" / table
        path.parent.mkdir(parents=True, exist_ok=True)
        state = "0A" if table.startswith("tcp") else "07"
        lines = [
            f"   {at}: {address}:{port:04X} {'0' * len(address)}:0000 {state} 0:0 00:0 00 {uid} 0 9"
            for at, (address, port, uid) in enumerate(rows)
        ]
        path.write_text(HEAD + "".join(f"{line}\n" for line in lines))

    def units(self, **units: Mapping[str, str]) -> None:
        """Properties by name, beside an ActiveState of active."""
        told = []
        for name, more in units.items():
            said = {"Id": f"{name}.service", "ActiveState": "active", **more}
            told.append("".join(f"{key}={value}\n" for key, value in said.items()))
        self.said = "\n".join(told).encode()


@pytest.fixture
def host(tmp_path: Path) -> Told:
    return Told(tmp_path)


DOWN = {"ActiveState": "inactive", "Result": "success"}
FAILED = {"ActiveState": "failed", "Result": "exit-code"}


def _lost(host: Told, after: Mapping[str, Mapping[str, str]], **before: Mapping[str, str]) -> str:
    host.units(**before)
    first = collateral.note(host)
    host.units(**after)
    return " ".join(collateral.lost(first, collateral.note(host), Meant(), BOOK))


@pytest.mark.parametrize(
    ("before", "after", "lost"),
    [
        ({}, {}, ""),
        ({"UnitFileState": "enabled"}, DOWN, "nginx.service"),
        ({"UnitFileState": "static"}, DOWN, "nginx.service"),
        ({"UnitFileState": "disabled"}, DOWN, "nginx.service"),
        ({}, FAILED, "nginx.service"),
        ({}, {"ActiveState": "activating"}, "nginx.service"),
        ({}, {"ActiveState": "reloading"}, ""),
        (DOWN, FAILED, ""),
        (FAILED, FAILED, ""),
        # Ended by itself, and comes when it is called.
        ({"BusName": "org.freedesktop.hostname1"}, DOWN, ""),
        ({"TriggeredBy": "cups.socket"}, DOWN, ""),
        ({"TriggeredBy": "cups.socket"}, FAILED, "nginx.service"),
        ({"TriggeredBy": "docker.socket", "UnitFileState": "enabled"}, DOWN, "nginx.service"),
        ({"Transient": "yes"}, DOWN, ""),
    ],
)
def test_a_unit_is_lost_where_it_was_up_and_nothing_starts_it_again(
    before: dict[str, str], after: dict[str, str], lost: str, host: Told
) -> None:
    assert _lost(host, {"nginx": {**before, **after}}, nginx=before) == lost


def test_what_systemd_has_forgotten_is_lost_unless_somebodys_login_took_it_along(
    host: Told,
) -> None:
    assert _lost(host, {}, nginx={}) == "nginx.service"
    assert _lost(host, {}, **{"user@1000": {}, "run-u12": {"Transient": "yes"}}) == ""
    assert _lost(host, {}, **{"ssh@3": {"TriggeredBy": "ssh.socket"}}) == ""


def test_what_a_run_is_meant_to_stop_is_not_lost_and_all_else_is(host: Told) -> None:
    host.units(telnet={"Triggers": "telnet@1.service"}, **{"telnet@1": {}}, web={}, mail={})
    host.listen("tcp", (ANY, 23, 0), (ANY, 80, 33))
    before = collateral.note(host)
    host.units(telnet=DOWN, web={}, mail={})
    host.listen("tcp", (ANY, 80, 33))
    between = collateral.note(host)
    meant = collateral.stopped(before, between, "telnet.service")
    assert collateral.lost(before, between, meant, BOOK) == ()
    host.units(telnet=DOWN, web={}, mail=FAILED)
    host.listen("tcp")
    lost = collateral.lost(before, collateral.note(host), meant, BOOK)
    assert lost == ("mail.service", "tcp/80")


@pytest.mark.parametrize(
    ("table", "before", "after", "lost"),
    [
        ("tcp", [(ANY, 443, 0)], [(ANY, 443, 33)], ""),
        ("tcp", [(ANY, 443, 0)], [], "tcp/443"),
        ("tcp6", [(ANY_6, 443, 0)], [], "tcp/443"),
        ("udp", [(ANY, 123, 0)], [], "udp/123"),
        # Reached by others before, by the host alone afterwards.
        ("tcp", [(ANY, 5432, 0)], [(HERE, 5432, 0)], "tcp/5432"),
        ("tcp6", [(ANY_6, 5432, 0)], [(HERE_6, 5432, 0)], "tcp/5432"),
        ("tcp", [(HERE, 5432, 0)], [], "tcp/5432"),
        # The display of somebody who has logged out.
        ("tcp", [(HERE, 6010, 1000)], [], ""),
        ("tcp", [(ANY, 6010, 1000)], [], "tcp/6010"),
        # Any free port, taken anew by the same account; and by nobody.
        ("tcp", [(ANY, 40001, 107)], [(ANY, 40777, 107)], ""),
        ("tcp", [(ANY, 40001, 107)], [(ANY, 40777, 108)], "tcp/40001"),
        ("tcp", [(ANY, 40001, 107)], [], "tcp/40001"),
        ("udp", [(ANY, 40001, 107)], [], ""),
    ],
)
def test_a_port_is_lost_where_it_listened_and_nothing_listens_for_the_same_people(
    table: str,
    before: list[tuple[str, int, int]],
    after: list[tuple[str, int, int]],
    lost: str,
    host: Told,
) -> None:
    host.listen(table, *before)
    first = collateral.note(host)
    host.listen(table, *after)
    assert " ".join(collateral.lost(first, collateral.note(host), Meant(), BOOK)) == lost


def _book(**more: object) -> Runbook:
    values = {name: getattr(BOOK, name) for name in BOOK.__slots__}
    return Runbook(**{**values, **more})


def test_what_the_runbook_says_that_it_closes_or_narrows_is_not_lost(host: Told) -> None:
    host.listen("tcp", (ANY, 5432, 0), (ANY, 514, 0))
    before = collateral.note(host)
    host.listen("tcp", (HERE, 5432, 0))
    after = collateral.note(host)
    narrows = _book(narrows_listening=True)
    assert collateral.lost(before, after, Meant(), narrows) == ("tcp/514",)
    closes = _book(narrows_listening=True, closes=("tcp/514",))
    assert collateral.lost(before, after, Meant(), closes) == ()


def test_a_host_without_systemd_is_noted_by_its_sockets(host: Told) -> None:
    host.listen("tcp", (ANY, 22, 0))
    for said, code in ((CannotRun("systemctl", "there is no such program"), 0), (b"no bus", 1)):
        host.said, host.code = said, code
        noted = collateral.note(host)
        assert (noted.units, {one.port for one in noted.sockets}) == ({}, {22})


def test_systemd_that_runs_and_does_not_answer_is_not_taken_for_none(host: Told) -> None:
    (host.root / "run/systemd/system").mkdir(parents=True)
    for said, code in ((CannotRun("systemctl", "could not be started"), 0), (b"no bus", 1)):
        host.said, host.code = said, code
        with pytest.raises(Failed, match="did not say what is up"):
            collateral.note(host)
    host.units(web={})
    host.code = 0
    assert set(collateral.note(host).units) == {"web.service"}


def test_a_host_that_does_not_answer_is_not_taken_for_one_on_which_nothing_is_up(
    host: Told,
) -> None:
    host.said = TimedOut("systemctl", "took longer than 15 s")
    with pytest.raises(TimedOut):
        collateral.note(host)
    host.said, host.truncated = b"Id=a.service\n", True
    with pytest.raises(Failed, match="more units"):
        collateral.note(host)


def test_nothing_is_up_on_a_tree(tmp_path: Path) -> None:
    noted = collateral.note(TreeHost("h", "h", str(tmp_path)))
    assert (noted.units, noted.sockets) == ({}, frozenset())


def test_many_names_are_told_as_a_few() -> None:
    told = collateral.told(tuple(f"{'x' * 200}{at}.service" for at in range(20)))
    assert told.endswith("and 12 more")
    assert len(told) < 1000
    assert collateral.told(("a\x00\x1b[2J.service",)) == "a??[2J.service"


@settings(deadline=None, max_examples=60)
@given(said=st.binary(max_size=400), table=st.binary(max_size=400), ports=st.binary(max_size=40))
def test_no_answer_of_a_host_breaks_the_note(
    said: bytes, table: bytes, ports: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    host = Told(tmp_path_factory.getbasetemp())
    host.said = said
    for name, content in (("net/tcp", HEAD.encode() + table), ("net/udp6", table)):
        path = host.root / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    path = host.root / "proc/sys/net/ipv4/ip_local_port_range"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(ports)
    try:
        noted = collateral.note(host)
    except HostError:
        return
    assert collateral.lost(noted, noted, Meant(), BOOK) == ()
