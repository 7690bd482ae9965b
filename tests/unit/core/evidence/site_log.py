"""A clinic's evidence log in memory, honest until a test tampers with it."""

import hashlib
import io
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from wardline.core import canonical, clock
from wardline.core.evidence import audit, bundle, checkpoint, log, origin, signing, trust
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
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.evidence.signing import Envelope, SigningKey
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Verdict
from wardline.core.severity import Severity
from wardline.formats import kit

START = datetime(2026, 11, 21, 9, 0, 0, 123000, tzinfo=UTC)
SITE = "site_" + "0" * 26
ORIGIN = checkpoint.log_origin("inst_1", SITE)


def named(prefix: str, number: int) -> str:
    return f"{prefix}_{number:026d}"


def key(seed: int) -> SigningKey:
    return SigningKey.from_seed(bytes([seed]) * 32)


def result(**changes: object) -> Result:
    facts = {"path": "/etc/ssh/sshd_config", "permitrootlogin": "yes"}
    plain = Result(
        check="ssh_config",
        outcome=Outcome.FAIL,
        severity=Severity.HIGH,
        summary="PermitRootLogin is yes",
        facts=facts,
        facts_digest=canonical.digest(facts),
        measured_at=START,
        duration_ms=12,
        controls=("hipaa:164.312(a)(1)",),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def incident(**changes: object) -> IncidentRecord:
    """One that was healed, with all that this takes."""
    plain = IncidentRecord(
        incident_id=named("inc", 1),
        check="ssh_config",
        severity=Severity.HIGH,
        pattern_signature="ab" * 32,
        opened_at=START,
        state=IncidentState.HEALED,
        resolution_level=ResolutionLevel.L1,
        outcome=IncidentOutcome.SUCCESS,
        before=result(),
        after=result(outcome=Outcome.PASS),
        decision={"type": "allow", "verdict": "run", "trace": []},
        runbook=RunbookRef("ssh_config.harden", "1", "cd" * 32, "medium"),
        actions=(Action("set", "set_config_line", "/etc/x", False, True, 0, 12, "ok", "-a\n+b"),),
        closed_at=START,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def waiting(**changes: object) -> IncidentRecord:
    """One that nothing was done about."""
    plain = {
        "state": IncidentState.OPEN,
        "resolution_level": None,
        "outcome": None,
        "after": None,
        "decision": None,
        "runbook": None,
        "actions": (),
        "closed_at": None,
    }
    return incident(**{**plain, **changes})


def record(**changes: object) -> Bundle:
    plain = Bundle(
        kind=Kind.CYCLE,
        site_id=SITE,
        appliance_id=named("appl", 1),
        host_id=named("host", 1),
        epoch=1,
        seq=1,
        prev=bundle.NO_PREV,
        captured_at=START,
        clock=origin.Clock("system", None, 12_345, "boot"),
        agent=origin.Agent("0.1.0"),
        results=(result(),),
        controls=("hipaa:164.312(a)(1)",),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class Appliance:
    number: int
    epoch: int = 1
    seq: int = 0
    prev: str = bundle.NO_PREV

    @property
    def id(self) -> str:
        return named("appl", self.number)

    @property
    def key(self) -> SigningKey:
        return key(10 + self.number)

    @property
    def witness(self) -> SigningKey:
        return key(20 + self.number)

    def seal(self, **changes: object) -> Envelope:
        return self._moved(bundle.seal(self._next(changes), self.key))

    def forge(self, **changes: object) -> Envelope:
        """What an agent that was tampered with signs: its own key, and no rule but the form."""
        payload = bundle.payload_bytes(self._next(changes))
        return self._moved(signing.sign(self.key, bundle.PAYLOAD_TYPE, payload))

    def _next(self, changes: dict[str, object]) -> Bundle:
        self.seq += 1
        fields = {"appliance_id": self.id, "epoch": self.epoch, "seq": self.seq, "prev": self.prev}
        return record(**{**fields, **changes})

    def _moved(self, envelope: Envelope) -> Envelope:
        self.prev = bundle.chain_hash(bundle.PAYLOAD_TYPE, envelope.payload)
        return envelope


@dataclass
class SiteLog:
    """Entries, bundles by index and checkpoints: what Central would hold."""

    log_key: SigningKey = field(default_factory=lambda: key(1))
    leaves: list[bytes] = field(default_factory=list)
    bundles: dict[int, Envelope] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    site: str = SITE
    origin: str = ORIGIN

    def append(self, entry: Entry) -> None:
        self.leaves.append(log.entry_bytes(entry))

    def enrol(self, appliance: Appliance) -> None:
        kind = EntryKind.KEY_ENROL
        public, witness = appliance.key.public, appliance.witness.public
        received, epoch = self.received_ms(), appliance.epoch
        self.append(
            log.key_entry(kind, SITE, appliance.id, public, received, epoch=epoch, witness=witness)
        )

    def retire(self, appliance: Appliance, kind: EntryKind = EntryKind.KEY_RETIRE) -> None:
        public = appliance.key.public
        self.append(log.key_entry(kind, SITE, appliance.id, public, self.received_ms()))

    def take(self, envelope: Envelope, kind: EntryKind | None = None, **changes: Any) -> None:
        """What ingest does with a bundle."""
        said = canonical.loads(envelope.payload, bytes_max=bundle.PAYLOAD_BYTES_MAX)
        gap = said["kind"] == Kind.GAP
        entry = Entry(
            kind=kind or (EntryKind.GAP if gap else EntryKind.BUNDLE),
            site=said["site_id"],
            appliance=said["appliance_id"],
            host=said["host_id"],
            epoch=said["epoch"],
            seq=said["seq"],
            payload_sha256=hashlib.sha256(envelope.payload).hexdigest(),
            payload_len=len(envelope.payload),
            sig=envelope.sig,
            kid=envelope.keyid,
            received_ms=self.received_ms(),
        )
        self.bundles[len(self.leaves)] = envelope
        self.append(replace(entry, **changes))

    def received_ms(self) -> int:
        return clock.milliseconds(START + timedelta(seconds=len(self.leaves)))

    def root(self, size: int | None = None) -> bytes:
        leaves = self.leaves if size is None else self.leaves[:size]
        return log.root_from_leaves(map(log.leaf_hash, leaves))

    def head(self, size: int | None = None) -> Checkpoint:
        size = len(self.leaves) if size is None else size
        return Checkpoint(self.origin, size, self.root(size))

    def checkpoint(self, *witnesses: Appliance) -> None:
        body = self.head().body()
        note = checkpoint.sign_note(body, self.origin, self.log_key)
        time_s = self.received_ms() // 1000
        for appliance in witnesses:
            name = checkpoint.witness_name(appliance.id)
            note += checkpoint.cosign(body, name, appliance.witness, time_s)
        self.notes.append(note)

    def zip(self) -> bytes:
        writer = kit.Writer(self.site, self.origin, self.log_key.public)
        return b"".join(kit.write(writer, self.leaves, sorted(self.bundles.items()), self.notes))

    def verify(self, trusted: Trust | None = None) -> Verdict:
        return audit.verify(kit.read(io.BytesIO(self.zip())), trusted)


def clinic(rounds: int = 3) -> tuple[SiteLog, list[Appliance]]:
    """Two appliances, two hosts each, a checkpoint after every round, the last one cosigned."""
    site, appliances = SiteLog(), [Appliance(1), Appliance(2)]
    for appliance in appliances:
        site.enrol(appliance)
    for _ in range(rounds):
        for appliance in appliances:
            for host in (1, 2):
                site.take(appliance.seal(host_id=named("host", appliance.number * 10 + host)))
        site.checkpoint(*appliances)
    return site, appliances


def keys_txt(site: SiteLog, *appliances: Appliance) -> str:
    """What `wardline agent trust` prints at the clinic."""
    lines = [trust.line("log", site.origin, site.log_key.public)]
    for appliance in appliances:
        lines.append(trust.line("appliance", appliance.id, appliance.key.public))
        lines.append(trust.line("witness", appliance.id, appliance.witness.public))
    return "".join(lines)


def trusting(site: SiteLog, *appliances: Appliance) -> Trust:
    return trust.parse(keys_txt(site, *appliances))


def says(verdict: Verdict, *words: str) -> None:
    """Asserts that the findings hold these words."""
    found = " | ".join(f"{item.where}: {item.what}" for item in verdict.findings)
    assert all(word in found for word in words), found


def one_appliance(bundles: int = 2) -> tuple[SiteLog, Appliance]:
    site, appliance = SiteLog(), Appliance(1)
    site.enrol(appliance)
    for _ in range(bundles):
        site.take(appliance.seal())
    return site, appliance


def closed(site: SiteLog, *witnesses: Appliance) -> Verdict:
    site.checkpoint(*witnesses)
    return site.verify()
