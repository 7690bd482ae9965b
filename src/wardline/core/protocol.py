"""Every message between an appliance and Central: versioned JSON, unknown keys refused.

Times are `clock.wire` texts, bytes are standard base64 with padding, hashes and digests lower hex.
"""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

PREFIX = "/api/agent/v1"
VERSION = 1

ENVELOPES_PER_BATCH_MAX = 100
BATCH_BYTES_MAX = 1 << 20
# What a compressed body may grow to: a batch and its JSON, with room, and never more.
BODY_BYTES_MAX = 4 << 20
HOSTS_PER_APPLIANCE_MAX = 500
HOLDS_PER_REPORT_MAX = 500
FREEZES_PER_REPORT_MAX = 100
STOPS_PER_REPORT_MAX = 100
# One of the partner and one of the site: of each there is one at a time.
FREEZES_OBEYED_MAX = 2
ORDERS_PER_LEASE_MAX = 20
ORDER_LEASE_S = 120
PROOFS_PER_REQUEST_MAX = 200
CHECKIN_INTERVAL_S = 60
CHECKIN_SPLAY_S = 15
TOKEN_LIFETIME_S = 24 * 3600

# Schema of a policy snapshot → payload type of its envelope. An appliance says which is the newest
# that it reads, in the query of a check-in and of GET /policy; who says nothing gets the first.
POLICY_PAYLOAD_TYPE = "application/vnd.wardline.policy.snapshot+json;version=1"
POLICY_PAYLOAD_TYPES = {
    1: POLICY_PAYLOAD_TYPE,
    2: "application/vnd.wardline.policy.snapshot+json;version=2",
}
POLICY_SCHEMA_NEWEST = 2
KEYS_CONTEXT = b"wardline-keys-v1\n"
ENROL_CONTEXT = b"wardline-enrol-v1\n"

Text64 = Annotated[str, StringConstraints(min_length=1, max_length=64)]
Text255 = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Hex64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Key64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{43}=$")]
Signature64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]{86}==$")]
Count = Annotated[int, Field(ge=0, le=2**53 - 1)]
Ordinal = Annotated[int, Field(ge=1, le=2**53 - 1)]


class Message(BaseModel):
    """Strict by default: no unknown keys, no coercion."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class KeyPurpose(StrEnum):
    """What a key of Central's signs; a key has one purpose."""

    UPLINK = "uplink"
    LOG = "log"
    POLICY = "policy"
    ORDER = "order"


class ServerKey(Message):
    purpose: Annotated[KeyPurpose, Field(strict=False)]
    public: Key64


class ServerKeys(Message):
    """GET /keys?nonce=<32 hex>: public; `signature` is the uplink key's over
    KEYS_CONTEXT + nonce + fingerprint (ASCII), which shows that the answerer holds it."""

    v: Literal[1] = 1
    installation_id: Text64
    keys: Annotated[list[ServerKey], Field(min_length=4, max_length=8)]
    tls_ca_pem: str | None
    signature: Signature64


class HostReport(Message):
    """A host as its appliance declares it; `observed` hosts are never changed, and one that is only
    `declared` is not reached yet."""

    id: Text64
    name: Text255
    kind: Literal["local", "tree", "ssh", "declared"]
    platform: Text64
    observed: bool


class Stream(Message):
    """Where an appliance's stream stands at Central: what it expects next."""

    epoch: Ordinal
    next_seq: Ordinal
    prev: Hex64


class EnrolRequest(Message):
    """POST /enrol. `proof`: the evidence key over ENROL_CONTEXT + token id + "\\n" + public + "\\n"
    + witness (the base64 texts)."""

    v: Literal[1] = 1
    token_id: Text64
    token_secret: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    public: Key64
    witness: Key64
    proof: Signature64
    hostname: Text255
    platform: Text64
    agent_version: Text64
    hosts: Annotated[list[HostReport], Field(max_length=HOSTS_PER_APPLIANCE_MAX)]


class EnrolResponse(Message):
    v: Literal[1] = 1
    appliance_id: Text64
    site_id: Text64
    site_name: Text255
    credential: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}$")]
    log_origin: Text255
    stream: Stream


