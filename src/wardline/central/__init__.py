"""Central Command: what runs at the partner."""
