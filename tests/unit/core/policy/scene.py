"""Rules, requests and states for the tests of the policy, from the JSON that authors write."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wardline.core.policy import compiled, evaluate, exact, opening, parse
from wardline.core.policy.decision import Decision, Outcome
from wardline.core.policy.request import (
    ActionFacts,
    Alert,
    ApprovalFact,
    Counters,
    HostUsage,
    Initiator,
    Principal,
    Request,
    Risk,
    RuleUsage,
    State,
)
from wardline.core.policy.rule import Policy, Rule
from wardline.core.protocol import OpeningHours
from wardline.core.severity import Severity

NOON = "2026-11-20T12:00:00+00:00"  # a Friday
ZONE = "UTC"


def rule(**given: Any) -> Rule:
    """A rule that runs `fix` for the check `disk` at every severity, changed by `given`."""
    whole = {
        "id": "r",
        "when": {"kpiId": "disk", "severity": ["ok", "warn", "crit"]},
        "action": "fix",
        "autoExecute": True,
    }
    return parse.rule(whole | given)


def request(**given: Any) -> Request:
    """A request about `disk` at noon on a Friday; keys as in the case files."""
    alert = {"id": "a1", "kpiId": "disk", "title": "", "message": "", "severity": "warn"}
    alert |= given.get("alert", {})
    person = given.get("principal")
    return Request(
        alert=Alert(
            alert["id"],
            alert["kpiId"],
            alert["title"],
            alert["message"],
            Severity(alert["severity"]),
            exact.read(alert.get("delta"), []),
        ),
        at=datetime.fromisoformat(given.get("at", NOON)),
        zone=given.get("zone", ZONE),
        decision_id="decision-1",
        action=given.get("action", "fix"),
        partner=given.get("partner"),
        site=given.get("site"),
        host=given.get("host"),
        platform=given.get("platform"),
        tags=frozenset(given.get("tags", ())),
        facts=exact.read(given.get("facts", {}), []),
        principal=person and Principal(person["userId"], frozenset(person["roles"])),
        initiator=Initiator(given.get("initiator", "system")),
        approval=given.get("approval") and approval(**given["approval"]),
        opening_hours=opening.hours(
            OpeningHours.model_validate(each) for each in given.get("openingHours", ())
        ),
    )


def approval(**given: Any) -> ApprovalFact:
    """An approval by manager `mia` of rule `r`, valid around noon."""
    return ApprovalFact(
        rule_id=given.get("ruleId", "r"),
        rule_revision=given.get("ruleRevision"),
        action=given.get("action", "fix"),
        params_digest=given.get(
            "paramsDigest", "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
        ),
        approvers={
            user: frozenset(roles)
            for user, roles in given.get("approvers", {"mia": ["manager"]}).items()
        },
        requested_by=given.get("requestedBy"),
        granted_at=datetime.fromisoformat(given.get("grantedAt", "2026-11-20T11:50:00+00:00")),
        expires_at=datetime.fromisoformat(given.get("expiresAt", "2026-11-20T13:00:00+00:00")),
    )


def state(**given: Any) -> State:
    """A state in which nothing stands in the way; keys as in the case files."""
    actions = given.get("actions")
    confirmed_at = given.get("confirmedAt")
    return State(
        freeze=given.get("freeze", False),
        observing=given.get("observing", False),
        hold=given.get("hold", False),
        locked=given.get("locked", False),
        counters=Counters(
            {name: _rule_usage(usage) for name, usage in given.get("used", {}).items()},
            {name: _host_usage(usage) for name, usage in given.get("hostUsed", {}).items()},
        ),
        actions=None if actions is None else {name: _facts(of) for name, of in actions.items()},
        confirmed_at=None if confirmed_at is None else datetime.fromisoformat(confirmed_at),
    )


def decide(rules: list[Rule], asked: Request | None = None, known: State | None = None) -> Decision:
    """The loop's decision on these rules, which is the index's too; by default on the plain
    request and state."""
    policy, asked, known = Policy(tuple(rules), revision=7), asked or request(), known or state()
    decision = evaluate.evaluate(policy, asked, known)
    found = compiled.build(policy).evaluate(asked, known)
    assert found.trace == decision.trace
    assert found == decision
    return decision


def outcomes(decision: Decision) -> dict[str, Outcome]:
    """How each check of the trace came out."""
    return {step.check.value: step.outcome for step in decision.trace}


def _rule_usage(given: Mapping[str, Any]) -> RuleUsage:
    return RuleUsage(**exact.read(given, []))


def _host_usage(given: Mapping[str, Any]) -> HostUsage:
    last = given.get("last_run_at")
    return HostUsage(
        given.get("runs_24h", 0), None if last is None else datetime.fromisoformat(last)
    )


def _facts(given: Mapping[str, Any]) -> ActionFacts:
    inputs = given.get("inputs")
    return ActionFacts(
        Risk(given.get("risk", "low")),
        tuple(given.get("platforms", ())),
        None if inputs is None else frozenset(inputs),
        given.get("noticed", False),
    )
