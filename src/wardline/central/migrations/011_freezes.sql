-- The kill switch: who froze a partner, a site or, on the spot, an appliance; and who obeys.

-- Rows stay as history: lifting ends one for good, the next freeze is a new one. Without a site it
-- is the whole partner's; with an appliance it was set there, by a person of its own, and only told.
-- Names stand beside user ids, for an appliance reads no users.
CREATE TABLE IF NOT EXISTS freezes (
  id VARCHAR(64) PRIMARY KEY CHECK (id <> ''),
  partner_id VARCHAR(64) NOT NULL REFERENCES partners(id),
  site_id VARCHAR(64),
  appliance_id VARCHAR(64),
  frozen_at TIMESTAMPTZ NOT NULL,
  frozen_by VARCHAR(255) NOT NULL,
  frozen_by_name VARCHAR(255) NOT NULL,
  reason TEXT NOT NULL,
  lifted_at TIMESTAMPTZ,
  lifted_by VARCHAR(255),
  lifted_by_name VARCHAR(255),
  lift_reason TEXT,
  CONSTRAINT freezes_place CHECK (appliance_id IS NULL OR site_id IS NOT NULL),
  CONSTRAINT freezes_end CHECK ((lifted_at IS NULL) = (lifted_by IS NULL)
    AND (lifted_at IS NULL) = (lifted_by_name IS NULL)
    AND (lifted_at IS NULL) = (lift_reason IS NULL)),
  UNIQUE (partner_id, id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id)
);
-- One in force for each of the three.
CREATE UNIQUE INDEX IF NOT EXISTS idx_freezes_partner_in_force ON freezes (partner_id)
  WHERE site_id IS NULL AND lifted_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_freezes_site_in_force ON freezes (site_id)
  WHERE appliance_id IS NULL AND lifted_at IS NULL;
CREATE UNIQUE INDEX IF NOT EXISTS idx_freezes_told ON freezes (site_id, appliance_id, frozen_at)
  WHERE appliance_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS idx_freezes_place ON freezes (partner_id, site_id);
CREATE INDEX IF NOT EXISTS idx_freezes_newest ON freezes (partner_id, frozen_at DESC, id DESC);
SELECT protect_table('freezes', 'partner');
-- An appliance reads what stops it and writes only what was frozen at itself.
DROP POLICY IF EXISTS own_site ON freezes;
CREATE POLICY own_site ON freezes FOR SELECT TO wardline_app
  USING (partner_id = (SELECT scope_site_partner())
    AND (site_id IS NULL OR site_id = (SELECT scope_site())));
DROP POLICY IF EXISTS own_site_insert ON freezes;
CREATE POLICY own_site_insert ON freezes FOR INSERT TO wardline_app
  WITH CHECK (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL);
DROP POLICY IF EXISTS own_site_update ON freezes;
CREATE POLICY own_site_update ON freezes FOR UPDATE TO wardline_app
  USING (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL)
  WITH CHECK (partner_id = (SELECT scope_site_partner()) AND site_id = (SELECT scope_site())
    AND appliance_id IS NOT NULL);
SELECT open_to_jobs('freezes');
GRANT SELECT, INSERT, UPDATE (lifted_at, lifted_by, lifted_by_name, lift_reason)
  ON freezes TO wardline_app;
GRANT SELECT (id, partner_id, site_id, appliance_id, lifted_at) ON freezes TO wardline_jobs;

-- Which appliance said that it obeys a freeze, and when it said that it does no more.
CREATE TABLE IF NOT EXISTS freeze_confirmations (
  site_id VARCHAR(64) NOT NULL,
  partner_id VARCHAR(64) NOT NULL,
  appliance_id VARCHAR(64) NOT NULL,
  freeze_id VARCHAR(64) NOT NULL,
  confirmed_at TIMESTAMPTZ NOT NULL,
  released_at TIMESTAMPTZ,
  PRIMARY KEY (site_id, appliance_id, freeze_id),
  FOREIGN KEY (site_id, partner_id) REFERENCES sites(id, partner_id),
  FOREIGN KEY (site_id, appliance_id) REFERENCES appliances(site_id, id),
  FOREIGN KEY (partner_id, freeze_id) REFERENCES freezes(partner_id, id)
);
CREATE INDEX IF NOT EXISTS idx_freeze_confirmations_held
  ON freeze_confirmations (partner_id, freeze_id) WHERE released_at IS NULL;
SELECT protect_table('freeze_confirmations', 'told');
GRANT SELECT, INSERT, UPDATE (confirmed_at, released_at) ON freeze_confirmations TO wardline_app;

-- Whether anything may run on an appliance; without one, at a site; without that, of a partner.
CREATE OR REPLACE FUNCTION is_frozen(of_partner TEXT, of_site TEXT, of_appliance TEXT)
RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog, public, pg_temp AS $$
  SELECT EXISTS (SELECT FROM public.freezes f
    WHERE f.partner_id = of_partner AND f.lifted_at IS NULL
      AND (f.site_id IS NULL OR f.site_id = of_site)
      AND (f.appliance_id IS NULL OR f.appliance_id = of_appliance))
$$;
REVOKE EXECUTE ON FUNCTION is_frozen(TEXT, TEXT, TEXT) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION is_frozen(TEXT, TEXT, TEXT) TO wardline_app, wardline_jobs;

-- An order that expired because nothing might run says so.
GRANT SELECT (appliance_id, kind) ON orders TO wardline_jobs;
