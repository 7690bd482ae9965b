"""Everything that an appliance remembers: one SQLite file, and the key files beside it."""
