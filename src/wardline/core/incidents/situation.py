"""An incident in one plain sentence: how its host stands now, what was done, and what comes next.

Central's pages, its command line and an appliance without Central use these words and no others. No
clock time is in them: whoever shows the sentence puts the moments beside it, in the reader's zone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import deviation
from wardline.core.evidence.bundle import Action, Outcome
from wardline.core.evidence.watch import Watch, WatchEnd
from wardline.core.incidents import choice, undo
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State
from wardline.core.policy.decision import Code, Verdict

SUMMARY_CHARS_MAX = 240
# Actions that tell of a run and are no step of it: nobody saw its end; a freeze ended it.
INTERRUPTED = "interrupted"
FROZEN = "frozen"
# Those of an undo that a person wanted put back what a run had changed.
UNDO = "undo"


class Undo(StrEnum):
    """What became of what a run had changed.

    `nothing` was changed; it `stands`, for the run got through; it is `verified` to be back as it
    was; it is back in `part`, the rest is left by hand; it is `unknown`, for the agent was stopped.
    """

    NOTHING = "nothing"
    STANDS = "stands"
    VERIFIED = "verified"
    PART = "part"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Aftermath:
    """`left` are the changed steps that nothing put back, each as "step: target"; they are a
    person's where `undo` is PART."""

    undo: Undo
    left: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Latest:
    """The newest measurement of the incident's check on its host."""

    outcome: Outcome
    summary: str
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """What is known of an incident.

    `decision` is the appliance's word, read without trust. `held` is why a hold keeps its repair
    off, None without one. `observed`: the host is never changed. `silent`: nothing was heard of the
    appliance lately, so that all of this is how it was then.
    """

    check: str
    host: str
    state: State
    latest: Latest
    runbook: str | None
    decision: Mapping[str, Any] | None
    actions: Sequence[Action]
    watch: Watch | None
    held: str | None = None
    observed: bool = False
    silent: bool = False


def of(
    known: Incident,
    host: str,
    latest: Latest | None,
    held: str | None = None,
    *,
    observed: bool = False,
) -> Situation:
    """The situation of an incident as its appliance keeps it; without a newer measurement, what it
    was opened or closed by is the latest."""
    newest = known.after or known.before
    return Situation(
        check=known.check,
        host=host,
        state=known.state,
        latest=latest or Latest(newest.outcome, newest.summary, newest.measured_at),
        runbook=None if known.runbook is None else known.runbook.id,
        decision=known.decision,
        actions=known.actions,
        watch=known.watch,
        held=held,
        observed=observed,
    )


def sentence(one: Situation, now: datetime) -> str:
    """The state of the host now, what was done about it and what comes next, in one sentence."""
    return f"{_stands(one)}: {_told(one, now)}."


def aftermath(actions: Sequence[Action], decision: Mapping[str, Any] | None) -> Aftermath:
    """What the steps of a run, or of its undo, left behind on the host. What an undo came to is its
    own last word, for it looks once more after its steps; those say what is left by hand."""
    ran = [action for action in actions if not action.dry_run]
    changed = [action for action in ran if action.changed]
    left = tuple(f"{action.step}: {action.target}" for action in changed if not action.undone)
    if any(action.type == INTERRUPTED for action in ran):
        return Aftermath(Undo.UNKNOWN, left)
    if any(action.type == UNDO for action in ran):
        failed = tuple(f"{action.step}: {action.target}" for action in ran if action.error)
        seen = Undo.PART if failed else Undo.VERIFIED
        return Aftermath(_ENDS.get(_undo_state(decision), seen), failed)
    if not changed:
        return Aftermath(Undo.NOTHING, ())
    if not left:
        return Aftermath(Undo.VERIFIED, ())
    broke = any(action.error or action.undone for action in ran)
    return Aftermath(Undo.PART if broke else Undo.STANDS, left)


def because(code: object) -> str:
    """Why a decision refused, as the end of "because …"."""
    return _BECAUSE.get(str(code), str(code).replace("_", " "))


def _stands(one: Situation) -> str:
    said = _OUTCOMES[one.latest.outcome].format(check=one.check, host=one.host)
    summary = _clipped(one.latest.summary)
    if summary and one.latest.outcome in (Outcome.FAIL, Outcome.UNKNOWN):
        said = f"{said} ({summary})"
    return f"When its appliance was last heard of, {said}" if one.silent else said


def _told(one: Situation, now: datetime) -> str:
    if one.held is not None and one.state in _HOLDABLE:
        return _on_hold(one, one.held)
    match one.state:
        case State.OPEN:
            return _open(one)
        case State.OBSERVING:
            where = "host" if one.observed else "site"
            return f"nothing was changed, for this {where} is only observed; {_would(one)}"
        case State.WAITING:
            return _waiting(one)
        case State.REPAIRING:
            return f"{_name(one)} is repairing it right now"
        case State.HEALED:
            return f"{_name(one)} repaired it, {_watched(one, now)}"
        case State.STABLE:
            return f"{_name(one)} repaired it, and {_since(one)}{_again(one)}"
        case State.RESOLVED:
            return f"{_went_away(one)}{_again(one)}"
        case State.FAILED:
            return f"{_failed(one)}; what else may help is tried next"
        case State.ESCALATED:
            return f"{_left(one)}; nothing more happens by itself, a person has to act"


