"""Units of systemd in the wanted state: by links on a tree, by systemctl on a host that runs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.unit.agent.live_host import LINKS, UNITS, Systemd
from wardline.agent.hosts.host import Failed, HostError, Output
from wardline.agent.hosts.queries import Query
from wardline.agent.hosts.tree import TreeHost
from wardline.agent.runbooks import runbook, runner
from wardline.agent.runbooks.runbook import Runbook
from wardline.core import canonical
from wardline.core.evidence import bundle

TEXT = """
id: demo.repair
version: 1
title: A repair
description: It repairs.
risk: low
check: file_permissions
platforms: [linux]
controls: ["nist_800_53:CM-6"]
inputs:
  units: {type: choices, table: units, description: The units.}
tables:
  units:
    time.service: {word: time}
    print.service: {word: print}
    print.socket: {word: print}
    static.service: {word: static}
    gone.service: {word: gone}
steps:
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "host"
    (root / "etc").mkdir(parents=True)
    (root / "etc/os-release").write_text("ID=debian\n")
    (root / "etc/time.conf").write_text("server = a\n")
    texts = {
        "time.service": "[Unit]\n[Install]\nWantedBy=multi-user.target\nAlias=clock.service\n",
        "print.service": "[Install]\nWantedBy=a.target\nWantedBy=\nWantedBy=b.target\nAlso=print.socket\n",
        "print.socket": "[Install]\nRequiredBy=sockets.target ../../../x.target\n# WantedBy=no.target\n",
        "static.service": "[Service]\nWantedBy=multi-user.target\n",
    }
    (root / UNITS).mkdir(parents=True)
    for name, text in texts.items():
        (root / UNITS / name).write_text(text)
    return root


def _book(*steps: str) -> Runbook:
    return runbook.load((TEXT + "".join(f"  - {{{step}}}\n" for step in steps)).encode(), "demo")


def _unit(state: str, more: str = "") -> str:
    return f'type: set_service, name: unit, for_each: units, unit: "{{item}}", state: {state}{more}'


LINE = (
    "type: set_config_line, name: server, file: /etc/time.conf, syntax: equals, key: server, "
    'line: "server = b"'
)
SERVER = LINE + ', unproven: "a file of this test"'
# The last change of a run, which cannot be done: /etc is no file.
BROKEN = (
    'type: install_file, name: broken, file: /etc, content: x, mode: "0644", '
    'unproven: "a folder of this test"'
)


def _state(root: Path) -> dict[str, str]:
    found = {}
    for path in sorted(root.rglob("*")):
        kept = str(path.readlink()) if path.is_symlink() else f"{path.lstat().st_mode:o}"
        found[str(path.relative_to(root))] = kept
    return {**found, "content": (root / "etc/time.conf").read_text()}


def _run(book: Runbook, host: TreeHost, *units: str) -> runner.RunReport:
    return runner.run(book, {"units": list(units)}, host)


def test_a_tree_gets_the_links_that_systemctl_makes_and_loses_them_again(root: Path) -> None:
    host, before = TreeHost("h", "h", str(root)), _state(root)
    enable, disable = _book(_unit("enabled")), _book(_unit("disabled"))
    preview = runner.dry_run(enable, {"units": ["time.service"]}, host)
    assert [one.diff for one in preview] == ["time.service: disabled → enabled\n"]
    assert _state(root) == before

    report = _run(enable, host, "time.service", "print.service")
    assert (report.ok, report.changed) == (True, True)
    target = f"/{UNITS}/time.service"
    links = {path: text for path, text in _state(root).items() if text.startswith("/")}
    assert links == {
        f"{LINKS}/multi-user.target.wants/time.service": target,
        f"{LINKS}/clock.service": target,
        f"{LINKS}/b.target.wants/print.service": f"/{UNITS}/print.service",
        f"{LINKS}/sockets.target.requires/print.socket": f"/{UNITS}/print.socket",
    }
    assert not _run(enable, host, "time.service").changed

    report = _run(disable, host, "time.service", "print.service")
    assert report.actions[0].diff == "time.service: enabled → disabled\n"
    assert not [text for text in _state(root).values() if text.startswith("/")]
    assert not _run(disable, host, "time.service", "gone.service").changed


@pytest.mark.parametrize("state", ["enabled", "disabled"])
@pytest.mark.parametrize("running", [(), ("time.service",)])
@pytest.mark.parametrize("live", [True, False])
def test_a_failure_afterwards_puts_the_unit_back(
    root: Path, state: str, running: tuple[str, ...], live: bool
) -> None:
    if state == "disabled":
        # An administrator's own link, which systemctl would not make again.
        wants = root / LINKS / "rescue.target.wants"
        wants.mkdir(parents=True)
        (wants / "time.service").symlink_to(f"../../../../{UNITS}/time.service")
        wants.with_name("multi-user.target.wants").mkdir()
        (wants.with_name("multi-user.target.wants") / "time.service").symlink_to(
            f"/{UNITS}/time.service"
        )
    host = Systemd(root, *running) if live else TreeHost("h", "h", str(root))
    before = _state(root)
    report = _run(_book(_unit(state), SERVER, BROKEN), host, "time.service")
    assert (report.ok, report.undone, report.changed) == (False, True, False)
    assert [one.undone for one in report.actions] == [True, True, False]
    assert _state(root) == before
    if isinstance(host, Systemd):
        assert host.running == set(running)


