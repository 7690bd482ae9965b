"""Random rules, requests and states, drawn from small sets so that they often meet."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar

from wardline.core.policy.request import (
    ActionFacts,
    Alert,
    ApprovalFact,
    Counters,
    HostUsage,
    Initiator,
    Principal,
    Request,
    Risk,
    RuleUsage,
    State,
)
from wardline.core.policy.rule import (
    Approval,
    Effect,
    Hours,
    Limits,
    Mode,
    Rule,
    Scope,
    Stamp,
    When,
    Window,
)
from wardline.core.policy.share import WHOLE, Share
from wardline.core.severity import Severity

T = TypeVar("T")

RULES_MAX = 9
START = datetime(2026, 11, 20, tzinfo=UTC)
WEEK_MINUTES = 7 * 24 * 60
EMPTY_DIGEST = "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
CONDITIONS = (
    "delta > 3",  # fails where there is no delta
    "delta >= 3",
    "delta == null || delta < 0",
    'facts.name == "web"',  # fails where there is no such fact
    'has(facts.name) && facts.name.startsWith("w")',
    '"lab" in tags',
    'severity in ["high", "crit"]',
    'platform.matches("^linux/")',
    "facts.name > 3",  # never has an answer
    "false",
)
CHOICES = ({}, {"deltaPct": {"warn": 1, "crit": 3}}, {"x": "{delta}"}, {"x": "a {facts.name}"})


class Draw:
    """A source of scenes; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)

    def rules(self) -> list[Rule]:
        return [self.rule(f"r{number}") for number in range(self.random.randint(0, RULES_MAX))]

    def rules_beside(self) -> list[Rule]:
        """Rules with no word on facts, of which most policies consist."""
        made = []
        for number in range(self.random.randint(0, RULES_MAX)):
            rule = self.rule(f"s{number}")
            when = replace(rule.when, condition=None)
            made.append(replace(rule, when=when, params=self._one([None, CHOICES[1]])))
        return made

    def rule(self, rule_id: str) -> Rule:
        return Rule(
            id=rule_id,
            when=When(
                self._one(["disk", "disk", "margin"]),
                tuple(dict.fromkeys(self.random.choices(list(Severity), k=6))),
                self._one(CONDITIONS) if self._chance(0.3) else None,
            ),
            action=self._one(["fix", "fix", "other", "*"]),
            params=self._one([None, *CHOICES]),
            limits=self._limits() if self._chance(0.3) else Limits(),
            window=self.window() if self._chance(0.4) else None,
            opening_hours=self._seldom(self._one(list(Hours))),
            approval=self._approval() if self._chance(0.5) else None,
            auto_execute=self._chance(0.6),
            auto_suggest=self._chance(0.8),
            enabled=self._chance(0.9),
            priority=self.random.randint(-1, 1),
            effect=Effect.DENY if self._chance(0.1) else Effect.ALLOW,
            scope=self._scope(),
            floor=self._chance(0.2),
            cooldown_minutes=self._one([None, None, WEEK_MINUTES // 2]),
            max_stale_minutes=self._seldom(60),
            mode=Mode.LOG_ONLY if self._chance(0.15) else Mode.ENFORCE,
            expires_at=self._seldom(START + timedelta(days=3)),
            stamp=Stamp(revision=self._one([None, 1])),
        )

    def request(self) -> Request:
        return Request(
            alert=Alert(
                "a",
                self._one(["disk", "disk", "disk", "margin"]),
                "",
                "",
                self._one(list(Severity)),
                self._one([None, 3, Decimal("-1.5")]),
            ),
            at=START + timedelta(minutes=self.random.randint(0, WEEK_MINUTES)),
            zone=self._one(["UTC", "Europe/Berlin", "Europe/Berlin", "Mars/Base"]),
            decision_id="d",
            action=self._one(["fix", "fix", "other", None]),
            partner=self._one([None, "p1"]),
            site=self._one([None, "s1"]),
            host=self._one([None, "h1"]),
            platform=self._one([None, "linux/debian"]),
            tags=self._one([frozenset(), frozenset(["lab"])]),
            facts=self._one([{}, {"name": "web"}]),
            principal=self._one([None, Principal("mia", frozenset(["manager"]))]),
            initiator=self._one([Initiator.SYSTEM, Initiator.SYSTEM, *Initiator]),
            approval=self._fact() if self._chance(0.3) else None,
            opening_hours=self._one([(), (self.window(),), (self.window(), self.window())]),
        )

    def state(self) -> State:
        platforms = self._one([(), ("linux",)])
        fix = ActionFacts(self._one(list(Risk)), platforms, noticed=self._chance(0.3))
        known = {"fix": fix}
        usage = RuleUsage(pct_24h=self.random.randint(0, 3), running=self.random.randint(0, 1))
        host = HostUsage(self.random.randint(0, 1), self._one([None, START]))
        return State(
            freeze=self._chance(0.05),
            observing=self._chance(0.1),
            hold=self._chance(0.05),
            locked=self._chance(0.05),
            counters=Counters({f"r{n}": usage for n in range(3)}, {"fix": host}),
            actions=self._one([None, None, known]),
            confirmed_at=self._seldom(START),
            frozen_by=self._one(["", "frozen by Mia"]),
            share=self._one([WHOLE, WHOLE, Share(0, 2), Share(1, 2), Share(2, 3)]),
        )

    def _fact(self) -> ApprovalFact:
        roles = frozenset([self._one(["manager", "admin", "reader"])])
        return ApprovalFact(
            rule_id=f"r{self.random.randint(0, RULES_MAX)}",
            rule_revision=self._one([None, 1]),
            action="fix",
            params_digest=EMPTY_DIGEST,
            approvers={"ada": roles},
            requested_by=self._one([None, "ada", "max"]),
            granted_at=START,
            expires_at=START + timedelta(days=7),
        )

    def _limits(self) -> Limits:
        return Limits(
            max_daily_pct=self._one([None, 1, Decimal("2.5"), 5]),
            max_runs_per_host_per_day=self._one([None, 0, 1, 2]),
            max_concurrent_per_site=self._one([None, 1, 2]),
        )

    def window(self) -> Window:
        start, end = self.random.sample(range(24 * 60), 2)
        return Window(tuple(sorted(self.random.sample(range(7), self._one([1, 4, 7])))), start, end)

    def _approval(self) -> Approval:
        return Approval(
            required=self._chance(0.7),
            roles=self._one([None, ("manager",), ("admin", "manager"), ()]),
            bypass_if_severity=self._one([None, Severity.WARN, Severity.CRIT]),
            self_approve=self._chance(0.3),
        )

    def _scope(self) -> Scope:
        return Scope(
            partner=self._seldom("p1"),
            site=self._seldom("s1"),
            host=self._seldom("h1"),
            platform=self._seldom("linux"),
            tags=self._one([(), (), (), (), ("lab",)]),
        )

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _one(self, values: Sequence[T]) -> T:
        return self.random.choice(values)

    def _seldom(self, value: T) -> T | None:
        return value if self._chance(0.15) else None
