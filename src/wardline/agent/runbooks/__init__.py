"""The repairs, one YAML per runbook, and what reads and runs them."""
