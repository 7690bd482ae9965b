"""HTTP: what the policy manager adds to the contract for authors, under /api/v1/policies."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import parse, replay_body
from wardline.policy import analysis, past, problems, refusals, standing, turns
from wardline.policy.endpoints import ONE_BYTES_MAX, Access, body, takes
from wardline.policy.store import PolicyStore

PREFIX = "/api/v1/policies"


def router(access: Access) -> APIRouter:
    """The routes over the stores that `access` yields."""
    made = APIRouter(
        prefix=PREFIX,
        tags=["policy"],
        route_class=problems.Route,
        responses=refusals.of(*refusals.COMMON),
    )

    @made.post(
        "/analyse",
        openapi_extra=takes("{rules?}: drafts to lay over the rules in force; none: all of these."),
    )
    async def analyse_rules(
        request: Request, store: Annotated[PolicyStore, access.reader]
    ) -> dict[str, Json]:
        """What is certain of the rules: shadowed, duplicate, conflicting, dead, never open or
        unsatisfiable ones; of drafts, what a write of them would answer."""
        given = await body(request)
        with turns.LOOKS.taken(store.owner):
            drafts = await asyncio.to_thread(parse.drafts, given)
            if drafts is None:
                report = await analysis.of_all(store)
            else:
                report = await analysis.of_drafts(store, drafts)
        return {"ok": True, **report.to_wire()}

    _add_preview(made, access)
    _add_standing(made, access)
    _add_replay(made, access)
    return made


def _add_preview(router: APIRouter, access: Access) -> None:
    @router.post(
        "/preview",
        openapi_extra=takes("{id or rule, site?, from?, days?}: whose openings, where and when."),
        responses=refusals.of(404),
    )
    async def preview_rule(
        request: Request, store: Annotated[PolicyStore, access.reader]
    ) -> dict[str, Json]:
        """When a rule is open in the days to come, at a site, as instants and as its clocks show
        them."""
        asked = parse.preview(await body(request, ONE_BYTES_MAX))
        rule = asked.rule or await analysis.rule_in_force(store, asked.rule_id or "")
        place = await store.place(asked.site or rule.scope.site)
        begin = asked.begin or store.now()
        found = await analysis.openings(rule, place, begin, asked.days)
        return {
            "ok": True,
            "zone": place.zone,
            "from": clock.wire(begin),
            "days": asked.days,
            "openings": found,
        }


def _add_standing(router: APIRouter, access: Access) -> None:
    @router.post(
        "/standing",
        openapi_extra=takes("{ids}: the rules of a page, at most 100."),
    )
    async def read_standing(
        request: Request, store: Annotated[PolicyStore, access.reader]
    ) -> dict[str, Json]:
        """Whether each rule is open now, and when that turns; a rule that is gone is left out."""
        ids = parse.standing(await body(request, ONE_BYTES_MAX))
        return {"ok": True, "items": await standing.of_rules(store, ids)}


def _add_replay(router: APIRouter, access: Access) -> None:
    @router.post(
        "/replay",
        openapi_extra=takes(
            "{rules, or put?, remove?, since?, until?, site?}: the rules to replay by, all or some."
        ),
    )
    async def replay_decisions(
        request: Request, store: Annotated[PolicyStore, access.writer]
    ) -> dict[str, Json]:
        """What other rules would have made of past decisions about the kpis that they touch: how
        many turn from which verdict to which, where, by which rule and window, and needing whom.

        `leftOut`: decided by what had been used up, which is not kept. `complete` false: only
        those from `since` on were looked at.
        """
        asked = await asyncio.to_thread(replay_body.read, await body(request))
        return {"ok": True, **await past.replayed(store, asked, request.is_disconnected)}
