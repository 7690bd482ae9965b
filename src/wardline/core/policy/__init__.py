"""Rules, the decisions they give, and why."""
