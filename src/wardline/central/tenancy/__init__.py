"""Sites of a partner: their name, zone, opening hours, and whether they heal."""
