-- Who set a hold: a user's id or `appliance:<account>`; NULL for the flap rule.
ALTER TABLE flap_suppressions ADD COLUMN set_by TEXT;
