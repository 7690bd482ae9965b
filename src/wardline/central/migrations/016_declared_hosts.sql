-- A host may be on the list though nothing reaches it yet, such as one of Windows.

ALTER TABLE hosts DROP CONSTRAINT IF EXISTS hosts_kind_check;
ALTER TABLE hosts ADD CONSTRAINT hosts_kind_check
  CHECK (kind IN ('local', 'tree', 'ssh', 'declared'));
