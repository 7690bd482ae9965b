-- Enrolment tokens, appliances with their keys, hosts.

CREATE TABLE IF NOT EXISTS enrolment_tokens (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  partner_id VARCHAR(64) NOT NULL,
  site_id VARCHAR(64) NOT NULL,
  secret_hash BYTEA NOT NULL,
  created_by VARCHAR(64) NOT NULL,
  created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at TIMESTAMPTZ NOT NULL,
  used_at TIMESTAMPTZ,
  used_by VARCHAR(64),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE INDEX IF NOT EXISTS idx_enrolment_tokens_site ON enrolment_tokens (site_id, created_at);
SELECT protect_table('enrolment_tokens', 'site');
GRANT SELECT, INSERT, UPDATE ON enrolment_tokens TO wardline_app;

CREATE TABLE IF NOT EXISTS appliances (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  hostname VARCHAR(255) NOT NULL,
  platform VARCHAR(64) NOT NULL,
  agent_version VARCHAR(64) NOT NULL,
  ip_address INET,
  is_online BOOLEAN NOT NULL DEFAULT false,
  last_checkin TIMESTAMPTZ,
  credential_hash BYTEA NOT NULL UNIQUE,
  epoch INTEGER NOT NULL DEFAULT 1,
  witnessed_size BIGINT NOT NULL DEFAULT 0,
  pending_bundles INTEGER NOT NULL DEFAULT 0,
  quarantined_bundles INTEGER NOT NULL DEFAULT 0,
  enrolled_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  retired_at TIMESTAMPTZ,
  UNIQUE (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id) ON DELETE CASCADE
);
SELECT protect_table('appliances', 'site');
GRANT SELECT, INSERT, UPDATE ON appliances TO wardline_app;

-- Which key speaks for an appliance in which epoch. The evidence log carries the same as entries.
CREATE TABLE IF NOT EXISTS appliance_keys (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  kid VARCHAR(64) NOT NULL,
  public_key BYTEA NOT NULL CHECK (length(public_key) = 32),
  witness_key BYTEA NOT NULL CHECK (length(witness_key) = 32),
  enrolled_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (site_id, appliance_id, epoch),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id) ON DELETE CASCADE,
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id) ON DELETE CASCADE
);
SELECT protect_table('appliance_keys', 'site');
GRANT SELECT, INSERT ON appliance_keys TO wardline_app;

CREATE TABLE IF NOT EXISTS hosts (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  appliance_id VARCHAR(64) NOT NULL,
  name VARCHAR(255) NOT NULL,
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('local', 'tree', 'ssh')),
  platform VARCHAR(64) NOT NULL,
  observed BOOLEAN NOT NULL DEFAULT false,
  first_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  last_seen_at TIMESTAMPTZ NOT NULL DEFAULT now(),
  PRIMARY KEY (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id) ON DELETE CASCADE,
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id) ON DELETE CASCADE
);
SELECT protect_table('hosts', 'site');
GRANT SELECT, INSERT, UPDATE ON hosts TO wardline_app;
