"""HTTP: incidents of a site and of the fleet, one incident's story, what would have run.

What people do about an incident stands in deed_endpoints.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit, Offset
from wardline.central.identity.access import Viewer
from wardline.central.incidents import acting, heals, now, service, undo
from wardline.central.incidents.heals import Heals, RunbookHeals
from wardline.central.tenancy import service as tenancy
from wardline.core.evidence.bundle import IncidentState, Outcome
from wardline.core.evidence.watch import WatchEnd
from wardline.core.incidents import catalogue
from wardline.core.incidents.situation import Undo

router = APIRouter(prefix="/api/v1", tags=["incidents"])

SiteParameter = Annotated[str, Path(max_length=64)]
IncidentParameter = Annotated[str, Path(max_length=64)]
IncidentFilter = Annotated[str | None, Query(max_length=64)]
State = Annotated[IncidentState | None, Query()]
Days = Annotated[int, Query(ge=1, le=heals.DAYS_MAX, description="so many days back from now")]


class IncidentOut(BaseModel):
    """`host_name` is null when the host was never declared. `verdict` and `code` are the policy's;
    the `would_` ones what it had been, were the site not observing. `watched_until` is the end of
    the watch over a heal that is neither stable nor undone yet. `sentence` says how the host stands
    now, what was done and what comes next; `owner_name` in whose hands it is."""

    site_id: str
    site_name: str
    id: str
    host_id: str
    host_name: str | None
    check: str
    severity: str
    state: IncidentState
    resolution_level: str | None
    outcome: str | None
    opened_at: datetime
    closed_at: datetime | None
    summary: str
    verdict: str | None
    code: str | None
    would_verdict: str | None
    runbook_id: str | None
    watched_until: datetime | None
    sentence: str
    owner_name: str | None


class IncidentsOut(BaseModel):
    items: list[IncidentOut]
    next_cursor: str | None


class BundleOut(BaseModel):
    log_index: int
    state: str
    at: datetime


class HealOut(BaseModel):
    """One heal of the incident: when the run began, when the check had passed after it, until when
    it is watched, and how that ended: `stable`, `recurred` (it failed before it had lasted),
    `unproved` (it failed, so late that nothing shows when it came back, or another run was undone)
    or `undone` (a person had the run undone)."""

    number: int
    runbook_id: str
    attempted_at: datetime
    healed_at: datetime
    watched_until: datetime
    ended: WatchEnd | None
    ended_at: datetime | None


class LatestOut(BaseModel):
    """The newest measurement of the incident's check on its host."""

    outcome: Outcome
    summary: str
    measured_at: datetime


class HandoverOut(BaseModel):
    """Into whose hands the incident was given, by whom, and what they need to know."""

    at: datetime
    by_name: str
    to_user: str
    to_name: str
    note: str


class ChoiceOut(BaseModel):
    """`words` say what it does; `inputs` are for the eyes of a person; picking it starts it where
    `verdict` is `offer`, and asks for an approval first where it is `ask`."""

    id: str
    words: str
    runbook_id: str
    inputs: dict[str, Any]
    verdict: Literal["offer", "ask"]


class IncidentDetailOut(IncidentOut):
    """The parts as the appliance signed them: schemas evidence.bundle/1 and /2. `heals` and
    `handovers`: the last first. `undo` is what became of what the run had changed, `left` are the
    changed steps that nothing put back. `silent`: its appliance missed its check-ins, so that
    `latest` is how things stood at `heard_at`. `undo_until`: until when its last run can be undone,
    null where it cannot. `holdable`: the runbooks that a hold could keep off its drift, the one
    that ran or would run first. `choices`: what a person may pick, where which repair is right is
    theirs to say."""

    appliance_id: str
    latest: LatestOut
    silent: bool
    heard_at: datetime | None
    undo: Undo
    left: list[str]
    handovers: list[HandoverOut]
    before: dict[str, Any]
    after: dict[str, Any] | None
    decision: dict[str, Any] | None
    runbook: dict[str, Any] | None
    actions: list[dict[str, Any]]
    heals: list[HealOut]
    undo_until: datetime | None
    holdable: list[str]
    choices: list[ChoiceOut]
    bundles: list[BundleOut]


class WouldOut(BaseModel):
    verdict: str
    code: str | None
    rule_id: str | None


class RunbookOut(BaseModel):
    id: str
    version: str
    digest: str
    risk: str
    title: str


class WouldRunOut(BaseModel):
    incident_id: str
    host_id: str
    host_name: str | None
    check: str
    severity: str
    summary: str
    opened_at: datetime
    would: WouldOut | None
    runbook: RunbookOut | None
    diff: str


class WouldRunListOut(BaseModel):
    items: list[WouldRunOut]


class HealsOut(Heals):
    """`runbooks`: those that healed, the most used first."""

    runbooks: list[RunbookHeals]


@router.get("/incidents")
async def list_fleet_incidents(
    session: Viewer,
    state: State = None,
    incident: IncidentFilter = None,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
    offset: Offset = None,
) -> IncidentsOut:
    """The partner's incidents, newest first; with `incident` that one alone."""
    skipped, after = page.skipped(offset, cursor), page.decode_newest(cursor)
    rows = await service.page(session, None, state, after, skipped, limit, incident)
    return _page(rows, limit, session.now)


