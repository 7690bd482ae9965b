"""Puts the rules to start with into data/policies.db; what is there stays as it is."""

from wardline.cli.commands import policy_seed

policy_seed.seed()
