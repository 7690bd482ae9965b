"""From a body of POST /test to a request of the policy, and to what it answers."""

from dataclasses import dataclass
from datetime import datetime

from wardline.core.policy import evaluate, parse
from wardline.core.policy.decision import Decision
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.request import Alert, Principal, Request, State
from wardline.core.policy.rule import Policy, Window
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


def on_draft(
    asked: SimulationWire, request: Request, state: State, *, revision: int, epoch: int
) -> Decision:
    """What the draft rules would answer in the place of the rules in force; raises RuleInvalid."""
    # A draft is asked once: looking at all of it costs less than an index of it.
    return evaluate.evaluate(Policy(parse.rules(asked.rules), revision, epoch), request, state)
