"""A promotion: a runbook that earned to be L1's answer to a pattern, from proposal to its end.

Its life is a ledger of entries that only grows. Central keeps it; an appliance is given it in its
mandate and adds at most one of its own, that it goes on no more there. Both fold the same entries
by the one function that moves a promotion, so that both know the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence import fields
from wardline.core.incidents.remedy import Earned, Remedy
from wardline.core.section import Section

# In force for one partner at a time, and so in one mandate.
LIVE_MAX = 30
BYTES_MAX = 80 * 1024
ENTRIES_MAX = 16
PATTERN_BYTES_MAX = 128
INPUTS_BYTES_MAX = 512
BY_BYTES_MAX = 255
NUMBER_MAX = 1_000_000
# For the promotion after the canary and the stop on an appliance, which nobody is asked for.
_TO_COME_BYTES = 600
# Before every remedy that a runbook brings along: this one was shown to help.
ORDER = 0


class Stage(StrEnum):
    """Where a promotion stands. The last three are ends."""

    CANDIDATE = "candidate"
    EVALUATED = "evaluated"
    CANARY = "canary"
    PROMOTED = "promoted"
    DEMOTED = "demoted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class Step(StrEnum):
    """What an entry of the ledger says has happened."""

    PROPOSED = "proposed"
    EVALUATED = "evaluated"
    APPROVED = "approved"
    PROMOTED = "promoted"
    STOPPED = "stopped"
    DEMOTED = "demoted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


ENDS = frozenset({Stage.DEMOTED, Stage.REJECTED, Stage.WITHDRAWN})
LIVE = frozenset({Stage.CANARY, Stage.PROMOTED})

_BEFORE_APPROVAL: Mapping[Step, Stage] = {
    Step.EVALUATED: Stage.EVALUATED,
    Step.REJECTED: Stage.REJECTED,
    Step.WITHDRAWN: Stage.WITHDRAWN,
}
# From → step → to. Nobody is approved without a shadow evaluation, and nothing comes back.
TRANSITIONS: Mapping[Stage | None, Mapping[Step, Stage]] = {
    None: {Step.PROPOSED: Stage.CANDIDATE},
    Stage.CANDIDATE: _BEFORE_APPROVAL,
    Stage.EVALUATED: {**_BEFORE_APPROVAL, Step.APPROVED: Stage.CANARY},
    Stage.CANARY: {
        Step.PROMOTED: Stage.PROMOTED,
        Step.STOPPED: Stage.CANARY,
        Step.DEMOTED: Stage.DEMOTED,
    },
    Stage.PROMOTED: {Step.STOPPED: Stage.PROMOTED, Step.DEMOTED: Stage.DEMOTED},
    Stage.DEMOTED: {},
    Stage.REJECTED: {},
    Stage.WITHDRAWN: {},
}


@dataclass(frozen=True, slots=True)
class Subject:
    """Which runbook, bound by its digest, answers which pattern of a check. `inputs` are those of
    one of the runbook's own remedies: a mandate brings nothing that the appliance has not got."""

    check: str
    pattern: str
    runbook: str
    digest: str
    inputs: Mapping[str, Json]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a ledger. `by` is a person's name, or what decided by itself; `site_id` is the
    canary's, in the approval; `appliance_id` is where it stopped."""

    number: int
    step: Step
    at: datetime
    by: str
    site_id: str | None = None
    appliance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Promotion:
    """What a ledger comes to."""

    id: str
    subject: Subject
    stage: Stage
    number: int
    canary_site: str | None = None
    approved_at: datetime | None = None
    promoted_at: datetime | None = None
    ended_at: datetime | None = None
    stopped: frozenset[str] = frozenset()

    def holds(self, site_id: str, appliance_id: str) -> bool:
        """Whether L1 has it on this appliance."""
        if appliance_id in self.stopped:
            return False
        at_canary = self.stage is Stage.CANARY and self.canary_site == site_id
        return at_canary or self.stage is Stage.PROMOTED

    @property
    def remedy(self) -> Remedy:
        """Its remedy, for drifts of its pattern alone."""
        one = self.subject
        earned = Earned(self.id, canary=self.stage is Stage.CANARY)
        return Remedy(one.check, (), one.runbook, one.inputs, ORDER, one.pattern, earned)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The entries of one promotion, as they are kept and sent."""

    id: str
    subject: Subject
    entries: tuple[Entry, ...]


def folded(ledger: Ledger) -> Promotion:
    """What a ledger comes to; raises Conflict at an entry that cannot follow those before it."""
    found: Promotion | None = None
    for entry in ledger.entries:
        found = moved(found, entry, ledger)
    if found is None:
        raise Conflict(f"promotion {ledger.id} has no entries")
    return found


def moved(promotion: Promotion | None, entry: Entry, ledger: Ledger) -> Promotion:
    """The one way on; raises Conflict where the table has none, or the ledger would not grow."""
    stage, number = (promotion.stage, promotion.number) if promotion else (None, 0)
    to = TRANSITIONS[stage].get(entry.step)
    if to is None:
        raise Conflict(f"promotion {ledger.id} is {stage or 'new'}: it cannot be {entry.step} now")
    if entry.number <= number:
        raise Conflict(f"promotion {ledger.id} has an entry {number}: {entry.number} is not next")
    now = promotion or Promotion(ledger.id, ledger.subject, to, entry.number)
    now = replace(now, stage=to, number=entry.number)
    match entry.step:
        case Step.APPROVED:
            if entry.site_id is None:
                raise Conflict(f"promotion {ledger.id}: an approval names the site of its canary")
            now = replace(now, canary_site=entry.site_id, approved_at=entry.at)
        case Step.PROMOTED:
            now = replace(now, promoted_at=entry.at)
        case Step.STOPPED:
            if entry.appliance_id is None:
                raise Conflict(f"promotion {ledger.id}: it stops on an appliance")
            now = replace(now, stopped=now.stopped | {entry.appliance_id})
    return replace(now, ended_at=entry.at) if to in ENDS else now


def stopped_here(promotion: Promotion, entry: Entry | None, ledger: Ledger) -> Promotion:
    """The promotion with an appliance's own entry, which Central may have by now or not."""
    if entry is None or promotion.stage in ENDS or entry.appliance_id in promotion.stopped:
        return promotion
    return moved(promotion, replace(entry, number=promotion.number + 1), ledger)


