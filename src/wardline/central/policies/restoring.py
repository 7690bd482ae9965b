"""The partner's rules as backups ask for them: whole, of one revision, and swapped in one go."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.policies import service
from wardline.central.policies.repository import Repository
from wardline.core.canonical import Json
from wardline.core.policy import parse
from wardline.core.policy.rule import Rule, Stamp
from wardline.formats.policy_file import Contents, Revision
from wardline.policy import events
from wardline.policy.backups.service import Overtaken

EPOCH_FIRST = 1
RESTORE = "policy.backup.restore"


class PartnerRules:
    """A BackupStore over PostgreSQL; the session's transaction is that of the swap."""

    __slots__ = ("_repository", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._repository = Repository(session)

    async def contents(self, *, hold: bool = False) -> Contents:
        if hold:
            await self._repository.lock_head()
        rows = await self._repository.whole()
        if not rows:
            return Contents(EPOCH_FIRST, 0, (), ())
        held = [row for row in rows if row["id"] is not None]
        head: int = rows[0]["head"]
        numbers = {head, *(row["revision"] for row in held)}
        revisions = await self._repository.revisions(sorted(numbers))
        rules = await asyncio.to_thread(_rules, held)
        return Contents(rows[0]["epoch"], head, rules, tuple(_revision(each) for each in revisions))

    def check(self, rules: Sequence[Rule]) -> None:
        service.check(self._session, rules)

    async def replace(
        self,
        rules: Sequence[Rule],
        *,
        over: int,
        restored: str,
        reason: str,
        told: Mapping[str, Json],
    ) -> int:
        head = await self._repository.lock_head()
        if head["revision"] != over:
            raise Overtaken(f"the policy is in revision {head['revision']} by now, not in {over}")
        before = {row["id"]: row["body"] for row in await self._repository.all()}
        revision = over + 1
        bodies, removed = await asyncio.to_thread(_difference, before, rules, revision)
        await self._repository.begin_revision(revision, self._session.actor.id, reason)
        await self._repository.put(revision, self._session.actor.id, bodies)
        await self._repository.remove(revision, removed)
        after = {**told, "revision": revision, "written": len(bodies), "removed": len(removed)}
        await self._session.record(RESTORE, restored, after=after, reason=reason)
        kind = events.RESTORED
        await self._session.announce(kind, "policies", events.event(kind, restored))
        return revision

    async def record(self, action: str, file: str, told: Mapping[str, Json]) -> None:
        await self._session.record(f"policy.backup.{action}", file, after=told)


def _rules(rows: Sequence[RowMapping]) -> tuple[Rule, ...]:
    return tuple(
        replace(
            parse.rule(row["body"]),
            stamp=Stamp(
                row["revision"],
                row["created_by"],
                row["created_at"],
                row["updated_by"],
                row["updated_at"],
            ),
        )
        for row in rows
    )


def _revision(row: RowMapping) -> Revision:
    return Revision(row["revision"], row["author"], row["created_at"], row["reason"])


def _difference(
    before: Mapping[str, dict[str, Json]], rules: Sequence[Rule], revision: int
) -> tuple[list[dict[str, Json]], list[str]]:
    """The bodies to write, new or other than now, and the ids of the rules that go."""
    bodies = []
    for rule in rules:
        body = service.stored(rule, revision)
        now = before.get(rule.id)
        if now is None or now | {"revision": revision} != body:
            bodies.append(body)
    kept = {rule.id for rule in rules}
    return bodies, [rule_id for rule_id in before if rule_id not in kept]
