"""Who calls: people with sessions and roles, appliances with credentials, Central's own keys."""
