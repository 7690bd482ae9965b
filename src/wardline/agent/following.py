"""What a measurement means for the incidents of its drift, whoever wanted it to be measured."""

from wardline.agent.store import heals, incidents
from wardline.agent.store.database import Transaction
from wardline.agent.store.ledger import Ledger
from wardline.core import ids
from wardline.core.evidence.bundle import IncidentRecord, Outcome, Result
from wardline.core.incidents import incident
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.states import State


def follow(tx: Transaction, ledger: Ledger, host_id: str, result: Result) -> list[IncidentRecord]:
    """Open the incident of a new drift, or that of a heal which did not last; clear that of one
    which is gone; a heal that lasted is stable. The records that are news, to be sealed with it."""
    drift = (ledger.site_id, host_id, result.check)
    known, watched = incidents.open_of(tx, *drift), incidents.watched_of(tx, *drift)
    moved: Incident | None = None
    if watched is not None:
        moved = _follow_watch(tx, ledger, watched, result)
    elif result.outcome is Outcome.FAIL and known is None:
        moved = incident.opened(ids.incident(), ledger.site_id, host_id, result, ledger.now())
    elif known is not None and known.state is not State.REPAIRING and _is_gone(result):
        now = ledger.now()
        if incident.can_close(known, result, now):
            moved = incident.resolved(known, result, now)
    if moved is None:
        return []
    incidents.save(tx, moved)
    incidents.count_pattern(tx, moved)
    return [moved.record()]


def _follow_watch(
    tx: Transaction, ledger: Ledger, watched: Incident, result: Result
) -> Incident | None:
    moment = ledger.moment()
    passed = heals.passed(tx, watched.id, moment)
    moved = incident.watched(watched, result, moment.at, passed)
    if moved is not None and moved.state is State.OPEN:
        incidents.set_judgement(tx, moved.id, None, None, moment.at)
    return moved


def _is_gone(result: Result) -> bool:
    return result.outcome in (Outcome.PASS, Outcome.NOT_APPLICABLE)
