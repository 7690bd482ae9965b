"""Which rules speak to a request, and which one of them decides."""

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from wardline.core import severity
from wardline.core.policy import condition, opening, window
from wardline.core.policy.condition import ConditionFailed
from wardline.core.policy.request import Request, covers
from wardline.core.policy.rule import ANY_ACTION, Effect, Mode, Rank, Reach, Rule, Scope
from wardline.core.policy.window import UnknownZone


class Survey(NamedTuple):
    """What a look over the rules found.

    `winner` is the allow that would decide, `denied_by` the deny that forbids, `floors` the
    broader rules that bind the winner too, `losers` the other rules that fit, with the reason why
    they do not decide, `logged` those that only watch, `failed` the ids of rules whose condition
    could not be evaluated, with what went wrong.
    """

    winner: Rule | None = None
    denied_by: Rule | None = None
    floors: tuple[Rule, ...] = ()
    losers: tuple[tuple[str, str], ...] = ()
    logged: tuple[Rule, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


_BROADER = {reach: f"its scope is broader ({reach})" for reach in Reach}


def survey(rules: Iterable[Rule], request: Request, action: str | None) -> Survey:
    """Look at every rule; the outcome depends neither on their order nor on duplicates."""
    kpi_id = request.alert.kpi_id
    about = (rule for rule in rules if rule.when.kpi_id == kpi_id)
    return settle((rule for rule in about if fits(rule, request, action)), request)


def settle(fitting: Iterable[Rule], request: Request) -> Survey:
    """Who decides among rules that fit but for their conditions, and what becomes of the others."""
    held, failed = _held(fitting, request)
    logged = tuple(rule for rule in held if rule.mode is Mode.LOG_ONLY)
    enforced = [rule for rule in held if rule.mode is Mode.ENFORCE] if logged else held
    opened = {rule.id: counts_as_open(rule, request) for rule in enforced}
    allows = [rule for rule in enforced if rule.effect is Effect.ALLOW]
    denies = [rule for rule in enforced if rule.effect is Effect.DENY and opened[rule.id]]
    winner = min(allows, key=lambda rule: (not opened[rule.id], rule.rank), default=None)
    denied_by = min(denies, key=lambda rule: rule.rank, default=None)
    decider = denied_by or winner
    return Survey(
        winner,
        denied_by,
        tuple(rule for rule in allows if rule.floor and winner and rule.broader_than(winner)),
        tuple(
            (rule.id, why_lost(rule, decider, request, is_open=opened[rule.id]))
            for rule in enforced
            if rule is not decider
        ),
        logged,
        failed,
    )


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


def _held(
    fitting: Iterable[Rule], request: Request
) -> tuple[list[Rule], tuple[tuple[str, str], ...]]:
    """The rules whose condition holds, by id, and the ids of those whose condition failed, each
    with the reason."""
    held: dict[str, Rule] = {}
    failed: dict[str, str] = {}
    for rule in fitting:
        if rule.when.condition is None or _holds(rule, request, failed):
            held[rule.id] = rule
    return [held[rule_id] for rule_id in sorted(held)], tuple(sorted(failed.items()))


def _holds(rule: Rule, request: Request, failed: dict[str, str]) -> bool:
    try:
        return condition.holds(rule.when.condition, request)
    except ConditionFailed as error:
        failed[rule.id] = str(error)
        return rule.effect is Effect.DENY


def fits(rule: Rule, request: Request, action: str | None) -> bool:
    """Whether a rule of the request's kpi speaks to it, but for the rule's condition."""
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


def counts_as_open(rule: Rule, request: Request) -> bool:
    """What cannot be judged counts as open (an unknown zone, opening hours that nobody knows): a
    deny then forbids, and an allow that wins by it is stopped by the check of its window instead
    of giving way to a broader rule."""
    if rule.window is None and rule.opening_hours is None:
        return True
    try:
        if rule.opening_hours is None:
            return window.contains(rule.window, request.at, request.zone)
        return opening.is_open(rule, request) is not False
    except UnknownZone:
        return True


def why_lost(rule: Rule, decider: Rule | None, request: Request, *, is_open: bool) -> str:
    """Why a rule that fits does not decide, in words for a person."""
    if not is_open:
        staffed = rule.opening_hours is not None and opening.in_window(rule, request)
        return "the site's opening hours close it" if staffed else "its window is closed"
    if decider is None or decider.effect is Effect.DENY:
        return "a deny beats it" if rule.effect is Effect.ALLOW else "another deny comes first"
    return outranked(rule.scope.reach, rule.rank, decider.rank)


def broader(reach: Reach) -> str:
    """Why a rule of this reach gives way to any narrower one."""
    return _BROADER[reach]


def outranked(reach: Reach, rank: Rank, decider: Rank) -> str:
    """Why an open allow of this reach and rank gives way to one of another rank."""
    if rank[0] != decider[0]:
        return broader(reach)
    return "lower priority" if rank[1] != decider[1] else "its id comes later"
