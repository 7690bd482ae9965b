"""The change log in the order in which its rows become readable, so that none is missed or moved.

Sequences and commits are in different orders. A row is read once every transaction that began to
write before its own has ended: below the oldest running one nothing can appear any more, so the
pair (tx, id) only ever grows.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import RowMapping, text

from wardline.central.database.scope import Scope
from wardline.central.database.session import Session
from wardline.policy.live.log import Change, Head, Position

# Announced here: the partner whose rows there are, or nothing for everybody.
CHANNEL = "wardline_changes"
EVERYBODY = ""

_READABLE = "tx < pg_snapshot_xmin(pg_current_snapshot())"
_AFTER = "(tx, id) > (CAST(CAST(:tx AS text) AS xid8), CAST(:id AS bigint))"
_UP_TO = "(tx, id) <= (CAST(CAST(:last_tx AS text) AS xid8), CAST(:last_id AS bigint))"

# A database that was started anew, restored or replaced has another epoch: what was read of it
# before says nothing about where it stands now.
_HEAD = """
SELECT left(encode(sha256(convert_to(concat_ws('|', extract(epoch FROM pg_postmaster_start_time()),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    CAST('change_log' AS regclass)::oid), 'UTF8')), 'hex'), 16) AS epoch,
  coalesce(newest.tx::text, '0') AS tx_text, coalesce(newest.id, 0) AS id
FROM (SELECT) AS one LEFT JOIN LATERAL (
  SELECT tx, id FROM change_log WHERE {own} AND {readable}
  ORDER BY tx DESC, id DESC LIMIT 1) newest ON true
"""
_HEAD_OF_PARTNER = text(_HEAD.format(own="partner_id = :partner_id", readable=_READABLE))
_HEAD_OF_ALL = text(_HEAD.format(own="true", readable=_READABLE))
_FIND = text(
    f"""
SELECT tx::text AS tx_text, id FROM change_log
WHERE id = :id AND partner_id = :partner_id AND {_READABLE}
"""  # noqa: S608 - constants of this file
)
# The order is that of the column: an output of the same name, which is text, would hide it.
_READ = text(
    f"""
SELECT tx::text AS tx_text, id, kind, site_id, subject, payload FROM change_log
WHERE partner_id = :partner_id AND {_AFTER} AND {_READABLE} ORDER BY tx, id LIMIT :limit
"""  # noqa: S608 - constants of this file
)
_PARTNERS = text(
    f"""
SELECT DISTINCT partner_id FROM change_log WHERE {_AFTER} AND {_UP_TO} LIMIT :limit
"""  # noqa: S608 - constants of this file
)
_PLACES = text(
    f"""
SELECT DISTINCT partner_id, site_id FROM change_log
WHERE {_AFTER} AND {_UP_TO} AND kind <> :kind
"""  # noqa: S608 - constants of this file
)
_NOTIFY = text(
    "SELECT pg_notify(:channel, partner_id) FROM unnest(CAST(:partners AS text[])) AS partner_id"
)


async def head(session: Session) -> Head:
    """Of the session's partner; of everybody in the system scope."""
    if session.scope == Scope.system():
        row = await session.row(_HEAD_OF_ALL)
    else:
        row = await session.row(_HEAD_OF_PARTNER, partner_id=session.scope.owner)
    assert row is not None, "the query has one row"
    return Head(row["epoch"], _position(row))


async def find(session: Session, change_id: int) -> Position | None:
    """Where the partner's row of this id stands; None where there is none to read."""
    row = await session.row(_FIND, id=change_id, partner_id=session.scope.owner)
    return None if row is None else _position(row)


async def read(session: Session, after: Position, limit: int) -> list[Change]:
    """The partner's next rows."""
    given = {"partner_id": session.scope.owner, "limit": limit}
    rows = await session.rows(_READ, tx=str(after.tx), id=after.id, **given)
    return [
        Change(_position(row), row["kind"], row["site_id"], row["subject"], row["payload"])
        for row in rows
    ]


async def partners(session: Session, after: Position, last: Position, limit: int) -> list[str]:
    """Whose rows there are from behind `after` to `last`."""
    rows = await session.rows(_PARTNERS, **_between(after, last), limit=limit)
    return [row["partner_id"] for row in rows]


async def places(
    session: Session, after: Position, last: Position, *, but: str
) -> list[tuple[str, str | None]]:
    """The partners and sites that rows name from behind `after` to `last`, but for one kind."""
    rows = await session.rows(_PLACES, **_between(after, last), kind=but)
    return [(row["partner_id"], row["site_id"]) for row in rows]


async def notify(session: Session, told: Sequence[str]) -> None:
    """Tells every listener, at commit, that there are rows of these partners."""
    await session.rows(_NOTIFY, channel=CHANNEL, partners=list(told))


def _position(row: RowMapping) -> Position:
    return Position(int(row["tx_text"]), row["id"])


def _between(after: Position, last: Position) -> dict[str, Any]:
    return {"tx": str(after.tx), "id": after.id, "last_tx": str(last.tx), "last_id": last.id}
