"""HTTP: what fails and may be accepted, the accepted deviations, accepting, renewing, revoking."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.database.session import Session
from wardline.central.deviations import service
from wardline.central.deviations.service import Story, Wish
from wardline.central.identity import access
from wardline.central.identity.access import DeviationOwner, Viewer
from wardline.core import deviation
from wardline.core.evidence.bundle import Outcome
from wardline.core.incidents import catalogue

router = APIRouter(prefix="/api/v1", tags=["deviations"])

SiteParameter = Annotated[str, Path(max_length=64)]
CheckParameter = Annotated[str, Path(max_length=255)]
DeviationParameter = Annotated[str, Path(max_length=64)]
SiteFilter = Annotated[str | None, Query(max_length=64)]
StateFilter = Annotated[Literal["in_force", "changed", "ended", "all"], Query()]
Name = Annotated[
    str,
    StringConstraints(min_length=1, max_length=deviation.NAME_CHARS_MAX, strip_whitespace=True),
]
Text = Annotated[
    str,
    StringConstraints(min_length=1, max_length=deviation.TEXT_CHARS_MAX, strip_whitespace=True),
]
Identifier = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Digest = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Standing = Literal["accepted", "changed", "passes", "unknown"]


class Acceptance(BaseModel):
    """`hosts` maps each host to the digest of the facts that were looked at there; `owner` answers
    for it, `control` is what protects meanwhile."""

    model_config = ConfigDict(extra="forbid")

    check: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    hosts: Annotated[dict[Identifier, Digest], Field(min_length=1, max_length=deviation.HOSTS_MAX)]
    until: AwareDatetime
    owner: Name
    reason: Text
    control: Text


class Renewal(BaseModel):
    """What is not given stays as it was."""

    model_config = ConfigDict(extra="forbid")

    until: AwareDatetime
    reason: Text
    owner: Name | None = None
    control: Text | None = None


class Revocation(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Text


class ObservedOut(BaseModel):
    """What fails on a host and would be accepted: all that the evidence at `log_index` says of it.
    `deviation_id` is what is accepted there now, which is this very state or not."""

    host_id: str
    host_name: str | None
    severity: str
    summary: str
    facts: dict[str, Any]
    facts_digest: str
    log_index: int
    measured_at: datetime
    deviation_id: str | None
    standing: Standing | None


class ObservationsOut(BaseModel):
    check: str
    check_title: str
    items: list[ObservedOut]
    next_cursor: str | None


class DeviationOut(BaseModel):
    """Of `hosts` hosts `accepted` are as they were accepted, `changed` fail otherwise and are
    treated as any drift, `passing` do not fail any more; where nothing can be measured is in none.
    `ending`: in force, and for less than two weeks."""

    id: str
    site_id: str
    site_name: str
    check: str
    check_title: str
    state: Literal["in_force", "expired", "revoked", "replaced"]
    accepted_at: datetime
    accepted_by: str
    accepted_by_name: str
    until: datetime
    ending: bool
    owner: str
    reason: str
    control: str
    ended_at: datetime | None
    hosts: int
    accepted: int
    changed: int
    passing: int


class DeviationsOut(BaseModel):
    items: list[DeviationOut]
    next_cursor: str | None


class AcceptedHostOut(BaseModel):
    """What was accepted on a host, as the evidence at `log_index` holds it, and what is measured
    there now. `standing` is null where it is accepted no more; `ended_at` is set where it ended
    before the others."""

    host_id: str
    host_name: str | None
    severity: str
    summary: str
    facts: dict[str, Any]
    facts_digest: str
    log_index: int
    ended_at: datetime | None
    standing: Standing | None
    outcome_now: Outcome | None
    summary_now: str | None
    log_index_now: int | None
    measured_at: datetime | None


class DeviationEventOut(BaseModel):
    """`by` is null where time or a host did it."""

    id: int
    kind: Literal[
        "accepted", "renewed", "revoked", "replaced", "expired", "changed", "returned", "passes"
    ]
    at: datetime
    host_id: str | None
    host_name: str | None
    until: datetime | None
    by: str | None
    by_name: str | None
    reason: str | None


class DeviationStoryOut(DeviationOut):
    """`states` by host, as many as one may have; `events` newest first, the latest of them."""

    states: list[AcceptedHostOut]
    events: list[DeviationEventOut]


@router.get("/sites/{site_id}/observed/{check}")
async def list_observed(
    site_id: SiteParameter,
    check: CheckParameter,
    session: Viewer,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> ObservationsOut:
    """The hosts of a site on which a check fails now, each with what accepting it would accept."""
    after = None if cursor is None else str(page.decode(cursor, str)[0])
    rows = await service.observed(session, site_id, check, after, limit)
    following = page.encode(rows[limit - 1]["host_id"]) if len(rows) > limit else None
    return ObservationsOut(
        check=check,
        check_title=_title(check),
        items=[
            ObservedOut(**_own(ObservedOut, row), measured_at=row["effective_at"])
            for row in rows[:limit]
        ],
        next_cursor=following,
    )


@router.get("/deviations")
async def list_deviations(
    session: Viewer,
    site: SiteFilter = None,
    state: StateFilter = "in_force",
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> DeviationsOut:
    """Accepted deviations, newest first: those in force, or of these those that have changed
    somewhere, those that ended, or all."""
    after = page.decode_newest(cursor)
    rows = await service.page(session, site, state, after, limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["accepted_at"].isoformat(), last["id"])
    return DeviationsOut(
        items=[DeviationOut(**_deviation(session, row)) for row in rows[:limit]],
        next_cursor=following,
    )


@router.get("/deviations/{deviation_id}")
async def get_deviation(deviation_id: DeviationParameter, session: Viewer) -> DeviationStoryOut:
    """One deviation: host by host what was accepted and what is there now, and what became of
    it."""
    return _story(session, await service.one(session, deviation_id))


@router.post("/sites/{site_id}/deviations", status_code=201)
async def accept_deviation(
    site_id: SiteParameter, body: Acceptance, session: DeviationOwner, request: Request
) -> DeviationStoryOut:
    """Accepts what fails on these hosts, exactly as it is, until a date: nothing repairs it, and
    whatever else fails there alarms. Its appliances know from their next check-in on."""
    wish = Wish(body.check, body.hosts, body.until, body.owner, body.reason, body.control)
    made = await service.accept(session, site_id, wish, _name(request))
    return _story(session, await service.one(session, made))


@router.post("/deviations/{deviation_id}/renew")
async def renew_deviation(
    deviation_id: DeviationParameter, body: Renewal, session: DeviationOwner, request: Request
) -> DeviationStoryOut:
    """Accepts the same state until a later date."""
    await service.renew(
        *(session, deviation_id, body.until, _name(request), body.reason),
        owner=body.owner,
        control=body.control,
    )
    return _story(session, await service.one(session, deviation_id))


@router.post("/deviations/{deviation_id}/revoke")
async def revoke_deviation(
    deviation_id: DeviationParameter, body: Revocation, session: DeviationOwner, request: Request
) -> DeviationStoryOut:
    """Accepts it no more: what fails there is a drift like any other."""
    await service.revoke(session, deviation_id, _name(request), body.reason)
    return _story(session, await service.one(session, deviation_id))


def _name(request: Request) -> str:
    return access.caller_of(request).name


def _story(session: Session, story: Story) -> DeviationStoryOut:
    return DeviationStoryOut(
        **_deviation(session, story.row),
        states=[AcceptedHostOut(**_own(AcceptedHostOut, row)) for row in story.hosts],
        events=[DeviationEventOut(**_own(DeviationEventOut, row)) for row in story.events],
    )


def _deviation(session: Session, row: RowMapping) -> dict[str, Any]:
    over = "expired" if row["until"] <= session.now else "in_force"
    return {
        **_own(DeviationOut, row),
        "check": row["check_id"],
        "check_title": _title(row["check_id"]),
        "state": row["ended_why"] or over,
        "ending": service.is_ending(session, row),
    }


def _own(shape: type[BaseModel], row: RowMapping) -> dict[str, Any]:
    return {name: row[name] for name in shape.model_fields if name in row}


def _title(check_id: str) -> str:
    """What a check is called; one of a newer agent's that we do not know goes by its id."""
    known = catalogue.checks().get(check_id)
    return known.title if known is not None else check_id
