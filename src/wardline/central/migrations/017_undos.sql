-- A run that ended well may be undone: orders that ask for it, and heals that ended so.

ALTER TABLE orders DROP CONSTRAINT IF EXISTS orders_kind_check;
ALTER TABLE orders ADD CONSTRAINT orders_kind_check
  CHECK (kind IN ('run_runbook', 'clear_hold', 'undo_run'));
-- One that is on its way is enough.
CREATE UNIQUE INDEX IF NOT EXISTS idx_orders_undo ON orders (site_id, incident_id)
  WHERE kind = 'undo_run' AND completed_at IS NULL;

-- The rules of core/evidence/claims.py, as in 015, with an end more.
ALTER TABLE incidents DROP CONSTRAINT IF EXISTS incidents_watch;
ALTER TABLE incidents ADD CONSTRAINT incidents_watch CHECK (watch IS NULL OR coalesce(CASE state
    WHEN 'healed' THEN watch ->> 'ended' IS NULL
    WHEN 'stable' THEN watch ->> 'ended' = 'stable'
    ELSE watch ->> 'ended' IN ('recurred', 'unproved', 'undone') END, false));
ALTER TABLE incident_heals DROP CONSTRAINT IF EXISTS incident_heals_ended_check;
ALTER TABLE incident_heals ADD CONSTRAINT incident_heals_ended_check
  CHECK (ended IN ('stable', 'recurred', 'unproved', 'undone'));
