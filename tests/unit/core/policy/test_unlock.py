"""What unlocks a decision, as an operator reads it."""

from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import evaluate, seeds, unlock
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy, Rule
from wardline.core.policy.ways import Frees

SATURDAY = "2026-11-21T12:00:00+00:00"
WORKDAYS = {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"}


def ways(
    rules: list[Rule],
    asked: Request | None = None,
    known: State | None = None,
    frees: Frees | None = None,
) -> list[list[tuple[str, str]]]:
    """Kind and words of the steps of every way."""
    asked, known = asked or scene.request(), known or scene.state()
    decision = evaluate.evaluate(Policy(tuple(rules), 0), asked, known)
    found = unlock.unlocks(rules, asked, known, decision, frees)
    return [[(step.kind.value, step.words) for step in way.steps] for way in found]


def test_the_pricing_rule_waits_for_monday_and_then_for_a_manager() -> None:
    pricing = seeds.document()[0]
    alert = {"kpiId": "margin", "severity": "warn"}
    about: dict[str, Any] = {"alert": alert, "action": None, "zone": "Europe/Berlin"}
    assert ways([pricing], scene.request(at=SATURDAY, **about)) == [
        [
            (
                "wait",
                "wait until Monday 2026-11-23 08:00 (Europe/Berlin), when rule "
                "pricing.auto.adjust opens",
            ),
            ("approve", "a person who is manager or admin approves it"),
        ]
    ]


@pytest.mark.parametrize(
    ("known", "kind"),
    [
        ({"freeze": True}, "lift_freeze"),
        ({"observing": True}, "let_heal"),
        ({"hold": True}, "clear_hold"),
        ({"locked": True}, "let_finish"),
    ],
)
def test_what_stands_in_the_way_is_named(known: dict[str, Any], kind: str) -> None:
    found = ways([scene.rule()], known=scene.state(**known))
    assert [[each for each, _ in way] for way in found] == [[kind]]


def test_of_two_approvals_one_is_left_when_one_is_given() -> None:
    rule = scene.rule(approval={"required": True, "roles": ["manager"], "quorum": 2})
    assert ways([rule])[0][0][1] == "2 people who are manager approve it"
    asked = scene.request(approval={"approvers": {"mia": ["manager"]}})
    assert ways([rule], asked) == [[("approve", "a person who is manager approves it")]]


def test_a_limit_frees_at_the_instant_that_is_known() -> None:
    rule = scene.rule(limits={"maxRunsPerHostPerDay": 1})
    known = scene.state(hostUsed={"fix": {"runs_24h": 1}})
    words = "enough of maxRunsPerHostPerDay of rule r (1) is free again"
    assert ways([rule], known=known) == [[("free_limit", words)]]
    asked = scene.request()
    decision = evaluate.evaluate(Policy((rule,), 0), asked, known)
    at = datetime.fromisoformat(SATURDAY)
    (way,) = unlock.unlocks([rule], asked, known, decision, {("r", "maxRunsPerHostPerDay"): at})
    assert way.steps[0].at == at
    assert way.to_wire()["steps"][0]["at"] == "2026-11-21T12:00:00.000Z"


def test_a_limit_below_one_run_has_to_be_raised() -> None:
    rule = scene.rule(limits={"maxDailyPct": 2}, params={"deltaPct": 3})
    words = "raise maxDailyPct of rule r (2): this run alone uses 3"
    assert ways([rule]) == [[("raise_limit", words)]]


def test_a_cooldown_ends() -> None:
    known = scene.state(hostUsed={"fix": {"last_run_at": "2026-11-20T11:30:00+00:00"}})
    assert ways([scene.rule(cooldownMinutes=60)], known=known) == [
        [
            (
                "wait",
                "wait until Friday 2026-11-20 12:30 (UTC), when the cooldown of rule r is over",
            )
        ]
    ]


def test_a_deny_closes_or_is_switched_off() -> None:
    deny = scene.rule(id="no", effect="deny", window=WORKDAYS)
    assert ways([scene.rule(), deny]) == [
        [("wait", "wait until Friday 2026-11-20 18:01 (UTC), when rule no no longer forbids it")],
        [("disable_rule", "switch rule no off, which forbids it")],
    ]


def test_rules_that_are_not_in_force_are_offered_before_a_new_one() -> None:
    off = scene.rule(id="off", enabled=False)
    watching = scene.rule(id="watching", mode="log_only")
    over = scene.rule(id="over", expiresAt="2026-01-01T00:00:00Z", enabled=False)
    kinds = [[kind for kind, _ in way] for way in ways([off, watching, over])]
    assert kinds == [["enforce_rule"], ["enable_rule"], ["enable_rule", "renew_rule"]]
    assert ways([]) == [[("add_rule", "no rule of disk and fix fits this request: it needs one")]]


def test_facts_that_a_parameter_needs_are_named() -> None:
    rule = scene.rule(params={"text": "{facts.name} by {delta}"})
    assert [words for _, words in ways([rule])[0]] == [
        "the request says delta, which rule r asks for",
        "the request says facts.name, which rule r asks for",
    ]


def test_what_nothing_helps_has_no_way() -> None:
    rule = scene.rule()
    assert ways([rule], known=scene.state(actions={})) == []
    assert ways([scene.rule(window=WORKDAYS)], scene.request(zone="Mars/Base")) == []
    nobody = scene.rule(approval={"required": True, "roles": []})
    assert ways([nobody]) == []
    assert ways([scene.rule()]) == []
