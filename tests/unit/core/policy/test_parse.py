"""Parsing: what is taken, what is refused and by which path, and the way back."""

from typing import Any

import orjson
import pytest

from wardline.core import canonical
from wardline.core.policy import columns, condition, exact, parse
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import DuplicateRule, Policy
from wardline.core.policy.wire import RuleWire

LEAST: dict[str, Any] = {
    "id": "r",
    "when": {"kpiId": "disk", "severity": ["warn"]},
    "action": "fix",
}
WHOLE: dict[str, Any] = LEAST | {
    "when": {"kpiId": "disk", "severity": ["warn", "critical"], "condition": "delta > 3"},
    "params": {"deltaPct": {"warn": 1.5, "crit": 3}, "list": [1, "{facts.a.b}", None, True]},
    "limits": {
        "maxDailyPct": 3.25,
        "maxWeeklyPct": 7,
        "maxDailyQty": 2000,
        "maxRunsPerHostPerDay": 1,
        "maxRunsPerSitePerHour": 2,
        "maxConcurrentPerSite": 3,
    },
    "window": {"days": [0, 6], "start": "22:00", "end": "06:00", "timezone": "Europe/Berlin"},
    "approval": {
        "required": True,
        "roles": ["manager"],
        "bypassIfSeverity": "crit",
        "selfApprove": True,
        "expiresMinutes": 60,
        "quorum": 2,
    },
    "autoExecute": True,
    "autoSuggest": False,
    "name": "Fix the disk",
    "description": "One line\nand another",
    "enabled": False,
    "priority": -3,
    "effect": "deny",
    "scope": {"partner": "p", "site": "s", "host": "h", "platform": "linux", "tags": ["a", "b"]},
    "floor": True,
    "cooldownMinutes": 5,
    "maxStaleMinutes": 60,
    "mode": "log_only",
    "expiresAt": "2027-01-01T00:00:00.000Z",
    "revision": 4,
    "createdBy": "user_1",
    "createdAt": "2026-11-20T12:00:00.000Z",
    "updatedBy": "user_2",
    "updatedAt": "2026-11-20T12:00:00.123Z",
}


def problems(obj: object) -> dict[str, str]:
    with pytest.raises(RuleInvalid) as caught:
        parse.rule(obj)
    return dict(caught.value.problems)


@pytest.mark.parametrize("given", [LEAST, WHOLE], ids=["least", "whole"])
def test_a_rule_goes_round_trip(given: dict[str, Any]) -> None:
    rule = parse.rule(given)
    wire = parse.to_wire(rule)
    assert parse.rule(wire) == rule
    assert parse.rule(exact.plain(wire)) == rule
    assert canonical.dumps(parse.to_wire(parse.rule(wire))) == canonical.dumps(wire)
    assert exact.plain(wire) == {"autoExecute": False, "autoSuggest": True} | given


def test_what_is_left_out_has_its_default() -> None:
    rule = parse.rule(LEAST | {"window": None, "approval": None, "params": None})
    assert rule == parse.rule(LEAST)
    assert (rule.auto_execute, rule.auto_suggest, rule.enabled, rule.window) == (
        False,
        True,
        True,
        None,
    )


def test_every_bad_field_is_named_at_once() -> None:
    found = problems(
        {
            "id": "",
            "when": {"severity": ["bad"], "kpi": "x"},
            "action": 7,
            "window": {"days": [7, -1], "start": "99:99", "end": "24:00"},
            "limits": {"maxDailyPct": -1, "maxRuns": 3},
            "autoExecute": "yes",
            "approval": {"roles": "manager"},
            "unknown": 1,
            "params": {"text": "{fact.x}"},
        }
    )
    assert found.keys() == {
        "id",
        "when.kpiId",
        "when.severity[0]",
        "when.kpi",
        "action",
        "window.days[0]",
        "window.days[1]",
        "window.start",
        "window.end",
        "limits.maxDailyPct",
        "limits.maxRuns",
        "autoExecute",
        "approval.required",
        "approval.roles",
        "unknown",
        "params.text",
    }


