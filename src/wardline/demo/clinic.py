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
from wardline.central.children import Child
from wardline.central.settings import write_private
from wardline.core.errors import WardlineError
from wardline.demo import trees

SITE_NAME = "Riverside Family Practice"
SITE_ZONE = "America/New_York"
OPENING_HOURS = [{"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}]
ENROL_SECONDS_MAX = 60
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
        if not (places.hosts / name).exists():
            progress(f"Building the file tree of {name}")
            _build(places, name)
        trees.refresh(places.hosts / name)
    if not (places.agent / "agent.toml").exists():
        progress(f"Enrolling the agent of {SITE_NAME}")
        _enrol(central, places, _site(central))
    _quicken(settings.Layout(places.agent))


def processes(places: Places) -> list[Child]:
    """The agent and the breaker, each a process of its own that ends with this one."""
    return [
        _process(places, "agent", "wardline.agent", "run", "--data", str(places.agent)),
        _process(places, "breaker", "wardline.demo.breaker", str(places.hosts)),
    ]


def _build(places: Places, name: str) -> None:
    """Whole or not at all: made beside the final place, then renamed."""
    unfinished = places.root / "hosts.new" / name
    shutil.rmtree(unfinished, ignore_errors=True)
    trees.build(unfinished, name)
    places.hosts.mkdir(exist_ok=True)
    unfinished.rename(places.hosts / name)


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


def _quicken(layout: settings.Layout) -> None:
    """At every start: one that was interrupted may have enrolled the agent and no more."""
    found = settings.load(layout)
    quick = found.model_copy(update={"intervals": INTERVALS, "flap": FLAP})
    if quick != found:
        write_private(layout.settings, settings.to_toml(quick).encode())


def _process(places: Places, name: str, module: str, *arguments: str) -> Child:
    tether = [sys.executable, "-m", "wardline.demo.tether", str(os.getpid())]
    log = places.logs / f"{name}.log"
    return Child(f"clinic's {name}", [*tether, module, *arguments], None, log)
