-- Every run that was started, with what became of it: for the circuit breaker, the brake, and what
-- a planner may learn from. `likeness` are plain facts of the drift, as JSON; NULL in `result` is a
-- run that is under way.
CREATE TABLE IF NOT EXISTS attempts (
  run_id TEXT PRIMARY KEY,
  incident_id TEXT NOT NULL,
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  pattern_signature TEXT NOT NULL,
  likeness TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  runbook_digest TEXT NOT NULL,
  rule_id TEXT,
  rule_revision TEXT,
  started_at TEXT NOT NULL,
  ended_at TEXT,
  result TEXT CHECK (result IN ('healed', 'stable', 'recurred', 'unproved', 'failed', 'undone',
    'interrupted', 'stopped', 'nothing')),
  CONSTRAINT attempts_end CHECK ((ended_at IS NULL) = (result IS NULL))
);
CREATE INDEX IF NOT EXISTS idx_attempts_drift
  ON attempts(site_id, host_id, incident_type, started_at);
CREATE INDEX IF NOT EXISTS idx_attempts_check ON attempts(incident_type, ended_at);
CREATE INDEX IF NOT EXISTS idx_attempts_incident ON attempts(incident_id);
CREATE INDEX IF NOT EXISTS idx_attempts_runbook
  ON attempts(runbook_id, runbook_digest, started_at);
CREATE INDEX IF NOT EXISTS idx_attempts_rule ON attempts(rule_id, rule_revision, started_at);

-- The circuit breaker of a drift, as it opened last: when, until when, and by the clock that nobody
-- sets.
CREATE TABLE IF NOT EXISTS breakers (
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  until TEXT NOT NULL,
  opened_ms INTEGER NOT NULL,
  boot_id TEXT NOT NULL,
  PRIMARY KEY (site_id, host_id, incident_type)
);

-- Versions of rules and runbooks that this appliance stopped over its own runs. Rows stay as
-- history; `changes` counts what became of one, `told` is how much of that Central has.
CREATE TABLE IF NOT EXISTS stops (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL CHECK (kind IN ('rule', 'runbook')),
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  stopped_at TEXT NOT NULL,
  failed INTEGER NOT NULL,
  runs INTEGER NOT NULL,
  incident_id TEXT NOT NULL,
  released_at TEXT,            -- NULL = in force
  released_by TEXT,
  release_reason TEXT,
  changes INTEGER NOT NULL DEFAULT 1,
  told INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_stops_in_force ON stops(kind, name, version)
  WHERE released_at IS NULL;

-- When a person last released a version, here or at Central: what ran before counts no more.
CREATE TABLE IF NOT EXISTS releases (
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  released_at TEXT NOT NULL,
  PRIMARY KEY (kind, name, version)
);
