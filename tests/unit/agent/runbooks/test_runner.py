"""What a run leaves behind: the wanted change, or, after any failure, the host as it was."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Running
from tests.unit.agent.runbooks import books
from wardline.agent.checks import check
from wardline.agent.hosts.host import Failed, HardLinked, Output, ReadOnly
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.line_guard import Pace
from wardline.agent.runbooks.runbook import InputInvalid
from wardline.core import clock
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.incidents import remedy

# The first drift of each runbook that needs no program of the host.
DRIFTS: dict[str, dict[str, Any]] = {
    name: next(case for case in books.cases(name) if books.is_on_a_tree(case))
    for name in runbook.registry()
}


# Nobody waits.
AT_ONCE = Pace(settle_s=0, wait=lambda _: None)


class CommandTree(Running):
    """A tree that answers commands from a table: the exit code by program, 0 where none is named."""

    def __init__(self, root: Path, codes: dict[str, int] | None = None) -> None:
        super().__init__(root)
        self.codes = codes or {}
        self.ran: list[list[str]] = []

    def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
        self.ran.append(list(argv))
        if argv[0] == "sysctl" and not self.codes.get("sysctl"):
            key, _, value = argv[2].partition("=")
            live = Path(self._root, "proc/sys", *key.split("."))
            live.write_text(f"{value}\n")
        return Output(self.codes.get(argv[0], 0), b"", b"as it was told\n", False, 1)


class FailingTree(TreeHost):
    """A tree on which the n-th change fails."""

    fails_at = 0
    changes = 0

    def replace_file(self, path: str, *arguments: Any, **named: Any) -> None:
        self._count(path)
        super().replace_file(path, *arguments, **named)

    def chmod(self, path: str, *arguments: Any) -> None:
        self._count(path)
        super().chmod(path, *arguments)

    def link(self, path: str, target: str) -> None:
        self._count(path)
        super().link(path, target)

    def remove_link(self, path: str) -> None:
        self._count(path)
        super().remove_link(path)

    def make_folder(self, path: str) -> None:
        self._count(path)
        super().make_folder(path)

    def _count(self, path: str) -> None:
        self.changes += 1
        if self.changes == self.fails_at:
            raise Failed(path, "No space left on device")


@pytest.fixture(scope="session")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.fixture
def root(healthy: Path, tmp_path: Path) -> Path:
    return host_trees.copy(healthy, tmp_path / "host")


def _snapshot(root: Path) -> dict[str, tuple[object, ...]]:
    found: dict[str, tuple[object, ...]] = {}
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        content = str(path.readlink()) if path.is_symlink() else content
        found[str(path.relative_to(root))] = (status.st_mode, status.st_uid, status.st_gid, content)
    return found


def _inputs(name: str, host: TreeHost) -> dict[str, Any]:
    result = _measured(name, host)
    assert result.outcome == Outcome.FAIL, result.summary
    chosen = remedy.candidates(runbook.remedies(), result.check, result.facts)
    assert [one.runbook for one in chosen] == [name]
    return remedy.inputs(chosen[0], result.facts)


def _measured(name: str, host: TreeHost) -> Result:
    case = DRIFTS[name]
    host.kind = books.kind(case)
    return check.measure(check.registry()[runbook.registry()[name].check], host, books.now_of(case))


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_a_run_repairs_what_the_check_found_and_a_second_one_changes_nothing(
    name: str, root: Path
) -> None:
    host_trees.change(root, DRIFTS[name])
    book, host = runbook.registry()[name], TreeHost("host", "host", str(root))
    inputs = _inputs(name, host)
    before = _snapshot(root)

    previewed = runner.dry_run(book, inputs, host)
    assert _snapshot(root) == before
    assert all(action.dry_run for action in previewed)
    report = runner.run(book, inputs, host)

    assert (report.ok, report.undone, report.error) == (True, None, None)
    assert report.changed
    assert [one.diff for one in report.actions] == [one.diff for one in previewed]
    result = _measured(name, host)
    assert result.outcome == Outcome.PASS, result.summary
    after = _snapshot(root)
    assert not runner.run(book, inputs, host).changed
    assert _snapshot(root) == after
    assert all(not action.changed for action in runner.dry_run(book, inputs, host))


@pytest.mark.parametrize("name", sorted(DRIFTS))
def test_a_failure_at_any_change_leaves_the_host_as_it_was(
    name: str, healthy: Path, tmp_path: Path
) -> None:
    for number in range(1, 20):
        root = host_trees.copy(healthy, tmp_path / f"host-{number}")
        host_trees.change(root, DRIFTS[name])
        host = FailingTree("host", "host", str(root))
        inputs, before = _inputs(name, host), _snapshot(root)
        host.fails_at = number
        report = runner.run(runbook.registry()[name], inputs, host)
        if report.ok:
            assert number > 1
            return
        assert _snapshot(root) == before
        assert "No space left on device" in str(report.error)
        assert report.undone is not False
        assert not report.changed
        assert report.actions[-1].error
    pytest.fail("the run never came to its end")


@pytest.mark.parametrize(
    ("changes", "check_id"),
    [
        ({"files": {"etc/motd": "Debian\n", "etc/issue": "Debian\n"}}, "login_banner"),
        ({"append": {"etc/clamav/freshclam.conf": "Example\n"}}, "antivirus"),
        ({"remove": ["var/lib/clamav"]}, "antivirus"),
        ({"links": {"etc/systemd/system/clamav-freshclam.service": "/dev/null"}}, "antivirus"),
        ({"remove": ["etc/systemd/system/multi-user.target.wants"]}, "antivirus"),
    ],
)
def test_what_a_runbook_cannot_put_right_is_left_to_a_person(
    changes: dict[str, Any], check_id: str, root: Path
) -> None:
    host_trees.change(root, changes)
    host = TreeHost("host", "host", str(root))
    result = check.measure(check.registry()[check_id], host, clock.system)
    assert result.outcome == Outcome.FAIL, result.summary
    assert remedy.candidates(runbook.remedies(), check_id, result.facts) == ()


@pytest.mark.parametrize(
    ("name", "path"),
    [("file_permissions.restore", "etc/shadow"), ("ssh_config.harden", "etc/ssh/sshd_config")],
)
def test_a_hard_link_leads_no_repair_out_of_the_tree(
    name: str, path: str, root: Path, tmp_path: Path
) -> None:
    host_trees.change(root, DRIFTS[name])
    host, book = TreeHost("host", "host", str(root)), runbook.registry()[name]
    inputs = _inputs(name, host)
    outside = tmp_path / "outside"
    os.link(root / path, outside)
    before, status = _snapshot(root), outside.stat()
    with pytest.raises(HardLinked, match=f"/{path}: has 2 names"):
        runner.dry_run(book, inputs, host)
    report = runner.run(book, inputs, host)
    assert not report.ok
    assert not report.changed
    assert f"/{path}: has 2 names" in (report.actions[-1].error or "")
    assert _snapshot(root) == before
    assert outside.stat().st_mode == status.st_mode


def test_an_observed_host_is_shown_the_change_and_keeps_its_state(root: Path) -> None:
    host_trees.change(root, DRIFTS["file_permissions.restore"])
    host = TreeHost("host", "host", str(root), writable=False)
    book = runbook.registry()["file_permissions.restore"]
    actions = runner.dry_run(book, {"paths": ["/etc/shadow"]}, host)
    assert "-0666" in actions[0].diff
    assert "+0640" in actions[0].diff
    with pytest.raises(ReadOnly):
        runner.run(book, {"paths": ["/etc/shadow"]}, host)


def test_a_line_wins_over_drop_ins_and_match_blocks_stay(root: Path) -> None:
    host_trees.change(root, DRIFTS["ssh_config.harden"])
    host = TreeHost("host", "host", str(root))
    book = runbook.registry()["ssh_config.harden"]
    runner.run(book, {"keywords": ["PermitRootLogin", "X11Forwarding"]}, host)
    lines = (root / "etc/ssh/sshd_config").read_text().split("\n")
    assert lines.index("PermitRootLogin no") < lines.index("Include /etc/ssh/sshd_config.d/*.conf")
    assert lines[-3:] == ["Match User sftp", "  PermitRootLogin no", ""]
    assert (root / "etc/ssh/sshd_config").stat().st_mode & 0o7777 == 0o600


def test_a_configuration_that_its_program_refuses_is_never_switched_in(root: Path) -> None:
    host_trees.change(root, DRIFTS["ssh_config.harden"])
    host, before = CommandTree(root, {"sshd": 255}), _snapshot(root)
    book = runbook.registry()["ssh_config.harden"]
    report = runner.run(book, {"keywords": ["PermitRootLogin"]}, host)
    assert not report.ok
    assert report.undone is None
    assert _snapshot(root) == before
    refused = report.actions[1]
    assert (refused.exit_code, refused.output) == (255, "as it was told\n")
    assert [argv[0] for argv in host.ran] == ["sshd"]


def test_a_server_that_does_not_reload_gets_its_old_file_back(root: Path) -> None:
    host_trees.change(root, DRIFTS["ssh_config.harden"])
    host, before = CommandTree(root, {"systemctl": 1}), _snapshot(root)
    book = runbook.registry()["ssh_config.harden"]
    report = runner.run(book, {"keywords": ["PermitRootLogin"]}, host, pace=AT_ONCE)
    assert _snapshot(root) == before
    assert report.undone is False
    assert "left by hand: systemctl" in str(report.error)
    # Once more after the host's own revert had its time.
    assert [argv[0] for argv in host.ran] == ["sshd", "systemctl", "systemctl", "systemctl"]


def test_a_live_kernel_is_set_and_put_back(root: Path) -> None:
    live = {"proc/sys/kernel/kptr_restrict": "0\n", "proc/sys/kernel/dmesg_restrict": "0\n"}
    host_trees.change(root, {"files": live})
    book = runbook.registry()["kernel_sysctl.apply"]
    inputs = {"keys": ["kernel.kptr_restrict", "kernel.dmesg_restrict"]}
    host, before = CommandTree(root), _snapshot(root)
    report = runner.run(book, inputs, host)
    assert report.ok
    assert (root / "proc/sys/kernel/kptr_restrict").read_text() == "2\n"
    (root / "etc/sysctl.d/zz-wardline.conf").unlink()
    host_trees.change(root, {"files": live})
    report = runner.run(book, inputs, CommandTree(root, {"sysctl": 1}))
    assert (report.ok, report.undone) == (False, True)
    assert _snapshot(root) == before


def test_a_file_that_was_edited_since_is_not_undone(root: Path) -> None:
    host_trees.change(root, DRIFTS["ssh_config.harden"])

    class Edited(CommandTree):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            if argv[0] == "systemctl":
                (root / "etc/ssh/sshd_config").write_text("# somebody else was here\n")
            return super().run(argv, timeout_s, output_bytes_max)

    book = runbook.registry()["ssh_config.harden"]
    host = Edited(root, {"systemctl": 1})
    report = runner.run(book, {"keywords": ["PermitRootLogin"]}, host, pace=AT_ONCE)
    assert report.undone is False
    assert report.changed
    assert "was edited since" in str(report.error)
    assert (root / "etc/ssh/sshd_config").read_text() == "# somebody else was here\n"


def test_modes_are_never_set_through_a_link(root: Path) -> None:
    (root / "etc/sudoers.d/link").symlink_to("../passwd")
    book = runbook.registry()["file_permissions.restore"]
    report = runner.run(book, {"paths": ["/etc/sudoers.d/link"]}, TreeHost("h", "h", str(root)))
    assert not report.ok
    assert (root / "etc/passwd").stat().st_mode & 0o7777 == 0o644


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        ("file_permissions.restore", {}),
        ("file_permissions.restore", {"paths": "/etc/shadow"}),
        ("file_permissions.restore", {"paths": ["/etc/hostname"]}),
        ("file_permissions.restore", {"paths": ["/etc/sudoers.d/../../usr/bin/su"]}),
        ("file_permissions.restore", {"paths": ["/etc/sudoers.d/.."]}),
        ("file_permissions.restore", {"paths": ["/etc/shadow", "/etc/shadow"]}),
        ("file_permissions.restore", {"paths": ["/etc/shadow"], "mode": ["0777"]}),
        ("kernel_sysctl.apply", {"keys": ["kernel.kptr_restrict = 0\nkernel.x"]}),
        ("kernel_sysctl.apply", {"keys": [["kernel.kptr_restrict"]]}),
    ],
)
def test_inputs_that_the_runbook_does_not_know_are_refused_before_anything_changes(
    name: str, inputs: dict[str, Any], root: Path
) -> None:
    before = _snapshot(root)
    host = TreeHost("host", "host", str(root))
    for ask in (runner.run, runner.dry_run):
        with pytest.raises(InputInvalid, match=name):
            ask(runbook.registry()[name], inputs, host)
    assert _snapshot(root) == before


def test_a_runbook_does_not_run_on_a_platform_it_was_not_made_for(root: Path) -> None:
    (root / "etc/os-release").write_text("ID=fedora\n")
    host = TreeHost("host", "host", str(root))
    with pytest.raises(InputInvalid, match="not made for linux/fedora"):
        runner.run(runbook.registry()["patching.enable_automatic"], {}, host)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_is_restored_where_owners_are_judged(root: Path) -> None:
    os.chown(root / "etc/shadow", 1000, 1000)
    host = TreeHost("host", "host", str(root))
    report = runner.run(
        runbook.registry()["file_permissions.restore"],
        _inputs("file_permissions.restore", host),
        host,
    )
    assert report.ok
    status = (root / "etc/shadow").stat()
    assert (status.st_uid, status.st_gid) == (0, 42)
