"""Approvals: what an appliance asks before it runs, and the people who say yes or no."""
