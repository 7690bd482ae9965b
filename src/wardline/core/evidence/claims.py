"""What an incident record may claim: "healed" is a measurement that passed, and nothing else is.

"Stable" is one more that passed, at or after the end of the watch over the heal. The same rules
stand as constraints on Central's table of incidents.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from wardline.core.errors import Malformed
from wardline.core.evidence.watch import Watch

# What waits has no outcome yet, and what went away by itself has none of ours.
_OUTCOMES: Mapping[str, str | None] = {
    "open": None,
    "observing": None,
    "waiting": None,
    "failed": "failed",
    "escalated": "escalated",
    "healed": "success",
    "stable": "success",
    "resolved": None,
}
_REPAIRED = ("healed", "stable")
_CLOSED = (*_REPAIRED, "resolved")
_GONE = ("pass", "not_applicable")
# How the watch of the last heal may have ended, by state; else it drifted again, or was undone.
_ENDS: Mapping[str, tuple[str | None, ...]] = {"healed": (None,), "stable": ("stable",)}
_CAME_BACK = ("recurred", "unproved", "undone")


class Measured(Protocol):
    """A measurement of a check; `outcome` is one of the words of a result."""

    @property
    def check(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def measured_at(self) -> datetime: ...


class Step(Protocol):
    """A step of a runbook, run or only tried out."""

    @property
    def dry_run(self) -> bool: ...
    @property
    def undone(self) -> bool: ...


class Runbook(Protocol):
    @property
    def id(self) -> str: ...


class Incident(Protocol):
    """What a record says of an incident; the words are those of the wire."""

    @property
    def check(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def outcome(self) -> str | None: ...
    @property
    def before(self) -> Measured: ...
    @property
    def after(self) -> Measured | None: ...
    @property
    def closed_at(self) -> datetime | None: ...
    @property
    def decision(self) -> Mapping[str, Any] | None: ...
    @property
    def runbook(self) -> Runbook | None: ...
    @property
    def actions(self) -> Sequence[Step]: ...
    @property
    def watch(self) -> Watch | None: ...


def check(record: Incident) -> None:
    """Raises Malformed at the field that does not bear out the record's state."""
    if record.outcome != _OUTCOMES[record.state]:
        said = record.outcome or "null"
        raise Malformed("outcome", f"{said} in an incident that is {record.state}")
    if record.before.check != record.check:
        raise Malformed("before.check", "not the incident's check")
    if record.after is not None and record.after.check != record.check:
        raise Malformed("after.check", "not the incident's check")
    _check_end(record)
    if record.state in _REPAIRED:
        _check_repair(record)
    _check_watch(record, record.watch)


def _check_end(record: Incident) -> None:
    """Closed exactly when the drift is gone, by a measurement that says so. Only a heal claims
    that it came later: a clock may have been set back while a drift went away."""
    if record.state not in _CLOSED:
        if record.closed_at is not None:
            raise Malformed("closed_at", f"not null in an incident that is {record.state}")
        return
    if record.closed_at is None:
        raise Malformed("closed_at", f"null in an incident that is {record.state}")
    after = record.after
    if after is None:
        raise Malformed("after", f"null in an incident that is {record.state}")
    if after.outcome not in (_GONE if record.state == "resolved" else ("pass",)):
        raise Malformed("after.outcome", f"{after.outcome} in an incident that is {record.state}")
    if record.state in _REPAIRED and after.measured_at < record.before.measured_at:
        raise Malformed("after.measured_at", "before the measurement that failed")


def _check_repair(record: Incident) -> None:
    """A repair of ours: something failed, the policy said run, and a runbook did run."""
    state = record.state
    if record.before.outcome != "fail":
        raise Malformed("before.outcome", f"{record.before.outcome} in an incident that is {state}")
    if record.decision is None or record.decision.get("verdict") != "run":
        raise Malformed("decision", f"no decision to run in an incident that is {state}")
    if record.runbook is None:
        raise Malformed("runbook", f"null in an incident that is {state}")
    if not any(not step.dry_run and not step.undone for step in record.actions):
        raise Malformed("actions", f"nothing was run, or all of it undone, in one that is {state}")


def _check_watch(record: Incident, watch: Watch | None) -> None:
    """Under watch while healed, stable by a pass that was measured at or after its end, and over
    in whatever drifted again. A heal of schema 1 was never watched."""
    state = record.state
    if watch is None:
        if state == "stable":
            raise Malformed("watch", "null in an incident that is stable")
        return
    if watch.until < watch.healed_at:
        raise Malformed("watch.until", "before the heal")
    if (watch.ended is None) != (watch.ended_at is None):
        raise Malformed("watch.ended_at", "given exactly when the watch is over")
    if watch.ended not in _ENDS.get(state, _CAME_BACK):
        raise Malformed("watch.ended", f"{watch.ended or 'null'} in an incident that is {state}")
    if state not in _REPAIRED:
        return
    if record.runbook is None or record.runbook.id != watch.runbook_id:
        raise Malformed("watch.runbook_id", "not the runbook of the heal")
    if record.closed_at != watch.healed_at:
        raise Malformed("watch.healed_at", "not when the incident was closed")
    if state == "stable" and (record.after is None or record.after.measured_at < watch.until):
        raise Malformed("after.measured_at", "before the end of the watch, in one that is stable")
