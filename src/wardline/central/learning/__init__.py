"""Learning: what runs come to per pattern and runbook, and promotions from L2 to L1."""
