"""The policy file as one server process has it open: its threads, and its rules as an index.

Other processes may serve the same file. Whoever commits, everybody sees: this process its own
writes before they are answered, those of others as soon as it looks again (`WATCH_SECONDS`).
"""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from wardline.core import canonical
from wardline.core.errors import Malformed, WardlineError
from wardline.core.policy import columns, compiled, parse
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.rule import Policy, Rule, Stamp
from wardline.policy.file import rows
from wardline.policy.file.database import Database, FileUnusable, T, Work
from wardline.policy.file.rows import Writing
from wardline.policy.live.log import Change, Head, Position
from wardline.policy.store import RuleInvalid

WATCH_SECONDS = 0.05
RETRY_SECONDS = 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What a transaction of this process has put in force, and taken out of it."""

    writing: Writing
    epoch: int
    rules: Sequence[Rule] = ()
    removed: Sequence[str] = ()

    def stamped(self) -> list[Rule]:
        """With the revision alone, because approvals are bound to it."""
        stamp = Stamp(revision=self.writing.revision)
        return [rule.stamped(stamp) for rule in self.rules]


class Book:
    """Open until `close`. `changed` is called in the event loop after every commit that anybody
    made; raises FileUnusable, NotAPolicyFile when it is made."""

    def __init__(self, path: Path) -> None:
        self.database = Database(path)
        self.changed: Callable[[], None] = lambda: None
        # A writer holds it from before others can see what it commits: nobody but the writer
        # takes up its rules, which it has, while they would have to read them.
        self._lock = threading.RLock()
        self._index = compiled.build(Policy((), 0, 1))
        try:
            self._refresh()
        except BaseException:
            self.database.abandon()
            raise

    @property
    def index(self) -> Compiled:
        """The rules of one whole revision; swapped, never changed."""
        return self._index

    async def write(self, work: Callable[[sqlite3.Connection], tuple[T, Written | None]]) -> T:
        """Does `work` in one transaction; what it wrote is in force and told when this returns."""

        def take_up(done: tuple[T, Written | None]) -> None:
            _, written = done
            if written is not None:
                self._adopt(written)

        result, written = await self.database.write(work, take_up, self._lock)
        if written is not None:
            self.changed()
        return result

    async def read(self, work: Work[T]) -> T:
        """Does `work` on one committed state."""
        return await self.database.read(work)

    async def watch(self) -> None:
        """Looks for what other processes commit, until it is cancelled."""
        known = await self.database.version()
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            try:
                found = await self.database.version()
                if found == known:
                    continue
                await asyncio.to_thread(self._refresh)
            except WardlineError as error:
                _log.warning("the policy file cannot be looked at, trying again: %s", error)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                known = found
                self.changed()

    async def close(self) -> None:
        await self.database.close()

    def _adopt(self, written: Written) -> None:
        """Takes up what this process has written, if nothing came in between."""
        with self._lock:
            held = self._index
            if (held.epoch, held.revision) == (written.epoch, written.writing.revision - 1):
                self._index = held.with_rules(
                    written.stamped(),
                    written.removed,
                    revision=written.writing.revision,
                    epoch=held.epoch,
                )
                return
        self._refresh()

    def _refresh(self) -> None:
        """Takes up whatever is in force now; the lock keeps an older state from coming later."""
        with self._lock:
            self._index = self.database.peek(self._refreshed)

    def _refreshed(self, connection: sqlite3.Connection) -> Compiled:
        held, now = self._index, rows.stand(connection)
        if (held.epoch, held.revision) == (now.epoch, now.revision):
            return held
        if held.epoch == now.epoch and 0 < held.revision < now.revision:
            news = [
                (rule_id, body)
                for rule_id, body, *_ in rows.changed(connection, held.revision, now.revision)
            ]
            revisions = rows.held(connection, [rule_id for rule_id, _ in news])
            changed = _parsed(
                (rule_id, body, revisions[rule_id]) for rule_id, body in news if body is not None
            )
            removed = [rule_id for rule_id, body in news if body is None]
            return held.with_rules(changed, removed, revision=now.revision, epoch=now.epoch)
        whole = _parsed(row[:3] for row in rows.all_rules(connection))
        return compiled.build(Policy(tuple(whole), now.revision, now.epoch))


class FileLog:
    """The change log of a policy file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def head(self) -> Head:
        return await self._database.read(rows.log_head)

    async def find(self, change_id: int) -> Position | None:
        return await self._database.read(lambda each: rows.find_change(each, change_id))

    async def read(self, after: Position, limit: int) -> list[Change]:
        return await self._database.read(lambda each: rows.changes(each, after, limit))


def _parsed(held: Iterable[tuple[str, str, int]]) -> list[Rule]:
    """Rules from id, body and revision; raises FileUnusable."""
    ids, bodies, revisions = [], [], []
    for rule_id, body, revision in held:
        with _told_of(rule_id):
            bodies.append(canonical.loads(body.encode(), bytes_max=parse.RULE_BYTES_MAX))
        ids.append(rule_id)
        revisions.append(revision)
    made = columns.rules(bodies)
    if made is None:
        made = []
        for rule_id, value in zip(ids, bodies, strict=True):
            with _told_of(rule_id):
                made.append(parse.rule(value))
    stamps = {revision: Stamp(revision=revision) for revision in revisions}
    return [rule.stamped(stamps[each]) for rule, each in zip(made, revisions, strict=True)]


@contextmanager
def _told_of(rule_id: str) -> Iterator[None]:
    try:
        yield
    except (RuleInvalid, Malformed) as error:
        raise FileUnusable(
            f"rule {rule_id[:64]} of the policy file is not valid: {error}; restore a backup"
        ) from None
