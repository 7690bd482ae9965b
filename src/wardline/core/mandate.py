"""A mandate: what Central lets one appliance do at all, whatever the rules say.

Who has frozen its partner or its site, and which part of the site's limits it may use without
asking anybody. The payload is canonical JSON, schema `mandate/1`, in a DSSE envelope by Central's
policy key; (`epoch`, `revision`) only ever grows, so an older one, in which a freeze is not there
yet, never comes back. Times hold to the millisecond.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import canonical, clock, protocol
from wardline.core.evidence import fields, signing
from wardline.core.evidence.signing import Envelope, SigningKey, VerifyKey
from wardline.core.policy.share import WHOLE, Share

PAYLOAD_TYPE = "application/vnd.wardline.mandate+json;version=1"
SCHEMA = "mandate/1"
PAYLOAD_BYTES_MAX = 16 * 1024
NAME_BYTES_MAX = 255
# A thousand characters of any script.
REASON_BYTES_MAX = 4000
APPLIANCES_MAX = 100_000


class Reach(StrEnum):
    """What a freeze stops: everything of a partner, of a site, or of one appliance."""

    PARTNER = "partner"
    SITE = "site"
    APPLIANCE = "appliance"


@dataclass(frozen=True, slots=True)
class Freeze:
    """Somebody, by name, has stopped everything in reach, until it is lifted."""

    id: str
    reach: Reach
    frozen_at: datetime
    by: str
    reason: str

    @property
    def words(self) -> str:
        """Who, what, when and why, for the trace of a decision."""
        since = clock.wire(self.frozen_at)
        return f"the {self.reach} is frozen since {since} by {self.by}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Mandate:
    """What holds for one appliance from (`epoch`, `revision`) on."""

    site_id: str
    appliance_id: str
    epoch: int
    revision: int
    freezes: tuple[Freeze, ...] = ()
    share: Share = WHOLE

    @property
    def version(self) -> tuple[int, int]:
        return (self.epoch, self.revision)


def seal(mandate: Mandate, key: SigningKey) -> Envelope:
    """The signed envelope; raises Malformed for a mandate that no appliance would accept."""
    payload = canonical.dumps(to_wire(mandate))
    parse(payload)
    return signing.sign(key, PAYLOAD_TYPE, payload)


def opened(envelope: Envelope, key: VerifyKey) -> Mandate:
    """The mandate in an envelope whose signature holds; raises BadSignature or Malformed."""
    return parse(signing.open_envelope(envelope, key, PAYLOAD_TYPE))


def parse(payload: bytes) -> Mandate:
    """The mandate of canonical bytes; raises Malformed naming the first field that is wrong."""
    obj = fields.exactly(canonical.loads(payload, bytes_max=PAYLOAD_BYTES_MAX), _KEYS)
    fields.one_of(obj, "schema", (SCHEMA,))
    return Mandate(
        site_id=fields.entity(obj, "site_id", "site"),
        appliance_id=fields.entity(obj, "appliance_id", "appl"),
        epoch=fields.integer(obj, "epoch", 1),
        revision=fields.integer(obj, "revision", 0),
        freezes=fields.parts(obj, "freezes", protocol.FREEZES_OBEYED_MAX, _freeze),
        share=fields.part(obj, "share", _share),
    )


def to_wire(mandate: Mandate) -> dict[str, Any]:
    """The payload before it is made canonical."""
    return {
        "schema": SCHEMA,
        "site_id": mandate.site_id,
        "appliance_id": mandate.appliance_id,
        "epoch": mandate.epoch,
        "revision": mandate.revision,
        "freezes": [
            {
                "id": one.id,
                "reach": one.reach.value,
                "frozen_at": clock.wire(one.frozen_at),
                "by": one.by,
                "reason": one.reason,
            }
            for one in mandate.freezes
        ],
        "share": {"index": mandate.share.index, "of": mandate.share.of},
    }


def _freeze(value: object) -> Freeze:
    obj = fields.exactly(value, _FREEZE_KEYS)
    return Freeze(
        id=fields.entity(obj, "id", "freeze"),
        reach=fields.choice(obj, "reach", _FROM_CENTRAL),
        frozen_at=fields.instant(obj, "frozen_at"),
        by=fields.text(obj, "by", NAME_BYTES_MAX),
        reason=fields.text(obj, "reason", REASON_BYTES_MAX),
    )


def _share(value: object) -> Share:
    obj = fields.exactly(value, _SHARE_KEYS)
    of = fields.integer(obj, "of", 1, APPLIANCES_MAX)
    return Share(fields.integer(obj, "index", 0, of - 1), of)


# What an appliance's own people froze there, Central does not order.
_FROM_CENTRAL = {one.value: one for one in (Reach.PARTNER, Reach.SITE)}
_KEYS = frozenset({"schema", "site_id", "appliance_id", "epoch", "revision", "freezes", "share"})
_FREEZE_KEYS = frozenset({"id", "reach", "frozen_at", "by", "reason"})
_SHARE_KEYS = frozenset({"index", "of"})
