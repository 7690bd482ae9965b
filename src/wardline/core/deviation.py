"""An accepted deviation: a failing state that people live with, on these hosts, until a date.

What is accepted is one observed state and nothing else: a result that fails with exactly these
facts, by the digest that evidence holds of them, at this severity. Whatever else is found there
fails as if nothing had been accepted. A state that is accepted has still failed: it passes nowhere.

In a mandate it is an object of the section `deviations`. Times hold to the millisecond.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import Refused
from wardline.core.evidence import fields
from wardline.core.evidence.bundle import Outcome, Result
from wardline.core.section import Section
from wardline.core.severity import Severity

# What the decision of an incident says of it, beside the words of the policy's own decisions.
ACCEPTED = "accepted"
ENDED = "deviation_ended"

PER_SITE_MAX = 100
HOSTS_MAX = 500
# Of a site's section, so that a mandate holds it beside what else it has to say.
SECTION_BYTES_MAX = 80 * 1024
SPAN_MAX = timedelta(days=366)
NAME_CHARS_MAX = 255
TEXT_CHARS_MAX = 500
# The same in any script.
NAME_BYTES_MAX = 4 * NAME_CHARS_MAX
TEXT_BYTES_MAX = 4 * TEXT_CHARS_MAX
# What a check leaves of facts that have no room; no digest of them names one state.
LEFT_OUT = "left_out_bytes"


class SectionFull(Refused):
    """A site's accepted deviations have a bounded place in what its appliances are told."""

    code = "deviations_full"


class End(StrEnum):
    """Why a state is accepted no more."""

    CHANGED = "changed"  # something else fails there now
    EXPIRED = "expired"  # the date has come
    REVOKED = "revoked"  # a person has ended it, or another one took its place


@dataclass(frozen=True, slots=True)
class AcceptedState:
    """What was observed on one host: the facts by their digest, and how bad that is."""

    host_id: str
    facts_digest: str
    severity: Severity


@dataclass(frozen=True, slots=True)
class Deviation:
    """`owner` answers for it, `by` accepted it, `control` is what protects meanwhile."""

    id: str
    check: str
    accepted_at: datetime
    until: datetime
    by: str
    owner: str
    reason: str
    control: str
    states: tuple[AcceptedState, ...]

    @property
    def words(self) -> str:
        """Until when, who and why, for the reason of a decision."""
        until = clock.wire(self.until)
        return (
            f"accepted until {until} by {self.by}, owner {self.owner}: {self.reason};"
            f" compensating control: {self.control}"
        )

    def of_host(self, host_id: str) -> AcceptedState | None:
        """What is accepted on this host; None where nothing is."""
        return next((one for one in self.states if one.host_id == host_id), None)

    def is_over(self, at: datetime) -> bool:
        return at >= self.until


OVER: Mapping[End, str] = {
    End.CHANGED: "what fails now is not the state that was accepted",
    End.EXPIRED: "the time for which this state was accepted is over",
    End.REVOKED: "this state is accepted no more",
}


def is_whole(facts: Mapping[str, Json]) -> bool:
    """Whether these facts say all that was found, so that their digest names one state."""
    return bool(facts) and LEFT_OUT not in facts


def matches(state: AcceptedState, measured: Result) -> bool:
    """Whether this is the state that was accepted, and nothing else."""
    return (
        measured.outcome is Outcome.FAIL
        and measured.facts_digest == state.facts_digest
        and measured.severity is state.severity
    )


def concerning(deviations: Iterable[Deviation], host_id: str, check: str) -> Deviation | None:
    """The one that speaks for this check of this host; of several, the one accepted last."""
    found = [one for one in deviations if one.check == check and one.of_host(host_id) is not None]
    return max(found, key=lambda one: (one.accepted_at, one.id), default=None)


