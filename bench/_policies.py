"""Rule sets and requests of any size: 30 kpis × 20 actions, 5 % of the rules for everybody."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from wardline.core.policy.request import (
    ActionFacts,
    Alert,
    Counters,
    HostUsage,
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
    Policy,
    Rule,
    Scope,
    When,
    Window,
)
from wardline.core.severity import Severity

KPIS = [f"check_{number}" for number in range(30)]
ACTIONS = [f"runbook_{number}.apply" for number in range(20)]
WORDS = (Severity.LOW, Severity.MEDIUM, Severity.HIGH, Severity.CRITICAL)
PARTNER = "partner-1"
PARTNER_WIDE_SHARE = 0.05
CONDITION_SHARE = 0.05
RULES_PER_SITE = 50
HOSTS_PER_SITE = 10
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
ZONE = "Europe/Berlin"
OPENING_HOURS = (Window((1, 2, 3, 4, 5), 8 * 60, 18 * 60), Window((6,), 9 * 60, 12 * 60))
WINDOWS = [
    Window((1, 2, 3, 4, 5), 8 * 60, 18 * 60),
    Window((0, 1, 2, 3, 4, 5, 6), 22 * 60, 5 * 60),
    Window((6, 0), 0, 23 * 60 + 59),
    Window((1, 3, 5), 12 * 60, 13 * 60 + 30),
]
PARAMS = [None, None, {}, {"mode": "strict"}, {"deltaPct": {"warn": 1, "crit": 3}}]

CONDITIONS = [
    "facts.used_pct >= {}",
    'facts.count > {} && severity in ["high", "critical"]',
    "delta >= {}.5 || has(facts.reason)",
    'platform.startsWith("linux/") && facts.version.matches("^1[.][0-9]+$") && {} > 1',
    '"lab" in tags || facts.mounts[0] == "/var" && facts.used_pct < {}',
]

T = TypeVar("T")


class Draw:
    """A source of rules and requests; the same seed gives the same ones."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def policy(self, size: int) -> Policy:
        """`size` rules as an estate of size/50 sites would have them."""
        sites = max(1, size // RULES_PER_SITE)
        return Policy(tuple(self._rule(f"rule-{number}", sites) for number in range(size)), 1)

    def conditioned(self, policy: Policy) -> Policy:
        """The policy with a condition in one of twenty rules."""
        return replace(policy, rules=tuple(self._conditioned(rule) for rule in policy.rules))

    def measured(self, request: Request) -> Request:
        """The request with the facts that a condition may ask for."""
        facts = {
            "used_pct": self._random.randrange(100),
            "count": self._random.randrange(100),
            "version": f"1.{self._random.randrange(20)}",
            "mounts": ["/var", "/home"],
        }
        alert = replace(request.alert, delta=self._random.randrange(100))
        return replace(request, alert=alert, facts=facts)

    def aimed(self, policy: Policy) -> Request:
        """About the kpi, the action and the place of one of the rules."""
        rule = self._one(policy.rules)
        site = rule.scope.site or self.site(len(policy.rules))
        return self._request(rule.when.kpi_id, rule.action, site)

    def anywhere(self, policy: Policy) -> Request:
        """About any kpi and action at any site, whether a rule speaks to it or not."""
        return self._request(self._one(KPIS), self._one(ACTIONS), self.site(len(policy.rules)))

    def site(self, size: int) -> str:
        return f"site-{self._random.randrange(max(1, size // RULES_PER_SITE))}"

    def state(self) -> State:
        """Nothing in the way, some usage counted, every action known."""
        used = {
            f"rule-{number}": RuleUsage(pct_24h=2, pct_7d=4, runs_1h=1) for number in range(100)
        }
        on_host = {name: HostUsage(1, MONDAY - timedelta(days=2)) for name in ACTIONS[:5]}
        actions = {name: ActionFacts(self._one([*Risk]), ("linux",)) for name in ACTIONS}
        return State(counters=Counters(used, on_host), actions=actions, confirmed_at=MONDAY)

    def _rule(self, rule_id: str, sites: int) -> Rule:
        wide = self._chance(PARTNER_WIDE_SHARE)
        site = None if wide else f"site-{self._random.randrange(sites)}"
        return Rule(
            id=rule_id,
            when=When(self._one(KPIS), tuple(self._random.sample(WORDS, self._one([1, 2, 4])))),
            action=self._one(ACTIONS),
            params=self._one(PARAMS),
            limits=self._limits() if self._chance(0.2) else Limits(),
            window=self._one(WINDOWS) if self._chance(0.4) else None,
            opening_hours=Hours.OUTSIDE if self._chance(0.05) else None,
            approval=Approval(required=True, roles=("manager",)) if self._chance(0.3) else None,
            auto_execute=self._chance(0.7),
            priority=self._random.randint(0, 3),
            effect=Effect.DENY if self._chance(0.05) else Effect.ALLOW,
            mode=Mode.LOG_ONLY if self._chance(0.03) else Mode.ENFORCE,
            scope=Scope(partner=PARTNER) if wide else Scope(site=site),
            cooldown_minutes=60 if self._chance(0.2) else None,
        )

    def _conditioned(self, rule: Rule) -> Rule:
        if not self._chance(CONDITION_SHARE):
            return rule
        text = self._one(CONDITIONS).format(self._random.randrange(2, 100))
        return replace(rule, when=replace(rule.when, condition=text))

    def _request(self, kpi_id: str, action: str, site: str) -> Request:
        return Request(
            alert=Alert("incident-1", kpi_id, "Drift", "It has drifted", self._one(WORDS)),
            at=MONDAY + timedelta(minutes=self._random.randrange(7 * 24 * 60)),
            zone=ZONE,
            decision_id="decision-1",
            action=action,
            partner=PARTNER,
            site=site,
            host=f"{site}-host-{self._random.randrange(HOSTS_PER_SITE)}",
            platform="linux/debian",
            opening_hours=OPENING_HOURS,
        )

    def _limits(self) -> Limits:
        return self._one([Limits(max_runs_per_host_per_day=3), Limits(max_daily_pct=5)])

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _one(self, values: Sequence[T]) -> T:
        return self._random.choice(values)
