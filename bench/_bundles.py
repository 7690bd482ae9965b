"""Signed bundles of the kind a clinic's appliance makes, in the mix that it makes them."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from wardline.core import canonical, ids
from wardline.core.evidence import bundle, origin
from wardline.core.evidence.bundle import (
    Action,
    Bundle,
    IncidentRecord,
    IncidentState,
    Kind,
    Outcome,
    ResolutionLevel,
    Result,
    RunbookRef,
)
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.severity import Severity

START = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)
CYCLE = timedelta(minutes=5)
HOSTS = 4
# Of ten bundles seven are cycles with what changed, two tell of an incident, one is a heartbeat.
MIX = (0, 0, 0, 1, 0, 0, 2, 0, 1, 0)
CHECKS = ("ssh_config", "password_policy", "file_permissions", "kernel_sysctl", "patching")
CONTROLS = ("hipaa:164.312(a)(1)", "soc2:CC6.1", "nist_800_53:AC-17")
DIFF = (
    "--- /etc/ssh/sshd_config\n+++ /etc/ssh/sshd_config\n@@ -31,7 +31,7 @@\n #LoginGraceTime 2m\n"
    "-PermitRootLogin yes\n+PermitRootLogin no\n #StrictModes yes\n #MaxAuthTries 6\n"
)


@dataclass
class Stream:
    """An enrolled appliance's stream; `next` seals its following bundle."""

    site_id: str
    appliance_id: str
    credential: str
    key: SigningKey
    hosts: Sequence[str]
    seq: int = 0
    prev: str = bundle.NO_PREV
    _incidents: list[str] = field(default_factory=list)

    def next(self) -> Envelope:
        """Built as `bundle.seal` does, without its second look at what it made."""
        payload = bundle.payload_bytes(self.following())
        self.seq += 1
        encoded_by = self.key
        envelope = Envelope(
            bundle.PAYLOAD_TYPE,
            payload,
            encoded_by.key_id,
            encoded_by.sign(_pae(payload)),
        )
        self.prev = hashlib.sha256(_pae(payload)).hexdigest()
        return envelope

    def following(self) -> Bundle:
        """What comes next, before it is sealed."""
        at = START + CYCLE * self.seq
        kind = (Kind.CYCLE, Kind.INCIDENT, Kind.HEARTBEAT)[MIX[self.seq % len(MIX)]]
        results = [_result(check, self.seq, at) for check in _checks(kind, self.seq)]
        return Bundle(
            kind=kind,
            site_id=self.site_id,
            appliance_id=self.appliance_id,
            host_id=self.hosts[self.seq % len(self.hosts)],
            epoch=1,
            seq=self.seq + 1,
            prev=self.prev,
            captured_at=at,
            clock=origin.Clock("system", 12, 86_400_000 + self.seq, "0d5c2f5e-9c0e-4c57"),
            agent=origin.Agent("0.1.0"),
            results=tuple(results),
            incidents=(_incident(results[0], self.seq, at),) if kind is Kind.INCIDENT else (),
            controls=CONTROLS,
        )


def wire(envelope: Envelope) -> bytes:
    """The envelope's JSON as an agent stores and sends it."""
    return envelope.to_json()


def _pae(payload: bytes) -> bytes:
    kind = bundle.PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def _checks(kind: Kind, seq: int) -> tuple[str, ...]:
    if kind is Kind.HEARTBEAT:
        return CHECKS
    first = seq % len(CHECKS)
    return (CHECKS[first],) if kind is Kind.INCIDENT else (CHECKS[first], CHECKS[first - 1])


def _result(check: str, seq: int, at: datetime) -> Result:
    failed = seq % 3 == 0
    facts = {
        "path": f"/etc/{check}.conf",
        "measured": {
            f"setting_{n}": {"line": 30 + n, "value": "yes" if failed and n == 0 else "no"}
            for n in range(6)
        },
        "revision": seq,
    }
    return Result(
        check=check,
        outcome=Outcome.FAIL if failed else Outcome.PASS,
        severity=Severity.HIGH,
        summary="setting_0 is yes, expected no (line 30)" if failed else "6 of 6 as expected",
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=at,
        duration_ms=14,
        controls=CONTROLS[:2],
    )


def _incident(result: Result, seq: int, at: datetime) -> IncidentRecord:
    return IncidentRecord(
        incident_id=ids.incident(),
        check=result.check,
        severity=result.severity,
        pattern_signature=hashlib.sha256(result.check.encode()).hexdigest(),
        opened_at=at,
        state=IncidentState.OBSERVING,
        resolution_level=ResolutionLevel.L1,
        outcome=None,
        before=result,
        after=None,
        decision={
            "type": "deny",
            "verdict": "block",
            "code": "observing",
            "reason": "The site observes",
            "policyRevision": 7,
            "decisionId": f"{seq:026d}",
            "would": {"verdict": "run", "code": "allowed", "ruleId": f"{result.check}.low"},
            "trace": [
                {"check": step, "outcome": "pass", "detail": ""}
                for step in ("freeze", "observing", "hold", "match", "window", "limits")
            ],
        },
        runbook=RunbookRef(f"{result.check}.restore", "1", "ab" * 32, "low"),
        actions=(
            Action(
                step="set the line",
                type="set_config_line",
                target=f"/etc/{result.check}.conf",
                dry_run=True,
                changed=True,
                exit_code=None,
                duration_ms=2,
                diff=DIFF,
            ),
        ),
        closed_at=None,
    )


def base64_key(public: bytes) -> str:
    return base64.b64encode(public).decode()
