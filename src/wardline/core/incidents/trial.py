"""A trial: one run of a runbook on one incident, and what measurements made of it afterwards.

Read out of incident records, by the appliance that seals them and by Central that receives them,
so that both count the same. A run that was stopped, interrupted, or found nothing to change proves
nothing and is no trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import clock
from wardline.core.evidence.bundle import (
    IncidentRecord,
    IncidentState,
    ResolutionLevel,
    RunbookRef,
)
from wardline.core.evidence.watch import Watch
from wardline.core.incidents import undo
from wardline.core.incidents.remedy import Earned
from wardline.core.incidents.undo import Undone

MARK_CHARS_MAX = 64
_EARNED = "promotion"


class End(StrEnum):
    """`stable`: healed, and that lasted through the watch. `failed`: the check did not pass after
    the run. `recurred`: healed, and drifted again under watch. `undone`: a person had it undone, be
    it after it was stable. `unproved` counts neither way."""

    STABLE = "stable"
    FAILED = "failed"
    RECURRED = "recurred"
    UNDONE = "undone"
    UNPROVED = "unproved"

    @property
    def counts(self) -> bool:
        return self is not End.UNPROVED

    @property
    def bad(self) -> bool:
        return self in (End.FAILED, End.RECURRED, End.UNDONE)


@dataclass(frozen=True, slots=True)
class Trial:
    """`mark` names it within its incident, the same however often it is told; `end` is None while
    the heal is watched. `earned` says by which promotion it ran, `run_id` which run it was, None
    where its appliance did not say."""

    mark: str
    run_id: str | None
    runbook: RunbookRef
    level: ResolutionLevel
    at: datetime
    earned: Earned | None
    end: End | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """How a trial that was told before has ended."""

    mark: str
    end: End
    at: datetime


def begun(record: IncidentRecord) -> Trial | None:
    """The trial that a record tells of; None where it tells of none."""
    decision, runbook, level = record.decision, record.runbook, record.resolution_level
    if runbook is None or level is None or decision is None or decision.get("verdict") != "run":
        return None
    earned, watch, run_id = earned_of(decision), record.watch, undo.run_of(decision)
    if record.state is IncidentState.FAILED and record.after is not None:
        at = record.after.measured_at
        mark = f"failed {clock.wire(at)}"
        return Trial(mark, run_id, runbook, level, at, earned, End.FAILED, at)
    if record.state in (IncidentState.HEALED, IncidentState.STABLE) and watch is not None:
        end = End(watch.ended.value) if watch.ended else None
        at = watch.healed_at
        return Trial(_heal(watch), run_id, runbook, level, at, earned, end, watch.ended_at)
    return None


def ended(record: IncidentRecord) -> Ended | None:
    """How the watch over the last heal of an incident has ended, as its record tells it."""
    watch = record.watch
    if watch is None or watch.ended is None or watch.ended_at is None:
        return None
    return Ended(_heal(watch), End(watch.ended.value), watch.ended_at)


def undone(record: IncidentRecord) -> Undone | None:
    """The run that a person had undone, as a record tells it, be it of another incident."""
    return undo.told(record.decision)


def with_earned(decision: dict[str, Any], earned: Earned | None) -> dict[str, Any]:
    """The decision as evidence keeps it: also by which promotion the runbook was chosen."""
    if earned is not None:
        decision[_EARNED] = {"id": earned.id, "canary": earned.canary}
    return decision


def earned_of(decision: Mapping[str, Any]) -> Earned | None:
    """By which promotion a decision chose its runbook; None for anything else that stands there,
    for the inside of a decision is its appliance's affair."""
    told = decision.get(_EARNED)
    if not isinstance(told, Mapping):
        return None
    promotion, canary = told.get("id"), told.get("canary")
    if not isinstance(promotion, str) or not isinstance(canary, bool):
        return None
    return Earned(promotion[:MARK_CHARS_MAX], canary)


def _heal(watch: Watch) -> str:
    return f"heal {watch.number}"
