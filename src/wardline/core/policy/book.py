"""What has run at some sites, as a decision's state tells it, kept up while decisions are made.

A request without a site, or without a host, is one of the place that has no name: what runs there
counts for the next one that names none. Only a host that has a name is locked.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from wardline.core.policy import usage
from wardline.core.policy.request import Counters, HostUsage, Request, RuleUsage, State
from wardline.core.policy.usage import Tally

NOWHERE = ""

_UNUSED_RULE, _UNUSED_HOST = RuleUsage(), HostUsage()
_NOTHING: frozenset[str] = frozenset()
_NO_RULES: Mapping[str, RuleUsage] = {}
_NO_ACTIONS: Mapping[str, HostUsage] = {}

Host = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """A run that was decided: what is reserved for it, under the decision's id."""

    id: str
    site: str
    host: str
    action: str
    rule_id: str
    pct: int | Decimal
    qty: int | Decimal


def site_of(request: Request) -> str:
    return request.site or NOWHERE


def host_of(request: Request) -> Host:
    return request.site or NOWHERE, request.host or NOWHERE


class Book:
    """Filled from what a store has counted by `now`; what it told of a state never changes."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._rules: dict[str, Mapping[str, RuleUsage]] = {}
        self._hosts: dict[Host, Mapping[str, HostUsage]] = {}
        self._running: dict[Host, frozenset[str]] = {}

    def count_rule(self, site: str, rule_id: str, tally: Tally) -> None:
        """Runs of a rule at a site."""
        used = self._rules.get(site, _NO_RULES)
        now = usage.of_rule(used.get(rule_id, _UNUSED_RULE), tally, self._now)
        self._rules[site] = {**used, rule_id: now}

    def count_host(self, site: str, host: str, action: str, tally: Tally) -> None:
        """Runs of an action on a host."""
        place = site, host
        used = self._hosts.get(place, _NO_ACTIONS)
        now = usage.on_host(used.get(action, _UNUSED_HOST), tally, self._now)
        self._hosts[place] = {**used, action: now}
        if tally.in_flight and host != NOWHERE:
            self._running[place] = self._running.get(place, _NOTHING) | {action}

    def reserve(self, run: Run) -> None:
        """Counts from now on."""
        tally = Tally(self._now, in_flight=True, pct=run.pct, qty=run.qty)
        self.count_rule(run.site, run.rule_id, tally)
        self.count_host(run.site, run.host, run.action, tally)

    def at_site(self, site: str) -> Mapping[str, RuleUsage]:
        """What has been used at a site, by rule."""
        return self._rules.get(site, _NO_RULES)

    def on_host(self, site: str, host: str) -> Mapping[str, HostUsage]:
        """What has run on a host, by action."""
        return self._hosts.get((site, host), _NO_ACTIONS)

    def state(self, base: State, request: Request) -> State:
        """`base` with what has run where the request is about."""
        site, place = site_of(request), host_of(request)
        running = self._running.get(place, _NOTHING)
        counters = Counters(self._rules.get(site, _NO_RULES), self._hosts.get(place, _NO_ACTIONS))
        if request.action is None:
            return replace(base, counters=counters, running=running)
        return replace(base, counters=counters, locked=request.action in running)
