"""What agent and central must agree on: pure, without I/O, clock or network."""
