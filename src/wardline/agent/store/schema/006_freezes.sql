-- What this appliance may do at all: Central's newest word, and what people froze right here.
CREATE TABLE IF NOT EXISTS mandates (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  envelope TEXT NOT NULL,      -- as Central signed it
  received_at TEXT NOT NULL
);

-- Rows stay as history: lifting ends one for good. `changes` counts what became of it, `told` is
-- how much of that Central has.
CREATE TABLE IF NOT EXISTS freezes (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  frozen_at TEXT NOT NULL,
  frozen_by TEXT NOT NULL,
  reason TEXT NOT NULL,
  lifted_at TEXT,              -- NULL = in force
  lifted_by TEXT,
  lift_reason TEXT,
  changes INTEGER NOT NULL DEFAULT 1,
  told INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX IF NOT EXISTS idx_freezes_in_force ON freezes(lifted_at IS NULL)
  WHERE lifted_at IS NULL;
