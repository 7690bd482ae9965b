"""Incidents as evidence tells them: their latest state and the bundles behind it."""
