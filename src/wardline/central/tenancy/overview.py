"""One site as every list and page shows it; the reports fill it, as they look across domains."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Literal

from fastapi import Request
from pydantic import BaseModel, ConfigDict, Field

from wardline.central.database.session import Session


class ApplianceCounts(BaseModel):
    total: int
    online: int


class ResultCounts(BaseModel):
    """Latest results by outcome; unknown is never counted as pass. `accepted` of those that fail
    are accepted deviations."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    passed: int = Field(alias="pass")
    fail: int
    unknown: int
    not_applicable: int
    accepted: int


class Score(BaseModel):
    """`passed` of `assessed` results, beside which `unknown` could not be measured; on
    `measured_hosts` of `hosts`. `accepted` of those that did not pass are accepted deviations: they
    change no score. Null where nothing counts."""

    passed: int
    assessed: int
    unknown: int
    measured_hosts: int
    hosts: int
    accepted: int


class IncidentSummary(BaseModel):
    """All incidents of a site: how they ended, and who resolved them (rule, plan, person)."""

    total: int
    success_count: int
    failed: int
    escalated: int
    l1_count: int
    l2_count: int
    l3_count: int


class LogState(BaseModel):
    size: int
    checkpoint_size: int
    checkpoint_at: datetime | None
    witnessed_size: int


class SiteOverview(BaseModel):
    """`open_incidents` are those that nobody has accepted."""

    id: str
    name: str
    zone: str
    healing: Literal["observe", "heal"]
    created_at: datetime
    appliances: ApplianceCounts
    hosts: int
    results: ResultCounts
    score: Score | None
    open_incidents: int
    would_run: int
    incidents: IncidentSummary
    log: LogState
    last_checkin: datetime | None


ReadOverview = Callable[[Session, str], Awaitable[SiteOverview]]


async def read(request: Request, session: Session, site_id: str) -> SiteOverview:
    """The site as it stands in this transaction; the reader is wired in `app`."""
    reader: ReadOverview = request.app.state.site_overview
    return await reader(session, site_id)
