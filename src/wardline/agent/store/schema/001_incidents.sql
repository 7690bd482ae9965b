-- Incidents, statistics of patterns, and flap suppressions: the document's tables with our columns.
CREATE TABLE IF NOT EXISTS incidents (
  id TEXT PRIMARY KEY,
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  severity TEXT NOT NULL,
  raw_data TEXT,               -- the incident record of its last bundle, canonical JSON
  pattern_signature TEXT,
  created_at TEXT,
  resolution_level TEXT,       -- L1, L2, L3
  outcome TEXT,                -- success, failed, escalated
  state TEXT NOT NULL CHECK (
    state IN ('open', 'observing', 'waiting', 'repairing', 'healed', 'resolved', 'failed',
              'escalated')),
  closed_at TEXT,              -- NULL while the drift is there
  runbook_id TEXT,             -- the last runbook that ran for it
  tried TEXT NOT NULL DEFAULT '[]',        -- runbooks that ran and did not help, JSON
  interruptions INTEGER NOT NULL DEFAULT 0,
  judged TEXT,                 -- digest of the last judgement that was sealed
  judged_policy TEXT,          -- digest of the policy of the last judgement
  judged_at TEXT
);
CREATE INDEX IF NOT EXISTS idx_incidents_pattern ON incidents(pattern_signature);
CREATE INDEX IF NOT EXISTS idx_incidents_type ON incidents(incident_type);
CREATE INDEX IF NOT EXISTS idx_incidents_site ON incidents(site_id);
CREATE UNIQUE INDEX IF NOT EXISTS idx_incidents_open
  ON incidents(site_id, host_id, incident_type) WHERE closed_at IS NULL;

CREATE TABLE IF NOT EXISTS pattern_stats (
  pattern_signature TEXT PRIMARY KEY,
  total_count INTEGER DEFAULT 0,
  l1_count INTEGER DEFAULT 0,
  l2_count INTEGER DEFAULT 0,
  l3_count INTEGER DEFAULT 0,
  success_count INTEGER DEFAULT 0,
  promotion_eligible BOOLEAN DEFAULT FALSE
);

-- The document's UNIQUE stands as a partial index: clearing a hold never reuses its row.
CREATE TABLE IF NOT EXISTS flap_suppressions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  suppressed_at TEXT NOT NULL,
  reason TEXT NOT NULL,
  cleared_at TEXT,             -- NULL = active suppression
  cleared_by TEXT              -- operator who cleared it
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_flap_suppressions_active
  ON flap_suppressions(site_id, host_id, incident_type, runbook_id) WHERE cleared_at IS NULL;

-- Runs, for the counters that limits are judged by. `deltas` is canonical JSON.
CREATE TABLE IF NOT EXISTS runs (
  id TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL REFERENCES incidents(id),
  host_id TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  rule_id TEXT,
  inputs TEXT NOT NULL,
  decision TEXT NOT NULL,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  result TEXT CHECK (result IN ('healed', 'failed', 'interrupted'))
);
CREATE INDEX IF NOT EXISTS idx_runs_started ON runs(started_at);

-- The latest result of each host and check, and when the host's last heartbeat was sealed.
CREATE TABLE IF NOT EXISTS results (
  host_id TEXT NOT NULL,
  check_id TEXT NOT NULL,
  outcome TEXT NOT NULL,
  facts_digest TEXT NOT NULL,
  result TEXT NOT NULL,
  measured_at TEXT NOT NULL,
  PRIMARY KEY (host_id, check_id)
);
CREATE TABLE IF NOT EXISTS heartbeats (
  host_id TEXT PRIMARY KEY,
  sealed_at TEXT NOT NULL
);
