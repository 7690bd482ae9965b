"""Accepted deviations: who lives with which failing state, until when, and how it stands there."""
