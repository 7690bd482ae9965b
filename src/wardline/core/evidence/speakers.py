"""Which appliances speak in a log, for which hosts and when, and whether they may.

A host belongs to one appliance. It may move to another one for good: then all that the first says
of it lies before what the second says, either by place in the log or by the time of capture (what
the first had queued may arrive late, and its clock may have been wrong). Two that speak for one
host by turns in both are a contradiction that no reader of the log can resolve.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import combinations

from wardline.core import clock
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.log import Entry
from wardline.core.evidence.verdict import Exit, Finding


@dataclass(slots=True)
class Span:
    """The first and last place and time at which an appliance spoke; times in ms of the epoch."""

    first_index: int
    last_index: int
    first_ms: int
    last_ms: int

    def widen(self, index: int, at_ms: int) -> None:
        self.last_index = index
        self.first_ms = min(self.first_ms, at_ms)
        self.last_ms = max(self.last_ms, at_ms)

    def meets(self, other: "Span") -> bool:
        """Whether the two overlap both in the log and in time."""
        by_index = self.first_index <= other.last_index and other.first_index <= self.last_index
        by_time = self.first_ms <= other.last_ms and other.first_ms <= self.last_ms
        return by_index and by_time


@dataclass(slots=True)
class Speakers:
    """The records of each appliance: how many, from which index on, and of which hosts."""

    counts: dict[str, int] = field(default_factory=dict)
    firsts: dict[str, int] = field(default_factory=dict)
    hosts: dict[str, dict[str, Span]] = field(default_factory=dict)

    def hear(self, index: int, entry: Entry, record: Bundle | None) -> None:
        """Takes in a record of a stream, or one that contradicts another."""
        appliance = entry.appliance or ""
        self.counts[appliance] = self.counts.get(appliance, 0) + 1
        self.firsts.setdefault(appliance, index)
        if entry.host is None:
            return
        at_ms = entry.received_ms if record is None else clock.milliseconds(record.captured_at)
        spans = self.hosts.setdefault(entry.host, {})
        if appliance in spans:
            spans[appliance].widen(index, at_ms)
        else:
            spans[appliance] = Span(index, index, at_ms, at_ms)

    def remarks(self, trusted: Collection[str]) -> Iterator[Finding]:
        """What an auditor who trusts these appliances, if any, has to know of who speaks."""
        for appliance in sorted(set(trusted) - self.counts.keys()):
            what = f"nothing of {appliance}, which you know, is in the export"
            yield Finding(Exit.INCOMPLETE, "entries", what)
        for appliance in sorted(self.counts.keys() - set(trusted)) if trusted else ():
            what = f"nobody you trust vouches for {appliance}, which speaks in this log"
            hosts = sum(appliance in spans for spans in self.hosts.values())
            told = f"{what} ({self.counts[appliance]} records, {hosts} hosts)"
            yield Finding(Exit.UNWITNESSED, f"index {self.firsts[appliance]}", told)
        yield from self._contradictions()

    def _contradictions(self) -> Iterator[Finding]:
        for host, spans in sorted(self.hosts.items()):
            for one, other in combinations(sorted(spans), 2):
                if spans[one].meets(spans[other]):
                    where = f"index {max(spans[one].first_index, spans[other].first_index)}"
                    what = f"{one} and {other} speak for {host} at the same time"
                    yield Finding(Exit.INCOMPLETE, where, f"{what}; one of them has no right to")
