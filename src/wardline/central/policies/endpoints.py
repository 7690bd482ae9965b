"""HTTP: the policy contract under /api/mcp/policy, camelCase, refusals with `detail`."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from wardline.central.identity import access
from wardline.central.identity.access import PolicyAdmin, PolicyReader, PolicyWriter
from wardline.central.policies import service
from wardline.central.policies.service import Expectation
from wardline.central.policies.shelf import Shelf
from wardline.core.canonical import Json
from wardline.core.policy import exact, parse
from wardline.core.policy.parse import RuleInvalid
from wardline.core.policy.rule import Rule

router = APIRouter(prefix="/api/mcp/policy", tags=["policy"])

BULK_KEY = "rules"
# What an export carries beside its rules, so that it is taken back as it is.
EXPORT_KEYS = frozenset({BULK_KEY, "ok"})
EXPORT_NAME = "policies-export.json"
ETAGS_MAX = 16
ETAG_CHARS_MAX = 19


def _takes(description: str) -> dict[str, Any]:
    """The request body as the API's description tells it; the policy itself reads it."""
    schema = {"type": "object", "description": description}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


@router.get("/list")
async def list_rules(session: PolicyReader) -> dict[str, Json]:
    """Every rule of the caller's partner, by id."""
    return {"ok": True, "data": await service.page(session)}


@router.post("/create", openapi_extra=_takes("A rule, or {rules: [...]} for many at once."))
async def create_rule(
    request: Request, response: Response, session: PolicyWriter
) -> dict[str, Json]:
    """Makes a rule or replaces the one with its id; `{rules}` makes all of them or none.

    `If-None-Match: *` refuses to replace (409).
    """
    body = await _body(request)
    expected = Expectation(absent=request.headers.get("if-none-match", "").strip() == "*")
    if isinstance(body, dict) and BULK_KEY in body:
        return {"ok": True, "count": await service.save_all(session, _rules(body), expected)}
    response.headers["etag"] = _etag(await service.save(session, parse.rule(body), expected))
    return {"ok": True}


@router.post("/update", openapi_extra=_takes("The whole rule."))
async def update_rule(
    request: Request, response: Response, session: PolicyWriter
) -> dict[str, Json]:
    """Replaces a rule; `If-Match: "<revision>"` refuses when it has changed since (412)."""
    rule = parse.rule(await _body(request))
    response.headers["etag"] = _etag(await service.update(session, rule, _expected(request)))
    return {"ok": True}


@router.post("/delete", openapi_extra=_takes("{id}: the rule to delete."))
async def delete_rule(request: Request, session: PolicyWriter) -> dict[str, Json]:
    """Takes a rule out of force; `If-Match` as for an update."""
    rule_id = parse.removal(await _body(request))
    await service.delete(session, rule_id, _expected(request))
    return {"ok": True}


@router.post(
    "/test", openapi_extra=_takes("{alert, roles?, at?, rules?, site?, host?}: what to simulate.")
)
async def test_rules(request: Request, session: PolicyReader) -> dict[str, Json]:
    """What would be decided about an alert; nothing is counted or reserved."""
    asked = parse.simulation(await _body(request))
    user_id = access.caller_of(request).user_id
    decision = await service.simulate(session, _shelf(request), asked, user_id)
    return {"ok": True, "decision": exact.plain(decision.to_wire())}


@router.get("/export")
async def export_rules(response: Response, session: PolicyAdmin) -> dict[str, Json]:
    """Every rule as a file, `policies-export.json`; POST /create takes it back."""
    response.headers["content-disposition"] = f'attachment; filename="{EXPORT_NAME}"'
    return {"ok": True, BULK_KEY: await service.export(session)}


def _shelf(request: Request) -> Shelf:
    found: Shelf = request.app.state.policy_shelf
    return found


async def _body(request: Request) -> Json:
    try:
        return orjson.loads(await request.body())
    except orjson.JSONDecodeError as error:
        raise RuleInvalid([("$", f"not JSON (at byte {error.pos})")]) from None


def _rules(body: dict[str, Json]) -> tuple[Rule, ...]:
    unknown = sorted(body.keys() - EXPORT_KEYS)
    if unknown:
        raise RuleInvalid([(exact.shown(name), "unknown key: not permitted") for name in unknown])
    return parse.rules(body[BULK_KEY])


def _etag(revision: int) -> str:
    return f'"{revision}"'


def _expected(request: Request) -> Expectation:
    """What If-Match says; a tag that no revision has matches none."""
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return Expectation()
    tags = [tag.strip().strip('"') for tag in given.split(",")[:ETAGS_MAX]]
    numbers = (tag for tag in tags if tag.isdecimal() and len(tag) <= ETAG_CHARS_MAX)
    return Expectation(revisions=frozenset(int(tag) for tag in numbers))
