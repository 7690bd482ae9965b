"""From the requests of POST /decide to those of the policy, and from decisions to the answer."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from wardline.core import clock, ids
from wardline.core.policy import telling
from wardline.core.policy.batch import Asked
from wardline.core.policy.book import Run
from wardline.core.policy.decision import Decision, Verdict
from wardline.core.policy.request import ActionFacts, Alert, Principal, Request, State
from wardline.core.policy.wire import AskedWire
from wardline.policy.decisions import reservation
from wardline.policy.simulation import Place
from wardline.policy.store import RuleInvalid

DECISION = "dec"

# Site, host and kpi → the actions that are on hold there.
Holds = Mapping[tuple[str | None, str | None, str], frozenset[str]]

_NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Standing:
    """What holds at a site, whatever is asked there; `frozen_by` says who stopped it, or ''."""

    place: Place
    frozen_by: str = ""
    observing: bool = False


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all requests of a call; `actions` are those of a platform, None for any."""

    now: datetime
    partner: str | None
    caller: Principal
    actions: Callable[[str | None], Mapping[str, ActionFacts] | None]
    holds: Holds = field(default_factory=dict)


def site(asked: AskedWire) -> str | None:
    return asked.site or asked.alert.site_id


def host(asked: AskedWire) -> str | None:
    return asked.host or asked.alert.host_id


def check(asked: Sequence[AskedWire]) -> None:
    """Raises RuleInvalid where a site or host is named in two ways."""
    problems = []
    for position, each in enumerate(asked):
        alert = each.alert
        if each.site is not None and alert.site_id not in (None, each.site):
            problems.append((f"requests[{position}].site", "is another one than alert.siteId"))
        if each.host is not None and alert.host_id not in (None, each.host):
            problems.append((f"requests[{position}].host", "is another one than alert.hostId"))
    if problems:
        raise RuleInvalid(problems)


def requests(
    asked: Sequence[AskedWire], standing: Mapping[str | None, Standing], terms: Terms
) -> list[Asked]:
    """The requests, each with what holds beside the rules, but for what has run."""
    made: list[Asked] = []
    states: dict[tuple[str | None, bool, frozenset[str], bool], State] = {}
    now, partner, caller, holds = terms.now, terms.partner, terms.caller, terms.holds
    for each, decision_id in zip(asked, ids.series(DECISION, len(asked)), strict=True):
        alert, named = each.alert, each.site or each.alert.site_id
        place = standing[named].place
        request = Request(
            Alert(alert.id, alert.kpi_id, alert.title, alert.message, alert.severity, alert.delta),
            now,
            place.zone,
            decision_id,
            each.action,
            partner,
            named,
            each.host or alert.host_id,
            alert.platform,
            _NOTHING,
            alert.facts,
            caller,
            each.initiator,
            None,
            place.opening_hours,
        )
        held = holds.get((named, request.host, alert.kpi_id), _NOTHING) if holds else _NOTHING
        on_hold = each.action in held
        key = named, alert.platform is not None, held, on_hold
        state = states.get(key)
        if state is None:
            there = standing[named]
            state = states[key] = State(
                freeze=bool(there.frozen_by),
                frozen_by=there.frozen_by,
                observing=there.observing,
                hold=on_hold,
                actions=terms.actions(alert.platform),
                confirmed_at=now,
                held=held if each.action is None else _NOTHING,
            )
        made.append((request, state))
    return made


def answer(
    decisions: Sequence[Decision], runs: Sequence[Run], now: datetime, *, traced: bool
) -> bytes:
    """`{ok, decisions}`, each with its reservation."""
    expires = clock.wire(reservation.expiry(now))
    reserved = {run.id: {"id": run.id, "expiresAt": expires} for run in runs}
    told = [telling.public(each, traced=traced) for each in decisions]
    for each in told:
        each["reservation"] = reserved.get(each["decisionId"])
    return telling.dumps({"ok": True, "decisions": told})


def uses(decisions: Sequence[Decision]) -> list[tuple[str, int, int]]:
    """Which rules decided: id, how often, how often that something runs; by id."""
    decided = Counter((each.rule_id, each.verdict is Verdict.RUN) for each in decisions)
    counted: dict[str, tuple[int, int]] = {}
    for (rule_id, ran), count in decided.items():
        if rule_id is not None:
            before = counted.get(rule_id, (0, 0))
            counted[rule_id] = before[0] + count, before[1] + (count if ran else 0)
    return sorted((rule_id, *counts) for rule_id, counts in counted.items())
