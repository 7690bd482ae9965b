"""Adding a site, changing its settings, and the switch between observing and healing."""

import zoneinfo
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.tenancy import repository
from wardline.core import ids
from wardline.core.errors import Conflict, Malformed, NotFound
from wardline.core.ids import SiteId
from wardline.core.protocol import OpeningHours

SITE_CHANGED = "site.changed"


class Healing(StrEnum):
    OBSERVE = "observe"
    HEAL = "heal"


@dataclass(frozen=True, slots=True)
class Site:
    """A site as it stands."""

    id: SiteId
    name: str
    partner_id: str
    zone: str
    opening_hours: tuple[OpeningHours, ...]
    healing: Healing
    settings_revision: int


@dataclass(frozen=True, slots=True)
class Settings:
    """What a person says about a site; `zone` is an IANA name."""

    name: str
    zone: str
    opening_hours: tuple[OpeningHours, ...]


async def add(session: Session, settings: Settings) -> SiteId:
    """A new site, which observes until a person lets it heal; raises Conflict for a known name."""
    _check_zone(settings.zone)
    site_id = ids.site()
    hours = _stored(settings.opening_hours)
    if not await repository.add(session, site_id, settings.name, settings.zone, hours):
        raise _name_taken()
    await session.record("site.add", site_id, after=_said(settings), site_id=site_id)
    await session.announce("site.added", site_id, site_id=site_id)
    return site_id


async def get(session: Session, site_id: str) -> Site:
    """Raises NotFound where there is none that the session may see."""
    return _site(await repository.get(session, site_id))


async def named(session: Session, site_ids: Sequence[str]) -> dict[str, Site]:
    """Those of the sites that the session may see, by id."""
    return {row["id"]: _site(row) for row in await repository.named(session, site_ids)}


async def change(session: Session, site_id: str, settings: Settings) -> None:
    """Replaces the settings; appliances fetch them because the settings revision rises."""
    _check_zone(settings.zone)
    before = _site(await repository.lock(session, site_id))
    if await repository.name_taken(session, site_id, settings.name):
        raise _name_taken()
    held = Settings(before.name, before.zone, before.opening_hours)
    if held == settings:
        return
    hours = _stored(settings.opening_hours)
    await repository.set_settings(session, site_id, settings.name, settings.zone, hours)
    await session.record(
        "site.settings", site_id, before=_said(held), after=_said(settings), site_id=site_id
    )
    await session.announce(SITE_CHANGED, site_id, site_id=site_id)


async def set_healing(
    session: Session, site_id: str, healing: Healing, reason: str, reviewed: Sequence[str]
) -> None:
    """Turns the switch; `reviewed` are the incidents that the person looked at before."""
    before = _site(await repository.lock(session, site_id))
    if before.healing is healing:
        return
    await repository.set_healing(session, site_id, healing.value)
    await session.record(
        "site.healing",
        site_id,
        before={"healing": before.healing.value},
        after={"healing": healing.value, "incidents": list(reviewed)},
        reason=reason,
        site_id=site_id,
    )
    await session.announce(SITE_CHANGED, site_id, {"healing": healing.value}, site_id=site_id)


def _check_zone(zone: str) -> None:
    if zone not in zoneinfo.available_timezones():
        raise Malformed("zone", "not an IANA time zone such as Europe/Berlin or America/Denver")


def _name_taken() -> Conflict:
    return Conflict("name: you have a site of this name already; choose another")


def _site(row: RowMapping | None) -> Site:
    if row is None:
        raise NotFound("site: there is none with this id")
    return Site(
        id=SiteId(row["id"]),
        name=row["name"],
        partner_id=row["partner_id"],
        zone=row["zone"],
        opening_hours=tuple(OpeningHours.model_validate(each) for each in row["opening_hours"]),
        healing=Healing(row["healing"]),
        settings_revision=row["settings_revision"],
    )


def _stored(hours: Sequence[OpeningHours]) -> list[object]:
    return [each.model_dump() for each in hours]


def _said(settings: Settings) -> Mapping[str, object]:
    return {
        "name": settings.name,
        "zone": settings.zone,
        "opening_hours": _stored(settings.opening_hours),
    }
