"""What was decided at a partner's sites, for a replay: by its appliances, and asked of Central.

Of an incident its last decision is kept, and the instant at which it opened; a decision that an
approval had a part in is replayed as if nobody had been asked yet.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.policies import service
from wardline.central.policies.repository import Repository
from wardline.central.tenancy import service as tenancy
from wardline.central.tenancy.service import Site
from wardline.core.policy import kept
from wardline.core.policy.decision import Code, Verdict
from wardline.core.policy.kept import PlaceRow, Row, Sheet
from wardline.core.policy.request import Initiator
from wardline.core.severity import Severity
from wardline.policy.store import Past

BATCHES_PER_LOOK = 100
INCIDENTS_PER_LOOK = 1_000

_VERDICTS = frozenset(verdict.value for verdict in Verdict)
_CODES = frozenset(code.value for code in Code)
_WORDS = frozenset(word.value for word in Severity)


async def sheets(session: Session, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
    """The incidents and the decisions of the session's partner."""
    async for found in _incidents(session, asked):
        yield found
    async for found in _batches(session, asked):
        yield found


async def _batches(session: Session, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
    before: int | None = None
    while True:
        rows = await Repository(session).batches(asked, before, BATCHES_PER_LOOK)
        if rows:
            yield await asyncio.to_thread(_read, [row["body"] for row in rows])
        if len(rows) < BATCHES_PER_LOOK:
            return
        before = rows[-1]["id"]


async def _incidents(session: Session, asked: Past) -> AsyncIterator[Sequence[Sheet]]:
    after: tuple[datetime, str] | None = None
    places: dict[str, PlaceRow] = {}
    while True:
        rows = await Repository(session).decided_incidents(asked, after, INCIDENTS_PER_LOOK)
        unknown = sorted({row["site_id"] for row in rows} - places.keys())
        known = await tenancy.named(session, unknown) if unknown else {}
        places |= {site_id: _place(site) for site_id, site in known.items()}
        if rows:
            told = (_incident(row, places, session.scope.owner) for row in rows)
            yield [sheet for sheet in told if sheet is not None]
        if len(rows) < INCIDENTS_PER_LOOK:
            return
        after = rows[-1]["created_at"], rows[-1]["id"]


def _read(bodies: Sequence[bytes]) -> list[Sheet]:
    return [kept.sheet(each) for each in bodies]


def _place(site: Site) -> PlaceRow:
    """As the site is now: what it was when an incident opened is not kept."""
    found = service.place_of(site)
    hours = [(each.days, each.start, each.end) for each in found.opening_hours]
    return site.id, found.zone, hours, False, False


def _incident(row: RowMapping, places: Mapping[str, PlaceRow], partner_id: str) -> Sheet | None:
    """The decision on an incident as a batch of one; None where it cannot be read: it is the
    appliance's, and its inside was never checked here."""
    told, place = row["decision"], places.get(row["site_id"])
    code, verdict, action = told.get("code"), told.get("verdict"), told.get("action")
    rule_id = told.get("ruleId")
    if place is None or code not in _CODES or verdict not in _VERDICTS:
        return None
    if row["severity"] not in _WORDS or not isinstance(action, str):
        return None
    site, zone, hours, _, _ = place
    frozen, observing = code == Code.FREEZE.value, code == Code.OBSERVING.value
    made: Row = (
        *(0, row["id"], row["incident_type"], row["severity"], None, action),
        *(row["host_id"], row["platform"], row["facts"] or {}, Initiator.SYSTEM.value),
        *(code == Code.HOLD.value, verdict, code),
        rule_id if isinstance(rule_id, str) else None,
    )
    where = site, zone, hours, frozen, observing
    return Sheet(row["created_at"], partner_id, None, [where], [made])