@pytest.mark.parametrize(
    "change, path",
    [
        ({"id": "a\x00b"}, "id"),
        ({"id": "a\ud800b"}, "id"),
        ({"id": " a"}, "id"),
        ({"id": "a\nb"}, "id"),
        ({"id": "a" * 129}, "id"),
        ({"params": {"x": ["\x00"]}}, "params.x[0]"),
        ({"params": {"x": "\udfff"}}, "params.x"),
        ({"params": {"x\x00": 1}}, "params"),
        ({"params": {"ä": 1}}, "params"),
        ({"params": {"$x": 1}}, "params"),
        ({"params": {"x": {"$decimal": "many"}}}, "params.x"),
        ({"params": {"x": {"$decimal": "NaN"}}}, "params.x"),
        ({"params": {"x": 2**53}}, "params.x"),
        ({"params": {"x": float("inf")}}, "params.x"),
        ({"params": {"x": 1e-30}}, "params.x"),
        ({"params": {"x": b"bytes"}}, "params.x"),
        ({"params": {"warn": {"a": 1}, "crit": 3}}, "params.crit"),
        ({"params": {str(n): n for n in range(65)}}, "params"),
        ({"params": {"x": "{ delta"}, "name": "{nope}", "enabled": None}, "enabled"),
        ({"params": {"x": "a { nope } b"}}, "params.x"),
        ({"limits": {"maxDailyPct": True}}, "limits.maxDailyPct"),
        ({"limits": {"maxRunsPerHostPerDay": 1.5}}, "limits.maxRunsPerHostPerDay"),
        ({"window": {"days": [], "start": "08:00", "end": "09:00"}}, "window.days"),
        ({"window": {"days": [True], "start": "08:00", "end": "09:00"}}, "window.days[0]"),
        ({"window": {"days": [42], "start": "08:00", "end": "09:00"}}, "window.days[0]"),
        ({"window": {"days": [1], "start": "08:00", "end": "08:00"}}, "window"),
        ({"window": {"days": [1], "start": "8:00", "end": "09:00"}}, "window.start"),
        ({"window": {"days": [1], "start": "08:00\n", "end": "09:00"}}, "window.start"),
        ({"window": {"days": [1], "start": "٠٨:00", "end": "09:00"}}, "window.start"),
        ({"when": {"kpiId": "d", "severity": []}}, "when.severity"),
        (
            {"when": {"kpiId": "d", "severity": ["ok"], "condition": f"{'delta > 1':513}"}},
            "when.condition",
        ),
        ({"expiresAt": "2026-01-01T00:00:00"}, "expiresAt"),
        ({"expiresAt": "soon"}, "expiresAt"),
        ({"expiresAt": "0001-01-01T00:00:00+14:00"}, "expiresAt"),
        ({"effect": "maybe"}, "effect"),
        ({"cooldownMinutes": 0}, "cooldownMinutes"),
        ({"approval": {"required": True, "quorum": 0}}, "approval.quorum"),
        ({"scope": {"region": "x"}}, "scope.region"),
        ({"auto_execute": True}, "auto_execute"),
        ({"description": "x" * 4000, "params": {"x": "y" * 30_000}}, "$"),
    ],
)
def test_a_bad_field_is_refused_by_its_path(change: dict[str, Any], path: str) -> None:
    assert problems(LEAST | change).keys() == {path}


@pytest.mark.parametrize(
    "name", ["Mars/Base", "localtime", "../../etc/passwd", "Europe", "posix/UTC", "/etc/localtime"]
)
def test_a_time_zone_is_one_of_the_iana_list(name: str) -> None:
    window = {"days": [1], "start": "08:00", "end": "09:00", "timezone": name}
    found = problems(LEAST | {"window": window})
    assert found.keys() == {"window.timezone"}
    assert found["window.timezone"] == "must be a time zone such as Europe/Berlin"


@pytest.mark.parametrize("given", [None, [], "rule", 3, True])
def test_something_else_than_a_rule(given: object) -> None:
    assert problems(given).keys() == {"$"}


def test_nesting_has_an_end() -> None:
    deep: Any = 1
    for _ in range(5000):
        deep = [deep]
    (path,) = problems(LEAST | {"params": {"x": deep}})
    assert path.startswith("params.x[0]")


def test_a_condition_may_be_as_long_as_its_limit() -> None:
    longest = f"{'delta > 1':{condition.BYTES_MAX}}"
    when = LEAST["when"] | {"condition": longest}
    assert parse.rule(LEAST | {"when": when}).when.condition == longest


@pytest.mark.parametrize(
    "condition, reason",
    [
        ("", "line 1, column 1: a value should stand here, not end of the condition"),
        ("delta > 1 &&\n delta < x", "line 2, column 10: there is no variable x"),
        ("facts.ports.exists(p, p == 22)", "line 1, column 13: the macro exists is not supported"),
        ("delta + 1", "line 1, column 1: comes to int; a condition comes to true or false"),
        ("é" * 257, "line 1, column 1: longer than 512 bytes"),
    ],
)
def test_a_condition_is_refused_with_its_place(condition: str, reason: str) -> None:
    when = LEAST["when"] | {"condition": condition}
    with pytest.raises(RuleInvalid) as refused:
        parse.rules([LEAST | {"when": when}])
    ((path, why),) = refused.value.problems
    assert path == "rules[0].when.condition"
    assert why.startswith(reason)


