"""Case files: what they may say, and what comes of them."""

from typing import Any

import pytest

from wardline.core.policy import cases, compiled, parse
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Policy

CASE: dict[str, Any] = {
    "name": "noon",
    "kpiId": "disk",
    "severity": "warn",
    "action": "fix",
    "at": "2026-11-23T12:00",
    "expect": {"verdict": "run"},
}
RULE: dict[str, Any] = {
    "id": "r",
    "when": {"kpiId": "disk", "severity": ["warn"]},
    "action": "fix",
    "autoExecute": True,
}
DAY = {"days": [1], "start": "08:00", "end": "18:00"}


@pytest.mark.parametrize(
    ("rule", "case", "wrong"),
    [
        ({}, {}, ()),
        ({"window": DAY}, {}, ()),
        # The clock of the case's zone, unless the time says which.
        ({"window": DAY}, {"at": "2026-11-23T17:59", "zone": "America/New_York"}, ()),
        ({"window": DAY}, {"at": "2026-11-23T17:59+00:00", "zone": "Asia/Tokyo"}, ("verdict",)),
        ({}, {"freeze": True, "expect": {"code": "freeze"}}, ()),
        ({}, {"hold": True, "expect": {"code": "hold"}}, ()),
        ({}, {"locked": True, "expect": {"code": "locked", "rule": "r"}}, ()),
        ({}, {"observing": True, "expect": {"code": "observing"}}, ()),
        ({}, {"expect": {"verdict": "block", "code": "denied", "rule": "x"}},
         ("verdict", "code", "rule")),
        ({"when": {**RULE["when"], "condition": "facts.n > 2"}}, {"facts": {"n": 3}}, ()),
        ({"when": {**RULE["when"], "condition": "facts.n > 2"}}, {"facts": {"n": 2}},
         ("verdict",)),
        ({"openingHours": "outside"}, {"openingHours": [DAY], "at": "2026-11-23T20:00"}, ()),
        ({"approval": {"required": True}}, {"expect": {"verdict": "ask"}}, ()),
        ({"approval": {"required": True, "selfApprove": True, "roles": ["admin"]}},
         {"roles": ["admin"]}, ()),
        ({"scope": {"tags": ["lab"]}}, {"tags": ["lab"]}, ()),
    ],
)  # fmt: skip
def test_a_case_comes_to_what_is_expected_or_says_what_is_wrong(
    rule: dict[str, Any], case: dict[str, Any], wrong: tuple[str, ...]
) -> None:
    asked = cases.read({"zone": "Europe/Berlin", "cases": [CASE | case]})
    index = compiled.build(Policy((parse.rule(RULE | rule),), 1))
    (result,), _ = cases.run(index, asked)
    assert tuple(each.partition(":")[0] for each in result.wrong) == wrong


def test_coverage_counts_deciders_and_names_those_that_never_did() -> None:
    rules = [
        RULE,
        RULE | {"id": "idle", "action": "other"},
        RULE | {"id": "off", "enabled": False},
        RULE | {"id": "watch", "mode": "log_only"},
    ]
    index = compiled.build(Policy(parse.rules(rules), 1))
    _, coverage = cases.run(index, cases.read({"cases": [CASE, CASE]}))
    assert coverage.to_wire() == {"decided": {"r": 2}, "never": ["idle"]}


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"severity": "lowish"}, "cases[0].severity"),
        ({"at": "tomorrow"}, "cases[0].at"),
        ({"zone": "Mars/Base"}, "cases[0].zone"),
        ({"surplus": 1}, "cases[0].surplus"),
        ({"expect": {}}, "cases[0].expect"),
        ({"expect": {"verdict": "maybe"}}, "cases[0].expect.verdict"),
        ({"facts": []}, "cases[0].facts"),
    ],
)
def test_what_a_case_may_not_say_is_refused_by_its_path(changes: dict[str, Any], path: str) -> None:
    with pytest.raises(RuleInvalid) as refused:
        cases.read({"cases": [CASE | changes]})
    assert path in {where for where, _ in refused.value.problems}


@pytest.mark.parametrize("told", [None, [], {}, {"cases": []}, {"cases": [1]}])
def test_what_is_no_file_of_cases_is_refused(told: Any) -> None:
    with pytest.raises(RuleInvalid):
        cases.read(told)
