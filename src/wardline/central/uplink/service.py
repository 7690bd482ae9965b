"""What an appliance's requests do: check in, bring evidence, ask for proofs."""

import asyncio
import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import orjson

from wardline.central.approvals import asking
from wardline.central.database.session import Session
from wardline.central.evidence import receive, tree
from wardline.central.evidence import service as evidence
from wardline.central.evidence.receive import Batch, Caller, Received
from wardline.central.evidence.service import Accepted, Ingested
from wardline.central.fleet import service as fleet
from wardline.central.freezes import service as freezes
from wardline.central.holds import service as holds
from wardline.central.identity.access import ApplianceCaller, ApplianceGate
from wardline.central.incidents import service as incidents
from wardline.central.posture import service as posture
from wardline.central.uplink import mandates, snapshot
from wardline.central.uplink.enrolled import Memory
from wardline.central.uplink.repository import Enrolled, Repository, State
from wardline.core import clock, protocol
from wardline.core.evidence import checkpoint
from wardline.core.evidence.bundle import IncidentState
from wardline.core.evidence.signing import SigningKey
from wardline.core.protocol import (
    CheckinRequest,
    CheckinResponse,
    EnrolRequest,
    EnrolResponse,
    LogUpdate,
    Stream,
)

ETAG_CHARS = 32

_verifier = ThreadPoolExecutor(max_workers=1, thread_name_prefix="verify")
_memory = Memory()


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
    session: Session, appliance: ApplianceCaller, request: CheckinRequest, policy_key: SigningKey
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
    seen = await Repository(session, site_id).state(appliance_id)
    if request.obeyed or seen.confirmed:
        await freezes.follow(session, site_id, appliance_id, request.obeyed, seen.confirmed)
    await _keep_cosignatures(session, appliance, seen.witness_key, request)
    stream = Stream(epoch=seen.epoch, next_seq=seen.next_seq, prev=seen.prev)
    if request.stream.epoch == seen.epoch + 1:
        stream = await _raise_epoch(session, appliance, seen)
    etag = _etag(seen)
    changed = request.etag != etag
    return CheckinResponse(
        etag=etag,
        server_time=clock.wire(session.now),
        stream=stream,
        policy=(await snapshot.build(session, site_id)).head if changed else None,
        log=await tree.update_to(session, site_id, seen.checkpoint, request.witnessed_size),
        interval_s=protocol.CHECKIN_INTERVAL_S,
        orders=seen.orders,
        mandate=await mandates.sealed(session, appliance, seen, policy_key) if changed else None,
    )


async def receive_evidence(gate: ApplianceGate, body: bytes) -> bytes:
    """A batch into the log; the JSON of protocol.EvidenceReceipts. Raises BatchRefused,
    BatchTooLarge, Malformed; nothing of a refused batch is stored, but for the envelope that
    contradicts a stored one."""
    batch = receive.frame(body)
    enrolled, received = await _memory.judge(
        gate.appliance.appliance_id,
        lambda: _enrolled(gate),
        lambda enrolled: _verified(batch, gate.appliance, enrolled),
    )
    async with gate.open() as session:
        await _keep_cosignatures(session, gate.appliance, enrolled.witness, batch)
        ingested = await _ingest(session, gate.appliance, received)
        log = await tree.update_for(session, gate.appliance.site_id, batch.witnessed_size)
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


async def _verified(batch: Batch, appliance: ApplianceCaller, enrolled: Enrolled) -> list[Received]:
    """In the one thread for it: signature checks leave the interpreter to others while they
    compute, and more threads would only fight for it."""
    caller = Caller(
        appliance.site_id,
        appliance.partner_id,
        appliance.appliance_id,
        enrolled.keys,
        enrolled.hosts,
    )
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_verifier, receive.verify, batch, caller)


async def _ingest(
    session: Session, appliance: ApplianceCaller, received: Sequence[Received]
) -> Ingested:
    """The log and all that is read from it, in the one transaction of the session."""
    site_id = appliance.site_id
    ingested = await evidence.ingest(session, appliance.appliance_id, received)
    if ingested.conflict is not None:
        await session.record(
            "evidence.conflict",
            appliance.appliance_id,
            reason=str(ingested.conflict),
        )
    if ingested.accepted:
        await posture.fold(session, site_id, ingested.accepted)
        told = await incidents.fold(session, site_id, appliance.appliance_id, ingested.accepted)
        if told:
            await _follow_approvals(session, appliance, ingested.accepted, told)
        first, last = ingested.accepted[0].log_index, ingested.accepted[-1].log_index
        await session.announce(
            "evidence", site_id, {"first": first, "last": last, "incidents": len(told)}
        )
    return ingested


async def _follow_approvals(
    session: Session, appliance: ApplianceCaller, accepted: Sequence[Accepted], told: Sequence[str]
) -> None:
    """Nothing but one look-up where no incident of these waits, nor did before."""
    waiting = {
        record.incident_id
        for one in accepted
        for record in one.bundle.incidents
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


def _etag(seen: State) -> str:
    """Opaque to the agent: names the state of everything that an answer leaves out when it is
    known. Stream and log are always told."""
    policy = f"{seen.policy_epoch}.{seen.policy_revision}.{seen.settings_revision}"
    state = f"{policy}.{seen.freeze_changes}.{seen.fleet_changes}"
    return hashlib.sha256(state.encode()).hexdigest()[:ETAG_CHARS]
