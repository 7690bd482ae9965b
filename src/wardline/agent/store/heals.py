"""Every verified heal: what the flap rule counts, and by which clock each is watched."""

from datetime import datetime, timedelta

from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import undo, watching
from wardline.core.incidents.incident import Incident
from wardline.core.incidents.ladder import Healed

# Three heals that a cooldown of four months keeps apart are a flap still.
KEPT = timedelta(days=400)
WATCHES_MAX = 10_000


def keep(tx: Transaction, incident: Incident) -> None:
    """The last heal of an incident, with how its watch ended once it has; that is written once, but
    that a person has had its run undone."""
    watch = incident.watch
    if watch is None:
        return
    run_id = undo.run_of(incident.decision) if incident.watched else None
    tx.execute(
        "INSERT INTO heals (incident_id, number, site_id, host_id, incident_type, runbook_id,"
        " run_id, healed_at, ended, ended_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT(incident_id, number) DO UPDATE SET ended = excluded.ended,"
        " ended_at = excluded.ended_at WHERE ended IS NULL OR excluded.ended = 'undone'",
        (
            *(incident.id, watch.number, incident.site_id, incident.host_id, incident.check),
            *(watch.runbook_id, run_id, clock.wire(watch.healed_at)),
            *(watch.ended, clock.wire(watch.ended_at) if watch.ended_at else None),
        ),
    )


def undone(tx: Transaction, run_id: str, at: datetime) -> None:
    """A person has had the run undone that healed, be it in an incident that is over."""
    tx.execute(
        "UPDATE heals SET ended = 'undone', ended_at = ? WHERE run_id = ?"
        " AND (ended IS NULL OR ended = 'stable')",
        (clock.wire(at), run_id),
    )


def of_incident(tx: Transaction, incident_id: str) -> list[dict[str, object]]:
    """The heals of an incident that are kept, the last first, as they are shown."""
    rows = tx.rows(
        "SELECT number, runbook_id, healed_at, ended, ended_at FROM heals WHERE incident_id = ?"
        " ORDER BY number DESC",
        (incident_id,),
    )
    return [dict(row) for row in rows]


def begin_watch(tx: Transaction, incident_id: str, moment: Moment) -> None:
    """From this moment of this boot on the heal is watched."""
    tx.execute(
        "UPDATE incidents SET watched_from_ms = ?, watched_boot_id = ? WHERE id = ?",
        (moment.monotonic_ms, moment.boot_id, incident_id),
    )


def passed(tx: Transaction, incident_id: str, moment: Moment) -> timedelta | None:
    """The time since its last heal by the clock that nobody sets; None after a reboot."""
    row = tx.row(
        "SELECT watched_from_ms, watched_boot_id FROM incidents WHERE id = ?", (incident_id,)
    )
    return None if row is None else _passed(row, moment)


def watched(tx: Transaction, moment: Moment) -> dict[tuple[str, str], timedelta]:
    """How much is left of every watch, by host and check; not positive where it is over and the
    measurement that ends it is still to come."""
    rows = tx.rows(
        "SELECT host_id, incident_type, closed_at, watched_until, watched_from_ms, watched_boot_id"
        " FROM incidents WHERE watched_until IS NOT NULL ORDER BY id LIMIT ?",
        (WATCHES_MAX,),
    )
    return {
        (row["host_id"], row["incident_type"]): watching.left(
            *(clock.parse(row["closed_at"]), clock.parse(row["watched_until"])),
            *(moment.at, _passed(row, moment)),
        )
        for row in rows
    }


def _passed(row: Row, moment: Moment) -> timedelta | None:
    same_boot = bool(moment.boot_id) and row["watched_boot_id"] == moment.boot_id
    if not same_boot or row["watched_from_ms"] > moment.monotonic_ms:
        return None
    return timedelta(milliseconds=moment.monotonic_ms - row["watched_from_ms"])


def last(tx: Transaction, incident: Incident, runbook_id: str, count: int) -> list[Healed]:
    """The last `count` verified heals of this drift by this runbook, the newest first, since its
    last hold was cleared: what a person has looked at does not count against it again."""
    drift = (incident.site_id, incident.host_id, incident.check, runbook_id)
    rows = tx.rows(
        "SELECT healed_at, ended, ended_at, (SELECT min(i.created_at) FROM incidents i"
        "  WHERE i.site_id = h.site_id AND i.host_id = h.host_id"
        "  AND i.incident_type = h.incident_type AND i.created_at > h.healed_at) AS opened_at"
        " FROM heals h WHERE site_id = ? AND host_id = ? AND incident_type = ?"
        " AND runbook_id = ? AND healed_at > coalesce("
        "(SELECT max(cleared_at) FROM flap_suppressions WHERE site_id = ? AND host_id = ?"
        " AND incident_type = ? AND runbook_id = ?), '') ORDER BY healed_at DESC LIMIT ?",
        (*drift, *drift, count),
    )
    return [Healed(clock.parse(row["healed_at"]), _back(row)) for row in rows]


def _back(row: Row) -> datetime | None:
    """When the drift was there again: within the watch, or as an incident of its own."""
    recurred = row["ended_at"] if row["ended"] == WatchEnd.RECURRED.value else row["opened_at"]
    return clock.parse(recurred) if recurred else None


def prune(tx: Transaction, now: datetime) -> None:
    """Heals from so long ago that they say nothing any more, unless they are watched still."""
    tx.execute(
        "DELETE FROM heals WHERE healed_at < ? AND incident_id NOT IN"
        " (SELECT id FROM incidents WHERE watched_until IS NOT NULL)",
        (clock.wire(now - KEPT),),
    )
