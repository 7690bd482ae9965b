"""HTTP: the latest results of a site, hosts by checks."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from wardline.central.fleet import service as fleet
from wardline.central.identity.access import Viewer
from wardline.central.posture import service
from wardline.central.tenancy import service as tenancy
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1/sites/{site_id}/results", tags=["posture"])

SiteParameter = Annotated[str, Path(max_length=64)]


class CheckOut(BaseModel):
    id: str
    title: str


class CellOut(BaseModel):
    outcome: Outcome
    severity: str
    summary: str
    effective_at: datetime
    log_index: int


class HostRowOut(BaseModel):
    """A host and its latest result per check; a check without one was never measured there."""

    id: str
    name: str
    kind: str
    observed: bool
    cells: dict[str, CellOut]


class ResultsOut(BaseModel):
    checks: list[CheckOut]
    hosts: list[HostRowOut]


@router.get("")
async def list_results(site_id: SiteParameter, session: Viewer) -> ResultsOut:
    """Every host of the site, measured or not."""
    await tenancy.get(session, site_id)
    hosts = await fleet.hosts(session, site_id)
    rows = await service.latest(session, site_id)
    cells: dict[str, dict[str, CellOut]] = {host.id: {} for host in hosts}
    for row in rows:
        if row["host_id"] in cells:
            cells[row["host_id"]][row["check_id"]] = CellOut.model_validate(dict(row))
    checks = sorted({row["check_id"] for row in rows})
    return ResultsOut(
        checks=[CheckOut(id=check, title=_title(check)) for check in checks],
        hosts=[
            HostRowOut(
                id=host.id,
                name=host.name,
                kind=host.kind,
                observed=host.observed,
                cells=cells[host.id],
            )
            for host in hosts
        ],
    )


def _title(check_id: str) -> str:
    """What a check is called; one of a newer agent's that we do not know goes by its id."""
    known = catalogue.checks().get(check_id)
    return known.title if known is not None else check_id
