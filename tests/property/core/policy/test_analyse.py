"""The analysis against brute force: every rule, request and time of many small rule sets."""

from collections import Counter
from dataclasses import replace
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.core.policy.small import MINUTE, SITE, SUNDAY, Small, World, in_force
from wardline.core.policy import analyse, evaluate, match, opening
from wardline.core.policy.analysis import clashes, shadows
from wardline.core.policy.analysis.budget import Budget
from wardline.core.policy.analysis.estate import Estate, SiteFacts
from wardline.core.policy.analysis.finding import Flaw
from wardline.core.policy.analysis.grounds import Grounds
from wardline.core.policy.request import State
from wardline.core.policy.rule import Effect, Policy, Rule

SETS = 60
SETS_DRAWN = 300
SETS_FULL = 2000
KNOWN_SEED = 20261126  # of the sets whose spread is checked
STEPS = 1_000_000
ASKED = 20
YEAR_MINUTES = 366 * 24 * 60
ZONES = ("Europe/Berlin", "America/New_York")
ESTATE = Estate()


@pytest.fixture
def small(seed: int) -> Small:
    return Small(seed)


def goes_before(one: Rule, other: Rule) -> bool:
    if one.effect is not other.effect:
        return one.effect is Effect.DENY
    return one.rank < other.rank


def left(world: World, rule: Rule, others: list[Rule]) -> int:
    """Where a rule acts and none of the others stands before it."""
    found = world.acts(rule)
    for other in others:
        if other is not rule and goes_before(other, rule):
            found &= ~world.stands(other)
    return found


def binds(world: World, floor: Rule, others: list[Rule]) -> bool:
    return floor.floor and any(
        other.effect is Effect.ALLOW
        and floor.broader_than(other)
        and world.fits(floor) & world.fits(other)
        for other in others
    )


def shadowed_by_hand(world: World, rules: list[Rule]) -> set[str]:
    return {
        rule.id
        for rule in rules
        if world.acts(rule) and not left(world, rule, rules) and not binds(world, rule, rules)
    }


def assert_shadows(world: World, estate: Estate = ESTATE) -> None:
    rules = in_force(world.rules, SUNDAY)
    by_id = {rule.id: rule for rule in rules}
    found = shadows.shadowed(Grounds(rules, estate), estate, None, Budget(STEPS))
    told = {rule.id: others for rule, others in found}
    assert told.keys() == shadowed_by_hand(world, rules)
    for rule_id, others in told.items():
        named = [by_id[other] for other in others]
        assert not left(world, by_id[rule_id], named)
        for other in named:
            assert left(world, by_id[rule_id], [each for each in named if each is not other])


def assert_clashes(world: World, estate: Estate = ESTATE) -> None:
    rules = in_force(world.rules, SUNDAY)
    standing = Grounds(rules, estate)
    pairs = list(permutations(rules, 2))
    forbidden = {
        (one.id, other.id)
        for one, other in pairs
        if one.effect is Effect.ALLOW and other.effect is Effect.DENY
        if world.acts(one) & world.acts(other)
    }
    found = clashes.forbidden(standing, estate, None, Budget(STEPS))
    assert {(one.id, other.id) for one, other in found} == forbidden
    ambiguous = {
        (one.id, other.id)
        for one, other in pairs
        if one.effect is other.effect is Effect.ALLOW and one.rank > other.rank
        if one.rank[:2] == other.rank[:2] and world.acts(one) & world.acts(other)
        if wants(one) != wants(other)
    }
    found = clashes.ambiguous(standing, estate, None, Budget(STEPS))
    assert {(one.id, other.id) for one, other in found} == ambiguous


def wants(rule: Rule) -> tuple[object, ...]:
    return rule.params or {}, rule.limits, rule.approval, rule.floor


