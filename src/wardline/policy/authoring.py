"""HTTP: what the policy manager adds to the contract for authors, under /api/v1/policies."""

import asyncio
from typing import Annotated

from fastapi import APIRouter, Request

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import parse
from wardline.policy import analysis, problems, refusals
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
        drafts = await asyncio.to_thread(parse.drafts, await body(request))
        if drafts is None:
            report = await analysis.of_all(store)
        else:
            report = await analysis.of_drafts(store, drafts)
        return {"ok": True, **report.to_wire()}

    @made.post(
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

    return made
