"""Decisions that count, beside the simulator: asked for, reserved, started, ended or released."""
