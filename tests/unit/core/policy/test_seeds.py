"""The rules that a policy starts with."""

from datetime import datetime

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import evaluate, parse, seeds, window
from wardline.core.policy.request import State
from wardline.core.policy.rule import Limits, Policy


def test_the_documents_three_rules() -> None:
    wire = {rule.id: parse.to_wire(rule) for rule in seeds.document()}
    assert wire.keys() == {"pricing.auto.adjust", "inventory.auto.reorder", "sales.notify.drop"}
    pricing = wire["pricing.auto.adjust"]
    assert pricing["when"] == {"kpiId": "margin", "severity": ["warn", "crit"]}
    assert pricing["limits"] == {"maxDailyPct": 3, "maxWeeklyPct": 7}
    assert pricing["window"] == {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}
    assert pricing["autoExecute"] is False
    assert wire["inventory.auto.reorder"]["params"] == {"qty": {"warn": 250, "crit": 500}}
    assert wire["sales.notify.drop"]["params"]["message"] == "Revenue changed by {delta} %"


def test_the_sales_rule_is_open_all_week() -> None:
    sales = seeds.document()[2]
    for day in range(22, 29):
        for clock in ("00:00", "12:00", "23:59"):
            at = datetime.fromisoformat(f"2026-11-{day}T{clock}:59+00:00")
            assert window.contains(sales.window, at, "UTC")


@pytest.mark.parametrize("risk, verdict", [("low", "run"), ("medium", "ask"), ("high", "offer")])
@pytest.mark.parametrize("severity", ["low", "medium", "high", "critical"])
def test_a_runbook_is_governed_by_its_risk(risk: str, verdict: str, severity: str) -> None:
    rules = seeds.rules_for_runbooks([("ssh_config.harden", "ssh_config", risk)])
    asked = scene.request(
        alert={"kpiId": "ssh_config", "severity": severity}, action="ssh_config.harden"
    )
    decision = evaluate.evaluate(Policy(tuple(rules), 1), asked, State())
    assert (decision.verdict, decision.rule_id) == (verdict, "runbook.ssh_config.harden")


def test_runbook_rules_have_ids_of_their_own_and_survive_the_wire() -> None:
    rules = seeds.rules_for_runbooks(
        [("files.fix", "ssh_config", "low"), ("files.fix", "files", "low")]
    )
    assert [rule.id for rule in rules] == ["runbook.files.fix", "runbook.files.fix.for.ssh_config"]
    assert [parse.rule(parse.to_wire(rule)) for rule in rules] == rules


def test_what_people_notice_is_on_one_host_of_a_site_at_a_time() -> None:
    runbooks = [("web.restart", "web", "low"), ("files.fix", "files", "low")]
    files, web = seeds.rules_for_runbooks(runbooks, {"web.restart"})
    assert web.limits == Limits(max_concurrent_per_site=1)
    assert files.limits == Limits()
    assert parse.rule(parse.to_wire(web)) == web


def test_an_unknown_risk_is_refused() -> None:
    with pytest.raises(ValueError, match="tiny"):
        seeds.rules_for_runbooks([("a.b", "a", "tiny")])
