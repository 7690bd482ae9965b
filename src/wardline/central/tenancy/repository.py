"""SQL over sites."""

from collections.abc import Sequence

from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session

_ADD = text(
    "INSERT INTO sites (id, name, partner_id, zone, opening_hours, created_at)"
    " VALUES (:id, :name, :partner_id, :zone, CAST(:opening_hours AS jsonb), :now)"
    " ON CONFLICT (partner_id, name) DO NOTHING"
)
_GET = text(
    "SELECT id, name, partner_id, zone, opening_hours, healing, settings_revision, created_at"
    " FROM sites WHERE id = :id"
)
_LOCK = text(
    "SELECT id, name, partner_id, zone, opening_hours, healing, settings_revision, created_at"
    " FROM sites WHERE id = :id FOR UPDATE"
)
_NAMED = text(
    "SELECT id, name, partner_id, zone, opening_hours, healing, settings_revision, created_at"
    " FROM sites WHERE id = ANY(CAST(:ids AS text[]))"
)
_NAME_TAKEN = text("SELECT 1 AS found FROM sites WHERE name = :name AND id <> :id")
_SET_HEALING = text(
    "UPDATE sites SET healing = :healing, settings_revision = settings_revision + 1 WHERE id = :id"
)
_SET_SETTINGS = text(
    "UPDATE sites SET name = :name, zone = :zone, opening_hours = CAST(:opening_hours AS jsonb),"
    " settings_revision = settings_revision + 1 WHERE id = :id"
)


async def add(
    session: Session, site_id: str, name: str, zone: str, opening_hours: Sequence[object]
) -> bool:
    """False where the partner has a site of that name."""
    touched = await session.execute(
        _ADD,
        id=site_id,
        name=name,
        partner_id=session.scope.owner,
        zone=zone,
        opening_hours=list(opening_hours),
        now=session.now,
    )
    return touched == 1


async def get(session: Session, site_id: str) -> RowMapping | None:
    return await session.row(_GET, id=site_id)


async def named(session: Session, site_ids: Sequence[str]) -> list[RowMapping]:
    return await session.rows(_NAMED, ids=list(site_ids))


async def lock(session: Session, site_id: str) -> RowMapping | None:
    """The site, held until the transaction ends."""
    return await session.row(_LOCK, id=site_id)


async def name_taken(session: Session, site_id: str, name: str) -> bool:
    return await session.row(_NAME_TAKEN, id=site_id, name=name) is not None


async def set_healing(session: Session, site_id: str, healing: str) -> None:
    await session.execute(_SET_HEALING, id=site_id, healing=healing)


async def set_settings(
    session: Session, site_id: str, name: str, zone: str, opening_hours: Sequence[object]
) -> None:
    await session.execute(
        _SET_SETTINGS, id=site_id, name=name, zone=zone, opening_hours=list(opening_hours)
    )
