"""What the demo breaks, and when: the openings, chance that is no flap, and little for persons."""

import random
import shutil
from collections import Counter
from pathlib import Path

import pytest

from wardline.core.incidents import catalogue
from wardline.demo import breaker, drifts, trees
from wardline.demo.breaker import Breaker
from wardline.demo.clinics import AFTER_HOURS_RUNBOOK, CLINICS, Clinic

CHECKS = {way.says: way.check for way in drifts.BREAKS}
RISKY = {
    way.says
    for way in drifts.BREAKS
    if way.runbook is None or catalogue.runbooks()[way.runbook].risk != "low"
}


def suffered(clinic: Clinic, hosts: Path, seconds: int, *, repair: bool) -> list[tuple[float, str]]:
    """What a breaker says in `seconds`; with `repair` every host is as new after each tick."""
    for name in clinic.hosts:
        trees.build(hosts / name, name)
    one = Breaker(clinic, hosts, random.Random(11), started=0.0)
    told = []
    for step in range(seconds * 2):
        for said in one.tick(step / 2):
            told.append((step / 2, said))
            if repair:
                name = said.partition(":")[0]
                shutil.rmtree(hosts / name)
                trees.build(hosts / name, name)
    return told


def test_the_clinics_have_twelve_machines_with_names_of_their_own() -> None:
    names = [name for clinic in CLINICS for name in clinic.hosts]
    assert len(names) == len(set(names)) == 12
    assert AFTER_HOURS_RUNBOOK in catalogue.runbooks()


@pytest.mark.parametrize("clinic", CLINICS, ids=lambda clinic: clinic.key)
def test_every_opening_is_broken_in_time(clinic: Clinic, tmp_path: Path) -> None:
    told = suffered(clinic, tmp_path, 30, repair=True)
    for one in clinic.openings:
        seen = [
            at
            for at, said in told
            if said.startswith(f"{one.host}:") and CHECKS[said.partition(": ")[2]] == one.check
        ]
        assert len(seen) == one.times
        assert one.at_s <= seen[0] <= one.at_s + 1


def test_chance_leaves_a_drift_time_to_rest_and_persons_in_peace(tmp_path: Path) -> None:
    clinic = CLINICS[2]
    told = suffered(clinic, tmp_path, 560, repair=True)
    assert len(told) > 30
    first = {way.check: way.says for way in reversed(drifts.BREAKS)}
    opened = len([one for one in clinic.openings if first[one.check] in RISKY])
    for_persons = [said for _, said in told if said.partition(": ")[2] in RISKY]
    assert len(for_persons) <= breaker.PERSON_MAX + opened
    rivals = {(one.host, one.check) for one in clinic.openings if one.times > 1}
    last: dict[tuple[str, str], float] = {}
    for at, said in told:
        host, _, says = said.partition(": ")
        drift = (host, CHECKS[says])
        if drift not in rivals:
            assert at - last.get(drift, -breaker.REST_S) >= breaker.REST_S
        last[drift] = at


def test_what_nobody_repairs_is_broken_once(tmp_path: Path) -> None:
    clinic = CLINICS[2]
    told = Counter(said for _, said in suffered(clinic, tmp_path, 1200, repair=False))
    assert set(told.values()) == {1}
