"""From the requests of POST /decide to those of the policy, and from decisions to the answer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

import orjson

from wardline.core import clock, ids
from wardline.core.policy.batch import Batch, Ground, Wanted
from wardline.core.policy.book import Run
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.kept import Asked
from wardline.core.policy.questions import Setting
from wardline.core.policy.request import ActionFacts, Alert, Principal, Request, State
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

    @property
    def setting(self) -> Setting:
        """The same, as decisions that have been made are looked up by it."""
        place = self.place
        return Setting(place.zone, place.opening_hours, self.frozen_by, self.observing)


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for all requests of a call; `actions` are those of a platform, None for any."""

    now: datetime
    partner: str | None
    caller: Principal
    actions: Callable[[str | None], Mapping[str, ActionFacts] | None]
    holds: Holds = field(default_factory=dict)


def site(asked: Wanted) -> str | None:
    return asked.site or asked.alert.site_id


def host(asked: Wanted) -> str | None:
    return asked.host or asked.alert.host_id


def check(asked: Sequence[Wanted]) -> None:
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


def batch(
    index: Compiled,
    asked: Sequence[Wanted],
    standing: Mapping[str | None, Standing],
    terms: Terms,
    *,
    traced: bool,
) -> Batch:
    """The decisions, but for what has run."""
    holds = terms.holds
    ground = Ground(
        terms.now,
        terms.partner,
        terms.caller,
        terms.actions,
        lambda named: standing[named].setting,
        partial(request, standing, terms),
        (lambda *place: bool(holds.get(place))) if holds else None,
    )
    return Batch(index, ground, asked, ids.series(DECISION, len(asked)), traced=traced)


def request(
    standing: Mapping[str | None, Standing], terms: Terms, each: Wanted, decision_id: str
) -> Asked:
    """A request, with what holds beside the rules, but for what has run."""
    alert, named = each.alert, site(each)
    there, now = standing[named], terms.now
    made = Request(
        Alert(alert.id, alert.kpi_id, alert.title, alert.message, alert.severity, alert.delta),
        now,
        there.place.zone,
        decision_id,
        each.action,
        terms.partner,
        named,
        host(each),
        alert.platform,
        _NOTHING,
        alert.facts,
        terms.caller,
        each.initiator,
        None,
        there.place.opening_hours,
    )
    held = terms.holds.get((named, made.host, alert.kpi_id), _NOTHING)
    state = State(
        freeze=bool(there.frozen_by),
        frozen_by=there.frozen_by,
        observing=there.observing,
        hold=each.action in held,
        actions=terms.actions(alert.platform),
        confirmed_at=now,
        held=held if each.action is None else _NOTHING,
    )
    return made, state


def answer(decided: Batch, runs: Sequence[Run], now: datetime) -> bytes:
    """`{ok, decisions}`, each with its reservation."""
    expires = clock.wire(reservation.expiry(now))
    reserved = {run.id: orjson.dumps({"id": run.id, "expiresAt": expires}) for run in runs}
    return b'{"ok":true,"decisions":' + decided.answer(reserved) + b"}"
