"""Rules read or written together are those that are read or written one by one."""

import copy
from random import Random
from typing import Any

import orjson
import pytest

from tests.property.core.policy.draw import Draw
from wardline.core import canonical
from wardline.core.canonical import Json
from wardline.core.policy import columns, compiled, parse, written
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Policy, Rule, Stamp

ROUNDS = 150
# What no field takes, what only some take, and what is not what it looks like.
JUNK: tuple[Json, ...] = (
    *(None, True, False, 0, 1, 3, -1, 2**60, 1.0, 1.5, "", "x", " x", "a\x00", "\ud800", "Größe"),
    *("1", "true", "crit", "deny", "inside", "2026-11-21T09:00:00Z", "08:00", [], [1], ["crit"]),
    *({}, {"a": 1}, {"$decimal": "1.5"}, {"warn": 1, "crit": 2}, {"x": "{nope}"}, {"ü": 1}),
    *({"x": 1.5}, {"x": "\x00"}, [[[[[[[[[[[[1]]]]]]]]]]]], {"required": True}, {"required": 1}),
)
FIELDS = (
    *("id", "when", "action", "params", "limits", "window", "approval", "autoExecute", "name"),
    *("description", "enabled", "priority", "effect", "scope", "floor", "openingHours", "mode"),
    *("expiresAt", "revision", "createdBy", "createdAt", "unheardOf", "when.kpiId", "scope.site"),
    *("when.condition", "limits.maxDailyPct", "window.start", "approval.roles", "scope.tags"),
)


def _items(draw: Draw) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = orjson.loads(
        orjson.dumps([parse.to_wire(rule) for rule in draw.rules()])
    )
    return items


def _spoil(random: Random, item: dict[str, Any]) -> None:
    path, junk = random.choice(FIELDS), random.choice(JUNK)
    outer, _, inner = path.partition(".")
    if not inner:
        item[outer] = junk
    elif isinstance(held := item.setdefault(outer, {}), dict):
        held[inner] = junk


def _one_by_one(items: list[dict[str, Any]]) -> list[Rule] | None:
    try:
        return [parse.rule(item) for item in items]
    except RuleInvalid:
        return None


@pytest.mark.parametrize("part", range(2))
def test_what_is_read_together_is_what_is_read_alone(part: int, seed: int) -> None:
    draw, together = Draw(seed + part), 0
    for _ in range(ROUNDS):
        items = _items(draw)
        made = columns.rules(items)
        if made is not None:
            assert made == _one_by_one(items)
            together += bool(items)
    assert together > ROUNDS // 4


@pytest.mark.parametrize("part", range(2))
def test_nothing_gets_past_that_would_not_alone(part: int, seed: int) -> None:
    draw, refused = Draw(seed + part), 0
    for _ in range(ROUNDS):
        items = [item for item in _items(draw) if "$decimal" not in str(item)]
        for junk in range(draw.random.randint(1, 3) if items else 0):
            _spoil(draw.random, items[junk % len(items)])
        made, expected = columns.rules(items), _one_by_one(items)
        refused += expected is None
        assert made is None or made == expected
    assert refused > ROUNDS // 4


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_takes_the_same_in_a_list_as_alone(field: str) -> None:
    outer, _, inner = field.partition(".")
    for junk in JUNK:
        item: dict[str, Any] = {
            "id": "r",
            "when": {"kpiId": "disk", "severity": ["crit"]},
            "action": "fix",
        }
        item[outer] = (item.get(outer) or {}) | {inner: junk} if inner else junk
        made, expected = columns.rules([copy.deepcopy(item)]), _one_by_one([item])
        assert made is None or made == expected


@pytest.mark.parametrize("part", range(2))
def test_what_is_written_together_is_what_is_written_alone(part: int, seed: int) -> None:
    draw = Draw(seed + part)
    for _ in range(ROUNDS):
        rules = draw.rules()
        for stamp in (Stamp(), Stamp(revision=7, created_by="me")):
            alone = [canonical.dumps(parse.to_wire(rule.stamped(stamp))) for rule in rules]
            assert written.texts(rules, stamp) == alone


@pytest.mark.parametrize("part", range(2))
def test_rules_that_share_their_parts_decide_as_those_that_do_not(part: int, seed: int) -> None:
    draw = Draw(seed + part)
    for _ in range(ROUNDS):
        items = _items(draw)
        shared = parse.kept(items)
        apart = [parse.rule(copy.deepcopy(item)) for item in items]
        one, other = (compiled.build(Policy(tuple(each), 1)) for each in (shared, apart))
        assert one.plans == other.plans
        for _ in range(5):
            request, state = draw.request(), draw.state()
            assert one.evaluate(request, state) == other.evaluate(request, state)
