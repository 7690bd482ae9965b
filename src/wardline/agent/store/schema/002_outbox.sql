-- The stream of this appliance and the offline queue: the document's table with our columns.
CREATE TABLE IF NOT EXISTS stream (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  next_seq INTEGER NOT NULL CHECK (next_seq >= 1),
  prev TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS queued_evidence (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  bundle_json TEXT NOT NULL,   -- the signed envelope, exactly as it is sent
  retry_count INTEGER DEFAULT 0,
  next_retry_at TEXT,
  uploaded_at TEXT,            -- when Central's receipt came
  created_at TEXT DEFAULT CURRENT_TIMESTAMP,
  epoch INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  host_id TEXT,
  chain_hash TEXT NOT NULL,    -- what the next bundle names as prev
  payload_sha256 TEXT NOT NULL,
  payload_len INTEGER NOT NULL,
  state TEXT NOT NULL DEFAULT 'pending' CHECK (
    state IN ('pending', 'leased', 'received', 'acknowledged', 'quarantined')),
  receipt_index INTEGER,
  receipt_leaf_hash TEXT,
  receipt_received_ms INTEGER,
  acknowledged_at TEXT,
  refusal TEXT,
  UNIQUE (epoch, seq)
);
CREATE INDEX IF NOT EXISTS idx_queued_evidence_state ON queued_evidence(state, epoch, seq);

-- How long the queue still rests after a failure; boot and monotonic time survive a clock jump.
CREATE TABLE IF NOT EXISTS backoff (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  delay_ms INTEGER NOT NULL,
  due_monotonic_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  due_at TEXT NOT NULL,
  reason TEXT NOT NULL
);
