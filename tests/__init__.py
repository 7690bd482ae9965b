"""The tests of Wardline; each suite mirrors src."""
