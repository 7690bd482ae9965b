"""Signs the head of every site's log that has grown, and nothing that contradicts what it signed.

What it signed last stands in the database and in a file of its own, which a restored backup of the
database does not bring back. The file is written first: a head that was shown to anybody is in it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import RowMapping, text
from sqlalchemy.ext.asyncio import AsyncEngine

from wardline.central.database.scope import Scope
from wardline.central.database.session import Session, open_session
from wardline.central.jobs.loops import ACTOR
from wardline.central.settings import write_private
from wardline.core.clock import Now
from wardline.core.errors import WardlineError
from wardline.core.evidence import checkpoint, log
from wardline.core.evidence.checkpoint import Checkpoint
from wardline.core.evidence.log import Frontier
from wardline.core.evidence.signing import SigningKey

SITES_PER_ROUND_MAX = 1_000

_GROWN = text(
    "SELECT h.site_id, h.partner_id, h.generation, h.size, h.frontier, c.size AS last_size,"
    " c.root AS last_root, c.note AS last_note"
    " FROM evidence_log_heads h LEFT JOIN LATERAL ("
    "   SELECT c.size, c.root, c.note FROM evidence_checkpoints c"
    "   WHERE c.site_id = h.site_id AND c.generation = h.generation"
    "   ORDER BY c.size DESC LIMIT 1) c ON true"
    " WHERE h.size > 0 AND c.size IS DISTINCT FROM h.size"
    " ORDER BY h.site_id LIMIT :limit"
)
_NODES = text(
    "SELECT w.site_id, w.generation, w.level, w.node_index, n.hash"
    " FROM unnest(CAST(:sites AS text[]), CAST(:generations AS int[]), CAST(:levels AS int[]),"
    "   CAST(:indexes AS bigint[])) AS w (site_id, generation, level, node_index)"
    " JOIN evidence_log_nodes n ON n.site_id = w.site_id AND n.generation = w.generation"
    "   AND n.level = w.level AND n.node_index = w.node_index"
    " WHERE w.level > 0"
    " UNION ALL"
    " SELECT w.site_id, w.generation, w.level, w.node_index, e.leaf_hash"
    " FROM unnest(CAST(:sites AS text[]), CAST(:generations AS int[]), CAST(:levels AS int[]),"
    "   CAST(:indexes AS bigint[])) AS w (site_id, generation, level, node_index)"
    " JOIN evidence_log_entries e ON e.site_id = w.site_id AND e.generation = w.generation"
    "   AND e.log_index = w.node_index"
    " WHERE w.level = 0"
)
# A page that shows an entry waits for its checkpoint, so that is announced too.
_ADD = text(
    "WITH added AS ("
    "  INSERT INTO evidence_checkpoints (site_id, partner_id, generation, size, root, note,"
    "    signed_at)"
    "  SELECT site_id, partner_id, generation, size, root, note, :signed_at"
    "  FROM unnest(CAST(:sites AS text[]), CAST(:partners AS text[]), CAST(:generations AS int[]),"
    "    CAST(:sizes AS bigint[]), CAST(:roots AS bytea[]), CAST(:notes AS text[]))"
    "    AS new (site_id, partner_id, generation, size, root, note)"
    "  RETURNING site_id, partner_id)"
    " INSERT INTO change_log (partner_id, site_id, kind, subject)"
    " SELECT partner_id, site_id, 'checkpoint', site_id FROM added"
)
_ALARM = text(
    "INSERT INTO evidence_alarms (site_id, partner_id, generation, reason, first_seen_at,"
    "   last_seen_at)"
    " VALUES (:site_id, :partner_id, :generation, :reason, :now, :now)"
    " ON CONFLICT (site_id, generation) DO UPDATE SET reason = EXCLUDED.reason,"
    "   last_seen_at = EXCLUDED.last_seen_at"
)


class LogContradicts(WardlineError):
    """A log is not an extension of the one that was signed before; nothing is signed for it."""

    code = "log_contradicts"


class LastSignedUnreadable(WardlineError):
    """The signer's own file cannot be read; it signs nothing rather than trust the database."""

    code = "last_signed_unreadable"


@dataclass(frozen=True, slots=True)
class Signed:
    """A head that was signed."""

    size: int
    root: bytes


@dataclass(frozen=True, slots=True)
class _Grown:
    """A log whose head has no checkpoint yet."""

    site_id: str
    partner_id: str
    generation: int
    origin: str
    head: Frontier
    before: Signed | None


