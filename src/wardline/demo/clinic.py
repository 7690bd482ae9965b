"""A clinic of the demo: its site at Central, its hosts as file trees, its agent, what breaks them.

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
from wardline.demo.clinics import AFTER_HOURS_RUNBOOK, CLINICS, Clinic

ENROL_SECONDS_MAX = 60
# A visitor has a minute, so the demo measures within seconds what a clinic measures in minutes;
# the window of the flap rule and the watch over a heal shrink with it, or every repair would soon
# be held and none stable. What the stories of the beginning hang on is measured the most often:
# all of it at that pace kept a core of the visitor's machine busy.
STORY_INTERVAL_S = 2.4
INTERVALS = settings.Intervals(
    scale=0.03,
    checks={one.check: STORY_INTERVAL_S for clinic in CLINICS for one in clinic.openings},
    checkin_s=2,
    reevaluate_s=2,
    heartbeat_s=600,
)
FLAP = settings.Flap(heals=3, window_minutes=1)
WATCH = settings.Watch(period_s=20)


class DemoFailed(WardlineError):
    """The demo's clinic could not be set up; the message holds what the command said."""


class Central(Protocol):
    """The owner's signed-in client."""

    url: str

    def get(self, path: str, **parameters: str | int) -> Any: ...

    def post(self, path: str, body: object) -> Any: ...

    def policy(self, name: str, body: object | None = None) -> Any: ...


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one clinic under the demo's data directory."""

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


def all_places(data: Path) -> dict[str, Places]:
    """Each clinic's folders under the data directory, by the clinic's key."""
    return {clinic.key: Places(data / "clinics" / clinic.key) for clinic in CLINICS}


def prepare(central: Central, data: Path, progress: Callable[[str], None]) -> None:
    """Makes sites, host trees and enrolled agents, each only where it is not there yet."""
    _keep_updates_out_of_hours(central)
    places = all_places(data)
    for clinic in CLINICS:
        _prepare(central, clinic, places[clinic.key], progress)


def processes(data: Path) -> list[Child]:
    """An agent and a breaker per clinic, each a process of its own that ends with this one."""
    return [
        process
        for key, places in all_places(data).items()
        for process in (
            _process(places, f"{key}'s agent", "wardline.agent", "run", "--data", places.agent),
            _process(places, f"{key}'s breaker", "wardline.demo.breaker", key, places.hosts),
        )
    ]


def _prepare(
    central: Central, clinic: Clinic, places: Places, progress: Callable[[str], None]
) -> None:
    places.logs.mkdir(parents=True, exist_ok=True)
    missing = [name for name in clinic.hosts if not (places.hosts / name).exists()]
    if missing:
        progress(f"Building {len(missing)} machines of {clinic.name}")
    for name in missing:
        _build(places, name)
    for name in clinic.hosts:
        trees.refresh(places.hosts / name)
    if not (places.agent / "agent.toml").exists():
        progress(f"Enrolling the agent of {clinic.name}")
        _enrol(central, clinic, places, _site(central, clinic))
    _quicken(settings.Layout(places.agent))


def _keep_updates_out_of_hours(central: Central) -> None:
    """Gives the rule of one runbook the site's opening hours, as an operator would."""
    for rule in central.policy("list")["data"]:
        if rule["action"] == AFTER_HOURS_RUNBOOK and rule.get("openingHours") != "outside":
            wanted = {key: value for key, value in rule.items() if key not in _READ_ONLY}
            central.policy("update", {**wanted, "openingHours": "outside"})


_READ_ONLY = frozenset({"revision", "createdBy", "createdAt", "updatedBy", "updatedAt"})


def _build(places: Places, name: str) -> None:
    """Whole or not at all: made beside the final place, then renamed."""
    unfinished = places.root / "hosts.new" / name
    shutil.rmtree(unfinished, ignore_errors=True)
    trees.build(unfinished, name)
    places.hosts.mkdir(exist_ok=True)
    unfinished.rename(places.hosts / name)


def _site(central: Central, clinic: Clinic) -> str:
    for site in central.get("/fleet", limit=100)["items"]:
        if site["name"] == clinic.name:
            return str(site["id"])
    hours = [dict(each) for each in clinic.opening_hours]
    wanted = {"name": clinic.name, "zone": clinic.zone, "opening_hours": hours}
    site = central.post("/sites", wanted)
    central.post(
        f"/sites/{site['id']}/healing",
        {"healing": "heal", "reason": "the demo shows repairs; a real site starts observing"},
    )
    return str(site["id"])


def _enrol(central: Central, clinic: Clinic, places: Places, site: str) -> None:
    token = central.post(f"/sites/{site}/enrolment-tokens", {})["token"]
    # Left over from an enrolment that was interrupted: it has no agent.toml, so it never counted.
    shutil.rmtree(places.agent, ignore_errors=True)
    local = "--observe-local" if clinic.observes_here else "--no-local"
    hosts = [f"--tree={name}={places.hosts / name}" for name in clinic.hosts]
    arguments = ["enrol", central.url, token, "--data", str(places.agent), local, *hosts]
    done = subprocess.run(
        [sys.executable, "-m", "wardline.agent", *arguments],
        capture_output=True,
        text=True,
        timeout=ENROL_SECONDS_MAX,
        check=False,
    )
    if done.returncode != 0:
        raise DemoFailed(
            f"enrolling the agent of {clinic.name} failed: {done.stderr.strip()[-2000:]}"
        )


def _quicken(layout: settings.Layout) -> None:
    """At every start: one that was interrupted may have enrolled the agent and no more."""
    found = settings.load(layout)
    quick = found.model_copy(update={"intervals": INTERVALS, "flap": FLAP, "watch": WATCH})
    if quick != found:
        write_private(layout.settings, settings.to_toml(quick).encode())


def _process(places: Places, name: str, module: str, *arguments: str | Path) -> Child:
    tether = [sys.executable, "-m", "wardline.demo.tether", str(os.getpid())]
    log = places.logs / f"{name.rpartition(' ')[2]}.log"
    return Child(name, [*tether, module, *map(str, arguments)], None, log)
