"""What this appliance knows of its incidents, as JSON: read on the spot, without Central."""

import time
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from wardline.agent import onsite
from wardline.agent.settings import HostSettings, Layout, Settings
from wardline.agent.store import heals, holds, incidents, picks, results
from wardline.agent.store.database import Transaction
from wardline.agent.store.holds import Hold
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.picks import End
from wardline.core import clock, ids
from wardline.core.errors import Conflict, NotFound, Refused
from wardline.core.evidence import bundle
from wardline.core.incidents import choice, situation
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.situation import Latest, Situation
from wardline.core.incidents.states import State
from wardline.core.orders import Order, Person, RunRunbook
from wardline.core.policy.decision import Verdict

LISTED_MAX = 500
WAIT_S = 60
LOOK_S = 0.2


class NoSuchChoice(Refused):
    """The incident has no choice of that number now."""

    code = "no_such_choice"


class ApprovalNeeded(Refused):
    """A choice whose rule asks for an approval is picked at Central, where one can be given."""

    code = "approval_needed"


class PickReasonNeeded(Refused):
    """A choice is picked with a reason, in up to 1,000 characters."""

    code = "reason_needed"


class PickUnanswered(Conflict):
    """The agent has not taken the pick up, or not ended it, in the time that was waited."""

    code = "pick_unanswered"


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


def picked(layout: Layout, incident_id: str, number: int, reason: str, wait_s: float) -> End:
    """Has the agent that runs here carry out a choice of a ticket, in the name of whoever calls,
    and waits for the end. Numbered from 1, as `shown` lists them.

    Raises NotFound, NoSuchChoice, ApprovalNeeded, PickReasonNeeded, PickUnanswered.
    """
    reason = reason.strip()
    if not 0 < len(reason) <= picks.REASON_CHARS_MAX:
        raise PickReasonNeeded(f"say why, in 1 to {picks.REASON_CHARS_MAX} characters (--reason)")
    with onsite.opened(layout) as (_, ledger):
        order_id = _want(ledger, incident_id, number, reason)
        deadline = time.monotonic() + wait_s
        while True:
            with ledger.reading() as tx:
                found = picks.end_of(tx, order_id)
            if found is not None and found.state not in ("received", "running"):
                return found
            if time.monotonic() >= deadline:
                break
            time.sleep(LOOK_S)
        with ledger.transaction() as tx:
            is_taken_back = picks.take_back(tx, order_id)
    if is_taken_back:
        raise PickUnanswered("no agent took it up: nothing was changed")
    raise PickUnanswered(
        "the agent has begun and not ended it yet: `wardline incidents show"
        f" {incident_id} --appliance` shows what becomes of it"
    )


def _want(ledger: Ledger, incident_id: str, number: int, reason: str) -> str:
    with ledger.transaction() as tx:
        one = incidents.get(tx, incident_id)
        if one is None:
            raise NotFound(f"there is no incident {incident_id} on this appliance")
        choices = choice.told(one.decision) if one.state is State.ESCALATED else []
        if not 1 <= number <= len(choices):
            raise NoSuchChoice(f"{incident_id} has {len(choices)} choices now: look at it again")
        told = choices[number - 1]
        if told["verdict"] != Verdict.OFFER.value:
            raise ApprovalNeeded("its rule asks for an approval, which is given at Central")
        pins, now, by = told["pins"], ledger.now(), onsite.account()
        body = RunRunbook(
            incident_id=one.id,
            check=one.check,
            runbook_id=told["runbook"]["id"],
            runbook_digest=told["runbook"]["digest"],
            inputs_digest=pins["inputsDigest"],
            rule_id=told["ruleId"],
            rule_revision=pins["ruleRevision"],
            params_digest=pins["paramsDigest"],
            consent=None,
        )
        places = (ids.new("order"), ledger.site_id, ledger.appliance_id, one.host_id)
        person = Person(by, by, ())
        picks.want(tx, Order(*places, now, now + picks.WANTED, person, reason, body), body)
        return places[0]


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
