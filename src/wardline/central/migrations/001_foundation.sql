-- Roles, the row-security helper, partners, sites, users, sessions, change log and audit log.
-- wardline_app serves requests and is bound by row security; wardline_jobs runs system jobs with
-- policies of its own. Neither owns anything. Their logins are set by whoever starts the servers.

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wardline_app') THEN
    CREATE ROLE wardline_app NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'wardline_jobs') THEN
    CREATE ROLE wardline_jobs NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
  END IF;
END
$$;

-- What PUBLIC may do in the database itself (TEMP above all) is taken back at every start by the
-- migration runner: a dump does not carry a database's own grants.
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO wardline_app, wardline_jobs;

-- The scope of a transaction: SET LOCAL app.partner, or app.site with app.site_partner.
-- An unset or reset setting reads as NULL or '', and no identifier is ever ''.
CREATE OR REPLACE FUNCTION scope_partner() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.partner', true), '') $$;
CREATE OR REPLACE FUNCTION scope_site() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.site', true), '') $$;
CREATE OR REPLACE FUNCTION scope_site_partner() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('app.site_partner', true), '') $$;

-- Forces row security on a tenant table. `shape` says who may write what:
--   'partner' partner_id alone; closed to a site's scope;
--   'site'    partner_id and site_id, whose pair is a reference to sites: either scope writes;
--   'told'    partner_id and site_id, written by a site's own appliances and by no person;
--   'log'     partner_id and an optional site_id without a reference: either scope writes.
-- A site's scope sees and writes nothing that names another partner, whatever its site_id.
CREATE OR REPLACE FUNCTION protect_table(target regclass, shape text) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
  partner TEXT := 'partner_id = (SELECT public.scope_partner())';
  site TEXT := '(site_id = (SELECT public.scope_site())'
    ' AND partner_id = (SELECT public.scope_site_partner()))';
  own_site TEXT := '(site_id IS NULL OR EXISTS (SELECT FROM public.sites s'
    ' WHERE s.id = site_id AND s.partner_id = (SELECT public.scope_partner())))';
  each TEXT;
BEGIN
  EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', target);
  EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', target);
  FOREACH each IN ARRAY ARRAY['tenant', 'tenant_insert', 'tenant_update'] LOOP
    EXECUTE format('DROP POLICY IF EXISTS %I ON %s', each, target);
  END LOOP;
  CASE shape
  WHEN 'partner' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%2$s)',
      target, partner);
  WHEN 'site' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%2$s)',
      target, site || ' OR ' || partner);
  WHEN 'log' THEN
    EXECUTE format('CREATE POLICY tenant ON %s TO wardline_app USING (%s) WITH CHECK (%s)',
      target, site || ' OR ' || partner, site || ' OR (' || partner || ' AND ' || own_site || ')');
  WHEN 'told' THEN
    EXECUTE format('CREATE POLICY tenant ON %s FOR SELECT TO wardline_app USING (%s)',
      target, site || ' OR ' || partner);
    EXECUTE format('CREATE POLICY tenant_insert ON %s FOR INSERT TO wardline_app WITH CHECK (%s)',
      target, site);
    EXECUTE format('CREATE POLICY tenant_update ON %s FOR UPDATE TO wardline_app'
      ' USING (%s) WITH CHECK (%2$s)', target, site);
  ELSE
    RAISE EXCEPTION 'protect_table: shape % is none of partner, site, told, log', shape;
  END CASE;
END
$$;
REVOKE EXECUTE ON FUNCTION protect_table(regclass, text) FROM PUBLIC;

