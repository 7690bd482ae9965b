"""The shelf keeps what was asked for last, and no more than it says."""

import pytest

from tests.unit.core.policy import scene
from wardline.central.policies import shelf
from wardline.central.policies.shelf import Shelf
from wardline.core.policy import compiled
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.rule import Policy


def index(rules: int = 1) -> Compiled:
    made = tuple(scene.rule(id=f"r{number}") for number in range(rules))
    return compiled.build(Policy(made, 1))


def test_an_index_is_its_own_partners_only() -> None:
    held, mine = Shelf(), index()
    held.put("mine", mine)
    assert held.take("mine") is mine
    assert held.take("theirs") is None


def test_a_newer_index_takes_the_place_of_the_older_one() -> None:
    held, newer = Shelf(), index()
    held.put("mine", index())
    held.put("mine", newer)
    assert (held.take("mine"), len(held)) == (newer, 1)


def test_who_has_not_asked_for_longest_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "PARTNERS_KEPT_MAX", 2)
    held = Shelf()
    for name in ("first", "second"):
        held.put(name, index())
    assert held.take("first") is not None
    held.put("third", index())
    assert [held.take(name) is not None for name in ("first", "second", "third")] == [
        True,
        False,
        True,
    ]


def test_many_rules_make_room_too_and_the_newest_always_stays(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shelf, "RULES_KEPT_MAX", 4)
    held = Shelf()
    for name, rules in (("first", 2), ("second", 2), ("third", 1)):
        held.put(name, index(rules))
    assert [held.take(name) is not None for name in ("first", "second")] == [False, True]
    held.put("large", index(9))
    assert (held.take("large") is not None, len(held)) == (True, 1)
