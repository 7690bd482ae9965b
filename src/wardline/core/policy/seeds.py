"""The rules that a policy starts with: the document's three, and one per built-in runbook."""

import json
from collections.abc import Collection, Iterable
from functools import cache
from importlib import resources

from wardline.core.policy import parse
from wardline.core.policy.request import Risk
from wardline.core.policy.rule import Approval, Limits, Rule, When
from wardline.core.severity import Severity

APPROVER_ROLES = ("manager", "admin")
COMPLIANCE_SCALE = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)


@cache
def document() -> tuple[Rule, ...]:
    """The three rules of the policy manager's document (`seeds.json`), whose actions are the
    caller's own."""
    text = resources.files("wardline.core.policy").joinpath("seeds.json").read_text("utf-8")
    return parse.rules(json.loads(text), "seeds.json")


def rules_for_runbooks(
    runbooks: Iterable[tuple[str, str, str]], noticed: Collection[str] = ()
) -> list[Rule]:
    """One rule per (runbook id, check id, risk), by id.

    Low risk runs unasked, medium asks a manager or admin, high is offered and never automatic.
    What people notice (`noticed` are its ids) is on one host of a site at a time.
    """
    made = (_rule(*runbook, limited=runbook[0] in noticed) for runbook in runbooks)
    return sorted(made, key=lambda rule: rule.id)


def _rule(runbook_id: str, check_id: str, risk: str, *, limited: bool) -> Rule:
    level = Risk(risk)
    own_check = runbook_id.split(".", maxsplit=1)[0] == check_id
    return Rule(
        id=f"runbook.{runbook_id}" if own_check else f"runbook.{runbook_id}.for.{check_id}",
        when=When(check_id, COMPLIANCE_SCALE),
        action=runbook_id,
        approval=Approval(required=True, roles=APPROVER_ROLES) if level is Risk.MEDIUM else None,
        auto_execute=level is Risk.LOW,
        limits=Limits(max_concurrent_per_site=1) if limited else Limits(),
    )
