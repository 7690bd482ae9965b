"""Which repairs may cut the line, and what their hosts are told to do without us."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.unit.agent import host_trees
from tests.unit.agent.live_host import Machine
from tests.unit.agent.runbooks.test_runner import DRIFTS, _inputs
from wardline.agent.hosts.host import (
    CannotRun,
    Failed,
    HostError,
    NotPermitted,
    Output,
    TimedOut,
    Unreachable,
)
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.revert import Revert
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import cutting, plan, runbook, telling
from wardline.agent.runbooks.mode_operation import ChangeMode
from wardline.agent.runbooks.operations import WriteFile
from wardline.agent.runbooks.plan import Planned
from wardline.agent.runbooks.runbook import UnitState
from wardline.agent.runbooks.unit_operation import SetUnit
from wardline.core.evidence.bundle import OUTPUT_BYTES_MAX

INPUTS: dict[str, dict[str, object]] = {
    "firewall.enable": {"ssh_ports": ["22"]},
    "kernel_sysctl.apply": {"keys": ["net.ipv4.conf.all.rp_filter"]},
}
# What changes sshd, a firewall, accounts, PAM, sudo or the network. Of modes and of kernel settings
# it depends on which.
CUTS = {
    "account_ageing.limit",
    "empty_passwords.lock",
    "file_permissions.restore",
    "firewall.enable",
    "login_banner.show",
    "password_policy.set",
    "remote_access.require_keys",
    "ssh_config.harden",
    "ssh_keys.restrict",
    "sudo_config.set_defaults",
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return host_trees.clinic(tmp_path_factory.mktemp("healthy") / "host")


@pytest.fixture(scope="module")
def root(healthy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = host_trees.copy(healthy, tmp_path_factory.mktemp("clinic") / "host")
    changes = {"etc/ufw/ufw.conf": ["ENABLED=yes", "ENABLED=no"]}
    host_trees.change(root, {"replace": changes})
    live = root / "proc/sys/net/ipv4/conf/all/rp_filter"
    live.parent.mkdir(parents=True)
    live.write_text("0\n")
    return root


@pytest.mark.parametrize("name", sorted(runbook.registry()))
def test_of_every_runbook_it_is_known_whether_it_can_cut_the_line(
    name: str, healthy: Path, tmp_path: Path
) -> None:
    """Each as it answers the drift of its own first case."""
    tree = host_trees.copy(healthy, tmp_path / "host")
    host_trees.change(tree, DRIFTS[name])
    inputs = _inputs(name, TreeHost("host", "host", str(tree)))
    planned = plan.make(runbook.registry()[name], inputs, Machine(tree))
    assert any(cutting.cuts(one) for one in planned) is (name in CUTS)


@pytest.mark.parametrize(
    ("key", "cuts"), [("net.ipv4.conf.all.rp_filter", True), ("kernel.kptr_restrict", False)]
)
def test_a_kernel_setting_of_the_network_can_cut_the_line(key: str, cuts: bool, root: Path) -> None:
    planned = plan.make(runbook.registry()["kernel_sysctl.apply"], {"keys": [key]}, Machine(root))
    assert any(cutting.cuts(one) for one in planned) is cuts


@pytest.mark.parametrize("path", ["/etc/sudoers", "/etc/sudoers.d/x", "/etc/pam.d/sshd"])
def test_whoever_becomes_root_by_it_can_be_cut_off(path: str) -> None:
    operation = WriteFile("a", "install_file", path, b"", None, None, None)
    assert cutting.cuts(Planned(operation, 0, 60, cuts_line=False, stops=False))


def test_a_step_may_say_that_it_cuts_the_line() -> None:
    operation = WriteFile("a", "install_file", "/etc/motd", b"", None, None, None)
    assert cutting.cuts(Planned(operation, 0, 60, cuts_line=True, stops=False))
    assert not cutting.cuts(Planned(operation, 0, 60, cuts_line=False, stops=False))


def test_a_firewall_goes_back_by_its_own_program_then_by_its_files(root: Path) -> None:
    host = Machine(root, "ufw.service")
    host.allowed = ["80/tcp"]
    planned = plan.make(runbook.registry()["firewall.enable"], {"ssh_ports": ["22"]}, host)
    revert = cutting.revert(planned, host, 60)
    assert revert is not None
    revert.check()
    assert revert.commands == (("ufw", "disable"), ("ufw", "delete", "allow", "22/tcp"))
    assert revert.files == ("/etc/ufw/ufw.conf",)
    assert (revert.reloads, revert.after_s) == ((), 60)


def test_a_server_reads_its_old_file_again(root: Path) -> None:
    host = Machine(root)
    inputs = {"keywords": ["MaxAuthTries"]}
    (root / "etc/ssh/sshd_config").write_text("MaxAuthTries 9\n")
    planned = plan.make(runbook.registry()["ssh_config.harden"], inputs, host)
    revert = cutting.revert(planned, host, 60)
    assert revert is not None
    assert revert.files == ("/etc/ssh/sshd_config",)
    assert revert.reloads == (("systemctl", "try-reload-or-restart", "ssh.service"),)


def test_a_kernel_gets_the_values_back_that_it_had(root: Path) -> None:
    host = Machine(root)
    planned = plan.make(
        runbook.registry()["kernel_sysctl.apply"], INPUTS["kernel_sysctl.apply"], host
    )
    revert = cutting.revert(planned, host, 60)
    assert revert is not None
    assert revert.commands == (("sysctl", "--write", "net.ipv4.conf.all.rp_filter=0"),)


def test_a_folder_gets_its_mode_back(root: Path) -> None:
    (root / "etc/sudoers.d").chmod(0o777)
    host = Machine(root)
    planned = plan.make(
        runbook.registry()["file_permissions.restore"], {"paths": ["/etc/sudoers.d"]}, host
    )
    revert = cutting.revert(planned, host, 60)
    assert revert is not None
    assert (revert.modes, revert.files, revert.commands) == (("/etc/sudoers.d",), (), ())


def test_a_file_whose_mode_alone_is_changed_is_not_copied(root: Path) -> None:
    """A copy of it would have to be put into a folder that belongs to somebody else."""
    (root / "home/frontdesk/.ssh/authorized_keys").chmod(0o666)
    paths = {"paths": ["/home/frontdesk/.ssh/authorized_keys"]}
    planned = plan.make(runbook.registry()["ssh_keys.restrict"], paths, Machine(root))
    revert = cutting.revert(planned, Machine(root), 60)
    assert revert is not None
    revert.check()
    assert (revert.modes, revert.files) == (tuple(paths["paths"]), ())
    assert "mode of /home/frontdesk/.ssh/authorized_keys" in telling.armed("h", revert, 0.0).output


def test_a_file_that_goes_back_as_a_whole_has_its_mode_with_it(root: Path) -> None:
    path = "/etc/ssh/sshd_config"
    change = ChangeMode("a", "set_mode", path, 0o644, None, None)
    write = WriteFile("b", "install_file", path, b"new", None, None, None)
    planned = [
        Planned(one, at, 60, cuts_line=False, stops=False) for at, one in enumerate((change, write))
    ]
    revert = cutting.revert(planned, Machine(root), 60)
    assert revert is not None
    assert (revert.files, revert.modes) == ((path,), ())


def test_nothing_waits_on_a_host_where_nothing_would_change(root: Path) -> None:
    host = Machine(root)
    inputs = {"login_defs": [], "pwquality": [], "faillock": []}
    planned = plan.make(runbook.registry()["password_policy.set"], inputs, host)
    assert cutting.revert(planned, host, 60) is None


def _silent(error: HostError) -> Callable[[Query], Output]:
    def ask(query: Query) -> Output:
        raise error

    return ask


@pytest.mark.parametrize(
    "error",
    [
        TimedOut("ufw", "took longer than 5 s, ended"),
        Unreachable("root@host", "the connection broke"),
        CannotRun("ufw", "could not be started"),
        NotPermitted("/etc/ufw"),
        Failed("systemctl", "did not say how it is"),
    ],
)
def test_a_host_that_does_not_say_what_would_change_is_not_changed(
    error: HostError, root: Path
) -> None:
    host = Machine(root)
    planned = plan.make(runbook.registry()["firewall.enable"], {"ssh_ports": ["22"]}, host)
    host.ask = _silent(error)  # type: ignore[method-assign]
    with pytest.raises(type(error)):
        cutting.revert(planned, host, 60)


def test_what_an_operation_itself_refuses_is_refused_in_its_own_turn(root: Path) -> None:
    """The run then ends as failed and undone; nothing of that operation has to go back."""
    masked = root / "etc/systemd/system/nftables.service"
    masked.symlink_to("/dev/null")
    operations = [
        SetUnit("a", "set_service", "nftables.service", UnitState.ENABLED, False, 60),
        WriteFile("b", "install_file", "/etc/ssh", b"x", None, None, None),
    ]
    planned = [Planned(one, 0, 60, cuts_line=True, stops=False) for one in operations]
    assert cutting.revert(planned, Machine(root), 60) is None
    for one in operations:
        with pytest.raises(HostError):
            one.preview(Machine(root))
    masked.unlink()


def test_what_is_told_of_a_revert_fits_into_evidence() -> None:
    files = tuple(f"/etc/ssh/{'x' * 1000}{at}" for at in range(100))
    action = telling.armed("host", Revert(files, (), 60), 0.0)
    assert len(action.output.encode()) <= OUTPUT_BYTES_MAX
    assert action.output.endswith("[cut]\n")
