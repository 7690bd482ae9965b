-- The watch over a heal. `state` keeps its words, for its CHECK cannot grow: what is healed with
-- `stable_at` is stable. `watched_until` is NULL unless the heal is watched now; the clock that
-- nobody sets stood at `watched_from_ms` of the boot `watched_boot_id` when it began.
ALTER TABLE incidents ADD COLUMN stable_at TEXT;
ALTER TABLE incidents ADD COLUMN watched_until TEXT;
ALTER TABLE incidents ADD COLUMN watched_from_ms INTEGER;
ALTER TABLE incidents ADD COLUMN watched_boot_id TEXT;
CREATE UNIQUE INDEX IF NOT EXISTS idx_incidents_watched
  ON incidents(site_id, host_id, incident_type) WHERE watched_until IS NOT NULL;

-- Every verified heal of an incident, for the flap rule: one that drifts again has several.
CREATE TABLE IF NOT EXISTS heals (
  incident_id TEXT NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  site_id TEXT NOT NULL,
  host_id TEXT NOT NULL,
  incident_type TEXT NOT NULL,
  runbook_id TEXT NOT NULL,
  healed_at TEXT NOT NULL,
  ended TEXT CHECK (ended IN ('stable', 'recurred', 'unproved')),
  ended_at TEXT,
  PRIMARY KEY (incident_id, number)
);
CREATE INDEX IF NOT EXISTS idx_heals_drift
  ON heals(site_id, host_id, incident_type, runbook_id, healed_at);
INSERT OR IGNORE INTO heals
  (incident_id, number, site_id, host_id, incident_type, runbook_id, healed_at)
SELECT id, 1, site_id, host_id, incident_type, runbook_id, closed_at FROM incidents
WHERE state = 'healed' AND closed_at IS NOT NULL AND runbook_id IS NOT NULL
  AND watched_until IS NULL AND stable_at IS NULL;
