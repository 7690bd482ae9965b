"""The jobs process: loops that must not die unseen, and their heartbeats."""
