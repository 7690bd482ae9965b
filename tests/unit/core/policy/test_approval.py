"""Approval: who may consent to what, and which verdict follows."""

from itertools import product
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import params, seeds
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import Request
from wardline.core.policy.rule import Rule

BY_MIA = {"approvers": {"mia": ["manager"]}}
PRICING, _, _ = seeds.document()

# (may start, approval needed, approval given) -> verdict, execute, needsApproval
TABLE = {
    (False, False, False): (Verdict.OFFER, False, False),
    (False, False, True): (Verdict.RUN, True, False),
    (False, True, False): (Verdict.ASK, False, True),
    (False, True, True): (Verdict.RUN, True, False),
    (True, False, False): (Verdict.RUN, True, False),
    (True, False, True): (Verdict.RUN, True, False),
    (True, True, False): (Verdict.ASK, False, True),
    (True, True, True): (Verdict.RUN, True, False),
}


@pytest.mark.parametrize("starts", ["auto", "person"])
@pytest.mark.parametrize("started, needed, given", list(product([False, True], repeat=3)))
def test_all_cases_of_start_need_and_consent(
    starts: str, started: bool, needed: bool, given: bool
) -> None:
    rule = scene.rule(
        autoExecute=started and starts == "auto",
        approval={"required": needed, "roles": ["manager"]},
    )
    asked = scene.request(
        initiator="person" if started and starts == "person" else "system",
        approval=BY_MIA if given else None,
    )
    decision = scene.decide([rule], asked)
    assert (decision.verdict, decision.execute, decision.needs_approval) == TABLE[
        started, needed, given
    ]


def test_an_action_that_is_not_suggested_is_not_offered() -> None:
    decision = scene.decide([scene.rule(autoExecute=False, autoSuggest=False)])
    assert (decision.verdict, decision.code, decision.reason) == (
        Verdict.BLOCK,
        "not_offered",
        "Not offered",
    )


def _pricing(severity: str, **given: Any) -> Decision:
    asked = {"kpiId": "margin", "severity": severity}
    request = scene.request(alert=asked, action=PRICING.action, **given)
    return scene.decide([PRICING], request)


def _pricing_approval(delta: int) -> dict[str, Any]:
    return {
        "ruleId": PRICING.id,
        "action": PRICING.action,
        "paramsDigest": params.digest({"deltaPct": delta}),
        "requestedBy": "max",
        "approvers": {"mia": ["manager"]},
    }


def test_pricing_on_warn_asks_and_runs_once_another_manager_approved() -> None:
    max_himself = {"userId": "max", "roles": ["manager"]}
    asked = _pricing("warn", principal=max_himself)
    assert (asked.verdict, asked.approver_roles) == (Verdict.ASK, ("manager", "admin"))
    assert _pricing("warn", approval=_pricing_approval(1)).verdict is Verdict.RUN


def test_pricing_on_crit_is_offered_and_runs_when_a_person_starts_it() -> None:
    assert _pricing("crit").verdict is Verdict.OFFER
    assert _pricing("crit").params == {"deltaPct": 3}
    assert _pricing("crit", initiator="person").verdict is Verdict.RUN


def test_nobody_approves_what_they_asked_for() -> None:
    own = _pricing_approval(1) | {"approvers": {"max": ["manager"]}}
    assert _pricing("warn", approval=own).verdict is Verdict.ASK


def test_who_starts_it_without_a_request_on_record_does_not_count_as_approver() -> None:
    rule = scene.rule(approval={"required": True})
    asked = scene.request(
        initiator="person", principal={"userId": "mia", "roles": ["manager"]}, approval=BY_MIA
    )
    assert scene.decide([rule], asked).verdict is Verdict.ASK


def test_self_approval_needs_the_role() -> None:
    rule = scene.rule(approval={"required": True, "roles": ["admin"], "selfApprove": True})
    manager = scene.request(principal={"userId": "mia", "roles": ["manager"]})
    admin = scene.request(principal={"userId": "mia", "roles": ["admin"]})
    assert scene.decide([rule], manager).verdict is Verdict.ASK
    assert scene.decide([rule], admin).verdict is Verdict.RUN


@pytest.mark.parametrize(
    "change",
    [
        {"ruleId": "other"},
        {"ruleRevision": 3},
        {"action": "other"},
        {"paramsDigest": "0" * 64},
        {"expiresAt": "2026-11-20T12:00:00+00:00"},
        {"grantedAt": "2026-11-20T12:00:01+00:00"},
        {"approvers": {"mia": ["reader"]}},
        {"approvers": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_an_approval_counts_for_exactly_what_was_approved(change: dict[str, Any]) -> None:
    rule = scene.rule(approval={"required": True, "roles": ["manager"]})
    assert _with_approval(rule, {}).verdict is Verdict.RUN
    assert _with_approval(rule, change).verdict is Verdict.ASK


def test_an_approval_ends_when_its_rule_says() -> None:
    rule = scene.rule(approval={"required": True, "expiresMinutes": 10})
    assert _with_approval(rule, {"grantedAt": "2026-11-20T11:50:01+00:00"}).execute
    assert not _with_approval(rule, {"grantedAt": "2026-11-20T11:50:00+00:00"}).execute


def test_a_quorum_is_different_people() -> None:
    rule = scene.rule(approval={"required": True, "quorum": 2})
    assert not _with_approval(rule, {"approvers": {"mia": ["manager"]}}).execute
    both = {"approvers": {"mia": ["manager"], "ada": ["admin"]}}
    assert _with_approval(rule, both).execute
    assert not _with_approval(rule, both | {"requestedBy": "ada"}).execute


def test_roles_that_nobody_is_in_approve_nothing() -> None:
    rule = scene.rule(approval={"required": True, "roles": []})
    assert _with_approval(rule, {}).verdict is Verdict.ASK


@pytest.mark.parametrize(
    "severity, verdict",
    [("warn", "ask"), ("medium", "ask"), ("high", "run"), ("crit", "run"), ("critical", "run")],
)
def test_bypass_is_by_severity(severity: str, verdict: str) -> None:
    rule = scene.rule(approval={"required": True, "bypassIfSeverity": "crit"})
    decision = scene.decide([rule], scene.request(alert={"severity": severity}))
    assert decision.verdict == verdict


def _with_approval(rule: Rule, change: dict[str, Any]) -> Decision:
    asked: Request = scene.request(approval=BY_MIA | change)
    return scene.decide([rule], asked)
