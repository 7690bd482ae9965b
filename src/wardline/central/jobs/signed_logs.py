"""The logs whose heads are signed: every site's evidence and every partner's audit log, as SQL."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import TextClause, text

from wardline.core.evidence import checkpoint


@dataclass(frozen=True, slots=True)
class LogKind:
    """One log for each `log_id`, with the same statements for each kind.

    `grown` (`limit`): heads without a checkpoint, as log_id, partner_id, generation, size, frontier
    and what was signed last. `nodes` (`logs`, `generations`, `levels`, `indexes`): stored hashes.
    `add` (`signed_at`, `logs`, `partners`, `generations`, `sizes`, `roots`, `notes`): checkpoints,
    which a page that shows an entry waits for, so they are announced. `alarm` (a row of `grown`,
    `reason`, `now`): a log that is signed no more.
    """

    name: str
    origin: Callable[[str, str, int], str]
    grown: TextClause
    nodes: TextClause
    add: TextClause
    alarm: TextClause


_GROWN = """
SELECT h.{key} AS log_id, h.partner_id, h.generation, h.size, h.frontier, c.size AS last_size,
  c.root AS last_root, c.note AS last_note
FROM {heads} h LEFT JOIN LATERAL (
  SELECT c.size, c.root, c.note FROM {checkpoints} c
  WHERE c.{key} = h.{key} AND c.generation = h.generation ORDER BY c.size DESC LIMIT 1) c ON true
WHERE h.size > 0 AND c.size IS DISTINCT FROM h.size
ORDER BY h.{key} LIMIT :limit
"""
_NODES = """
WITH wanted AS (
  SELECT log_id, generation, level, node_index
  FROM unnest(CAST(:logs AS text[]), CAST(:generations AS int[]), CAST(:levels AS int[]),
    CAST(:indexes AS bigint[])) AS w (log_id, generation, level, node_index))
SELECT w.log_id, w.generation, w.level, w.node_index, n.hash
FROM wanted w JOIN {nodes} n ON n.{key} = w.log_id AND n.generation = w.generation
  AND n.level = w.level AND n.node_index = w.node_index
WHERE w.level > 0
UNION ALL
SELECT w.log_id, w.generation, w.level, w.node_index, e.leaf_hash
FROM wanted w JOIN {entries} e ON e.{key} = w.log_id AND e.generation = w.generation
  AND e.{place}
WHERE w.level = 0
"""
_NEW = """
unnest(CAST(:logs AS text[]), CAST(:partners AS text[]), CAST(:generations AS int[]),
  CAST(:sizes AS bigint[]), CAST(:roots AS bytea[]), CAST(:notes AS text[]))
  AS new (log_id, partner_id, generation, size, root, note)
"""


def _text(sql: str, **names: str) -> TextClause:
    return text(sql.format(**names))


_EVIDENCE = {
    "key": "site_id",
    "heads": "evidence_log_heads",
    "checkpoints": "evidence_checkpoints",
    "nodes": "evidence_log_nodes",
    "entries": "evidence_log_entries",
    "place": "log_index = w.node_index",
}
_AUDIT = {
    "key": "partner_id",
    "heads": "audit_log_heads",
    "checkpoints": "audit_log_checkpoints",
    "nodes": "audit_log_nodes",
    "entries": "audit_log_entries",
    "place": "seq = w.node_index + 1",
}

EVIDENCE = LogKind(
    "evidence",
    checkpoint.log_origin,
    _text(_GROWN, **_EVIDENCE),
    _text(_NODES, **_EVIDENCE),
    _text(
        "WITH added AS ("
        "  INSERT INTO evidence_checkpoints (site_id, partner_id, generation, size, root, note,"
        "    signed_at)"
        "  SELECT log_id, partner_id, generation, size, root, note, :signed_at FROM {new}"
        "  RETURNING site_id, partner_id)"
        " INSERT INTO change_log (partner_id, site_id, kind, subject)"
        " SELECT partner_id, site_id, 'checkpoint', site_id FROM added",
        new=_NEW,
    ),
    text(
        "INSERT INTO evidence_alarms (site_id, partner_id, generation, reason, first_seen_at,"
        "   last_seen_at)"
        " VALUES (:log_id, :partner_id, :generation, :reason, :now, :now)"
        " ON CONFLICT (site_id, generation) DO UPDATE SET reason = EXCLUDED.reason,"
        "   last_seen_at = EXCLUDED.last_seen_at"
    ),
)
AUDIT = LogKind(
    "audit",
    checkpoint.audit_origin,
    _text(_GROWN, **_AUDIT),
    _text(_NODES, **_AUDIT),
    _text(
        "WITH added AS ("
        "  INSERT INTO audit_log_checkpoints (partner_id, generation, size, root, note, signed_at)"
        "  SELECT partner_id, generation, size, root, note, :signed_at FROM {new}"
        "  RETURNING partner_id)"
        " INSERT INTO change_log (partner_id, kind, subject)"
        " SELECT partner_id, 'audit', 'checkpoint' FROM added",
        new=_NEW,
    ),
    text(
        "INSERT INTO audit_log_alarms (partner_id, generation, reason, first_seen_at,"
        "   last_seen_at)"
        " VALUES (:partner_id, :generation, :reason, :now, :now)"
        " ON CONFLICT (partner_id, generation) DO UPDATE SET reason = EXCLUDED.reason,"
        "   last_seen_at = EXCLUDED.last_seen_at"
    ),
)
KINDS = (EVIDENCE, AUDIT)
