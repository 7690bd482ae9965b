"""HTTP: what runs taught per pattern, and the promotions that people decide about."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, ConfigDict, StringConstraints
from sqlalchemy import RowMapping

from wardline.central.database import page
from wardline.central.database.page import Cursor, Limit
from wardline.central.identity import access
from wardline.central.identity.access import Approver, Viewer
from wardline.central.learning import service
from wardline.central.learning.ledger import Author
from wardline.core.incidents import catalogue, merit
from wardline.core.incidents.merit import Merit
from wardline.core.incidents.promotion import Step

router = APIRouter(prefix="/api/v1", tags=["promotions"])

PromotionParameter = Annotated[str, Path(max_length=64)]
# An evaluation and the approval after it are one transaction: nobody sees the stage between them.
StageSeen = Literal["candidate", "canary", "promoted", "demoted", "rejected", "withdrawn"]
EndedToo = Annotated[bool, Query(description="also those that were rejected, lapsed or demoted")]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=1000, strip_whitespace=True)]


class PromotionReason(BaseModel):
    model_config = ConfigDict(extra="forbid")

    reason: Reason


class PromotionApproval(PromotionReason):
    """`site_id` is where its canary runs."""

    site_id: Annotated[str, StringConstraints(min_length=1, max_length=64)]


class RunbookMerit(BaseModel):
    """What runs of one version of a runbook come to for a pattern. `success_pct` is the share of
    verified runs that were stable, the older the lighter; null where none was measured. `lacking`
    says what stands between it and a promotion."""

    runbook_id: str
    runbook_version: str
    runbook_digest: str
    runs: int
    watched: int
    stable: int
    failed: int
    recurred: int
    undone: int
    unproved: int
    occurrences: int
    by_l2: int
    success_pct: float | None
    lacking: list[str]


class PatternOut(BaseModel):
    """One kind of incident over the last `days` days; `success_count` lasted."""

    pattern_signature: str
    check: str
    days: int
    total_count: int
    l1_count: int
    l2_count: int
    l3_count: int
    success_count: int
    promotion_eligible: bool
    newest_at: datetime
    runbooks: list[RunbookMerit]


class PatternsOut(BaseModel):
    items: list[PatternOut]
    next_cursor: str | None


class PromotionRuns(BaseModel):
    """Runs that the promotion itself chose: of `decided` ones `stable` lasted and `bad` did not;
    `watched` are still to be decided. Of a promotion that has ended they are forgotten after 400
    days."""

    decided: int
    stable: int
    bad: int
    watched: int


class PromotionOut(BaseModel):
    """`merit` is what it was proposed for, as it stands now. `canary_until` is when its canary may
    be over. `last_reason` and `last_by_name` are those of the last entry of its ledger."""

    id: str
    stage: StageSeen
    check: str
    pattern_signature: str
    runbook_id: str
    runbook_title: str
    runbook_version: str
    runbook_digest: str
    inputs: dict[str, Any]
    merit: RunbookMerit | None
    runs: PromotionRuns
    canary_site_id: str | None
    canary_site_name: str | None
    canary_until: datetime | None
    approved_at: datetime | None
    promoted_at: datetime | None
    created_at: datetime
    changed_at: datetime
    ended_at: datetime | None
    last_reason: str
    last_by_name: str


class PromotionsOut(BaseModel):
    items: list[PromotionOut]
    next_cursor: str | None


class PromotionsWaiting(BaseModel):
    count: int


class PromotionEntry(BaseModel):
    number: int
    step: Step
    at: datetime
    by_id: str
    by_name: str
    reason: str
    detail: dict[str, Any]
    site_id: str | None
    site_name: str | None
    appliance_id: str | None
    appliance_name: str | None


class PromotionStory(PromotionOut):
    """A promotion with its ledger, from the first entry on."""

    ledger: list[PromotionEntry]


class ShadowSite(BaseModel):
    """Where the pattern was met with; a canary needs a site that heals."""

    site_id: str
    name: str
    incidents: int
    heals: bool


class ShadowOut(BaseModel):
    """The last `days` days as if it had been in force. Of `total` incidents of its pattern the
    newest `incidents` were looked at; of these `resolved` give its inputs and `allowed` the policy
    of now lets run, at once or with a person's word: `verdicts` says how often which. In
    `confirmed` its runbook did heal for good, in `contradicted` it did not. `against` is what
    speaks against an approval; nothing where one may be given."""

    days: int
    total: int
    incidents: int
    resolved: int
    allowed: int
    confirmed: int
    contradicted: int
    verdicts: dict[str, int]
    inputs: dict[str, Any]
    sites: list[ShadowSite]
    against: list[str]


@router.get("/patterns")
async def list_patterns(
    session: Viewer, limit: Limit = page.ITEMS_DEFAULT, cursor: Cursor = None
) -> PatternsOut:
    """What incidents and verified runs come to, per pattern, by signature."""
    key = None if cursor is None else page.decode(cursor, str, str)
    after = None if key is None else (str(key[0]), str(key[1]))
    rows = await service.patterns(session, after, limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["pattern_signature"], last["incident_type"])
    return PatternsOut(items=[_pattern(row) for row in rows[:limit]], next_cursor=following)


@router.get("/promotions")
async def list_promotions(
    session: Viewer,
    ended_too: EndedToo = False,
    limit: Limit = page.ITEMS_DEFAULT,
    cursor: Cursor = None,
) -> PromotionsOut:
    """Candidates, canaries and what is in force, newest first."""
    after = page.decode_newest(cursor)
    rows = await service.page(session, ended_too=ended_too, after=after, limit=limit)
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = page.encode(last["created_at"].isoformat(), last["id"])
    return PromotionsOut(
        items=[PromotionOut(**_promotion(row)) for row in rows[:limit]], next_cursor=following
    )


@router.get("/promotions/waiting")
async def count_waiting_promotions(session: Viewer) -> PromotionsWaiting:
    """How many candidates nobody has decided about."""
    return PromotionsWaiting(count=await service.waiting(session))


@router.get("/promotions/{promotion_id}")
async def get_promotion(promotion_id: PromotionParameter, session: Viewer) -> PromotionStory:
    return await _story(session, promotion_id)


@router.get("/promotions/{promotion_id}/shadow")
async def evaluate_promotion(promotion_id: PromotionParameter, session: Viewer) -> ShadowOut:
    """Works out what it would have met with lately; changes nothing."""
    found = await service.evaluate(session, promotion_id)
    counts = found.shadow
    return ShadowOut(
        days=merit.SHADOW_DAYS,
        total=found.total,
        incidents=counts.incidents,
        resolved=counts.resolved,
        allowed=counts.allowed,
        confirmed=counts.confirmed,
        contradicted=counts.contradicted,
        verdicts=dict(found.verdicts),
        inputs=dict(found.inputs),
        sites=[
            ShadowSite(site_id=one.site_id, name=one.name, incidents=one.incidents, heals=one.heals)
            for one in found.sites
        ],
        against=list(found.against),
    )


@router.post("/promotions/{promotion_id}/approve")
async def approve_promotion(
    promotion_id: PromotionParameter,
    body: PromotionApproval,
    session: Approver,
    request: Request,
) -> PromotionStory:
    """Evaluates it once more and, where nothing speaks against it, begins its canary."""
    await service.approve(session, promotion_id, body.site_id, _author(request), body.reason)
    return await _story(session, promotion_id)


@router.post("/promotions/{promotion_id}/reject")
async def reject_promotion(
    promotion_id: PromotionParameter, body: PromotionReason, session: Approver, request: Request
) -> PromotionStory:
    """Turns a candidate down; it has to be earned anew from now on."""
    await service.reject(session, promotion_id, _author(request), body.reason)
    return await _story(session, promotion_id)


@router.post("/promotions/{promotion_id}/demote")
async def demote_promotion(
    promotion_id: PromotionParameter, body: PromotionReason, session: Approver, request: Request
) -> PromotionStory:
    """Ends what is in force; each appliance hears of it at its next check-in."""
    await service.demote(session, promotion_id, _author(request), body.reason)
    return await _story(session, promotion_id)


async def _story(session: Viewer, promotion_id: str) -> PromotionStory:
    row, entries = await service.one(session, promotion_id)
    told = [
        PromotionEntry(**{name: one[name] for name in PromotionEntry.model_fields})
        for one in entries
    ]
    return PromotionStory(**_promotion(row), ledger=told)


def _author(request: Request) -> Author:
    caller = access.caller_of(request)
    return Author(caller.user_id, caller.name)


def _promotion(row: RowMapping) -> dict[str, Any]:
    known = catalogue.runbooks().get(row["runbook_id"])
    approved_at = row["approved_at"]
    plain = {name: row[name] for name in PromotionOut.model_fields if name in row}
    return {
        **plain,
        "check": row["incident_type"],
        "runbook_title": row["runbook_id"] if known is None else known.title,
        "merit": None if row["good"] is None else _merit(row),
        "runs": PromotionRuns(
            decided=row["decided"], stable=row["lasted"], bad=row["bad"], watched=row["pending"]
        ),
        "canary_until": approved_at and approved_at + merit.CANARY,
    }


def _pattern(row: RowMapping) -> PatternOut:
    plain = {name: row[name] for name in PatternOut.model_fields if name in row}
    told = {
        **plain,
        "check": row["incident_type"],
        "days": merit.HORIZON_DAYS,
        "runbooks": [_merit(one) for one in row["runbooks"]],
    }
    return PatternOut(**told)


def _merit(row: Any) -> RunbookMerit:
    plain = {name: row[name] for name in RunbookMerit.model_fields if name in row}
    one = Merit(row["occurrences"], row["by_l2"], row["good"], row["everything"])
    return RunbookMerit(**plain, success_pct=one.success_pct)
