"""The audit log: what a record is, what it never shows, and how an export of it is verified."""
