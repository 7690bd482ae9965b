"""Signed evidence: bundles, logs, checkpoints and their verification."""
