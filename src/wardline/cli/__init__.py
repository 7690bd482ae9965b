"""The wardline command."""
