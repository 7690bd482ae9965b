"""From a body of POST /test to a request of the policy, and to what it answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from wardline.core.policy import evaluate, parse, unlock
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.request import Alert, Principal, Request, State
from wardline.core.policy.rule import ANY_ACTION, Policy, Rule, Window
from wardline.core.policy.slices import Bucket
from wardline.core.policy.unlock import Unlock
from wardline.core.policy.wire import SimulationWire


@dataclass(frozen=True, slots=True)
class Place:
    """What a store knows of the site that is asked about: its IANA zone and when it is open."""

    zone: str
    opening_hours: tuple[Window, ...] = ()


def site(asked: SimulationWire) -> str | None:
    """The one site that is named, in either of two places; raises RuleInvalid for two."""
    if asked.site is not None and asked.alert.site_id not in (None, asked.site):
        raise RuleInvalid([("site", "is another one than alert.siteId")])
    return asked.site or asked.alert.site_id


def request(
    asked: SimulationWire,
    place: Place,
    *,
    now: datetime,
    decision_id: str,
    partner: str | None,
    user_id: str,
) -> Request:
    """The request of a person with the roles that were given; raises RuleInvalid."""
    alert = asked.alert
    if asked.host is not None and alert.host_id not in (None, asked.host):
        raise RuleInvalid([("host", "is another one than alert.hostId")])
    return Request(
        alert=Alert(
            alert.id, alert.kpi_id, alert.title, alert.message, alert.severity, alert.delta
        ),
        at=asked.at or now,
        zone=place.zone,
        decision_id=decision_id,
        partner=partner,
        site=site(asked),
        host=asked.host or alert.host_id,
        platform=alert.platform,
        facts=alert.facts,
        principal=Principal(user_id, frozenset(asked.roles)),
        opening_hours=place.opening_hours,
    )


@dataclass(frozen=True, slots=True)
class Simulated:
    """A decision with what it was made on; `rules` are all that might have had a say in it."""

    decision: Decision
    request: Request
    state: State
    rules: Sequence[Rule]

    def unlocks(self) -> list[Unlock]:
        """What would make a run of it, the smallest first."""
        return unlock.unlocks(self.rules, self.request, self.state, self.decision)


def in_force(index: Compiled, request: Request, state: State) -> Simulated:
    """What the rules in force answer."""
    decision = index.evaluate(request, state)
    rules: list[Rule] = []
    if decision.verdict is not Verdict.RUN:
        for bucket in _about(index, request.alert.kpi_id, decision.action):
            rules += [plan.rule for part in bucket.at(request) for plan in part.plans]
    return Simulated(decision, request, state, rules)


def _about(index: Compiled, kpi_id: str, action: str | None) -> list[Bucket]:
    """The buckets whose rules may have a say in what is decided on an action, None for any."""
    if action is None:
        return [bucket for key, bucket in index.buckets.items() if key[0] == kpi_id]
    keys = {(kpi_id, action), (kpi_id, ANY_ACTION)}
    return [index.buckets[key] for key in sorted(keys) if key in index.buckets]


def on_draft(
    asked: SimulationWire, request: Request, state: State, *, revision: int, epoch: int
) -> Simulated:
    """What the draft rules would answer in the place of the rules in force; raises RuleInvalid."""
    # A draft is asked once: looking at all of it costs less than an index of it.
    rules = parse.rules(asked.rules)
    decision = evaluate.evaluate(Policy(rules, revision, epoch), request, state)
    return Simulated(decision, request, state, rules)
