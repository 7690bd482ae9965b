"""The demo's clinic: its site at Central, its hosts as file trees, its agent, and what breaks them.

Everything goes the way that a person would go: the API, the enrolment token, the agent's command.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from wardline.agent import settings
from wardline.core.errors import WardlineError
from wardline.demo import trees

SITE_NAME = "Riverside Family Practice"
SITE_ZONE = "America/New_York"
OPENING_HOURS = [{"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}]
ENROL_SECONDS_MAX = 60
STOP_SECONDS_MAX = 5
# A visitor has a minute, so the demo measures within seconds what a clinic measures in minutes;
# the window of the flap rule shrinks with it, or every repair would soon be held.
INTERVALS = settings.Intervals(scale=0.008, checkin_s=2, reevaluate_s=2, heartbeat_s=600)
FLAP = settings.Flap(heals=3, window_minutes=1)


class DemoFailed(WardlineError):
    """The demo's clinic could not be set up; the message holds what the command said."""


class Central(Protocol):
    """The owner's signed-in client."""

    url: str

    def get(self, path: str, **parameters: str | int) -> Any: ...

    def post(self, path: str, body: object) -> Any: ...


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of the demo's clinic under the data directory."""

    root: Path

    @property
    def hosts(self) -> Path:
        return self.root / "hosts"

    @property
    def agent(self) -> Path:
        return self.root / "agent"

    @property
    def logs(self) -> Path:
        return self.root / "logs"


def prepare(central: Central, places: Places, progress: Callable[[str], None]) -> None:
    """Makes site, host trees and an enrolled agent, each only where it is not there yet."""
    places.logs.mkdir(parents=True, exist_ok=True)
    for name in trees.NAMES:
        if not (places.hosts / name / "etc").exists():
            progress(f"Building the file tree of {name}")
            trees.build(places.hosts / name, name)
        trees.refresh(places.hosts / name)
    if not (places.agent / "agent.toml").exists():
        progress(f"Enrolling the agent of {SITE_NAME}")
        _enrol(central, places, _site(central))


def start(places: Places) -> list["subprocess.Popen[bytes]"]:
    """The agent and the breaker as processes of their own; `stop` ends them."""
    return [
        _spawn(places, "agent", "wardline.agent", "run", "--data", str(places.agent)),
        _spawn(places, "breaker", "wardline.demo.breaker", str(places.hosts)),
    ]


def stop(processes: list["subprocess.Popen[bytes]"]) -> None:
    """Asks each to end, and ends it where it does not within STOP_SECONDS_MAX."""
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _site(central: Central) -> str:
    for site in central.get("/fleet", limit=100)["items"]:
        if site["name"] == SITE_NAME:
            return str(site["id"])
    site = central.post(
        "/sites", {"name": SITE_NAME, "zone": SITE_ZONE, "opening_hours": OPENING_HOURS}
    )
    central.post(
        f"/sites/{site['id']}/healing",
        {"healing": "heal", "reason": "the demo shows repairs; a real site starts observing"},
    )
    return str(site["id"])


def _enrol(central: Central, places: Places, site: str) -> None:
    token = central.post(f"/sites/{site}/enrolment-tokens", {})["token"]
    # Left over from an enrolment that was interrupted: it has no agent.toml, so it never counted.
    shutil.rmtree(places.agent, ignore_errors=True)
    hosts = [f"--tree={name}={places.hosts / name}" for name in trees.NAMES]
    arguments = ["enrol", central.url, token, "--data", str(places.agent), "--observe-local"]
    done = subprocess.run(
        [sys.executable, "-m", "wardline.agent", *arguments, *hosts],
        capture_output=True,
        text=True,
        timeout=ENROL_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(f"enrolling the demo's agent failed: {done.stderr.strip()[-2000:]}")
    layout = settings.Layout(places.agent)
    quick = settings.load(layout).model_copy(update={"intervals": INTERVALS, "flap": FLAP})
    layout.settings.write_text(settings.to_toml(quick))


def _spawn(places: Places, name: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
    tether = [sys.executable, "-m", "wardline.demo.tether", str(os.getpid())]
    with (places.logs / f"{name}.log").open("ab") as log:
        return subprocess.Popen(
            [*tether, module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C at the terminal is for `wardline up`, which ends things in order.
            start_new_session=True,
        )
