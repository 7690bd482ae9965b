"""Evaluation as a whole: closed on error, whatever breaks."""

import dataclasses
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core import canonical
from wardline.core.policy.decision import Code, Outcome, Verdict
from wardline.core.policy.request import Counters, State


class Broken(Mapping[str, Any]):
    """A mapping whose every look-up fails, as a store would that is gone."""

    def __getitem__(self, key: str) -> Any:
        raise OSError("the counters are\x00 gone ä")

    def __iter__(self) -> Iterator[str]:
        raise OSError("the counters are gone")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "known, check",
    [
        (State(counters=Counters(rules=Broken())), "limits"),
        (State(counters=Counters(actions=Broken())), "cooldown"),
        (State(actions=Broken()), "action"),
    ],
)
def test_a_check_that_breaks_blocks_with_its_reason(known: State, check: str) -> None:
    rule = scene.rule(limits={"maxConcurrentPerSite": 3}, cooldownMinutes=3)
    decision = scene.decide([rule], known=known)
    assert (decision.verdict, decision.code) == (Verdict.BLOCK, Code.ERROR)
    assert decision.reason.startswith("Evaluation error: OSError: the counters are")
    assert scene.outcomes(decision)[check] is Outcome.ERROR
    assert scene.outcomes(decision)["approval"] is not Outcome.SKIPPED
    assert canonical.dumps(decision.to_wire())


def test_facts_that_break_block() -> None:
    asked = dataclasses.replace(scene.request(), facts=Broken())
    decision = scene.decide([scene.rule(params={"x": "{facts.a}"})], asked)
    assert (decision.verdict, decision.code) == (Verdict.BLOCK, Code.ERROR)


def test_facts_that_have_no_place_on_the_wire_block() -> None:
    asked = dataclasses.replace(scene.request(), facts={"a": {"ä": 1}})
    decision = scene.decide([scene.rule(params={"x": "{facts.a}"})], asked)
    assert (decision.verdict, decision.code) == (Verdict.BLOCK, Code.UNRESOLVED_INPUT)


def test_parameters_do_not_grow_without_end() -> None:
    asked = scene.request(facts={"a": "x" * 3000})
    texts = {f"p{n}": "{facts.a}" for n in range(20)}
    assert scene.decide([scene.rule(params=texts)], asked).code == "unresolved_input"
    longer = {"p": "{facts.a}{facts.a}"}
    assert scene.decide([scene.rule(params=longer)], asked).code == "unresolved_input"


def test_a_naive_instant_is_refused() -> None:
    with pytest.raises(ValueError, match="aware"):
        dataclasses.replace(scene.request(), at=datetime(2026, 11, 20, 12))  # noqa: DTZ001


def test_a_floor_with_a_broken_zone_blocks_the_narrower_rule() -> None:
    floor = scene.rule(id="all", floor=True, window={"days": [5], "start": "08:00", "end": "18:00"})
    asked = scene.request(site="s1", zone="Mars/Base")
    decision = scene.decide([floor, scene.rule(id="s", scope={"site": "s1"})], asked)
    assert (decision.verdict, decision.code, decision.rule_id) == ("block", "error", "s")
