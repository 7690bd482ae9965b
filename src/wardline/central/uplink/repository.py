"""The SQL of an appliance's own requests: what its answers depend on, its epochs, its policy."""

from dataclasses import dataclass
from typing import Any

import asyncpg
from sqlalchemy import RowMapping, text

from wardline.central.database.session import Session
from wardline.central.evidence.reading import Signed
from wardline.central.orders.service import LEASES_MAX
from wardline.core.evidence.signing import VerifyKey

# Everything that a check-in's answer depends on, in one statement.
_STATE = """
SELECT a.epoch, st.next_seq, st.prev, s.settings_revision,
  coalesce(p.epoch, 1) AS policy_epoch, coalesce(p.revision, 0) AS policy_revision,
  k.kid, k.public_key, k.witness_key,
  (SELECT count(*) FROM orders o WHERE o.appliance_id = a.id AND o.expires_at > $3
    AND (o.status = 'pending' OR (o.status = 'leased' AND o.lease_until <= $3 AND o.leases < $4))
    AND (o.kind <> 'run_runbook' OR NOT is_frozen(a.partner_id, a.site_id, a.id))
  ) AS orders,
  (SELECT count(*) + count(f.lifted_at) FROM freezes f WHERE f.partner_id = a.partner_id
    AND f.appliance_id IS NULL AND (f.site_id IS NULL OR f.site_id = a.site_id)) AS freeze_changes,
  (SELECT coalesce(array_agg(f.freeze_id), '{}') FROM freeze_confirmations f
    WHERE f.site_id = a.site_id AND f.appliance_id = a.id AND f.released_at IS NULL) AS confirmed,
  (SELECT count(*) FROM promotion_ledger l WHERE l.partner_id = a.partner_id
    AND l.step IN ('approved', 'promoted', 'stopped', 'demoted')) AS promotion_changes,
  (SELECT count(*) + count(b.released_at) FROM brake_stops b WHERE b.partner_id = a.partner_id
    AND b.appliance_id IS NULL)
  + (SELECT count(*) + count(b.released_at) FROM brake_stops b WHERE b.site_id = a.site_id
    AND b.appliance_id = a.id) AS stop_changes,
  (SELECT count(*) FROM deviation_events e WHERE e.site_id = a.site_id
    AND e.kind IN ('accepted', 'renewed', 'revoked', 'replaced', 'expired')) AS deviation_changes,
  n.changes AS fleet_changes, n.before AS share_index, n.enrolled AS share_of,
  c.generation, c.size, c.root, c.note, c.signed_at
FROM appliances a
JOIN sites s ON s.id = a.site_id
JOIN evidence_streams st ON st.site_id = a.site_id AND st.appliance_id = a.id
  AND st.epoch = a.epoch
JOIN appliance_keys k ON k.site_id = a.site_id AND k.appliance_id = a.id AND k.epoch = a.epoch
LEFT JOIN policy_heads p ON p.partner_id = a.partner_id
CROSS JOIN LATERAL (
  SELECT count(*) + count(o.retired_at) AS changes,
    count(*) FILTER (WHERE o.retired_at IS NULL) AS enrolled,
    count(*) FILTER (WHERE o.retired_at IS NULL AND o.id COLLATE "C" < a.id) AS before
  FROM appliances o WHERE o.site_id = a.site_id) n
LEFT JOIN LATERAL (
  SELECT generation, size, root, note, signed_at FROM evidence_checkpoints
  WHERE site_id = a.site_id ORDER BY generation DESC, size DESC LIMIT 1) c ON true
WHERE a.site_id = $1 AND a.id = $2
"""
_ENROLLED = """
SELECT array_agg(k.epoch ORDER BY k.epoch) AS epochs,
  array_agg(k.public_key ORDER BY k.epoch) AS keys,
  (array_agg(k.witness_key ORDER BY k.epoch DESC))[1] AS witness,
  (SELECT array_agg(h.id) FROM hosts h WHERE h.site_id = $1 AND h.appliance_id = $2) AS hosts
FROM appliance_keys k WHERE k.site_id = $1 AND k.appliance_id = $2
"""
_RAISE_EPOCH = """
UPDATE appliances SET epoch = $3 WHERE site_id = $1 AND id = $2 AND epoch = $3 - 1
"""
_ADD_KEY = """
INSERT INTO appliance_keys (site_id, partner_id, appliance_id, epoch, kid, public_key, witness_key,
  enrolled_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_SITE_POLICY = text(
    "SELECT s.name, s.partner_id, s.zone, s.opening_hours, s.healing, s.settings_revision,"
    " coalesce(p.epoch, 1) AS epoch, coalesce(p.revision, 0) AS revision,"
    " greatest(s.created_at, (SELECT max(updated_at) FROM policies"
    "   WHERE partner_id = s.partner_id)) AS issued_at"
    " FROM sites s LEFT JOIN policy_heads p ON p.partner_id = s.partner_id WHERE s.id = :site_id"
)
_RULES = text(
    "SELECT body FROM policies"
    " WHERE partner_id = :partner_id AND (body #>> '{scope,site}' IS NULL"
    "   OR body #>> '{scope,site}' = :site_id) ORDER BY id"
)


@dataclass(frozen=True, slots=True)
class State:
    """An appliance's stream, its site's settings, policy and checkpoint, its newest key, and how
    many orders wait to be leased. `freeze_changes`, `stop_changes`, `promotion_changes`,
    `deviation_changes` and `fleet_changes` only ever grow: how often something was frozen or lifted
    for it, stopped or released, promoted a step, accepted, renewed or ended at its site, and
    enrolled or retired beside it; `confirmed` are the freezes that it said to obey."""

    epoch: int
    next_seq: int
    prev: str
    settings_revision: int
    policy_epoch: int
    policy_revision: int
    kid: str
    public_key: bytes
    witness_key: bytes
    orders: int
    freeze_changes: int
    confirmed: list[str]
    promotion_changes: int
    stop_changes: int
    deviation_changes: int
    fleet_changes: int
    share_index: int
    share_of: int
    checkpoint: Signed | None


@dataclass(frozen=True, slots=True)
class Enrolled:
    """What an appliance may speak with and for: keys by epoch, its witness key, its hosts."""

    keys: dict[int, VerifyKey]
    witness: bytes
    hosts: frozenset[str]


class Repository:
    """What one appliance reads and writes, in its site's scope."""

    __slots__ = ("_partner_id", "_raw", "_session", "_site_id")

    def __init__(self, session: Session, site_id: str) -> None:
        self._session = session
        self._raw: asyncpg.Connection[Any] = session.raw
        self._site_id = site_id
        self._partner_id = session.scope.owner

    async def state(self, appliance_id: str) -> State:
        row = await self._raw.fetchrow(
            _STATE, self._site_id, appliance_id, self._session.now, LEASES_MAX
        )
        assert row is not None, "an appliance has a site, a key and a stream"
        *told, generation, size, root, note, signed_at = row
        newest = None if size is None else Signed(generation, size, root, note, signed_at)
        return State(*[*told, newest])

    async def enrolled(self, appliance_id: str) -> Enrolled:
        row = await self._raw.fetchrow(_ENROLLED, self._site_id, appliance_id)
        assert row is not None, "an aggregate has a row"
        keys = dict(zip(row["epochs"], map(VerifyKey, row["keys"]), strict=True))
        return Enrolled(keys, row["witness"], frozenset(row["hosts"] or ()))

    async def raise_epoch(self, appliance_id: str, state: State) -> None:
        """The epoch after `state`'s, under the same keys."""
        epoch = state.epoch + 1
        await self._raw.execute(_RAISE_EPOCH, self._site_id, appliance_id, epoch)
        await self._raw.execute(
            _ADD_KEY,
            *(self._site_id, self._partner_id, appliance_id, epoch),
            *(state.kid, state.public_key, state.witness_key, self._session.now),
        )

    async def site_policy(self) -> RowMapping:
        """The site's settings and its partner's policy head."""
        row = await self._session.row(_SITE_POLICY, site_id=self._site_id)
        assert row is not None, "the scope is of a site that is there"
        return row

    async def rules(self, partner_id: str) -> list[dict[str, Any]]:
        """The partner's rules that may concern this site, by id."""
        rows = await self._session.rows(_RULES, partner_id=partner_id, site_id=self._site_id)
        return [row["body"] for row in rows]
