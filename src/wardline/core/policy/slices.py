"""The parts of a compiled policy: buckets by place, and in them rules by severity, a bit each."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter

from wardline.core import severity
from wardline.core.canonical import Json
from wardline.core.policy import assess, condition, params
from wardline.core.policy.assess import Finding
from wardline.core.policy.condition import Condition
from wardline.core.policy.decision import Check, TraceStep
from wardline.core.policy.request import HostUsage, Request, State
from wardline.core.policy.rule import Approval, Effect, Limits, Mode, Rank, Reach, Rule, Scope
from wardline.core.severity import Severity

MASKS_KEPT_MAX = 4096
STEPS_KEPT_MAX = 256
FEW = 4
# The one place of rules that name none.
ANYWHERE = ""

Place = tuple[Reach, str]
Listed = tuple[tuple[tuple[Severity, ...], tuple[bool, bool, bool, bool]], ...]
Constants = Mapping[Severity, Mapping[str, Json]]


# Which rules of a slice fit a severity, a bit each: those that allow, that deny, that only watch,
# and those of the allowing ones that are floors. A bare tuple is the one that unpacks fast.
Masks = tuple[int, int, int, int]
MasksBySeverity = Mapping[Severity, Masks]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule with what can be said of it before there is a request.

    `picky`: kpi, action, place and severity do not suffice to know that it fits. `timed`: it is
    not always open. `limited`: limits bind it. `asks`: the severities at which it
    needs approval. `personal`: who asks, or the age of the rules, has a say in that.
    `condition` is its condition, ready to be asked.
    `apart`: it only watches or has a condition, so that its part in a trace takes the checks.
    `constants`: its resolved parameters where no request changes them, None where one does.
    `decides` and `wants` stand in the trace when it decides and no other rule fits, and when it
    needs approval; `kept` and `cooled` when its limits are kept, and when its cooldown, if it has
    one, is over.
    """

    rule: Rule
    id: str
    rank: Rank
    reach: Reach
    place: Place
    picky: bool
    condition: Condition | None
    timed: bool
    limited: bool
    personal: bool
    apart: bool
    starts: bool
    offers: bool
    asks: frozenset[Severity]
    constants: Constants | None
    decides: TraceStep
    wants: TraceStep
    kept: TraceStep
    cooled: TraceStep | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Rules by rank, so that the lowest bit goes first. A disabled one has a place and no bit.

    `breadth` is that of all of them: what a rank begins with. `names`: one of them makes their
    action known to a request that names none.
    """

    plans: tuple[Plan, ...]
    masks: MasksBySeverity
    breadth: int
    names: bool


@dataclass(frozen=True, slots=True)
class Bucket:
    """The rules of one kpi and action, by the narrowest place that their scope names."""

    hosts: Mapping[str | None, Slice]
    sites: Mapping[str | None, Slice]
    partners: Mapping[str | None, Slice]
    everywhere: Mapping[str | None, Slice]

    @property
    def names(self) -> bool:
        """Whether a request that names no action learns of this bucket's."""
        places = (self.hosts, self.sites, self.partners, self.everywhere)
        return any(part.names for parts in places for part in parts.values())

    def at(self, request: Request) -> list[Slice]:
        """The slices of the places that the request names, the narrowest first."""
        found = []
        if self.hosts and (part := self.hosts.get(request.host)) is not None:
            found.append(part)
        if self.sites and (part := self.sites.get(request.site)) is not None:
            found.append(part)
        if self.partners and (part := self.partners.get(request.partner)) is not None:
            found.append(part)
        if self.everywhere:
            found.append(self.everywhere[ANYWHERE])
        return found


NO_BITS: Masks = (0, 0, 0, 0)
NO_RULES = Bucket({}, {}, {}, {})
_FIELD = {
    Reach.HOST: "hosts",
    Reach.SITE: "sites",
    Reach.PARTNER: "partners",
    Reach.ALL: "everywhere",
}
_NO_APPROVAL = Approval()
_NO_LIMITS = Limits()
_UNUSED = State(), HostUsage()
_NEVER: frozenset[Severity] = frozenset()


