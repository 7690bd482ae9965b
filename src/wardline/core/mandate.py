"""A mandate: what Central lets one appliance do at all, whatever the rules say.

Who has frozen its partner or its site, which part of the site's limits it may use without asking
anybody, and from schema 2 on what its sections say. The payload is canonical JSON, schema
`mandate/1` or `mandate/2`, in a DSSE envelope by Central's policy key; (`epoch`, `revision`) only
ever grows, so an older one, in which a freeze is not there yet, never comes back. Times hold to the
millisecond.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wardline.core import canonical, clock, protocol, stops
from wardline.core.evidence import fields, signing
from wardline.core.evidence.signing import Envelope, SigningKey, VerifyKey
from wardline.core.policy.share import WHOLE, Share
from wardline.core.section import Section
from wardline.core.stops import Stop

# Schema → payload type. An appliance says in its check-in which is the newest that it reads; who
# says nothing gets the first.
PAYLOAD_TYPES = {
    1: "application/vnd.wardline.mandate+json;version=1",
    2: "application/vnd.wardline.mandate+json;version=2",
}
NEWEST = 2
# Of every schema; the sections of the newest, each within its own bound, and the rest fit into it.
PAYLOAD_BYTES_MAX = 256 * 1024
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
    """What holds for one appliance from (`epoch`, `revision`) on. What follows `share` are the
    sections, which the first schema does not have."""

    site_id: str
    appliance_id: str
    epoch: int
    revision: int
    freezes: tuple[Freeze, ...] = ()
    share: Share = WHOLE
    stops: tuple[Stop, ...] = ()

    @property
    def version(self) -> tuple[int, int]:
        return (self.epoch, self.revision)


def seal(mandate: Mandate, key: SigningKey, schema: int = NEWEST) -> Envelope:
    """The signed envelope, in a schema that its reader knows; raises Malformed for a mandate that
    no appliance would accept."""
    payload = canonical.dumps(to_wire(mandate, schema))
    parse(payload, schema)
    return signing.sign(key, PAYLOAD_TYPES[schema], payload)


def opened(envelope: Envelope, key: VerifyKey) -> Mandate:
    """The mandate in an envelope whose signature holds; raises BadSignature or Malformed."""
    known = {kind: schema for schema, kind in PAYLOAD_TYPES.items()}
    schema = known.get(envelope.payload_type, NEWEST)
    return parse(signing.open_envelope(envelope, key, PAYLOAD_TYPES[schema]), schema)


def parse(payload: bytes, schema: int = NEWEST) -> Mandate:
    """The mandate of canonical bytes; raises Malformed naming the first field that is wrong."""
    sections = _sections(schema)
    keys = _KEYS.union(one.name for one in sections)
    obj = fields.exactly(canonical.loads(payload, bytes_max=PAYLOAD_BYTES_MAX), keys)
    fields.one_of(obj, "schema", (_name(schema),))
    return Mandate(
        site_id=fields.entity(obj, "site_id", "site"),
        appliance_id=fields.entity(obj, "appliance_id", "appl"),
        epoch=fields.integer(obj, "epoch", 1),
        revision=fields.integer(obj, "revision", 0),
        freezes=fields.parts(obj, "freezes", protocol.FREEZES_OBEYED_MAX, _freeze),
        share=fields.part(obj, "share", _share),
        **{one.name: one.parse(obj) for one in sections},
    )


def to_wire(mandate: Mandate, schema: int = NEWEST) -> dict[str, Any]:
    """The payload before it is made canonical."""
    return {
        "schema": _name(schema),
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
        **{one.name: one.to_wire(getattr(mandate, one.name)) for one in _sections(schema)},
    }


def _name(schema: int) -> str:
    return f"mandate/{schema}"


def _sections(schema: int) -> tuple[Section[Any], ...]:
    return _SECTIONS if schema > 1 else ()


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
# In the order of the fields of Mandate, which have the same names.
_SECTIONS: tuple[Section[Any], ...] = (stops.SECTION,)