class SignatureWire(Message):
    keyid: Text64
    sig: str


class EnvelopeWire(Message):
    """A DSSE envelope in its JSON form."""

    payload: str
    payloadType: Text255  # noqa: N815 (DSSE's own spelling)
    signatures: Annotated[list[SignatureWire], Field(min_length=1, max_length=1)]


class QueueReport(Message):
    pending: Count
    quarantined: Count
    oldest_at: str | None


class HoldReport(Message):
    """A hold as the appliance keeps it: named by host, check, runbook and when it was set.

    `incident_id` is the incident that it escalated. `cleared_by` says who ended it: a user's id,
    or `appliance:<account>` for a person at the appliance itself.
    """

    host_id: Text64
    check: Text255
    runbook_id: Text255
    suppressed_at: Text64
    reason: Annotated[str, StringConstraints(max_length=1000)]
    incident_id: Text64 | None
    cleared_at: Text64 | None
    cleared_by: Text255 | None
    clear_reason: Annotated[str, StringConstraints(max_length=1000)] | None


class FreezeReport(Message):
    """A freeze that a person set at the appliance itself; named there by when it was set.

    `frozen_by` and `lifted_by` are `appliance:<account>`.
    """

    frozen_at: Text64
    frozen_by: Text255
    reason: Annotated[str, StringConstraints(max_length=1000)]
    lifted_at: Text64 | None
    lifted_by: Text255 | None
    lift_reason: Annotated[str, StringConstraints(max_length=1000)] | None


class StopReport(Message):
    """A version of a rule or runbook that an appliance stopped over its own runs.

    `version` is a rule's revision in digits, or a runbook's digest. `incident_id` is the incident
    whose run was one too many. `released_by` is `appliance:<account>`, or who released it at
    Central.
    """

    id: Text64
    kind: Literal["rule", "runbook"]
    name: Text255
    version: Text64
    stopped_at: Text64
    failed: Count
    runs: Count
    incident_id: Text64
    released_at: Text64 | None
    released_by: Text255 | None
    release_reason: Annotated[str, StringConstraints(max_length=1000)] | None


class CheckinRequest(Message):
    """POST /checkin. `etag` is the one of the last answer that was applied.

    `holds` are those that are new or changed since a check-in with them was answered, at most
    HOLDS_PER_REPORT_MAX, oldest change first; so are `freezes`, at most FREEZES_PER_REPORT_MAX,
    and `stops`, at most STOPS_PER_REPORT_MAX.
    `obeyed` are the freezes of Central's that are in force here.
    """

    v: Literal[1] = 1
    agent_version: Text64
    etag: Text64 | None
    hosts: Annotated[list[HostReport], Field(max_length=HOSTS_PER_APPLIANCE_MAX)]
    stream: Stream
    queue: QueueReport
    witnessed_size: Count
    cosignatures: Annotated[list[str], Field(max_length=8)] = []
    holds: Annotated[list[HoldReport], Field(max_length=HOLDS_PER_REPORT_MAX)] = []
    freezes: Annotated[list[FreezeReport], Field(max_length=FREEZES_PER_REPORT_MAX)] = []
    obeyed: Annotated[list[Text64], Field(max_length=FREEZES_OBEYED_MAX)] = []
    stops: Annotated[list[StopReport], Field(max_length=STOPS_PER_REPORT_MAX)] = []


class PolicyHead(Message):
    """Names the snapshot that GET /policy gives; fetched when the digest is not the one held."""

    epoch: Ordinal
    revision: Count
    settings_revision: Ordinal
    digest: Hex64


class LogUpdate(Message):
    """The newest checkpoint (a signed note) and its consistency proof from `witnessed_size`."""

    checkpoint: str
    proof: Annotated[list[str], Field(max_length=64)]


class CheckinResponse(Message):
    """Only what changed since `etag`: `policy` and `mandate` are null when it did not. `mandate` is
    a `core.mandate` payload. `orders` are waiting to be leased; every hold and every freeze of the
    request has been taken."""

    v: Literal[1] = 1
    etag: Text64
    server_time: str
    stream: Stream
    policy: PolicyHead | None
    log: LogUpdate | None
    interval_s: Ordinal
    orders: Count = 0
    mandate: EnvelopeWire | None = None


