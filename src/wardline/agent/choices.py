"""What a person may pick, where several repairs are sound and the right one is theirs to name."""

from collections.abc import Sequence
from typing import Any

from wardline.agent import judge
from wardline.agent.judge import Case, Judged
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store.database import Transaction
from wardline.core.evidence import bundle
from wardline.core.incidents import choice
from wardline.core.incidents.remedy import Remedy
from wardline.core.policy.decision import Verdict


def judged(
    tx: Transaction, case: Case, fitting: Sequence[Remedy], exhausted: str | None
) -> tuple[Judged, ...]:
    """The decision on each choice, as many as a ticket has; none while the ladder goes on."""
    if exhausted is None or case.observing:
        return ()
    return tuple(judge.judge(tx, case, one) for one in fitting[: choice.CHOICES_MAX])


def kept_off(found: Sequence[Judged]) -> Judged | None:
    """The one whose decision says why no choice may be picked now; None where one may."""
    return None if not found or _open(found) else found[0]


def wire(case: Case, found: Sequence[Judged], scrubber: Scrubber) -> dict[str, Any] | None:
    """The decision of a ticket with these choices; None without any."""
    if (blocked := kept_off(found)) is not None:
        return choice.none_now(judge.wire(case, blocked, scrubber))
    told = [_told(case, one, scrubber) for one in _open(found)]
    return choice.needed(told) if told else None


def _told(case: Case, one: Judged, scrubber: Scrubber) -> dict[str, Any]:
    """A choice as an offer, or as what asks for an approval: nothing starts it by itself."""
    decision = one.decision
    verdict = Verdict.ASK if decision.verdict is Verdict.ASK else Verdict.OFFER
    told: dict[str, Any] = {
        "id": one.remedy.mark,
        "runbook": bundle.runbook_to_wire(one.ref()),
        "verdict": verdict.value,
        "code": decision.code.value,
        "action": decision.action,
        "ruleId": decision.rule_id,
        "approverRoles": decision.to_wire().get("approverRoles"),
        "pins": judge.shown_pins(case, one, scrubber),
    }
    choice.tell(told, one.remedy)
    return told


def _open(found: Sequence[Judged]) -> list[Judged]:
    return [
        one for one in found if one.decision.verdict is not Verdict.BLOCK and one.inputs is not None
    ]
