"""What a decision is about and what is known when it is made: request and state, all given."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from wardline.core.canonical import Json
from wardline.core.policy.rule import Window
from wardline.core.policy.share import WHOLE, Share
from wardline.core.severity import Severity


class Initiator(StrEnum):
    """Who wants the action: a remedy or timer, a plan (L2), or a person."""

    SYSTEM = "system"
    PLAN = "plan"
    PERSON = "person"


class Risk(StrEnum):
    """How much a runbook may break; `high` is never started by a machine."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


@dataclass(frozen=True, slots=True)
class Alert:
    """What was measured. For an incident: kpi_id = check, delta = one of the facts."""

    id: str
    kpi_id: str
    title: str
    message: str
    severity: Severity
    delta: int | Decimal | None = None


@dataclass(frozen=True, slots=True)
class Principal:
    """The person behind the request, with the roles they hold."""

    user_id: str
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class ApprovalFact:
    """An approval as it was given: it counts for exactly this rule, action and parameters.

    `approvers` maps user ids to their roles; `params_digest` is `params.digest` of the resolved
    parameters; `requested_by` is the user who asked, None when it was the system.
    """

    rule_id: str
    rule_revision: int | None
    action: str
    params_digest: str
    approvers: Mapping[str, frozenset[str]]
    requested_by: str | None
    granted_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked. Without an `action` every action of the kpi is judged; `zone` is the site's
    IANA name; `at` is aware; the decision's id is given, because the function is pure.
    `opening_hours` are when people work at the site, in its zone; empty means that nobody knows.
    """

    alert: Alert
    at: datetime
    zone: str
    decision_id: str
    action: str | None = None
    partner: str | None = None
    site: str | None = None
    host: str | None = None
    platform: str | None = None
    tags: frozenset[str] = frozenset()
    facts: Mapping[str, Json] = field(default_factory=dict)
    principal: Principal | None = None
    initiator: Initiator = Initiator.SYSTEM
    approval: ApprovalFact | None = None
    opening_hours: tuple[Window, ...] = ()

    def __post_init__(self) -> None:
        if self.at.tzinfo is None:
            raise ValueError("a decision needs an aware instant; attach its zone first")


@dataclass(frozen=True, slots=True)
class RuleUsage:
    """What a rule has used at the request's site, runs in flight included.

    Sums are over rolling 24 h and 7 × 24 h, `runs_1h` over the last hour.
    """

    pct_24h: int | Decimal = 0
    pct_7d: int | Decimal = 0
    qty_24h: int | Decimal = 0
    runs_1h: int = 0
    running: int = 0


@dataclass(frozen=True, slots=True)
class HostUsage:
    """Runs of an action on the request's host: over rolling 24 h, and when the last one began."""

    runs_24h: int = 0
    last_run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """Usage at the request's site by rule id, and on its host by action; absent = never used."""

    rules: Mapping[str, RuleUsage] = field(default_factory=dict)
    actions: Mapping[str, HostUsage] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ActionFacts:
    """What is known of an action: `platforms` are prefixes (`linux` covers `linux/debian`), empty
    = everywhere; `inputs` are the names it takes, None = not checked. `noticed`: people at work see
    it happen, or the host has to be restarted; a machine starts it only under a rule that says
    when."""

    risk: Risk
    platforms: tuple[str, ...] = ()
    inputs: frozenset[str] | None = None
    noticed: bool = False


@dataclass(frozen=True, slots=True)
class State:
    """What holds at the instant of the request, counted by whoever asks, never fetched here.

    `frozen_by` says in words who stopped everything and why. `hold` and `locked` are about the
    request's host and action; `held` and `running` name the actions of which that holds there, for
    a request that leaves the action open. `share` is which part of a site's limits whoever decides
    may use. `actions` None means that actions are free text. `confirmed_at` says when the policy
    was last known to be the newest; None means that nobody knows, and whoever asks the store itself
    gives the instant of the request.
    """

    freeze: bool = False
    observing: bool = False
    hold: bool = False
    locked: bool = False
    counters: Counters = Counters()
    actions: Mapping[str, ActionFacts] | None = None
    confirmed_at: datetime | None = None
    held: frozenset[str] = frozenset()
    running: frozenset[str] = frozenset()
    frozen_by: str = ""
    share: Share = WHOLE


def covers(prefix: str, platform: str | None) -> bool:
    """Whether `prefix` covers `platform`: `linux` covers `linux/debian`, not `linuxish`."""
    return platform is not None and (platform == prefix or platform.startswith(f"{prefix}/"))
