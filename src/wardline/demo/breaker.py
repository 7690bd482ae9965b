"""Breaks a setting of a clinic's hosts every few seconds, as updates, haste and habit do."""

import random
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wardline.core.incidents import catalogue
from wardline.demo import clinics, drifts
from wardline.demo.clinics import Clinic, Opening
from wardline.demo.drifts import Break

TICK_S = 0.5
PAUSE_S = (7.0, 14.0)
# A rival comes back when a repair has been proved: in the middle of one it would be a failed run.
RIVAL_PAUSE_S = 5.0
# Longer than the demo's flap window: what drifts by chance is not taken for a rival.
REST_S = 150.0
# What a person has to deal with stays broken until they do: so much of it, and no more at once.
PERSON_PAUSE_S = 240.0
PERSON_MAX = 3


@dataclass(slots=True)
class Breaker:
    """What one clinic's hosts suffer. `now` is monotonic seconds; nothing here waits."""

    clinic: Clinic
    hosts: Path
    draw: random.Random
    started: float
    _rested: dict[tuple[str, str], float] = field(default_factory=dict)
    _left: dict[Opening, int] = field(default_factory=dict)
    _next_at: float = 0.0
    _person_at: float = 0.0
    _for_persons: int = 0

    def __post_init__(self) -> None:
        self._left = {one: one.times for one in self.clinic.openings}
        self._next_at = self.started + max(one.at_s for one in self.clinic.openings)
        self._person_at = self.started + PERSON_PAUSE_S

    def tick(self, now: float) -> Iterator[str]:
        """Breaks what is due now, and says what."""
        for one, left in self._left.items():
            if left > 0 and now >= self._due(one):
                yield from self._open(one, now)
        if now >= self._next_at:
            self._next_at = now + self.draw.uniform(*PAUSE_S)
            yield from self._by_chance(now)

    def _due(self, one: Opening) -> float:
        last = self._rested.get((one.host, one.check))
        return self.started + one.at_s if last is None else last + RIVAL_PAUSE_S

    def _open(self, one: Opening, now: float) -> Iterator[str]:
        """A rival keeps to one setting: it breaks it again once somebody has put it right."""
        way = next(each for each in drifts.BREAKS if each.check == one.check)
        if way.apply(self.hosts / one.host):
            self._left[one] -= 1
            self._rested[one.host, one.check] = now
            yield f"{one.host}: {way.says}"
        elif one.times == 1:
            self._left[one] = 0

    def _by_chance(self, now: float) -> Iterator[str]:
        choices = [
            (host, way)
            for host in self.clinic.hosts
            for way in drifts.BREAKS
            if now - self._rested.get((host, way.check), now - REST_S) >= REST_S
            and (_heals_unasked(way) or self._may_ask(now))
        ]
        while choices:
            weights = [way.weight for _, way in choices]
            host, way = self.draw.choices(choices, weights)[0]
            if way.apply(self.hosts / host):
                self._rested[host, way.check] = now
                if not _heals_unasked(way):
                    self._person_at = now + PERSON_PAUSE_S
                    self._for_persons += 1
                yield f"{host}: {way.says}"
                return
            choices.remove((host, way))

    def _may_ask(self, now: float) -> bool:
        return now >= self._person_at and self._for_persons < PERSON_MAX


def main() -> None:
    """Runs until SIGTERM or SIGINT; the arguments are a clinic's key and its hosts' folder."""
    clinic, hosts = clinics.named(sys.argv[1]), Path(sys.argv[2])
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    breaker = Breaker(clinic, hosts, random.Random(), time.monotonic())
    while not ended.wait(TICK_S):
        for said in breaker.tick(time.monotonic()):
            sys.stdout.write(f"{said}\n")
            sys.stdout.flush()


def _heals_unasked(way: Break) -> bool:
    """Whether a repair of low risk answers this drift."""
    return way.runbook is not None and catalogue.runbooks()[way.runbook].risk == "low"


if __name__ == "__main__":
    main()
