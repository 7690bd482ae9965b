"""An appliance as Central sees it: real keys and real envelopes, sent through the real app."""

import base64
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import orjson

from wardline.central.identity import tokens
from wardline.core import canonical, ids, protocol
from wardline.core.evidence import bundle, checkpoint, log, origin, signing
from wardline.core.evidence.bundle import (
    Action,
    Bundle,
    IncidentOutcome,
    IncidentRecord,
    IncidentState,
    Kind,
    Outcome,
    ResolutionLevel,
    Result,
    RunbookRef,
)
from wardline.core.evidence.checkpoint import Note
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.evidence.watch import Watch, WatchEnd
from wardline.core.severity import Severity

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


async def issue_token(owner: Any, tenant: Any, **changes: Any) -> tuple[str, str]:
    """Id and secret of an enrolment token, put into the database by its owner."""
    token_id, secret = ids.new("tok"), tokens.make()
    expires_at = changes.get("expires_at", datetime.now(UTC) + timedelta(hours=1))
    await owner.execute(
        "INSERT INTO enrolment_tokens (id, partner_id, site_id, secret_hash, created_by,"
        " expires_at) VALUES ($1, $2, $3, $4, 'user_1', $5)",
        *(token_id, tenant.partner_id, tenant.site_id, tokens.digest(secret), expires_at),
    )
    return token_id, secret


def result(check: str = "ssh_config", **changes: Any) -> Result:
    facts = changes.get("facts", {"path": "/etc/ssh/sshd_config", "permitrootlogin": "yes"})
    plain = Result(
        check=check,
        outcome=Outcome.FAIL,
        severity=Severity.HIGH,
        summary="PermitRootLogin is yes",
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=START,
        duration_ms=12,
        controls=("hipaa:164.312(a)(1)",),
    )
    return replace(plain, **changes)


def incident(**changes: Any) -> IncidentRecord:
    plain = IncidentRecord(
        incident_id=ids.incident(),
        check="ssh_config",
        severity=Severity.HIGH,
        pattern_signature="ab" * 32,
        opened_at=START,
        state=IncidentState.OPEN,
        resolution_level=None,
        outcome=None,
        before=result(),
        after=None,
        decision=None,
        runbook=None,
        actions=(),
        closed_at=None,
    )
    return replace(plain, **changes)


def healed(opened: IncidentRecord, at: datetime = START, **changes: Any) -> IncidentRecord:
    """The incident after a repair, with all that it takes to say so."""
    action = Action("set", "set_config_line", "/etc/x", False, True, 0, 3, diff="-a\n+b\n")
    repaired = replace(
        opened,
        state=IncidentState.HEALED,
        resolution_level=ResolutionLevel.L1,
        outcome=IncidentOutcome.SUCCESS,
        after=result(opened.check, outcome=Outcome.PASS, measured_at=at),
        decision={"type": "allow", "verdict": "run", "code": "allowed"},
        runbook=RunbookRef("ssh_config.harden", "1", "cd" * 32, "medium"),
        actions=(action,),
        closed_at=at,
    )
    return replace(repaired, **changes)


def watched(opened: IncidentRecord, number: int = 1, at: datetime = START) -> IncidentRecord:
    """The heal of that number, under watch."""
    until = at + timedelta(minutes=15)
    watch = Watch(number, "ssh_config.harden", at - timedelta(seconds=4), at, until)
    return healed(opened, at, watch=watch)


def stable(heal: IncidentRecord) -> IncidentRecord:
    """The heal after a pass right at the end of its watch."""
    watch = heal.watch
    assert watch is not None
    after = result(heal.check, outcome=Outcome.PASS, measured_at=watch.until)
    over = replace(watch, ended=WatchEnd.STABLE, ended_at=watch.until)
    return replace(heal, state=IncidentState.STABLE, after=after, watch=over)


def recurred(
    heal: IncidentRecord, at: datetime, ended: WatchEnd = WatchEnd.RECURRED
) -> IncidentRecord:
    """The heal after its check had failed again."""
    watch = heal.watch
    assert watch is not None
    return replace(
        heal,
        state=IncidentState.OPEN,
        resolution_level=None,
        outcome=None,
        before=result(heal.check, measured_at=at),
        after=None,
        decision=None,
        runbook=None,
        actions=(),
        closed_at=None,
        watch=replace(watch, ended=ended, ended_at=at),
    )


def undone(heal: IncidentRecord, at: datetime) -> IncidentRecord:
    """The heal after a person had its run undone, which brought the drift back."""
    action = Action("set", "undo", "/etc/x", False, True, None, 3, diff="-b\n+a\n")
    found = result(heal.check, measured_at=at)
    return replace(
        heal,
        state=IncidentState.ESCALATED,
        resolution_level=ResolutionLevel.L3,
        outcome=IncidentOutcome.ESCALATED,
        before=found,
        after=found,
        decision={"type": "deny", "verdict": "block", "code": "hold", "undo": {"state": "undone"}},
        actions=(action,),
        closed_at=None,
        watch=heal.watch and replace(heal.watch, ended=WatchEnd.UNDONE, ended_at=at),
    )