def assert_closed(world: World, estate: Estate = ESTATE) -> None:
    rules = in_force(world.rules, SUNDAY)
    closed = set()
    for rule in rules:
        acts = world.acts(rule)
        for floor in rules:
            binding = floor.floor and floor.effect is Effect.ALLOW and floor.broader_than(rule)
            if binding and rule.effect is Effect.ALLOW:
                acts &= ~(world.fits(floor) * ((1 << len(world.times)) - 1)) | world.acts(floor)
        if not acts:
            closed.add(rule.id)
    found = analyse.whole(rules, estate, SUNDAY)
    told = {each.rule_id for each in found if each.flaw is Flaw.NEVER_OPEN}
    assert told == closed


def assert_dead(world: World) -> None:
    """What speaks to no request from now on, whatever is measured."""
    found = analyse.whole(world.rules, ESTATE, SUNDAY)
    told = {each.rule_id for each in found if each.flaw is Flaw.DEAD}
    assert told == {rule.id for rule in world.rules if not world.fits(rule)}


def assert_duplicates(world: World) -> None:
    """Two that are told mean the same wherever one looks; two of the same words are told."""
    rules = in_force(world.rules, SUNDAY)
    by_id = {rule.id: rule for rule in rules}
    told = {
        (each.rule_id, other)
        for each in analyse.whole(world.rules, ESTATE, SUNDAY)
        if each.flaw is Flaw.DUPLICATE
        for other in each.others
    }
    for later, first in ((by_id[one], by_id[other]) for one, other in told):
        assert goes_before(first, later)
        assert later.effect is first.effect
        assert (world.acts(later), world.stands(later)) == (world.acts(first), world.stands(first))
        # What a deny says beside that it forbids means nothing.
        assert later.effect is Effect.DENY or wants(later) == wants(first)
    named = {one for one, _ in told}
    for one, other in permutations(rules, 2):
        if goes_before(one, other) and written_alike(one, other):
            assert other.id in named


def written_alike(one: Rule, other: Rule) -> bool:
    return replace(one, id=other.id, priority=other.priority) == other


def assert_told_on_save(world: World, changed: Rule) -> None:
    """A save tells what the whole analysis says of the rule, and what is new about the others."""
    whole = analyse.whole(world.rules, ESTATE, SUNDAY)
    before = analyse.whole([r for r in world.rules if r is not changed], ESTATE, SUNDAY)
    found = analyse.touched(world.rules, [changed.id], ESTATE, SUNDAY)
    shadowed = {each.rule_id for each in whole if each.flaw is Flaw.SHADOWED}
    earlier = {each.rule_id for each in before if each.flaw in (Flaw.SHADOWED, Flaw.DUPLICATE)}
    told = {each.rule_id for each in found if each.flaw is Flaw.SHADOWED}
    assert told == shadowed - (earlier - {changed.id})
    for flaw in (Flaw.DEAD, Flaw.NEVER_OPEN, Flaw.UNSATISFIABLE):
        of_rule = [e for e in whole if e.flaw is flaw and e.rule_id == changed.id]
        assert [e for e in found if e.flaw is flaw and e.rule_id == changed.id] == of_rule
    clashing = {
        frozenset((each.rule_id, other))
        for each in whole
        if each.flaw in (Flaw.CONFLICTING, Flaw.DUPLICATE)
        for other in each.others
    }
    pairs = {
        frozenset((each.rule_id, other))
        for each in found
        if each.flaw in (Flaw.CONFLICTING, Flaw.DUPLICATE)
        for other in each.others
    }
    assert {pair for pair in clashing if changed.id in pair} <= pairs


def assert_all(world: World) -> None:
    assert_shadows(world)
    assert_clashes(world)
    assert_closed(world)
    assert_dead(world)
    assert_duplicates(world)
    assert_told_on_save(world, world.rules[0])


def test_the_analysis_says_what_trying_everything_says(small: Small) -> None:
    for _ in range(SETS):
        assert_all(small.world())


