-- The brake: which versions of rules and runbooks went wrong too often at a partner's sites.

-- Runs as evidence tells of them, one row for each version that a run went by.
CREATE TABLE IF NOT EXISTS brake_runs (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  run_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('rule', 'runbook')),
  name VARCHAR(255) NOT NULL,
  version VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  ended_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  wrong BOOLEAN NOT NULL,
  PRIMARY KEY (site_id, run_id, kind),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE INDEX IF NOT EXISTS idx_brake_runs_version
  ON brake_runs (partner_id, kind, name, version, ended_at);
CREATE INDEX IF NOT EXISTS idx_brake_runs_wrong
  ON brake_runs (partner_id, kind, name, version, ended_at) WHERE wrong;
CREATE INDEX IF NOT EXISTS idx_brake_runs_received ON brake_runs (received_at);
CREATE INDEX IF NOT EXISTS idx_brake_runs_ended ON brake_runs (ended_at);
SELECT protect_table('brake_runs', 'told');
SELECT open_to_jobs('brake_runs');
GRANT SELECT, INSERT, UPDATE (wrong, ended_at, received_at) ON brake_runs TO wardline_app;
GRANT SELECT, DELETE ON brake_runs TO wardline_jobs;

-- Whether a rule's version was ever in force at the site of this scope, which reads no history.
CREATE OR REPLACE FUNCTION scope_site_had_rule(rule TEXT, version TEXT) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM public.policy_rule_versions v
    WHERE v.partner_id = public.scope_site_partner() AND v.rule_id = rule
      AND v.revision::text = version AND v.body IS NOT NULL
      AND coalesce(v.body #>> '{scope,site}', public.scope_site()) = public.scope_site())
$$;
REVOKE EXECUTE ON FUNCTION scope_site_had_rule(TEXT, TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION scope_site_had_rule(TEXT, TEXT) TO wardline_app;

-- Rows stay as history: a release ends one for good. With an appliance it was stopped there, over
-- that appliance's own runs, and only told, under the `told_id` that it has there. A name stands only
-- beside a user: of whom an appliance tells, `released_by` is all that is known.
CREATE TABLE IF NOT EXISTS brake_stops (
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  site_id VARCHAR(64),
  appliance_id VARCHAR(64),
  told_id VARCHAR(64),
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('rule', 'runbook')),
  name VARCHAR(255) NOT NULL,
  version VARCHAR(64) NOT NULL,
  stopped_at TIMESTAMPTZ NOT NULL,
  failed BIGINT NOT NULL,
  runs BIGINT NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  incident_site_id VARCHAR(64) NOT NULL,
  released_at TIMESTAMPTZ,
  released_by VARCHAR(255),
  released_by_name VARCHAR(255),
  release_reason TEXT,
  CONSTRAINT brake_stops_place CHECK ((appliance_id IS NULL) = (site_id IS NULL)
    AND (appliance_id IS NULL) = (told_id IS NULL)),
  CONSTRAINT brake_stops_end CHECK ((released_at IS NULL) = (released_by IS NULL)
    AND (released_by_name IS NULL OR released_at IS NOT NULL)
    AND (released_at IS NULL) = (release_reason IS NULL)),
  PRIMARY KEY (partner_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id)
);
-- One ticket for each version, however many runs go wrong.
CREATE UNIQUE INDEX IF NOT EXISTS idx_brake_stops_in_force
  ON brake_stops (partner_id, kind, name, version)
  WHERE appliance_id IS NULL AND released_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_brake_stops_told
  ON brake_stops (site_id, appliance_id, told_id) WHERE appliance_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_brake_stops_newest
  ON brake_stops (partner_id, stopped_at DESC, id DESC);
-- What each check-in counts: what it has to obey, and how often that changed.
CREATE INDEX IF NOT EXISTS idx_brake_stops_everywhere
  ON brake_stops (partner_id, released_at DESC, id DESC) WHERE appliance_id IS NULL;
CREATE INDEX IF NOT EXISTS idx_brake_stops_there
  ON brake_stops (site_id, appliance_id, released_at DESC, id DESC) WHERE appliance_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_freezes_ordered
  ON freezes (partner_id, site_id) INCLUDE (lifted_at) WHERE appliance_id IS NULL;
SELECT protect_table('brake_stops', 'partner');
-- An appliance reads what stops it and writes only what was stopped at itself.
DROP POLICY IF EXISTS own_site ON brake_stops;
CREATE POLICY own_site ON brake_stops FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner())
    AND (site_id IS NULL OR site_id = (SELECT scope_site())));
DROP POLICY IF EXISTS own_site_insert ON brake_stops;
CREATE POLICY own_site_insert ON brake_stops FOR INSERT TO wardline_app
  WITH CHECK (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL);
DROP POLICY IF EXISTS own_site_update ON brake_stops;
CREATE POLICY own_site_update ON brake_stops FOR UPDATE TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL)
  WITH CHECK (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL);
SELECT open_to_jobs('brake_stops');
GRANT SELECT, INSERT, UPDATE (released_at, released_by, released_by_name, release_reason)
  ON brake_stops TO wardline_app;
GRANT SELECT, INSERT ON brake_stops TO wardline_jobs;
