"""What a replay tells, by small examples."""

from datetime import UTC, datetime
from typing import Any

import pytest

from wardline.core.policy import compiled, kept, parse, replay, replayed
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Verdict
from wardline.core.policy.replayed import Replayed
from wardline.core.policy.request import Alert, Request, State
from wardline.core.policy.rule import Hours, Policy, Window
from wardline.core.severity import Severity

MONDAY = datetime(2026, 11, 23, 12, tzinfo=UTC)
RULE: dict[str, Any] = {
    "id": "r",
    "when": {"kpiId": "disk", "severity": ["warn"]},
    "action": "fix",
    "autoExecute": True,
}
NIGHT = {"days": [1, 2, 3, 4, 5], "start": "22:00", "end": "05:00"}


def index(*rules: dict[str, Any]) -> Compiled:
    return compiled.build(Policy(parse.rules(list(rules)), 1))


def request(**changes: Any) -> Request:
    alert = Alert("a1", "disk", "", "", Severity.WARN)
    given: dict[str, Any] = {"action": "fix", "site": "s1", "host": "h1"} | changes
    return Request(alert, MONDAY, "UTC", "d1", **given)


def by(before: Compiled, after: Compiled, *requests: Request, **about: Any) -> Replayed:
    sheets = []
    for one in requests:
        asked = [(one, State(confirmed_at=one.at))]
        sheets.append(kept.sheet(kept.pack(asked, [before.evaluate(*asked[0])])))
    return replay.of(sheets, before, after, lambda _: None, **about)


def test_what_turns_is_told_with_where_by_which_rule_when_and_needing_whom() -> None:
    approval = {"required": True, "roles": ["admin", "owner"]}
    before = index(RULE | {"window": NIGHT})
    after = index(RULE | {"approval": approval})
    told = by(before, after, request(), request(site="s2"), request(site="s2", host="h9"))
    (turn,) = told.to_wire()["turns"]
    assert (turn["from"], turn["to"], turn["count"], turn["sites"]) == ("block", "ask", 3, 2)
    assert turn["bySite"] == [{"name": "s2", "count": 2}, {"name": "s1", "count": 1}]
    assert turn["byRule"] == [{"name": "r", "count": 3}]
    assert turn["byWindow"] == [{"name": "always", "count": 3}]
    assert turn["needing"] == [{"name": "admin or owner", "count": 3}]
    assert turn["examples"][0]["before"]["code"] == "outside_window"
    assert told.denied_to_run == 0


def test_only_the_kpis_and_the_site_that_are_asked_for_count() -> None:
    before, after = index(RULE | {"window": NIGHT}), index(RULE)
    asked = request(), request(site="s2")
    assert by(before, after, *asked, site="s2").judged == 1
    assert by(before, after, *asked, kpis={"other"}).judged == 0
    assert by(before, after, *asked, kpis={"disk"}).denied_to_run == 2


def test_a_rule_for_one_site_turns_nothing_at_another() -> None:
    before = index(RULE | {"window": NIGHT})
    after = before.with_rules(
        [parse.rule(RULE | {"id": "here", "scope": {"site": "s2"}})], (), revision=2, epoch=1
    )
    told = by(before, after, request(), request(site="s2"), request(site=None))
    assert told.after[Verdict.RUN] == told.denied_to_run == 1
    assert told.turns[0].examples[0].site == "s2"


def test_touched_and_uncounted_name_what_a_change_is_about() -> None:
    before = index(RULE, RULE | {"id": "calm", "when": {"kpiId": "cpu", "severity": ["warn"]}})
    changed = RULE | {"limits": {"maxRunsPerHostPerDay": 1}}
    slow = RULE | {"id": "slow", "cooldownMinutes": 5}
    plain = RULE | {"id": "plain"}
    news = parse.rules([changed, slow, plain])
    after = before.with_rules(news, (), revision=2, epoch=1)
    assert replay.touched(before, after) == {"disk"}
    assert replay.uncounted(before, after) == ["r", "slow"]
    assert replay.uncounted(before, before) == []


@pytest.mark.parametrize(
    ("window", "hours", "words"),
    [
        (None, None, "always"),
        (Window((1, 2, 3, 4, 5), 480, 1080), None, "Mon-Fri 08:00-18:00"),
        (Window((0, 6), 0, 60, "Europe/Berlin"), None, "Sat,Sun 00:00-01:00 Europe/Berlin"),
        (Window((0, 5, 6), 1320, 300), Hours.OUTSIDE, "Fri-Sun 22:00-05:00, outside opening hours"),
        (Window((0, 1, 2, 3, 4, 5, 6), 0, 1), None, "Mon-Sun 00:00-00:01"),
        (Window((1, 3), 0, 1), None, "Mon,Wed 00:00-00:01"),
        (None, Hours.INSIDE, "inside opening hours"),
    ],
)
def test_times_of_a_rule_in_words(window: Window | None, hours: Hours | None, words: str) -> None:
    assert replayed.when(window, hours) == words
