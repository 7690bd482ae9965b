"""Facts that a condition wishes for: a guess that holds for the usual forms."""

from datetime import UTC, datetime

import pytest

from wardline.core.policy import condition, wished
from wardline.core.policy.request import Alert, Request
from wardline.core.severity import Severity

HOLDS = [
    "facts.used >= 90",
    "facts.used > 90",
    "facts.used < 90",
    "90 < facts.used",
    "facts.used != 90",
    'facts.name == "x" && facts.disk.used >= 1.5',
    'facts["the name"] == "x"',
    "facts.open",
    "!facts.open",
    "has(facts.reason)",
    'has(facts.reason) && facts.reason.startsWith("ab")',
    'facts.name.contains("b") || facts.other == 1',
    'facts.name in ["a", "b"]',
    '"a" in facts.list',
    '"lab" in tags',
    "delta > 3",
    'platform == "linux/debian"',
    '!(facts.a == 1 || facts.b == "x")',
    "facts.a == null",
]


@pytest.mark.parametrize("text", HOLDS)
def test_the_condition_holds_under_what_it_wishes(text: str) -> None:
    wish = wished.by(text)
    delta, platform = wish.named.get("delta"), wish.named.get("platform")
    assert delta is None or isinstance(delta, int)
    request = Request(
        Alert("a", "disk", "", "", Severity.WARN, delta),
        at=datetime(2026, 11, 26, tzinfo=UTC),
        zone="UTC",
        decision_id="d",
        platform=platform if isinstance(platform, str) else None,
        facts=wish.facts,
        tags=frozenset(wish.tags),
    )
    assert condition.holds(text, request)


@pytest.mark.parametrize("text", [None, "1 + ", "size(facts.list) > 3", "facts.a + 1 == facts.b"])
def test_what_is_beyond_it_is_no_error(text: str | None) -> None:
    assert isinstance(wished.by(text).facts, dict)
