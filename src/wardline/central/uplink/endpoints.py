"""HTTP: /api/agent/v1, the appliance's side of core.protocol."""

import base64
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from wardline.central.evidence import tree
from wardline.central.fleet import service as fleet
from wardline.central.identity import access
from wardline.central.identity.access import Appliance, ApplianceSession
from wardline.central.identity.server_keys import ServerKeys
from wardline.central.orders import service as orders
from wardline.central.uplink import service
from wardline.central.uplink.conformance import Cases
from wardline.central.uplink.service import Reads
from wardline.central.web import state
from wardline.core import protocol
from wardline.core.mandate import NEWEST
from wardline.core.protocol import (
    CheckinRequest,
    CheckinResponse,
    EnrolRequest,
    EnrolResponse,
    EnvelopeWire,
    EvidenceBatch,
    EvidenceReceipts,
    EvidenceRefusal,
    LeasedOrders,
    OrderKnown,
    OrderLease,
    OrderReport,
    ProofRequest,
    ProofResponse,
)
from wardline.core.snapshot import PolicyReport, PolicyReported

router = APIRouter(prefix=protocol.PREFIX, tags=["appliance"])

SnapshotSchema = Annotated[
    int,
    Query(ge=1, le=1_000, description="newest schema of a policy snapshot that the caller reads"),
]
MandateSchema = Annotated[
    int,
    Query(ge=1, le=1_000, description="newest schema of a mandate that the caller reads"),
]
Nonce = Annotated[str, Query(pattern=r"^[0-9a-f]{32}$")]


def _inline(schema: Any, definitions: dict[str, Any]) -> Any:
    """A JSON schema without references, which an operation can carry by itself."""
    if isinstance(schema, dict):
        if "$ref" in schema:
            return _inline(definitions[schema["$ref"].rpartition("/")[2]], definitions)
        return {key: _inline(item, definitions) for key, item in schema.items() if key != "$defs"}
    if isinstance(schema, list):
        return [_inline(item, definitions) for item in schema]
    return schema


def _body_of(model: type[protocol.Message]) -> dict[str, Any]:
    """The OpenAPI request body of a route that reads the bytes itself."""
    schema = model.model_json_schema()
    content = {"application/json": {"schema": _inline(schema, schema.get("$defs", {}))}}
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/evidence",
    response_model=EvidenceReceipts,
    responses={409: {"model": EvidenceRefusal}, 422: {"model": EvidenceRefusal}},
    openapi_extra=_body_of(EvidenceBatch),
)
async def post_evidence(request: Request, appliance: Appliance) -> Response:
    """Bundles in stream order; each gets a receipt, the same one however often it is sent."""
    receipts = await service.receive_evidence(appliance, await request.body())
    return Response(receipts, media_type="application/json")


@router.post("/checkin")
async def check_in(
    body: CheckinRequest,
    caller: ApplianceSession,
    request: Request,
    snapshot: SnapshotSchema = 1,
    mandate: MandateSchema = 1,
) -> CheckinResponse:
    key = _server_keys(request).policy
    reads = _reads(request, snapshot, mandate)
    return await service.check_in(caller.session, caller.appliance, body, key, reads)


@router.post("/proofs")
async def prove(body: ProofRequest, caller: ApplianceSession) -> ProofResponse:
    """Inclusion of entries of the caller's own site."""
    proofs = await tree.inclusion_proofs(
        caller.session, caller.appliance.site_id, body.size, body.indexes
    )
    return ProofResponse(
        proofs=[[base64.b64encode(item).decode() for item in proof] for proof in proofs]
    )


@router.post("/orders/lease")
async def lease_orders(
    body: OrderLease, caller: ApplianceSession, request: Request
) -> LeasedOrders:
    """The caller's own waiting orders; each is handed out again when nothing is heard of it."""
    appliance = caller.appliance
    lease_s = state.settings(request).order_times.lease_s
    leased = await orders.lease(
        caller.session, appliance.site_id, appliance.appliance_id, body.count, lease_s
    )
    return LeasedOrders(orders=leased, lease_s=lease_s)


@router.post("/orders/report")
async def report_order(body: OrderReport, caller: ApplianceSession) -> OrderKnown:
    """How an order stands; a report that comes twice, or too late to change anything, is no
    error."""
    appliance = caller.appliance
    status = await orders.report(caller.session, appliance.site_id, appliance.appliance_id, body)
    return OrderKnown(order_id=body.order_id, status=status.value)


@router.get("/policy")
async def get_policy(
    request: Request, caller: ApplianceSession, snapshot: SnapshotSchema = 1
) -> EnvelopeWire:
    """The policy snapshot of the caller's site, signed."""
    key = _server_keys(request).policy
    reads = _reads(request, snapshot)
    return await service.get_policy(caller.session, caller.appliance, key, reads)


@router.post("/policy/report")
async def report_policy(body: PolicyReport, caller: ApplianceSession) -> PolicyReported:
    """Which snapshot is in force on the caller, and which one it refused."""
    await fleet.report_policy(caller.session, caller.appliance, body)
    return PolicyReported()


@router.get("/keys", dependencies=[access.PUBLIC])
async def get_keys(request: Request, nonce: Nonce) -> protocol.ServerKeys:
    """Central's public keys, signed over the nonce."""
    return _server_keys(request).wire(nonce)


@router.post("/enrol", dependencies=[access.PUBLIC])
async def enrol(body: EnrolRequest, request: Request) -> EnrolResponse:
    """Spends an enrolment token."""
    gate = await fleet.admit(
        state.engine(request), state.now(request), state.address(request), body
    )
    return await service.enrol(gate, _server_keys(request).installation_id, body)


def _reads(request: Request, snapshot: int, mandate_schema: int = 1) -> Reads:
    """What the caller can take, of what this Central can give."""
    cases: Cases = request.app.state.policy_cases
    return Reads(min(snapshot, protocol.POLICY_SCHEMA_NEWEST), cases, min(mandate_schema, NEWEST))


def _server_keys(request: Request) -> ServerKeys:
    found: ServerKeys = request.app.state.server_keys
    return found
