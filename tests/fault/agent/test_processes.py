"""The agent as a process: stopped, killed, started twice, and asked without being enrolled."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.harness.fake_central import FakeCentral
from tests.harness.loopback import serving
from tests.integration.agent.bench import DRIFT, GOOD_MODE, build_tree
from wardline.agent import settings
from wardline.agent.__main__ import app
from wardline.agent.checks import check
from wardline.agent.settings import Intervals, Layout, SettingsInvalid
from wardline.core.evidence import bundle

STOP_S_MAX = 3.0
WAIT_S = 20.0
CHECK = "file_permissions"


class Appliance:
    """An enrolled directory, and the processes that a test runs on it."""

    def __init__(self, folder: Path, url: str, central: FakeCentral) -> None:
        self.folder, self.central = folder, central
        self.tree, self.data = folder / "host", folder / "agent"
        build_tree(self.tree)
        self.running: list[subprocess.Popen[bytes]] = []
        done = self.command(
            *("enrol", url, central.token, "--data", self.data),
            *("--tree", f"records={self.tree}", "--no-local"),
        )
        assert done.returncode == 0, done.stderr
        self.said_at_enrolment = done.stdout
        layout = Layout(self.data)
        quick = Intervals(scale=0.002, checkin_s=1, reevaluate_s=1)
        made = settings.load(layout).model_copy(update={"intervals": quick})
        layout.settings.write_text(settings.to_toml(made))

    def command(self, *arguments: str | Path) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "wardline.agent", *arguments],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
        )

    def start(self) -> "subprocess.Popen[bytes]":
        with (self.folder / "agent.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "wardline.agent", "run", "--data", self.data],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process

    def close(self) -> None:
        for process in self.running:
            if process.poll() is None:
                process.kill()
            process.wait()


@pytest.fixture
def appliance(tmp_path: Path) -> Iterator[Appliance]:
    central = FakeCentral(healing="heal")
    with serving(central) as url:
        made = Appliance(tmp_path, url, central)
        yield made
        made.close()


def _until(told: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_S
    while not told():
        assert time.monotonic() < deadline, f"it never came to {what}"
        time.sleep(0.05)


def _healed(appliance: Appliance) -> int:
    return sum(record.outcome == "success" for record in appliance.central.records(CHECK))


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_running_agent_ends_within_three_seconds(
    appliance: Appliance, how: signal.Signals
) -> None:
    process = appliance.start()
    _until(lambda: len(appliance.central.stored) > 0, "its first evidence")
    began = time.monotonic()
    process.send_signal(how)
    assert process.wait(WAIT_S) == 0
    assert time.monotonic() - began < STOP_S_MAX


def test_enrolment_says_the_line_that_runs_this_very_directory(appliance: Appliance) -> None:
    assert f"Run it: wardline agent run --data {appliance.data}\n" in appliance.said_at_enrolment


def test_a_second_agent_on_one_directory_is_refused(appliance: Appliance) -> None:
    appliance.start()
    _until(lambda: len(appliance.central.stored) > 0, "its first evidence")
    second = appliance.command("run", "--data", appliance.data)
    assert second.returncode == 1
    assert "another agent (process" in second.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_start_on_a_full_disk_says_so_in_one_line(appliance: Appliance) -> None:
    (appliance.data / "agent.lock").unlink(missing_ok=True)
    (appliance.data / "agent.lock").symlink_to("/dev/full")
    done = appliance.command("run", "--data", appliance.data)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "agent.lock cannot be written (No space left on device): free disk space" in done.stderr


def test_an_agent_that_is_killed_again_and_again_loses_nothing(appliance: Appliance) -> None:
    for kills in range(2):
        (appliance.tree / DRIFT).chmod(0o666)
        wanted = len(appliance.central.requests) + 1 + 2 * kills
        process = appliance.start()
        _until(lambda wanted=wanted: len(appliance.central.requests) >= wanted, "work")  # type: ignore[misc]
        process.kill()
        process.wait()
    (appliance.tree / DRIFT).chmod(0o666)
    process = appliance.start()
    _until(lambda: (appliance.tree / DRIFT).stat().st_mode & 0o777 == GOOD_MODE, "the repair")
    _until(lambda: _healed(appliance) > 0, "the evidence of the repair")
    process.terminate()
    process.wait()
    prev = bundle.NO_PREV
    for seq, one in enumerate(appliance.central.stored, 1):
        assert (one.bundle.seq, one.bundle.prev) == (seq, prev)
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, one.envelope.payload)


def test_once_measures_without_enrolment_and_writes_nothing(tmp_path: Path) -> None:
    tree, home = tmp_path / "tree", tmp_path / "home"
    build_tree(tree)
    home.mkdir()
    before = _picture(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "wardline.agent", "once", "--json", "--tree", f"t={tree}"],
        capture_output=True,
        text=True,
        env={**os.environ, "HOME": str(home), "XDG_DATA_HOME": str(home)},
        cwd=home,
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout)["results"]
    assert {one["check"] for one in results} == set(check.registry())
    for one in results:
        assert one["outcome"] in {"pass", "fail", "unknown", "not_applicable"}
        assert one["outcome"] in {"pass", "fail"} or one["reason"]
    assert _picture(tmp_path) == before


@pytest.mark.parametrize("command", ["run", "doctor", "trust"])
def test_what_needs_an_enrolment_says_how_to_get_one(tmp_path: Path, command: str) -> None:
    with pytest.raises(SettingsInvalid, match="wardline agent enrol"):
        app([command, "--data", str(tmp_path / "nowhere")], standalone_mode=False)
    assert not (tmp_path / "nowhere").exists()


def _picture(root: Path) -> dict[str, tuple[float, int, bytes]]:
    """Change time, mode and content of everything; access does not count."""
    return {
        str(path): (
            path.stat().st_ctime_ns,
            path.stat().st_mode,
            path.read_bytes() if path.is_file() else b"",
        )
        for path in root.rglob("*")
    }