def accepting(
    deviations: Iterable[Deviation], host_id: str, measured: Result, at: datetime
) -> Deviation | None:
    """The one under which this measurement is accepted at this time; None where none is."""
    found = concerning(deviations, host_id, measured.check)
    if found is None or found.is_over(at):
        return None
    state = found.of_host(host_id)
    return found if state is not None and matches(state, measured) else None


def decision(accepted: Deviation) -> dict[str, Any]:
    """What an incident says while its state is accepted: that nothing runs, and on whose word."""
    return {
        "type": "deny",
        "verdict": "block",
        "code": ACCEPTED,
        "reason": accepted.words,
        "deviation": _told(accepted),
    }


def ended_decision(before: Mapping[str, Any], how: End) -> dict[str, Any]:
    """What it says once when that is over; `before` is what it said while it was accepted."""
    told = before.get("deviation")
    name = told.get("id") if isinstance(told, Mapping) else None
    return {
        "type": "deny",
        "verdict": "block",
        "code": ENDED,
        "reason": f"{OVER[how]}: it is judged as any other",
        "deviation": {"id": name, "ended": how.value},
    }


def is_accepted(told: Mapping[str, Any] | None) -> bool:
    """Whether the decision of an incident says that its state is accepted."""
    return told is not None and told.get("code") == ACCEPTED


def require_room(deviations: Iterable[Deviation]) -> None:
    """Raises SectionFull for more than a mandate has room for."""
    made = [to_wire(one) for one in deviations]
    if len(made) > PER_SITE_MAX:
        raise SectionFull(
            f"{len(made)} accepted deviations of one site, at most {PER_SITE_MAX} are told to its"
            " appliances: revoke those that are not needed"
        )
    size = len(canonical.dumps(made))
    if size > SECTION_BYTES_MAX:
        raise SectionFull(
            f"the accepted deviations of this site take {size} bytes of what its appliances are"
            f" told, at most {SECTION_BYTES_MAX} are: revoke some, or say it in fewer words"
        )


def to_wire(one: Deviation) -> dict[str, Any]:
    """One object of the section."""
    return {
        "id": one.id,
        "check": one.check,
        "accepted_at": clock.wire(one.accepted_at),
        "until": clock.wire(one.until),
        "by": one.by,
        "owner": one.owner,
        "reason": one.reason,
        "control": one.control,
        "states": [
            {
                "host_id": state.host_id,
                "facts_digest": state.facts_digest,
                "severity": state.severity.value,
            }
            for state in one.states
        ],
    }


def from_wire(value: object) -> Deviation:
    """Of one object of the section; raises Malformed."""
    obj = fields.exactly(value, _KEYS)
    return Deviation(
        id=fields.entity(obj, "id", "dev"),
        check=fields.name(obj, "check"),
        accepted_at=fields.instant(obj, "accepted_at"),
        until=fields.instant(obj, "until"),
        by=fields.text(obj, "by", NAME_BYTES_MAX),
        owner=fields.text(obj, "owner", NAME_BYTES_MAX, 1),
        reason=fields.text(obj, "reason", TEXT_BYTES_MAX, 1),
        control=fields.text(obj, "control", TEXT_BYTES_MAX, 1),
        states=fields.parts(obj, "states", HOSTS_MAX, _state),
    )


def _state(value: object) -> AcceptedState:
    obj = fields.exactly(value, _STATE_KEYS)
    return AcceptedState(
        host_id=fields.entity(obj, "host_id", "host"),
        facts_digest=fields.hex64(obj, "facts_digest"),
        severity=fields.choice(obj, "severity", _SEVERITIES),
    )


def _told(one: Deviation) -> dict[str, Any]:
    """Everything but the states: the incident's own result has that."""
    return {key: value for key, value in to_wire(one).items() if key != "states"}


_SEVERITIES = {
    one.value: one for one in (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
}
_KEYS = frozenset(Deviation.__slots__)
_STATE_KEYS = frozenset(AcceptedState.__slots__)
SECTION = Section("deviations", PER_SITE_MAX, SECTION_BYTES_MAX, from_wire, to_wire)
