-- The queue in the order of its places: a put writes one row at the end of one tree. The row itself
-- says where the stream stands, and no index holds a bundle that is still to be sent. Copied once: a
-- queue that fills more than half of outbox.bytes_max needs a higher one for this start.
CREATE TABLE IF NOT EXISTS queued_evidence_by_place (
  id INTEGER PRIMARY KEY,      -- the place: epoch * 2^32 + seq, so that each is there once
  epoch INTEGER NOT NULL GENERATED ALWAYS AS (id >> 32) VIRTUAL,
  seq INTEGER NOT NULL GENERATED ALWAYS AS (id & 4294967295) VIRTUAL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (
    state IN ('pending', 'leased', 'received', 'acknowledged', 'quarantined')),
  kind TEXT NOT NULL,
  host_id TEXT,
  chain_hash TEXT NOT NULL,    -- what the next bundle names as prev
  payload_sha256 TEXT NOT NULL,
  payload_len INTEGER NOT NULL,
  created_at TEXT DEFAULT CURRENT_TIMESTAMP,
  retry_count INTEGER DEFAULT 0,
  next_retry_at TEXT,
  uploaded_at TEXT,            -- when Central's receipt came
  receipt_index INTEGER,
  receipt_leaf_hash TEXT,
  receipt_received_ms INTEGER,
  acknowledged_at TEXT,
  refusal TEXT,
  -- Last, for what does not fit on the row's page is read only where this column is wanted.
  bundle_json TEXT NOT NULL    -- the signed envelope, exactly as it is sent
);
INSERT OR IGNORE INTO queued_evidence_by_place (
  id, state, kind, host_id, chain_hash, payload_sha256, payload_len, created_at, retry_count,
  next_retry_at, uploaded_at, receipt_index, receipt_leaf_hash, receipt_received_ms,
  acknowledged_at, refusal, bundle_json)
SELECT
  epoch << 32 | seq, state, kind, host_id, chain_hash, payload_sha256, payload_len, created_at,
  retry_count, next_retry_at, uploaded_at, receipt_index, receipt_leaf_hash, receipt_received_ms,
  acknowledged_at, refusal, bundle_json
FROM queued_evidence;
DROP TABLE queued_evidence;
ALTER TABLE queued_evidence_by_place RENAME TO queued_evidence;

-- Bundles that were sent: each is written there once its receipt is, not when it is put.
CREATE INDEX IF NOT EXISTS idx_queued_evidence_received ON queued_evidence(receipt_index)
  WHERE state = 'received';
CREATE INDEX IF NOT EXISTS idx_queued_evidence_acknowledged ON queued_evidence(acknowledged_at)
  WHERE state = 'acknowledged';
CREATE INDEX IF NOT EXISTS idx_queued_evidence_quarantined ON queued_evidence(id)
  WHERE state = 'quarantined';

-- `stream` says where an epoch begins, or stood when its newest bundle was pruned; a newer bundle
-- in the queue says more. No bundle before `unsent_from` waits to be sent.
ALTER TABLE stream ADD COLUMN unsent_from INTEGER NOT NULL DEFAULT 0;
INSERT OR IGNORE INTO stream (only, epoch, next_seq, prev)
  VALUES (1, 1, 1, '0000000000000000000000000000000000000000000000000000000000000000');