def plan(rule: Rule) -> Plan:
    """What can be said of a rule before there is a request."""
    approval = rule.approval or _NO_APPROVAL
    place = _place(rule.scope)
    return Plan(
        rule=rule,
        id=rule.id,
        rank=rule.rank,
        reach=place[0],
        place=place,
        picky=_is_picky(rule),
        condition=None if rule.when.condition is None else condition.ready(rule.when.condition),
        timed=rule.window is not None or rule.opening_hours is not None,
        limited=rule.limits != _NO_LIMITS,
        personal=rule.max_stale_minutes is not None or approval.self_approve or approval.quorum < 1,
        apart=rule.mode is Mode.LOG_ONLY or rule.when.condition is not None,
        starts=rule.auto_execute,
        offers=rule.auto_suggest,
        asks=_asks(approval.bypass_if_severity) if approval.required else _NEVER,
        constants=params.constants(rule),
        decides=_told(Check.MATCH, assess.decides(rule)),
        wants=_told(Check.APPROVAL, assess.asks(rule, approval)),
        kept=_kept(len(assess.budgets(rule, *_UNUSED, {}))),
        cooled=None if rule.cooldown_minutes is None else _cooled(rule.cooldown_minutes),
    )


def replaced(bucket: Bucket, changes: Mapping[Place, Mapping[str, Plan | None]]) -> Bucket | None:
    """The bucket with plans put in by place and id, or taken out where there is None for an id;
    None when nothing is left of it. Places without a change stay as they are."""
    by_reach = {reach: dict(getattr(bucket, _FIELD[reach])) for reach, _ in changes}
    for (reach, name), of_place in changes.items():
        old = by_reach[reach].pop(name, None)
        kept = {} if old is None else {each.id: each for each in old.plans}
        kept.update(of_place)
        if plans := [each for each in kept.values() if each is not None]:
            by_reach[reach][name] = _slice(plans)
    made = replace(bucket, **{_FIELD[reach]: parts for reach, parts in by_reach.items()})
    return None if made == NO_RULES else made


def _told(check: Check, found: Finding) -> TraceStep:
    return TraceStep(check, found.outcome, found.detail)


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _kept(count: int) -> TraceStep:
    return _told(Check.LIMITS, assess.kept(count))


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _cooled(minutes: int) -> TraceStep:
    return _told(Check.COOLDOWN, assess.cooled(minutes))


def _place(scope: Scope) -> Place:
    reach = scope.reach
    return reach, ANYWHERE if reach is Reach.ALL else getattr(scope, reach.value)


def _is_picky(rule: Rule) -> bool:
    """Whether its scope names more than the one place that its slice is of, or it may expire, or
    it has a condition."""
    scope = rule.scope
    places = (scope.host, scope.site, scope.partner)
    return (
        scope.platform is not None
        or bool(scope.tags)
        or places.count(None) < len(places) - 1
        or rule.expires_at is not None
        or rule.when.condition is not None
    )


@lru_cache
def _asks(bypass: Severity | None) -> frozenset[Severity]:
    return frozenset(
        word for word in Severity if bypass is None or not severity.meets(bypass, word)
    )


def _slice(plans: Iterable[Plan]) -> Slice:
    ordered = tuple(sorted(plans, key=_by_rank))
    names = any(
        plan.rule.effect is Effect.ALLOW and plan.rule.mode is Mode.ENFORCE for plan in ordered
    )
    rules = tuple([(plan.rule.when.severity, _kind(plan.rule)) for plan in ordered])
    masks = _masks_of_few(rules) if len(rules) <= FEW else _masks(rules)
    return Slice(ordered, masks, ordered[0].rank[0], names)


def _kind(rule: Rule) -> tuple[bool, bool, bool, bool]:
    """Whether it allows, denies, only watches and is a floor; nothing of it when disabled."""
    if not rule.enabled:
        return False, False, False, False
    if rule.mode is Mode.LOG_ONLY:
        return False, False, True, False
    allows = rule.effect is Effect.ALLOW
    return allows, not allows, False, allows and rule.floor


@lru_cache(maxsize=MASKS_KEPT_MAX)
def _masks_of_few(rules: Listed) -> MasksBySeverity:
    """Shared by all slices that look alike, which most small ones do."""
    return _masks(rules)


def _masks(rules: Listed) -> MasksBySeverity:
    found: dict[Severity, list[int]] = {}
    for position, (listed, kind) in enumerate(rules):
        for actual in _covered(listed):
            bits = found.setdefault(actual, [0, 0, 0, 0])
            for place, is_such in enumerate(kind):
                bits[place] |= is_such << position
    return {
        actual: (allow, deny, watch, floor)
        for actual, (allow, deny, watch, floor) in found.items()
        if allow or deny or watch
    }


@lru_cache(maxsize=MASKS_KEPT_MAX)
def _covered(listed: tuple[Severity, ...]) -> tuple[Severity, ...]:
    return tuple(
        actual for actual in Severity if any(severity.meets(word, actual) for word in listed)
    )


_by_rank = attrgetter("rank")