def test_a_live_unit_is_enabled_and_started_and_asked_again(root: Path) -> None:
    host = Systemd(root)
    report = _run(_book(_unit("enabled")), host, "time.service")
    assert report.ok
    assert report.actions[0].diff == (
        "time.service: disabled → enabled\ntime.service: stopped → running\n"
    )
    assert host.ran == ["enable --now -- time.service"]
    assert not _run(_book(_unit("enabled")), host, "time.service").changed
    host.running.clear()
    report = _run(_book(_unit("enabled")), host, "time.service")
    assert report.actions[0].diff == "time.service: stopped → running\n"


def test_a_unit_that_does_not_take_the_state_is_put_back(root: Path) -> None:
    class Dies(Systemd):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            output = super().run(argv, timeout_s, output_bytes_max)
            self.running.clear()
            return output

    host, before = Dies(root), _state(root)
    report = _run(_book(_unit("enabled")), host, "time.service")
    assert "was told to be enabled, and is enabled, stopped" in str(report.error)
    assert (report.undone, _state(root)) == (True, before)


def test_a_command_that_fails_half_way_is_undone(root: Path) -> None:
    host, before = Systemd(root, refuses="enable"), _state(root)
    report = _run(_book(_unit("enabled")), host, "time.service")
    assert (report.ok, report.undone) == (False, True)
    assert report.actions[0].output == "as it was told\n"
    assert (_state(root), host.running) == (before, set())


def test_a_unit_that_is_not_found_as_it_was_is_left_by_hand(root: Path) -> None:
    class Stubborn(Systemd):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            output = super().run(argv, timeout_s, output_bytes_max)
            self.running.add("time.service")
            return output

    report = _run(_book(_unit("enabled"), BROKEN), Stubborn(root), "time.service")
    assert report.undone is False
    assert "left by hand: time.service: is not as it was before" in str(report.error)


def test_a_masked_unit_is_not_enabled_and_is_stopped_where_it_runs(root: Path) -> None:
    (root / LINKS).mkdir(parents=True)
    (root / LINKS / "time.service").symlink_to("/dev/null")
    host, before = Systemd(root, "time.service"), _state(root)
    for one in (host, TreeHost("h", "h", str(root))):
        report = _run(_book(_unit("enabled")), one, "time.service")
        assert "is masked: somebody decided" in str(report.error)
    report = _run(_book(_unit("disabled")), host, "time.service")
    assert report.ok
    assert host.ran == ["stop -- time.service"]
    assert _state(root) == before


@pytest.mark.parametrize(
    ("unit", "says"),
    [
        ("gone.service", "this host has no such unit"),
        ("static.service", r"has no \[Install\] section"),
    ],
)
@pytest.mark.parametrize("live", [True, False])
def test_what_cannot_be_enabled_is_said_before_anything_is_done(
    root: Path, unit: str, says: str, live: bool
) -> None:
    host = Systemd(root) if live else TreeHost("h", "h", str(root))
    before, book = _state(root), _book(_unit("enabled"))
    with pytest.raises(Failed, match=says):
        runner.dry_run(book, {"units": [unit]}, host)
    report = _run(book, host, unit)
    assert (report.ok, report.undone, _state(root)) == (False, None, before)


def test_a_vendors_own_link_is_left_to_a_person(root: Path) -> None:
    wants = root / UNITS / "multi-user.target.wants"
    wants.mkdir()
    (wants / "time.service").symlink_to("../time.service")
    report = _run(_book(_unit("disabled")), TreeHost("h", "h", str(root)), "time.service")
    assert f"/{UNITS}/multi-user.target.wants/time.service: mask it by hand" in str(report.error)


def test_a_unit_that_is_not_there_can_be_left_out(root: Path) -> None:
    book = _book(_unit("enabled", ", only_if_installed: true"))
    report = _run(book, TreeHost("h", "h", str(root)), "gone.service")
    assert (report.ok, report.changed) == (True, False)
    assert report.actions[0].output == "left out: this host has no such unit"


