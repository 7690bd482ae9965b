-- What a person does about an incident: orders that change nothing, holds that people set, hand-overs.

ALTER TABLE orders ALTER COLUMN runbook_id DROP NOT NULL;
ALTER TABLE orders
  DROP CONSTRAINT IF EXISTS orders_kind_check,
  DROP CONSTRAINT IF EXISTS orders_runbook,
  ADD CONSTRAINT orders_kind_check
    CHECK (kind IN ('run_runbook', 'clear_hold', 'undo_run', 'set_hold', 'check_again', 'try_again')),
  ADD CONSTRAINT orders_runbook
    CHECK ((kind IN ('check_again', 'try_again')) = (runbook_id IS NULL));
-- One that is on its way is enough.
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_check_again ON orders (site_id, host_id, incident_type)
  WHERE kind = 'check_again' AND completed_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_try_again ON orders (site_id, incident_id)
  WHERE kind = 'try_again' AND completed_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_set_hold
  ON orders (site_id, host_id, incident_type, runbook_id)
  WHERE kind = 'set_hold' AND completed_at IS NULL;

-- Who set a hold, as its appliance says; NULL for the flap rule.
ALTER TABLE flap_suppressions ADD COLUMN IF NOT EXISTS set_by VARCHAR(255);

-- Into whose hands an incident was given, by whom, with what note; the newest stands. Names as they
-- were then, for people come and go.
CREATE TABLE IF NOT EXISTS incident_handovers (
  id VARCHAR(64) NOT NULL CHECK (id <> ''),
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  incident_id VARCHAR(64) NOT NULL,
  at TIMESTAMPTZ NOT NULL,
  by_user VARCHAR(64) NOT NULL,
  by_name VARCHAR(255) NOT NULL,
  to_user VARCHAR(64) NOT NULL,
  to_name VARCHAR(255) NOT NULL,
  note TEXT NOT NULL,
  PRIMARY KEY (site_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, incident_id) REFERENCES incidents(site_id, id),
  FOREIGN KEY (partner_id, by_user) REFERENCES users(partner_id, id),
  FOREIGN KEY (partner_id, to_user) REFERENCES users(partner_id, id)
);
CREATE INDEX IF NOT EXISTS idx_incident_handovers
  ON incident_handovers (site_id, incident_id, at DESC, id DESC);
SELECT protect_table('incident_handovers', 'site');
SELECT make_append_only('incident_handovers');
GRANT SELECT, INSERT ON incident_handovers TO wardline_app;
