"""Opens an approval for what an appliance asks, and closes it when the incident has moved on.

Runs in the transaction that takes evidence in, or a check-in: what an appliance tells wrongly opens
nothing, is recorded, and never holds its evidence up.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import RowMapping

from wardline.central.approvals import needs
from wardline.central.approvals.repository import NewApproval, Repository
from wardline.central.approvals.service import CHANGED, bound
from wardline.central.approvals.states import Status
from wardline.central.database.session import Session
from wardline.central.orders import service as orders
from wardline.central.orders import wanted
from wardline.central.orders.issuer import Issuer
from wardline.central.orders.service import OrderUnderWay
from wardline.central.orders.wanted import Standing, Wanted
from wardline.central.policies import service as policies
from wardline.core import ids
from wardline.core.errors import Conflict, Malformed
from wardline.core.evidence.bundle import IncidentState
from wardline.core.policy.decision import Verdict
from wardline.core.policy.rule import Rule

LIFETIME = timedelta(hours=24)
# An appliance with more to ask than anybody could read is not asked for more.
# So often an incident's repair is asked for without a person's word.
ASKED_MAX = 7
PENDING_PER_SITE_MAX = 2_000
REFUSED_SHOWN_MAX = 20


class ApprovalWaiting(Conflict):
    """An approval for this incident waits for its answer already."""

    code = "approval_waiting"


async def pending(session: Session, site_id: str, incidents: Sequence[str]) -> list[str]:
    """Which of these incidents have an approval that waits."""
    return await Repository(session).waiting(site_id, incidents)


async def follow(
    session: Session, site_id: str, appliance_id: str, incidents: Sequence[Standing]
) -> None:
    """Brings the approvals of these incidents up to where the incidents stand now."""
    repository = Repository(session)
    held = {
        row["incident_id"]: row
        for row in await repository.pending(site_id, [one.incident_id for one in incidents])
    }
    asks, refused = _asks(incidents)
    for incident_id, row in held.items():
        if incident_id not in asks or bound(row) != asks[incident_id].run:
            if await repository.close(site_id, row["id"], Status.SUPERSEDED):
                await _announce(session, site_id, row["id"], Status.SUPERSEDED)
    new = [
        ask for ask in asks.values()
        if ask.of.incident_id not in held or bound(held[ask.of.incident_id]) != ask.run
    ]  # fmt: skip
    room = PENDING_PER_SITE_MAX - await repository.count_pending(site_id) if new else 0
    rules = _Rules(session)
    for ask in new[: max(room, 0)]:
        last = await _last_of(session, ask)
        if not await _is_answered(session, ask, last):
            # Whoever asked for this very run is still who asked, though nobody answered in time.
            await _open(session, rules, ask, None if last is None else last["requested_by"])
    for ask in new[max(room, 0) :]:
        refused[ask.of.incident_id] = f"{PENDING_PER_SITE_MAX} approvals wait on this site"
    if refused:
        first = [{"incident": one, "why": why} for one, why in refused.items()][:REFUSED_SHOWN_MAX]
        why = f"{len(refused)} incidents ask for an approval that cannot be opened"
        await session.record("approval.refuse", appliance_id, after={"first": first}, reason=why)


async def renew(
    session: Session, site_id: str, appliance_id: str, incidents: Sequence[Standing]
) -> None:
    """Asks once more, with the state of now, for what nobody answered or fetched in time: at most
    once in LIFETIME, and no more once it was asked for ASKED_MAX times."""
    lapsed = await Repository(session).lapsed(
        site_id, [one.incident_id for one in incidents], session.now - LIFETIME, ASKED_MAX
    )
    again = [one for one in incidents if one.incident_id in lapsed]
    if again:
        await follow(session, site_id, appliance_id, again)


async def ask_again(session: Session, incident: Standing, issuer: Issuer, reason: str) -> str:
    """Opens an approval by a person's word, whose own voice does not count where the rule wants
    four eyes; gives its identifier. Raises ApprovalWaiting, OrderUnderWay, Malformed."""
    ask = wanted.read(incident, Verdict.ASK)
    if await pending(session, incident.site_id, [incident.incident_id]):
        raise ApprovalWaiting("an approval for this incident waits for its answer")
    if await orders.is_live(session, incident.site_id, incident.incident_id):
        raise OrderUnderWay("an order for this incident is on its way; wait for its end")
    approval_id = await _open(session, _Rules(session), ask, issuer.person.user_id)
    if approval_id is None:
        raise ApprovalWaiting("an approval for this incident was opened a moment ago")
    await session.record("approval.ask", approval_id, reason=reason, site_id=incident.site_id)
    return approval_id


def _asks(incidents: Sequence[Standing]) -> tuple[dict[str, Wanted], dict[str, str]]:
    """What waits for an approval, by incident; and why of those that cannot be read."""
    asks: dict[str, Wanted] = {}
    refused: dict[str, str] = {}
    for one in incidents:
        if one.state != IncidentState.WAITING or wanted.verdict(one) != Verdict.ASK:
            continue
        try:
            asks[one.incident_id] = wanted.read(one, Verdict.ASK)
        except Malformed as error:
            refused[one.incident_id] = str(error)
    return asks, refused


async def _last_of(session: Session, ask: Wanted) -> RowMapping | None:
    """The newest approval of the incident, where it was for exactly this run."""
    last = await Repository(session).latest(ask.of.site_id, ask.of.incident_id)
    return last if last is not None and bound(last) == ask.run else None


async def _is_answered(session: Session, ask: Wanted, last: RowMapping | None) -> bool:
    """Whether exactly this run was refused by a person, or is on its way with a consent."""
    if last is None:
        return False
    if last["status"] == Status.APPROVED:
        return await orders.is_live(session, ask.of.site_id, ask.of.incident_id)
    return bool(last["status"] == Status.REJECTED)


class _Rules:
    """The rules in force by check and runbook, each read once: a batch asks of few."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._read: dict[tuple[str, str], Sequence[Rule]] = {}

    async def of(self, ask: Wanted) -> Sequence[Rule]:
        key = ask.of.check, ask.run.runbook_id
        if key not in self._read:
            self._read[key] = await policies.of_action(self._session, *key)
        return self._read[key]


async def _open(
    session: Session, rules: _Rules, ask: Wanted, requested_by: str | None
) -> str | None:
    """None where somebody opened one a moment ago."""
    new = NewApproval(
        id=ids.new("appr"),
        wanted=ask,
        needs=[needs.to_json(need) for need in needs.of(ask, await rules.of(ask))],
        requested_by=requested_by,
        created_at=session.now,
        expires_at=session.now + LIFETIME,
    )
    if not await Repository(session).add(new):
        return None
    await _announce(session, ask.of.site_id, new.id, Status.PENDING)
    return new.id


async def _announce(session: Session, site_id: str, approval_id: str, status: Status) -> None:
    await session.announce(CHANGED, approval_id, {"status": status.value}, site_id=site_id)