def test_a_restart_follows_a_change_and_comes_last_when_it_is_undone(root: Path) -> None:
    content: list[str] = []

    class Reads(Systemd):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            content.append((root / "etc/time.conf").read_text())
            return super().run(argv, timeout_s, output_bytes_max)

    host = Reads(root, "time.service")
    report = _run(_book(SERVER, _unit("restarted"), BROKEN), host, "time.service")
    assert report.undone is True
    assert content == ["server = b\n", "server = a\n"]
    report = _run(_book(SERVER, _unit("restarted")), host, "time.service")
    assert report.actions[1].diff == "time.service: restarted\n"
    again = _run(_book(SERVER, _unit("restarted")), host, "time.service")
    assert not again.changed
    assert again.actions[1].output == "left out: no step before it changed anything"
    assert len(content) == 3


def test_a_stopped_unit_and_a_tree_are_not_restarted(root: Path) -> None:
    book = _book(SERVER, _unit("restarted"))
    stopped = Systemd(root)
    assert _run(book, stopped, "time.service").actions[1].changed is False
    assert stopped.ran == []
    (root / "etc/time.conf").write_text("server = a\n")
    report = _run(book, TreeHost("h", "h", str(root)), "time.service")
    assert report.actions[1].output == "left out: nothing runs on a file tree"


def test_a_host_that_does_not_say_how_a_unit_is_keeps_it(root: Path) -> None:
    class Silent(Systemd):
        def ask(self, query: Query) -> Output:
            return Output(1, b"", b"Failed to connect to bus\n", False, 1)

    host = Silent(root)
    report = _run(_book(_unit("disabled")), host, "time.service")
    assert "did not say how it is: Failed to connect to bus" in str(report.error)
    assert host.ran == []


def test_what_a_generator_made_is_left_to_a_person(root: Path) -> None:
    class Generated(Systemd):
        def ask(self, query: Query) -> Output:
            said = b"LoadState=loaded\nActiveState=active\nUnitFileState=generated\n"
            return Output(0, said, b"", False, 1)

    host = Generated(root)
    report = _run(_book(_unit("disabled")), host, "time.service")
    assert "is generated: change by hand" in str(report.error)
    assert host.ran == []


@pytest.mark.parametrize("live", [True, False])
def test_a_link_out_of_the_tree_is_neither_removed_nor_followed(root: Path, live: bool) -> None:
    wants = root / LINKS / "multi-user.target.wants"
    wants.mkdir(parents=True)
    (wants / "time.service").symlink_to("../../../../../../../outside")
    host = Systemd(root) if live else TreeHost("h", "h", str(root))
    before = _state(root)
    report = _run(_book(_unit("disabled")), host, "time.service")
    assert "leads out of the tree" in str(report.error)
    assert (report.undone, _state(root)) == (None, before)


class FailingLinks(TreeHost):
    """A tree on which the n-th change of a link or a folder fails."""

    fails_at = 0
    changes = 0

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


@pytest.mark.parametrize("state", ["enabled", "disabled"])
def test_a_failure_at_any_link_leaves_the_tree_as_it_was(root: Path, state: str) -> None:
    units = ("time.service", "print.service")
    if state == "disabled":
        assert _run(_book(_unit("enabled")), TreeHost("h", "h", str(root)), *units).ok
    before = _state(root)
    for number in range(1, 20):
        host = FailingLinks("h", "h", str(root))
        host.fails_at = number
        report = _run(_book(_unit(state)), host, *units)
        if report.ok:
            assert number > 3
            return
        assert _state(root) == before
        assert report.undone is not False, report.error
    pytest.fail("the run never came to its end")


@pytest.mark.parametrize("answer", [Output(1, b"", b"bad line\n", False, 1), None])
def test_a_line_that_its_program_refuses_or_cannot_judge_is_not_written(
    root: Path, answer: Any
) -> None:
    class Judges(Systemd):
        def run(self, argv: Sequence[str], timeout_s: float, output_bytes_max: int) -> Output:
            staged = Path(str(root) + argv[-1])
            assert staged.read_text() == "server = b\n"
            assert (root / "etc/time.conf").read_text() == "server = a\n"
            if answer is None:
                raise HostError("timed", "there is no such program")
            return answer

    before = _state(root)
    report = _run(_book(LINE + ', check_with: [timed, -f, "{staged}"]'), Judges(root))
    assert (report.ok, report.undone) == (False, None)
    assert _state(root) == before


def test_a_name_that_is_no_text_is_told_in_evidence_and_stops_no_run(root: Path) -> None:
    links = root / LINKS
    links.mkdir(parents=True)
    Path(os.fsdecode(os.fsencode(links) + b"/\xff.service")).symlink_to("../../../../../../x")
    report = _run(_book(SERVER, _unit("enabled")), TreeHost("h", "h", str(root)), "time.service")
    assert (report.ok, report.undone) == (False, True)
    assert report.error == f"/{LINKS}/\\udcff.service: leads out of the tree"
    canonical.dumps([bundle.action_to_wire(one) for one in report.actions])
