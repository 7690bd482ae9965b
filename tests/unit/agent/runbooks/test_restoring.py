"""Undo after success: the host as it was before the run, or untouched where somebody was there."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Machine
from tests.unit.agent.runbooks.test_runner import DRIFTS, _inputs, _snapshot
from wardline.agent.hosts.host import Failed, Kind, RevertFired
from wardline.agent.hosts.revert import ArmedRevert, Revert
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import before_state, restoring, runbook, runner
from wardline.agent.runbooks.before_state import BeforeState
from wardline.core.errors import Malformed
from wardline.core.evidence import bundle

WANTS = "etc/systemd/system/multi-user.target.wants"
LIVE_DRIFT: dict[str, Any] = {
    "replace": {
        "etc/ufw/ufw.conf": ["ENABLED=yes", "ENABLED=no"],
        "etc/chrony/chrony.conf": ["pool 2.debian.pool.ntp.org iburst", "#"],
    },
    "remove": [f"{WANTS}/chrony.service", f"{WANTS}/ufw.service"],
}
CHRONY: dict[str, Any] = {"chrony": ["pool"], "timesyncd": [], "units": ["chrony.service"]}


class Remote(Machine):
    """A host at the end of a line, which may go down between two changes."""

    kind = Kind.SSH

    def __init__(self, root: Path, *running: str) -> None:
        super().__init__(root, *running)
        self.armed: list[Revert] = []
        self.disarmed: list[str] = []
        self.fired = False

    def arm_revert(self, revert: Revert) -> ArmedRevert:
        revert.check()
        self.armed.append(revert)
        return ArmedRevert("one", revert)

    def disarm_revert(self, armed: ArmedRevert) -> None:
        if self.fired:
            raise RevertFired("host", "nobody called it off")
        self.disarmed.append(armed.id)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.fixture
def root(healthy: Path, tmp_path: Path) -> Path:
    return host_trees.copy(healthy, tmp_path / "host")


def _run(name: str, inputs: dict[str, Any], host: TreeHost) -> BeforeState:
    """What a run leaves, as it comes back from where it is kept."""
    report = runner.run(runbook.registry()[name], inputs, host)
    assert report.ok, report.error
    told = before_state.dump(before_state.taken(report, host))
    kept = before_state.load(told)
    assert before_state.dump(kept) == told
    return kept


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_an_undo_puts_a_tree_back_as_it_was_and_once_more_changes_nothing(
    name: str, root: Path
) -> None:
    host_trees.change(root, DRIFTS[name])
    host, before = TreeHost("host", "host", str(root)), _snapshot(root)
    kept = _run(name, _inputs(name, host), host)
    repaired = _snapshot(root)
    previewed = restoring.preview(kept)
    assert _snapshot(root) == repaired
    restored = restoring.restore(kept, host)
    assert restored.ok, restored
    assert _snapshot(root) == before
    assert [one.diff for one in restored.actions] == [one.diff for one in previewed]
    assert all(one.changed and not one.dry_run for one in restored.actions)
    for action in restored.actions:
        bundle.action_from_wire(json.loads(json.dumps(bundle.action_to_wire(action))))
    again = restoring.restore(kept, host)
    assert (again.ok, again.actions) == (True, ())
    assert _snapshot(root) == before


def test_an_undo_puts_units_commands_and_what_runs_back(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host, before = Machine(root, "ufw.service"), _snapshot(root)
    firewall = _run("firewall.enable", {"ssh_ports": ["22", "2222"]}, host)
    clock = _run("time_sync.enable", CHRONY, host)
    assert (host.filtering, host.allowed) == (True, ["22/tcp", "2222/tcp"])
    assert host.running == {"ufw.service", "chrony.service"}
    assert restoring.restore(clock, host).ok
    assert restoring.restore(firewall, host).ok
    assert (host.filtering, host.allowed, host.running) == (False, [], {"ufw.service"})
    assert _snapshot(root) == before


@pytest.mark.parametrize("enabled", [True, False])
def test_a_unit_that_did_not_run_before_is_stopped_again(enabled: bool, root: Path) -> None:
    if not enabled:
        (root / WANTS / "chrony.service").unlink()
    host, before = Machine(root), _snapshot(root)
    kept = _run("time_sync.enable", CHRONY, host)
    assert host.running == {"chrony.service"}
    restored = restoring.restore(kept, host)
    assert (restored.ok, host.running, _snapshot(root)) == (True, set(), before)
    (told,) = [one for one in restored.actions if one.target == "chrony.service"]
    assert {"-running", "+stopped", "+enabled" if enabled else "+disabled"} <= {
        *told.diff.splitlines()
    }
    assert restoring.restore(kept, host).actions == ()


def test_a_unit_that_somebody_has_stopped_since_refuses_the_undo(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root, "chrony.service")
    kept = _run("time_sync.enable", CHRONY, host)
    host.running.clear()
    restored = restoring.restore(kept, host)
    assert "chrony.service: is not as the run left it" in str(restored.refused)
    assert "-running" in restored.actions[0].diff
    assert "+stopped" in restored.actions[0].diff
    host.running.add("chrony.service")
    assert restoring.restore(kept, host).ok


def test_an_undo_that_was_cut_off_within_a_unit_goes_on(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host, before = Machine(root), _snapshot(root)
    kept = _run("time_sync.enable", CHRONY, host)
    host.run(("systemctl", "disable", "--", "chrony.service"), 1, 1)
    assert restoring.restore(kept, host).ok
    assert (_snapshot(root), host.running) == (before, set())


SHADOW = "root:$6$salt$hash:19000:0:99999:7:::\nann:$y$j9T$other:19000:0:99999:7:::\n"


def test_a_diff_of_an_undo_shows_no_password_as_none_of_its_run_did(root: Path) -> None:
    shadow = root / "etc/shadow"
    shadow.write_text(SHADOW)
    host = TreeHost("host", "host", str(root))
    kept = _run("account_ageing.limit", {}, host)
    shown = list(restoring.preview(kept))
    limited = shadow.read_text()
    shadow.write_text(limited + "bob:$6$salt$third:19000:0:90:7:30::\n")
    edited = restoring.restore(kept, host)
    assert edited.refused is not None
    shadow.write_text(limited)
    restored = restoring.restore(kept, host)
    assert (restored.ok, shadow.read_text()) == (True, SHADOW)
    told = "".join(one.diff for one in (*shown, *edited.actions, *restored.actions))
    assert "$" not in told
    for line in ("+bob:(set):19000", "-root:(set):19000:0:365", "+root:(set):19000:0:99999"):
        assert line in told


def _edit(root: Path) -> None:
    with (root / "etc/chrony/chrony.conf").open("a") as file:
        file.write("server 10.0.0.1\n")


@pytest.mark.parametrize(
    ("change", "shown"),
    [
        (_edit, "+server 10.0.0.1"),
        (lambda root: (root / "etc/chrony/chrony.conf").unlink(), "+(no such file)"),
        (lambda root: (root / "etc/chrony/chrony.conf").chmod(0o600), "+0600"),
        (lambda root: (root / WANTS / "chrony.service").unlink(), "+disabled"),
    ],
)
def test_what_was_edited_since_is_shown_and_nothing_at_all_is_changed(
    change: Callable[[Path], None], shown: str, root: Path
) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root)
    before = _snapshot(root)
    kept = _run("time_sync.enable", CHRONY, host)
    change(root)
    edited, said = _snapshot(root), list(host.ran)
    restored = restoring.restore(kept, host)
    if shown == "+disabled":
        # Somebody has disabled it as it was before: that part is back already.
        assert restored.ok
        assert _snapshot(root) == before
        return
    assert restored.refused is not None
    assert "nothing was changed" in restored.refused
    assert shown in restored.actions[0].diff
    assert [(one.dry_run, one.changed) for one in restored.actions] == [(True, False)]
    assert (_snapshot(root), host.ran) == (edited, said)


def test_an_edit_between_the_run_and_its_keeping_is_somebody_elses(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root)
    report = runner.run(runbook.registry()["time_sync.enable"], CHRONY, host)
    _edit(root)
    restored = restoring.restore(before_state.taken(report, host), host)
    assert restored.refused is not None
    assert "+server 10.0.0.1" in restored.actions[0].diff


def test_a_file_that_its_program_refuses_is_not_put_back(root: Path) -> None:
    host_trees.change(root, DRIFTS["ssh_config.harden"])
    host = Machine(root)
    host.run = _sshd(host.run, 0)  # type: ignore[method-assign]
    kept = _run("ssh_config.harden", _inputs("ssh_config.harden", host), host)
    repaired = _snapshot(root)
    host.run = _sshd(host.run, 255)  # type: ignore[method-assign]
    restored = restoring.restore(kept, host)
    assert "nothing was changed: sshd: ended with exit code 255" in str(restored.refused)
    assert _snapshot(root) == repaired


def _sshd(run: Any, code: int) -> Any:
    def answered(argv: Any, timeout_s: float, output_bytes_max: int) -> Any:
        output = run(argv if argv[0] != "sshd" else ("systemctl", "status", "x"), timeout_s, 1)
        return output if argv[0] != "sshd" else type(output)(code, b"", b"", False, 1)

    return answered


def test_what_fails_keeps_nothing_else_from_being_put_back(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root, fails="ufw disable")
    kept = _run("firewall.enable", {"ssh_ports": ["22"]}, host)
    restored = restoring.restore(kept, host)
    assert not restored.ok
    assert restored.refused is None
    assert "ufw: ended with exit code 1" in str(restored.left)
    assert "ufw status: is not as it was before" in str(restored.left)
    assert host.allowed == []
    failed = [one for one in restored.actions if one.error]
    assert [one.step for one in failed] == ["now"]
    assert "it was refused" in failed[0].output


def test_a_line_that_the_undo_could_cut_is_armed_and_called_off_over_a_new_one(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Remote(root)
    kept = _run("time_sync.enable", CHRONY, host)
    assert restoring.restore(kept, host).ok
    (armed,) = host.armed
    assert armed.files == ("/etc/chrony/chrony.conf",)
    assert ("systemctl", "start", "--", "chrony.service") in armed.reloads
    assert armed.after_s >= restoring.REVERT_AFTER_S
    assert host.disarmed == ["one"]


def test_a_host_that_has_put_itself_back_is_told(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Remote(root)
    kept = _run("time_sync.enable", CHRONY, host)
    host.fired = True
    restored = restoring.restore(kept, host)
    assert "what was put back may have gone again" in str(restored.left)


def test_a_host_that_is_only_observed_is_never_changed(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    kept = _run("time_sync.enable", CHRONY, Machine(root))
    observed = TreeHost("host", "host", str(root), writable=False)
    restored = restoring.restore(kept, observed)
    assert "only observed" in str(restored.refused)


def test_an_undo_of_no_known_form_is_not_kept_by_half() -> None:
    class Strange:
        deferred = False
        target = "x"
        was = None

    changed = before_state.Changed("step", Strange(), None)  # type: ignore[arg-type]
    with pytest.raises(Malformed, match="no form"):
        before_state.dump(BeforeState((changed,)))


@pytest.mark.parametrize(
    "change",
    [
        lambda wire: wire.update(schema="before_state/2"),
        lambda wire: wire.update(more=1),
        lambda wire: wire["changes"][0].update(step=7),
        lambda wire: wire["changes"][0]["undo"].update(kind="shell"),
        lambda wire: wire["changes"][0]["undo"].update(after="no base64"),
        lambda wire: wire["changes"][0]["undo"].update(check_with="rm -rf /"),
        lambda wire: wire["changes"][0]["undo"].update(before={"kind": "nothing"}),
        lambda wire: wire["changes"][1]["undo"].update(target="--now"),
        lambda wire: wire["changes"][1]["undo"].update(timeout_s=0),
        lambda wire: wire["changes"][0]["after"].update(owned=None),
        lambda wire: wire["changes"][0]["after"]["owned"].update(mode=0o10000),
    ],
)
def test_what_was_kept_is_read_strictly(change: Callable[[Any], None], root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root)
    report = runner.run(runbook.registry()["time_sync.enable"], CHRONY, host)
    wire = json.loads(before_state.dump(before_state.taken(report, host)))
    assert before_state.load(json.dumps(wire).encode()).changes
    change(wire)
    with pytest.raises(Malformed):
        before_state.load(json.dumps(wire).encode())


def test_names_that_are_no_characters_survive_being_kept(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    host = Machine(root)
    kept = _run("time_sync.enable", CHRONY, host)
    strange = before_state.Changed("\udcff", kept.changes[0].undo, kept.changes[0].after)
    assert before_state.load(before_state.dump(BeforeState((strange,)))).changes == (strange,)


def test_a_host_that_does_not_answer_is_not_changed(root: Path) -> None:
    host_trees.change(root, LIVE_DRIFT)
    kept = _run("time_sync.enable", CHRONY, Machine(root))

    class Silent(Machine):
        def stat(self, path: str) -> Any:
            raise Failed(path, "no answer")

    assert "nothing was changed" in str(restoring.restore(kept, Silent(root)).refused)
