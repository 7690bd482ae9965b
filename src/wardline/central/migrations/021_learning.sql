-- What runs taught: every run that was measured, what they come to per pattern, and promotions.

-- One row per run of a runbook on an incident, folded from evidence as incidents are. `mark` names
-- it within its incident, `run_id` everywhere; how it ended is written once, with the bundle that told of that.
CREATE TABLE IF NOT EXISTS pattern_runs (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  mark VARCHAR(64) NOT NULL,
  run_id VARCHAR(64),
  host_id VARCHAR(64) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  pattern_signature VARCHAR(128) NOT NULL,
  level VARCHAR(16) NOT NULL CHECK (level IN ('L1', 'L2', 'L3')),
  runbook_id VARCHAR(255) NOT NULL,
  runbook_version VARCHAR(128) NOT NULL,
  runbook_digest VARCHAR(64) NOT NULL,
  promotion_id VARCHAR(64),
  canary BOOLEAN NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  ended VARCHAR(16) CHECK (ended IN ('stable', 'failed', 'recurred', 'undone', 'unproved')),
  ended_at TIMESTAMPTZ,
  ended_epoch INTEGER,
  ended_seq BIGINT,
  ended_place INTEGER,
  changed_at TIMESTAMPTZ NOT NULL,
  CONSTRAINT pattern_runs_end CHECK ((ended IS NULL) = (ended_at IS NULL)
    AND (ended IS NULL) = (ended_seq IS NULL) AND (ended IS NULL) = (ended_epoch IS NULL)
    AND (ended IS NULL) = (ended_place IS NULL)),
  PRIMARY KEY (site_id, incident_id, mark)
);
CREATE INDEX IF NOT EXISTS idx_pattern_runs_partner
  ON pattern_runs (partner_id, pattern_signature, at);
CREATE INDEX IF NOT EXISTS idx_pattern_runs_run ON pattern_runs (site_id, run_id)
  WHERE run_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_pattern_runs_changed ON pattern_runs (changed_at);
CREATE INDEX IF NOT EXISTS idx_pattern_runs_at ON pattern_runs (at);
CREATE INDEX IF NOT EXISTS idx_pattern_runs_promotion ON pattern_runs (partner_id, promotion_id)
  WHERE promotion_id IS NOT NULL;
SELECT protect_table('pattern_runs', 'told');
SELECT open_to_jobs('pattern_runs');
GRANT SELECT, INSERT, UPDATE ON pattern_runs TO wardline_app;
GRANT SELECT, DELETE ON pattern_runs TO wardline_jobs;

-- The document's table, per partner, over the horizon; worked out anew from incidents, so that
-- nothing can drift apart. `success_count` counts what lasted.
CREATE TABLE IF NOT EXISTS pattern_stats (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  pattern_signature VARCHAR(128) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  total_count INTEGER NOT NULL DEFAULT 0,
  l1_count INTEGER NOT NULL DEFAULT 0,
  l2_count INTEGER NOT NULL DEFAULT 0,
  l3_count INTEGER NOT NULL DEFAULT 0,
  success_count INTEGER NOT NULL DEFAULT 0,
  promotion_eligible BOOLEAN NOT NULL DEFAULT FALSE,
  newest_at TIMESTAMPTZ NOT NULL,
  computed_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, pattern_signature, incident_type)
);
CREATE INDEX IF NOT EXISTS idx_pattern_stats_total
  ON pattern_stats (partner_id, total_count DESC, pattern_signature);
SELECT protect_table('pattern_stats', 'partner');
SELECT open_to_jobs('pattern_stats');
GRANT SELECT ON pattern_stats TO wardline_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pattern_stats TO wardline_jobs;

-- The same per version of a runbook: verified outcomes. `good` and `everything` are the weights
-- that the rule for promotion judges by; `lacking` says what stands between it and that.
CREATE TABLE IF NOT EXISTS pattern_runbooks (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  pattern_signature VARCHAR(128) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  runbook_digest VARCHAR(64) NOT NULL,
  runbook_version VARCHAR(128) NOT NULL,
  runs INTEGER NOT NULL,
  watched INTEGER NOT NULL,
  stable INTEGER NOT NULL,
  failed INTEGER NOT NULL,
  recurred INTEGER NOT NULL,
  undone INTEGER NOT NULL,
  unproved INTEGER NOT NULL,
  occurrences INTEGER NOT NULL,
  by_l2 INTEGER NOT NULL,
  good BIGINT NOT NULL,
  everything BIGINT NOT NULL,
  lacking JSONB NOT NULL,
  newest_at TIMESTAMPTZ NOT NULL,
  computed_at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (partner_id, pattern_signature, incident_type, runbook_id, runbook_digest)
);
SELECT protect_table('pattern_runbooks', 'partner');
SELECT open_to_jobs('pattern_runbooks');
GRANT SELECT ON pattern_runbooks TO wardline_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON pattern_runbooks TO wardline_jobs;

