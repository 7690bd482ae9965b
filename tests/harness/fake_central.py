"""Central as an appliance sees it, with a real log and real signatures, but no database behind it.

It stands at the network edge of the agent's tests: through a MockTransport, or on loopback HTTP
for an agent in a process of its own. `odd` answers replace the true ones, one per request.
"""

import base64
import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx2

from tests.harness import fake_policy
from tests.harness.fake_mandates import FakeMandates
from tests.harness.fake_orders import FakeOrders
from wardline.agent.runbooks import runbook
from wardline.core import clock, ids, protocol
from wardline.core.evidence import bundle, checkpoint, log, signing
from wardline.core.evidence.bundle import Bundle, Kind
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.policy import parse, seeds

_text = signing.base64_text
Answer = tuple[int, dict[str, Any], dict[str, str]]
Odd = Callable[[str, dict[str, Any]], Answer | None]


@dataclass
class Stored:
    """A bundle that was accepted, at its place in the log."""

    bundle: Bundle
    envelope: Envelope
    index: int
    leaf: bytes
    received_ms: int
    times: int = 1


@dataclass
class FakeCentral:
    """One site, one appliance, one stream per epoch."""

    healing: str = "observe"
    revision: int = 1
    settings_revision: int = 1
    policy_epoch: int = 1
    opening_hours: list[dict[str, Any]] = field(default_factory=list)
    rules: list[dict[str, Any]] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)
    requests: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    stored: list[Stored] = field(default_factory=list)
    cosigned: list[tuple[int, str]] = field(default_factory=list)
    refused_cosignatures: list[str] = field(default_factory=list)
    orders: FakeOrders = field(default_factory=FakeOrders)
    holds: list[dict[str, Any]] = field(default_factory=list)
    mandates: FakeMandates = field(default_factory=FakeMandates)
    policy_reports: list[dict[str, Any]] = field(default_factory=list)
    # The newest schema of a snapshot that it speaks, and what is wrong with what it seals.
    snapshot_schema: int = 1
    odd_snapshot: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.installation = "inst_test"
        self.keys = {purpose: SigningKey.generate() for purpose in protocol.KeyPurpose}
        self.token_secret = "s" * 43
        self.token_used = False
        self.credential = "c" * 43
        self.site, self.appliance = ids.site(), ids.appliance()
        self.origin = checkpoint.log_origin(self.installation, self.site)
        self.evidence_key = b""
        self.witness_key = b""
        self.hosts: set[str] = set()
        self.epoch = 1
        self.streams: dict[int, tuple[int, str]] = {}
        self.leaves: list[bytes] = []
        self.tls_ca_pem: str | None = None
        self.tls_ca_sha256: str | None = None
        self.lock = threading.Lock()
        if not self.rules:
            books = runbook.registry().values()
            made = seeds.rules_for_runbooks([(b.id, b.check, b.risk.value) for b in books])
            self.rules = [parse.to_wire(rule) for rule in made]

    def __getstate__(self) -> dict[str, Any]:
        """Without what belongs to a process."""
        left_out = {"lock", "odd", "answer"}
        state = {name: value for name, value in self.__dict__.items() if name not in left_out}
        seeds_of = {purpose: key.seed for purpose, key in self.keys.items()}
        return {**state, "keys": seeds_of}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.Lock(), odd=[])
        self.keys = {name: SigningKey.from_seed(seed) for name, seed in state["keys"].items()}

    @property
    def token(self) -> str:
        return protocol.token_text("tok_1", self.token_secret, self.fingerprint())

    def fingerprint(self) -> str:
        text = protocol.fingerprint_text(self.installation, self._server_keys(), self.tls_ca_sha256)
        return hashlib.sha256(text).hexdigest()

    def seqs(self, epoch: int = 1) -> list[int]:
        return [one.bundle.seq for one in self.stored if one.bundle.epoch == epoch]

    def records(self, check: str) -> list[bundle.IncidentRecord]:
        """What the log tells of a check's incidents, in order."""
        return [told for one in self.stored for told in one.bundle.incidents if told.check == check]

    def forget_after(self, seq: int) -> None:
        """As if restored from a backup that was made after this bundle; same generation."""
        self.stored = [one for one in self.stored if one.bundle.seq <= seq]
        self.leaves = self.leaves[: 1 + len(self.stored)]
        last = self.stored[-1]
        prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, last.envelope.payload)
        self.streams[self.epoch] = (seq + 1, prev)

    def transport(self) -> httpx2.MockTransport:
        def handle(request: httpx2.Request) -> httpx2.Response:
            status, body, headers = self.answer(
                request.method,
                request.url.path,
                dict(request.url.params),
                request.read(),
                {key.lower(): value for key, value in request.headers.items()},
            )
            return httpx2.Response(status, json=body, headers=headers)

        return httpx2.MockTransport(handle)

    def answer(
        self, method: str, path: str, params: dict[str, str], body: bytes, headers: dict[str, str]
    ) -> Answer:
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        sent: dict[str, Any] = json.loads(body) if body else dict(params)
        name = path.removeprefix(protocol.PREFIX)
        with self.lock:
            self.requests.append((name, sent))
            for odd in list(self.odd):
                answered = odd(name, sent)
                if answered is not None:
                    self.odd.remove(odd)
                    return answered
            if name not in ("/keys", "/enrol") and (
                headers.get("authorization") != f"Bearer {self.credential}"
            ):
                return problem(401, "not signed in")
            known = {
                "/keys": self._keys,
                "/enrol": self._enrol,
                "/checkin": self._checkin,
                "/policy": self._policy,
                "/evidence": self._evidence,
                "/proofs": self._proofs,
                "/orders/lease": self._lease,
                "/orders/report": self._report,
                "/policy/report": self._policy_report,
            }
            return known[name](sent)

    def _server_keys(self) -> list[protocol.ServerKey]:
        return [
            protocol.ServerKey(purpose=purpose, public=_text(key.public))
            for purpose, key in self.keys.items()
        ]

    def _keys(self, sent: dict[str, Any]) -> Answer:
        signed = protocol.KEYS_CONTEXT + sent["nonce"].encode() + self.fingerprint().encode()
        answer = protocol.ServerKeys(
            installation_id=self.installation,
            keys=self._server_keys(),
            tls_ca_pem=self.tls_ca_pem,
            signature=_text(self.keys[protocol.KeyPurpose.UPLINK].sign(signed)),
        )
        return 200, answer.model_dump(mode="json"), {}

    def _enrol(self, sent: dict[str, Any]) -> Answer:
        if self.token_used or sent["token_secret"] != self.token_secret:
            return problem(422, "this enrolment token was used already")
        self.token_used = True
        self.evidence_key = base64.b64decode(sent["public"])
        self.witness_key = base64.b64decode(sent["witness"])
        proof = protocol.ENROL_CONTEXT + f"tok_1\n{sent['public']}\n{sent['witness']}".encode()
        assert signing.VerifyKey(self.evidence_key).verify(proof, base64.b64decode(sent["proof"]))
        self.hosts |= {host["id"] for host in sent["hosts"]}
        self.streams[1] = (1, bundle.NO_PREV)
        self._append(
            log.key_entry(
                EntryKind.KEY_ENROL, self.site, self.appliance, self.evidence_key, 1,
                epoch=1, witness=self.witness_key,
            )
        )  # fmt: skip
        return 200, {
            "v": 1,
            "appliance_id": self.appliance,
            "site_id": self.site,
            "site_name": "Test clinic",
            "credential": self.credential,
            "log_origin": self.origin,
            "stream": self._stream(1),
        }, {}  # fmt: skip

    def _checkin(self, sent: dict[str, Any]) -> Answer:
        self.hosts |= {host["id"] for host in sent["hosts"]}
        self._cosignatures(sent)
        self.holds += sent["holds"]
        self.mandates.hear(sent)
        if sent["stream"]["epoch"] == self.epoch + 1:
            self.epoch += 1
            self.streams[self.epoch] = (1, bundle.NO_PREV)
        payload = self.snapshot()
        policy = f"{self.policy_epoch}.{self.revision}.{self.settings_revision}"
        etag = f"{policy}.{self.mandates.count}.{self.snapshot_schema}"
        head = {
            "epoch": self.policy_epoch,
            "revision": self.revision,
            "settings_revision": self.settings_revision,
            "digest": hashlib.sha256(payload).hexdigest(),
        }
        return 200, {
            "v": 1,
            "etag": etag,
            "server_time": clock.wire(datetime.now(UTC)),
            "stream": self._stream(self.epoch),
            "policy": None if sent["etag"] == etag else head,
            "log": self.log_update(sent["witnessed_size"]),
            "interval_s": 60,
            "orders": self.orders.waiting(),
            "mandate": None if sent["etag"] == etag else self.mandates.wire(self),
        }, {}  # fmt: skip

    def snapshot(self, **changes: Any) -> bytes:
        return fake_policy.snapshot(self, **changes)

    def cases(self) -> dict[str, Any]:
        return fake_policy.cases(self.rules, self.revision)

    def sealed(self, payload: bytes, key: SigningKey | None = None) -> dict[str, Any]:
        signer = key or self.keys[protocol.KeyPurpose.POLICY]
        return signing.sign(
            signer, protocol.POLICY_PAYLOAD_TYPES[self.snapshot_schema], payload
        ).to_wire()

    def _policy_report(self, sent: dict[str, Any]) -> Answer:
        self.policy_reports.append(sent)
        return 200, {"v": 1}, {}

    def _policy(self, sent: dict[str, Any]) -> Answer:
        return 200, self.sealed(self.snapshot()), {}

    def _evidence(self, sent: dict[str, Any]) -> Answer:
        self._cosignatures(sent)
        receipts = []
        for position, wire in enumerate(sent["envelopes"]):
            refused = self._take(position, wire)
            if refused is not None:
                return refused
            payload = base64.b64decode(wire["payload"])
            receipts.append(self._receipt(bundle.parse(payload)))
        return 200, {
            "v": 1,
            "receipts": receipts,
            "stream": self._stream(receipts[0]["epoch"]),
            "log": self.log_update(sent["witnessed_size"]),
        }, {}  # fmt: skip

    def _take(self, position: int, wire: dict[str, Any]) -> Answer | None:
        envelope = Envelope.from_wire(wire)
        signing.open_envelope(envelope, signing.VerifyKey(self.evidence_key), bundle.PAYLOAD_TYPE)
        sent = bundle.parse(envelope.payload)
        if sent.epoch not in self.streams:
            return refusal("epoch", position, "its epoch is not enrolled")
        if sent.host_id is not None and sent.host_id not in self.hosts:
            return refusal("poison", position, "host not declared", status=422)
        known = self._find(sent.epoch, sent.seq)
        if known is not None:
            if known.envelope.payload != envelope.payload:
                return refusal("conflict", position, "other bytes", self._stream(sent.epoch))
            known.times += 1
            return None
        next_seq, prev = self.streams[sent.epoch]
        bridged = sent.kind is Kind.GAP and (sent.note or {}).get("first_seq") == next_seq
        if sent.seq != next_seq and not bridged:
            return refusal("behind", position, "ahead of the stream", self._stream(sent.epoch))
        if sent.prev != prev:
            return refusal("poison", position, "prev is another", status=422)
        received_ms = clock.milliseconds(datetime.now(UTC))
        kind = EntryKind.GAP if sent.kind is Kind.GAP else EntryKind.BUNDLE
        leaf = self._append(
            Entry(
                kind=kind, site=sent.site_id, appliance=sent.appliance_id, host=sent.host_id,
                epoch=sent.epoch, seq=sent.seq,
                payload_sha256=hashlib.sha256(envelope.payload).hexdigest(),
                payload_len=len(envelope.payload), sig=envelope.sig, kid=envelope.keyid,
                received_ms=received_ms,
            )
        )  # fmt: skip
        self.stored.append(Stored(sent, envelope, len(self.leaves) - 1, leaf, received_ms))
        chained = bundle.chain_hash(bundle.PAYLOAD_TYPE, envelope.payload)
        self.streams[sent.epoch] = (sent.seq + 1, chained)
        return None

    def _proofs(self, sent: dict[str, Any]) -> Answer:
        leaves = self.leaves[: sent["size"]]
        proofs = [
            [_text(one) for one in log.inclusion_proof(index, sent["size"], _nodes(leaves))]
            for index in sent["indexes"]
        ]
        return 200, {"v": 1, "proofs": proofs}, {}

    def _lease(self, sent: dict[str, Any]) -> Answer:
        return 200, {"v": 1, "orders": self.orders.lease(sent["count"]), "lease_s": 120}, {}

    def _report(self, sent: dict[str, Any]) -> Answer:
        if (status := self.orders.report(sent)) is None:
            return problem(404, "no such order of this appliance")
        return 200, {"v": 1, "order_id": sent["order_id"], "status": status}, {}

    def log_update(self, witnessed: int) -> dict[str, Any]:
        """The head of now, and its growth from what was witnessed."""
        note = self.note(self.leaves)
        proof: list[bytes] = []
        if 0 < witnessed < len(self.leaves):
            proof = log.consistency_proof(witnessed, len(self.leaves), _nodes(self.leaves))
        return {"checkpoint": note, "proof": [_text(one) for one in proof]}

    def note(self, leaves: list[bytes]) -> str:
        head = Checkpoint(self.origin, len(leaves), log.root_from_leaves(leaves))
        return checkpoint.sign_note(head.body(), self.origin, self.keys[protocol.KeyPurpose.LOG])

    def _append(self, entry: Entry) -> bytes:
        leaf = log.leaf_hash(log.entry_bytes(entry))
        self.leaves.append(leaf)
        return leaf

    def _cosignatures(self, sent: dict[str, Any]) -> None:
        for line in sent["cosignatures"]:
            size = sent["witnessed_size"]
            head = Checkpoint(self.origin, size, log.root_from_leaves(self.leaves[:size]))
            name = checkpoint.witness_name(self.appliance)
            try:
                checkpoint.verify_cosignature(head.body(), line, name, self.witness_key)
                self.cosigned.append((size, line))
            except signing.BadSignature as error:
                self.refused_cosignatures.append(str(error))

    def _find(self, epoch: int, seq: int) -> Stored | None:
        found = (one for one in self.stored if (one.bundle.epoch, one.bundle.seq) == (epoch, seq))
        return next(found, None)

    def _receipt(self, sent: Bundle) -> dict[str, Any]:
        known = self._find(sent.epoch, sent.seq)
        assert known is not None
        return {
            "epoch": sent.epoch,
            "seq": sent.seq,
            "index": known.index,
            "leaf_hash": known.leaf.hex(),
            "received_ms": known.received_ms,
        }

    def _stream(self, epoch: int) -> dict[str, Any]:
        next_seq, prev = self.streams[epoch]
        return {"epoch": epoch, "next_seq": next_seq, "prev": prev}


def problem(status: int, detail: str, **headers: str) -> Answer:
    body = {"type": "about:blank", "title": "No", "status": status, "detail": detail}
    return status, body, {key.replace("_", "-"): value for key, value in headers.items()}


def refusal(
    code: str,
    position: int,
    detail: str,
    expected: dict[str, Any] | None = None,
    status: int = 409,
) -> Answer:
    """The problem document of a refused batch."""
    _, body, headers = problem(status, detail)
    return status, {**body, "code": code, "position": position, "expected": expected}, headers


def on(name: str, answer: Answer) -> Odd:
    """An odd answer to the next request of this name."""
    return lambda asked, _: answer if asked == name else None


def _nodes(leaves: list[bytes]) -> log.GetNode:
    return lambda level, at: log.root_from_leaves(leaves[at << level : (at + 1) << level])
