"""What stops everything, and what one of several appliances may use of its site's limits."""

from dataclasses import replace
from decimal import Decimal

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy.decision import Check, Code, Decision, Verdict
from wardline.core.policy.request import Counters, HostUsage, RuleUsage
from wardline.core.policy.share import Share


def detail(decision: Decision, check: Check) -> str:
    return next(step.detail for step in decision.trace if step.check is check)


def test_a_freeze_blocks_before_everything_else_and_says_who() -> None:
    known = replace(scene.state(observing=True, hold=True), freeze=True, frozen_by="frozen by Mia")
    decision = scene.decide([scene.rule()], known=known)
    assert (decision.verdict, decision.code) == (Verdict.BLOCK, Code.FREEZE)
    assert decision.reason == "Frozen"
    assert decision.would is None
    assert decision.trace[0].check is Check.FREEZE
    assert decision.trace[0].detail == "frozen by Mia"
    assert detail(decision, Check.MATCH) == "rule r decides"


def test_a_freeze_that_says_nothing_still_has_words() -> None:
    decision = scene.decide([scene.rule()], known=scene.state(freeze=True))
    assert detail(decision, Check.FREEZE) == "everything is frozen for this partner or site"


@pytest.mark.parametrize(
    ("limits", "params", "used"),
    [
        ({"maxRunsPerSitePerHour": 2}, {}, RuleUsage(runs_1h=1)),
        ({"maxConcurrentPerSite": 2}, {}, RuleUsage(running=1)),
        ({"maxDailyPct": 3}, {"deltaPct": 1}, RuleUsage(pct_24h=Decimal("0.6"))),
        ({"maxWeeklyPct": 3}, {"deltaPct": 1}, RuleUsage(pct_7d=1)),
        ({"maxDailyQty": 20}, {"qty": 5}, RuleUsage(qty_24h=6)),
    ],
    ids=lambda value: next(iter(value), "") if isinstance(value, dict) else "",
)
def test_an_appliance_of_two_has_half_of_every_limit_of_a_site(
    limits: dict[str, int], params: dict[str, int], used: RuleUsage
) -> None:
    rules = [scene.rule(limits=limits, params=params)]
    known = replace(scene.state(), counters=Counters({"r": used}))
    assert scene.decide(rules, known=known).code is Code.ALLOWED
    for index in range(2):
        shared = scene.decide(rules, known=replace(known, share=Share(index, 2)))
        assert shared.code is Code.LIMIT_EXCEEDED
        assert f"the share of appliance {index + 1} of 2" in detail(shared, Check.LIMITS)


def test_a_limit_of_a_host_is_its_appliances_alone() -> None:
    rules = [scene.rule(limits={"maxRunsPerHostPerDay": 1})]
    known = replace(scene.state(), share=Share(1, 2))
    assert scene.decide(rules, known=known).code is Code.ALLOWED
    ran = replace(known, counters=Counters(actions={"fix": HostUsage(runs_24h=1)}))
    refused = scene.decide(rules, known=ran)
    assert detail(refused, Check.LIMITS) == "rule r, maxRunsPerHostPerDay: 2 of 1"


def test_a_share_of_nothing_runs_nothing_and_says_why() -> None:
    rules = [scene.rule(limits={"maxConcurrentPerSite": 1})]
    first = scene.decide(rules, known=replace(scene.state(), share=Share(0, 2)))
    assert first.verdict is Verdict.RUN
    second = scene.decide(rules, known=replace(scene.state(), share=Share(1, 2)))
    assert (second.verdict, second.code) == (Verdict.BLOCK, Code.LIMIT_EXCEEDED)
    assert detail(second, Check.LIMITS) == (
        "rule r, maxConcurrentPerSite: 1 of 0 (the share of appliance 2 of 2;"
        " the rule's limit is the whole site's)"
    )
