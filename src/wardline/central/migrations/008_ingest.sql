-- Where evidence arrives: rows that are updated in place stay on their page, and what an incident
-- tells is kept in line instead of being compressed.

ALTER TABLE evidence_streams SET (fillfactor = 50);
ALTER TABLE evidence_log_heads SET (fillfactor = 50);
ALTER TABLE latest_results SET (fillfactor = 70);
ALTER TABLE incidents SET (toast_tuple_target = 8160);

-- What an appliance says that it saw is nobody's proof; what it cosigned is evidence_cosignatures.
ALTER TABLE appliances DROP COLUMN IF EXISTS witnessed_size;

-- A link is written in the statement after its incident's, in one transaction, and neither is ever
-- deleted; checking it once more cost a look-up per row, through the wrong one of two indexes that
-- hold both columns until the table is first analysed. The other index loses the column that its
-- order did not serve.
ALTER TABLE incident_bundles
  DROP CONSTRAINT IF EXISTS incident_bundles_site_id_incident_id_fkey;
DROP INDEX IF EXISTS idx_incidents_site;
CREATE INDEX IF NOT EXISTS idx_incidents_site ON incidents (site_id, created_at DESC);