def _open(one: Situation) -> str:
    if _code(one) == deviation.ACCEPTED:
        return (
            "a person has accepted this state until a date: nothing repairs it, and any other"
            " failure there is judged as usual"
        )
    if _aftermath(one).undo is Undo.UNKNOWN:
        return (
            f"the agent was stopped in the middle of {_name(one)}, which of its steps ran is not"
            " known; it is decided anew"
        )
    if one.decision is None and one.watch is not None and one.watch.ended is not None:
        how = "was undone" if one.watch.ended is WatchEnd.UNDONE else "did not last"
        return f"the repair by {one.watch.runbook_id} {how}; what to do is decided next"
    if any(not action.dry_run for action in one.actions):
        return f"{_stopped(one)}; what to do is decided next"
    if _part(one, "again") or _part(one, "hold").get("clearedAt"):
        return "a person has let its repair go on; what to do is decided next"
    if _code(one) == deviation.ENDED:
        ended = {how.value: why for how, why in deviation.OVER.items()}
        why = ended.get(str(_part(one, "deviation").get("ended")), "it is accepted no more")
        return f"{why}; what to do is decided next"
    if _verdict(one) == Verdict.BLOCK:
        then = _COUNSEL.get(
            str(_code(one)), "it stays so until somebody changes the rules or repairs it by hand"
        )
        return f"nothing is run now, because {because(_code(one))}; {then}"
    return "nothing was run yet; what to do is decided next"


def _stopped(one: Situation) -> str:
    """A run that ended without a word about whether it helped."""
    if not any(action.type == FROZEN for action in one.actions):
        return f"{_name(one)} ran, and nothing shows yet that it helped"
    return f"a freeze stopped {_name(one)} between two steps, and {_put_back(one)}"


def _on_hold(one: Situation, held: str) -> str:
    return (
        f"{_name(one)} is on hold ({_clipped(held)}); nothing is repaired by itself until a person"
        " clears the hold"
    )


def _waiting(one: Situation) -> str:
    if _verdict(one) == Verdict.ASK:
        roles = (one.decision or {}).get("approverRoles")
        named = [str(role) for role in roles] if isinstance(roles, list) else []
        who = f"the {' or '.join(named)}" if named else "somebody who may"
        return f"{_name(one)} waits for an approval, and runs once {who} agrees"
    return f"{_name(one)} is offered, and runs only when somebody starts it"


def _watched(one: Situation, now: datetime) -> str:
    if one.watch is not None and one.watch.until < now:
        return "its watch is over, and no measurement since then shows that it lasted"
    return "and it is watched to see whether that lasts"


def _went_away(one: Situation) -> str:
    """Why a check passes that no run of ours was shown to have healed."""
    alone = "the drift went away without a repair of ours"
    if not any(not action.dry_run for action in one.actions):
        return alone
    match _aftermath(one).undo:
        case Undo.UNKNOWN:
            return (
                f"the agent was stopped in the middle of {_name(one)}, which of its steps ran is"
                " not known, and the check passes since"
            )
        case Undo.NOTHING | Undo.VERIFIED:
            return f"{alone}; {_name(one)} had run before, and {_put_back(one)}"
        case Undo.STANDS | Undo.PART:
            return f"{_name(one)} had run before, {_put_back(one)}, and the check passes since"


def _again(one: Situation) -> str:
    """What is told of an incident that is over while its check fails anew."""
    if one.latest.outcome is not Outcome.FAIL:
        return ""
    return "; the check fails anew since, and that is another incident"


def _failed(one: Situation) -> str:
    did = "did not help" if _aftermath(one).undo is Undo.STANDS else "failed"
    if any(action.type == UNDO and not action.dry_run for action in one.actions):
        did = "was undone by a person"
    return f"{_name(one)} {did}, and {_put_back(one)}"


def _put_back(one: Situation) -> str:
    found = _aftermath(one)
    match found.undo:
        case Undo.NOTHING:
            return "it had changed nothing"
        case Undo.STANDS:
            return "what it changed stands"
        case Undo.VERIFIED:
            return "all that it had changed was put back and found back"
        case Undo.PART:
            left = {0: "some", 1: "one change"}.get(len(found.left), f"{len(found.left)} changes")
            return f"{left} of it could not be put back and must be looked at by hand"
        case Undo.UNKNOWN:
            return "which of its steps ran is not known"


