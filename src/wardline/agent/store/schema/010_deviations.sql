-- Accepted deviations whose date has come by this machine's clock, under the mandate that named them:
-- setting the clock back revives none, and a newer mandate that still names one knows better.
CREATE TABLE IF NOT EXISTS deviations_over (
  deviation_id TEXT NOT NULL,
  mandate_digest TEXT NOT NULL,
  over_at TEXT NOT NULL,
  PRIMARY KEY (deviation_id, mandate_digest)
);
