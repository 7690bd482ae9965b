"""HTTP: the policy contract under /api/mcp/policy, camelCase, refusals with `detail`."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Query, Request, Response

from wardline.core.canonical import Json
from wardline.core.policy import exact, parse
from wardline.core.policy.compiled import Compiled
from wardline.core.policy.rule import Rule
from wardline.core.policy.wire import SimulationWire
from wardline.policy import analysis, bodies, past, problems, refusals, strict_json, turns
from wardline.policy.bodies import BodyTooLarge
from wardline.policy.store import Expectation, PolicyStore, RuleInvalid

PREFIX = "/api/mcp/policy"
BULK_KEY = "rules"
# What an export carries beside its rules, so that it is taken back as it is.
EXPORT_KEYS = frozenset({BULK_KEY, "ok"})
EXPORT_NAME = "policies-export.json"
# While a body of more than this is read, others are answered.
AT_ONCE_BYTES_MAX = 64 * 1024
# A rule or a question alone, however it is spaced and escaped.
ONE_BYTES_MAX = 1 << 20
ETAGS_MAX = 16
ETAG_CHARS_MAX = 19
REASON_CHARS_MAX = 500

Reason = Annotated[
    str | None, Query(max_length=REASON_CHARS_MAX, description="why; kept with the revision")
]


@dataclass(frozen=True, slots=True)
class Access:
    """Who may: three dependencies of FastAPI, each of which yields the caller's PolicyStore or
    raises. A writer may read and an admin may write."""

    reader: Any
    writer: Any
    admin: Any


def router(access: Access) -> APIRouter:
    """The contract's routes over the stores that `access` yields."""
    made = APIRouter(
        prefix=PREFIX,
        tags=["policy"],
        route_class=problems.Route,
        responses=refusals.of(*refusals.COMMON),
    )
    _add_reads(made, access)
    _add_writes(made, access)
    _add_removal(made, access)
    return made


def takes(description: str) -> dict[str, Any]:
    """The request body as the API's description tells it; the policy itself reads it."""
    schema = {"type": "object", "description": description}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def _add_reads(router: APIRouter, access: Access) -> None:
    @router.get("/list")
    async def list_rules(store: Annotated[PolicyStore, access.reader]) -> dict[str, Json]:
        """Every rule of the caller's, by id."""
        return {"ok": True, "data": await store.rules()}

    @router.post(
        "/test",
        openapi_extra=takes("{alert, roles?, at?, rules?, site?, host?}: what to simulate."),
    )
    async def test_rules(
        request: Request, store: Annotated[PolicyStore, access.reader]
    ) -> dict[str, Json]:
        """What would be decided about an alert, and what would unlock it; nothing is counted or
        reserved."""
        asked = parse.simulation(await body(request))
        is_draft = asked.rules is not None
        with turns.LOOKS.taken(store.owner) if is_draft else contextlib.nullcontext():
            return await _simulated(store, asked)

    @router.get("/export")
    async def export_rules(
        response: Response, store: Annotated[PolicyStore, access.admin]
    ) -> dict[str, Json]:
        """Every rule as a file, `policies-export.json`; POST /create takes it back."""
        response.headers["content-disposition"] = f'attachment; filename="{EXPORT_NAME}"'
        return {"ok": True, BULK_KEY: await store.export()}


def _add_writes(router: APIRouter, access: Access) -> None:
    @router.post(
        "/create",
        openapi_extra=takes("A rule, or {rules: [...]} for many at once."),
        responses=refusals.of(409),
    )
    async def create_rule(
        request: Request,
        response: Response,
        store: Annotated[PolicyStore, access.writer],
        reason: Reason = None,
    ) -> dict[str, Json]:
        """Makes a rule or replaces the one with its id; `{rules}` makes all of them or none.

        `If-None-Match: *` refuses to replace (409). `findings`: what the analysis says of them;
        `deniedToRun`: how many of the last `pastDecisions` were denials that would now run.
        """
        given = await body(request)
        expected = Expectation(absent=request.headers.get("if-none-match", "").strip() == "*")
        if isinstance(given, dict) and BULK_KEY in given:
            # Reading ten thousand rules takes most of a second, in which others are answered.
            rules = await asyncio.to_thread(_rules, given)
            before = await store.current()
            count = await store.save_all(rules, expected, reason=clean(reason))
            return {"ok": True, "count": count, **await _told(store, before, rules)}
        rule = parse.rule(given)
        before = await store.current()
        revision = await store.save(rule, expected, reason=clean(reason))
        response.headers["etag"] = tag(revision)
        return {"ok": True, **await _told(store, before, [rule])}

    @router.post("/update", openapi_extra=takes("The whole rule."), responses=refusals.of(404, 412))
    async def update_rule(
        request: Request,
        response: Response,
        store: Annotated[PolicyStore, access.writer],
        reason: Reason = None,
    ) -> dict[str, Json]:
        """Replaces a rule; `If-Match: "<revision>"` refuses when it has changed since (412)."""
        rule = parse.rule(await body(request, ONE_BYTES_MAX))
        before = await store.current()
        revision = await store.update(rule, _expected(request), reason=clean(reason))
        response.headers["etag"] = tag(revision)
        return {"ok": True, **await _told(store, before, [rule])}


