-- Accepted deviations: a failing state that a person accepted on these hosts until a date.

-- Rows stay as history: an end is for good. Names stand beside user ids, for an appliance reads no
-- users. `until` and what belongs to it change with a renewal, which the events keep.
CREATE TABLE IF NOT EXISTS deviations (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  check_id VARCHAR(255) NOT NULL,
  accepted_at TIMESTAMPTZ NOT NULL,
  accepted_by VARCHAR(64) NOT NULL,
  accepted_by_name VARCHAR(255) NOT NULL,
  until TIMESTAMPTZ NOT NULL,
  owner VARCHAR(255) NOT NULL CHECK (owner <> ''),
  reason TEXT NOT NULL CHECK (reason <> ''),
  control TEXT NOT NULL CHECK (control <> ''),
  ended_at TIMESTAMPTZ,
  ended_why VARCHAR(16) CHECK (ended_why IN ('expired', 'revoked', 'replaced')),
  CONSTRAINT deviations_order CHECK (accepted_at < until),
  CONSTRAINT deviations_end CHECK ((ended_at IS NULL) = (ended_why IS NULL)),
  PRIMARY KEY (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE INDEX IF NOT EXISTS idx_deviations_newest
  ON deviations (partner_id, accepted_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_deviations_newest_in_force
  ON deviations (partner_id, accepted_at DESC, id DESC) WHERE ended_at IS NULL;
-- What the sweep looks through, whoever's it is.
CREATE INDEX IF NOT EXISTS idx_deviations_in_force ON deviations (until) WHERE ended_at IS NULL;

-- What was observed on each host and is accepted there: the facts with their digest, and the entry
-- of the log that holds them. `standing` is what the sweep saw there last, when it could be seen.
CREATE TABLE IF NOT EXISTS deviation_hosts (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  deviation_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  check_id VARCHAR(255) NOT NULL,
  facts_digest VARCHAR(64) NOT NULL CHECK (facts_digest ~ '^[0-9a-f]{64}$'),
  severity VARCHAR(16) NOT NULL CHECK (severity IN ('low', 'medium', 'high', 'critical')),
  summary TEXT NOT NULL,
  facts JSONB NOT NULL,
  log_index BIGINT NOT NULL,
  standing VARCHAR(16) NOT NULL DEFAULT 'accepted'
    CHECK (standing IN ('accepted', 'changed', 'passes')),
  ended_at TIMESTAMPTZ,
  PRIMARY KEY (site_id, deviation_id, host_id),
  FOREIGN KEY (site_id, deviation_id) REFERENCES deviations(site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
-- One state at a time is accepted for a check of a host.
CREATE UNIQUE INDEX IF NOT EXISTS idx_deviation_hosts_in_force
  ON deviation_hosts (site_id, host_id, check_id) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_deviation_hosts_partner
  ON deviation_hosts (partner_id) WHERE ended_at IS NULL;

-- What became of it, in order. Whoever did it: a user, or nobody where time or a host did.
CREATE TABLE IF NOT EXISTS deviation_events (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  deviation_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('accepted', 'renewed', 'revoked', 'replaced', 'expired',
    'changed', 'returned', 'passes')),
  at TIMESTAMPTZ NOT NULL,
  host_id VARCHAR(64),
  until TIMESTAMPTZ,
  by VARCHAR(64),
  by_name VARCHAR(255),
  reason TEXT,
  PRIMARY KEY (site_id, id),
  FOREIGN KEY (site_id, deviation_id) REFERENCES deviations(site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE INDEX IF NOT EXISTS idx_deviation_events_site
  ON deviation_events (site_id, deviation_id, id);
-- What each check-in counts.
CREATE INDEX IF NOT EXISTS idx_deviation_events_told ON deviation_events (site_id)
  WHERE kind::text IN ('accepted', 'renewed', 'revoked', 'replaced', 'expired');
SELECT make_append_only('deviation_events');

-- People write them; an appliance reads those of its own site and writes none.
DO $$
DECLARE
  each TEXT;
BEGIN
  FOREACH each IN ARRAY ARRAY['deviations', 'deviation_hosts', 'deviation_events'] LOOP
    PERFORM protect_table(each::regclass, 'partner');
    PERFORM open_to_jobs(each::regclass);
    EXECUTE format('DROP POLICY IF EXISTS own_site ON %I', each);
    EXECUTE format('CREATE POLICY own_site ON %I FOR SELECT TO wardline_app USING ('
      'partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site()))', each);
  END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE (until, owner, control, ended_at, ended_why)
  ON deviations TO wardline_app;
GRANT SELECT, INSERT, UPDATE (ended_at) ON deviation_hosts TO wardline_app;
GRANT SELECT, INSERT ON deviation_events TO wardline_app;
GRANT SELECT (site_id, partner_id, id, until, ended_at), UPDATE (ended_at, ended_why)
  ON deviations TO wardline_jobs;
GRANT SELECT (site_id, partner_id, deviation_id, host_id, check_id, facts_digest, severity,
    standing, ended_at), UPDATE (standing, ended_at)
  ON deviation_hosts TO wardline_jobs;
GRANT INSERT ON deviation_events TO wardline_jobs;
GRANT SELECT (facts_digest, severity) ON latest_results TO wardline_jobs;

-- How each state that is accepted stands against what was measured there last. A date that has come
-- ends it here at once; whoever notes the end may come later.
CREATE OR REPLACE VIEW deviation_standings WITH (security_invoker = true) AS
SELECT h.site_id, h.partner_id, h.deviation_id, h.host_id, h.check_id,
  CASE WHEN r.outcome IS NULL OR r.outcome = 'unknown' THEN 'unknown'
    WHEN r.outcome <> 'fail' THEN 'passes'
    WHEN r.facts_digest = h.facts_digest AND r.severity = h.severity THEN 'accepted'
    ELSE 'changed' END AS standing
FROM deviation_hosts h
JOIN deviations d ON d.site_id = h.site_id AND d.id = h.deviation_id
  AND d.ended_at IS NULL AND d.until > now()
LEFT JOIN latest_results r ON r.site_id = h.site_id AND r.host_id = h.host_id
  AND r.check_id = h.check_id
WHERE h.ended_at IS NULL;
GRANT SELECT ON deviation_standings TO wardline_app, wardline_jobs;

-- How many of the failures of a site somebody has accepted, beside what site_posture counts: they are
-- among those that failed there, so that nobody raises a score by signing.
CREATE OR REPLACE VIEW site_accepted WITH (security_invoker = true) AS
SELECT s.id AS site_id, s.partner_id, (
  SELECT count(*) FROM deviation_standings d WHERE d.site_id = s.id AND d.standing = 'accepted')
  AS accepted
FROM sites s;
GRANT SELECT ON site_accepted TO wardline_app, wardline_jobs;

ALTER TABLE compliance_snapshots ADD COLUMN IF NOT EXISTS accepted INTEGER NOT NULL DEFAULT 0
  CHECK (accepted >= 0);
