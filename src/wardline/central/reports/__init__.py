"""Read-only views across domains: the fleet's overview and the status."""
