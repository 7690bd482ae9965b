"""Every request that an appliance makes, and the one transaction each of them is."""
