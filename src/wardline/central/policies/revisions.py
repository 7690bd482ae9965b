"""The history of a partner's rules as the policy manager asks for it."""

import asyncio
from collections.abc import Mapping

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.policies import service
from wardline.central.policies.repository import Repository
from wardline.core.canonical import Json
from wardline.core.policy.diff import Body, Change
from wardline.core.policy.rule import Rule
from wardline.policy import events
from wardline.policy.revisions import store as revisions
from wardline.policy.revisions.store import (
    Counts,
    Difference,
    Going,
    History,
    Pair,
    Revision,
    RevisionUnknown,
    RolledBack,
    Seen,
    Version,
    Versions,
)

ROLL_BACK = "policy.rollback"
AUDITED_IDS_MAX = 200
_EVENTS = {
    Change.ADDED: events.CREATED,
    Change.CHANGED: events.UPDATED,
    Change.REMOVED: events.DELETED,
}


class PartnerHistory:
    """A RevisionStore over PostgreSQL; the session's transaction is that of a roll back."""

    __slots__ = ("_repository", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._repository = Repository(session)

    async def history(self, before: int | None, limit: int) -> History:
        head = await self._repository.head()
        rows = await self._repository.history(before, limit)
        return History(0 if head is None else head["revision"], [_revision(row) for row in rows])

    async def revision(self, number: int) -> Revision:
        rows = await self._repository.history(number + 1, 1)
        if not rows or rows[0]["revision"] != number:
            raise RevisionUnknown(f"there is no revision {number}")
        return _revision(rows[0])

    async def rules(self, number: int) -> list[Rule]:
        await self.revision(number)
        bodies = await self._then(number)
        return await asyncio.to_thread(revisions.read, bodies)

    async def difference(self, before: int, after: int, start: str, limit: int) -> Difference:
        low, high = sorted((before, after))
        head = await self._repository.head()
        if high > (0 if head is None else head["revision"]):
            raise RevisionUnknown(f"there is no revision {high}")
        added, changed, removed = await self._repository.count_differing(low, high)
        rows = await self._repository.differing(low, high, start, limit)
        pairs = [Pair(row["rule_id"], row["before"], row["after"]) for row in rows]
        if before <= after:
            return Difference(Counts(added, changed, removed), pairs)
        turned = [Pair(pair.rule_id, pair.after, pair.before) for pair in pairs]
        return Difference(Counts(removed, changed, added), turned)

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Versions:
        newest = await self._repository.touched(rule_id)
        if newest is None:
            raise RevisionUnknown("no revision has a rule with this id")
        rows = await self._repository.versions(rule_id, before, limit)
        items = [
            Version(row["revision"], row["author"], row["created_at"], row["reason"], row["body"])
            for row in rows
        ]
        return Versions(newest, items)

    async def roll_back(self, number: int, seen: Seen, reason: str) -> RolledBack:
        head = await self._repository.lock_head()
        seen.check(head["revision"], "the policy")
        await self.revision(number)
        now = {row["id"]: service.authored(row["body"]) for row in await self._repository.all()}
        then = await self._then(number)
        going = await asyncio.to_thread(revisions.going, now, then)
        revision = await self._go(head["revision"], going, revisions.why(number, reason))
        told: dict[str, Json] = {
            "to": number,
            "revision": revision,
            **going.counts._asdict(),
            "ids": [each.rule_id for each in going.changes[:AUDITED_IDS_MAX]],
        }
        await self._session.record(ROLL_BACK, "policies", after=told, reason=reason)
        await self._announce(events.RESTORED, "policies", revisions.restored(number))
        return RolledBack(revision, going)

    async def roll_back_rule(
        self, rule_id: str, number: int, seen: Seen, reason: str
    ) -> RolledBack:
        head = await self._repository.lock_head()
        touched = await self._repository.touched(rule_id)
        if touched is None:
            raise RevisionUnknown("no revision has a rule with this id")
        seen.check(touched, f"rule {rule_id}")
        await self.revision(number)
        rows = await self._repository.named([rule_id])
        now = {row["id"]: service.authored(row["body"]) for row in rows}
        then = await self._then(number, rule_id)
        going = revisions.going(now, then)
        if not now:
            await service.check_room(self._repository, 1)
        revision = await self._go(head["revision"], going, revisions.why(number, reason))
        told: dict[str, Json] = {"to": number, "revision": revision, "rule": then.get(rule_id)}
        before = now.get(rule_id)
        await self._session.record(ROLL_BACK, rule_id, before=before, after=told, reason=reason)
        (change,) = going.changes
        await self._announce(_EVENTS[change.change], rule_id, rule_id)
        return RolledBack(revision, going)

    async def _then(self, number: int, rule_id: str | None = None) -> Mapping[str, Body]:
        """The rules, or the one, as the revision left them."""
        rows = await self._repository.standing(number, rule_id)
        return {row["rule_id"]: row["body"] for row in rows}

    async def _go(self, head: int, going: Going, why: str) -> int:
        await asyncio.to_thread(service.check, self._session, going.rules)
        revision, author = head + 1, self._session.actor.id
        await self._repository.begin_revision(revision, author, why)
        bodies = service.texts(going.rules, revision)
        await self._repository.put(revision, author, bodies)
        await self._repository.remove(revision, going.removed)
        return revision

    async def _announce(self, kind: str, subject: str, told: object) -> None:
        await self._session.announce(kind, subject, events.event(kind, told))


def _revision(row: RowMapping) -> Revision:
    counts = Counts(row["added"], row["changed"], row["removed"])
    return Revision(row["revision"], row["author"], row["created_at"], row["reason"], counts)
