"""Backups of a policy: a folder of policy files, and the way back from one, for every store."""
