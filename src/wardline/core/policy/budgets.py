"""What a rule may use: its limits, and what counts against each."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from wardline.core.canonical import Json
from wardline.core.policy.params import Unresolved
from wardline.core.policy.request import HostUsage, RuleUsage, State
from wardline.core.policy.rule import Limits, Rule

# Reads off what has been used what would be, this run included.
Used = Callable[[RuleUsage, HostUsage, Mapping[str, Json]], int | Decimal]
Cap = tuple[str, Used, int | Decimal]

_UNUSED_RULE = RuleUsage()


def of(
    rule: Rule, state: State, on_host: HostUsage, resolved: Mapping[str, Json]
) -> list[tuple[str, int | Decimal, int | Decimal]]:
    """Every limit of a rule with what would be used, this run included: (name, used, limit)."""
    usage = rule_usage(state, rule.id)
    return [(name, used(usage, on_host, resolved), cap) for name, used, cap in caps(rule.limits)]


def rule_usage(state: State, rule_id: str) -> RuleUsage:
    """What a rule has used at the request's site."""
    return state.counters.rules.get(rule_id, _UNUSED_RULE)


def caps(limits: Limits) -> tuple[Cap, ...]:
    """The limits that are set, each with how its use is counted: (name, used, limit)."""
    every = (
        ("maxDailyPct", _daily_pct, limits.max_daily_pct),
        ("maxWeeklyPct", _weekly_pct, limits.max_weekly_pct),
        ("maxDailyQty", _daily_qty, limits.max_daily_qty),
        ("maxRunsPerHostPerDay", _runs_on_host, limits.max_runs_per_host_per_day),
        ("maxRunsPerSitePerHour", _runs_at_site, limits.max_runs_per_site_per_hour),
        ("maxConcurrentPerSite", _running, limits.max_concurrent_per_site),
    )
    return tuple([(name, used, cap) for name, used, cap in every if cap is not None])


def _daily_pct(usage: RuleUsage, _: HostUsage, resolved: Mapping[str, Json]) -> int | Decimal:
    return usage.pct_24h + _amount(resolved, "deltaPct")


def _weekly_pct(usage: RuleUsage, _: HostUsage, resolved: Mapping[str, Json]) -> int | Decimal:
    return usage.pct_7d + _amount(resolved, "deltaPct")


def _daily_qty(usage: RuleUsage, _: HostUsage, resolved: Mapping[str, Json]) -> int | Decimal:
    return usage.qty_24h + _amount(resolved, "qty")


def _runs_on_host(_: RuleUsage, on_host: HostUsage, __: Mapping[str, Json]) -> int:
    return on_host.runs_24h + 1


def _runs_at_site(usage: RuleUsage, _: HostUsage, __: Mapping[str, Json]) -> int:
    return usage.runs_1h + 1


def _running(usage: RuleUsage, _: HostUsage, __: Mapping[str, Json]) -> int:
    return usage.running + 1


def _amount(resolved: Mapping[str, Json], name: str) -> int | Decimal:
    """What a run adds to a sum: the size of the parameter, whatever its sign."""
    value: Json = resolved.get(name, 0)
    if isinstance(value, float):
        return abs(Decimal(repr(value)))
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        return value if value >= 0 else -value
    raise Unresolved(name, "is limited and must be a number")
