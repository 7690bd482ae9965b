"""What an envelope must pass before a transaction is opened for it: pure work on bytes and keys.

Nothing a sender wrote is repeated in an error; the position and the rule that was broken are.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import orjson

from wardline.core import canonical, frozen, protocol
from wardline.core.errors import Malformed, WardlineError
from wardline.core.evidence import bundle, notes, origin, signing, watch
from wardline.core.evidence.bundle import Bundle
from wardline.core.evidence.signing import BadSignature, Envelope, VerifyKey
from wardline.core.protocol import EvidenceProblem, Stream

COSIGNATURES_MAX = 8

_PATH_SEPARATORS = re.compile(r"[\[\].$]|\d+")
_WORDS = frozenset({"payload", "payloadType", "signatures", "keyid", "sig", "envelope"}).union(
    notes.WORDS,
    *(
        part.__slots__
        for part in (
            bundle.Bundle,
            bundle.Result,
            bundle.IncidentRecord,
            bundle.Action,
            bundle.RunbookRef,
            origin.Clock,
            origin.Agent,
            watch.Watch,
        )
    ),
)
_BATCH_KEYS = frozenset({"v", "envelopes", "witnessed_size", "cosignatures"})
_STATUS = {EvidenceProblem.POISON: 422}


class BatchRefused(WardlineError):
    """A batch of evidence is not accepted; `position` is the first envelope that it is about."""

    def __init__(
        self,
        problem: EvidenceProblem,
        position: int,
        detail: str,
        expected: Stream | None = None,
    ) -> None:
        super().__init__(f"envelopes[{position}]: {detail}")
        self.problem = problem
        self.position = position
        self.expected = expected
        self.code = problem.value
        self.status = _STATUS.get(problem, 409)

    @property
    def extra(self) -> dict[str, object]:
        """What a problem document says beside the usual: protocol.EvidenceRefusal."""
        expected = None if self.expected is None else self.expected.model_dump()
        return {"position": self.position, "expected": expected}


class BatchTooLarge(WardlineError):
    """The payloads of one batch are larger together than is accepted; send it in parts."""

    status = 413
    code = "too_large"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose evidence it may be, from the enrolled set and never from the body: the appliance of
    the credential, its keys by epoch, and the hosts that it may speak for."""

    site_id: str
    partner_id: str
    appliance_id: str
    keys: Mapping[int, VerifyKey]
    hosts: frozenset[str]


@dataclass(frozen=True, slots=True)
class Batch:
    """POST /evidence as far as its frame goes; the envelopes are not opened yet."""

    envelopes: Sequence[object]
    witnessed_size: int
    cosignatures: Sequence[str]


@dataclass(frozen=True, slots=True)
class Received:
    """A verified bundle at its position in the batch. `chain` is the `prev` of the next one."""

    position: int
    envelope: Envelope
    bundle: Bundle
    payload_sha256: str
    chain: str


_make_received = frozen.maker(Received)


