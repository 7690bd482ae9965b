"""HTTP: add a site, change its settings, turn its healing switch."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from wardline.central.identity.access import HealingManager, SiteManager
from wardline.central.tenancy import overview, service
from wardline.central.tenancy.overview import SiteOverview
from wardline.central.tenancy.service import Healing, Settings
from wardline.core.protocol import OpeningHours

router = APIRouter(prefix="/api/v1/sites", tags=["sites"])

OPENING_HOURS_MAX = 21
REVIEWED_INCIDENTS_MAX = 200

SiteParameter = Annotated[str, Path(max_length=64)]
Text255 = Annotated[str, StringConstraints(min_length=1, max_length=255, strip_whitespace=True)]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class SiteSettings(BaseModel):
    """`zone` is an IANA time zone; `opening_hours` is when people work there."""

    model_config = ConfigDict(extra="forbid")

    name: Text255
    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    opening_hours: Annotated[list[OpeningHours], Field(max_length=OPENING_HOURS_MAX)]

    def parsed(self) -> Settings:
        return Settings(self.name, self.zone, tuple(self.opening_hours))


class HealingSwitch(BaseModel):
    """`incidents`: the ones that the person reviewed before deciding."""

    model_config = ConfigDict(extra="forbid")

    healing: Healing
    reason: Reason
    incidents: Annotated[
        list[Annotated[str, StringConstraints(max_length=64)]],
        Field(max_length=REVIEWED_INCIDENTS_MAX),
    ] = []


@router.post("", status_code=201)
async def add_site(body: SiteSettings, session: SiteManager, request: Request) -> SiteOverview:
    """A new site observes until a person lets it heal."""
    site_id = await service.add(session, body.parsed())
    return await overview.read(request, session, site_id)


@router.put("/{site_id}/settings")
async def change_settings(
    site_id: SiteParameter, body: SiteSettings, session: SiteManager, request: Request
) -> SiteOverview:
    await service.change(session, site_id, body.parsed())
    return await overview.read(request, session, site_id)


@router.post("/{site_id}/healing")
async def set_healing(
    site_id: SiteParameter, body: HealingSwitch, session: HealingManager, request: Request
) -> SiteOverview:
    """Takes effect when the site's appliances have fetched their next snapshot."""
    await service.set_healing(session, site_id, body.healing, body.reason, body.incidents)
    return await overview.read(request, session, site_id)
