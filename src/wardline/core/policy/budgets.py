"""What a rule may use: its limits, and what counts against each."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from wardline.core.canonical import Json
from wardline.core.policy import share
from wardline.core.policy.params import Unresolved
from wardline.core.policy.request import HostUsage, RuleUsage, State
from wardline.core.policy.rule import Limits, Rule
from wardline.core.policy.share import Share

# Reads off what has been used what would be, this run included.
Used = Callable[[RuleUsage, HostUsage, Mapping[str, Json]], int | Decimal]
Cap = tuple[str, Used, int | Decimal]

_UNUSED_RULE = RuleUsage()
_OF_HOST = "maxRunsPerHostPerDay"
_PERCENTAGES = ("maxDailyPct", "maxWeeklyPct")


def of(
    rule: Rule, state: State, on_host: HostUsage, resolved: Mapping[str, Json]
) -> list[tuple[str, int | Decimal, int | Decimal]]:
    """Every limit of a rule with what would be used, this run included: (name, used, limit), of
    which a site's are what the state's share leaves."""
    usage = rule_usage(state, rule.id)
    return [
        (name, used(usage, on_host, resolved), shared(name, cap, state.share))
        for name, used, cap in caps(rule.limits)
    ]


def shared(name: str, limit: int | Decimal, of_site: Share) -> int | Decimal:
    """What a limit leaves to one of the site's appliances. A host is one appliance's alone."""
    if of_site.of == 1 or name == _OF_HOST:
        return limit
    return share.part(limit, of_site, finely=name in _PERCENTAGES)


def whose(name: str, of_site: Share) -> str:
    """Behind a limit that refuses: whose part of it that is, where it is a part."""
    if of_site.of == 1 or name == _OF_HOST:
        return ""
    return f" ({of_site.words}; the rule's limit is the whole site's)"


def rule_usage(state: State, rule_id: str) -> RuleUsage:
    """What a rule has used at the request's site."""
    return state.counters.rules.get(rule_id, _UNUSED_RULE)


def caps(limits: Limits) -> tuple[Cap, ...]:
    """The limits that are set, each with how its use is counted: (name, used, limit)."""
    every = (
        ("maxDailyPct", _daily_pct, limits.max_daily_pct),
        ("maxWeeklyPct", _weekly_pct, limits.max_weekly_pct),
        ("maxDailyQty", _daily_qty, limits.max_daily_qty),
        (_OF_HOST, _runs_on_host, limits.max_runs_per_host_per_day),
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
