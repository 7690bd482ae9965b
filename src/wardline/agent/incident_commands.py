"""What this appliance knows of its incidents, as JSON: read on the spot, without Central."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wardline.agent import onsite
from wardline.agent.settings import HostSettings, Layout, Settings
from wardline.agent.store import heals, holds, incidents, results
from wardline.agent.store.database import Transaction
from wardline.agent.store.holds import Hold
from wardline.core import clock
from wardline.core.errors import NotFound
from wardline.core.evidence import bundle
from wardline.core.incidents import choice, situation
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.situation import Latest, Situation

LISTED_MAX = 500


def listed(layout: Layout, *, everything: bool = False) -> list[dict[str, Any]]:
    """The open incidents, or all of them, newest first, at most LISTED_MAX."""
    with onsite.opened(layout) as (settings, ledger):
        now = ledger.now()
        with ledger.reading() as tx:
            found = incidents.newest(tx, LISTED_MAX, closed_too=everything)
            return [_row(one, _situation(tx, one, settings), now) for one in found]


def shown(layout: Layout, incident_id: str) -> dict[str, Any]:
    """One incident's whole story; raises NotFound."""
    with onsite.opened(layout) as (settings, ledger):
        now = ledger.now()
        with ledger.reading() as tx:
            one = incidents.get(tx, incident_id)
            if one is None:
                raise NotFound(f"there is no incident {incident_id} on this appliance")
            seen = _situation(tx, one, settings)
            left = situation.aftermath(one.actions, one.decision)
            held = holds.active_of(tx, one.site_id, one.host_id, one.check)
            return {
                **_row(one, seen, now),
                "resolution_level": one.level and one.level.value,
                "outcome": one.outcome and one.outcome.value,
                "latest": {
                    "outcome": seen.latest.outcome.value,
                    "summary": seen.latest.summary,
                    "measured_at": clock.wire(seen.latest.measured_at),
                },
                "undo": left.undo.value,
                "left": list(left.left),
                "before": bundle.result_to_wire(one.before),
                "after": None if one.after is None else bundle.result_to_wire(one.after),
                "decision": one.decision,
                "runbook": None if one.runbook is None else bundle.runbook_to_wire(one.runbook),
                "choices": [_choice(each) for each in choice.told(one.decision)],
                "actions": [bundle.action_to_wire(action) for action in one.actions],
                "heals": heals.of_incident(tx, one.id),
                "holds": [_hold(each) for each in held],
            }


def _choice(told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": told["id"],
        "words": told["choice"]["words"],
        "runbook_id": told["runbook"]["id"],
        "inputs": told["pins"]["inputs"],
        "verdict": told["verdict"],
    }


def _row(one: Incident, seen: Situation, now: datetime) -> dict[str, Any]:
    return {
        "id": one.id,
        "host_id": one.host_id,
        "host_name": seen.host,
        "check": one.check,
        "severity": one.severity.value,
        "state": one.state.value,
        "opened_at": clock.wire(one.opened_at),
        "closed_at": one.closed_at and clock.wire(one.closed_at),
        "watched_until": clock.wire(one.watch.until) if one.watched and one.watch else None,
        "sentence": situation.sentence(seen, now),
    }


def _situation(tx: Transaction, one: Incident, settings: Settings) -> Situation:
    declared: dict[str, HostSettings] = {host.id: host for host in settings.hosts}
    host = declared.get(one.host_id)
    measured = results.latest(tx, one.host_id, one.check)
    held = holds.active_of(tx, one.site_id, one.host_id, one.check)
    return situation.of(
        one,
        host.name if host else one.host_id,
        Latest(measured.outcome, measured.summary, measured.measured_at) if measured else None,
        held[0].reason if held else None,
        observed=host.observed if host else False,
    )


def _hold(one: Hold) -> dict[str, Any]:
    return {
        "id": one.id,
        "runbook_id": one.runbook_id,
        "suppressed_at": clock.wire(one.suppressed_at),
        "set_by": one.set_by,
        "reason": one.reason,
    }
