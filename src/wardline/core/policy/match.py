"""Which rules speak to a request, and which one of them decides."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from wardline.core import severity
from wardline.core.policy import condition, window
from wardline.core.policy.condition import ConditionFailed
from wardline.core.policy.request import Request, covers
from wardline.core.policy.rule import ANY_ACTION, Effect, Mode, Rule, Scope
from wardline.core.policy.window import UnknownZone


@dataclass(frozen=True, slots=True)
class Survey:
    """What a look over the rules found.

    `winner` is the allow that would decide, `denied_by` the deny that forbids, `floors` the
    broader rules that bind the winner too, `losers` the other rules that fit, with the reason why
    they do not decide, `logged` those that only watch, `failed` the ids of rules whose condition
    could not be evaluated.
    """

    winner: Rule | None = None
    denied_by: Rule | None = None
    floors: tuple[Rule, ...] = ()
    losers: tuple[tuple[str, str], ...] = ()
    logged: tuple[Rule, ...] = ()
    failed: tuple[str, ...] = ()


def survey(rules: Iterable[Rule], request: Request, action: str | None) -> Survey:
    """Look at every rule; the outcome depends neither on their order nor on duplicates."""
    fitting, failed = _fitting(rules, request, action)
    enforced = [rule for rule in fitting if rule.mode is Mode.ENFORCE]
    allows = [rule for rule in enforced if rule.effect is Effect.ALLOW]
    denies = [rule for rule in enforced if rule.effect is Effect.DENY]
    winner = min(allows, key=lambda rule: (not _is_open(rule, request), rule.rank), default=None)
    denied_by = min(
        (rule for rule in denies if _is_open(rule, request)),
        key=lambda rule: rule.rank,
        default=None,
    )
    floors = tuple(
        rule for rule in allows if winner is not None and rule.floor and rule.broader_than(winner)
    )
    decider = denied_by or winner
    losers = tuple(
        (rule.id, _why_lost(rule, decider, request))
        for rule in enforced
        if decider is None or rule.id != decider.id
    )
    logged = tuple(rule for rule in fitting if rule.mode is Mode.LOG_ONLY)
    return Survey(winner, denied_by, floors, losers, logged, failed)


def alone(rule: Rule) -> Rule:
    """A watching rule as if it decided."""
    return replace(rule, mode=Mode.ENFORCE)


def actions(rules: Iterable[Rule], request: Request) -> list[str]:
    """The actions that some allow names for the request's kpi, sorted.

    A deny names none: or adding one would open its action to an allow of every action.
    """
    kpi_id = request.alert.kpi_id
    named = {
        rule.action
        for rule in rules
        if rule.when.kpi_id == kpi_id and rule.effect is Effect.ALLOW and rule.mode is Mode.ENFORCE
    }
    return sorted(named - {ANY_ACTION})


def _fitting(
    rules: Iterable[Rule], request: Request, action: str | None
) -> tuple[list[Rule], tuple[str, ...]]:
    """The rules that fit, by id, and the ids of those whose condition failed."""
    fitting: dict[str, Rule] = {}
    failed: set[str] = set()
    kpi_id = request.alert.kpi_id
    for rule in rules:
        if rule.when.kpi_id != kpi_id or not _fits(rule, request, action):
            continue
        try:
            held = condition.holds(rule.when.condition, request)
        except ConditionFailed:
            failed.add(rule.id)
            held = rule.effect is Effect.DENY
        if held:
            fitting[rule.id] = rule
    return [fitting[rule_id] for rule_id in sorted(fitting)], tuple(sorted(failed))


def _fits(rule: Rule, request: Request, action: str | None) -> bool:
    return (
        rule.enabled
        and rule.action in (action, ANY_ACTION)
        and (rule.expires_at is None or request.at < rule.expires_at)
        and any(severity.meets(listed, request.alert.severity) for listed in rule.when.severity)
        and _in_scope(rule.scope, request)
    )


def _in_scope(scope: Scope, request: Request) -> bool:
    return (
        scope.partner in (None, request.partner)
        and scope.site in (None, request.site)
        and scope.host in (None, request.host)
        and (scope.platform is None or covers(scope.platform, request.platform))
        and request.tags.issuperset(scope.tags)
    )


def _is_open(rule: Rule, request: Request) -> bool:
    """A window that cannot be judged counts as open: a deny then forbids, and an allow that wins
    by it is stopped by the check of its window instead of giving way to a broader rule."""
    try:
        return window.contains(rule.window, request.at, request.zone)
    except UnknownZone:
        return True


def _why_lost(rule: Rule, decider: Rule | None, request: Request) -> str:
    if not _is_open(rule, request):
        return "its window is closed"
    if decider is None or decider.effect is Effect.DENY:
        return "a deny beats it" if rule.effect is Effect.ALLOW else "another deny comes first"
    if decider.scope.reach is not rule.scope.reach:
        return f"its scope is broader ({rule.scope.reach})"
    return "lower priority" if decider.priority != rule.priority else "its id comes later"
