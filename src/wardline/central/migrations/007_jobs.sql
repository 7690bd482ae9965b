-- The heartbeat of every loop in the jobs process: a loop that stops or fails is seen, not guessed.

CREATE TABLE IF NOT EXISTS job_heartbeats (
  name VARCHAR(64) PRIMARY KEY CHECK (name <> ''),
  interval_ms INTEGER NOT NULL CHECK (interval_ms > 0),
  beat_at TIMESTAMPTZ NOT NULL,
  ok BOOLEAN NOT NULL,
  error TEXT CHECK (ok = (error IS NULL))
);
GRANT SELECT ON job_heartbeats TO wardline_app;
GRANT SELECT, INSERT, UPDATE ON job_heartbeats TO wardline_jobs;

-- Whether checkpoints may be signed for a site again is for a person to say; that they are not
-- being signed is told here, one row per site whose log contradicts what was signed before.
CREATE TABLE IF NOT EXISTS evidence_alarms (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  first_seen_at TIMESTAMPTZ NOT NULL,
  last_seen_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, generation),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
SELECT protect_table('evidence_alarms', 'told');
SELECT open_to_jobs('evidence_alarms');
GRANT SELECT ON evidence_alarms TO wardline_app;
GRANT SELECT, INSERT, UPDATE ON evidence_alarms TO wardline_jobs;

-- The jobs process says which appliances have gone quiet.
SELECT open_to_jobs('appliances');
GRANT SELECT (id, site_id, partner_id, is_online, last_checkin), UPDATE (is_online)
  ON appliances TO wardline_jobs;
