"""Whether a run is still the one that an order was given for, and what it is asked with."""

from datetime import datetime

from wardline.agent import judge
from wardline.agent.judge import Asking, Case, Judged
from wardline.agent.store import orders
from wardline.agent.store.orders import Code, Ending
from wardline.core.orders import SKEW_MAX, Order, RunRunbook
from wardline.core.policy.decision import Decision, Outcome, Verdict
from wardline.core.policy.request import ApprovalFact, Initiator, Principal


def asking(order: Order, body: RunRunbook, now: datetime) -> Asking:
    """An approval as a fact of the decision, or else a person who starts what is offered.

    One that was given by Central's clock a little later than it is here was given all the same.
    """
    consent = body.consent
    if consent is None:
        by = Principal(order.by.user_id, frozenset(order.by.roles))
        return Asking(Initiator.PERSON, by)
    is_near = consent.granted_at <= now + SKEW_MAX
    fact = ApprovalFact(
        rule_id=body.rule_id,
        rule_revision=body.rule_revision,
        action=body.runbook_id,
        params_digest=body.params_digest,
        approvers={one.user_id: frozenset(one.roles) for one in consent.approvers},
        requested_by=None,
        granted_at=min(consent.granted_at, now) if is_near else consent.granted_at,
        expires_at=consent.expires_at,
    )
    return Asking(approval=fact)


def refusal(body: RunRunbook, case: Case, judged: Judged) -> Ending | None:
    """Why the order must not be carried out as things stand now; None where it may.

    What the policy forbids is said with the policy's own word; then whatever is no longer as it
    was pinned; then whose word is missing.
    """
    decision = judged.decision
    if decision.verdict is Verdict.BLOCK or judged.inputs is None:
        return Ending(orders.State.FAILED, decision.code.value, _why(decision))
    if changed := _changed(body, case, judged):
        return Ending(orders.State.FAILED, Code.CHANGED, f"no longer as it was: {changed}")
    if decision.verdict is not Verdict.RUN:
        return Ending(orders.State.FAILED, decision.code.value, _why(decision))
    return None


def _changed(body: RunRunbook, case: Case, judged: Judged) -> str:
    now = judge.pins(case, judged)
    compared = (
        ("the runbook", body.runbook_digest, judged.runbook.digest),
        ("its inputs", body.inputs_digest, now["inputsDigest"]),
        ("the rule", body.rule_id, judged.decision.rule_id),
        ("the rule's revision", body.rule_revision, now["ruleRevision"]),
        ("the rule's parameters", body.params_digest, now["paramsDigest"]),
    )
    return "; ".join(
        f"{what} ({_short(then)}, now {_short(found)})"
        for what, then, found in compared
        if then != found
    )


def _short(value: object) -> str:
    text = "none" if value is None else str(value)
    return f"{text[:12]}…" if len(text) == 64 else text


def _why(decision: Decision) -> str:
    """The reason, and the words of the check that gave it."""
    refused = [
        step.detail
        for step in decision.trace
        if step.outcome in (Outcome.FAIL, Outcome.ASK, Outcome.ERROR)
    ]
    parts = [decision.reason or decision.code.value, *refused[:1]]
    return ": ".join(part for part in parts if part)