def parse(value: object) -> Ledger:
    """A ledger as a mandate has it; raises Malformed, also where it comes to nothing in force."""
    obj = fields.exactly(value, _KEYS)
    inputs = fields.mapping(obj, "inputs")
    if len(canonical.dumps(inputs)) > INPUTS_BYTES_MAX:
        raise Malformed("inputs", f"more than {INPUTS_BYTES_MAX} bytes")
    ledger = Ledger(
        id=fields.entity(obj, "id", "prom"),
        subject=Subject(
            check=fields.name(obj, "check"),
            pattern=fields.text(obj, "pattern", PATTERN_BYTES_MAX, 1),
            runbook=fields.name(obj, "runbook"),
            digest=fields.hex64(obj, "digest"),
            inputs=inputs,
        ),
        entries=fields.parts(obj, "entries", ENTRIES_MAX, _entry),
    )
    try:
        stage = folded(ledger).stage
    except Conflict as error:
        raise Malformed("entries", str(error)) from None
    if stage not in LIVE:
        raise Malformed("entries", f"they come to {stage}, which is not in force anywhere")
    return ledger


def to_wire(ledger: Ledger) -> dict[str, Json]:
    """The ledger as a mandate has it."""
    one = ledger.subject
    return {
        "id": ledger.id,
        "check": one.check,
        "pattern": one.pattern,
        "runbook": one.runbook,
        "digest": one.digest,
        "inputs": dict(one.inputs),
        "entries": [
            {
                "number": entry.number,
                "step": entry.step.value,
                "at": clock.wire(entry.at),
                "by": entry.by,
                "site_id": entry.site_id,
                "appliance_id": entry.appliance_id,
            }
            for entry in ledger.entries
        ],
    }


def fit(ledgers: Sequence[Ledger]) -> bool:
    """Whether one mandate can carry all of these, as they are and with what may yet happen."""
    size = sum(len(canonical.dumps(to_wire(one))) + 1 + _TO_COME_BYTES for one in ledgers)
    return len(ledgers) <= LIVE_MAX and size + 2 <= BYTES_MAX


def for_appliance(ledgers: Iterable[Ledger], site_id: str, appliance_id: str) -> tuple[Ledger, ...]:
    """What of these an appliance is told: those that are in force for its site, by id, without
    where else they stopped."""
    told: list[Ledger] = []
    for ledger in sorted(ledgers, key=lambda one: one.id):
        now = folded(ledger)
        if now.stage is Stage.PROMOTED or (
            now.stage is Stage.CANARY and now.canary_site == site_id
        ):
            entries = tuple(
                one for one in ledger.entries if one.appliance_id in (None, appliance_id)
            )
            told.append(replace(ledger, entries=_last_evaluation(entries)))
    return tuple(told)


def _last_evaluation(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    """One evaluation is enough to follow a ledger by, and there may have been many."""
    last = max((one.number for one in entries if one.step is Step.EVALUATED), default=0)
    return tuple(one for one in entries if one.step is not Step.EVALUATED or one.number == last)


def _entry(value: object) -> Entry:
    obj = fields.exactly(value, _ENTRY_KEYS)
    return Entry(
        number=fields.integer(obj, "number", 1, NUMBER_MAX),
        step=fields.choice(obj, "step", _STEPS),
        at=fields.instant(obj, "at"),
        by=fields.text(obj, "by", BY_BYTES_MAX, 1),
        site_id=fields.optional(obj, "site_id", fields.entity, "site"),
        appliance_id=fields.optional(obj, "appliance_id", fields.entity, "appl"),
    )


_STEPS = {one.value: one for one in Step}
_KEYS = frozenset({"id", "check", "pattern", "runbook", "digest", "inputs", "entries"})
_ENTRY_KEYS = frozenset(Entry.__slots__)
SECTION = Section("promotions", LIVE_MAX, BYTES_MAX, parse, to_wire)
