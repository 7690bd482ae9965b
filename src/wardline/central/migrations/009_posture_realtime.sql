-- Posture over time, and what a live page needs: the order of the change log over all tenants, and
-- tickets for sockets.

-- What is measured of a site right now, in one place for every page, trend and snapshot. It counts
-- the latest result of each (host, check); a check that was never measured is in no column, and a
-- status is null where none of its results passed or failed. Row security is the caller's.
CREATE OR REPLACE VIEW site_posture WITH (security_invoker = true) AS
SELECT s.id AS site_id, s.partner_id, h.hosts, r.measured_hosts,
  r.passed, r.failed, r.unknown, r.not_applicable,
  r.patching_status, r.backup_status, r.encryption_status
FROM sites s
CROSS JOIN LATERAL (SELECT count(*) AS hosts FROM hosts WHERE hosts.site_id = s.id) h
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE outcome = 'pass') AS passed,
    count(*) FILTER (WHERE outcome = 'fail') AS failed,
    count(*) FILTER (WHERE outcome = 'unknown') AS unknown,
    count(*) FILTER (WHERE outcome = 'not_applicable') AS not_applicable,
    count(DISTINCT host_id) FILTER (WHERE outcome = 'pass' OR outcome = 'fail') AS measured_hosts,
    bool_and(outcome = 'pass')
      FILTER (WHERE check_id = 'patching' AND (outcome = 'pass' OR outcome = 'fail'))
      AS patching_status,
    bool_and(outcome = 'pass')
      FILTER (WHERE check_id = 'backup' AND (outcome = 'pass' OR outcome = 'fail'))
      AS backup_status,
    bool_and(outcome = 'pass')
      FILTER (WHERE check_id = 'disk_encryption' AND (outcome = 'pass' OR outcome = 'fail'))
      AS encryption_status
  FROM latest_results WHERE latest_results.site_id = s.id) r;
GRANT SELECT ON site_posture TO wardline_app, wardline_jobs;

-- The jobs process counts outcomes of every site, and never sees what was found.
SELECT open_to_jobs('latest_results'), open_to_jobs('hosts'), open_to_jobs('policy_heads');
GRANT SELECT (site_id, partner_id, host_id, check_id, outcome) ON latest_results TO wardline_jobs;
GRANT SELECT (site_id, partner_id, id) ON hosts TO wardline_jobs;
GRANT SELECT ON policy_heads TO wardline_jobs;

-- Derived from results, never from a person's word. `flake_hash` names what was in force: policy,
-- settings, runbooks and checks.
CREATE TABLE IF NOT EXISTS compliance_snapshots (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  snapshot_at TIMESTAMPTZ NOT NULL,
  flake_hash VARCHAR(64) NOT NULL CHECK (flake_hash ~ '^[0-9a-f]{64}$'),
  patching_status BOOLEAN,
  backup_status BOOLEAN,
  encryption_status BOOLEAN,
  passed INTEGER NOT NULL CHECK (passed >= 0),
  failed INTEGER NOT NULL CHECK (failed >= 0),
  unknown INTEGER NOT NULL CHECK (unknown >= 0),
  not_applicable INTEGER NOT NULL CHECK (not_applicable >= 0),
  measured_hosts INTEGER NOT NULL CHECK (measured_hosts >= 0),
  hosts INTEGER NOT NULL CHECK (hosts >= 0),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_compliance_snapshots_site
  ON compliance_snapshots (site_id, snapshot_at);
SELECT protect_table('compliance_snapshots', 'told');
SELECT open_to_jobs('compliance_snapshots');
SELECT make_append_only('compliance_snapshots');
GRANT SELECT ON compliance_snapshots TO wardline_app;
GRANT SELECT, INSERT ON compliance_snapshots TO wardline_jobs;

-- The order in which changes become readable, over all tenants: what the announcer follows.
CREATE INDEX IF NOT EXISTS idx_change_log_tail ON change_log (tx, id);

-- A ticket opens one socket, once, within seconds: for a client that cannot send a header there.
CREATE TABLE IF NOT EXISTS socket_tickets (
  partner_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  session_id VARCHAR(64) NOT NULL REFERENCES sessions(id),
  token_hash BYTEA NOT NULL CHECK (length(token_hash) = 32),
  expires_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, token_hash),
  FOREIGN KEY (partner_id, user_id) REFERENCES users(partner_id, id)
);
CREATE INDEX IF NOT EXISTS idx_socket_tickets_hash ON socket_tickets (token_hash);
CREATE INDEX IF NOT EXISTS idx_socket_tickets_user ON socket_tickets (partner_id, user_id);
SELECT protect_table('socket_tickets', 'partner');
GRANT SELECT, INSERT, DELETE ON socket_tickets TO wardline_app;

-- Spends a ticket: the session that it was made in, unless either has ended.
CREATE OR REPLACE FUNCTION credential_ticket(given_hash BYTEA)
RETURNS TABLE (session_id VARCHAR, kind VARCHAR, user_id VARCHAR, partner_id VARCHAR,
               role VARCHAR, email VARCHAR, name VARCHAR, must_change_password BOOLEAN,
               last_seen_at TIMESTAMPTZ)
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH spent AS (
    DELETE FROM public.socket_tickets t WHERE t.token_hash = given_hash
    RETURNING t.session_id, t.partner_id, t.user_id, t.expires_at
  )
  SELECT s.id, s.kind, u.id, u.partner_id, u.role, u.email, u.name, u.must_change_password,
         s.last_seen_at
  FROM spent t
  JOIN public.sessions s ON s.id = t.session_id AND s.partner_id = t.partner_id
  JOIN public.users u ON u.id = t.user_id AND u.partner_id = t.partner_id AND u.id = s.user_id
  WHERE t.expires_at > now() AND s.revoked_at IS NULL AND s.expires_at > now()
    AND u.disabled_at IS NULL
$$;
REVOKE EXECUTE ON FUNCTION credential_ticket(BYTEA) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION credential_ticket(BYTEA) TO wardline_app;
