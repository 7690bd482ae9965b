"""The reporting loop: checks in, delivers evidence, proves receipts, witnesses the log."""

import random
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from wardline import __version__
from wardline.agent import enrol, mandated, stream
from wardline.agent.bell import Bells
from wardline.agent.courier import Courier
from wardline.agent.delivery import Delivery
from wardline.agent.intake import Intake, PolicyIntake
from wardline.agent.mandated import Taken
from wardline.agent.notice import Notice, Say
from wardline.agent.roster import Roster
from wardline.agent.settings import Settings
from wardline.agent.store import (
    alarms,
    backoff,
    facts,
    holds,
    orders,
    outbox,
    policies,
    witness,
)
from wardline.agent.store.alarms import Code
from wardline.agent.store.database import StoreFull
from wardline.agent.store.holds import Hold
from wardline.agent.store.ledger import Ledger
from wardline.agent.store.mandates import Recipient
from wardline.agent.store.witness import Cosigner, LogForked, LogInvalid
from wardline.agent.uplink import (
    BodyTooLarge,
    CentralUnavailable,
    CredentialRefused,
    RequestRefused,
    Uplink,
)
from wardline.core import clock, protocol
from wardline.core.errors import Malformed
from wardline.core.evidence import checkpoint, log, signing
from wardline.core.protocol import (
    CheckinRequest,
    CheckinResponse,
    HoldReport,
    LogUpdate,
    PolicyHead,
    ProofRequest,
    QueueReport,
    Stream,
)

IDLE_S_MAX = 5.0
SPLAY_SHARE = protocol.CHECKIN_SPLAY_S / protocol.CHECKIN_INTERVAL_S
PRUNE_INTERVAL_S = 600.0
# Central learns of a new epoch by a check-in, and until then takes nothing of it; so it learns that
# a mandate is obeyed, which somebody may be waiting for.
NEWS_CHECKIN_S = 2.0

_NO_ANSWER = (CentralUnavailable, CredentialRefused, RequestRefused, BodyTooLarge)


@dataclass(frozen=True, slots=True)
class _Told:
    """What a check-in told that is told until Central has answered."""

    holds: list[Hold]
    stopped: mandated.Told


