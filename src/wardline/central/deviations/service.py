"""Accepting a failing state on hosts until a date, renewing that, revoking it, and telling it.

What is accepted is what a person has looked at: each host is named with the digest of its facts,
and nothing is accepted of a host on which anything else is measured by then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.deviations.repository import NewDeviation, Repository
from wardline.central.tenancy import service as tenancy
from wardline.core import clock, deviation, ids
from wardline.core.deviation import AcceptedState, Deviation
from wardline.core.errors import Conflict, NotFound, Refused
from wardline.core.severity import Severity

CHANGED = "deviation"
EVENTS_MAX = 200
# What ends within this time is shown as such, so that somebody looks at it once more.
ENDING = timedelta(days=14)


class UntilRefused(Refused):
    """A deviation is accepted until a time to come, within a year."""

    code = "until_refused"


class StateNotWhole(Refused):
    """The facts of this result were too large to be kept: their digest names no one state."""

    code = "state_not_whole"


class StateChanged(Conflict):
    """What is measured on a host is not what the request names."""

    code = "state_changed"


class AlreadyAccepted(Conflict):
    """This very state is accepted on a host already: renew that."""

    code = "already_accepted"


class DeviationEnded(Conflict):
    """The deviation has ended: accept what is there anew."""

    code = "deviation_ended"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person wants to live with; `hosts` maps each host to the digest that was looked at."""

    check: str
    hosts: Mapping[str, str]
    until: datetime
    owner: str
    reason: str
    control: str


async def accept(session: Session, site_id: str, wish: Wish, by_name: str) -> str:
    """The identifier of the new deviation. One of an earlier state of the same check on a host ends
    there. Raises NotFound, UntilRefused, StateChanged, StateNotWhole, AlreadyAccepted and
    deviation.SectionFull."""
    await tenancy.get(session, site_id)
    until = _until(session, wish.until)
    repository = Repository(session)
    await repository.lock_site(site_id)
    hosts = await repository.of_hosts(site_id, wish.check, sorted(wish.hosts))
    _require_seen(wish, hosts)
    deviation_id = ids.new("dev")
    await _take_over(session, site_id, hosts, by_name, deviation_id)
    new = NewDeviation(
        *(deviation_id, site_id, wish.check, until),
        *(wish.owner, wish.reason, wish.control, hosts),
    )
    await repository.add(new, by_name)
    deviation.require_room([_told(row) for row in await repository.of_site(site_id)])
    await repository.tell(site_id, deviation_id, "accepted", by_name, wish.reason, until=until)
    after = {
        "check": wish.check,
        "hosts": dict(wish.hosts),
        "until": clock.wire(until),
        "owner": wish.owner,
        "control": wish.control,
    }
    await session.record(
        "deviation.accept", deviation_id, after=after, reason=wish.reason, site_id=site_id
    )
    await _announce(session, site_id, deviation_id, "accepted")
    return deviation_id


async def renew(
    session: Session,
    deviation_id: str,
    until: datetime,
    by_name: str,
    reason: str,
    *,
    owner: str | None = None,
    control: str | None = None,
) -> None:
    """Until a later date; raises NotFound, DeviationEnded, UntilRefused, deviation.SectionFull."""
    repository = Repository(session)
    row = await _in_force(session, deviation_id)
    until = _until(session, until)
    if until <= row["until"]:
        raise UntilRefused(
            f"until: it is accepted until {clock.wire(row['until'])}; a renewal ends later, and"
            " to end it earlier, revoke it"
        )
    site_id: str = row["site_id"]
    await repository.renew(site_id, deviation_id, until, owner, control)
    deviation.require_room([_told(each) for each in await repository.of_site(site_id)])
    await repository.tell(site_id, deviation_id, "renewed", by_name, reason, until=until)
    before, after = {"until": clock.wire(row["until"])}, {"until": clock.wire(until)}
    changed = {"owner": owner, "control": control}
    after |= {name: value for name, value in changed.items() if value is not None}
    await session.record(
        *("deviation.renew", deviation_id),
        before=before,
        after=after,
        reason=reason,
        site_id=site_id,
    )
    await _announce(session, site_id, deviation_id, "renewed")


async def revoke(session: Session, deviation_id: str, by_name: str, reason: str) -> None:
    """Ends it; raises NotFound, DeviationEnded."""
    row = await _in_force(session, deviation_id)
    site_id: str = row["site_id"]
    repository = Repository(session)
    await repository.revoke(site_id, deviation_id)
    await repository.tell(site_id, deviation_id, "revoked", by_name, reason)
    await session.record("deviation.revoke", deviation_id, reason=reason, site_id=site_id)
    await _announce(session, site_id, deviation_id, "revoked")


async def ordered(session: Session, site_id: str, appliance_id: str) -> tuple[Deviation, ...]:
    """What an appliance is told: those that did not end, with the states of its own hosts."""
    rows = await Repository(session).of_appliance(site_id, appliance_id)
    return tuple(_told(row) for row in rows)


async def observed(
    session: Session, site_id: str, check: str, after: str | None, limit: int
) -> Sequence[RowMapping]:
    """The hosts of a site on which this check fails, by id, each with what would be accepted; one
    row more than `limit` when there are more. Raises NotFound."""
    await tenancy.get(session, site_id)
    return await Repository(session).failing(site_id, check, after, limit + 1)


