"""One open drift, its kind, and what may answer it."""
