"""Policies to write into files, for tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from wardline.core.policy import parse
from wardline.core.policy.rule import Rule, Stamp
from wardline.formats.policy_file import Contents, Making, Revision

AT = datetime(2025, 10, 9, 11, 30, 45, 123000, tzinfo=UTC)
MAKING = Making(AT, "usr_1", "asked for")


def rule(number: int, *, revision: int = 3, **fields: object) -> Rule:
    """A valid rule with its number in it."""
    body = {
        "id": f"rule.{number:05}",
        "when": {"kpiId": f"kpi{number % 7}", "severity": ["warn", "crit"]},
        "action": "pricing.adjust",
        "params": {"deltaPct": number, "note": "größer als {delta}"},
        "limits": {"maxDailyPct": 3},
        "window": {"days": [1, 2, 3, 4, 5], "start": "08:00", "end": "18:00"},
        "approval": {"required": True, "roles": ["manager"], "bypassIfSeverity": "crit"},
        **fields,
    }
    stamp = Stamp(revision, "usr_1", AT, "usr_2", AT + timedelta(hours=1))
    return replace(parse.rule(body), stamp=stamp)


def contents(rules: int = 20, revision: int = 3) -> Contents:
    """A policy of so many rules."""
    return Contents(
        epoch=1,
        revision=revision,
        rules=tuple(rule(number, revision=revision) for number in range(rules)),
        revisions=(Revision(revision, "usr_1", AT, "asked for"),),
    )
