"""Stops: versions of rules and runbooks that nothing may run by until a person releases them.

A section of the mandate. A stop that was released stays in it for a while: what was counted before
its release counts no more, on the appliances either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import Malformed
from wardline.core.evidence import fields
from wardline.core.section import Section

# A partner with more of them has stopped everything, and is told so.
IN_FORCE_MAX = 64
RELEASED_MAX = 32
BYTES_MAX = 80 * 1024
# 128 characters of any script.
NAME_BYTES_MAX = 512
VERSION_BYTES_MAX = 64
PERSON_BYTES_MAX = 255
RUNS_MAX = 1_000_000_000


class Kind(StrEnum):
    """What is stopped: one version of a rule or of a runbook, or all of them."""

    RULE = "rule"
    RUNBOOK = "runbook"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Subject:
    """A version of a rule (its id and revision, in digits) or of a runbook (its id and digest)."""

    kind: Kind
    name: str
    version: str

    @property
    def words(self) -> str:
        if self.kind is Kind.ALL:
            return "every rule and runbook"
        said = self.version if self.kind is Kind.RULE else self.version[:12]
        return f"{self.kind} {self.name}, version {said}"


ALL = Subject(Kind.ALL, "*", "*")


@dataclass(frozen=True, slots=True)
class Release:
    """A person, by name, has looked into it and let it run again."""

    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class Stop:
    """`failed` of `runs` runs of a version went wrong; `released` is None while it is in force."""

    id: str
    subject: Subject
    stopped_at: datetime
    failed: int
    runs: int
    released: Release | None = None

    @property
    def words(self) -> str:
        """What is stopped, since when and why, for the trace of a decision."""
        counted = f"{self.failed} of {self.runs} runs failed or were undone"
        since = clock.wire(self.stopped_at)
        return (
            f"{self.subject.words}: stopped since {since}, because {counted}; a person releases it"
        )


def carried(in_force: Sequence[Stop], released: Sequence[Stop]) -> tuple[Stop, ...]:
    """What a mandate carries of these, the oldest first in both; it always can. Everything is
    stopped where it cannot name all that is in force; of the releases it has the newest ones."""
    sizes = [_size(one) for one in in_force]
    told = list(in_force)
    if len(told) > IN_FORCE_MAX or None in sizes or _sum(sizes) > BYTES_MAX:
        first = in_force[0]
        told = [Stop(first.id, ALL, first.stopped_at, 0, 0)]
        sizes = [_size(told[0])]
    newest: list[Stop] = []
    for one in reversed(released[-RELEASED_MAX:]):
        size = _size(one)
        if size is not None and _sum([*sizes, size]) <= BYTES_MAX:
            sizes.append(size)
            newest.append(one)
    return (*told, *reversed(newest))


def parse(value: object) -> Stop:
    """One stop as the wire has it; raises Malformed."""
    obj = fields.exactly(value, _KEYS)
    kind = fields.choice(obj, "kind", _KINDS)
    name, version = _text(obj, "name", NAME_BYTES_MAX), _text(obj, "version", VERSION_BYTES_MAX)
    if kind is Kind.ALL and (name, version) != (ALL.name, ALL.version):
        raise Malformed("name", "everything is stopped: no version of anything is named")
    return Stop(
        id=fields.entity(obj, "id", "stop"),
        subject=Subject(kind, name, version),
        stopped_at=fields.instant(obj, "stopped_at"),
        failed=fields.integer(obj, "failed", 0, RUNS_MAX),
        runs=fields.integer(obj, "runs", 0, RUNS_MAX),
        released=None if obj["released"] is None else fields.part(obj, "released", _release),
    )


def to_wire(stop: Stop) -> dict[str, Json]:
    released = stop.released
    return {
        "id": stop.id,
        "kind": stop.subject.kind.value,
        "name": stop.subject.name,
        "version": stop.subject.version,
        "stopped_at": clock.wire(stop.stopped_at),
        "failed": stop.failed,
        "runs": stop.runs,
        "released": released and {"at": clock.wire(released.at), "by": released.by},
    }


def _size(stop: Stop) -> int | None:
    """Its canonical bytes; None for one that nobody could read."""
    try:
        wire = to_wire(stop)
        size = len(canonical.dumps(wire))
        parse(wire)
    except Malformed:
        return None
    return size


def _sum(sizes: Sequence[int | None]) -> int:
    """The bytes of a list of so many items."""
    return 2 + sum(size + 1 for size in sizes if size is not None)


def _release(value: object) -> Release:
    obj = fields.exactly(value, _RELEASE_KEYS)
    return Release(fields.instant(obj, "at"), _text(obj, "by", PERSON_BYTES_MAX))


def _text(obj: Any, key: str, bytes_max: int) -> str:
    return fields.text(obj, key, bytes_max, 1)


_KINDS = {one.value: one for one in Kind}
_KEYS = frozenset({"id", "kind", "name", "version", "stopped_at", "failed", "runs", "released"})
_RELEASE_KEYS = frozenset({"at", "by"})
SECTION = Section("stops", IN_FORCE_MAX + RELEASED_MAX, BYTES_MAX, parse, to_wire)
