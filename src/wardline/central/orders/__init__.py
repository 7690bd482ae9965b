"""Orders: one signed instruction to one appliance, from its issue to its named end."""
