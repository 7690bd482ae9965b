"""The demo's hosts: healthy when built, and every way they drift is found and can be repaired."""

import functools
import random
import tempfile
from pathlib import Path

import pytest

from wardline.agent.checks import check
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy
from wardline.demo import clinics, drifts, trees
from wardline.demo.drifts import Break

FOR_PERSONS = [one for one in drifts.BREAKS if one.runbook is None]
# What they repair is on none of the clinic's computers: Samba, SELinux, a desktop, sockets, another
# program that takes cores. The cases of each show it.
WITHOUT_DRIFT = {
    "core_dumps.store_nothing",
    "file_sharing.refuse_guests",
    "file_sharing.require_smb2",
    "listening_ports.protect_list",
    "mandatory_access_control.enforce_selinux",
    "session_timeout.lock_desktop",
}
# What a tree has not: a file system of its own, sockets, and, in this clinic, servers for TLS, for
# files and for databases.
WITHOUT_OBJECT = {
    "database_access",
    "disk_space",
    "file_sharing",
    "listening_ports",
    "tls_certificates",
}

# Telnet is offered, and it is a way in from afar.
ALSO_FOUND = {"a vendor's technician left telnet on": ["remote_access"]}


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> list[TreeHost]:
    folder = tmp_path_factory.mktemp("hosts")
    names = [name for one in clinics.CLINICS for name in one.hosts]
    for name in names:
        trees.build(folder / name, name)
    return [TreeHost(name, name, str(folder / name)) for name in names]


@pytest.mark.parametrize("name", sorted(check.registry()))
def test_every_new_host_passes_the_check(name: str, hosts: list[TreeHost]) -> None:
    wanted = Outcome.NOT_APPLICABLE if name in WITHOUT_OBJECT else Outcome.PASS
    for host in hosts:
        assert host.platform == "linux/debian"
        result = check.measure(check.registry()[name], host, clock.system)
        assert result.outcome is wanted, (host.name, result)


def _failed(host: TreeHost) -> list[Result]:
    """What fails; whatever does not is as on a new host, and nothing became unknown."""
    new = _outcomes_of_a_new_host()
    found = [check.measure(one, host, clock.system) for one in check.registry().values()]
    for one in found:
        assert one.outcome in (Outcome.FAIL, new[one.check]), one
    return [one for one in found if one.outcome is Outcome.FAIL]


@functools.cache
def _outcomes_of_a_new_host() -> dict[str, Outcome]:
    with tempfile.TemporaryDirectory() as folder:
        trees.build(Path(folder) / "host", "imaging-ws")
        host = TreeHost("host", "host", f"{folder}/host")
        measured = [check.measure(one, host, clock.system) for one in check.registry().values()]
    return {one.check: one.outcome for one in measured}


def test_every_drift_is_found_by_its_check_and_repaired_by_its_remedy(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    host = TreeHost("host", "host", str(tmp_path))
    repaired = set()
    for drift in (one for one in drifts.BREAKS if one.runbook is not None):
        assert drift.apply(tmp_path), drift.says
        assert not drift.apply(tmp_path), drift.says
        found = {one.check for one in _failed(host)}
        assert found == {drift.check, *ALSO_FOUND.get(drift.says, ())}, drift.says
        if drift.runbook not in repaired:
            repaired.add(_repair(host, drift))
            assert drift.apply(tmp_path), "what was repaired can drift again"
        _repair(host, drift)
    assert repaired == set(runbook.registry()) - WITHOUT_DRIFT
    assert _failed(host) == []


def _repair(host: TreeHost, drift: Break) -> str:
    """By the one remedy that answers it, which is given back."""
    one_check = check.registry()[drift.check]
    result = check.measure(one_check, host, clock.system)
    (one,) = remedy.candidates(runbook.remedies(), drift.check, result.facts)
    assert one.runbook == drift.runbook
    inputs = remedy.inputs(one, result.facts)
    report = runner.run(runbook.registry()[one.runbook], inputs, host)
    assert report.ok, report
    assert check.measure(one_check, host, clock.system).outcome is Outcome.PASS, drift.says
    return one.runbook


def test_every_check_has_a_drift_or_nothing_to_look_at() -> None:
    assert {one.check for one in drifts.BREAKS} == set(check.registry()) - WITHOUT_OBJECT


@pytest.mark.parametrize("drift", FOR_PERSONS, ids=lambda one: f"{one.check}")
def test_a_drift_that_only_a_person_repairs_is_found_by_one_check(
    drift: Break, tmp_path: Path
) -> None:
    trees.build(tmp_path, "imaging-ws")
    assert drift.apply(tmp_path)
    assert not drift.apply(tmp_path)
    (result,) = _failed(TreeHost("host", "host", str(tmp_path)))
    assert result.check == drift.check
    assert remedy.candidates(runbook.remedies(), result.check, result.facts) == ()


def test_a_host_that_nobody_repairs_runs_out_of_settings_to_break(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    draw = random.Random(7)
    said = [trees.break_setting(tmp_path, draw) for _ in range(len(drifts.BREAKS) + 1)]
    assert said[-1] == "nothing is left to break"
    broken = said[: said.index("nothing is left to break")]
    assert len(set(broken)) == len(broken)
    failed = {one.check for one in _failed(TreeHost("host", "host", str(tmp_path)))}
    assert failed == {one.check for one in drifts.BREAKS}


def test_old_lists_are_unknown_until_they_are_refreshed(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    later = clock.parse("2030-01-01T00:00:00.000Z")
    host = TreeHost("host", "host", str(tmp_path))
    patching = check.registry()["patching"]
    assert check.measure(patching, host, lambda: later).outcome is Outcome.UNKNOWN
    trees.refresh(tmp_path)
    assert check.measure(patching, host, clock.system).outcome is Outcome.PASS


def test_old_definitions_fail_until_they_are_refreshed(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    later = clock.parse("2099-01-01T00:00:00.000Z")
    host = TreeHost("host", "host", str(tmp_path))
    antivirus = check.registry()["antivirus"]
    old = check.measure(antivirus, host, lambda: later)
    assert (old.outcome, old.facts["failing"]) == (Outcome.FAIL, ["definitions_old"])
    trees.refresh(tmp_path)
    assert check.measure(antivirus, host, clock.system).outcome is Outcome.PASS


def test_a_backup_that_stopped_is_not_made_up_by_a_refresh(tmp_path: Path) -> None:
    trees.build(tmp_path, "imaging-ws")
    host = TreeHost("host", "host", str(tmp_path))
    backup = check.registry()["backup"]
    trees.break_setting(tmp_path, random.Random(7), "backup")
    trees.refresh(tmp_path)
    result = check.measure(backup, host, clock.system)
    assert result.facts["failing"] == ["records:too_old"]
