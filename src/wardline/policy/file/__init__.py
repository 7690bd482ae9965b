"""A policy file as a store of rules: one SQLite database that serves, and that backups are of."""
