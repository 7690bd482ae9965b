"""The demo's three clinics: who they are, their machines, and what each of them is there to show.

Riverside has a drift that waits for an approval, Harbour a repair that its opening hours block,
Northgate a rival that undoes a repair until a hold is set. All three have small drifts that heal.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WEEKDAYS = [1, 2, 3, 4, 5]
EVERY_DAY = [0, 1, 2, 3, 4, 5, 6]
# A repair that switches automatic updates on waits until the clinic is closed, at every clinic.
AFTER_HOURS_RUNBOOK = "patching.enable_automatic"


@dataclass(frozen=True, slots=True)
class Opening:
    """One drift of the beginning, `at_s` seconds after the breaker has started.

    A `rival` breaks the same thing again as soon as it was repaired, `times` times in all.
    """

    at_s: float
    host: str
    check: str
    times: int = 1


@dataclass(frozen=True, slots=True)
class Clinic:
    """One site; `key` names its folder. With `observes_here` this machine is one of its hosts."""

    key: str
    name: str
    zone: str
    opening_hours: tuple[Mapping[str, Any], ...]
    hosts: tuple[str, ...]
    openings: tuple[Opening, ...]
    observes_here: bool = False


def _hours(days: list[int], start: str, end: str) -> Mapping[str, Any]:
    return {"days": days, "start": start, "end": end}


CLINICS = (
    Clinic(
        key="riverside",
        name="Riverside Family Practice",
        zone="America/New_York",
        opening_hours=(_hours(WEEKDAYS, "08:00", "18:00"),),
        hosts=("reception-pc", "records-server", "imaging-ws", "nurse-station"),
        openings=(
            Opening(2, "records-server", "file_permissions"),
            Opening(5, "reception-pc", "ssh_config"),
        ),
        observes_here=True,
    ),
    Clinic(
        key="harbour",
        name="Harbour Emergency Dental",
        zone="Europe/London",
        # It never closes, so what has to wait until it is closed is a matter for a person.
        opening_hours=(_hours(EVERY_DAY, "00:00", "23:59"),),
        hosts=("front-desk", "xray-ws", "dental-records", "lab-pc"),
        openings=(
            Opening(3, "front-desk", "patching"),
            Opening(6, "xray-ws", "kernel_sysctl"),
        ),
    ),
    Clinic(
        key="northgate",
        name="Northgate Physiotherapy",
        zone="America/Chicago",
        opening_hours=(_hours(WEEKDAYS, "07:00", "19:00"), _hours([6], "09:00", "13:00")),
        hosts=("therapy-pc", "billing-pc", "file-server", "kiosk"),
        openings=(
            Opening(2, "file-server", "kernel_sysctl", times=4),
            Opening(8, "billing-pc", "file_permissions"),
        ),
    ),
)


def named(key: str) -> Clinic:
    """The clinic of a folder; raises KeyError."""
    return {clinic.key: clinic for clinic in CLINICS}[key]