def _since(one: Situation) -> str:
    """What has become of a repair that was stable."""
    if undo.of_own_run(one.decision) is None:
        return "that lasted"
    left = _undo_state(one.decision) != "undone"
    return f"that lasted; a person has had {'a part of it' if left else 'it'} undone since"


def _left(one: Situation) -> str:
    """Why an incident is a person's."""
    if any(action.type == FROZEN for action in one.actions):
        return _stopped(one)
    if any(not action.dry_run for action in one.actions):
        return _failed(one)
    if _verdict(one) == Verdict.BLOCK:
        return f"nothing was changed, because {because(_code(one))}"
    if _code(one) == choice.NEEDED:
        return "several repairs are sound, and which one is right is a person's to say"
    return "no repair of ours answers it"


def _would(one: Situation) -> str:
    answer = _part(one, "would")
    match answer.get("verdict"):
        case Verdict.RUN:
            return f"otherwise {_name(one)} would have run"
        case Verdict.ASK:
            return f"otherwise an approval would have been asked for, to run {_name(one)}"
        case Verdict.OFFER:
            return f"otherwise {_name(one)} would have been offered to a person"
        case Verdict.BLOCK:
            return f"{_name(one)} would not have run either, because {because(answer.get('code'))}"
        case _:
            return "no repair is known for it"


def _name(one: Situation) -> str:
    if one.runbook is not None:
        return one.runbook
    return one.watch.runbook_id if one.watch is not None else "its repair"


def _aftermath(one: Situation) -> Aftermath:
    return aftermath(one.actions, one.decision)


def _undo_state(decision: Mapping[str, Any] | None) -> str:
    told = (decision or {}).get("undo")
    return str(told.get("state")) if isinstance(told, Mapping) else ""


def _part(one: Situation, name: str) -> Mapping[str, Any]:
    found = (one.decision or {}).get(name)
    return found if isinstance(found, dict) else {}


def _verdict(one: Situation) -> object:
    return (one.decision or {}).get("verdict")


def _code(one: Situation) -> object:
    return (one.decision or {}).get("code")


def _clipped(text: str) -> str:
    """Without the stop at its end, and no longer than a reader takes in."""
    text = " ".join(text.split()).rstrip(".")
    if len(text) <= SUMMARY_CHARS_MAX:
        return text
    return f"{text[:SUMMARY_CHARS_MAX].rsplit(' ', 1)[0]} …"


_OUTCOMES: Mapping[Outcome, str] = {
    Outcome.PASS: "{check} passes on {host}",
    Outcome.FAIL: "{check} fails on {host}",
    Outcome.UNKNOWN: "{check} cannot be measured on {host}",
    Outcome.NOT_APPLICABLE: "{check} has no meaning on {host} any more",
}
# By what an undo came to.
_ENDS: Mapping[str, Undo] = {
    "undone": Undo.VERIFIED,
    "left": Undo.PART,
    "interrupted": Undo.UNKNOWN,
}
_HOLDABLE = frozenset({State.OPEN, State.WAITING, State.FAILED, State.ESCALATED})
_PASSING = "it is tried again by itself once that is over"
# What comes next where something other than the rules refuses.
_COUNSEL: Mapping[str, str] = {
    Code.OUTSIDE_WINDOW: _PASSING,
    Code.LOCKED: _PASSING,
    Code.COOLDOWN: _PASSING,
    Code.LIMIT_EXCEEDED: _PASSING,
    Code.FREEZE: _PASSING,
    Code.BREAKER: _PASSING,
    Code.HOLD: "it is judged anew once a person clears the hold",
    Code.BRAKE: "it is judged anew once a person has found out why and releases it",
}
_BECAUSE: Mapping[str, str] = {
    Code.FREEZE: "a freeze is set",
    Code.OBSERVING: "the site or the host is only observed",
    Code.HOLD: "a hold is set",
    Code.NO_MATCH: "no rule matches",
    Code.DENIED: "a rule denies it",
    Code.UNKNOWN_ACTION: "the runbook is not known",
    Code.NOT_ADMISSIBLE: "the runbook is not for this platform",
    Code.UNRESOLVED_INPUT: "one of its inputs could not be resolved",
    Code.PRECONDITION: "the host is not as the runbook needs it",
    Code.OUTSIDE_WINDOW: "its window is closed",
    Code.LOCKED: "another run is under way on this host",
    Code.COOLDOWN: "it ran here too recently",
    Code.LIMIT_EXCEEDED: "a limit of the rule is used up",
    Code.NOT_OFFERED: "the rule offers it to nobody",
    Code.BREAKER: "it was tried too often here, and rests",
    Code.BRAKE: "its version was stopped after failures",
    Code.ERROR: "the rules could not be evaluated",
    Code.ALLOWED: "a rule allows it",
    Code.APPROVAL_NEEDED: "it needs an approval",
    Code.START_NEEDED: "a person has to start it",
}
