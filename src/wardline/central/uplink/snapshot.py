"""The policy snapshot of a site: its partner's rules and its own settings, signed for its agents.

The same state gives the same bytes, so that the digest names the snapshot. From schema 2 on it
carries conformance cases: what this Central's evaluator makes of the rules.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import RowMapping

from wardline.central.database.session import Session
from wardline.central.uplink.conformance import Cases
from wardline.central.uplink.repository import Repository
from wardline.core import canonical, clock, protocol
from wardline.core.evidence import signing
from wardline.core.evidence.signing import SigningKey
from wardline.core.policy import exact
from wardline.core.protocol import EnvelopeWire, PolicyHead


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The canonical payload and the head that names it."""

    payload: bytes
    head: PolicyHead
    schema: int

    def sealed(self, key: SigningKey) -> EnvelopeWire:
        """The DSSE envelope that GET /policy gives."""
        envelope = signing.sign(key, protocol.POLICY_PAYLOAD_TYPES[self.schema], self.payload)
        return EnvelopeWire.model_validate(envelope.to_wire())


async def build(session: Session, site_id: str, schema: int, cases: Cases) -> Snapshot:
    """The snapshot of the state that this transaction sees, in a schema that its reader knows."""
    repository = Repository(session, site_id)
    site = await repository.site_policy()
    rules = await repository.rules(site["partner_id"])
    return await asyncio.to_thread(_built, site, site_id, rules, schema, cases)


def _built(
    site: RowMapping, site_id: str, bodies: Sequence[dict[str, Any]], schema: int, cases: Cases
) -> Snapshot:
    rules = [exact.tagged(body) for body in bodies]
    told = {
        "schema": f"policy.snapshot/{schema}",
        "site_id": site_id,
        "site_name": site["name"],
        "partner_id": site["partner_id"],
        "epoch": site["epoch"],
        "revision": site["revision"],
        "settings_revision": site["settings_revision"],
        "issued_at": clock.wire(site["issued_at"]),
        "healing": site["healing"],
        "zone": site["zone"],
        "opening_hours": site["opening_hours"],
        "rules": rules,
    }
    if schema > 1:
        told["cases"] = cases.of(rules, site["zone"], site["revision"])
    payload = canonical.dumps(told)
    head = PolicyHead(
        epoch=site["epoch"],
        revision=site["revision"],
        settings_revision=site["settings_revision"],
        digest=hashlib.sha256(payload).hexdigest(),
    )
    return Snapshot(payload, head, schema)
