"""The index gives the loop's decisions, whole ones, over many drawn rule sets."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.property.core.policy.draw import Draw
from wardline.core.policy import barred, compiled, evaluate
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Code, Decision, Verdict
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy, Rule

SETS = 400
SETS_FULL = 5000
REQUESTS_PER_SET = 3
REVISIONS = 40
CHANGES_MAX = 5
RULES_MANY = 120
KNOWN_SEED = 20261121  # of the scenes whose spread is checked


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def assert_same(rules: list[Rule], request: Request, state: State) -> Decision:
    """The index's decision: first its outcome, then its trace, then all of it, against the loop's.

    Each of the three is worked out in another way."""
    policy = Policy(tuple(rules), 3, 2)
    wanted = evaluate.evaluate(policy, request, state)
    found = compiled.build(policy).evaluate(request, state)
    outcome = (found.verdict, found.code, found.rule_id)
    assert outcome == (wanted.verdict, wanted.code, wanted.rule_id)
    assert found.trace == wanted.trace
    assert found == wanted
    assert found.to_wire() == wanted.to_wire()
    return found


def scenes(draw: Draw, sets: int) -> Iterator[tuple[list[Rule], Request, State]]:
    for _ in range(sets):
        rules = draw.rules()
        for _ in range(REQUESTS_PER_SET):
            yield rules, draw.request(), draw.state()
        yield rules, *quiet(draw.request(), draw.state())


def quiet(request: Request, state: State) -> tuple[Request, State]:
    """The same with nothing in the way but the rules: what the index answers by itself."""
    asked = dataclasses.replace(request, action="fix", approval=None, zone="Europe/Berlin")
    calm = dataclasses.replace(state, freeze=False, observing=False, hold=False, locked=False)
    return asked, calm


def test_the_index_decides_as_the_loop_does(draw: Draw) -> None:
    for scene in scenes(draw, SETS):
        assert_same(*scene)


@pytest.mark.full
def test_the_index_decides_as_the_loop_does_over_thousands_of_sets(draw: Draw) -> None:
    for scene in scenes(draw, SETS_FULL):
        assert_same(*scene)


@given(st.integers(0, 2**32 - 1))
def test_the_index_decides_as_the_loop_does_wherever_hypothesis_looks(seed: int) -> None:
    draw = Draw(seed)
    assert_same(draw.rules(), draw.request(), draw.state())


def test_the_scenes_reach_every_verdict_and_code() -> None:
    found = Counter(
        (decision.verdict, decision.code)
        for scene in scenes(Draw(KNOWN_SEED), 4 * SETS)
        for decision in [assert_same(*scene)]
    )
    assert {verdict for verdict, _ in found} == set(Verdict)
    assert {code for _, code in found} == set(Code) - barred.CODES


def test_the_index_decides_as_the_loop_does_where_many_rules_meet(draw: Draw) -> None:
    for _ in range(SETS // 20):
        rules = [draw.rule(f"r{number}") for number in range(RULES_MANY)]
        policy = Policy(tuple(rules), 1)
        index = compiled.build(policy)
        for _ in range(REQUESTS_PER_SET):
            request, state = draw.request(), draw.state()
            assert index.evaluate(request, state) == evaluate.evaluate(policy, request, state)


def test_neither_order_nor_duplicates_matter(draw: Draw) -> None:
    for rules, request, state in scenes(draw, SETS // 4):
        mixed = rules + draw.random.choices(rules, k=2) if rules else []
        draw.random.shuffle(mixed)
        first, second = index_of(rules), index_of(mixed)
        assert as_sets(first) == as_sets(second)
        assert first.evaluate(request, state) == second.evaluate(request, state)


def test_an_index_of_changes_equals_one_made_anew(draw: Draw) -> None:
    for _ in range(SETS // 40):
        index, rules = index_of([]), dict[str, Rule]()
        for revision in range(REVISIONS):
            changed, removed = changes(draw, rules)
            for rule_id in removed:
                rules.pop(rule_id, None)
            rules |= {rule.id: rule for rule in changed}
            before = as_sets(index)
            after = index.with_rules(changed, removed, revision=revision, epoch=1)
            assert as_sets(index) == before
            assert as_sets(after) == as_sets(index_of(list(rules.values())))
            assert after.revision == revision
            index = after


def test_a_change_leaves_the_other_buckets_as_they_are(draw: Draw) -> None:
    rules = [draw.rule(f"r{number}") for number in range(RULES_MANY)]
    index = index_of(rules)
    changed = dataclasses.replace(rules[0], priority=7)
    after = index.with_rules([changed], [], revision=2, epoch=1)
    touched = (changed.when.kpi_id, changed.action)
    assert after.buckets[touched] != index.buckets[touched]
    for key, bucket in index.buckets.items():
        assert key == touched or after.buckets[key] is bucket


def changes(draw: Draw, rules: dict[str, Rule]) -> tuple[list[Rule], list[str]]:
    """Rules to put in or replace, and ids to take out, some of which nobody knows."""
    names = [f"r{number}" for number in range(12)]
    picked = draw.random.sample(names, k=draw.random.randint(0, CHANGES_MAX))
    cut = draw.random.randint(0, len(picked))
    return [draw.rule(name) for name in picked[:cut]], picked[cut:]


def index_of(rules: list[Rule]) -> Compiled:
    return compiled.build(Policy(tuple(rules), 1))


def as_sets(index: Compiled) -> tuple[object, ...]:
    return dict(index.plans), dict(index.buckets), dict(index.actions), index.wild
