"""What must hold of every decision, whatever the rules, over many drawn scenes."""

import dataclasses
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core import canonical
from wardline.core.policy import barred, condition, evaluate, exact, parse, window
from wardline.core.policy.decision import Check, Code, Decision, Outcome, Verdict
from wardline.core.policy.request import Initiator, Request, Risk, State
from wardline.core.policy.rule import Effect, Policy, Rule, Scope, When

SCENES = 500
KNOWN_SEED = 20261121  # of the scenes whose spread is checked
ORDER = [check for check in Check if check not in barred.CHECKS | {Check.LOG_ONLY}]
OPENNESS = [Verdict.BLOCK, Verdict.OFFER, Verdict.ASK, Verdict.RUN]


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def scenes(draw: Draw) -> Iterator[tuple[list[Rule], Request, State, Decision]]:
    for _ in range(SCENES):
        rules, request, state = draw.rules(), draw.request(), draw.state()
        yield rules, request, state, decide(rules, request, state)


def decide(rules: list[Rule], request: Request, state: State) -> Decision:
    return evaluate.evaluate(Policy(tuple(rules), 1), request, state)


def test_the_scenes_reach_every_verdict_and_code() -> None:
    known = Draw(KNOWN_SEED)
    decisions = [decision for _ in range(4) for *_, decision in scenes(known)]
    verdicts = Counter(decision.verdict for decision in decisions)
    assert min(verdicts[verdict] for verdict in Verdict) > 0
    assert {decision.code for decision in decisions} == set(Code) - barred.CODES


def test_neither_order_nor_duplicates_matter(draw: Draw) -> None:
    for rules, request, state, decision in scenes(draw):
        mixed = rules + draw.random.choices(rules, k=2) if rules else []
        draw.random.shuffle(mixed)
        assert decide(mixed, request, state) == decision


def test_adding_a_deny_never_allows(draw: Draw) -> None:
    blocked = 0
    for rules, request, state, before in scenes(draw):
        deny = dataclasses.replace(draw.rule("new"), effect=Effect.DENY)
        if draw.random.random() < 0.5:
            about = When(request.alert.kpi_id, (request.alert.severity,))
            deny = dataclasses.replace(deny, when=about, scope=Scope(), action="*")
        after = decide([*rules, deny], request, state)
        assert OPENNESS.index(after.verdict) <= OPENNESS.index(before.verdict)
        if request.action is not None:
            assert after.verdict in (before.verdict, Verdict.BLOCK)
        blocked += after.verdict is not before.verdict
    assert blocked > 0


def test_any_refusal_blocks_and_every_check_stands_in_the_trace(draw: Draw) -> None:
    for _, _, state, decision in scenes(draw):
        checks = [step.check for step in decision.trace]
        assert checks[: len(ORDER)] == ORDER
        assert set(checks[len(ORDER) :]) <= {Check.LOG_ONLY}
        refused = [
            step.check
            for step in decision.trace[: len(ORDER) - 1]
            if step.outcome in (Outcome.FAIL, Outcome.ERROR)
        ]
        assert (decision.verdict is Verdict.BLOCK) == bool(
            refused or decision.code is Code.NOT_OFFERED
        )
        assert (decision.code is Code.FREEZE) == state.freeze
        assert (decision.code is Code.OBSERVING) == (state.observing and not state.freeze)
        assert (decision.would is not None) == (decision.code is Code.OBSERVING)
        assert canonical.loads(canonical.dumps(decision.to_wire()), bytes_max=1 << 20)


def test_nothing_stands_between_a_run_and_its_rule(draw: Draw) -> None:
    for rules, request, state, decision in scenes(draw):
        if decision.verdict is not Verdict.RUN:
            continue
        (rule,) = [rule for rule in rules if rule.id == decision.rule_id]
        assert rule.enabled
        assert rule.effect is Effect.ALLOW
        assert condition.holds(rule.when.condition, request)
        assert rule.action in ("*", decision.action)
        assert window.contains(rule.window, request.at, request.zone)
        assert not any([state.freeze, state.observing, state.hold, state.locked])
        if request.initiator is not Initiator.PERSON and request.principal is None:
            known = (state.actions or {}).get(decision.action or "")
            by_itself = rule.auto_execute and (known is None or known.risk is not Risk.HIGH)
            assert by_itself or request.approval is not None


def test_what_an_observing_site_would_do_is_what_a_healing_one_does(draw: Draw) -> None:
    for rules, request, state, _ in scenes(draw):
        healing = dataclasses.replace(state, freeze=False, observing=False)
        done = decide(rules, request, healing)
        would = decide(rules, request, dataclasses.replace(healing, observing=True)).would
        assert would is not None
        assert (would.verdict, would.code, would.rule_id) == (done.verdict, done.code, done.rule_id)


def test_a_narrower_rule_never_does_more_than_a_floor_lets_it(draw: Draw) -> None:
    bound = 0
    for _ in range(SCENES):
        request = dataclasses.replace(draw.request(), site="s1", action="fix", approval=None)
        about = dataclasses.replace(
            draw.rule("r0"), enabled=True, expires_at=None, action="fix", params=None
        )
        when = dataclasses.replace(
            about.when, kpi_id=request.alert.kpi_id, severity=(request.alert.severity,)
        )
        plain = dataclasses.replace(
            about, effect=Effect.ALLOW, when=dataclasses.replace(when, condition=None)
        )
        floor = dataclasses.replace(
            plain, scope=Scope(), floor=True, auto_execute=True, max_stale_minutes=None
        )
        narrow = dataclasses.replace(
            draw.rule("r1"), when=floor.when, scope=Scope(site="s1"), action="fix"
        )
        state = draw.state()
        if floor.mode != "enforce" or state.actions is not None:
            continue
        both = decide([floor, narrow], request, state)
        if both.rule_id != "r1" or both.verdict is Verdict.BLOCK:
            continue
        bound += 1
        alone = decide([dataclasses.replace(floor, cooldown_minutes=None)], request, state)
        assert alone.verdict is not Verdict.BLOCK or "limit" in alone.code
        if alone.verdict is Verdict.ASK:
            assert both.verdict is Verdict.ASK
    assert bound > 0


def test_a_rule_survives_the_wire(draw: Draw) -> None:
    for number in range(SCENES // 4):
        rule = draw.rule(f"r{number}")
        wire = parse.to_wire(rule)
        assert parse.rule(wire) == parse.rule(exact.plain(wire)) == rule


def test_broken_counters_never_run_what_needs_them(draw: Draw) -> None:
    broken = 0
    for rules, request, state, decision in scenes(draw):
        lost = dataclasses.replace(state, counters=None)  # type: ignore[arg-type]
        found = decide(rules, request, lost)
        broken += found.code is Code.ERROR
        assert found.verdict in (decision.verdict, Verdict.BLOCK) or request.action is None
    assert broken > 0
