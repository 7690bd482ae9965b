"""The rules of a policy file as backups ask for them: whole, of one revision, swapped in one go."""

import sqlite3
from collections.abc import Mapping, Sequence

from wardline.core.canonical import Json
from wardline.core.policy.rule import Rule
from wardline.formats import policy_schema
from wardline.formats.policy_file import Rows
from wardline.policy import admission, events
from wardline.policy.backups.service import Overtaken
from wardline.policy.file import rows
from wardline.policy.file.book import Book, Written
from wardline.policy.file.store import ALL_RULES, Terms

RESTORE = "policy.backup.restore"


class FileRules:
    """A BackupStore over a policy file; `author` is who asks.

    Nobody can be made to wait across a request here: a restore that was overtaken begins anew.
    """

    __slots__ = ("_author", "_book", "_terms")

    def __init__(self, book: Book, terms: Terms, author: str) -> None:
        self._book = book
        self._terms = terms
        self._author = author

    async def rows(self, *, hold: bool = False) -> Rows:
        return await self._book.read(_rows)

    def check(self, rules: Sequence[Rule]) -> None:
        admission.check_all(rules, actions=self._terms.actions, partner=None)

    async def replace(
        self,
        rules: Sequence[Rule],
        *,
        over: int,
        restored: str,
        reason: str,
        told: Mapping[str, Json],
    ) -> int:
        def work(connection: sqlite3.Connection) -> tuple[int, Written]:
            stand = rows.stand(connection)
            if stand.revision != over:
                raise Overtaken(f"the policy is in revision {stand.revision} by now, not in {over}")
            changed, removed = _difference(connection, rules)
            writing = rows.begin(connection, self._author, self._terms.now(), reason)
            rows.put(connection, writing, changed)
            rows.remove(connection, writing, removed)
            rows.announce(connection, writing, events.RESTORED, ALL_RULES, restored)
            details = {
                **told,
                "reason": reason,
                "revision": writing.revision,
                "written": len(changed),
                "removed": len(removed),
            }
            rows.record(connection, self._author, writing.at, RESTORE, restored, details)
            return writing.revision, Written(writing, stand.epoch, changed, removed)

        return await self._book.write(work)

    async def record(self, action: str, file: str, told: Mapping[str, Json]) -> None:
        at, name = self._terms.now(), f"policy.backup.{action}"

        def work(connection: sqlite3.Connection) -> tuple[None, None]:
            rows.record(connection, self._author, at, name, file, told)
            return None, None

        await self._book.write(work)


def _rows(connection: sqlite3.Connection) -> Rows:
    stand = rows.stand(connection)
    return Rows.of(
        stand.epoch, stand.revision, rows.revisions(connection), rows.all_rules(connection)
    )


def _difference(
    connection: sqlite3.Connection, rules: Sequence[Rule]
) -> tuple[list[Rule], list[str]]:
    """The rules to write, new or other than now, and the ids of those that go."""
    now = {rule_id: body for rule_id, body, *_ in rows.all_rules(connection)}
    changed = [rule for rule in rules if now.get(rule.id) != policy_schema.body(rule)]
    kept = {rule.id for rule in rules}
    return changed, [rule_id for rule_id in now if rule_id not in kept]
