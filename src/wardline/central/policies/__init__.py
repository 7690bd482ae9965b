"""The partner's rules: list, write, simulate; every write an immutable revision."""
