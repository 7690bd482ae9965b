"""Breaker and brake over any decision: who keeps his word, and what an observing site would do."""

from collections import Counter
from dataclasses import replace
from random import Random

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core.policy import barred, evaluate
from wardline.core.policy.decision import Check, Code, Decision, Outcome, Verdict, Would
from wardline.core.policy.request import Request, State
from wardline.core.policy.rule import Policy

SETS = 400
MISSING, BROKEN, STOPPED = "no fact", "5 attempts", "3 of 3 failed"
# What refuses before the inputs of a run are looked at, in the order of the checks.
BEFORE_INPUTS = {
    *(Code.FREEZE, Code.HOLD, Code.NO_MATCH, Code.DENIED),
    *(Code.UNKNOWN_ACTION, Code.NOT_ADMISSIBLE, Code.ERROR),
}
KNOWN_SEED = 20261127  # of the scenes whose spread is checked


class Scenes:
    """Decisions of random policies, and what stands outside of them."""

    def __init__(self, seed: int) -> None:
        self.draw, self._more = Draw(seed), Random(seed)

    def scene(self) -> tuple[Policy, Request, State]:
        policy = Policy(tuple(self.draw.rules()), 0)
        return policy, self.draw.request(), self.draw.state()

    def outside(self) -> tuple[str | None, str | None, str | None]:
        """What is missing, why it is broken, what is stopped; each of them or not."""
        choose = self._more.choice
        return choose((None, MISSING)), choose((None, BROKEN)), choose((None, STOPPED))


def within(
    decision: Decision, missing: str | None, broken: str | None, stopped: str | None
) -> Decision:
    """As the judge of an appliance puts them together."""
    if missing is not None:
        decision = barred.unresolved(decision, missing)
    return barred.braked(barred.broken(decision, broken), stopped)


def expected(
    base: Decision, missing: str | None, broken: str | None, stopped: str | None
) -> tuple[Verdict, Code]:
    """Freeze and hold keep their word against all; what a person has to release goes before what
    waiting ends; a breaker adds nothing to what refuses anyhow."""
    verdict, code = base.verdict, base.code
    if missing is not None and code not in BEFORE_INPUTS:
        verdict, code = Verdict.BLOCK, Code.UNRESOLVED_INPUT
    if code in (Code.FREEZE, Code.HOLD):
        return verdict, code
    if stopped is not None:
        return Verdict.BLOCK, Code.BRAKE
    if broken is not None and verdict is not Verdict.BLOCK:
        return Verdict.BLOCK, Code.BREAKER
    return verdict, code


def decided(policy: Policy, request: Request, state: State, *, observing: bool) -> Decision:
    return evaluate.evaluate(policy, request, replace(state, observing=observing))


@pytest.mark.parametrize("known", [True, False])
def test_who_refuses_is_settled_by_one_order(known: bool, seed: int) -> None:
    scenes, ends = Scenes(KNOWN_SEED if known else seed), Counter[Code]()
    for _ in range(SETS):
        policy, request, state = scenes.scene()
        outside = scenes.outside()
        base = decided(policy, request, state, observing=False)
        found = within(base, *outside)
        assert (found.verdict, found.code) == expected(base, *outside), (base.code, outside)
        ends[found.code] += 1
    if known:
        assert set(ends) >= {Code.BRAKE, Code.BREAKER, Code.FREEZE, Code.HOLD, Code.ALLOWED}


def test_an_observing_site_would_do_what_a_healing_one_does(seed: int) -> None:
    scenes = Scenes(seed)
    for _ in range(SETS):
        policy, request, state = scenes.scene()
        outside = scenes.outside()
        healing = within(decided(policy, request, state, observing=False), *outside)
        found = within(decided(policy, request, state, observing=True), *outside)
        if state.freeze:
            assert (found.verdict, found.code) == (Verdict.BLOCK, Code.FREEZE)
            continue
        assert (found.verdict, found.code) == (Verdict.BLOCK, Code.OBSERVING)
        assert found.would == Would(healing.verdict, healing.code, healing.rule_id), outside


def test_the_trace_has_each_check_once_and_its_last_word_is_what_was_decided(seed: int) -> None:
    scenes = Scenes(seed)
    for _ in range(SETS):
        policy, request, state = scenes.scene()
        outside = scenes.outside()
        found = within(evaluate.evaluate(policy, request, state), *outside)
        steps = [step for step in found.trace if step.check in (*barred.CHECKS, Check.VERDICT)]
        assert [step.check for step in steps] == [Check.BREAKER, Check.BRAKE, Check.VERDICT]
        fails = [step.outcome is Outcome.FAIL for step in steps[:2]]
        assert fails == [outside[1] is not None, outside[2] is not None]
        assert steps[2].detail.startswith(f"{found.verdict} ({found.code}"), steps[2]
        if found.verdict is Verdict.BLOCK:
            assert (dict(found.params), found.approver_roles) == ({}, None)
