"""What changed, told to open pages and programs while it happens."""
