"""What an incident record may claim: "healed" is a measurement that passed, and nothing else is.

The same rules stand as constraints on Central's table of incidents.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from wardline.core.errors import Malformed

# What waits has no outcome yet, and what went away by itself has none of ours.
_OUTCOMES: Mapping[str, str | None] = {
    "open": None,
    "observing": None,
    "waiting": None,
    "failed": "failed",
    "escalated": "escalated",
    "healed": "success",
    "resolved": None,
}
_CLOSED = ("healed", "resolved")
_GONE = ("pass", "not_applicable")


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
    def runbook(self) -> object | None: ...
    @property
    def actions(self) -> Sequence[Step]: ...


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
    if record.state == "healed":
        _check_repair(record)


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
    if record.state == "healed" and after.measured_at < record.before.measured_at:
        raise Malformed("after.measured_at", "before the measurement that failed")


def _check_repair(record: Incident) -> None:
    """A repair of ours: something failed, the policy said run, and a runbook did run."""
    if record.before.outcome != "fail":
        raise Malformed("before.outcome", f"{record.before.outcome} in an incident that is healed")
    if record.decision is None or record.decision.get("verdict") != "run":
        raise Malformed("decision", "no decision to run in an incident that is healed")
    if record.runbook is None:
        raise Malformed("runbook", "null in an incident that is healed")
    if not any(not step.dry_run and not step.undone for step in record.actions):
        raise Malformed("actions", "nothing was run, or all of it undone, in one that is healed")