-- What the ledger of a promotion comes to; `stage` is the one column of its life, and moves with an
-- entry and by one function only. `inputs` are fixed with the approval.
CREATE TABLE IF NOT EXISTS promotions (
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  incident_type VARCHAR(255) NOT NULL,
  pattern_signature VARCHAR(128) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  runbook_version VARCHAR(128) NOT NULL,
  runbook_digest VARCHAR(64) NOT NULL,
  inputs JSONB NOT NULL DEFAULT '{}',
  stage VARCHAR(16) NOT NULL CHECK (stage IN
    ('candidate', 'evaluated', 'canary', 'promoted', 'demoted', 'rejected', 'withdrawn')),
  canary_site_id VARCHAR(64),
  approved_at TIMESTAMPTZ,
  promoted_at TIMESTAMPTZ,
  created_at TIMESTAMPTZ NOT NULL,
  changed_at TIMESTAMPTZ NOT NULL,
  ended_at TIMESTAMPTZ,
  CONSTRAINT promotions_end
    CHECK ((ended_at IS NOT NULL) = (stage IN ('demoted', 'rejected', 'withdrawn'))),
  CONSTRAINT promotions_canary
    CHECK (stage NOT IN ('canary', 'promoted') OR (canary_site_id IS NOT NULL
      AND approved_at IS NOT NULL)),
  PRIMARY KEY (partner_id, id),
  FOREIGN KEY (canary_site_id, partner_id) REFERENCES sites(id, partner_id)
);
-- One at a time answers a pattern.
CREATE UNIQUE INDEX IF NOT EXISTS idx_promotions_standing
  ON promotions (partner_id, incident_type, pattern_signature) WHERE ended_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_promotions_newest ON promotions (partner_id, created_at DESC, id DESC);

CREATE TABLE IF NOT EXISTS promotion_ledger (
  partner_id VARCHAR(64) NOT NULL,
  promotion_id VARCHAR(64) NOT NULL,
  number INTEGER NOT NULL CHECK (number >= 1),
  step VARCHAR(16) NOT NULL CHECK (step IN ('proposed', 'evaluated', 'approved', 'promoted',
    'stopped', 'demoted', 'rejected', 'withdrawn')),
  at TIMESTAMPTZ NOT NULL,
  by_id VARCHAR(255) NOT NULL,
  by_name VARCHAR(255) NOT NULL,
  reason TEXT NOT NULL,
  detail JSONB NOT NULL DEFAULT '{}',
  site_id VARCHAR(64),
  appliance_id VARCHAR(64),
  CONSTRAINT promotion_ledger_site CHECK ((step = 'approved') = (site_id IS NOT NULL)),
  CONSTRAINT promotion_ledger_stop CHECK ((step = 'stopped') = (appliance_id IS NOT NULL)),
  PRIMARY KEY (partner_id, promotion_id, number),
  FOREIGN KEY (partner_id, promotion_id) REFERENCES promotions(partner_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
-- What each check-in counts.
CREATE INDEX IF NOT EXISTS idx_promotion_ledger_told ON promotion_ledger (partner_id)
  WHERE step::text IN ('approved', 'promoted', 'stopped', 'demoted');
SELECT protect_table('promotions', 'partner'), protect_table('promotion_ledger', 'partner');
SELECT open_to_jobs('promotions'), open_to_jobs('promotion_ledger');
SELECT make_append_only('promotion_ledger');
-- An appliance reads what its partner has promoted.
DROP POLICY IF EXISTS own_site ON promotions;
CREATE POLICY own_site ON promotions FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()));
DROP POLICY IF EXISTS own_site ON promotion_ledger;
CREATE POLICY own_site ON promotion_ledger FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()));
GRANT SELECT, INSERT, UPDATE (inputs, stage, canary_site_id, approved_at, promoted_at, changed_at,
  ended_at) ON promotions TO wardline_app, wardline_jobs;
GRANT SELECT, INSERT ON promotion_ledger TO wardline_app, wardline_jobs;

-- What the statistics of patterns are worked out from.
SELECT open_to_jobs('incidents');
GRANT SELECT (site_id, partner_id, id, incident_type, pattern_signature, created_at, state,
  resolution_level) ON incidents TO wardline_jobs;