@pytest.mark.full
def test_the_analysis_says_what_trying_everything_says_over_thousands_of_sets(
    small: Small,
) -> None:
    found = Counter[Flaw]()
    for _ in range(SETS_FULL):
        world = small.world()
        assert_all(world)
        found.update(each.flaw for each in analyse.whole(world.rules, ESTATE, SUNDAY))
    print(f"{SETS_FULL} sets:", ", ".join(f"{n} {flaw}" for flaw, n in found.most_common()))


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1))
def test_the_analysis_says_what_trying_everything_says_wherever_hypothesis_looks(
    seed: int,
) -> None:
    assert_all(Small(seed).world())


def test_the_sets_hold_every_flaw_often() -> None:
    small = Small(KNOWN_SEED)
    found = Counter(
        (each.flaw, len(each.others) > 1)
        for _ in range(SETS_DRAWN)
        for each in analyse.whole(small.world().rules, ESTATE, SUNDAY)
    )
    flaws = {flaw for flaw, _ in found}
    assert flaws >= set(Flaw) - {Flaw.NOT_ANALYSED, Flaw.UNSATISFIABLE}
    assert found[Flaw.SHADOWED, True] >= 10, found
    assert found[Flaw.NEVER_OPEN, True] + found[Flaw.NEVER_OPEN, False] >= 5, found
    assert found[Flaw.SHADOWED, False] >= 50, found


def test_trying_everything_agrees_with_the_decisions(small: Small) -> None:
    """A rule decides exactly where nothing that stands before it is left."""
    respects = ["action", "partner", "site", "host", "platform", "tags", "weeks"]
    for _ in range(SETS):
        world = small.world(respects)
        rules = in_force(world.rules, SUNDAY)
        policy = Policy(tuple(world.rules), 1)
        for rule in rules:
            acts, decides = world.acts(rule), left(world, rule, rules)
            for bit in (acts & decides, acts & ~decides):
                if bit:
                    request, _ = world.at(
                        small.one([bit.bit_length() - 1, (bit & -bit).bit_length() - 1])
                    )
                    decision = evaluate.evaluate(policy, request, State())
                    assert (decision.rule_id == rule.id) is (bit == acts & decides)


def test_the_order_of_the_rules_and_duplicates_change_nothing(small: Small) -> None:
    for _ in range(SETS):
        rules = list(small.world().rules)
        found = analyse.whole(rules, ESTATE, SUNDAY)
        small.random.shuffle(rules)
        assert analyse.whole([*rules, *rules[:2]], ESTATE, SUNDAY) == found


def test_opening_hours_that_are_known_are_taken_as_they_are(small: Small) -> None:
    for _ in range(SETS):
        world = small.staffed_world()
        estate = Estate(sites={SITE: SiteFacts("UTC", world.hours or ())})
        assert_shadows(world, estate)
        assert_clashes(world, estate)
        assert_closed(world, estate)


def test_nothing_is_called_shadowed_that_decides_on_the_clocks_of_some_zones(small: Small) -> None:
    """Between zones the analysis may miss something; it never says too much."""
    tried = 0
    for _ in range(SETS * 5):
        world = small.world(["action", "tags"])
        rules = [elsewhere(rule, small) for rule in world.rules]
        told = {
            each.rule_id
            for each in analyse.whole(rules, ESTATE, SUNDAY)
            if each.flaw in (Flaw.SHADOWED, Flaw.DUPLICATE)
        }
        policy = Policy(tuple(rules), 1)
        for rule in rules:
            if rule.id not in told:
                continue
            for _ in range(ASKED):
                request, _ = small.one(world.requests)
                passed = small.random.randrange(YEAR_MINUTES) * MINUTE
                zone = small.one([*ZONES, "Asia/Kathmandu"])
                asked = replace(request, at=SUNDAY + passed, zone=zone)
                if not match.fits(rule, asked, asked.action) or not opening.is_open(rule, asked):
                    continue
                tried += 1
                assert evaluate.evaluate(policy, asked, State()).rule_id != rule.id
    assert tried > SETS


def elsewhere(rule: Rule, small: Small) -> Rule:
    if rule.window is None:
        return rule
    return replace(rule, window=replace(rule.window, timezone=small.one([None, *ZONES])))