-- Lets the jobs role see every tenant's rows of a table; what it may do there is its grants.
CREATE OR REPLACE FUNCTION open_to_jobs(target regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP POLICY IF EXISTS jobs ON %s', target);
  EXECUTE format('CREATE POLICY jobs ON %s TO wardline_jobs USING (true) WITH CHECK (true)', target);
END
$$;
REVOKE EXECUTE ON FUNCTION open_to_jobs(regclass) FROM PUBLIC;

CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% on % refused: this table is append-only', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'restrict_violation';
END
$$;

-- Makes a table append-only, for its owner too.
CREATE OR REPLACE FUNCTION make_append_only(target regclass) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('DROP TRIGGER IF EXISTS append_only_rows ON %s', target);
  EXECUTE format('CREATE TRIGGER append_only_rows BEFORE UPDATE OR DELETE ON %s'
                 ' FOR EACH ROW EXECUTE FUNCTION refuse_change()', target);
  EXECUTE format('DROP TRIGGER IF EXISTS append_only_table ON %s', target);
  EXECUTE format('CREATE TRIGGER append_only_table BEFORE TRUNCATE ON %s'
                 ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', target);
END
$$;
REVOKE EXECUTE ON FUNCTION make_append_only(regclass) FROM PUBLIC;

-- One row: which installation this database belongs to.
CREATE TABLE IF NOT EXISTS installation (
  only_row BOOLEAN PRIMARY KEY DEFAULT true CHECK (only_row),
  id VARCHAR(64) NOT NULL,
  demo BOOLEAN NOT NULL DEFAULT false,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
GRANT SELECT ON installation TO wardline_app, wardline_jobs;

CREATE TABLE IF NOT EXISTS partners (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  name VARCHAR(255) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now()
);
ALTER TABLE partners ENABLE ROW LEVEL SECURITY;
ALTER TABLE partners FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant ON partners;
CREATE POLICY tenant ON partners TO wardline_app
  USING (id = (SELECT scope_partner())) WITH CHECK (id = (SELECT scope_partner()));
GRANT SELECT, UPDATE ON partners TO wardline_app;

CREATE TABLE IF NOT EXISTS sites (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  name VARCHAR(255) NOT NULL,
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  zone VARCHAR(64) NOT NULL,
  opening_hours JSONB NOT NULL DEFAULT '[]',
  healing VARCHAR(16) NOT NULL DEFAULT 'observe' CHECK (healing IN ('observe', 'heal')),
  settings_revision BIGINT NOT NULL DEFAULT 1,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (partner_id, name),
  UNIQUE (id, partner_id)
);
ALTER TABLE sites ENABLE ROW LEVEL SECURITY;
ALTER TABLE sites FORCE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS tenant ON sites;
CREATE POLICY tenant ON sites TO wardline_app
  USING (partner_id = (SELECT scope_partner())
    OR (id = (SELECT scope_site()) AND partner_id = (SELECT scope_site_partner())))
  WITH CHECK (partner_id = (SELECT scope_partner()));
SELECT open_to_jobs('sites');
GRANT SELECT, INSERT, UPDATE ON sites TO wardline_app;
GRANT SELECT ON sites TO wardline_jobs;

CREATE TABLE IF NOT EXISTS users (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  email VARCHAR(254) NOT NULL,
  name VARCHAR(255) NOT NULL,
  role VARCHAR(16) NOT NULL CHECK (role IN ('owner', 'manager', 'operator', 'reader', 'auditor')),
  password_hash TEXT NOT NULL,
  must_change_password BOOLEAN NOT NULL DEFAULT false,
  disabled_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  UNIQUE (partner_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_users_email ON users (lower(email));
SELECT protect_table('users', 'partner');
GRANT SELECT, INSERT, UPDATE ON users TO wardline_app;

CREATE TABLE IF NOT EXISTS sessions (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  user_id VARCHAR(64) NOT NULL REFERENCES users(id),
  kind VARCHAR(16) NOT NULL DEFAULT 'browser' CHECK (kind IN ('browser', 'local')),
  token_hash BYTEA NOT NULL UNIQUE,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at TIMESTAMPTZ NOT NULL,
  revoked_at TIMESTAMPTZ
);
CREATE INDEX IF NOT EXISTS idx_sessions_user ON sessions (user_id);
SELECT protect_table('sessions', 'partner');
GRANT SELECT, INSERT, UPDATE ON sessions TO wardline_app;

-- Failed sign-ins per account and where they came from: a browser that signed in before ('device',
-- which shows a secret), an address, a session that changes its password, or anywhere else at all.
-- What a stranger does in one place pauses nobody in another.
CREATE TABLE IF NOT EXISTS sign_in_sources (
  partner_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('device', 'address', 'session', 'anywhere')),
  source BYTEA NOT NULL CHECK (length(source) = 32),
  failures INTEGER NOT NULL DEFAULT 0,
  paused_until TIMESTAMPTZ,
  last_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, user_id, kind, source),
  FOREIGN KEY (partner_id, user_id) REFERENCES users(partner_id, id)
);
SELECT protect_table('sign_in_sources', 'partner');
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_sources TO wardline_app;

-- What changed, for everybody who shows it; written in the transaction of the change.
-- Sequences commit out of order: a reader pages by (tx, id) below the oldest running transaction.
CREATE TABLE IF NOT EXISTS change_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tx XID8 NOT NULL DEFAULT pg_current_xact_id(),
  partner_id VARCHAR(64) NOT NULL,
  site_id VARCHAR(64),
  kind VARCHAR(64) NOT NULL,
  subject VARCHAR(128) NOT NULL,
  payload JSONB NOT NULL DEFAULT '{}',
  at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_change_log_partner ON change_log (partner_id, tx, id);
SELECT protect_table('change_log', 'log');
SELECT open_to_jobs('change_log');
SELECT make_append_only('change_log');
GRANT SELECT, INSERT ON change_log TO wardline_app;
GRANT SELECT, INSERT ON change_log TO wardline_jobs;

CREATE TABLE IF NOT EXISTS audit_log (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  partner_id VARCHAR(64) NOT NULL,
  site_id VARCHAR(64),
  actor_kind VARCHAR(16) NOT NULL CHECK (actor_kind IN ('user', 'appliance', 'system')),
  actor_id VARCHAR(64) NOT NULL,
  address INET,
  action VARCHAR(64) NOT NULL,
  subject VARCHAR(128) NOT NULL,
  before JSONB,
  after JSONB,
  reason TEXT,
  at TIMESTAMPTZ NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_audit_log_partner ON audit_log (partner_id, id);
SELECT protect_table('audit_log', 'log');
SELECT make_append_only('audit_log');
GRANT SELECT, INSERT ON audit_log TO wardline_app;
