"""L2: plans for drifts that no remedy of L1 answers any more."""
