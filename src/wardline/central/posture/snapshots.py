"""Snapshots of every site's posture: one when it changed, and one an hour."""

from datetime import timedelta
from typing import Any

from sqlalchemy import RowMapping
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database import change_log
from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.central.posture import repository
from wardline.central.posture.repository import Changed
from wardline.core.clock import Now
from wardline.core.incidents import in_force
from wardline.policy.live.log import Head

LOOK_INTERVAL_S = 60.0
# A site whose posture stays as it is gets a snapshot this often all the same.
SNAPSHOT_INTERVAL_S = 3600.0
SITES_PER_PAGE = 500
TAKEN = "posture.snapshot"

_MEASURED = (
    "flake_hash",
    "patching_status",
    "backup_status",
    "encryption_status",
    "passed",
    "failed",
    "unknown",
    "not_applicable",
    "measured_hosts",
    "hosts",
    "accepted",
)


class Snapshots:
    """Remembers how far it has read the change log; one per installation."""

    def __init__(
        self, engine: AsyncEngine, now: Now, interval_s: float = SNAPSHOT_INTERVAL_S
    ) -> None:
        self._engine = engine
        self._now = now
        self._interval = timedelta(seconds=interval_s)
        self._seen: Head | None = None

    async def take(self) -> int:
        """A snapshot of each site that changed since its last one, or whose last one is old: how
        many. The first round looks at every site."""
        async with self._open() as session:
            head = await change_log.head(session)
            changed = await self._changed(session, head)
        taken, after = 0, ""
        while True:
            async with self._open() as session:
                stale_at = session.now - self._interval
                rows = await repository.due(session, changed, stale_at, after, SITES_PER_PAGE)
                taken += await self._add(session, rows)
            if len(rows) < SITES_PER_PAGE:
                break
            after = rows[-1]["site_id"]
        self._seen = head
        return taken

    async def _changed(self, session: Session, head: Head) -> Changed:
        seen = self._seen
        if seen is None or seen.epoch != head.epoch or head.newest < seen.newest:
            return Changed(every=True)
        places = await change_log.places(session, seen.newest, head.newest, but=TAKEN)
        return Changed(
            every=False,
            # What names no site, such as a rule, concerns all of the partner's.
            partners=[partner for partner, site in places if site is None],
            sites=[site for _, site in places if site is not None],
        )

    async def _add(self, session: Session, rows: list[RowMapping]) -> int:
        snapshots = [new for row in rows if (new := self._snapshot(session, row)) is not None]
        return await repository.add_snapshots(session, snapshots, TAKEN) if snapshots else 0

    def _snapshot(self, session: Session, row: RowMapping) -> dict[str, Any] | None:
        """None where the last one says the same and is not old yet."""
        digest = in_force.digest(row["epoch"], row["revision"], row["settings_revision"])
        new = {name: row[name] for name in _MEASURED if name != "flake_hash"}
        new |= {"flake_hash": digest}
        last_at = row["last_snapshot_at"]
        same = all(new[name] == row[f"last_{name}"] for name in _MEASURED)
        if last_at is not None and same and session.now - last_at < self._interval:
            return None
        return {"site_id": row["site_id"], "partner_id": row["partner_id"], **new}

    def _open(self) -> Any:
        return open_session(self._engine, Scope.system(), ACTOR, now=self._now)
