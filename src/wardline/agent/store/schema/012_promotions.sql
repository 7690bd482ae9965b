-- What runs of a promoted remedy came to on this appliance, and where it went on no more.
CREATE TABLE IF NOT EXISTS promotion_trials (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  promotion_id TEXT NOT NULL,
  incident_id TEXT NOT NULL,
  mark TEXT NOT NULL,          -- names the trial within its incident
  run_id TEXT,
  canary INTEGER NOT NULL CHECK (canary IN (0, 1)),
  at TEXT NOT NULL,
  ended TEXT CHECK (ended IN ('stable', 'failed', 'recurred', 'undone', 'unproved')),
  ended_at TEXT,               -- NULL while its heal is watched
  place INTEGER,               -- in the order in which ends were recorded here
  UNIQUE (incident_id, mark)
);
CREATE INDEX IF NOT EXISTS idx_promotion_trials_ended
  ON promotion_trials(promotion_id, place) WHERE place IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_promotion_trials_run ON promotion_trials(run_id)
  WHERE run_id IS NOT NULL;

-- This appliance's own entry in the ledger of a promotion; it is never taken back.
CREATE TABLE IF NOT EXISTS promotion_stops (
  promotion_id TEXT PRIMARY KEY,
  stopped_at TEXT NOT NULL,
  reason TEXT NOT NULL
);
