"""Decisions that count limits, cooldowns and locks: made, reserved, started, ended or released."""
