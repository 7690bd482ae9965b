"""The demo's own processes killed: `wardline up` starts them again, as it does Central's."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.product import Central, wait_for
from wardline.demo.trees import NAMES

START_SECONDS_MAX = 60.0
RECOVERY_SECONDS_MAX = 40.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Central]:
    made = Central(tmp_path, "--demo").start()
    wait_for(lambda: tethered(made, "wardline.demo.breaker"), "the demo runs", START_SECONDS_MAX)
    yield made
    made.stop()


def tethered(central: Central, module: str) -> set[int]:
    """The living children of `wardline up` that run this module."""
    assert central.process is not None
    found = set()
    for process in psutil.Process(central.process.popen.pid).children():
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            tended = "wardline.demo.tether" in line and module in line
            if tended and process.status() != psutil.STATUS_ZOMBIE:
                found.add(process.pid)
    return found


def test_a_killed_agent_and_breaker_run_again(demo: Central) -> None:
    assert demo.process is not None
    for name, module in (("agent", "wardline.agent"), ("breaker", "wardline.demo.breaker")):
        running = wait_for(lambda m=module: tethered(demo, m), name, RECOVERY_SECONDS_MAX)  # type: ignore[misc]
        (victim,) = running
        psutil.Process(victim).kill()
        wait_for(
            lambda m=module, pid=victim: tethered(demo, m) - {pid},  # type: ignore[misc]
            f"another {name}",
            RECOVERY_SECONDS_MAX,
        )
        assert f"The clinic's {name} process ended (signal 9)" in demo.process.output()


def test_trees_and_settings_that_an_interrupted_start_left_unfinished_are_made_whole(
    demo: Central,
) -> None:
    clinic = demo.data / "clinic"
    settings = clinic / "agent" / "agent.toml"
    quick = settings.read_text()
    demo.stop()
    settings.write_text(quick.replace("scale = 0.008", "scale = 1.0"))
    host = clinic / "hosts" / NAMES[0]
    host.rename(clinic / "hosts.new" / NAMES[0])
    (clinic / "hosts.new" / NAMES[0] / "etc" / "passwd").unlink()
    demo.start()
    wait_for(lambda: tethered(demo, "wardline.agent"), "the demo runs again", START_SECONDS_MAX)
    assert settings.read_text() == quick
    assert (host / "etc" / "passwd").exists()
