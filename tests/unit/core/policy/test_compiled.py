"""The index: what the loop says stands in the case files; here is what is the index's own."""

import copy
import pickle
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import compiled, evaluate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Request
from wardline.core.policy.rule import DuplicateRule, Policy, Rule

MANY = 3000


def index(*rules: Rule) -> Compiled:
    return compiled.build(Policy(rules, 7))


def decided() -> Decision:
    return index(scene.rule(params={"mode": "strict"})).evaluate(scene.request(), scene.state())


def test_what_is_read_later_is_what_the_loop_says() -> None:
    rule = scene.rule(params={"mode": "strict"})
    wanted = evaluate.evaluate(Policy((rule,), 7), scene.request(), scene.state())
    for name in ("params", "reason", "trace", "decision_id", "would", "policy_age_s"):
        assert getattr(decided(), name) == getattr(wanted, name)
    assert repr(decided()) == repr(wanted)
    assert decided().execute


def test_a_decision_that_nobody_has_read_is_copied_changed_and_sent_like_any_other() -> None:
    assert replace(decided(), reason="mine").reason == "mine"
    assert replace(decided(), trace=()).trace == ()
    for copied in (copy.copy(decided()), copy.deepcopy(decided()), pickled(decided())):
        assert copied == decided()


def pickled(decision: Decision) -> Decision:
    again: Decision = pickle.loads(pickle.dumps(decision))
    return again


def test_a_decision_has_no_other_attributes_and_none_can_be_set() -> None:
    with pytest.raises(AttributeError, match="colour"):
        decided().colour  # noqa: B018
    with pytest.raises(AttributeError):
        decided().verdict = Verdict.BLOCK  # type: ignore[misc]


def test_parameters_of_a_decision_are_its_own() -> None:
    made = index(scene.rule(params={"names": ["a"]}))
    first: Any = made.evaluate(scene.request(), scene.state()).params
    first["names"].append("b")
    assert made.evaluate(scene.request(), scene.state()).params == {"names": ["a"]}


def test_a_change_names_a_rule_once() -> None:
    with pytest.raises(DuplicateRule):
        changes(index(), scene.rule(), scene.rule(priority=1))
    assert len(changes(index(), scene.rule(), scene.rule()).plans) == 1


def test_a_rule_that_moves_leaves_nothing_behind() -> None:
    made = index(scene.rule(scope={"site": "s1"}), scene.rule(id="star", action="*"))
    moved = changes(made, scene.rule(when={"kpiId": "load", "severity": ["warn"]}))
    assert moved.buckets.keys() == {("disk", "*"), ("load", "fix")}
    assert moved.actions == {"load": ("fix",)}
    gone = moved.with_rules([], ["r", "star", "unknown"], revision=9, epoch=1)
    assert (gone.plans, gone.buckets, gone.actions, gone.wild) == ({}, {}, {}, frozenset())
    assert made.evaluate(scene.request(site="s1"), scene.state()).rule_id == "r"


def test_the_outcome_is_found_without_the_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of these is answered by the index alone: nothing is judged before it is read."""
    asked = {
        Code.ALLOWED: scene.rule(),
        Code.START_NEEDED: scene.rule(autoExecute=False),
        Code.NOT_OFFERED: scene.rule(autoExecute=False, autoSuggest=False),
        Code.APPROVAL_NEEDED: scene.rule(approval={"required": True}),
        Code.OUTSIDE_WINDOW: scene.rule(window={"days": [0], "start": "08:00", "end": "09:00"}),
        Code.LIMIT_EXCEEDED: scene.rule(limits={"maxConcurrentPerSite": 0}),
        Code.DENIED: scene.rule(effect="deny"),
        Code.NO_MATCH: scene.rule(enabled=False),
    }
    monkeypatch.setattr(Compiled, "_judge", None)
    for code, rule in asked.items():
        found = index(rule).evaluate(scene.request(), scene.state())
        assert (found.code, found.rule_id) == (code, None if code is Code.NO_MATCH else "r")


def test_only_the_rules_that_could_match_are_looked_at() -> None:
    """A thousand others of the same kpi and action, at other places, are never touched."""
    others = [scene.rule(id=f"o{n}", scope={"site": f"other {n}"}) for n in range(MANY)]
    made = index(*others, scene.rule(scope={"site": "mine"}), scene.rule(id="all"))
    parts = made._slices(scene.request(site="mine"), "fix")
    assert [[plan.id for plan in part.plans] for part in parts] == [["r"], ["all"]]


@pytest.mark.parametrize("broken", [{"tags": None}, {"zone": None}, {"facts": None}])
def test_a_broken_request_is_blocked_as_the_loop_blocks_it(broken: dict[str, Any]) -> None:
    request: Request = scene.request()
    for name, value in broken.items():
        object.__setattr__(request, name, value)
    window = {"days": [5], "start": "08:00", "end": "18:00"}
    rule = scene.rule(scope={"tags": ["lab"]}, window=window, params={"x": "{facts.a}"})
    wanted = evaluate.evaluate(Policy((rule,), 7), request, scene.state())
    assert wanted.verdict is Verdict.BLOCK
    assert index(rule).evaluate(request, scene.state()) == wanted


def changes(made: Compiled, *rules: Rule) -> Compiled:
    return made.with_rules(rules, [], revision=8, epoch=1)
