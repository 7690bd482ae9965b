"""The observing loop: measures when it is due, records what changed, opens and clears incidents.

Hosts over SSH are measured beside it, each in a thread and only once its line is open or given up:
a host that does not answer delays no other one.
"""

import math
import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

from wardline.agent import following, measure
from wardline.agent.bell import Bells
from wardline.agent.checks.protocol import Check
from wardline.agent.hosts.host import Kind
from wardline.agent.notice import Notice, Say
from wardline.agent.roster import Member, Roster
from wardline.agent.scrub.patient_names import NamesUnusable
from wardline.agent.settings import Intervals
from wardline.agent.store import heals, results
from wardline.agent.store.database import StoreFull, Transaction
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Draft
from wardline.agent.workers import Workers
from wardline.core import canonical
from wardline.core.evidence import bundle
from wardline.core.evidence.bundle import IncidentRecord, Result
from wardline.core.incidents import ladder, watching

IDLE_S_MAX = 5.0
REST_WHEN_FULL_S = 10.0
FIRST_SPLAY_S = 2.0
# Two clocks tell when a watch ends; the last look is a little late rather than a little early.
END_LATE_S = 0.05
FIRST_SPLAY_PER_HOST_S = 0.05
# Lines are opened over a longer time: each costs a handshake here and there.
REMOTE_SPLAY_S = 60.0
REMOTE_SPLAY_PER_HOST_S = 0.3
# How soon to look again whether a line is open, or a thread free.
REMOTE_LOOK_S = 0.1
WORKERS_STOP_S = 1.0
# What one bundle of a cycle may hold, well below the limit of a payload.
PARTS_BYTES_MAX = 160 * 1024


@dataclass(slots=True)
class _Due:
    """When a check of a host is measured next, on the monotonic clock, and when it was last."""

    check: Check
    at: float
    measured_at: float = -math.inf