def frame(body: bytes) -> Batch:
    """The batch of a request body; raises Malformed. The same strictness as protocol.EvidenceBatch
    down to the envelopes, which `verify` opens one by one to name the one that is wrong."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Malformed("body", f"not JSON (at byte {error.pos})") from None
    if type(value) is not dict or not {"envelopes", "witnessed_size"} <= value.keys():
        raise Malformed("body", "not an object with envelopes and witnessed_size")
    if not value.keys() <= _BATCH_KEYS:
        raise Malformed("body", f"has keys other than {', '.join(sorted(_BATCH_KEYS))}")
    version = value.get("v", protocol.VERSION)
    if type(version) is not int or version != protocol.VERSION:
        raise Malformed("v", f"not {protocol.VERSION}")
    return Batch(
        _list(value["envelopes"], "envelopes", 1, protocol.ENVELOPES_PER_BATCH_MAX),
        _size(value["witnessed_size"]),
        _texts(value.get("cosignatures", [])),
    )


def verify(batch: Batch, caller: Caller) -> list[Received]:
    """Every envelope opened with the enrolled key of its epoch and found to be the caller's;
    raises BatchRefused for the first that is not, BatchTooLarge when all of them are too much."""
    try:
        return _open_all(batch.envelopes, caller)
    except WardlineError:
        # One of them is not in order: one by one, to name the first that is not.
        return _open_each(batch.envelopes, caller)


def _open_all(wires: Sequence[object], caller: Caller) -> list[Received]:
    """Each step for all of them before the next step: a fifth cheaper than each of them in turn,
    because a step's code and tables then stay in the processor's caches."""
    envelopes = [_envelope(wire) for wire in wires]
    if sum(len(envelope.payload) for envelope in envelopes) > protocol.BATCH_BYTES_MAX:
        raise BatchTooLarge("the payloads hold too much")
    values = [_value(envelope) for envelope in envelopes]
    keys = [_key(value, caller, 0) for value in values]
    encodings = [signing.pae(bundle.PAYLOAD_TYPE, envelope.payload) for envelope in envelopes]
    for envelope, key, encoded in zip(envelopes, keys, encodings, strict=True):
        _check_signature(envelope, key, encoded)
    bundles = [_bundle(value, caller) for value in values]
    if len({item.epoch for item in bundles}) > 1:
        raise Malformed("epoch", "another epoch than the first's")
    hashes = [hashlib.sha256(envelope.payload).hexdigest() for envelope in envelopes]
    chains = [hashlib.sha256(encoded).hexdigest() for encoded in encodings]
    columns = (range(len(envelopes)), envelopes, bundles, hashes, chains)
    return list(map(_make_received, *columns))


def _open_each(wires: Sequence[object], caller: Caller) -> list[Received]:
    received: list[Received] = []
    payload_bytes = 0
    for position, wire in enumerate(wires):
        try:
            item = _open(position, wire, caller)
        except (Malformed, BadSignature) as error:
            raise BatchRefused(EvidenceProblem.POISON, position, _without_input(error)) from None
        payload_bytes += len(item.envelope.payload)
        if payload_bytes > protocol.BATCH_BYTES_MAX:
            raise BatchTooLarge(
                f"the payloads hold more than {protocol.BATCH_BYTES_MAX} bytes at"
                f" envelopes[{position}]; send the batch in parts"
            )
        if item.bundle.epoch != (received or [item])[0].bundle.epoch:
            raise BatchRefused(EvidenceProblem.POISON, position, "another epoch than the first's")
        received.append(item)
    return received


def _open(position: int, wire: object, caller: Caller) -> Received:
    envelope = _envelope(wire)
    value = _value(envelope)
    key = _key(value, caller, position)
    encoded = signing.pae(bundle.PAYLOAD_TYPE, envelope.payload)
    _check_signature(envelope, key, encoded)
    return Received(
        position,
        envelope,
        _bundle(value, caller),
        hashlib.sha256(envelope.payload).hexdigest(),
        hashlib.sha256(encoded).hexdigest(),
    )


def _envelope(wire: object) -> Envelope:
    envelope = Envelope.from_wire(wire)
    if envelope.payload_type != bundle.PAYLOAD_TYPE:
        raise Malformed("payloadType", "not that of an evidence bundle")
    return envelope


def _value(envelope: Envelope) -> object:
    return canonical.loads(envelope.payload, bytes_max=bundle.PAYLOAD_BYTES_MAX)


def _key(value: object, caller: Caller, position: int) -> VerifyKey:
    """The enrolled key of the epoch that the payload claims."""
    key = caller.keys.get(_claimed_epoch(value))
    if key is None:
        raise BatchRefused(
            EvidenceProblem.EPOCH, position, "its epoch is not enrolled for this appliance"
        )
    return key


def _check_signature(envelope: Envelope, key: VerifyKey, encoded: bytes) -> None:
    if envelope.keyid != key.key_id:
        raise Malformed("keyid", "not the enrolled key's")
    if not key.verify(encoded, envelope.sig):
        raise BadSignature("the signature is not that of the enrolled key over these bytes")


def _bundle(value: object, caller: Caller) -> Bundle:
    parsed = bundle.from_wire(value)
    if (parsed.site_id, parsed.appliance_id) != (caller.site_id, caller.appliance_id):
        raise Malformed("payload", "of another site or appliance than the caller")
    if parsed.host_id is not None and parsed.host_id not in caller.hosts:
        raise Malformed("host_id", "not a host that this appliance has declared")
    return parsed


def _claimed_epoch(value: object) -> int:
    """Chooses the key; a claim that lies meets a key that does not fit."""
    epoch = value.get("epoch") if isinstance(value, dict) else None
    if type(epoch) is not int:
        raise Malformed("epoch", "not an integer")
    return epoch


def _without_input(error: Malformed | BadSignature) -> str:
    """The error's text, with its path only where every word of the path is ours."""
    if isinstance(error, BadSignature):
        return str(error)
    words = set(_PATH_SEPARATORS.split(error.where)) - {""}
    return f"{error.where}: {error.why}" if words and words <= _WORDS else error.why


def _list(value: object, where: str, low: int, high: int) -> list[object]:
    if type(value) is not list or not low <= len(value) <= high:
        raise Malformed(where, f"not a list of {low} to {high} items")
    return value


def _size(value: object) -> int:
    if type(value) is not int or not 0 <= value < 2**53:
        raise Malformed("witnessed_size", "not an integer from 0 to 2^53 - 1")
    return value


def _texts(value: object) -> list[str]:
    items = _list(value, "cosignatures", 0, COSIGNATURES_MAX)
    if not all(type(item) is str for item in items):
        raise Malformed("cosignatures", "not a list of texts")
    return [str(item) for item in items]
