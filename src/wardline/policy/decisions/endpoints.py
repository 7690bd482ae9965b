"""HTTP: decisions that count, and what becomes of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi import Path as PathParameter

from wardline.core import clock
from wardline.core.canonical import Json
from wardline.core.policy import parse
from wardline.core.policy.batch import Wanted
from wardline.policy import endpoints as contract
from wardline.policy import refusals
from wardline.policy.decisions import reading
from wardline.policy.decisions import store as stores
from wardline.policy.decisions.reservation import Reservation
from wardline.policy.decisions.store import KEY_CHARS_MAX, DecisionStore

PREFIX = "/api/v1/policies"
ID_CHARS_MAX = 64

DecisionId = Annotated[str, PathParameter(max_length=ID_CHARS_MAX, pattern=r"^[a-z0-9_]+$")]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=KEY_CHARS_MAX,
        pattern=r"^[!-~]+$",
        description="the same key with the same body gets the same answer again, for 24 h",
    ),
]

Trace = Annotated[bool, Query(description="whether each decision tells its checks one by one")]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: two dependencies of FastAPI, each of which yields the caller's DecisionStore or
    raises."""

    reader: Any
    decider: Any


def router(access: Access) -> APIRouter:
    """The routes over the stores that `access` yields."""
    made = APIRouter(
        prefix=PREFIX, tags=["policy"], responses=refusals.of(*refusals.COMMON, 404, 409)
    )

    @made.post(
        "/decide",
        openapi_extra=contract.takes(
            "{alert, action?, site?, host?, initiator?}, or {requests: [...]}."
        ),
    )
    async def decide(
        request: Request,
        store: Annotated[DecisionStore, access.decider],
        idempotency_key: IdempotencyKey = None,
        trace: Trace = True,
    ) -> Response:
        """Decides for real, up to 1,000 requests at once, in their order: what may run now has its
        limits, cooldown and lock reserved until it is started, released or expires."""
        sent = await request.body()
        asked: Sequence[Wanted] | None = reading.at_once(sent)
        if asked is None:
            asked = parse.asked(await contract.body(request))
        key = None if idempotency_key is None else stores.key(idempotency_key, sent)
        answer = await store.decide(asked, key, traced=trace)
        return Response(answer, media_type="application/json")

    _add_steps(made, access)

    @made.get("/uses")
    async def uses(store: Annotated[DecisionStore, access.reader]) -> dict[str, Json]:
        """When each rule decided last, and how often: by decisions that count."""
        return {
            "ok": True,
            "data": [
                {
                    "ruleId": each.rule_id,
                    "lastDecidedAt": clock.wire(each.last_decided_at),
                    "decided": each.decided,
                    "ran": each.ran,
                }
                for each in await store.uses()
            ],
        }

    return made


def _add_steps(router: APIRouter, access: Access) -> None:
    @router.post("/decisions/{decision_id}/started")
    async def started(
        decision_id: DecisionId, store: Annotated[DecisionStore, access.decider]
    ) -> dict[str, Json]:
        """What was decided runs now: the reservation is used. Once it was released or has expired,
        409: decide again."""
        return _told(await store.step(decision_id, Reservation.started))

    @router.post("/decisions/{decision_id}/released")
    async def released(
        decision_id: DecisionId, store: Annotated[DecisionStore, access.decider]
    ) -> dict[str, Json]:
        """What was decided will not run: nothing is used."""
        return _told(await store.step(decision_id, Reservation.released))

    @router.post("/decisions/{decision_id}/ended")
    async def ended(
        decision_id: DecisionId, store: Annotated[DecisionStore, access.decider]
    ) -> dict[str, Json]:
        """What was started runs no more: the next one may. A run of which nobody says so counts as
        one in flight for 12 h."""
        return _told(await store.step(decision_id, Reservation.ended))


def _told(found: tuple[Reservation, Any]) -> dict[str, Json]:
    reservation, now = found
    return {"ok": True, "reservation": reservation.to_wire(now)}
