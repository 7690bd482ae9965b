"""The history of a policy file's rules as the policy manager asks for it."""

import asyncio
import sqlite3
from collections.abc import Collection

import orjson

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy.diff import Body, Change
from wardline.core.policy.rule import Rule
from wardline.policy import admission, events
from wardline.policy.file import history, rows
from wardline.policy.file.book import Book, Written
from wardline.policy.file.history import Row
from wardline.policy.file.store import ALL_RULES, Terms, check_room
from wardline.policy.revisions import store as revisions
from wardline.policy.revisions.store import (
    Counts,
    Difference,
    Going,
    History,
    Pair,
    Revision,
    RevisionNotKept,
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


class FileHistory:
    """A RevisionStore over a policy file; `author` is who asks."""

    __slots__ = ("_author", "_book", "_terms")

    def __init__(self, book: Book, terms: Terms, author: str) -> None:
        self._book = book
        self._terms = terms
        self._author = author

    async def history(self, before: int | None, limit: int) -> History:
        def work(connection: sqlite3.Connection) -> History:
            found = history.revisions(connection, before, limit)
            return History(rows.stand(connection).revision, [_revision(row) for row in found])

        return await self._book.read(work)

    async def revision(self, number: int) -> Revision:
        return await self._book.read(lambda each: _known(each, number))

    async def rules(self, number: int) -> list[Rule]:
        def work(connection: sqlite3.Connection) -> dict[str, str]:
            _check_kept(connection, number)
            return history.standing(connection, number)

        texts = await self._book.read(work)
        return await asyncio.to_thread(lambda: revisions.read(_bodies(texts, texts.keys())))

    async def difference(self, before: int, after: int, start: str, limit: int) -> Difference:
        def work(connection: sqlite3.Connection) -> Difference:
            for number in {before, after}:
                _check_kept(connection, number)
            low, high = sorted((before, after))
            added, changed, removed = history.count_differing(connection, low, high)
            found = history.differing(connection, low, high, start, limit)
            pairs = [Pair(rule_id, _body(old), _body(new)) for rule_id, old, new in found]
            if before <= after:
                return Difference(Counts(added, changed, removed), pairs)
            turned = [Pair(pair.rule_id, pair.after, pair.before) for pair in pairs]
            return Difference(Counts(removed, changed, added), turned)

        return await self._book.read(work)

    async def versions(self, rule_id: str, before: int | None, limit: int) -> Versions:
        def work(connection: sqlite3.Connection) -> Versions:
            newest = _touched(connection, rule_id)
            found = history.versions(connection, rule_id, before, limit)
            return Versions(newest, [_version(row) for row in found])

        return await self._book.read(work)

    async def roll_back(self, number: int, seen: Seen, reason: str) -> RolledBack:
        def work(connection: sqlite3.Connection) -> tuple[RolledBack, Written]:
            seen.check(rows.stand(connection).revision, "the policy")
            _check_kept(connection, number)
            now = {rule_id: body for rule_id, body, *_ in rows.all_rules(connection)}
            then = history.standing(connection, number)
            going = _going(now, then)
            written = self._go(connection, going, revisions.why(number, reason))
            told: dict[str, Json] = {
                **going.counts._asdict(),
                "ids": [each.rule_id for each in going.changes[:AUDITED_IDS_MAX]],
            }
            self._record(connection, written, ALL_RULES, number, reason, told)
            told_from = revisions.restored(number)
            rows.announce(connection, written.writing, events.RESTORED, ALL_RULES, told_from)
            return RolledBack(written.writing.revision, going), written

        return await self._book.write(work)

    async def roll_back_rule(
        self, rule_id: str, number: int, seen: Seen, reason: str
    ) -> RolledBack:
        def work(connection: sqlite3.Connection) -> tuple[RolledBack, Written]:
            seen.check(_touched(connection, rule_id), f"rule {rule_id}")
            _check_kept(connection, number)
            top = rows.stand(connection).revision
            now = history.standing(connection, top, rule_id)
            then = history.standing(connection, number, rule_id)
            going = _going(now, then)
            check_room(connection, 0 if now else 1)
            written = self._go(connection, going, revisions.why(number, reason))
            told: dict[str, Json] = {
                "before": _body(now.get(rule_id)),
                "after": _body(then.get(rule_id)),
            }
            self._record(connection, written, rule_id, number, reason, told)
            (change,) = going.changes
            rows.announce(connection, written.writing, _EVENTS[change.change], rule_id, rule_id)
            return RolledBack(written.writing.revision, going), written

        return await self._book.write(work)

    def _go(self, connection: sqlite3.Connection, going: Going, why: str) -> Written:
        admission.check_all(going.rules, actions=self._terms.actions, partner=None)
        writing = rows.begin(connection, self._author, self._terms.now(), why)
        rows.put(connection, writing, going.rules)
        rows.remove(connection, writing, going.removed)
        return Written(writing, rows.stand(connection).epoch, going.rules, going.removed)

    def _record(
        self,
        connection: sqlite3.Connection,
        written: Written,
        subject: str,
        number: int,
        reason: str,
        told: dict[str, Json],
    ) -> None:
        details = {"to": number, "revision": written.writing.revision, "reason": reason, **told}
        rows.record(connection, self._author, written.writing.at, ROLL_BACK, subject, details)


def _known(connection: sqlite3.Connection, number: int) -> Revision:
    found = history.revisions(connection, number + 1, 1)
    if found and found[0][0] == number:
        return _revision(found[0])
    if number < history.since(connection):
        raise _not_kept(connection, number)
    raise RevisionUnknown(f"there is no revision {number}")


def _check_kept(connection: sqlite3.Connection, number: int) -> None:
    """Whether the rules of a revision are known; raises RevisionUnknown, RevisionNotKept."""
    if number < history.since(connection):
        raise _not_kept(connection, number)
    if number > rows.stand(connection).revision:
        raise RevisionUnknown(f"there is no revision {number}")


def _not_kept(connection: sqlite3.Connection, number: int) -> RevisionNotKept:
    return RevisionNotKept(
        f"revision {number}: this file's history begins with revision {history.since(connection)};"
        " a backup of that time may have it"
    )


def _touched(connection: sqlite3.Connection, rule_id: str) -> int:
    found = history.touched(connection, rule_id)
    if found is None:
        raise RevisionUnknown("no revision has a rule with this id")
    return found


def _going(now: dict[str, str], then: dict[str, str]) -> Going:
    """Only what is another text is read."""
    differing = {rule for rule in now.keys() | then.keys() if now.get(rule) != then.get(rule)}
    return revisions.going(_bodies(now, differing), _bodies(then, differing))


def _bodies(texts: dict[str, str], rule_ids: Collection[str]) -> dict[str, Body]:
    return {rule: orjson.loads(body) for rule, body in texts.items() if rule in rule_ids}


def _body(text: str | None) -> Body | None:
    body: Body | None = None if text is None else orjson.loads(text)
    return body


def _revision(row: Row) -> Revision:
    number, author, at, reason, is_counted, *counts = row
    return Revision(
        number, author, clock.parse(at), reason, Counts(*counts) if is_counted else None
    )


def _version(row: Row) -> Version:
    number, author, at, reason, body = row
    return Version(number, author, clock.parse(at), reason, _body(body))