async def page(
    session: Session,
    site_id: str | None,
    state: str,
    after: tuple[datetime, str] | None,
    limit: int,
) -> Sequence[RowMapping]:
    """Deviations, newest first; one row more than `limit` when there are more. Raises NotFound for
    a site that the session may not see."""
    if site_id is not None:
        await tenancy.get(session, site_id)
    return await Repository(session).page(site_id, state, after, limit + 1)


@dataclass(frozen=True, slots=True)
class Story:
    """A deviation with what was accepted on each host, what is there now, and its events."""

    row: RowMapping
    hosts: Sequence[RowMapping]
    events: Sequence[RowMapping]


async def one(session: Session, deviation_id: str) -> Story:
    """Raises NotFound."""
    repository = Repository(session)
    row = await repository.one(deviation_id)
    if row is None:
        raise _unknown()
    site_id = row["site_id"]
    return Story(
        row,
        await repository.hosts(site_id, deviation_id, deviation.HOSTS_MAX),
        await repository.events(site_id, deviation_id, EVENTS_MAX),
    )


async def counts(session: Session) -> RowMapping:
    """How many are in force, changed somewhere, and about to end."""
    return await Repository(session).counts(session.now + ENDING)


def is_ending(session: Session, row: RowMapping) -> bool:
    """Whether a deviation that is in force ends soon."""
    until: datetime = row["until"]
    return row["ended_at"] is None and session.now < until <= session.now + ENDING


def _require_seen(wish: Wish, hosts: Sequence[RowMapping]) -> None:
    """Each host fails the check now, with just the facts that were looked at, and all of them."""
    found = {row["host_id"]: row for row in hosts}
    for host_id, digest in sorted(wish.hosts.items()):
        row = found.get(host_id)
        if row is None:
            raise NotFound(f"{host_id}: no such host, or {wish.check} was never measured there")
        if row["outcome"] != "fail":
            raise StateChanged(f"{host_id}: {wish.check} does not fail there ({row['outcome']})")
        if row["facts_digest"] != digest:
            raise StateChanged(
                f"{host_id}: what fails there now is not what the digest names: look again"
                f" ({row['summary']})"
            )
        if not deviation.is_whole(row["facts"]):
            raise StateNotWhole(
                f"{host_id}: the facts of {wish.check} are not kept whole, so that no digest"
                " names this one state"
            )


async def _take_over(
    session: Session,
    site_id: str,
    hosts: Sequence[RowMapping],
    by_name: str,
    deviation_id: str,
) -> None:
    """Ends what is accepted of another state there; raises AlreadyAccepted for the same one."""
    repository, check = Repository(session), hosts[0]["check_id"]
    seen = {row["host_id"]: (row["facts_digest"], row["severity"]) for row in hosts}
    for row in await repository.in_force_there(site_id, check, sorted(seen)):
        if (row["facts_digest"], row["severity"]) == seen[row["host_id"]]:
            name = row["deviation_id"]
            raise AlreadyAccepted(f"{row['host_id']}: accepted as {name} already: renew that")
    for name, host_id in await repository.let_go(site_id, check, sorted(seen)):
        reason = f"another state is accepted there as {deviation_id}"
        await repository.tell(site_id, name, "replaced", by_name, reason, host_id=host_id)
        await _announce(session, site_id, name, "replaced")


async def _in_force(session: Session, deviation_id: str) -> RowMapping:
    """Held until the transaction ends; raises NotFound, DeviationEnded."""
    row = await Repository(session).lock(deviation_id)
    if row is None:
        raise _unknown()
    if row["ended_at"] is not None:
        raise DeviationEnded(f"it ended at {clock.wire(row['ended_at'])}: {row['ended_why']}")
    if row["until"] <= session.now:
        raise DeviationEnded(f"it ended at {clock.wire(row['until'])}: expired")
    return row


def _until(session: Session, given: datetime) -> datetime:
    """As the wire holds it; raises UntilRefused."""
    latest = session.now + deviation.SPAN_MAX
    if not session.now < given <= latest:
        raise UntilRefused(
            f"until: a time to come, by {clock.wire(latest)} at the latest"
            f" ({deviation.SPAN_MAX.days} days)"
        )
    return _whole(given)


def _told(row: RowMapping) -> Deviation:
    return Deviation(
        id=row["id"],
        check=row["check_id"],
        accepted_at=_whole(row["accepted_at"]),
        until=_whole(row["until"]),
        by=row["accepted_by_name"],
        owner=row["owner"],
        reason=row["reason"],
        control=row["control"],
        states=tuple(_state(each) for each in row["states"]),
    )


def _state(told: Mapping[str, Any]) -> AcceptedState:
    return AcceptedState(told["host_id"], told["facts_digest"], Severity(told["severity"]))


def _whole(at: datetime) -> datetime:
    return clock.from_milliseconds(clock.milliseconds(at))


async def _announce(session: Session, site_id: str, deviation_id: str, state: str) -> None:
    await session.announce(CHANGED, deviation_id, {"state": state}, site_id=site_id)


def _unknown() -> NotFound:
    return NotFound("no such deviation")
