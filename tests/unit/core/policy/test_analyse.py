"""Findings as authors meet them: the words, the field, and what is known of the estate."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.unit.core.policy import scene
from wardline.core.policy import analyse
from wardline.core.policy.analysis.estate import Estate, SiteFacts
from wardline.core.policy.analysis.finding import Flaw, Level
from wardline.core.policy.request import ActionFacts, Risk
from wardline.core.policy.rule import Rule, Window

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)  # a Friday
WORKDAYS = [1, 2, 3, 4, 5]
DAY = {"days": WORKDAYS, "start": "08:00", "end": "18:00"}
EVENING = {"days": WORKDAYS, "start": "19:00", "end": "20:00"}
OFFICE = (Window((1, 2, 3, 4, 5), 8 * 60, 18 * 60),)
ESTATE = Estate(
    partner="p1",
    sites={"s1": SiteFacts("Europe/Berlin", OFFICE), "bare": SiteFacts("Europe/Berlin")},
    actions={
        "fix": ActionFacts(Risk.LOW, ("linux",), frozenset({"deltaPct", "qty"})),
        "other": ActionFacts(Risk.LOW),
    },
    kpis=frozenset({"disk"}),
    holders={"manager": frozenset({"mia"}), "admin": frozenset({"ada", "mia"})},
)


def found(*given: dict[str, Any]) -> list[tuple[str, str, str, tuple[str, ...]]]:
    rules = [scene.rule(**each) for each in given]
    return [
        (each.flaw.value, each.rule_id, each.path, each.others)
        for each in analyse.whole(rules, ESTATE, NOW)
    ]


def floor(**given: Any) -> dict[str, Any]:
    return {"id": "floor", "floor": True, "autoExecute": True} | given


@pytest.mark.parametrize(
    ("given", "flaw", "path"),
    [
        ({"enabled": False}, "dead", "enabled"),
        ({"expiresAt": "2026-11-20T12:00:00Z"}, "dead", "expiresAt"),
        ({"action": "gone"}, "dead", "action"),
        ({"when": {"kpiId": "cpu", "severity": ["ok"]}}, "dead", "when.kpiId"),
        ({"scope": {"platform": "windows"}}, "dead", "scope.platform"),
        (
            {"scope": {"site": "s1"}, "window": DAY, "openingHours": "outside"},
            "never_open",
            "openingHours",
        ),
        ({"scope": {"site": "bare"}, "openingHours": "inside"}, "never_open", "openingHours"),
        ({"window": EVENING, "expiresAt": "2026-11-20T12:30:00Z"}, None, ""),
        (
            {"window": EVENING | {"timezone": "UTC"}, "expiresAt": "2026-11-20T13:00:00Z"},
            "never_open",
            "expiresAt",
        ),
        (
            {"window": DAY, "scope": {"site": "s1"}, "expiresAt": "2026-11-22T00:00:00Z"},
            None,
            "",
        ),
        (
            {"window": EVENING, "scope": {"site": "s1"}, "expiresAt": "2026-11-20T17:59:00Z"},
            "never_open",
            "expiresAt",
        ),
        (
            {
                "window": {"days": [3], "start": "08:00", "end": "09:00"},
                "expiresAt": "2026-11-22T00:00:00Z",
            },
            "never_open",
            "expiresAt",
        ),
        ({"limits": {"maxRunsPerHostPerDay": 0}}, "unsatisfiable", "limits.maxRunsPerHostPerDay"),
        ({"limits": {"maxDailyPct": 0}}, None, ""),
        (
            {"limits": {"maxDailyPct": 0.5}, "params": {"deltaPct": {"warn": 1, "crit": 3}}},
            "unsatisfiable",
            "limits.maxDailyPct",
        ),
        ({"limits": {"maxDailyPct": 1}, "params": {"deltaPct": "{delta}"}}, None, ""),
        (
            {"limits": {"maxDailyQty": 1}, "params": {"qty": "many"}},
            "unsatisfiable",
            "params",
        ),
        ({"params": {"colour": "red"}}, "unsatisfiable", "params.colour"),
        ({"approval": {"required": True, "roles": []}}, "unsatisfiable", "approval.roles"),
        (
            {"approval": {"required": True, "roles": ["reader"]}},
            "unsatisfiable",
            "approval.roles",
        ),
        (
            {"approval": {"required": True, "roles": ["manager", "admin"], "quorum": 3}},
            "unsatisfiable",
            "approval.quorum",
        ),
        (
            {"approval": {"required": True, "roles": ["manager"]}},
            "unsatisfiable",
            "approval.selfApprove",
        ),
        ({"approval": {"required": True, "roles": ["manager"], "selfApprove": True}}, None, ""),
        ({"approval": {"required": False, "roles": []}}, None, ""),
    ],
)
def test_a_rule_alone(given: dict[str, Any], flaw: str | None, path: str) -> None:
    assert found(given) == ([] if flaw is None else [(flaw, "r", path, ())])


def test_what_only_some_severities_cannot_do_is_a_notice() -> None:
    rule = scene.rule(
        limits={"maxDailyPct": 2},
        params={"deltaPct": {"warn": 1, "crit": 3}},
    )
    (told,) = analyse.whole([rule], ESTATE, NOW)
    assert (told.flaw, told.level) == (Flaw.UNSATISFIABLE, Level.NOTICE)
    assert told.words == "one run uses 3 of maxDailyPct, which is 2 at high, crit, critical"


def test_a_floor_binds_what_is_narrower() -> None:
    narrow = {"scope": {"site": "s2"}, "window": EVENING}
    assert found(narrow, floor(window=DAY)) == [("never_open", "r", "window", ("floor",))]
    assert found({"scope": {"site": "s2"}}, floor(limits={"maxRunsPerHostPerDay": 0})) == [
        ("unsatisfiable", "floor", "limits.maxRunsPerHostPerDay", ()),
        ("unsatisfiable", "r", "limits.maxRunsPerHostPerDay", ("floor",)),
    ]
    assert found({"window": EVENING}, floor(window=DAY)) == []


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [
        # Where one partner alone asks, a rule that names it speaks to the same requests.
        ({"scope": {"partner": "p1"}}, {}, ("shadowed", "r2", "when", ("r",))),
        ({"scope": {"site": "s1"}}, {}, None),
        ({"priority": 1}, {"params": {"deltaPct": 1}}, ("shadowed", "r2", "when", ("r",))),
        ({}, {"params": {"deltaPct": 1}}, ("shadowed", "r2", "when", ("r",))),
        ({}, {"name": "other"}, ("duplicate", "r2", "id", ("r",))),
        ({}, {"priority": -1}, ("duplicate", "r2", "id", ("r",))),
        ({"when": {"kpiId": "cpu", "severity": ["ok"]}, "action": "fix"}, {}, None),
        (
            {"window": DAY},
            {"window": DAY | {"start": "10:00"}, "params": {"qty": 1}},
            ("shadowed", "r2", "when", ("r",)),
        ),
        (
            {"window": DAY},
            {"window": DAY | {"end": "19:00"}, "params": {"qty": 1}},
            ("conflicting", "r2", "priority", ("r",)),
        ),
        ({"window": DAY}, {"window": EVENING, "params": {"qty": 1}}, None),
        (
            {"window": DAY},
            {"window": DAY | {"timezone": "UTC"}, "effect": "deny"},
            ("conflicting", "r", "effect", ("r2",)),
        ),
        ({}, {"effect": "deny"}, ("shadowed", "r", "when", ("r2",))),
        (
            {"scope": {"tags": ["lab"]}},
            {"scope": {"tags": ["old"]}, "effect": "deny"},
            ("conflicting", "r", "effect", ("r2",)),
        ),
        (
            {"when": {"kpiId": "disk", "severity": ["ok"]}},
            {"when": {"kpiId": "disk", "severity": ["crit"]}, "effect": "deny"},
            None,
        ),
    ],
)
def test_two_rules(
    first: dict[str, Any],
    second: dict[str, Any],
    wanted: tuple[str, str, str, tuple[str, ...]] | None,
) -> None:
    told = [each for each in found(first, {"id": "r2"} | second) if each[0] != "dead"]
    assert told == ([] if wanted is None else [wanted])


def test_opening_hours_of_a_site_may_leave_nothing_to_a_rule() -> None:
    """At work the first decides; the second is for the same hours, told as a window."""
    told = found(
        {"scope": {"site": "s1"}, "openingHours": "inside"},
        {"id": "r2", "scope": {"site": "s1"}, "window": DAY, "priority": -1, "params": {"qty": 1}},
    )
    assert told == [("shadowed", "r2", "when", ("r",))]


def test_too_many_rules_to_compare_are_told_as_not_analysed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(analyse, "STEPS_WHOLE_MAX", 3)
    rules: list[Rule] = [scene.rule(id=f"r{number}", priority=number) for number in range(9)]
    told = analyse.whole(rules, Estate(), NOW)
    assert told[-1].flaw is Flaw.NOT_ANALYSED
    assert told[-1].level is Level.NOTICE
