"""The demo's own processes killed: `wardline up` starts them again, as it does Central's."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.harness.product import Central, wait_for
from wardline.demo.clinics import CLINICS

START_SECONDS_MAX = 60.0
RECOVERY_SECONDS_MAX = 40.0


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Central]:
    made = Central(tmp_path, "--demo")
    try:
        made.start()
        ran = "wardline.demo.breaker"
        wait_for(lambda: tethered(made, ran), "the demo runs", START_SECONDS_MAX)
        yield made
    finally:
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
        wait_for(
            lambda m=module: len(tethered(demo, m)) == len(CLINICS),  # type: ignore[misc]
            f"one {name} per clinic",
            RECOVERY_SECONDS_MAX,
        )
        running = tethered(demo, module)
        victim = min(running)
        psutil.Process(victim).kill()
        wait_for(
            lambda m=module, before=running: tethered(demo, m) - before,  # type: ignore[misc]
            f"another {name}",
            RECOVERY_SECONDS_MAX,
        )
        assert f"'s {name} process ended (signal 9)" in demo.process.output()


def test_trees_and_settings_that_an_interrupted_start_left_unfinished_are_made_whole(
    demo: Central,
) -> None:
    first = CLINICS[0]
    clinic = demo.data / "clinics" / first.key
    settings = clinic / "agent" / "agent.toml"
    quick = settings.read_text()
    demo.stop()
    settings.write_text(quick.replace("scale = 0.008", "scale = 1.0"))
    host = clinic / "hosts" / first.hosts[0]
    host.rename(clinic / "hosts.new" / first.hosts[0])
    (clinic / "hosts.new" / first.hosts[0] / "etc" / "passwd").unlink()
    demo.start()
    wait_for(lambda: tethered(demo, "wardline.agent"), "the demo runs again", START_SECONDS_MAX)
    assert settings.read_text() == quick
    assert (host / "etc" / "passwd").exists()
