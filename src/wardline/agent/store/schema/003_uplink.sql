-- What Central said and what was verified of it.
CREATE TABLE IF NOT EXISTS policies (
  only INTEGER PRIMARY KEY CHECK (only = 1),
  epoch INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  settings_revision INTEGER NOT NULL,
  digest TEXT NOT NULL,
  envelope BLOB NOT NULL,
  received_at TEXT NOT NULL
);

-- The largest checkpoint of each log that this appliance verified; it only ever grows.
CREATE TABLE IF NOT EXISTS witness (
  origin TEXT PRIMARY KEY,
  size INTEGER NOT NULL,
  root BLOB NOT NULL,
  note TEXT NOT NULL,
  verified_at TEXT NOT NULL,
  cosignature TEXT,            -- the line that is still to be returned
  cosignature_body TEXT
);

-- What a person must see; one row per thing that is wrong, until it is over.
CREATE TABLE IF NOT EXISTS alarms (
  code TEXT NOT NULL,
  subject TEXT NOT NULL,
  detail TEXT NOT NULL,
  first_at TEXT NOT NULL,
  last_at TEXT NOT NULL,
  times INTEGER NOT NULL DEFAULT 1,
  over_at TEXT,
  PRIMARY KEY (code, subject)
);

CREATE TABLE IF NOT EXISTS facts (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
);
