-- What people let happen on a host: orders to appliances, the approvals they rest on, and holds.

-- One row per order and one state machine (core/orders.py). `envelope` is the signed envelope as it
-- was made, so that an appliance always receives the same bytes; nobody may change what it says.
CREATE TABLE IF NOT EXISTS orders (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  kind VARCHAR(16) NOT NULL CHECK (kind IN ('run_runbook', 'clear_hold')),
  incident_type VARCHAR(255) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  incident_id VARCHAR(64),
  approval_id VARCHAR(64),
  hold_id VARCHAR(64),
  status VARCHAR(20) NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'leased', 'running',
    'succeeded', 'failed', 'expired', 'lost', 'cancelled')),
  envelope BYTEA NOT NULL CHECK (length(envelope) <= 32768),
  requested_by VARCHAR(64) NOT NULL,
  reason TEXT NOT NULL,
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  leased_at TIMESTAMPTZ,
  lease_until TIMESTAMPTZ,
  leases INTEGER NOT NULL DEFAULT 0,
  started_at TIMESTAMPTZ,
  completed_at TIMESTAMPTZ,
  code VARCHAR(64),
  detail TEXT,
  -- The bundle that tells of the run, as the appliance names it; its log index is looked up.
  epoch BIGINT,
  seq BIGINT,
  CONSTRAINT orders_times CHECK (created_at < expires_at),
  CONSTRAINT orders_target CHECK ((kind = 'clear_hold') = (hold_id IS NOT NULL)),
  CONSTRAINT orders_lease CHECK (status NOT IN ('leased', 'running', 'succeeded', 'failed', 'lost')
    OR (leased_at IS NOT NULL AND lease_until IS NOT NULL)),
  CONSTRAINT orders_end CHECK ((completed_at IS NOT NULL)
    = (status IN ('succeeded', 'failed', 'expired', 'lost', 'cancelled'))),
  UNIQUE (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id)
);
CREATE INDEX IF NOT EXISTS idx_orders_pending ON orders (appliance_id, status)
  WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_orders_leased ON orders (appliance_id, lease_until)
  WHERE status = 'leased';
-- What the sweep looks through, whoever's it is.
CREATE INDEX IF NOT EXISTS idx_orders_live ON orders (expires_at)
  WHERE completed_at IS NULL;
-- One that is on its way is enough: for an incident, for a hold.
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_incident ON orders (site_id, incident_id)
  WHERE kind = 'run_runbook' AND completed_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_hold ON orders (site_id, hold_id)
  WHERE kind = 'clear_hold' AND completed_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_orders_approval ON orders (site_id, approval_id)
  WHERE approval_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_orders_of_hold ON orders (site_id, hold_id, created_at)
  WHERE hold_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_orders_partner ON orders (partner_id, created_at DESC, id DESC);
CREATE INDEX IF NOT EXISTS idx_orders_site ON orders (site_id, created_at DESC, id DESC);
SELECT protect_table('orders', 'site');
SELECT open_to_jobs('orders');
GRANT SELECT, INSERT,
  UPDATE (status, leased_at, lease_until, leases, started_at, completed_at, code, detail, epoch, seq)
  ON orders TO wardline_app;
GRANT SELECT (id, site_id, partner_id, status, expires_at, lease_until, started_at, completed_at),
  UPDATE (status, completed_at, code, detail) ON orders TO wardline_jobs;

-- A person's consent to exactly one run: of this incident, with this runbook, these inputs, under
-- this rule and these parameters. `needs` says whose voices it takes, one entry per rule that asks.
-- `measured` and `actions` are what whoever approves was shown.
CREATE TABLE IF NOT EXISTS approvals (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  severity VARCHAR(16) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  runbook_version VARCHAR(128) NOT NULL,
  runbook_digest VARCHAR(64) NOT NULL,
  risk VARCHAR(16) NOT NULL,
  inputs JSONB NOT NULL,
  inputs_digest VARCHAR(64) NOT NULL,
  rule_id VARCHAR(128) NOT NULL,
  rule_revision BIGINT,
  params_digest VARCHAR(64) NOT NULL,
  needs JSONB NOT NULL,
  measured JSONB NOT NULL,
  actions JSONB NOT NULL,
  requested_by VARCHAR(64),
  status VARCHAR(16) NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'approved', 'rejected', 'expired', 'superseded')),
  created_at TIMESTAMPTZ NOT NULL,
  expires_at TIMESTAMPTZ NOT NULL,
  closed_at TIMESTAMPTZ,
  CONSTRAINT approvals_end CHECK ((closed_at IS NULL) = (status = 'pending')),
  UNIQUE (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_approvals_pending ON approvals (site_id, incident_id)
  WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_approvals_incident ON approvals (site_id, incident_id, created_at);
CREATE INDEX IF NOT EXISTS idx_approvals_expiry ON approvals (expires_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_approvals_partner ON approvals (partner_id, created_at DESC, id DESC);
SELECT protect_table('approvals', 'site');
SELECT open_to_jobs('approvals');
GRANT SELECT, INSERT, UPDATE (status, closed_at) ON approvals TO wardline_app;
GRANT SELECT (id, site_id, partner_id, status, expires_at), UPDATE (status, closed_at)
  ON approvals TO wardline_jobs;

-- One voice per person and approval, with the policy's roles that they held when they gave it.
CREATE TABLE IF NOT EXISTS approval_votes (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  approval_id VARCHAR(64) NOT NULL,
  user_id VARCHAR(64) NOT NULL,
  user_name VARCHAR(255) NOT NULL,
  roles JSONB NOT NULL,
  vote VARCHAR(16) NOT NULL CHECK (vote IN ('approve', 'reject')),
  reason TEXT NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  PRIMARY KEY (site_id, approval_id, user_id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, approval_id) REFERENCES approvals(site_id, id)
);
SELECT protect_table('approval_votes', 'site');
SELECT make_append_only('approval_votes');
GRANT SELECT, INSERT ON approval_votes TO wardline_app;

-- Holds as the appliances keep them: a drift that came back too often is left to a person. One is
-- active per drift and runbook; clearing ends a row for good, the next hold is a new one.
CREATE TABLE IF NOT EXISTS flap_suppressions (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  host_id VARCHAR(64) NOT NULL,
  incident_type VARCHAR(255) NOT NULL,
  runbook_id VARCHAR(255) NOT NULL,
  incident_id VARCHAR(64),
  suppressed_at TIMESTAMPTZ NOT NULL,
  reason TEXT NOT NULL,
  cleared_at TIMESTAMPTZ,
  cleared_by VARCHAR(255),
  clear_reason TEXT,
  CONSTRAINT flap_suppressions_end CHECK ((cleared_at IS NULL) = (cleared_by IS NULL)),
  UNIQUE (site_id, host_id, incident_type, runbook_id, suppressed_at),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id)
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_flap_suppressions_active
  ON flap_suppressions (site_id, host_id, incident_type, runbook_id) WHERE cleared_at IS NULL;
CREATE INDEX IF NOT EXISTS idx_flap_suppressions_partner
  ON flap_suppressions (partner_id, suppressed_at DESC, id DESC);
SELECT protect_table('flap_suppressions', 'told');
GRANT SELECT, INSERT, UPDATE (incident_id, cleared_at, cleared_by, clear_reason)
  ON flap_suppressions TO wardline_app;
