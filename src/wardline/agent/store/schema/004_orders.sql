-- Orders as this appliance knows them. A row stays for as long as its order could be replayed.
CREATE TABLE IF NOT EXISTS orders (
  id TEXT PRIMARY KEY,
  kind TEXT,
  host_id TEXT,
  envelope TEXT,               -- as Central signed it; NULL where nothing under this id verified
  expires_at TEXT,
  state TEXT NOT NULL CHECK (
    state IN ('received', 'running', 'succeeded', 'failed', 'expired')),
  code TEXT,
  detail TEXT,
  attempts INTEGER NOT NULL DEFAULT 0,
  received_at TEXT NOT NULL,
  started_at TEXT,
  ended_at TEXT,
  reported TEXT,               -- the state that Central last answered for
  epoch INTEGER,               -- the bundle that tells of it
  seq INTEGER
);
CREATE INDEX IF NOT EXISTS idx_orders_waiting ON orders(received_at, id) WHERE state = 'received';
CREATE INDEX IF NOT EXISTS idx_orders_untold ON orders(id)
  WHERE state != 'received' AND reported IS NOT state;

-- A run is its own reservation: `released` gives back what a run that never began had taken.
ALTER TABLE runs ADD COLUMN order_id TEXT;
ALTER TABLE runs ADD COLUMN released INTEGER NOT NULL DEFAULT 0;

-- Which incident a hold escalated, why it was cleared, and which of its changes Central has.
ALTER TABLE flap_suppressions ADD COLUMN incident_id TEXT;
ALTER TABLE flap_suppressions ADD COLUMN clear_reason TEXT;
ALTER TABLE flap_suppressions ADD COLUMN changed_at TEXT;
ALTER TABLE flap_suppressions ADD COLUMN changes INTEGER NOT NULL DEFAULT 1;
ALTER TABLE flap_suppressions ADD COLUMN told INTEGER NOT NULL DEFAULT 0;
UPDATE flap_suppressions SET changed_at = coalesce(cleared_at, suppressed_at)
  WHERE changed_at IS NULL;

-- As which resolution pattern_stats has counted an incident; NULL while it has not.
ALTER TABLE incidents ADD COLUMN counted TEXT CHECK (counted IN ('L1', 'L2', 'L3'));
UPDATE incidents SET counted = resolution_level
  WHERE counted IS NULL
  AND state IN ('healed', 'escalated');