@router.get("/sites/{site_id}/incidents")
async def list_incidents(
    site_id: SiteParameter,
    session: Viewer,
    state: State = None,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
    offset: Offset = None,
) -> IncidentsOut:
    """A site's incidents, newest first."""
    skipped = page.skipped(offset, cursor)
    await tenancy.get(session, site_id)
    rows = await service.page(session, site_id, state, page.decode_newest(cursor), skipped, limit)
    return _page(rows, limit, session.now)


@router.get("/sites/{site_id}/incidents/{incident_id}")
async def get_incident(
    site_id: SiteParameter, incident_id: IncidentParameter, session: Viewer
) -> IncidentDetailOut:
    """What was measured, decided, done, and measured again."""
    story = await service.one(session, site_id, incident_id)
    row = story.incident
    seen = now.read(row, session.now)
    run = undo.undoable(row["decision"])
    return IncidentDetailOut(
        **_incident(row, seen.sentence).model_dump(),
        appliance_id=row["appliance_id"],
        latest=LatestOut(**asdict(seen.latest)),
        silent=seen.silent,
        heard_at=seen.heard_at,
        undo=seen.aftermath.undo,
        left=list(seen.aftermath.left),
        handovers=[HandoverOut.model_validate(dict(one)) for one in story.handovers],
        before=row["before"],
        after=row["after"],
        decision=row["decision"],
        runbook=row["runbook"],
        actions=row["actions"],
        heals=[HealOut.model_validate(dict(heal)) for heal in story.heals],
        undo_until=run.until if run is not None and run.until > session.now else None,
        holdable=acting.holdable(row),
        choices=[
            ChoiceOut.model_validate(one, from_attributes=True)
            for one in service.choices(site_id, row)
        ],
        bundles=[BundleOut.model_validate(dict(bundle)) for bundle in story.bundles],
    )


@router.get("/heals")
async def get_fleet_heals(session: Viewer, days: Days = heals.DAYS_DEFAULT) -> HealsOut:
    """How well repairs last, over the partner's sites and per runbook."""
    found = await heals.fleet(session, days)
    runbooks = await heals.by_runbook(session, None, days)
    return HealsOut(**found.model_dump(), runbooks=runbooks)


@router.get("/sites/{site_id}/heals")
async def get_site_heals(
    site_id: SiteParameter, session: Viewer, days: Days = heals.DAYS_DEFAULT
) -> HealsOut:
    """How well repairs last on a site, and per runbook."""
    await tenancy.get(session, site_id)
    found = await heals.site(session, site_id, days)
    runbooks = await heals.by_runbook(session, site_id, days)
    return HealsOut(**found.model_dump(), runbooks=runbooks)


@router.get("/sites/{site_id}/would-run")
async def list_would_run(site_id: SiteParameter, session: Viewer) -> WouldRunListOut:
    """What a person looks through before letting the site heal."""
    await tenancy.get(session, site_id)
    rows = await service.would_run(session, site_id)
    return WouldRunListOut(items=[_would_run(row) for row in rows])


def _page(rows: Sequence[RowMapping], limit: int, at: datetime) -> IncidentsOut:
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["created_at"].isoformat(), last["id"])
    items = [_incident(row, now.read(row, at).sentence) for row in rows[:limit]]
    return IncidentsOut(items=items, next_cursor=following)


def _incident(row: RowMapping, sentence: str) -> IncidentOut:
    decision = row["decision"] or {}
    return IncidentOut(
        site_id=row["site_id"],
        site_name=row["site_name"],
        id=row["id"],
        host_id=row["host_id"],
        host_name=row["host_name"],
        check=row["incident_type"],
        severity=row["severity"],
        state=row["state"],
        resolution_level=row["resolution_level"],
        outcome=row["outcome"],
        opened_at=row["created_at"],
        closed_at=row["closed_at"],
        summary=row["before"]["summary"],
        verdict=_text(decision.get("verdict")),
        code=_text(decision.get("code")),
        would_verdict=_text(_would(decision).get("verdict")),
        runbook_id=(row["runbook"] or {}).get("id"),
        watched_until=row["watch"]["until"] if row["watch"] and row["state"] == "healed" else None,
        sentence=sentence,
        owner_name=row["owner_name"],
    )


def _would_run(row: RowMapping) -> WouldRunOut:
    would, runbook = _would(row["decision"] or {}), row["runbook"]
    verdict = _text(would.get("verdict"))
    return WouldRunOut(
        incident_id=row["id"],
        host_id=row["host_id"],
        host_name=row["host_name"],
        check=row["incident_type"],
        severity=row["severity"],
        summary=row["before"]["summary"],
        opened_at=row["created_at"],
        would=None
        if verdict is None
        else WouldOut(
            verdict=verdict, code=_text(would.get("code")), rule_id=_text(would.get("ruleId"))
        ),
        runbook=None if runbook is None else RunbookOut(**runbook, title=_title(runbook["id"])),
        diff="\n".join(action["diff"] for action in row["actions"] if action["diff"]),
    )


def _would(decision: Mapping[str, Any]) -> Mapping[str, Any]:
    """The decision is the appliance's, and its inside was never checked here."""
    would = decision.get("would")
    return would if isinstance(would, dict) else {}


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _title(runbook_id: str) -> str:
    """What a runbook is called; one of a newer agent's that we do not know goes by its id."""
    known = catalogue.runbooks().get(runbook_id)
    return known.title if known is not None else runbook_id
