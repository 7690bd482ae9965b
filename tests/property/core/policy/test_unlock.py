"""Whatever is said to unlock a decision is carried out, and the decision made again is a run."""

import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.core.policy.draw import Draw
from wardline.core.policy import compiled, evaluate, unlock
from wardline.core.policy.decision import Code, Verdict
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy, Rule, Scope, When
from wardline.core.policy.share import WHOLE
from wardline.core.policy.steps import Kind, Scene
from wardline.core.severity import Severity

SETS = 300
SECONDS_MAX = 3.0
SETS_FULL = 5000
KNOWN_SEED = 20261127  # of the scenes whose spread is checked


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def decided(scene: Scene) -> Verdict:
    """By the loop and by the index."""
    policy = Policy(scene.rules, 0)
    verdict = evaluate.evaluate(policy, scene.request, scene.state).verdict
    assert compiled.build(policy).evaluate(scene.request, scene.state).verdict is verdict
    return verdict


def assert_unlocks(rules: list[Rule], request: Request, state: State) -> list[unlock.Unlock]:
    decision = evaluate.evaluate(Policy(tuple(rules), 0), request, state)
    found = unlock.unlocks(rules, request, state, decision)
    assert (not found) or decision.verdict is not Verdict.RUN
    assert len(found) <= unlock.UNLOCKS_MAX
    for way in found:
        assert way.steps
        assert decided(unlock.applied(rules, request, state, way)) is way.verdict is Verdict.RUN
        for step in way.steps:
            fewer = replace(way, steps=tuple(each for each in way.steps if each is not step))
            assert decided(unlock.applied(rules, request, state, fewer)) is not Verdict.RUN
    return found


def test_what_is_said_to_unlock_unlocks_and_nothing_of_it_is_dispensable(draw: Draw) -> None:
    for _ in range(SETS):
        assert_unlocks(draw.rules(), draw.request(), draw.state())


@pytest.mark.full
def test_what_is_said_to_unlock_unlocks_over_thousands_of_sets(draw: Draw) -> None:
    for _ in range(SETS_FULL):
        assert_unlocks(draw.rules(), draw.request(), draw.state())


@given(st.integers(0, 2**32 - 1))
def test_what_is_said_to_unlock_unlocks_wherever_hypothesis_looks(seed: int) -> None:
    draw = Draw(seed)
    assert_unlocks(draw.rules(), draw.request(), draw.state())


def test_nearly_everything_can_be_unlocked_and_by_every_kind_of_step() -> None:
    draw, kinds = Draw(KNOWN_SEED), Counter[Kind]()
    locked, helpless = Counter[Code](), Counter[Code]()
    for _ in range(SETS * 2):
        rules, request, state = draw.rules(), draw.request(), draw.state()
        # With hours that somebody knows, in a zone that there is, on actions that are free text, and
        # with limits of which it has all: what an appliance may not at all, no step changes.
        hours = request.opening_hours or (draw.window(),)
        request = replace(request, zone="Europe/Berlin", opening_hours=hours)
        state = replace(state, actions=None, share=WHOLE)
        rules = [_helped(rule) for rule in rules]
        decision = evaluate.evaluate(Policy(tuple(rules), 0), request, state)
        if decision.verdict is Verdict.RUN:
            continue
        found = unlock.unlocks(rules, request, state, decision)
        kinds.update(step.kind for way in found for step in way.steps)
        locked[decision.code] += 1
        helpless[decision.code] += not found
    assert set(Kind) - set(kinds) <= {Kind.FACTS}, kinds
    # What is left: rules that no instant opens together with a floor or the hours of the site.
    assert helpless.total() <= locked.total() * 0.02, (locked, helpless)


def _helped(rule: Rule) -> Rule:
    """The rule without what no step can bring about: an approval that no role may give, a run of
    none, and facts that nobody can guess."""
    approval, params = rule.approval, rule.params
    if approval is not None and approval.roles == ():
        approval = None
    if params is not None and "{" in str(params.get("x")):
        params = None
    limits = replace(
        rule.limits, max_runs_per_host_per_day=rule.limits.max_runs_per_host_per_day or None
    )
    return replace(rule, approval=approval, params=params, limits=limits)


@pytest.mark.parametrize("year", [1, 1969, 9998, 9999])
def test_years_without_a_calendar_are_not_searched(draw: Draw, year: int) -> None:
    for _ in range(20):
        request = replace(draw.request(), at=datetime(year, 12, 31, tzinfo=UTC))
        assert assert_unlocks(draw.rules(), request, draw.state()) == []


def test_a_crowd_of_rules_is_searched_in_time_or_not_at_all(draw: Draw) -> None:
    request = replace(draw.request(), action="fix", zone="UTC")
    for size in (unlock.RULES_MAX, unlock.RULES_MAX + 1):
        rules = [
            replace(draw.rule(f"r{number}"), action="fix", enabled=False, scope=Scope())
            for number in range(size)
        ]
        rules = [replace(rule, when=When("disk", tuple(Severity))) for rule in rules]
        asked = replace(request, alert=replace(request.alert, kpi_id="disk"))
        decision = evaluate.evaluate(Policy(tuple(rules), 0), asked, State())
        began = time.thread_time()
        found = unlock.unlocks(rules, asked, State(), decision)
        assert time.thread_time() - began < SECONDS_MAX
        assert bool(found) is (size <= unlock.RULES_MAX)
