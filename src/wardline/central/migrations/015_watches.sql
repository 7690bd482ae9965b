-- Heals are watched: what an incident's record says of its watch, and every heal with how that ended.

ALTER TABLE incidents ADD COLUMN IF NOT EXISTS watch JSONB;

-- The rules of core/evidence/claims.py, as in 005, with a state more.
ALTER TABLE incidents
  DROP CONSTRAINT IF EXISTS incidents_state_check,
  DROP CONSTRAINT IF EXISTS incidents_outcome,
  DROP CONSTRAINT IF EXISTS incidents_closed,
  DROP CONSTRAINT IF EXISTS incidents_healed,
  DROP CONSTRAINT IF EXISTS incidents_watch,
  DROP CONSTRAINT IF EXISTS incidents_stable,
  ADD CONSTRAINT incidents_state_check CHECK (state IN
    ('open', 'observing', 'waiting', 'healed', 'stable', 'resolved', 'failed', 'escalated')),
  ADD CONSTRAINT incidents_outcome CHECK (outcome IS NOT DISTINCT FROM CASE state
    WHEN 'healed' THEN 'success' WHEN 'stable' THEN 'success'
    WHEN 'failed' THEN 'failed' WHEN 'escalated' THEN 'escalated' END),
  ADD CONSTRAINT incidents_closed
    CHECK ((closed_at IS NOT NULL) = (state IN ('healed', 'stable', 'resolved'))),
  ADD CONSTRAINT incidents_healed CHECK (state NOT IN ('healed', 'stable') OR coalesce(
    before ->> 'outcome' = 'fail' AND after ->> 'outcome' = 'pass'
    AND (after ->> 'measured_at') COLLATE "C" >= (before ->> 'measured_at') COLLATE "C"
    AND decision ->> 'verdict' = 'run' AND runbook IS NOT NULL
    AND jsonb_path_exists(actions, '$[*] ? (@.dry_run == false && @.undone == false)'), false)),
  ADD CONSTRAINT incidents_watch CHECK (watch IS NULL OR coalesce(CASE state
    WHEN 'healed' THEN watch ->> 'ended' IS NULL
    WHEN 'stable' THEN watch ->> 'ended' = 'stable'
    ELSE watch ->> 'ended' IN ('recurred', 'unproved') END, false)),
  ADD CONSTRAINT incidents_stable CHECK (state <> 'stable' OR coalesce(
    (after ->> 'measured_at') COLLATE "C" >= (watch ->> 'until') COLLATE "C", false));

-- One row per heal, folded from evidence as incidents are; how its watch ended is written once.
CREATE TABLE IF NOT EXISTS incident_heals (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  host_id VARCHAR(64) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  opened_at TIMESTAMPTZ NOT NULL,
  attempted_at TIMESTAMPTZ NOT NULL,
  healed_at TIMESTAMPTZ NOT NULL,
  watched_until TIMESTAMPTZ NOT NULL,
  ended VARCHAR(16) CHECK (ended IN ('stable', 'recurred', 'unproved')),
  ended_at TIMESTAMPTZ,
  CONSTRAINT incident_heals_order CHECK (opened_at <= healed_at AND attempted_at <= healed_at),
  CONSTRAINT incident_heals_end CHECK ((ended IS NULL) = (ended_at IS NULL)),
  PRIMARY KEY (site_id, incident_id, number)
);
CREATE INDEX IF NOT EXISTS idx_incident_heals_site ON incident_heals (site_id, healed_at);
CREATE INDEX IF NOT EXISTS idx_incident_heals_partner ON incident_heals (partner_id, healed_at);
SELECT protect_table('incident_heals', 'told');
GRANT SELECT, INSERT, UPDATE ON incident_heals TO wardline_app;
