"""What a rule is: the dataclasses that an author's rule becomes once it has been parsed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter

from wardline.core import frozen
from wardline.core.canonical import Json
from wardline.core.errors import Conflict
from wardline.core.severity import Severity

ANY_ACTION = "*"

# Sorts the rule that goes first to the front: narrowest, highest priority, lowest id.
Rank = tuple[int, int, str]


class DuplicateRule(Conflict):
    """Two different rules under one id: an id names one rule of a policy."""

    code = "duplicate_rule"

    def __init__(self, rule_id: str) -> None:
        super().__init__(f"rule {rule_id}: two different rules have this id; rename one of them")
        self.rule_id = rule_id


class Effect(StrEnum):
    """Whether a rule that wins lets something run or forbids it."""

    ALLOW = "allow"
    DENY = "deny"


class Mode(StrEnum):
    """Whether a rule decides, or only leaves in the trace what it would have decided."""

    ENFORCE = "enforce"
    LOG_ONLY = "log_only"


class Hours(StrEnum):
    """Whether a rule is open while the site is open, or while it is closed."""

    INSIDE = "inside"
    OUTSIDE = "outside"


class Reach(StrEnum):
    """How far a rule reaches; the narrower one wins."""

    ALL = "all"
    PARTNER = "partner"
    SITE = "site"
    HOST = "host"


_BREADTH = {Reach.HOST: 0, Reach.SITE: 1, Reach.PARTNER: 2, Reach.ALL: 3}


@dataclass(frozen=True, slots=True)
class When:
    """Which alerts a rule is about; `condition` is an expression over their facts."""

    kpi_id: str
    severity: tuple[Severity, ...]
    condition: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """When a rule is open: days 0 = Sunday to 6 = Saturday, minutes of the day, end inclusive.

    `start` beyond `end` runs overnight and belongs to the day on which it starts. `timezone` is
    an IANA name; None means the site's.
    """

    days: tuple[int, ...]
    start: int
    end: int
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Approval:
    """Whose consent a run needs; `roles` None means anybody who may approve at all."""

    required: bool = False
    roles: tuple[str, ...] | None = None
    bypass_if_severity: Severity | None = None
    self_approve: bool = False
    expires_minutes: int | None = None
    quorum: int = 1


@dataclass(frozen=True, slots=True)
class Limits:
    """How much a rule may do: sums of a parameter over rolling 24 h and 7 × 24 h, and runs."""

    max_daily_pct: int | Decimal | None = None
    max_weekly_pct: int | Decimal | None = None
    max_daily_qty: int | Decimal | None = None
    max_runs_per_host_per_day: int | None = None
    max_runs_per_site_per_hour: int | None = None
    max_concurrent_per_site: int | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Where a rule applies. Partner, site and host rank; platform and tags only narrow."""

    partner: str | None = None
    site: str | None = None
    host: str | None = None
    platform: str | None = None
    tags: tuple[str, ...] = ()

    @property
    def reach(self) -> Reach:
        """The narrowest thing that the scope names."""
        if self.host is not None:
            return Reach.HOST
        if self.site is not None:
            return Reach.SITE
        return Reach.ALL if self.partner is None else Reach.PARTNER


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the store says about a rule; an author never sets it."""

    revision: int | None = None
    created_by: str | None = None
    created_at: datetime | None = None
    updated_by: str | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule, as POLICY's contract names its fields."""

    id: str
    when: When
    action: str
    params: Mapping[str, Json] | None = None
    limits: Limits = Limits()
    window: Window | None = None
    opening_hours: Hours | None = None
    approval: Approval | None = None
    auto_execute: bool = False
    auto_suggest: bool = True
    name: str | None = None
    description: str | None = None
    enabled: bool = True
    priority: int = 0
    effect: Effect = Effect.ALLOW
    scope: Scope = Scope()
    floor: bool = False
    cooldown_minutes: int | None = None
    max_stale_minutes: int | None = None
    mode: Mode = Mode.ENFORCE
    expires_at: datetime | None = None
    stamp: Stamp = Stamp()

    @property
    def rank(self) -> Rank:
        """Its place among the rules that fit."""
        return _BREADTH[self.scope.reach], -self.priority, self.id

    def stamped(self, stamp: Stamp) -> "Rule":
        """The same rule under another stamp."""
        return _make(*_all_but_stamp(self), stamp)

    def broader_than(self, other: "Rule") -> bool:
        """Whether this rule reaches strictly further than `other`."""
        return _BREADTH[self.scope.reach] > _BREADTH[other.scope.reach]


_make: Callable[..., Rule] = frozen.maker(Rule)
_all_but_stamp = attrgetter(*[field.name for field in fields(Rule) if field.name != "stamp"])


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one revision; a rule may stand in it twice, an id only with one meaning."""

    rules: tuple[Rule, ...]
    revision: int
    epoch: int = 1

    def __post_init__(self) -> None:
        known: dict[str, Rule] = {}
        for rule in self.rules:
            held = known.setdefault(rule.id, rule)
            if held is not rule and held != rule:
                raise DuplicateRule(rule.id)
