"""The parts of a compiled policy: buckets by place, and in them rules by severity, a bit each."""

import sys
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import attrgetter

from wardline.core import frozen, severity
from wardline.core.canonical import Json
from wardline.core.policy import assess, clauses, condition, params
from wardline.core.policy.clauses import Clauses
from wardline.core.policy.condition import Condition
from wardline.core.policy.decision import Check, TraceStep
from wardline.core.policy.request import Request
from wardline.core.policy.rule import Approval, Effect, Mode, Rank, Reach, Rule, Scope
from wardline.core.severity import Severity

MASKS_KEPT_MAX = 4096
STEPS_KEPT_MAX = 256
FEW = 4
# The one place of rules that name none.
ANYWHERE = ""

Place = tuple[Reach, str]
Kind = tuple[bool, bool, bool, bool, bool]
Listed = tuple[tuple[tuple[Severity, ...], Kind], ...]
Constants = Mapping[Severity, Mapping[str, Json]]


# Which rules of a slice fit a severity, a bit each: those that allow, that deny, those of the
# allowing ones that are floors, of all these those that the instant has a say in, and all with
# those that only watch; then whether these are ONE or MANY. A bare tuple is the one that unpacks
# fast.
Masks = tuple[int, int, int, int, int, int]
MasksBySeverity = Mapping[Severity, Masks]


@dataclass(frozen=True, slots=True)
class Plan:
    """A rule with what can be said of it before there is a request.

    `constants`: its resolved parameters where no request changes them, None where one does;
    `inputs` stands in the trace where these are as many at every severity. `decides` and `wants`
    stand there when it decides and no other rule fits, and when it needs approval. `condition`
    is ready to be asked.
    """

    clauses: Clauses
    rule: Rule
    id: str
    rank: Rank
    place: Place
    constants: Constants | None
    inputs: TraceStep | None
    decides: TraceStep
    wants: TraceStep | None
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class _Common:
    """What a plan says of any rule that differs in none of `_COMMON`."""

    clauses: Clauses
    breadth: int
    place: Place
    constants: Constants | None
    inputs: TraceStep | None
    condition: Condition | None


@dataclass(frozen=True, slots=True)
class Slice:
    """Rules by rank, so that the lowest bit goes first. A disabled one has a place and no bit.

    `breadth` is that of all of them: what a rank begins with. `first` is the one of the lowest
    bit, which most small slices are asked for.
    """

    plans: tuple[Plan, ...]
    first: Plan
    masks: MasksBySeverity
    breadth: int


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
        slices = (part for parts in places for part in parts.values())
        return any(_names(plan.rule) for part in slices for plan in part.plans)

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


ONE, MANY = 1, 2
NO_BITS: Masks = (0, 0, 0, 0, 0, 0)
NO_RULES = Bucket({}, {}, {}, {})
_FIELD = {
    Reach.HOST: "hosts",
    Reach.SITE: "sites",
    Reach.PARTNER: "partners",
    Reach.ALL: "everywhere",
}
_NO_APPROVAL = Approval()
_DISABLED: Kind = (False, False, False, False, False)
_WATCHES: Kind = (False, False, False, False, True)


def plans(rules: Collection[Rule]) -> list[Plan]:
    """What can be said of each rule before there is a request.

    What they share is looked at once; it is found by its identity, which those have in common that
    were parsed together.
    """
    known: dict[tuple[int, ...], _Common] = {}
    made = []
    for rule in rules:
        key = tuple(map(id, _of_common(rule)))
        found = known.get(key)
        if found is None:
            found = known[key] = _common(rule)
        made.append(
            _make_plan(
                clauses=found.clauses,
                rule=rule,
                id=rule.id,
                rank=(found.breadth, -rule.priority, rule.id),
                place=found.place,
                constants=found.constants,
                inputs=found.inputs,
                decides=clauses.told(Check.MATCH, assess.decides(rule)),
                wants=_wants(rule) if found.clauses.asks else None,
                condition=found.condition,
            )
        )
    return made


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


def _common(rule: Rule) -> _Common:
    constants = params.constants(rule)
    return _Common(
        clauses=clauses.of(rule, constant=constants is not None),
        breadth=rule.rank[0],
        place=_place(rule.scope),
        constants=constants,
        inputs=None if constants is None else _inputs(constants),
        condition=None if rule.when.condition is None else condition.ready(rule.when.condition),
    )


def _wants(rule: Rule) -> TraceStep:
    return clauses.told(Check.APPROVAL, assess.asks(rule, rule.approval or _NO_APPROVAL))


def _inputs(constants: Constants) -> TraceStep | None:
    counts = {len(resolved) for resolved in constants.values()}
    return _given(*counts) if len(counts) == 1 else None


@lru_cache(maxsize=STEPS_KEPT_MAX)
def _given(count: int) -> TraceStep:
    return clauses.told(Check.INPUTS, assess.given(count))


def _place(scope: Scope) -> Place:
    """Places of one name share its text, so that the keys of all buckets are in few."""
    reach = scope.reach
    return reach, ANYWHERE if reach is Reach.ALL else sys.intern(getattr(scope, reach.value))


def _names(rule: Rule) -> bool:
    """Whether a rule makes its action known to a request that names none."""
    return rule.effect is Effect.ALLOW and rule.mode is Mode.ENFORCE


def _slice(plans: Iterable[Plan]) -> Slice:
    ordered = tuple(sorted(plans, key=_by_rank))
    rules = tuple([(plan.rule.when.severity, _kind(plan.rule)) for plan in ordered])
    masks = _masks_of_few(rules) if len(rules) <= FEW else _masks(rules)
    return Slice(ordered, ordered[0], masks, ordered[0].rank[0])


def _kind(rule: Rule) -> Kind:
    """Whether it allows, denies, is a floor, asks for the instant, and does or watches any of
    this; nothing of it when disabled."""
    if not rule.enabled:
        return _DISABLED
    if rule.mode is Mode.LOG_ONLY:
        return _WATCHES
    allows = rule.effect is Effect.ALLOW
    times = (rule.window, rule.opening_hours, rule.expires_at)
    return allows, not allows, allows and rule.floor, times.count(None) < len(times), True


@lru_cache(maxsize=MASKS_KEPT_MAX)
def _masks_of_few(rules: Listed) -> MasksBySeverity:
    """Shared by all slices that look alike, which most small ones do."""
    return _masks(rules)


def _masks(rules: Listed) -> MasksBySeverity:
    found: dict[Severity, list[int]] = {}
    for position, (listed, kind) in enumerate(rules):
        for actual in _covered(listed):
            bits = found.setdefault(actual, [0, 0, 0, 0, 0])
            for place, is_such in enumerate(kind):
                bits[place] |= is_such << position
    return {
        actual: (allow, deny, floor, dated, every, MANY if every & (every - 1) else ONE)
        for actual, (allow, deny, floor, dated, every) in found.items()
        if every
    }


@lru_cache(maxsize=MASKS_KEPT_MAX)
def _covered(listed: tuple[Severity, ...]) -> tuple[Severity, ...]:
    return tuple(
        actual for actual in Severity if any(severity.meets(word, actual) for word in listed)
    )


# All that `_common` asks of a rule.
_COMMON = (
    *("when.condition", "params", "limits", "window", "opening_hours", "approval"),
    *("auto_execute", "auto_suggest", "scope", "cooldown_minutes", "max_stale_minutes"),
    *("mode", "expires_at"),
)
_of_common = attrgetter(*_COMMON)
_by_rank = attrgetter("rank")
_make_plan = frozen.maker(Plan)
