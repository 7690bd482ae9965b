"""The appliance's copy of its mandate: signed, kept until a newer one replaces it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

import orjson

from wardline.agent.store.database import Exact, Transaction
from wardline.core import clock, mandate
from wardline.core.errors import Refused, WardlineError
from wardline.core.evidence.signing import Envelope, VerifyKey
from wardline.core.mandate import Mandate
from wardline.core.protocol import EnvelopeWire


class MandateRefused(Refused):
    """A mandate that this appliance must not take; the one it has stays in force."""

    code = "mandate_refused"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A verified mandate with the envelope that it came in."""

    mandate: Mandate
    envelope: Envelope

    @property
    def digest(self) -> str:
        """Names exactly this mandate."""
        return hashlib.sha256(self.envelope.payload).hexdigest()


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who a mandate must be for, and the key that it must be signed with."""

    policy_key: VerifyKey
    site_id: str
    appliance_id: str


def verified(wire: EnvelopeWire, recipient: Recipient) -> Sealed:
    """The mandate of an envelope; raises MandateRefused naming what is wrong with it."""
    return _verified(wire.model_dump(), recipient)


def replace(tx: Transaction, new: Sealed, at: datetime) -> bool:
    """Put `new` in force; False where it is already. Raises MandateRefused when it is older than
    what is."""
    row = tx.row("SELECT epoch, revision, digest, envelope FROM mandates WHERE only = 1")
    version, text = new.mandate.version, Exact(new.envelope.to_json().decode())
    if row is not None:
        held = (row["epoch"], row["revision"])
        if version < held:
            raise MandateRefused(f"the mandate {version} is older than the one in force {held}")
        if row["digest"] == new.digest and row["envelope"] == text:
            return False
    tx.execute(
        "INSERT INTO mandates (only, epoch, revision, digest, envelope, received_at)"
        " VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT(only) DO UPDATE SET epoch = excluded.epoch,"
        " revision = excluded.revision, digest = excluded.digest, envelope = excluded.envelope,"
        " received_at = excluded.received_at",
        (*version, new.digest, text, clock.wire(at)),
    )
    return True


def digest(tx: Transaction) -> str | None:
    """Which mandate is in force; None before the first."""
    row = tx.row("SELECT digest FROM mandates WHERE only = 1")
    return None if row is None else str(row["digest"])


def load(tx: Transaction, recipient: Recipient) -> Mandate | None:
    """The mandate in force, verified again as it is read; None before the first. Raises
    MandateRefused for a stored copy that is not what Central signed for this appliance."""
    row = tx.row("SELECT envelope FROM mandates WHERE only = 1")
    if row is None:
        return None
    try:
        wire = orjson.loads(row["envelope"])
    except orjson.JSONDecodeError:
        raise MandateRefused("the stored mandate is not JSON") from None
    return _verified(wire, recipient).mandate


def _verified(wire: object, recipient: Recipient) -> Sealed:
    try:
        envelope = Envelope.from_wire(wire, payload_bytes_max=mandate.PAYLOAD_BYTES_MAX)
        found = mandate.opened(envelope, recipient.policy_key)
    except WardlineError as error:
        raise MandateRefused(f"the mandate: {error}") from error
    if (found.site_id, found.appliance_id) != (recipient.site_id, recipient.appliance_id):
        raise MandateRefused(f"the mandate is for {found.appliance_id} of {found.site_id}")
    return Sealed(found, envelope)
