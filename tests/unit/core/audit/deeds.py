"""A partner's audit log in memory, honest until a test tampers with it."""

import io
from dataclasses import dataclass, field, replace

from wardline.core.audit import record, verify
from wardline.core.audit.record import Record
from wardline.core.evidence import checkpoint, log
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.signing import SigningKey
from wardline.core.evidence.trust import Trust
from wardline.core.evidence.verdict import Verdict
from wardline.formats import audit_kit

PARTNER = "partner_" + "0" * 26
ORIGIN = checkpoint.audit_origin("inst_1", PARTNER)
KEY = SigningKey.from_seed(b"l" * 32)


def deed(seq: int, **changes: object) -> Record:
    plain = Record(
        partner=PARTNER,
        seq=seq,
        at_ms=1_700_000_000_000 + seq,
        actor_kind="user",
        actor="user_1",
        address="192.0.2.7",
        site="site_1",
        action="site.healing",
        subject="site_1",
        before={"healing": "observe"},
        after={"healing": "heal"},
        reason=f"reviewed, {seq}",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass
class DeedLog:
    """Leaves and notes as they would be exported."""

    leaves: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    log_key: SigningKey = KEY

    def take(self, count: int) -> None:
        for _ in range(count):
            self.leaves.append(record.record_bytes(deed(len(self.leaves) + 1)))

    def checkpoint(self) -> None:
        head = Checkpoint(ORIGIN, len(self.leaves), self._root())
        self.notes.append(checkpoint.sign_note(head.body(), ORIGIN, self.log_key))

    def head(self) -> Checkpoint:
        return checkpoint.parse_note(self.notes[-1]).checkpoint()

    def zip(self) -> bytes:
        writer = audit_kit.Writer(PARTNER, ORIGIN, self.log_key.public)
        return b"".join(audit_kit.write(writer, self.leaves, self.notes))

    def verify(self, trust: Trust | None) -> Verdict:
        return verify.verify(audit_kit.read(io.BytesIO(self.zip())), trust)

    def _root(self) -> bytes:
        return log.root_from_leaves(map(log.leaf_hash, self.leaves))


def honest() -> DeedLog:
    """Eleven records under three checkpoints."""
    made = DeedLog()
    for count in (4, 1, 6):
        made.take(count)
        made.checkpoint()
    return made


def trusting(made: DeedLog) -> Trust:
    """What a reader holds who took the key from the clinic and kept the newest checkpoint."""
    clinic = checkpoint.log_origin("inst_1", "site_1")
    return Trust(logs={clinic: frozenset({made.log_key.public})}).holding(made.head())
