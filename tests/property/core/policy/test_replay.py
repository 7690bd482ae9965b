"""Replaying batches, against deciding every request by both sets of rules, one by one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core.policy import compiled, evaluate, kept, replay
from wardline.core.policy.batch import Asked
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import ActionFacts, Request, State
from wardline.core.policy.rule import Policy, Rule

SCENES = 60
BATCHES = 12
PER_BATCH = 6
# What is kept of the state beside the rules, and nothing of what had been used.
KEPT = ("freeze", "observing", "hold")


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def batch(draw: Draw, state: State) -> list[Asked]:
    """Requests as one call makes them: at one instant, for one principal of one partner."""
    first = draw.request()
    made = []
    for number in range(PER_BATCH):
        one = draw.request()
        request = replace(
            one,
            alert=replace(one.alert, id=f"a{number}"),
            at=first.at,
            partner=first.partner,
            principal=first.principal,
            tags=frozenset(),
            approval=None,
        )
        held = draw.state()
        known = {name: getattr(held, name) for name in KEPT}
        # What holds at a place holds for the action that is asked for; without one it is no hold.
        known["hold"] = known["hold"] and request.action is not None
        made.append((request, replace(state, **known, confirmed_at=request.at)))
    return made


def change(draw: Draw, old: list[Rule]) -> list[Rule]:
    """One rule changed, taken out, or put in."""
    changed = draw.rule(draw.random.choice([rule.id for rule in old] or ["r0"]))
    rest = [rule for rule in old if rule.id != changed.id]
    return [rest, [*rest, changed], [*rest, changed], [*old, draw.rule("new")]][
        draw.random.randrange(4)
    ]


def alone(rules: list[Rule], request: Request, state: State) -> Decision:
    return evaluate.evaluate(Policy(tuple(rules), 0), request, state)


def test_a_replay_comes_to_what_deciding_one_by_one_comes_to(draw: Draw) -> None:
    seen = Counter[tuple[Verdict, Verdict]]()
    shared = 0
    for _ in range(SCENES):
        old = draw.rules()
        new = change(draw, old)
        before = compiled.build(Policy(tuple(old), 1))
        ids = {rule.id for rule in new}
        gone = [rule.id for rule in old if rule.id not in ids]
        after = before.with_rules(new, gone, revision=2, epoch=1)
        base = State(actions=draw.state().actions)
        asked = [batch(draw, base) for _ in range(BATCHES)]
        wanted, left_out = told(asked, before, old, new)
        sheets = [
            kept.sheet(kept.pack(each, [before.evaluate(*one) for one in each])) for each in asked
        ]
        made = replay.Replay(before, after, partial(known_on, base))
        for sheet in sheets:
            made.take(sheet)
        found = made.tell()
        turns = {each.turn: each.spread.count for each in found.turns}
        assert turns == {turn: n for turn, n in wanted.items() if turn[0] is not turn[1]}
        assert found.left_out == left_out
        assert found.judged == sum(wanted.values()) == made.looked_at - left_out
        for verdict in Verdict:
            assert found.before[verdict] == sum(
                n for turn, n in wanted.items() if turn[0] is verdict
            )
            assert found.after[verdict] == sum(
                n for turn, n in wanted.items() if turn[1] is verdict
            )
        assert found.runs.count == found.after[Verdict.RUN]
        assert found.asks.count == found.after[Verdict.ASK]
        seen += wanted
        shared += found.judged - made.distinct
    assert seen[Verdict.BLOCK, Verdict.RUN]
    assert seen[Verdict.RUN, Verdict.BLOCK]
    assert shared > 0


def known_on(state: State, platform: str | None) -> Mapping[str, ActionFacts] | None:
    return state.actions


def told(
    asked: list[list[Asked]], index: Compiled, old: list[Rule], new: list[Rule]
) -> tuple[Counter[tuple[Verdict, Verdict]], int]:
    """The turns of every decision, looked at alone, and how many are left out."""
    turns, left_out = Counter[tuple[Verdict, Verdict]](), 0
    for one in asked:
        for request, state in one:
            if index.evaluate(request, state).code in replay.USED_UP:
                left_out += 1
                continue
            turns[alone(old, request, state).verdict, alone(new, request, state).verdict] += 1
    return turns, left_out


def test_alike_at_other_times_is_decided_once(draw: Draw) -> None:
    """What no rule can see makes no difference, and what one can does."""
    rule = replace(
        draw.rule("r0"), action="fix", window=None, opening_hours=None, expires_at=None, params=None
    )
    rule = replace(
        rule, when=replace(rule.when, condition=None), scope=replace(rule.scope, host=None)
    )
    index = compiled.build(Policy((rule,), 1))
    first = replace(draw.request(), action="fix", tags=frozenset(), approval=None)
    sheets = []
    for day in range(9):
        request = replace(first, at=first.at + timedelta(days=day), host=f"h{day}")
        asked = [(request, State(confirmed_at=request.at))]
        sheets.append(kept.sheet(kept.pack(asked, [index.evaluate(*asked[0])])))
    made = replay.Replay(index, index, lambda _: None)
    for sheet in sheets:
        made.take(sheet)
    # Those that a limit refused are left out.
    assert made.distinct <= 1
    assert made.looked_at == 9
