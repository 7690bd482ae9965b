"""From the forms of the edge, which are accepted, to rules."""

from functools import lru_cache

from wardline.core import frozen
from wardline.core.policy import window
from wardline.core.policy.rule import Approval, Limits, Rule, Scope, Stamp, When, Window
from wardline.core.policy.wire import (
    ApprovalWire,
    LimitsWire,
    RuleWire,
    ScopeWire,
    WhenWire,
    WindowWire,
)
from wardline.core.severity import Severity

# Windows, limits and approvals, of which the rules of a policy have few different ones.
KEPT_MAX = 4096

_make_rule, _make_when, _make_scope = frozen.maker(Rule), frozen.maker(When), frozen.maker(Scope)
_kept_limits = lru_cache(maxsize=KEPT_MAX)(Limits)
_NO_LIMITS, _ANYWHERE, _NO_STAMP = Limits(), Scope(), Stamp()
_NOTHING_SAID = (None,) * 5


def rule(wire: RuleWire) -> Rule:
    """The rule that an accepted form describes."""
    return _make_rule(
        id=wire.id,
        when=when(wire.when),
        action=wire.action,
        params=wire.params,
        limits=_NO_LIMITS if wire.limits is None else limits(wire.limits),
        window=None if wire.window is None else times(wire.window),
        opening_hours=wire.opening_hours,
        approval=None if wire.approval is None else approval(wire.approval),
        auto_execute=wire.auto_execute,
        auto_suggest=wire.auto_suggest,
        name=wire.name,
        description=wire.description,
        enabled=wire.enabled,
        priority=wire.priority,
        effect=wire.effect,
        scope=_ANYWHERE if wire.scope is None else scope(wire.scope),
        floor=wire.floor,
        cooldown_minutes=wire.cooldown_minutes,
        max_stale_minutes=wire.max_stale_minutes,
        mode=wire.mode,
        expires_at=wire.expires_at,
        stamp=_stamp(wire),
    )


def _stamp(wire: RuleWire) -> Stamp:
    said = wire.revision, wire.created_by, wire.created_at, wire.updated_by, wire.updated_at
    return _NO_STAMP if said == _NOTHING_SAID else Stamp(*said)


def when(wire: WhenWire) -> When:
    """The alerts that a rule is about."""
    return _make_when(wire.kpi_id, tuple(dict.fromkeys(wire.severity)), wire.condition)


def limits(wire: LimitsWire) -> Limits:
    """How much a rule may do; equal ones are one object."""
    return _kept_limits(
        wire.max_daily_pct,
        wire.max_weekly_pct,
        wire.max_daily_qty,
        wire.max_runs_per_host_per_day,
        wire.max_runs_per_site_per_hour,
        wire.max_concurrent_per_site,
    )


def times(wire: WindowWire) -> Window:
    """The window of one; equal ones are one object."""
    return _kept_window(tuple(wire.days), wire.start, wire.end, wire.timezone)


@lru_cache(maxsize=KEPT_MAX)
def _kept_window(days: tuple[int, ...], start: str, end: str, zone: str | None) -> Window:
    begins, ends = window.clock_minute(start), window.clock_minute(end)
    return Window(tuple(sorted(set(days))), begins, ends, zone)


def approval(wire: ApprovalWire) -> Approval:
    """Whose consent a run needs; equal ones are one object."""
    return _kept_approval(
        wire.required,
        None if wire.roles is None else tuple(wire.roles),
        wire.bypass_if_severity,
        wire.self_approve,
        wire.expires_minutes,
        wire.quorum,
    )


@lru_cache(maxsize=KEPT_MAX)
def _kept_approval(
    required: bool,
    roles: tuple[str, ...] | None,
    bypass: Severity | None,
    by_oneself: bool,
    minutes: int | None,
    quorum: int,
) -> Approval:
    named = None if roles is None else tuple(dict.fromkeys(roles))
    return Approval(required, named, bypass, by_oneself, minutes, quorum)


def scope(wire: ScopeWire) -> Scope:
    """Where a rule applies."""
    tags = tuple(sorted(set(wire.tags)))
    return _make_scope(wire.partner, wire.site, wire.host, wire.platform, tags)
