"""Decisions told quickly, kept and read again, are the decisions that they were."""

import dataclasses

import orjson
import pytest

from tests.property.core.policy.draw import Draw
from tests.property.core.policy.test_compiled import quiet, scenes
from wardline.core.policy import compiled, exact, kept, telling
from wardline.core.policy.decision import Code, Verdict
from wardline.core.policy.request import Counters
from wardline.core.policy.rule import Policy

SETS = 300


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def test_what_is_told_quickly_is_what_the_decision_says_of_itself(draw: Draw) -> None:
    seen: set[Verdict | Code] = set()
    for rules, request, state in scenes(draw, SETS):
        index = compiled.build(Policy(tuple(rules), 3, 2))
        told = orjson.loads(telling.dumps(telling.public(index.evaluate(request, state))))
        again = index.evaluate(request, state)
        assert told == orjson.loads(orjson.dumps(exact.plain(again.to_wire())))
        assert telling.resolved(index.evaluate(request, state)) == again.params
        seen |= {again.verdict, again.code}
    assert set(Verdict) <= seen


def test_what_is_kept_is_decided_again_as_it_was(draw: Draw) -> None:
    for rules, request, state in scenes(draw, SETS):
        index = compiled.build(Policy(tuple(rules), 3, 2))
        asked = [
            (dataclasses.replace(one, tags=frozenset(), approval=None), _uncounted(there))
            for one, there in ((request, state), quiet(request, state))
        ]
        asked = [(dataclasses.replace(one, at=asked[0][0].at), there) for one, there in asked]
        principal = asked[0][0].principal
        asked = [(dataclasses.replace(one, principal=principal), there) for one, there in asked]
        decisions = [index.evaluate(*each) for each in asked]
        found = list(kept.unpack(kept.pack(asked, decisions)))
        for one, (was, there), decision in zip(found, asked, decisions, strict=True):
            again = index.evaluate(one.request, _state(there, one))
            assert (one.verdict, one.code, one.rule_id) == (
                decision.verdict,
                decision.code,
                decision.rule_id,
            )
            assert (again.verdict, again.code, again.rule_id) == (
                decision.verdict,
                decision.code,
                decision.rule_id,
            )
            wanted = dataclasses.replace(
                was,
                alert=dataclasses.replace(was.alert, title="", message=""),
                decision_id="",
            )
            assert dataclasses.replace(one.request, at=wanted.at) == wanted


def _uncounted(state):
    """What a replay is given besides: that nothing has run."""
    return dataclasses.replace(state, counters=Counters(), locked=False)


def _state(state, one):
    return dataclasses.replace(state, freeze=one.freeze, observing=one.observing, hold=one.held)