def _add_removal(router: APIRouter, access: Access) -> None:
    @router.post(
        "/delete", openapi_extra=takes("{id}: the rule to delete."), responses=refusals.of(404, 412)
    )
    async def delete_rule(
        request: Request, store: Annotated[PolicyStore, access.writer], reason: Reason = None
    ) -> dict[str, Json]:
        """Takes a rule out of force; `If-Match` as for an update. `deniedToRun` as for a write."""
        rule_id = parse.removal(await body(request, ONE_BYTES_MAX))
        before = await store.current()
        await store.delete(rule_id, _expected(request), reason=clean(reason))
        return {"ok": True, **await past.of_saved(store, before, (), (rule_id,))}


async def _simulated(store: PolicyStore, asked: SimulationWire) -> dict[str, Json]:
    simulated = await store.simulate(asked)
    answer = {"ok": True, "decision": exact.plain(simulated.decision.to_wire())}
    if simulated.decision.execute:
        return answer
    unlocks = await asyncio.to_thread(simulated.unlocks)
    return {**answer, "unlock": [unlock.to_wire() for unlock in unlocks]}


async def _told(store: PolicyStore, before: Compiled, rules: Sequence[Rule]) -> dict[str, Json]:
    """What a write tells besides: what is certain of the rules, and what the past says of them."""
    found = await analysis.of_saved(store, rules)
    return {**found, **await past.of_saved(store, before, rules)}


async def body(request: Request, bytes_max: int = bodies.BYTES_MAX) -> Json:
    """The JSON of a request; raises RuleInvalid, BodyTooLarge."""
    sent = await request.body()
    if len(sent) > bytes_max:
        raise BodyTooLarge(f"body: at most {bytes_max} bytes are taken here")
    try:
        if len(sent) <= AT_ONCE_BYTES_MAX:
            return strict_json.loads(sent)
        return await asyncio.to_thread(strict_json.loads, sent)
    except orjson.JSONDecodeError as error:
        raise RuleInvalid([("$", f"not JSON (at byte {error.pos})")]) from None
    except RecursionError:
        raise RuleInvalid([("$", "nested too deeply")]) from None
    except strict_json.RepeatedKey as repeated:
        raise RuleInvalid([(exact.shown(repeated.key), "stands in one object twice")]) from None


def _rules(given: dict[str, Json]) -> tuple[Rule, ...]:
    unknown = sorted(given.keys() - EXPORT_KEYS)
    if unknown:
        raise RuleInvalid([(exact.shown(name), "unknown key: not permitted") for name in unknown])
    return parse.rules(given[BULK_KEY])


def clean(reason: str | None) -> str | None:
    """A reason as it is kept; raises RuleInvalid."""
    told = (reason or "").strip()
    if not all(letter.isprintable() for letter in told):
        raise RuleInvalid([("reason", "must be printable text on one line")])
    return told or None


def tag(revision: int) -> str:
    """The entity tag of what a revision left."""
    return f'"{revision}"'


def _expected(request: Request) -> Expectation:
    """What If-Match says; a tag that no revision has matches none."""
    given = request.headers.get("if-match")
    return Expectation() if given is None else Expectation(revisions=tagged(given))


def tagged(given: str) -> frozenset[int] | None:
    """The revisions that an If-Match names; None where it takes any."""
    if given.strip() == "*":
        return None
    tags = [one.strip().strip('"') for one in given.split(",")[:ETAGS_MAX]]
    numbers = (one for one in tags if one.isdecimal() and len(one) <= ETAG_CHARS_MAX)
    return frozenset(int(one) for one in numbers)
