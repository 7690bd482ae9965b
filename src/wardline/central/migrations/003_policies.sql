-- Policies per partner: the rules in force, every revision, every version of every rule.

-- The row that writers of a partner's policy take turns on.
CREATE TABLE IF NOT EXISTS policy_heads (
  partner_id VARCHAR(64) PRIMARY KEY REFERENCES partners(id),
  epoch INTEGER NOT NULL DEFAULT 1,
  revision BIGINT NOT NULL DEFAULT 0
);
SELECT protect_table('policy_heads', 'partner');
DROP POLICY IF EXISTS own_site ON policy_heads;
CREATE POLICY own_site ON policy_heads FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()));
GRANT SELECT, INSERT, UPDATE ON policy_heads TO wardline_app;

CREATE TABLE IF NOT EXISTS policies (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id VARCHAR(128) NOT NULL CHECK (id <> ''),
  body JSONB NOT NULL,
  revision BIGINT NOT NULL,
  created_by VARCHAR(64) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_by VARCHAR(64) NOT NULL,
  updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (partner_id, id)
);
SELECT protect_table('policies', 'partner');
DROP POLICY IF EXISTS own_site ON policies;
CREATE POLICY own_site ON policies FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()));
GRANT SELECT, INSERT, UPDATE, DELETE ON policies TO wardline_app;

CREATE TABLE IF NOT EXISTS policy_revisions (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  revision BIGINT NOT NULL CHECK (revision >= 1),
  author VARCHAR(64) NOT NULL,
  reason TEXT,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (partner_id, revision)
);
SELECT protect_table('policy_revisions', 'partner');
SELECT make_append_only('policy_revisions');
GRANT SELECT, INSERT ON policy_revisions TO wardline_app;

-- A rule as a revision left it; body NULL = removed by that revision.
CREATE TABLE IF NOT EXISTS policy_rule_versions (
  partner_id VARCHAR(64) NOT NULL,
  rule_id VARCHAR(128) NOT NULL,
  revision BIGINT NOT NULL,
  body JSONB,
  PRIMARY KEY (partner_id, rule_id, revision),
  FOREIGN KEY (partner_id, revision) REFERENCES policy_revisions(partner_id, revision)
);
SELECT protect_table('policy_rule_versions', 'partner');
SELECT make_append_only('policy_rule_versions');
GRANT SELECT, INSERT ON policy_rule_versions TO wardline_app;
