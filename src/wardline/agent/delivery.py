"""Sends the queue to Central, batch by batch, and knows what each kind of refusal asks for."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from wardline.agent import stream
from wardline.agent.settings import OutboxSettings
from wardline.agent.store import alarms, backoff, outbox, places, witness
from wardline.agent.store.alarms import Code
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.outbox import Queued
from wardline.agent.uplink import (
    BatchRefused,
    BodyTooLarge,
    CentralUnavailable,
    CredentialRefused,
    RequestRefused,
    Uplink,
)
from wardline.core import protocol
from wardline.core.evidence import log, signing
from wardline.core.evidence.bundle import Kind
from wardline.core.evidence.log import Entry, EntryKind
from wardline.core.protocol import (
    EvidenceProblem,
    EvidenceReceipts,
    EvidenceRefusal,
    LogUpdate,
    Receipt,
)

# The frame around the envelopes of a batch: sizes, cosignatures, brackets.
FRAME_BYTES = 16 * 1024
SENDS_PER_TURN_MAX = 200
CEILING_RETRIES = 6
CONFLICT_STATUS = 409
SEQ_MAX = 2**53 - 1
REASON_CHARS_MAX = 500


class ReceiptWrong(CentralUnavailable):
    """A receipt that is not for what was sent: Central does not hold what it says it holds."""

    code = "receipt_wrong"


@dataclass(slots=True)
class _Limits:
    """How much of the queue goes into one batch; shrinks when Central wants less at a time."""

    count: int = protocol.ENVELOPES_PER_BATCH_MAX
    size: int = protocol.BATCH_BYTES_MAX - FRAME_BYTES

    def halve(self, sent: int) -> None:
        self.count = max(1, sent // 2)

    def widen(self) -> None:
        self.count = min(protocol.ENVELOPES_PER_BATCH_MAX, self.count * 2)


class Delivery:
    """One sender for the whole queue, oldest first."""

    def __init__(
        self,
        ledger: Ledger,
        uplink: Uplink,
        log_origin: str,
        settings: OutboxSettings,
        witness_log: Callable[[LogUpdate], None],
        draw: random.Random,
    ) -> None:
        self._ledger = ledger
        self._uplink = uplink
        self._origin = log_origin
        self._minute_ms = round(settings.backoff_minute_s * 1000)
        self._witness_log = witness_log
        self._draw = draw
        self._limits = _Limits()

    def remaining_s(self) -> float:
        """Seconds that the queue still rests after a failure."""
        with self._ledger.reading() as tx:
            return backoff.remaining_ms(tx, self._ledger.moment()) / 1000

    def turn(self, stopping: Callable[[], bool]) -> None:
        """Send while there is something, Central takes it, and nobody wants to stop."""
        for _ in range(SENDS_PER_TURN_MAX):
            if stopping() or self.remaining_s() > 0 or not self._send_one():
                return

    def _send_one(self) -> bool:
        """One batch; False when the queue is empty or must rest."""
        with self._ledger.transaction() as tx:
            batch = outbox.lease(tx, self._limits.size, self._limits.count)
            held = witness.kept(tx, self._origin)
            lines = witness.to_return(tx, self._origin)
        if not batch:
            return False
        try:
            answer = self._uplink.evidence([one.envelope for one in batch], held.size, lines)
            self._accept(batch, answer, lines)
        except BatchRefused as error:
            return self._refused(batch, error)
        except BodyTooLarge as error:
            return self._too_large(batch, str(error))
        except CredentialRefused as error:
            return self._put_off(batch, str(error), ceiling=True, alarm=Code.REFUSED)
        except RequestRefused as error:
            return self._put_off(batch, str(error), ceiling=True)
        except ReceiptWrong as error:
            return self._put_off(batch, str(error), ceiling=True, alarm=Code.RECEIPT_WRONG)
        except CentralUnavailable as error:
            return self._put_off(batch, str(error), retry_after_s=error.retry_after_s)
        return True

    def _accept(self, batch: list[Queued], answer: EvidenceReceipts, lines: list[str]) -> None:
        if len(answer.receipts) != len(batch):
            raise ReceiptWrong(
                f"Central gave {len(answer.receipts)} receipts for {len(batch)} bundles"
            )
        for one, receipt in zip(batch, answer.receipts, strict=True):
            self._check(one, receipt)
        now = self._ledger.now()
        with self._ledger.transaction() as tx:
            for one, receipt in zip(batch, answer.receipts, strict=True):
                outbox.receive(tx, one.id, receipt, now)
            witness.returned(tx, self._origin, lines)
            backoff.end(tx)
            alarms.over(tx, Code.REFUSED, stream.SUBJECT, now)
            alarms.over(tx, Code.RECEIPT_WRONG, stream.SUBJECT, now)
            alarms.over(tx, Code.STREAM_HOLE, stream.SUBJECT, now)
        self._limits.widen()
        if answer.log is not None:
            self._witness_log(answer.log)

    def _check(self, one: Queued, receipt: Receipt) -> None:
        """The receipt is for this place, and its leaf is the entry that these bytes make."""
        if (receipt.epoch, receipt.seq) != (one.epoch, one.seq):
            raise ReceiptWrong(
                f"Central's receipt is for {receipt.epoch}/{receipt.seq},"
                f" the bundle is {one.epoch}/{one.seq}"
            )
        envelope = signing.Envelope.from_json(one.envelope.encode())
        entry = Entry(
            kind=EntryKind.GAP if one.kind is Kind.GAP else EntryKind.BUNDLE,
            site=self._ledger.site_id,
            appliance=self._ledger.appliance_id,
            host=one.host_id,
            epoch=one.epoch,
            seq=one.seq,
            payload_sha256=one.payload_sha256,
            payload_len=one.payload_len,
            sig=envelope.sig,
            kid=envelope.keyid,
            received_ms=receipt.received_ms,
        )
        if log.leaf_hash(log.entry_bytes(entry)).hex() != receipt.leaf_hash:
            raise ReceiptWrong(f"Central's receipt for {one.epoch}/{one.seq} is for other bytes")

    def _refused(self, batch: list[Queued], error: BatchRefused) -> bool:
        refusal = error.refusal
        if refusal is None or refusal.position >= len(batch):
            return self._bisect(batch, error)
        one = batch[refusal.position]
        match refusal.code:
            case EvidenceProblem.POISON:
                return self._quarantine(one, refusal.code.value, refusal.detail, Code.QUARANTINED)
            case EvidenceProblem.CONFLICT:
                self._quarantine(one, refusal.code.value, refusal.detail, Code.CONFLICT)
                return self._leave_epoch(one, refusal.detail)
            case EvidenceProblem.BEHIND:
                return self._rewind(batch, one, refusal)
            case EvidenceProblem.EPOCH:
                return self._put_off(batch, refusal.detail, alarm=Code.EPOCH_NOT_ENROLLED)

    def _bisect(self, batch: list[Queued], error: BatchRefused) -> bool:
        """Central does not say which one it is about: halve until it stands alone."""
        if len(batch) > 1:
            self._limits.halve(len(batch))
            return True
        if error.answered == CONFLICT_STATUS:
            return self._put_off(batch, str(error), ceiling=True)
        return self._quarantine(batch[0], error.problem, str(error), Code.QUARANTINED)

    def _too_large(self, batch: list[Queued], why: str) -> bool:
        if len(batch) > 1:
            self._limits.halve(len(batch))
            return True
        return self._put_off(batch, why, ceiling=True, alarm=Code.REFUSED)

    def _quarantine(self, one: Queued, problem: str, detail: str, code: Code) -> bool:
        why = f"{problem}: {detail}"
        with self._ledger.transaction() as tx:
            outbox.quarantine(tx, one.id, why)
            alarms.sound(tx, code, f"{one.epoch}/{one.seq}", why, self._ledger.now())
        return True

    def _leave_epoch(self, one: Queued, why: str) -> bool:
        """What contradicts a stream cannot continue it: the next record begins a new one."""
        with self._ledger.reading() as tx:
            own = outbox.head(tx)
        if own.epoch == one.epoch:
            stream.raise_epoch(self._ledger, own.epoch + 1, why)
        return True

    def _rewind(self, batch: list[Queued], one: Queued, refusal: EvidenceRefusal) -> bool:
        """Send from where Central stands; a place that it can never have is bridged by a gap."""
        expected = refusal.expected
        if expected is None or expected.epoch != one.epoch:
            return self._put_off(batch, refusal.detail, ceiling=True)
        with self._ledger.transaction() as tx:
            own = outbox.head(tx)
            refused = places.refused_at(tx, expected.epoch, expected.next_seq)
            here = places.holds_place(tx, expected.epoch, expected.next_seq)
            if here and expected.next_seq < one.seq:
                return outbox.rewind(tx, expected.epoch, expected.next_seq) > 0
            if refused is not None and own.epoch > expected.epoch:
                # A stream that has ended takes no gap record: its rest stays here.
                why = f"follows bundle {expected.next_seq}, which Central cannot accept"
                outbox.give_up(tx, expected.epoch, expected.next_seq, SEQ_MAX, why)
                return True
        if refused is not None:
            stream.bridge(
                self._ledger, expected, f"refused by Central: {refused}"[:REASON_CHARS_MAX]
            )
            return True
        why = (
            f"Central expects bundle {expected.next_seq} of epoch {expected.epoch}, which is no"
            " longer here: everything newer is kept and waits"
        )
        return self._put_off(batch, why, ceiling=True, alarm=Code.STREAM_HOLE)

    def _put_off(
        self,
        batch: list[Queued],
        why: str,
        *,
        retry_after_s: float | None = None,
        ceiling: bool = False,
        alarm: Code | None = None,
    ) -> bool:
        """Keep everything and rest: longer with every failure, at once as long as it gets for
        what only a person can mend."""
        retries = CEILING_RETRIES if ceiling else batch[0].retry_count
        delay = backoff.delay_ms(retries, retry_after_s, self._draw, self._minute_ms)
        with self._ledger.transaction() as tx:
            until = backoff.rest(tx, self._ledger.moment(), delay, why)
            outbox.put_off(tx, batch, until)
            if alarm is not None:
                alarms.sound(tx, alarm, stream.SUBJECT, why, self._ledger.now())
        return False
