"""What an appliance's requests do: check in, bring evidence, ask for proofs."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

import orjson

from wardline.central.approvals import asking
from wardline.central.database.session import Session
from wardline.central.evidence import receive, tree
from wardline.central.evidence import service as evidence
from wardline.central.evidence.receive import Batch, Caller
from wardline.central.evidence.service import Ingested
from wardline.central.fleet import service as fleet
from wardline.central.freezes import service as freezes
from wardline.central.holds import service as holds
from wardline.central.identity.access import ApplianceCaller, ApplianceGate
from wardline.central.incidents import service as incidents
from wardline.central.posture import service as posture
from wardline.central.uplink import mandates, snapshot
from wardline.central.uplink.conformance import Cases
from wardline.central.uplink.enrolled import Memory
from wardline.central.uplink.repository import Enrolled, Repository, State
from wardline.central.uplink.rounds import Rounds
from wardline.central.uplink.snapshot import Snapshot
from wardline.core import clock, protocol
from wardline.core.evidence import checkpoint
from wardline.core.evidence.bundle import Bundle, IncidentState
from wardline.core.evidence.signing import SigningKey
from wardline.core.protocol import (
    CheckinRequest,
    CheckinResponse,
    EnrolRequest,
    EnrolResponse,
    EnvelopeWire,
    LogUpdate,
    Stream,
)

ETAG_CHARS = 32
# So many incidents are looked through for what was asked in vain; the oldest first.
WAITING_PER_LOOK_MAX = 500

_verifier = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verify")
_memory = Memory()
_rounds = Rounds()


@dataclass(frozen=True, slots=True)
class Reads:
    """Which schemas of a snapshot and of a mandate an appliance is given, and where the cases of a
    snapshot are kept."""

    schema: int
    cases: Cases
    mandate: int


@dataclass(frozen=True, slots=True)
class Judged:
    """A verified batch with all that is written when every bundle of it is new."""

    evidence: evidence.Batch
    results: posture.Prepared | None
    incidents: incidents.Tidings | None


async def enrol(gate: ApplianceGate, installation_id: str, request: EnrolRequest) -> EnrolResponse:
    """Appliance, key, log entry and spent token in one transaction, behind the gate of
    `fleet.admit`."""
    site_id = gate.appliance.site_id
    async with gate.open() as session:
        origin = checkpoint.log_origin(installation_id, site_id)
        response = await fleet.enrol(session, request, log_origin=origin)
        public, witness = fleet.keys_of(request)
        await evidence.enrol_key(
            session,
            site_id=site_id,
            appliance_id=gate.appliance.appliance_id,
            epoch=gate.appliance.epoch,
            public=public,
            witness=witness,
        )
    return response


async def check_in(
    session: Session,
    appliance: ApplianceCaller,
    request: CheckinRequest,
    policy_key: SigningKey,
    reads: Reads,
) -> CheckinResponse:
    """Marks the appliance as seen; answers only what changed since `request.etag`.

    A stream that is one epoch ahead of the enrolled one raises it: the appliance found itself
    behind its own stream, and goes on under the same key in a new one.
    """
    site_id, appliance_id = appliance.site_id, appliance.appliance_id
    await fleet.check_in(session, request)
    if request.holds:
        await holds.take(session, site_id, appliance_id, request.holds)
    if request.freezes:
        await freezes.take(session, site_id, appliance_id, request.freezes)
    if _rounds.is_due(appliance_id, session.now):
        # Now that the appliance is there to do it.
        waiting = await incidents.waiting(session, site_id, appliance_id, WAITING_PER_LOOK_MAX)
        await asking.renew(session, site_id, appliance_id, waiting)
    seen = await Repository(session, site_id).state(appliance_id)
    if request.obeyed or seen.confirmed:
        await freezes.follow(session, site_id, appliance_id, request.obeyed, seen.confirmed)
    await _keep_cosignatures(session, appliance, seen.witness_key, request)
    stream = Stream(epoch=seen.epoch, next_seq=seen.next_seq, prev=seen.prev)
    if request.stream.epoch == seen.epoch + 1:
        stream = await _raise_epoch(session, appliance, seen)
    etag = _etag(seen, reads)
    changed = request.etag != etag
    return CheckinResponse(
        etag=etag,
        server_time=clock.wire(session.now),
        stream=stream,
        policy=(await _snapshot(session, site_id, reads)).head if changed else None,
        log=await tree.update_to(session, site_id, seen.checkpoint, request.witnessed_size),
        interval_s=protocol.CHECKIN_INTERVAL_S,
        orders=seen.orders,
        mandate=await mandates.sealed(session, appliance, seen, policy_key, reads.mandate)
        if changed
        else None,
    )


async def receive_evidence(gate: ApplianceGate, body: bytes) -> bytes:
    """A batch into the log; the JSON of protocol.EvidenceReceipts. Raises BatchRefused,
    BatchTooLarge, Malformed; nothing of a refused batch is stored, but for the envelope that
    contradicts a stored one."""
    batch = receive.frame(body)
    enrolled, judged = await _memory.judge(
        gate.appliance.appliance_id,
        lambda: _enrolled(gate),
        lambda enrolled: _judged(batch, gate, enrolled),
    )
    async with gate.open() as session:
        await _keep_cosignatures(session, gate.appliance, enrolled.witness, batch)
        # From here on the site's other appliances may wait: what can be done before stands above.
        log = await tree.update_for(session, gate.appliance.site_id, batch.witnessed_size)
        ingested = await _ingest(session, gate.appliance, judged)
    if ingested.conflict is not None:
        raise ingested.conflict
    return _answer(ingested, log)


def _answer(ingested: Ingested, log: LogUpdate | None) -> bytes:
    answer = {
        "v": protocol.VERSION,
        "receipts": ingested.receipts,
        "stream": ingested.stream.model_dump(),
        "log": None if log is None else log.model_dump(),
    }
    return orjson.dumps(answer)


async def _enrolled(gate: ApplianceGate) -> Enrolled:
    async with gate.open() as session:
        repository = Repository(session, gate.appliance.site_id)
        return await repository.enrolled(gate.appliance.appliance_id)


async def _judged(batch: Batch, gate: ApplianceGate, enrolled: Enrolled) -> Judged:
    """In the one thread for it: signature checks leave the interpreter to others while they
    compute, and more threads would only fight for it."""
    appliance = gate.appliance
    caller = Caller(
        appliance.site_id,
        appliance.partner_id,
        appliance.appliance_id,
        enrolled.keys,
        enrolled.hosts,
    )
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_verifier, _judge, batch, caller, gate.now())


def _judge(batch: Batch, caller: Caller, now: datetime) -> Judged:
    return _prepared(evidence.prepare(receive.verify(batch, caller), now))


def _prepared(batch: evidence.Batch) -> Judged:
    bundles = batch.bundles
    return Judged(
        batch,
        posture.prepare(bundles, batch.received_at),
        incidents.prepare(bundles, batch.received_at),
    )


async def _ingest(session: Session, appliance: ApplianceCaller, judged: Judged) -> Ingested:
    """The log and all that is read from it, in the one transaction of the session."""
    ingested = await evidence.ingest(session, appliance.appliance_id, judged.evidence)
    if ingested.conflict is not None:
        await session.record(
            "evidence.conflict",
            appliance.appliance_id,
            reason=str(ingested.conflict),
        )
    if ingested.new is not None:
        new = judged if ingested.new is judged.evidence else _prepared(ingested.new)
        await _fold(session, appliance, new, ingested.first_index)
    return ingested


async def _fold(
    session: Session, appliance: ApplianceCaller, new: Judged, first_index: int
) -> None:
    site_id, bundles = appliance.site_id, new.evidence.bundles
    await posture.fold(session, site_id, new.results, first_index)
    told = await incidents.fold(
        session, site_id, appliance.appliance_id, new.incidents, first_index
    )
    if told:
        await _follow_approvals(session, appliance, bundles, told)
    last = first_index + len(bundles) - 1
    await session.announce(
        "evidence", site_id, {"first": first_index, "last": last, "incidents": len(told)}
    )


async def _follow_approvals(
    session: Session, appliance: ApplianceCaller, bundles: Sequence[Bundle], told: Sequence[str]
) -> None:
    """Nothing but one look-up where no incident of these waits, nor did before."""
    waiting = {
        record.incident_id
        for one in bundles
        for record in one.incidents
        if record.state is IncidentState.WAITING
    }
    concerned = waiting.union(await asking.pending(session, appliance.site_id, told))
    if concerned:
        standing = await incidents.standing(
            session, appliance.site_id, sorted(concerned), appliance.appliance_id
        )
        await asking.follow(session, appliance.site_id, appliance.appliance_id, standing)


async def _keep_cosignatures(
    session: Session,
    appliance: ApplianceCaller,
    witness_key: bytes,
    sent: Batch | CheckinRequest,
) -> None:
    refused = await tree.keep_cosignatures(
        session,
        appliance.site_id,
        appliance.appliance_id,
        witness_key,
        sent.witnessed_size,
        sent.cosignatures,
    )
    if refused is not None:
        await session.record("cosignature.refuse", appliance.appliance_id, reason=refused)


async def _raise_epoch(session: Session, appliance: ApplianceCaller, seen: State) -> Stream:
    await Repository(session, appliance.site_id).raise_epoch(appliance.appliance_id, seen)
    epoch = seen.epoch + 1
    await session.record(
        "appliance.epoch",
        appliance.appliance_id,
        before={"epoch": seen.epoch, "next_seq": seen.next_seq},
        after={"epoch": epoch},
    )
    return await evidence.enrol_key(
        session,
        site_id=appliance.site_id,
        appliance_id=appliance.appliance_id,
        epoch=epoch,
        public=seen.public_key,
        witness=seen.witness_key,
    )


async def get_policy(
    session: Session, appliance: ApplianceCaller, key: SigningKey, reads: Reads
) -> EnvelopeWire:
    """The policy snapshot of the caller's site, signed."""
    return (await _snapshot(session, appliance.site_id, reads)).sealed(key)


async def _snapshot(session: Session, site_id: str, reads: Reads) -> Snapshot:
    return await snapshot.build(session, site_id, reads.schema, reads.cases)


def _etag(seen: State, reads: Reads) -> str:
    """Opaque to the agent: names the state of everything that an answer leaves out when it is
    known. Stream and log are always told."""
    policy = f"{seen.policy_epoch}.{seen.policy_revision}.{seen.settings_revision}"
    state = f"{policy}.{seen.freeze_changes}.{seen.fleet_changes}.{reads.schema}.{reads.mandate}"
    return hashlib.sha256(state.encode()).hexdigest()[:ETAG_CHARS]
