"""What the policy manager tells authors of their rules: flaws, and when rules are open."""