class EvidenceBatch(Message):
    """POST /evidence: at most 100 envelopes or 1 MiB, in stream order, one epoch."""

    v: Literal[1] = 1
    envelopes: Annotated[
        list[EnvelopeWire], Field(min_length=1, max_length=ENVELOPES_PER_BATCH_MAX)
    ]
    witnessed_size: Count
    cosignatures: Annotated[list[str], Field(max_length=8)] = []


class Receipt(Message):
    """Immutable: the same bundle gets the same receipt for ever."""

    epoch: Ordinal
    seq: Ordinal
    index: Count
    leaf_hash: Hex64
    received_ms: Count


class EvidenceReceipts(Message):
    v: Literal[1] = 1
    receipts: list[Receipt]
    stream: Stream
    log: LogUpdate | None


class EvidenceProblem(StrEnum):
    """`code` of a refused batch; `position` names the first envelope that it is about."""

    BEHIND = "behind"  # 409: seq is ahead of `expected`: rewind and send from there
    CONFLICT = "conflict"  # 409: other bytes under a (epoch, seq) that is taken; both are kept
    POISON = "poison"  # 422: this envelope can never be accepted
    EPOCH = "epoch"  # 409: an epoch that is not enrolled


class EvidenceRefusal(Message):
    """The problem-details body (RFC 9457) of a refused batch; nothing of the batch was stored,
    except the equivocating envelope of a `conflict`."""

    type: str
    title: str
    status: int
    detail: str
    code: Annotated[EvidenceProblem, Field(strict=False)]
    position: Count
    expected: Stream | None


class ProofRequest(Message):
    """POST /proofs: inclusion of these entries under the checkpoint of `size`."""

    v: Literal[1] = 1
    size: Ordinal
    indexes: Annotated[list[Count], Field(min_length=1, max_length=PROOFS_PER_REQUEST_MAX)]


class ProofResponse(Message):
    v: Literal[1] = 1
    proofs: list[list[str]]


class OrderLease(Message):
    """POST /orders/lease: the caller's own waiting orders, oldest first, are handed to it."""

    v: Literal[1] = 1
    count: Annotated[int, Field(ge=1, le=ORDERS_PER_LEASE_MAX)]


class LeasedOrders(Message):
    """Each envelope holds a `core.orders` payload. What is not reported on within `lease_s` is
    handed out again, which an appliance that knows the order answers with what it did."""

    v: Literal[1] = 1
    orders: list[EnvelopeWire]
    lease_s: Ordinal


class OrderReport(Message):
    """POST /orders/report: how an order stands on the appliance. Sent again, it changes nothing.

    `detail` is scrubbed. `epoch` and `seq` name the bundle that tells of the run.
    """

    v: Literal[1] = 1
    order_id: Text64
    status: Literal["running", "succeeded", "failed", "expired"]
    code: Text64
    detail: Annotated[str, StringConstraints(max_length=1000)]
    at: Text64
    epoch: Ordinal | None
    seq: Ordinal | None


class OrderKnown(Message):
    """Where the order stands at Central after a report; a final state is never changed by one."""

    v: Literal[1] = 1
    order_id: Text64
    status: Text64


class OpeningHours(Message):
    """Days 0 = Sunday to 6 = Saturday; wall clock of the site's zone, end inclusive."""

    days: Annotated[list[Annotated[int, Field(ge=0, le=6)]], Field(min_length=1, max_length=7)]
    start: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, StringConstraints(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def fingerprint_text(
    installation_id: str, keys: list[ServerKey], tls_ca_sha256: str | None
) -> bytes:
    """The bytes whose hex SHA-256 is the server keys' fingerprint (in the enrolment token)."""
    lines = sorted(f"{key.purpose.value} {key.public}" for key in keys)
    return "\n".join(
        ["wardline-server-keys-v1", installation_id, *lines, tls_ca_sha256 or "-", ""]
    ).encode()


def token_text(token_id: str, secret: str, fingerprint: str) -> str:
    """What a person pastes: `wl1.<id>.<secret>.<fingerprint>`."""
    return f"wl1.{token_id}.{secret}.{fingerprint}"
