-- What can be undone. The before-state itself is a sealed file beside the database; `gone` says why it
-- is no longer there, or never was.
CREATE TABLE IF NOT EXISTS before_states (
  run_id TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  ran_at TEXT NOT NULL,
  kept_until TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  gone TEXT,
  undone_at TEXT               -- NULL while the run stands
);
CREATE INDEX IF NOT EXISTS idx_before_states_kept ON before_states(kept_until) WHERE gone IS NULL;

-- Every time that a person wanted a run undone, by an order or on the appliance itself.
CREATE TABLE IF NOT EXISTS undos (
  id TEXT PRIMARY KEY,
  run_id TEXT NOT NULL REFERENCES before_states(run_id),
  wanted_by TEXT NOT NULL,
  wanted_by_name TEXT NOT NULL,
  reason TEXT NOT NULL,
  order_id TEXT,
  wanted_at TEXT NOT NULL,
  ended_at TEXT,
  state TEXT NOT NULL CHECK (
    state IN ('wanted', 'running', 'undone', 'left', 'refused', 'interrupted', 'expired')),
  detail TEXT,
  actions TEXT NOT NULL DEFAULT '[]'       -- what was put back, or what stood in the way, JSON
);
CREATE INDEX IF NOT EXISTS idx_undos_live ON undos(id) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_undos_run ON undos(run_id);

-- As in 007, with an end more and the run: SQLite cannot widen a CHECK.
CREATE TABLE heals_widened (
  incident_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  run_id TEXT,                 -- NULL of heals that were kept before runs had a name in decisions
  healed_at TEXT NOT NULL,
  ended TEXT CHECK (ended IN ('stable', 'recurred', 'unproved', 'undone')),
  ended_at TEXT,
  PRIMARY KEY (incident_id, number)
);
INSERT INTO heals_widened
  (incident_id, number, site_id, host_id, incident_type, runbook_id, healed_at, ended, ended_at)
SELECT incident_id, number, site_id, host_id, incident_type, runbook_id, healed_at, ended, ended_at
FROM heals;
DROP TABLE heals;
ALTER TABLE heals_widened RENAME TO heals;
CREATE INDEX IF NOT EXISTS idx_heals_drift
  ON heals(site_id, host_id, incident_type, runbook_id, healed_at);
CREATE INDEX IF NOT EXISTS idx_heals_run ON heals(run_id) WHERE run_id IS NOT NULL;
