"""The circuit breaker of each drift, as it opened last: no restart and no clock changes it."""

from datetime import datetime, timedelta

from wardline.agent.store import attempts
from wardline.agent.store.backoff import Moment
from wardline.agent.store.database import Row, Transaction
from wardline.core import clock
from wardline.core.incidents import breaker
from wardline.core.incidents.breaker import Breaker
from wardline.core.incidents.incident import Incident


def look(
    tx: Transaction, one: Breaker, incident: Incident, interval_s: float, moment: Moment
) -> None:
    """Open it if the run that was just started is one too many; in the transaction that reserved
    it, so that the run that would be the next finds it open."""
    row = _row(tx, incident)
    since = moment.at - one.window(interval_s)
    if row is not None:
        since = max(since, clock.parse(row["opened_at"]))
    if not one.opens(attempts.started(tx, incident, since), moment.at, interval_s):
        return
    tx.execute(
        "INSERT INTO breakers (site_id, host_id, incident_type, opened_at, until, opened_ms,"
        " boot_id) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(site_id, host_id, incident_type)"
        " DO UPDATE SET opened_at = excluded.opened_at, until = excluded.until,"
        " opened_ms = excluded.opened_ms, boot_id = excluded.boot_id",
        (
            *(incident.site_id, incident.host_id, incident.check),
            *(clock.wire(moment.at), clock.wire(moment.at + one.open)),
            *(moment.monotonic_ms, moment.boot_id),
        ),
    )


def open_until(tx: Transaction, incident: Incident, moment: Moment) -> datetime | None:
    """Until when it is open by this clock; None while it is closed."""
    row = _row(tx, incident)
    if row is None:
        return None
    opened_at, until = clock.parse(row["opened_at"]), clock.parse(row["until"])
    left = breaker.left(opened_at, until, moment.at, _passed(row, moment))
    return moment.at + left if left > timedelta(0) else None


def _row(tx: Transaction, incident: Incident) -> Row | None:
    return tx.row(
        "SELECT * FROM breakers WHERE site_id = ? AND host_id = ? AND incident_type = ?",
        (incident.site_id, incident.host_id, incident.check),
    )


def _passed(row: Row, moment: Moment) -> timedelta | None:
    same_boot = bool(moment.boot_id) and row["boot_id"] == moment.boot_id
    if not same_boot or row["opened_ms"] > moment.monotonic_ms:
        return None
    return timedelta(milliseconds=moment.monotonic_ms - row["opened_ms"])