class Reporter:
    """Everything that is said to Central, by one thread."""

    def __init__(
        self,
        ledger: Ledger,
        roster: Roster,
        uplink: Uplink,
        settings: Settings,
        bells: Bells,
        draw: random.Random,
        say: Say,
    ) -> None:
        self._ledger = ledger
        self._roster = roster
        self._uplink = uplink
        self._settings = settings
        self._bells = bells
        self._draw = draw
        self._central_away = Notice(say)
        policy_key = policies.public_key(settings.central.policy_key)
        self._intake = PolicyIntake(ledger, uplink, policy_key)
        self._recipient = Recipient(policy_key, settings.site.id, settings.appliance.id)
        self._cosigner = Cosigner(
            settings.central.log_origin,
            policies.public_key(settings.central.log_key).public,
            ledger.keyring.witness(),
            checkpoint.witness_name(settings.appliance.id),
        )
        self._delivery = Delivery(
            ledger,
            uplink,
            settings.central.log_origin,
            settings.outbox,
            self.witness_log,
            draw,
        )
        self._courier = Courier(ledger, roster, uplink, settings, bells)
        self._checkin_at = time.monotonic()
        self._prune_at = time.monotonic()
        self._has_checked_in = False
        self._is_stream_known = True
        self._is_news_due = False
        # Set once Central has answered, or could not: until then nobody writes to the stream.
        self.introduced = threading.Event()

    def run(self) -> None:
        """Until the bells say stop."""
        with self._ledger.transaction() as tx:
            outbox.give_back(tx)
        while not self._bells.stopping:
            try:
                wait_s = self.turn()
            except StoreFull:
                # Receipts find no room either; what was sent is sent again, for the same receipt.
                self._ledger.database.drop_ballast()
                wait_s = IDLE_S_MAX
            self._bells.report.wait(wait_s)

    def turn(self) -> float:
        """What is due of check-in, delivery, proofs and pruning; seconds until there is more."""
        if time.monotonic() >= self._checkin_at:
            self.check_in()
        if self._has_checked_in:
            # A check-in declares the hosts: Central refuses evidence of one it does not know.
            self._courier.turn()
            self._delivery.turn(lambda: self._bells.stopping)
            self.prove()
        if time.monotonic() >= self._prune_at:
            with self._ledger.transaction() as tx:
                outbox.prune(tx, self._ledger.now(), pressed=False)
                orders.prune(tx, self._ledger.now())
            self._prune_at = time.monotonic() + PRUNE_INTERVAL_S
        return min(max(self._checkin_at - time.monotonic(), 0.0), self._rest_s())

    def check_in(self) -> bool:
        """Say who and how we are, and apply what has changed; False when Central did not answer."""
        request, told = self._request()
        sent_at, self._is_news_due = self._ledger.now(), False
        interval_s, wait_s = self._settings.intervals.checkin_s, 0.0
        try:
            answer = self._uplink.checkin(request)
            interval_s = min(interval_s, float(answer.interval_s))
            self._apply(request, answer, sent_at, told)
            self._has_checked_in = True
            self._intake.tell()
            self._central_is_back()
        except _NO_ANSWER as error:
            if isinstance(error, CentralUnavailable):
                wait_s = error.retry_after_s or 0.0
            self._not_answered(error)
            self._central_away.begins(
                f"Central did not take our check-in: {error}; evidence is kept and sent later"
            )
            return False
        finally:
            splayed = interval_s * self._draw.uniform(1 - SPLAY_SHARE, 1 + SPLAY_SHARE)
            if self._is_news_due or not self._is_stream_known:
                splayed = min(splayed, NEWS_CHECKIN_S)
            self._checkin_at = time.monotonic() + max(splayed, wait_s)
            self.introduced.set()
        return True

    def _central_is_back(self) -> None:
        """The queue rests for up to an hour after a long outage: not once the line is there again,
        or what waits for a person would be told an hour late."""
        if self._central_away.lasts:
            with self._ledger.transaction() as tx:
                backoff.end(tx)
        self._central_away.ends(f"Central answers again: {self._uplink.url}")

    def witness_log(self, update: LogUpdate) -> None:
        """Verify, persist and cosign a checkpoint; one that contradicts the kept one alarms."""
        with self._ledger.transaction() as tx:
            held = witness.kept(tx, self._cosigner.origin)
            now = self._ledger.now()
            try:
                head = witness.verified(update, self._cosigner, held)
            except LogForked as error:
                subject = f"{self._cosigner.origin} at {held.size}"
                alarms.sound(tx, Code.LOG_FORKED, subject, _evidence(error, update), now)
                return
            except LogInvalid as error:
                alarms.sound(
                    tx, Code.LOG_INVALID, self._cosigner.origin, _evidence(error, update), now
                )
                return
            alarms.over(tx, Code.LOG_INVALID, self._cosigner.origin, now)
            if head.size > held.size:
                witness.advance(tx, self._cosigner, update, head, self._ledger.now)

    def prove(self) -> None:
        """Acknowledge received bundles whose inclusion under the witnessed head is proved."""
        while not self._bells.stopping:
            with self._ledger.reading() as tx:
                held = witness.kept(tx, self._cosigner.origin)
                waiting = outbox.to_prove(tx, held.size, protocol.PROOFS_PER_REQUEST_MAX)
            if not waiting:
                return
            request = ProofRequest(size=held.size, indexes=[one.index for one in waiting])
            try:
                answer = self._uplink.proofs(request)
            except _NO_ANSWER as error:
                self._not_answered(error)
                return
            proved = [
                one.id
                for one, proof in zip(waiting, answer.proofs, strict=False)
                if _is_included(one, held, proof)
            ]
            with self._ledger.transaction() as tx:
                for bundle_id in proved:
                    outbox.acknowledge(tx, bundle_id, self._ledger.now())
                if len(proved) < len(waiting):
                    detail = (
                        f"{len(waiting) - len(proved)} of {len(waiting)} inclusion proofs under"
                        f" size {held.size} do not hold; the bundles are kept"
                    )
                    alarms.sound(tx, Code.RECEIPT_WRONG, "proofs", detail, self._ledger.now())
                    return
                alarms.over(tx, Code.RECEIPT_WRONG, "proofs", self._ledger.now())

    def _request(self) -> tuple[CheckinRequest, _Told]:
        """How we are now, and the holds and freezes as they are told with it."""
        with self._ledger.reading() as tx:
            own, counts = outbox.head(tx), outbox.counts(tx)
            held = witness.kept(tx, self._cosigner.origin)
            changed = holds.to_report(tx, protocol.HOLDS_PER_REPORT_MAX)
            frozen = mandated.to_tell(tx, self._recipient)
            request = CheckinRequest(
                agent_version=__version__,
                etag=facts.get(tx, facts.Name.ETAG),
                hosts=[
                    enrol.report(one.declared, one.host, self._ledger.scrubber)
                    for one in self._roster
                ],
                stream=Stream(epoch=own.epoch, next_seq=own.next_seq, prev=own.prev),
                queue=QueueReport(
                    pending=counts.pending,
                    quarantined=counts.quarantined,
                    oldest_at=counts.oldest_at,
                ),
                witnessed_size=held.size,
                cosignatures=witness.to_return(tx, self._cosigner.origin),
                holds=[_hold_report(one) for one in changed],
                freezes=frozen.reports(),
                obeyed=frozen.obeyed,
                stops=frozen.stops(),
            )
        return request, _Told(changed, frozen)

    def _apply(
        self,
        request: CheckinRequest,
        answer: CheckinResponse,
        sent_at: datetime,
        told: _Told,
    ) -> None:
        now = self._ledger.now()
        # First, for whatever else goes wrong with this answer: nothing may keep a freeze out.
        is_obeyed = self._take_mandate(answer)
        self._courier.expect(answer.orders)
        with self._ledger.transaction() as tx:
            holds.reported(tx, told.holds)
            mandated.told(tx, told.stopped)
            witness.returned(tx, self._cosigner.origin, request.cosignatures)
            facts.put(tx, facts.Name.LAST_CHECKIN_AT, clock.wire(now))
            offset_ms = _offset_ms(answer.server_time, sent_at, now)
            if offset_ms is not None:
                facts.put(tx, facts.Name.CLOCK_OFFSET_MS, str(offset_ms))
            alarms.over(tx, Code.REFUSED, "check-in", now)
        self._is_stream_known = stream.reconcile(self._ledger, answer.stream)
        if answer.log is not None:
            self.witness_log(answer.log)
        if (answer.policy is None or self._take_policy(answer.policy)) and is_obeyed:
            with self._ledger.transaction() as tx:
                facts.put(tx, facts.Name.ETAG, answer.etag)
                policies.confirm(tx, self._ledger.moment())

    def _take_mandate(self, answer: CheckinResponse) -> bool:
        """Put in force what the answer orders; False leaves the mandate before in force."""
        if answer.mandate is None:
            return True
        taken = mandated.take(self._ledger, self._recipient, answer.mandate, self._bells)
        self._is_news_due = taken is Taken.FREEZES
        return taken is not Taken.REFUSED

    def _take_policy(self, named: PolicyHead) -> bool:
        """Put in force what the check-in named; False leaves the old set in force."""
        taken = self._intake.take(named)
        if taken is Intake.NEW:
            self._bells.act.ring()
        return taken is not Intake.REFUSED

    def _not_answered(self, error: Exception) -> None:
        if isinstance(error, CredentialRefused):
            with self._ledger.transaction() as tx:
                alarms.sound(tx, Code.REFUSED, "check-in", str(error), self._ledger.now())

    def _rest_s(self) -> float:
        """How long nothing can be delivered; short when nothing stands in the way."""
        remaining_s = self._delivery.remaining_s()
        rest_s = min(remaining_s, IDLE_S_MAX) if remaining_s > 0 else IDLE_S_MAX
        return min(rest_s, self._courier.rest_s(IDLE_S_MAX))