def test_a_list_tells_where_its_bad_rules_stand() -> None:
    with pytest.raises(RuleInvalid) as caught:
        parse.rules([LEAST, LEAST | {"id": 3}, LEAST | {"id": "b", "action": ""}, 7])
    paths = [path for path, _ in caught.value.problems]
    assert paths == ["rules[1].id", "rules[2].action", "rules[3]"]


def test_a_list_has_every_id_once() -> None:
    with pytest.raises(RuleInvalid) as caught:
        parse.rules([LEAST, LEAST])
    assert caught.value.problems == (("rules[1].id", "stands in this list twice"),)


def test_a_policy_has_one_meaning_for_an_id() -> None:
    rule, other = parse.rule(LEAST), parse.rule(LEAST | {"action": "other"})
    assert Policy((rule, rule), 1).rules == (rule, rule)
    with pytest.raises(DuplicateRule):
        Policy((rule, other), 1)


def test_many_problems_are_counted() -> None:
    with pytest.raises(RuleInvalid, match=r"and 50 more"):
        parse.rules([7] * 150)


def test_the_tenth_is_a_tenth() -> None:
    rule = parse.rule(LEAST | {"limits": {"maxDailyPct": 0.1}, "params": {"a": 3.0, "b": 0.1}})
    wire = parse.to_wire(rule)
    assert wire["limits"] == {"maxDailyPct": {"$decimal": "0.1"}}
    assert wire["params"] == {"a": 3, "b": {"$decimal": "0.1"}}
    assert exact.plain(wire)["limits"] == {"maxDailyPct": 0.1}


def test_a_simulation_takes_the_documents_alert() -> None:
    alert = {"id": "test", "kpiId": "margin", "title": "Test", "message": "Test"}
    wire = parse.simulation({"alert": alert | {"severity": "warn"}, "roles": ["manager"]})
    assert (wire.alert.kpi_id, wire.roles, wire.alert.delta) == ("margin", ["manager"], None)
    with pytest.raises(RuleInvalid) as caught:
        parse.simulation({"alert": alert, "role": []})
    assert {path for path, _ in caught.value.problems} == {"alert.severity", "role"}


@pytest.mark.parametrize(
    "sent",
    [
        [0] * 1_000_000,
        {f"k{number}": 0 for number in range(100_000)},
        {"params": {"a": [[]] * 1_000_000}},
        {"id": "x" * 10_000_000},
    ],
)
def test_what_is_far_too_large_is_refused_unread(sent: Any) -> None:
    """The one problem is its size: to tell of each key took seconds, in which nobody was answered."""
    for read in (parse.rule, parse.simulation, parse.drafts, parse.removal, parse.preview):
        with pytest.raises(RuleInvalid) as refused:
            read(sent)
        ((path, why),) = refused.value.problems
        assert path == "$"
        assert "at most" in why or "more than" in why


def test_what_is_nested_and_large_is_counted() -> None:
    """Too deep for the measure of bytes."""
    deep: Any = 0
    for _ in range(400):
        deep = [deep]
    with pytest.raises(RuleInvalid, match="more than"):
        parse.rule({"params": {"deep": deep, "wide": [0] * 100_000}})


def test_faults_of_very_many_rules_are_not_all_looked_for() -> None:
    with pytest.raises(RuleInvalid) as refused:
        parse.rules([{}] * 10_000)
    assert len(refused.value.problems) == 100


def test_no_look_at_a_whole_rule_is_left_out_for_many() -> None:
    """Fields of many rules are read apart: a check across fields would be skipped there."""
    decorators = RuleWire.__pydantic_decorators__
    assert not decorators.model_validators
    assert not decorators.root_validators
    assert not decorators.field_validators


def test_many_rules_with_umlauts_are_read_together() -> None:
    items = [LEAST | {"id": f"r{number}", "name": "Größe"} for number in range(3)]
    made = columns.rules(items)
    assert made is not None
    assert [rule.name for rule in made] == ["Größe"] * 3


def test_what_many_rules_have_in_common_they_share() -> None:
    items = [LEAST | {"id": f"r{number}", "params": {"pct": 1}} for number in range(2)]
    one, other = parse.rules(orjson.loads(orjson.dumps(items)))
    assert one.when is other.when
    assert one.params is other.params
