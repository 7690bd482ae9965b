"""What the three loops write through: the database, the appliance's stream and its clock."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from wardline import __version__
from wardline.agent.scrub.scrubber import Scrubber
from wardline.agent.store import alarms, facts, outbox
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Database, StoreFull, Transaction
from wardline.agent.store.keys import Keyring
from wardline.agent.store.outbox import Author, Draft, Queued
from wardline.core import clock
from wardline.core.evidence import origin
from wardline.core.evidence.bundle import Kind

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
GAP_REASON = "no room for new evidence"


def monotonic_ms() -> int:
    """Milliseconds of the clock that nobody sets; it begins anew with every boot."""
    return time.monotonic_ns() // 1_000_000


class Ledger:
    """Seals drafts for one appliance of one site."""

    def __init__(
        self,
        database: Database,
        keyring: Keyring,
        site_id: str,
        appliance_id: str,
        now: clock.Now,
        monotonic_ms: Callable[[], int] = monotonic_ms,
    ) -> None:
        self.database = database
        self.keyring = keyring
        self.site_id = site_id
        self.appliance_id = appliance_id
        self.now = now
        self._monotonic_ms = monotonic_ms
        self._boot_id = boot_id()
        self._author = Author(site_id, appliance_id, __version__, keyring.evidence())

    @property
    def scrubber(self) -> Scrubber:
        return self.database.scrubber

    def transaction(self) -> AbstractContextManager[Transaction]:
        return self.database.transaction()

    def reading(self) -> AbstractContextManager[Transaction]:
        return self.database.reading()

    def seal(self, tx: Transaction, draft: Draft, prev: str | None = None) -> Queued:
        """The draft as the next bundle, in the caller's transaction, with the rows it is about."""
        moment = self.moment()
        offset = facts.get(tx, facts.Name.CLOCK_OFFSET_MS)
        stamp = origin.Clock(
            source="system",
            offset_ms=None if offset is None else int(offset),
            monotonic_ms=moment.monotonic_ms,
            boot_id=moment.boot_id,
        )
        return outbox.append(tx, self._author, draft, moment.at, stamp, prev)

    def moment(self) -> Moment:
        return Moment(self.now(), self._monotonic_ms(), self._boot_id)

    def require_room(self) -> None:
        """Raise StoreFull while new evidence has no room; acknowledged bundles go first."""
        if not self.database.has_room():
            with self.transaction() as tx:
                outbox.prune(tx, self.now(), pressed=True)
        if not self.database.has_room():
            raise StoreFull(
                f"{self.database.path}: {self.database.bytes_used()} of"
                f" {self.database.bytes_max} bytes are taken, or the disk is full; checks rest"
                " until Central has taken evidence or there is room. Nothing unsent was dropped"
            )
        self._end_gap()

    def begin_gap(self, detail: str) -> bool:
        """Stop behind one signed record that says since when; False where not even that has room.

        What was kept in reserve for this day is given to the disk first.
        """
        try:
            with self.reading() as tx:
                if facts.get(tx, facts.Name.GAP_SINCE) is not None:
                    return True
            self.database.drop_ballast()
            since = self.now()
            note = {"reason": GAP_REASON, "since": clock.wire(since)}
            with self.transaction() as tx:
                facts.put(tx, facts.Name.GAP_SINCE, clock.wire(since))
                alarms.sound(tx, alarms.Code.STORE_FULL, "agent.db", detail, since)
                self.seal(tx, Draft(Kind.GAP, None, note=note))
        except StoreFull:
            return False
        return True

    def _end_gap(self) -> None:
        with self.reading() as tx:
            since = facts.get(tx, facts.Name.GAP_SINCE)
        if since is None:
            return
        until = self.now()
        note = {"reason": GAP_REASON, "since": since, "until": clock.wire(until)}
        with self.transaction() as tx:
            facts.drop(tx, facts.Name.GAP_SINCE)
            alarms.over(tx, alarms.Code.STORE_FULL, "agent.db", until)
            self.seal(tx, Draft(Kind.GAP, None, note=note))


def boot_id() -> str:
    """The kernel's name for this boot; empty where it has none."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""