class Signer:
    """Holds the log key; one per installation."""

    def __init__(
        self, engine: AsyncEngine, key: SigningKey, installation_id: str, file: Path, now: Now
    ) -> None:
        self._engine = engine
        self._key = key
        self._installation_id = installation_id
        self._file = file
        self._now = now
        self._last = _read(file)

    async def sign_grown(self) -> int:
        """Signs what has grown since the last round: how many heads. Raises LogContradicts after
        that, when there are logs that it refuses."""
        async with open_session(self._engine, Scope.system(), ACTOR, now=self._now) as session:
            refused: dict[str, str] = {}
            rows = await session.rows(_GROWN, limit=SITES_PER_ROUND_MAX)
            grown = [found for row in rows if (found := self._grown(row, refused)) is not None]
            hashes = await _nodes(session, grown)
            good = [one for one in grown if self._extends(one, hashes, refused)]
            await self._sign(session, good)
            for row in rows:
                if row["site_id"] in refused:
                    await session.execute(_ALARM, now=session.now, **_alarm(row, refused))
        if refused:
            named = "; ".join(f"{site}: {why}" for site, why in sorted(refused.items()))
            raise LogContradicts(
                f"{len(refused)} logs are not signed any more. {named[:500]}. Compare the database"
                " with its backups; a restore is declared, it does not go unseen"
            )
        return len(good)

    def _grown(self, row: RowMapping, refused: dict[str, str]) -> _Grown | None:
        packed: bytes = row["frontier"]
        step = log.HASH_BYTES
        hashes = tuple(packed[at : at + step] for at in range(0, len(packed), step))
        origin = checkpoint.log_origin(self._installation_id, row["site_id"], row["generation"])
        try:
            before = self._before(origin, row)
            head = Frontier(row["size"], hashes)
        except (LogContradicts, ValueError) as error:
            refused[row["site_id"]] = str(error)
            return None
        return _Grown(row["site_id"], row["partner_id"], row["generation"], origin, head, before)

    def _before(self, origin: str, row: RowMapping) -> Signed | None:
        """The largest head that was signed before, of the file and the database."""
        held = self._last.get(origin)
        if row["last_size"] is None:
            return held
        stored = Signed(row["last_size"], row["last_root"])
        note = checkpoint.parse_note(row["last_note"])
        if not note.verify(origin, self._key.public):
            raise LogContradicts("the stored checkpoint does not carry this key's signature")
        signed = note.checkpoint()
        if (signed.size, signed.root) != (stored.size, stored.root):
            raise LogContradicts("the stored checkpoint is not the one its row says")
        return stored if held is None or held.size < stored.size else held

    def _extends(
        self,
        grown: _Grown,
        hashes: Mapping[tuple[str, int, int], bytes],
        refused: dict[str, str],
    ) -> bool:
        before, head = grown.before, grown.head
        if before is None:
            return True
        if head.size < before.size:
            why = f"it has {head.size} entries, {before.size} were signed"
        else:
            wanted = log.nodes_for_consistency(before.size, head.size)
            known = {node: hashes.get((grown.site_id, *node)) for node in wanted}
            missing = [node for node, found in known.items() if found is None]
            if missing:
                why = f"node {missing[0]} of its tree is missing"
            else:
                proof = log.consistency_proof(
                    before.size, head.size, lambda level, index: known[level, index] or b""
                )
                if log.verify_consistency(before.size, head.size, before.root, head.root, proof):
                    return True
                why = f"its {head.size} entries do not extend the {before.size} that were signed"
        refused[grown.site_id] = why
        return False

    async def _sign(self, session: Session, good: Sequence[_Grown]) -> None:
        if not good:
            return
        notes = [self._note(one) for one in good]
        for one in good:
            self._last[one.origin] = Signed(one.head.size, one.head.root)
        _write(self._file, self._last)
        await session.execute(
            _ADD,
            signed_at=session.now,
            sites=[one.site_id for one in good],
            partners=[one.partner_id for one in good],
            generations=[one.generation for one in good],
            sizes=[one.head.size for one in good],
            roots=[one.head.root for one in good],
            notes=notes,
        )

    def _note(self, one: _Grown) -> str:
        head = Checkpoint(one.origin, one.head.size, one.head.root)
        return checkpoint.sign_note(head.body(), one.origin, self._key)


async def _nodes(session: Session, grown: Sequence[_Grown]) -> dict[tuple[str, int, int], bytes]:
    """Every stored node that the consistency of these logs depends on, in one query."""
    wanted = [
        (one, level, index)
        for one in grown
        if one.before is not None and one.before.size <= one.head.size
        for level, index in log.nodes_for_consistency(one.before.size, one.head.size)
    ]
    if not wanted:
        return {}
    rows = await session.rows(
        _NODES,
        sites=[one.site_id for one, _, _ in wanted],
        generations=[one.generation for one, _, _ in wanted],
        levels=[level for _, level, _ in wanted],
        indexes=[index for _, _, index in wanted],
    )
    return {(row["site_id"], row["level"], row["node_index"]): row["hash"] for row in rows}


def _alarm(row: RowMapping, refused: Mapping[str, str]) -> dict[str, object]:
    return {
        "site_id": row["site_id"],
        "partner_id": row["partner_id"],
        "generation": row["generation"],
        "reason": refused[row["site_id"]],
    }


def _read(file: Path) -> dict[str, Signed]:
    try:
        stored = json.loads(file.read_text())
        return {
            origin: Signed(int(size), bytes.fromhex(root))
            for origin, (size, root) in stored.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise LastSignedUnreadable(
            f"{file} is not the list of heads that were signed ({error}); restore it from a backup"
        ) from error


def _write(file: Path, last: Mapping[str, Signed]) -> None:
    content = {origin: [signed.size, signed.root.hex()] for origin, signed in last.items()}
    write_private(file, json.dumps(content, sort_keys=True).encode())