def _hold_report(hold: Hold) -> HoldReport:
    return HoldReport(
        host_id=hold.host_id,
        check=hold.check,
        runbook_id=hold.runbook_id,
        suppressed_at=clock.wire(hold.suppressed_at),
        reason=hold.reason,
        incident_id=hold.incident_id,
        cleared_at=clock.wire(hold.cleared_at) if hold.cleared_at else None,
        cleared_by=hold.cleared_by,
        clear_reason=hold.clear_reason,
    )


def _is_included(one: outbox.Received, held: witness.Witnessed, proof: list[str]) -> bool:
    try:
        path = [signing.unbase64(item, "proof", log.HASH_BYTES) for item in proof]
    except Malformed:
        return False
    return log.verify_inclusion(one.leaf_hash, one.index, held.size, path, held.root)


def _evidence(error: Exception, update: LogUpdate) -> str:
    """The alarm keeps the note that Central signed: it is the proof against it."""
    return f"{error}\n{update.checkpoint[: checkpoint.NOTE_BYTES_MAX]}"


def _offset_ms(server_time: str, sent_at: datetime, now: datetime) -> int | None:
    """Central's clock minus ours, in ms, at the middle of the exchange; None if it is no time."""
    try:
        theirs = clock.parse(server_time)
    except ValueError:
        return None
    return clock.milliseconds(theirs) - (clock.milliseconds(sent_at) + clock.milliseconds(now)) // 2
