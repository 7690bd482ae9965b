"""Cases of any set of rules: an index decides them as the plain loop does, and they find drift."""

import json
from dataclasses import replace

import pytest

from tests.property.core.policy.draw import Draw
from wardline.core import canonical
from wardline.core.policy import compiled, conformance, covering, evaluate
from wardline.core.policy.conformance import Expected, Place
from wardline.core.policy.request import State
from wardline.core.policy.rule import Effect, Mode, Policy, Rule
from wardline.core.severity import Severity

KNOWN_SEED = 20261128  # of the sets whose shares are counted
ROUNDS = 60
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe")


def _unique(draw: Draw) -> tuple[Rule, ...]:
    return tuple(draw.rules())


def _cases(
    rules: tuple[Rule, ...], zone: str
) -> tuple[list[conformance.Case], covering.Cover, compiled.Compiled]:
    index = compiled.build(Policy(rules, 3))
    cover = covering.cover(rules, index, zone)
    # Over the wire: as canonical bytes.
    rows = json.loads(canonical.dumps(list(cover.rows)))
    place = Place(zone, covering.OPENING_HOURS)
    cases = [conformance.case(row, place, rules, at) for at, row in enumerate(rows)]
    return cases, cover, index


@pytest.mark.parametrize("zone", ZONES)
def test_the_loop_decides_every_case_as_the_index_did(zone: str, seed: int) -> None:
    draw = Draw(seed)
    seen = 0
    for _ in range(ROUNDS):
        rules = _unique(draw)
        cases, cover, index = _cases(rules, zone)
        assert conformance.difference(index, cases) is None
        for case in cases:
            state = State(confirmed_at=case.request.at)
            found = evaluate.evaluate(Policy(rules, 3), case.request, state)
            assert Expected.of(found) == case.expected
        seen += len(cases)
        winners = {case.expected.rule_id for case in cases}
        decide = sum(rule.id in winners for rule in rules)
        assert cover.without >= len(rules) - decide
        again = covering.cover(rules, index, zone)
        assert again == cover, "the same rules give the same cases"
    assert seen > ROUNDS


def test_a_rule_alone_that_can_decide_decides_a_case(seed: int) -> None:
    draw = Draw(seed)
    for _ in range(ROUNDS * 3):
        for drawn in draw.rules()[:1]:
            rule = replace(
                drawn, enabled=True, mode=Mode.ENFORCE, when=replace(drawn.when, condition=None)
            )
            _, cover, _ = _cases((rule,), "Europe/Berlin")
            if rule.opening_hours is None:
                assert cover.without == 0, rule


def test_an_engine_that_forgets_windows_priorities_or_denies_is_found_out() -> None:
    # The same draws each time: the shares below are of some fifty sets, and would wander.
    draw = Draw(KNOWN_SEED)
    missed = {"effect": 0, "window": 0, "severity": 0}
    tried = dict.fromkeys(missed, 0)
    for _ in range(ROUNDS):
        rules = _unique(draw)
        cases, _, _ = _cases(rules, "Europe/Berlin")
        decided = {case.expected.rule_id for case in cases}
        for name, drifted in (
            ("effect", lambda rule: replace(rule, effect=Effect.ALLOW)),
            ("window", lambda rule: replace(rule, window=None)),
            (
                "severity",
                lambda rule: replace(rule, when=replace(rule.when, severity=(Severity.OK,))),
            ),
        ):
            changed = tuple(drifted(rule) for rule in rules)
            concerned = [
                rule
                for rule, other in zip(rules, changed, strict=True)
                if rule != other and rule.id in decided
            ]
            if not concerned:
                continue
            tried[name] += 1
            index = compiled.build(Policy(changed, 3))
            missed[name] += conformance.difference(index, cases) is None
    assert all(tried.values())
    # A window that lies inside one of a rule that decides without it leaves no trace; little else.
    assert missed["effect"] == 0
    assert missed["severity"] <= tried["severity"] // 10
    assert missed["window"] <= tried["window"] // 4
