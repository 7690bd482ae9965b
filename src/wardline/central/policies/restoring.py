"""The partner's rules as backups ask for them: whole, of one revision, and swapped in one go."""

import asyncio
from collections.abc import Mapping, Sequence

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.policies import service
from wardline.central.policies.repository import Repository
from wardline.core import canonical, clock
from wardline.core.canonical import Json
from wardline.core.policy.rule import Rule
from wardline.formats.policy_file import RevisionRow, Rows
from wardline.formats.policy_schema import RuleRow
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

    async def rows(self, *, hold: bool = False) -> Rows:
        if hold:
            await self._repository.lock_head()
        found = await self._repository.whole()
        if not found:
            return Rows.of(EPOCH_FIRST, 0, (), ())
        held = [row for row in found if row["id"] is not None]
        head: int = found[0]["head"]
        numbers = {head, *(row["revision"] for row in held)}
        revisions = await self._repository.revisions(sorted(numbers))
        return await asyncio.to_thread(
            lambda: Rows.of(
                found[0]["epoch"],
                head,
                [_revision(row) for row in revisions],
                [_rule(row) for row in held],
            )
        )

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
        await self._repository.put(revision, self._session.actor.id, canonical.texts(bodies))
        await self._repository.remove(revision, removed)
        after = {**told, "revision": revision, "written": len(bodies), "removed": len(removed)}
        await self._session.record(RESTORE, restored, after=after, reason=reason)
        kind = events.RESTORED
        await self._session.announce(kind, "policies", events.event(kind, restored))
        return revision

    async def record(self, action: str, file: str, told: Mapping[str, Json]) -> None:
        await self._session.record(f"policy.backup.{action}", file, after=told)


def _rule(row: RowMapping) -> RuleRow:
    return (
        row["id"],
        canonical.dumps(service.authored(row["body"])).decode(),
        row["revision"],
        row["created_by"],
        clock.wire(row["created_at"]),
        row["updated_by"],
        clock.wire(row["updated_at"]),
    )


def _revision(row: RowMapping) -> RevisionRow:
    return row["revision"], row["author"], row["reason"], clock.wire(row["created_at"])


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
