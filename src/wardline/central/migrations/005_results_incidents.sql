-- What evidence says: results (append-only, by month), the latest of each, and incidents.

CREATE TABLE IF NOT EXISTS results (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  check_id VARCHAR(255) NOT NULL,
  outcome VARCHAR(16) NOT NULL CHECK (outcome IN ('pass', 'fail', 'unknown', 'not_applicable')),
  severity VARCHAR(16) NOT NULL,
  summary TEXT NOT NULL,
  facts JSONB NOT NULL,
  facts_digest VARCHAR(64) NOT NULL,
  controls JSONB NOT NULL,
  log_index BIGINT NOT NULL,
  effective_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL
) PARTITION BY RANGE (received_at);
CREATE INDEX IF NOT EXISTS idx_results_latest ON results (site_id, host_id, check_id, effective_at);
CREATE INDEX IF NOT EXISTS idx_results_partner ON results (partner_id, received_at);
SELECT protect_table('results', 'told');
SELECT make_append_only('results');
GRANT SELECT, INSERT ON results TO wardline_app;

-- Nothing is refused for want of a partition; the jobs process makes the months ahead.
CREATE TABLE IF NOT EXISTS results_rest PARTITION OF results DEFAULT;
SELECT protect_table('results_rest', 'told');

-- Makes the partition of the month that holds `day`, closed to direct access.
CREATE OR REPLACE FUNCTION make_results_month(day DATE) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
  first DATE := date_trunc('month', day)::date;
  name TEXT := 'results_' || to_char(first, 'YYYY_MM');
BEGIN
  IF day < DATE '2020-01-01' OR day > now()::date + 400 THEN
    RAISE EXCEPTION 'make_results_month: % is not a month to prepare', day;
  END IF;
  IF to_regclass('public.' || name) IS NULL THEN
    EXECUTE format('CREATE TABLE public.%I PARTITION OF public.results FOR VALUES FROM (%L) TO (%L)',
      name, first::timestamp AT TIME ZONE 'UTC',
      (first + interval '1 month')::timestamp AT TIME ZONE 'UTC');
    PERFORM public.protect_table(('public.' || name)::regclass, 'told');
  END IF;
END
$$;
REVOKE EXECUTE ON FUNCTION make_results_month(DATE) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION make_results_month(DATE) TO wardline_jobs;
SELECT make_results_month(now()::date), make_results_month((now() + interval '1 month')::date);

-- The latest result per (site, host, check) by effective time: late evidence never replaces newer.
CREATE TABLE IF NOT EXISTS latest_results (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  check_id VARCHAR(255) NOT NULL,
  outcome VARCHAR(16) NOT NULL CHECK (outcome IN ('pass', 'fail', 'unknown', 'not_applicable')),
  severity VARCHAR(16) NOT NULL,
  summary TEXT NOT NULL,
  facts JSONB NOT NULL,
  facts_digest VARCHAR(64) NOT NULL,
  controls JSONB NOT NULL,
  log_index BIGINT NOT NULL,
  effective_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, host_id, check_id)
);
CREATE INDEX IF NOT EXISTS idx_latest_results_partner ON latest_results (partner_id, outcome);
SELECT protect_table('latest_results', 'told');
GRANT SELECT, INSERT, UPDATE ON latest_results TO wardline_app;

CREATE TABLE IF NOT EXISTS incidents (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  appliance_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  severity VARCHAR(16) NOT NULL,
  raw_data JSONB NOT NULL,
  pattern_signature VARCHAR(128) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  state VARCHAR(16) NOT NULL
    CHECK (state IN
      ('open', 'observing', 'waiting', 'healed', 'resolved', 'failed', 'escalated')),
  resolution_level VARCHAR(2) CHECK (resolution_level IN ('L1', 'L2', 'L3')),
  outcome VARCHAR(16) CHECK (outcome IN ('success', 'failed', 'escalated')),
  before JSONB NOT NULL,
  after JSONB,
  decision JSONB,
  runbook JSONB,
  actions JSONB NOT NULL DEFAULT '[]',
  closed_at TIMESTAMPTZ,
  epoch INTEGER NOT NULL,
  seq BIGINT NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  -- The rules of core/evidence/claims.py: healed is a measurement that passed, and nothing else is.
  CONSTRAINT incidents_outcome CHECK (outcome IS NOT DISTINCT FROM CASE state
    WHEN 'healed' THEN 'success' WHEN 'failed' THEN 'failed' WHEN 'escalated' THEN 'escalated' END),
  CONSTRAINT incidents_closed CHECK ((closed_at IS NOT NULL) = (state IN ('healed', 'resolved'))),
  CONSTRAINT incidents_order CHECK (closed_at >= created_at),
  CONSTRAINT incidents_check CHECK (coalesce(before ->> 'check' = incident_type, false)
    AND (after IS NULL OR coalesce(after ->> 'check' = incident_type, false))),
  CONSTRAINT incidents_resolved CHECK (state <> 'resolved'
    OR coalesce(after ->> 'outcome' IN ('pass', 'not_applicable'), false)),
  CONSTRAINT incidents_healed CHECK (state <> 'healed' OR coalesce(
    before ->> 'outcome' = 'fail' AND after ->> 'outcome' = 'pass'
    AND (after ->> 'measured_at') COLLATE "C" >= (before ->> 'measured_at') COLLATE "C"
    AND decision ->> 'verdict' = 'run' AND runbook IS NOT NULL
    AND jsonb_path_exists(actions, '$[*] ? (@.dry_run == false && @.undone == false)'), false)),
  PRIMARY KEY (site_id, id)
);
CREATE INDEX IF NOT EXISTS idx_incidents_site ON incidents (site_id, created_at DESC, id);
CREATE INDEX IF NOT EXISTS idx_incidents_partner ON incidents (partner_id, created_at DESC, id);
CREATE INDEX IF NOT EXISTS idx_incidents_pattern ON incidents (site_id, pattern_signature);
CREATE INDEX IF NOT EXISTS idx_incidents_type ON incidents (site_id, incident_type);
SELECT protect_table('incidents', 'told');
GRANT SELECT, INSERT, UPDATE ON incidents TO wardline_app;

-- Which bundles tell an incident's story.
CREATE TABLE IF NOT EXISTS incident_bundles (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  log_index BIGINT NOT NULL,
  state VARCHAR(16) NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, incident_id, log_index),
  FOREIGN KEY (site_id, incident_id) REFERENCES incidents(site_id, id)
);
SELECT protect_table('incident_bundles', 'told');
SELECT make_append_only('incident_bundles');
GRANT SELECT, INSERT ON incident_bundles TO wardline_app;
