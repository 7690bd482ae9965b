"""A rule is called unsatisfiable where no request runs by it, however much everybody agrees."""

from collections import Counter
from dataclasses import replace

import pytest

from tests.property.core.policy.draw import START, Draw
from wardline.core.policy import analyse, evaluate, params
from wardline.core.policy.analysis.estate import Estate
from wardline.core.policy.analysis.finding import Flaw, Level
from wardline.core.policy.decision import Verdict
from wardline.core.policy.request import Alert, ApprovalFact, Initiator, Request, State
from wardline.core.policy.rule import Approval, Effect, Limits, Mode, Policy, Rule, Scope
from wardline.core.severity import Severity

SETS = 400
SETS_FULL = 10_000
PEOPLE = {"manager": frozenset({"mia", "max"}), "admin": frozenset({"ada"})}
ESTATE = Estate(holders=PEOPLE)


@pytest.fixture
def draw(seed: int) -> Draw:
    return Draw(seed)


def eager(draw: Draw, rule_id: str) -> Rule:
    """A rule that is always open, with limits and approvals that are hard to meet."""
    choose = draw.random.choice
    return replace(
        draw.rule(rule_id),
        when=replace(draw.rule(rule_id).when, kpi_id="disk", condition=None),
        action="fix",
        params=choose([None, {"deltaPct": {"warn": 1, "crit": 3}}, {"deltaPct": 2, "qty": -4}]),
        limits=Limits(
            max_daily_pct=choose([None, 0, 2, 5]),
            max_daily_qty=choose([None, None, 3, 4]),
            max_runs_per_host_per_day=choose([None, None, 0, 1]),
        ),
        window=None,
        opening_hours=None,
        approval=Approval(
            required=choose([True, True, False]),
            roles=choose([None, (), ("reader",), ("manager",), ("manager", "admin")]),
            bypass_if_severity=choose([None, Severity.WARN, Severity.CRIT]),
            quorum=choose([1, 2, 3, 4]),
        ),
        enabled=True,
        effect=Effect.ALLOW,
        mode=Mode.ENFORCE,
        expires_at=None,
        max_stale_minutes=None,
        scope=Scope(),
    )


def runs(rules: list[Rule], rule: Rule, word: Severity) -> bool:
    """Whether a person who starts it, with everybody's consent, has it run at a severity."""
    alert = Alert("a", "disk", "", "", word)
    asked = Request(alert, START, "UTC", "d", "fix", site="s1", initiator=Initiator.PERSON)
    roles = {
        user: frozenset(r for r in PEOPLE if user in PEOPLE[r])
        for users in PEOPLE.values()
        for user in users
    }
    fact = ApprovalFact(
        rule.id,
        rule.stamp.revision,
        "fix",
        params.digest(params.resolve(rule, asked)),
        roles,
        None,
        START,
        START.replace(year=START.year + 1),
    )
    decision = evaluate.evaluate(Policy(tuple(rules), 0), replace(asked, approval=fact), State())
    return decision.verdict is Verdict.RUN and decision.rule_id == rule.id


def test_a_rule_is_unsatisfiable_exactly_where_nothing_makes_it_run(draw: Draw) -> None:
    tried(draw, SETS)


@pytest.mark.full
def test_a_rule_is_unsatisfiable_exactly_so_over_thousands_of_sets(draw: Draw) -> None:
    seen = tried(draw, SETS_FULL)
    print(f"{SETS_FULL} sets:", ", ".join(f"{n} {level}" for level, n in seen.most_common()))


def tried(draw: Draw, sets: int) -> Counter[Level | None]:
    """How many of so many rules are in the way of themselves, by how much."""
    seen = Counter[Level | None]()
    for _ in range(sets):
        rule = replace(eager(draw, "r"), scope=Scope(site="s1"), floor=False)
        rules = [rule]
        if draw.random.random() < 0.5:
            rules.append(replace(eager(draw, "floor"), floor=True))
        words = [
            word
            for word in Severity
            if runs([replace(rule, limits=Limits(), approval=None)], rule, word)
        ]
        able = [word for word in words if runs(rules, rule, word)]
        found = [
            each.level
            for each in analyse.whole(rules, ESTATE, START)
            if each.flaw is Flaw.UNSATISFIABLE
            if each.rule_id == "r" and each.path != "approval.selfApprove"
        ]
        level = (Level.NOTICE if able else Level.WARNING) if len(able) < len(words) else None
        assert set(found) == ({level} if level else set())
        seen[level] += 1
    assert min(seen[Level.NOTICE], seen[Level.WARNING], seen[None]) > sets // 20
    return seen