@dataclass
class Appliance:
    """Keys, the stream's next number, and the wire."""

    client: httpx2.AsyncClient
    key: SigningKey = field(default_factory=SigningKey.generate)
    witness: SigningKey = field(default_factory=SigningKey.generate)
    hosts: list[str] = field(default_factory=lambda: [ids.host()])
    id: str = ""
    site_id: str = ""
    credential: str = ""
    epoch: int = 1
    seq: int = 0
    prev: str = bundle.NO_PREV
    witnessed: Note | None = None

    async def enrol(self, token: tuple[str, str], **changes: Any) -> httpx2.Response:
        """Enrols; takes over what Central answered."""
        public = base64.b64encode(self.key.public).decode()
        witness = base64.b64encode(self.witness.public).decode()
        proof = protocol.ENROL_CONTEXT + f"{token[0]}\n{public}\n{witness}".encode()
        body = {
            "v": 1,
            "token_id": token[0],
            "token_secret": token[1],
            "public": public,
            "witness": witness,
            "proof": base64.b64encode(self.key.sign(proof)).decode(),
            "hostname": "clinic-1",
            "platform": "linux/debian",
            "agent_version": "0.1.0",
            "hosts": self.reports(),
            **changes,
        }
        answer = await self.client.post(f"{protocol.PREFIX}/enrol", json=body)
        if answer.status_code == 200:
            said = answer.json()
            self.id, self.site_id = said["appliance_id"], said["site_id"]
            self.credential = said["credential"]
        return answer

    def reports(self) -> list[dict[str, object]]:
        return [
            {"id": host, "name": host[:12], "kind": "tree", "platform": "linux/debian",
             "observed": False}
            for host in self.hosts
        ]  # fmt: skip

    def bundle(self, **changes: Any) -> Bundle:
        """The next bundle of the stream; the stream moves on unless seq or prev are given."""
        following = Bundle(
            kind=Kind.CYCLE,
            site_id=self.site_id,
            appliance_id=self.id,
            host_id=self.hosts[0],
            epoch=self.epoch,
            seq=self.seq + 1,
            prev=self.prev,
            captured_at=START + timedelta(minutes=self.seq),
            clock=origin.Clock("system", None, 1000 + self.seq, "boot"),
            agent=origin.Agent("0.1.0"),
            results=(result(measured_at=START + timedelta(minutes=self.seq)),),
            controls=("hipaa:164.312(a)(1)",),
        )
        return replace(following, **changes)

    def seal(self, **changes: Any) -> Envelope:
        """The next bundle's envelope; moves the stream on."""
        return self._moved(bundle.seal(self.bundle(**changes), self.key))

    def forge(self, **changes: Any) -> Envelope:
        """What an agent that was tampered with sends: signed, and bound by no rule but the form."""
        payload = bundle.payload_bytes(self.bundle(**changes))
        return self._moved(signing.sign(self.key, bundle.PAYLOAD_TYPE, payload))

    def _moved(self, envelope: Envelope) -> Envelope:
        self.seq += 1
        self.prev = bundle.chain_hash(envelope.payload_type, envelope.payload)
        return envelope

    def seals(self, count: int) -> list[Envelope]:
        return [self.seal() for _ in range(count)]

    async def send(self, *envelopes: Envelope | dict[str, Any], **frame: Any) -> httpx2.Response:
        """POST /evidence."""
        wires = [item.to_wire() if isinstance(item, Envelope) else item for item in envelopes]
        body = {"v": 1, "envelopes": wires, "witnessed_size": 0, **frame}
        return await self.post("/evidence", orjson.dumps(body))

    async def post(self, path: str, body: bytes, **headers: str) -> httpx2.Response:
        return await self.client.post(
            f"{protocol.PREFIX}{path}",
            content=body,
            headers={
                "content-type": "application/json",
                "authorization": f"Bearer {self.credential}",
                **headers,
            },
        )

    async def get(self, path: str) -> httpx2.Response:
        headers = {"authorization": f"Bearer {self.credential}"}
        return await self.client.get(f"{protocol.PREFIX}{path}", headers=headers)

    async def check_in(self, query: str = "", **changes: Any) -> httpx2.Response:
        """`query` says which schemas it reads; without one, the first of each."""
        body = {
            "v": 1,
            "agent_version": "0.1.0",
            "etag": None,
            "hosts": self.reports(),
            "stream": {"epoch": self.epoch, "next_seq": self.seq + 1, "prev": self.prev},
            "queue": {"pending": 0, "quarantined": 0, "oldest_at": None},
            "witnessed_size": 0,
            **changes,
        }
        return await self.post(f"/checkin{query}", orjson.dumps(body))

    def cosign(self, note: str, time_s: int = 1_795_000_000) -> str:
        body = checkpoint.parse_note(note).body
        return checkpoint.cosign(body, checkpoint.witness_name(self.id), self.witness, time_s)


async def stored_log(owner: Any, site_id: str) -> tuple[int, bytes, list[bytes]]:
    """Size and root that the head claims, and the leaves as they are stored."""
    head = await owner.fetchrow(
        "SELECT size, frontier FROM evidence_log_heads WHERE site_id = $1", site_id
    )
    rows = await owner.fetch(
        "SELECT log_index, entry, leaf_hash FROM evidence_log_entries WHERE site_id = $1"
        " ORDER BY log_index",
        site_id,
    )
    assert [row["log_index"] for row in rows] == list(range(len(rows)))
    assert all(log.leaf_hash(row["entry"]) == row["leaf_hash"] for row in rows)
    packed = head["frontier"]
    hashes = tuple(packed[at : at + 32] for at in range(0, len(packed), 32))
    return head["size"], log.Frontier(head["size"], hashes).root, [row["entry"] for row in rows]
