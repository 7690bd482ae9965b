"""Whether rules are open at this instant, and when that turns: what a list of rules shows."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import preview
from wardline.core.policy.rule import Rule
from wardline.policy.simulation import Place
from wardline.policy.store import PolicyStore, RuleInvalid

AHEAD = timedelta(days=preview.PREVIEW_DAYS)


async def of_rules(store: PolicyStore, ids: Sequence[str]) -> list[dict[str, Json]]:
    """Of each rule in force among `ids`: `open`, null where it is another at each site; `turnsAt`,
    null where it does not turn within two weeks; `zone`, whose clock its window is read on."""
    plans = (await store.current()).plans
    rules = [plans[rule_id].rule for rule_id in ids if rule_id in plans]
    places = {site: await _place(store, site) for site in {rule.scope.site for rule in rules}}
    about = [(rule, places[rule.scope.site]) for rule in rules]
    return await asyncio.to_thread(_told, about, store.now())


async def _place(store: PolicyStore, site_id: str | None) -> Place | None:
    """None: no site, or one that is not the caller's, whose clock nobody knows."""
    if site_id is None:
        return None
    try:
        return await store.place(site_id)
    except RuleInvalid:
        return None


def _told(about: Sequence[tuple[Rule, Place | None]], now: datetime) -> list[dict[str, Json]]:
    return [{"id": rule.id, **_standing(rule, place, now)} for rule, place in about]


def _standing(rule: Rule, place: Place | None, now: datetime) -> dict[str, Json]:
    own = None if rule.window is None else rule.window.timezone
    zone = own or (None if place is None else place.zone)
    is_timed = rule.window is not None or rule.opening_hours is not None
    if not is_timed:
        return {"open": True, "turnsAt": None, "zone": zone}
    if zone is None or (rule.opening_hours is not None and place is None):
        return {"open": None, "turnsAt": None, "zone": None}
    hours = () if place is None else place.opening_hours
    found = preview.openings(
        (rule,), zone if place is None else place.zone, hours, now, now + AHEAD
    )
    if not found:
        return {"open": False, "turnsAt": None, "zone": zone}
    first = found[0]
    is_open = first.begin <= now
    turns = (None if first.is_cut else first.end) if is_open else first.begin
    return {
        "open": is_open,
        "turnsAt": None if turns is None else clock.wire(turns),
        "zone": zone,
    }
