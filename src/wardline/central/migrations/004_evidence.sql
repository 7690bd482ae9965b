-- Evidence bundles and the RFC 6962 log of each site. Only the two head tables are ever updated.

CREATE TABLE IF NOT EXISTS evidence_bundles (
  id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64),
  epoch INTEGER NOT NULL,
  seq BIGINT NOT NULL CHECK (seq >= 1),
  bundle_type VARCHAR(50) NOT NULL,
  bundle_hash VARCHAR(64) NOT NULL,
  hipaa_controls JSONB NOT NULL,
  generated_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1,
  log_index BIGINT NOT NULL,
  kid VARCHAR(64) NOT NULL,
  payload BYTEA NOT NULL,
  signature BYTEA NOT NULL CHECK (length(signature) = 64),
  -- A second body under a (appliance, epoch, seq) that was taken: kept, and part of no stream.
  equivocates BOOLEAN NOT NULL DEFAULT false,
  UNIQUE (site_id, generation, log_index)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_evidence_bundles_stream
  ON evidence_bundles (site_id, appliance_id, epoch, seq) WHERE NOT equivocates;
CREATE UNIQUE INDEX IF NOT EXISTS idx_evidence_bundles_equivocation
  ON evidence_bundles (site_id, appliance_id, epoch, seq, bundle_hash) WHERE equivocates;
-- A bundle is 1 to 3 kB that are written once and seldom read: kept in line, never compressed.
ALTER TABLE evidence_bundles SET (toast_tuple_target = 8160);
ALTER TABLE evidence_bundles ALTER COLUMN payload SET STORAGE EXTERNAL;
CREATE INDEX IF NOT EXISTS idx_evidence_bundles_partner ON evidence_bundles (partner_id);
SELECT protect_table('evidence_bundles', 'told');
SELECT make_append_only('evidence_bundles');
GRANT SELECT, INSERT ON evidence_bundles TO wardline_app;

-- Where an appliance's stream stands: the next sequence number and the hash it must name as prev.
CREATE TABLE IF NOT EXISTS evidence_streams (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  epoch INTEGER NOT NULL,
  next_seq BIGINT NOT NULL DEFAULT 1,
  prev VARCHAR(64) NOT NULL,
  PRIMARY KEY (site_id, appliance_id, epoch),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
SELECT protect_table('evidence_streams', 'told');
GRANT SELECT, INSERT, UPDATE ON evidence_streams TO wardline_app;

CREATE TABLE IF NOT EXISTS evidence_log_heads (
  site_id VARCHAR(64) PRIMARY KEY,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL DEFAULT 1,
  size BIGINT NOT NULL DEFAULT 0,
  frontier BYTEA NOT NULL DEFAULT '',
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
SELECT protect_table('evidence_log_heads', 'told');
SELECT open_to_jobs('evidence_log_heads');
GRANT SELECT, INSERT, UPDATE ON evidence_log_heads TO wardline_app;
GRANT SELECT ON evidence_log_heads TO wardline_jobs;

CREATE TABLE IF NOT EXISTS evidence_log_entries (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  log_index BIGINT NOT NULL,
  kind VARCHAR(16) NOT NULL,
  entry BYTEA NOT NULL,
  leaf_hash BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
  PRIMARY KEY (site_id, generation, log_index)
);
SELECT protect_table('evidence_log_entries', 'told');
SELECT open_to_jobs('evidence_log_entries');
SELECT make_append_only('evidence_log_entries');
GRANT SELECT, INSERT ON evidence_log_entries TO wardline_app;
GRANT SELECT ON evidence_log_entries TO wardline_jobs;

-- Interior nodes of complete subtrees, level >= 1 (level 0 is the entries' leaf hash).
CREATE TABLE IF NOT EXISTS evidence_log_nodes (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  level SMALLINT NOT NULL CHECK (level >= 1),
  node_index BIGINT NOT NULL,
  hash BYTEA NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (site_id, generation, level, node_index)
);
SELECT protect_table('evidence_log_nodes', 'told');
SELECT open_to_jobs('evidence_log_nodes');
SELECT make_append_only('evidence_log_nodes');
GRANT SELECT, INSERT ON evidence_log_nodes TO wardline_app;
GRANT SELECT ON evidence_log_nodes TO wardline_jobs;

-- Signed tree heads, as the signer issued them.
CREATE TABLE IF NOT EXISTS evidence_checkpoints (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL,
  signed_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, generation, size),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
SELECT protect_table('evidence_checkpoints', 'told');
SELECT open_to_jobs('evidence_checkpoints');
SELECT make_append_only('evidence_checkpoints');
GRANT SELECT ON evidence_checkpoints TO wardline_app;
GRANT SELECT, INSERT ON evidence_checkpoints TO wardline_jobs;

CREATE TABLE IF NOT EXISTS evidence_cosignatures (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  size BIGINT NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  line TEXT NOT NULL,
  cosigned_at TIMESTAMPTZ NOT NULL,
  received_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, generation, size, appliance_id),
  FOREIGN KEY (site_id, generation, size) REFERENCES evidence_checkpoints(site_id, generation, size)
);
SELECT protect_table('evidence_cosignatures', 'told');
SELECT make_append_only('evidence_cosignatures');
GRANT SELECT, INSERT ON evidence_cosignatures TO wardline_app;
