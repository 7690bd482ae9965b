-- The audit log as an RFC 6962 log per partner. Rows are written plainly in the transaction of the
-- deed; a sequencer appends them. Only the head table is ever updated.

-- What waits to be appended, by the number of its row. A sequence commits out of order, so "above
-- the last one" would lose rows; what waits here is appended, whenever it became visible.
CREATE TABLE IF NOT EXISTS audit_log_waiting (
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  partner_id VARCHAR(64) NOT NULL,
  record_id BIGINT NOT NULL,
  PRIMARY KEY (partner_id, id)
);
SELECT protect_table('audit_log_waiting', 'partner');
SELECT open_to_jobs('audit_log_waiting');
GRANT SELECT ON audit_log_waiting TO wardline_app;
GRANT SELECT, DELETE ON audit_log_waiting TO wardline_jobs;

CREATE OR REPLACE FUNCTION queue_audit_record() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO audit_log_waiting (partner_id, record_id) VALUES (NEW.partner_id, NEW.id);
  RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION queue_audit_record() FROM PUBLIC;
DROP TRIGGER IF EXISTS queue_record ON audit_log;
CREATE TRIGGER queue_record AFTER INSERT ON audit_log
  FOR EACH ROW EXECUTE FUNCTION queue_audit_record();
SELECT open_to_jobs('audit_log');
GRANT SELECT ON audit_log TO wardline_jobs;
-- Whether a person has read the same thing a moment ago.
CREATE INDEX IF NOT EXISTS idx_audit_log_actor ON audit_log (partner_id, actor_id, at);

CREATE TABLE IF NOT EXISTS audit_log_heads (
  partner_id VARCHAR(64) PRIMARY KEY,
  generation INTEGER NOT NULL DEFAULT 1,
  size BIGINT NOT NULL DEFAULT 0,
  frontier BYTEA NOT NULL DEFAULT ''
);
SELECT protect_table('audit_log_heads', 'partner');
SELECT open_to_jobs('audit_log_heads');
GRANT SELECT ON audit_log_heads TO wardline_app;
GRANT SELECT, INSERT, UPDATE ON audit_log_heads TO wardline_jobs;

-- A record's leaf, and beside it what it is searched by. `seq` begins at 1; the leaf's index is one
-- less.
CREATE TABLE IF NOT EXISTS audit_log_entries (
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  seq BIGINT NOT NULL CHECK (seq >= 1),
  record_id BIGINT NOT NULL,
  site_id VARCHAR(64),
  actor_id VARCHAR(64) NOT NULL,
  action VARCHAR(64) NOT NULL,
  subject VARCHAR(128) NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  entry BYTEA NOT NULL,
  leaf_hash BYTEA NOT NULL CHECK (length(leaf_hash) = 32),
  PRIMARY KEY (partner_id, generation, seq),
  UNIQUE (partner_id, record_id)
);
CREATE INDEX IF NOT EXISTS idx_audit_log_entries_actor
  ON audit_log_entries (partner_id, actor_id, seq);
CREATE INDEX IF NOT EXISTS idx_audit_log_entries_action
  ON audit_log_entries (partner_id, action, seq);
CREATE INDEX IF NOT EXISTS idx_audit_log_entries_subject
  ON audit_log_entries (partner_id, subject, seq);
CREATE INDEX IF NOT EXISTS idx_audit_log_entries_site
  ON audit_log_entries (partner_id, site_id, seq);
CREATE INDEX IF NOT EXISTS idx_audit_log_entries_at ON audit_log_entries (partner_id, at);
SELECT protect_table('audit_log_entries', 'told');
SELECT open_to_jobs('audit_log_entries');
SELECT make_append_only('audit_log_entries');
GRANT SELECT ON audit_log_entries TO wardline_app;
GRANT SELECT, INSERT ON audit_log_entries TO wardline_jobs;

-- Interior nodes of complete subtrees, level >= 1 (level 0 is the entries' leaf hash).
CREATE TABLE IF NOT EXISTS audit_log_nodes (
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  level SMALLINT NOT NULL CHECK (level >= 1),
  node_index BIGINT NOT NULL,
  hash BYTEA NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (partner_id, generation, level, node_index)
);
SELECT protect_table('audit_log_nodes', 'partner');
SELECT open_to_jobs('audit_log_nodes');
SELECT make_append_only('audit_log_nodes');
GRANT SELECT ON audit_log_nodes TO wardline_app;
GRANT SELECT, INSERT ON audit_log_nodes TO wardline_jobs;

-- Signed tree heads, as the signer issued them.
CREATE TABLE IF NOT EXISTS audit_log_checkpoints (
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  size BIGINT NOT NULL,
  root BYTEA NOT NULL CHECK (length(root) = 32),
  note TEXT NOT NULL,
  signed_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, generation, size)
);
SELECT protect_table('audit_log_checkpoints', 'partner');
SELECT open_to_jobs('audit_log_checkpoints');
SELECT make_append_only('audit_log_checkpoints');
GRANT SELECT ON audit_log_checkpoints TO wardline_app;
GRANT SELECT, INSERT ON audit_log_checkpoints TO wardline_jobs;

-- A log that contradicts what was signed before is not signed any more; that is told here.
CREATE TABLE IF NOT EXISTS audit_log_alarms (
  partner_id VARCHAR(64) NOT NULL,
  generation INTEGER NOT NULL,
  reason TEXT NOT NULL,
  first_seen_at TIMESTAMPTZ NOT NULL,
  last_seen_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, generation)
);
SELECT protect_table('audit_log_alarms', 'partner');
SELECT open_to_jobs('audit_log_alarms');
GRANT SELECT ON audit_log_alarms TO wardline_app;
GRANT SELECT, INSERT, UPDATE ON audit_log_alarms TO wardline_jobs;

-- What was written before there was a log.
INSERT INTO audit_log_waiting (partner_id, record_id)
  SELECT a.partner_id, a.id FROM audit_log a
  WHERE NOT EXISTS (SELECT FROM audit_log_waiting w WHERE w.record_id = a.id)
    AND NOT EXISTS (SELECT FROM audit_log_entries e
      WHERE e.partner_id = a.partner_id AND e.record_id = a.id)
  ORDER BY a.id;