class Observer:
    """Measures every check of every host at its interval."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        checks: Mapping[str, Check],
        intervals: Intervals,
        bells: Bells,
        draw: random.Random,
        say: Say,
        watched_s: float,
    ) -> None:
        """`watched_s`: how many seconds a heal is watched."""
        self._watched_s = watched_s
        self._ledger = ledger
        self._roster = roster
        self._intervals = intervals
        self._bells = bells
        self._draw = draw
        self._store_full = Notice(say)
        self._workers = Workers(bells.observe.ring)
        self._names_unusable = Notice(say)
        self._plan = [
            (member, [_Due(check, first) for check in checks.values()])
            for member, first in self._first_cycles()
        ]

    def run(self) -> None:
        """Until the bells say stop; what is measured in a thread then has a moment to end."""
        while not self._bells.stopping:
            try:
                wait_s = self.turn()
            except StoreFull as error:
                self._store_full.begins(f"checks have stopped: {error}")
                self._ledger.begin_gap(str(error))
                wait_s = REST_WHEN_FULL_S
            self._bells.observe.wait(wait_s)
        self._workers.join(WORKERS_STOP_S)

    def turn(self) -> float:
        """Measure what is due; seconds until there is more."""
        self._workers.check()
        self._take_names()
        now = time.monotonic()
        wait_s = IDLE_S_MAX
        for member, plan in self._plan:
            due = [one for one in plan if one.at <= now]
            if not due or self._bells.stopping or self._workers.is_busy(member.id):
                continue
            if member.host.kind is not Kind.SSH:
                self._measure(member, due)
            elif self._workers.can_start(member.id) and member.host.prepare():
                self._workers.start(member.id, partial(self._measure, member, due))
            else:
                wait_s = REMOTE_LOOK_S
        self._hasten()
        return min(wait_s, self._soonest_s())

    def _measure(self, member: Member, due: list[_Due]) -> None:
        self.cycle(member, [one.check for one in due])
        for one in due:
            one.measured_at = time.monotonic()
            one.at = one.measured_at + self._interval(one.check)

    def _soonest_s(self) -> float:
        """Seconds until the next check is due; what waits for a line or a thread is not counted."""
        now = time.monotonic()
        coming = [
            one.at - now
            for member, plan in self._plan
            for one in plan
            if one.at > now or member.host.kind is not Kind.SSH
        ]
        return max(min(coming, default=IDLE_S_MAX), 0.0)

    def _hasten(self) -> None:
        """What is watched is measured at the pace of its watch, and once right at its end."""
        moment, now = self._ledger.moment(), time.monotonic()
        with self._ledger.reading() as tx:
            lefts = heals.watched(tx, moment)
        for member, plan in self._plan if lefts else ():
            for one in plan:
                left = lefts.get((member.id, one.check.manifest.id))
                if left is None or not timedelta(0) < left <= timedelta(seconds=self._watched_s):
                    continue
                pace_s = watching.pace_s(self._watched_s, self._interval_s(one.check))
                end = now + left.total_seconds() + END_LATE_S
                one.at = min(one.at, one.measured_at + pace_s, end)

    def cycle(self, member: Member, checks: Iterable[Check]) -> list[Result]:
        """Measure these checks of a host and record what changed, in one transaction."""
        self._ledger.require_room()
        with member.busy:
            scrubber = self._ledger.scrubber
            found = [
                measure.measure(one, member.host, self._ledger.now, scrubber) for one in checks
            ]
            with self._ledger.transaction() as tx:
                changed = [one for one in found if results.is_news(tx, member.id, one)]
                moved = [
                    record
                    for one in found
                    for record in following.follow(tx, self._ledger, member.id, one)
                ]
                for one in found:
                    results.save(tx, member.id, one)
                self._seal(tx, member, changed, moved)
        self._store_full.ends("there is room again: checks go on")
        if moved:
            self._bells.act.ring()
        if changed or moved:
            self._bells.report.ring()
        return found

    def _take_names(self) -> None:
        """The list of patients' names as it is now; one that cannot be used leaves the one before
        in force."""
        try:
            self._ledger.scrubber.refresh()
        except NamesUnusable as error:
            self._names_unusable.begins(f"the names before stay in force: {error}")
        else:
            self._names_unusable.ends("the list of names is in force again")

    def _seal(
        self,
        tx: Transaction,
        member: Member,
        changed: list[Result],
        moved: list[IncidentRecord],
    ) -> None:
        for some, records in _parts(changed, moved):
            self._ledger.seal(tx, Draft(bundle.Kind.CYCLE, member.id, some, records))
        now = self._ledger.now()
        last = results.heartbeat_at(tx, member.id)
        interval = timedelta(seconds=self._intervals.heartbeat_s)
        if last is None or not now - interval < last <= now:
            # The first heartbeat comes an interval after the first cycle, which says it all.
            if last is not None:
                for some, _ in _parts(results.all_of(tx, member.id), []):
                    self._ledger.seal(tx, Draft(bundle.Kind.HEARTBEAT, member.id, some))
            results.set_heartbeat(tx, member.id, now)

    def _interval(self, check: Check) -> float:
        seconds = self._interval_s(check)
        return seconds * self._draw.uniform(1 - ladder.SPLAY_SHARE, 1 + ladder.SPLAY_SHARE)

    def _interval_s(self, check: Check) -> float:
        return self._intervals.of(check.manifest.id, check.manifest.interval_s)

    def _first_cycles(self) -> list[tuple[Member, float]]:
        """When each host is measured for the first time: soon, and not all at the same instant."""
        started, hosts = time.monotonic(), list(self._roster)
        remote = sum(member.host.kind is Kind.SSH for member in hosts)
        near_s = min(FIRST_SPLAY_S, FIRST_SPLAY_PER_HOST_S * len(hosts))
        far_s = min(REMOTE_SPLAY_S, near_s + REMOTE_SPLAY_PER_HOST_S * remote)
        return [
            (
                member,
                started + self._draw.uniform(0, far_s if member.host.kind is Kind.SSH else near_s),
            )
            for member in hosts
        ]


def _parts(
    changed: list[Result], moved: list[IncidentRecord]
) -> list[tuple[tuple[Result, ...], tuple[IncidentRecord, ...]]]:
    """Results and records in as few bundles as hold them; no bundle for nothing."""
    sizes = [_size(bundle.result_to_wire(one)) for one in changed]
    sizes += [_size(bundle.incident_to_wire(one)) for one in moved]
    parts: list[tuple[tuple[Result, ...], tuple[IncidentRecord, ...]]] = []
    start = room = 0
    for index, size in enumerate([*sizes, PARTS_BYTES_MAX + 1]):
        if index > start and size > room:
            some = changed[start:index]
            records = moved[max(0, start - len(changed)) : max(0, index - len(changed))]
            parts.append((tuple(some), tuple(records)))
            start = index
        if index == start:
            room = PARTS_BYTES_MAX
        room -= size
    return parts


def _size(wire: dict[str, Any]) -> int:
    return len(canonical.dumps(wire))
