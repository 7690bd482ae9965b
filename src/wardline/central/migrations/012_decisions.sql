-- Decisions that count: what they reserve, what is kept of them, and how often each rule decided.

-- A row is what one decision to run has reserved of limits, cooldown and lock, under its own id. It
-- counts from `reserved_at` until it is released or expires; once started it counts as a run, which
-- is in flight until it has ended. Site and host are '' where the request names none.
CREATE TABLE IF NOT EXISTS policy_runs (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  site TEXT NOT NULL CHECK (length(site) <= 128),
  host TEXT NOT NULL CHECK (length(host) <= 128),
  action TEXT NOT NULL CHECK (length(action) <= 128),
  rule_id TEXT NOT NULL CHECK (length(rule_id) <= 128),
  pct NUMERIC NOT NULL CHECK (pct >= 0),
  qty NUMERIC NOT NULL CHECK (qty >= 0),
  reserved_at TIMESTAMPTZ NOT NULL,
  reserved_by VARCHAR(255) NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  started_at TIMESTAMPTZ,
  started_by VARCHAR(255),
  ended_at TIMESTAMPTZ,
  ended_by VARCHAR(255),
  released_at TIMESTAMPTZ,
  released_by VARCHAR(255),
  PRIMARY KEY (partner_id, id),
  CONSTRAINT policy_runs_times CHECK (reserved_at < expires_at),
  CONSTRAINT policy_runs_people CHECK ((started_at IS NULL) = (started_by IS NULL)
    AND (ended_at IS NULL) = (ended_by IS NULL) AND (released_at IS NULL) = (released_by IS NULL)),
  CONSTRAINT policy_runs_states CHECK ((ended_at IS NULL OR started_at IS NOT NULL)
    AND (released_at IS NULL OR started_at IS NULL))
);
CREATE INDEX IF NOT EXISTS idx_policy_runs_rule
  ON policy_runs (partner_id, site, rule_id, reserved_at) WHERE released_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_policy_runs_host
  ON policy_runs (partner_id, site, host, action, reserved_at) WHERE released_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_policy_runs_age ON policy_runs (reserved_at);
SELECT protect_table('policy_runs', 'partner');
SELECT open_to_jobs('policy_runs');
GRANT SELECT, INSERT, UPDATE (started_at, started_by, ended_at, ended_by, released_at, released_by)
  ON policy_runs TO wardline_app;
GRANT SELECT, DELETE ON policy_runs TO wardline_jobs;

-- The decisions of one call, as core/policy/kept packs them.
CREATE TABLE IF NOT EXISTS decisions_kept (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  at TIMESTAMPTZ NOT NULL,
  revision BIGINT NOT NULL CHECK (revision >= 0),
  epoch BIGINT NOT NULL CHECK (epoch >= 1),
  decisions INTEGER NOT NULL CHECK (decisions >= 1),
  kpis TEXT[] NOT NULL,
  body BYTEA NOT NULL CHECK (length(body) <= 8388608),
  PRIMARY KEY (partner_id, id)
);
CREATE INDEX IF NOT EXISTS idx_decisions_kept_age ON decisions_kept (at);
SELECT protect_table('decisions_kept', 'partner');
SELECT open_to_jobs('decisions_kept');
GRANT SELECT, INSERT ON decisions_kept TO wardline_app;
GRANT SELECT (partner_id, id, at, decisions), DELETE ON decisions_kept TO wardline_jobs;

-- How often a rule decided, and how often that something runs. Deciders add rows and wait for
-- nobody; a job folds them into one row for each rule.
CREATE TABLE IF NOT EXISTS rule_uses (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  rule_id TEXT NOT NULL CHECK (length(rule_id) <= 128),
  last_decided_at TIMESTAMPTZ NOT NULL,
  decided BIGINT NOT NULL CHECK (decided >= 1),
  ran BIGINT NOT NULL CHECK (ran BETWEEN 0 AND decided),
  PRIMARY KEY (partner_id, rule_id)
);
CREATE TABLE IF NOT EXISTS rule_uses_added (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id BIGINT GENERATED ALWAYS AS IDENTITY,
  rule_id TEXT NOT NULL CHECK (length(rule_id) <= 128),
  at TIMESTAMPTZ NOT NULL,
  decided INTEGER NOT NULL CHECK (decided >= 1),
  ran INTEGER NOT NULL CHECK (ran BETWEEN 0 AND decided),
  PRIMARY KEY (partner_id, id)
);
SELECT protect_table('rule_uses', 'partner');
SELECT protect_table('rule_uses_added', 'partner');
SELECT open_to_jobs('rule_uses');
SELECT open_to_jobs('rule_uses_added');
GRANT SELECT ON rule_uses TO wardline_app;
GRANT SELECT, INSERT ON rule_uses_added TO wardline_app;
GRANT SELECT, INSERT, UPDATE ON rule_uses TO wardline_jobs;
GRANT SELECT, DELETE ON rule_uses_added TO wardline_jobs;

-- What was answered under an Idempotency-Key, so that the same request gets it again.
CREATE TABLE IF NOT EXISTS decision_answers (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  asked_by VARCHAR(255) NOT NULL,
  key VARCHAR(128) NOT NULL,
  digest BYTEA NOT NULL CHECK (length(digest) = 32),
  answer BYTEA NOT NULL,
  answered_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, asked_by, key)
);
CREATE INDEX IF NOT EXISTS idx_decision_answers_age ON decision_answers (answered_at);
SELECT protect_table('decision_answers', 'partner');
SELECT open_to_jobs('decision_answers');
GRANT SELECT, INSERT, UPDATE (digest, answer, answered_at) ON decision_answers TO wardline_app;
GRANT SELECT (partner_id, asked_by, key, answered_at), DELETE ON decision_answers TO wardline_jobs;
