-- How many rules each revision of a policy added, changed and removed, counted as it is written.

CREATE TABLE IF NOT EXISTS policy_revision_counts (
  partner_id VARCHAR(64) NOT NULL,
  revision BIGINT NOT NULL,
  added BIGINT NOT NULL,
  changed BIGINT NOT NULL,
  removed BIGINT NOT NULL,
  PRIMARY KEY (partner_id, revision),
  FOREIGN KEY (partner_id, revision) REFERENCES policy_revisions(partner_id, revision)
);
SELECT protect_table('policy_revision_counts', 'partner');
GRANT SELECT ON policy_revision_counts TO wardline_app;

CREATE INDEX IF NOT EXISTS idx_policy_rule_versions_revision
  ON policy_rule_versions (partner_id, revision);

-- It runs as the owner, so that nobody who serves can write a count. A statement may write a part
-- of a revision: what goes is written after what comes.
CREATE OR REPLACE FUNCTION count_policy_changes() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO public.policy_revision_counts AS held
    (partner_id, revision, added, changed, removed)
  SELECT v.partner_id, v.revision,
    count(*) FILTER (WHERE earlier.body IS NULL AND v.body IS NOT NULL),
    count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NOT NULL
      AND earlier.body - 'revision' <> v.body - 'revision'),
    count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NULL)
  FROM fresh v LEFT JOIN LATERAL (
    SELECT p.body FROM public.policy_rule_versions p
    WHERE p.partner_id = v.partner_id AND p.rule_id = v.rule_id AND p.revision < v.revision
    ORDER BY p.revision DESC LIMIT 1) earlier ON true
  GROUP BY v.partner_id, v.revision
  ON CONFLICT (partner_id, revision) DO UPDATE SET added = held.added + excluded.added,
    changed = held.changed + excluded.changed, removed = held.removed + excluded.removed;
  RETURN NULL;
END
$$;
REVOKE EXECUTE ON FUNCTION count_policy_changes() FROM PUBLIC;

DROP TRIGGER IF EXISTS count_changes ON policy_rule_versions;
CREATE TRIGGER count_changes AFTER INSERT ON policy_rule_versions
  REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION count_policy_changes();

-- What was written before there were counts.
INSERT INTO policy_revision_counts (partner_id, revision, added, changed, removed)
SELECT v.partner_id, v.revision,
  count(*) FILTER (WHERE earlier.body IS NULL AND v.body IS NOT NULL),
  count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NOT NULL
    AND earlier.body - 'revision' <> v.body - 'revision'),
  count(*) FILTER (WHERE earlier.body IS NOT NULL AND v.body IS NULL)
FROM policy_rule_versions v LEFT JOIN LATERAL (
  SELECT p.body FROM policy_rule_versions p
  WHERE p.partner_id = v.partner_id AND p.rule_id = v.rule_id AND p.revision < v.revision
  ORDER BY p.revision DESC LIMIT 1) earlier ON true
GROUP BY v.partner_id, v.revision
ON CONFLICT (partner_id, revision) DO NOTHING;

-- What an appliance said of its policy: which one is in force, and which one it refused, and why.
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_epoch BIGINT;
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_revision BIGINT;
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_refused_digest VARCHAR(64);
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_refused_code VARCHAR(64);
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_refused_reason VARCHAR(1000);
ALTER TABLE appliances ADD COLUMN IF NOT EXISTS policy_refused_at TIMESTAMPTZ;

-- An epoch is an instant in seconds, which is beyond an INTEGER one day.
ALTER TABLE policy_heads ALTER COLUMN epoch TYPE BIGINT;
